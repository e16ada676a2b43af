"""What `orderwatch replay` does around the engine: files in, revisions to a file, progress told."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime

from schemas.alerts import Alert
from streams.detect.alerts import envelope
from streams.errors import ConfigurationError
from streams.replay.engine import ReplayReport, replay
from streams.replay.files import EventReader, LineWriter, overwrites
from streams.replay.pacing import Count, epoch_ms, parse_speed
from streams.replay.sizes import ShopSizes
from streams.rules import build_engine
from streams.settings import Settings


@dataclass(frozen=True)
class Plan:
    """What to replay. A time without a zone is taken as UTC."""

    paths: list[str]
    alerts: str | None = None
    until: datetime | None = None
    shuffle_seed: int | None = None
    speed: str = "max"
    counts_sizes: bool = False


@dataclass(frozen=True)
class Replayed:
    """The engine's report and how long it took."""

    report: ReplayReport
    elapsed_s: float
    sizes: ShopSizes | None = None

    @property
    def events_total(self) -> int:
        """Events that were applied."""
        return sum(self.report.events.values())


def wall_clock_ms() -> int:
    """The time in epoch milliseconds."""
    return time.time_ns() // 1_000_000


def stopped_clock(clock_ms: Callable[[], int] = wall_clock_ms) -> Callable[[], int]:
    """A clock that goes on saying what the other one says now.

    For replays that are compared: what is the future for the first would else count for the second.
    """
    at_ms = clock_ms()
    return lambda: at_ms


def run(
    settings: Settings, plan: Plan, count: Count, clock_ms: Callable[[], int] = wall_clock_ms
) -> Replayed:
    """Replay the files under the rules of the settings.

    The present is what the clock says, or `until` if that is later: events made up for some other
    time can be replayed as of then. What claims to be from later than the present is refused.
    Raises ConfigurationError for rules or files that cannot be used, before anything is read.
    """
    _refuse_to_replace_input(plan)
    output = LineWriter(plan.alerts) if plan.alerts is not None else None
    engine = build_engine(settings)
    reader = EventReader(plan.paths, progress=lambda read: count(read.lines_read, _share(read)))
    sizes = ShopSizes() if plan.counts_sizes else None
    until_ms = epoch_ms(plan.until)
    started_at = time.monotonic()
    with ExitStack() as stack:
        stack.enter_context(_without_looking_for_cycles())
        writer = stack.enter_context(output) if output else None

        def on_alert(alert: Alert) -> None:
            if writer is not None:
                writer.write(envelope(alert).model_dump_json().encode() + b"\n")

        report = replay(
            engine,
            sizes.watch(reader) if sizes else reader,
            on_alert,
            until_ms=until_ms,
            shuffle_seed=plan.shuffle_seed,
            speed=parse_speed(plan.speed),
            is_one_source=len(plan.paths) == 1,
            lateness_s=settings.lateness_s,
            silence_min_buyers=settings.silence_min_buyers,
            now_ms=lambda: max(clock_ms(), until_ms or 0),
            max_future_s=settings.max_future_s,
            max_record_bytes=settings.max_record_bytes,
        )
    return Replayed(report, time.monotonic() - started_at, sizes)


@contextmanager
def _without_looking_for_cycles() -> Iterator[None]:
    """Facts hold no cycles, and looking for some among half a million of them took a tenth of the time."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(1_000_000, 50, 100)
    try:
        yield
    finally:
        # Frozen to the end, modules with types of their own (DuckDB's) are never taken down, and say so.
        gc.set_threshold(*before)
        gc.unfreeze()


def _refuse_to_replace_input(plan: Plan) -> None:
    for path in plan.paths:
        if plan.alerts and overwrites(plan.alerts, path):
            raise ConfigurationError(
                f"--alerts is {plan.alerts}, which would replace the input {path}; "
                "expected another file for the alerts."
            )


def _share(reader: EventReader) -> float | None:
    return reader.bytes_read / reader.bytes_total if reader.bytes_total else None
