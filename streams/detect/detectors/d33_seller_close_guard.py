"""D33 seller_close_guard (请勿关单): the seller closed an unpaid order; a complaint makes that six points.

The definition is docs/detectors/D33.md. It observes and never closes anything (N01). The trap: that an
order was unpaid is a conclusion from silence, so it needs the payments read up to the closing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping

from streams.detect.cases import Case, verdict
from streams.detect.deadlines import UnpaidClose, in_words, unpaid_close
from streams.detect.detector import Detector, Facts, Presentation, RuleBlock, Seconds, Step, Wording
from streams.detect.entries import ShopType
from streams.detect.episodes import NOTHING, Episode, Threshold, Verdict
from streams.detect.facts import NEVER, ClosedBySeller, OrderClosed, OrderPlaced
from streams.detect.orders import first_paid_ms


class Rules(RuleBlock):
    """T01 says how long the platform would have waited; points are given by Taobao and Tmall only."""

    T01: UnpaidClose
    shop_type: ShopType | None = None
    expire_after_s: Seconds

    @property
    def has_points(self) -> bool:
        """Whether the shop may be on a platform that gives penalty points for it."""
        return self.shop_type != "other"


class SellerCloseGuard(Detector[Rules]):
    """D33 on buyers, one case per order. Cost: constant unless a seller closed one, then sorting them."""

    id = "D33"
    name = "seller_close_guard"
    subject = "buyer"
    triggers = (ClosedBySeller,)
    topics = ("orders", "payments")
    rules = Rules
    accuses = False
    wording = Wording(
        title=("请勿关单", "Seller closed an order"),
        thresholds={"unpaid_orders_closed": ("卖家关闭未付款订单", "Unpaid orders closed")},
    )

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        closings = facts.of(ClosedBySeller)
        if not closings:
            return NOTHING
        placed = {fact.ref: fact for fact in facts.of(OrderPlaced)}
        paid = first_paid_ms(facts)
        first = {fact.ref: fact for fact in facts.of(OrderClosed)}
        closed = {fact.ref: fact.at_ms for fact in (*closings, *first.values())}
        unpaid = _Unpaid(placed.values(), paid, closed, rules.T01.close_s * 1000)
        cases: list[Case] = []
        wakes: list[int] = []
        is_unknown = False
        for closing in closings:
            at_ms = closing.at_ms
            order = placed.get(closing.ref)
            if order is None:
                is_unknown = True
                continue
            is_paid = paid.get(closing.ref, NEVER) <= at_ms
            if is_paid or _is_by_another(first.get(closing.ref), at_ms):
                continue
            if horizon_ms < at_ms:
                wakes.append(at_ms)
                continue
            cases.append(_case(order, closing, unpaid.count(at_ms), rules))
        found = verdict("D33", cases, horizon_ms, rules.expire_after_s, wakes)
        return found._replace(insufficient=("order_unknown",)) if is_unknown else found

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        d = episode.details
        after_zh, after_en = in_words(rules.T01.close_s)
        others_zh, others_en = "未付款订单", ""
        if d["others"]:
            others_zh = f"该买家另有{d['others']}笔未付款订单,"
            others_en = f"Unpaid orders of this buyer besides: {d['others']}. "
        points_zh, points_en = (
            (",如被投诉将扣6分", ": 6 points if complained about")
            if rules.has_points
            else (",买家可能仍要付款", ", though the buyer may still want to pay")
        )
        return Presentation(
            title=("请勿关闭未付款订单", "Don't close unpaid orders"),
            summary=(
                f"未付款订单{d['order']}由卖家关闭{points_zh}。"
                f"{others_zh}请勿关闭,系统会在下单{after_zh}后自动关闭。",
                f"Unpaid order {d['order']} was closed by the seller{points_en}. "
                f"{others_en}Leave unpaid orders alone: the platform closes them {after_en} after "
                "they were placed.",
            ),
            not_if=(
                "订单已付款,或已由买家、系统先关闭",
                "a paid order, or one closed by the buyer or the platform before",
            ),
            # Complaints are not read here: that none came would be a guess.
            ended=("长时间没有更多信息", "Nothing more is known"),
            steps=(
                Step(
                    "A5_notify",
                    "提醒客服:未付款订单等待系统自动关闭",
                    "Tell the agents to leave unpaid orders to the platform",
                ),
                Step(
                    "A6_evidence_pack",
                    "保留与买家沟通此订单的聊天记录(如有)",
                    "Keep the chat with the buyer about this order, if there is one",
                ),
            ),
        )


def _is_by_another(first: OrderClosed | None, at_ms: int) -> bool:
    """Whether the buyer or the platform had closed it before.

    What does not say by whom is the platform's word of the same closing, whose clock may be ahead.
    """
    return first is not None and first.by != "unknown" and first.at_ms < at_ms


class _Unpaid:
    """A buyer's orders that are neither paid nor closed nor too old, at any time."""

    def __init__(
        self,
        placed: Iterable[OrderPlaced],
        paid: Mapping[str, int],
        closed: Mapping[str, int],
        within_ms: int,
    ) -> None:
        self._begins: list[int] = []
        self._ends: list[int] = []
        for order in placed:
            ended_ms = min(paid.get(order.ref, NEVER), closed.get(order.ref, NEVER))
            # The age includes its end; paid or closed at a time is no longer unpaid then.
            end_ms = min(ended_ms, order.at_ms + within_ms + 1)
            if order.at_ms < end_ms:
                self._begins.append(order.at_ms)
                self._ends.append(end_ms)
        self._begins.sort()
        self._ends.sort()

    def count(self, at_ms: int) -> int:
        """How many there are at a time."""
        return bisect_right(self._begins, at_ms) - bisect_right(self._ends, at_ms)


def _case(order: OrderPlaced, closing: ClosedBySeller, others: int, rules: Rules) -> Case:
    early_ms = unpaid_close(order.at_ms, rules.T01).last_ms - closing.at_ms
    hours = -(-early_ms // 3_600_000)
    instead = (
        (f"系统本会在{hours}小时内自动关闭", f"The platform would have closed it within {hours} h")
        if early_ms > 0
        else ("系统自动关闭的时间已到", "The platform was about to close it by itself")
    )
    return Case(
        anchor=closing,
        level="critical" if rules.has_points else "warn",
        members=(order, closing),
        opened_at_ms=closing.at_ms,
        details={"order": closing.ref, "others": others},
        thresholds=(
            Threshold("unpaid_orders_closed", 1, "orders", None, 1)
            if rules.has_points
            else Threshold("unpaid_orders_closed", 1, "orders", 1),
        ),
        counter=(
            (
                f"{instead[0]};不涉及对买家的判断",
                f"{instead[1]}; nothing is said about the buyer",
            ),
        ),
    )


DETECTORS = (SellerCloseGuard(),)
