"""D16 overseas_free_shipping (境外包邮): free shipping, and the parcel goes outside mainland China.

The definition is docs/detectors/D16.md. What a newcomer gets wrong: such an order is never malicious
(N13). It must be shipped unless the buyer was asked for the freight and will not pay; so ask in time, and
an attempt that nobody answered settles nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, Field

from streams.detect import playbooks, shipping_over
from streams.detect.address.receivers import region_of
from streams.detect.address.signs import receivers_given
from streams.detect.cases import Case, verdict
from streams.detect.deadlines import OverseasContact, overseas_contact
from streams.detect.detector import (
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
    Contacted,
    OrderPaid,
    OrderPlaced,
    SentAbroad,
    ShippingOver,
)


def _as_orders_name_it(region: str) -> str:
    found = region_of(region, "")
    if not found or found != region:
        raise ValueError(
            f"expected {found}" if found else "expected a region outside mainland China, such as HK"
        )
    return region


# Another spelling would match no order, and change nothing.
Region = Annotated[str, AfterValidator(_as_orders_name_it)]


class Rules(RuleBlock):
    """What counts as overseas; the deadline is T03."""

    T03: OverseasContact
    not_overseas: Annotated[tuple[Region, ...], Field(strict=False)]
    expire_after_s: Seconds


class OverseasFreeShipping(Detector[Rules]):
    """D16 on buyers, one case for each order. Cost: linear in the facts of a buyer with such an order."""

    id = "D16"
    name = "overseas_free_shipping"
    subject = "buyer"
    triggers = (SentAbroad,)
    topics = ("orders",)
    rules = Rules
    reads_receivers = True
    wording = Wording(
        title=("境外包邮", "Free shipping abroad"),
        thresholds={"receivers_overseas": ("境外收货人", "Receivers abroad")},
        units={"receivers": ("位", "receivers")},
        rules={
            "not_overseas": ("不算境外的地区", "Regions that are not overseas"),
        },
    )

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        abroad: dict[str, list[SentAbroad]] = {}
        for fact in facts.of(SentAbroad):
            if fact.region not in rules.not_overseas:
                abroad.setdefault(fact.order_id, []).append(fact)
        orders = {order.ref: order for order in facts.of(OrderPlaced) if order.ref in abroad}
        given = receivers_given(facts, abroad)
        cases = [
            _case(orders[name], sent, given[name], facts)
            for name, sent in abroad.items()
            if name in orders and orders[name].free_shipping
        ]
        found = verdict(self.id, cases, horizon_ms, rules.expire_after_s)
        if abroad.keys() <= orders.keys():
            return found
        return found._replace(insufficient=("order_unknown",))

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        d = episode.details
        deadlines: tuple[Due, ...] = ()
        due_ms = None
        hours = rules.T03.within_s // 3600
        ended_by = str(d["ended_by"])
        ended_zh, ended_en = _ENDED[ended_by]
        # Asking was due until the buyer was reached or the parcel left; nothing else meets T03.
        is_due = ended_by in ("", "reached", "shipped") and not d["attempts"]
        if "paid_ms" in d and is_due:
            term = overseas_contact(int(d["paid_ms"]), rules.T03)
            deadlines, due_ms = (term.line(),), term.last_ms
        return Presentation(
            title=("包邮订单寄往境外", "Free shipping to an overseas address"),
            summary=(
                f"包邮订单{d['order_id']}的收货地址在境外({d['region']}),"
                f"{ended_zh if ended_by else f'请在付款后{hours}小时内联系买家补运费或改用集运仓'}。",
                f"Order {d['order_id']} ships free to {d['region']}"
                f"{f'. {ended_en}' if ended_by else _ASK.format(hours=hours)}.",
            ),
            not_if=(
                "已联系到买家;收货地址改为境内;订单已发货,或无需发货(关闭、同意退款、备案成功、充值)",
                "the buyer was reached; the address is in the mainland now; it was shipped, or need not be "
                "(closed, refund agreed, filing accepted, top-up)",
            ),
            ended=(ended_zh, ended_en),
            steps=_steps(ended_by, due_ms),
            deadlines=deadlines,
        )


_ASK = ": ask for the extra freight or a consolidation warehouse within {hours} h of payment"
_ENDED = {
    **shipping_over.REASONS,
    "reached": ("已联系到买家", "The buyer was reached"),
    "corrected": ("收货地址已改为境内", "The address is in the mainland now"),
    "": ("已过期", "It is long ago"),
}
_AS_ANSWERED = Step(
    "A4_remind",
    "买家补运费或改集运仓后按时发货;买家明确不补运费的,可以不发货,保留聊天记录",
    "Ship once the freight is paid or the address is a warehouse; only if the buyer "
    "declines in writing you need not ship: keep the chat",
    (("已联系买家并得到答复", "the buyer was contacted and has answered"),),
)
_SHIP_FREE = Step(
    "A4_remind",
    "按包邮发货,核对面单使用的是境内地址",
    "Ship it free, and see that the label bears the mainland address",
)
_KEEP_PROOF = Step("A6_evidence_pack", "保存发货凭证", "Keep the proof of shipping")


def _steps(ended_by: str, due_ms: int | None) -> tuple[Step, ...]:
    """Ask for the freight, until nothing need be asked or sent any more."""
    if ended_by in shipping_over.STEPS:
        return (shipping_over.STEPS[ended_by],)
    if ended_by == "reached":
        return (_AS_ANSWERED,)
    if ended_by == "corrected":
        return (_SHIP_FREE,)
    if ended_by == "shipped":
        return (_KEEP_PROOF,)
    return (playbooks.OVERSEAS_FREIGHT._replace(due_ms=due_ms), _AS_ANSWERED)


def _case(
    order: OrderPlaced, sent: Sequence[SentAbroad], given: tuple[int, str], facts: Facts
) -> Case:
    paid = [fact for fact in facts.of(OrderPaid) if fact.order_id == order.ref]
    first_paid = min(paid, key=lambda fact: (fact.at_ms, fact.event_id), default=None)
    contacts = [contact for contact in facts.of(Contacted) if contact.at_ms >= sent[0].at_ms]
    ends = [(contact.at_ms, "reached") for contact in contacts if contact.answered]
    ends += [(fact.at_ms, fact.how) for fact in facts.of(ShippingOver) if fact.ref == order.ref]
    given_ms, event_id = given
    if all(fact.event_id != event_id for fact in sent) and given_ms >= sent[-1].at_ms:
        ends.append((given_ms, "corrected"))
    ended_ms, ended_by = min(ends, default=(None, ""))
    attempts = sum(
        not contact.answered and (ended_ms is None or contact.at_ms <= ended_ms)
        for contact in contacts
    )
    details: dict[str, int | str] = {
        "order_id": order.ref,
        "region": sent[-1].region,
        "attempts": attempts,
        "ended_by": ended_by,
    }
    if first_paid is not None:
        details["paid_ms"] = first_paid.at_ms
    return Case(
        sent[0],
        "info",
        (*sent, *([first_paid] if first_paid is not None else [])),
        sent[0].at_ms,
        details,
        (Threshold("receivers_overseas", len(sent), "receivers", info=1),),
        (
            (
                f"境外包邮订单并非恶意;买家未明确不补运费之前没有理由不发货(未得到答复的联系{attempts}次)",
                "An overseas order is not malicious; before the buyer has declined the freight there is "
                f"no reason not to ship (attempts without a known answer: {attempts})",
            ),
        ),
        ended_ms,
    )


DETECTORS = (OverseasFreeShipping(),)
