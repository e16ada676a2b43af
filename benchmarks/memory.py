"""Resident memory per active buyer, in the state as the worker holds it."""

from __future__ import annotations

import argparse
import gc
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import orjson

from benchmarks.core import Core, in_batches
from benchmarks.measure import ROOT, Result, rss_bytes
from benchmarks.traffic import Line, as_json_line, history
from schemas.fast import decode_line, key_of
from streams.service.memory import give_back
from streams.simulate import simulate

# What is asked of simulated traffic, in bytes: first of these four detectors, then of all.
_ASKED: Mapping[str, int | None] = {"D01,D02,D08,D10": 1024, "all": 1536}
_BATCH = 2_000


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this benchmark's options."""
    parser.add_argument("--buyers", type=int, default=100_000, help="active buyers in the state")


def run(options: argparse.Namespace) -> Result:
    """A fresh process for each point reads a month of events from a file and says how it grew."""
    rows = []
    shares = []
    with tempfile.TemporaryDirectory(prefix="orderwatch-benchmark-") as folder:
        path = Path(folder) / "events.jsonl"
        for name, write in _POINTS.items():
            write(path, options.buyers)
            # The plain histories only show how a state grows; nothing is asked of them.
            asked_of = _ASKED if write is _simulated else {"all": None}
            for detectors, asked in asked_of.items():
                found = _measured(path, "" if detectors == "all" else detectors)
                grown = found["grown_bytes"] / found["buyers"]
                if asked:
                    shares.append(grown / asked)
                rows.append(
                    {
                        "orders a buyer": name,
                        "detectors": detectors,
                        "active buyers": f"{found['buyers']:,}",
                        "other subjects": f"{found['others']:,}",
                        "events": f"{found['events']:,}",
                        "RSS growth per buyer, bytes": f"{grown:,.0f}",
                        "asked at most": f"{asked:,}" if asked else "",
                        "of it packed state, bytes": f"{found['state_bytes'] / found['buyers']:,.0f}",
                    }
                )
                print(f"  {rows[-1]}", flush=True)
    return Result(
        name="memory",
        title="Memory: growth of the process per active buyer",
        measured="RSS growth per active buyer of simulated traffic / what is asked, the worse of both",
        value=max(shares),
        unit="times",
        ceiling=1.0,
        rows=rows,
        details={"active": "at least one event within the retention of facts"},
    )


def _measured(path: Path, detectors: str) -> Mapping[str, int]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", str(path)],
        cwd=ROOT,
        env={**os.environ, "ORDERWATCH_DETECTORS": detectors},
        capture_output=True,
        check=True,
    )
    found: Mapping[str, int] = orjson.loads(done.stdout)
    return found


def _simulated(path: Path, buyers: int) -> None:
    simulate(path, buyers=buyers)


def _history(orders_each: int, path: Path, buyers: int) -> None:
    with path.open("wb") as out:
        out.writelines(as_json_line(line) for line in history(buyers, orders_each))


# Who buys more often takes more: the simplest traffic shows how much.
_POINTS: dict[str, Callable[[Path, int], None]] = {
    "as simulated, 2 on average": _simulated,
    **{f"{number}, plain": partial(_history, number) for number in (1, 2, 5)},
}


def _read(path: Path) -> Iterator[Line]:
    with path.open("rb") as lines:
        for raw in lines:
            line = raw.rstrip(b"\n")
            topic, event = decode_line(line)
            yield Line(topic, key_of(event).encode(), line[line.index(b'"value":') + 8 : -1])


def _child(path: Path) -> None:
    core = Core()
    gc.collect()
    before = rss_bytes()
    events = 0
    for batch in in_batches(_read(path), _BATCH):
        core.feed(batch)
        events += len(batch)
    gc.collect()
    # As the worker does every ten minutes.
    give_back()
    found = {
        "grown_bytes": rss_bytes() - before,
        "buyers": len(core.buyers.states),
        "others": len(core.subjects.states),
        "state_bytes": core.state_bytes,
        "events": events,
    }
    print(orjson.dumps(found).decode())


if __name__ == "__main__":
    _child(Path(sys.argv[1]))
