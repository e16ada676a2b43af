"""Returns, claims, top-ups, disputes and closing by hand: what their pages imply, worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from tests.oracle.oracle import OracleEpisode
from tests.oracle.seller_story import SellerStory
from tests.oracle.story import DAY, HOUR, ms

TICK = 0.001


def the_only(found: list[OracleEpisode]) -> OracleEpisode:
    (episode,) = found
    return episode


@pytest.mark.parametrize(
    ("given", "episodes"),
    [
        ({}, 1),
        ({"expected_sku_id": "a", "received_sku_id": "b"}, 1),
        ({"expected_sku_id": "a", "received_sku_id": "a"}, 1),
        ({"expected_quantity": 2, "received_quantity": 1}, 1),
        ({"expected_quantity": 2, "received_quantity": 2}, 1),
        ({"expected_quantity": 2, "received_quantity": 3}, 0),
        ({"expected_weight_g": 1000, "received_weight_g": 900}, 0),
        ({"expected_weight_g": 1000, "received_weight_g": 899}, 1),
        ({"expected_weight_g": 1000, "received_weight_g": 1100}, 0),
        ({"expected_weight_g": 1000, "received_weight_g": 1101}, 1),
        ({"expected_weight_g": 0, "received_weight_g": 50}, 1),
        ({"expected_weight_g": 1000, "received_weight_g": 1000, "expected_quantity": 1}, 0),
    ],
)
def test_what_a_mismatch_is(given: dict[str, Any], episodes: int) -> None:
    story = SellerStory()
    story.inspected("o", 0, **given)
    found = story.told("D09", DAY)
    assert [episode.severity for episode in found] == ["critical"] * episodes


@pytest.mark.parametrize("result", ["match", "damaged"])
def test_what_matches_or_broke_on_its_way_is_no_mismatch(result: str) -> None:
    story = SellerStory()
    story.inspected("o", 0, result, expected_quantity=2, received_quantity=0)
    assert story.told("D09", DAY) == []


def odd(orders: int, *, kept: int = 0, gap: float = HOUR) -> SellerStory:
    story = SellerStory()
    for number in range(orders + kept):
        story.created(f"o{number}", number)
        story.paid(f"o{number}", number)
    for number in range(orders):
        at = DAY + number * gap
        story.requested(f"o{number}", at, reason="quality", event_id=f"q{number}")
    return story


@pytest.mark.parametrize(("orders", "kept", "episodes"), [(5, 3, 1), (5, 4, 0), (4, 0, 0)])
def test_five_odd_refunds_and_sixty_per_cent(orders: int, kept: int, episodes: int) -> None:
    assert len(odd(orders, kept=kept).told("D09", 9 * DAY)) == episodes


@pytest.mark.parametrize(("gap", "episodes"), [(7.5 * DAY, 1), (7.5 * DAY + TICK, 0)])
def test_odd_refunds_within_thirty_days_inclusively(gap: float, episodes: int) -> None:
    assert len(odd(5, gap=gap).told("D09", 40 * DAY)) == episodes


def test_a_mismatch_makes_a_series_critical_and_joins_it() -> None:
    story = odd(5)
    story.inspected("o0", 2 * DAY, event_id="i")
    episode = the_only(story.told("D09", 9 * DAY))
    assert episode.severity == "critical"
    assert episode.anchor_event_id == "q0"
    assert episode.members == ("i", "q0", "q1", "q2", "q3", "q4")


@pytest.mark.parametrize(("until", "episodes"), [(DAY + 4 * HOUR, 1), (DAY + 4 * HOUR - TICK, 0)])
def test_a_share_of_odd_refunds_is_concluded_when_payments_are_read(
    until: float, episodes: int
) -> None:
    assert len(odd(5).told("D09", until)) == episodes


@pytest.mark.parametrize(("until", "episodes"), [(DAY - 0.001, 0), (DAY, 1)])
def test_a_mismatch_waits_until_it_would_be_known_that_it_was_reported(
    until: float, episodes: int
) -> None:
    story = SellerStory()
    story.inspected("o", DAY)
    assert len(story.told("D09", until)) == episodes


@pytest.mark.parametrize(("reported_at", "episodes"), [(DAY, 0), (DAY + 0.001, 1)])
@pytest.mark.parametrize("by_dispute", [False, True])
def test_who_had_said_that_something_else_was_sent_sends_no_other_thing_back(
    reported_at: float, episodes: int, by_dispute: bool
) -> None:
    story = SellerStory()
    story.inspected("o", DAY)
    if by_dispute:
        story.disputed("o", reported_at, "wrong_item")
    else:
        story.requested("o", reported_at, reason="wrong_item", refund_only=False)
    assert len(story.told("D09", 3 * DAY)) == episodes


@pytest.mark.parametrize(
    ("received", "given", "episodes"),
    [
        ("blue", {}, 0),
        ("red", {}, 1),
        ("blue", {"expected_quantity": 2, "received_quantity": 1}, 1),
        ("blue", {"expected_weight_g": 100, "received_weight_g": 110}, 0),
        ("blue", {"expected_weight_g": 100, "received_weight_g": 111}, 1),
    ],
)
def test_a_wrong_colour_is_not_as_described_and_what_weighs_otherwise_is_no_colour(
    received: str, given: dict[str, int], episodes: int
) -> None:
    story = SellerStory()
    story.requested("o", 1, reason="not_as_described", refund_only=False)
    story.inspected("o", DAY, expected_sku_id="red", received_sku_id=received, **given)
    assert len(story.told("D09", 3 * DAY)) == episodes


@pytest.mark.parametrize(("orders", "members"), [(["o1"], 0), (["o1", "o1"], 0), (["o1", "o2"], 2)])
def test_a_second_order_that_came_back_in_another_colour_is_no_slip(
    orders: list[str], members: int
) -> None:
    story = SellerStory()
    for number, order in enumerate(orders):
        story.requested(order, number, reason="not_as_described", refund_only=False)
        sku = {"expected_sku_id": "red", "received_sku_id": "blue", "return_id": f"r{number}"}
        story.inspected(order, DAY + number, **sku)
    found = story.told("D09", 3 * DAY)
    assert sum(len(episode.members) for episode in found) == members


def test_odd_refunds_of_unknown_orders_accuse_nobody() -> None:
    story = SellerStory()
    for number in range(6):
        story.requested(f"o{number}", number, reason="quality")
    assert story.told("D09", DAY) == []


@pytest.mark.parametrize(
    "reason", ["seven_day_no_reason", "damaged", "stockout", "no_longer_wanted"]
)
def test_usual_reasons_are_not_odd(reason: str) -> None:
    story = SellerStory()
    for number in range(6):
        story.created(f"o{number}", 0)
        story.requested(f"o{number}", number, reason=reason)
    assert story.told("D09", DAY) == []


def test_a_quality_claim_informs_until_it_is_granted() -> None:
    story = SellerStory()
    story.requested("o", DAY, reason="allergy", event_id="q")
    assert the_only(story.told("D11", 2 * DAY)).status == "open"
    story.granted("o", DAY - 1)
    assert the_only(story.told("D11", 2 * DAY)).status == "open"
    story.granted("o", 3 * DAY, "succeeded", event_id="g")
    episode = the_only(story.told("D11", 2 * DAY))
    assert (episode.status, episode.ended_at_ms) == ("resolved", ms(3 * DAY))
    assert (episode.severity, episode.members) == ("info", ("g", "q"))


@pytest.mark.parametrize(("until", "status"), [(16 * DAY - TICK, "open"), (16 * DAY, "expired")])
def test_a_quality_claim_is_forgotten_after_fifteen_days(until: float, status: str) -> None:
    story = SellerStory()
    story.requested("o", DAY, reason="quality")
    assert the_only(story.told("D11", until)).status == status


def complaint(kind: str = "postage") -> SellerStory:
    # The order is of the evening, the complaint of the morning two days later (UTC).
    story = SellerStory()
    story.created("o", 20 * HOUR, event_id="o")
    story.filed("k", "o", 2 * DAY + 8 * HOUR, kind)
    return story


@pytest.mark.parametrize("kind", ["postage", "breach_of_promise"])
def test_a_complaint_without_contact_is_told_once_chats_are_read(kind: str) -> None:
    story = complaint(kind)
    assert story.told("D15", 2 * DAY + 8 * HOUR - TICK) == []
    assert the_only(story.told("D15", 2 * DAY + 8 * HOUR)).severity == "warn"
    assert complaint("invoice").told("D15", 9 * DAY) == []


@pytest.mark.parametrize(
    ("at", "episodes"),
    [
        (0, 0),
        (-TICK, 0),
        (-7 * DAY, 0),
        (-7 * DAY - TICK, 1),
        (DAY, 0),
        (3 * DAY - TICK, 0),
        (3 * DAY, 1),
    ],
)
def test_n22_any_chat_from_a_week_before_the_order_to_the_day_of_the_complaint(
    at: float, episodes: int
) -> None:
    story = complaint()
    story.chatted(at)
    assert len(story.told("D15", 9 * DAY)) == episodes


@pytest.mark.parametrize(("sender", "episodes"), [("buyer", 0), ("seller", 1), ("system", 1)])
def test_only_what_the_buyer_wrote_is_contact(sender: str, episodes: int) -> None:
    story = complaint()
    story.chatted(DAY, sender)
    assert len(story.told("D15", 9 * DAY)) == episodes


@pytest.mark.parametrize(("answered", "episodes"), [(True, 0), (False, 1)])
def test_an_answered_call_is_contact(answered: bool, episodes: int) -> None:
    story = complaint()
    story.contact(DAY, answered=answered)
    assert len(story.told("D15", 9 * DAY)) == episodes


@pytest.mark.parametrize("ruling", ["upheld", "rejected", "withdrawn"])
def test_a_ruling_settles_the_complaint(ruling: str) -> None:
    story = complaint()
    story.ruled("k", "o", 5 * DAY, ruling, "postage")
    episode = the_only(story.told("D15", 9 * DAY))
    assert (episode.status, episode.ended_at_ms, episode.n_members) == ("resolved", ms(5 * DAY), 3)


@pytest.mark.parametrize(
    ("answer", "at", "episodes"),
    [
        ("succeeded", 600, 0),
        ("failed", 600 + TICK, 1),
        ("pending", 60, 1),
    ],
)
def test_a_top_up_is_answered_within_ten_minutes(answer: str, at: float, episodes: int) -> None:
    story = SellerStory()
    story.topped_up("u", 0)
    story.answered("u", at, answer)
    assert len(story.told("D27", HOUR)) == episodes


def test_a_later_answer_or_a_person_settles_a_top_up() -> None:
    story = SellerStory()
    story.topped_up("u", 0)
    assert story.told("D27", 600 - TICK) == []
    episode = the_only(story.told("D27", 600))
    assert (episode.opened_at_ms, episode.status) == (ms(600), "open")
    story.answered("u", HOUR, "succeeded", "reconciled")
    story.answered("u", 2 * HOUR, "succeeded")
    assert the_only(story.told("D27", DAY)).ended_at_ms == ms(HOUR)


@pytest.mark.parametrize(
    ("detector", "reason", "channel", "photo"),
    [
        ("D28", "wrong_item", "cainiao_online", "label_photo"),
        ("D29", "damaged", "x", "package_photo"),
    ],
)
def test_a_dispute_is_followed_past_its_photo_until_it_is_withdrawn_or_ruled(
    detector: str, reason: str, channel: str, photo: str
) -> None:
    story = SellerStory()
    story.disputed("o", 0, reason, channel=channel)
    story.shown("item_photo", "buyer", "o", HOUR)
    assert the_only(story.told(detector, DAY)).status == "open"
    story.shown(photo, "buyer", "o", 2 * HOUR)
    story.shown(photo, "seller", "o", 3 * HOUR)
    story.dispute_step("escalated", "o", 3 * HOUR)
    episode = the_only(story.told(detector, 15 * DAY + 3 * HOUR - TICK))
    assert (episode.status, episode.n_members) == ("open", 5)
    assert the_only(story.told(detector, 15 * DAY + 3 * HOUR)).status == "expired"
    story.dispute_step("ruled", "o", 4 * HOUR, ruling="refund")
    story.dispute_step("withdrawn", "o", 5 * HOUR)
    episode = the_only(story.told(detector, DAY))
    assert (episode.ended_at_ms, episode.n_members) == (ms(4 * HOUR), 7)


def awaited(ends: float = 10 * DAY) -> SellerStory:
    story = SellerStory()
    story.disputed("o", 0, "return", ends=ends, event_id="d")
    return story


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        (8 * DAY - TICK, []),
        (8 * DAY, [("warn", "open")]),
        (9.5 * DAY, [("critical", "open")]),
        (10 * DAY, [("critical", "expired")]),
    ],
)
def test_a_return_is_overdue_two_days_and_twelve_hours_before_the_end(
    until: float, expected: list[tuple[str, str]]
) -> None:
    assert [(e.severity, e.status) for e in awaited().told("D30", until)] == expected


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (8 * DAY, []),
        (8 * DAY + TICK, [("warn", "resolved")]),
        (9.5 * DAY + TICK, [("critical", "resolved")]),
        (10 * DAY, [("critical", "resolved")]),
        (10 * DAY + TICK, [("critical", "expired")]),
    ],
)
def test_a_parcel_that_comes_before_the_end_ends_the_wait(
    at: float, expected: list[tuple[str, str]]
) -> None:
    story = awaited()
    story.returned("delivered", "o", at)
    assert [(e.severity, e.status) for e in story.told("D30", 30 * DAY)] == expected


def test_a_parcel_that_comes_after_the_end_is_told_beside_it() -> None:
    story = awaited()
    story.dispute_step("escalated", "o", 9 * DAY, event_id="x")
    story.returned("delivered", "o", 20 * DAY, event_id="r")
    episode = the_only(story.told("D30", 30 * DAY))
    assert (episode.status, episode.ended_at_ms) == ("resolved", ms(9 * DAY))
    assert (episode.members, episode.last_crossing_ms) == (("d", "r", "x"), ms(20 * DAY))


def test_what_came_back_for_one_item_is_not_what_another_one_waits_for() -> None:
    story = awaited(ends=4 * DAY)
    story.returned("label_created", "o", HOUR)
    story.returned("delivered", "o", DAY)
    story.disputed("o", 2 * DAY, "quality", ends=12 * DAY, dispute_id="d-2")
    assert story.told("D30", 12 * DAY) == []
    story.disputed("o", 3 * DAY, "return", ends=13 * DAY, dispute_id="d-3")
    assert the_only(story.told("D30", 12 * DAY)).opened_at_ms == ms(11 * DAY)
    story.returned("delivered", "o", 10 * DAY, event_id="r", number=2)
    assert the_only(story.told("D30", 12 * DAY)).members[-1] == "r", "it may be any of three"
    story.returned("delivered", "o", 10 * DAY, number=3, refund="d-3")
    assert story.told("D30", 12 * DAY) == []


@pytest.mark.parametrize(
    ("refund", "expected"), [("d-o", [("warn", "resolved")]), ("r-o", [("warn", "open")])]
)
def test_only_what_bears_the_id_of_the_dispute_is_its_money(
    refund: str, expected: list[tuple[str, str]]
) -> None:
    story = awaited()
    story.granted("o", 9 * DAY, "succeeded", refund=refund)
    assert [(e.severity, e.status) for e in story.told("D30", 9.25 * DAY)] == expected


@pytest.mark.parametrize(
    ("refund", "ended"), [("d-o", ["o"]), ("d-o-2", ["o-2"]), ("r-9", []), (None, [])]
)
def test_of_two_items_a_parcel_ends_the_wait_that_it_names(
    refund: str | None, ended: list[str]
) -> None:
    story = awaited()
    story.disputed("o", 0, "return", ends=10 * DAY, dispute_id="d-o-2", event_id="d-2")
    story.returned("delivered", "o", 9 * DAY, event_id="r", refund=refund)
    found = {e.anchor_event_id: e for e in story.told("D30", 9.25 * DAY)}
    resolved = [name for name, e in found.items() if e.status == "resolved"]
    assert resolved == [{"o": "d", "o-2": "d-2"}[name] for name in ended]
    shown = {name: e.n_members for name, e in found.items() if e.status == "open"}
    assert set(shown.values()) <= ({2} if refund is None else {1})


@pytest.mark.parametrize(("withdrawn_at", "episodes"), [(2 * DAY, 0), (2 * DAY + 0.001, 1)])
def test_who_withdraws_and_disputes_again_has_sent_it_back(
    withdrawn_at: float, episodes: int
) -> None:
    story = awaited(ends=4 * DAY)
    story.returned("delivered", "o", DAY)
    story.dispute_step("withdrawn", "o", withdrawn_at)
    story.disputed("o", 2 * DAY, "return", ends=12 * DAY, dispute_id="d-2")
    assert len(story.told("D30", 12 * DAY)) == episodes


def test_the_newest_countdown_counts() -> None:
    story = awaited()
    story.dispute_step("ruled", "o", DAY, ruling="return_and_refund", ends=20 * DAY)
    assert story.told("D30", 11 * DAY) == []
    assert the_only(story.told("D30", 18 * DAY)).opened_at_ms == ms(18 * DAY)


def test_without_a_return_or_a_countdown_nothing_is_overdue() -> None:
    story = SellerStory()
    story.disputed("a", 0, "quality", ends=10 * DAY)
    story.disputed("b", 0, "return")
    assert story.told("D30", 20 * DAY) == []
    story.returned("label_created", "a", HOUR)
    assert len(story.told("D30", 20 * DAY)) == 1


def test_a_short_countdown_warns_from_its_start() -> None:
    episode = the_only(awaited(ends=HOUR).told("D30", 0))
    assert (episode.opened_at_ms, episode.severity) == (ms(0), "critical")


def wave(buyers: int, gap: float = HOUR) -> SellerStory:
    story = SellerStory()
    for number in range(buyers):
        story.buyer = f"b{number}"
        story.disputed(f"o{number}", number * gap, event_id=f"d{number:02}")
    return story


@pytest.mark.parametrize(("buyers", "episodes"), [(9, 0), (10, 1)])
def test_ten_disputes_inform_where_no_number_of_orders_is_known(buyers: int, episodes: int) -> None:
    found = wave(buyers).told("D31", DAY)
    assert [episode.severity for episode in found] == ["info"] * episodes


@pytest.mark.parametrize(
    ("orders", "severity"), [(501, None), (500, "warn"), (251, "warn"), (250, "critical")]
)
def test_the_rate_of_disputes(orders: int, severity: str | None) -> None:
    found = wave(10).told("D31", DAY, {"orders_per_window": orders})
    assert [episode.severity for episode in found] == ([severity] if severity else [])


def test_a_withdrawal_ends_it_and_a_ruling_does_not() -> None:
    story = wave(10)
    story.dispute_step("ruled", "o9", 2 * DAY, ruling="rejected")
    assert the_only(story.told("D31", 3 * DAY)).status == "open"
    story.dispute_step("withdrawn", "o9", 2 * DAY)
    episode = the_only(story.told("D31", 3 * DAY))
    assert (episode.status, episode.ended_at_ms, episode.n_members) == ("resolved", ms(2 * DAY), 10)


@pytest.mark.parametrize(("until", "status"), [(30 * DAY, "open"), (30 * DAY + TICK, "resolved")])
def test_a_dispute_counts_for_thirty_days_inclusively(until: float, status: str) -> None:
    assert the_only(wave(10, gap=0).told("D31", until)).status == status


@pytest.mark.parametrize(("later", "episodes"), [(30 * DAY, 1), (30 * DAY + TICK, 2)])
def test_spans_as_far_apart_as_the_cooldown_are_one_episode(later: float, episodes: int) -> None:
    story = wave(10, gap=0)
    for number in range(10):
        story.dispute_step("withdrawn", f"o{number}", HOUR)
        story.events[-1][1]["buyer_id"] = f"b{number}"
    for number in range(10):
        story.buyer = f"c{number}"
        story.disputed(f"p{number}", HOUR + later)
    assert len(story.told("D31", HOUR + later)) == episodes


@pytest.mark.parametrize(("country", "episodes"), [("IT", 1), ("italy", 1), ("ES", 0), (None, 0)])
def test_a_return_ruled_for_italy(country: str | None, episodes: int) -> None:
    story = SellerStory()
    story.disputed("o", 0, country=country)
    story.dispute_step("ruled", "o", DAY, ruling="return_and_refund")
    assert len(story.told("D32", 2 * DAY)) == episodes


def test_the_number_that_the_seller_enters_settles_it() -> None:
    story = SellerStory()
    story.disputed("o", 0, country="ES")
    story.dispute_step("ruled", "o", DAY, ruling="return_and_refund", country="IT")
    story.shown("tracking_no", "buyer", "o", 2 * DAY)
    assert the_only(story.told("D32", 3 * DAY)).status == "open"
    story.shown("tracking_no", "seller", "o", 2 * DAY)
    episode = the_only(story.told("D32", 3 * DAY))
    assert (episode.status, episode.severity, episode.n_members) == ("resolved", "critical", 4)


@pytest.mark.parametrize(("paid_at", "episodes"), [(None, 1), (HOUR, 0), (HOUR + TICK, 1)])
def test_the_seller_closes_what_is_not_paid(paid_at: float | None, episodes: int) -> None:
    story = SellerStory()
    story.created("o", 0)
    if paid_at is not None:
        story.paid("o", paid_at)
    story.closed_by("seller", "o", HOUR)
    assert story.told("D33", HOUR - TICK) == []
    assert len(story.told("D33", HOUR)) == episodes


@pytest.mark.parametrize("who", ["buyer", "system"])
def test_others_may_close(who: str) -> None:
    story = SellerStory()
    story.created("o", 0)
    story.closed_by(who, "o", HOUR)
    story.closed_by("seller", "unknown", HOUR)
    assert story.told("D33", DAY) == []


TARGET_TOO = {"tells_target": True}


def paid_order(*, ship_by: float | None = None) -> SellerStory:
    story = SellerStory()
    story.created("o", 0, ship_by=ship_by)
    story.paid("o", 0)
    return story


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        (DAY - TICK, []),
        (DAY, [("info", "open")]),
        (42 * HOUR - TICK, [("info", "open")]),
        (42 * HOUR, [("warn", "open")]),
        (2 * DAY, [("critical", "open")]),
        (16 * DAY - TICK, [("critical", "open")]),
        (16 * DAY, [("critical", "expired")]),
    ],
)
def test_an_order_that_is_not_shipped_goes_through_the_tiers(
    until: float, expected: list[tuple[str, str]]
) -> None:
    assert [(e.severity, e.status) for e in paid_order().told("D34", until, TARGET_TOO)] == expected


@pytest.mark.parametrize(
    ("at", "severity"),
    [
        (DAY, None),
        (DAY + TICK, "info"),
        (42 * HOUR, "info"),
        (42 * HOUR + TICK, "warn"),
        (2 * DAY, "warn"),
        (2 * DAY + TICK, "critical"),
    ],
)
def test_shipping_at_the_very_limit_is_in_time(at: float, severity: str | None) -> None:
    story = paid_order()
    story.shipped("o", at)
    story.shipped("o", 5 * DAY)  # A second parcel changes nothing.
    found = story.told("D34", 9 * DAY, TARGET_TOO)
    assert [e.severity for e in found] == ([severity] if severity else [])
    assert all(e.ended_at_ms == ms(at) for e in found)


@pytest.mark.parametrize(
    ("ship_by", "opens", "critical"),
    [
        (7 * DAY, 6 * DAY, 7 * DAY),
        (30 * HOUR, DAY, 30 * HOUR),
        (20 * HOUR, 14 * HOUR, 20 * HOUR),
        (6 * HOUR, 3 * HOUR, 6 * HOUR),
        (HOUR, HOUR / 2, HOUR),
    ],
)
def test_a_promise_moves_the_tiers(ship_by: float, opens: float, critical: float) -> None:
    story = paid_order(ship_by=ship_by)
    assert story.told("D34", opens - TICK, TARGET_TOO) == []
    assert the_only(story.told("D34", opens, TARGET_TOO)).opened_at_ms == ms(opens)
    assert the_only(story.told("D34", critical)).severity == "critical"


@pytest.mark.parametrize(("at", "episodes"), [(42 * HOUR, 0), (42 * HOUR + TICK, 1)])
def test_by_default_a_missed_target_is_nobodys_business(at: float, episodes: int) -> None:
    story = paid_order()
    story.shipped("o", at)
    assert len(story.told("D34", 9 * DAY)) == episodes


@pytest.mark.parametrize(
    ("promised", "opens"),
    [(2 * DAY, 64 * HOUR), (2 * DAY - 2 * TICK, 44 * HOUR - TICK)],
)
def test_an_order_paid_late_is_told_a_day_after_unless_it_was_promised_soon(
    promised: float, opens: float
) -> None:
    story = SellerStory()
    story.created("o", 0, ship_by=promised)
    story.paid("o", 40 * HOUR)
    assert the_only(story.told("D34", 3 * DAY)).opened_at_ms == ms(opens)


@pytest.mark.parametrize(
    ("at", "status", "severity"),
    [(42 * HOUR + TICK, "resolved", "warn"), (2 * DAY + TICK, "resolved", "critical")],
)
def test_an_accepted_filing_ends_it(at: float, status: str, severity: str) -> None:
    story = paid_order()
    story.filing("submitted", "o", HOUR)
    story.filing("accepted", "o", at, event_id="f")
    episode = the_only(story.told("D34", 9 * DAY))
    assert (episode.status, episode.severity) == (status, severity)
    assert episode.ended_at_ms == ms(at)
    assert "f" in episode.members


def test_an_order_exempt_in_time_is_not_late() -> None:
    story = paid_order()
    story.filing("accepted", "o", 42 * HOUR)
    assert story.told("D34", 9 * DAY) == []


@pytest.mark.parametrize("kind", ["submitted", "rejected"])
def test_a_filing_that_nobody_accepted_excuses_from_nothing(kind: str) -> None:
    story = paid_order()
    story.filing(kind, "o", HOUR)
    assert story.told("D34", 9 * DAY) == paid_order().told("D34", 9 * DAY)


@pytest.mark.parametrize("how", ["closed", "refunded", "top_up"])
def test_what_need_not_be_shipped_is_not_late(how: str) -> None:
    story = paid_order()
    if how == "closed":
        story.closed_by("buyer", "o", HOUR)
    elif how == "refunded":
        story.granted("o", HOUR)
    else:
        story.topped_up("o", HOUR)
        story.events[-1][1]["order_id"] = "o"
    assert story.told("D34", 9 * DAY) == []
