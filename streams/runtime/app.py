"""The Faust app: what it holds while it runs, and what happens at a rebalance.

Faust gives membership, rebalancing, agents, the web server and the process; the state is ours.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import faust
from aiokafka import AIOKafkaProducer
from faust.types import TP

from schemas.alerts import SubjectKind
from schemas.topics import BUYER_TOPICS, ITEM_TOPICS
from streams.rules import build_engine
from streams.runtime.awake import Awake
from streams.runtime.changelog import Changelog
from streams.runtime.connection import aiokafka_connection
from streams.runtime.metrics import WorkerMetrics
from streams.runtime.origin import origin_of
from streams.runtime.stage import Stage
from streams.settings import Settings

SUBJECT_TOPICS = ("signals", *ITEM_TOPICS)
# What Kafka's protocol can say the length of.
MOST_BYTES = 2**31 - 1


class WorkerApp(faust.App):
    """Faust's app with our two stages. Build it with `streams.runtime.build.build_app`."""

    settings: Settings
    metrics: WorkerMetrics
    stages: tuple[Stage, ...] = ()
    awake: Awake
    _writer: AIOKafkaProducer | None = None

    async def on_start(self) -> None:
        """Connect the producer and build the stages before the consumer can be assigned anything."""
        settings = self.settings
        connection = aiokafka_connection(settings)
        self._writer = writer = AIOKafkaProducer(
            **connection,
            acks="all",
            # Uncompressed: compressing the changelog here took a sixth of the worker's time. Let the
            # broker do it (compression.type of the topic) where disk is dear.
            linger_ms=2,
            max_batch_size=512 * 1024,
            # A dead letter keeps the bytes that were too large for us: how large they may be is for the
            # broker to say, who has let them in.
            max_request_size=MOST_BYTES,
        )
        await writer.start()
        engine = build_engine(settings)
        origin = origin_of(settings)
        kinds_of: tuple[tuple[str, Collection[str], Sequence[SubjectKind]], ...] = (
            ("buyer", BUYER_TOPICS, ("buyer",)),
            ("subject", SUBJECT_TOPICS, ("item", "order", "shop", "identity")),
        )
        self.stages = tuple(
            Stage(
                name,
                topics,
                kinds,
                engine,
                Changelog(f"{settings.topic_prefix}{name}-state", writer, connection, origin),
                writer,
                settings,
                self.metrics,
                self.awake,
                lambda: self.rebalancing_count,
            )
            for name, topics, kinds in kinds_of
        )
        await super().on_start()

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

    async def release(self, *_: Any, **__: Any) -> None:
        """Partitions are being taken away: finish what is being written, then keep still."""
        for stage in self.stages:
            await stage.pause()

    async def take_over(self, *args: Any, **__: Any) -> None:
        """These partitions are ours now: read back the state of the new ones."""
        assigned: Collection[TP] = args[-1]
        prefix = self.settings.topic_prefix
        for stage in self.stages:
            names = {prefix + topic for topic in stage.topics}
            stage.own({tp.partition for tp in assigned if tp.topic in names})
