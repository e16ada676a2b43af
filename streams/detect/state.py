"""The packed state of one subject: its facts, what was published about it, what it told others.

    header │ what was said (MessagePack; empty for nearly all) │ 0xdd, count, facts (MessagePack)

The facts stand last, so that a fact which changes no conclusion is appended without unpacking the
others (`quiet` decides that). The trap: the last `tail` facts of a state are therefore not merged yet.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from schemas.alerts import AlertChange, AlertStatus, Severity, SubjectKind
from streams.detect.facts import AnyFact, Fact

# Everything that expiry, timers and quiet facts need, over millions of subjects, without unpacking.
_HEADER = struct.Struct(">QQQHHIHI")
# Where the rest begins: the first byte is that of what was said (0x94), or of the facts (0xdd).
BODY = _HEADER.size
NO_WAKE = (1 << 64) - 1
# Where a state says when it wants to be looked at, and what stands there if never.
WAKE = slice(8, 16)
NO_WAKE_BYTES = NO_WAKE.to_bytes(8, "big")
# MessagePack's "array 32": the count stands in four bytes, so it can grow in place.
_ARRAY = struct.Struct(">BI")
_ARRAY_32 = 0xDD
# Header and array of a state that has said nothing, as nearly all.
_BEGINNING = struct.Struct(f"{_HEADER.format}BI")
# Of an episode that was stored before that was known.
ANY_TIME = 1 << 62
MOST_UNITS = (1 << 32) - 1
MOST_COUNTED = (1 << 16) - 1


class Header(NamedTuple):
    """What is known of a state without unpacking it. Times: epoch milliseconds.

    `asked` is the wake-up that the last evaluation asked for; `wake` may be earlier, for the sake of facts
    that came since. `mark` names the gate by which it is quiet, 0 when it is not. `counted` and `units` are
    those of the facts that the gate counts, duplicates included; they only matter while it is quiet.
    `said` are bytes.
    """

    newest_ms: int
    wake: int
    asked: int
    mark: int
    counted: int
    units: int
    tail: int
    said: int


class Published(msgspec.Struct, array_like=True, gc=False):
    """What was last said about one episode. `digest` tells whether there is something new to say.

    `unsaid` stands in an intent: the change that may not have left, as which it is said again. From
    `from_ms` on its facts lie: with one of them let go, nobody knows any more whether it holds.
    """

    alert_id: str
    detector: str
    anchor_at_ms: int
    anchor_event_id: str
    opened_at_ms: int
    last_at_ms: int
    revision: int
    status: AlertStatus
    severity: Severity
    digest: int
    unsaid: AlertChange | None = None
    from_ms: int = ANY_TIME


class Sent(msgspec.Struct, array_like=True, gc=False):
    """The last version of a signal that was told to the subject `kind`, `subject`; or taken back.

    `is_unsure` stands in an intent: nobody knows whether it left. `digest` is a checksum of what was told.
    """

    version: int
    at_ms: int
    name: str
    kind: SubjectKind
    subject: str
    is_taken_back: bool = False
    is_unsure: bool = False
    digest: int = 0


class _Said(msgspec.Struct, array_like=True):
    published: list[Published]
    sent: dict[str, Sent]
    let_go_ms: int
    horizons: dict[str, int] = {}


class SubjectState(msgspec.Struct):
    """Everything kept about one subject. `sent` are the signals that it told, by their ref.

    `let_go_ms` is the newest event time among facts that retention or the cap has let go. `horizons` are
    those, by topics, up to which something was concluded before a crash; they matter until time is there
    again. The last `tail` facts were appended without being merged.
    """

    facts: list[AnyFact] = []
    published: list[Published] = []
    sent: dict[str, Sent] = {}
    let_go_ms: int = 0
    horizons: dict[str, int] = {}
    tail: int = 0


class Quiet(NamedTuple):
    """What the header says of a state to which facts may be appended: see `Header`."""

    mark: int
    counted: int
    units: int


LOUD = Quiet(0, 0, 0)

_encode = msgspec.msgpack.Encoder().encode
# A fact as it stands in every state that holds it.
packed_fact: Callable[[Fact], bytes] = _encode
_decode_said = msgspec.msgpack.Decoder(_Said).decode
_decode_facts = msgspec.msgpack.Decoder(list[AnyFact]).decode


def pack(state: SubjectState, wake_at_ms: int | None, quiet: Quiet = LOUD) -> bytes:
    """The stored form. `state.facts` must not be empty, and must be merged."""
    facts = state.facts
    said = b""
    if state.published or state.sent or state.let_go_ms:
        said = _encode(_Said(state.published, state.sent, state.let_go_ms, state.horizons))
    wake = NO_WAKE if wake_at_ms is None else wake_at_ms
    header = _HEADER.pack(facts[-1].at_ms, wake, wake, *quiet, 0, len(said))
    return b"".join((header, said, _ARRAY.pack(_ARRAY_32, len(facts)), _elements(facts)))


def _elements(facts: Sequence[AnyFact]) -> bytes:
    """The facts one after another, without the head of the array."""
    encoded = _encode(facts)
    count = len(facts)
    return encoded[1 if count < 16 else 3 if count < 1 << 16 else 5 :]


def begin(new: Sequence[AnyFact], newest_ms: int, wake: int, quiet: tuple[int, int, int]) -> bytes:
    """The stored form of a subject of which nothing was known, its facts not merged yet."""
    count = len(new)
    front = _BEGINNING.pack(newest_ms, wake, NO_WAKE, *quiet, count, 0, _ARRAY_32, count)
    return front + _elements(new)


def append(
    packed: bytes,
    asked: int,
    tail: int,
    said: int,
    new: Sequence[AnyFact],
    newest_ms: int,
    wake: int,
    quiet: tuple[int, int, int],
) -> bytes:
    """A stored form with more facts at its end, which are not merged yet.

    `asked`, `tail` and `said` are of its header, which the hot loop has at hand.
    """
    more = len(new)
    at = BODY + said
    count = _ARRAY.unpack_from(packed, at)[1] + more
    if said:
        header = _HEADER.pack(newest_ms, wake, asked, *quiet, tail + more, said)
        front = b"".join((header, packed[BODY:at], _ARRAY.pack(_ARRAY_32, count)))
    else:
        front = _BEGINNING.pack(newest_ms, wake, asked, *quiet, tail + more, 0, _ARRAY_32, count)
    return b"".join((front, packed[at + _ARRAY.size :], _elements(new)))


def unpack(packed: bytes) -> SubjectState:
    """The state behind its stored form."""
    _, _, _, _, _, _, tail, size = _HEADER.unpack_from(packed)
    view = memoryview(packed)
    at = BODY + size
    state = SubjectState(_decode_facts(view[at:]), tail=tail)
    if size:
        said = _decode_said(view[BODY:at])
        state.published, state.sent, state.let_go_ms = said.published, said.sent, said.let_go_ms
        state.horizons = said.horizons
    return state


def told(packed: bytes, size: int) -> tuple[bytes, int]:
    """What the subject told others, still packed, and the newest event time of it; 0 if nothing."""
    said = packed[BODY : BODY + size]
    return said, max((sent.at_ms for sent in _decode_said(said).sent.values()), default=0)


def header(packed: bytes) -> Header:
    """What stands in front, without unpacking the rest."""
    return Header._make(_HEADER.unpack_from(packed))


# The same as a plain tuple, for the hot loop.
header_fields: Callable[[bytes], tuple[int, int, int, int, int, int, int, int]]
header_fields = _HEADER.unpack_from


def wake_of(packed: bytes) -> int | None:
    """When a subject wants to be looked at next, if ever."""
    wake = packed[WAKE]
    return None if wake == NO_WAKE_BYTES else int.from_bytes(wake, "big")


def asked_for_wake(packed: bytes) -> bool:
    """Whether the last evaluation asked for a wake-up."""
    return packed[16:24] != NO_WAKE_BYTES


def oldest_kept(newest_ms: int) -> bytes:
    """What is less than every stored form whose newest fact is at that time or later."""
    return max(0, newest_ms).to_bytes(8, "big")
