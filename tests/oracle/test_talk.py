"""The oracle of what was written against the pages, by hand."""

from __future__ import annotations

import pytest

from tests.oracle.story import DAY, HOUR, MINUTE, ms
from tests.talk_stories import Row, Talk, oracle_rows

NUMBER = "320198765432100001"
ASK = f"订单{NUMBER}的收件人电话是多少"


def told(story: Talk, detector: str, until: float = 2 * DAY) -> list[Row]:
    return [row for row in oracle_rows(story.events, ms(until)) if row.detector == detector]


def only(rows: list[Row]) -> Row:
    (row,) = rows
    return row


@pytest.mark.parametrize(("gap", "is_named"), [(10 * MINUTE, True), (10 * MINUTE + 0.001, False)])
def test_d13_number_and_question_at_most_ten_minutes_apart(gap: float, is_named: bool) -> None:
    story = Talk()
    story.said(NUMBER, 0)
    story.said("帮我核对一下地址", gap)
    assert [row.members for row in told(story, "D13")] == ([("e0000", "e0001")] if is_named else [])


def demand() -> Talk:
    story = Talk()
    story.said("给我1000块,不然投诉你", DAY)
    return story


@pytest.mark.parametrize(("gap", "episodes"), [(DAY, 1), (DAY + 0.001, 2)])
def test_d04_demands_a_day_apart_are_one_episode(gap: float, episodes: int) -> None:
    story = demand()
    story.said("给我1000块,不然投诉你", DAY + gap)
    assert len(told(story, "D04", 10 * DAY)) == episodes


@pytest.mark.parametrize(
    ("filed", "ruled", "severity"),
    [
        (2 * DAY, None, "critical"),
        (2 * DAY + 0.001, None, "warn"),
        (0, None, "critical"),
        (0, DAY, "warn"),
        (0, DAY + 0.001, "critical"),
    ],
)
def test_d04_a_complaint_open_during_the_episode(
    filed: float, ruled: float | None, severity: str
) -> None:
    story = demand()
    story.filed("k", "o", filed, "other")
    if ruled is not None:
        story.ruled("k", "o", ruled, "rejected", "other")
    row = only(told(story, "D04"))
    assert row.severity == severity
    assert len(row.members) == (2 if severity == "critical" else 1)


@pytest.mark.parametrize(("until", "status"), [(31 * DAY - 0.001, "open"), (31 * DAY, "expired")])
def test_d04_expires_thirty_days_after_its_newest_fact(until: float, status: str) -> None:
    assert only(told(demand(), "D04", until)).status == status


def test_d04_a_soft_demand_only_informs() -> None:
    story = Talk()
    story.said("要求赔偿,不然投诉", 0)
    assert only(told(story, "D04")).severity == "info"


@pytest.mark.parametrize(
    ("given", "severity"),
    [
        (2 * DAY - 0.001, "warn"),
        (2 * DAY, "info"),
        (3 * DAY, "info"),
        (4 * DAY - 0.001, "info"),
        (4 * DAY, "warn"),
    ],
)
def test_d04_a_reason_excuses_until_the_end_of_the_next_day(given: float, severity: str) -> None:
    """The story begins at midnight (UTC)."""
    story = Talk()
    story.said("衣服洗一次就破了个洞", given)
    story.said("补偿我30元,不然差评", 4 * DAY - 0.001)
    assert only(told(story, "D04", 5 * DAY)).severity == severity


@pytest.mark.parametrize(("wants", "severity"), [("赔我30元", "info"), ("转我30元", "warn")])
def test_d04_a_message_that_wants_other_money_too_is_no_claim(wants: str, severity: str) -> None:
    story = Talk()
    story.said("衣服洗一次就破了个洞", 0)
    story.said(f"补偿我30元,不然差评,{wants}就算了", 10)
    assert only(told(story, "D04")).severity == severity


@pytest.mark.parametrize(
    ("offer", "at", "severity"),
    [
        ("给您补偿500元", 2 * DAY, "info"),
        ("给您补偿500元", DAY, "info"),
        ("给您补偿500元", DAY - 0.001, "warn"),
        ("给您补偿500元", 2 * DAY + 0.001, "warn"),
        ("给您补偿499元", 2 * DAY, "warn"),
    ],
)
def test_d04_what_was_offered_may_be_asked_for_until_the_end_of_the_next_day(
    offer: str, at: float, severity: str
) -> None:
    """The story begins at midnight (UTC)."""
    story = Talk()
    story.said(offer, at, sender="seller")
    story.said("转我500,不然投诉", 2 * DAY)
    assert only(told(story, "D04", 4 * DAY)).severity == severity


@pytest.mark.parametrize(("gap", "talks"), [(DAY, 1), (DAY + 0.001, 2)])
def test_d14_what_is_said_a_day_apart_is_one_conversation(gap: float, talks: int) -> None:
    story = Talk()
    story.said("发票和商品分开发可以吗", 0)
    story.said("开不了发票", gap, sender="seller")
    assert len(told(story, "D14", 3 * DAY)) == talks


@pytest.mark.parametrize(
    ("order", "at", "status"), [("o", DAY, "resolved"), ("p", DAY, "open"), ("o", 0, "open")]
)
def test_d14_a_refusal_in_the_chat_is_settled_by_a_later_invoice_of_that_order(
    order: str, at: float, status: str
) -> None:
    story = Talk()
    story.said("开不了发票", HOUR, sender="seller", order="o")
    story.issued_invoice(order, at)
    row = only(told(story, "D14"))
    assert (row.severity, row.status) == ("warn", status)


def test_d14_a_refused_form_is_settled_only_by_what_is_issued_after_it() -> None:
    story = Talk()
    story.issued_invoice("o", 0)
    story.refused_invoice("o", HOUR)
    assert only(told(story, "D14")).status == "open"
    story.issued_invoice("o", 2 * HOUR)
    assert only(told(story, "D14")).status == "resolved"


@pytest.mark.parametrize("later", [DAY, -DAY])
def test_d13_an_own_order_settles_it_whenever_it_is_read(later: float) -> None:
    story = Talk()
    story.said(ASK, DAY)
    assert told(story, "D13")
    story.created(NUMBER, DAY + later)
    assert not told(story, "D13")


def test_d13_waits_for_orders_up_to_five_minutes_before() -> None:
    story = Talk()
    story.said(ASK, DAY)
    assert not told(story, "D13", DAY - 5 * MINUTE - 0.001)
    assert told(story, "D13", DAY - 5 * MINUTE)


@pytest.mark.parametrize(("gap", "hits"), [(0, 1), (10 * MINUTE, 1), (10 * MINUTE + 0.001, 0)])
def test_d17_complaint_at_most_ten_minutes_after_another_account_asked(
    gap: float, hits: int
) -> None:
    story = Talk(buyer="b")
    story.said(ASK, 0)
    story.buyer = "a"
    story.filed("k", NUMBER, gap, "privacy_leak")
    rows = told(story, "D17")
    assert [row.subject for row in rows] == [f"order/s:{NUMBER}"] * hits


def test_d17_upheld_is_no_case_and_rejected_resolves() -> None:
    story = Talk()
    story.said("好评返现吗?收件人电话是多少", 0)
    story.filed("k", "o", MINUTE, "privacy_leak")
    assert only(told(story, "D17")).status == "open"
    story.ruled("k", "o", DAY, "rejected", "privacy_leak")
    row = only(told(story, "D17"))
    assert (row.status, row.ended_at_ms) == ("resolved", ms(DAY))
    story.ruled("k", "o", DAY + 1, "upheld", "privacy_leak")
    assert not told(story, "D17")


@pytest.mark.parametrize(("gap", "hits"), [(30 * DAY, 1), (30 * DAY + 0.001, 0)])
def test_d20_thirty_days_before_the_review(gap: float, hits: int) -> None:
    story = Talk()
    story.said("不给500元红包就差评", 0)
    story.reviewed("posted", "o", gap)
    assert len(told(story, "D20", 40 * DAY)) == hits


def test_d20_threat_and_demand_ten_minutes_apart_are_one_demand() -> None:
    story = Talk()
    story.said("我要投诉", 0)
    story.said("转我支付宝300元", 10 * MINUTE)
    story.reviewed("posted", "o", DAY, "neutral")
    row = only(told(story, "D20"))
    assert (row.members, row.severity, row.opened_at_ms) == (
        ("e0000", "e0001", "e0002"),
        "critical",
        ms(DAY),
    )


@pytest.mark.parametrize(("until", "status"), [(31 * DAY, "open"), (31 * DAY + 0.001, "expired")])
def test_d20_exactly_thirty_days_to_complain(until: float, status: str) -> None:
    """N17."""
    story = Talk()
    story.said("不给500元红包就差评", 0)
    story.reviewed("posted", "o", DAY)
    assert only(told(story, "D20", until)).status == status


@pytest.mark.parametrize(
    ("before", "after", "hits"),
    [("neutral", "bad", 1), ("good", "neutral", 1), ("bad", "bad", 0), ("bad", "neutral", 0)],
)
def test_d20_the_rating_must_get_worse_after_the_demand(before: str, after: str, hits: int) -> None:
    story = Talk()
    story.reviewed("posted", "o", 0, before)
    story.said("不给500元红包就差评", DAY)
    story.reviewed("changed", "o", 2 * DAY, after)
    assert len(told(story, "D20", 3 * DAY)) == hits


def test_d20_thirty_days_to_complain_count_from_when_it_was_posted() -> None:
    story = Talk()
    story.said("不给500元红包就差评", 19 * DAY)
    story.reviewed("changed", "o", 20 * DAY, posted=0)
    assert only(told(story, "D20", 30 * DAY)).status == "open"
    assert only(told(story, "D20", 30 * DAY + 0.001)).status == "expired"


def bad_reviews(bad: int, paid: int) -> Talk:
    story = Talk()
    for number in range(paid):
        story.paid(f"o{number}", number)
    for number in range(bad):
        story.reviewed("posted", f"o{number}", DAY + number)
    return story


@pytest.mark.parametrize(("bad", "paid", "hits"), [(4, 5, 1), (3, 5, 0), (4, 4, 0), (7, 9, 0)])
def test_d21_eighty_percent_of_five_orders(bad: int, paid: int, hits: int) -> None:
    rows = told(bad_reviews(bad, paid), "D21")
    assert [row.severity for row in rows] == ["info"] * hits


def test_d21_a_demand_makes_it_a_warning_and_a_change_ends_it() -> None:
    story = bad_reviews(4, 5)
    story.said("给我300元我就删差评", DAY + 100)
    assert only(told(story, "D21")).severity == "warn"
    story.reviewed("changed", "o0", DAY + 200, "good")
    assert not told(story, "D21")
