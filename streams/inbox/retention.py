"""What the inbox forgets: alerts handled long ago, complaints and bans that ended, and what hangs on them.

In small batches beside the console, so that neither the intake nor a person waits for it. Never what is
at work, nor what something at work still needs: the list is in `_is_over`. The trap: an alert that is
read again must not come back, so `KafkaAlertSource` passes over what was written before the same time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from pydantic import BaseModel
from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Engine,
    Select,
    delete,
    func,
    or_,
    select,
    union,
)
from sqlalchemy.orm import Session, aliased

from streams.inbox import bans
from streams.inbox.complaints import ENDED
from streams.inbox.database import PASSING, said_of, writing
from streams.inbox.events import TOPICS
from streams.inbox.metrics import InboxMetrics
from streams.inbox.models import (
    AlertRow,
    AuditRow,
    BanRow,
    BanStepRow,
    CaseRow,
    ComplaintRow,
    ComplaintStepRow,
    ContactRow,
    DecisionRow,
    FilingRow,
    OutgoingRow,
    ReferenceRow,
    RefusedRow,
    RevisionRow,
)
from streams.inbox.workflow import HANDLED, UNHANDLED

log = structlog.get_logger(__name__)

# An alert may have hundreds of revisions, and SQLite has one writer.
BATCH: Final = 20
_PAUSE_S: Final = 1.0
_LOOK_EVERY_S: Final = 3600.0
_FIRST_PAUSE_S: Final = 60.0
# The broker's clock, by which the intake passes over what is old, and ours may differ.
_MARGIN: Final = timedelta(days=1)
# How far the clock is believed beyond the newest event of an alert: one that is a year ahead would have
# everything deleted.
_SILENCE: Final = timedelta(days=30)
# Of so many revisions, the last ones, events are looked at for that.
_LATELY: Final = 1000
# SQLite takes 32,766 values in one question.
_MOST_IDS: Final = 500


class Retention:
    """Deletes what is older than `keep`. Several consoles over one database may each have one."""

    def __init__(
        self,
        engine: Engine,
        metrics: InboxMetrics,
        keep: timedelta,
        now: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._writer = writing(engine)
        self._metrics = metrics
        self._keep = keep
        self._now = now
        self._round: Counter[str] = Counter()

    def step(self) -> float:
        """Delete one batch; returns the seconds to wait before the next step."""
        try:
            found = self.prune()
        except PASSING as error:
            # What is old can wait.
            log.warning("inbox_retention_waits", reason=said_of(error))
            return _FIRST_PAUSE_S
        self._round += found
        if found:
            return _PAUSE_S
        if self._round:
            log.info("inbox_pruned", **self._round)
            self._round.clear()
        return _LOOK_EVERY_S

    def prune(self) -> Counter[str]:
        """Delete one batch; returns how many of what, nothing once there is nothing left to delete."""
        found: Counter[str] = Counter()
        # Looked for without the lock of a writer: what is kept for a reason is passed over every time.
        with Session(self._engine) as session:
            newest = _newest_event(session)
            if newest is None:
                return found
            before = min(self._now(), newest + _SILENCE) - self._keep - _MARGIN
            ids = session.scalars(_candidates(before, _grouped(session, before))).all()
        with Session(self._writer) as session, session.begin():
            gone = _lock(session, ids, before)
            of_gone = session.scalars(_of_alerts(gone)).all()
            found["complaint"] += _delete_complaints(session, of_gone)
            found["ban"] += _delete_bans(session, gone)
            found["alert"] += _delete_alerts(session, gone)
            alone = session.scalars(_alone(before).with_for_update(skip_locked=True)).all()
            found["complaint"] += _delete_complaints(session, alone)
            found["event"] += _delete_sent(session, before)
            found["decision"] += _delete_decisions(session, before)
            found["refused"] += _delete_refused(session, before)
        found = +found
        for what, number in found.items():
            self._metrics.pruned(what, number)
        return found


def _newest_event(session: Session) -> datetime | None:
    """When the newest event happened that an alert lately spoke of: by the platform's clock, not by ours."""
    lately = select(RevisionRow.updated_at).order_by(RevisionRow.id.desc()).limit(_LATELY)
    newest: datetime | None = session.scalar(select(func.max(lately.subquery().c.updated_at)))
    return newest


def _is_over(before: datetime) -> list[ColumnElement[bool]]:
    """That a case was handled before then, and nothing needs it any more."""
    alert_id = CaseRow.alert_id
    # SQLite gives the number of the newest row to the next one, and pages tell by it what they have seen.
    newest = select(func.max(RevisionRow.id)).scalar_subquery()
    is_revised = select(RevisionRow.id).where(
        RevisionRow.alert_id == alert_id,
        # Its events are not so old where our clock was behind when it came.
        or_(
            RevisionRow.received_at >= before,
            RevisionRow.updated_at >= before,
            RevisionRow.id == newest,
        ),
    )
    is_disputed = select(ComplaintRow.complaint_id).where(
        ComplaintRow.alert_id == alert_id,
        or_(ComplaintRow.state.not_in(ENDED), ComplaintRow.updated_at >= before),
    )
    # What stands is for ever, and so is what it is founded on.
    is_banned = select(BanRow.ban_id).where(
        BanRow.alert_id == alert_id,
        or_(BanRow.state.not_in(bans.ENDED), BanRow.updated_at >= before),
    )
    is_waited_for = select(FilingRow.filing_id).where(
        FilingRow.alert_id == alert_id, FilingRow.status == "submitted"
    )
    # Every alert about an order shows its filings, and none of them may file it again.
    other = aliased(CaseRow)
    is_told_elsewhere = (
        select(FilingRow.filing_id)
        .join(ReferenceRow, ReferenceRow.ref == FilingRow.order_id)
        .join(other, other.alert_id == ReferenceRow.alert_id)
        .where(
            FilingRow.alert_id == alert_id,
            FilingRow.status != "rejected",
            other.state.in_(UNHANDLED),
        )
    )
    return [
        CaseRow.state.in_(HANDLED),
        CaseRow.updated_at < before,
        ~is_revised.exists(),
        ~is_disputed.exists(),
        ~is_banned.exists(),
        ~is_waited_for.exists(),
        ~is_told_elsewhere.exists(),
    ]


def _candidates(before: datetime, grouped: Sequence[str]) -> Select[str]:
    return (
        select(CaseRow.alert_id)
        .where(*_is_over(before), CaseRow.alert_id.not_in(grouped))
        .order_by(CaseRow.updated_at, CaseRow.alert_id)
        .limit(BATCH)
    )


class _Data(BaseModel):
    """What says which alerts a campaign puts together; the rest is not decoded."""

    groups: list[str] = []


class _Envelope(BaseModel):
    data: _Data


def _grouped(session: Session, before: datetime) -> list[str]:
    """Those handled before then that an alert puts together that is at work, or whose complaint or ban is.

    Its evidence is theirs.
    """
    at_work: CompoundSelect[str] = union(
        select(CaseRow.alert_id).where(CaseRow.state.in_(UNHANDLED)),
        select(BanRow.alert_id).where(BanRow.state.not_in(bans.ENDED)),
        select(ComplaintRow.alert_id).where(ComplaintRow.state.not_in(ENDED)),
    )
    bodies = session.scalars(
        select(RevisionRow.body)
        .join(AlertRow, AlertRow.alert_id == RevisionRow.alert_id)
        .where(
            AlertRow.alert_id.in_(at_work),
            AlertRow.revision == RevisionRow.revision,
            RevisionRow.body.contains('"groups"'),
            ~RevisionRow.body.contains('"groups":[]'),
        )
    )
    named = sorted({one for body in bodies for one in _groups(body)})
    found: list[str] = []
    for start in range(0, len(named), _MOST_IDS):
        few = CaseRow.alert_id.in_(named[start : start + _MOST_IDS])
        found += session.scalars(
            select(CaseRow.alert_id).where(
                few, CaseRow.state.in_(HANDLED), CaseRow.updated_at < before
            )
        )
    return found


def _groups(body: str) -> list[str]:
    return _Envelope.model_validate_json(body).data.groups


def _lock(session: Session, ids: Sequence[str], before: datetime) -> Sequence[str]:
    """Which of these nobody is at, now that nobody can be: locked, and still over.

    A step locks its case before it needs the alert, the intake the alert before the case. Whatever either
    has is left for the next time, so none of the three waits for another for ever.
    """
    cases = select(CaseRow.alert_id).where(CaseRow.alert_id.in_(ids))
    ids = session.scalars(cases.with_for_update(skip_locked=True)).all()
    alerts = select(AlertRow.alert_id).where(AlertRow.alert_id.in_(ids))
    ids = session.scalars(alerts.with_for_update(skip_locked=True)).all()
    # Of a complaint that somebody is at, it is awaited what becomes of it.
    session.scalars(_of_alerts(ids).with_for_update()).all()
    return session.scalars(
        select(CaseRow.alert_id).where(CaseRow.alert_id.in_(ids), *_is_over(before))
    ).all()


def _of_alerts(ids: Sequence[str]) -> Select[str]:
    return select(ComplaintRow.complaint_id).where(ComplaintRow.alert_id.in_(ids))


def _alone(before: datetime) -> Select[str]:
    """Complaints that ended and belong to no alert; the others go with theirs."""
    return (
        select(ComplaintRow.complaint_id)
        .where(
            ComplaintRow.alert_id.is_(None),
            ComplaintRow.state.in_(ENDED),
            ComplaintRow.updated_at < before,
        )
        .limit(BATCH)
    )


def _delete_alerts(session: Session, ids: Sequence[str]) -> int:
    for table in (FilingRow, ContactRow, AuditRow, CaseRow, ReferenceRow, RevisionRow, AlertRow):
        session.execute(delete(table).where(table.alert_id.in_(ids)))
    return len(ids)


def _delete_complaints(session: Session, ids: Sequence[str]) -> int:
    for table in (ComplaintStepRow, ComplaintRow):
        session.execute(delete(table).where(table.complaint_id.in_(ids)))
    return len(ids)


def _delete_bans(session: Session, alerts: Sequence[str]) -> int:
    ids = session.scalars(select(BanRow.ban_id).where(BanRow.alert_id.in_(alerts))).all()
    for table in (BanStepRow, BanRow):
        session.execute(delete(table).where(table.ban_id.in_(ids)))
    return len(ids)


def _delete_sent(session: Session, before: datetime) -> int:
    """Events that Kafka took; what was not sent waits, however long."""
    # Said with the topics, for which there is an index.
    old = select(OutgoingRow.id).where(OutgoingRow.topic.in_(TOPICS), OutgoingRow.sent_at < before)
    ids = session.scalars(old.limit(BATCH)).all()
    session.execute(delete(OutgoingRow).where(OutgoingRow.id.in_(ids)))
    return len(ids)


def _delete_decisions(session: Session, before: datetime) -> int:
    """What the stock ledger decided; but the newest row, whose number pages have seen."""
    newest = select(func.max(DecisionRow.id)).scalar_subquery()
    old = select(DecisionRow.id).where(DecisionRow.received_at < before, DecisionRow.id < newest)
    ids = session.scalars(old.limit(_MOST_IDS)).all()
    session.execute(delete(DecisionRow).where(DecisionRow.id.in_(ids)))
    return len(ids)


def _delete_refused(session: Session, before: datetime) -> int:
    old = select(RefusedRow).where(RefusedRow.received_at < before).limit(BATCH)
    rows = session.scalars(old.with_for_update(skip_locked=True)).all()
    for row in rows:
        session.delete(row)
    return len(rows)
