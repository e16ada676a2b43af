"""Where the disputes of an alert stand (workflow W4), read off the facts that it counts. Nothing is stored.

    opened ──> negotiation (T07 runs) ──> withdrawn (counts no more)
                    │
                    └──> escalated (arbitration) ──> ruled

Pure. People tick what no event tells, as any suggested step; where a dispute stands is the platform's to
tell. The trap: when negotiation has run out and nothing was told, it may be in arbitration or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, get_args

from schemas.alerts import Alert, EvidenceFact
from streams.detect.deadlines import Deadlines, negotiation
from streams.detect.detectors.d31_ae_dispute_rate import SIGNAL
from streams.inbox.timers import moment, ms

# Their alerts have the whole course of one dispute. Others count one and know nothing of what became of it.
_WITH_COURSE: Final = frozenset({"D28", "D29", "D30", "D32"})
# As one follows another, also where two are told with the same time: those that may still be withdrawn first.
Stage = Literal[
    "negotiation",
    "overdue",
    "negotiated",
    "escalated",
    "arbitration_withdrawn",
    "ruled",
    "withdrawn",
]
STAGES: Final[tuple[Stage, ...]] = get_args(Stage)
Place = Literal["done", "now", "ahead"]
_NEGOTIATED: Final = frozenset({"negotiation", "overdue"})
_OVER: Final = frozenset({"withdrawn", "ruled"})


@dataclass(frozen=True)
class Proof:
    """Evidence that a party added."""

    kind: str
    by: str
    at: datetime


@dataclass(frozen=True)
class Mark:
    """A station on the way of a dispute: when it was reached, and whether it lies behind, here or ahead."""

    name: str
    at: datetime | None
    place: Place


@dataclass(frozen=True)
class Dispute:
    """A dispute as of an alert and of the time of the look.

    `until` is the last moment of negotiation. `reached` is when each stage was that was told of; `ruling` is
    empty before there is one, and `buyer` where the alert is about the buyer.
    """

    dispute_id: str
    order_id: str
    opened_at: datetime
    until: datetime
    stage: Stage
    reached: Mapping[Stage, datetime]
    buyer: str = ""
    reason: str = ""
    ruling: str = ""
    proofs: Sequence[Proof] = ()

    def way(self) -> list[Mark]:
        """Its stations in order. Arbitration that nobody told of is none once the dispute is over."""
        stage, at = self.stage, self.reached
        is_over, is_negotiated = stage in _OVER, stage in _NEGOTIATED
        marks = [
            Mark("opened", self.opened_at, "done"),
            Mark("negotiation", None, "now" if is_negotiated else "done"),
        ]
        if not is_over or "escalated" in at:
            place: Place = "ahead" if is_negotiated else "now" if stage == "escalated" else "done"
            marks.append(Mark("escalated", at.get("escalated"), place))
        if stage == "arbitration_withdrawn":
            marks.append(Mark(stage, at[stage], "now"))
        marks.append(Mark(stage, at[stage], "done") if is_over else Mark("end", None, "ahead"))
        return marks


def disputes_of(alert: Alert, rules: Deadlines, now: datetime) -> list[Dispute]:
    """The disputes of an alert that knows what became of them, those that can still be withdrawn first.

    One for an alert about a dispute, those that are listed for one about the rate of a shop, else none.
    """
    try:
        found = [_read(fact, alert, rules, now) for fact in alert.evidence.facts]
    except (OverflowError, ValueError, OSError):
        # A time that no clock has.
        return []
    known = [one for one in found if one]
    return sorted(known, key=lambda one: (STAGES.index(one.stage), one.until))


def dispute_of(alert: Alert, rules: Deadlines, now: datetime) -> Dispute | None:
    """The dispute that an alert is about, if it is about one."""
    return (
        next(iter(disputes_of(alert, rules, now)), None) if alert.detector in _WITH_COURSE else None
    )


def _read(fact: EvidenceFact, alert: Alert, rules: Deadlines, now: datetime) -> Dispute | None:
    if alert.detector in _WITH_COURSE and fact.kind == "DisputeOpened":
        return _with_course(fact, alert.evidence.facts, rules, now)
    if fact.kind == "Signal" and fact.detail.get("name") == SIGNAL:
        return _signalled(fact, rules, now)
    return None


def _with_course(
    opened: EvidenceFact, facts: Sequence[EvidenceFact], rules: Deadlines, now: datetime
) -> Dispute:
    steps = {fact.detail.get("kind"): fact for fact in facts if fact.kind == "DisputeStep"}
    reached = {stage: steps[stage].at for stage in STAGES if stage in steps}
    until = _until(opened, rules)
    return Dispute(
        dispute_id=opened.ref,
        order_id=str(opened.detail.get("order_id", "")),
        opened_at=opened.at,
        until=until,
        stage=_stage(reached, until, now),
        reached=reached,
        reason=str(opened.detail.get("reason", "")),
        ruling=str(steps["ruled"].detail.get("ruling", "")) if "ruled" in steps else "",
        proofs=[
            Proof(str(fact.detail.get("kind")), str(fact.detail.get("by")), fact.at)
            for fact in sorted(facts, key=lambda fact: fact.at)
            if fact.kind == "DisputeEvidence"
        ],
    )


def _signalled(fact: EvidenceFact, rules: Deadlines, now: datetime) -> Dispute:
    """A dispute as its buyer tells the shop of it: of its withdrawal, or that nobody negotiates any more."""
    reached: dict[Stage, datetime] = {}
    if over := _ms(fact, "negotiated_until_ms"):
        reached["negotiated"] = moment(over)
    if withdrawn := _ms(fact, "withdrawn_ms"):
        reached["withdrawn"] = moment(withdrawn)
    buyer, until = str(fact.detail.get("buyer", "")), _until(fact, rules)
    return Dispute(
        # The buyer may have any name, also one with a slash.
        dispute_id=fact.ref.removeprefix(f"{SIGNAL}/{buyer}/"),
        order_id=str(fact.detail.get("order", "")),
        opened_at=fact.at,
        until=until,
        stage=_stage(reached, until, now),
        reached=reached,
        buyer=buyer,
    )


def _stage(reached: Mapping[Stage, datetime], until: datetime, now: datetime) -> Stage:
    """The newest step; without any, what silence leaves open."""
    if not reached:
        return "negotiation" if now <= until else "overdue"
    return max(reached, key=lambda stage: (reached[stage], STAGES.index(stage)))


def _ms(fact: EvidenceFact, name: str) -> int:
    at = fact.detail.get(name, 0)
    return at if isinstance(at, int) else 0


def _until(fact: EvidenceFact, rules: Deadlines) -> datetime:
    return moment(negotiation(ms(fact.at), rules.T07).last_ms)
