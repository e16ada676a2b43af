"""AliExpress disputes put together from their facts; D28 to D32 read them this way."""

from __future__ import annotations

from typing import NamedTuple

from streams.detect.cases import Case
from streams.detect.deadlines import Negotiation, negotiation
from streams.detect.detector import Due, Facts
from streams.detect.episodes import Episode, Threshold
from streams.detect.facts import DisputeEvidence, DisputeOpened, DisputeStep, by_time


class Dispute(NamedTuple):
    """One dispute that is known to have been opened, with the steps that are known."""

    opened: DisputeOpened
    withdrawn: DisputeStep | None
    escalated: DisputeStep | None
    ruled: DisputeStep | None
    evidence: tuple[DisputeEvidence, ...]
    arbitration_withdrawn: DisputeStep | None = None

    def evidence_of(
        self, kind: str, by: str | None = None, from_ms: int = 0
    ) -> DisputeEvidence | None:
        """The earliest evidence of a kind, of one party and from a time on if that matters."""
        return next(
            (
                one
                for one in self.evidence
                if one.kind == kind and by in (None, one.by) and one.at_ms >= from_ms
            ),
            None,
        )

    @property
    def negotiated_until(self) -> DisputeStep | None:
        """The step that ended negotiation (T07), if one did: nobody can settle it with the buyer then."""
        steps = [step for step in (self.withdrawn, self.escalated, self.ruled) if step]
        return min(steps, key=by_time, default=None)

    @property
    def is_in_arbitration(self) -> bool:
        """Whether it was escalated, and nobody has ruled or taken that back since, as far as is known."""
        over = (self.withdrawn, self.arbitration_withdrawn, self.ruled)
        return self.escalated is not None and not any(
            step and step.at_ms >= self.escalated.at_ms for step in over
        )

    @property
    def country(self) -> str:
        """The country as of the newest step that names one; empty if none does."""
        return (self.ruled.country if self.ruled else "") or self.opened.country


def disputes_of(facts: Facts) -> list[Dispute]:
    """All disputes of a buyer that are known to have been opened, oldest first."""
    steps = {fact.ref: fact for fact in facts.of(DisputeStep)}
    evidence: dict[str, list[DisputeEvidence]] = {}
    for one in facts.of(DisputeEvidence):
        evidence.setdefault(one.dispute_id, []).append(one)
    return [
        Dispute(
            opened,
            steps.get(f"{opened.ref}/withdrawn"),
            steps.get(f"{opened.ref}/escalated"),
            steps.get(f"{opened.ref}/ruled"),
            tuple(evidence.get(opened.ref, ())),
            steps.get(f"{opened.ref}/arbitration_withdrawn"),
        )
        for opened in facts.of(DisputeOpened)
    ]


# Why a case of `photo_case` is over, zh and en.
ENDED = {
    "evidence": ("已收到照片", "The photo is there"),
    "withdrawn": ("买家已撤销纠纷", "The buyer withdrew the dispute"),
    "ruled": ("平台已裁决", "The platform has ruled"),
    "": ("纠纷已久无进展", "Nothing new about the dispute for long"),
}


def photo_case(dispute: Dispute, photo: str, threshold: str, counter: tuple[str, str]) -> Case:
    """The case of a dispute in which a photo is asked for: over once that, a withdrawal or a ruling comes."""
    shown = dispute.evidence_of(photo)
    ends = [fact for fact in (shown, dispute.withdrawn, dispute.ruled) if fact]
    end = min(ends, key=by_time, default=None)
    ended_by = ""
    if end is not None:
        ended_by = "evidence" if end is shown else end.kind
    return Case(
        anchor=dispute.opened,
        level="info",
        members=(dispute.opened, end) if end else (dispute.opened,),
        opened_at_ms=dispute.opened.at_ms,
        details={
            "order": dispute.opened.order_id,
            "ended_by": ended_by,
            "is_negotiated": int(dispute.negotiated_until is None),
        },
        thresholds=(Threshold(threshold, 1, "disputes", info=1),),
        counter=(counter,),
        resolved_at_ms=end.at_ms if end else None,
    )


def t07(episode: Episode, rule: Negotiation) -> tuple[Due, ...]:
    """The end of negotiation, of an episode of `photo_case`; none once a step of the dispute ended it."""
    if not episode.details["is_negotiated"]:
        return ()
    return (negotiation(episode.anchor.at_ms, rule).line(),)
