"""JSON Schema (Draft 2020-12) of every topic that carries JSON, one self-contained document each."""

from __future__ import annotations

import json
from typing import Any

from schemas.compat import CONTRACT_VERSION
from schemas.topics import TOPICS, Topic, value_adapter


def json_topics() -> list[Topic]:
    """The topics that have a schema."""
    return [topic for topic in TOPICS.values() if topic.value == "json"]


def schema_of(topic: Topic) -> dict[str, Any]:
    """The schema of a topic's values."""
    body = value_adapter(topic.name).json_schema(mode="validation")
    _drop_openapi_words(body)
    _tell_long_integers(body)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:orderwatch:schema:v{CONTRACT_VERSION}:{topic.name}",
        **body,
        "title": topic.name,
        "description": topic.description,
    }


def render(topic: Topic) -> str:
    """The schema as the text of its file."""
    return json.dumps(schema_of(topic), indent=2, ensure_ascii=False) + "\n"


def _tell_long_integers(node: Any) -> None:
    """Add the format `int64` where a number may not fit 32 bits: generators for Java make it an `int` else.

    As a format it binds no validator, and narrows nothing that a reader or a writer knew.
    """
    if isinstance(node, list):
        for item in node:
            _tell_long_integers(item)
    elif isinstance(node, dict):
        if node.get("type") == "integer" and "const" not in node and not _fits_32_bits(node):
            node["format"] = "int64"
        for value in node.values():
            _tell_long_integers(value)


def _fits_32_bits(number: dict[str, Any]) -> bool:
    least, most = number.get("minimum"), number.get("maximum")
    return least is not None and most is not None and least >= -(2**31) and most < 2**31


def _drop_openapi_words(node: Any) -> None:
    """Remove `discriminator`: no word of JSON Schema, and AsyncAPI spells it differently."""
    if isinstance(node, list):
        for item in node:
            _drop_openapi_words(item)
    elif isinstance(node, dict):
        # A property that is called so would hold a schema with a type, not a mapping.
        if "propertyName" in node.get("discriminator", {}):
            del node["discriminator"]
        for value in node.values():
            _drop_openapi_words(value)
