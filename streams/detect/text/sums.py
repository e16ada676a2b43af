"""Which sums are asked for: by the clause that they stand in they are to be handed over, and not a price.

What a newcomer gets wrong: most numbers are none. Prices, refunds, counts and times are told apart here;
whether the sum belongs to a bargain is for bargains.py to say.
"""

from __future__ import annotations

import re

from streams.detect.text.amounts import Amount
from streams.detect.text.extortion import IS_PRICE, SMALL_CHANGE_FEN

# In its clause a sum is handed over, or it stands alone.
_HANDED = re.compile(
    r"[转汇掏付交充整凑v畀]|打(?![分星差一开])|发(?!货|票|现|快递)|给(?![你您])|拿|出(?!来就)|来(?![得不])|要(?![是么不])|收(?![到货])|封口|好处|买断|买(?:个|来)?(?:平安|清净|清静|安心|太平|我?闭嘴|走)|一口价|私了|和解|换|费|赏|低于|以下|起码|最少|至少|到账"
    r"|[或进]|只|算你|保|不投|结|少一分|图个|过|报价|停手|一单|一条|每[单条]|[xr]$"
)
# Money that goes back or that goods cost.
_RETURNED = re.compile(r"退|赔|补|返|报销")
# 「再补我100」, on top of whatever else: a claim at most.
_ON_TOP = re.compile(r"(?:再|另外?|额外|外加|此外)[^,。!?;]{0,4}[赔补返]|精神|愉悦")
_PRICED = re.compile(
    r"差价|便宜|优惠|券|减|折(?!扣价)|运费|邮费|价保|降|涨|原价|卖|买一|花了|付了|块的|元的|充了|货到|到付|多收|押|租|定金|保证金|罚|最低|材料|加急|小费|礼物|手续|上楼|安装|搬运|配送|工本"
)
_ALONE = re.compile(
    r"[吧呗啊哈呀嘛哦了就那我你要的多少分也不别跟讲一口价块元钱两俺咱行先共现在今晚个]*"
)
# 「400我就停」, 「两千到不了」, 「五千不外传」.
_FOR_PEACE = re.compile(
    r"\s?/\s?(?:月|年|次|条)|一(?:次|条|单|个月|年|月|季)|金(?=[,。!?]|$)|蚊|洋钿|=|(?:的?话|钱|呗|吧)?,?(?:我|咱|老子|本人|这边)?(?:就|可以?|便|立马|马上|立刻|保证|永久){0,3}"
    r"(?:删|停(?!车)|撤|忘|消失|闭|收手|叫停|走人|当没|摆平|翻|拉倒|帮你|可赎|搞定|换(?:成|来|录|我|你|个|条)|到此|不(?:外传|刷|闹|发|投|举|揭|说|告|拍|动|追|写|搞|来|知道|记得|接|计较|打扰|再))"
    r"|(?:元|块)?钱?(?:没|未|不|到不)(?:到|来|过来|进来|了)|(?:元|块)?钱?(?:足矣|等值|到账|躺|进来)"
    r"|(?:很|多|难|贵|不)?(?:多|难|贵|过分)(?:吗|吧|嘛|么)|而已|买不买|干不干|怎么样|封顶|没得|一分不|起跳?(?![送订])|一[场口]|大家(?:都)?(?:开心|好)"
)
_FOR_WHAT = re.compile(
    r"(?:[之以]前|值不值|区区|才|因为|让我|[+🧧💰]|你[出加]|[收看见]到|没有?|只[收要]|收你|就要|想停|想[^,。!?;]{1,6}就|嫌[^,。!?;]{1,4}就|还是|要么|[涨变]到?成?|[借赏赐]我?|每[月季单条次场年]度?|月月|包月|一[次场条单口]价?|仅需|只需|只用|[费金价](?:用)?:?|=|🧧|💰|要我(?:删|撤|停|闭嘴)?|定价?|v我?|表示|走)(?:个|你|了|就|是)?$"
)
_COUNTED = re.compile(
    r"\s?[多来几]?(?:单|号|字|人|粉|家|星|位|名|群|笔|趟|款|级|岁|楼|期|年|月|天|点|个|条|份|万粉|杯|斤|倍|响|送|抽|加|毫|分|方|版)"
)
_OF_TIME = re.compile(r":\d|房|楼")
# 「收了我2000」, 「花了500」; but 「给了200我就删」.
_WAS_PAID = re.compile(
    r"[收转付交花骗扣敲讹给打刷充送买](?:了|过|走|掉)(?:你们?|我们?|他)?[^,。!?;]{0,3}$|花了"
)
_ON_RECEIPT = re.compile(r"(?:块|元)?钱?,?(?:我(?:就|马上|立刻)|就(?:撤|删|改|停|不投))")
# 「200我今晚转」: the buyer pays.
_I_PAY = re.compile(r"[^,。!?;]{0,4}我[^,。!?;]{0,4}(?:转|付|打款|汇)")
_NOT_BACK = re.compile(r"不退|(?:(?<!给)我|自己|集体|每)退(?!款)|退货率?")
_SMALLEST_FEN = 1000
# 「2022,我也不知道」.
_FIRST_YEAR, _LAST_YEAR = 200_100, 204_900
_CLAUSE_END = re.compile(r"[,。!?;:、\s]")
_LONGEST_CLAUSE = 30


# 「转三百」, 「五百转我」.
_TO_ME = re.compile(
    r"(?:^|[^你您们我已经再不没了])(?:(?:给我|快)?(?:转|v我?|打我|汇)|买断价?)(?:个|来)?$"
)
_OVER_HERE = re.compile(
    r"(?:元|块钱?|大洋)?(?:买断|转我|v我|[转打汇]过来|拿来|私了|,?(?:一口价|不二价|少一分))"
)


def is_asked_for(folded: str, amount: Amount, is_flawless: bool) -> bool:
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
    if _WAS_PAID.search(before) and _ON_RECEIPT.match(after) is None:
        return False
    if _I_PAY.match(after):
        return False
    clause = _NOT_BACK.sub("", f"{before} {after}")
    if _PRICED.search(clause) or IS_PRICE.match(folded, amount.end):
        return False
    if _RETURNED.search(clause):
        return is_flawless or _ON_TOP.search(clause) is not None
    if _ALONE.fullmatch(before) and _ALONE.fullmatch(after):
        return amount.is_money or not _FIRST_YEAR <= amount.fen <= _LAST_YEAR
    if _HANDED.search(before[-6:]) or _HANDED.search(after[:6]):
        return True
    return _FOR_PEACE.match(folded, amount.end) is not None or _FOR_WHAT.search(before) is not None


def is_compensation(folded: str, start: int) -> bool:
    """Whether a sum that begins there stands in words of compensation."""
    return _RETURNED.search(folded, max(0, start - 6), start) is not None


def is_outright(folded: str, amount: Amount) -> bool:
    """Whether a sum, and no small change, is to be handed to the writer, in so many words."""
    return amount.fen > SMALL_CHANGE_FEN and (
        _TO_ME.search(folded[max(0, amount.start - 6) : amount.start]) is not None
        or _OVER_HERE.match(folded, amount.end) is not None
    )
