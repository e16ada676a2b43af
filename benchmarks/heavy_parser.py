"""Whether a parser that guesses divisions (jionlp) would find more wrong addresses than the tables do.

Writes results/heavy_parser.md; docs/address-signals.md says what follows. Not part of the environment:
`.venv/bin/python -m pip install jionlp==1.5.31` first. The trap: a detail without a region says nothing about
one, so whatever is found in such details is the parser's own invention.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Sequence

from benchmarks.addresses import FILES, Address, read
from benchmarks.detection import DATA
from benchmarks.measure import ROOT, machine
from streams.detect.address import divisions
from streams.detect.address.receivers import Reader

PAGE = ROOT / "benchmarks" / "results" / "heavy_parser.md"
Contradicts = Callable[[Address, str], bool]


def by_tables(declared: Address, detail: str) -> bool:
    """What ships."""
    doubts = Reader().read("", "", "CN", declared.state, declared.city, "", detail).address_doubts
    return "region_contradicted" in doubts


def by_parser(declared: Address, detail: str) -> bool:
    """Another province or prefecture than the declared one, by jionlp."""
    import jionlp

    found = jionlp.parse_location(detail)
    province, city = found.get("province"), found.get("city")
    if not province:
        return False
    said = divisions.short_names(declared.state, declared.city)
    read_as = divisions.short_names(province, city or "")
    return read_as[0] != said[0] or bool(city and read_as[1] != said[1])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.heavy_parser", description=__doc__)
    parser.add_argument("--addresses", type=int, default=3000, help="how many, drawn at random")
    options = parser.parse_args()
    known = [
        address
        for name in FILES
        for address in read(DATA / "addresses_zh" / name)
        # Only of these a form would have a province and a prefecture of the tables.
        if address.state and address.city in divisions.table().cities
    ]
    drawn = random.Random(1).sample(known, options.addresses)
    rows = [_row(name, contradicts, drawn) for name, contradicts in _WAYS]
    described = {
        **machine(),
        "command": " ".join(["python -m benchmarks.heavy_parser", *sys.argv[1:]]),
    }
    lines = [
        "# Contradicted regions, by division tables and by a parser that guesses",
        "",
        f"{len(drawn):,} real delivery addresses. *Honest* keeps each with its own region, so every hit is "
        "false; *wrong* declares the region of another province's address, so every hit is right.",
        "",
        "| read by | detail | honest | wrong | ms an address |",
        "|---|---|---|---|---|",
        *[row for of_way in rows for row in of_way],
        "",
        *[f"- {name}: {value}" for name, value in described.items()],
    ]
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    return 0


def _row(name: str, contradicts: Contradicts, drawn: Sequence[Address]) -> list[str]:
    found = []
    for way, detail in (("with its region", "whole"), ("without", "behind")):
        began = time.process_time()
        honest = sum(contradicts(address, getattr(address, detail)) for address in drawn)
        each_ms = (time.process_time() - began) / len(drawn) * 1000
        strangers = [_elsewhere(address, drawn, number) for number, address in enumerate(drawn)]
        wrong = sum(
            contradicts(declared, getattr(address, detail))
            for declared, address in zip(strangers, drawn, strict=True)
        )
        found.append(
            f"| {name} | {way} | {100 * honest / len(drawn):.1f} % | "
            f"{100 * wrong / len(drawn):.1f} % | {each_ms:.3f} |"
        )
    return found


def _elsewhere(address: Address, drawn: Sequence[Address], number: int) -> Address:
    """The next address of another province."""
    own = divisions.short_names(address.state, address.city)[0]
    following = (drawn[(number + step) % len(drawn)] for step in range(1, len(drawn)))
    return next(a for a in following if divisions.short_names(a.state, a.city)[0] != own)


_WAYS: tuple[tuple[str, Contradicts], ...] = (
    ("division tables (ships)", by_tables),
    ("jionlp 1.5.31", by_parser),
)


if __name__ == "__main__":
    sys.exit(main())
