"""The publisher of the services: a connection that is given up leaves no thread behind."""

from __future__ import annotations

from typing import Any

import pytest
from kafka.errors import KafkaTimeoutError

from streams.kafka import clients
from streams.kafka.publisher import KafkaPublisher
from streams.settings import Settings


class StuckProducer:
    """A producer that cannot flush, as when the broker is away: its close gives up half way."""

    def __init__(self, **_config: Any) -> None:
        self.is_ended = False
        self._sender = self

    def close(self, timeout: float) -> None:
        raise KafkaTimeoutError(f"nothing in {timeout} s")

    def force_close(self) -> None:
        self.is_ended = True


def test_closing_while_records_wait_ends_the_thread_and_raises_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clients, "KafkaProducer", StuckProducer)
    stuck = KafkaPublisher(Settings())
    stuck.close()
    assert stuck._producer.is_ended
