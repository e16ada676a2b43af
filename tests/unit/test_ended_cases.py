"""Nothing is asked for that is over, and it is said by whom and how it was ended.

The traps are what belongs to another order or another item of it, what came before, and money that is a part
of the price.
"""

from __future__ import annotations

import random
from typing import Any, ClassVar

import pytest

from schemas.alerts import Alert
from tests.episode_rows import DETECTORS, engine_rows, oracle_rows
from tests.example_stories import events_of, ms, seconds
from tests.pipeline import Pipeline, run

Events = list[dict[str, Any]]


def alerts_of(detector: str, events: Events, until: str) -> list[Alert]:
    """The last revision of each alert of a detector, whatever way the events took; the oracle agrees."""
    told = list(events_of(events))
    horizon_ms = ms(seconds(until))
    pipeline = run(told, horizon_ms)
    shuffled = Pipeline()
    for event in random.Random(detector + until).sample(told, k=len(told)):
        shuffled.send([event])
    shuffled.finish(horizon_ms)
    assert shuffled.standing == pipeline.standing
    if detector in DETECTORS:
        rows = engine_rows(pipeline.alerts, pipeline.partitions)
        expected = oracle_rows(told, horizon_ms, detectors=[detector])
        assert [row for row in rows if row.detector == detector] == expected
    last = {alert.alert_id: alert for alert in pipeline.alerts if alert.detector == detector}
    return [alert for alert in last.values() if alert.status != "retracted"]


def told(detector: str, events: Events, until: str) -> Alert:
    (alert,) = alerts_of(detector, events, until)
    return alert


def said(alert: Alert) -> str:
    """Everything that a person reads of it, in both languages."""
    texts = [alert.summary, *alert.evidence.counter_evidence]
    texts += [action.text for action in alert.suggested_actions]
    texts += [alert.reason] if alert.reason else []
    return " ".join(f"{text.zh} {text.en}" for text in texts)


def steps(alert: Alert) -> list[str]:
    return [action.text.zh for action in alert.suggested_actions]


AWAITED: Events = [
    {
        "at": "0s",
        "disputes.opened": {"order_id": "o1", "reason": "return", "countdown_ends_at": "10d"},
    }
]
ANOTHER_ITEM: dict[str, Any] = {
    "at": "1d",
    "disputes.opened": {
        "order_id": "o1",
        "dispute_id": "d2",
        "reason": "return",
        "countdown_ends_at": "10d",
    },
}
RULED: Events = [
    {"at": "0s", "disputes.opened": {"order_id": "o1", "reason": "quality", "country": "IT"}},
    {
        "at": "1d",
        "disputes.ruled": {
            "order_id": "o1",
            "ruling": "return_and_refund",
            "countdown_ends_at": "20d",
        },
    },
]


def asked(at: str, order: str = "o1", **more: Any) -> dict[str, Any]:
    body = {"reason": "quality", "goods_status": "received", **more}
    return {"at": at, "refunds.requested": of_the_dispute(order) | body}


def refund(step: str, at: str, order: str = "o1", **more: Any) -> dict[str, Any]:
    if step == "platform_intervened":
        more = {"ruling": "buyer", **more}
    return {"at": at, f"refunds.{step}": of_the_dispute(order) | more}


def of_the_dispute(order: str) -> dict[str, Any]:
    """A dispute that is told as a refund has one id in both topics."""
    return {"order_id": order, "refund_id": f"dispute-{order}"}


def came(at: str, step: str = "delivered", order: str = "o1", **more: Any) -> dict[str, Any]:
    more |= {"result": "match"} if step == "inspected" else {}
    return {"at": at, f"returns.{step}": {"order_id": order, **more}}


class TestD30:
    def test_money_that_went_back_ends_the_wait(self) -> None:
        assert told("D30", AWAITED, "9d").status == "open"
        alert = told("D30", [*AWAITED, refund("succeeded", "8d12h")], "9d18h")
        assert (alert.severity, alert.status, alert.evidence.facts_total) == ("warn", "resolved", 2)
        assert alert.reason is not None and alert.reason.zh == "退款已完成"
        assert "升级" not in said(alert) and "escalat" not in said(alert)
        assert steps(alert) == ["保留退款和退货物流记录;之后收到退货时核对"]

    def test_before_anybody_is_reminded_it_is_no_case(self) -> None:
        assert alerts_of("D30", [*AWAITED, refund("succeeded", "5d")], "9d18h") == []

    def test_money_that_was_read_late_ends_it_all_the_same(self) -> None:
        pipeline = Pipeline()
        pipeline.send(list(events_of(AWAITED)))
        pipeline.finish(ms(seconds("9d")))
        late = list(events_of([*AWAITED, refund("succeeded", "8d12h")]))[1:]
        pipeline.send(late)
        changes = [alert.change for alert in pipeline.alerts if alert.detector == "D30"]
        assert changes == ["opened", "resolved"]

    @pytest.mark.parametrize(
        ("step", "why"),
        [
            ("agreed", "已同意仅退款,无需退货"),
            ("platform_intervened", "平台已判定仅退款,无需退货"),
        ],
    )
    def test_who_may_keep_the_goods_sends_nothing_back(self, step: str, why: str) -> None:
        events = [*AWAITED, asked("8d", refund_only=True), refund(step, "9d")]
        alert = told("D30", events, "9d18h")
        assert alert.status == "resolved"
        assert alert.reason is not None and alert.reason.zh == why

    @pytest.mark.parametrize("step", ["agreed", "platform_intervened"])
    def test_a_return_that_was_agreed_to_is_awaited_all_the_more(self, step: str) -> None:
        events = [*AWAITED, asked("1d", refund_only=False), refund(step, "9d")]
        assert told("D30", events, "9d18h").status == "open"
        assert told("D30", [*AWAITED, refund(step, "9d")], "9d18h").status == "open"

    def test_what_was_asked_last_is_what_was_agreed_to(self) -> None:
        events = [
            *AWAITED,
            asked("1d", refund_only=True),
            asked("2d", refund_only=False, attempt_no=2),
            refund("agreed", "9d", attempt_no=2),
        ]
        assert told("D30", events, "9d18h").status == "open"
        events[1], events[2] = (
            asked("1d", refund_only=False),
            asked("2d", refund_only=True, attempt_no=2),
        )
        assert told("D30", events, "9d18h").status == "resolved"

    def test_neither_another_order_nor_money_of_before_nor_a_refusal_ends_it(self) -> None:
        for other in (
            [refund("succeeded", "9d", "o2")],
            [refund("succeeded", "-1d")],
            [asked("1d"), {"at": "9d", "refunds.refused": {"order_id": "o1"}}],
            [refund("platform_intervened", "9d", ruling="seller"), asked("1d")],
            [{**refund("succeeded", "9d"), "buyer": "buyer2"}],
        ):
            assert told("D30", [*AWAITED, *other], "9d18h").status == "open"

    @pytest.mark.parametrize("refund_only", [True, False])
    @pytest.mark.parametrize("reason", ["quality", "other"])
    def test_a_yuan_that_comes_back_is_not_the_price_of_the_goods(
        self, reason: str, refund_only: bool
    ) -> None:
        """A small refund of the order has an id of its own, whatever it is called."""
        small = {"refund_id": "r9", "amount_minor": 100}
        part = asked("7d", reason=reason, refund_only=refund_only, **small)
        granted = refund("agreed", "8d", refund_id="r9"), refund("succeeded", "9d", **small)
        assert told("D30", [*AWAITED, part, *granted], "9d18h").status == "open"
        paid = refund("succeeded", "9d1h", amount_minor=5000)
        assert told("D30", [*AWAITED, part, *granted, paid], "9d18h").status == "resolved"

    @pytest.mark.parametrize("reason", ["quality", "other"])
    def test_what_was_paid_in_the_dispute_itself_settles_it(self, reason: str) -> None:
        events = [*AWAITED, asked("1d", reason=reason, refund_only=False)]
        assert told("D30", [*events, refund("succeeded", "9d")], "9d18h").status == "resolved"

    def test_money_of_one_item_ends_no_wait_for_another(self) -> None:
        paid = refund("succeeded", "9d", refund_id="d2")
        assert self.of_two(paid) == {"dispute-o1": "open", "d2": "resolved"}

    def of_two(self, *more: dict[str, Any]) -> dict[str, str]:
        """How the returns of two items stand, with the texts that both are told by."""
        found = {
            alert.evidence.facts[0].ref: alert
            for alert in alerts_of("D30", [*AWAITED, ANOTHER_ITEM, *more], "9d18h")
        }
        return {dispute: str(alert.status) for dispute, alert in found.items()}

    def test_the_parcel_of_one_item_is_not_that_of_another(self) -> None:
        one, other = (
            came("9d", refund_id="dispute-o1"),
            came("9d1h", return_id="r2", refund_id="d2"),
        )
        assert self.of_two(one) == {"dispute-o1": "resolved", "d2": "open"}
        assert self.of_two(other) == {"dispute-o1": "open", "d2": "resolved"}
        assert self.of_two(one, other) == {"dispute-o1": "resolved", "d2": "resolved"}
        third = came("9d", refund_id="r9")
        assert self.of_two(third) == {"dispute-o1": "open", "d2": "open"}

    def test_a_parcel_that_names_none_of_two_ends_neither_and_is_shown_with_both(self) -> None:
        assert self.of_two(came("9d")) == {"dispute-o1": "open", "d2": "open"}
        for alert in alerts_of("D30", [*AWAITED, ANOTHER_ITEM, came("9d")], "9d18h"):
            assert alert.evidence.facts_total == 2
            assert "未注明属于哪个纠纷" in alert.summary.zh and "may be" in alert.summary.en
            assert "未注明属于哪个纠纷" in alert.evidence.counter_evidence[0].zh
        withdrawn = {"at": "5d", "disputes.withdrawn": {"order_id": "o1", "dispute_id": "d2"}}
        assert told("D30", [*AWAITED, ANOTHER_ITEM, withdrawn, came("9d")], "9d18h").status == (
            "resolved"
        )

    def test_of_a_parcel_that_may_be_the_one_nobody_proves_that_nothing_came(self) -> None:
        escalated = {"at": "9d", "disputes.escalated": {"order_id": "o1"}}
        first, _ = sorted(
            alerts_of("D30", [*AWAITED, ANOTHER_ITEM, escalated, came("9d1h")], "9d18h"),
            key=lambda alert: alert.status,
            reverse=True,
        )
        assert (first.status, first.evidence.facts_total) == ("resolved", 3)
        assert "保留未收到退货的物流凭证" not in steps(first)

    def test_what_was_opened_and_looked_at_has_come(self) -> None:
        alert = told("D30", [*AWAITED, came("9d", "inspected")], "9d18h")
        assert (alert.status, steps(alert)) == ("resolved", ["核对收到的退货"])
        both = [*AWAITED, came("8d12h"), came("9d", "inspected")]
        assert told("D30", both, "9d18h").resolved_at == told("D30", both[:-1], "9d18h").resolved_at

    def test_what_is_looked_at_again_has_not_come_again(self) -> None:
        looks = [came(at, "inspected", return_id="r1") for at in ("9d", "11d")]
        alert = told("D30", [*AWAITED, *looks], "12d")
        assert alert.status == "resolved"
        assert alert.resolved_at == told("D30", [*AWAITED, looks[0]], "9d18h").resolved_at

    def test_another_look_at_the_return_of_one_item_is_no_return_of_another(self) -> None:
        first, again = (came(at, "inspected", return_id="r1") for at in ("3d", "6d"))
        second = {"order_id": "o1", "dispute_id": "d2", "reason": "return"}
        opened = {"at": "5d", "disputes.opened": second | {"countdown_ends_at": "20d"}}
        assert told("D30", [*AWAITED, first, opened, again], "19d18h").status == "open"

    def test_what_was_agreed_to_and_taken_back_pays_nobody(self) -> None:
        taken_back = {"at": "9d1h", "refunds.withdrawn": of_the_dispute("o1")}
        events = [*AWAITED, asked("8d", refund_only=True), refund("agreed", "9d"), taken_back]
        assert told("D30", events, "9d18h").status == "open"
        assert told("D30", [*events, refund("succeeded", "9d2h")], "9d18h").status == "resolved"

    def test_a_parcel_after_the_money_is_checked(self) -> None:
        events = [*AWAITED, refund("succeeded", "8d12h"), came("9d")]
        alert = told("D30", events, "9d18h")
        assert (alert.status, steps(alert)) == ("resolved", ["核对收到的退货"])
        assert "退款已完成,之后收到退货" in alert.summary.zh

    def test_what_comes_after_the_countdown_changes_nothing_about_it(self) -> None:
        alert = told("D30", [*AWAITED, refund("succeeded", "10d1s")], "11d")
        assert alert.status == "expired"

    def test_of_what_is_over_nobody_is_told_to_escalate(self) -> None:
        withdrawn = {"at": "9d", "disputes.withdrawn": {"order_id": "o1"}}
        alert = told("D30", [*AWAITED, withdrawn], "9d18h")
        assert "升级" not in said(alert) and "escalat" not in said(alert)


class TestD32:
    @pytest.mark.parametrize(
        ("end", "why", "step"),
        [
            (came("3d"), "退货已送达", "核对收到的退货"),
            (came("3d", "inspected"), "退货已送达", "核对收到的退货"),
            (refund("succeeded", "3d"), "退款已完成", "保留裁决和退款记录"),
        ],
    )
    def test_no_number_is_needed_once_the_parcel_or_the_money_is_there(
        self, end: dict[str, Any], why: str, step: str
    ) -> None:
        assert told("D32", RULED, "2d").status == "open"
        alert = told("D32", [*RULED, end], "4d")
        assert (alert.status, alert.evidence.facts_total) == ("resolved", 3)
        assert alert.reason is not None and alert.reason.zh == why
        assert steps(alert) == [step]
        assert "请填写" not in alert.summary.zh and "enter the" not in alert.summary.en

    def test_a_refund_without_a_return_needs_no_number(self) -> None:
        events = [*RULED, asked("2d", refund_only=True), refund("agreed", "3d")]
        assert told("D32", events, "4d").status == "resolved"
        events = [*RULED, asked("2d", refund_only=False), refund("agreed", "3d")]
        assert told("D32", events, "4d").status == "open"

    @pytest.mark.parametrize(
        "other",
        [
            came("12h"),
            came("3d", order="o2"),
            refund("succeeded", "12h"),
            refund("succeeded", "3d", "o2"),
            came("3d", "label_created"),
        ],
    )
    def test_what_was_before_or_is_of_another_order_ends_nothing(
        self, other: dict[str, Any]
    ) -> None:
        assert told("D32", [*RULED, other], "4d").status == "open"

    def test_a_parcel_that_may_be_of_another_item_ends_nothing(self) -> None:
        second = {"order_id": "o1", "dispute_id": "d2", "reason": "return"}
        events = [*RULED, {"at": "2d", "disputes.opened": second}]
        assert told("D32", [*events, came("3d")], "4d").status == "open"
        assert told("D32", [*events, came("3d", refund_id="d2")], "4d").status == "open"
        assert told("D32", [*events, came("3d", refund_id="dispute-o1")], "4d").status == "resolved"

    def test_a_yuan_that_comes_back_is_not_the_price_of_the_goods(self) -> None:
        small = refund("succeeded", "3d", refund_id="r9", amount_minor=100)
        assert told("D32", [*RULED, small], "4d").status == "open"

    def test_the_number_is_still_what_ends_it_first(self) -> None:
        number = {"order_id": "o1", "by": "seller", "kind": "tracking_no"}
        entered = {"at": "2d", "disputes.evidence_added": number}
        alert = told("D32", [*RULED, entered, came("3d"), refund("succeeded", "4d")], "5d")
        assert alert.reason is not None and alert.reason.zh == "退货物流单号已填写"


WRONG = {"title": "包邮连衣裙", "post_fee_minor": 500, "category": "女装"}
RIGHT = {"title": "连衣裙", "post_fee_minor": 500, "category": "女装"}


class TestD26:
    OFF: ClassVar[Events] = [
        {"at": "0s", "listings.published": WRONG},
        {"at": "1d", "listings.off_shelf": WRONG | {"reason": "seller"}},
    ]

    def test_nobody_looks_at_a_page_that_is_off_the_shelf(self) -> None:
        alert = told("D26", self.OFF, "2d")
        assert alert.status == "resolved"
        assert alert.summary.zh == (
            "商品item1已下架;下架前的设置风险:标题包邮,但设置了运费或有未说明的除外地区。"
        )
        assert alert.summary.en.startswith("Listing of item1 is off the shelf; before that: ")
        assert alert.reason is not None and alert.reason.zh == "商品已下架"
        assert steps(alert) == ["重新上架前:修改标题或运费模板,写明不包邮的地区"]
        assert alert.suggested_actions[0].text.en.startswith(
            "Before it goes back on the shelf: change the title"
        )

    def test_what_was_mended_before_it_was_taken_off_is_not_asked_for(self) -> None:
        both = WRONG | {"is_overseas": True}
        events = [{"at": "-1d", "listings.published": both}, *self.OFF]
        events[1] = {"at": "0s", "listings.changed": WRONG}
        alert = told("D26", events, "2d")
        assert steps(alert) == ["重新上架前:修改标题或运费模板,写明不包邮的地区"]
        assert "境外" not in alert.summary.zh

    def test_what_it_was_taken_off_for_is_not_asked_for(self) -> None:
        off = RIGHT | {"reason": "seller"}
        alert = told("D26", [self.OFF[0], {"at": "1d", "listings.off_shelf": off}], "2d")
        assert steps(alert) == ["核对修改已生效;若仍在下架,重新上架后再看商品页"]
        both = {"at": "0s", "listings.published": WRONG | {"is_overseas": True}}
        alert = told("D26", [both, self.OFF[1]], "2d")
        assert steps(alert) == ["重新上架前:修改标题或运费模板,写明不包邮的地区"]
        assert "境外" not in alert.summary.zh

    def test_once_it_is_right_again_the_page_is_looked_at(self) -> None:
        back = {"at": "3d", "listings.on_shelf": RIGHT}
        alert = told("D26", [*self.OFF, back], "4d")
        assert alert.status == "resolved"
        assert "已下架;" not in alert.summary.zh
        assert steps(alert) == ["核对修改已生效;若仍在下架,重新上架后再看商品页"]

    def test_back_on_the_shelf_as_it_was_is_a_case_of_its_own(self) -> None:
        back = {"at": "3d", "listings.on_shelf": WRONG}
        first, second = sorted(
            alerts_of("D26", [*self.OFF, back], "4d"), key=lambda alert: alert.opened_at
        )
        assert (first.status, second.status) == ("resolved", "open")
        assert steps(second) == ["修改标题或运费模板,写明不包邮的地区"]

    def test_a_change_is_still_seen_on_the_page(self) -> None:
        events: Events = [self.OFF[0], {"at": "1d", "listings.changed": RIGHT}]
        assert steps(told("D26", events, "2d")) == ["核对修改已在商品页生效"]


def parcel_refused(*grants: dict[str, Any]) -> Events:
    """A parcel that was refused, and then a refund was asked for."""
    refused = {"at": "1d", "shipments.refused": {"order_id": "o1"}}
    return [refused, asked("2d", goods_status="not_received", reason="no_longer_wanted"), *grants]


class TestD12:
    @pytest.mark.parametrize(
        ("step", "zh", "en"),
        [
            ("agreed", "已同意退款", "The refund was agreed"),
            ("platform_intervened", "平台已判定买家有理", "The platform found the buyer right"),
            ("succeeded", "已退款", "The refund was paid"),
        ],
    )
    def test_it_says_who_granted_the_refund(self, step: str, zh: str, en: str) -> None:
        alert = told("D12", parcel_refused(refund(step, "3d")), "4d")
        assert alert.status == "resolved"
        assert alert.reason is not None and (alert.reason.zh, alert.reason.en) == (zh, en)
        assert f",{zh};请核对退回的包裹" in alert.summary.zh
        assert f"{en[0].lower()}{en[1:]}; check what comes back" in alert.summary.en

    def test_what_came_first_decided_it(self) -> None:
        events = parcel_refused(refund("platform_intervened", "3d"), refund("succeeded", "3d1h"))
        assert "平台已判定买家有理" in said(told("D12", events, "4d"))
        events = parcel_refused(refund("agreed", "3d"), refund("succeeded", "3d1h"))
        assert "已同意退款" in said(told("D12", events, "4d"))

    def test_what_was_granted_before_under_another_name_answers_something_else(self) -> None:
        other = refund("platform_intervened", "1h", refund_id="another")
        assert told("D12", parcel_refused(other), "4d").status == "open"


def late_claims(*grants: dict[str, Any]) -> Events:
    """Two parcels that left in time, and a refund for lateness asked for each."""
    events: Events = []
    for n in (1, 2):
        events += [
            {"at": f"{n}d", "orders.created": {"order_id": f"o{n}", "units": 1}},
            {"at": f"{n}d10s", "payments.succeeded": {"order_id": f"o{n}"}},
            {"at": f"{n}d20h", "shipments.shipped": {"order_id": f"o{n}"}},
            asked(f"{n + 4}d", f"o{n}", reason="late_shipment", goods_status="not_received"),
        ]
    return [*events, *grants]


class TestD10:
    @pytest.mark.parametrize(
        ("first", "second", "zh", "en"),
        [
            ("agreed", "agreed", "均已同意退款", "all refunds were agreed to"),
            ("succeeded", "succeeded", "均已退款", "all refunds were paid"),
            (
                "platform_intervened",
                "platform_intervened",
                "均由平台判定买家有理",
                "the platform found the buyer right",
            ),
            (
                "agreed",
                "platform_intervened",
                "均已同意退款或由平台判定买家有理",
                "all refunds were agreed to, or the platform found the buyer right",
            ),
            (
                "succeeded",
                "agreed",
                "均已同意退款或已退款",
                "all refunds were agreed to or paid",
            ),
        ],
    )
    def test_it_says_who_granted_the_refunds(
        self, first: str, second: str, zh: str, en: str
    ) -> None:
        grants = refund(first, "7d"), refund(second, "8d", "o2")
        alert = told("D10", late_claims(*grants), "9d")
        assert alert.summary.zh.endswith(f"已按时发货;{zh}。")
        assert alert.summary.en.endswith(f"shipped on time; {en}.")
        assert steps(alert)[1].startswith(f"{zh},不宜投诉买家;")
        assert "A10_draft_complaint" not in [step.code for step in alert.suggested_actions]

    def test_the_ruling_and_not_the_payment_that_follows_says_who_was_right(self) -> None:
        grants = [refund("platform_intervened", "7d", f"o{n}") for n in (1, 2)]
        grants += [refund("succeeded", "7d1h", f"o{n}") for n in (1, 2)]
        assert "均由平台判定买家有理。" in told("D10", late_claims(*grants), "9d").summary.zh

    def test_one_that_was_not_granted_is_contested(self) -> None:
        alert = told("D10", late_claims(refund("platform_intervened", "7d")), "9d")
        assert "判定" not in alert.summary.zh
        assert "A10_draft_complaint" in [step.code for step in alert.suggested_actions]


class TestD14:
    def test_who_has_taken_a_refusal_back_is_not_told_to_say_it_again(self) -> None:
        events: Events = [
            {"at": "0s", "chats.message": {"sender": "seller", "text": "不开发票"}},
            {"at": "5m", "chats.message": {"sender": "seller", "text": "抱歉,可以开的"}},
        ]
        alert = told("D14", events, "1h")
        assert (alert.severity, alert.status) == ("warn", "open")
        assert "尚未改口的,改为同意开具" in alert.summary.zh
        assert "unless that was taken back already, agree" in alert.summary.en

    def test_what_was_refused_once_speaks_for_who_complains_of_it(self) -> None:
        """Taken back or not: the complaint is no bait (D17)."""
        complaint = {"order_id": "o1", "complaint_id": "k", "complaint_type": "invoice"}
        events: Events = [
            {"at": "0s", "chats.message": {"text": "发票寄到公司,和商品分开寄", "order_id": "o1"}},
            {"at": "1m", "chats.message": {"sender": "seller", "text": "不开发票"}},
            {"at": "3m", "chats.message": {"sender": "seller", "text": "抱歉,可以开的"}},
            {"at": "5m", "complaints.filed": complaint},
        ]
        assert alerts_of("D17", events, "1h") == []
        assert told("D17", [events[0], events[3]], "1h").severity == "critical"
