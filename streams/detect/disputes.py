"""AliExpress disputes put together from their facts; D28 to D32 read them this way."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence, Set
from operator import attrgetter
from typing import Generic, NamedTuple, TypeVar

from streams.detect.cases import Case
from streams.detect.deadlines import Negotiation, negotiation
from streams.detect.detector import Due, Facts
from streams.detect.episodes import Episode, Threshold
from streams.detect.facts import (
    NEVER,
    DisputeEvidence,
    DisputeOpened,
    DisputeStep,
    RefundGranted,
    RefundRequested,
    RefundWithdrawn,
    ReturnArrived,
    by_time,
)
from streams.detect.orders import granted_by, grants_of

F = TypeVar("F", ReturnArrived, RefundGranted)
_at_ms = attrgetter("at_ms")


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


class OfOne(Generic[F]):
    """Of each order what came while one dispute of it stood: events name the order and not the item.

    What came while several stood may be about any of them. Cost: n log n in disputes and facts.
    """

    def __init__(self, disputes: Iterable[Dispute], facts_of: Mapping[str, Sequence[F]]) -> None:
        opened: dict[str, list[int]] = {}
        ended: dict[str, list[int]] = {}
        for dispute in disputes:
            opened.setdefault(dispute.opened.order_id, []).append(dispute.opened.at_ms)
            ended.setdefault(dispute.opened.order_id, []).append(_ended_ms(dispute))
        self._facts_of: dict[str, list[F]] = {}
        for order, begun in opened.items():
            over = sorted(ended[order])
            self._facts_of[order] = [
                fact
                for fact in facts_of.get(order, ())
                if bisect_right(begun, fact.at_ms) - bisect_right(over, fact.at_ms) == 1
            ]

    def first(self, dispute: Dispute, from_ms: int) -> F | None:
        """The first that is about a dispute, from a time on."""
        facts = self._facts_of[dispute.opened.order_id]
        at = bisect_left(facts, max(from_ms, dispute.opened.at_ms), key=_at_ms)
        found = facts[at] if at < len(facts) else None
        return found if found is not None and found.at_ms < _ended_ms(dispute) else None


def _ended_ms(dispute: Dispute) -> int:
    return max(dispute.opened.at_ms, dispute.withdrawn.at_ms) if dispute.withdrawn else NEVER


def parcels_back(facts: Facts) -> dict[str, list[ReturnArrived]]:
    """By order, the parcels that came back, oldest first."""
    found: dict[str, list[ReturnArrived]] = {}
    for parcel in facts.of(ReturnArrived):
        found.setdefault(parcel.order_id, []).append(parcel)
    return found


def refunds_for_good(facts: Facts, disputes: Iterable[Dispute]) -> dict[str, list[RefundGranted]]:
    """By order, the refunds after which no return is awaited any more, oldest first.

    Those that were paid, and those that were granted without a return and not taken back: who agreed to a
    return and refund awaits the parcel all the more. So does who was ruled to get one by the same
    platform, whatever the buyer had asked for.
    """
    granted = grants_of(facts)
    if not granted:
        return {}
    to_return = {
        dispute.opened.order_id
        for dispute in disputes
        if dispute.ruled and dispute.ruled.ruling == "return_and_refund"
    }
    asked: dict[str, list[RefundRequested]] = {}
    for request in facts.of(RefundRequested):
        asked.setdefault(request.ref.rpartition("#")[0], []).append(request)
    withdrawn = {fact.ref for fact in facts.of(RefundWithdrawn)}
    return {
        order: [
            grant
            for grant in grants
            if _settles(grant, asked, withdrawn)
            and not (order in to_return and granted_by(grant) == "ruled")
        ]
        for order, grants in granted.items()
    }


def _settles(
    grant: RefundGranted, asked: Mapping[str, Sequence[RefundRequested]], withdrawn: Set[str]
) -> bool:
    requests = asked.get(grant.ref.rpartition("/")[0], ())
    last = next((one for one in reversed(requests) if one.at_ms <= grant.at_ms), None)
    if granted_by(grant) == "succeeded":
        # With reason `other` a part of the price may come back (docs/detectors/D08.md), and the goods are
        # awaited as before.
        return last is None or last.refund_only or last.reason != "other"
    return last is not None and last.refund_only and last.ref not in withdrawn


# Why no return is awaited after `refunds_for_good`, zh and en, by `granted_by`.
REFUNDED = {
    "succeeded": ("退款已完成", "The refund was paid"),
    "agreed": ("已同意仅退款,无需退货", "A refund without a return was agreed to"),
    "ruled": ("平台已判定仅退款,无需退货", "The platform ruled a refund without a return"),
}


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
