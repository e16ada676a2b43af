"""The two decoders accept the same values and read the same out of them.

Where readers of JSON do not agree among themselves the law is weaker, and written out below: the
fast decoder may refuse what pydantic takes, but never reads something else.
"""

from __future__ import annotations

import copy
import itertools
import json
from datetime import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from schemas import fast
from schemas.topics import INPUT_TOPICS, value_adapter
from tests.contract.schema_examples import load

BODIES = [
    (example.topic, json.loads(example.raw))
    for example in load()
    if example.kind != "bad" and example.topic in INPUT_TOPICS
]
TIMES = st.from_regex(
    r"[0-9]{4}-[01][0-9]-[0-3][0-9][Tt _][0-2][0-9]:[0-6][0-9]:[0-6][0-9]"
    r"(\.[0-9]{0,12}|,5)?([Zz]|[+-][0-2][0-9]:?[0-6][0-9]|)",
    fullmatch=True,
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.sampled_from([10**9, 10**9 + 1, 10**15, 10**15 + 1, 2**63, 2**64, 10**40, -(10**40)]),
    st.sampled_from([0.0, -0.0, 1.0, 1.5, 1e300, 1e-320]),
    st.sampled_from(["", "1", "a:b", ":", "a\nb", "\n", "x" * 129, "😀" * 64, "😀" * 65, "\x00"]),
    st.sampled_from(["created", "message", "level", "other", "good", "CNY", "\ufeffCNY", "ＣＮＹ"]),
    st.text(max_size=5),
    TIMES,
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=4,
)


def _read_slowly(topic: str, raw: bytes) -> Any:
    try:
        return _plain(value_adapter(topic).validate_json(raw))
    except ValidationError:
        return None


def _read_fast(topic: str, raw: bytes) -> Any:
    try:
        return _plain(fast.decode_event(topic, raw))
    except fast.Refused as refused:
        assert refused.reason in fast.REASONS
        return None


def _plain(value: Any) -> Any:
    """A value with the class name of every node, so that 1 and True, or two events, differ."""
    match value:
        case BaseModel():
            fields = {name: getattr(value, name) for name in type(value).model_fields}
            return (type(value).__name__, _plain(fields))
        case msgspec.Struct():
            fields = {name: getattr(value, name) for name in value.__struct_fields__}
            if value.__struct_config__.tag is not None and "type" not in fields:
                fields["type"] = value.__struct_config__.tag
            return (type(value).__name__, _plain(fields))
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case datetime():
            return ("datetime", value, value.utcoffset())
        case _:
            return (type(value).__name__, value)


def _places(node: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all nodes below the root."""
    children = (
        node.items()
        if isinstance(node, dict)
        else enumerate(node)
        if isinstance(node, list)
        else ()
    )
    found = []
    for key, child in children:
        found += [(*at, key), *_places(child, (*at, key))]
    return found


def _put(body: dict[str, Any], place: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """A copy of `body` with another value at `place`, or without the place when `value` is ..."""
    changed = copy.deepcopy(body)
    *parents, last = place
    node: Any = changed
    for key in parents:
        node = node[key]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return changed


def _at(body: dict[str, Any], place: tuple[Any, ...]) -> Any:
    node: Any = body
    for key in place:
        node = node[key]
    return node


SUBSTITUTES = [
    ..., None, True, False, 0, 1, -1, 2, 1000, 1001, 10**9, 10**9 + 1, 10**15, 10**15 + 1, 2**64,
    10**40, -(10**9), -(10**9) - 1, 0.0, 1.0, 1.5, "1", "a:b", "\n", "created", "message",
    "2026-11-11T12:00:00Z", "2026-11-11T12:00:00", [], {}, [1], [None], [[]], {"a": 1}, [{}],
    *("二" * length for length in (0, 2, 3, 4, 64, 65, 128, 129, 256, 257, 8000, 8001)),
]  # fmt: skip
LENGTHS = (1, 99, 100, 101, 200, 201)


@pytest.mark.parametrize("topic", INPUT_TOPICS)
def test_every_place_with_every_substitute_is_read_alike(topic: str) -> None:
    for body in (body for name, body in BODIES if name == topic):
        for place in _places(body):
            repeated = [[_at(body, place)] * length for length in LENGTHS]
            # A list is also repeated as one, so that its limits are met with valid items.
            if isinstance(_at(body, place), list):
                repeated += [_at(body, place)[:1] * length for length in LENGTHS]
            for value in SUBSTITUTES + repeated:
                raw = json.dumps(_put(body, place, value)).encode()
                assert _read_fast(topic, raw) == _read_slowly(topic, raw), (place, value)


def test_every_spelling_of_a_time_is_read_alike() -> None:
    topic, body = BODIES[0]
    dates = ["2026-11-11", "2026-02-29", "2024-02-29", "0000-01-01", "0001-01-01", "9999-12-31"]
    clocks = ["20:00:00", "23:59:59", "24:00:00", "23:59:60", "20:60:00", "20:00", "200000"]
    fractions = ["", ".", ".1", ".123456", ".1234564", ".1234565", ".9999995", ".99999949", ",5"]
    offsets = ["Z", "z", "", "+08:00", "+0800", "+08", "-00:00", "+24:00", "-23:59", "+08:60"]
    for date, between, clock in itertools.product(dates, "Tt _", clocks):
        for fraction, offset in itertools.product(fractions, offsets):
            text = f"{date}{between}{clock}{fraction}{offset}"
            raw = json.dumps({**body, "occurred_at": text}).encode()
            assert _read_fast(topic, raw) == _read_slowly(topic, raw), text


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    topic, original = draw(st.sampled_from(BODIES))
    body = copy.deepcopy(original)
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.sampled_from(_places(body)))
        match draw(st.sampled_from(["drop", "replace", "time", "add"])):
            case "drop":
                body = _put(body, place, ...)
            case "replace":
                body = _put(body, place, draw(VALUES))
            case "time":
                body = _put(body, place, draw(TIMES))
            case "add":
                body[draw(st.text(max_size=6))] = draw(VALUES)
        if not body:
            break
    return topic, body


@settings(max_examples=600)
@given(mutated(), st.booleans(), st.sampled_from([None, 1]))
def test_changed_values_are_read_alike(
    case: tuple[str, dict[str, Any]], is_ascii: bool, indent: int | None
) -> None:
    topic, body = case
    raw = json.dumps(body, ensure_ascii=is_ascii, indent=indent).encode()
    slow = _read_slowly(topic, raw)
    assert _read_fast(topic, raw) == slow
    line = b'{"topic":%s,"value":%s}' % (json.dumps(topic).encode(), raw)
    try:
        read = fast.decode_line(line)
    except fast.Refused:
        assert slow is None
    else:
        assert read[0] == topic
        assert _plain(read[1]) == slow


@settings(max_examples=400)
@given(
    st.sampled_from(BODIES),
    st.booleans(),
    st.lists(
        st.tuples(st.integers(0, 10**6), st.integers(0, 2), st.binary(max_size=2)), max_size=3
    ),
)
def test_damaged_bytes_are_read_alike(
    case: tuple[str, dict[str, Any]], is_ascii: bool, damage: list[tuple[int, int, bytes]]
) -> None:
    topic, body = case
    raw = json.dumps(body, ensure_ascii=is_ascii).encode()
    for place, gone, put in damage:
        at = place % (len(raw) + 1)
        raw = raw[:at] + put + raw[at + gone :]
    assert _read_fast(topic, raw) == _read_slowly(topic, raw)


ODD_TOKENS = [
    r'"\ud800"', r'"\udc00\ud800"', r'"\ud83dx"', r'"\ud83d\ude00"', r'"\u0000"', r'"\x"', r'"\u12"',
    "01", "+1", "1.", ".5", "1e", "-", "-0", "0x1", "tru", "None", "'a'", "[1,]", "{1:2}", "{}}",
    '"\x01"', '"\t"', '"\x7f"', "//c\n1", "/**/1", "1 2", "", "1e999", '{"a":1,"a":2}',
]  # fmt: skip


@settings(max_examples=300)
@given(st.sampled_from(BODIES), st.sampled_from(ODD_TOKENS), st.data())
def test_odd_tokens_are_read_alike(
    case: tuple[str, dict[str, Any]], token: str, data: st.DataObject
) -> None:
    topic, body = case
    field = data.draw(st.sampled_from([*body, "unknown"]))
    raw = json.dumps({**body, field: "@@@"}).replace('"@@@"', token).encode()
    assert _read_fast(topic, raw) == _read_slowly(topic, raw)


@settings(max_examples=300)
@given(st.sampled_from(BODIES), st.data())
def test_of_a_repeated_key_every_value_is_checked_and_the_last_counts(
    case: tuple[str, dict[str, Any]], data: st.DataObject
) -> None:
    topic, body = case
    field = data.draw(st.sampled_from(sorted(body)))
    again = data.draw(st.one_of(VALUES, st.just(body[field])))
    pairs = [*body.items()]
    pairs.insert(data.draw(st.integers(0, len(pairs))), (field, again))
    members = ",".join(f"{json.dumps(key)}:{json.dumps(value)}" for key, value in pairs)
    raw = ("{" + members + "}").encode()
    quick, slow = _read_fast(topic, raw), _read_slowly(topic, raw)
    assert quick is None or quick == slow


def test_what_only_some_readers_call_json() -> None:
    topic, body = BODIES[0]
    for token, is_taken in [("NaN", False), ("-Infinity", False), ("[" * 300 + "]" * 300, True)]:
        raw = json.dumps({**body, "unknown": 0}).replace('"unknown": 0', f'"unknown": {token}')
        quick = _read_fast(topic, raw.encode())
        assert (quick is not None) == is_taken
        assert quick in (None, _read_slowly(topic, json.dumps(body).encode()))
