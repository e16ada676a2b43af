"""When subjects are looked at again: who waits for which topics, and how many at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.detect.detector import Topics
from streams.detect.facts import OrderPlaced
from streams.detect.horizon import Frontier
from streams.detect.state import NO_WAKE, Header, SubjectState, pack
from streams.detect.timers import ALL
from streams.detect.wakes import RECHECK_MS, Horizons, Wakes

ORDERS: Topics = ("orders",)
PAYMENTS: Topics = ("payments",)
BOTH: Topics = ("orders", "payments")
SETS = [ORDERS, PAYMENTS, BOTH]


class Waiting:
    """A frontier without lateness, and the wake-ups of its partition."""

    def __init__(self, silence_min_buyers: int = 2) -> None:
        self.frontier = Frontier(BOTH, 0, silence_min_buyers)
        self.wakes = Wakes(SETS)
        # For what the unseen facts of each wait, and until when.
        self.waits: dict[str, Mapping[Topics, int] | None] = {}

    @property
    def horizons(self) -> Horizons:
        return Horizons(self.frontier, SETS)

    def read(self, *, orders: int = 0, payments: int = 0) -> None:
        self.frontier.read_to_end("orders", orders)
        self.frontier.read_to_end("payments", payments)

    def unseen(self, key: str, waits: Mapping[Topics, int] | None, at_ms: int) -> None:
        self.waits[key] = waits
        self.wakes.unseen(key, at_ms)

    def due(self, most: int = ALL) -> list[str]:
        def payments_of(shop: str) -> int:
            return self.frontier.horizon(PAYMENTS, shop)

        turns = self.wakes.due(self.horizons, payments_of, SETS, self.waits.__getitem__, most)
        return [key for turn in turns for key in turn]


def state(wake_at_ms: int | None) -> bytes:
    return pack(SubjectState([OrderPlaced(1, "e", "o", 1, ())]), wake_at_ms)


def header(**changes: Any) -> Header:
    return Header(1, NO_WAKE, NO_WAKE, 0, 0, 0, 0, 0)._replace(**changes)


def test_no_more_are_woken_than_asked_for_whatever_they_wait_for() -> None:
    waiting = Waiting()
    for number in range(2):
        waiting.unseen(f"b/s:unseen{number}", None, 5)
        waiting.unseen(f"b/s:patient{number}", {PAYMENTS: 9}, 5)
        waiting.wakes.ask(f"b/s:asked{number}", {ORDERS: 7}, waiting.horizons)
    waiting.read(orders=8)
    assert waiting.due(0) == []
    # Those who turn out to wait for something else have been looked up, and that counts.
    assert waiting.due(4) == ["b/s:unseen0", "b/s:unseen1"]
    waiting.read(orders=8, payments=9)
    assert waiting.due(3) == ["b/s:patient0", "b/s:patient1", "b/s:asked0"]
    assert waiting.due(3) == ["b/s:asked1"]
    assert waiting.due() == []


def test_unseen_facts_wait_for_their_own_topics_up_to_their_time() -> None:
    waiting = Waiting()
    waiting.unseen("b/s:b", {PAYMENTS: 9, BOTH: 20}, 9)
    waiting.read(orders=100, payments=8)
    assert waiting.due() == []
    waiting.read(orders=100, payments=9)
    assert waiting.due() == ["b/s:b"]


def test_unseen_facts_that_wait_for_nothing_wake_nobody() -> None:
    waiting = Waiting()
    waiting.unseen("b/s:b", {}, 9)
    for payments in (0, 100):
        waiting.read(orders=100, payments=payments)
        assert waiting.due() == []


def test_nobody_who_is_due_by_all_topics_is_asked_for_which_ones_it_waits() -> None:
    waiting = Waiting()
    # Without `waits`, so that asking raises KeyError.
    for key, at_ms in (("b/s:b", 9), ("b/s:later", 11)):
        waiting.wakes.unseen(key, at_ms)
    waiting.read(orders=9, payments=10)
    assert waiting.due() == ["b/s:b"]


def test_news_call_off_what_earlier_facts_waited_for() -> None:
    waiting = Waiting()
    for waits in ({PAYMENTS: 20}, {}):
        waiting.unseen("b/s:b", waits, 9)
        waiting.read(orders=100)
        assert waiting.due() == []
    waiting.read(orders=100, payments=100)
    assert waiting.due() == []
    waiting.unseen("b/s:b", None, 9)
    waiting.wakes.unseen("b/s:b", None)
    assert waiting.due() == []


def test_a_wake_up_in_the_past_comes_after_a_while_and_not_at_once() -> None:
    waiting = Waiting()
    waiting.read(orders=100)
    waiting.wakes.ask("b/s:b", {ORDERS: 100}, waiting.horizons)
    assert waiting.due() == []
    waiting.read(orders=100 + RECHECK_MS - 1)
    assert waiting.due() == []
    waiting.read(orders=100 + RECHECK_MS)
    assert waiting.due() == ["b/s:b"]
    waiting.wakes.ask("b/s:b", {ORDERS: 101 + RECHECK_MS}, waiting.horizons)
    waiting.read(orders=101 + RECHECK_MS)
    assert waiting.due() == ["b/s:b"]


def _silent(at_ms: int) -> Waiting:
    """Shop s where nobody pays any more from then on, while others do."""
    waiting = Waiting()
    waiting.read(orders=at_ms, payments=at_ms)
    waiting.frontier.ordered("s", {"s:x": at_ms + 1, "s:y": at_ms + 1})
    waiting.frontier.paid("other", at_ms + 1)
    waiting.read(orders=1000, payments=1000)
    assert waiting.frontier.silent_shops == {"s"}
    return waiting


def test_who_waits_for_a_silent_shop_is_woken_by_its_payments() -> None:
    waiting = _silent(100)
    waiting.wakes.ask("b/s:late", {PAYMENTS: 300}, waiting.horizons)
    waiting.wakes.ask("b/s:b", {BOTH: 150, PAYMENTS: 400}, waiting.horizons)
    waiting.wakes.ask("b/other:b", {PAYMENTS: 150}, waiting.horizons)
    waiting.wakes.ask("b/other:c", {ORDERS: 1001}, waiting.horizons)
    assert waiting.due() == []
    waiting.read(orders=1001)
    waiting.frontier.paid("s", 110)
    assert waiting.frontier.horizon(PAYMENTS, "s") == 1000
    assert waiting.due(1) == ["b/s:b"], "the earliest of its times counts"
    assert waiting.due(1) == ["b/s:late"]
    assert waiting.due(1) == ["b/other:c"]
    assert waiting.due() == []


def test_what_a_silent_shop_has_proven_before_is_not_parked() -> None:
    waiting = _silent(100)
    waiting.wakes.ask("b/s:b", {PAYMENTS: 100}, waiting.horizons)
    waiting.read(payments=1000 + RECHECK_MS)
    assert waiting.due() == ["b/s:b"]


def test_who_is_forgotten_is_woken_by_nothing() -> None:
    waiting = _silent(100)
    for key in ("b/s:b", "b/s:other"):
        waiting.unseen(key, {PAYMENTS: 2000}, 1500)
    waiting.read(orders=1600)
    assert waiting.due() == []
    for key in ("b/s:b", "b/s:other"):
        waiting.wakes.ask(key, {PAYMENTS: 300, ORDERS: 1700}, waiting.horizons)
    waiting.wakes.forget("b/s:b", state(300))
    waiting.frontier.paid("s", 110)
    waiting.read(orders=3000, payments=3000)
    assert set(waiting.due()) == {"b/s:other"}


def test_after_a_restart_each_set_of_topics_may_be_the_one_that_was_asked_for() -> None:
    for key_read in ("orders", "payments"):
        waiting = Waiting()
        waiting.wakes.load("b/s:b", header(wake=50, asked=50))
        waiting.wakes.load("b/s:none", header())
        waiting.read(**{key_read: 49})
        assert waiting.due() == []
        waiting.read(**{key_read: 50})
        assert waiting.due() == ["b/s:b"]


def test_after_a_restart_facts_that_nobody_looked_at_wait_for_what_they_waited_for() -> None:
    waiting = Waiting()
    waiting.wakes.load("b/s:b", header(wake=50))
    waiting.waits["b/s:b"] = {PAYMENTS: 50}
    waiting.read(orders=100)
    assert waiting.due() == []
    waiting.read(orders=100, payments=50)
    assert waiting.due() == ["b/s:b"]
