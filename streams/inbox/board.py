"""The deadlines of everything at work, read from what is stored; `timers` says what they are.

Where a deadline stands is worked out at every look. What it is measured against (the alerts, what people
did, the rules of the shop) is read anew by one thread at a time once anything was stored, with one partial
decoding for each alert at work. What people did is read at the next look; while alerts come in, they are
read every two seconds.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.orm import Session

from schemas.alerts import Deadline, Text
from schemas.base import EventTime
from streams.detect.rules import RuleSet
from streams.inbox.casebook import filed
from streams.inbox.complaints import ENDED
from streams.inbox.listing import NOT_SUPPRESSED
from streams.inbox.models import (
    AlertRow,
    AuditRow,
    CaseRow,
    ComplaintRow,
    ContactRow,
    FilingRow,
    RevisionRow,
)
from streams.inbox.store import Store
from streams.inbox.timers import CODES, Handling, Timer, of_alert, of_complaint
from streams.inbox.workflow import UNHANDLED, Label, State

_MOST_COMING: Final = 200
_MOST_PAST: Final = 100
_READ_EVERY: Final = timedelta(seconds=2)


@dataclass(frozen=True)
class Line:
    """One deadline on the board, and the page of what it belongs to.

    `about` is the buyer, item or order, without which alerts of one kind look alike; empty for the
    shop itself.
    """

    timer: Timer
    title: Text
    about: str
    shop_id: str
    href: str


@dataclass(frozen=True)
class Sheet:
    """The board at one moment: what is coming, the next one first, and what is past its time."""

    coming: Sequence[Line]
    past: Sequence[Line]
    coming_total: int
    past_total: int


@dataclass(frozen=True)
class Count:
    """How many deadlines of one code want somebody, and how many are past their time."""

    due: int
    breached: int


@dataclass(frozen=True)
class _Reading:
    """What was read, when, and the version of the store at its beginning."""

    version: str
    at: datetime
    lines: Sequence[Line]

    def serves(self, version: str, now: datetime) -> bool:
        """Whether it may be shown for a store of that version."""
        if version == self.version:
            # Of two transactions at once the lower ids may be committed last, so no reading lasts
            # over a minute.
            return self.at.timestamp() // 60 == now.timestamp() // 60
        (_, _, steps), (_, _, known) = version.partition("."), self.version.partition(".")
        return steps == known and timedelta() <= now - self.at < _READ_EVERY


class Board:
    """Reads deadlines. Safe to use from several threads at once."""

    def __init__(self, store: Store, rules: RuleSet, now: Callable[[], datetime]) -> None:
        self._store = store
        self._engine = store.engine
        self._rules = rules
        self._now = now
        self._read: _Reading | None = None
        self._reading = threading.Lock()

    def sheet(self) -> Sheet:
        """Every deadline of alerts and complaints at work that is not met."""
        now = self._now()
        coming, past = [], []
        for line in self._lines():
            if line.timer.state(now) != "breached":
                coming.append(line)
            elif line.timer.is_breached(now):
                past.append(line)
        coming.sort(key=lambda line: (line.timer.due_at, line.href))
        past.sort(key=lambda line: (line.timer.due_at, line.href), reverse=True)
        return Sheet(coming[:_MOST_COMING], past[:_MOST_PAST], len(coming), len(past))

    def counts(self) -> dict[str, Count]:
        """For every code T01 to T12, also those of which there are none."""
        now = self._now()
        due, breached = defaultdict[str, int](int), defaultdict[str, int](int)
        for line in self._lines():
            due[line.timer.code] += line.timer.is_pressing(now)
            breached[line.timer.code] += line.timer.is_breached(now)
        return {code: Count(due[code], breached[code]) for code in CODES}

    def of_alerts(self, ids: Sequence[str]) -> dict[str, list[Timer]]:
        """All deadlines of these alerts by id, those that are met as well."""
        with Session(self._engine) as session:
            return {
                alert.row.alert_id: of_alert(
                    alert.handling, alert.said, self._rules.deadlines(alert.row.shop_id)
                )
                for alert in _alerts(session, AlertRow.alert_id.in_(ids))
            }

    def of_complaint(self, row: ComplaintRow) -> list[Timer]:
        """The deadlines of one complaint."""
        return of_complaint(filed(row), self._rules.deadlines(row.shop_id))

    def _lines(self) -> Sequence[Line]:
        """The deadlines at work that are not met, as of what is stored."""
        read = self._read
        if read is None or not read.serves(self._store.version(), self._now()):
            with self._reading:
                # Whoever waited here takes what was read meanwhile. Asked before the reading: what is
                # stored during it is read now, and once more at the next look.
                version, now = self._store.version(), self._now()
                read = self._read
                if read is None or not read.serves(version, now):
                    self._read = read = _Reading(version, now, list(self._read_lines()))
        return read.lines

    def _read_lines(self) -> Iterator[Line]:
        with Session(self._engine) as session:
            at_work = CaseRow.state.in_(UNHANDLED) & NOT_SUPPRESSED
            alerts = list(_alerts(session, at_work))
            complaints = session.scalars(
                select(ComplaintRow).where(~ComplaintRow.state.in_(ENDED))
            ).all()
        for alert in alerts:
            shop_id = alert.row.shop_id
            about = alert.row.subject_id.removeprefix(f"{shop_id}:")
            if alert.row.subject_kind == "shop":
                about = ""
            for timer in of_alert(alert.handling, alert.said, self._rules.deadlines(shop_id)):
                if not timer.is_met():
                    yield Line(timer, alert.title, about, shop_id, f"/alerts/{alert.row.alert_id}")
        for row in complaints:
            title = Text(zh=f"投诉:{row.kind}", en=f"Complaint {row.kind}")
            for timer in self.of_complaint(row):
                if not timer.is_met():
                    yield Line(timer, title, row.about, row.shop_id, f"/cases/{row.complaint_id}")


class _Data(BaseModel):
    """What a deadline needs of an alert; the rest is not decoded."""

    title: Text
    deadlines: list[Deadline] = []
    resolved_at: EventTime | None = None


class _Envelope(BaseModel):
    data: _Data


@dataclass(frozen=True)
class _Alert:
    row: Row[Any]
    title: Text
    said: Sequence[Deadline]
    handling: Handling


def _alerts(session: Session, condition: ColumnElement[bool]) -> Iterator[_Alert]:
    rows = session.execute(
        _joined(
            AlertRow.alert_id,
            AlertRow.shop_id,
            AlertRow.subject_kind,
            AlertRow.subject_id,
            AlertRow.status,
            AlertRow.severity,
            AlertRow.opened_at,
            CaseRow.state,
            CaseRow.label,
            CaseRow.waiting_since,
            RevisionRow.body,
        )
        .join(
            RevisionRow,
            (RevisionRow.alert_id == AlertRow.alert_id)
            & (RevisionRow.revision == AlertRow.revision),
        )
        .where(condition)
    ).all()
    ids = _joined(AlertRow.alert_id).where(condition)
    severe = _severe_since(session, condition)
    contacts = _by_alert(
        session, select(ContactRow).where(ContactRow.alert_id.in_(ids)).order_by(ContactRow.id)
    )
    steps = _by_alert(
        session,
        select(AuditRow)
        .where(AuditRow.alert_id.in_(ids), AuditRow.step.in_(("take", "label")))
        .order_by(AuditRow.id),
    )
    complaints = _by_alert(session, select(ComplaintRow).where(ComplaintRow.alert_id.in_(ids)))
    # A filing that was rejected has met nothing.
    filings = _by_alert(
        session,
        select(FilingRow).where(FilingRow.alert_id.in_(ids), FilingRow.status != "rejected"),
    )
    for row in rows:
        data = _Envelope.model_validate_json(row.body).data
        handling = Handling(
            state=State(row.state),
            status=row.status,
            severity=row.severity,
            opened_at=row.opened_at,
            resolved_at=data.resolved_at,
            severe_since=severe.get(row.alert_id, row.waiting_since),
            filed_at=min((one.submitted_at for one in filings[row.alert_id]), default=None),
            contacts=[(one.at, one.answered) for one in contacts[row.alert_id]],
        )
        handling = _with_steps(handling, row, steps[row.alert_id], complaints[row.alert_id])
        yield _Alert(row, data.title, data.deadlines, handling)


def _with_steps(
    handling: Handling, row: Row[Any], steps: Iterable[AuditRow], complaints: Iterable[ComplaintRow]
) -> Handling:
    """When people took an alert since it came, and when they complained because of it."""
    taken = [one.at for one in steps if one.step == "take" and one.at >= row.waiting_since]
    complained = [one.submitted_at for one in complaints if one.submitted_at is not None]
    if row.label == Label.COMPLAINT_FILED:
        complained += [one.at for one in steps if _sets(one, Label.COMPLAINT_FILED)]
    return replace(
        handling,
        taken_at=min(taken, default=None),
        complained_at=min(complained, default=None),
    )


def _sets(step: AuditRow, label: Label) -> bool:
    return step.step == "label" and json.loads(step.detail).get("label") == label


def _severe_since(session: Session, condition: ColumnElement[bool]) -> dict[str, datetime]:
    """Since when each alert has waited with the severity that it has."""
    query = (
        _joined(AlertRow.alert_id, func.min(RevisionRow.received_at).label("since"))
        .join(RevisionRow, RevisionRow.alert_id == AlertRow.alert_id)
        .where(
            condition,
            RevisionRow.severity == AlertRow.severity,
            RevisionRow.received_at >= CaseRow.waiting_since,
        )
        .group_by(AlertRow.alert_id)
    )
    return {row.alert_id: row.since for row in session.execute(query)}


def _joined(*columns: Any) -> Select[Any]:
    return select(*columns).select_from(AlertRow).join(AlertRow.case)


def _by_alert(session: Session, query: Select[Any]) -> defaultdict[str, list[Any]]:
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for row in session.scalars(query):
        found[row.alert_id].append(row)
    return found
