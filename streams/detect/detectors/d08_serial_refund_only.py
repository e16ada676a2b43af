"""D08 serial_refund_only (仅退款): one buyer asks for refund-only again and again.

The definition is docs/detectors/D08.md. What a newcomer gets wrong: before shipping, and while a parcel can
still be stopped, refund-only is the only way to cancel; so only requests for goods that were on their way or
there count, and what is still on its way only until the carrier brings it back.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence, Set
from itertools import pairwise
from operator import attrgetter
from typing import Annotated, NamedTuple

from pydantic import Field

from schemas.alerts import Severity
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
    NEVER,
    AskedToApply,
    Contacted,
    OrderPaid,
    OrderPlaced,
    RefundGranted,
    RefundRefused,
    RefundRequested,
    RefundWithdrawn,
    SaidKeep,
    SaidMistake,
    SellersWord,
    Shipped,
    by_time,
)
from streams.detect.orders import (
    ALL_CONCEDED,
    HANDED_OVER,
    NO_SHARE,
    Share,
    came_back,
    conceded_ms,
    granted_by,
    most_of_the_paid,
    pickups_ms,
    refund_of,
)
from streams.detect.reach import Reached

# Reasons that accuse the seller of not shipping are D10's business.
NOT_OURS = frozenset({"stockout", "late_shipment"})
# What is asked for again and again: an order and what it names of its items, empty for the whole order.
Line = tuple[str, str]


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
    topics = ("refunds", "contacts", "chats", "payments", "orders", "shipments")
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
        contacts = _Contacts(facts, horizon_ms)
        again = _rerequests(requests, facts)
        may_be_back = {r.order_id for r in requests if r.goods_status != "received"}
        repeated, wakes = _same_order(again, may_be_back, contacts, rules)
        share = _across_orders(requests, facts, horizon_ms, rules)
        crossings = by_moment(repeated + share.crossings)
        found = _Found(
            requests,
            {r.ref for group in again.values() for r in group},
            contacts,
            share,
            [crossing.at_ms for crossing in crossings],
        )
        episodes = [
            _episode(run, facts, found, horizon_ms, rules)
            for run in runs(crossings, rules.cooldown_s * 1000)
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
        conceded_zh, conceded_en = ("", "") if d["contested"] else ALL_CONCEDED
        return Presentation(
            title=("疑似连续仅退款", "Serial refund-only requests"),
            summary=(
                f"买家{buyer}提出{d['requests']}次仅退款,涉及{d['orders']}笔订单;"
                f"拒绝后再次申请{d['rerequests']}次;联系未接通{d['failed_contacts']}次"
                f"{conceded_zh}。",
                f"{buyer} made {counted(d['requests'], 'refund-only request')} on "
                f"{counted(d['orders'], 'order')}, "
                f"{d['rerequests']} of them again after a refusal; "
                f"{counted(d['failed_contacts'], 'contact attempt')} went unanswered"
                f"{conceded_en}.",
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
            if d["contested"]
            else (_ASK_CARRIER,),
        )


# S3 complains of requests that go on after a refusal. Nobody complains of what was agreed to, or of a
# buyer whom the platform found right; lost and damaged parcels are the carrier's (N19).
_ASK_CARRIER = Step(
    "A4_remind",
    "逐单向快递核实是否丢件、破损(物流责任),保留物流记录",
    "Ask the carrier about each parcel and keep the records: losses and damage are its liability",
)


class _Contacts:
    """The attempts to reach the buyer, asked by interval in logarithmic time."""

    def __init__(self, facts: Facts, horizon_ms: int) -> None:
        self.unanswered = [c.at_ms for c in facts.of(Contacted) if c.answered is False]
        self._reached = Reached(facts)
        self.answered = len(self._reached.answered)
        self.read_to_ms = horizon_ms

    def failed(self, from_ms: int, to_ms: int) -> int:
        """Unanswered attempts within the two times, inclusive; none if the buyer was reached meanwhile."""
        if self._reached.within(from_ms, to_ms):
            return 0
        return bisect_right(self.unanswered, to_ms) - bisect_left(self.unanswered, from_ms)


class _Found(NamedTuple):
    """What the episodes are made of; `again` are the names of re-requests, `times` of the crossings."""

    requests: list[RefundRequested]
    again: set[str]
    contacts: _Contacts
    share: Share
    times: list[int]

    def unreached(self, run: Run, window_ms: int) -> int:
        """The most attempts in vain that the window of one crossing held.

        An answer after that crossing takes nothing from what made it critical.
        """
        times = self.times[bisect_left(self.times, run.opened_at_ms) :]
        within = times[: bisect_right(times, run.last_at_ms)]
        return max(self.contacts.failed(at_ms - window_ms, at_ms) for at_ms in within)


def _counting(facts: Facts) -> list[RefundRequested]:
    """The requests that count: standing, for goods on their way or there, and for no fault of ours."""
    withdrawn = {fact.ref for fact in facts.of(RefundWithdrawn)}
    back = came_back(facts)
    by_platform = _begun_by_platform(facts)
    by_shop = _invited(facts)
    # The last parcel: one that was sent again says that asking was right.
    picked_up = pickups_ms(facts)
    gone = {sent.ref: max(sent.at_ms, picked_up.get(sent.ref, 0)) for sent in facts.of(Shipped)}
    return [
        r
        for r in facts.of(RefundRequested)
        if r.refund_only
        and r.ref not in withdrawn
        and r.reason not in NOT_OURS
        and refund_of(r) not in by_platform
        and r.event_id not in by_shop
        # Carriers try again: whoever has the goods did not send them back.
        and (r.goods_status == "received" or r.order_id not in back)
        and (r.goods_status in HANDED_OVER or gone.get(r.order_id, NEVER) <= r.at_ms)
    ]


def _begun_by_platform(facts: Facts) -> Set[str]:
    """The refunds that were ruled the buyer's before anybody had asked for them, or at once.

    Of a stolen account or card the platform takes orders back by itself.
    """
    ruled = [grant for grant in facts.of(RefundGranted) if granted_by(grant) == "ruled"]
    if not ruled:
        return frozenset()
    asked_ms: dict[str, int] = {}
    for request in facts.of(RefundRequested):
        asked_ms.setdefault(refund_of(request), request.at_ms)
    refunds = {refund_of(grant): grant.at_ms for grant in ruled}
    return {refund for refund, at_ms in refunds.items() if at_ms <= asked_ms.get(refund, 0)}


def _invited(facts: Facts) -> Set[str]:
    """The requests that the shop asked for, or let keep the goods or owned up before: the first after each.

    By event; of the order that it names, or of one that was placed before it.
    """
    kinds: tuple[type[SellersWord], ...] = (AskedToApply, SaidKeep, SaidMistake)
    said = [one for kind in kinds for one in facts.of(kind)]
    if not said:
        return frozenset()
    placed_ms = {order.ref: order.at_ms for order in facts.of(OrderPlaced)}
    requests: dict[str, list[RefundRequested]] = {"": []}
    for request in facts.of(RefundRequested):
        requests[""].append(request)
        requests.setdefault(request.order_id, []).append(request)
    found = set()
    for one in said:
        asked = requests.get(one.order_id, ())
        at = bisect_left(asked, one.at_ms, key=attrgetter("at_ms"))
        if at < len(asked) and (one.order_id or placed_ms.get(asked[at].order_id, 0) <= one.at_ms):
            found.add(asked[at].event_id)
    return found


class _Refusals:
    """When the seller refused, asked by line in logarithmic time."""

    def __init__(self, facts: Facts) -> None:
        refusals = facts.of(RefundRefused)
        # What an attempt is about, its refusal need not say once more.
        about = {r.ref: r.sub_order_id for r in facts.of(RefundRequested)} if refusals else {}
        self._of_order: dict[str, list[int]] = {}
        self._of_line: dict[Line, list[int]] = {}
        for refusal in refusals:
            line = refusal.order_id, refusal.sub_order_id or about.get(refusal.ref, "")
            self._of_order.setdefault(refusal.order_id, []).append(refusal.at_ms)
            self._of_line.setdefault(line, []).append(refusal.at_ms)

    def __contains__(self, order_id: str) -> bool:
        return order_id in self._of_order

    def is_between(self, line: Line, from_ms: int, to_ms: int) -> bool:
        """Whether a refusal that may be about the line lies strictly between the two times."""
        order_id, item = line
        if not item:
            return _is_between(self._of_order.get(order_id, ()), from_ms, to_ms)
        lines = (line, (order_id, ""))
        return any(_is_between(self._of_line.get(one, ()), from_ms, to_ms) for one in lines)


def _is_between(times: Sequence[int], from_ms: int, to_ms: int) -> bool:
    at = bisect_right(times, from_ms)
    return at < len(times) and times[at] < to_ms


def _lines(
    requests: list[RefundRequested], refusals: _Refusals
) -> dict[Line, list[RefundRequested]]:
    """Of orders with a refusal: the requests that may be about the same thing.

    A request that names no item may be about any.
    """
    refused = [request for request in requests if request.order_id in refusals]
    items: dict[str, dict[str, None]] = {}
    for request in refused:
        if request.sub_order_id:
            items.setdefault(request.order_id, {})[request.sub_order_id] = None
    lines: dict[Line, list[RefundRequested]] = {}
    for request in refused:
        named = request.sub_order_id
        for item in (named,) if named else items.get(request.order_id, ("",)):
            lines.setdefault((request.order_id, item), []).append(request)
    return lines


def _rerequests(requests: list[RefundRequested], facts: Facts) -> dict[Line, list[RefundRequested]]:
    """By line: the requests made again after a refusal of the one before."""
    refusals = _Refusals(facts)
    return {
        line: [
            request
            for before, request in pairwise(asked)
            if refusals.is_between(line, before.at_ms, request.at_ms)
        ]
        for line, asked in _lines(requests, refusals).items()
    }


def _same_order(
    rerequests: dict[Line, list[RefundRequested]],
    may_be_back: Set[str],
    contacts: _Contacts,
    rules: Rules,
) -> tuple[list[Crossing], list[int]]:
    """Part A: asked again after a refusal, on one line; and when more of it may be proven.

    A crossing brings only the re-requests that none of its line has brought before. Beyond the horizon a
    parcel may have come back, unless the buyer says to have it, and somebody may have answered.
    """
    window_ms = rules.same_order_window_s * 1000
    found: list[Crossing] = []
    wakes: list[int] = []
    for (order_id, _), again in rerequests.items():
        if len(again) < rules.rerequests:
            continue
        times = [request.at_ms for request in again]
        calls = contacts.unanswered
        calls = calls[bisect_left(calls, times[0]) : bisect_right(calls, times[-1] + window_ms)]
        fresh = 0
        for at_ms in sorted({*times, *calls}):
            oldest, end = bisect_left(times, at_ms - window_ms), bisect_right(times, at_ms)
            if end - oldest < rules.rerequests:
                continue
            if at_ms > contacts.read_to_ms and order_id in may_be_back:
                wakes.append(at_ms)
                break
            is_unreached = contacts.failed(at_ms - window_ms, at_ms) >= rules.failed_contacts
            if is_unreached and at_ms > contacts.read_to_ms:
                # Nobody answered as far as is known; an answer may not be read yet.
                is_unreached = False
                wakes.append(at_ms)
            level: Severity = "critical" if is_unreached else "warn"
            found.append(Crossing(at_ms, level, again[max(fresh, oldest) : end]))
            fresh = end
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
    answered = found.contacts.answered
    paid = len({p.order_id for p in facts.of(OrderPaid)})
    withdrawn = len(facts.of(RefundWithdrawn))
    # What was compared is one window's; without a crossing of part B there is nothing but all of them.
    most = found.share.most(run) or len(orders)
    # Those that began it too: the first request of an order is no member of part A.
    made = [r for r in found.requests if r.order_id in orders and r.at_ms <= run.last_at_ms]
    conceded = conceded_ms(facts)
    contested = sum(conceded.get(r.order_id, 0) < r.at_ms for r in made)
    expires_ms = run.last_at_ms + rules.expire_after_s * 1000
    status, ended_at_ms = outcome(None, expires_ms, horizon_ms)
    return Episode(
        detector="D08",
        anchor=run.anchor,
        opened_at_ms=run.opened_at_ms,
        last_at_ms=run.last_at_ms,
        status=status,
        ended_at_ms=ended_at_ms,
        severity=run.level,
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
            *found.share.threshold("share_of_paid_orders", run, rules.min_share_percent),
        ),
        details={
            "requests": len(made),
            "orders": len(orders),
            "rerequests": again,
            "failed_contacts": unreached,
            "contested": contested,
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


DETECTORS = (SerialRefundOnly(),)
