"""D05 suspicious_address (可疑收货地址): an order whose address cannot be right as it stands.

The definition is docs/detectors/D05.md; what counts as a doubt is docs/address-signals.md. What a newcomer
gets wrong: people mistype addresses (N12). It asks to contact the buyer before shipping, and accuses
nobody; once nothing is left to ship it is over, and a call that is missed after that means nothing.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from schemas.alerts import Severity
from streams.detect import filings, playbooks, shipping_over
from streams.detect.address.signs import DoubtedOrder, Sign, doubted_orders, identity_signs
from streams.detect.cases import Case, verdict
from streams.detect.deadlines import Filing, Ship, filing, ship
from streams.detect.detector import (
    Count,
    Detector,
    Due,
    Facts,
    Presentation,
    RuleBlock,
    Seconds,
    Step,
    Wording,
)
from streams.detect.episodes import Episode, Threshold, Verdict
from streams.detect.facts import (
    NEVER,
    AnyFact,
    Contacted,
    OrderClosed,
    OrderPlaced,
    ReceiverDoubted,
    Redirected,
    ShippingOver,
)
from streams.detect.orders import first_paid_ms
from streams.detect.reach import Reached

WHY = {
    "province_unknown": ("省份无法识别", "the province does not exist"),
    "city_elsewhere": ("城市不在所填省份", "the city is in another province"),
    "region_contradicted": ("详细地址与所选省市不符", "the detail names another region"),
    "detail_short": ("详细地址过短", "the detail is too short"),
    "detail_repeated": ("详细地址为重复数字", "the detail repeats digits"),
    "detail_placeholder": ("详细地址为占位文字", "the detail is a placeholder"),
    "detail_contact": ("详细地址含联系方式或链接", "the detail holds contact details or a link"),
    "detail_ad": ("详细地址含广告", "the detail holds an advertisement"),
}


class Rules(RuleBlock):
    """Thresholds of D05, all proposed."""

    T02: Ship
    T12: Filing
    failed_contacts: Count
    identity_signs: Count
    expire_after_s: Seconds


class SuspiciousAddress(Detector[Rules]):
    """D05 on buyers, one case for each order. Cost: sorting the facts of a buyer with a doubt."""

    id = "D05"
    name = "suspicious_address"
    subject = "buyer"
    triggers = (ReceiverDoubted,)
    # Calls that were missed after the parcel had left accuse nobody.
    topics = ("orders", "shipments")
    rules = Rules
    reads_receivers = True
    wording = Wording(
        title=("可疑收货地址", "Doubtful address"),
        thresholds={
            "address_doubts": ("地址疑点", "Doubts about the address"),
            "failed_contacts": ("联系不上", "Failed contacts"),
            "identity_signs": ("身份疑点", "Doubts about the identity"),
        },
        units={
            "codes": ("项", "doubts"),
            "signs": ("项", "signs"),
        },
    )

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        known = _Known(facts, horizon_ms)
        cases = _cases(facts, known, horizon_ms, rules)
        wakes = known.unread_ms if cases else ()
        return verdict(self.id, cases, horizon_ms, rules.expire_after_s, wakes)

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        d = episode.details
        codes = str(d["why"]).split(",")
        zh = "、".join(WHY[code][0] for code in codes)
        en = ", ".join(WHY[code][1] for code in codes)
        ended_by = str(d["ended_by"])
        ended_zh, ended_en = _ENDED[ended_by]
        next_zh, next_en = (
            (ended_zh, ended_en) if ended_by else ("请先联系买家确认", "Contact the buyer first")
        )
        return Presentation(
            title=("收货地址可疑", "Address looks wrong"),
            summary=(
                f"收货地址可疑:{zh}(订单{d['order_id']})。{next_zh}。",
                f"Address of order {d['order_id']} looks wrong: {en}. {next_en}.",
            ),
            not_if=(
                "买家改正了收货地址;订单已发货,或无需发货(关闭、同意退款、备案成功、充值)",
                "the buyer corrected the address; the order was shipped, or need not be (closed, refund "
                "agreed, filing accepted, top-up)",
            ),
            ended=(ended_zh, ended_en),
            steps=_steps(episode),
            deadlines=_deadlines(episode, rules) if episode.status == "open" else (),
        )


def _steps(episode: Episode) -> tuple[Step, ...]:
    """Reach the buyer and file, as long as that may still change what is sent."""
    ended_by = str(episode.details["ended_by"])
    if ended_by:
        return (_STEPS_AFTER[ended_by],)
    if episode.status != "open":
        return playbooks.REACH_ABOUT_ADDRESS
    if episode.details["is_filed"]:
        return *playbooks.REACH_ABOUT_ADDRESS, filings.AWAIT_ANSWER
    doubts = "、".join(WHY[code][0] for code in str(episode.details["why"]).split(","))
    return *playbooks.REACH_ABOUT_ADDRESS, _FILE._replace(
        draft=filings.draft(str(episode.details["order_id"]), doubts)
    )


_FILE = Step(
    "A9_draft_filing",
    "如地址确实有误且买家联系不上,提交备案",
    "If the address is wrong and the buyer cannot be reached, file it (备案)",
    (("至少一次联系记录", "at least one logged contact attempt"),),
)
_STEPS_AFTER = {
    **shipping_over.STEPS,
    "corrected": Step(
        "A4_remind",
        "核对面单使用的是改正后的地址",
        "See that the label bears the corrected address",
    ),
    "shipped": Step(
        "A6_evidence_pack",
        "保存发货凭证和联系记录",
        "Keep the proof of shipping and the log of the calls",
    ),
}
_ENDED = {
    **shipping_over.REASONS,
    "corrected": ("收货地址已改正", "The address was corrected"),
    "": ("已过期", "It is long ago"),
}


class _Proof(NamedTuple):
    """Something that may make a case critical: how often it happened, and some of it as evidence."""

    total: int
    facts: Sequence[AnyFact] = ()


class _Known:
    """What the cases of a buyer ask of its facts, put in order once for all of them."""

    def __init__(self, facts: Facts, horizon_ms: int) -> None:
        # Of a buyer with very many orders the end of shipping may not be kept, but that it was closed.
        self.over = {fact.ref: (fact.at_ms, "closed") for fact in facts.of(OrderClosed)}
        self.over |= {fact.ref: (fact.at_ms, fact.how) for fact in facts.of(ShippingOver)}
        self.filed = filings.pending_ms(facts)
        self.paid = first_paid_ms(facts)
        self.placed = {order.ref: order for order in facts.of(OrderPlaced)}
        self.changed = {fact.ref: fact for fact in facts.of(Redirected)}
        calls = facts.of(Contacted)
        # Whether the parcel had left before a later one is not known yet; an answer only helps.
        in_vain = [call for call in calls if call.answered is False]
        self._calls = [call for call in in_vain if call.at_ms <= horizon_ms]
        self._called = [call.at_ms for call in self._calls]
        self._reached = Reached(facts)
        self.signs = identity_signs(facts)
        times = (*(call.at_ms for call in calls), *(sign.fact.at_ms for sign in self.signs))
        self.unread_ms = [at_ms for at_ms in times if at_ms > horizon_ms]

    def unanswered(self, from_ms: int, to_ms: int, enough: int) -> _Proof:
        """The attempts to reach the buyer meanwhile, both ends included, if all were in vain."""
        if self._reached.within(from_ms, to_ms):
            return _Proof(0)
        first, end = bisect_left(self._called, from_ms), bisect_right(self._called, to_ms)
        # Every case of a buyer may have the same calls; those that suffice and the newest prove it.
        few = {*range(first, min(end, first + enough)), *range(max(first, end - 1), end)}
        return _Proof(end - first, [self._calls[i] for i in sorted(few)])


class _Open(NamedTuple):
    """An order with doubts about its address, and when and by what that was over, if it is."""

    order: DoubtedOrder
    doubts: Sequence[ReceiverDoubted]
    resolved_ms: int | None
    ended_by: str

    @property
    def end_ms(self) -> int:
        return NEVER if self.resolved_ms is None else self.resolved_ms


def _cases(facts: Facts, known: _Known, horizon_ms: int, rules: Rules) -> list[Case]:
    found = [one for order in doubted_orders(facts) if (one := _doubted(order, known))]
    signs = [sign for sign in known.signs if sign.fact.at_ms <= horizon_ms]
    odd = _standing_at(signs, {one.end_ms for one in found}, rules.identity_signs)
    return [_case(one, odd[one.end_ms], known, rules) for one in found]


def _doubted(order: DoubtedOrder, known: _Known) -> _Open | None:
    """Nobody need look at what was said of an order when nothing was left to ship."""
    over_ms, how = known.over.get(order.order_id, (NEVER, ""))
    doubts = [doubt for doubt in order.doubts if doubt.address and doubt.at_ms <= over_ms]
    if not doubts:
        return None
    last = doubts[-1]
    corrected_ms = NEVER
    if order.standing is not last:
        corrected_ms = max(order.redirected_ms, last.at_ms)
    if corrected_ms < over_ms:
        return _Open(order, doubts, corrected_ms, "corrected")
    return _Open(order, doubts, over_ms if how else None, how)


def _standing_at(signs: Sequence[Sign], ends: Iterable[int], enough: int) -> dict[int, _Proof]:
    """The signs made and not cleared before each of these times; `signs` are sorted by time.

    Every sign comes and goes once, for many orders may have many signs.
    """
    standing: dict[int, AnyFact] = {}
    clearings: list[tuple[int, int]] = []
    found: dict[int, _Proof] = {}
    made = 0
    for end_ms in sorted(ends):
        while made < len(signs) and signs[made].fact.at_ms <= end_ms:
            standing[made] = signs[made].fact
            heapq.heappush(clearings, (signs[made].cleared_ms or NEVER, made))
            made += 1
        while clearings and clearings[0][0] < end_ms:
            del standing[heapq.heappop(clearings)[1]]
        first = [*islice(standing.values(), enough), *islice(reversed(standing.values()), 1)]
        found[end_ms] = _Proof(len(standing), first)
    return found


def _case(one: _Open, odd: _Proof, known: _Known, rules: Rules) -> Case:
    order, anchor, last = one.order, one.doubts[0], one.doubts[-1]
    calls = known.unanswered(anchor.at_ms, one.end_ms, rules.failed_contacts)
    is_unreached = calls.total >= rules.failed_contacts
    is_odd = odd.total >= rules.identity_signs
    level: Severity = "critical" if is_unreached or is_odd else "warn"
    proof: list[AnyFact] = [*one.doubts]
    proof += calls.facts if is_unreached else ()
    proof += odd.facts if is_odd else ()
    changed = known.changed.get(order.order_id)
    if one.ended_by == "corrected" and changed and changed.event_id == order.redirected_by:
        # The phone that came with it may be odd, and is then among the signs: one event is told once.
        proof += () if any(fact.event_id == changed.event_id for fact in proof) else (changed,)
    details: dict[str, int | str] = {
        "order_id": order.order_id,
        "why": last.address,
        "failed_contacts": calls.total,
        "identity_signs": odd.total,
        "ended_by": one.ended_by,
        "is_filed": int(order.order_id in known.filed),
        **_shipping(order.order_id, known),
    }
    return Case(
        anchor,
        level,
        tuple({(type(fact), fact.ref): fact for fact in proof}.values()),
        anchor.at_ms,
        details,
        (
            Threshold("address_doubts", last.address.count(",") + 1, "codes", 1),
            Threshold("failed_contacts", calls.total, "attempts", None, rules.failed_contacts),
            Threshold("identity_signs", odd.total, "signs", None, rules.identity_signs),
        ),
        _counter(order.order_id, anchor.at_ms, known),
        one.resolved_ms,
    )


def _counter(order_id: str, at_ms: int, known: _Known) -> tuple[tuple[str, str], ...]:
    """What speaks for the buyer, as of the doubt: a later payment must not change all cases."""
    others = sum(name != order_id and paid_ms <= at_ms for name, paid_ms in known.paid.items())
    return (
        (
            f"地址填错多为误填,不代表恶意;该买家此前另有{others}笔已付款订单",
            f"Most wrong addresses are slips and no bad intent; {others} other orders of this "
            "buyer were paid by then",
        ),
    )


def _shipping(order_id: str, known: _Known) -> dict[str, int]:
    paid_ms = known.paid.get(order_id)
    if paid_ms is None:
        return {}
    placed = known.placed.get(order_id)
    return {"paid_ms": paid_ms, "ship_by_ms": placed.ship_by_ms if placed else 0}


def _deadlines(episode: Episode, rules: Rules) -> tuple[Due, ...]:
    """When it must be shipped, and filed before if it is not: how long there is to reach the buyer."""
    d = episode.details
    if "paid_ms" not in d:
        return ()
    term = ship(int(d["paid_ms"]), rules.T02, int(d["ship_by_ms"]))
    return (term.line(),) if d["is_filed"] else (term.line(), filing(term, rules.T12).line())


DETECTORS = (SuspiciousAddress(),)
