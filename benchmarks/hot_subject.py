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
_BULK = 500


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this benchmark's options."""
    parser.add_argument("--events", type=int, default=200, help="events timed at each point")
    parser.add_argument("--runs", type=int, default=3, help="runs of each point")


def run(options: argparse.Namespace) -> Result:
    """Milliseconds per further event, alone in its batch and a hundred to a batch."""
    rows = []
    cost: dict[tuple[str, int, int], float] = {}
    for who, is_paying in (("reseller, pays", True), ("hoarder, never pays", False)):
        for known in _KNOWN:
            for batch in (1, 100):
                found = [
                    _once(known, batch, options.events, is_paying) for _ in range(options.runs)
                ]
                cost[who, known, batch] = statistics.median(one[0] for one in found)
            rows.append(
                {
                    "buyer": who,
                    "orders known": f"{known:,}",
                    "µs per event, one to a batch": f"{cost[who, known, 1] * 1e6:,.0f}",
                    "µs per event, 100 to a batch": f"{cost[who, known, 100] * 1e6:,.0f}",
                    "packed state, bytes": f"{found[-1][1]:,}",
                }
            )
            print(f"  {rows[-1]}", flush=True)
    worst = max(cost["reseller, pays", 10_000, 1], cost["hoarder, never pays", 10_000, 1])
    return Result(
        name="hot_subject",
        title="A hot subject: CPU time per event against the orders already known",
        measured="worst cost of an event at 10,000 orders, alone in its batch",
        value=worst * 1000,
        unit="ms",
        rows=rows,
        details={"events timed at each point": options.events, "runs": options.runs},
    )


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
