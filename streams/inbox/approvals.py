"""Top-ups of stock that wait for a person: what the ledger said of the orders that an alert names.

Kept from the topic `stock-adjustments`, each decision once and in the order of its log. The trap: the ledger
says nothing when an order is paid or its alert ends, so whether one still waits is asked of its last
decision, of the alert and of the clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Engine, Select, func, insert, select
from sqlalchemy.orm import Session, aliased

from schemas.alerts import Alert
from schemas.base import LONGEST_ID
from schemas.outputs import StockAdjustment
from streams.inbox.intake import storable
from streams.inbox.models import LONGEST_REASON, LONGEST_SHOP, AuditRow, DecisionRow
from streams.inbox.workflow import WORDS, State, can_log
from streams.stock.control import APPROVED_FOR, Word
from streams.stock.ledger import GIVEN_UP

WAITS: Final = "needs_approval"
# What a word is about: what may be let go, and what stands or may yet be topped up.
_ABOUT: Final[Mapping[Word, frozenset[str]]] = {
    "approve": frozenset({WAITS, "approval_refused"}),
    "refuse": frozenset(
        {
            *(WAITS, "held_unpaid", "item_budget", "shop_budget", "stock_too_low", "kill_switch"),
            "stock_shrank",
        }
    ),
}
# Values in one question.
_MOST: Final = 500
_Key = tuple[str, str]  # item, order


@dataclass(frozen=True)
class Line:
    """The orders of one item of which the ledger says the same, and when the platform closes them.

    `is_held`: they still wait for the buyer's payment.
    """

    item_id: str
    kind: str
    reason: str
    is_dry_run: bool
    is_held: bool
    units: int
    orders: Sequence[str]
    first_closes_at: datetime
    last_closes_at: datetime

    @property
    def is_asked(self) -> bool:
        """Whether it waits for a person."""
        return self.reason == WAITS

    def answers(self, word: Word) -> bool:
        """Whether a word that is said now changes anything: what was taken back goes only if it is held."""
        return self.reason in _ABOUT[word] and (self.is_held or self.kind == "top_up")


class Size(NamedTuple):
    """Units of so many orders."""

    units: int
    orders: int


@dataclass(frozen=True)
class Approval:
    """What the page of an alert says of its top-ups, and which words a person can say now."""

    lines: Sequence[Line]
    can_approve: bool
    can_refuse: bool
    # The last word that anybody has said here, and whether the ledger shows nothing of it yet.
    word: AuditRow | None
    is_unanswered: bool


def keep(session: Session, decisions: Iterable[StockAdjustment], at: datetime) -> int:
    """Keep the decisions that are not known yet, in their order; returns how many."""
    by_id = {storable(one.adjustment_id, LONGEST_ID): one for one in decisions}
    known = select(DecisionRow.adjustment_id).where(DecisionRow.adjustment_id.in_(by_id))
    for one in session.scalars(known).all() if by_id else ():
        del by_id[one]
    rows = [_row(adjustment_id, one, at) for adjustment_id, one in by_id.items()]
    if rows:
        session.execute(insert(DecisionRow), rows)
    return len(rows)


def approval(
    engine: Engine, alert: Alert, state: State, audit: Sequence[AuditRow], now: datetime
) -> Approval:
    """What to show beside an alert."""
    with Session(engine) as session:
        lines = lines_of(session, alert, now)
    is_about: Mapping[str, bool] = {word: size(word, lines).orders > 0 for word in _ABOUT}
    word = next((step for step in reversed(audit) if step.step in WORDS), None)
    return Approval(
        lines,
        can_approve=can_log("approve", state) and is_about["approve"],
        can_refuse=can_log("refuse", state) and is_about["refuse"],
        word=word,
        is_unanswered=word is not None and now < word.at + APPROVED_FOR and is_about[word.step],
    )


def lines_of(session: Session, alert: Alert, now: datetime) -> list[Line]:
    """The last decision about each order that the alert names, those alike together; what waits is first.

    Of what was not topped up only what still may be, so of an alert that has ended only what went, what came
    back, and what could not be taken back.
    """
    named, held = _named(alert), _held(alert)
    groups: dict[tuple[str, str, str, bool, bool], list[tuple[DecisionRow, int]]] = {}
    for row in _last(session, storable(alert.shop_id, LONGEST_SHOP), {order for _, order in named}):
        key = (row.item_id, row.order_id)
        # What could not be taken back is still there, and mostly of an order that is held no more.
        is_done = row.kind in ("top_up", "reverse") or row.reason in GIVEN_UP
        is_held = key in held and now < row.closes_at
        if key in named and (is_done or is_held):
            units = row.units or named[key]
            alike = (row.item_id, row.kind, row.reason, row.is_dry_run, is_held)
            groups.setdefault(alike, []).append((row, units))
    lines = [
        Line(
            *alike,
            units=sum(units for _, units in found),
            orders=[row.order_id for row, _ in found],
            first_closes_at=min(row.closes_at for row, _ in found),
            last_closes_at=max(row.closes_at for row, _ in found),
        )
        for alike, found in groups.items()
    ]
    return sorted(lines, key=lambda line: (not line.is_asked, line.item_id, line.kind, line.reason))


def size(word: Word, lines: Iterable[Line]) -> Size:
    """How much a word is about that is said now; of no order where it would change nothing."""
    about = [line for line in lines if line.answers(word)]
    return Size(sum(line.units for line in about), sum(len(line.orders) for line in about))


def waiting(engine: Engine, alerts: Iterable[Alert], now: datetime) -> frozenset[str]:
    """The ids of those alerts of which top-ups wait for a person; one question for all of a list."""
    held = {alert.alert_id: (alert.shop_id, _held(alert)) for alert in alerts}
    shops = {storable(shop, LONGEST_SHOP) for shop, orders in held.values() if orders}
    if not shops:
        return frozenset()
    with Session(engine) as session:
        found = {tuple(row) for row in session.execute(waiting_in(shops, now))}
    return frozenset(
        alert_id
        for alert_id, (shop, orders) in held.items()
        if any((storable(shop, LONGEST_SHOP), *key) in found for key in orders)
    )


def _last(session: Session, shop_id: str, orders: set[str]) -> list[DecisionRow]:
    ordered = sorted(orders)
    found: list[DecisionRow] = []
    for start in range(0, len(ordered), _MOST):
        found += session.scalars(last_of(shop_id, ordered[start : start + _MOST]))
    return found


def last_of(shop_id: str, orders: Sequence[str]) -> Select[DecisionRow]:
    """The last decision about each item of the orders."""
    last = (
        select(func.max(DecisionRow.id))
        .where(DecisionRow.shop_id == shop_id, DecisionRow.order_id.in_(orders))
        .group_by(DecisionRow.item_id, DecisionRow.order_id)
    )
    query = select(DecisionRow).where(DecisionRow.id.in_(last))
    return query.order_by(DecisionRow.order_id)


def waiting_in(shops: Collection[str], now: datetime) -> Select[str, str, str]:
    """Shop, item and order of all that waits for a person."""
    later = aliased(DecisionRow)
    is_past = select(later.id).where(
        later.shop_id == DecisionRow.shop_id,
        later.order_id == DecisionRow.order_id,
        later.item_id == DecisionRow.item_id,
        later.id > DecisionRow.id,
    )
    return select(DecisionRow.shop_id, DecisionRow.item_id, DecisionRow.order_id).where(
        DecisionRow.shop_id.in_(shops),
        DecisionRow.reason == WAITS,
        DecisionRow.closes_at > now,
        ~is_past.exists(),
    )


def _named(alert: Alert) -> Counter[_Key]:
    """Units by item and order, whatever became of them."""
    named = Counter[_Key]()
    for line in alert.held_units:
        named[_key(line.item_id, line.order_id)] += line.units
    return named


def _held(alert: Alert) -> Set[_Key]:
    """What waits for the buyer's payment, by item and order; nothing where the ledger heeds no alert."""
    if alert.status != "open" or alert.suppressed_by is not None:
        return frozenset()
    return {_key(one.item_id, one.order_id) for one in alert.held_units if one.state == "held"}


def _key(item_id: str, order_id: str) -> _Key:
    return storable(item_id, LONGEST_ID), storable(order_id, LONGEST_ID)


def _row(adjustment_id: str, one: StockAdjustment, at: datetime) -> dict[str, object]:
    item_id, order_id = _key(one.item_id, one.order_id)
    return {
        "adjustment_id": adjustment_id,
        "shop_id": storable(one.shop_id, LONGEST_SHOP),
        "item_id": item_id,
        "order_id": order_id,
        "kind": one.kind,
        "reason": storable(one.reason, LONGEST_REASON),
        "units": abs(one.delta),
        "is_dry_run": one.is_dry_run,
        # Of a ledger that does not say it: nobody is asked for what may be too late.
        "closes_at": one.closes_at or one.decided_at,
        "received_at": at,
    }
