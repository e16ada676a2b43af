"""D14 invoice_split_bait (发票分寄): an invoice that should go elsewhere than the goods, or was refused.

It may be asked for and refused in a form of the platform, or in the chat, which names no invoice.

The definition is docs/detectors/D14.md. What a newcomer gets wrong: the request is harmless and the answer
is yes. What costs the seller is refusing, so only a refusal is warned about, and it is the seller's own.
"""

from __future__ import annotations

from collections.abc import Sequence

from schemas.alerts import Severity
from streams.detect import playbooks
from streams.detect.cases import Case, verdict
from streams.detect.detector import Detector, Facts, Presentation, RuleBlock, Seconds, Step, Wording
from streams.detect.episodes import NOTHING, Crossing, Episode, Run, Threshold, Verdict, runs
from streams.detect.facts import (
    AnyFact,
    ChatRefused,
    ChatSaid,
    Identified,
    InvoiceAsked,
    InvoiceIssued,
    InvoiceRefused,
    Redirected,
    by_time,
)


class Rules(RuleBlock):
    """D14 has no threshold of its own: one refusal is one too many."""

    cooldown_s: Seconds
    expire_after_s: Seconds


class InvoiceSplitBait(Detector[Rules]):
    """D14 on buyers: one case for each invoice, and one for each conversation about any.

    Cost: linear in the buyer's invoices, orders and messages that carry signals.
    """

    id = "D14"
    name = "invoice_split_bait"
    subject = "buyer"
    triggers = (InvoiceAsked, InvoiceRefused, ChatSaid, ChatRefused)
    topics = ("invoices", "chats")
    rules = Rules
    reads_receivers = True
    # Its warning is about what the seller's own people did.
    accuses = False
    wording = Wording(
        title=("发票分寄", "Invoice sent elsewhere"),
        thresholds={
            "split_asked": ("要求发票与商品分寄", "Asked to split invoice and goods"),
            "refusals": ("拒绝开票", "Invoices refused"),
            "sent_elsewhere": ("发票寄往别处", "Invoices to another address"),
        },
        units={"refusals": ("次", "refusals")},
    )

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        elsewhere, is_unknown = _asked_elsewhere(facts)
        refused = {fact.ref: fact for fact in facts.of(InvoiceRefused)}
        issued = {fact.ref: fact.at_ms for fact in facts.of(InvoiceIssued)}
        cases = [
            _case(elsewhere.get(name, ()), refused.get(name), issued.get(name))
            for name in sorted(elsewhere.keys() | refused.keys())
        ]
        cases += _in_chats(facts, rules)
        if not cases and not is_unknown:
            return NOTHING
        found = verdict(self.id, cases, horizon_ms, rules.expire_after_s)
        return found._replace(insufficient=("order_address_unknown",)) if is_unknown else found

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        summary = _summary(episode)
        return Presentation(
            title=("发票与商品分开邮寄", "Invoice and goods to different addresses"),
            summary=summary,
            not_if=(
                "发票与商品寄往同一地址且未被拒绝;客服只是说明没有拒绝;发票已开具",
                "both go to one address and nothing was refused; the seller only denied refusing; the "
                "invoice was issued",
            ),
            ended=_ISSUED if episode.status == "resolved" else ("已过期", "It is long ago"),
            steps=_steps(episode),
        )


_ISSUED = ("发票已开具", "The invoice was issued")
_NEVER_REFUSE = Step(
    "A11_warn_agent",
    "提醒客服:发票有求必应,不要在聊天中说不能开或不能分寄",
    "Remind the agents: never say in the chat that an invoice is not possible",
)
_SEE_IT_SENT = Step(
    "A4_remind",
    "核对发票已发往买家填写的地址",
    "See that the invoice went to the address that the buyer gave",
)


def _steps(episode: Episode) -> tuple[Step, ...]:
    """Once it is issued nobody need be told that an invoice is possible."""
    if episode.status != "resolved":
        return playbooks.INVOICE_ELSEWHERE, _NEVER_REFUSE
    return (_NEVER_REFUSE if episode.severity == "warn" else _SEE_IT_SENT,)


_NO_BAD_INTENT = (
    "公司报销常需将发票寄往别处,不代表恶意",
    "Many send the invoice to their company; that is no bad intent",
)


def _summary(episode: Episode) -> tuple[str, str]:
    order_id = episode.details["order_id"]
    is_refused = episode.severity == "warn"
    if episode.status == "resolved":
        return _summary_of_issued(str(order_id), is_refused=is_refused)
    if not order_id and is_refused:
        return (
            # Whether it was taken back is not read: 「可以开的」 does not say whether it is meant of the
            # invoice, of sending it apart, or of what it costs.
            "客服在聊天中拒绝了发票。请勿拒绝发票;尚未改口的,改为同意开具,可与商品分开邮寄。",
            "An invoice was refused in the chat. Don't refuse it: unless that was taken back already, "
            "agree, and ship it separately if asked.",
        )
    if not order_id:
        return (
            "买家在聊天中询问发票与商品分开邮寄,请勿拒绝,可分开邮寄。",
            "The buyer asks in the chat to send the invoice apart from the goods; don't refuse, ship "
            "it separately.",
        )
    if is_refused:
        return (
            f"订单{order_id}的发票被拒绝。请勿拒绝发票,改为同意开具,可与商品分开邮寄。",
            f"The invoice of order {order_id} was refused. Don't refuse it: agree, and ship it "
            "separately if asked.",
        )
    return (
        f"订单{order_id}的发票寄送地与收货地不同,请勿拒绝,可分开邮寄。",
        f"The invoice of order {order_id} goes elsewhere; don't refuse, ship it separately.",
    )


def _summary_of_issued(order_id: str, *, is_refused: bool) -> tuple[str, str]:
    what_zh = f"订单{order_id}的发票" if order_id else "聊天中谈到的发票"
    what_en = (
        f"The invoice of order {order_id}" if order_id else "The invoice spoken of in the chat"
    )
    why_zh = "曾被拒绝" if is_refused else "与商品分开邮寄"
    why_en = "was refused at first" if is_refused else "goes apart from the goods"
    return f"{what_zh}{why_zh},现已开具。", f"{what_en} {why_en}, and was issued."


def _asked_elsewhere(facts: Facts) -> tuple[dict[str, list[InvoiceAsked]], bool]:
    """The requests to another address than the order's, by invoice; whether an order's is not known."""
    address_of = {fact.ref: fact.address for fact in facts.of(Identified)}
    # A change is the newer word on the address, whenever it was made.
    address_of |= {fact.ref: fact.address for fact in facts.of(Redirected)}
    elsewhere: dict[str, list[InvoiceAsked]] = {}
    is_unknown = False
    for asked in facts.of(InvoiceAsked):
        if asked.address:
            goods_to = address_of.get(asked.order_id, "")
            is_unknown = is_unknown or not goods_to
            if goods_to and goods_to != asked.address:
                elsewhere.setdefault(asked.invoice_id, []).append(asked)
    return elsewhere, is_unknown


def _in_chats(facts: Facts, rules: Rules) -> list[Case]:
    """Step 5 of the definition: conversations in which a split was asked for, or an invoice refused."""
    told: list[ChatSaid | ChatRefused] = [
        message for message in facts.of(ChatSaid) if "invoice." in message.found
    ]
    told += facts.of(ChatRefused)
    if not told:
        return []
    told.sort(key=by_time)
    crossings = [
        Crossing(fact.at_ms, "warn" if isinstance(fact, ChatRefused) else "info", (fact,))
        for fact in told
    ]
    return [_talk(run, facts, rules) for run in runs(crossings, rules.cooldown_s * 1000)]


def _talk(run: Run, facts: Facts, rules: Rules) -> Case:
    refusals = [member for member in run.members if isinstance(member, ChatRefused)]
    named = {
        order for member in run.members if isinstance(member, ChatSaid) for order in member.orders
    }
    named |= {refused.order_id for refused in refusals if refused.order_id}
    issued = [
        fact.at_ms
        for fact in facts.of(InvoiceIssued)
        if fact.at_ms >= run.last_at_ms and (not named or fact.order_id in named)
    ]
    return Case(
        run.anchor,
        run.level,
        run.members,
        run.opened_at_ms,
        # Numbers typed into a chat need not be the order's; they only choose which invoice settles it.
        {"order_id": ""},
        (
            Threshold("split_asked", len(run.members) - len(refusals), "messages", info=1),
            Threshold("refusals", len(refusals), "messages", 1),
        ),
        (_NO_BAD_INTENT,),
        min(issued, default=None),
        cooldown_s=rules.cooldown_s,
    )


def _case(
    elsewhere: Sequence[InvoiceAsked], refused: InvoiceRefused | None, issued_ms: int | None
) -> Case:
    members: list[AnyFact] = [*elsewhere, *([refused] if refused is not None else [])]
    level: Severity = "info" if refused is None else "warn"
    opened_ms = min(member.at_ms for member in members)
    last_ms = max(member.at_ms for member in members)
    order_id = elsewhere[0].order_id if elsewhere else refused.order_id if refused else ""
    return Case(
        members[0],
        level,
        members,
        opened_ms,
        {"order_id": order_id},
        (
            Threshold("sent_elsewhere", len(elsewhere), "requests", info=1),
            Threshold("refusals", int(refused is not None), "refusals", 1),
        ),
        (_NO_BAD_INTENT,),
        issued_ms if issued_ms is not None and issued_ms >= last_ms else None,
    )


DETECTORS = (InvoiceSplitBait(),)
