"""D08 where its two parts meet; single limits are held by the examples and by the oracle."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.topics import BUYER_TOPICS
from tests.episode_rows import Row, engine_rows, oracle_rows
from tests.oracle.story import DAY, HOUR, Story, ms
from tests.pipeline import Pipeline, run


def three_orders_and_a_saga() -> Story:
    """The third order of part B is asked for at the moment of part A's second re-request."""
    story = Story()
    for attempt in range(1, 4):
        story.created(f"o{attempt}", 0)
        story.requested("o0", attempt * DAY, attempt=attempt)
        story.refund_step("refused", "o0", attempt * DAY + HOUR, attempt=attempt)
    story.requested("o1", 2 * DAY)
    story.requested("o2", 3 * DAY)
    return story


def rows_of(story: Story, pipeline: Pipeline, horizon_ms: int) -> list[Row]:
    """The episodes of D08, in which the oracle agrees."""
    rows = engine_rows(pipeline.alerts, pipeline.partitions)
    own = [row for row in rows if row.detector == "D08"]
    assert own == oracle_rows(story.events, horizon_ms, detectors=["D08"])
    return own


def test_both_parts_at_one_moment_are_one_crossing_with_the_facts_of_both() -> None:
    story = three_orders_and_a_saga()
    pipeline = run(story.events, ms(4 * DAY))
    (row,) = rows_of(story, pipeline, ms(4 * DAY))
    assert row.opened_at_ms == row.last_crossing_ms == ms(3 * DAY)
    # The first request on o0 for part B; the second and third are part A's re-requests.
    assert row.n_members == 5
    assert row.severity == "warn"


def test_the_higher_level_of_both_parts_counts() -> None:
    story = three_orders_and_a_saga()
    for number in range(2):
        story.contact(2 * DAY + number)
    pipeline = run(story.events, ms(4 * DAY))
    assert [a["severity"] for a in pipeline.standing.values()] == ["critical"]


def test_contacts_after_the_last_request_still_make_it_critical_within_the_window() -> None:
    for late, severity in ((0, "critical"), (0.001, "warn")):
        story = Story()
        for attempt in range(1, 4):
            story.requested("o", attempt * HOUR, attempt=attempt)
            story.refund_step("refused", "o", attempt * HOUR + 1, attempt=attempt)
        # Of the two re-requests, at two and three hours, the first leaves the window at 14 d 2 h.
        story.contact(14 * DAY)
        story.contact(14 * DAY + 2 * HOUR + late)
        (alert,) = run(story.events, ms(20 * DAY)).standing.values()
        assert alert["severity"] == severity


def test_the_summary_counts_the_requests_that_were_made() -> None:
    story = Story()
    for attempt in range(1, 4):
        story.requested("o", attempt * HOUR, attempt=attempt)
        story.refund_step("refused", "o", attempt * HOUR + 1, attempt=attempt)
    (alert,) = run(story.events, ms(DAY)).standing.values()
    assert alert["summary"]["en"].startswith(
        "b made 3 refund-only requests on 1 order, 2 of them again after a refusal"
    )


def test_that_nobody_answers_waits_for_the_answers() -> None:
    story = Story()
    for attempt in range(1, 4):
        story.requested("o", attempt * HOUR, attempt=attempt)
        story.refund_step("refused", "o", attempt * HOUR + 1, attempt=attempt)
    for number in range(2):
        story.contact(2 * HOUR + number)
    pipeline = Pipeline()
    pipeline.send(story.events)
    pipeline.read_to_end(ms(DAY), [topic for topic in BUYER_TOPICS if topic != "contacts"])
    pipeline.read_to_end(ms(3 * HOUR - 0.001), ["contacts"])
    assert [(a.change, a.severity) for a in pipeline.alerts] == [("opened", "warn")]
    pipeline.read_to_end(ms(3 * HOUR), ["contacts"])
    assert pipeline.alerts[-1].severity == "critical"


@pytest.mark.parametrize("paid_before", [0, 3])
def test_the_share_in_the_evidence_is_the_one_that_was_compared(paid_before: int) -> None:
    """Three of six within the window; what was paid before it is not part of that number."""
    story = Story()
    for number in range(6 + paid_before):
        at = 31 * DAY if number < 6 else 0
        story.created(f"o{number}", at)
        story.paid(f"o{number}", at)
    for number in range(3):
        story.requested(f"o{number}", 32 * DAY + number)
    standing = run(story.events, ms(33 * DAY)).standing.values()
    (alert,) = [a for a in standing if a["detector"] == "D08"]
    shares = [t for t in alert["evidence"]["thresholds"] if t["name"] == "share_of_paid_orders"]
    assert [share["value"] for share in shares] == [50]


def test_shares_are_waited_for_as_payments_are_read() -> None:
    """Thirty orders, five of them refunded: with payments unread these five seem to be all."""
    story = Story()
    for number in range(30):
        story.created(f"o{number}", number)
        story.paid(f"o{number}", number)
    for number in range(5):
        story.requested(f"o{number}", DAY + number)
    pipeline = Pipeline()
    pipeline.send([event for event in story.events if event[0] != "payments"])
    pipeline.read_to_end(ms(9 * DAY), [topic for topic in BUYER_TOPICS if topic != "payments"])
    assert [a for a in pipeline.alerts if a.detector == "D08"] == []
    # Nothing is paid indeed: then it is so once that is known.
    pipeline.read_to_end(ms(DAY + 4), ["payments"])
    found = [(a.change, a.severity) for a in pipeline.alerts if a.detector == "D08"]
    assert found == [("opened", "critical")]
    pipeline.send([event for event in story.events if event[0] == "payments"])
    assert [a.change for a in pipeline.alerts if a.detector == "D08"][-1] == "retracted"


def asked_of_items(attempts: int, *, named: bool, refusals_named: bool = True) -> Story:
    """Three items of one order, each asked for so often; all but the last request are refused."""
    story = Story()
    story.created("o", 0)
    story.shipped("o", HOUR)
    for attempt in range(1, attempts + 1):
        for item in range(3):
            which = {"refund": f"r{item}", "attempt": attempt}
            name = f"oid{item}" if named else None
            at = attempt * DAY + item * HOUR
            story.requested("o", at, sub_order=name, **which)
            if (attempt, item) != (attempts, 2):
                name = name if refusals_named else None
                story.refund_step("refused", "o", at + 60, sub_order=name, **which)
    return story


def severities(story: Story, until: float = 20 * DAY) -> list[str]:
    pipeline = run(story.events, ms(until))
    return [row.severity for row in rows_of(story, pipeline, ms(until))]


@pytest.mark.parametrize("refusals_named", [True, False])
def test_three_items_of_one_order_are_no_three_requests_for_one(refusals_named: bool) -> None:
    assert severities(asked_of_items(1, named=False)) == ["warn"]
    assert severities(asked_of_items(1, named=True, refusals_named=refusals_named)) == []
    # Each once more, after a refusal: for none of them is that a series.
    assert severities(asked_of_items(2, named=True, refusals_named=refusals_named)) == []
    assert severities(asked_of_items(3, named=True, refusals_named=refusals_named)) == ["warn"]


def test_what_names_no_item_may_be_about_any() -> None:
    """Twice of one item and once of the order: as far as anybody can tell, it is the same thing."""
    story = Story()
    for day, name in enumerate(["oid1", None, "oid1"], start=1):
        story.requested("o", day * DAY, attempt=day, refund=f"r{name}", sub_order=name)
        story.refund_step("refused", "o", day * DAY + HOUR, attempt=day, refund="r-other")
    assert severities(story) == ["warn"]


def test_a_request_of_the_whole_order_after_those_of_its_items_is_one_of_each() -> None:
    story = asked_of_items(1, named=True)
    story.requested("o", 2 * DAY, refund="whole")
    assert severities(story) == []


def stopped(orders: int = 3, *, told: str | None = "returned_to_sender") -> Story:
    """Parcels that left and are asked back before they arrive; the carrier brings them back later."""
    story = Story()
    for number in range(orders):
        order, at = f"o{number}", number * HOUR
        story.created(order, at)
        story.paid(order, at + 60)
        story.shipped(order, DAY + at)
        story.requested(order, 2 * DAY + at, reason="no_longer_wanted", goods="not_received")
        if told:
            story.parcel(told, order, 4 * DAY + at)
    return story


@pytest.mark.parametrize(
    ("told", "found"),
    [("returned_to_sender", []), ("refused", []), ("in_transit", ["warn"]), (None, ["warn"])],
)
def test_a_parcel_that_came_back_without_the_buyer_costs_nothing(
    told: str | None, found: list[str]
) -> None:
    assert severities(stopped(told=told)) == found


def test_one_of_three_parcels_that_came_back_leaves_two() -> None:
    story = stopped(told=None)
    story.parcel("returned_to_sender", "o0", 4 * DAY)
    assert severities(story) == []
    story.created("o3", 0)
    story.requested("o3", 5 * DAY)
    assert severities(story) == ["warn"]


def test_what_was_sent_again_or_received_after_all_did_not_come_back() -> None:
    received, sent, refused = (stopped(told="refused") for _ in range(3))
    for number in range(3):
        order, at = f"o{number}", 5 * DAY + number
        received.requested(order, at, attempt=2, goods="received")
        sent.shipped(order, at)
        sent.requested(order, at + DAY, attempt=2, goods="not_received")
        refused.parcel("refused", order, at)
    assert [severities(one) for one in (received, sent, refused)] == [["warn"], ["warn"], []]


def test_what_the_buyer_says_of_the_goods_brings_no_parcel_back() -> None:
    story = stopped(told=None)
    for number in range(3):
        order = f"o{number}"
        story.requested(order, 5 * DAY + number, attempt=2, reason="not_received", goods="returned")
    assert severities(story) == ["warn"]


def test_the_return_of_a_parcel_that_is_told_later_takes_the_accusation_back() -> None:
    story = stopped()
    late = [e for e in story.events if e[1]["type"] == "returned_to_sender"]
    pipeline = Pipeline()
    pipeline.send([e for e in story.events if e not in late])
    pipeline.read_to_end(ms(3 * DAY))
    assert [(a.change, a.severity) for a in pipeline.alerts] == [("opened", "warn")]
    pipeline.send(late)
    assert [a.change for a in pipeline.alerts] == ["opened", "retracted"]


@pytest.mark.parametrize("has_it", [True, False])
def test_whether_a_parcel_came_back_is_waited_for_unless_the_buyer_has_it(has_it: bool) -> None:
    """Nor for longer than until the request: a shop that tells of no shipments is still warned."""
    story = Story()
    for attempt in range(1, 4):
        goods = "received" if has_it else "returned"
        story.requested("o", attempt * HOUR, attempt=attempt, goods=goods)
        story.refund_step("refused", "o", attempt * HOUR + 1, attempt=attempt)
    pipeline = Pipeline()
    pipeline.send(story.events)
    assert [a.severity for a in pipeline.alerts] == (["warn"] if has_it else [])
    pipeline.read_to_end(ms(DAY), [topic for topic in BUYER_TOPICS if topic != "shipments"])
    pipeline.read_to_end(ms(3 * HOUR - 0.001), ["shipments"])
    assert len(pipeline.alerts) == has_it
    pipeline.read_to_end(ms(3 * HOUR), ["shipments"])
    assert [a.severity for a in pipeline.alerts] == ["warn"]


def bought(orders: int = 5, **asked: Any) -> Story:
    """Orders that arrived, and a request for each."""
    story = Story()
    for number in range(orders):
        order, at = f"o{number}", number * HOUR
        story.created(order, at)
        story.paid(order, at + 60)
        story.shipped(order, DAY + at)
        story.requested(order, 4 * DAY + at, **asked)
    return story


@pytest.mark.parametrize("text", ["", "坏果包赔,退差额"])
@pytest.mark.parametrize("reason", ["other", "quality"])
@pytest.mark.parametrize(
    ("asked", "paid", "is_of_a_part"),
    [
        (3999, 4000, False),
        (3600, 4000, False),
        (3599, 4000, True),
        (5000, 4000, False),
        (0, 4000, True),
    ],
)
def test_an_amount_says_what_is_a_part_whatever_the_words(
    asked: int, paid: int, is_of_a_part: bool, reason: str, text: str
) -> None:
    story = bought(reason=reason, text=text, amount_minor=asked, paid_minor=paid)
    assert severities(story) == ([] if is_of_a_part else ["critical"])


@pytest.mark.parametrize("paid", [None, 0])
def test_without_an_amount_the_words_decide(paid: int | None) -> None:
    asked = {"reason": "other", "amount_minor": 3999, "paid_minor": paid}
    assert severities(bought(**asked, text="坏果包赔,退差额")) == []
    assert severities(bought(**asked, text="坏了")) == ["critical"]
