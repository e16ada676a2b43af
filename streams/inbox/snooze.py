"""Setting an alert aside until later (稍后提醒): what is offered, until when it may be, whether it still is.

Pure. Nothing runs when the time has come: an alert is set aside while its time lies ahead of the clock, so
every question is answered by the clock of its moment. The trap: a clock that was wrong. One that was set
back, or was ahead when somebody chose, would hide alerts for as long as it is off, so a time that nobody can
have chosen hides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, Literal

from schemas.alerts import Deadline
from streams.inbox.timers import Timer
from streams.inbox.workflow import Refusal

Later = timedelta | date
_SPANS: Final[Mapping[str, timedelta]] = {"1h": timedelta(hours=1), "4h": timedelta(hours=4)}
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
# When people come to work.
MORNING: Final = time(9)
# From a Monday's first minute to the next one's morning, and a day for clocks that differ.
LONGEST: Final = timedelta(days=8)
# Left for work on a deadline of the platform that has no reminder ahead.
_LEAD: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Offer:
    """One choice of a page: what its form sends, what it is called, and for a morning when that is."""

    value: str
    name: Literal["1h", "4h", "today", "tomorrow", "monday"]
    at: datetime | None = None


@dataclass(frozen=True)
class Back:
    """When an alert comes back; with the deadline for which it is sooner than was asked, if it is."""

    at: datetime
    deadline: str | None = None


def offers(now: datetime, zone: tzinfo) -> list[Offer]:
    """What can be chosen now, on the clocks of a shop. At two in the morning the next one is today's."""
    local = now.astimezone(zone)
    today, tomorrow = local.date(), local.date() + timedelta(days=1)
    monday = today + timedelta(days=7 - today.weekday())
    days: dict[date, Literal["today", "tomorrow", "monday"]] = {monday: "monday"}
    if local.time() < MORNING:
        days[today] = "today"
    days[tomorrow] = "tomorrow"
    mornings = [Offer(str(day), days[day], _morning(day, zone)) for day in sorted(days)]
    return [Offer("1h", "1h"), Offer("4h", "4h"), *mornings]


def later_of(text: str) -> Later | None:
    """What a form says: a span, or the date of a morning; None for anything else."""
    if text in _SPANS:
        return _SPANS[text]
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None


def back(later: Later, now: datetime, zone: tzinfo, timers: Sequence[Timer]) -> Back | Refusal:
    """When an alert with these deadlines comes back, or why it cannot be set aside.

    It comes back in time for each deadline that is not met. T09 waits with it: whoever sets an alert aside
    has looked at it.
    """
    if isinstance(later, timedelta):
        at = now + later
    elif timedelta() <= later - now.astimezone(zone).date() <= LONGEST:
        # Compared as dates before: the first and the last of all have no time in UTC.
        at = _morning(later, zone)
    else:
        return "not_ahead"
    if not is_snoozed(at, now):
        return "not_ahead"
    first = min(
        ((due, one.code) for one in timers if one.code != "T09" and (due := _due(one, now))),
        default=None,
    )
    if first is None or at <= first[0]:
        return Back(at)
    return Back(*first) if first[0] > now else "deadline_first"


def is_snoozed(until: datetime | None, now: datetime) -> bool:
    """Whether an alert is set aside, whose time to come back is `until`."""
    return until is not None and now < until <= now + LONGEST


def first_ahead(deadlines: Iterable[Deadline], now: datetime) -> dict[str, datetime]:
    """Of each code, the last moment that comes first of those that are ahead."""
    first: dict[str, datetime] = {}
    for deadline in deadlines:
        if deadline.due_at > now:
            first[deadline.code] = min(deadline.due_at, first.get(deadline.code, deadline.due_at))
    return first


def came_back(until: datetime | None, updated_at: datetime, now: datetime) -> bool:
    """Whether an alert is back from being set aside, and nobody has done anything about it since."""
    return until is not None and updated_at < until <= now


def _due(timer: Timer, now: datetime) -> datetime | None:
    """When whoever set it aside must see it again for this deadline; None when nothing is left to do."""
    if timer.is_met() or timer.due_at <= now:
        return None
    if timer.is_own():
        # To call again is no work before its moment, so its reminder brings nothing back.
        return timer.due_at
    turn, last = timer.next_at(now), timer.due_at - _LEAD
    return last if turn is None else min(turn, last)


def _morning(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, MORNING, zone).astimezone(UTC)
