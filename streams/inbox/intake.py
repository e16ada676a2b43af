"""From the bytes of a record to an alert or a decision that can be stored, or to a reason why not.

Pure. The trap: a record that the contract accepts may still not fit a database (a time outside the
range of UTC, a zero byte in PostgreSQL text); one such record must not stop all others for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import Literal

from pydantic import ValidationError

from schemas.alerts import Alert, AlertEnvelope
from schemas.outputs import StockAdjustment
from streams.errors import first_problem

# The greatest INTEGER of PostgreSQL; no episode has two thousand million revisions.
_MAX_REVISION = 2**31 - 1
_MAX_REF = 300
# What of a fact's detail is the id of something.
_NAMING = ("order_id", "order", "item_id", "buyer", "dispute_id")

RefusalReason = Literal["empty", "not_an_alert", "not_a_decision", "out_of_range"]


@dataclass(frozen=True)
class Position:
    """Where a record lies."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True)
class RefusedRecord:
    """A record that can never be stored."""

    position: Position
    reason: RefusalReason
    message: str
    value: bytes


@dataclass(frozen=True)
class Accepted:
    """An alert of which everything fits every supported database, and the envelope as received."""

    alert: Alert
    body: str


def read(position: Position, value: bytes | None) -> Accepted | RefusedRecord:
    """Decode one record of the alerts topic; never raises for what a record contains."""
    if not value:
        return RefusedRecord(position, "empty", "no value, expected an alert envelope", b"")
    try:
        envelope = AlertEnvelope.model_validate_json(value)
    except ValidationError as error:
        return RefusedRecord(position, "not_an_alert", storable(first_problem(error)), value)
    alert = envelope.data
    try:
        _check_ranges(alert)
    except (OverflowError, ValueError) as error:
        return RefusedRecord(position, "out_of_range", str(error), value)
    return Accepted(alert, value.decode())


def read_decision(position: Position, value: bytes | None) -> StockAdjustment | RefusedRecord:
    """Decode one record of the topic of the stock ledger; never raises for what a record contains."""
    if not value:
        return RefusedRecord(position, "empty", "no value, expected a decision on stock", b"")
    try:
        decision = StockAdjustment.model_validate_json(value)
        for at in (decision.decided_at, decision.closes_at or decision.decided_at):
            at.astimezone(UTC)
    except ValidationError as error:
        return RefusedRecord(position, "not_a_decision", storable(first_problem(error)), value)
    except OverflowError as error:
        return RefusedRecord(position, "out_of_range", str(error), value)
    return decision


def is_complaint(alert: Alert) -> bool:
    """Whether a complaint stands behind the alert, so that it belongs under Complaints as well."""
    return any("complaint" in fact.kind.lower() for fact in alert.evidence.facts)


def references(alert: Alert) -> set[str]:
    """The ids of orders, items, buyers and other things that the alert mentions."""
    named = {fact.ref for fact in alert.evidence.facts}
    for fact in alert.evidence.facts:
        # A refund or a payment has an id of its own, and people look for its order.
        named |= {str(fact.detail[name]) for name in _NAMING if name in fact.detail}
    for held in alert.held_units:
        named |= {held.item_id, held.order_id}
    return {storable(ref) for ref in named if ref}


def storable(text: str, limit: int = _MAX_REF) -> str:
    """The text as an indexed column keeps it: bounded, and without the zero byte."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")[:limit]


def _check_ranges(alert: Alert) -> None:
    if alert.revision > _MAX_REVISION:
        raise ValueError(f"revision {alert.revision}, expected at most {_MAX_REVISION}")
    for at in (
        alert.opened_at,
        alert.updated_at,
        *(deadline.due_at for deadline in alert.deadlines),
        *(fact.at for fact in alert.evidence.facts),
    ):
        at.astimezone(UTC)
    if alert.supersedes is not None and len(alert.supersedes) > 36:
        raise ValueError("supersedes is longer than an alert id")
