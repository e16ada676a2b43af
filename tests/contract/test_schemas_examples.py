"""Every example is what its name says, to every reader of the contract, and none is forgotten."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from schemas import fast
from schemas.generate.json_schema import json_topics, schema_of
from schemas.refusal import REASONS, explain
from schemas.topics import EXAMPLES_PATH, INPUT_TOPICS, TOPICS, value_adapter
from tests.contract.record_examples import RECORD_TOPICS
from tests.contract.record_examples import load as load_records
from tests.contract.schema_examples import Example, load

EXAMPLES = load()
ALLOWED = [example for example in EXAMPLES if example.kind in ("good", "odd")]
BAD = [example for example in EXAMPLES if example.kind == "bad"]
BAD_VALUES = [
    example
    for example in BAD
    if example.expect not in ("empty", "not_utf8", "invalid_json", "duplicate_key")
]
# Which days a month has is no pattern, and to JSON Schema 995.0 is an integer.
FINE_BY_SCHEMA = {"orders/bad_no_such_day", "orders/bad_amount_as_float"}


def _ids(example: Example) -> str:
    return example.name


@pytest.mark.parametrize("example", ALLOWED, ids=_ids)
def test_an_allowed_example_is_taken_by_every_reader(example: Example) -> None:
    value_adapter(example.topic).validate_json(example.raw)
    Draft202012Validator(schema_of(TOPICS[example.topic])).validate(json.loads(example.raw))
    if example.topic in INPUT_TOPICS:
        event = fast.decode_event(example.topic, example.raw)
        line = b'{"topic":"%s","value":%s}' % (example.topic.encode(), example.raw)
        assert fast.decode_line(line) == (example.topic, event)


@pytest.mark.parametrize("example", BAD, ids=_ids)
def test_a_bad_example_is_refused_for_the_reason_that_it_names(example: Example) -> None:
    assert example.expect in REASONS
    if example.topic in INPUT_TOPICS:
        with pytest.raises(fast.Refused) as refused:
            fast.decode_event(example.topic, example.raw)
        assert refused.value.reason == example.expect
    else:
        with pytest.raises(ValidationError):
            value_adapter(example.topic).validate_json(example.raw)
        assert explain(example.topic, example.raw, None).reason == example.expect


@pytest.mark.parametrize("example", BAD_VALUES, ids=_ids)
def test_a_bad_value_is_refused_by_the_published_schema_too(example: Example) -> None:
    schema = Draft202012Validator(schema_of(TOPICS[example.topic]))
    assert schema.is_valid(json.loads(example.raw)) == (example.name in FINE_BY_SCHEMA)


def test_every_folder_of_examples_belongs_to_a_topic() -> None:
    folders = {path.name for path in EXAMPLES_PATH.iterdir()}
    assert folders == {topic.name for topic in json_topics()} | set(RECORD_TOPICS)


def test_every_file_of_an_example_folder_is_an_example() -> None:
    files = {path for path in EXAMPLES_PATH.rglob("*") if path.is_file()}
    assert files == {example.path for example in (*EXAMPLES, *load_records())}
    assert {example.kind for example in EXAMPLES} == {"good", "odd", "bad"}


@pytest.mark.parametrize("topic", [topic.name for topic in json_topics()])
def test_every_topic_has_good_odd_and_bad_examples(topic: str) -> None:
    kinds = {example.kind for example in EXAMPLES if example.topic == topic}
    assert kinds == {"good", "odd", "bad"}


def test_every_event_type_has_a_good_example() -> None:
    shown = {
        type(fast.decode_event(example.topic, example.raw)).__name__
        for example in EXAMPLES
        if example.kind == "good" and example.topic in INPUT_TOPICS
    }
    bases = {base.__name__ for kind in fast.types.values() for base in kind.__mro__[1:]}
    assert shown == set(fast.types) - bases


def test_every_reason_for_a_value_has_an_example() -> None:
    shown = {example.expect for example in BAD}
    # A topic is no part of a value; its reason is shown where lines of files are read.
    assert shown == set(REASONS) - {"unknown_topic"}
