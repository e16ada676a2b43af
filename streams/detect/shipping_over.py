"""What is said and suggested of an order once nothing need be shipped for it any more.

The keys are those of `ShippingOver.how`. `STEPS` has none for shipped: what is left to do after a parcel
has left depends on who asks. Nobody may be told any more to ship, to file, or by when.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from streams.detect import filings
from streams.detect.detector import Facts, Step
from streams.detect.facts import OrderClosed, Shipped, ShippingOver

REASONS: Final[Mapping[str, tuple[str, str]]] = {
    "shipped": ("订单已发货", "The order was shipped"),
    "closed": ("订单已关闭", "The order was closed"),
    "refunded": ("已同意退款", "A refund was agreed"),
    "exempt": ("备案成功,可不发货", "The filing was accepted: it need not be shipped"),
    "top_up": ("充值订单,无需发货", "A top-up ships nothing"),
}
STEPS: Final[Mapping[str, Step]] = {
    "closed": Step(
        "A4_remind",
        "无需发货,请通知仓库不要发出",
        "Nothing need be shipped: tell the warehouse to send nothing",
    ),
    # How much was refunded is not among the facts.
    "refunded": Step(
        "A4_remind",
        "核对退款金额:全额退款的无需发货,请通知仓库;部分退款的仍须发货",
        "Look at the amount: if all was refunded, tell the warehouse to send nothing; if a part, the rest "
        "must still be shipped",
    ),
    "exempt": filings.AGREE_TO_REFUND,
    "top_up": Step(
        "A4_remind",
        "充值订单无需发货,请核对充值结果",
        "A top-up ships nothing: check its result",
    ),
}
# Closed when the parcel had left already: what is sent back is all that there is to look after.
_CLOSED_AFTER_SHIPPING: Final = Step(
    "A6_evidence_pack",
    "包裹已发出:跟踪物流,退回时核对商品、数量和重量,保留凭证",
    "A parcel has left: follow it, check goods, number and weight if it comes back, and keep the proof",
)


def step_after(how: str, *, is_shipped: bool) -> Step:
    """What is left to do about an order that ended in that way, other than by being shipped."""
    return _CLOSED_AFTER_SHIPPING if is_shipped and how == "closed" else STEPS[how]


def ended_unshipped(facts: Facts) -> dict[str, tuple[int, str]]:
    """By order, since when and why it need not be shipped; shipping itself is no end.

    For who goes on with an order after its parcel has left. The first reason counts; where that is
    shipping, a close may still follow.
    """
    ended = {fact.ref: (fact.at_ms, "closed") for fact in facts.of(OrderClosed)}
    over = [fact for fact in facts.of(ShippingOver) if fact.how != "shipped"]
    return ended | {fact.ref: (fact.at_ms, fact.how) for fact in over}


def shipped(facts: Facts) -> frozenset[str]:
    """The orders of which a parcel has left."""
    return frozenset(fact.ref for fact in facts.of(Shipped))
