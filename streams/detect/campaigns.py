"""Campaigns (D25): when acts of different kinds, of a buyer or a cluster, are too many, and what ends that.

The definition is docs/detectors/D25.md; `acts` says which acts there are.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Final, NamedTuple

from schemas.alerts import Severity
from streams.detect import acts
from streams.detect.acts import Act
from streams.detect.detector import Child
from streams.detect.episodes import Crossing, Run, level_at, runs, slide_live
from streams.detect.facts import NEVER, Contacted, by_time
from streams.detect.linking import DisjointSets
from streams.detect.reach import Reached

UNREACHABLE: Final = "unreachable"


class Terms(NamedTuple):
    """What campaigns are judged by."""

    min_acts: int
    unreachable_contacts: int
    unreachable_beside: Set[str]
    warn_accounts: int
    critical_accounts: int
    window_s: int
    cooldown_s: int


class Chain(NamedTuple):
    """Acts that come together. `settled_ms` is when so many were settled that the rest is too few, if ever.

    `kinds` are in the order in which they came about, `missed` the calls in vain that count among them.
    """

    run: Run
    acts: Sequence[Act]
    kinds: Sequence[str]
    missed: Sequence[Contacted]
    settled_ms: int | None

    @property
    def settled(self) -> int:
        """How many of the acts were."""
        return sum(act.end_ms < NEVER for act in self.acts)


def of_buyer(
    found: Sequence[Act], contacts: Sequence[Contacted], reached: Reached, terms: Terms
) -> list[Chain]:
    """What one buyer did, always critical; being out of reach may be one of the kinds.

    Cost: nothing where too few kinds of acts are known; else sorting, and for each act as much as there are
    acts about the same matters.
    """
    if len({act.kind for act in found}) + bool(contacts) < terms.min_acts:
        return []
    alone = _Alone(found, terms)
    calls = _Calls(contacts, reached, terms)
    ends: list[tuple[int, int, Act]] = []
    crossings: list[Crossing] = []
    entered = fresh = 0
    for at_ms in sorted({act.counted_ms for act in found} | {c.at_ms for c in contacts}):
        while ends and ends[0][0] <= at_ms:
            alone.leave(heapq.heappop(ends)[-1])
        while entered < len(found) and found[entered].counted_ms <= at_ms:
            act = found[entered]
            end_ms = min(act.end_ms, act.counted_ms + terms.window_s * 1000 + 1)
            # What was settled when it opened never counted.
            if at_ms < end_ms:
                alone.enter(act)
                heapq.heappush(ends, (end_ms, entered, act))
            entered += 1
        missed = calls.missed(at_ms)
        is_unreachable = bool(missed) and alone.is_grave
        if alone.count + is_unreachable < terms.min_acts:
            continue
        # A cooldown is no shorter than a window: what is live and was brought before is of the same episode.
        brought = [act.fact for act in found[fresh:entered] if alone.holds(act)]
        fresh = entered
        attempts = calls.bring(missed) if is_unreachable else ()
        facts = {(type(fact), fact.ref): fact for fact in (*brought, *attempts)}
        crossings.append(Crossing(at_ms, "critical", sorted(facts.values(), key=by_time)))
    return [_of_buyer(run, found, terms) for run in runs(crossings, terms.cooldown_s * 1000)]


def _of_buyer(run: Run, found: Sequence[Act], terms: Terms) -> Chain:
    of_run = _acts_of(run, found, terms)
    missed = [fact for fact in run.members if isinstance(fact, Contacted)]
    kinds = acts.kinds(of_run)
    if missed:
        # Out of reach is who missed one call too many.
        since_ms = sorted(c.at_ms for c in missed)[terms.unreachable_contacts - 1]
        before = {act.kind for act in of_run if act.counted_ms <= since_ms}
        kinds.insert(sum(kind in before for kind in kinds), UNREACHABLE)
    left = _Alone(of_run, terms)
    for act in of_run:
        left.enter(act)

    def is_enough_without(settled: Act) -> bool:
        left.leave(settled)
        return left.count + (bool(missed) and left.is_grave) >= terms.min_acts

    return Chain(run, of_run, kinds, missed, _settled_ms(run, of_run, is_enough_without))


class _Alone:
    """The live acts of one buyer, of `found`: how many kinds of them there are by `acts.kinds`.

    Which acts are of their own depends on those alone that they share matters with, directly or by way of
    others: when one enters or leaves, only these are looked at.
    """

    def __init__(self, found: Sequence[Act], terms: Terms) -> None:
        self._beside = terms.unreachable_beside
        sets: DisjointSets[Child | str] = DisjointSets()
        for act in found:
            for matter in act.matters:
                sets.union(act.child, matter)
        self._group_of = {act.child: sets.find(act.child) for act in found}
        self._place_of = {act.child: place for place, act in enumerate(found)}
        self._live: defaultdict[Child | str, dict[int, Act]] = defaultdict(dict)
        self._kinds: Counter[str] = Counter()
        self._grave = 0

    @property
    def count(self) -> int:
        """How many kinds there are."""
        return len(self._kinds)

    @property
    def is_grave(self) -> bool:
        """Whether being out of reach makes an act worse; of refunds D08 has counted it already."""
        return self._grave > 0

    def holds(self, act: Act) -> bool:
        """Whether the act is live."""
        return self._place_of[act.child] in self._live[self._group_of[act.child]]

    def enter(self, act: Act) -> None:
        """It counts from now on."""
        group = self._live[self._group_of[act.child]]
        self._count(group, -1)
        group[self._place_of[act.child]] = act
        self._count(group, 1)
        self._grave += self._is_grave(act)

    def leave(self, act: Act) -> None:
        """It left the window, or was settled."""
        group = self._live[self._group_of[act.child]]
        self._count(group, -1)
        del group[self._place_of[act.child]]
        self._count(group, 1)
        self._grave -= self._is_grave(act)

    def _is_grave(self, act: Act) -> bool:
        return act.severity == "critical" and act.kind in self._beside

    def _count(self, group: Mapping[int, Act], times: int) -> None:
        for kind in acts.kinds(group[place] for place in sorted(group)):
            self._kinds[kind] += times
            if not self._kinds[kind]:
                del self._kinds[kind]


class _Calls:
    """The attempts to reach a buyer in vain, by when they were made."""

    def __init__(self, contacts: Sequence[Contacted], reached: Reached, terms: Terms) -> None:
        self._in_vain = [c for c in contacts if c.answered is False]
        self._times = [c.at_ms for c in self._in_vain]
        self._reached = reached
        self._terms = terms
        self._brought = 0

    def missed(self, at_ms: int) -> range:
        """The places of those within the window, if all were in vain and there were enough."""
        from_ms = at_ms - self._terms.window_s * 1000
        if self._reached.within(from_ms, at_ms):
            return range(0)
        missed = range(bisect_left(self._times, from_ms), bisect_right(self._times, at_ms))
        return missed if len(missed) >= self._terms.unreachable_contacts else range(0)

    def bring(self, missed: range) -> Sequence[Contacted]:
        """Those among them that were not brought before."""
        first, self._brought = max(missed.start, self._brought), missed.stop
        return self._in_vain[first : missed.stop]


def of_cluster(cluster: Sequence[Act], terms: Terms) -> list[Chain]:
    """What accounts did that are tied together. Cost: linear, for the acts come sorted."""
    # What was settled when it opened never counted.
    live = [act for act in cluster if act.end_ms > act.counted_ms]
    crossings = slide_live(live, terms.window_s * 1000, _Together(terms), lambda act: act.fact)
    return [_of_cluster(run, cluster, terms) for run in runs(crossings, terms.cooldown_s * 1000)]


def _of_cluster(run: Run, cluster: Sequence[Act], terms: Terms) -> Chain:
    of_run = _acts_of(run, cluster, terms)
    left = _Together(terms)
    for act in of_run:
        left.enter(act)

    def is_enough_without(settled: Act) -> bool:
        left.leave(settled)
        return left.level() is not None

    kinds = list(dict.fromkeys(act.kind for act in of_run))
    return Chain(run, of_run, kinds, (), _settled_ms(run, of_run, is_enough_without))


class _Together:
    """Kinds of acts, and accounts behind them, that are live within the window."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._kinds: Counter[str] = Counter()
        self._accounts: Counter[str] = Counter()

    def enter(self, act: Act) -> None:
        self._kinds[act.kind] += 1
        self._accounts.update(act.accounts)

    def leave(self, act: Act) -> None:
        # What is none any more goes, for to count what is more takes as long as there are accounts.
        for counts, gone in ((self._kinds, (act.kind,)), (self._accounts, act.accounts)):
            for one in gone:
                counts[one] -= 1
                if not counts[one]:
                    del counts[one]

    def level(self) -> Severity | None:
        kinds, accounts = self.compared()
        if kinds < self._terms.min_acts:
            return None
        return level_at(accounts, self._terms.warn_accounts, self._terms.critical_accounts)

    def compared(self) -> tuple[int, int]:
        return len(self._kinds), len(self._accounts)


def _acts_of(run: Run, found: Iterable[Act], terms: Terms) -> list[Act]:
    """The acts of a run, in order."""
    facts = {(type(fact), fact.ref) for fact in run.members}
    from_ms = run.opened_at_ms - terms.window_s * 1000
    return [
        act
        for act in found
        if (type(act.fact), act.fact.ref) in facts and from_ms <= act.counted_ms <= run.last_at_ms
    ]


def _settled_ms(
    run: Run, of_run: Sequence[Act], is_enough_without: Callable[[Act], bool]
) -> int | None:
    for act in sorted(of_run, key=lambda act: act.end_ms):
        if act.end_ms == NEVER:
            break
        if not is_enough_without(act):
            return max(act.end_ms, run.last_at_ms)
    return None
