"""The horizon: up to which event time the input of one partition is known to be read.

Facts may be used wherever they lie; silence only proves something up to the horizon. A topic's
frontier moves with the events read, less the allowed lateness. A topic that is read to its very end
moves with the time of that proof instead, also less the lateness. It never moves back, unless it lies
ahead of the clock.

Payments have one more guard: a shop where many different buyers order and nobody pays has an outage,
not that many attackers. Nothing more is concluded about that shop until payments have caught up:
until fewer than so many buyers have ordered since the newest payment. The same holds for all shops
together, since small shops never have that many buyers.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from heapq import nlargest
from operator import itemgetter
from typing import Any

from streams.detect.facts import Fact

# The key of an exported frontier that is no topic.
_NEWEST = ""
# Stands for all shops of the partition together: a provider's outage meets them all. No shop has this id.
_ANY_SHOP = "all shops:"


class Frontier:
    """What is known about one partition of all co-partitioned topics. Times: epoch milliseconds."""

    def __init__(self, topics: Collection[str], lateness_ms: int, silence_min_buyers: int) -> None:
        self._known = dict.fromkeys(topics, 0)
        self._lateness_ms = lateness_ms
        self._silence_min_buyers = silence_min_buyers
        self._last_payment: dict[str, int] = {}
        self._waiting: dict[str, dict[str, int]] = {}
        self._silent: dict[str, int] = {}
        self._changed: set[str] = set()
        self.newest_ms = 0

    def saw(self, topic: str, newest_ms: int) -> None:
        """Events of a topic up to this event time have been applied."""
        self.newest_ms = max(self.newest_ms, newest_ms)
        self._known[topic] = max(self._known[topic], newest_ms - self._lateness_ms)

    def read_to_end(self, topic: str, proven_at_ms: int) -> None:
        """At this wall-clock time the broker had nothing in the topic that has not been applied."""
        self._known[topic] = max(self._known[topic], proven_at_ms - self._lateness_ms)

    def limit(self, now_ms: int) -> None:
        """Nothing is proven of what has not happened: a clock that ran ahead has been set right."""
        for topic, known_ms in self._known.items():
            if known_ms > now_ms:
                self._known[topic] = now_ms - self._lateness_ms

    def ordered(self, shop: str, newest_ms: Mapping[str, int]) -> None:
        """Buyers placed orders: the newest time of each, by `shop:buyer`."""
        most = self._silence_min_buyers
        if len(newest_ms) > most:
            # The newest tell whether a payment has caught up; more would grow with the outage.
            newest_ms = dict(nlargest(most, newest_ms.items(), key=itemgetter(1)))
        for where in (shop, _ANY_SHOP):
            self._ordered(where, newest_ms)

    def _ordered(self, shop: str, newest_ms: Mapping[str, int]) -> None:
        last_ms = self._last_payment.get(shop, 0)
        for buyer, at_ms in newest_ms.items():
            if at_ms <= last_ms:
                continue
            self._changed.add(shop)
            waiting = self._waiting.setdefault(shop, {})
            waiting[buyer] = max(at_ms, waiting.get(buyer, 0))
            if len(waiting) > self._silence_min_buyers:
                del waiting[min(waiting, key=waiting.__getitem__)]
            if len(waiting) >= self._silence_min_buyers and shop not in self._silent:
                # What was concluded before the silence stays; hence the frontier and not the last payment.
                self._silent[shop] = self._known["payments"]

    def paid(self, shop: str, at_ms: int) -> None:
        """Somebody paid."""
        self._paid(shop, at_ms)
        self._paid(_ANY_SHOP, at_ms)

    def _paid(self, shop: str, at_ms: int) -> None:
        if at_ms <= self._last_payment.get(shop, 0):
            return
        self._changed.add(shop)
        self._last_payment[shop] = at_ms
        if shop in self._waiting:
            left = {buyer: at for buyer, at in self._waiting[shop].items() if at > at_ms}
            if len(left) < self._silence_min_buyers:
                self._silent.pop(shop, None)
            elif shop in self._silent:
                # The first of a backlog: the others are still on their way.
                self._silent[shop] = max(self._silent[shop], at_ms - self._lateness_ms)
            if left:
                self._waiting[shop] = left
            else:
                del self._waiting[shop]

    @property
    def silent_shops(self) -> Set[str]:
        """Shops whose payments are suspiciously silent."""
        return self._silent.keys() - {_ANY_SHOP}

    @property
    def is_silent_everywhere(self) -> bool:
        """Whether too many buyers of all shops together order and nobody pays in any."""
        return _ANY_SHOP in self._silent

    def horizon(self, topics: Collection[str], shop: str | None = None) -> int:
        """Up to where silence of these topics proves something, at all or about one shop."""
        known_ms = min(self._known[topic] for topic in topics)
        if self._silent and "payments" in topics:
            for silent in (shop, _ANY_SHOP):
                if silent in self._silent:
                    known_ms = min(known_ms, self._silent[silent])
        return known_ms

    def export(self) -> dict[str, int]:
        """What must survive a restart, so that the horizon does not move back."""
        return {**self._known, _NEWEST: self.newest_ms}

    def restore(self, exported: Mapping[str, int]) -> None:
        """Take back what `export` gave; topics that are no longer read are ignored."""
        self.newest_ms = max(self.newest_ms, exported.get(_NEWEST, 0))
        for topic in self._known.keys() & exported.keys():
            self._known[topic] = max(self._known[topic], exported[topic])

    def export_payments(self, *, only_changed: bool) -> dict[str, list[Any]]:
        """What must survive a restart as well, by shop: else the end of an outage looks like attackers.

        All of it, or what has changed since that was asked for. Exact, because payments are not read
        again: a guard that has forgotten some would wait for them.
        """
        for shop in [shop for shop in self._silent if self._is_gone(shop)]:
            del self._silent[shop], self._waiting[shop]
            self._changed.add(shop)
        shops = self._changed if only_changed else self._last_payment.keys() | self._waiting.keys()
        found = {}
        for shop in shops:
            last_ms, waiting = self._last_payment.get(shop, 0), self._waiting.get(shop)
            found[shop] = [last_ms, self._silent.get(shop), waiting]
        if only_changed:
            self._changed = set()
        return found

    def _is_gone(self, shop: str) -> bool:
        """Whether nobody has ordered there for so long that no fact about it is left."""
        return max(self._waiting[shop].values()) < self.newest_ms - Fact.retention_ms

    def restore_payments(self, shop: str, exported: Sequence[Any]) -> None:
        """Take back what `export_payments` gave of a shop."""
        self._last_payment[shop], silent_ms, waiting = exported
        if silent_ms is not None:
            self._silent[shop] = silent_ms
        if waiting:
            self._waiting[shop] = waiting
