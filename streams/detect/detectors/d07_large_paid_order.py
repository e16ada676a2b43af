"""D07 large_paid_order (大额已付款): a new buyer has paid for a large order.

The definition is docs/detectors/D07.md. What a newcomer gets wrong: nearly all of them are the best orders
of the week. It informs, accuses nobody, and opens the checklist that is right for an honest buyer too;
shipping does not end it, for what comes after is on the checklist as well.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from streams.detect import playbooks, shipping_over
from streams.detect.cases import Case, verdict
from streams.detect.deadlines import Ship, ship, ship_times
from streams.detect.detector import (
    Count,
    Currency,
    Detector,
    Facts,
    Presentation,
    RuleBlock,
    Seconds,
    Wording,
)
from streams.detect.episodes import MINOR_UNITS_OF, Episode, Threshold, Verdict
from streams.detect.facts import (
    LARGE_AMOUNT_MINOR,
    LARGE_UNITS,
    AccountFlagged,
    AccountVerified,
    LargeOrder,
    OrderPaid,
    OrderPlaced,
)
from streams.detect.orders import first_payments, large_orders


class Rules(RuleBlock):
    """Thresholds of D07, all proposed; a shop states its own median and its own 99th percentile."""

    T02: Ship
    min_units: Annotated[int, Field(ge=LARGE_UNITS)]
    item_median_units: Count
    times_median: Count
    min_amount_minor: Annotated[int, Field(ge=LARGE_AMOUNT_MINOR)]
    currency: Currency
    old_account_s: Seconds
    expire_after_s: Seconds

    @property
    def large_units(self) -> int:
        """From how many units of one item an order is large."""
        return max(self.min_units, self.times_median * self.item_median_units)


class LargePaidOrder(Detector[Rules]):
    """D07 on buyers, one case for each order. Cost: linear in the facts of a buyer with a large order."""

    id = "D07"
    name = "large_paid_order"
    subject = "buyer"
    triggers = (LargeOrder,)
    topics = ("orders",)
    rules = Rules
    wording = Wording(
        title=("大额已付款订单", "Large paid order"),
        thresholds={
            "units": ("件数", "Units"),
            "amount": ("金额", "Amount"),
        },
        rules={
            "item_median_units": ("平常每笔件数", "Usual units of an order line"),
            "times_median": ("达到平常件数的倍数", "Times the usual units"),
            "old_account_s": ("视为老账号的时间", "Age of an old account"),
        },
    )

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        paid = first_payments(facts)
        ended = shipping_over.ended_unshipped(facts)
        shipped = shipping_over.shipped(facts)
        cases = [
            _case(order, paid[order.ref], ended.get(order.ref), order.ref in shipped, facts, rules)
            for order in large_orders(facts)
            if order.ref in paid
            and (
                order.units >= rules.large_units
                or order.amount_in(rules.currency) >= rules.min_amount_minor
            )
            and _is_new(order, paid, facts, rules)
        ]
        return verdict(self.id, cases, horizon_ms, rules.expire_after_s)

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        d = episode.details
        paid_ms, ship_by_ms = int(d["paid_ms"]), int(d["ship_by_ms"])
        times = ship_times(paid_ms, rules.T02, ship_by_ms)
        ended_by, is_shipped = str(d["ended_by"]), bool(d["is_shipped"])
        # Of an order of long ago nobody knows whether it still waits to be shipped.
        is_over = bool(ended_by) or (episode.status == "expired" and not is_shipped)
        ended_zh, ended_en = shipping_over.REASONS.get(ended_by, ("已过期", "It is long ago"))
        next_zh, next_en = (
            ("已发货,请保留取证材料", "; it was shipped: keep the evidence")
            if is_shipped
            else ("建议按取证流程发货", ": ship with evidence")
        )
        return Presentation(
            title=("大额已付款订单", "Large paid order"),
            summary=(
                f"新买家的大额已付款订单{d['order_id']}(单品{d['units']}件),"
                f"{ended_zh if is_over else next_zh}。",
                f"Order {d['order_id']} of a new buyer is large ({d['units']} of one item) and paid"
                f"{f'. {ended_en}' if is_over else next_en}.",
            ),
            not_if=(
                f"单品少于{rules.large_units}件且金额低于{rules.min_amount_minor}({rules.currency}的最小单位,"
                "如分;其他币种只看件数);买家此前有已付款订单",
                f"fewer than {rules.large_units} of one item and less than {rules.min_amount_minor} of "
                f"the smallest unit of {rules.currency}, such as cents (in other currencies only units "
                "count); an earlier paid order of the buyer",
            ),
            ended=(ended_zh, ended_en),
            steps=(shipping_over.step_after(ended_by, is_shipped=is_shipped),)
            if ended_by
            else playbooks.paid_order(None if is_over else times, is_shipped=is_shipped),
            deadlines=()
            if is_over or is_shipped
            else (ship(paid_ms, rules.T02, ship_by_ms).line(),),
        )


def _is_new(order: LargeOrder, paid: dict[str, OrderPaid], facts: Facts, rules: Rules) -> bool:
    """Whether, as far as is known, the buyer was a stranger when the order was placed."""
    flags = [
        fact
        for fact in facts.of(AccountFlagged)
        if fact.at_ms <= order.at_ms and fact.is_new is not None
    ]
    if flags and flags[-1].is_new:
        return True
    if any(p.at_ms < order.at_ms and name != order.ref for name, p in paid.items()):
        return False
    known = [fact.created_ms for fact in facts.of(AccountVerified) if fact.created_ms]
    return not known or order.at_ms - known[-1] < rules.old_account_s * 1000


def _case(
    order: LargeOrder,
    payment: OrderPaid,
    end: tuple[int, str] | None,
    is_shipped: bool,
    facts: Facts,
    rules: Rules,
) -> Case:
    thresholds = [Threshold("units", order.units, "units", info=rules.large_units)]
    # An amount in another currency was not compared.
    if order.currency == rules.currency:
        amount_minor, limit = order.amount_minor, rules.min_amount_minor
        unit = MINOR_UNITS_OF + rules.currency
        thresholds.append(Threshold("amount", amount_minor, unit, info=limit))
    promised = [fact.ship_by_ms for fact in facts.of(OrderPlaced) if fact.ref == order.ref]
    opened_ms = max(order.at_ms, payment.at_ms)
    return Case(
        order,
        "info",
        (order, payment),
        opened_ms,
        {
            "order_id": order.ref,
            "units": order.units,
            "paid_ms": payment.at_ms,
            "ship_by_ms": promised[0] if promised else 0,
            "ended_by": end[1] if end else "",
            "is_shipped": int(is_shipped),
        },
        tuple(thresholds),
        (
            (
                "大额订单多数是正常生意",
                "Most large orders are good business",
            ),
        ),
        end[0] if end else None,
    )


DETECTORS = (LargePaidOrder(),)
