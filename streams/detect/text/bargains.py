"""Bargains under a threat: what a shop is to give so that something does not befall it, in any words.

The lists of extortion.py hold words that say enough by themselves. Most extortion is put in ordinary
words, of which none says anything alone; only a harm, a gain and what ties them do.
What a newcomer gets wrong: honest messages are full of all three. What is wrong with the goods, what
others did, quotations and prices speak against it, and each of them ends the search.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

from streams.detect.text.amounts import MAX_AMOUNTS, Amount, amounts
from streams.detect.text.context import is_demanded, is_reported
from streams.detect.text.extortion import CLAIM, IS_PRICE, haggles, is_small_change
from streams.detect.text.lexicon import Hit, unmasked

# In a long message the parts must stand together.
_NEAR = 60
# So many of each are put together: 8,000 characters hold hundreds.
_MOST_OF_A_KIND = 12
# What ties them may stand so far before the first or behind the last.
_BESIDE = 16
_GIVE = (
    "给发转打汇付赔掏拿出送寄返退补交还续充塞免分畀封搞弄整谈表赏凑买缴回选来过见行停捐懂肯愿理"
    "升借咨赞润派让收安签到v"
)
# 「不转」, 「没有红包的话」, 「意思不到」, 「过时不候」: what follows if nothing is given.
_UNLESS = (
    rf"(?:不|没有?|冇|唔|勿|未|莫|别)(?![给肯能让]{{0,2}}退)(?:[^,。!?;\s]{{0,3}}?)(?:[{_GIVE}]|答应|方便|同意|识做)(?![评了])"
    r"|(?:没有?|冇|少了|不够|低于|不到|收不到|没收到|没到账|见不到)(?:的话|红包|心意|诚意|表示|钱|利是|就|那|\d|动静)"
    r"|(?:没有|不是|不想)[?,]|舍不得|小气|抠|嫌贵|谈不拢|拒绝|敢说不|装(?:死|傻|没)|再拖|别开口|过时不候|过了今|等你.{0,2}分钟|硬气|[前内]未|逾期|为难|不便|时间到|倒数|倒计时|最后.{1,4}[分点]|晚一[分秒]"
)
# 「不退我就投诉」 waits for a refund: no bargain, unless nothing is wrong.
_NO_REFUND = re.compile(r"(?:不|没)[给肯能让]{0,2}退")
# 「不然换别家」, 「不然赶不上生日」: what follows then befalls the buyer alone.
_HARMLESS = (
    r"(?:[我俺咱]们?|只好|只能|就|又|要|我妈|他){0,3}(?:[换找去].{0,2}(?:别|其他|另)|别家|其他家"
    r"|不买|不要了|退货|过期|来不及|赶不上|用不了|不放心|再想想|再考虑)"
)
# Or else, by way of a choice, and by what people say who leave the rest unsaid.
_OR_ELSE = (
    rf"(?:否则|不然|要不(?!要))(?!{_HARMLESS})"
    r"|勿然|唔系我|要么|还是|再不(?!退)|或者|二选一|后果|等着|等住|[别莫休]怪|掂量|看着办|自己算|算算|会算|乖乖|斟酌"
    r"|想清楚|想想|谂清楚|你选|选吧|选一个|两个方案|后悔|考虑|信不信|受得了|识相|懂事|懂的|懂规矩|懂我|你懂|劝你|看你|看诚意|就看|总好过|免得|省得|省点事|不想就"
    r"|大家方便|大家都好|只能|只好|也好|你损失|=|多少钱|值多少|由你|随你|试试|想不想|打听|挑一个|你挑|哪边|走哪个|两条路|划算|你拣|自己评估|想被|逼我"
)
_TIE = re.compile(f"{_UNLESS}|{_OR_ELSE}")
# Those that leave no doubt: all that a mere hint of harm has on its side.
_FIRM_TIE = re.compile(
    r"(?:不|没|冇|唔|勿|未)[^,。!?;\s]{0,1}(?:给|发|转|汇|付|掏|拿|送|寄|返|充|交|升|免|同意|答应|表示|到账|识做)(?![评了货])|意思不到|诚意|没有的话|过时不候"
    rf"|(?:否则|不然|要不(?!要))(?!{_HARMLESS})"
    r"|勿然|要么|再不(?!退)|二选一|懂的|懂规矩|你懂|掂量|你选|选吧|或者|还是|逼我|试试|好看|就(?:不|删|撤|当没)|舍不得|谈不拢|收不到|没有我就|不理|看着办|自己算|后果自负"
    r"|我就(?:发|写|去|打|点|上|找|说|告|继续|天天|直接)"
)
# What the buyer lets go of once it is given. Beside a mere hint of harm that is too little.
_LET_GO = re.compile(
    r"就(?:不|改|算|当|取消|收|停|忘|没事|走)|[我俺]就?(?:不|改|取消|闭|忘|啥也不|也不)"
    r"|删|撤|两清|各走|当没|好聚好散|翻篇|闭嘴|高抬贵手|消停|收手|停手|放过|清净|不动你|不搞|换.{0,3}[星消]|不投|不举报|不去|保你|了结|压下来|划掉|免打扰|反水|不存在"
    r"|相安无事|作废|既往不咎|一笔勾销|井水不犯|皆大欢喜|和气生财|要停|消失"
)
# What is wrong with goods or parcel, beyond the reasons of extortion.py: a claim, whatever else is said.
_FAULT = re.compile(
    r"扁|关不|歪|晃|臭|疹|红了一?片|用不|激活码|不震|尺寸(?!.{0,2}合适)|湿(?!哒哒的)|松了|毛边|脱|粘|潮|二手的?[^,。]{0,4}(?:给我|发)"
    r"|少[^,。!?;]{0,2}[斤两克]|充[^,。!?;]{0,6}[没未]到"
    r"|药膏|看病|[返维]?修|裁缝|电工|返工|搬(?!砖)|不准|轮子|掉了?[一两几\d][只个颗]|工期|客人都走|颜色(?!.{0,2}[好对])|味道不对|不对版|拖到|晚到|自己去|疤|称了|实测|检测"
)
# Who says that nothing is wrong has no claim, and no refund either.
_NO_FAULT = re.compile(
    r"没(?:有)?(?:任何|什么|啥)?(?:毛病|问题)|货[也都]?没[坏错]|(?:东西|货|质量)[^,。!?;]{0,3}(?:不错|很?好|挺好|满意)|很满意|没啥理由|不是质量"
)
# What is one's own and was not handed out: sums that were paid, earned, won or lent, and pictures.
_OWED = re.compile(
    r"回收|换新|国补|转回|还没[付结]|没结|砍单|抢到|积分[^,。!?;]{0,4}[兑换没不]|提现|兑换|充的(?!话)|(?<!删)稿费|货款|工资|尾款|付了?定金|定金[^,。!?;]{0,6}退|[用盗]了?我[^,。!?;]{0,4}(?:照片|图|作品)"
)
# Told of others, or made up.
_STORY = re.compile(
    r"有人|有个(?:人|买家|客人)|[这那]种(?:人|买家)|(?:朋友|同事|邻居|老婆|老公|我[妈爸弟姐哥]|闺蜜|儿子|女儿|财务|学校|公司|单位).{0,6}(?:问|非|要求|规定)"
    r"|人家(?!当)|快递员?说|骑手|师傅|驿站|短信|冒充|骗子(?!店)|诈骗|作业|论文|段子|剧本|小说|电影|新闻(?!再)|听说|公告|你们客服|客服(?:说|让|答应)|主播说|弹窗|闹着玩"
    r"|之前那家|上次(?:那家|给我)|谢谢?(?:了|你们|您)的|问我要|找我说|不至于|良心|万一|遇到过|被(?:人|职业|敲|讹|骗)"
)
# Who offers work or asks for a price names what else only hints at harm: 抖音, 视频, 测评.
_BUSINESS = re.compile(
    r"不(?:合作|方便|可以|行|能|接受)?也(?:没关系|没事|行|可以|理解)|够[吗不么]|怎么(?:收费|合作)|[要是]多少钱|收费标准|寄样|样品|我就不买|去[他别]家"
)
# 「转五百,不转我就…」 is said to somebody's face. A word of thanks or of couriers does not excuse it; that
# somebody tells of others does.
_TO_THE_FACE = re.compile(
    r"[^,。!?;]{0,4}[,。!?;]?\s?不[给转打发付汇掏拿v](?:的话|钱|我)?,?(?:就|马上|今晚|明[天早]|后天|立刻|直接){0,2}(?:[我俺](?!就?(?:不买|去[他别]家))|老子|让你|把你|\w{1,4}见)"
)
_TOLD_OF = re.compile(
    r"有人|有个|[这那]种|人家|冒充|骗子|诈骗|听说|新闻(?:里|上|说)|遇到|那家|上次|被(?:人|敲|讹|骗)|说好|答应(?:了|过)|(?:客服|主播)[说让答]"
)
# What the shop said that it would give may be claimed.
_PROMISED = re.compile(
    r"说好|(?<!不)答应(?:了|过|我|的)|承诺|卡片|兑现|(?:明明|页面|[上里礼])写[着的]|中奖了?(?:说|送|[^,。!?;]{0,3}没)|抽[中到]"
)
# In its clause a sum is handed over, or it stands alone.
_HANDED = re.compile(
    r"[转汇掏付交充整凑v畀]|打(?![分星差一开])|发(?!货|票|现|快递)|给(?![你您])|拿|出(?!来就)|来(?![得不])|要(?![是么不])|收(?![到货])|封口|好处|买断|买个|买来?平安|一口价|私了|和解|换|费|赏|低于|以下|起码|最少|至少|到账"
    r"|[或进]|只|算你|保|不投|结|少一分|图个|过|报价|停手|一单|一条|每[单条]|[xr]$"
)
# 「赔我十块红包」.
_AS_COMPENSATION = re.compile(r"[赔补退]")
# Money that goes back or that goods cost.
_RETURNED = re.compile(r"退|赔|补|返|报销")
_PRICED = re.compile(
    r"差价|便宜|优惠|券|减|折(?!扣价)|运费|邮费|价保|降|涨|原价|卖|买一|花了|付了|块的|元的|充了|货到|到付|多收|押|租|保证金|罚|最低"
)
_ALONE = re.compile(
    r"[吧呗啊哈呀嘛哦了就那我你要的多少分也不别跟讲一口价块元钱两俺咱行先共现在今晚个]*"
)
_COUNTED = re.compile(
    r"\s?[多来几]?(?:单|号|字|人|粉|家|星|位|名|群|笔|趟|款|级|岁|楼|期|年|月|天|点|个|条|份|万粉|杯|斤|倍|响|送|抽|加|毫|分|方|版)"
)
_OF_TIME = re.compile(r":\d|房|楼")
_SETTLING = ("私", "和解", "要钱")
_SMALLEST_FEN = 1000
_CLAUSE_END = re.compile(r"[,。!?;:、\s]")
_LONGEST_CLAUSE = 30
_I_DID = re.compile(r"我(?:已经|都|刚|也)?$")
# 「我不会给差评的」, but not 「不V差评」: whoever sells not doing it says so.
_DENIED = re.compile(
    r"(?:不会|从来不|从不|没有?|不想(?![被让看])|不打算|不是|不值得|不至于|不敢|不忍|懒得|无需|谁说)[^,。!?;就]{0,4}$"
)


def bargain(folded: str, hits: Sequence[Hit], has_reason: bool) -> tuple[list[Hit], int]:
    """The threats and demands that make a bargain together, and the largest sum asked for, in fen.

    `has_reason` is whether the buyer says what is wrong or what a rule says. Nothing where any part is
    missing. Cost: nothing for a message that names no harm.
    """
    harms = [hit for family in ("harm.", "hint.") for hit in unmasked(hits, family, "mask.threat")]
    if not harms:
        return [], 0
    is_flawless = _NO_FAULT.search(folded) is not None
    if not is_flawless and (has_reason or _FAULT.search(folded) or _OWED.search(folded)):
        return [], 0
    found = list(islice(amounts(folded), MAX_AMOUNTS))
    is_to_the_face = any(_TO_THE_FACE.match(folded, amount.end) for amount in found)
    if _is_told(folded, is_to_the_face):
        return [], 0
    harms = _announced(folded, harms, is_to_the_face)
    if not harms:
        return [], 0
    gains = [
        hit
        for hit in unmasked(hits, "gain.", "mask.demand")
        if _is_wanted(folded, hit) and _is_near(harms, hit.start, hit.end)
    ][:_MOST_OF_A_KIND]
    sums = [
        amount
        for amount in found
        if _is_asked_for(folded, amount, is_flawless)
        and is_demanded(folded, amount.start, amount.end)
        and _is_near(harms, amount.start, amount.end)
    ][:_MOST_OF_A_KIND]
    code = CLAIM if is_small_change(sums) else "demand.money"
    asked = [Hit(code, amount.start, amount.end) for amount in sums]
    wanted = [*gains, *asked]
    ties = (_TIE, _LET_GO, _NO_REFUND) if is_flawless else (_TIE, _LET_GO)
    harms = [harm for harm in harms if any(_are_tied(folded, harm, gain, ties) for gain in wanted)]
    if not harms:
        return [], 0
    bargained = [hit._replace(code=f"threat.{hit.code.partition('.')[2]}") for hit in harms]
    bargained += [
        hit._replace(code="demand.money" if hit.code == "gain.money" else "demand.soft")
        for hit in gains
    ]
    bargained += asked
    return bargained, max((amount.fen for amount in sums), default=0)


def _announced(folded: str, harms: Sequence[Hit], is_to_the_face: bool) -> list[Hit]:
    """The harms that are meant; hints only where nothing says more, and not of who offers work."""
    meant = [
        hit
        for hit in harms
        if not is_reported(folded, hit.start, hit.end)
        # 「我评价了」 hints at nothing any more.
        and not (
            hit.code.startswith("hint.")
            and _I_DID.search(folded[max(0, hit.start - 4) : hit.start])
            and folded.startswith("了", hit.end)
        )
        and not _DENIED.search(folded[max(0, hit.start - 9) : hit.start])
    ]
    firm = [hit for hit in meant if hit.code.startswith("harm.")]
    if not firm and not is_to_the_face and _BUSINESS.search(folded):
        return []
    return (firm or meant)[:_MOST_OF_A_KIND]


def _is_told(folded: str, is_to_the_face: bool) -> bool:
    """Whether the message tells of others or of what was promised, and says it to nobody's face."""
    if not (_STORY.search(folded) or _PROMISED.search(folded)):
        return False
    return _TOLD_OF.search(folded) is not None or not is_to_the_face


def _are_tied(folded: str, harm: Hit, gain: Hit, ties: Sequence[re.Pattern[str]]) -> bool:
    """Whether something about the two says that one comes if the other does not."""
    start, end = min(harm.start, gain.start) - _BESIDE, max(harm.end, gain.end) + _BESIDE
    if harm.code.startswith("hint."):
        return _FIRM_TIE.search(folded, max(0, start), end) is not None
    return any(tie.search(folded, max(0, start), end) for tie in ties)


def _is_wanted(folded: str, gain: Hit) -> bool:
    """As `is_demanded`; 「不出点血」 says what is wanted as well, but 「不私了」 wants nothing."""
    start, end = gain.start, gain.end
    if haggles(folded, start, end, back=16) or _AS_COMPENSATION.search(
        folded, max(0, start - 6), start
    ):
        return False
    if folded.endswith("不", 0, start) and not folded.startswith(_SETTLING, start):
        return not is_reported(folded, start, end)
    return is_demanded(folded, start, end)


def _is_near(harms: Sequence[Hit], start: int, end: int) -> bool:
    return any(max(hit.start, start) - min(hit.end, end) <= _NEAR for hit in harms)


def _is_asked_for(folded: str, amount: Amount, is_flawless: bool) -> bool:
    """Whether a sum is to be handed over, by the clause that it stands in."""
    if amount.fen < _SMALLEST_FEN or _COUNTED.match(folded, amount.end):
        return False
    if _OF_TIME.match(folded, amount.end) or folded.endswith(":", 0, amount.start):
        return False
    first = max(0, amount.start - _LONGEST_CLAUSE)
    begin = max((m.end() for m in _CLAUSE_END.finditer(folded, first, amount.start)), default=first)
    last = min(len(folded), amount.end + _LONGEST_CLAUSE)
    end = _CLAUSE_END.search(folded, amount.end, last)
    before, after = folded[begin : amount.start], folded[amount.end : end.start() if end else last]
    clause = f"{before} {after}"
    if _PRICED.search(clause) or IS_PRICE.match(folded, amount.end):
        return False
    if _RETURNED.search(clause):
        return is_flawless
    if _ALONE.fullmatch(before) and _ALONE.fullmatch(after):
        return True
    return _HANDED.search(before[-6:]) is not None or _HANDED.search(after[:6]) is not None
