"""What a fact is: a small frozen record about one subject, that only merges.

A fact is named by its class and `ref` (its natural key within the subject). Tags are part of the
stored format: never reuse a number. The highest so far is 95.
"""

from __future__ import annotations

from typing import ClassVar, Final

import msgspec

DAY_MS = 86_400_000
# Later than every time there is: of what has not happened so far.
NEVER = 1 << 62
# A ban, and what is told of it, is the reason of alerts about orders of weeks later. Let go before these, it
# would seem never to have been.
BAN_RETENTION_MS = 90 * DAY_MS
BANNED: Final = "banned_identity"
# No kind is kept for less; below this nobody needs to look at single facts.
SHORTEST_RETENTION_MS = 7 * DAY_MS


class Fact(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One fact. `at_ms` is event time in epoch milliseconds; `event_id` names the cause."""

    at_ms: int
    event_id: str
    ref: str

    # Facts older than the subject's newest fact by more than this are let go.
    retention_ms: ClassVar[int] = 45 * DAY_MS

    def rank(self) -> tuple[int, str]:
        """The order among facts of the same name: the last writer by event time, then event id."""
        return self.at_ms, self.event_id


class FirstFact(Fact, frozen=True, array_like=True, gc=False):
    """A fact of which the first writer counts: that something had happened, and since when."""

    def rank(self) -> tuple[int, str]:
        return -self.at_ms, self.event_id


class Signal(Fact, tag=12, frozen=True, array_like=True, gc=False):
    """Something that a detector of the first stage says about another subject.

    `ref` is `name/what it is about`. `version` grows with the facts behind it, so that the newest
    truth wins whatever the order of arrival; its event time cannot do that, for a correction keeps it.
    """

    name: str
    version: int
    values: dict[str, int | str | bool]

    def rank(self) -> tuple[int, str]:
        return self.version, self.event_id
