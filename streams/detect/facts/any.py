"""The union of all kinds of facts: what a subject's state may hold."""

from __future__ import annotations

from streams.detect.facts.aftersales import (
    ComplaintFiled,
    ComplaintRuled,
    DisputeEvidence,
    DisputeOpened,
    DisputeStep,
    Filed,
    RefundGranted,
    RefundRefused,
    RefundRequested,
    RefundWithdrawn,
    ReturnArrived,
    ReturnInspected,
    ReturnUnderWay,
)
from streams.detect.facts.base import Signal
from streams.detect.facts.people import (
    AccountDoubted,
    AccountFlagged,
    AccountVerified,
    Contacted,
    InvoiceAsked,
    InvoiceIssued,
    InvoiceRefused,
    RechargeSettled,
    RechargeSubmitted,
    SellsToo,
)
from streams.detect.facts.talk import (
    AskedForFreight,
    AskedToApply,
    AskedToPlace,
    AskedToRefuse,
    BuyerTold,
    ChatRefused,
    ChatRevealed,
    ChatSaid,
    OfferedMoney,
    OwnMoney,
    PromisedCashback,
    ReasonGiven,
    ReviewGone,
    ReviewStood,
    SaidKeep,
    SaidMistake,
    SaidNotOurs,
    SaidStockout,
    SaidUnsent,
    Talked,
)
from streams.detect.facts.trade import (
    ClosedBySeller,
    Identified,
    LargeOrder,
    ListingState,
    ListingTerms,
    OrderClosed,
    OrderPaid,
    OrderPlaced,
    ParcelRefused,
    PayerSeen,
    PaymentFailed,
    PickedUp,
    PromisedSoon,
    ReceiverDoubted,
    Redirected,
    SentAbroad,
    Shipped,
    ShippingOver,
    StockReading,
)

AnyFact = (
    OrderPlaced
    | OrderClosed
    | OrderPaid
    | PaymentFailed
    | PayerSeen
    | Shipped
    | PickedUp
    | RefundRequested
    | RefundRefused
    | RefundWithdrawn
    | Contacted
    | ComplaintFiled
    | ComplaintRuled
    | Signal
    | StockReading
    | ListingState
    | Identified
    | ParcelRefused
    | ReceiverDoubted
    | Redirected
    | SentAbroad
    | LargeOrder
    | PromisedSoon
    | AccountVerified
    | AccountDoubted
    | AccountFlagged
    | SellsToo
    | InvoiceAsked
    | InvoiceRefused
    | InvoiceIssued
    | ListingTerms
    | ClosedBySeller
    | ShippingOver
    | RefundGranted
    | Filed
    | ReturnUnderWay
    | ReturnArrived
    | ReturnInspected
    | DisputeOpened
    | DisputeStep
    | DisputeEvidence
    | RechargeSubmitted
    | RechargeSettled
    | ChatSaid
    | ChatRefused
    | ChatRevealed
    | SaidStockout
    | SaidUnsent
    | SaidKeep
    | AskedToPlace
    | OfferedMoney
    | SaidMistake
    | AskedToRefuse
    | AskedToApply
    | AskedForFreight
    | Talked
    | ReasonGiven
    | BuyerTold
    | OwnMoney
    | SaidNotOurs
    | PromisedCashback
    | ReviewStood
    | ReviewGone
)
