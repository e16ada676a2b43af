"""One stage of the worker: its partitions, what a batch does to them, and the order of effects.

The order is law L8: publish alerts and signals and await them, write changed state and await it, and
only then may the caller acknowledge. What is about to be said is written down first, so that whoever
comes after a crash says it again or takes it back (docs/decisions/0009). Anything that goes wrong in
between must end the process, for then the state in memory is ahead of the durable one.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import ceil
from typing import Any

import msgspec
import orjson
from aiokafka import AIOKafkaProducer

from streams.detect.alerts import envelope
from streams.detect.engine import Engine
from streams.detect.episodes import Told
from streams.detect.horizon import Frontier
from streams.detect.partition import Effects, Partition, StagePlan
from streams.errors import TransientError
from streams.kafka.clients import CLOCK_CURE, topic_name
from streams.runtime import bulk
from streams.runtime.aside import Aside
from streams.runtime.awake import Awake
from streams.runtime.changelog import Changelog
from streams.runtime.flood import FloodGuard
from streams.runtime.intake import Batch, Intake, Record
from streams.runtime.metrics import WorkerMetrics
from streams.runtime.placing import refuse_misplaced
from streams.runtime.signals import encode_signal
from streams.settings import Settings

ALERT_HEADERS = [("content-type", b"application/cloudevents+json")]
# The keys of a partition's frontier in the changelog; no subject's key begins like them.
HORIZON_KEY = "@horizon"
PAYMENTS_KEYS = "@payments/"
# Fewer buyers in a row than this who do not pay are chance: at 14 % unpaid, five are one in 20,000.
MIN_SILENT_BUYERS = 5
# After an outage hundreds of thousands may be due at once, and heartbeats do not wait for a minute's work.
# These take about a second; the others come with the next batch or beat.
MOST_WOKEN = 5_000
# A broker takes nothing that is dated further ahead of its clock (message.timestamp.after.max.ms), so a
# worker whose own was further ahead has written no state.
MOST_AHEAD_MS = 3_600_000
# How soon a batch that waits for its state notices that its partition is being taken away.
BEAT_S = 0.25


class Stage:
    """All partitions of one stage that this worker owns. Everything runs on one event loop.

    `rebalances` counts the rebalances that have begun. Faust waits for the batch in hand before it says
    that partitions are taken away, and the group does not wait for Faust. `now_ms` is the wall clock.
    """

    def __init__(
        self,
        plan: StagePlan,
        engine: Engine,
        changelog: Changelog,
        producer: AIOKafkaProducer,
        settings: Settings,
        metrics: WorkerMetrics,
        awake: Awake,
        rebalances: Callable[[], int] = lambda: 0,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.plan = plan
        self.partitions: dict[int, Partition] = {}
        self._engine = engine
        self._changelog = changelog
        self._producer = producer
        self._settings = settings
        self._metrics = metrics
        self._awake = awake
        self._rebalances = rebalances
        self._now_ms = now_ms
        self._owned_since = 0
        self._loads: dict[int, asyncio.Task[None]] = {}
        # Up to when was known what was read back of a partition, by the clock of whoever had it before.
        self._known_until_ms: dict[int, int] = {}
        self._lock = asyncio.Lock()
        self._is_paused = True
        self._flood = FloodGuard(settings.dead_letter_max_share)
        self._aside = Aside(producer, settings, metrics)
        self._intakes = {
            topic: Intake(topic, settings.max_record_bytes, settings.max_future_s * 1000, now_ms)
            for topic in plan.topics
        }

    @property
    def is_ready(self) -> bool:
        """Whether the state of every owned partition has been read back, or found still to be right."""
        return not self._is_paused and all(
            load.done() and number in self.partitions for number, load in self._loads.items()
        )

    @property
    def is_loading(self) -> bool:
        """Whether the state of some owned partition is still being read back."""
        return any(not load.done() for load in self._loads.values())

    @property
    def records_read_back(self) -> int:
        """How many records of the changelog have been read so far: what moves while nothing else does."""
        return self._changelog.records_read

    @property
    def _is_leaving(self) -> bool:
        return self._rebalances() != self._owned_since

    def own(self, numbers: Collection[int]) -> None:
        """Forget partitions that are not ours any more; read back those that newly are.

        Those that stay are read back as well if somebody else wrote to them in between, as after a
        session that was lost and regained.
        """
        for number in self._loads.keys() - set(numbers):
            self._loads.pop(number).cancel()
            self.partitions.pop(number, None)
        for load in self._loads.values():
            # One that is not done by now would put what it found over what the next one found.
            load.cancel()
        kept = self._loads.keys() & self.partitions.keys()
        grown = asyncio.ensure_future(self._changelog.grown(kept))
        for number in numbers:
            self._loads[number] = asyncio.ensure_future(self._load(number, grown))
        self._owned_since = self._rebalances()
        self._is_paused = False

    async def pause(self) -> None:
        """Wait for what is being written, then do nothing until `own`: somebody else may own it."""
        async with self._lock:
            self._is_paused = True

    async def _load(self, number: int, grown: asyncio.Future[set[int]]) -> None:
        try:
            if number in self.partitions and number not in await grown:
                return
            self.partitions[number] = await self._read_back(number)
        except Exception as error:
            error.add_note(f"while {self._changelog.topic}[{number}] was read back")
            raise

    async def _read_back(self, number: int) -> Partition:
        settings = self._settings
        frontier = Frontier(
            self.plan.topics,
            settings.lateness_s * 1000,
            # A partition sees its share of a shop's buyers.
            max(MIN_SILENT_BUYERS, ceil(settings.silence_min_buyers / settings.partitions)),
        )
        partition = Partition(self._engine, self.plan.kinds, frontier)
        latest: dict[str, bytes] = {}
        async for key, value in self._changelog.read(number):
            if value is None:
                latest.pop(key, None)
            else:
                latest[key] = value
        horizon = latest.pop(HORIZON_KEY, None)
        if horizon is not None:
            frontier.restore(orjson.loads(horizon))
        self._known_until_ms[number] = max(frontier.export().values())
        for key in [key for key in latest if key.startswith(PAYMENTS_KEYS)]:
            shop = key.removeprefix(PAYMENTS_KEYS)
            frontier.restore_payments(shop, orjson.loads(latest.pop(key)))
        for key, packed in latest.items():
            partition.load(key, packed)
        self._metrics.recovered_subjects.inc(len(latest))
        return partition

    async def process(self, topic: str, number: int, records: Sequence[Record]) -> bool:
        """Take one batch of one partition through to durable state; then it may be acknowledged.

        False means that it must not be, for the partition was taken away while the batch waited.
        """
        load = self._loads.get(number)
        if load is None:
            return False
        while not load.done():
            # Reading back may take longer than a rebalance; then somebody else has the partition by now.
            if self._is_leaving:
                return False
            await asyncio.wait([load], timeout=BEAT_S)
        async with self._lock:
            if self._is_paused or self._is_leaving or self._loads.get(number) is not load:
                return False
            load.result()
            began = time.monotonic()
            partition = self.partitions[number]
            batch = self._intakes[topic].take(records)
            refuse_misplaced(batch, records, number, self._settings.partitions, partition.states)
            self._require_clock(number, batch)
            self._flood.check(topic, number, records, batch.poison)
            partition.frontier.limit(self._now_ms())
            timed = self._metrics.evaluation_seconds.labels(self.plan.name).time()
            with timed, self._unpacking(number):
                effects = partition.apply({topic: batch.newest_ms}, batch.facts, MOST_WOKEN)
            await self._publish(number, partition, effects, began, (topic, batch))
            self._count(topic, records, batch, began)
        return True

    @contextmanager
    def _unpacking(self, number: int) -> Iterator[None]:
        """Name the partition of a state that cannot be unpacked; that shows with its subject only."""
        try:
            yield
        except msgspec.DecodeError as error:
            error.add_note(f"while a state of {self._changelog.topic}[{number}] was read back")
            raise

    def _require_clock(self, number: int, batch: Batch) -> None:
        """Raise TransientError where events look like those of the future because our clock is behind.

        As dead letters they would lack whoever has the partition next, and payments among them accuse.
        """
        ahead_ms = self._known_until_ms[number] - self._now_ms()
        if ahead_ms <= MOST_AHEAD_MS:
            return
        if any(error.reason == "future_time" for _, error in batch.poison):
            ahead_h = ahead_ms / 3_600_000
            raise TransientError(
                "by the clock of this machine events come from the future, and so does, by "
                f"{ahead_h:.1f} h, what is known of {self._changelog.topic}[{number}]. {CLOCK_CURE}"
            )

    async def tick(self, proofs: Mapping[int, Iterable[tuple[str, int]]]) -> None:
        """Let the horizon follow topics proven to be read to their end: (topic, wall-clock ms).

        Raises what went wrong while state was read back, which nobody else might ask about.
        """
        async with self._lock:
            if self._is_paused:
                return
            for load in self._loads.values():
                if load.done():
                    load.result()
            # Those that are still being read back may be done while others are published.
            for number in [number for number, load in self._loads.items() if load.done()]:
                if self._is_leaving:
                    return
                partition = self.partitions[number]
                for topic, proven_at_ms in proofs.get(number, ()):
                    partition.frontier.read_to_end(topic, proven_at_ms)
                # Last: the fetch behind a proof may have been answered before the clock was set right.
                partition.frontier.limit(self._now_ms())
                with self._unpacking(number):
                    effects = partition.tick(MOST_WOKEN)
                if effects.changed:
                    await self._publish(number, partition, effects, time.monotonic())

    async def _publish(
        self,
        number: int,
        partition: Partition,
        effects: Effects,
        began: float,
        source: tuple[str, Batch] | None = None,
    ) -> None:
        alerts = topic_name(self._settings, "alerts")
        self._awake.check()
        if effects.intents:
            intents = {key: packed() for key, packed in effects.intents.items()}
            await self._changelog.write(number, intents, {})
        sending = [
            await self._producer.send(
                alerts,
                envelope(alert).model_dump_json().encode(),
                key=alert.subject.id.encode(),
                headers=ALERT_HEADERS,
            )
            for alert in effects.alerts
        ]
        sending += await self._tell(effects.told)
        if source is not None:
            topic, batch = source
            sending += await self._aside.put(topic, number, batch, effects.late)
        if sending:
            await asyncio.gather(*sending)
        if time.monotonic() - began > self._settings.session_timeout_s:
            # Stopped for longer than a session lasts, somebody else owns the partition by now, and
            # writing would overwrite newer state.
            raise TransientError(
                f"stage {self.plan.name}: a batch took longer than session_timeout_s = "
                f"{self._settings.session_timeout_s}; stopping so that state is not overwritten"
            )
        self._awake.check()
        # The first batch leaves a trace whatever was in it: an empty topic means that state was lost.
        if effects.changed or not self._changelog.is_signed(number):
            await self._changelog.write(number, effects.changed, self._frontier(partition))
        for alert in effects.alerts:
            self._metrics.published(alert, self._engine.rules)
        for told in effects.told:
            self._metrics.signals.labels(told.signal.name).inc()
        for (detector, reason), count in effects.insufficient.items():
            self._metrics.insufficient.labels(detector, reason).inc(count)
        self._metrics.evaluated.labels(self.plan.name).inc(effects.evaluated)

    async def _tell(self, told: Sequence[Told]) -> list[asyncio.Future[Any]]:
        """Send signals in bulk: of every order that stays unpaid there are several."""
        records: defaultdict[int, list[tuple[bytes, bytes]]] = defaultdict(list)
        for one in told:
            key, value = encode_signal(one)
            records[bulk.partition_of(key, self._settings.partitions)].append((key, value))
        topic = topic_name(self._settings, "signals")
        return [
            batch.sent
            for number, of_partition in records.items()
            for batch in await bulk.send(self._producer, topic, number, of_partition)
        ]

    def _frontier(self, partition: Partition) -> dict[str, bytes]:
        """What is stored of the frontier: its horizon, and of each shop that changed who waits to pay."""
        payments = partition.frontier.export_payments(only_changed=True)
        stored = {f"{PAYMENTS_KEYS}{shop}": orjson.dumps(one) for shop, one in payments.items()}
        return {HORIZON_KEY: orjson.dumps(partition.frontier.export()), **stored}

    def _count(self, topic: str, records: Sequence[Record], batch: Batch, began: float) -> None:
        bad = len(batch.poison)
        self._metrics.records.labels(topic, "applied").inc(len(records) - bad)
        if bad:
            self._metrics.records.labels(topic, "dead_letter").inc(bad)
        self._metrics.batch_seconds.labels(self.plan.name).observe(time.monotonic() - began)
        if batch.newest_ms:
            self._metrics.event_lag_seconds.labels(topic).set(time.time() - batch.newest_ms / 1000)
