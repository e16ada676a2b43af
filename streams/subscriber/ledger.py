"""Which revision of which alert was handled last: what turns at-least-once into once.

Kafka gives a record again after a crash or a rebalance, so something must remember. The trap: a
ledger only helps as far as it outlives what it guards against; MemoryLedger does not outlive the
process.
"""

from __future__ import annotations

import sqlite3
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from streams.errors import ConfigurationError

# Of the files of notify, stock and subscribers alike; tests/unit/test_formats.py says when it changes.
FILE_FORMAT = 1


class Ledger(Protocol):
    """Remembers the last handled revision of each alert; used by one thread at a time."""

    def handling(self, alert_id: str, revision: int) -> AbstractContextManager[bool]:
        """Wrap the handling of one revision; the value is whether it is new.

        Leaving without an exception records the revision when it was new. Leaving with one records
        nothing, so that the revision is given again.
        """
        ...

    def close(self) -> None:
        """Release what the ledger holds; calling it twice does no harm."""
        ...


class MemoryLedger:
    """A ledger for handlers that are idempotent themselves, and for tests.

    It forgets everything when the process ends, and the alerts that were quiet for longest once it
    holds `max_alerts` (about 150 bytes each). What was forgotten and comes again is handled again.
    """

    def __init__(self, max_alerts: int = 100_000) -> None:
        self._revisions: OrderedDict[str, int] = OrderedDict()
        self._max_alerts = max_alerts

    @contextmanager
    def handling(self, alert_id: str, revision: int) -> Iterator[bool]:
        """See Ledger."""
        is_new = revision > self._revisions.get(alert_id, 0)
        yield is_new
        if is_new:
            self._revisions[alert_id] = revision
            self._revisions.move_to_end(alert_id)
            if len(self._revisions) > self._max_alerts:
                self._revisions.popitem(last=False)

    def close(self) -> None:
        """See Ledger."""


class SqliteLedger:
    """A ledger in an SQLite file, the default: it survives kill -9 and loss of power.

    The handler runs inside the ledger's write transaction. What it writes through `connection`
    therefore becomes durable together with the revision, or not at all: exactly once. Effects
    elsewhere have a window between the effect and the commit, in which a crash repeats them.

    Alerts that were quiet for `keep_days` are forgotten when the file is opened; keep it above the
    retention of the alerts topic. Members of a group that share the file wait for each other. A handler
    may keep tables of its own there, but `PRAGMA user_version` is the format of ours.
    """

    def __init__(
        self,
        path: Path,
        group_id: str,
        keep_days: int = 400,
        now: Callable[[], float] = time.time,
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.connection = open_database(path)
        self._group_id = group_id
        self._now = now
        self.connection.execute(
            "CREATE TABLE IF NOT EXISTS handled_alerts (group_id TEXT, alert_id TEXT,"
            " revision INTEGER NOT NULL, handled_at REAL NOT NULL,"
            " PRIMARY KEY (group_id, alert_id)) WITHOUT ROWID"
        )
        self.connection.execute(
            "DELETE FROM handled_alerts WHERE group_id = ? AND handled_at < ?",
            (group_id, now() - keep_days * 86_400),
        )

    @contextmanager
    def handling(self, alert_id: str, revision: int) -> Iterator[bool]:
        """See Ledger; the block runs inside a write transaction of `connection`."""
        with transaction(self.connection) as connection:
            is_new = revision > self._last(alert_id)
            yield is_new
            if is_new:
                connection.execute(
                    "INSERT OR REPLACE INTO handled_alerts VALUES (?, ?, ?, ?)",
                    (self._group_id, alert_id, revision, self._now()),
                )

    def close(self) -> None:
        """See Ledger."""
        self.connection.close()

    def _last(self, alert_id: str) -> int:
        row = self.connection.execute(
            "SELECT revision FROM handled_alerts WHERE group_id = ? AND alert_id = ?",
            (self._group_id, alert_id),
        ).fetchone()
        return row[0] if row else 0


def open_database(path: Path) -> sqlite3.Connection:
    """A durable SQLite connection whose transactions are opened by hand, see `transaction`.

    Reads the whole file once. Raises ConfigurationError when it is damaged, or of another format.
    """
    # The consumer loop may run in another thread than the one that connected; it is one at a time.
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        # WAL with NORMAL may lose the last commits on loss of power; a lost mark is a second delivery.
        connection.execute("PRAGMA synchronous = FULL")
        # Damage would else show when the work first touches it, as an error of whatever was at work.
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        connection.close()
        # A file that is busy, or cannot be opened, is not damaged: that is a subclass.
        if isinstance(error, sqlite3.OperationalError):
            raise
        raise damaged_database(path, str(error)) from error
    if found != "ok":
        connection.close()
        raise damaged_database(path, found)
    (written,) = connection.execute("PRAGMA user_version").fetchone()
    if not written:
        connection.execute(f"PRAGMA user_version = {FILE_FORMAT}")
    elif written != FILE_FORMAT:
        connection.close()
        raise ConfigurationError(
            f"{path} was written by another version of orderwatch, in format {written}; this version "
            f"reads format {FILE_FORMAT}. Start the version that wrote it, or put a backup from before "
            'in its place: docs/operations.md, "Going back".'
        )
    return connection


def damaged_database(path: Path | str, found: str) -> ConfigurationError:
    """What is wrong with an SQLite file whose pages cannot be read; `found` are SQLite's own words."""
    # A check begins with a line that only says which database it is about.
    what = found.strip().splitlines()[-1]
    return ConfigurationError(
        f"{path} is damaged or no SQLite database ({what}). Stop the service, move the file and its "
        "-wal and -shm away and put a backup in its place; docs/operations.md, "
        '"Backup and retention", says what is lost without one.'
    )


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """One write transaction: committed when the block ends, rolled back when it raises."""
    # IMMEDIATE, because a transaction that starts by reading cannot always be upgraded to write.
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
    except BaseException:
        # On a full disk SQLite may have done so by itself.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
