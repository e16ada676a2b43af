"""Phones and addresses that a review gives away as somebody else's.

What a newcomer gets wrong: most numbers in reviews are the writer's own, a service line, or a place that is
open to everybody.
"""

from __future__ import annotations

import re
from itertools import islice

from streams.detect.text.context import sentence
from streams.detect.text.lexicon import Hit
from streams.detect.text.numbers import MAX_NUMBERS, mobiles, streets

_WHOSE = re.compile(
    r"(?:老板|店主|卖家|掌柜|客服|店家|快递员|送货员|送餐员|派[件送]员|送[件货]的|骑手|师傅|服务员|寄件人|邻居|骗子|别人|另一个人"
    r"|他|她|人家|对方|买家|家人|老婆|老公)[^。!?;]{0,14}$"
)
# Whose number it is says the nearest word: 「客服把我的手机号…泄露了」 tells of one's own.
_OWN = re.compile(
    r"(?:我|本人|自己|俺)(?:们|家)?(?:里|人)?(?:老公|老婆|爱人|先生|太太|[爸妈]{1,2}|父母|儿子|女儿|孩子|对象)?"
    r"(?:的|这个|那个|个人|私人|收货|收件|(?:隐私|信息|资料)[,:]?)*"
    r"(?:手机号码?|手机|电话号码|电话|号码|联系方式|微信号?|家庭住址|地址|住址|家)?(?:号|是|为|住在?|在|[:])*$"
)
_OWN_HOME = re.compile(r"我(?:们)?(?:家|的|住)|本人")
# Who says that data were leaked is their victim.
_LEAK_TOLD = re.compile(
    r"(?:泄露|泄漏|外泄|透露|暴露|出卖).{0,6}(?:我|本人|客人|顾客|买家|客户)"
    r"|(?:我|本人).{0,30}(?:泄露|泄漏|外泄)"
)
# Where a shop is, sends from or takes back, or a parcel was left, is nobody's home.
_PUBLIC_PLACE = re.compile(
    r"(?:维修|服务|售后|网|营业)[点厅]|点地址|店[里铺面家]?的?(?:地址|位置|就在|开在|位于|在)|放(?:在|到)|驿站|快递柜|自提"
)
# 「小说里他家住…」.
_IN_BOOKS = re.compile(r"(?:小说|故事书?|绘本|电视剧|书)[里中:]")
# 「退货地址是卖家…」, but not 「退货地址是老板家…」.
_OF_THE_TRADE = re.compile(
    r"(?:发货|寄件|退货|退回|退到|寄回|售后|仓库|厂家|工厂)(?:[^,。!?;住家]|[商店卖厂]家){0,14}$"
)
# A line that is there to be called is nobody's own, unlike 「老板电话」 and 「快递员电话」.
_SERVICE_LINE = re.compile(
    r"(?:客服|售后|服务|安装|维修|厂家|店[里铺家]?|快递|物流|驿站)的?(?:联系|咨询|服务|售后|客服)?"
    r"(?:电话|热线)(?:号码?|是|[:])*$"
)


_COURIER_LINE = re.compile(
    r"(?:快递|派[件送]|配送|送货)(?:员|小哥|师傅|人员)的?(?:联系|手机)?(?:电话|手机|号码)?(?:号码?|是|[:])*$"
)


def is_line_of_the_trade(folded: str, start: int) -> bool:
    """Whether a number that begins there is said to be the shop's line, or a courier's."""
    before = folded[max(0, start - 20) : start]
    return bool(_SERVICE_LINE.search(before) or _COURIER_LINE.search(before))


def leaks(folded: str) -> list[Hit]:
    """Numbers and addresses that a review gives away as somebody else's."""
    found = [Hit("leak.phone", a, b) for _, a, b in islice(mobiles(folded), MAX_NUMBERS)]
    found += [Hit("leak.address", a, b) for _, a, b in islice(streets(folded), MAX_NUMBERS)]
    # The name of a street is found together with what stands before it.
    return [
        hit
        for hit in found
        if _WHOSE.search(folded[max(0, hit.start - 20) : hit.start + 4])
        and not _is_own(folded, hit)
    ]


def _is_own(folded: str, hit: Hit) -> bool:
    """Whether it is the writer's own or the family's, or a place or a line that is open to everybody."""
    begin, stop = sentence(folded, hit.start, hit.end)
    if _IN_BOOKS.search(folded, begin, hit.start + 4):
        return True
    near = folded[max(begin, hit.start - 6) : hit.start + 4]
    if hit.code == "leak.address" and (
        _OWN_HOME.search(near)
        or _PUBLIC_PLACE.search(folded, max(begin, hit.start - 6), hit.end + 4)
        or _OF_THE_TRADE.search(folded[max(begin, hit.start - 16) : hit.start + 4])
    ):
        return True
    if hit.code == "leak.phone" and _SERVICE_LINE.search(
        folded[max(begin, hit.start - 20) : hit.start]
    ):
        return True
    return (
        _OWN.search(folded[max(begin, hit.start - 20) : hit.start]) is not None
        or _LEAK_TOLD.search(folded, begin, stop) is not None
    )
