"""Deadlines that turn, for whoever should hear of it without looking: records of the topic `timers`.

Where a deadline stands is derived at every look and never stored; only up to when turns were told is.
Ids follow from the deadline and its turn, so consoles that share a database, restarts and restored
backups tell the same record. The trap: before the alerts that came meanwhile are read, an inbox that was
stopped takes for unmet what was met long ago.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from schemas.outputs import DeadlineTurn
from streams.inbox.board import Board, Line
from streams.inbox.database import PASSING, hold, said_of, writing
from streams.inbox.models import OutgoingRow, ToldRow
from streams.inbox.outbox import enqueue_turn
from streams.inbox.timers import Turn, ms

log = structlog.get_logger(__name__)

# A message about an hour or a day that is left may be some seconds late; a look costs a few questions.
_LOOK_EVERY_S: Final = 10.0
# After a longer stop, what turned before is seen on the board: it would come as a flood of old news.
LONGEST: Final = timedelta(days=1)
# Ids in one question.
_MOST_IDS: Final = 500
_ONLY_ROW: Final = 1
_NAMESPACE: Final = uuid.UUID("c1a5b0a7-6c0e-5d0b-8b57-2f8de1b9e6d4")


class Teller:
    """Leaves each turn for the sender once; the loop beside the console."""

    def __init__(
        self,
        engine: Engine,
        board: Board,
        has_caught_up: Callable[[], bool],
        now: Callable[[], datetime],
    ) -> None:
        self._writer = writing(engine)
        self._board = board
        self._has_caught_up = has_caught_up
        self._now = now

    def step(self) -> float:
        """Tell what turned since the last look; returns the seconds to wait before the next step."""
        try:
            if self._has_caught_up():
                self.tell()
        except PASSING as error:
            # Turns wait: the next look begins where the last one ended.
            log.warning("inbox_turns_wait", reason=said_of(error))
        return _LOOK_EVERY_S

    def tell(self) -> int:
        """Leave the turns up to now for the sender; returns how many. The first look of all tells none."""
        now = self._now()
        lines = self._board.unmet()
        with Session(self._writer) as session, session.begin():
            hold(session, ToldRow.__tablename__)
            row = session.get(ToldRow, _ONLY_ROW)
            if row is None:
                session.add(ToldRow(id=_ONLY_ROW, until=now))
                return 0
            # The clock may have been ahead at the last look.
            since = max(min(row.until, now), now - LONGEST)
            row.until = now
            turns = {turn.turn_id: turn for turn in _turned(lines, since, now)}
            for turn_id in _known(session, list(turns)):
                del turns[turn_id]
            for turn in turns.values():
                enqueue_turn(session, turn, now)
        return len(turns)


def _turned(lines: Sequence[Line], since: datetime, now: datetime) -> Iterator[DeadlineTurn]:
    """The newest turn of each deadline that turned after `since`, and up to now.

    The lines come by their last moments, and an alert's or a complaint's of one code are met together.
    """
    moments: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for line in lines:
        alike = moments[line.origin.id, line.timer.code]
        # What ends at one moment is one deadline to whoever hears of it.
        if not alike or alike[-1] != line.timer.term.last_ms:
            alike.append(line.timer.term.last_ms)
        turn = line.timer.last_turn(now)
        if turn is not None and turn.at > since:
            yield _told(line, turn, len(alike))


def _told(line: Line, turn: Turn, nth: int) -> DeadlineTurn:
    """The turn of the n-th deadline of its code: an alert may have two of one, as D34 has of T02.

    The moments are no part of the identity: one that moves is still the one of which people heard.
    """
    origin, timer = line.origin, line.timer
    deadline_id = _derived(origin.id, timer.code, str(nth))
    is_alert = origin.detector is not None
    return DeadlineTurn(
        turn_id=_derived(deadline_id, turn.kind, str(ms(turn.at))),
        deadline_id=deadline_id,
        code=timer.code,
        turn=turn.kind,
        turned_at=turn.at,
        due_at=timer.due_at,
        shop_id=line.shop_id,
        alert_id=origin.id if is_alert else None,
        alert_revision=origin.revision,
        complaint_id=None if is_alert else origin.id,
        detector=origin.detector,
        severity=origin.severity or "warn",
        subject=origin.subject,
        title=line.title,
        text=timer.said(turn.at),
    )


def _known(session: Session, ids: Sequence[str]) -> Iterator[str]:
    for start in range(0, len(ids), _MOST_IDS):
        few = OutgoingRow.event_id.in_(ids[start : start + _MOST_IDS])
        yield from session.scalars(select(OutgoingRow.event_id).where(few)).all()


def _derived(*parts: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, "\n".join(parts)))
