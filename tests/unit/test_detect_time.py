"""Episodes from crossings, wake-ups by event time, and the frontier of what has been read."""

from __future__ import annotations

from collections import Counter

import pytest

from schemas.alerts import Severity
from streams.detect.episodes import Crossing, higher, level_at, runs, slide
from streams.detect.facts import OrderPlaced
from streams.detect.horizon import Frontier
from streams.detect.timers import SLACK, Timers


def placed(at_ms: int, ref: str | None = None) -> OrderPlaced:
    return OrderPlaced(at_ms, f"e{at_ms}-{ref}", ref or f"o{at_ms}", 1, ())


def crossing(at_ms: int, *refs: str, level: Severity = "warn") -> Crossing:
    return Crossing(at_ms, level, [placed(at_ms, ref) for ref in refs])


# Episodes.


@pytest.mark.parametrize(("gap", "episodes"), [(0, 1), (10, 1), (11, 2)])
def test_crossings_up_to_the_cooldown_apart_are_one_episode(gap: int, episodes: int) -> None:
    assert len(runs([crossing(5, "a"), crossing(5 + gap, "b")], 10)) == episodes


def test_no_crossings_no_episodes() -> None:
    assert runs([], 10) == []


def test_an_episode_takes_the_highest_level_and_every_member_once() -> None:
    first = crossing(1, "a", "b", level="critical")
    (run,) = runs([first, Crossing(2, "warn", [*first.facts, placed(2, "c")])], 10)
    assert run.level == "critical"
    assert [member.ref for member in run.members] == ["a", "b", "c"]
    assert (run.anchor.ref, run.opened_at_ms, run.last_at_ms) == ("a", 1, 2)
    assert run.last.at_ms == 2


def test_levels_are_ordered() -> None:
    assert higher("warn", "critical") == higher("critical", "warn") == "critical"
    assert higher("info", "warn") == "warn"


@pytest.mark.parametrize(
    ("value", "level"), [(1, None), (2, "warn"), (3, "warn"), (4, "critical"), (9, "critical")]
)
def test_a_level_is_reached_at_its_threshold(value: int, level: str | None) -> None:
    assert level_at(value, 2, 4) == level


@pytest.mark.parametrize(("gap", "crosses"), [(9, True), (10, True), (11, False)])
def test_a_window_includes_both_its_ends(gap: int, crosses: bool) -> None:
    crossings = slide(
        [placed(0), placed(gap)], 10, lambda f: f.ref, lambda w: level_at(len(w), 2, 9)
    )
    assert [c.at_ms for c in crossings] == ([gap] if crosses else [])


def test_a_moment_is_judged_once_with_all_its_facts() -> None:
    facts = [placed(5, ref) for ref in "abc"]
    seen: list[Counter[str]] = []

    def level_of(window: Counter[str]) -> Severity | None:
        seen.append(Counter(window))
        return "warn"

    crossings = slide(facts, 10, lambda f: f.ref, level_of)
    assert seen == [Counter("abc")]
    assert [list(c.facts) for c in crossings] == [facts]


def test_a_window_counts_by_key_and_forgets_keys_that_left() -> None:
    facts = [placed(0, "a"), placed(1, "a"), placed(11, "b"), placed(30, "c")]
    sizes: list[int] = []

    def level_of(window: Counter[str]) -> Severity | None:
        sizes.append(len(window))
        return None

    slide(facts, 10, lambda f: f.ref, level_of)
    assert sizes == [1, 1, 2, 1]


def test_after_a_pause_a_crossing_brings_its_whole_window() -> None:
    facts = [placed(n) for n in (0, 1, 2, 8, 20, 21, 22)]
    crossings = slide(facts, 10, lambda f: f.ref, lambda w: level_at(len(w), 3, 9))
    assert [(c.at_ms, [f.at_ms for f in c.facts]) for c in crossings] == [
        (2, [0, 1, 2]),
        (8, [8]),
        (22, [20, 21, 22]),
    ]


# Wake-ups.


def test_a_subject_is_woken_once_at_its_time() -> None:
    timers = Timers()
    timers.set("a", 10)
    assert timers.due(9) == []
    assert timers.due(10) == ["a"]
    assert timers.due(11) == []
    assert len(timers) == 0


def test_a_new_time_replaces_the_old_and_none_removes_it() -> None:
    timers = Timers()
    timers.set("a", 10)
    timers.set("a", 20)
    timers.set("a", 20)
    timers.set("b", 5)
    timers.forget("b")
    timers.forget("never")
    assert len(timers) == 1
    assert timers.due(19) == []
    assert timers.due(20) == ["a"]


def test_an_earlier_time_takes_effect() -> None:
    timers = Timers()
    timers.set("a", 20)
    timers.set("a", 10)
    timers.set("a", 20)
    assert timers.due(15) == []
    assert timers.due(25) == ["a"]
    assert timers.due(30) == []


def test_all_that_are_due_come_in_the_order_of_their_times() -> None:
    timers = Timers()
    for name, at_ms in (("c", 3), ("a", 1), ("b", 2)):
        timers.set(name, at_ms)
    assert timers.due(3) == ["a", "b", "c"]


# The frontier.


def test_a_subject_that_replaces_its_time_without_end_takes_no_room_for_it() -> None:
    timers = Timers()
    for at_ms in range(10 * SLACK):
        timers.forget("hot")
        timers.set("hot", 10**9 + at_ms % 7)
    timers.set("other", 5)
    assert len(timers) == 2
    assert len(timers._heap) <= SLACK + 4
    assert timers.due(10**10) == ["other", "hot"]


def frontier(*, lateness_ms: int = 10, buyers: int = 2) -> Frontier:
    return Frontier(["orders", "payments"], lateness_ms, buyers)


def test_the_horizon_is_the_minimum_over_the_topics_asked_for() -> None:
    known = frontier()
    known.saw("orders", 100)
    assert known.horizon(["orders"]) == 90
    assert known.horizon(["orders", "payments"]) == 0
    known.read_to_end("payments", 80)
    assert known.horizon(["orders", "payments"]) == 70
    assert known.newest_ms == 100


def test_neither_older_events_nor_older_proofs_move_it_back() -> None:
    known = frontier()
    known.saw("orders", 100)
    known.saw("orders", 50)
    known.read_to_end("orders", 60)
    assert (known.horizon(["orders"]), known.newest_ms) == (90, 100)
    known.restore({"orders": 40, "": 30, "gone": 5})
    assert (known.horizon(["orders"]), known.newest_ms) == (90, 100)
    known.restore({"orders": 95, "": 130})
    assert (known.horizon(["orders"]), known.newest_ms) == (95, 130)


def test_a_shop_is_silent_when_so_many_buyers_wait_for_any_payment() -> None:
    known = frontier(lateness_ms=0)
    known.read_to_end("payments", 100)
    known.read_to_end("orders", 100)
    known.ordered("s", {"a": 110})
    known.ordered("s", {"a": 120})
    assert not known.silent_shops
    known.ordered("s", {"b": 120})
    assert "s" in known.silent_shops
    # Elsewhere people pay: it is this shop and not the provider.
    known.paid("other", 120)
    known.read_to_end("payments", 500)
    known.read_to_end("orders", 500)
    assert known.horizon(["orders", "payments"], "s") == 100
    assert known.horizon(["orders"], "s") == 500
    assert known.horizon(["orders", "payments"], "other") == 500


def test_orders_before_the_last_payment_do_not_wait() -> None:
    known = frontier()
    known.paid("s", 100)
    known.paid("s", 50)
    known.ordered("s", {"a": 100})
    known.ordered("s", {"b": 99})
    assert not known.silent_shops
    known.ordered("s", {"c": 101})
    known.ordered("s", {"d": 101})
    assert known.silent_shops


def test_a_payment_ends_the_silence_and_a_backlog_lifts_it_step_by_step() -> None:
    known = frontier(lateness_ms=0)
    for at_ms, buyer in enumerate("abc", 10):
        known.ordered("s", {buyer: at_ms})
    known.read_to_end("payments", 500)
    known.paid("s", 5)
    assert known.horizon(["payments"], "s") == 5
    known.paid("s", 11)
    assert not known.silent_shops
    known.paid("s", 20)
    assert known.horizon(["payments"], "s") == 500
