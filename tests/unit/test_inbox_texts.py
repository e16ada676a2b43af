"""Every detector, fact and threshold has a name in both languages; no page shows a code instead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from schemas.alerts import Alert
from streams.detect.detector import find_detectors
from streams.detect.facts import AnyFact
from streams.inbox.texts import TEXTS
from tests.example_stories import stories
from tests.pipeline import run


def unnamed(kind: str, codes: set[str]) -> set[str]:
    """The codes without a name, or with an empty one, or with a Chinese name for both languages."""
    return {
        code
        for code in codes
        if not all(TEXTS.get(f"{kind}.{code}", ("", "")))
        or any("\u4e00" <= c <= "\u9fff" for c in TEXTS[f"{kind}.{code}"][1])
    }


def example_alerts() -> Iterator[Alert]:
    for story in stories():
        yield from run(story.events, story.horizon_ms).alerts


def test_every_detector_has_a_name() -> None:
    assert unnamed("detector", {one.id for one in find_detectors()}) == set()


def test_every_fact_has_a_name() -> None:
    assert unnamed("fact", {one.__name__ for one in get_args(AnyFact)}) == set()


def test_whatever_the_examples_lead_to_has_names() -> None:
    facts, thresholds, units, kinds = set(), set(), set(), set()
    for alert in example_alerts():
        kinds.add(alert.subject.kind)
        facts |= {fact.kind for fact in alert.evidence.facts}
        thresholds |= {check.name for check in alert.evidence.thresholds}
        units |= {check.unit for check in alert.evidence.thresholds}
    assert len(thresholds) > 40
    assert unnamed("fact", facts) == set()
    assert unnamed("threshold", thresholds) == set()
    assert unnamed("unit", units) == set()
    assert unnamed("kind", {str(kind) for kind in kinds}) == set()
