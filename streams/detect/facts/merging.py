"""How facts merge, and how they are let go.

Merging keeps, per name, the fact of the highest rank; it is commutative, associative and idempotent,
so arrival order, duplicates and batching cannot matter.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from itertools import takewhile
from operator import attrgetter

import msgspec

from streams.detect.facts.any import AnyFact
from streams.detect.facts.base import BAN_RETENTION_MS, BANNED, SHORTEST_RETENTION_MS, Fact, Signal
from streams.detect.facts.people import AccountFlagged
from streams.detect.facts.trade import Identified, PayerSeen, Redirected

# More facts of one kind than this are not kept; the newest stay. It bounds the cost per event of a
# subject that is being flooded. Ten times the largest burst in the seeds (「几百件」). Each name of a
# signal is a kind of its own: what one detector tells must not push out what another one told.
MAX_FACTS_PER_KIND = 1000

# Nor are more bytes of them, packed: a subject is one record of the changelog, and a record that the
# broker refuses would stop the worker, and each one after it. Half of what a record may hold; what was
# said and told stands beside the facts. Fewer facts than `FEWEST_WEIGHED` are never so many bytes.
MAX_FACT_BYTES = 2 * 1024 * 1024
FEWEST_WEIGHED = 64

# One event may make several facts of a kind (a trade that a connector splits into two orders); without
# their own names, their order would be that of their arrival.
by_time = attrgetter("at_ms", "event_id", "ref")
_packed = msgspec.msgpack.Encoder().encode


def merge(known: list[AnyFact], new: Sequence[AnyFact]) -> bool:
    """Merge `new` into `known` in place, leaving it sorted `by_time`; say if it changed.

    Cost: linear in both, without sorting unless a fact came late or replaced another.
    """
    if not new:
        return False
    if _has_common_names(known, new):
        return _merge_by_name(known, new)
    last_ms = known[-1].at_ms if known else -1
    known += new
    for fact in new:
        at_ms = fact.at_ms
        # Input mostly arrives in order; facts of one moment are ordered by event id and name.
        if at_ms <= last_ms:
            known.sort(key=by_time)
            break
        last_ms = at_ms
    return True


def merged(facts: list[AnyFact], tail: int) -> list[AnyFact]:
    """The facts of a state, of which the last `tail` were only appended."""
    known = facts[:-tail]
    merge(known, facts[-tail:])
    return known


def _has_common_names(known: list[AnyFact], new: Sequence[AnyFact]) -> bool:
    """Whether any name occurs twice; nearly always none does, and then merging is adding."""
    if len(new) == 1:
        kind, ref = type(new[0]), new[0].ref
        return ref in [fact.ref for fact in known if type(fact) is kind]
    names = {(type(fact), fact.ref) for fact in (*known, *new)}
    return len(names) < len(known) + len(new)


def _merge_by_name(known: list[AnyFact], new: Sequence[AnyFact]) -> bool:
    latest = {(type(fact), fact.ref): fact for fact in known}
    changed = False
    for fact in new:
        name = (type(fact), fact.ref)
        before = latest.get(name)
        if before is None or _replaces(fact, before):
            latest[name] = fact
            changed = True
    if changed:
        known[:] = sorted(latest.values(), key=by_time)
    return changed


def _replaces(fact: AnyFact, before: AnyFact) -> bool:
    rank, known = fact.rank(), before.rank()
    # Two contents under one event id are a sender's mistake, and may not depend on which came first.
    return rank > known or (rank == known and fact != before and _packed(fact) > _packed(before))


def is_expired(fact: Fact, newest_ms: int) -> bool:
    """Whether retention has passed for a fact, measured by its subject's own newest fact.

    The subject's own time, not the partition's: so what is kept is a function of the facts alone.
    """
    is_ban = isinstance(fact, Signal) and fact.name == BANNED
    return fact.at_ms < newest_ms - (BAN_RETENTION_MS if is_ban else fact.retention_ms)


def _has_expired(known: list[AnyFact], newest_ms: int) -> bool:
    for fact in known:
        if fact.at_ms >= newest_ms - SHORTEST_RETENTION_MS:
            return False
        if is_expired(fact, newest_ms):
            return True
    return False


def trim(known: list[AnyFact]) -> tuple[list[AnyFact], int]:
    """Let go of expired facts and of the oldest beyond the caps; also give the newest time let go.

    `known` must be sorted by time. Returns the same list when nothing has to go.
    """
    kept, let_go_ms = _few(known)
    if len(kept) > FEWEST_WEIGHED and len(_packed(kept)) > MAX_FACT_BYTES:
        left = MAX_FACT_BYTES
        for index in reversed(range(len(kept))):
            left -= len(_packed(kept[index]))
            if left < 0:
                return kept[index + 1 :], max(let_go_ms, kept[index].at_ms)
    return kept, let_go_ms


def _few(known: list[AnyFact]) -> tuple[list[AnyFact], int]:
    newest_ms = known[-1].at_ms
    if len(known) <= MAX_FACTS_PER_KIND and not _has_expired(known, newest_ms):
        return known, 0
    of_ban = _of_ban(known, newest_ms)
    kept: list[AnyFact] = []
    counts: dict[type | str, int] = {}
    let_go_ms = 0
    for fact in reversed(known):
        kind = fact.name if isinstance(fact, Signal) else type(fact)
        count = counts.get(kind, 0)
        is_over = is_expired(fact, newest_ms) and id(fact) not in of_ban
        if count >= MAX_FACTS_PER_KIND or is_over:
            let_go_ms = max(let_go_ms, fact.at_ms)
        else:
            counts[kind] = count + 1
            kept.append(fact)
    if let_go_ms == 0:
        return known, 0
    kept.reverse()
    return kept, let_go_ms


def _of_ban(known: Sequence[AnyFact], newest_ms: int) -> Set[int]:
    """By `id`, what is kept for longer than other facts because its buyer was banned.

    That is what was said about the ban; and while it stands, since when it does, and what orders are tied
    to, for a ban comes weeks after the orders that led to it. Flags of who was never banned are not: an
    account that was new once is not new for so long.
    """
    flags = [f for f in known if isinstance(f, AccountFlagged) and f.is_banned is not None]
    young = [flag for flag in flags if flag.at_ms >= newest_ms - BAN_RETENTION_MS]
    if not any(flag.is_banned for flag in young):
        return frozenset()
    if not flags[-1].is_banned:
        return {id(flag) for flag in young}
    *_, since = takewhile(attrgetter("is_banned"), reversed(flags))
    tied = [fact for fact in known if isinstance(fact, Identified | Redirected | PayerSeen)]
    return {id(fact) for fact in (*young, since, *tied)}
