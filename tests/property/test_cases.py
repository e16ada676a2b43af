"""L1 and L2 for detectors of single orders: any order of arrival, and the oracle, agree on the cases."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings

from tests.episode_rows import engine_rows, oracle_rows
from tests.pipeline import Event, run
from tests.property.case_scenes import case_histories
from tests.property.histories import HORIZONS
from tests.property.ways import WAYS, any_way_gives_the_same


@settings(max_examples=40)
@given(history=case_histories(most_buyers=12), horizon_ms=HORIZONS)
def test_all_cases_equal_those_of_the_oracle(history: list[Event], horizon_ms: int) -> None:
    pipeline = run(history, horizon_ms)
    assert engine_rows(pipeline.alerts, pipeline.partitions) == oracle_rows(history, horizon_ms)


@settings(max_examples=30)
@given(history=case_histories(), horizon_ms=HORIZONS, rng=WAYS)
def test_the_same_events_in_any_way_give_the_same_cases(
    history: list[Event], horizon_ms: int, rng: Random
) -> None:
    any_way_gives_the_same(history, horizon_ms, rng)
