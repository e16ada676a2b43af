"""D26 over time: what settles a finding about stock, and that nothing is judged by what came later."""

from __future__ import annotations

from schemas.alerts import Alert
from tests.oracle.story import DAY, HOUR, Story, ms
from tests.pipeline import Event, Pipeline, run


def published(*, mode: str = "order") -> Story:
    story = Story()
    story.listing("published", "i", 0, title="保温杯", deduct_on_payment_supported=True)
    story.stock("i", HOUR, 10, mode=mode)
    return story


def latest(events: list[Event], until: float = 5 * DAY) -> list[Alert]:
    last = {a.alert_id: a for a in run(events, ms(until)).alerts if a.detector == "D26"}
    return [alert for alert in last.values() if alert.status != "retracted"]


def test_following_the_advice_resolves_and_retracts_nothing() -> None:
    story = published()
    pipeline = Pipeline()
    pipeline.send(story.events)
    for number in range(3):
        story.stock("i", DAY + number, 10, mode="payment")
        pipeline.send(story.events[-1:])
    alerts = [a for a in pipeline.finish(ms(9 * DAY)).alerts if a.detector == "D26"]
    assert [alert.change for alert in alerts] == ["opened", "resolved"]
    assert alerts[-1].resolved_at is not None
    assert alerts[-1].resolved_at.timestamp() * 1000 == ms(DAY)
    assert alerts[-1].reason is not None and "付款减库存" in alerts[-1].reason.zh


def test_an_item_that_is_switched_back_is_the_same_case() -> None:
    story = published()
    story.stock("i", DAY, 10, mode="payment")
    story.stock("i", 2 * DAY, 10)
    (alert,) = latest(story.events)
    assert (alert.severity, alert.status) == ("info", "open")


def test_switching_settles_no_other_issue() -> None:
    story = published()
    story.listing("changed", "i", 2 * HOUR, title="保温杯 包邮", post_fee_minor=500)
    story.stock("i", DAY, 10, mode="payment")
    (alert,) = latest(story.events)
    assert (alert.severity, alert.status, alert.evidence.facts_total) == ("warn", "open", 2)


def test_what_is_switched_off_later_says_nothing_about_the_time_before() -> None:
    story = published(mode="payment")
    story.listing("changed", "i", DAY, title="保温杯", deduct_on_payment_supported=False)
    story.stock("i", 2 * DAY, 10)
    assert latest(story.events) == []


def test_of_two_changes_in_the_same_second_as_a_reading_neither_overlooks_it() -> None:
    story = Story()
    story.stock("i", HOUR, 10)
    for title in ("保温杯", "保温杯 红"):
        story.listing("changed", "i", HOUR, title=title, deduct_on_payment_supported=True)
    (alert,) = latest(story.events)
    assert (alert.severity, alert.evidence.facts_total) == ("info", 2)
