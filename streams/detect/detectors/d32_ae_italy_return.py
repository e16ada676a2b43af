"""D32 ae_italy_return (意大利退货): after a ruling of return and refund, a tracking number is due.

The definition is docs/detectors/D32.md. It is a task for the seller and says nothing about the buyer.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from streams.detect.cases import Case, verdict
from streams.detect.deadlines import ReturnCountdown, return_countdown
from streams.detect.detector import Detector, Facts, Presentation, RuleBlock, Seconds, Step, Wording
from streams.detect.disputes import (
    REFUNDED,
    Dispute,
    ParcelsBack,
    disputes_of,
    refunds_for_good,
)
from streams.detect.episodes import NOTHING, Episode, Threshold, Verdict
from streams.detect.facts import AnyFact, DisputeStep, RefundGranted, ReturnArrived, by_time
from streams.detect.refunds import first_grant, granted_by

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


class Rules(RuleBlock):
    """Of which countries, by their codes of two letters."""

    T08: ReturnCountdown
    countries: Annotated[tuple[Country, ...], Field(strict=False, min_length=1)]
    expire_after_s: Seconds


class ItalyReturn(Detector[Rules]):
    """D32 on buyers, one case per dispute. Cost: linear in the buyer's disputes."""

    id = "D32"
    name = "ae_italy_return"
    subject = "buyer"
    triggers = (DisputeStep,)
    topics = ("disputes", "returns", "refunds")
    rules = Rules
    accuses = False
    wording = Wording(
        title=("意大利退货", "Italian return"),
        thresholds={"rulings_without_number": ("未填单号的裁决", "Rulings without a number")},
        rules={
            "countries": ("国家", "Countries"),
        },
    )

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        disputes = disputes_of(facts)
        found = [
            (dispute, dispute.ruled)
            for dispute in disputes
            if dispute.ruled
            and dispute.ruled.ruling == "return_and_refund"
            and dispute.country in rules.countries
        ]
        if not found:
            return NOTHING
        back = ParcelsBack(facts, disputes)
        refunds = refunds_for_good(facts, disputes)
        cases = []
        for dispute, ruled in found:
            from_ms = max(dispute.opened.at_ms, ruled.at_ms)
            refund = first_grant(refunds.get(dispute.opened.ref, ()), from_ms)
            cases.append(_case(dispute, ruled, back.first(dispute, from_ms), refund))
        return verdict("D32", cases, horizon_ms, rules.expire_after_s)

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        d = episode.details
        ends_ms = int(d["ends_ms"])
        ended_zh, ended_en = _ENDED[str(d["ended_by"])]
        of_zh, of_en = ("意大利", "Italian ") if d["country"] == "IT" else ("", "")
        term = return_countdown(episode.opened_at_ms, ends_ms, rules.T08)
        return Presentation(
            title=("请填写退货物流单号", "Enter the return tracking number"),
            summary=(
                f"订单{d['order']}({d['country']})裁决为退货退款,"
                f"{ended_zh if d['ended_by'] else f'请填写{of_zh}退货物流单号'}。",
                f"Order {d['order']} ({d['country']}) was ruled return and refund"
                f"{f'. {ended_en}' if d['ended_by'] else f': enter the {of_en}return tracking number'}.",
            ),
            not_if=(
                "其他裁决或其他国家,卖家已填写单号,退货已送达,已退款或退款无需退货",
                "another ruling or country; a number that the seller has entered; a return that "
                "arrived; a refund that was paid or needs no return",
            ),
            ended=(ended_zh, ended_en),
            steps=(
                Step(
                    "A4_remind",
                    "在纠纷详情中填写退货物流单号",
                    "Enter the return tracking number in the dispute",
                    due_ms=ends_ms or None,
                )
                if not d["ended_by"]
                else _AFTER[str(d["ended_by"]).partition(" ")[0]],
            ),
            deadlines=(term.line(),) if ends_ms else (),
        )


# By what ended it.
_AFTER = {
    "came": Step("A4_remind", "核对收到的退货", "Check what came back"),
    "refund": Step(
        "A6_evidence_pack",
        "保留裁决和退款记录",
        "Keep the ruling and the record of the refund",
    ),
    **dict.fromkeys(
        ("tracking_no", "withdrawn"),
        Step(
            "A6_evidence_pack",
            "保留裁决和退货物流记录",
            "Keep the ruling and the tracking of the return",
        ),
    ),
}
_ENDED = {
    **{f"refund {way}": why for way, why in REFUNDED.items()},
    "came": ("退货已送达", "The return arrived"),
    "tracking_no": ("退货物流单号已填写", "The tracking number is entered"),
    "withdrawn": ("买家已撤销纠纷", "The buyer withdrew the dispute"),
    "": ("长时间没有进展", "Nothing new for long"),
}


def _case(
    dispute: Dispute, ruled: DisputeStep, came: ReturnArrived | None, refund: RefundGranted | None
) -> Case:
    # A number from before is that of the parcel which was sent.
    number = dispute.evidence_of("tracking_no", "seller", ruled.at_ms)
    ends: list[tuple[AnyFact, str]] = [
        (fact, fact.kind) for fact in (number, dispute.withdrawn) if fact
    ]
    # The buyer needs the number to send the goods, and nobody needs it for goods that came or may be kept.
    if came:
        ends.append((came, "came"))
    if refund:
        ends.append((refund, f"refund {granted_by(refund)}"))
    end, ended_by = min(ends, key=lambda one: by_time(one[0]), default=(None, ""))
    return Case(
        anchor=ruled,
        level="critical",
        members=dispute.with_course(end),
        opened_at_ms=ruled.at_ms,
        details={
            "order": dispute.opened.order_id,
            "country": dispute.country,
            "ends_ms": ruled.countdown_ms if ruled.countdown_ms > ruled.at_ms else 0,
            "ended_by": ended_by,
        },
        thresholds=(Threshold("rulings_without_number", 1, "disputes", None, 1),),
        counter=(
            ("这是卖家待办,不涉及对买家的判断", "A task for the seller; nothing about the buyer"),
        ),
        resolved_at_ms=end.at_ms if end else None,
    )


DETECTORS = (ItalyReturn(),)
