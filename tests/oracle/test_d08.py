"""D08's oracle against histories small enough to be worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from tests.oracle.oracle import OracleEpisode
from tests.oracle.story import DAY, Story, ms


def nagging(times: int = 3, *, every: float = DAY, order: str = "o", **asked: Any) -> Story:
    """Requests 1..times for one order, each refused half-way to the next; `asked` says what for."""
    story = Story()
    for i in range(times):
        story.requested(order, i * every, attempt=i + 1, event_id=f"q{i + 1}", **asked)
        story.refund_step("refused", order, (i + 0.5) * every, attempt=i + 1)
    return story


def spree(orders: int = 3, *, paid: int | None = None, every: float = DAY, **asked: Any) -> Story:
    """`paid` orders of which the first `orders` ask for their money back, one every `every`."""
    story = Story()
    for i in range(paid if paid is not None else orders):
        story.created(f"o{i + 1}", 0)
        story.paid(f"o{i + 1}", 60)
    for i in range(orders):
        story.requested(f"o{i + 1}", (i + 1) * every, event_id=f"q{i + 1}", **asked)
    return story


def only(episodes: list[OracleEpisode]) -> OracleEpisode:
    assert len(episodes) == 1
    return episodes[0]


def test_a_second_rerequest_after_refusals_opens_a_warning() -> None:
    assert nagging().told("D08", 3 * DAY) == [
        OracleEpisode(
            subject_kind="buyer",
            subject_id="s:b",
            anchor_event_id="q2",
            opened_at_ms=ms(2 * DAY),
            last_crossing_ms=ms(2 * DAY),
            status="open",
            ended_at_ms=None,
            severity="warn",
            members=("q2", "q3"),
            n_members=2,
        )
    ]


def test_one_rerequest_is_not_enough() -> None:
    assert nagging(2).told("D08", 3 * DAY) == []


def test_asking_again_without_a_refusal_is_no_rerequest() -> None:
    story = Story()
    for i in range(5):
        story.requested("o", i * DAY, attempt=i + 1)
    assert story.told("D08", 9 * DAY) == []


@pytest.mark.parametrize(
    ("refused_at", "episodes"), [(100, 0), (100.001, 1), (199.999, 1), (200, 0)]
)
def test_the_refusal_lies_strictly_between(refused_at: float, episodes: int) -> None:
    story = Story()
    for i in range(3):
        story.requested("o", i * 100, attempt=i + 1)
    story.refund_step("refused", "o", 50, attempt=1)
    story.refund_step("refused", "o", refused_at, attempt=2)
    assert len(story.told("D08", DAY)) == episodes


def test_a_refusal_under_another_refund_of_the_order_counts() -> None:
    story = Story()
    for i in range(3):
        story.requested("o", i * 100, refund=f"r{i}")
        story.refund_step("refused", "o", i * 100 + 50, refund=f"r{i}")
    assert only(story.told("D08", DAY)).n_members == 2


def test_a_refusal_of_another_order_does_not_count() -> None:
    story = Story()
    for i in range(3):
        story.requested("o", i * 100, attempt=i + 1)
        story.refund_step("refused", "other", i * 100 + 50, attempt=i + 1)
    assert story.told("D08", DAY) == []


def test_a_withdrawn_request_is_none() -> None:
    story = nagging()
    story.refund_step("withdrawn", "o", 9 * DAY, attempt=3)
    assert story.told("D08", 10 * DAY) == []


def test_withdrawing_another_attempt_changes_nothing() -> None:
    story = nagging()
    story.refund_step("withdrawn", "o", 9 * DAY, attempt=4)
    assert len(story.told("D08", 10 * DAY)) == 1


def test_returns_are_not_refund_only() -> None:
    story = nagging(2)
    story.requested("o", 2 * DAY, attempt=3, refund_only=False)
    assert story.told("D08", 3 * DAY) == []


@pytest.mark.parametrize(("second_at", "episodes"), [(14 * DAY, 1), (14 * DAY + 0.001, 0)])
def test_rerequests_within_fourteen_days_inclusively(second_at: float, episodes: int) -> None:
    story = nagging(2)  # Its re-request is at one day.
    story.requested("o", DAY + second_at, attempt=3)
    assert len(story.told("D08", 40 * DAY)) == episodes


def test_rerequests_of_two_orders_do_not_add_up() -> None:
    story = nagging(2)
    story.events += nagging(2, order="other").events
    assert story.told("D08", 3 * DAY) == []


@pytest.mark.parametrize(
    ("contacts", "severity"),
    [
        ([(1, False)], "warn"),
        ([(1, False), (2, False)], "critical"),
        ([(1, False), (2, False), (1.5, True)], "warn"),
    ],
)
def test_two_unanswered_contacts_and_no_answer_are_critical(
    contacts: list[tuple[float, bool]], severity: str
) -> None:
    story = nagging()
    for day, answered in contacts:
        story.contact(day * DAY, answered=answered)
    assert only(story.told("D08", 3 * DAY)).severity == severity


@pytest.mark.parametrize(("wrote", "severity"), [(0.1, "warn"), (14, "warn"), (16, "critical")])
def test_who_writes_within_the_fourteen_days_can_be_reached(wrote: float, severity: str) -> None:
    story = nagging(every=DAY / 10)
    for hour in (1, 2):
        story.contact(DAY / 10 + hour * 3600)
    story.wrote(wrote * DAY if wrote < 1 else -wrote * DAY)
    assert only(story.told("D08", 3 * DAY)).severity == severity


def test_an_unanswered_contact_after_the_rerequests_is_a_crossing_too() -> None:
    story = nagging()
    story.contact(3 * DAY)
    story.contact(4 * DAY)
    episode = only(story.told("D08", 5 * DAY))
    assert episode.opened_at_ms == ms(2 * DAY)
    assert episode.last_crossing_ms == ms(4 * DAY)
    assert episode.severity == "critical"


def test_an_answer_after_the_crossing_does_not_undo_it() -> None:
    story = nagging()
    story.contact(DAY)
    story.contact(2 * DAY)
    story.contact(3 * DAY, answered=True)
    episode = only(story.told("D08", 5 * DAY))
    assert (episode.severity, episode.last_crossing_ms) == ("critical", ms(2 * DAY))


@pytest.mark.parametrize(
    ("earlier", "severity"), [(14 * DAY, "critical"), (14 * DAY + 0.001, "warn")]
)
def test_contacts_within_fourteen_days_inclusively(earlier: float, severity: str) -> None:
    story = Story()
    story.contact(20 * DAY - earlier)
    story.contact(20 * DAY)
    for i in range(3):
        story.requested("o", 20 * DAY - 200 + i * 100, attempt=i + 1)
        story.refund_step("refused", "o", 20 * DAY - 150 + i * 100, attempt=i + 1)
    assert only(story.told("D08", 21 * DAY)).severity == severity


@pytest.mark.parametrize("reason", ["stockout", "late_shipment"])
def test_who_asks_a_late_seller_again_and_again_is_not_accused(reason: str) -> None:
    story = nagging(reason=reason, goods="not_received")
    story.contact(DAY)
    story.contact(2 * DAY)
    assert story.told("D08", 3 * DAY) == []
    # Nor when the parcel is there at last.
    assert nagging(reason=reason).told("D08", 3 * DAY) == []


@pytest.mark.parametrize(
    ("shipped_at", "episodes"),
    [([], 0), ([0], 1), ([0.001], 0), ([0, 9 * DAY], 0)],
)
def test_asking_again_for_what_never_left_is_a_cancellation(
    shipped_at: list[float], episodes: int
) -> None:
    """Nor is it held against anybody if the parcel was sent again afterwards."""
    story = nagging(goods="not_received")
    for at in shipped_at:
        story.shipped("o", at)
    assert len(story.told("D08", 10 * DAY)) == episodes


@pytest.mark.parametrize(("until", "severity"), [(2 * DAY, "critical"), (2 * DAY - 0.001, "warn")])
def test_that_nobody_answers_is_concluded_when_contacts_are_read(
    until: float, severity: str
) -> None:
    story = nagging()
    story.contact(DAY)
    story.contact(1.5 * DAY)
    assert only(story.told("D08", until)).severity == severity


@pytest.mark.parametrize(
    ("goods", "until", "episodes"),
    [
        ("returned", 2 * DAY, 1),
        ("returned", 2 * DAY - 0.001, 0),
        ("received", 2 * DAY - 0.001, 1),
    ],
)
def test_whether_the_parcel_came_back_is_waited_for_unless_the_buyer_has_it(
    goods: str, until: float, episodes: int
) -> None:
    assert len(nagging(goods=goods).told("D08", until)) == episodes


@pytest.mark.parametrize("kind", ["refused", "returned_to_sender"])
@pytest.mark.parametrize(
    ("last", "episodes"),
    [
        (None, 0),
        (("shipped", 5 * DAY), 0),
        (("shipped", 5 * DAY + 0.001), 1),
        (("in_transit", 6 * DAY), 0),
    ],
)
def test_an_order_whose_parcel_came_back_is_left_out_of_both_parts(
    kind: str, last: tuple[str, float] | None, episodes: int
) -> None:
    for story, orders in (
        (nagging(goods="returned"), ["o"]),
        (spree(goods="returned"), ["o1", "o2", "o3"]),
    ):
        for order in orders:
            story.parcel(kind, order, 5 * DAY)
            if last and last[0] == "shipped":
                story.shipped(order, last[1])
            elif last:
                story.parcel(last[0], order, last[1])
        assert len(story.told("D08", 9 * DAY)) == episodes


@pytest.mark.parametrize("kind", ["refused", "returned_to_sender"])
def test_whoever_says_to_have_what_came_back_got_it_at_a_second_try(kind: str) -> None:
    story = nagging()
    story.parcel(kind, "o", 5 * DAY)
    assert len(story.told("D08", 9 * DAY)) == 1


def test_sub_orders_are_told_apart_where_both_name_one() -> None:
    story = nagging(sub_order="a")
    assert only(story.told("D08", 9 * DAY)).members == ("q2", "q3")
    # The second request is for something else.
    story.events = [
        (t, e | {"sub_order_id": "b"} if e["event_id"] == "q2" else e) for t, e in story.events
    ]
    assert story.told("D08", 9 * DAY) == []
    # What names none may be about either.
    story.events = [
        (t, e | {"sub_order_id": None} if e["event_id"] == "q2" else e) for t, e in story.events
    ]
    assert only(story.told("D08", 9 * DAY)).members == ("q2", "q3")


@pytest.mark.parametrize(("refused", "episodes"), [("a", 1), (None, 1), ("b", 0)])
def test_a_refusal_of_another_sub_order_does_not_count(refused: str | None, episodes: int) -> None:
    story = Story()
    for i in range(3):
        story.requested("o", i * 100, attempt=i + 1, sub_order="a")
        story.refund_step("refused", "o", i * 100 + 50, refund="other", sub_order=refused)
        # Each a refusal of its own.
        story.events[-1][1]["attempt_no"] = i + 1
    assert len(story.told("D08", DAY)) == episodes


def test_a_refusal_is_about_what_its_attempt_asked_for() -> None:
    story = Story()
    for i in range(3):
        story.requested("o", i * 100, attempt=i + 1, sub_order="a")
        story.requested("o", i * 100 + 1, refund="other", attempt=i + 1, sub_order="b")
        story.refund_step("refused", "o", i * 100 + 50, refund="other", attempt=i + 1)
    # Of a nothing was refused.
    assert len(only(story.told("D08", DAY)).members) == 2


@pytest.mark.parametrize(
    ("asked", "paid", "text", "episodes"),
    [
        (90, 100, "退差额", 1),
        (89, 100, "退差额", 0),
        (89, 100, "全额", 0),
        (89, None, "全额", 1),
        (100, None, "退差额", 0),
        (100, 0, "退差额", 0),
    ],
)
def test_a_part_of_the_price_is_told_by_the_amount_and_else_by_the_words(
    asked: int, paid: int | None, text: str, episodes: int
) -> None:
    story = nagging(reason="other", amount_minor=asked, paid_minor=paid, text=text)
    assert len(story.told("D08", 9 * DAY)) == episodes


@pytest.mark.parametrize(("until", "episodes"), [(3 * DAY, 1), (3 * DAY - 0.001, 0)])
def test_a_share_is_concluded_when_payments_are_read(until: float, episodes: int) -> None:
    assert len(spree(3).told("D08", until)) == episodes


def test_three_orders_of_three_open_a_warning() -> None:
    assert spree().told("D08", 4 * DAY) == [
        OracleEpisode(
            subject_kind="buyer",
            subject_id="s:b",
            anchor_event_id="q1",
            opened_at_ms=ms(3 * DAY),
            last_crossing_ms=ms(3 * DAY),
            status="open",
            ended_at_ms=None,
            severity="warn",
            members=("q1", "q2", "q3"),
            n_members=3,
        )
    ]


@pytest.mark.parametrize(("paid", "episodes"), [(6, 1), (7, 0)])
def test_half_of_the_paid_orders_inclusively(paid: int, episodes: int) -> None:
    assert len(spree(3, paid=paid).told("D08", 4 * DAY)) == episodes


def test_orders_refunded_but_paid_outside_the_window_join_the_paid_ones() -> None:
    # Three refunded orders without a payment known, three others paid: 2·3 >= 6, with a fourth not.
    for others, episodes in ((3, 1), (4, 0)):
        story = Story()
        for i in range(3):
            story.requested(f"o{i}", (i + 1) * 100)
        for i in range(others):
            story.paid(f"paid{i}", 10)
        story.created("o0", 0)
        assert len(story.told("D08", DAY)) == episodes


@pytest.mark.parametrize(
    ("paid_at", "episodes"), [(0, 0), (-0.001, 1), (30 * DAY, 0), (30 * DAY + 1, 1)]
)
def test_paid_orders_count_within_the_window_inclusively(paid_at: float, episodes: int) -> None:
    story = Story()
    for i in range(3):
        story.created(f"o{i}", 0)
        story.requested(f"o{i}", 30 * DAY)
    for i in range(4):
        story.paid(f"other{i}", paid_at)
    assert len(story.told("D08", 31 * DAY)) == episodes


def test_any_payment_within_the_window_makes_a_paid_order() -> None:
    story = Story()
    for i in range(3):
        story.created(f"o{i}", 0)
        story.requested(f"o{i}", 40 * DAY)
    for i in range(4):
        story.paid(f"other{i}", 0, payment=f"first{i}")
        story.paid(f"other{i}", 35 * DAY, payment=f"second{i}")
    assert story.told("D08", 41 * DAY) == []


@pytest.mark.parametrize(("orders", "severity"), [(4, "warn"), (5, "critical")])
def test_five_orders_are_critical(orders: int, severity: str) -> None:
    assert only(spree(orders).told("D08", 9 * DAY)).severity == severity


@pytest.mark.parametrize(("first_at", "episodes"), [(10 * DAY, 1), (10 * DAY - 0.001, 0)])
def test_orders_within_thirty_days_inclusively(first_at: float, episodes: int) -> None:
    story = Story()
    for order, at in (("a", first_at), ("b", 20 * DAY), ("c", 40 * DAY)):
        story.created(order, 0)
        story.requested(order, at)
    assert len(story.told("D08", 41 * DAY)) == episodes


@pytest.mark.parametrize("reason", ["stockout", "late_shipment"])
def test_claims_of_stockout_are_not_counted_across_orders(reason: str) -> None:
    story = spree(2)
    story.created("o3", 0)
    story.requested("o3", 3 * DAY, reason=reason)
    assert story.told("D08", 4 * DAY) == []


@pytest.mark.parametrize(
    ("goods", "shipped_at", "episodes"),
    [
        ("received", None, 1),
        ("returned", None, 1),
        ("not_received", None, 0),
        ("not_received", 3 * DAY, 1),
        ("not_received", 3 * DAY + 0.001, 0),
    ],
)
def test_the_goods_must_be_on_their_way(
    goods: str, shipped_at: float | None, episodes: int
) -> None:
    story = spree(2)
    story.created("o3", 0)
    story.requested("o3", 3 * DAY, goods=goods)
    if shipped_at is not None:
        story.shipped("o3", shipped_at)
    assert len(story.told("D08", 4 * DAY)) == episodes


def test_a_buyer_without_known_orders_is_not_accused() -> None:
    story = Story()
    for i in range(5):
        story.requested(f"o{i}", i * DAY)
    assert story.told("D08", 9 * DAY) == []
    story.paid("o2", 20 * DAY)
    assert len(story.told("D08", 9 * DAY)) == 1


def test_each_order_counts_once_at_its_earliest_request() -> None:
    story = spree(2)
    for attempt in (2, 3, 4):
        story.requested("o1", attempt * DAY, attempt=attempt)
    assert story.told("D08", 9 * DAY) == []
    story.created("o3", 0)
    story.requested("o3", 5 * DAY, event_id="q3")
    assert only(story.told("D08", 9 * DAY)).members == ("q1", "q2", "q3")


def test_both_kinds_share_one_line_of_time() -> None:
    story = spree(3)  # Crosses at three days, members q1 to q3.
    for i in range(3):
        at = 10 * DAY + i * 100
        story.requested("x", at, attempt=i + 1, event_id=f"x{i}")
        story.refund_step("refused", "x", at + 50, attempt=i + 1)
    episode = only(story.told("D08", 11 * DAY))
    assert episode.members == ("q1", "q2", "q3", "x0", "x1", "x2")
    assert (episode.opened_at_ms, episode.last_crossing_ms) == (ms(3 * DAY), ms(10 * DAY + 200))


@pytest.mark.parametrize(("gap", "episodes"), [(30 * DAY, 1), (30 * DAY + 0.001, 2)])
def test_crossings_as_far_apart_as_the_cooldown_are_one_episode(gap: float, episodes: int) -> None:
    story = Story()
    for start in (0, gap):
        for i in range(3):
            order = f"o{start}-{i}"
            story.created(order, start)
            story.requested(order, start)
    assert len(story.told("D08", gap + DAY)) == episodes


@pytest.mark.parametrize(("until", "status"), [(33 * DAY - 0.001, "open"), (33 * DAY, "expired")])
def test_expires_thirty_days_after_the_last_crossing(until: float, status: str) -> None:
    episode = only(spree(3).told("D08", until))
    assert episode.status == status
    assert episode.ended_at_ms == (ms(33 * DAY) if status == "expired" else None)


def test_the_anchor_is_the_first_by_time_then_event_id() -> None:
    story = Story()
    for order, event_id in (("a", "n"), ("b", "m"), ("c", "o")):
        story.created(order, 0)
        story.requested(order, DAY, event_id=event_id)
    assert only(story.told("D08", 2 * DAY)).anchor_event_id == "m"
