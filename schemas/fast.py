"""The hot path's decoders: bytes to a typed event in one pass, refusing what the contract refuses.

They take exactly the values that the pydantic models take, which a property test holds; of a key
given twice every value must be allowed, and the last counts. The trap: `type` of an event is a
constant of its class, so dispatch on the class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, get_args

import msgspec
from msgspec.json import Decoder

from schemas import fast_types
from schemas.base import FIRST_YEAR, LAST_YEAR
from schemas.fast_types import BuyerEvent, Event, ItemEvent
from schemas.refusal import REASONS, Reason, Refused, explain, explain_line
from schemas.topics import INPUT_TOPICS, TOPICS

__all__ = [
    "REASONS",
    "Event",
    "Reason",
    "Refused",
    "decode_event",
    "decode_line",
    "decode_lines",
    "decoder_of",
    "key_of",
    "topic_of",
    "types",
]

types: dict[str, type[Event]] = {
    name: value
    for name, value in vars(fast_types).items()
    # Chat and Contact are second names, of a topic's only event.
    if isinstance(value, type) and issubclass(value, Event) and value.__name__ == name
}


def _union(topic: str) -> Any:
    reference = TOPICS[topic].schema_ref or ""
    return getattr(fast_types, reference.partition(":")[2])


def _members(union: Any) -> tuple[type[Event], ...]:
    return get_args(union) or (union,)


def _line(topic: str) -> Any:
    """The struct of a line of an event file: the tag `topic` chooses what `value` may be."""
    name = f"{topic.capitalize()}Line"
    fields = [("value", _union(topic))]
    return msgspec.defstruct(name, fields, tag_field="topic", tag=topic, frozen=True, gc=False)


_decode: dict[str, Callable[[bytes], Any]] = {
    topic: Decoder(_union(topic)).decode for topic in INPUT_TOPICS
}
_topic_of_line: dict[Any, str] = {_line(topic): topic for topic in INPUT_TOPICS}


# Every class of event belongs to one topic.
topic_of: dict[type[Event], str] = {
    event: topic for topic in INPUT_TOPICS for event in _members(_union(topic))
}


def _line_decoder() -> Callable[[bytes], Any]:
    first, *rest = _topic_of_line
    union = first
    for line in rest:
        union |= line
    return Decoder(union).decode


_decode_line = _line_decoder()
# What a decoder raises for bad bytes; anything else is a bug and passes through.
_BAD_INPUT = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decoder_of(topic: str) -> Callable[[bytes], Event]:
    """What decodes the record values of an input topic; it raises `Refused`, and so does this for others."""
    decode = _decode.get(topic)
    if decode is None:
        raise Refused(
            "unknown_topic",
            f"{topic!r} is not an input topic; expected one of {', '.join(INPUT_TOPICS)}",
        )

    def decode_event(raw: bytes) -> Event:
        try:
            # The decoder leaves unknown fields unread, bytes that are no text included.
            if not raw.isascii():
                raw.decode()
            event: Event = decode(raw)
        except _BAD_INPUT as error:
            raise explain(topic, raw, error) from None
        # Patterns and limits on the fields would cost ten times these looks.
        if ":" in event.shop_id or not FIRST_YEAR <= event.occurred_at.year <= LAST_YEAR:
            raise explain(topic, raw, None)
        return event

    return decode_event


def decode_event(topic: str, raw: bytes) -> Event:
    """Decode one record value of an input topic, or raise `Refused`."""
    return decoder_of(topic)(raw)


def decode_line(raw: bytes) -> tuple[str, Event]:
    """Decode a line `{"topic": …, "value": {…}}` of an event file, or raise `Refused`.

    Other keys of the line, `key` among them, are not looked at.
    """
    try:
        if not raw.isascii():
            raw.decode()
        line = _decode_line(raw)
    except _BAD_INPUT as error:
        raise explain_line(raw, error) from None
    event: Event = line.value
    if ":" in event.shop_id or not FIRST_YEAR <= event.occurred_at.year <= LAST_YEAR:
        raise explain_line(raw, None)
    return _topic_of_line[type(line)], event


def decode_lines(lines: Iterable[bytes]) -> Iterator[Event | Refused]:
    """Decode many lines of an event file; a refused line gives its `Refused` in its place.

    Same answers as `decode_line`, without its cost per call.
    """
    decode = _decode_line
    for raw in lines:
        try:
            if not raw.isascii():
                raw.decode()
            event: Event = decode(raw).value
        except _BAD_INPUT as error:
            yield explain_line(raw, error)
            continue
        if ":" in event.shop_id or not FIRST_YEAR <= event.occurred_at.year <= LAST_YEAR:
            yield explain_line(raw, None)
        else:
            yield event


def key_of(event: Event) -> str:
    """The record key of an event: `shop_id:buyer_id`; of stock and listings, `shop_id:item_id`."""
    if isinstance(event, BuyerEvent):
        return f"{event.shop_id}:{event.buyer_id}"
    if isinstance(event, ItemEvent):
        return f"{event.shop_id}:{event.item_id}"
    raise TypeError(f"{type(event).__name__} is neither about a buyer nor about an item")
