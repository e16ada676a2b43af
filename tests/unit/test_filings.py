"""What a filing (备案) changes: the order is exempt, and a refund of it is agreed to, never refused."""

from __future__ import annotations

import pytest

from schemas.alerts import Alert
from streams.detect.detector import Facts, Step
from streams.detect.facts import Filed
from streams.detect.filings import AGREE_TO_REFUND, accepted_ms, pending_ms, refund_reply
from tests.oracle.seller_story import SellerStory
from tests.oracle.story import DAY, HOUR, ms
from tests.pipeline import run

READ_FIRST = Step("A12_suggest_refund_reply", "先看清退款理由", "Read the reason first")


def filed(kind: str, at_ms: int, number: int = 1) -> Filed:
    return Filed(at_ms, f"{kind}-{at_ms}", f"f{number}/{kind}", f"f{number}", "o", kind)


def unshipped(*filings: tuple[str, float], until: float = 3 * DAY) -> Alert:
    story = SellerStory()
    story.created("o", 0)
    story.paid("o", 0)
    for kind, at in filings:
        story.filing(kind, "o", at)
    return run(story.events, ms(until)).alerts[-1]


def codes(alert: Alert) -> list[str]:
    return [action.code for action in alert.suggested_actions]


def test_a_filing_waits_until_it_is_rejected_and_a_second_one_may_follow() -> None:
    facts = Facts("s:b", [filed("submitted", 1), filed("rejected", 2)])
    assert (pending_ms(facts), accepted_ms(facts)) == ({}, {})
    again = Facts("s:b", [filed("submitted", 1), filed("rejected", 2), filed("submitted", 3, 2)])
    assert pending_ms(again) == {"o": 3}
    assert accepted_ms(Facts("s:b", [filed("accepted", 4)])) == {"o": 4}


def test_n24_a_refund_of_a_filed_order_is_agreed_to() -> None:
    assert refund_reply(READ_FIRST, is_filed=False) is READ_FIRST
    reply = refund_reply(READ_FIRST, is_filed=True)
    assert reply is AGREE_TO_REFUND
    assert reply.code == "A12_suggest_refund_reply"
    assert "同意" in reply.zh and "agreed" in reply.en


def test_a_filing_in_time_meets_t12_and_is_not_asked_for_again() -> None:
    alert = unshipped(("submitted", DAY))
    assert alert.status == "open"
    assert {deadline.code for deadline in alert.deadlines} == {"T02"}
    assert "A9_draft_filing" not in codes(alert)


@pytest.mark.parametrize(
    "filings",
    [(), (("submitted", DAY), ("rejected", DAY + HOUR))],
    ids=["none", "rejected"],
)
def test_without_a_filing_that_stands_in_time_t12_is_shown(
    filings: tuple[tuple[str, float], ...],
) -> None:
    alert = unshipped(*filings)
    assert "T12" in {deadline.code for deadline in alert.deadlines}
    assert "A9_draft_filing" in codes(alert)


def test_a_filing_after_the_limit_is_awaited_though_t12_is_broken() -> None:
    alert = unshipped(("submitted", 2 * DAY + HOUR))
    assert "T12" in {deadline.code for deadline in alert.deadlines}
    assert "A9_draft_filing" not in codes(alert)
    assert "等待平台结果" in alert.suggested_actions[1].text.zh
    again = unshipped(("submitted", 2 * DAY + HOUR), ("rejected", 2 * DAY + 2 * HOUR))
    assert "A9_draft_filing" in codes(again)


def test_after_an_accepted_filing_nobody_is_told_to_ship() -> None:
    alert = unshipped(("submitted", DAY), ("accepted", 50 * HOUR))
    assert (alert.status, alert.reason and alert.reason.zh) == ("resolved", "备案成功,可不发货")
    assert codes(alert) == ["A12_suggest_refund_reply"]
    assert alert.deadlines == []
    assert "发货并录入" not in alert.summary.zh


def test_a_filing_that_is_told_while_the_alert_is_open_is_news() -> None:
    story = SellerStory()
    story.created("o", 0)
    story.paid("o", 0)
    story.contact(50 * HOUR)
    pipeline = run(story.events, ms(50 * HOUR))
    before = pipeline.alerts[-1]
    story.events.clear()
    story.filing("submitted", "o", DAY)
    pipeline.send(story.events)
    alert = pipeline.alerts[-1]
    assert (alert.alert_id, alert.revision) == (before.alert_id, before.revision + 1)
    assert "T12" not in {deadline.code for deadline in alert.deadlines}


@pytest.mark.parametrize("is_filed", [False, True])
def test_n24_the_reply_to_a_quality_claim_follows_the_filing(is_filed: bool) -> None:
    story = SellerStory()
    story.created("o", 0)
    story.paid("o", 0)
    if is_filed:
        story.filing("accepted", "o", HOUR)
    story.requested("o", DAY, reason="quality")
    alert = next(a for a in run(story.events, ms(DAY)).alerts if a.detector == "D11")
    (reply,) = [a.text.zh for a in alert.suggested_actions if a.code == "A12_suggest_refund_reply"]
    assert (reply == AGREE_TO_REFUND.zh) is is_filed


@pytest.mark.parametrize("is_filed", [False, True])
def test_n24_the_reply_after_a_refused_parcel_follows_the_filing(is_filed: bool) -> None:
    story = SellerStory()
    story.created("o", 0, 300)
    story.paid("o", 0)
    if is_filed:
        story.filing("accepted", "o", HOUR)
    story._add("shipments", "refused", DAY, None, order_id="o")
    story.requested("o", DAY + HOUR, reason="no_longer_wanted", goods="returned")
    alert = next(a for a in run(story.events, ms(2 * DAY)).alerts if a.detector == "D12")
    (reply,) = [a.text.zh for a in alert.suggested_actions if a.code == "A12_suggest_refund_reply"]
    assert (reply == AGREE_TO_REFUND.zh) is is_filed
