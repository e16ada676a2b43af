"""The rules of stock adjustment, pure: what is known in, decisions out. No clock and no storage.

For every (item, order) the deltas decided so far sum up to 0 or to the units topped up, and to 0
when its episode is over. The trap: the platform gives the units back by itself when it closes the
order, so a top-up that is not taken back in time sells what does not exist.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

from schemas.alerts import Alert, EvidenceFact
from schemas.outputs import StockAdjustment

Key = tuple[str, str, str]  # shop, item, order
ItemKey = tuple[str, str]
Kind = Literal["suggest_deduct_on_payment", "top_up", "reverse", "none"]
OrderState = Literal["held", "paid", "closed"]
# Why an action did not happen, in the words of whoever was to carry it out.
NotDone = Literal["refused", "failed"]

# S0: the platform closes an unpaid order after three days, where no alert says by when.
AUTO_CLOSE_AFTER = timedelta(days=3)
BUDGET_WINDOW = timedelta(hours=24)
# Times beyond these are nobody's; within them, no sum of ours leaves what a datetime can hold.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(9000, 1, 1, tzinfo=UTC)
# What was said no to once is not asked for again: readings come by the hour.
GIVEN_UP = frozenset({"top_up_refused", "top_up_failed", "reverse_refused", "reverse_failed"})
_NAMESPACE = uuid.UUID("0d7c8a5e-92a3-5f0c-8a57-6b6a2f1e9c44")


@dataclass(frozen=True, slots=True)
class ItemState:
    """The newest reading of an item. None means that no reading has arrived.

    `physical` counts what lies in the warehouse, without our own top-ups that were reported as
    carried out. Of those that were not, the reading may hold `unreported` units.
    """

    physical: int | None = None
    paid_reserved: int | None = None
    is_deducted_on_payment: bool | None = None
    is_deduct_on_payment_supported: bool | None = None
    unreported: int = 0

    @property
    def unreserved(self) -> int | None:
        """Units in the warehouse that no paid order reserves; None if that is not known."""
        if self.physical is None or self.paid_reserved is None:
            return None
        return self.physical - self.paid_reserved


@dataclass(frozen=True, slots=True)
class Limits:
    """What the operator allows; budgets are units topped up within 24 h, taken back or not.

    `approved` are the alerts of which a person approved the top-ups; None where no person is asked. Those
    `refused` are topped up in no mode, unless another alert that names the order is approved.
    """

    item_budget_units: int
    shop_budget_units: int
    is_dry_run: bool
    is_killed: bool
    approved: frozenset[str] | None = None
    refused: frozenset[str] = frozenset()

    def is_approved(self, claims: frozenset[str]) -> bool:
        """Whether a person approved one of the alerts."""
        return self.approved is not None and not self.approved.isdisjoint(claims)

    def is_refused(self, claims: frozenset[str]) -> bool:
        """Whether a person refused one of the alerts, and approved no other."""
        return not self.refused.isdisjoint(claims) and not self.is_approved(claims)


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

    def last_top_up(self, key: Key, before: str | None = None) -> str | None:
        """Id of the newest top-up of an entry, or of the newest before a decision with that id."""
        ...

    def is_not_done(self, adjustment_id: str) -> bool:
        """Whether whoever carries actions out says that this one did not happen, and no report does."""
        ...

    def topped_up_of(self, shop_id: str, item_id: str) -> int:
        """Units of an item that are topped up at present; costs what is topped up, not the entries."""
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
    this_round = _Round(ledger, limits)
    decisions = []
    # Taking back comes first, because it makes room for topping up.
    for entry in sorted(entries, key=lambda e: (e.is_wanted, e.key)):
        ledger.put(entry)
        decisions += this_round.settle(entry, alert.updated_at)
    return decisions


def decide_after_reading(
    shop_id: str, item_id: str, ledger: Ledger, limits: Limits, at: datetime, now: datetime
) -> list[StockAdjustment]:
    """What a new reading of an item changes: too much is taken back, what waited is topped up.

    What the platform has closed by itself is left to `decide_auto_closed`.
    """
    entries = ledger.of_item(shop_id, item_id)
    this_round = _Round(ledger, limits)
    decisions: list[StockAdjustment] = []
    # The newest top-ups go first; the oldest orders have been held for longest.
    for entry in reversed(entries):
        if entry.applied and this_round.is_overdrawn(entry.key):
            decisions += this_round.record(entry, "reverse", "stock_shrank", at)
    if not decisions:
        for entry in entries:
            if not entry.is_auto_closed(at, now):
                decisions += this_round.settle(entry, at)
    return decisions


def decide_auto_closed(
    due: Iterable[Entry], ledger: Ledger, limits: Limits
) -> list[StockAdjustment]:
    """Take back what the platform has given back by itself; `due` are past their `auto_close_at`.

    It does not wait for an alert to say so: the worker may be down while the platform closes.
    """
    this_round = _Round(ledger, limits)
    decisions: list[StockAdjustment] = []
    for entry in due:
        closed = replace(entry, state="closed")
        ledger.put(closed)
        if closed.applied:
            decisions += this_round.record(closed, "reverse", "auto_close_due", entry.auto_close_at)
    return decisions


def decide_after_word(
    alert_id: str, ledger: Ledger, limits: Limits, at: datetime, now: datetime
) -> list[StockAdjustment]:
    """What a person's word on an alert changes for its orders.

    An approval lets those go that the platform has not closed by now. A refusal takes back what was topped
    up, also by an approval that came first: whoever was down meanwhile reads both.
    """
    this_round = _Round(ledger, limits)
    decisions: list[StockAdjustment] = []
    for entry in ledger.claimed_by(alert_id):
        if entry.applied and limits.is_refused(entry.claims):
            decisions += this_round.record(entry, "reverse", "approval_refused", at)
        elif not entry.is_auto_closed(at, now):
            decisions += this_round.settle(entry, at)
    return decisions


def decide_after_refusal(
    said: StockAdjustment, why: NotDone, ledger: Ledger, limits: Limits, at: datetime
) -> list[StockAdjustment]:
    """What it means that an adjustment was not carried out; ask once for each, in any order.

    A top-up leaves the ledger, and its reversal is no command. That a reversal did not happen is only
    said: the units are still there, and only a person can tell why.
    """
    entry = ledger.entry((said.shop_id, said.item_id, said.order_id))
    if entry is None:
        return []
    this_round = _Round(ledger, limits)
    if said.kind == "top_up":
        if ledger.last_top_up(entry.key) != said.adjustment_id:
            return []
        if entry.applied:
            return this_round.record(entry, "reverse", f"top_up_{why}", at)
        # Of one that was taken back meanwhile nothing is left to take back. It is said all the same, for an
        # approval or another alert would ask for it once more.
        is_open = entry.state == "held"
        return this_round.record(entry, "none", f"top_up_{why}", at) if is_open else []
    given = ledger.last_top_up(entry.key, said.adjustment_id)
    if given is None or ledger.is_not_done(given):
        return []
    return this_round.record(entry, "none", f"reverse_{why}", at)


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

    The alert's own T01 is that of its first order still held; it serves where the evidence was capped.
    """
    due = [deadline.due_at for deadline in alert.deadlines if deadline.code == "T01"]
    placed = [fact.at for fact in alert.evidence.facts if _order_of(fact) == order_id]
    if placed:
        placed_at = _sane(min(placed))
        return placed_at + min(_close_after(alert, due), LATEST - placed_at)
    return _sane(min(due)) if due else _sane(alert.opened_at) + AUTO_CLOSE_AFTER


def _close_after(alert: Alert, due: Sequence[datetime]) -> timedelta:
    """How long the platform of this shop waits; rules may say so per shop, and T01 follows them.

    T01 is that of the first order that is still held, for the platform closes nothing else. Where the
    evidence was capped and leaves it out, the time comes out too short and never too long.
    """
    if not due:
        return AUTO_CLOSE_AFTER
    held = {line.order_id for line in alert.held_units if line.state == "held"}
    facts = alert.evidence.facts
    first = min((fact.at for fact in facts if _order_of(fact) in held), default=facts[0].at)
    return max(_sane(min(due)) - _sane(first), timedelta(0))


def _order_of(fact: EvidenceFact) -> str:
    """The order that a fact is about: a signal names it, the placing of an order is called by it."""
    return str(fact.detail.get("order", fact.ref))


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


class _Round:
    """The decisions that one record brings; what they share is asked of the ledger once.

    Whoever places orders decides how many entries an item has. Asked for each of them, the sums cost
    the square of their number, and the file is locked for as long.
    """

    def __init__(self, ledger: Ledger, limits: Limits) -> None:
        self._ledger = ledger
        self._limits = limits
        self._items: dict[ItemKey, ItemState] = {}
        self._topped_up: dict[ItemKey, int] = {}
        self._topped_up_since: dict[tuple[str, str | None, datetime], int] = {}

    def settle(self, entry: Entry, at: datetime) -> list[StockAdjustment]:
        """Record what is to be done about an entry, unless that was done or said before."""
        if not entry.is_wanted:
            if not entry.applied:
                return []
            reason = "alert_ended" if entry.state == "held" else f"order_{entry.state}"
            return self.record(entry, "reverse", reason, at)
        if entry.applied or (entry.decided and entry.decided[1] in GIVEN_UP):
            return []
        kind, reason = self._choose(entry, at)
        return [] if entry.decided == (kind, reason) else self.record(entry, kind, reason, at)

    def is_overdrawn(self, key: Key) -> bool:
        """Whether more is topped up of the item than there is; not where that is unknown."""
        unreserved = self._item(key).unreserved
        return unreserved is not None and self._topped_up_of(key) > unreserved

    def record(self, entry: Entry, kind: Kind, reason: str, at: datetime) -> list[StockAdjustment]:
        """Store a decision in the entry and say it. The id depends only on the entry's history."""
        shop_id, item_id, order_id = entry.key
        item = self._item(entry.key)
        delta = {"top_up": entry.units, "reverse": -entry.applied}.get(kind, 0)
        # Also where nothing more is done about a top-up, or about its end, it is still about that one.
        is_about_it = entry.applied or kind == "reverse" or reason in GIVEN_UP
        is_dry_run = entry.is_dry_run if is_about_it else self._limits.is_dry_run
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
            closes_at=entry.auto_close_at,
        )
        self._ledger.put(
            replace(
                entry,
                applied=entry.applied + delta,
                is_dry_run=is_dry_run,
                decisions=entry.decisions + 1,
                decided=(kind, reason),
            )
        )
        self._ledger.add(adjustment)
        self._count(adjustment)
        return [adjustment]

    def _choose(self, entry: Entry, at: datetime) -> tuple[Kind, str]:
        """What to do about an entry that is wanted and not topped up, and why."""
        shop_id, item_id, _ = entry.key
        item, limits = self._item(entry.key), self._limits
        if item.is_deducted_on_payment:
            return "none", "already_deducts_on_payment"
        # A2 before A1: it needs nothing to be taken back, and it ends the squatting for good.
        if item.is_deduct_on_payment_supported:
            return "suggest_deduct_on_payment", "deduct_on_payment_supported"
        if item.unreserved is None:
            if item.is_deduct_on_payment_supported is None:
                return "suggest_deduct_on_payment", "stock_unknown"
            return "none", "stock_unknown"
        if limits.is_killed:
            return "none", "kill_switch"
        if limits.is_refused(entry.claims):
            return "none", "approval_refused"
        if entry.units <= 0:
            return "none", "no_units"
        # Budgets and approval before stock: what is used up stays so for a day, while stock that comes
        # and goes would have each reading say something new about every order that waits.
        if entry.units + self._within_a_day(shop_id, item_id, at) > limits.item_budget_units:
            return "none", "item_budget"
        if entry.units + self._within_a_day(shop_id, None, at) > limits.shop_budget_units:
            return "none", "shop_budget"
        if limits.approved is not None and not limits.is_approved(entry.claims):
            return "none", "needs_approval"
        # Rather too little than too much: whoever carries out may be slow to say so.
        if entry.units + self._topped_up_of(entry.key) > item.unreserved - item.unreported:
            return "none", "stock_too_low"
        return "top_up", "held_unpaid"

    def _item(self, key: Key) -> ItemState:
        item_key = key[:2]
        if item_key not in self._items:
            self._items[item_key] = self._ledger.item_state(*item_key)
        return self._items[item_key]

    def _topped_up_of(self, key: Key) -> int:
        item_key = key[:2]
        if item_key not in self._topped_up:
            self._topped_up[item_key] = self._ledger.topped_up_of(*item_key)
        return self._topped_up[item_key]

    def _within_a_day(self, shop_id: str, item_id: str | None, at: datetime) -> int:
        since = (shop_id, item_id, _sane(at) - BUDGET_WINDOW)
        if since not in self._topped_up_since:
            self._topped_up_since[since] = self._ledger.topped_up_since(*since)
        return self._topped_up_since[since]

    def _count(self, new: StockAdjustment) -> None:
        """Keep current what was asked for before this decision."""
        item_key = (new.shop_id, new.item_id)
        if item_key in self._topped_up:
            self._topped_up[item_key] += new.delta
        if new.kind == "top_up":
            for shop_id, item_id, since in self._topped_up_since:
                if shop_id == new.shop_id and item_id in (None, new.item_id):
                    self._topped_up_since[shop_id, item_id, since] += new.delta
