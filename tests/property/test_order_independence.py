"""L1: order, duplicates, batches, partitions, restarts and the way of the horizon change nothing.

These histories are made to come close to thresholds. Those of `test_every_detector` are made for whatever is
registered; this one is for the detectors that count and wait.
"""

from __future__ import annotations

from random import Random

from hypothesis import given, settings

from tests.oracle.story import DAY, ms
from tests.pipeline import Event
from tests.property.histories import HORIZONS, histories
from tests.property.ways import (
    WAYS,
    a_crash_changes_nothing_in_the_end,
    a_restart_changes_nothing,
    any_way_gives_the_same,
    revisions_only_grow,
)

some = settings(max_examples=50)


@some
@given(history=histories(), horizon_ms=HORIZONS, rng=WAYS)
def test_the_same_events_in_any_way_give_the_same_alerts(
    history: list[Event], horizon_ms: int, rng: Random
) -> None:
    any_way_gives_the_same(history, horizon_ms, rng)


@some
@given(history=histories(), horizon_ms=HORIZONS, rng=WAYS)
def test_a_restart_at_any_point_changes_nothing(
    history: list[Event], horizon_ms: int, rng: Random
) -> None:
    a_restart_changes_nothing(history, horizon_ms, rng)


@some
@given(history=histories(), horizon_ms=HORIZONS, rng=WAYS)
def test_a_crash_while_alerts_and_signals_leave_changes_nothing_in_the_end(
    history: list[Event], horizon_ms: int, rng: Random
) -> None:
    a_crash_changes_nothing_in_the_end(history, horizon_ms, rng)


@some
@given(history=histories(), rng=WAYS)
def test_at_the_end_every_published_revision_is_greater_than_the_one_before(
    history: list[Event], rng: Random
) -> None:
    revisions_only_grow(history, ms(80 * DAY), rng)
