"""What was polled before anything of its partition was committed, and dropped, is read again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import TopicPartition
from faust.types import TP

from streams.runtime.build import build_app
from streams.settings import Settings
from tests.topic_io import Message, create_topics, produce


async def _nothing(*_: Any) -> None:
    """What Faust would do with a message or at a rebalance."""


@asynccontextmanager
async def reading(settings: Settings, tp: TP) -> AsyncIterator[Any]:
    """The worker's own consumer with its thread, given one partition and nobody to share with."""
    made: Any = build_app(settings).transport
    consumer = made.Consumer(
        made,
        callback=_nothing,
        on_partitions_revoked=_nothing,
        on_partitions_assigned=_nothing,
    )
    thread = consumer._thread
    await thread.start()

    async def assign() -> None:
        thread._consumer.assign([TopicPartition(tp.topic, tp.partition)])

    try:
        await thread.call_thread(assign)
        yield consumer
    finally:
        await thread.stop()


@pytest.mark.parametrize("transport", ["batch", "plain"])
def test_a_seek_goes_back_where_nothing_was_committed(
    transport: str, bootstrap: str, topic_prefix: str
) -> None:
    """As in a rebalance: Faust drops what came meanwhile, and seeks."""
    tp = TP(f"{topic_prefix}orders", 0)
    create_topics(bootstrap, {tp.topic: 1})
    produce(bootstrap, tp.topic, [Message(b"1", b"k"), Message(b"2", b"k")])
    settings = Settings(
        bootstrap_servers=bootstrap,
        topic_prefix=topic_prefix,
        group_id=topic_prefix,
        transport=transport,  # type: ignore[arg-type]
    )

    async def polled(consumer: Any) -> list[int]:
        while not (records := await consumer._getmany({tp}, 1.0)):
            pass
        return [record.offset for record in records[tp]]

    async def twice() -> list[list[int]]:
        async with reading(settings, tp) as consumer:
            first = await polled(consumer)
            await consumer.perform_seek()
            return [first, await asyncio.wait_for(polled(consumer), 20)]

    assert asyncio.run(twice()) == [[0, 1], [0, 1]]
