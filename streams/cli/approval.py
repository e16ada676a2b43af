"""`orderwatch stock --approve`: a person lets the stock service top up what an alert names."""

from __future__ import annotations

import uuid
from contextlib import closing
from datetime import UTC, datetime

from schemas.outputs import Control
from streams.errors import ConfigurationError
from streams.kafka.publisher import KafkaPublisher, Outgoing
from streams.settings import Settings
from streams.stock.control import APPROVE, CONTROL_TOPIC


def approve(settings: Settings, alert_id: str) -> None:
    """Send the approval of an alert; the service sees to its end.

    Raises ConfigurationError for what is no id of an alert, TransientError without a broker.
    """
    try:
        name = str(uuid.UUID(alert_id))
    except ValueError:
        raise ConfigurationError(
            f"--approve is {alert_id!r}; expected the id of an alert, as the inbox shows it"
        ) from None
    at = datetime.now(UTC)
    control = Control(control_id=str(uuid.uuid4()), command=APPROVE, value=name, at=at)
    with closing(KafkaPublisher(settings)) as publisher:
        publisher.publish([Outgoing(CONTROL_TOPIC, APPROVE, control.model_dump_json().encode())])
