"""Events of the trade itself: orders, payments, shipments, stock and listings."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.base import (
    AmountMinor,
    BuyerEvent,
    Contract,
    Currency,
    EventTime,
    Grams,
    Id,
    ItemEvent,
    LongText,
    Quantity,
    ShortText,
)


class Receiver(Contract):
    """Where a parcel goes. Personal data: it is hashed or masked before it leaves the detectors."""

    name: ShortText = ""
    phone: ShortText = ""
    country: ShortText = ""
    state: ShortText = ""
    city: ShortText = ""
    district: ShortText = ""
    detail: ShortText = ""


class OrderItem(Contract):
    """One line of an order."""

    item_id: Id
    quantity: Annotated[int, Field(ge=1, le=10**9)]
    unit_price_minor: AmountMinor
    sku_id: Id | None = None
    sub_order_id: Id | None = None
    category: ShortText | None = None


class OrderCreated(BuyerEvent):
    """A buyer placed an order. Stock is held from here until payment or closing."""

    type: Literal["created"]
    order_id: Id
    items: Annotated[list[OrderItem], Field(min_length=1, max_length=200)]
    currency: Currency
    amount_minor: AmountMinor
    post_fee_minor: AmountMinor = 0
    free_shipping: bool = False
    receiver: Receiver | None = None
    device_hash: Id | None = None
    channel: ShortText | None = None
    ship_by: EventTime | None = None


class OrderAddressChanged(BuyerEvent):
    """The receiver of an order was changed before shipping."""

    type: Literal["address_changed"]
    order_id: Id
    receiver: Receiver


class OrderClosed(BuyerEvent):
    """An order ended without being fulfilled. We only ever observe this; we never cause it.

    `closed_by` is `unknown` where the platform does not say who did it.
    """

    type: Literal["closed"]
    order_id: Id
    closed_by: Literal["buyer", "seller", "system", "unknown"]
    reason: ShortText | None = None


class OrderFinished(BuyerEvent):
    """The buyer confirmed receipt, or the platform did."""

    type: Literal["finished"]
    order_id: Id


class PaymentSucceeded(BuyerEvent):
    """An order was paid; `occurred_at` is the time of payment.

    `payer_account` names the account that pays as the platform does, whole and not masked: personal data.
    """

    type: Literal["succeeded"]
    order_id: Id
    payment_id: Id
    currency: Currency
    amount_minor: AmountMinor
    payer_account: ShortText | None = None


class PaymentFailed(BuyerEvent):
    """A payment was tried and refused: the buyer meant to pay. `payer_account`: as of `succeeded`."""

    type: Literal["failed"]
    order_id: Id
    payment_id: Id
    reason: ShortText | None = None
    payer_account: ShortText | None = None


class ShipmentEvent(BuyerEvent):
    """What all steps of a parcel share."""

    order_id: Id
    carrier: ShortText | None = None
    tracking_no: Id | None = None
    channel: ShortText | None = None


class ShipmentLabelCreated(ShipmentEvent):
    """The carrier issued a label."""

    type: Literal["label_created"]


class ShipmentShipped(ShipmentEvent):
    """The seller declared the order shipped; `promised_by` is the deadline that was promised.

    `pickup_follows` says that the carrier's `pickup` is told as well: without one this is only a click.
    """

    type: Literal["shipped"]
    promised_by: EventTime | None = None
    pickup_follows: bool = False


class ShipmentPickedUp(ShipmentEvent):
    """The carrier took the parcel: its first scan, whatever the platform calls it."""

    type: Literal["pickup"]


class ShipmentInTransit(ShipmentEvent):
    """The carrier scanned the parcel on its way."""

    type: Literal["in_transit"]


class ShipmentDelivered(ShipmentEvent):
    """The parcel was handed over."""

    type: Literal["delivered"]


class ShipmentRefused(ShipmentEvent):
    """The receiver refused the parcel."""

    type: Literal["refused"]


class ShipmentReturnedToSender(ShipmentEvent):
    """The parcel came back."""

    type: Literal["returned_to_sender"]


class ShipmentWeightRecorded(ShipmentEvent):
    """A weight was measured."""

    type: Literal["weight_recorded"]
    weight_g: Grams


class StockEvent(ItemEvent):
    """Stock of one item after something happened; absolute numbers, so duplicates do no harm."""

    on_hand: Quantity
    held_unpaid: Quantity = 0
    paid_reserved: Quantity = 0
    deduct_mode: Literal["order", "payment"] = "order"
    title: ShortText | None = None


class StockLevel(StockEvent):
    """A plain reading of the level."""

    type: Literal["level"]


class StockHeld(StockEvent):
    """An order took units out of what can be sold."""

    type: Literal["held"]
    order_id: Id
    quantity: Quantity


class StockReleased(StockEvent):
    """Units of an order came back."""

    type: Literal["released"]
    order_id: Id
    quantity: Quantity


class StockAdjusted(StockEvent):
    """Somebody corrected the level."""

    type: Literal["adjusted"]
    adjustment_id: Id
    delta: Annotated[int, Field(ge=-(10**9), le=10**9)]


class ListingEvent(ItemEvent):
    """A listing as it stands after something happened."""

    title: ShortText = ""
    category: ShortText | None = None
    claims_free_shipping: bool = False
    post_fee_minor: AmountMinor = 0
    template: ShortText | None = None
    excluded_regions: Annotated[list[ShortText], Field(max_length=200)] = []
    is_overseas: bool = False
    overseas_disclosed: bool = False
    min_price_quantity: Quantity = 1
    description: LongText = ""
    deduct_on_payment_supported: bool | None = None


class ListingPublished(ListingEvent):
    """The item went on sale for the first time."""

    type: Literal["published"]


class ListingOffShelf(ListingEvent):
    """The item stopped being for sale; `reason` is `unknown` where the platform does not say why."""

    type: Literal["off_shelf"]
    reason: Literal["sold_out", "seller", "platform", "unknown"]


class ListingOnShelf(ListingEvent):
    """The item is for sale again."""

    type: Literal["on_shelf"]


class ListingChanged(ListingEvent):
    """The listing was edited."""

    type: Literal["changed"]


Order = Annotated[
    OrderCreated | OrderAddressChanged | OrderClosed | OrderFinished, Field(discriminator="type")
]
Payment = Annotated[PaymentSucceeded | PaymentFailed, Field(discriminator="type")]
Shipment = Annotated[
    ShipmentLabelCreated
    | ShipmentShipped
    | ShipmentPickedUp
    | ShipmentInTransit
    | ShipmentDelivered
    | ShipmentRefused
    | ShipmentReturnedToSender
    | ShipmentWeightRecorded,
    Field(discriminator="type"),
]
Stock = Annotated[
    StockLevel | StockHeld | StockReleased | StockAdjusted, Field(discriminator="type")
]
Listing = Annotated[
    ListingPublished | ListingOffShelf | ListingOnShelf | ListingChanged,
    Field(discriminator="type"),
]
