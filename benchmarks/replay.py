"""CPU time of `orderwatch replay` against merely parsing each line of the same file."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import Result, spread
from benchmarks.traffic import as_json_line, checked, history

FLOOR = 0.4
# Those that the bound was asked for. All of them are asked to keep half of that speed.
THREE = "D01,D08,D10"
_NAMES = {
    "parse": "orjson.loads of each line",
    "three": "orderwatch replay, D01, D08 and D10",
    "all": "orderwatch replay, all detectors",
}
_PARSE = (
    "import sys, orjson\n"
    "with open(sys.argv[1], 'rb') as lines:\n"
    "    for line in lines: orjson.loads(line)\n"
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this benchmark's options."""
    parser.add_argument("--buyers", type=int, default=60_000, help="buyers in the file")
    parser.add_argument("--runs", type=int, default=5, help="runs of each, taken in turns")


def run(options: argparse.Namespace) -> Result:
    """All in turns, each in a process of its own; a start on one line is subtracted."""
    with tempfile.TemporaryDirectory(prefix="orderwatch-benchmark-") as temporary:
        folder = Path(temporary)
        path, single = folder / "events.jsonl", folder / "single.jsonl"
        with path.open("wb") as out:
            count = sum(
                out.write(as_json_line(line)) > 0 for line in checked(history(options.buyers, 2))
            )
        with path.open("rb") as lines:
            single.write_bytes(next(lines))
        found: dict[str, list[float]] = {name: [] for name in _NAMES}
        for index in range(options.runs):
            for name, used in found.items():
                used.append(_cpu_s(name, path, folder) - _cpu_s(name, single, folder))
                print(f"  {name} {index + 1}: {count / used[-1]:,.0f} events/CPU-s", flush=True)
    medians = {name: statistics.median(used) for name, used in found.items()}
    return Result(
        name="replay",
        title="Replay: a file through the detectors, against parsing it",
        measured="replay with three detectors / parsing, in events per CPU-second",
        value=medians["parse"] / medians["three"],
        unit="times",
        floor=FLOOR,
        rows=[
            {
                "what": _NAMES[name],
                "events/CPU-s, median (range)": spread([count / used for used in values]),
                "times parsing": f"{medians['parse'] / medians[name]:.2f}",
                "times three detectors": f"{medians['three'] / medians[name]:.2f}",
            }
            for name, values in found.items()
        ],
        details={"events": count, "buyers": options.buyers, "cpu_s": found},
    )


def _cpu_s(name: str, path: Path, folder: Path) -> float:
    if name == "parse":
        return _used_by([sys.executable, "-c", _PARSE, str(path)], "")
    command = str(Path(sys.executable).with_name("orderwatch"))
    arguments = [command, "replay", str(path), "--alerts", str(folder / "alerts.jsonl")]
    return _used_by(arguments, THREE if name == "three" else "")


def _used_by(command: Sequence[str], detectors: str) -> float:
    environment = {**os.environ, "ORDERWATCH_DETECTORS": detectors}
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {child.returncode}")
    return usage.ru_utime + usage.ru_stime
