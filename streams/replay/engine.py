"""Replay: the live worker's detectors over event files, with no broker and the same answers.

One partition holds everything. The horizon follows the events; at the end of the input all topics are
known to be read, so it goes to `until`. What a newcomer gets wrong: the batch size cannot change the
final alerts, only how many revisions come before them.
"""

from __future__ import annotations

import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from schemas.alerts import Alert
from schemas.base import LAST_YEAR
from schemas.fast import Refused, decode_line, decode_lines, key_of, topic_of
from schemas.fast_types import BuyerEvent, Event
from schemas.topics import ITEM_TOPICS
from streams.detect.address.receivers import reader
from streams.detect.engine import Engine
from streams.detect.extract import FACTS_OF, to_ms
from streams.detect.facts import AnyFact
from streams.detect.horizon import Frontier
from streams.detect.partition import BUYERS, LETTER, STAGES, SUBJECTS, Effects, Partition
from streams.errors import PoisonError, bad_key, future_time, too_large
from streams.replay.files import MAX_LINE_BYTES, Chunk
from streams.replay.pacing import LONGEST_SLEEP_S

# Events applied at once. The larger, the fewer evaluations; this many take some 200 MB.
BATCH = 500_000
# The last moment that an event may name: what is known to be the present when nobody says so.
_END_OF_TIME_MS = to_ms(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC))
# Refused lines are all counted, but only this many are remembered with their position.
REMEMBERED = 20


@dataclass
class ReplayReport:
    """What a replay read and concluded. `alerts` are the last revisions by alert id."""

    events: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    refused_at: list[tuple[str, str, str]] = field(default_factory=list)
    alerts: dict[str, Alert] = field(default_factory=dict)
    revisions: int = 0
    subjects: int = 0
    late: int = 0
    insufficient: Counter[tuple[str, str]] = field(default_factory=Counter)
    silent_shops: list[str] = field(default_factory=list)
    is_silent_everywhere: bool = False
    newest_ms: int = 0
    horizon_ms: int = 0

    def refuse(self, error: Refused | PoisonError, position: str) -> None:
        """Count a line that is no event or cannot have happened, and remember the first ones."""
        self.refused[error.reason] += 1
        if len(self.refused_at) < REMEMBERED:
            self.refused_at.append((position, error.reason, str(error)))

    @property
    def standing(self) -> list[Alert]:
        """The final alerts that were not taken back, oldest first."""
        kept = [alert for alert in self.alerts.values() if alert.status != "retracted"]
        return sorted(kept, key=lambda alert: (alert.opened_at, alert.alert_id))


def _end_of_time() -> int:
    return _END_OF_TIME_MS


class Replay:
    """A replay in progress: feed it chunks of lines, then `finish` it.

    `now_ms` is the present: what claims to be more than `max_future_s` later is refused, as the live
    worker does, or one such event would make all others too old to count. A value of more than
    `max_record_bytes` is refused as there, too. By default any time and any size goes.
    """

    def __init__(
        self,
        engine: Engine,
        on_alert: Callable[[Alert], None],
        lateness_s: int = 120,
        silence_min_buyers: int = 20,
        now_ms: Callable[[], int] = _end_of_time,
        max_future_s: int = 0,
        max_record_bytes: int = MAX_LINE_BYTES,
    ) -> None:
        self.report = ReplayReport()
        self._on_alert = on_alert
        self._buyers, self._subjects = (
            Partition(
                engine, plan.kinds, Frontier(plan.topics, lateness_s * 1000, silence_min_buyers)
            )
            for plan in STAGES
        )
        self._lateness_ms = lateness_s * 1000
        self._now_ms = now_ms
        self._max_future_ms = max_future_s * 1000
        self._max_record_bytes = max_record_bytes
        self._batch = _Batch()

    @property
    def latest_ms(self) -> int:
        """The latest time that an event may name at this moment."""
        return self._now_ms() + self._max_future_ms

    def feed(self, lines: Sequence[bytes], position: Callable[[int], str]) -> None:
        """Take lines; they are applied in batches of `BATCH` events, or at the next `flush`."""
        # Looked for among the values only when a line is as long: nearly no file has any.
        if max(map(len, lines), default=0) > self._max_record_bytes:
            lines, position = self._but_too_large(lines, position)
        self._batch.take(lines, position, self.report, self.latest_ms)
        if self._batch.size >= BATCH:
            self.flush()

    def _but_too_large(
        self, lines: Sequence[bytes], position: Callable[[int], str]
    ) -> tuple[list[bytes], Callable[[int], str]]:
        """The lines whose values the live worker takes for their size, and where each was read."""
        kept = []
        for index, line in enumerate(lines):
            size = _size_of_value(line) if len(line) > self._max_record_bytes else 0
            if size > self._max_record_bytes:
                self.report.refuse(too_large(size, self._max_record_bytes), position(index))
            else:
                kept.append(index)
        return [lines[index] for index in kept], lambda place: position(kept[place])

    def flush(self) -> None:
        """Apply what has been taken."""
        batch, self._batch = self._batch, _Batch()
        newest_ms: dict[str, int] = {}
        now_ms = self._now_ms()
        for topic, kind in batch.kinds:
            self.report.events[topic] += kind.count
            # A sender whose clock is ahead must not move the horizon past the present.
            newest_ms[topic] = max(newest_ms.get(topic, 0), min(to_ms(kind.newest_at), now_ms))
        self.report.newest_ms = max(self.report.newest_ms, *newest_ms.values(), 0)
        of_items = {topic: newest_ms.pop(topic) for topic in ITEM_TOPICS if topic in newest_ms}
        self._take(self._buyers.apply_each(newest_ms, _one_by_one(batch.buyers)))
        if of_items:
            self._take(self._subjects.apply_each(of_items, _one_by_one(batch.items)))

    def finish(self, until_ms: int | None = None) -> ReplayReport:
        """Conclude what silence proves once the input is over, up to `until_ms`.

        By default up to the newest event: what happens after the input nobody knows.
        """
        self.flush()
        reader().forget()
        report = self.report
        report.horizon_ms = report.newest_ms if until_ms is None else until_ms
        self._read_to(report.horizon_ms + self._lateness_ms)
        report.subjects = len(self._buyers.states) + len(self._subjects.states)
        report.silent_shops = sorted(self._buyers.frontier.silent_shops)
        report.is_silent_everywhere = self._buyers.frontier.is_silent_everywhere
        return report

    def keep_up(self) -> None:
        """Let every topic be as far as the newest event, where all lines come in the order of time.

        Else what is concluded from the silence of a topic would be told at the end of the input only.
        """
        self._read_to(max(self._buyers.frontier.newest_ms, self._subjects.frontier.newest_ms))

    def _read_to(self, proven_at_ms: int) -> None:
        for partition, topics in (
            (self._buyers, BUYERS.topics),
            (self._subjects, SUBJECTS.topics),
        ):
            for topic in topics:
                partition.frontier.read_to_end(topic, proven_at_ms)
            self._take(partition.tick())

    def _take(self, effects: Effects) -> None:
        report = self.report
        for alert in effects.alerts:
            report.alerts[alert.alert_id] = alert
            report.revisions += 1
            self._on_alert(alert)
        # One event may give several facts, and all of them are late.
        report.late += len({fact.event_id for fact in effects.late})
        report.insufficient.update(effects.insufficient)
        if effects.told:
            signals: dict[str, list[AnyFact]] = {}
            for told in effects.told:
                signals.setdefault(f"{LETTER[told.kind]}/{told.subject}", []).append(told.signal)
            newest_ms = max(told.signal.at_ms for told in effects.told)
            self._take(self._subjects.apply({"signals": newest_ms}, signals))


class _Wrapper(msgspec.Struct):
    # As it stands in the file, which is what `produce` sends.
    value: msgspec.Raw = msgspec.Raw(b"")


_decode_value = msgspec.json.Decoder(_Wrapper).decode


def _size_of_value(line: bytes) -> int:
    """How many bytes of a line would be a record; 0 where it is no line of an event file."""
    try:
        return len(memoryview(_decode_value(line).value))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return 0


# Before any event.
_NOTHING_YET = datetime.min.replace(tzinfo=UTC)


class _Kind:
    """One class of events in a batch: how to make its facts and where to, how many came, how new."""

    __slots__ = ("count", "facts", "is_of_buyer", "make", "newest_at")

    def __init__(self, event: type[Event], batch: _Batch) -> None:
        self.make = FACTS_OF.get(event)
        self.is_of_buyer = issubclass(event, BuyerEvent)
        self.facts = batch.buyers if self.is_of_buyer else batch.items
        self.count = 0
        self.newest_at = _NOTHING_YET


def _one_by_one(facts: dict[str, list[AnyFact]]) -> Iterator[tuple[str, list[AnyFact]]]:
    """Keys with their facts, let go one after the other: what is made of them takes their room.

    With all detectors that is a fifth of the memory of a replay.
    """
    for key in list(facts):
        yield key, facts.pop(key)


def _key(event: Event) -> str:
    """The stored key of whom an event is about."""
    return f"{'b' if isinstance(event, BuyerEvent) else 'i'}/{key_of(event)}"


class _Batch:
    """Facts by stored key, gathered from lines."""

    def __init__(self) -> None:
        self.size = 0
        self.buyers: defaultdict[str, list[AnyFact]] = defaultdict(list)
        self.items: defaultdict[str, list[AnyFact]] = defaultdict(list)
        self._kinds: dict[type, _Kind] = {event: _Kind(event, self) for event in topic_of}
        # Within a month half of the orders go where an earlier one of the buyer went.
        reader().remember()

    @property
    def kinds(self) -> Iterator[tuple[str, _Kind]]:
        """By topic the kinds of events that came."""
        return ((topic_of[event], kind) for event, kind in self._kinds.items() if kind.count)

    def take(
        self,
        lines: Sequence[bytes],
        position: Callable[[int], str],
        report: ReplayReport,
        latest_ms: int,
    ) -> None:
        """Decode lines into the batch, up to events of that time."""
        newest_at = [kind.newest_at for kind in self._kinds.values()]
        self._take(lines, position, report)
        # Looked for among the lines only when there is one: nearly no file has any.
        if to_ms(max(kind.newest_at for kind in self._kinds.values())) > latest_ms:
            for kind, at in zip(self._kinds.values(), newest_at, strict=True):
                kind.newest_at = at
            self._take_back(lines, position, report, latest_ms)

    def _take(
        self, lines: Sequence[bytes], position: Callable[[int], str], report: ReplayReport
    ) -> None:
        """The hot loop of a replay: two dictionaries per event."""
        self.size += len(lines)
        kinds = self._kinds
        # An Event or a Refused: the look-up that every event needs anyway tells which.
        event: Any
        for index, event in enumerate(decode_lines(lines)):
            kind = kinds.get(type(event))
            if kind is None:
                report.refuse(event, position(index))
                continue
            # No call for each event: see `_key`.
            key = f"b/{event.shop_id}:{event.buyer_id}" if kind.is_of_buyer else _key(event)
            if not key.isprintable():
                report.refuse(bad_key(key[2:]), position(index))
                continue
            kind.count += 1
            if event.occurred_at > kind.newest_at:
                kind.newest_at = event.occurred_at
            if kind.make is not None:
                found = kind.make(event)
                if found:
                    kind.facts[key] += found

    def _take_back(
        self,
        lines: Sequence[bytes],
        position: Callable[[int], str],
        report: ReplayReport,
        latest_ms: int,
    ) -> None:
        """Read lines that were just taken once more, and refuse what is from later than that."""
        event: Any
        touched = set()
        for index, event in enumerate(decode_lines(lines)):
            kind = self._kinds.get(type(event))
            if kind is None:
                continue
            at_ms, key = to_ms(event.occurred_at), _key(event)
            if not key.isprintable():
                continue
            if at_ms <= latest_ms:
                kind.newest_at = max(kind.newest_at, event.occurred_at)
                continue
            kind.count -= 1
            report.refuse(future_time(at_ms, latest_ms), position(index))
            touched.add(key)
        for key in touched:
            facts = self.buyers if key.startswith("b") else self.items
            left = [fact for fact in facts.pop(key, ()) if fact.at_ms <= latest_ms]
            if left:
                facts[key] = left


def replay(
    engine: Engine,
    chunks: Iterable[Chunk],
    on_alert: Callable[[Alert], None] = lambda alert: None,
    *,
    until_ms: int | None = None,
    shuffle_seed: int | None = None,
    speed: float | None = None,
    is_one_source: bool = False,
    lateness_s: int = 120,
    silence_min_buyers: int = 20,
    now_ms: Callable[[], int] = _end_of_time,
    max_future_s: int = 0,
    max_record_bytes: int = MAX_LINE_BYTES,
) -> ReplayReport:
    """Run event files through the detectors; `now_ms` to `max_record_bytes` as for Replay.

    `shuffle_seed` reads everything and feeds it in random order, in batches of random size: the final
    alerts must not change. `speed` paces by event time (1.0 as it happened, None as fast as possible);
    where the chunks are of one source, in the order of time, what silence proves is told as it comes,
    else at the end.
    """
    running = Replay(
        engine, on_alert, lateness_s, silence_min_buyers, now_ms, max_future_s, max_record_bytes
    )
    if shuffle_seed is not None:
        for part in _shuffled(chunks, random.Random(shuffle_seed)):
            running.feed(*part)
            running.flush()
    elif speed is not None:
        paced = _Paced(chunks, speed, lateness_s * 1000, lambda: running.latest_ms)
        for part in paced:
            running.feed(*part)
            running.flush()
            if is_one_source and paced.is_in_order:
                running.keep_up()
    else:
        for chunk in chunks:
            running.feed(chunk.lines, chunk.position)
    return running.finish(until_ms)


# A line, the chunk that it came with, and its place there.
_Line = tuple[bytes, Chunk, int]
# Lines, and where each of them was read.
_Part = tuple[list[bytes], Callable[[int], str]]


def _lines(chunks: Iterable[Chunk]) -> Iterator[_Line]:
    for chunk in chunks:
        for index, line in enumerate(chunk.lines):
            yield line, chunk, index


def _part(lines: Sequence[_Line]) -> _Part:
    def position(index: int) -> str:
        _, chunk, place = lines[index]
        return chunk.position(place)

    return [line for line, _, _ in lines], position


def _shuffled(chunks: Iterable[Chunk], rng: random.Random) -> Iterator[_Part]:
    lines = list(_lines(chunks))
    rng.shuffle(lines)
    start = 0
    while start < len(lines):
        size = rng.choice((1, 10, 1000, 10_000))
        yield _part(lines[start : start + size])
        start += size


class _Paced:
    """Lines in batches of what is due, sleeping in between.

    Lines without a time, or with one that will be refused, come at once. `is_in_order` holds until a line
    is older than another by more than the lateness.
    """

    def __init__(
        self,
        chunks: Iterable[Chunk],
        speed: float,
        lateness_ms: int,
        latest_ms: Callable[[], int],
    ) -> None:
        self.is_in_order = True
        self._chunks = chunks
        self._speed = speed
        self._lateness_ms = lateness_ms
        self._latest_ms = latest_ms

    def __iter__(self) -> Iterator[_Part]:
        began: float | None = None
        first_ms = newest_ms = 0
        waiting: list[_Line] = []
        for line in _lines(self._chunks):
            try:
                at_ms = to_ms(decode_line(line[0])[1].occurred_at)
            except Refused:
                waiting.append(line)
                continue
            if at_ms > self._latest_ms():
                waiting.append(line)
                continue
            if began is None:
                began, first_ms = time.monotonic(), at_ms
            if at_ms < newest_ms - self._lateness_ms:
                self.is_in_order = False
            newest_ms = max(newest_ms, at_ms)
            due_s = (at_ms - first_ms) / 1000 / self._speed
            if due_s - (time.monotonic() - began) > 0.05:
                if waiting:
                    yield _part(waiting)
                    waiting = []
                ahead_s = due_s - (time.monotonic() - began)
                time.sleep(min(max(0.0, ahead_s), LONGEST_SLEEP_S))
            waiting.append(line)
        if waiting:
            yield _part(waiting)
