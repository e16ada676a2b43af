"""A client that gives every revision of every alert to a handler, once per consumer group.

Order of effects: the handler returns, the ledger remembers the revision, the offset moves. A crash
anywhere in between repeats work that the ledger recognises and never skips any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from types import MappingProxyType, TracebackType
from typing import Final, Self

import structlog
from pydantic import ValidationError

from schemas.alerts import AlertEnvelope
from streams.errors import PoisonError, TransientError, first_problem
from streams.settings import Settings
from streams.subscriber.filters import AlertFilter
from streams.subscriber.ledger import Ledger, SqliteLedger
from streams.subscriber.loop import RecordLoop
from streams.subscriber.source import KafkaSource, Record, Source

log = structlog.get_logger(__name__)

Handler = Callable[[AlertEnvelope], None]
ALERTS_TOPIC = "alerts"
NOTHING_BESIDE: Final[Mapping[str, Callable[[Record], bool]]] = MappingProxyType({})


class HandlerGaveUpError(TransientError):
    """The handler failed on one alert as often as it may; that alert stays uncommitted."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a failing handler is called for one alert, and the pauses in between.

    Keep the sum of the pauses below the consumer's `max_poll_interval_ms` (five minutes), or the
    group gives the partition to somebody else meanwhile.
    """

    attempts: int = 5
    first_delay_s: float = 0.5
    factor: float = 2.0
    max_delay_s: float = 30.0

    def delay_s(self, failures: int) -> float:
        """The pause after that many failures (1 or more)."""
        try:
            return min(self.first_delay_s * self.factor ** (failures - 1), self.max_delay_s)
        except OverflowError:
            # What is down for days fails more often than a float can be doubled.
            return self.max_delay_s


@dataclass(frozen=True, slots=True)
class BadAlert:
    """A record that is no alert, with all that is needed to find and mend it."""

    record: Record
    reason: str


@dataclass(slots=True)
class Stats:
    """Records since the start, each counted once under what became of it."""

    handled: int = 0
    duplicates: int = 0
    filtered: int = 0
    bad: int = 0
    failures: int = 0


class AlertSubscriber:
    """Reads the alerts topic as a member of a group; use it as a context manager.

    `run(handler)` retries a handler that raises, then stops with HandlerGaveUpError. Iterating
    instead gives the alerts to a loop: one counts as handled when the next is asked for, and a loop
    that raises or breaks gets its last alert again after a restart; end it with `stop()`.
    A handler may raise PoisonError for an alert that it can never handle: it goes to `on_bad`.
    Without `on_bad`, bad alerts are logged and skipped, up to `max_bad_in_a_row`.
    Records of the topics `beside` alerts, where the source has more, go to their handlers as they are, from
    `run` only; a handler says whether the record was new, and what it raises is treated alike.
    """

    def __init__(
        self,
        source: Source,
        ledger: Ledger,
        *,
        where: AlertFilter | None = None,
        retry: Retry | None = None,
        on_bad: Callable[[BadAlert], None] | None = None,
        max_bad_in_a_row: int = 100,
        poll_s: float = 0.5,
        beside: Mapping[str, Callable[[Record], bool]] = NOTHING_BESIDE,
    ) -> None:
        self.stats = Stats()
        self._loop = RecordLoop(source, poll_s)
        self._ledger = ledger
        self._where = where or AlertFilter()
        self._retry = retry or Retry()
        self._on_bad = on_bad
        self._max_bad_in_a_row = max_bad_in_a_row
        self._bad_in_a_row = 0
        self._beside = beside

    @classmethod
    def connect(
        cls,
        settings: Settings,
        group_id: str,
        *,
        ledger: Ledger | None = None,
        where: AlertFilter | None = None,
        retry: Retry | None = None,
        on_bad: Callable[[BadAlert], None] | None = None,
    ) -> Self:
        """A subscriber on the brokers of `settings`; the ledger is a file in `data_dir` by default.

        Raises TransientError when no broker answers.
        """
        source = KafkaSource(settings, [ALERTS_TOPIC], group_id)
        if ledger is None:
            ledger = SqliteLedger(settings.data_dir / "subscriber.db", group_id)
        return cls(source, ledger, where=where, retry=retry, on_bad=on_bad)

    def run(self, handler: Handler) -> None:
        """Give alerts to `handler` until `stop()`; blocks."""
        with closing(self._loop.records()) as records:
            for record in records:
                if not self._is_done(record, handler):
                    return

    def __iter__(self) -> Iterator[AlertEnvelope]:
        with closing(self._loop.records()) as records:
            for record in records:
                if (envelope := self._wanted(record)) is None:
                    continue
                with self._ledger.handling(*_identity(envelope)) as is_new:
                    if is_new:
                        yield envelope
                self._count_outcome(is_new)

    def stop(self) -> None:
        """End the loop after the alert in hand; safe from a signal handler or another thread."""
        self._loop.stop()

    def close(self) -> None:
        """Leave the group and close the ledger."""
        self._loop.close()
        self._ledger.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def _wanted(self, record: Record) -> AlertEnvelope | None:
        if record.value is None:
            # A tombstone: compaction's word for "forget this key", it says nothing about an alert.
            self.stats.filtered += 1
            return None
        try:
            envelope = AlertEnvelope.model_validate_json(record.value)
        except ValidationError as error:
            self._refuse(record, first_problem(error))
            return None
        if not self._where.matches(envelope.data):
            self._bad_in_a_row = 0
            self.stats.filtered += 1
            return None
        return envelope

    def _is_done(self, record: Record, handler: Handler) -> bool:
        """Handle the record; False when stopped while the handler was failing."""
        beside = self._beside.get(record.topic)
        if beside is not None:
            where = f"at {record.topic}[{record.partition}]@{record.offset}"
            return self._handle(record, where, lambda: beside(record))
        envelope = self._wanted(record)
        if envelope is None:
            return True
        return self._handle(record, envelope.id, lambda: self._give(envelope, handler))

    def _give(self, envelope: AlertEnvelope, handler: Handler) -> bool:
        """Whether the revision is new; then the handler has it."""
        with self._ledger.handling(*_identity(envelope)) as is_new:
            if is_new:
                handler(envelope)
        return is_new

    def _handle(self, record: Record, name: str, handle: Callable[[], bool]) -> bool:
        """Whether the record is done with; False when stopped while its handler was failing."""
        failures = 0
        while True:
            try:
                self._count_outcome(handle())
                return True
            except PoisonError as error:
                self._refuse(record, error.reason)
                return True
            except Exception as error:
                failures += 1
                self._count_failure(name, failures, error)
            if self._loop.wait_for_stop(self._retry.delay_s(failures)):
                return False

    def _count_failure(self, name: str, failures: int, error: Exception) -> None:
        self.stats.failures += 1
        log.warning("alert_handler_failed", alert=name, failures=failures, exc_info=error)
        if failures >= self._retry.attempts:
            raise HandlerGaveUpError(
                f"The handler failed {failures} times on alert {name} "
                f"({type(error).__name__}: {error}). Nothing was committed for it: "
                "correct the cause and start again."
            ) from error

    def _refuse(self, record: Record, reason: str) -> None:
        self.stats.bad += 1
        self._bad_in_a_row += 1
        where = f"{record.topic}[{record.partition}]@{record.offset}"
        log.error("alert_refused", position=where, reason=reason)
        if self._bad_in_a_row > self._max_bad_in_a_row:
            raise TransientError(
                f"More than {self._max_bad_in_a_row} bad alerts in a row, the last at {where}: "
                f"{reason}. Is this the alerts topic of a matching version, and is the handler right?"
            )
        if self._on_bad is not None:
            self._on_bad(BadAlert(record, reason))

    def _count_outcome(self, is_new: bool) -> None:
        self._bad_in_a_row = 0
        if is_new:
            self.stats.handled += 1
        else:
            self.stats.duplicates += 1


def _identity(envelope: AlertEnvelope) -> tuple[str, int]:
    return envelope.data.alert_id, envelope.data.revision
