"""Dead letters: their format on Kafka, how they are listed, shown and sent back.

A dead letter keeps the key and the value bytes of the refused record; the rest is in headers. What
was sent back is remembered on the same topic: a *marker*, a record without a value that names the
offset of the dead letter in its own partition. So the memory is shared by all operators, outlives
the letter it marks, and a letter that was skipped stays replayable.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from schemas.base import LONGEST_ID
from streams.display.masking import hex_view, is_json, mask_phones, show_body, show_bytes, visible
from streams.errors import ConfigurationError
from streams.kafka import clients, reading
from streams.kafka.reading import Record
from streams.settings import Settings

TOPIC = "dead-letters"
REASON = "orderwatch-reason"
ERROR = "orderwatch-error"
SOURCE_TOPIC = "orderwatch-topic"
SOURCE_PARTITION = "orderwatch-partition"
SOURCE_OFFSET = "orderwatch-offset"
AT = "orderwatch-at"
# Only on markers: the offset, in the marker's partition, of the letter that was sent back.
REPLAYED = "orderwatch-replayed"
MARKER_KEY = b"orderwatch-replayed"
_POSITION = re.compile("[0-9]+:[0-9]+", re.ASCII)


def headers(
    reason: str, error: str, topic: str, partition: int, offset: int, at: datetime
) -> list[tuple[str, bytes]]:
    """The headers of a dead letter, for whoever writes one."""
    texts = {
        REASON: reason,
        ERROR: error,
        SOURCE_TOPIC: topic,
        SOURCE_PARTITION: str(partition),
        SOURCE_OFFSET: str(offset),
        AT: at.isoformat(),
    }
    return [(name, text.encode("utf-8", "backslashreplace")) for name, text in texts.items()]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One refused record with where it lies now and where it came from.

    `topic` is the plain name, as every command takes it, also where the header has the broker's.
    """

    record: Record
    reason: str
    error: str
    topic: str
    partition: str
    offset: str
    at: str
    size: int
    is_replayed: bool = False
    # What the value says, masked and cut, for whoever looks for the event in their own log.
    event_id: str | None = None

    @property
    def source(self) -> str:
        """Where the record was refused: `topic[partition]@offset`."""
        return f"{self.topic}[{self.partition}]@{self.offset}"


@dataclass(frozen=True)
class Contents:
    """All dead letters that the broker still keeps, in the order of partition and offset."""

    letters: list[DeadLetter]
    # How many were read, markers too.
    records: int = 0

    def counts(self) -> list[tuple[str, str, int, int]]:
        """(topic, reason, all, still waiting), the most frequent first."""
        total: Counter[tuple[str, str]] = Counter()
        waiting: Counter[tuple[str, str]] = Counter()
        for letter in self.letters:
            total[letter.topic, letter.reason] += 1
            waiting[letter.topic, letter.reason] += not letter.is_replayed
        return [(*group, n, waiting[group]) for group, n in total.most_common()]

    def latest(self, limit: int) -> list[DeadLetter]:
        """The youngest letters by the time of their record, youngest first."""
        newest = sorted(self.letters, key=lambda letter: letter.record.timestamp_ms, reverse=True)
        return newest[:limit]


def read(
    settings: Settings, keep_value: Callable[[Record], bool] = lambda record: False
) -> Contents:
    """Read the whole topic, without the values that nobody asked to keep (they may be large)."""
    return _contents(settings, reading.to_end(settings, TOPIC), keep_value)


def read_newest(settings: Settings, since_ms: int, limit: int) -> Contents:
    """The letters from `since_ms` on, as far as they are among about the newest `limit` of a partition.

    A letter is sent back after it was written, so whether it waits is known all the same.
    """
    return _contents(settings, reading.newest(settings, TOPIC, since_ms, limit))


def _contents(
    settings: Settings,
    records: Iterable[Record],
    keep_value: Callable[[Record], bool] = lambda record: False,
) -> Contents:
    letters: list[DeadLetter] = []
    replayed: set[tuple[int, bytes]] = set()
    total = 0
    for record in records:
        total += 1
        if REPLAYED in record.headers:
            # Not read as a number: anybody can write a marker that names nothing.
            replayed.add((record.partition, record.headers[REPLAYED]))
        else:
            letters.append(_letter(settings, record, keep_value(record)))
    letters.sort(key=lambda letter: (letter.record.partition, letter.record.offset))
    return Contents([_marked(letter, replayed) for letter in letters], total)


def _marked(letter: DeadLetter, replayed: set[tuple[int, bytes]]) -> DeadLetter:
    place = letter.record.partition, str(letter.record.offset).encode()
    return replace(letter, is_replayed=True) if place in replayed else letter


def find(settings: Settings, position: str) -> DeadLetter:
    """The letter at `partition:offset`. Raises ConfigurationError when there is none."""
    if not _POSITION.fullmatch(position):
        raise ConfigurationError(
            f"{position!r} is no position; expected PARTITION:OFFSET as `orderwatch dlq list` shows."
        )
    for letter in read(settings, lambda record: record.position == position).letters:
        if letter.record.position == position:
            return letter
    raise ConfigurationError(
        f"no dead letter at {position!r}; expected PARTITION:OFFSET as `orderwatch dlq list` shows."
    )


def describe(letter: DeadLetter, *, raw: bool) -> str:
    """One letter in full for a terminal: masked unless `raw`, control characters always escaped."""
    body = letter.record.value
    lines = [
        f"position   {letter.record.position}",
        f"reason     {visible(letter.reason)}",
        f"error      {visible(letter.error if raw else mask_phones(letter.error))}",
        f"from       {visible(letter.source)}",
        f"at         {visible(letter.at)}",
        f"state      {'replayed' if letter.is_replayed else 'waiting'}",
        f"key        {show_bytes(letter.record.key, raw=raw)}",
        f"size       {letter.size} bytes",
        "",
        show_body(body, raw=raw),
    ]
    # The bytes of a readable body would show beside it what was masked in it.
    if body and (raw or not is_json(body)):
        lines += [
            "",
            hex_view(body if raw else mask_phones(body.decode("latin-1")).encode("latin-1")),
        ]
    return "\n".join(lines)


def shortened(text: str, longest: int) -> str:
    """Anybody's text, masked and no longer than that; it is not escaped."""
    # A phone that is cut would no longer be known as one.
    masked = mask_phones(text[: 2 * longest])
    return masked if len(masked) <= longest else f"{masked[:longest]}…"


def _letter(settings: Settings, record: Record, keeps_value: bool) -> DeadLetter:
    def text(header: str) -> str:
        return record.headers.get(header, b"?").decode("utf-8", "backslashreplace")

    return DeadLetter(
        record=record if keeps_value else replace(record, value=None),
        size=len(record.value or b""),
        reason=text(REASON),
        error=text(ERROR),
        topic=clients.plain_name(settings, text(SOURCE_TOPIC)),
        partition=text(SOURCE_PARTITION),
        offset=text(SOURCE_OFFSET),
        at=text(AT),
        event_id=_event_id(settings, record.value or b""),
    )


def _event_id(settings: Settings, body: bytes) -> str | None:
    """The id of the event in a value, whatever else is wrong there; None where it cannot be read."""
    # Anybody may have written it, and one that is no event may be made to fill the memory.
    if len(body) > settings.max_record_bytes:
        return None
    try:
        # Python's decoder and not a faster one: it reads NaN, for which others refuse the whole body.
        event = json.loads(body)
    except (ValueError, RecursionError):
        return None
    found = event.get("event_id") if isinstance(event, dict) else None
    if type(found) is int:
        found = str(found)
    if not isinstance(found, str):
        return None
    # Who sends a longer one finds it by its beginning.
    return shortened(found, LONGEST_ID)
