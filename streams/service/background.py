"""Loops beside a service's main thread; the first one that fails ends the service.

A loop is a step that returns how long to wait before the next one, so tests call steps by hand and
need neither threads nor time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

# A step may be in a send that takes its whole time-out; beyond this the process ends anyway.
JOIN_TIMEOUT_S = 30.0


class Background:
    """Runs steps in daemon threads inside a `with` block, and raises there what one of them raised."""

    def __init__(self, on_failure: Callable[[], None]) -> None:
        self._on_failure = on_failure
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._failures: list[BaseException] = []

    def start(self, name: str, step: Callable[[], float]) -> None:
        """Call `step` again and again in a thread of that name."""
        thread = threading.Thread(target=self._loop, args=(step,), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(JOIN_TIMEOUT_S)
        if error is None and self._failures:
            raise self._failures[0]

    def _loop(self, step: Callable[[], float]) -> None:
        try:
            while not self._stopping.is_set():
                self._stopping.wait(step())
        except BaseException as error:  # raised again in the main thread
            self._failures.append(error)
            self._on_failure()
