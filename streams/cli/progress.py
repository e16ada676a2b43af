"""Progress on stderr: a bar when the total is known, a count when it is not, silence in a pipe."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from streams.cli.console import stderr

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

# Rooms report every record; the terminal is told a few times a second.
_REDRAW_S = 0.1


class Counter:
    """What a room reports to: records done, and the share of its input that was read."""

    def __init__(self, bar: Progress, task: TaskID) -> None:
        self._bar = bar
        self._task = task
        self._next_at = 0.0
        self.records = 0

    def __call__(self, records: int, share: float | None = None) -> None:
        self.records = records
        now = time.monotonic()
        if now < self._next_at and share != 1.0:
            return
        self._next_at = now + _REDRAW_S
        self._bar.update(
            self._task, records=records, completed=share, total=None if share is None else 1.0
        )


@contextmanager
def counter(label: str) -> Iterator[Counter]:
    """A progress line for as long as the block runs."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = stderr()
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[records]} records"),
        TimeElapsedColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        yield Counter(bar, bar.add_task(label, total=None, records=0))


def done(text: str) -> None:
    """Print the sentence that says how it ended."""
    stderr().print(text, soft_wrap=True)


def problems(lines: list[str], limit: int = 20) -> None:
    """Print the first of many problems, and how many more there are."""
    console = stderr()
    for line in lines[:limit]:
        console.print(line, style="red", soft_wrap=True)
    if len(lines) > limit:
        console.print(f"… and {len(lines) - limit} more", style="red")
