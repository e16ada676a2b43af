"""Which channel was told of which alert, and how severe it was told to be.

Late truth makes an alert milder, so a channel that heard "critical" would never hear the end of it
if each revision were judged alone. The trap: this must outlive the rows of the outbox, because an
alert may be retracted long after what was said about it is forgotten there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from schemas.alerts import SEVERITIES, Severity

# Files from before this table know from their outbox what they told during its last days.
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS told (
  alert_id TEXT NOT NULL, channel TEXT NOT NULL, last_rank INTEGER NOT NULL,
  worst_rank INTEGER NOT NULL, revised_at REAL NOT NULL,
  PRIMARY KEY (alert_id, channel)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS told_quiet ON told (revised_at);
INSERT OR IGNORE INTO told
  SELECT alert_id, channel, max(rank), max(rank), max(queued_at) FROM outbox
  WHERE alert_id IS NOT NULL GROUP BY alert_id, channel;
"""


@dataclass(frozen=True, slots=True)
class Told:
    """What one channel heard about one alert: the severity of the last message and of the worst."""

    last: Severity
    worst: Severity


NOTHING_TOLD: Final[Mapping[str, Told]] = MappingProxyType({})


def told_about(connection: sqlite3.Connection, alert_id: str) -> Mapping[str, Told]:
    """What the channels heard about an alert, by their names."""
    rows = connection.execute(
        "SELECT channel, last_rank, worst_rank FROM told WHERE alert_id = ?", (alert_id,)
    ).fetchall()
    return {channel: Told(SEVERITIES[last], SEVERITIES[worst]) for channel, last, worst in rows}


def remember(
    connection: sqlite3.Connection, messages: Iterable[tuple[str, str, int]], now: float
) -> None:
    """These go out: channel, alert and rank of each; part of the caller's transaction."""
    connection.executemany(
        "INSERT INTO told VALUES (?2, ?1, ?3, ?3, ?4) ON CONFLICT DO UPDATE SET"
        " last_rank = excluded.last_rank, worst_rank = max(worst_rank, excluded.worst_rank),"
        " revised_at = excluded.revised_at",
        [(*message, now) for message in messages],
    )


def keep(connection: sqlite3.Connection, alert_id: str, now: float) -> None:
    """The alert was revised, told or not, so what was told about it is not old yet."""
    connection.execute("UPDATE told SET revised_at = ? WHERE alert_id = ?", (now, alert_id))


def forget(connection: sqlite3.Connection, before: float) -> None:
    """Forget the alerts whose last revision is older than that."""
    connection.execute("DELETE FROM told WHERE revised_at < ?", (before,))
