"""Events from files to Kafka: checked, keyed by shop and buyer or item, paced, delivery awaited.

The record's timestamp is the event's `occurred_at`, so that the broker's retention and time lookups
speak of event time. The trap: keys must be partitioned as Java does (murmur2), or a buyer's events
spread over workers; kafka-python's default partitioner is that one.
"""

from __future__ import annotations

import base64
import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from kafka import KafkaProducer
from kafka.errors import KafkaError, MessageSizeTooLargeError, RetriableError

from schemas.fast import Refused, decode_event, key_of
from schemas.refusal import explain_line
from schemas.topics import INPUT_TOPICS, TOPICS
from streams.errors import ConfigurationError, OrderwatchError, TransientError
from streams.kafka import clients, sizes, topics
from streams.replay.files import EventReader
from streams.replay.pacing import Count, Pacer, parse_speed
from streams.settings import Settings

DELIVERY_TIMEOUT_S = 60.0
# Deliveries that may be under way; beyond it the oldest is awaited, so memory stays bounded.
IN_FLIGHT = 5_000
# An event that is no further away than this is of now, to people whose clocks are wrong by hours.
CLOCKS_AGREE = timedelta(minutes=30)


@dataclass(frozen=True)
class Plan:
    """What to send and how fast."""

    paths: list[str]
    speed: str = "max"
    rate: float | None = None
    topic: str | None = None
    allow_bad: bool = False
    check: bool = False
    stamp_now: bool = False


@dataclass
class Sent:
    """What became of the lines."""

    records: int = 0
    bad: int = 0
    expiring: int = 0
    ahead: int = 0
    refused: list[str] = field(default_factory=list)
    is_check: bool = False

    def summary(self) -> str:
        """One sentence for the terminal."""
        verb = "valid" if self.is_check else "delivered"
        bad = f", {self.bad} of them invalid and sent on request" if self.bad else ""
        refused = f"; {len(self.refused)} lines refused" if self.refused else ""
        expiring = (
            f". {self.expiring} are older than their topic's retention, so the broker may delete "
            "them within minutes; --stamp-now stamps them with the present"
            if self.expiring
            else ""
        )
        ahead = (
            f". {self.ahead} claim to be from later than this machine's clock says, and the worker makes "
            f"dead letters of them (future_time): {TIME_CURE}"
            if self.ahead
            else ""
        )
        return f"{self.records} records {verb}{bad}{refused}{expiring}{ahead}"


TIME_CURE = (
    "mend the clock or the time zone of whoever made them (nearly 8 h: a time of China that was sent as "
    "UTC), or the clock of this machine"
)


class LineRefusedError(OrderwatchError):
    """A line is not a valid event; nothing after it was sent."""

    exit_code = 1


class _Line(msgspec.Struct):
    # Raw keeps the bytes of the value as they stand in the file, so that nothing is rewritten.
    topic: str
    value: msgspec.Raw = msgspec.Raw(b"")
    raw: str | None = None
    raw_base64: str | None = None
    key: str | msgspec.UnsetType | None = msgspec.UNSET


_DECODER = msgspec.json.Decoder(_Line)
# What only `produce` reads in a line; the decoder's sentence ends with the place.
_OWN_FIELD = re.compile(r" - at `(\$\.(?:raw|raw_base64|key))`\Z")


@dataclass(frozen=True, slots=True)
class LineRecord:
    """A line as a record. `topic` is empty when the line does not say where it belongs."""

    topic: str
    key: bytes | None
    value: bytes
    occurred_at: datetime | None
    origin: str
    problem: str | None = None


def produce(settings: Settings, plan: Plan, count: Count) -> Sent:
    """Send all lines of the files and return once every record is acknowledged.

    Raises LineRefusedError at the first invalid line (unless such are allowed, or only checked) and
    at the first one that is too large, TransientError when the broker does not take a record.
    """
    pacer = Pacer(parse_speed(plan.speed), plan.rate)
    if plan.topic is not None and plan.topic not in INPUT_TOPICS:
        raise ConfigurationError(f"--topic: {_unknown(plan.topic)}")
    sent = Sent(is_check=plan.check)
    if plan.check:
        for record, share in outgoings(plan):
            problem = record.problem or _too_large(settings, record)
            if problem is None:
                sent.records += 1
                sent.ahead += _is_ahead(settings, record)
            else:
                sent.refused.append(f"{record.origin}: {problem}")
            count(sent.records, share)
        return sent
    present = topics.present(settings)
    started_at = datetime.now(UTC)
    with producer(settings) as client, _deliveries() as deliveries:
        for record, share in outgoings(plan):
            if record.problem is not None and not (plan.allow_bad and record.topic):
                raise _refused(record, sent.records)
            if record.topic not in present:
                raise ConfigurationError(
                    f"{record.origin}: topic {clients.topic_name(settings, record.topic)} does not "
                    f"exist on {settings.bootstrap_servers}; run `orderwatch topics apply`."
                )
            if (problem := _too_large(settings, record)) is not None:
                raise _unsendable(record, problem, sent.records)
            pacer.wait(record.occurred_at)
            sent.ahead += _is_ahead(settings, record)
            if plan.stamp_now:
                record = replace(record, occurred_at=None)
            deliveries.add(record, _send(settings, client, record))
            sent.records += 1
            sent.expiring += _is_expiring(record, started_at)
            sent.bad += record.problem is not None
            count(sent.records, share)
    return sent


def outgoings(plan: Plan) -> Iterator[tuple[LineRecord, float | None]]:
    """Every line as a record, with the share of the files that was read; bad ones say why."""
    reader = EventReader(plan.paths)
    for chunk in reader:
        share = reader.bytes_read / reader.bytes_total if reader.bytes_total else None
        for index, line in enumerate(chunk.lines):
            yield outgoing(line, chunk.position(index), plan.topic), share


def outgoing(line: bytes, origin: str, topic: str | None = None) -> LineRecord:
    """One line as a record. `topic` is given when lines are bare events."""
    if topic is not None:
        return _checked(topic, line, msgspec.UNSET, origin)
    try:
        parsed = _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return LineRecord("", None, line, None, origin, _unreadable(line, error))
    if parsed.topic not in INPUT_TOPICS:
        return LineRecord("", None, line, None, origin, _said(explain_line(line, None)))
    try:
        value = _value_of(parsed)
    except ValueError:
        problem = "bad_format: $.raw_base64 of the line is no base64"
        return LineRecord("", None, line, None, origin, problem)
    record = _checked(parsed.topic, value, parsed.key, origin)
    if not value and parsed.raw is None and parsed.raw_base64 is None:
        return replace(record, problem=_said(explain_line(line, None)))
    return record


def _unreadable(line: bytes, error: Exception) -> str:
    """What is wrong with a line that does not say where it belongs, as a replay says it."""
    own = _OWN_FIELD.search(str(error))
    if own is not None:
        return f"wrong_type: {own[1]} of the line is no string"
    refused = explain_line(line, error)
    lacks_topic = refused.reason == "missing_field" and isinstance(error, msgspec.ValidationError)
    bare = "; --topic is for lines that are events by themselves" if lacks_topic else ""
    return f"{_said(refused)}{bare}"


@contextmanager
def producer(settings: Settings) -> Iterator[KafkaProducer]:
    """A producer that is flushed and closed. Raises TransientError when no broker answers."""
    client = clients.producer(settings, allow_auto_create_topics=False, linger_ms=5)
    try:
        yield client
    except TransientError:
        # To be closed it would wait as long once more, and complain of that instead of the record.
        client._sender.force_close()
        raise
    finally:
        client.close(timeout=DELIVERY_TIMEOUT_S)


def _checked(
    topic: str, value: bytes, key: str | msgspec.UnsetType | None, origin: str
) -> LineRecord:
    explicit = None if key is msgspec.UNSET or key is None else key.encode()
    try:
        event = decode_event(topic, value)
    except Refused as problem:
        return LineRecord(topic, explicit, value, None, origin, _said(problem))
    name = key_of(event)
    implied = name.encode()
    chosen = implied if key is msgspec.UNSET else explicit
    problem_text = None if chosen == implied else f"key {key!r} is not {name!r}"
    if not name.isprintable():
        problem_text = f"the ids {name!r} hold control characters, which the worker refuses"
    return LineRecord(topic, chosen, value, event.occurred_at, origin, problem_text)


def _said(refused: Refused) -> str:
    return f"{refused.reason}: {str(refused).removesuffix('.')}"


def _send(settings: Settings, client: KafkaProducer, record: LineRecord) -> Any:
    at = record.occurred_at
    try:
        return client.send(
            clients.topic_name(settings, record.topic),
            key=record.key,
            value=record.value,
            timestamp_ms=None if at is None else int(at.timestamp() * 1000),
        )
    except KafkaError as error:
        raise _undelivered(record, error) from error


class _Deliveries:
    """Deliveries under way, oldest first; `add` awaits the oldest once there are too many."""

    def __init__(self) -> None:
        self._pending: deque[tuple[LineRecord, Any]] = deque()

    def add(self, record: LineRecord, future: Any) -> None:
        self._pending.append((record, future))
        if len(self._pending) > IN_FLIGHT:
            self._await_oldest()

    def drain(self) -> None:
        while self._pending:
            self._await_oldest()

    def _await_oldest(self) -> None:
        record, future = self._pending.popleft()
        try:
            future.get(DELIVERY_TIMEOUT_S)
        except KafkaError as error:
            raise _undelivered(*self._refused(record, error)) from error

    def _refused(self, record: LineRecord, error: KafkaError) -> tuple[LineRecord, KafkaError]:
        """The record that was refused: the others of its batch fail with an error that has no kind."""
        if type(error) is KafkaError:
            for other, future in self._pending:
                try:
                    future.get(DELIVERY_TIMEOUT_S)
                except KafkaError as found:
                    if type(found) is not KafkaError:
                        return other, found
        return record, error


@contextmanager
def _deliveries() -> Iterator[_Deliveries]:
    deliveries = _Deliveries()
    try:
        yield deliveries
    except LineRefusedError:
        # The message says how many were sent, so they must have arrived.
        deliveries.drain()
        raise
    deliveries.drain()


def _too_large(settings: Settings, record: LineRecord) -> str | None:
    return sizes.too_large(settings, record.topic, len(record.value))


def _undelivered(record: LineRecord, error: KafkaError) -> OrderwatchError:
    if isinstance(error, MessageSizeTooLargeError):
        why = sizes.refused_by_topic(record.topic, len(record.value))
        return LineRefusedError(f"{record.origin}: refused by the broker: {why}.")
    if clients.is_of_time(error):
        return _wrong_time(record)
    what = f"({type(error).__name__}: {error})"
    if isinstance(error, RetriableError):
        return TransientError(
            f"{record.origin}: not delivered to {record.topic} {what}. Check the broker and "
            "`orderwatch doctor`; sending the file again does no harm."
        )
    return LineRefusedError(f"{record.origin}: refused by the broker {what}. Correct the line.")


def _wrong_time(record: LineRecord) -> OrderwatchError:
    """Whose clock is wrong. A record that says no time has that of this machine."""
    at, now = record.occurred_at, datetime.now(UTC)
    if at is None or abs(now - at) < CLOCKS_AGREE:
        return TransientError(
            f"{record.origin}: refused by the broker for its time, and by the clock of this machine that is "
            f"about now, {now:%Y-%m-%d %H:%M} UTC. {clients.CLOCK_CURE} Sending the file again does no harm."
        )
    if at > now:
        return LineRefusedError(
            f"{record.origin}: refused by the broker for its time, which is {_hours(at - now)} ahead of the "
            f"clock of this machine: {TIME_CURE}. --stamp-now is no cure: the worker goes by occurred_at."
        )
    return LineRefusedError(
        f"{record.origin}: refused by the broker for its time, {_hours(now - at)} ago; --stamp-now dates it "
        "with the present."
    )


def _hours(lapse: timedelta) -> str:
    return f"{lapse.total_seconds() / 3600:,.1f} h"


def _is_ahead(settings: Settings, record: LineRecord) -> bool:
    """Whether the worker would refuse it for its time, were its clock ours."""
    latest = datetime.now(UTC) + timedelta(seconds=settings.max_future_s)
    return record.occurred_at is not None and record.occurred_at > latest


def _is_expiring(record: LineRecord, now: datetime) -> bool:
    days = TOPICS[record.topic].retention_days
    if days is None or record.occurred_at is None:
        return False
    return (now - record.occurred_at).days >= days


def _refused(record: LineRecord, sent: int) -> LineRefusedError:
    cure = "send it as it is with --allow-bad" if record.topic else "remove it"
    return _unsendable(record, f"{record.problem}. Correct the line or {cure}", sent)


def _unsendable(record: LineRecord, why: str, sent: int) -> LineRefusedError:
    return LineRefusedError(
        f"{record.origin}: {why}. {sent} records before it were sent; "
        "`--check` lists all such lines and sends none."
    )


def _value_of(line: _Line) -> bytes:
    if line.raw is not None:
        return line.raw.encode()
    if line.raw_base64 is not None:
        return base64.b64decode(line.raw_base64, validate=True)
    return bytes(line.value)


def _unknown(topic: str) -> str:
    return f"{topic!r} is not an input topic; expected one of {', '.join(INPUT_TOPICS)}"
