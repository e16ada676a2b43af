"""What people did, on its way to the detectors: rows written with the step, sent beside it.

Deadlines that turned take the same way to notifications, and words on top-ups that to the stock ledger.

    step ──one transaction──> row ──Sender──> Kafka ──acknowledged──> marked as sent

A crash between the last two sends the row again, with the same event id, which detection knows. The
trap: a step must never wait for Kafka, so nothing here is called from a request but `enqueue`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from schemas.base import BuyerEvent
from schemas.outputs import Control, DeadlineTurn
from streams.errors import TransientError
from streams.inbox.database import PASSING, said_of, writing
from streams.inbox.events import TOPICS, Topic
from streams.inbox.metrics import InboxMetrics
from streams.inbox.models import OutgoingRow
from streams.kafka.publisher import Outgoing, Publisher
from streams.stock.control import CONTROL_TOPIC

log = structlog.get_logger(__name__)

TIMERS_TOPIC: Final = "timers"
_BATCH: Final = 200
_LOOK_EVERY_S: Final = 0.5
_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 30.0


@dataclass(frozen=True)
class Waiting:
    """One event that Kafka does not have for certain."""

    id: int
    record: Outgoing


def enqueue(session: Session, topic: Topic, event: BuyerEvent, at: datetime) -> None:
    """Record the intent to send inside the caller's transaction, beside the step."""
    session.add(
        OutgoingRow(
            event_id=event.event_id,
            topic=topic,
            body=event.model_dump_json(exclude_none=True),
            at=at,
        )
    )


class Outbox:
    """The rows as the sender uses them. Two senders of one database may send a row twice, unharmed."""

    def __init__(self, engine: Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._writer = writing(engine)
        self._now = now

    def waiting(self, topic: Topic) -> list[Waiting]:
        """The oldest events of a topic that were not acknowledged."""
        query = (
            select(OutgoingRow)
            .where(OutgoingRow.sent_at.is_(None), OutgoingRow.topic == topic)
            .order_by(OutgoingRow.id)
            .limit(_BATCH)
        )
        with Session(self._engine) as session:
            return [Waiting(row.id, _outgoing(row)) for row in session.scalars(query)]

    def mark_sent(self, sent: Sequence[Waiting]) -> None:
        """The broker has them."""
        ids = [one.id for one in sent]
        with Session(self._writer) as session, session.begin():
            session.execute(
                update(OutgoingRow).where(OutgoingRow.id.in_(ids)).values(sent_at=self._now())
            )


def enqueue_turn(session: Session, turn: DeadlineTurn, at: datetime) -> None:
    """Record that a turn is to be told, in the caller's transaction."""
    body = turn.model_dump_json(exclude_none=True)
    session.add(OutgoingRow(event_id=turn.turn_id, topic=TIMERS_TOPIC, body=body, at=at))


def enqueue_word(session: Session, word: Control, at: datetime) -> None:
    """Record that a person's word on top-ups of stock is to be told, in the caller's transaction."""
    body = word.model_dump_json()
    session.add(OutgoingRow(event_id=word.control_id, topic=CONTROL_TOPIC, body=body, at=at))


def _outgoing(row: OutgoingRow) -> Outgoing:
    event = json.loads(row.body)
    if row.topic == TIMERS_TOPIC:
        key = f"{event['shop_id']}:{event.get('alert_id') or event['complaint_id']}"
        return Outgoing(TIMERS_TOPIC, key, row.body.encode())
    if row.topic == CONTROL_TOPIC:
        return Outgoing(CONTROL_TOPIC, event["command"], row.body.encode())
    return Outgoing(row.topic, f"{event['shop_id']}:{event['buyer_id']}", row.body.encode())


class Sender:
    """The loop beside the console; one thread. It connects only once there is something to send."""

    def __init__(
        self, outbox: Outbox, connect: Callable[[], Publisher], metrics: InboxMetrics
    ) -> None:
        self._outbox = outbox
        self._connect = connect
        self._metrics = metrics
        self._publisher: Publisher | None = None
        self._pause_s = _FIRST_PAUSE_S

    def step(self) -> float:
        """Send what waits; returns the seconds to wait before the next step.

        A topic that cannot be written does not hold back the others.
        """
        outcomes = [self._has_sent(topic) for topic in TOPICS]
        if all(outcomes):
            self._pause_s = _FIRST_PAUSE_S
            return _LOOK_EVERY_S
        pause_s, self._pause_s = self._pause_s, min(2 * self._pause_s, _LONGEST_PAUSE_S)
        return pause_s

    def close(self) -> None:
        """Release the connection, if there is one."""
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            publisher.close()

    def _has_sent(self, topic: Topic) -> bool:
        try:
            rows = self._outbox.waiting(topic)
            if not rows:
                return True
            if self._publisher is None:
                self._publisher = self._connect()
            self._publisher.publish([row.record for row in rows])
            self._outbox.mark_sent(rows)
        except (TransientError, *PASSING) as error:
            # Nothing is lost: the rows wait until broker and database answer.
            self._metrics.event_not_sent(topic)
            reason = str(error) if isinstance(error, TransientError) else said_of(error)
            log.warning("inbox_events_not_sent", topic=topic, reason=reason)
            if isinstance(error, TransientError):
                # An idempotent producer never recovers from some errors, and would then refuse every
                # record of every topic. A new one costs a connection.
                self.close()
            return False
        self._metrics.events_sent(topic, len(rows))
        return True
