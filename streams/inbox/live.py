"""Tells open pages that something changed. Pages then fetch what they show; no data goes this way.

The consumer of this process announces at once; what another process wrote (a second console on the
same database) is seen at the next look. The first change is told at once, and what follows together, in
a storm the longer it goes on the less often: every page that is open fetches itself when told, and what
twenty of them take the intake of alerts lacks.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import partial

import structlog
from sqlalchemy.exc import SQLAlchemyError

from streams.inbox.database import said_of

log = structlog.get_logger(__name__)

_LOOK_EVERY_S = 2.0
_PAUSE_S = 1.0
# More alerts than that, for each second of the last pause, are a storm.
_STORM_PER_S = 20
# With thousands of alerts at work twenty pages take more than a second to make: a sixth of a core, so often.
_LONGEST_PAUSE_S = 8.0


class Live:
    """One for each event loop; `announce` may be called from any thread, before and after `run`."""

    def __init__(
        self,
        version: Callable[[], str],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._version = version
        self._sleep = sleep
        self._current = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._look = asyncio.Event()
        self._announced = 0
        self._changed = asyncio.Condition()
        self._is_closed = False

    async def run(self) -> None:
        """Watch until cancelled or closed."""
        self._loop = asyncio.get_running_loop()
        pause_s = _PAUSE_S
        while not self._is_closed:
            # Whatever is announced from here on is seen by this look or by another one.
            self._look.clear()
            is_storm, self._announced = self._announced > _STORM_PER_S * pause_s, 0
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S) if is_storm else _PAUSE_S
            if await self._refresh():
                await self._sleep(pause_s)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._look.wait(), _LOOK_EVERY_S)

    async def versions(self) -> AsyncIterator[str]:
        """The current version word, then each new one. Ends when closed."""
        sent = ""
        while not self._is_closed:
            if self._current == sent:
                async with self._changed:
                    await self._changed.wait()
                continue
            sent = self._current
            yield sent

    def announce(self, changes: int = 1) -> None:
        """So much was stored: look now, or when the pause after the last change is over."""
        self._call(partial(self._note, changes))

    def close(self) -> None:
        """End all streams, so that the server can stop."""
        self._is_closed = True
        self._call(self._wake)

    def _call(self, action: Callable[[], object]) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(action)

    def _note(self, changes: int) -> None:
        self._announced += changes
        self._look.set()

    def _wake(self) -> None:
        self._look.set()
        self._waking = asyncio.ensure_future(self._notify())

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _refresh(self) -> bool:
        """Look; whether there was something to tell."""
        try:
            version = await asyncio.to_thread(self._version)
        except SQLAlchemyError as error:
            # The pages stay as they are; readiness says what is wrong.
            log.warning("inbox_live_without_store", reason=said_of(error))
            return False
        if version == self._current:
            return False
        self._current = version
        await self._notify()
        return True
