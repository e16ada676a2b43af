"""Honest buyers who look like attackers, and for whom the word of somebody else speaks.

The shop's own in the chat, the platform's, that of another parcel; or whose past is not known any more.
Each has its twin, of whom nobody said so.
"""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from schemas.alerts import Alert
from schemas.topics import BUYER_TOPICS
from tests.buyer_stories import Event, alerts, chat, codes, rotten, sent, told
from tests.example_stories import events_of, ms, seconds
from tests.pipeline import Pipeline


def unread(events: list[Event], topic: str, until: str) -> list[Alert]:
    """What is said while one topic is not read."""
    pipeline = Pipeline()
    pipeline.send(events_of(sorted(events, key=lambda e: seconds(e["at"]))))
    pipeline.read_to_end(ms(seconds(until)), [t for t in BUYER_TOPICS if t != topic])
    return pipeline.alerts


def one_by_one(events: list[Event], detector: str) -> Alert:
    """The last thing that is said where each event is read before the next one comes."""
    pipeline = Pipeline(lateness_ms=0)
    for event in events_of(sorted(events, key=lambda e: seconds(e["at"]))):
        pipeline.send([event])
        pipeline.read_to_newest()
    *_, last = [alert for alert in pipeline.alerts if alert.detector == detector]
    return last


class TestD13:
    """Who asks about an order of two months ago quotes its number, and no fact of it is kept."""

    ORDER = "8193481234567890"
    ASKED = chat("60d", f"订单{ORDER}的地址是哪里,帮我核对一下")
    REPLIED = chat("60d1m", "您留的电话是13900139000", "seller")

    @pytest.mark.parametrize(("reply", "severity"), [([], "info"), ([REPLIED], "warn")])
    def test_of_whom_older_orders_are_not_kept_nobody_says_that_it_is_not_the_own(
        self, reply: list[Event], severity: str
    ) -> None:
        events = [
            *sent(self.ORDER),
            {"at": "50d", "orders.created": {"order_id": "o2", "units": 1}},
        ]
        alert = one_by_one([*events, self.ASKED, *reply], "D13")
        assert alert.severity == severity
        assert "更早的订单已不保存" in alert.summary.zh
        assert ("未见属于该账号的号码" in alert.summary.zh) is bool(reply)

    def test_and_nobody_is_accused_later_when_more_is_let_go(self) -> None:
        later = [
            {"at": f"{day}d", "orders.created": {"order_id": f"o{day}", "units": 1}}
            for day in (50, 62, 66)
        ]
        assert one_by_one([*sent(self.ORDER), *later, self.ASKED], "D13").severity == "info"

    @pytest.mark.parametrize(("reply", "severity"), [([], "warn"), ([REPLIED], "critical")])
    def test_twin_an_account_whose_past_is_known_asks_about_somebody_elses(
        self, reply: list[Event], severity: str
    ) -> None:
        known = [{"at": "30d", "orders.created": {"order_id": "o2", "units": 1}}]
        assert one_by_one([*known, self.ASKED, *reply], "D13").severity == severity

    def test_twin_a_flood_of_messages_makes_no_past(self) -> None:
        flood = [chat(f"{59 * 86_400 + n}s", "加我微信abc12345") for n in range(1010)]
        assert one_by_one([*flood, self.ASKED], "D13").severity == "warn"


def back(at: str, order: str, expected: str, received: str, **numbers: Any) -> Event:
    skus = {"expected_sku_id": expected, "received_sku_id": received}
    return {
        "at": at,
        "returns.inspected": {"order_id": order, "result": "mismatch", **skus, **numbers},
    }


class TestD09:
    OWNED_UP = "不好意思,仓库发错颜色了,您退回来我们出运费"

    def mismatch(self, *said: Event) -> list[Event]:
        return [
            *sent(),
            *said,
            back("9d", "o1", "red", "blue", received_weight_g=1, expected_weight_g=9),
        ]

    @pytest.mark.parametrize(
        "text",
        [
            OWNED_UP,
            "您寄回来的那件是我们发错的",
            "少发了一件,给您补发",
            "Sorry, we sent the wrong size",
        ],
    )
    @pytest.mark.parametrize("about", [{}, {"order_id": "o1"}])
    def test_the_shop_had_owned_up_to_it_in_the_chat(
        self, text: str, about: dict[str, str]
    ) -> None:
        events = self.mismatch(chat("4d", text, "seller", **about))
        assert alerts(events, "10d", "D09") == []

    @pytest.mark.parametrize(
        "said",
        [
            chat("9d1s", OWNED_UP, "seller"),
            chat("-1s", OWNED_UP, "seller"),
            chat("4d", OWNED_UP, "seller", order_id="o2"),
            chat("4d", "您寄错了,退回来的不是我们家的", "seller"),
            chat("4d", "请问是发错了吗", "seller"),
        ],
        ids=["afterwards", "before the order", "of another order", "denied", "asked"],
    )
    def test_twin_whatever_else_was_said_excuses_nothing(self, said: Event) -> None:
        assert told(self.mismatch(said), "10d", "D09").severity == "critical"

    def test_twin_the_buyers_own_word_does_not_silence_it(self) -> None:
        assert told(self.mismatch(chat("4d", self.OWNED_UP)), "10d", "D09").severity == "warn"

    def test_nobody_is_accused_before_the_chat_is_read(self) -> None:
        events = self.mismatch()
        assert not [a for a in unread(events, "chats", "10d") if a.detector == "D09"]

    def swapped(self, **second: Any) -> list[Event]:
        one = back("9d", "o1", "kettle", "cup", expected_quantity=1, received_quantity=2)
        other = {"expected_quantity": 2, "received_quantity": 1} | second
        return [*sent("o1"), *sent("o2", units=2), one, back("10d", "o2", "cup", "kettle", **other)]

    def test_two_returns_in_place_of_each_other_are_all_there(self) -> None:
        events = self.swapped()
        assert told(events[:-1], "11d", "D09").severity == "critical"
        assert alerts(events, "11d", "D09") == []

    def test_the_second_of_them_takes_the_accusation_back(self) -> None:
        assert one_by_one(self.swapped(), "D09").status == "retracted"

    @pytest.mark.parametrize(
        ("second", "mismatches"),
        [
            ({"received_sku_id": "brick"}, 2),
            ({"received_quantity": 0}, 1),
        ],
    )
    def test_twin_what_is_not_there_is_missing(
        self, second: dict[str, Any], mismatches: int
    ) -> None:
        found = alerts(self.swapped(**second), "11d", "D09")
        assert sum(len(alert.evidence.facts) for alert in found) == mismatches

    def test_twin_the_weight_of_what_came_is_that_of_the_other(self) -> None:
        one = back("9d", "o1", "kettle", "cup", expected_weight_g=1500, received_weight_g=300)
        light = back("10d", "o2", "cup", "kettle", expected_weight_g=300, received_weight_g=100)
        whole = back("10d", "o2", "cup", "kettle", expected_weight_g=300, received_weight_g=1490)
        orders = [*sent("o1"), *sent("o2")]
        assert alerts([*orders, one, whole], "11d", "D09") == []
        (alert,) = alerts([*orders, one, light], "11d", "D09")
        assert [fact.detail["order_id"] for fact in alert.evidence.facts] == ["o2"]

    def test_twin_one_return_makes_up_for_one(self) -> None:
        third = back("10d", "o3", "kettle", "cup")
        alert = told([*self.swapped(), *sent("o3"), third], "11d", "D09")
        assert [fact.detail["order_id"] for fact in alert.evidence.facts] == ["o3"]


class TestD10:
    """Three of five were sent, and the rest is claimed as out of stock."""

    PART: ClassVar = {"amount_minor": 400, "paid_minor": 1000}

    def claims(self, units: int = 5, **asked: Any) -> list[Event]:
        events: list[Event] = []
        for n in (1, 2):
            events += sent(f"o{n}", units=units)
            claim = {"order_id": f"o{n}", "reason": "stockout", "goods_status": "received", **asked}
            events.append({"at": f"{n + 3}d", "refunds.requested": claim})
        return events

    @pytest.mark.parametrize("asked", [PART, {"reason_text": "五件只收到三件,少发了两件"}])
    def test_a_part_of_a_line_that_is_missing_is_claimed_with_reason(
        self, asked: dict[str, Any]
    ) -> None:
        assert alerts(self.claims(**asked), "7d", "D10") == []

    @pytest.mark.parametrize(
        ("units", "asked"),
        [
            (5, {"amount_minor": 1000, "paid_minor": 1000}),
            (5, {"amount_minor": 950, "paid_minor": 1000, "reason_text": "少发了两件"}),
            (5, {"reason_text": "缺货"}),
            (1, PART),
            (5, PART | {"reason": "late_shipment"}),
        ],
        ids=["all", "nearly all", "no word of a part", "of one unit", "late"],
    )
    def test_twin_whoever_claims_all_or_lateness_does_not(
        self, units: int, asked: dict[str, Any]
    ) -> None:
        assert told(self.claims(units, **asked), "7d", "D10").severity == "warn"

    def test_twin_who_claims_the_rest_as_well_in_the_end(self) -> None:
        more = [
            {
                "at": "6d",
                "refunds.requested": {
                    "order_id": f"o{n}",
                    "refund_id": f"all{n}",
                    "reason": "stockout",
                    "goods_status": "received",
                    "amount_minor": 1000,
                    "paid_minor": 1000,
                },
            }
            for n in (1, 2)
        ]
        assert told([*self.claims(**self.PART), *more], "7d", "D10").severity == "warn"

    def test_who_was_told_that_too_little_was_sent_claims_it_with_reason(self) -> None:
        said = chat("3d", "亲,不好意思,仓库少发了两件", "seller")
        assert alerts([*self.claims(), said], "7d", "D10") == []
        assert told([*self.claims(), said | {"at": "6d"}], "7d", "D10").severity == "warn"

    @pytest.mark.parametrize(("order", "is_told"), [("o1", True), ("o9", False)])
    def test_twin_what_was_forgotten_in_another_parcel_excuses_no_claim(
        self, order: str, is_told: bool
    ) -> None:
        said = chat("3d", "亲,不好意思,仓库少发了两件", "seller", order_id=order)
        assert (alerts([*self.claims(), said], "7d", "D10") == []) is is_told


class TestD10Late:
    """The shop wrote that it will be late, and clicked 发货 in time all the same."""

    @pytest.mark.parametrize(
        ("text", "is_told"),
        [
            ("亲,厂家延期,要晚五天才能发货", True),
            ("抱歉,疫情原因推迟到下周发货", True),
            ("包裹在路上弄丢了,抱歉", True),
            ("亲,今晚发货", False),
            ("不会延迟发货的,放心", False),
            ("如果延迟发货会赔付", False),
            ("晚上发货哦", False),
        ],
    )
    def test_who_was_told_that_it_will_be_late_claims_it_with_reason(
        self, text: str, is_told: bool
    ) -> None:
        events = TestD10Unsent().claims(chat("10h", text, "seller"))
        assert (alerts(events, "8d", "D10") == []) is is_told


class TestD10Unsent:
    """The shop clicked 发货 in time, and wrote afterwards that nothing had left."""

    UNSENT = "不好意思,系统点的发货,实际还没寄出"

    def claims(self, *said: Event) -> list[Event]:
        claim = {"reason": "late_shipment", "goods_status": "not_received"}
        asked = [
            {"at": f"{n + 4}d", "refunds.requested": claim | {"order_id": f"o{n}"}} for n in (1, 2)
        ]
        return [*sent("o1"), *sent("o2"), *said, *asked]

    @pytest.mark.parametrize("about", [{}, {"order_id": "o1"}])
    def test_the_click_was_taken_back(self, about: dict[str, str]) -> None:
        assert alerts(self.claims(chat("2d", self.UNSENT, "seller", **about)), "8d", "D10") == []

    @pytest.mark.parametrize(
        "said",
        [
            chat("19h", "还没发出,今天发", "seller"),
            chat("6d1s", UNSENT, "seller"),
            chat("2d", UNSENT, "seller", order_id="o9"),
            chat("2d", "还没发货吗"),
            chat("2d", "亲,已经发出了", "seller"),
        ],
        ids=["before the click", "afterwards", "of another order", "the buyer", "it has left"],
    )
    def test_twin_whatever_else_was_said_is_no_such_word(self, said: Event) -> None:
        assert told(self.claims(said), "8d", "D10").severity == "warn"


class TestD12:
    ASKED = "发错货了,麻烦您拒收一下,退回来给您退款"

    def refused(self, *said: Event) -> list[Event]:
        request = {"order_id": "o1", "refund_only": False, "reason": "no_longer_wanted"}
        return [
            *sent(units=30),
            *said,
            {"at": "3d", "shipments.refused": {"order_id": "o1"}},
            {"at": "4d", "refunds.requested": request | {"goods_status": "not_received"}},
        ]

    @pytest.mark.parametrize(
        "text", [ASKED, "您拒收一下,我们给您退款", "麻烦您拒签", "I ask you to refuse the parcel"]
    )
    def test_who_refuses_it_as_the_shop_asked_is_no_case(self, text: str) -> None:
        assert alerts(self.refused(chat("2d", text, "seller")), "5d", "D12") == []

    @pytest.mark.parametrize(
        "said",
        [
            chat("3d1s", ASKED, "seller"),
            chat("2d", ASKED, "seller", order_id="o2"),
            chat("2d", ASKED),
            chat("2d", "请您不要拒收哦", "seller"),
            chat("2d", "签收前请验货,破损请拒收", "seller"),
        ],
        ids=["afterwards", "of another order", "the buyer", "not to", "if it is broken"],
    )
    def test_twin_whatever_else_was_said_excuses_nothing(self, said: Event) -> None:
        assert told(self.refused(said), "5d", "D12").severity == "warn"

    @pytest.mark.parametrize(
        ("kind", "at", "is_case"),
        [
            ("agreed", "2d", False),
            ("agreed", "3d", False),
            ("succeeded", "2d", False),
            ("agreed", "3d1s", True),
        ],
    )
    @pytest.mark.parametrize("refund", ["refund-o1", "another"])
    def test_who_was_granted_the_refund_before_refuses_what_was_not_stopped(
        self, kind: str, at: str, is_case: bool, refund: str
    ) -> None:
        granted = {"at": at, f"refunds.{kind}": {"order_id": "o1", "refund_id": refund}}
        is_about_it = refund == "refund-o1"
        found = alerts(self.refused(granted), "5d", "D12")
        assert (found != []) is (is_case or not is_about_it)

    def test_nobody_is_accused_before_the_chat_is_read(self) -> None:
        assert not [a for a in unread(self.refused(), "chats", "5d") if a.detector == "D12"]

    @pytest.mark.parametrize(("text", "severity"), [(ASKED, "info"), ("亲,已发货", "warn")])
    def test_nor_does_it_count_for_the_next_one(self, text: str, severity: str) -> None:
        request = {"order_id": "o2", "refund_only": False, "reason": "no_longer_wanted"}
        second = [
            {"at": "8d", "orders.created": {"order_id": "o2", "units": 1}},
            {"at": "12d", "shipments.refused": {"order_id": "o2"}},
            {"at": "13d", "refunds.requested": request | {"goods_status": "not_received"}},
        ]
        found = alerts([*self.refused(chat("2d", text, "seller")), *second], "14d", "D12")
        assert max(found, key=lambda alert: alert.opened_at).severity == severity


class TestD15:
    FREIGHT = "新疆要补20元运费"

    def complained(self, *said: Event) -> list[Event]:
        complaint = {"complaint_id": "k", "order_id": "o1", "complaint_type": "postage"}
        return [*sent(), *said, {"at": "5d", "complaints.filed": complaint}]

    @pytest.mark.parametrize(
        "text",
        [FREIGHT, "亲,没货了", "系统点的发货,还没发出", "不好意思发错了", "不好意思,开不了发票"],
    )
    @pytest.mark.parametrize("about", [{}, {"order_id": "o1"}])
    def test_whom_the_shop_told_of_it_itself_has_nothing_to_ask(
        self, about: dict[str, str], text: str
    ) -> None:
        said = chat("10h", text, "seller", **about)
        assert alerts(self.complained(said), "6d", "D15") == []

    @pytest.mark.parametrize(
        "said",
        [
            chat("5d1s", FREIGHT, "seller"),
            chat("-1s", FREIGHT, "seller"),
            chat("10h", FREIGHT, "seller", order_id="o2"),
            chat("10h", "包邮的亲,不用补运费", "seller"),
            chat("10h", "退货运费需要您承担", "seller"),
        ],
        ids=["afterwards", "before the order", "of another order", "denied", "of the way back"],
    )
    def test_twin_whatever_else_the_shop_wrote_is_no_contact(self, said: Event) -> None:
        assert told(self.complained(said), "6d", "D15").severity == "warn"


class TestD01:
    """A small trader orders for a market, and pays for what the bank lets through."""

    def burst(self, paid: int, units: int = 40) -> list[Event]:
        order = {"order_id": "o{n}", "units": units}
        large = {"order_id": "x", "units": 210}
        pays = {"order_id": "o{n}"}
        return [
            {"at": "1m", "orders.created": order, "times": 8, "every": "1m"},
            {"at": "10m", "orders.created": large},
            {"at": "3h", "payments.succeeded": pays, "times": paid, "every": "1m"},
        ]

    def test_who_pays_for_half_of_it_is_complained_of_to_nobody(self) -> None:
        alert = told(self.burst(8), "1d", "D01")
        assert (alert.severity, alert.status) == ("critical", "resolved")
        alert = told(self.burst(7), "1d", "D01")
        assert (alert.severity, alert.status) == ("critical", "open")
        assert not {"A10_draft_complaint", "A13_draft_police_report"} & set(codes(alert))

    @pytest.mark.parametrize(
        ("paid", "units"), [(4, 40), (7, 20)], ids=["fewer orders", "fewer units"]
    )
    def test_twin_who_pays_for_less_is(self, paid: int, units: int) -> None:
        wanted = {"A10_draft_complaint", "A13_draft_police_report"}
        assert wanted <= set(codes(told(self.burst(paid, units), "1d", "D01")))


class TestD03:
    """A dormitory: four students order by one phone, and half of it is paid for in the evening."""

    def dormitory(self, paid: dict[str, int], units: int = 2) -> list[Event]:
        events: list[Event] = []
        for buyer in ("ann", "bob", "cid", "dan"):
            order = {"order_id": f"{buyer}{{n}}", "receiver": {"phone": "13800138000"}}
            many = {"times": 2, "every": "1m", "buyer": buyer}
            events.append({"at": "1m", "orders.created": {**order, "units": units}, **many})
            pays = {"order_id": f"{buyer}{{n}}"}
            times = paid.get(buyer, 0)
            if times:
                events.append(
                    {"at": "4h", "payments.succeeded": pays, "buyer": buyer, "times": times}
                )
        return events

    def test_who_pays_for_half_of_it_is_complained_of_to_nobody(self) -> None:
        alert = told(self.dormitory({"ann": 2, "bob": 2}), "1d", "D03")
        assert (alert.severity, alert.status) == ("info", "open")
        assert "A10_draft_complaint" not in codes(alert)
        assert "至少半数已付款" in alert.summary.zh

    @pytest.mark.parametrize(
        "paid",
        [{}, {"ann": 2}, {"ann": 2, "bob": 1}, {"ann": 1, "bob": 1}],
        ids=["nobody", "one", "less than half", "half of the accounts, not of the orders"],
    )
    def test_twin_who_pays_for_less_is(self, paid: dict[str, int]) -> None:
        alert = told(self.dormitory(paid), "1d", "D03")
        assert (alert.severity, alert.status) == ("critical", "open")
        assert "A10_draft_complaint" in codes(alert)

    def test_twin_who_pays_for_trifles_is(self) -> None:
        large = {"order_id": "eve{n}", "units": 9, "receiver": {"phone": "13800138000"}}
        events = self.dormitory({"ann": 2, "bob": 2, "cid": 2}, units=1)
        events.append({"at": "2m", "orders.created": large, "times": 2, "buyer": "eve"})
        assert told(events, "1d", "D03").severity == "critical"


class TestD04:
    """Who sent a picture of what is wrong need not say it in words."""

    CLAIM = chat("4d1h", "补偿我30元,不然差评")

    @pytest.mark.parametrize("text", ["不好意思,仓库少发了一件", "亲,没货了,退款给您"])
    def test_compensation_for_what_the_shop_owned_up_to_is_a_claim(self, text: str) -> None:
        said = chat("4d", text, "seller")
        assert told([*sent(), said, self.CLAIM], "5d", "D04").severity == "info"

    @pytest.mark.parametrize(
        "said",
        [
            chat("4d", "请问少发了哪一件?", "seller"),
            chat("4d1h1s", "不好意思,仓库少发了一件", "seller"),
            chat("1d", "不好意思,仓库少发了一件", "seller"),
        ],
        ids=["asked", "afterwards", "days before"],
    )
    def test_twin_for_nothing_that_anybody_owned_up_to_it_is_a_demand(self, said: Event) -> None:
        assert told([*sent(), said, self.CLAIM], "5d", "D04").severity == "warn"

    def test_twin_other_money_is_none_whatever_the_shop_owned_up_to(self) -> None:
        said = chat("4d", "不好意思,仓库少发了一件", "seller")
        demand = chat("4d1h", "转我500,不然投诉")
        assert told([*sent(), said, demand], "5d", "D04").severity == "warn"

    def test_a_claim_outlives_what_the_shop_owned_up_to(self) -> None:
        said = chat("0s", "不好意思,仓库少发了一件", "seller")
        claim = self.CLAIM | {"at": "35h59m"}
        for day in ("45d6h", "46d", "46d13h"):
            later = {"at": day, "orders.created": {"order_id": "o2", "units": 1}}
            assert one_by_one([said, claim, later], "D04").severity == "info"


class TestD08:
    """Of a stolen account the platform takes three orders back by itself."""

    def taken_back(self, ruled: str, kind: str = "platform_intervened") -> list[Event]:
        events: list[Event] = []
        for n in (1, 2, 3):
            request = {"order_id": f"o{n}", "reason": "other", "goods_status": "received"}
            decided = {"order_id": f"o{n}", "ruling": "buyer"}
            if kind == "platform_applied":
                decided.pop("ruling")
            decided["refund_id"] = f"refund-o{n}"
            events += sent(f"o{n}")
            events.append({"at": "5d", "refunds.requested": request})
            events.append({"at": ruled, f"refunds.{kind}": decided})
        return events

    @pytest.mark.parametrize("ruled", ["5d", "4d23h"])
    def test_what_the_platform_decided_before_anybody_asked_was_asked_by_nobody(
        self, ruled: str
    ) -> None:
        assert alerts(self.taken_back(ruled), "6d", "D08") == []

    @pytest.mark.parametrize(
        ("ruled", "kind", "severity"),
        [
            ("5d1s", "platform_intervened", "info"),
            ("5d", "platform_applied", "warn"),
            ("4d", "platform_applied", "warn"),
        ],
    )
    def test_twin_what_was_asked_first_counts_whatever_became_of_it(
        self, ruled: str, kind: str, severity: str
    ) -> None:
        """Either party may apply to the platform, and who changes a request tells it anew."""
        assert told(self.taken_back(ruled, kind), "6d", "D08").severity == severity

    INVITED = "金额填错了,我先拒绝一下,您重新申请"

    def refused(self, *said: Event, text: str = INVITED) -> list[Event]:
        """One order, asked for three times and refused twice, each time with a message of the shop."""
        events = [*sent(), *said]
        for n, hours in enumerate((0, 3, 6), 1):
            request = {"order_id": "o1", "reason": "quality", "goods_status": "received"}
            events.append({"at": f"4d{hours}h", "refunds.requested": request | {"attempt_no": n}})
            if n < 3:
                refusal = {"order_id": "o1", "attempt_no": n}
                events.append({"at": f"4d{hours}h30m", "refunds.refused": refusal})
                events.append(chat(f"4d{hours}h31m", text, "seller"))
        return events

    def test_who_asks_again_because_the_shop_said_so_is_not_at_it_again(self) -> None:
        assert alerts(self.refused(), "5d", "D08") == []

    @pytest.mark.parametrize(
        "text", ["亲,仅退款不支持哦", "您重新申请退货退款,寄回来给您退", "您为什么又申请仅退款呢"]
    )
    def test_twin_who_asks_again_unasked_is(self, text: str) -> None:
        assert told(self.refused(text=text), "5d", "D08").severity == "warn"

    def test_twin_one_message_asks_for_one_request(self) -> None:
        # The second attempt alone was asked for; between the first and the third stands a refusal.
        events = self.refused(chat("4d2h", self.INVITED, "seller"), text="亲")
        fourth = {"order_id": "o1", "reason": "quality", "goods_status": "received"}
        assert alerts(events, "5d", "D08") == []
        events.append({"at": "4d7h", "refunds.refused": {"order_id": "o1", "attempt_no": 3}})
        events.append({"at": "4d8h", "refunds.requested": fourth | {"attempt_no": 4}})
        assert told(events, "5d", "D08").severity == "warn"

    SEND_NOTHING_BACK = "亲,您直接申请仅退款就行,不用退回来了"

    @pytest.mark.parametrize(
        "text", [SEND_NOTHING_BACK, "不好意思,仓库少发了两斤", "抱歉,快递丢件了"]
    )
    @pytest.mark.parametrize("order", [{}, {"order_id": "o2"}])
    def test_what_the_shop_asked_to_apply_for_or_owned_up_to_counts_for_nothing(
        self, order: dict[str, str], text: str
    ) -> None:
        said = chat("4d2h", text, "seller", **order)
        assert alerts(rotten(said), "8d", "D08") == []

    @pytest.mark.parametrize(
        "said",
        [
            chat("6d1s", SEND_NOTHING_BACK, "seller"),
            chat("-1s", SEND_NOTHING_BACK, "seller"),
            chat("3d", SEND_NOTHING_BACK, "seller", order_id="o9"),
            chat("3d", SEND_NOTHING_BACK),
        ],
        ids=["afterwards", "before the order", "of another order", "the buyer"],
    )
    def test_twin_whatever_else_was_said_asks_for_nothing(self, said: Event) -> None:
        assert told(rotten(said), "8d", "D08").severity == "warn"

    def test_twin_who_asked_before_the_ruling_and_again_after_it_counts(self) -> None:
        events = self.taken_back("5d1h")
        for n in (1, 2, 3):
            again = {"order_id": f"o{n}", "reason": "other", "goods_status": "received"}
            events.append({"at": "5d2h", "refunds.requested": again | {"attempt_no": 2}})
        assert told(events, "6d", "D08").severity == "warn"
