"""What became of actions: as whoever carries them out says on `action-results`, and as stock shows.

Results come late, again, and about actions of others. The first one about a top-up is final; a reversal
that was not done may be done later, and then it is. The trap: a result is no report of stock, only an
event `adjusted` is. Where the two say the contrary of each other, in either order, the event is right.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple

from schemas.outputs import ActionResult, StockAdjustment
from streams.stock.ledger import Limits, decide_after_refusal
from streams.stock.store import Store

RESULTS_TOPIC = "action-results"
Status = Literal["done", "refused", "failed", "dry_run", "contradictory", "unknown"]


class Heard(NamedTuple):
    """What a result or a report means: no status where it says nothing new; `about` is missing where it
    is not ours."""

    status: Status | None
    about: StockAdjustment | None
    decisions: list[StockAdjustment]


def hear(result: ActionResult, store: Store, limits: Limits) -> Heard:
    """Take a result into the ledger, within the caller's transaction."""
    about = store.adjustment(result.action_id)
    if about is None or not about.delta:
        # Decisions that move nothing have ids as well, and no action.
        return Heard("unknown", None, [])
    status = result.status
    if status == "dry_run" and not about.is_dry_run:
        # Whoever carries out is rehearsing still: it did not happen.
        status = "refused"
    known = store.outcome_of(about.adjustment_id)
    is_reversal = about.kind == "reverse"
    is_reported = status in ("refused", "failed") and store.is_confirmed(about.adjustment_id)
    if status == known or (is_reversal and (known == "done" or is_reported)):
        return Heard(None, about, [])
    is_mended = is_reversal and status == "done"
    is_denied = is_reported or (known is not None and not is_mended)
    if is_denied or (status == "done" and about.is_dry_run):
        return Heard("contradictory", about, [])
    store.put_outcome(about.adjustment_id, status)
    if status == "done" or status == "dry_run":
        return Heard(status, about, [])
    decisions = decide_after_refusal(about, status, store, limits, result.finished_at)
    return Heard(status, about, decisions)


def hear_report(adjustment_id: str, at: datetime, store: Store, limits: Limits) -> Heard:
    """Take into the ledger that an adjustment was carried out, within the caller's transaction."""
    about = store.adjustment(adjustment_id)
    is_denied = store.is_not_done(adjustment_id)
    if not store.confirm(adjustment_id) or about is None:
        return Heard(None, None, [])
    if about.kind == "top_up" and is_denied:
        return Heard("contradictory", about, _take_back(about, at, store, limits))
    return Heard("contradictory" if about.is_dry_run else None, about, [])


def _take_back(
    top_up: StockAdjustment, at: datetime, store: Store, limits: Limits
) -> list[StockAdjustment]:
    """What is owed for a top-up that left the ledger as one that never happened, and did happen.

    Its reversal is decided and may have asked for nothing: now it asks, under the id that it has.
    """
    reversal = store.adjustment(store.reversal_of(top_up) or "")
    if reversal is None or store.is_confirmed(reversal.adjustment_id):
        return []
    said = store.outcome_of(reversal.adjustment_id)
    if said is None:
        store.publish_again(reversal.adjustment_id)
    if said == "refused" or said == "failed":
        return decide_after_refusal(reversal, said, store, limits, at)
    return []
