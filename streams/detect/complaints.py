"""Complaints to the platform, and what it ruled.

What a newcomer gets wrong: a ruling need not name the order, and of one complaint only the last one stands.
"""

from __future__ import annotations

from streams.detect.detector import Facts
from streams.detect.facts import ComplaintFiled, ComplaintRuled


def rulings(facts: Facts) -> list[tuple[str, ComplaintRuled]]:
    """The rulings with the orders that they are about: a ruling need not name it. Empty if unknown."""
    filed_on = {fact.ref: fact.order_id for fact in facts.of(ComplaintFiled)}
    ruled = facts.of(ComplaintRuled)
    return [(fact.order_id or filed_on.get(fact.ref, ""), fact) for fact in ruled]
