"""Whether Kafka still has what the group of workers goes on from: input from where it stopped, and state.

Kafka says neither. It gives the next records that are left, and a payment that was deleted unread looks
as if nobody had paid; a topic that was lost and made again is empty, and so is what is known of everybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from streams.detect.partition import READ, STAGES
from streams.errors import ConfigurationError
from streams.kafka import clients, reading
from streams.settings import Settings

# How many of the faults stand in a message; the cure is the same for all.
MOST_NAMED = 5


def require_continuity(settings: Settings) -> None:
    """Refuse to go on where something is missing in between; a group that has read nothing may begin.

    Raises ConfigurationError naming what is missing, TransientError when no broker answers.
    """
    stopped_at = clients.committed(settings, settings.group_id, READ)
    try:
        with closing(clients.consumer(settings)) as client:
            begins = client.beginning_offsets(list(stopped_at))
            _require_input(settings, stopped_at, begins)
            for plan in STAGES:
                names = {clients.topic_name(settings, topic) for topic in plan.topics}
                if any(at > begins[tp] for tp, at in stopped_at.items() if tp.topic in names):
                    _require_state(settings, client, plan.state_topic)
    except KafkaError as error:
        raise clients.failure(settings, error) from error


def _require_input(
    settings: Settings,
    stopped_at: Mapping[TopicPartition, int],
    begins: Mapping[TopicPartition, int],
) -> None:
    gone = [
        f"{tp.topic}[{tp.partition}] {offset} to {begins[tp] - 1}"
        for tp, offset in sorted(stopped_at.items())
        if offset < begins[tp]
    ]
    if gone:
        raise ConfigurationError(
            f"records were deleted before group {settings.group_id} had read them: {_some(gone)}. What "
            "they said is not known, and who paid or was shipped to there would be taken for somebody "
            'who was not. Before going on, see docs/operations.md, "What was deleted unread".'
        )


def _require_state(settings: Settings, client: KafkaConsumer, name: str) -> None:
    # A topic is lost as a whole. One of its partitions may be empty: nothing was read there but a record
    # over which the group was set by hand.
    if not any(client.end_offsets(reading.partitions(settings, client, name)).values()):
        raise ConfigurationError(
            f"{clients.topic_name(settings, name)} is empty, although group {settings.group_id} has read "
            "the input that its state follows from: the topic was lost, or deleted and made again. Going "
            "on would judge everybody by half of what is known; rebuild the state: docs/operations.md, "
            '"Rebuilding the state".'
        )


def _some(faults: list[str]) -> str:
    more = len(faults) - MOST_NAMED
    return ", ".join(faults[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
