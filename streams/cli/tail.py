"""What `orderwatch tail` prints: records of one topic as they arrive, masked, one line each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from schemas.topics import TOPICS
from streams.display.alert_line import alert_line, alert_style
from streams.display.masking import (
    json_line,
    mask_phones,
    mask_value,
    show_body,
    show_bytes,
    visible,
)
from streams.errors import ConfigurationError
from streams.kafka import reading
from streams.kafka.reading import Record
from streams.replay.pacing import epoch_ms
from streams.settings import Settings


@dataclass(frozen=True)
class View:
    """What to show. `follow` waits for more; without it the view ends at the end of the topic.

    Only without it `since` and `until` (not included) bound the time that a record has on the broker.
    """

    topic: str = "alerts"
    from_beginning: bool = False
    limit: int | None = None
    follow: bool = True
    as_json: bool = False
    raw: bool = False
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A line for the terminal and how it is coloured."""

    text: str
    style: str = ""


def lines(settings: Settings, view: View) -> Iterator[Line]:
    """The lines of a view. Raises ConfigurationError for one that cannot be shown."""
    if view.topic not in TOPICS:
        raise ConfigurationError(
            f"{view.topic!r} is not a topic of orderwatch; expected one of {', '.join(TOPICS)}."
        )
    if view.follow and (view.since or view.until):
        raise ConfigurationError(
            "--since and --until choose among what is there; add --no-follow, which ends there."
        )
    since_ms, until_ms = epoch_ms(view.since), epoch_ms(view.until)
    if since_ms is not None and until_ms is not None and since_ms >= until_ms:
        raise ConfigurationError(
            f"--since is {view.since} and --until {view.until}, so nothing can lie between; expected a later "
            "--until."
        )
    # To a broker a time before 1970 means something else: it asks for one end of the topic.
    since_ms = None if since_ms is not None and since_ms < 0 else since_ms
    records = islice(_records(settings, view, since_ms, until_ms), view.limit)
    return (render(record, view) for record in records)


def render(record: Record, view: View) -> Line:
    """One record as a line: JSON, a pretty alert, or position, time, key and body."""
    if view.as_json:
        return Line(json_line(_as_json(record, view)))
    if view.topic == "alerts":
        try:
            envelope = json.loads(record.value or b"")
            return Line(alert_line(envelope), alert_style(envelope))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            # Something that is not an alert lies on the topic: show it as any other record.
            pass
    key = show_bytes(record.key, raw=view.raw)
    body = show_body(record.value, raw=view.raw, indent=None)
    return Line(f"{record.position} {_time(record)} {key} {body}")


def _records(
    settings: Settings, view: View, since_ms: int | None, until_ms: int | None
) -> Iterator[Record]:
    if not view.follow:
        found = reading.to_end(settings, view.topic, since_ms=since_ms)
        # Producers give the times, so they need not be in order.
        return (
            record
            for record in found
            if (since_ms is None or record.timestamp_ms >= since_ms)
            and (until_ms is None or record.timestamp_ms < until_ms)
        )
    arriving = reading.follow(settings, view.topic, from_beginning=view.from_beginning)
    return (record for record in arriving if record is not None)


def _as_json(record: Record, view: View) -> dict[str, Any]:
    raw = view.raw
    return {
        # Without the prefix, as files of events have it.
        "topic": view.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": _time(record),
        "key": show_bytes(record.key, raw=raw) if record.key is not None else None,
        "headers": {
            name: visible(value.decode("utf-8", "backslashreplace"))
            for name, value in record.headers.items()
        },
        "value": _value(record.value, raw),
    }


def _value(body: bytes | None, raw: bool) -> Any:
    if body is None:
        return None
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        text = body.decode("utf-8", "backslashreplace")
        return text if raw else mask_phones(text)
    return value if raw else mask_value(value)


def _time(record: Record) -> str:
    """The time of a record; as the number that it is where that is no time, for anybody may set it."""
    try:
        at = datetime.fromtimestamp(record.timestamp_ms / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return f"{record.timestamp_ms} ms"
    return at.isoformat(timespec="milliseconds")
