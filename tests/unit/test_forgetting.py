"""What retention lets go was no mistake: an alert that rests on it is not taken back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.oracle.seller_story import SellerStory
from tests.oracle.story import DAY, HOUR, Story, ms
from tests.pipeline import Pipeline


def returns_of_most_orders() -> Story:
    story = SellerStory()
    for number in range(6):
        story.created(f"o{number}", number * HOUR)
        story.paid(f"o{number}", number * HOUR + 60)
        story.shipped(f"o{number}", (number + 1) * HOUR)
    for number in range(5):
        story.requested(f"o{number}", 20 * DAY + number, reason="quality", refund_only=False)
    return story


def order_of_a_banned_buyer() -> Story:
    story = Story()
    story.flagged(0, banned=True)
    story.created("o", 30 * DAY)
    return story


@pytest.mark.parametrize(
    ("detector", "tell", "day"),
    [
        ("D09", returns_of_most_orders, 47.5),
        ("D35", order_of_a_banned_buyer, 46),
    ],
)
def test_an_alert_outlives_facts_that_are_let_go(
    detector: str, tell: Callable[[], Story], day: float
) -> None:
    story = tell()
    pipeline = Pipeline()
    pipeline.send(story.events)
    pipeline.read_to_end(ms(31 * DAY))
    before = {a["alert_id"] for a in pipeline.standing.values() if a["detector"] == detector}
    assert before
    known = len(story.events)
    story.created("much later", day * DAY)
    pipeline.send(story.events[known:])
    pipeline.read_to_end(ms(day * DAY + HOUR))
    after = {a["alert_id"] for a in pipeline.standing.values() if a["detector"] == detector}
    assert before <= after
    assert not [a for a in pipeline.alerts if a.detector == detector and a.status == "retracted"]
