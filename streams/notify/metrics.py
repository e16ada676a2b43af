"""Metrics of the notification service; channels are a closed set, the names in the routes file."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class NotifyMetrics:
    """All series of `orderwatch notify`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._notifications = Counter(
            "orderwatch_notifications",
            "Attempts to notify, by what became of them.",
            ["channel", "status"],
            registry=self.registry,
        )
        self._waiting = Gauge(
            "orderwatch_notifications_waiting",
            "Notifications that may be sent and are not finished.",
            ["channel"],
            registry=self.registry,
        )
        self._held = Gauge(
            "orderwatch_notifications_held",
            "Notifications that wait for their group, for quiet hours to end, or for a digest.",
            ["channel"],
            registry=self.registry,
        )
        self.alerts = Counter(
            "orderwatch_notify_alerts",
            "Alert revisions taken, whether anybody is told of them or not.",
            registry=self.registry,
        )
        self.bad_alerts = Counter(
            "orderwatch_notify_bad_alerts",
            "Records on the topics alerts and timers that are no alerts and no deadlines.",
            registry=self.registry,
        )

    def count(self, channel: str, status: str) -> None:
        """One attempt was made; status is delivered, failed or gave_up."""
        self._notifications.labels(channel, status).inc()

    def set_waiting(
        self, waiting: dict[str, int], held: dict[str, int], channels: list[str]
    ) -> None:
        """How much waits and is held now, zero for channels that have nothing."""
        for channel in channels:
            self._waiting.labels(channel).set(waiting.get(channel, 0))
            self._held.labels(channel).set(held.get(channel, 0))
