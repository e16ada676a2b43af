"""L2: what the detectors conclude equals an independent computation over the complete events."""

from __future__ import annotations

from hypothesis import given, settings

from tests.episode_rows import engine_rows, oracle_rows
from tests.pipeline import Event, run
from tests.property.histories import HORIZONS, histories


# One question to the oracle costs more than many answers, so a history is many small ones.
@settings(max_examples=40)
@given(history=histories(most_scenes=14, shops=6), horizon_ms=HORIZONS)
def test_all_episodes_equal_those_of_the_oracle(history: list[Event], horizon_ms: int) -> None:
    pipeline = run(history, horizon_ms)
    assert engine_rows(pipeline.alerts, pipeline.partitions) == oracle_rows(history, horizon_ms)
