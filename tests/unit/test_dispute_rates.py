"""D31 where what a shop is told is bounded: what is taken back, what is left out, what is too much."""

from __future__ import annotations

import pytest

from streams.detect.detector import Facts
from streams.detect.detectors.d31_ae_dispute_rate import MAX_TOLD, DisputeRate
from streams.detect.episodes import Verdict
from streams.detect.facts import MAX_FACTS_PER_KIND, Signal, trim
from tests.oracle.seller_story import SellerStory
from tests.oracle.story import DAY, HOUR, ms
from tests.pipeline import Pipeline, build_engine

DETECTOR = DisputeRate()


def told(number: int, name: str = "dispute") -> Signal:
    at_ms = ms(number)
    values = {"buyer": f"b{number}", "order": f"o{number}", "withdrawn_ms": 0}
    return Signal(at_ms, f"e{number}", f"{name}/b{number}/d", name, at_ms, dict(values))


def verdict(disputes: int, orders: int) -> Verdict:
    engine = build_engine(D31={"orders_per_window": orders})
    signals = [told(number) for number in range(disputes)]
    rules = engine.rules.of("s")["D31"].block
    return DETECTOR.evaluate(Facts("s", signals), ms(DAY), rules)


@pytest.mark.parametrize(
    ("disputes", "insufficient"),
    [(MAX_FACTS_PER_KIND - 1, []), (MAX_FACTS_PER_KIND, ["disputes_capped"])],
)
def test_l9_a_shop_with_more_disputes_than_are_kept_says_that_its_rate_is_not_known(
    disputes: int, insufficient: list[str]
) -> None:
    found = verdict(disputes, orders=60_000)
    assert (list(found.episodes), list(found.insufficient)) == ([], insufficient)


def test_a_lower_bound_that_is_too_high_is_told_all_the_same() -> None:
    found = verdict(MAX_FACTS_PER_KIND, orders=25_000)
    assert [episode.severity for episode in found.episodes] == ["critical"]
    assert list(found.insufficient) == ["disputes_capped"]


def test_signals_of_another_name_push_out_no_disputes() -> None:
    others = [told(DAY + number, "linked_order") for number in range(MAX_FACTS_PER_KIND + 5)]
    disputes = [told(number) for number in range(20)]
    kept, let_go_ms = trim([*disputes, *others])
    assert [fact for fact in kept if fact in disputes] == disputes
    assert len(kept) == 20 + MAX_FACTS_PER_KIND
    assert let_go_ms == others[4].at_ms


def withdrawn(first: int, count: int, begin: float) -> SellerStory:
    story = SellerStory()
    for number in range(first, first + count):
        at = begin + number
        story.disputed(f"o{number}", at)
        story.dispute_step("withdrawn", f"o{number}", at + HOUR)
    return story


def test_what_a_buyer_has_taken_back_does_not_stand() -> None:
    """Earlier disputes arrive late and take the places of ten others, all of them withdrawn."""
    pipeline = Pipeline()
    pipeline.send(withdrawn(10, MAX_TOLD, DAY).events)
    pipeline.finish(ms(2 * DAY))
    before = len(pipeline.alerts)
    earlier = withdrawn(0, 10, 0)
    for number, (_, event) in enumerate(earlier.events):
        event["event_id"] = f"early{number}"
    pipeline.send(earlier.events)
    pipeline.finish(ms(3 * DAY))
    assert {alert.status for alert in pipeline.alerts[before:]} <= {"resolved", "retracted"}


def test_a_newer_dispute_takes_none_back_that_was_told() -> None:
    story = SellerStory()
    for number in range(MAX_TOLD + 5):
        story.disputed(f"o{number}", number)
    pipeline = Pipeline(holds_signals=True)
    for event in story.events:
        pipeline.send([event])
    disputes = [one.signal for one in pipeline.signals if one.signal.name == "dispute"]
    assert len(disputes) == MAX_TOLD
    assert all(signal.values for signal in disputes)


@pytest.mark.parametrize(("orders", "title"), [(0, "纠纷较多"), (100, "纠纷率偏高")])
def test_nothing_is_called_a_rate_where_the_orders_are_not_known(orders: int, title: str) -> None:
    story = SellerStory()
    for number in range(10):
        story.disputed(f"o{number}", number)
    story.dispute_step("withdrawn", "o1", HOUR)
    pipeline = Pipeline(build_engine(D31={"orders_per_window": orders}))
    pipeline.send(story.events)
    alerts = [a for a in pipeline.finish(ms(DAY)).alerts if a.detector == "D31"]
    assert {alert.title.zh for alert in alerts} == {title}
    last = alerts[-1]
    assert last.status == "resolved" and last.reason is not None
    assert ("纠纷率" in last.reason.zh) == bool(orders)
