"""Dead letters without a broker: format, counts, what is shown, what is selected."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from streams.cli import tables
from streams.errors import POISON_REASONS, ConfigurationError
from streams.kafka import deadletters, resend
from streams.kafka.reading import Record
from streams.kafka.resend import KNOWN_REASONS, Selection
from streams.settings import Settings

AT = datetime(2026, 11, 11, 12, tzinfo=UTC)


def _record(
    offset: int, *, reason: str = "bad_time", topic: str = "orders", **parts: Any
) -> Record:
    headers = deadletters.headers(reason, "why", topic, 3, offset + 100, AT)
    return Record(
        topic="dead-letters",
        partition=parts.get("partition", 0),
        offset=offset,
        timestamp_ms=1000 + offset,
        key=parts.get("key", b"s1:b1"),
        value=parts.get("value", b"{}"),
        headers=dict(headers),
    )


def _marker(offset: int, letter: int) -> Record:
    headers = {deadletters.REPLAYED: str(letter).encode()}
    return Record("dead-letters", 0, offset, 5000, deadletters.MARKER_KEY, None, headers)


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> list[Record]:
    """What lies on the topic; tests fill it."""
    records: list[Record] = []
    monkeypatch.setattr("streams.kafka.reading.to_end", lambda settings, name: iter(records))
    return records


def test_headers_say_where_from_and_survive_any_text() -> None:
    headers = dict(deadletters.headers("bad_time", "a\ud800b", "orders", 3, 42, AT))
    assert headers["orderwatch-topic"] == b"orders"
    assert headers["orderwatch-partition"] == b"3"
    assert headers["orderwatch-offset"] == b"42"
    assert headers["orderwatch-at"] == b"2026-11-11T12:00:00+00:00"
    assert headers["orderwatch-error"] == b"a\\ud800b"


def test_marker_makes_its_letter_replayed_and_is_no_letter_itself(topic: list[Record]) -> None:
    topic += [_record(0), _record(1), _marker(2, letter=0)]
    letters = deadletters.read(Settings()).letters
    assert [(letter.record.offset, letter.is_replayed) for letter in letters] == [
        (0, True),
        (1, False),
    ]


def test_marker_counts_only_for_its_own_partition(topic: list[Record]) -> None:
    topic += [_record(0, partition=1), _marker(2, letter=0)]
    assert not deadletters.read(Settings()).letters[0].is_replayed


def test_marker_that_names_no_offset_marks_nothing(topic: list[Record]) -> None:
    marker = _marker(1, letter=0)
    named = [b"abc", b"", b"9" * 5000]
    topic += [_record(0)]
    topic += [replace(marker, headers={deadletters.REPLAYED: value}) for value in named]
    letters = deadletters.read(Settings()).letters
    assert [(letter.record.offset, letter.is_replayed) for letter in letters] == [(0, False)]


def test_counts_by_topic_and_reason(topic: list[Record]) -> None:
    topic += [_record(0), _record(1), _record(2, reason="empty"), _marker(3, letter=1)]
    assert deadletters.read(Settings()).counts() == [
        ("orders", "bad_time", 2, 1),
        ("orders", "empty", 1, 1),
    ]


def test_latest_are_the_youngest_first(topic: list[Record]) -> None:
    topic += [_record(0), _record(2), _record(1)]
    latest = deadletters.read(Settings()).latest(2)
    assert [letter.record.offset for letter in latest] == [2, 1]


def test_values_are_not_kept_unless_asked(topic: list[Record]) -> None:
    topic += [_record(0, value=b"x" * 10)]
    letter = deadletters.read(Settings()).letters[0]
    assert (letter.record.value, letter.size) == (None, 10)


@pytest.mark.parametrize(
    ("value", "event_id"),
    [
        (b'{"event_id": "e-7", "amount_minor": NaN}', "e-7"),
        (b'{"event_id": 7}', "7"),
        ('{"event_id": "订单-7"}'.encode(), "订单-7"),
        (b'{"event_id": "13812345678"}', "138*****678"),
        (b'{"event_id": "%b"}' % (b"x" * 500), "x" * 128 + "…"),
        (b'{"event_id": "%b13812345678"}' % (b"-" * 120), "-" * 120 + "138*****…"),
        (b'{"event_id": null}', None),
        (b'{"event_id": true}', None),
        (b'{"event_id": ["e"]}', None),
        (b'{"event_id": %b}' % (b"9" * 5000), None),
        (b'{"event_id": "e-7"', None),
        (b'["event_id"]', None),
        (b"[" * 5000, None),
        (b"\xff\x00", None),
        (b'{"event_id": "e-7", "text": "%b"}' % (b"x" * 2_000_000), None),
        (b"", None),
        (None, None),
    ],
)
def test_the_event_of_a_letter_is_named_where_its_value_can_be_read(
    topic: list[Record], value: bytes | None, event_id: str | None
) -> None:
    topic += [replace(_record(0), value=value)]
    (letter,) = deadletters.read(Settings()).letters
    assert letter.event_id == event_id
    assert letter.record.value is None


def test_the_list_names_events_and_moves_no_cursor(
    topic: list[Record], capfd: pytest.CaptureFixture[str]
) -> None:
    topic += [_record(0, value=b'{"event_id": "e\\u001b[2J\\u202e7"}'), _record(1, value=b"?")]
    contents = deadletters.read(Settings())
    tables.show_dead_letters(contents, limit=5, as_json=False)
    shown = capfd.readouterr().out
    assert "event id" in shown
    assert "e\\x1b[2J\\u202e7" in shown
    tables.show_dead_letters(contents, limit=5, as_json=True)
    written = capfd.readouterr().out
    assert not {"\x1b", "\u202e"} & set(written)
    _, *rows = map(json.loads, written.splitlines())
    assert {row["position"]: row["event_id"] for row in rows} == {
        "0:0": "e\x1b[2J\u202e7",
        "0:1": None,
    }


def test_record_without_our_headers_is_listed_all_the_same(topic: list[Record]) -> None:
    topic += [Record("dead-letters", 0, 0, 0, None, b"?", {})]
    assert deadletters.read(Settings()).letters[0].reason == "?"


def test_description_is_masked_and_escaped_unless_raw(topic: list[Record]) -> None:
    topic += [_record(0, value=b"\x1b[2J 13812345678")]
    letter = deadletters.find(Settings(), "0:0")
    shown = deadletters.describe(letter, raw=False)
    assert "13812345678" not in shown
    assert "31 32 33 34" not in shown
    assert "13812345678" in deadletters.describe(letter, raw=True)
    assert "\x1b" not in deadletters.describe(letter, raw=True)


@pytest.mark.parametrize("position", ["0:7", "7:0", "nonsense", ""])
def test_position_that_is_not_there(topic: list[Record], position: str) -> None:
    topic += [_record(0)]
    with pytest.raises(ConfigurationError, match="expected PARTITION:OFFSET"):
        deadletters.find(Settings(), position)


def test_selection_by_reason_and_topic_leaves_out_what_was_replayed(topic: list[Record]) -> None:
    topic += [
        _record(0),
        _record(1, reason="empty"),
        _record(2, topic="refunds"),
        _record(3),
        _marker(4, letter=3),
    ]
    letters = deadletters.read(Settings()).letters

    def chosen(selection: Selection) -> list[int]:
        return [letter.record.offset for letter in letters if selection.matches(letter)]

    assert chosen(Selection()) == [0, 1, 2]
    assert chosen(Selection(reason="empty")) == [1]
    assert chosen(Selection(topic="refunds")) == [2]


def test_topics_are_named_without_the_prefix_whatever_the_header_says(topic: list[Record]) -> None:
    topic += [_record(0, topic="zz.orders"), _record(1, topic="orders"), _record(2, topic="../etc")]
    letters = deadletters.read(Settings(topic_prefix="zz.")).letters
    assert [letter.topic for letter in letters] == ["orders", "orders", "../etc"]
    assert [Selection(topic="orders").matches(letter) for letter in letters] == [True, True, False]


@pytest.mark.parametrize("name", ["order", "zz.orders", "alerts", "dead-letters"])
def test_topic_that_no_letter_comes_from_names_the_known_ones(
    topic: list[Record], name: str
) -> None:
    topic += [_record(0)]
    with pytest.raises(ConfigurationError, match=rf"--topic is '{name}'.*orders.*signals"):
        resend.replay(Settings(topic_prefix="zz."), Selection(topic=name))


def test_reason_that_no_letter_has_names_the_known_ones(topic: list[Record]) -> None:
    topic += [_record(0, reason="from_a_newer_worker")]
    expected = r"'invalid-json'.*invalid_json.*too_large.*from_a_newer_worker"
    with pytest.raises(ConfigurationError, match=expected):
        resend.replay(Settings(), Selection(reason="invalid-json"))
    for reason in KNOWN_REASONS:
        assert resend.replay(Settings(), Selection(reason=reason)).sent == []


def _reasons_in(path: Path) -> Iterator[str]:
    """What the file passes to PoisonError as a literal."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "PoisonError":
            first = node.args[0]
            if isinstance(first, ast.Constant):
                yield first.value


def test_every_reason_of_the_worker_is_known_and_none_is_idle() -> None:
    streams = Path(resend.__file__).parents[1]
    # What notify cannot read of a deadline is counted there and becomes no dead letter.
    files = (path for path in streams.rglob("*.py") if path.parent.name != "notify")
    used = {reason for path in files for reason in _reasons_in(path)}
    assert used == set(POISON_REASONS)


def test_bytes_of_a_readable_body_are_shown_only_raw(topic: list[Record]) -> None:
    topic += [_record(0, value=b'{"receiver": {"name": "Wang Wu"}}')]
    letter = deadletters.find(Settings(), "0:0")
    assert "Wang" not in deadletters.describe(letter, raw=False)
    assert "00000000" not in deadletters.describe(letter, raw=False)
    assert "00000000" in deadletters.describe(letter, raw=True)
