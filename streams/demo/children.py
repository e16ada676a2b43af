"""The demo's services as child processes: each with its own log, none of them outliving the demo.

The kernel ends a child when the demo dies in whatever way; `stop` ends it in good order. The trap:
children must be started by the main thread, because that tie is to the thread that started them.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from streams.demo.broker import spawn_bound
from streams.errors import OrderwatchError

LOG_LINES_SHOWN = 20
_POLL_S = 0.1


class ChildDiedError(OrderwatchError):
    """A service of the demo ended by itself; the message has its last words."""

    exit_code = 1


@dataclass
class Child:
    """One running service."""

    name: str
    process: subprocess.Popen[bytes]
    log_path: Path
    log: IO[bytes]

    def last_words(self) -> str:
        """The end of its log."""
        text = self.log_path.read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-LOG_LINES_SHOWN:]) or "(the log is empty)"


@dataclass
class Children:
    """All services that were started, in that order."""

    log_dir: Path
    running: list[Child] = field(default_factory=list)

    def start(self, name: str, env: Mapping[str, str]) -> None:
        """Start `orderwatch NAME` with this environment; its output goes to `NAME.log`."""
        self.log_dir.mkdir(parents=True, exist_ok=True)
        log_path = self.log_dir / f"{name}.log"
        log = log_path.open("wb")
        process = spawn_bound([sys.executable, "-m", "streams", name], log, env)
        self.running.append(Child(name, process, log_path, log))

    def check(self) -> None:
        """Raise ChildDiedError when a service is no longer running."""
        for child in self.running:
            status = child.process.poll()
            if status is not None:
                raise ChildDiedError(
                    f"the demo's {child.name} ended with status {status}; the end of "
                    f"{child.log_path}:\n{child.last_words()}"
                )

    def await_answer(self, name: str, url: str, timeout_s: float) -> None:
        """Return once `url` answers with success; raises ChildDiedError when a service ends."""
        deadline = time.monotonic() + timeout_s
        while not _answers(url):
            self.check()
            if time.monotonic() > deadline:
                child = next(child for child in self.running if child.name == name)
                raise ChildDiedError(
                    f"the demo's {name} was not ready at {url} within {timeout_s:g} s; the end of "
                    f"{child.log_path}:\n{child.last_words()}"
                )
            time.sleep(_POLL_S)

    def stop(self, grace_s: float = 5.0) -> None:
        """Ask all services to end, together, and kill what is left after the grace."""
        for child in self.running:
            _signal_group(child.process, signal.SIGTERM)
        deadline = time.monotonic() + grace_s
        for child in self.running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(timeout=max(0.0, deadline - time.monotonic()))
            # Its group, so that nothing that it started itself is left behind either.
            _signal_group(child.process, signal.SIGKILL)
            child.process.wait()
            child.log.close()
        self.running.clear()


def _signal_group(process: subprocess.Popen[bytes], signal_number: int) -> None:
    # A child leads its own session, so its process id is that of its group. The group may be gone.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal_number)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2.0):
            return True
    except (OSError, http.client.HTTPException):
        # URLError, HTTPError (503 while a worker reads its state) and timeouts are all OSError.
        return False
