"""D34 sla_risk (发货时限): a paid order that is not shipped by the tiers of T02.

The definition is docs/detectors/D34.md. What a newcomer gets wrong: every paid order is awaited, and
nearly all are shipped in time, so nothing may be looked at before the target has passed, unless a
fact says that the order was promised sooner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from schemas.alerts import Severity
from streams.detect import filings, playbooks, shipping_over
from streams.detect.cases import Case, verdict
from streams.detect.deadlines import Ship, ShipTimes, ship_times
from streams.detect.detector import (
    Awaits,
    Detector,
    Due,
    Facts,
    Presentation,
    RuleBlock,
    Seconds,
    Step,
    Wording,
)
from streams.detect.episodes import NOTHING, Episode, Threshold, Verdict
from streams.detect.facts import (
    MAX_FACTS_PER_KIND,
    NEVER,
    OrderPaid,
    OrderPlaced,
    PromisedSoon,
    ShippingOver,
)
from streams.detect.orders import first_payments

_HOUR_MS = 3_600_000


class Rules(RuleBlock):
    """The tiers are T02's. A shop whose shipments are not told must switch the silence off."""

    T02: Ship
    tells_target: bool
    concludes_from_silence: bool
    expire_after_s: Seconds

    @cached_property
    def looked_at_ms(self) -> int:
        """How long after its payment an order is looked at that was not promised soon: no case is earlier."""
        return ship_times(0, self.T02).target_ms


class SlaRisk(Detector[Rules]):
    """D34 on buyers, one case per order. Cost: linear in the buyer's payments and shipments."""

    id = "D34"
    name = "sla_risk"
    subject = "buyer"
    triggers = (OrderPaid, PromisedSoon)
    # Not of refunds, top-ups and filings: many shops have none, and what is told late about them
    # resolves a case.
    topics = ("orders", "shipments")
    rules = Rules
    accuses = False
    wording = Wording(
        title=("发货时限", "Shipping time"),
        thresholds={"unshipped_for": ("付款后未发货", "Not shipped for")},
        rules={
            "tells_target": ("错过发货目标时也提示", "Tells of every order that misses the target"),
        },
    )

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        if not rules.concludes_from_silence:
            return NOTHING
        over = {fact.ref: fact for fact in facts.of(ShippingOver)}
        soon = {fact.ref for fact in facts.of(PromisedSoon)}
        looked_at_ms = rules.looked_at_ms
        waited = [
            (order_id, payment, over.get(order_id))
            for order_id, payment in first_payments(facts).items()
            # Nearly all are shipped before anybody would have looked.
            if order_id not in over
            or order_id in soon
            or over[order_id].at_ms > payment.at_ms + looked_at_ms
        ]
        if not waited:
            return NOTHING
        promised = {o.ref: o.ship_by_ms for o in facts.of(OrderPlaced) if o.ship_by_ms}
        filed = filings.pending_ms(facts)
        forgotten_ms = _forgotten_ms(facts)
        cases: list[Case] = []
        wakes: list[int] = []
        for order_id, payment, end in waited:
            is_soon = order_id in soon
            times = ship_times(payment.at_ms, rules.T02, promised.get(order_id, 0))
            first_ms = times.target_ms if rules.tells_target else times.warn_ms
            if not is_soon:
                # Nothing wakes for it earlier, for it was paid long after it was placed.
                first_ms = max(first_ms, payment.at_ms + looked_at_ms)
            if end is None:
                if payment.at_ms <= forgotten_ms:
                    continue
                wakes += (first_ms, times.warn_ms, times.limit_ms)
            elif end.at_ms <= first_ms:
                continue
            if horizon_ms < first_ms:
                # Also where the end is known already: see `awaits`.
                wakes.append(first_ms)
            else:
                filed_ms = filed.get(order_id, NEVER)
                cases.append(_case(payment, end, times, first_ms, horizon_ms, filed_ms))
        if not cases and not wakes:
            return NOTHING
        return verdict("D34", cases, horizon_ms, rules.expire_after_s, wakes)

    def awaits(self, rules: Rules) -> Sequence[Awaits]:
        return (Awaits(OrderPaid, rules.looked_at_ms // 1000, ShippingOver),)

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        ended_by = str(episode.details["ended_by"])
        is_open = not ended_by
        return Presentation(
            title=_title(episode),
            summary=_summary(episode),
            not_if=(
                "在目标时间前发货、订单关闭、同意退款、备案成功,或为充值订单",
                "shipping before the target, a closed order, an agreed refund, an accepted filing, or a "
                "top-up order",
            ),
            ended=_ENDED[ended_by],
            steps=_steps(episode) if is_open else (_STEPS_AFTER[ended_by],),
            # Of an order that must not be shipped any more, no time by which to ship it.
            deadlines=_deadlines(episode.details, rules)
            if is_open or ended_by == "shipped"
            else (),
        )


def _title(episode: Episode) -> tuple[str, str]:
    zh, en = _TIERS[episode.severity]
    return f"发货时限:{zh}", f"Shipping time: {en}"


def _summary(episode: Episode) -> tuple[str, str]:
    """What to do while it is open; once it is over, only what happened: goods may be refunded by then."""
    order, hours = episode.details["order"], episode.details["hours"]
    ended_by = str(episode.details["ended_by"])
    if ended_by == "exempt":
        return (
            f"订单{order}备案成功,可不发货。",
            f"The filing for order {order} was accepted: it need not be shipped.",
        )
    zh, en = _TIERS[episode.severity]
    if ended_by:
        ended_zh, ended_en = _ENDED[ended_by]
        return (
            f"订单{order}付款后{hours}小时内未发货,{zh}。{ended_zh}。",
            f"Order {order} was not shipped within {hours} hours of its payment: {en}. {ended_en}.",
        )
    return (
        f"订单{order}付款后{hours}小时仍未发货,{zh}。请尽快发货并录入真实运单号。",
        f"Order {order} was not shipped {hours} hours after payment: {en}. "
        "Ship it with a valid tracking number.",
    )


def _steps(episode: Episode) -> tuple[Step, ...]:
    details = episode.details
    limit_ms = int(details["limit_ms"])
    draft = filings.draft(str(details["order"]))
    if episode.severity == "critical":
        # Our own limit has passed, and with it T12; the platform's may not have.
        platform_ms = int(details["platform_ms"])
        late = _SHIP_LATE._replace(due_ms=platform_ms) if platform_ms > limit_ms else _SHIP_AT_ONCE
        return (
            late,
            filings.AWAIT_ANSWER if details["is_filed"] else _FILE_LATE._replace(draft=draft),
            _SAY_WHEN,
        )
    ship = Step(
        "A4_remind",
        "核对仓库情况,在期限前发货",
        "Check with the warehouse and ship before the limit",
        due_ms=limit_ms,
    )
    if details["is_filed"]:
        wait = filings.AWAIT_ANSWER._replace(due_ms=limit_ms)
        return wait, ship, playbooks.SHIPPING_SOON
    file = Step(
        "A9_draft_filing",
        "如收货地址有误且联系不上买家,须在发货超时之前备案",
        "If the address is wrong and the buyer cannot be reached, file before the limit",
        (("已联系买家至少一次", "the buyer was contacted at least once"),),
        limit_ms,
        draft,
    )
    return ship, file, playbooks.SHIPPING_SOON


def _deadlines(details: Mapping[str, int | str], rules: Rules) -> tuple[Due, ...]:
    """T02, and T12 as long as nothing was filed in time or shipped."""
    limit_ms, platform_h = int(details["limit_ms"]), rules.T02.platform_s // 3600
    shipping = (
        Due("T02", limit_ms, "发货截止", "Ship by"),
        Due(
            "T02",
            int(details["platform_ms"]),
            f"平台发货时限({platform_h}小时,或承诺时间)",
            f"The platform's limit ({platform_h} hours, or as promised)",
        ),
    )
    if details["is_filed_in_time"] or details["ended_by"]:
        return shipping
    return *shipping, Due("T12", limit_ms, "备案须在此之前提交", "A filing must be made before")


_TIERS: Mapping[Severity, tuple[str, str]] = {
    "info": ("已超过发货目标时间", "past the target"),
    "warn": ("即将超过发货时限", "close to the limit"),
    "critical": ("已超过发货时限", "past the limit"),
}
_SHIP_LATE = Step(
    "A4_remind",
    "已超过发货时限:与仓库核对,尽快发货,最迟不超过平台发货时限",
    "The limit has passed: check with the warehouse and ship at once, before the platform's limit",
)
# Of a promised order the platform waits no longer than the shop does.
_SHIP_AT_ONCE = Step(
    "A4_remind",
    "已超过发货时限(也是平台的时限):与仓库核对,立即发货",
    "The limit has passed, which is the platform's as well: check with the warehouse and ship at once",
)
_FILE_LATE = Step(
    "A9_draft_filing",
    "如收货地址有误且联系不上买家,立即备案;已过发货时限,以平台受理结果为准",
    "If the address is wrong and the buyer cannot be reached, file at once; the limit has passed, so the "
    "platform may not accept it",
    (("已联系买家至少一次", "the buyer was contacted at least once"),),
)
_SAY_WHEN = playbooks.SHIPPING_SOON._replace(
    zh="向买家致歉并告知预计发货时间", en="Apologise to the buyer and say when it will be shipped"
)
_KEEP_PROOF = Step(
    "A6_evidence_pack",
    "保存发货凭证和超时原因,以备买家投诉",
    "Keep the proof of shipping and the reason for the delay, in case the buyer complains",
)
_STEPS_AFTER: Mapping[str, Step] = {"shipped": _KEEP_PROOF, **shipping_over.STEPS}
_ENDED: Mapping[str, tuple[str, str]] = {
    "": ("长时间没有发货信息", "Nothing was heard about shipping for long"),
    **shipping_over.REASONS,
}


def _forgotten_ms(facts: Facts) -> int:
    """Of a buyer with more orders than are kept, an order paid up to then may well be shipped."""
    over = facts.of(ShippingOver)
    return over[0].at_ms if len(over) >= MAX_FACTS_PER_KIND else 0


def _case(
    payment: OrderPaid,
    end: ShippingOver | None,
    times: ShipTimes,
    opened_ms: int,
    horizon_ms: int,
    filed_ms: int,
) -> Case:
    def is_past(at_ms: int) -> bool:
        # Shipping at the very limit is in time; silence through it is not.
        return horizon_ms >= at_ms if end is None else end.at_ms > at_ms

    level: Severity = "info"
    since_ms = times.target_ms
    if is_past(times.limit_ms):
        level, since_ms = "critical", max(opened_ms, times.limit_ms)
    elif is_past(times.warn_ms):
        level, since_ms = "warn", max(opened_ms, times.warn_ms)
    hours = [(at_ms - payment.at_ms) // _HOUR_MS for at_ms in times]
    waited = (end.at_ms if end else since_ms) - payment.at_ms
    return Case(
        anchor=payment,
        level=level,
        members=(payment,) if end is None else (payment, end),
        opened_at_ms=opened_ms,
        details={
            "order": payment.order_id,
            "hours": waited // _HOUR_MS,
            "limit_ms": times.limit_ms,
            "platform_ms": times.platform_ms,
            "ended_by": end.how if end else "",
            "is_filed": int(filed_ms < NEVER),
            "is_filed_in_time": int(filed_ms <= times.limit_ms),
        },
        thresholds=(
            Threshold("unshipped_for", waited // _HOUR_MS, "h", hours[1], hours[2], hours[0]),
        ),
        # No number of the buyer's other orders: each of them would change what is said of all cases.
        counter=(
            (
                "与买家无关,是本店的发货时限",
                "This is about our own shipping time, not about the buyer",
            ),
        ),
        resolved_at_ms=end.at_ms if end else None,
        level_since_ms=since_ms,
    )


DETECTORS = (SlaRisk(),)
