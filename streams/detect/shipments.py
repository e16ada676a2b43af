"""How the orders of one buyer were sent: by when each had to leave, and what is known to have left.

What a newcomer gets wrong: an order may be sent again or in two parts. Only its last parcel is known, beside
when nothing more had to be shipped for it (`ShippingOver`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from streams.detect.deadlines import Ship, ship_times
from streams.detect.detector import Facts
from streams.detect.facts import (
    NEVER,
    OrderPaid,
    OrderPlaced,
    ParcelRefused,
    PickedUp,
    Shipped,
    ShippingOver,
)
from streams.detect.orders import first_paid_ms
from streams.detect.parcels import pickups_ms

# Later than every date there is, in milliseconds: what is told earlier must count for more.
_LATEST_MS = 1 << 48


class Shipment(NamedTuple):
    """One order on its way. `paid_ms` is its earliest payment, `sent` its last parcel.

    `picked_up_ms` is as in `pickups_ms`, `returned_ms` when the carrier brought a parcel back. `version`
    grows with every fact about all of this.
    """

    placed: OrderPlaced | None
    paid_ms: int | None
    sent: Shipped | None
    over: ShippingOver | None
    picked_up_ms: int | None
    returned_ms: Sequence[int]
    version: int

    @property
    def is_picked_up(self) -> bool:
        """Whether the carrier is known to have its last parcel."""
        return self.picked_up_ms is not None and self.picked_up_ms != NEVER

    def is_back(self, at_ms: int) -> bool:
        """Whether the carrier had brought a parcel back by then."""
        return min(self.returned_ms, default=NEVER) <= at_ms

    def is_over_unsent(self, deadline_ms: int) -> bool:
        """Whether nothing had to be sent any more by the deadline, and nothing known was sent by then.

        Closed, refunded, or filed (S2 「備案成功可不發貨」); or it left in time and was sent again, or in two
        parts, which proves nothing to anybody.
        """
        return (
            self.over is not None
            and self.over.at_ms <= deadline_ms
            and (self.sent is None or self.sent.at_ms > deadline_ms)
        )

    def deadline_ms(self, rule: Ship) -> int | None:
        """T02, or what the parcel promised if that is earlier; None where neither is known."""
        deadline_ms = _limit_ms(self.placed, self.paid_ms, rule)
        if not deadline_ms:
            # Not what a parcel promises either: a payment that is not read yet may make it earlier.
            return None
        if self.sent is None or not self.sent.promised_by_ms:
            return deadline_ms
        if self.over is not None and self.over.at_ms < self.sent.at_ms:
            # Sent again: what the first parcel promised is not known any more.
            return None
        return min(deadline_ms, self.sent.promised_by_ms)


def _limit_ms(placed: OrderPlaced | None, paid_ms: int | None, rule: Ship) -> int:
    """T02 of an order, or what it promised; 0 where neither is known."""
    ship_by_ms = placed.ship_by_ms if placed else 0
    return ship_by_ms if paid_ms is None else ship_times(paid_ms, rule, ship_by_ms).limit_ms


class Shipments:
    """The shipments of a buyer, by order. Cost: linear in the facts behind them."""

    def __init__(self, facts: Facts) -> None:
        self._placed = {fact.ref: fact for fact in facts.of(OrderPlaced)}
        self._sent = {fact.ref: fact for fact in facts.of(Shipped)}
        self._over = {fact.ref: fact for fact in facts.of(ShippingOver)}
        self._paid_ms = first_paid_ms(facts)
        self._pickups_ms = pickups_ms(facts)
        self._picked = {fact.ref: fact for fact in facts.of(PickedUp)}
        self._returned_ms: dict[str, list[int]] = {}
        for parcel in facts.of(ParcelRefused):
            if parcel.how == "returned":
                self._returned_ms.setdefault(parcel.order_id, []).append(parcel.at_ms)
        self._payments_ms: dict[str, int] = {}
        for payment in facts.of(OrderPaid):
            paid_ms = self._payments_ms.get(payment.order_id, 0)
            self._payments_ms[payment.order_id] = paid_ms + payment.at_ms

    def of(self, order_id: str) -> Shipment:
        """All that is known of the shipment of one order."""
        placed, sent = self._placed.get(order_id), self._sent.get(order_id)
        over, picked = self._over.get(order_id), self._picked.get(order_id)
        returned_ms = self._returned_ms.get(order_id, ())
        return Shipment(
            placed,
            self._paid_ms.get(order_id),
            sent,
            over,
            self._pickups_ms.get(order_id),
            returned_ms,
            self._payments_ms.get(order_id, 0)
            + sum(fact.at_ms for fact in (placed, sent, picked) if fact)
            + (_LATEST_MS - over.at_ms if over else 0)
            + sum(returned_ms),
        )


class LateSeller:
    """Whether orders left too late, by T02 or by what they had promised. Cost: linear in their facts."""

    def __init__(self, facts: Facts, rule: Ship) -> None:
        self._rule = rule
        self._placed = {order.ref: order for order in facts.of(OrderPlaced)}
        self._paid_ms = first_paid_ms(facts)
        self._over = {over.ref: over for over in facts.of(ShippingOver)}

    def left_late(self, order_id: str) -> bool:
        """Whether its first parcel is known to have left too late."""
        over = self._over.get(order_id)
        return (
            over is not None and over.how == "shipped" and 0 < self._limit_ms(order_id) < over.at_ms
        )

    def was_late(self, order_id: str, at_ms: int) -> bool:
        """Whether by then it had left too late, or had not left though it was paid for and should have."""
        over = self._over.get(order_id)
        if over is not None and over.at_ms <= at_ms:
            return self.left_late(order_id)
        return order_id in self._paid_ms and 0 < self._limit_ms(order_id) < at_ms

    def _limit_ms(self, order_id: str) -> int:
        """When it had to leave, as if it had been paid for when it was placed where no payment is known."""
        placed = self._placed.get(order_id)
        paid_ms = self._paid_ms.get(order_id, placed.at_ms if placed else None)
        return _limit_ms(placed, paid_ms, self._rule)
