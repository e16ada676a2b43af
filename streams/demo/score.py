"""What the demo has shown so far, told at its end: how the alerts stand, and who was let be.

The trap: an alert about an honest subject is no mistake by itself. Some detectors tell a seller about
its own work, such as parcels that it sends too late; only a warning that accuses counts here.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from streams.demo.story import HONEST_PREFIXES, LATE_SHOP
from streams.detect.detector import find_detectors
from streams.display.masking import visible

ACCUSING = frozenset(detector.id for detector in find_detectors() if detector.accuses)


class _Shown(NamedTuple):
    """The last revision of an alert, as far as it counts here."""

    detector: str
    severity: str
    status: str
    subject: str

    @property
    def is_accusation(self) -> bool:
        return self.detector in ACCUSING and self.severity != "info" and self.status != "retracted"


class Score:
    """Takes revisions as they are shown; the last revision of an alert says how it stands."""

    def __init__(self) -> None:
        self.alerts: dict[str, _Shown] = {}

    def add(self, envelope: Any) -> None:
        """Take one revision."""
        alert = envelope["data"]
        self.alerts[alert["alert_id"]] = _Shown(
            alert["detector"], alert["severity"], alert["status"], alert["subject"]["id"]
        )

    def accused_by_mistake(self) -> list[str]:
        """Subjects with a standing accusation although the story makes them honest."""
        shown = self.alerts.values()
        return sorted({a.subject for a in shown if a.is_accusation and _is_honest(a.subject)})

    def summary(self) -> str:
        """A few lines: how the alerts of each detector stand, and the people left in peace."""
        if not self.alerts:
            return "No alert was shown."
        lines = [f"{len(self.alerts)} alerts were shown; they stand as follows:"]
        for detector in sorted({alert.detector for alert in self.alerts.values()}):
            standing = Counter(
                f"{alert.severity} {alert.status}"
                for alert in self.alerts.values()
                if alert.detector == detector
            )
            counts = ", ".join(f"{count} {how}" for how, count in sorted(standing.items()))
            about = "" if detector in ACCUSING else " (about the shop's own work, accuses no buyer)"
            lines.append(f"  {detector}: {counts}{about}")
        mistaken = self.accused_by_mistake()
        lines.append(
            f"  accused although honest: {', '.join(map(visible, mistaken))}"
            if mistaken
            else "  none accuses the honest buyers, the flash sale, the split order or the late shop"
        )
        return "\n".join(lines)


def _is_honest(subject: str) -> bool:
    shop, _, buyer = subject.partition(":")
    return shop == LATE_SHOP or buyer.startswith(HONEST_PREFIXES)
