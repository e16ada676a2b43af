"""D05 and D06 at their edges: which receiver stands, what ends a case, and what makes it critical."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from schemas.alerts import Alert
from schemas.topics import BUYER_TOPICS
from tests.oracle.story import DAY, HOUR, Story, ms
from tests.pipeline import Event, Pipeline, run

GOOD = {
    "name": "张三",
    "phone": "13800138000",
    "country": "CN",
    "state": "浙江省",
    "city": "杭州市",
    "district": "西湖区",
    "detail": "文三路1号2幢301室",
}
BAD = {**GOOD, "detail": "asdf"}
OTHER_BAD = {**GOOD, "detail": "江苏省南京市中山路1号"}


class People(Story):
    """A story with receivers and accounts."""

    def to(self, order: str, at: float, receiver: dict[str, str] | None, units: int = 1) -> None:
        """An order for a receiver."""
        self.created(order, at, units)
        self.events[-1][1]["receiver"] = receiver

    def changed(self, order: str, at: float, receiver: dict[str, str]) -> None:
        """The receiver was changed."""
        self._add("orders", "address_changed", at, None, order_id=order, receiver=receiver)

    def account(self, kind: str, at: float, **body: Any) -> None:
        """Something became known about the account."""
        self._add("accounts", kind, at, None, **body)


def said(events: list[Event], detector: str, until: float = 2 * DAY) -> list[Alert]:
    pipeline = run(events, ms(until))
    last = {alert.alert_id: alert for alert in pipeline.alerts if alert.detector == detector}
    return [alert for alert in last.values() if alert.status != "retracted"]


def outcome(events: list[Event], detector: str, until: float = 2 * DAY) -> list[tuple[str, str]]:
    return [(alert.severity, alert.status) for alert in said(events, detector, until)]


def test_the_last_receiver_stands() -> None:
    story = People()
    story.to("o", 0, BAD)
    story.changed("o", HOUR, GOOD)
    story.changed("o", 2 * HOUR, OTHER_BAD)
    (alert,) = said(story.events, "D05")
    assert (alert.severity, alert.status) == ("warn", "open")
    assert "详细地址与所选省市不符" in alert.summary.zh
    story.changed("o", 3 * HOUR, GOOD)
    assert outcome(story.events, "D05") == [("warn", "resolved")]


def test_an_order_told_anew_replaces_its_receiver() -> None:
    story = People()
    story.to("o", 0, BAD)
    story.to("o", HOUR, GOOD)
    (alert,) = said(story.events, "D05")
    assert alert.status == "resolved"
    assert alert.resolved_at is not None
    assert alert.resolved_at.timestamp() * 1000 == ms(HOUR)


def test_a_closed_order_needs_no_address() -> None:
    story = People()
    story.to("o", 0, BAD)
    story.closed("o", HOUR)
    story.contact(2 * HOUR)
    story.contact(3 * HOUR)
    assert outcome(story.events, "D05") == [("warn", "resolved")]


@pytest.mark.parametrize(("unanswered", "level"), [(1, "warn"), (2, "critical")])
def test_calls_that_nobody_answers(unanswered: int, level: str) -> None:
    story = People()
    story.to("o", HOUR, BAD)
    story.contact(0)  # Before the order: about something else.
    for number in range(unanswered):
        story.contact((2 + number) * HOUR)
    assert outcome(story.events, "D05") == [(level, "open")]
    story.contact(9 * HOUR, answered=True)
    assert outcome(story.events, "D05") == [("warn", "open")]


def test_an_identity_that_is_put_right_is_no_reason_any_more() -> None:
    story = People()
    story.account("verified", 0, alipay_verified=False)
    story.to("o", HOUR, BAD)
    assert outcome(story.events, "D05") == [("critical", "open")]
    assert outcome(story.events, "D06") == [("warn", "open")]
    story.account("verified", 2 * HOUR, alipay_verified=True)
    assert outcome(story.events, "D05") == [("warn", "open")]
    assert outcome(story.events, "D06") == [("warn", "resolved")]


def test_two_orders_are_two_cases_and_a_case_grows_old() -> None:
    story = People()
    story.to("o1", 0, BAD)
    story.to("o2", HOUR, OTHER_BAD)
    assert outcome(story.events, "D05") == [("warn", "open")] * 2
    assert outcome(story.events, "D05", 14 * DAY) == [("warn", "expired"), ("warn", "open")]


def test_deadlines_come_with_the_payment() -> None:
    story = People()
    story.to("o", 0, BAD)
    assert said(story.events, "D05")[0].deadlines == []
    story.paid("o", HOUR)
    assert [due.code for due in said(story.events, "D05")[0].deadlines] == ["T02", "T12"]


def ended(how: str) -> People:
    """A paid order with a wrong address whose shipping is over after three hours, in that way."""
    story = People()
    story.to("o", 0, BAD)
    story.paid("o", HOUR)
    at, order = 3 * HOUR, {"order_id": "o"}
    if how == "shipped":
        story.shipped("o", at)
    elif how == "closed":
        story.closed("o", at)
    elif how == "refunded":
        story._add("refunds", "agreed", at, None, refund_id="r", attempt_no=1, **order)
    elif how == "exempt":
        story._add("filings", "submitted", 2 * HOUR, None, filing_id="f", **order)
        story._add("filings", "accepted", at, None, filing_id="f", **order)
    return story


def codes(alert: Alert) -> list[str]:
    return [step.code for step in alert.suggested_actions]


@pytest.mark.parametrize("how", ["shipped", "closed", "refunded", "exempt"])
def test_what_is_missed_when_nothing_is_left_to_ship_accuses_nobody(how: str) -> None:
    story = ended(how)
    for hour in (4, 5, 6):
        story.contact(hour * HOUR)
    story.account("verified", 7 * HOUR, alipay_verified=False)
    story.changed("o", 8 * HOUR, OTHER_BAD)
    (alert,) = said(story.events, "D05")
    assert (alert.severity, alert.status) == ("warn", "resolved")
    assert alert.resolved_at is not None
    assert alert.resolved_at.timestamp() * 1000 == ms(3 * HOUR)


@pytest.mark.parametrize("how", ["shipped", "closed", "refunded", "exempt"])
def test_nobody_is_told_to_file_when_nothing_is_left_to_ship(how: str) -> None:
    (alert,) = said(ended(how).events, "D05")
    assert alert.deadlines == []
    assert len(alert.suggested_actions) == 1
    assert not {"A9_draft_filing", "A7_draft_message"} & set(codes(alert))
    assert "Contact the buyer" not in alert.summary.en


def test_a_receiver_given_after_shipping_is_no_case() -> None:
    story = People()
    story.to("o", 0, GOOD)
    story.shipped("o", HOUR)
    story.changed("o", 2 * HOUR, BAD)
    assert outcome(story.events, "D05") == []


def test_who_filed_waits_for_the_answer_and_files_again_when_it_is_rejected() -> None:
    story = ended("")
    story._add("filings", "submitted", 2 * HOUR, None, filing_id="f", order_id="o")
    (alert,) = said(story.events, "D05")
    assert "A9_draft_filing" not in codes(alert)
    assert [due.code for due in alert.deadlines] == ["T02"]
    story._add("filings", "rejected", 4 * HOUR, None, filing_id="f", order_id="o")
    (alert,) = said(story.events, "D05")
    assert "A9_draft_filing" in codes(alert)
    assert [due.code for due in alert.deadlines] == ["T02", "T12"]


def test_calls_accuse_only_once_shipments_are_read_up_to_them() -> None:
    story = ended("")
    for hour in (4, 5):
        story.contact(hour * HOUR)
    pipeline = Pipeline()
    pipeline.send(story.events)
    pipeline.read_to_end(ms(4.5 * HOUR), ["shipments"])
    pipeline.read_to_end(ms(DAY), [topic for topic in BUYER_TOPICS if topic != "shipments"])
    assert [a.severity for a in pipeline.alerts if a.detector == "D05"][-1:] == ["warn"]
    pipeline.read_to_end(ms(5 * HOUR), ["shipments"])
    assert [a.severity for a in pipeline.alerts if a.detector == "D05"][-1:] == ["critical"]


def test_a_phone_of_a_corrected_receiver_is_cleared() -> None:
    story = People()
    story.to("o", 0, {**GOOD, "phone": "123"})
    assert outcome(story.events, "D06") == [("info", "open")]
    story.changed("o", HOUR, GOOD)
    assert outcome(story.events, "D06") == [("info", "resolved")]
    story.changed("o", 2 * HOUR, {**GOOD, "phone": "12345"})
    assert outcome(story.events, "D06") == [("info", "open")]


def put_right_after_two_hours() -> People:
    story = People()
    story.to("o", 0, GOOD)
    story.account("verified", HOUR, alipay_verified=False)
    story.account("verified", 2 * HOUR, alipay_verified=True)
    return story


@pytest.mark.parametrize("receiver", [GOOD, BAD])
@pytest.mark.parametrize(("at", "level"), [(2 * HOUR, "warn"), (2 * HOUR + 1, "info")])
def test_what_comes_once_the_identity_is_right_is_not_beside_an_odd_one(
    receiver: dict[str, str], at: float, level: str
) -> None:
    story = put_right_after_two_hours()
    (before,) = said(story.events, "D06", 20 * DAY)
    story.to("later", at, receiver, 25 if receiver is GOOD else 1)
    story.paid("later", at + HOUR)
    (after,) = said(story.events, "D06", 20 * DAY)
    assert (after.severity, after.status) == (level, "resolved")
    if level == "info":
        # Nothing about it has changed, not even what speaks for the buyer.
        assert after == before


def test_an_address_corrected_before_the_identity_is_not_beside_it() -> None:
    story = put_right_after_two_hours()
    story.to("bad", HOUR, BAD)
    assert outcome(story.events, "D06") == [("warn", "resolved")]
    story.changed("bad", 3 * HOUR, GOOD)
    assert outcome(story.events, "D06") == [("warn", "resolved")]
    story.changed("bad", 1.5 * HOUR, OTHER_BAD)
    assert outcome(story.events, "D06") == [("warn", "resolved")]

    story = put_right_after_two_hours()
    story.to("bad", HOUR, BAD)
    story.changed("bad", 2 * HOUR, GOOD)
    assert outcome(story.events, "D06") == [("info", "resolved")]


def test_n12_an_honest_slip_leaves_no_score() -> None:
    """A corrected address is over, and the buyer's next order starts from nothing."""
    story = People()
    story.to("o1", 0, BAD)
    story.changed("o1", HOUR, GOOD)
    story.to("o2", DAY, GOOD)
    assert outcome(story.events, "D05") == [("warn", "resolved")]
    assert outcome(story.events, "D06") == []


def test_n29_no_alert_and_no_state_holds_a_name_a_number_or_a_street() -> None:
    story = People()
    story.to("o", 0, {**BAD, "phone": "12345678910", "detail": "文三路asdf"})
    story.account("verified", 0, alipay_verified=False)
    pipeline = run(story.events, ms(DAY))
    assert {alert.detector for alert in pipeline.alerts} == {"D05", "D06"}
    told = "".join(alert.model_dump_json() for alert in pipeline.alerts)
    kept = b"".join(bytes(packed) for packed in pipeline.buyers[0].states.values())
    for secret in ("张三", "12345678910", "文三路", "西湖区"):
        assert secret not in told
        assert secret.encode() not in kept


def test_what_is_said_after_an_order_was_closed_is_no_case() -> None:
    story = People()
    story.to("o", 0, GOOD)
    story.closed("o", 100)
    story.changed("o", 200, BAD)
    assert outcome(story.events, "D05") == []


def test_a_doubt_from_before_the_closing_ends_with_it_whatever_comes_later() -> None:
    story = People()
    story.to("o", 0, BAD)
    story.closed("o", 100)
    story.changed("o", 200, OTHER_BAD)
    (alert,) = said(story.events, "D05")
    assert (alert.status, alert.evidence.facts_total) == ("resolved", 1)
    assert alert.resolved_at is not None
    assert alert.opened_at < alert.resolved_at == alert.opened_at + timedelta(seconds=100)


def test_of_many_calls_those_that_suffice_and_the_newest_are_evidence() -> None:
    story = People()
    story.to("o", 0, BAD)
    for number in range(20):
        story.contact(HOUR + number)
    (alert,) = said(story.events, "D05")
    at = [fact.at for fact in alert.evidence.facts if fact.kind == "Contacted"]
    assert [(one - alert.opened_at).total_seconds() - HOUR for one in at] == [0, 1, 19]
    assert {t.name: t.value for t in alert.evidence.thresholds}["failed_contacts"] == 20


@pytest.mark.parametrize(
    ("change", "events"),
    [
        # What put it right is evidence; what is doubted itself is a doubt, and a parcel needs no change.
        (GOOD, ["e0000", "e0001"]),
        ({**GOOD, "phone": "123"}, ["e0000", "e0001"]),
        (OTHER_BAD, ["e0000", "e0001"]),
    ],
    ids=["right", "right but for the phone", "wrong"],
)
def test_one_event_is_told_once_whatever_it_proves(
    change: dict[str, str], events: list[str]
) -> None:
    story = People()
    story.to("o", 0, BAD)
    story.changed("o", HOUR, change)
    story.shipped("o", 2 * HOUR)
    (alert,) = said(story.events, "D05")
    assert [fact.event_id for fact in alert.evidence.facts] == events
