"""From raw records of one topic to facts by subject, with every record that cannot be used named.

The live worker and nothing else checks keys, sizes and clocks here; replay only shares `extract`.
The trap: a record is either in `facts` (or carries none), or in `poison`; never in neither.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

from schemas.fast import Refused, decoder_of
from schemas.topics import ITEM_TOPICS
from streams.detect.extract import FACTS_OF, to_ms
from streams.detect.facts import AnyFact, Fact
from streams.detect.partition import LETTER
from streams.errors import PoisonError, bad_key, future_time, too_large
from streams.runtime.signals import decode_signal


class Record(Protocol):
    """What is needed of a Kafka record; aiokafka's and Faust's both have it."""

    key: bytes | None
    value: bytes | None
    offset: int


class Batch(NamedTuple):
    """What one poll of one partition brought.

    `facts` are by stored key. `newest_ms` is the newest event time seen, 0 if none. `origin` finds the
    record that a fact came from, for facts that turn out to be late; KeyError for any other fact.
    """

    facts: dict[str, list[AnyFact]]
    newest_ms: int
    poison: list[tuple[Record, PoisonError]]
    origin: Callable[[Fact], Record]


class Intake:
    """Reads the records of one topic. `now_ms` is the wall clock, injected."""

    def __init__(
        self, topic: str, max_record_bytes: int, max_future_ms: int, now_ms: Callable[[], int]
    ) -> None:
        self._max_record_bytes = max_record_bytes
        self._max_future_ms = max_future_ms
        self._now_ms = now_ms
        self._is_of_items = topic in ITEM_TOPICS
        self._letter = LETTER["item" if self._is_of_items else "buyer"]
        if topic == "signals":
            self._read = self._read_signal
        else:
            self._decode = decoder_of(topic)
            self._read = self._read_event

    def take(self, records: Sequence[Record]) -> Batch:
        """Decode, check and reduce a list of records. Cost: a few microseconds per record."""
        facts: dict[str, list[AnyFact]] = {}
        poison: list[tuple[Record, PoisonError]] = []
        newest_ms = 0
        now_ms = self._now_ms()
        latest_ms = now_ms + self._max_future_ms
        read = self._read
        for record in records:
            try:
                key, at_ms, found = read(record)
            except Refused as error:
                poison.append((record, PoisonError(error.reason, str(error))))
                continue
            except PoisonError as error:
                poison.append((record, error))
                continue
            if at_ms > newest_ms:
                if at_ms > latest_ms:
                    poison.append((record, future_time(at_ms, latest_ms)))
                    continue
                newest_ms = at_ms
            if found:
                if key in facts:
                    facts[key] += found
                else:
                    facts[key] = [*found]
        # A sender whose clock is ahead must not move the horizon past the present.
        return Batch(facts, min(newest_ms, now_ms), poison, _Origins(records, read))

    def _read_event(self, record: Record) -> tuple[str, int, Sequence[AnyFact]]:
        event: Any = self._decode(self._value(record))
        name = f"{event.shop_id}:{event.item_id if self._is_of_items else event.buyer_id}"
        if record.key != name.encode() or not name.isprintable():
            raise _bad_key(record.key, name)
        make = FACTS_OF.get(type(event))
        found = make(event) if make is not None else ()
        at_ms = found[0].at_ms if found else to_ms(event.occurred_at)
        return f"{self._letter}/{name}", at_ms, found

    def _read_signal(self, record: Record) -> tuple[str, int, Sequence[AnyFact]]:
        kind, subject, signal = decode_signal(self._value(record))
        if record.key != subject.encode():
            raise PoisonError("key_mismatch", f"the key of a signal is its subject, {subject!r}")
        return f"{LETTER[kind]}/{subject}", signal.at_ms, (signal,)

    def _value(self, record: Record) -> bytes:
        if record.value is None:
            raise PoisonError("missing_value", "the record has no value; expected a JSON object")
        if len(record.value) > self._max_record_bytes:
            raise too_large(len(record.value), self._max_record_bytes)
        return record.value


def _bad_key(key: bytes | None, name: str) -> PoisonError:
    """Why a record whose body says `name` may not lie under its key."""
    if not name.isprintable():
        return bad_key(name)
    if key is None:
        return PoisonError(
            "missing_key",
            f"the record has no key; expected {name!r}; `dlq replay --rekey` sets it",
        )
    return PoisonError(
        "key_mismatch",
        f"the record's key is {key[:200]!r}, but its body says {name!r}; the key decides the partition; "
        "`dlq replay --rekey` takes it from the body",
    )


class _Origins:
    """The record behind each fact of a batch, found by reading the batch again: late facts are rare."""

    def __init__(
        self,
        records: Sequence[Record],
        read: Callable[[Record], tuple[str, int, Sequence[AnyFact]]],
    ) -> None:
        self._records = records
        self._read = read
        self._found: dict[tuple[type, str, str, int], Record] = {}

    def __call__(self, fact: Fact) -> Record:
        if not self._found:
            for record in self._records:
                with suppress(Refused, PoisonError):
                    for made in self._read(record)[2]:
                        self._found[_named(made)] = record
        return self._found[_named(fact)]


def _named(fact: Fact) -> tuple[type, str, str, int]:
    # With its time, for some facts have no event id.
    return type(fact), fact.ref, fact.event_id, fact.at_ms
