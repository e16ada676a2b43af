"""Which alerts somebody wants: by detector, severity, shop and kind of change."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.alerts import SEVERITIES, Alert, AlertChange, Severity


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """A conjunction; an empty set of names lets everything through.

    It looks at one revision: an alert that was opened as `warn` and escalates passes
    `min_severity="critical"` from the escalation on.

    The trap: it does not see what became milder. An alert that passed as critical and was resolved
    or retracted as `warn` does not pass again, so whoever must hear the end filters by severity in
    their own code, where they know what they heard before.
    """

    detectors: frozenset[str] = frozenset()
    shops: frozenset[str] = frozenset()
    changes: frozenset[AlertChange] = frozenset()
    min_severity: Severity = "info"

    def matches(self, alert: Alert) -> bool:
        """Whether this revision is wanted."""
        return (
            SEVERITIES.index(alert.severity) >= SEVERITIES.index(self.min_severity)
            and (not self.detectors or alert.detector in self.detectors)
            and (not self.shops or alert.shop_id in self.shops)
            and (not self.changes or alert.change in self.changes)
        )
