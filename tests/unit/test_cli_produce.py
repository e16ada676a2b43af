"""Lines to records: checking, keys, raw bytes, pace."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kafka.producer.sender import Sender

from schemas.fast import Refused, decode_line
from streams.cli import main
from streams.errors import ConfigurationError, TransientError
from streams.kafka import clients, sizes
from streams.kafka import produce as producing
from streams.kafka.produce import outgoing
from streams.replay.pacing import LONGEST_SLEEP_S, Pacer, parse_speed
from streams.settings import Settings

AT = datetime(2026, 11, 11, 12, tzinfo=UTC)
FINISHED = {
    "event_id": "e1",
    "schema_version": 1,
    "type": "finished",
    "occurred_at": AT.isoformat(),
    "shop_id": "s1",
    "buyer_id": "b1",
    "order_id": "o1",
}
EXPECTED = 'expected {"topic": …, "value": {…}}'
UNPRINTABLE = {**FINISHED, "buyer_id": "b\x07"}
LEVEL = {**FINISHED, "type": "level", "item_id": "i1", "on_hand": 3}


def _line(**parts: Any) -> bytes:
    return json.dumps(parts).encode()


def test_key_and_time_follow_from_the_body() -> None:
    record = outgoing(_line(topic="orders", value=FINISHED), "f:1")
    assert (record.topic, record.key, record.occurred_at) == ("orders", b"s1:b1", AT)
    assert record.problem is None


def test_item_events_are_keyed_by_item() -> None:
    assert outgoing(_line(topic="stock", value=LEVEL), "f:1").key == b"s1:i1"


def test_value_keeps_its_bytes() -> None:
    body = json.dumps(FINISHED, indent=1).replace("\n", " ").encode()
    line = b'{"topic": "orders", "value": ' + body + b"}"
    assert outgoing(line, "f:1").value == body


def test_bare_events_with_a_topic() -> None:
    assert outgoing(_line(**FINISHED), "f:1", topic="orders").key == b"s1:b1"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"xx", f"invalid_json: the line is not JSON; {EXPECTED}, all of it on one line"),
        (b"[1]", f"wrong_type: the line is an array; {EXPECTED}"),
        (b'{"topic": "\xff"}', f"not_utf8: byte 11 of the line is not UTF-8; {EXPECTED}"),
        # In UTF-16 every other byte is zero; in the middle of a file, two were put together.
        ("{}".encode("utf-16-le"), "invalid_json: the line is not JSON"),
        (
            b"\xef\xbb\xbf" + _line(topic="orders", value={}),
            "the line begins with a byte order mark",
        ),
        (_line(**FINISHED), f"the line is an event by itself; $.topic is missing; {EXPECTED}"),
        (_line(**FINISHED), "; --topic is for lines that are events by themselves"),
        (_line(value=FINISHED), f"missing_field: $.topic of the line is missing; {EXPECTED}"),
        (_line(topic=5, value={}), "wrong_type: $.topic of the line is a number"),
        (
            _line(topic="nope", value={}),
            f"unknown_topic: $.topic of the line is 'nope'; {EXPECTED}",
        ),
        (_line(topic="alerts", value={}), "with a topic among orders, payments,"),
        (_line(topic="13812345678", value={}), "$.topic of the line is a string of 11 characters"),
        (_line(topic="orders", raw_base64="*"), "$.raw_base64 of the line is no base64"),
        (_line(topic="orders", raw_base64="é"), "$.raw_base64 of the line is no base64"),
        (_line(topic="orders", raw=5), "wrong_type: $.raw of the line is no string"),
        (
            _line(topic="orders", value=FINISHED, key=5),
            "wrong_type: $.key of the line is no string",
        ),
        (b'{"topic":"orders","value":' + b"[" * 5000 + b"]" * 5000 + b"}", "nested too deeply"),
        (b'{"topic":"orders","value":{"amount_minor":NaN}}', "missing_field: orders: $.type is"),
    ],
)
def test_line_that_belongs_nowhere(line: bytes, problem: str) -> None:
    record = outgoing(line, "f:1")
    assert record.topic == ""
    assert problem in (record.problem or "")
    # Not in the decoder's own words.
    assert "Expected `" not in (record.problem or "")
    assert "JSON is malformed" not in (record.problem or "")


def test_a_line_without_a_value_says_so_and_keeps_its_topic() -> None:
    record = outgoing(_line(topic="orders"), "f:1")
    assert (record.topic, record.value) == ("orders", b"")
    assert record.problem == f"missing_field: $.value of the line is missing; {EXPECTED}"
    assert "the value is empty" in (outgoing(_line(topic="orders", raw=""), "f:1").problem or "")


@pytest.mark.parametrize(
    "line",
    [
        b"xx",
        b'"x"',
        _line(value=FINISHED),
        _line(topic="nope", value={}),
        _line(topic="orders"),
        _line(topic="orders", value=7),
    ],
)
def test_produce_and_replay_refuse_a_line_in_the_same_words(line: bytes) -> None:
    with pytest.raises(Refused) as refused:
        decode_line(line)
    said = f"{refused.value.reason}: {str(refused.value).removesuffix('.')}"
    assert (outgoing(line, "f:1").problem or "").startswith(said)


@pytest.mark.parametrize(
    ("parts", "key", "value"),
    [
        ({"value": {"a": 1}}, None, b'{"a": 1}'),
        ({"raw": "not json", "key": "k"}, b"k", b"not json"),
        ({"raw_base64": "/wA=", "key": None}, None, b"\xff\x00"),
        ({"value": FINISHED, "key": "wrong"}, b"wrong", json.dumps(FINISHED).encode()),
        ({"value": UNPRINTABLE}, b"s1:b\x07", json.dumps(UNPRINTABLE).encode()),
    ],
)
def test_bad_input_keeps_its_bytes_and_its_key(
    parts: dict[str, Any], key: bytes | None, value: bytes
) -> None:
    record = outgoing(_line(topic="orders", **parts), "f:1")
    assert record.topic == "orders"
    assert record.problem
    assert (record.key, record.value) == (key, value)


@pytest.mark.parametrize(("speed", "factor"), [("max", None), ("real", 1.0), ("10x", 10), ("2", 2)])
def test_speed(speed: str, factor: float | None) -> None:
    assert parse_speed(speed) == factor


@pytest.mark.parametrize("speed", ["fast", "0x", "-1x", "inf", "nan", "", "1e-9x"])
def test_speed_that_is_none(speed: str) -> None:
    with pytest.raises(ConfigurationError, match="expected max, real"):
        parse_speed(speed)


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def _elapsed(factor: float | None, rate: float | None, offsets_s: list[float]) -> list[float]:
    time = FakeTime()
    pacer = Pacer(factor, rate, time.clock, time.sleep)
    elapsed = []
    for offset in offsets_s:
        pacer.wait(AT + timedelta(seconds=offset))
        elapsed.append(round(time.now - 100.0, 6))
    return elapsed


def test_pace_of_event_time() -> None:
    assert _elapsed(10.0, None, [0, 20, 50]) == [0, 2, 5]


def test_late_event_does_not_wait() -> None:
    assert _elapsed(1.0, None, [0, 5, 2, 6]) == [0, 5, 5, 6]


def test_rate_caps_whatever_the_speed() -> None:
    assert _elapsed(None, 2.0, [0, 0, 0]) == [0, 0.5, 1]
    assert _elapsed(1.0, 0.5, [0, 1, 10]) == [0, 2, 10]


def test_a_silence_at_the_slowest_speed_is_no_longer_than_a_process_can_sleep() -> None:
    offsets_s = [0.0, 800 * 86_400.0]
    assert _elapsed(0.001, None, offsets_s) == [0, LONGEST_SLEEP_S]


def test_no_pace_is_no_wait() -> None:
    assert _elapsed(None, None, [0, 3600]) == [0, 0]


def test_check_names_file_and_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "events.jsonl"
    good = _line(topic="orders", value=FINISHED)
    path.write_bytes(b"\n".join([good, b"", b"xx", good]))
    assert main(["produce", "--check", str(path)]) == 1
    err = capfd.readouterr().err
    assert f"{path}:3: invalid_json: the line is not JSON; {EXPECTED}" in err
    assert "2 records valid; 1 lines refused" in err


def _padded(size: int) -> bytes:
    """A valid event of so many bytes; blanks between its fields are as large as a long text."""
    body = json.dumps(FINISHED).encode()
    return body[:-1] + b" " * (size - len(body)) + b"}"


def test_check_judges_the_size_as_the_worker_does(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDERWATCH_MAX_RECORD_BYTES", "2048")
    path = tmp_path / "events.jsonl"
    path.write_bytes(_padded(2048) + b"\n" + _padded(2049))
    assert main(["produce", "--check", "--topic", "orders", str(path)]) == 1
    err = capfd.readouterr().err
    assert f"{path}:2: the value has 2049 bytes" in err
    assert "ORDERWATCH_MAX_RECORD_BYTES = 2048" in err
    assert "1 records valid; 1 lines refused" in err


def test_whichever_limit_is_passed_is_named() -> None:
    mib = 1024 * 1024
    wide = Settings(max_record_bytes=8 * mib)
    assert sizes.too_large(wide, "orders", 4 * mib) is None
    assert "max.message.bytes of the topic orders" in (
        sizes.too_large(wide, "orders", 4 * mib + 1) or ""
    )
    both = sizes.too_large(Settings(), "orders", 5 * mib) or ""
    assert f"ORDERWATCH_MAX_RECORD_BYTES = {mib}" in both
    assert "max.message.bytes" in both
    assert "max.message.bytes" not in (sizes.too_large(Settings(), "orders", 3 * mib) or "")


def test_a_client_whose_broker_has_gone_is_not_waited_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its close waits for what is under way, and would complain of that instead of the record."""

    class Client:
        _sender: Any

        def __init__(self) -> None:
            self.done: list[str] = []
            self._sender = SimpleNamespace(force_close=lambda: self.done.append("given up"))

        def close(self, timeout: float) -> None:
            self.done.append("closed")

    client = Client()
    monkeypatch.setattr(clients, "producer", lambda *_, **__: client)
    with pytest.raises(TransientError, match="not delivered"), producing.producer(Settings()):
        raise TransientError("not delivered")
    assert client.done == ["given up", "closed"]
    # As kafka-python has it: not public, so that it may go.
    assert callable(Sender.force_close)
