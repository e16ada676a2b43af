"""Which facts lead to nothing by themselves, told by the header of a state alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

import pytest

from streams.detect.detector import ANY_NUMBER, Awaits, Detector, Facts, Least, RuleBlock, Topics
from streams.detect.episodes import NOTHING, Verdict
from streams.detect.facts import (
    AnyFact,
    Fact,
    OrderClosed,
    OrderPaid,
    OrderPlaced,
    PickedUp,
    Shipped,
    Signal,
)
from streams.detect.quiet import MAX_TAIL, Gate
from streams.detect.state import LOUD, NO_WAKE, Header, SubjectState, header, pack, unpack

LONG_AGO = 10**12


class Counts(Detector[Any]):
    """Three orders, 20 units in all, 8 units of one, or 15 of one although it was paid at once."""

    topics: ClassVar[Topics] = ("orders", "payments")
    triggers: ClassVar[tuple[type[AnyFact], ...]] = (OrderPlaced,)

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Any) -> Verdict:
        return NOTHING

    def least(self, rules: Any) -> Least:
        return Least(
            OrderPlaced,
            facts=3,
            paid_within_s=10,
            units=20,
            units_of_one=8,
            units_whenever_paid=15,
        )


class Waits(Counts):
    """An order that is not paid within 100 s."""

    topics = ("payments",)

    def least(self, rules: Any) -> None:  # type: ignore[override]
        return None

    def awaits(self, rules: Any) -> Sequence[Awaits]:
        return (Awaits(OrderPlaced, 100, OrderPaid),)


class WaitsForLess(Waits):
    """The same within 50 s, by other topics."""

    topics = ("orders",)

    def awaits(self, rules: Any) -> Sequence[Awaits]:
        return (Awaits(OrderPlaced, 50, OrderPaid),)


class WaitsForEver(Waits):
    """An order, which never matters by itself."""

    topics = ("accounts",)

    def awaits(self, rules: Any) -> Sequence[Awaits]:
        return (Awaits(OrderPlaced, ANY_NUMBER, OrderPaid),)


class Closings(Waits):
    """Any order that was closed."""

    triggers = (OrderClosed,)

    def awaits(self, rules: Any) -> Sequence[Awaits]:
        return ()


RULES = cast(RuleBlock, None)
COUNTING = Gate([(Counts(), RULES), (Closings(), RULES)])
WAITING = Gate([(Waits(), RULES)])


def order(number: int, at_s: float = 0, units: int = 1) -> OrderPlaced:
    at_ms = LONG_AGO + round(1000 * at_s)
    return OrderPlaced(at_ms, f"placed-{number}", f"order-{number}", units, ())


def paid(number: int, at_s: float = 0) -> OrderPaid:
    at_ms = LONG_AGO + round(1000 * at_s)
    return OrderPaid(at_ms, f"paid-{number}", f"p/order-{number}", f"order-{number}")


def again(number: int, at_s: float = 0) -> OrderPaid:
    """Another payment of the same order."""
    at_ms = LONG_AGO + round(1000 * at_s)
    return OrderPaid(at_ms, f"again-{number}", f"q/order-{number}", f"order-{number}")


def shipped(number: int, at_s: float = 0) -> Shipped:
    return Shipped(LONG_AGO + round(1000 * at_s), f"shipped-{number}", f"parcel-{number}")


def taken(gate: Gate, *batches: Sequence[AnyFact]) -> Header | None:
    """The header after these batches; None when the last one must be looked at."""
    packed: bytes | None = None
    for number, batch in enumerate(batches, 1):
        packed = gate.take(packed, batch)
        if packed is None:
            assert number == len(batches)
            return None
    assert packed is not None
    assert unpack(packed).facts == [fact for batch in batches for fact in batch]
    return header(packed)


def wake_s(gate: Gate, *batches: Sequence[AnyFact]) -> float | None:
    known = taken(gate, *batches)
    assert known is not None
    assert known.asked == NO_WAKE
    return None if known.wake == NO_WAKE else (known.wake - LONG_AGO) / 1000


@pytest.mark.parametrize("is_one_batch", [True, False])
@pytest.mark.parametrize(
    ("facts", "is_quiet"),
    [
        ([order(1), order(2)], True),
        ([order(1), order(2), order(3)], False),
        ([order(1), paid(1, 10), order(2), order(3)], True),
        ([order(1), paid(1, 10.001), order(2), order(3)], False),
        ([order(1), again(1, 20), paid(1, 5), order(2), order(3)], False),
        ([paid(1, 10), paid(9, 5), order(1), order(2), order(3)], True),
        ([order(1, units=7), order(2, units=7)], True),
        ([order(1, units=7)], True),
        ([order(1, units=8)], False),
        ([order(2, units=7), paid(2, 1), order(1, units=7), order(3, units=7)], True),
        ([order(1), OrderClosed(LONG_AGO, "closed", "order-1", "buyer")], False),
        ([order(1), shipped(1)], True),
    ],
)
def test_what_is_less_than_anybody_needs_is_quiet(
    facts: list[AnyFact], is_quiet: bool, is_one_batch: bool
) -> None:
    batches = [facts] if is_one_batch else [[fact] for fact in facts]
    assert (taken(COUNTING, *batches) is not None) == is_quiet
    assert (COUNTING.of(Facts("s:b", facts)) is not LOUD) == is_quiet


@pytest.mark.parametrize(("units", "is_quiet"), [(7, True), (14, True), (15, False)])
def test_a_large_order_that_is_paid_at_once_is_quiet_unless_it_is_very_large(
    units: int, is_quiet: bool
) -> None:
    facts: list[AnyFact] = [order(1, units=units), paid(1, 5)]
    assert (taken(COUNTING, facts) is not None) == is_quiet
    assert (taken(COUNTING, [paid(1, 5)], [order(1, units=units)]) is not None) == is_quiet
    assert (COUNTING.of(Facts("s:b", facts)) is not LOUD) == is_quiet


@pytest.mark.parametrize(("units", "is_quiet"), [(19, True), (20, False)])
def test_units_of_all_orders_count_together(units: int, is_quiet: bool) -> None:
    rules = [(_ManyOrders(), RULES)]
    one, other = order(1, units=12), order(2, units=units - 12)
    assert (taken(Gate(rules), [one, other]) is not None) == is_quiet
    assert (taken(Gate(rules), [one], [other]) is not None) == is_quiet
    assert (Gate(rules).of(Facts("s:b", [one, other])) is not LOUD) == is_quiet


class _ManyOrders(Counts):
    def least(self, rules: Any) -> Least:
        return Least(OrderPlaced, units=20)


class _ManySignals(Counts):
    triggers = (Signal,)

    def least(self, rules: Any) -> Least:
        return Least(Signal, facts=5)


def test_where_two_kinds_would_have_to_be_counted_neither_is() -> None:
    both = Gate([(_ManyOrders(), RULES), (_ManySignals(), RULES)])
    told = Signal(LONG_AGO, "told", "told/1", "told", 1, {})
    assert taken(Gate([(_ManySignals(), RULES)]), [told]) is not None
    for fact in (order(1), told):
        assert taken(both, [fact]) is None
    assert taken(both, [shipped(1)]) is not None


def test_once_recounted_the_tally_knows_what_was_paid_in_time() -> None:
    known = taken(COUNTING, [order(1, units=2)], [paid(1, 5)], [order(2, units=3)], [order(3)])
    assert known is not None
    assert (known.counted, known.units, known.tail) == (2, 4, 4)


def test_a_state_that_other_detectors_found_quiet_is_looked_at_anew() -> None:
    state = WAITING.take(None, [shipped(1)])
    assert COUNTING.take(state, [shipped(2)]) is None
    merged = SubjectState([shipped(1)])
    assert COUNTING.take(pack(merged, None), [shipped(2)]) is None, "nor is one that is loud"
    assert (
        COUNTING.take(pack(merged, None, COUNTING.of(Facts("s:b", merged.facts))), [shipped(2)])
        is not None
    )


def test_so_many_facts_wait_unmerged_and_no_more() -> None:
    facts = [shipped(number) for number in range(MAX_TAIL + 1)]
    assert taken(COUNTING, facts[:-1]) is not None
    assert taken(COUNTING, facts) is None
    assert taken(COUNTING, facts[:10], facts[10:-1]) is not None
    assert taken(COUNTING, facts[:10], facts[10:]) is None


@pytest.mark.parametrize("order_of_arrival", [1, -1])
def test_facts_further_apart_than_retention_are_looked_at(order_of_arrival: int) -> None:
    apart_s = Fact.retention_ms / 1000
    for at_s, is_quiet in ((apart_s, True), (apart_s + 0.001, False)):
        facts = [shipped(1), shipped(2, at_s)][::order_of_arrival]
        assert (taken(COUNTING, facts) is not None) == is_quiet
        assert (taken(COUNTING, facts[:1], facts[1:]) is not None) == is_quiet


def test_a_pickup_is_appended_and_known_again_by_its_bytes() -> None:
    """It has no event id by which a redelivery could be told."""
    one = PickedUp(LONG_AGO + 1, "", "order-1")
    known = [order(1), paid(1, 5), one]
    assert taken(COUNTING, known) is not None
    state = COUNTING.take(None, known)
    assert COUNTING.take(state, [one]) is None
    for other in (PickedUp(LONG_AGO + 2, "", "order-1"), PickedUp(LONG_AGO + 1, "", "order-2")):
        assert COUNTING.take(state, [other]) is not None


def test_what_is_told_twice_is_looked_at() -> None:
    assert taken(COUNTING, [shipped(1)], [shipped(1)]) is None
    assert taken(COUNTING, [order(1)], [OrderPlaced(LONG_AGO, "anew", "order-1", 2, ())]) is None
    assert taken(COUNTING, [paid(1)], [OrderPaid(LONG_AGO, "anew", "p/order-1", "order-1")]) is None
    # It stands in the state because its payment does, or because another order's id begins like it.
    assert taken(COUNTING, [paid(1)], [order(1)]) is not None
    assert taken(COUNTING, [order(12)], [order(1)]) is not None


def test_what_is_awaited_wakes_unless_it_came_in_time() -> None:
    assert wake_s(WAITING, [order(1, 5)]) == 105
    assert wake_s(WAITING, [order(1, 5)], [shipped(1, 6)]) == 105
    for payment, expected in ((paid(1, 105), None), (paid(1, 105.001), 105), (paid(2, 6), 105)):
        assert wake_s(WAITING, [order(1, 5), payment]) == expected
        assert wake_s(WAITING, [order(1, 5)], [payment]) == expected
    for twice in ([paid(1, 50), again(1, 200)], [again(1, 200), paid(1, 50)]):
        assert wake_s(WAITING, [order(1, 5), *twice]) is None
    assert wake_s(WAITING, [order(1, 5), order(2, 3)]) == 103
    assert wake_s(WAITING, [order(1, 5)], [order(2, 3)]) == 103
    assert wake_s(WAITING, [order(1, 5)], [order(2, 7)]) == 105
    assert wake_s(WAITING, [order(1, 5)], [order(2, 7)], [paid(1, 9)]) == 107
    assert wake_s(WAITING, [order(1, 5)], [paid(1, 6), order(2, 7)]) == 107
    assert wake_s(WAITING, [order(2, 5)], [paid(1, 6)], [order(1, 3)]) == 105


def test_what_was_asked_for_stays_whatever_comes_after_it() -> None:
    """Facts that were merged and looked at asked for their wake-up themselves."""
    merged = SubjectState([order(1, 5)])
    asked = pack(merged, LONG_AGO + 60_000, WAITING.of(Facts("s:b", merged.facts)))
    cases: list[tuple[list[AnyFact], int]] = [
        ([paid(2, 6)], 60),
        ([order(2, -50)], 50),
        ([order(2, 7), paid(2, 8)], 60),
    ]
    for new, wake in cases:
        packed = WAITING.take(asked, new)
        assert packed is not None
        known = header(packed)
        assert (known.asked - LONG_AGO) / 1000 == 60
        assert (known.wake - LONG_AGO) / 1000 == wake
    unasked = pack(merged, None, WAITING.of(Facts("s:b", merged.facts)))
    for new in (cases[0][0], cases[2][0]):
        assert header(WAITING.take(unasked, new) or b"").wake == NO_WAKE
    sooner = WAITING.take(asked, [order(2, -50)])
    called_off = WAITING.take(sooner, [paid(2, 6)])
    assert called_off is not None
    assert (header(called_off).wake - LONG_AGO) / 1000 == 60


def test_for_each_set_of_topics_there_is_a_time() -> None:
    gate = Gate([(Waits(), RULES), (WaitsForLess(), RULES)])
    packed = gate.take(None, [order(1, 5), order(2, 7)])
    assert packed is not None
    assert header(packed).wake == LONG_AGO + 55_000, "the earliest, whatever its topics"
    assert gate.topics == {("payments",), ("orders",)}
    assert gate.waits(packed) == {
        ("payments",): LONG_AGO + 105_000,
        ("orders",): LONG_AGO + 55_000,
    }
    later = gate.take(packed, [paid(1, 20)])
    assert later is not None
    assert gate.waits(later)[("orders",)] == LONG_AGO + 57_000
    done = gate.take(later, [paid(2, 20)])
    assert done is not None
    assert gate.waits(done) == {}


def test_for_what_never_matters_by_itself_nobody_is_woken_or_asked() -> None:
    waits, for_ever = Waits(), WaitsForEver()
    gate = Gate([(waits, RULES), (for_ever, RULES), (Counts(), RULES)])
    assert gate.topics == {("payments",)}
    assert gate.patient == [waits]
    alone = Gate([(for_ever, RULES)])
    packed = alone.take(None, [order(1, 5)])
    assert packed is not None
    assert header(packed).wake == NO_WAKE
    assert alone.waits(packed) == {}
