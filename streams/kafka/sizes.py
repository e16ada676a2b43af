"""How large a record may be, and what to do about one that is larger.

The trap: there are two limits. Ours counts the bytes of the value, here and in the worker; the topic's
`max.message.bytes` on the broker counts the record with its key, headers and batch.
"""

from __future__ import annotations

from schemas.topics import TOPICS
from streams.settings import Settings

# What a record is larger than its value: its key, its headers, and the batch around it.
ROOM_BYTES = 64 * 1024


def too_large(settings: Settings, topic: str, size: int) -> str | None:
    """Why a value of `size` bytes cannot go to a topic of the registry, or None if it can."""
    limit = settings.max_record_bytes
    if size > limit:
        return (
            f"the value has {size} bytes, more than ORDERWATCH_MAX_RECORD_BYTES = {limit}; send less, "
            f"or raise that variable for this command and for all services{_and_topic(topic, size)}"
        )
    return refused_by_topic(topic, size) if size > TOPICS[topic].max_message_bytes else None


def refused_by_topic(topic: str, size: int) -> str:
    """Why a value of `size` bytes that is within our own limit was refused all the same."""
    return (
        f"the value has {size} bytes, which with its key is more than max.message.bytes of the topic "
        f"{topic} allows (by the registry {TOPICS[topic].max_message_bytes}); send less, or raise it "
        "on the broker"
    )


def _and_topic(topic: str, size: int) -> str:
    allowed = TOPICS[topic].max_message_bytes
    if size <= allowed:
        return ""
    return f", and max.message.bytes of the topic {topic} (by the registry {allowed})"
