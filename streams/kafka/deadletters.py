"""Dead letters: their format on Kafka, how they are listed, shown and sent back.

A dead letter keeps the key and the value bytes of the refused record; the rest is in headers. What
was sent back is remembered on the same topic: a *marker*, a record without a value that names the
offset of the dead letter in its own partition. So the memory is shared by all operators, outlives
the letter it marks, and a letter that was skipped stays replayable.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

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

    @property
    def source(self) -> str:
        """Where the record was refused: `topic[partition]@offset`."""
        return f"{self.topic}[{self.partition}]@{self.offset}"


@dataclass(frozen=True)
class Contents:
    """All dead letters that the broker still keeps, in the order of partition and offset."""

    letters: list[DeadLetter]

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
    records: list[tuple[Record, int]] = []
    replayed: set[tuple[int, bytes]] = set()
    for record in reading.to_end(settings, TOPIC):
        if REPLAYED in record.headers:
            # Not read as a number: anybody can write a marker that names nothing.
            replayed.add((record.partition, record.headers[REPLAYED]))
        else:
            size = len(record.value or b"")
            kept = record if keep_value(record) else replace(record, value=None)
            records.append((kept, size))
    records.sort(key=lambda kept: (kept[0].partition, kept[0].offset))
    return Contents(
        [
            _letter(settings, r, size, (r.partition, str(r.offset).encode()) in replayed)
            for r, size in records
        ]
    )


def find(settings: Settings, position: str) -> DeadLetter:
    """The letter at `partition:offset`. Raises ConfigurationError when there is none."""
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


def _letter(settings: Settings, record: Record, size: int, is_replayed: bool) -> DeadLetter:
    def text(header: str) -> str:
        return record.headers.get(header, b"?").decode("utf-8", "backslashreplace")

    return DeadLetter(
        record=record,
        size=size,
        reason=text(REASON),
        error=text(ERROR),
        topic=clients.plain_name(settings, text(SOURCE_TOPIC)),
        partition=text(SOURCE_PARTITION),
        offset=text(SOURCE_OFFSET),
        at=text(AT),
        is_replayed=is_replayed,
    )
