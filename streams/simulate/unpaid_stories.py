"""Stories about orders that are not paid (D01), and about honest buyers who look like that."""

from __future__ import annotations

from streams.simulate.scene import Scene, story
from streams.simulate.shapes import (
    NEVER_PAID_SHARE,
    SECOND_MS,
    log_normal_ms,
    payment_delay_ms,
)

AUTO_CLOSE_H = 72


@story("F1", "attack", "D01", "buyer", "critical")
def hundreds_unpaid(scene: Scene) -> None:
    """Hundreds of units unpaid, unreachable, then a claim of stockout and a review with an ad.

    The complaint names one of the unpaid orders, about which nothing was promised: for D10 it is
    unknown. The review stands on a cheap order that was paid before.
    """
    buyer = scene.buyer()
    cheap = scene.bought(scene.at(), buyer)
    on_hand = 400
    scene.put_of_item(scene.at(), "stock", "level", on_hand=on_hand)
    held, orders, at_h = 0, [], 1.0
    for _ in range(28):
        at_h += scene.between(15, 60) / 3600
        order = scene.place(scene.at(h=at_h), buyer, int(scene.between(8, 17)))
        held += order.units
        orders.append((at_h, order))
        scene.put_of_item(
            scene.at(h=at_h, s=1),
            "stock",
            "held",
            order_id=order.order_id,
            quantity=order.units,
            on_hand=on_hand,
            held_unpaid=held,
        )
    for hours, channel in ((1.8, "wangwang"), (3, "phone"), (20, "phone")):
        orders[0][1].contact(scene.at(h=hours), is_answered=False, channel=channel)
    orders[0][1].complain(scene.at(h=30), "stockout", "卖家缺货不发，要求赔偿")
    for placed_h, order in orders:
        order.close(scene.at(h=placed_h + AUTO_CLOSE_H), "system", "超时未付款")
        held -= order.units
        scene.put_of_item(
            scene.at(h=placed_h + AUTO_CLOSE_H, s=1),
            "stock",
            "released",
            order_id=order.order_id,
            quantity=order.units,
            on_hand=on_hand,
            held_unpaid=held,
        )
    scene.also("D02", None, "item", scene.item_id)
    scene.also("D18", "warn")
    # The burst, the claim and the advertisement by one buyer are a campaign.
    scene.also("D25", "critical")
    cheap.finish(scene.at(h=74))
    cheap.review(scene.at(h=80), "bad", "别买这家，加微信 shop-fanli-88 同款返利五折")


@story("F1-one-order", "attack", "D01", "buyer", "critical")
def one_huge_order(scene: Scene) -> None:
    """A single unpaid order of hundreds of units."""
    order = scene.place(scene.at(), scene.buyer(), 300)
    order.contact(scene.at(h=1), is_answered=False)
    order.close(scene.at(h=AUTO_CLOSE_H), "system", "超时未付款")


@story("F1-small", "attack", "D01", "buyer", "warn")
def a_few_unpaid(scene: Scene) -> None:
    """Six small orders within 25 minutes, none paid: enough to warn, not more."""
    buyer = scene.buyer()
    for number in range(6):
        order = scene.place(scene.at(m=4.5 * number), buyer, 3)
        order.close(scene.at(h=AUTO_CLOSE_H, m=4.5 * number), "system", "超时未付款")


@story("F1-after-good-orders", "attack", "D01", "buyer", "warn")
def burst_after_an_honest_history(scene: Scene) -> None:
    """Eight honest orders first, then six that stay unpaid: a good name does not hide a burst."""
    buyer = scene.buyer()
    for number in range(8):
        scene.bought(scene.at(h=14 * number), buyer)
    for number in range(6):
        order = scene.place(scene.at(h=120, m=4 * number), buyer, 3)
        order.close(scene.at(h=120 + AUTO_CLOSE_H, m=4 * number), "system", "超时未付款")


@story(
    "F1-drip", "attack", "D01", "buyer", "none",
    not_caught="four orders in any half hour are what a slow payer has; the limit is five",
)  # fmt: skip
def unpaid_drip(scene: Scene) -> None:
    """Twelve orders stay unpaid, but never more than four within half an hour."""
    buyer = scene.buyer()
    for number in range(12):
        minutes = 60 * (number // 4) + 5 * (number % 4)
        order = scene.place(scene.at(m=minutes), buyer, 3)
        order.close(scene.at(h=AUTO_CLOSE_H, m=minutes), "system", "超时未付款")


@story("N07", "honest-lookalike", "D01", "buyer", "none")
def split_by_payment_limit(scene: Scene) -> None:
    """A payment limit makes a buyer split 240 units into twelve orders; all of them are paid.

    Two payments hit the limit of the hour first and succeed 25 minutes later.
    """
    buyer = scene.buyer()
    for number in range(12):
        placed_at_ms = scene.at(s=50 * number)
        order = scene.place(placed_at_ms, buyer, 20)
        if number in (5, 9):
            order.fail_payment(placed_at_ms + 25 * SECOND_MS, "超过支付限额")
            order.pay(placed_at_ms + 1500 * SECOND_MS)
        else:
            order.pay(placed_at_ms + int(scene.between(12, 90)) * SECOND_MS)
        order.ship(scene.at(h=20), scene.at(h=48))
        order.deliver(scene.at(h=70))


@story("bulk-buyer", "honest-lookalike", "D01", "buyer", "none")
def bulk_orders_paid_at_once(scene: Scene) -> None:
    """A company orders 1,200 units in three orders, each paid within seconds."""
    buyer = scene.buyer()
    for number in range(3):
        placed_at_ms = scene.at(m=6 * number)
        order = scene.place(placed_at_ms, buyer, 400)
        order.pay(placed_at_ms + int(scene.between(6, 25)) * SECOND_MS)
        order.ship(scene.at(h=30), scene.at(h=48))
        order.deliver(scene.at(h=80))


@story("change-of-mind", "honest-lookalike", "D01", "buyer", "none")
def closed_at_once(scene: Scene) -> None:
    """Eight orders, each closed by the buyer within the grace; the ninth is paid."""
    buyer = scene.buyer()
    for number in range(8):
        placed_at_ms = scene.at(m=3 * number)
        order = scene.place(placed_at_ms, buyer, 3)
        order.close(placed_at_ms + int(scene.between(20, 150)) * SECOND_MS, "buyer", "拍错了")
    scene.bought(scene.at(m=26), buyer)


@story("slow-payer", "honest-lookalike", "D01", "buyer", "none")
def four_unpaid(scene: Scene) -> None:
    """Four orders of ten units stay unpaid: one order and ten units below the limits."""
    buyer = scene.buyer()
    for number in range(4):
        order = scene.place(scene.at(m=5 * number), buyer, 10)
        order.close(scene.at(h=AUTO_CLOSE_H, m=5 * number), "system", "超时未付款")


@story("flash-sale", "honest-lookalike", "D01", "shop", "none")
def flash_sale(scene: Scene) -> None:
    """300 different buyers within five minutes, who pay as buyers always do (N28)."""
    for _ in range(300):
        buyer = scene.buyer()
        placed_at_ms = scene.at(m=5 * scene.rng.random() ** 2)
        order = scene.place(placed_at_ms, buyer, 1 if scene.rng.random() < 0.8 else 2)
        if scene.rng.random() < NEVER_PAID_SHARE:
            order.close(placed_at_ms + AUTO_CLOSE_H * 3600 * SECOND_MS, "system", "超时未付款")
        else:
            paid_at_ms = placed_at_ms + payment_delay_ms(scene.rng)
            order.pay(paid_at_ms)
            shipped_after_ms = log_normal_ms(scene.rng, 12 * 3600 * SECOND_MS, 0.3)
            order.ship(paid_at_ms + shipped_after_ms, paid_at_ms + 48 * 3600 * SECOND_MS)
            order.deliver(paid_at_ms + shipped_after_ms + 50 * 3600 * SECOND_MS)
