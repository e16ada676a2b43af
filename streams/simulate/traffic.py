"""Honest buyers: an order's whole life at once, with the small troubles that honest trade has.

Nobody here attacks. What comes near an attack is kept rare on purpose (a single refund-only, a
genuine claim against a late seller), because the labelled lookalikes are there to try the limits.
"""

from __future__ import annotations

from random import Random

from streams.simulate.journal import Journal, Line, Purchase, SimEvent
from streams.simulate.people import Person, person
from streams.simulate.shapes import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    NEVER_PAID_SHARE,
    SECOND_MS,
    Popularity,
    log_normal_ms,
    payment_delay_ms,
    price_minor,
)

AUTO_CLOSE_MS = 3 * DAY_MS
PROMISE_MS = 48 * HOUR_MS
CATALOGUE_SIZE = 400

# All shares below are assumptions: no public data says them for one shop.
_HEAVY_BUYERS_SHARE = 0.01
_HEAVY_ORDERS_SHARE = 0.10
_BULK_SHARE = 0.0005
_FAILED_FIRST_SHARE = 0.02
_BUYER_CLOSES_SHARE = 0.25
_REMINDED_SHARE = 0.10
_CANCELLED_SHARE = 0.02
_PRESALE_SHARE = 0.03
_LATE_SHARE = 0.02
_LATE_SHOP_SHARE = 0.15
_LATE_CLAIM_SHARE = 0.20
_CHAT_SHARE = 0.05
_RETURN_SHARE = 0.012
_REFUND_ONLY_SHARE = 0.006
_REVIEW_SHARE = 0.22

# Our own wording. Words that lists look for (地址, 发票, 投诉, 差评, 赔) occur in honest talk too.
_QUESTIONS = (
    "什么时候发货？",
    "发什么快递？",
    "有现货吗？",
    "可以改颜色吗？",
    "几天能到？",
    "我的收货地址写错门牌了，能改一下吗",
    "麻烦今天发，周末要用",
    "可以开发票吗？抬头是公司",
    "快递三天没动了，帮忙催一下",
    "尺码偏大还是偏小？我平时穿M",
    "怎么还不发货，再不发我要投诉了",
    "收到少了一个配件，能补发吗",
    "有破损，退我20元运费可以吗",
    "客服在吗？电话打不通",
    "能送个小赠品吗？",
    "好评有返现吗？",
)
_GOOD = (
    "质量不错，物流很快",
    "和描述的一样，很满意",
    "第二次买了，一直很好",
    "包装仔细，好评",
    "给妈妈买的，她很喜欢，会推荐给朋友",
    "客服耐心，有问必答，微信支付也方便",
    "性价比高，比实体店便宜不少",
    "本来差点给差评，客服补发了配件，改好评了",
)
_NEUTRAL = (
    "一般般，比图片颜色深一点",
    "还行吧，物流有点慢",
    "说好送赠品没有送，东西凑合",
    "快递没送上门，放在驿站了",
    "和隔壁家差不多，没有惊喜",
)
_BAD = (
    "有点小，和想的不一样",
    "用了两天就有点松了，失望",
    "什么垃圾质量，穿一次就开线",
    "客服态度差，问了三天不回，差评",
    "收到是坏的，退货还要我出运费",
    "描述不符，打电话投诉平台也没用",
)


class HonestTraffic:
    """Writes the lives of honest orders, one after the other.

    Every fifth shop ships late often. One buyer in a hundred orders much more than the others, and
    always pays: somebody who orders often is no attacker.
    """

    def __init__(self, seed: int, buyers: int, shops: tuple[str, ...]) -> None:
        self._seed = seed
        self._rng = Random(f"{seed}/honest")
        self._journal = Journal(Random(f"{seed}/honest/ids"))
        self._buyers = buyers
        self._heavy = int(buyers * _HEAVY_BUYERS_SHARE)
        self._late_share = {
            shop_id: _LATE_SHOP_SHARE if number % 5 == 4 else _LATE_SHARE
            for number, shop_id in enumerate(shops)
        }
        self._shops = shops
        self._popularity = Popularity(CATALOGUE_SIZE)
        prices = Random(f"{seed}/prices")
        self._prices = [price_minor(prices) for _ in range(CATALOGUE_SIZE)]
        # Unpaid orders are all placed by the others, so these leave out a little more.
        heavy_orders = _HEAVY_ORDERS_SHARE if self._heavy else 0.0
        self._never_paid = NEVER_PAID_SHARE / (1 - heavy_orders - _BULK_SHARE)

    def order(self, at_ms: int) -> list[SimEvent]:
        """All events of one order placed at `at_ms`, not ordered by time."""
        self._journal.events = []
        draw = self._rng.random()
        shop_id = self._shops[int(self._rng.random() * len(self._shops))]
        if draw < _BULK_SHARE:
            self._bulk_order(at_ms, shop_id)
        elif self._heavy and draw < _BULK_SHARE + _HEAVY_ORDERS_SHARE:
            buyer = person(self._seed, int(self._rng.random() * self._heavy))
            purchase = self._journal.place(at_ms, shop_id, buyer, self._lines())
            self._paid(purchase, at_ms, payment_delay_ms(self._rng))
        else:
            self._common_order(at_ms, shop_id)
        return self._journal.events

    def _happens(self, share: float) -> bool:
        return self._rng.random() < share

    def _pick(self, texts: tuple[str, ...]) -> str:
        return texts[int(self._rng.random() * len(texts))]

    def _lines(self) -> list[Line]:
        draw = self._rng.random()
        count = 1 if draw < 0.8 else 2 if draw < 0.95 else 3
        return [self._line(self._quantity()) for _ in range(count)]

    def _quantity(self) -> int:
        # At most twelve, so that three lines of an unpaid order stay below the smallest limit.
        draw = self._rng.random()
        if draw < 0.9:
            return 1 if draw < 0.75 else 2
        return 3 + int(self._rng.random() * (3 if draw < 0.98 else 10))

    def _line(self, quantity: int) -> Line:
        rank = self._popularity.pick(self._rng)
        return Line(f"item{rank + 1:04}", quantity, self._prices[rank])

    def _buyer(self) -> Person:
        number = self._heavy + int(self._rng.random() * (self._buyers - self._heavy))
        return person(self._seed, number)

    def _bulk_order(self, at_ms: int, shop_id: str) -> None:
        """A company orders hundreds from a prepared basket and pays within seconds."""
        quantity = 100 + int(self._rng.random() * 900)
        company = person(self._seed, f"company/{int(self._rng.random() * 50)}")
        purchase = self._journal.place(at_ms, shop_id, company, [self._line(quantity)])
        self._paid(purchase, at_ms, int((4 + self._rng.random() * 20) * SECOND_MS))

    def _common_order(self, at_ms: int, shop_id: str) -> None:
        is_presale = self._happens(_PRESALE_SHARE)
        ship_by_ms = at_ms + 7 * DAY_MS if is_presale else None
        purchase = self._journal.place(
            at_ms, shop_id, self._buyer(), self._lines(), ship_by_ms=ship_by_ms
        )
        if self._happens(self._never_paid):
            self._never_pays(purchase, at_ms)
        else:
            self._paid(purchase, at_ms, payment_delay_ms(self._rng), ship_by_ms)

    def _never_pays(self, purchase: Purchase, at_ms: int) -> None:
        closes_at_ms = at_ms + log_normal_ms(self._rng, 20 * MINUTE_MS, 1.2)
        if self._happens(_REMINDED_SHARE):
            reminded_at_ms = at_ms + int((1 + self._rng.random()) * HOUR_MS)
            purchase.contact(reminded_at_ms, is_answered=self._happens(0.6), channel="wangwang")
        if self._happens(_BUYER_CLOSES_SHARE) and closes_at_ms < at_ms + AUTO_CLOSE_MS:
            purchase.close(closes_at_ms, "buyer", "不想要了")
        else:
            closed_after_ms = AUTO_CLOSE_MS + int(self._rng.random() * MINUTE_MS)
            purchase.close(at_ms + closed_after_ms, "system", "超时未付款")

    def _paid(
        self, purchase: Purchase, at_ms: int, delay_ms: int, ship_by_ms: int | None = None
    ) -> None:
        if delay_ms > 10 * SECOND_MS and self._happens(_FAILED_FIRST_SHARE):
            purchase.fail_payment(at_ms + delay_ms // 2, "余额不足")
        paid_at_ms = at_ms + delay_ms
        purchase.pay(paid_at_ms)
        if self._happens(_CHAT_SHARE):
            asked_at_ms = paid_at_ms + log_normal_ms(self._rng, 2 * HOUR_MS, 1.0)
            purchase.chat(asked_at_ms, self._pick(_QUESTIONS))
        if self._happens(_CANCELLED_SHARE):
            self._cancelled(purchase, paid_at_ms)
        else:
            self._shipped(purchase, paid_at_ms, ship_by_ms)

    def _cancelled(self, purchase: Purchase, paid_at_ms: int) -> None:
        """Refund before shipping: a plain cancellation."""
        at_ms = paid_at_ms + min(log_normal_ms(self._rng, HOUR_MS, 1.0), 30 * HOUR_MS)
        refund = purchase.refund(
            "no_longer_wanted", is_refund_only=True, goods_status="not_received"
        )
        refund.request(at_ms)
        refund.agree(at_ms + 20 * MINUTE_MS)
        refund.succeed(at_ms + 21 * MINUTE_MS)
        purchase.close(at_ms + 21 * MINUTE_MS, "buyer", "退款成功")

    def _shipped(self, purchase: Purchase, paid_at_ms: int, ship_by_ms: int | None) -> None:
        deadline_ms = ship_by_ms or paid_at_ms + PROMISE_MS
        if self._happens(self._late_share[purchase.shop_id]):
            shipped_at_ms = deadline_ms + log_normal_ms(self._rng, 10 * HOUR_MS, 0.8)
            if self._happens(_LATE_CLAIM_SHARE):
                self._late_claim(purchase, deadline_ms)
        else:
            limit_ms = deadline_ms - paid_at_ms - HOUR_MS
            handling_ms = log_normal_ms(self._rng, 16 * HOUR_MS, 0.5)
            shipped_at_ms = paid_at_ms + min(handling_ms, limit_ms)
        purchase.ship(shipped_at_ms, None if ship_by_ms else deadline_ms)
        delivered_at_ms = shipped_at_ms + log_normal_ms(self._rng, 50 * HOUR_MS, 0.35)
        purchase.deliver(delivered_at_ms)
        self._after_delivery(purchase, delivered_at_ms)

    def _late_claim(self, purchase: Purchase, deadline_ms: int) -> None:
        """The seller was late, so the claim is genuine and the platform agrees."""
        at_ms = deadline_ms + log_normal_ms(self._rng, 4 * HOUR_MS, 0.8)
        complaint = purchase.complain(at_ms, "late_shipment", "过了承诺时间还没发货")
        complaint.rule(at_ms + 2 * DAY_MS, "upheld")

    def _after_delivery(self, purchase: Purchase, delivered_at_ms: int) -> None:
        draw = self._rng.random()
        if draw < _RETURN_SHARE:
            self._return(purchase, delivered_at_ms)
            return
        if draw < _RETURN_SHARE + _REFUND_ONLY_SHARE:
            self._refund_only(purchase, delivered_at_ms)
        finished_at_ms = delivered_at_ms + min(
            log_normal_ms(self._rng, 3 * DAY_MS, 0.7), 10 * DAY_MS
        )
        purchase.finish(finished_at_ms)
        if self._happens(_REVIEW_SHARE):
            self._review(purchase, finished_at_ms + log_normal_ms(self._rng, HOUR_MS, 1.5))

    def _return(self, purchase: Purchase, delivered_at_ms: int) -> None:
        at_ms = delivered_at_ms + int(self._rng.random() * 6 * DAY_MS)
        refund = purchase.refund(
            "seven_day_no_reason", is_refund_only=False, goods_status="received"
        )
        refund.request(at_ms)
        refund.agree(at_ms + 3 * HOUR_MS)
        refund.send_back(at_ms + 30 * HOUR_MS)
        refund.succeed(at_ms + 5 * DAY_MS)

    def _refund_only(self, purchase: Purchase, delivered_at_ms: int) -> None:
        at_ms = delivered_at_ms + int(self._rng.random() * 3 * DAY_MS)
        reason = self._pick(("quality", "damaged", "wrong_item", "not_as_described"))
        refund = purchase.refund(reason, is_refund_only=True, goods_status="received")
        refund.request(at_ms)
        if self._happens(0.25):
            refund.refuse(at_ms + 4 * HOUR_MS, "请先提供照片")
            refund.request(at_ms + 10 * HOUR_MS)
        refund.agree(at_ms + 14 * HOUR_MS)
        refund.succeed(at_ms + 15 * HOUR_MS)

    def _review(self, purchase: Purchase, at_ms: int) -> None:
        draw = self._rng.random()
        if draw < 0.94:
            purchase.review(at_ms, "good", self._pick(_GOOD))
        elif draw < 0.98:
            purchase.review(at_ms, "neutral", self._pick(_NEUTRAL))
        else:
            purchase.review(at_ms, "bad", self._pick(_BAD))
