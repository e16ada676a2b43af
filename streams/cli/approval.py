"""`orderwatch stock --approve` and `--refuse`: a person's word on what the stock service may top up."""

from __future__ import annotations

import uuid
from contextlib import closing
from datetime import UTC, datetime

from pydantic import ValidationError

from schemas.outputs import Control
from streams.errors import ConfigurationError
from streams.kafka.publisher import KafkaPublisher, Outgoing
from streams.settings import Settings
from streams.stock.control import CONTROL_TOPIC, Word, approved_until, spoken


def say(settings: Settings, word: Word, alert_id: str) -> str:
    """Send a person's word on an alert, and tell what was sent; the service sees to the rest.

    Raises ConfigurationError for what is no id of an alert, TransientError without a broker.
    """
    control = _command(word, alert_id, datetime.now(UTC))
    record = Outgoing(CONTROL_TOPIC, control.command, control.model_dump_json().encode())
    with closing(KafkaPublisher(settings)) as publisher:
        publisher.publish([record])
    return (
        f"{_said(word, control)} `orderwatch tail stock-adjustments --from-beginning --no-follow`."
    )


def _command(word: Word, alert_id: str, at: datetime) -> Control:
    try:
        return spoken(word, alert_id, str(uuid.uuid4()), at)
    except ValidationError:
        done = "approved" if word == "approve" else "refused"
        raise ConfigurationError(
            f"--{word} is {alert_id!r}; expected the id of an alert, as the inbox shows it. "
            f"Nothing was {done}."
        ) from None


def _said(word: Word, control: Control) -> str:
    # Nobody here knows the alert, nor what the service is allowed: its decisions say what came of it.
    if word == "refuse":
        return f"Refused: the top-ups of alert {control.value}. Whether units were taken back:"
    until = f"{approved_until(control, control.at):%Y-%m-%d %H:%M} UTC"
    return f"Approved: the top-ups of alert {control.value}, until {until}. Whether units went:"
