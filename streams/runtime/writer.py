"""aiokafka's producer as the worker needs it: patient with a broker, and silent once it stood still.

While a partition has no leader, aiokafka's sender asks for metadata as soon as it has been answered; that
it waits for a moment in between is said there and not done. When nobody answers, those are a thousand
refused connections a second, each with two lines in the log; when others answer, it is they who are asked.

What was handed over may wait here for its turn while the process is suspended. Sent when it goes on, it
would lie over the state of whoever owns the partition by then.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.client import AIOKafkaClient
from aiokafka.cluster import ClusterMetadata
from aiokafka.errors import KafkaError

from streams.errors import TransientError
from streams.runtime.awake import Awake


class TooLateError(TransientError, KafkaError):  # type: ignore[misc]
    """What was handed over is not sent any more; of aiokafka's errors one after which it gives up."""


class _Client(AIOKafkaClient):  # type: ignore[misc]
    """A client that asks for metadata at most once in `retry_backoff_ms`, and writes only while awake."""

    awake: Awake
    _answered_at = 0.0

    async def _metadata_update(self, cluster_metadata: ClusterMetadata, topics: Any) -> bool:
        # Whoever asks meanwhile waits for the same answer.
        await asyncio.sleep(self._answered_at + self._retry_backoff - time.monotonic())
        is_updated: bool = await super()._metadata_update(cluster_metadata, topics)
        self._answered_at = time.monotonic()
        return is_updated

    async def ready(self, node_id: int, **more: Any) -> bool:
        # Asked for right before a record is sent, and for nothing else. Connecting may have taken as long
        # as the pause, so that is over first.
        is_ready: bool = await super().ready(node_id, **more)
        try:
            self.awake.check()
        except TransientError as error:
            raise TooLateError(str(error)) from error
        return is_ready


class Writer(AIOKafkaProducer):  # type: ignore[misc]
    """AIOKafkaProducer without circles around a partition that has no leader, and without late writes.

    `awake` must be running for as long as this sends. What is not sent for its sake fails with TooLateError.
    """

    def __init__(self, awake: Awake, **config: Any) -> None:
        super().__init__(**config)
        # The producer makes its client itself, and has handed it on before anybody could replace it.
        self.client.__class__ = _Client
        self.client.awake = awake
