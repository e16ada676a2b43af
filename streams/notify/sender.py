"""One sender for each channel: takes what is due from the outbox, sends it, records the outcome.

A channel that fails waits longer and longer and holds up no other channel. The trap: a time-out is
an unknown outcome; it is sent again, because a lost critical alert costs more than a second one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from streams.notify.channels import Channel, DeliveryError
from streams.notify.hours import EVERYTHING, Quiet
from streams.notify.metrics import NotifyMetrics
from streams.notify.outbox import Delivery, Outbox
from streams.notify.text import marked_as_repeat
from streams.subscriber import Retry

log = structlog.get_logger(__name__)

# Well below the second within which an alert should reach a person.
IDLE_S = 0.2
BACK_OFF = Retry(first_delay_s=1.0, factor=2.0, max_delay_s=300.0)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a channel takes, how long it is tried, and when it is quiet; None is no limit."""

    max_per_minute: int | None
    give_up_after_s: float
    quiet: Quiet | None = None

    def least_loudness(self, now: float) -> int:
        """How loud must be what the channel may be told at that moment, see waiting.LOUDNESS."""
        return self.quiet.least_loudness(now) if self.quiet is not None else EVERYTHING


class Sender:
    """Delivers the notifications of one channel, one at a time."""

    def __init__(
        self,
        name: str,
        channel: Channel,
        limits: Limits,
        outbox: Outbox,
        metrics: NotifyMetrics,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._name = name
        self._channel = channel
        self._limits = limits
        self._outbox = outbox
        self._metrics = metrics
        self._now = now
        self._failures_in_a_row = 0

    def step(self) -> float:
        """Send at most one notification; returns the seconds to wait before the next step."""
        now = self._now()
        delivery = self._outbox.claim(
            self._name,
            self._limits.max_per_minute,
            now,
            is_failing=self._failures_in_a_row > 0,
            least_loudness=self._limits.least_loudness(now),
        )
        if delivery is None:
            return IDLE_S
        message = marked_as_repeat(delivery.message) if delivery.is_repeat else delivery.message
        try:
            self._channel.send(message)
        except DeliveryError as error:
            return self._after_failure(delivery, str(error))
        self._outbox.delivered(delivery, self._now())
        self._metrics.count(self._name, "delivered")
        self._failures_in_a_row = 0
        return 0.0

    def _after_failure(self, delivery: Delivery, error: str) -> float:
        now = self._now()
        self._failures_in_a_row += 1
        is_over = now - delivery.queued_at >= self._limits.give_up_after_s
        status = "gave_up" if is_over else "failed"
        log.warning(
            "notification_failed",
            channel=self._name,
            notification=delivery.notification_id,
            attempt=delivery.attempt,
            is_over=is_over,
            error=error,
        )
        self._metrics.count(self._name, status)
        if is_over:
            self._outbox.gave_up(delivery, error, now)
        else:
            next_at = now + BACK_OFF.delay_s(delivery.attempt)
            self._outbox.failed(delivery, error, next_at, now)
        # The whole channel pauses: when a receiver is down, its queue need not be tried one by one.
        return BACK_OFF.delay_s(self._failures_in_a_row)
