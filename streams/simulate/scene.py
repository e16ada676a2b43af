"""What a story is made of: a scene to write it in, and the register of all stories.

A story is a function that gets a `Scene`; what is true about it stands in its decorator. The trap:
the detectors' pages decide what a lookalike may do, so when a threshold moves, the stories near it
move too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from streams.simulate.journal import Journal, Line, Purchase, SimEvent
from streams.simulate.labels import Also, Expected, Label, SubjectKind, Truth
from streams.simulate.people import Person, person
from streams.simulate.shapes import HOUR_MS, MINUTE_MS, SECOND_MS, price_minor


@dataclass(frozen=True, slots=True)
class Story:
    """The events of one story, ordered by time, and what is true about it."""

    name: str
    events: tuple[SimEvent, ...]
    label: Label

    @property
    def duration_s(self) -> float:
        """From the first event to the last."""
        return (self.events[-1].at_ms - self.events[0].at_ms) / 1000


@dataclass(slots=True)
class Scene:
    """What the writer of a story has at hand: a time, a shop, people, goods and a journal."""

    shop_id: str
    start_ms: int
    rng: Random
    journal: Journal
    seed: int
    key: str
    buyers: list[Person] = field(default_factory=list)
    told_also: list[Also] = field(default_factory=list)
    _item_price_minor: int = 0

    def at(self, *, h: float = 0, m: float = 0, s: float = 0) -> int:
        """A time after the story's beginning."""
        return self.start_ms + int(h * HOUR_MS + m * MINUTE_MS + s * SECOND_MS)

    def between(self, low: float, high: float) -> float:
        """A random number."""
        return low + self.rng.random() * (high - low)

    def buyer(self) -> Person:
        """A buyer who appears in no other story."""
        buyer = person(self.seed, f"{self.key}/{len(self.buyers)}")
        self.buyers.append(buyer)
        return buyer

    def also(
        self, detector: str, severity: str | None, kind: str = "buyer", name: str = ""
    ) -> None:
        """Say that another detector is expected too, about the first buyer if nobody is named."""
        name = name or self.buyers[0].buyer_id
        self.told_also.append(Also(detector, kind, f"{self.shop_id}:{name}", severity))

    def pick(self, texts: Sequence[str]) -> str:
        """One of several texts."""
        return texts[int(self.rng.random() * len(texts))]

    def put(self, at_ms: int, topic: str, kind: str, buyer: Person, **body: Any) -> None:
        """Write down any event of a buyer."""
        self.journal.put(at_ms, topic, kind, self.shop_id, buyer.buyer_id, body)

    def says(self, at_ms: int, buyer: Person, text: str, **body: Any) -> None:
        """The buyer writes to the shop, about no order in particular."""
        message = {"chat_id": self.journal.new_id(), "sender": "buyer", "channel": "wangwang"}
        self.put(at_ms, "chats", "message", buyer, **message, text=text, **body)

    @property
    def item_id(self) -> str:
        """The story's item, which nobody else buys."""
        return f"item-{self.key.replace('/', '-')}"

    def put_of_item(self, at_ms: int, topic: str, kind: str, **body: Any) -> None:
        """Write down any event of the story's item."""
        self.journal.put_of_item(at_ms, topic, kind, self.shop_id, self.item_id, body)

    def line(self, quantity: int) -> Line:
        """So many units of the story's item."""
        if not self._item_price_minor:
            self._item_price_minor = price_minor(self.rng)
        return Line(self.item_id, quantity, self._item_price_minor)

    def place(self, at_ms: int, buyer: Person, quantity: int = 1) -> Purchase:
        """An order of the story's item."""
        return self.journal.place(at_ms, self.shop_id, buyer, [self.line(quantity)])

    def bought(
        self, at_ms: int, buyer: Person, *, shipped_h: float = 20, delivered_h: float | None = 60
    ) -> Purchase:
        """An order that is paid within a minute, shipped and (unless None) delivered so much later.

        48 hours from payment were promised, so `shipped_h` below 48 is in time.
        """
        purchase = self.place(at_ms, buyer)
        paid_at_ms = at_ms + int(self.between(5, 40) * SECOND_MS)
        purchase.pay(paid_at_ms)
        purchase.ship(at_ms + int(shipped_h * HOUR_MS), paid_at_ms + 48 * HOUR_MS)
        if delivered_h is not None:
            purchase.deliver(at_ms + int(delivered_h * HOUR_MS))
        return purchase


@dataclass(frozen=True, slots=True)
class Spec:
    """A story's function and the truth about it."""

    name: str
    write: Callable[[Scene], None]
    truth: Truth
    detector: str
    subject: SubjectKind
    expected: Expected
    has_false_claims: bool
    has_own_shop: bool
    not_caught: str


SPECS: dict[str, Spec] = {}


def story(
    name: str,
    truth: Truth,
    detector: str,
    subject: SubjectKind,
    expected: Expected,
    *,
    has_false_claims: bool = False,
    has_own_shop: bool = False,
    not_caught: str = "",
) -> Callable[[Callable[[Scene], None]], Callable[[Scene], None]]:
    """Register a function as the story `name`.

    `has_false_claims`: its claims of stockout count for the whole shop, so no two such stories may
    lie in one shop within a day. They must claim within hours 60 to 72 of the story.
    `has_own_shop`: everything that happens in its shop counts, so it is told in a shop of its own.
    `not_caught`: why nothing is expected about an attack.
    """

    def register(write: Callable[[Scene], None]) -> Callable[[Scene], None]:
        SPECS[name] = Spec(
            name,
            write,
            truth,
            detector,
            subject,
            expected,
            has_false_claims,
            has_own_shop,
            not_caught,
        )
        return write

    return register
