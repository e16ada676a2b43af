"""The Faust app: what it holds while it runs, and what happens at a rebalance.

Faust gives membership, rebalancing, agents, the web server and the process; the state is ours.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any, cast

import faust
from faust.types import TP

from streams.detect.engine import Engine
from streams.detect.partition import STAGES
from streams.detect.rules import RuleSet
from streams.kafka.clients import topic_name
from streams.rules import RulesFile, build_engine
from streams.runtime.awake import Awake
from streams.runtime.changelog import Changelog
from streams.runtime.connection import aiokafka_connection
from streams.runtime.metrics import WorkerMetrics
from streams.runtime.origin import origin_of
from streams.runtime.stage import Stage
from streams.runtime.transport import PlainConsumer
from streams.runtime.writer import Writer
from streams.settings import Settings

# How long a broker may take to say that it has a record, however long a session lasts: aiokafka's default.
MOST_PATIENT_S = 40.0
# What Kafka's protocol can say the length of.
MOST_BYTES = 2**31 - 1


class WorkerApp(faust.App):
    """Faust's app with our two stages. Build it with `streams.runtime.build.build_app`."""

    settings: Settings
    metrics: WorkerMetrics
    stages: tuple[Stage, ...] = ()
    awake: Awake
    rules_file: RulesFile
    _writer: Writer | None = None
    _engine: Engine

    async def on_start(self) -> None:
        """Connect the producer and build the stages before the consumer can be assigned anything."""
        settings = self.settings
        connection = aiokafka_connection(settings)
        self._writer = writer = Writer(
            self.awake,
            **connection,
            acks="all",
            # What is tried for longer lands on the state of whoever owns the partition by then: of a
            # worker that was cut off from the broker nothing may be left when it is let through again.
            request_timeout_ms=int(min(self.awake.limit_s, MOST_PATIENT_S) * 1000),
            # Uncompressed: compressing the changelog here took a sixth of the worker's time. Let the
            # broker do it (compression.type of the topic) where disk is dear.
            linger_ms=2,
            max_batch_size=512 * 1024,
            # A dead letter keeps the bytes that were too large for us: how large they may be is for the
            # broker to say, who has let them in.
            max_request_size=MOST_BYTES,
        )
        await writer.start()
        self._engine = engine = build_engine(settings, self.metrics.detectors.watch)
        self.metrics.detectors.begin(engine.running)
        origin = origin_of(settings)
        self.stages = tuple(
            Stage(
                plan,
                engine,
                Changelog(topic_name(settings, plan.state_topic), writer, connection, origin),
                writer,
                settings,
                self.metrics,
                self.awake,
                lambda: self.rebalancing_count,
            )
            for plan in STAGES
        )
        await super().on_start()

    def renew(self, rules: RuleSet) -> None:
        """Judge by other rules from now on, as after a restart."""
        self._engine.renew(rules)
        for stage in self.stages:
            for partition in stage.partitions.values():
                partition.renew()

    async def on_shutdown(self) -> None:
        """Disconnect the producer once the consumer has committed and stopped."""
        await super().on_shutdown()
        if self._writer is not None:
            await self._writer.stop()

    @property
    def is_settled(self) -> bool:
        """Whether partitions are assigned and the state of every owned one has been read back."""
        is_assigned = bool(self.stages) and not self.rebalancing
        return is_assigned and all(stage.is_ready for stage in self.stages)

    @property
    def is_cut_off(self) -> bool:
        """Whether no broker has answered for so long that partitions may be somebody else's by now."""
        consumer = cast(PlainConsumer, self.consumer)
        return time.monotonic() - consumer.heard_at() > self.awake.limit_s

    async def release(self, *_: Any, **__: Any) -> None:
        """Partitions are being taken away: finish what is being written, then keep still."""
        for stage in self.stages:
            await stage.pause()

    async def take_over(self, *args: Any, **__: Any) -> None:
        """These partitions are ours now: read back the state of the new ones."""
        assigned: Collection[TP] = args[-1]
        for stage in self.stages:
            names = {topic_name(self.settings, topic) for topic in stage.plan.topics}
            stage.own({tp.partition for tp in assigned if tp.topic in names})
