"""Acts: the episodes of other detectors that a campaign (D25) puts together, of one account or of several.

Who acted tells the identities of its orders, and an identity that several suspects share tells the shop.
What a newcomer gets wrong: two detectors that saw the same matter are one act, and what was settled is none.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Final, NamedTuple, cast

import msgspec

from schemas.alerts import Severity, SubjectKind
from streams.detect import hubs
from streams.detect.detector import Child
from streams.detect.episodes import Episode, Told
from streams.detect.facts import (
    DAY_MS,
    NEVER,
    AnyFact,
    ComplaintFiled,
    RefundRequested,
    Signal,
)
from streams.detect.hubs import Hub
from streams.detect.linking import DisjointSets
from streams.detect.suspicion import STRONG_KINDS, TiedOrder, first_of_days

ACTED: Final = "acted_identity"
TIED: Final = "tied_act"
UNTIED: Final = "untied_act"
# As of unpaid orders: who floods may not push out what others did.
MAX_TOLD_A_DAY: Final = 50
MAX_PASSED_ON_A_DAY: Final = 200


class Act(NamedTuple):
    """One episode of another detector. Times are epoch milliseconds of event time.

    It counts from when it opened, and until it was resolved, if it was. `fact` stands for it as evidence,
    `matters` are what it is about, `accounts` the buyers behind it.
    """

    counted_ms: int
    kind: str
    child: Child
    severity: Severity
    end_ms: int
    steps: int
    fact: AnyFact
    matters: Set[str]
    accounts: Set[str]


def _came(act: Act) -> tuple[int, str, Child]:
    return act.counted_ms, act.kind, act.child


def acts(
    episodes: Iterable[Episode], kind: SubjectKind, subject: str, kind_of: Mapping[str, str]
) -> list[Act]:
    """The acts among the episodes about one subject, in order. `kind_of` are detectors with their kinds."""
    found = [
        Act(
            e.opened_at_ms,
            kind_of[e.detector],
            Child(e.detector, kind, subject, e.anchor.event_id),
            _level(e),
            e.ended_at_ms if e.status == "resolved" and e.ended_at_ms is not None else NEVER,
            e.steps,
            e.anchor,
            {_matter(fact) for fact in e.members},
            _accounts(e, kind, subject),
        )
        for e in episodes
        if e.detector in kind_of and _level(e) != "info" and not _is_held_against_nobody(e)
    ]
    return sorted(found, key=_came)


def _level(episode: Episode) -> Severity:
    """What it would be but for what its buyer said or did since: that excuses no other act beside it."""
    return cast(Severity, episode.details.get("level", episode.severity))


def _is_held_against_nobody(episode: Episode) -> bool:
    """Whether it is a slip that was put right at once, or holds only claims that were granted."""
    d = episode.details
    return bool(d.get("was_slip")) or (d.get("contested") == 0 and not d.get("mismatches"))


def _matter(fact: AnyFact) -> str:
    """What a fact is about: all that is asked back for one order is one matter."""
    if isinstance(fact, RefundRequested | ComplaintFiled) and fact.order_id:
        return f"back/{fact.order_id}"
    return fact.event_id


def _accounts(episode: Episode, kind: SubjectKind, subject: str) -> Set[str]:
    """The buyer; of a ring all whose orders it holds."""
    if kind == "buyer":
        return {subject.partition(":")[2]}
    return {str(m.values["buyer"]) for m in episode.members if isinstance(m, Signal)}


def apart(of_account: Iterable[Act]) -> list[Act]:
    """The acts, but for those about a matter of which one of another kind was before."""
    of_matter: dict[str, str] = {}
    found = []
    for act in of_account:
        if all(of_matter.get(matter, act.kind) == act.kind for matter in act.matters):
            found.append(act)
            of_matter.update(dict.fromkeys(act.matters, act.kind))
    return found


def kinds(of_account: Iterable[Act]) -> list[str]:
    """The kinds of acts about different matters, in order; one message is not two acts."""
    return list(dict.fromkeys(act.kind for act in apart(of_account)))


def tell(
    subject: str,
    of_account: Iterable[Act],
    orders: Iterable[TiedOrder],
) -> list[Told]:
    """What the identities of a buyer's orders hear of the acts.

    Cost: nearly linear in the acts, the identities and what is told, each at most a few thousand.
    """
    used_ms = _used_ms(orders)
    found = apart(of_account)
    # Two caps: invented addresses and names must not take the place of the one phone behind them.
    return [
        _told(subject, act, identity, at_ms)
        for is_strong in (True, False)
        for act, identity, at_ms in _pairs(
            found, {i: at for i, at in used_ms.items() if _is_strong(i) is is_strong}
        )
    ]


def _is_strong(identity: str) -> bool:
    return identity.partition(":")[0] in STRONG_KINDS


def _pairs(found: Iterable[Act], used_ms: Mapping[str, int]) -> Iterator[tuple[Act, str, int]]:
    """Each act with each identity, at the older of their times; so many of each day, the first ones.

    That is when it is let go, with the order or with the act: nothing is taken back then.
    """
    by_act = sorted(found, key=lambda act: (act.fact.at_ms, act.child))
    by_use = sorted(used_ms.items(), key=lambda one: (one[1], one[0]))
    acted = [act.fact.at_ms for act in by_act]
    used = [at_ms for _, at_ms in by_use]
    days: Counter[int] = Counter()

    def is_full(at_ms: int) -> bool:
        days[at_ms // DAY_MS] += 1
        return days[at_ms // DAY_MS] > MAX_TOLD_A_DAY

    for act, at_ms in zip(by_act, acted, strict=True):
        for place in range(bisect_left(used, at_ms), len(used)):
            if is_full(at_ms):
                break
            yield act, by_use[place][0], at_ms
    for identity, at_ms in by_use:
        for place in range(bisect_right(acted, at_ms), len(acted)):
            if is_full(at_ms):
                break
            yield by_act[place], identity, at_ms


def _told(subject: str, act: Act, identity: str, at_ms: int) -> Told:
    shop, _, buyer = subject.partition(":")
    values: dict[str, int | str | bool] = {
        "buyer": buyer,
        "act": act.kind,
        "detector": act.child.detector,
        "severity": act.severity,
        "opened_ms": act.counted_ms,
    }
    if act.end_ms < NEVER:
        values["settled_ms"] = act.end_ms
    event_id = act.fact.event_id
    name = f"{ACTED}/{identity}/{buyer}/{act.child.detector}/{event_id}"
    return Told(
        "identity",
        f"{shop}:{identity}",
        Signal(at_ms, event_id, name, ACTED, act.steps, values),
    )


def _used_ms(orders: Iterable[TiedOrder]) -> dict[str, int]:
    """The identities (`kind:hash`) of all orders kept, and when the last order with each was placed."""
    found = {}
    for order in sorted(orders, key=lambda order: order.at_ms):
        for kind, hashed in order.identities:
            # A forwarder has its customers' parcels sent to one phone, which is its own.
            if order.place != "forwarder" or kind == "device":
                found[f"{kind}:{hashed}"] = order.at_ms
    return found


def pass_on(identity_subject: str, acted: Sequence[Signal], unpaid: Iterable[Signal]) -> list[Told]:
    """The same for the shop, and who else used the identity: an account that left an order unpaid."""
    shop, _, identity = identity_subject.partition(":")
    actors = {signal.values["buyer"] for signal in acted}
    others = {s.values["buyer"]: s for s in unpaid if s.values["buyer"] not in actors}
    names = {f"{TIED}/{signal.ref.partition('/')[2]}": signal for signal in acted}
    names |= {f"{TIED}/{identity}/{buyer}": signal for buyer, signal in others.items()}
    passed = []
    for name, signal in names.items():
        values = signal.values if signal.name == ACTED else {"buyer": signal.values["buyer"]}
        told = Signal(
            signal.at_ms,
            signal.event_id,
            name,
            TIED,
            signal.version,
            {**values, "identity": identity},
        )
        passed.append(Told("shop", shop, told))
    return first_of_days(passed, MAX_PASSED_ON_A_DAY)


def leave_out(identity_subject: str, acted: Iterable[Signal]) -> list[Told]:
    """What the shop hears of an identity with which others pay: who acted, and that it ties nobody."""
    shop, _, identity = identity_subject.partition(":")
    if not _is_strong(identity):
        # An address or a name ties nobody anyway.
        return []
    told = [
        Signal(
            signal.at_ms,
            signal.event_id,
            f"{UNTIED}/{signal.ref.partition('/')[2]}",
            UNTIED,
            signal.version,
            {"buyer": signal.values["buyer"], "identity": identity},
        )
        for signal in acted
    ]
    return first_of_days([Told("shop", shop, one) for one in told], MAX_PASSED_ON_A_DAY)


def left_out(
    signals: Iterable[Signal], declared: Set[str], hub_paying_buyers: int
) -> Mapping[str, Set[Hub]]:
    """By account, what might tie it and does not: the shop declared it, or payers share it."""
    found: defaultdict[str, set[Hub]] = defaultdict(set)
    for signal in signals:
        if signal.name not in (TIED, UNTIED) or not signal.values:
            continue
        account, identity = str(signal.values["buyer"]), str(signal.values["identity"])
        if identity in declared and _is_strong(identity):
            found[account].add(hubs.declared(identity))
        elif signal.name == UNTIED:
            found[account].add(hubs.of_other_payers(identity, hub_paying_buyers))
    return found


def clusters(
    shop: str, signals: Iterable[Signal], of_rings: Iterable[Act], declared: Set[str]
) -> list[list[Act]]:
    """Acts of accounts that look like one actor: a strong identity ties them together, or one ring does.

    `signals` are all that the shop was told. Each cluster is in order.
    """
    told = [signal for signal in signals if signal.name == TIED and signal.values]
    sets: DisjointSets[tuple[str, str]] = DisjointSets()
    for signal in told:
        identity = str(signal.values["identity"])
        # An address or a name ties strangers together.
        if _is_strong(identity) and identity not in declared:
            sets.union(("account", str(signal.values["buyer"])), ("identity", identity))
    found = [*_told_acts(shop, told), *of_rings]
    for act in found:
        first, *others = act.accounts
        for other in others:
            sets.union(("account", first), ("account", other))
    together: defaultdict[tuple[str, str], list[Act]] = defaultdict(list)
    for act in sorted(found, key=_came):
        together[sets.find(("account", next(iter(act.accounts))))].append(act)
    return list(together.values())


def _told_acts(shop: str, told: Iterable[Signal]) -> Iterable[Act]:
    """One act for what several identities told of the same episode: by what is kept longest."""
    of_act: dict[tuple[str, str, str], Signal] = {}
    for signal in sorted(told, key=lambda signal: (signal.at_ms, signal.ref)):
        v = signal.values
        if "act" in v:
            of_act[str(v["buyer"]), str(v["detector"]), signal.event_id] = signal
    for (buyer, detector, anchor), signal in of_act.items():
        v = signal.values
        yield Act(
            int(v["opened_ms"]),
            str(v["act"]),
            Child(detector, "buyer", f"{shop}:{buyer}", anchor),
            cast(Severity, v["severity"]),
            int(v.get("settled_ms", NEVER)),
            signal.version,
            # People read when it was; the signal is as old as the oldest fact it rests on.
            msgspec.structs.replace(signal, at_ms=int(v["opened_ms"])),
            frozenset(),
            {buyer},
        )
