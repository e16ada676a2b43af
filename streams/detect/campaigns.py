"""Campaigns (D25): when acts of different kinds, of a buyer or a cluster, come together, and how they end.

The definition is docs/detectors/D25.md; `acts` says which acts there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Final, NamedTuple

import msgspec

from schemas.alerts import Severity
from streams.detect import acts
from streams.detect.acts import Act
from streams.detect.episodes import (
    Crossing,
    Episode,
    Run,
    Threshold,
    level_at,
    outcome,
    runs,
    slide_live,
)
from streams.detect.facts import NEVER, AnyFact, Contacted, Signal, by_time
from streams.detect.reach import Reached
from streams.detect.rings import ring_id

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
    expire_after_s: int


def of_buyer(
    found: Sequence[Act],
    contacts: Sequence[Contacted],
    reached: Reached,
    horizon_ms: int,
    terms: Terms,
    *,
    has_order: bool,
) -> list[Episode]:
    """The campaigns of one buyer, always critical; being out of reach may be one of the kinds."""
    crossings = []
    for at_ms in sorted({act.counted_ms for act in found} | {c.at_ms for c in contacts}):
        live = [act for act in found if act.is_live(at_ms, terms.window_s * 1000)]
        missed = _missed(contacts, reached, at_ms, terms)
        is_unreachable = bool(missed) and _is_grave(live, terms)
        if len(acts.kinds(live)) + is_unreachable >= terms.min_acts:
            anchors = {(type(act.fact), act.fact.ref): act.fact for act in live}
            seen = [*anchors.values(), *(missed if is_unreachable else ())]
            crossings.append(Crossing(at_ms, "critical", sorted(seen, key=by_time)))
    return [
        _by_buyer(run, found, contacts, horizon_ms, terms, has_order=has_order)
        for run in runs(crossings, terms.cooldown_s * 1000)
    ]


def of_cluster(
    cluster: Sequence[Act], kept: Mapping[str, Signal], horizon_ms: int, terms: Terms
) -> list[Episode]:
    """The campaigns of accounts that are tied together. `kept` are the signals of the shop, by name."""
    # What was settled when it opened never counted.
    live = [act for act in cluster if act.end_ms > act.counted_ms]
    tally = _Together(terms)
    crossings = slide_live(live, terms.window_s * 1000, tally, lambda act: act.fact)
    return [
        _by_ring(run, cluster, kept[run.anchor.ref], horizon_ms, terms)
        for run in runs(crossings, terms.cooldown_s * 1000)
    ]


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
        self._kinds[act.kind] -= 1
        self._accounts.subtract(act.accounts)

    def level(self) -> Severity | None:
        kinds, accounts = self.compared()
        if kinds < self._terms.min_acts:
            return None
        return level_at(accounts, self._terms.warn_accounts, self._terms.critical_accounts)

    def compared(self) -> tuple[int, int]:
        return len(+self._kinds), len(+self._accounts)


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


def _children(run: Run, found: Iterable[Act], terms: Terms) -> list[Act]:
    """The acts of a run, in order."""
    facts = {(type(fact), fact.ref) for fact in run.members}
    from_ms = run.opened_at_ms - terms.window_s * 1000
    return [
        act
        for act in found
        if (type(act.fact), act.fact.ref) in facts and from_ms <= act.counted_ms <= run.last_at_ms
    ]


def _by_buyer(
    run: Run,
    found: Sequence[Act],
    contacts: Sequence[Contacted],
    horizon_ms: int,
    terms: Terms,
    *,
    has_order: bool,
) -> Episode:
    children = _children(run, found, terms)
    missed = [fact for fact in run.members if isinstance(fact, Contacted)]
    kinds = acts.kinds(children)
    if missed:
        # As they came about, being out of reach at the attempt that was one too many.
        since_ms = sorted(c.at_ms for c in missed)[terms.unreachable_contacts - 1]
        before = {act.kind for act in children if act.counted_ms <= since_ms}
        kinds.insert(sum(kind in before for kind in kinds), UNREACHABLE)

    left = list(children)

    def is_enough_without(settled: Act) -> bool:
        left.remove(settled)
        beside = bool(missed) and _is_grave(left, terms)
        return len(acts.kinds(left)) + beside >= terms.min_acts

    answered = sum(contact.answered is True for contact in contacts)
    settled = sum(act.end_ms < NEVER for act in children)
    return _episode(
        run,
        run.anchor,
        children,
        is_enough_without,
        horizon_ms,
        terms,
        thresholds=(
            Threshold("acts", len(kinds), "acts", terms.min_acts, terms.min_acts),
            Threshold("failed_contacts", len(missed), "attempts"),
        ),
        details={"kinds": ",".join(kinds), "has_order": has_order},
        counter=(
            f"所含预警中已解除{settled}项;买家接通过{answered}次联系",
            f"{settled} of the alerts in it are settled; the buyer answered {answered} times",
        ),
    )


def _by_ring(
    run: Run, cluster: Sequence[Act], anchor: Signal, horizon_ms: int, terms: Terms
) -> Episode:
    """`anchor` is that of the run as it is kept, and let go: not at the time of the act."""
    children = _children(run, cluster, terms)
    left = _Together(terms)
    for act in children:
        left.enter(act)

    def is_enough_without(settled: Act) -> bool:
        left.leave(settled)
        return left.level() is not None

    most_kinds, most_accounts = run.compared
    settled = sum(act.end_ms < NEVER for act in children)
    return _episode(
        run,
        anchor,
        children,
        is_enough_without,
        horizon_ms,
        terms,
        thresholds=(
            Threshold("acts", most_kinds, "acts", terms.min_acts),
            Threshold(
                "accounts", most_accounts, "accounts", terms.warn_accounts, terms.critical_accounts
            ),
        ),
        details={
            "kinds": ",".join(dict.fromkeys(act.kind for act in children)),
            "accounts": len({account for act in children for account in act.accounts}),
            # After the first act, so it is the same while the ring grows.
            "ring": ring_id(str(anchor.values["identity"])),
        },
        counter=(
            f"所含预警中已解除{settled}项;家人、同住者可能共用手机或设备",
            f"{settled} of the alerts in it are settled; families and people who live together may "
            "share a phone or a device",
        ),
    )


def _episode(
    run: Run,
    anchor: AnyFact,
    children: Sequence[Act],
    is_enough_without: Callable[[Act], bool],
    horizon_ms: int,
    terms: Terms,
    *,
    thresholds: tuple[Threshold, ...],
    details: dict[str, int | str],
    counter: tuple[str, str],
) -> Episode:
    """What became of a campaign: it is settled once too few acts are left that nothing has settled."""
    resolved_ms = None
    for act in sorted(children, key=lambda act: act.end_ms):
        if act.end_ms == NEVER:
            break
        if not is_enough_without(act):
            resolved_ms = max(act.end_ms, run.last_at_ms)
            break
    expires_ms = run.last_at_ms + terms.expire_after_s * 1000
    status, ended_ms = outcome(resolved_ms, expires_ms, horizon_ms)
    beside = sum(isinstance(fact, Contacted) for fact in run.members)
    return Episode(
        detector="D25",
        anchor=anchor,
        opened_at_ms=run.opened_at_ms,
        last_at_ms=run.last_at_ms,
        status=status,
        ended_at_ms=ended_ms,
        severity=run.level,
        steps=sum(act.steps for act in children) + beside + (status != "open"),
        window_s=terms.window_s,
        members=run.members,
        thresholds=thresholds,
        details={**details, "children": msgspec.json.encode([a.child for a in children]).decode()},
        counter=(counter,),
        cooldown_s=terms.cooldown_s,
    )
