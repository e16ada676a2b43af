"""What a replay does batch by batch: events of which nothing is remembered, and time that goes on."""

from __future__ import annotations

import time

import orjson
import pytest

from schemas.alerts import Alert
from schemas.fast_types import Receiver
from streams.detect.address.receivers import reader
from streams.replay.engine import Replay, replay
from streams.replay.files import Chunk, event_line
from streams.replay.pacing import LONGEST_SLEEP_S
from tests.oracle.seller_story import SellerStory
from tests.oracle.story import DAY, HOUR, Story
from tests.pipeline import default_engine


def test_a_batch_of_events_without_facts_is_counted_and_leads_to_nothing() -> None:
    story = SellerStory()
    story.answered("u", 0, "pending")
    line = b'{"topic":"recharges","value":' + orjson.dumps(story.events[0][1]) + b"}"
    running = Replay(default_engine(), lambda alert: None)
    running.feed([line], lambda index: "")
    running.flush()
    report = running.finish()
    assert report.events == {"recharges": 1}
    assert report.alerts == {}


def test_a_replay_that_is_over_remembers_no_receiver() -> None:
    story = Story()
    story.created("o", 0)
    given = Receiver(
        name="王小明", phone="13800138000", city="杭州市", detail="文三路100号5幢301室"
    )
    running = Replay(default_engine(), lambda alert: None)
    running.feed(lines_of(story), lambda index: "")
    assert reader().of(given) is reader().of(given)
    running.finish()
    assert reader().of(given) is not reader().of(given)


@pytest.fixture
def no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)


def lines_of(story: Story) -> list[bytes]:
    return [event_line(topic, orjson.dumps(value)).rstrip() for topic, value in story.events]


@pytest.mark.usefixtures("no_sleep")
def test_a_paced_replay_tells_things_as_they_come_though_no_payment_moves_time() -> None:
    story = Story()
    for number in range(6):
        story.created(f"o{number}", number)
    story.buyer = "somebody-else"
    story.created("later", HOUR)
    story.buyer = "b"
    for number in range(6):
        story.paid(f"o{number}", 2 * HOUR)
    said: list[Alert] = []
    chunk = Chunk("f", lines_of(story), 1)
    replay(default_engine(), [chunk], said.append, speed=1.0, is_one_source=True)
    burst = [alert for alert in said if alert.detector == "D01"]
    assert [burst[0].change, burst[-1].status] == ["opened", "resolved"]
    assert len({alert.alert_id for alert in burst}) == 1


def test_a_paced_replay_sleeps_no_longer_than_a_process_can(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    story = Story()
    story.created("o1", 0)
    story.created("o2", 800 * DAY)
    replay(default_engine(), [Chunk("f", lines_of(story), 1)], speed=0.001)
    assert slept == [LONGEST_SLEEP_S]


@pytest.mark.usefixtures("no_sleep")
@pytest.mark.parametrize("is_one_source", [False, True])
def test_what_comes_out_of_order_accuses_nobody_on_the_way(is_one_source: bool) -> None:
    """Orders first and then their payments, as two files or as one: all were paid at once."""
    orders, payments = Story(), Story()
    for number in range(12):
        orders.created(f"o{number}", 200 * number)
        payments.paid(f"o{number}", 200 * number + 1)
    lines = [*lines_of(orders), *lines_of(payments)]
    if is_one_source:
        # Where the first lines show already that they are not sorted.
        lines = [lines[-1], *lines[:-1]]
    said: list[Alert] = []
    replay(
        default_engine(),
        [Chunk("f", lines, 1)],
        said.append,
        speed=1.0,
        is_one_source=is_one_source,
    )
    assert [alert for alert in said if alert.detector == "D01"] == []
