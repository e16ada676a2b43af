"""The example messages of schemas/examples, as the tests of the contract read them.

`good_` and `odd_` files are a value as it is; a `bad_` file says which reason is expected and gives
the value, or the raw text or bytes where the fault is not expressible as JSON.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.generate.json_schema import json_topics
from schemas.topics import EXAMPLES_PATH


@dataclass(frozen=True)
class ExampleFile:
    """A file in the folder of its topic."""

    topic: str
    path: Path

    @property
    def name(self) -> str:
        """The id of the test for it."""
        return f"{self.topic}/{self.path.stem}"

    @property
    def kind(self) -> str:
        """`good`, `odd` or `bad`."""
        return self.path.stem.partition("_")[0]


@dataclass(frozen=True)
class Example(ExampleFile):
    """A value, and for a bad one the reason that is expected."""

    raw: bytes
    expect: str | None


def load() -> list[Example]:
    """All examples of topics with a schema, ordered by path."""
    folders = sorted(EXAMPLES_PATH / topic.name for topic in json_topics())
    return [_read(path) for folder in folders for path in sorted(folder.glob("*.json"))]


def _read(path: Path) -> Example:
    content = path.read_bytes()
    topic = path.parent.name
    if not path.stem.startswith("bad_"):
        return Example(topic, path, content, None)
    return Example(topic, path, *_bad(json.loads(content)))


def _bad(document: dict[str, Any]) -> tuple[bytes, str]:
    expect = document["expect"]
    if "raw" in document:
        return document["raw"].encode(), expect
    if "raw_base64" in document:
        return base64.b64decode(document["raw_base64"]), expect
    return json.dumps(document["value"]).encode(), expect
