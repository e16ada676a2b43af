"""A stage of the worker without Kafka: producer and changelog that note what is done to them, and fail.

The journal has a line when something is asked for and another when it is durable, so that a test sees
what was awaited before what.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import NamedTuple, cast

import orjson
from aiokafka import AIOKafkaProducer

from schemas.fast import decode_line, key_of
from streams.detect.engine import Engine
from streams.detect.partition import BUYERS
from streams.runtime.awake import Awake
from streams.runtime.changelog import Changelog
from streams.runtime.metrics import WorkerMetrics
from streams.runtime.stage import Stage
from streams.settings import Settings
from tests.pipeline import Event, default_engine

# Stories are dated; by whatever clock the tests run, they are not in the future.
ANY_TIME_S = 10**9
LATER_THAN_ALL_MS = 4_000_000_000_000
SETTINGS = Settings(partitions=1, lateness_s=1).model_copy(update={"max_future_s": ANY_TIME_S})


class Record(NamedTuple):
    """A record as Kafka gives it."""

    key: bytes | None
    value: bytes | None
    offset: int = 0


class Sent(NamedTuple):
    """A record that was given to the producer."""

    topic: str
    value: bytes | None
    key: bytes | None
    headers: Mapping[str, bytes]


class Journal:
    """What happened, in order; raises `error` when `fails_at` is about to happen."""

    def __init__(self, fails_at: str = "", error: Exception | None = None) -> None:
        self.lines: list[str] = []
        self._fails_at = fails_at
        self._error = error or ConnectionError("the broker is away")

    def note(self, line: str) -> None:
        """Write it down, unless this is where it fails."""
        if line == self._fails_at:
            raise self._error
        self.lines.append(line)


class RecordingBatch:
    """aiokafka's BatchBuilder, of any size."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes, bytes | None]] = []

    def append(self, *, key: bytes, value: bytes | None, timestamp: int | None) -> bool:
        """See BatchBuilder.append."""
        self.records.append((key, value))
        return True

    def record_count(self) -> int:
        """See BatchBuilder.record_count."""
        return len(self.records)

    def close(self) -> None:
        """See BatchBuilder.close."""


class RecordingProducer:
    """aiokafka's `send` and `send_batch`: what is given is taken at once, and
    acknowledged one turn of the loop later."""

    def __init__(self, journal: Journal) -> None:
        self.sent: list[Sent] = []
        self.journal = journal

    async def send(
        self,
        topic: str,
        value: bytes | None = None,
        key: bytes | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> asyncio.Future[None]:
        """See AIOKafkaProducer.send."""
        self.journal.note(f"send {topic}")
        self.sent.append(Sent(topic, value, key, dict(headers)))
        return asyncio.ensure_future(self._acknowledge(topic))

    def create_batch(self) -> RecordingBatch:
        """See AIOKafkaProducer.create_batch."""
        return RecordingBatch()

    async def send_batch(
        self, batch: RecordingBatch, topic: str, *, partition: int
    ) -> asyncio.Future[None]:
        """See AIOKafkaProducer.send_batch."""
        self.journal.note(f"send {topic}")
        self.sent += [Sent(topic, value, key, {}) for key, value in batch.records]
        return asyncio.ensure_future(self._acknowledge(topic))

    async def _acknowledge(self, topic: str) -> None:
        await asyncio.sleep(0)
        self.journal.note(f"{topic} durable")


class RecordingChangelog(Changelog):
    """Keeps what is written; `may_end` holds back the end of a reading."""

    def __init__(self, journal: Journal) -> None:
        self.topic = "buyer-state"
        self.stored: dict[str, bytes] = {}
        self.records_read = self.readings_ended = 0
        self.grown_partitions: set[int] = set()
        # What is read after what was stored: keys that were deleted are still in the log.
        self.deleted: list[str] = []
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.journal = journal

    async def write(
        self, partition: int, changed: Mapping[str, bytes | None], frontier: Mapping[str, bytes]
    ) -> None:
        """A frontier belongs to state; what is only about to be said comes without one."""
        what = "state" if frontier else "intents"
        self.journal.note(f"write {what}")
        await asyncio.sleep(0)
        self.journal.note(f"{what} durable")
        for key, value in [*changed.items(), *frontier.items()]:
            if value is None:
                self.stored.pop(key, None)
            else:
                self.stored[key] = value

    def is_signed(self, partition: int) -> bool:
        """As after the first batch."""
        return True

    async def grown(self, partitions: Collection[int]) -> set[int]:
        """Whatever a test says that somebody else has written to."""
        return self.grown_partitions & set(partitions)

    async def read(self, partition: int) -> AsyncIterator[tuple[str, bytes | None]]:
        """What was written so far, once it may end."""
        for key, value in self.stored.items():
            self.records_read += 1
            yield key, value
        for key in self.deleted:
            yield key, None
        await self.may_end.wait()
        self.readings_ended += 1


class Staged:
    """A stage of buyers that owns partition 0, with all that it writes to."""

    def __init__(
        self,
        journal: Journal | None = None,
        engine: Engine | None = None,
        settings: Settings = SETTINGS,
        awake: Awake | None = None,
    ) -> None:
        journal = journal or Journal()
        self.producer = RecordingProducer(journal)
        self.changelog = RecordingChangelog(journal)
        self.metrics = WorkerMetrics()
        self.rebalances = 0
        self.now_ms = LATER_THAN_ALL_MS
        self.stage = Stage(
            BUYERS,
            engine or default_engine(),
            self.changelog,
            cast(AIOKafkaProducer, self.producer),
            settings,
            self.metrics,
            awake or Awake(ANY_TIME_S),
            lambda: self.rebalances,
            lambda: self.now_ms,
        )

    @property
    def journal(self) -> Journal:
        """What its producer and changelog were asked, and what became of it."""
        return self.producer.journal

    def note_in(self, journal: Journal) -> None:
        """From now on, write down in another one."""
        self.producer.journal = self.changelog.journal = journal

    async def process(self, topic: str, records: Sequence[Record]) -> bool:
        """One batch, on a partition that is owned from the first one on."""
        if not self.stage.partitions:
            self.stage.own([0])
        return await self.stage.process(topic, 0, records)


def record(event: Event) -> Record:
    """An event as its producer sends it."""
    topic, value = event
    _, decoded = decode_line(orjson.dumps({"topic": topic, "value": value}))
    return Record(key_of(decoded).encode(), orjson.dumps(value))


def by_topic(events: Sequence[Event]) -> dict[str, list[Record]]:
    """Events as batches of records, topic by topic."""
    batches: dict[str, list[Record]] = {}
    for event in events:
        batches.setdefault(event[0], []).append(record(event))
    return batches
