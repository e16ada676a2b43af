"""The durable copy of the state: a compacted topic with one record per changed subject and batch.

Written in bulk straight to a partition, and awaited; read back from the beginning to the high
watermark that a fetch reports (some brokers answer ListOffsets wrongly). Faust's own tables write
record by record and take minutes to recover; docs/decisions/0003 has the figures.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from streams.runtime import bulk
from streams.runtime.origin import ORIGIN_KEY, Origin, is_said


class Changelog:
    """The changelog of one stage. `connection` are aiokafka's connection arguments.

    `origin` stands before whatever this writes, and is held against that of whatever this reads.
    """

    def __init__(
        self, topic: str, producer: AIOKafkaProducer, connection: Mapping[str, Any], origin: Origin
    ) -> None:
        self.topic = topic
        self._producer = producer
        self._connection = connection
        self._origin = origin
        # The partitions in which it stands.
        self._signed: set[int] = set()
        # Behind our last record of each partition: whatever lies further was written by somebody else.
        self._ends: dict[int, int] = {}
        self.records_read = 0

    async def write(
        self, partition: int, changed: Mapping[str, bytes | None], frontier: Mapping[str, bytes]
    ) -> None:
        """Append the changes and the frontier, by stored key; returns when the broker has them.

        Raises aiokafka's KafkaError when it does not take them; the caller must not acknowledge then.
        """
        records = [(key.encode(), value) for key, value in (*changed.items(), *frontier.items())]
        if partition not in self._signed:
            records.insert(0, (ORIGIN_KEY.encode(), self._origin.packed()))
        batches = await bulk.send(self._producer, self.topic, partition, records)
        written = await asyncio.gather(*[batch.sent for batch in batches])
        self._signed.add(partition)
        first, end = written[0].offset, written[-1].offset + batches[-1].records
        # Unless somebody else wrote in between: our copy lacks that, which `grown` has to see.
        if first == self._ends.get(partition, first) and end - first == len(records):
            self._ends[partition] = end

    def is_signed(self, partition: int) -> bool:
        """Whether anything of us stands in it, so that it is known that it has been worked on."""
        return partition in self._signed

    async def grown(self, partitions: Collection[int]) -> set[int]:
        """The partitions in which somebody else has written since we last wrote or read.

        Says nothing about partitions that we have neither written nor read.
        """
        tps = [TopicPartition(self.topic, number) for number in partitions]
        if not tps:
            return set()
        consumer = self._consumer(max_partition_fetch_bytes=1, fetch_max_wait_ms=50)
        consumer.assign(tps)
        await consumer.start()
        try:
            await consumer.seek_to_end(*tps)
            while any(consumer.highwater(tp) is None for tp in tps):
                await consumer.getmany(timeout_ms=50)
            return {
                tp.partition
                for tp in tps
                if consumer.highwater(tp) != self._ends.get(tp.partition, consumer.highwater(tp))
            }
        finally:
            await consumer.stop()

    async def read(self, partition: int) -> AsyncIterator[tuple[str, bytes | None]]:
        """Every record of a partition, oldest first, up to the end as it was when reading began.

        Raises ConfigurationError at the end when they are not for this worker to go on with.
        """
        tp = TopicPartition(self.topic, partition)
        origin: bytes | None = None
        consumer = self._consumer(max_partition_fetch_bytes=4 * 1024 * 1024)
        consumer.assign([tp])
        await consumer.start()
        try:
            await consumer.seek_to_beginning(tp)
            end: int | None = None
            while end is None or await consumer.position(tp) < end:
                records = await consumer.getmany(tp, timeout_ms=200)
                if end is None:
                    end = consumer.highwater(tp)
                for record in records.get(tp, ()):
                    self.records_read += 1
                    key = record.key.decode()
                    if key == ORIGIN_KEY:
                        origin = record.value
                    else:
                        yield key, record.value
        finally:
            await consumer.stop()
        # Not before the last await: a reading that is called off has not brought our copy up to here.
        self._ends[partition] = end
        where = f"{self.topic}[{partition}]"
        if origin is not None and is_said(origin, self._origin, where):
            self._signed.add(partition)
        else:
            self._signed.discard(partition)

    def _consumer(self, **more: Any) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            **self._connection,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            **more,
        )
