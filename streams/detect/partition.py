"""One partition: the states of its subjects, their timers and the frontier, driven batch by batch.

The caller reads records, decodes them and hands over facts by subject; it gets back effects and has
to publish alerts and signals first, then write the changed states, then acknowledge (law L8).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from schemas.alerts import Alert, SubjectKind
from schemas.topics import BUYER_TOPICS, ITEM_TOPICS
from streams.detect.detector import Topics
from streams.detect.engine import Engine
from streams.detect.episodes import Told
from streams.detect.facts import DAY_MS, AnyFact, Fact, OrderPaid, OrderPlaced
from streams.detect.horizon import Frontier
from streams.detect.quiet import Gate
from streams.detect.resting import COMPRESSED, States
from streams.detect.state import (
    BODY,
    NO_WAKE,
    NO_WAKE_BYTES,
    WAKE,
    asked_for_wake,
    header,
    wake_of,
)
from streams.detect.timers import ALL
from streams.detect.wakes import Horizons, Wakes

# Subjects are stored under `<letter>/<id>`, since ids of different kinds may coincide.
LETTER: dict[SubjectKind, str] = {
    "buyer": "b",
    "item": "i",
    "order": "o",
    "shop": "s",
    "identity": "x",
}
KIND: dict[str, SubjectKind] = {letter: kind for kind, letter in LETTER.items()}
# Who is not heard of for so long rests; noticed after twice as long at most. An order, its payment and the
# talk about it are closer together, and its parcel is further away.
REST_MS = 30 * 60_000

# For what is further away than this nobody is kept waiting: a date that somebody mistyped.
LONGEST_WAIT_MS = 365 * DAY_MS


class StagePlan(NamedTuple):
    """What a stage is: the topics that it reads, all parted alike, and whose states it keeps."""

    name: str
    topics: tuple[str, ...]
    kinds: tuple[SubjectKind, ...]

    @property
    def state_topic(self) -> str:
        """Where the states are kept."""
        return f"{self.name}-state"


BUYERS: Final = StagePlan("buyer", BUYER_TOPICS, ("buyer",))
SUBJECTS: Final = StagePlan(
    "subject", ("signals", *ITEM_TOPICS), ("item", "order", "shop", "identity")
)
STAGES: Final = (BUYERS, SUBJECTS)
# What a worker reads, but for its own states.
READ: Final = (*BUYERS.topics, *SUBJECTS.topics)


class Effects:
    """What a batch leads to. `changed` maps a stored key to its new state, None to delete it.

    `intents` pack the states to store before alerts and signals are published, by stored key.
    """

    def __init__(self) -> None:
        self.intents: dict[str, Callable[[], bytes]] = {}
        self.alerts: list[Alert] = []
        self.told: list[Told] = []
        self.changed: dict[str, bytes | None] = {}
        self.late: list[Fact] = []
        self.insufficient: Counter[tuple[str, str]] = Counter()
        self.evaluated = 0


class _Traded:
    """Who ordered and who paid in a batch: the newest times, by shop, of orders by buyer too."""

    def __init__(self) -> None:
        self._paid: dict[str, int] = {}
        self._ordered: dict[str, dict[str, int]] = {}

    def see(self, key: str, facts: Sequence[AnyFact]) -> None:
        """Notice what a buyer did."""
        paid_ms = ordered_ms = 0
        for fact in facts:
            kind = type(fact)
            if kind is OrderPlaced:
                if fact.at_ms > ordered_ms:
                    ordered_ms = fact.at_ms
            elif kind is OrderPaid and fact.at_ms > paid_ms:
                paid_ms = fact.at_ms
        shop = key[2 : key.index(":")]
        if paid_ms > self._paid.get(shop, 0):
            self._paid[shop] = paid_ms
        if ordered_ms:
            self._ordered.setdefault(shop, {})[key[2:]] = ordered_ms

    def tell(self, frontier: Frontier) -> None:
        """Let the frontier know, so that it notices a shop whose payments have fallen silent."""
        for shop, buyers in self._ordered.items():
            # Orders before the newest payment would be let go at once, and that is nearly all of them.
            paid_ms = self._paid.get(shop, 0)
            waiting = {buyer: at_ms for buyer, at_ms in buyers.items() if at_ms > paid_ms}
            if waiting:
                frontier.ordered(shop, waiting)
        for shop, paid_ms in self._paid.items():
            frontier.paid(shop, paid_ms)


class Partition:
    """State and time of one partition of one stage."""

    def __init__(self, engine: Engine, kinds: Sequence[SubjectKind], frontier: Frontier) -> None:
        self.engine = engine
        self.frontier = frontier
        self.states = States()
        self._waits = engine.waits_for(kinds)
        self._wakes = Wakes(self._waits)
        self._swept_at_ms = self._turned_at_ms = 0
        # By kind and shop, as stored keys begin.
        self._gates: dict[str, Gate] = {}
        # The sets of topics that unseen facts may wait for, by any of the gates.
        self._awaited: set[Topics] = set()

    def load(self, key: str, packed: bytes) -> None:
        """Take a stored state back after a restart."""
        self.states[key] = packed
        self.states.heard_of((key,))
        # This is also where a state that cannot be read is noticed.
        known = header(packed)
        if known.wake != NO_WAKE:
            self._gate_of(key)
            self._wakes.load(key, known)

    def _gate_of(self, key: str) -> Gate:
        about = key.partition(":")[0]
        gate = self._gates.get(about)
        if gate is None:
            gate = self._gates[about] = self.engine.gate(KIND[key[0]], key[2:])
            self._awaited |= gate.topics
        return gate

    def renew(self) -> None:
        """Ask the engine anew what needs no evaluation: it has other rules now."""
        for about in self._gates:
            gate = self._gates[about] = self.engine.gate(KIND[about[0]], about[2:])
            self._awaited |= gate.topics

    def apply(
        self,
        newest_ms: Mapping[str, int],
        facts: Mapping[str, Sequence[AnyFact]],
        most_woken: int = ALL,
    ) -> Effects:
        """Apply the facts of a batch, by stored key, then wake subjects whose time has come."""
        return self.apply_each(newest_ms, facts.items(), most_woken)

    def apply_each(
        self,
        newest_ms: Mapping[str, int],
        facts: Iterable[tuple[str, Sequence[AnyFact]]],
        most_woken: int = ALL,
    ) -> Effects:
        """The same of keys with their facts, each key once; at the next one most of them are done with.

        `newest_ms` is the newest event time per topic, of events without a fact as well. Who is due and
        not among the first `most_woken` is left for the next time.
        """
        effects = Effects()
        traded = _Traded() if "orders" in newest_ms or "payments" in newest_ms else None
        loud = self._take_quiet(facts, effects, traded)
        if traded is not None:
            # First, for a shop whose payments turn out to be silent stays where the frontier was before.
            traded.tell(self.frontier)
        for topic, at_ms in newest_ms.items():
            self.frontier.saw(topic, at_ms)
        horizons = Horizons(self.frontier, self._waits)
        self._apply(loud, horizons, effects)
        self._wake(horizons, effects, most_woken)
        return effects

    def _take_quiet(
        self,
        facts: Iterable[tuple[str, Sequence[AnyFact]]],
        effects: Effects,
        traded: _Traded | None,
    ) -> list[tuple[str, Sequence[AnyFact]]]:
        """Append what cannot change a conclusion; give back what must be looked at.

        The hot loop of worker and replay: nearly all facts end here.
        """
        states, changed, gates = self.states, effects.changed, self._gates
        kept = states.kept
        loud: list[tuple[str, Sequence[AnyFact]]] = []
        grown = 0
        for key, new in facts:
            if traded is not None:
                # Here, while they are at hand: facts of a large batch have left the processor's cache.
                traded.see(key, new)
            gate = gates.get(key.partition(":")[0]) or self._gate_of(key)
            before = known = kept.get(key)
            if known is not None and known[BODY] == COMPRESSED:
                known = states.plain(known)
            packed = gate.take(known, new)
            if packed is None:
                loud.append((key, new))
                continue
            if packed[WAKE] != NO_WAKE_BYTES or (before and before[WAKE] != NO_WAKE_BYTES):
                self._wakes.unseen(key, wake_of(packed))
            kept[key] = changed[key] = packed
            grown += len(packed) - (len(before) if before else 0)
        states.size_bytes += grown
        return loud

    def tick(self, most_woken: int = ALL) -> Effects:
        """Wake whose time has come after the frontier moved without events, so many at most."""
        effects = Effects()
        self._wake(Horizons(self.frontier, self._waits), effects, most_woken)
        return effects

    def _wake(self, horizons: Horizons, effects: Effects, most: int) -> None:
        payments_of = partial(self.frontier.horizon, ("payments",))
        proven_ms = min((horizons.overall[topics] for topics in self._awaited), default=0)
        waits_of = partial(self._waits_of, proven_ms)
        for due in self._wakes.due(horizons, payments_of, self._awaited, waits_of, most):
            self._apply([(key, ()) for key in due if key in self.states], horizons, effects)
        self._sweep(effects)
        self._let_rest(effects)

    def _waits_of(self, proven_ms: int, key: str) -> Mapping[Topics, int] | None:
        """What the unseen facts of a subject wait for; None where it is to be looked at at once.

        `proven_ms` is up to where all topics are read that unseen facts may wait for.
        """
        packed = self.states.get(key)
        if packed is None:
            return {}
        has_asked = asked_for_wake(packed)
        if not has_asked and (wake_of(packed) or 0) <= proven_ms:
            # It is due whichever of them it waits for, and that is nearly everybody.
            return None
        waits = self._gate_of(key).waits(packed)
        if not waits and not has_asked:
            # Other rules than today's wanted a wake-up. What was asked for has a timer of its own.
            return None
        return waits

    def _apply(
        self,
        facts: Iterable[tuple[str, Sequence[AnyFact]]],
        horizons: Horizons,
        effects: Effects,
    ) -> None:
        """Bring facts, or none for a wake-up, to their subjects."""
        states, changed, ask = self.states, effects.changed, self.engine.apply
        for key, new in facts:
            subject = key[2:]
            before = states.get(key)
            outcome = ask(KIND[key[0]], subject, before, new, horizons.about(subject))
            if outcome.late:
                effects.late.extend(outcome.late)
            packed = outcome.packed
            if packed is None:
                continue
            effects.evaluated += 1
            states[key] = changed[key] = packed
            if outcome.intent is not None:
                effects.intents[key] = outcome.intent
            if outcome.alerts or outcome.told or outcome.insufficient:
                effects.alerts.extend(outcome.alerts)
                effects.told.extend(outcome.told)
                effects.insufficient.update(outcome.insufficient)
            if before is not None and wake_of(before) is not None:
                self._wakes.forget(key, before)
            if outcome.wakes:
                # Detectors may wait for the same topics: the earliest comes last, and stays.
                self._wakes.ask(key, dict(sorted(outcome.wakes, reverse=True)), horizons)

    def _sweep(self, effects: Effects) -> None:
        """Forget subjects of which nothing has been heard for a whole retention, once per event day.

        Not those of whom something is still to be concluded: a topic may lag, or have no event at all, and
        a parcel may be promised for later.
        """
        newest_ms = self.frontier.newest_ms
        if newest_ms - self._swept_at_ms < DAY_MS:
            return
        self._swept_at_ms = newest_ms
        over = [
            (key, kept)
            for key, kept in self.states.older_than(newest_ms - Fact.retention_ms - DAY_MS)
            if header(kept).wake > newest_ms + LONGEST_WAIT_MS
        ]
        for key, kept in over:
            self._wakes.forget(key, kept)
            if header(kept).said:
                effects.alerts += self.engine.forget(KIND[key[0]], key[2:], self.states[key])
            del self.states[key]
            effects.changed[key] = None

    def _let_rest(self, effects: Effects) -> None:
        """Keep the states of whom nothing is heard for some event time in less room."""
        self.states.heard_of(effects.changed)
        newest_ms = self.frontier.newest_ms
        if newest_ms - self._turned_at_ms >= REST_MS:
            self._turned_at_ms = newest_ms
            self.states.turn()
        self.states.rest()
