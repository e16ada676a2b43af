"""What may become of an alert in the hands of operations: a pure state machine (workflow W1).

    NEW ──> IN_PROGRESS ──> LABELLED ──> DONE          NEW: 未处理预警, DONE: 已处理预警
     │           ^             │ ^
     │           │             v │ (rejected)
     │           │           FILED ──> FILED_OK ──> DONE
     └> AUTO_RESOLVED, EXPIRED (nobody had begun)      any closed state ──> REOPENED ──> as NEW

The trap: the alert's own status (open, resolved, …) is what the pipeline says, the state here is
what people did. `follow` is the only place where the first moves the second. No step closes an
order.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final, Literal

from schemas.alerts import SEVERITIES, AlertStatus, Severity

# Of what people write, in characters; the pages and the columns hold no more either.
MAX_NAME: Final = 64
MAX_NOTE: Final = 2000


class State(StrEnum):
    """Where an alert is in the workflow."""

    NEW = "NEW"
    REOPENED = "REOPENED"
    IN_PROGRESS = "IN_PROGRESS"
    LABELLED = "LABELLED"
    FILED = "FILED"
    FILED_OK = "FILED_OK"
    FILED_REJECTED = "FILED_REJECTED"
    DONE = "DONE"
    AUTO_RESOLVED = "AUTO_RESOLVED"
    EXPIRED = "EXPIRED"


class Label(StrEnum):
    """What a person found out. FALSE_POSITIVE is what the precision of a detector is made of."""

    ADDRESS_OK_OR_CORRECTED = "ADDRESS_OK_OR_CORRECTED"
    WRONG_ADDRESS_UNREACHABLE = "WRONG_ADDRESS_UNREACHABLE"
    CONFIRMED_MALICIOUS = "CONFIRMED_MALICIOUS"
    FALSE_POSITIVE = "FALSE_POSITIVE"
    BUYER_PAID = "BUYER_PAID"
    WITHDRAWN = "WITHDRAWN"
    COMPLAINT_FILED = "COMPLAINT_FILED"
    POLICE_REPORTED = "POLICE_REPORTED"
    TOP_UP_CHECKED = "TOP_UP_CHECKED"


# By these, what the alert says is not so, or no longer.
SETTLED: Final = frozenset({Label.FALSE_POSITIVE, Label.BUYER_PAID, Label.WITHDRAWN})
# The detector of top-ups without a result.
TOP_UPS: Final = "D27"
# What only alerts of one detector can be found to be: that the top-up was looked up at the provider.
ONLY_OF: Final = {Label.TOP_UP_CHECKED: TOP_UPS}
# With these a person has said that what the alert says is so, and that it is grave.
REPORTED_LABELS: Final = frozenset({Label.CONFIRMED_MALICIOUS, Label.POLICE_REPORTED})


def stands(status: str, label: str | None) -> bool:
    """Whether anybody may be accused by an alert: neither the facts nor whoever handled it say otherwise."""
    return status != "retracted" and label not in SETTLED


def is_label_of(label: Label, detector: str) -> bool:
    """Whether alerts of the detector can have the label."""
    return ONLY_OF.get(label, detector) == detector


class Channel(StrEnum):
    """How a buyer was contacted."""

    WANGWANG = "wangwang"
    PHONE = "phone"


RechargeResult = Literal["succeeded", "failed"]
Step = Literal[
    "take",
    "contact",
    "label",
    "file",
    "filing_accepted",
    "filing_rejected",
    "reconcile",
    "approve",
    "refuse",
    "assign",
    "tick",
    "untick",
    "snooze",
    "wake",
    "confirm",
]


@dataclass(frozen=True)
class StepRequest:
    """What a person asks for. `version` is the one of the case that they were looking at.

    `order_id` is the order that was filed, where the alert is about any. `result` and `reason` are those
    of a top-up. `assignee` is who an alert is handed over to, `action` the name of a suggested step that
    was done, and `later` after what time, or on the morning of which day, an alert comes back.
    """

    alert_id: str
    step: Step
    by: str
    request_id: str
    version: int
    label: Label | None = None
    channel: Channel | None = None
    answered: bool = False
    note: str = ""
    order_id: str = ""
    result: RechargeResult | None = None
    reason: str = ""
    assignee: str = ""
    action: str = ""
    later: timedelta | date | None = None


# What is logged on an alert and moves it no further.
LOGGED: Final[frozenset[Step]] = frozenset(
    {"contact", "reconcile", "approve", "refuse", "assign", "tick", "untick", "snooze", "wake"}
)
# What a person says of the top-ups of stock that an alert suggests.
WORDS: Final[frozenset[Step]] = frozenset({"approve", "refuse"})
# A parcel comes back when its alert was handled long ago. So these leave the case as it is, also the time at
# which it was handled, and are in nobody's way.
BESIDE: Final[frozenset[Step]] = frozenset({"tick", "untick"})

# What can be asked for many alerts at once: a contact attempt and a filing are each of one alert.
FOR_MANY: Final[tuple[Step, ...]] = ("take", "label", "assign", "snooze", "wake", "confirm")

_BEGUN: Final = frozenset({State.IN_PROGRESS})
TRANSITIONS: Final[dict[State, Set[State]]] = {
    State.NEW: _BEGUN | {State.AUTO_RESOLVED, State.EXPIRED},
    State.REOPENED: _BEGUN | {State.AUTO_RESOLVED, State.EXPIRED},
    State.IN_PROGRESS: frozenset({State.LABELLED}),
    State.LABELLED: frozenset({State.LABELLED, State.FILED, State.DONE}),
    State.FILED: frozenset({State.FILED_OK, State.FILED_REJECTED}),
    State.FILED_OK: frozenset({State.DONE}),
    State.FILED_REJECTED: frozenset({State.LABELLED, State.DONE}),
    State.DONE: _BEGUN | {State.REOPENED},
    State.AUTO_RESOLVED: _BEGUN | {State.REOPENED},
    State.EXPIRED: _BEGUN | {State.REOPENED},
}
HANDLED: Final = frozenset({State.DONE, State.AUTO_RESOLVED, State.EXPIRED})
UNHANDLED: Final = frozenset(State) - HANDLED
UNTOUCHED: Final = frozenset({State.NEW, State.REOPENED})
# A label is first set on an alert that somebody took; setting it again is how it is corrected.
CONTACTABLE: Final = frozenset(
    {State.IN_PROGRESS, State.LABELLED, State.FILED, State.FILED_REJECTED}
)
# The labels that say what came of an attempt to file; only these need a contact attempt before.
FILING_LABELS: Final = frozenset({Label.WRONG_ADDRESS_UNREACHABLE})
TARGET: Final[dict[Step, State]] = {
    "take": State.IN_PROGRESS,
    "label": State.LABELLED,
    "file": State.FILED,
    "filing_accepted": State.FILED_OK,
    "filing_rejected": State.FILED_REJECTED,
    "confirm": State.DONE,
}


def severity_rank(severity: Severity) -> int:
    """1 (info) to 3 (critical), as stored for sorting."""
    return 1 + SEVERITIES.index(severity)


def can_record(state: State) -> bool:
    """Whether a top-up's result can be recorded."""
    return state in CONTACTABLE or begins("reconcile", state)


def begins(step: Step, state: State) -> bool:
    """Whether the step takes the alert as well.

    Whoever records a top-up's result, lets stock be topped up or not, or has done a suggested step is on it,
    and whoever hands an alert over has looked at it.
    """
    return step in WORDS | {"reconcile", "assign", "tick"} and state in UNTOUCHED


def can_transition(old: State, new: State) -> bool:
    """Whether the workflow has an arrow from `old` to `new`."""
    return new in TRANSITIONS[old]


Refusal = Literal[
    "not_from_this_state",
    "contact_first",
    "label_first",
    "filing_label_first",
    "order_first",
    "filed_already",
    "nothing_to_reconcile",
    "nothing_waits",
    "reason_first",
    "assignee_first",
    "not_suggested",
    "label_of_others",
    "not_ahead",
    "deadline_first",
    "not_snoozed",
]


def can_log(step: Step, state: State) -> bool:
    """Whether what moves an alert no further can be done with it."""
    if step in BESIDE:
        return True
    if step in WORDS | {"assign", "snooze", "wake"}:
        return state in UNHANDLED
    return can_record(state) if step == "reconcile" else state in CONTACTABLE


def refusal(step: Step, state: State, label: Label | None, contact_attempts: int) -> Refusal | None:
    """Why `step` is not allowed now, or None.

    `label` is the label that the alert has; for the step `label`, the one wanted.
    """
    if step in LOGGED:
        return None if can_log(step, state) else "not_from_this_state"
    if not can_transition(state, TARGET[step]):
        return "not_from_this_state"
    if step == "label" and label is None:
        return "label_first"
    if step == "label" and label in FILING_LABELS and contact_attempts < 1:
        return "contact_first"
    if step == "file" and label not in FILING_LABELS:
        return "filing_label_first"
    if step == "file" and contact_attempts < 1:
        return "contact_first"
    return None


@dataclass(frozen=True)
class Seen:
    """What a revision says that may move the workflow."""

    status: AlertStatus
    severity: Severity


def follow(state: State, before: Seen | None, after: Seen) -> State:
    """The state after a new revision.

    An alert that ended before anybody began leaves the list; one that ended under somebody's hands
    stays there. A handled alert comes back when it opens again or gets more severe. The stored
    revision is compared, not `change`: revisions in between may never have been seen.
    """
    if after.status != "open":
        if state in UNTOUCHED:
            return State.EXPIRED if after.status == "expired" else State.AUTO_RESOLVED
        return state
    if state not in HANDLED or before is None:
        return state
    came_back = before.status != "open"
    return State.REOPENED if came_back or got_worse(before, after) else state


def got_worse(before: Seen, after: Seen) -> bool:
    """Whether an alert is more severe than it was."""
    return SEVERITIES.index(after.severity) > SEVERITIES.index(before.severity)
