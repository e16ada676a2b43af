"""Notices that the whole process stood still (suspended, swapped out, its machine frozen).

After a session of that, somebody else may own its partitions, and it does not know yet.
"""

from __future__ import annotations

import asyncio
import time

from streams.errors import TransientError

BEAT_S = 0.25


class Awake:
    """Says whether the event loop has been running without a pause as long as `limit_s`.

    `run` must be running for as long as `check` is asked.
    """

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self._at = time.monotonic()

    async def run(self) -> None:
        """Keep watch for ever. Raises TransientError after such a pause."""
        self._at = time.monotonic()
        while True:
            await asyncio.sleep(BEAT_S)
            self.check()
            self._at = time.monotonic()

    def check(self) -> None:
        """Raise TransientError when there is a pause that `run` has not come to see yet."""
        pause_s = time.monotonic() - self._at
        if pause_s > self.limit_s:
            raise TransientError(
                f"the process stood still for {pause_s:.1f} s; after {self.limit_s:.1f} s, which is "
                "session_timeout_s less a heartbeat, its partitions may be somebody else's"
            )
