"""What the consumers of alerts say in turn: actions, stock adjustments, notifications, deadlines, control."""

from __future__ import annotations

import uuid
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from schemas.alerts import ActionCode, AlertId, Scalar, Severity, Subject, Text
from schemas.base import Contract, EventTime, Id, Quantity, ShopId

TurnKind = Literal["coming_up", "due", "past"]


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
    """A decision of the stock ledger on one (item, order); `delta` is what was or would be done.

    From `closes_at` on nothing is topped up for the order, for the platform closes it by itself then.
    """

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
    closes_at: EventTime | None = None


class Notification(Contract):
    """The delivery record of one notification through one channel.

    Of a deadline, `alert_id` is its `deadline_id` and `revision` its `turned_at` in epoch milliseconds.
    """

    notification_id: Id
    alert_id: Id
    revision: Annotated[int, Field(ge=1)]
    channel: str
    status: Literal["delivered", "failed", "gave_up"]
    attempt: Annotated[int, Field(ge=1)]
    at: EventTime
    error: str | None = None


class DeadlineTurn(Contract):
    """A deadline that nobody has met, at the moment when it turned.

    It is of an alert or of a complaint that the shop files; the other id is absent, and a complaint has
    no `detector`, the shop as its `subject`, and the severity `warn`. `due_at` is the last moment,
    inclusive. Equal turns have equal `turn_id`s, whoever tells them and how often. A deadline that moves
    keeps its `deadline_id`; its turns are ordered by `turned_at`. `alert_revision` is the one that was known.
    """

    turn_id: Id
    deadline_id: Id
    code: Annotated[str, Field(pattern=r"^T(0[1-9]|1[0-2])$")]
    turn: TurnKind
    turned_at: EventTime
    due_at: EventTime
    # Of a complaint it is as a person wrote it.
    shop_id: Id
    alert_id: AlertId | None = None
    alert_revision: Annotated[int, Field(ge=1)] | None = None
    complaint_id: Id | None = None
    detector: str | None = None
    severity: Severity
    subject: Subject
    title: Text
    text: Text


class Control(Contract):
    """A command to running services.

    `value` is `on` or `off` for the kill switch, and the id of an alert for what a person says of its
    top-ups, which is read as ids are written: in lower case. An approval that is no later than a refusal of
    the same alert, by `at`, does not count.
    """

    control_id: Id
    command: Literal["stock_kill_switch", "stock_approve", "stock_refuse"]
    value: Annotated[str, Field(validate_default=True)] = ""
    at: EventTime

    @field_validator("value")
    @classmethod
    def _names_an_alert(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("command") not in ("stock_approve", "stock_refuse"):
            return value
        try:
            return str(uuid.UUID(value))
        except ValueError:
            raise ValueError("expected the id of an alert") from None
