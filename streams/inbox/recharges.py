"""Top-ups without a result (workflow W5): those that somebody has to look up, and what was recorded by hand.

Read from the alerts of D27 and the audit; nothing is stored for it. The trap: an alert whose result was
recorded stays at work until somebody confirms it, so whether it waits is asked of the audit as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Engine, Select, func, select
from sqlalchemy.orm import Session, aliased, selectinload

from streams.inbox.listing import NOT_SUPPRESSED, PAGE_SIZE, Paged, is_in_queue, page_within
from streams.inbox.models import AlertRow, AuditRow, CaseRow
from streams.inbox.workflow import TOP_UPS, UNHANDLED, State

# One that expired has no result either.
_UNKNOWN: Final = ("open", "expired")


@dataclass(frozen=True)
class Recorded:
    """A result that somebody recorded: the step, and the alert that it was recorded on."""

    step: AuditRow
    row: AlertRow


def count_waiting(engine: Engine, now: datetime) -> int:
    """How many top-ups wait for their result, in all shops. Every page asks: it looks at what is at work."""
    with Session(engine) as session:
        return session.scalar(waiting_tally(None, now)) or 0


def waiting(engine: Engine, shop: str | None, now: datetime, number: int) -> Paged[AlertRow]:
    """The alerts about top-ups that wait for their result, those that wait longest first."""
    with Session(engine) as session:
        total = session.scalar(waiting_tally(shop, now)) or 0
        number = page_within(total, number)
        found = session.scalars(
            _alerts(select(AlertRow), shop, now)
            .options(selectinload(AlertRow.latest))
            .order_by(AlertRow.opened_at, AlertRow.alert_id)
            .limit(PAGE_SIZE)
            .offset((number - 1) * PAGE_SIZE)
        ).all()
        # On PostgreSQL the envelope of one may have been deleted since its row was read.
        return Paged([row for row in found if row.latest is not None], total, number)


def recorded(engine: Engine, shop: str | None, number: int) -> Paged[Recorded]:
    """What was recorded by hand (代客手工充值记录), the newest first."""
    with Session(engine) as session:
        total = session.scalar(recorded_tally(shop)) or 0
        number = page_within(total, number)
        rows = session.execute(recorded_page(shop, number)).all()
        found = [Recorded(step, row) for step, row in rows if row.latest is not None]
        return Paged(found, total, number)


def waiting_tally(shop: str | None, now: datetime) -> Select[int]:
    return _alerts(select(func.count(AlertRow.alert_id)), shop, now)


def recorded_tally(shop: str | None) -> Select[int]:
    return _steps(select(func.count(AuditRow.id)), shop)


def recorded_page(shop: str | None, number: int) -> Select[AuditRow, AlertRow]:
    return (
        _steps(select(AuditRow, AlertRow), shop)
        .options(selectinload(AlertRow.latest))
        # In the order in which steps are stored: a walk back, and nothing to sort.
        .order_by(AuditRow.id.desc())
        .limit(PAGE_SIZE)
        .offset((number - 1) * PAGE_SIZE)
    )


def _alerts(query: Select[Any], shop: str | None, now: datetime) -> Select[Any]:
    return query.join(CaseRow, CaseRow.alert_id == AlertRow.alert_id).where(
        # Few are at work, and found by their state.
        CaseRow.state.in_(UNHANDLED),
        AlertRow.detector == TOP_UPS,
        AlertRow.status.in_(_UNKNOWN),
        NOT_SUPPRESSED,
        is_in_queue(now),
        ~_is_recorded(),
        # As in `listing`: not by the index of all that a shop ever had.
        *([AlertRow.shop_id.concat("") == shop] if shop else []),
    )


def _is_recorded() -> ColumnElement[bool]:
    # What was recorded before the alert came back is no answer to what it asks now. Whoever takes it again
    # asks nothing new: see `checklist.since_return`.
    later = aliased(AuditRow)
    came_back = select(later.id).where(
        later.alert_id == AuditRow.alert_id,
        later.id > AuditRow.id,
        later.step == "follow",
        later.to_state == State.REOPENED,
    )
    return (
        select(AuditRow.id)
        .where(
            AuditRow.alert_id == AlertRow.alert_id,
            AuditRow.step == "reconcile",
            ~came_back.exists(),
        )
        .exists()
    )


def _steps(query: Select[*tuple[Any, ...]], shop: str | None) -> Select[*tuple[Any, ...]]:
    return query.join(AlertRow, AlertRow.alert_id == AuditRow.alert_id).where(
        AlertRow.detector == TOP_UPS,
        AuditRow.step == "reconcile",
        *([AlertRow.shop_id == shop] if shop else []),
    )
