"""D06's oracle against histories small enough to be worked out by hand."""

from __future__ import annotations

import pytest

from tests.oracle.case_story import CaseStory
from tests.oracle.oracle import Classified, Doubted, OracleEpisode, oracle
from tests.oracle.story import DAY, HOUR, ms

TICK = 0.001


def unverified() -> CaseStory:
    story = CaseStory()
    story.account("verified", 0, alipay_verified=False)
    story.ordered("o", HOUR, event_id="o")
    return story


def told(story: CaseStory, until: float, *doubted: Doubted) -> OracleEpisode:
    (episode,) = oracle("D06", story.events, ms(until), classified=Classified(doubted))
    return episode


def wrong(event_id: str, *, address: bool = False, phone: bool = False) -> Doubted:
    return Doubted("s", "b", event_id, address, phone)


def test_a_sign_and_an_order_are_a_case() -> None:
    assert told(unverified(), DAY) == OracleEpisode(
        *("buyer", "s:b", "e0000", ms(HOUR), ms(HOUR), "open", None, "info", ("e0000",), 1)
    )


def test_neither_alone_is() -> None:
    story = unverified()
    for events in (story.events[:1], story.events[1:]):
        assert oracle("D06", events, ms(DAY)) == []


def test_an_account_of_which_only_the_age_is_told_is_no_sign_and_clears_none() -> None:
    story = unverified()
    story.account("verified", DAY, created_at="2020-01-01T00:00:00Z")
    assert told(story, 2 * DAY).members == ("e0000",)


def test_the_first_later_verification_clears() -> None:
    story = unverified()
    for at in (2 * DAY, DAY):
        story.account("verified", at, alipay_verified=True)
    episode = told(story, 9 * DAY)
    assert (episode.status, episode.ended_at_ms) == ("resolved", ms(DAY))


def test_what_was_cleared_before_the_first_order_ends_when_it_begins() -> None:
    story = CaseStory()
    story.account("flags", 0, phone_valid=False)
    story.account("flags", 60, phone_valid=True)
    story.ordered("o", HOUR, (200,))
    episode = told(story, DAY)
    assert (episode.opened_at_ms, episode.ended_at_ms) == (ms(HOUR), ms(HOUR))
    assert episode.severity == "info"


@pytest.mark.parametrize(
    ("units", "severity"), [((20,), "warn"), ((10, 10), "warn"), ((10, 9, 19), "info")]
)
def test_a_large_order_beside_a_sign_warns(units: tuple[int, ...], severity: str) -> None:
    story = unverified()
    story.ordered("large", DAY, units, event_id="large")
    episode = told(story, 2 * DAY)
    assert episode.severity == severity
    assert ("large" in episode.members) == (severity == "warn")


def test_two_kinds_warn_and_two_of_one_kind_do_not() -> None:
    story = unverified()
    story.account("verified", DAY, alipay_verified=False)
    assert told(story, 2 * DAY).severity == "info"
    assert told(story, 2 * DAY, wrong("o", phone=True)).severity == "warn"


def test_a_doubted_address_warns_while_it_stands() -> None:
    story = unverified()
    assert told(story, DAY, wrong("o", address=True)).members == ("e0000", "o")
    story.moved("o", DAY, {"detail": "right"})
    assert told(story, 2 * DAY, wrong("o", address=True)).severity == "info"


@pytest.mark.parametrize(
    ("at", "severity"), [(DAY - TICK, "warn"), (DAY, "warn"), (DAY + TICK, "info")]
)
def test_what_comes_after_it_was_put_right_counts_for_nothing(at: float, severity: str) -> None:
    story = unverified()
    story.account("verified", DAY, alipay_verified=True)
    story.ordered("large", at, (20,))
    assert told(story, 3 * DAY).severity == severity


def test_a_phone_is_put_right_by_the_next_receiver() -> None:
    story = CaseStory()
    story.ordered("o", 0, event_id="o")
    story.moved("o", HOUR, {"phone": "13800138000"})
    episode = told(story, DAY, wrong("o", phone=True))
    assert (episode.status, episode.ended_at_ms) == ("resolved", ms(HOUR))


@pytest.mark.parametrize(
    ("until", "status"), [(HOUR + 30 * DAY - TICK, "open"), (HOUR + 30 * DAY, "expired")]
)
def test_it_is_forgotten_thirty_days_after_it_opened(until: float, status: str) -> None:
    assert told(unverified(), until).status == status
