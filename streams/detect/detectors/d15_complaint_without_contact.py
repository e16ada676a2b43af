"""D15 complaint_without_contact (未联系即投诉): a complaint about freight from a buyer who never asked.

The definition is docs/detectors/D15.md. What a newcomer gets wrong: one chat on any day since the order,
whatever its hour and topic, is contact (N22); and the listing may well be wrong (N23, D26). Once the
platform has ruled, that is what is told: against a buyer who was right nothing is suggested.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from schemas.events.aftersales import ComplaintType
from streams.detect import playbooks
from streams.detect.cases import Case, verdict
from streams.detect.detector import Detector, Facts, Presentation, RuleBlock, Seconds, Step, Wording
from streams.detect.episodes import NOTHING, Episode, Threshold, Verdict
from streams.detect.facts import (
    DAY_MS,
    AskedForFreight,
    ChatRefused,
    ComplaintFiled,
    ComplaintRuled,
    Contacted,
    InvoiceAsked,
    OrderPlaced,
    RefundRequested,
    SaidMistake,
    SaidStockout,
    SaidUnsent,
    Talked,
)
from streams.detect.sellers_word import SellerSaid

# What breaks a promise, in the shop's own words.
_TOLD_BY_THE_SHOP = (AskedForFreight, SaidStockout, SaidUnsent, SaidMistake, ChatRefused)


class Rules(RuleBlock):
    """Which complaints need prior contact. Without a chat connector the silence must be switched off."""

    complaint_types: Annotated[tuple[ComplaintType, ...], Field(strict=False, min_length=1)]
    concludes_from_silence: bool
    asked_before_s: Seconds
    expire_after_s: Seconds


class ComplaintWithoutContact(Detector[Rules]):
    """D15 on buyers, one case per complaint. Cost: linear in the complaints and days of chat."""

    id = "D15"
    name = "complaint_without_contact"
    subject = "buyer"
    triggers = (ComplaintFiled,)
    topics = ("chats", "contacts", "refunds", "invoices")
    rules = Rules
    wording = Wording(
        title=("未联系即投诉", "Complaint without contact"),
        thresholds={"complaints_without_contact": ("未联系即投诉", "Complaints without contact")},
        rules={
            "complaint_types": ("计入的投诉类型", "Complaints that count"),
            "asked_before_s": (
                "下单前多久内的咨询也算联系",
                "Asking counts so long before the order",
            ),
        },
    )

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Rules) -> Verdict:
        filed = [fact for fact in facts.of(ComplaintFiled) if fact.kind in rules.complaint_types]
        if not filed or not rules.concludes_from_silence:
            return NOTHING
        placed = {fact.ref: fact for fact in facts.of(OrderPlaced)}
        ruled = {fact.ref: fact for fact in facts.of(ComplaintRuled)}
        told = SellerSaid(facts, *_TOLD_BY_THE_SHOP)
        cases: list[Case] = []
        wakes: list[int] = []
        is_unknown = False
        for complaint in filed:
            order = placed.get(complaint.order_id)
            if order is None:
                is_unknown = True
                continue
            since_ms = order.at_ms - rules.asked_before_s * 1000
            if _was_contact(facts, since_ms, complaint.at_ms):
                continue
            if _was_asked_by_form(facts, complaint):
                continue
            # Who was told by the shop itself has nothing to ask any more.
            if told.about(order.ref, complaint.at_ms):
                continue
            if horizon_ms < complaint.at_ms:
                wakes.append(complaint.at_ms)
                continue
            cases.append(_case(order, complaint, ruled.get(complaint.ref)))
        found = verdict("D15", cases, horizon_ms, rules.expire_after_s, wakes)
        return found._replace(insufficient=("order_unknown",)) if is_unknown else found

    def present(self, episode: Episode, subject: str, rules: Rules) -> Presentation:
        d = episode.details
        ruling = str(d["ruling"])
        told_zh, told_en = _TOLD[ruling]
        return Presentation(
            title=("未联系客服直接投诉", "Complaint without prior contact"),
            summary=(
                f"买家就订单{d['order']}直接投诉邮费或违背承诺,下单前后没有联系过客服,{told_zh}。"
                "请同时检查商品的包邮和运费设置。",
                f"A freight or promise complaint on order {d['order']}; nobody was asked before or since, "
                f"{told_en}. Check the listing's freight settings too.",
            ),
            not_if=(
                f"下单前{rules.asked_before_s // 86400}天至投诉当天之间有过任何聊天或接通的联系;"
                "投诉前已申请过该订单的退款或发票;"
                "卖家已要求补运费,或已称缺货、未发、错发、拒绝开票",
                f"any chat or answered contact from {rules.asked_before_s // 86400} days before the order to "
                "the day of the complaint, a refund or an invoice of the order that was asked for before, or "
                "a seller who had asked for freight, had no goods, sent none or the wrong ones, or refused "
                "an invoice",
            ),
            ended=_ENDED[ruling],
            steps=_STEPS[ruling] if ruling else _answer(str(d["kind"])),
        )


_TOLD = {
    "": ("预计不成立", "so it is expected to fail"),
    "upheld": ("平台已判定投诉成立", "and yet the platform upheld it"),
    "rejected": ("平台已判定投诉不成立", "and the platform rejected it"),
    "withdrawn": ("买家已撤诉", "and the buyer withdrew it"),
}
_ENDED = {
    "": ("投诉已久无进展", "Nothing new about the complaint for long"),
    "upheld": ("平台判定投诉成立,请检查商品设置", "The platform upheld it: check the listing"),
    "rejected": ("平台判定投诉不成立", "The platform rejected the complaint"),
    "withdrawn": ("买家已撤诉", "The buyer withdrew the complaint"),
}
_CHECK_LISTING = Step(
    "A4_remind",
    "检查该商品的包邮、运费模板和除外地区(D26)",
    "Check the item's free-shipping claim, freight template and exclusions (D26)",
)
_EXPORT_CHAT = Step(
    "A6_evidence_pack",
    "导出下单至投诉期间的聊天记录,证明买家未联系确认",
    "Export the chat from order to complaint: it shows that nobody asked",
)
# Only what was complained of may be filed: a promise need not be about freight.
_NEVER_ASKED = {
    "postage": "买家未联系客服确认运费,直接投诉邮费",
    "breach_of_promise": "买家未联系客服,直接投诉违背承诺",
}


def _answer(kind: str) -> tuple[Step, ...]:
    story_zh = _NEVER_ASKED.get(kind, "买家未联系客服,直接发起投诉")
    return _EXPORT_CHAT, _CHECK_LISTING, playbooks.complaint("异常投诉", story_zh)


_STEPS = {
    "upheld": (
        Step(
            "A4_remind",
            "查看判定理由,找出未兑现的承诺或多收的邮费",
            "Read why it was upheld: which promise was not kept, or which freight was not due",
        ),
        _CHECK_LISTING,
        Step(
            "A11_warn_agent",
            "提醒客服:该商品的邮费或承诺曾被判定有问题,主动向买家说明",
            "Tell the agents that the item's freight or promise was found wrong, so that they explain it",
        ),
    ),
    # The buyer may appeal, or complain again.
    "rejected": (_EXPORT_CHAT, _CHECK_LISTING),
    "withdrawn": (_CHECK_LISTING,),
}


def _was_contact(facts: Facts, from_ms: int, to_ms: int) -> bool:
    """Whether there was any, counting whole days: only one message of a day is kept."""
    first, last = from_ms // DAY_MS, to_ms // DAY_MS
    return any(first <= int(chat.ref) <= last for chat in facts.of(Talked)) or any(
        contact.answered and first <= contact.at_ms // DAY_MS <= last
        for contact in facts.of(Contacted)
    )


def _was_asked_by_form(facts: Facts, complaint: ComplaintFiled) -> bool:
    """Whether the buyer had asked for a refund or an invoice of the order: that goes to the shop as well."""
    asked: list[RefundRequested | InvoiceAsked] = [*facts.of(RefundRequested)]
    asked += facts.of(InvoiceAsked)
    return any(one.order_id == complaint.order_id and one.at_ms <= complaint.at_ms for one in asked)


def _case(order: OrderPlaced, complaint: ComplaintFiled, ruled: ComplaintRuled | None) -> Case:
    return Case(
        anchor=complaint,
        level="warn",
        members=(order, complaint, ruled) if ruled else (order, complaint),
        opened_at_ms=complaint.at_ms,
        details={
            "order": order.ref,
            "kind": complaint.kind,
            "ruling": ruled.ruling if ruled else "",
        },
        thresholds=(Threshold("complaints_without_contact", 1, "claims", 1),),
        counter=(
            (
                "商品设置可能确有问题(见D26);聊天未接入时此结论不成立",
                "The listing may well be wrong (see D26); it says nothing where chats are not told",
            ),
        ),
        resolved_at_ms=ruled.at_ms if ruled else None,
    )


DETECTORS = (ComplaintWithoutContact(),)
