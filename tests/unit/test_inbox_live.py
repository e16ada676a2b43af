"""Open pages are told of the first change at once, of a storm now and then, and of the last one always."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from streams.inbox import live as module
from streams.inbox.live import Live


@pytest.fixture(autouse=True)
def only_what_is_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no look come by itself and find what an announcement was lost for."""
    monkeypatch.setattr(module, "_LOOK_EVERY_S", 600)


class Watched:
    """A store that changes when the test says so, a page that notes what it is told, and a clock.

    The pause after a change ends when the test lets it end.
    """

    def __init__(self) -> None:
        self.stored = 0
        self.looks = 0
        self.is_away = False
        self.told: list[str] = []
        self.pauses: list[float] = []
        self._over = asyncio.Event()
        self.live = Live(self._version, self._sleep)

    def _version(self) -> str:
        self.looks += 1
        if self.is_away:
            raise OperationalError("", {}, Exception())
        return str(self.stored)

    async def _sleep(self, pause_s: float) -> None:
        self.pauses.append(pause_s)
        await self._over.wait()
        self._over.clear()

    async def page(self, told: list[str]) -> None:
        async for version in self.live.versions():
            told.append(version)  # noqa: PERF401 - the list is watched while it grows

    def store(self, times: int = 1) -> None:
        for _ in range(times):
            self.stored += 1
            self.live.announce()

    def end_pause(self) -> None:
        self._over.set()

    async def paused(self, times: int) -> None:
        await until(lambda: len(self.pauses) == times)


async def until(condition: Callable[[], object]) -> None:
    """Return once the condition holds."""
    async with asyncio.timeout(15):
        while not condition():
            await asyncio.sleep(0)


@asynccontextmanager
async def watching() -> AsyncIterator[Watched]:
    watched = Watched()
    tasks = [asyncio.create_task(job) for job in (watched.live.run(), watched.page(watched.told))]
    # The word that every page gets when it connects.
    await watched.paused(1)
    await until(lambda: watched.told == ["0"])
    yield watched
    watched.live.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def test_a_storm_is_told_once_a_pause_and_the_last_of_it_is_never_lost() -> None:
    async def story() -> None:
        async with watching() as watched:
            watched.store(500)
            watched.end_pause()
            await watched.paused(2)
            watched.store(500)
            watched.store(1)
            watched.end_pause()
            await watched.paused(3)
            await until(lambda: watched.told == ["0", "500", "1001"])
            # Nor is the database asked more often than the pages are told, or once all is told.
            watched.end_pause()
            await until(lambda: not watched._over.is_set())
            for _ in range(50):
                await asyncio.sleep(0)
            assert watched.looks == 3

    asyncio.run(story())


@pytest.mark.parametrize(("each", "pauses"), [(200, [1, 2, 4, 8, 8]), (20, [1, 1, 1, 1, 1])])
def test_the_longer_a_storm_goes_on_the_longer_is_the_pause(each: int, pauses: list[float]) -> None:
    """What comes steadily is no storm."""

    async def story() -> list[float]:
        async with watching() as watched:
            for n in range(2, 6):
                watched.store(each)
                watched.end_pause()
                await watched.paused(n)
            return watched.pauses

    assert asyncio.run(story()) == pauses


def test_after_a_quiet_spell_the_first_change_is_told_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_LOOK_EVERY_S", 0)

    async def story() -> list[float]:
        async with watching() as watched:
            watched.store(100)
            watched.end_pause()
            await watched.paused(2)
            looks = watched.looks
            watched.end_pause()
            # The next look may see the change; the one before it has found nothing, which is a quiet spell.
            await until(lambda: watched.looks > looks + 1)
            watched.store()
            await watched.paused(3)
            await until(lambda: watched.told == ["0", "100", "101"])
            return watched.pauses

    assert asyncio.run(story()) == [1, 2, 1]


def test_a_change_while_the_database_is_away_is_told_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_LOOK_EVERY_S", 0)

    async def story() -> None:
        async with watching() as watched:
            watched.is_away = True
            watched.end_pause()
            looks = watched.looks
            watched.store()
            await until(lambda: watched.looks > looks)
            watched.is_away = False
            await until(lambda: watched.told == ["0", "1"])

    with capture_logs() as logs:
        asyncio.run(story())
    assert {entry["reason"] for entry in logs} == {"the database does not answer (Exception)"}


def test_every_page_is_told_and_none_twice() -> None:
    async def story() -> None:
        async with watching() as watched:
            told: list[list[str]] = [[] for _ in range(20)]

            pages = [asyncio.create_task(watched.page(words)) for words in told]
            await until(lambda: all(words == ["0"] for words in told))
            watched.store(3)
            watched.end_pause()
            await until(lambda: all(words == ["0", "3"] for words in told))
            watched.live.close()
            await asyncio.gather(*pages)

    asyncio.run(story())
