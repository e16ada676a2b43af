"""Histories for oracle tests, told in seconds after `T0_MS`; every event is a valid contract event."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.oracle.oracle import OracleEpisode, oracle

MINUTE = 60
HOUR = 3600
DAY = 86_400
_T0 = datetime(2026, 11, 1, tzinfo=UTC)
T0_MS = int(_T0.timestamp()) * 1000


def ms(at: float) -> int:
    """The epoch milliseconds of `at` seconds into a story."""
    return T0_MS + round(at * 1000)


class Story:
    """A list of events about one shop; the buyer can be set anew between events."""

    def __init__(self, *, buyer: str = "b", shop: str = "s") -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.buyer = buyer
        self.shop = shop

    def told(
        self, detector: str, until: float, rules: dict[str, Any] | None = None
    ) -> list[OracleEpisode]:
        """The episodes of `detector` with the horizon at `until` seconds."""
        return oracle(detector, self.events, ms(until), rules)

    def _add(self, topic: str, kind: str, at: float, event_id: str | None, **body: Any) -> None:
        self._tell(topic, kind, at, event_id, {"buyer_id": self.buyer} | body)

    def _tell(
        self, topic: str, kind: str, at: float, event_id: str | None, body: dict[str, Any]
    ) -> None:
        header = {
            "type": kind,
            "event_id": event_id or f"e{len(self.events):04d}",
            "schema_version": 1,
            "occurred_at": written(at),
            "shop_id": self.shop,
        }
        self.events.append((topic, header | body))

    def stock(
        self,
        item: str,
        at: float,
        on_hand: int,
        held: int = 0,
        *,
        reserved: int = 0,
        mode: str = "order",
        event_id: str | None = None,
    ) -> None:
        """A reading of an item's stock."""
        numbers = {"on_hand": on_hand, "held_unpaid": held, "paid_reserved": reserved}
        body = {"item_id": item, **numbers, "deduct_mode": mode}
        self._tell("stock", "level", at, event_id, body)

    def listing(self, kind: str, item: str, at: float, **body: Any) -> None:
        """A listing was `published`, `changed`, or went `on_shelf` or `off_shelf`."""
        self._tell("listings", kind, at, None, {"item_id": item} | body)

    def created(
        self,
        order: str,
        at: float,
        units: int = 1,
        *,
        ship_by: float | None = None,
        event_id: str | None = None,
        receiver: dict[str, str] | None = None,
        device: str | None = None,
        more: Mapping[str, int] | None = None,
    ) -> None:
        """An order of one line, or of those of `more` (item and units) too."""
        lines = {**({"i": units} if units else {}), **(more or {})}
        items = [{"item_id": i, "quantity": n, "unit_price_minor": 100} for i, n in lines.items()]
        extra: dict[str, Any] = {} if ship_by is None else {"ship_by": written(ship_by)}
        extra |= {} if receiver is None else {"receiver": receiver}
        extra |= {} if device is None else {"device_hash": device}
        body = {"order_id": order, "items": items, "currency": "CNY", "amount_minor": 100 * units}
        self._add("orders", "created", at, event_id, **body, **extra)

    def redirected(self, order: str, at: float, receiver: dict[str, str]) -> None:
        """The receiver of an order was changed."""
        self._add("orders", "address_changed", at, None, order_id=order, receiver=receiver)

    def closed(self, order: str, at: float) -> None:
        """The buyer closed the order."""
        self._add("orders", "closed", at, None, order_id=order, closed_by="buyer")

    def paid(
        self, order: str, at: float, payment: str | None = None, payer: str | None = None
    ) -> None:
        """A payment that went through, perhaps from an account that is told."""
        body = {"order_id": order, "payment_id": payment or f"p-{order}"} | _from(payer)
        self._add("payments", "succeeded", at, None, **body, currency="CNY", amount_minor=100)

    def failed(
        self, order: str, at: float, payment: str | None = None, payer: str | None = None
    ) -> None:
        """A payment that was tried and refused."""
        body = {"order_id": order, "payment_id": payment or f"p-{order}"} | _from(payer)
        self._add("payments", "failed", at, None, **body)

    def shipped(
        self,
        order: str,
        at: float,
        *,
        promised_by: float | None = None,
        awaits: bool = False,
        tracking_no: str | None = None,
    ) -> None:
        """The parcel left; `awaits`: its pickup is told as well."""
        extra: dict[str, Any] = {"pickup_follows": True} if awaits else {}
        extra |= {} if tracking_no is None else {"tracking_no": tracking_no}
        extra |= {} if promised_by is None else {"promised_by": written(promised_by)}
        self._add("shipments", "shipped", at, None, order_id=order, **extra)

    def parcel(self, kind: str, order: str, at: float) -> None:
        """Something happened to the parcel, other than being shipped."""
        self._add("shipments", kind, at, None, order_id=order)

    def requested(
        self,
        order: str,
        at: float,
        *,
        refund: str | None = None,
        attempt: int = 1,
        reason: str = "damaged",
        goods: str = "received",
        refund_only: bool = True,
        sub_order: str | None = None,
        amount_minor: int = 100,
        paid_minor: int | None = None,
        text: str = "",
        event_id: str | None = None,
    ) -> None:
        """A request for a refund; `paid_minor` is what was paid for what is asked back."""
        self._add(
            "refunds",
            "requested",
            at,
            event_id,
            refund_id=refund or f"r-{order}",
            order_id=order,
            attempt_no=attempt,
            refund_only=refund_only,
            reason=reason,
            reason_text=text,
            phase="aftersale",
            goods_status=goods,
            currency="CNY",
            amount_minor=amount_minor,
            sub_order_id=sub_order,
            paid_minor=paid_minor,
        )

    def refund_step(
        self,
        kind: str,
        order: str,
        at: float,
        *,
        refund: str | None = None,
        attempt: int = 1,
        sub_order: str | None = None,
        text: str = "",
    ) -> None:
        """A request was `refused`, perhaps in these words, or `withdrawn`."""
        body = {"refund_id": refund or f"r-{order}", "order_id": order, "attempt_no": attempt}
        words = {"reason_text": text} if text else {}
        self._add("refunds", kind, at, None, **body, sub_order_id=sub_order, **words)

    def flagged(self, at: float, *, banned: bool | None) -> None:
        """The shop's or the platform's marks on the account; None says nothing about a ban."""
        self._add("accounts", "flags", at, None, is_banned=banned)

    def contact(self, at: float, *, answered: bool | None = False) -> None:
        """The seller tried to reach the buyer; None where nobody knows the outcome."""
        self._add("contacts", "attempted", at, None, channel="phone", answered=answered)

    def wrote(self, at: float, text: str = "在上班,打字说吧") -> None:
        """The buyer wrote in the chat, whatever it was."""
        body = {"chat_id": "c", "sender": "buyer", "channel": "wangwang", "text": text}
        self._add("chats", "message", at, None, **body)

    def seller_wrote(self, text: str, at: float, order: str | None = None) -> None:
        """The seller wrote in the chat, perhaps about an order."""
        body = {"chat_id": "c", "sender": "seller", "channel": "wangwang", "text": text}
        self._add("chats", "message", at, None, **body, order_id=order)

    def decided(self, order: str, at: float, *, refund: str, ruling: str = "buyer") -> None:
        """The platform decided about a refund."""
        body = {"refund_id": refund, "order_id": order, "ruling": ruling}
        self._add("refunds", "platform_intervened", at, None, **body)

    def filed(self, complaint: str, order: str | None, at: float, kind: str = "stockout") -> None:
        """A complaint to the platform."""
        body = {"complaint_id": complaint, "order_id": order, "complaint_type": kind}
        self._add("complaints", "filed", at, None, **body)

    def ruled(
        self, complaint: str, order: str | None, at: float, ruling: str, kind: str = "stockout"
    ) -> None:
        """The platform's ruling."""
        body = {"complaint_id": complaint, "order_id": order, "complaint_type": kind}
        self._add("complaints", "ruled", at, None, **body, ruling=ruling)


def _from(payer: str | None) -> dict[str, str]:
    return {} if payer is None else {"payer_account": payer}


def written(at: float) -> str:
    """`at` seconds into a story as a contract event writes it."""
    return (_T0 + timedelta(seconds=at)).isoformat(timespec="milliseconds")
