"""Who waits to be told: alerts held for the end of quiet hours, for a digest, or for their group.

One row for each channel and alert, always its newest revision, so nobody is told in the morning what
was no longer true at night. What is here counts as not told. The trap: a row leaves only in the
transaction that puts it into the outbox, or that finds that there is nothing left to tell.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Collection, Iterator
from dataclasses import astuple, dataclass
from typing import Final

from schemas.alerts import SEVERITIES, Alert, AlertChange
from schemas.outputs import TurnKind
from streams.notify.hours import EVERYTHING
from streams.notify.text import Message, dump

QUIET: Final = "quiet"
DIGEST: Final = "digest"
GROUP: Final = "group"

# How loud a message is: the rank of its severity. What is over wakes nobody, however severe it was, and
# has -1.
LOUDNESS: Final = "CASE json_extract(message, '$.tone') WHEN 'success' THEN -1 ELSE rank % 10 END"
# Good news waits: what is over keeps its severity, and would stand before what somebody must look at.
IN_ORDER: Final = "json_extract(message, '$.tone') = 'success', rank DESC, seq"
NOTHING_ON_ITS_WAY: Final = (
    "NOT EXISTS (SELECT 1 FROM outbox AS o WHERE o.channel = waiting.channel"
    " AND o.alert_id = waiting.alert_id AND o.state IN ('queued', 'sending', 'covered'))"
)
# A bucket is what becomes one message: its kind and a name. `grouped` says when each was told last.
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS waiting (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, alert_id TEXT NOT NULL,
  revision INTEGER NOT NULL, change TEXT NOT NULL, rank INTEGER NOT NULL, message TEXT NOT NULL,
  bucket TEXT NOT NULL, held_at REAL NOT NULL, next_at REAL NOT NULL, UNIQUE (channel, alert_id));
CREATE INDEX IF NOT EXISTS waiting_alert ON waiting (alert_id);
CREATE INDEX IF NOT EXISTS waiting_bucket ON waiting (channel, bucket, next_at, held_at);
CREATE TABLE IF NOT EXISTS grouped (
  channel TEXT NOT NULL, bucket TEXT NOT NULL, told_at REAL NOT NULL,
  PRIMARY KEY (channel, bucket)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS over (
  alert_id TEXT PRIMARY KEY, revision INTEGER NOT NULL, since REAL NOT NULL) WITHOUT ROWID;
"""
# What files of earlier versions lack: the alert of a deadline that waits, see Of.
_LATER_COLUMNS: Final = (("of_alert", "TEXT"), ("of_revision", "INTEGER"), ("of_term", "TEXT"))
_LATER_INDEX: Final = (
    "CREATE INDEX IF NOT EXISTS waiting_of_alert ON waiting (of_alert) WHERE of_alert IS NOT NULL"
)
# Of the ids of notifications and of summaries.
NAMESPACE: Final = uuid.UUID("d0b3c8f4-6f5b-5a57-9a4e-3a1f6f0f3a51")


@dataclass(frozen=True, slots=True)
class Notice:
    """One revision for one channel; `message` as text.dump writes it, `rank` that of its severity."""

    notification_id: str
    channel: str
    alert_id: str
    revision: int
    rank: int
    message: str


@dataclass(frozen=True, slots=True)
class Of:
    """The alert of a deadline, the revision of it that its turn is about, and what that one said of it.

    `term` is the code and the last moment, and None of a promise of ours, which no alert says.
    """

    alert_id: str
    revision: int
    term: str | None


@dataclass(frozen=True, slots=True)
class Held:
    """What waits for a channel about one alert: the change that it is told for, and its rank."""

    change: AlertChange
    rank: int


def notification_id(channel: str, alert_id: str, revision: int, occasion: str = "") -> str:
    """Equal for equal (channel, alert, revision): whoever enqueues it again changes nothing.

    What is told again on purpose has an `occasion` of its own.
    """
    name = "\n".join([channel, alert_id, str(revision), *([occasion] if occasion else [])])
    return str(uuid.uuid5(NAMESPACE, name))


def notice(channel: str, alert: Alert, message: Message) -> Notice:
    """What a channel is told about a revision."""
    return Notice(
        notification_id(channel, alert.alert_id, alert.revision),
        channel,
        alert.alert_id,
        alert.revision,
        SEVERITIES.index(alert.severity),
        dump(message),
    )


def held_about(connection: sqlite3.Connection, alert_id: str) -> dict[str, Held]:
    """What waits about an alert, by channel."""
    rows = connection.execute(
        "SELECT channel, change, rank FROM waiting WHERE alert_id = ?", (alert_id,)
    ).fetchall()
    return {channel: Held(change, rank) for channel, change, rank in rows}


def hold(
    connection: sqlite3.Connection,
    item: Notice,
    change: AlertChange | TurnKind,
    bucket: str,
    until: float,
    now: float,
    of: Of | None = None,
) -> None:
    """Keep it in the bucket until then, or until what the bucket has already is told, in place of
    what waited about the same alert. `of` is the alert of a deadline."""
    (earliest,) = connection.execute(
        "SELECT min(next_at) FROM waiting WHERE channel = ? AND bucket = ?", (item.channel, bucket)
    ).fetchone()
    next_at = until if earliest is None else min(until, earliest)
    connection.execute(
        "INSERT INTO waiting (channel, alert_id, revision, change, rank, message, bucket, held_at,"
        " next_at, of_alert, of_revision, of_term) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET"
        " revision = excluded.revision, change = excluded.change, rank = excluded.rank,"
        " message = excluded.message, bucket = excluded.bucket, held_at = excluded.held_at,"
        " next_at = excluded.next_at, of_alert = excluded.of_alert,"
        " of_revision = excluded.of_revision, of_term = excluded.of_term",
        (
            item.channel,
            item.alert_id,
            item.revision,
            change,
            item.rank,
            item.message,
            bucket,
            now,
            next_at,
            *((None, None, None) if of is None else astuple(of)),
        ),
    )


def drop(connection: sqlite3.Connection, channel: str, alert_id: str) -> None:
    """Nothing waits for this channel about the alert any more."""
    connection.execute(
        "DELETE FROM waiting WHERE channel = ? AND alert_id = ?", (channel, alert_id)
    )


def add_later_columns(connection: sqlite3.Connection) -> None:
    """Bring the table of an earlier version up to date."""
    columns = {row[1] for row in connection.execute("PRAGMA table_info(waiting)")}
    for column, kind in _LATER_COLUMNS:
        if column not in columns:
            connection.execute(f"ALTER TABLE waiting ADD COLUMN {column} {kind}")
    connection.execute(_LATER_INDEX)


def keep_deadlines(
    connection: sqlite3.Connection, alert_id: str, revision: int, terms: Collection[str]
) -> None:
    """Of the alert's deadlines that waited before this revision only these are still so."""
    connection.execute(
        "DELETE FROM waiting WHERE of_alert = ? AND of_revision < ?"
        f" AND of_term IS NOT NULL AND of_term NOT IN ({', '.join('?' * len(terms))})",
        (alert_id, revision, *terms),
    )
    connection.execute("DELETE FROM over WHERE alert_id = ?", (alert_id,))


def end_deadlines(connection: sqlite3.Connection, alert_id: str, revision: int, now: float) -> None:
    """No deadline of the alert from before this revision is told, those that come later neither."""
    connection.execute(
        "DELETE FROM waiting WHERE of_alert = ? AND of_revision < ?", (alert_id, revision)
    )
    connection.execute("INSERT OR REPLACE INTO over VALUES (?, ?, ?)", (alert_id, revision, now))


def is_over(connection: sqlite3.Connection, of: Of) -> bool:
    """Whether the alert has ended since the revision that a turn is about."""
    row = connection.execute(
        "SELECT 1 FROM over WHERE alert_id = ? AND revision > ?", (of.alert_id, of.revision)
    ).fetchone()
    return row is not None


def window_end(
    connection: sqlite3.Connection, channel: str, bucket: str, group_s: float, now: float
) -> float | None:
    """When a group may be told of next; None when it may now, and then it counts as told now.

    first          others wait            one message    others wait
    |--- group_s --------------------------|--- group_s ---- …
    """
    others = connection.execute(
        "SELECT 1 FROM waiting WHERE channel = ? AND bucket = ? LIMIT 1", (channel, bucket)
    ).fetchone()
    # A channel that is down takes nothing out of here: what comes meanwhile joins it.
    if others is not None:
        return now + group_s
    row = connection.execute(
        "SELECT told_at FROM grouped WHERE channel = ? AND bucket = ?", (channel, bucket)
    ).fetchone()
    # A time to come was written before the clock was set back.
    if row is not None and now - group_s < row[0] <= now:
        return float(row[0]) + group_s
    mark_told(connection, channel, bucket, now)
    return None


def mark_told(connection: sqlite3.Connection, channel: str, bucket: str, now: float) -> None:
    """The group's window begins now."""
    connection.execute("INSERT OR REPLACE INTO grouped VALUES (?, ?, ?)", (channel, bucket, now))


def take_due(
    connection: sqlite3.Connection, channel: str, least_loudness: int, now: float
) -> Iterator[tuple[str, list[Notice]]]:
    """The kind and the content of each bucket that is due and loud enough, taken out of here."""
    if least_loudness > EVERYTHING:
        # Groups that the quiet hours caught are told together at their end.
        connection.execute(
            f"UPDATE waiting SET bucket = ? WHERE channel = ? AND bucket LIKE '{GROUP} %'"
            f" AND {LOUDNESS} < ?",
            (QUIET, channel, least_loudness),
        )
    # What was held in the future was held before the clock was set back, and waits for no time of it.
    buckets = connection.execute(
        "SELECT DISTINCT bucket FROM waiting WHERE channel = ? AND (next_at <= ? OR held_at > ?)",
        (channel, now, now),
    ).fetchall()
    for (bucket,) in buckets:
        due = _take(
            connection,
            # Not before what is on its way about the same alert, or it would be told in another order.
            f"channel = ? AND bucket = ? AND {LOUDNESS} >= ? AND {NOTHING_ON_ITS_WAY}",
            (channel, bucket, least_loudness),
        )
        if due:
            kind = bucket.partition(" ")[0]
            if kind == GROUP:
                mark_told(connection, channel, bucket, now)
            yield kind, due


def take_unknown(connection: sqlite3.Connection, known: Collection[str]) -> list[Notice]:
    """What waits for channels that are gone, taken out of here."""
    return _take(connection, f"channel NOT IN ({', '.join('?' * len(known))})", tuple(known))


def forget(connection: sqlite3.Connection, before: float) -> None:
    """Forget the groups of which nobody was told since then, and the alerts that had ended by then."""
    connection.execute("DELETE FROM grouped WHERE told_at < ?", (before,))
    connection.execute("DELETE FROM over WHERE since < ?", (before,))


def _take(
    connection: sqlite3.Connection, where: str, parameters: tuple[object, ...]
) -> list[Notice]:
    rows = connection.execute(
        f"SELECT channel, alert_id, revision, rank, message FROM waiting WHERE {where}"
        f" ORDER BY {IN_ORDER}",
        parameters,
    ).fetchall()
    connection.execute(f"DELETE FROM waiting WHERE {where}", parameters)
    return [
        Notice(
            notification_id(channel, alert_id, revision), channel, alert_id, revision, rank, body
        )
        for channel, alert_id, revision, rank, body in rows
    ]
