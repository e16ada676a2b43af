"""Extortion in words that no list was made for: how much of it D04 would read.

The trap: as soon as a list is changed because of one of these, they prove nothing any more. Write new
ones then. They were written by somebody who had seen the lists, and paraphrase freely, so they are
harder than average; real messages would be the better test, and nobody has published any.
"""

from __future__ import annotations

from streams.detect.text.signals import read_chat

EXTORTION = (
    "想让我闭嘴就表示八百",
    "八百块，我立马把评价改了",
    "你看着办，一千，要不我天天来评一条",
    "五百封口，不打钱明天上热搜",
    "给个说法，最少六百，不然消协见",
    "私下给我转300，这事翻篇，要不就退一赔三加举报",
    "微信收款码发你了，1200，今晚不到账我就投诉",
    "不想店铺扣分就打两千过来",
    "差评已经写好了，三百块不发",
    "五百，评论我删",
    "你给我一千我就不去工商",
    "花点小钱买个平安，888吧，要不我找人来拍单",
    "拿钱办事，600，好评五条；不拿就一星",
    "我朋友都是做职业打假的，给1500了事",
    "扣6分和2000块你自己选",
)


def read() -> tuple[int, int]:
    """How many of them read as money under a threat, and how many there are."""
    found = (read_chat(text) for text in EXTORTION)
    return sum(s.has("threat.") and s.has("demand.money") for s in found), len(EXTORTION)
