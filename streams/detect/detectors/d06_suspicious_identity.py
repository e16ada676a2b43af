"""D06 suspicious_identity (可疑身份): a buyer whose account is not verified, or whose phone cannot be right.

The definition is docs/detectors/D06.md. What a newcomer gets wrong: either alone is common among honest
people and only informs; and what was put right later is resolved, not forgotten. What the buyer does after
that is beside the point.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from schemas.alerts import Severity
from streams.detect import playbooks
from streams.detect.address.signs import DoubtedOrder, Sign, doubted_orders, identity_signs
from streams.detect.cases import Case, verdict
from streams.detect.detector import (
    Count,
    Detector,
    Facts,
    Presentation,
    RuleBlock,
    Seconds,
    Step,
    Wording,
)
from streams.detect.episodes import NOTHING, Episode, Threshold, Verdict
from streams.detect.facts import (
    LARGE_UNITS,
    NEVER,
    AccountDoubted,
    AnyFact,
    OrderPaid,
    OrderPlaced,
    ReceiverDoubted,
    ShippingOver,
)
from streams.detect.orders import large_orders

# Signs of two kinds: the account itself, and the phone, wherever it was seen.
KIND = {
    "unverified": "account",
    "account_phone": "phone",
    "phone_invalid": "phone",
    "phone_disposable": "phone",
}
WHY = {
    "unverified": ("账号未完成实名认证", "the account is not verified"),
    "account_phone": ("账号手机号无效", "the account's phone is not valid"),
    "phone_invalid": ("收货手机号无效", "the receiver's phone cannot exist"),
    "phone_disposable": ("收货手机号为公开接码号", "the receiver's phone is a public one"),
}


class Rules(RuleBlock):
    """Thresholds of D06, all proposed."""

    warn_signs: Count
    large_units: Annotated[int, Field(ge=LARGE_UNITS)]
    expire_after_s: Seconds


class SuspiciousIdentity(Detector[Rules]):
    """D06 on buyers, one case for each. Cost: linear in the facts of a buyer with a sign."""

    id = "D06"
    name = "suspicious_identity"
    subject = "buyer"
    triggers = (AccountDoubted, ReceiverDoubted)
    topics = ("orders",)
    rules = Rules
    reads_receivers = True
    wording = Wording(
        title=("可疑身份", "Doubtful identity"),
        thresholds={"signs": ("疑点种类", "Kinds of doubt")},
    )

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        signs = identity_signs(facts)
        orders = facts.of(OrderPlaced)
        if not signs or not orders:
            return NOTHING
        return verdict(self.id, [_case(signs, facts, rules)], horizon_ms, rules.expire_after_s)

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        d = episode.details
        codes = str(d["why"]).split(",")
        zh = "、".join(WHY[code][0] for code in codes)
        en = ", ".join(WHY[code][1] for code in codes)
        buyer = subject.partition(":")[2]
        next_zh, next_en = "请在发货前联系确认", "Reach the buyer before shipping"
        steps: tuple[Step, ...] = playbooks.REACH_ABOUT_ADDRESS
        if episode.status == "resolved":
            (next_zh, next_en), steps = _RIGHT, (_AS_ANY_OTHER,)
        elif not d["is_unshipped"]:
            next_zh, next_en = "目前没有待发货的订单", "Nothing need be shipped for now"
            steps = (_NEXT_TIME,)
        return Presentation(
            title=("买家身份信息可疑", "Odd account or phone"),
            summary=(f"买家{buyer}:{zh}。{next_zh}。", f"{buyer}: {en}. {next_en}."),
            not_if=(
                "账号完成认证、手机号有效;单独一项仅作提示",
                "the account is verified and the phone can be dialled; one sign alone only informs",
            ),
            ended=_RIGHT if episode.status == "resolved" else ("已过期", "It is long ago"),
            steps=steps,
        )


_RIGHT = ("信息已更正", "It was put right")
_AS_ANY_OTHER = Step(
    "A4_remind", "信息已更正,按普通订单处理", "It was put right: serve the orders as any other"
)
_NEXT_TIME = Step(
    "A4_remind",
    "该买家再下单时,发货前先联系确认",
    "Should the buyer order again, reach the buyer before shipping",
)


def _case(signs: list[Sign], facts: Facts, rules: Rules) -> Case:
    standing = [sign for sign in signs if sign.cleared_ms is None]
    resolved_ms = None
    cleared_ms = NEVER
    counted = standing
    if not standing:
        # Over; what it was at its last moment is what it stays.
        resolved_ms = cleared_ms = max(sign.cleared_ms or 0 for sign in signs)
        counted = [sign for sign in signs if sign.cleared_ms == cleared_ms]
    orders = facts.of(OrderPlaced)
    begins_ms = max(min(s.fact.at_ms for s in signs), min(o.at_ms for o in orders))
    if resolved_ms is not None:
        resolved_ms = max(resolved_ms, begins_ms)
    kinds = {KIND[sign.code] for sign in counted}
    beside = _beside(facts, cleared_ms, rules)
    value = len(kinds) + bool(beside)
    level: Severity = "warn" if value >= rules.warn_signs else "info"
    members: dict[tuple[type, str], AnyFact] = {
        (type(fact), fact.ref): fact
        for fact in (*(sign.fact for sign in signs), *(beside if level == "warn" else ()))
    }
    over = {fact.ref for fact in facts.of(ShippingOver)}
    paid = len({fact.order_id for fact in facts.of(OrderPaid) if fact.at_ms <= cleared_ms})
    return Case(
        signs[0].fact,
        level,
        tuple(members.values()),
        begins_ms,
        {
            "why": ",".join(sorted({sign.code for sign in counted})),
            "kinds": len(kinds),
            "is_unshipped": int(any(order.ref not in over for order in orders)),
        },
        (Threshold("signs", value, "kinds", rules.warn_signs, None, 1),),
        (
            (
                f"多数未认证账号属于普通新用户;该买家已付款订单{paid}笔",
                f"Most such accounts are honest newcomers; {paid} orders of this buyer are paid",
            ),
        ),
        resolved_ms,
    )


def _beside(facts: Facts, until_ms: int, rules: Rules) -> list[AnyFact]:
    """What makes an odd identity worth a warning: a doubted address that stands then, or a large order.

    An order that came once the identity was right says nothing about an odd one.
    """
    doubted: list[AnyFact] = [
        doubt
        for order in doubted_orders(facts)
        if (doubt := _standing_at(order, until_ms)) is not None and doubt.address
    ]
    large = [
        order
        for order in large_orders(facts)
        if order.at_ms <= until_ms and order.units >= rules.large_units
    ]
    return [*doubted, *large]


def _standing_at(order: DoubtedOrder, until_ms: int) -> ReceiverDoubted | None:
    """The doubted receiver of an order that stands at that time; one replaced at that very time does not."""
    if until_ms == NEVER:
        return order.standing
    told = [doubt for doubt in order.doubts if doubt.at_ms <= until_ms]
    if not told:
        return None
    # Of the receivers without a doubt only the newest is kept: one between two doubts speaks for nobody.
    later = [doubt.at_ms for doubt in order.doubts[len(told) :]]
    later += [order.redirected_ms] if order.standing is None else []
    return told[-1] if min(later, default=NEVER) > until_ms else None


DETECTORS = (SuspiciousIdentity(),)
