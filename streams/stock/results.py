"""What became of actions, as whoever carries them out says on `action-results`.

Results come late, again, and about actions of others. The first one about a top-up is final; a reversal
that was not done may be done later, and then it is. The trap: a result is no report of stock, only an
event `adjusted` is.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from schemas.outputs import ActionResult, StockAdjustment
from streams.stock.ledger import Limits, decide_after_refusal
from streams.stock.store import Store

RESULTS_TOPIC = "action-results"
Status = Literal["done", "refused", "failed", "dry_run", "contradictory", "unknown"]


class Heard(NamedTuple):
    """What a result means: None where it says nothing new. `about` is missing where it is not ours."""

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
    if status == known or (is_reversal and known == "done"):
        return Heard(None, about, [])
    is_mended = is_reversal and status == "done"
    if (known is not None and not is_mended) or (status == "done" and about.is_dry_run):
        return Heard("contradictory", about, [])
    store.put_outcome(about.adjustment_id, status)
    if status == "done" or status == "dry_run":
        return Heard(status, about, [])
    decisions = decide_after_refusal(about, status, store, limits, result.finished_at)
    return Heard(status, about, decisions)
