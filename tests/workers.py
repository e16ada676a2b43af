"""The worker as a process, and the truth that its alerts are held against: a replay of the same file.

Event times lie years back, so that by any wall clock all their deadlines have passed and the answer
does not depend on when a test runs.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer
from kafka import KafkaConsumer, TopicPartition
from kafka.partitioner.default import murmur2
from pydantic import SecretStr

from schemas.alerts import Alert, AlertEnvelope
from schemas.fast import decode_line, key_of
from streams.demo.broker import free_port
from streams.kafka.topics import apply
from streams.replay.engine import ReplayReport, replay
from streams.replay.files import EventReader
from streams.rules import build_engine
from streams.settings import Settings
from streams.simulate import ATTACKS, FAULTS, LOOKALIKES, NOTICES, simulate
from tests.pipeline import IDENTITY_KEY

LONG_AGO = datetime(2025, 3, 1, tzinfo=UTC)
# What a revision is called, not what it says: the number of revisions depends on batches.
NAMES_OF_REVISIONS = {"revision", "change", "supersedes", "reason"}


class Worker:
    """One `orderwatch worker` at a time, with everything else about the pipeline held fixed."""

    def __init__(self, bootstrap: str, prefix: str, directory: Path, **settings: str) -> None:
        self.port = free_port()
        self.prefix = prefix
        self.bootstrap = bootstrap
        self.log = directory / "worker.log"
        self.variables = {
            "ORDERWATCH_BOOTSTRAP_SERVERS": bootstrap,
            "ORDERWATCH_TOPIC_PREFIX": prefix,
            "ORDERWATCH_GROUP_ID": f"{prefix}worker",
            "ORDERWATCH_DATA_DIR": str(directory / "data"),
            "ORDERWATCH_PARTITIONS": "4",
            "ORDERWATCH_WEB_PORT": str(self.port),
            "ORDERWATCH_SESSION_TIMEOUT_S": "6",
            "ORDERWATCH_REBALANCE_TIMEOUT_S": "6",
            "ORDERWATCH_LATENESS_S": "1",
            "ORDERWATCH_IDENTITY_KEY": IDENTITY_KEY.decode(),
            **settings,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self._reader: KafkaConsumer | None = None
        self._records: list[bytes] = []
        self._standing = Standing()

    @property
    def settings(self) -> Settings:
        """The same settings as the process has."""
        return Settings(bootstrap_servers=self.bootstrap, topic_prefix=self.prefix, partitions=4)

    def create_topics(self) -> None:
        """What `orderwatch topics apply` does."""
        apply(self.settings)

    def start(self) -> None:
        """Start the process; does not wait."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [str(Path(sys.executable).with_name("orderwatch")), "worker"],
                env=os.environ | self.variables,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, nothing is committed."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None

    def has_given_up(self) -> bool:
        """Whether it ended for want of a broker, or because it stood still: a process manager restarts it."""
        assert self.process is not None
        code = self.process.poll()
        assert code in (None, 3), self.log.read_text(errors="replace")[-4000:]
        return code is not None

    def stop(self, deadline_s: float = 40.0) -> int:
        """SIGTERM, and the exit code of what should be a clean stop."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(deadline_s)
        self.process = None
        return code

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of a page; status 0 when nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as page:
                return page.status, page.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric over the labels that are not given; 0 when it has no sample yet."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        lines = self.get("/metrics")[1].splitlines()
        found = [line for line in lines if line.startswith((f"{name}{{", f"{name} "))]
        samples = [line for line in found if all(label in line for label in wanted)]
        return sum(float(line.rsplit(" ", 1)[1]) for line in samples)

    def wait_for(self, condition: Callable[[], bool], what: str, deadline_s: float = 180.0) -> None:
        """Poll until it holds; fails with what the worker says at the deadline, or once it has exited."""
        deadline = time.monotonic() + deadline_s
        while not condition():
            code = None if self.process is None else self.process.poll()
            if code is not None:
                raise AssertionError(f"{what}: the worker ended with {code}\n{self._words()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"{what}: not within {deadline_s} s\n{self._words()}")
            time.sleep(0.1)

    def _words(self) -> str:
        """Whether it is ready, how far it read, and the end of its log."""
        counted = [
            line
            for line in self.get("/metrics")[1].splitlines()
            if line.startswith(("orderwatch_records_total{", "orderwatch_consumer_lag_records{"))
        ]
        log = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join([self.get("/readyz")[1], *counted, log[-4000:]])

    def wait_ready(self) -> None:
        """Until `/readyz` says so."""
        self.wait_for(lambda: self.get("/readyz")[0] == 200, "ready")

    def alerts(self) -> list[bytes]:
        """The values on the alerts topic that have come so far, oldest first per partition."""
        topic = f"{self.prefix}alerts"
        if self._reader is None:
            self._reader = KafkaConsumer(bootstrap_servers=self.bootstrap, enable_auto_commit=False)
            self._reader.assign([TopicPartition(topic, number) for number in range(4)])
            self._reader.seek_to_beginning()
        for records in self._reader.poll(timeout_ms=200, max_records=100_000).values():
            self._records += [record.value for record in records]
        return self._records

    def standing(self) -> dict[str, Mapping[str, Any]]:
        """What stands by the alerts that have come so far: each is read once, however often one asks."""
        self._standing.take(self.alerts())
        return self._standing.said()

    def forget(self) -> None:
        """Stand from now on by what is said from now on, as nobody does who heard what was said before."""
        self._standing = Standing(heard=len(self.alerts()))

    def close(self) -> None:
        """Kill the process if it still runs, and disconnect."""
        if self.process is not None and self.process.poll() is None:
            self.kill()
        if self._reader is not None:
            self._reader.close()


@contextmanager
def worker(bootstrap: str, prefix: str, directory: Path, **settings: str) -> Iterator[Worker]:
    """A worker with its topics; killed at the end if it still runs."""
    subject = Worker(bootstrap, prefix, directory, **settings)
    subject.create_topics()
    try:
        yield subject
    finally:
        subject.close()


def simulated(path: Path, events: int, seed: int = 1) -> Path:
    """A file of honest traffic with every story in it, so that each detector has something to say."""
    stories = (*ATTACKS, *LOOKALIKES, *FAULTS, *NOTICES)
    simulate(path, seed=seed, events=events, start=LONG_AGO, scenarios=stories)
    return path


def truth(path: Path) -> ReplayReport:
    """What a replay of the file concludes, as of now."""
    settings = Settings(identity_key=SecretStr(IDENTITY_KEY.decode()))
    now_ms = time.time_ns() // 1_000_000
    return replay(
        build_engine(settings),
        EventReader([path]),
        until_ms=now_ms,
        lateness_s=settings.lateness_s,
        silence_min_buyers=settings.silence_min_buyers,
    )


def said(alert: Alert) -> Mapping[str, Any]:
    """What an alert says, without what its revision is called."""
    return alert.model_dump(exclude=NAMES_OF_REVISIONS)


class Standing:
    """The final alerts on a topic by id, less those that were taken back; of all but the first `heard`."""

    def __init__(self, heard: int = 0) -> None:
        self._taken = heard
        self._revisions: dict[str, int] = {}
        self._said: dict[str, Mapping[str, Any]] = {}

    def take(self, values: Sequence[bytes]) -> None:
        """Take what has come since the last time; `values` is everything that ever came."""
        for value in values[self._taken :]:
            alert = AlertEnvelope.model_validate_json(value).data
            if alert.revision <= self._revisions.get(alert.alert_id, 0):
                continue
            self._revisions[alert.alert_id] = alert.revision
            if alert.status == "retracted":
                self._said.pop(alert.alert_id, None)
            else:
                self._said[alert.alert_id] = said(alert)
        self._taken = len(values)

    def said(self) -> dict[str, Mapping[str, Any]]:
        """What they say, by id."""
        return dict(self._said)


def expected(report: ReplayReport) -> dict[str, Mapping[str, Any]]:
    """The same of a replay."""
    return {alert.alert_id: said(alert) for alert in report.standing}


def difference(
    found: Mapping[str, Mapping[str, Any]], wanted: Mapping[str, Mapping[str, Any]]
) -> str:
    """What differs, short enough to read; empty when nothing does."""
    lines = []
    for name in sorted(found.keys() | wanted.keys()):
        a, b = found.get(name), wanted.get(name)
        if a is None or b is None:
            one = a or b or {}
            where = "missing" if a is None else "too many"
            lines.append(f"{where}: {one['detector']} {one['subject']} {one['status']}")
        elif a != b:
            keys = [key for key in a if a[key] != b[key]]
            detail = {key: (a[key], b[key]) for key in keys}
            lines.append(
                f"{a['detector']} {a['subject']}: {json.dumps(detail, default=str)[:1500]}"
            )
    return "\n".join(lines)


def settled(subject: Worker, wanted: Mapping[str, Any], *, is_managed: bool = False) -> None:
    """Wait until the alerts on the topic are the wanted ones; fails with the difference.

    `is_managed`: a worker that gives up meanwhile is started again.
    """
    found: dict[str, Mapping[str, Any]] = {}

    def is_equal() -> bool:
        nonlocal found
        found = subject.standing()
        if is_managed and subject.has_given_up():
            subject.start()
        return found == wanted

    try:
        subject.wait_for(is_equal, "the alerts of the replay")
    except AssertionError as error:
        raise AssertionError(f"{difference(found, wanted)}\n{error}") from None


def load(bootstrap: str, prefix: str, lines: Sequence[bytes], partitions: int = 4) -> None:
    """Send lines of an event file to their topics, in order within each partition, and await them.

    In bulk, since a producer that handles records one by one would be the slowest part of a test.
    """
    asyncio.run(_load(bootstrap, prefix, lines, partitions))


async def _load(bootstrap: str, prefix: str, lines: Sequence[bytes], partitions: int) -> None:
    groups: dict[tuple[str, int], list[tuple[bytes, bytes]]] = {}
    for line in lines:
        topic, event = decode_line(line)
        key = key_of(event).encode()
        partition = (murmur2(key) & 0x7FFFFFFF) % partitions
        value = line[line.index(b'"value":') + 8 : -1]
        groups.setdefault((topic, partition), []).append((key, value))
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_batch_size=512 * 1024)
    await producer.start()
    try:
        sent = []
        for (topic, partition), records in groups.items():
            batch = producer.create_batch()
            for key, value in records:
                if batch.append(key=key, value=value, timestamp=None) is None:
                    batch.close()
                    sent.append(
                        await producer.send_batch(batch, prefix + topic, partition=partition)
                    )
                    batch = producer.create_batch()
                    batch.append(key=key, value=value, timestamp=None)
            batch.close()
            sent.append(await producer.send_batch(batch, prefix + topic, partition=partition))
        await asyncio.gather(*sent)
    finally:
        await producer.stop()
