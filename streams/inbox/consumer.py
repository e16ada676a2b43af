"""Alerts, and decisions on stock, from Kafka into the store: read, store, then commit. Never another order.

Runs in a thread of its own. What may go away comes back: without a broker or a database it waits and
tries again, and says so through `health`. The trap: a lost connection looks like an idle topic to
`poll`, so an idle consumer asks the broker something now and then.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import KafkaError

from schemas.outputs import StockAdjustment
from streams.errors import TransientError
from streams.inbox.database import PASSING, said_of
from streams.inbox.intake import Accepted, Position, RefusedRecord, read, read_decision
from streams.inbox.metrics import InboxMetrics
from streams.inbox.store import Applied, Store
from streams.kafka import clients
from streams.settings import Settings
from streams.subscriber.source import KafkaSource, Partition, Record, Source

log = structlog.get_logger(__name__)

ALERTS = "alerts"
DECISIONS = "stock-adjustments"
TOPICS = [ALERTS, DECISIONS]
_POLL_S = 0.5
_PROBE_EVERY_S = 5.0
_PROBE_TIMEOUT_S = 3.0
# Longer than a probe and its timeout, so that one slow answer is not taken for a lost broker.
_STALE_AFTER_S = 20.0
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0
_FLOOD_SAMPLE = 200
_FLOOD_MIN = 50
_DAY_MS = 24 * 3600 * 1000


class AlertSource(Source, Protocol):
    """A source that can also say how far behind its end it is."""

    def lag(self, timeout_s: float) -> int | None:
        """Records not read yet on our partitions; None before any are assigned.

        Raises TransientError when the broker does not answer.
        """
        ...

    @property
    def assignments(self) -> int:
        """Grows whenever partitions are assigned to us, within a poll."""
        ...


class KafkaAlertSource(KafkaSource):
    """Alerts and decisions on stock, read by one member of the inbox's consumer group.

    With `is_anew` it begins at the oldest alert that is kept, wherever the group had stopped: a database
    that was lost, or comes from a backup, lacks some of what the group has read. So it does with
    partitions that it is given later, by a console that read them into the lost one.

    What was written before the retention of the inbox is passed over and told to `on_passed_over`: the
    inbox may have had it, and deleted it. By the time of the record, not of the alert: old events that are
    loaded today make alerts of today. While nothing younger is on the topic, nothing is passed over: to a
    clock that is years ahead, the alerts of today are old.
    """

    def __init__(
        self,
        settings: Settings,
        on_passed_over: Callable[[int], None] = lambda _records: None,
        *,
        is_anew: bool = False,
    ) -> None:
        super().__init__(settings, TOPICS, _group_of(settings), max_poll_records=500)
        self._on_passed_over = on_passed_over
        self._keep_ms = settings.inbox_retention_days * _DAY_MS
        self._is_anew = is_anew
        self._begun: frozenset[Partition] = frozenset()

    def poll(self, timeout_s: float) -> list[Record]:
        """See Source."""
        records = super().poll(timeout_s)
        others = self._owned - self._begun if self._is_anew else frozenset()
        if others:
            self._begin_anew(others)
        return [record for record in records if (record.topic, record.partition) not in others]

    def _wanted(self, found: list[ConsumerRecord]) -> list[ConsumerRecord]:
        since_ms = int(time.time() * 1000) - self._keep_ms
        # A record without a time has -1.
        young = [r for r in found if r.timestamp < 0 or r.timestamp >= since_ms]
        if len(young) < len(found) and self._has_younger(since_ms):
            self._on_passed_over(len(found) - len(young))
            return young
        return found

    def _has_younger(self, since_ms: int) -> bool:
        asked = dict.fromkeys(self._consumer.assignment(), since_ms)
        try:
            first = self._consumer.offsets_for_times(asked)
        except KafkaError:
            # Rather shown once more than never.
            return False
        # The embedded broker answers with the time -1 where there is none.
        return any(at and at.timestamp >= since_ms for at in first.values())

    def _begin_anew(self, partitions: frozenset[Partition]) -> None:
        # Committed before anything is stored: after a crash the group is where the database is.
        if self.commit(dict.fromkeys(partitions, 0)):
            self._consumer.seek_to_beginning(*map(self._kafka_partition, partitions))
            self._begun |= partitions

    def lag(self, timeout_s: float) -> int | None:
        """See AlertSource."""
        assigned = self._consumer.assignment()
        if not assigned:
            return None
        try:
            ends = self._consumer.end_offsets(assigned, timeout_ms=int(timeout_s * 1000))
            positions = {p: int(self._consumer.position(p)) for p in assigned}
        except KafkaError as error:
            raise TransientError(f"the broker does not answer ({type(error).__name__})") from error
        return sum(max(0, int(ends[p]) - at) for p, at in positions.items())


def is_behind(settings: Settings, read_to: Callable[[], Mapping[Partition, int]]) -> bool:
    """Whether the group has read alerts that the database does not have: it was lost, or restored.

    `read_to` is the database's own account. Raises TransientError when no broker answers.
    """
    committed = {
        (topic, partition.partition): at
        for topic in TOPICS
        for partition, at in clients.committed(settings, _group_of(settings), [topic]).items()
    }
    # Read after the offsets: another console may be at work, and it stores before it commits.
    stored = read_to()
    return any(at > stored.get(partition, 0) for partition, at in committed.items())


def _read(record: Record) -> Accepted | StockAdjustment | RefusedRecord:
    at = Position(record.topic, record.partition, record.offset)
    return read_decision(at, record.value) if at.topic == DECISIONS else read(at, record.value)


def _group_of(settings: Settings) -> str:
    return f"{settings.group_id}-inbox"


class RefusedFloodError(TransientError):
    """Most records are no alerts: the topic or the version is wrong, and going on would hide it."""


@dataclass(frozen=True)
class Health:
    """Whether alerts arrive; `reason` is a sentence for a person when they do not."""

    is_ready: bool
    reason: str = ""


class Consumer:
    """The loop. `run` blocks until `stop`, which may be called from any thread."""

    def __init__(
        self,
        connect: Callable[[], AlertSource],
        store: Store,
        metrics: InboxMetrics,
        on_stored: Callable[[int], None],
        max_refused_share: float,
    ) -> None:
        self._connect = connect
        self._store = store
        self._metrics = metrics
        self._on_stored = on_stored
        self._max_refused_share = max_refused_share
        self._stopping = threading.Event()
        self._outcomes: deque[bool] = deque(maxlen=_FLOOD_SAMPLE)
        self._answered_at: float | None = None
        self._probed_at = 0.0
        self._trouble = "not connected to Kafka yet"
        self._has_read_all = False
        self._assignments = 0
        # Until then there is no group to leave, so a stop need not wait for the first answer.
        self.has_connected = False

    def run(self) -> None:
        """Consume until stopped. Raises RefusedFloodError; anything else that escapes is a bug."""
        source = self._connected()
        if source is None:
            return
        self.has_connected = True
        try:
            while not self._stopping.is_set():
                self._turn(source)
        finally:
            source.close()

    def stop(self) -> None:
        """End `run` after the batch in hand."""
        self._stopping.set()

    def health(self) -> Health:
        """True state: the broker answered lately, partitions are ours, the last batch was stored."""
        if self._trouble:
            return Health(False, self._trouble)
        silent_s = time.monotonic() - (self._answered_at or 0.0)
        if silent_s > _STALE_AFTER_S:
            return Health(False, f"no sign of the Kafka broker for {silent_s:.0f} s")
        return Health(True)

    def has_caught_up(self) -> bool:
        """Whether our partitions were read to their end at some moment since we have them.

        Not while the broker is away or silent: a process that stood still learns only at its next poll that
        others have had them.
        """
        return self._has_read_all and self.health().is_ready

    def _connected(self) -> AlertSource | None:
        pause_s = _FIRST_PAUSE_S
        while not self._stopping.is_set():
            try:
                return self._connect()
            except TransientError as error:
                self._unreachable(error, pause_s)
            except PASSING as error:
                self._store_failed(error, pause_s)
            self._stopping.wait(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        return None

    def _turn(self, source: AlertSource) -> None:
        try:
            records = source.poll(_POLL_S)
        except TransientError as error:
            # A right that somebody took away may be given back; people go on with what there is.
            self._unreachable(error, _LONGEST_PAUSE_S)
            self._stopping.wait(_LONGEST_PAUSE_S)
            return
        if source.assignments != self._assignments:
            # Who had them before may have left much unread.
            self._assignments, self._has_read_all, self._probed_at = source.assignments, False, 0.0
        if records:
            self._take_in(source, records)
        if time.monotonic() - self._probed_at >= _PROBE_EVERY_S or self._trouble:
            self._probe(source)

    def _take_in(self, source: AlertSource, records: list[Record]) -> None:
        batch = [_read(record) for record in records]
        for record in batch:
            if isinstance(record, RefusedRecord):
                self._metrics.refused(record.reason)
                log.warning("inbox_record_refused", reason=record.reason, at=str(record.position))
        # Only without alerts is there nothing to show.
        self._outcomes.extend(
            isinstance(record, RefusedRecord)
            for record, r in zip(batch, records, strict=True)
            if r.topic == ALERTS
        )
        ends = {(r.topic, r.partition): r.offset + 1 for r in records}
        stored = self._stored(lambda: self._store.apply(batch, ends))
        if stored is None:
            return
        self._refuse_flood()
        self._metrics.stored(stored.applied, stored.ignored)
        source.commit(ends)
        self._answered()
        if stored.applied or stored.decided:
            self._on_stored(stored.applied + stored.decided)

    def _stored(self, apply: Callable[[], Applied]) -> Applied | None:
        """Store until it works; None when stopped before it did."""
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                return apply()
            except PASSING as error:
                self._store_failed(error, pause_s)
            if self._stopping.wait(pause_s):
                return None
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _unreachable(self, error: TransientError, pause_s: float) -> None:
        self._trouble = str(error)
        self._has_read_all = False
        log.warning("inbox_broker_unreachable", pause_s=pause_s, reason=str(error))

    def _store_failed(self, error: Exception, pause_s: float) -> None:
        self._trouble = said_of(error)
        self._metrics.store_failed()
        log.warning("inbox_store_failed", reason=self._trouble, pause_s=pause_s)

    def _refuse_flood(self) -> None:
        refused = sum(self._outcomes)
        if len(self._outcomes) >= _FLOOD_MIN and refused > self._max_refused_share * len(
            self._outcomes
        ):
            raise RefusedFloodError(
                f"{refused} of the last {len(self._outcomes)} records on the topic {ALERTS} are no "
                "alerts. Expected AlertEnvelope version 1: check ORDERWATCH_TOPIC_PREFIX and the "
                "version of the workers. The records are in the table refused_records."
            )

    def _probe(self, source: AlertSource) -> None:
        try:
            lag = source.lag(_PROBE_TIMEOUT_S)
        except TransientError as error:
            self._trouble = str(error)
            self._has_read_all = False
            return
        self._probed_at = time.monotonic()
        if lag is None:
            self._trouble = "waiting for the consumer group to assign partitions"
            return
        self._metrics.lag(lag)
        self._has_read_all = self._has_read_all or lag == 0
        self._answered()

    def _answered(self) -> None:
        self._answered_at = time.monotonic()
        self._trouble = ""
