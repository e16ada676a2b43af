"""Why an event was refused: a reason from a closed set, and a sentence for the person who must act.

Off the hot path: the pydantic models read the refused bytes again, because they name every fault
with its place. The trap: a sentence lands in logs and headers, so it never quotes free text (names,
phones, chats), only times, codes and numbers out of range.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from schemas.topics import INPUT_TOPICS, TOPICS, value_adapter

Reason = Literal[
    "empty",
    "not_utf8",
    "invalid_json",
    "duplicate_key",
    "unknown_topic",
    "unsupported_schema_version",
    "unknown_event_type",
    "missing_field",
    "wrong_type",
    "unknown_value",
    "out_of_range",
    "bad_length",
    "bad_time",
    "bad_format",
]
REASONS: tuple[Reason, ...] = get_args(Reason)
SUPPORTED_VERSIONS = (1,)

_REASON_OF: dict[str, Reason] = {
    "union_tag_not_found": "missing_field",
    "union_tag_invalid": "unknown_event_type",
    "literal_error": "unknown_value",
    "greater_than_equal": "out_of_range",
    "less_than_equal": "out_of_range",
    "string_too_short": "bad_length",
    "string_too_long": "bad_length",
    "too_short": "bad_length",
    "too_long": "bad_length",
    "string_pattern_mismatch": "bad_format",
    "value_error": "bad_time",
}
_CURE: dict[Reason, str] = {
    "unsupported_schema_version": "Upgrade orderwatch before its producers.",
    "unknown_event_type": "Upgrade orderwatch, or correct the producer's mapping.",
}
_DEFAULT_CURE = "Correct the producer and send the event again under the same event_id."
# What connectors get wrong first: the field, which may stand anywhere in the event, and for what reasons.
_HINTS: tuple[tuple[re.Pattern[str], frozenset[Reason], str], ...] = (
    (
        re.compile(r"\.\w+_minor\Z"),
        frozenset({"wrong_type"}),
        "money is an integer in the smallest unit of its currency",
    ),
    (
        re.compile(r"\.currency\Z"),
        frozenset({"wrong_type", "bad_length"}),
        "ISO 4217 in capitals, such as CNY",
    ),
    (
        re.compile(r"\A\$\.buyer_id\Z"),
        frozenset({"missing_field", "bad_length"}),
        "a guest has an id too, and not all guests the same",
    ),
    (
        re.compile(r"\A\$\.shop_id\Z"),
        frozenset({"bad_format"}),
        "a colon separates the parts of a record key",
    ),
)
# What a library puts before the JSON unasked, and no editor shows.
_PREFIXES = {
    b"\xef\xbb\xbf": "a byte order mark",
    b"\x00": "a zero byte, as serializers of a schema registry and UTF-16 write it",
}
_TOPICS_OF_LINES = f", with a topic among {', '.join(INPUT_TOPICS)}"
# So many other places are named.
_OTHERS_NAMED = 5
_PLACE = re.compile(r" - at `(\$[\w.\[\]]*)`\Z")
_CODE = re.compile(r"[A-Za-z][A-Za-z_-]{0,39}")
_ALMOST_TIME = re.compile(r"\d{4}-\d\d-\d\d[0-9TtZz:+. -]{0,40}")
_KINDS = {str: "a string", bool: "a boolean", list: "an array", dict: "an object"}


class Refused(ValueError):  # noqa: N818 - it names what happened to the record
    """One record value is outside the contract. `reason` is one of `REASONS`, fit for a label."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason: Reason = reason


def explain(topic: str, raw: bytes, error: Exception | None) -> Refused:
    """Say why the value `raw` of `topic` was refused; `error` is what the fast decoder raised."""
    if not raw.strip():
        return _refused("empty", f"{topic}: the value is empty; expected a JSON object.")
    for prefix, name in _PREFIXES.items():
        if raw.startswith(prefix):
            text = f"{topic}: the value begins with {name}; expected a JSON object alone."
            return _refused("invalid_json", text)
    try:
        raw.decode()
    except UnicodeDecodeError as bad:
        return _refused("not_utf8", f"{topic}: byte {bad.start} is not UTF-8; expected UTF-8 JSON.")
    if isinstance(error, RecursionError):
        return _refused("invalid_json", f"{topic}: the value is nested too deeply.")
    try:
        value_adapter(topic).validate_json(raw)
    except ValidationError as found:
        return _from_faults(topic, found.errors(include_url=False))
    # The careful reader takes it: bytes on which readers of JSON do not agree.
    if isinstance(error, msgspec.ValidationError):
        # The decoder's own sentence quotes what stands there.
        place = _PLACE.search(str(error))
        at = f" at {place[1]}" if place else ""
        text = f"{topic}: a key occurs twice{at}, and not all its values are allowed."
        return _refused("duplicate_key", text)
    return _refused("invalid_json", f"{topic}: the value is not JSON ({error}).")


def explain_line(raw: bytes, error: Exception | None) -> Refused:
    """Say why a line of an event file was refused."""
    for prefix, name in _PREFIXES.items():
        if raw.startswith(prefix):
            return _refused_line("invalid_json", f"the line begins with {name}")
    try:
        # Of bytes it would take UTF-16 and UTF-32 for JSON too.
        line = json.loads(raw.decode())
    except UnicodeDecodeError as bad:
        return _refused_line("not_utf8", f"byte {bad.start} of the line is not UTF-8")
    except RecursionError:
        return _refused_line("invalid_json", "the line is nested too deeply")
    except ValueError:
        if not raw.strip():
            return _refused_line("empty", "the line is empty")
        return _refused_line("invalid_json", "the line is not JSON", ", all of it on one line")
    if not isinstance(line, dict):
        return _refused_line("wrong_type", f"the line is {_kind(line)}")
    if "topic" not in line:
        is_event = "value" not in line and "event_id" in line
        text = "the line is an event by itself; $.topic" if is_event else "$.topic of the line"
        return _refused_line("missing_field", f"{text} is missing", _TOPICS_OF_LINES)
    topic = line["topic"]
    if not isinstance(topic, str):
        text = f"$.topic of the line is {_kind(topic)}"
        return _refused_line("wrong_type", text, _TOPICS_OF_LINES)
    if topic not in INPUT_TOPICS:
        text = f"$.topic of the line is {_shown(topic, _CODE)}"
        return _refused_line("unknown_topic", text, _TOPICS_OF_LINES)
    if "value" not in line:
        return _refused_line("missing_field", "$.value of the line is missing")
    return explain(topic, json.dumps(line["value"]).encode(), error)


def _refused_line(reason: Reason, text: str, more: str = "") -> Refused:
    # Nothing was sent yet, so there is no producer to correct: what was expected is all the cure.
    return Refused(reason, f'{text}; expected {{"topic": …, "value": {{…}}}}{more}.')


def _refused(reason: Reason, text: str) -> Refused:
    return Refused(reason, f"{text} {_CURE.get(reason, _DEFAULT_CURE)}")


def _from_faults(topic: str, faults: list[ErrorDetails]) -> Refused:
    first = faults[0]
    if first["type"] == "json_invalid":
        return _refused("invalid_json", f"{topic}: {first['msg']}.")
    version = _foreign_version(faults)
    if version is not None:
        supported = " or ".join(map(str, SUPPORTED_VERSIONS))
        text = f"{topic}: $.schema_version is {version}; expected {supported}."
        return _refused("unsupported_schema_version", text)
    path = _path(topic, first)
    reason = _reason(path, first)
    text = f"{topic}: {path} {_sentence(path, first, reason)}"
    return _refused(reason, f"{text}{_hint(path, first, reason)}{_others(topic, faults[1:])}.")


def _foreign_version(faults: list[ErrorDetails]) -> int | None:
    """The version of an event from the future: then every other fault is only its consequence."""
    for fault in faults:
        version = fault["input"]
        if fault["type"].startswith("union_tag") and isinstance(version, dict):
            version = version.get("schema_version")
        elif fault["loc"][-1:] != ("schema_version",):
            continue
        if type(version) is int and version not in SUPPORTED_VERSIONS:
            return version
    return None


def _others(topic: str, faults: list[ErrorDetails]) -> str:
    """Where else the event is at fault, so that a connector is not mended one field at a time."""
    if not faults:
        return ""
    places = list(dict.fromkeys(_path(topic, fault) for fault in faults))
    named = ", ".join(places[:_OTHERS_NAMED])
    return f" (at fault too: {named}{', …' if len(places) > _OTHERS_NAMED else ''})"


def _hint(path: str, fault: ErrorDetails, reason: Reason) -> str:
    value = fault["input"]
    if path == "$" and isinstance(value, str):
        return "; its JSON is encoded twice"
    if path == "$.type" and isinstance(value, dict) and {"topic", "value"} <= value.keys():
        return '; this is a line of an event file, of which only "value" is sent'
    # Who sends null for an id has none.
    reason = "missing_field" if value is None else reason
    hints = (text for field, reasons, text in _HINTS if reason in reasons and field.search(path))
    return next((f"; {text}" for text in hints), "")


def _reason(path: str, fault: ErrorDetails) -> Reason:
    kind = fault["type"]
    if kind == "missing":
        return "missing_field"
    if path in ("$", "$.schema_version"):
        return "wrong_type"
    text = _value(path, fault)
    if kind in ("union_tag_invalid", "literal_error", "value_error") and not isinstance(text, str):
        return "wrong_type"
    if kind == "literal_error" and path == "$.type":
        return "unknown_event_type"
    return _REASON_OF.get(kind, "wrong_type")


def _value(path: str, fault: ErrorDetails) -> Any:
    """What stands at `path`; of a union, pydantic hands out the whole body instead."""
    value = fault["input"]
    is_body = fault["type"].startswith("union_tag") and path == "$.type"
    return value.get("type") if is_body else value


def _sentence(path: str, fault: ErrorDetails, reason: Reason) -> str:
    value = _value(path, fault)
    context = fault.get("ctx", {})
    match reason:
        case "missing_field":
            return "is missing"
        case "unknown_event_type" | "unknown_value":
            expected = context.get("expected_tags") or context["expected"]
            return f"is {_shown(value, _CODE)}; expected {expected}"
        case "out_of_range":
            return f"is {str(value)[:24]}; expected {_limits(context)}"
        case "bad_length":
            return f"has length {len(value)}; expected {_limits(context)}"
        case "bad_time":
            return f"is {_shown(value, _ALMOST_TIME)}; {_said(fault)}"
        case "bad_format":
            return f"is {_kind(value)} of another form; expected {context['pattern']}"
        case _:
            expected = context.get("expected_tags")
            said = f"expected one of {expected}" if expected else _said(fault)
            return f"is {_kind(value)}; {said}"


def _path(topic: str, fault: ErrorDetails) -> str:
    """Where the fault is, such as `$.items[0].quantity`."""
    if fault["type"].startswith("union_tag"):
        return "$.type"
    # In a union of event types, pydantic puts the name of the chosen one first.
    is_union = get_origin(TOPICS[topic].value_type()) is Annotated
    loc = fault["loc"][1:] if is_union else fault["loc"]
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)


def _said(fault: ErrorDetails) -> str:
    text = fault["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return text if text.startswith("expected") else f"expected {text}"


def _limits(context: dict[str, Any]) -> str:
    signs = {"ge": ">=", "le": "<=", "min_length": "at least", "max_length": "at most"}
    return " and ".join(f"{sign} {context[key]}" for key, sign in signs.items() if key in context)


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, float):
        return "a number with a decimal point"
    return _KINDS.get(type(value), "a number")


def _shown(value: Any, allowed: re.Pattern[str]) -> str:
    if isinstance(value, str) and allowed.fullmatch(value):
        return repr(value)
    return f"a string of {len(value)} characters" if isinstance(value, str) else _kind(value)
