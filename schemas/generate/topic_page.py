"""The page docs/topics.md, from the registry."""

from __future__ import annotations

import inspect
from typing import get_args, get_origin

from schemas.generate.field_table import field_table
from schemas.topics import TOPICS, Topic

_INTRO = """\
# Topics

<!-- Written by `python -m schemas.generate` from schemas/topics.yaml, do not edit. -->

Every topic that orderwatch reads or writes.
A name on Kafka is the setting `ORDERWATCH_TOPIC_PREFIX` followed by the name below.
Partitions *buyer*, *item* and *subject* mean the number that `ORDERWATCH_PARTITIONS` says.
It is the same for all of them, because their records are read together by key.
The contract as one document: [asyncapi.yaml](../schemas/generated/asyncapi.yaml).

Every event of the input has `event_id`, `schema_version` (1), `occurred_at`, `shop_id` and `type`.
It has a `buyer_id` too, those of `stock` and `listings` an `item_id`.
The tables name all other fields, and the types of event in which each **must** or may stand.
Which of them a platform's messages become: [what platforms say](platforms.md).
"""
_HEADINGS = {
    "input": "Input: what happened in the shop",
    "output": "Output: what orderwatch says",
    "internal": "Internal: changelogs",
}


def render() -> str:
    """The page as text."""
    parts = [_INTRO]
    for direction, heading in _HEADINGS.items():
        topics = [topic for topic in TOPICS.values() if topic.direction == direction]
        parts.append(f"\n## {heading}\n\n{_overview(topics)}")
        parts += [f"\n{_section(topic)}" for topic in topics]
    return "".join(parts)


def _overview(topics: list[Topic]) -> str:
    rows = [f"| [{t.name}](#{t.name}) | {t.description} |\n" for t in topics]
    return "| topic | what it carries |\n|---|---|\n" + "".join(rows)


def _section(topic: Topic) -> str:
    rows = {
        "Key": f"`{topic.key}`" if topic.key.isidentifier() or ":" in topic.key else topic.key,
        "Partitions": str(topic.partitions),
        "Kept": _kept(topic),
        "Largest record": f"{topic.max_message_bytes // 1024} KiB",
        "Written by": ", ".join(topic.producers),
        "Read by": ", ".join(topic.consumers),
        "Compatibility": topic.compat,
    }
    if topic.value == "json":
        file = f"{topic.name}.schema.json"
        rows["Schema"] = f"[{file}](../schemas/generated/{file})"
    if topic.examples.is_dir():
        rows["Examples"] = f"[schemas/examples/{topic.name}](../schemas/examples/{topic.name})"
    table = "".join(f"| {name} | {value} |\n" for name, value in rows.items())
    head = f"### {topic.name}\n\n{topic.description}\n\n| | |\n|---|---|\n{table}"
    fields = field_table(topic) if topic.direction == "input" else ""
    return head + _messages(topic) + fields + _headers(topic)


def _kept(topic: Topic) -> str:
    if topic.retention_days is None:
        return "the newest record of each key (compacted)"
    return f"{topic.retention_days} days"


def _messages(topic: Topic) -> str:
    if topic.value == "bytes":
        return ""
    value = topic.value_type()
    # Annotated[A | B, discriminator], or one model.
    models = get_args(get_args(value)[0]) if get_origin(value) is not None else (value,)
    rows = []
    for model in models:
        kind = model.model_fields.get("type")
        tag = get_args(kind.annotation)[0] if kind else ""
        summary = (inspect.getdoc(model) or "").splitlines()[0]
        rows.append(f"| {f'`{tag}`' if tag else ''} | {model.__name__} | {summary} |\n")
    return "\n| `type` | model | meaning |\n|---|---|---|\n" + "".join(rows)


def _headers(topic: Topic) -> str:
    if not topic.headers:
        return ""
    rows = "".join(f"| `{name}` | {text} |\n" for name, text in topic.headers.items())
    return "\n| header | what it says |\n|---|---|\n" + rows
