"""Events of talking and identity: reviews, chats, contacts, invoices, accounts and recharges."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.base import AmountMinor, BuyerEvent, Currency, EventTime, Id, LongText, ShortText
from schemas.events.trade import Receiver


class ReviewTextEvent(BuyerEvent):
    """A review as it stands after something happened.

    `posted_at` is when it was first published: the platform counts its 30 days from there. Without it
    an appended or changed text does not say how old the review is.
    """

    review_id: Id
    order_id: Id
    item_id: Id | None = None
    rating: Literal["good", "neutral", "bad"]
    text: LongText = ""
    mutual_rated: bool = False
    posted_at: EventTime | None = None


class ReviewPosted(ReviewTextEvent):
    """A review was published."""

    type: Literal["posted"]


class ReviewAppended(ReviewTextEvent):
    """Text was added to a review later."""

    type: Literal["appended"]


class ReviewChanged(ReviewTextEvent):
    """Rating or text was changed."""

    type: Literal["changed"]


class ReviewDeleted(BuyerEvent):
    """A review was taken down."""

    type: Literal["deleted"]
    review_id: Id
    order_id: Id


class ChatMessage(BuyerEvent):
    """One message between buyer and seller. The text is reduced to signals and then dropped."""

    type: Literal["message"]
    chat_id: Id
    sender: Literal["buyer", "seller", "system"]
    from_account: Id | None = None
    to_account: Id | None = None
    order_id: Id | None = None
    channel: Literal["wangwang", "qq", "sms", "phone", "wechat", "other"]
    text: LongText


class ContactAttempted(BuyerEvent):
    """The seller tried to reach the buyer. Without `answered` nobody knows whether it was in vain."""

    type: Literal["attempted"]
    order_id: Id | None = None
    channel: Literal["wangwang", "qq", "sms", "phone", "wechat", "other"]
    answered: bool | None = None


class InvoiceEvent(BuyerEvent):
    """What all steps of an invoice share."""

    invoice_id: Id
    order_id: Id


class InvoiceRequested(InvoiceEvent):
    """The buyer asked for an invoice."""

    type: Literal["requested"]
    ship_to: Receiver | None = None


class InvoiceAddressRequested(InvoiceEvent):
    """The buyer asked to send the invoice elsewhere."""

    type: Literal["address_requested"]
    ship_to: Receiver


class InvoiceRefused(InvoiceEvent):
    """The seller refused: this costs the seller, so it is watched."""

    type: Literal["refused"]
    reason_text: LongText = ""


class InvoiceIssued(InvoiceEvent):
    """The invoice was issued."""

    type: Literal["issued"]


class AccountVerified(BuyerEvent):
    """Whether the account's owner is verified, and since when there is the account; either may be unknown."""

    type: Literal["verified"]
    alipay_verified: bool | None = None
    created_at: EventTime | None = None


class AccountFlags(BuyerEvent):
    """Marks that the platform or the shop put on the account; what is left out stays as it was."""

    type: Literal["flags"]
    is_banned: bool | None = None
    is_new: bool | None = None
    phone_valid: bool | None = None


class AccountSellerCategory(BuyerEvent):
    """The buyer is a seller too, in these leaf categories."""

    type: Literal["seller_category"]
    is_seller: bool
    leaf_categories: Annotated[list[ShortText], Field(max_length=100)] = []


class RechargeEvent(BuyerEvent):
    """What all steps of a top-up order share."""

    recharge_id: Id
    order_id: Id


class RechargeSubmitted(RechargeEvent):
    """The top-up was sent to the provider."""

    type: Literal["submitted"]
    currency: Currency
    face_value_minor: AmountMinor
    provider_ref: Id | None = None


class RechargeCallback(RechargeEvent):
    """The provider answered."""

    type: Literal["callback"]
    status: Literal["succeeded", "failed", "pending"]
    provider_ref: Id | None = None


class RechargeReconciled(RechargeEvent):
    """Operations settled the outcome by hand."""

    type: Literal["reconciled"]
    status: Literal["succeeded", "failed"]
    reason: ShortText | None = None


Review = Annotated[
    ReviewPosted | ReviewAppended | ReviewChanged | ReviewDeleted, Field(discriminator="type")
]
Chat = ChatMessage
Contact = ContactAttempted
Invoice = Annotated[
    InvoiceRequested | InvoiceAddressRequested | InvoiceRefused | InvoiceIssued,
    Field(discriminator="type"),
]
Account = Annotated[
    AccountVerified | AccountFlags | AccountSellerCategory, Field(discriminator="type")
]
Recharge = Annotated[
    RechargeSubmitted | RechargeCallback | RechargeReconciled, Field(discriminator="type")
]
