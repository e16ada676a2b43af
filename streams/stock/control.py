"""Commands on the topic `control`: the kill switch, and a person's approval of an alert's top-ups.

The trap: a command may be old, repeated, or dated by a wrong clock. Stopping always counts; what lets
units go ends by itself.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from pydantic import ValidationError

from schemas.outputs import Control
from streams.stock.store import Store

CONTROL_TOPIC = "control"
KILL_SWITCH: Final = "stock_kill_switch"
APPROVE: Final = "stock_approve"
# Long enough for the orders of one attack, and over before the platform closes them.
APPROVED_FOR = timedelta(hours=24)


def obey(store: Store, value: bytes, offset: int, now: datetime) -> Control:
    """Do what a record of `control` says; the command is returned.

    Within the caller's transaction. Raises ValidationError for what is no command, or approves what is no
    alert, and does not name the kill switch.
    """
    try:
        control = Control.model_validate_json(value)
    except ValidationError:
        if KILL_SWITCH.encode() not in value:
            raise
        # Written by hand in an emergency: whoever forgot a field still wants it to stop.
        control = Control(control_id="unclear", command=KILL_SWITCH, value="on", at=now)
    if control.command == KILL_SWITCH:
        store.put_control(control, offset)
    else:
        store.put_approval(control.value, approved_until(control, now))
    return control


def approved_until(control: Control, now: datetime) -> datetime:
    """When an approval that is read now ends: the sender's clock may make it shorter, and not longer."""
    return min(control.at, now) + APPROVED_FOR
