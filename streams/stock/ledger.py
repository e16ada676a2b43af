"""The rules of stock adjustment, pure: what is known in, decisions out. No clock and no storage.

For every (item, order) the deltas decided so far sum up to 0 or to the units topped up, and to 0
when its episode is over. The trap: the platform gives the units back by itself when it closes the
order, so a top-up that is not taken back in time sells what does not exist.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

from schemas.alerts import Alert
from schemas.outputs import StockAdjustment

Key = tuple[str, str, str]  # shop, item, order
Kind = Literal["suggest_deduct_on_payment", "top_up", "reverse", "none"]
OrderState = Literal["held", "paid", "closed"]

# S0: the platform closes an unpaid order after three days, also when no alert said by when.
AUTO_CLOSE_AFTER = timedelta(days=3)
BUDGET_WINDOW = timedelta(hours=24)
# Times beyond these are nobody's; within them, no sum of ours leaves what a datetime can hold.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(9000, 1, 1, tzinfo=UTC)
_NAMESPACE = uuid.UUID("0d7c8a5e-92a3-5f0c-8a57-6b6a2f1e9c44")


@dataclass(frozen=True, slots=True)
class ItemState:
    """The newest reading of an item. None means that no reading has arrived.

    `physical` counts what lies in the warehouse, without our own top-ups.
    """

    physical: int | None = None
    paid_reserved: int | None = None
    is_deducted_on_payment: bool | None = None
    is_deduct_on_payment_supported: bool | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What the operator allows; budgets are units topped up within 24 h, taken back or not."""

    item_budget_units: int
    shop_budget_units: int
    is_dry_run: bool
    is_killed: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One (item, order): who says that it is held, and what was done about it.

    `applied` is the sum of all deltas; `is_dry_run` belongs to it, so that a top-up is taken back
    in the mode in which it was made. `decided` is the last (kind, reason), said only once in a row.
    """

    key: Key
    units: int
    auto_close_at: datetime
    alert_id: str
    state: OrderState = "held"
    claims: frozenset[str] = frozenset()
    applied: int = 0
    is_dry_run: bool = True
    decisions: int = 0
    decided: tuple[Kind, str] | None = None

    @property
    def is_wanted(self) -> bool:
        """Whether a top-up would be right, as far as orders and alerts go."""
        return self.state == "held" and bool(self.claims)

    def is_auto_closed(self, at: datetime, now: datetime) -> bool:
        """Whether the platform has closed the order at the time of a record, or by now.

        A record may be days old when it is read: after a downtime, or at the first start.
        """
        return max(at, now) >= self.auto_close_at


class Ledger(Protocol):
    """Where entries are kept, within one transaction."""

    def entry(self, key: Key) -> Entry | None:
        """The entry of that key, if there is one."""
        ...

    def put(self, entry: Entry) -> None:
        """Store the entry in place of the one with its key."""
        ...

    def add(self, adjustment: StockAdjustment) -> None:
        """Keep a decision; it counts for the budgets from here on."""
        ...

    def claimed_by(self, alert_id: str) -> list[Entry]:
        """Entries with a claim of that alert, by key."""
        ...

    def of_item(self, shop_id: str, item_id: str) -> list[Entry]:
        """Entries of an item that are wanted or applied, oldest first."""
        ...

    def topped_up_since(self, shop_id: str, item_id: str | None, since: datetime) -> int:
        """Units topped up after that time for an item, or for the whole shop."""
        ...

    def item_state(self, shop_id: str, item_id: str) -> ItemState:
        """The newest reading."""
        ...


def decide(alert: Alert, ledger: Ledger, limits: Limits, now: datetime) -> list[StockAdjustment]:
    """The decisions that one revision of an alert calls for; the ledger is up to date afterwards.

    Revisions of an alert come in ascending order and each once; the caller sees to that. `now` is
    the wall clock, by which the platform closes orders.
    """
    entries = _claimed(alert, ledger, now)
    decisions = []
    # Taking back comes first, because it makes room for topping up.
    for entry in sorted(entries, key=lambda e: (e.is_wanted, e.key)):
        ledger.put(entry)
        decisions += _settle(entry, ledger, limits, alert.updated_at)
    return decisions


def decide_after_reading(
    shop_id: str, item_id: str, ledger: Ledger, limits: Limits, at: datetime, now: datetime
) -> list[StockAdjustment]:
    """What a new reading of an item changes: too much is taken back, what waited is topped up.

    What the platform has closed by itself is left to `decide_auto_closed`.
    """
    decisions: list[StockAdjustment] = []
    room = _room(ledger, (shop_id, item_id, ""))
    # The newest top-ups go first; the oldest orders have been held for longest.
    for entry in reversed(ledger.of_item(shop_id, item_id)):
        if room is not None and room < 0 and entry.applied:
            room += entry.applied
            decisions += _record(entry, "reverse", "stock_shrank", ledger, limits, at)
    if not decisions:
        for entry in ledger.of_item(shop_id, item_id):
            if not entry.is_auto_closed(at, now):
                decisions += _settle(entry, ledger, limits, at)
    return decisions


def decide_auto_closed(
    due: Iterable[Entry], ledger: Ledger, limits: Limits
) -> list[StockAdjustment]:
    """Take back what the platform has given back by itself; `due` are past their `auto_close_at`.

    It does not wait for an alert to say so: the worker may be down while the platform closes.
    """
    decisions: list[StockAdjustment] = []
    for entry in due:
        closed = replace(entry, state="closed")
        ledger.put(closed)
        if closed.applied:
            at = entry.auto_close_at
            decisions += _record(closed, "reverse", "auto_close_due", ledger, limits, at)
    return decisions


def _claimed(alert: Alert, ledger: Ledger, now: datetime) -> list[Entry]:
    """All entries that the alert names or named, with its claim set or withdrawn."""
    is_open = alert.status == "open" and alert.suppressed_by is None
    entries: dict[Key, Entry] = {}
    # An open alert that names only some of its orders says nothing about the others.
    if not (is_open and alert.held_capped):
        for entry in ledger.claimed_by(alert.alert_id):
            entries[entry.key] = replace(entry, claims=entry.claims - {alert.alert_id})
    for key, (units, state) in _held(alert).items():
        old = entries.get(key) or ledger.entry(key)
        if old is None:
            old = Entry(key, units, _auto_close_at(alert, key[2]), alert.alert_id)
        claims = old.claims | {alert.alert_id} if is_open else old.claims - {alert.alert_id}
        if state == "held" and old.is_auto_closed(alert.updated_at, now):
            state = "closed"
        # Paid and closed are final: another alert that still says "held" only knows less.
        known = state if old.state == "held" else old.state
        entries[key] = replace(
            old, units=units, state=known, claims=claims, alert_id=alert.alert_id
        )
    return list(entries.values())


def _auto_close_at(alert: Alert, order_id: str) -> datetime:
    """When the platform closes the order, and rather too early than too late.

    The alert's own T01 is that of its first order; it serves where the evidence was capped.
    """
    placed = [fact.at for fact in alert.evidence.facts if fact.ref == order_id]
    if placed:
        return _sane(min(placed)) + AUTO_CLOSE_AFTER
    due = [deadline.due_at for deadline in alert.deadlines if deadline.code == "T01"]
    return _sane(min(due)) if due else _sane(alert.opened_at) + AUTO_CLOSE_AFTER


def _sane(at: datetime) -> datetime:
    """The time, or the nearest one that can be reckoned with: an alert repeats what events claim."""
    return min(max(at, EARLIEST), LATEST)


def _held(alert: Alert) -> Mapping[Key, tuple[int, OrderState]]:
    """Units and state by key; an order may name an item in several lines (one per variant)."""
    held: dict[Key, tuple[int, OrderState]] = {}
    for line in alert.held_units:
        key = (alert.shop_id, line.item_id, line.order_id)
        units, state = held.get(key, (0, line.state))
        held[key] = (units + line.units, line.state if state == "held" else state)
    return held


def _settle(entry: Entry, ledger: Ledger, limits: Limits, at: datetime) -> list[StockAdjustment]:
    if not entry.is_wanted:
        if not entry.applied:
            return []
        reason = "alert_ended" if entry.state == "held" else f"order_{entry.state}"
        return _record(entry, "reverse", reason, ledger, limits, at)
    if entry.applied:
        return []
    kind, reason = _choose(entry, ledger, limits, at)
    if entry.decided == (kind, reason):
        return []
    return _record(entry, kind, reason, ledger, limits, at)


def _choose(entry: Entry, ledger: Ledger, limits: Limits, at: datetime) -> tuple[Kind, str]:
    """What to do about an entry that is wanted and not topped up, and why."""
    shop_id, item_id, _ = entry.key
    item = ledger.item_state(shop_id, item_id)
    if item.is_deducted_on_payment:
        return "none", "already_deducts_on_payment"
    # A2 before A1: it needs nothing to be taken back, and it ends the squatting for good.
    if item.is_deduct_on_payment_supported:
        return "suggest_deduct_on_payment", "deduct_on_payment_supported"
    room = _room(ledger, entry.key)
    if room is None:
        if item.is_deduct_on_payment_supported is None:
            return "suggest_deduct_on_payment", "stock_unknown"
        return "none", "stock_unknown"
    if limits.is_killed:
        return "none", "kill_switch"
    if entry.units <= 0:
        return "none", "no_units"
    if entry.units > room:
        return "none", "stock_too_low"
    since = _sane(at) - BUDGET_WINDOW
    if entry.units + ledger.topped_up_since(shop_id, item_id, since) > limits.item_budget_units:
        return "none", "item_budget"
    if entry.units + ledger.topped_up_since(shop_id, None, since) > limits.shop_budget_units:
        return "none", "shop_budget"
    return "top_up", "held_unpaid"


def _room(ledger: Ledger, key: Key) -> int | None:
    """Units that may still be topped up for the item; negative when too much is, None if unknown."""
    item = ledger.item_state(key[0], key[1])
    if item.physical is None or item.paid_reserved is None:
        return None
    applied = sum(entry.applied for entry in ledger.of_item(key[0], key[1]))
    return item.physical - item.paid_reserved - applied


def _record(
    entry: Entry, kind: Kind, reason: str, ledger: Ledger, limits: Limits, at: datetime
) -> list[StockAdjustment]:
    """Store a decision in the entry and say it. The id depends on nothing but the entry's history."""
    shop_id, item_id, order_id = entry.key
    item = ledger.item_state(shop_id, item_id)
    delta = {"top_up": entry.units, "reverse": -entry.applied}.get(kind, 0)
    is_dry_run = entry.is_dry_run if kind == "reverse" else limits.is_dry_run
    adjustment = StockAdjustment(
        adjustment_id=str(
            # As JSON, because ids may contain whatever else would stand between them.
            uuid.uuid5(_NAMESPACE, json.dumps([*entry.key, kind, entry.decisions]))
        ),
        shop_id=shop_id,
        item_id=item_id,
        order_id=order_id,
        alert_id=entry.alert_id,
        kind=kind,
        delta=delta,
        is_dry_run=is_dry_run,
        reason=reason,
        decided_at=at,
        physical=None if item.physical is None else max(item.physical, 0),
        paid_reserved=item.paid_reserved,
    )
    ledger.put(
        replace(
            entry,
            applied=entry.applied + delta,
            is_dry_run=is_dry_run,
            decisions=entry.decisions + 1,
            decided=(kind, reason),
        )
    )
    ledger.add(adjustment)
    return [adjustment]
