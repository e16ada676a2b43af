"""From decisions to commands. What carries a command out on a platform is not part of this project.

A dry run asks as well, marked as such, so that whoever carries out can be tried. There is no action
that closes an order.
"""

from __future__ import annotations

from typing import Final

from schemas.alerts import ActionCode
from schemas.outputs import Action, StockAdjustment
from streams.kafka.publisher import Outgoing

ACTIONS_TOPIC = "actions"
CODE: Final[ActionCode] = "A1_adjust_held_stock"


def command(adjustment: StockAdjustment) -> Outgoing:
    """The record that asks for a top-up or its reversal; the same one for the same adjustment."""
    action = Action(
        action_id=adjustment.adjustment_id,
        code=CODE,
        alert_id=adjustment.alert_id,
        shop_id=adjustment.shop_id,
        requested_at=adjustment.decided_at,
        requested_by="stock-ledger",
        is_dry_run=adjustment.is_dry_run,
        parameters={
            "item_id": adjustment.item_id,
            "order_id": adjustment.order_id,
            "delta": adjustment.delta,
        },
    )
    return Outgoing(ACTIONS_TOPIC, action.action_id, action.model_dump_json().encode())
