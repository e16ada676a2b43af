"""Events after the sale: refunds, filings, returns, complaints and disputes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.base import (
    AmountMinor,
    BuyerEvent,
    Currency,
    EventTime,
    Grams,
    Id,
    LongText,
    Quantity,
    ShortText,
)

RefundReason = Literal[
    "stockout",
    "late_shipment",
    "quality",
    "ineffective",
    "allergy",
    "not_as_described",
    "wrong_item",
    "damaged",
    "not_received",
    "seven_day_no_reason",
    "no_longer_wanted",
    "other",
]
ComplaintType = Literal[
    "stockout",
    "late_shipment",
    "breach_of_promise",
    "postage",
    "privacy_leak",
    "invoice",
    "unreasonable_review",
    "abnormal_order",
    "other",
]


class RefundEvent(BuyerEvent):
    """What all steps of a refund share. `attempt_no` counts the requests under one `refund_id`.

    `sub_order_id` says which of the order's items it is about, as in `items[].sub_order_id`. A dispute that
    is told as a refund too has its `dispute_id` as `refund_id`.
    """

    refund_id: Id
    order_id: Id
    attempt_no: Annotated[int, Field(ge=1, le=1000)] = 1
    sub_order_id: Id | None = None


class RefundRequested(RefundEvent):
    """The buyer asks for money back; with `refund_only` (仅退款) the goods stay with the buyer.

    `paid_minor` is what was paid for what it is about, in the same currency: less is a part of the price.
    """

    type: Literal["requested"]
    refund_only: bool
    reason: RefundReason
    reason_text: LongText = ""
    phase: Literal["onsale", "aftersale"]
    goods_status: Literal["not_received", "received", "returned", "unknown"]
    currency: Currency
    amount_minor: AmountMinor
    paid_minor: AmountMinor | None = None


class RefundAgreed(RefundEvent):
    """The seller agreed."""

    type: Literal["agreed"]


class RefundRefused(RefundEvent):
    """The seller refused this attempt."""

    type: Literal["refused"]
    reason_text: LongText = ""


class RefundWithdrawn(RefundEvent):
    """The buyer took the request back."""

    type: Literal["withdrawn"]


class RefundSucceeded(RefundEvent):
    """The money went back."""

    type: Literal["succeeded"]
    currency: Currency
    amount_minor: AmountMinor


class RefundBuyerReturned(RefundEvent):
    """The buyer sent the goods back."""

    type: Literal["buyer_returned"]
    tracking_no: Id | None = None


class RefundPlatformApplied(RefundEvent):
    """A party asked the platform to decide."""

    type: Literal["platform_applied"]


class RefundPlatformIntervened(RefundEvent):
    """The platform decided. A refund that it ruled the buyer's counts as agreed to."""

    type: Literal["platform_intervened"]
    ruling: Literal["buyer", "seller", "split"] | None = None


class ReturnEvent(BuyerEvent):
    """What all steps of a returned parcel share. `refund_id` is the refund or dispute that it is for."""

    return_id: Id
    order_id: Id
    refund_id: Id | None = None


class ReturnLabelCreated(ReturnEvent):
    """A label for the way back exists."""

    type: Literal["label_created"]
    tracking_no: Id | None = None


class ReturnDelivered(ReturnEvent):
    """The returned parcel reached the seller."""

    type: Literal["delivered"]


class ReturnInspected(ReturnEvent):
    """The seller opened the returned parcel and compared it with what was sold."""

    type: Literal["inspected"]
    result: Literal["match", "mismatch", "damaged"]
    expected_sku_id: Id | None = None
    received_sku_id: Id | None = None
    expected_quantity: Quantity | None = None
    received_quantity: Quantity | None = None
    expected_weight_g: Grams | None = None
    received_weight_g: Grams | None = None


class ComplaintEvent(BuyerEvent):
    """What all steps of a complaint against the shop share."""

    complaint_id: Id
    order_id: Id | None = None
    complaint_type: ComplaintType


class ComplaintFiled(ComplaintEvent):
    """The buyer complained to the platform."""

    type: Literal["filed"]
    text: LongText = ""


class ComplaintUpdated(ComplaintEvent):
    """The complaint was amended."""

    type: Literal["updated"]
    text: LongText = ""


class ComplaintRuled(ComplaintEvent):
    """The platform ruled on the complaint."""

    type: Literal["ruled"]
    ruling: Literal["upheld", "rejected", "withdrawn"]


class DisputeEvent(BuyerEvent):
    """What all steps of an AliExpress dispute share. A chargeback of a card is none."""

    dispute_id: Id
    order_id: Id


class DisputeOpened(DisputeEvent):
    """The buyer opened a dispute: it counts into the dispute rate until withdrawn."""

    type: Literal["opened"]
    reason: Literal["wrong_item", "damaged", "not_received", "quality", "return", "other"]
    channel: ShortText | None = None
    country: ShortText | None = None
    countdown_ends_at: EventTime | None = None


class DisputeEvidenceAdded(DisputeEvent):
    """A party added evidence."""

    type: Literal["evidence_added"]
    by: Literal["buyer", "seller"]
    kind: Literal["label_photo", "package_photo", "item_photo", "tracking_no", "text"]


class DisputeWithdrawn(DisputeEvent):
    """The buyer took the dispute back; the rate clears."""

    type: Literal["withdrawn"]


class DisputeEscalated(DisputeEvent):
    """Negotiation ended, arbitration began."""

    type: Literal["escalated"]
    countdown_ends_at: EventTime | None = None


class DisputeArbitrationWithdrawn(DisputeEvent):
    """The party that asked for arbitration took that back."""

    type: Literal["arbitration_withdrawn"]


class DisputeRuled(DisputeEvent):
    """The platform ruled."""

    type: Literal["ruled"]
    ruling: Literal["refund", "return_and_refund", "partial_refund", "rejected"]
    country: ShortText | None = None
    countdown_ends_at: EventTime | None = None


class FilingEvent(BuyerEvent):
    """What all steps of a filing (备案) share: the seller asks to be excused from shipping an order."""

    filing_id: Id
    order_id: Id


class FilingSubmitted(FilingEvent):
    """A person filed the order on the platform; `label` is what they had found out."""

    type: Literal["submitted"]
    label: ShortText | None = None


class FilingAccepted(FilingEvent):
    """The platform accepted: the order need not be shipped, and a refund of it is agreed to."""

    type: Literal["accepted"]


class FilingRejected(FilingEvent):
    """The platform rejected: the order must be shipped as before."""

    type: Literal["rejected"]
    reason: ShortText | None = None


Refund = Annotated[
    RefundRequested
    | RefundAgreed
    | RefundRefused
    | RefundWithdrawn
    | RefundSucceeded
    | RefundBuyerReturned
    | RefundPlatformApplied
    | RefundPlatformIntervened,
    Field(discriminator="type"),
]
Filing = Annotated[FilingSubmitted | FilingAccepted | FilingRejected, Field(discriminator="type")]
Return = Annotated[
    ReturnLabelCreated | ReturnDelivered | ReturnInspected, Field(discriminator="type")
]
Complaint = Annotated[
    ComplaintFiled | ComplaintUpdated | ComplaintRuled, Field(discriminator="type")
]
Dispute = Annotated[
    DisputeOpened
    | DisputeEvidenceAdded
    | DisputeWithdrawn
    | DisputeEscalated
    | DisputeArbitrationWithdrawn
    | DisputeRuled,
    Field(discriminator="type"),
]
