"""Facts from events after the sale."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from schemas import fast_types as ev
from streams.detect import facts as f
from streams.detect.extract.times import deadline_ms, to_ms
from streams.detect.text.seller import read_seller

# A price that fell (价保), a difference, freight that was paid too much, fruit that came rotten (坏果包赔): a
# part of the price comes back, and nobody keeps goods for nothing. No reason code says so.
_OF_A_PART = re.compile(
    "|".join(
        (
            "[价價]保|保[价價]|[价價]格保[护護]|[补補退]差(?![评評])|差款|差[额額]",
            # 「质量差价格高」 and 「不退差评」 speak of neither.
            "差[价價](?![格值钱錢])",
            "部[分份]退|退[还還回]?(?:部[分份]|一部[分份]|一半)|[坏壞烂爛][果单單](?:包|比例)?[赔賠]",
            # 「不想出运费退货」 wants to keep them.
            "退[还還回]?(?:[运運邮郵]|快[递遞])[费費]|(?:[运運邮郵]|快[递遞])[费費]退(?![货貨])",
            "退[还還回]?[优優]惠|多[付收][了的]?(?:[钱錢款]|[运運邮郵][费費])",
            "price (?:protection|match|adjustment|difference)|refund (?:of )?the difference",
            # What was not delivered beside the goods, or charged beside them.
            "[赠贈]品|安[装裝][费費]|服[务務][费費]|[税稅][费費点點]|上[门門][费費]",
            "partial(?:ly)? refund|part of the (?:price|money|amount)|refund (?:a )?part",
            "(?:shipping|delivery) (?:fee|cost)|postage",
        )
    )
)
# 「仅退款不退货退运费」, 「保价没赔,全额退款」 and 「不接受部分退款」 want all of it.
_OF_ALL = re.compile(
    "[仅僅只]退款|不退[货貨]|全[额額款]|全部|全退|(?<![a-z])(?:full|whole|all) "
    "|不(?:要|想要|接受|同意)部[分份]|拒[绝絕]部[分份]|no part"
)
# 少件, 漏发 and 发错 have no reason of their own on many platforms, and of a part of a line that is out of
# stock (缺两件) none has one.
_SENT_WRONG = re.compile(
    "[发發寄]错|[发發寄]錯|错[发發寄]|錯[发發寄]|漏[发發寄]|少[发發寄装裝件]|少了?[一二两兩三几幾0-9]+[件个個只瓶包]|缺件|缺配件"
    "|wrong (?:item|colou?r|size|product)|missing (?:item|part)"
)
# Words can be typed by anybody; an amount costs what it leaves. 39.99 of 40 yuan are the price, and so is
# what lacks only the coupons, coins or freight that a platform keeps back.
_PART_PERCENT = 90


def _attempt(e: ev.RefundRequested | ev.RefundRefused | ev.RefundWithdrawn) -> str:
    return f"{e.refund_id}#{e.attempt_no}"


def _is_of_a_part(e: ev.RefundRequested) -> bool:
    # A connector that does not know what was paid may well write 0.
    if e.paid_minor:
        return 100 * e.amount_minor < _PART_PERCENT * e.paid_minor
    said = e.reason_text.lower()
    return (
        e.reason == "other" and _OF_A_PART.search(said) is not None and _OF_ALL.search(said) is None
    )


def _requested(e: ev.RefundRequested) -> tuple[f.RefundRequested]:
    return (
        f.RefundRequested(
            to_ms(e.occurred_at),
            e.event_id,
            _attempt(e),
            e.order_id,
            e.refund_only and not _is_of_a_part(e),
            e.reason,
            e.goods_status,
            e.sub_order_id or "",
            _says_sent_wrong(e),
        ),
    )


def _says_sent_wrong(e: ev.RefundRequested) -> bool:
    if e.reason == "stockout" and e.paid_minor:
        return 100 * e.amount_minor < _PART_PERCENT * e.paid_minor
    return (
        e.reason in ("other", "stockout") and _SENT_WRONG.search(e.reason_text.lower()) is not None
    )


def _refused(e: ev.RefundRefused) -> Sequence[f.RefundRefused | f.AskedToApply]:
    at_ms, about = to_ms(e.occurred_at), e.sub_order_id or ""
    refused = f.RefundRefused(at_ms, e.event_id, _attempt(e), e.order_id, about)
    # 「请补充照片后重新申请」 is as good in the form as in the chat.
    if e.reason_text and "wants_applied" in read_seller(e.reason_text).kinds:
        return refused, f.AskedToApply(at_ms, e.event_id, e.event_id, e.order_id)
    return (refused,)


def _withdrawn(e: ev.RefundWithdrawn) -> tuple[f.RefundWithdrawn]:
    return (f.RefundWithdrawn(to_ms(e.occurred_at), e.event_id, _attempt(e), e.order_id),)


def _complaint_filed(e: ev.ComplaintFiled) -> tuple[f.ComplaintFiled]:
    at_ms, order_id = to_ms(e.occurred_at), e.order_id or ""
    return (f.ComplaintFiled(at_ms, e.event_id, e.complaint_id, order_id, e.complaint_type),)


def _complaint_ruled(e: ev.ComplaintRuled) -> tuple[f.ComplaintRuled]:
    at_ms, order_id = to_ms(e.occurred_at), e.order_id or ""
    return (f.ComplaintRuled(at_ms, e.event_id, e.complaint_id, order_id, e.ruling),)


def _granted(
    e: ev.RefundAgreed | ev.RefundSucceeded,
) -> tuple[f.RefundGranted, f.ShippingOver]:
    return _refunded(e, "agreed" if isinstance(e, ev.RefundAgreed) else "succeeded")


def _decided(e: ev.RefundPlatformIntervened) -> tuple[()] | tuple[f.RefundGranted, f.ShippingOver]:
    # Who was found right by the platform is not to be complained of, and nothing is shipped any more.
    return _refunded(e, "ruled") if e.ruling == "buyer" else ()


def _refunded(e: ev.RefundEvent, step: str) -> tuple[f.RefundGranted, f.ShippingOver]:
    at_ms, event_id, order_id = to_ms(e.occurred_at), e.event_id, e.order_id
    return (
        f.RefundGranted(at_ms, event_id, f"{e.refund_id}/{step}", order_id),
        f.ShippingOver(at_ms, event_id, order_id, "refunded"),
    )


def _filed(e: ev.FilingSubmitted | ev.FilingRejected) -> tuple[f.Filed]:
    return (_filing(e, "submitted" if isinstance(e, ev.FilingSubmitted) else "rejected"),)


def _exempted(e: ev.FilingAccepted) -> tuple[f.Filed, f.ShippingOver]:
    over = f.ShippingOver(to_ms(e.occurred_at), e.event_id, e.order_id, "exempt")
    return _filing(e, "accepted"), over


def _filing(e: ev.FilingSubmitted | ev.FilingAccepted | ev.FilingRejected, kind: str) -> f.Filed:
    ref = f"{e.filing_id}/{kind}"
    return f.Filed(to_ms(e.occurred_at), e.event_id, ref, e.filing_id, e.order_id, kind)


def _under_way(e: ev.RefundBuyerReturned | ev.ReturnLabelCreated) -> tuple[f.ReturnUnderWay]:
    return (f.ReturnUnderWay(to_ms(e.occurred_at), e.event_id, e.order_id),)


def _arrived(e: ev.ReturnDelivered) -> tuple[f.ReturnArrived]:
    return (_arrival(e),)


def _arrival(e: ev.ReturnDelivered | ev.ReturnInspected) -> f.ReturnArrived:
    at_ms, about = to_ms(e.occurred_at), e.refund_id or ""
    return f.ReturnArrived(at_ms, e.event_id, e.return_id, e.order_id, about)


def _inspected(e: ev.ReturnInspected) -> tuple[f.ReturnArrived, f.ReturnInspected]:
    expected, received = e.expected_sku_id, e.received_sku_id
    skus = (expected, received) if expected and received and expected != received else ()
    return (
        # Looked at again, it has not come again: hence a fact of the first time.
        _arrival(e),
        f.ReturnInspected(
            to_ms(e.occurred_at),
            e.event_id,
            e.return_id,
            e.order_id,
            e.result,
            bool(skus),
            _given(e.expected_quantity),
            _given(e.received_quantity),
            _given(e.expected_weight_g),
            _given(e.received_weight_g),
            skus,
        ),
    )


def _given(number: int | None) -> int:
    return -1 if number is None else number


# What platforms write for the countries that a rule knows; other countries are told by their code.
_COUNTRIES = {"ITALY": "IT", "ITALIA": "IT", "ITA": "IT", "意大利": "IT", "義大利": "IT"}


def _country(written: str | None) -> str:
    """A code of two letters, or empty: facts hold no free text."""
    name = (written or "").strip().upper()
    if name in _COUNTRIES:
        return _COUNTRIES[name]
    return name if len(name) == 2 and name.isascii() and name.isalpha() else ""


def _dispute_opened(e: ev.DisputeOpened) -> tuple[f.DisputeOpened]:
    channel = (e.channel or "").lower()
    return (
        f.DisputeOpened(
            to_ms(e.occurred_at),
            e.event_id,
            e.dispute_id,
            e.order_id,
            e.reason,
            "cainiao" in channel or "菜鸟" in channel or "菜鳥" in channel,
            _country(e.country),
            deadline_ms(e.countdown_ends_at),
        ),
    )


def _dispute_step(
    e: ev.DisputeWithdrawn | ev.DisputeEscalated | ev.DisputeArbitrationWithdrawn | ev.DisputeRuled,
) -> tuple[f.DisputeStep]:
    ruling = country = ""
    countdown_ms = 0
    if isinstance(e, ev.DisputeRuled):
        kind, ruling, country = "ruled", e.ruling, _country(e.country)
        countdown_ms = deadline_ms(e.countdown_ends_at)
    elif isinstance(e, ev.DisputeEscalated):
        kind, countdown_ms = "escalated", deadline_ms(e.countdown_ends_at)
    else:
        kind = "withdrawn" if isinstance(e, ev.DisputeWithdrawn) else "arbitration_withdrawn"
    return (
        f.DisputeStep(
            to_ms(e.occurred_at),
            e.event_id,
            f"{e.dispute_id}/{kind}",
            e.dispute_id,
            kind,
            ruling,
            country,
            countdown_ms,
        ),
    )


def _dispute_evidence(e: ev.DisputeEvidenceAdded) -> tuple[f.DisputeEvidence]:
    ref = f"{e.dispute_id}/{e.by}/{e.kind}"
    if e.kind == "tracking_no":
        # That of the parcel sent, and after the ruling that of the return: either must be seen.
        ref = f"{ref}/{e.event_id}"
    at_ms = to_ms(e.occurred_at)
    return (f.DisputeEvidence(at_ms, e.event_id, ref, e.dispute_id, e.by, e.kind),)


FACTS_OF: dict[type, Callable[[Any], Sequence[f.AnyFact]]] = {
    ev.RefundRequested: _requested,
    ev.RefundRefused: _refused,
    ev.RefundWithdrawn: _withdrawn,
    ev.ComplaintFiled: _complaint_filed,
    ev.ComplaintRuled: _complaint_ruled,
    ev.RefundAgreed: _granted,
    ev.RefundPlatformIntervened: _decided,
    ev.RefundSucceeded: _granted,
    ev.FilingSubmitted: _filed,
    ev.FilingAccepted: _exempted,
    ev.FilingRejected: _filed,
    ev.RefundBuyerReturned: _under_way,
    ev.ReturnLabelCreated: _under_way,
    ev.ReturnDelivered: _arrived,
    ev.ReturnInspected: _inspected,
    ev.DisputeOpened: _dispute_opened,
    ev.DisputeWithdrawn: _dispute_step,
    ev.DisputeEscalated: _dispute_step,
    ev.DisputeArbitrationWithdrawn: _dispute_step,
    ev.DisputeRuled: _dispute_step,
    ev.DisputeEvidenceAdded: _dispute_evidence,
}
