"""The worker on both brokers and with both transports: what it says is what a replay says."""

from __future__ import annotations

import asyncio
import json
import re
import zlib
from contextlib import closing
from importlib.resources import files
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient
from prometheus_client.parser import text_string_to_metric_families

from schemas.fast import decode_line, key_of
from schemas.fast_types import OrderCreated
from schemas.topics import TOPICS
from streams.detect.detector import find_detectors
from streams.kafka import resend
from streams.runtime.bulk import partition_of
from streams.runtime.flood import FLOOD_WINDOW
from tests.deploy.exported import exported_series
from tests.deploy.test_monitoring import EXPRESSIONS
from tests.docs.pages import ROOT
from tests.topic_io import Message, Record, create_topics, produce, read_until
from tests.workers import (
    Worker,
    expected,
    load,
    settled,
    simulated,
    truth,
    worker,
)


@pytest.mark.parametrize("transport", ["batch", "plain"])
def test_alerts_equal_those_of_a_replay(
    bootstrap: str, topic_prefix: str, tmp_path: Path, transport: str
) -> None:
    events = simulated(tmp_path / "events.jsonl", 6_000)
    report = truth(events)
    assert {alert.detector for alert in report.standing} == {d.id for d in find_detectors()}
    with worker(bootstrap, topic_prefix, tmp_path, ORDERWATCH_TRANSPORT=transport) as subject:
        subject.start()
        load(bootstrap, topic_prefix, events.read_bytes().splitlines())
        settled(subject, expected(report))
        assert subject.stop() == 0


def _payment(event_id: str, **changes: object) -> bytes:
    event = {
        "event_id": event_id,
        "type": "succeeded",
        "schema_version": 1,
        "occurred_at": "2025-03-01T00:00:00Z",
        "shop_id": "shop1",
        "buyer_id": "b1",
        "order_id": "o1",
        "payment_id": "p1",
        "currency": "CNY",
        "amount_minor": 100,
    }
    return json.dumps(event | changes).encode()


BAD = {
    "wrong_type": (_payment("e-wrong", amount_minor="100"), b"shop1:b1"),
    "invalid_json": (b"{", b"shop1:b1"),
    "not_utf8": (b'{"type":"\xff"}', b"shop1:b1"),
    "unknown_event_type": (b'{"type":"exploded"}', b"shop1:b1"),
    "too_large": (b'"' + b"x" * (2 * 1024 * 1024) + b'"', b"shop1:b1"),
}


def test_bad_records_go_to_the_dead_letters_with_their_reason_and_the_rest_goes_on(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    with worker(bootstrap, topic_prefix, tmp_path) as subject:
        subject.start()
        messages = [Message(value, key, 0) for value, key in BAD.values()]
        messages += [
            Message(_payment("e-no-key"), None, 0),
            Message(_payment("e-other-key"), b"shop1:b2", 0),
            Message(_payment("e-future", occurred_at="2099-01-01T00:00:00Z"), b"shop1:b1", 0),
            Message(None, b"shop1:b1", 0),
            Message(_payment("e-good"), b"shop1:b1"),
        ]
        produce(bootstrap, topic_prefix + "payments", messages, max_bytes=4 * 1024 * 1024)
        wanted = {*BAD, "missing_key", "key_mismatch", "future_time", "missing_value"}
        records = read_until(
            bootstrap,
            topic_prefix + "dead-letters",
            enough=lambda found: len(found) >= len(wanted),
        )
        by_reason = {
            dict(record.headers)["orderwatch-reason"].decode(): record for record in records
        }
        assert by_reason.keys() == wanted
        for reason, (value, key) in BAD.items():
            assert (by_reason[reason].value, by_reason[reason].key) == (value, key)
            headers = dict(by_reason[reason].headers)
            assert headers["orderwatch-topic"].decode() == topic_prefix + "payments"
            assert headers["orderwatch-error"]
        subject.wait_for(
            lambda: subject.metric("orderwatch_state_subjects") == 1, "the good record's state"
        )
        assert subject.metric("orderwatch_dead_letters_total") == len(wanted)
        assert subject.stop() == 0


def test_a_bad_record_is_a_dead_letter_however_large_the_topics_let_it_be(
    kafka_bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    large = 6 * 1024 * 1024
    roomy = {"max.message.bytes": str(large + 1024 * 1024)}
    for topic, partitions in (("payments", 4), ("dead-letters", 1)):
        name = topic_prefix + topic
        create_topics(kafka_bootstrap, {name: partitions}, {name: roomy})
    with worker(kafka_bootstrap, topic_prefix, tmp_path) as subject:
        subject.start()
        message = Message(b"{" * large, b"shop1:b1", 0)
        produce(kafka_bootstrap, topic_prefix + "payments", [message], max_bytes=2 * large)
        (letter,) = read_until(
            kafka_bootstrap, topic_prefix + "dead-letters", enough=lambda found: bool(found)
        )
        assert letter.value == message.value
        assert subject.stop() == 0


def test_orders_of_a_producer_with_another_partitioner_go_where_they_belong_by_a_replay(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    """As librdkafka does it by default: believed as they lie, nobody would seem to pay."""
    events = simulated(tmp_path / "events.jsonl", 3_000)
    report = truth(events)
    orders, others = [], []
    for line in events.read_bytes().splitlines():
        _, event = decode_line(line)
        if isinstance(event, OrderCreated):
            key = key_of(event).encode()
            value = line[line.index(b'"value":') + 8 : -1]
            orders.append(Message(value, key, zlib.crc32(key) % 4))
        else:
            others.append(line)
    misplaced = [order for order in orders if order.partition != partition_of(order.key or b"", 4)]
    assert len(misplaced) > len(orders) / 2
    share = {"ORDERWATCH_DEAD_LETTER_MAX_SHARE": "1"}
    with worker(bootstrap, topic_prefix, tmp_path, **share) as subject:
        produce(bootstrap, topic_prefix + "orders", orders)
        load(bootstrap, topic_prefix, others)
        subject.start()
        subject.wait_for(
            lambda: subject.metric("orderwatch_dead_letters_total") == len(misplaced),
            "all that stray",
        )
        selection = resend.Selection(reason="key_mismatch")
        assert len(resend.replay(subject.settings, selection).sent) == len(misplaced)
        settled(subject, expected(report))
        assert subject.stop() == 0


def test_a_flood_of_bad_records_stops_the_worker_before_it_acknowledges_them(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    with worker(bootstrap, topic_prefix, tmp_path) as subject:
        subject.start()
        produce(bootstrap, topic_prefix + "orders", [Message(b"{", b"shop1:b1", 0)] * 1500)
        assert subject.process is not None
        assert subject.process.wait(60) == 3
        assert b"dead_letter_max_share" in subject.log.read_bytes()
        # Whatever was acknowledged came in smaller batches before the one that was too much.
        assert (_committed(subject, "orders") or 0) < FLOOD_WINDOW


def _committed(subject: Worker, topic: str) -> int | None:
    """Up to where the worker's group has acknowledged the first partition of a topic."""
    group = subject.variables["ORDERWATCH_GROUP_ID"]
    reader = KafkaConsumer(
        bootstrap_servers=subject.bootstrap, group_id=group, enable_auto_commit=False
    )
    try:
        offset: int | None = reader.committed(TopicPartition(subject.prefix + topic, 0))
        return offset
    finally:
        reader.close()


@pytest.mark.parametrize("transport", ["batch", "plain"])
def test_what_a_producer_took_back_was_never_said(
    kafka_bootstrap: str, topic_prefix: str, tmp_path: Path, transport: str
) -> None:
    """A transaction that is given up leaves its records in the log, and a marker behind them."""

    async def pay() -> None:
        client = {"bootstrap_servers": kafka_bootstrap, "transactional_id": topic_prefix}
        async with AIOKafkaProducer(**client) as producer:
            for buyer in ("never-paid", "paid"):
                await producer.begin_transaction()
                value = _payment(f"e-{buyer}", buyer_id=buyer)
                topic = f"{topic_prefix}payments"
                await producer.send_and_wait(topic, value, key=f"shop1:{buyer}".encode())
                if buyer == "paid":
                    await producer.commit_transaction()
                else:
                    await producer.abort_transaction()

    with worker(kafka_bootstrap, topic_prefix, tmp_path, ORDERWATCH_TRANSPORT=transport) as subject:
        subject.start()
        subject.wait_ready()
        asyncio.run(pay())
        lag, states = "orderwatch_consumer_lag_records", "orderwatch_state_subjects"
        subject.wait_for(
            lambda: subject.metric(states) > 0 and subject.metric(lag) == 0, "all that was said"
        )
        assert subject.metric(states) == 1
        assert subject.metric("orderwatch_records_total") == 1
        assert subject.stop() == 0


def test_missing_topics_are_a_configuration_error(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    subject = Worker(bootstrap, topic_prefix, tmp_path)
    subject.start()
    assert subject.process is not None
    assert subject.process.wait(60) == 2
    assert b"orderwatch topics apply" in subject.log.read_bytes()


def test_topics_with_other_partition_counts_are_not_to_be_applied_again(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    with worker(bootstrap, topic_prefix, tmp_path, ORDERWATCH_PARTITIONS="6") as subject:
        subject.start()
        assert subject.process is not None
        assert subject.process.wait(60) == 2
        last = subject.log.read_text(encoding="utf-8").splitlines()[-1]
        assert f"{topic_prefix}orders (blocked: has 4 partitions, expected 6)" in last
        assert "Set ORDERWATCH_PARTITIONS to the number that the keyed topics have" in last
        assert "Run `orderwatch topics apply`" not in last


def test_ready_tells_the_truth_and_metrics_are_served(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    with worker(bootstrap, topic_prefix, tmp_path) as subject:
        assert subject.get("/readyz")[0] == 0
        subject.start()
        subject.wait_ready()
        status = json.loads(subject.get("/readyz")[1])
        assert status == {"status": "ready", "partitions": {"buyer": 4, "subject": 4}}
        assert subject.get("/healthz")[0] == 200
        assert "orderwatch_recovering 0.0" in subject.get("/metrics")[1]
        assert subject.stop() == 0


def test_a_change_of_the_rules_file_holds_without_a_restart_unless_it_cannot_be_used(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    shipped = files("streams.detect").joinpath("rules.yaml").read_text("utf-8")
    rules = tmp_path / "rules.yaml"
    rules.write_text(shipped, encoding="utf-8")
    with worker(bootstrap, topic_prefix, tmp_path, ORDERWATCH_RULES_PATH=str(rules)) as subject:
        subject.start()
        subject.wait_ready()
        rules.write_text(
            f"{shipped}\nshops: {{shop1: {{D18: {{windows_s: 1}}}}}}\n", encoding="utf-8"
        )
        subject.wait_for(lambda: subject.metric("orderwatch_rules_refused") == 1, "the refusal")
        assert subject.get("/readyz")[0] == 200
        assert "unknown key 'windows_s'" in subject.log.read_text(encoding="utf-8")
        allow = "{shop1: {allow: [{detectors: [D18], why: tested}]}}"
        rules.write_text(f"{shipped}\nshops: {allow}\n", encoding="utf-8")
        subject.wait_for(lambda: subject.metric("orderwatch_rules_refused") == 0, "the new rules")
        review = {
            "event_id": "e1",
            "type": "posted",
            "schema_version": 1,
            "occurred_at": "2025-03-01T00:00:00Z",
            "shop_id": "shop1",
            "buyer_id": "b1",
            "review_id": "r1",
            "order_id": "o1",
            "rating": "bad",
            "text": "网络兼职日结,加微信 abc12345",
        }
        record = Message(json.dumps(review).encode(), b"shop1:b1")
        produce(bootstrap, f"{topic_prefix}reviews", [record])
        subject.wait_for(
            lambda: any(b'"suppressed_by":"allow: tested"' in alert for alert in subject.alerts()),
            "an alert by the new rules",
        )
        assert subject.stop() == 0


def _told_of_a_late_payment(subject: Worker, bootstrap: str) -> list[Record]:
    """A payment, then one that is three months older; the records on the side topic."""
    before = subject.metric("orderwatch_state_subjects")
    # This key belongs to partition 0 of 4.
    new = Message(_payment("e-new", buyer_id="belated"), b"shop1:belated", 0)
    produce(bootstrap, f"{subject.prefix}payments", [new])
    subject.wait_for(
        lambda: subject.metric("orderwatch_state_subjects") > before, "the state of the new one"
    )
    value = _payment(
        "e-old", buyer_id="belated", payment_id="p0", occurred_at="2024-12-01T00:00:00Z"
    )
    produce(bootstrap, f"{subject.prefix}payments", [Message(value, b"shop1:belated", 0)])
    return read_until(bootstrap, f"{subject.prefix}late", enough=bool)


def test_a_fact_beyond_retention_is_kept_aside_with_where_it_is_from_and_counted(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    with worker(bootstrap, topic_prefix, tmp_path) as subject:
        subject.start()
        (late,) = _told_of_a_late_payment(subject, bootstrap)
        assert late.key == b"shop1:belated"
        assert late.value is not None and json.loads(late.value)["event_id"] == "e-old"
        headers = {name: value.decode() for name, value in late.headers}
        assert headers.keys() == TOPICS["late"].headers.keys()
        assert headers["orderwatch-topic"] == f"{topic_prefix}payments"
        assert (headers["orderwatch-partition"], headers["orderwatch-offset"]) == ("0", "1")
        assert headers["orderwatch-reason"] == "late"
        subject.wait_for(lambda: subject.metric("orderwatch_late_total") == 1, "its counter")
        assert subject.metric("orderwatch_dead_letters_total") == 0
        assert subject.stop() == 0
        assert _committed(subject, "payments") == 2, "it is dealt with, and not read again"


def test_live_metrics_have_every_series_of_the_worker_that_panels_and_rules_ask_for(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    """What the source declares has a sample, with these labels, once events were processed."""
    declared = exported_series(ROOT / "streams" / "runtime")
    asked = " ".join(expression for _, expression in EXPRESSIONS)
    wanted = {name for name in declared if re.search(rf"\b{name}\b", asked)}
    assert len(wanted) > 10
    events = simulated(tmp_path / "events.jsonl", 3_000)
    with worker(bootstrap, topic_prefix, tmp_path) as subject:
        subject.start()
        load(bootstrap, topic_prefix, events.read_bytes().splitlines())
        produce(bootstrap, f"{topic_prefix}payments", [Message(b"{", b"shop1:b1", 0)])
        _told_of_a_late_payment(subject, bootstrap)

        def shown() -> dict[str, set[str]]:
            families = text_string_to_metric_families(subject.get("/metrics")[1])
            return {one.name: set(one.labels) for family in families for one in family.samples}

        subject.wait_for(lambda: wanted <= shown().keys(), f"samples of {sorted(wanted)}")
        found = shown()
        assert {name: found[name] for name in wanted} == {name: declared[name] for name in wanted}
        # The engine of the running worker is watched. Detectors have series before they are asked.
        assert subject.metric("orderwatch_detector_evaluation_seconds_sum") > 0
        assert subject.stop() == 0


def test_a_worker_whose_topic_was_deleted_ends_and_names_it(
    kafka_bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Kafka gives the group what is left, and to wait for the rest looks like having nothing to do."""
    with worker(kafka_bootstrap, topic_prefix, tmp_path, ORDERWATCH_STALL_TIMEOUT_S="3") as subject:
        subject.start()
        subject.wait_ready()
        with closing(KafkaAdminClient(bootstrap_servers=kafka_bootstrap)) as admin:
            admin.delete_topics([f"{topic_prefix}refunds"])
        assert subject.process is not None
        assert subject.process.wait(60) == 2
        last_line = subject.log.read_text().splitlines()[-1]
        assert f"{topic_prefix}refunds" in last_line and "topics apply" in last_line
