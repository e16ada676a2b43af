"""What docs/platforms.md says to send accuses nobody who is honest; its column "else" would.

A story is what happened at the platform, mapped twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from streams.detect.detectors.d33_seller_close_guard import SellerCloseGuard
from streams.detect.detectors.d34_sla_risk import SlaRisk
from tests.example_stories import events_of, ms, seconds
from tests.pipeline import run

Event = dict[str, Any]
# About the shop's own work: they accuse no buyer.
OWN_WORK = {SlaRisk.id, SellerCloseGuard.id}


def accusers(events: list[Event], until: str = "20d") -> set[str]:
    """The detectors that warn of somebody."""
    told = run(events_of(sorted(events, key=lambda e: seconds(e["at"]))), ms(seconds(until))).alerts
    standing = {alert.alert_id: alert for alert in told}.values()
    return {a.detector for a in standing if a.severity != "info" and a.status != "retracted"}


def created(at: str, order: str, **more: Any) -> Event:
    buyer = {"buyer": more.pop("buyer")} if "buyer" in more else {}
    return {"at": at, "orders.created": {"order_id": order, "units": 1, **more}, **buyer}


def paid(at: str, order: str, **more: Any) -> Event:
    buyer = {"buyer": more.pop("buyer")} if "buyer" in more else {}
    return {"at": at, "payments.succeeded": {"order_id": order, **more}, **buyer}


def shipped(at: str, order: str, **buyer: str) -> Event:
    return {"at": at, "shipments.shipped": {"order_id": order}, **buyer}


def requested(at: str, order: str, reason: str, **more: Any) -> Event:
    buyer = {"buyer": more.pop("buyer")} if "buyer" in more else {}
    body = {"order_id": order, "reason": reason, "goods_status": "received", **more}
    return {"at": at, "refunds.requested": body, **buyer}


def refund(at: str, order: str, step: str, **more: Any) -> Event:
    return {"at": at, f"refunds.{step}": {"order_id": order, **more}}


def guests(as_one: bool) -> list[Event]:
    events: list[Event] = []
    for n in range(7):
        buyer = "guest" if as_one else f"guest-o{n}"
        events += [created(f"{n}m", f"o{n}", buyer=buyer), paid(f"{60 + n}m", f"o{n}", buyer=buyer)]
        events.append(shipped("10h", f"o{n}", buyer=buyer))
    return events


def cart(order_for_each_line: bool) -> list[Event]:
    orders = [f"oid{n}" for n in range(6)] if order_for_each_line else ["tid"]
    return [e for o in orders for e in (created("0s", o), paid("20m", o), shipped("9h", o))]


def paid_at_once(told_for_one: bool) -> list[Event]:
    orders = [f"o{n}" for n in range(6)]
    payments = orders[:1] if told_for_one else orders
    events = [created("0s", o) for o in orders] + [paid("2m", o) for o in payments]
    return events + [shipped("9h", o) for o in orders]


def presale(with_the_balance_only: bool) -> list[Event]:
    events: list[Event] = []
    for n in range(6):
        order = f"o{n}"
        if not with_the_balance_only:
            events.append(paid("1m", order, payment_id=f"deposit-{n}"))
        events += [created("0s", order, ship_by="14d"), paid("10d", order), shipped("12d", order)]
    return events


def at_the_door(paid_when_signed: bool) -> list[Event]:
    at = "3d" if paid_when_signed else "0s"
    orders = [f"o{n}" for n in range(6)]
    return [e for o in orders for e in (created("0s", o), paid(at, o), shipped("9h", o))]


def stopped_on_the_way(nobody_tells_of_the_return: bool) -> list[Event]:
    events = stopped(is_refund_only=True)
    for n in range(3):
        if not nobody_tells_of_the_return:
            back = {"order_id": f"o{n}"}
            events.append({"at": f"{n + 2}d", "shipments.returned_to_sender": back})
    return events


def stopped(is_refund_only: bool) -> list[Event]:
    events: list[Event] = []
    for n in range(3):
        order = f"o{n}"
        events += [created(f"{n}d", order), paid(f"{n}d1m", order), shipped(f"{n}d9h", order)]
        more = {"refund_only": is_refund_only, "goods_status": "not_received", "phase": "onsale"}
        events.append(requested(f"{n}d10h", order, "no_longer_wanted", **more))
        events.append(refund(f"{n}d11h", order, "agreed"))
    return events


def refunded_unasked(as_a_request: bool) -> list[Event]:
    events: list[Event] = []
    for n in range(3):
        order = f"o{n}"
        events += [created(f"{n}d", order), paid(f"{n}d1m", order), shipped(f"{n}d9h", order)]
        if as_a_request:
            events.append(requested(f"{n + 4}d", order, "other"))
        events.append(refund(f"{n + 4}d1s", order, "succeeded"))
    return events


def of_a_part(in_other_words: bool) -> list[Event]:
    text = "坏了几个,协商退二十" if in_other_words else "坏果包赔"
    events: list[Event] = []
    for n in range(3):
        order = f"o{n}"
        events += [created(f"{n}d", order), paid(f"{n}d1m", order), shipped(f"{n}d9h", order)]
        events.append(requested(f"{n + 2}d", order, "other", reason_text=text))
    return events


def of_a_part_in_any_words(without_what_was_paid: bool) -> list[Event]:
    events = of_a_part(in_other_words=True)
    for event in events:
        if "refunds.requested" in event and not without_what_was_paid:
            event["refunds.requested"] |= {"amount_minor": 2000, "paid_minor": 8000}
    return events


def items_of_one_order(not_named: bool) -> list[Event]:
    events = [created("0s", "tid"), paid("1m", "tid"), shipped("9h", "tid")]
    for n in range(3):
        item = {} if not_named else {"sub_order_id": f"oid{n}"}
        which = {"refund_id": f"r{n}", **item}
        events.append(requested(f"{n + 3}d", "tid", "damaged", **which))
        if n < 2:
            events.append(refund(f"{n + 3}d1h", "tid", "refused", **which))
    return events


def a_reason_put_right(as_another_attempt: bool) -> list[Event]:
    events: list[Event] = []
    for n in range(3):
        order = f"o{n}"
        events += [created("0s", order), paid("1m", order), shipped("5h", order)]
        for at, reason, attempt in (("1d", "late_shipment", 1), ("25h", "no_longer_wanted", 2)):
            number = attempt if as_another_attempt else 1
            events.append(requested(at, order, reason, refund_only=False, attempt_no=number))
    return events


def of_two_parcels(told_with_the_first: bool) -> list[Event]:
    events: list[Event] = []
    for n in range(6):
        buyer, order = f"b{n}", f"o{n}"
        step = "shipped" if told_with_the_first else "pickup"
        events += [created("0s", order, buyer=buyer), paid("1m", order, buyer=buyer)]
        events.append({"at": "9h", f"shipments.{step}": {"order_id": order}, "buyer": buyer})
        claim = {"goods_status": "not_received", "phase": "onsale", "buyer": buyer}
        events.append(requested("6d", order, "late_shipment", **claim))
    return events


def clicked(told_with_the_click: bool) -> list[Event]:
    events: list[Event] = []
    for n in range(6):
        buyer, order = f"b{n}", f"o{n}"
        events += [created("0s", order, buyer=buyer), paid("1m", order, buyer=buyer)]
        events.append(shipped("40h" if told_with_the_click else "6d", order, buyer=buyer))
        claim = {"goods_status": "not_received", "phase": "onsale", "buyer": buyer}
        events.append(requested("4d", order, "late_shipment", **claim))
    return events


@pytest.mark.parametrize(
    ("story", "accuser"),
    [
        (guests, "D01"),
        (cart, "D01"),
        (paid_at_once, "D01"),
        (presale, "D01"),
        (at_the_door, "D01"),
        (stopped_on_the_way, "D08"),
        (refunded_unasked, "D08"),
        (of_a_part, "D08"),
        (of_a_part_in_any_words, "D08"),
        (items_of_one_order, "D08"),
        (a_reason_put_right, "D10"),
        (of_two_parcels, "D10"),
        (clicked, "D10"),
    ],
)
def test_an_honest_buyer_is_accused_by_the_other_mapping_only(
    story: Callable[[bool], list[Event]], accuser: str
) -> None:
    assert accusers(story(False)) <= OWN_WORK
    assert accuser in accusers(story(True))


def asked_again(attempts: list[int], closed_as_withdrawn: bool = False) -> list[Event]:
    events = [created("0s", "o"), paid("1m", "o"), shipped("9h", "o")]
    for day, attempt in enumerate(attempts, start=3):
        which = {"refund_id": "r", "attempt_no": attempt}
        events.append(requested(f"{day}d", "o", "quality", **which))
        events.append(refund(f"{day}d1h", "o", "refused", **which))
        if closed_as_withdrawn:
            events.append(refund(f"{day}d20h", "o", "withdrawn", **which))
    return events


def test_who_asks_again_and_again_is_seen_where_attempts_are_counted() -> None:
    assert "D08" in accusers(asked_again([1, 2, 3, 4]))
    assert not accusers(asked_again([1, 1, 1, 1]))
    assert not accusers(asked_again([1, 2, 3, 4], closed_as_withdrawn=True))


def test_a_parcel_that_was_to_be_stopped_and_is_kept_is_told_anew() -> None:
    events = stopped(is_refund_only=False)
    assert not accusers(events)
    kept = [requested(f"{n + 4}d", f"o{n}", "no_longer_wanted") for n in range(3)]
    assert "D08" in accusers(events + kept)


def test_what_was_refused_first_and_handed_over_then_is_told_anew() -> None:
    events = stopped(is_refund_only=True)
    events += [{"at": f"{n + 2}d", "shipments.refused": {"order_id": f"o{n}"}} for n in range(3)]
    assert not accusers(events)
    kept = [requested(f"{n + 4}d", f"o{n}", "no_longer_wanted") for n in range(3)]
    assert "D08" in accusers(events + kept)


def test_the_price_is_no_part_of_itself_whatever_the_words() -> None:
    events = of_a_part(in_other_words=False)
    for event in events:
        if "refunds.requested" in event:
            event["refunds.requested"] |= {"amount_minor": 3999, "paid_minor": 4000}
    assert "D08" in accusers(events)


def test_refunds_of_sub_orders_belong_to_no_known_order() -> None:
    events: list[Event] = []
    for n in range(5):
        events += [created(f"{n}d", f"tid{n}"), paid(f"{n}d1m", f"tid{n}")]
        events.append(shipped(f"{n}d9h", f"tid{n}"))
    asked = {
        key: [requested(f"{n + 3}d", f"{key}{n}", "quality") for n in range(5)]
        for key in ("tid", "oid")
    }
    assert "D08" in accusers(events + asked["tid"])
    assert not accusers(events + asked["oid"])


def test_what_unpaid_orders_hold_is_part_of_what_is_on_hand() -> None:
    def levels(on_hand: int) -> list[Event]:
        level = {"on_hand": on_hand, "held_unpaid": 40}
        return [{"at": at, "stock.level": level, "item": "i"} for at in ("0s", "5m", "20m")]

    assert not accusers(levels(100), "30m")
    assert accusers(levels(60), "30m") == {"D02"}


def test_of_ciphers_only_those_of_known_forms_are_left_alone_and_masks_are() -> None:
    def doubted(phone: str) -> bool:
        receiver = {"phone": phone, "state": "浙江省", "city": "杭州市"}
        events = [created("0s", "o", receiver=receiver), paid("1m", "o"), shipped("9h", "o")]
        told = run(events_of(events), ms(seconds("1d"))).alerts
        return "D06" in {alert.detector for alert in told}

    assert doubted("U2FsdGVkX19kXyzAbc09Q==")
    assert not doubted("$138$kXyzAbc09Q==$1$")
    assert not doubted("138****5678")
