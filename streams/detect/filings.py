"""What filings (备案) mean for an order: exempt from shipping, and a refund of it is agreed to.

S2 「備案成功可不發貨」「如果買家發起退款,直接同意即可」. Whoever suggests an answer to a refund asks here
first, so that refusing is never suggested for a filed order (N24).
"""

from __future__ import annotations

from typing import Final

from streams.detect.detector import Facts, Step
from streams.detect.facts import Filed

AGREE_TO_REFUND: Final = Step(
    "A12_suggest_refund_reply",
    "该订单备案成功,可不发货;买家申请退款时直接同意即可",
    "The filing for this order was accepted: it need not be shipped, and a refund is to be agreed to",
)
AWAIT_ANSWER: Final = Step(
    "A4_remind",
    "备案已提交,等待平台结果;未通过的须按期发货",
    "A filing was made: wait for the platform's answer, and ship in time if it is rejected",
)


def draft(order_id: str, address_zh: str = "") -> str:
    """The filing of an order as a Chinese text to copy and complete; `address_zh` is what is doubted."""
    return "\n".join(
        (
            "备案原因:收货地址有误,且联系不上买家",
            f"订单编号:{order_id}",
            f"地址问题:{address_zh or '(请说明,勿抄写地址)'}",
            "联系记录:(请填写每次联系的时间、方式和结果)",
            "附件:联系记录截图",
        )
    )


def accepted_ms(facts: Facts) -> dict[str, int]:
    """By order, when a filing of it was accepted."""
    first: dict[str, int] = {}
    for filed in facts.of(Filed):
        if filed.kind == "accepted":
            first.setdefault(filed.order_id, filed.at_ms)
    return first


def pending_ms(facts: Facts) -> dict[str, int]:
    """By order, when the earliest filing of it was submitted that nobody has rejected so far."""
    rejected = {filed.filing_id for filed in facts.of(Filed) if filed.kind == "rejected"}
    first: dict[str, int] = {}
    for filed in facts.of(Filed):
        if filed.kind == "submitted" and filed.filing_id not in rejected:
            first.setdefault(filed.order_id, filed.at_ms)
    return first


def refund_reply(otherwise: Step, *, is_filed: bool) -> Step:
    """A12 for a refund of one order: what would be suggested `otherwise`, or to agree.

    `is_filed` is whether a filing of that order was accepted, whenever that was.
    """
    return AGREE_TO_REFUND if is_filed else otherwise
