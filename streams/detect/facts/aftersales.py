"""Facts after the sale: refunds, filings, returns, complaints and disputes."""

from __future__ import annotations

from streams.detect.facts.base import Fact, FirstFact


class RefundRequested(Fact, tag=6, frozen=True, array_like=True, gc=False):
    """A refund was asked for. `ref` is `refund_id#attempt_no`; `sub_order_id` is empty if none was named.

    `refund_only` is not so where only a part of the price is asked back. `says_sent_wrong`: the words say
    that something else or too little was sent, for which not every platform has a reason; or a stockout is
    claimed of a part only.
    """

    order_id: str
    refund_only: bool
    reason: str
    goods_status: str
    sub_order_id: str = ""
    says_sent_wrong: bool = False


class RefundRefused(Fact, tag=7, frozen=True, array_like=True, gc=False):
    """The seller refused one attempt. `ref` is `refund_id#attempt_no`; `sub_order_id` may be empty."""

    order_id: str
    sub_order_id: str = ""


class RefundWithdrawn(Fact, tag=8, frozen=True, array_like=True, gc=False):
    """The buyer took one attempt back. `ref` is `refund_id#attempt_no`."""

    order_id: str


class ComplaintFiled(Fact, tag=10, frozen=True, array_like=True, gc=False):
    """The buyer complained to the platform. `ref` is the complaint id."""

    order_id: str
    kind: str


class ComplaintRuled(Fact, tag=11, frozen=True, array_like=True, gc=False):
    """The platform ruled. `ref` is the complaint id."""

    order_id: str
    ruling: str


class RefundGranted(FirstFact, tag=60, frozen=True, array_like=True, gc=False):
    """The seller agreed to a refund, the platform ruled for the buyer, or the money went back.

    `ref` is `refund_id/agreed`, `/ruled` or `/succeeded`.
    """

    order_id: str


class Filed(FirstFact, tag=80, frozen=True, array_like=True, gc=False):
    """A step of a filing (备案). `ref` is `filing_id/kind`; `kind` is submitted, accepted or rejected.

    An accepted one is also the end of shipping (`ShippingOver`), which is what wakes.
    """

    filing_id: str
    order_id: str
    kind: str


class ReturnUnderWay(FirstFact, tag=61, frozen=True, array_like=True, gc=False):
    """The buyer sends an order back: there is a label, or a parcel. `ref` is the order id."""


class ReturnArrived(FirstFact, tag=62, frozen=True, array_like=True, gc=False):
    """A returned parcel reached the seller, who may only have told of opening it. `ref` is the return id.

    `refund_id` is empty if none was named.
    """

    order_id: str
    refund_id: str = ""


class ReturnInspected(Fact, tag=63, frozen=True, array_like=True, gc=False):
    """The seller opened a returned parcel. `ref` is the return id; -1 stands for a number not given.

    `skus` are the one expected and the one received, where they differ.
    """

    order_id: str
    result: str
    is_other_sku: bool
    expected_units: int
    received_units: int
    expected_g: int
    received_g: int
    skus: tuple[str, ...] = ()


class DisputeOpened(Fact, tag=64, frozen=True, array_like=True, gc=False):
    """A dispute was opened. `ref` is the dispute id; `country` a code of two letters, or empty.

    `countdown_ms` is when a countdown ends, 0 for none.
    """

    order_id: str
    reason: str
    is_cainiao: bool
    country: str
    countdown_ms: int


class DisputeStep(Fact, tag=65, frozen=True, array_like=True, gc=False):
    """A dispute was withdrawn, escalated or ruled. `ref` is `dispute_id/kind`.

    `kind` is the event type; `ruling`, `country` and `countdown_ms` are as of that step.
    """

    dispute_id: str
    kind: str
    ruling: str
    country: str
    countdown_ms: int


class DisputeEvidence(FirstFact, tag=66, frozen=True, array_like=True, gc=False):
    """A party added evidence. `ref` is `dispute_id/by/kind`: what matters is that, and since when.

    Of a tracking number the event id stands behind it: parcels go both ways.
    """

    dispute_id: str
    by: str
    kind: str
