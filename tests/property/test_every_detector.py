"""L1 for whatever is registered: its stories, mixed with others, give the same alerts in any way of telling.

A new detector needs its examples, which the contract suite demands, and nothing here.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from streams.detect.detector import find_detectors
from tests.pipeline import Event, run
from tests.property.mixed_stories import Told, mixed_stories
from tests.property.ways import (
    WAYS,
    a_crash_changes_nothing_in_the_end,
    a_restart_changes_nothing,
    any_way_gives_the_same,
    revisions_only_grow,
)

IDS = sorted({detector.id for detector in find_detectors()})
every_detector = pytest.mark.parametrize("detector", IDS)
Law = Callable[[list[Event], int, Random], None]


@every_detector
@pytest.mark.parametrize(
    "law",
    [
        any_way_gives_the_same,
        a_restart_changes_nothing,
        a_crash_changes_nothing_in_the_end,
        revisions_only_grow,
    ],
    ids=lambda law: law.__name__,
)
# Of each detector; together they are hundreds, and what all of them run through is tried that often.
@settings(max_examples=20)
@given(data=st.data(), rng=WAYS)
def test_a_law_holds_for_every_detector(
    detector: str, law: Law, data: st.DataObject, rng: Random
) -> None:
    law(*data.draw(mixed_stories(detector)), rng)


@every_detector
def test_of_some_of_these_histories_the_detector_speaks(detector: str) -> None:
    def makes_it_speak(told: Told) -> bool:
        return any(alert.detector == detector for alert in run(*told).alerts)

    find(mixed_stories(detector), makes_it_speak, settings=settings(max_examples=20, database=None))
