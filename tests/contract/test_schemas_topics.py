"""The registry: what Kafka is told about each topic, and what the registry refuses to say."""

from __future__ import annotations

import ast
import importlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from schemas import topics
from schemas.base import Contract
from schemas.generate.structs import _models
from schemas.topics import BUYER_TOPICS, INPUT_TOPICS, ITEM_TOPICS, TOPICS
from streams.detect.partition import SUBJECTS
from streams.inbox import consumer
from streams.kafka import deadletters
from streams.notify.turns import TIMERS_TOPIC
from streams.stock import service as stock
from streams.subscriber.client import ALERTS_TOPIC

MIB = 1024 * 1024


def test_input_topics_take_large_records_and_side_topics_room_for_headers() -> None:
    assert {TOPICS[name].max_message_bytes for name in INPUT_TOPICS} == {4 * MIB}
    assert {TOPICS[name].max_message_bytes for name in ("dead-letters", "late")} == {5 * MIB}


def test_a_changelog_is_compacted_soon() -> None:
    for name in ("buyer-state", "subject-state"):
        assert TOPICS[name].kafka_config() == {
            "cleanup.policy": "compact",
            "retention.ms": "-1",
            "max.message.bytes": str(4 * MIB),
            "segment.ms": "600000",
            "min.cleanable.dirty.ratio": "0.1",
        }


def test_an_ordinary_topic_is_kept_by_age() -> None:
    assert TOPICS["orders"].kafka_config() == {
        "cleanup.policy": "delete",
        "retention.ms": str(30 * 86_400_000),
        "max.message.bytes": str(4 * MIB),
    }


def test_topics_that_are_read_together_have_the_same_number_of_partitions() -> None:
    by_key = [*BUYER_TOPICS, *ITEM_TOPICS, "signals", "alerts", "buyer-state", "subject-state"]
    assert {TOPICS[name].partition_count(12) for name in by_key} == {12}
    assert TOPICS["control"].partition_count(12) == 1


def test_input_topics_are_about_buyers_or_items() -> None:
    assert set(BUYER_TOPICS) | set(ITEM_TOPICS) == set(INPUT_TOPICS)
    assert ITEM_TOPICS == ("stock", "listings")
    assert len(BUYER_TOPICS) == 14


def test_bytes_have_no_model() -> None:
    with pytest.raises(ValueError, match="carries bytes"):
        TOPICS["late"].value_type()


def test_every_model_of_an_event_belongs_to_a_topic() -> None:
    registered = {
        name
        for topic in INPUT_TOPICS
        for name in str(topics.value_adapter(topic).core_schema).split("'")
    }
    bases = {base for model in _models() for base in model.__mro__[1:]}
    leaves = {m for m in _models() if m not in bases and issubclass(m, Contract)}
    assert {model.__name__ for model in leaves} <= registered


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("partitons: buyer", "partitons"),
        ("partitions: 0", "partitions"),
        ("schema: null", "a schema belongs to value: json"),
        ("retention_days: null", "retention_days or by key"),
        ("cleanup_policy: forget", "cleanup_policy"),
        ("producers: []", "producers"),
    ],
)
def test_a_registry_that_makes_no_sense_is_refused(change: str, says: str, tmp_path: Path) -> None:
    text = topics.REGISTRY_PATH.read_text("utf-8")
    file = tmp_path / "topics.yaml"
    key = change.partition(":")[0]
    head, orders, rest = text.partition("  orders:\n")
    kept = [line for line in rest.splitlines() if not line.startswith(f"    {key}: ")]
    file.write_text("\n".join([head + orders + f"    {change}", *kept]), "utf-8")
    with pytest.raises(ValidationError, match=says):
        topics.load(file)


ROOT = Path(__file__).parents[2]
OUTPUTS = {topic.name for topic in TOPICS.values() if topic.direction == "output"}


def published_by(service: str) -> set[str]:
    """The topics that a service names where it makes an `Outgoing`, itself or as a constant."""
    found = set()
    for path in (ROOT / "streams" / service).rglob("*.py"):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Outgoing":
                topic = node.args[0]
                if isinstance(topic, ast.Constant):
                    found.add(topic.value)
                elif isinstance(topic, ast.Name):
                    found.add(getattr(importlib.import_module(module), topic.id, ""))
    return found & OUTPUTS


@pytest.mark.parametrize("service", ["stock", "notify", "inbox"])
def test_output_topics_name_the_services_that_write_them(service: str) -> None:
    said = {name for name in OUTPUTS if service in TOPICS[name].producers}
    assert said == published_by(service)


def test_topics_name_the_services_that_read_them() -> None:
    read_by = {
        "detect": {*BUYER_TOPICS, *SUBJECTS.topics, "buyer-state", "subject-state"},
        # Its own decisions once, at the start, for what its file has lost.
        "stock": {*stock.TOPICS, "stock-adjustments"},
        "notify": {ALERTS_TOPIC, TIMERS_TOPIC},
        "inbox": {*consumer.TOPICS},
        "subscribers": {ALERTS_TOPIC},
        "orderwatch command line": {deadletters.TOPIC},
    }
    for service, topics_read in read_by.items():
        said = {topic.name for topic in TOPICS.values() if service in topic.consumers}
        assert said == topics_read, service


def test_topics_of_bytes_name_every_header_that_is_written() -> None:
    at = datetime(2026, 11, 11, tzinfo=UTC)
    written = {name for name, _ in deadletters.headers("late", "why", "orders", 0, 1, at)}
    assert TOPICS["late"].headers.keys() == written
    assert TOPICS["dead-letters"].headers.keys() == written | {deadletters.REPLAYED}
