"""Working days hold for any start: the end of a working day, none skipped and none counted twice."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import chinese_calendar
from hypothesis import given
from hypothesis import strategies as st

from streams.detect.working_days import LAST_YEAR, end_of_working_day, is_known, is_working_day

ZONE = "Asia/Shanghai"
TZ = ZoneInfo(ZONE)
FIRST_MS, LAST_MS = (
    round(datetime(year, 1, 1, tzinfo=TZ).timestamp() * 1000) for year in (2004, 2036)
)
STARTS = st.integers(FIRST_MS, LAST_MS)
KNOWN_DAYS = st.dates(date(2004, 1, 1), date(LAST_YEAR, 12, 31))
COUNTS = st.integers(1, 12)


def local(at_ms: int, zone: str = ZONE) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, ZoneInfo(zone))


@given(day=KNOWN_DAYS)
def test_every_known_day_is_what_the_table_says(day: date) -> None:
    assert is_working_day(day) == chinese_calendar.is_workday(day)


@given(start_ms=STARTS, days=COUNTS)
def test_exactly_so_many_working_days_lie_after_the_start(start_ms: int, days: int) -> None:
    end = end_of_working_day(start_ms, days, ZONE)
    first, last = local(start_ms).date(), local(end.at_ms).date()
    between = [first + timedelta(n) for n in range(1, (last - first).days + 1)]
    assert sum(map(is_working_day, between)) == days
    assert is_working_day(last)
    assert end.is_certain == all(map(is_known, between))


@given(start_ms=STARTS, days=COUNTS)
def test_the_end_is_the_last_millisecond_of_the_local_day(start_ms: int, days: int) -> None:
    end_ms = end_of_working_day(start_ms, days, ZONE).at_ms
    assert local(end_ms).date() + timedelta(1) == local(end_ms + 1).date()
    assert local(end_ms + 1).time() == datetime.min.time()


@given(start_ms=STARTS, days=COUNTS, later_ms=st.integers(0, 10 * 86_400_000))
def test_more_days_or_a_later_start_never_end_earlier(
    start_ms: int, days: int, later_ms: int
) -> None:
    end_ms = end_of_working_day(start_ms, days, ZONE).at_ms
    assert end_of_working_day(start_ms, days + 1, ZONE).at_ms > end_ms
    assert end_of_working_day(start_ms + later_ms, days, ZONE).at_ms >= end_ms


@given(start_ms=STARTS, days=COUNTS)
def test_the_hour_of_the_day_does_not_matter(start_ms: int, days: int) -> None:
    midnight = local(start_ms).replace(hour=0, minute=0, second=0, microsecond=0)
    begin_ms = round(midnight.timestamp() * 1000)
    assert end_of_working_day(begin_ms, days, ZONE) == end_of_working_day(start_ms, days, ZONE)


@given(start_ms=STARTS, days=COUNTS, zone=st.sampled_from(["UTC", "America/New_York", ZONE]))
def test_days_are_days_of_the_zone(start_ms: int, days: int, zone: str) -> None:
    end_ms = end_of_working_day(start_ms, days, zone).at_ms
    assert local(end_ms + 1, zone).time() == datetime.min.time()
    assert local(end_ms, zone).date() > local(start_ms, zone).date()


def test_a_holiday_week_is_left_out_and_a_weekend_in_lieu_counts() -> None:
    # National Day 2025: 1 to 8 October off; Sunday 28 September and Saturday 11 October are worked.
    friday = round(datetime(2025, 9, 26, 18, tzinfo=TZ).timestamp() * 1000)
    assert local(end_of_working_day(friday, 1, ZONE).at_ms).date() == date(2025, 9, 28)
    tuesday = round(datetime(2025, 9, 30, 9, tzinfo=TZ).timestamp() * 1000)
    ends = [local(end_of_working_day(tuesday, n, ZONE).at_ms).date() for n in (1, 2, 3)]
    assert ends == [date(2025, 10, 9), date(2025, 10, 10), date(2025, 10, 11)]


def test_beyond_the_table_only_weekends_are_left_out_and_it_says_so() -> None:
    # New Year's Day is a holiday in every year, but the table does not know that one yet.
    new_year_eve = round(datetime(LAST_YEAR, 12, 31, 12, tzinfo=TZ).timestamp() * 1000)
    end = end_of_working_day(new_year_eve, 1, ZONE)
    first = date(LAST_YEAR + 1, 1, 1)
    days_on = {5: 2, 6: 1}.get(first.weekday(), 0)
    assert local(end.at_ms).date() == first + timedelta(days_on)
    assert not end.is_certain


def test_a_day_at_the_very_end_of_a_known_year_is_certain() -> None:
    before = datetime(LAST_YEAR, 12, 1, 12, tzinfo=UTC)
    assert end_of_working_day(round(before.timestamp() * 1000), 5, ZONE).is_certain
