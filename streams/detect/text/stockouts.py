"""Whether a seller says that goods are out of stock or not sent, or which reason to ask for a refund with.

What a newcomer gets wrong: shops ask their buyers to claim a stockout, and some click 发货 meanwhile. That
nothing is missing, or what happens if it is, is no such word.
"""

from __future__ import annotations

import re

from streams.detect.text.context import is_denied, sentence

_OUT_OF_STOCK = re.compile(
    r"(?:缺货|断货|无货|没有?现?货|卖完|售罄|没有?库存|库存不足|[色码款号味](?:的)?(?:没有了|没了|卖没了))(?!架|款|号|[^,。!?;]{0,3}[吗么?]|的话|时|会|赔|再)"
)
# 「厂家延期,要晚五天才能发货」.
_DELAYED = re.compile(
    r"(?:延[期迟后]|推迟)[^,。!?;]{0,6}(?:发[货出]|寄出)(?!的话|时|会|赔|[^,。!?;]{0,3}[吗么?])"
    # 「大雪封路,快递停运了」: told to whoever then claims lateness.
    r"|(?:快递|物流|[顺丰韵达中圆申]通?|京东|邮政|包裹)(?:(?![没不未])[^,。!?;]){0,8}(?:停运|停发|停收|爆仓|滞留|积压|延误)(?!的话|时|会|[^,。!?;]{0,3}[吗么?])"
    r"|(?:晚(?![上点些])|再?等|过)[^,。!?;]{1,5}[天日周][^,。!?;]{0,4}才?能?(?:发[货出]|寄出)(?![^,。!?;]{0,3}[吗么?])"
)
# 「现在下单要等三天才能发」 is asked for by anybody, and says nothing of what was ordered before.
_OF_THE_NEXT = re.compile(
    r"(?:现在|再|重新|新)(?:下单|[拍买订下])[^,。!?;]{0,8},?[^,。!?;]{0,4}$|(?:下单|[拍买订]下?|付款)(?:之?后|的话)[^,。!?;]{0,6},?[^,。!?;]{0,4}$"
)
_SUPPOSED = re.compile(r"(?:如果?|若|要是|万一|不会|怕|是不是|有没有|除非)[^,。!?;]{0,6}$")
# 「申请退款理由选未按约定时间发货」.
_REASON_TO_CHOOSE = re.compile(
    r"(?:选择?|填写?|理由|原因)[^,。!?;]{0,6}(?:缺货|未按约定|没按约定|延迟发货)"
)


# 「先点了发货,明天才寄出」.
_UNSENT = re.compile(
    r"(?:还没有?|没有?|尚未|[还暂]未)(?:实际|真正|给[您你]|帮[您你])?(?:发[出走货]|寄[出走]|出库|揽收)(?![错的]|[^,。!?;]{0,4}[吗么?]|[^,。!?;]{0,2}(?:前|的话|可以))"
    r"|(?:单号|面单)[^,。!?;]{0,4}先(?:打|出|录)|先(?:打|出|录)了?[^,。!?;]{0,3}(?:单号|面单)|货?[还仍都]在仓库"
    r"|先点了?发货|发不出去|(?:明天|后天|过几天|下周.?)才能?[发寄]"
)
_ASKED_OR_TOLD = re.compile(
    r"(?:是不是|有没有|是否|[您你](?:说|反[馈映]|看到)|为什么|怎么)[^,。!?;]{0,8}$"
    # 「您退货还没寄出」, 「发票还没寄出」, 「红包明天才能发」.
    r"|[您你](?:们|那边|这边)?$|(?:退[货回件]|发票|红包|返现|券|补偿|赠品|礼品|视频|照片)[^,。!?;]{0,4}$"
)

_EN_OUT_OF_STOCK = re.compile(
    r"\b(?:is|are|was|it[’']s|currently|now|just|went) (?:\w+ )?(?:out of stock|sold out)\b"
    r"|\bno (?:more |longer )?stock\b"
    r"|\b(?:not|no longer|n[’']t) have (?:it|this|them|any)\b[^.!?;。]{0,15}\b(?:stock|left)\b"
)
_EN_UNSENT = re.compile(
    r"(?:\b(?:have|has) not|\b(?:haven|hasn)[’']t) (?:yet )?(?:been )?"
    r"(?:shipped|sent|dispatched|left|posted)\b"
    r"(?![^.!?;。]{0,12}wrong)"
)
_EN_SUPPOSED = re.compile(
    r"\b(?:if|unless|in case|when|whether|did you|you say|why)\b|\bnot (?:out|sold)\b|\?"
)


def says_not_sent(folded: str) -> bool:
    """Whether a message of the seller says that goods have not left, whatever was clicked."""
    return any(
        _SUPPOSED.search(folded[max(0, found.start() - 12) : found.start()]) is None
        and _ASKED_OR_TOLD.search(folded[max(0, found.start() - 14) : found.start()]) is None
        and not _is_of_the_next(folded, found)
        for found in _UNSENT.finditer(folded)
    ) or _is_told_in_english(folded, _EN_UNSENT)


def says_out_of_stock(folded: str) -> bool:
    """Whether a message of the seller says so. Cost: one look for nearly all of them."""
    if _REASON_TO_CHOOSE.search(folded):
        return True
    return any(
        not is_denied(folded, found.start())
        and _SUPPOSED.search(folded[max(0, found.start() - 12) : found.start()]) is None
        for pattern in (_OUT_OF_STOCK, _DELAYED)
        for found in pattern.finditer(folded)
        if pattern is _OUT_OF_STOCK or not _is_of_the_next(folded, found)
    ) or _is_told_in_english(folded, _EN_OUT_OF_STOCK)


def _is_of_the_next(folded: str, found: re.Match[str]) -> bool:
    """Whether it is said of an order that is still to be placed."""
    return _OF_THE_NEXT.search(folded[max(0, found.start() - 20) : found.start()]) is not None


def _is_told_in_english(folded: str, pattern: re.Pattern[str]) -> bool:
    """Whether it stands in a sentence that supposes and asks nothing."""
    return any(
        _EN_SUPPOSED.search(folded, *_with_its_end(folded, found)) is None
        for found in pattern.finditer(folded)
    )


def _with_its_end(folded: str, found: re.Match[str]) -> tuple[int, int]:
    begin, stop = sentence(folded, *found.span())
    return begin, stop + 1
