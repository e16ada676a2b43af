"""Stops a worker before it drains a topic into the dead letters, as after a deploy gone wrong.

Each topic is judged by its own traffic: a busy one must not hide that all of a quiet one is bad.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from streams.errors import PoisonError, TransientError
from streams.runtime.intake import Record

# A flood is judged over at least this many records, so that a handful of bad ones stops nobody.
FLOOD_WINDOW = 1000


class FloodError(TransientError):
    """So much of a topic is bad that going on would drain it into the dead letters."""


class FloodGuard:
    """Counts by topic what was read and what of it was bad; `max_share` is 1 for no limit."""

    def __init__(self, max_share: float) -> None:
        self._max_share = max_share
        self._read: Counter[str] = Counter()
        self._bad: dict[str, Counter[str]] = {}

    def check(
        self,
        topic: str,
        partition: int,
        records: Sequence[Record],
        poison: Sequence[tuple[Record, PoisonError]],
    ) -> None:
        """Count a batch. Raises FloodError when too much was bad since the last judgement.

        To be asked before anything of the batch is published: whoever starts again reads it again.
        """
        self._read[topic] += len(records)
        self._bad.setdefault(topic, Counter()).update(error.reason for _, error in poison)
        if self._read[topic] < FLOOD_WINDOW:
            return
        read, reasons = self._read.pop(topic), self._bad.pop(topic)
        if reasons.total() <= self._max_share * read:
            return
        named = ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common(3))
        raise FloodError(
            f"{reasons.total():,} of the last {read:,} records of {topic} were bad ({named}), more "
            f"than dead_letter_max_share = {self._max_share:.0%}; nothing of the batch that begins "
            f"at {topic}[{partition}]@{records[0].offset} is acknowledged or sent to the dead letters"
        )
