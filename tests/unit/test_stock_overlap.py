"""D01, D02 and D03 about the same orders: each order is topped up once, and in the end the net is zero."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.alerts import Alert
from tests.factories import envelope
from tests.oracle.story import DAY, HOUR, MINUTE, Story, ms, written
from tests.pipeline import Pipeline
from tests.unit.test_stock_decisions import Shop

UNITS = 20
BUYERS = ["b", "c", "d"]
ORDERS = [f"{buyer}{number}" for buyer in BUYERS for number in range(5)]


def attack() -> Story:
    """Three accounts behind one phone take most of an item, five orders each, and do not pay."""
    story = Story()
    for number, order in enumerate(ORDERS):
        story.buyer = order[0]
        story.created(order, number, UNITS, device="dev-a")
    story.stock("i", MINUTE, 400, UNITS * len(ORDERS))
    return story


class Market:
    """The pipeline, and the stock service that reads its alerts as they come, some again."""

    def __init__(self, shop: Shop, rng: random.Random) -> None:
        self.pipeline = Pipeline()
        self.shop = shop
        self._rng = rng
        self._taken = 0

    def until(self, at: float, story: Story) -> None:
        """All that was told, and silence up to then."""
        self.pipeline.send(story.events)
        self.pipeline.finish(ms(at))
        self.shop.now = ms(at) / 1000
        news = self.pipeline.alerts[self._taken :]
        self._taken = len(self.pipeline.alerts)
        self._rng.shuffle(news)
        for alert in [*news, *self._rng.sample(news, k=len(news) // 2)]:
            self.shop.apply("alerts", envelope(alert).model_dump_json().encode())

    def latest(self) -> dict[str, Alert]:
        """By detector and subject, the last revision."""
        in_order = sorted(self.pipeline.alerts, key=lambda alert: alert.revision)
        return {f"{alert.detector} {alert.subject.id}": alert for alert in in_order}

    def sums(self) -> dict[str, int]:
        """The net of each order, and how often it was topped up at most."""
        found = dict.fromkeys(ORDERS, 0)
        for each in self.shop.published():
            found[each.order_id] += each.delta
            assert found[each.order_id] in (0, UNITS)
        return found


@pytest.fixture(params=range(4))
def market(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Market]:
    shop = Shop(tmp_path / "stock.db")
    shop.now = ms(0) / 1000
    shop.event(
        "stock",
        type="level",
        shop_id="s",
        item_id="i",
        on_hand=400,
        occurred_at=written(0),
    )
    yield Market(shop, random.Random(request.param))
    shop.close()


def test_all_three_name_the_orders_and_each_is_topped_up_once(market: Market) -> None:
    market.until(HOUR, attack())
    named = {
        about: {held.order_id for held in alert.held_units}
        for about, alert in market.latest().items()
    }
    assert named == {
        **{f"D01 s:{buyer}": {o for o in ORDERS if o[0] == buyer} for buyer in BUYERS},
        "D02 s:i": set(ORDERS),
        "D03 s": set(ORDERS),
    }
    assert market.sums() == dict.fromkeys(ORDERS, UNITS)
    top_ups = [each for each in market.shop.published() if each.kind == "top_up"]
    assert len(top_ups) == len(ORDERS)


def test_what_is_released_for_one_is_still_held_for_the_others(market: Market) -> None:
    story = attack()
    market.until(HOUR, story)
    story.stock("i", 2 * HOUR, 400, 0)
    market.until(3 * HOUR, story)
    assert market.latest()["D02 s:i"].status == "resolved"
    assert market.sums() == dict.fromkeys(ORDERS, UNITS)


def test_payments_take_back_the_top_ups_of_their_orders_whoever_says_so(market: Market) -> None:
    story = attack()
    market.until(HOUR, story)
    for order in ORDERS[:4]:
        story.buyer = order[0]
        story.paid(order, 2 * HOUR)
    market.until(3 * HOUR, story)
    states = {h.order_id: h.state for h in market.latest()["D02 s:i"].held_units}
    assert states == {**dict.fromkeys(ORDERS, "held"), **dict.fromkeys(ORDERS[:4], "paid")}
    assert market.sums() == {**dict.fromkeys(ORDERS, UNITS), **dict.fromkeys(ORDERS[:4], 0)}


@pytest.mark.parametrize("end", ["paid", "closed", "platform"])
def test_when_all_is_over_the_net_is_zero(market: Market, end: str) -> None:
    story = attack()
    market.until(HOUR, story)
    for order in ORDERS if end != "platform" else ():
        story.buyer = order[0]
        getattr(story, end)(order, 2 * HOUR)
    market.until(3 * DAY + HOUR, story)
    assert market.sums() == dict.fromkeys(ORDERS, 0)
    holding = [alert for alert in market.latest().values() if alert.held_units]
    assert "open" not in {alert.status for alert in holding}


def test_d02_alone_names_what_its_buyers_hold(market: Market) -> None:
    """No burst of anybody, no ring: two strangers with one order each."""
    story = Story()
    for buyer in ("b0", "c0"):
        story.buyer = buyer[0]
        story.created(buyer, 0, 40)
    story.stock("i", MINUTE, 100, 80)
    market.until(HOUR, story)
    (alert,) = market.latest().values()
    assert alert.detector == "D02"
    assert [due.due_at for due in alert.deadlines] == [
        datetime.fromtimestamp(ms(3 * DAY) / 1000, UTC)
    ]
    said = [(e.order_id, e.kind, e.delta) for e in market.shop.published()]
    assert sorted(said) == [("b0", "top_up", 40), ("c0", "top_up", 40)]


def test_the_ledger_closes_each_order_of_a_squat_when_the_platform_does(market: Market) -> None:
    story = Story()
    story.created("b0", 0, 40)
    story.buyer = "c"
    story.created("c0", 10 * HOUR, 40)
    story.stock("i", 10 * HOUR + MINUTE, 100, 80)
    market.until(11 * HOUR, story)
    market.shop.now = ms(3 * DAY) / 1000
    assert [e.order_id for e in market.shop.published() if e.kind == "reverse"] == ["b0"]
    market.shop.now = ms(3 * DAY + 10 * HOUR) / 1000
    assert [e.order_id for e in market.shop.published() if e.kind == "reverse"] == ["b0", "c0"]
