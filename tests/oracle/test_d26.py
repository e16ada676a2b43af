"""D26's oracle against listings small enough to be judged by hand."""

from __future__ import annotations

from typing import Any

import pytest

from tests.oracle.oracle import Classified, OracleEpisode, Titled, oracle
from tests.oracle.story import DAY, HOUR, Story, ms

TICK = 0.001
FREE = {"claims_free_shipping": True}


def told(story: Story, until: float = 9 * DAY, **words: Any) -> list[OracleEpisode]:
    """What is found; `words` is what every title and description of the story says."""
    said = {"promises": False, "names_exclusions": False, "extra": ""} | words
    listed = [value["event_id"] for topic, value in story.events if topic == "listings"]
    titled = [Titled("s", "i", event_id, **said) for event_id in listed]
    return oracle("D26", story.events, ms(until), classified=Classified(titled=titled))


def listed(**body: Any) -> Story:
    story = Story()
    story.listing("published", "i", 0, **body)
    return story


@pytest.mark.parametrize(
    ("body", "words", "found"),
    [
        ({}, {}, 0),
        (FREE, {}, 0),
        ({**FREE, "post_fee_minor": 1}, {}, 1),
        ({"post_fee_minor": 1}, {}, 0),
        ({"post_fee_minor": 1}, {"promises": True}, 1),
        ({**FREE, "excluded_regions": ["新疆"]}, {}, 1),
        ({**FREE, "excluded_regions": ["新疆"]}, {"names_exclusions": True}, 0),
        ({"excluded_regions": ["新疆"]}, {}, 0),
        ({"is_overseas": True}, {}, 1),
        ({"is_overseas": True, "overseas_disclosed": True}, {}, 0),
        ({"min_price_quantity": 2}, {}, 1),
        ({"min_price_quantity": 1}, {}, 0),
        ({"category": "餐饮具"}, {"extra": "gift"}, 1),
        ({}, {"extra": "freight"}, 1),
        ({"category": "其它/赠品"}, {"extra": "gift"}, 0),
        ({"category": "其他>邮费"}, {"extra": "freight"}, 0),
    ],
)
def test_what_is_wrong_with_a_listing(
    body: dict[str, Any], words: dict[str, Any], found: int
) -> None:
    assert [e.severity for e in told(listed(**body), **words)] == ["warn"] * found


@pytest.mark.parametrize(
    ("at", "mode", "found"),
    [(-DAY, "order", 1), (0, "order", 1), (DAY, "order", 1), (0, "payment", 0)],
)
def test_deducting_on_order_informs_where_the_category_could_do_otherwise(
    at: float, mode: str, found: int
) -> None:
    story = listed(deduct_on_payment_supported=True)
    story.stock("i", at, 10, mode=mode)
    assert [e.severity for e in told(story)] == ["info"] * found
    story = listed(deduct_on_payment_supported=False)
    story.stock("i", at, 10, mode=mode)
    assert told(story) == []


def test_only_the_last_reading_before_an_event_is_in_force() -> None:
    story = listed(deduct_on_payment_supported=True)
    story.stock("i", -2 * HOUR, 10)
    story.stock("i", -HOUR, 10, mode="payment")
    assert told(story) == []


def test_events_with_issues_in_a_row_are_one_case_which_the_next_event_ends() -> None:
    story = listed(min_price_quantity=30)
    story.listing("changed", "i", HOUR, is_overseas=True)
    story.listing("off_shelf", "i", DAY, reason="seller", is_overseas=True)
    story.listing("on_shelf", "i", 2 * DAY, is_overseas=True)
    first, again = told(story)
    assert first.members == ("e0000", "e0001", "e0002")
    assert (first.status, first.opened_at_ms, first.ended_at_ms) == ("resolved", ms(0), ms(DAY))
    assert (again.status, again.anchor_event_id) == ("open", "e0003")


def test_switching_for_good_resolves_what_was_about_nothing_else() -> None:
    story = listed(deduct_on_payment_supported=True)
    for at, mode in ((1, "order"), (2, "payment"), (3, "order"), (4, "payment"), (5, "payment")):
        story.stock("i", at * HOUR, 10, mode=mode)
    (episode,) = told(story)
    assert (episode.status, episode.ended_at_ms) == ("resolved", ms(4 * HOUR))
    story.stock("i", 6 * HOUR, 10)
    assert [e.status for e in told(story)] == ["open"]


@pytest.mark.parametrize(("until", "status"), [(30 * DAY - TICK, "open"), (30 * DAY, "expired")])
def test_it_is_forgotten_after_thirty_days(until: float, status: str) -> None:
    assert [e.status for e in told(listed(is_overseas=True), until)] == [status]
