"""What a record costs the ledger: in statements and in SQLite's own steps, which no machine changes.

Whoever places orders decides how many entries an item has, so no record may cost their square.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from streams.stock.store import Store
from streams.subscriber.ledger import open_database
from tests.unit.test_stock_decisions import ITEM, Shop

ITEM_BUDGET = 30
STEP = 20


@pytest.fixture
def make_shop(tmp_path: Path) -> Iterator[Callable[[int, bool], Shop]]:
    """Shops with so many orders on an item, most of which wait for a budget or the kill switch."""
    shops: list[Shop] = []

    def make(orders: int, is_killed: bool) -> Shop:
        path = tmp_path / f"{len(shops)}.db"
        shop = Shop(path, stock_item_budget_units=ITEM_BUDGET, stock_kill_switch=is_killed)
        shops.append(shop)
        shop.reading(on_hand=100_000)
        shop.listing(is_supported=False)
        for start in range(0, orders, 100):
            numbers = range(start, min(start + 100, orders))
            shop.alert(name=f"a{start}", held={f"o{n:05}": (3, "held") for n in numbers})
        return shop

    yield make
    for shop in shops:
        shop.close()


def statements(shop: Shop, work: Callable[[Shop], object]) -> int:
    """SQL statements that the desk runs for that work."""
    ran: list[str] = []
    shop.ledger.connection.set_trace_callback(ran.append)
    work(shop)
    shop.ledger.connection.set_trace_callback(None)
    return len(ran)


def steps(shop: Shop, work: Callable[[Shop], object]) -> int:
    """Steps of SQLite's virtual machine for that work, in units of `STEP`: what rows cost."""
    ran: list[None] = []
    shop.ledger.connection.set_progress_handler(lambda: ran.append(None), STEP)
    work(shop)
    shop.ledger.connection.set_progress_handler(None, STEP)
    return len(ran)


def read(shop: Shop) -> None:
    """A reading that changes nothing."""
    shop.reading(on_hand=99_999)


def alert_about(orders: int) -> Callable[[Shop], object]:
    """A new alert about so many orders."""
    held = {f"new{number}": (3, "held") for number in range(orders)}
    return lambda shop: shop.alert(name=f"new{orders}", held=held)


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_reading_asks_as_often_however_many_orders_wait(
    make_shop: Callable[[int, bool], Shop], is_killed: bool
) -> None:
    few, many = make_shop(50, is_killed), make_shop(400, is_killed)
    assert statements(few, read) == statements(many, read)


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_reading_costs_in_proportion_to_the_orders_that_wait(
    make_shop: Callable[[int, bool], Shop], is_killed: bool
) -> None:
    few, many = make_shop(100, is_killed), make_shop(800, is_killed)
    # Eight times as many; sorting them adds a little, and the square would be 64 times.
    assert steps(many, read) < 12 * steps(few, read)


@pytest.mark.parametrize("is_killed", [False, True])
def test_an_alert_costs_the_same_however_many_orders_wait_beside_its_own(
    make_shop: Callable[[int, bool], Shop], is_killed: bool
) -> None:
    few, many = make_shop(100, is_killed), make_shop(800, is_killed)
    assert steps(many, alert_about(20)) < 2 * steps(few, alert_about(20))


def test_stock_that_comes_and_goes_brings_no_word_about_orders_that_wait_for_a_budget(
    make_shop: Callable[[int, bool], Shop],
) -> None:
    shop = make_shop(50, False)
    assert sum(each.delta for each in shop.published()) == ITEM_BUDGET
    assert shop.reading(on_hand=ITEM_BUDGET) == []
    assert shop.reading(on_hand=100_000) == []


def test_what_is_topped_up_of_an_item_is_found_without_reading_its_orders(
    make_shop: Callable[[int, bool], Shop],
) -> None:
    def found(shop: Shop) -> None:
        assert Store(shop.ledger.connection).topped_up_of("shop1", ITEM) == ITEM_BUDGET

    few, many = make_shop(50, False), make_shop(800, False)
    assert steps(few, found) == steps(many, found)


def test_a_file_of_an_earlier_version_is_given_the_index(tmp_path: Path) -> None:
    connection = open_database(tmp_path / "s.db")
    for _ in range(2):
        Store(connection)
        # An error where there is none.
        connection.execute("DROP INDEX entries_applied")
    connection.close()
