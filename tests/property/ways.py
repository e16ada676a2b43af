"""The ways in which the same events may be told, and what must not depend on them (L1).

Shared by all properties of order: whoever has histories of another kind asks the same of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from random import Random
from typing import Any, NamedTuple

from hypothesis import strategies as st

from schemas.alerts import Alert
from schemas.topics import BUYER_TOPICS
from streams.detect.extract import to_ms
from streams.detect.facts import merged
from streams.detect.state import Header, SubjectState, header, unpack
from tests.oracle.story import DAY, T0_MS
from tests.pipeline import Event, Pipeline, run

WAYS = st.randoms(use_true_random=False)


# How far the horizon goes while events still come: later, whoever is not heard of may be forgotten.
_UNFORGOTTEN_MS = 45 * DAY * 1000


class Span(NamedTuple):
    """From the first to the last event of a history, as epoch milliseconds."""

    first_ms: int
    last_ms: int

    def moment(self, rng: Random, latest_ms: int) -> int:
        """Where the horizon may stand: amid the history, or well after it, but not later than the latest."""
        end_ms = rng.choice((self.last_ms, self.first_ms + _UNFORGOTTEN_MS))
        return min(latest_ms, rng.randint(self.first_ms, end_ms))


USUAL = Span(T0_MS, T0_MS + _UNFORGOTTEN_MS)


def span_of(history: list[Event]) -> Span:
    """That of a history."""
    times = [to_ms(datetime.fromisoformat(value["occurred_at"])) for _, value in history] or [T0_MS]
    return Span(min(times), max(times))


def batches(events: list[Event], rng: Random, most: int = 12) -> Iterator[list[Event]]:
    """Some events doubled, all of them shuffled, in batches of any size."""
    doubled = events + rng.sample(events, k=rng.randint(0, len(events)))
    rng.shuffle(doubled)
    start = 0
    while start < len(doubled):
        size = rng.choice((1, 1, 2, 5, most))
        yield doubled[start : start + size]
        start += size


def move_horizons(pipeline: Pipeline, rng: Random, last_ms: int, span: Span = USUAL) -> None:
    """Some topics of some partition are read to their end, at any time up to the last horizon.

    So are the signals of some partition now and then, whatever is still on its way to it.
    """
    topics = rng.sample(BUYER_TOPICS, k=rng.randint(1, len(BUYER_TOPICS)))
    at_ms = span.moment(rng, last_ms)
    pipeline.read_to_end(at_ms, topics, rng.randrange(len(pipeline.buyers)))
    if rng.random() < 0.3:
        pipeline.read_signals_to_end(at_ms, rng.randrange(len(pipeline.subjects)))


def _begin_late(pipeline: Pipeline, rng: Random, latest_ms: int, span: Span) -> None:
    """Now and then all is read up to some late time before the first event comes.

    So nobody is woken on the way there: what is said then must not hang on a wake that was not asked for.
    """
    if rng.random() < 0.3:
        at_ms = min(latest_ms, span.first_ms + _UNFORGOTTEN_MS)
        pipeline.read_to_end(at_ms)
        pipeline.read_signals_to_end(at_ms)


def any_way_gives_the_same(history: list[Event], horizon_ms: int, rng: Random) -> None:
    """Order, duplicates, batches, partitions and the way of the horizon change nothing that stands."""
    expected = run(history, horizon_ms).standing
    span = span_of(history)

    pipeline = Pipeline(partitions=rng.randint(1, 5), holds_signals=rng.random() < 0.5)
    _begin_late(pipeline, rng, horizon_ms, span)
    for batch in batches(history, rng):
        pipeline.send(batch)
        if rng.random() < 0.5:
            move_horizons(pipeline, rng, horizon_ms, span)
        if rng.random() < 0.2:
            pipeline.deliver(rng)
    assert pipeline.finish(horizon_ms, rng).standing == expected


def a_restart_changes_nothing(history: list[Event], horizon_ms: int, rng: Random) -> None:
    """Whoever is restarted at any points says the same, and holds the same, as who never was."""
    span = span_of(history)
    steady, restarted = Pipeline(), Pipeline()
    for batch in batches(history, rng):
        for pipeline in (steady, restarted):
            pipeline.send(batch)
        if rng.random() < 0.3:
            restarted.restart()
        if rng.random() < 0.5:
            at_ms = span.moment(rng, horizon_ms)
            for pipeline in (steady, restarted):
                pipeline.read_to_end(at_ms)
                pipeline.read_signals_to_end(at_ms)
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


def a_crash_changes_nothing_in_the_end(history: list[Event], horizon_ms: int, rng: Random) -> None:
    """Whoever dies while alerts and signals leave ends with the same alerts."""
    expected = run(history, horizon_ms).standing
    span = span_of(history)

    pipeline = Pipeline(partitions=rng.randint(1, 3), holds_signals=True)
    _begin_late(pipeline, rng, horizon_ms, span)
    for batch in batches(history, rng):
        if rng.random() < 0.5:
            move_horizons(pipeline, rng, horizon_ms, span)
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


def revisions_only_grow(history: list[Event], horizon_ms: int, rng: Random) -> None:
    """Every published revision is greater than the one before."""
    span = span_of(history)
    pipeline = Pipeline()
    for batch in batches(history, rng):
        pipeline.send(batch)
        move_horizons(pipeline, rng, horizon_ms, span)
    last: dict[str, int] = {}
    for alert in pipeline.finish(horizon_ms).alerts:
        assert alert.revision > last.get(alert.alert_id, 0)
        last[alert.alert_id] = alert.revision
