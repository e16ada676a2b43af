"""D02 where buyers tell items: what is taken back, what arrives late, and how much is told."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from schemas.alerts import Alert
from schemas.topics import TOPICS
from streams.detect.alerts import LISTED_HOLDS, envelope
from streams.detect.detectors.d02_stock_squat import MAX_TOLD_A_DAY
from streams.detect.episodes import Told
from streams.detect.facts import MAX_FACTS_PER_KIND, Signal
from streams.detect.state import unpack
from tests.oracle.story import DAY, HOUR, Story, ms
from tests.pipeline import Pipeline, build_engine, run

MINUTE = 60


def squatted(*items: str) -> Story:
    """Items of which half is held for long."""
    story = Story()
    for item in items:
        story.stock(item, 0, 100, 50)
    return story


def latest(pipeline: Pipeline) -> dict[str, Alert]:
    return {alert.subject.id: alert for alert in pipeline.alerts if alert.detector == "D02"}


def holders(pipeline: Pipeline, item: str = "i") -> int:
    found = re.search(r"known to hold many: (\d+)", latest(pipeline)[f"s:{item}"].summary.en)
    assert found
    return int(found[1])


def test_a_hold_that_was_taken_back_is_held_by_nobody() -> None:
    """L5: the payment was in time, and is told late."""
    story = squatted("i")
    story.created("o", 60, 50)
    pipeline = run(story.events, ms(HOUR))
    assert holders(pipeline) == 1
    story.paid("o", 90)
    pipeline.send(story.events[-1:])
    assert holders(pipeline.finish(ms(2 * HOUR))) == 0


@pytest.mark.parametrize("is_late", [False, True])
def test_a_payment_before_a_close_counts_also_when_it_is_told_after_it(is_late: bool) -> None:
    story = Story()
    story.created("o", 0, 50)
    story.stock("i", 20 * MINUTE, 100, 50)
    story.closed("o", HOUR)
    story.paid("o", 10 * MINUTE)
    pipeline = Pipeline()
    if is_late:
        pipeline.send(story.events[:-1])
        pipeline.finish(ms(2 * HOUR))
        assert holders(pipeline) == 1
        pipeline.send(story.events[-1:])
    else:
        pipeline.send(story.events)
    assert holders(pipeline.finish(ms(2 * HOUR))) == 0


def test_each_item_of_an_order_hears_of_it() -> None:
    story = squatted("i", "j")
    story.created("o", 60, 20, more={"j": 30, "k": 4})
    pipeline = run(story.events, ms(HOUR))
    assert (holders(pipeline, "i"), holders(pipeline, "j")) == (1, 1)
    story.paid("o", 90)
    pipeline.send(story.events[-1:])
    pipeline.finish(ms(2 * HOUR))
    assert (holders(pipeline, "i"), holders(pipeline, "j")) == (0, 0)


def test_a_new_hold_takes_none_back_however_large() -> None:
    story = squatted("i")
    for number in range(MAX_TOLD_A_DAY):
        story.created(f"o{number}", number, 5)
    pipeline = Pipeline(holds_signals=True)
    pipeline.send(story.events)
    pipeline.read_to_end(ms(HOUR))
    story.created("new", 2 * HOUR, 500)
    pipeline.send(story.events[-1:])
    pipeline.read_to_end(ms(DAY))
    holds = [one.signal for one in pipeline.signals if one.signal.name == "unpaid_hold"]
    assert len(holds) == MAX_TOLD_A_DAY
    assert all(signal.values for signal in holds)


def flood_of(kind: str, story: Story, from_: float) -> None:
    """More facts of a kind than are kept, about other orders."""
    for number in range(MAX_FACTS_PER_KIND + 5):
        if kind == "orders":
            story.created(f"x{number}", from_ + number, 1)
        else:
            story.failed(f"x{number}", from_ + number)


@pytest.mark.parametrize("kind", ["orders", "failed payments"])
@pytest.mark.parametrize("paid_at", [90, 2 * HOUR])
def test_a_flood_after_a_hold_leaves_no_claim_that_its_payment_cannot_end(
    kind: str, paid_at: float
) -> None:
    """L1: the same events in one batch, before anything could be told, leave none either."""
    story = squatted("i")
    story.created("o", 60, 50)
    pipeline = run(story.events, ms(HOUR))
    assert held(pipeline) == ["o 50 held"]
    before = len(story.events)
    flood_of(kind, story, HOUR)
    pipeline.send(story.events[before:])
    story.paid("o", paid_at)
    pipeline.send(story.events[-1:])
    after = held(pipeline.finish(ms(2 * HOUR)))
    assert after == held(run(story.events, ms(2 * HOUR)))
    assert "o 50 held" not in after


def test_what_a_flood_takes_back_is_remembered_for_no_longer_than_what_it_was_about() -> None:
    story, pipeline = Story(), Pipeline(holds_signals=True)
    sizes = []
    for batch in range(4):
        for number in range(MAX_FACTS_PER_KIND):
            story.created(f"o{batch}/{number}", batch * HOUR + number, 5)
        pipeline.send(story.events[-MAX_FACTS_PER_KIND:])
        pipeline.read_to_end(ms(batch * HOUR + HOUR - 1))
        sizes.append(len(unpack(pipeline.state_of("b/s:b")).sent))
    assert max(sizes) <= 2 * MAX_TOLD_A_DAY
    standing = {one.signal.ref: one.signal for one in pipeline.signals}
    assert sum(bool(signal.values) for signal in standing.values()) == MAX_TOLD_A_DAY


@pytest.mark.parametrize("days", [1, 3, 20])
def test_a_hold_is_over_when_the_platform_of_the_shop_has_closed_the_orders(days: int) -> None:
    engine = build_engine(shops={"s": {"deadlines": {"T01": {"close_s": days * DAY}}}})
    pipeline = Pipeline(engine)
    pipeline.send(squatted("i").events)
    pipeline.finish(ms(days * DAY + 4 * MINUTE))
    assert latest(pipeline)["s:i"].status == "open"
    pipeline.finish(ms(days * DAY + 5 * MINUTE))
    assert latest(pipeline)["s:i"].status == "expired"


def held(pipeline: Pipeline) -> list[str]:
    return [f"{h.order_id} {h.units} {h.state}" for h in latest(pipeline)["s:i"].held_units]


def due(pipeline: Pipeline) -> list[int]:
    """When the platform closes the first order, in seconds into the story."""
    alert = latest(pipeline)["s:i"]
    return [round(one.due_at.timestamp()) - ms(0) // 1000 for one in alert.deadlines]


def test_the_alert_names_the_orders_that_hold_the_item_and_proves_them() -> None:
    story = squatted("i")
    story.created("o1", 60, 30)
    story.buyer = "c"
    story.created("o2", 120, 20)
    pipeline = run(story.events, ms(HOUR))
    assert held(pipeline) == ["o1 30 held", "o2 20 held"]
    assert due(pipeline) == [3 * DAY + 60]
    facts = [fact for fact in latest(pipeline)["s:i"].evidence.facts if fact.kind == "Signal"]
    said = [(fact.detail["buyer"], fact.detail["order"], fact.detail["units"]) for fact in facts]
    assert said == [("b", "o1", 30), ("c", "o2", 20)]


def test_without_an_order_to_name_there_is_nothing_for_the_ledger_to_do() -> None:
    alert = latest(run(squatted("i").events, ms(HOUR)))["s:i"]
    codes = [action.code for action in alert.suggested_actions]
    assert (codes, alert.deadlines) == (["A3_relist", "A2_deduct_on_payment"], [])


def test_what_becomes_of_an_order_is_told_while_the_item_is_held() -> None:
    story = squatted("i")
    for number, order in enumerate(("o1", "o2", "o3")):
        story.created(order, number, 20)
    story.paid("o1", HOUR)
    story.closed("o2", HOUR)
    story.paid("o2", 2 * HOUR)
    pipeline = run(story.events, ms(3 * HOUR))
    assert held(pipeline) == ["o1 20 paid", "o2 20 closed", "o3 20 held"]
    assert due(pipeline) == [3 * DAY + 2]


def test_the_platform_closes_one_order_after_the_other() -> None:
    story = squatted("i")
    story.created("o1", 0, 20)
    story.created("o2", HOUR, 20)
    story.stock("i", 2 * HOUR, 100, 50)
    pipeline = run(story.events, ms(3 * DAY - 1))
    assert (held(pipeline), due(pipeline)) == (["o1 20 held", "o2 20 held"], [3 * DAY])
    pipeline.finish(ms(3 * DAY))
    assert (held(pipeline), due(pipeline)) == (["o1 20 closed", "o2 20 held"], [3 * DAY + HOUR])
    pipeline.finish(ms(3 * DAY + HOUR))
    assert (held(pipeline), due(pipeline)) == (["o1 20 closed", "o2 20 closed"], [])
    assert latest(pipeline)["s:i"].status == "open"


def test_an_order_that_the_platform_closed_before_squats_on_nothing() -> None:
    story = Story()
    story.created("old", 0, 20)
    story.created("new", DAY, 20)
    story.stock("i", 3 * DAY, 100, 50)
    assert held(run(story.events, ms(3 * DAY + HOUR))) == ["new 20 held"]


def test_what_comes_after_the_end_revises_nothing() -> None:
    story = squatted("i")
    story.created("o", 0, 50)
    story.stock("i", HOUR, 100, 0)
    pipeline = run(story.events, ms(2 * HOUR))
    before = latest(pipeline)["s:i"]
    assert (before.status, held(pipeline)) == ("resolved", ["o 50 held"])
    story.paid("o", 3 * HOUR)
    pipeline.send(story.events[-1:])
    pipeline.finish(ms(5 * DAY))
    assert latest(pipeline)["s:i"] == before


@pytest.mark.parametrize(
    "values",
    [
        {"order": "", "units": 5},
        {"order": "o" * 129, "units": 5},
        {"order": 5, "units": 5},
        {"order": "o", "units": "many"},
        {"order": "o"},
        {"units": 5},
    ],
)
def test_a_signal_of_somebody_else_that_names_no_order_is_none(
    values: Mapping[str, int | str | bool],
) -> None:
    """Anybody can write to a topic, and a worker must not stop for it."""
    pipeline = Pipeline()
    signal = Signal(ms(1), "e", "unpaid_hold/x", "unpaid_hold", 1, {"buyer": "b", **values})
    pipeline.signals.append(Told("item", "s:i", signal))
    pipeline.deliver()
    pipeline.send(squatted("i").events)
    pipeline.finish(ms(HOUR))
    assert (held(pipeline), holders(pipeline)) == ([], 0)


def test_times_that_are_none_are_no_end() -> None:
    pipeline = Pipeline()
    values = {"buyer": "b", "order": "o", "units": 9, "until_ms": "soon", "paid_ms": 0}
    signal = Signal(ms(1), "e", "unpaid_hold/x", "unpaid_hold", 1, values)
    pipeline.signals.append(Told("item", "s:i", signal))
    pipeline.deliver()
    pipeline.send(squatted("i").events)
    assert held(pipeline.finish(ms(HOUR))) == ["o 9 held"]


def test_more_orders_than_are_kept_fit_a_record_and_the_alert_says_that_there_are_more() -> None:
    """Ids as long as the contract allows, from as many buyers as it takes."""
    item = "i" * 128
    story = Story(shop="s" * 64)
    for number in range(MAX_FACTS_PER_KIND + 200):
        story.buyer = f"{number // MAX_TOLD_A_DAY:0128}"
        story.created(f"{number:0128}", number / 10, 0, more={item: 5 + number % 7})
    pipeline = run(story.events, ms(10 * MINUTE))
    story.stock(item, 10 * MINUTE, 100_000, 60_000)
    pipeline.send(story.events[-1:])
    pipeline.finish(ms(HOUR))
    (alert,) = (alert for alert in latest(pipeline).values())
    assert (len(alert.held_units), alert.held_capped) == (LISTED_HOLDS, True)
    assert alert.evidence.facts_capped
    assert alert.evidence.facts_total <= MAX_FACTS_PER_KIND + 1
    assert len(envelope(alert).model_dump_json()) < 300_000
    state = pipeline.state_of(f"i/{story.shop}:{item}")
    assert len(state) < TOPICS["subject-state"].max_message_bytes / 2


def test_as_many_orders_as_are_kept_may_be_a_part_of_them() -> None:
    story = squatted("i")
    for number in range(MAX_FACTS_PER_KIND):
        story.buyer = f"b{number % 10}"
        # Most of them ended before: fewer are named than an alert has room for.
        at = 0 if number > MAX_FACTS_PER_KIND - 10 else number - 4 * DAY
        story.created(f"o{number}", at, 5)
    pipeline = run(story.events, ms(DAY))
    alert = latest(pipeline)["s:i"]
    assert (len(alert.held_units), alert.held_capped) == (9, True)
    # One that is taken back holds its place among what is kept.
    story.buyer = "b9"
    story.paid(f"o{MAX_FACTS_PER_KIND - 1}", 60)
    pipeline.send(story.events[-1:])
    alert = latest(pipeline.finish(ms(DAY + HOUR)))["s:i"]
    assert (len(alert.held_units), alert.held_capped) == (8, True)


@pytest.mark.parametrize(("paid_at", "named"), [(HOUR, []), (HOUR + 0.001, ["o 50 paid"])])
def test_an_order_that_ends_with_the_first_reading_holds_nothing(
    paid_at: float, named: list[str]
) -> None:
    story = Story()
    story.created("o", 0, 50)
    story.stock("i", HOUR, 100, 50)
    story.paid("o", paid_at)
    assert held(run(story.events, ms(2 * HOUR))) == named


@pytest.mark.parametrize(("paid_at", "state"), [(2 * HOUR, "paid"), (2 * HOUR + 0.001, "held")])
def test_an_order_that_ends_with_the_episode_has_ended(paid_at: float, state: str) -> None:
    story = squatted("i")
    story.created("o", 0, 50)
    story.stock("i", 2 * HOUR, 100, 0)
    story.paid("o", paid_at)
    assert held(run(story.events, ms(3 * HOUR))) == [f"o 50 {state}"]


@pytest.mark.parametrize(("placed", "named"), [(300, ["o 50 held"]), (300.001, [])])
def test_an_order_placed_after_the_last_reading_is_not_named(
    placed: float, named: list[str]
) -> None:
    story = squatted("i")
    story.created("o", placed, 50)
    assert held(run(story.events, ms(HOUR))) == named
