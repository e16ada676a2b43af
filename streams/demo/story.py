"""The story that the demo plays: a shop's two hours with honest buyers and some others.

Event times lie in the two hours before `end`, in slots of three minutes; a slot is sent at once, so
hours pass in half a minute. The trap: within a slot payments go first, because an order that is read
before its payment would be counted as unpaid for a moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

SLOTS = 40
SLOT_S = 180
SHOP = "demo-shop"
LATE_SHOP = "late-shop"
# No alert may accuse anybody on these lists; the summary at the end says so.
HONEST_PREFIXES = ("honest-", "flash-", "split-", "patient-")
_FIRST = {"payments": 0, "shipments": 1, "orders": 2}


class Play(NamedTuple):
    """One event and the slot in which it is sent; a late event has an older time than its slot."""

    slot: int
    topic: str
    value: dict[str, Any]


def story(end: datetime) -> list[Play]:
    """All events in the order in which they are sent. The same `end` gives the same events."""
    author = _Author(end)
    for act in (_honest_days, _burst, _late_payments, _slow_payer, _split_orders, _flash_sale):
        act(author)
    for act in (_serial_refunds, _stockout_claims, _late_seller, _repeated_claims):
        act(author)
    return sorted(author.plays, key=lambda play: (play.slot, _FIRST.get(play.topic, 3)))


class _Author:
    """Writes events with ids and times, so that an act reads like a list of what happened."""

    def __init__(self, end: datetime) -> None:
        self._start = end - timedelta(seconds=SLOTS * SLOT_S)
        self.plays: list[Play] = []

    def at(self, slot: float) -> datetime:
        """Event time of a slot; negative slots are before the story."""
        return self._start + timedelta(seconds=slot * SLOT_S)

    def tell(
        self, topic: str, type_: str, slot: float, buyer: str, shop: str = SHOP, **body: Any
    ) -> None:
        """Add an event. `sent_in` delays it: it is then sent in that slot with its older time."""
        sent_in = body.pop("sent_in", slot)
        value = {
            "event_id": f"demo-{len(self.plays):05d}",
            "schema_version": 1,
            "occurred_at": self.at(slot).isoformat(),
            "shop_id": shop,
            "buyer_id": buyer,
            "type": type_,
            **body,
        }
        self.plays.append(Play(max(0, int(sent_in)), topic, value))

    def order(
        self, slot: float, buyer: str, order: str, *, units: int = 1, shop: str = SHOP
    ) -> None:
        """An order of the demo's one item, promised to ship within a day."""
        price_minor = 19_900
        item = {"item_id": "cup-1", "quantity": units, "unit_price_minor": price_minor}
        self.tell(
            *("orders", "created", slot, buyer, shop),
            order_id=order,
            items=[item],
            currency="CNY",
            amount_minor=units * price_minor,
            ship_by=self.at(slot + 480).isoformat(),
        )

    def pay(
        self,
        slot: float,
        buyer: str,
        order: str,
        *,
        units: int = 1,
        shop: str = SHOP,
        sent_in: float | None = None,
    ) -> None:
        """A payment of an order."""
        self.tell(
            *("payments", "succeeded", slot, buyer, shop),
            sent_in=slot if sent_in is None else sent_in,
            order_id=order,
            payment_id=f"pay-{order}",
            currency="CNY",
            amount_minor=units * 19_900,
        )

    def ship(self, slot: float, buyer: str, order: str, shop: str = SHOP) -> None:
        """The parcel left the shop."""
        self.tell("shipments", "shipped", slot, buyer, shop, order_id=order, carrier="SF")

    def claim(self, slot: float, buyer: str, order: str, shop: str = SHOP) -> None:
        """A refund request that says the goods were out of stock."""
        self.tell(
            *("refunds", "requested", slot, buyer, shop),
            refund_id=f"refund-{order}",
            order_id=order,
            refund_only=True,
            reason="stockout",
            phase="onsale",
            goods_status="not_received",
            currency="CNY",
            amount_minor=19_900,
        )


def _honest_days(author: _Author) -> None:
    """Ordinary trade all the time: ordered, paid within a minute, shipped, sometimes reviewed."""
    for number in range(2 * SLOTS):
        slot, buyer, order = number / 2, f"honest-{number:03d}", f"h{number:03d}"
        author.order(slot, buyer, order)
        author.pay(slot + 0.1, buyer, order)
        author.ship(slot + 0.4, buyer, order)
        if number % 5 == 0:
            author.tell(
                *("reviews", "posted", slot + 0.45, buyer),
                review_id=f"r{number:03d}",
                order_id=order,
                rating="bad" if number % 25 == 0 else "good",
                text="",
            )


def _burst(author: _Author) -> None:
    """F1: hundreds of cups, never paid; unreachable; then a stockout complaint and an ad review."""
    for number in range(14):
        author.order(3 + number / 2, "squatter", f"f1-{number:02d}", units=25)
    for slot in (12, 14):
        author.tell("contacts", "attempted", slot, "squatter", channel="phone", answered=False)
    author.tell(
        *("complaints", "filed", 24, "squatter"),
        complaint_id="f1-complaint",
        order_id="f1-00",
        complaint_type="stockout",
    )
    author.tell(
        *("reviews", "posted", 27, "squatter"),
        review_id="f1-review",
        order_id="f1-00",
        rating="bad",
        text="加微信领返利",
    )


def _late_payments(author: _Author) -> None:
    """Paid in time, but the payments arrive late: the alert is taken back (retracted)."""
    for number in range(6):
        order = f"late-{number}"
        author.order(9 + number / 10, "delayed-news", order)
        author.pay(9.2 + number / 10, "delayed-news", order, sent_in=20)


def _slow_payer(author: _Author) -> None:
    """Unpaid beyond the grace, then paid after all: the alert is resolved."""
    for number in range(6):
        order = f"slow-{number}"
        author.order(11 + number / 10, "slow-payer", order)
        author.pay(22 + number / 10, "slow-payer", order)


def _split_orders(author: _Author) -> None:
    """N07: one purchase split into eight orders because of a payment limit, and paid: no alert."""
    for number in range(8):
        order = f"split-{number}"
        author.order(16 + number / 20, "split-buyer", order, units=2)
        author.pay(16.5 + number / 20, "split-buyer", order, units=2)


def _flash_sale(author: _Author) -> None:
    """F20: two hundred buyers within six minutes, nearly all of them pay: no alert."""
    for number in range(200):
        slot, buyer, order = 18 + number / 100, f"flash-{number:03d}", f"fs{number:03d}"
        author.order(slot, buyer, order, units=1 + number % 2)
        if number % 12:
            author.pay(slot + 0.05, buyer, order, units=1 + number % 2)


def _serial_refunds(author: _Author) -> None:
    """F8: refund-only again and again after each refusal, and nobody answers the phone."""
    author.order(-900, "refunder", "f8")
    author.pay(-899, "refunder", "f8")
    author.ship(-800, "refunder", "f8")
    for attempt in range(1, 5):
        slot = 10 + 4 * attempt
        common: dict[str, Any] = {"refund_id": "f8-refund", "order_id": "f8", "attempt_no": attempt}
        author.tell(
            *("refunds", "requested", slot, "refunder"),
            **common,
            refund_only=True,
            reason="ineffective",
            phase="aftersale",
            goods_status="received",
            currency="CNY",
            amount_minor=19_900,
        )
        author.tell("refunds", "refused", slot + 1, "refunder", **common)
    for slot in (25, 29):
        author.tell(
            *("contacts", "attempted", slot, "refunder"),
            order_id="f8",
            channel="wangwang",
            answered=False,
        )


def _stockout_claims(author: _Author) -> None:
    """F9: twelve buyers claim stockout although their parcels left in time."""
    for number, (buyer, order) in enumerate(_paid_orders(author, "claimant", "f9", SHOP)):
        author.ship(-700, buyer, order)
        author.claim(21 + number, buyer, order)


def _late_seller(author: _Author) -> None:
    """The twin of F9: this seller shipped too late, so the claims are genuine and only D34 speaks."""
    for number, (buyer, order) in enumerate(_paid_orders(author, "patient", "tw", LATE_SHOP)):
        author.ship(-20, buyer, order, LATE_SHOP)
        author.claim(21 + number, buyer, order, LATE_SHOP)


def _repeated_claims(author: _Author) -> None:
    """One buyer who claims stockout for three parcels that left in time."""
    for number in range(3):
        order = f"f10-{number}"
        author.order(-900 + number, "repeat-claimant", order)
        author.pay(-899 + number, "repeat-claimant", order)
        author.ship(-800 + number, "repeat-claimant", order)
        author.claim(26 + 3 * number, "repeat-claimant", order)


def _paid_orders(author: _Author, who: str, prefix: str, shop: str) -> Iterator[tuple[str, str]]:
    for number in range(12):
        buyer, order = f"{who}-{number:02d}", f"{prefix}-{number:02d}"
        author.order(-960, buyer, order, shop=shop)
        author.pay(-959, buyer, order, shop=shop)
        yield buyer, order
