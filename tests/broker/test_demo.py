"""The demo as a person starts it: alerts come, it ends in every way, and it leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from streams.settings import environment

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for children in /proc (Linux)"),
]

DEADLINE_S = 60.0
_ALERT = re.compile(r"D\d\d ")


class Demo:
    """A running `orderwatch demo` whose output is read as it comes."""

    def __init__(self, data_dir: Path, seconds: float | None = None) -> None:
        ending = {} if seconds is None else {"DEMO_S": str(seconds)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "streams", "demo"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment(data_dir=data_dir) | ending,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def await_line(self, start: str) -> str:
        """The first line that starts so."""
        return self._await(
            lambda: next((line for line in self.lines if line.startswith(start)), None), start
        )

    def _await(self, find: Callable[[], str | None], what: str) -> str:
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            found = find()
            if found is not None:
                return found
            assert self.process.poll() is None, f"ended before {what!r}:\n{self.output}"
            time.sleep(0.05)
        raise AssertionError(f"{what!r} did not come within {DEADLINE_S} s:\n{self.output}")

    def alerts(self) -> Counter[tuple[str, ...]]:
        """What was printed of alerts: detector, severity, change and whom it is about."""
        return Counter(tuple(line.split()[:4]) for line in self.lines if _ALERT.match(line))

    def children(self) -> list[int]:
        pid = self.process.pid
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
        return [int(child) for child in text.split()]

    def service(self, name: str) -> int:
        """The process id of one of its services."""
        for child in self.children():
            if f"\0{name}\0" in Path(f"/proc/{child}/cmdline").read_text(encoding="utf-8"):
                return child
        raise AssertionError(f"no child runs {name}")

    def end(self) -> int:
        status = self.process.wait(timeout=DEADLINE_S)
        self._reader.join(timeout=10)
        return status

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join(timeout=10)
        if self.process.stdout is not None:
            self.process.stdout.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    demos: list[Demo] = []

    def begin(seconds: float | None = None) -> Demo:
        demos.append(Demo(tmp_path, seconds))
        return demos[-1]

    yield begin
    for demo in demos:
        demo.close()


def _stored(data_dir: Path) -> Counter[tuple[str, ...]]:
    """The same of every revision that its inbox stored."""
    with closing(sqlite3.connect(data_dir / "demo" / "inbox.db")) as database:
        rows = database.execute(
            "SELECT detector, revisions.severity, change, subject_id"
            " FROM revisions JOIN alerts USING (alert_id)"
        )
        return Counter(rows)


def _assert_gone(pids: list[int]) -> None:
    deadline = time.monotonic() + 15
    left = pids
    while left and time.monotonic() < deadline:
        left = [pid for pid in left if _is_alive(pid)]
        time.sleep(0.05)
    assert left == []


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_shows_every_alert_and_ends_by_itself(start: Callable[..., Demo], tmp_path: Path) -> None:
    demo = start(seconds=40)
    demo.await_line("Alerts, one line")
    children = demo.children()
    assert len(children) == 5, "a broker and four services"
    demo.await_line("D01 ")
    assert demo.end() == 0, demo.output
    # A busy machine reads several steps at once; then an alert opens with what it would have become.
    for line in (
        "D01 critical .+ demo-shop:squatter ",
        "D01 warn retracted demo-shop:delayed-news ",
        "D01 warn resolved demo-shop:slow-payer ",
        "D08 critical .+ demo-shop:refunder ",
        "D10 critical .+ demo-shop ",
        "D10 critical .+ demo-shop:repeat-claimant ",
        "D18 warn opened demo-shop:squatter ",
        "D25 critical opened demo-shop:squatter ",
        "D34 critical .+ late-shop:patient-00 ",
    ):
        assert any(re.match(line, shown) for shown in demo.lines), f"{line}\n{demo.output}"
    # What came while all of it ended, the inbox had no time to store.
    assert len(_stored(tmp_path)) > 10
    assert _stored(tmp_path) <= demo.alerts()
    assert "none accuses the honest buyers" in demo.output
    assert re.search(r"inbox +http://127\.0\.0\.1:\d+/", demo.output)
    assert "Traceback" not in demo.output
    _assert_gone(children)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT], ids=lambda s: s.name)
def test_signal_ends_it_in_good_order(start: Callable[..., Demo], ending: signal.Signals) -> None:
    demo = start()
    demo.await_line("D01 ")
    children = demo.children()
    demo.process.send_signal(ending)
    assert demo.end() == 0, demo.output
    assert "Traceback" not in demo.output
    _assert_gone(children)


def test_other_commands_find_its_topics_as_they_expect_them(start: Callable[..., Demo]) -> None:
    topics = start().await_line("  topics ")
    address = re.search(r"-b (\S+)", topics)
    assert address is not None
    done = subprocess.run(
        [sys.executable, "-m", "streams", "-b", address[1], "topics", "apply", "--dry-run"],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "blocked" not in done.stdout


def test_signal_while_starting_leaves_nothing(start: Callable[..., Demo]) -> None:
    demo = start()
    demo.await_line("Starting")
    while not demo.children():
        time.sleep(0.005)
    children = demo.children()
    demo.process.send_signal(signal.SIGTERM)
    assert demo.end() == 0, demo.output
    _assert_gone(children)


def test_kill_takes_the_services_along(start: Callable[..., Demo]) -> None:
    demo = start()
    demo.await_line("Alerts, one line")
    children = demo.children()
    demo.process.kill()
    demo.end()
    _assert_gone(children)


def test_service_that_dies_is_named_and_fails_the_demo(start: Callable[..., Demo]) -> None:
    demo = start()
    demo.await_line("Alerts, one line")
    children = demo.children()
    os.kill(demo.service("worker"), signal.SIGKILL)
    assert demo.end() == 1, demo.output
    assert "the demo's worker ended with status -9" in demo.output
    assert "worker.log" in demo.output
    _assert_gone(children)


def test_second_demo_in_the_same_place_is_refused(start: Callable[..., Demo]) -> None:
    start().await_line("Starting")
    second = start()
    assert second.end() == 2
    assert "Another `orderwatch demo` works in" in second.output
