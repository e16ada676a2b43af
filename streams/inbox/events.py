"""What a step of a person says to the detectors: events of the contract, derived from alert and step.

Pure. An event's id follows from the step that it tells of, so that sending it again changes nothing.
The trap: only an alert about a buyer names the key under which detection would look; what is done
about an item, a shop or an identity stays in the inbox.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Final, Literal, get_args

from schemas.alerts import Alert, EvidenceFact
from schemas.base import LONGEST_ID, BuyerEvent
from schemas.events.aftersales import FilingAccepted, FilingRejected, FilingSubmitted
from schemas.events.people import AccountFlags, ContactAttempted, RechargeReconciled
from streams.inbox.workflow import Channel, Label, RechargeResult

Topic = Literal["contacts", "filings", "recharges", "accounts", "timers", "control"]
FilingStep = Literal["submitted", "accepted", "rejected"]
# Those of events, that of deadlines that turn (`turns`), and that of words on top-ups of stock (`approvals`).
TOPICS: Final[tuple[Topic, ...]] = get_args(Topic)
_NAMESPACE: Final = uuid.UUID("5f0f4f0e-4f0c-5c1e-9a57-2d6c1f8a7b43")
# Facts that are named by their order; others say `order_id` if they are about one.
_NAMED_BY_ORDER: Final = frozenset(
    {
        "OrderPlaced",
        "OrderClosed",
        "ClosedBySeller",
        "Shipped",
        "ShippingOver",
        "LargeOrder",
        "Identified",
        "Redirected",
        "ReturnUnderWay",
    }
)
# What is said in a chat may be about somebody else's order, as a bait for its receiver is (D13); and a
# signal tells what others did.
_SAID: Final = frozenset(
    {
        "ChatSaid",
        "ChatRevealed",
        "ChatRefused",
        "SaidStockout",
        "SaidMistake",
        "SaidUnsent",
        "SaidKeep",
        "AskedToRefuse",
        "AskedToApply",
        "AskedToPlace",
        "AskedForFreight",
        "OfferedMoney",
        "SaidNotOurs",
        "PromisedCashback",
        "Talked",
        "ReasonGiven",
        "BuyerTold",
        "OwnMoney",
        "Contacted",
        "Signal",
    }
)


def buyer_of(alert: Alert) -> str | None:
    """The buyer whom the alert is about, if it is about one."""
    shop, _, buyer = alert.subject.id.partition(":")
    is_buyer = alert.subject.kind == "buyer" and shop == alert.shop_id
    return buyer if is_buyer and _is_id(buyer) else None


def orders_of(alert: Alert) -> tuple[str, ...]:
    """The orders that the alert's facts are about, each once, in the order of its facts."""
    return _orders(alert.evidence.facts)


def own_orders_of(alert: Alert) -> tuple[str, ...]:
    """Those of `orders_of` that the buyer, whom the alert is about, has placed for certain."""
    return _orders(fact for fact in alert.evidence.facts if fact.kind not in _SAID)


def _orders(facts: Iterable[EvidenceFact]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for fact in facts:
        if order := order_of(fact):
            found[order] = None
    return tuple(found)


def buyers_of(alert: Alert) -> frozenset[str]:
    """The buyers of the shop whom the alert is about or names."""
    named: set[object] = {buyer_of(alert)}
    for fact in alert.evidence.facts:
        named |= {fact.detail.get("buyer"), fact.detail.get("banned")}
    return frozenset(str(buyer) for buyer in named if _is_id(buyer))


def order_of(fact: EvidenceFact) -> str | None:
    """The order that a fact is about. What a signal tells of another subject's order is not asked."""
    order = fact.ref if fact.kind in _NAMED_BY_ORDER else fact.detail.get("order_id")
    return str(order) if _is_id(order) else None


def recharge_of(alert: Alert) -> tuple[str, str] | None:
    """The top-up without a result that the alert is about, and its order; None unless it is one."""
    sent = [fact for fact in alert.evidence.facts if fact.kind == "RechargeSubmitted"]
    if buyer_of(alert) is None or len(sent) != 1:
        return None
    order = sent[0].detail.get("order_id")
    return (sent[0].ref, str(order)) if _is_id(order) and _is_id(sent[0].ref) else None


def _is_id(value: object) -> bool:
    # Alerts say what facts say, and the contract of events is narrower than that of alerts.
    return isinstance(value, str) and 1 <= len(value) <= LONGEST_ID


def derived_id(subject_id: str, occasion: str, about: str) -> str:
    """Equal for the same occasion, a step or a time, of the same alert or ban, wherever it is asked for."""
    return str(uuid.uuid5(_NAMESPACE, f"{about}\n{subject_id}\n{occasion}"))


def contacted(
    alert: Alert, request_id: str, at: datetime, channel: Channel, *, answered: bool
) -> ContactAttempted | None:
    """An attempt to reach the buyer; it names the order where there is only one."""
    buyer, orders = buyer_of(alert), orders_of(alert)
    if buyer is None:
        return None
    return ContactAttempted(
        event_id=derived_id(alert.alert_id, request_id, "contacts"),
        schema_version=1,
        occurred_at=at,
        shop_id=alert.shop_id,
        buyer_id=buyer,
        type="attempted",
        order_id=orders[0] if len(orders) == 1 else None,
        channel=channel.value,
        answered=answered,
    )


def filed(
    alert: Alert,
    request_id: str,
    at: datetime,
    kind: FilingStep,
    filing_id: str,
    order_id: str,
    label: Label | None = None,
) -> BuyerEvent | None:
    """One step of a filing (备案)."""
    buyer = buyer_of(alert)
    if buyer is None:
        return None
    event_id = derived_id(alert.alert_id, request_id, "filings")
    shop_id = alert.shop_id
    if kind == "submitted":
        return FilingSubmitted(
            event_id=event_id,
            schema_version=1,
            occurred_at=at,
            shop_id=shop_id,
            buyer_id=buyer,
            filing_id=filing_id,
            order_id=order_id,
            type="submitted",
            label=label.value if label else None,
        )
    answer = FilingAccepted if kind == "accepted" else FilingRejected
    return answer.model_validate(
        {
            "event_id": event_id,
            "schema_version": 1,
            "occurred_at": at,
            "shop_id": shop_id,
            "buyer_id": buyer,
            "filing_id": filing_id,
            "order_id": order_id,
            "type": kind,
        }
    )


def reconciled(
    alert: Alert, request_id: str, at: datetime, result: RechargeResult, reason: str
) -> RechargeReconciled | None:
    """What a person found out about a top-up; None unless the alert is about one."""
    recharge, buyer = recharge_of(alert), buyer_of(alert)
    if recharge is None or buyer is None:
        return None
    return RechargeReconciled(
        event_id=derived_id(alert.alert_id, request_id, "recharges"),
        schema_version=1,
        occurred_at=at,
        shop_id=alert.shop_id,
        buyer_id=buyer,
        recharge_id=recharge[0],
        order_id=recharge[1],
        type="reconciled",
        status=result,
        reason=reason or None,
    )


def flagged(
    ban_id: str, shop_id: str, buyer_id: str, at: datetime, *, is_banned: bool
) -> AccountFlags:
    """That a ban stands, or stands no more, at a time. It leaves all else that is known of the account."""
    return AccountFlags(
        event_id=derived_id(ban_id, f"{is_banned} {at.isoformat()}", "accounts"),
        schema_version=1,
        occurred_at=at,
        shop_id=shop_id,
        buyer_id=buyer_id,
        type="flags",
        is_banned=is_banned,
    )
