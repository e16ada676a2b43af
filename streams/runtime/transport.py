"""Faust's transport as it is, and one that delivers an event per (partition, poll) instead of per record.

Both subclass Faust's aiokafka transport through the hooks that Faust calls on `self`; nothing is
patched. Faust's per-record path costs about 100 µs, mostly tasks and locks; a list costs it once.
The trap: acknowledgements are kept by identity of the delivered batch, not by offset arithmetic, so a
batch of an older generation can be acknowledged a hundred times and commit nothing.

tests/contract/test_faust_internals.py fails when the pinned Faust moves what is used here.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import takewhile
from typing import Any, NamedTuple, cast

from aiokafka import AIOKafkaConsumer
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage, Message
from faust.types.transports import ConsumerT, SchedulingStrategyT
from mode import Service


class _WholeLists(SchedulingStrategyT):
    """A scheduler that keeps the records of a partition together."""

    def __init__(self) -> None:
        pass

    def iterate(self, records: Mapping[TP, list[Any]]) -> Iterator[tuple[TP, list[Any]]]:
        """One item per partition, where Faust would go round robin record by record."""
        return iter(records.items())


class CommittedThread(driver.AIOKafkaConsumerThread):
    """Reads what was committed: an order of a transaction that its producer gave up was never placed."""

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # Faust asks for that only where it writes in transactions itself.
        consumer._isolation_level = "read_committed"
        return consumer


class PlainConsumer(driver.Consumer):
    """Faust's consumer, which can also tell whether records that it has fetched are on their way.

    Faust counts a message as unacknowledged when an agent takes it out of its queue. The position
    moves when a poll is answered, and records may wait in between for as long as a state is read back.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The newest offset that a poll has brought. The position is no measure: it also moves past
        # the markers of transactions, which nobody acknowledges.
        self._fetched: dict[TP, int] = {}
        # The positions right after a poll, when no other is under way: every record before them has been
        # brought. Looked up once for each commit.
        self._positions: dict[TP, int] = {}
        self._is_seeking = False
        self._heard_at = time.monotonic()

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return CommittedThread(self, loop=self.loop, beacon=self.beacon)

    async def _getmany(
        self, active_partitions: set[TP] | None, timeout: float
    ) -> Mapping[TP, list[Any]]:
        polled: Mapping[TP, list[Any]] = await super()._getmany(active_partitions, timeout)
        for tp, records in polled.items():
            self._fetched[tp] = records[-1].offset
        if not self._positions and not self._is_seeking:
            self._positions = {tp: state.position for tp, state in fetch_states(self).items()}
        return polled

    def _filter_committable_offsets(self, tps: Iterable[TP]) -> dict[TP, int]:
        """Where everything that was brought is done, commit also what is never brought.

        That is the marker behind a transaction, and what was taken back with one. Uncommitted, it would
        look like records that nobody has read, once retention has deleted it.
        """
        offsets: dict[TP, int] = super()._filter_committable_offsets(tps)
        for tp, position in self._positions.items():
            committed = offsets.get(tp) or self._committed_offset.get(tp)
            if committed and self._fetched.get(tp, -1) < committed < position:
                offsets[tp] = position
        self._positions = {}
        return offsets

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Nothing: whether a partition stands still is for the pulse to say.

        Faust looks when records were taken last, so the first record in five minutes of a quiet topic is
        an error of fifteen lines to it.
        """

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Go back to the committed offsets, and to the beginning where nothing was ever committed.

        There aiokafka stays where it is, and what Faust has polled and dropped, as it does in a
        rebalance, would never come again: the first records of a quiet partition.
        """
        committed: Mapping[TP, int] = await super().seek_to_committed()
        nowhere = dict.fromkeys((tp for tp, offset in committed.items() if not offset), 0)
        if nowhere:
            await self._thread.seek_wait(nowhere)
        return committed

    async def perform_seek(self) -> None:
        """Start again from the committed offsets, so forget everything fetched since."""
        self._fetched.clear()
        self._positions = {}
        self._is_seeking = True
        await super().perform_seek()
        self._is_seeking = False

    def has_undelivered(self, tp: TP) -> bool:
        """Whether records of a partition are on their way: until they are committed, for all one knows."""
        return self.has_uncommitted(tp)

    def has_uncommitted(self, tp: TP) -> bool:
        """Whether records of a partition have been fetched that are not committed yet."""
        return self._fetched.get(tp, -1) >= (self._committed_offset.get(tp) or 0)

    def heard_at(self) -> float:
        """When a broker last answered anything, be it a heartbeat, by the monotonic clock.

        To be asked now and then: a connection that is closed takes along when it last heard. One is among
        those of the client only once the broker has answered on it, for to connect is no proof: the system
        takes the calls of a process that is frozen.
        """
        inner = self._thread._consumer
        if inner is not None:
            heard = (connection._last_action for connection in list(inner._client._conns.values()))
            self._heard_at = max(self._heard_at, *heard, 0.0)
        return self._heard_at

    @Service.task
    async def _refuse_to_wait(self) -> None:
        """End the worker when the broker has put this consumer out of its group for good.

        aiokafka keeps the reason for whoever polls through it, and does nothing until it was told. Faust
        does not ask, and starts neither tasks nor pages before the group has given it partitions.
        """
        while not self.should_stop:
            await self.sleep(1.0)
            inner = self._thread._consumer
            coordinator = inner._coordinator if inner else None
            if coordinator is None:
                continue
            task = coordinator._coordination_task
            if task.done() and not task.cancelled() and task.exception():
                raise task.exception()
            if coordinator._pending_exception is not None:
                raise coordinator._pending_exception


class BatchConsumer(PlainConsumer):
    """Delivers lists of raw records; commits what has been acknowledged without a gap.

    The value of a delivered message is the list of aiokafka records of one poll of one partition; its
    offset is the last record's.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.scheduler = _WholeLists()
        self._delivered: dict[TP, deque[Message]] = {}
        self._handed_on: dict[TP, int] = {}

    def _to_message(self, tp: TP, record: list[Any]) -> ConsumerMessage:
        last = record[-1]
        message = ConsumerMessage(
            last.topic,
            last.partition,
            last.offset,
            (last.timestamp or 0) / 1000.0,
            last.timestamp_type,
            None,
            None,
            cast(bytes, record),
            None,
            -1,
            -1,
            tp,
            generation_id=self.app.consumer_generation_id,
        )
        # From here on, and not from when the agent takes it out of its queue: until then the batch
        # would look read to its end. `track_message` is no place for it, Faust's streams inline that.
        self._delivered.setdefault(tp, deque()).append(message)
        self._handed_on[tp] = last.offset
        return message

    def ack(self, message: Message) -> bool:
        """Mark a whole batch as done. Exactly once has an effect; says whether this was it."""
        if message.acked:
            return False
        message.acked = True
        self._unacked_messages.discard(message)
        self._n_acked += len(cast(list[Any], message.value))
        if self._waiting_for_ack is not None and not self._waiting_for_ack.done():
            self._waiting_for_ack.set_result(None)
        return True

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        return (
            tp
            for tp in list(self._delivered)
            if topics is None or tp in topics or tp.topic in topics
        )

    def _new_offset(self, tp: TP) -> int | None:
        """The offset behind the last batch up to which all are acknowledged, if there is a new one."""
        waiting = self._delivered.get(tp)
        offset = None
        while waiting and waiting[0].acked:
            offset = waiting.popleft().offset + 1
        return offset

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Gaps need no bookkeeping: a batch is acknowledged as a whole, holes included."""

    def on_buffer_full(self, tp: TP) -> None:
        """Back-pressure comes from the bounded queue; pausing the fetcher would nap for a second."""

    async def perform_seek(self) -> None:
        """Start again from the committed offsets, so forget what was delivered since and is not done.

        What is done without a gap stays, to be committed: a poll that is answered while the worker
        stops ends here, before Faust's last commit, and the next worker would read all of it again.
        """
        for waiting in self._delivered.values():
            done = list(takewhile(lambda message: message.acked, waiting))
            waiting.clear()
            waiting.extend(done)
        self._handed_on.clear()
        await super().perform_seek()

    def has_undelivered(self, tp: TP) -> bool:
        """Whether batches of a partition have been fetched that nobody has acknowledged yet.

        One poll brings several partitions; while the queue is full, the later ones wait outside it.
        """
        is_coming = self._fetched.get(tp, -1) > self._handed_on.get(tp, -1)
        return is_coming or any(not message.acked for message in self._delivered.get(tp, ()))


def let_go(consumer: ConsumerT, message: Message) -> None:
    """Stop waiting for a message that will never be acknowledged, so that a rebalance can go on.

    Nothing behind it is committed until the partition has been read again.
    """
    cast(driver.Consumer, consumer)._unacked_messages.discard(message)


class PlainTransport(driver.Transport):
    """Faust's aiokafka transport with `PlainConsumer`; set it on the app before the first agent."""

    Consumer = PlainConsumer


class BatchTransport(driver.Transport):
    """Faust's aiokafka transport with `BatchConsumer`; set it on the app before the first agent."""

    Consumer = BatchConsumer


class FetchState(NamedTuple):
    """Where the consumer stands in a partition by its last fetch that was answered.

    When `position` equals `highwater` there was nothing further to read at `fetched_at_ms`, by this
    machine's wall clock. Where a transaction is open, only what lies before `readable` may be read.
    A broker that does not answer leaves all four as they are.
    """

    position: int
    readable: int
    highwater: int
    fetched_at_ms: int


def fetch_states(consumer: driver.Consumer) -> dict[TP, FetchState]:
    """The fetch state of every assigned partition that has been fetched at least once."""
    inner = consumer._thread._consumer
    subscription = inner._subscription.subscription if inner else None
    assignment = subscription.assignment if subscription else None
    if assignment is None:
        return {}
    found = {}
    for tp in list(assignment.tps):
        state = assignment.state_value(tp)
        if state is not None and state.highwater is not None and state.has_valid_position:
            readable = state.highwater if state.lso is None else state.lso
            found[TP(tp.topic, tp.partition)] = FetchState(
                state.position, readable, state.highwater, state.timestamp
            )
    return found


def missing_topics(consumer: driver.Consumer) -> list[str]:
    """The topics of this consumer that the brokers did not have when they were last asked.

    One that the user may not see is none of them: aiokafka has an error of its own for that.
    """
    inner = consumer._thread._consumer
    if inner is None or inner._subscription.subscription is None:
        return []
    cluster = inner._client.cluster
    known = cluster.topics(exclude_internal_topics=False) | cluster.unauthorized_topics
    return sorted(inner._subscription.subscription.topics - known)
