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
    return parcel(at, order, "shipped", **buyer)


def parcel(at: str, order: str, step: str, **buyer: str) -> Event:
    return {"at": at, f"shipments.{step}": {"order_id": order}, **buyer}


def dispute(at: str, order: str, step: str, **more: Any) -> Event:
    return {"at": at, f"disputes.{step}": {"order_id": order, **more}}


def kept(order: str, day: int, **buyer: str) -> list[Event]:
    """An order that is placed, paid and shipped on that day."""
    placed = created(f"{day}d", order, **buyer), paid(f"{day}d1m", order, **buyer)
    return [*placed, shipped(f"{day}d9h", order, **buyer)]


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
        step = "shipped" if told_with_the_first else "in_transit"
        events += [created("0s", order, buyer=buyer), paid("1m", order, buyer=buyer)]
        events.append({"at": "9h", f"shipments.{step}": {"order_id": order}, "buyer": buyer})
        claim = {"goods_status": "not_received", "phase": "onsale", "buyer": buyer}
        events.append(requested("6d", order, "late_shipment", **claim))
    return events


def click(at: str, order: str, without_its_pickup: bool, **buyer: str) -> Event:
    follows = {} if without_its_pickup else {"pickup_follows": True}
    return {"at": at, "shipments.shipped": {"order_id": order, **follows}, **buyer}


def clicked(without_its_pickup: bool, taken: str | None = "6d") -> list[Event]:
    events: list[Event] = []
    for n in range(6):
        buyer, order = f"b{n}", f"o{n}"
        events += [created("0s", order, buyer=buyer), paid("1m", order, buyer=buyer)]
        events.append(click("40h", order, without_its_pickup, buyer=buyer))
        if taken and not without_its_pickup:
            events.append(parcel(taken, order, "pickup", buyer=buyer))
        claim = {"goods_status": "not_received", "phase": "onsale", "buyer": buyer}
        events.append(requested("4d", order, "late_shipment", **claim))
    return events


def clicked_and_never_taken(without_its_pickup: bool) -> list[Event]:
    """虚假发货: labels are printed and clicked, and there are no parcels."""
    return clicked(without_its_pickup, taken=None)


def split_after_payment(paid_is_the_parent_only: bool) -> list[Event]:
    events: list[Event] = []
    if paid_is_the_parent_only:
        split = {"order_id": "parent", "closed_by": "system"}
        events += [created("0s", "parent"), paid("2m", "parent")]
        events.append({"at": "5m", "orders.closed": split})
    for n in range(6):
        events += [created("0s", f"c{n}"), shipped("20h", f"c{n}")]
        if not paid_is_the_parent_only:
            events.append(paid("2m", f"c{n}"))
    return events


def asked_about_a_child(known_by_its_parent: bool) -> list[Event]:
    child = "345752632280"
    order = "345752632275" if known_by_its_parent else child
    return [*kept(order, 0), chat("1h", "buyer1", f"订单{child}的收货地址是哪里?")]


def held_for_review(paid_when_let_go: bool) -> list[Event]:
    at = "24h" if paid_when_let_go else "2m"
    orders = [f"o{n}" for n in range(6)]
    events = [e for o in orders for e in (created("0s", o), paid(at, o), shipped("3d", o))]
    if not paid_when_let_go:
        events += [created("24h", o, ship_by="5d") for o in orders]
    return events


def groups(paid_when_full: bool) -> list[Event]:
    events: list[Event] = []
    for n in range(6):
        order = f"o{n}"
        events += [created(f"{n}m", order), paid("20h" if paid_when_full else f"{n}m9s", order)]
        if not paid_when_full:
            events.append(created("20h", order, ship_by="68h"))
        events.append(shipped("40h", order))
    return events


def draws(without_their_payments: bool) -> list[Event]:
    events: list[Event] = []
    for n in range(12):
        order = f"o{n}"
        events.append(created(f"{n}m", order))
        if not without_their_payments:
            events.append(paid(f"{n}m3s", order))
        events.append({"at": "1d", "orders.closed": {"order_id": order, "closed_by": "system"}})
        events.append(refund("1d1m", order, "succeeded"))
    return events


def behind_a_warehouse(as_one_buyer: bool) -> list[Event]:
    events: list[Event] = []
    for n in range(12):
        buyer, order = "warehouse" if as_one_buyer else f"guest-o{n}", f"o{n}"
        events += kept(order, n, buyer=buyer)
        if n % 4 == 0:
            claim = {"goods_status": "not_received", "phase": "onsale", "buyer": buyer}
            events.append(requested(f"{n + 2}d", order, "late_shipment", **claim))
    return events


def money_first(as_refund_only: bool) -> list[Event]:
    events: list[Event] = []
    for n in range(3):
        order, back = f"o{n}", {"order_id": f"o{n}", "result": "match"}
        events += kept(order, n)
        asked = {"refund_only": as_refund_only}
        events.append(requested(f"{n + 3}d", order, "seven_day_no_reason", **asked))
        events.append(refund(f"{n + 3}d1m", order, "succeeded"))
        events.append({"at": f"{n + 6}d", "returns.inspected": back})
    return events


def given_what_was_not_asked(as_refund_only: bool) -> list[Event]:
    events: list[Event] = []
    for n in range(3):
        order = f"o{n}"
        events += kept(order, n)
        events.append(requested(f"{n + 3}d", order, "quality", refund_only=as_refund_only))
        if n:
            # Where it found all of them right, nobody would be accused anyhow.
            events.append(refund(f"{n + 3}d1h", order, "platform_intervened", ruling="buyer"))
        events.append(refund(f"{n + 3}d2h", order, "succeeded"))
    return events


def taken_back_by_the_platform(with_the_ruling_later: bool) -> list[Event]:
    events: list[Event] = []
    for n in range(3):
        order, later = f"o{n}", "1m" if with_the_ruling_later else ""
        events += kept(order, n)
        events.append(requested(f"{n + 3}d", order, "other", refund_only=True))
        if n:
            # As above.
            events.append(refund(f"{n + 3}d{later}", order, "platform_intervened", ruling="buyer"))
        events.append(refund(f"{n + 3}d2h", order, "succeeded"))
    return events


def refunded_at_once(without_its_pickup: bool) -> list[Event]:
    events: list[Event] = []
    for n in range(3):
        order = f"o{n}"
        events += [created(f"{n}d", order), paid(f"{n}d1m", order)]
        events.append(click(f"{n}d5h", order, without_its_pickup))
        asked = {"goods_status": "not_received", "phase": "onsale"}
        events.append(requested(f"{n}d6h", order, "no_longer_wanted", **asked))
        events.append(refund(f"{n}d6h1m", order, "succeeded"))
    return events


def freight_insured(as_a_request: bool) -> list[Event]:
    events: list[Event] = []
    for n in range(3):
        order = f"o{n}"
        events += kept(order, n)
        events.append(requested(f"{n + 3}d", order, "seven_day_no_reason", refund_only=False))
        events.append(refund(f"{n + 8}d", order, "succeeded"))
        if as_a_request:
            freight = {"refund_id": f"freight-{n}", "goods_status": "returned"}
            events.append(requested(f"{n + 9}d", order, "other", reason_text="包运费", **freight))
    return events


def refused_and_refunded_by_itself(as_a_request: bool) -> list[Event]:
    events: list[Event] = []
    for n in range(2):
        order = f"o{n}"
        events += [*kept(order, 3 * n), parcel(f"{3 * n + 2}d", order, "refused")]
        if as_a_request:
            asked = {"goods_status": "not_received", "phase": "onsale"}
            events.append(requested(f"{3 * n + 2}d1m", order, "other", **asked))
        events.append(refund(f"{3 * n + 5}d", order, "succeeded"))
    return events


def fined_by_the_platform(as_complaints: bool) -> list[Event]:
    events: list[Event] = []
    for n in range(6):
        buyer, order = f"b{n}", f"o{n}"
        events += kept(order, 0, buyer=buyer)
        if as_complaints:
            late = {"order_id": order, "complaint_type": "late_shipment"}
            events.append({"at": "3d", "complaints.filed": late, "buyer": buyer})
    return events


def another_address(told_when_asked_for: bool) -> list[Event]:
    receiver = {"state": "浙江省", "city": "杭州市", "detail": "文一西路969号3幢"}
    events = [created("0s", "o", receiver=receiver), paid("1m", "o"), shipped("9h", "o")]
    if told_when_asked_for:
        other = {"order_id": "o", "receiver": {**receiver, "detail": "不知道"}}
        events.append({"at": "1h", "orders.address_changed": other})
    return events


def a_dispute_taken_back(told_as_dispute_only: bool) -> list[Event]:
    events: list[Event] = []
    for n in range(3):
        order = f"o{n}"
        events += [*kept(order, n), dispute(f"{n + 9}d", order, "opened", reason="not_received")]
        asked = {"goods_status": "not_received", "phase": "onsale"}
        events.append(requested(f"{n + 9}d", order, "not_received", **asked))
        events.append(dispute(f"{n + 12}d", order, "withdrawn"))
        if not told_as_dispute_only:
            events.append(refund(f"{n + 12}d", order, "withdrawn"))
    return events


def claimed(reason: str) -> list[Event]:
    events: list[Event] = []
    for n in range(2):
        asked = {"goods_status": "not_received", "phase": "onsale", "refund_only": False}
        events += [*kept(f"o{n}", n), requested(f"{n + 6}d", f"o{n}", reason, **asked)]
    return events


def slow_parcels(told_as_late_shipping: bool) -> list[Event]:
    return claimed("late_shipment" if told_as_late_shipping else "not_received")


def parts_missing(told_as_out_of_stock: bool) -> list[Event]:
    return claimed("stockout" if told_as_out_of_stock else "other")


def settled_by_agreement(told_as_quality: bool) -> list[Event]:
    reason = "quality" if told_as_quality else "other"
    asked = {"refund_only": False, "reason_text": "协商一致退款"}
    return [e for n in range(5) for e in kept(f"o{n}", n)] + [
        requested(f"{n + 6}d", f"o{n}", reason, **asked) for n in range(5)
    ]


def to_hong_kong(told_as_written: bool) -> list[Event]:
    state = "港澳" if told_as_written else "香港特别行政区"
    receiver = {"state": state, "city": "香港特别行政区", "detail": "弥敦道1号"}
    return [created("0s", "o", receiver=receiver), paid("1m", "o"), shipped("9h", "o")]


def chat(at: str, buyer: str, text: str, sender: str = "buyer") -> Event:
    return {"at": at, "chats.message": {"text": text, "sender": sender}, "buyer": buyer}


def asked_about_the_own_order(by_the_id_of_chats: bool) -> list[Event]:
    who = "chat-7" if by_the_id_of_chats else "buyer1"
    return [
        *kept("20261122100500001", 0),
        chat("1h", who, "订单20261122100500001的收货地址是哪里?"),
    ]


def asked_before_complaining(by_the_id_of_chats: bool) -> list[Event]:
    who = "chat-7" if by_the_id_of_chats else "buyer1"
    filed = {"order_id": "o", "complaint_type": "postage"}
    asked = chat("10h", who, "邮费怎么算的?")
    return [*kept("o", 0), asked, {"at": "2d", "complaints.filed": filed}]


def haggled(without_what_was_paid: bool) -> list[Event]:
    events = kept("o", 0)
    for n, amount in enumerate((5000, 2500, 1500)):
        asked = {"attempt_no": n + 1, "amount_minor": amount}
        if not without_what_was_paid:
            asked["paid_minor"] = 5000
        events.append(requested(f"{n + 3}d", "o", "quality", **asked))
        step = "refused" if n < 2 else "agreed"
        events.append(refund(f"{n + 3}d5h", "o", step, attempt_no=n + 1))
    return events


def refusal_agreed(as_refund_only: bool) -> list[Event]:
    events: list[Event] = []
    for n in range(3):
        order, day = f"o{n}", 3 * n
        asked = {"goods_status": "not_received", "phase": "onsale"}
        events += kept(order, day)
        events.append(requested(f"{day + 1}d", order, "no_longer_wanted", **asked))
        events.append(refund(f"{day + 1}d1h", order, "agreed"))
        if not as_refund_only:
            known = {**asked, "refund_only": False}
            events.append(requested(f"{day + 1}d1h", order, "no_longer_wanted", **known))
            events.append(parcel(f"{day + 2}d", order, "refused"))
        events.append(refund(f"{day + 4}d", order, "succeeded"))
    return events


def charged_back(as_requests: bool) -> list[Event]:
    events: list[Event] = []
    for n in range(3):
        order, case = f"o{n}", {"refund_id": f"chargeback-{n}"}
        events += kept(order, n)
        if as_requests:
            events.append(requested(f"{n + 9}d", order, "not_received", **case))
        events.append(refund(f"{n + 15}d", order, "succeeded", **case))
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
        (clicked_and_never_taken, "D10"),
        (split_after_payment, "D01"),
        (asked_about_a_child, "D13"),
        (held_for_review, "D01"),
        (groups, "D01"),
        (draws, "D01"),
        (behind_a_warehouse, "D10"),
        (money_first, "D08"),
        (given_what_was_not_asked, "D08"),
        (taken_back_by_the_platform, "D08"),
        (refunded_at_once, "D08"),
        (freight_insured, "D08"),
        (refused_and_refunded_by_itself, "D12"),
        (fined_by_the_platform, "D10"),
        (another_address, "D05"),
        (a_dispute_taken_back, "D08"),
        (haggled, "D08"),
        (slow_parcels, "D10"),
        (parts_missing, "D10"),
        (settled_by_agreement, "D09"),
        (to_hong_kong, "D05"),
        (asked_about_the_own_order, "D13"),
        (asked_before_complaining, "D15"),
        (refusal_agreed, "D08"),
        (charged_back, "D08"),
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


def test_without_a_buyer_of_its_own_no_order_is_like_another() -> None:
    def story(buyer: str) -> list[Event]:
        events: list[Event] = []
        for n in range(5):
            who = buyer.format(n=n)
            events += kept(f"o{n}", n, buyer=who)
            events.append(requested(f"{n + 3}d", f"o{n}", "quality", buyer=who))
        return events

    assert "D08" in accusers(story("address-1"))
    assert not accusers(story("guest-o{n}"))


def test_a_demand_and_a_review_of_two_ids_are_no_coercion() -> None:
    review = {"order_id": "o", "rating": "bad"}
    events = [*kept("o", 0), {"at": "4d", "reviews.posted": review}]
    assert "D20" in accusers([*events, chat("3d", "buyer1", "给我500元,不然给你差评")])
    assert accusers([*events, chat("3d", "chat-7", "给我500元,不然给你差评")]) == {"D04"}


@pytest.mark.parametrize(
    ("reason", "speaks"), [("return", "D30"), ("damaged", "D29"), ("wrong_item", "D28")]
)
def test_a_chargeback_is_no_dispute_of_aliexpress(reason: str, speaks: str) -> None:
    """No bank waits for a return or for photos, and it has other days than T07 and T08."""

    def told_by(events: list[Event]) -> set[str]:
        alerts = run(events_of(events), ms(seconds("20d"))).alerts
        return {alert.detector for alert in alerts if alert.detector not in OWN_WORK}

    body = {"reason": reason, "channel": "cainiao", "countdown_ends_at": "15d"}
    assert told_by([*kept("o", 0), dispute("9d", "o", "opened", **body)]) == {speaks}
    lost = refund("15d", "o", "succeeded", refund_id="chargeback-1")
    assert not told_by([*kept("o", 0), lost])


def test_ten_chargebacks_are_no_rate_of_disputes() -> None:
    def told_by(as_disputes: bool) -> set[str]:
        events: list[Event] = []
        for n in range(10):
            events += kept(f"o{n}", n)
            at, order = f"{n + 5}d", f"o{n}"
            if as_disputes:
                events.append(dispute(at, order, "opened", reason="other"))
            else:
                events.append(refund(at, order, "succeeded", refund_id=f"chargeback-{n}"))
        events.sort(key=lambda event: seconds(event["at"]))
        return {alert.detector for alert in run(events_of(events), ms(seconds("20d"))).alerts}

    assert told_by(as_disputes=True) == {"D31"}
    assert told_by(as_disputes=False) == set()


def test_what_was_charged_back_before_it_left_speaks_for_nobody() -> None:
    """Who pays with other people's cards would be a good customer by what was paid."""

    def story(lost: bool) -> list[Event]:
        events: list[Event] = []
        for n in range(4):
            events += [created(f"{n}d", f"c{n}"), paid(f"{n}d1m", f"c{n}")]
            if lost:
                case = {"refund_id": f"chargeback-{n}"}
                events.append(refund(f"{n}d20h", f"c{n}", "succeeded", **case))
        for n in range(3):
            events += [*kept(f"o{n}", n), requested(f"{n + 4}d", f"o{n}", "quality")]
        return events

    assert "D08" in accusers(story(lost=True))
    assert "D08" not in accusers(story(lost=False))


def test_a_payment_that_was_charged_back_was_made() -> None:
    events = [e for n in range(7) for e in (created(f"{n}m", f"o{n}"), paid(f"{n}m9s", f"o{n}"))]
    events += [shipped("9h", f"o{n}") for n in range(7)]
    lost = [refund("5d", f"o{n}", "succeeded", refund_id=f"chargeback-{n}") for n in range(7)]
    assert not accusers(events + lost)


def test_who_complains_to_paypal_again_and_again_asks_for_refunds() -> None:
    def story(told: bool) -> list[Event]:
        events = [e for n in range(3) for e in kept(f"o{n}", n)]
        goods = {"goods_status": "unknown"}
        asked = [requested(f"{n + 6}d", f"o{n}", "not_received", **goods) for n in range(3)]
        return events + asked if told else events

    assert "D08" in accusers(story(told=True))
    assert not accusers(story(told=False))


def test_money_of_a_dispute_bears_its_id_and_so_does_its_parcel() -> None:
    """Two items of one order; a small refund beside them is neither's."""

    def story(*more: Event) -> list[Event]:
        body = {"reason": "return", "countdown_ends_at": "15d"}
        both = [dispute("4d", "o", "opened", dispute_id=f"issue-{n}", **body) for n in (1, 2)]
        return [*kept("o", 0), *both, *more]

    def overdue(*more: Event) -> int:
        told = run(events_of(story(*more)), ms(seconds("14d"))).alerts
        standing = {a.alert_id: a for a in told if a.detector == "D30"}.values()
        return sum(alert.status == "open" for alert in standing)

    def back(**named: str) -> Event:
        return {"at": "13d", "returns.delivered": {"order_id": "o", **named}}

    assert overdue() == overdue(back()) == 2
    assert overdue(refund("13d", "o", "succeeded", refund_id="coupon", amount_minor=100)) == 2
    assert overdue(refund("13d", "o", "succeeded", refund_id="issue-1")) == 1
    assert overdue(back(refund_id="issue-2")) == 1


def test_disputes_that_are_no_refunds_are_told_by_nobody() -> None:
    def story(as_refunds_too: bool) -> list[Event]:
        events: list[Event] = []
        for n in range(5):
            order = f"o{n}"
            events += [*kept(order, n), dispute(f"{n + 9}d", order, "opened", reason="quality")]
            if as_refunds_too:
                events.append(requested(f"{n + 9}d", order, "quality"))
        return events

    assert "D08" in accusers(story(as_refunds_too=True))
    assert not accusers(story(as_refunds_too=False))


def test_a_return_that_was_ruled_is_awaited_however_the_ruling_is_told_as_a_refund() -> None:
    def story(ruling: str) -> list[Event]:
        ruled = {"ruling": "return_and_refund", "countdown_ends_at": "12d"}
        same = {"refund_id": "dispute-o"}
        return [
            *kept("o", 0),
            dispute("4d", "o", "opened", reason="quality"),
            requested("4d", "o", "quality", **same),
            dispute("8d", "o", "ruled", **ruled),
            refund("8d", "o", "platform_intervened", ruling=ruling, **same),
        ]

    assert "D30" in accusers(story("split"))
    assert "D30" in accusers(story("buyer"))


def test_a_price_in_another_currency_hides_that_all_of_it_is_asked_back() -> None:
    def story(paid_minor: int) -> list[Event]:
        asked = {"currency": "USD", "amount_minor": 2000, "paid_minor": paid_minor}
        asks = [requested(f"{n + 3}d", f"o{n}", "quality", **asked) for n in range(3)]
        return [e for n in range(3) for e in kept(f"o{n}", n)] + asks

    assert "D08" in accusers(story(paid_minor=2000))
    assert not accusers(story(paid_minor=10_000))


def test_the_clock_of_another_coast_makes_false_claims_genuine() -> None:
    def story(early_h: int) -> list[Event]:
        events: list[Event] = []
        for n in range(3):
            day_h, order = 24 * n + 16, f"o{n}"
            events += [created(f"{day_h - early_h}h", order), paid(f"{day_h - early_h}h", order)]
            events.append(shipped(f"{day_h + 40}h", order))
            claim = {"goods_status": "not_received", "phase": "onsale"}
            events.append(requested(f"{day_h + 120}h", order, "late_shipment", **claim))
        return events

    assert "D10" in accusers(story(early_h=0))
    assert accusers(story(early_h=16)) == {SlaRisk.id}


def test_an_order_that_somebody_wants_to_cancel_is_not_closed() -> None:
    asked = {"goods_status": "not_received", "phase": "onsale"}
    events = [created("0s", "o"), paid("1m", "o")]
    events += [requested("5h", "o", "no_longer_wanted", **asked), refund("8h", "o", "refused")]
    closed = {"at": "5h", "orders.closed": {"order_id": "o", "closed_by": "buyer"}}
    assert accusers(events) == {SlaRisk.id}
    assert not accusers([*events, closed])


def test_a_click_in_time_and_a_carrier_that_comes_later_is_no_late_seller_and_no_false_claim() -> (
    None
):
    def story(at_the_pickup: bool) -> list[Event]:
        events = [created("0s", "o"), paid("1m", "o")]
        if at_the_pickup:
            return [*events, shipped("50h", "o")]
        return [*events, click("40h", "o", False), parcel("50h", "o", "pickup")]

    assert accusers(story(at_the_pickup=True)) == {SlaRisk.id}
    assert not accusers(story(at_the_pickup=False))


def test_orders_in_one_parcel_are_shipped_each() -> None:
    events = [e for o in ("o1", "o2") for e in (created("0s", o), paid("1m", o))]
    events.append(shipped("9h", "o1"))
    assert accusers(events) == {SlaRisk.id}
    assert not accusers([*events, shipped("9h", "o2")])


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
