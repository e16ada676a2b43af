"""Claims of stockout or late shipping (D10, steps 1 to 3): one for each order, and what became of it.

What a newcomer gets wrong: a claim that is not false need not be genuine. Mostly nobody can tell, and then it
accuses neither buyer nor seller.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from streams.detect.complaints import rulings
from streams.detect.deadlines import Ship
from streams.detect.detector import Facts
from streams.detect.facts import (
    NEVER,
    ComplaintFiled,
    ComplaintRuled,
    RefundRequested,
    RefundWithdrawn,
    by_time,
)
from streams.detect.refunds import first_grant, granted_by, grants_of
from streams.detect.shipments import Shipment, Shipments
from streams.detect.stockout_excuses import STOCKOUT, Claimed, Excuses

KINDS = frozenset({STOCKOUT, "late_shipment"})
# Pending: it would accuse, but not everything that may speak for the buyer is read.
Outcome = Literal["proven", "premature", "genuine", "unknown", "withdrawn", "pending"]


class Terms(NamedTuple):
    """By when an order must be sent, and within what time of 发货 a carrier must have it."""

    ship: Ship
    picked_up_within_ms: int


class Claim(NamedTuple):
    """An order's earliest claim and what became of it.

    `wake_ms` is when silence would settle it; `version` grows with every fact about the order, and with
    """

    fact: Claimed
    outcome: Outcome
    wake_ms: int | None
    version: int
    is_picked_up: bool
    granted: str

    @property
    def is_false(self) -> bool:
        """Whether the parcel had left in time, or the claim came before it had to."""
        return self.outcome in ("proven", "premature")


class _Judged(NamedTuple):
    """An outcome, when silence would change it, and how often it has."""

    outcome: Outcome
    wake_ms: int | None = None
    settled: int = 0


def claims(facts: Facts, horizon_ms: int, terms: Terms) -> list[Claim]:
    """The claims of a buyer, in order of time. Cost: constant for whoever has none."""
    asked = _asked(facts)
    if not asked:
        return []
    filed, granted = _Filed(asked, facts), _granted(asked, facts)
    shipments, excuses = Shipments(facts), Excuses(facts)
    found = []
    for fact in filed.earliest():
        order_id = fact.order_id
        shipment = shipments.of(order_id)
        judged = filed.settled(order_id) or _judge(fact, shipment, excuses, horizon_ms, terms)
        version = filed.versions[order_id] + shipment.version + excuses.version
        found.append(
            Claim(
                fact,
                judged.outcome,
                judged.wake_ms,
                3 * version + judged.settled,
                shipment.is_picked_up,
                granted.get(fact.event_id, ""),
            )
        )
    return found


def _asked(facts: Facts) -> list[Claimed]:
    asked: list[Claimed] = [
        *(r for r in facts.of(RefundRequested) if r.reason in KINDS),
        *(c for c in facts.of(ComplaintFiled) if c.kind in KINDS and c.order_id),
    ]
    asked.sort(key=by_time)
    return asked


class _Filed:
    """What was filed about each order: claims, what took them back, and rulings.

    `versions` grow with each, whatever it says: the next ruling may say the contrary.
    """

    def __init__(self, asked: Sequence[Claimed], facts: Facts) -> None:
        self._standing: dict[str, Claimed] = {}
        self._withdrawn: dict[str, Claimed] = {}
        # Any complaint of an order may be upheld, whatever it is about.
        self._upheld: set[str] = set()
        self.versions: Counter[str] = Counter()
        for order_id, ruling in rulings(facts):
            self.versions[order_id] += ruling.at_ms
            if ruling.ruling == "upheld":
                self._upheld.add(order_id)
        ends = _ends(facts)
        for claim in asked:
            end = ends.get((type(claim), claim.ref))
            self.versions[claim.order_id] += claim.at_ms + (end.at_ms if end else 0)
            of_order = self._withdrawn if _takes_back(end) else self._standing
            of_order.setdefault(claim.order_id, claim)

    def earliest(self) -> list[Claimed]:
        """One of each order, in order of time: the first claim that stands, or else that was taken back."""
        return sorted((self._withdrawn | self._standing).values(), key=by_time)

    def settled(self, order_id: str) -> _Judged | None:
        """What platform or buyer said about the claim, whatever became of the parcel."""
        if order_id in self._upheld:
            return _Judged("genuine")
        return None if order_id in self._standing else _Judged("withdrawn")


def _ends(facts: Facts) -> Mapping[tuple[type, str], RefundWithdrawn | ComplaintRuled]:
    """What takes a claim back, or may: by the kind and the name of the claim."""
    withdrawals = {(RefundRequested, fact.ref): fact for fact in facts.of(RefundWithdrawn)}
    return withdrawals | {(ComplaintFiled, fact.ref): fact for fact in facts.of(ComplaintRuled)}


def _takes_back(end: RefundWithdrawn | ComplaintRuled | None) -> bool:
    return end is not None and (isinstance(end, RefundWithdrawn) or end.ruling == "withdrawn")


def _granted(asked: Sequence[Claimed], facts: Facts) -> dict[str, str]:
    """How requests were granted, by event, where they are all that the buyer did about the order."""
    grants = grants_of(facts)
    complained = {claim.order_id for claim in asked if isinstance(claim, ComplaintFiled)}
    found = {}
    for claim in asked:
        grant = first_grant(grants.get(claim.order_id, ()), claim.at_ms)
        if grant and claim.order_id not in complained:
            found[claim.event_id] = granted_by(grant)
    return found


def _judge(
    claim: Claimed, shipment: Shipment, excuses: Excuses, horizon_ms: int, terms: Terms
) -> _Judged:
    """Step 3 of the definition, for a claim that stands: the first that applies."""
    sent, deadline_ms = shipment.sent, shipment.deadline_ms(terms.ship)
    if deadline_ms is None or shipment.is_over_unsent(deadline_ms):
        return _Judged("unknown")
    if sent.at_ms > deadline_ms if sent else claim.at_ms >= deadline_ms:
        return _Judged("genuine")
    if excuses.speak_for(claim, shipment):
        return _Judged("unknown")
    if claim.at_ms > horizon_ms:
        return _Judged("pending", claim.at_ms)
    if sent:
        last_ms = sent.at_ms + terms.picked_up_within_ms
        return _judge_click(shipment.picked_up_ms, last_ms, horizon_ms)
    if horizon_ms >= deadline_ms:
        return _Judged("genuine", settled=2)
    return _Judged("premature", deadline_ms, 1)


def _judge_click(picked_up_ms: int | None, last_ms: int, horizon_ms: int) -> _Judged:
    """What 发货 in time says of a claim: nothing, if no carrier had the parcel soon after (虚假发货)."""
    if picked_up_ms is None or picked_up_ms <= last_ms:
        return _Judged("proven", settled=1)
    if picked_up_ms == NEVER and horizon_ms < last_ms:
        return _Judged("pending", last_ms)
    return _Judged("unknown", settled=1)
