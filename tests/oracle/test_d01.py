"""D01's oracle against histories small enough to be worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from tests.oracle.oracle import OracleEpisode
from tests.oracle.story import DAY, HOUR, MINUTE, Story, ms

GRACE = 180


def burst(n: int = 5, *, units: int = 1, every: float = 10, start: float = 0) -> Story:
    """Orders o1..on, placed `every` seconds apart."""
    story = Story()
    for i in range(n):
        story.created(f"o{i + 1}", start + i * every, units)
    return story


def only(episodes: list[OracleEpisode]) -> OracleEpisode:
    assert len(episodes) == 1
    return episodes[0]


def test_five_unpaid_orders_open_a_warning_when_the_fifth_grace_is_over() -> None:
    assert burst().told("D01", HOUR) == [
        OracleEpisode(
            subject_kind="buyer",
            subject_id="s:b",
            anchor_event_id="e0000",
            opened_at_ms=ms(40 + GRACE),
            last_crossing_ms=ms(40 + GRACE),
            status="open",
            ended_at_ms=None,
            severity="warn",
            members=("o1", "o2", "o3", "o4", "o5"),
            n_members=5,
        )
    ]


def test_four_orders_are_not_a_burst() -> None:
    assert burst(4).told("D01", HOUR) == []


def test_a_crossing_counts_from_the_horizon_on_inclusively() -> None:
    assert burst().told("D01", 40 + GRACE - 0.001) == []
    assert len(burst().told("D01", 40 + GRACE)) == 1


@pytest.mark.parametrize(
    ("units", "severity"), [(49, None), (50, "warn"), (199, "warn"), (200, "critical")]
)
def test_units_alone_cross_at_fifty_and_two_hundred(units: int, severity: str | None) -> None:
    severities = [e.severity for e in burst(1, units=units).told("D01", HOUR)]
    assert severities == ([] if severity is None else [severity])


@pytest.mark.parametrize(("orders", "severity"), [(9, "warn"), (10, "critical")])
def test_ten_orders_are_critical(orders: int, severity: str) -> None:
    episode = only(burst(orders).told("D01", HOUR))
    assert episode.severity == severity
    assert episode.opened_at_ms == ms(40 + GRACE)
    assert episode.last_crossing_ms == ms(10 * (orders - 1) + GRACE)
    assert episode.n_members == orders


def test_units_are_the_sum_over_lines() -> None:
    story = burst(1)
    line = story.events[0][1]["items"][0]
    story.events[0][1]["items"] = [line | {"quantity": 20}, line | {"quantity": 30}]
    assert only(story.told("D01", HOUR)).severity == "warn"


@pytest.mark.parametrize(("units", "counted_after"), [(199, GRACE), (200, 30)])
def test_a_huge_order_has_a_short_grace(units: int, counted_after: int) -> None:
    assert only(burst(1, units=units).told("D01", HOUR)).opened_at_ms == ms(counted_after)


@pytest.mark.parametrize(
    ("paid_at", "counts"), [(GRACE - 0.001, 0), (GRACE, 0), (GRACE + 0.001, 1)]
)
def test_payment_up_to_the_end_of_the_grace_stops_the_order(paid_at: float, counts: int) -> None:
    # The last of five: paid exactly at its counted_at it ends there, so it is never live.
    story = burst(every=0)
    story.paid("o5", paid_at)
    assert len(story.told("D01", HOUR)) == counts


def test_closing_within_the_grace_stops_the_order() -> None:
    story = burst()
    story.closed("o3", 20 + GRACE)
    assert story.told("D01", HOUR) == []


def test_an_order_that_ended_before_the_crossing_is_not_live() -> None:
    story = burst(every=60)
    story.paid("o1", GRACE + 1)
    assert story.told("D01", HOUR) == []


def test_an_order_that_ends_exactly_at_the_crossing_is_not_live() -> None:
    story = burst(every=60)
    story.paid("o1", 240 + GRACE)
    assert story.told("D01", HOUR) == []
    later = burst(every=60)
    later.paid("o1", 240 + GRACE + 0.001)
    assert only(later.told("D01", HOUR)).n_members == 5


def test_the_earliest_successful_payment_counts() -> None:
    story = burst()
    story.paid("o5", 200, payment="first")
    story.paid("o5", 5000, payment="second")
    assert story.told("D01", HOUR) == []


@pytest.mark.parametrize(
    ("failed_at", "counted_at"),
    [(-1, GRACE), (0, 1800), (GRACE, GRACE + 1800), (GRACE + 0.001, GRACE)],
)
def test_a_failed_payment_within_the_grace_prolongs_it(failed_at: float, counted_at: float) -> None:
    story = burst(1, units=50)
    story.failed("o1", failed_at)
    assert only(story.told("D01", 2 * HOUR)).opened_at_ms == ms(counted_at)


def test_the_latest_failure_within_the_grace_counts_and_does_not_chain() -> None:
    story = burst(1, units=50)
    story.failed("o1", 10, payment="p1")
    story.failed("o1", 100, payment="p2")
    story.failed("o1", 1000, payment="p3")  # Within the prolonged grace, not within the first one.
    assert only(story.told("D01", 2 * HOUR)).opened_at_ms == ms(100 + 1800)


def test_a_failure_before_a_payment_of_the_same_id_is_kept() -> None:
    story = burst()
    story.failed("o5", 100)
    story.paid("o5", 300)
    assert story.told("D01", 2 * HOUR) == []


@pytest.mark.parametrize(("fifth_at", "episodes"), [(1800, 1), (1800.001, 0)])
def test_both_ends_of_the_window_are_inclusive(fifth_at: float, episodes: int) -> None:
    story = burst(4, every=0)
    story.created("o5", fifth_at)
    assert len(story.told("D01", 3 * HOUR)) == episodes


@pytest.mark.parametrize(("gap", "episodes"), [(DAY, 1), (DAY + 0.001, 2)])
def test_crossings_as_far_apart_as_the_cooldown_are_one_episode(gap: float, episodes: int) -> None:
    story = burst(1, units=50)
    story.created("o2", gap, 50)
    told = story.told("D01", gap + HOUR)
    assert len(told) == episodes
    assert [o for e in told for o in e.members] == ["o1", "o2"]
    assert told[0].opened_at_ms == ms(GRACE)
    assert told[-1].last_crossing_ms == ms(gap + GRACE)


def test_severity_is_the_highest_and_members_are_those_of_all_windows() -> None:
    story = burst(5)
    story.created("big", 5 * HOUR, 200)
    story.created("one", 10 * HOUR, 1)  # Crosses nothing, so it is no member.
    episode = only(story.told("D01", 11 * HOUR))
    assert episode.severity == "critical"
    assert episode.members == ("big", "o1", "o2", "o3", "o4", "o5")
    assert episode.last_crossing_ms == ms(5 * HOUR + 30)


def test_the_anchor_is_the_first_by_counted_at_then_event_id() -> None:
    story = Story()
    story.created("late", 10, event_id="a")
    for order, event_id in (("x", "n"), ("y", "m"), ("z", "o"), ("w", "p")):
        story.created(order, 0, event_id=event_id)
    assert only(story.told("D01", HOUR)).anchor_event_id == "m"


def test_an_order_placed_first_but_counted_late_is_not_the_anchor() -> None:
    story = burst(6)
    story.failed("o1", 1)
    assert only(story.told("D01", HOUR)).anchor_event_id == "e0001"


def paying(paid: int, *, of: int = 5) -> Story:
    story = burst(of)
    for i in range(paid):
        story.paid(f"o{i + 1}", HOUR + i)
    return story


@pytest.mark.parametrize(
    ("of", "paid", "status"),
    [(5, 3, "open"), (5, 4, "resolved"), (6, 4, "open"), (6, 5, "resolved"), (10, 8, "resolved")],
)
def test_eighty_percent_paid_rounded_up_resolves(of: int, paid: int, status: str) -> None:
    episode = only(paying(paid, of=of).told("D01", 2 * HOUR))
    assert episode.status == status
    assert episode.ended_at_ms == (ms(HOUR + paid - 1) if status == "resolved" else None)


def test_resolved_at_the_kth_payment_not_the_last() -> None:
    assert only(paying(5).told("D01", 4 * DAY)).ended_at_ms == ms(HOUR + 3)


def test_resolved_no_earlier_than_the_last_crossing() -> None:
    story = burst(5)
    story.created("big", 6 * HOUR, 200)
    for i in range(5):
        story.paid(f"o{i + 1}", HOUR + i)
    # Five of six members are paid long before the last crossing.
    assert only(story.told("D01", 7 * HOUR)).ended_at_ms == ms(6 * HOUR + 30)


@pytest.mark.parametrize(
    ("until", "status"), [(3 * DAY + 40 - 0.001, "open"), (3 * DAY + 40, "expired")]
)
def test_expired_when_the_platform_has_closed_the_last_member(until: float, status: str) -> None:
    episode = only(burst().told("D01", until))
    assert episode.status == status
    assert episode.ended_at_ms == (ms(3 * DAY + 40) if status == "expired" else None)


def test_expired_at_the_latest_end_of_its_members() -> None:
    story = burst()
    story.paid("o1", 300)
    for order, at in (("o2", 400), ("o3", 900), ("o4", 500), ("o5", 600)):
        story.closed(order, at)
    episode = only(story.told("D01", HOUR))
    assert (episode.status, episode.ended_at_ms) == ("expired", ms(900))


def test_paying_beats_closing() -> None:
    story = paying(4)
    for i in range(5):
        story.closed(f"o{i + 1}", 2 * HOUR)
    assert only(story.told("D01", 3 * HOUR)).status == "resolved"


def test_buyers_and_shops_do_not_add_up() -> None:
    story = burst(4)
    story.buyer = "other"
    story.created("o5", 0)
    story.buyer, story.shop = "b", "elsewhere"
    story.created("o5", 0)
    assert story.told("D01", HOUR) == []


def test_a_payment_under_another_buyer_is_of_another_order() -> None:
    story = burst()
    story.buyer = "other"
    story.paid("o5", 60)
    assert len(story.told("D01", HOUR)) == 1


@pytest.mark.parametrize(
    ("rules", "episodes"),
    [({"warn_orders": 6}, 0), ({"window_s": MINUTE}, 1), ({"window_s": 39}, 0)],
)
def test_thresholds_can_be_changed(rules: dict[str, Any], episodes: int) -> None:
    assert len(burst().told("D01", HOUR, rules)) == episodes
