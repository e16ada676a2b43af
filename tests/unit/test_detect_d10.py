"""D10 beside D34, before everything is read, on parts of orders, and which numbers its evidence states."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from schemas.topics import BUYER_TOPICS
from streams.detect.episodes import Told
from tests.oracle.seller_story import SellerStory
from tests.oracle.story import DAY, HOUR, Story, ms, written
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
    counter, _ = alert["evidence"]["counter_evidence"]
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


def clicked(story: Story, order: str, picked_up_at: float | None, *, awaits: bool = True) -> None:
    """An order of a shop that clicks within the hour, claimed to be late three days later."""
    story.created(order, 0)
    story.paid(order, 0)
    story.shipped(order, HOUR, awaits=awaits)
    if picked_up_at is not None:
        story.parcel("pickup", order, picked_up_at)
    story.requested(order, 3 * DAY, reason="late_shipment", goods="not_received")


def claimed_by_five(picked_up_at: float | None, *, awaits: bool = True) -> Story:
    story = Story()
    for number in range(5):
        story.buyer = f"b{number}"
        clicked(story, "o", picked_up_at, awaits=awaits)
    return story


@pytest.mark.parametrize(
    ("picked_up_at", "is_told"),
    [
        (HOUR - 0.001, False),
        (HOUR, True),
        (HOUR + DAY, True),
        (HOUR + DAY + 0.001, False),
        (4 * DAY, False),
        (None, False),
    ],
)
def test_a_click_proves_no_shipping_unless_the_carrier_has_the_parcel_within_a_day(
    picked_up_at: float | None, is_told: bool
) -> None:
    story = claimed_by_five(picked_up_at)
    pipeline = run(story.events, ms(9 * DAY))
    assert ("D10" in accusing(pipeline)) is is_told
    expected = "proven" if is_told else "unknown"
    last = {t.signal.ref: t.signal.values["outcome"] for t in outcomes_of(pipeline, "o")}
    assert list(last.values()) == [expected] * 5


def test_that_no_carrier_has_it_is_concluded_once_shipments_are_read_so_far() -> None:
    """L4: until then nobody is accused, and nothing is said of the claim either."""
    story = claimed_by_five(None)
    claims = [e for e in story.events if e[0] == "refunds"]
    others = [e for e in story.events if e[0] != "refunds"]
    early = [(topic, value | {"occurred_at": written(2 * HOUR)}) for topic, value in claims]
    for horizon, outcome in ((HOUR + DAY - 0.001, "pending"), (HOUR + DAY, "unknown")):
        pipeline = run([*others, *early], ms(horizon))
        assert "D10" not in accusing(pipeline)
        assert outcomes_of(pipeline, "o")[-1].signal.values["outcome"] == outcome


def test_the_shop_hears_of_silence_although_nothing_else_happens() -> None:
    """Nobody comes back to such a buyer but the wake-up that was asked for."""
    pipeline = Pipeline()
    story = claimed_by_five(None)
    early = [
        (t, v | {"occurred_at": written(2 * HOUR)} if t == "refunds" else v)
        for t, v in story.events
    ]
    pipeline.send(early)
    heard = []
    for horizon in (HOUR + DAY - 0.001, HOUR + DAY):
        told = outcomes_of(pipeline.finish(ms(horizon)), "o")
        heard.append({t.signal.ref: t.signal.values["outcome"] for t in told})
    assert [set(outcomes.values()) for outcomes in heard] == [{"pending"}, {"unknown"}]


@pytest.mark.parametrize("parts", list(permutations(range(4))))
def test_pickups_in_any_order_late_and_twice_say_the_same(parts: tuple[int, ...]) -> None:
    """L1, L5: before the click, long after the claim was judged, of a second parcel, told again."""
    story = claimed_by_five(2 * HOUR)
    for number in range(2):
        story.buyer = f"b{number}"
        story.parcel("pickup", "o", 3 * HOUR if number else 2 * DAY)
    expected = run(story.events, ms(9 * DAY)).standing
    # The second parcel of b0 was taken too late, so that four are left: below the shop's limit.
    assert not expected
    kinds = ("orders", "payments", "refunds", "shipments")
    pipeline = Pipeline()
    for part in parts:
        events = [event for event in story.events if event[0] == kinds[part]]
        for event in (*reversed(events), *events):
            pipeline.send([event])
        pipeline.read_to_end(ms(8 * DAY))
    assert pipeline.finish(ms(9 * DAY)).standing == expected


def test_a_pickup_that_is_told_late_turns_the_verdict() -> None:
    story = claimed_by_five(2 * HOUR)
    pipeline = Pipeline()
    pipeline.send([event for event in story.events if event[1]["type"] != "pickup"])
    assert not accusing(pipeline.finish(ms(4 * DAY)))
    pipeline.send([event for event in story.events if event[1]["type"] == "pickup"])
    assert accusing(pipeline.finish(ms(4 * DAY))) == {"D10"}


def test_what_is_told_with_a_pickup_counts_for_more_than_without() -> None:
    """Whoever never told it without would else be outdone by who did."""
    without, with_it = (
        outcomes_of(run(claimed_by_five(at).events, ms(4 * DAY)), "o")[-1].signal.version
        for at in (None, 2 * HOUR)
    )
    assert with_it > without


def test_of_two_clicks_the_first_parcels_pickup_says_nothing_of_the_second() -> None:
    """Both clicks were in time, but only the first parcel ever left."""
    story = claimed_by_five(2 * HOUR)
    for number in range(5):
        story.buyer = f"b{number}"
        story.shipped("o", DAY, awaits=True)
    assert not accusing(run(story.events, ms(9 * DAY)))
    for number in range(5):
        story.buyer = f"b{number}"
        story.parcel("pickup", "o", DAY)
    assert accusing(run(story.events, ms(9 * DAY))) == {"D10"}


def test_without_the_word_that_pickups_follow_silence_about_them_means_nothing() -> None:
    """A shop that tells of none: as ever, but the alert says whose word it rests on."""
    told = run(claimed_by_five(None, awaits=False).events, ms(9 * DAY)).standing.values()
    (alert,) = [alert for alert in told if alert["detector"] == "D10"]
    assert alert["evidence"]["counter_evidence"][1] == {
        "zh": "其中5单仅以店铺点击发货为凭,没有快递揽收记录,请先核实包裹已交快递",
        "en": "That 5 of them shipped in time is the shop's own word: no pickup by the carrier is "
        "known, so make sure first that it has the parcels",
    }


@pytest.mark.parametrize("subject", ["buyer", "shop"])
def test_an_alert_says_of_how_many_parcels_the_carrier_knows(subject: str) -> None:
    story = Story()
    for number in range(5):
        if subject == "shop":
            story.buyer = f"b{number}"
        clicked(story, f"o{number}", None if number < 2 else 2 * HOUR, awaits=False)
    for known, said in (
        (False, "That 2 of them"),
        (True, "The carrier picked up the parcels of all"),
    ):
        for number in range(2 if known else 0):
            story.buyer = f"b{number}" if subject == "shop" else story.buyer
            story.parcel("pickup", f"o{number}", 2 * HOUR)
        told = run(story.events, ms(4 * DAY)).standing.values()
        (alert,) = [alert for alert in told if alert["detector"] == "D10"]
        assert alert["subject"]["kind"] == subject
        assert alert["evidence"]["counter_evidence"][1]["en"].startswith(said)


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
