"""Whether a seller refuses an invoice, or wants money for it.

What a newcomer gets wrong: an invoice that comes later, in another form or once something is told is no
refusal, and neither is one that nobody says to be in the parcel.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from streams.detect.text.context import is_denied, sentence
from streams.detect.text.lexicon import Hit, lexicon
from streams.detect.text.numbers import MAX_NUMBERS

_REFUSED = re.compile(
    r"不(?:含|带|包)(?:税|票|发票)|裸价|未税|补税|补差价(?=.{0,6}票)|(?:开(?:发|专|普)?票|专票|普票|发票).{0,8}?(?:加|另付|另收|多付|补|收)(?:收)?\s?(?:百分之|(?:\d[\d.]*|[一二三四五六七八九十]+)\s?(?:个?点|%|块|元|税|[,。!?]|$))"
    r"|开(?:发|专|普)?票(?:的话)?.{0,6}(?:另外?加|补税|补差|税[费钱点]?[您你]出|加钱|价格不一样)|需?要发票(?:的话)?.{0,3}(?:另外?|加钱|补)|要票的话.{0,4}(?:价格|加|补)"
    r"|补.{0,4}税[钱费点]|税(?:点|费|钱|金)?.{0,4}(?:自理|承担|自付|[您你]出|[您你]付)|没有?开票资质|(?:满|低于|不足|不满)\d+.{0,4}(?:才能?|不[能给]?)开.{0,3}票"
    r"|(?:没办法|没法|暂时不能|目前不能).{0,4}开.{0,2}票|包税.{0,3}贵|发票要收税|只(?:有|能[开给])收据|(?:特价|活动价?|这个价|价格|底价|批发价|出厂价).{0,4}(?:不开|没有|没).{0,2}票|(?<![票车])无票(?!面)|发?票(?:暂时|目前|我们)?.{0,3}开不[了出]"
)
_NOT_EXTRA = re.compile(r"不(?:用|需要|会)?(?:加|补|另)|免费")
_REFUSAL_DENIED = re.compile(
    r"(?:没有?[说讲]过?|不是[说讲]?|并非|不会|不可能|怎么会|怎么可能|谁说|绝不|从不|从来不|从没[说讲]?过?)"
    r"(?:我们|店里|店铺|咱们|您|你|的|会)?$"
)
_ASKED = re.compile(r"[寄开发]?(?:了|的|呢)?(?:吗|么|\?)")
# 「不能拒绝开票」; 「发票要跟货一起寄还是分开寄?」.
_MUST_NOT = re.compile(r"不[得能可敢]以?$")
_ASKED_WHICH = re.compile(r"[^,。!?;]{0,8}?(?:还是|[吗么?])")
_OFFERED = re.compile(r"可以|能开|会开|开好|已开|电子|(?<!不能)(?:补开|单独寄|另寄|补寄)(?!不)")
_ISSUED = re.compile(r"开好|已开|补开")
# 「不开发票的话」, 「不开发票也可以」, 「发票不能寄到付」; 「开票要加急」 asks for no money.
_NOT_REFUSED_AFTER = re.compile(r"的话|也(?:可以|能|行)|到付|以外")
_COSTS_EXTRA = re.compile(
    r"\s?(?![\d一二两三]+[张份])(?:收|付|价|钱|税|点|\d|百分|[一二三四五六七八九十])"
)
# 「运费不开发票」 is how it is done, and 「现货和预售不能分开寄」 is about goods.
_NOT_IN_IT = re.compile(r"(?:运费|邮费|赠品|红包|优惠券?|部分)(?:是|都|的|一律)?$")
# Duties are paid to the customs, with or without an invoice.
_OF_CUSTOMS = re.compile(r"关税|海关|清关|进口税|跨境")
_OF_GOODS = re.compile(r"商品|宝贝|两件|几件|预售|现货|赠品|订单")
# 「税点我们承担」.
_BY_THE_SHOP = re.compile(r"(?:我们?|本?店里?|我司|我方|咱们|[商卖店]家)[来可以都会]*承担$")
# Another kind of invoice, a later one, or one for which something is missing: no refusal. A receipt is one.
_INSTEAD = re.compile(
    r"普票|普通发票|电子(?:发)?票|抬头|税号|开票(?:信息|资料)"
    # 「收货后也不能补」 refuses that, too.
    r"|(?:签收|收货|确认|完成|下个?月|以?后)(?:(?!不[能会给可再开寄补]|没法|没办法|无法)[^。!?;]){0,6}(?:开|寄|补)(?!不)"
)
# 「今天开不了票,明天一早给您开」; 「要加六个点,周一开」 costs extra all the same.
_IN_DAYS = re.compile(
    r"(?:明[天早日]|后天|周[一二三四五六日天]|下周|初[一二三四五六七八九十]|月初)"
    r"(?:(?!不[能会给可再开寄补]|没法|没办法|无法)[^。!?;]){0,6}[开补](?!不)"
)
_OF_COSTS = re.compile(r"[加税补收付价]")


def _refusals(folded: str) -> Iterator[Hit]:
    if any(word in folded for word in ("票", "税", "裸价", "收据")):
        for found in _REFUSED.finditer(folded):
            if not _NOT_EXTRA.search(folded, max(0, found.start() - 4), found.end() + 2):
                yield Hit("refusal.invoice", *found.span())


def refuses(folded: str) -> bool:
    """Whether anything in a message of the seller refuses an invoice, or wants money for it."""
    hits = [hit for hit in lexicon().find(folded) if hit.code == "refusal.invoice"]
    hits += islice(_refusals(folded), MAX_NUMBERS)
    return any(not _is_no_refusal(folded, hit) for hit in hits)


def _is_no_refusal(folded: str, hit: Hit) -> bool:
    """Whether the seller denies having refused, asks, or only says that none is in the parcel, or not yet."""
    before, word = folded[max(0, hit.start - 10) : hit.start], folded[hit.start : hit.end]
    begin, stop = sentence(folded, hit.start, hit.end)
    whole = folded[begin:stop]
    return bool(
        _REFUSAL_DENIED.search(before)
        or _NOT_IN_IT.search(before)
        or _NOT_REFUSED_AFTER.match(folded, hit.end)
        or _ASKED.match(folded, hit.end)
        or _INSTEAD.search(whole)
        or (_IN_DAYS.search(whole) and not _OF_COSTS.search(word))
        or ("票" not in whole and (_OF_GOODS.search(whole) or _OF_CUSTOMS.search(whole)))
        or (word.endswith("承担") and _BY_THE_SHOP.search(folded, hit.start, hit.end))
        or (word == "裸价" and _OFFERED.search(folded, hit.end, stop) is not None)
        or (
            word.startswith("拒绝")
            and (is_denied(folded, hit.start) or _MUST_NOT.search(before) is not None)
        )
        or (word.startswith("发票要") and _ASKED_WHICH.match(folded, hit.end))
        or (word.endswith(("要加", "票加")) and not _COSTS_EXTRA.match(folded, hit.end))
        or (
            word.startswith(("没", "暂无"))
            and (_OFFERED.search(folded, hit.end, stop) or _ISSUED.search(folded, begin, hit.start))
        )
    )
