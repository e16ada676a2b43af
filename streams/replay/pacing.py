"""How fast events are sent: by event time, by a rate, or as fast as they go; and times that people give."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from streams.errors import ConfigurationError

# A process cannot sleep for some three centuries, which a silence of months is at the slowest speed.
LONGEST_SLEEP_S = 365 * 86_400.0


class Pacer:
    """Holds records back: to a factor of event time, to a rate, or (both None) not at all."""

    def __init__(
        self,
        factor: float | None,
        rate: float | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._factor = factor
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._started_at = clock()
        self._first: datetime | None = None
        self._records = 0

    def wait(self, occurred_at: datetime | None) -> None:
        """Sleep until the next record is due; one that is late by event time is due at once."""
        due_s = 0.0
        if self._factor is not None and occurred_at is not None:
            if self._first is None:
                self._first = occurred_at
            due_s = (occurred_at - self._first).total_seconds() / self._factor
        if self._rate is not None:
            due_s = max(due_s, self._records / self._rate)
        self._records += 1
        ahead_s = self._started_at + due_s - self._clock()
        if ahead_s > 0:
            self._sleep(min(ahead_s, LONGEST_SLEEP_S))


def parse_speed(speed: str) -> float | None:
    """`max` is None, `real` is 1, `10x` is 10. Raises ConfigurationError for anything else."""
    if speed == "max":
        return None
    text = "1" if speed == "real" else speed.removesuffix("x")
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    # Slower than that nobody means: an hour would take six weeks.
    if not 0.001 <= factor < float("inf"):
        raise ConfigurationError(
            f"--speed is {speed!r}: expected max, real, or a factor like 10x, from 0.001x."
        )
    return factor


class Count(Protocol):
    """Told how many records are done and which share of the files was read, if that is known."""

    def __call__(self, records: int, share: float | None = None) -> None: ...


def epoch_ms(at: datetime | None) -> int | None:
    """A time in epoch milliseconds; one without a zone is taken as UTC."""
    if at is None:
        return None
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
