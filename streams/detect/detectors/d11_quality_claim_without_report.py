"""D11 quality_claim_without_report (无检测报告): a quality, effect or allergy claim without a test report.

The definition is docs/detectors/D11.md. It only informs: the right step is to ask kindly for a report,
never to refuse by itself.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from schemas.events.aftersales import RefundReason
from streams.detect import playbooks
from streams.detect.cases import Case, verdict
from streams.detect.detector import Detector, Facts, Presentation, RuleBlock, Seconds, Step, Wording
from streams.detect.episodes import NOTHING, Episode, Threshold, Verdict
from streams.detect.facts import OrderPaid, RefundGranted, RefundRequested
from streams.detect.filings import accepted_ms, refund_reply
from streams.detect.refunds import HANDED_OVER, first_grant, grants_of, standing

_REASONS = {
    "ineffective": ("产品无效", "no effect"),
    "allergy": ("过敏", "an allergy"),
    "quality": ("质量问题", "a quality problem"),
}


class Rules(RuleBlock):
    """Which reasons a test report could support."""

    reasons: Annotated[tuple[RefundReason, ...], Field(strict=False, min_length=1)]
    expire_after_s: Seconds


class QualityClaimWithoutReport(Detector[Rules]):
    """D11 on buyers, one case per order. Cost: linear in the buyer's requests."""

    id = "D11"
    name = "quality_claim_without_report"
    subject = "buyer"
    triggers = (RefundRequested,)
    topics = ("refunds",)
    rules = Rules
    wording = Wording(
        title=("无检测报告", "Quality claim without report"),
        thresholds={"claims_without_report": ("无检测报告的申请", "Claims without a report")},
    )

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        first: dict[str, RefundRequested] = {}
        for request in standing(facts):
            if request.reason in rules.reasons and request.goods_status in HANDED_OVER:
                first.setdefault(request.order_id, request)
        if not first:
            return NOTHING
        grants, filed = grants_of(facts), accepted_ms(facts)
        cases = [
            _case(
                request,
                first_grant(grants.get(order_id, ()), request.at_ms),
                _paid(facts, request.at_ms),
                order_id in filed,
            )
            for order_id, request in first.items()
        ]
        return verdict("D11", cases, horizon_ms, rules.expire_after_s)

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        d = episode.details
        zh, en = _REASONS.get(str(d["reason"]), (str(d["reason"]), str(d["reason"])))
        is_agreed = episode.status == "resolved"
        papers = Step("A6_evidence_pack", "整理进货和质检凭证", "Collect purchase and test papers")
        return Presentation(
            title=("退款理由可由检测报告核实", "A claim that a test report could support"),
            summary=(
                f"订单{d['order']}的退款理由为{zh},"
                f"{'已同意退款' if is_agreed else '尚无检测报告,可请买家或小二出示'}。",
                f"Order {d['order']}: a refund for {en}"
                f"{', which was agreed' if is_agreed else ' without a test report; ask for one'}.",
            ),
            not_if=(
                "其他退款理由,未收到货,或撤回申请",
                "other reasons, goods not received, or a withdrawn request",
            ),
            ended=(
                ("已同意退款", "The refund was agreed")
                if is_agreed
                else ("该申请已久无进展", "Nothing new about the request for long")
            ),
            # Who has the money back is asked for nothing any more.
            steps=(papers,)
            if is_agreed
            else (
                playbooks.ASK_TEST_REPORT,
                refund_reply(_READ_FIRST, is_filed=bool(d["is_filed"])),
                papers,
            ),
        )


_READ_FIRST = Step(
    "A12_suggest_refund_reply",
    "看清退款理由和凭证后再答复;多数买家是真实反馈",
    "Read the reason and the proof before answering; most buyers are sincere",
)


def _paid(facts: Facts, at_ms: int) -> int:
    """How many orders were paid by then: what the buyer pays later says nothing about this claim."""
    return len({payment.order_id for payment in facts.of(OrderPaid) if payment.at_ms <= at_ms})


def _case(
    request: RefundRequested, granted: RefundGranted | None, paid: int, is_filed: bool
) -> Case:
    return Case(
        anchor=request,
        level="info",
        members=(request, granted) if granted else (request,),
        opened_at_ms=request.at_ms,
        details={"order": request.order_id, "reason": request.reason, "is_filed": int(is_filed)},
        thresholds=(Threshold("claims_without_report", 1, "claims", info=1),),
        counter=(
            (
                f"该买家此前已知付款订单{paid}笔;一次质量反馈不是恶意",
                f"{paid} orders of this buyer were paid by then; one such claim is no malice",
            ),
        ),
        resolved_at_ms=granted.at_ms if granted else None,
    )


DETECTORS = (QualityClaimWithoutReport(),)
