"""The laws that need a story: absence (L4), late truth (L5), identity (L6), and what must never be.

Never is an order closed (L10), and never does personal data leave (L11).
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random
from typing import Any, get_args

import pytest

from schemas.alerts import ActionCode, SignalMessage
from schemas.events.trade import OrderClosed
from schemas.topics import BUYER_TOPICS, TOPICS
from streams.detect.acts import ACTED
from streams.detect.diff import alert_id
from streams.detect.facts import Signal
from streams.detect.state import unpack
from streams.runtime.signals import encode_signal
from tests.oracle.story import DAY, HOUR, MINUTE, Story, ms
from tests.pipeline import Event, Pipeline, run

ROOT = Path(__file__).parents[2]


def burst(
    orders: int = 6, *, buyer: str = "b", begin: float = 0, story: Story | None = None
) -> Story:
    """Unpaid orders, a minute apart; the fifth counts at `begin` + 420 s."""
    story = story or Story()
    story.buyer = buyer
    for number in range(orders):
        story.created(f"{buyer}-{number}", begin + 60 * number)
    return story


def live(**options: Any) -> Pipeline:
    """As the worker runs: events move the horizon, two minutes of lateness."""
    return Pipeline(lateness_ms=120_000, **{"silence_min_buyers": 20, **options})


def said(pipeline: Pipeline) -> list[tuple[str, str]]:
    return [(alert.change, alert.severity) for alert in pipeline.alerts]


# L4: absence needs proof.


@pytest.mark.parametrize("topic", ["payments", "orders"])
def test_a_lagging_topic_accuses_nobody(topic: str) -> None:
    pipeline = live()
    pipeline.send(burst().events)
    pipeline.read_to_end(ms(DAY), [t for t in BUYER_TOPICS if t != topic])
    pipeline.read_to_end(ms(419.999), [topic])
    assert said(pipeline) == []
    pipeline.read_to_end(ms(420), [topic])
    assert said(pipeline) == [("opened", "warn")]


def test_a_dead_payments_topic_accuses_nobody_however_much_else_arrives() -> None:
    pipeline = live()
    for day in range(20):
        pipeline.send(burst(begin=day * DAY, buyer=f"b{day}").events)
        pipeline.read_to_end(ms(day * DAY), [t for t in BUYER_TOPICS if t != "payments"])
    assert pipeline.alerts == []


def test_an_idle_topic_moves_nothing_until_it_is_proven_to_be_read() -> None:
    pipeline = live()
    story = burst()
    story.created("later", 10 * DAY)
    pipeline.send(story.events)
    assert pipeline.alerts == []
    pipeline.read_to_end(ms(HOUR), ["payments"])
    assert said(pipeline) == [("opened", "warn")]


def test_payments_of_others_move_the_horizon_less_the_lateness() -> None:
    pipeline, story = live(), burst()
    story.buyer = "other"
    story.created("x", 539.999)
    story.paid("x", 539.999)
    pipeline.send(story.events)
    assert pipeline.alerts == []
    story.created("y", 540)
    story.paid("y", 540)
    pipeline.send(story.events[-2:])
    assert said(pipeline) == [("opened", "warn")]


def outage(buyers: int, *, orders: int = 6) -> Story:
    """So many buyers with a burst each, and not a single payment."""
    story = Story()
    for number in range(buyers):
        burst(orders, buyer=f"b{number}", story=story)
    return story


def test_a_shop_where_many_order_and_nobody_pays_has_an_outage() -> None:
    pipeline = live()
    pipeline.send(outage(20).events)
    pipeline.read_to_end(ms(DAY))
    assert pipeline.alerts == []
    assert "s" in pipeline.buyers[0].frontier.silent_shops
    assert pipeline.buyers[0].frontier.horizon(["orders"]) == ms(DAY)
    assert pipeline.buyers[0].frontier.horizon(["payments", "orders"], "s") == 0


def test_one_buyer_fewer_is_no_outage() -> None:
    pipeline = live()
    pipeline.send(outage(19).events)
    pipeline.read_to_end(ms(HOUR))
    assert len(pipeline.alerts) == 19


def test_an_outage_at_one_shop_does_not_shield_another() -> None:
    pipeline, story = live(), outage(20)
    story.shop = "other"
    burst(buyer="attacker", story=story)
    story.buyer = "honest"
    story.created("x", 400)
    story.paid("x", 410)
    pipeline.send(story.events)
    pipeline.read_to_end(ms(HOUR))
    assert [alert.subject.id for alert in pipeline.alerts] == ["other:attacker"]


def test_one_batch_with_other_shops_payments_does_not_hide_an_outage() -> None:
    """A catch-up reads hours at once: the frontier may not run ahead on what others paid."""
    story = outage(20)
    story.shop, story.buyer = "other", "honest"
    story.created("x", 2 * HOUR)
    story.paid("x", 2 * HOUR)
    pipeline = live()
    pipeline.send(story.events)
    assert pipeline.alerts == []
    pipeline.read_to_end(ms(DAY))
    assert pipeline.alerts == []


def test_a_restart_in_an_outage_accuses_nobody() -> None:
    pipeline = live()
    pipeline.send(outage(20).events)
    pipeline.read_to_end(ms(HOUR))
    pipeline.restart()
    pipeline.read_to_end(ms(DAY))
    assert pipeline.alerts == []


def test_after_an_outage_those_who_still_do_not_pay_are_named() -> None:
    pipeline, story = live(), outage(20)
    pipeline.send(story.events)
    pipeline.read_to_end(ms(HOUR))
    paid = Story()
    for number in range(1, 20):
        paid.buyer = f"b{number}"
        for order in range(6):
            paid.paid(f"b{number}-{order}", HOUR)
    for number, (_, value) in enumerate(paid.events):
        value["event_id"] = f"p{number}"
    pipeline.send(paid.events)
    pipeline.read_to_end(ms(DAY))
    names = {a["subject"]["id"] for a in pipeline.standing.values() if a["status"] != "resolved"}
    assert names == {"s:b0"}


def test_a_shop_that_never_reports_payments_is_never_accused() -> None:
    """Like a data set without payments: nothing may be concluded from their absence."""
    pipeline = live()
    events = outage(30).events
    for begin in range(0, len(events), 18):
        pipeline.send(events[begin : begin + 18])
    pipeline.read_to_end(ms(30 * DAY))
    assert pipeline.alerts == []


def test_the_horizon_never_moves_back() -> None:
    pipeline = live()
    frontier = pipeline.buyers[0].frontier
    pipeline.read_to_end(ms(HOUR))
    pipeline.read_to_end(ms(0))
    story = Story()
    story.created("x", 60)
    pipeline.send(story.events)
    assert frontier.horizon(BUYER_TOPICS) == ms(HOUR)
    pipeline.restart()
    assert pipeline.buyers[0].frontier is not frontier
    assert pipeline.buyers[0].frontier.horizon(BUYER_TOPICS) == ms(HOUR)
    assert pipeline.buyers[0].frontier.newest_ms == frontier.newest_ms


# L3: crashes.


class _Everything(Random):
    """Everything that was on its way has left."""

    def random(self) -> float:
        return 0.0


def test_an_alert_that_left_before_a_crash_is_taken_back_if_it_is_not_implied_any_more() -> None:
    story = burst(5)
    story.paid("b-0", 10)
    pipeline = Pipeline(holds_signals=True)
    pipeline.read_to_end(ms(HOUR))
    pipeline.send_and_crash(story.events[:5], _Everything())
    assert said(pipeline) == [("opened", "warn")]
    # Read again, the orders come in one batch with the payment that contradicts the alert.
    pipeline.send(story.events)
    assert pipeline.finish(ms(HOUR)).standing == {}
    assert [alert.change for alert in pipeline.alerts] == ["opened", "retracted"]


def test_a_signal_that_may_not_have_left_before_a_crash_is_told_again() -> None:
    story = Story()
    story.created("o", 0)
    story.paid("o", 1)
    story.requested("o", 2 * HOUR, reason="stockout")
    pipeline = Pipeline(holds_signals=True)
    pipeline.send_and_crash(story.events, _Everything())
    pipeline.send(story.events)
    first, again = [one.signal for one in pipeline.signals]
    assert (first.ref, first.version, first.values) == (again.ref, again.version, again.values)


class _Nothing(Random):
    """Nothing has left of what was on its way."""

    def random(self) -> float:
        return 1.0


def test_a_correction_that_is_told_again_after_a_crash_counts_for_more_than_what_it_corrects() -> (
    None
):
    """When a burst was paid is corrected, which makes nothing larger from which versions are made."""
    story = Story()
    for number in range(6):
        story.created(f"o{number}", MINUTE * number, device="dev-a")
    for at in (HOUR, 2 * HOUR, 3 * HOUR):
        for number in range(6):
            story.paid(f"o{number}", at)
    pipeline = Pipeline(holds_signals=True)
    pipeline.read_to_end(ms(4 * HOUR))
    for batch in (story.events[:12], story.events[12:18]):
        pipeline.send(batch)
        pipeline.deliver()
    pipeline.send_and_crash(story.events[18:], _Nothing())
    assert pipeline.signals == []
    pipeline.send(story.events[18:])
    assert settled(pipeline.finish(ms(DAY))) == settled(run(story.events, ms(DAY))) == ms(3 * HOUR)


def settled(pipeline: Pipeline) -> int | str | bool:
    """When a device was told that the burst had been paid."""
    (act,) = [
        fact
        for key, packed in pipeline.subjects[0].states.items()
        if key.startswith("x/")
        for fact in unpack(packed).facts
        if isinstance(fact, Signal) and fact.name == ACTED
    ]
    return act.values["settled_ms"]


def test_a_signal_that_no_longer_holds_is_taken_back() -> None:
    story = Story()
    story.created("o", 0, units=50)
    story.paid("o", 60)
    pipeline = Pipeline(holds_signals=True)
    pipeline.read_to_end(ms(HOUR))
    pipeline.send(story.events[:1])
    pipeline.send(story.events[1:])
    told, void = [one.signal for one in pipeline.signals]
    assert told.values["units"] == 50
    assert (void.ref, void.version, void.values) == (told.ref, told.version + 1, {})
    # The payment is corrected to a later one: it holds after all.
    story.paid("o", HOUR)
    pipeline.send(story.events[2:])
    assert pipeline.signals[-1].signal.version > void.version
    assert pipeline.signals[-1].signal.values["units"] == 50


def test_a_signal_that_is_taken_back_keeps_the_contract_whatever_the_ids() -> None:
    story = Story()
    story.buyer = "b" * 128
    story.created("o" * 128, 0, units=50)
    story.paid("o" * 128, 60, payment="p")
    pipeline = Pipeline(holds_signals=True)
    pipeline.read_to_end(ms(HOUR))
    pipeline.send(story.events[:1])
    pipeline.send(story.events[1:])
    for one in pipeline.signals:
        SignalMessage.model_validate_json(encode_signal(one)[1])
    assert not pipeline.signals[-1].signal.values


# L5: late truth wins.


def test_a_payment_that_arrives_late_retracts_visibly() -> None:
    story = burst(5)
    pipeline = run(story.events, ms(HOUR))
    assert said(pipeline) == [("opened", "warn")]
    story.paid("b-0", 10)
    pipeline.send(story.events[-1:])
    last = pipeline.alerts[-1]
    assert (last.change, last.status, last.revision) == (
        "retracted",
        "retracted",
        pipeline.alerts[0].revision + 1,
    )
    assert last.alert_id == pipeline.alerts[0].alert_id
    assert last.reason is not None and "no longer supports" in last.reason.en
    assert last.resolved_at is not None
    assert pipeline.standing == {}


def test_a_retracted_alert_comes_back_under_its_id() -> None:
    story = burst(5)
    story.paid("b-0", 10, payment="p")
    pipeline = Pipeline()
    pipeline.send(story.events[:5])
    pipeline.read_to_end(ms(HOUR))
    pipeline.send(story.events[5:])
    # The payment came after the grace, so says its last writer.
    story.paid("b-0", HOUR // 2, payment="p")
    pipeline.send(story.events[6:])
    assert [alert.change for alert in pipeline.alerts] == ["opened", "retracted", "reopened"]
    assert len({alert.alert_id for alert in pipeline.alerts}) == 1


def test_two_orders_of_one_event_are_two_orders() -> None:
    """A connector that splits one trade gives its parts the event and the time of the whole."""
    story = Story()
    for number in range(6):
        story.created(f"o{number}", 0, event_id="trade")
    found = run(story.events, ms(HOUR)).standing
    (alert,) = found.values()
    assert alert["evidence"]["facts_total"] == 6
    assert run(story.events[::-1], ms(HOUR)).standing == found


def test_payments_after_the_grace_resolve() -> None:
    story = burst(5)
    pipeline = run(story.events, ms(HOUR))
    for number in range(4):
        story.paid(f"b-{number}", HOUR + number)
        pipeline.send(story.events[-1:])
    last = pipeline.alerts[-1]
    assert (last.change, last.status) == ("resolved", "resolved")
    assert last.resolved_at is not None and last.resolved_at.timestamp() * 1000 == ms(HOUR + 3)
    assert [unit.state for unit in last.held_units] == ["paid"] * 4 + ["held"]
    assert last.reason is not None
    assert [alert.change for alert in pipeline.alerts[1:-1]] == ["updated"] * 3


def test_a_late_payment_moves_the_opening_of_an_episode_that_stands() -> None:
    story = burst(6)
    pipeline = run(story.events, ms(HOUR))
    story.paid("b-4", 300)
    pipeline.send(story.events[-1:])
    (last,) = pipeline.standing.values()
    assert last["opened_at"] == "2026-11-01T00:08:00Z"


def test_what_comes_after_retention_is_set_aside_and_changes_nothing() -> None:
    story = burst(5)
    pipeline = run(story.events, ms(HOUR))
    story.created("much-later", 50 * DAY)
    pipeline.send(story.events[-1:])
    before = pipeline.standing, pipeline.state_of("b/s:b")
    story.paid("b-0", 10)
    pipeline.send(story.events[-1:])
    effects = pipeline.effects[-1]
    assert [fact.event_id for fact in effects.late] == [story.events[-1][1]["event_id"]]
    assert effects.changed == {}
    assert (pipeline.standing, pipeline.state_of("b/s:b")) == before


def test_exactly_at_retention_a_fact_is_still_taken() -> None:
    story = Story()
    story.created("new", 45 * DAY)
    story.created("old", 0)
    story.created("older", -0.001)
    pipeline = Pipeline()
    for event in story.events:
        pipeline.send([event])
    assert [fact.ref for effects in pipeline.effects for fact in effects.late] == ["older"]


# L6: identity.


def test_the_id_is_derived_from_what_anchors_the_episode() -> None:
    (alert,) = run(burst().events, ms(HOUR)).alerts
    assert alert.alert_id == alert_id("D01", "default", "buyer", "s:b", "e0000")
    # Written down, for it must never change: all stored alerts would lose their identity.
    assert alert.alert_id == "cb12e7f3-b1ba-5a14-b716-cf62d0c85c80"


def test_replays_give_the_same_ids() -> None:
    assert run(burst().events, ms(HOUR)).standing == run(burst().events, ms(HOUR)).standing


@pytest.mark.parametrize(
    "other", [("D08", "default", "buyer", "s:b", "e"), ("D01", "t", "buyer", "s:b", "e")]
)
def test_everything_that_identifies_counts(other: Any) -> None:
    assert alert_id("D01", "default", "buyer", "s:b", "e") != alert_id(*other)


def test_an_earlier_event_moves_the_anchor_and_the_new_alert_names_the_old_one() -> None:
    story = burst(5)
    pipeline = run(story.events, ms(HOUR))
    story.created("earlier", -30)
    pipeline.send(story.events[-1:])
    old, new, gone = pipeline.alerts
    assert new.change == "opened"
    assert new.supersedes == old.alert_id != new.alert_id
    assert (gone.alert_id, gone.change) == (old.alert_id, "retracted")
    assert new.evidence.facts[0].ref == "earlier"


# N07, N15, N18, N24, N27, N28 beside the examples of the contract suite.


def test_split_orders_are_forgiven_once_paid() -> None:
    story = Story()
    for number in range(12):
        story.created(f"o{number}", 50 * number, 20)
        story.paid(f"o{number}", 50 * number + 180)
        story.shipped(f"o{number}", DAY)
    alerts = run(story.events, ms(4 * DAY)).alerts
    assert [alert for alert in alerts if alert.severity != "info"] == []


def test_a_payment_before_its_order_duplicates_and_replay_change_nothing() -> None:
    """N27: the way in which events come changes no alert."""
    story = burst(6)
    story.paid("b-0", 30)
    expected = run(story.events, ms(HOUR)).standing
    assert len(expected) == 1
    pipeline = Pipeline()
    for event in [story.events[-1], *story.events, *story.events]:
        pipeline.send([event])
    pipeline.finish(ms(HOUR))
    for event in story.events:
        pipeline.send([event])
    assert pipeline.finish(ms(HOUR)).standing == expected


def test_the_unpaid_of_a_flash_sale_never_add_up_over_buyers() -> None:
    story = Story()
    for number in range(500):
        story.buyer = f"b{number}"
        for order in range(4):
            story.created(f"o{number}-{order}", number % 300, 12)
    assert run(story.events, ms(4 * DAY)).alerts == []


def test_refusing_a_refund_is_never_suggested() -> None:
    story = Story()
    story.created("o", 0)
    for attempt in range(1, 5):
        story.requested("o", attempt * DAY, attempt=attempt)
        story.refund_step("refused", "o", attempt * DAY + 1, attempt=attempt)
    (alert,) = run(story.events, ms(9 * DAY)).standing.values()
    assert {a["code"] for a in alert["suggested_actions"]} == {
        "A4_remind",
        "A6_evidence_pack",
        "A10_draft_complaint",
    }
    texts = json.dumps(alert["suggested_actions"], ensure_ascii=False)
    assert "拒绝" not in texts and "refuse" not in texts.lower()


# L10: never close an order.

CLOSING = re.compile(
    r"close[_ -]?(the |an )?order|order[_ -]close\b|关闭订单|關閉訂單", re.IGNORECASE
)


def test_no_action_closes_an_order() -> None:
    assert not [code for code in get_args(ActionCode) if "close" in code.lower()]
    # Closing is only ever observed: no output topic knows the word.
    for topic in TOPICS.values():
        if topic.direction != "input":
            assert "clos" not in topic.name
    assert OrderClosed.__doc__ is not None and "never cause it" in OrderClosed.__doc__


@pytest.mark.parametrize("folder", ["streams", "schemas"])
def test_no_code_template_or_schema_closes_an_order(folder: str) -> None:
    """Wherever closing an order is mentioned, it is to warn against it."""
    for path in sorted((ROOT / folder).rglob("*")):
        if path.suffix not in {".py", ".html", ".js", ".json", ".yaml"} or "events" in path.parts:
            continue
        if path.name.startswith("bad_"):  # An example of what the contract refuses.
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if CLOSING.search(line):
                where = f"{path.relative_to(ROOT)}:{number}"
                assert WARNING.search(line), f"{where} may close an order: {line.strip()}"


WARNING = re.compile(
    r"never|don't|do not|\bno\b|请勿|不要|不能|會被|会被|六分|6分|penalty|cannot|\bnot\b",
    re.IGNORECASE,
)


# L11: personal data stays inside.

CANARIES = ("13800138000", "王小明canary", "测试路18号canary", "canary@example.com", "canary-text")


def private(events: list[Event]) -> list[Event]:
    """The same events with personal data in every field that may hold some."""
    phone, name, street, mail, text = CANARIES
    receiver = {"name": name, "phone": phone, "city": "杭州", "district": mail, "detail": street}
    extra = {"receiver": receiver, "reason_text": text, "text": f"{text} {phone} {mail}"}
    return [(topic, {**value, **extra}) for topic, value in events]


def test_no_phone_address_or_name_leaves_or_is_kept() -> None:
    story = burst(12)
    for number in range(6):
        story.buyer = f"c{number}"
        story.created(f"c{number}", 0, ship_by=DAY)
        story.shipped(f"c{number}", HOUR)
        story.requested(f"c{number}", 2 * DAY, reason="stockout", goods="not_received")
        story.filed(f"k{number}", f"c{number}", 2 * DAY)
    for attempt in range(1, 5):
        story.requested("c5", attempt * DAY, attempt=attempt, refund=f"x{attempt}")
        story.refund_step("refused", "c5", attempt * DAY + 1, attempt=attempt, refund=f"x{attempt}")
    pipeline = Pipeline(holds_signals=True)
    pipeline.send(private(story.events))
    pipeline.read_to_end(ms(3 * DAY))
    told = list(pipeline.signals)
    pipeline.finish(ms(3 * DAY))
    assert {alert.detector for alert in pipeline.alerts} >= {"D01", "D08", "D10"}
    assert {alert.subject.kind for alert in pipeline.alerts} >= {"buyer", "shop"}
    outputs = [alert.model_dump_json().encode() for alert in pipeline.alerts]
    outputs += [value for one in told for value in encode_signal(one)]
    for partition in pipeline.partitions:
        outputs += [key.encode() + packed for key, packed in partition.states.items()]
        outputs.append(json.dumps(partition.frontier.export(), ensure_ascii=False).encode())
    assert len(outputs) > 20
    for canary in CANARIES:
        assert not [output for output in outputs if canary.encode() in output]
