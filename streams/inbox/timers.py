"""The deadlines of alerts and complaints, as the console shows them: derived at every look, never stored.

Pure. What was said (the deadlines of an alert) and what was done (taken, contacted, filed, submitted)
give the terms; the time of the look gives their state. So a restart loses nothing, and a correction of
either corrects the deadline.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, get_args

from schemas.alerts import AlertStatus, Deadline, Severity, Text
from schemas.outputs import TurnKind
from streams.detect import deadlines as d
from streams.detect.deadlines import Code, Deadlines, State, Term
from streams.detect.entries import ComplaintKind
from streams.inbox.complaints import IS_APPEAL
from streams.inbox.workflow import UNTOUCHED
from streams.inbox.workflow import State as Workflow

CODES: Final[tuple[Code, ...]] = get_args(Code)
# Somebody should act now, or soon.
_PRESSING: Final = frozenset({"reminded", "due"})
_TURNS: Final[Mapping[str, TurnKind]] = {"reminded": "coming_up", "due": "due", "breached": "past"}


@dataclass(frozen=True)
class Turn:
    """What a deadline became by silence, and when."""

    kind: TurnKind
    at: datetime


@dataclass(frozen=True)
class Timer:
    """One deadline of one alert or complaint, with its text."""

    term: Term
    text: Text

    @property
    def code(self) -> str:
        return self.term.code

    @property
    def due_at(self) -> datetime:
        """The last moment, inclusive."""
        return moment(self.term.last_ms)

    def state(self, now: datetime) -> State:
        return self.term.state(ms(now))

    def is_met(self) -> bool:
        return self.term.met_ms is not None

    def is_pressing(self, now: datetime) -> bool:
        """Reminded of or due, and neither met nor past its time; what the platform does asks nobody."""
        return self.state(now) in _PRESSING and self.code not in d.DONE_BY_PLATFORM

    def is_breached(self, now: datetime) -> bool:
        """Past its time unmet; what the platform does by itself is broken by nobody."""
        return self.state(now) == "breached" and self.code not in d.DONE_BY_PLATFORM

    def word(self, now: datetime) -> str:
        """The state as people read it: what the platform does by itself is `over`, not broken."""
        state = self.state(now)
        is_over = state == "breached" and self.code in d.DONE_BY_PLATFORM
        return "over" if is_over else state

    def said(self, now: datetime) -> Text:
        """Its text; while it is only reminded of, that of the reminder if it has one of its own."""
        if self.code not in d.REMINDERS or self.state(now) != "reminded":
            return self.text
        zh, en = d.REMINDERS[self.code]
        return Text(zh=zh, en=en)

    def is_own(self) -> bool:
        """A promise to ourselves, of which the platform knows nothing."""
        return self.code in d.OUR_OWN

    def last_turn(self, now: datetime) -> Turn | None:
        """The newest turn that has come by `now`; None where there was none since it began.

        What had turned when an alert was opened is said by the alert itself.
        """
        term = self.term
        moments = {*term.remind_ms, term.due_ms, term.last_ms}
        at_ms = max((at for at in moments if term.start_ms < at <= ms(now)), default=None)
        if at_ms is None:
            return None
        kind = _TURNS.get(term.state(at_ms))
        is_over = kind == "past" and self.code in d.DONE_BY_PLATFORM
        return None if kind is None or is_over else Turn(kind, moment(at_ms))

    def next_at(self, now: datetime) -> datetime | None:
        """When its state changes next if nothing is done."""
        wake_ms = self.term.wake_ms(ms(now))
        return None if wake_ms is None else moment(wake_ms)


@dataclass(frozen=True)
class Handling:
    """An alert in people's hands: what a deadline of it is measured against.

    `severe_since` is when it came (again) with the severity that it has: an alert that gets worse while
    it waits is a new one to whoever should look. Times of what was done are None where it was not.
    """

    state: Workflow
    status: AlertStatus
    severity: Severity
    opened_at: datetime
    resolved_at: datetime | None
    severe_since: datetime
    taken_at: datetime | None = None
    filed_at: datetime | None = None
    complained_at: datetime | None = None
    # Attempts to reach the buyer, in order: when, and whether somebody answered.
    contacts: Sequence[tuple[datetime, bool]] = ()


@dataclass(frozen=True)
class Filed:
    """A complaint's times; each is None until it happened."""

    kind: ComplaintKind
    submitted_at: datetime | None
    answered_at: datetime | None
    appealed_at: datetime | None
    appeal_answered_at: datetime | None


def of_alert(handling: Handling, said: Sequence[Deadline], rules: Deadlines) -> list[Timer]:
    """All deadlines of an alert, the first one first. One that was taken back has none."""
    if handling.status == "retracted":
        return []
    timers = [_said(handling, deadline, rules) for deadline in said]
    timers += _ours(handling, rules)
    return sorted(timers, key=lambda timer: (timer.term.last_ms, timer.code))


def of_complaint(filed: Filed, rules: Deadlines) -> list[Timer]:
    """T05 from the submission, T06 from the appeal; a defence is itself an appeal."""
    terms = []
    zone = rules.time_zone
    if filed.submitted_at is not None:
        submitted_ms, answered_ms = ms(filed.submitted_at), _ms(filed.answered_at)
        if filed.kind in IS_APPEAL:
            terms.append(d.appeal_reply(submitted_ms, rules.T06, zone, answered_ms))
        else:
            terms.append(d.reply(submitted_ms, rules.T05, zone, answered_ms))
    if filed.appealed_at is not None:
        answered_ms = _ms(filed.appeal_answered_at)
        terms.append(d.appeal_reply(ms(filed.appealed_at), rules.T06, zone, answered_ms))
    return [_own(term) for term in terms]


def ms(at: datetime) -> int:
    """Epoch milliseconds."""
    return round(at.timestamp() * 1000)


def moment(at_ms: int) -> datetime:
    """The aware time of epoch milliseconds."""
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def _said(handling: Handling, deadline: Deadline, rules: Deadlines) -> Timer:
    """A deadline that the alert says, with its reminders, and met by what meets it."""
    ways = [handling.resolved_at if handling.status == "resolved" else None]
    if deadline.code == "T03":
        # Whoever wrote has told the buyer, whether or not an answer came.
        ways += [at for at, _ in handling.contacts[:1]]
    elif deadline.code == "T04":
        ways.append(handling.complained_at)
    elif deadline.code == "T12":
        ways.append(handling.filed_at)
    met = min((ms(at) for at in ways if at is not None), default=None)
    term = d.of_alert(deadline.code, ms(handling.opened_at), ms(deadline.due_at), rules, met)
    return Timer(term, deadline.text)


def _ours(handling: Handling, rules: Deadlines) -> Iterator[Timer]:
    """What we promise ourselves: T09 and T10."""
    # An alert that ended before anybody began waits for nobody.
    if handling.state in UNTOUCHED or handling.taken_at is not None:
        opened_ms, taken_ms = ms(handling.severe_since), _ms(handling.taken_at)
        term = d.acknowledge(opened_ms, handling.severity, rules.T09, taken_ms)
        if term is not None:
            yield _own(term)
    if handling.state is Workflow.IN_PROGRESS:
        retry = _retry(handling.contacts, rules)
        if retry is not None:
            yield _own(retry)


def _retry(contacts: Sequence[tuple[datetime, bool]], rules: Deadlines) -> Term | None:
    """T10, by the attempts since somebody last answered."""
    failed: list[int] = []
    answered_ms = None
    for at, answered in contacts:
        if not answered:
            if answered_ms is not None:
                failed, answered_ms = [], None
            failed.append(ms(at))
        elif failed:
            answered_ms = ms(at)
    return d.contact_retry(tuple(failed), rules.T10, answered_ms)


def _own(term: Term) -> Timer:
    line = term.line()
    return Timer(term, Text(zh=line.zh, en=line.en))


def _ms(at: datetime | None) -> int | None:
    return None if at is None else ms(at)
