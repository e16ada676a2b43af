"""The oracle of what was written against the pages, by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.oracle.story import DAY, HOUR, MINUTE, ms
from tests.pipeline import run
from tests.talk_stories import Row, Talk, engine_rows, oracle_rows, talk_history

NUMBER = "320198765432100001"
ASK = f"订单{NUMBER}的收件人电话是多少"


def told(story: Talk, detector: str, until: float = 2 * DAY) -> list[Row]:
    return oracle_rows(story.events, ms(until), [detector])


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


def complained(kind: str, bait: str = "好评返现吗,发票和商品分开发可以吗") -> Talk:
    """A bait two days in, and minutes later a complaint."""
    story = Talk()
    story.created("o", 0)
    story.said(bait, 2 * DAY)
    story.filed("k", "o", 2 * DAY + 5 * MINUTE, kind)
    return story


def _waits(story: Talk, asked: float, issued: float | None = None, order: str = "o") -> None:
    story.asked_invoice(order, asked)
    if issued is not None:
        story.issued_invoice(order, issued)


def _ships(story: Talk, paid: float, shipped: float | None = None) -> None:
    story.paid("o", paid)
    if shipped is not None:
        story.shipped("o", shipped)


Side = Callable[[Talk], None]
BAITED, FILED = 2 * DAY, 2 * DAY + 5 * MINUTE
TICK = 0.001
# By what happened: the kind of complaint, and whether D17 is silent.
REASONS: dict[str, tuple[str, Side, bool]] = {
    "nothing": ("invoice", lambda s: None, False),
    "an invoice waited for": ("invoice", lambda s: _waits(s, FILED - DAY), True),
    "and a promise": ("breach_of_promise", lambda s: _waits(s, FILED - DAY), True),
    "not so long": ("invoice", lambda s: _waits(s, FILED - DAY + TICK), False),
    "of another order": ("invoice", lambda s: _waits(s, 0, order="p"), False),
    "issued meanwhile": ("invoice", lambda s: _waits(s, 0, FILED), False),
    "issued too late": ("invoice", lambda s: _waits(s, 0, FILED + TICK), True),
    "freight is wanted": (
        "invoice",
        lambda s: s.said("要补12元运费", FILED, sender="seller"),
        True,
    ),
    "freight, before it": (
        "invoice",
        lambda s: s.said("要补12元运费", BAITED - TICK, sender="seller"),
        False,
    ),
    "freight, after it": (
        "invoice",
        lambda s: s.said("要补12元运费", FILED + TICK, sender="seller"),
        False,
    ),
    "the buyer's freight": ("invoice", lambda s: s.said("要补12元运费", FILED), False),
    "cashback promised": (
        "breach_of_promise",
        lambda s: s.said("亲,好评返现5元", BAITED, sender="seller"),
        True,
    ),
    "cashback promised to the bait": (
        "breach_of_promise",
        lambda s: s.said("亲,好评返现5元", BAITED + TICK, sender="seller"),
        False,
    ),
    "cashback and an invoice": (
        "invoice",
        lambda s: s.said("亲,好评返现5元", BAITED, sender="seller"),
        False,
    ),
    "not sent in time": ("breach_of_promise", lambda s: _ships(s, FILED - 2 * DAY - TICK), True),
    "not due yet": ("breach_of_promise", lambda s: _ships(s, FILED - 2 * DAY), False),
    "not sent, and not paid for": ("breach_of_promise", lambda s: None, False),
    "sent in time": ("breach_of_promise", lambda s: _ships(s, 0, HOUR), False),
    "sent an hour before": ("breach_of_promise", lambda s: _ships(s, -2 * DAY, FILED - HOUR), True),
    "sent late, and an invoice": ("invoice", lambda s: _ships(s, -2 * DAY, FILED - HOUR), False),
}


@pytest.mark.parametrize(("kind", "side", "is_silent"), REASONS.values(), ids=REASONS)
def test_d17_reasons_to_complain(kind: str, side: Side, is_silent: bool) -> None:
    story = complained(kind)
    side(story)
    assert (told(story, "D17", 4 * DAY) == []) is is_silent
    assert engine_rows(run(story.events, ms(4 * DAY))) == oracle_rows(story.events, ms(4 * DAY))


@pytest.mark.parametrize(
    ("typed", "hits"),
    [
        (NUMBER, 0),
        (NUMBER[:-1], 0),
        (NUMBER[4:], 0),
        (f"{NUMBER[:6]}{NUMBER[5:]}", 0),
        (f"{NUMBER[:3]}{NUMBER[4]}{NUMBER[3]}{NUMBER[5:]}", 0),
        (f"{NUMBER[:-1]}2", 1),
        (f"{NUMBER[:-4]}1001", 1),
        (f"{NUMBER[:3]}{NUMBER[5]}{NUMBER[4]}{NUMBER[3]}{NUMBER[6:]}", 1),
        (f"{NUMBER}00", 1),
    ],
    ids=["own", "short", "half", "twice", "swapped", "next", "another", "turned", "longer"],
)
def test_d13_a_slip_in_an_own_number_is_the_own_order(typed: str, hits: int) -> None:
    story = Talk()
    story.created(NUMBER, 0)
    story.said(f"订单{typed}的收件人电话是多少", HOUR)
    assert len(told(story, "D13")) == hits
    assert engine_rows(run(story.events, ms(2 * DAY))) == oracle_rows(story.events, ms(2 * DAY))


@pytest.mark.parametrize(
    ("at", "sender", "order", "severity"),
    [
        (HOUR, "seller", None, "info"),
        (2 * HOUR, "seller", NUMBER, "info"),
        (2 * HOUR + TICK, "seller", None, "warn"),
        (HOUR - TICK, "seller", None, "warn"),
        (HOUR, "buyer", None, "warn"),
        (HOUR, "seller", "o9", "warn"),
    ],
)
def test_d13_an_order_of_another_shop(
    at: float, sender: str, order: str | None, severity: str
) -> None:
    story = Talk()
    story.said(ASK, HOUR)
    story.said("亲,这个不是我们店的订单哦", at, sender=sender, order=order)
    assert only(told(story, "D13")).severity == severity
    assert engine_rows(run(story.events, ms(2 * DAY))) == oracle_rows(story.events, ms(2 * DAY))


@pytest.mark.parametrize(
    ("text", "paid", "promised", "severity"),
    [
        ("确认一下收货地址,发票单独寄公司可以吗", None, None, "warn"),
        ("确认一下收货地址,发票单独寄公司可以吗", HOUR, None, "info"),
        ("确认一下收货地址,发票单独寄公司可以吗", HOUR + TICK, None, "warn"),
        ("好评返现吗,发票单独寄公司可以吗", HOUR, None, "warn"),
        ("好评返现吗,发票单独寄公司可以吗", None, HOUR, "info"),
        ("好评返现吗,发票单独寄公司可以吗", None, HOUR + TICK, "warn"),
    ],
)
def test_d24_ordinary_questions(
    text: str, paid: float | None, promised: float | None, severity: str
) -> None:
    story = Talk()
    story.created("o", 0)
    if paid is not None:
        story.paid("o", paid)
    if promised is not None:
        story.said("亲,好评返现5元", promised, sender="seller")
    story.said(text, HOUR)
    assert only(told(story, "D24")).severity == severity
    assert engine_rows(run(story.events, ms(2 * DAY))) == oracle_rows(story.events, ms(2 * DAY))


@pytest.mark.parametrize(
    ("first", "demand", "severity"),
    [
        ("我付了两次,多付了120", "转我120,不然投诉", "info"),
        ("我付了两次,多付了120", "转我121,不然投诉", "warn"),
        ("我付了两次,多付了999", "转我999,不然投诉", "info"),
        ("我付了两次,多付了1000", "转我1000,不然投诉", "warn"),
        ("我付了两次", "转我120,不然投诉", "warn"),
    ],
)
def test_d04_what_is_told_to_be_ones_own(first: str, demand: str, severity: str) -> None:
    for gap, wanted in ((-MINUTE, "warn"), (MINUTE, severity), (2 * DAY, "warn")):
        story = Talk()
        story.said(first, 4 * DAY - gap)
        story.said(demand, 4 * DAY)
        assert only(told(story, "D04", 5 * DAY)).severity == wanted
        assert engine_rows(run(story.events, ms(5 * DAY))) == oracle_rows(story.events, ms(5 * DAY))


INSULT, TWO, LEAK = "客服是傻逼", "傻逼商家,臭不要脸", "老板电话13812345678,大家打"
SWEARING, HARSH = "他妈的太慢了", "质量太差,垃圾东西"


@pytest.mark.parametrize(
    ("text", "severities"),
    [
        (INSULT, ["info"]),
        (TWO, ["warn"]),
        (LEAK, ["warn"]),
        (SWEARING, ["info"]),
        (HARSH, []),
    ],
)
def test_d19_two_insults_or_anybodys_data_warn(text: str, severities: list[str]) -> None:
    story = Talk()
    story.reviewed("posted", "o", 0, text=text)
    assert [row.severity for row in told(story, "D19")] == severities


def test_d19_the_insults_of_all_parts_count_together() -> None:
    story = Talk()
    story.reviewed("posted", "o", 0, text=INSULT)
    story.reviewed("appended", "o", DAY, text=INSULT)
    row = only(told(story, "D19"))
    assert (row.severity, row.opened_at_ms, row.members) == ("warn", ms(0), ("e0000", "e0001"))


def test_d19_ends_when_none_of_it_can_be_read_any_more() -> None:
    story = Talk()
    story.reviewed("posted", "o", 0, text=INSULT)
    story.reviewed("appended", "o", HOUR, text=INSULT)
    story.reviewed("changed", "o", DAY, text=HARSH)
    assert only(told(story, "D19")).status == "open"
    story.taken_down("o", DAY + HOUR)
    row = only(told(story, "D19"))
    assert (row.status, row.ended_at_ms) == ("resolved", ms(DAY + HOUR))


@pytest.mark.parametrize(("until", "status"), [(30 * DAY, "open"), (30 * DAY + TICK, "expired")])
def test_d19_exactly_thirty_days_to_complain(until: float, status: str) -> None:
    """N17."""
    story = Talk()
    story.reviewed("posted", "o", 0, text=INSULT)
    assert only(told(story, "D19", until)).status == status


SCAM, TOLD_OF_ONE = "有人打电话自称客服,让我转账", "你们泄露信息,我遇到假客服,被骗了"


@pytest.mark.parametrize(("gap", "episodes"), [(7 * DAY, 1), (7 * DAY + TICK, 2)])
def test_d23_tellings_a_week_apart_are_one_episode(gap: float, episodes: int) -> None:
    story = Talk()
    story.said(SCAM, 0)
    story.reviewed("posted", "o", gap, text=TOLD_OF_ONE)
    rows = told(story, "D23", 8 * DAY)
    assert [row.severity for row in rows] == ["info"] * episodes
    assert sorted(member for row in rows for member in row.members) == ["e0000", "e0001"]


@pytest.mark.parametrize(("until", "status"), [(7 * DAY - TICK, "open"), (7 * DAY, "expired")])
def test_d23_is_over_a_week_after_the_last_telling(until: float, status: str) -> None:
    story = Talk()
    story.said(SCAM, 0)
    assert only(told(story, "D23", until)).status == status


def test_d23_two_tellings_where_it_takes_two_are_within_one_run() -> None:
    story = Talk()
    for at in (0, 8 * DAY, 9 * DAY):
        story.said(SCAM, at)
    with talk_history(story.events) as history:
        (episode,) = history.episodes("D23", ms(10 * DAY), {"tellings": 2})
    assert (episode.anchor_event_id, episode.opened_at_ms) == ("e0001", ms(9 * DAY))


@pytest.mark.parametrize(("about", "hits"), [("o", 1), (None, 1), ("p", 0)])
def test_d17_an_invoice_asked_elsewhere_baits_complaints_of_its_order(
    about: str | None, hits: int
) -> None:
    home = {"country": "CN", "state": "浙江省", "city": "杭州市", "detail": "文三路1号2幢301室"}
    story = Talk()
    story.created("o", 0, receiver=home)
    story.asked_invoice("o", HOUR, {**home, "detail": "解放路17号4幢101室"})
    story.filed("k", about, HOUR + 10 * MINUTE, "invoice")
    assert len(told(story, "D17")) == hits
    assert engine_rows(run(story.events, ms(2 * DAY))) == oracle_rows(story.events, ms(2 * DAY))
