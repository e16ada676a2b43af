"""D09 malicious_return (恶意退货): another thing came back, or most orders do for odd reasons.

The definition is docs/detectors/D09.md. What a newcomer gets wrong: a parcel damaged or mislabelled on its
way is the carrier's business and accuses nobody (N19), and a seven-day return is everybody's right (N18).
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

from pydantic import Field

from schemas.events.aftersales import RefundReason
from streams.detect import playbooks
from streams.detect.detector import (
    Count,
    Detector,
    Facts,
    Presentation,
    RuleBlock,
    Seconds,
    Step,
    Wording,
)
from streams.detect.episodes import (
    NOTHING,
    Crossing,
    Episode,
    Run,
    Threshold,
    Verdict,
    by_moment,
    outcome,
    runs,
)
from streams.detect.facts import (
    OrderPaid,
    RefundRequested,
    ReturnInspected,
    by_time,
)
from streams.detect.paid_share import (
    NO_SHARE,
    Share,
    most_of_the_paid,
    most_parcels,
    share_threshold,
)
from streams.detect.refunds import ALL_CONCEDED, conceded_ms, standing
from streams.detect.return_mismatches import mismatches


class Rules(RuleBlock):
    """Thresholds of D09; all proposed."""

    at_least = (("cooldown_s", "window_s"),)

    weight_tolerance_percent: Annotated[int, Field(ge=0, le=100)]
    reasons: Annotated[tuple[RefundReason, ...], Field(strict=False, min_length=1)]
    window_s: Seconds
    warn_orders: Count
    min_share_percent: Annotated[int, Field(ge=1, le=100)]
    cooldown_s: Seconds
    expire_after_s: Seconds


class MaliciousReturn(Detector[Rules]):
    """D09 on buyers. Cost: n log n in the buyer's returns, refunds and payments."""

    id = "D09"
    name = "malicious_return"
    subject = "buyer"
    triggers = (ReturnInspected, RefundRequested)
    topics = ("returns", "refunds", "payments", "disputes", "shipments", "chats")
    rules = Rules
    wording = Wording(
        title=("恶意退货", "Malicious return"),
        thresholds={
            "mismatched_returns": ("退回不符", "Returns that do not match"),
            "abnormal_refund_orders": (
                "异常理由退款订单(同一包裹算一笔)",
                "Orders refunded for odd reasons, those of one parcel being one",
            ),
            "share_of_paid_orders": ("占已付款订单", "Share of paid orders"),
        },
        units={"returns": ("次", "returns")},
        rules={
            "weight_tolerance_percent": ("允许的重量偏差", "Weight may differ by"),
            "warn_orders": (
                "警告：异常理由退款订单",
                "Warning at: orders refunded for odd reasons",
            ),
            "min_share_percent": ("至少：占已付款订单", "At least: share of paid orders"),
        },
    )

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        found = mismatches(facts, rules.weight_tolerance_percent)
        crossings = [
            Crossing(fact.at_ms, "critical", (fact,))
            for fact in found
            # Whether anybody had said that something else was sent is not read yet.
            if fact.at_ms <= horizon_ms
        ]
        share = _abnormal(facts, horizon_ms, rules)
        if not found and share is NO_SHARE:
            return NOTHING
        episodes = [
            _episode(run, facts, horizon_ms, rules)
            for run in runs(by_moment([*crossings, *share.crossings]), rules.cooldown_s * 1000)
        ]
        wakes = [e.last_at_ms + rules.expire_after_s * 1000 for e in episodes]
        wakes += [fact.at_ms for fact in found]
        if share.wake_at_ms is not None:
            wakes.append(share.wake_at_ms)
        wake_at_ms = min((at for at in wakes if at > horizon_ms), default=None)
        return Verdict(episodes, wake_at_ms, insufficient=share.insufficient)

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        d = episode.details
        buyer = subject.partition(":")[2]
        # Only what was found may be said, and above all be filed.
        found = [
            _Told(zh.format(n=n), en.format(n=n), story_zh)
            for n, (zh, en, story_zh) in ((d["mismatches"], _MISMATCH), (d["refunds"], _ABNORMAL))
            if n
        ]
        complaint = playbooks.complaint("异常退款", ";".join(one.story_zh for one in found))
        conceded_zh, conceded_en = ("", "") if d["contested"] or d["mismatches"] else ALL_CONCEDED
        return Presentation(
            title=(
                ("疑似恶意退货", "Returns that do not match")
                if d["mismatches"]
                else ("疑似恶意退货:多数订单异常退款", "Most orders refunded for odd reasons")
            ),
            summary=(
                f"买家{buyer}{','.join(one.zh for one in found)}{conceded_zh}。",
                f"{buyer}: {'; '.join(one.en for one in found)}{conceded_en}.",
            ),
            not_if=(
                f"退回一致,运输破损,买家此前已称收到的不是所购商品(可能错发或贴错面单),卖家此前已承认发错或少发,"
                "卖家已称有的不用退回而只是少了,"
                f"两件退货互相装错,重量相差不超过{rules.weight_tolerance_percent}%,七天无理由退货;"
                f"此类退款(同一包裹算一笔)少于{rules.warn_orders}笔或占付款订单不足{rules.min_share_percent}%",
                "a return that matches, damage on the way, a buyer who had said that something else was "
                "sent (it may have been, or labels were mixed up), a seller who had owned up to that, or let "
                "some of it be kept of which less came, two "
                "returns each of which holds what the other should, a weight within "
                f"{rules.weight_tolerance_percent} %, seven-day returns; fewer than "
                f"{rules.warn_orders} such refunds, those of one parcel being one, or less than "
                f"{rules.min_share_percent} % of the paid orders",
            ),
            ended=("窗口期内没有新的情况", "Nothing new within the window"),
            steps=(
                _PROOF_OF_RETURN if d["mismatches"] else _PROOF_OF_REASONS,
                *((_ANSWER_LATER,) if d["contested"] else ()),
                *((complaint,) if d["contested"] or d["mismatches"] else (_LOOK_AT_GOODS,)),
            ),
        )


class _Told(NamedTuple):
    """One of the two things that D09 finds: what to say about it, and what a complaint may say."""

    zh: str
    en: str
    story_zh: str


_MISMATCH = _Told(
    "退回商品与售出不符{n}次",
    "returned parcels that did not match what was sold: {n}",
    "买家退回商品与售出商品不符",
)
_ABNORMAL = _Told(
    "以质量、无效等理由退款{n}笔",
    "refunds for quality, effect and the like on {n} orders",
    "买家短期内多数订单以质量、无效等理由申请退款",
)
_PROOF_OF_RETURN = Step(
    "A6_evidence_pack",
    "请快递出具证明(缺少、破损等),保留开箱录像和称重照片",
    "Get the carrier's certificate (missing, damaged), keep the unpacking film and weight",
)
_PROOF_OF_REASONS = Step(
    "A6_evidence_pack",
    "整理各订单的退款理由、买家凭证和沟通记录",
    "Put together the reason, the buyer's proof and the chats of each refund",
)
_ANSWER_LATER = Step(
    "A12_suggest_refund_reply",
    "凭证齐全后再答复退款",
    "Answer the refund once the proof is complete",
)
_LOOK_AT_GOODS = Step(
    "A4_remind",
    "核实这些商品的质量和描述:退款均已同意或判定成立,不宜投诉买家",
    "Look into quality and description of these goods: nobody complains of refunds that were agreed to",
)


def _abnormal(facts: Facts, horizon_ms: int, rules: Rules) -> Share:
    """Step B of the definition."""
    if len(facts.of(RefundRequested)) < rules.warn_orders:
        return NO_SHARE
    counting = [request for request in standing(facts) if request.reason in rules.reasons]
    if len({request.order_id for request in counting}) < rules.warn_orders:
        return NO_SHARE
    return most_of_the_paid(
        counting,
        facts,
        horizon_ms,
        rules.window_s,
        rules.min_share_percent,
        lambda orders: "warn" if orders >= rules.warn_orders else None,
    )


def _episode(run: Run, facts: Facts, horizon_ms: int, rules: Rules) -> Episode:
    members = tuple(sorted(run.members, key=by_time))
    mismatches = sum(isinstance(member, ReturnInspected) for member in members)
    refunds = len({m.order_id for m in members if isinstance(m, RefundRequested)})
    paid = len({payment.order_id for payment in facts.of(OrderPaid)})
    matches = sum(fact.result == "match" for fact in facts.of(ReturnInspected))
    damaged = sum(fact.result == "damaged" for fact in facts.of(ReturnInspected))
    most = most_parcels(run) or refunds
    conceded = conceded_ms(facts)
    contested = sum(
        conceded.get(member.order_id, 0) < member.at_ms
        for member in members
        if isinstance(member, (RefundRequested, ReturnInspected))
    )
    expires_ms = run.last_at_ms + rules.expire_after_s * 1000
    status, ended_at_ms = outcome(None, expires_ms, horizon_ms)
    return Episode(
        detector="D09",
        anchor=run.anchor,
        opened_at_ms=run.opened_at_ms,
        last_at_ms=run.last_at_ms,
        status=status,
        ended_at_ms=ended_at_ms,
        severity=run.level,
        steps=len(members) + (status != "open") + (run.level == "critical"),
        window_s=rules.window_s,
        members=members,
        thresholds=(
            Threshold("mismatched_returns", mismatches, "returns", None, 1),
            Threshold("abnormal_refund_orders", most, "orders", rules.warn_orders),
            *share_threshold("share_of_paid_orders", run, rules.min_share_percent),
        ),
        details={"mismatches": mismatches, "refunds": refunds, "contested": contested},
        counter=(
            (
                f"该买家已知付款订单{paid}笔;退回一致{matches}次,运输破损{damaged}次(物流责任)",
                f"{paid} orders of this buyer are known to be paid; {matches} returns matched, "
                f"{damaged} were damaged on the way (the carrier's liability)",
            ),
        ),
        cooldown_s=rules.cooldown_s,
    )


DETECTORS = (MaliciousReturn(),)
