"""The inbox as a process on a real broker: nothing lost over a kill, and truth about its health."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import orjson
from aiokafka import AIOKafkaProducer
from kafka import OffsetAndMetadata, TopicPartition

from schemas.alerts import Alert
from schemas.topics import value_adapter
from streams.demo.broker import free_port
from streams.errors import TransientError
from streams.inbox.banlist import TELL_EVERY
from streams.inbox.consumer import ALERTS, TOPICS, KafkaAlertSource
from streams.inbox.database import open_database, upgrade
from streams.inbox.detection import Detection, KafkaGroup
from streams.inbox.store import Store
from streams.kafka import clients
from streams.replay.files import event_line
from streams.settings import Settings
from streams.subscriber.source import Record
from tests.brokers import ApacheKafka
from tests.factories import alert_id, envelope, make_alert
from tests.inbox import Clock, Served, record, wait_until
from tests.inbox import Inbox as Office
from tests.oracle.seller_story import SellerStory
from tests.oracle.story import HOUR, T0_MS
from tests.topic_io import Message, create_topics, produce, read_to_end
from tests.visiting import get
from tests.workers import load, worker

START = (
    "from streams.settings import Settings; from streams.inbox.service import run; run(Settings())"
)


class Inbox:
    """A running `orderwatch inbox` and its address."""

    def __init__(self, process: subprocess.Popen[bytes], url: str) -> None:
        self.process = process
        self.url = url

    def is_ready(self) -> bool:
        try:
            return get(f"{self.url}/readyz").is_success
        except httpx.TransportError:
            return False

    def metric(self, name: str) -> float:
        text = get(f"{self.url}/metrics").text
        lines = (line.split(" ") for line in text.splitlines() if line.startswith(name + " "))
        return next((float(value) for _, value in lines), -1.0)

    def words(self) -> str:
        """Whether it says that it is ready, and how far it has read."""
        try:
            ready = get(f"{self.url}/readyz").text
            names = ("orderwatch_inbox_applied_total", "orderwatch_inbox_lag_records")
            return " ".join([ready, *(f"{name}={self.metric(name):.0f}" for name in names)])
        except httpx.TransportError as error:
            return f"it does not answer: {error!r}"

    def has(self, key: str) -> bool:
        return get(f"{self.url}/alerts/{alert_id(key)}.json").is_success


@contextmanager
def inbox(bootstrap: str, prefix: str, folder: Path, **more: str) -> Iterator[Inbox]:
    port = free_port()
    variables = {
        "ORDERWATCH_BOOTSTRAP_SERVERS": bootstrap,
        "ORDERWATCH_TOPIC_PREFIX": prefix,
        "ORDERWATCH_GROUP_ID": prefix + "group",
        "ORDERWATCH_SESSION_TIMEOUT_S": "6",
        "ORDERWATCH_INBOX_PORT": str(port),
        "ORDERWATCH_DATABASE_URL": f"sqlite:///{folder}/inbox.db",
        **more,
    }
    process = subprocess.Popen([sys.executable, "-c", START], env={**os.environ, **variables})
    running = Inbox(process, f"http://127.0.0.1:{port}")
    try:
        wait_until(running.is_ready)
        yield running
    except AssertionError as failed:
        failed.add_note(running.words())
        raise
    finally:
        process.kill()
        process.wait()


def made(bootstrap: str, prefix: str, partitions: int, config: dict[str, str] | None = None) -> str:
    """Make the topics that an inbox reads; gives the name of that of alerts, which has the configuration."""
    names = {prefix + name: partitions for name in TOPICS}
    create_topics(bootstrap, names, {prefix + ALERTS: config or {}})
    return prefix + ALERTS


def publish(bootstrap: str, topic: str, keys: range) -> None:
    alerts = [make_alert(str(n), buyer=f"b{n}", orders=1) for n in keys]
    produce(bootstrap, topic, [message(alert) for alert in alerts])


def message(alert: Alert, written_at: datetime | None = None) -> Message:
    at_ms = None if written_at is None else int(written_at.timestamp() * 1000)
    value = envelope(alert).model_dump_json().encode()
    return Message(value, alert.subject.id.encode(), timestamp_ms=at_ms)


def test_a_killed_inbox_misses_nothing_and_has_nothing_twice(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    topic = made(bootstrap, topic_prefix, 3)
    publish(bootstrap, topic, range(200))
    with inbox(bootstrap, topic_prefix, tmp_path) as first:
        wait_until(lambda: first.metric("orderwatch_inbox_applied_total") > 0)
        first.process.kill()
    publish(bootstrap, topic, range(150, 300))
    with inbox(bootstrap, topic_prefix, tmp_path) as second:
        wait_until(lambda: all(second.has(str(n)) for n in (0, 199, 299)))
        counted = 'orderwatch_inbox_alerts_open{severity="warn"}'
        wait_until(lambda: second.metric(counted) == 300)
        wait_until(lambda: second.metric("orderwatch_inbox_lag_records") == 0)
        second.process.send_signal(signal.SIGTERM)
        assert second.process.wait(timeout=60) == 0


def test_an_inbox_that_lost_its_database_reads_every_alert_again(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    topic = made(bootstrap, topic_prefix, 3)
    publish(bootstrap, topic, range(20))
    counted = 'orderwatch_inbox_alerts_open{severity="warn"}'
    (tmp_path / "lost").mkdir()
    with inbox(bootstrap, topic_prefix, tmp_path / "lost") as first:
        wait_until(lambda: first.metric(counted) == 20)
        # What it has read is committed when it leaves.
        first.process.send_signal(signal.SIGTERM)
        assert first.process.wait(timeout=60) == 0
    with inbox(bootstrap, topic_prefix, tmp_path) as second:
        wait_until(lambda: second.metric(counted) == 20)


def test_a_database_from_a_backup_gets_what_the_group_had_read_since(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    topic = made(bootstrap, topic_prefix, 2)
    counted = 'orderwatch_inbox_alerts_open{severity="warn"}'

    def read(end: int) -> None:
        """Publish ten more alerts, and let an inbox read until it has so many."""
        publish(bootstrap, topic, range(end - 10, end))
        with inbox(bootstrap, topic_prefix, tmp_path) as running:
            wait_until(lambda: running.metric(counted) == end)
            running.process.send_signal(signal.SIGTERM)
            assert running.process.wait(timeout=60) == 0

    read(10)
    backup = (tmp_path / "inbox.db").read_bytes()
    read(20)
    (tmp_path / "inbox.db").write_bytes(backup)
    read(30)


def test_what_was_deleted_for_its_age_does_not_come_back_from_the_topic(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    # Somebody keeps alerts for longer than the topic is made for.
    topic = made(bootstrap, topic_prefix, 1, {"retention.ms": "-1"})
    now = datetime.now(UTC)
    long_ago = now - timedelta(days=500)
    ended = make_alert("old", buyer="b1", status="resolved", change="resolved", opened_at=long_ago)
    engine = open_database(f"sqlite:///{tmp_path}/inbox.db")
    upgrade(engine)
    Store(engine, Clock(long_ago)).apply([record(ended)])
    Store(engine, Clock(now)).apply([record(make_alert("young", buyer="b2", opened_at=now))])
    engine.dispose()
    # Old events that are loaded today make alerts of today.
    loaded = make_alert("loaded", buyer="b3", opened_at=now - timedelta(days=900))
    produce(bootstrap, topic, [message(ended, long_ago), message(loaded)])
    for group in ("one", "another"):
        # A group that is new reads everything that is kept.
        more = {"ORDERWATCH_GROUP_ID": topic_prefix + group}
        with inbox(bootstrap, topic_prefix, tmp_path, **more) as running:
            wait_until(lambda: running.metric("orderwatch_inbox_lag_records") == 0)
            wait_until(lambda: running.has("loaded"))
            wait_until(lambda: not running.has("old"))
            assert running.has("young")
            pruned = running.metric('orderwatch_inbox_pruned_total{what="alert"}')
            assert pruned == (1 if group == "one" else -1)
            assert running.metric("orderwatch_inbox_ignored_total") >= 1


def test_a_clock_that_is_years_ahead_passes_no_alert_over(
    kafka_bootstrap: str, topic_prefix: str
) -> None:
    """To it, alerts of today are as old as these are to ours.

    The embedded broker looks up when a record arrived, which no test can have been long ago.
    """
    topic = made(kafka_bootstrap, topic_prefix, 1, {"retention.ms": "-1"})
    long_ago = datetime.now(UTC) - timedelta(days=800)
    produce(kafka_bootstrap, topic, [message(make_alert(key), long_ago) for key in "12"])
    settings = Settings(
        _env_file=None,
        bootstrap_servers=kafka_bootstrap,
        topic_prefix=topic_prefix,
        group_id=topic_prefix,
        session_timeout_s=6,
    )
    passed_over: list[int] = []
    with closing(KafkaAlertSource(settings, passed_over.append)) as source:
        found: list[Record] = []

        def count() -> int:
            found.extend(source.poll(0.2))
            return len(found)

        wait_until(lambda: count() == 2)
        assert passed_over == []
        # Not the clock, then: the old one is old.
        produce(
            kafka_bootstrap, topic, [message(make_alert("3"), long_ago), message(make_alert("4"))]
        )
        wait_until(lambda: count() == 3)
    assert found[-1].offset == 3
    assert passed_over == [1]


def test_what_another_console_read_into_the_lost_database_is_read_again_as_well(
    bootstrap: str, topic_prefix: str
) -> None:
    """Consoles that share a database are restarted one after the other."""
    topic = made(bootstrap, topic_prefix, 2)
    messages = [Message(b"%d" % number, partition=number % 2) for number in range(20)]
    produce(bootstrap, topic, messages)
    settings = Settings(
        bootstrap_servers=bootstrap,
        topic_prefix=topic_prefix,
        group_id=topic_prefix,
        session_timeout_s=6,
    )

    lost: set[Record] = set()
    stored: set[Record] = set()

    def count(source: KafkaAlertSource, into: set[Record]) -> int:
        records = source.poll(0.2)
        source.commit({(r.topic, r.partition): r.offset + 1 for r in records})
        into.update(records)
        return len(into)

    old = KafkaAlertSource(settings)
    wait_until(lambda: count(old, lost) == 20)
    new = KafkaAlertSource(settings, is_anew=True)
    # Each has its half now.
    wait_until(lambda: count(old, lost) + count(new, stored) >= 30)
    # What it has caught up with is asked anew each time that it is given partitions.
    before = new.assignments
    assert before > 0
    old.close()
    wait_until(lambda: count(new, stored) == 20)
    assert new.assignments > before
    new.close()


def test_a_broker_that_goes_away_is_said_and_its_return_is_enough(
    own_kafka: ApacheKafka, topic_prefix: str, tmp_path: Path
) -> None:
    topic = made(own_kafka.bootstrap, topic_prefix, 1)
    with inbox(own_kafka.bootstrap, topic_prefix, tmp_path) as running:
        publish(own_kafka.bootstrap, topic, range(1))
        wait_until(lambda: running.has("0"))
        own_kafka.stop()
        wait_until(lambda: not running.is_ready())
        # What is stored can be worked on meanwhile.
        assert running.has("0")
        own_kafka.start()
        publish(own_kafka.bootstrap, topic, range(1, 2))
        wait_until(lambda: running.has("1"))
        wait_until(running.is_ready)


TOKEN = "a-token-for-the-test"
RECEIVER = {
    "name": "张三",
    "phone": "13800138000",
    "country": "CN",
    "state": "浙江省",
    "city": "杭州市",
    "district": "西湖区",
}


class Person:
    """Takes steps over HTTP, as a browser does."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._headers = {"authorization": f"Bearer {TOKEN}"}
        # Every step of a case makes a version; nobody else is at work here.
        self._versions: Counter[str] = Counter()

    def step(self, alert: str, name: str, **fields: str) -> None:
        self._versions[alert] += 1
        version = str(self._versions[alert])
        form = {"request_id": f"{name}-{version}-{alert[:8]}", "version": version, **fields}
        page = f"{self._url}/alerts/{alert}/{name}"
        answer = httpx.post(page, data=form, headers=self._headers, timeout=10)
        assert answer.status_code == 303, answer.text

    def cannot_reach(self, alert: str) -> None:
        self.step(alert, "take")
        for _ in range(2):
            self.step(alert, "contact", channel="phone", answered="no")

    def page(self, alert: str) -> str:
        return get(f"{self._url}/alerts/{alert}", headers=self._headers).text

    def sees(self, alert: str) -> bool:
        page = f"{self._url}/alerts/{alert}.json"
        return get(page, headers=self._headers).is_success


def unreachable_buyers(now: datetime) -> list[bytes]:
    """One gave a keyboard's address 43 hours ago; one asks for money only, after every refusal."""
    journal = SellerStory()
    journal.buyer = "b1"
    at = now.timestamp() - T0_MS / 1000 - 43 * HOUR
    journal.created("o1", at, receiver={**RECEIVER, "detail": "asdfasdf"})
    journal.paid("o1", at)
    journal.buyer = "b2"
    for attempt in range(1, 4):
        asked = at + attempt * HOUR
        journal.requested("o2", asked, refund="r", attempt=attempt, refund_only=True)
        journal.refund_step("refused", "o2", asked + 60, refund="r", attempt=attempt)
    return [event_line(topic, orjson.dumps(value)).rstrip() for topic, value in journal.events]


def test_what_people_do_reaches_the_detectors(
    embedded_bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    with worker(embedded_bootstrap, topic_prefix, tmp_path) as subject:
        subject.start()
        subject.wait_ready()
        load(embedded_bootstrap, topic_prefix, unreachable_buyers(datetime.now(UTC)))

        def alert(detector: str, severity: str, status: str = "open") -> str | None:
            found = subject.standing().items()
            said = ((name, (a["detector"], a["severity"], a["status"])) for name, a in found)
            return next((name for name, this in said if this == (detector, severity, status)), None)

        def becomes(*said: str) -> str:
            subject.wait_for(lambda: alert(*said) is not None, " ".join(said))
            return alert(*said) or ""

        address, refunds, _ = becomes("D05", "warn"), becomes("D08", "warn"), becomes("D34", "warn")
        token = {"ORDERWATCH_INBOX_AUTH_TOKEN": TOKEN}
        with inbox(embedded_bootstrap, topic_prefix, tmp_path, **token) as running:
            person = Person(running.url)
            wait_until(lambda: person.sees(address) and person.sees(refunds))
            person.cannot_reach(refunds)
            assert becomes("D08", "critical") == refunds
            person.cannot_reach(address)
            assert becomes("D05", "critical") == address
            person.step(address, "label", label="WRONG_ADDRESS_UNREACHABLE")
            person.step(address, "file", order="o1")
            person.step(address, "filing_accepted")
            becomes("D34", "warn", "resolved")
            name = "orderwatch_inbox_events_waiting"
            topics = ("contacts", "filings", "recharges")
            wait_until(lambda: all(running.metric(f'{name}{{topic="{t}"}}') == 0 for t in topics))


def test_a_ban_that_stands_is_told_again_by_the_console_that_runs(
    embedded_bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    made(embedded_bootstrap, topic_prefix, 1)
    create_topics(embedded_bootstrap, {topic_prefix + "accounts": 1})
    engine = open_database(f"sqlite:///{tmp_path}/inbox.db")
    upgrade(engine)
    office = Office(engine)
    office.clock.at = datetime.now(UTC) - 2 * TELL_EVERY
    office.add(make_alert(orders=1))
    office.ban(office.propose("1"), "approve", "restrict")
    began = office.clock.at
    engine.dispose()

    def told() -> list[tuple[datetime, bool]]:
        values = read_to_end(embedded_bootstrap, f"{topic_prefix}accounts")
        read = value_adapter("accounts").validate_json
        return [
            (event.occurred_at, event.is_banned) for event in (read(one.value) for one in values)
        ]

    again = (began + 2 * TELL_EVERY, True)
    for _ in range(2):
        with inbox(embedded_bootstrap, topic_prefix, tmp_path) as running:
            wait_until(lambda: told() == [(began, True), again])
            waiting = 'orderwatch_inbox_events_waiting{topic="accounts"}'
            assert running.metric(waiting) == 0


def test_the_page_says_since_when_no_worker_reads_and_no_longer_once_one_does(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    with (
        worker(bootstrap, topic_prefix, tmp_path) as subject,
        Served(tmp_path, Clock(datetime.now(UTC))) as console,
    ):
        group = KafkaGroup(
            subject.settings.model_copy(update={"group_id": f"{topic_prefix}worker"})
        )
        detection = Detection(group, lambda: True, console.clock)

        def page() -> str:
            """What the page says after minutes of looks at a group that has come to rest."""
            for _ in range(10):
                detection.step()
                console.clock.forward(seconds=30)
            console.unchecked_since = detection.unchecked_since()
            return get(console.url, params={"lang": "en"}).text

        def is_read() -> bool:
            return group.first_unread(group.committed()) is None

        banner, events = "Detection stands still", unreachable_buyers(datetime.now(UTC))
        # Nothing waits for a group that has never been there.
        assert banner not in page()
        load(bootstrap, topic_prefix, events)
        assert banner in page()
        subject.start()
        subject.wait_ready()
        wait_until(is_read)
        assert banner not in page()
        assert subject.stop() == 0
        assert banner not in page()
        before = datetime.now(UTC).replace(microsecond=0)
        load(bootstrap, topic_prefix, events)
        assert banner in page()
        since = console.unchecked_since
        assert since is not None
        assert before <= since <= datetime.now(UTC)
        subject.start()
        subject.wait_ready()
        wait_until(is_read)
        assert banner not in page()


def test_a_transaction_leaves_nothing_that_waits_but_what_it_said(
    kafka_bootstrap: str, topic_prefix: str
) -> None:
    """Behind each lies a marker; while one is open, nobody can read what it says."""
    topic = f"{topic_prefix}orders"
    create_topics(kafka_bootstrap, {topic: 1})
    settings = Settings(
        bootstrap_servers=kafka_bootstrap, topic_prefix=topic_prefix, group_id=topic_prefix
    )
    group = KafkaGroup(settings)

    def is_answered() -> bool:
        # A new broker makes its topic of offsets when the first group asks for it.
        with suppress(TransientError):
            return group.committed() == {}
        return False

    def waits() -> bool:
        return group.first_unread(group.committed()) is not None

    async def say() -> None:
        client = {"bootstrap_servers": kafka_bootstrap, "transactional_id": topic_prefix}
        async with AIOKafkaProducer(**client) as producer:
            await producer.begin_transaction()
            await producer.send_and_wait(topic, b"{}", partition=0)
            assert not await asyncio.to_thread(waits)
            await producer.commit_transaction()
            assert await asyncio.to_thread(waits)
            with closing(clients.admin(settings)) as admin:
                read = {TopicPartition(topic, 0): OffsetAndMetadata(1, "", -1)}
                admin.alter_group_offsets(topic_prefix, read)
            assert not await asyncio.to_thread(waits)
            await producer.begin_transaction()
            await producer.send_and_wait(topic, b"{}", partition=0)
            await producer.abort_transaction()
            assert not await asyncio.to_thread(waits)

    wait_until(is_answered)
    asyncio.run(say())
