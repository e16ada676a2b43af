"""Rings: unpaid orders of several accounts that identities tie together, and when they are too many.

The trap: an address or a name ties strangers together (an office, a dormitory, two people of one name),
a phone or a device hardly ever does. So links come in two strengths, and weak ones alone need more. Who pays
may do it for strangers, so accounts that pay tie only what is in no ring already.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple
from zlib import crc32

from schemas.alerts import Severity
from streams.detect.episodes import Crossing, slide_live
from streams.detect.facts import NEVER, Signal
from streams.detect.linking import DisjointSets, link_in_time
from streams.detect.suspicion import PAYER, STRONG_KINDS

# An order is named by its buyer too: nothing says that ids are unique over buyers.
Name = tuple[str, str]


class Use(NamedTuple):
    """That one unpaid order used one identity, as told by `signal`. `identity` is `kind:hash`."""

    identity: str
    buyer: str
    order_id: str
    at_ms: int
    paid_ms: int
    paid_before: int
    signal: Signal

    @property
    def name(self) -> Name:
        """Which order."""
        return self.buyer, self.order_id

    @property
    def kind(self) -> str:
        """What kind of identity."""
        return self.identity.partition(":")[0]

    @property
    def is_strong(self) -> bool:
        """Whether strangers hardly share an identity of this kind."""
        return self.kind in STRONG_KINDS


class RingOrder(NamedTuple):
    """An unpaid order that is linked; sorted by when it counts. `uses` are its links, strongest first."""

    counted_ms: int
    event_id: str
    name: Name
    units: int
    end_ms: int
    strong: Name
    uses: tuple[Use, ...]

    @property
    def signal(self) -> Signal:
        """What stands for the order as evidence."""
        return self.uses[0].signal


def ring_id(after: str) -> str:
    """A short name for a ring, after something that stays while it grows."""
    return f"R-{crc32(after.encode()):08x}"


class Limits(NamedTuple):
    """How many accounts and orders within a window are too many."""

    window_ms: int
    min_buyers: int
    warn_orders: int
    warn_units: int
    critical_orders: int
    critical_units: int


def rings(
    uses: Sequence[Use], gap_ms: int, limits: Limits, sets: DisjointSets[Name] | None = None
) -> list[list[RingOrder]]:
    """Orders tied together, directly or by way of others, that could be too many; each sorted by time.

    Those in which accounts that pay tie anything come last, and hold no order of the others.
    Cost: sorting, and a few nearly constant steps per use (`sets` counts them).
    """
    sets = DisjointSets() if sets is None else sets
    firm = [use for use in uses if use.kind != PAYER]
    found = _tied(firm, gap_ms, limits, sets)
    if len(firm) < len(uses):
        taken = {order.name for ring in found for order in ring}
        found += _tied([use for use in uses if use.name not in taken], gap_ms, limits, sets)
    return found


def _tied(
    uses: Sequence[Use], gap_ms: int, limits: Limits, sets: DisjointSets[Name]
) -> list[list[RingOrder]]:
    strong: DisjointSets[Name] = DisjointSets()
    _link(uses, gap_ms, sets)
    _link([use for use in uses if use.is_strong], gap_ms, strong)
    of_order: defaultdict[Name, list[Use]] = defaultdict(list)
    for use in uses:
        of_order[use.name].append(use)
    _link_buyers(of_order, gap_ms, sets)
    _link_buyers(of_order, gap_ms, strong)
    found: defaultdict[Name, list[RingOrder]] = defaultdict(list)
    for name, of_it in of_order.items():
        of_it.sort(key=lambda use: (not use.is_strong, use.at_ms, use.identity))
        first = of_it[0].signal
        found[sets.find(name)].append(
            RingOrder(
                min(use.at_ms for use in of_it),
                first.event_id,
                name,
                int(first.values.get("units", 0)),
                int(first.values.get("until_ms", 0)) or NEVER,
                strong.find(name),
                tuple(of_it),
            )
        )
    return [sorted(ring) for ring in found.values() if _may_cross(ring, limits)]


def _link(uses: Sequence[Use], gap_ms: int, sets: DisjointSets[Name]) -> None:
    by_identity: defaultdict[str, list[tuple[int, Name]]] = defaultdict(list)
    for use in uses:
        by_identity[use.identity].append((use.at_ms, use.name))
    link_in_time(sets, map(sorted, by_identity.values()), gap_ms)


def _link_buyers(of_order: dict[Name, list[Use]], gap_ms: int, sets: DisjointSets[Name]) -> None:
    by_buyer: defaultdict[str, list[tuple[int, Name]]] = defaultdict(list)
    for name, uses in of_order.items():
        by_buyer[name[0]].append((min(use.at_ms for use in uses), name))
    link_in_time(sets, map(sorted, by_buyer.values()), gap_ms)


def _may_cross(ring: Sequence[RingOrder], limits: Limits) -> bool:
    """Whether a ring could be too much at any time; false for nearly every one that is found."""
    return len({order.name[0] for order in ring}) >= limits.min_buyers and (
        len(ring) >= limits.warn_orders or sum(order.units for order in ring) >= limits.warn_units
    )


class _Tally:
    """Accounts, orders and units that are live within the window."""

    def __init__(self) -> None:
        self.buyers: Counter[str] = Counter()
        self.orders = self.units = 0

    def enter(self, order: RingOrder) -> None:
        self.buyers[order.name[0]] += 1
        self.orders += 1
        self.units += order.units

    def leave(self, order: RingOrder) -> None:
        buyer = order.name[0]
        self.buyers[buyer] -= 1
        if not self.buyers[buyer]:
            del self.buyers[buyer]
        self.orders -= 1
        self.units -= order.units

    def reaches(self, buyers: int, orders: int, units: int) -> bool:
        return len(self.buyers) >= buyers and (self.orders >= orders or self.units >= units)


class _Tallies:
    """The whole ring, and each part of it that strong identities tie together."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._whole = _Tally()
        self._parts: defaultdict[Name, _Tally] = defaultdict(_Tally)
        self._too_many: set[Name] = set()

    def enter(self, order: RingOrder) -> None:
        self._whole.enter(order)
        self._parts[order.strong].enter(order)
        self._judge(order.strong)

    def leave(self, order: RingOrder) -> None:
        self._whole.leave(order)
        self._parts[order.strong].leave(order)
        self._judge(order.strong)

    def _judge(self, part: Name) -> None:
        x = self._limits
        if self._parts[part].reaches(x.min_buyers, x.warn_orders, x.warn_units):
            self._too_many.add(part)
        else:
            self._too_many.discard(part)

    def level(self) -> Severity | None:
        x = self._limits
        if self._too_many or self._whole.reaches(x.min_buyers, x.critical_orders, x.critical_units):
            return "critical"
        if self._whole.reaches(x.min_buyers, x.warn_orders, x.warn_units):
            return "warn"
        return None

    def compared(self) -> tuple[int, ...]:
        return len(self._whole.buyers), self._whole.orders, self._whole.units


def crossings(ring: Sequence[RingOrder], limits: Limits) -> list[Crossing]:
    """When the orders of a ring that are live within the window are too many."""
    return slide_live(ring, limits.window_ms, _Tallies(limits), lambda order: order.signal)
