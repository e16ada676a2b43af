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
