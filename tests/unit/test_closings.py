"""D33 at its edges: whose close counts, and which other orders the platform will still close."""

from __future__ import annotations

import re

import pytest

from tests.oracle.seller_story import SellerStory
from tests.oracle.story import DAY, HOUR, ms
from tests.pipeline import Pipeline, build_engine, run

TICK = 0.001
CLOSED = 4 * DAY


def others(story: SellerStory) -> list[int]:
    """How many more unpaid orders each alert names; one that has none to name says nothing."""
    alerts = run(story.events, ms(CLOSED + HOUR)).alerts
    texts = [alert.summary.en for alert in alerts if alert.detector == "D33"]
    found = [re.search(r"besides: (\d+)", text) for text in texts]
    return [int(number[1]) if number else 0 for number in found]


def closed_by_hand() -> SellerStory:
    story = SellerStory()
    story.created("o", CLOSED - HOUR)
    story.closed_by("seller", "o", CLOSED)
    return story


@pytest.mark.parametrize(
    ("placed", "named"),
    [(-3 * DAY - TICK, 0), (-3 * DAY, 1), (0, 1), (TICK, 0)],
)
def test_others_are_those_of_three_days_up_to_the_closing(placed: float, named: int) -> None:
    story = closed_by_hand()
    story.created("other", CLOSED + placed)
    assert others(story) == [named]


@pytest.mark.parametrize("how", ["paid", "closed"])
@pytest.mark.parametrize(("at", "named"), [(-TICK, 0), (0, 0), (TICK, 1)])
def test_others_are_neither_paid_nor_closed_by_then(how: str, at: float, named: int) -> None:
    story = closed_by_hand()
    story.created("other", CLOSED - HOUR)
    if how == "paid":
        story.paid("other", CLOSED + at)
    else:
        story.closed_by("buyer", "other", CLOSED + at)
    assert others(story) == [named]


@pytest.mark.parametrize(("at", "alerts"), [(-TICK, 0), (0, 1), (DAY, 1)])
def test_an_order_that_was_closed_before_is_not_closed_by_the_seller(
    at: float, alerts: int
) -> None:
    story = closed_by_hand()
    story.closed_by("buyer", "o", CLOSED + at)
    assert len(others(story)) == alerts


@pytest.mark.parametrize(
    ("close_s", "zh", "en"),
    [(20 * DAY, "下单20天后", "20 days after"), (900, "下单15分钟后", "15 minutes after")],
)
def test_agents_are_told_the_time_of_their_own_shop(close_s: int, zh: str, en: str) -> None:
    story = closed_by_hand()
    closing = {"close_s": close_s, "remind_before_s": 60}
    pipeline = Pipeline(build_engine(shops={"s": {"deadlines": {"T01": closing}}}))
    pipeline.send(story.events)
    (alert,) = [a for a in pipeline.finish(ms(CLOSED + HOUR)).alerts if a.detector == "D33"]
    assert zh in alert.summary.zh
    assert en in alert.summary.en


def test_an_old_case_does_not_say_what_it_has_not_read() -> None:
    story = closed_by_hand()
    story.filed("k", "o", CLOSED + DAY, "breach_of_promise")
    alerts = run(story.events, ms(CLOSED + 16 * DAY)).alerts
    (alert,) = [a for a in alerts if a.detector == "D33"]
    assert alert.status == "expired"
    assert alert.reason is not None
    assert (alert.reason.zh, alert.reason.en) == ("长时间没有更多信息", "Nothing more is known")
