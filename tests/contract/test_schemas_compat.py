"""No change of the contract breaks a reader or a writer without a new version."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

import schemas
from schemas import compat
from schemas.compat import breaking_changes
from schemas.generate.json_schema import json_topics, schema_of
from schemas.refusal import SUPPORTED_VERSIONS
from schemas.topics import TOPICS

GENERATED = Path(schemas.__file__).with_name("generated")


def _orders() -> dict[str, Any]:
    return copy.deepcopy(schema_of(TOPICS["orders"]))


def test_the_schemas_of_now_break_nobody() -> None:
    assert not compat.broken_by(GENERATED)


def test_every_topic_is_in_the_baseline() -> None:
    frozen = {path.name for path in compat.baseline().iterdir()}
    assert frozen == {f"{topic.name}.schema.json" for topic in json_topics()}


def test_the_current_version_is_supported() -> None:
    assert compat.CONTRACT_VERSION in SUPPORTED_VERSIONS


def _remove_field(schema: dict[str, Any]) -> None:
    del schema["$defs"]["OrderCreated"]["properties"]["channel"]


def _require_field(schema: dict[str, Any]) -> None:
    schema["$defs"]["OrderCreated"]["required"].append("channel")


def _add_required_field(schema: dict[str, Any]) -> None:
    schema["$defs"]["OrderItem"]["properties"]["colour"] = {"type": "string"}
    schema["$defs"]["OrderItem"]["required"].append("colour")


def _change_type(schema: dict[str, Any]) -> None:
    schema["$defs"]["OrderItem"]["properties"]["quantity"] = {"type": "string"}


def _refuse_null(schema: dict[str, Any]) -> None:
    schema["$defs"]["OrderCreated"]["properties"]["receiver"] = {"$ref": "#/$defs/Receiver"}


def _narrow_enum(schema: dict[str, Any]) -> None:
    schema["$defs"]["OrderClosed"]["properties"]["closed_by"]["enum"].remove("system")


def _add_enum(schema: dict[str, Any]) -> None:
    schema["$defs"]["OrderItem"]["properties"]["item_id"]["enum"] = ["i1"]


def _raise_minimum(schema: dict[str, Any]) -> None:
    schema["$defs"]["OrderItem"]["properties"]["unit_price_minor"]["minimum"] = 1


def _lower_max_items(schema: dict[str, Any]) -> None:
    schema["$defs"]["OrderCreated"]["properties"]["items"]["maxItems"] = 100


def _change_pattern(schema: dict[str, Any]) -> None:
    schema["$defs"]["OrderCreated"]["properties"]["shop_id"]["pattern"] = "^shop"


def _remove_event_type(schema: dict[str, Any]) -> None:
    schema["oneOf"] = [b for b in schema["oneOf"] if not b["$ref"].endswith("OrderFinished")]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_remove_field, "$<created>.channel is gone"),
        (_require_field, "$<created>.channel is required now"),
        (_add_required_field, "$<created>.items[].colour is required now"),
        (_change_type, "$<created>.items[].quantity was integer and is string now"),
        (_refuse_null, "$<created>.receiver no longer takes null"),
        (_narrow_enum, "$<closed>.closed_by no longer takes ['system']"),
        (_add_enum, "$<created>.items[].item_id now takes only ['i1']"),
        (_raise_minimum, "$<created>.items[].unit_price_minor has minimum 1, it was 0"),
        (_lower_max_items, "$<created>.items has maxItems 100, it was 200"),
        (_change_pattern, "$<created>.shop_id has another pattern: ^shop"),
        (_remove_event_type, "$ no longer takes finished"),
    ],
)
def test_a_breaking_change_is_named(change: Any, says: str) -> None:
    before, after = _orders(), _orders()
    change(after)
    assert says in breaking_changes(before, after)


def _add_optional_field(schema: dict[str, Any]) -> None:
    schema["$defs"]["OrderCreated"]["properties"]["note"] = {"type": "string", "default": ""}


def _widen_enum(schema: dict[str, Any]) -> None:
    schema["$defs"]["OrderClosed"]["properties"]["closed_by"]["enum"].append("court")


def _widen_limits(schema: dict[str, Any]) -> None:
    quantity = schema["$defs"]["OrderItem"]["properties"]["quantity"]
    quantity["minimum"] = 0
    del quantity["maximum"]


def _allow_null(schema: dict[str, Any]) -> None:
    properties = schema["$defs"]["OrderCreated"]["properties"]
    properties["free_shipping"] = {"anyOf": [properties["free_shipping"], {"type": "null"}]}


def _add_event_type(schema: dict[str, Any]) -> None:
    split = copy.deepcopy(schema["$defs"]["OrderFinished"])
    split["properties"]["type"]["const"] = "split"
    schema["$defs"]["OrderSplit"] = split
    schema["oneOf"].append({"$ref": "#/$defs/OrderSplit"})


def _reword(schema: dict[str, Any]) -> None:
    schema["$defs"]["OrderCreated"]["description"] = "Otherwise."
    schema["title"] = "Otherwise"


@pytest.mark.parametrize(
    "change",
    [_add_optional_field, _widen_enum, _widen_limits, _allow_null, _add_event_type, _reword],
)
def test_a_compatible_change_passes(change: Any) -> None:
    before, after = _orders(), _orders()
    change(after)
    assert breaking_changes(before, after) == []


def test_free_values_of_a_map_may_not_be_bound_later() -> None:
    before = {"type": "object", "additionalProperties": True}
    after = {"type": "object", "additionalProperties": {"type": "integer"}}
    assert breaking_changes(before, after) == ["${} was anything and is integer now"]


def test_a_break_says_what_to_do_and_is_not_frozen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compat, "BASELINE_PATH", tmp_path / "baseline")
    generated = tmp_path / "generated"
    generated.mkdir()
    file = generated / "orders.schema.json"
    file.write_text(json.dumps(_orders()), "utf-8")
    assert compat.freeze(generated) == []
    frozen = compat.baseline() / "orders.schema.json"
    after = _orders()
    _remove_field(after)
    file.write_text(json.dumps(after), "utf-8")
    (message,) = compat.freeze(generated)
    assert "orders.schema.json: $<created>.channel is gone. " in message
    assert "raise CONTRACT_VERSION in schemas/compat.py" in message
    assert json.loads(frozen.read_text("utf-8")) == _orders()
    file.unlink()
    (message,) = compat.broken_by(generated)
    assert "the topic is gone" in message
