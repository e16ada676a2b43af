"""How much of what a buyer paid for something was told about: refunds, returns, bad reviews.

What a newcomer gets wrong: one parcel is lost or smashed for all orders in it, so parcels are counted; but
the share is one of orders, for of what was paid nobody knows how it was packed.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from schemas.alerts import Severity
from streams.detect.detector import Facts
from streams.detect.episodes import Crossing, Run, Threshold
from streams.detect.facts import (
    OrderPaid,
    OrderPlaced,
    RefundRequested,
    ReviewStood,
    Shipped,
    ShippingOver,
)
from streams.detect.parcels import parcel_of

F = TypeVar("F", RefundRequested, ReviewStood)
_EACH_ITS_OWN: Mapping[str, int] = {}


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
    """When refunds were asked for on most of what was paid. Each crossing carries its `Compared`.

    `wake_at_ms` is a crossing that payments which are not read yet may undo. `insufficient` is what was
    missing to conclude.
    """

    crossings: Sequence[Crossing]
    wake_at_ms: int | None = None
    insufficient: tuple[str, ...] = ()


NO_SHARE = Share(())


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
    window = AmongPaid(requests, payments_for_something(facts), window_ms, parcel_of(facts))
    crossings: list[Crossing] = []
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
                return Share(crossings, at_ms, insufficient)
            compared = Compared(window.orders, window.parcels, window.total)
            crossings.append(Crossing(at_ms, level, window.fresh(), compared))
    return Share(crossings, None, insufficient)


def most_parcels(run: Run) -> int | None:
    """The most parcels that one window of an episode held, if any crossing of it is about the share."""
    return max((one.parcels for one in _compared(run)), default=None)


def share_threshold(name: str, run: Run, min_share_percent: int) -> tuple[Threshold, ...]:
    """The share at the last crossing of an episode that is about it; nothing where none is."""
    return tuple(
        Threshold(name, 100 * last.orders // last.total, "%", min_share_percent)
        for last in _compared(run)[-1:]
    )


def _compared(run: Run) -> list[Compared]:
    return [Compared(*one.compared) for one in run.crossings if one.compared]
