"""Refunds that are asked for again after a refusal (D08, part A).

What a newcomer gets wrong: not the order is asked for again, but what a request names of it. Who returns one
item after the other asks once for each.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from schemas.alerts import Severity
from streams.detect.detector import Facts
from streams.detect.episodes import Crossing
from streams.detect.facts import RefundRefused, RefundRequested
from streams.detect.reach import Attempts

# What is asked for again and again: an order and what it names of its items, empty for the whole order.
Line = tuple[str, str]


class Limits(NamedTuple):
    """How many re-requests within the window, and in front of how many calls in vain they are critical."""

    window_ms: int
    rerequests: int
    failed_contacts: int


class Again(NamedTuple):
    """The re-requests on one line, oldest first.

    `may_be_back`: not every request of the order says that the buyer has the goods.
    """

    requests: Sequence[RefundRequested]
    may_be_back: bool


def rerequests(requests: Sequence[RefundRequested], facts: Facts) -> list[Again]:
    """By line: the requests made again after a refusal of the one before."""
    refusals = _Refusals(facts)
    not_all_received = {r.order_id for r in requests if r.goods_status != "received"}
    return [
        Again(
            [
                request
                for before, request in pairwise(asked)
                if refusals.is_between(line, before.at_ms, request.at_ms)
            ],
            line[0] in not_all_received,
        )
        for line, asked in _lines(requests, refusals).items()
    ]


def crossings(
    again: Again, attempts: Attempts, limits: Limits, horizon_ms: int
) -> tuple[list[Crossing], list[int]]:
    """When one line was asked for so often, and when more of it may be proven.

    A crossing brings only the re-requests that none of its line has brought before. Beyond the horizon a
    parcel may have come back, unless the buyer says to have it, and somebody may have answered.
    """
    requests, window_ms = again.requests, limits.window_ms
    if len(requests) < limits.rerequests:
        return [], []
    times = [request.at_ms for request in requests]
    found: list[Crossing] = []
    wakes: list[int] = []
    fresh = 0
    for at_ms in _moments(times, attempts, window_ms):
        oldest, end = bisect_left(times, at_ms - window_ms), bisect_right(times, at_ms)
        if end - oldest < limits.rerequests:
            continue
        if at_ms > horizon_ms and again.may_be_back:
            wakes.append(at_ms)
            break
        is_unreached = attempts.failed(at_ms - window_ms, at_ms) >= limits.failed_contacts
        if is_unreached and at_ms > horizon_ms:
            # Nobody answered as far as is known; an answer may not be read yet.
            is_unreached = False
            wakes.append(at_ms)
        level: Severity = "critical" if is_unreached else "warn"
        found.append(Crossing(at_ms, level, requests[max(fresh, oldest) : end]))
        fresh = end
    return found, wakes


def _moments(times: Sequence[int], attempts: Attempts, window_ms: int) -> list[int]:
    """When it may cross: at each re-request, and at each call in vain that may follow one."""
    calls = attempts.unanswered
    following = calls[bisect_left(calls, times[0]) : bisect_right(calls, times[-1] + window_ms)]
    return sorted({*times, *following})


class _Refusals:
    """When the seller refused, asked by line in logarithmic time."""

    def __init__(self, facts: Facts) -> None:
        refusals = facts.of(RefundRefused)
        # What an attempt is about, its refusal need not say once more.
        about = {r.ref: r.sub_order_id for r in facts.of(RefundRequested)} if refusals else {}
        self._of_order: dict[str, list[int]] = {}
        self._of_line: dict[Line, list[int]] = {}
        for refusal in refusals:
            line = refusal.order_id, refusal.sub_order_id or about.get(refusal.ref, "")
            self._of_order.setdefault(refusal.order_id, []).append(refusal.at_ms)
            self._of_line.setdefault(line, []).append(refusal.at_ms)

    def __contains__(self, order_id: str) -> bool:
        return order_id in self._of_order

    def is_between(self, line: Line, from_ms: int, to_ms: int) -> bool:
        """Whether a refusal that may be about the line lies strictly between the two times."""
        order_id, item = line
        if not item:
            return _is_between(self._of_order.get(order_id, ()), from_ms, to_ms)
        lines = (line, (order_id, ""))
        return any(_is_between(self._of_line.get(one, ()), from_ms, to_ms) for one in lines)


def _is_between(times: Sequence[int], from_ms: int, to_ms: int) -> bool:
    at = bisect_right(times, from_ms)
    return at < len(times) and times[at] < to_ms


def _lines(
    requests: Sequence[RefundRequested], refusals: _Refusals
) -> dict[Line, list[RefundRequested]]:
    """Of orders with a refusal: the requests that may be about the same thing.

    A request that names no item may be about any.
    """
    refused = [request for request in requests if request.order_id in refusals]
    items: dict[str, dict[str, None]] = {}
    for request in refused:
        if request.sub_order_id:
            items.setdefault(request.order_id, {})[request.sub_order_id] = None
    lines: dict[Line, list[RefundRequested]] = {}
    for request in refused:
        named = request.sub_order_id
        for item in (named,) if named else items.get(request.order_id, ("",)):
            lines.setdefault((request.order_id, item), []).append(request)
    return lines
