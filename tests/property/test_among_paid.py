"""The sliding count of orders, parcels and what was paid, against counting anew at every time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.detect.facts import OrderPaid, RefundRequested
from streams.detect.paid_share import AmongPaid

WINDOW_MS = 10
TIMES = st.integers(0, 40)
ORDERS = st.sampled_from(["a", "b", "c", "d", "e"])
PARCELS = st.dictionaries(ORDERS, st.integers(1, 2))


def request(at_ms: int, order: str, number: int) -> RefundRequested:
    return RefundRequested(at_ms, f"e{number}", f"r{number}#1", order, True, "quality", "received")


@given(
    st.lists(st.tuples(TIMES, ORDERS), max_size=20),
    st.lists(st.tuples(TIMES, ORDERS), max_size=20),
    PARCELS,
)
def test_a_window_that_moves_counts_what_lies_in_it(
    told: list[tuple[int, str]], paid: list[tuple[int, str]], parcel_of: dict[str, int]
) -> None:
    requests = [request(at, order, n) for n, (at, order) in enumerate(sorted(told))]
    payments = [OrderPaid(at, f"p{n}", f"p{n}/{o}", o) for n, (at, o) in enumerate(sorted(paid))]
    window = AmongPaid(requests, payments, WINDOW_MS, parcel_of)
    given_before: set[str] = set()
    for now in sorted({r.at_ms for r in requests}):
        window.move(now)
        inside = [r for r in requests if now - WINDOW_MS <= r.at_ms <= now]
        orders = {r.order_id for r in inside}
        bought = {p.order_id for p in payments if now - WINDOW_MS <= p.at_ms <= now}
        assert window.orders == len(orders)
        assert window.parcels == len({parcel_of.get(order, order) for order in orders})
        assert window.total == len(orders | bought)
        first = {order: next(r for r in inside if r.order_id == order) for order in orders}
        fresh = window.fresh()
        assert {r.event_id for r in fresh} == {r.event_id for r in first.values()} - given_before
        given_before |= {r.event_id for r in fresh}
