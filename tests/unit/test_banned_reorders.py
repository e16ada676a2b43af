"""D35: who counts as banned, what links an account to a banned one, and that the order is served."""

from __future__ import annotations

import json
from typing import Any

from schemas.alerts import Alert
from tests.oracle.story import DAY, HOUR, Story, ms
from tests.pipeline import Pipeline, build_engine, run

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
    assert [a.status for a in latest(pipeline.finish(ms(4 * HOUR)))] == ["resolved"]


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


def test_an_order_that_is_not_paid_has_no_times_yet() -> None:
    (alert,) = latest(run(banned_and_other().events, ms(DAY)))
    assert alert.deadlines == []
    assert all(action.due_at is None for action in alert.suggested_actions)


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


def test_one_order_is_one_alert_however_many_identities_it_shares() -> None:
    story = Story(buyer="banned")
    story.created("old", 0, receiver=PHONE, device="d")
    story.flagged(HOUR, banned=True)
    story.buyer = "other"
    story.created("new", 2 * HOUR, receiver=PHONE, device="d")
    (alert,) = latest(run(story.events, ms(DAY)))
    assert alert.evidence.facts_total == 2
    assert {fact.detail["banned"] for fact in alert.evidence.facts} == {"banned"}
