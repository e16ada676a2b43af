"""What the seller wrote to the buyer, which speaks for whoever does as it says.

What a newcomer gets wrong: most messages name no order. Those are about what had been placed before.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence, Set
from operator import attrgetter

from streams.detect.detector import Facts
from streams.detect.facts import OrderPlaced, RefundRequested, SellersWord


class SellerSaid:
    """What the seller wrote of some kinds, asked by order in logarithmic time: robots write too."""

    def __init__(self, facts: Facts, *kinds: type[SellersWord]) -> None:
        said = [one for kind in kinds for one in facts.of(kind)]
        said.sort(key=attrgetter("at_ms"))
        self._all_ms = [one.at_ms for one in said]
        self._said_ms: dict[str, list[int]] = {}
        for one in said:
            self._said_ms.setdefault(one.order_id, []).append(one.at_ms)
        self._placed_ms = {o.ref: o.at_ms for o in facts.of(OrderPlaced)} if said else {}

    def about(self, order_id: str, to_ms: int, from_ms: int = 0) -> bool:
        """Whether any of it, between two times, names the order, or none and came since that was placed."""
        since_ms = max(from_ms, self._placed_ms.get(order_id, 0))
        return _is_any(self._said_ms.get("", ()), since_ms, to_ms) or _is_any(
            self._said_ms.get(order_id, ()), from_ms, to_ms
        )

    def since_placed(self, order_id: str, to_ms: int) -> bool:
        """Whether there is any of it since the order was placed, whichever order it names."""
        return _is_any(self._all_ms, self._placed_ms.get(order_id, 0), to_ms)


def _is_any(times: Sequence[int], from_ms: int, to_ms: int) -> bool:
    """Whether one of the sorted times lies between two others, inclusive."""
    return bisect_left(times, from_ms) < bisect_right(times, to_ms)


def invited(facts: Facts, *kinds: type[SellersWord]) -> Set[str]:
    """The requests, by event, that answer something that the seller wrote: the first after each.

    Of the order that it names, or of one that was placed before it.
    """
    said = [one for kind in kinds for one in facts.of(kind)]
    if not said:
        return frozenset()
    placed_ms = {order.ref: order.at_ms for order in facts.of(OrderPlaced)}
    requests: dict[str, list[RefundRequested]] = {"": []}
    for request in facts.of(RefundRequested):
        requests[""].append(request)
        requests.setdefault(request.order_id, []).append(request)
    found = set()
    for one in said:
        asked = requests.get(one.order_id, ())
        at = bisect_left(asked, one.at_ms, key=attrgetter("at_ms"))
        if at < len(asked) and (one.order_id or placed_ms.get(asked[at].order_id, 0) <= one.at_ms):
            found.add(asked[at].event_id)
    return found
