"""Stories about refund-only (D08) and claims of stockout (D10), and about honest buyers near them."""

from __future__ import annotations

from streams.simulate.journal import Purchase
from streams.simulate.scene import Scene, story


def _asks_again_and_again(scene: Scene, *, is_answered_once: bool) -> None:
    buyer = scene.buyer()
    order = scene.bought(scene.at(), buyer)
    refund = order.refund("quality", is_refund_only=True, goods_status="received", text="质量差")
    for number in range(4):
        hours = 66 + 12 * number
        refund.request(scene.at(h=hours))
        refund.refuse(scene.at(h=hours + 3), "请先联系客服")
        answered = is_answered_once and number == 1
        channel = "phone" if number % 2 else "wangwang"
        order.contact(scene.at(h=hours + 4), is_answered=answered, channel=channel)


@story("F8", "attack", "D08", "buyer", "critical")
def refund_only_four_times(scene: Scene) -> None:
    """Refund-only four times after three refusals, and nobody answers."""
    _asks_again_and_again(scene, is_answered_once=False)


@story("F8-reachable", "attack", "D08", "buyer", "warn")
def refund_only_four_times_but_reachable(scene: Scene) -> None:
    """The same, but the buyer answered once: that keeps it a warning."""
    _asks_again_and_again(scene, is_answered_once=True)


@story("F8-many-orders", "attack", "D08", "buyer", "critical")
def refund_only_on_every_order(scene: Scene) -> None:
    """Five orders in ten days, each kept and refunded."""
    buyer = scene.buyer()
    for number in range(5):
        begin_h = 48 * number
        order = scene.bought(scene.at(h=begin_h), buyer)
        refund = order.refund("damaged", is_refund_only=True, goods_status="received")
        refund.request(scene.at(h=begin_h + 70))
        refund.agree(scene.at(h=begin_h + 75))
        refund.succeed(scene.at(h=begin_h + 76))


@story(
    "F8-among-good-orders", "attack", "D08", "buyer", "none",
    not_caught="three refund-only requests beside seven paid orders are less than half of them",
)  # fmt: skip
def refund_only_behind_good_orders(scene: Scene) -> None:
    """Every third order is refunded without a return, the others are kept: a mixed history."""
    buyer = scene.buyer()
    orders = [scene.bought(scene.at(h=20 * number), buyer) for number in range(10)]
    for number, order in enumerate(orders[::4]):
        refund = order.refund("damaged", is_refund_only=True, goods_status="received")
        refund.request(scene.at(h=260 + 24 * number))
        refund.agree(scene.at(h=262 + 24 * number))
        refund.succeed(scene.at(h=263 + 24 * number))


@story("N18", "honest-lookalike", "D08", "buyer", "none")
def one_refund_and_one_return(scene: Scene) -> None:
    """One refund-only and one seven-day return."""
    buyer = scene.buyer()
    first, second = scene.bought(scene.at(), buyer), scene.bought(scene.at(h=5), buyer)
    broken = first.refund("damaged", is_refund_only=True, goods_status="received")
    broken.request(scene.at(h=70))
    broken.agree(scene.at(h=72))
    broken.succeed(scene.at(h=73))
    unwanted = second.refund("seven_day_no_reason", is_refund_only=False, goods_status="received")
    unwanted.request(scene.at(h=90))
    unwanted.agree(scene.at(h=92))
    unwanted.send_back(scene.at(h=100))
    unwanted.succeed(scene.at(h=170))


@story("one-rerequest", "honest-lookalike", "D08", "buyer", "none")
def asked_twice(scene: Scene) -> None:
    """Refused for want of a photo, asked once more with the photo, agreed; nobody answered calls."""
    order = scene.bought(scene.at(), scene.buyer())
    refund = order.refund("damaged", is_refund_only=True, goods_status="received")
    refund.request(scene.at(h=66))
    refund.refuse(scene.at(h=68), "请提供照片")
    order.contact(scene.at(h=68.1), is_answered=False)
    order.contact(scene.at(h=69), is_answered=False)
    refund.request(scene.at(h=72))
    refund.agree(scene.at(h=74))
    refund.succeed(scene.at(h=75))


@story("good-customer", "honest-lookalike", "D08", "buyer", "none")
def four_refunds_beside_twelve_orders(scene: Scene) -> None:
    """Four refund-only requests, but beside twelve paid orders: one in three."""
    buyer = scene.buyer()
    orders = [scene.bought(scene.at(h=16 * number), buyer) for number in range(12)]
    for number, order in enumerate(orders[::3]):
        refund = order.refund("not_as_described", is_refund_only=True, goods_status="received")
        refund.request(scene.at(h=250 + 24 * number))
        refund.agree(scene.at(h=252 + 24 * number))
        refund.succeed(scene.at(h=253 + 24 * number))


@story("cancels-early", "honest-lookalike", "D08", "buyer", "none")
def refunds_before_shipping(scene: Scene) -> None:
    """Five paid orders, each refunded before it was shipped: plain cancellations."""
    buyer = scene.buyer()
    for number in range(5):
        order = scene.place(scene.at(h=30 * number), buyer)
        order.pay(scene.at(h=30 * number, s=20))
        refund = order.refund("no_longer_wanted", is_refund_only=True, goods_status="not_received")
        refund.request(scene.at(h=30 * number + 3))
        refund.agree(scene.at(h=30 * number + 4))
        refund.succeed(scene.at(h=30 * number + 4, m=1))
        order.close(scene.at(h=30 * number + 4, m=1), "buyer", "退款成功")


def _claims(scene: Scene, order: Purchase, hours: float, *, complains: bool) -> None:
    """Claim, by a refund or by a complaint, that the order was not shipped as agreed."""
    reason = "stockout" if scene.rng.random() < 0.5 else "late_shipment"
    if complains:
        complaint = order.complain(scene.at(h=hours), reason, "未按约定时间发货")
        complaint.rule(scene.at(h=hours + 50), "rejected")
    else:
        refund = order.refund(reason, is_refund_only=True, goods_status="not_received")
        refund.request(scene.at(h=hours))
        refund.refuse(scene.at(h=hours + 2), "已按时发货")


def _claim_wave(scene: Scene, buyers: int, *, shipped_h: float) -> None:
    for number in range(buyers):
        order = scene.bought(
            scene.at(m=40 * number),
            scene.buyer(),
            shipped_h=shipped_h + scene.between(0, 4),
            delivered_h=120,
        )
        hours = 60.5 + 11 * number / buyers + scene.between(0, 0.4)
        _claims(scene, order, hours, complains=number % 4 == 3)


@story("F9", "attack", "D10", "shop", "critical", has_false_claims=True)
def twelve_claims_on_shipped_orders(scene: Scene) -> None:
    """Twelve buyers claim stockout or late shipment within a day; all parcels left in time."""
    _claim_wave(scene, 12, shipped_h=20)


@story("F9-late", "honest-lookalike", "D10", "shop", "none")
def twelve_claims_on_late_orders(scene: Scene) -> None:
    """The twin: the shop really was late, so all claims are genuine (N15)."""
    _claim_wave(scene, 12, shipped_h=54)


def _claims_after_clicks(scene: Scene, buyers: int, *, are_picked_up: bool) -> None:
    for number in range(buyers):
        order = scene.place(scene.at(m=40 * number), scene.buyer())
        order.pay(scene.at(m=40 * number, s=20))
        clicked_h = 20 + scene.between(0, 4)
        order.ship(scene.at(h=clicked_h), scene.at(m=40 * number, h=48), pickup_follows=True)
        if are_picked_up:
            order.pick_up(scene.at(h=clicked_h + scene.between(1, 23)))
        hours = 60.5 + 11 * number / buyers + scene.between(0, 0.4)
        _claims(scene, order, hours, complains=number % 4 == 3)


@story("F9-picked-up", "attack", "D10", "shop", "critical", has_false_claims=True)
def twelve_claims_on_picked_up_orders(scene: Scene) -> None:
    """Twelve claims at a shop whose carriers' pickups are told, and had every parcel in time."""
    _claims_after_clicks(scene, 12, are_picked_up=True)


@story("F9-only-clicked", "honest-lookalike", "D10", "shop", "none")
def twelve_claims_on_orders_that_were_only_clicked(scene: Scene) -> None:
    """The twin: 发货 was clicked in time, but no carrier ever had a parcel (虚假发货, N15)."""
    _claims_after_clicks(scene, 12, are_picked_up=False)


@story("F9-few", "honest-lookalike", "D10", "shop", "none", has_false_claims=True)
def four_claims(scene: Scene) -> None:
    """Four mistaken buyers: one below the shop's limit."""
    _claim_wave(scene, 4, shipped_h=20)


@story("F9-one-buyer", "attack", "D10", "buyer", "critical", has_false_claims=True)
def one_buyer_claims_three_times(scene: Scene) -> None:
    """One buyer claims on three orders that were all shipped in time."""
    buyer = scene.buyer()
    orders = [scene.bought(scene.at(h=2 * number), buyer, delivered_h=110) for number in range(3)]
    for number, order in enumerate(orders):
        _claims(scene, order, 61 + 3 * number, complains=number == 1)


@story("F9-half-late", "honest-lookalike", "D10", "buyer", "none", has_false_claims=True)
def one_mistaken_and_one_genuine_claim(scene: Scene) -> None:
    """Two claims of one buyer, of which one is genuine."""
    buyer = scene.buyer()
    in_time = scene.bought(scene.at(), buyer, shipped_h=30, delivered_h=110)
    late = scene.bought(scene.at(h=1), buyer, shipped_h=55, delivered_h=115)
    _claims(scene, in_time, 62, complains=False)
    complaint = late.complain(scene.at(h=64), "late_shipment", "过了承诺时间才发货")
    complaint.rule(scene.at(h=100), "upheld")
