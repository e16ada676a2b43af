"""Facts of the trade itself: orders, payments, shipments, stock and listings."""

from __future__ import annotations

from typing import ClassVar

from streams.detect.facts.base import (
    BAN_RETENTION_MS,
    DAY_MS,
    SHORTEST_RETENTION_MS,
    Fact,
    FirstFact,
)

# From here on an order may be called large, whatever a shop's rules say: 「几百件」 begins well above, and S1
# speaks of sums "from a thousand". Rules may only ask for more, so the fact about it is rare.
LARGE_UNITS = 20
LARGE_AMOUNT_MINOR = 100_000
# From here on a date to ship by needs nobody's attention at once; most shops promise as much or more.
SOON_MS = 2 * DAY_MS
# Of an order with more items than this, the largest are kept: a flood of long orders must stay small.
MAX_ITEMS_PER_ORDER = 20
# Who pays often is told apart from who paid once and no more, at four facts an account at most.
PAYER_PERIOD_MS = 30 * DAY_MS


class OrderPlaced(Fact, tag=1, frozen=True, array_like=True, gc=False):
    """An order was created. `ref` is the order id; `items` are (item id, units), the largest ones.

    `units` counts all of them. `categories` are those of `items`, in their order, if any is known.
    """

    units: int
    items: tuple[tuple[str, int], ...]
    ship_by_ms: int = 0
    free_shipping: bool = False
    categories: tuple[str, ...] = ()


class OrderClosed(FirstFact, tag=2, frozen=True, array_like=True, gc=False):
    """An order was closed. `ref` is the order id; `by` is buyer, seller, system or unknown, as told first."""

    by: str


class ClosedBySeller(FirstFact, tag=16, frozen=True, array_like=True, gc=False):
    """The seller closed an order, beside its `OrderClosed`. `ref` is the order id; rare, so it may wake."""


class OrderPaid(Fact, tag=3, frozen=True, array_like=True, gc=False):
    """A payment of an order went through. `ref` is `payment_id/order_id`."""

    order_id: str


class PaymentFailed(Fact, tag=4, frozen=True, array_like=True, gc=False):
    """A payment was tried in vain. `ref` is `payment_id/order_id/event_id`: each try is one."""

    order_id: str


class PayerSeen(FirstFact, tag=95, frozen=True, array_like=True, gc=False):
    """A payment came from an account, or was tried from it. `ref` is its keyed hash and a number of 30 days.

    The first of these days, not the last payment: a later one may not take back what was tied before it.
    It is kept for as long as an order may be that was placed a whole retention after it.
    """

    retention_ms: ClassVar[int] = BAN_RETENTION_MS
    ties_for_ms: ClassVar[int] = BAN_RETENTION_MS - Fact.retention_ms

    @property
    def account(self) -> str:
        """The hash."""
        return self.ref.partition("/")[0]


class Shipped(Fact, tag=5, frozen=True, array_like=True, gc=False):
    """The seller declared an order shipped. `ref` is the order id; 0 means that nothing was promised.

    `pickup_follows`: whoever told it tells `PickedUp` as well. `parcel` is a checksum of its tracking
    number, which tells the parcels of one buyer apart; 0 where none is known.
    """

    promised_by_ms: int = 0
    pickup_follows: bool = False
    parcel: int = 0


class PickedUp(Fact, tag=81, frozen=True, array_like=True, gc=False):
    """The carrier took a parcel of an order. `ref` is the order id: the last parcel counts.

    There may be one for every order of a shop, so its `event_id` is empty: that would be most of its
    size, and only its time matters. It is no evidence by itself, and of one time all are the same.
    """


class ShippingOver(FirstFact, tag=17, frozen=True, array_like=True, gc=False):
    """From here on nothing need be shipped for an order. `ref` is the order id; the first reason counts.

    `how` is shipped, closed, refunded, top_up or exempt (an accepted filing).
    """

    how: str


class StockReading(Fact, tag=13, frozen=True, array_like=True, gc=False):
    """The stock of an item as reported. `ref` is the event id: the history is what windows need."""

    on_hand: int
    held_unpaid: int
    paid_reserved: int
    deduct_mode: str

    retention_ms: ClassVar[int] = SHORTEST_RETENTION_MS


class ListingState(Fact, tag=14, frozen=True, array_like=True, gc=False):
    """Whether an item is for sale. `ref` is the event id; `reason` says why it went off the shelf."""

    on_shelf: bool
    reason: str

    retention_ms: ClassVar[int] = SHORTEST_RETENTION_MS


class Identified(Fact, tag=40, frozen=True, array_like=True, gc=False):
    """Who an order is for. `ref` is the order id; keyed hashes, empty where unknown or withheld.

    `place` names an address that strangers share (forwarder, locker, school, office).
    """

    phone: str = ""
    address: str = ""
    consignee: str = ""
    device: str = ""
    place: str = ""

    @property
    def identities(self) -> tuple[tuple[str, str], ...]:
        """The hashes there are, as (kind, hash)."""
        return _identities(self.phone, self.address, self.consignee, self.device)


class Redirected(Fact, tag=41, frozen=True, array_like=True, gc=False):
    """The receiver of an order was changed. `ref` is the order id: the last change stands.

    It replaces everything that `Identified` says but the device.
    """

    phone: str = ""
    address: str = ""
    consignee: str = ""
    place: str = ""

    @property
    def identities(self) -> tuple[tuple[str, str], ...]:
        """The hashes there are, as (kind, hash)."""
        return _identities(self.phone, self.address, self.consignee)


class ReceiverDoubted(Fact, tag=42, frozen=True, array_like=True, gc=False):
    """A receiver, of a new order or a change, that cannot be right. `ref` is the event id.

    Codes of `streams.detect.address`, those of the address with commas between; no fact is made of a
    receiver without a doubt.
    """

    order_id: str
    address: str
    phone: str


class SentAbroad(Fact, tag=43, frozen=True, array_like=True, gc=False):
    """A receiver outside mainland China, of a new order or a change. `ref` is the event id."""

    order_id: str
    region: str


class ParcelRefused(Fact, tag=44, frozen=True, array_like=True, gc=False):
    """A parcel was refused or came back. `ref` is the event id; `how` is refused or returned."""

    order_id: str
    how: str


class PromisedSoon(Fact, tag=19, frozen=True, array_like=True, gc=False):
    """An order that must be shipped less than `SOON_MS` after it was placed. `ref` is the order id.

    Rare in most shops, so that detectors wake for it and not for every order.
    """


class LargeOrder(Fact, tag=52, frozen=True, array_like=True, gc=False):
    """An order that may be large. `ref` is the order id; `units` are those of its largest item.

    `amount_minor` says nothing without its `currency`, a code in capitals: 350,000 dong are a pair of socks.
    Rare, so that detectors wake for it and not for every order.
    """

    units: int
    amount_minor: int
    # Facts of before it was told are mostly of shops that sell in yuan.
    currency: str = "CNY"

    def amount_in(self, currency: str) -> int:
        """The amount where it is in this currency, else 0: others cannot be compared with it."""
        return self.amount_minor if self.currency == currency else 0


def _identities(
    phone: str, address: str, consignee: str, device: str = ""
) -> tuple[tuple[str, str], ...]:
    found = []
    if phone:
        found.append(("phone", phone))
    if address:
        found.append(("address", address))
    if consignee:
        found.append(("consignee", consignee))
    if device:
        found.append(("device", device))
    return tuple(found)


class ListingTerms(Fact, tag=15, frozen=True, array_like=True, gc=False):
    """What a listing promises, as flags. `ref` is the event id: an audit follows the changes.

    `extra` is `gift` or `freight` for an item that is no goods of its own, else empty.
    """

    on_shelf: bool
    says_free_shipping: bool
    has_post_fee: bool
    excludes_regions: bool
    names_exclusions: bool
    is_overseas: bool
    overseas_disclosed: bool
    min_price_quantity: int
    extra: str
    is_in_extra_category: bool
    may_deduct_on_payment: bool
