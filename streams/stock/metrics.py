"""Metrics of the stock service; no item, order or buyer is ever a label."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

from schemas.outputs import StockAdjustment
from streams.stock.adapter import CODE


class StockMetrics:
    """All series of `orderwatch stock`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.alerts = Counter(
            "orderwatch_stock_alerts",
            "Alert revisions taken, whether they lead to a decision or not.",
            registry=self.registry,
        )
        self._decisions = Counter(
            "orderwatch_stock_decisions",
            "Decisions of the stock ledger.",
            ["kind", "reason", "mode"],
            registry=self.registry,
        )
        self._released = Gauge(
            "orderwatch_stock_released_units",
            "Units that are topped up at present.",
            ["mode"],
            registry=self.registry,
        )
        self._held = Gauge(
            "orderwatch_stock_held_units",
            "Units that orders named by open alerts hold, each order once.",
            registry=self.registry,
        )
        self._not_taken_back = Gauge(
            "orderwatch_stock_reversals_not_done",
            "Real top-ups that were to be taken back and were not, which a person must do.",
            registry=self.registry,
        )
        self._actions = Counter(
            "orderwatch_actions",
            "Actions asked for (requested), and what became of them.",
            ["code", "status"],
            registry=self.registry,
        )
        self._is_killed = Gauge(
            "orderwatch_stock_kill_switch",
            "1 while no unit is topped up by order of a person.",
            registry=self.registry,
        )
        self._waiting = Gauge(
            "orderwatch_stock_decisions_waiting",
            "Decisions that Kafka does not have yet.",
            registry=self.registry,
        )
        self._bad_records = Counter(
            "orderwatch_stock_bad_records",
            "Records that could not be read, by topic.",
            ["topic"],
            registry=self.registry,
        )

    def count(self, decisions: list[StockAdjustment]) -> None:
        """These were decided just now."""
        for each in decisions:
            self._decisions.labels(each.kind, each.reason, _mode(each.is_dry_run)).inc()

    def count_bad(self, topic: str) -> None:
        """A record of that topic was skipped."""
        self._bad_records.labels(topic).inc()

    def set_state(self, topped_up: dict[bool, int], is_killed: bool) -> None:
        """What the ledger holds now, by whether only on paper."""
        for is_dry_run in (True, False):
            self._released.labels(_mode(is_dry_run)).set(topped_up.get(is_dry_run, 0))
        self._is_killed.set(is_killed)

    def set_held(self, units: int, not_taken_back: int) -> None:
        """What open alerts hold, and reversals that did not happen."""
        self._held.set(units)
        self._not_taken_back.set(not_taken_back)

    def count_action(self, status: str, code: str = CODE) -> None:
        """An action was asked for, or a new result of one was read."""
        self._actions.labels(code, status).inc()

    def set_waiting(self, decisions: int) -> None:
        """So many decisions are not on their topic."""
        self._waiting.set(decisions)


def _mode(is_dry_run: bool) -> str:
    return "dry_run" if is_dry_run else "live"
