"""The pulse: a worker that stands still ends with 71, silence is proven twice, readiness tells the truth."""

from __future__ import annotations

import asyncio
import json
import os
import time
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import pytest
from aiokafka.cluster import ClusterMetadata
from aiokafka.errors import InvalidTimestampError
from aiokafka.protocol.metadata import MetadataResponse_v1
from faust.types import TP
from prometheus_client import generate_latest
from structlog.testing import capture_logs

from streams.detect.partition import SUBJECTS
from streams.errors import ConfigurationError
from streams.runtime.app import WorkerApp
from streams.runtime.build import build_app, or_stop
from streams.runtime.metrics import WorkerMetrics
from streams.runtime.pulse import GIVE_BACK_S, PATIENCE_WITH_ONE, Pulse, StalledError
from streams.runtime.stage import Stage
from streams.runtime.web import add_pages
from streams.service import memory
from streams.settings import Settings
from tests.example_stories import FOLDER, load
from tests.stages import SETTINGS, Staged, by_topic

ORDERS = TP("orders", 0)
LIMIT_S = SETTINGS.stall_timeout_s
FETCHED_MS = 2_000_000_000_000


class Fetched(NamedTuple):
    """Where aiokafka's subscription says that a partition stands."""

    position: int
    highwater: int | None
    timestamp: int = FETCHED_MS
    has_valid_position: bool = True
    lso: int | None = None


class Consumer:
    """What the pulse asks of Faust's consumer, with aiokafka's subscription where Faust keeps it."""

    def __init__(self) -> None:
        self.fetched: dict[TP, Fetched] = {}
        self.undelivered: set[TP] = set()
        # Those that end with the marker of a transaction.
        self.marked: set[TP] = set()
        self.answered_at = time.monotonic()
        self._committed_offset: dict[TP, int | None] = {}
        assignment = SimpleNamespace(tps=self.fetched, state_value=self.fetched.get)
        wanted = SimpleNamespace(assignment=assignment, topics=frozenset())
        self.cluster = ClusterMetadata()
        inner = SimpleNamespace(
            _subscription=SimpleNamespace(subscription=wanted),
            _client=SimpleNamespace(cluster=self.cluster),
        )
        self._thread = SimpleNamespace(_consumer=inner)

    def heard_at(self) -> float:
        """When a broker last answered."""
        return self.answered_at

    def reads(self, *topics: str) -> None:
        """What it is subscribed to."""
        self._thread._consumer._subscription.subscription.topics = frozenset(topics)

    def is_told_of(self, *topics: str) -> None:
        """What the broker has, by its latest answer."""
        self.cluster.update_metadata(
            MetadataResponse_v1(
                [(0, "127.0.0.1", 9092, None)],
                0,
                [(0, name, False, [(0, 0, 0, [0], [0])]) for name in topics],
            )
        )

    def has_undelivered(self, tp: TP) -> bool:
        """Whether records of it wait in memory."""
        return tp in self.undelivered

    def has_uncommitted(self, tp: TP) -> bool:
        """Whether records of it have been read that are not committed."""
        return (self._committed_offset[tp] or 0) < self.fetched[tp].position - (tp in self.marked)

    def stands(
        self, position: int, highwater: int, committed: int | None = None, tp: TP = ORDERS
    ) -> None:
        """A partition as its last fetch found it."""
        self.fetched[tp] = Fetched(position, highwater)
        self._committed_offset[tp] = committed


class App:
    """What the pulse asks of the app."""

    def __init__(self, settings: Settings = SETTINGS) -> None:
        self.settings = settings
        self.consumer = Consumer()
        self.staged = Staged()
        self.metrics = self.staged.metrics
        self.stages: tuple[Stage, ...] = (self.staged.stage,)
        self.rebalancing = False
        self.should_stop = False

    async def sleep(self, seconds: float) -> None:
        """Time passes by itself."""
        await asyncio.sleep(0)

    async def be_ready(self) -> None:
        """Own the partition, with all state read back."""
        self.staged.stage.own([0])
        await asyncio.sleep(0.0)
        while not self.staged.stage.is_ready:
            await asyncio.sleep(0.0)

    async def beat(self, *at_s: float) -> None:
        """Beat at these times, all state being read back."""
        await self.be_ready()
        pulse = Pulse(cast(WorkerApp, self))
        for now in at_s:
            await pulse.beat(now)

    def horizon(self) -> int:
        """Up to when orders are known to be read."""
        return self.staged.stage.partitions[0].frontier.horizon(("orders",))


def beats(app: App, *at_s: float) -> None:
    asyncio.run(app.beat(*at_s))


def test_records_that_wait_while_nothing_moves_stop_the_worker() -> None:
    app = App()
    app.consumer.stands(position=5, highwater=9)
    beats(app, 0, LIMIT_S)
    with pytest.raises(StalledError, match=r"orders\[0\] does not move for 61 s") as stalled:
        beats(app, 0, LIMIT_S + 1)
    assert stalled.value.exit_code == 71


def test_a_batch_that_is_never_acknowledged_stops_the_worker_although_all_is_read() -> None:
    app = App()
    app.consumer.stands(position=9, highwater=9)
    app.consumer.undelivered = {ORDERS}
    with pytest.raises(StalledError):
        beats(app, 0, LIMIT_S + 1)


def test_a_worker_with_nothing_to_do_is_not_stalled() -> None:
    app = App()
    app.consumer.stands(position=9, highwater=9, committed=9)
    beats(app, 0, LIMIT_S + 1, 10 * LIMIT_S)


@pytest.mark.parametrize("moves", [{"position": 6}, {"committed": 5}], ids=["read", "committed"])
def test_whatever_moves_starts_the_time_anew(moves: dict[str, int]) -> None:
    app = App()
    stands = {"position": 5, "highwater": 9, "committed": 4}

    async def steps() -> None:
        await app.be_ready()
        pulse = Pulse(cast(WorkerApp, app))
        app.consumer.stands(**stands)
        await pulse.beat(0)
        app.consumer.stands(**stands | moves)
        await pulse.beat(LIMIT_S)
        await pulse.beat(2 * LIMIT_S)
        with pytest.raises(StalledError):
            await pulse.beat(2 * LIMIT_S + 1)

    asyncio.run(steps())


def test_a_record_after_a_long_silence_is_not_said_to_have_waited_for_as_long() -> None:
    app = App()

    async def steps() -> None:
        await app.be_ready()
        pulse = Pulse(cast(WorkerApp, app))
        app.consumer.stands(position=9, highwater=9, committed=9)
        await pulse.beat(0)
        await pulse.beat(10 * LIMIT_S)
        # The answer of a fetch is there, and its records are about to be taken.
        app.consumer.stands(position=9, highwater=10, committed=9)
        await pulse.beat(10 * LIMIT_S + 1)
        await pulse.beat(11 * LIMIT_S + 1)
        with pytest.raises(StalledError):
            await pulse.beat(11 * LIMIT_S + 2)

    asyncio.run(steps())


def test_a_partition_that_waits_for_its_turn_is_not_stalled_but_not_for_ever() -> None:
    app = App()

    async def steps() -> None:
        await app.be_ready()
        pulse = Pulse(cast(WorkerApp, app))
        app.consumer.stands(position=5, highwater=9)
        for beat in range(PATIENCE_WITH_ONE + 1):
            app.consumer.stands(position=beat, highwater=99, tp=TP("payments", 0))
            await pulse.beat(beat * LIMIT_S)
        app.consumer.stands(position=98, highwater=99, tp=TP("payments", 0))
        with pytest.raises(
            StalledError, match=r"orders\[0\] .* longer than 10 times stall_timeout"
        ):
            await pulse.beat(PATIENCE_WITH_ONE * LIMIT_S + 1)

    asyncio.run(steps())


def test_while_state_is_read_back_records_may_wait_as_long_as_that_goes_on() -> None:
    app = App()
    staged = app.staged

    async def steps() -> None:
        staged.changelog.may_end.clear()
        staged.stage.own([0])
        await asyncio.sleep(0)
        pulse = Pulse(cast(WorkerApp, app))
        app.consumer.stands(position=5, highwater=9)
        for beat in range(5):
            staged.changelog.records_read += 1000
            await pulse.beat(beat * LIMIT_S)
        await pulse.beat(5 * LIMIT_S)
        with pytest.raises(StalledError, match="reading back the state of stage buyer does not"):
            await pulse.beat(5 * LIMIT_S + 1)
        # Once it is there, those that waited have all the time anew.
        staged.changelog.may_end.set()
        while not staged.stage.is_ready:
            await asyncio.sleep(0)
        await pulse.beat(6 * LIMIT_S)

    asyncio.run(steps())


def test_a_rebalance_that_does_not_end_stops_the_worker() -> None:
    app = App()
    app.rebalancing = True
    beats(app, 1, 1 + LIMIT_S)
    with pytest.raises(StalledError, match="a rebalance does not end"):
        beats(app, 1, 2 + LIMIT_S)


def test_each_rebalance_has_all_the_time_anew() -> None:
    app = App()

    async def steps() -> None:
        await app.be_ready()
        pulse = Pulse(cast(WorkerApp, app))
        for now, app.rebalancing in ((1, True), (2, False), (2 + LIMIT_S, True)):
            await pulse.beat(now)
        await pulse.beat(2 + 2 * LIMIT_S)
        with pytest.raises(StalledError, match="a rebalance does not end"):
            await pulse.beat(3 + 2 * LIMIT_S)

    asyncio.run(steps())


def test_after_a_rebalance_reading_back_has_all_the_time_anew() -> None:
    app = App()

    async def steps() -> None:
        app.staged.changelog.may_end.clear()
        app.staged.stage.own([0])
        await asyncio.sleep(0)
        pulse = Pulse(cast(WorkerApp, app))
        for now, app.rebalancing in ((0, False), (LIMIT_S, True), (LIMIT_S + 1, False)):
            await pulse.beat(now)
        with pytest.raises(StalledError, match="reading back the state"):
            await pulse.beat(2 * LIMIT_S + 2)

    asyncio.run(steps())


def test_nobody_waits_for_a_partition_that_was_taken_away() -> None:
    app = App()

    async def steps() -> None:
        await app.be_ready()
        pulse = Pulse(cast(WorkerApp, app))
        app.consumer.stands(position=5, highwater=9)
        await pulse.beat(0)
        app.rebalancing = True
        await pulse.beat(1)
        app.rebalancing = False
        app.consumer.fetched.clear()
        await pulse.beat(10 * LIMIT_S)

    asyncio.run(steps())


def test_a_stalled_worker_ends_with_71(monkeypatch: pytest.MonkeyPatch) -> None:
    def exit_with(code: int) -> None:
        raise SystemExit(code)

    monkeypatch.setattr(os, "_exit", exit_with)
    app = App(SETTINGS.model_copy(update={"stall_timeout_s": 0}))
    app.consumer.stands(position=5, highwater=9)
    with pytest.raises(SystemExit) as exited:
        asyncio.run(or_stop(Pulse(cast(WorkerApp, app)).run()))
    assert exited.value.code == 71


def test_a_clock_that_runs_ahead_of_the_brokers_is_said_and_no_bug(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Kafka refuses what is dated an hour ahead of it; there is nothing to mend in us."""

    def exit_with(code: int) -> None:
        raise SystemExit(code)

    async def write() -> None:
        raise InvalidTimestampError

    monkeypatch.setattr(os, "_exit", exit_with)
    with capture_logs() as said, pytest.raises(SystemExit) as exited:
        asyncio.run(or_stop(write()))
    assert exited.value.code == 3
    assert "Set the clock of this machine" in said[-1]["why"]


def test_silence_is_proven_by_a_position_at_the_end_that_was_seen_twice() -> None:
    app = App()
    app.consumer.stands(position=9, highwater=9, committed=9)
    beats(app, 0)
    assert app.horizon() == 0
    beats(app, 0, 1)
    assert app.horizon() == FETCHED_MS - SETTINGS.lateness_s * 1000


def test_what_was_seen_before_a_rebalance_proves_nothing_after_it() -> None:
    """Somebody else may have had the partition meanwhile, and left it elsewhere."""
    app = App()

    async def steps() -> None:
        await app.be_ready()
        pulse = Pulse(cast(WorkerApp, app))
        app.consumer.stands(position=9, highwater=9, committed=9)
        for now, app.rebalancing in ((0, False), (1, True), (2, False)):
            await pulse.beat(now)
        assert app.horizon() == 0
        await pulse.beat(3)
        assert app.horizon() > 0

    asyncio.run(steps())


def test_what_is_delivered_and_not_acknowledged_is_no_silence() -> None:
    app = App()
    app.consumer.stands(position=9, highwater=9)
    app.consumer.undelivered = {ORDERS}
    beats(app, 0, 1)
    assert app.horizon() == 0


def test_by_the_clock_of_events_an_idle_topic_proves_nothing() -> None:
    app = App(SETTINGS.model_copy(update={"horizon_clock": "events"}))
    app.consumer.stands(position=9, highwater=9, committed=9)
    beats(app, 0, 1)
    assert app.horizon() == 0


def test_by_the_newest_event_an_idle_topic_is_as_far_as_the_others() -> None:
    app = App(SETTINGS.model_copy(update={"horizon_clock": "newest"}))
    app.consumer.stands(position=9, highwater=9, committed=9)
    beats(app, 0)
    app.staged.stage.partitions[0].frontier.saw("payments", FETCHED_MS // 2)
    beats(app, 0, 1)
    assert app.horizon() == FETCHED_MS // 2 - SETTINGS.lateness_s * 1000


def test_freed_memory_goes_back_every_ten_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    times: list[float] = []
    now = GIVE_BACK_S
    monkeypatch.setattr(memory, "give_back", lambda: times.append(now))
    app = App()
    pulse = Pulse(cast(WorkerApp, app))
    for now in (GIVE_BACK_S, GIVE_BACK_S + 1, 2 * GIVE_BACK_S - 1, 2 * GIVE_BACK_S):
        asyncio.run(pulse.beat(now))
    assert times == [GIVE_BACK_S, 2 * GIVE_BACK_S]


def test_lag_is_what_is_not_acknowledged() -> None:
    app = App()
    app.consumer.stands(position=9, highwater=9, committed=4)
    beats(app, 0)
    assert 'orderwatch_consumer_lag_records{topic="orders"} 5.0' in _shown(app.metrics)


def test_the_marker_behind_a_transaction_is_no_record_that_waits() -> None:
    """A topic that is idle would otherwise lag for ever, and ring."""
    app = App()
    app.consumer.stands(position=9, highwater=9, committed=8)
    app.consumer.marked = {ORDERS}
    beats(app, 0)
    assert 'orderwatch_consumer_lag_records{topic="orders"} 0.0' in _shown(app.metrics)


def test_a_transaction_that_is_open_is_no_silence_and_no_stall() -> None:
    app = App()
    app.consumer.stands(position=5, highwater=9, committed=5)
    app.consumer.fetched[ORDERS] = app.consumer.fetched[ORDERS]._replace(lso=5)
    beats(app, 0, 1, (PATIENCE_WITH_ONE + 1) * LIMIT_S)
    assert app.horizon() == 0
    assert 'orderwatch_consumer_lag_records{topic="orders"} 4.0' in _shown(app.metrics)
    # What lies before it may be read, and has to be.
    app.consumer.fetched[ORDERS] = app.consumer.fetched[ORDERS]._replace(lso=6)
    with pytest.raises(StalledError):
        beats(app, 0, LIMIT_S + 1)


def test_the_gauges_say_how_much_is_known() -> None:
    app = App()

    async def steps() -> None:
        orders = by_topic(load(FOLDER / "D10" / "fires_one_buyer_twice.yaml").events)["orders"]
        await app.staged.process("orders", orders)
        await Pulse(cast(WorkerApp, app)).beat(0)

    asyncio.run(steps())
    (state,) = app.staged.stage.partitions[0].states.values()
    shown = _shown(app.metrics)
    assert 'orderwatch_state_subjects{stage="buyer"} 1.0' in shown
    assert f'orderwatch_state_bytes{{stage="buyer"}} {float(len(state))}' in shown


def test_the_gauges_say_where_payments_are_silent() -> None:
    app = App()
    other = Staged().stage
    other.plan = SUBJECTS
    # It reads no payments itself, and so it must not have the last word on them.
    app.stages = (app.staged.stage, other)

    async def steps() -> None:
        await app.be_ready()
        pulse = Pulse(cast(WorkerApp, app))
        frontier = app.staged.stage.partitions[0].frontier
        few = SETTINGS.silence_min_buyers - 1
        frontier.ordered("s", {f"s:b{number}": FETCHED_MS for number in range(few)})
        await pulse.beat(0)
        shown = _shown(app.metrics)
        assert "orderwatch_payments_silent 0.0" in shown
        assert "orderwatch_payments_silent_everywhere 0.0" in shown
        frontier.ordered("t", {"t:b": FETCHED_MS})
        await pulse.beat(1)
        shown = _shown(app.metrics)
        assert "orderwatch_payments_silent 0.0" in shown
        assert "orderwatch_payments_silent_everywhere 1.0" in shown
        frontier.ordered("s", {"s:b": FETCHED_MS})
        await pulse.beat(2)
        assert "orderwatch_payments_silent 1.0" in _shown(app.metrics)

    asyncio.run(steps())


def test_what_was_true_of_partitions_of_others_is_not_told_any_more() -> None:
    app = App()
    app.consumer.stands(position=9, highwater=9, committed=4)
    gone = (
        'horizon_lag_seconds{stage="buyer"}',
        'event_lag_seconds{topic="orders"}',
        'consumer_lag_records{topic="orders"} 5.0',
    )

    async def steps() -> None:
        orders = by_topic(load(FOLDER / "D10" / "fires_one_buyer_twice.yaml").events)["orders"]
        await app.staged.process("orders", orders)
        pulse = Pulse(cast(WorkerApp, app))
        await pulse.beat(0)
        for series in gone:
            assert f"orderwatch_{series}" in _shown(app.metrics)
        app.staged.stage.own([])
        app.consumer.fetched.clear()
        await pulse.beat(1)
        for series in gone:
            assert f"orderwatch_{series}" not in _shown(app.metrics)
        assert 'orderwatch_consumer_lag_records{topic="orders"} 0.0' in _shown(app.metrics)

    asyncio.run(steps())


# What is answered while state is read back.


def test_topics_that_stay_away_end_the_worker_with_their_names() -> None:
    """Nothing is read of them and nothing waits, which looks like having read all."""
    app = App()
    app.consumer.reads(*"abcdefg", "orders")
    app.consumer.is_told_of("orders")
    with pytest.raises(ConfigurationError, match="no longer has a, b, c, d, e and 2 more: deleted"):
        beats(app, 1, LIMIT_S, 1 + LIMIT_S + 1)


def test_topics_that_are_away_for_a_moment_end_nothing() -> None:
    async def told() -> None:
        app = App()
        app.consumer.reads("orders", "refunds")
        await app.be_ready()
        pulse = Pulse(cast(WorkerApp, app))
        for now, has in ((1, {"orders"}), (1 + LIMIT_S, {"orders", "refunds"})):
            app.consumer.is_told_of(*has)
            await pulse.beat(now)
        app.consumer.is_told_of("orders")
        for now in (2 + LIMIT_S, 2 + 2 * LIMIT_S):
            await pulse.beat(now)

    asyncio.run(told())


class Pages:
    """An app whose pages can be asked without a web server."""

    def __init__(self, app: WorkerApp) -> None:
        self._app = app
        self._pages: dict[str, Any] = {}
        add_pages(cast(WorkerApp, self))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._app, name)

    def page(self, path: str) -> Any:
        """See faust.App.page."""
        return lambda view: self._pages.setdefault(path, view)

    async def ask(self, path: str) -> tuple[int, Any]:
        """Status and body."""
        return cast(tuple[int, Any], await self._pages[path](self, None))

    def json(self, value: Any, *, status: int = 200) -> tuple[int, Any]:
        """See faust's Web."""
        return status, json.loads(json.dumps(value))

    def text(self, value: str, *, content_type: str) -> tuple[int, str]:
        """See faust's Web."""
        return 200, value


def _shown(metrics: WorkerMetrics) -> str:
    return generate_latest(metrics.registry).decode()


def test_until_state_is_read_back_the_worker_is_not_ready_and_says_that_it_recovers() -> None:
    async def asked() -> None:
        staged = Staged()
        orders = by_topic(load(FOLDER / "D10" / "fires_one_buyer_twice.yaml").events)["orders"]
        await staged.process("orders", orders)
        heir = Staged()
        heir.changelog.stored = staged.changelog.stored
        heir.changelog.may_end.clear()
        app = build_app(SETTINGS)
        app.stages = (heir.stage,)
        pages = Pages(app)
        heir.stage.own([0])
        for _ in range(5):
            await asyncio.sleep(0)
        assert await pages.ask("/readyz") == (
            503,
            {"status": "recovering", "partitions": {"buyer": 0}},
        )
        assert await pages.ask("/healthz") == (200, {"status": "alive"})
        assert "orderwatch_recovering 1.0" in (await pages.ask("/metrics"))[1]
        # A batch that came meanwhile waits, and changes nothing.
        waiting = asyncio.ensure_future(heir.process("orders", orders))
        await asyncio.sleep(0)
        assert not waiting.done() and heir.journal.lines == []

        heir.changelog.may_end.set()
        assert await waiting is True
        assert await pages.ask("/readyz") == (200, {"status": "ready", "partitions": {"buyer": 1}})
        assert "orderwatch_recovering 0.0" in (await pages.ask("/metrics"))[1]

    asyncio.run(asked())


def test_while_partitions_are_taken_away_the_worker_is_not_ready() -> None:
    async def asked() -> None:
        staged = Staged()
        app = build_app(SETTINGS)
        app.stages = (staged.stage,)
        pages = Pages(app)
        await staged.process("orders", [])
        assert (await pages.ask("/readyz"))[0] == 200
        await app.release()
        assert (await pages.ask("/readyz"))[0] == 503
        app.rebalancing = True
        assert (await pages.ask("/readyz"))[1]["status"] == "joining"

    asyncio.run(asked())


def test_a_worker_that_no_broker_answers_is_not_ready_though_all_its_state_is_there() -> None:
    async def asked() -> None:
        staged = Staged()
        app = build_app(SETTINGS)
        app.stages = (staged.stage,)
        consumer = Consumer()
        app.consumer = cast(Any, consumer)
        pages = Pages(app)
        await staged.process("orders", [])
        heard_at = consumer.answered_at
        consumer.answered_at = heard_at - app.awake.limit_s
        assert (await pages.ask("/readyz"))[1] == {"status": "cut off", "partitions": {"buyer": 1}}
        assert (await pages.ask("/readyz"))[0] == 503
        # Nothing is being read back, and to kill the process would not help.
        assert "orderwatch_recovering 0.0" in (await pages.ask("/metrics"))[1]
        assert (await pages.ask("/healthz"))[0] == 200
        consumer.answered_at = heard_at + app.awake.limit_s
        assert (await pages.ask("/readyz"))[0] == 200

    asyncio.run(asked())
