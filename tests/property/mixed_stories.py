"""Histories made of the examples of a detector: others mixed in, events left out, moved and told anew.

Examples sit at the limits of their pages, and every detector must have some; so whatever is registered has
histories, and nobody keeps a list. What comes out is nobody's story any more: only laws can be asked of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from hypothesis import strategies as st

from schemas.topics import ITEM_TOPICS
from tests.example_stories import TIMES, Story, ms, stories
from tests.oracle.story import DAY, HOUR, MINUTE
from tests.pipeline import Event

Draw = Callable[[st.SearchStrategy[Any]], Any]
TICK = 0.001

_OFFSETS = st.sampled_from([0, MINUTE, HOUR, DAY, 5 * DAY, -MINUTE, -HOUR, -DAY, 14 * DAY])
_SHIFTS = st.sampled_from(
    [
        *(TICK, 1, MINUTE, 5 * MINUTE, 30 * MINUTE, HOUR, DAY, 2 * DAY, 7 * DAY, 30 * DAY),
        *(-TICK, -1, -MINUTE, -5 * MINUTE, -HOUR, -DAY, -2 * DAY),
    ]
)
_LATER = st.sampled_from([DAY, 8 * DAY, 40 * DAY, 44 * DAY, 80 * DAY])
# Facts are kept for 45 days, those of an item's stock for a week: beyond that the way does matter (L1).
_SPAN_S, _SPAN_OF_ITEMS_S = 40 * DAY, 6.5 * DAY
# A story of a hundred buyers beside another one only costs time.
_MOST_BESIDE = 60
_KEPT_NAMES = {"event_id", "shop_id", "buyer_id", "item_id"}


class Told(NamedTuple):
    """A history, in no particular order, and how far it is read in the end."""

    events: list[Event]
    horizon_ms: int


@cache
def _all() -> tuple[Story, ...]:
    return tuple(stories())


@cache
def _of(detector: str) -> list[Story]:
    """The examples of a detector, those that fire first: what fails is shown with the simplest."""
    own = [story for story in _all() if story.detector == detector]
    return sorted(own, key=lambda story: not story.expected)


@cache
def _small() -> list[Story]:
    return [story for story in _all() if len(story.events) <= _MOST_BESIDE]


@st.composite
def mixed_stories(draw: Draw, detector: str) -> Told:
    """A story of a detector and up to two of any, about the same buyers and orders or about others."""
    base = draw(st.sampled_from(_of(detector)))
    events = list(base.events)
    for number in range(draw(st.sampled_from([0, 1, 1, 2, 2]))):
        other = draw(st.sampled_from(_small()))
        events += _beside(draw, other.events, _buyers(base.events), f"x{number}-")
    changed = _within_retention(_changed(draw, events))
    horizon_ms = draw(st.one_of(st.just(base.horizon_ms), _LATER.map(ms)))
    return Told(changed, horizon_ms)


def _buyers(events: Iterable[Event]) -> list[str]:
    return list(dict.fromkeys(value["buyer_id"] for _, value in events if "buyer_id" in value))


def _beside(
    draw: Draw, events: list[Event], known: list[str], prefix: str
) -> list[tuple[str, dict[str, Any]]]:
    """Another story with event ids of its own, moved as a whole, perhaps of the buyers that are known."""
    by = timedelta(seconds=draw(_OFFSETS))
    # An order of the same id is the same order, with refunds, reviews and parcels of both stories.
    renamed = prefix if draw(st.booleans()) else ""
    turn = draw(st.integers(0, len(known))) if known else 0
    names = _buyers(events)
    who = {} if turn == 0 else {n: known[(i + turn) % len(known)] for i, n in enumerate(names)}
    found = []
    for topic, told in events:
        value = {**told, "event_id": prefix + told["event_id"]}
        for field in value.keys() & TIMES:
            value[field] = _moved(value[field], by)
        for field in value:
            if field.endswith("_id") and field not in _KEPT_NAMES:
                value[field] = renamed + value[field]
        if value.get("buyer_id") in who:
            value["buyer_id"] = who[value["buyer_id"]]
        found.append((topic, value))
    return found


def _changed(draw: Draw, events: list[Event]) -> list[Event]:
    """Some events left out, some moved, some told once more under another id at another time."""
    places = st.integers(0, len(events) - 1)
    most = 1 + len(events) // 3
    dropped = draw(st.sets(places, max_size=most))
    moved = draw(st.dictionaries(places, _SHIFTS, max_size=most))
    anew = draw(st.dictionaries(places, _SHIFTS, max_size=most))
    found: list[Event] = []
    for place, (topic, value) in enumerate(events):
        if place not in dropped:
            found.append((topic, _shifted(value, moved.get(place, 0))))
        if place in anew:
            again = _shifted(value, anew[place])
            found.append((topic, {**again, "event_id": f"{value['event_id']}-again"}))
    return found


def _shifted(value: Mapping[str, Any], by_s: float) -> dict[str, Any]:
    return {**value, "occurred_at": _moved(value["occurred_at"], timedelta(seconds=by_s))}


def _moved(written: str, by: timedelta) -> str:
    return (datetime.fromisoformat(written) + by).isoformat(timespec="milliseconds")


def _within_retention(events: list[Event]) -> list[Event]:
    """What would be too long after the first event happens as late as it may."""
    has_items = any(topic in ITEM_TOPICS for topic, _ in events)
    span = timedelta(seconds=_SPAN_OF_ITEMS_S if has_items else _SPAN_S)
    times = [datetime.fromisoformat(value["occurred_at"]) for _, value in events]
    if not times:
        return []
    last = min(times) + span
    return [
        (topic, {**value, "occurred_at": min(at, last).isoformat(timespec="milliseconds")})
        for (topic, value), at in zip(events, times, strict=True)
    ]
