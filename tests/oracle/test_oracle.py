"""What all oracles share: duplicates, last writers, files, and refusal of unknown rules."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import orjson
import pytest

from tests.oracle.oracle import History, oracle
from tests.oracle.story import DAY, HOUR, Story, ms


def burst() -> Story:
    story = Story()
    for i in range(5):
        story.created(f"o{i}", 10 * i)
    return story


def test_order_and_duplicates_of_events_do_not_matter() -> None:
    story = burst()
    expected = story.told("D01", HOUR)
    story.events *= 3
    random.Random(7).shuffle(story.events)
    assert story.told("D01", HOUR) == expected != []


def test_the_last_writer_by_time_then_event_id_wins() -> None:
    story = burst()
    story.created("o4", 50, event_id="later")
    assert story.told("D01", HOUR)[0].opened_at_ms == ms(50 + 180)
    story.created("o4", 50, units=196, event_id="latest")
    assert story.told("D01", HOUR)[0].severity == "critical"
    story.created("o4", 50, units=1, event_id="early")
    assert story.told("D01", HOUR)[0].severity == "critical"


def test_one_payment_may_pay_several_orders() -> None:
    story = burst()
    story.paid("elsewhere", 20, payment="p")
    assert len(story.told("D01", HOUR)) == 1
    story.paid("o0", 30, payment="p")
    assert story.told("D01", HOUR) == []


def test_the_last_shipped_of_an_order_wins() -> None:
    story = Story()
    for order in ("x", "y"):
        story.created(order, 0, ship_by=DAY)
        story.shipped(order, HOUR)
        story.requested(order, 2 * DAY, reason="stockout")
    assert len(story.told("D10", 3 * DAY)) == 1
    story.shipped("y", DAY + 1)
    assert story.told("D10", 3 * DAY) == []


@pytest.mark.parametrize(("fraction", "expected"), [("000499", 40), ("000500", 40.001)])
def test_times_are_read_with_their_offset_and_rounded_to_milliseconds(
    fraction: str, expected: float
) -> None:
    story = burst()
    story.events[4][1]["occurred_at"] = f"2026-11-01T08:00:40.{fraction}+08:00"
    assert story.told("D01", HOUR)[0].opened_at_ms == ms(expected + 180)


def test_other_topics_are_passed_over() -> None:
    story = burst()
    header = {"event_id": "x", "schema_version": 1, "occurred_at": "2026-11-01T00:00:00Z"}
    level = header | {"type": "level", "shop_id": "s", "item_id": "i", "on_hand": 5}
    story.events.append(("stock", level))
    assert len(story.told("D01", HOUR)) == 1


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz"])
def test_a_file_gives_the_same_as_its_events(tmp_path: Path, suffix: str) -> None:
    story = burst()
    lines = b"".join(
        orjson.dumps({"topic": topic, "value": value}) + b"\n" for topic, value in story.events
    )
    path = tmp_path / f"events{suffix}"
    path.write_bytes(gzip.compress(lines) if suffix.endswith("gz") else lines)
    assert oracle("D01", path, ms(HOUR)) == story.told("D01", HOUR)


def test_no_events_no_episodes() -> None:
    with History([]) as history:
        assert [history.episodes(d, ms(DAY)) for d in ("D01", "D08", "D10")] == [[], [], []]


def test_rules_hold_for_one_question_only() -> None:
    with History(burst().events) as history:
        assert history.episodes("D01", ms(HOUR), {"warn_orders": 6}) == []
        assert len(history.episodes("D01", ms(HOUR))) == 1


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="warn_order'"):
        burst().told("D01", HOUR, {"warn_order": 6})
