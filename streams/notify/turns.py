"""From one turn of a deadline to who is told of it, as `intake` does for a revision of an alert.

To the ledger and the outbox a deadline is what an alert is: an id and a revision, which is the moment of
its turn. So a turn is told once, a later one overtakes what waits, and none is told after a later one.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from pydantic import ValidationError

from schemas.alerts import SEVERITIES, Alert
from schemas.outputs import DeadlineTurn
from streams.detect.deadlines import OUR_OWN
from streams.errors import PoisonError, first_problem
from streams.notify import waiting
from streams.notify.intake import language_of, place_of, tell_or_hold
from streams.notify.routes import Routes
from streams.notify.text import dump, is_over, render_turn
from streams.notify.waiting import Notice, Of, notification_id
from streams.subscriber import Record, SqliteLedger

TIMERS_TOPIC: Final = "timers"


class Turns:
    """The handler of the topic `timers`: rows for the outbox, durable together with their mark."""

    def __init__(
        self, routes: Routes, ledger: SqliteLedger, now: Callable[[], float] = time.time
    ) -> None:
        self._routes = routes
        self._ledger = ledger
        self._now = now

    def take(self, record: Record) -> bool:
        """Enqueue a turn for its channels; whether it was new. Raises PoisonError for what is none."""
        try:
            turn = DeadlineTurn.model_validate_json(record.value or b"")
        except ValidationError as error:
            raise PoisonError("no_deadline", first_problem(error)) from None
        with self._ledger.handling(turn.deadline_id, revision_of(turn)) as is_new:
            if is_new and not self._is_overtaken(turn) and not self._is_over(turn):
                take_turn(self._ledger.connection, self._routes, turn, self._now())
        return is_new

    def _is_overtaken(self, turn: DeadlineTurn) -> bool:
        # After a stop of ours: that it has passed comes next, unless it was met.
        return turn.turn != "past" and turn.due_at.timestamp() <= self._now()

    def _is_over(self, turn: DeadlineTurn) -> bool:
        # The topics are read in any order, after a stop for example.
        of = _alert_of(turn)
        return of is not None and waiting.is_over(self._ledger.connection, of)


def follow(connection: sqlite3.Connection, alert: Alert, now: float) -> None:
    """What a revision of an alert means for the deadlines of it that wait, in the caller's transaction.

    The inbox counts one that has expired on, for there may be a complaint; and so does this.
    """
    if is_over(alert) or alert.suppressed_by is not None:
        waiting.end_deadlines(connection, alert.alert_id, alert.revision, now)
    else:
        terms = {_term(one.code, one.due_at) for one in alert.deadlines}
        waiting.keep_deadlines(connection, alert.alert_id, alert.revision, terms)


def take_turn(
    connection: sqlite3.Connection, routes: Routes, turn: DeadlineTurn, now: float
) -> None:
    """Enqueue the turn for its channels, or hold it there, in the caller's transaction."""
    rank = SEVERITIES.index(turn.severity)
    wanting = routes.channels_for_turn(turn)
    # Where it is not wanted what waits is over even so.
    for name in waiting.held_about(connection, turn.deadline_id).keys() - wanting.keys():
        waiting.drop(connection, name, turn.deadline_id)
    for name, by in wanting.items():
        channel = routes.channels.get(name)
        item = Notice(
            notification_id(name, turn.deadline_id, revision_of(turn)),
            name,
            turn.deadline_id,
            revision_of(turn),
            rank,
            dump(render_turn(turn, language_of(channel))),
        )
        kind = f"{turn.shop_id} {turn.code} {turn.turn}"
        place = place_of(connection, channel, item, by, rank, kind, now)
        tell_or_hold(connection, item, turn.turn, place, now, _alert_of(turn))


def revision_of(turn: DeadlineTurn) -> int:
    """What orders the turns of a deadline: epoch milliseconds."""
    return _ms(turn.turned_at)


def _alert_of(turn: DeadlineTurn) -> Of | None:
    if turn.alert_id is None:
        return None
    term = None if turn.code in OUR_OWN else _term(turn.code, turn.due_at)
    return Of(turn.alert_id, turn.alert_revision or 0, term)


def _term(code: str, due_at: datetime) -> str:
    return f"{code} {_ms(due_at)}"


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
