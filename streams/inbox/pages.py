"""Pages as text: templates filled with alerts. Everything is escaped; sentences are cleaned as well."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from schemas.alerts import Alert, AlertEnvelope, SuggestedAction, ThresholdCheck
from streams.detect.entries import ComplaintKind
from streams.detect.playbooks import NEEDS
from streams.display.masking import visible
from streams.inbox.board import Line
from streams.inbox.checklist import key_of, since_return
from streams.inbox.events import orders_of, recharge_of
from streams.inbox.groups import Group
from streams.inbox.intake import storable
from streams.inbox.listing import Filter
from streams.inbox.models import AlertRow, AuditRow, FilingRow
from streams.inbox.redaction import clean
from streams.inbox.snooze import came_back, is_snoozed
from streams.inbox.store import Detail
from streams.inbox.texts import CHINA, Words
from streams.inbox.timers import Timer
from streams.inbox.workflow import (
    BESIDE,
    CONTACTABLE,
    FILING_LABELS,
    HANDLED,
    REPORTED_LABELS,
    TARGET,
    UNTOUCHED,
    Channel,
    Label,
    State,
    Step,
    can_log,
    can_record,
    can_transition,
    is_label_of,
    stands,
)
from streams.stock.control import APPROVED_FOR

TEMPLATES: Final = Path(__file__).parent / "templates"
POLICE_REPORT: Final = "A13_draft_police_report"
_BAR_WIDTH: Final = 160
_MOST_LINES: Final = 100
_SOON: Final = timedelta(hours=4)


@dataclass(frozen=True)
class Card:
    """An alert in a list: the row of the table, the alert in it, and its deadlines."""

    row: AlertRow
    alert: Alert
    timers: Sequence[Timer] = ()
    # Which it stands for, where it is the row of several.
    group: Group | None = None

    @property
    def state(self) -> State:
        return State(self.row.case.state)

    @property
    def stands(self) -> bool:
        """Whether anybody may be accused by it."""
        return stands(self.alert.status, self.row.case.label)

    @property
    def may_be_reported(self) -> bool:
        """Whether a police report makes sense: the alert suggests one, or a person found it to be so."""
        is_suggested = any(one.code == POLICE_REPORT for one in self.alert.suggested_actions)
        return self.stands and (is_suggested or self.row.case.label in REPORTED_LABELS)

    @property
    def label(self) -> Label | None:
        return Label(self.row.case.label) if self.row.case.label else None

    def first_deadline(self, now: datetime) -> Timer | None:
        """Of what the alert says, the deadline that comes first; when all have passed, the last one.

        None once all are met.
        """
        due = [timer for timer in self.timers if not timer.is_met() and not timer.is_own()]
        ahead = [timer for timer in due if timer.due_at >= now]
        return ahead[0] if ahead else (due[-1] if due else None)

    def own_timers(self) -> list[Timer]:
        """What we promised ourselves and have not done yet."""
        return [timer for timer in self.timers if timer.is_own() and not timer.is_met()]

    def complaint_kinds(self) -> list[ComplaintKind]:
        """The complaints that the alert suggests."""
        drafts = [action.draft or "" for action in self.alert.suggested_actions]
        heads = {draft.partition("\n")[0] for draft in drafts}
        return [kind for kind in NEEDS if f"投诉类型:{kind}" in heads]


@dataclass(frozen=True)
class Undone:
    """An alert for which a step was not taken: why, and the last step of anybody but a tick.

    `alert` and `last` are None where there is no such alert, or no step.
    """

    alert_id: str
    reason: str
    alert: Alert | None = None
    state: str = ""
    last: AuditRow | None = None


@dataclass(frozen=True)
class Part:
    """One page of a table of deadlines, and how many there are on all pages."""

    lines: Sequence[Line]
    total: int
    page: int
    pages: int


@dataclass(frozen=True)
class Bar:
    """A threshold drawn: where the value and the limits lie on a line of fixed width."""

    value: int
    warn: int | None
    critical: int | None
    width: int = _BAR_WIDTH


@dataclass(frozen=True)
class Work:
    """Which steps a person can take on an alert now, and how far it has come."""

    state: State
    is_contact_open: bool
    labels: Sequence[Label]
    stage: int
    # Which of the four steps somebody took: one may be left out, and an alert that ended by itself has none.
    done: Set[str]
    channels: Sequence[Channel] = tuple(Channel)
    # Whether the alert names orders; which of them can be filed; which filings wait for an answer; which
    # orders have an accepted one; whether a top-up's result can be recorded.
    has_orders: bool = False
    orders: Sequence[str] = ()
    pending_filings: Sequence[FilingRow] = ()
    exempt_orders: Sequence[str] = ()
    can_record: bool = False
    can_assign: bool = False
    can_snooze: bool = False
    # The step that recorded the top-up's result last, since the alert came back if it did.
    settled: AuditRow | None = None

    def can(self, step: Step) -> bool:
        return can_transition(self.state, TARGET[step])


@dataclass(frozen=True)
class Kept:
    """What somebody typed for a step that was not taken, so that nobody types it twice."""

    step: str = ""
    text: str = ""


NOTHING_KEPT: Final = Kept()


def card(row: AlertRow, timers: Sequence[Timer] = ()) -> Card:
    return Card(row, _decoded(row.body), timers)


# Of a list that is fetched anew on many screens because of one alert, the others are the same as before.
@lru_cache(maxsize=200)
def _decoded(body: str) -> Alert:
    return AlertEnvelope.model_validate_json(body).data


def is_soon(one: Timer | SuggestedAction, now: datetime) -> bool:
    """Whether what is to be done by a time is shown in red; a promise to ourselves never is.

    Half an hour to look at an alert, red from its first second, would outshine the platform's deadlines.
    """
    is_own = isinstance(one, Timer) and one.is_own()
    return one.due_at is not None and not is_own and timedelta() <= one.due_at - now < _SOON


def next_timer(timers: Sequence[Timer]) -> Timer | None:
    """The deadline that comes first of those that are not met."""
    return next((timer for timer in timers if not timer.is_met()), None)


def undone(alert_id: str, reason: str, detail: Detail | None) -> Undone:
    """What to say of a step for many that was not taken for this one."""
    if detail is None:
        return Undone(alert_id, "problem.missing")
    # Of two people the one is in the other's way, and a tick in nobody's.
    last = next((step for step in reversed(detail.audit) if step.step not in BESIDE), None)
    return Undone(alert_id, reason, _decoded(detail.row.body), detail.row.case.state, last)


def part(lines: Sequence[Line], number: int) -> Part:
    """One page of the lines. A page number past the end shows the last page."""
    pages = max(1, -(-len(lines) // _MOST_LINES))
    number = min(max(1, number), pages)
    start = (number - 1) * _MOST_LINES
    return Part(lines[start : start + _MOST_LINES], len(lines), number, pages)


def bar(check: ThresholdCheck) -> Bar:
    """Scales a threshold so that the greatest of its numbers ends just before the right edge."""
    greatest = max(check.value, check.warn or 0, check.critical or 0, 1) * 1.1

    def place(number: int | None) -> int | None:
        return None if number is None else round(_BAR_WIDTH * max(0, number) / greatest)

    return Bar(place(check.value) or 0, place(check.warn), place(check.critical))


def work(detail: Detail) -> Work:
    state = State(detail.row.case.state)
    labels = [
        label
        for label in Label
        if (detail.contacts or label not in FILING_LABELS)
        and is_label_of(label, detail.row.detector)
    ]
    stage = {State.NEW: 0, State.REOPENED: 0, State.IN_PROGRESS: 2 if detail.contacts else 1}
    after = 4 if state in HANDLED else 3
    alert = _decoded(detail.row.body)
    standing = {filing.order_id for filing in detail.filings if filing.status != "rejected"}
    exempt = {filing.order_id for filing in detail.filings if filing.status == "accepted"}
    settled = [step for step in since_return(detail.audit) if step.step == "reconcile"]
    return Work(
        state,
        state in CONTACTABLE,
        labels,
        stage.get(state, after),
        _done(detail, state),
        has_orders=bool(orders_of(alert)),
        orders=[order for order in orders_of(alert) if storable(order) not in standing],
        pending_filings=[one for one in detail.filings if one.status == "submitted"],
        exempt_orders=sorted(exempt),
        can_record=recharge_of(alert) is not None and can_record(state),
        can_assign=can_log("assign", state),
        can_snooze=can_log("snooze", state),
        settled=settled[-1] if settled else None,
    )


def _done(detail: Detail, state: State) -> Set[str]:
    # What was done before it came back is in the timeline.
    if state in UNTOUCHED or state in (State.AUTO_RESOLVED, State.EXPIRED):
        return frozenset()
    others = {
        "contact": bool(detail.contacts),
        "label": detail.row.case.label is not None,
        "confirm": state is State.DONE,
    }
    return {"take", *(step for step, done in others.items() if done)}


def details(step: AuditRow, words: Words) -> str:
    """What a step said besides its name: the label, how a buyer was reached, a name, what was ticked, …"""
    said = json.loads(step.detail)
    parts = [
        words.phrase(kind, said[key])
        for key, kind in (
            ("label", "label"),
            ("channel", "channel"),
            ("result", "recharge"),
            ("why", "wake"),
        )
        if key in said
    ]
    if "until" in said:
        parts.append(words("snooze.until", at=words.clock(datetime.fromisoformat(said["until"]))))
    if "deadline" in said:
        parts.append(words("snooze.sooner", what=words.deadline(said["deadline"])))
    if "answered" in said:
        parts.append(words("contact.answered" if said["answered"] else "contact.unanswered"))
    if "units" in said:
        parts.append(words("approval.size", units=said["units"], orders=said["orders"]))
    parts += [said[key] for key in ("reason", "assignee", words.language) if said.get(key)]
    return " · ".join(parts)


def list_labels(cards: Sequence[Card]) -> list[Label]:
    """The labels that at least one alert of a list can have."""
    detectors = {one.alert.detector for one in cards}
    return [label for label in Label if any(is_label_of(label, one) for one in detectors)]


def query(wanted: Filter, **changes: object) -> str:
    """The query string of a list with some fields changed; defaults are left out."""
    changed = replace(wanted, **changes)  # type: ignore[arg-type]
    pairs = {
        "view": "handled" if changed.is_handled else "snoozed" if changed.is_snoozed else None,
        "severity": changed.severity,
        "shop": changed.shop,
        "detector": changed.detector,
        "subject": changed.subject,
        "assignee": changed.assignee,
        "status": changed.status,
        "q": changed.search or None,
        "suppressed": "1" if changed.with_suppressed else None,
        "sort": changed.sort if changed.sort != "severity" else None,
        "group": changed.group if changed.group != "subject" else None,
        "page": str(changed.page) if changed.page > 1 else None,
        "cases": str(changed.cases_page) if changed.cases_page > 1 else None,
    }
    said = urlencode({key: value for key, value in pairs.items() if value})
    return f"?{said}" if said else ""


def address(path: str, **fields: str | int) -> str:
    """A page with its query; what is empty, and the first page of a table, is left out."""
    said = urlencode({name: value for name, value in fields.items() if value not in ("", 1)})
    return f"{path}?{said}" if said else path


def cards(
    rows: Sequence[AlertRow],
    groups: Mapping[str, Group],
    timers: Mapping[str, Sequence[Timer]],
    first_due: Mapping[str, Timer],
) -> list[Card]:
    """The rows of a list; one that stands for a group has the first deadline of the group, if it has any."""
    found = []
    for row in rows:
        one = card(row, timers.get(row.alert_id, ()))
        group, first = groups.get(row.alert_id), first_due.get(row.alert_id)
        if group is not None and first is not None:
            one = replace(one, timers=[first, *one.own_timers()])
        found.append(replace(one, group=group))
    return found


def environment() -> Environment:
    """The templates; an undefined name is an error, so a typo cannot become an empty place."""
    jinja = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    jinja.filters["clean"] = clean
    # For ids that a person typed: a number that looks like a phone is an order or an account.
    jinja.filters["visible"] = visible
    # What somebody typed, to be copied: as it was, line by line.
    jinja.filters["typed"] = lambda text: visible(text, keep_newlines=True)
    jinja.globals["details"] = details
    jinja.filters["step_key"] = key_of
    jinja.filters["exact"] = lambda at: at.astimezone(CHINA).isoformat(sep=" ")
    jinja.globals["bar"] = bar
    jinja.globals["is_snoozed"] = is_snoozed
    jinja.globals["is_soon"] = is_soon
    jinja.globals["came_back"] = came_back
    jinja.globals["approved_until"] = lambda word: word.at + APPROVED_FOR
    jinja.globals["query"] = query
    jinja.globals["address"] = address
    return jinja


def render(jinja: Environment, template: str, words: Words, **values: object) -> str:
    """One page in the language of `words`; `t` says a text and `say` the sentence of an alert."""
    return jinja.get_template(template).render(
        t=words, say=lambda text: clean(words.of(text)), now=words.now, **values
    )
