"""What the worker's consumers call on its way: it decides whether silence is proven (law L4)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP, Message

from streams.runtime.build import build_app
from streams.runtime.transport import let_go
from streams.settings import Settings

ORDERS, PAYMENTS = TP("orders", 0), TP("payments", 1)


class Thread:
    """Faust's consumer thread, with polls that were answered before."""

    beacon = None

    def __init__(self, committed: Mapping[TP, int | None]) -> None:
        self.committed = committed
        self.polls: list[Mapping[TP, list[Any]]] = []
        # Where aiokafka's consumer would go on.
        self.positions: dict[TP, int] = {}
        # When each of its connections last heard.
        self.connections: dict[str, float] = {}

    @property
    def _consumer(self) -> Any:
        states = {
            tp: SimpleNamespace(
                highwater=100, lso=None, has_valid_position=True, position=at, timestamp=0
            )
            for tp, at in self.positions.items()
        }
        assignment = SimpleNamespace(tps=set(states), state_value=states.get)
        subscription = SimpleNamespace(assignment=assignment)
        heard = {name: SimpleNamespace(_last_action=at) for name, at in self.connections.items()}
        return SimpleNamespace(
            _subscription=SimpleNamespace(subscription=subscription),
            _client=SimpleNamespace(_conns=heard),
        )

    async def getmany(self, active: set[TP], timeout: float) -> Mapping[TP, list[Any]]:
        return self.polls.pop(0)

    async def seek_to_committed(self) -> Mapping[TP, int | None]:
        # As aiokafka does, which leaves a position where nothing was committed.
        self.positions.update({tp: offset for tp, offset in self.committed.items() if offset})
        return self.committed

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        self.positions.update(partitions)

    def highwater(self, tp: TP) -> int:
        return 100


async def _nothing(*_: Any) -> None:
    """What Faust would do with a message or at a rebalance."""


def consumer_of(transport: str, committed: Mapping[TP, int | None]) -> Any:
    made: Any = build_app(Settings(transport=transport)).transport  # type: ignore[arg-type]

    class Fed(made.Consumer):  # type: ignore[misc]
        def _new_consumer_thread(self) -> Any:
            return Thread(committed)

    consumer = Fed(
        made,
        callback=_nothing,
        on_partitions_revoked=_nothing,
        on_partitions_assigned=_nothing,
    )
    consumer.flow_active = True
    consumer._set_active_tps({ORDERS, PAYMENTS})
    return consumer


def record(tp: TP, offset: int) -> Any:
    return SimpleNamespace(
        topic=tp.topic,
        partition=tp.partition,
        offset=offset,
        timestamp=0,
        timestamp_type=0,
        key=b"k",
        value=b"v",
        headers=[],
        checksum=None,
        serialized_key_size=1,
        serialized_value_size=1,
    )


def run(story: Callable[[Any], Awaitable[None]], transport: str, **committed: int) -> None:
    """Play a story with a consumer whose partitions start from committed offsets, by topic."""

    async def played() -> None:
        starts = {tp: committed.get(tp.topic, 0) for tp in (ORDERS, PAYMENTS)}
        consumer = consumer_of(transport, starts)
        await consumer.perform_seek()
        await story(consumer)

    asyncio.run(played())


async def delivered(consumer: Any, polled: Mapping[TP, list[Any]]) -> list[Message]:
    consumer._thread.polls.append(polled)
    return [message async for _, message in consumer.getmany(1.0)]


@pytest.fixture(params=["batch", "plain"])
def transport(request: pytest.FixtureRequest) -> Iterator[str]:
    yield request.param


def test_a_partition_from_which_nothing_came_waits_for_nothing(transport: str) -> None:
    async def story(consumer: Any) -> None:
        assert not consumer.has_undelivered(ORDERS)
        assert not consumer.has_undelivered(PAYMENTS)

    run(story, transport, payments=7)


def test_what_waits_behind_another_partition_of_its_poll_is_on_its_way(transport: str) -> None:
    async def story(consumer: Any) -> None:
        polled = {ORDERS: [record(ORDERS, 0)], PAYMENTS: [record(PAYMENTS, 7)]}
        consumer._thread.polls.append(polled)
        # Faust's queue is full: the first one is being put into it, the second one is not made yet.
        first, _ = await anext(consumer.getmany(1.0))
        assert first == ORDERS
        assert consumer.has_undelivered(PAYMENTS)

    run(story, transport, payments=7)


def test_what_lies_in_the_queue_of_an_agent_is_on_its_way(transport: str) -> None:
    async def story(consumer: Any) -> None:
        await delivered(consumer, {PAYMENTS: [record(PAYMENTS, 7), record(PAYMENTS, 8)]})
        assert consumer.has_undelivered(PAYMENTS)
        assert not consumer.has_undelivered(ORDERS)

    run(story, transport, payments=7)


def test_the_first_record_of_a_topic_is_on_its_way_as_any_other(transport: str) -> None:
    async def story(consumer: Any) -> None:
        await delivered(consumer, {ORDERS: [record(ORDERS, 0)]})
        assert consumer.has_undelivered(ORDERS)

    run(story, transport)


def test_a_seek_forgets_what_will_be_fetched_again(transport: str) -> None:
    async def story(consumer: Any) -> None:
        await delivered(consumer, {PAYMENTS: [record(PAYMENTS, 7)]})
        await consumer.perform_seek()
        assert not consumer.has_undelivered(PAYMENTS)

    run(story, transport, payments=7)


def test_plainly_a_partition_is_done_with_when_its_last_record_is_committed() -> None:
    async def story(consumer: Any) -> None:
        # Compaction and the markers of transactions leave holes that nobody acknowledges.
        await delivered(consumer, {PAYMENTS: [record(PAYMENTS, 7), record(PAYMENTS, 9)]})
        consumer._committed_offset[PAYMENTS] = 9
        assert consumer.has_undelivered(PAYMENTS)
        consumer._committed_offset[PAYMENTS] = 10
        assert not consumer.has_undelivered(PAYMENTS)

    run(story, "plain", payments=7)


def test_what_is_acknowledged_is_not_committed_yet() -> None:
    async def story(consumer: Any) -> None:
        (batch,) = await delivered(consumer, {PAYMENTS: [record(PAYMENTS, 7)]})
        consumer.ack(batch)
        assert not consumer.has_undelivered(PAYMENTS)
        assert consumer.has_uncommitted(PAYMENTS)
        consumer._committed_offset[PAYMENTS] = 8
        assert not consumer.has_uncommitted(PAYMENTS)

    run(story, "batch", payments=7)


def test_in_batches_a_partition_is_done_with_when_all_are_acknowledged() -> None:
    async def story(consumer: Any) -> None:
        (first,) = await delivered(consumer, {PAYMENTS: [record(PAYMENTS, 7)]})
        (second,) = await delivered(consumer, {PAYMENTS: [record(PAYMENTS, 9)]})
        consumer.ack(second)
        assert consumer.has_undelivered(PAYMENTS)
        consumer.ack(first)
        assert not consumer.has_undelivered(PAYMENTS)

    run(story, "batch", payments=7)


def test_what_was_done_before_a_seek_is_still_committed_up_to_the_first_gap() -> None:
    async def story(consumer: Any) -> None:
        batches = [
            *await delivered(consumer, {PAYMENTS: [record(PAYMENTS, 7), record(PAYMENTS, 8)]}),
            *await delivered(consumer, {PAYMENTS: [record(PAYMENTS, 9)]}),
            *await delivered(consumer, {PAYMENTS: [record(PAYMENTS, 10)]}),
        ]
        consumer.ack(batches[0])
        consumer.ack(batches[2])
        # A worker that stops: the flow ends while a poll is being answered, and only then Faust commits.
        consumer.flow_active = False
        consumer.can_resume_flow.set()
        assert await delivered(consumer, {PAYMENTS: [record(PAYMENTS, 11)]}) == []
        assert consumer._filter_committable_offsets([PAYMENTS]) == {PAYMENTS: 9}
        assert consumer._filter_committable_offsets([PAYMENTS]) == {}

    run(story, "batch", payments=7)


def test_the_marker_behind_a_transaction_is_committed_once_all_before_it_is_done(
    transport: str,
) -> None:
    async def story(consumer: Any) -> None:
        # Committed by the worker before; only the marker is left there, and nothing was ever in orders.
        consumer._thread.positions = {PAYMENTS: 8, ORDERS: 3}
        await delivered(consumer, {})
        assert consumer._filter_committable_offsets([]) == {PAYMENTS: 8}
        consumer._committed_offset[PAYMENTS] = 8
        # The next transaction, whose marker lies at 9.
        consumer._thread.positions[PAYMENTS] = 10
        (message,) = await delivered(consumer, {PAYMENTS: [record(PAYMENTS, 8)]})
        assert consumer._filter_committable_offsets([PAYMENTS]) == {}
        await delivered(consumer, {})
        consumer.app.topics._acking_topics.add(PAYMENTS.topic)
        consumer.track_message(message)
        consumer.ack(message)
        assert consumer._filter_committable_offsets([PAYMENTS]) == {PAYMENTS: 10}

    run(story, transport, payments=7)


def test_where_it_stood_before_a_seek_is_not_committed(transport: str) -> None:
    async def story(consumer: Any) -> None:
        consumer._thread.positions = {PAYMENTS: 12}
        await delivered(consumer, {PAYMENTS: [record(PAYMENTS, 11)]})
        committed = consumer._thread.committed

        async def seek_while_a_poll_is_answered() -> Any:
            await consumer._getmany({PAYMENTS}, 1.0)
            assert consumer._filter_committable_offsets([PAYMENTS]) == {}
            consumer._thread.positions = {PAYMENTS: 7}
            return committed

        consumer._thread.polls.append({})
        consumer._thread.seek_to_committed = seek_while_a_poll_is_answered
        await consumer.perform_seek()
        await delivered(consumer, {})
        assert consumer._filter_committable_offsets([PAYMENTS]) == {}

    run(story, transport, payments=7)


def test_an_acknowledgement_counts_once_and_with_all_its_records() -> None:
    """Faust commits after so many of them, and a rebalance waits until none is missing."""

    async def story(consumer: Any) -> None:
        (batch,) = await delivered(consumer, {PAYMENTS: [record(PAYMENTS, 7), record(PAYMENTS, 8)]})
        consumer.track_message(batch)
        waiting = consumer._waiting_for_ack = asyncio.get_running_loop().create_future()
        assert consumer.ack(batch) is True
        assert waiting.done()
        assert not consumer._unacked_messages
        assert consumer.ack(batch) is False
        assert consumer._n_acked == 2
        # The one that waits may not have taken note yet.
        (later,) = await delivered(consumer, {PAYMENTS: [record(PAYMENTS, 9)]})
        assert consumer.ack(later) is True

    run(story, "batch", payments=7)


def test_only_what_was_delivered_of_the_topics_in_question_is_committed() -> None:
    async def story(consumer: Any) -> None:
        await delivered(consumer, {PAYMENTS: [record(PAYMENTS, 7)]})
        await delivered(consumer, {ORDERS: [record(ORDERS, 0)]})
        for topics, expected in (
            (None, [PAYMENTS, ORDERS]),
            ({ORDERS}, [ORDERS]),
            ({"payments"}, [PAYMENTS]),
            ({TP("payments", 0), "refunds"}, []),
        ):
            assert list(consumer._filter_tps_with_pending_acks(topics)) == expected

    run(story, "batch", payments=7)


def test_what_is_fetched_again_after_a_seek_is_on_its_way_again() -> None:
    async def story(consumer: Any) -> None:
        await delivered(consumer, {PAYMENTS: [record(PAYMENTS, 7), record(PAYMENTS, 8)]})
        await consumer.perform_seek()
        consumer._thread.polls.append({PAYMENTS: [record(PAYMENTS, 7)]})
        await consumer._getmany({PAYMENTS}, 1.0)
        assert consumer.has_undelivered(PAYMENTS)

    run(story, "batch", payments=7)


def test_a_rebalance_does_not_wait_for_a_batch_that_was_let_go(transport: str) -> None:
    async def story(consumer: Any) -> None:
        (batch,) = await delivered(consumer, {PAYMENTS: [record(PAYMENTS, 7)]})
        consumer.track_message(batch)
        let_go(consumer, batch)
        assert not consumer._unacked_messages
        assert consumer.has_undelivered(PAYMENTS)

    run(story, transport, payments=7)


def test_the_first_record_in_a_long_time_is_no_stream_that_stands_still(transport: str) -> None:
    """Faust would ask its thread, which looks when a record was taken last; this one cannot be asked."""

    async def story(consumer: Any) -> None:
        consumer.verify_event_path(1e9, PAYMENTS)

    run(story, transport, payments=7)


@pytest.mark.parametrize("never", [None, 0])
def test_what_was_dropped_before_the_first_commit_is_read_again(
    transport: str, never: int | None
) -> None:
    """In a rebalance Faust drops what it has polled, and goes back for it."""

    async def played() -> None:
        consumer = consumer_of(transport, {ORDERS: never, PAYMENTS: 7})
        consumer._thread.positions = {ORDERS: 3, PAYMENTS: 9}
        await consumer.perform_seek()
        assert consumer._thread.positions == {ORDERS: 0, PAYMENTS: 7}

    asyncio.run(played())


def test_what_a_connection_heard_is_known_when_it_is_gone() -> None:
    consumer = consumer_of("batch", {})
    began = consumer.heard_at()
    consumer._thread.connections = {"first": began + 5, "second": began + 3}
    assert consumer.heard_at() == began + 5
    consumer._thread.connections = {"second": began + 4}
    assert consumer.heard_at() == began + 5
    consumer._thread.connections = {}
    assert consumer.heard_at() == began + 5
