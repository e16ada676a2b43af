"""What a buyer tells the shop in time: why an order waits, that another thing came, how a parcel fares.

What a newcomer gets wrong: words cost nothing. They say that there may be another side to a matter and prove
nothing of it, so whoever reads them may think less ill of it, and never lets go of it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping
from typing import Final

from streams.detect.text.amounts import Amount, amounts
from streams.detect.text.context import is_denied
from streams.detect.text.extortion import OWN_MONEY
from streams.detect.text.mischief import is_lie

_SOME = r"[^,。!?;]"
# Why orders wait for their payment, or were placed anew.
_UNPAID = re.compile(
    r"付不了?(?:款|钱|了|成功)|付不(?:上|出去)|(?:付款|支付)(?:总是?|一直|老是?|都|也|又|显示|提示){0,2}(?:失败|不了|不上|不成功|异常|被拒)"
    rf"|(?:银行卡?|信用卡|花呗|[的张]卡|余额|额度|零钱|支付宝|微信|单日|每日){_SOME}{{0,6}}?(?:限额|超限|超额|不足|不够|用不了|刷不了|失败|被拒|冻结|受限)|(?:超过?|到)了?限额|限额了"
    rf"|代付|(?:晚[点些上]|等[会下一]|一会儿?|稍后|明[天早]|今晚|下午|下班|回家|周[一二三四五六日天末]|收齐|凑齐|审批|财务|老板|报销|流程|[改调](?:好|完|了)){_SOME}{{0,12}}?(?:再|就|来|才|后|统一)?(?:付款|付钱|支付|再付|才付|打款|付(?=$|[,。!?;]))"
    rf"|重新?(?:拍|下单|下一单|买一?单)|再(?:拍|下)一?[单次]|(?:拍|买|下|点)(?:单)?[错重](?!误)|下错了?单|重复(?:下单|拍|点|提交)|多(?:拍|点|下)了"
    rf"|地址(?:写|填|选|留)?错|(?:没用上?|忘了?用|用错|没领){_SOME}{{0,4}}?(?:券|优惠|红包|满减)|(?:前面|之前|刚才|那[几两]|多余){_SOME}{{0,8}}?(?:不要了|取消|关[掉闭]|不付)"
)
_EN_UNPAID = re.compile(
    r"\b(?:card|payment|paypal|bank|transfer)\b[^.!?;。]{0,20}?"
    r"\b(?:declined|refused|rejected|fail(?:s|ed|ing)?|blocked|not (?:go(?:ing)? through|work)|limit)\b"
    r"|\b(?:can(?:not|[’']t)|could(?: not|n[’']t)|unable to) (?:pay|check ?out)\b"
    r"|\b(?:will|[’']ll|going to) pay\b"
    r"|\border(?:ed)? (?:it |them )?(?:again|twice|by mistake)\b"
    r"|\bwrong (?:address|size|quantity)\b|\bforgot (?:the |my )?(?:coupon|voucher|code)\b"
)
# Another thing or too little came: as a reason of a refund has it, and in the words of chats.
_SENT_WRONG = re.compile(
    rf"[发寄装配拿][错混]|错[发寄装拿]|[漏少][发寄装放件]|(?:只|才|就)(?:收到|有|来了){_SOME}{{0,4}}?[\d一两二三四五六七八九十]|少了?[\d一两二三四五六七八九十几]+[件个只瓶包盒袋双条套]"
    rf"|缺(?:件|配件|了|[\d一两二三])|不是我(?:要|买|拍|订|选)的|(?:颜色|尺码|型号|款式|规格|口味)(?:都)?(?:不对|错了|发错|不是)|跟我?(?:买|拍|订|下单)的不(?:一样|同)|货不对板"
)
_EN_SENT_WRONG = re.compile(
    r"\bwrong (?:item|one|colou?r|size|product|model|thing)\b|\bmissing (?:items?|parts?|pieces?)\b"
    r"|\b(?:one|two|three|\d) (?:items? |pieces? )?(?:is|are|was|were) missing\b"
    r"|\bnot what i ordered\b"
)
# What befell a parcel, or why nobody can take it.
_PARCEL = re.compile(
    rf"(?:盒|箱|包装|包裹|袋子|外包){_SOME}{{0,6}}?(?:压|破|烂|湿|坏|变形|拆[过开]|打开|漏|碎)|(?:没|没有|从来?没|根本没|都没|未)(?:人)?(?:给我|跟我|有)?(?:打(?:过)?电话|联系|通知|派送|送来|送到|送货|拒收|拒签|接到|收到{_SOME}{{0,3}}(?:电话|通知|短信))"
    rf"|不是我(?:拒[收签]|退)|(?:帮我?|麻烦|请|能不能|可以|想){_SOME}{{0,4}}?(?:拦截|截回|追回)|不在家|出差|在外地|收不了|没法收|没人收|不方便收"
    rf"|等(?:太久|不及|了{_SOME}{{0,4}}天)|太慢了|赶不上|来不及|(?:[还都]|一直|怎么)[还都]?没(?:有)?(?:到|收到|送)"
)
_EN_PARCEL = re.compile(
    r"\b(?:box|parcel|package)\b[^.!?;。]{0,15}?\b(?:crushed|damaged|broken|torn|wet|open(?:ed)?)\b"
    r"|\b(?:never|did not|didn[’']t|nobody)\b[^.!?;。]{0,12}?"
    r"\b(?:called?|rang|refused?|delivered|came|contacted)\b"
    r"|\b(?:too late|not at home|away from home|out of town)\b"
    r"|\b(?:still (?:has not|hasn[’']t|not) (?:arrived|come))\b"
)
# A sum beside one of these is told as one's own: paid twice, laid out, taken too much, not given back.
_OWN_SUM = re.compile(
    rf"{OWN_MONEY.pattern}|少退|没有?(?:给我)?退|多[付转交收扣]|到付|[没未]到账|我垫|垫(?:付|的|了?\s?\d)|差价|(?:修|换|补|寄){_SOME}{{0,6}}?花了?"
)
_BESIDE = 8
# By the name that a fact has for it: what says so, in Chinese and in English.
KINDS: Final[Mapping[str, tuple[re.Pattern[str], re.Pattern[str]]]] = {
    "unpaid": (_UNPAID, _EN_UNPAID),
    "sent_wrong": (_SENT_WRONG, _EN_SENT_WRONG),
    "parcel": (_PARCEL, _EN_PARCEL),
}


def kinds(folded: str, *, is_english: bool = False) -> tuple[str, ...]:
    """Which of `KINDS` a folded message tells; not what is denied, or only going to be said of goods."""
    if is_english:
        return tuple(name for name, (_, english) in KINDS.items() if english.search(folded))
    return tuple(
        name
        for name, (chinese, _) in KINDS.items()
        if any(
            not is_lie(folded, found.start()) and not _is_denied(folded, found)
            for found in chinese.finditer(folded)
        )
    )


def _is_denied(folded: str, found: re.Match[str]) -> bool:
    # 「是不是发错了」 denies nothing, and neither does 「不在家」 where it is the word itself.
    return is_denied(folded, found.start()) and not folded.endswith("是不是", 0, found.start())


def own_money(folded: str) -> int:
    """The largest sum that the buyer tells to be its own, in fen; 0 for none."""
    told = list(_OWN_SUM.finditer(folded))
    ends = [found.end() for found in told]

    def is_beside(amount: Amount) -> bool:
        first = bisect_left(ends, amount.start - _BESIDE)
        return first < len(told) and told[first].start() <= amount.end + _BESIDE

    return max((amount.fen for amount in amounts(folded) if is_beside(amount)), default=0)
