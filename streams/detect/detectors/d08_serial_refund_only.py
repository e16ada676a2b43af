"""D08 serial_refund_only (仅退款): one buyer asks for refund-only again and again.

The definition is docs/detectors/D08.md. What a newcomer gets wrong: before shipping, and while a parcel can
still be stopped, refund-only is the only way to cancel; so only requests for goods that were on their way or
there count, and what is still on its way only until the carrier brings it back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple

from pydantic import Field

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
    counted,
)
from streams.detect.episodes import (
    Crossing,
    Episode,
    Run,
    Threshold,
    Verdict,
    by_moment,
    level_at,
    outcome,
    runs,
)
from streams.detect.facts import (
    DAY_MS,
    NEVER,
    AskedToApply,
    OrderPaid,
    ReasonGiven,
    RefundRefused,
    RefundRequested,
    RefundWithdrawn,
    SaidKeep,
    SaidMistake,
    Shipped,
    by_time,
)
from streams.detect.paid_share import (
    NO_SHARE,
    Share,
    most_of_the_paid,
    most_parcels,
    share_threshold,
)
from streams.detect.parcels import came_back, pickups_ms
from streams.detect.reach import Attempts
from streams.detect.refunds import (
    ALL_CONCEDED,
    HANDED_OVER,
    begun_by_platform,
    conceded_ms,
    judged_ms,
    refund_of,
    standing,
)
from streams.detect.rerequests import Again, Limits, crossings, rerequests
from streams.detect.sellers_word import invited

# Reasons that accuse the seller of not shipping are D10's business.
NOT_OURS = frozenset({"stockout", "late_shipment"})


class Rules(RuleBlock):
    """Thresholds of D08, all proposed."""

    # Shorter, and two episodes could begin with one and the same request.
    at_least = (
        ("critical_orders", "warn_orders"),
        ("cooldown_s", "cross_order_window_s"),
        ("cooldown_s", "same_order_window_s"),
    )

    same_order_window_s: Seconds
    rerequests: Count
    failed_contacts: Count
    cross_order_window_s: Seconds
    warn_orders: Count
    critical_orders: Count
    min_share_percent: Annotated[int, Field(ge=1, le=100)]
    cooldown_s: Seconds
    expire_after_s: Seconds


class SerialRefundOnly(Detector[Rules]):
    """D08 on buyers. Cost: n log n in requests and payments; each order refused twice adds its calls."""

    id = "D08"
    name = "serial_refund_only"
    subject = "buyer"
    triggers = (RefundRequested,)
    topics = ("refunds", "contacts", "chats", "payments", "orders", "shipments", "complaints")
    rules = Rules
    wording = Wording(
        title=("仅退款", "Serial refund-only"),
        thresholds={
            "refund_only_orders": (
                "仅退款订单(同一包裹算一笔)",
                "Refund-only orders, those of one parcel being one",
            ),
            "rerequests_after_refusal": ("拒绝后再次申请", "Asked again after refusal"),
            "failed_contacts": ("联系不上", "Failed contacts"),
            "share_of_paid_orders": ("占已付款订单", "Share of paid orders"),
        },
        rules={
            "same_order_window_s": ("同一订单的统计窗口", "Window for one order"),
            "rerequests": ("警告：拒绝后再次申请", "Warning at: asked again after refusal"),
            "cross_order_window_s": ("多笔订单的统计窗口", "Window across orders"),
            "warn_orders": ("警告：仅退款订单", "Warning at: refund-only orders"),
            "critical_orders": ("紧急：仅退款订单", "Critical at: refund-only orders"),
            "min_share_percent": ("至少：占已付款订单", "At least: share of paid orders"),
        },
    )

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        requests = _counting(facts)
        attempts = Attempts(facts)
        again = rerequests(requests, facts)
        repeated, wakes = _same_order(again, attempts, horizon_ms, rules)
        share = _across_orders(requests, facts, horizon_ms, rules)
        names = {request.ref for line in again for request in line.requests}
        found = _Found(requests, names, attempts)
        episodes = [
            _episode(run, facts, found, horizon_ms, rules)
            for run in runs(by_moment([*repeated, *share.crossings]), rules.cooldown_s * 1000)
        ]
        wakes += [e.last_at_ms + rules.expire_after_s * 1000 for e in episodes]
        if share.wake_at_ms is not None:
            wakes.append(share.wake_at_ms)
        return Verdict(
            episodes,
            min((at for at in wakes if at > horizon_ms), default=None),
            insufficient=share.insufficient,
        )

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        d = episode.details
        buyer = subject.partition(":")[2]
        said_zh, said_en = ("", "") if d["contested"] else ALL_CONCEDED
        if d["was_explained"]:
            said_zh += ";每次申请前买家都在聊天中说明过原因"
            said_en += "; before each the buyer had written why"
        return Presentation(
            title=(
                ("多次仅退款,均已同意或判定成立", "Refund-only requests, all granted")
                if not d["contested"]
                else ("多次仅退款,买家说明过原因", "Refund-only requests, with a reason for each")
                if _is_believed(episode)
                else ("疑似连续仅退款", "Serial refund-only requests")
            ),
            summary=(
                f"买家{buyer}提出{d['requests']}次仅退款,涉及{d['orders']}笔订单;"
                f"拒绝后再次申请{d['rerequests']}次;联系未接通{d['failed_contacts']}次"
                f"{said_zh}。",
                f"{buyer} made {counted(d['requests'], 'refund-only request')} on "
                f"{counted(d['orders'], 'order')}, "
                f"{d['rerequests']} of them again after a refusal; "
                f"{counted(d['failed_contacts'], 'contact attempt')} went unanswered"
                f"{said_en}.",
            ),
            not_if=(
                "撤回申请;发货前的退款;平台主动退款;卖家请买家申请或承认发错、少发后的退款;"
                "包裹被拒收或退回;只退部分货款;以缺货、延迟发货为由;"
                f"仅退款订单(同一包裹算一笔)少于{rules.warn_orders}笔"
                f"或占付款订单不足{rules.min_share_percent}%,"
                f"且同一订单(分子订单时,同一子订单)拒绝后再申请少于{rules.rerequests}次",
                "withdrawn requests; refunds before shipping, by the platform itself, that the seller had "
                "asked for or whose reason it had owned up to, of parcels that came back, of a part of "
                f"the price, or for stockout or lateness; fewer than {rules.warn_orders} such orders, those "
                f"of one parcel being one, or less than {rules.min_share_percent} % of the paid ones, and "
                f"fewer than {rules.rerequests} re-requests on one order, or on one item where they name it",
            ),
            ended=(
                "窗口期内没有新的仅退款申请",
                "No further refund-only request within the window",
            ),
            steps=(
                Step("A4_remind", "再次联系买家并记录", "Try to reach the buyer again, log it"),
                Step("A6_evidence_pack", "整理举证材料", "Prepare the evidence pack"),
                playbooks.complaint("异常退款"),
            )
            if d["contested"] and not _is_believed(episode)
            else (_ASK_CARRIER,),
        )


# S3 complains of requests that go on after a refusal. Nobody complains of what was agreed to, or of a
# buyer whom the platform found right; lost and damaged parcels are the carrier's (N19).
_ASK_CARRIER = Step(
    "A4_remind",
    "逐单向快递核实是否丢件、破损(物流责任),保留物流记录",
    "Ask the carrier about each parcel and keep the records: losses and damage are its liability",
)


class _Found(NamedTuple):
    """What the episodes are made of; `again` are the names of the re-requests."""

    requests: list[RefundRequested]
    again: set[str]
    attempts: Attempts

    def unreached(self, run: Run, window_ms: int) -> int:
        """The most attempts in vain that the window of one crossing held.

        An answer after that crossing takes nothing from what made it critical.
        """
        return max(self.attempts.failed(one.at_ms - window_ms, one.at_ms) for one in run.crossings)


def _counting(facts: Facts) -> list[RefundRequested]:
    """The requests that count: standing, for goods on their way or there, and for no fault of ours."""
    back = came_back(facts)
    by_platform = begun_by_platform(facts)
    # The shop asked for it, let keep the goods or owned up before.
    by_shop = invited(facts, AskedToApply, SaidKeep, SaidMistake)
    # The last parcel: one that was sent again says that asking was right.
    picked_up = pickups_ms(facts)
    gone = {sent.ref: max(sent.at_ms, picked_up.get(sent.ref, 0)) for sent in facts.of(Shipped)}
    return [
        r
        for r in standing(facts)
        if r.refund_only
        and r.reason not in NOT_OURS
        and refund_of(r) not in by_platform
        and r.event_id not in by_shop
        # Carriers try again: whoever has the goods did not send them back.
        and (r.goods_status == "received" or r.order_id not in back)
        and (r.goods_status in HANDED_OVER or gone.get(r.order_id, NEVER) <= r.at_ms)
    ]


def _same_order(
    again: Sequence[Again], attempts: Attempts, horizon_ms: int, rules: Rules
) -> tuple[list[Crossing], list[int]]:
    """Part A: asked again after a refusal, on one line; and when more of it may be proven."""
    limits = Limits(rules.same_order_window_s * 1000, rules.rerequests, rules.failed_contacts)
    found: list[Crossing] = []
    wakes: list[int] = []
    for line in again:
        crossed, wake_ms = crossings(line, attempts, limits, horizon_ms)
        found += crossed
        wakes += wake_ms
    return found, wakes


def _across_orders(
    requests: list[RefundRequested], facts: Facts, horizon_ms: int, rules: Rules
) -> Share:
    """Part B: many orders, most of what was paid."""
    if len({request.order_id for request in requests}) < rules.warn_orders:
        return NO_SHARE
    return most_of_the_paid(
        requests,
        facts,
        horizon_ms,
        rules.cross_order_window_s,
        rules.min_share_percent,
        lambda orders: level_at(orders, rules.warn_orders, rules.critical_orders),
    )


def _episode(run: Run, facts: Facts, found: _Found, horizon_ms: int, rules: Rules) -> Episode:
    members = tuple(sorted(run.members, key=by_time))
    orders = {m.order_id for m in members if isinstance(m, RefundRequested)}
    again = sum(member.ref in found.again for member in members)
    unreached = found.unreached(run, rules.same_order_window_s * 1000)
    answered = found.attempts.answered
    paid = len({p.order_id for p in facts.of(OrderPaid)})
    withdrawn = len(facts.of(RefundWithdrawn))
    # What was compared is one window's; without a crossing of part B there is nothing but all of them.
    most = most_parcels(run) or len(orders)
    # Those that began it too: the first request of an order is no member of part A.
    made = [r for r in found.requests if r.order_id in orders and r.at_ms <= run.last_at_ms]
    contested = _not_after(made, conceded_ms(facts))
    was_explained = _was_explained(made, facts)
    is_judged = not _not_after(made, judged_ms(facts))
    expires_ms = run.last_at_ms + rules.expire_after_s * 1000
    status, ended_at_ms = outcome(None, expires_ms, horizon_ms)
    return Episode(
        detector="D08",
        anchor=run.anchor,
        opened_at_ms=run.opened_at_ms,
        last_at_ms=run.last_at_ms,
        status=status,
        ended_at_ms=ended_at_ms,
        severity="info" if is_judged else run.level,
        steps=len(members) + unreached + (status != "open") + (run.level == "critical"),
        window_s=rules.cross_order_window_s,
        members=members,
        thresholds=(
            Threshold(
                "refund_only_orders",
                most,
                "orders",
                rules.warn_orders,
                rules.critical_orders,
            ),
            Threshold("rerequests_after_refusal", again, "requests", rules.rerequests),
            Threshold("failed_contacts", unreached, "attempts", None, rules.failed_contacts),
            *share_threshold("share_of_paid_orders", run, rules.min_share_percent),
        ),
        details={
            "requests": len(made),
            "orders": len(orders),
            "rerequests": again,
            "failed_contacts": unreached,
            "contested": contested,
            "was_explained": int(was_explained and not again),
        },
        counter=(
            (
                f"该买家已知付款订单{paid}笔;接通联系{answered}次;撤回申请{withdrawn}次",
                f"{paid} orders of this buyer are known to be paid; {answered} contacts answered; "
                f"{withdrawn} requests withdrawn",
            ),
        ),
        cooldown_s=rules.cooldown_s,
    )


def _is_believed(episode: Episode) -> bool:
    """Whether the platform found all of it right, or each was explained. Words are free: not of very many."""
    return episode.severity == "info" or (
        episode.severity == "warn" and bool(episode.details["was_explained"])
    )


def _not_after(requests: Sequence[RefundRequested], by_order: Mapping[str, int]) -> int:
    """How many of the requests nothing of that kind came after, or with, about their order."""
    return sum(by_order.get(r.order_id, 0) < r.at_ms for r in requests)


def _was_explained(requests: Sequence[RefundRequested], facts: Facts) -> bool:
    """Whether the buyer wrote what is wrong before each, that day or the day before, and none was refused.

    Words alone, so a seller who does not believe them only has to refuse.
    """
    refused = {refusal.order_id for refusal in facts.of(RefundRefused)}
    given_ms = {int(given.ref): given.at_ms for given in facts.of(ReasonGiven)}
    return all(
        r.order_id not in refused
        and (r.at_ms // DAY_MS - 1 in given_ms or given_ms.get(r.at_ms // DAY_MS, NEVER) <= r.at_ms)
        for r in requests
    )


DETECTORS = (SerialRefundOnly(),)
