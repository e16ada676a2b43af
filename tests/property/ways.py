"""The ways in which the same events may be told, and what must not depend on them (L1).

Shared by all properties of order: whoever has histories of another kind asks the same of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from hypothesis import strategies as st

from schemas.alerts import Alert
from schemas.topics import BUYER_TOPICS
from streams.detect.facts import merged
from streams.detect.state import Header, SubjectState, header, unpack
from tests.oracle.story import DAY, T0_MS
from tests.pipeline import Event, Pipeline, run

WAYS = st.randoms(use_true_random=False)
# How far the horizon goes while events still come: later, whoever is not heard of may be forgotten.
_MOVES_MS = 45 * DAY * 1000


def batches(events: list[Event], rng: Random, most: int = 12) -> Iterator[list[Event]]:
    """Some events doubled, all of them shuffled, in batches of any size."""
    doubled = events + rng.sample(events, k=rng.randint(0, len(events)))
    rng.shuffle(doubled)
    start = 0
    while start < len(doubled):
        size = rng.choice((1, 2, 5, most))
        yield doubled[start : start + size]
        start += size


def move_horizons(pipeline: Pipeline, rng: Random, last_ms: int, first_ms: int = T0_MS) -> None:
    """Some topics of some partition are read to their end, at any time up to the last horizon."""
    topics = rng.sample(BUYER_TOPICS, k=rng.randint(1, len(BUYER_TOPICS)))
    at_ms = _moment(rng, last_ms, first_ms)
    pipeline.read_to_end(at_ms, topics, rng.randrange(len(pipeline.buyers)))


def _moment(rng: Random, last_ms: int, first_ms: int) -> int:
    return min(last_ms, first_ms + round(rng.random() * _MOVES_MS))


def any_way_gives_the_same(
    history: list[Event], horizon_ms: int, rng: Random, first_ms: int = T0_MS
) -> None:
    """Order, duplicates, batches, partitions and the way of the horizon change nothing that stands."""
    expected = run(history, horizon_ms).standing

    pipeline = Pipeline(partitions=rng.randint(1, 5), holds_signals=rng.random() < 0.5)
    for batch in batches(history, rng):
        pipeline.send(batch)
        if rng.random() < 0.3:
            move_horizons(pipeline, rng, horizon_ms, first_ms)
        if rng.random() < 0.2:
            pipeline.deliver(rng)
    assert pipeline.finish(horizon_ms, rng).standing == expected


def a_restart_changes_nothing(
    history: list[Event], horizon_ms: int, rng: Random, first_ms: int = T0_MS
) -> None:
    """Whoever is restarted at any points says the same, and holds the same, as who never was."""
    steady, restarted = Pipeline(), Pipeline()
    for batch in batches(history, rng):
        for pipeline in (steady, restarted):
            pipeline.send(batch)
        if rng.random() < 0.3:
            restarted.restart()
        if rng.random() < 0.3:
            at_ms = _moment(rng, horizon_ms, first_ms)
            for pipeline in (steady, restarted):
                pipeline.read_to_end(at_ms)
    restarted.restart()
    for pipeline in (steady, restarted):
        pipeline.finish(horizon_ms)
    # Subjects that wake at the same moment may do so in another order, and so tell others.
    assert _by_name(restarted.alerts) == _by_name(steady.alerts)
    for before, after in zip(steady.partitions, restarted.partitions, strict=True):
        assert _read(after.states) == _read(before.states)
        assert after.states.size_bytes == before.states.size_bytes
        assert after.frontier.export() == before.frontier.export()


def _read(states: Mapping[str, bytes]) -> dict[str, tuple[Header, SubjectState]]:
    """States with the facts that were only appended merged as well: their order is that of arrival."""
    found = {}
    for key, packed in states.items():
        state = unpack(packed)
        if state.tail:
            state.facts = merged(state.facts, state.tail)
        found[key] = header(packed), state
    return found


def _by_name(alerts: list[Alert]) -> list[dict[str, Any]]:
    return [a.model_dump() for a in sorted(alerts, key=lambda a: (a.alert_id, a.revision))]


def a_crash_changes_nothing_in_the_end(
    history: list[Event], horizon_ms: int, rng: Random, first_ms: int = T0_MS
) -> None:
    """Whoever dies while alerts and signals leave ends with the same alerts."""
    expected = run(history, horizon_ms).standing

    pipeline = Pipeline(partitions=rng.randint(1, 3), holds_signals=True)
    for batch in batches(history, rng):
        if rng.random() < 0.3:
            move_horizons(pipeline, rng, horizon_ms, first_ms)
        if rng.random() < 0.3:
            pipeline.send_and_crash(batch, rng)
            # What is read again need not be cut into the same batches.
            rng.shuffle(batch)
            middle = rng.randint(0, len(batch))
            for part in (batch[middle:], batch[:middle]):
                pipeline.send(part)
        else:
            pipeline.send(batch)
        if rng.random() < 0.2:
            pipeline.deliver(rng)
    assert pipeline.finish(horizon_ms, rng).standing == expected


def revisions_only_grow(
    history: list[Event], horizon_ms: int, rng: Random, first_ms: int = T0_MS
) -> None:
    """Every published revision is greater than the one before."""
    pipeline = Pipeline()
    for batch in batches(history, rng):
        pipeline.send(batch)
        move_horizons(pipeline, rng, horizon_ms, first_ms)
    last: dict[str, int] = {}
    for alert in pipeline.finish(horizon_ms).alerts:
        assert alert.revision > last.get(alert.alert_id, 0)
        last[alert.alert_id] = alert.revision
