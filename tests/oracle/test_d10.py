"""D10's oracle against histories small enough to be worked out by hand."""

from __future__ import annotations

import pytest

from tests.oracle.oracle import OracleEpisode
from tests.oracle.story import DAY, HOUR, Story, ms


def claims(*times: float, reason: str = "stockout") -> Story:
    """Orders o1.. shipped an hour after time 0, due at one day, and claimed at `times`."""
    story = Story()
    for i, at in enumerate(times):
        _claimed(story, f"o{i + 1}", at, reason=reason)
    return story


def _claimed(story: Story, order: str, at: float, *, reason: str = "stockout") -> None:
    story.created(order, 0, ship_by=DAY)
    story.shipped(order, HOUR)
    story.requested(
        order, at, reason=reason, goods="not_received", event_id=f"q-{story.buyer}-{order}"
    )


def wave(buyers: int, *, every: float = HOUR) -> Story:
    """One proven claim of each of `buyers` buyers."""
    story = Story()
    for i in range(buyers):
        story.buyer = f"b{i}"
        _claimed(story, f"o{i}", DAY + i * every)
    return story


def of(kind: str, episodes: list[OracleEpisode]) -> list[OracleEpisode]:
    return [e for e in episodes if e.subject_kind == kind]


def only(episodes: list[OracleEpisode]) -> OracleEpisode:
    assert len(episodes) == 1
    return episodes[0]


def verdict_is_false(story: Story, until: float) -> bool:
    """Whether order `x` adds to a proven claim of the same buyer."""
    _claimed(story, "proven", 10)
    return bool(story.told("D10", until))


def test_two_proven_claims_open_a_warning_for_the_buyer() -> None:
    assert claims(2 * DAY, 3 * DAY).told("D10", 4 * DAY) == [
        OracleEpisode(
            subject_kind="buyer",
            subject_id="s:b",
            anchor_event_id="q-b-o1",
            opened_at_ms=ms(3 * DAY),
            last_crossing_ms=ms(3 * DAY),
            status="open",
            ended_at_ms=None,
            severity="warn",
            members=("o1", "o2"),
            n_members=2,
        )
    ]


@pytest.mark.parametrize(("n", "severities"), [(1, []), (2, ["warn"]), (3, ["critical"])])
def test_two_warn_three_are_critical(n: int, severities: list[str]) -> None:
    story = claims(*[2 * DAY + i for i in range(n)], reason="late_shipment")
    assert [e.severity for e in story.told("D10", 3 * DAY)] == severities


def test_other_reasons_are_no_claims() -> None:
    assert claims(2 * DAY, 3 * DAY, reason="quality").told("D10", 4 * DAY) == []


def test_a_withdrawn_request_is_no_claim() -> None:
    story = claims(2 * DAY, 3 * DAY)
    story.refund_step("withdrawn", "o2", 4 * DAY)
    assert story.told("D10", 5 * DAY) == []


def test_complaints_are_claims_too() -> None:
    story = claims(2 * DAY)
    story.created("x", 0, ship_by=DAY)
    story.shipped("x", HOUR)
    story.filed("c", "x", 3 * DAY, "late_shipment")
    assert only(story.told("D10", 4 * DAY)).members == ("o1", "x")


@pytest.mark.parametrize(
    ("order", "kind", "ruling", "episodes"),
    [
        ("x", "stockout", None, 1),
        ("x", "stockout", "rejected", 1),
        ("x", "stockout", "withdrawn", 0),
        ("x", "stockout", "upheld", 0),
        ("x", "postage", None, 0),
        (None, "stockout", None, 0),
    ],
)
def test_which_complaints_are_claims(
    order: str | None, kind: str, ruling: str | None, episodes: int
) -> None:
    story = claims(2 * DAY)
    story.created("x", 0, ship_by=DAY)
    story.shipped("x", HOUR)
    story.filed("c", order, 3 * DAY, kind)
    if ruling is not None:
        story.ruled("c", None, 4 * DAY, ruling)
    assert len(story.told("D10", 5 * DAY)) == episodes


def test_an_order_counts_once_at_its_earliest_claim() -> None:
    story = claims(2 * DAY)
    story.filed("c", "o1", 3 * DAY)
    story.requested("o1", 4 * DAY, attempt=2, reason="stockout")
    assert story.told("D10", 5 * DAY) == []


@pytest.mark.parametrize(("shipped_at", "is_false"), [(DAY, True), (DAY + 0.001, False)])
def test_shipped_at_the_deadline_is_in_time(shipped_at: float, is_false: bool) -> None:
    story = Story()
    story.created("x", 0, ship_by=DAY)
    story.shipped("x", shipped_at)
    story.requested("x", 2 * DAY, reason="stockout")
    assert verdict_is_false(story, 3 * DAY) is is_false


@pytest.mark.parametrize(
    ("ship_by", "paid_at", "promised_by", "shipped_at", "is_false"),
    [
        # The order's promise goes before the time since payment, whichever is longer.
        (DAY, 0, None, 1.5 * DAY, False),
        (5 * DAY, 0, None, 4 * DAY, True),
        # A date before the payment is no promise: two days from then.
        (DAY, DAY, None, 3 * DAY, True),
        (DAY, DAY, None, 3 * DAY + 0.001, False),
        # What the parcel promised only makes it earlier.
        (None, 0, DAY, 1.5 * DAY, False),
        (None, 0, 3 * DAY, 2.5 * DAY, False),
        (2 * DAY, None, DAY, 1.5 * DAY, False),
        (2 * DAY, None, DAY, DAY, True),
        (None, None, 3 * DAY, 2 * DAY, False),
    ],
)
def test_the_deadline_is_that_of_t02_or_what_the_parcel_promised(
    ship_by: float | None,
    paid_at: float | None,
    promised_by: float | None,
    shipped_at: float,
    is_false: bool,
) -> None:
    story = Story()
    story.created("x", -DAY, ship_by=ship_by)
    if paid_at is not None:
        story.paid("x", paid_at)
    story.shipped("x", shipped_at, promised_by=promised_by)
    story.requested("x", 6 * DAY, reason="stockout")
    assert verdict_is_false(story, 7 * DAY) is is_false


@pytest.mark.parametrize(("again_at", "is_false"), [(DAY, True), (DAY + 0.001, False)])
def test_of_several_parcels_all_must_have_left_in_time(again_at: float, is_false: bool) -> None:
    story = Story()
    story.created("x", 0, ship_by=DAY)
    story.shipped("x", HOUR)
    story.shipped("x", again_at)
    story.requested("x", 2 * DAY, reason="stockout")
    assert verdict_is_false(story, 3 * DAY) is is_false


@pytest.mark.parametrize(
    ("lines", "reason", "is_false"),
    [
        ({"a": 1, "b": 1}, "stockout", False),
        ({"a": 1, "b": 1}, "late_shipment", True),
        # Many units of one item are one item.
        ({"a": 1}, "stockout", True),
        ({"a": 9}, "stockout", True),
    ],
)
def test_what_left_in_time_does_not_say_that_nothing_was_out_of_stock(
    lines: dict[str, int], reason: str, is_false: bool
) -> None:
    for complains in (False, True):
        story = Story()
        story.created("x", 0, 0, ship_by=DAY, more=lines)
        story.shipped("x", 5 * HOUR)
        if complains:
            story.filed("c", "x", 9 * HOUR, reason)
        else:
            story.requested("x", 9 * HOUR, reason=reason, goods="not_received")
        assert verdict_is_false(story, 2 * DAY) is is_false


def test_two_lines_of_one_item_are_one_item() -> None:
    story = Story()
    story.created("x", 0, ship_by=DAY)
    story.events[0][1]["items"] *= 2
    story.shipped("x", 5 * HOUR)
    story.requested("x", 9 * HOUR, reason="stockout")
    assert verdict_is_false(story, 2 * DAY) is True


@pytest.mark.parametrize(("reason", "is_false"), [("stockout", False), ("late_shipment", True)])
def test_of_an_order_that_is_not_known_nobody_can_tell_what_was_missing(
    reason: str, is_false: bool
) -> None:
    story = Story()
    story.paid("x", 0)
    story.shipped("x", 5 * HOUR)
    story.requested("x", 9 * HOUR, reason=reason)
    assert verdict_is_false(story, 2 * DAY) is is_false


def test_before_the_deadline_a_stockout_of_several_items_is_premature_while_nothing_left() -> None:
    story = Story()
    story.created("x", 0, ship_by=9 * DAY, more={"b": 1})
    story.requested("x", DAY, reason="stockout")
    assert verdict_is_false(story, 2 * DAY) is True


def test_a_shop_does_not_count_stockouts_of_several_items() -> None:
    story = wave(4)
    story.buyer = "half"
    story.created("x", 0, ship_by=DAY, more={"b": 1})
    story.shipped("x", HOUR)
    story.requested("x", DAY + HOUR, reason="stockout")
    assert story.told("D10", 2 * DAY) == []


def test_what_a_second_parcel_promises_accuses_nobody() -> None:
    story = Story()
    story.created("x", 0)
    story.paid("x", 0)
    story.shipped("x", 1.2 * DAY, promised_by=DAY)
    story.shipped("x", 1.5 * DAY, promised_by=9 * DAY)
    story.requested("x", 4 * DAY, reason="stockout")
    assert verdict_is_false(story, 5 * DAY) is False


@pytest.mark.parametrize(("until", "episodes"), [(3 * DAY, 1), (3 * DAY - 0.001, 0)])
def test_a_claim_is_judged_when_everything_up_to_it_is_read(until: float, episodes: int) -> None:
    assert len(claims(2 * DAY, 3 * DAY).told("D10", until)) == episodes


@pytest.mark.parametrize(
    ("rulings", "episodes"),
    [
        (["upheld", "rejected"], 1),
        (["rejected", "upheld"], 0),
        (["withdrawn", "rejected"], 1),
        (["upheld", "withdrawn"], 0),
    ],
)
def test_the_last_ruling_of_a_complaint_counts(rulings: list[str], episodes: int) -> None:
    story = claims(2 * DAY)
    story.created("x", 0, ship_by=DAY)
    story.shipped("x", HOUR)
    story.filed("c", "x", 3 * DAY)
    for number, ruling in enumerate(rulings):
        story.ruled("c", None, (4 + number) * DAY, ruling)
    assert len(story.told("D10", 9 * DAY)) == episodes


@pytest.mark.parametrize(("shipped_at", "is_false"), [(2 * DAY, True), (2 * DAY + 0.001, False)])
def test_without_a_promise_two_days_after_the_earliest_payment(
    shipped_at: float, is_false: bool
) -> None:
    story = Story()
    story.created("x", -DAY)
    story.paid("x", 0, payment="first")
    story.paid("x", DAY, payment="second")
    story.shipped("x", shipped_at)
    story.requested("x", 3 * DAY, reason="stockout")
    assert verdict_is_false(story, 4 * DAY) is is_false


def test_nothing_known_is_not_fraud() -> None:
    story = Story()
    story.created("x", 0)
    story.shipped("x", HOUR)
    story.requested("x", 3 * DAY, reason="stockout")
    assert verdict_is_false(story, 4 * DAY) is False


@pytest.mark.parametrize(
    ("claimed_at", "until", "is_false"),
    [
        (DAY - 0.001, DAY - 0.001, True),  # Premature: the seller still has time.
        (DAY - 0.001, DAY, False),  # The deadline passed without a parcel.
        (DAY, DAY - 1, False),  # Claimed at the deadline.
        (DAY - 0.001, DAY - 0.002, False),  # Not known to be premature yet.
    ],
)
def test_without_a_parcel_a_claim_is_premature_only_before_the_deadline(
    claimed_at: float, until: float, is_false: bool
) -> None:
    story = Story()
    story.created("x", 0, ship_by=DAY)
    story.requested("x", claimed_at, reason="stockout")
    assert verdict_is_false(story, until) is is_false


def test_an_upheld_complaint_makes_every_claim_of_its_order_genuine() -> None:
    story = claims(2 * DAY, 3 * DAY)
    story.filed("c", "o1", 5 * DAY, "late_shipment")
    story.ruled("c", "o1", 6 * DAY, "upheld")
    assert story.told("D10", 7 * DAY) == []


def test_premature_claims_alone_do_not_fire() -> None:
    story = Story()
    for order in ("x", "y", "z"):
        story.created(order, 0, ship_by=9 * DAY)
        story.requested(order, DAY, reason="stockout")
    assert story.told("D10", 2 * DAY) == []
    # One parcel turns its claim into a proven one, which takes the other two along.
    story.shipped("x", 3 * DAY)
    assert only(story.told("D10", 4 * DAY)).severity == "critical"


@pytest.mark.parametrize(("gap", "episodes"), [(30 * DAY, 1), (30 * DAY + 0.001, 0)])
def test_the_buyers_window_is_thirty_days_inclusively(gap: float, episodes: int) -> None:
    assert len(claims(2 * DAY, 2 * DAY + gap).told("D10", 40 * DAY)) == episodes


def test_the_buyers_episodes_are_parted_by_more_than_thirty_days() -> None:
    for gap, episodes in ((30 * DAY, 1), (30 * DAY + 0.001, 2)):
        story = claims(2 * DAY, 2 * DAY, 2 * DAY + gap, 2 * DAY + gap)
        told = story.told("D10", 90 * DAY)
        assert len(told) == episodes
        assert [o for e in told for o in e.members] == ["o1", "o2", "o3", "o4"]


@pytest.mark.parametrize(("until", "status"), [(33 * DAY - 0.001, "open"), (33 * DAY, "expired")])
def test_the_buyers_episode_expires_after_thirty_days(until: float, status: str) -> None:
    episode = only(claims(2 * DAY, 3 * DAY).told("D10", until))
    assert episode.status == status
    assert episode.ended_at_ms == (ms(33 * DAY) if status == "expired" else None)


@pytest.mark.parametrize(
    ("buyers", "severities"), [(4, []), (5, ["warn"]), (9, ["warn"]), (10, ["critical"])]
)
def test_a_shop_is_claimed_against_by_five_or_ten_buyers(
    buyers: int, severities: list[str]
) -> None:
    assert [e.severity for e in wave(buyers).told("D10", 3 * DAY)] == severities


def test_the_row_of_a_shop() -> None:
    assert wave(6).told("D10", 2 * DAY) == [
        OracleEpisode(
            subject_kind="shop",
            subject_id="s",
            anchor_event_id="q-b0-o0",
            opened_at_ms=ms(DAY + 4 * HOUR),
            last_crossing_ms=ms(DAY + 5 * HOUR),
            status="open",
            ended_at_ms=None,
            severity="warn",
            members=("o0", "o1", "o2", "o3", "o4", "o5"),
            n_members=6,
        )
    ]


@pytest.mark.parametrize(("every", "episodes"), [(6 * HOUR, 1), (6 * HOUR + 0.001, 0)])
def test_the_shops_window_is_a_day_inclusively(every: float, episodes: int) -> None:
    assert len(wave(5, every=every).told("D10", 9 * DAY)) == episodes


def test_a_shop_counts_buyers_not_claims() -> None:
    story = wave(4)
    story.buyer = "b0"
    _claimed(story, "again", DAY)
    assert of("shop", story.told("D10", 3 * DAY)) == []
    assert len(of("buyer", story.told("D10", 3 * DAY))) == 1


def test_all_proven_claims_in_the_window_are_members_of_the_shops_episode() -> None:
    story = wave(5)
    story.buyer = "b0"
    _claimed(story, "again", DAY + HOUR)
    assert only(of("shop", story.told("D10", 3 * DAY))).n_members == 6


def test_premature_claims_do_not_count_against_a_shop() -> None:
    story = wave(4)
    story.buyer = "early"
    story.created("x", 0, ship_by=9 * DAY)
    story.requested("x", DAY, reason="stockout")
    assert story.told("D10", 2 * DAY) == []


@pytest.mark.parametrize(("gap", "episodes"), [(DAY, 1), (DAY + 0.001, 2)])
def test_the_shops_episodes_are_parted_by_more_than_a_day(gap: float, episodes: int) -> None:
    story = wave(5, every=0)
    for i in range(5):
        story.buyer = f"second{i}"
        _claimed(story, f"second{i}", DAY + gap)
    assert len(story.told("D10", 9 * DAY)) == episodes


def test_the_shops_episode_expires_after_a_day() -> None:
    story = wave(5)
    assert only(story.told("D10", 2 * DAY + 4 * HOUR - 0.001)).status == "open"
    ended = only(story.told("D10", 2 * DAY + 4 * HOUR))
    assert (ended.status, ended.ended_at_ms) == ("expired", ms(2 * DAY + 4 * HOUR))


def test_one_order_id_under_two_buyers_is_two_claims() -> None:
    story = Story()
    for i in range(5):
        story.buyer = f"b{i}"
        _claimed(story, "same", DAY)
    assert only(story.told("D10", 2 * DAY)).members == ("same",) * 5
