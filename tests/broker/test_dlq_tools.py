"""produce, tail and the dead-letter tools on both brokers, byte for byte."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from kafka.partitioner import murmur2

from streams.cli import doctor, main, tail
from streams.errors import ConfigurationError, TransientError
from streams.kafka import clients, deadletters, produce, resend, topics
from streams.replay.pacing import epoch_ms
from streams.replay.run import Plan, run
from streams.settings import Settings
from tests import topic_io
from tests.topic_io import Message, Record

MIB = 1024 * 1024
AT = datetime(2026, 11, 11, 12, 0, 0, 250_000, tzinfo=UTC)


def _nothing(records: int, share: float | None = None) -> None:
    pass


def _event(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "event_id": f"e{number}",
        "schema_version": 1,
        "type": "finished",
        "occurred_at": AT.isoformat(),
        "shop_id": "s1",
        "buyer_id": f"b{number}",
        "order_id": f"o{number}",
        **changes,
    }


@pytest.fixture
def settings(bootstrap: str, topic_prefix: str) -> Settings:
    made = Settings(
        bootstrap_servers=bootstrap,
        topic_prefix=topic_prefix,
        partitions=3,
        web_port=1,
        inbox_port=1,
    )
    topics.apply(made)
    return made


def _read(settings: Settings, topic: str) -> list[Record]:
    return topic_io.read_to_end(settings.bootstrap_servers, settings.topic_prefix + topic)


def _produce(
    settings: Settings, path: Path, lines: list[dict[str, Any]], **plan: Any
) -> produce.Sent:
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return produce.produce(settings, produce.Plan([str(path)], **plan), _nothing)


def _letter(number: int, **parts: Any) -> Message:
    source = parts.get("topic", "orders")
    headers = deadletters.headers(parts.get("reason", "wrong_key"), "why", source, 0, number, AT)
    return Message(
        value=parts.get("value", json.dumps(_event(number)).encode()),
        key=parts.get("key", b"wrong"),
        headers=tuple(headers),
    )


def _bury(settings: Settings, *letters: Message) -> None:
    topic = settings.topic_prefix + deadletters.TOPIC
    topic_io.produce(settings.bootstrap_servers, topic, letters, max_bytes=4 * MIB)


# produce


def test_events_arrive_with_key_partition_and_time(settings: Settings, tmp_path: Path) -> None:
    lines = [{"topic": "orders", "value": _event(n)} for n in range(20)]
    sent = _produce(settings, tmp_path / "e.jsonl", lines)
    assert (sent.records, sent.bad) == (20, 0)
    records = _read(settings, "orders")
    assert {record.key for record in records} == {f"s1:b{n}".encode() for n in range(20)}
    for record in records:
        assert record.timestamp_ms == int(AT.timestamp() * 1000)
        # As Java does it: the positive part of murmur2, modulo the number of partitions.
        assert record.partition == (murmur2(record.key) & 0x7FFFFFFF) % 3


def test_invalid_line_stops_and_what_was_before_it_has_arrived(
    settings: Settings, tmp_path: Path
) -> None:
    lines = [{"topic": "orders", "value": _event(1)}, {"topic": "orders", "value": {}}]
    with pytest.raises(produce.LineRefusedError, match=r"e\.jsonl:2: missing_field.*1 records"):
        _produce(settings, tmp_path / "e.jsonl", lines)
    assert len(_read(settings, "orders")) == 1


def test_bad_input_is_sent_byte_for_byte_on_request(settings: Settings, tmp_path: Path) -> None:
    lines = [
        {"topic": "orders", "raw": "not json", "key": "k"},
        {"topic": "orders", "raw_base64": "/wA=", "key": "k"},
        {"topic": "orders", "value": _event(1), "key": "k"},
    ]
    sent = _produce(settings, tmp_path / "e.jsonl", lines, allow_bad=True)
    assert (sent.records, sent.bad) == (3, 3)
    values = [record.value for record in _read(settings, "orders")]
    assert values == [b"not json", b"\xff\x00", json.dumps(_event(1)).encode()]


def test_topic_that_does_not_exist_is_not_created(settings: Settings, tmp_path: Path) -> None:
    elsewhere = settings.model_copy(update={"topic_prefix": settings.topic_prefix + "x-"})
    with pytest.raises(ConfigurationError, match="orderwatch topics apply"):
        _produce(elsewhere, tmp_path / "e.jsonl", [{"topic": "orders", "value": _event(1)}])
    assert {row.action for row in topics.listing(elsewhere)} == {"missing"}


def test_an_event_of_the_future_is_refused_and_stamping_it_now_is_said_to_be_no_cure(
    kafka_bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    settings = Settings(bootstrap_servers=kafka_bootstrap, topic_prefix=topic_prefix)
    topics.apply(settings)
    ahead = _event(1, occurred_at=(datetime.now(UTC) + timedelta(days=2)).isoformat())
    lines = [{"topic": "orders", "value": ahead}]
    with pytest.raises(produce.LineRefusedError) as refused:
        _produce(settings, tmp_path / "e.jsonl", lines)
    said = str(refused.value)
    assert "e.jsonl:1: refused by the broker for its time, which is 48.0 h ahead" in said
    assert "--stamp-now is no cure" in said
    # The broker takes it then, and the worker does not.
    sent = _produce(settings, tmp_path / "e.jsonl", lines, stamp_now=True)
    assert (sent.records, sent.ahead) == (1, 1)
    assert "dead letters of them (future_time)" in sent.summary()
    assert _produce(settings, tmp_path / "e.jsonl", lines, check=True).ahead == 1
    present = [{"topic": "orders", "value": _event(1, occurred_at=datetime.now(UTC).isoformat())}]
    assert "future_time" not in _produce(settings, tmp_path / "e.jsonl", present).summary()


def test_the_line_that_was_refused_is_named_and_no_other_of_its_batch(
    kafka_bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    settings = Settings(bootstrap_servers=kafka_bootstrap, topic_prefix=topic_prefix)
    topics.apply(settings)
    same = {"buyer_id": "b1"}
    ahead = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    values = [_event(n, **same) for n in range(20)]
    values[12] |= {"occurred_at": ahead}
    with pytest.raises(produce.LineRefusedError, match=r"e\.jsonl:13: .* 48\.0 h ahead"):
        _produce(settings, tmp_path / "e.jsonl", [{"topic": "orders", "value": v} for v in values])


@pytest.mark.parametrize("stamp_now", [True, False])
def test_where_the_present_is_refused_a_clock_is_wrong_and_no_line(
    kafka_bootstrap: str, topic_prefix: str, tmp_path: Path, stamp_now: bool
) -> None:
    settings = _taking_no_time(kafka_bootstrap, topic_prefix)
    at = datetime.now(UTC) - timedelta(minutes=1)
    # The first may arrive in the millisecond in which it is dated; the others wait for it.
    lines = [
        {"topic": "orders", "value": _event(n, occurred_at=at.isoformat())} for n in range(1000)
    ]
    with pytest.raises(TransientError, match="Set the clock of this machine") as refused:
        _produce(settings, tmp_path / "e.jsonl", lines, stamp_now=stamp_now)
    assert "stamp-now" not in str(refused.value)


def test_an_old_event_that_is_refused_can_be_stamped_with_the_present(
    kafka_bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    settings = _taking_no_time(kafka_bootstrap, topic_prefix)
    at = datetime.now(UTC) - timedelta(hours=10)
    lines = [{"topic": "orders", "value": _event(1, occurred_at=at.isoformat())}]
    with pytest.raises(produce.LineRefusedError, match=r"10\.0 h ago; --stamp-now dates it"):
        _produce(settings, tmp_path / "e.jsonl", lines)


def _taking_no_time(bootstrap: str, prefix: str) -> Settings:
    """Its topic of orders takes no time, being too old; others take none of a clock that runs ahead."""
    settings = Settings(bootstrap_servers=bootstrap, topic_prefix=prefix)
    name = f"{prefix}orders"
    refusing = {name: {"message.timestamp.before.max.ms": "0"}}
    topic_io.create_topics(bootstrap, {name: settings.partitions}, refusing)
    topics.apply(settings)
    return settings


def test_old_events_are_sent_with_a_warning(settings: Settings, tmp_path: Path) -> None:
    old = [{"topic": "orders", "value": _event(1, occurred_at="2012-11-11T00:00:00Z")}]
    sent = _produce(settings, tmp_path / "e.jsonl", old)
    assert "--stamp-now" in sent.summary()
    assert (
        "--stamp-now" not in _produce(settings, tmp_path / "e.jsonl", old, stamp_now=True).summary()
    )


def _padded(number: int, size: int) -> bytes:
    """A valid event of so many bytes."""
    body = json.dumps(_event(number)).encode()
    return body[:-1] + b" " * (size - len(body)) + b"}"


def test_a_record_as_large_as_allowed_is_sent_and_a_larger_one_is_named(
    settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "e.jsonl"
    path.write_bytes(_padded(1, settings.max_record_bytes) + b"\n" + _padded(2, 3 * MIB))
    plan = produce.Plan([str(path)], topic="orders", allow_bad=True)
    with pytest.raises(produce.LineRefusedError) as refused:
        produce.produce(settings, plan, _nothing)
    said = str(refused.value)
    assert f"{path}:2: the value has {3 * MIB} bytes" in said
    assert "ORDERWATCH_MAX_RECORD_BYTES = 1048576" in said
    assert "1 records before it were sent" in said
    assert "stamp-now" not in said
    assert len(_read(settings, "orders")) == 1


def test_a_record_that_the_topic_does_not_take_names_its_limit(
    kafka_bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    settings = Settings(
        bootstrap_servers=kafka_bootstrap, topic_prefix=topic_prefix, max_record_bytes=8 * MIB
    )
    topics.apply(settings)
    path = tmp_path / "e.jsonl"
    # Within the topic's limit by itself, but not with its key and its batch.
    path.write_bytes(_padded(1, 4 * MIB))
    with pytest.raises(produce.LineRefusedError) as refused:
        produce.produce(settings, produce.Plan([str(path)], topic="orders"), _nothing)
    assert "max.message.bytes of the topic orders" in str(refused.value)
    assert "stamp-now" not in str(refused.value)


# tail


def test_tail_shows_all_from_the_beginning_masked(settings: Settings, tmp_path: Path) -> None:
    chat = _event(1, type="message", chat_id="c", sender="buyer", channel="qq", text="13812345678")
    _produce(settings, tmp_path / "e.jsonl", [{"topic": "chats", "value": chat}])
    view = tail.View("chats", follow=False)
    (line,) = tail.lines(settings, view)
    assert "138*****678" in line.text
    (raw,) = tail.lines(settings, tail.View("chats", follow=False, raw=True, as_json=True))
    assert json.loads(raw.text)["value"] == chat


def test_tail_shows_what_is_from_a_span_of_time_as_replay_reads_it(
    settings: Settings, tmp_path: Path
) -> None:
    times = [datetime(2026, 11, day, tzinfo=UTC) for day in (1, 2, 3, 4)]
    records = [
        Message(json.dumps(_event(number)).encode(), b"shop1:b1", 0, (), epoch_ms(at))
        for number, at in enumerate(times, 1)
    ]
    name = clients.topic_name(settings, "orders")
    topic_io.produce(settings.bootstrap_servers, name, records)
    view = tail.View("orders", follow=False, raw=True, as_json=True, since=times[1], until=times[3])
    shown = [line.text for line in tail.lines(settings, view)]
    assert [json.loads(line)["value"]["event_id"] for line in shown] == ["e2", "e3"]
    (tmp_path / "e.jsonl").write_text("\n".join(shown), encoding="utf-8")
    replayed = run(settings, Plan([str(tmp_path / "e.jsonl")]), _nothing)
    assert replayed.report.events["orders"] == 2
    with pytest.raises(ConfigurationError, match="add --no-follow"):
        tail.lines(settings, tail.View("orders", since=times[0]))
    # Of times below zero a broker makes something else.
    all_of_it = tail.View("orders", follow=False, since=datetime(1969, 12, 31, tzinfo=UTC))
    assert len(list(tail.lines(settings, all_of_it))) == len(times)


def test_tail_follows_from_now_on(settings: Settings, tmp_path: Path) -> None:
    _produce(settings, tmp_path / "old.jsonl", [{"topic": "orders", "value": _event(1)}])
    seen: list[str] = []
    view = tail.View("orders", limit=1)
    reader = threading.Thread(
        target=lambda: seen.extend(line.text for line in tail.lines(settings, view)), daemon=True
    )
    reader.start()
    deadline = time.monotonic() + 30
    number = 2
    # The reader cannot say when it has found the end, so events are sent until it saw one.
    while reader.is_alive() and time.monotonic() < deadline:
        _produce(settings, tmp_path / "new.jsonl", [{"topic": "orders", "value": _event(number)}])
        number += 1
        reader.join(0.2)
    assert len(seen) == 1
    assert '"event_id": "e1"' not in seen[0]


def test_alerts_topic_with_something_else_on_it_is_still_shown(settings: Settings) -> None:
    topic_io.produce(
        settings.bootstrap_servers, settings.topic_prefix + "alerts", [Message(b"[1]", b"k")]
    )
    (line,) = tail.lines(settings, tail.View(follow=False))
    assert line.text.endswith("k [1]")


def test_unknown_topic_names_the_known_ones(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="alerts"):
        tail.lines(settings, tail.View("nope"))


# dead letters


def test_letters_go_back_with_their_bytes_once(settings: Settings) -> None:
    _bury(settings, _letter(1, value=b"\xff\x00"), _letter(2))
    first = resend.replay(settings, resend.Selection())
    assert (len(first.sent), first.failed) == (2, [])
    assert {(r.key, r.value) for r in _read(settings, "orders")} == {
        (b"wrong", b"\xff\x00"),
        (b"wrong", json.dumps(_event(2)).encode()),
    }
    second = resend.replay(settings, resend.Selection())
    assert (second.sent, second.failed, second.left) == ([], [], 0)
    assert len(_read(settings, "orders")) == 2
    assert all(letter.is_replayed for letter in deadletters.read(settings).letters)


def test_what_was_skipped_stays_replayable(settings: Settings) -> None:
    _bury(
        settings,
        _letter(1, reason="empty"),
        _letter(2),
        _letter(3, topic="refunds"),
        _letter(4),
    )
    assert len(resend.replay(settings, resend.Selection(reason="empty")).sent) == 1
    limited = resend.replay(settings, resend.Selection(topic="orders", limit=1))
    assert (len(limited.sent), limited.left) == (1, 1)
    assert len(resend.replay(settings, resend.Selection()).sent) == 2
    assert len(_read(settings, "orders")) == 3
    assert len(_read(settings, "refunds")) == 1


def test_rekey_takes_the_key_from_the_body_or_leaves_the_letter(settings: Settings) -> None:
    _bury(settings, _letter(1), _letter(2, value=b"not json"))
    outcome = resend.replay(settings, resend.Selection(rekey=True))
    assert len(outcome.sent) == 1
    assert "no key in the body" in outcome.failed[0][1]
    assert [record.key for record in _read(settings, "orders")] == [b"s1:b1"]
    waiting = [letter for letter in deadletters.read(settings).letters if not letter.is_replayed]
    assert [letter.offset for letter in waiting] == ["2"]


def test_letter_for_a_topic_that_is_none_stays(settings: Settings) -> None:
    _bury(settings, _letter(1, topic="dead-letters"), _letter(2, topic="../etc"))
    outcome = resend.replay(settings, resend.Selection())
    assert outcome.sent == []
    assert len(outcome.failed) == 2


@pytest.mark.parametrize("name", ["control", "actions", "alerts"])
def test_a_letter_commands_nothing_whatever_its_header_says(settings: Settings, name: str) -> None:
    """Whoever may write dead letters may not thereby move the kill switch."""
    _bury(settings, _letter(1, topic=name))
    outcome = resend.replay(settings, resend.Selection())
    assert (outcome.sent, len(outcome.failed)) == ([], 1)
    assert _read(settings, name) == []


def test_topic_name_in_the_header_may_have_the_prefix(settings: Settings) -> None:
    _bury(settings, _letter(1, topic=f"{settings.topic_prefix}orders"))
    assert len(resend.replay(settings, resend.Selection()).sent) == 1


def test_dry_run_sends_and_marks_nothing(settings: Settings) -> None:
    _bury(settings, _letter(1))
    assert len(resend.replay(settings, resend.Selection(), dry_run=True).sent) == 1
    assert _read(settings, "orders") == []
    assert not deadletters.read(settings).letters[0].is_replayed


def test_a_letter_that_is_still_too_large_stays_and_says_what_to_raise(settings: Settings) -> None:
    _bury(settings, _letter(1, reason="too_large", value=_padded(1, 3 * MIB)), _letter(2))
    for dry_run in (True, False):
        outcome = resend.replay(settings, resend.Selection(), dry_run=dry_run)
        assert [letter.offset for letter in outcome.sent] == ["2"]
        ((letter, why),) = outcome.failed
        assert (letter.offset, letter.is_replayed) == ("1", False)
        assert f"the value has {3 * MIB} bytes" in why
        assert "ORDERWATCH_MAX_RECORD_BYTES = 1048576" in why
    raised = settings.model_copy(update={"max_record_bytes": 3 * MIB})
    assert len(resend.replay(raised, resend.Selection(reason="too_large")).sent) == 1


def test_more_letters_than_a_chunk(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resend, "CHUNK", 3)
    _bury(settings, *(_letter(n) for n in range(8)))
    assert len(resend.replay(settings, resend.Selection()).sent) == 8
    assert len(_read(settings, "orders")) == 8
    assert all(letter.is_replayed for letter in deadletters.read(settings).letters)


def test_a_crash_before_the_markers_sends_a_chunk_again_and_loses_none(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resend, "CHUNK", 3)
    mark, chunks = resend._mark, iter(range(2))

    def crash_at_the_second(client: Any, delivered: list[deadletters.DeadLetter]) -> None:
        if next(chunks) == 1:
            raise KeyboardInterrupt
        mark(client, delivered)

    _bury(settings, *(_letter(n) for n in range(8)))
    with monkeypatch.context() as crash, pytest.raises(KeyboardInterrupt):
        crash.setattr(resend, "_mark", crash_at_the_second)
        resend.replay(settings, resend.Selection())
    assert len(resend.replay(settings, resend.Selection()).sent) == 5
    values = [record.value for record in _read(settings, "orders")]
    assert (len(values), len(set(values))) == (8 + 3, 8)
    assert all(letter.is_replayed for letter in deadletters.read(settings).letters)


def test_letter_is_found_by_its_position(settings: Settings) -> None:
    _bury(settings, _letter(1), _letter(2))
    assert deadletters.find(settings, "0:1").offset == "2"


def test_commands_tell_the_same_story(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ORDERWATCH_TOPIC_PREFIX", settings.topic_prefix)
    dlq = ["-b", settings.bootstrap_servers, "dlq"]
    assert main([*dlq, "list"]) == 0
    assert capfd.readouterr().out == "No dead letters.\n"
    _bury(settings, _letter(1), _letter(2, value=b"\x1b[31m13812345678"))
    assert main([*dlq, "list"]) == 0
    assert "wrong_key" in capfd.readouterr().out
    assert main([*dlq, "show", "0:1"]) == 0
    shown = capfd.readouterr().out
    assert "\\x1b[31m138*****678" in shown
    assert main([*dlq, "replay", "--rekey"]) == 1
    assert "1 dead letters sent back" in capfd.readouterr().out
    assert main([*dlq, "list", "--json"]) == 0
    rows = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert {row["position"]: row["event_id"] for row in rows[1:]} == {"0:0": "e1", "0:1": None}
    assert rows[0] == {"topic": "orders", "reason": "wrong_key", "count": 2, "waiting": 1}
    assert {row["position"]: row["replayed"] for row in rows[1:]} == {"0:0": True, "0:1": False}


# doctor


def test_event_from_the_future_is_a_clock_that_is_wrong(
    kafka_bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    settings = Settings(
        bootstrap_servers=kafka_bootstrap, topic_prefix=topic_prefix, web_port=1, inbox_port=1
    )
    topics.apply(settings)

    def check() -> doctor.Check:
        return _check(settings, "event times")

    now = datetime.now(UTC)
    _produce(settings, tmp_path / "e.jsonl", [{"topic": "orders", "value": _event(1)}])
    assert check().status == "ok"
    ahead = _event(2, occurred_at=(now + timedelta(minutes=40)).isoformat())
    _produce(settings, tmp_path / "e.jsonl", [{"topic": "orders", "value": ahead}])
    assert check().status == "failed"
    assert f"{settings.topic_prefix}orders[" in check().found


def _check(settings: Settings, name: str) -> doctor.Check:
    return next(check for check in doctor.examine(settings) if check.name == name)


def _told_now(number: int, **changes: Any) -> dict[str, Any]:
    return _event(number, occurred_at=datetime.now(UTC).isoformat(), **changes)


def test_doctor_tells_what_of_the_input_is_missing(settings: Settings, tmp_path: Path) -> None:
    nothing = _check(settings, "input")
    assert nothing.status == "skipped"
    assert "no orders yet" in nothing.found
    path = tmp_path / "e.jsonl"
    orders = [{"topic": "orders", "value": _told_now(n)} for n in range(9)]
    _produce(settings, path, orders)
    alone = _check(settings, "input")
    assert alone.status == "warning"
    assert "no payments: every order looks unpaid, D01" in alone.found
    assert "no shipments" in alone.found
    paid = {"type": "failed", "payment_id": "p", "method": "card"}
    _produce(settings, path, [{"topic": "payments", "value": _told_now(20, **paid)}])
    paid_for = _check(settings, "input")
    assert paid_for.status == "warning"
    assert "payments" not in paid_for.found
    left = {"type": "shipped", "shipment_id": "x", "carrier": "sf", "tracking_no": "1"}
    _produce(settings, path, [{"topic": "shipments", "value": _told_now(30, **left)}])
    assert _check(settings, "input").status == "ok"


def test_doctor_tells_where_disputes_come_and_nobody_said_how_many_orders_there_are(
    settings: Settings, tmp_path: Path
) -> None:
    assert _check(settings, "disputes").found == "none of the last 30 days"
    opened = {"type": "opened", "dispute_id": "d", "reason": "quality"}
    disputes = [_told_now(n, **opened) | {"shop_id": f"shop-{n % 2}"} for n in range(4)]
    _produce(
        settings,
        tmp_path / "e.jsonl",
        [{"topic": "disputes", "value": value} for value in disputes],
    )
    unknown = _check(settings, "disputes")
    assert (unknown.status, unknown.found[-14:]) == ("warning", "shop-0, shop-1")
    assert "orders_per_window" in unknown.cure
    rules = tmp_path / "rules.yaml"
    shipped = files("streams.detect").joinpath("rules.yaml").read_text(encoding="utf-8")
    counted = "\nshops:\n  shop-0: {D31: {orders_per_window: 900}}\n"
    rules.write_text(shipped + counted, encoding="utf-8")
    one = _check(settings.model_copy(update={"rules_path": rules}), "disputes")
    assert one.found.endswith(": shop-1")
    rules.write_text(f"{shipped}{counted}  shop-1: {{D31: {{orders_per_window: 9}}}}\n", "utf-8")
    assert _check(settings.model_copy(update={"rules_path": rules}), "disputes").status == "ok"
    others = settings.model_copy(update={"detectors": "D01"})
    assert _check(others, "disputes").found == "D31 does not run"


def test_doctor_tells_of_dead_letters_until_they_are_sent_back(settings: Settings) -> None:
    assert _check(settings, "dead letters").found == "none waits of the last 24 hours"
    _bury(settings, _letter(1), _letter(2), _letter(3, reason="empty", topic="refunds"))
    waiting = _check(settings, "dead letters")
    assert waiting.status == "warning"
    assert "3 (2 × orders: wrong_key, 1 × refunds: empty)" in waiting.found
    assert len(resend.replay(settings, resend.Selection(topic="orders")).sent) == 2
    assert "1 (1 × refunds: empty)" in _check(settings, "dead letters").found
    resend.replay(settings, resend.Selection())
    assert _check(settings, "dead letters").status == "ok"


@pytest.fixture
def on_kafka(kafka_bootstrap: str, topic_prefix: str) -> Settings:
    """Settings for Apache Kafka, which alone looks up the time of a record."""
    made = Settings(
        bootstrap_servers=kafka_bootstrap, topic_prefix=topic_prefix, web_port=1, inbox_port=1
    )
    topics.apply(made)
    return made


def test_doctor_knows_what_is_old(on_kafka: Settings, tmp_path: Path) -> None:
    days_ago = datetime.now(UTC) - timedelta(days=3)
    old_ms = int(days_ago.timestamp() * 1000)
    _bury(on_kafka, *(_letter(n)._replace(timestamp_ms=old_ms) for n in range(3)))
    old = _check(on_kafka, "dead letters")
    assert old.status == "ok"
    assert "older ones are in `orderwatch dlq list`" in old.found
    past = {"topic": "orders", "value": _event(1, occurred_at=days_ago.isoformat())}
    _produce(on_kafka, tmp_path / "e.jsonl", [past])
    assert "no orders of the last 24 hours" in _check(on_kafka, "input").found


def test_doctor_reads_no_more_than_the_newest_dead_letters(
    on_kafka: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "NEWEST_LETTERS", 3)
    _bury(on_kafka, *(_letter(n, reason="empty") for n in range(5)), *map(_letter, range(3)))
    found = _check(on_kafka, "dead letters").found
    assert "of the newest 3: 3 (3 × orders: wrong_key)" in found
