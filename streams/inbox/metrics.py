"""The metrics of the inbox. Gauges are read from the store when scraped, so they cannot drift from it.

Labels come from closed sets: severity, detector, label, reason, topic, deadline code, state. Never a buyer,
never a shop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from sqlalchemy.exc import SQLAlchemyError

from streams.inbox.board import Board
from streams.inbox.database import said_of
from streams.inbox.events import Topic
from streams.inbox.store import Store

log = structlog.get_logger(__name__)

# From one minute to a working day: the proposed limits are 30 minutes (critical) and 4 hours (warn).
_ACK_BUCKETS_S = (60, 300, 600, 1800, 3600, 7200, 14_400, 28_800, 86_400)


class InboxMetrics:
    """One registry of its own, so that two consoles in one process (tests) do not mix."""

    def __init__(self, store: Store, board: Board, now: Callable[[], datetime]) -> None:
        self.registry = CollectorRegistry()
        self._applied = Counter(
            "orderwatch_inbox_applied", "Alert revisions stored.", registry=self.registry
        )
        self._ignored = Counter(
            "orderwatch_inbox_ignored",
            "Alert revisions that were stored already, or older than the stored one or the retention.",
            registry=self.registry,
        )
        self._refused = Counter(
            "orderwatch_inbox_refused",
            "Records that are no alerts, or no decisions on stock, by reason.",
            ["reason"],
            registry=self.registry,
        )
        self._store_failures = Counter(
            "orderwatch_inbox_store_failures",
            "Attempts to store a batch that the database did not answer.",
            registry=self.registry,
        )
        self.rules_refused = Gauge(
            "orderwatch_rules_refused",
            "1 while the rules file has changed into one that cannot be used; the rules before it hold.",
            registry=self.registry,
        )
        self._lag = Gauge(
            "orderwatch_inbox_lag_records",
            "Records of its topics that the inbox has not read yet.",
            registry=self.registry,
        )
        self._steps = Counter(
            "orderwatch_inbox_steps",
            "Steps of people, by step and outcome.",
            ["step", "outcome"],
            registry=self.registry,
        )
        self._ack = Histogram(
            "orderwatch_inbox_ack_seconds",
            "From the arrival of an alert to somebody taking it.",
            buckets=_ACK_BUCKETS_S,
            registry=self.registry,
        )
        self._events_sent = Counter(
            "orderwatch_inbox_events_sent",
            "Events about what people did, deadlines that turned and words on top-ups, sent, by topic.",
            ["topic"],
            registry=self.registry,
        )
        self._event_failures = Counter(
            "orderwatch_inbox_event_failures",
            "Attempts to send such events that failed, by topic; they are repeated.",
            ["topic"],
            registry=self.registry,
        )
        self._pruned = Counter(
            "orderwatch_inbox_pruned",
            "What was deleted because of its age: alerts, complaints, bans, decisions on stock, events sent, "
            "records refused.",
            ["what"],
            registry=self.registry,
        )
        self.registry.register(_StoredGauges(store, board, now))

    def stored(self, applied: int, ignored: int) -> None:
        self._applied.inc(applied)
        self._ignored.inc(ignored)

    def passed_over(self, records: int) -> None:
        self._ignored.inc(records)

    def pruned(self, what: str, number: int) -> None:
        self._pruned.labels(what).inc(number)

    def refused(self, reason: str) -> None:
        self._refused.labels(reason).inc()

    def store_failed(self) -> None:
        self._store_failures.inc()

    def lag(self, records: int) -> None:
        self._lag.set(records)

    def stepped(self, step: str, outcome: str, waited: timedelta | None = None) -> None:
        self._steps.labels(step, outcome).inc()
        if waited is not None:
            # A clock that was set back meanwhile would take from the sum, which may only grow.
            self._ack.observe(max(0.0, waited.total_seconds()))

    def events_sent(self, topic: Topic, count: int) -> None:
        self._events_sent.labels(topic).inc(count)

    def event_not_sent(self, topic: Topic) -> None:
        self._event_failures.labels(topic).inc()

    def exposition(self) -> bytes:
        """All metrics as Prometheus text."""
        return generate_latest(self.registry)


class _StoredGauges:
    def __init__(self, store: Store, board: Board, now: Callable[[], datetime]) -> None:
        self._store = store
        self._board = board
        self._now = now

    def describe(self) -> list[Metric]:
        # Without this the registry would collect once at registration, and so read the database.
        return []

    def collect(self) -> Iterator[Metric]:
        try:
            queue, snoozed = self._store.unhandled(), self._store.snoozed()
            oldest = self._store.oldest_unhandled()
            labels = self._store.labels()
            timers = self._board.counts()
            waiting = self._store.waiting_events()
            bans = self._store.bans()
        except SQLAlchemyError as error:
            # A scrape without these gauges is an alert rule's business; a failed scrape would hide
            # the counter that says why.
            log.warning("inbox_metrics_without_store", reason=said_of(error))
            return
        alerts = GaugeMetricFamily(
            "orderwatch_inbox_alerts_open", "Alerts not handled yet.", labels=["severity"]
        )
        aside = GaugeMetricFamily(
            "orderwatch_inbox_alerts_snoozed",
            "Alerts not handled yet that somebody has set aside until later.",
            labels=["severity"],
        )
        for severity, number in queue.items():
            alerts.add_metric([severity], number + snoozed[severity])
            aside.add_metric([severity], snoozed[severity])
        yield alerts
        yield aside
        age_s = (self._now() - oldest).total_seconds() if oldest else 0.0
        yield GaugeMetricFamily(
            "orderwatch_inbox_oldest_unhandled_seconds",
            "How long the alert that waits longest has been waiting.",
            value=max(0.0, age_s),
        )
        labelled = GaugeMetricFamily(
            "orderwatch_inbox_labelled_alerts",
            "Handled alerts by what people found out; FALSE_POSITIVE makes precision.",
            labels=["detector", "label"],
        )
        for (detector, label), number in sorted(labels.items()):
            labelled.add_metric([detector, label], number)
        yield labelled
        due = GaugeMetricFamily(
            "orderwatch_inbox_timers_due",
            "Deadlines of alerts and complaints at work that were reminded of or are due; never T01.",
            labels=["code"],
        )
        breached = GaugeMetricFamily(
            "orderwatch_inbox_timers_breached",
            "Those that are past their last moment and not met.",
            labels=["code"],
        )
        soonest = GaugeMetricFamily(
            "orderwatch_inbox_timers_next_seconds",
            "Until the last moment of the deadline that comes first; none where none lies ahead.",
            labels=["code"],
        )
        for code, count in timers.items():
            due.add_metric([code], count.due)
            breached.add_metric([code], count.breached)
            if count.next_s is not None:
                soonest.add_metric([code], count.next_s)
        yield due
        yield breached
        yield soonest
        events = GaugeMetricFamily(
            "orderwatch_inbox_events_waiting",
            "Events about what people did, deadlines that turned and words on top-ups, not sent yet.",
            labels=["topic"],
        )
        for topic, number in waiting.items():
            events.add_metric([topic], number)
        yield events
        at_work = GaugeMetricFamily(
            "orderwatch_inbox_bans",
            "Bans that wait for approval (PROPOSED), for the platform (APPROVED), or stand (EXPORTED).",
            labels=["state"],
        )
        for state, number in bans.items():
            at_work.add_metric([state], number)
        yield at_work
