"""Stories about addresses, refused parcels and returns (D05, D09, D12), guilty and not."""

from __future__ import annotations

from typing import Any

from streams.simulate.journal import Purchase
from streams.simulate.ring_stories import sharing
from streams.simulate.scene import Scene, story


def _inspected(scene: Scene, order: Purchase, hours: float, result: str, **found: Any) -> None:
    """The seller opens what came back."""
    body = {"return_id": scene.journal.number(16), "order_id": order.order_id, "result": result}
    order.put(scene.at(h=hours), "returns", "inspected", {**body, **found})


def _sends_back(scene: Scene, order: Purchase, hours: float, reason: str) -> None:
    refund = order.refund(reason, is_refund_only=False, goods_status="received")
    refund.request(scene.at(h=hours))
    refund.agree(scene.at(h=hours + 3))
    refund.send_back(scene.at(h=hours + 20))


@story("swapped-return", "attack", "D09", "buyer", "critical")
def another_thing_came_back(scene: Scene) -> None:
    """A seven-day return with something else in the parcel."""
    order = scene.bought(scene.at(), scene.buyer())
    _sends_back(scene, order, 80, "seven_day_no_reason")
    if scene.rng.random() < 0.5:
        _inspected(scene, order, 150, "mismatch", expected_sku_id="red", received_sku_id="old")
    else:
        weights = {"expected_weight_g": 900, "received_weight_g": int(scene.between(100, 700))}
        _inspected(scene, order, 150, "mismatch", **weights)


@story("returns-nearly-all", "attack", "D09", "buyer", "warn")
def most_orders_come_back(scene: Scene) -> None:
    """Five of seven orders come back as not as described, within a fortnight."""
    buyer = scene.buyer()
    orders = [scene.bought(scene.at(h=12 * number), buyer) for number in range(7)]
    for number, order in enumerate(orders[:5]):
        _sends_back(scene, order, 150 + 12 * number, "not_as_described")


@story(
    "slightly-lighter-return", "attack", "D09", "buyer", "none",
    not_caught="scales and packaging differ by up to ten per cent",
)  # fmt: skip
def a_little_is_missing(scene: Scene) -> None:
    """Eight per cent of the weight is missing."""
    order = scene.bought(scene.at(), scene.buyer())
    _sends_back(scene, order, 80, "seven_day_no_reason")
    _inspected(scene, order, 150, "mismatch", expected_weight_g=1000, received_weight_g=920)


@story("damaged-return", "honest-lookalike", "D09", "buyer", "none")
def broken_on_the_way(scene: Scene) -> None:
    """What came back is broken and light: the carrier's doing (N19)."""
    order = scene.bought(scene.at(), scene.buyer())
    _sends_back(scene, order, 80, "seven_day_no_reason")
    _inspected(scene, order, 150, "damaged", expected_weight_g=1000, received_weight_g=400)


def _refuses(scene: Scene, quantity: int, reason: str) -> None:
    order = scene.place(scene.at(), scene.buyer(), quantity)
    order.pay(scene.at(s=20))
    order.ship(scene.at(h=20), scene.at(h=48))
    parcel = {"order_id": order.order_id, "carrier": "SF"}
    order.put(scene.at(h=70), "shipments", "refused", parcel)
    order.put(scene.at(h=130), "shipments", "returned_to_sender", parcel)
    refund = order.refund(reason, is_refund_only=False, goods_status="returned")
    refund.request(scene.at(h=90))


@story("refuses-a-large-parcel", "attack", "D12", "buyer", "warn")
def large_order_refused(scene: Scene) -> None:
    """Sixty units are refused at the door, then the money is asked for."""
    _refuses(scene, 60, "no_longer_wanted")


@story("refuses-what-is-broken", "honest-lookalike", "D12", "buyer", "none")
def broken_parcel_refused(scene: Scene) -> None:
    """The same with a crushed box: refusing it is right."""
    _refuses(scene, 60, "damaged")


def _sent_to(scene: Scene, detail: str, calls: int) -> None:
    order = scene.place(scene.at(), sharing(scene.buyer(), detail=detail))
    order.pay(scene.at(s=20))
    for number in range(calls):
        order.contact(scene.at(h=2 + 3 * number), is_answered=False)
    if calls:
        refund = order.refund("no_longer_wanted", is_refund_only=True, goods_status="not_received")
        refund.request(scene.at(h=24))
        refund.agree(scene.at(h=25))
    else:
        order.ship(scene.at(h=20), scene.at(h=48))
        order.deliver(scene.at(h=70))


@story("placeholder-address", "attack", "D05", "buyer", "critical")
def nobody_lives_there(scene: Scene) -> None:
    """An address from the keyboard, and two calls that nobody answers."""
    _sent_to(scene, scene.pick(("asdfasdf", "1111111", "测试测试", "随便填的地址")), 2)


@story("village-address", "honest-lookalike", "D05", "buyer", "none")
def short_but_real(scene: Scene) -> None:
    """Short, odd and real addresses (N12)."""
    details = ("大王村8组", "测试中心大楼3楼", "8号楼8单元888室", "李庄村口小卖部转交")
    _sent_to(scene, scene.pick(details), 0)


@story("unverified-with-an-impossible-phone", "attack", "D06", "buyer", "warn")
def nobody_behind_the_account(scene: Scene) -> None:
    """The account is not verified, and no phone has such a number."""
    buyer = sharing(scene.buyer(), phone="12345678910")
    scene.put(scene.at(), "accounts", "verified", buyer, alipay_verified=False)
    order = scene.place(scene.at(m=5), buyer)
    order.close(scene.at(h=72), "system", "超时未付款")


@story("newcomer", "honest-lookalike", "D06", "buyer", "none")
def not_verified_yet(scene: Scene) -> None:
    """Not verified yet, and nothing else: most of those are newcomers."""
    buyer = scene.buyer()
    scene.put(scene.at(), "accounts", "verified", buyer, alipay_verified=False)
    scene.bought(scene.at(m=5), buyer)


@story("banned-orders-again", "attack", "D35", "buyer", "warn")
def banned_buyer_orders(scene: Scene) -> None:
    """A buyer whom the shop has restricted orders again."""
    buyer = scene.buyer()
    scene.put(scene.at(), "accounts", "flags", buyer, is_banned=True)
    scene.bought(scene.at(h=scene.between(1, 100)), buyer)


@story("ban-was-lifted", "honest-lookalike", "D35", "buyer", "none")
def welcome_again(scene: Scene) -> None:
    """The ban was lifted before the order."""
    buyer = scene.buyer()
    scene.put(scene.at(), "accounts", "flags", buyer, is_banned=True)
    scene.put(scene.at(h=1), "accounts", "flags", buyer, is_banned=False)
    scene.bought(scene.at(h=3), buyer)


def _complains_of_postage(scene: Scene, *, asks: bool) -> None:
    buyer = scene.buyer()
    order = scene.bought(scene.at(), buyer)
    if asks:
        scene.says(scene.at(h=30), buyer, "写着包邮为什么收了运费")
    complaint = order.complain(scene.at(h=80), "postage", "多收邮费")
    complaint.rule(scene.at(h=150), "rejected")


@story("complains-without-asking", "attack", "D15", "buyer", "warn")
def postage_without_a_word(scene: Scene) -> None:
    """A complaint about freight from a buyer who never asked."""
    _complains_of_postage(scene, asks=False)


@story("asks-then-complains", "honest-lookalike", "D15", "buyer", "none")
def postage_after_a_chat(scene: Scene) -> None:
    """The same after a chat (N22)."""
    _complains_of_postage(scene, asks=True)
