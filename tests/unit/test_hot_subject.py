"""What an event of a busy buyer costs, in calls, which no machine changes.

With ten times as many orders no more; and never the square of what the buyer wrote or did.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from functools import partial
from types import FrameType

import pytest

from benchmarks.core import Core, in_batches
from benchmarks.traffic import Line, one_buyer
from tests.oracle.story import DAY, HOUR, ms
from tests.pipeline import Pipeline
from tests.talk_stories import Talk

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


def calls(work: Callable[[], object]) -> int:
    """Calls of Python and of C that it takes."""
    count = 0

    def seen(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("is_paying", [True, False], ids=["pays", "never pays"])
def test_an_event_of_a_buyer_with_thousands_of_orders_costs_what_it_costs_with_a_thousand(
    is_paying: bool,
) -> None:
    (few, next_few), (many, next_many) = fed(FEW, is_paying), fed(MANY, is_paying)
    assert calls(lambda: many.feed(next_many)) <= 1.25 * calls(lambda: few.feed(next_few))
    assert many.buyers.states.size_bytes == pytest.approx(few.buyers.states.size_bytes, rel=0.2)


def advertised(story: Talk, number: int) -> None:
    """An order with a review that advertises: an alert, and an act of a campaign, for each."""
    order, at = f"a{number}", DAY + 60 * number
    story.created(order, at)
    story.paid(order, at + 5)
    story.reviewed("posted", order, at + HOUR, "bad", "加微信 abcde12345 返利兼职")
    story.contact(at + HOUR, answered=False)


def told_of_own_money(story: Talk, number: int) -> None:
    """Two messages: of a sum that is the buyer's own, and a threat with a sum beside it."""
    at = DAY + 60 * number
    story.said("我多付了20块,退我", at)
    story.said("给我500块,不然差评", at + 30)


@pytest.mark.parametrize("busy", [advertised, told_of_own_money])
def test_what_an_event_costs_does_not_grow_with_the_square_of_what_a_buyer_did(
    busy: Callable[[Talk, int], None],
) -> None:
    costs = []
    for already in (100, 400):
        story = Talk()
        for number in range(11):
            story.created(f"u{number}", 60.0 * number)
        for number in range(already):
            busy(story, number)
        pipeline = Pipeline()
        pipeline.send(story.events)
        pipeline.read_to_end(ms(3 * DAY))
        assert {"D01", "D25"} <= {alert.detector for alert in pipeline.alerts}
        more = Talk()
        busy(more, already)
        costs.append(calls(partial(pipeline.send, more.events)))
    assert costs[1] <= 5 * costs[0]
