"""AliExpress disputes put together from their facts; D28 to D32 read them this way.

Where a dispute stands (workflow W4) is its newest step, and nobody keeps it in step by hand: opened and
negotiated, in arbitration, withdrawn, ruled. So every alert about one dispute has its whole course.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence, Set
from operator import attrgetter
from typing import NamedTuple

from streams.detect import playbooks
from streams.detect.cases import Case
from streams.detect.deadlines import Negotiation, negotiation
from streams.detect.detector import Due, Facts, Step
from streams.detect.episodes import Episode, Threshold
from streams.detect.facts import (
    NEVER,
    AnyFact,
    DisputeEvidence,
    DisputeOpened,
    DisputeStep,
    RefundGranted,
    RefundRequested,
    RefundWithdrawn,
    ReturnArrived,
    by_time,
)
from streams.detect.refunds import granted_by, refund_of

_at_ms = attrgetter("at_ms")


class Dispute(NamedTuple):
    """One dispute that is known to have been opened, with the steps that are known."""

    opened: DisputeOpened
    withdrawn: DisputeStep | None
    escalated: DisputeStep | None
    ruled: DisputeStep | None
    evidence: tuple[DisputeEvidence, ...]
    arbitration_withdrawn: DisputeStep | None = None

    @property
    def course(self) -> tuple[AnyFact, ...]:
        """All that is known of it, of which every alert about it is made; see `with_course`."""
        steps = (self.escalated, self.arbitration_withdrawn, self.withdrawn, self.ruled)
        return (self.opened, *self.evidence, *(step for step in steps if step))

    def with_course(self, *facts: AnyFact | None) -> list[AnyFact]:
        """Its course and further facts, each once; those that are None are left out."""
        return list(dict.fromkeys(fact for fact in (*self.course, *facts) if fact))

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


class ParcelsBack:
    """The parcels that came back, by the dispute that they are about: the one that their refund is named as.

    One that names no refund is about the dispute of its order that stood when it came, or, where none did,
    about the only one so far. Of several nobody knows. Cost: n log n in disputes and parcels.
    """

    def __init__(self, facts: Facts, disputes: Iterable[Dispute]) -> None:
        self._of_refund: dict[str, list[ReturnArrived]] = {}
        self._unnamed: dict[str, list[ReturnArrived]] = {}
        self._first_ms: dict[str, int] = {}
        for parcel in facts.of(ReturnArrived):
            of, name = (
                (self._of_refund, parcel.refund_id)
                if parcel.refund_id
                else (self._unnamed, parcel.order_id)
            )
            of.setdefault(name, []).append(parcel)
            self._first_ms.setdefault(parcel.order_id, parcel.at_ms)
        self._opened_ms: dict[str, list[int]] = {}
        over_ms: dict[str, list[int]] = {}
        for dispute in disputes:
            self._opened_ms.setdefault(dispute.opened.order_id, []).append(dispute.opened.at_ms)
            over_ms.setdefault(dispute.opened.order_id, []).append(_ended_ms(dispute))
        self._of_one: dict[str, list[ReturnArrived]] = {}
        self._of_several: dict[str, list[ReturnArrived]] = {}
        for order, opened_ms in self._opened_ms.items():
            ended_ms = sorted(over_ms[order])
            for parcel in self._unnamed.get(order, ()):
                opened = bisect_right(opened_ms, parcel.at_ms)
                standing = opened - bisect_right(ended_ms, parcel.at_ms)
                if (standing or opened) == 1:
                    self._of_one.setdefault(order, []).append(parcel)
                elif standing:
                    self._of_several.setdefault(order, []).append(parcel)

    def has_any_before(self, order: str, at_ms: int) -> bool:
        """Whether any parcel of an order came before a time, whatever it is about."""
        return self._first_ms.get(order, NEVER) < at_ms

    def first(self, dispute: Dispute, from_ms: int) -> ReturnArrived | None:
        """The first that is about a dispute, from a time on; one before its opening may name no refund."""
        opened = dispute.opened
        found = [
            _first(self._of_refund.get(opened.ref, ()), from_ms),
            self._first_of_one(dispute, max(from_ms, opened.at_ms)),
        ]
        before = _first(self._unnamed.get(opened.order_id, ()), from_ms)
        if before and before.at_ms < opened.at_ms:
            found.append(before)
        return min((parcel for parcel in found if parcel), key=by_time, default=None)

    def perhaps(self, dispute: Dispute) -> ReturnArrived | None:
        """The first that may be about a dispute or about another one of its order."""
        parcel = _first(self._of_several.get(dispute.opened.order_id, ()), dispute.opened.at_ms)
        return parcel if parcel and parcel.at_ms < _ended_ms(dispute) else None

    def _first_of_one(self, dispute: Dispute, from_ms: int) -> ReturnArrived | None:
        order = dispute.opened.order_id
        parcel = _first(self._of_one.get(order, ()), from_ms)
        if parcel is None or parcel.at_ms < _ended_ms(dispute):
            return parcel
        return parcel if bisect_right(self._opened_ms[order], parcel.at_ms) == 1 else None


def _first(parcels: Sequence[ReturnArrived], from_ms: int) -> ReturnArrived | None:
    at = bisect_left(parcels, from_ms, key=_at_ms)
    return parcels[at] if at < len(parcels) else None


def _ended_ms(dispute: Dispute) -> int:
    return max(dispute.opened.at_ms, dispute.withdrawn.at_ms) if dispute.withdrawn else NEVER


def refunds_for_good(facts: Facts, disputes: Iterable[Dispute]) -> dict[str, list[RefundGranted]]:
    """By dispute, the refunds after which no return is awaited any more, oldest first.

    Only those that bear its id: money of an order may be a part of the price or another item's, which no
    amount tells apart. Of these what was paid, and what was granted without a return and not taken back:
    who agreed to a return and refund awaits the parcel all the more. So does who was ruled to get one by
    the same platform, whatever the buyer had asked for.
    """
    ruling_of = {d.opened.ref: d.ruled.ruling if d.ruled else "" for d in disputes}
    granted: dict[str, list[RefundGranted]] = {}
    for grant in facts.of(RefundGranted):
        refund_id = refund_of(grant)
        if refund_id in ruling_of:
            granted.setdefault(refund_id, []).append(grant)
    if not granted:
        return {}
    asked: dict[str, list[RefundRequested]] = {}
    for request in facts.of(RefundRequested):
        asked.setdefault(refund_of(request), []).append(request)
    withdrawn = {fact.ref for fact in facts.of(RefundWithdrawn)}
    return {
        refund_id: [
            grant
            for grant in grants
            if _settles(grant, asked.get(refund_id, ()), withdrawn, ruling_of[refund_id])
        ]
        for refund_id, grants in granted.items()
    }


def _settles(
    grant: RefundGranted, requests: Sequence[RefundRequested], withdrawn: Set[str], ruling: str
) -> bool:
    way = granted_by(grant)
    if way == "succeeded":
        return True
    if way == "ruled" and ruling == "return_and_refund":
        return False
    last = next((one for one in reversed(requests) if one.at_ms <= grant.at_ms), None)
    return last is not None and last.refund_only and last.ref not in withdrawn


# Why no return is awaited after `refunds_for_good`, zh and en, by `granted_by`.
REFUNDED = {
    "succeeded": ("退款已完成", "The refund was paid"),
    "agreed": ("已同意仅退款,无需退货", "A refund without a return was agreed to"),
    "ruled": ("平台已判定仅退款,无需退货", "The platform ruled a refund without a return"),
}


# Why a case of `photo_case` is over, zh and en.
ENDED = {
    "withdrawn": (
        "买家已撤销纠纷,不再计入纠纷率",
        "The buyer withdrew the dispute, and it counts no more",
    ),
    "ruled": ("平台已裁决", "The platform has ruled"),
    "": ("纠纷已久无进展", "Nothing new about the dispute for long"),
}
_PHOTOS = ("label_photo", "package_photo", "item_photo")


def photo_case(dispute: Dispute, photo: str, threshold: str, counter: tuple[str, str]) -> Case:
    """The case of a dispute that a photo may decide: over once it is withdrawn or ruled.

    A photo ends nothing: the dispute counts until the buyer withdraws it, and may yet go to arbitration.
    """
    ends = [step for step in (dispute.withdrawn, dispute.ruled) if step]
    end = min(ends, key=by_time, default=None)
    return Case(
        anchor=dispute.opened,
        level="info",
        members=dispute.course,
        opened_at_ms=dispute.opened.at_ms,
        details={
            "order": dispute.opened.order_id,
            "ended_by": end.kind if end else "",
            "is_negotiated": int(dispute.negotiated_until is None),
            "is_in_arbitration": int(dispute.is_in_arbitration),
            "has_photo": int(dispute.evidence_of(photo) is not None),
            "has_proof": int(any(dispute.evidence_of(kind, "seller") for kind in _PHOTOS)),
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


def next_steps(episode: Episode, rule: Negotiation, ask: Step, carrier: Step) -> tuple[Step, ...]:
    """W4 in order, of an episode of `photo_case`: what the facts say is done is not asked for again.

    `ask` asks for the photo, `carrier` has the carrier take liability, which may be done after the end too.
    """
    d = episode.details
    if episode.status != "open":
        return (playbooks.CARRY_OUT_RULING, carrier) if d["ended_by"] == "ruled" else (carrier,)
    return (
        *(() if d["has_photo"] else (ask,)),
        *(() if d["has_proof"] else (playbooks.PROVE_IN_DISPUTE,)),
        *(playbooks.settle(due.at_ms) for due in t07(episode, rule)),
        carrier,
    )


def standing(episode: Episode, ask: tuple[str, str]) -> tuple[str, str]:
    """What the summary of an episode of `photo_case` says of where the dispute stands, zh and en."""
    d = episode.details
    if episode.status != "open":
        return ENDED[str(d["ended_by"])]
    there = ("已有照片,请提交举证", "The photo is there: hand it in")
    if d["has_proof"]:
        there = ("已提交举证", "Proof is handed in")
    zh, en = there if d["has_photo"] else ask
    if d["is_in_arbitration"]:
        return f"已升级仲裁;{zh}", f"It is in arbitration. {en}"
    return zh, en
