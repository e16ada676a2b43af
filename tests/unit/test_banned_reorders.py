"""D35: who counts as banned, what links an account to a banned one, and that the order is served."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

import pytest

from schemas.alerts import Alert
from streams.detect.detector import Facts, find_detectors
from streams.detect.facts import DAY_MS, Signal
from tests.oracle.story import DAY, HOUR, Story, ms
from tests.pipeline import Event, Pipeline, build_engine, default_engine, run

PHONE = {"phone": "13800138000"}


def latest(pipeline: Pipeline) -> list[Alert]:
    last = {alert.alert_id: alert for alert in pipeline.alerts if alert.detector == "D35"}
    return list(last.values())


def banned_and_other(**paid: float) -> Story:
    """A banned buyer of an earlier order, and another account with the same phone."""
    story = Story(buyer="banned")
    story.created("old", 0, 60, receiver=PHONE)
    story.flagged(HOUR, banned=True)
    story.buyer = "other"
    story.created("new", 2 * HOUR, receiver=PHONE)
    if "after" in paid:
        story.paid("new", 2 * HOUR + paid["after"])
    return story


def test_lifting_the_ban_resolves_what_is_open() -> None:
    story = Story()
    story.flagged(0, banned=True)
    story.created("o", HOUR)
    pipeline = Pipeline()
    pipeline.send(story.events)
    pipeline.read_to_end(ms(2 * HOUR))
    assert [a.status for a in latest(pipeline)] == ["open"]
    story.flagged(3 * HOUR, banned=False)
    pipeline.send(story.events[-1:])
    (alert,) = latest(pipeline.finish(ms(4 * HOUR)))
    assert alert.status == "resolved"
    assert alert.summary.en == "b, who was banned, placed order o. The ban was lifted."


def test_a_ban_that_was_lifted_before_is_known_late_and_retracts() -> None:
    """L5: the flags come in the wrong order, and later than they were said to be read."""
    story = Story()
    story.flagged(0, banned=True)
    story.created("o", 2 * HOUR)
    pipeline = Pipeline()
    pipeline.send(story.events)
    pipeline.read_to_end(ms(3 * HOUR))
    story.flagged(HOUR, banned=False)
    pipeline.send(story.events[-1:])
    assert [a.status for a in latest(pipeline.finish(ms(DAY)))] == ["retracted"]


def test_l4_an_order_of_a_banned_buyer_waits_until_the_flags_are_read_up_to_it() -> None:
    story = Story()
    story.flagged(0, banned=True)
    story.created("o", 2 * HOUR)
    pipeline = Pipeline()
    pipeline.send(story.events)
    pipeline.read_to_end(ms(DAY), ("orders", "payments"))
    pipeline.read_to_end(ms(2 * HOUR) - 1, ("accounts",))
    story.flagged(HOUR, banned=False)
    assert latest(pipeline) == []
    pipeline.send(story.events[-1:])
    assert latest(pipeline.finish(ms(DAY))) == []


def test_a_ban_that_stands_is_told_once_the_flags_are_read() -> None:
    story = Story()
    story.flagged(0, banned=True)
    story.created("o", 2 * HOUR)
    pipeline = Pipeline()
    pipeline.send(story.events)
    pipeline.read_to_end(ms(2 * HOUR))
    assert [a.status for a in latest(pipeline)] == ["open"]


def test_flags_that_say_nothing_about_a_ban_lift_none() -> None:
    story = Story()
    story.flagged(0, banned=True)
    story._add("accounts", "flags", HOUR, None, phone_valid=False)
    story.created("o", 2 * HOUR)
    story._add("accounts", "flags", 3 * HOUR, None, is_new=True)
    (alert,) = latest(run(story.events, ms(DAY)))
    assert alert.status == "open"


def test_a_linked_account_that_pays_in_time_tells_nothing() -> None:
    assert latest(run(banned_and_other(after=60).events, ms(DAY))) == []


def test_a_linked_account_that_pays_late_is_served_by_the_checklist_in_time() -> None:
    (alert,) = latest(run(banned_and_other(after=HOUR).events, ms(DAY)))
    assert (alert.subject.kind, alert.status, alert.severity) == ("shop", "open", "warn")
    assert [d.code for d in alert.deadlines] == ["T02"]
    # A shop is not told what was promised of another account's order.
    assert "以承诺为准" in alert.deadlines[0].text.zh
    assert "earlier if that was promised" in alert.deadlines[0].text.en
    ship = next(a for a in alert.suggested_actions if a.code == "A4_remind")
    assert ship.due_at is not None and ship.prerequisites
    texts = json.dumps([a.model_dump(mode="json") for a in alert.suggested_actions])
    assert "refuse the order" not in texts.lower()


def test_an_order_that_is_not_paid_waits_for_the_payment_and_the_platform_closes_it() -> None:
    (alert,) = latest(run(banned_and_other().events, ms(DAY)))
    (deadline,) = alert.deadlines
    placed_at = alert.evidence.facts[0].at
    assert (deadline.code, deadline.due_at) == ("T01", placed_at + timedelta(days=3))
    assert all(action.due_at is None for action in alert.suggested_actions)
    once_paid, *rest = (action.text.zh for action in alert.suggested_actions)
    assert "付款前不发货" in once_paid and "由系统自动关闭" in once_paid
    assert any("在期限前发货" in text for text in rest)


def test_a_listed_identity_finds_linked_accounts_that_pay_at_once() -> None:
    story = Story(buyer="banned")
    story.flagged(0, banned=True)
    story.created("old", HOUR, receiver=PHONE)
    (seen,) = latest(run(story.events, ms(DAY)))
    shown: dict[str, Any] = next(f.detail for f in seen.evidence.facts if f.kind == "Identified")
    engine = build_engine(shops={"s": {"D35": {"identities": [f"phone:{shown['phone']}"]}}})
    pipeline = Pipeline(engine)
    pipeline.send(banned_and_other(after=10).events)
    found = {a.subject.id for a in latest(pipeline.finish(ms(DAY)))}
    assert "s:other" in found


def test_a_phone_of_many_payers_links_nobody() -> None:
    story = banned_and_other()
    for number in range(5):
        story.buyer = f"payer{number}"
        story.created(f"p{number}", 3 * HOUR, receiver=PHONE)
        story.paid(f"p{number}", 4 * HOUR)
    pipeline = run(story.events, ms(DAY))
    assert {alert.status for alert in latest(pipeline)} <= {"retracted"}
    assert ("D35", "identity_shared_by_payers") in {
        why for effects in pipeline.effects for why in effects.insufficient
    }


def sharing_two_identities() -> Story:
    """Somebody else's order with the phone and the device of a banned buyer."""
    story = Story(buyer="banned")
    story.created("old", 0, receiver=PHONE, device="dev-a")
    story.flagged(HOUR, banned=True)
    story.buyer = "other"
    story.created("new", 2 * HOUR, receiver=PHONE, device="dev-a")
    return story


def test_an_alert_names_the_phone_that_it_left_out_for_others_pay_with_it() -> None:
    story = sharing_two_identities()
    story.buyer = "third"
    story.created("by-device", 2 * HOUR, device="dev-a")
    (before, _) = latest(run(story.events, ms(DAY)))
    assert before.evidence.facts_total == 2
    shown = {str(fact.detail["identity"]) for fact in before.evidence.facts}
    (phone,) = (one for one in shown if one.startswith("phone:"))
    assert len(before.evidence.counter_evidence) == 1
    pipeline = Pipeline()
    pipeline.send(story.events)
    pipeline.finish(ms(DAY))
    known = len(story.events)
    for number in range(5):
        story.buyer = f"payer{number}"
        story.created(f"p{number}", DAY, receiver=PHONE)
        story.paid(f"p{number}", DAY + HOUR)
    pipeline.send(story.events[known:])
    # Those of the payers were retracted.
    after, of_device = [a for a in latest(pipeline.finish(ms(2 * DAY))) if a.status == "open"]
    assert (after.status, after.evidence.facts_total) == ("open", 1)
    said = after.evidence.counter_evidence[-1]
    assert said.zh == f"未计入的共用身份:{phone}(另有至少5个买家用它付了款)"
    assert said.en == f"Shared identities left out: {phone} (5 or more other buyers paid with it)"
    # Whose order did not name the phone reads nothing of it.
    assert len(of_device.evidence.counter_evidence) == 1
    assert pipeline.standing == run(story.events, ms(2 * DAY)).standing


def test_one_order_is_one_alert_however_many_identities_it_shares() -> None:
    (alert,) = latest(run(sharing_two_identities().events, ms(DAY)))
    assert alert.evidence.facts_total == 2
    assert {fact.detail["banned"] for fact in alert.evidence.facts} == {"banned"}


def as_time_went_on(story: Story, days: int) -> list[tuple[str, str]]:
    """What was said of which order, one after the other, to somebody who looked once a day."""
    by_day: defaultdict[int, list[Event]] = defaultdict(list)
    for topic, value in story.events:
        at = datetime.fromisoformat(value["occurred_at"])
        by_day[(round(at.timestamp() * 1000) - ms(0)) // DAY_MS].append((topic, value))
    pipeline = Pipeline()
    for day in range(days):
        pipeline.send(by_day[day])
        pipeline.finish(ms((day + 1) * DAY))
    told = [alert for alert in pipeline.alerts if alert.detector == "D35"]
    order_of: dict[str, str] = {}
    for alert in told:
        named = re.search("[Oo]rder ([a-z0-9]+)", alert.summary.en)
        order_of.setdefault(alert.alert_id, named[1] if named else "")
    return [(order_of[alert.alert_id], alert.change) for alert in told]


def told_again(*days: int) -> Story:
    """A ban after an order, and told anew on these days."""
    story = Story(buyer="banned")
    story.created("old", 0, receiver=PHONE)
    for day in (10, *days):
        story.flagged(day * DAY, banned=True)
    return story


def test_an_own_order_ends_after_the_ban_before_it_is_as_old_as_facts_become() -> None:
    story = told_again()
    story.created("n50", 50 * DAY)
    story.created("n51", 51 * DAY)
    # Until then both were alike.
    story.closed("n51", 57 * DAY)
    story.created("n58", 58 * DAY)
    assert as_time_went_on(story, 80) == [
        ("n50", "opened"),
        ("n51", "opened"),
        ("n51", "resolved"),
        ("n50", "expired"),
    ]


@pytest.mark.parametrize("again", [(), (50,), (40, 58, 59), (30, 60, 90)])
def test_a_linked_order_is_not_taken_back_for_what_time_lets_go(again: tuple[int, ...]) -> None:
    story = told_again(*again)
    # Others at the same phone, so that it is looked at again.
    for number, day in enumerate((50, 56, 57, 70, 80)):
        story.buyer = f"other{number}"
        story.created(f"n{day}", day * DAY, receiver=PHONE)
    last = max((10, *again)) + 45
    linked = [f"n{day}" for day in (50, 56, 57, 70, 80) if day <= last]
    told = as_time_went_on(story, 120)
    assert [order for order, change in told if change == "opened"] == linked
    assert sorted(told) == sorted((order, c) for order in linked for c in ("opened", "expired"))


@pytest.mark.parametrize(
    ("again", "linked", "after"),
    [
        # The first flag is older than flags become, and the last is not.
        ((90,), 54, (101, 105)),
        # The phone was used longer ago than facts of who is banned were kept.
        ((50, 94), 60, (134, 136)),
        # No flag is left.
        ((), 54, (80, 101, 105)),
    ],
)
def test_a_linked_order_stays_true_whatever_time_lets_go_of_the_banned_buyer(
    again: tuple[int, ...], linked: int, after: tuple[int, ...]
) -> None:
    story = told_again(*again)
    story.buyer = "other"
    story.created("linked", linked * DAY, receiver=PHONE)
    story.buyer = "banned"
    for day in after:
        story.created(f"later{day}", day * DAY)
        story.requested(f"later{day}", day * DAY + HOUR)
    told = as_time_went_on(story, 200)
    assert [change for order, change in told if order == "linked"] == ["opened", "expired"]


@pytest.mark.parametrize(
    ("again", "linked", "after"),
    [((90,), 54, (101, 105)), ((50, 94), 60, (134, 136)), ((), 54, (80, 101, 105))],
)
def test_so_does_one_that_is_linked_by_who_pays(
    again: tuple[int, ...], linked: int, after: tuple[int, ...]
) -> None:
    story = told_again(*again)
    story.paid("old", 60, payer="who@example.com")
    story.buyer = "other"
    other = {"phone": "13900139000"}
    story.created("before", (linked - 20) * DAY, receiver=other)
    story.paid("before", (linked - 20) * DAY + 60, payer="who@example.com")
    story.created("linked", linked * DAY, receiver=other)
    for day in (linked + 30, linked + 60):
        story.created(f"much{day}", day * DAY)
        story.paid(f"much{day}", day * DAY + 60)
    story.buyer = "banned"
    for day in after:
        story.created(f"later{day}", day * DAY)
        story.requested(f"later{day}", day * DAY + HOUR)
    told = as_time_went_on(story, 200)
    assert [change for order, change in told if order == "linked"] == ["opened", "expired"]


def test_a_ban_that_is_lifted_takes_back_links_however_long_ago_it_was_told() -> None:
    story = told_again()
    # Of day 12 on nothing is known of the banned buyer any more on day 58, but for the ban.
    story.created("own", 12 * DAY)
    story.created("later", 58 * DAY)
    story.flagged(59 * DAY, banned=False)
    story.buyer = "other"
    story.created("n54", 54 * DAY, receiver=PHONE)
    told = as_time_went_on(story, 100)
    assert [change for order, change in told if order == "n54"] == ["opened", "retracted"]


def test_who_is_banned_again_after_having_been_forgotten_is_linked_again() -> None:
    story = told_again(11, 12)
    story.created("back", 70 * DAY, receiver=PHONE)
    story.flagged(71 * DAY, banned=True)
    # The phone is not forgotten meanwhile.
    for day in (*range(13, 70, 7), 75):
        story.buyer = f"other{day}"
        story.created(f"n{day}", day * DAY, receiver=PHONE)
    assert ("n75", "opened") in as_time_went_on(story, 100)


def test_a_phone_that_the_banned_buyer_used_long_ago_links_nobody_however_often_it_is_told() -> (
    None
):
    story = told_again(*range(40, 200, 30))
    story.buyer = "other"
    story.created("n90", 90 * DAY, receiver=PHONE)
    story.created("n91", 91 * DAY, receiver=PHONE)
    assert as_time_went_on(story, 200) == [("n90", "opened"), ("n90", "expired")]


def test_a_ban_that_is_lifted_weeks_later_links_nobody_any_more() -> None:
    story = told_again(40)
    story.flagged(60 * DAY, banned=False)
    story.buyer = "other"
    story.created("n55", 55 * DAY, receiver=PHONE)
    story.created("n61", 61 * DAY, receiver=PHONE)
    assert as_time_went_on(story, 100) == [("n55", "opened"), ("n55", "retracted")]


def test_an_account_that_was_new_once_is_not_new_for_as_long_as_a_ban_is_known() -> None:
    story = Story()
    story._add("accounts", "flags", 0, None, is_new=True, is_banned=False)
    for day in (1, 50, 59):
        story.created(f"o{day}", day * DAY)
        story.paid(f"o{day}", day * DAY + 60)
    story.created("large", 60 * DAY, 200)
    story.paid("large", 60 * DAY + 60)
    pipeline = Pipeline(lateness_ms=0)
    for event in story.events:
        pipeline.send([event])
        pipeline.read_to_newest()
    assert not [alert for alert in pipeline.alerts if alert.detector == "D07"]


def test_what_a_phone_was_told_before_the_ban_had_an_end_is_understood() -> None:
    at_ms = ms(0)
    mark = Signal(at_ms, "e", "banned_identity/p/banned", "banned_identity", 1, {"buyer": "banned"})

    def order(after_ms: int) -> Signal:
        values = {
            "buyer": "other",
            "order": f"o{after_ms}",
            "units": 1,
            "counted_ms": at_ms + after_ms,
        }
        ref = f"unpaid_identity/p/other/o{after_ms}"
        return Signal(at_ms + after_ms, "e", ref, "unpaid_identity", 1, values)

    detector = next(d for d in find_detectors() if (d.id, d.subject) == ("D35", "identity"))
    times = (0, 1, 45 * DAY_MS, 45 * DAY_MS + 1)
    facts = Facts("s:phone:p", [mark, *(order(after_ms) for after_ms in times)])
    rules = default_engine().rules.of("s")["D35"].block
    told = detector.evaluate(facts, at_ms, rules).signals
    assert [one.signal.values["order"] for one in told] == ["o1", f"o{45 * DAY_MS}"]
