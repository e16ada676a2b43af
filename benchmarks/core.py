"""The worker's inner part in one process: intake, engine, the states of both stages; no Kafka, no Faust.

The same objects as in the worker's stages. What stands still here is the clock: every topic without
news in a batch counts as read to its end at the newest event time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from benchmarks.traffic import Line
from schemas.topics import ITEM_TOPICS
from streams.detect.horizon import Frontier
from streams.detect.partition import BUYERS, READ, SUBJECTS, Effects, Partition
from streams.rules import build_engine
from streams.runtime.intake import Intake
from streams.runtime.signals import encode_signal
from streams.settings import load_settings

_END_OF_TIME_MS = 1 << 53


class _Record(NamedTuple):
    key: bytes
    value: bytes
    offset: int


class Core:
    """One partition of buyers and one of all other subjects, fed with lines."""

    def __init__(self) -> None:
        settings = load_settings()
        engine = build_engine(settings)
        silent = settings.silence_min_buyers

        def frontier(topics: Sequence[str]) -> Frontier:
            return Frontier(topics, settings.lateness_s * 1000, silent)

        self.buyers = Partition(engine, BUYERS.kinds, frontier(BUYERS.topics))
        self.subjects = Partition(engine, SUBJECTS.kinds, frontier(SUBJECTS.topics))
        self.alerts = 0
        self._intakes = {
            topic: Intake(topic, settings.max_record_bytes, 0, lambda: _END_OF_TIME_MS)
            for topic in READ
        }

    @property
    def state_bytes(self) -> int:
        """The packed states of all subjects."""
        return self.buyers.states.size_bytes + self.subjects.states.size_bytes

    def feed(self, lines: Sequence[Line]) -> None:
        """One poll: the records of each topic are one batch."""
        # Sorting is stable, so each topic keeps its order.
        for topic, of_topic in groupby(sorted(lines, key=_topic), key=_topic):
            partition = self.subjects if topic in ITEM_TOPICS else self.buyers
            records = [_Record(line.key, line.value, 0) for line in of_topic]
            self._take(partition, topic, records)
        for partition, topics in ((self.buyers, BUYERS.topics), (self.subjects, SUBJECTS.topics)):
            for topic in topics:
                partition.frontier.read_to_end(topic, partition.frontier.newest_ms)
            self._told(partition.tick())

    def _take(self, partition: Partition, topic: str, records: Sequence[_Record]) -> None:
        batch = self._intakes[topic].take(records)
        if batch.poison:
            raise RuntimeError(f"the traffic is not valid: {batch.poison[0][1]}")
        self._told(partition.apply({topic: batch.newest_ms}, batch.facts))

    def _told(self, effects: Effects) -> None:
        self.alerts += len(effects.alerts)
        if effects.told:
            records = [_Record(*encode_signal(told), 0) for told in effects.told]
            self._take(self.subjects, "signals", records)


def in_batches(lines: Iterable[Line], size: int) -> Iterable[list[Line]]:
    """Lists of `size` lines, the last one shorter."""
    batch: list[Line] = []
    for line in lines:
        batch.append(line)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _topic(line: Line) -> str:
    return line.topic
