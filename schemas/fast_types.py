"""The input events as msgspec structs: what the hot path decodes into. Generated, do not edit.

Written by `python -m schemas.generate` from schemas/base.py and schemas/events, which say what the
fields mean. Classes and fields have the same names. `gc=False` is safe: no event holds a cycle.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

EventTime = Annotated[datetime, Meta(tz=True)]
SchemaVersion = Literal[1]
ShopId = Annotated[str, Meta(min_length=1, max_length=64)]
Id = Annotated[str, Meta(min_length=1, max_length=128)]
ShortText = Annotated[str, Meta(max_length=256)]
LongText = Annotated[str, Meta(max_length=8000)]
Currency = Annotated[str, Meta(min_length=3, max_length=3)]
AmountMinor = Annotated[int, Meta(ge=0, le=1000000000000000)]
Quantity = Annotated[int, Meta(ge=0, le=1000000000)]
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


class Contract(Struct, frozen=True, gc=False, kw_only=True):
    """A frozen value of strict types. Unknown fields are dropped: old readers read new writers."""


class Event(Contract, frozen=True, gc=False, kw_only=True):
    """The header that every input event carries."""

    event_id: Id
    schema_version: SchemaVersion
    occurred_at: EventTime
    shop_id: ShopId


class BuyerEvent(Event, frozen=True, gc=False, kw_only=True):
    """An event about one buyer of one shop; its record key is `shop_id:buyer_id`."""

    buyer_id: Id


class ItemEvent(Event, frozen=True, gc=False, kw_only=True):
    """An event about one item of one shop; its record key is `shop_id:item_id`."""

    item_id: Id


class Receiver(Contract, frozen=True, gc=False, kw_only=True):
    """Where a parcel goes. Personal data: it is hashed or masked before it leaves the detectors."""

    name: ShortText = ""
    phone: ShortText = ""
    country: ShortText = ""
    state: ShortText = ""
    city: ShortText = ""
    district: ShortText = ""
    detail: ShortText = ""


class OrderItem(Contract, frozen=True, gc=False, kw_only=True):
    """One line of an order."""

    item_id: Id
    quantity: Annotated[int, Meta(ge=1, le=1000000000)]
    unit_price_minor: AmountMinor
    sku_id: Id | None = None
    sub_order_id: Id | None = None
    category: ShortText | None = None


class OrderCreated(
    BuyerEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="created"
):
    """A buyer placed an order. Stock is held from here until payment or closing."""

    type: ClassVar[Literal["created"]] = "created"
    order_id: Id
    items: Annotated[list[OrderItem], Meta(min_length=1, max_length=200)]
    currency: Currency
    amount_minor: AmountMinor
    post_fee_minor: AmountMinor = 0
    free_shipping: bool = False
    receiver: Receiver | None = None
    device_hash: Id | None = None
    channel: ShortText | None = None
    ship_by: EventTime | None = None


class OrderAddressChanged(
    BuyerEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="address_changed"
):
    """The receiver of an order was changed before shipping."""

    type: ClassVar[Literal["address_changed"]] = "address_changed"
    order_id: Id
    receiver: Receiver


class OrderClosed(BuyerEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="closed"):
    """An order ended without being fulfilled. We only ever observe this; we never cause it."""

    type: ClassVar[Literal["closed"]] = "closed"
    order_id: Id
    closed_by: Literal["buyer", "seller", "system", "unknown"]
    reason: ShortText | None = None


class OrderFinished(
    BuyerEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="finished"
):
    """The buyer confirmed receipt, or the platform did."""

    type: ClassVar[Literal["finished"]] = "finished"
    order_id: Id


class PaymentSucceeded(
    BuyerEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="succeeded"
):
    """An order was paid; `occurred_at` is the time of payment."""

    type: ClassVar[Literal["succeeded"]] = "succeeded"
    order_id: Id
    payment_id: Id
    currency: Currency
    amount_minor: AmountMinor
    payer_account: ShortText | None = None


class PaymentFailed(
    BuyerEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="failed"
):
    """A payment was tried and refused: the buyer meant to pay. `payer_account`: as of `succeeded`."""

    type: ClassVar[Literal["failed"]] = "failed"
    order_id: Id
    payment_id: Id
    reason: ShortText | None = None
    payer_account: ShortText | None = None


class ShipmentEvent(BuyerEvent, frozen=True, gc=False, kw_only=True):
    """What all steps of a parcel share."""

    order_id: Id
    carrier: ShortText | None = None
    tracking_no: Id | None = None
    channel: ShortText | None = None


class ShipmentLabelCreated(
    ShipmentEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="label_created"
):
    """The carrier issued a label."""

    type: ClassVar[Literal["label_created"]] = "label_created"


class ShipmentShipped(
    ShipmentEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="shipped"
):
    """The seller declared the order shipped; `promised_by` is the deadline that was promised."""

    type: ClassVar[Literal["shipped"]] = "shipped"
    promised_by: EventTime | None = None
    pickup_follows: bool = False


class ShipmentPickedUp(
    ShipmentEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="pickup"
):
    """The carrier took the parcel: its first scan, whatever the platform calls it."""

    type: ClassVar[Literal["pickup"]] = "pickup"


class ShipmentInTransit(
    ShipmentEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="in_transit"
):
    """The carrier scanned the parcel on its way."""

    type: ClassVar[Literal["in_transit"]] = "in_transit"


class ShipmentDelivered(
    ShipmentEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="delivered"
):
    """The parcel was handed over."""

    type: ClassVar[Literal["delivered"]] = "delivered"


class ShipmentRefused(
    ShipmentEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="refused"
):
    """The receiver refused the parcel."""

    type: ClassVar[Literal["refused"]] = "refused"


class ShipmentReturnedToSender(
    ShipmentEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="returned_to_sender"
):
    """The parcel came back."""

    type: ClassVar[Literal["returned_to_sender"]] = "returned_to_sender"


class ShipmentWeightRecorded(
    ShipmentEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="weight_recorded"
):
    """A weight was measured."""

    type: ClassVar[Literal["weight_recorded"]] = "weight_recorded"
    weight_g: Quantity


class StockEvent(ItemEvent, frozen=True, gc=False, kw_only=True):
    """Stock of one item after something happened; absolute numbers, so duplicates do no harm."""

    on_hand: Quantity
    held_unpaid: Quantity = 0
    paid_reserved: Quantity = 0
    deduct_mode: Literal["order", "payment"] = "order"
    title: ShortText | None = None


class StockLevel(StockEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="level"):
    """A plain reading of the level."""

    type: ClassVar[Literal["level"]] = "level"


class StockHeld(StockEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="held"):
    """An order took units out of what can be sold."""

    type: ClassVar[Literal["held"]] = "held"
    order_id: Id
    quantity: Quantity


class StockReleased(
    StockEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="released"
):
    """Units of an order came back."""

    type: ClassVar[Literal["released"]] = "released"
    order_id: Id
    quantity: Quantity


class StockAdjusted(
    StockEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="adjusted"
):
    """Somebody corrected the level."""

    type: ClassVar[Literal["adjusted"]] = "adjusted"
    adjustment_id: Id
    delta: Annotated[int, Meta(ge=-1000000000, le=1000000000)]


class ListingEvent(ItemEvent, frozen=True, gc=False, kw_only=True):
    """A listing as it stands after something happened."""

    title: ShortText = ""
    category: ShortText | None = None
    claims_free_shipping: bool = False
    post_fee_minor: AmountMinor = 0
    template: ShortText | None = None
    excluded_regions: Annotated[list[ShortText], Meta(max_length=200)] = []
    is_overseas: bool = False
    overseas_disclosed: bool = False
    min_price_quantity: Quantity = 1
    description: LongText = ""
    deduct_on_payment_supported: bool | None = None


class ListingPublished(
    ListingEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="published"
):
    """The item went on sale for the first time."""

    type: ClassVar[Literal["published"]] = "published"


class ListingOffShelf(
    ListingEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="off_shelf"
):
    """The item stopped being for sale; `reason` is `unknown` where the platform does not say why."""

    type: ClassVar[Literal["off_shelf"]] = "off_shelf"
    reason: Literal["sold_out", "seller", "platform", "unknown"]


class ListingOnShelf(
    ListingEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="on_shelf"
):
    """The item is for sale again."""

    type: ClassVar[Literal["on_shelf"]] = "on_shelf"


class ListingChanged(
    ListingEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="changed"
):
    """The listing was edited."""

    type: ClassVar[Literal["changed"]] = "changed"


class RefundEvent(BuyerEvent, frozen=True, gc=False, kw_only=True):
    """What all steps of a refund share. `attempt_no` counts the requests under one `refund_id`."""

    refund_id: Id
    order_id: Id
    attempt_no: Annotated[int, Meta(ge=1, le=1000)] = 1
    sub_order_id: Id | None = None


class RefundRequested(
    RefundEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="requested"
):
    """The buyer asks for money back; with `refund_only` (仅退款) the goods stay with the buyer."""

    type: ClassVar[Literal["requested"]] = "requested"
    refund_only: bool
    reason: RefundReason
    reason_text: LongText = ""
    phase: Literal["onsale", "aftersale"]
    goods_status: Literal["not_received", "received", "returned", "unknown"]
    currency: Currency
    amount_minor: AmountMinor
    paid_minor: AmountMinor | None = None


class RefundAgreed(
    RefundEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="agreed"
):
    """The seller agreed."""

    type: ClassVar[Literal["agreed"]] = "agreed"


class RefundRefused(
    RefundEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="refused"
):
    """The seller refused this attempt."""

    type: ClassVar[Literal["refused"]] = "refused"
    reason_text: LongText = ""


class RefundWithdrawn(
    RefundEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="withdrawn"
):
    """The buyer took the request back."""

    type: ClassVar[Literal["withdrawn"]] = "withdrawn"


class RefundSucceeded(
    RefundEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="succeeded"
):
    """The money went back."""

    type: ClassVar[Literal["succeeded"]] = "succeeded"
    currency: Currency
    amount_minor: AmountMinor


class RefundBuyerReturned(
    RefundEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="buyer_returned"
):
    """The buyer sent the goods back."""

    type: ClassVar[Literal["buyer_returned"]] = "buyer_returned"
    tracking_no: Id | None = None


class RefundPlatformApplied(
    RefundEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="platform_applied"
):
    """A party asked the platform to decide."""

    type: ClassVar[Literal["platform_applied"]] = "platform_applied"


class RefundPlatformIntervened(
    RefundEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="platform_intervened"
):
    """The platform decided. A refund that it ruled the buyer's counts as agreed to."""

    type: ClassVar[Literal["platform_intervened"]] = "platform_intervened"
    ruling: Literal["buyer", "seller", "split"] | None = None


class ReturnEvent(BuyerEvent, frozen=True, gc=False, kw_only=True):
    """What all steps of a returned parcel share. `refund_id` is the refund or dispute that it is for."""

    return_id: Id
    order_id: Id
    refund_id: Id | None = None


class ReturnLabelCreated(
    ReturnEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="label_created"
):
    """A label for the way back exists."""

    type: ClassVar[Literal["label_created"]] = "label_created"
    tracking_no: Id | None = None


class ReturnDelivered(
    ReturnEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="delivered"
):
    """The returned parcel reached the seller."""

    type: ClassVar[Literal["delivered"]] = "delivered"


class ReturnInspected(
    ReturnEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="inspected"
):
    """The seller opened the returned parcel and compared it with what was sold."""

    type: ClassVar[Literal["inspected"]] = "inspected"
    result: Literal["match", "mismatch", "damaged"]
    expected_sku_id: Id | None = None
    received_sku_id: Id | None = None
    expected_quantity: Quantity | None = None
    received_quantity: Quantity | None = None
    expected_weight_g: Quantity | None = None
    received_weight_g: Quantity | None = None


class ComplaintEvent(BuyerEvent, frozen=True, gc=False, kw_only=True):
    """What all steps of a complaint against the shop share."""

    complaint_id: Id
    order_id: Id | None = None
    complaint_type: ComplaintType


class ComplaintFiled(
    ComplaintEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="filed"
):
    """The buyer complained to the platform."""

    type: ClassVar[Literal["filed"]] = "filed"
    text: LongText = ""


class ComplaintUpdated(
    ComplaintEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="updated"
):
    """The complaint was amended."""

    type: ClassVar[Literal["updated"]] = "updated"
    text: LongText = ""


class ComplaintRuled(
    ComplaintEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="ruled"
):
    """The platform ruled on the complaint."""

    type: ClassVar[Literal["ruled"]] = "ruled"
    ruling: Literal["upheld", "rejected", "withdrawn"]


class DisputeEvent(BuyerEvent, frozen=True, gc=False, kw_only=True):
    """What all steps of an AliExpress dispute share. A chargeback of a card is none."""

    dispute_id: Id
    order_id: Id


class DisputeOpened(
    DisputeEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="opened"
):
    """The buyer opened a dispute: it counts into the dispute rate until withdrawn."""

    type: ClassVar[Literal["opened"]] = "opened"
    reason: Literal["wrong_item", "damaged", "not_received", "quality", "return", "other"]
    channel: ShortText | None = None
    country: ShortText | None = None
    countdown_ends_at: EventTime | None = None


class DisputeEvidenceAdded(
    DisputeEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="evidence_added"
):
    """A party added evidence."""

    type: ClassVar[Literal["evidence_added"]] = "evidence_added"
    by: Literal["buyer", "seller"]
    kind: Literal["label_photo", "package_photo", "item_photo", "tracking_no", "text"]


class DisputeWithdrawn(
    DisputeEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="withdrawn"
):
    """The buyer took the dispute back; the rate clears."""

    type: ClassVar[Literal["withdrawn"]] = "withdrawn"


class DisputeEscalated(
    DisputeEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="escalated"
):
    """Negotiation ended, arbitration began."""

    type: ClassVar[Literal["escalated"]] = "escalated"
    countdown_ends_at: EventTime | None = None


class DisputeArbitrationWithdrawn(
    DisputeEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="arbitration_withdrawn"
):
    """The party that asked for arbitration took that back."""

    type: ClassVar[Literal["arbitration_withdrawn"]] = "arbitration_withdrawn"


class DisputeRuled(
    DisputeEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="ruled"
):
    """The platform ruled."""

    type: ClassVar[Literal["ruled"]] = "ruled"
    ruling: Literal["refund", "return_and_refund", "partial_refund", "rejected"]
    country: ShortText | None = None
    countdown_ends_at: EventTime | None = None


class FilingEvent(BuyerEvent, frozen=True, gc=False, kw_only=True):
    """What all steps of a filing (备案) share: the seller asks to be excused from shipping an order."""

    filing_id: Id
    order_id: Id


class FilingSubmitted(
    FilingEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="submitted"
):
    """A person filed the order on the platform; `label` is what they had found out."""

    type: ClassVar[Literal["submitted"]] = "submitted"
    label: ShortText | None = None


class FilingAccepted(
    FilingEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="accepted"
):
    """The platform accepted: the order need not be shipped, and a refund of it is agreed to."""

    type: ClassVar[Literal["accepted"]] = "accepted"


class FilingRejected(
    FilingEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="rejected"
):
    """The platform rejected: the order must be shipped as before."""

    type: ClassVar[Literal["rejected"]] = "rejected"
    reason: ShortText | None = None


class ReviewTextEvent(BuyerEvent, frozen=True, gc=False, kw_only=True):
    """A review as it stands after something happened."""

    review_id: Id
    order_id: Id
    item_id: Id | None = None
    rating: Literal["good", "neutral", "bad"]
    text: LongText = ""
    mutual_rated: bool = False
    posted_at: EventTime | None = None


class ReviewPosted(
    ReviewTextEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="posted"
):
    """A review was published."""

    type: ClassVar[Literal["posted"]] = "posted"


class ReviewAppended(
    ReviewTextEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="appended"
):
    """Text was added to a review later."""

    type: ClassVar[Literal["appended"]] = "appended"


class ReviewChanged(
    ReviewTextEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="changed"
):
    """Rating or text was changed."""

    type: ClassVar[Literal["changed"]] = "changed"


class ReviewDeleted(
    BuyerEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="deleted"
):
    """A review was taken down."""

    type: ClassVar[Literal["deleted"]] = "deleted"
    review_id: Id
    order_id: Id


class ChatMessage(BuyerEvent, frozen=True, gc=False, kw_only=True):
    """One message between buyer and seller. The text is reduced to signals and then dropped."""

    type: Literal["message"]
    chat_id: Id
    sender: Literal["buyer", "seller", "system"]
    from_account: Id | None = None
    to_account: Id | None = None
    order_id: Id | None = None
    channel: Literal["wangwang", "qq", "sms", "phone", "wechat", "other"]
    text: LongText


class ContactAttempted(BuyerEvent, frozen=True, gc=False, kw_only=True):
    """The seller tried to reach the buyer. Without `answered` nobody knows whether it was in vain."""

    type: Literal["attempted"]
    order_id: Id | None = None
    channel: Literal["wangwang", "qq", "sms", "phone", "wechat", "other"]
    answered: bool | None = None


class InvoiceEvent(BuyerEvent, frozen=True, gc=False, kw_only=True):
    """What all steps of an invoice share."""

    invoice_id: Id
    order_id: Id


class InvoiceRequested(
    InvoiceEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="requested"
):
    """The buyer asked for an invoice."""

    type: ClassVar[Literal["requested"]] = "requested"
    ship_to: Receiver | None = None


class InvoiceAddressRequested(
    InvoiceEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="address_requested"
):
    """The buyer asked to send the invoice elsewhere."""

    type: ClassVar[Literal["address_requested"]] = "address_requested"
    ship_to: Receiver


class InvoiceRefused(
    InvoiceEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="refused"
):
    """The seller refused: this costs the seller, so it is watched."""

    type: ClassVar[Literal["refused"]] = "refused"
    reason_text: LongText = ""


class InvoiceIssued(
    InvoiceEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="issued"
):
    """The invoice was issued."""

    type: ClassVar[Literal["issued"]] = "issued"


class AccountVerified(
    BuyerEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="verified"
):
    """Whether the account's owner is verified, and since when there is the account; either may be unknown."""

    type: ClassVar[Literal["verified"]] = "verified"
    alipay_verified: bool | None = None
    created_at: EventTime | None = None


class AccountFlags(BuyerEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="flags"):
    """Marks that the platform or the shop put on the account; what is left out stays as it was."""

    type: ClassVar[Literal["flags"]] = "flags"
    is_banned: bool | None = None
    is_new: bool | None = None
    phone_valid: bool | None = None


class AccountSellerCategory(
    BuyerEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="seller_category"
):
    """The buyer is a seller too, in these leaf categories."""

    type: ClassVar[Literal["seller_category"]] = "seller_category"
    is_seller: bool
    leaf_categories: Annotated[list[ShortText], Meta(max_length=100)] = []


class RechargeEvent(BuyerEvent, frozen=True, gc=False, kw_only=True):
    """What all steps of a top-up order share."""

    recharge_id: Id
    order_id: Id


class RechargeSubmitted(
    RechargeEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="submitted"
):
    """The top-up was sent to the provider."""

    type: ClassVar[Literal["submitted"]] = "submitted"
    currency: Currency
    face_value_minor: AmountMinor
    provider_ref: Id | None = None


class RechargeCallback(
    RechargeEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="callback"
):
    """The provider answered."""

    type: ClassVar[Literal["callback"]] = "callback"
    status: Literal["succeeded", "failed", "pending"]
    provider_ref: Id | None = None


class RechargeReconciled(
    RechargeEvent, frozen=True, gc=False, kw_only=True, tag_field="type", tag="reconciled"
):
    """Operations settled the outcome by hand."""

    type: ClassVar[Literal["reconciled"]] = "reconciled"
    status: Literal["succeeded", "failed"]
    reason: ShortText | None = None


Order = OrderCreated | OrderAddressChanged | OrderClosed | OrderFinished
Payment = PaymentSucceeded | PaymentFailed
Refund = (
    RefundRequested
    | RefundAgreed
    | RefundRefused
    | RefundWithdrawn
    | RefundSucceeded
    | RefundBuyerReturned
    | RefundPlatformApplied
    | RefundPlatformIntervened
)
Review = ReviewPosted | ReviewAppended | ReviewChanged | ReviewDeleted
Chat = ChatMessage
Contact = ContactAttempted
Complaint = ComplaintFiled | ComplaintUpdated | ComplaintRuled
Filing = FilingSubmitted | FilingAccepted | FilingRejected
Shipment = (
    ShipmentLabelCreated
    | ShipmentShipped
    | ShipmentPickedUp
    | ShipmentInTransit
    | ShipmentDelivered
    | ShipmentRefused
    | ShipmentReturnedToSender
    | ShipmentWeightRecorded
)
Return = ReturnLabelCreated | ReturnDelivered | ReturnInspected
Dispute = (
    DisputeOpened
    | DisputeEvidenceAdded
    | DisputeWithdrawn
    | DisputeEscalated
    | DisputeArbitrationWithdrawn
    | DisputeRuled
)
Invoice = InvoiceRequested | InvoiceAddressRequested | InvoiceRefused | InvoiceIssued
Account = AccountVerified | AccountFlags | AccountSellerCategory
Recharge = RechargeSubmitted | RechargeCallback | RechargeReconciled
Stock = StockLevel | StockHeld | StockReleased | StockAdjusted
Listing = ListingPublished | ListingOffShelf | ListingOnShelf | ListingChanged
