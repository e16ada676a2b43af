"""The changelog on both brokers: what somebody else wrote in between is noticed, even if written over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from streams.errors import ConfigurationError
from streams.runtime.changelog import Changelog
from streams.runtime.origin import FORMAT, Origin
from tests.topic_io import create_topics

ORIGIN = Origin(FORMAT, "default", "one key")


async def _with_two(
    bootstrap: str,
    topic: str,
    use: Callable[[Changelog, Changelog], Awaitable[None]],
    other: Origin = ORIGIN,
) -> None:
    connection = {"bootstrap_servers": bootstrap}
    async with AsyncExitStack() as stack:
        both = []
        for origin in (ORIGIN, other):
            producer = await stack.enter_async_context(AIOKafkaProducer(**connection, acks="all"))
            both.append(Changelog(topic, producer, connection, origin))
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
        # The origin stands there once, and is no state.
        assert ours.records_read == 5
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


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (Origin(FORMAT + 1, "default", "one key"), f"in format {FORMAT + 1}"),
        (Origin(FORMAT, "another", "one key"), "for the tenant 'default' and ORDERWATCH_TENANT"),
        (Origin(FORMAT, "default", "another key"), "under another identity key"),
    ],
)
def test_state_of_another_origin_is_not_gone_on_with(
    bootstrap: str, topic_prefix: str, other: Origin, named: str
) -> None:
    topic = f"{topic_prefix}buyer-state"
    create_topics(bootstrap, {topic: 1})

    async def use(ours: Changelog, theirs: Changelog) -> None:
        # Whoever finds a format that it does not know is the older one.
        written, reader = (theirs, ours) if other.format != FORMAT else (ours, theirs)
        await written.write(0, {"a": b"1"}, {})
        with pytest.raises(ConfigurationError, match=named) as refused:
            await _read(reader)
        assert f"{topic}[0]" in str(refused.value)

    asyncio.run(_with_two(bootstrap, topic, use, other))


def test_an_origin_is_completed_by_who_knows_more_and_kept_by_who_knows_less(
    bootstrap: str, topic_prefix: str
) -> None:
    """Without a detector that asks for receivers no key is in use, and none can differ."""
    topic = f"{topic_prefix}buyer-state"
    create_topics(bootstrap, {topic: 1})

    async def use(keyed: Changelog, blind: Changelog) -> None:
        await blind.write(0, {"a": b"1"}, {})
        assert await _read(keyed) == {"a": b"1"}
        await keyed.write(0, {"a": b"2"}, {})
        assert await _read(blind) == {"a": b"2"}
        await blind.write(0, {"a": b"3"}, {})
        assert await _read(keyed) == {"a": b"3"}
        # What each of them wrote first stands behind its own origin.
        assert keyed.records_read == 2 + 5

    asyncio.run(_with_two(bootstrap, topic, use, Origin(FORMAT, "default")))
