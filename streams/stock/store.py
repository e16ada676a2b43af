"""The ledger's file: entries, readings and every decision, in one SQLite database.

Everything that one record changes is written in one transaction with the mark that it was handled,
so kill -9 leaves either all of it or none. The trap: what a reading calls `on_hand` contains our own
top-ups once they were carried out, and is corrected by them here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from schemas.outputs import Control, StockAdjustment
from streams.stock.ledger import Entry, ItemState, Key

Outcome = Literal["done", "refused", "failed", "dry_run"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
  shop_id TEXT, item_id TEXT, order_id TEXT, units INTEGER NOT NULL, auto_close_at REAL NOT NULL,
  alert_id TEXT NOT NULL, state TEXT NOT NULL, applied INTEGER NOT NULL, is_dry_run INTEGER NOT NULL,
  decisions INTEGER NOT NULL, decided_kind TEXT, decided_reason TEXT,
  PRIMARY KEY (shop_id, item_id, order_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entries_due ON entries (auto_close_at) WHERE state = 'held';
CREATE INDEX IF NOT EXISTS entries_applied ON entries (shop_id, item_id, applied) WHERE applied > 0;
CREATE TABLE IF NOT EXISTS claims (
  shop_id TEXT, item_id TEXT, order_id TEXT, alert_id TEXT,
  PRIMARY KEY (shop_id, item_id, order_id, alert_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS claims_by_alert ON claims (alert_id);
CREATE TABLE IF NOT EXISTS adjustments (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, adjustment_id TEXT NOT NULL UNIQUE, shop_id TEXT NOT NULL,
  item_id TEXT NOT NULL, order_id TEXT NOT NULL, kind TEXT NOT NULL, delta INTEGER NOT NULL,
  decided_at REAL NOT NULL, body TEXT NOT NULL, is_confirmed INTEGER NOT NULL DEFAULT 0,
  is_published INTEGER NOT NULL DEFAULT 0, outcome TEXT);
CREATE INDEX IF NOT EXISTS adjustments_budget ON adjustments (shop_id, kind, decided_at);
CREATE INDEX IF NOT EXISTS adjustments_item ON adjustments (shop_id, item_id, is_confirmed);
CREATE INDEX IF NOT EXISTS adjustments_top_ups ON adjustments (shop_id, item_id, order_id)
  WHERE kind = 'top_up';
CREATE INDEX IF NOT EXISTS adjustments_waiting ON adjustments (seq) WHERE is_published = 0;
CREATE TABLE IF NOT EXISTS readings (
  shop_id TEXT, item_id TEXT, occurred_at REAL, event_id TEXT, on_hand INTEGER,
  paid_reserved INTEGER, is_deducted_on_payment INTEGER,
  PRIMARY KEY (shop_id, item_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS listings (
  shop_id TEXT, item_id TEXT, occurred_at REAL, event_id TEXT, is_supported INTEGER,
  PRIMARY KEY (shop_id, item_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS kill_switch (at REAL, control_id TEXT, is_on INTEGER,
  log_offset INTEGER NOT NULL DEFAULT -1);
CREATE TABLE IF NOT EXISTS approvals (alert_id TEXT PRIMARY KEY, expires_at REAL NOT NULL)
  WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refusals (alert_id TEXT PRIMARY KEY, said_at REAL NOT NULL,
  is_standing INTEGER NOT NULL) WITHOUT ROWID;
"""
# What files of earlier versions lack: of the switch its place in the log, so that it stays as it was until
# the next command; of decisions what became of them.
_LATER_COLUMNS = (
    ("kill_switch", "log_offset", "INTEGER NOT NULL DEFAULT -1"),
    ("adjustments", "outcome", "TEXT"),
)
_LATER_INDEXES = """
CREATE INDEX IF NOT EXISTS adjustments_not_done ON adjustments (kind)
  WHERE outcome IN ('refused', 'failed');
"""
_ENTRY = (
    "SELECT e.*, (SELECT group_concat(c.alert_id) FROM claims c WHERE c.shop_id = e.shop_id"
    " AND c.item_id = e.item_id AND c.order_id = e.order_id) FROM entries e "
)
# What claims to be from the future loses: kept, it would hide every reading until then.
_IS_NEWER = (
    "((excluded.occurred_at, excluded.event_id) > (occurred_at, event_id) OR occurred_at > ?)"
)


class Store:
    """Implements Ledger; the caller opens and ends transactions on `connection`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        connection.executescript(_SCHEMA)
        for table, column, kind in _LATER_COLUMNS:
            columns = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
            if column not in columns:
                connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
        connection.executescript(_LATER_INDEXES)

    def entry(self, key: Key) -> Entry | None:
        """See Ledger."""
        rows = self._entries("WHERE shop_id = ? AND item_id = ? AND order_id = ?", key)
        return rows[0] if rows else None

    def put(self, entry: Entry) -> None:
        """See Ledger."""
        kind, reason = entry.decided or (None, None)
        self.connection.execute(
            "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *entry.key,
                entry.units,
                entry.auto_close_at.timestamp(),
                entry.alert_id,
                entry.state,
                entry.applied,
                entry.is_dry_run,
                entry.decisions,
                kind,
                reason,
            ),
        )
        self.connection.execute(
            "DELETE FROM claims WHERE shop_id = ? AND item_id = ? AND order_id = ?", entry.key
        )
        self.connection.executemany(
            "INSERT INTO claims VALUES (?, ?, ?, ?)",
            [(*entry.key, alert_id) for alert_id in entry.claims],
        )

    def claimed_by(self, alert_id: str) -> list[Entry]:
        """See Ledger."""
        return self._entries(
            "WHERE (shop_id, item_id, order_id) IN"
            " (SELECT shop_id, item_id, order_id FROM claims WHERE alert_id = ?)"
            " ORDER BY shop_id, item_id, order_id",
            (alert_id,),
        )

    def of_item(self, shop_id: str, item_id: str) -> list[Entry]:
        """See Ledger."""
        entries = self._entries(
            "WHERE shop_id = ? AND item_id = ? AND (applied > 0 OR state = 'held')"
            " ORDER BY auto_close_at, order_id",
            (shop_id, item_id),
        )
        return [entry for entry in entries if entry.applied or entry.is_wanted]

    def topped_up_of(self, shop_id: str, item_id: str) -> int:
        """See Ledger; read from `entries_applied` alone."""
        (units,) = self.connection.execute(
            "SELECT coalesce(sum(applied), 0) FROM entries"
            " WHERE shop_id = ? AND item_id = ? AND applied > 0",
            (shop_id, item_id),
        ).fetchone()
        return int(units)

    def due(self, now: float) -> list[Entry]:
        """Entries still held although the platform has closed their orders by that time."""
        return self._entries(
            "WHERE state = 'held' AND auto_close_at <= ? ORDER BY auto_close_at, order_id", (now,)
        )

    def topped_up_since(self, shop_id: str, item_id: str | None, since: datetime) -> int:
        """See Ledger."""
        (units,) = self.connection.execute(
            "SELECT coalesce(sum(delta), 0) FROM adjustments WHERE shop_id = ? AND kind = 'top_up'"
            " AND decided_at > ? AND (? IS NULL OR item_id = ?)",
            (shop_id, since.timestamp(), item_id, item_id),
        ).fetchone()
        return int(units)

    def item_state(self, shop_id: str, item_id: str) -> ItemState:
        """See Ledger."""
        key = (shop_id, item_id)
        reading = self.connection.execute(
            "SELECT on_hand, paid_reserved, is_deducted_on_payment, occurred_at FROM readings"
            " WHERE shop_id = ? AND item_id = ?",
            key,
        ).fetchone()
        listing = self.connection.execute(
            "SELECT is_supported FROM listings WHERE shop_id = ? AND item_id = ?", key
        ).fetchone()
        is_supported = None if listing is None or listing[0] is None else bool(listing[0])
        if reading is None:
            return ItemState(is_deduct_on_payment_supported=is_supported)
        on_hand, paid_reserved, is_on_payment, read_at = reading
        return ItemState(
            physical=on_hand - self._carried_out(key),
            paid_reserved=paid_reserved,
            is_deducted_on_payment=bool(is_on_payment),
            is_deduct_on_payment_supported=is_supported,
            unreported=self._unreported(key, read_at),
        )

    def put_reading(self, event: Any, latest: float) -> None:
        """Keep a stock event (of schemas.fast) when it is the newest of its item up to `latest`."""
        self.connection.execute(
            "INSERT INTO readings VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " occurred_at = excluded.occurred_at, event_id = excluded.event_id,"
            " on_hand = excluded.on_hand, paid_reserved = excluded.paid_reserved,"
            f" is_deducted_on_payment = excluded.is_deducted_on_payment WHERE {_IS_NEWER}",
            (
                event.shop_id,
                event.item_id,
                event.occurred_at.timestamp(),
                event.event_id,
                event.on_hand,
                event.paid_reserved,
                event.deduct_mode == "payment",
                latest,
            ),
        )

    def put_listing(self, event: Any, latest: float) -> None:
        """Keep a listing event (of schemas.fast) when it is the newest of its item up to `latest`."""
        self.connection.execute(
            "INSERT INTO listings VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " occurred_at = excluded.occurred_at, event_id = excluded.event_id,"
            f" is_supported = excluded.is_supported WHERE {_IS_NEWER}",
            (
                event.shop_id,
                event.item_id,
                event.occurred_at.timestamp(),
                event.event_id,
                event.deduct_on_payment_supported,
                latest,
            ),
        )

    def confirm(self, adjustment_id: str) -> bool:
        """The platform reports an adjustment as carried out; whether it is one of ours and that is new."""
        changed = self.connection.execute(
            "UPDATE adjustments SET is_confirmed = 1 WHERE adjustment_id = ? AND is_confirmed = 0",
            (adjustment_id,),
        )
        return changed.rowcount > 0

    def is_confirmed(self, adjustment_id: str) -> bool:
        """Whether the platform has reported an adjustment as carried out."""
        row = self.connection.execute(
            "SELECT is_confirmed FROM adjustments WHERE adjustment_id = ?", (adjustment_id,)
        ).fetchone()
        return row is not None and bool(row[0])

    def last_top_up(self, key: Key, before: str | None = None) -> str | None:
        """See Ledger."""
        row = self.connection.execute(
            "SELECT adjustment_id FROM adjustments WHERE shop_id = ? AND item_id = ?"
            " AND order_id = ? AND kind = 'top_up' AND (? IS NULL OR"
            " seq < (SELECT seq FROM adjustments WHERE adjustment_id = ?))"
            " ORDER BY seq DESC LIMIT 1",
            (*key, before, before),
        ).fetchone()
        return None if row is None else str(row[0])

    def is_not_done(self, adjustment_id: str) -> bool:
        """See Ledger."""
        is_denied = self.outcome_of(adjustment_id) in ("refused", "failed")
        return is_denied and not self.is_confirmed(adjustment_id)

    def outcome_of(self, adjustment_id: str) -> Outcome | None:
        """What its action came to by its result; None where nobody has said."""
        row = self.connection.execute(
            "SELECT outcome FROM adjustments WHERE adjustment_id = ?", (adjustment_id,)
        ).fetchone()
        return None if row is None else row[0]

    def put_outcome(self, adjustment_id: str, outcome: str) -> None:
        """Keep what became of the action of a decision."""
        self.connection.execute(
            "UPDATE adjustments SET outcome = ? WHERE adjustment_id = ?", (outcome, adjustment_id)
        )

    def reversal_of(self, top_up: StockAdjustment) -> str | None:
        """Id of the decision that took a top-up back, if it was."""
        row = self.connection.execute(
            "SELECT r.adjustment_id FROM adjustments r JOIN adjustments t ON t.adjustment_id = ?"
            " WHERE r.shop_id = t.shop_id AND r.item_id = t.item_id AND r.order_id = t.order_id"
            " AND r.kind = 'reverse' AND r.seq > t.seq ORDER BY r.seq LIMIT 1",
            (top_up.adjustment_id,),
        ).fetchone()
        return None if row is None else str(row[0])

    def adjustment(self, adjustment_id: str) -> StockAdjustment | None:
        """The decision of that id, if it is one of ours and not forgotten."""
        row = self.connection.execute(
            "SELECT body FROM adjustments WHERE adjustment_id = ?", (adjustment_id,)
        ).fetchone()
        return None if row is None else StockAdjustment.model_validate_json(row[0])

    def asks_for_nothing(self, adjustment: StockAdjustment) -> bool:
        """Whether no action belongs to a decision: it moves nothing, or ends what never happened."""
        if adjustment.kind != "reverse":
            return adjustment.delta == 0
        key = (adjustment.shop_id, adjustment.item_id, adjustment.order_id)
        given = self.last_top_up(key, adjustment.adjustment_id)
        return given is not None and self.is_not_done(given)

    def reversals_not_done(self) -> int:
        """Real top-ups that whoever carries out did not take back, as far as nobody reported it since."""
        rows = self.connection.execute(
            "SELECT body FROM adjustments WHERE outcome IN ('refused', 'failed')"
            " AND kind = 'reverse' AND is_confirmed = 0"
        ).fetchall()
        found = [StockAdjustment.model_validate_json(body) for (body,) in rows]
        return sum(not each.is_dry_run and not self.asks_for_nothing(each) for each in found)

    def put_approval(self, alert_id: str, until: datetime) -> None:
        """A person approves the top-ups of an alert; a repeat makes it no shorter.

        When it was refused before is kept, for what was said before that may come yet.
        """
        self.connection.execute(
            "INSERT INTO approvals VALUES (?, ?) ON CONFLICT DO UPDATE SET"
            " expires_at = max(expires_at, excluded.expires_at)",
            (alert_id, until.timestamp()),
        )
        self.connection.execute(
            "UPDATE refusals SET is_standing = 0 WHERE alert_id = ?", (alert_id,)
        )

    def put_refusal(self, alert_id: str, said_at: float) -> None:
        """A person refuses the top-ups of an alert, or takes an approval back."""
        self.connection.execute("DELETE FROM approvals WHERE alert_id = ?", (alert_id,))
        self.connection.execute(
            "INSERT OR REPLACE INTO refusals VALUES (?, ?, 1)", (alert_id, said_at)
        )

    def refused_at(self, alert_id: str) -> float | None:
        """When a person last refused the top-ups of an alert, by the sender's clock."""
        row = self.connection.execute(
            "SELECT said_at FROM refusals WHERE alert_id = ?", (alert_id,)
        ).fetchone()
        return None if row is None else float(row[0])

    def refused(self) -> frozenset[str]:
        """The alerts that a person has refused and nobody has approved since."""
        rows = self.connection.execute("SELECT alert_id FROM refusals WHERE is_standing")
        return frozenset(alert_id for (alert_id,) in rows)

    def approved(self, now: float) -> frozenset[str]:
        """The alerts whose approval has not expired."""
        rows = self.connection.execute(
            "SELECT alert_id FROM approvals WHERE expires_at > ?", (now,)
        )
        return frozenset(alert_id for (alert_id,) in rows)

    def put_control(self, control: Control, offset: int) -> None:
        """Move the kill switch as the log says; anything but a clear `off` means on.

        The order is that of the log, whose topic has one partition: the sender's clock could date a
        command so that none after it counts. An `off` from before the last command is a repeat; an
        `on` always counts, also on a topic that was created anew and begins at 0 again.
        """
        is_on = control.value.strip().lower() not in ("off", "false", "0")
        last = self.connection.execute("SELECT log_offset FROM kill_switch").fetchone()
        if is_on or last is None or offset >= last[0]:
            self.connection.execute("DELETE FROM kill_switch")
            self.connection.execute(
                "INSERT INTO kill_switch VALUES (?, ?, ?, ?)",
                (control.at.timestamp(), control.control_id, is_on, offset),
            )

    def is_killed(self) -> bool:
        """Whether the last command was to stop topping up."""
        row = self.connection.execute("SELECT is_on FROM kill_switch").fetchone()
        return bool(row and row[0])

    def add(self, adjustment: StockAdjustment) -> None:
        """See Ledger; it stays until it is published."""
        self._insert(adjustment, is_published=False)

    def add_published(self, adjustment: StockAdjustment) -> None:
        """Keep a decision that the topic has already."""
        self._insert(adjustment, is_published=True)

    def has(self, adjustment_id: str) -> bool:
        """Whether that decision is in the file."""
        row = self.connection.execute(
            "SELECT 1 FROM adjustments WHERE adjustment_id = ?", (adjustment_id,)
        ).fetchone()
        return row is not None

    def _insert(self, adjustment: StockAdjustment, *, is_published: bool) -> None:
        self.connection.execute(
            "INSERT INTO adjustments (adjustment_id, shop_id, item_id, order_id, kind, delta,"
            " decided_at, body, is_published) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                adjustment.adjustment_id,
                adjustment.shop_id,
                adjustment.item_id,
                adjustment.order_id,
                adjustment.kind,
                adjustment.delta,
                adjustment.decided_at.timestamp(),
                adjustment.model_dump_json(),
                is_published,
            ),
        )

    def unpublished(self, limit: int = 500) -> list[tuple[int, StockAdjustment]]:
        """Decisions that the topic does not have yet, oldest first."""
        rows = self.connection.execute(
            "SELECT seq, body FROM adjustments WHERE is_published = 0 ORDER BY seq LIMIT ?",
            (limit,),
        ).fetchall()
        return [(seq, StockAdjustment.model_validate_json(body)) for seq, body in rows]

    def waiting(self) -> int:
        """How many decisions the topic does not have yet."""
        (count,) = self.connection.execute(
            "SELECT count(*) FROM adjustments WHERE is_published = 0"
        ).fetchone()
        return int(count)

    def mark_published(self, numbers: Sequence[int]) -> None:
        """The decisions of these numbers are on the topic."""
        self.connection.executemany(
            "UPDATE adjustments SET is_published = 1 WHERE seq = ?", [(seq,) for seq in numbers]
        )

    def publish_again(self, adjustment_id: str) -> None:
        """Say a decision once more, and ask for what it asks for by now."""
        self.connection.execute(
            "UPDATE adjustments SET is_published = 0 WHERE adjustment_id = ?", (adjustment_id,)
        )

    def topped_up_now(self) -> dict[bool, int]:
        """Units that are topped up at present, by whether only on paper (dry run)."""
        rows = self.connection.execute(
            "SELECT is_dry_run, sum(applied) FROM entries WHERE applied > 0 GROUP BY is_dry_run"
        ).fetchall()
        return {bool(is_dry_run): units for is_dry_run, units in rows}

    def held_units(self) -> int:
        """Units that orders named by open alerts hold, each order once; costs what is held."""
        (units,) = self.connection.execute(
            "SELECT coalesce(sum(units), 0) FROM entries e WHERE state = 'held' AND EXISTS (SELECT 1"
            " FROM claims c WHERE c.shop_id = e.shop_id AND c.item_id = e.item_id"
            " AND c.order_id = e.order_id)"
        ).fetchone()
        return int(units)

    def prune(self, before: float) -> None:
        """Forget orders that were auto-closed before that time and owe nothing, and what was said then."""
        self.connection.execute("DELETE FROM approvals WHERE expires_at < ?", (before,))
        self.connection.execute("DELETE FROM refusals WHERE said_at < ?", (before,))
        old = "SELECT shop_id, item_id, order_id FROM entries WHERE auto_close_at < ?"
        settled = f"(shop_id, item_id, order_id) IN ({old} AND applied = 0 AND state != 'held')"
        self.connection.execute(
            f"DELETE FROM adjustments WHERE is_published = 1 AND {settled}", (before,)
        )
        self.connection.execute(f"DELETE FROM claims WHERE {settled}", (before,))
        self.connection.execute(
            "DELETE FROM entries WHERE auto_close_at < ? AND applied = 0 AND state != 'held'",
            (before,),
        )

    def _carried_out(self, key: tuple[str, str]) -> int:
        """Units of ours that `on_hand` contains; never less than none, whatever was not reported."""
        (units,) = self.connection.execute(
            "SELECT coalesce(sum(max(units, 0)), 0) FROM (SELECT sum(delta) AS units"
            " FROM adjustments WHERE shop_id = ? AND item_id = ? AND is_confirmed = 1"
            " GROUP BY order_id)",
            key,
        ).fetchone()
        return int(units)

    def _unreported(self, key: tuple[str, str], read_at: float) -> int:
        """Units topped up for real before a reading, which nobody has reported as carried out.

        An entry that is topped up was decided on last by its newest top-up.
        """
        (units,) = self.connection.execute(
            "SELECT coalesce(sum(e.applied), 0) FROM entries e WHERE e.shop_id = ? AND e.item_id = ?"
            " AND e.applied > 0 AND e.is_dry_run = 0 AND (SELECT a.is_confirmed = 0 AND"
            " a.decided_at < ? FROM adjustments a WHERE a.shop_id = e.shop_id AND"
            " a.item_id = e.item_id AND a.order_id = e.order_id AND a.kind = 'top_up'"
            " ORDER BY a.seq DESC LIMIT 1)",
            (*key, read_at),
        ).fetchone()
        return int(units)

    def _entries(self, where: str, parameters: tuple[Any, ...]) -> list[Entry]:
        return [_entry(row) for row in self.connection.execute(_ENTRY + where, parameters)]


def _entry(row: tuple[Any, ...]) -> Entry:
    kind, reason, claims = row[10:13]
    return Entry(
        key=(row[0], row[1], row[2]),
        units=row[3],
        auto_close_at=datetime.fromtimestamp(row[4], UTC),
        alert_id=row[5],
        state=row[6],
        applied=row[7],
        is_dry_run=bool(row[8]),
        decisions=row[9],
        decided=None if kind is None else (kind, reason),
        claims=frozenset(claims.split(",")) if claims else frozenset(),
    )
