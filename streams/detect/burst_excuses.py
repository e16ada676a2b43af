"""What speaks for who left a burst of orders unpaid (D01): deeds, the shop's wish, words.

What a newcomer gets wrong: nothing of it makes the stock free again, so the burst is told all the same. Deeds
and others' words accuse nobody; what costs nothing, a try to pay or a message, is believed once, and of few.
"""

from __future__ import annotations

from collections.abc import Sequence, Set

from streams.detect.detector import Facts
from streams.detect.facts import (
    DAY_MS,
    NEVER,
    AskedToPlace,
    BuyerTold,
    OrderClosed,
    OrderPlaced,
    PaymentFailed,
    ShippingOver,
)
from streams.detect.orders import first_paid_ms
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


def tried_to_pay(members: Sequence[Order], facts: Facts) -> int:
    """How often a payment of one of them failed while it was waited for."""
    end_ms = {order.placed.ref: order.end_ms for order in members}
    return sum(
        failure.at_ms <= end_ms.get(failure.order_id, 0) for failure in facts.of(PaymentFailed)
    )


def told_why(members: Sequence[Order], last_at_ms: int, facts: Facts) -> bool:
    """Whether the buyer wrote why it is not paid, or is ordered anew, by the day after it was seen.

    Whole days (UTC), for of each only the first such message is kept.
    """
    from_day = min(order.placed.at_ms for order in members) // DAY_MS
    to_day = last_at_ms // DAY_MS + 1
    return any(
        told.kind == "unpaid" and from_day <= told.at_ms // DAY_MS <= to_day
        for told in facts.of(BuyerTold)
    )


def was_bought_anew(
    members: Sequence[Order], orders: Sequence[Order], bought: Set[str], near_ms: int
) -> bool:
    """Whether of each that is not paid the same items, half as many or more, were paid for near to it.

    The address was wrong, or it was too many. Whoever pays for one basket and leaves nine alike has done so
    too; it costs no more than the one. `bought` is as in `bought_of`.
    """
    placed_ms = [order.placed.at_ms for order in members]
    # What lies far from all of it is not looked at for each.
    from_ms, to_ms = min(placed_ms) - near_ms, max(placed_ms) + near_ms
    alike: dict[frozenset[str], list[OrderPlaced]] = {}
    for order in orders:
        if order.placed.ref in bought and from_ms <= order.placed.at_ms <= to_ms:
            alike.setdefault(_items(order.placed), []).append(order.placed)
    unpaid = [order.placed for order in members if order.placed.ref not in bought]
    return all(
        any(
            abs(one.at_ms - placed.at_ms) <= near_ms and 2 * one.units >= placed.units
            for one in alike.get(_items(placed), ())
        )
        for placed in unpaid
    )


def bought_of(facts: Facts) -> Set[str]:
    """The orders that were paid for, but for those closed or refunded before anything left.

    To pay and to take the money back costs nothing, and speaks for nobody.
    """
    ended = {over.ref for over in facts.of(ShippingOver) if over.how in ("closed", "refunded")}
    return first_paid_ms(facts).keys() - ended


def _items(placed: OrderPlaced) -> frozenset[str]:
    return frozenset(item_id for item_id, _ in placed.items)


def is_half_bought(
    members: Sequence[Order], orders: Sequence[Order], bought: Set[str], window_ms: int
) -> bool:
    """Whether so much of it was paid, for something, that nobody complains any more.

    Beside the members counts whatever the buyer paid for that was placed among them, or within the window
    of that: who clicks twice and pays at once for one of the two has bought a half of it too. `bought` is
    as in `bought_of`.
    """
    placed_ms = [order.placed.at_ms for order in members]
    from_ms, to_ms = min(placed_ms) - window_ms, max(placed_ms) + window_ms
    refs = {order.placed.ref for order in members}
    near = [
        order.placed
        for order in orders
        if order.placed.ref in refs
        or (order.placed.ref in bought and from_ms <= order.placed.at_ms <= to_ms)
    ]
    return is_half_paid(
        [placed.units for placed in near if placed.ref in bought],
        [placed.units for placed in near],
    )
