"""Tells open pages that something changed. Pages then fetch what they show; no data goes this way.

The consumer of this process announces at once; what another process wrote (a second console on the
same database) is seen at the next look. Announcements are spaced, so a storm of alerts is one refresh.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

log = structlog.get_logger(__name__)

_LOOK_EVERY_S = 2.0
_SPACING_S = 0.3


class Live:
    """One for each event loop; `announce` may be called from any thread, before and after `run`."""

    def __init__(self, version: Callable[[], str]) -> None:
        self._version = version
        self._current = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._look = asyncio.Event()
        self._changed = asyncio.Condition()
        self._is_closed = False

    async def run(self) -> None:
        """Watch until cancelled or closed."""
        self._loop = asyncio.get_running_loop()
        while not self._is_closed:
            await self._refresh()
            await asyncio.sleep(_SPACING_S)
            try:
                await asyncio.wait_for(self._look.wait(), _LOOK_EVERY_S)
            except TimeoutError:
                continue
            finally:
                self._look.clear()

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

    def announce(self) -> None:
        """Something was stored: look now."""
        self._call(self._look.set)

    def close(self) -> None:
        """End all streams, so that the server can stop."""
        self._is_closed = True
        self._call(self._wake)

    def _call(self, action: Callable[[], object]) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(action)

    def _wake(self) -> None:
        self._look.set()
        self._waking = asyncio.ensure_future(self._notify())

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _refresh(self) -> None:
        try:
            version = await asyncio.to_thread(self._version)
        except SQLAlchemyError as error:
            # The pages stay as they are; readiness says what is wrong.
            log.warning("inbox_live_without_store", error=type(error).__name__)
            return
        if version != self._current:
            self._current = version
            await self._notify()
