"""What the worker writes with, while the broker is away and after the worker was."""

from __future__ import annotations

import asyncio
import logging

import pytest
from aiokafka.structs import PartitionMetadata

from streams.demo.broker import EmbeddedBroker
from streams.runtime.awake import Awake
from streams.runtime.writer import TooLateError, Writer
from tests.topic_io import Message, create_topics, produce, read_to_end

WATCHED_S = 2.0


def test_a_partition_without_a_leader_is_asked_for_now_and_then(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A broker that shuts down says that it leads nothing any more, and then says nothing."""

    async def write_to_nobody(broker: EmbeddedBroker) -> int:
        async with Writer(
            Awake(3600), bootstrap_servers=broker.bootstrap, request_timeout_ms=3000
        ) as writer:
            await writer.send_and_wait("state", b"1", partition=0)
            broker.stop()
            nobody = PartitionMetadata("state", 0, -1, [], [], None)
            writer.client.cluster._partitions["state"][0] = nobody
            sent = await writer.send("state", b"2", partition=0)
            caplog.clear()
            await asyncio.sleep(WATCHED_S)
            asked = sum("Unable to update metadata" in line for line in caplog.messages)
            assert not sent.done()
            # It is given up in the end, so that closing waits for nothing.
            await asyncio.wait([sent])
            assert sent.exception() is not None
            return asked

    with EmbeddedBroker() as broker, caplog.at_level(logging.ERROR, logger="aiokafka"):
        create_topics(broker.bootstrap, {"state": 1})
        asked = asyncio.run(write_to_nobody(broker))
    # aiokafka's pause between two tries is a tenth of a second.
    assert 1 <= asked <= WATCHED_S * 10 + 1


def test_what_waited_while_the_process_stood_still_is_not_sent(
    bootstrap: str, topic_prefix: str
) -> None:
    topic = f"{topic_prefix}state"
    create_topics(bootstrap, {topic: 1})
    awake = Awake(3600)

    async def go_on_after_a_pause() -> None:
        # Longer than anybody needs to be suspended in between, as a process may be anywhere.
        writer = Writer(awake, bootstrap_servers=bootstrap, acks="all", linger_ms=200)
        await writer.start()
        await writer.send_and_wait(topic, b"ours", partition=0)
        sent = await writer.send(topic, b"late", partition=0)
        awake.limit_s = -1
        # It waits for nobody to end the process: a worker that is stopping has no watch any more.
        await writer.stop()
        with pytest.raises(TooLateError, match="the process stood still"):
            await sent

    asyncio.run(go_on_after_a_pause())
    produce(bootstrap, topic, [Message(b"theirs", b"k", 0)])
    assert [record.value for record in read_to_end(bootstrap, topic)] == [b"ours", b"theirs"]


def test_a_pause_while_the_writer_connects_is_noticed(bootstrap: str, topic_prefix: str) -> None:
    topic = f"{topic_prefix}state"
    create_topics(bootstrap, {topic: 1})
    awake = Awake(3600)

    async def connect_for_long() -> None:
        async with Writer(awake, bootstrap_servers=bootstrap, acks="all") as writer:
            await writer.partitions_for(topic)
            for connection in writer.client._conns.values():
                connection.close()
            async with writer.client._get_conn_lock:
                sent = await writer.send(topic, b"late", partition=0)
                await asyncio.sleep(0.2)
                awake.limit_s = -1
            with pytest.raises(TooLateError):
                await sent

    asyncio.run(connect_for_long())
    assert read_to_end(bootstrap, topic) == []
