"""D13 privacy_bait (套取信息): an account asks for the receiver of an order that it did not place.

The definition is docs/detectors/D13.md. What a newcomer gets wrong: whose order it is shows only by its
not being among the asker's own, so orders must be read nearly up to the question first.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Any, NamedTuple

from schemas.alerts import Severity
from streams.detect import cases
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
from streams.detect.episodes import NOTHING, Episode, Threshold, Told, Verdict
from streams.detect.facts import (
    AnyFact,
    ChatRevealed,
    ChatSaid,
    ComplaintFiled,
    DisputeOpened,
    Filed,
    Identified,
    InvoiceAsked,
    InvoiceIssued,
    InvoiceRefused,
    OrderClosed,
    OrderPaid,
    OrderPlaced,
    ParcelRefused,
    PaymentFailed,
    PickedUp,
    RechargeSubmitted,
    Redirected,
    RefundGranted,
    RefundRefused,
    RefundRequested,
    RefundWithdrawn,
    ReturnArrived,
    ReturnInspected,
    ReturnUnderWay,
    ReviewStood,
    SaidNotOurs,
    Shipped,
    ShippingOver,
    Signal,
)
from streams.detect.playbooks import KEEP_RECEIVER_PRIVATE

# Facts that only an order of the buyer's own gives rise to: all that are about one, but for what was said.
_NAMED_AFTER_THE_ORDER = (
    OrderPlaced,
    Redirected,
    OrderClosed,
    Shipped,
    PickedUp,
    ShippingOver,
    ReturnUnderWay,
)
_ABOUT_THE_ORDER: tuple[type[Any], ...] = (
    *(OrderPaid, PaymentFailed, ParcelRefused, ReviewStood, ComplaintFiled, Filed),
    *(RefundRequested, RefundRefused, RefundWithdrawn, RefundGranted),
    *(ReturnArrived, ReturnInspected, DisputeOpened),
    *(InvoiceAsked, InvoiceRefused, InvoiceIssued, RechargeSubmitted),
)
# Less of a number may be of anybody's.
_LEAST_OF_A_NUMBER = 8
# What it tells an order of which an account asked the receiver; D17 reads it.
SIGNAL = "address_asked"


class Rules(RuleBlock):
    """Thresholds of D13, all proposed."""

    named_within_s: Seconds
    leak_within_s: Seconds
    orders_read_before_s: Seconds
    foreign_orders: Count
    expire_after_s: Seconds


class Ask(NamedTuple):
    """A question for a receiver, and the message that names the orders (often the same)."""

    message: ChatSaid
    naming: ChatSaid
    orders: tuple[str, ...]


class PrivacyBait(Detector[Rules]):
    """D13 on buyers: one case per question; tells each order that was asked about.

    Cost: linear in the messages that carry signals, for the few who ask.
    """

    id = "D13"
    name = "privacy_bait"
    subject = "buyer"
    triggers = (ChatSaid,)
    topics = ("orders",)
    rules = Rules
    reads_receivers = True
    wording = Wording(
        title=("套取信息", "Fishing for data"),
        thresholds={
            "orders_not_own": ("询问的他人订单", "Orders of others asked about"),
            "replies_with_foreign_numbers": ("含他人号码的回复", "Replies with numbers of others"),
        },
        rules={
            "leak_within_s": ("询问后多久内的回复算泄露", "A reply gives data away within"),
            "orders_read_before_s": (
                "订单须已读到询问前",
                "Orders are read up to, before the question",
            ),
            "foreign_orders": ("询问的他人订单数", "Orders of others asked about"),
        },
    )

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        asked = foreign_asks(facts, rules.named_within_s)
        if not asked:
            return NOTHING
        # An own order that has not been read yet would contradict it. But the agent answers within
        # seconds, so of the last minutes before the question that is accepted, and taken back.
        lead_ms = rules.orders_read_before_s * 1000
        settled = [
            ask
            for ask in asked
            if len(ask.orders) >= rules.foreign_orders and ask.message.at_ms - lead_ms <= horizon_ms
        ]
        replies = _Replies(facts)
        found = [_case(ask, replies, facts, rules) for ask in settled]
        wakes = [ask.message.at_ms - lead_ms for ask in asked]
        verdict = cases.verdict(self.id, found, horizon_ms, rules.expire_after_s, wakes)
        return verdict._replace(
            signals=[told for ask in asked for told in _tell(facts, ask)],
            insufficient=("older_orders_unknown",) if settled and facts.had_older else (),
        )

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        d = episode.details
        buyer = subject.partition(":")[2]
        own_zh, own_en = _MAY_BE_OWN if d["may_be_own"] else ("", "")
        if d["is_elsewhere"]:
            own_zh, own_en = own_zh + _ELSEWHERE[0], own_en + _ELSEWHERE[1]
        return Presentation(
            title=(
                "询问未见属于该账号的订单的收货信息",
                "Receiver asked for of an order not known to be this account's",
            ),
            summary=(
                f"{buyer}询问订单{d['order']}的收货信息,但未见该账号拍下此订单{own_zh},请勿透露收货信息。"
                + ("客服回复中出现了未见属于该账号的号码,请立即核查。" if d["leaks"] else ""),
                f"{buyer} asks for the receiver of order {d['order']}, which this account is not known "
                f"to have placed{own_en}. Don't disclose it."
                + (
                    " A reply holds a number that is not known to be this account's: look into it at once."
                    if d["leaks"]
                    else ""
                ),
            ),
            not_if=(
                "订单由该账号拍下;没有询问地址、电话或收件人",
                "the account placed the order; no question for address, phone or receiver",
            ),
            ended=("之后没有再询问", "It was not asked again"),
            steps=(
                Step(
                    "A11_warn_agent",
                    "提醒客服:收货信息只能由下单账号在订单详情中查看",
                    "Warn the agent: only the account that ordered may see its receiver",
                ),
                KEEP_RECEIVER_PRIVATE,
                Step(
                    "A6_evidence_pack",
                    "保存询问的聊天记录和举证号",
                    "Keep the chat and its evidence number",
                ),
            ),
        )


# L4: that an order is not among those of an account proves nothing where older ones are not kept.
_MAY_BE_OWN = (
    "(该账号更早的订单已不保存,也可能是其本人的)",
    " (its older orders are not kept, so this one may be its own)",
)

# Whoever writes to the wrong shop gets nothing from it.
_ELSEWHERE = ("(客服称不是本店订单)", " (none of this shop's, an agent wrote)")


def foreign_asks(facts: Facts, named_within_s: int) -> list[Ask]:
    """The questions for receivers of orders that nothing ties to this buyer, oldest first."""
    messages = facts.of(ChatSaid)
    if not any("address.ask" in message.found for message in messages):
        return []
    own = _own_orders(facts)
    namings = [message for message in messages if message.orders]
    naming_times = [message.at_ms for message in namings]
    found = []
    for message in messages:
        if "address.ask" not in message.found:
            continue
        naming = message
        if not message.orders:
            last = bisect_right(naming_times, message.at_ms) - 1
            if last < 0 or naming_times[last] < message.at_ms - named_within_s * 1000:
                continue
            naming = namings[last]
        orders = tuple(
            [
                order
                for order in naming.orders
                if order not in own and not any(_is_slip(order, one) for one in own)
            ]
        )
        # Whoever names an own order beside another number means that one.
        if orders and len(orders) == len(naming.orders):
            found.append(Ask(message, naming, orders))
    return found


def _own_orders(facts: Facts) -> set[str]:
    """The orders that are tied to the buyer by any fact: orders older than what is kept as well."""
    own = {fact.ref for kind in _NAMED_AFTER_THE_ORDER for fact in facts.of(kind)}
    return own | {fact.order_id for kind in _ABOUT_THE_ORDER for fact in facts.of(kind)}


def _is_slip(typed: str, own: str) -> bool:
    """Whether a number is an own order's, copied by halves or with a slip that makes no neighbour of it.

    A digit left out or typed twice, or two that changed places. Another digit in its place may be the next
    order of the shop, which is somebody else's.
    """
    if len(typed) < _LEAST_OF_A_NUMBER:
        return False
    if typed in own:
        return True
    if abs(len(typed) - len(own)) == 1:
        short, long = sorted((typed, own), key=len)
        at = next(
            (i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short)
        )
        return short[at:] == long[at + 1 :]
    if len(typed) != len(own):
        return False
    off = [i for i, (a, b) in enumerate(zip(typed, own, strict=True)) if a != b]
    return (
        len(off) == 2
        and off[1] == off[0] + 1
        and (typed[off[0]], typed[off[1]]) == (own[off[1]], own[off[0]])
    )


class _Replies:
    """The seller's messages with numbers that are not the buyer's own, asked by time."""

    def __init__(self, facts: Facts) -> None:
        own = {identified.phone for identified in facts.of(Identified)}
        own |= {redirected.phone for redirected in facts.of(Redirected)}
        self._found = [r for r in facts.of(ChatRevealed) if not own.issuperset(r.tokens)]
        self._times = [reply.at_ms for reply in self._found]

    def within(self, from_ms: int, to_ms: int) -> list[ChatRevealed]:
        """Those between two moments, both included."""
        return self._found[bisect_left(self._times, from_ms) : bisect_right(self._times, to_ms)]


def _case(ask: Ask, replies: _Replies, facts: Facts, rules: Rules) -> cases.Case:
    at_ms = ask.message.at_ms
    until_ms = at_ms + rules.leak_within_s * 1000
    leaks = replies.within(at_ms, until_ms)
    is_elsewhere = not leaks and any(
        at_ms <= said.at_ms <= until_ms and said.order_id in ("", *ask.orders)
        for said in facts.of(SaidNotOurs)
    )
    rests_on: list[AnyFact] = [ask.message, ask.naming, *leaks]
    members = {fact.event_id: fact for fact in rests_on}
    return cases.Case(
        anchor=ask.message,
        level="info" if is_elsewhere else _level(may_be_own=facts.had_older, has_leak=bool(leaks)),
        members=list(members.values()),
        opened_at_ms=at_ms,
        details={
            "order": ask.orders[0],
            "orders": len(ask.orders),
            "leaks": len(leaks),
            "may_be_own": int(facts.had_older),
            "is_elsewhere": int(is_elsewhere),
        },
        thresholds=(
            Threshold("orders_not_own", len(ask.orders), "orders", rules.foreign_orders),
            Threshold("replies_with_foreign_numbers", len(leaks), "messages", None, 1),
        ),
        counter=(
            (
                f"该账号已知订单{len(facts.of(OrderPlaced))}笔;更早的订单可能未被记录",
                f"{len(facts.of(OrderPlaced))} orders of this account are known; older ones may not be",
            ),
        ),
    )


def _level(*, may_be_own: bool, has_leak: bool) -> Severity:
    """An order from before what is kept may be the buyer's own, and so may the number in the reply.

    But who has waited for long enough must not get others' numbers unseen, so a reply is looked into.
    """
    if may_be_own:
        return "warn" if has_leak else "info"
    return "critical" if has_leak else "warn"


def _tell(facts: Facts, ask: Ask) -> list[Told]:
    shop, _, buyer = facts.subject.partition(":")
    message = ask.message
    return [
        Told(
            "order",
            f"{shop}:{order}",
            Signal(
                message.at_ms,
                message.event_id,
                f"{SIGNAL}/{buyer}/{message.event_id}/{order}",
                SIGNAL,
                1,
                {"buyer": buyer, "order": order},
            ),
        )
        for order in ask.orders
    ]


DETECTORS = (PrivacyBait(),)
