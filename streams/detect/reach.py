"""Whether a buyer could be reached: an answered call, or a day on which the buyer wrote.

What a newcomer gets wrong: calls in vain prove nothing of who writes in the chat, as people at work do
(S3 「旺旺联系不上,电话也联系不上」: both).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from streams.detect.detector import Facts
from streams.detect.facts import DAY_MS, Contacted, Talked


class Reached:
    """When the buyer was reached, asked by interval in logarithmic time."""

    def __init__(self, facts: Facts) -> None:
        self.answered = [c.at_ms for c in facts.of(Contacted) if c.answered]
        # Whole days, for only the first message of a day is kept.
        self._wrote = [int(talked.ref) for talked in facts.of(Talked)]

    def within(self, from_ms: int, to_ms: int) -> bool:
        """Whether a call was answered between the two times, or the buyer wrote on a day of these."""
        days = self._wrote
        return bisect_left(self.answered, from_ms) < bisect_right(
            self.answered, to_ms
        ) or bisect_left(days, from_ms // DAY_MS) < bisect_right(days, to_ms // DAY_MS)


class Attempts:
    """The calls in vain, asked by interval in logarithmic time; `answered` is how many were none."""

    def __init__(self, facts: Facts) -> None:
        self.unanswered = [c.at_ms for c in facts.of(Contacted) if c.answered is False]
        self._reached = Reached(facts)
        self.answered = len(self._reached.answered)

    def failed(self, from_ms: int, to_ms: int) -> int:
        """Those within the two times, inclusive; none if the buyer was reached meanwhile."""
        if self._reached.within(from_ms, to_ms):
            return 0
        return bisect_right(self.unanswered, to_ms) - bisect_left(self.unanswered, from_ms)
