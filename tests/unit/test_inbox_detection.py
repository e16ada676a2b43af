"""Whether detection goes on: said once records wait and nothing moves for minutes, and in no other case."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from kafka import TopicPartition

from streams.errors import TransientError
from streams.inbox.detection import LOOK_EVERY_S, Detection, Offsets
from tests.inbox import NOW, Clock

ORDERS = TopicPartition("orders", 0)
SENT = NOW - timedelta(hours=4)


class Workers:
    """A group of workers: how far it has come, and when the first record that it lacks was sent."""

    def __init__(self) -> None:
        self.offset: int | None = 7
        self.first: datetime | None = None
        self.error: TransientError | None = None
        self.reads = 0

    def committed(self) -> Offsets:
        if self.error:
            raise self.error
        return {} if self.offset is None else {ORDERS: self.offset}

    def first_unread(self, committed: Offsets) -> datetime | None:
        assert committed == self.committed()
        self.reads += 1
        return self.first


class Watch:
    """A detection that is looked at every thirty seconds of a clock that only it moves."""

    def __init__(self, workers: Workers, commit_interval_s: float = 1.0) -> None:
        self.clock = Clock()
        self.is_fed = True
        self.detection = Detection(workers, lambda: self.is_fed, self.clock, commit_interval_s)

    def look(self, minutes: float, between: Callable[[], None] = lambda: None) -> datetime | None:
        """What is said after looking for so long; `between` happens before every look."""
        for _ in range(round(minutes * 60 / LOOK_EVERY_S)):
            between()
            assert self.detection.step() == LOOK_EVERY_S
            self.clock.forward(seconds=LOOK_EVERY_S)
        return self.detection.unchecked_since()


@pytest.fixture
def workers() -> Workers:
    return Workers()


@pytest.mark.parametrize("offset", [7, None])
def test_what_waits_while_nothing_moves_is_said_with_its_time(
    workers: Workers, offset: int | None
) -> None:
    """Also of a group that has never read anything."""
    workers.offset, workers.first = offset, SENT
    watch = Watch(workers)
    assert watch.look(3) is None
    assert watch.look(2) == SENT
    # What lies there first stays that: it is not read at every look.
    assert workers.reads == 1


def test_it_is_over_with_the_first_move(workers: Workers) -> None:
    workers.first = SENT
    watch = Watch(workers)
    assert watch.look(10) == SENT
    workers.offset = 8
    assert watch.look(0.5) is None


def test_an_idle_shop_has_no_banner(workers: Workers) -> None:
    watch = Watch(workers)
    assert watch.look(600) is None
    # What has just come has not waited, however long nothing moved before it.
    workers.first = watch.clock.at
    assert watch.look(1) is None
    workers.offset, workers.first = 8, None
    assert watch.look(600) is None


def test_a_group_that_catches_up_slowly_has_no_banner(workers: Workers) -> None:
    workers.first = SENT

    def move() -> None:
        if watch.clock.at.minute % 2:
            workers.offset = (workers.offset or 0) + 1

    watch = Watch(workers)
    assert watch.look(60, move) is None


def test_brokers_that_do_not_answer_say_nothing_about_workers(workers: Workers) -> None:
    workers.first = SENT
    watch = Watch(workers)
    assert watch.look(10) == SENT
    workers.error = TransientError("No Kafka broker answered")
    assert watch.look(10) is None
    workers.error = None
    # They may have been away from the workers as well.
    assert watch.look(3) is None
    assert watch.look(2) == SENT
    # The pages say already that no alerts arrive; and nobody is asked.
    watch.is_fed, workers.error = False, AssertionError()  # type: ignore[assignment]
    assert watch.look(10) is None


def test_workers_that_commit_seldom_are_waited_for(workers: Workers) -> None:
    workers.first = SENT
    watch = Watch(workers, commit_interval_s=600)
    assert watch.look(20) is None
    assert watch.look(2) == SENT


@pytest.mark.parametrize("clock", [NOW + timedelta(days=1), datetime.fromtimestamp(0, NOW.tzinfo)])
def test_a_sender_with_a_wrong_clock_or_none_is_not_believed(
    workers: Workers, clock: datetime
) -> None:
    workers.first = clock
    # The second look was the first that saw it lie there.
    assert Watch(workers).look(10) == NOW + timedelta(seconds=LOOK_EVERY_S)
