"""Chinese working days: weekends, holidays and the weekends worked in lieu of them (调休).

What a newcomer gets wrong: the State Council announces next year's holidays in autumn, so the table
ends with a year. Beyond it only weekends are known, and the result says so instead of guessing.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from chinese_calendar.constants import holidays, workdays

FIRST_YEAR, LAST_YEAR = min(holidays).year, max(holidays).year
_DAY = timedelta(days=1)


class EndOfDay(NamedTuple):
    """The last millisecond of a working day; `is_certain` unless a day beyond the table was counted."""

    at_ms: int
    is_certain: bool


def is_known(day: date) -> bool:
    """Whether the holidays of that year are in the table."""
    return bool(FIRST_YEAR <= day.year <= LAST_YEAR)


def is_working_day(day: date) -> bool:
    """Whether people in China work on that day; beyond the table, whether it is no weekend."""
    if is_known(day):
        is_weekday = day.weekday() < 5 and day not in holidays
        return bool(is_weekday or day in workdays)
    return day.weekday() < 5


def end_of_working_day(start_ms: int, days: int, zone: str) -> EndOfDay:
    """The end of the `days`-th working day after the day of `start_ms`, in a shop's time zone.

    The day itself never counts, whatever its hour. `days` is at least 1.
    """
    tz = time_zone(zone)
    day = datetime.fromtimestamp(start_ms / 1000, tz).date()
    is_certain = True
    left = days
    while left:
        day += _DAY
        is_certain &= is_known(day)
        left -= is_working_day(day)
    midnight = datetime.combine(day + _DAY, datetime.min.time(), tz)
    return EndOfDay(round(midnight.astimezone(UTC).timestamp() * 1000) - 1, is_certain)


@cache
def time_zone(name: str) -> ZoneInfo:
    """The zone of that name. Raises ZoneInfoNotFoundError or ValueError for a name that is none."""
    return ZoneInfo(name)
