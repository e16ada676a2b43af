"""Raw access to topics for tests: create, write bytes, read to the end. It knows no schema.

The end of a partition is the high watermark of a fetch, never ListOffsets(latest): on the embedded
broker the latter stops short. Every read has a deadline and fails with what it had by then.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient

# Reached only where something is wrong, however busy the machine is.
_DEADLINE_S = 120.0


class Record(NamedTuple):
    """One record as the broker has it."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


class Message(NamedTuple):
    """One record to be written; without a partition the key decides, as Kafka's own hash does."""

    value: bytes | None
    key: bytes | None = None
    partition: int | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    timestamp_ms: int | None = None


def create_topics(
    bootstrap: str,
    partitions: Mapping[str, int],
    configs: Mapping[str, Mapping[str, str]] | None = None,
) -> None:
    """Create topics with these partition counts and return when each partition has a leader."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        admin.create_topics(
            {
                name: {
                    "num_partitions": count,
                    "replication_factor": 1,
                    "configs": dict((configs or {}).get(name, {})),
                }
                for name, count in partitions.items()
            },
            wait_for_metadata=True,
        )
    finally:
        admin.close()


def produce(
    bootstrap: str, topic: str, messages: Iterable[Message], max_bytes: int = 1024 * 1024
) -> None:
    """Write the messages in this order, and return when the broker has all of them."""
    producer = KafkaProducer(
        bootstrap_servers=bootstrap, acks="all", linger_ms=5, max_request_size=max_bytes
    )
    try:
        futures = [
            producer.send(
                topic,
                value=message.value,
                key=message.key,
                partition=message.partition,
                headers=list(message.headers),
                timestamp_ms=message.timestamp_ms,
            )
            for message in messages
        ]
        producer.flush(timeout=60)
        for future in futures:
            future.get(timeout=60)
    finally:
        producer.close()


def read_to_end(bootstrap: str, *topics: str) -> list[Record]:
    """All records of the topics up to what their ends are when they are reached.

    In order of (topic, partition, offset). Raises AssertionError at the deadline.
    """
    records: list[Record] = []
    for batch, at_end in _polls(bootstrap, topics):
        records += batch
        if at_end:
            return sorted(records, key=lambda record: record[:3])
    raise AssertionError(
        f"{topics}: the end was not reached within {_DEADLINE_S} s: {records[-3:]}"
    )


def read_until(
    bootstrap: str,
    *topics: str,
    enough: Callable[[list[Record]], bool],
) -> list[Record]:
    """Records from the beginning on, in order of arrival, as soon as `enough(records)` holds."""
    records: list[Record] = []
    for batch, _ in _polls(bootstrap, topics):
        records += batch
        if enough(records):
            return records
    raise AssertionError(
        f"{topics}: not enough after {_DEADLINE_S} s: {len(records)} records, last {records[-3:]}"
    )


def _polls(bootstrap: str, topics: Sequence[str]) -> Iterator[tuple[list[Record], bool]]:
    """(new records, whether every partition is read to its end), until the deadline."""
    deadline = time.monotonic() + _DEADLINE_S
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    try:
        partitions = [
            TopicPartition(topic, number)
            for topic in topics
            for number in sorted(consumer.partitions_for_topic(topic) or ())
        ]
        missing = set(topics) - {partition.topic for partition in partitions}
        assert not missing, f"no such topic: {sorted(missing)}"
        consumer.assign(partitions)
        while time.monotonic() < deadline:
            polled = consumer.poll(timeout_ms=100)
            batch = [
                Record(
                    record.topic,
                    record.partition,
                    record.offset,
                    record.timestamp,
                    record.key,
                    record.value,
                    tuple(record.headers),
                )
                for records in polled.values()
                for record in records
            ]
            yield batch, all(_is_at_end(consumer, partition) for partition in partitions)
    finally:
        consumer.close()


def _is_at_end(consumer: KafkaConsumer, partition: TopicPartition) -> bool:
    end = consumer.highwater(partition)
    return end is not None and consumer.position(partition) >= end
