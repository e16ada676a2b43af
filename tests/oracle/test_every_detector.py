"""L2 for whatever is registered: it has an oracle in SQL, and both say the same of all examples.

A new detector needs its file of SQL, its thresholds in `oracle.DEFAULTS`, and its id among those that
`episode_rows` or `talk` ask. An oracle that nothing in the examples moves would prove nothing, and fails.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from streams.detect.detector import find_detectors
from tests import episode_rows, talk_stories
from tests.example_stories import ms, seconds, stories
from tests.oracle import talk
from tests.pipeline import Event, run

HERE = Path(__file__).parent
IDS = sorted({detector.id for detector in find_detectors()})
IN_SQL = sorted(path.stem.upper() for path in HERE.glob("d[0-9][0-9].sql"))
# It puts together what the oracles of all others find; compared in tests/property/test_campaign_agreement.py
# and test_ring_campaigns.py.
SECOND_ORDER = "D25"
# Amid the longer stories, and once everything is long ago.
HORIZONS = ("9d", "50d")
Rows = list[Any]


def test_every_detector_has_an_oracle() -> None:
    assert IN_SQL == IDS


def test_every_oracle_is_asked_for() -> None:
    assert sorted([*episode_rows.DETECTORS, *talk.DETECTORS, SECOND_ORDER]) == IN_SQL


def told() -> list[Event]:
    """All examples, each in a shop of its own."""
    return [
        (topic, {**value, "shop_id": f"s{number}", "event_id": f"s{number}-{value['event_id']}"})
        for number, story in enumerate(stories())
        for topic, value in story.events
    ]


@cache
def compared(horizon: str) -> tuple[Rows, Rows]:
    """What all detectors and all oracles say of the examples."""
    events, horizon_ms = told(), ms(seconds(horizon))
    pipeline = run(events, horizon_ms)
    engine = episode_rows.engine_rows(pipeline.alerts, pipeline.partitions)
    oracle = episode_rows.oracle_rows(events, horizon_ms)
    return (
        [*engine, *talk_stories.engine_rows(pipeline)],
        [*oracle, *talk_stories.oracle_rows(events, horizon_ms)],
    )


@pytest.mark.parametrize("detector", [name for name in IN_SQL if name != SECOND_ORDER])
def test_detector_and_oracle_say_the_same_of_all_examples(detector: str) -> None:
    rows_found = 0
    for horizon in HORIZONS:
        found, wanted = (
            [row for row in rows if row.detector == detector] for rows in compared(horizon)
        )
        assert found == wanted
        rows_found += len(wanted)
    assert rows_found, "no example makes this oracle say anything"
