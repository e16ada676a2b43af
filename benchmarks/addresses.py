"""How often honest delivery addresses are doubted: every hit on the real, deliverable ones is false.

The trap: the data set is free text with gold labels, and has no form fields. What the labels name is taken
as declared, parents filled in where a county names them; the detail is told in the two ways people type.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from streams.detect.address import divisions
from streams.detect.address.receivers import Reader
from streams.detect.detector import Facts, find_detectors
from streams.detect.detectors.d05_suspicious_address import Rules, SuspiciousAddress
from streams.detect.facts import ReceiverDoubted
from streams.rules import load_rules

FILES = ("train.txt", "dev.txt")
REGION = ("prov", "city", "district")
# Names and phones are not part of the data.
NOBODY = ("", "")


class Address(NamedTuple):
    """One labelled address: where it stands, the whole text, the text behind its region, and its region.

    `place` is the file and the number of the address in it, the first one 1.
    """

    place: str
    whole: str
    behind: str
    state: str
    city: str
    district: str


class Row(NamedTuple):
    """One line of the report; `places` by reason. `examples` are too short to read a door from them."""

    way: str
    addresses: int
    doubted: int
    critical: int
    places: dict[str, list[str]]
    examples: dict[str, list[str]]

    @property
    def reasons(self) -> dict[str, int]:
        """How many addresses are doubted for what, the most frequent first."""
        counted = {code: len(places) for code, places in self.places.items()}
        return dict(sorted(counted.items(), key=lambda pair: -pair[1]))

    @property
    def percent(self) -> float:
        """The share that is doubted."""
        return 100 * self.doubted / self.addresses if self.addresses else 0.0


def read(path: Path) -> Iterator[Address]:
    """The addresses of one file: a piece and its label a line, an empty line behind each address."""
    pieces: list[tuple[str, str]] = []
    number = 0
    for line in [*path.read_text(encoding="utf-8").split("\n"), ""]:
        if line.strip():
            piece, _, label = line.rpartition(" ")
            pieces.append((piece.strip(), label.partition("-")[2]))
        elif pieces:
            number += 1
            yield _address(f"{path.name} {number}", pieces)
            pieces = []


def _address(place: str, pieces: list[tuple[str, str]]) -> Address:
    whole = "".join(piece for piece, _ in pieces)
    named = {part: "".join(p for p, label in pieces if label == part) for part in REGION}
    # What a label names twice (杭州市 … 杭州市) is declared once.
    state, city, district = (_once(named[part]) for part in REGION)
    behind = "".join(piece for piece, label in pieces if label not in REGION)
    where = divisions.table().places.get(district, frozenset())
    if not city and len(where) == 1:
        city = next(iter(where))[1]
    known = divisions.table().cities.get(city)
    if not state and known:
        state = known[0]
    return Address(place, whole, behind, state, city, district)


def _once(name: str) -> str:
    half = len(name) // 2
    return name[:half] if name and name == name[:half] * 2 else name


def doubted(data: Path) -> list[Row]:
    """What D05 says about orders to the real addresses under `data`, one row for each way to type."""
    folder = data / "addresses_zh"
    addresses = [address for name in FILES for address in read(folder / name)]
    return [
        _row("detail repeats the region", addresses, repeats=True),
        _row("detail behind the region", addresses, repeats=False),
    ]


def _row(way: str, addresses: list[Address], *, repeats: bool) -> Row:
    reader = Reader()
    rules = load_rules(None, find_detectors()).of("shop")["D05"].block
    assert isinstance(rules, Rules)
    places: dict[str, list[str]] = {}
    examples: dict[str, list[str]] = {}
    levels: Counter[str] = Counter()
    for one in addresses:
        detail = one.whole if repeats else one.behind
        read = reader.read(*NOBODY, "CN", one.state, one.city, one.district, detail)
        if not read.address_doubts:
            continue
        doubt = ReceiverDoubted(0, "event", "event", "order", ",".join(read.address_doubts), "")
        verdict = SuspiciousAddress().evaluate(Facts("shop:buyer", [doubt]), 0, rules)
        levels.update(episode.severity for episode in verdict.episodes)
        for code in read.address_doubts:
            places.setdefault(code, []).append(one.place)
            shown = f"{one.state}/{one.city}/{one.district} | {detail[:14]}"
            examples.setdefault(code, []).append(shown)
    return Row(way, len(addresses), levels.total(), levels["critical"], places, examples)
