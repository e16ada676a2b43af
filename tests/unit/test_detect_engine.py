"""The engine and its partitions: state in bytes, cap and retention, signals, wake-ups, forgetting."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from schemas.alerts import Alert
from streams.detect.alerts import to_datetime
from streams.detect.detector import Detector, Facts, find_detectors
from streams.detect.engine import Engine
from streams.detect.episodes import Verdict
from streams.detect.facts import (
    DAY_MS,
    MAX_FACTS_PER_KIND,
    AnyFact,
    Contacted,
    OrderPaid,
    OrderPlaced,
    Signal,
)
from streams.detect.state import NO_WAKE, SubjectState, header, pack, unpack, wake_of
from tests.oracle.story import DAY, HOUR, Story, ms
from tests.pipeline import Pipeline, build_engine, default_engine, facts_of, run

FLOOD = 5000
LOWER_BOUNDS = "the numbers are lower bounds"


def flood(orders: int = FLOOD, every: float = 1) -> Story:
    story = Story()
    for number in range(orders):
        story.created(f"o{number:05}", number * every)
    return story


def ids(alerts: list[Alert]) -> set[str]:
    return {alert.alert_id for alert in alerts}


# State.


def test_state_is_what_it_was_after_packing() -> None:
    pipeline = run(flood(12).events, ms(HOUR))
    packed = pipeline.state_of("b/s:b")
    state = unpack(packed)
    assert len(state.facts) == 12
    assert len(state.published) == 1
    assert pack(state, wake_of(packed)) == packed


def test_the_header_tells_time_and_wake_up_without_unpacking() -> None:
    state = SubjectState(facts=[OrderPlaced(7, "e", "o", 1, ())])
    assert header(pack(state, 9))[:2] == (7, 9)
    assert wake_of(pack(state, None)) is None
    assert int.from_bytes(pack(state, None)[8:16], "big") == NO_WAKE


def test_two_states_do_not_share_their_lists() -> None:
    SubjectState().facts.append(OrderPlaced(7, "e", "o", 1, ()))
    assert SubjectState().facts == []


# Cap and retention.


@pytest.mark.parametrize("batch", [250, 1700, FLOOD])
def test_a_flood_keeps_one_alert_id_and_a_bounded_state(batch: int) -> None:
    story, pipeline = flood(), Pipeline()
    for start in range(0, FLOOD, batch):
        pipeline.send(story.events[start : start + batch])
        pipeline.read_to_end(ms(start + batch + 180))
        state = unpack(pipeline.state_of("b/s:b"))
        assert len(state.facts) <= MAX_FACTS_PER_KIND
    assert len(ids(pipeline.alerts)) == 1
    (alert,) = pipeline.standing.values()
    assert alert["severity"] == "critical"
    assert alert["evidence"]["facts_capped"]
    assert len(alert["evidence"]["facts"]) == 50
    assert alert["evidence"]["facts_total"] >= MAX_FACTS_PER_KIND
    assert LOWER_BOUNDS in str(alert["evidence"]["counter_evidence"])


def test_a_flood_that_is_followed_keeps_its_beginning() -> None:
    story, pipeline = flood(3000), Pipeline()
    for start in range(0, 3000, 500):
        pipeline.send(story.events[start : start + 500])
        pipeline.read_to_end(ms(start + 500 + 180))
    (alert,) = pipeline.standing.values()
    assert alert["window"]["start"] == "2026-11-01T00:00:00Z"
    assert alert["opened_at"] == "2026-11-01T00:03:04Z"


def test_an_alert_that_outgrew_its_facts_says_that_its_numbers_are_lower_bounds() -> None:
    story, pipeline = flood(1100), Pipeline()
    pipeline.send(story.events[:1000])
    pipeline.read_to_end(ms(1180))
    assert LOWER_BOUNDS not in str(pipeline.alerts[-1].evidence.counter_evidence)
    for event in story.events[1000:]:
        pipeline.send([event])
    pipeline.read_to_end(ms(1300))
    last = pipeline.alerts[-1]
    assert last.evidence.facts_total == 1000
    assert LOWER_BOUNDS in str(last.evidence.counter_evidence)


def test_up_to_fifty_facts_are_listed_and_of_more_the_first_and_the_last() -> None:
    (fifty,) = run(flood(50).events, ms(HOUR)).alerts
    assert not fifty.evidence.facts_capped
    assert len(fifty.evidence.facts) == 50
    (more,) = run(flood(51).events, ms(HOUR)).alerts
    assert more.evidence.facts_capped
    assert more.evidence.facts_total == 51
    refs = [fact.ref for fact in more.evidence.facts]
    assert refs == [f"o{n:05}" for n in (*range(40), *range(41, 51))]


def test_a_campaign_longer_than_retention_keeps_its_id_and_its_beginning() -> None:
    pipeline, story = Pipeline(), Story()
    for week in range(20):
        order = f"o{week}"
        story.created(order, week * 7 * DAY)
        story.requested(order, week * 7 * DAY + HOUR)
        pipeline.send(story.events[-2:])
        pipeline.read_to_end(ms(week * 7 * DAY + 2 * HOUR))
    assert len(ids(pipeline.alerts)) == 1
    assert not {"retracted", "reopened"} & {alert.change for alert in pipeline.alerts}
    first, last = pipeline.alerts[0], pipeline.alerts[-1]
    assert last.opened_at == first.opened_at
    assert last.window.start == first.window.start
    revisions = [alert.revision for alert in pipeline.alerts]
    assert revisions == sorted(set(revisions))
    assert LOWER_BOUNDS in str(last.evidence.counter_evidence)
    facts = unpack(pipeline.state_of("b/s:b")).facts
    assert facts[-1].at_ms - facts[0].at_ms <= 45 * DAY_MS


def test_what_retention_leaves_of_an_episode_neither_retracts_nor_rewrites_it() -> None:
    pipeline = run(flood(6, every=60).events, ms(4 * DAY))
    before = pipeline.standing
    story = flood(6, every=60)
    story.created("new", 45 * DAY + 130)
    pipeline.send(story.events[-1:])
    pipeline.finish(ms(46 * DAY))
    assert len(unpack(pipeline.state_of("b/s:b")).facts) == 4
    story.created("newer", 45 * DAY + 140)
    pipeline.send(story.events[-1:])
    pipeline.finish(ms(49 * DAY))
    assert pipeline.standing == before
    assert len(unpack(pipeline.state_of("b/s:b")).published) == 1


def test_the_ledger_forgets_episodes_that_ended_before_retention() -> None:
    pipeline, story = run(flood(6, every=60).events, ms(4 * DAY)), Story()
    for at, units in ((46 * DAY, 60), (100 * DAY, 60), (101 * DAY, 1)):
        story.created(f"o{at}", at, units=units)
        story.events[-1][1]["event_id"] = f"later{at}"
        pipeline.send(story.events[-1:])
        pipeline.finish(ms(at + HOUR))
    assert len(unpack(pipeline.state_of("b/s:b")).published) == 1
    assert len(pipeline.standing) == 3


# The engine.


def test_duplicates_are_not_evaluated_again() -> None:
    story = flood(6)
    pipeline = run(story.events, ms(HOUR))
    published = len(pipeline.alerts)
    pipeline.send(story.events)
    assert pipeline.effects[-1].evaluated == 0
    assert pipeline.effects[-1].changed == {}
    assert len(pipeline.alerts) == published


def test_a_subject_without_a_trigger_costs_a_state_and_nothing_else() -> None:
    story = Story()
    story.shipped("o", 0)
    pipeline = run(story.events, ms(DAY))
    assert pipeline.effects[0].evaluated == 0
    assert wake_of(pipeline.state_of("b/s:b")) is None


def test_a_flood_of_what_triggers_nothing_in_one_batch_is_kept_up_to_the_cap() -> None:
    # More than the sixteen bits in which a state counts the facts that it has not merged.
    contacts = [
        Contacted(ms(0) + number, f"e{number}", f"e{number}", False) for number in range(70_000)
    ]
    partition = Pipeline().buyers[0]
    partition.apply({"contacts": contacts[-1].at_ms}, {"b/s:b": contacts})
    assert len(unpack(partition.states["b/s:b"]).facts) == MAX_FACTS_PER_KIND


def test_a_payment_that_is_read_before_its_order_is_no_reason_to_look() -> None:
    pipeline, story = Pipeline(), Story()
    for number in range(3):
        story.created(f"o{number}", 60 * number)
        story.paid(f"o{number}", 60 * number + 5)
        pipeline.send(story.events[-1:])
        pipeline.send(story.events[-2:-1])
    # Nor is it one later: with an identity the order would wait for its payment, which is there already.
    story.created("o3", 180, device="a phone of her own")
    story.paid("o3", 185)
    pipeline.send(story.events[-1:])
    pipeline.send(story.events[-2:-1])
    pipeline.read_to_end(ms(HOUR))
    assert sum(effects.evaluated for effects in pipeline.effects) == 0
    # The same once more changes nothing; what is told anew is looked at, for it may say something else.
    topic, last = story.events[-2]
    pipeline.send([(topic, last)])
    assert pipeline.effects[-1].changed == {}
    pipeline.send([(topic, {**last, "event_id": "told-anew"})])
    assert pipeline.effects[-1].evaluated == 1


@pytest.mark.parametrize("restarts", [False, True], ids=["running", "restarted"])
def test_who_waits_is_woken_by_what_is_waited_for_and_by_nothing_else(restarts: bool) -> None:
    pipeline, story = Pipeline(), Story()
    story.created("o", 0)
    story.paid("o", 5)
    pipeline.send(story.events)
    if restarts:
        pipeline.restart()
    pipeline.read_to_end(ms(10 * DAY), ["chats", "reviews", "shipments"])
    assert sum(effects.evaluated for effects in pipeline.effects) == 0
    pipeline.read_to_end(ms(10 * DAY), ["orders"])
    assert pipeline.effects[-1].evaluated > 0
    assert [alert.detector for alert in pipeline.alerts] == ["D34"]


def test_a_subject_is_evaluated_once_a_batch() -> None:
    pipeline = Pipeline()
    pipeline.send(flood(100).events)
    assert pipeline.effects[0].evaluated == 1


def test_too_little_data_is_an_outcome_of_its_own() -> None:
    story = Story()
    for number in range(3):
        story.requested(f"o{number}", number)
        story.requested(f"c{number}", number, reason="stockout", goods="not_received")
    pipeline = run(story.events, ms(DAY))
    assert pipeline.alerts == []
    assert sum((e.insufficient for e in pipeline.effects), Counter()) == {
        ("D08", "orders_unknown"): 1,
        ("D10", "shipping_unknown"): 1,
    }


def test_rules_of_one_shop_hold_for_its_buyers_only() -> None:
    story = flood(5)
    story.shop = "t"
    for number in range(5):
        story.created(f"o{number:05}", number)
    engine = build_engine(shops={"t": {"D01": {"warn_orders": 6}}})
    pipeline = Pipeline(engine)
    pipeline.send(story.events)
    pipeline.finish(ms(HOUR))
    assert [alert.subject.id for alert in pipeline.alerts] == ["s:b"]


def test_shops_with_the_same_rules_share_a_gate() -> None:
    engine = build_engine(shops={"t": {"D01": {"warn_orders": 6}}})
    # A platform has tens of thousands of shops, and a gate takes kilobytes.
    assert engine.gate("buyer", "s1:b") is engine.gate("buyer", "s2:b")
    assert engine.gate("buyer", "t:b") is not engine.gate("buyer", "s1:b")


def test_an_escalation_is_named_so_and_updates_are_not() -> None:
    story, pipeline = flood(12, every=60), Pipeline()
    pipeline.send(story.events)
    for minute in range(3, 16):
        pipeline.read_to_end(ms(60 * minute))
    assert [alert.change for alert in pipeline.alerts] == [
        "opened",
        *["updated"] * 4,
        "escalated",
        *["updated"] * 2,
    ]
    assert pipeline.alerts[5].severity == "critical"


# Signals.


def claim(story: Story, order: str = "o", buyer: str = "b") -> None:
    story.buyer = buyer
    story.created(order, 0, ship_by=DAY)
    story.requested(order, HOUR, reason="stockout", goods="not_received")


def test_a_signal_is_told_when_it_is_news_and_its_version_grows() -> None:
    story, pipeline = Story(), Pipeline(holds_signals=True)
    claim(story)
    pipeline.send(story.events)
    (first,) = pipeline.signals
    assert first.signal.values["outcome"] == "pending"
    pipeline.read_to_end(ms(HOUR))
    story.contact(2 * HOUR)
    pipeline.send(story.events[-1:])
    assert len(pipeline.signals) == 2
    pipeline.read_to_end(ms(DAY))
    story.shipped("o", HOUR)
    pipeline.send(story.events[-1:])
    story.refund_step("withdrawn", "o", 2 * DAY)
    pipeline.send(story.events[-1:])
    outcomes = [told.signal.values["outcome"] for told in pipeline.signals]
    versions = [told.signal.version for told in pipeline.signals]
    assert outcomes == ["pending", "premature", "genuine", "proven", "withdrawn"]
    assert versions == sorted(set(versions))
    assert {told.signal.ref for told in pipeline.signals} == {first.signal.ref}


def test_a_signal_that_anybody_could_write_does_not_stop_the_shop() -> None:
    pipeline = Pipeline()
    strange = Signal(ms(0), "e", "stockout_claim/x", "stockout_claim", 1, {})
    other = Signal(ms(0), "e", "other/x", "other", 1, {"outcome": "proven"})
    pipeline.subjects[0].apply({"signals": ms(0)}, {"s/s": [strange, other]})
    assert pipeline.finish(ms(DAY)).alerts == []


# Partitions.


def test_a_partition_measures_the_bytes_of_its_states() -> None:
    pipeline = run(flood(30).events, ms(HOUR))
    (partition,) = pipeline.buyers
    assert partition.states.size_bytes == sum(map(len, partition.states.values())) > 0


def test_subjects_are_forgotten_a_day_after_their_last_fact_expired() -> None:
    pipeline = run(flood(6).events, ms(4 * DAY))
    story = Story(buyer="other")
    for day in (46, 46.01, 47.1):
        story.created(f"o{day}", day * DAY)
        story.events[-1][1]["event_id"] = f"later{day}"
        pipeline.send(story.events[-1:])
        is_kept = "b/s:b" in pipeline.buyers[0].states
        assert is_kept is (day < 47)
    assert pipeline.effects[-1].changed["b/s:b"] is None
    assert pipeline.buyers[0].states.size_bytes == len(pipeline.state_of("b/s:other"))
    pipeline.read_to_end(ms(200 * DAY))


def test_what_others_wait_for_does_not_delay_a_subject() -> None:
    """D01 waits for orders and payments, D10 not for payments; each wakes by its own horizon."""
    story, pipeline = flood(6), Pipeline(holds_signals=True)
    claim(story, "late")
    pipeline.send(story.events)
    pipeline.read_to_end(ms(HOUR), ["orders", "payments"])
    assert [alert.detector for alert in pipeline.alerts] == ["D01"]
    pipeline.read_to_end(ms(DAY), ["orders", "shipments", "refunds", "complaints", "chats"])
    assert pipeline.signals[-1].signal.values["outcome"] == "genuine"


class SleepsLonger(Detector[Any]):
    """Waits for the same topics as D01, but for a later time. Its id only finds it a rule block."""

    id = "D08"
    name = "sleeps_longer"
    subject = "buyer"
    triggers = (OrderPlaced,)
    topics = ("orders", "payments")

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Any) -> Verdict:
        return Verdict(wake_at_ms=ms(80 * DAY))


@pytest.mark.parametrize("place", [0, 1])
def test_of_two_detectors_that_wait_for_the_same_the_earlier_is_woken_in_time(place: int) -> None:
    detectors = [d for d in find_detectors() if d.id == "D01"]
    detectors.insert(place, SleepsLonger())
    pipeline = Pipeline(Engine(detectors, default_engine().rules, "default"))
    pipeline.send(flood(6).events)
    pipeline.read_to_end(ms(HOUR))
    assert [alert.detector for alert in pipeline.alerts] == ["D01"]


def test_a_silent_shop_is_looked_at_again_when_its_payments_come_and_not_before() -> None:
    pipeline, story = Pipeline(lateness_ms=0, silence_min_buyers=1), flood(6)
    # Elsewhere people pay: it is this shop and not the provider.
    story.shop = "other"
    story.created("x", 10)
    story.paid("x", 10)
    pipeline.send(story.events)
    pipeline.read_to_end(ms(HOUR))
    assert pipeline.effects[-1].evaluated == 1
    pipeline.read_to_end(ms(DAY))
    assert pipeline.effects[-1].evaluated == 0
    assert pipeline.alerts == []
    paying = Story()
    paying.buyer = "somebody-else"
    paying.paid("y", DAY)
    pipeline.send(paying.events)
    assert pipeline.effects[-1].evaluated == 1
    assert [alert.detector for alert in pipeline.alerts] == ["D01"]


def test_an_episode_of_two_bursts_says_what_one_window_held_and_what_there_is_in_all() -> None:
    """L9: beside a limit stands what was compared with it, and a form for the platform tells the truth."""
    story = Story()
    for number in range(5):
        story.created(f"a{number}", number, 2)
    for number in range(7):
        story.created(f"b{number}", 20 * HOUR + number, 1)
    pipeline = Pipeline()
    pipeline.send(story.events)
    pipeline.read_to_end(ms(22 * HOUR))
    alert = pipeline.alerts[-1]
    values = {check.name: (check.value, check.crossed) for check in alert.evidence.thresholds}
    assert values["orders"] == (7, "warn") and values["units"] == (10, None)
    assert (alert.severity, alert.evidence.facts_total) == ("warn", 12)
    assert "在30分钟内拍下7笔共10件未付款(前后共12笔17件)" in alert.summary.zh
    assert "7 (10 units) within 30 minutes (in all 12 orders, 17 units)" in alert.summary.en
    drafts = [action.draft for action in alert.suggested_actions if action.draft]
    assert any("30分钟内拍下7笔共10件未付款(前后共12笔17件)" in draft for draft in drafts)


@pytest.mark.parametrize(
    ("detector", "threshold", "value"),
    [("D08", "refund_only_orders", 3), ("D09", "abnormal_refund_orders", 5)],
)
def test_beside_a_limit_stands_what_one_window_held(
    detector: str, threshold: str, value: int
) -> None:
    """L9: an episode of two windows has more orders than either of them."""
    story, is_kept = Story(), detector == "D08"
    days = [*range(value), *range(31, 31 + value)]
    for number, day in enumerate(days):
        story.created(f"o{number}", day * DAY)
        story.paid(f"o{number}", day * DAY + 10)
        reason = "damaged" if is_kept else "quality"
        story.requested(f"o{number}", day * DAY + 3 * HOUR, refund_only=is_kept, reason=reason)
    pipeline = Pipeline()
    pipeline.send(story.events)
    pipeline.read_to_end(ms(40 * DAY))
    alert = next(a for a in reversed(pipeline.alerts) if a.detector == detector)
    values = {check.name: (check.value, check.crossed) for check in alert.evidence.thresholds}
    assert values[threshold] == (value, "warn")
    assert (alert.severity, alert.evidence.facts_total) == ("warn", 2 * value)


def test_engines_say_which_silences_they_wait_for() -> None:
    engine = default_engine()
    assert ("orders", "payments") in engine.waits_for(["buyer"])
    assert ("signals",) in engine.waits_for(["shop"])
    assert engine.waits_for([]) == []


def test_the_platforms_closing_is_waited_for_even_where_a_later_end_is_known() -> None:
    story, pipeline = flood(5), Pipeline()
    for number in range(5):
        story.closed(f"o{number:05}", 3 * DAY + HOUR)
    pipeline.send(story.events)
    pipeline.read_to_end(ms(HOUR))
    assert pipeline.alerts[-1].resolved_at == to_datetime(ms(3 * DAY + HOUR))
    pipeline.read_to_end(ms(3 * DAY + 5))
    assert pipeline.alerts[-1].resolved_at == to_datetime(ms(3 * DAY + 4))


def _burst(*paid: str) -> list[AnyFact]:
    story = Story()
    for number in range(6):
        story.created(f"o{number}", number)
    for order in paid:
        story.paid(order, 100)
    return [fact for event in story.events for fact in facts_of(event)[2]]


def test_after_a_crash_what_was_proven_stays_proven_though_time_is_not_there_again() -> None:
    engine = default_engine()
    said = engine.apply("buyer", "s:b", None, _burst(), lambda topics: ms(HOUR))
    assert said.intent is not None
    first = next(alert for alert in said.alerts if alert.detector == "D01")
    again = engine.apply("buyer", "s:b", said.intent(), (), lambda topics: ms(1))
    repeated = next(alert for alert in again.alerts if alert.detector == "D01")
    assert (repeated.alert_id, repeated.status) == (first.alert_id, "open")
    assert repeated.revision > first.revision
    assert repeated.evidence == first.evidence
    # Nor may the next fact be judged by less, until time is as far as it was.
    assert again.packed is not None and unpack(again.packed).horizons
    later = engine.apply("buyer", "s:b", again.packed, _burst("o5")[-1:], lambda topics: ms(2))
    assert [a.status for a in later.alerts if a.detector == "D01"] == ["open"]
    assert later.packed is not None
    done = engine.apply("buyer", "s:b", later.packed, (), lambda topics: ms(DAY))
    assert done.packed is not None and not unpack(done.packed).horizons


def test_after_a_crash_a_fact_that_contradicts_takes_it_back() -> None:
    engine = default_engine()
    said = engine.apply("buyer", "s:b", None, _burst(), lambda topics: ms(HOUR))
    paid = [fact for fact in _burst(*(f"o{n}" for n in range(6))) if isinstance(fact, OrderPaid)]
    then = engine.apply("buyer", "s:b", said.intent(), paid, lambda topics: ms(1))
    assert [a.status for a in then.alerts if a.detector == "D01"] == ["retracted"]


def test_after_a_crash_what_may_not_have_been_taken_back_is_taken_back() -> None:
    engine = default_engine()
    paid = [fact for fact in _burst(*(f"o{n}" for n in range(6))) if isinstance(fact, OrderPaid)]
    said = engine.apply("buyer", "s:b", None, _burst(), lambda topics: ms(HOUR))
    gone = engine.apply("buyer", "s:b", said.packed, paid, lambda topics: ms(HOUR))
    assert gone.intent is not None
    heir = engine.apply("buyer", "s:b", gone.intent(), (), lambda topics: ms(HOUR))
    first, again = (
        next(alert for alert in outcome.alerts if alert.detector == "D01")
        for outcome in (gone, heir)
    )
    assert first.change == again.change == "retracted"
    assert again.alert_id == first.alert_id
    assert again.revision > first.revision


def test_what_awaits_other_topics_is_looked_at_though_an_earlier_time_was_asked_for() -> None:
    """D03 waits for payments, which lag; D34 of the same order does not."""
    story = Story()
    story.created("o", 0, receiver={"phone": "13800138000"})
    pipeline = Pipeline()
    pipeline.send(story.events)
    pipeline.read_to_end(ms(5 * DAY), ["orders", "shipments"])
    assert pipeline.alerts == []
    story.paid("o", 60)
    pipeline.send(story.events[1:])
    assert [(a.detector, a.severity) for a in pipeline.alerts] == [("D34", "critical")]


def test_who_is_still_to_be_judged_is_not_forgotten_however_long_a_topic_says_nothing() -> None:
    story = Story()
    for number in range(6):
        story.created(f"o{number}", number)
    pipeline = Pipeline(lateness_ms=0)
    pipeline.send(story.events)
    story.buyer = "another"
    for day in (30, 60, 90):
        story.created(f"day-{day}", day * DAY)
        pipeline.send(story.events[-1:])
    # No payment was ever told, so nothing was concluded so far.
    assert pipeline.alerts == []
    pipeline.read_to_end(ms(90 * DAY))
    assert {a.subject.id for a in pipeline.alerts if a.detector == "D01"} == {"s:b"}
