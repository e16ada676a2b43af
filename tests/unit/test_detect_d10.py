"""D10 beside D34, before everything is read, on parts of orders, and which numbers its evidence states."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from schemas.topics import BUYER_TOPICS
from streams.detect.episodes import Told
from tests.oracle.seller_story import SellerStory
from tests.oracle.story import DAY, HOUR, Story, ms
from tests.pipeline import Pipeline, build_engine, run

STRICT = {"s": {"deadlines": {"T02": {"limit_s": DAY}}}}


def claims_after(shipped_at: float, *, orders: int = 2) -> Story:
    """Orders paid at once, shipped so much later, and claimed to be late."""
    story = Story()
    for number in range(orders):
        story.created(f"o{number}", 0)
        story.paid(f"o{number}", 0)
        story.shipped(f"o{number}", shipped_at)
        story.requested(f"o{number}", 3 * DAY + number, reason="late_shipment")
    return story


def accusing(pipeline: Pipeline) -> set[str]:
    return {alert["detector"] for alert in pipeline.standing.values()}


@pytest.mark.parametrize(("shipped_at", "is_late"), [(DAY, False), (DAY + 0.001, True)])
def test_the_shops_own_limit_makes_a_seller_late_and_a_claim_genuine(
    shipped_at: float, is_late: bool
) -> None:
    """N15: what D34 calls late, D10 does not call shipped in time."""
    pipeline = Pipeline(build_engine(shops=STRICT))
    pipeline.send(claims_after(shipped_at).events)
    standing = pipeline.finish(ms(4 * DAY)).standing.values()
    critical = {a["detector"] for a in standing if a["severity"] == "critical"}
    assert ("D34" in critical) is is_late
    assert ("D10" in accusing(pipeline)) is not is_late


def test_a_promise_that_is_not_read_yet_accuses_nobody() -> None:
    """Without its order each parcel seems to have two days; the orders promised one."""
    story = Story()
    for number in range(2):
        story.created(f"o{number}", 0, ship_by=DAY)
        story.paid(f"o{number}", 0)
        story.shipped(f"o{number}", 1.5 * DAY)
        story.requested(f"o{number}", 3 * DAY + number, reason="late_shipment")
    pipeline = Pipeline()
    pipeline.send([event for event in story.events if event[0] != "orders"])
    pipeline.read_to_end(ms(9 * DAY), [topic for topic in BUYER_TOPICS if topic != "orders"])
    assert "D10" not in accusing(pipeline)
    pipeline.send([event for event in story.events if event[0] == "orders"])
    assert "D10" not in accusing(pipeline.finish(ms(9 * DAY)))


@pytest.mark.parametrize("again_at", [3 * DAY, 6 * DAY])
def test_what_is_sent_again_makes_no_claim_genuine_and_accuses_nobody(again_at: float) -> None:
    """Two claims are false; of the third, whose parcel was sent again, nobody can tell."""
    story = claims_after(HOUR, orders=3)
    story.shipped("o2", again_at)
    pipeline = run(story.events, ms(9 * DAY))
    (alert,) = [a for a in pipeline.standing.values() if a["detector"] == "D10"]
    assert (alert["severity"], alert["evidence"]["facts_total"]) == ("warn", 2)
    (counter,) = alert["evidence"]["counter_evidence"]
    assert counter["en"] == (
        "0 other claims of this buyer are genuine, 0 were withdrawn, 1 cannot be judged"
    )


@pytest.mark.parametrize("how", ["filed", "closed", "refunded"])
@pytest.mark.parametrize("claimed_at", [2 * HOUR, 3 * DAY])
def test_what_had_not_to_be_sent_any_more_makes_no_claim_genuine_and_accuses_nobody(
    how: str, claimed_at: float
) -> None:
    """S2 「備案成功可不發貨」: such claims are neither right nor wrong, before and after the deadline."""
    story = SellerStory()
    for number in range(2):
        story.created(f"o{number}", 0)
        story.paid(f"o{number}", 0)
    if how == "filed":
        story._add("filings", "accepted", HOUR, None, filing_id="f", order_id="o1")
    elif how == "closed":
        story.closed("o1", HOUR)
    else:
        story.refund_step("agreed", "o1", HOUR)
    story.shipped("o0", HOUR)
    for number in range(2):
        story.filed(f"k{number}", f"o{number}", claimed_at + number)
    for until in (claimed_at + HOUR, 4 * DAY):
        pipeline = run(story.events, ms(until))
        assert "D10" not in accusing(pipeline)
        assert [t.signal.values["outcome"] for t in outcomes_of(pipeline, "o1")] == ["unknown"]


def outcomes_of(pipeline: Pipeline, order: str) -> list[Told]:
    """What a shop heard of the claim of an order."""
    told = [one for effects in pipeline.effects for one in effects.told]
    return [t for t in told if t.signal.values.get("order") == order]


RULINGS = (["upheld", "rejected"], ["rejected", "upheld"], ["upheld", "withdrawn"])


@pytest.mark.parametrize("rulings", RULINGS)
def test_the_shop_hears_the_last_ruling_whatever_came_first(rulings: list[str]) -> None:
    """A ruling that is taken back leaves fewer upheld: what the shop is told must count for more."""
    story = Story()
    for number in range(5):
        story.buyer = f"b{number}"
        story.created("o", 0, ship_by=DAY)
        story.shipped("o", HOUR)
        story.filed("k", "o", 2 * DAY, "late_shipment")
    for number, ruling in enumerate(rulings):
        story.ruled("k", "o", (3 + number) * DAY, ruling)
    *before, first, second = story.events
    expected = run(story.events, ms(9 * DAY)).standing
    assert bool(expected) is (rulings[-1] == "rejected")
    for order in permutations((first, second)):
        pipeline = Pipeline()
        pipeline.send(before)
        pipeline.read_to_end(ms(9 * DAY))
        for event in order:
            pipeline.send([event])
        assert pipeline.finish(ms(9 * DAY)).standing == expected


def test_a_payment_that_is_not_read_yet_accuses_nobody() -> None:
    """The parcels promised nine days, but the orders were paid, and so due within two."""
    story = Story()
    for number in range(2):
        story.created(f"o{number}", 0)
        story.paid(f"o{number}", 0)
        story.shipped(f"o{number}", 3 * DAY, promised_by=9 * DAY)
        story.requested(f"o{number}", 4 * DAY + number, reason="late_shipment")
    pipeline = Pipeline()
    pipeline.send([event for event in story.events if event[0] != "payments"])
    pipeline.read_to_end(ms(9 * DAY), [topic for topic in BUYER_TOPICS if topic != "payments"])
    assert "D10" not in accusing(pipeline)


@pytest.mark.parametrize(("items", "is_told"), [(["a", "b"], False), (["a"], True)])
def test_a_half_that_was_out_of_stock_accuses_nobody(items: list[str], is_told: bool) -> None:
    """The seller agreed and paid for half of the order: `shipped` does not say what was in the parcel."""
    story = SellerStory()
    for order in ("o1", "o2"):
        story.created(order, 0, 0, more=dict.fromkeys(items, 1))
        story.paid(order, 0)
        story.shipped(order, 5 * HOUR)
        story.requested(order, 9 * HOUR, reason="stockout", goods="not_received")
        story.granted(order, 10 * HOUR)
        story.granted(order, 10 * HOUR, "succeeded")
    pipeline = run(story.events, ms(3 * DAY))
    assert ("D10" in accusing(pipeline)) is is_told


def test_an_order_that_is_read_late_changes_what_the_shop_hears() -> None:
    """Until the orders are read, nobody can tell that they were of one item."""
    story = Story()
    for number in range(5):
        story.buyer = f"b{number}"
        story.created("o", 0, more={"a": 1} if number == 4 else None)
        story.paid("o", 0)
        story.shipped("o", HOUR)
        story.requested("o", DAY, reason="stockout" if number else "late_shipment")
    story.buyer = "b5"
    story.created("o", 0)
    story.paid("o", 0)
    story.shipped("o", HOUR)
    story.requested("o", DAY, reason="stockout")
    pipeline = Pipeline()
    pipeline.send([event for event in story.events if event[0] != "orders"])
    pipeline.read_to_end(ms(3 * DAY - 1))
    assert "D10" not in accusing(pipeline)
    pipeline.send([event for event in story.events if event[0] == "orders"])
    (alert,) = pipeline.finish(ms(3 * DAY - 1)).standing.values()
    assert (alert["detector"], alert["evidence"]["facts_total"]) == ("D10", 5)


def numbers(alert: dict[str, Any]) -> dict[str, tuple[int, str | None]]:
    return {t["name"]: (t["value"], t["crossed"]) for t in alert["evidence"]["thresholds"]}


def test_a_buyers_thresholds_stand_beside_what_one_window_held() -> None:
    """L9: three claims in forty days, but never more than two of them within thirty."""
    story = Story()
    for number, day in enumerate((2, 22, 42)):
        story.created(f"o{number}", (day - 1) * DAY)
        story.paid(f"o{number}", (day - 1) * DAY)
        story.shipped(f"o{number}", (day - 1) * DAY + HOUR)
        story.requested(f"o{number}", day * DAY, reason="late_shipment")
    standing = run(story.events, ms(43 * DAY)).standing.values()
    (alert,) = [alert for alert in standing if alert["detector"] == "D10"]
    assert (alert["severity"], alert["evidence"]["facts_total"]) == ("warn", 3)
    assert numbers(alert) == {"claims": (2, "warn"), "shipped_in_time": (2, "critical")}
    assert alert["summary"]["en"] == (
        "b claimed stockout or late shipping on 3 orders, though 3 of them shipped on time."
    )


def test_the_parcels_in_the_evidence_are_those_of_the_highest_window() -> None:
    """Three claims within thirty days, of which one is proven; a fourth, proven one follows later."""
    story = Story()
    for number in range(2):
        story.created(f"early{number}", 0, ship_by=60 * DAY)
        story.requested(f"early{number}", DAY + number, reason="late_shipment")
    for number, day in enumerate((2, 32)):
        story.created(f"o{number}", day * DAY - HOUR, ship_by=60 * DAY)
        story.shipped(f"o{number}", day * DAY - 1)
        story.requested(f"o{number}", day * DAY, reason="late_shipment")
    standing = run(story.events, ms(33 * DAY)).standing.values()
    (alert,) = [alert for alert in standing if alert["detector"] == "D10"]
    assert (alert["severity"], alert["evidence"]["facts_total"]) == ("critical", 4)
    assert numbers(alert) == {"claims": (3, "critical"), "shipped_in_time": (1, "critical")}


def test_a_shops_thresholds_stand_beside_what_one_window_held() -> None:
    """L9: ten buyers in twenty-eight hours, but never more than six of them within a day."""
    story = Story()
    for number in range(10):
        story.buyer = f"b{number}"
        story.created("o", 0, ship_by=DAY)
        story.shipped("o", HOUR)
        asked = number * HOUR if number < 5 else 28 * HOUR
        story.requested("o", DAY + asked, reason="late_shipment")
    (alert,) = run(story.events, ms(2 * DAY + 5 * HOUR)).standing.values()
    assert (alert["subject"]["kind"], alert["severity"]) == ("shop", "warn")
    assert alert["evidence"]["facts_total"] == 10
    assert numbers(alert) == {"claims": (6, "warn"), "shipped_in_time": (6, "critical")}
    assert alert["summary"]["en"].startswith("10 buyers claim")
