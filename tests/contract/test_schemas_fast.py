"""The fast decoder's own rules: lines, keys, what a refusal says, and what it must never say."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from schemas import fast, fast_types
from schemas.generate import structs
from schemas.topics import INPUT_TOPICS, TOPICS

ORDER: dict[str, Any] = {
    "event_id": "e1",
    "schema_version": 1,
    "type": "created",
    "occurred_at": "2026-11-11T20:00:00+08:00",
    "shop_id": "shop1",
    "buyer_id": "b42",
    "order_id": "o1",
    "items": [{"item_id": "i1", "quantity": 5, "unit_price_minor": 19900}],
    "currency": "CNY",
    "amount_minor": 99500,
}
LEVEL: dict[str, Any] = {
    "event_id": "e2",
    "schema_version": 1,
    "type": "level",
    "occurred_at": "2026-11-11T12:00:00Z",
    "shop_id": "shop1",
    "item_id": "i1",
    "on_hand": 7,
}


def _raw(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def _refusal(decode: Callable[[], object]) -> fast.Refused:
    with pytest.raises(fast.Refused) as refused:
        decode()
    return refused.value


def test_dispatch_is_on_the_class_and_defaults_are_those_of_the_model() -> None:
    event = fast.decode_event("orders", _raw(ORDER))
    assert type(event) is fast_types.OrderCreated is fast.types["OrderCreated"]
    assert event.type == "created"
    assert (event.post_fee_minor, event.receiver, event.free_shipping) == (0, None, False)
    assert event.occurred_at.utcoffset() is not None


def test_events_are_frozen() -> None:
    event = fast.decode_event("orders", _raw(ORDER))
    with pytest.raises(AttributeError):
        event.shop_id = "shop2"  # type: ignore[misc]


def test_a_mutable_default_is_not_shared() -> None:
    body = {**LEVEL, "type": "changed"}
    first, second = (fast.decode_event("listings", _raw(body)) for _ in range(2))
    assert isinstance(first, fast_types.ListingChanged)
    assert isinstance(second, fast_types.ListingChanged)
    assert first.excluded_regions is not second.excluded_regions


def test_the_key_names_shop_and_buyer_or_item() -> None:
    assert fast.key_of(fast.decode_event("orders", _raw(ORDER))) == "shop1:b42"
    assert fast.key_of(fast.decode_event("stock", _raw(LEVEL))) == "shop1:i1"


def test_every_event_class_has_a_key() -> None:
    for kind in fast.types.values():
        if kind is not fast_types.Event:
            assert issubclass(kind, fast_types.BuyerEvent | fast_types.ItemEvent)


def test_the_partition_class_of_a_topic_follows_from_its_events() -> None:
    for topic in INPUT_TOPICS:
        union = fast._union(topic)
        is_item = TOPICS[topic].partitions == "item"
        base = fast_types.ItemEvent if is_item else fast_types.BuyerEvent
        assert all(issubclass(kind, base) for kind in getattr(union, "__args__", [union]))


def test_a_line_names_its_topic_whatever_else_it_holds() -> None:
    line = {"value": LEVEL, "key": None, "note": [1], "topic": "stock"}
    assert fast.decode_line(_raw(line)) == ("stock", fast.decode_event("stock", _raw(LEVEL)))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"\xff", "not_utf8"),
        (b"{", "invalid_json"),
        (b"[" * 100_000, "invalid_json"),
        (b"[]", "wrong_type"),
        (b'{"value":{}}', "missing_field"),
        (b'{"topic":"stock"}', "missing_field"),
        (b'{"topic":1,"value":{}}', "wrong_type"),
        (b'{"topic":"alerts","value":{}}', "unknown_topic"),
        (b'{"topic":"chats","value":7}', "wrong_type"),
        (b'{"topic":"stock","value":' + _raw({**LEVEL, "on_hand": -1}) + b"}", "out_of_range"),
        (b'{"topic":"stock","value":' + _raw({**LEVEL, "shop_id": "a:b"}) + b"}", "bad_format"),
        (b'{"topic":"stock","topic":"orders","value":' + _raw(ORDER) + b"}", "duplicate_key"),
    ],
)
def test_a_bad_line_is_refused_with_its_reason(line: bytes, reason: str) -> None:
    refused = _refusal(lambda: fast.decode_line(line))
    assert refused.reason == reason
    assert reason in fast.REASONS


@pytest.mark.parametrize("first", ["+8613812345678", "\\u001b[2J", "' - at `$.name`"])
def test_a_key_given_twice_is_told_by_its_place_and_not_by_what_stands_there(first: str) -> None:
    body = _raw(ORDER).replace(b'"type":', f'"type":"{first}","type":'.encode(), 1)
    refused = _refusal(lambda: fast.decode_event("orders", body))
    assert refused.reason == "duplicate_key"
    assert str(refused).startswith(
        "orders: a key occurs twice at $.type, and not all its values are allowed."
    )


@pytest.mark.parametrize(
    ("prefix", "named"),
    [
        (b"\xef\xbb\xbf", "a byte order mark"),
        (b"\x00\x00\x00\x00\x07", "a schema registry"),
        (b"\x00\x00\x00\x01\x90", "a schema registry"),
    ],
)
def test_what_a_library_puts_before_the_json_is_named(prefix: bytes, named: str) -> None:
    refused = _refusal(lambda: fast.decode_event("orders", prefix + _raw(ORDER)))
    assert refused.reason == "invalid_json"
    assert named in str(refused)


def test_a_topic_that_is_no_input_is_refused() -> None:
    assert _refusal(lambda: fast.decode_event("alerts", b"{}")).reason == "unknown_topic"


def test_an_event_of_the_future_says_so_whatever_else_is_new() -> None:
    body = {**ORDER, "schema_version": 2, "type": "split", "amount_minor": "?"}
    refused = _refusal(lambda: fast.decode_event("orders", _raw(body)))
    assert refused.reason == "unsupported_schema_version"
    assert "$.schema_version is 2; expected 1" in str(refused)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"amount_minor": -5}, "$.amount_minor is -5; expected >= 0"),
        ({"type": "paid"}, "$.type is 'paid'; expected 'created', 'address_changed'"),
        ({"items": [{**ORDER["items"][0], "quantity": 0}]}, "$.items[0].quantity is 0"),
        ({"occurred_at": "2026-11-11"}, "is '2026-11-11'; expected an RFC 3339 time"),
        ({"currency": "RENMINBI"}, "$.currency has length 8; expected at most 3"),
        ({"receiver": {"phone": 138}}, "$.receiver.phone is a number; expected a valid string"),
        ({"amount_minor": None, "order_id": 1}, "$.order_id is a number"),
        ({"shop_id": "a:b"}, "a colon separates the parts of a record key"),
        (
            {"amount_minor": 404.95},
            "a number with a decimal point; expected a valid integer; money is",
        ),
        (
            {"items": [{**ORDER["items"][0], "unit_price_minor": "1.00"}]},
            "in the smallest unit of its",
        ),
        ({"currency": "RENMINBI"}, "ISO 4217 in capitals, such as CNY"),
        ({"buyer_id": None}, "a guest has an id too"),
        ({"buyer_id": ""}, "a guest has an id too"),
        ({"order_id": 1, "amount_minor": "1"}, "(at fault too: $.amount_minor)."),
    ],
)
def test_a_refusal_says_where_what_and_what_was_expected(change: dict[str, Any], says: str) -> None:
    text = str(_refusal(lambda: fast.decode_event("orders", _raw({**ORDER, **change}))))
    assert says in text
    assert text.startswith("orders: ")
    assert text.endswith(("same event_id.", "producers.", "mapping."))


@pytest.mark.parametrize(
    "change",
    [
        {"receiver": {"phone": 13800138000}},
        {"receiver": {"name": "13800138000" * 40}},
        {"receiver": "13800138000"},
        {"occurred_at": "13800138000"},
        {"type": "13800138000"},
        {"type": 13800138000},
        {"shop_id": "13800138000:1"},
        {"schema_version": "13800138000"},
        {"free_shipping": "13800138000"},
        {"items": ["13800138000"]},
        {"order_id": ["13800138000"]},
    ],
)
def test_a_refusal_quotes_no_personal_data(change: dict[str, Any]) -> None:
    text = str(_refusal(lambda: fast.decode_event("orders", _raw({**ORDER, **change}))))
    assert "13800138000" not in text


def test_other_faults_are_named_by_their_place_up_to_a_number() -> None:
    lines = [{**ORDER["items"][0], "item_id": 1} for _ in range(9)]
    text = str(_refusal(lambda: fast.decode_event("orders", _raw({**ORDER, "items": lines}))))
    assert "$.items[0].item_id is a number" in text
    assert "(at fault too: $.items[1].item_id, " in text
    assert "$.items[5].item_id, …)." in text
    assert "$.items[6]" not in text


def test_a_buyer_id_that_is_a_number_is_not_that_of_a_guest() -> None:
    text = str(_refusal(lambda: fast.decode_event("orders", _raw({**ORDER, "buyer_id": 7}))))
    assert "guest" not in text


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (
            json.dumps(json.dumps(ORDER)).encode(),
            "$ is a string; expected an object; its JSON is enc",
        ),
        (_raw({"topic": "orders", "value": ORDER}), "this is a line of an event file"),
        (_raw({"topic": "orders", "value": {**ORDER, "type": "created"}}), '"value" is sent'),
    ],
)
def test_a_body_that_was_wrapped_is_told_from_a_wrong_one(body: bytes, says: str) -> None:
    assert says in str(_refusal(lambda: fast.decode_event("orders", body)))


def test_a_bug_in_the_caller_is_no_refusal() -> None:
    with pytest.raises(AttributeError):
        fast.decode_event("orders", None)  # type: ignore[arg-type]


def test_a_construct_without_a_counterpart_is_not_generated() -> None:
    with pytest.raises(TypeError, match="no rule for the type"):
        structs._plain(dict[str, int], {}, {}, set())
