"""The deadlines of everything at work, read from what is stored; `timers` says what they are.

Where a deadline stands is worked out at every look. What it is measured against (what an alert says, what
people did, the rules of the shop) is kept, and read anew of those alerts that had a revision or a step
since, of all when the rules are others: a look costs what has changed, not all that is at work.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Executable, Row, Select, func, select
from sqlalchemy.orm import Session

from schemas.alerts import Deadline, Severity, Subject, Text
from schemas.base import EventTime
from streams.detect.deadlines import Deadlines
from streams.detect.rules import ALLOW, RuleSet
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
from streams.inbox.timers import CODES, Handling, Timer, ms, of_alert, of_complaint
from streams.inbox.workflow import UNHANDLED, Label, State

# Ids in one question: SQLite takes 32,766 values, and a question of thousands is slow to put together.
_MOST_IDS: Final = 500
# What an alert is, and about whom.
_ABOUT: Final = (
    AlertRow.alert_id,
    AlertRow.shop_id,
    AlertRow.detector,
    AlertRow.subject_kind,
    AlertRow.subject_id,
)


@dataclass(frozen=True)
class Origin:
    """The alert or the complaint that a deadline is of; what a complaint lacks is None."""

    id: str
    subject: Subject
    detector: str | None = None
    severity: Severity | None = None
    revision: int | None = None


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
    origin: Origin


@dataclass(frozen=True)
class Sheet:
    """The board at one moment, all of it.

    `coming`: what is due, then the rest, each by its last moment. `past`: what is past its time, the
    newest first, what we only promised ourselves last: in a flood nobody takes hundreds of alerts in
    time, and a platform's deadline must not drown among those.
    """

    coming: Sequence[Line]
    past: Sequence[Line]


@dataclass(frozen=True)
class Count:
    """How many deadlines of one code want somebody, how many are past their time, and how soon one will be.

    `next_s` is None where no last moment lies ahead.
    """

    due: int
    breached: int
    next_s: float | None


class _Stamp(NamedTuple):
    """What changes whenever a deadline of an alert may: its revision, its steps, its complaints."""

    revision: int
    steps: int
    complained_at: datetime | None


@dataclass(frozen=True)
class _Alert:
    """What was read of one alert, and all of its deadlines, those that are met as well."""

    stamp: _Stamp
    timers: Sequence[Timer]
    open: Sequence[Line]


@dataclass(frozen=True)
class _Reading:
    """What was read, when, and the version of the store at its beginning.

    `lines` are the deadlines that are not met, by their last moment. `terms` stands for the rules by which
    they were reckoned: each reading of the rules has its own.
    """

    version: str
    terms: Deadlines
    at: datetime
    alerts: Mapping[str, _Alert]
    lines: Sequence[Line]

    def serves(self, version: str, terms: Deadlines, now: datetime) -> bool:
        """Whether it may be shown for a store of that version, and under these rules."""
        # Of two transactions at once the lower ids may be committed last, so no reading lasts over a
        # minute.
        is_same_minute = self.at.timestamp() // 60 == now.timestamp() // 60
        return version == self.version and terms is self.terms and is_same_minute

    def known(self, terms: Deadlines) -> Mapping[str, _Alert]:
        """What need not be read again under these rules."""
        return self.alerts if terms is self.terms else {}


class Board:
    """Reads deadlines. Safe to use from several threads at once."""

    def __init__(self, store: Store, rules: RuleSet, now: Callable[[], datetime]) -> None:
        self._store = store
        self._engine = store.engine
        self._rules = rules
        self._now = now
        self._read = _Reading("", self._terms(), now(), {}, ())
        self._reading = threading.Lock()

    def sheet(self) -> Sheet:
        """Every deadline of alerts and complaints at work that is not met."""
        now = self._now()
        at_ms = ms(now)
        due, later, past, own_past = (list[Line]() for _ in range(4))
        for line in self.unmet():
            state = line.timer.term.state(at_ms)
            if state == "due":
                due.append(line)
            elif state != "breached":
                later.append(line)
            elif line.timer.is_breached(now):
                (own_past if line.timer.is_own() else past).append(line)
        return Sheet([*due, *later], [*reversed(past), *reversed(own_past)])

    def counts(self) -> dict[str, Count]:
        """For every code T01 to T12, also those of which there are none."""
        now = self._now()
        due, breached = defaultdict[str, int](int), defaultdict[str, int](int)
        next_s: dict[str, float] = {}
        for line in self.unmet():
            due[line.timer.code] += line.timer.is_pressing(now)
            breached[line.timer.code] += line.timer.is_breached(now)
            if line.timer.due_at > now:
                # They come by their last moment, so of each code the first is the soonest.
                next_s.setdefault(line.timer.code, (line.timer.due_at - now).total_seconds())
        return {code: Count(due[code], breached[code], next_s.get(code)) for code in CODES}

    def of_alerts(self, ids: Sequence[str]) -> dict[str, Sequence[Timer]]:
        """All deadlines of these alerts by id, those that are met as well."""
        known = self._read.known(self._terms())
        with Session(self._engine) as session:
            alerts = self._alerts(session, AlertRow.alert_id.in_(ids), known)
        return {alert_id: alert.timers for alert_id, alert in alerts.items()}

    def first_due(self, groups: Mapping[str, Collection[str]]) -> dict[str, Timer]:
        """Of each group of alerts at work the deadline that comes first; when all have passed, the last one.

        As on the page of one alert, what is met and what we promised ourselves is none of them.
        """
        if not groups:
            return {}
        group_of = {alert_id: name for name, ids in groups.items() for alert_id in ids}
        return self._first(group_of.get)

    def in_order(self) -> list[str]:
        """What is at work and has a deadline as of `first_due`, by that: the ids of alerts and complaints.

        Those ahead come first, the next one first. Those that have passed follow, the newest first: what
        passed long ago must not hide what can still be met.
        """
        now_ms = ms(self._now())
        last_ms = {name: timer.term.last_ms for name, timer in self._first(lambda one: one).items()}
        ahead = sorted(
            (name for name in last_ms if last_ms[name] >= now_ms), key=last_ms.__getitem__
        )
        past = (name for name in last_ms if last_ms[name] < now_ms)
        return [*ahead, *sorted(past, key=last_ms.__getitem__, reverse=True)]

    def _first(self, name_of: Callable[[str], str | None]) -> dict[str, Timer]:
        """Of the alerts of each name the deadline that comes first; when all have passed, the last one."""
        now = self._now()
        found: dict[str, Timer] = {}
        for line in self.unmet():
            name = name_of(line.origin.id)
            if name is None or line.timer.is_own():
                continue
            if name not in found or found[name].due_at < now:
                found[name] = line.timer
        return found

    def of_complaint(self, row: ComplaintRow) -> list[Timer]:
        """The deadlines of one complaint."""
        return of_complaint(filed(row), self._rules.deadlines(row.shop_id))

    def _terms(self) -> Deadlines:
        return self._rules.deadlines("")

    def unmet(self) -> Sequence[Line]:
        """The deadlines at work that are not met, as of what is stored, by their last moment."""
        read = self._read
        if not read.serves(self._store.version(), self._terms(), self._now()):
            with self._reading:
                # Whoever waited here takes what was read meanwhile. Asked before the reading: what is
                # stored during it is read now, and once more at the next look. So it is with the rules.
                version, terms, now = self._store.version(), self._terms(), self._now()
                read = self._read
                if not read.serves(version, terms, now):
                    known = read.known(terms)
                    self._read = read = self._read_anew(version, terms, now, known)
        return read.lines

    def _read_anew(
        self, version: str, terms: Deadlines, now: datetime, known: Mapping[str, _Alert]
    ) -> _Reading:
        at_work = CaseRow.state.in_(UNHANDLED) & NOT_SUPPRESSED
        with Session(self._engine) as session:
            alerts = self._alerts(session, at_work, known)
            freed = self._allowed_no_more(session)
            for start in range(0, len(freed), _MOST_IDS):
                few = AlertRow.alert_id.in_(freed[start : start + _MOST_IDS])
                alerts |= self._alerts(session, few, known)
            complaints = session.scalars(
                select(ComplaintRow).where(~ComplaintRow.state.in_(ENDED))
            ).all()
        lines = [line for alert in alerts.values() for line in alert.open]
        lines += [line for row in complaints for line in self._lines_of_complaint(row)]
        lines.sort(key=lambda line: (line.timer.term.last_ms, line.href))
        return _Reading(version, terms, now, alerts, lines)

    def _allowed_no_more(self, session: Session) -> Sequence[str]:
        """What is at work and was suppressed when it was last told of, and the shop allows no more.

        Its next revision may be its end, and a deadline does not wait for that.
        """
        rows = session.execute(
            _joined(*_ABOUT).where(
                CaseRow.state.in_(UNHANDLED), AlertRow.suppressed_by.startswith(f"{ALLOW}: ")
            )
        )
        return [row.alert_id for row in rows if not self._is_allowed(row)]

    def _is_allowed(self, row: Row[Any]) -> bool:
        rule = self._rules.of(row.shop_id).get(row.detector)
        subject = Subject(kind=row.subject_kind, id=row.subject_id)
        return rule is not None and rule.suppressed_by(subject) is not None

    def _alerts(
        self, session: Session, condition: ColumnElement[bool], known: Mapping[str, _Alert]
    ) -> dict[str, _Alert]:
        """The alerts of the condition by id; reads only those that are not known, or have changed."""
        stamps = _stamps(session, condition)
        kept = {
            alert_id: alert
            for alert_id, stamp in stamps.items()
            if (alert := known.get(alert_id)) is not None and alert.stamp == stamp
        }
        changed = [alert_id for alert_id in stamps if alert_id not in kept]
        for start in range(0, len(changed), _MOST_IDS):
            few = {alert_id: stamps[alert_id] for alert_id in changed[start : start + _MOST_IDS]}
            kept |= self._read_alerts(session, few)
        return kept

    def _read_alerts(self, session: Session, stamps: Mapping[str, _Stamp]) -> dict[str, _Alert]:
        found = {}
        for row, said, handling in _read_rows(session, stamps):
            timers = of_alert(handling, said.deadlines, self._rules.deadlines(row.shop_id))
            about = row.subject_id.removeprefix(f"{row.shop_id}:")
            if row.subject_kind == "shop":
                about = ""
            href = f"/alerts/{row.alert_id}"
            subject = Subject(kind=row.subject_kind, id=row.subject_id)
            stamp = stamps[row.alert_id]
            origin = Origin(row.alert_id, subject, row.detector, row.severity, stamp.revision)
            lines = [
                Line(timer, said.title, about, row.shop_id, href, origin)
                for timer in timers
                if not timer.is_met()
            ]
            found[row.alert_id] = _Alert(stamp, timers, lines)
        return found

    def _lines_of_complaint(self, row: ComplaintRow) -> Iterator[Line]:
        title = Text(zh=f"投诉:{row.kind}", en=f"Complaint {row.kind}")
        origin = Origin(row.complaint_id, Subject(kind="shop", id=row.shop_id))
        for timer in self.of_complaint(row):
            if not timer.is_met():
                yield Line(
                    timer, title, row.about, row.shop_id, f"/cases/{row.complaint_id}", origin
                )


def timers_of(session: Session, alert_id: str, rules: RuleSet) -> tuple[Sequence[Timer], Deadlines]:
    """All deadlines of one alert as its transaction sees them, met or not, and the terms of its shop."""
    stamps = _stamps(session, AlertRow.alert_id == alert_id)
    ((row, said, handling),) = _read_rows(session, stamps)
    terms = rules.deadlines(row.shop_id)
    return of_alert(handling, said.deadlines, terms), terms


class _Data(BaseModel):
    """What a deadline needs of an alert; the rest is not decoded."""

    title: Text
    deadlines: list[Deadline] = []
    resolved_at: EventTime | None = None


class _Envelope(BaseModel):
    data: _Data


def _stamps(session: Session, condition: ColumnElement[bool]) -> dict[str, _Stamp]:
    submitted = session.execute(
        _joined(AlertRow.alert_id, func.min(ComplaintRow.submitted_at).label("at"))
        .join(ComplaintRow, ComplaintRow.alert_id == AlertRow.alert_id)
        .where(condition, ComplaintRow.submitted_at.is_not(None))
        .group_by(AlertRow.alert_id)
    )
    complained = {row.alert_id: row.at for row in submitted}
    # The version of a case grows with every step but a tick, a contact attempt and a filing among them.
    rows = session.execute(
        _joined(AlertRow.alert_id, AlertRow.revision, CaseRow.version).where(condition)
    )
    return {
        alert_id: _Stamp(revision, version, complained.get(alert_id))
        for alert_id, revision, version in rows
    }


def _read_rows(
    session: Session, stamps: Mapping[str, _Stamp]
) -> Iterator[tuple[Row[Any], _Data, Handling]]:
    ids = list(stamps)
    is_one = AlertRow.alert_id.in_(ids)
    rows = session.execute(
        _joined(
            *_ABOUT,
            AlertRow.status,
            AlertRow.severity,
            AlertRow.opened_at,
            CaseRow.state,
            CaseRow.label,
            CaseRow.waiting_since,
            CaseRow.snoozed_until,
            RevisionRow.body,
        )
        .join(
            RevisionRow,
            (RevisionRow.alert_id == AlertRow.alert_id)
            & (RevisionRow.revision == AlertRow.revision),
        )
        .where(is_one)
    ).all()
    severe = _severe_since(session, is_one)
    contacts = _by_alert(
        session,
        select(ContactRow.alert_id, ContactRow.at, ContactRow.answered)
        .where(ContactRow.alert_id.in_(ids))
        .order_by(ContactRow.id),
    )
    steps = _by_alert(
        session,
        select(AuditRow.alert_id, AuditRow.step, AuditRow.at, AuditRow.detail)
        .where(AuditRow.alert_id.in_(ids), AuditRow.step.in_(("take", "label")))
        .order_by(AuditRow.id),
    )
    # A filing that was rejected has met nothing.
    filings = _by_alert(
        session,
        select(FilingRow.alert_id, FilingRow.submitted_at).where(
            FilingRow.alert_id.in_(ids), FilingRow.status != "rejected"
        ),
    )
    for row in rows:
        alert_id = row.alert_id
        said = _Envelope.model_validate_json(row.body).data
        taken_at = _taken_at(row, steps[alert_id])
        handling = Handling(
            state=State(row.state),
            status=row.status,
            severity=row.severity,
            opened_at=row.opened_at,
            resolved_at=said.resolved_at,
            severe_since=_since(row, severe.get(alert_id, row.waiting_since), taken_at),
            taken_at=taken_at,
            filed_at=min((one.submitted_at for one in filings[alert_id]), default=None),
            complained_at=_complained_at(row, steps[alert_id], stamps[alert_id].complained_at),
            contacts=[(one.at, one.answered) for one in contacts[alert_id]],
        )
        yield row, said, handling


def _since(row: Row[Any], severe_since: datetime, taken_at: datetime | None) -> datetime:
    """Since when somebody should look at an alert: whoever set it aside has, until it comes back."""
    back_at: datetime | None = row.snoozed_until
    if back_at is None or (taken_at is not None and taken_at < back_at):
        return severe_since
    return max(severe_since, back_at)


def _taken_at(row: Row[Any], steps: Iterable[Row[Any]]) -> datetime | None:
    """When people took an alert since it came."""
    taken = (one.at for one in steps if one.step == "take" and one.at >= row.waiting_since)
    return min(taken, default=None)


def _complained_at(
    row: Row[Any], steps: Iterable[Row[Any]], submitted_at: datetime | None
) -> datetime | None:
    """When people complained because of an alert: by a complaint of ours, or as the label says."""
    complained = [submitted_at] if submitted_at is not None else []
    if row.label == Label.COMPLAINT_FILED:
        complained += [one.at for one in steps if _sets(one, Label.COMPLAINT_FILED)]
    return min(complained, default=None)


def _sets(step: Row[Any], label: Label) -> bool:
    return bool(step.step == "label" and json.loads(step.detail).get("label") == label)


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


def _by_alert(session: Session, query: Executable) -> defaultdict[str, list[Row[Any]]]:
    found: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    for row in session.execute(query):
        found[row.alert_id].append(row)
    return found
