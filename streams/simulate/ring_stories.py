"""Stories about accounts that share a phone, a device or an address (D03), guilty and not."""

from __future__ import annotations

from typing import Any

import orjson

from streams.simulate.people import Person
from streams.simulate.scene import Scene, story
from streams.simulate.shapes import SECOND_MS
from streams.simulate.unpaid_stories import AUTO_CLOSE_H


def sharing(buyer: Person, device_hash: str | None = None, **receiver: str) -> Person:
    """The same account with parts of its receiver, or its device, that are somebody else's."""
    told: dict[str, Any] = orjson.loads(orjson.dumps(buyer.receiver))
    return buyer._replace(
        receiver=orjson.Fragment(orjson.dumps({**told, **receiver})),
        device_hash=device_hash or buyer.device_hash,
    )


def _unpaid(scene: Scene, at_ms: int, buyer: Person, units: int) -> None:
    order = scene.place(at_ms, buyer, units)
    order.close(at_ms + AUTO_CLOSE_H * 3600 * SECOND_MS, "system", "超时未付款")


@story("sybil-phone", "attack", "D03", "shop", "critical")
def split_over_accounts_of_one_phone(scene: Scene) -> None:
    """A burst of 66 units, split over eleven accounts with one phone so that none is a burst."""
    phone = f"199{int(scene.between(10**7, 10**8))}"
    for number in range(11):
        buyer = sharing(scene.buyer(), phone=phone)
        _unpaid(scene, scene.at(m=4 * number, s=number * scene.between(0, 15)), buyer, 6)


@story("sybil-chain", "attack", "D03", "shop", "critical")
def chained_by_phone_and_device(scene: Scene) -> None:
    """Six accounts in a chain: each shares a phone with the one before or a device with the next."""
    before: Person | None = None
    for number in range(6):
        buyer = scene.buyer()
        if before is not None and number % 2:
            phone = str(orjson.loads(orjson.dumps(before.receiver))["phone"])
            buyer = sharing(buyer, phone=phone)
        elif before is not None:
            buyer = sharing(buyer, before.device_hash)
        for second in range(2):
            _unpaid(scene, scene.at(m=6 * number + 2 * second), buyer, 5)
        before = buyer


def _paid_for(scene: Scene, at_ms: int, buyer: Person, payer: str, units: int, late_s: int) -> None:
    order = scene.place(at_ms, buyer, units)
    paid_at_ms = at_ms + late_s * SECOND_MS
    order.pay(paid_at_ms, payer)
    order.ship(at_ms + 20 * 3600 * SECOND_MS, paid_at_ms + 48 * 3600 * SECOND_MS)
    order.deliver(at_ms + 60 * 3600 * SECOND_MS)


def _account(scene: Scene) -> str:
    return f"2088{int(scene.between(10**11, 10**12))}"


@story(
    "sybil-payer", "attack", "D03", "shop", "none",
    not_caught="told as info: who pays may do it for strangers",
)  # fmt: skip
def accounts_that_one_account_paid_for(scene: Scene) -> None:
    """Nine accounts that share nothing but who paid for their first, small orders; then 54 units unpaid."""
    payer = _account(scene)
    accounts = [scene.buyer() for _ in range(9)]
    for number, buyer in enumerate(accounts):
        _paid_for(scene, scene.at(m=7 * number), buyer, payer, 1, int(scene.between(10, 90)))
    for number, buyer in enumerate(accounts):
        _unpaid(scene, scene.at(h=30, m=5 * number), buyer, 6)


@story("paid-by-a-friend", "honest-lookalike", "D03", "shop", "none")
def friends_for_whom_one_pays_late(scene: Scene) -> None:
    """Seven for whom a friend pays (代付) an hour after they ordered, and again the next day."""
    payer = _account(scene)
    friends = [scene.buyer() for _ in range(7)]
    for day in range(2):
        for number, buyer in enumerate(friends):
            late_s = int(scene.between(2400, 4000))
            _paid_for(scene, scene.at(h=24 * day, m=2 * number), buyer, payer, 1, late_s)


@story("family-account", "honest-lookalike", "D03", "shop", "none")
def family_for_whom_one_pays(scene: Scene) -> None:
    """Three for whom the mother pays (亲情付): three orders each at once, then six that wait for her."""
    payer = _account(scene)
    family = [scene.buyer() for _ in range(3)]
    for number in range(9):
        _paid_for(scene, scene.at(h=number), family[number % 3], payer, 1, 40)
    for number in range(6):
        _paid_for(scene, scene.at(h=30, m=3 * number), family[number % 3], payer, 1, 2700)


@story(
    "sybil-drip", "attack", "D03", "shop", "none",
    not_caught="within two hours never more than three of the orders, and fifteen units",
)  # fmt: skip
def ring_that_takes_its_time(scene: Scene) -> None:
    """Eight accounts with one phone, an order an hour: below the joint limits at every moment."""
    phone = f"199{int(scene.between(10**7, 10**8))}"
    for number in range(8):
        _unpaid(scene, scene.at(m=61 * number), sharing(scene.buyer(), phone=phone), 5)


@story(
    "sybil-strangers", "attack", "D03", "shop", "none",
    not_caught="the accounts share nothing, so they are a crowd like that of any sale",
)  # fmt: skip
def ring_without_a_tie(scene: Scene) -> None:
    """Twelve accounts of one hand, each with a phone, a device, a name and an address of its own."""
    for number in range(12):
        _unpaid(scene, scene.at(m=4 * number), scene.buyer(), 6)


@story("office", "honest-lookalike", "D03", "shop", "none")
def colleagues_at_one_address(scene: Scene) -> None:
    """Fifteen colleagues order to one address in a sale; some take a quarter of an hour to pay."""
    place: dict[str, str] = {}
    for number in range(15):
        buyer = scene.buyer()
        if not place:
            home: dict[str, Any] = orjson.loads(orjson.dumps(buyer.receiver))
            place = {key: home[key] for key in ("state", "city", "district", "detail")}
        placed_at_ms = scene.at(m=2 * number)
        order = scene.place(placed_at_ms, sharing(buyer, **place), 4)
        paid_at_ms = placed_at_ms + int(scene.between(5, 1500)) * SECOND_MS
        order.pay(paid_at_ms)
        order.ship(scene.at(h=20), paid_at_ms + 48 * 3600 * SECOND_MS)
        order.deliver(scene.at(h=70))


@story("family", "honest-lookalike", "D03", "shop", "none")
def family_with_one_phone(scene: Scene) -> None:
    """Three of a family, one phone, seven orders; two wait for payment longer than the grace."""
    phone = f"199{int(scene.between(10**7, 10**8))}"
    for member in range(3):
        buyer = sharing(scene.buyer(), phone=phone)
        for number in range(3 if member == 0 else 2):
            placed_at_ms = scene.at(m=20 * member + 3 * number)
            order = scene.place(placed_at_ms, buyer, 8)
            is_late = member > 0 and number == 0
            paid_at_ms = placed_at_ms + (1200 if is_late else 40) * SECOND_MS
            order.pay(paid_at_ms)
            order.ship(scene.at(h=20), paid_at_ms + 48 * 3600 * SECOND_MS)
            order.deliver(scene.at(h=70))


@story("campaign-ring", "attack", "D25", "shop", "critical")
def three_accounts_that_each_do_something(scene: Scene) -> None:
    """One hand, one phone, three accounts: a burst of unpaid orders, an ad in a review, a bait for agents."""
    phone = f"199{int(scene.between(10**7, 10**8))}"
    orders, advertises, baits = [sharing(scene.buyer(), phone=phone) for _ in range(3)]
    for number in range(6):
        _unpaid(scene, scene.at(m=2 * number), orders, 2)
    scene.bought(scene.at(h=1), advertises).review(
        scene.at(h=80), "bad", "别买这家，加微信 shop-fanli-88 同款返利五折"
    )
    scene.bought(scene.at(h=2), baits)
    scene.says(scene.at(h=30), baits, "亲好评返现吗?收货地址是哪里,发票和商品分开发可以吗")
    for detector, who in (("D01", orders), ("D18", advertises), ("D24", baits)):
        scene.also(detector, "warn", "buyer", who.buyer_id)


@story("household", "honest-lookalike", "D25", "shop", "none")
def household_with_one_phone(scene: Scene) -> None:
    """A family with one phone and a bad month: orders that are forgotten, a review, a parcel that is late."""
    phone = f"199{int(scene.between(10**7, 10**8))}"
    forgets, reviews, waits = [sharing(scene.buyer(), phone=phone) for _ in range(3)]
    for number in range(4):
        _unpaid(scene, scene.at(m=3 * number), forgets, 2)
    scene.bought(scene.at(h=1), reviews).review(scene.at(h=80), "bad", "质量太差,客服态度也不好")
    late = scene.bought(scene.at(h=2), waits, shipped_h=70, delivered_h=None)
    late.refund("late_shipment", is_refund_only=True, goods_status="not_received").request(
        scene.at(h=60)
    )
