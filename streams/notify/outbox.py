"""The write-ahead record of every notification: intent, send, outcome, report.

    queued ──claim──> sending ──> delivered
      ^                  │  └───> gave_up
      └──────failed──────┘
    queued ──summary──> covered ──> whatever becomes of the summary that covers it; queued again,
                                    once, when the channel takes anything but the summary

What is held for quiet hours, a digest or its group is not here yet, see waiting.py. A row is
`sending` before the channel is called and only then. A crash in between leaves it there, which is the
one outcome that nobody can know; `recover` decides it.
"""

from __future__ import annotations

import sqlite3
import threading
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

from schemas.outputs import Notification
from streams.notify import reminders, told, waiting
from streams.notify.hours import EVERYTHING
from streams.notify.text import (
    DIGEST,
    GROUP,
    QUIET_HOURS,
    REMINDER,
    STORM,
    Message,
    Occasion,
    dump,
    load,
    render_summary,
    without_names,
)
from streams.notify.waiting import IN_ORDER, LOUDNESS, NAMESPACE, Notice
from streams.subscriber.ledger import open_database, transaction

Status = Literal["delivered", "failed", "gave_up"]
RATE_WINDOW_S = 60.0
# A storm's summary goes first; below it stands the rank of what it covers.
STORM_RANK = 10
# A summary quotes its first subjects only, but one transaction should stay short in any flood.
MAX_COVERED = 5_000
# A receiver may refuse a summary for a name that it quotes; its names are worth no more tries than this.
TRIES_WITH_NAMES = 3

NOBODY_IS_QUIET: Final[Mapping[str, int]] = MappingProxyType({})
_OCCASIONS: Final = {
    waiting.QUIET: QUIET_HOURS,
    waiting.DIGEST: DIGEST,
    waiting.GROUP: GROUP,
}
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS outbox (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, notification_id TEXT NOT NULL UNIQUE,
  channel TEXT NOT NULL, alert_id TEXT, revision INTEGER, rank INTEGER NOT NULL,
  message TEXT NOT NULL, state TEXT NOT NULL, covered_by TEXT, is_repeat INTEGER NOT NULL DEFAULT 0,
  attempt INTEGER NOT NULL DEFAULT 0, queued_at REAL NOT NULL, next_at REAL NOT NULL,
  attempted_at REAL, finished_at REAL);
CREATE INDEX IF NOT EXISTS outbox_due ON outbox (channel, state, next_at);
CREATE INDEX IF NOT EXISTS outbox_rate ON outbox (channel, attempted_at);
CREATE INDEX IF NOT EXISTS outbox_order ON outbox (channel, alert_id, seq);
CREATE INDEX IF NOT EXISTS outbox_covered ON outbox (covered_by) WHERE covered_by IS NOT NULL;
CREATE INDEX IF NOT EXISTS outbox_turn ON outbox (channel, {IN_ORDER}) WHERE state = 'queued';
CREATE TABLE IF NOT EXISTS reports (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL, is_published INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS reports_waiting ON reports (seq) WHERE is_published = 0;
"""
# A revision waits for the earlier ones of its alert, so that nobody reads "resolved" before "opened".
# What was queued in the future was queued before the clock was set back, and waits for no time of it.
_DUE = f"""
FROM outbox AS o WHERE channel = :channel AND state = 'queued' AND (next_at <= :now OR queued_at > :now)
AND {LOUDNESS} >= :least_loudness
AND NOT EXISTS (SELECT 1 FROM outbox AS e WHERE e.channel = o.channel AND e.alert_id = o.alert_id
                AND e.seq < o.seq AND e.state IN ('queued', 'sending', 'covered'))
"""
# Where the last one was refused it is not tried again before all others: it may be that one and not the
# channel, and its pause ends with that of the channel.
_LEAST_TRIED = f"attempt, {IN_ORDER}"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One claimed notification, to be sent now and then finished."""

    notification_id: str
    channel: str
    message: Message
    attempt: int
    queued_at: float
    is_repeat: bool


def put(
    connection: sqlite3.Connection,
    items: Sequence[Notice],
    now: float,
    covered_by: str | None = None,
) -> None:
    """Record the intent, and that the channels were told, in the caller's transaction.

    The mark of an alert is in the same one, so none of the three is durable without the others.
    """
    told.remember(connection, [(one.channel, one.alert_id, one.rank) for one in items], now)
    state = "queued" if covered_by is None else "covered"
    connection.executemany(
        "INSERT OR IGNORE INTO outbox (notification_id, channel, alert_id, revision, rank, message,"
        " state, covered_by, queued_at, next_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(*astuple(one), state, covered_by, now, now) for one in items],
    )


class Outbox:
    """The outbox file as the senders and the reporter use it; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = open_database(path)
        self._connection.executescript(_SCHEMA)
        for schema in (told.SCHEMA, waiting.SCHEMA, reminders.SCHEMA):
            self._connection.executescript(schema)
        waiting.add_later_columns(self._connection)
        self._lock = threading.Lock()

    def recover(
        self,
        channels_to_skip: Sequence[str],
        known: Sequence[str],
        repeating: Sequence[str],
        now: float,
    ) -> None:
        """Settle what a crash left in `sending`, and what waits for a channel that is gone.

        Rows of `channels_to_skip` are given up, all others are sent again and marked as repeats.
        Channels that are not `repeating` any more are told nothing again.
        """
        with self._lock, transaction(self._connection) as connection:
            reminders.cancel_all_but(connection, repeating)
            put(connection, waiting.take_unknown(connection, known), now)
            rows = connection.execute(
                "SELECT notification_id, channel, attempt, state FROM outbox"
                " WHERE state IN ('queued', 'sending')"
            ).fetchall()
            for identity, channel, attempt, state in rows:
                if channel not in known:
                    self._close(identity, attempt, "gave_up", now, "channel not configured")
                elif state == "sending" and channel in channels_to_skip:
                    self._close(identity, attempt, "gave_up", now, "outcome unknown after a crash")
            connection.execute(
                "UPDATE outbox SET state = 'queued', is_repeat = 1, next_at = ?"
                " WHERE state = 'sending'",
                (now,),
            )

    def claim(
        self,
        channel: str,
        max_per_minute: int | None,
        now: float,
        *,
        is_failing: bool = False,
        least_loudness: int = EVERYTHING,
    ) -> Delivery | None:
        """The next notification to send, now marked `sending`; None when nothing may be sent.

        First what was held for the channel until now is put in. Where it is quiet, what is
        below `least_loudness` stays where it is.
        Within the limit what is over goes last and the most severe first; while the channel
        `is_failing`, what was tried least. The last free slot of a minute takes a summary of
        everything that is due, so that a storm is one message more and not a thousand.
        """
        order = _LEAST_TRIED if is_failing else IN_ORDER
        with self._lock, transaction(self._connection) as connection:
            self._take_in(channel, least_loudness, now)
            slots = self._free_slots(channel, max_per_minute, now)
            if slots == 0:
                return None
            if slots == 1:
                self._cover_what_is_due(channel, least_loudness, now)
            row = connection.execute(
                f"SELECT notification_id, message, attempt, queued_at, is_repeat {_DUE}"
                f" ORDER BY {order} LIMIT 1",
                {"channel": channel, "now": now, "least_loudness": least_loudness},
            ).fetchone()
            if row is None:
                return None
            identity, message, attempt, queued_at, is_repeat = row
            connection.execute(
                "UPDATE outbox SET state = 'sending', attempt = attempt + 1, attempted_at = ?"
                " WHERE notification_id = ?",
                (now, identity),
            )
        return Delivery(
            identity, channel, load(message), attempt + 1, queued_at, is_repeat=bool(is_repeat)
        )

    def delivered(self, delivery: Delivery, now: float) -> None:
        """The channel took it."""
        with self._lock, transaction(self._connection):
            self._close(delivery.notification_id, delivery.attempt, "delivered", now, None)

    def gave_up(self, delivery: Delivery, error: str, now: float) -> None:
        """The channel refused it for the last time.

        If that is a summary and the channel took anything else meanwhile, what it covers is sent by
        itself. Not if the channel is down: when it is back, thousands of old notifications would
        stand before the new ones.
        """
        with self._lock, transaction(self._connection):
            if self._is_only_the_summary_refused(delivery.notification_id):
                self._uncover(delivery, error, now)
            self._close(delivery.notification_id, delivery.attempt, "gave_up", now, error)

    def failed(self, delivery: Delivery, error: str, next_at: float, now: float) -> None:
        """The channel refused it; try again at `next_at`, a summary in the end without names."""
        with self._lock, transaction(self._connection) as connection:
            # What comes from the future would else be due again at once, and hold up all others.
            connection.execute(
                "UPDATE outbox SET state = 'queued', next_at = ?, queued_at = min(queued_at, ?)"
                " WHERE notification_id = ?",
                (next_at, now, delivery.notification_id),
            )
            if delivery.attempt >= TRIES_WITH_NAMES:
                self._take_names_out(delivery.notification_id)
            self._report(delivery.notification_id, delivery.attempt, "failed", now, error)

    def unpublished(self, limit: int = 500) -> list[tuple[int, Notification]]:
        """Reports that the topic does not have yet, oldest first."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT seq, body FROM reports WHERE is_published = 0 ORDER BY seq LIMIT ?",
                (limit,),
            ).fetchall()
        return [(seq, Notification.model_validate_json(body)) for seq, body in rows]

    def mark_published(self, up_to: int) -> None:
        """All reports up to this number are on the topic."""
        with self._lock, transaction(self._connection) as connection:
            connection.execute(
                "UPDATE reports SET is_published = 1 WHERE is_published = 0 AND seq <= ?", (up_to,)
            )

    def waiting(self, least_loudness: Mapping[str, int] = NOBODY_IS_QUIET) -> dict[str, int]:
        """Notifications that may be sent and are not finished, by channel.

        What is below the least loudness of its channel is not counted: it is held.
        """
        with self._lock:
            rows = self._connection.execute(
                "SELECT channel, count(*) FROM outbox"
                " WHERE state IN ('queued', 'sending', 'covered') GROUP BY channel"
            ).fetchall()
            too_soft = self._too_soft(least_loudness)
        return dict(+(Counter(dict(rows)) - too_soft))

    def held(self, least_loudness: Mapping[str, int] = NOBODY_IS_QUIET) -> dict[str, int]:
        """Notifications that wait for quiet hours to end, for a digest or for their group."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT channel, count(*) FROM waiting GROUP BY channel"
            ).fetchall()
            return dict(self._too_soft(least_loudness) + Counter(dict(rows)))

    def prune(self, before: float, told_before: float) -> None:
        """Forget what was finished before that time and is on the topic.

        Who was told of an alert is forgotten when its last revision is older than `told_before`.
        """
        with self._lock, transaction(self._connection) as connection:
            connection.execute("DELETE FROM outbox WHERE finished_at < ?", (before,))
            connection.execute("DELETE FROM reports WHERE is_published = 1")
            waiting.forget(connection, before)
            told.forget(connection, told_before)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _free_slots(self, channel: str, max_per_minute: int | None, now: float) -> int | None:
        """How many may still be sent within the minute; None where there is no limit."""
        if max_per_minute is None:
            return None
        (used,) = self._connection.execute(
            "SELECT count(*) FROM outbox WHERE channel = ? AND attempted_at > ? AND attempted_at <= ?",
            (channel, now - RATE_WINDOW_S, now),
        ).fetchone()
        return max(max_per_minute - int(used), 0)

    def _take_in(self, channel: str, least_loudness: int, now: float) -> None:
        """Put in what was held until now, as one summary where it is more than one."""
        for kind, items in waiting.take_due(self._connection, channel, least_loudness, now):
            self._put_together(items, _OCCASIONS[kind], now)
        again = reminders.take_due(self._connection, channel, least_loudness, now)
        self._put_together(again, REMINDER, now)

    def _put_together(self, items: Sequence[Notice], occasion: Occasion, now: float) -> None:
        if len(items) < 2:
            put(self._connection, items, now)
            return
        covered = {one.notification_id: load(one.message) for one in items}
        rank = max(one.rank for one in items)
        summary_id = self._sum_up(items[0].channel, covered, occasion, rank, now)
        put(self._connection, items, now, covered_by=summary_id)

    def _cover_what_is_due(self, channel: str, least_loudness: int, now: float) -> None:
        rows = self._connection.execute(
            f"SELECT notification_id, message, rank {_DUE} AND alert_id IS NOT NULL AND attempt = 0"
            f" ORDER BY {IN_ORDER} LIMIT {MAX_COVERED}",
            {"channel": channel, "now": now, "least_loudness": least_loudness},
        ).fetchall()
        if len(rows) < 2:
            return
        covered = {identity: load(body) for identity, body, _ in rows}
        rank = STORM_RANK + max(rank for _, _, rank in rows)
        summary_id = self._sum_up(channel, covered, STORM, rank, now)
        self._connection.executemany(
            "UPDATE outbox SET state = 'covered', covered_by = ? WHERE notification_id = ?",
            [(summary_id, identity) for identity in covered],
        )

    def _sum_up(
        self,
        channel: str,
        covered: Mapping[str, Message],
        occasion: Occasion,
        rank: int,
        now: float,
    ) -> str:
        """Queue a summary of these notifications; the id by which it covers them."""
        summary_id = str(uuid.uuid5(NAMESPACE, "\n".join([occasion.word, *covered])))
        summary = render_summary(list(covered.values()), occasion)
        self._connection.execute(
            "INSERT INTO outbox (notification_id, channel, rank, message, state, queued_at,"
            " next_at) VALUES (?, ?, ?, ?, 'queued', ?, ?)",
            (summary_id, channel, rank, dump(summary), now, now),
        )
        return summary_id

    def _too_soft(self, least_loudness: Mapping[str, int]) -> Counter[str]:
        """What channels that are quiet now are not sent, though it is in the outbox."""
        counts: Counter[str] = Counter()
        for channel, least in least_loudness.items():
            if least > EVERYTHING:
                # What is covered waits with the summary that covers it.
                (counts[channel],) = self._connection.execute(
                    "SELECT coalesce(sum(1 + (SELECT count(*) FROM outbox AS c"
                    " WHERE c.covered_by = o.notification_id)), 0)"
                    f" FROM outbox AS o WHERE channel = ? AND state = 'queued' AND {LOUDNESS} < ?",
                    (channel, least),
                ).fetchone()
        return counts

    def _is_only_the_summary_refused(self, identity: str) -> bool:
        # What is covered was never attempted, so it proves nothing about the channel.
        taken = self._connection.execute(
            "SELECT 1 FROM outbox AS s JOIN outbox AS o ON o.channel = s.channel"
            " AND o.attempted_at > s.queued_at AND o.state = 'delivered'"
            " WHERE s.notification_id = ? AND s.alert_id IS NULL LIMIT 1",
            (identity,),
        ).fetchone()
        return taken is not None

    def _uncover(self, summary: Delivery, error: str, now: float) -> None:
        self._report(summary.notification_id, summary.attempt, "failed", now, error)
        # Only what was never attempted can be covered, so the attempt keeps this from coming again.
        self._connection.execute(
            "UPDATE outbox SET state = 'queued', covered_by = NULL, attempt = ?, queued_at = ?,"
            " next_at = ? WHERE covered_by = ?",
            (summary.attempt, now, now, summary.notification_id),
        )

    def _take_names_out(self, identity: str) -> None:
        # Only a summary is about no alert.
        row = self._connection.execute(
            "SELECT message FROM outbox WHERE notification_id = ? AND alert_id IS NULL", (identity,)
        ).fetchone()
        if row is not None:
            self._connection.execute(
                "UPDATE outbox SET message = ? WHERE notification_id = ?",
                (dump(without_names(load(row[0]))), identity),
            )

    def _close(
        self, identity: str, attempt: int, status: Status, now: float, error: str | None
    ) -> None:
        """A final outcome, for the row and for all that it covers."""
        self._report(identity, attempt, status, now, error)
        self._connection.execute(
            "UPDATE outbox SET state = ?, finished_at = ? WHERE notification_id = ?"
            " OR covered_by = ?",
            (status, now, identity, identity),
        )
        if status == "delivered":
            reminders.restart(self._connection, identity, now)

    def _report(
        self, identity: str, attempt: int, status: Status, now: float, error: str | None
    ) -> None:
        # A summary is no notification of its own to the outside: what it covers is reported.
        rows = self._connection.execute(
            "SELECT notification_id, alert_id, revision, channel FROM outbox"
            " WHERE (notification_id = ? OR covered_by = ?) AND alert_id IS NOT NULL",
            (identity, identity),
        ).fetchall()
        reports = (
            Notification(
                notification_id=row[0],
                alert_id=row[1],
                revision=row[2],
                channel=row[3],
                status=status,
                attempt=max(attempt, 1),
                at=datetime.fromtimestamp(now, UTC),
                error=error,
            )
            for row in rows
        )
        self._connection.executemany(
            "INSERT INTO reports (body) VALUES (?)",
            [(report.model_dump_json(),) for report in reports],
        )
