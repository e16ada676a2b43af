"""What a subscriber promises its handler: each revision once, nothing lost, order of effects."""

from __future__ import annotations

import importlib.util
import os
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from schemas.alerts import Alert, AlertEnvelope
from streams.errors import ConfigurationError, PoisonError, TransientError
from streams.subscriber import (
    AlertFilter,
    AlertSubscriber,
    BadAlert,
    HandlerGaveUpError,
    Ledger,
    MemoryLedger,
    Record,
    Retry,
    SqliteLedger,
)
from streams.subscriber.ledger import transaction
from tests.factories import envelope, make_alert

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "subscriber.py"
AT_ONCE = Retry(attempts=3, first_delay_s=0.0)


class TopicInMemory:
    """A one-partition topic with a group's committed offset; `member()` is a consumer of it."""

    def __init__(self) -> None:
        self.values: list[bytes | None] = []
        self.committed = 0

    def add(self, *alerts: Alert | bytes | None) -> None:
        for alert in alerts:
            is_raw = alert is None or isinstance(alert, bytes)
            self.values.append(alert if is_raw else envelope(alert).model_dump_json().encode())


class MemberInMemory:
    """A Source on TopicInMemory. `at_end` is called when there is nothing more to poll."""

    def __init__(self, topic: TopicInMemory) -> None:
        self.topic = topic
        self.position = topic.committed
        self.is_owner = True
        self.commits: list[int] = []
        self.at_end = lambda: None
        self.refuses_commits = False

    def poll(self, timeout_s: float) -> list[Record]:
        values = self.topic.values[self.position :]
        records = [Record("alerts", 0, self.position + i, b"k", v) for i, v in enumerate(values)]
        self.position += len(records)
        if not records:
            self.at_end()
        return records

    def owns(self, record: Record) -> bool:
        return self.is_owner

    def commit(self, positions: Mapping[tuple[str, int], int]) -> bool:
        if self.refuses_commits:
            return False
        self.topic.committed = positions["alerts", 0]
        self.commits.append(self.topic.committed)
        return True

    def close(self) -> None:
        self.is_owner = False


def damage(path: Path) -> None:
    """Overwrite the last page of a database: the first one, with the schema, stays readable."""
    with path.open("r+b") as file:
        file.seek(-4096, os.SEEK_END)
        file.write(b"\xff" * 4096)


def subscriber_on(topic: TopicInMemory, ledger: Ledger, **options: object) -> AlertSubscriber:
    member = MemberInMemory(topic)
    subscriber = AlertSubscriber(member, ledger, retry=AT_ONCE, **options)  # type: ignore[arg-type]
    member.at_end = subscriber.stop
    return subscriber


def ids(seen: list[AlertEnvelope]) -> list[int]:
    return [each.data.revision for each in seen]


def revisions(*numbers: int) -> list[Alert]:
    return [make_alert(revision=n) for n in numbers]


@pytest.fixture
def topic() -> TopicInMemory:
    return TopicInMemory()


def test_every_revision_is_handled_once_although_the_topic_repeats_it(topic: TopicInMemory) -> None:
    topic.add(*revisions(1, 1, 2, 1, 2, 3))
    seen: list[AlertEnvelope] = []
    subscriber = subscriber_on(topic, MemoryLedger())
    subscriber.run(seen.append)
    assert ids(seen) == [1, 2, 3]
    assert (subscriber.stats.handled, subscriber.stats.duplicates) == (3, 3)
    assert topic.committed == 6


def test_a_restart_without_committed_offsets_repeats_nothing(
    topic: TopicInMemory, tmp_path: Path
) -> None:
    topic.add(*revisions(1, 2))
    seen: list[AlertEnvelope] = []
    for _ in range(2):
        subscriber_on(topic, SqliteLedger(tmp_path / "l.db", "g")).run(seen.append)
        topic.committed = 0
    assert ids(seen) == [1, 2]


def test_groups_do_not_share_what_they_handled(topic: TopicInMemory, tmp_path: Path) -> None:
    topic.add(*revisions(1))
    seen: list[AlertEnvelope] = []
    for group in ("g", "h"):
        subscriber_on(topic, SqliteLedger(tmp_path / "l.db", group)).run(seen.append)
        topic.committed = 0
    assert ids(seen) == [1, 1]


def test_a_handler_that_recovers_within_the_retries_gets_the_alert_again(
    topic: TopicInMemory,
) -> None:
    topic.add(*revisions(1))
    calls: list[int] = []

    def handler(alert: AlertEnvelope) -> None:
        calls.append(alert.data.revision)
        if len(calls) < 3:
            raise OSError("not yet")

    subscriber_on(topic, MemoryLedger()).run(handler)
    assert calls == [1, 1, 1]
    assert topic.committed == 1


def test_a_handler_that_keeps_failing_stops_the_loop_before_its_offset(
    topic: TopicInMemory, tmp_path: Path
) -> None:
    topic.add(*revisions(1, 2, 3))
    handled: list[int] = []

    def fails_on_2(alert: AlertEnvelope) -> None:
        if alert.data.revision == 2:
            raise ValueError("no")
        handled.append(alert.data.revision)

    with pytest.raises(HandlerGaveUpError, match=r"3 times.*:2"):
        subscriber_on(topic, SqliteLedger(tmp_path / "l.db", "g")).run(fails_on_2)
    assert topic.committed == 1
    seen: list[AlertEnvelope] = []
    subscriber_on(topic, SqliteLedger(tmp_path / "l.db", "g")).run(seen.append)
    assert (handled, ids(seen)) == ([1], [2, 3])


def test_a_stop_while_the_handler_fails_is_clean_and_loses_nothing(topic: TopicInMemory) -> None:
    topic.add(*revisions(1))
    subscriber = AlertSubscriber(
        MemberInMemory(topic), MemoryLedger(), retry=Retry(attempts=9, first_delay_s=60)
    )

    def handler(alert: AlertEnvelope) -> None:
        subscriber.stop()
        raise OSError("no")

    subscriber.run(handler)
    assert topic.committed == 0


def test_a_stop_ends_the_loop_after_the_alert_in_hand(topic: TopicInMemory) -> None:
    topic.add(*revisions(1, 2, 3))
    subscriber = subscriber_on(topic, MemoryLedger())
    subscriber.run(lambda alert: subscriber.stop())
    assert topic.committed == 1


def test_poison_is_handed_over_and_skipped(topic: TopicInMemory) -> None:
    topic.add(b'{"data": {"phone": "13800001111"}}', b"\xff", None, *revisions(1))
    bad: list[BadAlert] = []
    seen: list[AlertEnvelope] = []
    subscriber = subscriber_on(topic, MemoryLedger(), on_bad=bad.append)
    subscriber.run(seen.append)
    assert [each.record.offset for each in bad] == [0, 1]
    assert "1380" not in bad[0].reason
    assert (ids(seen), subscriber.stats.bad, topic.committed) == ([1], 2, 4)


def test_a_handler_may_declare_an_alert_poison(topic: TopicInMemory) -> None:
    topic.add(*revisions(1, 2))
    bad: list[BadAlert] = []

    def handler(alert: AlertEnvelope) -> None:
        if alert.data.revision == 1:
            raise PoisonError("no_such_shop", "shop1 is not ours")

    subscriber_on(topic, MemoryLedger(), on_bad=bad.append).run(handler)
    assert [each.reason for each in bad] == ["no_such_shop"]
    assert topic.committed == 2


def test_a_flood_of_poison_stops_the_loop(topic: TopicInMemory) -> None:
    topic.add(b"1", b"2", b"3", b"4")
    with pytest.raises(TransientError, match="More than 2 bad alerts in a row"):
        subscriber_on(topic, MemoryLedger(), max_bad_in_a_row=2).run(lambda alert: None)
    assert topic.committed == 2


def test_a_handler_that_refuses_everything_stops_the_loop(topic: TopicInMemory) -> None:
    topic.add(*revisions(1, 2, 3, 4))

    def handler(alert: AlertEnvelope) -> None:
        raise PoisonError("no_such_shop", "shop1 is not ours")

    with pytest.raises(TransientError, match="More than 2 bad alerts in a row"):
        subscriber_on(topic, MemoryLedger(), max_bad_in_a_row=2).run(handler)
    assert topic.committed == 2


def test_alerts_that_are_handled_or_not_wanted_end_a_row_of_bad_ones(topic: TopicInMemory) -> None:
    other = make_alert("2", shop="shop2")
    topic.add(b"1", b"2", *revisions(1), b"3", b"4", other, b"5", b"6")
    subscriber = subscriber_on(
        topic, MemoryLedger(), max_bad_in_a_row=2, where=AlertFilter(shops=frozenset({"shop1"}))
    )
    subscriber.run(lambda alert: None)
    assert (subscriber.stats.bad, topic.committed) == (6, 8)


def test_an_on_bad_that_raises_keeps_the_record_uncommitted(topic: TopicInMemory) -> None:
    topic.add(b"1")

    def on_bad(bad: BadAlert) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        subscriber_on(topic, MemoryLedger(), on_bad=on_bad).run(lambda alert: None)
    assert topic.committed == 0


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (AlertFilter(), [1, 2, 3]),
        (AlertFilter(min_severity="critical"), [2]),
        (AlertFilter(min_severity="warn"), [2, 3]),
        (AlertFilter(detectors=frozenset({"D08"})), [3]),
        (AlertFilter(shops=frozenset({"shop2"})), [3]),
        (AlertFilter(changes=frozenset({"escalated"})), [2]),
    ],
)
def test_filters_pass_only_what_is_wanted(
    topic: TopicInMemory, where: AlertFilter, expected: list[int]
) -> None:
    topic.add(
        make_alert(revision=1, severity="info"),
        make_alert(revision=2, severity="critical", change="escalated"),
        make_alert(revision=3, severity="warn", detector="D08", shop="shop2"),
    )
    seen: list[AlertEnvelope] = []
    subscriber_on(topic, MemoryLedger(), where=where).run(seen.append)
    assert ids(seen) == expected
    assert topic.committed == 3


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"detectors": frozenset({"D01", "D1"})}, "detectors names 'D1'"),
        ({"changes": frozenset({"open"})}, "changes names 'open'.*expected opened"),
        ({"min_severity": "high"}, "min_severity names 'high'.*expected info, warn, critical"),
    ],
)
def test_a_filter_that_no_alert_can_pass_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        AlertFilter(**wrong)


def test_a_filter_may_name_a_detector_of_a_newer_version() -> None:
    where = AlertFilter(detectors=frozenset({"D99"}))
    assert where.matches(make_alert(detector="D99"))


def test_a_loop_handles_an_alert_when_it_asks_for_the_next(
    topic: TopicInMemory, tmp_path: Path
) -> None:
    topic.add(*revisions(1, 2, 3))

    def loop() -> list[int]:
        seen = []
        for alert in subscriber_on(topic, SqliteLedger(tmp_path / "l.db", "g")):
            seen.append(alert.data.revision)
            if alert.data.revision == 2 and topic.committed == 0:
                raise KeyError
        return seen

    with pytest.raises(KeyError):
        loop()
    assert topic.committed == 1
    assert loop() == [2, 3]


def test_records_of_a_partition_that_was_taken_away_are_dropped(topic: TopicInMemory) -> None:
    topic.add(*revisions(1, 2))
    member = MemberInMemory(topic)
    subscriber = AlertSubscriber(member, MemoryLedger(), retry=AT_ONCE)
    member.at_end = subscriber.stop
    seen: list[AlertEnvelope] = []

    def handler(alert: AlertEnvelope) -> None:
        seen.append(alert)
        member.is_owner = False

    subscriber.run(handler)
    assert (ids(seen), topic.committed) == ([1], 1)


def test_a_refused_commit_is_tried_again_with_the_newest_position(topic: TopicInMemory) -> None:
    topic.add(*revisions(1))
    member = MemberInMemory(topic)
    member.refuses_commits = True
    subscriber = AlertSubscriber(member, MemoryLedger(), retry=AT_ONCE)

    def at_end() -> None:
        member.refuses_commits = False
        subscriber.stop()

    member.at_end = at_end
    subscriber.run(lambda alert: None)
    assert topic.committed == 1


def test_what_a_handler_writes_through_the_ledger_is_durable_with_the_revision(
    topic: TopicInMemory, tmp_path: Path
) -> None:
    topic.add(*revisions(1))
    path = tmp_path / "l.db"

    class PowerCutError(BaseException):
        pass

    def write(ledger: SqliteLedger, alert: AlertEnvelope) -> None:
        ledger.connection.execute("INSERT INTO effects VALUES (?)", (alert.data.revision,))

    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE effects (revision INTEGER)")
    connection.close()
    first = SqliteLedger(path, "g")

    def writes_then_dies(alert: AlertEnvelope) -> None:
        write(first, alert)
        raise PowerCutError

    with pytest.raises(PowerCutError):
        subscriber_on(topic, first).run(writes_then_dies)
    first.close()
    second = SqliteLedger(path, "g")
    subscriber_on(topic, second).run(lambda alert: write(second, alert))
    assert second.connection.execute("SELECT revision FROM effects").fetchall() == [(1,)]
    second.close()


def test_memory_ledger_forgets_the_alerts_that_were_quiet_for_longest() -> None:
    ledger = MemoryLedger(max_alerts=2)

    def is_new(alert_id: str, revision: int) -> bool:
        with ledger.handling(alert_id, revision) as new:
            return new

    assert [is_new(a, 1) for a in ("a", "b")] == [True, True]
    assert is_new("a", 2)
    assert is_new("c", 1)
    assert not is_new("a", 2)
    assert is_new("b", 1)


def test_sqlite_ledger_forgets_alerts_older_than_it_keeps(tmp_path: Path) -> None:
    def is_new_on(day: float) -> bool:
        ledger = SqliteLedger(tmp_path / "l.db", "g", keep_days=10, now=lambda: day * 86_400)
        with ledger.handling("a", 1) as new:
            pass
        ledger.close()
        return new

    assert is_new_on(0)
    assert not is_new_on(9)
    assert is_new_on(11)


def test_back_off_doubles_up_to_its_limit() -> None:
    retry = Retry(first_delay_s=1, factor=2, max_delay_s=5)
    assert [retry.delay_s(n) for n in (1, 2, 3, 4, 40)] == [1, 2, 4, 5, 5]
    assert Retry(factor=2.0, max_delay_s=5).delay_s(5000) == 5


@pytest.mark.parametrize("is_all_of_it", [True, False])
def test_a_damaged_ledger_is_named_when_it_is_opened(tmp_path: Path, is_all_of_it: bool) -> None:
    path = tmp_path / "l.db"
    SqliteLedger(path, "g").close()
    if is_all_of_it:
        path.write_bytes(b"no database" * 1000)
    else:
        damage(path)
    with pytest.raises(ConfigurationError, match=r"l\.db is damaged.*Backup and retention"):
        SqliteLedger(path, "g")


def _example() -> ModuleType:
    """The example as a module; it is no package, so nothing else can import it."""
    spec = importlib.util.spec_from_file_location("subscriber_example", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_full_disk_in_the_middle_of_a_transaction_is_told_as_such(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "ledger.db", "g")
    connection = ledger.connection
    connection.execute("CREATE TABLE much (words BLOB)")
    # So little memory that it writes before the end, and then SQLite rolls back by itself.
    connection.execute("PRAGMA cache_size = 5")
    connection.execute("PRAGMA max_page_count = 40")
    with (
        pytest.raises(sqlite3.OperationalError, match="database or disk is full"),
        transaction(connection),
    ):
        connection.executemany("INSERT INTO much VALUES (?)", [(bytes(2_000),)] * 1_000)
    assert connection.execute("SELECT count(*) FROM much").fetchone() == (0,)
    ledger.close()


def test_the_example_ends_with_3_when_its_handler_gives_up(
    topic: TopicInMemory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    topic.add(make_alert(severity="critical"))
    subscriber = subscriber_on(topic, MemoryLedger())
    example = _example()

    def fails(_: AlertEnvelope) -> None:
        raise OSError("no route")

    monkeypatch.setattr(AlertSubscriber, "connect", lambda *_args, **_more: subscriber)
    monkeypatch.setattr(example, "handle", fails)
    assert example.main() == 3
    assert "no route" in capsys.readouterr().err


def test_the_example_without_a_broker_ends_with_3(tmp_path: Path) -> None:
    # In its own process: kafka-python leaves the sockets of a failed bootstrap to the collector.
    script = (
        "import runpy; from streams.kafka import clients; clients.BOOTSTRAP_TIMEOUT_MS = 300; "
        f"runpy.run_path({str(EXAMPLE)!r}, run_name='__main__')"
    )
    variables = {
        "ORDERWATCH_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "ORDERWATCH_DATA_DIR": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert "No Kafka broker answered at 127.0.0.1:1" in done.stderr
    assert "Traceback" not in done.stderr
