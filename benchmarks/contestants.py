"""The two workers of the unpaid job, as processes: how each is started and how far it has got.

Both run from their own command lines on the same broker, with a topic prefix of their own per run,
so nothing of one run is left for the next.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec
from kafka.errors import CoordinatorNotAvailableError, GroupIdNotFoundError

from benchmarks.measure import ROOT, cpu_s, rss_bytes
from streams.demo.broker import end_child, free_port, spawn_bound

_POLL_S = 0.25
# A process that used less than this share of a core over two seconds is done with its start.
_QUIET_SHARE = 0.08
_QUIET_S = 2.0


@dataclass(frozen=True)
class Contestant:
    """A worker: its command line, its environment, its consumer group and where it says alerts."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    group: str
    alerts_topic: str
    # Topics that it writes for itself, and has to have read as well before it is done.
    own_topics: tuple[str, ...] = ()


@dataclass(frozen=True)
class Usage:
    """What a worker used between its start and its last commit."""

    cpu_s: float
    wall_s: float
    rss_bytes: int


def faust_peer(bootstrap: str, prefix: str, folder: Path) -> Contestant:
    """Idiomatic Faust with default settings."""
    return Contestant(
        name="Faust",
        command=(sys.executable, "-m", "benchmarks.peer_faust", "worker", "-l", "warn"),
        environment={
            "BENCHMARK_BOOTSTRAP": bootstrap,
            "BENCHMARK_TOPIC_PREFIX": prefix,
            "BENCHMARK_DATA_DIR": str(folder / f"{prefix}data"),
            "BENCHMARK_WEB_PORT": str(free_port()),
        },
        group=f"{prefix}faust",
        alerts_topic=f"{prefix}alerts",
    )


def our_worker(
    bootstrap: str, prefix: str, folder: Path, partitions: int, detectors: str = ""
) -> Contestant:
    """The worker as it is deployed: all topics, default settings; all detectors, or some of them."""
    return Contestant(
        name="orderwatch",
        command=(str(Path(sys.executable).with_name("orderwatch")), "worker"),
        environment={
            "ORDERWATCH_BOOTSTRAP_SERVERS": bootstrap,
            "ORDERWATCH_TOPIC_PREFIX": prefix,
            "ORDERWATCH_PARTITIONS": str(partitions),
            "ORDERWATCH_GROUP_ID": f"{prefix}worker",
            "ORDERWATCH_DATA_DIR": str(folder / f"{prefix}data"),
            "ORDERWATCH_WEB_PORT": str(free_port()),
            "ORDERWATCH_DETECTORS": detectors,
        },
        group=f"{prefix}worker",
        alerts_topic=f"{prefix}alerts",
        own_topics=(f"{prefix}signals",),
    )


def start_up(contestant: Contestant, admin: KafkaAdminClient, timeout_s: float = 120) -> float:
    """CPU seconds until the worker, on empty topics, has joined its group and fallen quiet."""
    with running(contestant) as child:
        deadline = time.monotonic() + timeout_s
        while not _has_joined(admin, contestant.group):
            _check(child, contestant, deadline, "join its group")
            time.sleep(_POLL_S)
        used = cpu_s(child.pid)
        while True:
            time.sleep(_QUIET_S)
            _check(child, contestant, deadline, "fall quiet")
            before, used = used, cpu_s(child.pid)
            if used - before < _QUIET_SHARE * _QUIET_S:
                return before


def work_off(
    contestant: Contestant,
    admin: KafkaAdminClient,
    expected: Mapping[str, int],
    timeout_s: float,
) -> Usage:
    """Run the worker until its group has committed every record of the `expected` topics."""
    total = sum(expected.values())
    with running(contestant) as child:
        started = time.monotonic()
        deadline = started + timeout_s
        while (done := _committed(admin, contestant.group, expected)) < total:
            _check(child, contestant, deadline, f"commit {total} records; it stands at {done}")
            time.sleep(_POLL_S)
        for topic in contestant.own_topics:
            while _committed(admin, contestant.group, {topic: 0}) < records_in(admin, topic):
                _check(child, contestant, deadline, f"read {topic}")
                time.sleep(_POLL_S)
        return Usage(cpu_s(child.pid), time.monotonic() - started, rss_bytes(child.pid))


def _has_joined(admin: KafkaAdminClient, group: str) -> bool:
    try:
        return bool(admin.describe_groups([group])[group]["group_state"] == "Stable")
    except (CoordinatorNotAvailableError, GroupIdNotFoundError):
        # The broker makes its offsets topic when the first group asks for a coordinator.
        return False


def records_in(admin: KafkaAdminClient, topic: str) -> int:
    """How many records a topic holds, by the ends of its partitions."""
    described = admin.describe_topics([topic])[0]["partitions"]
    partitions = [TopicPartition(topic, index) for index in range(len(described))]
    ends = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
    return sum(end.offset for end in ends.values())


def _committed(admin: KafkaAdminClient, group: str, topics: Mapping[str, int]) -> int:
    offsets = admin.list_group_offsets([group])[group]
    return sum(max(at.offset, 0) for tp, at in offsets.items() if tp.topic in topics)


def _check(
    child: subprocess.Popen[bytes], contestant: Contestant, deadline: float, what: str
) -> None:
    if child.poll() is not None:
        raise RuntimeError(
            f"{contestant.name} ended with {child.returncode}; see {_log(contestant)}"
        )
    if time.monotonic() > deadline:
        raise RuntimeError(f"{contestant.name} did not {what} in time; see {_log(contestant)}")


def _log(contestant: Contestant) -> Path:
    return ROOT / ".orderwatch" / "benchmarks" / f"{contestant.name}.log"


@contextmanager
def running(contestant: Contestant) -> Iterator[subprocess.Popen[bytes]]:
    """The worker as a process; ended when the block is left, or when this process ends."""
    _log(contestant).parent.mkdir(parents=True, exist_ok=True)
    with _log(contestant).open("wb") as output:
        child = spawn_bound(
            list(contestant.command), output, {**os.environ, **contestant.environment}
        )
        try:
            yield child
        finally:
            end_child(child, grace_s=20)
