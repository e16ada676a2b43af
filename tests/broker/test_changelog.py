"""The changelog on both brokers: what somebody else wrote in between is noticed, even if written over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from streams.runtime.changelog import Changelog
from tests.topic_io import create_topics


async def _with_two(
    bootstrap: str, topic: str, use: Callable[[Changelog, Changelog], Awaitable[None]]
) -> None:
    connection = {"bootstrap_servers": bootstrap}
    async with AsyncExitStack() as stack:
        both = []
        for _ in range(2):
            producer = await stack.enter_async_context(AIOKafkaProducer(**connection, acks="all"))
            both.append(Changelog(topic, producer, connection))
        await use(*both)


async def _read(changelog: Changelog) -> dict[str, bytes | None]:
    return {key: value async for key, value in changelog.read(0)}


def test_who_writes_over_somebody_else_still_has_to_read_back(
    bootstrap: str, topic_prefix: str
) -> None:
    """A worker that did not know that it had lost a partition, and gets it back later."""
    topic = f"{topic_prefix}buyer-state"
    create_topics(bootstrap, {topic: 1})

    async def use(ours: Changelog, theirs: Changelog) -> None:
        await ours.write(0, {"a": b"1", "b": b"1"}, {})
        assert await ours.grown([0]) == set()
        assert await _read(theirs) == {"a": b"1", "b": b"1"}
        await theirs.write(0, {"b": b"2"}, {})
        await ours.write(0, {"a": b"3"}, {})
        assert await ours.grown([0]) == {0}
        assert await _read(ours) == {"a": b"3", "b": b"2"}
        assert ours.records_read == 4
        assert await ours.grown([0]) == set()
        await ours.write(0, {"a": b"4"}, {})
        assert await ours.grown([0]) == set()
        assert await theirs.grown([0]) == {0}

    asyncio.run(_with_two(bootstrap, topic, use))


class _CalledOff(AIOKafkaConsumer):
    async def stop(self) -> None:
        await super().stop()
        raise asyncio.CancelledError


class _CalledOffAtTheEnd(Changelog):
    """Its readings are called off while they disconnect, as by the next rebalance."""

    def _consumer(self, **more: Any) -> AIOKafkaConsumer:
        return _CalledOff(**self._connection, group_id=None, auto_offset_reset="earliest", **more)


def test_who_was_called_off_while_reading_back_still_has_to(
    bootstrap: str, topic_prefix: str
) -> None:
    """Two rebalances, one after the other: what the first reading found was never put in place."""
    topic = f"{topic_prefix}buyer-state"
    create_topics(bootstrap, {topic: 1})

    async def use(ours: Changelog, theirs: Changelog) -> None:
        await ours.write(0, {"a": b"1"}, {})
        await theirs.write(0, {"a": b"2"}, {})
        assert await ours.grown([0]) == {0}
        ours.__class__ = _CalledOffAtTheEnd
        with pytest.raises(asyncio.CancelledError):
            await _read(ours)
        ours.__class__ = Changelog
        assert await ours.grown([0]) == {0}
        assert await _read(ours) == {"a": b"2"}
        assert await ours.grown([0]) == set()

    asyncio.run(_with_two(bootstrap, topic, use))
