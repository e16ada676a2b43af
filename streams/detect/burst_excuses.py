"""What speaks for who left a burst of orders unpaid (D01): a slip, half of it paid, the shop's own wish.

What a newcomer gets wrong: nothing of it makes the stock free again. The burst is told all the same, and
nobody complains of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from streams.detect.detector import Facts
from streams.detect.facts import NEVER, AskedToPlace, OrderClosed
from streams.detect.unpaid import Order, is_half_paid


def was_put_right(members: Sequence[Order], facts: Facts, window_ms: int) -> bool:
    """Whether each was paid, or the buyer took it back, within the window: 200 typed for 2."""
    taken_back_ms = {fact.ref: fact.at_ms for fact in facts.of(OrderClosed) if fact.by == "buyer"}
    return all(
        min(order.paid_ms, taken_back_ms.get(order.placed.ref, NEVER))
        <= order.placed.at_ms + window_ms
        for order in members
    )


def was_asked_for(members: Sequence[Order], facts: Facts, few: int, near_ms: int) -> bool:
    """Whether the shop had asked to place them all and to wait with the payment: 「先拍下,给您改价」.

    Of orders by name, or of fewer than `few` that were placed near to it: such a word can be had for the
    asking, and excuses no burst. Chats are not awaited.
    """
    asked = facts.of(AskedToPlace)
    by_name = {one.order_id for one in asked}
    at_large_ms = [one.at_ms for one in asked if not one.order_id]
    others = [order.placed for order in members if order.placed.ref not in by_name]
    return len(others) < few and all(
        any(abs(at_ms - placed.at_ms) <= near_ms for at_ms in at_large_ms) for placed in others
    )


def is_half_bought(members: Sequence[Order], orders: Sequence[Order], window_ms: int) -> bool:
    """Whether so much of it was paid that nobody complains any more.

    Beside the members counts whatever the buyer paid for that was placed among them, or within the window
    of that: who clicks twice and pays at once for one of the two has bought a half of it too.
    """
    placed_ms = [order.placed.at_ms for order in members]
    from_ms, to_ms = min(placed_ms) - window_ms, max(placed_ms) + window_ms
    refs = {order.placed.ref for order in members}
    bought = [
        order
        for order in orders
        if order.placed.ref in refs
        or (order.paid_ms < NEVER and from_ms <= order.placed.at_ms <= to_ms)
    ]
    return is_half_paid(
        [order.placed.units for order in bought if order.paid_ms < NEVER],
        [order.placed.units for order in bought],
    )
