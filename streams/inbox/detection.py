"""Whether detection goes on: a list without alerts is good news only while somebody looks for them.

The workers' group tells: it has stopped once records wait for it and what it has committed does not move.
The trap: the end of a partition proves no record. Behind a transaction lies a marker that nobody commits,
so what waits is read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import structlog
from kafka import TopicPartition
from kafka.errors import KafkaError

from streams.detect.partition import READ
from streams.errors import TransientError
from streams.kafka import clients, reading
from streams.settings import Settings

log = structlog.get_logger(__name__)

LOOK_EVERY_S: Final = 30.0
# A worker that is started anew, or given partitions, reads its state first; most are done by then.
_PATIENCE_S: Final = 180.0
# For records that lie there, and may be kept back by a transaction that is open.
_READ_S: Final = 5.0

Offsets = Mapping[TopicPartition, int]


class Group(Protocol):
    """The workers' group. Both methods raise TransientError when no broker answers, or it refuses."""

    def committed(self) -> Offsets:
        """Up to where the group has read; without the partitions where it never has."""
        ...

    def first_unread(self, committed: Offsets) -> datetime | None:
        """When the oldest record was sent that the group has not read; None when there is none."""
        ...


class KafkaGroup:
    """The group, by the offsets that it has committed; it is asked, never joined."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def committed(self) -> Offsets:
        """See Group."""
        return clients.committed(self._settings, self._settings.group_id, READ)

    def first_unread(self, committed: Offsets) -> datetime | None:
        """See Group."""
        try:
            with closing(clients.consumer(self._settings)) as client:
                tps = [
                    TopicPartition(topic, number)
                    for topic in (clients.topic_name(self._settings, name) for name in READ)
                    for number in client.partitions_for_topic(topic) or ()
                ]
                begins, ends = client.beginning_offsets(tps), client.end_offsets(tps)
                # Where the group has never read, it begins at what is kept.
                starts = {tp: max(begins[tp], committed.get(tp, 0)) for tp in tps}
                behind = {tp for tp in tps if starts[tp] < ends[tp]}
                client.assign(behind)
                for tp in behind:
                    client.seek(tp, starts[tp])
                sent_ms: list[int] = []
                deadline = time.monotonic() + _READ_S
                while behind and time.monotonic() < deadline:
                    for tp, records in clients.poll(self._settings, client, reading.POLL_S).items():
                        sent_ms.append(records[0].timestamp)
                        client.pause(tp)
                        behind.discard(tp)
                    behind = {tp for tp in behind if client.position(tp) < ends[tp]}
        except KafkaError as error:
            raise clients.failure(self._settings, error) from error
        # Without a time it is as old as can be; whoever asks knows since when it has been there.
        return datetime.fromtimestamp(max(0, min(sent_ms)) / 1000, UTC) if sent_ms else None


class Detection:
    """Looks at the group now and then, in a thread of its own; `unchecked_since` is for any thread."""

    def __init__(
        self,
        group: Group,
        is_fed: Callable[[], bool],
        now: Callable[[], datetime],
        commit_interval_s: float = 0.0,
    ) -> None:
        self._group = group
        self._is_fed = is_fed
        self._now = now
        self._patience = timedelta(seconds=max(_PATIENCE_S, 2 * commit_interval_s))
        # Said once, not at every look.
        self._trouble = ""
        self._committed: Offsets | None = None
        # The first record that the group lacks, and since when we have seen it lie there.
        self._first: datetime | None = None
        self._waits_since: datetime | None = None
        self._looked_at = now()

    def step(self) -> float:
        """Look once; returns how long to wait before the next look."""
        if not self._is_fed():
            # The pages say that already, and a broker that does not answer keeps a stop waiting.
            self._forget()
            return LOOK_EVERY_S
        try:
            self._look()
        except TransientError as error:
            self._forget()
            if str(error) != self._trouble:
                log.warning("inbox_detection_unknown", reason=str(error))
            self._trouble = str(error)
        return LOOK_EVERY_S

    def unchecked_since(self) -> datetime | None:
        """Since when what happened in the shops is unchecked; None while detection goes on, or is unknown."""
        waits_since, first = self._waits_since, self._first
        if waits_since is None or first is None or self._looked_at - waits_since < self._patience:
            return None
        # The clock of whoever sent it may be wrong, but we have seen it lie there.
        return min(first, waits_since) if first.timestamp() else waits_since

    def _look(self) -> None:
        self._looked_at = self._now()
        committed = self._group.committed()
        if committed != self._committed:
            self._forget()
            self._committed = committed
        elif self._first is None:
            # What lies there first stays that, so it is read once.
            self._first = self._group.first_unread(committed)
            self._waits_since = self._looked_at if self._first else None

    def _forget(self) -> None:
        self._committed = self._first = self._waits_since = None
