"""Stories of cases that accuse nobody (D07, D11, D14, D16, D23, D26, D27), and what only looks like one.

The seller is told what to do, or what was set up or answered wrong; the buyers are all honest.
"""

from __future__ import annotations

from typing import Any

import orjson

from streams.simulate.journal import Purchase
from streams.simulate.ring_stories import sharing
from streams.simulate.scene import Scene, story


def _buys_a_lot(scene: Scene, *, bought_before: bool) -> None:
    buyer = scene.buyer()
    if bought_before:
        scene.bought(scene.at(), buyer, shipped_h=10, delivered_h=40)
    begin_h = 50 if bought_before else 0
    order = scene.place(scene.at(h=begin_h), buyer, int(scene.between(40, 180)))
    order.pay(scene.at(h=begin_h, s=scene.between(10, 60)))
    order.ship(scene.at(h=begin_h + 20), scene.at(h=begin_h + 48))
    order.deliver(scene.at(h=begin_h + 60))


@story("large-first-order", "notice", "D07", "buyer", "info")
def newcomer_buys_a_lot(scene: Scene) -> None:
    """A new buyer pays for dozens of units: good business, to be shipped with evidence."""
    _buys_a_lot(scene, bought_before=False)


@story("large-order-of-a-customer", "honest-lookalike", "D07", "buyer", "none")
def customer_buys_a_lot(scene: Scene) -> None:
    """The same from somebody who bought and paid before."""
    _buys_a_lot(scene, bought_before=True)


def _is_not_content(scene: Scene, *, withdraws: bool) -> None:
    order = scene.bought(scene.at(), scene.buyer())
    reason = scene.pick(("ineffective", "allergy", "quality"))
    refund = order.refund(reason, is_refund_only=False, goods_status="received")
    refund.request(scene.at(h=scene.between(70, 90)))
    if withdraws:
        refund.withdraw(scene.at(h=95))
        return
    refund.agree(scene.at(h=100))
    refund.send_back(scene.at(h=120))
    refund.succeed(scene.at(h=190))


@story("says-it-does-not-work", "notice", "D11", "buyer", "info")
def claims_a_fault_of_quality(scene: Scene) -> None:
    """A return for quality, effect or an allergy, without a test report."""
    _is_not_content(scene, withdraws=False)


@story("changes-the-mind", "honest-lookalike", "D11", "buyer", "none")
def takes_the_claim_back(scene: Scene) -> None:
    """The same, withdrawn a few hours later."""
    _is_not_content(scene, withdraws=True)


def _asks_for_an_invoice(scene: Scene, order: Purchase, receiver: Any) -> dict[str, str]:
    invoice = {"invoice_id": scene.journal.number(12), "order_id": order.order_id}
    order.put(scene.at(h=30), "invoices", "requested", {**invoice, "ship_to": receiver})
    return invoice


@story("invoice-elsewhere", "notice", "D14", "buyer", "info")
def invoice_to_the_office(scene: Scene) -> None:
    """The goods go home and the invoice to the office; it is sent there."""
    buyer = scene.buyer()
    office = sharing(buyer, detail=f"科创路{int(scene.between(1, 900))}号财务部501室").receiver
    order = scene.bought(scene.at(), buyer)
    order.put(scene.at(h=50), "invoices", "issued", _asks_for_an_invoice(scene, order, office))


@story("invoice-refused", "shop-fault", "D14", "buyer", "warn")
def invoice_is_refused(scene: Scene) -> None:
    """The shop refuses an invoice, which only harms the shop (N26)."""
    buyer = scene.buyer()
    order = scene.bought(scene.at(), buyer)
    invoice = _asks_for_an_invoice(scene, order, buyer.receiver)
    order.put(scene.at(h=31), "invoices", "refused", {**invoice, "reason_text": "本店不开发票"})


@story("invoice-in-another-spelling", "honest-lookalike", "D14", "buyer", "none")
def invoice_to_the_same_door(scene: Scene) -> None:
    """The same door, written with the region in front."""
    buyer = scene.buyer()
    told = orjson.loads(orjson.dumps(buyer.receiver))
    region = told["state"] + told["city"] + told["district"]
    order = scene.bought(scene.at(), buyer)
    receiver = sharing(buyer, detail=f"{region} {told['detail']}").receiver
    order.put(scene.at(h=50), "invoices", "issued", _asks_for_an_invoice(scene, order, receiver))


def _sent_abroad(scene: Scene, **receiver: str) -> None:
    order = scene.place(scene.at(), sharing(scene.buyer(), **receiver))
    order.pay(scene.at(s=20))
    order.contact(scene.at(h=3), is_answered=True, channel="wangwang")
    order.ship(scene.at(h=20), scene.at(h=48))
    order.deliver(scene.at(h=150))


@story("free-shipping-abroad", "notice", "D16", "buyer", "info")
def free_shipping_to_another_country(scene: Scene) -> None:
    """An order with free shipping goes abroad; the shop asks about the freight the same day."""
    places = (("US", "California", "San Jose"), ("SG", "", "Singapore"), ("CN", "香港", "九龙"))
    country, state, city = places[int(scene.rng.random() * len(places))]
    _sent_abroad(scene, country=country, state=state, city=city, district="", detail="12 Hill Rd")


@story("consolidation-warehouse", "honest-lookalike", "D16", "buyer", "none")
def free_shipping_to_a_warehouse(scene: Scene) -> None:
    """A consolidation warehouse in the mainland: whatever happens then is the buyer's business."""
    _sent_abroad(scene, detail=f"石岩街道物流园{int(scene.between(1, 90))}栋集运仓A区")


@story("tells-of-a-scam", "notice", "D23", "buyer", "info")
def somebody_pretended_to_be_the_shop(scene: Scene) -> None:
    """A buyer tells that somebody pretended to be the shop."""
    buyer = scene.buyer()
    scene.bought(scene.at(), buyer)
    texts = (
        "有人冒充你们客服给我打电话,让我转账,是诈骗",
        "刚才接到假冒客服的电话,说退款要验证码,我被骗了两千",
    )
    scene.says(scene.at(h=40), buyer, scene.pick(texts))


@story("asks-for-the-number", "honest-lookalike", "D23", "buyer", "none")
def asks_how_to_reach_the_shop(scene: Scene) -> None:
    """A buyer asks about phone and refund; nobody pretended anything."""
    buyer = scene.buyer()
    scene.bought(scene.at(), buyer)
    scene.says(scene.at(h=40), buyer, "客服电话是多少?退款什么时候到账,验证码收不到")


def _listed(scene: Scene, title: str, **listing: Any) -> None:
    body = {"claims_free_shipping": True, "category": "家居日用", **listing}
    scene.put_of_item(scene.at(), "listings", "published", title=title, **body)


@story("free-shipping-with-a-fee", "shop-fault", "D26", "item", "warn")
def listing_contradicts_itself(scene: Scene) -> None:
    """A listing promises free shipping and takes a fee; a day later it is mended."""
    _listed(scene, "纯棉四件套 全国包邮", post_fee_minor=int(scene.between(1, 20)) * 100)
    scene.put_of_item(
        scene.at(h=scene.between(20, 40)),
        "listings",
        "changed",
        title="纯棉四件套",
        category="家居日用",
        post_fee_minor=1000,
    )


@story("free-shipping-with-exclusions", "honest-lookalike", "D26", "item", "none")
def listing_names_its_exclusions(scene: Scene) -> None:
    """Free shipping but for regions that the title names."""
    _listed(scene, "纯棉四件套 包邮(西藏、新疆除外)", excluded_regions=["西藏", "新疆"])


def _tops_up(scene: Scene, answered_m: float) -> None:
    buyer = scene.buyer()
    order = scene.place(scene.at(), buyer)
    order.pay(scene.at(s=15))
    recharge = {"recharge_id": scene.journal.number(14), "order_id": order.order_id}
    price = {"currency": "CNY", "face_value_minor": 10_000}
    order.put(scene.at(m=1), "recharges", "submitted", {**recharge, **price})
    order.put(scene.at(m=3), "recharges", "callback", {**recharge, "status": "pending"})
    answer = {**recharge, "status": "succeeded"}
    order.put(scene.at(m=1 + answered_m), "recharges", "callback", answer)
    order.ship(scene.at(m=2 + answered_m), scene.at(h=48))


@story("top-up-unanswered", "notice", "D27", "buyer", "warn")
def provider_does_not_answer(scene: Scene) -> None:
    """The provider of a top-up says nothing but "pending" for an hour or two."""
    _tops_up(scene, scene.between(60, 150))


@story("top-up-slow", "honest-lookalike", "D27", "buyer", "none")
def provider_answers_slowly(scene: Scene) -> None:
    """The result comes after nine minutes: one within the limit."""
    _tops_up(scene, 9)
