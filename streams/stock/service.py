"""`orderwatch stock`: alerts and stock readings in, decisions out. Run one instance only.

The main thread applies records, each in one transaction; a second one takes back what platforms
close by themselves and publishes decisions. Readings of an item and alerts about its buyers lie on
different partitions, so a second instance would decide with half of the facts.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import structlog
from pydantic import ValidationError

from schemas import fast_types
from schemas.alerts import AlertEnvelope
from schemas.fast import Refused, decode_event
from schemas.outputs import ActionResult, Control, StockAdjustment
from streams.errors import ConfigurationError, TransientError
from streams.kafka import reading
from streams.kafka.publisher import KafkaPublisher, Outgoing, Publisher
from streams.service.background import Background
from streams.service.locking import only_one
from streams.service.logs import configure_logging
from streams.service.serving import metrics_served
from streams.settings import Settings
from streams.stock.adapter import command
from streams.stock.control import (
    APPROVE,
    CONTROL_TOPIC,
    KILL_SWITCH,
    approved_until,
    heed,
    read,
    recall,
)
from streams.stock.ledger import (
    EARLIEST,
    Limits,
    decide,
    decide_after_reading,
    decide_after_word,
    decide_auto_closed,
)
from streams.stock.metrics import StockMetrics
from streams.stock.restore import restore
from streams.stock.results import RESULTS_TOPIC, Heard, hear, hear_report
from streams.stock.store import Store
from streams.subscriber import KafkaSource, Record, RecordLoop, SqliteLedger, stop_on_signals
from streams.subscriber.ledger import open_database, transaction

log = structlog.get_logger(__name__)

GROUP_SUFFIX = "-stock"
ADJUSTMENTS_TOPIC = "stock-adjustments"
TOPICS = ["alerts", "stock", "listings", CONTROL_TOPIC, RESULTS_TOPIC]
KEEP_CLOSED_S = 30 * 86_400.0
UPKEEP_EVERY_S = 0.5
PRUNE_EVERY_S = 3600.0
# Summing up what is held reads every order that is.
SUM_UP_EVERY_S = 10.0
AFTER_FAILURE_S = 5.0


def run(settings: Settings) -> None:
    """Adjust stock until SIGTERM or SIGINT; blocks.

    Raises ConfigurationError for a port that cannot be used, TransientError without a broker.
    """
    configure_logging(settings)
    metrics = StockMetrics()
    path = settings.data_dir / "stock.db"
    group_id = settings.group_id + GROUP_SUFFIX
    with (
        only_one("stock", settings.data_dir),
        metrics_served(settings, "stock_metrics_port", metrics.registry),
    ):
        ledger = SqliteLedger(path, group_id)
        catch_up(settings, ledger, metrics)
        source = SoleSource(settings, TOPICS, group_id)
        loop = RecordLoop(source)
        publisher = KafkaPublisher(settings)
        desk = StockDesk(settings, ledger, metrics)
        upkeep = Upkeep(settings, open_database(path), publisher, metrics)

        def keep_up() -> float:
            return upkeep.step() if source.was_alone else UPKEEP_EVERY_S

        with (
            closing(loop),
            closing(ledger),
            stop_on_signals(loop.stop),
            Background(on_failure=loop.stop) as background,
            closing(loop.records()) as records,
        ):
            background.start("stock-upkeep", keep_up)
            for record in records:
                desk.apply(record)
        # What was decided just before the stop is published now rather than after the next start.
        keep_up()
        publisher.close()
        upkeep.close()


def catch_up(settings: Settings, ledger: SqliteLedger, metrics: StockMetrics) -> None:
    """Learn what the topics say and the file does not: it is new, or a backup.

    Raises TransientError when a topic cannot be read, ConfigurationError when there is none.
    """
    since_ms = (time.time() - KEEP_CLOSED_S) * 1000
    said: list[StockAdjustment] = []
    for record in reading.to_end(settings, ADJUSTMENTS_TOPIC):
        if record.value and record.timestamp_ms >= since_ms:
            try:
                said.append(StockAdjustment.model_validate_json(record.value))
            except ValidationError as error:
                # Not one of ours, and it must not keep the service from starting for a month.
                _refuse(ADJUSTMENTS_TOPIC, record, error, metrics)
    commands = [
        (record.value, record.offset)
        for record in reading.to_end(settings, CONTROL_TOPIC)
        if record.value
    ]
    store = Store(ledger.connection)
    with transaction(ledger.connection):
        restored = restore(store, said)
        recall(store, commands, datetime.now(UTC))
    if restored:
        log.warning("decisions_restored", decisions=restored, topped_up=store.topped_up_now())


class SoleSource(KafkaSource):
    """A source for whoever must read everything: it refuses to begin beside another member.

    The one that was there first goes on, for its ledger is the right one. What it is given back once
    the newcomer has left is read from where it stopped: the newcomer commits nothing, and decides
    nothing before it `was_alone`.
    """

    was_alone = False

    def poll(self, timeout_s: float) -> list[Record]:
        """See Source. Raises ConfigurationError when another member was there before."""
        records = super().poll(timeout_s)
        if not self.was_alone and self.is_shared():
            raise ConfigurationError(
                "Another `orderwatch stock` of this ORDERWATCH_GROUP_ID runs already, with a ledger of "
                "its own. Stop one of them; the one to keep is the one whose stock.db is older."
            )
        self.was_alone = self.was_alone or bool(self._owned)
        return records


def limits_of(settings: Settings, store: Store, now: float) -> Limits:
    """What the settings, the kill switch and approvals allow at this moment."""
    is_asked = settings.stock_approval and not settings.stock_dry_run
    return Limits(
        item_budget_units=settings.stock_item_budget_units,
        shop_budget_units=settings.stock_shop_budget_units,
        is_dry_run=settings.stock_dry_run,
        is_killed=settings.stock_kill_switch or store.is_killed(),
        approved=store.approved(now) if is_asked else None,
        refused=store.refused(),
    )


class StockDesk:
    """Applies records of the five topics, each in one transaction of the ledger's file."""

    def __init__(
        self,
        settings: Settings,
        ledger: SqliteLedger,
        metrics: StockMetrics,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._store = Store(ledger.connection)
        self._metrics = metrics
        self._now = now

    def apply(self, record: Record) -> list[StockAdjustment]:
        """The new decisions; a record that was applied before, or cannot be read, brings none."""
        if record.value is None:
            return []
        try:
            decisions = self._apply(record.topic, record.value, record.offset)
        except (ValidationError, Refused) as error:
            # Bad input events are dead-lettered by the worker, which reads the same topics.
            _refuse(record.topic, record, error, self._metrics)
            return []
        self._metrics.count(decisions)
        return decisions

    def _apply(self, topic: str, value: bytes, offset: int) -> list[StockAdjustment]:
        if topic == "alerts":
            return self._apply_alert(AlertEnvelope.model_validate_json(value))
        if topic == CONTROL_TOPIC:
            return self._apply_control(value, offset)
        if topic == RESULTS_TOPIC:
            return self._apply_result(ActionResult.model_validate_json(value))
        return self._apply_event(topic, decode_event(topic, value))

    def _apply_alert(self, envelope: AlertEnvelope) -> list[StockAdjustment]:
        alert = envelope.data
        with self._ledger.handling(alert.alert_id, alert.revision) as is_new:
            decisions = decide(alert, self._store, self._limits(), self._clock()) if is_new else []
        self._metrics.alerts.inc()
        return decisions

    def _apply_event(self, topic: str, event: Any) -> list[StockAdjustment]:
        latest = self._now() + self._settings.max_future_s
        if not EARLIEST.timestamp() <= event.occurred_at.timestamp() <= latest:
            raise Refused("bad_time", f"occurred_at is {event.occurred_at.isoformat()}")
        heard = None
        with transaction(self._ledger.connection):
            limits = self._limits()
            if topic == "listings":
                self._store.put_listing(event, latest)
            else:
                if isinstance(event, fast_types.StockAdjusted):
                    heard = hear_report(event.adjustment_id, event.occurred_at, self._store, limits)
                self._store.put_reading(event, latest)
            decisions = decide_after_reading(
                event.shop_id, event.item_id, self._store, limits, event.occurred_at, self._clock()
            )
        if heard is not None:
            self._count(heard)
            decisions = [*heard.decisions, *decisions]
        return decisions

    def _apply_control(self, value: bytes, offset: int) -> list[StockAdjustment]:
        control = read(value, self._clock())
        if control.command == KILL_SWITCH:
            self._switch(control, offset)
            return []
        return self._hear_word(control)

    def _switch(self, control: Control, offset: int) -> None:
        with transaction(self._ledger.connection):
            self._store.put_control(control, offset)
            is_on = self._store.is_killed()
        # What holds now, and not only what was asked for: a repeat changes nothing.
        log.warning(
            "stock_kill_switch",
            is_on=is_on or self._settings.stock_kill_switch,
            value=control.value,
            control=control.control_id,
        )

    def _hear_word(self, control: Control) -> list[StockAdjustment]:
        now = self._clock()
        at = min(max(control.at, EARLIEST), now)
        decisions: list[StockAdjustment] = []
        with transaction(self._ledger.connection):
            is_heeded = heed(self._store, control, now)
            if is_heeded:
                decisions = decide_after_word(control.value, self._store, self._limits(), at, now)
        about = {"alert": control.value, "control": control.control_id}
        if not is_heeded:
            log.warning("stock_word_ignored", command=control.command, **about)
        elif control.command == APPROVE:
            until = approved_until(control, now).isoformat(timespec="seconds")
            log.warning("stock_approved", until=until, **about)
        else:
            log.warning("stock_refused", **about)
        return decisions

    def _apply_result(self, result: ActionResult) -> list[StockAdjustment]:
        at = min(max(result.finished_at, EARLIEST), self._clock())
        result = result.model_copy(update={"finished_at": at})
        with transaction(self._ledger.connection):
            heard = hear(result, self._store, self._limits())
        if heard.about is None:
            self._metrics.count_action("unknown", code="unknown")
        self._count(heard)
        return heard.decisions

    def _count(self, heard: Heard) -> None:
        if heard.about is None or heard.status is None:
            return
        self._metrics.count_action(heard.status)
        if heard.status in ("refused", "failed", "contradictory"):
            # Not what a result says: a platform's message may name a buyer.
            log.error(
                "stock_action_not_done",
                action=heard.about.adjustment_id,
                kind=heard.about.kind,
                status=heard.status,
                is_dry_run=heard.about.is_dry_run,
            )

    def _limits(self) -> Limits:
        return limits_of(self._settings, self._store, self._now())

    def _clock(self) -> datetime:
        return datetime.fromtimestamp(self._now(), UTC)


def _refuse(
    topic: str,
    record: Record | reading.Record,
    error: ValidationError | Refused,
    metrics: StockMetrics,
) -> None:
    why = error.reason if isinstance(error, Refused) else type(error).__name__
    log.error(
        "stock_record_refused", position=f"{topic}[{record.partition}]@{record.offset}", error=why
    )
    metrics.count_bad(topic)


class Upkeep:
    """What happens without a record: auto-closing, publishing, forgetting."""

    def __init__(
        self,
        settings: Settings,
        connection: sqlite3.Connection,
        publisher: Publisher,
        metrics: StockMetrics,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._store = Store(connection)
        self._publisher = publisher
        self._metrics = metrics
        self._now = now
        self._pruned_at = self._summed_up_at = 0.0

    def step(self) -> float:
        """One round; returns the seconds to wait before the next."""
        now = self._now()
        with transaction(self._store.connection):
            limits = limits_of(self._settings, self._store, now)
            decisions = decide_auto_closed(self._store.due(now), self._store, limits)
            if now - self._pruned_at >= PRUNE_EVERY_S:
                self._pruned_at = now
                self._store.prune(now - KEEP_CLOSED_S)
        self._metrics.count(decisions)
        self._metrics.set_state(self._store.topped_up_now(), limits.is_killed)
        if now - self._summed_up_at >= SUM_UP_EVERY_S:
            self._summed_up_at = now
            self._metrics.set_held(self._store.held_units(), self._store.reversals_not_done())
        # Before as well, because a send may try for a minute.
        self._metrics.set_waiting(self._store.waiting())
        pause_s = self._publish()
        self._metrics.set_waiting(self._store.waiting())
        return pause_s

    def close(self) -> None:
        """Close the upkeep's own connection to the file."""
        self._store.connection.close()

    def _publish(self) -> float:
        waiting = self._store.unpublished()
        if not waiting:
            return UPKEEP_EVERY_S
        records: list[Outgoing] = []
        asked = set[int]()
        for seq, each in waiting:
            key = f"{each.shop_id}:{each.item_id}"
            records.append(Outgoing(ADJUSTMENTS_TOPIC, key, each.model_dump_json().encode()))
            if not self._store.asks_for_nothing(each):
                records.append(command(each))
                asked.add(seq)
        try:
            self._publisher.publish(records)
        except TransientError as error:
            # Nothing is lost: decisions stay in the file until the broker takes them.
            log.warning("decisions_not_published", error=str(error), waiting=len(waiting))
            return AFTER_FAILURE_S
        with transaction(self._store.connection):
            # One that asked for nothing may by now: its top-up was reported meanwhile.
            self._store.mark_published(
                [n for n, one in waiting if n in asked or self._store.asks_for_nothing(one)]
            )
        for _ in asked:
            self._metrics.count_action("requested")
        return 0.0
