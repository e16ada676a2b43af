"""Returned parcels that do not hold what was sold (D09, step A), and what excuses whoever sent them.

What a newcomer gets wrong: whoever was sent something else sends something else back. That is the shop's slip
or the carrier's (N19), and accuses nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import NamedTuple

from schemas.alerts import Severity
from streams.detect.detector import Facts
from streams.detect.facts import (
    NEVER,
    BuyerTold,
    DisputeOpened,
    OrderPlaced,
    RefundRequested,
    ReturnArrived,
    ReturnInspected,
    SaidKeep,
    SaidMistake,
    Shipped,
)
from streams.detect.refunds import judged_ms
from streams.detect.sellers_word import SellerSaid


def mismatches(facts: Facts, tolerance_percent: int) -> list[ReturnInspected]:
    """The returns that do not match and that nothing excuses, oldest first."""
    scale = _Scale(facts, tolerance_percent)
    found = [fact for fact in facts.of(ReturnInspected) if scale.is_mismatch(fact)]
    if not found:
        return found
    excuses = _Excuses(facts)
    swapped = _swapped(found, scale)
    found = [
        fact
        for fact in found
        if not excuses.speak_for(fact, is_only_less=_is_only_less(fact))
        and fact.event_id not in swapped
    ]
    only_sku = {fact.event_id for fact in found if fact.is_other_sku and not scale.is_short(fact)}
    # What was sent instead is not what the order says (换货).
    exchanges = _Exchanges(facts)
    found = [f for f in found if f.event_id not in only_sku or not exchanges.before(f)]
    # Of a wrong colour platforms ask for "not as described" as well.
    other_colour = [
        fact
        for fact in found
        if fact.event_id in only_sku and excuses.had_said(fact, "not_as_described")
    ]
    # One is a slip of the shop's. Whoever swaps what comes back would say so of each.
    if len({fact.order_id for fact in other_colour}) != 1:
        return found
    return [fact for fact in found if fact not in other_colour]


def levels_of(
    found: Sequence[ReturnInspected],
    told: Sequence[ReturnInspected],
    facts: Facts,
    tolerance_percent: int,
) -> dict[str, Severity]:
    """Of the mismatches, by event, those that are no critical matter, and what they are.

    Information where the platform found the buyer right afterwards. Where only the buyer's own word speaks,
    given before they were opened (`told`, see `told_before`), another SKU alone is information, and what is
    short a warning.
    """
    if not found:
        return {}
    judged = judged_ms(facts)
    levels: dict[str, Severity] = {
        fact.event_id: "info" for fact in found if judged.get(fact.order_id, 0) >= fact.at_ms
    }
    scale = _Scale(facts, tolerance_percent)
    for fact in told:
        is_only_sku = fact.is_other_sku and not scale.is_short(fact)
        levels[fact.event_id] = "info" if is_only_sku else "warn"
    return levels


def told_before(found: Sequence[ReturnInspected], facts: Facts) -> list[ReturnInspected]:
    """The mismatches of which the buyer, and nobody else, said that another thing or too little had come.

    Before they were opened, in the chat; or, where less came back, that it came broken. Of one order: that
    is a slip of the shop's. Whoever swaps what comes back would say so of each.
    """
    if len({fact.order_id for fact in found}) != 1:
        return []
    judged = judged_ms(facts)
    placed_ms = {order.ref: order.at_ms for order in facts.of(OrderPlaced)}
    told_ms = [told.at_ms for told in facts.of(BuyerTold) if told.kind == "sent_wrong"]
    said_ms = _said_ms(facts)
    return [
        fact
        for fact in found
        if judged.get(fact.order_id, 0) < fact.at_ms
        and (
            any(placed_ms.get(fact.order_id, 0) <= at_ms <= fact.at_ms for at_ms in told_ms)
            or (
                _is_only_less(fact) and said_ms.get((fact.order_id, "damaged"), NEVER) <= fact.at_ms
            )
        )
    ]


class _Excuses:
    """What buyer and seller had said before a return was opened."""

    def __init__(self, facts: Facts) -> None:
        self._said_ms = _said_ms(facts)
        self._owned_up = SellerSaid(facts, SaidMistake)
        self._let_keep = SellerSaid(facts, SaidKeep)

    def speak_for(self, fact: ReturnInspected, *, is_only_less: bool) -> bool:
        """Whether something else had been sent, by either's word, or some of it might be kept."""
        return (
            self.had_said(fact, "wrong_item")
            or self._owned_up.about(fact.order_id, fact.at_ms)
            or (is_only_less and self._let_keep.about(fact.order_id, fact.at_ms))
        )

    def had_said(self, fact: ReturnInspected, reason: str) -> bool:
        """Whether the buyer had given this reason."""
        return self._said_ms.get((fact.order_id, reason), NEVER) <= fact.at_ms


def _said_ms(facts: Facts) -> Mapping[tuple[str, str], int]:
    """By order and reason, when the buyer first gave it; words that say so are as good as a reason."""
    told_of: list[RefundRequested | DisputeOpened] = [*facts.of(RefundRequested)]
    told_of += facts.of(DisputeOpened)
    found: dict[tuple[str, str], int] = {}
    for told in told_of:
        says_wrong = isinstance(told, RefundRequested) and told.says_sent_wrong
        name = told.order_id, "wrong_item" if says_wrong else told.reason
        found[name] = min(told.at_ms, found.get(name, told.at_ms))
    return found


class _Exchanges:
    """Orders of which something was sent again after something had come back."""

    def __init__(self, facts: Facts) -> None:
        self._sent_ms = {sent.ref: sent.at_ms for sent in facts.of(Shipped)}
        self._back: dict[str, list[ReturnArrived]] = {}
        for arrived in facts.of(ReturnArrived):
            self._back.setdefault(arrived.order_id, []).append(arrived)

    def before(self, fact: ReturnInspected) -> bool:
        """Whether that was before a return, which is another one."""
        sent_ms = self._sent_ms.get(fact.order_id, NEVER)
        return sent_ms < fact.at_ms and any(
            arrived.ref != fact.ref and arrived.at_ms < sent_ms
            for arrived in self._back.get(fact.order_id, ())
        )


class _Came(NamedTuple):
    """What all returns of an order brought together, where it was told."""

    units: int
    grams: int


class _Scale:
    """What the numbers say of the returns: one order may come back in several parcels."""

    def __init__(self, facts: Facts, tolerance_percent: int) -> None:
        self._tolerance_percent = tolerance_percent
        self._came: dict[str, _Came] = {}
        for fact in facts.of(ReturnInspected):
            units, grams = self._came.get(fact.order_id, _Came(0, 0))
            units += max(0, fact.received_units)
            self._came[fact.order_id] = _Came(units, grams + max(0, fact.received_g))

    def is_mismatch(self, fact: ReturnInspected) -> bool:
        """Whether it is one. Whoever opened the parcel is believed, unless numbers say otherwise.

        As many units as were sold do not: a brick is one unit too.
        """
        if fact.result != "mismatch":
            return False
        if fact.is_other_sku or self.is_short(fact):
            return True
        has_weight = fact.expected_g > 0 and fact.received_g >= 0
        has_units = fact.expected_units >= 0 and fact.received_units >= 0
        # More than were expected, or the rest of them in another parcel.
        is_enough = has_units and fact.received_units != fact.expected_units
        return not has_weight and not is_enough

    def is_short(self, fact: ReturnInspected) -> bool:
        """Whether the numbers alone say that something is missing, or something else was weighed.

        All returns of the order together may make up for it.
        """
        came = self._came[fact.order_id]
        if 0 <= fact.received_units < fact.expected_units and came.units < fact.expected_units:
            return True
        return self._is_off((fact.received_g, came.grams), fact.expected_g)

    def is_less(self, fact: ReturnInspected, other: ReturnInspected) -> bool:
        """Whether too little came, or it weighs too little or too much, for what the other should be."""
        if 0 <= fact.received_units < other.expected_units:
            return True
        return self._is_off((fact.received_g,), other.expected_g)

    def _is_off(self, received_g: Sequence[int], expected_g: int) -> bool:
        """Whether none of the weights is near the one expected; the first may not be known."""
        if expected_g <= 0 or received_g[0] < 0:
            return False
        off_g = min(abs(grams - expected_g) for grams in received_g)
        return 100 * off_g > self._tolerance_percent * expected_g


def _is_only_less(fact: ReturnInspected) -> bool:
    """Whether all that is wrong is that less came than was expected: fewer units, or less weight.

    Not less than half of the weight, for a gift or a broken piece is the smaller part of a parcel.
    """
    is_fewer = 0 <= fact.received_units < fact.expected_units
    is_lighter = 0 <= fact.received_g < fact.expected_g
    is_weight_off = 0 < fact.expected_g < fact.received_g or (
        is_lighter and 2 * fact.received_g < fact.expected_g
    )
    return not fact.is_other_sku and not is_weight_off and (is_fewer or is_lighter)


def _swapped(found: Sequence[ReturnInspected], scale: _Scale) -> Set[str]:
    """Returns in place of each other: what was opened as one is what was expected as the other.

    All of it is there, whoever mixed it up: the first such of two SKUs is paired with the first the other
    way round, the second with the second.
    """
    by_skus: dict[tuple[str, ...], list[ReturnInspected]] = {}
    for fact in found:
        if fact.skus:
            by_skus.setdefault(fact.skus, []).append(fact)
    return {
        fact.event_id
        for skus, ours in by_skus.items()
        for fact, other in zip(ours, by_skus.get(skus[::-1], ()), strict=False)
        if not scale.is_less(fact, other)
    }
