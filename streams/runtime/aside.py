"""Where records go that are not applied: dead letters and late ones, as they came and with the reason.

The trap: such a record may be the largest there is, and no setting of ours bounds it. Only the broker
does, topic by topic.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError

from streams.detect.facts import Fact
from streams.errors import ConfigurationError
from streams.kafka import deadletters
from streams.kafka.clients import topic_name
from streams.runtime.intake import Batch
from streams.runtime.metrics import WorkerMetrics
from streams.settings import Settings

WHY_LATE = "older than the retention of its kind, measured by its subject's newest fact"


class Aside:
    """Sends records to the side topics of one installation, and counts them."""

    def __init__(
        self, producer: AIOKafkaProducer, settings: Settings, metrics: WorkerMetrics
    ) -> None:
        self._producer = producer
        self._settings = settings
        self._metrics = metrics

    async def put(
        self, topic: str, number: int, batch: Batch, late_facts: Sequence[Fact]
    ) -> list[asyncio.Future[Any]]:
        """Send what was bad or late of a batch of `topic`; the futures say when the broker has it.

        They raise ConfigurationError for a record that the side topic does not take.
        """
        aside = [
            ("dead-letters", record, error.reason, str(error)) for record, error in batch.poison
        ]
        # One event may give several facts, and all of them are late.
        late = {origin.offset: origin for origin in map(batch.origin, late_facts)}
        aside += [("late", record, "late", WHY_LATE) for record in late.values()]
        source = topic_name(self._settings, topic)
        sending: list[asyncio.Future[Any]] = []
        for name, record, reason, why in aside:
            to = topic_name(self._settings, name)
            headers = deadletters.headers(
                reason, why, source, number, record.offset, datetime.now(UTC)
            )
            # Kafka takes no record with neither key nor value; such a tombstone is kept as an empty one.
            value = b"" if record.key is None and record.value is None else record.value
            sent = await self._producer.send(to, value, key=record.key, headers=headers)
            where = f"{source}[{number}]@{record.offset}"
            sending.append(asyncio.ensure_future(_taken(sent, where, to)))
        for _, error in batch.poison:
            self._metrics.dead_letters.labels(topic, error.reason).inc()
        self._metrics.late.labels(topic).inc(len(late))
        return sending


async def _taken(sent: asyncio.Future[Any], where: str, to: str) -> None:
    try:
        await sent
    except MessageSizeTooLargeError as error:
        raise ConfigurationError(
            f"the record {where} cannot be put aside, for it is larger than max.message.bytes of the "
            f"topic {to} allows; raise that on the broker, above the same of every topic that is read"
        ) from error
