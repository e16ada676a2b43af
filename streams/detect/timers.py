"""Wake-ups of subjects by event time: derived from state, so a restart rebuilds them."""

from __future__ import annotations

import heapq

# However many subjects there are.
ALL = 1 << 62
# So many replaced entries do no harm, however few are pending.
SLACK = 1000


class Timers:
    """At most one pending wake-up per subject; setting a new one replaces the old.

    Cost: logarithmic in the pending ones. Replaced entries stay in the heap until they come up, or until
    they are most of it: a subject that is looked at all the time replaces its own each time.
    """

    def __init__(self) -> None:
        self._at: dict[str, int] = {}
        self._heap: list[tuple[int, str]] = []

    def __len__(self) -> int:
        return len(self._at)

    def forget(self, subject: str) -> None:
        """Wake a subject never."""
        self._at.pop(subject, None)

    def set(self, subject: str, at_ms: int) -> None:
        """Wake a subject at this time."""
        if self._at.get(subject) != at_ms:
            self._at[subject] = at_ms
            heapq.heappush(self._heap, (at_ms, subject))
            if len(self._heap) > 2 * len(self._at) + SLACK:
                self._heap = [(due_ms, name) for name, due_ms in self._at.items()]
                heapq.heapify(self._heap)

    def due(self, horizon_ms: int, most: int = ALL) -> list[str]:
        """Take out the subjects whose time is at or before the horizon, the earliest first."""
        found: list[str] = []
        while self._heap and self._heap[0][0] <= horizon_ms and len(found) < most:
            at_ms, subject = heapq.heappop(self._heap)
            if self._at.get(subject) == at_ms:
                del self._at[subject]
                found.append(subject)
        return found
