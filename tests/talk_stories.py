"""Stories of chats and reviews, and the rows by which detectors and oracle are compared on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from schemas.fast import decode_line
from streams.detect.diff import alert_id
from streams.detect.extract import FACTS_OF, to_ms
from streams.detect.facts import (
    AnyFact,
    ChatRefused,
    ChatSaid,
    Identified,
    InvoiceAsked,
    InvoiceIssued,
    InvoiceRefused,
    OfferedMoney,
    OwnMoney,
    ReasonGiven,
    Redirected,
    ReviewGone,
    ReviewStood,
    SaidMistake,
    SaidStockout,
)
from tests.oracle.story import Story, written
from tests.oracle.talk import (
    DETECTORS,
    Delivered,
    Ended,
    Explained,
    InvoiceStep,
    Offered,
    Owned,
    Reviewed,
    Said,
    TalkHistory,
)
from tests.pipeline import Pipeline

_THEMES = ("cashback", "address", "invoice")
_INSULTS = ("abuse.vulgar", "abuse.person", "abuse.group")
_SWEARING = ("abuse.expletive",)


class Talk(Story):
    """A story with chats, reviews and invoices."""

    def said(
        self, text: str, at: float, *, sender: str = "buyer", order: str | None = None, **body: Any
    ) -> None:
        """A message."""
        named = {} if order is None else {"order_id": order}
        self._add(
            "chats",
            "message",
            at,
            None,
            chat_id="c",
            sender=sender,
            channel="wangwang",
            text=text,
            **named,
            **body,
        )

    def reviewed(
        self,
        kind: str,
        order: str,
        at: float,
        rating: str = "bad",
        text: str = "",
        *,
        posted: float | None = None,
        **body: Any,
    ) -> None:
        """A review was posted, appended or changed; `posted` is when it was first published."""
        if posted is not None:
            body["posted_at"] = written(posted)
        self._add(
            "reviews",
            kind,
            at,
            None,
            review_id=f"r-{order}",
            order_id=order,
            rating=rating,
            text=text,
            **body,
        )

    def asked_invoice(self, order: str, at: float, ship_to: dict[str, str] | None = None) -> None:
        """An invoice was asked for, perhaps to some address."""
        named = {} if ship_to is None else {"ship_to": ship_to}
        self._add(
            "invoices", "requested", at, None, invoice_id=f"i-{order}", order_id=order, **named
        )

    def issued_invoice(self, order: str, at: float) -> None:
        """The invoice was issued."""
        self._add("invoices", "issued", at, None, invoice_id=f"i-{order}", order_id=order)

    def taken_down(self, order: str, at: float) -> None:
        """The review of an order was deleted."""
        self._add("reviews", "deleted", at, None, review_id=f"r-{order}", order_id=order)

    def refused_invoice(self, order: str, at: float) -> None:
        """The seller refused an invoice."""
        self._add("invoices", "refused", at, None, invoice_id=f"i-{order}", order_id=order)


class Row(NamedTuple):
    """One episode or case."""

    detector: str
    subject: str
    alert_id: str
    opened_at_ms: int
    status: str
    ended_at_ms: int | None
    severity: str
    members: tuple[str, ...]


def engine_rows(pipeline: Pipeline) -> list[Row]:
    """What stands after a run, of the detectors that this oracle knows."""
    last = {alert.alert_id: alert for alert in pipeline.alerts}
    return sorted(
        Row(
            alert.detector,
            f"{alert.subject.kind}/{alert.subject.id}",
            alert.alert_id,
            to_ms(alert.opened_at),
            alert.status,
            None if alert.resolved_at is None else to_ms(alert.resolved_at),
            alert.severity,
            tuple(sorted({fact.event_id for fact in alert.evidence.facts})),
        )
        for alert in last.values()
        if alert.detector in DETECTORS and alert.status != "retracted"
    )


def oracle_rows(
    events: Iterable[tuple[str, Mapping[str, Any]]],
    horizon_ms: int,
    detectors: Sequence[str] = DETECTORS,
) -> list[Row]:
    """What the oracle finds, for all detectors or some: each is a query of ten milliseconds."""
    with talk_history(events) as history:
        return sorted(
            Row(
                detector,
                f"{e.subject_kind}/{e.subject_id}",
                alert_id(detector, "default", e.subject_kind, e.subject_id, e.anchor_event_id),  # type: ignore[arg-type]
                e.opened_at_ms,
                e.status,
                e.ended_at_ms,
                e.severity,
                tuple(sorted(e.members)),
            )
            for detector in detectors
            for e in history.episodes(detector, horizon_ms)
        )


def talk_history(events: Iterable[tuple[str, Mapping[str, Any]]]) -> TalkHistory:
    """The events with what the text signals found in them. Close it."""
    events = list(events)
    said: dict[tuple[str, str, str], Said] = {}
    explained: list[Explained] = []
    offered: list[Offered] = []
    owned: list[Owned] = []
    reviewed: list[Reviewed] = []
    gone: list[Ended] = []
    invoices: list[InvoiceStep] = []
    delivered: list[Delivered] = []
    for topic, value in events:
        _, decoded = decode_line(orjson.dumps({"topic": topic, "value": value}))
        make = FACTS_OF.get(type(decoded))
        where = value["shop_id"], str(value.get("buyer_id"))
        for fact in make(decoded) if make else ():
            if isinstance(fact, ChatSaid):
                said[*where, fact.event_id] = _said(*where, fact)
            elif isinstance(fact, ReasonGiven | SaidMistake | SaidStockout):
                explained.append(Explained(*where, fact.at_ms))
            elif isinstance(fact, OfferedMoney):
                offered.append(Offered(*where, fact.at_ms, fact.amount_minor))
            elif isinstance(fact, OwnMoney):
                owned.append(Owned(*where, fact.event_id, fact.at_ms, fact.amount_minor))
            elif isinstance(fact, ReviewStood):
                reviewed.append(
                    Reviewed(
                        *where,
                        fact.review_id,
                        fact.part,
                        fact.event_id,
                        fact.at_ms,
                        fact.order_id,
                        fact.rating,
                        fact.posted_ms,
                        sum(code.startswith("ad.") for code in fact.codes()),
                        *(_places(fact, *codes) for codes in (_INSULTS, ("leak.",), _SWEARING)),
                        " scam" in f" {fact.found}",
                    )
                )
            elif isinstance(fact, ReviewGone):
                gone.append(Ended(*where, fact.ref, fact.at_ms))
            elif isinstance(fact, Identified | Redirected):
                kind = "created" if isinstance(fact, Identified) else "changed"
                delivered.append(
                    Delivered(*where, fact.ref, kind, fact.event_id, fact.at_ms, fact.address)
                )
            elif step := _invoice_step(*where, fact):
                invoices.append(step)
    newest = {(r.shop, r.buyer, r.review_id, r.part): r for r in sorted(reviewed, key=_moment)}
    last_gone = {(g.shop, g.buyer, g.name): g for g in sorted(gone, key=lambda g: g.at_ms)}
    return TalkHistory(
        events,
        list(said.values()),
        explained,
        offered,
        owned,
        list(newest.values()),
        list(last_gone.values()),
        invoices,
        delivered,
    )


def _moment(part: Reviewed) -> tuple[int, str]:
    return part.at_ms, part.event_id


def _invoice_step(shop: str, buyer: str, fact: AnyFact) -> InvoiceStep | None:
    about = shop, buyer
    when = fact.event_id, fact.at_ms
    if isinstance(fact, InvoiceAsked):
        return InvoiceStep(*about, "asked", *when, fact.invoice_id, fact.order_id, fact.address)
    if isinstance(fact, InvoiceRefused):
        return InvoiceStep(*about, "refused", *when, fact.ref, fact.order_id)
    if isinstance(fact, InvoiceIssued):
        return InvoiceStep(*about, "issued", *when, fact.ref, fact.order_id)
    if isinstance(fact, ChatRefused):
        return InvoiceStep(*about, "refused in chat", *when, "", fact.order_id)
    return None


def _said(shop: str, buyer: str, fact: ChatSaid) -> Said:
    found = f" {fact.found}"
    return Said(
        shop,
        buyer,
        fact.event_id,
        fact.at_ms,
        " threat." in found,
        " demand.money@" in found,
        " demand.money.claim@" in found,
        " demand.soft@" in found,
        fact.amount_minor > 0,
        " contact." in found,
        any(f" {code}" in found for code in ("threat.", "demand.", "contact."))
        or fact.amount_minor > 0,
        " address.ask@" in found,
        [theme for theme in _THEMES if f" {theme}" in found],
        list(fact.orders),
        fact.amount_minor,
        " scam" in found,
    )


def _places(fact: ReviewStood, *codes: str) -> int:
    return sum(one.startswith(codes) for one in fact.found.split(" "))
