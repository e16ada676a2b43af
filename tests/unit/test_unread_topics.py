"""L4 for every detector that accuses: what is not read yet may only ever leave somebody alone.

Each example of each detector is told without one topic, and that topic is not read.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from schemas.alerts import Alert
from schemas.topics import BUYER_TOPICS
from streams.detect.detector import find_detectors
from streams.detect.episodes import LEVELS
from tests.example_stories import Story, events_of, stories
from tests.pipeline import Event, Pipeline, run

ACCUSING = {detector.id for detector in find_detectors() if detector.accuses}
ASK_PAYMENTS = {detector.id for detector in find_detectors() if "payments" in detector.topics}
STORIES = [story for story in stories() if story.detector in ACCUSING]
SILENCE_MIN_BUYERS = 5
# Of single cases: what speaks for the buyer is in a topic that these do not wait for. What is held must be
# told soon, also where chats lag.
NOT_AWAITED = {("D13", "shipments"), ("D01", "chats")}


def accused(alerts: Iterable[Alert]) -> dict[tuple[str, str], int]:
    """Who stands accused by which detector, and how severely."""
    last = {alert.alert_id: alert for alert in alerts}
    found: dict[tuple[str, str], int] = {}
    for alert in last.values():
        level = LEVELS.index(alert.severity)
        if level and alert.status != "retracted" and alert.detector in ACCUSING:
            key = alert.detector, alert.subject.id
            found[key] = max(level, found.get(key, 0))
    return found


def without(topic: str, events: Iterable[Event]) -> list[Event]:
    return [event for event in events if event[0] != topic]


def too_severe(
    found: dict[tuple[str, str], int], in_the_end: dict[tuple[str, str], int]
) -> dict[tuple[str, str], int]:
    """Accusations that what was not read would have softened."""
    return {key: level for key, level in found.items() if level > in_the_end.get(key, 0)}


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_an_unread_topic_accuses_nobody(story: Story) -> None:
    in_the_end = accused(run(story.events, story.horizon_ms).alerts)
    for topic in sorted({topic for topic, _ in story.events} & set(BUYER_TOPICS)):
        if (story.detector, topic) in NOT_AWAITED:
            continue
        pipeline = Pipeline()
        pipeline.send(without(topic, story.events))
        pipeline.read_to_end(story.horizon_ms, [t for t in BUYER_TOPICS if t != topic])
        assert too_severe(accused(pipeline.alerts), in_the_end) == {}, f"{topic} is not read"


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_payments_that_died_for_a_shop_accuse_nobody(story: Story) -> None:
    in_the_end = accused(run(story.events, story.horizon_ms).alerts)
    crowd = {"orders.created": {"order_id": "crowd{n}", "units": 1}}
    others = events_of([{"at": "0s", "buyer": "crowd{n}", "times": SILENCE_MIN_BUYERS, **crowd}])
    events = [(topic, {**value, "event_id": f"x{value['event_id']}"}) for topic, value in others]
    pipeline = Pipeline(silence_min_buyers=SILENCE_MIN_BUYERS)
    pipeline.send([*events, *without("payments", story.events)])
    pipeline.finish(story.horizon_ms)
    found = {
        key: level for key, level in accused(pipeline.alerts).items() if key[0] in ASK_PAYMENTS
    }
    assert too_severe(found, in_the_end) == {}
