"""From decisions to commands. What carries a command out on a platform is not part of this project.

A dry run commands nothing, and no adapter can close an order: there is no such action.
"""

from __future__ import annotations

from typing import Protocol

from schemas.outputs import Action, StockAdjustment
from streams.kafka.publisher import Outgoing

ACTIONS_TOPIC = "actions"


class Adapter(Protocol):
    """What has adjustments carried out."""

    def commands(self, adjustment: StockAdjustment) -> list[Outgoing]:
        """The records that ask for one adjustment; equal ones for equal adjustments."""
        ...


class DryAdapter:
    """Asks for nothing: the decision on `stock-adjustments` is all there is."""

    def commands(self, adjustment: StockAdjustment) -> list[Outgoing]:
        """See Adapter."""
        return []


class TopicAdapter:
    """Asks through the `actions` topic, as A1; executing one action twice is the same as once."""

    def commands(self, adjustment: StockAdjustment) -> list[Outgoing]:
        """See Adapter."""
        if adjustment.delta == 0:
            return []
        action = Action(
            action_id=adjustment.adjustment_id,
            code="A1_adjust_held_stock",
            alert_id=adjustment.alert_id,
            shop_id=adjustment.shop_id,
            requested_at=adjustment.decided_at,
            requested_by="stock-ledger",
            is_dry_run=False,
            parameters={
                "item_id": adjustment.item_id,
                "order_id": adjustment.order_id,
                "delta": adjustment.delta,
            },
        )
        return [Outgoing(ACTIONS_TOPIC, action.action_id, action.model_dump_json().encode())]


def adapter_for(adjustment: StockAdjustment) -> Adapter:
    """The mode is in the decision: what was topped up on paper is also taken back on paper."""
    return DryAdapter() if adjustment.is_dry_run else TopicAdapter()
