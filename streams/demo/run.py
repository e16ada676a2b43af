"""Runs the demo: broker, topics, services, the story, and every alert as one line, then stops all.

One loop in one thread does everything, so there is nothing to join when it ends. Each line of an
alert begins with its detector's id. Ctrl-C and SIGTERM are ways to end it, not errors.
"""

from __future__ import annotations

import json
import shutil
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from kafka import KafkaProducer

from schemas.alerts import AlertEnvelope
from streams.demo.broker import HOST, EmbeddedBroker, free_port
from streams.demo.children import Children
from streams.demo.score import Score
from streams.demo.story import SLOTS, Play, story
from streams.display.alert_line import alert_line, alert_style
from streams.display.masking import show_body
from streams.kafka import clients, produce, reading, topics
from streams.kafka.reading import Record
from streams.service.locking import only_one
from streams.settings import Settings, environment

SERVICES = ("worker", "inbox", "stock", "notify")
START_TIMEOUT_S = 60.0
PLAY_S = 36.0
SHORTEST_PLAY_S = 6.0
# What the last alerts need after the last event, before the demo may say how it went.
SETTLE_S = 8.0
CHECK_EVERY_S = 0.5


class Say(Protocol):
    """Where the demo's lines go."""

    def __call__(self, text: str, style: str = "") -> None: ...


class _StopError(BaseException):
    """Ctrl-C, SIGTERM or SIGHUP: end in good order, wherever the demo is at that moment."""


@dataclass(frozen=True)
class Stage:
    """Everything that runs during one demo."""

    settings: Settings
    log_dir: Path
    children: Children

    @property
    def inbox_url(self) -> str:
        """The web console."""
        return f"http://{HOST}:{self.settings.inbox_port}/"

    @property
    def worker_url(self) -> str:
        """Metrics, liveness and readiness of the worker."""
        return f"http://{HOST}:{self.settings.web_port}/"

    def where_to_look(self) -> str:
        """The places, for the start and the end of the demo."""
        # As it was called: outside an activated environment the bare name is not on the path.
        command = f"{sys.argv[0]} -b {self.settings.bootstrap_servers}"
        return "\n".join(
            (
                f"  inbox    {self.inbox_url}",
                f"  metrics  {self.worker_url}metrics",
                f"  logs     {self.log_dir}/*.log",
                f"  topics   {command} topics list",
                f"           {command} tail orders --from-beginning",
            )
        )


def demo(settings: Settings, seconds: float | None, say: Say) -> int:
    """Run the demo until `seconds` have passed, or until it is interrupted; return the exit code.

    0 when it showed alerts or was ended before it could, 1 when the story was over and none came.
    Raises ChildDiedError when a service ends by itself.
    """
    ends_at = None if seconds is None else time.monotonic() + seconds
    score = Score()
    stage = None
    is_over = False
    with _stop_signals(), ExitStack() as stack:
        try:
            stage = _set_up(settings, stack, say)
            say("Everything runs. Look at:\n" + stage.where_to_look())
            say("\nAlerts, one line for each revision; the line begins with the detector:")
            is_over = _run(stage, score, ends_at, say)
        except _StopError:
            say("\nStopping …")
        _ignore_signals()
    say("\n" + score.summary())
    if stage is not None:
        say(f"All services are stopped; their logs are in {stage.log_dir}/.")
    if is_over and not score.alerts:
        say("The story is over and no alert came: that is a fault; the logs say more.", "red")
        return 1
    return 0


def demo_settings(bootstrap: str, directory: Path) -> dict[str, Any]:
    """What the demo sets on top of the user's settings; times are short, because a person waits.

    Not the number of partitions: a command that is pointed at the demo's broker expects the one of
    its own settings, and calls any other blocked.
    """
    return {
        "bootstrap_servers": bootstrap,
        "security_protocol": "PLAINTEXT",
        "replication_factor": 1,
        "lateness_s": 1,
        # The story is told faster than it happened, so the wall clock proves no silence in it.
        "horizon_clock": "newest",
        # The embedded broker delays the first member of a group by half of this.
        "session_timeout_s": 3,
        "rebalance_timeout_s": 3,
        "commit_interval_s": 0.5,
        "web_host": HOST,
        "web_port": free_port(),
        "inbox_host": HOST,
        "inbox_port": free_port(),
        "database_url": f"sqlite:///{directory / 'inbox.db'}",
        "data_dir": directory / "data",
        "stock_dry_run": True,
        "notify_console": True,
    }


def _set_up(settings: Settings, stack: ExitStack, say: Say) -> Stage:
    stack.enter_context(only_one("demo", settings.data_dir))
    directory = settings.data_dir / "demo"
    shutil.rmtree(directory, ignore_errors=True)
    (directory / "data").mkdir(parents=True)
    say("Starting the embedded broker, the topics, and " + ", ".join(SERVICES) + " …")
    broker = stack.enter_context(EmbeddedBroker())
    overrides = demo_settings(broker.bootstrap, directory.resolve())
    stage = Stage(settings.model_copy(update=overrides), directory, Children(directory))
    topics.apply(stage.settings)
    stack.callback(stage.children.stop)
    env = environment(**overrides)
    for name in SERVICES:
        stage.children.start(name, env)
    stage.children.await_answer("worker", stage.worker_url + "readyz", START_TIMEOUT_S)
    stage.children.await_answer("inbox", stage.inbox_url + "readyz", START_TIMEOUT_S)
    return stage


def _run(stage: Stage, score: Score, ends_at: float | None, say: Say) -> bool:
    """Play the story and show alerts; True when all was played and the last alerts had time."""
    with produce.producer(stage.settings) as client:
        player = Player(stage.settings, client, play_seconds(ends_at))
        next_check_at = 0.0
        for record in reading.follow(stage.settings, "alerts", from_beginning=True):
            if record is not None:
                show(record, score, say)
            now = time.monotonic()
            if now >= next_check_at:
                stage.children.check()
                next_check_at = now + CHECK_EVERY_S
            if player.advance(now):
                say(
                    "The story is over; the services keep running."
                    + (" Ctrl-C ends the demo." if ends_at is None else "")
                    + " Look at:\n"
                    + stage.where_to_look()
                )
            if ends_at is not None and now >= ends_at:
                return player.is_settled(now)
    raise AssertionError("following a topic has no end")


def show(record: Record, score: Score, say: Say) -> None:
    """Say a record of the alerts and count it; whoever tries the demo's broker may write anything there."""
    body = record.value or b""
    try:
        AlertEnvelope.model_validate_json(body)
        envelope = json.loads(body)
    except (ValueError, RecursionError):
        say(f"no alert: {show_body(body, raw=False, indent=None)}")
        return
    score.add(envelope)
    say(alert_line(envelope), alert_style(envelope))


def play_seconds(ends_at: float | None) -> float:
    """How long the story may take, so that its last alerts still come before the demo ends."""
    if ends_at is None:
        return PLAY_S
    return min(PLAY_S, max(SHORTEST_PLAY_S, ends_at - time.monotonic() - SETTLE_S - 2))


class Player:
    """Sends the slots of the story when they are due."""

    def __init__(self, settings: Settings, client: KafkaProducer, play_s: float) -> None:
        self._settings = settings
        self._client = client
        self._started_at = time.monotonic()
        self._slot_s = play_s / SLOTS
        self._ended_at: float | None = None
        self._left = deque(story(datetime.now(UTC) + timedelta(seconds=play_s)))

    def advance(self, now: float) -> bool:
        """Send what is due and await its delivery; True once, when the last event is out."""
        if self._ended_at is not None:
            return False
        due = int((now - self._started_at) / self._slot_s)
        futures = []
        while self._left and self._left[0].slot <= due:
            futures.append(self._send(self._left.popleft()))
        for future in futures:
            future.get(produce.DELIVERY_TIMEOUT_S)
        if self._left:
            return False
        self._ended_at = now
        return True

    def is_settled(self, now: float) -> bool:
        """Whether the last alerts had their time."""
        return self._ended_at is not None and now - self._ended_at >= SETTLE_S

    def _send(self, play: Play) -> Any:
        value = play.value
        at = datetime.fromisoformat(value["occurred_at"])
        return self._client.send(
            clients.topic_name(self._settings, play.topic),
            key=f"{value['shop_id']}:{value['buyer_id']}".encode(),
            value=json.dumps(value, ensure_ascii=False).encode(),
            timestamp_ms=int(at.timestamp() * 1000),
        )


@contextmanager
def _stop_signals() -> Iterator[None]:
    def stop(number: int, frame: object) -> None:
        _ignore_signals()
        raise _StopError

    wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in wanted}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore_signals() -> None:
    # Stopping takes a few seconds at most; a second Ctrl-C must not leave services behind.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
