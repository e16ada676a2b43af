"""Quiet hours and digests go by the clock on the wall, over midnight and changes of the clocks."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from streams.notify.hours import EVERYTHING, Digest, Quiet

SHANGHAI, BERLIN = "Asia/Shanghai", "Europe/Berlin"


def at(wall: str, zone: str = SHANGHAI, fold: int = 0) -> float:
    local = datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return local.timestamp()


@pytest.mark.parametrize(
    ("start", "end", "wall", "is_quiet"),
    [
        ("22:00", "08:00", "2026-03-01 21:59:59", False),
        ("22:00", "08:00", "2026-03-01 22:00", True),
        ("22:00", "08:00", "2026-03-02 00:00", True),
        ("22:00", "08:00", "2026-03-02 07:59:59.9", True),
        ("22:00", "08:00", "2026-03-02 08:00", False),
        ("12:00", "13:30", "2026-03-02 11:59", False),
        ("12:00", "13:30", "2026-03-02 13:29", True),
        ("12:00", "13:30", "2026-03-02 13:30", False),
        ("00:00", "06:00", "2026-03-02 00:00", True),
        ("22:00", "00:00", "2026-03-02 23:59", True),
        ("22:00", "00:00", "2026-03-03 00:00", False),
        ("08:01", "08:00", "2026-03-03 08:00:59", False),
        ("08:01", "08:00", "2026-03-03 08:01", True),
    ],
)
def test_from_is_quiet_and_to_is_not(start: str, end: str, wall: str, is_quiet: bool) -> None:
    quiet = Quiet.model_validate({"from": start, "to": end})
    assert (quiet.least_loudness(at(wall)) > EVERYTHING) is is_quiet


@pytest.mark.parametrize(("passes", "least"), [("warn", 1), ("critical", 2), ("nothing", 3)])
def test_what_passes_is_at_least_so_severe(passes: str, least: int) -> None:
    quiet = Quiet.model_validate({"from": "22:00", "to": "08:00", "except": passes})
    assert quiet.least_loudness(at("2026-03-01 23:00")) == least


def test_it_is_the_clock_of_the_zone_that_counts() -> None:
    quiet = Quiet.model_validate({"from": "22:00", "to": "08:00", "time_zone": BERLIN})
    assert quiet.least_loudness(at("2026-03-01 23:00")) == EVERYTHING
    assert quiet.least_loudness(at("2026-03-01 23:00", BERLIN)) > EVERYTHING


@pytest.mark.parametrize(
    ("wall", "fold", "is_quiet"),
    [
        # The clocks skip from two to three on one night, and show the hour from two twice on another.
        ("2026-03-29 01:59", 0, True),
        ("2026-03-29 03:00", 0, False),
        ("2026-10-25 02:15", 0, True),
        ("2026-10-25 02:45", 0, False),
        ("2026-10-25 02:15", 1, True),
        ("2026-10-25 02:45", 1, False),
    ],
)
def test_when_the_clocks_change_the_wall_is_right(wall: str, fold: int, is_quiet: bool) -> None:
    quiet = Quiet.model_validate({"from": "22:00", "to": "02:30", "time_zone": BERLIN})
    assert (quiet.least_loudness(at(wall, BERLIN, fold)) > EVERYTHING) is is_quiet


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-03-01 08:59:59", "2026-03-01 09:00"),
        # What comes at that very moment is for tomorrow.
        ("2026-03-01 09:00", "2026-03-02 09:00"),
        ("2026-12-31 23:00", "2027-01-01 09:00"),
    ],
)
def test_a_daily_digest_is_due_at_the_next_such_time(now: str, due: str) -> None:
    assert Digest.model_validate({"at": "09:00"}).next_after(at(now)) == at(due)


def test_where_the_clocks_change_a_digest_is_sent_once_a_day() -> None:
    digest = Digest.model_validate({"at": "02:30", "time_zone": BERLIN})
    walls = []
    for start in ("2026-03-27 12:00", "2026-10-23 12:00"):
        now = at(start, BERLIN)
        for _ in range(4):
            now = digest.next_after(now)
            walls.append(
                f"{datetime.fromtimestamp(now, UTC).astimezone(ZoneInfo(BERLIN)):%m-%d %H:%M%z}"
            )
    assert walls == [
        "03-28 02:30+0100",
        "03-29 03:30+0200",
        "03-30 02:30+0200",
        "03-31 02:30+0200",
        "10-24 02:30+0200",
        "10-25 02:30+0200",
        "10-26 02:30+0100",
        "10-27 02:30+0100",
    ]


def test_a_digest_every_so_often_counts_from_its_first_alert() -> None:
    assert Digest(every_s=1800).next_after(1_000.0) == 2_800.0
