"""Signals on the wire: what detectors of the first stage tell about other subjects.

Written and read by workers, of two versions while they are upgraded, and validated all the same:
anybody can write to a topic. The record key is the subject's id, so that a subject's signals meet its
own events.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, cast

import msgspec

from schemas.alerts import SubjectKind
from schemas.base import FIRST_YEAR, LAST_YEAR, LONGEST_ID
from streams.detect.alerts import to_datetime
from streams.detect.episodes import Told
from streams.detect.extract import to_ms
from streams.detect.facts import Signal
from streams.errors import PoisonError

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
# What fits into a signed 64-bit number of the packed state.
_Number = Annotated[int, msgspec.Meta(ge=-(2**62), le=2**62)]
# More than any detector says. `trim` relies on it that few facts never are too many bytes.
_Values = Annotated[
    dict[
        Annotated[str, msgspec.Meta(max_length=32)],
        _Number | Annotated[str, msgspec.Meta(max_length=256)] | bool,
    ],
    msgspec.Meta(max_length=24),
]


class _Subject(msgspec.Struct, frozen=True):
    kind: Literal["item", "order", "shop", "identity"]
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=193, pattern="^[^:]{1,64}(:|$)")]


class _Wire(msgspec.Struct, frozen=True):
    """The fast twin of `schemas.alerts.SignalMessage`, which is the contract."""

    signal_id: _Text
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_ID)]
    subject: _Subject
    shop_id: str
    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)]
    version: Annotated[int, msgspec.Meta(ge=0, le=2**62)]
    # Of a signal that was taken back, former versions put its own id here.
    event_id: _Text
    values: _Values


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Wire).decode


def encode_signal(told: Told) -> tuple[bytes, bytes]:
    """Key and value of the record for one signal."""
    signal = told.signal
    wire = _Wire(
        signal.ref,
        signal.name,
        _Subject(cast(Literal["item", "order", "shop", "identity"], told.kind), told.subject),
        told.subject.partition(":")[0],
        to_datetime(signal.at_ms),
        signal.version,
        signal.event_id,
        signal.values,
    )
    return told.subject.encode(), _encode(wire)


def decode_signal(value: bytes) -> tuple[SubjectKind, str, Signal]:
    """The subject and the fact of a record. Raises `PoisonError` with what was expected."""
    try:
        wire = _decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PoisonError("invalid_signal", f"not a signal: {error}") from error
    if wire.values and len(wire.event_id) > LONGEST_ID:
        # No alert could hold it, so whoever counts it would stop there, each time anew.
        raise PoisonError(
            "invalid_signal", f"not a signal: event_id is longer than {LONGEST_ID} characters"
        )
    if not FIRST_YEAR <= wire.occurred_at.year <= LAST_YEAR:
        raise PoisonError("invalid_signal", "not a signal: occurred_at lies outside our times")
    signal = Signal(
        to_ms(wire.occurred_at),
        wire.event_id,
        wire.signal_id,
        wire.name,
        wire.version,
        wire.values,
    )
    return wire.subject.kind, wire.subject.id, signal
