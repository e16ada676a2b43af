"""Histories about returns, disputes, top-ups, chats and closing by hand, told like those of `story`."""

from __future__ import annotations

from typing import Any

from tests.oracle.story import Story, written


class SellerStory(Story):
    """A story with the events of the detectors that concern the seller's own side."""

    def closed_by(self, who: str, order: str, at: float, event_id: str | None = None) -> None:
        """The buyer, the seller or the system closed the order."""
        self._add("orders", "closed", at, event_id, order_id=order, closed_by=who)

    def inspected(
        self,
        order: str,
        at: float,
        result: str = "mismatch",
        event_id: str | None = None,
        number: int = 1,
        **given: Any,
    ) -> None:
        """A returned parcel was opened; `given` are numbers expected and received. `number`: which parcel."""
        name = f"ret-{order}" if number == 1 else f"ret-{order}-{number}"
        body = {"return_id": name, "order_id": order, "result": result, **given}
        self._add("returns", "inspected", at, event_id, **body)

    def returned(
        self,
        kind: str,
        order: str,
        at: float,
        event_id: str | None = None,
        number: int = 1,
        refund: str | None = None,
    ) -> None:
        """A parcel on its way back: `label_created` or `delivered`; an order may have several."""
        name = f"ret-{order}" if number == 1 else f"ret-{order}-{number}"
        body = {"return_id": name, "order_id": order, "refund_id": refund}
        self._add("returns", kind, at, event_id, **body)

    def granted(
        self,
        order: str,
        at: float,
        kind: str = "agreed",
        event_id: str | None = None,
        refund: str | None = None,
    ) -> None:
        """The refund was `agreed`, or the money went back (`succeeded`)."""
        money = {} if kind == "agreed" else {"currency": "CNY", "amount_minor": 100}
        body = {"refund_id": refund or f"r-{order}", "order_id": order, "attempt_no": 1}
        self._add("refunds", kind, at, event_id, **body, **money)

    def disputed(
        self,
        order: str,
        at: float,
        reason: str = "quality",
        *,
        ends: float | None = None,
        event_id: str | None = None,
        **more: Any,
    ) -> None:
        """A dispute was opened; `ends` is when its countdown does. A second one has its own `dispute_id`."""
        if ends is not None:
            more["countdown_ends_at"] = written(ends)
        body = {"dispute_id": f"d-{order}", "order_id": order, "reason": reason, **more}
        self._add("disputes", "opened", at, event_id, **body)

    def dispute_step(
        self, kind: str, order: str, at: float, *, ends: float | None = None, **more: Any
    ) -> None:
        """A dispute was `withdrawn`, `escalated` or `ruled`."""
        if ends is not None:
            more["countdown_ends_at"] = written(ends)
        event_id = more.pop("event_id", None)
        body = {"dispute_id": f"d-{order}", "order_id": order, **more}
        self._add("disputes", kind, at, event_id, **body)

    def shown(
        self, about: str, by: str, order: str, at: float, event_id: str | None = None
    ) -> None:
        """A party added evidence to a dispute, such as a `label_photo`."""
        body = {"dispute_id": f"d-{order}", "order_id": order, "by": by}
        self._add("disputes", "evidence_added", at, event_id, **body)
        self.events[-1][1]["kind"] = about

    def topped_up(self, recharge: str, at: float, event_id: str | None = None) -> None:
        """A top-up was sent to the provider."""
        body = {"recharge_id": recharge, "order_id": f"o-{recharge}"}
        self._add(
            "recharges", "submitted", at, event_id, **body, currency="CNY", face_value_minor=100
        )

    def answered(self, recharge: str, at: float, status: str, kind: str = "callback") -> None:
        """The provider answered, or somebody settled it by hand (`reconciled`)."""
        body = {"recharge_id": recharge, "order_id": f"o-{recharge}", "status": status}
        self._add("recharges", kind, at, None, **body)

    def filing(
        self, kind: str, order: str, at: float, event_id: str | None = None, number: int = 1
    ) -> None:
        """A filing (备案) was `submitted`, `accepted` or `rejected`."""
        body = {"filing_id": f"f-{order}-{number}", "order_id": order}
        self._add("filings", kind, at, event_id, **body)

    def invoiced(self, order: str, at: float) -> None:
        """An invoice was asked for."""
        self._add("invoices", "requested", at, None, invoice_id=f"i-{order}", order_id=order)

    def chatted(self, at: float, sender: str = "buyer") -> None:
        """A message that says nothing in particular."""
        body = {"chat_id": "c", "sender": sender, "channel": "wangwang", "text": "hello"}
        self._add("chats", "message", at, None, **body)
