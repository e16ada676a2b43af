"""The worker's metrics, one object per app, base units, labels from closed sets and never a buyer."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from schemas.alerts import Alert
from streams.detect.engine import Around, Ask
from streams.detect.episodes import Verdict
from streams.detect.rules import RuleSet

# Stands for the shops that the rules file does not name. No shop can be called so: an id has no colon.
OTHER_SHOP: Final = ":other"
# What goes on in a shop or got worse there; what else becomes of an alert says nothing about an attack.
_WORSE: Final = frozenset({"opened", "reopened", "escalated"})
_SECONDS = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10)
# Of one detector for one subject. Most take some ten microseconds; for a buyer with ten thousand unpaid
# orders it is some ten milliseconds, so what is above the third is of no subject that we have seen.
_SECONDS_OF_ONE: Final = (0.001, 0.01, 0.1, 1.0, 10.0)
# Of so many subjects one is timed, and stands for all of them: to time each cost the engine 2 to 4 % of its
# CPU time. A prime, or of batches with as many subjects the same ones would always be passed over.
EVERY: Final = 31


class _Took:
    """How often a detector was asked, by the bucket of the time that it took, and the time of all."""

    def __init__(self) -> None:
        self.counts = [0] * (len(_SECONDS_OF_ONE) + 1)
        self.total_s = 0.0


class DetectorTimes(Collector):
    """How long each detector takes, estimated from one subject in `EVERY`.

    The engine asks `watch` before it judges a subject. Classes of one id are one detector here. `now_s` is a
    clock that never goes back.
    """

    def __init__(self, now_s: Callable[[], float] = time.perf_counter) -> None:
        self._now_s = now_s
        self._left = 1
        self._took: dict[str, _Took] = {}

    def begin(self, detectors: Iterable[str]) -> None:
        """Export each of them from now on, also one that is not asked for days: a rate needs a beginning."""
        for detector in sorted(detectors):
            self._took[detector] = _Took()

    def watch(self) -> Around | None:
        """How to ask about the next subject."""
        self._left -= 1
        if self._left:
            return None
        self._left = EVERY
        return self.timed

    def timed(self, detector: str, ask: Ask) -> Ask:
        """The same question, with a look at the clock before and after."""

        def ask_timed(*about: Any) -> Verdict:
            began_s = self._now_s()
            verdict = ask(*about)
            took_s = self._now_s() - began_s
            took = self._took[detector]
            took.total_s += EVERY * took_s
            took.counts[bisect_left(_SECONDS_OF_ONE, took_s)] += EVERY
            return verdict

        return ask_timed

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """One histogram for each detector that runs."""
        family = HistogramMetricFamily(
            "orderwatch_detector_evaluation_seconds",
            "One detector judging one subject once, estimated from one subject in 31; most events need no "
            "judging",
            labels=["detector"],
        )
        bounds = [*map(str, _SECONDS_OF_ONE), "+Inf"]
        for detector, took in self._took.items():
            buckets = list(zip(bounds, accumulate(took.counts), strict=True))
            family.add_metric([detector], buckets, took.total_s)
        yield family


class WorkerMetrics:
    """What each stage of the worker took in, gave out and refused, and how far behind it is."""

    def __init__(self) -> None:
        r = self.registry = CollectorRegistry()
        self.records = Counter(
            "orderwatch_records",
            "Records read, by what became of them",
            ["topic", "outcome"],
            registry=r,
        )
        self.dead_letters = Counter(
            "orderwatch_dead_letters",
            "Records sent to dead letters",
            ["topic", "reason"],
            registry=r,
        )
        self.late = Counter(
            "orderwatch_late",
            "Events beyond retention, kept on the late topic",
            ["topic"],
            registry=r,
        )
        self.alerts = Counter(
            "orderwatch_alerts",
            "Alert revisions published",
            ["detector", "severity", "change"],
            registry=r,
        )
        self.shop_alerts = Counter(
            "orderwatch_shop_alerts",
            "Alerts that were opened, reopened or escalated in each shop that the rules file names; in all "
            "others together as :other",
            ["shop", "detector", "severity"],
            registry=r,
        )
        self.signals = Counter("orderwatch_signals", "Signals published", ["name"], registry=r)
        self.insufficient = Counter(
            "orderwatch_insufficient",
            "Evaluations that had too little data to conclude",
            ["detector", "reason"],
            registry=r,
        )
        self.evaluated = Counter(
            "orderwatch_evaluated", "Subjects evaluated", ["stage"], registry=r
        )
        self.evaluation_seconds = Histogram(
            "orderwatch_evaluation_seconds",
            "Merging and evaluating one batch",
            ["stage"],
            buckets=_SECONDS,
            registry=r,
        )
        self.detectors = DetectorTimes()
        r.register(self.detectors)
        self.batch_seconds = Histogram(
            "orderwatch_batch_seconds",
            "One batch from decode to durable state",
            ["stage"],
            buckets=_SECONDS,
            registry=r,
        )
        self.event_lag_seconds = Gauge(
            "orderwatch_event_lag_seconds",
            "Wall clock less the newest event time of the last batch, when that was done",
            ["topic"],
            registry=r,
        )
        self.horizon_lag_seconds = Gauge(
            "orderwatch_horizon_lag_seconds",
            "Wall clock less the lowest horizon of a stage",
            ["stage"],
            registry=r,
        )
        self.state_subjects = Gauge(
            "orderwatch_state_subjects", "Subjects in state", ["stage"], registry=r
        )
        self.state_bytes = Gauge(
            "orderwatch_state_bytes",
            "State in memory, compressed where it rests",
            ["stage"],
            registry=r,
        )
        self.consumer_lag_records = Gauge(
            "orderwatch_consumer_lag_records",
            "Records in the log that have not been acknowledged",
            ["topic"],
            registry=r,
        )
        self.recovering = Gauge(
            "orderwatch_recovering", "1 while state is being read back", registry=r
        )
        self.rules_refused = Gauge(
            "orderwatch_rules_refused",
            "1 while the rules file has changed into one that cannot be used; the rules before it hold",
            registry=r,
        )
        self.recovered_subjects = Counter(
            "orderwatch_recovered_subjects", "Subjects read back from the changelog", registry=r
        )
        self.payments_silent = Gauge(
            "orderwatch_payments_silent",
            "Shops where many buyers order and nobody pays: nothing is concluded about them",
            registry=r,
        )
        self.payments_silent_everywhere = Gauge(
            "orderwatch_payments_silent_everywhere",
            "1 while many buyers of all shops together order and nobody pays in any of them",
            registry=r,
        )

    def published(self, alert: Alert, rules: RuleSet) -> None:
        """Count one revision; its shop by name only where the rules file names it."""
        self.alerts.labels(alert.detector, alert.severity, alert.change).inc()
        # Of what a shop allows it wants nobody told.
        if alert.change in _WORSE and alert.suppressed_by is None:
            shop = alert.shop_id if rules.names(alert.shop_id) else OTHER_SHOP
            self.shop_alerts.labels(shop, alert.detector, alert.severity).inc()
