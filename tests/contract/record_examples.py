"""Examples of the topics that carry records as they came: key, value and headers.

A value that is no text is given as `value_base64`. `good_` and `odd_` as for the other topics; there are
no bad ones, for nothing reads these values.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from schemas.topics import EXAMPLES_PATH, TOPICS
from tests.contract.schema_examples import ExampleFile

RECORD_TOPICS = [
    topic.name
    for topic in TOPICS.values()
    if topic.value == "bytes" and topic.direction == "output"
]


@dataclass(frozen=True)
class RecordExample(ExampleFile):
    """A record as it is written."""

    key: bytes | None
    value: bytes | None
    headers: Mapping[str, str]


def load() -> list[RecordExample]:
    """All of them, ordered by path."""
    return [
        _read(topic, path)
        for topic in RECORD_TOPICS
        for path in sorted((EXAMPLES_PATH / topic).iterdir())
    ]


def _read(topic: str, path: Path) -> RecordExample:
    document = json.loads(path.read_bytes())
    key, value = document["key"], document.get("value")
    return RecordExample(
        topic,
        path,
        None if key is None else key.encode(),
        base64.b64decode(document["value_base64"])
        if "value_base64" in document
        else None
        if value is None
        else value.encode(),
        document["headers"],
    )
