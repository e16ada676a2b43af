"""What a detector is. One file in `detectors/` per detector id; the registry finds them by itself.

`evaluate` must be pure: the same facts, horizon and rules give the same verdict, whatever came before.
The trap: silence proves something only up to `horizon_ms`; facts count wherever they lie.
"""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import KeysView, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Generic, NamedTuple, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from schemas.alerts import ActionCode, SubjectKind
from streams.detect.entries import ComplaintKind
from streams.detect.episodes import Episode, Verdict
from streams.detect.facts import AnyFact, Fact, OrderPlaced, Signal

F = TypeVar("F")

# Inputs that a detector reads together: it relies on the silence of all of them.
Topics = tuple[str, ...]
# Of rule blocks: how many of something there must be at least, and lengths of time.
Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[int, Field(ge=0)]
# A name in the rules that every reader may see. Other texts may stand for people, and are shown to nobody.
Word = Annotated[str, StringConstraints(pattern=r"^[\w-]+$")]
# That of an amount in the rules; amounts in another one are not compared with it.
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
# The most that anybody can mean, by the unit in which a name ends: ten years, what an amount of money may
# be, a thousand million of anything else. Longer times would end after the last year of the calendar. A
# window longer than facts are kept would not hold what it seems to.
_MOST = {
    "window_s": Fact.retention_ms // 1000,
    "_s": 10 * 366 * 86_400,
    "_days": 10 * 366,
    "_minor": 10**15,
    "": 10**9,
}


class RuleBlock(BaseModel):
    """The thresholds of one detector. Each says where it is from, for the rules of platforms change."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    # Pairs of fields of which the first must not be less than the second: a critical level below the
    # warning, or episodes closer together than a window is long, mean nothing.
    at_least: ClassVar[tuple[tuple[str, str], ...]] = ()

    source: str
    as_of: str

    @field_validator("*")
    @classmethod
    def _can_be_meant(cls, value: Any, field: ValidationInfo) -> Any:
        name = field.field_name or ""
        most = next(most for unit, most in _MOST.items() if name.endswith(unit))
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, int) and number > most:
                raise ValueError(f"expected at most {most}")
        return value

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        for greater, lesser in self.at_least:
            values = getattr(self, greater), getattr(self, lesser)
            if values[0] < values[1]:
                raise ValueError(
                    f"{greater} is {values[0]}; expected at least {lesser}, {values[1]}"
                )
        return self


R = TypeVar("R", bound=RuleBlock)


class Facts:
    """The facts of one subject by kind, each list sorted by (time, event id).

    `had_older`: retention has let go of others, so that not everything about its past is known.
    """

    __slots__ = ("_by_kind", "had_older", "subject")

    def __init__(self, subject: str, facts: Sequence[AnyFact], *, had_older: bool = False) -> None:
        self.subject = subject
        self.had_older = had_older
        self._by_kind: defaultdict[type, list[Any]] = defaultdict(list)
        by_kind = self._by_kind
        for fact in facts:
            by_kind[type(fact)].append(fact)

    def of(self, kind: type[F]) -> Sequence[F]:
        """All facts of one kind."""
        return self._by_kind.get(kind, ())

    @property
    def kinds(self) -> KeysView[type]:
        """The kinds that have at least one fact."""
        return self._by_kind.keys()


class Step(NamedTuple):
    """A suggested next step for a person, in both languages; `playbooks` has the usual ones.

    `prerequisites` are (zh, en): what must be there before the step makes sense. `due_ms` is when it
    should be done. `draft` is a text to copy: a Chinese message to the buyer, or a complaint form.
    `complaint` is the kind and the story of a complaint form: its entry depends on the shop, which the
    detector does not know, so `playbooks.for_shop` writes the form anew.
    """

    code: ActionCode
    zh: str
    en: str
    prerequisites: Sequence[tuple[str, str]] = ()
    due_ms: int | None = None
    draft: str | None = None
    complaint: tuple[ComplaintKind, str] | None = None


class Due(NamedTuple):
    """A deadline of the domain (T01 …) that matters for an episode."""

    code: str
    at_ms: int
    zh: str
    en: str


class Child(NamedTuple):
    """An episode of another detector that a second-order episode puts together with others."""

    detector: str
    kind: SubjectKind
    subject: str
    anchor_event_id: str


def counted(number: object, noun: str) -> str:
    """A number of things in English: 1 order, 4 orders."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


class Wording(NamedTuple):
    """What lists and tables call a detector and its numbers. Pairs are (zh, en).

    `units` are those that only it counts in, `details` the values that only its signals carry, without
    the ending `_ms`, and `rules` the fields that only its block has and that are no limit of a threshold:
    what several detectors share has its words in `streams.inbox`.
    """

    title: tuple[str, str]
    thresholds: Mapping[str, tuple[str, str]]
    units: Mapping[str, tuple[str, str]] = {}
    details: Mapping[str, tuple[str, str]] = {}
    rules: Mapping[str, tuple[str, str]] = {}


class Presentation(NamedTuple):
    """What people read about an episode. Pairs are (zh, en).

    `ended` says why it is over, and is read only of an episode that is. `groups` are the episodes that
    it puts together. `cluster_id` names a ring of accounts.
    """

    title: tuple[str, str]
    summary: tuple[str, str]
    not_if: tuple[str, str]
    ended: tuple[str, str]
    steps: Sequence[Step]
    deadlines: Sequence[Due] = ()
    groups: Sequence[Child] = ()
    cluster_id: str | None = None


ANY_NUMBER = 1 << 62


class Least(NamedTuple):
    """How many facts of one kind a detector needs before it has anything to say: any one suffices.

    Units are those of orders. Orders paid within `paid_within_s` do not count, but for those of
    `units_whenever_paid` or more.
    """

    kind: type[OrderPlaced | Signal]
    facts: int = ANY_NUMBER
    paid_within_s: int = ANY_NUMBER
    units: int = ANY_NUMBER
    units_of_one: int = ANY_NUMBER
    units_whenever_paid: int = ANY_NUMBER


class Awaits(NamedTuple):
    """A trigger that matters only if `within_s` pass without a fact `by` about the same order.

    Of `ANY_NUMBER` of seconds nobody waits for the end: it never matters by itself.
    """

    kind: type[AnyFact]
    within_s: int
    by: type[AnyFact]


class Detector(ABC, Generic[R]):
    """One rule about one kind of subject.

    `triggers`: without a fact of one of these kinds there is nothing to evaluate.
    `topics`: the inputs whose silence it relies on; its horizon is the minimum over them.
    """

    id: ClassVar[str]
    name: ClassVar[str]
    subject: ClassVar[SubjectKind]
    triggers: ClassVar[tuple[type[AnyFact], ...]]
    topics: ClassVar[Topics]
    rules: ClassVar[type[RuleBlock]]
    # Whether a warning of it blames the buyer; many only tell the seller what to do.
    accuses: ClassVar[bool] = True
    # Detectors whose signals it reads, so that it cannot run without them.
    needs: ClassVar[tuple[str, ...]] = ()
    # Whether it reads facts about receivers: reading those is the dearest part of an order.
    reads_receivers: ClassVar[bool] = False
    # What pages call it. One that only tells others needs none, nor do further classes of its id.
    wording: ClassVar[Wording] = Wording(title=("", ""), thresholds={})

    @abstractmethod
    def evaluate(self, facts: Facts, horizon_ms: int, rules: R) -> Verdict:
        """All episodes implied by the facts, as known up to the horizon."""

    def least(self, rules: R) -> Least | None:
        """Less than this of one trigger is `NOTHING`, as long as there is no other.

        None where a single one may matter. Duplicates count, so it must hold for any subset too.
        What a detector with `least` or `awaits` tells about an order may depend on facts about that order,
        and on those about others only if they are no later.
        """
        return None

    def awaits(self, rules: R) -> Sequence[Awaits]:
        """Triggers that are `NOTHING` before their time, and for good once what they await has come."""
        return ()

    def present(self, episode: Episode, subject: str, rules: R) -> Presentation:
        """The texts, next steps and deadlines of an episode. Not for detectors that only signal."""
        raise NotImplementedError(f"{self.id} raises no episodes of its own")


def find_detectors() -> tuple[Detector[Any], ...]:
    """All detectors of the package, ordered by id; a file takes part by defining `DETECTORS`."""
    package = importlib.import_module("streams.detect.detectors")
    found: list[Detector[Any]] = []
    for module in pkgutil.iter_modules(package.__path__):
        loaded = importlib.import_module(f"{package.__name__}.{module.name}")
        found.extend(loaded.DETECTORS)
    return tuple(sorted(found, key=lambda detector: (detector.id, detector.subject)))
