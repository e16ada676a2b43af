"""What a buyer tells the identities behind orders that stay unpaid.

An honest buyer pays in time and tells nothing. The trap: what is told no longer counts as taken back,
so nothing may be left out for being too much that was told before.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from streams.detect.detector import Facts
from streams.detect.episodes import Told
from streams.detect.facts import (
    DAY_MS,
    NEVER,
    Identified,
    OrderClosed,
    OrderPaid,
    OrderPlaced,
    PayerSeen,
    PaymentFailed,
    Redirected,
    Signal,
    by_time,
)
from streams.detect.orders import first_paid_ms
from streams.detect.unpaid import counts_from_ms

UNPAID: Final = "unpaid_identity"
LINKED: Final = "linked_order"
PAYER: Final = "payer"
# Strangers hardly ever share one of these; an address or a name they may.
STRONG_KINDS: Final = frozenset({"phone", "device"})
# Who pays may do it for strangers (代付, or an account of the shop's own that is told by mistake). Those who
# pay in time tell nobody, so nothing says of how many it is.
TYING_KINDS: Final = STRONG_KINDS | {PAYER}
# Taking back and telling again count versions up by one; anything new must count for more than that.
_NEWS: Final = 1 << 20
# Later than every time there is, yet small enough to be added to others.
_FAR_MS: Final = 1 << 48
# What is not paid by then never is: platforms wait for three days at most.
PAID_WITHIN_MS: Final = 3 * DAY_MS
# Of a flood of accounts the first ones tie: each is told of every order.
MAX_ACCOUNTS: Final = 5
# An order names the largest of its items, for stock.
MAX_TOLD_ITEMS: Final = 5


class Graces(NamedTuple):
    """How long an order may wait for its payment before an identity hears of it, in milliseconds."""

    strong_ms: int
    weak_ms: int
    failed_payment_ms: int


class Accounts:
    """The accounts that a buyer's payments came from, or were tried from."""

    def __init__(self, facts: Facts) -> None:
        self._seen = facts.of(PayerSeen)
        self._seen_ms = [seen.at_ms for seen in self._seen]

    def known(self, placed_ms: int, until_ms: int) -> list[str]:
        """Their hashes: the first that were seen from a retention before an order was placed until then."""
        places = self._seen_ms
        first = bisect_left(places, placed_ms - PayerSeen.ties_for_ms)
        found: dict[str, None] = {}
        for place in range(first, bisect_right(places, until_ms)):
            found[self._seen[place].account] = None
            if len(found) == MAX_ACCOUNTS:
                break
        return list(found)


class UnpaidOrder(NamedTuple):
    """One order with identities: when it was paid or closed, and the version of what is known of it."""

    placed: OrderPlaced
    identities: Sequence[tuple[str, str]]
    paid_ms: int
    end_ms: int
    failed: Sequence[int]
    paid_before: int
    version: int
    # What every identity hears of it, beside its name.
    details: Mapping[str, int | str]

    def counted_ms(self, graces: Graces) -> tuple[int, int]:
        """From when it counts as unpaid towards strong identities, and towards all others."""
        strong_ms, weak_ms, failed_ms = graces
        placed_ms, failed = self.placed.at_ms, self.failed
        return (
            counts_from_ms(placed_ms, strong_ms, failed, failed_ms),
            counts_from_ms(placed_ms, weak_ms, failed, failed_ms),
        )


def earlier(at_ms: int | None) -> int:
    """What something of which the first time counts adds to a version: more, the earlier it was."""
    return 0 if at_ms is None else _FAR_MS - at_ms


def first_of_days(told: Sequence[Told], most: int) -> list[Told]:
    """So many of each day, by when the orders were placed: what is left out was never told."""
    days: Counter[int] = Counter()
    found = []
    for one in sorted(told, key=lambda one: by_time(one.signal)):
        day = one.signal.at_ms // DAY_MS
        days[day] += 1
        if days[day] <= most:
            found.append(one)
    return found


def orders_with_identities(facts: Facts, grace_ms: int) -> Iterator[UnpaidOrder]:
    """The buyer's orders not paid within the grace of which identities are known, oldest first.

    Cost: for a buyer who pays in time, one pass over the orders and the payments kept.
    """
    paid = first_paid_ms(facts)
    late = [p for p in facts.of(OrderPlaced) if paid.get(p.ref, NEVER) > p.at_ms + grace_ms]
    if not late:
        return
    versions: defaultdict[str, int] = defaultdict(int)
    # Most are never paid.
    if any(order.ref in paid for order in late):
        for payment in facts.of(OrderPaid):
            versions[payment.order_id] += payment.at_ms
    closed = {fact.ref: fact.at_ms for fact in facts.of(OrderClosed)}
    failed: defaultdict[str, list[int]] = defaultdict(list)
    for failure in facts.of(PaymentFailed):
        failed[failure.order_id].append(failure.at_ms)
    seen = {fact.ref: fact for fact in facts.of(Identified)}
    changed = {fact.ref: fact for fact in facts.of(Redirected)}
    payments = sorted(paid.values())
    for placed in late:
        name = placed.ref
        identified, redirected = seen.get(name), changed.get(name)
        if identified is None and redirected is None:
            continue
        paid_ms = paid.get(name, NEVER)
        paid_before = bisect_right(payments, placed.at_ms)
        end_ms = min(paid_ms, closed.get(name, NEVER))
        version = placed.at_ms + versions[name] + earlier(closed.get(name)) + sum(failed[name])
        yield UnpaidOrder(
            placed,
            identities_of(identified, redirected),
            paid_ms,
            end_ms,
            failed[name],
            paid_before,
            version + (redirected.at_ms if redirected else 0) + paid_before * _NEWS,
            _details(placed, paid_ms, end_ms, redirected or identified),
        )


def _details(
    placed: OrderPlaced, paid_ms: int, end_ms: int, where: Identified | Redirected | None
) -> dict[str, int | str]:
    details: dict[str, int | str] = {}
    if where and where.place:
        # Its address is told to nobody; that it has one of these is all that is said of it.
        details["place"] = where.place
    if paid_ms < NEVER:
        details["paid_ms"] = paid_ms
    if end_ms < NEVER:
        details["until_ms"] = end_ms
    for number, (item_id, units) in enumerate(placed.items[:MAX_TOLD_ITEMS]):
        details[f"item{number}"] = item_id
        details[f"units{number}"] = units
    return details


def identities_of(
    identified: Identified | None, redirected: Redirected | None
) -> list[tuple[str, str]]:
    """What an order is tied to now, as (kind, hash), without an address known to be everybody's.

    A redirected order keeps nothing of what it said before but its device.
    """
    where = redirected or identified
    found = list(where.identities) if where else []
    if redirected and identified and identified.device:
        found.append(("device", identified.device))
    if where and where.place:
        return [(kind, hashed) for kind, hashed in found if kind != "address"]
    return found


class TiedOrder(NamedTuple):
    """An order and all that it is tied to, as (kind, hash). `at_ms` is when it was first heard of."""

    at_ms: int
    place: str
    identities: Sequence[tuple[str, str]]


def tied_orders(facts: Facts, accounts: Accounts | None = None) -> dict[str, TiedOrder]:
    """By order, those of which identities are known; with the accounts that may have paid for them, if given.

    Not by their payments: an order of who is banned is kept for longer than these.
    """
    seen = {fact.ref: fact for fact in facts.of(Identified)}
    changed = {fact.ref: fact for fact in facts.of(Redirected)}
    found = {}
    for ref in dict.fromkeys((*seen, *changed)):
        identified, redirected = seen.get(ref), changed.get(ref)
        first, where = identified or redirected, redirected or identified
        assert first is not None and where is not None
        identities = identities_of(identified, redirected)
        if identities and accounts:
            known = accounts.known(first.at_ms, first.at_ms + PAID_WITHIN_MS)
            identities += [(PAYER, account) for account in known]
        found[ref] = TiedOrder(first.at_ms, where.place, identities)
    return found


def tell(
    subject: str, order: UnpaidOrder, identity: str, counted_ms: int, *, settles: bool = False
) -> Told:
    """What an identity (`kind:hash`) hears of an order that counts as unpaid from `counted_ms`.

    `settles`: an account of which nothing was known until it paid for the order, if late.
    What is known of an order only grows, and so does the version.
    """
    shop, _, buyer = subject.partition(":")
    placed = order.placed
    values: dict[str, int | str | bool] = {
        "buyer": buyer,
        "order": placed.ref,
        "units": placed.units,
        "counted_ms": counted_ms,
        "paid_before": order.paid_before,
        **order.details,
    }
    if settles:
        values["settles"] = True
    signal = Signal(
        placed.at_ms,
        placed.event_id,
        f"{UNPAID}/{identity}/{buyer}/{placed.ref}",
        UNPAID,
        order.version,
        values,
    )
    return Told("identity", f"{shop}:{identity}", signal)


def late_payers(told: Iterable[Signal], besides: Collection[object]) -> int:
    """How many buyers but these left an order unpaid for too long and paid it after all."""
    late = (s.values["buyer"] for s in told if s.name == UNPAID and "paid_ms" in s.values)
    return len({buyer for buyer in late if buyer not in besides})


def pass_on(identity_subject: str, signal: Signal) -> Told:
    """The same for the shop, which ties the orders of many identities together."""
    shop, _, identity = identity_subject.partition(":")
    values = signal.values
    passed = Signal(
        signal.at_ms,
        signal.event_id,
        f"{LINKED}/{identity}/{values.get('buyer')}/{values.get('order')}",
        LINKED,
        signal.version,
        {**values, "identity": identity},
    )
    return Told("shop", shop, passed)
