"""A replay refuses what the live worker refuses, and says where it stands."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from streams.replay import run as replaying
from streams.replay.engine import Replay, ReplayReport, replay
from streams.replay.files import Chunk
from streams.runtime.intake import Intake
from streams.settings import Settings
from streams.subscriber import Record
from tests.oracle.seller_story import SellerStory
from tests.oracle.story import DAY, HOUR, Story, ms
from tests.pipeline import default_engine

MAX_FUTURE_S = 600
NOW_MS = ms(DAY)
FAR = 70 * 365 * DAY


def burst() -> Story:
    story = Story()
    for number in range(6):
        story.created(f"o{number}", 60 * number)
    return story


def lines_of(story: Story) -> list[bytes]:
    return [json.dumps({"topic": topic, "value": value}).encode() for topic, value in story.events]


def replayed(
    lines: list[bytes], in_chunks_of: int = 1000, until_ms: int | None = None
) -> ReplayReport:
    running = Replay(
        default_engine(),
        lambda alert: None,
        now_ms=lambda: NOW_MS,
        max_future_s=MAX_FUTURE_S,
    )
    for begin in range(0, len(lines), in_chunks_of):
        running.feed(
            lines[begin : begin + in_chunks_of], lambda index, begin=begin: f"f:{begin + index + 1}"
        )
    return running.finish(until_ms)


def said(report: ReplayReport) -> tuple[Any, ...]:
    return report.standing, report.subjects, report.newest_ms, report.horizon_ms, report.events


@pytest.mark.parametrize("in_chunks_of", [1, 3, 1000])
def test_an_event_from_the_future_changes_nothing_about_the_others(in_chunks_of: int) -> None:
    # The same buyer, another one, and an event of which no fact is made.
    story = SellerStory()
    story.created("o-future", FAR)
    story.buyer = "other"
    story.created("o-other", FAR)
    story.answered("u", FAR, "pending")
    future = lines_of(story)
    present = lines_of(burst())
    # Later than what is refused, so that the time of what was taken is looked at again.
    lines = [*present[:3], *future, *present[3:]]
    report = replayed(lines, in_chunks_of)
    assert report.refused == {"future_time": 3}
    assert [position for position, _, _ in report.refused_at] == ["f:4", "f:5", "f:6"]
    assert said(report) == said(replayed(present))
    report = replayed(lines, in_chunks_of, NOW_MS)
    assert said(report) == said(replayed(present, until_ms=NOW_MS))
    assert [alert.detector for alert in report.standing] == ["D01"]


def test_it_is_refused_with_the_words_of_the_live_worker() -> None:
    story = Story()
    story.created("o", DAY + MAX_FUTURE_S + 61)
    ((_, reason, text),) = replayed(lines_of(story)).refused_at
    body = json.dumps(story.events[0][1]).encode()
    live = Intake("orders", len(body), MAX_FUTURE_S * 1000, lambda: NOW_MS)
    ((_, error),) = live.take([Record("orders", 0, 0, b"s:b", body)]).poison
    assert (reason, text) == (error.reason, str(error))
    assert "61 s further ahead than allowed" in text


def test_a_clock_a_little_ahead_is_believed_but_moves_no_horizon_past_the_present() -> None:
    story = Story()
    story.created("o", DAY + MAX_FUTURE_S)
    report = replayed(lines_of(story))
    assert (report.refused, report.subjects) == ({}, 1)
    assert (report.newest_ms, report.horizon_ms) == (NOW_MS, NOW_MS)


def test_a_paced_replay_does_not_wait_for_what_it_will_refuse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail(f"waits for {seconds} s"))
    story = Story()
    story.created("o", 0)
    story.created("o-future", FAR)
    chunk = Chunk("f", lines_of(story), 1)
    present: dict[str, Any] = {"now_ms": lambda: NOW_MS, "max_future_s": MAX_FUTURE_S}
    report = replay(default_engine(), [chunk], speed=1.0, **present)
    assert (report.events, report.refused) == ({"orders": 1}, {"future_time": 1})


@pytest.mark.parametrize(("until", "refused"), [(None, 6), (ms(HOUR), 0)])
def test_whoever_names_a_later_end_says_what_the_present_is(
    tmp_path: Path, until: int | None, refused: int
) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join(lines_of(burst())))
    at = None if until is None else datetime.fromtimestamp(until / 1000, UTC)
    plan = replaying.Plan([str(path)], until=at)
    settings = Settings(data_dir=tmp_path)
    done = replaying.run(settings, plan, lambda records, share=None: None, lambda: ms(-DAY))
    assert done.report.refused.total() == refused


# A full-width blank, as a form in Chinese may leave behind an id.
UNPRINTABLE = "b\u3000"


@pytest.mark.parametrize("in_chunks_of", [1, 1000])
def test_ids_that_the_worker_refuses_are_refused_with_its_words(in_chunks_of: int) -> None:
    present = lines_of(burst())
    story = SellerStory(buyer=UNPRINTABLE)
    story.created("o", 0)
    story.answered("u", 0, "pending")
    # This one is from the future too, and counts once.
    story.created("o-future", FAR)
    report = replayed([*lines_of(story), *present], in_chunks_of)
    assert report.refused == {"bad_key": 3}
    assert said(report) == said(replayed(present))
    body = json.dumps(story.events[0][1]).encode()
    live = Intake("orders", len(body), MAX_FUTURE_S * 1000, lambda: NOW_MS)
    ((_, error),) = live.take([Record("orders", 0, 0, b"", body)]).poison
    assert report.refused_at[0] == ("f:1", error.reason, str(error))


@pytest.mark.parametrize("how", [{"shuffle_seed": 1}, {"speed": 1e9}])
def test_a_refused_line_is_named_by_its_place_in_its_file(how: dict[str, Any]) -> None:
    chunks = [
        Chunk("f", [*lines_of(burst()), b"{"], 1),
        Chunk("g", [b"[", *lines_of(burst())], 11),
    ]
    report = replay(default_engine(), chunks, **how)
    assert {position for position, _, _ in report.refused_at} == {"f:7", "g:11"}


# The smallest that can be set, and a size of which some are within it and some are not.
MAX_RECORD_BYTES = 1024


def padded(story: Story, sizes: list[int]) -> list[bytes]:
    """The lines of a story with values of these sizes, by a field that nobody knows."""
    lines = []
    for (topic, value), size in zip(story.events, sizes, strict=True):
        bare = json.dumps({**value, "note": ""})
        body = json.dumps({**value, "note": "x" * (size - len(bare))})
        lines.append(b'{"topic": "%b",  "value": %b }' % (topic.encode(), body.encode()))
    return lines


@pytest.mark.parametrize("how", [{}, {"shuffle_seed": 1}, {"speed": 1e9}])
def test_a_record_that_the_worker_finds_too_large_is_refused_with_its_words(
    how: dict[str, Any],
) -> None:
    sizes = [MAX_RECORD_BYTES, MAX_RECORD_BYTES + 1] * 3
    lines = padded(burst(), sizes)
    # Not for its size: it is no line of an event file at all.
    lines.insert(2, b"{" * 2 * MAX_RECORD_BYTES)
    report = replay(
        default_engine(), [Chunk("f", lines, 1)], max_record_bytes=MAX_RECORD_BYTES, **how
    )
    assert report.refused == {"too_large": 3, "invalid_json": 1}
    assert report.events == {"orders": 3}
    assert report.alerts == {}
    refused = {position: (reason, text) for position, reason, text in report.refused_at}
    assert refused.keys() == {"f:2", "f:3", "f:5", "f:7"}
    body = json.dumps(json.loads(lines[1])["value"]).encode()
    live = Intake("orders", MAX_RECORD_BYTES, MAX_FUTURE_S * 1000, lambda: NOW_MS)
    ((_, error),) = live.take([Record("orders", 0, 0, b"s:b", body)]).poison
    assert refused["f:2"] == (error.reason, str(error))


def test_the_size_that_the_worker_takes_is_that_of_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join(padded(burst(), [2000] * 6)))
    for limit, refused in ((1024, 6), (2000, 0)):
        settings = Settings(max_record_bytes=limit, data_dir=tmp_path)
        plan = replaying.Plan([str(path)])
        done = replaying.run(settings, plan, lambda records, share=None: None, lambda: NOW_MS)
        assert done.report.refused.total() == refused
