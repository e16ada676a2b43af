"""Where alerts come from: the few calls of a Kafka consumer that a subscriber needs.

The subscriber sees only the protocol, so its tests run against a source in memory.
The trap: positions are committed explicitly. The consumer's own position is already past records
that were polled and not yet handled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog
from kafka import ConsumerRebalanceListener, OffsetAndMetadata, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import KafkaError

from streams.kafka.clients import consumer, failure, missing_topic, poll, topic_name
from streams.settings import Settings

log = structlog.get_logger(__name__)

Partition = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it lies on the broker. `topic` is the name in the registry, without prefix."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None


class Source(Protocol):
    """A group member's view of its topics; used by one thread."""

    def poll(self, timeout_s: float) -> list[Record]:
        """The next records, in order within a partition; empty when none came within the time.

        Raises TransientError when the broker refuses.
        """
        ...

    def owns(self, record: Record) -> bool:
        """Whether the record's partition is still ours; after a rebalance it may not be."""
        ...

    def commit(self, positions: Mapping[Partition, int]) -> bool:
        """Commit next offsets by partition; False when the group refused or did not answer."""
        ...

    def close(self) -> None:
        """Leave the group without committing."""
        ...


class _Rebalances(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self) -> None:
        self.count = 0

    def on_partitions_revoked(self, revoked: object) -> None:
        pass

    def on_partitions_assigned(self, assigned: object) -> None:
        self.count += 1


class KafkaSource:
    """Topics of the registry read by one member of a consumer group, through kafka-python.

    Raises TransientError when no broker answers, ConfigurationError when a topic is missing.
    """

    def __init__(
        self, settings: Settings, topics: list[str], group_id: str, max_poll_records: int = 200
    ) -> None:
        self._settings = settings
        self._names = {topic_name(settings, topic): topic for topic in topics}
        self._consumer = consumer(settings, group_id=group_id, max_poll_records=max_poll_records)
        try:
            missing = [n for n in self._names if not self._consumer.partitions_for_topic(n)]
        except KafkaError as error:
            self.close()
            raise failure(settings, error) from error
        if missing:
            self.close()
            raise missing_topic(settings, missing[0])
        self._rebalances = _Rebalances()
        self._consumer.subscribe(list(self._names), listener=self._rebalances)
        self._owned: frozenset[Partition] = frozenset()

    @property
    def assignments(self) -> int:
        """How often partitions were assigned to us: also the same ones once more, after others had them."""
        return self._rebalances.count

    def poll(self, timeout_s: float) -> list[Record]:
        """See Source."""
        batches = poll(self._settings, self._consumer, timeout_s)
        # A rebalance happens within a poll and nowhere else.
        self._owned = frozenset(
            (self._names[tp.topic], tp.partition) for tp in self._consumer.assignment()
        )
        found = self._wanted([r for records in batches.values() for r in records])
        return [Record(self._names[r.topic], r.partition, r.offset, r.key, r.value) for r in found]

    def _wanted(self, found: list[ConsumerRecord]) -> list[ConsumerRecord]:
        """Which of the records that were just read are handed out: all, but a source may know better."""
        return found

    def owns(self, record: Record) -> bool:
        """See Source."""
        return (record.topic, record.partition) in self._owned

    def commit(self, positions: Mapping[Partition, int]) -> bool:
        """See Source. Partitions that were taken away are left out: their new owner commits."""
        offsets = {
            self._kafka_partition(partition): OffsetAndMetadata(offset, "", -1)
            for partition, offset in positions.items()
            if partition in self._owned
        }
        try:
            if offsets:
                self._consumer.commit(offsets)
        except KafkaError as error:
            # Not fatal: what is not committed comes again, and the ledger knows it.
            log.warning("commit_failed", error=type(error).__name__)
            return False
        return True

    def is_shared(self) -> bool:
        """Whether another member of the group has some of the partitions, as of the last poll."""
        everything = {
            (topic, partition)
            for name, topic in self._names.items()
            for partition in self._consumer.partitions_for_topic(name) or ()
        }
        return bool(self._owned) and self._owned != everything

    def close(self) -> None:
        """See Source."""
        self._consumer.close(autocommit=False)

    def _kafka_partition(self, partition: Partition) -> TopicPartition:
        name = next(name for name, topic in self._names.items() if topic == partition[0])
        return TopicPartition(name, partition[1])
