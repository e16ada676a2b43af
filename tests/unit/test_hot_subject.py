"""A buyer with ten times as many orders costs no more per event: in calls, which no machine changes."""

from __future__ import annotations

import itertools
import sys
from types import FrameType

import pytest

from benchmarks.core import Core, in_batches
from benchmarks.traffic import Line, one_buyer

FEW, MANY = 1_200, 6_000
BATCH = 100


def fed(orders: int, is_paying: bool) -> tuple[Core, list[Line]]:
    """A worker's inner part that knows so many orders of one buyer, and the next lines."""
    lines = (line for line in one_buyer(orders + BATCH) if is_paying or line.topic == "orders")
    core = Core()
    known = orders * (1 + is_paying)
    for chunk in in_batches(itertools.islice(lines, known), 500):
        core.feed(chunk)
    return core, list(itertools.islice(lines, BATCH))


def calls(core: Core, lines: list[Line]) -> int:
    """Calls of Python and of C that a batch takes."""
    count = 0

    def seen(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        core.feed(lines)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("is_paying", [True, False], ids=["pays", "never pays"])
def test_an_event_of_a_buyer_with_thousands_of_orders_costs_what_it_costs_with_a_thousand(
    is_paying: bool,
) -> None:
    few, many = fed(FEW, is_paying), fed(MANY, is_paying)
    assert calls(*many) <= 1.25 * calls(*few)
    assert many[0].buyers.states.size_bytes == pytest.approx(
        few[0].buyers.states.size_bytes, rel=0.2
    )
