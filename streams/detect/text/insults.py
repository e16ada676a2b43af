"""Insults: words that are foul wherever they stand, and harsh ones when they are said of people.

What a newcomer gets wrong: 垃圾 about goods is an ordinary bad review, and an insult that the buyer
reports is somebody else's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from streams.detect.text.context import is_quoted_abuse, sentence
from streams.detect.text.lexicon import Hit, unmasked

# A group of people and what is said of it stand as close as this, in characters.
_NEAR = 15
_OF_PEOPLE = re.compile(
    r"(?:你|妳|他|她|们|人|男|女|这种|这帮|这群|那帮|那群|一帮|一群|什么东西|店家|商家|卖家|老板|客服|骑手|服务员)"
    r"(?:就|都|真|是|真是|就是|都是|简直|太|个|这|那|些|种|们|的|一|很|好|最|也|怎么|这么|那么|全|全是|群|帮|死|跟|像){0,4}$"
)
# What is said after these is said of somebody else, or denied.
_OTHER_SUBJECT = re.compile(r"[。!?;,]|不|没|别|歧视|骂|说|被|讨厌")
_TO_PEOPLE = re.compile(r"(?:的)?(?:人|男|女|家伙|们|你|商家|店家|卖家|老板|客服)")
# 傻子东西 is a person; 垃圾东西, 狗屎玩意 and 恶心货 are what came in the parcel (N03).
_TO_THINGS = re.compile(r"(?:的)?(?:东西|玩意|货)")
_OF_GOODS = frozenset(("垃圾", "狗屎", "恶心", "恶心人", "恶心死", "恶臭", "变态", "废物"))

# 「小强死全家」, 「书里那个王八蛋男主」: vermin and people who do not exist, unless somebody of the shop is
# spoken of as well.
_VERMIN = r"蚊(?!帐)|蟑螂|小强|苍蝇|老鼠|臭虫|白蚁|蚂蚁|跳蚤|螨"
_NOBODY = re.compile(rf"{_VERMIN}|男主|女主|主角|反派|书[里中]|剧[里中情]|小说|电影[里中]")
_SOMEBODY = re.compile(
    r"店|[商卖]家|老板|掌柜|客服|快递|骑手|师傅|你|妳|他|她|卖(?!国|点)|发货|包装|做这"
)
# 「蟑螂药绝了,一窝死全家」: what was done to them; 「衣服里有蟑螂,死全家」 was not.
_REMEDY = re.compile(
    rf"(?:{_VERMIN})[^,。!?;]{{0,4}}(?:药|粉|贴|饵|屋|夹|板|香|拍|喷)|杀虫|[灭杀]鼠"
)
_CURSES = frozenset(("死全家", "全家死光", "断子绝孙", "不得好死", "去死吧"))


def abuse(folded: str, hits: Sequence[Hit]) -> list[Hit]:
    """Insults that are the writer's own; harsh words count when they are said of people."""
    found = unmasked(hits, "abuse.", "mask.abuse")
    for hit in unmasked(hits, "harsh.", "mask.abuse"):
        before, after = folded[max(0, hit.start - 8) : hit.start], folded[hit.end : hit.end + 4]
        is_of_goods = folded[hit.start : hit.end] in _OF_GOODS
        if (
            _OF_PEOPLE.search(before)
            or _TO_PEOPLE.match(after)
            or (_TO_THINGS.match(after) and not is_of_goods)
        ):
            found.append(Hit(hit.code.replace("harsh.", "abuse."), hit.start, hit.end))
    groups = [hit for hit in hits if hit.code == "people"]
    for hit in unmasked(hits, "slight", "mask.abuse") if groups else ():
        for group in groups:
            between = folded[group.end : hit.start]
            if group.end <= hit.start <= group.end + _NEAR and not _OTHER_SUBJECT.search(between):
                found.append(Hit("abuse.group", group.start, hit.end))
                break
    return _apart(
        [
            hit
            for hit in found
            if not is_quoted_abuse(folded, hit.start) and not _is_about_nobody(folded, hit)
        ]
    )


def _is_about_nobody(folded: str, hit: Hit) -> bool:
    """Whether vermin or somebody in a book is meant: named in the same clause, or cursed after a remedy."""
    begin, stop = sentence(folded, hit.start, hit.end)
    if _SOMEBODY.search(folded, begin, stop) is not None:
        return False
    clause = max(begin, folded.rfind(",", begin, hit.start) + 1)
    clause_stop = folded.find(",", hit.end, stop)
    if _NOBODY.search(folded, clause, stop if clause_stop < 0 else clause_stop) is not None:
        return True
    is_curse = folded[hit.start : hit.end] in _CURSES
    return is_curse and _REMEDY.search(folded, begin, hit.start) is not None


def _apart(found: Sequence[Hit]) -> list[Hit]:
    """Of insults that share a character the first, and the longest of those: 狗杂种 is one."""
    kept: list[Hit] = []
    for hit in sorted(found, key=lambda hit: (hit.start, -hit.end)):
        if not kept or hit.start >= kept[-1].end:
            kept.append(hit)
    return kept
