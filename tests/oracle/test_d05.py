"""D05's oracle against histories small enough to be worked out by hand."""

from __future__ import annotations

import pytest

from tests.oracle.case_story import CaseStory
from tests.oracle.oracle import Classified, Doubted, OracleEpisode, oracle
from tests.oracle.story import DAY, HOUR, ms

TICK = 0.001


def doubted() -> CaseStory:
    story = CaseStory()
    story.ordered("o", HOUR, event_id="o")
    return story


def told(story: CaseStory, until: float, *more: Doubted) -> list[OracleEpisode]:
    """The cases at a time, where the first address of the order is doubted."""
    classified = Classified((Doubted("s", "b", "o", True, False), *more))
    return oracle("D05", story.events, ms(until), classified=classified)


def only(story: CaseStory, until: float, *more: Doubted) -> OracleEpisode:
    (episode,) = told(story, until, *more)
    return episode


def test_a_doubted_address_is_a_case_of_its_order() -> None:
    assert only(doubted(), DAY) == OracleEpisode(
        *("buyer", "s:b", "o", ms(HOUR), ms(HOUR), "open", None, "warn", ("o",), 1)
    )


def test_a_doubt_about_the_phone_alone_is_none() -> None:
    phone = Classified([Doubted("s", "b", "o", address=False, phone=True)])
    assert oracle("D05", doubted().events, ms(DAY), classified=phone) == []


@pytest.mark.parametrize(("at", "cases"), [(HOUR - TICK, 0), (HOUR, 1), (HOUR + TICK, 1)])
def test_what_is_said_once_shipping_is_over_counts_for_nothing(at: float, cases: int) -> None:
    story = doubted()
    story.shipped("o", at)
    assert len(told(story, DAY)) == cases


def test_a_change_puts_it_right_and_is_evidence() -> None:
    story = doubted()
    story.moved("o", 2 * HOUR, {"detail": "right"})
    episode = only(story, DAY)
    assert (episode.status, episode.ended_at_ms) == ("resolved", ms(2 * HOUR))
    assert episode.members == ("e0001", "o")


def test_of_a_change_and_a_parcel_at_once_the_parcel_ended_it() -> None:
    story = doubted()
    story.moved("o", 2 * HOUR, {"detail": "right"})
    story.shipped("o", 2 * HOUR)
    episode = only(story, DAY)
    assert (episode.status, episode.members) == ("resolved", ("o",))


def test_a_change_for_the_worse_does_not() -> None:
    story = doubted()
    story.moved("o", 2 * HOUR, {"detail": "wrong"})
    episode = only(story, DAY, Doubted("s", "b", "e0001", address=True, phone=False))
    assert (episode.status, episode.members) == ("open", ("e0001", "o"))


@pytest.mark.parametrize(
    ("until", "status"), [(HOUR + 14 * DAY - TICK, "open"), (HOUR + 14 * DAY, "expired")]
)
def test_it_is_old_fourteen_days_after_its_newest_fact(until: float, status: str) -> None:
    assert only(doubted(), until).status == status


@pytest.mark.parametrize(
    ("first", "second", "severity"),
    [
        (HOUR, 2 * HOUR, "critical"),
        (HOUR - TICK, 2 * HOUR, "warn"),
        (HOUR, DAY, "critical"),
        (HOUR, DAY + TICK, "warn"),
    ],
)
def test_two_calls_in_vain_from_its_opening_up_to_its_end(
    first: float, second: float, severity: str
) -> None:
    story = doubted()
    story.contact(first)
    story.contact(second)
    story.shipped("o", DAY)
    assert only(story, 2 * DAY).severity == severity


def test_calls_count_up_to_the_horizon_and_an_answer_whenever_it_comes() -> None:
    story = doubted()
    story.contact(HOUR)
    story.contact(DAY)
    assert [only(story, until).severity for until in (DAY - TICK, DAY)] == ["warn", "critical"]
    story.contact(3 * DAY, answered=True)
    assert only(story, DAY).severity == "warn"


@pytest.mark.parametrize(
    ("wrote", "severity"), [(0, "warn"), (DAY, "warn"), (2 * DAY, "critical"), (-TICK, "critical")]
)
def test_who_wrote_on_a_day_of_it_was_reached(wrote: float, severity: str) -> None:
    story = doubted()
    story.contact(HOUR)
    story.contact(2 * HOUR)
    story.wrote(wrote)
    story.shipped("o", DAY)
    assert only(story, 5 * DAY).severity == severity


def test_evidence_is_the_first_that_suffice_and_the_newest() -> None:
    story = doubted()
    for hours in (2, 3, 4, 5):
        story.contact(hours * HOUR)
    assert only(story, DAY).members == ("e0001", "e0002", "e0004", "o")


@pytest.mark.parametrize(
    ("made", "cleared", "severity"),
    [
        (0, None, "critical"),
        (DAY, None, "critical"),
        (DAY + TICK, None, "warn"),
        (0, DAY, "critical"),
        (0, DAY - TICK, "warn"),
    ],
)
def test_a_sign_that_stands_at_its_end(made: float, cleared: float | None, severity: str) -> None:
    story = doubted()
    story.account("verified", made, alipay_verified=False)
    if cleared is not None:
        story.account("verified", cleared, alipay_verified=True)
    story.shipped("o", DAY)
    assert only(story, 2 * DAY).severity == severity
