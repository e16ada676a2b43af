"""What a person may see of a record: no phone, name or address, and no control characters.

Nothing here decides what is stored or hashed; it only shapes what a terminal or a page shows. The
trap: a masked text keeps its length, so that a byte view can be masked with the same function.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any

# Chinese mobiles and landlines, with or without the country code, written with spaces or dashes;
# then any international number. At each ~ one character without a width may stand.
_PHONE = re.compile(
    (
        r"(?<![\d.])(?:(?:\+~|0~0~)?8~6~(?:[ -]~)?)?1~[3-9]~\d(?:~(?:[ -]~)?\d(?:~\d){3}){2}(?!\d)"
        r"|(?<!\d)0~\d(?:~\d){1,2}~-(?:~\d){7,8}(?!\d)"
        r"|(?<!\d)\+(?:~\d){1,3}(?:~(?:[ -]~)?\d){7,14}(?!\d)"
    ).replace("~", "\u200b?")
)
# What has no width: a phone that is split by it reads like any other, and so does one that it parts from
# a digit.
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+")
_FULL_WIDTH = str.maketrans("０１２３４５６７８９＋－", "0123456789+-")
# A receiver is personal as a whole, but for the coarse place. Elsewhere only phones and who pays are:
# `name` is also what signals and thresholds are called.
_RECEIVERS = frozenset({"receiver", "ship_to"})
_COARSE = frozenset({"country", "state", "city"})
_PERSONAL_FIELDS = frozenset({"phone", "mobile", "tel", "payer_account"})
# What moves a terminal's cursor, ends a line, is half a character, or turns the direction of writing: a
# harmless text could look like another one.
_HARMFUL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
# No event has a tenth of it; Python gives up at a thousand.
_DEEPEST = 100


def mask_phones(text: str) -> str:
    """Replace the middle of every phone number by asterisks; the length stays the same."""
    places: Sequence[int] = range(len(text))
    seen = text
    if _UNSEEN.search(text):
        # The first of a run stands for all of it: the pattern expects one.
        rest = {
            place for run in _UNSEEN.finditer(text) for place in range(run.start() + 1, run.end())
        }
        places = [place for place in places if place not in rest]
        seen = _UNSEEN.sub("\u200b", text)
    masked = list(text)
    for match in _PHONE.finditer(seen.translate(_FULL_WIDTH)):
        start, end = places[match.start()], places[match.end() - 1] + 1
        masked[start:end] = _middle(text[start:end], keep=3)
    return "".join(masked)


def mask_value(value: Any, field: str = "", *, personal: bool = False, depth: int = 0) -> Any:
    """A copy of decoded JSON: receivers, phones, who pays are masked, and what lies too deep is left out."""
    if isinstance(value, dict | list) and depth > _DEEPEST:
        return "***"
    if isinstance(value, dict):
        inside = personal or field in _RECEIVERS
        return {
            key: mask_value(item, key, personal=inside, depth=depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [mask_value(item, field, personal=personal, depth=depth + 1) for item in value]
    is_personal = (personal and field not in _COARSE) or field in _PERSONAL_FIELDS
    if isinstance(value, str):
        return _middle(value, keep=1) if is_personal else mask_phones(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        # A phone that a producer or a spreadsheet wrote as a number is as personal as one in quotes.
        return "***" if is_personal else _finite(value)
    return value


def visible(text: str, *, keep_newlines: bool = False) -> str:
    """The text with control, bidi and unpaired surrogate characters written as escapes."""
    if keep_newlines:
        return "\n".join(visible(line) for line in text.split("\n"))
    return _HARMFUL.sub(
        lambda found: found[0].encode("unicode_escape", "surrogatepass").decode("ascii"), text
    )


def json_line(value: Any) -> str:
    """A value as one line of JSON, with JSON's own escapes for what `visible` would escape."""
    text = json.dumps(value, ensure_ascii=False)
    return _HARMFUL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def show_bytes(raw_bytes: bytes | None, *, raw: bool) -> str:
    """Bytes as one line of text; what is not UTF-8 or not printable is escaped."""
    if raw_bytes is None:
        return "(none)"
    text = raw_bytes.decode("utf-8", "backslashreplace")
    return visible(text if raw else mask_phones(text))


def show_body(body: bytes | None, *, raw: bool, indent: int | None = 2) -> str:
    """A record's value: JSON laid out and masked by field, anything else as escaped text."""
    if body is None:
        return "(no value)"
    try:
        # Python's decoder and not a faster one: a body that others refuse should still be shown.
        value = json.loads(body)
        text = json.dumps(value if raw else mask_value(value), ensure_ascii=False, indent=indent)
    except (ValueError, RecursionError):
        return show_bytes(body, raw=raw)
    return visible(text, keep_newlines=indent is not None)


def is_json(body: bytes) -> bool:
    """Whether a body can be laid out and masked by field."""
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def hex_view(body: bytes, limit: int = 1024) -> str:
    """Offset, hexadecimal and printable ASCII of the first `limit` bytes, sixteen a line."""
    lines = []
    for start in range(0, min(len(body), limit), 16):
        row = body[start : start + 16]
        ascii_view = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"{start:08x}  {row.hex(' '):<47}  {ascii_view}")
    if len(body) > limit:
        lines.append(f"… {len(body) - limit} bytes more")
    return "\n".join(lines)


def _finite(number: float) -> float | str:
    """The number, or its name where JSON has none for it: Python reads NaN and Infinity."""
    # An integer may be larger than any float.
    return number if isinstance(number, int) or math.isfinite(number) else str(number)


def _middle(text: str, keep: int) -> str:
    if len(text) <= 2 * keep:
        return "*" * len(text)
    return text[:keep] + "*" * (len(text) - 2 * keep) + text[-keep:]
