"""Filling topics for a benchmark, many records to a request, keyed as every producer keys them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import cache

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder
from kafka.partitioner.default import murmur2

from benchmarks.traffic import Line

_BATCH_BYTES = 512 * 1024


def fill(bootstrap: str, prefix: str, partitions: int, lines: Iterable[Line]) -> dict[str, int]:
    """Write all lines; the number of records by full topic name."""
    return asyncio.run(_fill(bootstrap, prefix, partitions, lines))


async def _fill(
    bootstrap: str, prefix: str, partitions: int, lines: Iterable[Line]
) -> dict[str, int]:
    @cache
    def partition_of(key: bytes) -> int:
        return (murmur2(key) & 0x7FFFFFFF) % partitions

    counts: dict[str, int] = {}
    open_batches: dict[tuple[str, int], BatchBuilder] = {}
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, max_batch_size=_BATCH_BYTES, max_request_size=2 * _BATCH_BYTES
    )
    await producer.start()
    try:
        for line in lines:
            topic = prefix + line.topic
            place = (topic, partition_of(line.key))
            batch = open_batches.get(place)
            full = batch is not None and (
                batch.append(key=line.key, value=line.value, timestamp=None) is None
            )
            if full:
                await _send(producer, place, batch)
            if batch is None or full:
                batch = open_batches[place] = producer.create_batch()
                batch.append(key=line.key, value=line.value, timestamp=None)
            counts[topic] = counts.get(topic, 0) + 1
        for place, batch in open_batches.items():
            await _send(producer, place, batch)
        await producer.flush()
    finally:
        await producer.stop()
    return counts


async def _send(producer: AIOKafkaProducer, place: tuple[str, int], batch: BatchBuilder) -> None:
    topic, partition = place
    batch.close()
    # Awaited twice, for the room in the buffer and for the broker's answer: nothing may be missing.
    await (await producer.send_batch(batch, topic, partition=partition))
