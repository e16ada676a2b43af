"""Episodes from crossings, wake-ups by event time, and the frontier of what has been read."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import pytest

from schemas.alerts import Severity
from streams.detect.episodes import (
    Crossing,
    higher,
    level_at,
    runs,
    slide,
    slide_live,
)
from streams.detect.facts import NEVER, Fact, OrderPlaced
from streams.detect.horizon import Frontier
from streams.detect.timers import SLACK, Timers
from streams.detect.unpaid import outcome_of_burst


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


class Stay(NamedTuple):
    """Something that counts from one time on until another."""

    counted_ms: int
    end_ms: int = NEVER


class Live:
    """How many are live; the level is reached by two."""

    def __init__(self) -> None:
        self.count = 0

    def enter(self, one: Stay, /) -> None:
        self.count += 1

    def leave(self, one: Stay, /) -> None:
        self.count -= 1

    def level(self) -> Severity | None:
        return level_at(self.count, 2, 4)

    def compared(self) -> tuple[int, ...]:
        return (self.count,)


@pytest.mark.parametrize(
    ("stays", "crossings"),
    [
        # Both ends of the window belong to it.
        ([Stay(0), Stay(10)], [(10, "warn", [0, 10], 2)]),
        ([Stay(0), Stay(11)], []),
        # What ends at a moment does not count at it.
        ([Stay(0, 5), Stay(4)], [(4, "warn", [0, 4], 2)]),
        ([Stay(0, 4), Stay(4)], []),
        # It may end before another that began earlier, and leaves once.
        (
            [Stay(0, 9), Stay(1, 2), Stay(3), Stay(12)],
            [(1, "warn", [0, 1], 2), (3, "warn", [3], 2), (12, "warn", [12], 2)],
        ),
        # A moment is judged once; what was brought is not brought again, and what has ended never is.
        (
            [Stay(0), Stay(0), Stay(5), Stay(5)],
            [(0, "warn", [0, 0], 2), (5, "critical", [5, 5], 4)],
        ),
        ([Stay(0, 1), Stay(2), Stay(3)], [(3, "warn", [2, 3], 2)]),
        # After a pause a crossing brings the whole window, and nothing older.
        ([Stay(0), Stay(20), Stay(21)], [(21, "warn", [20, 21], 2)]),
    ],
)
def test_what_is_live_within_a_window_is_judged_moment_by_moment(
    stays: list[Stay], crossings: list[tuple[int, Severity, list[int], int]]
) -> None:
    found = slide_live(stays, 10, Live(), lambda stay: placed(stay.counted_ms))
    told = [(c.at_ms, c.level, [f.at_ms for f in c.facts], *c.compared) for c in found]
    assert told == crossings


def test_an_episode_begins_with_nothing_of_the_one_before() -> None:
    first, second = runs([crossing(1, "a", level="critical"), crossing(20, "b")], 10)
    assert [member.ref for member in second.members] == ["b"]
    assert (first.level, second.level) == ("critical", "warn")


@pytest.mark.parametrize(
    ("paid", "ends", "status", "at_ms"),
    [
        # Half of four: the second payment decides, though not before the episode was complete.
        ([3, 20], [3, 20, NEVER, NEVER], "resolved", 20),
        ([3, 4], [3, 4, NEVER, NEVER], "resolved", 10),
        ([3, 4], [3, 4, NEVER, NEVER, NEVER], "open", None),
        ([3], [3, 15, 12], "expired", 15),
        ([3], [3, 5, 6], "expired", 10),
        ([], [5, NEVER], "open", None),
    ],
)
def test_a_burst_is_over_when_enough_was_paid_or_nothing_is_held_any_more(
    paid: list[int], ends: list[int], status: str, at_ms: int | None
) -> None:
    assert outcome_of_burst(paid, ends, 10, 50) == (status, at_ms)


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


def test_no_more_are_taken_out_than_asked_for_and_the_others_stay_due() -> None:
    timers = Timers()
    for at_ms, name in enumerate("abc"):
        timers.set(name, at_ms)
    assert timers.due(9, 0) == []
    assert timers.due(9, 2) == ["a", "b"]
    assert len(timers) == 1
    assert timers.due(9, 2) == ["c"]


def test_a_subject_that_replaces_its_time_without_end_takes_no_room_for_it() -> None:
    timers = Timers()
    for at_ms in range(10 * SLACK):
        timers.forget("hot")
        timers.set("hot", 10**9 + at_ms % 7)
    timers.set("other", 5)
    assert len(timers) == 2
    assert len(timers._heap) <= SLACK + 4
    assert timers.due(10**10) == ["other", "hot"]


def test_the_order_outlives_the_letting_go_of_replaced_times() -> None:
    timers = Timers()
    for at_ms in (3, 2, 1):
        timers.set(f"at {at_ms}", at_ms)
    for at_ms in range(2 * SLACK):
        timers.set("hot", 10 + at_ms)
    assert timers.due(9) == ["at 1", "at 2", "at 3"]


# The frontier.


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
    known.ordered("s", {"a": 100, "b": 100})
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


def test_silence_begins_where_it_was_first_suspected_however_many_more_order() -> None:
    known = frontier(lateness_ms=0)
    known.read_to_end("payments", 100)
    known.ordered("s", {"a": 110, "b": 110})
    known.read_to_end("payments", 500)
    known.ordered("s", {"c": 490})
    assert known.horizon(["payments"], "s") == 100
    assert known.is_silent_everywhere
    known.paid("other", 600)
    assert not known.is_silent_everywhere
    assert known.silent_shops == {"s"}


def test_of_a_crowd_that_waits_the_newest_are_remembered() -> None:
    """They tell whether a payment has caught up; all of them would grow with the outage."""
    known = frontier(buyers=3)
    known.ordered("s", {f"b{at_ms}": at_ms for at_ms in range(1, 10)})
    assert _waiting(known) == {"b7": 7, "b8": 8, "b9": 9}
    known.ordered("s", {"x": 20})
    known.ordered("s", {"b9": 5})
    assert _waiting(known) == {"b8": 8, "b9": 9, "x": 20}
    known.paid("s", 8)
    assert _waiting(known) == {"b9": 9, "x": 20}
    assert not known.silent_shops


def _waiting(known: Frontier) -> dict[str, int]:
    _, _, waiting = known.export_payments(only_changed=False)["s"]
    return dict(waiting)


def test_only_what_has_changed_of_the_payments_is_stored_anew() -> None:
    known = frontier()
    known.ordered("s", {"a": 110})
    known.paid("t", 50)
    everybody = known.export_payments(only_changed=False)
    assert everybody == known.export_payments(only_changed=True)
    assert everybody == {
        "s": [0, None, {"a": 110}],
        "t": [50, None, None],
        "all shops:": [50, None, {"a": 110}],
    }
    assert known.export_payments(only_changed=True) == {}
    known.paid("t", 40)
    known.ordered("t", {"c": 50})
    assert known.export_payments(only_changed=True) == {}
    known.paid("s", 120)
    assert known.export_payments(only_changed=True).keys() == {"s", "all shops:"}
    assert known.export_payments(only_changed=False).keys() == {"s", "t", "all shops:"}


def test_after_a_restart_silence_is_what_it_was() -> None:
    known, again = frontier(lateness_ms=0), frontier(lateness_ms=0)
    known.read_to_end("payments", 100)
    known.paid("s", 50)
    known.ordered("s", {"a": 110, "b": 120})
    known.read_to_end("payments", 500)
    for shop, exported in known.export_payments(only_changed=True).items():
        again.restore_payments(shop, exported)
    again.restore(known.export())
    for one in (known, again):
        assert one.silent_shops == {"s"}
        assert one.horizon(["payments"], "s") == 100
        # Read again, as after any restart: it came before those who wait.
        one.paid("s", 50)
        assert one.horizon(["payments"], "s") == 100
    again.paid("s", 110)
    assert again.horizon(["payments"], "s") == 500
    assert _waiting(again) == {"b": 120}


def test_a_shop_where_nobody_orders_any_more_is_not_silent_for_ever() -> None:
    known = frontier(lateness_ms=0)
    known.ordered("s", {"a": 10, "b": 20})
    known.saw("orders", 20 + Fact.retention_ms)
    known.export_payments(only_changed=True)
    assert known.silent_shops == {"s"}
    known.saw("orders", 21 + Fact.retention_ms)
    assert known.export_payments(only_changed=True) == {
        "s": [0, None, None],
        "all shops:": [0, None, None],
    }
    assert not known.silent_shops
