"""Waves of claims of stockout or lateness (D10, steps 4 and 5): when they cross, and what they amount to.

What a newcomer gets wrong: thresholds stand beside what one window held, the texts count the whole episode.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from schemas.alerts import Severity
from streams.detect.episodes import (
    Crossing,
    Run,
    level_at,
    slide,
)
from streams.detect.facts import Signal
from streams.detect.stockout_claims import Claim
from streams.detect.stockout_excuses import Claimed

# A buyer's own claims, or what a shop was told of its buyers'.
C = TypeVar("C", Claimed, Signal)


class Limits(NamedTuple):
    """The thresholds of one of the two subjects."""

    window_s: int
    warn: int
    critical: int
    cooldown_s: int
    expire_after_s: int


class Numbers(NamedTuple):
    """The numbers of a whole episode, over all of its windows.

    `contested` are the claims that nobody has granted, or that were complaints; a shop's all are.
    `by_word` are those of `proven` whose parcel no carrier is known to have picked up.
    `granted` is how the others were, as `granted_by` names it, with blanks between.
    """

    claims: int
    proven: int
    buyers: int
    contested: int
    by_word: int
    granted: str = ""


def crossings_of_buyer(
    known: Sequence[Claim], parcels: Mapping[str, int], limits: Limits
) -> list[Crossing]:
    """Step 4 of the definition: false claims, of which one is proven; one parcel is one claim.

    `parcels` is as in `parcel_of`.
    """
    false = [claim.fact for claim in known if claim.is_false]
    proven = [claim.fact for claim in known if claim.outcome == "proven"]
    names = {fact.event_id for fact in proven}
    first_of = _firsts(false, parcels)
    return _crossings(
        false,
        limits,
        lambda fact: first_of[fact.event_id],
        proven,
        lambda window: not names.isdisjoint(window),
    )


def crossings_of_shop(proven: Sequence[Signal], limits: Limits) -> list[Crossing]:
    """Step 5 of the definition: buyers with a proven claim."""
    return _crossings(proven, limits, _buyer, proven, lambda window: True)


def _firsts(false: Sequence[Claimed], parcels: Mapping[str, int]) -> dict[str, str]:
    """By claim, the first one about its parcel, both by event."""
    first: dict[int, str] = {}
    found = {}
    for claim in false:
        parcel, event_id = parcels.get(claim.order_id), claim.event_id
        found[event_id] = event_id if parcel is None else first.setdefault(parcel, event_id)
    return found


def _buyer(signal: Signal) -> str:
    return str(signal.values.get("buyer", ""))


def _crossings(
    counting: Sequence[C],
    limits: Limits,
    key: Callable[[C], str],
    proven: Sequence[C],
    may_accuse: Callable[[Counter[str]], bool],
) -> list[Crossing]:
    """Slide the window over claims. Compared are those that count in it, by `key`, and the proven ones."""
    numbers: list[int] = []

    def level_of(window: Counter[str]) -> Severity | None:
        level = level_at(len(window), limits.warn, limits.critical)
        if level is None or not may_accuse(window):
            return None
        numbers.append(len(window))
        return level

    window_ms = limits.window_s * 1000
    proven_ms = [claim.at_ms for claim in proven]
    return [
        one._replace(compared=(number, _within(proven_ms, one.at_ms - window_ms, one.at_ms)))
        for one, number in zip(slide(counting, window_ms, key, level_of), numbers, strict=True)
    ]


def _within(times: Sequence[int], from_ms: int, to_ms: int) -> int:
    return bisect_right(times, to_ms) - bisect_left(times, from_ms)


def numbers_of_buyer(known: Sequence[Claim]) -> Callable[[Run], Numbers]:
    """How the episodes of a buyer are counted, of whom these claims are known."""
    of_event = {claim.fact.event_id: claim for claim in known}

    def count(run: Run) -> Numbers:
        members = [of_event[member.event_id] for member in run.members]
        proven = [claim for claim in members if claim.outcome == "proven"]
        return Numbers(
            claims=len(members),
            proven=len(proven),
            buyers=1,
            contested=sum(not claim.granted for claim in members),
            by_word=sum(not claim.is_picked_up for claim in proven),
            granted=" ".join(sorted({claim.granted for claim in members if claim.granted})),
        )

    return count


def numbers_of_shop(run: Run) -> Numbers:
    """The same of a shop, of which only proven claims are members."""
    signals = [member for member in run.members if isinstance(member, Signal)]
    return Numbers(
        claims=len(signals),
        proven=len(signals),
        buyers=len({_buyer(signal) for signal in signals}),
        contested=len(signals),
        by_word=sum(signal.values.get("is_picked_up") is not True for signal in signals),
    )
