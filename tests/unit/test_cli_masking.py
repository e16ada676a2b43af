"""What a person sees: no phone, no receiver, no control character."""

from __future__ import annotations

import json

import pytest

from streams.display.alert_line import alert_line, alert_style
from streams.display.masking import (
    hex_view,
    json_line,
    mask_phones,
    mask_value,
    show_body,
    show_bytes,
    visible,
)


@pytest.mark.parametrize(
    "phone",
    [
        "13812345678",
        "+8613812345678",
        "86-138-1234-5678",
        "138 1234 5678",
        "010-12345678",
        "１３８１２３４５６７８",
        "138\u200b1234\u200b5678",
        "\ufeff1\u20603\u200d8\u00ad12345678",
        "1\u200b\u200b\u200b3\u2060\ufeff812345678",
        "+86\u200b 138\u200b-\u200b1234 5678",
    ],
)
def test_phones_lose_their_middle_and_keep_their_length(phone: str) -> None:
    masked = mask_phones(f"打{phone}吧")
    assert len(masked) == len(phone) + 2
    assert "*****" in masked
    assert phone not in masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("o5\u200b13812345678", "o5\u200b138*****678"),
        ("o5\u2060138\u200b1234\u200b5678\ufeff9", "o5\u2060138*******678\ufeff9"),
        ("13812345678\u200b\u200b13912345678", "138*****678\u200b\u200b139*****678"),
        ("5\u200b+44 20 7946 0958", "5\u200b+44**********958"),
    ],
)
def test_what_has_no_width_parts_a_phone_from_a_digit_beside_it(text: str, masked: str) -> None:
    assert mask_phones(text) == masked


def test_many_characters_without_a_width_take_no_time() -> None:
    text = "1" + "\u200b" * 200_000 + "3"
    assert mask_phones(text) == text


@pytest.mark.parametrize(
    "text", ["2026111112345678", "订单 4123456789", "12.50", "e-1381234567", "o513812345678"]
)
def test_numbers_that_are_no_phones_stay(text: str) -> None:
    assert mask_phones(text) == text


def test_receiver_is_masked_but_for_the_coarse_place() -> None:
    receiver = {"name": "张三丰", "phone": "13812345678", "state": "浙江省", "detail": "文三路8号"}
    masked = mask_value({"receiver": receiver, "ship_to": receiver})
    for shown in masked.values():
        assert shown["state"] == "浙江省"
        assert "三" not in shown["name"]
        assert "文三路" not in shown["detail"]
        assert "12345" not in shown["phone"]


def test_phone_written_as_a_number_is_masked() -> None:
    assert mask_value({"phone": 13812345678}) == {"phone": "***"}
    assert mask_value({"payer_account": 2088102146225135}) == {"payer_account": "***"}
    paid = {"payment_id": "p-1", "payer_account": "who@example.com"}
    assert mask_value(paid) == {"payment_id": "p-1", "payer_account": "w*************m"}
    assert mask_value({"receiver": {"detail": 13812345678.0}}) == {"receiver": {"detail": "***"}}


def test_names_of_signals_and_thresholds_stay() -> None:
    value = {"name": "stockout_claim", "detail": {"units": 3}, "ok": True, "n": None}
    assert mask_value(value) == value


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m", "\\x1b[31m"),
        ("a\r\nb", "a\\r\\nb"),
        ("\u202eabc", "\\u202eabc"),
        ("\u061cabc", "\\u061cabc"),
        ("\x9b31m", "\\x9b31m"),
        ("a\u2028b", "a\\u2028b"),
        ("\ud800", "\\ud800"),
    ],
)
def test_control_characters_are_escaped(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    "text", ["\x9b31m", "a\x7f", "\u202eabc", "\u061c", "a\x85b\u2028c", "\ud800"]
)
def test_a_line_of_json_says_the_same_and_moves_no_cursor(text: str) -> None:
    line = json_line({text: [text, "评 🏷"]})
    assert visible(line) == line
    assert json.loads(line) == {text: [text, "评 🏷"]}


def test_newlines_may_stay_and_nothing_else() -> None:
    assert visible("a\n\x1b[2J\r\nb", keep_newlines=True) == "a\n\\x1b[2J\\r\nb"


def test_what_lies_too_deep_is_left_out() -> None:
    deep: dict[str, object] = {"phone": "13812345678"}
    for _ in range(900):
        deep = {"a": deep}
    body = json.dumps({"receiver": {"name": "张三丰"}, "x": deep}).encode()
    shown = show_body(body, raw=False, indent=None)
    assert "三" not in shown
    assert shown.count("{") < 200


def test_bytes_that_are_not_text_are_escaped() -> None:
    assert show_bytes(b"\xff\x00k", raw=False) == "\\xff\\x00k"
    assert show_bytes(None, raw=False) == "(none)"


def test_body_is_laid_out_masked_unless_raw() -> None:
    body = json.dumps({"text": "加我 13812345678", "esc": "\x1b"}).encode()
    assert "12345678" not in show_body(body, raw=False)
    assert "13812345678" in show_body(body, raw=True)
    assert "\x1b" not in show_body(body, raw=True)


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 5000, b"\xff\xfe"])
def test_any_body_can_be_shown(body: bytes) -> None:
    assert isinstance(show_body(body, raw=False), str)


def test_hex_view_says_how_much_is_left_out() -> None:
    assert hex_view(b"\x00A" * 20, limit=16).splitlines() == [
        "00000000  00 41 00 41 00 41 00 41 00 41 00 41 00 41 00 41  .A.A.A.A.A.A.A.A",
        "… 24 bytes more",
    ]


def test_alert_line_begins_with_the_detector_and_cannot_be_forged() -> None:
    alert = {
        "detector": "D01",
        "severity": "critical",
        "change": "opened",
        "status": "open",
        "subject": {"id": "shop1:b42\nD99 critical"},
        "title": {"zh": "恶拍", "en": "Burst"},
        "summary": {"zh": "12 单", "en": "12 orders"},
        "updated_at": "2026-11-11T12:00:00.123Z",
        "revision": 3,
    }
    line = alert_line({"data": alert})
    assert line.startswith("D01 critical opened shop1:b42\\nD99 critical  恶拍 · 12 orders")
    assert line.endswith("[2026-11-11 12:00:00Z rev 3]")
    assert alert_style({"data": alert}) != alert_style({"data": {**alert, "status": "resolved"}})
