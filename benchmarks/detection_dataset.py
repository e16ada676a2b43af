"""What is known about one data set of real traffic: its size, its replays, whom they accused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.detection_truth import ACCUSING
from schemas.alerts import Alert
from streams.importers import DatasetKind, ImportReport
from streams.replay.engine import ReplayReport


@dataclass(frozen=True)
class Replayed:
    """One replay: the report, and the alerts that were raised at any time."""

    report: ReplayReport
    raised: Mapping[str, Alert]

    @property
    def taken_back(self) -> int:
        """Alerts that were raised and then retracted."""
        return sum(alert.status == "retracted" for alert in self.report.alerts.values())


@dataclass(frozen=True)
class Dataset:
    """What a data set holds, and what the detectors said about it."""

    kind: DatasetKind
    imported: ImportReport
    buyers: int
    orders: int
    trigger_facts: Mapping[str, int]
    pay_delays_s: Mapping[str, float]
    replayed: Replayed
    unguarded: Replayed
    sweep: Mapping[tuple[str, int], int]

    @property
    def accused(self) -> set[str]:
        """Whom an alert blames: not those that only inform, nor those about the seller's business."""
        raised = self.replayed.raised.values()
        return {a.subject.id for a in raised if a.severity != "info" and a.detector in ACCUSING}
