"""What is told again while it stays open, and how often yet.

A reminder counts its time from when the channel took the last message about the alert. The trap:
this knows what the topic says and not what people did in the inbox.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import replace
from typing import Final

from streams.notify.text import dump, load, marked_as_reminder
from streams.notify.waiting import Notice, notification_id

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS reminders (
  channel TEXT NOT NULL, alert_id TEXT NOT NULL, revision INTEGER NOT NULL, rank INTEGER NOT NULL,
  message TEXT NOT NULL, every_s REAL NOT NULL, times_left INTEGER NOT NULL, next_at REAL NOT NULL,
  PRIMARY KEY (channel, alert_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS reminders_alert ON reminders (alert_id);
CREATE INDEX IF NOT EXISTS reminders_due ON reminders (channel, next_at);
"""


def reminded(connection: sqlite3.Connection, alert_id: str) -> set[str]:
    """The channels that will be told of an alert again."""
    rows = connection.execute("SELECT channel FROM reminders WHERE alert_id = ?", (alert_id,))
    return {channel for (channel,) in rows}


def remind(
    connection: sqlite3.Connection, item: Notice, every_s: float, times: int, now: float
) -> None:
    """Tell it again so often, from now on; what was planned about the alert is replaced."""
    connection.execute(
        "INSERT OR REPLACE INTO reminders VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            item.channel,
            item.alert_id,
            item.revision,
            item.rank,
            item.message,
            every_s,
            times,
            now + every_s,
        ),
    )


def refresh(connection: sqlite3.Connection, item: Notice) -> None:
    """Say what is true now when it is told again."""
    connection.execute(
        "UPDATE reminders SET revision = ?, rank = ?, message = ? WHERE channel = ? AND alert_id = ?",
        (item.revision, item.rank, item.message, item.channel, item.alert_id),
    )


def cancel(connection: sqlite3.Connection, channel: str, alert_id: str) -> None:
    """Do not tell it again."""
    connection.execute(
        "DELETE FROM reminders WHERE channel = ? AND alert_id = ?", (channel, alert_id)
    )


def cancel_all_but(connection: sqlite3.Connection, channels: Collection[str]) -> None:
    """Only these channels are told anything again."""
    connection.execute(
        f"DELETE FROM reminders WHERE channel NOT IN ({', '.join('?' * len(channels))})",
        tuple(channels),
    )


def restart(connection: sqlite3.Connection, identity: str, now: float) -> None:
    """The channel took this notification: the time until the next one about its alerts begins."""
    connection.execute(
        "UPDATE reminders SET next_at = ? + every_s WHERE (channel, alert_id) IN"
        " (SELECT channel, alert_id FROM outbox WHERE notification_id = ? OR covered_by = ?)",
        (now, identity, identity),
    )


def take_due(
    connection: sqlite3.Connection, channel: str, least_loudness: int, now: float
) -> list[Notice]:
    """What is to be told again now, each once less from here on.

    While something about the alert is still on its way, nothing is told again.
    """
    rows = connection.execute(
        "SELECT alert_id, revision, rank, message, times_left FROM reminders AS r"
        # A later time than that was written before the clock was set back.
        " WHERE channel = ? AND rank >= ? AND (next_at <= ? OR next_at > ? + every_s)"
        " AND NOT EXISTS (SELECT 1 FROM outbox AS o WHERE o.channel = r.channel"
        " AND o.alert_id = r.alert_id AND o.state IN ('queued', 'sending', 'covered'))"
        " AND NOT EXISTS (SELECT 1 FROM waiting AS w WHERE w.channel = r.channel"
        " AND w.alert_id = r.alert_id) ORDER BY rank DESC, next_at",
        (channel, least_loudness, now, now),
    ).fetchall()
    due = []
    for alert_id, revision, rank, message, times_left in rows:
        if times_left > 1:
            connection.execute(
                "UPDATE reminders SET times_left = times_left - 1, next_at = ? + every_s"
                " WHERE channel = ? AND alert_id = ?",
                (now, channel, alert_id),
            )
        else:
            cancel(connection, channel, alert_id)
        identity = notification_id(channel, alert_id, revision, f"again {times_left} {now}")
        due.append(Notice(identity, channel, alert_id, revision, rank, message))
    # Of several only a summary is read, which says so itself.
    if len(due) == 1:
        due = [replace(due[0], message=dump(marked_as_reminder(load(due[0].message))))]
    return due
