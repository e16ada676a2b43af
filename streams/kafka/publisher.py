"""Writing to output topics from the services that are no Faust workers.

A publisher returns when the broker has everything. Callers mark rows as published only then, so a
crash publishes again and never skips; consumers know repeats by the ids inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from kafka.errors import KafkaError

from streams.errors import TransientError
from streams.kafka import clients
from streams.settings import Settings

TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record for a topic of the registry."""

    topic: str
    key: str
    value: bytes


class Publisher(Protocol):
    """Where records go; used by one thread."""

    def publish(self, records: Sequence[Outgoing]) -> None:
        """Write all records and return when they are durable. Raises TransientError otherwise."""
        ...

    def close(self) -> None:
        """Release the connection; never raises for what could not be written."""
        ...


class KafkaPublisher:
    """Publishes through kafka-python, acknowledged by all in-sync replicas."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer = clients.producer(settings)

    def publish(self, records: Sequence[Outgoing]) -> None:
        """See Publisher."""
        try:
            futures = [
                self._producer.send(
                    clients.topic_name(self._settings, record.topic),
                    key=record.key.encode(),
                    value=record.value,
                )
                for record in records
            ]
            for future in futures:
                future.get(timeout=TIMEOUT_S)
        except KafkaError as error:
            topics = sorted({record.topic for record in records})
            cure = f" {clients.CLOCK_CURE}" if clients.is_of_time(error) else ""
            raise TransientError(
                f"Could not write to {', '.join(topics)} ({type(error).__name__}: {error}).{cure}"
            ) from error

    def close(self) -> None:
        """See Publisher."""
        try:
            self._producer.close(timeout=TIMEOUT_S)
        except KafkaError:
            # It flushes first, and gives up on that before it has ended its thread. Whoever calls knows
            # what was not acknowledged.
            self._producer._sender.force_close()
