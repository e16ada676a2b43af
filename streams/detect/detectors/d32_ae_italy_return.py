"""D32 ae_italy_return (意大利退货): after a ruling of return and refund, a tracking number is due.

The definition is docs/detectors/D32.md. It is a task for the seller and says nothing about the buyer.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from streams.detect.cases import Case, verdict
from streams.detect.deadlines import ReturnCountdown, return_countdown
from streams.detect.detector import Detector, Facts, Presentation, RuleBlock, Seconds, Step
from streams.detect.disputes import Dispute, disputes_of
from streams.detect.episodes import NOTHING, Episode, Threshold, Verdict
from streams.detect.facts import DisputeStep, by_time

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
    topics = ("disputes",)
    rules = Rules
    accuses = False

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        cases = [
            _case(dispute, dispute.ruled)
            for dispute in disputes_of(facts)
            if dispute.ruled
            and dispute.ruled.ruling == "return_and_refund"
            and dispute.country in rules.countries
        ]
        if not cases:
            return NOTHING
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
                "其他裁决或其他国家,或卖家已填写单号",
                "another ruling or country, or a number that the seller has entered",
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
                else Step(
                    "A6_evidence_pack",
                    "保留裁决和退货物流记录",
                    "Keep the ruling and the tracking of the return",
                ),
            ),
            deadlines=(term.line(),) if ends_ms else (),
        )


_ENDED = {
    "tracking_no": ("退货物流单号已填写", "The tracking number is entered"),
    "withdrawn": ("买家已撤销纠纷", "The buyer withdrew the dispute"),
    "": ("长时间没有进展", "Nothing new for long"),
}


def _case(dispute: Dispute, ruled: DisputeStep) -> Case:
    # A number from before is that of the parcel which was sent.
    number = dispute.evidence_of("tracking_no", "seller", ruled.at_ms)
    ends = [fact for fact in (number, dispute.withdrawn) if fact]
    end = min(ends, key=by_time, default=None)
    return Case(
        anchor=ruled,
        level="critical",
        members=(dispute.opened, ruled, end) if end else (dispute.opened, ruled),
        opened_at_ms=ruled.at_ms,
        details={
            "order": dispute.opened.order_id,
            "country": dispute.country,
            "ends_ms": ruled.countdown_ms if ruled.countdown_ms > ruled.at_ms else 0,
            "ended_by": end.kind if end else "",
        },
        thresholds=(Threshold("rulings_without_number", 1, "disputes", None, 1),),
        counter=(
            ("这是卖家待办,不涉及对买家的判断", "A task for the seller; nothing about the buyer"),
        ),
        resolved_at_ms=end.at_ms if end else None,
    )


DETECTORS = (ItalyReturn(),)
