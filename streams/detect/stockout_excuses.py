"""What speaks for who claims stockout or lateness of an order that left in time, or is not due yet (D10).

What a newcomer gets wrong: an excuse proves nothing, neither against the seller. It makes the claim one that
nobody can judge.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from streams.detect.detector import Facts
from streams.detect.facts import (
    ComplaintFiled,
    RefundRequested,
    SaidMistake,
    SaidStockout,
    SaidUnsent,
)
from streams.detect.refunds import standing
from streams.detect.sellers_word import SellerSaid
from streams.detect.shipments import Shipment

STOCKOUT: Final = "stockout"
Claimed = RefundRequested | ComplaintFiled


class Excuses:
    """The excuses of a buyer, asked by claim. `version` grows with every word of the seller's."""

    def __init__(self, facts: Facts) -> None:
        self._claimed_in_part = _claimed_in_part(facts)
        self._stockouts = SellerSaid(facts, SaidStockout)
        self._mistakes = SellerSaid(facts, SaidMistake)
        self._unsent = SellerSaid(facts, SaidUnsent)
        self.version = sum(
            said.at_ms
            for kind in (SaidStockout, SaidMistake, SaidUnsent)
            for said in facts.of(kind)
        )

    def speak_for(self, claim: Claimed, shipment: Shipment) -> bool:
        """Whether any of them does. Times are inclusive."""
        return (
            self._was_told(claim)
            # The carrier took it back, and nobody has a reason for that.
            or shipment.is_back(claim.at_ms)
            or self._may_lack(claim, shipment)
            or self._is_click_void(claim, shipment)
        )

    def _was_told(self, claim: Claimed) -> bool:
        """Whether the seller had written that it is out of stock, or that too little was sent.

        Who is told that there is none, be it of another order of the same basket, or which reason to
        choose, claims it with reason.
        """
        order_id, claimed_ms = claim.order_id, claim.at_ms
        return self._stockouts.since_placed(order_id, claimed_ms) or self._mistakes.about(
            order_id, claimed_ms
        )

    def _may_lack(self, claim: Claimed, shipment: Shipment) -> bool:
        """Whether what is missed may have been out of stock: nobody says what was in the parcel.

        An order that is not read may be of several items. Of several units of one some may be missing, if
        no more than these are claimed.
        """
        if shipment.sent is None or _reason(claim) != STOCKOUT:
            return False
        placed = shipment.placed
        if placed is None or len(placed.items) > 1:
            return True
        return placed.units != 1 and claim.order_id in self._claimed_in_part

    def _is_click_void(self, claim: Claimed, shipment: Shipment) -> bool:
        """Whether the click on 发货 was followed by the shop's own word that nothing had left."""
        sent = shipment.sent
        return sent is not None and self._unsent.about(claim.order_id, claim.at_ms, sent.at_ms)


def _reason(claim: Claimed) -> str:
    return claim.reason if isinstance(claim, RefundRequested) else claim.kind


def _claimed_in_part(facts: Facts) -> Set[str]:
    """The orders of which a part is claimed as out of stock, and never all that was paid."""
    parts: set[str] = set()
    wholes: set[str] = set()
    for request in standing(facts):
        if request.reason == STOCKOUT:
            (parts if request.says_sent_wrong else wholes).add(request.order_id)
    return parts - wholes
