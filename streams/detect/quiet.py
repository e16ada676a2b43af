"""Facts that cannot change a conclusion are appended to a subject's state, unread and unmerged.

Nearly every event is of an honest buyer and leads to nothing. Detectors say which facts could make
them speak at all; as long as a subject has none, merging and evaluating can wait until it has. That
changes no conclusion, for facts merge in any order (law L1); it only saves the work.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, get_args

from streams.detect.detector import ANY_NUMBER, Detector, Facts, RuleBlock, Topics
from streams.detect.facts import NEVER, AnyFact, Fact, OrderPaid, OrderPlaced, PayerSeen, Signal
from streams.detect.state import (
    LOUD,
    MOST_COUNTED,
    MOST_UNITS,
    NO_WAKE,
    Quiet,
    append,
    begin,
    header_fields,
    packed_fact,
    told,
    unpack,
)

# So many unmerged facts at most: duplicates and expired ones must not pile up.
MAX_TAIL = 32

# The order that a fact of a kind is about: its name, where it has no other word for it.
_ORDER_OF: dict[type, Callable[[Any], str]] = {
    kind: attrgetter("order_id" if "order_id" in kind.__struct_fields__ else "ref")
    for kind in get_args(AnyFact)
}
# What is awaited: the kind of fact, and the order that it must be about.
Wait = tuple[type, str]
_CORRECTED = (OrderPlaced, OrderPaid)


@dataclass(frozen=True, slots=True)
class _Role:
    """What a kind of fact means to a gate; most kinds have none.

    No named tuple: slots are read faster, and the hot path reads them for every fact.
    """

    order: Callable[[Any], str]
    is_loud: bool
    is_counted: bool
    # What it awaits, if anything, and for how long.
    by: type | None
    within_ms: int
    settles: bool


def _role(
    kind: type,
    awaits: Mapping[type, tuple[type, int]],
    settles: Set[type],
    loud: Set[type] = frozenset(),
    counted: Set[type] = frozenset(),
) -> _Role:
    by, within_ms = awaits.get(kind, (None, 0))
    return _Role(_ORDER_OF[kind], kind in loud, kind in counted, by, within_ms, kind in settles)


class Gate:
    """Which facts about one kind of subject under one set of rules cannot lead to anything by themselves.

    Made of all detectors of that kind: orders below the `Least` of each, what only `Awaits` something,
    and every kind of fact that triggers none of them.
    """

    def __init__(self, asked: Sequence[tuple[Detector[Any], RuleBlock]]) -> None:
        # What is kept for less than the others must be looked at to be let go in time.
        loud = {kind for kind in get_args(AnyFact) if kind.retention_ms < Fact.retention_ms}
        awaits: dict[type, tuple[type, int]] = {}
        awaits_of: defaultdict[Topics, dict[type, tuple[type, int]]] = defaultdict(dict)
        self._count, self._units = MOST_COUNTED, MOST_UNITS
        self._units_of_one = self._units_whenever_paid = MOST_UNITS
        self._paid_within_ms = ANY_NUMBER
        counted = set()
        # Who may have something to say of facts that are quiet: that something has not come.
        self.patient: list[Detector[Any]] = []
        for detector, rules in asked:
            least = detector.least(rules)
            patient = {one.kind: one for one in detector.awaits(rules)}
            if any(one.within_s < ANY_NUMBER for one in patient.values()):
                self.patient.append(detector)
            for kind in detector.triggers:
                if kind in patient:
                    one = patient[kind]
                    for known in (awaits, awaits_of[detector.topics]):
                        by, within_ms = known.setdefault(kind, (one.by, 1000 * one.within_s))
                        known[kind] = by, min(within_ms, 1000 * one.within_s)
                    if awaits[kind][0] is not one.by:
                        loud.add(kind)
                elif least is not None and kind is least.kind:
                    counted.add(kind)
                    self._count = min(self._count, least.facts)
                    self._units = min(self._units, least.units)
                    self._units_of_one = min(self._units_of_one, least.units_of_one)
                    self._units_whenever_paid = min(
                        self._units_whenever_paid, least.units_whenever_paid
                    )
                    self._paid_within_ms = min(self._paid_within_ms, 1000 * least.paid_within_s)
                else:
                    loud.add(kind)
        if len(counted) > 1:
            # There is one tally. Nothing needs two so far.
            loud |= counted
        self.loud = frozenset(loud)
        self._large_units = min(self._units_of_one, self._units_whenever_paid)
        settles = {by for by, _ in awaits.values()}
        self._roles = {
            kind: _role(kind, awaits, settles, loud, counted)
            for kind in {*loud, *awaits, *settles, *counted}
        }
        # The same by the topics whose silence proves that nothing came.
        self._roles_of = {
            topics: {kind: _role(kind, known, settles) for kind in {*known, *settles}}
            for topics, known in awaits_of.items()
            if any(topics == detector.topics for detector in self.patient)
        }
        self.topics = frozenset(self._roles_of)
        names = ",".join(sorted(kind.__name__ for kind in loud))
        # Never 0. Other detectors have another mark, and then states are looked at anew.
        self._mark = zlib.crc32(names.encode()) % MOST_COUNTED + 1

    def take(self, packed: bytes | None, new: Sequence[AnyFact]) -> bytes | None:
        """The state with the new facts at its end; None when they must be merged and looked at.

        The hot path of worker and replay: one or two microseconds for a fact.
        """
        newest_ms = count = units = tail = 0
        wake = NO_WAKE
        if packed is None:
            oldest_ms = new[0].at_ms
        else:
            newest_ms, wake, asked, mark, count, units, tail, said = header_fields(packed)
            if mark != self._mark:
                return None
            oldest_ms = newest_ms
            if said and _concern_told(packed, said, new):
                return None
        if tail + len(new) > MAX_TAIL:
            return None
        is_large = False
        waiting: list[tuple[int, Wait]] = []
        came_ms: dict[Wait, int] = {}
        roles = self._roles
        for fact in new:
            at_ms = fact.at_ms
            if at_ms > newest_ms:
                newest_ms = at_ms
            elif at_ms < oldest_ms:
                oldest_ms = at_ms
            kind = type(fact)
            role = roles.get(kind)
            if role is None:
                continue
            if role.is_loud:
                return None
            if role.is_counted:
                count += 1
                if type(fact) is OrderPlaced:
                    units += fact.units
                    if fact.units >= self._large_units:
                        is_large = True
            # As in `_note`, without a second look at each.
            if role.settles:
                wait = kind, role.order(fact)
                if at_ms < came_ms.get(wait, NEVER):
                    came_ms[wait] = at_ms
            if role.by:
                waiting.append((at_ms + role.within_ms, (role.by, role.order(fact))))
        if newest_ms - oldest_ms > Fact.retention_ms:
            return None
        is_much = is_large or count >= self._count or units >= self._units
        if packed is None:
            quiet: tuple[int, int, int] = (self._mark, count, units)
            if is_much:
                quiet = self.of(Facts("", new))
                if quiet is LOUD:
                    return None
            due_ms = _first_ms(waiting, came_ms) if waiting else NO_WAKE
            return begin(new, newest_ms, due_ms, quiet)
        # A redelivery must not grow the state, and an order or a payment that is told anew may say
        # something else. What only looks the same costs a second look: the id of an order stands in all
        # that is known about it, and a payment may be read before its order.
        looks_known = False
        has_come = bool(came_ms)
        for fact in new:
            if type(fact) in _CORRECTED:
                looks_known = looks_known or fact.ref.encode() in packed
            elif (fact.event_id.encode() or packed_fact(fact)) in packed:
                return None
        if looks_known:
            names = {(type(fact), fact.ref) for fact in unpack(packed).facts}
            if any((type(fact), fact.ref) in names for fact in new):
                return None
            # What the order waits for may be among them.
            has_come = True
        if is_much:
            # The tally counts orders before it is known that they were paid in time.
            tally = self.of(Facts("", [*unpack(packed).facts, *new]))
            if tally is LOUD:
                return None
            count, units = tally.counted, tally.units
        if has_come and wake != asked:
            # What was merged was looked at, and asked for its wake-up itself.
            _note(unpack(packed).facts[-tail:], roles, waiting, came_ms)
            wake = min(asked, _first_ms(waiting, came_ms))
        elif waiting:
            wake = min(wake, _first_ms(waiting, came_ms))
        quiet = (self._mark, count, units)
        return append(packed, asked, tail, said, new, newest_ms, wake, quiet)

    def waits(self, packed: bytes) -> dict[Topics, int]:
        """By topics, when their silence will prove that something did not come to an unseen fact.

        The wake-up in the header is the earliest of these, whatever its topics. Cost: unpacking.
        """
        state = unpack(packed)
        unseen = state.facts[len(state.facts) - state.tail :]
        due: dict[Topics, int] = {}
        for topics, roles in self._roles_of.items():
            waiting: list[tuple[int, Wait]] = []
            came_ms: dict[Wait, int] = {}
            _note(unseen, roles, waiting, came_ms)
            at_ms = _first_ms(waiting, came_ms)
            if at_ms != NO_WAKE:
                due[topics] = at_ms
        return due

    def of(self, facts: Facts) -> Quiet:
        """What to remember about facts of which nothing is said; `LOUD` when that may change.

        What is awaited does not matter here: whoever looked asks to be woken in time.
        """
        if not self.loud.isdisjoint(facts.kinds):
            return LOUD
        paid: dict[str, int] = {}
        for payment in facts.of(OrderPaid):
            # Of several payments the last, should they not be sorted: that one is no earlier.
            paid[payment.order_id] = max(payment.at_ms, paid.get(payment.order_id, 0))
        count, units = len(facts.of(Signal)), 0
        for order in facts.of(OrderPlaced):
            if order.units >= self._units_whenever_paid:
                return LOUD
            if not 0 < paid.get(order.ref, 0) <= order.at_ms + self._paid_within_ms:
                count += 1
                units += order.units
                if order.units >= self._units_of_one:
                    return LOUD
        if count >= self._count or units >= self._units:
            return LOUD
        return Quiet(self._mark, count, units)


def _note(
    facts: Sequence[AnyFact],
    roles: Mapping[type, _Role],
    waiting: list[tuple[int, Wait]],
    came_ms: dict[Wait, int],
) -> None:
    """Add what facts wait for, and until when; and what has come, and when it first did.

    Of facts that nobody has looked at. Derived from these alone: what is remembered beside them, a restart
    would forget.
    """
    for fact in facts:
        role = roles.get(type(fact))
        if role is None:
            continue
        if role.settles:
            wait = type(fact), role.order(fact)
            if fact.at_ms < came_ms.get(wait, NEVER):
                came_ms[wait] = fact.at_ms
        if role.by:
            waiting.append((fact.at_ms + role.within_ms, (role.by, role.order(fact))))


def _first_ms(waiting: Sequence[tuple[int, Wait]], came_ms: Mapping[Wait, int]) -> int:
    """When something awaited will first not have come in time."""
    due_ms = NO_WAKE
    for at_ms, wait in waiting:
        if at_ms < due_ms and came_ms.get(wait, NEVER) > at_ms:
            due_ms = at_ms
    return due_ms


def _concern_told(packed: bytes, size: int, new: Sequence[AnyFact]) -> bool:
    """Whether facts may change what a subject told others: of an order that was told, or before one.

    See `Detector.least`. What was published may depend on any fact, and then a subject is never quiet.
    """
    said, told_ms = told(packed, size)
    return any(
        fact.at_ms <= told_ms
        # Who pays for one order is known of the others too.
        or type(fact) is PayerSeen
        or _ORDER_OF[type(fact)](fact).encode() in said
        for fact in new
    )
