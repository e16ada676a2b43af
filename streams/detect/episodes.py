"""Episodes: what the facts about one subject imply, and the verdict that a detector returns.

An episode is a run of crossings no further apart than a cooldown:

    time ──────●──●─────●────────────────────────●──●────▶
               crossings                         crossings
               └─ episode 1 ─┘ > cooldown        └─ episode 2
               ▲ opened_at                       its anchor is the first fact of the first crossing

It is a function of the facts and the horizon, never of when somebody looked.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal, NamedTuple, Protocol, TypeVar

import msgspec

from schemas.alerts import SEVERITIES, AlertStatus, Severity, SubjectKind
from streams.detect.facts import NEVER, AnyFact, Signal, by_time

F = TypeVar("F", bound=AnyFact)
LEVELS = SEVERITIES
HeldState = Literal["held", "paid", "closed"]


def higher(a: Severity, b: Severity) -> Severity:
    """The more severe of two levels."""
    return a if LEVELS.index(a) >= LEVELS.index(b) else b


# The unit of a threshold that is an amount: this, and the currency after it.
MINOR_UNITS_OF: Final = "minor units of "


class Threshold(msgspec.Struct, frozen=True, gc=False):
    """One threshold beside the value compared with it; None where a level has no such threshold."""

    name: str
    value: int
    unit: str
    warn: int | None = None
    critical: int | None = None
    info: int | None = None


class Hold(msgspec.Struct, frozen=True, gc=False):
    """Units of one item that one order of the episode took out of sale."""

    item_id: str
    order_id: str
    units: int
    state: HeldState


class Episode(msgspec.Struct, frozen=True):
    """One episode of one detector about one subject. Times are epoch milliseconds of event time.

    `steps` counts the changes that the facts made to it so far; it orders revisions without a memory.
    `cooldown_s` is how far apart its crossings may be; it tells where facts that are gone belonged.
    `details` are the numbers that its texts need. `counter` are (zh, en) counter-evidence.
    `has_more_holds` says that `holds` may lack some, because not all that was told is kept.
    """

    detector: str
    anchor: AnyFact
    opened_at_ms: int
    last_at_ms: int
    status: AlertStatus
    ended_at_ms: int | None
    severity: Severity
    steps: int
    window_s: int
    members: tuple[AnyFact, ...]
    thresholds: tuple[Threshold, ...]
    details: dict[str, int | str]
    counter: tuple[tuple[str, str], ...] = ()
    holds: tuple[Hold, ...] = ()
    cooldown_s: int = 0
    has_more_holds: bool = False

    @property
    def updated_at_ms(self) -> int:
        """The event time of the last thing that happened to it."""
        return (
            self.last_at_ms if self.ended_at_ms is None else max(self.last_at_ms, self.ended_at_ms)
        )


class Told(NamedTuple):
    """A signal and the subject that it is told to."""

    kind: SubjectKind
    subject: str
    signal: Signal


class Verdict(NamedTuple):
    """All episodes that the facts imply, when to ask again if nothing happens, and what to tell others.

    `insufficient` names what was missing where there was too little to conclude: an explicit outcome.
    """

    episodes: Sequence[Episode] = ()
    wake_at_ms: int | None = None
    signals: Sequence[Told] = ()
    insufficient: Sequence[str] = ()


NOTHING = Verdict()


class Crossing(NamedTuple):
    """A moment at which a threshold was reached, and the facts that reached it, oldest first.

    `compared` are the numbers that were held against thresholds then, where a window counts several.
    """

    at_ms: int
    level: Severity
    facts: Sequence[AnyFact]
    compared: tuple[int, ...] = ()


class Run(NamedTuple):
    """The crossings of one episode, put together. `members` are ordered as they were first counted."""

    crossings: Sequence[Crossing]
    level: Severity
    members: tuple[AnyFact, ...]

    @property
    def anchor(self) -> AnyFact:
        """The first fact of the first crossing, which names the episode."""
        return self.crossings[0].facts[0]

    @property
    def opened_at_ms(self) -> int:
        """When it began."""
        return self.crossings[0].at_ms

    @property
    def last(self) -> Crossing:
        """The last crossing so far."""
        return self.crossings[-1]

    @property
    def last_at_ms(self) -> int:
        """When a threshold was last reached."""
        return self.last.at_ms

    @property
    def compared(self) -> tuple[int, ...]:
        """The highest numbers of any crossing: an episode of several windows has more members."""
        return tuple(map(max, zip(*(one.compared for one in self.crossings), strict=True)))


def runs(crossings: Iterable[Crossing], cooldown_ms: int) -> list[Run]:
    """Put crossings, sorted by time, into runs whose neighbours are at most `cooldown_ms` apart.

    A crossing may bring only the facts that earlier ones of its run have not brought already.
    """
    found: list[Run] = []
    current: list[Crossing] = []
    for crossing in crossings:
        if current and crossing.at_ms - current[-1].at_ms > cooldown_ms:
            found.append(_run(current))
            current = []
        current.append(crossing)
    if current:
        found.append(_run(current))
    return found


def _run(crossings: list[Crossing]) -> Run:
    level = crossings[0].level
    members: dict[tuple[type, str], AnyFact] = {}
    for crossing in crossings:
        level = higher(level, crossing.level)
        for fact in crossing.facts:
            members.setdefault((type(fact), fact.ref), fact)
    return Run(crossings, level, tuple(members.values()))


def slide(
    facts: Sequence[F],
    window_ms: int,
    key: Callable[[F], str],
    level_of: Callable[[Counter[str]], Severity | None],
) -> list[Crossing]:
    """Slide a window, both ends inclusive, over facts sorted by time and ask for the level at each time.

    `level_of` sees how many facts the window holds per `key`. A crossing brings the facts that have
    entered since the last one, and the whole window after a pause, so the sweep is linear.
    """
    found: list[Crossing] = []
    counts: Counter[str] = Counter()
    oldest = fresh = 0
    for i, fact in enumerate(facts):
        counts[key(fact)] += 1
        while facts[oldest].at_ms < fact.at_ms - window_ms:
            gone = key(facts[oldest])
            counts[gone] -= 1
            if not counts[gone]:
                del counts[gone]
            oldest += 1
        if i + 1 < len(facts) and facts[i + 1].at_ms == fact.at_ms:
            continue
        level = level_of(counts)
        if level:
            fresh = max(fresh, oldest)
            found.append(Crossing(fact.at_ms, level, facts[fresh : i + 1]))
            fresh = i + 1
    return found


class Held(Protocol):
    """Something that counts from one time on until another."""

    @property
    def counted_ms(self) -> int: ...

    @property
    def end_ms(self) -> int: ...


H = TypeVar("H", bound=Held)
# A tally of anything that is held will do for what is held in particular.
C = TypeVar("C", contravariant=True)


class Tally(Protocol[C]):
    """What is live within a window, and the level that it reaches."""

    def enter(self, one: C, /) -> None:
        """It counts from now on."""

    def leave(self, one: C, /) -> None:
        """It left the window, or ended."""

    def level(self) -> Severity | None:
        """The level of what is live now."""

    def compared(self) -> tuple[int, ...]:
        """The numbers of what is live now that thresholds are held against."""


def slide_live(
    held: Sequence[H], window_ms: int, tally: Tally[H], fact_of: Callable[[H], AnyFact]
) -> list[Crossing]:
    """Slide a window, both ends inclusive, over what is sorted by when it counts and ends by itself.

    Each enters and leaves once. A crossing brings only what is live and what no crossing has brought
    since it entered, so the whole sweep is linear.
    """
    found: list[Crossing] = []
    ends: list[tuple[int, int]] = []
    is_live = [False] * len(held)
    oldest = fresh = 0

    def leave(i: int) -> None:
        if is_live[i]:
            is_live[i] = False
            tally.leave(held[i])

    for i, one in enumerate(held):
        at_ms = one.counted_ms
        while held[oldest].counted_ms < at_ms - window_ms:
            leave(oldest)
            oldest += 1
        while ends and ends[0][0] <= at_ms:
            leave(heapq.heappop(ends)[1])
        is_live[i] = True
        tally.enter(one)
        if one.end_ms < NEVER:
            heapq.heappush(ends, (one.end_ms, i))
        if i + 1 < len(held) and held[i + 1].counted_ms == at_ms:
            continue
        level = tally.level()
        if level:
            brought = [fact_of(held[j]) for j in range(fresh, i + 1) if is_live[j]]
            fresh = i + 1
            found.append(Crossing(at_ms, level, brought, tally.compared()))
    return found


def by_moment(crossings: Iterable[Crossing]) -> list[Crossing]:
    """Crossings of several rules on one line of time: one a moment, the highest level, all facts.

    At most one of the rules may say what it compared.
    """
    moments: dict[int, Crossing] = {}
    for crossing in sorted(crossings, key=lambda c: c.at_ms):
        twin = moments.get(crossing.at_ms)
        if twin:
            facts = {(type(f), f.ref): f for f in (*twin.facts, *crossing.facts)}
            level = higher(twin.level, crossing.level)
            compared = twin.compared or crossing.compared
            members = sorted(facts.values(), key=by_time)
            crossing = Crossing(crossing.at_ms, level, members, compared)
        moments[crossing.at_ms] = crossing
    return list(moments.values())


def outcome(
    resolved_ms: int | None, expires_ms: int, horizon_ms: int
) -> tuple[AlertStatus, int | None]:
    """What became of an episode, and when: a fact has settled it, it is over by itself, or neither."""
    if resolved_ms is not None:
        return "resolved", resolved_ms
    if expires_ms <= horizon_ms:
        return "expired", expires_ms
    return "open", None


def level_at(value: int, warn: int, critical: int) -> Severity | None:
    """The level that a count reaches."""
    if value >= critical:
        return "critical"
    return "warn" if value >= warn else None
