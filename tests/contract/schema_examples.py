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

from schemas.topics import EXAMPLES_PATH


@dataclass(frozen=True)
class Example:
    """One example file."""

    topic: str
    path: Path
    raw: bytes
    expect: str | None

    @property
    def name(self) -> str:
        """The id of the test for it."""
        return f"{self.topic}/{self.path.stem}"

    @property
    def kind(self) -> str:
        """`good`, `odd` or `bad`."""
        return self.path.stem.partition("_")[0]


def load() -> list[Example]:
    """All examples, ordered by path."""
    return [_read(path) for path in sorted(EXAMPLES_PATH.glob("*/*.json"))]


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
