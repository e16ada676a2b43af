"""Which alerts somebody wants: by detector, severity, shop and kind of change."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import get_args

from schemas.alerts import SEVERITIES, Alert, AlertChange, Severity
from streams.errors import ConfigurationError

_DETECTOR = re.compile(r"D\d\d")


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """A conjunction; an empty set of names lets everything through.

    It looks at one revision: an alert that was opened as `warn` and escalates passes
    `min_severity="critical"` from the escalation on.

    The trap: it does not see what became milder. An alert that passed as critical and was resolved
    or retracted as `warn` does not pass again, so whoever must hear the end filters by severity in
    their own code, where they know what they heard before.

    Raises ConfigurationError for what no alert can have: such a filter would only ever be silent. A
    detector that this version does not know may be named, for a newer worker may run it.
    """

    detectors: frozenset[str] = frozenset()
    shops: frozenset[str] = frozenset()
    changes: frozenset[AlertChange] = frozenset()
    min_severity: Severity = "info"

    def __post_init__(self) -> None:
        _refuse(
            "detectors", [name for name in self.detectors if not _DETECTOR.fullmatch(name)], "D01 …"
        )
        _refuse("changes", self.changes - set(get_args(AlertChange)), get_args(AlertChange))
        _refuse("min_severity", {self.min_severity} - set(SEVERITIES), SEVERITIES)

    def matches(self, alert: Alert) -> bool:
        """Whether this revision is wanted."""
        return (
            SEVERITIES.index(alert.severity) >= SEVERITIES.index(self.min_severity)
            and (not self.detectors or alert.detector in self.detectors)
            and (not self.shops or alert.shop_id in self.shops)
            and (not self.changes or alert.change in self.changes)
        )


def _refuse(name: str, unknown: Collection[str], expected: str | Sequence[str]) -> None:
    if unknown:
        known = expected if isinstance(expected, str) else ", ".join(expected)
        raise ConfigurationError(
            f"AlertFilter: {name} names {', '.join(map(repr, sorted(unknown)))}, which no alert has; "
            f"expected {known}."
        )
