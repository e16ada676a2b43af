"""Decisions that are on `stock-adjustments` and not in the file, which is new or a backup.

The topic is the file's own log, so what it says is what was commanded. Read again, the alerts would not
give the same decisions: readings and alerts lie on different partitions, and offsets have moved on.
The trap: a decision that was forgotten on purpose is on the topic as well, without those before it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from schemas.outputs import StockAdjustment
from streams.stock.ledger import AUTO_CLOSE_AFTER, LATEST, Entry, Key, OrderState
from streams.stock.store import Store

_ENDS: dict[str, OrderState] = {
    "order_paid": "paid",
    "order_closed": "closed",
    "auto_close_due": "closed",
}
# A report that it did happen comes as a contradiction then, and not as what was awaited.
_NEVER_HAPPENED = {"top_up_refused": "refused", "top_up_failed": "failed"}


def restore(store: Store, said: Iterable[StockAdjustment]) -> int:
    """Make entries and decisions of what the topic has in addition; returns how many decisions.

    Within the caller's transaction. What is topped up again belongs to the alert of its last decision,
    and is taken back when that ends, three days after the decision at the latest.
    """
    missing: dict[Key, dict[str, StockAdjustment]] = {}
    for each in said:
        if not store.has(each.adjustment_id):
            key = (each.shop_id, each.item_id, each.order_id)
            missing.setdefault(key, {})[each.adjustment_id] = each
    count = 0
    for key, by_id in missing.items():
        decisions = list(by_id.values())
        entry = _after(store.entry(key), key, decisions)
        if entry.applied < 0:
            continue
        store.put(entry)
        for each in decisions:
            store.add_published(each)
            top_up = store.last_top_up(key, each.adjustment_id)
            why = _NEVER_HAPPENED.get(each.reason)
            if top_up and why:
                store.put_outcome(top_up, why)
        count += len(decisions)
    return count


def _after(entry: Entry | None, key: Key, decisions: list[StockAdjustment]) -> Entry:
    last = decisions[-1]
    closes_at = min(last.decided_at, LATEST - AUTO_CLOSE_AFTER) + AUTO_CLOSE_AFTER
    entry = entry or Entry(key, 0, closes_at, last.alert_id)
    applied = entry.applied + sum(each.delta for each in decisions)
    return replace(
        entry,
        units=max([entry.units, *(each.delta for each in decisions)]),
        alert_id=last.alert_id,
        state=_ENDS.get(last.reason, entry.state),
        claims=frozenset({last.alert_id}) if applied else entry.claims,
        applied=applied,
        is_dry_run=last.is_dry_run,
        decisions=entry.decisions + len(decisions),
        decided=(last.kind, last.reason),
    )
