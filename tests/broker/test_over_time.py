"""What happens to a pipeline between two starts: settings that must not change, and topics that did.

Each ends a worker with 2 before it says anything, and goes on once that is put right.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.structs import OffsetAndMetadata

from schemas.topics import BUYER_TOPICS
from streams.detect.partition import SUBJECTS
from streams.kafka import clients, topics
from streams.runtime.origin import FORMAT, ORIGIN_KEY, Origin
from streams.settings import Settings
from tests.topic_io import Message, produce, read_to_end
from tests.workers import Worker, expected, load, settled, simulated, truth, worker

STATE_TOPICS = ("buyer-state", "subject-state")


@contextmanager
def _half_read(bootstrap: str, prefix: str, tmp_path: Path) -> Iterator[tuple[Worker, list[bytes]]]:
    """A worker that has read half of a history and was stopped; with the lines of the other half."""
    events = simulated(tmp_path / "events.jsonl", 3_000)
    lines = events.read_bytes().splitlines()
    half = tmp_path / "half.jsonl"
    half.write_bytes(b"\n".join(lines[: len(lines) // 2]) + b"\n")
    with worker(bootstrap, prefix, tmp_path) as subject:
        # Where half a history ends, payments are missing: of one partition enough of them to look silent.
        subject.variables["ORDERWATCH_SILENCE_MIN_BUYERS"] = "1000000"
        subject.start()
        load(bootstrap, prefix, half.read_bytes().splitlines())
        settled(subject, expected(truth(half)))
        subject.wait_for(lambda: subject.metric("orderwatch_consumer_lag_records") == 0, "its end")
        assert subject.stop() == 0
        yield subject, lines[len(lines) // 2 :]


def _refused(subject: Worker) -> str:
    """Why it ends with 2, having said nothing."""
    said = len(subject.alerts())
    subject.start()
    assert subject.process is not None
    assert subject.process.wait(60) == 2
    assert len(subject.alerts()) == said
    return subject.log.read_text(encoding="utf-8").splitlines()[-1]


def _owned(subject: Worker) -> dict[str, int] | None:
    """How many partitions it has, by stage; None while it is not ready."""
    status, body = subject.get("/readyz")
    return json.loads(body)["partitions"] if status == 200 else None


def _admin(subject: Worker) -> closing[KafkaAdminClient]:
    return closing(clients.admin(subject.settings))


def _read_from_the_beginning(subject: Worker, *topics: str) -> None:
    """As `kafka-consumer-groups.sh --reset-offsets --to-earliest` does."""
    tps = [
        TopicPartition(subject.prefix + topic, number) for topic in topics for number in range(4)
    ]
    with _admin(subject) as admin:
        begins = {tp: OffsetAndMetadata(at, "", -1) for tp, at in _begins(subject, tps).items()}
        admin.alter_group_offsets(subject.variables["ORDERWATCH_GROUP_ID"], begins)


def _are_gone(subject: Worker) -> bool:
    with _admin(subject) as admin:
        return not {subject.prefix + topic for topic in STATE_TOPICS} & set(admin.list_topics())


def _begins(subject: Worker, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
    with closing(clients.consumer(subject.settings)) as client:
        return dict(client.beginning_offsets(tps))


@pytest.mark.parametrize(
    ("variable", "other", "named"),
    [
        ("ORDERWATCH_TENANT", "another", "was written for the tenant 'default'"),
        ("ORDERWATCH_IDENTITY_KEY", "another key of enough bytes", "another identity key"),
    ],
)
def test_what_names_alerts_or_accounts_stays_as_it_was(
    kafka_bootstrap: str, topic_prefix: str, tmp_path: Path, variable: str, other: str, named: str
) -> None:
    with _half_read(kafka_bootstrap, topic_prefix, tmp_path) as (subject, rest):
        before = dict(subject.variables)
        subject.variables[variable] = other
        load(kafka_bootstrap, topic_prefix, rest)
        said = _refused(subject)
        assert named in said
        assert variable in said
        subject.variables = before
        subject.start()
        settled(subject, expected(truth(tmp_path / "events.jsonl")))
        assert subject.stop() == 0


def test_state_of_a_newer_version_is_left_alone(
    kafka_bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    with _half_read(kafka_bootstrap, topic_prefix, tmp_path) as (subject, _):
        newer = msgspec.json.encode(Origin(FORMAT + 1, "default"))
        message = Message(newer, ORIGIN_KEY.encode(), 0)
        produce(kafka_bootstrap, f"{topic_prefix}buyer-state", [message])
        said = _refused(subject)
        assert f"{topic_prefix}buyer-state[0] was written by another version of orderwatch" in said
        assert f"in format {FORMAT + 1}; this version reads 1 and {FORMAT}" in said


def test_state_of_the_format_before_is_gone_on_from_and_refused_by_who_knows_only_that(
    kafka_bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    with _half_read(kafka_bootstrap, topic_prefix, tmp_path) as (subject, rest):
        before = Message(_origin(subject).replace(b'"format":2', b'"format":1'), b"@origin", 0)
        produce(kafka_bootstrap, f"{topic_prefix}buyer-state", [before])
        assert _origin(subject) == before.value
        load(kafka_bootstrap, topic_prefix, rest)
        subject.start()
        settled(subject, expected(truth(tmp_path / "events.jsonl")))
        assert subject.stop() == 0
        assert msgspec.json.decode(_origin(subject), type=Origin).format == FORMAT


def _origin(subject: Worker) -> bytes:
    """What stands in the first partition of buyers about its origin."""
    found = read_to_end(subject.bootstrap, f"{subject.prefix}buyer-state")
    said = [r.value for r in found if r.key == b"@origin" and r.partition == 0]
    assert said[-1] is not None
    return said[-1]


def test_what_was_deleted_unread_is_told_before_anything_is_concluded_from_its_silence(
    kafka_bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    with _half_read(kafka_bootstrap, topic_prefix, tmp_path) as (subject, rest):
        load(kafka_bootstrap, topic_prefix, rest)
        payments = [line for line in rest if line.startswith(b'{"topic":"payments"')]
        assert payments
        with _admin(subject) as admin:
            tps = [TopicPartition(f"{topic_prefix}payments", number) for number in range(4)]
            admin.delete_records(dict.fromkeys(tps, -1))
        said = _refused(subject)
        assert f"records were deleted before group {topic_prefix}worker had read them" in said
        assert f"{topic_prefix}payments[0] " in said
        assert "What was deleted unread" in said
        # The shop sends them again, and only then is the gap passed over.
        load(kafka_bootstrap, topic_prefix, payments)
        _read_from_the_beginning(subject, "payments")
        subject.start()
        settled(subject, expected(truth(tmp_path / "events.jsonl")))
        assert subject.stop() == 0


def test_state_that_was_lost_is_rebuilt_and_not_begun_anew(
    kafka_bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    with _half_read(kafka_bootstrap, topic_prefix, tmp_path) as (subject, rest):
        with _admin(subject) as admin:
            admin.delete_topics([topic_prefix + topic for topic in STATE_TOPICS])
        subject.wait_for(lambda: _are_gone(subject), "the end of the topics")
        subject.create_topics()
        said = _refused(subject)
        assert f"{topic_prefix}buyer-state is empty" in said
        assert "Rebuilding the state" in said
        _read_from_the_beginning(subject, *BUYER_TOPICS, *SUBJECTS.topics)
        # What was said before may have taken more revisions, and then hides what is said anew:
        # docs/operations.md.
        subject.forget()
        subject.start()
        # Before the rest comes: what was published is not known, so what was not said anew by then would
        # never be taken back.
        settled(subject, expected(truth(tmp_path / "half.jsonl")))
        load(kafka_bootstrap, topic_prefix, rest)
        settled(subject, expected(truth(tmp_path / "events.jsonl")))
        assert subject.stop() == 0


@pytest.mark.parametrize("transport", ["batch", "plain"])
def test_what_ends_a_transaction_is_no_record_that_was_deleted_unread(
    kafka_bootstrap: str, topic_prefix: str, tmp_path: Path, transport: str
) -> None:
    """Behind its records lies a marker, and behind that what was taken back: neither is ever read."""
    topic = f"{topic_prefix}payments"
    tp = TopicPartition(topic, 0)

    async def pay() -> None:
        client = {"bootstrap_servers": kafka_bootstrap, "transactional_id": topic_prefix}
        async with AIOKafkaProducer(**client) as producer:
            await producer.begin_transaction()
            await producer.send_and_wait(topic, b"{}", partition=0)
            await producer.commit_transaction()
            await producer.begin_transaction()
            await producer.send_and_wait(topic, b"{}", partition=0)
            await producer.abort_transaction()

    with worker(kafka_bootstrap, topic_prefix, tmp_path, ORDERWATCH_TRANSPORT=transport) as subject:
        subject.start()
        asyncio.run(pay())
        subject.wait_for(lambda: subject.metric("orderwatch_records_total") == 1, "a record")
        group = subject.variables["ORDERWATCH_GROUP_ID"]
        with _admin(subject) as admin:

            def is_read() -> bool:
                found = admin.list_group_offsets(group)[group].get(tp)
                return found is not None and found.offset == 4

            subject.wait_for(is_read, "the end of the partition")
            assert subject.stop() == 0
            admin.delete_records({tp: -1})
        assert _begins(subject, [tp]) == {tp: 4}
        subject.start()
        subject.wait_ready()
        assert subject.stop() == 0


def test_a_partition_of_which_only_a_skipped_record_is_known_has_no_state_to_lose(
    kafka_bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    """As docs/operations.md has it for a record that stops every worker."""
    with worker(kafka_bootstrap, topic_prefix, tmp_path) as subject:
        produce(kafka_bootstrap, f"{topic_prefix}orders", [Message(b"{}", b"s:b", 0)])
        subject.start()
        subject.wait_for(lambda: subject.metric("orderwatch_records_total") == 1, "a record")
        assert subject.stop() == 0
        skipped = TopicPartition(f"{topic_prefix}orders", 1)
        produce(kafka_bootstrap, skipped.topic, [Message(b"{}", b"s:b", 1)])
        with _admin(subject) as admin:
            group = subject.variables["ORDERWATCH_GROUP_ID"]
            admin.alter_group_offsets(group, {skipped: OffsetAndMetadata(1, "", -1)})
        subject.start()
        subject.wait_ready()
        assert subject.stop() == 0


def test_a_worker_that_reads_nothing_of_topics_notices_as_well_that_they_were_deleted(
    kafka_bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Who fetches from them is told; who does not has to ask, and would take over a shop without orders."""
    folders = tmp_path / "first", tmp_path / "spare"
    for folder in folders:
        folder.mkdir()
    one = {"ORDERWATCH_PARTITIONS": "1"}
    patience = {"ORDERWATCH_STALL_TIMEOUT_S": "4"}
    spare = Worker(kafka_bootstrap, topic_prefix, folders[1], **one, **patience)
    first = Worker(kafka_bootstrap, topic_prefix, folders[0], **one)
    with closing(first), closing(spare):
        topics.apply(
            Settings(bootstrap_servers=kafka_bootstrap, topic_prefix=topic_prefix, partitions=1)
        )
        first.start()
        first.wait_for(lambda: _owned(first) == {"buyer": 1, "subject": 1}, "all partitions")
        spare.start()
        spare.wait_for(lambda: _owned(spare) == {"buyer": 0, "subject": 0}, "no partition")
        with _admin(first) as client:
            client.delete_topics([f"{topic_prefix}{topic}" for topic in ("orders", "reviews")])
        assert spare.process is not None
        assert spare.process.wait(60) == 2
        last = spare.log.read_text(encoding="utf-8").splitlines()[-1]
        assert f"no longer has {topic_prefix}orders, {topic_prefix}reviews" in last
