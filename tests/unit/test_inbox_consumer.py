"""The consumer: read, store, then commit; whatever goes away is waited for and said."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from streams.errors import TransientError
from streams.inbox import database
from streams.inbox.board import Board
from streams.inbox.consumer import ALERTS, DECISIONS, Consumer, RefusedFloodError
from streams.inbox.listing import Filter
from streams.inbox.metrics import InboxMetrics
from streams.inbox.store import Store
from streams.subscriber.source import Partition, Record
from tests.factories import alert_id, envelope, make_alert, make_decision
from tests.inbox import Clock, default_rules, inbox_in, wait_until


class MemorySource:
    """A topic with one partition in memory, with the interface of the real source."""

    topic = ALERTS

    def __init__(self, values: list[bytes | None]) -> None:
        self.values = values
        self.position = 0
        self.committed = 0
        self.is_reachable = True
        self.is_closed = False
        self.is_assigned = True
        self.refusal: TransientError | None = None
        self.assignments = 1
        self.is_stuck = False

    def rebalance(self, *values: bytes) -> None:
        """Partitions are assigned anew, and with them comes what nobody has read."""
        self.values += values
        self.assignments += 1

    def poll(self, timeout_s: float) -> list[Record]:
        if self.refusal:
            raise self.refusal
        end = (
            min(len(self.values), self.position + 10)
            if self.is_reachable and not self.is_stuck
            else self.position
        )
        found = [
            Record(self.topic, 0, offset, b"k", self.values[offset])
            for offset in range(self.position, end)
        ]
        self.position = end
        if not found:
            threading.Event().wait(0.005)
        return found

    def owns(self, record: Record) -> bool:
        return True

    def commit(self, positions: Mapping[Partition, int]) -> bool:
        self.committed = positions[self.topic, 0]
        return True

    def lag(self, timeout_s: float) -> int | None:
        if not self.is_reachable:
            raise TransientError("the broker does not answer (KafkaTimeoutError)")
        return len(self.values) - self.position if self.is_assigned else None

    def close(self) -> None:
        self.is_closed = True


class Setup:
    """A consumer over a source in memory and a real store."""

    def __init__(self, folder: Path, values: list[bytes | None]) -> None:
        self.engine = inbox_in(folder / "inbox.db")
        clock = Clock()
        self.store = Store(self.engine, clock)
        self.source = MemorySource(values)
        self.metrics = InboxMetrics(self.store, Board(self.store, default_rules(), clock), clock)
        self.announced: list[int] = []
        self.connect_failures: list[Exception] = []
        self.consumer = Consumer(self._connect, self.store, self.metrics, self._announce, 0.5)

    def _connect(self) -> MemorySource:
        if self.connect_failures:
            raise self.connect_failures.pop()
        return self.source

    def _announce(self, alerts: int) -> None:
        self.announced.append(alerts)

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self.consumer.run)
        thread.start()
        try:
            yield
        finally:
            self.consumer.stop()
            thread.join()
            self.engine.dispose()

    def count(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


def value(key: str, **overrides: object) -> bytes:
    return envelope(make_alert(key, orders=1, **overrides)).model_dump_json().encode()


def test_every_alert_is_stored_then_committed_and_announced(tmp_path: Path) -> None:
    setup = Setup(tmp_path, [value(str(n)) for n in range(25)])
    with setup.running():
        wait_until(lambda: setup.source.committed == 25)
        assert setup.store.page(Filter()).total == 25
        assert setup.announced == [10, 10, 5]
        assert setup.store.read_to() == {("alerts", 0): 25}
        wait_until(lambda: setup.consumer.health().is_ready)
    assert setup.source.is_closed
    assert setup.count("orderwatch_inbox_applied_total") == 25


def test_what_comes_twice_is_counted_and_not_announced(tmp_path: Path) -> None:
    setup = Setup(tmp_path, [value("1")] * 11)
    with setup.running():
        wait_until(lambda: setup.source.committed == 11)
    assert setup.announced == [1]
    assert setup.count("orderwatch_inbox_ignored_total") == 10


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("INSERT", {}, Exception("away")),
        PoolTimeoutError("QueuePool limit of size 5 overflow 10 reached"),
    ],
)
def test_nothing_is_committed_that_is_not_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    setup = Setup(tmp_path, [value("1")])
    is_away = threading.Event()
    is_away.set()
    apply = setup.store.apply

    def failing(records: object, read_to: object) -> object:
        if is_away.is_set():
            raise error
        return apply(records, read_to)  # type: ignore[arg-type]

    monkeypatch.setattr(setup.store, "apply", failing)
    with setup.running():
        wait_until(lambda: setup.count("orderwatch_inbox_store_failures_total") >= 1)
        assert setup.source.committed == 0
        assert not setup.consumer.health().is_ready
        assert "database" in setup.consumer.health().reason
        is_away.clear()
        wait_until(lambda: setup.source.committed == 1)
        wait_until(lambda: setup.consumer.health().is_ready)


def test_a_file_that_somebody_locks_is_told_as_that_and_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_BUSY_TIMEOUT_MS", 1)
    setup = Setup(tmp_path, [value("1")])
    with closing(sqlite3.connect(tmp_path / "inbox.db", isolation_level=None)) as shell:
        shell.execute("BEGIN IMMEDIATE")
        with setup.running():
            wait_until(lambda: "database is locked: another" in setup.consumer.health().reason)
            assert "End that; no restart is needed" in setup.consumer.health().reason
            shell.execute("ROLLBACK")
            wait_until(lambda: setup.source.committed == 1)
            wait_until(lambda: setup.consumer.health().is_ready)


def test_a_full_disk_is_told_as_that_and_waited_for(tmp_path: Path) -> None:
    setup = Setup(tmp_path, [value(str(n)) for n in range(200)])
    most_pages = 1

    # SQLite counts the pages of a file for each connection, and never fewer than there are.
    @event.listens_for(setup.engine, "checkout")
    def be_full(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {most_pages}")

    with setup.running():
        wait_until(lambda: "database or disk is full" in setup.consumer.health().reason)
        assert "Make room; no restart is needed" in setup.consumer.health().reason
        most_pages = 1_000_000
        wait_until(lambda: setup.source.committed == 200)
        wait_until(lambda: setup.consumer.health().is_ready)


def test_a_stop_while_the_database_is_away_commits_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = Setup(tmp_path, [value("1")])

    def away(*_batch: object) -> None:
        raise OperationalError("INSERT", {}, Exception("away"))

    monkeypatch.setattr(setup.store, "apply", away)
    with setup.running():
        wait_until(lambda: setup.count("orderwatch_inbox_store_failures_total") >= 1)
    assert setup.source.committed == 0
    assert setup.source.is_closed


def test_a_bug_stops_the_consumer_before_the_offset_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = Setup(tmp_path, [value("1")])

    def bug(*_batch: object) -> None:
        raise KeyError("bug")

    monkeypatch.setattr(setup.store, "apply", bug)
    with pytest.raises(KeyError, match="bug"):
        setup.consumer.run()
    setup.engine.dispose()
    assert setup.source.committed == 0
    assert setup.source.is_closed


def test_one_bad_record_does_not_hold_up_the_others(tmp_path: Path) -> None:
    setup = Setup(tmp_path, [value("1"), b"\xff", None, value("2")])
    with setup.running():
        wait_until(lambda: setup.source.committed == 4)
        assert setup.store.page(Filter()).total == 2
    assert setup.count("orderwatch_inbox_refused_total", reason="not_an_alert") == 1
    assert setup.count("orderwatch_inbox_refused_total", reason="empty") == 1


def test_a_flood_of_bad_records_stops_the_consumer(tmp_path: Path) -> None:
    setup = Setup(tmp_path, [b"{}"] * 100)
    with pytest.raises(RefusedFloodError, match="ORDERWATCH_TOPIC_PREFIX"):
        setup.consumer.run()
    setup.engine.dispose()
    assert setup.source.committed < 100


def test_decisions_on_stock_are_stored_and_announced_and_a_flood_of_others_ends_nothing(
    tmp_path: Path,
) -> None:
    said = [make_decision(order).model_dump_json().encode() for order in ("o1", "o2", "o1")]
    setup = Setup(tmp_path, [*said, *[b"{}"] * 100])
    setup.source.topic = DECISIONS
    with setup.running():
        wait_until(lambda: setup.source.committed == 103)
    assert setup.announced == [2]
    assert setup.count("orderwatch_inbox_refused_total", reason="not_a_decision") == 100


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (TransientError("No Kafka broker answered at 127.0.0.1:9092"), "No Kafka broker"),
        (OperationalError("SELECT", {}, Exception("away")), "the database does not answer"),
    ],
)
def test_what_is_not_there_yet_is_waited_for(tmp_path: Path, error: Exception, said: str) -> None:
    setup = Setup(tmp_path, [value("1")])
    setup.connect_failures = [error]
    assert "not connected" in setup.consumer.health().reason
    with setup.running():
        wait_until(lambda: said in setup.consumer.health().reason)
        wait_until(lambda: setup.source.committed == 1)
        wait_until(lambda: setup.consumer.health().is_ready)


def test_a_right_that_was_taken_away_ends_no_console_and_may_be_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.inbox.consumer._LONGEST_PAUSE_S", 0.01)
    setup = Setup(tmp_path, [])
    with setup.running():
        wait_until(lambda: setup.consumer.health().is_ready)
        setup.source.refusal = TransientError("the broker refuses this user what it needs")
        wait_until(lambda: "refuses this user" in setup.consumer.health().reason)
        setup.source.values.append(value("1"))
        setup.source.refusal = None
        wait_until(lambda: setup.source.committed == 1)
        wait_until(lambda: setup.consumer.health().is_ready)


def test_an_idle_topic_is_not_taken_for_a_lost_broker_and_the_reverse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.inbox.consumer._PROBE_EVERY_S", 0.0)
    setup = Setup(tmp_path, [])
    setup.source.is_assigned = False
    with setup.running():
        wait_until(lambda: "assign" in setup.consumer.health().reason)
        setup.source.is_assigned = True
        wait_until(lambda: setup.consumer.health().is_ready)
        setup.source.is_reachable = False
        wait_until(lambda: "broker does not answer" in setup.consumer.health().reason)
        setup.source.is_reachable = True
        wait_until(lambda: setup.consumer.health().is_ready)


def test_an_operator_s_work_survives_the_alert_s_revisions(tmp_path: Path) -> None:
    values = [value("1"), value("1", revision=2, change="escalated", severity="critical")]
    setup = Setup(tmp_path, [*values])
    with setup.running():
        wait_until(lambda: setup.source.committed == 2)
    detail = setup.store.detail(alert_id("1"))
    assert detail is not None
    assert [row.change for row in detail.revisions] == ["escalated", "opened"]


def test_it_has_caught_up_with_the_partitions_that_it_has_now(tmp_path: Path) -> None:
    setup = Setup(tmp_path, [value("1")])
    assert not setup.consumer.has_caught_up()
    with setup.running():
        wait_until(setup.consumer.has_caught_up)
        # What the last owner left unread would be long in coming; here nothing of it comes at all.
        setup.source.is_stuck = True
        setup.source.rebalance(*(value(str(n)) for n in range(2, 5)))
        wait_until(lambda: setup.count("orderwatch_inbox_lag_records") == 3)
        assert not setup.consumer.has_caught_up()
        setup.source.is_stuck = False
        # The next answer is asked for some seconds later; an assignment is asked about at once.
        setup.source.rebalance()
        wait_until(setup.consumer.has_caught_up)
        assert setup.store.page(Filter()).total == 4


def test_what_comes_meanwhile_takes_nothing_back(tmp_path: Path) -> None:
    setup = Setup(tmp_path, [value("1")])
    with setup.running():
        wait_until(setup.consumer.has_caught_up)
        setup.source.values += [value(str(n)) for n in range(2, 30)]
        assert setup.consumer.has_caught_up()
        wait_until(lambda: setup.source.committed == 29)
        assert setup.consumer.has_caught_up()


def test_who_has_no_partitions_or_no_broker_has_not_caught_up(tmp_path: Path) -> None:
    setup = Setup(tmp_path, [value("1")])
    with setup.running():
        wait_until(setup.consumer.has_caught_up)
        setup.source.is_assigned = False
        setup.source.rebalance()
        wait_until(lambda: not setup.consumer.health().is_ready)
        assert not setup.consumer.has_caught_up()
        setup.source.is_assigned = True
        wait_until(setup.consumer.has_caught_up)
        setup.source.refusal = TransientError("no right to read")
        wait_until(lambda: not setup.consumer.health().is_ready)
        assert not setup.consumer.has_caught_up()
