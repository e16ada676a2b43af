"""When a channel is quiet and when a digest is due, by the clock on somebody's wall.

Quiet hours are asked at the moment itself and never planned ahead, so a clock that jumps, a change to
summer time and an edited routes file need no care: what matters is what the wall shows now. A digest is
planned when its first alert comes, and keeps that time.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from functools import cached_property
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from schemas.alerts import SEVERITIES

# The platforms' clock, by which deadlines are told too.
DEFAULT_ZONE: Final = "Asia/Shanghai"
DAY: Final = timedelta(days=1)
# What is over has it, see waiting.LOUDNESS; so nothing is below it.
EVERYTHING: Final = -1


def _shown(value: object) -> str:
    # In the wrong place it is still a secret.
    return "a URL" if "://" in str(value) else repr(value)


def _read_time(value: object) -> object:
    if isinstance(value, time):
        return value
    if isinstance(value, str) and len(value) == 5:
        try:
            return time.fromisoformat(value)
        except ValueError:
            pass
    # Not 2200, which is a number, nor 8:00, which may lack a digit.
    raise ValueError(f'{_shown(value)} is no time of day; write it in quotes, like "22:00"')


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    # Besides unknown names there are folders of the zone database, and paths that leave it.
    except (OSError, ValueError, LookupError):
        raise ValueError(f"{_shown(name)} is no time zone, like {DEFAULT_ZONE}") from None
    return name


TimeOfDay = Annotated[time, BeforeValidator(_read_time)]
Zone = Annotated[str, AfterValidator(_known_zone)]


class Strict(BaseModel):
    """A part of the routes file: unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Quiet(Strict):
    """Hours in which a channel is told nothing but what is at least as severe as `except`.

    `from` is inclusive and `to` is not; `from` after `to` is over midnight.
    """

    start: TimeOfDay = Field(alias="from")
    end: TimeOfDay = Field(alias="to")
    time_zone: Zone = DEFAULT_ZONE
    exception: Literal["warn", "critical", "nothing"] = Field("critical", alias="except")

    @model_validator(mode="after")
    def _has_two_ends(self) -> Quiet:
        if self.start == self.end:
            raise ValueError(
                f"from and to are both {self.start:%H:%M}, which is never or always; "
                "for a channel that hears of critical alerts only, say min_severity on its routes"
            )
        return self

    def least_loudness(self, now: float) -> int:
        """How loud must be what is told at that moment, see waiting.LOUDNESS."""
        wall = datetime.fromtimestamp(now, self._zone).time()
        if self.start < self.end:
            is_quiet = self.start <= wall < self.end
        else:
            is_quiet = wall >= self.start or wall < self.end
        if not is_quiet:
            return EVERYTHING
        return len(SEVERITIES) if self.exception == "nothing" else SEVERITIES.index(self.exception)

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class Digest(Strict):
    """How often a digest is sent: once a day `at` a time, or `every_s` seconds after its first alert."""

    at: TimeOfDay | None = None
    every_s: Annotated[int, Field(ge=60, le=7 * 86_400)] | None = None
    time_zone: Zone = DEFAULT_ZONE

    @model_validator(mode="after")
    def _has_one_rhythm(self) -> Digest:
        if (self.at is None) == (self.every_s is None):
            raise ValueError("a digest needs either at or every_s")
        return self

    def next_after(self, now: float) -> float:
        """When the digest goes out that an alert of now begins."""
        if self.at is None:
            assert self.every_s is not None, "one of the two is there"
            return now + self.every_s
        zone = ZoneInfo(self.time_zone)
        today = datetime.fromtimestamp(now, zone).date()
        # Where the clocks skip that time it is told an hour later, and where they repeat it, the
        # first time only.
        due = datetime.combine(today, self.at, zone).timestamp()
        return due if due > now else datetime.combine(today + DAY, self.at, zone).timestamp()
