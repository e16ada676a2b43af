"""Linking orders that share an identity: sets that grow together as links are drawn.

What a newcomer gets wrong: nothing is remembered between calls. Links are drawn anew from the facts
each time, so a link whose fact was corrected is simply not there any more.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class DisjointSets(Generic[K]):
    """Union-find with path halving and union by size. Cost: nearly constant per link.

    `steps` counts the pointers followed so far, for tests of that cost.
    """

    def __init__(self) -> None:
        self._parent: dict[K, K] = {}
        self._size: dict[K, int] = {}
        self.steps = 0

    def find(self, member: K) -> K:
        """A member that stands for the set; one not seen before is a set of its own."""
        parent = self._parent
        if member not in parent:
            parent[member] = member
            self._size[member] = 1
            return member
        while parent[member] != member:
            self.steps += 1
            parent[member] = parent[parent[member]]
            member = parent[member]
        return member

    def union(self, one: K, other: K) -> None:
        """Make the sets of both members one."""
        a, b = self.find(one), self.find(other)
        if a == b:
            return
        if self._size[a] < self._size[b]:
            a, b = b, a
        self._parent[b] = a
        self._size[a] += self._size[b]


def link_in_time(
    sets: DisjointSets[K], uses: Iterable[Sequence[tuple[int, K]]], gap_ms: int
) -> None:
    """Link members that follow each other in one sequence within `gap_ms`, both ends included.

    Each sequence holds (time, member) of one identity, sorted. A chain of such steps links its ends,
    however far apart; a longer pause cuts it: links decay.
    """
    for sequence in uses:
        before: tuple[int, K] | None = None
        for at_ms, member in sequence:
            if before is not None and at_ms - before[0] <= gap_ms:
                sets.union(before[1], member)
            else:
                sets.find(member)
            before = at_ms, member
