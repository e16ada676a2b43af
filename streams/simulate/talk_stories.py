"""Stories told in chats and reviews (D04, D13, D18, D19, D20, D24), and honest talk close to them.

All wordings are our own; some dodge word lists as people do. The trap: a text that honest buyers write
as well belongs to a lookalike, however rude it is.
"""

from __future__ import annotations

from typing import Literal

from streams.simulate.journal import Purchase
from streams.simulate.people import Person
from streams.simulate.scene import Scene, story

_DEMANDS = (
    "不给{n}元红包就差评,加微信说",
    "给我{n}块,不然投诉你,加QQ 28540{q}谈",
    "转{n}给我,否则举报,加ⓥ shop{q}",
    "赔我{n}元精神损失费,不然投诉,微信联系",
    "拿{n}块来私了,不然给你刷差评,加V信 ab{q}",
)
_ADS = (
    "返利网,下载返利APP,有返现",
    "招兼职刷单,日赚三百,加微信 pt{q}",
    "淘宝客推广,有意私聊",
    "闲置转让,需要的加微信 xz{q}",
    "日结兼职,加ⓥ rj{q}",
)
_INSULTS = ("你们都是畜生,人渣", "客服傻逼,老板也是傻逼,滚", "一群垃圾人,不要脸的骗子,畜生")
_BAITS = (
    "亲好评返现吗?地址这个中山路88号,发票和商品分开发",
    "好评返现吗?收件人电话是多少",
    "五星返现多少?发票寄到公司可以吗,好评返现金",
)
_ADDRESS_QUESTIONS = (
    "订单{o}的收件人电话是多少,地址对吗",
    "帮我看看订单{o}的收货地址是哪里",
    "订单{o}是我朋友的,收货地址发我核对一下",
)


def _bought(scene: Scene) -> tuple[Person, Purchase]:
    buyer = scene.buyer()
    return buyer, scene.bought(scene.at(), buyer)


def _said(scene: Scene, texts: tuple[str, ...], **values: object) -> str:
    amount = int(scene.between(3, 60)) * 100
    return scene.pick(texts).format(n=amount, q=int(scene.between(10_000, 99_999)), **values)


@story("extortion", "attack", "D04", "buyer", "critical")
def money_under_a_threat(scene: Scene) -> None:
    """An amount, a threat and another messenger, in one message."""
    buyer, _ = _bought(scene)
    scene.says(scene.at(h=70), buyer, _said(scene, _DEMANDS))


@story("extortion-in-pieces", "attack", "D04", "buyer", "warn")
def threat_and_demand_apart(scene: Scene) -> None:
    """First the threat, six minutes later the sum."""
    buyer, _ = _bought(scene)
    scene.says(scene.at(h=70), buyer, "小心我给你差评")
    scene.says(scene.at(h=70, m=3), buyer, "在吗")
    scene.says(scene.at(h=70, m=6), buyer, "给我800块就算了")


@story(
    "extortion-slow", "attack", "D04", "buyer", "none",
    not_caught="threat and demand stand half an hour apart; ten minutes count as one breath",
)  # fmt: skip
def threat_and_demand_far_apart(scene: Scene) -> None:
    """The same two messages, half an hour apart."""
    buyer, _ = _bought(scene)
    scene.says(scene.at(h=70), buyer, "小心我给你差评")
    scene.says(scene.at(h=70, m=30), buyer, "给我800块就算了")


@story(
    "extortion-by-hints", "attack", "D04", "buyer", "none",
    not_caught="no word of threat or of money; only a person can read it",
)  # fmt: skip
def hints(scene: Scene) -> None:
    """Nothing is said that a list of words could know."""
    buyer, _ = _bought(scene)
    scene.says(scene.at(h=70), buyer, "你懂的,表现好一点,评价我还没写呢")


@story("coercion", "attack", "D20", "buyer", "critical")
def bad_review_after_a_demand(scene: Scene) -> None:
    """The demand is refused, and the bad review follows some days later."""
    buyer, order = _bought(scene)
    scene.says(scene.at(h=70), buyer, "不给500元红包就差评")
    scene.also("D04", "warn")
    order.review(scene.at(h=70 + scene.between(24, 200)), "bad", "很差,别买")


@story("address-bait", "attack", "D13", "buyer", "warn")
def another_accounts_address(scene: Scene) -> None:
    """Account B asks for the receiver of an order that account A placed and does not pay."""
    asker, other = scene.buyer(), scene.buyer()
    order = scene.place(scene.at(), other)
    question = _said(scene, _ADDRESS_QUESTIONS, o=order.order_id)
    scene.says(scene.at(m=scene.between(8, 50)), asker, question)
    order.close(scene.at(h=72), "system", "超时未付款")


@story(
    "address-bait-vague", "attack", "D13", "buyer", "none",
    not_caught="no order is named, so nothing says that it is somebody else's",
)  # fmt: skip
def no_order_named(scene: Scene) -> None:
    """The same question about "the order just now"."""
    asker, other = scene.buyer(), scene.buyer()
    order = scene.place(scene.at(), other)
    scene.says(scene.at(m=20), asker, "刚下的那个订单,收货地址是哪里,帮我看一下")
    order.close(scene.at(h=72), "system", "超时未付款")


@story("ad-review", "attack", "D18", "buyer", "warn")
def review_with_an_ad(scene: Scene) -> None:
    """A review that advertises, in one of the four ways."""
    _, order = _bought(scene)
    order.review(scene.at(h=80), "good", _said(scene, _ADS))


@story("ad-in-appended-review", "attack", "D18", "buyer", "warn")
def ad_added_later(scene: Scene) -> None:
    """An ordinary review first; the advertisement is added a week later."""
    buyer, order = _bought(scene)
    body = {
        "review_id": scene.journal.number(16),
        "order_id": order.order_id,
        "item_id": order.lines[0].item_id,
        "rating": "good",
    }
    scene.put(scene.at(h=80), "reviews", "posted", buyer, **body, text="还不错")
    scene.put(scene.at(h=250), "reviews", "appended", buyer, **body, text=_said(scene, _ADS))


@story(
    "ad-in-riddles", "attack", "D18", "buyer", "none",
    not_caught="neither a kind of advertising nor a way to get in touch is named",
)  # fmt: skip
def riddle(scene: Scene) -> None:
    """An advertisement that only insiders read."""
    _, order = _bought(scene)
    order.review(scene.at(h=80), "good", "想省的看我头像,懂的都懂")


@story("abusive-review", "attack", "D19", "buyer", "warn")
def insults(scene: Scene) -> None:
    """More than one insult in a review."""
    _, order = _bought(scene)
    order.review(scene.at(h=80), "bad", scene.pick(_INSULTS))


@story("cashback-bait", "attack", "D24", "buyer", "warn")
def several_baits_in_one(scene: Scene) -> None:
    """Cashback, an address and a split invoice in one message."""
    buyer, _ = _bought(scene)
    scene.says(scene.at(h=2), buyer, scene.pick(_BAITS))


@story("campaign", "attack", "D25", "buyer", "critical")
def bait_and_extortion(scene: Scene) -> None:
    """Cashback bait on one day and a demand on the next, by one buyer: two kinds of abuse."""
    buyer, _ = _bought(scene)
    scene.says(scene.at(h=2), buyer, scene.pick(_BAITS))
    scene.says(scene.at(h=30), buyer, "给我800块,不然投诉你")
    scene.also("D24", "warn")
    scene.also("D04", "warn")


@story("haggles", "honest-lookalike", "D04", "buyer", "none")
def freight_and_refund(scene: Scene) -> None:
    """Freight, a partial refund and lateness are haggled about (N05, N06)."""
    buyer, order = _bought(scene)
    texts = ("运费12元你不出我就给差评", "退我200元,不然投诉", "你今天不发货我就给差评")
    scene.says(scene.at(h=10), buyer, scene.pick(texts))
    order.review(scene.at(h=90), "bad", "发货太慢,客服爱理不理")


@story("accuses-the-shop", "honest-lookalike", "D04", "buyer", "none")
def tells_of_threats(scene: Scene) -> None:
    """A customer who was threatened complains of it; the words are the shop's."""
    buyer, _ = _bought(scene)
    scene.says(scene.at(h=80), buyer, "你们客服威胁我说不删差评就曝光我的地址,这是敲诈")


@story("own-order", "honest-lookalike", "D13", "buyer", "none")
def ones_own_address(scene: Scene) -> None:
    """The same question about an own order (N21)."""
    buyer, order = _bought(scene)
    scene.says(scene.at(m=20), buyer, f"订单{order.order_id}的地址是哪里,帮我核对一下")


@story("harsh-review", "honest-lookalike", "D19", "buyer", "none")
def harsh_words_about_goods(scene: Scene) -> None:
    """A disappointed customer is rude about goods and service, not about people (N03)."""
    _, order = _bought(scene)
    texts = ("质量垃圾,穿一次就破了,失望透顶", "什么破东西,后悔买了", "客服电话永远打不通,差评")
    order.review(scene.at(h=80), "bad", scene.pick(texts))


@story("asks-for-cashback", "honest-lookalike", "D24", "buyer", "none")
def one_question_at_a_time(scene: Scene) -> None:
    """Cashback in one message, the invoice in another: what many ask for."""
    buyer, _ = _bought(scene)
    scene.says(scene.at(h=2), buyer, "好评有返现吗")
    scene.says(scene.at(h=3), buyer, "发票可以开电子的吗")


@story("praises-another-shop", "honest-lookalike", "D18", "buyer", "none")
def another_kind_of_ad(scene: Scene) -> None:
    """A comparison is no advertisement of the four kinds (N09)."""
    _, order = _bought(scene)
    texts = ("隔壁家的质量好多了,还便宜", "做兼职攒钱买的,值", "转让给同事了,她很喜欢")
    order.review(scene.at(h=80), "neutral", scene.pick(texts))


@story("bait-then-complaint", "attack", "D17", "buyer", "critical")
def invoice_bait_and_complaint(scene: Scene) -> None:
    """An invoice is to be split off, the shop agrees, and minutes later comes a complaint."""
    buyer, order = _bought(scene)
    scene.says(scene.at(h=2), buyer, "发票和商品分开发可以吗,发票寄到公司")
    order.complain(scene.at(h=2, m=scene.between(2, 9)), "invoice", "卖家不按约定开票")


@story("asks-then-complains-next-day", "honest-lookalike", "D17", "buyer", "none")
def complaint_of_another_day(scene: Scene) -> None:
    """The same question; the complaint a day later is about an invoice that did not come."""
    buyer, order = _bought(scene)
    scene.says(scene.at(h=2), buyer, "发票和商品分开发可以吗,发票寄到公司")
    order.complain(scene.at(h=26), "invoice", "发票一直没收到").rule(scene.at(h=90), "upheld")


@story("professional-reviewer", "attack", "D21", "buyer", "warn")
def bad_reviews_for_money(scene: Scene) -> None:
    """Five of six orders end in a bad review, and one of them in a demand."""
    buyer = scene.buyer()
    orders = [scene.bought(scene.at(h=10 * number), buyer) for number in range(6)]
    for number, order in enumerate(orders[:5]):
        order.review(scene.at(h=130 + 20 * number), "bad", "不值这个价")
    scene.says(scene.at(h=220), buyer, "给我300元我就改好评")
    scene.also("D04", "warn")


@story("hard-to-please", "honest-lookalike", "D21", "buyer", "none")
def half_of_the_reviews_are_bad(scene: Scene) -> None:
    """Three of six orders disappoint, and nothing is demanded."""
    buyer = scene.buyer()
    orders = [scene.bought(scene.at(h=10 * number), buyer) for number in range(6)]
    for number, order in enumerate(orders):
        rating: Literal["good", "bad"] = "bad" if number % 2 else "good"
        order.review(scene.at(h=130 + 20 * number), rating, "一般" if number % 2 else "不错")


def _reviewed_by_a_seller(scene: Scene, bought: str, sells: str) -> None:
    buyer = scene.buyer()
    scene.put(
        scene.at(), "accounts", "seller_category", buyer, is_seller=True, leaf_categories=[sells]
    )
    order = scene.journal.place(
        scene.at(m=5), scene.shop_id, buyer, [scene.line(1)._replace(category=bought)]
    )
    order.pay(scene.at(m=6))
    order.ship(scene.at(h=20), scene.at(h=48))
    order.deliver(scene.at(h=60))
    order.review(scene.at(h=90), "bad", "做工一般,不推荐")


@story("competitor-review", "attack", "D22", "buyer", "warn")
def reviewed_by_a_competitor(scene: Scene) -> None:
    """A seller of dresses buys a dress and rates it bad."""
    _reviewed_by_a_seller(scene, "女装/连衣裙", "女装/连衣裙")


@story("seller-of-something-else", "honest-lookalike", "D22", "buyer", "none")
def reviewed_by_another_seller(scene: Scene) -> None:
    """A seller of dresses buys a bag and rates it bad (N04)."""
    _reviewed_by_a_seller(scene, "箱包/女包", "女装/连衣裙")
