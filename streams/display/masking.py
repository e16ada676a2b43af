"""What a person may see of a record: no phone, name or address, and no control characters.

Nothing here decides what is stored or hashed; it only shapes what a terminal or a page shows. The
trap: a masked text keeps its length, so that a byte view can be masked with the same function.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

# Chinese mobiles and landlines, with or without the country code, written with spaces or dashes;
# then any international number.
_PHONE = re.compile(
    r"(?<![\d.])(?:(?:\+|00)?86[ -]?)?1[3-9]\d(?:[ -]?\d{4}){2}(?!\d)"
    r"|(?<!\d)0\d{2,3}-\d{7,8}(?!\d)"
    r"|(?<!\d)\+\d{1,3}[ -]?\d(?:[ -]?\d){6,13}(?!\d)"
)
# What has no width: a phone that is split by it reads like any other.
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_FULL_WIDTH = str.maketrans("０１２３４５６７８９＋－", "0123456789+-")
# A receiver is personal as a whole, but for the coarse place. Elsewhere only phones are: `name` is
# also what signals and thresholds are called.
_RECEIVERS = frozenset({"receiver", "ship_to"})
_COARSE = frozenset({"country", "state", "city"})
_PHONE_FIELDS = frozenset({"phone", "mobile", "tel"})
# Bidirectional overrides can make a harmless text look like another one.
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")


def mask_phones(text: str) -> str:
    """Replace the middle of every phone number by asterisks; the length stays the same."""
    places: Sequence[int] = range(len(text))
    seen = text
    if _UNSEEN.search(text):
        places = [place for place in places if not _UNSEEN.match(text[place])]
        seen = "".join([text[place] for place in places])
    masked = list(text)
    for match in _PHONE.finditer(seen.translate(_FULL_WIDTH)):
        start, end = places[match.start()], places[match.end() - 1] + 1
        masked[start:end] = _middle(text[start:end], keep=3)
    return "".join(masked)


def mask_value(value: Any, field: str = "", *, personal: bool = False) -> Any:
    """A copy of decoded JSON in which receivers and phone numbers are masked."""
    if isinstance(value, dict):
        inside = personal or field in _RECEIVERS
        return {key: mask_value(item, key, personal=inside) for key, item in value.items()}
    if isinstance(value, list):
        return [mask_value(item, field, personal=personal) for item in value]
    is_personal = (personal and field not in _COARSE) or field in _PHONE_FIELDS
    if isinstance(value, str):
        return _middle(value, keep=1) if is_personal else mask_phones(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        # A phone that a producer or a spreadsheet wrote as a number is as personal as one in quotes.
        return "***" if is_personal else value
    return value


def visible(text: str, *, keep_newlines: bool = False) -> str:
    """The text with control, bidi and unpaired surrogate characters written as escapes."""
    return "".join(
        character if _is_harmless(character, keep_newlines) else _escape(character)
        for character in text
    )


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


def _middle(text: str, keep: int) -> str:
    if len(text) <= 2 * keep:
        return "*" * len(text)
    return text[:keep] + "*" * (len(text) - 2 * keep) + text[-keep:]


def _is_harmless(character: str, keep_newlines: bool) -> bool:
    if character == "\n":
        return keep_newlines
    return character not in _BIDI and unicodedata.category(character) not in (
        "Cc",
        "Cs",
        "Zl",
        "Zp",
    )


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
