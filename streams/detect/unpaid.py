"""Orders that stay unpaid: from when they count, how long they hold stock, what became of a burst of them.

What a newcomer gets wrong: nobody may close them but buyer and platform, and the platform closes them when it
is due whether anybody tells of it or not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import ceil
from typing import NamedTuple

from schemas.alerts import AlertStatus
from streams.detect.detector import Facts
from streams.detect.episodes import HeldState
from streams.detect.facts import NEVER, OrderClosed, OrderPlaced, PaymentFailed
from streams.detect.orders import first_paid_ms


class Grace(NamedTuple):
    """How long a buyer's order may wait for its payment: a huge one, of so many units, another time.

    `failed_payment_ms` counts from a payment that failed within that.
    """

    usual_ms: int
    huge_units: int
    huge_ms: int
    failed_payment_ms: int

    def of(self, order: OrderPlaced) -> int:
        """That of one order, in milliseconds."""
        return self.huge_ms if order.units >= self.huge_units else self.usual_ms


class Order(NamedTuple):
    """An order of a buyer: from when it counts as unpaid, and until when. `NEVER` where nothing ended it."""

    counted_ms: int
    placed: OrderPlaced
    end_ms: int
    paid_ms: int

    def as_closed_ms(self, close_after_ms: int, horizon_ms: int) -> int:
        """Until when it holds stock, the platform's own closing included."""
        return as_closed_ms(self.end_ms, self.placed.at_ms + close_after_ms, horizon_ms)


def orders_of(facts: Facts, grace: Grace) -> list[Order]:
    """The orders of a buyer, by when they count."""
    paid_ms = first_paid_ms(facts)
    closed_ms = {fact.ref: fact.at_ms for fact in facts.of(OrderClosed)}
    failed_ms: defaultdict[str, list[int]] = defaultdict(list)
    for failure in facts.of(PaymentFailed):
        failed_ms[failure.order_id].append(failure.at_ms)
    orders = []
    for placed in facts.of(OrderPlaced):
        name = placed.ref
        counted_ms = counts_from_ms(
            placed.at_ms, grace.of(placed), failed_ms.get(name, ()), grace.failed_payment_ms
        )
        order_paid_ms = paid_ms.get(name, NEVER)
        end_ms = min(order_paid_ms, closed_ms.get(name, NEVER))
        orders.append(Order(counted_ms, placed, end_ms, order_paid_ms))
    # Two orders may come of one event: what tells them apart is their own name.
    orders.sort(key=lambda order: (order.counted_ms, order.placed.event_id, order.placed.ref))
    return orders


def counts_from_ms(
    placed_ms: int, grace_ms: int, failed_ms: Sequence[int], failed_grace_ms: int
) -> int:
    """When an order begins to count as unpaid: after its grace, or a while after a payment failed in it."""
    counted_ms = placed_ms + grace_ms
    if not failed_ms:
        return counted_ms
    tried = [at_ms for at_ms in failed_ms if placed_ms <= at_ms <= counted_ms]
    return max(tried) + failed_grace_ms if tried else counted_ms


def as_closed_ms(end_ms: int, close_ms: int, horizon_ms: int) -> int:
    """When an order was paid or closed, the platform's own closing included once it is due."""
    return min(end_ms, close_ms) if close_ms <= horizon_ms else end_ms


def state_of(paid_ms: int, end_ms: int) -> HeldState:
    """What an order does with its stock; each is `NEVER` where it has not happened."""
    if end_ms == NEVER:
        return "held"
    return "paid" if paid_ms <= end_ms else "closed"


def outcome_of_burst(
    paid: Sequence[int], ends: Sequence[int], last_at_ms: int, resolve_percent: int
) -> tuple[AlertStatus, int | None]:
    """What became of the unpaid orders of an episode, and when: most were paid, or all are over.

    `paid` are the times of those that were paid, sorted; `ends` when each was paid or closed, `NEVER`
    where it was not.
    """
    needed = ceil(resolve_percent * len(ends) / 100)
    if len(paid) >= needed:
        return "resolved", max(paid[needed - 1], last_at_ms)
    if max(ends) < NEVER:
        return "expired", max(*ends, last_at_ms)
    return "open", None


def is_half_paid(paid: Sequence[int], placed: Sequence[int]) -> bool:
    """Whether of a burst half was paid, of orders and of units; of both lists each is the units of an order.

    To pay for one of many, or for trifles, is cheap.
    """
    return 2 * len(paid) >= len(placed) and 2 * sum(paid) >= sum(placed)


def beside_the_most(details: Mapping[str, int | str]) -> tuple[str, str]:
    """What stands behind the numbers of the busiest window, where the episode has more than that.

    Reads `orders`, `units`, `most_orders` and `most_units`. Empty where one window holds all.
    """
    orders, units = details["orders"], details["units"]
    if (orders, units) == (details["most_orders"], details["most_units"]):
        return "", ""
    return f"(前后共{orders}笔{units}件)", f" (in all {orders} orders, {units} units)"
