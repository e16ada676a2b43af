"""Episodes as rows that alerts and the oracle can both be turned into, to be compared whole.

An alert does not name its anchor; its id does, so the oracle's anchor is turned into an id.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from schemas.alerts import Alert
from streams.detect.diff import alert_id
from streams.detect.extract import to_ms
from streams.detect.partition import KIND, Partition
from streams.detect.state import unpack
from tests.classified import classified
from tests.oracle.oracle import DEFAULTS, Events, History, OracleEpisode

# Those that have an oracle.
DETECTORS = (
    *("D01", "D02", "D03", "D05", "D06", "D07", "D08", "D09", "D10", "D11", "D12", "D15", "D16"),
    *("D22", "D26", "D27", "D28", "D29", "D30", "D31", "D32", "D33", "D34", "D35"),
)
# Those whose members are orders, and not events.
OF_ORDERS = ("D01", "D03", "D10")
# An alert lists at most this many facts, so of more only the count can be compared.
LISTED = 50
_HOLDERS = re.compile(r"buyers known to hold many: (\d+)")


class Row(NamedTuple):
    """One episode."""

    detector: str
    subject: str
    alert_id: str
    opened_at_ms: int
    last_crossing_ms: int
    status: str
    ended_at_ms: int | None
    severity: str
    n_members: int
    members: tuple[str, ...]


def oracle_rows(
    events: Events,
    horizon_ms: int,
    rules: Mapping[str, Mapping[str, Any]] | None = None,
    detectors: Sequence[str] = DETECTORS,
) -> list[Row]:
    """What the oracle finds, for all detectors or some: each is a query of ten milliseconds."""
    with History(events, classified(events)) as history:
        return sorted(
            _oracle_row(detector, episode)
            for detector in detectors
            for episode in history.episodes(detector, horizon_ms, (rules or {}).get(detector))
        )


def _oracle_row(detector: str, episode: OracleEpisode) -> Row:
    kind: Any = episode.subject_kind
    return Row(
        detector,
        episode.subject_id,
        alert_id(detector, "default", kind, episode.subject_id, episode.anchor_event_id),
        episode.opened_at_ms,
        episode.last_crossing_ms,
        episode.status,
        episode.ended_at_ms,
        episode.severity,
        episode.n_members,
        tuple(sorted(episode.members)) if episode.n_members <= LISTED else (),
    )


def engine_rows(alerts: Iterable[Alert], partitions: Iterable[Partition]) -> list[Row]:
    """What final alerts say; the last crossing, which no alert shows, is taken from the ledgers.

    Of a subject that was forgotten there is none left; a single case ends with its newest fact, or, in
    D34, with the tier that it had reached when it expired.
    """
    last: dict[str, int] = {}
    for partition in partitions:
        for key, packed in partition.states.items():
            assert key[0] in KIND
            last.update({p.alert_id: p.last_at_ms for p in unpack(packed).published})
    latest = {
        alert.alert_id: alert for alert in sorted(alerts, key=lambda a: (a.alert_id, a.revision))
    }
    return sorted(
        _engine_row(alert, last.get(alert.alert_id, _forgotten(alert)))
        for alert in latest.values()
        if alert.status != "retracted" and alert.detector in DETECTORS
    )


def _forgotten(alert: Alert) -> int:
    if alert.detector == "D34" and alert.status == "expired" and alert.resolved_at:
        return to_ms(alert.resolved_at - timedelta(seconds=DEFAULTS["D34"]["expire_after_s"]))
    return to_ms(max(alert.opened_at, alert.window.end))


def _engine_row(alert: Alert, last_ms: int) -> Row:
    total = alert.evidence.facts_total
    return Row(
        alert.detector,
        alert.subject.id,
        alert.alert_id,
        to_ms(alert.opened_at),
        last_ms,
        alert.status,
        _ms(alert.resolved_at),
        alert.severity,
        total,
        _members(alert) if total <= LISTED else (),
    )


def _members(alert: Alert) -> tuple[str, ...]:
    if alert.detector == "D02":
        # How many buyers are known to hold many is only said in words.
        counted = _HOLDERS.search(alert.summary.en)
        assert counted, alert.summary.en
        readings = [f.event_id for f in alert.evidence.facts if f.kind == "StockReading"]
        buyers = {
            f.detail["order"]: f.detail["buyer"] for f in alert.evidence.facts if f.kind == "Signal"
        }
        orders = [
            f"{buyers[held.order_id]}/{held.order_id} {held.units} {held.state}"
            for held in alert.held_units
        ]
        due = [f"{due.code} {to_ms(due.due_at)}" for due in alert.deadlines]
        return tuple(sorted([*readings, *orders, f"{counted[1]} holders", *due]))
    if alert.detector == "D35":
        # One case is about one order, whatever else proves it.
        return (_order_of_case(alert),)
    return tuple(sorted(_member(alert, fact) for fact in alert.evidence.facts))


def _order_of_case(alert: Alert) -> str:
    for fact in alert.evidence.facts:
        if fact.kind == "OrderPlaced":
            return fact.ref
    return f"{fact.detail['buyer']}/{fact.detail['order']}"


def _member(alert: Alert, fact: Any) -> str:
    if alert.detector == "D01":
        return str(fact.ref)
    if alert.detector == "D03":
        return f"{fact.detail['buyer']}/{fact.detail['order']}"
    if alert.detector not in OF_ORDERS:
        return str(fact.event_id)
    return str(fact.ref.split("/")[2] if fact.kind == "Signal" else fact.detail["order_id"])


def _ms(at: datetime | None) -> int | None:
    return None if at is None else to_ms(at)
