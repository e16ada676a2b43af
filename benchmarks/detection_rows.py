"""Cells and lines of docs/detection.md that several of its sections share."""

from __future__ import annotations

import hashlib

from schemas.alerts import Alert


def reason(alert: Alert) -> str:
    """An alert's evidence as one line; the subject's id only as a digest."""
    digest = hashlib.blake2b(alert.subject.id.encode(), digest_size=4).hexdigest()
    checks = ", ".join(
        f"{'' if check.name == check.unit else f'{check.name} '}{check.value:,} {check.unit} "
        f"(warn {check.warn}, critical {check.critical})"
        for check in alert.evidence.thresholds
        if check.crossed is not None
    )
    return (
        f"{alert.detector} {alert.severity} {alert.status}, {alert.subject.kind} {digest}, "
        f"{alert.window.start:%Y-%m-%d %H:%M} to {alert.window.end:%H:%M}: {checks}"
    )


def share(part: int, whole: int, digits: int = 1) -> str:
    """A share in percent; a dash of nothing."""
    return f"{100 * part / whole:.{digits}f} %" if whole else "–"


def duration(seconds: float) -> str:
    """Seconds in a unit that reads well."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
