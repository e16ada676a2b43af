"""Writing down what happens to invented orders, as encoded events of the contract.

Everything random about an event (ids, numbers) comes from the journal's own generator, in the order
of the calls; times are whole milliseconds since 1970 and are written with Shanghai's offset.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any, Literal, NamedTuple

import orjson

from streams.simulate.people import Person

SHANGHAI = timezone(timedelta(hours=8))

ClosedBy = Literal["buyer", "seller", "system"]
GoodsStatus = Literal["not_received", "received", "returned"]


class SimEvent(NamedTuple):
    """One event: its time, its topic, and its JSON body."""

    at_ms: int
    topic: str
    body: bytes


class Line(NamedTuple):
    """An item of an order."""

    item_id: str
    quantity: int
    price_minor: int
    category: str = ""


def iso(at_ms: int) -> str:
    """RFC 3339 with milliseconds, Shanghai time."""
    return datetime.fromtimestamp(at_ms / 1000, SHANGHAI).isoformat(timespec="milliseconds")


class Journal:
    """Collects events in the order in which they are told; the reader sorts them by time."""

    __slots__ = ("_bits", "_rng", "events")

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._bits = rng.getrandbits
        self.events: list[SimEvent] = []

    def new_id(self) -> str:
        """An id in the form of a version 4 UUID."""
        digits = f"{self._bits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"

    def number(self, digits: int) -> str:
        """A decimal number of exactly so many digits."""
        lowest = 10 ** (digits - 1)
        return str(lowest + self._bits(64) % (9 * lowest))

    def put(
        self, at_ms: int, topic: str, kind: str, shop_id: str, buyer_id: str, body: dict[str, Any]
    ) -> None:
        """Write down one event of a buyer."""
        self._write(at_ms, topic, {"shop_id": shop_id, "buyer_id": buyer_id, "type": kind, **body})

    def put_of_item(
        self, at_ms: int, topic: str, kind: str, shop_id: str, item_id: str, body: dict[str, Any]
    ) -> None:
        """Write down one event of an item: of its stock or of its listing."""
        self._write(at_ms, topic, {"shop_id": shop_id, "item_id": item_id, "type": kind, **body})

    def _write(self, at_ms: int, topic: str, said: dict[str, Any]) -> None:
        head = {"event_id": self.new_id(), "schema_version": 1, "occurred_at": iso(at_ms)}
        self.events.append(SimEvent(at_ms, topic, orjson.dumps({**head, **said})))

    def place(
        self,
        at_ms: int,
        shop_id: str,
        buyer: Person,
        lines: Sequence[Line],
        *,
        ship_by_ms: int | None = None,
    ) -> Purchase:
        """A buyer places an order."""
        return Purchase(self, at_ms, shop_id, buyer, lines, ship_by_ms)


class Purchase:
    """One order and all that happens to it."""

    __slots__ = ("_journal", "_parcel", "amount_minor", "buyer", "lines", "order_id", "shop_id")

    def __init__(
        self,
        journal: Journal,
        at_ms: int,
        shop_id: str,
        buyer: Person,
        lines: Sequence[Line],
        ship_by_ms: int | None,
    ) -> None:
        self._journal = journal
        self.shop_id = shop_id
        self.buyer = buyer
        self.lines = lines
        self.order_id = journal.number(18)
        self.amount_minor = sum(line.quantity * line.price_minor for line in lines)
        self._parcel: dict[str, Any] = {}
        body: dict[str, Any] = {
            "order_id": self.order_id,
            "items": [
                {
                    "item_id": line.item_id,
                    "quantity": line.quantity,
                    "unit_price_minor": line.price_minor,
                    "sku_id": f"{line.item_id}-1",
                    **({"category": line.category} if line.category else {}),
                }
                for line in lines
            ],
            "currency": "CNY",
            "amount_minor": self.amount_minor,
            "free_shipping": True,
            "receiver": buyer.receiver,
            "device_hash": buyer.device_hash,
            "channel": "app",
        }
        if ship_by_ms is not None:
            body["ship_by"] = iso(ship_by_ms)
        self.put(at_ms, "orders", "created", body)

    @property
    def units(self) -> int:
        """Units over all lines."""
        return sum(line.quantity for line in self.lines)

    def put(self, at_ms: int, topic: str, kind: str, body: dict[str, Any]) -> None:
        """Write down any event of this order's buyer."""
        self._journal.put(at_ms, topic, kind, self.shop_id, self.buyer.buyer_id, body)

    def pay(self, at_ms: int, payer_account: str | None = None) -> None:
        """The order is paid, perhaps from an account that is told."""
        body = {
            "order_id": self.order_id,
            "payment_id": self._journal.number(22),
            "currency": "CNY",
            "amount_minor": self.amount_minor,
        }
        payer = {} if payer_account is None else {"payer_account": payer_account}
        self.put(at_ms, "payments", "succeeded", body | payer)

    def fail_payment(self, at_ms: int, reason: str) -> None:
        """A payment is tried and refused."""
        body = {
            "order_id": self.order_id,
            "payment_id": self._journal.number(22),
            "reason": reason,
        }
        self.put(at_ms, "payments", "failed", body)

    def close(self, at_ms: int, closed_by: ClosedBy, reason: str) -> None:
        """The order ends unfulfilled."""
        body = {"order_id": self.order_id, "closed_by": closed_by, "reason": reason}
        self.put(at_ms, "orders", "closed", body)

    def ship(self, at_ms: int, promised_by_ms: int | None, *, pickup_follows: bool = False) -> None:
        """The seller ships; without a promise of the shipment's own, the order's stands."""
        self._parcel = {
            "order_id": self.order_id,
            "carrier": "SF",
            "tracking_no": "SF" + self._journal.number(13),
        }
        promise = {} if promised_by_ms is None else {"promised_by": iso(promised_by_ms)}
        follows = {"pickup_follows": True} if pickup_follows else {}
        self.put(at_ms, "shipments", "shipped", {**self._parcel, **promise, **follows})

    def pick_up(self, at_ms: int) -> None:
        """The carrier takes the parcel."""
        self.put(at_ms, "shipments", "pickup", self._parcel)

    def deliver(self, at_ms: int) -> None:
        """The parcel is handed over."""
        self.put(at_ms, "shipments", "delivered", self._parcel)

    def finish(self, at_ms: int) -> None:
        """Receipt is confirmed."""
        self.put(at_ms, "orders", "finished", {"order_id": self.order_id})

    def review(self, at_ms: int, rating: Literal["good", "neutral", "bad"], text: str) -> None:
        """The buyer reviews the first item."""
        body = {
            "review_id": self._journal.number(16),
            "order_id": self.order_id,
            "item_id": self.lines[0].item_id,
            "rating": rating,
            "text": text,
        }
        self.put(at_ms, "reviews", "posted", body)

    def chat(self, at_ms: int, text: str) -> None:
        """The buyer writes to the shop."""
        body = {
            "chat_id": self._journal.new_id(),
            "sender": "buyer",
            "order_id": self.order_id,
            "channel": "wangwang",
            "text": text,
        }
        self.put(at_ms, "chats", "message", body)

    def contact(self, at_ms: int, *, is_answered: bool, channel: str = "phone") -> None:
        """The shop tries to reach the buyer."""
        body = {"order_id": self.order_id, "channel": channel, "answered": is_answered}
        self.put(at_ms, "contacts", "attempted", body)

    def complain(self, at_ms: int, complaint_type: str, text: str) -> Complaint:
        """The buyer complains to the platform."""
        return Complaint(self, at_ms, self._journal.number(16), complaint_type, text)

    def refund(
        self,
        reason: str,
        *,
        is_refund_only: bool,
        goods_status: GoodsStatus,
        text: str = "",
    ) -> Refund:
        """A refund of this order, with nothing requested yet."""
        return Refund(
            self,
            self._journal.number(16),
            {
                "refund_only": is_refund_only,
                "reason": reason,
                "reason_text": text,
                "phase": "aftersale" if goods_status != "not_received" else "onsale",
                "goods_status": goods_status,
                "currency": "CNY",
                "amount_minor": self.amount_minor,
            },
        )


class Complaint:
    """A complaint against the shop."""

    __slots__ = ("_header", "_purchase")

    def __init__(
        self, purchase: Purchase, at_ms: int, complaint_id: str, complaint_type: str, text: str
    ) -> None:
        self._purchase = purchase
        self._header = {
            "complaint_id": complaint_id,
            "order_id": purchase.order_id,
            "complaint_type": complaint_type,
        }
        purchase.put(at_ms, "complaints", "filed", {**self._header, "text": text})

    def rule(self, at_ms: int, ruling: Literal["upheld", "rejected", "withdrawn"]) -> None:
        """The platform rules."""
        self._purchase.put(at_ms, "complaints", "ruled", {**self._header, "ruling": ruling})


class Refund:
    """A refund and its attempts."""

    __slots__ = ("_attempt_no", "_purchase", "_refund_id", "_request")

    def __init__(self, purchase: Purchase, refund_id: str, request: dict[str, Any]) -> None:
        self._purchase = purchase
        self._refund_id = refund_id
        self._request = request
        self._attempt_no = 0

    def _put(self, at_ms: int, kind: str, **body: Any) -> None:
        header = {
            "refund_id": self._refund_id,
            "order_id": self._purchase.order_id,
            "attempt_no": self._attempt_no,
        }
        self._purchase.put(at_ms, "refunds", kind, {**header, **body})

    def request(self, at_ms: int) -> None:
        """The buyer asks; each time is a new attempt."""
        self._attempt_no += 1
        self._put(at_ms, "requested", **self._request)

    def refuse(self, at_ms: int, text: str = "") -> None:
        """The seller refuses the last attempt."""
        self._put(at_ms, "refused", reason_text=text)

    def withdraw(self, at_ms: int) -> None:
        """The buyer takes the last attempt back."""
        self._put(at_ms, "withdrawn")

    def agree(self, at_ms: int) -> None:
        """The seller agrees."""
        self._put(at_ms, "agreed")

    def send_back(self, at_ms: int) -> None:
        """The buyer sends the goods back."""
        self._put(at_ms, "buyer_returned")

    def succeed(self, at_ms: int) -> None:
        """The money is back."""
        self._put(at_ms, "succeeded", currency="CNY", amount_minor=self._purchase.amount_minor)
