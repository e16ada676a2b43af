"""What the consumers of alerts say in turn: actions, stock adjustments, notifications, control."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.alerts import ActionCode, Scalar
from schemas.base import Contract, EventTime, Id, Quantity, ShopId


class Action(Contract):
    """A command that a person or a policy asks for. Executing it twice is the same as once."""

    action_id: Id
    code: ActionCode
    alert_id: Id
    shop_id: ShopId
    requested_at: EventTime
    requested_by: Id
    is_dry_run: bool = True
    parameters: dict[str, Scalar] = {}


class ActionResult(Contract):
    """What became of an action."""

    action_id: Id
    status: Literal["done", "refused", "failed", "dry_run"]
    finished_at: EventTime
    message: str


class StockAdjustment(Contract):
    """A decision of the stock ledger on one (item, order); `delta` is what was or would be done."""

    adjustment_id: Id
    shop_id: ShopId
    item_id: Id
    order_id: Id
    alert_id: Id
    kind: Literal["suggest_deduct_on_payment", "top_up", "reverse", "none"]
    delta: Annotated[int, Field(ge=-(10**9), le=10**9)]
    is_dry_run: bool
    reason: str
    decided_at: EventTime
    physical: Quantity | None = None
    paid_reserved: Quantity | None = None


class Notification(Contract):
    """The delivery record of one notification through one channel."""

    notification_id: Id
    alert_id: Id
    revision: Annotated[int, Field(ge=1)]
    channel: str
    status: Literal["delivered", "failed", "gave_up"]
    attempt: Annotated[int, Field(ge=1)]
    at: EventTime
    error: str | None = None


class Control(Contract):
    """A command to running services.

    `value` is `on` or `off` for the kill switch, and the id of an alert for an approval.
    """

    control_id: Id
    command: Literal["stock_kill_switch", "stock_approve"]
    value: str = ""
    at: EventTime
