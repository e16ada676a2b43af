"""Orders as they stand, from the facts of one buyer.

What a newcomer gets wrong: an order may be told anew. What an earlier telling gave rise to is then void,
though its fact is still there.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from operator import attrgetter
from typing import Generic, NamedTuple, TypeVar

from schemas.alerts import Severity
from streams.detect.detector import Facts
from streams.detect.episodes import Crossing, Run, Threshold
from streams.detect.facts import (
    NEVER,
    ComplaintFiled,
    ComplaintRuled,
    LargeOrder,
    OrderPaid,
    OrderPlaced,
    ParcelRefused,
    PickedUp,
    RefundGranted,
    RefundRequested,
    ReviewStood,
    SellersWord,
    Shipped,
    ShippingOver,
)

F = TypeVar("F", RefundRequested, ReviewStood)
_EACH_ITS_OWN: Mapping[str, int] = {}


# Of goods in these states the buyer has had them. `not_received` and `unknown` leave it to the parcel.
HANDED_OVER = frozenset({"received", "returned"})


def large_orders(facts: Facts) -> Sequence[LargeOrder]:
    """The orders that may be large, as they were told last; oldest first."""
    large = facts.of(LargeOrder)
    if not large:
        return large
    told_by = {order.ref: order.event_id for order in facts.of(OrderPlaced)}
    return [order for order in large if told_by.get(order.ref, order.event_id) == order.event_id]


def first_payments(facts: Facts) -> dict[str, OrderPaid]:
    """By order, its earliest payment; in order of time."""
    first: dict[str, OrderPaid] = {}
    for payment in facts.of(OrderPaid):
        first.setdefault(payment.order_id, payment)
    return first


def first_paid_ms(facts: Facts) -> dict[str, int]:
    """By order, when its earliest payment came; in no particular order."""
    return {payment.order_id: payment.at_ms for payment in reversed(facts.of(OrderPaid))}


def came_back(facts: Facts) -> Set[str]:
    """The orders whose parcel came back without the buyer, which only the carrier can say.

    It was refused or returned, and not sent again after that.
    """
    back_ms = {parcel.order_id: parcel.at_ms for parcel in facts.of(ParcelRefused)}
    if not back_ms:
        return frozenset()
    out_again = {p.ref for p in facts.of(Shipped) if p.at_ms > back_ms.get(p.ref, NEVER)}
    return back_ms.keys() - out_again


class SellerSaid:
    """What the seller wrote to the buyer about an order, or about none by name since it was placed."""

    def __init__(self, facts: Facts, *kinds: type[SellersWord]) -> None:
        self._said_ms: dict[str, list[int]] = {}
        for said in (said for kind in kinds for said in facts.of(kind)):
            self._said_ms.setdefault(said.order_id, []).append(said.at_ms)
        for times in self._said_ms.values():
            times.sort()
        self._placed_ms = {o.ref: o.at_ms for o in facts.of(OrderPlaced)} if self._said_ms else {}

    def about(self, order_id: str, to_ms: int, from_ms: int = 0) -> bool:
        """Whether there is any of it between two times, inclusive. Cost: logarithmic: robots write too."""
        since_ms = max(from_ms, self._placed_ms.get(order_id, 0))
        return self._is_any("", since_ms, to_ms) or self._is_any(order_id, from_ms, to_ms)

    def _is_any(self, named: str, from_ms: int, to_ms: int) -> bool:
        times = self._said_ms.get(named, ())
        return bisect_left(times, from_ms) < bisect_right(times, to_ms)


def pickups_ms(facts: Facts) -> dict[str, int]:
    """By order that was shipped, when the carrier took its last parcel, if pickups are told at all.

    `NEVER` where one should be told and is not known. Without an entry there is the shop's own word only.
    """
    picked_ms = {parcel.ref: parcel.at_ms for parcel in facts.of(PickedUp)}
    found = {}
    for sent in facts.of(Shipped):
        # Before the click it was an earlier parcel's, of an order that is sent in two or sent again.
        if picked_ms.get(sent.ref, 0) >= sent.at_ms:
            found[sent.ref] = picked_ms[sent.ref]
        elif sent.pickup_follows:
            found[sent.ref] = NEVER
    return found


def parcels(facts: Facts) -> dict[str, int]:
    """By order that was shipped with a tracking number: its last parcel.

    What a buyer puts into one basket platforms split into several orders, which shops then pack together.
    One parcel is lost, smashed or late for all of them at once, and is asked about once.
    """
    return {sent.ref: sent.parcel for sent in facts.of(Shipped) if sent.parcel}


# Behind what is said of requests that the shop or the platform has all granted.
ALL_CONCEDED = (
    ";均已同意退款或由平台判定买家有理",
    "; all were agreed to, or the platform found the buyer right",
)


def granted_by(grant: RefundGranted) -> str:
    """How a refund was granted: `agreed` by the seller, `ruled` by the platform, or `succeeded`, paid."""
    return grant.ref.rpartition("/")[2]


def refund_of(fact: RefundRequested | RefundGranted) -> str:
    """The refund that an attempt or a grant belongs to."""
    return fact.ref.rpartition("#" if isinstance(fact, RefundRequested) else "/")[0]


def all_granted(ways: Set[str]) -> tuple[str, str]:
    """What is said of requests that were all granted in these ways, as `granted_by` names them."""
    zh, en = [], []
    if "agreed" in ways:
        zh, en = ["已同意退款"], ["agreed to"]
    if "succeeded" in ways:
        # Whoever decided it: that was not told.
        zh, en = [*zh, "已退款"], [*en, "paid"]
    said_en = [f"all refunds were {' or '.join(en)}"] if en else []
    if "ruled" in ways:
        zh.append("由平台判定买家有理")
        said_en.append("the platform found the buyer right")
    return f"均{'或'.join(zh)}", ", or ".join(said_en)


def rulings(facts: Facts) -> list[tuple[str, ComplaintRuled]]:
    """The rulings with the orders that they are about: a ruling need not name it. Empty if unknown."""
    filed_on = {fact.ref: fact.order_id for fact in facts.of(ComplaintFiled)}
    ruled = facts.of(ComplaintRuled)
    return [(fact.order_id or filed_on.get(fact.ref, ""), fact) for fact in ruled]


def conceded_ms(facts: Facts) -> dict[str, int]:
    """By order, when a refund of it was last agreed to, or a complaint about it upheld."""
    upheld = [(order, fact.at_ms) for order, fact in rulings(facts) if fact.ruling == "upheld"]
    granted = [(grant.order_id, grant.at_ms) for grant in facts.of(RefundGranted)]
    return dict(sorted(upheld + granted, key=lambda one: one[1]))


def first_grant(grants: Sequence[RefundGranted], from_ms: int) -> RefundGranted | None:
    """The first of an order's grants, which are sorted, from a time on: earlier ones answered others."""
    at = bisect_left(grants, from_ms, key=attrgetter("at_ms"))
    return grants[at] if at < len(grants) else None


def grants_of(facts: Facts) -> dict[str, list[RefundGranted]]:
    """By order, its grants, oldest first."""
    found: dict[str, list[RefundGranted]] = {}
    for grant in facts.of(RefundGranted):
        found.setdefault(grant.order_id, []).append(grant)
    return found


def payments_for_something(facts: Facts) -> Sequence[OrderPaid]:
    """The payments without those of orders that were closed or refunded and of which nothing ever left.

    Those speak for nobody: to pay and to cancel costs nothing, and a group that fails is no order that was
    kept. Of a buyer of whom no parcel is known, all: nobody may have told of parcels.
    """
    payments = facts.of(OrderPaid)
    shipped = {parcel.ref for parcel in facts.of(Shipped)}
    if not shipped:
        return payments
    ended = {over.ref for over in facts.of(ShippingOver) if over.how in ("closed", "refunded")}
    ended -= shipped
    return [p for p in payments if p.order_id not in ended] if ended else payments


class AmongPaid(Generic[F]):
    """How many orders within a window something was told about, and how many there are beside the paid.

    `told` is sorted by time; `parcel_of` says which orders came in one parcel. The window, both ends
    inclusive, only moves forward: each fact enters and leaves once, so a whole sweep is linear.
    """

    def __init__(
        self,
        told: Sequence[F],
        payments: Sequence[OrderPaid],
        window_ms: int,
        parcel_of: Mapping[str, int] = _EACH_ITS_OWN,
    ) -> None:
        self._told: Sequence[F] = told
        self._payments = payments
        self._window_ms = window_ms
        self._parcel_of = parcel_of
        self._next = _next_of_the_same_order(told)
        self._told_of: Counter[str] = Counter()
        self._paid_of: Counter[str] = Counter()
        self._told_in: Counter[int | str] = Counter()
        self._told_from = self._told_to = self._paid_from = self._paid_to = 0
        # The first fact of each order in the window that was not asked for yet, by its place.
        self._fresh: dict[int, F] = {}
        self.total = 0

    @property
    def orders(self) -> int:
        """Orders that something was told about."""
        return len(self._told_of)

    @property
    def parcels(self) -> int:
        """Those orders, where several came in one parcel only one of them."""
        return len(self._told_in)

    def move(self, to_ms: int) -> None:
        """Let the window end at this time, which is not before the last one."""
        told, payments, from_ms = self._told, self._payments, to_ms - self._window_ms
        while self._told_to < len(told) and told[self._told_to].at_ms <= to_ms:
            self._tell(self._told_to)
            self._told_to += 1
        while self._told_from < self._told_to and told[self._told_from].at_ms < from_ms:
            self._forget(self._told_from)
            self._told_from += 1
        while self._paid_to < len(payments) and payments[self._paid_to].at_ms <= to_ms:
            self._enter(payments[self._paid_to].order_id, self._paid_of, self._told_of)
            self._paid_to += 1
        while self._paid_from < self._paid_to and payments[self._paid_from].at_ms < from_ms:
            self._leave(payments[self._paid_from].order_id, self._paid_of, self._told_of)
            self._paid_from += 1

    def fresh(self) -> list[F]:
        """Of each order the first fact in the window, without those that were given before."""
        found = [self._fresh[i] for i in sorted(self._fresh)]
        self._fresh.clear()
        return found

    def _tell(self, i: int) -> None:
        order_id = self._told[i].order_id
        self._enter(order_id, self._told_of, self._paid_of)
        if self._told_of[order_id] == 1:
            self._fresh[i] = self._told[i]
            self._told_in[self._parcel_of.get(order_id, order_id)] += 1

    def _forget(self, i: int) -> None:
        order_id = self._told[i].order_id
        self._leave(order_id, self._told_of, self._paid_of)
        self._fresh.pop(i, None)
        if order_id in self._told_of:
            following = self._next[i]
            self._fresh[following] = self._told[following]
            return
        parcel: int | str = self._parcel_of.get(order_id, order_id)
        self._told_in[parcel] -= 1
        if not self._told_in[parcel]:
            del self._told_in[parcel]

    def _enter(self, order_id: str, own: Counter[str], other: Counter[str]) -> None:
        own[order_id] += 1
        if own[order_id] == 1 and order_id not in other:
            self.total += 1

    def _leave(self, order_id: str, own: Counter[str], other: Counter[str]) -> None:
        own[order_id] -= 1
        if not own[order_id]:
            del own[order_id]
            if order_id not in other:
                self.total -= 1


def _next_of_the_same_order(told: Sequence[F]) -> list[int]:
    """By place: where the next fact about the same order is, or nowhere (-1)."""
    following = [-1] * len(told)
    place: dict[str, int] = {}
    for i in range(len(told) - 1, -1, -1):
        following[i] = place.get(told[i].order_id, -1)
        place[told[i].order_id] = i
    return following


class Compared(NamedTuple):
    """The numbers of one crossing: orders refunded, in how many parcels they came, and orders in all."""

    orders: int
    parcels: int
    total: int


class Share(NamedTuple):
    """When refunds were asked for on most of what was paid.

    `compared` are the numbers of each crossing, by its time.
    `wake_at_ms` is a crossing that payments which are not read yet may undo. `insufficient` is what was
    missing to conclude.
    """

    crossings: list[Crossing]
    compared: Mapping[int, Compared]
    wake_at_ms: int | None = None
    insufficient: tuple[str, ...] = ()

    def threshold(self, name: str, run: Run, min_share_percent: int) -> tuple[Threshold, ...]:
        """The share at the last crossing of an episode that is about it; nothing where none is."""
        moments = self._moments(run)
        if not moments:
            return ()
        last = self.compared[max(moments)]
        percent = 100 * last.orders // last.total
        return (Threshold(name, percent, "%", min_share_percent),)

    def most(self, run: Run) -> int | None:
        """The most parcels that one window of an episode held, if any is about the share."""
        return max((self.compared[at].parcels for at in self._moments(run)), default=None)

    def _moments(self, run: Run) -> list[int]:
        return [at for at in self.compared if run.opened_at_ms <= at <= run.last_at_ms]


NO_SHARE = Share([], {})


def most_of_the_paid(
    requests: Sequence[RefundRequested],
    facts: Facts,
    horizon_ms: int,
    window_s: int,
    min_share_percent: int,
    level_of: Callable[[int], Severity | None],
) -> Share:
    """When refunds of so many orders within a window were asked for, and they are most of what was paid.

    `requests` are those that count, sorted; `level_of` gives the level of a number of orders, those of one
    parcel being one, None for too few. A crossing brings the first request of each order that none has
    brought before it: no two episodes may begin within a window. Beyond the horizon a payment may be
    missing, and with it what speaks for the buyer. Of nobody whose orders are all unknown can a share be
    told.
    """
    window_ms = window_s * 1000
    payments = facts.of(OrderPaid)
    known = {p.order_id for p in payments} | {o.ref for o in facts.of(OrderPlaced)}
    known_ms = [request.at_ms for request in requests if request.order_id in known]
    window = AmongPaid(requests, payments_for_something(facts), window_ms, parcels(facts))
    crossings: list[Crossing] = []
    compared: dict[int, Compared] = {}
    insufficient: tuple[str, ...] = ()
    for at_ms in dict.fromkeys(request.at_ms for request in requests):
        window.move(at_ms)
        level = level_of(window.parcels)
        if level is None:
            continue
        if bisect_left(known_ms, at_ms - window_ms) == bisect_right(known_ms, at_ms):
            insufficient = ("orders_unknown",)
        elif 100 * window.orders >= min_share_percent * window.total:
            if at_ms > horizon_ms:
                return Share(crossings, compared, at_ms, insufficient)
            crossings.append(Crossing(at_ms, level, window.fresh()))
            compared[at_ms] = Compared(window.orders, window.parcels, window.total)
    return Share(crossings, compared, None, insufficient)
