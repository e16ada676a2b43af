"""The payment guard of the frontier: when a shop counts as silent, and when it has caught up."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from streams.detect.horizon import Frontier

TOPICS = ("orders", "payments")
MIN_BUYERS = 3
LATENESS_MS = 10
NOW_MS = 10_000


@pytest.fixture
def silent() -> Frontier:
    """A shop in which three buyers ordered at 101, 102 and 103 ms, with payments proven to 90 ms."""
    frontier = Frontier(TOPICS, LATENESS_MS, MIN_BUYERS)
    frontier.read_to_end("payments", 90 + LATENESS_MS)
    for number in (1, 2, 3):
        frontier.ordered("s", {f"b{number}": 100 + number})
    # Elsewhere people pay, so it is this shop and not the provider.
    frontier.paid("other", 104)
    frontier.read_to_end("orders", NOW_MS)
    frontier.read_to_end("payments", NOW_MS)
    return frontier


def restarted(frontier: Frontier) -> Frontier:
    after = Frontier(TOPICS, LATENESS_MS, MIN_BUYERS)
    after.restore(orjson.loads(orjson.dumps(frontier.export())))
    for shop, exported in frontier.export_payments(only_changed=False).items():
        after.restore_payments(shop, orjson.loads(orjson.dumps(exported)))
    return after


def everything(frontier: Frontier) -> dict[str, list[Any]]:
    return frontier.export_payments(only_changed=False)


def test_a_silent_shop_stays_where_it_was_and_others_go_on(silent: Frontier) -> None:
    assert silent.silent_shops == {"s"}
    assert silent.horizon(TOPICS, "s") == 90
    assert silent.horizon(TOPICS, "other") == NOW_MS - LATENESS_MS
    assert silent.horizon(("orders",), "s") == NOW_MS - LATENESS_MS


def test_orders_of_one_buyer_are_one() -> None:
    frontier = Frontier(TOPICS, LATENESS_MS, MIN_BUYERS)
    for at_ms in range(10):
        frontier.ordered("s", {"b1": at_ms})
    assert not frontier.silent_shops


def test_the_first_payment_of_a_backlog_does_not_end_the_silence(silent: Frontier) -> None:
    for number in range(100):
        silent.ordered("s", {f"later{number}": 200 + number})
    silent.paid("s", 104)
    assert silent.horizon(TOPICS, "s") == 104 - LATENESS_MS
    silent.paid("s", 296)
    assert silent.silent_shops
    silent.paid("s", 297)
    assert not silent.silent_shops
    assert silent.horizon(TOPICS, "s") == NOW_MS - LATENESS_MS


def test_a_restart_does_not_end_the_silence(silent: Frontier) -> None:
    after = restarted(silent)
    assert everything(after) == everything(silent)
    assert after.horizon(TOPICS, "s") == 90
    after.paid("s", 101)
    assert not after.silent_shops


def test_a_restart_while_counting_does_not_begin_again() -> None:
    frontier = Frontier(TOPICS, LATENESS_MS, MIN_BUYERS)
    frontier.paid("s", 50)
    frontier.ordered("s", {"b1": 101})
    frontier.ordered("s", {"b2": 102})
    frontier.paid("paid-shop", 50)
    after = restarted(frontier)
    assert everything(after) == everything(frontier)
    after.ordered("s", {"early": 49})
    assert not after.silent_shops
    after.ordered("s", {"b3": 103})
    assert after.silent_shops


def test_when_nobody_pays_in_any_shop_no_shop_is_too_small_for_the_guard() -> None:
    frontier = Frontier(TOPICS, LATENESS_MS, MIN_BUYERS)
    for number in (1, 2, 3):
        frontier.ordered(f"s{number}", {f"s{number}:b": 100 + number})
    frontier.read_to_end("orders", NOW_MS)
    frontier.read_to_end("payments", NOW_MS)
    assert frontier.horizon(TOPICS, "s1") == frontier.horizon(TOPICS) == 0
    # It is no shop, and has no name among them.
    assert (frontier.silent_shops, frontier.is_silent_everywhere) == (set(), True)
    frontier.paid("s2", 102)
    assert not frontier.is_silent_everywhere
    assert frontier.horizon(TOPICS, "s1") == NOW_MS - LATENESS_MS


def test_a_shop_of_which_nothing_came_for_a_whole_retention_is_not_silent(silent: Frontier) -> None:
    silent.saw("orders", 4 * 86_400_000)
    silent.export_payments(only_changed=True)
    assert silent.silent_shops
    silent.saw("orders", 46 * 86_400_000)
    assert silent.export_payments(only_changed=True) == {"s": [0, None, None]}
    assert not silent.silent_shops


def test_only_the_shops_that_changed_are_stored_again(silent: Frontier) -> None:
    assert silent.export_payments(only_changed=True).keys() >= {"s", "other"}
    assert silent.export_payments(only_changed=True) == {}
    silent.paid("s", 101)
    assert "other" not in silent.export_payments(only_changed=True)
    assert silent.export_payments(only_changed=False).keys() >= {"s", "other"}
