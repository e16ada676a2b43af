"""The whole contract as one AsyncAPI 3.0 document, from the point of view of orderwatch.

What only orderwatch writes is sent; what others write is received, also where nothing of ours reads it.
Changelogs are nobody's contract and left out.
"""

from __future__ import annotations

from typing import Any

import yaml

from schemas.compat import CONTRACT_VERSION
from schemas.generate.json_schema import schema_of
from schemas.topics import TOPICS, Topic

_BINDING_VERSION = "0.5.0"
_HEADER = "# Written by `python -m schemas.generate`, do not edit.\n"
_CLOUD_EVENT = "application/cloudevents+json"
# The producers of the registry that are part of orderwatch.
_OURS = frozenset({"detect", "stock", "notify", "inbox", "orderwatch command line"})
_DESCRIPTION = (
    "Events of a shop in, alerts about suspicious orders out. A topic's name on Kafka is the setting"
    " ORDERWATCH_TOPIC_PREFIX followed by its address. All channels that say no number of partitions"
    " have the same, ORDERWATCH_PARTITIONS, and a record lies in the one that Java's default partitioner"
    " (murmur2) gives its key; an event that lies elsewhere is refused."
)


def document() -> dict[str, Any]:
    """The document as plain data."""
    topics = [topic for topic in TOPICS.values() if topic.direction != "internal"]
    schemas: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    channels = {topic.name: _channel(topic, messages, schemas) for topic in topics}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "orderwatch",
            "version": f"{CONTRACT_VERSION}.0.0",
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": {_operation_id(topic): _operation(topic) for topic in topics},
        "components": {
            "messages": dict(sorted(messages.items())),
            "schemas": dict(sorted(schemas.items())),
        },
    }


def render() -> str:
    """The document as the text of its file."""
    return _HEADER + yaml.dump(
        document(), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=100
    )


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        # Anchors are legal YAML, but few tools for AsyncAPI expect them.
        return True


def _operation_id(topic: Topic) -> str:
    return f"{_action(topic)}-{topic.name}"


def _action(topic: Topic) -> str:
    is_sent = topic.direction == "output" and _OURS.issuperset(topic.producers)
    return "send" if is_sent else "receive"


def _operation(topic: Topic) -> dict[str, Any]:
    reads, writes = ", ".join(topic.consumers), ", ".join(topic.producers)
    return {
        "action": _action(topic),
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "summary": f"Written by {writes}; read by {reads}.",
    }


def _channel(topic: Topic, messages: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    added = _messages(topic, schemas)
    messages.update(added)
    configuration: dict[str, Any] = {
        "cleanup.policy": [topic.cleanup_policy],
        "retention.ms": topic.retention_ms,
        "max.message.bytes": topic.max_message_bytes,
    }
    kafka: dict[str, Any] = {"topicConfiguration": configuration}
    if isinstance(topic.partitions, int):
        kafka["partitions"] = topic.partitions
    return {
        "address": topic.name,
        "description": topic.description,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in added},
        "bindings": {"kafka": {**kafka, "bindingVersion": _BINDING_VERSION}},
    }


def _messages(topic: Topic, schemas: dict[str, Any]) -> dict[str, Any]:
    if topic.value == "bytes":
        name = topic.name.title().replace("-", "")
        return {name: _raw_message(name, topic)}
    root = _moved(schema_of(topic))
    definitions = root.pop("$defs", {})
    for name, schema in definitions.items():
        if schemas.setdefault(name, schema) != schema:
            raise ValueError(f"two different schemas are called {name}")
    if "oneOf" in root:
        names = [branch["$ref"].rpartition("/")[2] for branch in root["oneOf"]]
    else:
        # A topic with one model: the schema itself is the definition.
        names = [topic.value_type().__name__]
        schemas[names[0]] = {k: v for k, v in root.items() if k not in ("$schema", "$id", "title")}
    return {name: _message(name, topic) for name in names}


def _moved(node: Any) -> Any:
    """The same schema with its definitions under `components`."""
    if isinstance(node, dict):
        return {
            key: value.replace("#/$defs/", "#/components/schemas/")
            if key == "$ref"
            else _moved(value)
            for key, value in node.items()
        }
    return [_moved(item) for item in node] if isinstance(node, list) else node


def _key(topic: Topic) -> dict[str, Any]:
    key = {"type": "string", "description": topic.key}
    return {"kafka": {"key": key, "bindingVersion": _BINDING_VERSION}}


def _message(name: str, topic: Topic) -> dict[str, Any]:
    message: dict[str, Any] = {
        "name": name,
        "payload": {"$ref": f"#/components/schemas/{name}"},
        "bindings": _key(topic),
    }
    if topic.name == "alerts":
        message["contentType"] = _CLOUD_EVENT
    return message


def _raw_message(name: str, topic: Topic) -> dict[str, Any]:
    headers = {
        header: {"type": "string", "description": text} for header, text in topic.headers.items()
    }
    return {
        "name": name,
        "contentType": "application/octet-stream",
        "headers": {"type": "object", "properties": headers},
        "payload": {"type": "string", "format": "binary", "description": topic.description},
        "bindings": _key(topic),
    }
