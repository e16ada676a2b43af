"""Dead letters without a broker: format, counts, what is shown, what is selected."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from streams.errors import ConfigurationError
from streams.kafka import deadletters
from streams.kafka.reading import Record
from streams.kafka.resend import Selection
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


def test_bytes_of_a_readable_body_are_shown_only_raw(topic: list[Record]) -> None:
    topic += [_record(0, value=b'{"receiver": {"name": "Wang Wu"}}')]
    letter = deadletters.find(Settings(), "0:0")
    assert "Wang" not in deadletters.describe(letter, raw=False)
    assert "00000000" not in deadletters.describe(letter, raw=False)
    assert "00000000" in deadletters.describe(letter, raw=True)
