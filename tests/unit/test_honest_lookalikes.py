"""Honest buyers who look like attackers: what tells them apart, and what is said once a case is over.

Each has its twin, so that nothing is passed that the sellers' documents complain of.
"""

from __future__ import annotations

from typing import Any

import pytest

from schemas.alerts import Alert
from schemas.topics import BUYER_TOPICS
from tests.buyer_stories import Event, alerts, chat, codes, sent, told
from tests.example_stories import events_of, ms, seconds
from tests.pipeline import Pipeline


def refunds_of(orders: int, reason: str, reason_text: str) -> list[Event]:
    """An order each day, and refund-only asked for each of them."""
    events: list[Event] = []
    for n in range(1, orders + 1):
        request = {"order_id": f"o{n}", "reason": reason, "reason_text": reason_text}
        request["goods_status"] = "received"
        events += sent(f"o{n}")
        events.append({"at": f"{n + 2}d", "refunds.requested": request})
    return events


class TestD04:
    """People chat in short messages: the reason of a claim stands in another one than the claim."""

    HOLE = "衣服洗一次就破了个洞"
    CLAIM = "补偿我30元,不然差评"

    def reviewed(self, *messages: Event) -> list[Event]:
        review = {"review_id": "v", "order_id": "o1", "rating": "bad", "mutual_rated": True}
        return [*sent(), *messages, {"at": "6d", "reviews.posted": review | {"text": "差"}}]

    @pytest.mark.parametrize("later", ["4d10s", "4d5h", "5d"])
    @pytest.mark.parametrize(
        "reason",
        ["衣服洗一次就破了个洞", "是不是少发了一件", "快递说包装破损了", "按消法可以三倍赔偿的吧"],
    )
    def test_compensation_after_its_reason_is_a_claim(self, reason: str, later: str) -> None:
        events = self.reviewed(chat("4d", reason), chat(later, self.CLAIM))
        (alert,) = alerts(events, "7d", "D04", "D20")
        assert (alert.detector, alert.severity) == ("D04", "info")
        assert "A10_draft_complaint" not in codes(alert)

    @pytest.mark.parametrize(
        ("first", "demand"),
        [
            (HOLE, "转我500,不然投诉"),
            (HOLE, "给我1000块私了,不然差评"),
            (HOLE, "泄露我信息,赔我2000解决"),
            ("质量怎么样,会不会掉色", CLAIM),
            ("没有破", CLAIM),
            ("什么时候发货", CLAIM),
        ],
    )
    def test_twin_other_money_and_compensation_for_nothing_are_demands(
        self, first: str, demand: str
    ) -> None:
        events = self.reviewed(chat("4d", first), chat("4d10s", demand))
        assert [(a.detector, a.severity) for a in alerts(events, "7d", "D04", "D20")] == [
            ("D04", "warn"),
            ("D20", "critical"),
        ]

    def test_twin_a_reason_that_comes_afterwards_or_is_forgotten_excuses_nothing(self) -> None:
        events = self.reviewed(
            chat("1d", self.HOLE), chat("4d", self.CLAIM), chat("4d1m", self.HOLE)
        )
        assert told(events, "7d", "D04").severity == "warn"

    def test_a_reason_that_is_read_late_takes_the_accusation_back(self) -> None:
        late, *events = events_of(
            self.reviewed(chat("4d", self.HOLE), chat("4d10s", self.CLAIM))[3:]
        )
        pipeline = Pipeline()
        pipeline.send(events)
        pipeline.read_to_end(ms(seconds("7d")))
        assert {(a.detector, a.severity, a.status) for a in pipeline.alerts} == {
            ("D04", "warn", "open"),
            ("D20", "critical", "open"),
        }
        before = len(pipeline.alerts)
        pipeline.send([late])
        pipeline.read_to_end(ms(seconds("7d")))
        assert {(a.detector, a.severity, a.status) for a in pipeline.alerts[before:]} == {
            ("D04", "info", "open"),
            ("D20", "critical", "retracted"),
        }


class TestD01:
    """Two hundred typed for two: seen, for stock was held, but no matter for a complaint or the police."""

    def slip(self, until: str, by: str = "buyer", units: int = 200) -> list[Event]:
        return [
            {"at": "1m", "orders.created": {"order_id": "o1", "units": units}},
            {"at": until, "orders.closed": {"order_id": "o1", "closed_by": by}},
            {"at": "2m", "orders.created": {"order_id": "o2", "units": 2}},
            {"at": "130s", "payments.succeeded": {"order_id": "o2"}},
        ]

    @pytest.mark.parametrize("until", ["110s", "31m"])
    def test_who_takes_it_back_within_the_window_is_complained_of_to_nobody(
        self, until: str
    ) -> None:
        alert = told(self.slip(until), "1d", "D01")
        assert (alert.severity, alert.title.zh) == ("critical", "多笔订单未付款")
        assert codes(alert) == ["A2_deduct_on_payment", "A3_relist"]

    @pytest.mark.parametrize(("until", "by"), [("32m", "buyer"), ("110s", "system")])
    def test_twin_whoever_leaves_it_to_others_or_to_later_is(self, until: str, by: str) -> None:
        wanted = {"A10_draft_complaint", "A13_draft_police_report"}
        assert wanted <= set(codes(told(self.slip(until, by), "1d", "D01")))

    def test_twin_who_does_it_again_and_again_is(self) -> None:
        later = [
            {"at": "1h", "orders.created": {"order_id": "o3", "units": 200}},
            {"at": "1h4m", "orders.closed": {"order_id": "o3", "closed_by": "buyer"}},
        ]
        alert = told([*self.slip("5m"), *later], "1d", "D01")
        assert "A10_draft_complaint" in codes(alert)

    def test_and_it_is_no_act_of_a_campaign(self) -> None:
        calls = {"contacts.attempted": {"order_id": "o1", "answered": False}}
        missed = [{"at": at, **calls} for at in ("10m", "20m")]
        assert alerts([*self.slip("5m"), *missed], "1d", "D25") == []
        assert told([*self.slip("5h"), *missed], "1d", "D25").severity == "critical"


class TestD08:
    @pytest.mark.parametrize(
        "text", ["价保", "双11降价,退差价", "價格保護", "多付了,退运费", "Price protection"]
    )
    def test_price_protection_is_a_part_of_the_price_and_no_refund_only(self, text: str) -> None:
        assert alerts(refunds_of(4, "other", text), "9d", "D08") == []

    @pytest.mark.parametrize(
        "text",
        [
            *(
                "部分退款",
                "退部分",
                "协商退一部分",
                "退一半就行",
                "退部份款",
                "坏果包赔",
                "坏单包赔",
            ),
            *("壞果包賠", "烂果赔", "按坏果比例赔付", "补差", "退差", "补退差款", "退回多付的钱"),
            *("退还运费", "退快递费", "運費退回", "多收了邮费", "優惠沒用上,退優惠"),
            *("赠品没发", "退安装费", "师傅没来,退上门费", "退稅費", "贈品沒收到"),
            *("Partial refund", "I would like a part of the price back", "refund part of it"),
            *("refund the difference", "Refund of the shipping fee", "postage was charged twice"),
        ],
    )
    def test_a_part_of_the_price_in_the_words_of_buyers(self, text: str) -> None:
        assert alerts(refunds_of(4, "other", text), "9d", "D08") == []

    @pytest.mark.parametrize(
        ("reason", "text"), [("other", "不想退货"), ("quality", "价保"), ("other", "")]
    )
    def test_twin_whatever_else_is_asked_for_counts(self, reason: str, text: str) -> None:
        assert told(refunds_of(4, reason, text), "9d", "D08").severity == "warn"


class TestReached:
    """Who does not take a call at work but writes in the chat is no buyer who cannot be reached."""

    CALLS: tuple[Event, ...] = tuple(
        {"at": at, "contacts.attempted": {"order_id": "o1", "answered": False}}
        for at in ("4d1h", "4d2h")
    )
    WROTE = chat("4d3h", "在上班不方便接电话,旺旺说吧")

    def refused_twice(self) -> list[Event]:
        events = sent()
        for n, at in enumerate(("4d", "4d4h", "4d8h"), 1):
            request = {"order_id": "o1", "reason": "damaged", "goods_status": "received"}
            events.append({"at": at, "refunds.requested": request | {"attempt_no": n}})
            events.append(
                {"at": f"{at}30m", "refunds.refused": {"order_id": "o1", "attempt_no": n}}
            )
        return events

    def doubted(self) -> list[Event]:
        placed = {"order_id": "o1", "units": 1, "receiver": {"detail": "asdf", "state": "浙江省"}}
        return [{"at": "4d", "orders.created": placed}]

    def burst(self) -> list[Event]:
        orders = {"order_id": "o{n}", "units": 1}
        return [{"at": "4d", "orders.created": orders, "times": 10, "every": "1m"}]

    @pytest.mark.parametrize(
        ("story", "detector", "wanted"),
        [("refused_twice", "D08", ["warn"]), ("doubted", "D05", ["warn"]), ("burst", "D25", [])],
    )
    def test_a_call_in_vain_is_none_of_who_writes(
        self, story: str, detector: str, wanted: list[str]
    ) -> None:
        events = [*getattr(self, story)(), *self.CALLS]
        assert [a.severity for a in alerts(events, "5d", detector)] == ["critical"]
        assert [a.severity for a in alerts([*events, self.WROTE], "5d", detector)] == wanted

    @pytest.mark.parametrize("story", ["refused_twice", "doubted", "burst"])
    def test_twin_the_shop_writing_reaches_nobody(self, story: str) -> None:
        own = {"at": "4d3h", "chats.message": {"sender": "seller", "text": "亲,在吗"}}
        events = [*getattr(self, story)(), *self.CALLS, own]
        detector = {"refused_twice": "D08", "doubted": "D05", "burst": "D25"}[story]
        assert told(events, "5d", detector).severity == "critical"

    def test_that_nobody_wrote_is_concluded_when_chats_are_read(self) -> None:
        pipeline = Pipeline()
        pipeline.send(events_of([*self.refused_twice(), *self.CALLS]))
        read = [topic for topic in BUYER_TOPICS if topic != "chats"]
        pipeline.read_to_end(ms(seconds("5d")), read)
        assert "critical" not in {a.severity for a in pipeline.alerts}
        pipeline.read_to_end(ms(seconds("5d")))
        assert "critical" in {a.severity for a in pipeline.alerts}


def back(at: str, parcel: str, **numbers: Any) -> Event:
    body = {"order_id": "o1", "return_id": parcel, "result": "mismatch", **numbers}
    return {"at": at, "returns.inspected": body}


TWO = {"expected_quantity": 2, "received_quantity": 1}
OTHER = {"expected_sku_id": "red", "received_sku_id": "blue"}
HALF = {"expected_weight_g": 1000, "received_weight_g": 500}


class TestD09:
    def asked(self, reason: str, text: str) -> Event:
        request = {"order_id": "o1", "reason": reason, "reason_text": text, "refund_only": False}
        return {"at": "4d", "refunds.requested": request | {"goods_status": "received"}}

    @pytest.mark.parametrize("numbers", [TWO, OTHER])
    @pytest.mark.parametrize(
        "text", ["发错颜色了", "少发一件", "两件少了1件", "漏发", "Wrong colour"]
    )
    def test_platforms_without_a_reason_for_it_have_it_in_words(
        self, text: str, numbers: dict[str, Any]
    ) -> None:
        events = [*sent(), self.asked("other", text), back("9d", "r1", **numbers)]
        assert alerts(events, "10d", "D09") == []

    @pytest.mark.parametrize(
        ("reason", "text"),
        [("seven_day_no_reason", "发错颜色了"), ("other", "不想要了"), ("other", "少买了一件")],
    )
    def test_twin_other_words_excuse_nothing(self, reason: str, text: str) -> None:
        events = [*sent(), self.asked(reason, text), back("9d", "r1", **OTHER)]
        assert told(events, "10d", "D09").severity == "critical"

    @pytest.mark.parametrize("numbers", [TWO, HALF, TWO | HALF])
    def test_what_comes_back_in_two_parcels_is_counted_together(
        self, numbers: dict[str, Any]
    ) -> None:
        first, second = back("9d", "r1", **numbers), back("10d", "r2", **numbers)
        assert told([*sent(units=2), first], "11d", "D09").severity == "critical"
        assert alerts([*sent(units=2), first, second], "11d", "D09") == []

    def test_what_was_sent_in_exchange_is_not_what_the_order_says(self) -> None:
        first = {"order_id": "o1", "return_id": "r1", "result": "match"}
        exchanged = [
            {"at": "8d", "returns.inspected": first},
            {"at": "9d", "shipments.shipped": {"order_id": "o1"}},
        ]
        second = back("15d", "r2", **OTHER)
        assert alerts([*sent(), *exchanged, second], "16d", "D09") == []
        assert told([*sent(), exchanged[0], second], "16d", "D09").severity == "critical"
        fewer = back("15d", "r2", **OTHER, **TWO, expected_weight_g=9)
        assert told([*sent(), *exchanged, fewer], "16d", "D09").severity == "critical"


def claims(orders: int) -> list[Event]:
    """Parcels that left in time, and refunds asked for lateness once they were stuck."""
    events: list[Event] = []
    for n in range(1, orders + 1):
        request = {"order_id": f"o{n}", "reason": "late_shipment", "goods_status": "not_received"}
        events += sent(f"o{n}")
        events.append({"at": f"{n + 7}d", "refunds.requested": request})
    return events


def agreed(orders: int) -> list[Event]:
    return [
        {"at": f"{n + 7}d2h", "refunds.agreed": {"order_id": f"o{n}"}} for n in range(1, orders + 1)
    ]


class TestD10:
    @pytest.mark.parametrize(
        ("text", "is_told"),
        [
            ("不好意思亲没货了,麻烦申请退款选缺货", True),
            ("仓库断货,发不出来", True),
            ("退款理由请选未按约定时间发货", True),
            ("亲,没有缺货哦,已经在路上了", False),
            ("您是说缺货吗", False),
            ("如果缺货会提前联系您", False),
            ("亲,货已发出", False),
        ],
    )
    def test_who_was_told_that_there_is_none_claims_it_with_reason(
        self, text: str, is_told: bool
    ) -> None:
        """The shop clicked 发货 all the same."""
        said = {"at": "6d", "chats.message": {"sender": "seller", "text": text}}
        assert (alerts([*claims(2), said], "12d", "D10") == []) is is_told

    @pytest.mark.parametrize(
        ("at", "sender"), [("11d", "seller"), ("-1d", "seller"), ("6d", "buyer")]
    )
    def test_twin_what_was_said_afterwards_of_others_or_by_the_buyer_excuses_nothing(
        self, at: str, sender: str
    ) -> None:
        said = {"at": at, "chats.message": {"sender": sender, "text": "没货了"}}
        assert told([*claims(2), said], "12d", "D10").severity == "warn"

    @pytest.mark.parametrize(
        ("how", "at", "is_excused"),
        [
            ("returned_to_sender", "8d", True),
            ("returned_to_sender", "10d", False),
            ("refused", "6d", False),
        ],
    )
    def test_what_the_carrier_brought_back_is_claimed_in_the_words_that_there_are(
        self, how: str, at: str, is_excused: bool
    ) -> None:
        back = {"at": at, f"shipments.{how}": {"order_id": "o1"}}
        assert (alerts([*claims(2), back], "12d", "D10") == []) is is_excused

    def test_what_the_seller_said_is_read_before_anybody_is_accused(self) -> None:
        pipeline = Pipeline()
        pipeline.send(events_of(sorted(claims(2), key=lambda e: seconds(e["at"]))))
        read = [topic for topic in BUYER_TOPICS if topic != "chats"]
        pipeline.read_to_end(ms(seconds("12d")), read)
        assert not [a for a in pipeline.alerts if a.detector == "D10"]
        pipeline.read_to_end(ms(seconds("12d")))
        assert [a for a in pipeline.alerts if a.detector == "D10"]

    def test_nobody_complains_about_claims_that_were_all_agreed_to(self) -> None:
        alert = told(claims(2) + agreed(2), "12d", "D10")
        assert (alert.severity, codes(alert)) == ("warn", ["A6_evidence_pack", "A4_remind"])
        assert alert.summary.zh.endswith(";均已同意退款。")
        assert alert.summary.en.endswith("; all refunds were agreed to.")

    def test_twin_one_that_was_not_is_contested(self) -> None:
        alert = told(claims(2) + agreed(1), "12d", "D10")
        assert "A10_draft_complaint" in codes(alert)
        assert "同意" not in alert.summary.zh

    def test_twin_who_complained_as_well_is_answered(self) -> None:
        complaint = {"complaint_id": "k", "order_id": "o1", "complaint_type": "late_shipment"}
        events = [*claims(2), *agreed(2), {"at": "11d", "complaints.filed": complaint}]
        assert "A10_draft_complaint" in codes(told(events, "12d", "D10"))


class TestD25:
    """Fruit that rots in the heat, and parcels that got stuck, are no campaign once the shop agreed."""

    def events(self) -> list[Event]:
        rotten = [
            e | {"at": f"{seconds(e['at']) + 20 * 86_400:.0f}s"}
            for e in refunds_of(3, "quality", "天热全烂了")
        ]
        for event in rotten:
            (body,) = (value for key, value in event.items() if key != "at")
            body["order_id"] = f"f{body['order_id']}"
        return [*claims(2), *rotten]

    def granted(self, *orders: str) -> list[Event]:
        return [{"at": "28d", "refunds.agreed": {"order_id": order}} for order in orders]

    @pytest.mark.parametrize(
        "orders", [("o1", "o2"), ("fo1", "fo2", "fo3"), ("o1", "o2", "fo1", "fo2", "fo3")]
    )
    def test_claims_that_were_all_granted_are_no_act(self, orders: tuple[str, ...]) -> None:
        events = [*self.events(), *self.granted(*orders)]
        assert alerts(events, "29d", "D25") == []

    @pytest.mark.parametrize("orders", [(), ("o1", "fo1", "fo2")])
    def test_twin_those_that_were_not_are(self, orders: tuple[str, ...]) -> None:
        assert told([*self.events(), *self.granted(*orders)], "29d", "D25").severity == "critical"

    def test_a_grant_that_is_read_late_takes_it_back(self) -> None:
        pipeline = Pipeline()
        pipeline.send(events_of(sorted(self.events(), key=lambda e: seconds(e["at"]))))
        pipeline.read_to_end(ms(seconds("29d")))
        late = events_of(self.granted("o1", "o2"))
        pipeline.send((topic, e | {"event_id": f"late-{e['event_id']}"}) for topic, e in late)
        pipeline.read_to_end(ms(seconds("29d")))
        said = [a.status for a in pipeline.alerts if a.detector == "D25"]
        assert (said[0], said[-1]) == ("open", "retracted")


def parcel(order: str, at: str, how: str) -> Event:
    return {"at": at, f"shipments.{how}": {"order_id": order}}


def request(order: str, at: str, goods_status: str, reason: str = "no_longer_wanted") -> Event:
    asked = {"order_id": order, "refund_only": False, "reason": reason}
    return {"at": at, "refunds.requested": asked | {"goods_status": goods_status}}


class TestD12:
    @pytest.mark.parametrize(
        ("goods_status", "severities"),
        [("received", []), ("not_received", ["warn"]), ("returned", ["warn"])],
    )
    def test_who_has_the_goods_refused_nothing_in_the_end(
        self, goods_status: str, severities: list[str]
    ) -> None:
        events = [
            *sent(units=30),
            parcel("o1", "3d", "refused"),
            request("o1", "9d", goods_status, "seven_day_no_reason"),
        ]
        assert [alert.severity for alert in alerts(events, "10d", "D12")] == severities

    @pytest.mark.parametrize(
        ("how", "severity"), [("returned_to_sender", "info"), ("refused", "warn")]
    )
    def test_a_parcel_that_only_came_back_is_no_refusal_before(
        self, how: str, severity: str
    ) -> None:
        events = [
            *sent("o1"),
            *sent("o2"),
            parcel("o1", "4d", how),
            request("o1", "5d", "not_received", "not_received"),
            parcel("o2", "8d", "refused"),
            request("o2", "9d", "not_received"),
        ]
        last = max(alerts(events, "10d", "D12"), key=lambda alert: alert.opened_at)
        assert last.severity == severity
        assert ("此前另有1单拒签" in last.summary.zh) is (severity == "warn")
        assert ("A10_draft_complaint" in codes(last)) is (severity == "warn")


class TestD14:
    def test_of_an_invoice_that_was_issued_nobody_is_told_to_agree_to_it(self) -> None:
        refused = [*sent(), {"at": "1d", "invoices.refused": {"order_id": "o1", "invoice_id": "i"}}]
        alert = told(refused, "2d", "D14")
        assert "请勿拒绝发票" in alert.summary.zh
        assert codes(alert) == ["A7_draft_message", "A11_warn_agent"]
        issued = {"at": "1d3h", "invoices.issued": {"order_id": "o1", "invoice_id": "i"}}
        alert = told([*refused, issued], "2d", "D14")
        assert alert.summary.zh == "订单o1的发票曾被拒绝,现已开具。"
        assert alert.summary.en == "The invoice of order o1 was refused at first, and was issued."
        assert codes(alert) == ["A11_warn_agent"]
        assert alert.reason is not None
        assert alert.reason.zh == "发票已开具"


def draft_of(alert: Alert) -> str:
    return next(a.draft or "" for a in alert.suggested_actions if a.code == "A10_draft_complaint")


class TestD15:
    @pytest.mark.parametrize(
        ("kind", "is_freight"), [("postage", True), ("breach_of_promise", False)]
    )
    def test_only_what_was_complained_of_is_filed(self, kind: str, is_freight: bool) -> None:
        complaint = {"complaint_id": "k", "order_id": "o1", "complaint_type": kind}
        events = [*sent(), {"at": "5d", "complaints.filed": complaint}]
        assert ("费" in draft_of(told(events, "6d", "D15"))) is is_freight


def asked_and_complained(answer: str) -> list[Event]:
    complaint = {"complaint_id": "k", "order_id": "o1", "complaint_type": "invoice"}
    return [
        *sent(),
        {"at": "2d", "chats.message": {"sender": "buyer", "text": "发票能寄到公司吗?"}},
        {"at": "2d2m", "chats.message": {"sender": "seller", "text": answer}},
        {"at": "2d6m", "complaints.filed": complaint},
    ]


class TestD17:
    @pytest.mark.parametrize(
        "refusal", ["亲,本店暂不支持开具发票哦", "不好意思,发票不能另外寄", "开票加6个点"]
    )
    def test_who_was_refused_an_invoice_complains_with_reason(self, refusal: str) -> None:
        assert alerts(asked_and_complained(refusal), "3d", "D17") == []

    @pytest.mark.parametrize(
        ("text", "is_bait"),
        [
            ("发票单独寄公司的,怎么还没到?", False),
            ("发票寄到公司没收到,抬头也错了", False),
            ("发票单独寄公司可以吗", True),
            ("发票单独寄公司,没收到就投诉你", True),
        ],
    )
    def test_who_still_waits_for_an_invoice_baits_nobody(self, text: str, is_bait: bool) -> None:
        asked, *later = asked_and_complained("可以的亲")[3:]
        events = [*sent(), chat(asked["at"], text), *later]
        assert (alerts(events, "3d", "D17") != []) is is_bait

    def test_twin_and_what_is_over_need_not_be_answered(self) -> None:
        events = asked_and_complained("可以的亲")
        alert = told(events, "3d", "D17")
        assert alert.summary.zh.endswith("请保留聊天记录并按流程申诉。")
        ruled = {"complaint_id": "k", "complaint_type": "invoice", "ruling": "rejected"}
        alert = told([*events, {"at": "4d", "complaints.ruled": ruled}], "5d", "D17")
        assert alert.status == "resolved"
        assert alert.summary.zh.endswith("投诉不成立或已撤诉,请保留聊天记录。")
        assert alert.summary.en.endswith("It was rejected or withdrawn: keep the chat.")


class TestD18:
    AD = "返利网加微信abc12345领返利"

    def review(self, at: str, how: str, text: str) -> Event:
        review = {"review_id": "v", "order_id": "o1", "rating": "bad", "text": text}
        return {"at": at, f"reviews.{how}": review | {"mutual_rated": True}}

    def test_what_was_changed_cannot_be_reported_any_more(self) -> None:
        posted = self.review("5d", "posted", self.AD)
        assert "可举报" in told([*sent(), posted], "6d", "D18").summary.zh
        changed = self.review("8d", "changed", "一般")
        alert = told([*sent(), posted, changed], "9d", "D18")
        assert alert.summary.zh == "评价曾含返利网站广告,现已修改或删除。"
        assert (
            alert.summary.en == "The review advertised a cashback site. It was changed or is gone."
        )

    def test_nor_what_is_too_old(self) -> None:
        alert = told([*sent(), self.review("5d", "posted", self.AD)], "36d", "D18")
        assert alert.status == "expired"
        assert alert.summary.zh == "评价含返利网站广告,已过举报期限。"


class TestOneParcel:
    """Platforms split a basket into orders, shops pack them together: one parcel is asked about once."""

    CASES = (
        pytest.param("D08", "not_received", False, 3, id="lost"),
        pytest.param("D09", "quality", True, 5, id="bad"),
        pytest.param("D10", "late_shipment", False, 2, id="stuck"),
    )

    def basket(self, reason: str, is_here: bool, parcels: list[str | None]) -> list[Event]:
        """As many orders as parcels; of each order the same is said on the fourth day."""
        events: list[Event] = []
        status = "received" if is_here else "not_received"
        for n, parcel in enumerate(parcels, 1):
            number = {} if parcel is None else {"tracking_no": parcel}
            placed, paid, shipped = sent(f"o{n}")
            placed["orders.created"] |= {"ship_by": "2d"}
            shipped["shipments.shipped"] |= number
            request = {"order_id": f"o{n}", "reason": reason, "goods_status": status}
            request |= {"refund_only": not is_here}
            events += [placed, paid, shipped, {"at": f"4d{n}m", "refunds.requested": request}]
        return events

    @pytest.mark.parametrize(("detector", "reason", "is_here", "orders"), CASES)
    def test_its_orders_are_counted_once(
        self, detector: str, reason: str, is_here: bool, orders: int
    ) -> None:
        events = self.basket(reason, is_here, ["SF1"] * 3 * orders)
        assert not alerts(events, "6d", detector)

    @pytest.mark.parametrize("parcels", [(None,), ("SF1", "SF2", "SF3", "SF4", "SF5")])
    @pytest.mark.parametrize(("detector", "reason", "is_here", "orders"), CASES)
    def test_each_parcel_is_counted(
        self,
        detector: str,
        reason: str,
        is_here: bool,
        orders: int,
        parcels: tuple[str | None, ...],
    ) -> None:
        events = self.basket(reason, is_here, [*parcels * orders][:orders])
        assert alerts(events, "6d", detector)

    @pytest.mark.parametrize(("detector", "reason", "is_here", "orders"), CASES)
    def test_what_is_compared_is_what_is_counted(
        self, detector: str, reason: str, is_here: bool, orders: int
    ) -> None:
        one_basket = ["SF1"] * 4
        apart = [f"SF{n}" for n in range(2, orders + 1)]
        alert = told(self.basket(reason, is_here, [*one_basket, *apart]), "6d", detector)
        assert alert.severity == "warn"
        compared = {t.name: t.value for t in alert.evidence.thresholds}
        name = {"D08": "refund_only_orders", "D09": "abnormal_refund_orders", "D10": "claims"}
        assert compared[name[detector]] == orders
        # Every order is evidence all the same.
        assert len(alert.evidence.facts) == orders + 3
