"""Honest buyers for whom deeds, the shop, the platform or a message in time speak, and the attackers' twins.

How loud an alert is, its thresholds say; what it says of the buyer depends on these. Words and tries cost
nothing: of few orders they are believed, once, and of very many never.
"""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from schemas.alerts import Alert
from streams.detect.text.seller import read_seller
from streams.detect.text.signals import read_chat
from tests.buyer_stories import Event, alerts, chat, codes, sent, told
from tests.example_stories import events_of, ms, seconds
from tests.pipeline import Pipeline

AGAINST = {"A10_draft_complaint", "A13_draft_police_report"}


def accuses_nobody(alert: Alert) -> bool:
    """Whether title and steps hold nothing against the buyer."""
    return not AGAINST & set(codes(alert)) and "恶" not in alert.title.zh


def placed(orders: int = 6, units: int = 1, every: str = "1m") -> list[Event]:
    order = {"order_id": "o{n}", "units": units}
    return [{"at": "1m", "orders.created": order, "times": orders, "every": every}]


def paid(at: str, *orders: str) -> list[Event]:
    return [{"at": at, "payments.succeeded": {"order_id": order}} for order in orders]


class TestD01:
    """Orders that wait for their payment, or were placed anew."""

    def failed(self, at: str, *orders: str) -> list[Event]:
        return [{"at": at, "payments.failed": {"order_id": order}} for order in orders]

    def test_whose_card_is_refused_long_after_the_grace_is_not_accused(self) -> None:
        alert = told([*placed(), *self.failed("40m", "o1")], "1d", "D01")
        assert alert.severity == "warn"
        assert accuses_nobody(alert)
        assert "曾尝试付款" in alert.summary.zh

    @pytest.mark.parametrize(("orders", "units"), [(10, 1), (4, 60)])
    def test_twin_one_try_does_not_hide_a_large_burst(self, orders: int, units: int) -> None:
        events = [*placed(orders, units), *self.failed("90s", "o1")]
        alert = told(events, "1d", "D01")
        assert alert.severity == "critical"
        assert "A10_draft_complaint" in codes(alert)

    def test_twin_a_try_for_another_order_is_none_of_these(self) -> None:
        assert not accuses_nobody(told([*placed(), *self.failed("40m", "x")], "1d", "D01"))

    @pytest.mark.parametrize(
        "text",
        [
            "我付不了款,银行卡一直提示失败",
            "限额了,今天只能付一部分",
            "地址写错了,我重新拍一单",
            "忘了用优惠券,重新下单了",
            "帮同事团购的,等大家凑齐钱再付款",
            "发给我老公代付了,他下班付",
            "公司采购,等财务审批后付款",
            "点重复了,前面那几单不要了",
            "先给我报价单,公司走流程后付款",
            "邮费能改一下吗,改好我就付",
            "PayPal payment keeps failing, help?",
            "My card was declined, I will pay tomorrow",
            "Sorry, wrong address, I ordered it again",
        ],
    )
    def test_who_writes_why_is_not_accused(self, text: str) -> None:
        alert = told([*placed(), chat("3m", text)], "1d", "D01")
        assert alert.severity == "warn"
        assert accuses_nobody(alert)
        assert "说明过原因" in alert.summary.zh

    @pytest.mark.parametrize(
        "text",
        [
            "在吗",
            "什么时候发货",
            "我不付款,你能怎样",
            "不转我500,我让人天天重新拍不付款",
            "可以货到付款吗",
        ],
    )
    def test_twin_other_words_say_nothing(self, text: str) -> None:
        assert not accuses_nobody(told([*placed(), chat("3m", text)], "1d", "D01"))

    def test_twin_a_word_does_not_hide_hundreds(self) -> None:
        alert = told([*placed(10, 40), chat("3m", "我付不了款")], "1d", "D01")
        assert alert.severity == "critical"
        assert "A10_draft_complaint" in codes(alert)

    def test_twin_nor_does_it_end_a_campaign(self) -> None:
        claims = [e | {"at": f"{seconds(e['at']) + 86_400:.0f}s"} for e in stockout_claims()]
        (alert,) = alerts([*placed(), chat("3m", "我付不了款"), *claims], "9d", "D25")
        assert alert.severity == "critical"

    def test_twin_who_says_so_again_is_not_believed_again(self) -> None:
        again = {"order_id": "p{n}", "units": 1}
        second = [{"at": "3d", "orders.created": again, "times": 6, "every": "1m"}]
        events = [*placed(), chat("3m", "我付不了款"), *second, chat("3d8m", "我付不了款")]
        assert [accuses_nobody(a) for a in alerts(events, "4d", "D01")] == [True, False]

    def test_a_word_that_is_read_late_takes_the_accusation_back(self) -> None:
        *burst, word = events_of([*placed(), chat("5h", "刚才卡一直付不了款")])
        pipeline = Pipeline()
        pipeline.send(burst)
        pipeline.read_to_end(ms(seconds("6h")))
        pipeline.send([word])
        said = [alert for alert in pipeline.alerts if alert.detector == "D01"]
        assert [accuses_nobody(alert) for alert in said] == [False, True]

    def anew(self, units: int = 60, hours: int = 1, item: str = "item1") -> list[Event]:
        items = [{"item_id": item, "quantity": units, "unit_price_minor": 1000}]
        again = {"order_id": "again", "items": items}
        anew = {"at": f"{hours}h", "orders.created": again}
        return [*placed(1, 60), anew, *paid(f"{hours}h1m", "again")]

    def test_who_buys_the_same_anew_is_not_accused(self) -> None:
        alert = told(self.anew(), "3d", "D01")
        assert accuses_nobody(alert)
        assert "重新拍下同样的商品并付款" in alert.summary.zh

    @pytest.mark.parametrize(
        "events", [{"units": 6}, {"item": "other"}, {"hours": 26}], ids=["less", "else", "later"]
    )
    def test_twin_who_buys_something_else_is(self, events: dict[str, Any]) -> None:
        assert not accuses_nobody(told(self.anew(**events), "3d", "D01"))

    def test_twin_one_basket_of_ten_alike_is_not_enough(self) -> None:
        alert = told([*placed(10, 30), *paid("15m", "o1")], "1d", "D01")
        assert alert.severity == "critical"
        assert "A10_draft_complaint" in codes(alert)

    def test_who_pays_for_half_is_not_accused(self) -> None:
        alert = told([*placed(), *paid("20m", "o1", "o2", "o3")], "1d", "D01")
        assert accuses_nobody(alert)

    @pytest.mark.parametrize("how", ["agreed", "succeeded"])
    def test_twin_who_takes_the_money_back_has_paid_for_nothing(self, how: str) -> None:
        back = [{"at": "1h", f"refunds.{how}": {"order_id": f"o{n}"}} for n in range(1, 6)]
        events = [*placed(10, 30), *paid("15m", *(f"o{n}" for n in range(1, 6)))]
        assert accuses_nobody(told(events, "1d", "D01"))
        alert = told([*events, *back], "1d", "D01")
        assert alert.severity == "critical"
        assert set(codes(alert)) >= AGAINST


def stockout_claims(orders: int = 2) -> list[Event]:
    """Parcels that left in time, and claims that they did not."""
    events: list[Event] = []
    for n in range(1, orders + 1):
        claim = {"order_id": f"c{n}", "reason": "stockout", "goods_status": "not_received"}
        events += sent(f"c{n}")
        events.append({"at": f"{n + 4}d", "refunds.requested": claim})
    return events


def spoiled(orders: int, *, reason: str = "quality", explains: bool = False) -> list[Event]:
    """Fruit that came rotten, parcels that did not come: refund-only for each, a day apart."""
    events: list[Event] = []
    for n in range(1, orders + 1):
        is_here = reason != "not_received"
        status = "received" if is_here else "not_received"
        request = {"order_id": f"o{n}", "reason": reason, "goods_status": status}
        events += sent(f"o{n}")
        if explains:
            events.append(chat(f"{n + 2}d23h", "果子烂了一半,照片发您了"))
        events.append({"at": f"{n + 3}d", "refunds.requested": request})
    return events


def answered(orders: int, kind: str = "agreed", **body: Any) -> list[Event]:
    return [
        {"at": f"{n + 3}d2h", f"refunds.{kind}": {"order_id": f"o{n}"} | body}
        for n in range(1, orders + 1)
    ]


class TestD08:
    @pytest.mark.parametrize("reason", ["quality", "damaged", "not_received"])
    @pytest.mark.parametrize("orders", [3, 4])
    def test_what_the_shop_agreed_to_each_time_accuses_nobody(
        self, orders: int, reason: str
    ) -> None:
        alert = told([*spoiled(orders, reason=reason), *answered(orders)], "12d", "D08")
        assert (alert.severity, codes(alert)) == ("warn", ["A4_remind"])
        assert alert.title.zh == "多次仅退款,均已同意或判定成立"

    def test_twin_five_of_them_are_critical_all_the_same(self) -> None:
        alert = told([*spoiled(5), *answered(5)], "12d", "D08")
        assert alert.severity == "critical"
        assert accuses_nobody(alert)

    def test_twin_one_that_was_not_agreed_to_is_contested(self) -> None:
        alert = told([*spoiled(3), *answered(2)], "12d", "D08")
        assert alert.severity == "warn"
        assert "A10_draft_complaint" in codes(alert)

    @pytest.mark.parametrize("orders", [3, 5])
    def test_what_the_platform_found_right_each_time_accuses_nobody(self, orders: int) -> None:
        ruled = answered(orders, "platform_intervened", ruling="buyer")
        assert told([*spoiled(orders), *ruled], "12d", "D08").severity == "info"

    @pytest.mark.parametrize("ruling", ["seller", "split"])
    def test_twin_what_it_did_not_does(self, ruling: str) -> None:
        ruled = answered(3, "platform_intervened", ruling=ruling)
        assert told([*spoiled(3), *ruled], "12d", "D08").severity == "warn"

    def test_who_explains_each_before_is_asked_about_and_not_accused(self) -> None:
        alert = told(spoiled(3, explains=True), "12d", "D08")
        assert (alert.severity, codes(alert)) == ("warn", ["A4_remind"])
        assert "说明过原因" in alert.summary.zh

    def test_twin_words_do_not_hide_five(self) -> None:
        alert = told(spoiled(5, explains=True), "12d", "D08")
        assert alert.severity == "critical"
        assert "A10_draft_complaint" in codes(alert)

    def test_twin_a_seller_who_does_not_believe_it_refuses(self) -> None:
        refused = {"at": "4d2h", "refunds.refused": {"order_id": "o1"}}
        alert = told([*spoiled(3, explains=True), refused], "12d", "D08")
        assert alert.severity == "warn"
        assert "A10_draft_complaint" in codes(alert)

    def again(self, *answers: Event) -> list[Event]:
        events = sent()
        for n, hours in enumerate((0, 3, 6), 1):
            request = {"order_id": "o1", "reason": "damaged", "goods_status": "received"}
            events.append({"at": f"4d{hours}h", "refunds.requested": request | {"attempt_no": n}})
            if n < 3:
                refusal = {"order_id": "o1", "attempt_no": n}
                events.append({"at": f"4d{hours}h30m", "refunds.refused": refusal})
        return [*events, *answers]

    def test_who_was_refused_twice_and_found_right_is_not_accused(self) -> None:
        ruling = {"order_id": "o1", "attempt_no": 3, "ruling": "buyer"}
        events = self.again({"at": "5d", "refunds.platform_intervened": ruling})
        assert told(events, "6d", "D08").severity == "info"

    def test_twin_whom_the_shop_gave_in_to_is(self) -> None:
        events = self.again({"at": "5d", "refunds.agreed": {"order_id": "o1", "attempt_no": 3}})
        assert told(events, "6d", "D08").severity == "warn"


def back(at: str, order: str = "o1", **numbers: Any) -> Event:
    return {
        "at": at,
        "returns.inspected": {"order_id": order, "result": "mismatch"} | numbers,
    }


SKU = {"expected_sku_id": "red", "received_sku_id": "blue"}
BRICK = SKU | {"expected_weight_g": 200, "received_weight_g": 2000}


class TestD09:
    @pytest.mark.parametrize(
        "text",
        [
            "你们发错颜色了,我要的是红色",
            "收到的尺码不对",
            "这不是我要的那款",
            "You sent me the wrong colour",
        ],
    )
    def test_who_wrote_before_that_another_came_is_not_accused(self, text: str) -> None:
        alert = told([*sent(), chat("3d", text), back("9d", **SKU)], "10d", "D09")
        assert alert.severity == "info"
        assert accuses_nobody(alert)
        assert "退回前买家已" in alert.summary.zh

    @pytest.mark.parametrize(
        "said",
        [
            chat("9d1s", "你们发错颜色了"),
            chat("-1s", "你们发错颜色了"),
            chat("3d", "没有发错,很满意"),
            chat("3d", "不退我500就说你发错货"),
        ],
        ids=["afterwards", "before", "denied", "threatened with"],
    )
    def test_twin_other_words_excuse_nothing(self, said: Event) -> None:
        assert told([*sent(), said, back("9d", **SKU)], "10d", "D09").severity == "critical"

    def test_twin_a_brick_is_warned_of_whatever_was_written(self) -> None:
        events = [*sent(), chat("3d", "你们发错了,来的是砖头"), back("9d", **BRICK)]
        assert told(events, "10d", "D09").severity == "warn"

    def test_twin_who_writes_so_of_each_is_accused(self) -> None:
        events = [*sent("o1"), *sent("o2"), chat("3d", "你们发错颜色了")]
        found = alerts([*events, back("9d", **SKU), back("9d1h", "o2", **SKU)], "10d", "D09")
        assert {alert.severity for alert in found} == {"critical"}

    @pytest.mark.parametrize(("at", "severity"), [("9d5h", "info"), ("8d", "critical")])
    def test_whom_the_platform_found_right_about_it_is_not_accused(
        self, at: str, severity: str
    ) -> None:
        ruling = {"order_id": "o1", "ruling": "buyer"}
        events = [*sent(), back("9d", **SKU), {"at": at, "refunds.platform_intervened": ruling}]
        assert told(events, "10d", "D09").severity == severity

    def test_twin_whom_the_shop_paid_is(self) -> None:
        events = [
            *sent(),
            back("9d", **SKU),
            {"at": "10d", "refunds.succeeded": {"order_id": "o1"}},
        ]
        assert told(events, "11d", "D09").severity == "critical"

    def sent_back(self, whole: int) -> list[Event]:
        events: list[Event] = []
        for n in range(1, 6):
            request = {"order_id": f"o{n}", "reason": "not_as_described", "refund_only": False}
            events += sent(f"o{n}")
            events.append(
                {"at": f"{n + 3}d", "refunds.requested": request | {"goods_status": "received"}}
            )
            result = "match" if n <= whole else "damaged"
            events.append(back(f"{n + 6}d", f"o{n}", result=result))
        return events

    def test_who_sends_all_of_it_back_whole_is_not_accused(self) -> None:
        alert = told(self.sent_back(5), "12d", "D09")
        assert alert.severity == "info"
        assert accuses_nobody(alert)

    def test_twin_who_does_not_is(self) -> None:
        alert = told(self.sent_back(4), "12d", "D09")
        assert alert.severity == "warn"
        assert "A10_draft_complaint" in codes(alert)


class TestD12:
    """Thirty pieces that come back, whoever is to blame."""

    def refused(
        self, *said: Event, order: str = "o1", how: str = "refused", shipped: str = "20h"
    ) -> list[Event]:
        request = {"order_id": order, "refund_only": False, "reason": "other"}
        return [
            {"at": "0s", "orders.created": {"order_id": order, "units": 30}},
            {"at": "20s", "payments.succeeded": {"order_id": order}},
            {"at": shipped, "shipments.shipped": {"order_id": order}},
            *said,
            {"at": "5d", f"shipments.{how}": {"order_id": order}},
            {"at": "6d", "refunds.requested": request | {"goods_status": "not_received"}},
        ]

    @pytest.mark.parametrize(
        ("at", "text"),
        [
            ("4d23h", "快递盒压扁了,漏了一地,我不收"),
            ("5d1h", "快递没给我打电话就写我拒收,我根本没拒收"),
            ("4d", "我出差了,收不了,能改地址吗"),
            ("1d", "不想要了,麻烦帮我拦截一下"),
            ("4d", "怎么还没到,再晚就赶不上生日了"),
            ("5d1h", "The box was crushed and open"),
            ("5d1h", "Nobody called me, I never refused anything"),
        ],
    )
    def test_who_wrote_how_the_parcel_fared_is_not_accused(self, at: str, text: str) -> None:
        alert = told(self.refused(chat(at, text)), "7d", "D12")
        assert alert.severity == "warn"
        assert accuses_nobody(alert)

    @pytest.mark.parametrize(
        "said",
        [
            chat("6d1s", "快递盒压扁了"),
            chat("3d", "在吗"),
            chat("3d", "快递盒压扁了", "seller"),
            chat("3d", "质量不好我就拒收"),
        ],
        ids=["afterwards", "nothing", "the seller", "a threat"],
    )
    def test_twin_other_words_excuse_nothing(self, said: Event) -> None:
        assert not accuses_nobody(told(self.refused(said), "7d", "D12"))

    def test_twin_who_refuses_again_is_not_believed_again(self) -> None:
        said = chat("4d23h", "快递盒压扁了")
        events = [*self.refused(said, order="o1")]
        events += [
            e | {"at": f"{seconds(e['at']) + 7 * 86_400:.0f}s"}
            for e in self.refused(said, order="o2")
        ]
        assert [accuses_nobody(a) for a in alerts(events, "14d", "D12")] == [True, False]

    def test_who_had_asked_for_the_refund_on_its_way_is_not_accused(self) -> None:
        asked = {"order_id": "o1", "refund_id": "before", "reason": "no_longer_wanted"}
        before = {"at": "3d", "refunds.requested": asked | {"goods_status": "not_received"}}
        withdrawn = {"at": "4d", "refunds.withdrawn": {"order_id": "o1", "refund_id": "before"}}
        assert accuses_nobody(told(self.refused(before), "7d", "D12"))
        assert not accuses_nobody(told(self.refused(before, withdrawn), "7d", "D12"))

    @pytest.mark.parametrize(
        ("shipped", "severity"), [("4d", "info"), ("2d", "warn")], ids=["late", "in time"]
    )
    def test_what_the_shop_sent_too_late_is_refused_with_reason(
        self, shipped: str, severity: str
    ) -> None:
        assert told(self.refused(shipped=shipped), "7d", "D12").severity == severity

    def test_what_the_carrier_brought_back_accuses_nobody(self) -> None:
        alert = told(self.refused(how="returned_to_sender"), "7d", "D12")
        assert (alert.severity, alert.title.zh) == ("info", "包裹退回后申请退款")


class TestD04:
    """More than fifty yuan of one's own."""

    @pytest.mark.parametrize(
        ("before", "demand"),
        [
            ("退货的运费我垫了80", "80转我,不然我投诉"),
            ("我付了两次,多付了120", "把120转给我,不转我投诉"),
            ("退货你们签收三天了,260还没退", "260给我,再不给我就12315投诉"),
            ("退款少退了我90", "90块转我,不给就投诉"),
            ("快递到付收了我70,你们说包邮的", "把70转我,不然我给差评"),
            ("锁坏了,我自己找人修花了150", "150给我,不给投诉你们"),
            ("退款显示成功但是199没到账", "199打我卡上,不然我去投诉"),
            ("多收了我66运费", "转我66,不转差评"),
        ],
    )
    def test_who_wants_back_what_was_told_of_has_a_claim(self, before: str, demand: str) -> None:
        alert = told([*sent(), chat("4d", before), chat("4d1m", demand)], "6d", "D04")
        assert alert.severity == "info"
        assert accuses_nobody(alert)

    @pytest.mark.parametrize(
        ("before", "demand"),
        [
            ("退货的运费我垫了80", "2000转我,不然我投诉"),
            ("我付了两次", "把120转给我,不转我投诉"),
            ("我多付了3000", "3000转我,不然投诉"),
            ("你们家120的那款不错", "把120转给我,不转我投诉"),
            ("我付了两次,多付了120", "120转我,加微信abc123456谈,不然投诉"),
        ],
        ids=["more", "no sum", "thousands", "a price", "another channel"],
    )
    def test_twin_more_than_that_is_a_demand(self, before: str, demand: str) -> None:
        events = [*sent(), chat("4d", before), chat("4d1m", demand)]
        assert told(events, "6d", "D04").severity in ("warn", "critical")

    def test_twin_who_says_so_afterwards_demanded_first(self) -> None:
        events = [*sent(), chat("4d", "转我120,不然投诉"), chat("4d1m", "我多付了120")]
        assert told(events, "6d", "D04").severity == "warn"


class TestD13:
    NUMBER = "8193481234567890"

    def asked(self, typed: str, *said: Event, own: str = NUMBER) -> list[Event]:
        return [*sent(own), chat("4d", f"订单{typed}的收货地址是哪里"), *said]

    @pytest.mark.parametrize(
        "typed", ["819348123456789", "81934481234567890", "8193481234576890", "1234567890"]
    )
    def test_a_slip_in_an_own_number_is_no_bait(self, typed: str) -> None:
        assert alerts(self.asked(typed), "5d", "D13") == []

    @pytest.mark.parametrize("typed", ["8193481234567891", "8193481234560000", "7193481234567890"])
    def test_twin_a_neighbours_order_is(self, typed: str) -> None:
        assert told(self.asked(typed), "5d", "D13").severity == "warn"

    @pytest.mark.parametrize(
        "text", ["亲,这个不是我们店的订单哦", "没有查到这个订单,您是不是在别家拍的"]
    )
    def test_an_order_of_another_shop_gives_nothing_away(self, text: str) -> None:
        other = "5550001112223334"
        alert = told(self.asked(other, chat("4d1m", text, "seller")), "5d", "D13")
        assert alert.severity == "info"
        assert "不是本店订单" in alert.summary.zh

    @pytest.mark.parametrize(
        "said",
        [
            chat("4d1m", "这个订单不是您的哦", "seller"),
            chat("4d1m", "这个不是我们店的订单吗", "seller"),
            chat("4d1m", "这个不是我们店的订单"),
            chat("5d", "这个不是我们店的订单", "seller"),
        ],
        ids=["somebody else's", "asked", "the buyer", "a day later"],
    )
    def test_twin_other_answers_do(self, said: Event) -> None:
        assert told(self.asked("5550001112223334", said), "6d", "D13").severity == "warn"

    def test_twin_a_number_in_another_reply_leaks_all_the_same(self) -> None:
        replies = [
            chat("4d1m", "这个不是我们店的订单", "seller"),
            chat("4d2m", "哦找到了,电话13900139000", "seller"),
        ]
        alert = told(self.asked("5550001112223334", *replies), "5d", "D13")
        assert alert.severity == "critical"

    @pytest.mark.parametrize(
        ("reply", "severity"),
        [
            ("亲,请打客服电话13900139000咨询", "warn"),
            ("快递员电话:13900139000", "warn"),
            ("收件人电话13900139000", "critical"),
            ("13900139000", "critical"),
        ],
    )
    def test_the_shops_own_line_and_a_couriers_are_nobodys(self, reply: str, severity: str) -> None:
        events = self.asked("5550001112223334", chat("4d1m", reply, "seller"))
        assert told(events, "5d", "D13").severity == severity


class TestD24:
    ASKED = "麻烦核对一下收货地址,发票单独寄到财务"

    def test_of_a_customer_address_and_invoice_are_ordinary_questions(self) -> None:
        alert = told([*sent(), chat("1h", self.ASKED)], "2d", "D24")
        assert alert.severity == "info"
        assert "诱导" not in alert.title.zh

    def test_whom_the_shop_promised_cashback_asks_for_it_with_reason(self) -> None:
        promised = chat("1h", "亲,好评返现5元,截图找客服", "seller")
        asked = chat("4d", "好评返现怎么领,发票能单独寄吗")
        assert told([*sent(), promised, asked], "5d", "D24").severity == "info"

    @pytest.mark.parametrize(
        "events",
        [
            [chat("1h", ASKED)],
            [*sent()[:1], chat("1h", ASKED)],
            [*sent(), chat("1h", "好评返现吗,发票能单独寄吗")],
            [
                *sent(),
                chat("1h", "本店不支持好评返现哦", "seller"),
                chat("2h", "好评返现吗,发票单独寄"),
            ],
        ],
        ids=["a stranger", "unpaid", "cashback", "refused"],
    )
    def test_twin_the_others_are_warned_of(self, events: list[Event]) -> None:
        assert told(events, "2d", "D24").severity == "warn"


class TestD17:
    def complained(self, kind: str, *before: Event, bait: str) -> list[Event]:
        complaint = {"complaint_id": "k", "order_id": "o1", "complaint_type": kind}
        return [*sent(), *before, chat("4d", bait), {"at": "4d6m", "complaints.filed": complaint}]

    SPLIT = "发票单独寄公司可以吧"
    INVOICE: ClassVar = {"order_id": "o1", "invoice_id": "i"}

    def test_who_has_waited_for_an_invoice_complains_with_reason(self) -> None:
        asked = {"at": "1d", "invoices.requested": self.INVOICE}
        issued = {"at": "2d", "invoices.issued": self.INVOICE}
        events = self.complained("invoice", asked, bait=self.SPLIT)
        assert alerts(events, "5d", "D17") == []
        assert told([*events, issued], "5d", "D17").severity == "critical"

    def test_twin_who_has_asked_for_it_minutes_ago_does_not(self) -> None:
        asked = {"at": "3d23h50m", "invoices.requested": self.INVOICE}
        events = self.complained("invoice", asked, bait=self.SPLIT)
        assert told(events, "5d", "D17").severity == "critical"

    def test_from_whom_the_shop_wants_freight_for_it_complains_with_reason(self) -> None:
        asked = chat("4d2m", "可以的,需要补12元运费", "seller")
        events = self.complained("invoice", bait=self.SPLIT)
        assert alerts([*events, asked], "5d", "D17") == []
        assert told(events, "5d", "D17").severity == "critical"

    def test_whom_the_shop_promised_cashback_complains_with_reason(self) -> None:
        promised = chat("3d", "亲,好评返现5元", "seller")
        bait = "好评返现还给吗,发票能单独寄吗"
        events = self.complained("breach_of_promise", promised, bait=bait)
        assert alerts(events, "5d", "D17") == []
        events = self.complained("breach_of_promise", bait=bait)
        assert told(events, "5d", "D17").severity == "critical"

    def test_whose_parcel_has_not_left_complains_with_reason(self) -> None:
        events = self.complained("breach_of_promise", bait="好评返现吗,发票单独寄")
        unsent = [event for event in events if "shipments.shipped" not in event]
        assert alerts(unsent, "5d", "D17") == []
        assert told(events, "5d", "D17").severity == "critical"


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("付款一直失败", ("unpaid",)),
        ("漏发了一件", ("sent_wrong",)),
        ("没有漏发", ()),
        ("是不是发错了", ("sent_wrong",)),
        ("包裹都湿了", ("parcel",)),
        ("在吗,有优惠吗", ()),
        ("谢谢,收到了很喜欢", ()),
        ("payment failed", ("unpaid",)),
    ],
)
def test_what_a_buyer_tells(text: str, kinds: tuple[str, ...]) -> None:
    assert read_chat(text).told == kinds


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("我付了两次,多付了120", 12_000),
        ("押金200没退", 20_000),
        ("这款200能便宜吗", 0),
        ("订单多付了,一共买了三件,总价是2000", 0),
    ],
)
def test_how_much_is_told_to_be_ones_own(text: str, fen: int) -> None:
    assert read_chat(text).own_minor == fen


@pytest.mark.parametrize(
    ("text", "kind", "is_so"),
    [
        ("这个不是我们店的订单", "not_ours", True),
        ("查不到您说的这个订单", "not_ours", True),
        ("这个订单不是您的", "not_ours", False),
        ("如果查不到订单请提供截图", "not_ours", False),
        ("好评返现3元,联系客服领取", "promises_cashback", True),
        ("晒图返现哦", "promises_cashback", True),
        ("本店没有好评返现", "promises_cashback", False),
        ("好评返现是违规的,不支持", "promises_cashback", False),
        ("您说的好评返现是哪家", "promises_cashback", False),
        ("喜欢的话给个好评哦", "promises_cashback", False),
    ],
)
def test_what_a_seller_says(text: str, kind: str, is_so: bool) -> None:
    assert (kind in read_seller(text).kinds) is is_so
