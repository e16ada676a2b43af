"""`orderwatch stock --approve`: a person lets the stock service top up what an alert names."""

from __future__ import annotations

import uuid
from contextlib import closing
from datetime import UTC, datetime

from pydantic import ValidationError

from schemas.outputs import Control
from streams.errors import ConfigurationError
from streams.kafka.publisher import KafkaPublisher, Outgoing
from streams.settings import Settings
from streams.stock.control import APPROVE, CONTROL_TOPIC, approved_until


def approve(settings: Settings, alert_id: str) -> str:
    """Send the approval of an alert, and say so; the service sees to its end.

    Raises ConfigurationError for what is no id of an alert, TransientError without a broker.
    """
    control = _approval_of(alert_id, datetime.now(UTC))
    with closing(KafkaPublisher(settings)) as publisher:
        publisher.publish([Outgoing(CONTROL_TOPIC, APPROVE, control.model_dump_json().encode())])
    return _said(control)


def _approval_of(alert_id: str, at: datetime) -> Control:
    try:
        return Control(control_id=str(uuid.uuid4()), command=APPROVE, value=alert_id, at=at)
    except ValidationError:
        raise ConfigurationError(
            f"--approve is {alert_id!r}; expected the id of an alert, as the inbox shows it. "
            "Nothing was approved."
        ) from None


def _said(control: Control) -> str:
    until = approved_until(control, control.at)
    # Nobody here knows the alert, nor what the service is allowed: its decisions say what came of it.
    return (
        f"Approved: the top-ups of alert {control.value}, until {until:%Y-%m-%d %H:%M} UTC. "
        "Whether units went: `orderwatch tail stock-adjustments --from-beginning --no-follow`."
    )
