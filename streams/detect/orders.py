"""Orders as they stand, from the facts of one buyer.

What a newcomer gets wrong: an order may be told anew. What an earlier telling gave rise to is then void,
though its fact is still there.
"""

from __future__ import annotations

from collections.abc import Sequence

from streams.detect.detector import Facts
from streams.detect.facts import LargeOrder, OrderPaid, OrderPlaced


def large_orders(facts: Facts) -> Sequence[LargeOrder]:
    """The orders that may be large, as they were told last; oldest first."""
    large = facts.of(LargeOrder)
    if not large:
        return large
    told_by = {order.ref: order.event_id for order in facts.of(OrderPlaced)}
    return [order for order in large if told_by.get(order.ref, order.event_id) == order.event_id]


def first_payments(facts: Facts) -> dict[str, OrderPaid]:
    """By order, its earliest payment; in order of time."""
    first: dict[str, OrderPaid] = {}
    for payment in facts.of(OrderPaid):
        first.setdefault(payment.order_id, payment)
    return first


def first_paid_ms(facts: Facts) -> dict[str, int]:
    """By order, when its earliest payment came; in no particular order."""
    return {payment.order_id: payment.at_ms for payment in reversed(facts.of(OrderPaid))}
