"""What a seller lets a buyer do: keep goods, take so much money, or place an order and not pay for it yet.

What a newcomer gets wrong: shops say nearly the same of what is only supposed (如有坏果,不用寄回), of what
is to be kept for the return (吊牌留着), and of cash for reviews, which is promised to everybody.
"""

from __future__ import annotations

import re

from streams.detect.text.amounts import amounts
from streams.detect.text.context import sentence

_SOME = r"[^,。!?;]"
# 「碎的不用寄了」, 「赠品您留着吧」; 「先不用寄」 is no word for good.
_SPARED = re.compile(
    r"(?<!先)(?<!暂时)(?:不用|无需|不必)(?:[您你]|再|给我们?){0,2}[寄退](?:货|回来?|过来|给我们|了)?(?![款钱换差]|[运邮]费|快递费|押金)"
    rf"|(?:留着|留下)(?!{_SOME}{{0,4}}(?:退|寄|凭证))(?:[您你自己给孩子]{{0,4}}[用吃玩]|吧|就[行好可]|当|做|不用|,|$)"
)
# What belongs to a return is kept for it, and what proves something too.
_TO_PROVE = re.compile(r"包装|吊牌|标签|凭证|发票|单号|面单|截图|照片|记录|卡|券")
_SUPPOSED = re.compile(
    r"如|若|要是|万一|假如|有问题|有坏|坏[果单]|凡|一旦|只要|的话|是不是|是否|[您你]说"
)
_ASKED = re.compile(rf"{_SOME}{{0,6}}[吗么?]")
_EN_KEEP = re.compile(
    r"\b(?:you (?:can|may|could)|please|just|feel free to) keep (?:the|it|them|this|that|these)\b"
    r"|\b(?:no need|(?:do not|don[’']t|not) (?:need|have)) to (?:return|send)\b"
)
_EN_SUPPOSED = re.compile(r"\b(?:if|unless|in case|when|whether)\b|\?")

# 「补偿您50元」, 「给您转20」, 「差价50转给您」.
_GRANTS_BEFORE = re.compile(
    r"(?:(?:补偿|赔偿|赔付|赔|补|退|转|返|打)(?:给|款|账)?[您你]|给[您你](?:补偿|赔偿|赔付|赔|补|退|转|返|打|发)(?:偿|还|款|账|个|一个)?|[您你]的差价)"
    r"(?:这边|再|大概|:|共)?$"
)
_GRANTS_AFTER = re.compile(rf"{_SOME}{{0,3}}(?:补偿|赔|补|退|转|返|打|发)(?:偿|还)?(?:给|到)[您你]")
_REFUSED = re.compile(rf"(?:不|没|无法|拒绝){_SOME}{{0,4}}$")
# 「补偿您50元可以吗」 offers, 「补偿您50元吗」 asks.
_IF_ASKED = re.compile(r"(?:元|块钱?)?[吗么?]")
# Cash for a review is promised in bulk.
_FOR_REVIEWS = re.compile(
    r"好评|晒[图单]|评价|五星|买家秀|返现|优惠[券卷]|满[\d一二三四五六七八九百]"
)

# 「先拍下不要付款,给您改价」; 「拍下不付款的订单」 is said of others.
_PLACED = r"(?:拍(?:下|好|单)?|下单|提交(?:订单)?)"
_NOT_YET = r"(?:先别|先不要?|先不用|不要|不用|别|请勿|暂不|暂时不)(?:着?急)?(?:着|立即|马上|先)?(?:付|支付)"
_TO_PLACE = re.compile(
    rf"{_PLACED}(?:了|后|之?后|以后|,|好|先){{0,3}}{_SOME}{{0,4}}{_NOT_YET}"
    rf"|(?:先别|先不要|先不用|不要|别)(?:着?急)?(?:着)?付款?,?{_SOME}{{0,6}}改(?:一下)?(?:价|运费|邮费)"
    rf"|{_PLACED}[^。!?;]{{0,10}}(?:给|帮|为|来)[您你我]{_SOME}{{0,2}}(?:改|修改)(?:一下)?(?:价|运费|邮费)"
)
# 「对公付款收到后给您改成已付款」: a company pays by its bank, and the order waits for that.
_BY_BANK = re.compile(rf"对公{_SOME}{{0,4}}?(?:付|转|打|汇)")
_NOT_SO = re.compile(rf"(?:不|没|无法|别|暂){_SOME}{{0,6}}$")
# 「这个不是我们店的订单哦」, 「没查到这个订单」.
_NOT_OURS = re.compile(
    rf"不是(?:我们?|本|咱们?|我家|我们家)的?(?:店[里铺家]?|家)?的?(?:订?单|单号|单子)|(?:查|找|搜)不到{_SOME}{{0,6}}(?:订单|单号|这[个一]?单)"
    rf"|没有?(?:查|找|搜)到{_SOME}{{0,6}}(?:订单|单号|这[个一]?单)|(?:别|其[他它]|另外?|隔壁)(?:一)?(?:的)?(?:家|店铺?){_SOME}{{0,4}}(?:订单|单号|单子)"
    rf"|不是在?(?:我们?|本|咱们?)(?:店|家)[里铺]?(?:拍|下|买)"
)
_CASHBACK = re.compile(
    rf"(?:好评|晒图|晒单|五星|评价|买家秀){_SOME}{{0,12}}?(?:返现?|送|领|给[您你]|转[您你]){_SOME}{{0,4}}?(?:现金|红包|[\d一二两三四五六七八九十]+\s?(?:元|块))|好评返现|晒[图单]返现"
)
_NO_CASHBACK = re.compile(rf"(?:不|没|无|禁止|违规|不能|不可|不支持|严禁){_SOME}{{0,6}}$")
# The longest word of these two, and what may stand between.
_BEFORE = 3 + 6
_FORBIDDEN = re.compile(r"[^。!?;]{0,6}?(?:违规|不支持|不[能可允]|禁止|没有)")


def disowns_order(folded: str) -> bool:
    """Whether the seller says that an order is none of the shop's."""
    return any(_is_granted(folded, found) for found in _NOT_OURS.finditer(folded))


def promises_cashback(folded: str) -> bool:
    """Whether the seller promises cash for a review."""
    return any(
        _is_granted(folded, found)
        and _NO_CASHBACK.search(_just_before(folded, found)) is None
        and _FORBIDDEN.match(folded, found.end()) is None
        for found in _CASHBACK.finditer(folded)
    )


def spares_return(folded: str) -> bool:
    """Whether the seller says that goods, or some of them, need not come back."""
    return any(
        _is_granted(folded, found) and _TO_PROVE.search(*_around(folded, found)) is None
        for found in _SPARED.finditer(folded)
    ) or any(
        _EN_SUPPOSED.search(folded, *sentence(folded, *found.span())) is None
        for found in _EN_KEEP.finditer(folded)
    )


def offers_money(folded: str) -> int:
    """The largest sum that the seller offers the buyer, in fen; 0 for none, and for what reviews earn."""
    if _FOR_REVIEWS.search(folded):
        return 0
    return max(
        (amount.fen for amount in amounts(folded) if _is_offered(folded, amount.start, amount.end)),
        default=0,
    )


def asks_to_place(folded: str) -> bool:
    """Whether the seller asks to place an order and to wait with the payment, mostly for another price.

    Or takes it from the bank of a company, of which no payment is told before it has come.
    """
    return any(_is_granted(folded, found) for found in _TO_PLACE.finditer(folded)) or any(
        _is_granted(folded, found) and _NOT_SO.search(_just_before(folded, found)) is None
        for found in _BY_BANK.finditer(folded)
    )


def _around(folded: str, found: re.Match[str]) -> tuple[str, int, int]:
    return folded, *sentence(folded, *found.span())


def _just_before(folded: str, found: re.Match[str]) -> str:
    """What a word that takes it back may stand in; not all of a long text, for each place in it."""
    return folded[max(0, found.start() - _BEFORE) : found.start()]


def _is_granted(folded: str, found: re.Match[str]) -> bool:
    begin, _ = sentence(folded, *found.span())
    return (
        _SUPPOSED.search(folded, begin, found.start()) is None
        and _ASKED.match(folded, found.end()) is None
    )


def _is_offered(folded: str, start: int, end: int) -> bool:
    before = _GRANTS_BEFORE.search(folded[max(0, start - 12) : start])
    after = _GRANTS_AFTER.match(folded, end)
    if before is None and after is None:
        return False
    begin, _ = sentence(folded, start, end)
    verb = start if before is None else max(0, start - 12) + before.start()
    return (
        _SUPPOSED.search(folded, begin, start) is None
        and _REFUSED.search(folded[begin:verb]) is None
        and _IF_ASKED.match(folded, end) is None
    )
