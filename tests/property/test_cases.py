"""L1 and L2 for detectors of single orders: any order of arrival, and the oracle, agree on the cases."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.episode_rows import engine_rows, oracle_rows
from tests.pipeline import Event, Pipeline, run
from tests.property.case_scenes import case_histories
from tests.property.histories import HORIZONS
from tests.property.test_order_independence import batches, move_horizons

WAYS = st.randoms(use_true_random=False)


@settings(max_examples=40)
@given(history=case_histories(most_buyers=12), horizon_ms=HORIZONS)
def test_all_cases_equal_those_of_the_oracle(history: list[Event], horizon_ms: int) -> None:
    pipeline = run(history, horizon_ms)
    assert engine_rows(pipeline.alerts, pipeline.partitions) == oracle_rows(history, horizon_ms)


@given(history=case_histories(), horizon_ms=HORIZONS, rng=WAYS)
def test_the_same_events_in_any_way_give_the_same_cases(
    history: list[Event], horizon_ms: int, rng: Random
) -> None:
    expected = run(history, horizon_ms).standing
    pipeline = Pipeline(partitions=rng.randint(1, 3))
    for batch in batches(history, rng):
        pipeline.send(batch)
        if rng.random() < 0.3:
            move_horizons(pipeline, rng, horizon_ms)
        if rng.random() < 0.2:
            pipeline.restart()
    assert pipeline.finish(horizon_ms, rng).standing == expected
