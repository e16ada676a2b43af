"""Sending dead letters back: original bytes, original topic, each letter once.

Order of effects: the letters of a chunk are sent and acknowledged, then their markers are. A crash
in between sends a chunk twice and loses nothing; events are idempotent by their id.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError, MessageSizeTooLargeError

from schemas.fast import Refused, decode_event, key_of
from schemas.refusal import REASONS
from schemas.topics import INPUT_TOPICS, TOPICS
from streams.errors import POISON_REASONS, ConfigurationError
from streams.kafka import clients, deadletters, reading, sizes
from streams.kafka.deadletters import AT, MARKER_KEY, REPLAYED, DeadLetter
from streams.kafka.produce import DELIVERY_TIMEOUT_S, producer
from streams.kafka.reading import Record
from streams.settings import Settings

CHUNK = 500


@dataclass(frozen=True)
class Selection:
    """Which letters to send back, and under which key. None means any; `topic` is a plain name."""

    reason: str | None = None
    topic: str | None = None
    limit: int | None = None
    rekey: bool = False

    def matches(self, letter: DeadLetter) -> bool:
        """Whether a letter is wanted and was not sent back before."""
        return (
            not letter.is_replayed
            and self.reason in (None, letter.reason)
            and self.topic in (None, letter.topic)
        )


@dataclass
class Outcome:
    """Letters sent, letters that could not be sent with the reason, and how many the limit left."""

    sent: list[DeadLetter] = field(default_factory=list)
    failed: list[tuple[DeadLetter, str]] = field(default_factory=list)
    left: int = 0


# Only what the detection workers read can have been refused by them.
REPLAYABLE_TOPICS = tuple(
    topic.name for topic in TOPICS.values() if "detect" in topic.consumers and topic.value == "json"
)
KNOWN_REASONS = (*REASONS, *POISON_REASONS)


class UnsendableError(Exception):
    """A letter cannot go back as asked; it stays replayable."""


def replay(
    settings: Settings,
    selection: Selection,
    *,
    dry_run: bool = False,
    count: Callable[[int], None] = lambda sent: None,
) -> Outcome:
    """Send the selected letters back, oldest position first, and mark them as replayed.

    Letters are chosen in a first reading without their values and sent in a second one, so memory
    holds one chunk of values at most. With `dry_run` nothing is written.
    Raises ConfigurationError for a topic or a reason that no letter can have.
    """
    _check_topic(selection.topic)
    letters = deadletters.read(settings).letters
    _check_reason(selection.reason, letters)
    wanted = [letter for letter in letters if selection.matches(letter)]
    chosen = {letter.record.position: letter for letter in wanted[: selection.limit]}
    outcome = Outcome(left=len(wanted) - len(chosen))
    if not chosen:
        return outcome
    with producer(settings) as client:
        chunk: list[DeadLetter] = []
        for record in reading.to_end(settings, deadletters.TOPIC):
            letter = chosen.get(record.position)
            if letter is None:
                continue
            chunk.append(replace(letter, record=record))
            if len(chunk) == CHUNK:
                _send_chunk(settings, client, chunk, selection.rekey, dry_run, outcome)
                count(len(outcome.sent))
                chunk = []
        _send_chunk(settings, client, chunk, selection.rekey, dry_run, outcome)
        count(len(outcome.sent))
    return outcome


def _check_topic(topic: str | None) -> None:
    if topic is not None and topic not in REPLAYABLE_TOPICS:
        raise ConfigurationError(
            f"--topic is {topic!r}, from which no dead letter comes; expected one of "
            f"{', '.join(REPLAYABLE_TOPICS)}, without the prefix."
        )


def _check_reason(reason: str | None, letters: list[DeadLetter]) -> None:
    # A worker of a newer version may have reasons that only its letters tell.
    known = dict.fromkeys((*KNOWN_REASONS, *(letter.reason for letter in letters)))
    if reason is not None and reason not in known:
        raise ConfigurationError(
            f"--reason is {reason!r}, which no dead letter has; expected one of "
            f"{', '.join(known)}. `orderwatch dlq list` counts the letters by reason."
        )


def _send_chunk(
    settings: Settings,
    client: KafkaProducer,
    chunk: list[DeadLetter],
    rekey: bool,
    dry_run: bool,
    outcome: Outcome,
) -> None:
    pending: list[tuple[DeadLetter, Any]] = []
    for letter in chunk:
        try:
            topic, key = _destination(settings, letter, rekey)
            pending.append((letter, None if dry_run else _send(client, topic, key, letter.record)))
        except UnsendableError as problem:
            outcome.failed.append((letter, str(problem)))
        except KafkaError as problem:
            outcome.failed.append((letter, _undelivered(letter, problem)))
    delivered = []
    for letter, future in pending:
        try:
            if future is not None:
                future.get(DELIVERY_TIMEOUT_S)
        except KafkaError as problem:
            outcome.failed.append((letter, _undelivered(letter, problem)))
        else:
            delivered.append(letter)
    if not dry_run:
        _mark(client, delivered)
    # Positions are enough from here on; the values of a whole replay would not fit in memory.
    outcome.sent.extend(replace(d, record=replace(d.record, value=None)) for d in delivered)


def _send(client: KafkaProducer, topic: str, key: bytes | None, record: Record) -> Any:
    return client.send(topic, key=key, value=record.value, timestamp_ms=record.timestamp_ms)


def _undelivered(letter: DeadLetter, problem: KafkaError) -> str:
    if isinstance(problem, MessageSizeTooLargeError):
        return sizes.refused_by_topic(letter.topic, letter.size)
    return f"not delivered: {type(problem).__name__}: {problem}"


def _mark(client: KafkaProducer, delivered: list[DeadLetter]) -> None:
    now = datetime.now(UTC).isoformat().encode()
    futures = [
        client.send(
            letter.record.topic,
            key=MARKER_KEY,
            partition=letter.record.partition,
            headers=[(REPLAYED, str(letter.record.offset).encode()), (AT, now)],
        )
        for letter in delivered
    ]
    for future in futures:
        future.get(DELIVERY_TIMEOUT_S)


def _destination(settings: Settings, letter: DeadLetter, rekey: bool) -> tuple[str, bytes | None]:
    """Where a letter goes and under which key. Raises UnsendableError, also in a dry run."""
    name = letter.topic
    # A header is only text: no letter comes from where commands and alerts are.
    if name not in REPLAYABLE_TOPICS:
        raise UnsendableError(f"{letter.topic!r} is not a topic that events are sent to")
    if (problem := sizes.too_large(settings, name, letter.size)) is not None:
        raise UnsendableError(problem)
    if not rekey:
        if letter.record.key is None and letter.record.value is None:
            raise UnsendableError("neither key nor value: there is nothing to send")
        return clients.topic_name(settings, name), letter.record.key
    if name not in INPUT_TOPICS:
        raise UnsendableError(f"only events have their key in the body, and {name} has none")
    try:
        key = key_of(decode_event(name, letter.record.value or b"")).encode()
    except Refused as problem:
        raise UnsendableError(f"no key in the body ({problem})") from problem
    return clients.topic_name(settings, name), key
