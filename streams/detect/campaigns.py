"""Campaigns (D25): when acts of different kinds, of a buyer or a cluster, are too many, and what ends that.

The definition is docs/detectors/D25.md; `acts` says which acts there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence, Set
from typing import Final, NamedTuple

from schemas.alerts import Severity
from streams.detect import acts
from streams.detect.acts import Act
from streams.detect.episodes import Crossing, Run, level_at, runs, slide_live
from streams.detect.facts import NEVER, Contacted, by_time
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

    Cost: quadratic in the acts, but nothing where too few kinds of them are known.
    """
    if len({act.kind for act in found}) + bool(contacts) < terms.min_acts:
        return []
    crossings = []
    for at_ms in sorted({act.counted_ms for act in found} | {c.at_ms for c in contacts}):
        live = [act for act in found if act.is_live(at_ms, terms.window_s * 1000)]
        missed = _missed(contacts, reached, at_ms, terms)
        is_unreachable = bool(missed) and _is_grave(live, terms)
        if len(acts.kinds(live)) + is_unreachable >= terms.min_acts:
            anchors = {(type(act.fact), act.fact.ref): act.fact for act in live}
            seen = [*anchors.values(), *(missed if is_unreachable else ())]
            crossings.append(Crossing(at_ms, "critical", sorted(seen, key=by_time)))
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
    left = list(of_run)

    def is_enough_without(settled: Act) -> bool:
        left.remove(settled)
        beside = bool(missed) and _is_grave(left, terms)
        return len(acts.kinds(left)) + beside >= terms.min_acts

    return Chain(run, of_run, kinds, missed, _settled_ms(run, of_run, is_enough_without))


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


def _is_grave(live: Sequence[Act], terms: Terms) -> bool:
    """Whether being out of reach makes an act worse; of refunds D08 has counted it already."""
    return any(act.severity == "critical" and act.kind in terms.unreachable_beside for act in live)


def _missed(
    contacts: Sequence[Contacted], reached: Reached, at_ms: int, terms: Terms
) -> list[Contacted]:
    """The attempts to reach the buyer within the window, if all were in vain and there were enough."""
    from_ms = at_ms - terms.window_s * 1000
    if reached.within(from_ms, at_ms):
        return []
    in_vain = [c for c in contacts if from_ms <= c.at_ms <= at_ms and c.answered is False]
    return in_vain if len(in_vain) >= terms.unreachable_contacts else []


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
