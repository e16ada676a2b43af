"""Puts the worker together: Faust's settings, the agents and what they read, and when time moves.

The agents never let an exception out: Faust would restart them past the batch that failed.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import Any, NoReturn, TypeVar, cast

import faust
import structlog
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    InvalidTimestampError,
    KafkaError,
    KafkaTimeoutError,
    TopicAuthorizationFailedError,
)
from faust.streams import Stream
from faust.types import TP, EventT, StreamT
from yarl import URL

from streams.detect.partition import STAGES, StagePlan
from streams.detect.rules import RuleSet
from streams.errors import OrderwatchError, TransientError
from streams.kafka.clients import CLOCK_CURE, RIGHTS_CURE, plain_name, topic_name
from streams.rules import RulesFile
from streams.runtime.app import WorkerApp
from streams.runtime.awake import Awake
from streams.runtime.connection import faust_credentials
from streams.runtime.metrics import WorkerMetrics
from streams.runtime.pulse import Pulse
from streams.runtime.transport import BatchTransport, PlainTransport, let_go
from streams.runtime.web import add_pages
from streams.settings import Settings

log = structlog.get_logger(__name__)

T = TypeVar("T")

# aiokafka's own.
LONGEST_METADATA_S = 300.0


def build_app(settings: Settings) -> WorkerApp:
    """An app that is ready to be run by a Faust worker. Raises ConfigurationError on bad settings."""
    urls = [URL(f"kafka://{host}") for host in settings.bootstrap_servers.split(",")]
    heartbeat_s = min(3.0, settings.session_timeout_s / 3)
    app = WorkerApp(
        settings.group_id,
        broker=urls,
        broker_credentials=faust_credentials(settings),
        broker_commit_interval=settings.commit_interval_s,
        broker_commit_every=1_000_000_000,
        broker_session_timeout=settings.session_timeout_s,
        broker_rebalance_timeout=settings.rebalance_timeout_s,
        broker_heartbeat_interval=heartbeat_s,
        broker_request_timeout=max(40.0, settings.session_timeout_s + 10),
        # Behind, a worker reads in big batches: fewer evaluations and changelog records per event.
        broker_max_poll_records=50_000,
        consumer_max_fetch_size=8 * 1024 * 1024,
        consumer_auto_offset_reset="earliest",
        # Who fetches from a topic hears at once that it is gone. Who has none of its partitions has to ask
        # for it, a request a minute by default, and not after five as aiokafka would.
        consumer_metadata_max_age_ms=int(min(settings.stall_timeout_s, LONGEST_METADATA_S) * 1000),
        consumer_group_instance_id=settings.group_instance_id,
        # Without tables Faust would assign partitions round robin; one standby makes it use its own
        # assignor, which gives the same partition of all topics to the same worker.
        table_standby_replicas=1,
        store="memory://",
        topic_allow_declare=False,
        topic_disable_leader=True,
        agent_supervisor="mode.CrashingSupervisor",
        stream_wait_empty=True,
        stream_recovery_delay=0.0,
        cython_optimizations=True,
        web_host=settings.web_host,
        web_bind=settings.web_host,
        web_port=settings.web_port,
        web_tables_enabled=False,
        datadir=settings.data_dir / "worker",
    )
    is_batch = settings.transport == "batch"
    app.transport = BatchTransport(urls, app) if is_batch else PlainTransport(urls, app)
    app.settings = settings
    app.metrics = WorkerMetrics()
    # Before the engine reads it: what changes in between is noticed.
    found: list[RuleSet] = []
    app.rules_file = RulesFile(settings, found.append)
    # The broker counts from the last heartbeat, which may have been so long ago when the pause began.
    app.awake = Awake(settings.session_timeout_s - heartbeat_s)
    app.metrics.recovering.set_function(lambda: float(not app.is_settled))
    app.metrics.rules_refused.set_function(lambda: float(app.rules_file.is_refused))
    app.on_partitions_revoked.connect(app.release)
    app.on_partitions_assigned.connect(app.take_over)
    for plan in STAGES:
        _watch(app, plan, is_batch)

    @app.task  # type: ignore[untyped-decorator]
    async def beat() -> None:
        await or_stop(Pulse(app).run())

    @app.task  # type: ignore[untyped-decorator]
    async def stay_awake() -> None:
        await or_stop(app.awake.run())

    @app.task  # type: ignore[untyped-decorator]
    async def look_at_rules() -> None:
        while not app.should_stop:
            # Those of thousands of shops take seconds to read, and heartbeats do not wait.
            pause_s = await asyncio.to_thread(app.rules_file.look)
            if found:
                app.renew(found.pop())
            await app.sleep(pause_s)

    add_pages(app)
    return app


class _RawSchema(faust.Schema[Any, Any]):
    """Hands the message to the agent as it came; decoding is the stage's business."""

    def compile(self, app: Any, **_: Any) -> Any:
        async def decode(message: Any, *, propagate: bool = False) -> Any:
            return app.create_event(None, message, message.headers, message)

        return decode


def _watch(app: WorkerApp, plan: StagePlan, is_batch: bool) -> None:
    settings = app.settings
    channel = app.topic(
        *[topic_name(settings, topic) for topic in plan.topics],
        schema=_RawSchema(),
        # Eight batches wait at most; a full queue blocks the fetcher, which is all the back-pressure.
        maxsize=8 if is_batch else None,
    )

    async def watch(arrived: StreamT[Any]) -> None:
        stream = cast(Stream[Any], arrived)
        stage = next(stage for stage in app.stages if stage.plan == plan)
        async for tp, records, events in _batches(stream, is_batch):
            if events[0].message.generation_id != app.consumer_generation_id:
                # Delivered before a rebalance: whoever owns the partition now reads it again.
                for event in events:
                    let_go(app.consumer, event.message)
                continue
            topic = plain_name(settings, tp.topic)
            is_applied = await or_stop(stage.process(topic, tp.partition, records))
            for event in events:
                if is_applied:
                    await stream.ack(event)
                else:
                    let_go(app.consumer, event.message)

    app.agent(channel, name=f"watch-{plan.name}")(watch)


async def _batches(
    stream: Stream[Any], is_batch: bool
) -> AsyncIterator[tuple[TP, Sequence[Any], Sequence[EventT[Any]]]]:
    """Batches of one partition each, with the events that acknowledge them."""
    if is_batch:
        async for event in stream.noack().events():
            records = cast(Sequence[Any], event.message.value)
            yield event.message.tp, records, [event]
        return
    async for events in stream.noack_take(1000, within=0.05):
        # Faust takes from partitions in turn, so neighbours hardly ever belong together.
        by_partition: dict[TP, list[EventT[Any]]] = {}
        for event in events:
            by_partition.setdefault(event.message.tp, []).append(event)
        for tp, of_partition in by_partition.items():
            yield tp, [event.message for event in of_partition], of_partition


async def or_stop(work: Awaitable[T]) -> T:
    """Do it, or end the process before anything is acknowledged."""
    try:
        return await work
    except Exception as error:
        stop_for(error)


def stop_for(error: BaseException) -> NoReturn:
    """End the process with the exit code of what went wrong."""
    if isinstance(error, OrderwatchError):
        stop_now(str(error), error.exit_code)
    if isinstance(error, (GroupAuthorizationFailedError, TopicAuthorizationFailedError)):
        why = f"The Kafka broker refuses this user what it needs ({error}). {RIGHTS_CURE}"
        stop_now(why, TransientError.exit_code)
    if isinstance(error, InvalidTimestampError):
        stop_now(
            f"The Kafka broker refuses the time of what is written. {CLOCK_CURE}",
            TransientError.exit_code,
        )
    if isinstance(error, KafkaError):
        # What another attempt cannot mend is a bug, or a broker that is not set up for us.
        is_away = error.retriable or isinstance(error, KafkaTimeoutError)
        log.error("worker_broker_failed", exc_info=error)
        stop_now(
            f"Kafka: {error}", TransientError.exit_code if is_away else OrderwatchError.exit_code
        )
    log.error("worker_failed", exc_info=error)
    stop_now("see the traceback above", OrderwatchError.exit_code)


def stop_now(why: str, code: int) -> NoReturn:
    """End the process at once. Nothing is acknowledged: Kafka gives the records to the next worker."""
    log.critical("worker_stops", exit_code=code, why=why)
    logging.shutdown()
    os._exit(code)
