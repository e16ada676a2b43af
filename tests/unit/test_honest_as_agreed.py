"""Honest buyers who do as they and the shop had agreed, or who asked the shop in a form and not in the chat.

Each has its twin, with whom nobody had agreed on it.
"""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from schemas.topics import BUYER_TOPICS
from streams.detect.text.seller import read_seller
from tests.buyer_stories import Event, alerts, chat, codes, rotten, sent, told
from tests.example_stories import events_of, ms, seconds
from tests.pipeline import Pipeline


class TestD01:
    """「您先拍下不要付款,我给您改价」: whoever does so waits for the shop, not the shop for the buyer."""

    ASKED = chat("0s", "您先拍下不要付款,我给您改价", "seller")

    def placed(self, *said: Event, orders: int = 1, units: int = 300) -> list[Event]:
        order = {"order_id": "o{n}", "units": units}
        many = {"times": orders, "every": "1m"}
        return [*said, {"at": "5m", "orders.created": order, **many}]

    @pytest.mark.parametrize("at", ["0s", "8m"], ids=["before", "afterwards"])
    def test_what_the_shop_asked_to_place_unpaid_accuses_nobody(self, at: str) -> None:
        alert = told(self.placed(self.ASKED | {"at": at}), "1d", "D01")
        assert (alert.severity, alert.status) == ("info", "open")
        assert "A10_draft_complaint" not in codes(alert)
        assert "A13_draft_police_report" not in codes(alert)
        assert "暂不付款" in alert.summary.zh
        assert alert.title.zh == "卖家约定先拍下的未付款订单"

    def test_nor_is_it_an_act_of_a_campaign(self) -> None:
        calls = {"contacts.attempted": {"order_id": "o1", "answered": False}}
        missed = [{"at": at, **calls} for at in ("40m", "50m")]
        assert alerts([*self.placed(self.ASKED), *missed], "2d", "D25") == []
        assert alerts([*self.placed(), *missed], "2d", "D25") != []

    @pytest.mark.parametrize(
        "said",
        [
            [],
            [ASKED | {"at": "-1d"}],
            [chat("0s", "您先拍下不要付款,我给您改价", "seller", order_id="o9")],
            [chat("0s", "您先拍下不要付款,我给您改价")],
            [chat("0s", "拍下不付款的订单会自动关闭哦", "seller")],
            [chat("0s", "拍下请尽快付款", "seller")],
        ],
        ids=["nothing", "days ago", "of another order", "the buyer", "of others", "to pay"],
    )
    def test_twin_whatever_else_was_said_excuses_no_burst(self, said: list[Event]) -> None:
        alert = told(self.placed(*said), "1d", "D01")
        assert alert.severity == "critical"
        assert "A13_draft_police_report" in codes(alert)

    def test_twin_one_order_that_was_asked_for_excuses_no_others(self) -> None:
        asked = chat("6m", "先别付款,给您改价", "seller", order_id="o1")
        assert told(self.placed(asked, orders=2), "1d", "D01").severity == "critical"

    @pytest.mark.parametrize(("orders", "severity"), [(4, "info"), (5, "critical")])
    def test_twin_a_word_that_names_no_order_excuses_no_burst(
        self, orders: int, severity: str
    ) -> None:
        events = self.placed(self.ASKED, orders=orders)
        assert told(events, "1d", "D01").severity == severity

    def test_each_order_that_was_asked_for_by_name_is_excused(self) -> None:
        asked = [
            chat("8m", "先别付款,给您改价", "seller", order_id=f"o{n}") | {"at": f"{8 + n}m"}
            for n in range(1, 7)
        ]
        assert told(self.placed(*asked, orders=6), "1d", "D01").severity == "info"

    def doubled(self, paid: int) -> list[Event]:
        """Each of ten is clicked twice, and one of two is paid for at once."""
        pays = {"order_id": "o{n}"}
        return [
            *self.placed(orders=10, units=1),
            {"at": "5m30s", "orders.created": {"order_id": "x{n}", "units": 1}}
            | {"times": 10, "every": "1m"},
            {"at": "6m", "payments.succeeded": pays, "times": paid, "every": "1m"},
        ]

    def test_who_paid_for_half_at_once_has_paid_for_half(self) -> None:
        assert "A10_draft_complaint" not in codes(told(self.doubled(10), "1d", "D01"))

    def test_twin_who_paid_for_a_few_of_them_has_not(self) -> None:
        assert "A10_draft_complaint" in codes(told(self.doubled(3), "1d", "D01"))

    def test_twin_what_was_bought_on_another_day_does_not_count(self) -> None:
        others = {"order_id": "y{n}", "units": 1}
        bought = [
            {"at": "-2d", "orders.created": others, "times": 20, "every": "1m"},
            {"at": "-47h", "payments.succeeded": {"order_id": "y{n}"}, "times": 20},
        ]
        events = [*bought, *self.placed(orders=10, units=1)]
        last = max(alerts(events, "1d", "D01"), key=lambda alert: alert.opened_at)
        assert "A10_draft_complaint" in codes(last)


class TestD04:
    """「给您补偿100元」, said the shop, and nothing came."""

    OFFERED = chat("4d", "不好意思亲,给您补偿100元", "seller")
    DEMANDED = chat("4d5h", "说给我的100呢,微信abc123456,不给我投诉")

    @pytest.mark.parametrize("later", ["4d10s", "4d5h", "5d"])
    def test_who_asks_for_what_was_offered_has_a_claim(self, later: str) -> None:
        events = [*sent(), self.OFFERED, self.DEMANDED | {"at": later}]
        assert told(events, "6d", "D04").severity == "info"

    @pytest.mark.parametrize(
        "said",
        [
            chat("4d", "给您补偿50元", "seller"),
            chat("4d6h", "给您补偿100元", "seller"),
            chat("2d", "给您补偿100元", "seller"),
            chat("4d", "给您补偿100元"),
            chat("4d", "不能给您补偿100元哦", "seller"),
            chat("4d", "好评后给您返100元", "seller"),
            chat("4d", "如果有破损给您补偿100元", "seller"),
        ],
        ids=["less", "afterwards", "days ago", "the buyer", "denied", "for reviews", "supposed"],
    )
    def test_twin_more_than_was_offered_is_a_demand(self, said: Event) -> None:
        assert told([*sent(), said, self.DEMANDED], "6d", "D04").severity == "critical"

    def test_twin_an_offer_under_a_threat_excuses_no_threat_before_it(self) -> None:
        first = self.DEMANDED | {"at": "3d23h"}
        events = [*sent(), first, self.OFFERED, self.DEMANDED]
        assert told(events, "6d", "D04").severity == "critical"

    def test_an_offer_that_is_read_late_takes_the_accusation_back(self) -> None:
        late, demand = events_of([self.OFFERED, self.DEMANDED])
        pipeline = Pipeline()
        pipeline.send([demand])
        pipeline.read_to_end(ms(seconds("6d")))
        pipeline.send([late])
        pipeline.read_to_end(ms(seconds("6d")))
        said = [alert.severity for alert in pipeline.alerts if alert.detector == "D04"]
        assert (said[0], said[-1]) == ("critical", "info")

    @pytest.mark.parametrize(
        "told_before",
        ["退货的顺丰费我垫了45", "卡片上写好评返10元,我好评了", "直播间说下单送20的券"],
    )
    def test_a_little_that_is_ones_own_or_was_promised_is_a_claim(self, told_before: str) -> None:
        events = [*sent(), chat("4d", told_before), chat("4d1h", "10转我,不然投诉")]
        assert told(events, "6d", "D04").severity == "info"

    @pytest.mark.parametrize(
        ("before", "demand"),
        [
            ("退货的顺丰费我垫了45", "转我500,不然投诉"),
            ("垫了很多精力", "10转我,不然投诉"),
            ("运费是多少", "10转我,不然投诉"),
        ],
    )
    def test_twin_much_or_out_of_nothing_is_a_demand(self, before: str, demand: str) -> None:
        events = [*sent(), chat("4d", before), chat("4d1h", demand)]
        assert told(events, "6d", "D04").severity == "warn"


class TestD08:
    """A refusal itself says to ask again, and what need not come back is refunded alone."""

    def refused(self, text: str) -> list[Event]:
        events = sent()
        for n, hours in enumerate((0, 3, 6), 1):
            request = {"order_id": "o1", "reason": "damaged", "goods_status": "received"}
            events.append({"at": f"4d{hours}h", "refunds.requested": request | {"attempt_no": n}})
            refusal = {"order_id": "o1", "attempt_no": n, "reason_text": text}
            events.append({"at": f"4d{hours}h30m", "refunds.refused": refusal})
        return events

    @pytest.mark.parametrize(
        "text",
        ["请补充照片凭证后重新申请", "金额不对,请修改金额重新申请", "請上傳外包裝照片後重新提交"],
    )
    def test_who_asks_again_as_the_refusal_says_is_not_at_it_again(self, text: str) -> None:
        assert alerts(self.refused(text), "5d", "D08") == []

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "商品无质量问题",
            "请勿重复申请退款",
            "请重新申请退货退款",
            "请与我们协商一致后重新申请",
            "请联系客服后再申请",
        ],
    )
    def test_twin_any_other_refusal_is_one(self, text: str) -> None:
        assert told(self.refused(text), "5d", "D08").severity == "warn"

    @pytest.mark.parametrize(
        "text",
        [
            "直接给您退款,东西您留着用吧",
            "这个批次产品召回,东西不用寄回,您自行处理",
            "Please keep the item, we will give you a full refund",
        ],
    )
    def test_what_the_shop_lets_keep_counts_for_nothing(self, text: str) -> None:
        assert alerts(rotten(chat("4d2h", text, "seller")), "8d", "D08") == []

    @pytest.mark.parametrize(
        "text",
        ["如有坏果不用寄回", "吊牌留着才能退", "先不用寄", "不用寄回吗", "If broken, keep it"],
    )
    def test_twin_whatever_else_is_said_of_keeping_excuses_nothing(self, text: str) -> None:
        assert told(rotten(chat("4d2h", text, "seller")), "8d", "D08").severity == "warn"


class TestD09:
    """「碎的不用寄了」, wrote the shop, and less came than was sold."""

    SAID = chat("4d", "您把好的两个寄回来就行,碎的不用寄了", "seller")
    FEWER: ClassVar = {"expected_quantity": 3, "received_quantity": 2}
    LIGHTER: ClassVar = {"expected_weight_g": 1000, "received_weight_g": 800}

    def back(self, *said: Event, **numbers: Any) -> list[Event]:
        body = {"order_id": "o1", "result": "mismatch", **numbers}
        return [*sent(units=3), *said, {"at": "9d", "returns.inspected": body}]

    @pytest.mark.parametrize("numbers", [FEWER, LIGHTER, FEWER | LIGHTER])
    def test_less_came_as_the_shop_had_said(self, numbers: dict[str, Any]) -> None:
        assert alerts(self.back(self.SAID, **numbers), "10d", "D09") == []

    @pytest.mark.parametrize(
        ("said", "numbers"),
        [
            (SAID | {"at": "9d1s"}, FEWER),
            (SAID | {"at": "-1s"}, FEWER),
            (chat("4d", "碎的不用寄了", "seller", order_id="o2"), FEWER),
            (chat("4d", "碎的不用寄了吧"), FEWER),
            (SAID, {}),
            (SAID, FEWER | {"expected_sku_id": "cup", "received_sku_id": "brick"}),
            (SAID, {"expected_weight_g": 1000, "received_weight_g": 1800}),
            (SAID, {"expected_weight_g": 1000, "received_weight_g": 499}),
        ],
        ids=[
            "afterwards",
            "before",
            "of another",
            "the buyer",
            "no numbers",
            "sku",
            "heavier",
            "a half",
        ],
    )
    def test_twin_another_thing_or_unagreed_is_a_mismatch(
        self, said: Event, numbers: dict[str, Any]
    ) -> None:
        assert told(self.back(said, **numbers), "10d", "D09").severity == "critical"


class TestD12:
    def refused(self, text: str, how: str, sender: str = "seller") -> list[Event]:
        request = {"order_id": "o1", "refund_only": False, "reason": "no_longer_wanted"}
        return [
            *sent(units=30),
            chat("2d", text, sender),
            {"at": "3d", f"shipments.{how}": {"order_id": "o1"}},
            {"at": "4d", "refunds.requested": request | {"goods_status": "not_received"}},
        ]

    @pytest.mark.parametrize("how", ["refused", "returned_to_sender"])
    @pytest.mark.parametrize(
        "text",
        [
            "那到时候快递来了您不签收就好,退回来我们给您退款",
            "已经帮您拦截了,退回来给您退款",
            "已经发出了,改不了,让快递退回吧",
        ],
    )
    def test_what_the_shop_itself_stopped_is_no_case(self, text: str, how: str) -> None:
        assert alerts(self.refused(text, how), "5d", "D12") == []

    @pytest.mark.parametrize(
        ("text", "sender"),
        [
            ("您为什么不签收,影响我们", "seller"),
            ("已经发出,拦截不了", "seller"),
            ("没有拦截您的包裹", "seller"),
            ("可以帮您拦截,运费您承担", "seller"),
            ("已经帮我拦截了吗", "seller"),
            ("已经让快递退回了", "buyer"),
        ],
    )
    def test_twin_what_was_not_stopped_is(self, text: str, sender: str) -> None:
        assert told(self.refused(text, "refused", sender), "5d", "D12").severity == "warn"


class TestD15:
    """Who asked for a refund or an invoice has asked the shop, though not in the chat."""

    def complained(self, *asked: Event) -> list[Event]:
        complaint = {"complaint_id": "k", "order_id": "o1", "complaint_type": "postage"}
        return [*sent(), *asked, {"at": "5d", "complaints.filed": complaint}]

    REFUND: ClassVar = {"order_id": "o1", "reason": "other", "goods_status": "received"}
    INVOICE: ClassVar = {"order_id": "o1", "invoice_id": "i"}

    @pytest.mark.parametrize("at", ["1d", "5d"])
    @pytest.mark.parametrize(
        "asked", [{"refunds.requested": REFUND}, {"invoices.requested": INVOICE}]
    )
    def test_who_asked_by_form_has_asked(self, asked: Event, at: str) -> None:
        assert alerts(self.complained({"at": at, **asked}), "6d", "D15") == []

    @pytest.mark.parametrize(
        "asked",
        [
            {"at": "5d1s", "refunds.requested": REFUND},
            {"at": "1d", "refunds.requested": REFUND | {"order_id": "o2"}},
            {"at": "1d", "invoices.requested": INVOICE | {"order_id": "o2"}},
            {"at": "1d", "invoices.refused": INVOICE | {"order_id": "o2"}},
        ],
        ids=["afterwards", "of another order", "its invoice", "refused"],
    )
    def test_twin_what_was_asked_of_another_order_or_later_is_no_contact(
        self, asked: Event
    ) -> None:
        assert told(self.complained(asked), "6d", "D15").severity == "warn"

    @pytest.mark.parametrize("topic", ["refunds", "invoices"])
    def test_nobody_is_accused_before_the_forms_are_read(self, topic: str) -> None:
        pipeline = Pipeline()
        pipeline.send(events_of(self.complained()))
        pipeline.read_to_end(ms(seconds("6d")), [t for t in BUYER_TOPICS if t != topic])
        assert not [alert for alert in pipeline.alerts if alert.detector == "D15"]
        pipeline.read_to_end(ms(seconds("6d")))
        assert [alert for alert in pipeline.alerts if alert.detector == "D15"]


class TestD10:
    def claims(self, text: str, reason: str, sender: str = "seller") -> list[Event]:
        claim = {"reason": reason, "goods_status": "not_received"}
        asked = [
            {"at": f"{n + 4}d", "refunds.requested": claim | {"order_id": f"o{n}"}} for n in (1, 2)
        ]
        return [*sent("o1"), *sent("o2"), chat("3d", text, sender), *asked]

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("亲,红色没有了,给您换蓝色可以吗", "stockout"),
            ("Sorry, this item is out of stock, please cancel the order", "stockout"),
            ("We do not have it in stock any more", "stockout"),
            ("亲,大雪封路,快递停运了", "late_shipment"),
            ("快递爆仓了,这几天会慢一些", "late_shipment"),
            ("单号是先打出来的,货这两天陆续发", "late_shipment"),
            ("Sorry, we have not shipped your order yet", "late_shipment"),
            ("The courier lost your parcel, sorry", "stockout"),
        ],
    )
    def test_who_was_told_so_in_other_words_claims_it_with_reason(
        self, text: str, reason: str
    ) -> None:
        assert alerts(self.claims(text, reason), "8d", "D10") == []

    @pytest.mark.parametrize(
        ("text", "sender"),
        [
            ("红色没有了吗", "seller"),
            ("快递停运的话会提前通知您", "seller"),
            ("快递没有停运", "seller"),
            ("It is not out of stock", "seller"),
            ("If it is out of stock we will tell you", "seller"),
            ("We have not sent the wrong item", "seller"),
            ("The courier has not lost your parcel", "seller"),
            ("快递停运了", "buyer"),
        ],
    )
    def test_twin_who_was_not_told_so_does_not(self, text: str, sender: str) -> None:
        assert told(self.claims(text, "stockout", sender), "8d", "D10").severity == "warn"


@pytest.mark.parametrize(
    ("text", "is_so"),
    [
        ("亲,您先拍下先不付款,等我给您改价", True),
        ("您先拍,我给您改邮费", True),
        ("親,先拍下不要付款,我幫您改價", True),
        ("好的,对公付款收到后给您改成已付款", True),
        ("不支持对公转账哦", False),
        ("您是对公转账吗", False),
        ("拍下不付款的订单会自动关闭", False),
        ("恶意拍下不付款会被举报", False),
        ("拍下先不要付款吗", False),
        ("要是拍下先不付款就帮您改价", False),
    ],
)
def test_placing_without_paying_is_asked_for(text: str, is_so: bool) -> None:
    assert ("wants_placed" in read_seller(text).kinds) is is_so


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("亲您别生气,我给您转20", 2000),
        ("差价50转给您", 5000),
        ("補償您100元可以嗎", 10_000),
        ("退款50元已到账", 0),
        ("这款50元包邮", 0),
        ("补偿您50元吗", 0),
        ("没办法给您退50", 0),
        ("好评返您5元", 0),
    ],
)
def test_money_is_offered(text: str, fen: int) -> None:
    assert read_seller(text).offered_minor == fen


@pytest.mark.parametrize(
    ("text", "is_so"),
    [
        ("赠品您留着不用退回", True),
        ("There is no need to return the old one", True),
        ("不用退款哦", False),
        ("包装盒您留着吧", False),
        ("坏果不用寄回", False),
    ],
)
def test_what_need_not_come_back(text: str, is_so: bool) -> None:
    assert ("spares_return" in read_seller(text).kinds) is is_so
