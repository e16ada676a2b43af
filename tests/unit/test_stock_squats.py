"""D02 where buyers tell items: what is taken back, what arrives late, and how much is told."""

from __future__ import annotations

import re

import pytest

from schemas.alerts import Alert
from streams.detect.detectors.d02_stock_squat import MAX_TOLD_A_DAY
from tests.oracle.story import DAY, HOUR, Story, ms
from tests.pipeline import Pipeline, build_engine, run

MINUTE = 60


def squatted(*items: str) -> Story:
    """Items of which half is held for long."""
    story = Story()
    for item in items:
        story.stock(item, 0, 100, 50)
    return story


def latest(pipeline: Pipeline) -> dict[str, Alert]:
    return {alert.subject.id: alert for alert in pipeline.alerts if alert.detector == "D02"}


def holders(pipeline: Pipeline, item: str = "i") -> int:
    found = re.search(r"known to hold many: (\d+)", latest(pipeline)[f"s:{item}"].summary.en)
    assert found
    return int(found[1])


def test_a_hold_that_was_taken_back_is_held_by_nobody() -> None:
    """L5: the payment was in time, and is told late."""
    story = squatted("i")
    story.created("o", 60, 50)
    pipeline = run(story.events, ms(HOUR))
    assert holders(pipeline) == 1
    story.paid("o", 90)
    pipeline.send(story.events[-1:])
    assert holders(pipeline.finish(ms(2 * HOUR))) == 0


@pytest.mark.parametrize("is_late", [False, True])
def test_a_payment_before_a_close_counts_also_when_it_is_told_after_it(is_late: bool) -> None:
    story = Story()
    story.created("o", 0, 50)
    story.stock("i", 20 * MINUTE, 100, 50)
    story.closed("o", HOUR)
    story.paid("o", 10 * MINUTE)
    pipeline = Pipeline()
    if is_late:
        pipeline.send(story.events[:-1])
        pipeline.finish(ms(2 * HOUR))
        assert holders(pipeline) == 1
        pipeline.send(story.events[-1:])
    else:
        pipeline.send(story.events)
    assert holders(pipeline.finish(ms(2 * HOUR))) == 0


def test_each_item_of_an_order_hears_of_it() -> None:
    story = squatted("i", "j")
    story.created("o", 60, 20, more={"j": 30, "k": 4})
    pipeline = run(story.events, ms(HOUR))
    assert (holders(pipeline, "i"), holders(pipeline, "j")) == (1, 1)
    story.paid("o", 90)
    pipeline.send(story.events[-1:])
    pipeline.finish(ms(2 * HOUR))
    assert (holders(pipeline, "i"), holders(pipeline, "j")) == (0, 0)


def test_a_new_hold_takes_none_back_however_large() -> None:
    story = squatted("i")
    for number in range(MAX_TOLD_A_DAY):
        story.created(f"o{number}", number, 5)
    pipeline = Pipeline(holds_signals=True)
    pipeline.send(story.events)
    pipeline.read_to_end(ms(HOUR))
    story.created("new", 2 * HOUR, 500)
    pipeline.send(story.events[-1:])
    pipeline.read_to_end(ms(DAY))
    holds = [one.signal for one in pipeline.signals if one.signal.name == "unpaid_hold"]
    assert len(holds) == MAX_TOLD_A_DAY
    assert all(signal.values for signal in holds)


@pytest.mark.parametrize("days", [1, 3, 20])
def test_a_hold_is_over_when_the_platform_of_the_shop_has_closed_the_orders(days: int) -> None:
    engine = build_engine(shops={"s": {"deadlines": {"T01": {"close_s": days * DAY}}}})
    pipeline = Pipeline(engine)
    pipeline.send(squatted("i").events)
    pipeline.finish(ms(days * DAY + 4 * MINUTE))
    assert latest(pipeline)["s:i"].status == "open"
    pipeline.finish(ms(days * DAY + 5 * MINUTE))
    assert latest(pipeline)["s:i"].status == "expired"
