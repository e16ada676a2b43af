"""Cost per event of one buyer with 10 to 10,000 orders already known."""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Iterator

from benchmarks.core import Core, in_batches
from benchmarks.measure import Result
from benchmarks.traffic import Line, one_buyer

_KNOWN = (10, 100, 1_000, 10_000)
_BUYERS = (("reseller, pays", True), ("hoarder, never pays", False))
_BATCHES = (1, 100)
_BULK = 500
# Ten times as many orders may not make an event dearer than this, of the same run.
CEILING = 1.5


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this benchmark's options."""
    parser.add_argument("--events", type=int, default=200, help="events timed at each point")
    parser.add_argument("--runs", type=int, default=3, help="runs of each point, taken in turns")


def run(options: argparse.Namespace) -> Result:
    """Milliseconds per further event, alone in its batch and a hundred to a batch."""
    points = list(itertools.product(_BUYERS, _KNOWN, _BATCHES))
    found: dict[tuple[str, int, int], list[float]] = {}
    size: dict[tuple[str, int], int] = {}
    for number in range(options.runs):
        for (who, is_paying), known, batch in points:
            events = options.events if batch == 1 else _events_in_batches(known, options.events)
            used, size[who, known] = _once(known, batch, events, is_paying)
            found.setdefault((who, known, batch), []).append(used)
        print(f"  run {number + 1} of {options.runs}", flush=True)
    cost = {point: statistics.median(used) for point, used in found.items()}
    growth = {
        (who, batch): cost[who, 10_000, batch] / cost[who, 1_000, batch]
        for who, _ in _BUYERS
        for batch in _BATCHES
    }
    return Result(
        name="hot_subject",
        title="A hot subject: CPU time per event against the orders already known",
        measured="cost of an event at 10,000 orders / at 1,000, the worst of four",
        value=max(growth.values()),
        unit="times",
        ceiling=CEILING,
        rows=[
            {
                "buyer": who,
                "orders known": f"{known:,}",
                "µs per event, one to a batch": f"{cost[who, known, 1] * 1e6:,.0f}",
                "µs per event, 100 to a batch": f"{cost[who, known, 100] * 1e6:,.0f}",
                "packed state, bytes": f"{size[who, known]:,}",
            }
            for (who, _), known in itertools.product(_BUYERS, _KNOWN)
        ],
        details={
            "events timed at each point": f"{options.events}; in batches as many as are known, "
            f"{_events_in_batches(0, options.events):,} to {_events_in_batches(10**9, options.events):,}",
            "runs": options.runs,
            "growth": ", ".join(
                f"{who}, {batch} to a batch: {times:.2f}" for (who, batch), times in growth.items()
            ),
        },
    )


def _events_in_batches(known: int, least: int) -> int:
    """Enough batches for each of them to count little, and yet no more than double what is known."""
    return max(least, min(known, 10 * least))


def _once(known: int, batch: int, events: int, is_paying: bool) -> tuple[float, int]:
    core = Core()
    lines: Iterator[Line] = (
        line for line in one_buyer(known + events) if is_paying or line.topic == "orders"
    )
    per_order = 2 if is_paying else 1
    for chunk in in_batches(itertools.islice(lines, known * per_order), _BULK):
        core.feed(chunk)
    chunks = list(in_batches(itertools.islice(lines, events), batch))
    started = time.process_time()
    for chunk in chunks:
        core.feed(chunk)
    used = time.process_time() - started
    return used / events, core.buyers.states.size_bytes
