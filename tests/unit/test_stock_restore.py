"""A ledger that lost its file, or got an old one back, still takes back what it topped up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from schemas.outputs import Action, StockAdjustment
from streams.stock.restore import restore
from streams.stock.store import Store
from streams.subscriber.ledger import transaction
from tests.factories import T0
from tests.unit.test_stock_decisions import Shop


class Topics:
    """All that left any of the shops so far, and the stock of whoever carries each action out once."""

    def __init__(self) -> None:
        self.said: list[StockAdjustment] = []
        self.done: dict[str, int] = {}
        self.rehearsed = 0

    def take_from(self, shop: Shop) -> None:
        self.said += shop.published()
        for record in shop.broker.records:
            if record.topic == "actions":
                action = Action.model_validate_json(record.value)
                if action.is_dry_run:
                    self.rehearsed += 1
                    continue
                self.done[action.action_id] = int(action.parameters["delta"])
        shop.broker.records.clear()

    @property
    def net(self) -> int:
        return sum(self.done.values())


def restored(shop: Shop, topics: Topics) -> int:
    store = Store(shop.ledger.connection)
    with transaction(store.connection):
        return restore(store, topics.said)


@pytest.fixture
def topics() -> Topics:
    return Topics()


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "old.db")
    yield shop
    shop.close()


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "new.db")
    yield shop
    shop.close()


def end(shop: Shop, revision: int) -> None:
    shop.alert(revision, status="resolved", change="resolved")


@pytest.mark.parametrize("is_read_first", [True, False])
def test_a_lost_file_neither_tops_up_twice_nor_forgets(
    old: Shop, new: Shop, topics: Topics, is_read_first: bool
) -> None:
    old.reading(on_hand=100)
    old.alert(1)
    topics.take_from(old)
    assert restored(new, topics) == 1
    if is_read_first:
        new.reading(on_hand=100)
    assert new.alert(2) == []
    new.reading(on_hand=100)
    topics.take_from(new)
    assert topics.net == 3
    end(new, 3)
    topics.take_from(new)
    assert topics.net == 0


def test_a_backup_learns_what_was_decided_since(old: Shop, new: Shop, topics: Topics) -> None:
    """Of two orders of before, one was taken back since; a third one was topped up."""
    held = {"o1": (3, "held"), "o2": (2, "held")}
    for shop in (old, new):
        shop.reading(on_hand=100)
        shop.alert(1, held=held)
        topics.take_from(shop)
    old.alert(2, held={"o2": (2, "held"), "o3": (4, "held")})
    topics.take_from(old)
    assert restored(new, topics) == 2
    assert topics.net == 6
    end(new, 3)
    topics.take_from(new)
    assert topics.net == 0


def test_what_no_alert_speaks_of_again_is_taken_back_when_the_platform_closes(
    old: Shop, new: Shop, topics: Topics
) -> None:
    old.reading(on_hand=100)
    old.alert(1)
    topics.take_from(old)
    restored(new, topics)
    new.now = (T0 + timedelta(days=3)).timestamp()
    topics.take_from(new)
    assert topics.net == 0


def test_the_next_top_up_has_an_id_of_its_own(old: Shop, new: Shop, topics: Topics) -> None:
    old.reading(on_hand=100)
    old.alert(1)
    end(old, 2)
    topics.take_from(old)
    restored(new, topics)
    new.reading(on_hand=100)
    assert new.alert(3, change="reopened") == ["o1 top_up held_unpaid 3"]
    topics.take_from(new)
    assert (topics.net, len(topics.done)) == (3, 3)


def test_a_paid_order_stays_paid(old: Shop, new: Shop, topics: Topics) -> None:
    old.reading(on_hand=100)
    old.alert(1)
    old.alert(2, held={"o1": (3, "paid")})
    topics.take_from(old)
    restored(new, topics)
    new.reading(on_hand=100)
    assert new.alert(name="b") == []


def test_what_was_decided_on_paper_is_taken_back_on_paper(
    old: Shop, new: Shop, topics: Topics
) -> None:
    old.configure(stock_dry_run=True)
    old.reading(on_hand=100)
    old.alert(1)
    topics.take_from(old)
    restored(new, topics)
    end(new, 2)
    topics.take_from(new)
    assert [each.delta for each in topics.said] == [3, -3]
    assert (topics.done, topics.rehearsed) == ({}, 2)


def test_a_top_up_that_was_refused_stays_out_of_the_ledger(
    old: Shop, new: Shop, topics: Topics
) -> None:
    old.reading(on_hand=100)
    old.alert(1)
    old.result(old.published()[0].adjustment_id, "refused")
    topics.take_from(old)
    restored(new, topics)
    new.reading(on_hand=100)
    assert new.alert(2) == []
    assert Store(new.ledger.connection).topped_up_now() == {}


def test_a_file_that_knows_everything_is_left_alone(old: Shop, topics: Topics) -> None:
    old.reading(on_hand=100)
    old.alert(1)
    topics.take_from(old)
    before = list(old.ledger.connection.iterdump())
    assert restored(old, topics) == 0
    assert list(old.ledger.connection.iterdump()) == before


def test_the_end_of_what_was_forgotten_owes_nothing(old: Shop, new: Shop, topics: Topics) -> None:
    old.reading(on_hand=100)
    old.alert(1)
    end(old, 2)
    topics.take_from(old)
    del topics.said[0]
    assert restored(new, topics) == 0
    assert Store(new.ledger.connection).topped_up_now() == {}
