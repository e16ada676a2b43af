"""The account that pays: what it ties, whom it must not tie, and what it costs those who pay in time."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.alerts import Alert
from streams.detect.address.accounts import normalise
from streams.detect.facts import OrderPaid, PayerSeen, PaymentFailed, Signal
from streams.detect.state import unpack
from streams.detect.suspicion import MAX_ACCOUNTS, UNPAID
from tests.oracle.story import DAY, HOUR, MINUTE, Story, ms
from tests.pipeline import Pipeline, build_engine, facts_of, run

PAYER = "canary.payer@example.com"
GRACE = 30 * MINUTE
COMPLAINT = "A10_draft_complaint"


def own_phone(number: int) -> dict[str, str]:
    return {"phone": f"1380013{number:04}"}


def buys(story: Story, number: int, order: str, at: float, units: int = 10) -> None:
    """An order by which an account shares nothing with anybody."""
    story.buyer = f"b{number}"
    story.created(f"{order}{number}", at, units, receiver=own_phone(number), device=f"dev-{number}")


def warmed_up(accounts: int = 6, each: int = 1, payer: str | None = PAYER) -> Story:
    """Accounts that bought a little, paid in time; then each leaves ten units unpaid, two days later."""
    story = Story()
    for number in range(accounts):
        for bought in range(each):
            buys(story, number, f"first{bought}-", HOUR * bought + number, 1)
            story.paid(f"first{bought}-{number}", HOUR * bought + number + 20, payer=payer)
    for number in range(accounts):
        buys(story, number, "o", 2 * DAY + MINUTE * number)
    return story


def latest(pipeline: Pipeline, detector: str = "D03") -> list[Alert]:
    """The last revision of each alert, the retracted too."""
    return list({a.alert_id: a for a in pipeline.alerts if a.detector == detector}.values())


def standing(pipeline: Pipeline, detector: str = "D03") -> list[tuple[str, str]]:
    found = [alert for alert in latest(pipeline, detector) if alert.status != "retracted"]
    return [(alert.severity, alert.status) for alert in found]


def looked_at(story: Story, *moments: float) -> Pipeline:
    """A worker that reads in order, and at each of these moments up to it."""
    pipeline, events = Pipeline(), sorted(story.events, key=lambda event: event[1]["occurred_at"])
    sent = 0
    for moment in moments:
        until = [e for e in events if facts_of(e)[1] <= ms(moment)]
        pipeline.send(until[sent:])
        sent = len(until)
        pipeline.finish(ms(moment))
    return pipeline


def test_accounts_that_one_pays_for_are_a_ring_that_says_so_without_naming_it() -> None:
    pipeline = run(warmed_up().events, ms(3 * DAY))
    (alert,) = latest(pipeline)
    assert (alert.severity, alert.status) == ("info", "open")
    assert {fact.detail["buyer"] for fact in alert.evidence.facts} == {f"b{n}" for n in range(6)}
    assert {str(f.detail["identity"]).partition(":")[0] for f in alert.evidence.facts} == {"payer"}
    assert "付款账户" in alert.summary.zh and "paying account" in alert.summary.en
    outputs = [a.model_dump_json() for a in pipeline.alerts]
    outputs += [str(told) for effects in pipeline.effects for told in effects.told]
    outputs += [str(p) for partition in pipeline.partitions for p in partition.states.items()]
    assert len(outputs) > 20 and not [output for output in outputs if "canary" in output]


def honest_sale(payer: str) -> Story:
    """Sixty buyers pay, and come again an hour later; every fifth leaves that order, two pay it late."""
    story = Story()
    for number in range(60):
        at = MINUTE * number
        buys(story, number, "first", at, 1)
        story.paid(f"first{number}", at + 20, payer=payer)
        buys(story, number, "second", HOUR + at, 2)
        if number % 5:
            story.paid(
                f"second{number}", HOUR + at + (HOUR if number % 30 == 1 else 30), payer=payer
            )
    return story


def test_a_shop_that_tells_its_own_account_of_every_payment_accuses_nobody() -> None:
    """Nothing says of how many who pay in time it is. One of them is banned for what was known before."""
    story = honest_sale("2088999900001111")
    story.buyer = "b1"
    story.flagged(30 * MINUTE, banned=True)
    moments = [HOUR / 2 * step for step in range(1, 10)]
    pipeline = looked_at(story, *moments, 5 * DAY)
    told = [a for a in pipeline.alerts if a.subject.kind == "shop"]
    assert {a.detector for a in told} >= {"D03", "D35"} and {a.severity for a in told} == {"info"}
    of_rings = [a for a in told if a.detector == "D03"]
    assert not any("小号" in a.title.zh + a.summary.zh for a in of_rings)
    assert not any("one actor" in a.title.en or "look like" in a.summary.en for a in of_rings)
    assert not any(s.code == COMPLAINT for a in told for s in a.suggested_actions)


def test_who_pays_adds_nobody_to_a_ring_that_a_phone_ties() -> None:
    """Three of them have one phone and are too many by themselves; the others may be strangers."""
    story = warmed_up()
    for number in range(3):
        story.buyer = f"b{number}"
        for order in range(2):
            story.created(f"p{order}-{number}", 2 * DAY + 7 * MINUTE, 10, receiver=own_phone(99))
    pipeline = run(story.events, ms(3 * DAY))
    one, other = (a for a in latest(pipeline) if a.status == "open")
    for alert, severity, buyers in (one, "info", "012345"), (other, "critical", "012"):
        assert alert.severity == severity
        assert {f.detail["buyer"] for f in alert.evidence.facts} == {f"b{n}" for n in buyers}
    codes = [{s.code for s in alert.suggested_actions} for alert in (one, other)]
    assert [COMPLAINT in of_one for of_one in codes] == [False, True]


def test_a_ring_keeps_its_name_when_who_pays_becomes_known() -> None:
    """After three minutes by their phone, after thirty by the address too; who paid is not needed for it."""
    story, home = Story(), {"state": "浙江省", "city": "杭州市", "detail": "文三路90号3幢502室"}
    for number in range(6):
        buys(story, number, "first", number, 1)
        story.paid(f"first{number}", number + 20, payer=PAYER)
        story.created(f"o{number}", DAY + number, 10, receiver={**own_phone(0), **home})
    pipeline = looked_at(story, DAY + 5 * MINUTE, DAY + HOUR)
    alerts = [alert for alert in pipeline.alerts if alert.detector == "D03"]
    assert len(alerts) > 1 and {alert.severity for alert in alerts} == {"critical"}
    assert not any("付款账户" in alert.summary.zh for alert in alerts)
    assert len({alert.cluster_id for alert in alerts}) == 1


def test_without_the_field_they_have_nothing_in_common() -> None:
    assert latest(run(warmed_up(payer=None).events, ms(3 * DAY))) == []


def test_whoever_pays_for_others_has_half_an_hour_to_be_asked() -> None:
    story = warmed_up()
    before, after = 2 * DAY + GRACE - 1, 2 * DAY + GRACE + 6 * MINUTE
    pipeline = looked_at(story, 2 * DAY + GRACE / 2, before)
    assert latest(pipeline) == []
    assert standing(looked_at(story, before, after)) == [("info", "open")]
    for number in range(6):
        story.buyer = f"b{number}"
        story.paid(f"o{number}", 2 * DAY + MINUTE * number + GRACE, payer=PAYER)
    assert latest(looked_at(story, before, after, 3 * DAY)) == []


def test_the_payment_that_ends_an_order_ties_it_for_no_time_before() -> None:
    """代付: eight orders of four friends wait for an hour, and then one of them pays for all."""
    story = Story()
    for number in range(4):
        for order in "xy":
            buys(story, number, order, MINUTE * number, 20)
    waiting = looked_at(story, 59 * MINUTE)
    for number in range(4):
        for order in "xy":
            story.buyer = f"b{number}"
            story.paid(f"{order}{number}", HOUR + number, payer=PAYER)
    assert latest(waiting) == []
    assert latest(looked_at(story, 59 * MINUTE, 2 * HOUR, DAY)) == []
    assert latest(run(story.events, ms(DAY))) == []


def test_a_friend_who_pays_for_many_is_known_as_the_account_of_payers() -> None:
    """The second time they wait, nobody says that they are one: six of them had been late and paid."""

    def twice(first_late: float) -> Story:
        story = Story()
        for at, order, late in ((0, "first", first_late), (9 * DAY, "second", HOUR)):
            for number in range(6):
                buys(story, number, order, at + MINUTE * number)
                story.paid(f"{order}{number}", at + MINUTE * number + late, payer=PAYER)
        return story

    moments = (30 * MINUTE, 2 * HOUR, 9 * DAY + 50 * MINUTE)
    assert latest(looked_at(twice(HOUR), *moments)) == []
    # Who paid in time the first time has told nobody: as with a phone in common, until they pay.
    assert standing(looked_at(twice(60), *moments)) == [("info", "open")]
    assert standing(looked_at(twice(60), *moments, 9 * DAY + 2 * HOUR)) == []


def test_a_household_for_whom_one_pays_is_no_ring() -> None:
    """亲情付: with three paid orders each they are known as buyers; with two they might be made ready."""
    assert latest(run(warmed_up(4, 3).events, ms(3 * DAY))) == []
    assert latest(run(warmed_up(6, 3).events, ms(3 * DAY))) == []
    (alert,) = latest(run(warmed_up(6, 2).events, ms(3 * DAY)))
    assert "此前已付过3笔" in alert.evidence.not_if.zh
    assert "after 3 paid orders" in alert.evidence.not_if.en


def test_a_household_whose_half_is_paid_for_is_told_as_such() -> None:
    story = warmed_up()
    for number in range(3):
        story.buyer = f"b{number}"
        story.paid(f"o{number}", 2 * DAY + 3 * HOUR, payer=PAYER)
    assert standing(run(story.events, ms(3 * DAY))) == [("info", "open")]


def test_tries_in_vain_tie_new_accounts() -> None:
    story = Story()
    for number in range(5):
        buys(story, number, "o", MINUTE * number)
        story.failed(f"o{number}", MINUTE * number + 60, payer=PAYER)
    assert standing(run(story.events, ms(3 * HOUR))) == [("info", "open")]


def test_an_order_of_which_nothing_else_is_known_is_not_tied() -> None:
    story = Story()
    for number in range(5):
        story.buyer = f"b{number}"
        story.created(f"o{number}", MINUTE * number, 12)
        story.failed(f"o{number}", MINUTE * number + 60, payer=PAYER)
    assert latest(run(story.events, ms(DAY))) == []


def test_orders_that_were_paid_in_time_are_taken_out_when_that_is_told_late() -> None:
    story = warmed_up()
    pipeline = Pipeline()
    pipeline.send(story.events)
    pipeline.read_to_end(ms(3 * DAY))
    assert [a.status for a in latest(pipeline)] == ["open"]
    known = len(story.events)
    for number in range(6):
        story.buyer = f"b{number}"
        story.paid(f"o{number}", 2 * DAY + MINUTE * number + 20 * MINUTE, payer=PAYER)
    pipeline.send(story.events[known:])
    assert {a.status for a in latest(pipeline.finish(ms(3 * DAY)))} == {"retracted"}


def test_a_try_that_is_told_late_ties_as_if_it_had_been_told_in_time() -> None:
    story = Story()
    for number in range(5):
        buys(story, number, "o", MINUTE * number)
    pipeline = Pipeline()
    pipeline.send(story.events)
    pipeline.read_to_end(ms(3 * HOUR))
    assert latest(pipeline) == []
    for number in range(5):
        # Of another order, which nobody is told of; it was known before these counted.
        story.buyer = f"b{number}"
        story.failed("another", MINUTE * number + 60, payer=PAYER)
    pipeline.send(story.events[5:])
    pipeline.finish(ms(3 * HOUR))
    assert standing(pipeline) == [("info", "open")]
    assert pipeline.standing == run(story.events, ms(3 * HOUR)).standing


@pytest.mark.parametrize(
    ("days", "used", "found"),
    [(44, (0,), True), (46, (0,), False), (46, (0, 31), True), (70, (0, 31, 61), True)],
)
def test_an_account_ties_orders_of_a_retention_after_it_was_seen(
    days: int, used: tuple[int, ...], found: bool
) -> None:
    """It is seen anew every thirty days, by one fact; the day before the orders somebody looked."""
    story = Story()
    for day in used:
        for number in range(6):
            buys(story, number, f"d{day}-", day * DAY + number, 1)
            story.paid(f"d{day}-{number}", day * DAY + number + 20, payer=PAYER)
    for number in range(6):
        buys(story, number, "o", days * DAY + MINUTE * number)
    pipeline = looked_at(
        story, *(day * DAY + HOUR for day in used), (days - 1) * DAY, (days + 1) * DAY
    )
    # What only retention let go may not take it back: half a month later the ring is over, and stands.
    assert standing(pipeline) == ([("info", "open")] if found else [])
    assert standing(pipeline.finish(ms((days + 15) * DAY))) == (
        [("info", "expired")] if found else []
    )


def test_a_household_that_goes_on_buying_is_no_ring_when_its_past_is_let_go() -> None:
    """Their orders of three weeks ago are still kept, and what they had paid before these is not."""
    story = warmed_up(6, 3)
    for number in range(6):
        for day in (30, 46, 50):
            buys(story, number, f"later{day}-", day * DAY, 1)
            story.paid(f"later{day}-{number}", day * DAY + 20, payer=PAYER)
    assert latest(looked_at(story, DAY, *(day * DAY for day in (3, 31, 47, 51)))) == []


def test_an_account_that_was_let_go_takes_no_alert_back() -> None:
    """It was seen 44 days before the orders; the buyers go on for as long as these are kept."""
    story = Story()
    for number in range(6):
        buys(story, number, "first", number, 1)
        story.paid(f"first{number}", number + 20, payer=PAYER)
        buys(story, number, "o", 44 * DAY + MINUTE * number)
        for day in (50, 70, 88, 91, 95):
            buys(story, number, f"later{day}-", day * DAY, 1)
            story.paid(f"later{day}-{number}", day * DAY + 20)
    pipeline = looked_at(story, DAY, *(day * DAY for day in (45, 51, 71, 89, 92, 96)))
    changes = [alert.change for alert in pipeline.alerts if alert.detector == "D03"]
    assert changes[0] == "opened" and set(changes[1:-1]) <= {"updated"} and changes[-1] == "expired"


def test_of_a_flood_of_accounts_each_order_tells_the_first() -> None:
    story = Story()
    for number in range(50):
        story.failed("other", number, payer=f"payer-{number:03}@example.com")
    story.created("o", MINUTE, receiver=own_phone(0))
    pipeline = run(story.events, ms(DAY))
    told = [one.signal for effects in pipeline.effects for one in effects.told]
    kinds = [s.ref.split("/")[1].partition(":")[0] for s in told if s.name == UNPAID]
    assert sorted(kinds) == ["payer"] * MAX_ACCOUNTS + ["phone"]


def test_who_is_paid_for_in_time_tells_nobody_and_is_never_looked_at() -> None:
    story = Story()
    for number in range(6):
        buys(story, number, "o", number, 1)
        story.paid(f"o{number}", number + 100, payer=PAYER)
        story.shipped(f"o{number}", HOUR)
    pipeline = Pipeline()
    for event in story.events:
        pipeline.send([event])
    pipeline.finish(ms(DAY))
    assert sum(effects.evaluated for effects in pipeline.effects) == 0
    assert not any(effects.told for effects in pipeline.effects)
    assert not any(partition.states for partition in pipeline.subjects)


def test_a_payment_without_the_field_costs_nothing_and_one_with_it_a_fact_a_month() -> None:
    story = Story()
    story.created("o", 0, receiver=own_phone(0))
    story.paid("o", 10)
    story.failed("o", 5)
    assert [[type(fact) for fact in facts_of(event)[2]] for event in story.events[1:]] == [
        [OrderPaid],
        [PaymentFailed],
    ]
    story = Story()
    for number in range(20):
        story.created(f"o{number}", number * HOUR, receiver=own_phone(0))
        story.paid(f"o{number}", number * HOUR + 10, payer=f" {PAYER.upper()}")
    # Late with one order, so that all is merged.
    story.created("late", DAY, receiver=own_phone(0))
    pipeline = run(story.events, ms(2 * DAY))
    seen = [f for f in unpack(pipeline.state_of("b/s:b")).facts if isinstance(f, PayerSeen)]
    assert [fact.at_ms for fact in seen] == [ms(10)]


@pytest.mark.parametrize(
    "account",
    [
        *("138****8000", "z***@example.com", "＊＊明", "6222xxxxxxxx1234", "1234", "尾号1234", ""),
        *(
            "alipay",
            "WeChat Pay",
            "wechat_pay",
            "credit-card",
            "银行卡支付",
            "微信支付",
            "货到付款",
        ),
        *("oUpF8…", "z…@qq.com", "138....8000", "138____8000", "138####8000", "138 **** 8000"),
        *("微信支付-零钱", "银联在线支付", "招商银行信用卡8000", "对公转账付款", "匿名用户付款"),
        *("mastercard", "ICBC_DEBIT", "wechat_jsapi", "alipay_pc_direct", "third_party"),
        *("Visa 4242", "ending 4242", "shop pay", "openid", "payer_account", "anonymous"),
        *("unknown", "00000000", "000000", "null", "d41d8cd98f00b204e9800998ecf8427e"),
    ],
)
def test_an_account_that_strangers_share_is_none(account: str) -> None:
    assert normalise(account) == ""


def test_one_spelling_of_an_account() -> None:
    assert normalise(" Canary.Payer@Example.com") == normalise("ｃanary.payer@example.com") == PAYER
    assert normalise("2088102146225135") != normalise("2088102146225136")


@pytest.mark.parametrize(
    "account",
    [
        *("2088102146225135", "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", "oLVPp-qRs_tUvWxYzAbCdEfGhIjK"),
        *("qq@example.com", "13800138000", "138 0013 8000", "Xt5EWLLDS7FJjR1c", "7E7MGXCWTTKK2"),
    ],
)
def test_an_account_as_platforms_name_it_is_one(account: str) -> None:
    assert normalise(account) == account.lower()


def beside_a_banned_buyer() -> Story:
    """A buyer was banned whose order an account had paid; what follows is another one's."""
    story = Story(buyer="banned")
    story.created("old", 0, receiver=own_phone(1))
    story.paid("old", 60, payer=PAYER)
    story.flagged(DAY, banned=True)
    story.buyer = "other"
    return story


def shared(**options: Any) -> Story:
    """The same account pays for an order of the other one, who places another."""
    story = beside_a_banned_buyer()
    story.created("small", 2 * DAY, receiver=own_phone(2))
    story.paid("small", 2 * DAY + 60, payer=PAYER)
    story.created("new", 3 * DAY, receiver=own_phone(2), **options)
    return story


def test_who_is_paid_for_by_the_account_of_a_banned_buyer_is_told_as_such() -> None:
    (alert,) = latest(run(shared().events, ms(4 * DAY)), "D35")
    assert (alert.status, alert.severity, alert.subject.kind) == ("open", "info", "shop")
    assert "付款账户" in alert.summary.zh and "a paying account" in alert.summary.en
    assert str(alert.evidence.facts[0].detail["identity"]).startswith("payer:")


def test_an_order_that_the_account_of_a_banned_buyer_pays_late_is_told_too() -> None:
    """It is served all the same, with what a paid order needs."""
    story = beside_a_banned_buyer()
    story.created("new", 3 * DAY, receiver=own_phone(2))
    story.paid("new", 3 * DAY + HOUR, payer=PAYER)
    (alert,) = latest(run(story.events, ms(4 * DAY)), "D35")
    assert [deadline.code for deadline in alert.deadlines] == ["T02"]


def test_an_account_of_payers_ties_nobody_to_a_banned_buyer() -> None:
    story = shared(device="dev-b")
    for number in range(10, 15):
        buys(story, number, "late", 2 * DAY)
        story.paid(f"late{number}", 2 * DAY + HOUR, payer=PAYER)
    assert standing(run(story.events, ms(4 * DAY)), "D35") == []


def test_a_listed_account_finds_an_order_that_it_pays_at_once() -> None:
    (seen,) = latest(run(shared().events, ms(4 * DAY)), "D35")
    listed = str(seen.evidence.facts[0].detail["identity"])
    story = Story(buyer="fresh")
    story.created("o", 0, receiver=own_phone(7))
    story.paid("o", 20, payer=PAYER)
    pipeline = Pipeline(build_engine(shops={"s": {"D35": {"identities": [listed]}}}))
    pipeline.send(story.events)
    assert [a.subject.id for a in latest(pipeline.finish(ms(DAY)), "D35")] == ["s:fresh"]


def test_a_shop_can_declare_an_account() -> None:
    (before,) = latest(run(warmed_up().events, ms(3 * DAY)))
    hub = str(before.evidence.facts[0].detail["identity"])
    pipeline = Pipeline(build_engine(shops={"s": {"D03": {"hubs": [hub]}}}))
    pipeline.send(warmed_up().events)
    assert latest(pipeline.finish(ms(3 * DAY))) == []


def test_what_an_account_paid_too_late_to_tie_is_told_as_a_payer_only() -> None:
    story = Story()
    buys(story, 1, "o", 0)
    story.paid("o1", HOUR, payer=PAYER)
    pipeline = run(story.events, ms(DAY))
    told = [one.signal for effects in pipeline.effects for one in effects.told]
    of_payer = [s for s in told if isinstance(s, Signal) and "/payer:" in s.ref]
    assert [(s.values["settles"], s.values["paid_ms"]) for s in of_payer] == [(True, ms(HOUR))]
