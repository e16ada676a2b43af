"""Linked accounts: what it takes to be a ring, what takes it apart, and what it costs everybody else."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from schemas.alerts import Alert
from streams.detect.alerts import envelope
from streams.detect.detectors.d03_sybil_burst import MAX_ORDERS_TOLD_A_DAY
from streams.detect.facts import Signal
from streams.detect.linking import DisjointSets, link_in_time
from streams.detect.rings import Limits, Name, Use, rings
from streams.detect.state import unpack
from streams.detect.suspicion import UNPAID
from tests.oracle.story import DAY, HOUR, MINUTE, Story, ms, written
from tests.pipeline import IDENTITY_KEY, Pipeline, build_engine, facts_of, run
from tests.unit.test_stock_decisions import Shop

HOME = {"state": "浙江省", "city": "杭州市", "district": "西湖区", "detail": "文三路90号3幢502室"}
ELSEWHERE = {**HOME, "detail": "解放路17号4幢101室"}
PHONE = {"phone": "13800138000"}


def ring(accounts: int = 5, receiver: dict[str, str] | None = None, **options: Any) -> Story:
    """One unpaid order each, a minute apart, with the same receiver."""
    story = Story()
    for number in range(accounts):
        story.buyer = f"b{number}"
        story.created(f"o{number}", MINUTE * number, receiver=receiver or PHONE, **options)
    return story


def latest(pipeline: Pipeline) -> list[Alert]:
    """The last revision of each alert of D03, the retracted too."""
    last = {alert.alert_id: alert for alert in pipeline.alerts if alert.detector == "D03"}
    return list(last.values())


def test_a_ring_names_its_accounts_its_orders_and_what_they_share() -> None:
    (alert,) = latest(run(ring().events, ms(HOUR)))
    assert (alert.subject.kind, alert.subject.id, alert.severity) == ("shop", "s", "critical")
    assert {fact.detail["buyer"] for fact in alert.evidence.facts} == {f"b{n}" for n in range(5)}
    assert all(str(fact.detail["identity"]).startswith("phone:") for fact in alert.evidence.facts)
    assert "手机号" in alert.summary.zh and "phone" in alert.summary.en
    assert "13800138000" not in alert.model_dump_json()
    assert {(held.order_id, held.state) for held in alert.held_units} == {
        (f"o{n}", "held") for n in range(5)
    }


def test_l1_an_earlier_close_that_is_told_later_reaches_the_ring() -> None:
    story = ring()
    for number in range(5):
        story.buyer = f"b{number}"
        story.closed(f"o{number}", 5 * HOUR)
    pipeline = run(story.events, ms(DAY))
    for number in range(5):
        story.buyer = f"b{number}"
        story.closed(f"o{number}", 2 * HOUR)
    pipeline.send(story.events[-5:])
    expected = run(story.events, ms(DAY)).standing
    assert pipeline.finish(ms(DAY)).standing == expected


def test_the_ring_keeps_its_name_while_it_grows_and_when_it_comes_back() -> None:
    few, more = ring(5), ring(9)
    story = ring(5)
    for number in range(5):
        story.buyer = f"late{number}"
        story.created(f"later{number}", 5 * DAY + MINUTE * number, receiver=PHONE)
    (a,), (b,) = latest(run(few.events, ms(HOUR))), latest(run(more.events, ms(HOUR)))
    again = latest(run(story.events, ms(5 * DAY + HOUR)))
    assert len(again) == 2
    assert {alert.cluster_id for alert in (a, b, *again)} == {a.cluster_id}
    assert a.alert_id == b.alert_id
    assert a.cluster_id is not None and a.cluster_id in a.summary.zh
    other = latest(run(ring(5, {"phone": "13900139000"}).events, ms(HOUR)))[0]
    assert other.cluster_id != a.cluster_id


def test_a_corrected_address_takes_an_open_ring_apart() -> None:
    story = ring(5, HOME, units=2)
    pipeline = Pipeline()
    pipeline.send(story.events)
    pipeline.read_to_end(ms(HOUR))
    assert [a.status for a in latest(pipeline)] == ["open"]
    for number in range(3):
        story.buyer = f"b{number}"
        story.redirected(
            f"o{number}", 2 * HOUR, {**ELSEWHERE, "detail": f"解放路{number}7号4幢101室"}
        )
    pipeline.send(story.events[-3:])
    assert [a.status for a in latest(pipeline.finish(ms(3 * HOUR)))] == ["retracted"]


def test_payments_that_come_late_take_back_what_was_told() -> None:
    """L5: the payments happened within the grace, their events came after it had been concluded."""
    story = ring(5)
    pipeline = Pipeline()
    pipeline.send(story.events)
    pipeline.read_to_end(ms(HOUR))
    assert [a.status for a in latest(pipeline)] == ["open"]
    for number in range(5):
        story.buyer = f"b{number}"
        story.paid(f"o{number}", MINUTE * number + 20)
    pipeline.send(story.events[-5:])
    assert [a.status for a in latest(pipeline.finish(ms(2 * HOUR)))] == ["retracted"]
    # Nothing is held against anybody any more.
    shop = unpack(pipeline.state_of("s/s"))
    assert [fact.values for fact in shop.facts if isinstance(fact, Signal)] == [{}] * 5


def test_the_address_of_payers_is_no_tie_and_that_is_said() -> None:
    story = ring(12, HOME, units=9)
    for number in range(7):
        story.buyer = f"b{number}"
        story.paid(f"o{number}", 2 * HOUR)
    pipeline = run(story.events, ms(DAY))
    assert latest(pipeline) == []
    insufficient = {why for effects in pipeline.effects for why in effects.insufficient}
    assert ("D03", "identity_shared_by_payers") in insufficient


def test_five_payers_do_not_hide_a_ring_of_more() -> None:
    story = ring(12, HOME, units=9)
    for number in range(5):
        story.buyer = f"b{number}"
        story.paid(f"o{number}", 2 * HOUR)
    assert [a.status for a in latest(run(story.events, ms(3 * HOUR)))] == ["open"]


def test_colleagues_who_have_bought_before_are_not_tied_by_an_address() -> None:
    story = ring(6, HOME, units=20)
    for number in range(6):
        story.buyer = f"b{number}"
        story.created(f"before{number}", -DAY)
        story.paid(f"before{number}", -DAY + 10)
    assert latest(run(story.events, ms(3 * HOUR))) == []


def test_nor_are_they_once_what_they_had_bought_is_let_go() -> None:
    """They go on buying: six weeks later their orders of then must not look like those of strangers."""
    story = Story()
    for number in range(6):
        story.buyer = f"b{number}"
        for day, units, pays in ((0, 1, True), (10, 20, False), (30, 1, True), (46, 1, True)):
            story.created(f"d{day}-{number}", day * DAY + number, units, receiver=HOME)
            if pays:
                story.paid(f"d{day}-{number}", day * DAY + number + 20)
        story.created(f"d50-{number}", 50 * DAY + number, receiver=HOME)
    pipeline = Pipeline()
    for day in (1, 11, 31, 47, 51):
        pipeline.send(
            [e for e in story.events if ms((day - 1) * DAY) <= facts_of(e)[1] < ms(day * DAY)]
        )
        pipeline.finish(ms(day * DAY))
    assert latest(pipeline) == []


def test_a_shop_can_declare_who_shares_an_address() -> None:
    (alert,) = latest(run(ring(6, HOME, units=20).events, ms(3 * HOUR)))
    hub = str(alert.evidence.facts[0].detail["identity"])
    assert hub.startswith("address:")
    engine = build_engine(shops={"s": {"D03": {"hubs": [hub]}}})
    pipeline = Pipeline(engine)
    pipeline.send(ring(6, HOME, units=20).events)
    assert latest(pipeline.finish(ms(3 * HOUR))) == []


def said_to_be_left_out(alert: Alert) -> list[tuple[str, str]]:
    """What its counter-evidence says after what it says of every ring."""
    return [(text.zh, text.en) for text in alert.evidence.counter_evidence[1:]]


def by_device_and_desk(late_payers: int, accounts: int = 5) -> Story:
    """A ring of one device whose orders name a desk's phone, by which others pay after all."""
    story = Story()
    for number in range(accounts):
        story.buyer = f"b{number}"
        story.created(f"o{number}", MINUTE * number, receiver=PHONE, device="dev-a", units=10)
    for number in range(late_payers):
        story.buyer = f"staff{number}"
        story.created(f"s{number}", DAY, receiver=PHONE)
        story.paid(f"s{number}", DAY + HOUR)
    return story


def shared_phone() -> str:
    """The identity of `PHONE`, as alerts show it."""
    (alert,) = latest(run(ring().events, ms(HOUR)))
    return str(alert.evidence.facts[0].detail["identity"])


def test_an_alert_names_the_phone_that_it_left_out_and_how_many_paid_with_it() -> None:
    (alert,) = latest(run(by_device_and_desk(6).events, ms(2 * DAY)))
    phone = shared_phone()
    assert said_to_be_left_out(alert) == [
        (
            f"未计入的共用身份:{phone}(用它而未及时付款的11个买家中6个后来付了款)",
            f"Shared identities left out: {phone} "
            "(6 of the 11 buyers who were late to pay with it paid after all)",
        )
    ]
    assert {str(fact.detail["identity"]).partition(":")[0] for fact in alert.evidence.facts} == {
        "device"
    }


def test_a_phone_that_ties_is_not_said_to_be_left_out() -> None:
    (alert,) = latest(run(by_device_and_desk(4).events, ms(2 * DAY)))
    assert said_to_be_left_out(alert) == []


def test_a_hub_of_the_shop_that_the_ring_did_not_use_is_not_its_business() -> None:
    story = by_device_and_desk(6)
    for number in range(5):
        story.buyer = f"other{number}"
        story.created(f"x{number}", MINUTE * number, device="dev-z", units=10)
    said = {
        tuple(sorted(f.detail["buyer"] for f in alert.evidence.facts)): said_to_be_left_out(alert)
        for alert in latest(run(story.events, ms(2 * DAY)))
    }
    assert len(said) == 2
    assert said[tuple(f"other{n}" for n in range(5))] == []
    assert said[tuple(f"b{n}" for n in range(5))] != []


def test_an_alert_names_what_the_shop_declared_and_only_some_of_many() -> None:
    """Five phones of desks, each used by two of the accounts; three are named."""
    story = Story()
    for number in range(10):
        story.buyer = f"b{number}"
        desk = {"phone": f"1380013800{number // 2}"}
        story.created(f"o{number}", MINUTE * number, receiver=desk, device="dev-a")
    (found,) = latest(run(story.events, ms(HOUR)))
    signals = run(story.events, ms(HOUR)).state_of("s/s")
    phones = sorted(
        {
            str(fact.values["identity"])
            for fact in unpack(signals).facts
            if isinstance(fact, Signal) and str(fact.values["identity"]).startswith("phone:")
        }
    )
    assert len(phones) == 5 and said_to_be_left_out(found) == []
    for declared, more_zh, more_en in (
        (phones[:3], "", ""),
        (phones, ",另有2个", ", and 2 more"),
    ):
        pipeline = Pipeline(build_engine(shops={"s": {"D03": {"hubs": declared}}}))
        pipeline.send(story.events)
        (alert,) = latest(pipeline.finish(ms(HOUR)))
        zh = "、".join(f"{phone}(店铺已声明为公用)" for phone in phones[:3])
        en = ", ".join(f"{phone} (declared by the shop)" for phone in phones[:3])
        assert said_to_be_left_out(alert) == [
            (f"未计入的共用身份:{zh}{more_zh}", f"Shared identities left out: {en}{more_en}")
        ]


def test_an_alert_says_what_kind_of_place_its_orders_go_to() -> None:
    places = (
        "文三路90号丰巢快递柜",
        "文三路90号丰巢快递柜",
        "浙江大学玉泉校区宿舍",
        "文三路90号3幢502室",
    )
    story = Story()
    for number, detail in enumerate(places):
        story.buyer = f"b{number}"
        receiver = {**HOME, "detail": detail, **PHONE}
        story.created(f"o{number}", MINUTE * number, receiver=receiver, units=20)
    (alert,) = latest(run(story.events, ms(HOUR)))
    assert said_to_be_left_out(alert) == [
        (
            "地址为多人共用而未计入的订单:自提柜或代收点2笔、学校1笔",
            "Orders whose address was left out, for it is that of "
            "a parcel locker or shop (2), a school (1)",
        )
    ]


def test_what_was_left_out_is_said_whatever_the_order_of_events() -> None:
    events = by_device_and_desk(6).events
    expected = run(events, ms(2 * DAY)).standing
    assert run([*reversed(events)], ms(2 * DAY)).standing == expected


@pytest.mark.parametrize(
    ("severity", "orders"), [(None, 4), ("warn", 5), ("warn", 9), ("critical", 10)]
)
def test_an_address_alone_needs_more_than_a_phone(severity: str | None, orders: int) -> None:
    found = [a.severity for a in latest(run(ring(orders, HOME).events, ms(3 * HOUR)))]
    assert found == ([] if severity is None else [severity])


def test_accounts_chained_over_days_are_one_ring_but_only_what_is_live_counts() -> None:
    """Twenty accounts, one every hour: at most three orders are live within two hours."""
    story = Story()
    for number in range(20):
        story.buyer = f"b{number}"
        story.created(f"o{number}", HOUR * number, receiver=PHONE)
    assert latest(run(story.events, ms(DAY))) == []


def test_a_ring_and_a_burst_that_name_one_order_top_it_up_once(tmp_path: Path) -> None:
    story = Story(shop="shop1")
    for account in range(3):
        story.buyer = f"b{account}"
        for number in range(6):
            story.created(f"o{account}-{number}", MINUTE * number, receiver=PHONE)
    alerts = run(story.events, ms(HOUR)).alerts
    named = {(a.detector, held.order_id) for a in alerts for held in a.held_units}
    assert {("D01", "o0-0"), ("D03", "o0-0")} <= named
    with closing(Shop(tmp_path / "stock.db")) as shop:
        shop.now = ms(HOUR) / 1000
        shop.event(
            "stock",
            item_id="i",
            type="level",
            on_hand=1000,
            held_unpaid=18,
            paid_reserved=0,
            occurred_at=written(HOUR),
        )
        decided = [
            one
            for alert in alerts
            for one in shop.apply("alerts", envelope(alert).model_dump_json().encode())
        ]
    topped_up = [one.order_id for one in decided if one.kind == "top_up"]
    assert sorted(topped_up) == sorted({f"o{a}-{n}" for a in range(3) for n in range(6)})


def test_those_who_pay_in_time_tell_nobody_anything() -> None:
    """A flash sale in which all share one phone, the worst case, and all pay within the grace."""
    story = Story()
    for number in range(300):
        story.buyer = f"b{number}"
        story.created(f"o{number}", number / 10, 3, receiver={**HOME, **PHONE}, device="dev")
        story.paid(f"o{number}", number / 10 + 170)
    pipeline = run(story.events, ms(DAY))
    assert pipeline.alerts == []
    assert not any(effects.told for effects in pipeline.effects)
    assert not any(partition.states for partition in pipeline.subjects)


def test_those_who_pay_in_time_are_never_looked_at() -> None:
    """Their facts are appended unread; the payment calls off the look at the end of the grace."""
    story = Story()
    story.created("o", 0, receiver=PHONE)
    story.paid("o", 100)
    for number in range(5):
        story.shipped("o", HOUR + number)
    pipeline = Pipeline()
    for event in story.events:
        pipeline.send([event])
    pipeline.finish(ms(DAY))
    assert sum(effects.evaluated for effects in pipeline.effects) == 0


def test_who_does_not_pay_in_time_is_looked_at_and_told_once() -> None:
    story = Story()
    story.created("o", 0, receiver=PHONE)
    pipeline = Pipeline()
    pipeline.send(story.events)
    assert [len(effects.told) for effects in pipeline.effects] == [0]
    pipeline.finish(ms(DAY))
    assert sum(len(effects.told) for effects in pipeline.effects) == 1


def test_of_a_flood_the_first_orders_are_told_and_none_of_that_is_taken_back() -> None:
    """Phones are told after three minutes and addresses after thirty, of the same orders."""
    story = Story()
    for number in range(3 * MAX_ORDERS_TOLD_A_DAY):
        story.created(f"o{number}", number, receiver={**HOME, **PHONE})
    pipeline = Pipeline()
    pipeline.send(story.events)
    for minute in (4, 6, 20, 34, 60):
        pipeline.read_to_end(ms(minute * MINUTE))
    told = [one.signal for effects in pipeline.effects for one in effects.told]
    told = [signal for signal in told if signal.name == UNPAID]
    assert all(signal.values for signal in told), "nothing was taken back"
    first = {f"o{number}" for number in range(MAX_ORDERS_TOLD_A_DAY)}
    for kind in ("phone", "address"):
        of_kind = [s.values["order"] for s in told if s.ref.startswith(f"{UNPAID}/{kind}:")]
        assert len(of_kind) == len(first) and set(of_kind) == first


@pytest.mark.parametrize("is_told_order", [False, True])
def test_after_something_was_told_only_what_may_change_it_is_looked_at(is_told_order: bool) -> None:
    story = Story()
    story.created("told", 0, receiver=PHONE)
    pipeline = Pipeline()
    pipeline.send(story.events)
    pipeline.read_to_end(ms(HOUR))
    looks = sum(effects.evaluated for effects in pipeline.effects)
    story.created("later", DAY, receiver=PHONE)
    story.paid("told" if is_told_order else "later", DAY + 100)
    for event in story.events[1:]:
        pipeline.send([event])
    pipeline.read_to_end(ms(DAY + 120))
    # The buyer, and the identity that hears of it.
    looked_at = sum(effects.evaluated for effects in pipeline.effects) - looks
    assert looked_at == (2 if is_told_order else 0)
    told = [one.signal for effects in pipeline.effects for one in effects.told]
    assert ["paid_ms" in signal.values for signal in told] == [False, True][: 1 + is_told_order]


def use(number: int, identities: int, orders: int) -> Use:
    """The `number`th use: orders by turns of different accounts, one identity after the other."""
    order = number % orders
    signal = Signal(order, f"e{order}", f"u{number}", "linked_order", 1, {"units": 1})
    return Use(f"phone:{number % identities}", f"b{order}", f"o{order}", order, 1 << 62, 0, signal)


def test_the_cost_of_tying_is_linear_even_when_all_are_one_ring() -> None:
    """Counted in pointers followed, not in time: at most a few per link, at the cap of facts."""
    limits = Limits(10**9, 3, 5, 50, 10, 200)
    steps = {}
    for size in (125, 250, 500, 1000):
        sets: DisjointSets[Name] = DisjointSets()
        (found,) = rings([use(n, size // 7, size // 3) for n in range(size)], 10**9, limits, sets)
        assert len(found) == size // 3
        steps[size] = sets.steps
    assert all(count <= 4 * size for size, count in steps.items())
    assert steps[1000] <= 10 * steps[125]


def test_links_decay_after_the_gap_inclusively() -> None:
    sets: DisjointSets[str] = DisjointSets()
    link_in_time(sets, [[(0, "a"), (10, "b"), (21, "c")]], 10)
    assert sets.find("a") == sets.find("b") != sets.find("c")


def test_no_identity_leaves_as_it_was_given() -> None:
    """L11: keyed hashes, and nothing of a phone, a name, an address or a device."""
    story = ring(6, {**HOME, **PHONE, "name": "王小明canary"}, device="canary-device")
    pipeline = run(story.events, ms(DAY))
    outputs = [alert.model_dump_json() for alert in pipeline.alerts]
    outputs += [str(told) for effects in pipeline.effects for told in effects.told]
    outputs += [str(p) for partition in pipeline.partitions for p in partition.states.items()]
    assert len(outputs) > 20
    for canary in ("13800138000", "文三路", "王小明", "canary-device", IDENTITY_KEY.decode()):
        assert not [output for output in outputs if canary in output]


# A correction keeps its time, so that nothing in a signal's version grows with it.


def test_an_order_that_is_told_anew_with_more_units_reaches_the_ring() -> None:
    told = ring()
    anew = Story()
    anew.buyer = "b4"
    anew.created("o4", MINUTE * 4, 70, event_id="later", receiver=PHONE)
    at_once = run([*told.events, *anew.events], ms(DAY))
    pipeline = run(told.events, ms(HOUR))
    pipeline.send(anew.events)
    pipeline.finish(ms(DAY))
    assert pipeline.standing == at_once.standing
    (alert,) = (alert for alert in at_once.standing.values() if alert["detector"] == "D03")
    assert sum(held["units"] for held in alert["held_units"]) == 74


def test_a_payment_that_is_told_anew_with_a_later_time_reaches_the_ring() -> None:
    """Whether the account had paid before counts for an address, and then it had not."""
    told = ring(receiver=HOME)
    told.buyer = "b0"
    told.created("earlier", -2 * HOUR)
    told.paid("earlier", -HOUR, payment="p")
    anew = Story()
    anew.buyer = "b0"
    anew.paid("earlier", 3 * HOUR, payment="p")
    at_once = run([*told.events, *anew.events], ms(DAY))
    pipeline = run(told.events, ms(2 * HOUR))
    pipeline.send(anew.events)
    assert pipeline.finish(ms(DAY)).standing == at_once.standing
