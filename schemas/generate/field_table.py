"""The fields of a topic's events as a table, from its JSON Schema.

The table says what is allowed, never what it means: whoever maps a platform reads that in docs/connect.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.base import BuyerEvent, ItemEvent
from schemas.generate.json_schema import schema_of
from schemas.topics import Topic

_OF_BUYERS = frozenset(BuyerEvent.model_fields) | {"type"}
_OF_ITEMS = frozenset(ItemEvent.model_fields) | {"type"}


def field_table(topic: Topic) -> str:
    """The table, with an empty line before it."""
    schema = schema_of(topic)
    defs = schema.get("$defs", {})
    # The fields of every event are said once for all topics.
    header = _OF_ITEMS if topic.key.endswith("item_id") else _OF_BUYERS
    events = {_type_of(body): body for body in _events(schema, defs)}
    rows: dict[str, _Row] = {}
    for kind, body in events.items():
        for name, value, is_required in _fields(body, defs, header):
            rows.setdefault(name, _Row(value)).add(kind, is_required)
    lines = [
        f"| `{name}` | {row.value} | {row.stands_in(events)} |\n" for name, row in rows.items()
    ]
    return "\n| field | value | in |\n|---|---|---|\n" + "".join(lines)


class _Row:
    """One field: what it may hold, and which types of event must or may have it."""

    def __init__(self, value: str) -> None:
        self.value = value
        self._required: list[str] = []
        self._optional: list[str] = []

    def add(self, kind: str, is_required: bool) -> None:
        (self._required if is_required else self._optional).append(kind)

    def stands_in(self, kinds: dict[str, Any]) -> str:
        parts = []
        for named, suffix in ((self._required, "**must**"), (self._optional, "may")):
            if named:
                of_all = len(named) == len(kinds)
                which = "every type" if of_all else ", ".join(f"`{kind}`" for kind in named)
                parts.append(f"{which}: {suffix}")
        return "; ".join(parts)


def _events(schema: dict[str, Any], defs: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "oneOf" not in schema:
        yield schema
        return
    for choice in schema["oneOf"]:
        yield _resolved(choice, defs)


def _type_of(body: dict[str, Any]) -> str:
    return str(body["properties"]["type"]["const"])


def _fields(
    body: dict[str, Any],
    defs: dict[str, Any],
    skipped: frozenset[str] = frozenset(),
    before: str = "",
) -> Iterator[tuple[str, str, bool]]:
    """Name, value and whether it is required, of each field and of those within it."""
    required = body.get("required", ())
    for name, value in body["properties"].items():
        if name in skipped:
            continue
        path = f"{before}{name}"
        plain = _plain(value, defs)
        yield path, _value(plain, value), name in required
        inner = _plain(plain.get("items", {}), defs) if plain.get("type") == "array" else plain
        if "properties" in inner:
            suffix = "[]." if inner is not plain else "."
            yield from _fields(inner, defs, before=path + suffix)


def _resolved(value: dict[str, Any], defs: dict[str, Any]) -> dict[str, Any]:
    reference = value.get("$ref")
    return defs[reference.rpartition("/")[2]] if reference else value


def _plain(value: dict[str, Any], defs: dict[str, Any]) -> dict[str, Any]:
    """What a field holds when it holds anything: references followed, null left out."""
    choices = [choice for choice in value.get("anyOf", ()) if choice.get("type") != "null"]
    return _resolved(choices[0] if choices else value, defs)


def _value(plain: dict[str, Any], field: dict[str, Any]) -> str:
    default = field.get("default")
    otherwise = "" if default in (None, "", []) else f"; `{_json(default)}` if left out"
    return _kind(plain) + otherwise


def _kind(plain: dict[str, Any]) -> str:
    if "enum" in plain:
        return ", ".join(f"`{value}`" for value in plain["enum"])
    match plain.get("type"):
        case "string" if plain.get("format") == "date-time":
            return "time with an offset"
        case "string" if plain.get("minLength") == plain.get("maxLength"):
            return f"text of {plain['maxLength']} characters"
        case "string":
            return f"text, at most {plain['maxLength']} characters"
        case "integer":
            return f"whole number, {_power(plain['minimum'])} to {_power(plain['maximum'])}"
        case "boolean":
            return "`true`, `false`"
        case "array":
            return f"list, {plain.get('minItems', 0)} to {plain['maxItems']}"
        case "object":
            return "object"
        case other:
            raise TypeError(f"no words for the type {other}")


def _power(number: int) -> str:
    sign, digits = ("-" if number < 0 else ""), str(abs(number))
    zeros = len(digits) - 1
    return f"{sign}10^{zeros}" if zeros > 4 and digits == "1" + "0" * zeros else str(number)


def _json(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
