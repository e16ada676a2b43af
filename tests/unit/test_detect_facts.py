"""Facts: merging is commutative, associative and idempotent; retention and cap let go honestly."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import cast
from zoneinfo import ZoneInfo

import msgspec
import pytest

from schemas.fast import types
from schemas.fast_types import AccountSellerCategory
from schemas.topics import BUYER_TOPICS, TOPICS
from streams.detect.episodes import Told
from streams.detect.extract import FACTS_OF, to_ms
from streams.detect.facts import (
    DAY_MS,
    MAX_FACTS_PER_KIND,
    MAX_ITEMS_PER_ORDER,
    AnyFact,
    Contacted,
    LargeOrder,
    OrderClosed,
    OrderPlaced,
    Signal,
    StockReading,
    is_expired,
    merge,
    trim,
)
from streams.detect.facts.merging import FEWEST_WEIGHED, MAX_FACT_BYTES
from streams.detect.state import SubjectState, pack
from streams.runtime.signals import decode_signal, encode_signal
from tests.oracle.story import HOUR, Story
from tests.pipeline import facts_of

LONG_AGO_MS = 1_700_000_000_000


def placed(at_ms: int, ref: str = "o", event_id: str | None = None, units: int = 1) -> OrderPlaced:
    return OrderPlaced(at_ms, event_id or f"e{at_ms}", ref, units, ())


def merged(*batches: list[AnyFact]) -> list[AnyFact]:
    known: list[AnyFact] = []
    for batch in batches:
        merge(known, batch)
    return known


FACTS: list[AnyFact] = [
    placed(5, "a"),
    placed(7, "a", "e7", 2),
    placed(7, "a", "e8", 3),
    placed(7, "b"),
    OrderClosed(7, "x", "a", "buyer"),
    Signal(9, "s1", "claim/a", "claim", 4, {"outcome": "proven"}),
    Signal(1, "s0", "claim/a", "claim", 6, {"outcome": "genuine"}),
]


def test_every_order_and_grouping_of_facts_merges_to_the_same() -> None:
    expected = merged(FACTS)
    for order in itertools.permutations(FACTS):
        cut = random.Random(str(order)).randint(0, len(order))
        assert merged([*order[:cut]], [*order[cut:]], [order[0]]) == expected


def test_of_one_name_the_last_writer_by_time_then_event_id_stays() -> None:
    assert merged(FACTS[:4]) == [FACTS[3], placed(7, "a", "e8", 3)]


def test_of_two_contents_under_one_event_id_the_same_stays_whatever_came_first() -> None:
    one, other = placed(7, "a", "e7", 2), placed(7, "a", "e7", 3)
    assert merged([one], [other]) == merged([other], [one]) == merged([other, one, other])


def test_of_signals_the_highest_version_stays_whatever_its_time() -> None:
    assert merged(FACTS[5:]) == [FACTS[6]]


def test_two_kinds_with_one_ref_are_two_facts() -> None:
    assert len(merged([placed(1, "a")], [OrderClosed(1, "y", "a", "buyer")])) == 2


@pytest.mark.parametrize(
    ("known", "new", "changes"),
    [
        ([], [placed(1)], True),
        ([], [], False),
        ([placed(1)], [], False),
        ([placed(1)], [placed(1)], False),
        ([placed(2)], [placed(1)], False),
        ([placed(1)], [placed(2)], True),
        ([placed(1)], [placed(1, "other")], True),
        ([placed(1)], [placed(1), placed(0), placed(3, "other")], True),
    ],
)
def test_merging_says_whether_anything_changed(
    known: list[AnyFact], new: list[AnyFact], changes: bool
) -> None:
    before = list(known)
    assert merge(known, new) is changes
    assert changes or known == before
    assert known == sorted(known, key=lambda fact: (fact.at_ms, fact.event_id))


def test_facts_of_one_moment_are_ordered_by_event_id_even_if_they_arrive_otherwise() -> None:
    one, two = placed(5, "a", "e2"), placed(5, "b", "e1")
    assert merged([one], [two]) == merged([one, two]) == merged([two, one]) == [two, one]


def test_facts_of_one_event_are_ordered_by_their_names_whatever_came_first() -> None:
    one, two = placed(5, "a", "e"), placed(5, "b", "e")
    assert merged([two], [one]) == merged([one, two]) == [one, two]


def test_of_several_closes_the_first_stays() -> None:
    first, again = OrderClosed(60, "x", "o", "buyer"), OrderClosed(300, "y", "o", "system")
    assert merged([first], [again]) == merged([again], [first]) == [first]


def test_a_fact_expires_only_beyond_the_retention_of_its_kind() -> None:
    newest_ms = 100 * DAY_MS
    assert not is_expired(placed(55 * DAY_MS), newest_ms)
    assert is_expired(placed(55 * DAY_MS - 1), newest_ms)
    reading = StockReading(93 * DAY_MS, "e", "e", 1, 0, 0, "order")
    assert not is_expired(reading, newest_ms)
    assert is_expired(StockReading(93 * DAY_MS - 1, "e", "e", 1, 0, 0, "order"), newest_ms)


def test_what_is_let_go_is_reported_by_its_newest_time() -> None:
    old, older, kept = placed(10, "a"), placed(5, "b"), placed(46 * DAY_MS, "c")
    assert trim([older, old, kept]) == ([kept], 10)


def test_nothing_is_let_go_within_retention_however_mixed() -> None:
    facts: list[AnyFact] = [placed(0, "a"), placed(45 * DAY_MS, "b")]
    assert trim(facts) == (facts, 0)


def test_a_short_lived_kind_does_not_take_others_along() -> None:
    reading = StockReading(5, "r", "r", 1, 0, 0, "order")
    order, late = placed(5, "a"), placed(20 * DAY_MS, "b")
    assert trim([order, reading, late]) == ([order, late], 5)


def test_the_cap_is_per_kind_and_keeps_the_newest() -> None:
    orders: list[AnyFact] = [placed(n, f"o{n:04}") for n in range(MAX_FACTS_PER_KIND + 3)]
    contacts: list[AnyFact] = [Contacted(n, f"c{n}", f"c{n}", True) for n in range(10)]
    known = merged(orders, contacts)
    kept, let_go_ms = trim(known)
    assert [fact for fact in kept if isinstance(fact, OrderPlaced)] == orders[3:]
    assert [fact for fact in kept if isinstance(fact, Contacted)] == contacts
    assert let_go_ms == 2


def test_exactly_the_cap_is_kept() -> None:
    orders: list[AnyFact] = [placed(n, f"o{n}") for n in range(MAX_FACTS_PER_KIND)]
    assert trim(orders) == (orders, 0)


def test_many_facts_of_several_kinds_are_below_the_cap_of_each() -> None:
    orders: list[AnyFact] = [placed(2 * n, f"o{n}") for n in range(600)]
    contacts: list[AnyFact] = [Contacted(2 * n + 1, f"c{n}", f"c{n}", True) for n in range(600)]
    known = merged(orders, contacts)
    assert trim(known) == (known, 0)


def heavy(number: int) -> OrderPlaced:
    """As heavy as an order can be: as many items as are kept, and everything as long as it may be."""
    items = tuple(
        (f"{number:04}{place:02}" + "号" * 122, 1) for place in range(MAX_ITEMS_PER_ORDER)
    )
    categories = ("类" * 256,) * MAX_ITEMS_PER_ORDER
    return OrderPlaced(number, f"e{number}", f"o{number:04}", 20, items, 0, False, categories)


def test_the_heaviest_facts_fit_into_a_record_of_the_changelog() -> None:
    orders: list[AnyFact] = [heavy(number) for number in range(MAX_FACTS_PER_KIND)]
    kept, let_go_ms = trim(orders)
    size = len(pack(SubjectState(kept), None))
    one = len(pack(SubjectState(kept[:1]), None))
    assert MAX_FACT_BYTES - 2 * one < size <= MAX_FACT_BYTES + one
    assert size < TOPICS["buyer-state"].max_message_bytes
    assert kept == orders[-len(kept) :], "the newest ones stay"
    assert let_go_ms == kept[0].at_ms - 1


def wordy(number: int) -> Signal:
    """As much as a signal may say."""
    values: dict[str, int | str | bool] = {
        f"{place:02}" + "🀄" * 30: "🀄" * 256 for place in range(24)
    }
    signal = Signal(LONG_AGO_MS + number, f"e{number}", f"r{number}", "n", 1, values)
    return decode_signal(encode_signal(Told("item", "s:i", signal))[1])[2]


def versatile(number: int) -> AnyFact:
    """A buyer who sells in as many categories as an event may name."""
    event = AccountSellerCategory(
        event_id=f"e{number}",
        schema_version=1,
        occurred_at=datetime.fromtimestamp(number + LONG_AGO_MS / 1000, UTC),
        shop_id="s",
        buyer_id="b",
        is_seller=True,
        leaf_categories=[f"{place:02}" + "🀄" * 254 for place in range(100)],
    )
    [fact] = FACTS_OF[AccountSellerCategory](event)
    return cast(AnyFact, fact)


@pytest.mark.parametrize("make", [heavy, wordy, versatile])
def test_so_few_facts_are_not_weighed_that_they_cannot_be_too_heavy(
    make: Callable[[int], AnyFact],
) -> None:
    facts = [make(number) for number in range(FEWEST_WEIGHED)]
    assert len(pack(SubjectState(facts), None)) < MAX_FACT_BYTES


@pytest.mark.parametrize("batch", [1, 7, 90])
def test_what_is_kept_of_heavy_facts_does_not_depend_on_batches(batch: int) -> None:
    orders: list[AnyFact] = [heavy(number) for number in range(180)]
    known: list[AnyFact] = []
    for start in range(0, len(orders), batch):
        merge(known, orders[start : start + batch])
        known, _ = trim(known)
    assert known == trim(orders)[0]
    assert len(known) < len(orders)


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=8)), ZoneInfo("Asia/Shanghai")])
def test_times_are_whole_milliseconds_in_any_zone(zone: tzinfo) -> None:
    at = datetime(2026, 11, 1, 8, 0, 0, 1499, tzinfo=timezone(timedelta(hours=8))).astimezone(zone)
    assert to_ms(at) == 1_793_491_200_001
    assert to_ms(at.replace(microsecond=1500)) == 1_793_491_200_002


def test_what_a_fact_is_named_after() -> None:
    story = Story()
    story.created("o", 0, 3, ship_by=HOUR)
    story.paid("o", 1, payment="p")
    story.requested("o", 2, refund="r", attempt=2)
    story.contact(3)
    story.filed("k", None, 4)
    facts = [facts_of(event)[2] for event in story.events]
    assert [fact.ref for made in facts for fact in made] == ["o", "o", "p/o", "r#2", "e0003", "k"]
    assert facts[0][0].rank() == (facts[0][0].at_ms, "e0000")


def test_an_order_of_several_lines_holds_them_all() -> None:
    story = Story()
    story.created("o", 0)
    line = story.events[0][1]["items"][0]
    story.events[0][1]["items"] = [{**line, "quantity": 4}, {**line, "item_id": "j"}]
    (fact,) = facts_of(story.events[0])[2]
    assert isinstance(fact, OrderPlaced)
    assert (fact.units, fact.items) == (5, (("i", 4), ("j", 1)))


def item_event(topic: str, kind: str, **body: object) -> tuple[str, dict[str, object]]:
    header = {"event_id": "e", "schema_version": 1, "occurred_at": "2026-11-01T00:00:00Z"}
    return topic, {**header, "type": kind, "shop_id": "s", "item_id": "i", **body}


@pytest.mark.parametrize(
    ("kind", "extra"),
    [
        ("level", {}),
        ("held", {"order_id": "o", "quantity": 1}),
        ("released", {"order_id": "o", "quantity": 1}),
        ("adjusted", {"adjustment_id": "a", "delta": -1}),
    ],
)
def test_every_event_of_stock_is_a_reading(kind: str, extra: dict[str, object]) -> None:
    key, _, (fact,) = facts_of(item_event("stock", kind, on_hand=5, held_unpaid=2, **extra))
    assert key == "i/s:i"
    assert isinstance(fact, StockReading)
    assert (fact.on_hand, fact.held_unpaid, fact.deduct_mode) == (5, 2, "order")


@pytest.mark.parametrize(
    ("kind", "extra", "on_shelf", "reason"),
    [
        ("published", {}, True, ""),
        ("on_shelf", {}, True, ""),
        ("off_shelf", {"reason": "sold_out"}, False, "sold_out"),
    ],
)
def test_a_listing_is_on_the_shelf_or_off_it(
    kind: str, extra: dict[str, object], on_shelf: bool, reason: str
) -> None:
    fact, *_ = facts_of(item_event("listings", kind, **extra))[2]
    assert (fact.on_shelf, fact.reason) == (on_shelf, reason)  # type: ignore[union-attr]


def test_every_event_with_a_fact_is_of_a_known_type() -> None:
    assert {kind.__name__ for kind in FACTS_OF} <= types.keys()
    assert "orders" in BUYER_TOPICS


def test_a_large_order_that_was_stored_without_its_currency_is_one_in_yuan() -> None:
    stored = msgspec.msgpack.encode([52, 1, "e", "o", 1, 120_000])
    fact = msgspec.msgpack.decode(stored, type=AnyFact)
    assert isinstance(fact, LargeOrder)
    assert (fact.amount_in("CNY"), fact.amount_in("KRW")) == (120_000, 0)
