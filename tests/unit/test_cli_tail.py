"""One record as a line: whatever anybody may have put on a topic can be shown."""

from __future__ import annotations

import json

import pytest

from streams.cli.tail import View, render
from streams.kafka.reading import Record

AT_MS = 1_700_000_000_000


def record(value: bytes = b"{}", timestamp_ms: int = AT_MS) -> Record:
    return Record("chats", 0, 7, timestamp_ms, b"key", value, {})


@pytest.mark.parametrize("timestamp_ms", [1 << 60, -(1 << 60), (1 << 63) - 1])
@pytest.mark.parametrize("as_json", [False, True])
def test_a_time_that_is_none_is_shown_as_its_number(timestamp_ms: int, as_json: bool) -> None:
    line = render(record(timestamp_ms=timestamp_ms), View("chats", as_json=as_json))
    assert f"{timestamp_ms} ms" in line.text


@pytest.mark.parametrize("as_json", [False, True])
def test_half_a_character_is_shown_as_its_escape(as_json: bool) -> None:
    body = b'{"a": "\\ud800 \xe8\xaf\x84"}'
    line = render(record(body), View("chats", as_json=as_json))
    line.text.encode()
    assert "\\ud800 评" in line.text
    if as_json:
        assert json.loads(line.text)["value"] == json.loads(body)


@pytest.mark.parametrize("body", [b"[" * 100_000, b"\xff\xfe\x00", b"", b"null", b'{"data": []}'])
def test_what_is_no_alert_is_shown_as_any_record(body: bytes) -> None:
    assert render(record(body), View()).text.startswith("0:7 2023-11-14T22:13:20.000+00:00 key")


@pytest.mark.parametrize("levels", [99, 490, 600, 990, 5000])
@pytest.mark.parametrize("raw", [False, True])
def test_a_body_of_any_depth_can_be_shown_as_json(levels: int, raw: bool) -> None:
    body = b'{"a":' * levels + b"1" + b"}" * levels
    line = render(record(body), View("chats", as_json=True, raw=raw))
    json.loads(line.text)


def test_what_json_has_no_number_for_is_shown_as_text() -> None:
    line = render(record(b'{"a": NaN, "b": 1e999, "c": 1%s}' % (b"0" * 400)), View(as_json=True))
    assert json.loads(line.text)["value"] == {"a": "nan", "b": "inf", "c": 10**400}
