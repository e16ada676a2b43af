"""Commands on the topic `control`: the kill switch, and what a person says of an alert's top-ups.

The trap: a command may be old, repeated, or dated by a wrong clock. Stopping always counts; what lets
units go ends by itself, and counts only if nothing later stopped it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, Literal

from pydantic import ValidationError

from schemas.outputs import Control
from streams.stock.store import Store

CONTROL_TOPIC = "control"
KILL_SWITCH: Final = "stock_kill_switch"
APPROVE: Final = "stock_approve"
REFUSE: Final = "stock_refuse"
Word = Literal["approve", "refuse"]
_COMMANDS: Final[dict[Word, Literal["stock_approve", "stock_refuse"]]] = {
    "approve": APPROVE,
    "refuse": REFUSE,
}
# Long enough for the orders of one attack, and over before the platform closes them.
APPROVED_FOR = timedelta(hours=24)


def spoken(word: Word, alert_id: str, control_id: str, at: datetime) -> Control:
    """The command that says a person's word on the top-ups of an alert.

    Raises ValidationError for what is no id of an alert.
    """
    return Control(control_id=control_id, command=_COMMANDS[word], value=alert_id, at=at)


def read(value: bytes, now: datetime) -> Control:
    """The command of a record of `control`.

    Raises ValidationError for what is no command, or names no alert where one belongs, and does not name the
    kill switch.
    """
    try:
        return Control.model_validate_json(value)
    except ValidationError:
        if KILL_SWITCH.encode() not in value:
            raise
        # Written by hand in an emergency: whoever forgot a field still wants it to stop.
        return Control(control_id="unclear", command=KILL_SWITCH, value="on", at=now)


def heed(store: Store, control: Control, now: datetime) -> bool:
    """Keep a person's word on an alert, within the caller's transaction; whether it holds.

    What is repeated or comes late may not: an approval that has ended, and whatever was said no later than
    the last refusal; but for that one itself, which `recall` may have kept before its record is read.
    """
    said_at = control.at.timestamp()
    refused_at = store.refused_at(control.value)
    if refused_at is not None and said_at <= refused_at:
        return control.command == REFUSE and control.value in store.refused()
    if control.command == REFUSE:
        # A clock that is ahead keeps no approval away for longer than one holds.
        store.put_refusal(control.value, min(said_at, (now + APPROVED_FOR).timestamp()))
        return True
    until = approved_until(control, now)
    if until > now:
        store.put_approval(control.value, until)
    return until > now


def recall(store: Store, commands: Iterable[tuple[bytes, int]], now: datetime) -> None:
    """Stop what the log says to stop, and a file that is new or a backup does not, within a transaction.

    `commands` are records of `control` in order, with their offsets. No approval: one that is replayed must
    not count.
    """
    for value, offset in commands:
        try:
            control = read(value, now)
        except ValidationError:
            # It was refused and counted when it came.
            continue
        if control.command == KILL_SWITCH:
            store.put_control(control, offset)
        elif control.command == REFUSE:
            heed(store, control, now)


def approved_until(control: Control, now: datetime) -> datetime:
    """When an approval that is read now ends: the sender's clock may make it shorter, and not longer."""
    return min(control.at, now) + APPROVED_FOR
