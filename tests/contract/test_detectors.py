"""What every registered detector must hold to: its examples, its page, its rules, its alerts.

A new detector needs its file, its rule block, its page and its examples, and nothing here.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from schemas.alerts import ActionCode, Alert, AlertEnvelope
from schemas.topics import TOPICS
from streams.detect.alerts import envelope
from streams.detect.detector import Detector, Facts, find_detectors
from streams.detect.episodes import LEVELS
from streams.detect.second_order import SecondOrder
from tests.example_stories import FOLDER, Expected, Story, ms, stories
from tests.pipeline import Pipeline, default_engine, rules_document, run

ROOT = Path(__file__).parents[2]
DETECTORS = find_detectors()
IDS = sorted({detector.id for detector in DETECTORS})
STORIES = stories()
FIRING = [story for story in STORIES if story.expected]


def named(story: Story) -> str:
    return story.name


def latest(alerts: list[Alert], detector: str) -> list[Alert]:
    """The final alerts of a detector that stand."""
    last = {alert.alert_id: alert for alert in alerts}
    return [a for a in last.values() if a.detector == detector and a.status != "retracted"]


def seen(alerts: list[Alert], detector: str) -> list[Expected]:
    return sorted(
        Expected(a.subject.kind, a.severity, a.status, a.evidence.facts_total)
        for a in latest(alerts, detector)
    )


@pytest.mark.parametrize("story", STORIES, ids=named)
def test_a_story_leads_to_exactly_its_episodes(story: Story) -> None:
    assert seen(run(story.events, story.horizon_ms).alerts, story.detector) == story.expected


@pytest.mark.parametrize("story", STORIES, ids=named)
def test_a_story_told_event_by_event_in_any_order_ends_the_same(story: Story) -> None:
    rng = random.Random(story.name)
    events = [*story.events, *rng.sample(story.events, k=len(story.events) // 2)]
    rng.shuffle(events)
    pipeline = Pipeline(partitions=3)
    for event in events:
        pipeline.send([event])
    pipeline.finish(story.horizon_ms)
    assert pipeline.standing == run(story.events, story.horizon_ms).standing


@pytest.mark.parametrize("story", STORIES, ids=named)
def test_what_time_alone_changes_is_asked_to_be_woken_for(story: Story) -> None:
    """Who is told once all is read up to there needs no wake, and must say the same."""
    for horizon_ms in (story.horizon_ms, ms(44 * 86_400)):
        late = Pipeline()
        late.read_to_end(horizon_ms)
        late.read_signals_to_end(horizon_ms)
        late.send(story.events)
        assert late.finish(horizon_ms).standing == run(story.events, horizon_ms).standing


@pytest.mark.parametrize("story", STORIES, ids=named)
def test_the_name_of_a_story_says_whether_it_fires(story: Story) -> None:
    assert story.path.stem.startswith("fires_" if story.expected else "near_miss_")
    assert story.detector == story.path.parent.name
    assert story.tells.strip()


@pytest.mark.parametrize("detector", IDS)
@pytest.mark.parametrize("kind", ["fires", "near_miss"])
def test_every_detector_has_an_example_that_fires_and_one_that_does_not(
    detector: str, kind: str
) -> None:
    assert list((FOLDER / detector).glob(f"{kind}_*.yaml"))


def test_every_example_belongs_to_a_detector() -> None:
    assert {story.detector for story in STORIES} <= set(IDS)
    assert {path.name for path in FOLDER.iterdir()} <= set(IDS)


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda d: f"{d.id}-{d.subject}")
def test_every_subject_of_a_detector_has_an_example_that_fires(detector: Detector[Any]) -> None:
    told = {(story.detector, one.subject) for story in FIRING for one in story.expected}
    is_silent = type(detector).present is Detector.present
    assert is_silent or (detector.id, detector.subject) in told


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda d: f"{d.id}-{d.subject}")
def test_a_detector_is_described(detector: Detector[Any]) -> None:
    page = (ROOT / "docs" / "detectors" / f"{detector.id}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {detector.id} {detector.name}")
    assert re.fullmatch(r"D\d\d", detector.id)
    assert set(detector.topics) <= TOPICS.keys()
    assert detector.triggers or isinstance(detector, SecondOrder)
    module = detector.__module__.rpartition(".")[2]
    assert module == f"{detector.id.lower()}_{detector.name}"


@pytest.mark.parametrize("detector", IDS)
def test_every_threshold_has_a_source_and_a_date(detector: str) -> None:
    block = rules_document()[detector]
    assert block["source"]
    assert re.fullmatch(r"\d{4}-\d{2}(-\d{2})?", block["as_of"])


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda d: f"{d.id}-{d.subject}")
def test_without_facts_of_its_own_a_detector_says_nothing(detector: Detector[Any]) -> None:
    rules = default_engine().rules.of("shop")[detector.id].block
    verdict = detector.evaluate(Facts("shop:1", []), 10**15, rules)
    assert not verdict.episodes
    assert not verdict.signals
    assert verdict.wake_at_ms is None


def alerts_of(story: Story) -> Iterator[Alert]:
    yield from run(story.events, story.horizon_ms).alerts


@pytest.mark.parametrize("story", FIRING, ids=named)
def test_no_accusation_without_evidence(story: Story) -> None:
    """L9, N24: facts, thresholds beside values, window, version, source, and what speaks against it."""
    for alert in alerts_of(story):
        evidence = alert.evidence
        assert len(evidence.facts) == min(evidence.facts_total, 50) > 0
        assert all(fact.event_id and fact.kind and fact.ref for fact in evidence.facts)
        crossed = [LEVELS.index(c.crossed) for c in evidence.thresholds if c.crossed]
        assert crossed, "no threshold is said to be crossed"
        # Who is warned can read by which number.
        assert max(crossed) >= min(LEVELS.index(alert.severity), LEVELS.index("warn"))
        assert evidence.counter_evidence
        assert alert.window.start <= alert.window.end
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}\+[0-9a-f]{8}", alert.rule_version)
        assert alert.source
        assert alert.as_of
        for text in (evidence.not_if, alert.title, alert.summary, *evidence.counter_evidence):
            assert text.zh.strip()
            assert text.en.strip()
        assert alert.suggested_actions
        for action in alert.suggested_actions:
            assert action.code in get_args(ActionCode)
            assert action.text.zh and action.text.en
        # Only what is over says why.
        assert (alert.reason is None) == (alert.status == "open")
        assert (alert.resolved_at is None) == (alert.status == "open")


@pytest.mark.parametrize("story", FIRING, ids=named)
def test_an_alert_survives_its_own_contract(story: Story) -> None:
    for alert in alerts_of(story):
        wire = envelope(alert).model_dump_json()
        again = AlertEnvelope.model_validate_json(wire)
        assert again.data == alert
        assert again.id == f"{alert.alert_id}:{alert.revision}"
        assert again.subject == alert.subject.id


@pytest.mark.parametrize("story", FIRING, ids=named)
def test_every_episode_links_to_the_facts_of_its_story(story: Story) -> None:
    told = {value["event_id"] for _, value in story.events}
    for alert in alerts_of(story):
        assert {fact.event_id for fact in alert.evidence.facts} <= told
