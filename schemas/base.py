"""The building blocks of every message: identifiers, event time, money and the common header.

Nothing here may import anything but pydantic. The trap: `occurred_at` is the time at which the
thing happened in the shop, never the time at which Kafka or a connector saw it.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)

# One set of spellings for every reader, and it is the fast decoder's: RFC 3339 with its permitted
# variants (lower-case t and z, a blank for T, any number of digits) and an offset without a colon.
TIME_PATTERN = (
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]"
    r"((?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])(?:\.([0-9]+))?"
    r"([Zz]|[+-](?:[01][0-9]|2[0-3]):?[0-5][0-9])"
)
_TIME = re.compile(TIME_PATTERN)


def parse_event_time(text: str) -> datetime:
    """Read an RFC 3339 time, rounded half up to the microsecond; ValueError if it is none."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(
            "expected an RFC 3339 time with an offset, such as 2026-11-11T20:00:00+08:00"
        )
    date, clock, fraction, offset = match.groups(default="")
    offset = "+00:00" if offset in ("Z", "z") else offset
    moment = datetime.fromisoformat(f"{date}T{clock}.{fraction[:6]:0<6}{offset}")
    if fraction[6:7] >= "5":
        try:
            return moment + timedelta(microseconds=1)
        except OverflowError as error:
            raise ValueError("expected a time before the end of the year 9999") from error
    return moment


def _event_time(value: Any) -> Any:
    if isinstance(value, str):
        return parse_event_time(value)
    if not isinstance(value, datetime):
        raise ValueError("expected a time, and a number could be seconds or milliseconds")
    return value


def _only_int(value: Any) -> Any:
    # A Literal compares with ==, and 1.0 == True == 1.
    if type(value) is not int:
        raise ValueError("expected an integer")
    return value


# The validator parses, because behind one that only looks, strict mode no longer takes a string.
EventTime = Annotated[
    AwareDatetime,
    BeforeValidator(_event_time),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": f"^{TIME_PATTERN}$"}),
]
# A connector that sends the year 1 for "unset", or 9999 for "never", means no time at all.
FIRST_YEAR, LAST_YEAR = 2000, 2099


def _of_our_times(value: datetime) -> datetime:
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise ValueError(f"expected a time between the years {FIRST_YEAR} and {LAST_YEAR}")
    return value


OccurredAt = Annotated[EventTime, AfterValidator(_of_our_times)]
SchemaVersion = Annotated[Literal[1], BeforeValidator(_only_int)]
_LONGEST_SHOP_ID = 64
# A colon in a shop id would make the record key `shop_id:buyer_id` ambiguous.
ShopId = Annotated[
    str, StringConstraints(min_length=1, max_length=_LONGEST_SHOP_ID, pattern=r"^[^:]+$")
]
LONGEST_ID = 128
Id = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_ID)]
ShortText = Annotated[str, StringConstraints(max_length=256)]
LongText = Annotated[str, StringConstraints(max_length=8000)]
Currency = Annotated[str, StringConstraints(min_length=3, max_length=3)]
# Minor units (fen, cents): an integer, because money is never a float. 10^15 fen are ten trillion
# yuan.
AmountMinor = Annotated[int, Field(ge=0, le=10**15)]
Quantity = Annotated[int, Field(ge=0, le=10**9)]
Grams = Annotated[int, Field(ge=0, le=10**9)]


def is_shop_id(name: str) -> bool:
    """Whether a shop may be called so: as `ShopId`, and printable, for it begins its record keys."""
    return 0 < len(name) <= _LONGEST_SHOP_ID and ":" not in name and name.isprintable()


class Contract(BaseModel):
    """A frozen value of strict types. Unknown fields are dropped: old readers read new writers."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class Event(Contract):
    """The header that every input event carries."""

    event_id: Id
    schema_version: SchemaVersion
    occurred_at: OccurredAt
    shop_id: ShopId


class BuyerEvent(Event):
    """An event about one buyer of one shop; its record key is `shop_id:buyer_id`."""

    buyer_id: Id


class ItemEvent(Event):
    """An event about one item of one shop; its record key is `shop_id:item_id`."""

    item_id: Id
