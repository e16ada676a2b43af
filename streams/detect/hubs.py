"""Identities that tie nobody although several share them, and what an alert says of those.

What a newcomer gets wrong: an alert speaks only of what its own orders or accounts used. What the rest of
a shop shares is no news to it, and would revise it for reasons that have nothing to do with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

# The first ones by name: whoever looks a ring up needs to see that something was left out, not all of it.
MAX_NAMED: Final = 3
# Why an address names nobody's home, as it is read when the fact is made.
_PLACES: Final = {
    "forwarder": ("集运或转运仓", "a forwarder"),
    "locker": ("自提柜或代收点", "a parcel locker or shop"),
    "office": ("公司或单位", "an office"),
    "school": ("学校", "a school"),
}


class Hub(NamedTuple):
    """An identity, as `kind:hash`, that was left out, and why, in zh and en."""

    identity: str
    why_zh: str
    why_en: str


def declared(identity: str) -> Hub:
    """One that the shop lists in `hubs`."""
    return Hub(identity, "店铺已声明为公用", "declared by the shop")


def of_payers(identity: str, payers: int, buyers: int) -> Hub:
    """One behind which so many of the buyers who were late with an order paid it after all."""
    return Hub(
        identity,
        f"用它而未及时付款的{buyers}个买家中{payers}个后来付了款",
        f"{payers} of the {buyers} buyers who were late to pay with it paid after all",
    )


def of_other_payers(identity: str, least: int) -> Hub:
    """The same where only the limit is known that was reached."""
    return Hub(
        identity,
        f"另有至少{least}个买家用它付了款",
        f"{least} or more other buyers paid with it",
    )


def left_out(hubs: Iterable[Hub]) -> tuple[tuple[str, str], ...]:
    """Counter-evidence (zh, en) that names the first of them and counts the others; none for none."""
    found = sorted(set(hubs))
    if not found:
        return ()
    named, more = found[:MAX_NAMED], len(found) - MAX_NAMED
    zh = "、".join(f"{hub.identity}({hub.why_zh})" for hub in named)
    en = ", ".join(f"{hub.identity} ({hub.why_en})" for hub in named)
    return (
        (
            f"未计入的共用身份:{zh}{f',另有{more}个' if more > 0 else ''}",
            f"Shared identities left out: {en}{f', and {more} more' if more > 0 else ''}",
        ),
    )


def at_places(places: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Counter-evidence (zh, en) about orders to places where strangers receive parcels; none for none."""
    orders = sorted(place for place in places if place in _PLACES)
    if not orders:
        return ()
    kinds = sorted(set(orders))
    zh = "、".join(f"{_PLACES[kind][0]}{orders.count(kind)}笔" for kind in kinds)
    en = ", ".join(f"{_PLACES[kind][1]} ({orders.count(kind)})" for kind in kinds)
    return (
        (
            f"地址为多人共用而未计入的订单:{zh}",
            f"Orders whose address was left out, for it is that of {en}",
        ),
    )
