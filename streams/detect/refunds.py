"""Refunds that a buyer asked for: which requests stand, how they were granted, and what is said of that.

What a newcomer gets wrong: a request is one attempt (`refund_id#attempt_no`), and is withdrawn or refused as
such; a grant (`refund_id/how`) is of the whole refund.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence, Set
from operator import attrgetter
from typing import NamedTuple

from streams.detect.complaints import rulings
from streams.detect.detector import Facts
from streams.detect.facts import RefundGranted, RefundRequested, RefundWithdrawn

# Of goods in these states the buyer has had them. `not_received` and `unknown` leave it to the parcel.
HANDED_OVER = frozenset({"received", "returned"})
# Behind what is said of requests that the shop or the platform has all granted.
ALL_CONCEDED = (
    ";均已同意退款或由平台判定买家有理",
    "; all were agreed to, or the platform found the buyer right",
)


def withdrawn_ms(facts: Facts) -> dict[str, int]:
    """By request, when the buyer took it back."""
    return {fact.ref: fact.at_ms for fact in facts.of(RefundWithdrawn)}


def standing(facts: Facts) -> Sequence[RefundRequested]:
    """The requests that the buyer has not taken back, oldest first."""
    requests, withdrawn = facts.of(RefundRequested), withdrawn_ms(facts)
    return [one for one in requests if one.ref not in withdrawn] if withdrawn else requests


def granted_by(grant: RefundGranted) -> str:
    """How a refund was granted: `agreed` by the seller, `ruled` by the platform, or `succeeded`, paid."""
    return grant.ref.rpartition("/")[2]


def refund_of(fact: RefundRequested | RefundGranted) -> str:
    """The refund that an attempt or a grant belongs to."""
    return fact.ref.rpartition("#" if isinstance(fact, RefundRequested) else "/")[0]


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


def first_granted_ms(facts: Facts) -> dict[str, int]:
    """By refund, when it was first granted in any way."""
    found: dict[str, int] = {}
    for grant in facts.of(RefundGranted):
        found.setdefault(refund_of(grant), grant.at_ms)
    return found


def begun_by_platform(facts: Facts) -> Set[str]:
    """The refunds that were ruled the buyer's before anybody had asked for them, or at once.

    Of a stolen account or card the platform takes orders back by itself.
    """
    ruled = [grant for grant in facts.of(RefundGranted) if granted_by(grant) == "ruled"]
    if not ruled:
        return frozenset()
    asked_ms: dict[str, int] = {}
    for request in facts.of(RefundRequested):
        asked_ms.setdefault(refund_of(request), request.at_ms)
    refunds = {refund_of(grant): grant.at_ms for grant in ruled}
    return {refund for refund, at_ms in refunds.items() if at_ms <= asked_ms.get(refund, 0)}


class Ending(NamedTuple):
    """What settled the requests of an order, and when; `grant` is the fact that one was granted, if it was.

    `by` is then as in `granted_by`; else `withdrawn`, or empty where nothing has.
    """

    by: str
    at_ms: int | None = None
    grant: RefundGranted | None = None


def ended(
    requests: Sequence[RefundRequested],
    withdrawn: Mapping[str, int],
    grant: RefundGranted | None,
) -> Ending:
    """Who took all requests back speaks for the buyer, whatever was agreed before."""
    if all(request.ref in withdrawn for request in requests):
        last_ms = max(withdrawn[request.ref] for request in requests)
        return Ending("withdrawn", max(requests[0].at_ms, last_ms))
    return Ending(granted_by(grant), grant.at_ms, grant) if grant else Ending("")


def conceded_ms(facts: Facts) -> dict[str, int]:
    """By order, when a refund of it was last agreed to, or a complaint about it upheld."""
    return _last_ms(facts, facts.of(RefundGranted))


def judged_ms(facts: Facts) -> dict[str, int]:
    """By order, when the platform last found the buyer right, in a refund or in a complaint."""
    return _last_ms(facts, [g for g in facts.of(RefundGranted) if granted_by(g) == "ruled"])


def _last_ms(facts: Facts, grants: Sequence[RefundGranted]) -> dict[str, int]:
    """By order, the last of these grants, and of the complaints that were upheld."""
    upheld = [(order, fact.at_ms) for order, fact in rulings(facts) if fact.ruling == "upheld"]
    granted = [(grant.order_id, grant.at_ms) for grant in grants]
    return dict(sorted(upheld + granted, key=lambda one: one[1]))


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
