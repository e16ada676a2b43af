"""D01 unpaid_order_burst (恶拍): one buyer holds stock with a burst of orders that stay unpaid.

The definition is docs/detectors/D01.md, step by step. What a newcomer gets wrong: an order counts
from the end of its payment grace, and only once the payments topic is known to be read up to there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from schemas.alerts import Severity
from streams.detect import playbooks
from streams.detect.burst_excuses import (
    bought_of,
    is_half_bought,
    told_why,
    tried_to_pay,
    was_asked_for,
    was_bought_anew,
    was_put_right,
)
from streams.detect.deadlines import UnpaidClose
from streams.detect.detector import (
    Count,
    Detector,
    Facts,
    Least,
    Presentation,
    RuleBlock,
    Seconds,
    Wording,
)
from streams.detect.episodes import (
    NOTHING,
    Episode,
    Hold,
    Run,
    Threshold,
    Verdict,
    runs,
    slide_live,
)
from streams.detect.facts import NEVER, OrderPaid, OrderPlaced, PaymentFailed
from streams.detect.orders import first_paid_ms
from streams.detect.unpaid import (
    Grace,
    Order,
    beside_the_most,
    orders_of,
    outcome_of_burst,
    state_of,
)


class Rules(RuleBlock):
    """Thresholds of D01; all proposed but for 「几百件」 behind the critical units."""

    at_least = (
        ("critical_orders", "warn_orders"),
        ("critical_units", "warn_units"),
        ("cooldown_s", "window_s"),
    )

    window_s: Seconds
    grace_s: Seconds
    huge_order_units: Count
    huge_grace_s: Seconds
    failed_payment_grace_s: Seconds
    warn_orders: Count
    warn_units: Count
    critical_orders: Count
    critical_units: Count
    cooldown_s: Seconds
    resolve_paid_share_percent: Annotated[int, Field(ge=1, le=100)]
    T01: UnpaidClose

    @property
    def grace(self) -> Grace:
        """How long orders may wait for their payment."""
        return Grace(
            1000 * self.grace_s,
            self.huge_order_units,
            1000 * self.huge_grace_s,
            1000 * self.failed_payment_grace_s,
        )


class UnpaidOrderBurst(Detector[Rules]):
    """D01 on buyers. Cost: linear in the buyer's orders, and constant below the thresholds."""

    id = "D01"
    name = "unpaid_order_burst"
    subject = "buyer"
    triggers = (OrderPlaced,)
    topics = ("orders", "payments")
    rules = Rules
    wording = Wording(
        title=("恶拍", "Unpaid order burst"),
        thresholds={
            "orders": ("未付款订单", "Unpaid orders"),
            "units": ("未付款件数", "Unpaid units"),
            "grace": ("付款宽限", "Time to pay"),
        },
        rules={
            "huge_order_units": ("巨额订单的件数", "Units of a huge order"),
            "huge_grace_s": ("巨额订单的付款宽限", "Time to pay a huge order"),
        },
    )

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        if not _may_cross(facts, rules):
            return NOTHING
        orders = orders_of(facts, rules.grace)
        counted = [o for o in orders if o.counted_ms <= horizon_ms and o.counted_ms < o.end_ms]
        crossings = slide_live(
            counted, rules.window_s * 1000, _Tally(rules), lambda order: order.placed
        )
        episodes: list[Episode] = []
        for run in runs(crossings, rules.cooldown_s * 1000):
            # Words are believed once.
            is_first = all(_is_excused(episode.details) for episode in episodes)
            episodes.append(_episode(run, facts, orders, horizon_ms, rules, is_first=is_first))
        return Verdict(episodes, _wake_at(orders, episodes, horizon_ms, rules))

    def least(self, rules: Rules) -> Least:
        return Least(
            OrderPlaced,
            rules.warn_orders,
            rules.grace_s,
            rules.warn_units,
            # Its grace is another one.
            units_whenever_paid=rules.huge_order_units,
        )

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        d = episode.details
        buyer = subject.partition(":")[2]
        minutes = rules.window_s // 60
        close_ms = int(d["auto_close_ms"])
        held_units = int(d["held_units"])
        asked_zh, asked_en = _ASKED_FOR if d["was_asked_for"] else ("", "")
        for_zh, for_en = _spoken_for(d)
        dont_close_en = " Don't close the orders." if held_units else ""
        most_zh, most_en = _most_held(episode)
        all_zh, all_en = beside_the_most(d)
        is_huge = int(d["most_units"]) >= rules.critical_units
        is_believed = _is_believed(episode)
        return Presentation(
            title=(
                ("卖家约定先拍下的未付款订单", "Unpaid orders that the shop asked for")
                if d["was_asked_for"]
                else ("多笔订单未付款", "Several orders were not paid in time")
                if is_believed
                else ("疑似恶拍:大量未付款订单", "Burst of unpaid orders")
            ),
            summary=(
                f"买家{buyer}在{minutes}分钟内拍下{d['most_orders']}笔共{d['most_units']}件未付款{all_zh},"
                f"目前仍占用{held_units}件库存{most_zh}。{asked_zh}{for_zh}"
                f"{'请勿主动关闭订单。' if held_units else ''}",
                f"{buyer} left orders unpaid: {d['most_orders']} ({d['most_units']} units) within "
                f"{minutes} minutes{all_en}; units still held: {held_units}{most_en}."
                f"{asked_en}{for_en}{dont_close_en}",
            ),
            not_if=(
                f"宽限期内付款或由买家关闭,卖家曾请买家先拍下不付款,或未付款不足{rules.warn_orders}笔且不足{rules.warn_units}件",
                f"payment, or closing by the buyer, within the grace; a shop that asked to place the "
                f"orders and to wait with the payment; fewer than "
                f"{rules.warn_orders} unpaid orders and fewer than {rules.warn_units} units",
            ),
            ended=(
                ("买家已付清大部分订单", "The buyer paid most of the orders")
                if episode.status == "resolved"
                else (
                    "订单已全部付款或关闭,库存不再被占用",
                    "All orders are paid or closed; no stock is held",
                )
            ),
            steps=(
                *playbooks.steps_after_burst(held_units),
                *(
                    ()
                    if is_believed
                    else (
                        playbooks.complaint(
                            "异常拍下",
                            f"买家{minutes}分钟内拍下{d['most_orders']}笔共{d['most_units']}件未付款{all_zh},"
                            "占用库存",
                        ),
                        # 「几百件」: a few orders are no matter for the police.
                        *((playbooks.police_report(),) if is_huge else ()),
                    )
                ),
            ),
            deadlines=(playbooks.auto_close(close_ms),) if held_units else (),
        )


_ASKED_FOR = (
    "卖家曾请买家先拍下、暂不付款,请尽快改好价格。",
    " The shop had asked to place them and to wait with the payment: set the price soon.",
)


# What accuses nobody: deeds of the buyer that cost something, and what the shop had asked for.
_EXCUSES = ("was_asked_for", "was_slip", "is_half_paid")
_SPOKEN_FOR = {
    "was_slip": ("买家已很快自行付清或取消", "the buyer paid or cancelled all of it soon"),
    "is_half_paid": ("买家已付款其中一半或以上", "the buyer paid for half of it or more"),
    "was_bought_anew": (
        "买家已重新拍下同样的商品并付款",
        "the buyer ordered the same anew and paid for that",
    ),
    "tried": ("买家曾尝试付款未成功", "the buyer tried to pay in vain"),
    "told_why": ("买家在聊天中说明过原因", "the buyer wrote why"),
}


def _is_excused(details: Mapping[str, int | str]) -> bool:
    return any(details[name] for name in _EXCUSES)


def _is_believed(episode: Episode) -> bool:
    """Step 9 of the definition. Words and tries are free to be had: of very many nobody is believed."""
    details = episode.details
    return _is_excused(details) or (
        episode.severity != "critical" and any(details[name] for name in _SPOKEN_FOR)
    )


def _spoken_for(details: Mapping[str, int | str]) -> tuple[str, str]:
    """What speaks for the buyer, as a sentence; empty for nothing. Of several deeds the first says all."""
    found = [text for name, text in _SPOKEN_FOR.items() if details[name]]
    if details["was_slip"] or details["is_half_paid"]:
        found = found[:1]
    if not found:
        return "", ""
    return (
        f"另有情况:{'、'.join(zh for zh, _ in found)}。",
        f" Yet {', '.join(en for _, en in found)}.",
    )


def _most_held(episode: Episode) -> tuple[str, str]:
    """Which item is held most, where more than one is."""
    units: Counter[str] = Counter()
    for hold in episode.holds:
        if hold.state == "held":
            units[hold.item_id] += hold.units
    if len(units) < 2:
        return "", ""
    item, most = min(units.items(), key=lambda one: (-one[1], one[0]))
    return f"(最多的是商品{item},{most}件)", f" (most of item {item}: {most})"


def _may_cross(facts: Facts, rules: Rules) -> bool:
    """Whether enough orders outlived their grace unpaid; false for nearly every buyer.

    Cheap on purpose: this runs on every change of every buyer.
    """
    placed = facts.of(OrderPlaced)
    units = 0
    if len(placed) < rules.warn_orders:
        for order in placed:
            units += order.units
        if units < rules.warn_units:
            return False
    paid_ms, grace = first_paid_ms(facts), rules.grace
    orders = units = 0
    for order in placed:
        if paid_ms.get(order.ref, NEVER) > order.at_ms + grace.of(order):
            orders += 1
            units += order.units
    return orders >= rules.warn_orders or units >= rules.warn_units


class _Tally:
    """Step 4 of the definition: orders and units that are live within the window."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._orders = self._units = 0

    def enter(self, order: Order) -> None:
        self._orders += 1
        self._units += order.placed.units

    def leave(self, order: Order) -> None:
        self._orders -= 1
        self._units -= order.placed.units

    def level(self) -> Severity | None:
        rules = self._rules
        if self._orders >= rules.critical_orders or self._units >= rules.critical_units:
            return "critical"
        if self._orders >= rules.warn_orders or self._units >= rules.warn_units:
            return "warn"
        return None

    def compared(self) -> tuple[int, ...]:
        return self._orders, self._units


def _episode(
    run: Run,
    facts: Facts,
    orders: list[Order],
    horizon_ms: int,
    rules: Rules,
    *,
    is_first: bool,
) -> Episode:
    """Step 5 and 6: what became of the members."""
    refs = {member.ref for member in run.members}
    members = [order for order in orders if order.placed.ref in refs]
    paid = sorted(order.paid_ms for order in members if order.paid_ms < NEVER)
    close_after_ms = rules.T01.close_s * 1000
    ends = [o.as_closed_ms(close_after_ms, horizon_ms) for o in members]
    percent = rules.resolve_paid_share_percent
    status, ended_at_ms = outcome_of_burst(paid, ends, run.last_at_ms, percent)
    holds = tuple(
        Hold(item_id, order.placed.ref, units, state_of(order.paid_ms, end))
        for order, end in zip(members, ends, strict=True)
        for item_id, units in order.placed.items
    )
    ended = sum(hold.state != "held" for hold in holds)
    held = [o.placed.at_ms for o, end in zip(members, ends, strict=True) if end == NEVER]
    most_orders, most_units = run.compared
    excuses = _excuses(run, members, orders, facts, rules)
    if not is_first:
        excuses |= {"tried": 0, "told_why": 0}
    return Episode(
        detector="D01",
        anchor=run.anchor,
        opened_at_ms=run.opened_at_ms,
        last_at_ms=run.last_at_ms,
        status=status,
        ended_at_ms=ended_at_ms,
        severity="info" if excuses["was_asked_for"] else run.level,
        steps=len(members) + ended + (status != "open"),
        window_s=rules.window_s,
        members=tuple(order.placed for order in members),
        thresholds=(
            Threshold("orders", most_orders, "orders", rules.warn_orders, rules.critical_orders),
            Threshold("units", most_units, "units", rules.warn_units, rules.critical_units),
            Threshold("grace", rules.grace_s, "s"),
        ),
        details={
            "orders": len(members),
            "units": sum(order.placed.units for order in members),
            "most_orders": most_orders,
            "most_units": most_units,
            **excuses,
            "held_units": sum(hold.units for hold in holds if hold.state == "held"),
            # Of what is paid or closed the platform closes nothing any more.
            "auto_close_ms": min(held, default=0) + close_after_ms,
        },
        counter=_counter(facts, len(paid)),
        holds=holds,
        cooldown_s=rules.cooldown_s,
    )


def _excuses(
    run: Run, members: Sequence[Order], orders: Sequence[Order], facts: Facts, rules: Rules
) -> dict[str, int]:
    """What speaks for the buyer."""
    window_ms, near_ms = rules.window_s * 1000, rules.cooldown_s * 1000
    bought = bought_of(facts)
    # What no single window held was no single slip.
    most_orders, _ = run.compared
    was_slip = most_orders == len(members) and was_put_right(members, facts, window_ms)
    return {
        "was_slip": int(was_slip),
        "is_half_paid": int(is_half_bought(members, orders, bought, window_ms)),
        "was_asked_for": int(was_asked_for(members, facts, rules.warn_orders, near_ms)),
        "was_bought_anew": int(was_bought_anew(members, orders, bought, near_ms)),
        "tried": tried_to_pay(members, facts),
        "told_why": int(told_why(members, run.last_at_ms, facts)),
    }


def _counter(facts: Facts, members_paid: int) -> tuple[tuple[str, str], ...]:
    paid = len({payment.order_id for payment in facts.of(OrderPaid)})
    failed = len(facts.of(PaymentFailed))
    return (
        (
            f"该买家已知付款订单{paid}笔,其中本次{members_paid}笔;付款失败{failed}次",
            f"{paid} orders of this buyer are known to be paid, {members_paid} of them from this "
            f"episode; {failed} failed payment attempts",
        ),
    )


def _wake_at(
    orders: list[Order], episodes: list[Episode], horizon_ms: int, rules: Rules
) -> int | None:
    """When silence would next mean something: a grace ends, or the platform closes a held order."""
    pending = [o.counted_ms for o in orders if horizon_ms < o.counted_ms < o.end_ms]
    members = {hold.order_id for episode in episodes for hold in episode.holds}
    if members:
        # Also where a later end is known already: the platform's closing goes before it.
        closings = [(o.placed.at_ms + rules.T01.close_s * 1000, o) for o in orders]
        pending += [
            at for at, o in closings if horizon_ms < at < o.end_ms and o.placed.ref in members
        ]
    return min(pending, default=None)


DETECTORS = (UnpaidOrderBurst(),)
