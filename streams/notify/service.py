"""`orderwatch notify`: alerts and deadlines in, notifications out, outcomes on the `notifications` topic.

The main thread turns both into rows of the outbox, one thread a channel sends them, and one more
publishes what became of them. The outbox is the only thing that they share.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import structlog

from schemas.alerts import AlertEnvelope
from streams.errors import TransientError
from streams.kafka.publisher import KafkaPublisher, Outgoing, Publisher
from streams.notify.channels import AppriseChannel, Channel, ConsoleChannel
from streams.notify.intake import take
from streams.notify.metrics import NotifyMetrics
from streams.notify.outbox import Outbox
from streams.notify.routes import CONSOLE, ChannelConfig, Routes, load_routes
from streams.notify.sender import Limits, Sender
from streams.notify.turns import TIMERS_TOPIC, Turns, follow
from streams.service.background import Background
from streams.service.locking import only_one
from streams.service.logs import configure_logging
from streams.service.serving import metrics_served
from streams.settings import Settings
from streams.subscriber import (
    AlertSubscriber,
    BadAlert,
    KafkaSource,
    SqliteLedger,
    stop_on_signals,
)
from streams.subscriber.client import ALERTS_TOPIC

log = structlog.get_logger(__name__)

GROUP_SUFFIX = "-notify"
NOTIFICATIONS_TOPIC = "notifications"
KEEP_FINISHED_S = 7 * 86_400.0
# As long as SqliteLedger knows the alert: while its revisions count as new, so does their sequel.
KEEP_TOLD_S = 400 * 86_400.0
REPORT_EVERY_S = 0.5
PRUNE_EVERY_S = 3600.0
AFTER_FAILURE_S = 5.0


def run(settings: Settings) -> None:
    """Notify until SIGTERM or SIGINT; blocks.

    Raises ConfigurationError for routes, URLs or a port that cannot be used, TransientError without
    broker.
    """
    configure_logging(settings)
    routes = load_routes(settings)
    channels = open_channels(routes)
    metrics = NotifyMetrics()
    path = settings.data_dir / "notify.db"
    group_id = settings.group_id + GROUP_SUFFIX
    with (
        only_one("notify", settings.data_dir),
        metrics_served(settings, "notify_metrics_port", metrics.registry),
    ):
        outbox = Outbox(path)
        outbox.recover(
            skipping_channels(routes), list(channels), repeating_channels(routes), time.time()
        )
        ledger = SqliteLedger(path, group_id)
        publisher = KafkaPublisher(settings)
        subscriber = AlertSubscriber(
            KafkaSource(settings, [ALERTS_TOPIC, TIMERS_TOPIC], group_id),
            ledger,
            on_bad=lambda bad: _count_bad(metrics, bad),
            beside={TIMERS_TOPIC: Turns(routes, ledger).take},
        )
        limits = {name: limits_of(routes, name) for name in channels}
        reporter = Reporter(outbox, publisher, metrics, limits)
        with (
            subscriber,
            stop_on_signals(subscriber.stop),
            Background(on_failure=subscriber.stop) as background,
        ):
            for name, channel in channels.items():
                sender = Sender(name, channel, limits[name], outbox, metrics)
                background.start(f"notify-{name}", sender.step)
            background.start("notify-report", reporter.step)
            subscriber.run(counting(enqueuer(routes, ledger), metrics))
        # What was sent just before the stop is reported now rather than after the next start.
        reporter.step()
        publisher.close()
        outbox.close()


def enqueuer(
    routes: Routes, ledger: SqliteLedger, now: Callable[[], float] = time.time
) -> Callable[[AlertEnvelope], None]:
    """The handler of alerts: rows for the outbox, durable together with the mark of the alert."""

    def handle(envelope: AlertEnvelope) -> None:
        alert, at = envelope.data, now()
        take(ledger.connection, routes, alert, at)
        follow(ledger.connection, alert, at)

    return handle


def counting(
    handle: Callable[[AlertEnvelope], None], metrics: NotifyMetrics
) -> Callable[[AlertEnvelope], None]:
    """The same handler; what it has taken is counted, for silence would look like peace."""

    def handle_and_count(envelope: AlertEnvelope) -> None:
        handle(envelope)
        metrics.alerts.inc()

    return handle_and_count


def open_channels(routes: Routes) -> Mapping[str, Channel]:
    """The channels that any route names. Raises ConfigurationError for an unusable URL."""
    names = dict.fromkeys(name for route in routes.routes for name in route.to)
    return {
        name: ConsoleChannel() if name == CONSOLE else _open(name, routes.channels[name])
        for name in names
    }


def limits_of(routes: Routes, name: str) -> Limits:
    """The limits of a channel; the console has none, for nobody is woken by it."""
    if name == CONSOLE:
        return Limits(max_per_minute=None, give_up_after_s=0.0)
    config = routes.channels[name]
    return Limits(config.max_per_minute, config.give_up_after_s, config.quiet)


def skipping_channels(routes: Routes) -> list[str]:
    """Channels that rather lose a notification in a crash than send it twice."""
    return [name for name, config in routes.channels.items() if config.after_crash == "skip"]


def repeating_channels(routes: Routes) -> list[str]:
    """Channels that any route tells again of what stays open."""
    return [name for one in routes.routes if one.repeat_s is not None for name in one.to]


class Reporter:
    """Brings delivery reports to the `notifications` topic and keeps the outbox small."""

    def __init__(
        self,
        outbox: Outbox,
        publisher: Publisher,
        metrics: NotifyMetrics,
        limits: Mapping[str, Limits],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._outbox = outbox
        self._publisher = publisher
        self._metrics = metrics
        self._limits = limits
        self._now = now
        self._pruned_at = 0.0

    def step(self) -> float:
        """Publish what waits; returns the seconds to wait before the next step."""
        least_loudness = {
            name: one.least_loudness(self._now()) for name, one in self._limits.items()
        }
        self._metrics.set_waiting(
            self._outbox.waiting(least_loudness),
            self._outbox.held(least_loudness),
            list(least_loudness),
        )
        if self._now() - self._pruned_at >= PRUNE_EVERY_S:
            self._pruned_at = self._now()
            self._outbox.prune(self._pruned_at - KEEP_FINISHED_S, self._pruned_at - KEEP_TOLD_S)
        reports = self._outbox.unpublished()
        if not reports:
            return REPORT_EVERY_S
        try:
            self._publisher.publish(
                [
                    Outgoing(
                        NOTIFICATIONS_TOPIC, report.alert_id, report.model_dump_json().encode()
                    )
                    for _, report in reports
                ]
            )
        except TransientError as error:
            # Nothing is lost: the reports stay in the outbox until the broker takes them.
            log.warning("reports_not_published", error=str(error), waiting=len(reports))
            return AFTER_FAILURE_S
        self._outbox.mark_published(reports[-1][0])
        return 0.0


def _open(name: str, config: ChannelConfig) -> Channel:
    assert config.url is not None, "load_routes has read url_file"
    return AppriseChannel(name, config.url.get_secret_value(), config.timeout_s)


def _count_bad(metrics: NotifyMetrics, bad: BadAlert) -> None:
    metrics.bad_alerts.inc()
