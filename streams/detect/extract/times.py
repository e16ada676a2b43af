"""Event times as epoch milliseconds. The trap: this runs for every event, hence the care."""

from __future__ import annotations

from datetime import UTC, datetime, timezone, tzinfo

from schemas.base import FIRST_YEAR, LAST_YEAR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# 1970 on the clocks of each fixed offset seen; there are fewer than 3000 offsets of whole minutes.
_epochs: dict[tzinfo | None, datetime] = {}


def to_ms(at: datetime) -> int:
    """Epoch milliseconds of an aware time after 1970, rounded to the nearest.

    `at.timestamp()` takes three times as long: it asks both time zones for their offset, which two
    times of the same zone need not.
    """
    since = at - (_epochs.get(at.tzinfo) or _epoch(at.tzinfo))
    return since.days * 86_400_000 + since.seconds * 1000 + (since.microseconds + 500) // 1000


def _epoch(zone: tzinfo | None) -> datetime:
    """1970 to count from in a zone. Only a fixed offset's own will do: others had another one then."""
    if not isinstance(zone, timezone):
        return _EPOCH
    _epochs[zone] = _EPOCH.astimezone(zone)
    return _epochs[zone]


def deadline_ms(at: datetime | None) -> int:
    """A promised time, or 0 for none: a time outside our times is a way to say "never"."""
    return to_ms(at) if at is not None and FIRST_YEAR <= at.year <= LAST_YEAR else 0
