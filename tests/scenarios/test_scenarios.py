"""F1 to F20: what is said at every moment of a story, live and in replay, and what is never said.

The horizon is stepped through every event and to either side of every moment that a file names, so
an alert that comes a millisecond too early or stays too long fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from schemas.alerts import Alert
from streams.detect.detector import find_detectors
from streams.replay.engine import replay
from streams.replay.files import EventReader, event_line
from tests.pipeline import Event, Pipeline, default_engine
from tests.scenarios.files import FOLDER, Said, Scenario, scenarios

ROOT = Path(__file__).parents[2]
SCENARIOS = scenarios()
IDS = {detector.id for detector in find_detectors()}
# A flash sale has thousands of moments; so many of them, evenly chosen, are enough.
MOMENTS = 150


def named(scenario: Scenario) -> str:
    return scenario.name


def said(alerts: Iterable[Alert]) -> list[Said]:
    """The last revisions that were not taken back."""
    last: dict[str, Alert] = {}
    for alert in alerts:
        if alert.alert_id not in last or alert.revision > last[alert.alert_id].revision:
            last[alert.alert_id] = alert
    return sorted(_said(alert) for alert in last.values() if alert.status != "retracted")


def _said(alert: Alert) -> Said:
    _, _, name = alert.subject.id.partition(":")
    return Said(
        alert.detector, f"{alert.subject.kind} {name}".strip(), alert.severity, alert.status
    )


def at_ms(event: Event) -> int:
    return round(datetime.fromisoformat(event[1]["occurred_at"]).timestamp() * 1000)


def moments(scenario: Scenario, events: list[Event]) -> list[int]:
    """When to look: at events, just before and at whatever the file names, at the end."""
    told = sorted({at_ms(event) for event in events})
    named_ms = {edge for want in scenario.wants for edge in (want.from_ms, want.to_ms)}
    chosen = {*told[:: max(1, len(told) // MOMENTS)], *named_ms, scenario.end_ms}
    chosen |= {edge - 1 for edge in named_ms}
    return sorted(moment for moment in chosen if moment <= scenario.end_ms)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=named)
def test_exactly_what_is_wanted_stands_at_every_moment(scenario: Scenario) -> None:
    events = sorted(scenario.events(), key=at_ms)
    pipeline = Pipeline()
    sent = 0
    for moment in moments(scenario, events):
        due = sent
        while due < len(events) and at_ms(events[due]) <= moment:
            due += 1
        pipeline.send(events[sent:due])
        sent = due
        found = said(pipeline.finish(moment).alerts)
        assert found == scenario.wanted_at(moment), datetime.fromtimestamp(moment / 1000, UTC)
    assert sent == len(events)
    raised = {alert.detector for alert in pipeline.alerts}
    assert raised == {want.said.detector for want in scenario.wants}
    assert not raised & scenario.never


@pytest.mark.parametrize("scenario", SCENARIOS, ids=named)
def test_a_replay_of_the_file_ends_as_wanted(scenario: Scenario, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(
        b"".join(event_line(topic, orjson.dumps(value)) for topic, value in scenario.events())
    )
    report = replay(default_engine(), EventReader([path]), until_ms=scenario.end_ms)
    assert said(report.standing) == scenario.wanted_at(scenario.end_ms)
    assert not report.refused


@pytest.mark.parametrize("scenario", SCENARIOS, ids=named)
def test_a_scenario_is_told_in_both_languages_and_says_who_must_stay_silent(
    scenario: Scenario,
) -> None:
    assert re.match(r"S[0-4]", scenario.source)
    assert re.search("[\u4e00-\u9fff]", scenario.zh) and re.search("[a-z]", scenario.en)
    assert scenario.never and scenario.never <= IDS
    assert not scenario.never & {want.said.detector for want in scenario.wants}


def test_every_story_of_the_documents_is_a_scenario_and_listed() -> None:
    page = (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")
    files = sorted(path.stem for path in FOLDER.glob("*.yaml"))
    assert [name.partition("_")[0] for name in files] == [f"F{n:02}" for n in range(1, 21)]
    listed = re.findall(r"^\| \[(\w+)\]\(\.\./examples/scenarios/(\w+)\.yaml\) \|", page, re.M)
    assert [file for _, file in listed] == files
    assert all(file.startswith(f"{name}_") for name, file in listed)
    cases = sum(bool(scenario.case) for scenario in SCENARIOS)
    assert len(re.findall(r"`case: ([\w-]+)`", page)) == cases


def test_no_two_scenarios_share_a_shop() -> None:
    assert len({scenario.shop for scenario in SCENARIOS}) == len(SCENARIOS)
