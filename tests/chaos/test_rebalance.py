"""Law L3 with two workers: partitions change hands in the middle of the stream, in every way."""

from __future__ import annotations

import signal
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas.alerts import AlertEnvelope
from tests.workers import Worker, expected, load, settled, simulated, truth, worker

EVENTS = 60_000
SLICES = 12


@contextmanager
def two_workers(bootstrap: str, prefix: str, directory: Path) -> Iterator[tuple[Worker, Worker]]:
    """Two members of one group, each with its own port and data directory; none is started."""
    folders = directory / "first", directory / "second"
    for folder in folders:
        folder.mkdir()
    with worker(bootstrap, prefix, folders[0]) as first:
        second = Worker(bootstrap, prefix, folders[1])
        try:
            yield first, second
        finally:
            second.close()


def owned(subject: Worker) -> int:
    """How many partitions of buyers a worker answers for; 0 while it is not ready."""
    status, body = subject.get("/readyz")
    return orjson.loads(body)["partitions"]["buyer"] if status == 200 else 0


def in_slices(lines: list[bytes]) -> list[list[bytes]]:
    """The lines in as many parts as the story has steps."""
    size = -(-len(lines) // SLICES)
    return [lines[start : start + size] for start in range(0, len(lines), size)]


def ids_by_anchor(values: list[bytes]) -> Mapping[Any, set[str]]:
    """The alert ids that were ever published for an episode that stands."""
    found = defaultdict(set)
    for value in values:
        alert = AlertEnvelope.model_validate_json(value).data
        if alert.status != "retracted":
            found[alert.detector, alert.subject.id, alert.window.start].add(alert.alert_id)
    return found


@pytest.mark.slow
def test_workers_join_leave_and_die_while_events_flow(
    kafka_bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    events = simulated(tmp_path / "events.jsonl", EVENTS)
    wanted = expected(truth(events))
    parts = iter(in_slices(events.read_bytes().splitlines()))

    def flow(slices: int) -> None:
        for _ in range(slices):
            load(kafka_bootstrap, topic_prefix, next(parts))

    with two_workers(kafka_bootstrap, topic_prefix, tmp_path) as (first, second):
        first.start()
        flow(2)
        first.wait_for(lambda: first.metric("orderwatch_records_total") > 0, "the first one works")
        second.start()
        flow(2)
        second.wait_for(lambda: owned(second) > 0, "the second one takes over its share")
        flow(2)
        second.wait_for(lambda: second.metric("orderwatch_records_total") > 0, "it works too")
        assert first.stop() == 0
        flow(2)
        second.wait_for(lambda: owned(second) == 4, "the second one takes over everything")
        first.start()
        flow(2)
        first.wait_for(lambda: owned(first) > 0, "the first one comes back")
        second.kill()
        flow(2)
        settled(first, wanted)
        assert owned(first) == 4
        assert {len(ids) for ids in ids_by_anchor(first.alerts()).values()} == {1}
        assert first.stop() == 0


@pytest.mark.slow
def test_a_worker_that_slept_while_another_took_over_writes_nothing(
    kafka_bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    events = simulated(tmp_path / "events.jsonl", EVENTS // 4)
    wanted = expected(truth(events))
    lines = events.read_bytes().splitlines()
    third = len(lines) // 3
    with two_workers(kafka_bootstrap, topic_prefix, tmp_path) as (sleeper, other):
        sleeper.start()
        sleeper.wait_ready()
        load(kafka_bootstrap, topic_prefix, lines[:third])
        assert sleeper.process is not None
        sleeper.wait_for(lambda: sleeper.metric("orderwatch_records_total") > 0, "it works")
        sleeper.process.send_signal(signal.SIGSTOP)
        other.start()
        other.wait_for(lambda: owned(other) == 4, "the other one takes over")
        load(kafka_bootstrap, topic_prefix, lines[third : 2 * third])
        other.wait_for(lambda: other.metric("orderwatch_records_total") > 0, "it works")
        sleeper.process.send_signal(signal.SIGCONT)
        assert sleeper.process.wait(60) == 3
        assert b"stood still" in sleeper.log.read_bytes()
        load(kafka_bootstrap, topic_prefix, lines[2 * third :])
        settled(other, wanted)
        assert other.stop() == 0


def test_a_static_member_is_back_before_its_session_ends_and_keeps_its_partitions(
    kafka_bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    events = simulated(tmp_path / "events.jsonl", EVENTS // 4)
    wanted = expected(truth(events))
    lines = events.read_bytes().splitlines()
    half = len(lines) // 2
    settings = {
        "ORDERWATCH_GROUP_INSTANCE_ID": "worker-0",
        # Longer than the whole test: whoever had to wait for it would fail.
        "ORDERWATCH_SESSION_TIMEOUT_S": "300",
        "ORDERWATCH_REBALANCE_TIMEOUT_S": "300",
    }
    with worker(kafka_bootstrap, topic_prefix, tmp_path, **settings) as subject:
        subject.start()
        subject.wait_ready()
        load(kafka_bootstrap, topic_prefix, lines[:half])
        subject.wait_for(lambda: subject.metric("orderwatch_records_total") > 0, "it works")
        subject.kill()
        load(kafka_bootstrap, topic_prefix, lines[half:])
        subject.start()
        subject.wait_ready()
        settled(subject, wanted)
        # A static member does not leave; a clean stop must not wait for anything either.
        assert subject.stop() == 0
        subject.start()
        subject.wait_ready()
        assert subject.standing() == wanted
        assert subject.stop() == 0
