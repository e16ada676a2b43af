"""When the ledger takes an order for closed: as long after its placing as the shop's T01 says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schemas.alerts import Alert, Deadline, Evidence, EvidenceFact, HeldUnits, Text
from tests.factories import T0, envelope, make_alert
from tests.oracle.story import DAY, HOUR, MINUTE, Story, ms, written
from tests.pipeline import Pipeline, build_engine
from tests.unit.test_stock_decisions import ITEM, Shop, said

EARLIEST_AT = datetime(1, 1, 1, tzinfo=UTC)
LATEST_AT = datetime(9999, 12, 31, tzinfo=UTC)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "stock.db")
    yield shop
    shop.close()


def burst(placed: dict[str, datetime], close_at: datetime | None) -> Alert:
    """An alert about orders of three units, in the order in which they began to count."""
    facts = [
        EvidenceFact(event_id=f"e-{order}", kind="OrderPlaced", at=at, ref=order)
        for order, at in placed.items()
    ]
    due = (
        [] if close_at is None else [Deadline(code="T01", due_at=close_at, text=Text(zh="", en=""))]
    )
    evidence = Evidence(
        facts=facts, facts_total=len(facts), thresholds=[], not_if=Text(zh="", en="")
    )
    held = [HeldUnits(item_id=ITEM, order_id=each, units=3, state="held") for each in placed]
    return make_alert(orders=0, evidence=evidence, deadlines=due, held_units=held)


def read(shop: Shop, alert: Alert) -> list[str]:
    return said(shop.apply("alerts", envelope(alert).model_dump_json().encode()))


def taken_back(shop: Shop, at: datetime) -> list[str]:
    """Orders of which a top-up was taken back by then, without any further record."""
    shop.now = at.timestamp()
    return [each.order_id for each in shop.published() if each.kind == "reverse"]


def test_each_order_is_closed_as_long_after_its_placing_as_the_alert_says_of_its_first(
    shop: Shop,
) -> None:
    shop.reading(on_hand=100)
    later = T0 + timedelta(hours=2)
    read(shop, burst({"o1": T0, "o2": later}, T0 + timedelta(days=1)))
    second = timedelta(seconds=1)
    assert taken_back(shop, T0 + timedelta(days=1) - second) == []
    assert taken_back(shop, T0 + timedelta(days=1)) == ["o1"]
    assert taken_back(shop, later + timedelta(days=1) - second) == ["o1"]
    assert taken_back(shop, later + timedelta(days=1)) == ["o1", "o2"]


def test_a_platform_that_waits_longer_is_believed(shop: Shop) -> None:
    shop.reading(on_hand=100)
    read(shop, burst({"o1": T0}, T0 + timedelta(days=5)))
    assert taken_back(shop, T0 + timedelta(days=5, seconds=-1)) == []
    assert taken_back(shop, T0 + timedelta(days=5)) == ["o1"]


def test_without_a_t01_it_is_three_days(shop: Shop) -> None:
    shop.reading(on_hand=100)
    read(shop, burst({"o1": T0}, None))
    assert taken_back(shop, T0 + timedelta(days=3, seconds=-1)) == []
    assert taken_back(shop, T0 + timedelta(days=3)) == ["o1"]


def test_after_a_downtime_nothing_is_topped_up_that_a_quick_platform_gave_back(shop: Shop) -> None:
    shop.reading(on_hand=100)
    shop.now = (T0 + timedelta(hours=30)).timestamp()
    assert read(shop, burst({"o1": T0}, T0 + timedelta(days=1))) == []
    assert shop.reading(on_hand=101) == []


def test_an_order_that_began_to_count_late_makes_no_time_longer(shop: Shop) -> None:
    """Facts stand in the order in which they began to count; T01 is that of the first placed."""
    shop.reading(on_hand=100)
    first, second = T0, T0 + timedelta(minutes=10)
    read(shop, burst({"o2": second, "o1": first}, first + timedelta(days=1)))
    assert taken_back(shop, first + timedelta(days=1)) == ["o1"]
    assert taken_back(shop, second + timedelta(days=1)) == ["o1", "o2"]


def test_an_order_that_is_paid_makes_no_time_longer(shop: Shop) -> None:
    """T01 is then that of the next order; reckoned from the paid one, it would be longer."""
    shop.reading(on_hand=100)
    second = T0 + timedelta(hours=2)
    alert = burst({"o1": T0, "o2": second}, second + timedelta(days=1))
    paid = alert.held_units[0].model_copy(update={"state": "paid"})
    read(shop, alert.model_copy(update={"held_units": [paid, alert.held_units[1]]}))
    assert taken_back(shop, second + timedelta(days=1, seconds=-1)) == []
    assert taken_back(shop, second + timedelta(days=1)) == ["o2"]


@pytest.mark.parametrize("first", [EARLIEST_AT, T0, LATEST_AT])
@pytest.mark.parametrize("placed", [EARLIEST_AT, T0, LATEST_AT])
@pytest.mark.parametrize("due", [EARLIEST_AT, T0, LATEST_AT])
def test_times_that_cannot_be_stop_nothing(
    shop: Shop, first: datetime, placed: datetime, due: datetime
) -> None:
    shop.reading(on_hand=100)
    alert = burst({"o0": T0, "o1": T0}, T0)
    facts = [
        fact.model_copy(update={"at": at})
        for fact, at in zip(alert.evidence.facts, (first, placed), strict=True)
    ]
    evidence = alert.evidence.model_copy(update={"facts": facts})
    deadlines = [alert.deadlines[0].model_copy(update={"due_at": due})]
    read(shop, alert.model_copy(update={"deadlines": deadlines, "evidence": evidence}))
    shop.published()
    assert shop.alert(name="b", held={"o9": (3, "held")}) == ["o9 top_up held_unpaid 3"]


def test_a_t01_before_its_own_order_tops_up_nothing(shop: Shop) -> None:
    shop.reading(on_hand=100)
    assert read(shop, burst({"o1": T0}, T0 - timedelta(days=1))) == []


@pytest.mark.parametrize("close_s", [DAY, 20 * DAY])
def test_the_rules_of_a_shop_reach_the_ledger_through_the_alert(shop: Shop, close_s: int) -> None:
    """Also where the payment of the first order failed, and others began to count before it."""
    story = Story(shop="shop1")
    orders = [f"o{number}" for number in range(6)]
    for number, order in enumerate(orders):
        story.created(order, number * MINUTE)
    story.failed("o0", MINUTE)
    rules = {"deadlines": {"T01": {"close_s": close_s}}}
    pipeline = Pipeline(build_engine(shops={"shop1": rules}))
    pipeline.send(story.events)
    (alert, *_) = [each for each in pipeline.finish(ms(HOUR)).alerts if each.detector == "D01"]
    began = datetime.fromtimestamp(ms(0) / 1000, UTC)

    shop.now = (began + timedelta(hours=1)).timestamp()
    shop.reading(on_hand=100, item_id="i", occurred_at=written(0))
    assert len(read(shop, alert)) == len(alert.held_units) == len(orders)
    for number in range(len(orders)):
        closes_at = began + timedelta(seconds=close_s, minutes=number)
        assert taken_back(shop, closes_at - timedelta(seconds=1)) == orders[:number]
        assert taken_back(shop, closes_at) == orders[: number + 1]
