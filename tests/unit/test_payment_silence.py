"""The guard for silent payments: which shop is silent, told from one batch of several shops."""

from __future__ import annotations

from schemas.topics import BUYER_TOPICS
from streams.detect.facts import AnyFact, OrderPaid, OrderPlaced
from streams.detect.horizon import Frontier
from streams.detect.partition import Effects, Partition
from tests.pipeline import default_engine

START_MS = 1_700_000_000_000
MIN_BUYERS = 5


def test_a_shop_is_silent_though_another_one_in_the_batch_is_paid_later() -> None:
    facts: dict[str, list[AnyFact]] = {
        f"b/quiet:{buyer}": [OrderPlaced(START_MS + buyer, f"e{buyer}", f"o{buyer}", 1, ())]
        for buyer in range(MIN_BUYERS)
    }
    facts["b/busy:b1"] = [OrderPaid(START_MS + 60_000, "paid", "p1", "o-busy")]
    partition = Partition(default_engine(), ("buyer",), Frontier(BUYER_TOPICS, 0, MIN_BUYERS))
    partition.apply({"orders": START_MS, "payments": START_MS + 60_000}, facts)
    assert partition.frontier.silent_shops == {"quiet"}


def test_a_payment_after_the_orders_of_its_batch_proves_that_payments_arrive() -> None:
    facts: dict[str, list[AnyFact]] = {
        f"b/shop:{buyer}": [OrderPlaced(START_MS + buyer, f"e{buyer}", f"o{buyer}", 1, ())]
        for buyer in range(MIN_BUYERS)
    }
    facts["b/shop:0"].append(OrderPaid(START_MS + 60_000, "paid", "p1", "o0"))
    partition = Partition(default_engine(), ("buyer",), Frontier(BUYER_TOPICS, 0, MIN_BUYERS))
    partition.apply({"orders": START_MS, "payments": START_MS + 60_000}, facts)
    assert not partition.frontier.silent_shops


def _later(partition: Partition, minute: int, *facts: tuple[str, AnyFact]) -> Effects:
    """What a batch of that minute leads to, all topics being read."""
    at_ms = START_MS + minute * 60_000
    for topic in BUYER_TOPICS:
        partition.frontier.read_to_end(topic, at_ms)
    return partition.apply(
        {"orders": at_ms, "payments": at_ms}, {key: [fact] for key, fact in facts}
    )


def test_an_outage_costs_nothing_per_minute_and_its_end_is_noticed_at_once() -> None:
    """Who waits for payments that nobody tells is looked at once, and again when they are told."""
    buyers = 50
    partition = Partition(default_engine(), ("buyer",), Frontier(BUYER_TOPICS, 0, MIN_BUYERS))
    orders: dict[str, list[AnyFact]] = {
        f"b/quiet:{buyer}": [OrderPlaced(START_MS + buyer, f"e{buyer}", f"o{buyer}", 60, ())]
        for buyer in range(buyers)
    }
    partition.apply({"orders": START_MS, "payments": START_MS}, orders)
    looked_at = 0
    for minute in range(1, 60):
        # Another shop goes on, so the horizon moves for all but the silent one.
        paid = OrderPaid(START_MS + minute * 60_000, f"p{minute}", f"p{minute}", f"s{minute}")
        effects = _later(partition, minute, (f"b/busy:{minute}", paid))
        looked_at += effects.evaluated
        assert not effects.alerts and not effects.told
    assert partition.frontier.silent_shops == {"quiet"}
    assert looked_at <= 2 * buyers
    # One of them paid, and payments are up to date: all others have not.
    paid = OrderPaid(START_MS + 60 * 60_000, "late", "late", "o0")
    effects = _later(partition, 60, ("b/quiet:0", paid))
    unpaid = {alert.subject.id for alert in effects.alerts if alert.status == "open"}
    assert unpaid == {f"quiet:{buyer}" for buyer in range(1, buyers)}


def test_a_backlog_of_payments_frees_those_whom_it_has_passed() -> None:
    """While a shop is still silent its own horizon moves with the payments that come."""
    partition = Partition(default_engine(), ("buyer",), Frontier(BUYER_TOPICS, 0, MIN_BUYERS))
    orders: dict[str, list[AnyFact]] = {
        f"b/quiet:{n}": [OrderPlaced(START_MS + 600_000 * n, f"e{n}", f"o{n}", 60, ())]
        for n in range(MIN_BUYERS + 2)
    }
    partition.apply({"orders": START_MS, "payments": START_MS}, orders)
    assert partition.frontier.silent_shops == {"quiet"}
    _later(partition, 200)
    # Ten minutes' worth of payments: the first order has stayed unpaid, of the others nothing is known.
    paid = OrderPaid(START_MS + 600_000, "p1", "p1", "o1")
    effects = _later(partition, 201, ("b/quiet:1", paid))
    assert partition.frontier.silent_shops == {"quiet"}
    assert {alert.subject.id for alert in effects.alerts} == {"quiet:0"}
