"""What retention lets go was no mistake: an alert that rests on it is not taken back, but it ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from schemas.topics import BUYER_TOPICS
from tests.oracle.seller_story import SellerStory
from tests.oracle.story import DAY, HOUR, Story, ms
from tests.pipeline import Pipeline
from tests.talk_stories import Talk


def returns_of_most_orders() -> Story:
    story = SellerStory()
    for number in range(6):
        story.created(f"o{number}", number * HOUR)
        story.paid(f"o{number}", number * HOUR + 60)
        story.shipped(f"o{number}", (number + 1) * HOUR)
    for number in range(5):
        story.requested(f"o{number}", 20 * DAY + number, reason="quality", refund_only=False)
    return story


def order_of_a_banned_buyer() -> Story:
    story = Story()
    story.flagged(0, banned=True)
    story.created("o", 30 * DAY)
    return story


@pytest.mark.parametrize(
    ("detector", "tell", "day"),
    [
        ("D09", returns_of_most_orders, 47.5),
        ("D35", order_of_a_banned_buyer, 46),
    ],
)
def test_an_alert_outlives_facts_that_are_let_go(
    detector: str, tell: Callable[[], Story], day: float
) -> None:
    story = tell()
    pipeline = Pipeline()
    pipeline.send(story.events)
    pipeline.read_to_end(ms(31 * DAY))
    before = {a["alert_id"] for a in pipeline.standing.values() if a["detector"] == detector}
    assert before
    known = len(story.events)
    story.created("much later", day * DAY)
    pipeline.send(story.events[known:])
    pipeline.read_to_end(ms(day * DAY + HOUR))
    after = {a["alert_id"] for a in pipeline.standing.values() if a["detector"] == detector}
    assert before <= after
    assert not [a for a in pipeline.alerts if a.detector == detector and a.status == "retracted"]


def few_of_many_orders_refunded() -> Story:
    """Five of 22 paid orders: nothing to say. The 17 are the older ones."""
    story = Story()
    for number in range(22):
        at_s = number * HOUR if number < 17 else 9 * DAY + number
        story.created(f"o{number}", at_s)
        story.paid(f"o{number}", at_s + 60)
        story.shipped(f"o{number}", at_s + HOUR)
        if number >= 17:
            story.requested(f"o{number}", 12 * DAY + number * HOUR, reason="damaged")
    return story


def test_what_may_not_be_told_is_no_act_of_a_campaign() -> None:
    story = Story()
    for number in range(22):
        at_s = number * HOUR if number < 17 else 20 * DAY + number
        story.created(f"o{number}", at_s)
        story.paid(f"o{number}", at_s + 60)
        if number >= 17:
            story.requested(f"o{number}", 28 * DAY + number * HOUR, reason="damaged")
    story.created("x", 46 * DAY)
    known = len(story.events)
    for number in range(6):
        story.created(f"u{number}", 46 * DAY + 2 * HOUR + number)
    pipeline = Pipeline()
    for events, at in ((story.events[:known], 46 * DAY), (story.events[known:], 47 * DAY)):
        pipeline.send(events)
        pipeline.read_to_end(ms(at))
    accused = {alert.detector for alert in pipeline.alerts}
    assert "D01" in accused
    assert not accused & {"D08", "D25"}


def question_about_ones_own_order() -> Story:
    story = Talk()
    story.created("12524332616616492", 0)
    story.said("订单12524332616616492的地址是哪里", HOUR)
    return story


@pytest.mark.parametrize("day", [45.1, 45.9, 46.5, 47.1])
def test_a_claim_outlives_the_reason_that_was_given_for_it(day: float) -> None:
    story = Talk()
    story.said("衣服洗一次就破了个洞", 0)
    story.said("补偿我30元,不然差评", 2 * DAY - 1)
    story.created("x", day * DAY)
    assert {(alert.detector, alert.severity) for alert in live(story).alerts} == {("D04", "info")}


@pytest.mark.parametrize(
    ("tell", "at"),
    [(few_of_many_orders_refunded, 46 * DAY), (question_about_ones_own_order, 45 * DAY + 1800)],
    ids=["D08", "D13"],
)
@pytest.mark.parametrize("later", ["order", "request"])
def test_nobody_is_accused_because_what_spoke_for_him_is_let_go(
    tell: Callable[[], Story], at: float, later: str
) -> None:
    story = tell()
    known = len(story.events)
    pipeline = Pipeline()
    pipeline.send(story.events)
    pipeline.read_to_end(ms(45 * DAY))
    story.created("x", at)
    story.paid("x", at + 60)
    if later == "request":
        story.requested("x", at + 120, reason="seven_day_no_reason", refund_only=False)
    story.shipped("x", at + 180)
    for event in story.events[known:]:
        pipeline.send([event])
        pipeline.read_to_end(ms(at + HOUR))
    assert not [alert for alert in pipeline.alerts if alert.detector in ("D08", "D13", "D17")]


@pytest.mark.parametrize("batches", [1, 2, 3])
def test_a_burst_is_told_though_it_is_over_when_its_batch_is_read(batches: int) -> None:
    story = Story()
    for number, day in enumerate((0, 60)):
        story.created(f"o{number}", day * DAY)
        story.paid(f"o{number}", day * DAY + 60)
        story.shipped(f"o{number}", day * DAY + HOUR)
    before = len(story.events)
    for number in range(12):
        story.created(f"x{number}", 61 * DAY + number * 10)
    burst = len(story.events)
    story.created("later", 100 * DAY)
    parts = [
        (story.events[:before], 60 * DAY + HOUR),
        (story.events[before:burst], 61 * DAY + HOUR),
        (story.events[burst:], 101 * DAY),
    ]
    pipeline = Pipeline()
    for number in range(batches - 1):
        pipeline.send(parts[number][0])
        pipeline.read_to_end(ms(parts[number][1]))
    pipeline.send([event for events, _ in parts[batches - 1 :] for event in events])
    pipeline.read_to_end(ms(101 * DAY))
    told = [(a["detector"], a["status"]) for a in pipeline.standing.values()]
    assert told == [("D01", "expired")]


def test_a_burst_is_told_after_a_lag_though_an_older_life_was_let_go() -> None:
    story = Story()
    for number, day in enumerate((0, 50)):
        story.created(f"o{number}", day * DAY)
        story.paid(f"o{number}", day * DAY + 60)
        story.shipped(f"o{number}", day * DAY + HOUR)
    pipeline = Pipeline()
    pipeline.send(story.events)
    pipeline.read_to_end(ms(51 * DAY))
    known = len(story.events)
    for number in range(12):
        story.created(f"x{number}", 61 * DAY + number * 10)
    pipeline.send(story.events[known:])
    pipeline.read_to_end(ms(81 * DAY), [t for t in BUYER_TOPICS if t != "payments"])
    assert pipeline.alerts == []
    pipeline.read_to_end(ms(81 * DAY))
    assert [(a.detector, a.status) for a in pipeline.alerts] == [("D01", "expired")]


def live(story: Story) -> Pipeline:
    """Each event as it comes, with all topics read up to it."""
    pipeline = Pipeline(lateness_ms=0)
    for event in sorted(story.events, key=lambda event: str(event[1]["occurred_at"])):
        pipeline.send([event])
        pipeline.read_to_newest()
    return pipeline


def statuses(pipeline: Pipeline, detector: str) -> list[str]:
    of_buyer = [a for a in pipeline.alerts if (a.detector, a.subject.id) == (detector, "s:b")]
    return [alert.status for alert in of_buyer]


def sent_late_after_its_order_was_let_go() -> Story:
    """Promised for day 43 and sent on day 47; because of an order on day 46 it is not known any more."""
    story = Story()
    story.created("o", 0, ship_by=43 * DAY)
    story.paid("o", 60)
    story.created("x", 46 * DAY)
    story.shipped("o", 47 * DAY)
    story.buyer = "another"
    story.created("moves time", 45 * DAY)
    return story


@pytest.mark.parametrize("buyer", ["b", "another"])
def test_an_alert_of_which_too_little_is_known_to_follow_it_ends(buyer: str) -> None:
    """Whether its buyer goes on ordering or is never heard of again."""
    story = sent_late_after_its_order_was_let_go()
    story.buyer = buyer
    for day in (60, 80, 95):
        story.created(f"on day {day}", day * DAY)
    pipeline = live(story)
    assert statuses(pipeline, "D34")[-2:] == ["open", "expired"]
    last = [alert for alert in pipeline.alerts if alert.detector == "D34"][-1]
    assert last.reason is not None
    assert "followed no longer" in last.reason.en


def test_that_it_ends_is_said_again_after_a_crash() -> None:
    story = sent_late_after_its_order_was_let_go()
    story.buyer = "b"
    story.created("much later", 95 * DAY)
    pipeline = live(story)
    (effects,) = [
        effects
        for effects in pipeline.effects
        if any(alert.status == "expired" for alert in effects.alerts)
    ]
    before = len(pipeline.alerts)
    pipeline.buyers[0].load("b/s:b", effects.intents["b/s:b"]())
    pipeline.read_to_newest()
    (again,) = pipeline.alerts[before:]
    assert again == effects.alerts[0].model_copy(update={"revision": again.revision})
    assert again.revision == effects.alerts[0].revision + 1


@pytest.mark.parametrize("promised", [43, 60])
def test_whoever_waits_for_a_day_to_come_is_not_forgotten_before(promised: int) -> None:
    story = Story()
    story.created("o", 0, ship_by=promised * DAY)
    story.paid("o", 60)
    story.buyer = "another"
    for day in range(1, 100):
        story.created(f"on day {day}", day * DAY)
    told = statuses(live(story), "D34")
    assert "open" in told
    assert told[-1] == "expired"


def test_nobody_is_kept_for_the_sake_of_a_mistyped_date() -> None:
    story = Story()
    story.created("o", 0, ship_by=1000 * DAY)
    story.paid("o", 60)
    story.buyer = "another"
    for day in (40, 50):
        story.created(f"on day {day}", day * DAY)
    assert "b/s:b" not in live(story).buyers[0].states
