"""Showing a story in less time than it took."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from streams.simulate.journal import SimEvent


def paced(events: Sequence[SimEvent], total_s: float) -> Iterator[tuple[float, SimEvent]]:
    """Each event with the seconds from the beginning at which to show it; the last at `total_s`.

    Long silences are cut to one common length and short gaps kept in proportion, so that twenty
    orders within minutes and a closing three days later are both seen. Event times stay as they
    are. `events` are ordered by time.
    """
    gaps = [later.at_ms - sooner.at_ms for sooner, later in pairwise(events)]
    cap = _cap(gaps)
    cut = [min(gap, cap) for gap in gaps]
    scale = total_s / sum(cut) if any(cut) else 0.0
    elapsed = 0
    for event, gap in zip(events, [0, *cut], strict=False):
        elapsed += gap
        yield elapsed * scale, event


def _cap(gaps: list[int]) -> int:
    """The longest silence worth showing: twice the typical gap between events."""
    waits = sorted(gap for gap in gaps if gap)
    return 2 * waits[len(waits) // 2] if waits else 0
