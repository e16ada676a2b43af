"""The worker's pulse: moves the horizon while topics are idle, and notices when nothing moves at all.

The proof of silence is a fetch that found the partition at its high watermark, seen twice at the same
position with nothing fetched and unacknowledged in between; a broker that does not answer gives none.
"""

from __future__ import annotations

import time
from collections import defaultdict
from typing import NamedTuple, cast

from faust.types import TP

from streams.errors import ConfigurationError, TransientError
from streams.kafka.clients import plain_name, topic_name
from streams.runtime.app import WorkerApp
from streams.runtime.stage import Stage
from streams.runtime.transport import FetchState, PlainConsumer, fetch_states, missing_topics
from streams.service import memory

BEAT_S = 0.25
# A partition that alone does not move may wait for its turn, behind many times its own records: it gets
# so many times the patience.
PATIENCE_WITH_ONE = 10
# How many of the topics that have gone are named; the cure is the same for all.
MOST_NAMED = 5
# How often freed memory goes back: buyers come and go to rest with the hours.
GIVE_BACK_S = 600.0


class StalledError(TransientError):
    """Records wait, but nothing is read or acknowledged any more."""

    exit_code = 71


class _Seen(NamedTuple):
    """Where a partition stood, and since when it has been standing there."""

    position: int
    committed: int | None
    since: float


class Pulse:
    """Beats a few times a second for as long as the app runs."""

    def __init__(self, app: WorkerApp) -> None:
        self._app = app
        self._seen: dict[TP, _Seen] = {}
        self._rebalancing_since: float | None = None
        # Since when records of a partition have been waiting where it stands, and when any moved last.
        self._waiting: dict[TP, float] = {}
        self._moved_at = 0.0
        self._missing_since: float | None = None
        self._read_back: dict[str, tuple[int, float]] = {}
        self._gave_back_at = 0.0

    async def run(self) -> None:
        """Beat until the app stops.

        Raises StalledError when the worker should be restarted, and ConfigurationError when topics are gone.
        """
        while not self._app.should_stop:
            await self._app.sleep(BEAT_S)
            await self.beat(time.monotonic())

    async def beat(self, now: float) -> None:
        """Look once: move horizons, watch for a stall, refresh the gauges."""
        app = self._app
        consumer = cast(PlainConsumer, app.consumer)
        # So that it knows when whoever asks whether brokers answer.
        consumer.heard_at()
        if app.rebalancing:
            self._rebalancing_since = self._rebalancing_since or now
            self._seen.clear()
            self._waiting.clear()
            self._read_back.clear()
            self._refuse_to_wait(now - self._rebalancing_since, "a rebalance does not end")
            return
        self._rebalancing_since = None
        states = fetch_states(consumer)
        proofs: dict[str, dict[int, list[tuple[str, int]]]] = defaultdict(lambda: defaultdict(list))
        stage_of = {
            topic_name(app.settings, topic): stage
            for stage in app.stages
            for topic in stage.plan.topics
        }
        # Those that are no longer ours have none.
        lag = {topic: 0 for stage in app.stages for topic in stage.plan.topics}
        for tp, state in states.items():
            topic = plain_name(app.settings, tp.topic)
            is_coming = consumer.has_undelivered(tp)
            is_read = not is_coming and state.position >= state.highwater
            before = self._seen.get(tp)
            committed = consumer._committed_offset.get(tp)
            has_moved = before is None or before[:2] != (state.position, committed)
            if has_moved:
                self._seen[tp] = _Seen(state.position, committed, now)
                self._moved_at = now
            stage = stage_of[tp.topic]
            if not is_coming and state.position >= state.readable:
                # What a transaction that is still open keeps back waits for somebody else.
                self._waiting.pop(tp, None)
            elif has_moved or stage.is_loading:
                # Nothing is applied before the state is there, and that moves or not by itself.
                self._waiting[tp] = now
            else:
                self._waiting.setdefault(tp, now)
            if before is not None and now > before.since and not has_moved and is_read:
                proven_at_ms = self._proven_at_ms(stage, tp.partition, state)
                if proven_at_ms is not None:
                    proofs[stage.plan.name][tp.partition].append((topic, proven_at_ms))
            if not is_read or consumer.has_uncommitted(tp):
                # Else the marker behind a transaction lies there, which nobody acknowledges.
                behind = state.position if committed is None else committed
                lag[topic] += max(0, state.highwater - behind)
        self._look_for_a_stall(now)
        self._look_for_topics(now, consumer)
        for stage in app.stages:
            await stage.tick(proofs[stage.plan.name])
            self._refresh(stage)
        for topic, records in lag.items():
            app.metrics.consumer_lag_records.labels(topic).set(records)
        if now - self._gave_back_at >= GIVE_BACK_S:
            self._gave_back_at = now
            memory.give_back()

    def _look_for_a_stall(self, now: float) -> None:
        """Raise StalledError when there is work and none of it moves, or a part of it not for very long."""
        if self._waiting:
            tp = min(self._waiting, key=self._waiting.__getitem__)
            what = f"{tp.topic}[{tp.partition}] does not move"
            self._refuse_to_wait(now - max(self._moved_at, self._waiting[tp]), what)
            self._refuse_to_wait(now - self._waiting[tp], what, PATIENCE_WITH_ONE)
        for stage in self._app.stages:
            seen = self._read_back.get(stage.plan.name)
            if seen is None or not stage.is_loading or stage.records_read_back != seen[0]:
                self._read_back[stage.plan.name] = stage.records_read_back, now
            else:
                what = f"reading back the state of stage {stage.plan.name} does not go on"
                self._refuse_to_wait(now - seen[1], what)

    def _look_for_topics(self, now: float, consumer: PlainConsumer) -> None:
        """Raise ConfigurationError when topics have been gone for too long.

        Kafka gives the group what is left; a worker that waits for the rest looks like one that has read all.
        """
        missing = missing_topics(consumer)
        if not missing:
            self._missing_since = None
            return
        self._missing_since = self._missing_since or now
        if now - self._missing_since > self._app.settings.stall_timeout_s:
            more = f" and {len(missing) - MOST_NAMED} more" if len(missing) > MOST_NAMED else ""
            raise ConfigurationError(
                f"the broker no longer has {', '.join(missing[:MOST_NAMED])}{more}: deleted, or it was "
                "replaced by one without them. Run `orderwatch topics apply`, unless they are back by now, "
                "and start again; what they held has to be sent again."
            )

    def _proven_at_ms(self, stage: Stage, number: int, state: FetchState) -> int | None:
        """Up to when a topic that was just found read to its end is known to be silent, if at all."""
        match self._app.settings.horizon_clock:
            case "wall":
                return state.fetched_at_ms
            case "newest":
                partition = stage.partitions.get(number)
                return partition.frontier.newest_ms if partition else None
            case "events":
                return None

    def _refuse_to_wait(self, waited_s: float, what: str, times: int = 1) -> None:
        limit_s = self._app.settings.stall_timeout_s
        if waited_s > times * limit_s:
            limit = f"{times} times " * (times > 1) + f"stall_timeout_s = {limit_s:.0f}"
            raise StalledError(
                f"{what} for {waited_s:.0f} s, longer than {limit}; "
                "stopping, so that the process manager starts a fresh worker"
            )

    def _refresh(self, stage: Stage) -> None:
        metrics, name = self._app.metrics, stage.plan.name
        partitions = stage.partitions.values()
        metrics.state_subjects.labels(name).set(sum(len(p.states) for p in partitions))
        metrics.state_bytes.labels(name).set(sum(p.states.size_bytes for p in partitions))
        horizons = [p.frontier.horizon(stage.plan.topics) for p in partitions]
        if horizons:
            metrics.horizon_lag_seconds.labels(name).set(time.time() - min(horizons) / 1000)
        else:
            # What was true of partitions that are somebody else's now would be told for ever.
            metrics.horizon_lag_seconds.remove(name)
            for topic in stage.plan.topics:
                metrics.event_lag_seconds.remove(topic)
        if name == "buyer":
            frontiers = [p.frontier for p in partitions]
            silent = {shop for frontier in frontiers for shop in frontier.silent_shops}
            metrics.payments_silent.set(len(silent))
            metrics.payments_silent_everywhere.set(any(f.is_silent_everywhere for f in frontiers))
