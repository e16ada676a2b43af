"""States of subjects that rest are compressed in memory, and nobody who reads them can tell."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from schemas.topics import BUYER_TOPICS
from streams.detect import resting
from streams.detect.facts import DAY_MS, NEVER, OrderPlaced
from streams.detect.horizon import Frontier
from streams.detect.partition import REST_MS, Partition
from streams.detect.resting import COMPRESSED, LEARN_FROM, MOST_AT_ONCE, States
from streams.detect.state import BODY, SubjectState, header, pack, unpack
from streams.simulate import simulate
from tests.pipeline import Pipeline, default_engine

AT_MS = 1_760_000_000_000


def state(number: int, at_ms: int = AT_MS) -> bytes:
    """A buyer with one order."""
    order = OrderPlaced(at_ms, f"event-{number}", f"order-{number}", 1, (("item1", 1),))
    return pack(SubjectState([order]), at_ms + DAY_MS)


def many(count: int) -> States:
    """So many buyers, all just heard of."""
    states = States()
    for number in range(count):
        states[f"b/s:{number}"] = state(number, AT_MS + number)
    states.heard_of(states)
    return states


def rested(count: int) -> States:
    """The same a while later: all of them rest, and some are compressed."""
    states = many(count)
    states.turn()
    states.turn()
    states.rest()
    return states


def is_compressed(states: States, key: str) -> bool:
    return states.kept[key][BODY] == COMPRESSED


def test_what_rests_takes_less_and_reads_the_same() -> None:
    count = LEARN_FROM * 2
    states, plain = rested(count), dict(many(count))
    assert all(is_compressed(states, key) for key in states)
    assert states.size_bytes == sum(map(len, states.kept.values())) < many(count).size_bytes * 0.8
    assert dict(states) == plain
    assert header(states.kept["b/s:7"]) == header(plain["b/s:7"])
    assert unpack(states["b/s:7"]).facts == unpack(plain["b/s:7"]).facts


def test_who_was_heard_of_lately_does_not_rest() -> None:
    states = many(LEARN_FROM + 1)
    states.turn()
    states.rest()
    assert not any(is_compressed(states, key) for key in states)
    states.heard_of(["b/s:1"])
    states.turn()
    states.heard_of(["b/s:3"])
    del states["b/s:2"]
    states.rest()
    assert not is_compressed(states, "b/s:1")
    assert "b/s:2" not in states
    assert not is_compressed(states, "b/s:3")
    assert is_compressed(states, "b/s:4")


def test_what_is_put_over_a_compressed_state_is_plain_until_it_rests_again() -> None:
    states = rested(LEARN_FROM)
    states["b/s:3"] = state(3, AT_MS + DAY_MS)
    states.heard_of(["b/s:3"])
    assert states["b/s:3"] == state(3, AT_MS + DAY_MS)
    assert not is_compressed(states, "b/s:3")
    assert states.size_bytes == sum(map(len, states.kept.values()))
    states.turn()
    states.turn()
    states.rest()
    assert is_compressed(states, "b/s:3")
    assert states["b/s:3"] == state(3, AT_MS + DAY_MS)


def test_few_states_teach_nothing_and_stay_as_they_are() -> None:
    states = rested(LEARN_FROM - 1)
    assert not any(is_compressed(states, key) for key in states)


def test_who_was_known_before_a_restart_rests_once_enough_event_time_has_passed() -> None:
    partition = Partition(default_engine(), ("buyer",), Frontier(BUYER_TOPICS, 0, 20))
    for key, packed in many(LEARN_FROM).items():
        partition.load(key, packed)
    for at_ms, rests in ((AT_MS, False), (AT_MS + REST_MS - 1, False), (AT_MS + REST_MS, True)):
        partition.apply({"orders": at_ms}, {})
        assert {is_compressed(partition.states, key) for key in partition.states} == {rests}


def test_no_call_compresses_more_than_a_batch_may_wait_for() -> None:
    states = rested(MOST_AT_ONCE + 10)
    assert sum(is_compressed(states, key) for key in states) == MOST_AT_ONCE
    states.rest()
    assert all(is_compressed(states, key) for key in states)


@pytest.mark.slow
def test_alerts_are_the_same_whether_states_rest_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "events.jsonl"
    simulate(path, seed=5, events=12_000, start=datetime.fromtimestamp(AT_MS / 1000, UTC))
    read = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    events = [(one["topic"], one["value"]) for one in read]
    found = []
    for learn_from in (50, NEVER):
        monkeypatch.setattr(resting, "LEARN_FROM", learn_from)
        pipeline = Pipeline()
        for start in range(0, len(events), 500):
            pipeline.send(events[start : start + 500])
            pipeline.read_to_newest()
            if start == 6_000:
                pipeline.restart()
        rested = sum(
            is_compressed(partition.states, key)
            for partition in pipeline.partitions
            for key in partition.states
        )
        assert (rested > 500) == (learn_from < NEVER)
        found.append(pipeline.finish(AT_MS + 400 * DAY_MS).standing)
    assert found[0] == found[1]
    assert len(found[0]) > 10
