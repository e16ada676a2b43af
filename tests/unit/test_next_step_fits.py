"""What is said and suggested fits how things stand: nothing is asked for that is over.

The traps are orders that were paid, closed, refunded or shipped while an alert was open.
"""

from __future__ import annotations

from typing import Any

import pytest

from schemas.alerts import Alert
from tests.example_stories import FOLDER, events_of, load, ms, seconds
from tests.pipeline import run

Events = list[dict[str, Any]]

PAID: Events = [
    {"at": "0s", "orders.created": {"order_id": "o1", "units": 1}},
    {"at": "20s", "payments.succeeded": {"order_id": "o1"}},
]
SENT: Events = [*PAID, {"at": "1d", "shipments.shipped": {"order_id": "o1"}}]


def told(detector: str, events: Events, until: str) -> Alert:
    """The last revision of the only alert of a detector."""
    alerts = run(events_of(events), ms(seconds(until))).alerts
    last = {alert.alert_id: alert for alert in alerts if alert.detector == detector}
    (alert,) = last.values()
    return alert


def told_in_example(name: str) -> Alert:
    story = load(FOLDER / f"{name}.yaml")
    (alert,) = {a.alert_id: a for a in run(story.events, story.horizon_ms).alerts
                if a.detector == story.detector}.values()  # fmt: skip
    return alert


def codes(alert: Alert) -> list[str]:
    return [action.code for action in alert.suggested_actions]


def refused(times: int) -> Events:
    """A parcel that was sent and never came; the refund is refused and asked for again."""
    events = list(SENT)
    for n in range(1, times + 1):
        request = {"order_id": "o1", "attempt_no": n, "reason": "not_received"}
        request["goods_status"] = "not_received"
        events.append({"at": f"{2 + n}d", "refunds.requested": request})
        events.append({"at": f"{2 + n}d2h", "refunds.refused": {"order_id": "o1", "attempt_no": n}})
    return events


def lost(orders: int) -> Events:
    """Parcels that were lost, each refunded on the first request."""
    events: Events = []
    for n in range(1, orders + 1):
        request = {"order_id": f"o{n}", "reason": "not_received", "goods_status": "not_received"}
        events += [
            {"at": f"{n}d", "orders.created": {"order_id": f"o{n}", "units": 1}},
            {"at": f"{n}d10s", "payments.succeeded": {"order_id": f"o{n}"}},
            {"at": f"{n}d20h", "shipments.shipped": {"order_id": f"o{n}"}},
            {"at": f"{n + 9}d", "refunds.requested": request},
            {"at": f"{n + 9}d1h", "refunds.agreed": {"order_id": f"o{n}"}},
        ]
    return sorted(events, key=lambda event: seconds(event["at"]))


def test_d08_nobody_complains_about_refunds_that_were_agreed_to() -> None:
    alert = told("D08", lost(3), "13d")
    assert (alert.severity, codes(alert)) == ("warn", ["A4_remind"])
    assert alert.summary.zh.endswith("均已同意退款或由平台判定买家有理。")
    contested = told("D08", lost(3)[:-1], "13d")
    assert "A10_draft_complaint" in codes(contested)


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(("ruling", "is_contested"), [("upheld", False), ("rejected", True)])
def test_d08_nor_about_who_was_found_right(ruling: str, is_contested: bool, named: bool) -> None:
    complaint = {"complaint_id": "k", "complaint_type": "other"}
    ruled = complaint | {"ruling": ruling} | ({"order_id": "o1"} if named else {})
    events = [
        *refused(3),
        {"at": "6d", "complaints.filed": complaint | {"order_id": "o1"}},
        {"at": "8d", "complaints.ruled": ruled},
    ]
    alert = told("D08", events, "9d")
    assert ("A10_draft_complaint" in codes(alert)) is is_contested


@pytest.mark.parametrize(
    ("ruling", "is_contested"),
    [("buyer", False), ("seller", True), ("split", True), (None, True)],
)
def test_d08_nor_about_whom_the_platform_gave_the_refund(
    ruling: str | None, is_contested: bool
) -> None:
    decided = {"order_id": "o1", "attempt_no": 3, "ruling": ruling}
    alert = told("D08", [*refused(3), {"at": "6d", "refunds.platform_intervened": decided}], "9d")
    assert ("A10_draft_complaint" in codes(alert)) is is_contested


def test_d08_a_request_after_the_grant_is_contested_again() -> None:
    events = refused(3)
    events.insert(-3, {"at": "4d3h", "refunds.agreed": {"order_id": "o1", "attempt_no": 2}})
    assert "A10_draft_complaint" in codes(told("D08", events, "9d"))


def odd(orders: int, *, agreed: int) -> Events:
    """Orders that came back for their quality, some of them agreed to."""
    events: Events = []
    for n in range(1, orders + 1):
        request = {"order_id": f"o{n}", "reason": "quality", "goods_status": "returned"}
        events += [
            {"at": f"{n}d", "orders.created": {"order_id": f"o{n}", "units": 1}},
            {"at": f"{n}d10s", "payments.succeeded": {"order_id": f"o{n}"}},
            {"at": f"{n + 9}d", "refunds.requested": request | {"refund_only": False}},
        ]
        if n <= agreed:
            events.append({"at": f"{n + 9}d1h", "refunds.agreed": {"order_id": f"o{n}"}})
    return sorted(events, key=lambda event: seconds(event["at"]))


def test_d09_looks_at_the_goods_where_all_refunds_were_agreed_to() -> None:
    agreed, contested = told("D09", odd(5, agreed=5), "16d"), told("D09", odd(5, agreed=4), "16d")
    assert codes(agreed) == ["A6_evidence_pack", "A4_remind"]
    assert agreed.summary.zh.endswith("均已同意退款或由平台判定买家有理。")
    assert codes(contested)[1:] == ["A12_suggest_refund_reply", "A10_draft_complaint"]


def test_d09_a_brick_is_complained_about_though_the_refund_was_paid() -> None:
    brick = load(FOLDER / "D09" / "fires_a_brick_for_a_phone.yaml")
    (order,) = {value["order_id"] for _, value in brick.events if value.get("order_id")}
    paid = {"at": "20d", "refunds.succeeded": {"order_id": order}}
    events = [*brick.events, *events_of([paid], shop=brick.events[0][1]["shop_id"])]
    (alert,) = {a.alert_id: a for a in run(events, brick.horizon_ms).alerts
                if a.detector == "D09"}.values()  # fmt: skip
    assert codes(alert) == ["A6_evidence_pack", "A10_draft_complaint"]


def test_d12_a_parcel_that_the_carrier_brought_back_was_not_refused() -> None:
    alert = told_in_example("D12/fires_a_parcel_that_came_back")
    assert "拒签" not in alert.title.zh + alert.summary.zh
    assert "refused" not in alert.title.en + alert.summary.en
    assert "A10_draft_complaint" not in codes(alert)
    assert "A10_draft_complaint" in codes(told_in_example("D12/fires_large_order_refused"))


def test_d16_asks_for_no_freight_once_nothing_is_sent() -> None:
    alert = told_in_example("D16/fires_until_a_refund_is_agreed")
    assert (codes(alert), alert.deadlines) == (["A4_remind"], [])
    assert "补运费" not in alert.summary.zh and "freight" not in alert.summary.en


@pytest.mark.parametrize(
    ("name", "deadlines"),
    [("D16/fires_hong_kong_until_contacted", 1), ("D16/fires_until_a_consolidation_warehouse", 0)],
)
def test_d16_once_it_is_answered_nobody_is_told_to_ask(name: str, deadlines: int) -> None:
    alert = told_in_example(name)
    assert alert.status == "resolved"
    assert "A7_draft_message" not in codes(alert)
    assert len(alert.deadlines) == deadlines


def test_d35_nobody_is_told_to_ship_what_is_refunded_closed_or_no_longer_banned() -> None:
    refunded = told_in_example("D35/fires_until_a_refund_is_agreed")
    assert (codes(refunded), refunded.deadlines) == (["A4_remind"], [])
    banned = {"at": "-1d", "accounts.flags": {"is_banned": True}}
    for end in (
        {"at": "1h", "orders.closed": {"order_id": "o1", "closed_by": "buyer"}},
        {"at": "1h", "accounts.flags": {"is_banned": False}},
    ):
        alert = told("D35", [banned, *PAID, end], "3h")
        assert (alert.status, codes(alert), alert.deadlines) == ("resolved", ["A4_remind"], [])


@pytest.mark.parametrize("detector", ["D07", "D35"])
def test_a_parcel_that_has_left_ends_nothing_but_is_not_to_be_shipped_again(detector: str) -> None:
    banned = {"at": "-1d", "accounts.flags": {"is_banned": True}}
    large = {"at": "0s", "orders.created": {"order_id": "o1", "units": 60}}
    waiting = told(detector, [banned, large, PAID[1]], "1d")
    assert [deadline.code for deadline in waiting.deadlines] == ["T02"]
    sent = told(detector, [banned, large, *SENT[1:]], "2d")
    assert (sent.status, sent.deadlines) == ("open", [])
    assert codes(sent) == ["A13_draft_police_report", "A6_evidence_pack", "A6_evidence_pack"]
    assert {action.text.zh for action in sent.suggested_actions} < {
        action.text.zh for action in waiting.suggested_actions
    }


def test_d07_of_long_ago_names_no_time_that_has_passed() -> None:
    order = {"at": "0s", "orders.created": {"order_id": "o1", "units": 300}}
    alert = told("D07", [order, PAID[1]], "40d")
    assert alert.status == "expired"
    assert alert.deadlines == []
    assert {step.due_at for step in alert.suggested_actions} == {None}
    assert alert.summary.zh.endswith("已过期。")


def test_d11_who_has_the_money_back_is_asked_for_no_report() -> None:
    alert = told_in_example("D11/fires_an_allergy_and_is_agreed")
    assert codes(alert) == ["A6_evidence_pack"]
    assert "已同意退款" in alert.summary.zh and "ask for" not in alert.summary.en


def test_d01_a_burst_that_holds_nothing_frees_no_stock_and_asks_nobody() -> None:
    events = [
        {"at": "0s", "orders.created": {"order_id": "o{n}", "units": 2}, "times": 8, "every": "2m"},
        {"at": "25m", "payments.succeeded": {"order_id": "o{n}"}, "times": 8, "every": "2m"},
    ]
    alert = told("D01", events, "1h")
    assert (alert.status, alert.deadlines) == ("resolved", [])
    assert codes(alert) == ["A2_deduct_on_payment", "A3_relist"]
    assert "关闭" not in alert.summary.zh and "close" not in alert.summary.en
    still_held = told("D01", events[:1], "20m")
    assert "A1_adjust_held_stock" in codes(still_held) and still_held.deadlines
    assert "请勿主动关闭订单" in still_held.summary.zh


def test_d33_names_no_other_orders_where_there_are_none() -> None:
    closed = {"at": "3h", "orders.closed": {"order_id": "o1", "closed_by": "seller"}}
    alert = told("D33", [PAID[0], closed], "4h")
    assert "0" not in alert.summary.zh.replace("o1", "")
    assert "另有" not in alert.summary.zh and "besides" not in alert.summary.en


@pytest.mark.parametrize(
    ("closed", "instead"),
    [
        ("1d", "系统本会在48小时内自动关闭"),
        ("2d23h30m", "系统本会在1小时内自动关闭"),
        ("3d", "系统自动关闭的时间已到"),
        ("4d", "系统自动关闭的时间已到"),
    ],
)
def test_d33_says_when_the_platform_would_have_closed_it(closed: str, instead: str) -> None:
    by_hand = {"order_id": "o1", "closed_by": "seller"}
    alert = told("D33", [PAID[0], {"at": closed, "orders.closed": by_hand}], "5d")
    assert alert.evidence.counter_evidence[0].zh.startswith(f"{instead};")


def test_d34_past_the_limit_nobody_is_told_to_keep_it() -> None:
    near, late = told("D34", PAID, "1d23h"), told("D34", PAID, "2d1h")
    assert "在期限前发货" in near.suggested_actions[0].text.zh
    first, filing, _ = late.suggested_actions
    assert "已超过发货时限" in first.text.zh
    assert first.due_at == late.deadlines[1].due_at > late.deadlines[0].due_at
    assert (filing.code, filing.due_at) == ("A9_draft_filing", None)


@pytest.mark.parametrize(
    ("name", "over", "kept"),
    [
        ("D27/fires_no_result_until_reconciled", "登录官方", ["A4_remind"]),
        ("D30/fires_the_parcel_comes_late", "升级仲裁。", ["A4_remind"]),
        ("D32/fires_ruled_for_italy", "请填写意大利", ["A6_evidence_pack"]),
    ],
)
def test_what_was_done_is_not_asked_for_again(name: str, over: str, kept: list[str]) -> None:
    alert = told_in_example(name)
    assert alert.status == "resolved"
    assert over not in alert.summary.zh
    assert codes(alert) == kept
    # How it was met, and when, is told by the deadline.
    assert len(alert.deadlines) == 1


ASK, PROVE, SETTLE, CARRIER = (
    *("A7_draft_message", "A6_evidence_pack", "A14_suggest_coupon", "A6_evidence_pack"),
)


def shown(at: str, by: str, kind: str) -> dict[str, Any]:
    return {"at": at, "disputes.evidence_added": {"order_id": "o1", "by": by, "kind": kind}}


@pytest.mark.parametrize(
    ("detector", "reason", "photo"),
    [("D28", "wrong_item", "label_photo"), ("D29", "damaged", "package_photo")],
)
def test_w4_what_is_done_in_a_dispute_is_asked_for_no_more(
    detector: str, reason: str, photo: str
) -> None:
    opened = {"order_id": "o1", "reason": reason, "channel": "cainiao_online"}
    course: Events = [
        {"at": "0s", "disputes.opened": opened},
        shown("1d", "buyer", photo),
        shown("2d", "seller", "text"),
        shown("3d", "seller", photo),
        {"at": "4d", "disputes.escalated": {"order_id": "o1"}},
        {"at": "9d", "disputes.ruled": {"order_id": "o1", "ruling": "refund"}},
    ]
    expected = [
        ([ASK, PROVE, SETTLE, CARRIER], "请买家提供"),
        ([PROVE, SETTLE, CARRIER], "已有照片"),
        # Words are no proof.
        ([PROVE, SETTLE, CARRIER], "已有照片"),
        ([SETTLE, CARRIER], "已提交举证"),
        ([CARRIER], "已升级仲裁"),
        (["A4_remind", CARRIER], "平台已裁决"),
    ]
    for number, (steps, says) in enumerate(expected, 1):
        alert = told(detector, course[:number], "10d" if number == 6 else f"{number}d")
        assert (codes(alert), says in alert.summary.zh) == (steps, True)
        assert alert.status == ("resolved" if number == 6 else "open")
        assert len(alert.evidence.facts) == number


@pytest.mark.parametrize("detector", ["D28", "D29"])
def test_w4_a_dispute_that_was_withdrawn_or_is_forgotten_asks_for_no_photo(detector: str) -> None:
    reason = {"D28": "wrong_item", "D29": "damaged"}[detector]
    opened = {"order_id": "o1", "reason": reason, "channel": "cainiao_online"}
    events: Events = [{"at": "0s", "disputes.opened": opened}]
    withdrawn = {"at": "1d", "disputes.withdrawn": {"order_id": "o1"}}
    for story, until in (([*events, withdrawn], "2d"), (events, "16d")):
        over = told(detector, story, until)
        assert (over.status != "open", codes(over)) == (True, ["A6_evidence_pack"])
        assert "请买家提供" not in over.summary.zh


def test_w4_arbitration_that_was_taken_back_is_over_and_no_negotiation() -> None:
    opened = {"order_id": "o1", "reason": "damaged"}
    events: Events = [
        {"at": "0s", "disputes.opened": opened},
        {"at": "1d", "disputes.escalated": {"order_id": "o1"}},
        {"at": "2d", "disputes.arbitration_withdrawn": {"order_id": "o1"}},
    ]
    alert = told("D29", events, "3d")
    assert (codes(alert), alert.deadlines) == ([ASK, PROVE, CARRIER], [])
    assert "已升级仲裁" not in alert.summary.zh


def test_w4_until_when_it_can_be_settled_is_said_with_the_step() -> None:
    events: Events = [{"at": "0s", "disputes.opened": {"order_id": "o1", "reason": "damaged"}}]
    alert = told("D29", events, "1d")
    (settle,) = (one for one in alert.suggested_actions if one.code == SETTLE)
    assert [settle.due_at] == [one.due_at for one in alert.deadlines]
    # Whether to withdraw is the buyer's own choice, and no draft promises money.
    assert "由您决定" in (settle.draft or "") and "退款" not in (settle.draft or "")


@pytest.mark.parametrize("step", ["arbitration_withdrawn", "withdrawn"])
def test_w4_an_alert_about_a_return_has_the_course_of_its_dispute(step: str) -> None:
    """Also what happened before the wait began, and what came after it was over."""
    opened = {"order_id": "o1", "reason": "return", "countdown_ends_at": "10d"}
    events: Events = [
        {"at": "0s", "disputes.opened": opened},
        shown("1d", "buyer", "item_photo"),
        {"at": "2d", "disputes.escalated": {"order_id": "o1"}},
        {
            "at": "3d",
            "disputes.ruled": {
                "order_id": "o1",
                "ruling": "return_and_refund",
                "countdown_ends_at": "13d",
            },
        },
        {"at": "12d", "returns.delivered": {"order_id": "o1", "refund_id": "dispute-o1"}},
    ]
    alert = told("D30", events, "12d")
    assert [fact.kind for fact in alert.evidence.facts] == [
        *("DisputeOpened", "DisputeEvidence", "DisputeStep", "DisputeStep", "ReturnArrived")
    ]
    after = {"at": "12d12h", f"disputes.{step}": {"order_id": "o1"}}
    later = told("D30", [*events, after], "13d")
    assert (later.status, later.resolved_at) == (alert.status, alert.resolved_at)
    assert later.evidence.facts[-1].detail["kind"] == step


@pytest.mark.parametrize(("promise", "is_later"), [({}, True), ({"ship_by": "1d"}, False)])
def test_d34_names_the_platforms_limit_only_where_it_has_not_passed(
    promise: dict[str, str], is_later: bool
) -> None:
    created = {"at": "0s", "orders.created": {"order_id": "o1", "units": 1, **promise}}
    alert = told("D34", [created, PAID[1]], "3d")
    first = alert.suggested_actions[0]
    assert alert.severity == "critical"
    assert ("最迟不超过平台发货时限" in first.text.zh) == is_later
    assert (first.due_at is not None) == is_later


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ({}, "可申请删除文字内容"),
        ({"at": "2d", "reviews.deleted": {"order_id": "o1"}}, "相关文字已修改或评价已删除"),
        ({"at": "31d", "chats.message": {"text": "你好"}}, "受理期限已过"),
    ],
)
def test_d19_says_that_text_may_be_removed_only_while_it_may(
    end: dict[str, Any], said: str
) -> None:
    review = {"order_id": "o1", "rating": "bad", "text": "傻逼客服王八蛋", "mutual_rated": True}
    events = [*SENT, {"at": "1d", "reviews.posted": review}, *([end] if end else [])]
    alert = told("D19", events, "32d" if "31d" in end.values() else "3d")
    assert said in alert.summary.zh
    assert ("may be removed" in alert.summary.en) == (alert.status == "open")


POLICE = "A13_draft_police_report"


def test_a_burst_is_a_matter_for_the_police_only_in_hundreds() -> None:
    def burst(units: int) -> Alert:
        order = {"order_id": "o{n}", "units": units}
        return told(
            "D01", [{"at": "0s", "orders.created": order, "times": 6, "every": "1m"}], "20m"
        )

    few, hundreds = burst(33), burst(34)
    assert (few.severity, POLICE in codes(few)) == ("warn", False)
    assert (hundreds.severity, codes(hundreds)[-1]) == ("critical", POLICE)


def test_once_a_burst_is_paid_nobody_goes_to_the_police() -> None:
    events: Events = [
        {
            "at": "0s",
            "orders.created": {"order_id": "o{n}", "units": 40},
            "times": 8,
            "every": "1m",
        },
        {"at": "25m", "payments.succeeded": {"order_id": "o{n}"}, "times": 8, "every": "1m"},
    ]
    alert = told("D01", events, "1h")
    assert alert.status == "resolved"
    assert POLICE not in codes(alert)
    assert POLICE in codes(told("D01", events[:1], "20m"))


def test_d04_the_police_are_named_where_money_is_demanded_and_not_for_a_gift() -> None:
    money = told("D04", [{"at": "0s", "chats.message": {"text": "给我2000,不然给差评"}}], "1h")
    gift = told("D04", [{"at": "0s", "chats.message": {"text": "送我个赠品,不然给差评"}}], "1h")
    assert (money.severity, codes(money)[-1]) == ("warn", POLICE)
    assert (gift.severity, POLICE in codes(gift)) == ("info", False)


def test_d25_a_campaign_that_stands_may_be_reported() -> None:
    alert = told_in_example("D25/fires_claims_and_refunds")
    assert (alert.status, POLICE in codes(alert)) == ("open", True)
