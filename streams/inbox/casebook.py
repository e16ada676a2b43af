"""Complaints in the database: opened and moved by people, one transaction a step, audited, repeatable.

As in `desk`, a repeated request is recognised by its request id once the row is locked, before its version.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, cast

from sqlalchemy import ColumnElement, Engine, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from streams.detect.entries import ComplaintKind
from streams.inbox.complaints import (
    ENDED,
    CaseRefusal,
    CaseState,
    CaseStep,
    after,
    missing,
    refusal,
)
from streams.inbox.database import writing
from streams.inbox.intake import storable
from streams.inbox.listing import Paged, leaf
from streams.inbox.models import AlertRow, ComplaintRow, ComplaintStepRow
from streams.inbox.timers import Filed
from streams.inbox.workflow import MAX_NAME, MAX_NOTE

# Opening the same form twice opens one complaint.
_NAMESPACE: Final = uuid.UUID("8c3b2a4e-6f0d-4a57-9a1e-2d5b7c1f0e36")


@dataclass(frozen=True)
class OpenRequest:
    """A complaint that a person begins. `about` says whom or which goods, without personal data."""

    kind: ComplaintKind
    shop_id: str
    about: str
    story: str
    by: str
    request_id: str
    alert_id: str | None = None


@dataclass(frozen=True)
class CaseRequest:
    """A step that a person asks for. `version` is the one that they were looking at."""

    complaint_id: str
    step: CaseStep
    by: str
    request_id: str
    version: int
    proof: str | None = None
    note: str = ""


@dataclass(frozen=True)
class CaseOutcome:
    """As `desk.Outcome`: `done`, or had been done (`repeated`), or why nothing happened."""

    kind: Literal["done", "repeated", "refused", "conflict", "missing"]
    reason: CaseRefusal | None = None


@dataclass(frozen=True)
class CaseDetail:
    """All that is known about one complaint; steps oldest first."""

    row: ComplaintRow
    steps: Sequence[ComplaintStepRow]

    @property
    def proofs(self) -> Sequence[ComplaintStepRow]:
        return [step for step in self.steps if step.proof]

    @property
    def missing(self) -> tuple[str, ...]:
        """Codes of the proofs that are not noted yet."""
        return missing(kind_of(self.row), _codes(self.steps))


class Casebook:
    """Reads and writes complaints. Safe to use from several threads and processes at once."""

    def __init__(self, engine: Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._writer = writing(engine)
        self._now = now

    def open(self, request: OpenRequest) -> str:
        """Begin a complaint; returns its id. An alert that is not known is left out."""
        complaint_id = str(uuid.uuid5(_NAMESPACE, request.request_id))
        try:
            with Session(self._writer) as session, session.begin():
                if session.get(ComplaintRow, complaint_id) is None:
                    self._open(session, complaint_id, request)
        except IntegrityError:
            # The same form, sent twice, ran on two connections; the other one was faster.
            pass
        return complaint_id

    def perform(self, request: CaseRequest) -> CaseOutcome:
        """Take the step, or say why not."""
        try:
            with Session(self._writer) as session, session.begin():
                return self._perform(session, request)
        except IntegrityError:
            return CaseOutcome("repeated")

    def page(
        self, *, is_ended: bool, number: int = 1, shop: str | None = None, search: str = ""
    ) -> Paged[ComplaintRow]:
        """The complaints at work, oldest first, or those that ended, newest first.

        `search` is part of what a complaint is about. A page number past the end shows the last page.
        """
        has_ended = ComplaintRow.state.in_(ENDED)
        wanted: list[ColumnElement[bool]] = [has_ended if is_ended else ~has_ended]
        if shop:
            wanted.append(ComplaintRow.shop_id == shop)
        if search:
            wanted.append(ComplaintRow.about.icontains(storable(search.strip()), autoescape=True))
        by_time = ComplaintRow.updated_at.desc() if is_ended else ComplaintRow.opened_at
        with Session(self._engine) as session:
            return leaf(session, ComplaintRow, wanted, (by_time, ComplaintRow.complaint_id), number)

    def of_alert(self, alert_id: str) -> Sequence[ComplaintRow]:
        """The complaints that were opened from an alert, oldest first."""
        query = select(ComplaintRow).where(ComplaintRow.alert_id == alert_id)
        with Session(self._engine) as session:
            return session.scalars(query.order_by(ComplaintRow.opened_at)).all()

    def detail(self, complaint_id: str) -> CaseDetail | None:
        """One complaint with its history, or None."""
        with Session(self._engine) as session:
            row = session.get(ComplaintRow, complaint_id)
            return None if row is None else CaseDetail(row, _steps(session, complaint_id))

    def _open(self, session: Session, complaint_id: str, request: OpenRequest) -> None:
        at, by = self._now(), storable(request.by, MAX_NAME)
        # Locked, or the retention could delete it before this complaint refers to it.
        known = select(AlertRow.alert_id).where(AlertRow.alert_id == request.alert_id)
        alert_id = session.scalar(known.with_for_update(read=True, key_share=True))
        session.add(
            ComplaintRow(
                complaint_id=complaint_id,
                kind=request.kind,
                shop_id=storable(request.shop_id, 64),
                alert_id=alert_id,
                about=storable(request.about),
                story=storable(request.story, MAX_NOTE),
                state=CaseState.DRAFT,
                version=1,
                opened_at=at,
                opened_by=by,
                updated_at=at,
            )
        )
        session.flush()
        session.add(
            ComplaintStepRow(
                complaint_id=complaint_id,
                step="open",
                from_state=CaseState.DRAFT,
                to_state=CaseState.DRAFT,
                note="",
                at=at,
                by=by,
                request_id=request.request_id,
            )
        )

    def _perform(self, session: Session, request: CaseRequest) -> CaseOutcome:
        row = session.get(ComplaintRow, request.complaint_id, with_for_update=True)
        if row is None:
            return CaseOutcome("missing")
        seen = select(ComplaintStepRow.id).where(ComplaintStepRow.request_id == request.request_id)
        if session.scalar(seen) is not None:
            return CaseOutcome("repeated")
        # A proof that was found stays found, whatever a colleague did meanwhile.
        if row.version != request.version and request.step != "prove":
            return CaseOutcome("conflict")
        proved = _codes(_steps(session, row.complaint_id))
        reason = refusal(
            request.step,
            CaseState(row.state),
            kind_of(row),
            proved,
            was_appealed=row.appealed_at is not None,
            proof=request.proof,
        )
        if reason is not None:
            return CaseOutcome("refused", reason)
        session.add(self._take_effect(row, request, proved))
        return CaseOutcome("done")

    def _take_effect(
        self, row: ComplaintRow, request: CaseRequest, proved: Iterable[str]
    ) -> ComplaintStepRow:
        now, old = self._now(), CaseState(row.state)
        known = [*proved, *([request.proof] if request.proof else [])]
        row.state = after(request.step, old, kind_of(row), known)
        row.version += 1
        row.updated_at = now
        if request.step == "submit":
            row.submitted_at = now
        elif request.step == "appeal":
            row.appealed_at = now
        elif request.step in ("uphold", "reject") and old is CaseState.APPEALED:
            row.appeal_answered_at = now
        elif request.step in ("uphold", "reject"):
            row.answered_at = now
        return ComplaintStepRow(
            complaint_id=row.complaint_id,
            step=request.step,
            from_state=old,
            to_state=row.state,
            proof=request.proof if request.step == "prove" else None,
            note=storable(request.note, MAX_NOTE),
            at=now,
            by=storable(request.by, MAX_NAME),
            request_id=request.request_id,
        )


def kind_of(row: ComplaintRow) -> ComplaintKind:
    """The kind; the column was written from a checked one."""
    return cast(ComplaintKind, row.kind)


def filed(row: ComplaintRow) -> Filed:
    """The times of a complaint, for its deadlines."""
    return Filed(
        kind_of(row),
        row.submitted_at,
        row.answered_at,
        row.appealed_at,
        row.appeal_answered_at,
    )


def _steps(session: Session, complaint_id: str) -> Sequence[ComplaintStepRow]:
    query = select(ComplaintStepRow).where(ComplaintStepRow.complaint_id == complaint_id)
    return session.scalars(query.order_by(ComplaintStepRow.id)).all()


def _codes(steps: Iterable[ComplaintStepRow]) -> list[str]:
    return [step.proof for step in steps if step.proof]
