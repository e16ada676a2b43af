"""What a benchmark measures with, and how it writes down what it found.

CPU time is that of one process, user and system, all its threads, from the kernel's own account.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """CPU seconds that the process has used so far; resolution is one kernel tick (10 ms)."""
    # The command's name, in brackets, may hold spaces; fields are counted from behind it.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def rss_bytes(pid: int | str = "self") -> int:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"process {pid} has no VmRSS: it has ended")


def spread(values: Sequence[float], digits: int = 0) -> str:
    """Median with the range behind it."""
    low, middle, high = (
        f"{value:,.{digits}f}" for value in (min(values), statistics.median(values), max(values))
    )
    return middle if len(values) == 1 else f"{middle} ({low} to {high})"


@dataclass(frozen=True)
class Result:
    """One benchmark's outcome; `floor` or `ceiling` is what `value` is held to."""

    name: str
    title: str
    measured: str
    value: float
    unit: str
    rows: Sequence[Mapping[str, Any]]
    details: Mapping[str, Any]
    floor: float | None = None
    ceiling: float | None = None
    machine: Mapping[str, Any] = field(default_factory=lambda: machine())

    @property
    def holds(self) -> bool:
        """Whether the value is within what is asked."""
        return (self.floor is None or self.value >= self.floor) and (
            self.ceiling is None or self.value <= self.ceiling
        )

    @property
    def verdict(self) -> str:
        """The outcome as one line of text."""
        bounds = [f"at least {self.floor:g}"] if self.floor is not None else []
        bounds += [f"at most {self.ceiling:g}"] if self.ceiling is not None else []
        asked = f" (asked: {' and '.join(bounds)} {self.unit})" if bounds else ""
        mark = "" if not bounds else "holds: " if self.holds else "FAILS: "
        return f"{mark}{self.measured} = {self.value:,.2f} {self.unit}{asked}"

    def write(self, folder: Path = RESULTS) -> None:
        """Write `<name>.json` and `<name>.md`, in place of those of an earlier run."""
        folder.mkdir(parents=True, exist_ok=True)
        record = {
            "name": self.name,
            "measured": self.measured,
            "value": self.value,
            "unit": self.unit,
            "floor": self.floor,
            "ceiling": self.ceiling,
            "holds": self.holds,
            "rows": list(self.rows),
            "details": dict(self.details),
            "machine": dict(self.machine),
        }
        (folder / f"{self.name}.json").write_bytes(orjson.dumps(record, option=orjson.OPT_INDENT_2))
        (folder / f"{self.name}.md").write_text(self._markdown(), encoding="utf-8")

    def _markdown(self) -> str:
        columns = list(self.rows[0])
        table = [
            "| " + " | ".join(columns) + " |",
            "|" + "---|" * len(columns),
            *(
                "| " + " | ".join(str(row[column]) for column in columns) + " |"
                for row in self.rows
            ),
        ]
        facts = [f"- {name}: {value}" for name, value in {**self.details, **self.machine}.items()]
        return "\n".join([f"# {self.title}", "", f"**{self.verdict}**", "", *table, "", *facts, ""])


def machine() -> dict[str, Any]:
    """Where, when and of what state of the code this was measured."""
    return {
        "command": " ".join(["python -m benchmarks", *sys.argv[1:]]),
        "date": datetime.now(UTC).date().isoformat(),
        "commit": _commit(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load": f"{os.getloadavg()[0]:.1f}",
    }


def _commit() -> str:
    commit = _output(["git", "rev-parse", "--short=12", "HEAD"])
    changed = _output(
        ["git", "status", "--porcelain", "--", "streams", "schemas", "benchmarks/*.py"]
    )
    return f"{commit} with uncommitted changes" if changed else commit


def _output(command: Sequence[str]) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
