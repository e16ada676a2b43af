"""Reading a topic from the command line: all partitions, no consumer group, nothing committed.

The end of a partition is the high watermark that a fetch brought, never ListOffsets(latest), which
the embedded broker answers wrongly. The trap: a topic being written to has no end, so the end is
the watermark first seen, and what arrives later is left for the next reading.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Literal

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from streams.errors import TransientError
from streams.kafka import clients
from streams.settings import Settings

POLL_S = 0.2
STALL_TIMEOUT_S = 15.0

# Whether a topic has records of some time or later, only older ones, or none that the broker keeps.
Arrival = Literal["since", "before", "none"]


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it lies on the broker; `topic` is its name there, prefix included."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]

    @property
    def position(self) -> str:
        """How a person names this record: `partition:offset`."""
        return f"{self.partition}:{self.offset}"


def partitions(settings: Settings, client: KafkaConsumer, name: str) -> list[TopicPartition]:
    """All partitions of a topic. Raises ConfigurationError when the topic does not exist."""
    topic = clients.topic_name(settings, name)
    found = client.partitions_for_topic(topic)
    if not found:
        raise clients.missing_topic(settings, topic)
    return [TopicPartition(topic, partition) for partition in sorted(found)]


def to_end(settings: Settings, name: str, *, since_ms: int | None = None) -> Iterator[Record]:
    """Every record of a topic, oldest first within each partition, up to its present end.

    With `since_ms` only from the first one of that time on, which may have older ones behind it.
    Raises TransientError when the broker brings nothing for `STALL_TIMEOUT_S`.
    """
    with closing(clients.consumer(settings)) as client:
        assigned = partitions(settings, client, name)
        if since_ms is None:
            client.assign(assigned)
            client.seek_to_beginning(*assigned)
        else:
            starts = _found(settings, client, assigned, since_ms)
            assigned = list(starts)
            client.assign(assigned)
            for partition, start in starts.items():
                client.seek(partition, start)
        yield from _on_to_end(settings, client, name, assigned)


def newest(settings: Settings, name: str, since_ms: int, limit: int) -> Iterator[Record]:
    """Records of a topic from `since_ms` on, oldest first, up to its present end.

    Of each partition about the newest `limit` at most, whatever their time: the embedded broker tells an end
    that lies before the last batch. Raises TransientError as `to_end` does.
    """
    with closing(clients.consumer(settings)) as client:
        found = partitions(settings, client, name)
        starts = _found(settings, client, found, since_ms)
        try:
            ends = client.end_offsets(found)
        except KafkaError as error:
            raise clients.failure(settings, error) from error
        client.assign(list(starts))
        for partition, start in starts.items():
            client.seek(partition, max(start, ends[partition] - limit))
        yield from _on_to_end(settings, client, name, list(starts))


def arrivals(settings: Settings, names: Iterable[str], since_ms: int) -> dict[str, Arrival]:
    """What each topic has by time, from offsets alone: no record is read."""
    with closing(clients.consumer(settings)) as client:
        return {
            name: _arrival(settings, client, partitions(settings, client, name), since_ms)
            for name in names
        }


def _arrival(
    settings: Settings, client: KafkaConsumer, found: list[TopicPartition], since_ms: int
) -> Arrival:
    try:
        if _starts(client, found, since_ms):
            return "since"
        begins, ends = client.beginning_offsets(found), client.end_offsets(found)
    except KafkaError as error:
        raise clients.failure(settings, error) from error
    return "before" if any(ends[partition] > begins[partition] for partition in found) else "none"


def _found(
    settings: Settings, client: KafkaConsumer, found: list[TopicPartition], since_ms: int
) -> dict[TopicPartition, int]:
    try:
        return _starts(client, found, since_ms)
    except KafkaError as error:
        raise clients.failure(settings, error) from error


def _starts(
    client: KafkaConsumer, found: list[TopicPartition], since_ms: int
) -> dict[TopicPartition, int]:
    """Where the records of `since_ms` or later begin, of partitions that have some.

    By the time that their producers gave them. The embedded broker looks up when they arrived instead, and
    answers with the time -1 where none did.
    """
    at = client.offsets_for_times(dict.fromkeys(found, since_ms))
    return {p: first.offset for p, first in at.items() if first and first.timestamp >= since_ms}


def _on_to_end(
    settings: Settings, client: KafkaConsumer, name: str, assigned: list[TopicPartition]
) -> Iterator[Record]:
    ends: dict[TopicPartition, int] = {}
    deadline = time.monotonic() + STALL_TIMEOUT_S
    while not _is_read(client, assigned, ends):
        batches = clients.poll(settings, client, POLL_S)
        for partition in assigned:
            if partition not in ends and (end := client.highwater(partition)) is not None:
                ends[partition] = end
                deadline = time.monotonic() + STALL_TIMEOUT_S
        for batch in batches.values():
            deadline = time.monotonic() + STALL_TIMEOUT_S
            yield from map(_record, batch)
        if time.monotonic() > deadline:
            raise TransientError(
                f"reading {clients.topic_name(settings, name)} stalled for {STALL_TIMEOUT_S:g} s "
                f"on {settings.bootstrap_servers}; check the broker, and whether a producer has left "
                "a transaction open there, then try again."
            )


def follow(settings: Settings, name: str, *, from_beginning: bool) -> Iterator[Record | None]:
    """Records of a topic as they arrive, without end; None whenever a poll brought nothing."""
    with closing(clients.consumer(settings)) as client:
        assigned = partitions(settings, client, name)
        client.assign(assigned)
        if from_beginning:
            client.seek_to_beginning(*assigned)
        else:
            client.seek_to_end(*assigned)
        while True:
            batches = clients.poll(settings, client, POLL_S)
            for batch in batches.values():
                yield from map(_record, batch)
            if not batches:
                yield None


def _is_read(
    client: KafkaConsumer, assigned: list[TopicPartition], ends: dict[TopicPartition, int]
) -> bool:
    return all(p in ends and client.position(p) >= ends[p] for p in assigned)


def _record(raw: Any) -> Record:
    return Record(
        topic=raw.topic,
        partition=raw.partition,
        offset=raw.offset,
        timestamp_ms=raw.timestamp,
        key=raw.key,
        value=raw.value,
        headers={key: value or b"" for key, value in raw.headers},
    )
