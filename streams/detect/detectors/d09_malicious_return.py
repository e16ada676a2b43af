"""D09 malicious_return (恶意退货): another thing came back, or most orders do for odd reasons.

The definition is docs/detectors/D09.md. What a newcomer gets wrong: a parcel damaged or mislabelled on its
way is the carrier's business and accuses nobody (N19), and a seven-day return is everybody's right (N18).
"""

from __future__ import annotations

from collections.abc import Sequence, Set
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
    AnyFact,
    OrderPaid,
    RefundRequested,
    ReturnInspected,
    SaidMistake,
    by_time,
)
from streams.detect.paid_share import (
    NO_SHARE,
    Share,
    most_of_the_paid,
    most_parcels,
    share_threshold,
)
from streams.detect.refunds import ALL_CONCEDED, conceded_ms, judged_ms, standing
from streams.detect.return_mismatches import levels_of, mismatches, told_before
from streams.detect.sellers_word import invited


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
    topics = ("returns", "refunds", "payments", "disputes", "shipments", "chats", "complaints")
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
        told_of = told_before(found, facts)
        told = {fact.event_id for fact in told_of}
        milder = levels_of(found, told_of, facts, rules.weight_tolerance_percent)
        crossings = [
            Crossing(fact.at_ms, milder.get(fact.event_id, "critical"), (fact,))
            for fact in found
            # Whether anybody had said that something else was sent is not read yet.
            if fact.at_ms <= horizon_ms
        ]
        share = _abnormal(facts, horizon_ms, rules)
        if not found and share is NO_SHARE:
            return NOTHING
        episodes = [
            _episode(run, facts, told, horizon_ms, rules)
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
        told_zh, told_en = _TOLD if d["was_told"] else ("", "")
        return Presentation(
            title=_title(episode),
            summary=(
                f"买家{buyer}{','.join(one.zh for one in found)}{conceded_zh}{told_zh}。",
                f"{buyer}: {'; '.join(one.en for one in found)}{conceded_en}{told_en}.",
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
                *(
                    (_LOOK_AT_PARCELS if d["mismatches"] else _LOOK_AT_GOODS,)
                    if episode.severity == "info"
                    or d["was_told"]
                    or not (d["contested"] or d["mismatches"])
                    else (complaint,)
                ),
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
    "核实这些商品的质量和描述:退货完好、退款已同意或判定成立的,不宜投诉买家",
    "Look into quality and description of these goods: nobody complains of what came back whole, or of "
    "refunds that were agreed to",
)
# Returns of two buyers may be in place of each other, and of the other one nothing is known here.
_LOOK_AT_PARCELS = Step(
    "A4_remind",
    "核对发货记录,以及同期其他买家的退件是否装混;如有装混,请重新验货",
    "Check what was sent, and whether the returns of other buyers were mixed up with it: inspect them again "
    "if so",
)
_TOLD = (
    ";退回前买家已在聊天或申请中称收到的不符、少件或破损",
    "; before it came back the buyer had said that another thing, too little or broken goods had come",
)


def _title(episode: Episode) -> tuple[str, str]:
    d = episode.details
    is_mild = episode.severity == "info" or bool(d["was_told"])
    if d["mismatches"]:
        return (
            (
                "退回商品与订单不符,请先核实发货",
                "A return does not match: look at what was sent first",
            )
            if is_mild
            else ("疑似恶意退货", "Returns that do not match")
        )
    if is_mild or not d["contested"]:
        return "多数订单以质量等理由退款", "Most orders refunded for quality and the like"
    return "疑似恶意退货:多数订单异常退款", "Most orders refunded for odd reasons"


def _abnormal(facts: Facts, horizon_ms: int, rules: Rules) -> Share:
    """Step B of the definition."""
    if len(facts.of(RefundRequested)) < rules.warn_orders:
        return NO_SHARE
    # The shop had owned up before.
    by_shop = invited(facts, SaidMistake)
    counting = [
        request
        for request in standing(facts)
        if request.reason in rules.reasons and request.event_id not in by_shop
    ]
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


def _episode(run: Run, facts: Facts, told: Set[str], horizon_ms: int, rules: Rules) -> Episode:
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
    is_settled = not mismatches and _is_settled(members, facts)
    was_told = any(member.event_id in told for member in members)
    expires_ms = run.last_at_ms + rules.expire_after_s * 1000
    status, ended_at_ms = outcome(None, expires_ms, horizon_ms)
    return Episode(
        detector="D09",
        anchor=run.anchor,
        opened_at_ms=run.opened_at_ms,
        last_at_ms=run.last_at_ms,
        status=status,
        ended_at_ms=ended_at_ms,
        severity="info" if is_settled else run.level,
        steps=len(members) + (status != "open") + (run.level == "critical"),
        window_s=rules.window_s,
        members=members,
        thresholds=(
            Threshold("mismatched_returns", mismatches, "returns", None, 1),
            Threshold("abnormal_refund_orders", most, "orders", rules.warn_orders),
            *share_threshold("share_of_paid_orders", run, rules.min_share_percent),
        ),
        details={
            "mismatches": mismatches,
            "refunds": refunds,
            "contested": contested,
            "was_told": int(was_told),
            # Words are free, and so is a return to whoever wants to cost the shop its freight.
            "level": "critical" if was_told else run.level,
        },
        counter=(
            (
                f"该买家已知付款订单{paid}笔;退回一致{matches}次,运输破损{damaged}次(物流责任)",
                f"{paid} orders of this buyer are known to be paid; {matches} returns matched, "
                f"{damaged} were damaged on the way (the carrier's liability)",
            ),
        ),
        cooldown_s=rules.cooldown_s,
    )


def _is_settled(members: Sequence[AnyFact], facts: Facts) -> bool:
    """Whether all of it came back whole, or the platform found the buyer right, of each of the orders."""
    judged = judged_ms(facts)
    results: dict[str, set[str]] = {}
    for fact in facts.of(ReturnInspected):
        results.setdefault(fact.order_id, set()).add(fact.result)
    return all(
        judged.get(member.order_id, 0) >= member.at_ms or results.get(member.order_id) == {"match"}
        for member in members
        if isinstance(member, RefundRequested)
    )


DETECTORS = (MaliciousReturn(),)
