"""Scenarios as files: a story of the documents, its events, and what must be said from when to when.

    story: {source: S3, zh: 「…」, en: Six small orders.}
    events:
      - {at: 0s, orders.created: {order_id: "o{n}", units: 3}, times: 6, every: 1m}
    want:
      - {from: 7m, to: 3d, D01: buyer buyer1, is: warn open}
    never: [D10]
    read_until: 4d

Events are written as in `tests.example_stories`. A file with several documents tells several cases,
each in a shop of its own; `case` names all but the first. The wants are all that may stand: at any
time between `from` (inclusive) and `to` (exclusive; none: until the end) exactly those that cover it.
What `never` lists must not even have been raised and taken back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.example_stories import START, counted, events_of, ms, seconds
from tests.pipeline import Event

FOLDER = Path(__file__).parents[2] / "examples" / "scenarios"
_KEYS = {"from", "to", "is", "times", "every"}


class Said(NamedTuple):
    """What an alert says of whom. `subject` is `buyer NAME`, `item NAME`, `order NAME` or `shop`."""

    detector: str
    subject: str
    severity: str
    status: str


class Want(NamedTuple):
    """What stands from a moment (inclusive) to another (exclusive)."""

    said: Said
    from_ms: int
    to_ms: int


class Scenario(NamedTuple):
    """One document of a file."""

    path: Path
    case: str
    source: str
    zh: str
    en: str
    written: list[dict[str, Any]]
    wants: list[Want]
    never: frozenset[str]
    end_ms: int

    @property
    def name(self) -> str:
        """File and case, as in the test's id."""
        return f"{self.path.stem}/{self.case}" if self.case else self.path.stem

    @property
    def shop(self) -> str:
        """Its own shop."""
        return f"{self.path.stem.partition('_')[0].lower()}{self.case and '-' + self.case}"

    def events(self, start: datetime = START) -> list[Event]:
        """All events, as if the story began at `start`."""
        return list(events_of(self.written, self.shop, start))

    def wanted_at(self, at_ms: int) -> list[Said]:
        """What must stand at a time."""
        return sorted(want.said for want in self.wants if want.from_ms <= at_ms < want.to_ms)


def scenarios() -> list[Scenario]:
    """All scenarios of all files."""
    return [
        _scenario(path, document)
        for path in sorted(FOLDER.glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))
    ]


def _scenario(path: Path, document: Mapping[str, Any]) -> Scenario:
    end_ms = ms(seconds(document["read_until"]))
    return Scenario(
        path,
        document.get("case", ""),
        **document["story"],
        written=document["events"],
        wants=[want for written in document["want"] for want in _wants(written, end_ms)],
        never=frozenset(document["never"]),
        end_ms=end_ms,
    )


def _wants(written: Mapping[str, Any], end_ms: int) -> Iterator[Want]:
    (detector,) = written.keys() - _KEYS
    severity, status = written["is"].split()
    from_s = seconds(written["from"])
    to_s = seconds(written["to"]) if "to" in written else None
    if not re.fullmatch(r"D\d\d", detector) or (to_s is not None and to_s <= from_s):
        raise ValueError(f"{written} is no want; expected a detector, and `from` before `to`")
    for n in range(1, written.get("times", 1) + 1):
        said = Said(detector, counted(written[detector], n), severity, status)
        later_s = (n - 1) * seconds(written.get("every", "0s"))
        yield Want(said, ms(from_s + later_s), end_ms + 1 if to_s is None else ms(to_s + later_s))
