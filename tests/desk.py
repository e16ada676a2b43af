"""A notification channel on a desk: a real outbox and sender, a clock that is set by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from schemas.alerts import Alert
from streams.errors import TransientError
from streams.kafka.publisher import Outgoing
from streams.notify.channels import DeliveryError
from streams.notify.metrics import NotifyMetrics
from streams.notify.outbox import Outbox, put
from streams.notify.routes import Routes
from streams.notify.sender import Limits, Sender
from streams.notify.service import enqueuer
from streams.notify.text import Message, render
from streams.notify.waiting import notice
from streams.subscriber.ledger import SqliteLedger, open_database, transaction
from tests.factories import envelope


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Receiver:
    """A channel that keeps what it took, and refuses or dies as often as it is told to."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.refusals = 0
        self.dies_after_taking = False

    def send(self, message: Message) -> None:
        if self.refusals > 0:
            self.refusals -= 1
            raise DeliveryError("failure: error=500")
        self.lines.append(message.line)
        if self.dies_after_taking:
            raise KeyboardInterrupt


class WeCom(Receiver):
    """Refuses what is longer than it takes, and whatever quotes a word that it does not like."""

    def __init__(self, refused_word: str = "\0") -> None:
        super().__init__()
        self.refused_word = refused_word

    def send(self, message: Message) -> None:
        text = message.title + message.body
        if len(text.encode()) > 2048 or self.refused_word in text:
            raise DeliveryError("failure: error=40058")
        super().send(message)


class Desk:
    """One channel `desk` with its outbox, driven step by step."""

    def __init__(self, path: Path, per_minute: int | None = None, patience_s: float = 600) -> None:
        self.path = path
        self.limits = Limits(per_minute, patience_s)
        self.clock = Clock()
        self.receiver = Receiver()
        self.metrics = NotifyMetrics()
        self.start()

    def start(
        self,
        skip: Sequence[str] = (),
        known: Sequence[str] = ("desk",),
        repeating: Sequence[str] = (),
    ) -> None:
        self.outbox = Outbox(self.path)
        self.outbox.recover(skip, known, repeating, self.clock.now)
        self.sender = Sender(
            "desk", self.receiver, self.limits, self.outbox, self.metrics, self.clock
        )

    def add(self, *alerts: Alert) -> None:
        connection = open_database(self.path)
        with transaction(connection):
            for alert in alerts:
                put(connection, [notice("desk", alert, render(alert, "en"))], self.clock.now)
        connection.close()

    def take(self, routes: Routes, *alerts: Alert) -> None:
        """Give alerts to the service as a subscriber does."""
        ledger = SqliteLedger(self.path, "g", now=self.clock)
        handle = enqueuer(routes, ledger, self.clock)
        for alert in alerts:
            with ledger.handling(alert.alert_id, alert.revision) as is_new:
                if is_new:
                    handle(envelope(alert))
        ledger.close()

    def work(self, seconds: float = 0.0) -> None:
        """Step until nothing is due any more, letting that much time pass on the way."""
        until = self.clock.now + seconds
        while self.clock.now <= until:
            pause = self.sender.step()
            if pause:
                self.clock.now += max(pause, 0.5)
        self.clock.now = until

    def reports(self) -> list[tuple[str, int, int]]:
        return [(r.status, r.revision, r.attempt) for _, r in self.outbox.unpublished()]


class Broker:
    """A Publisher that keeps what it took, or is down."""

    def __init__(self) -> None:
        self.records: list[Outgoing] = []
        self.is_down = False

    def publish(self, records: Sequence[Outgoing]) -> None:
        if self.is_down:
            raise TransientError("down")
        self.records += records

    def close(self) -> None:
        pass


def heads(receiver: Receiver) -> list[str]:
    return [" ".join(line.split(" ")[:4]) for line in receiver.lines]
