"""The guard for silent payments: which shop is silent, told from one batch of several shops."""

from __future__ import annotations

from schemas.topics import BUYER_TOPICS
from streams.detect.facts import AnyFact, OrderPaid, OrderPlaced
from streams.detect.horizon import Frontier
from streams.detect.partition import Partition
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
