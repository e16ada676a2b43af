"""Which detector makes a worker slow, and whether one subject does, can be read from its metrics."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from streams.detect.detector import Detector, Facts, find_detectors
from streams.detect.engine import Engine
from streams.detect.episodes import NOTHING, Verdict
from streams.detect.facts import RefundRequested
from streams.runtime.metrics import EVERY, DetectorTimes
from tests.example_stories import FOLDER, load
from tests.pipeline import Pipeline, default_engine

ROOT = Path(__file__).resolve().parents[2]
HASTY_S, SLOW_S = 0.0005, 0.05


class Clock:
    """Goes on when somebody works."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Ticks:
    """A clock that goes on whenever somebody looks at it."""

    def __init__(self) -> None:
        self._ticks = itertools.count()

    def __call__(self) -> float:
        return next(self._ticks)


class Works(Detector[Any]):
    """Takes a known time for each request of a buyer, and says nothing. Its id only finds it a rule block."""

    name = "works"
    subject = "buyer"
    triggers = (RefundRequested,)
    topics = ("refunds",)

    def __init__(self, name: str, clock: Clock, seconds_each: float) -> None:
        self.id = name  # type: ignore[misc]
        self._clock = clock
        self._seconds_each = seconds_each

    def evaluate(self, facts: Facts, horizon_ms: int, rules: Any) -> Verdict:
        self._clock.now_s += self._seconds_each * len(facts.of(RefundRequested))
        return NOTHING


def request(buyer: str, number: int) -> tuple[str, Mapping[str, Any]]:
    return "refunds", {
        "type": "requested",
        "event_id": f"{buyer}-{number}",
        "schema_version": 1,
        "occurred_at": f"2026-11-11T12:{number:02d}:00Z",
        "shop_id": "shop1",
        "buyer_id": buyer,
        "order_id": f"{buyer}-o{number}",
        "refund_id": f"{buyer}-r{number}",
        "attempt_no": 1,
        "refund_only": True,
        "reason": "quality",
        "goods_status": "received",
        "phase": "aftersale",
        "currency": "CNY",
        "amount_minor": 1000,
    }


class Watched:
    """A hasty and a slow detector in an engine, and what its metrics say of them."""

    def __init__(self) -> None:
        clock = Clock()
        self._times = DetectorTimes(clock)
        self._registry = CollectorRegistry()
        self._registry.register(self._times)
        works = [Works("D08", clock, HASTY_S), Works("D09", clock, SLOW_S)]
        engine = Engine(works, default_engine().rules, "default", self._times.watch)
        self._times.begin(engine.running)
        self._pipeline = Pipeline(engine)

    def judge(self, buyer: str, requests: int) -> None:
        """Of a buyer who by now has made so many requests."""
        self._pipeline.send([request(buyer, number) for number in range(requests)])

    def value(self, series: str, detector: str, **more: str) -> float:
        """What is exported."""
        name = f"orderwatch_detector_evaluation_seconds_{series}"
        found = self._registry.get_sample_value(name, {"detector": detector, **more})
        assert found is not None
        return found


def test_a_detector_that_burns_time_is_seen_to_be_the_one() -> None:
    watched = Watched()
    for number in range(3 * EVERY):
        watched.judge(f"b{number}", requests=1)
    for detector, seconds_each in (("D08", HASTY_S), ("D09", SLOW_S)):
        # Those that were timed stand for all.
        assert watched.value("count", detector) == 3 * EVERY
        assert watched.value("sum", detector) == pytest.approx(3 * EVERY * seconds_each)


def test_one_subject_that_takes_long_shows_among_many_that_do_not() -> None:
    watched = Watched()
    for rounds in range(EVERY):
        for number in range(12):
            watched.judge(f"b{rounds}-{number}", requests=1)
        watched.judge("hot", requests=20 + rounds)
    for detector, longer in (("D08", 0), ("D09", EVERY)):
        total = watched.value("count", detector)
        assert total == 13 * EVERY
        assert total - watched.value("bucket", detector, le="0.1") == longer, detector


def test_every_time_is_in_the_bucket_that_holds_it() -> None:
    clock, registry = Clock(), CollectorRegistry()
    times = DetectorTimes(clock)
    times.begin(["D01"])
    registry.register(times)

    def take(seconds: float) -> Verdict:
        clock.now_s += seconds
        return NOTHING

    for seconds in (0.0, 0.0009, 0.002, 0.5, 60.0):
        assert times.timed("D01", take)(seconds) is NOTHING
    name = "orderwatch_detector_evaluation_seconds_bucket"
    bounds = ("0.001", "0.01", "0.1", "1.0", "10.0", "+Inf")
    found = [registry.get_sample_value(name, {"detector": "D01", "le": bound}) for bound in bounds]
    assert found == [number * EVERY for number in (2, 3, 3, 4, 4, 5)]


def test_every_registered_detector_has_a_label_and_is_timed_under_it() -> None:
    """Those of second order too; and nobody answers otherwise for being watched."""
    times = DetectorTimes(Ticks())
    detectors = find_detectors()
    engine = Engine(detectors, default_engine().rules, "default", lambda: times.timed)
    times.begin(engine.running)
    for path in sorted(FOLDER.glob("*/fires_*.yaml")):
        story = load(path)
        watched, plain = Pipeline(engine), Pipeline()
        for pipeline in (watched, plain):
            pipeline.send(story.events)
            pipeline.finish(story.horizon_ms)
        assert watched.standing == plain.standing, story.name
    (family,) = times.collect()
    counts = {
        one.labels["detector"]: one.value for one in family.samples if one.name.endswith("_count")
    }
    assert set(counts) == {detector.id for detector in detectors}
    assert [detector for detector, count in counts.items() if not count] == []


def test_a_detector_that_was_never_asked_is_exported_as_zero() -> None:
    assert Watched().value("count", "D08") == 0


def test_the_page_says_how_many_are_timed() -> None:
    (family,) = DetectorTimes().collect()
    assert f"one subject in {EVERY};" in family.documentation
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert f"from one subject in {EVERY}," in page


def clocks_in(source: str) -> list[str]:
    """Modules and calls by which a program could learn what time it is."""
    tree = ast.parse(source)
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else ()
        )
    }
    called = {
        node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    return sorted(imported & {"time", "timeit"} | called & {"now", "utcnow", "today"})


def test_detection_has_no_clock() -> None:
    assert clocks_in("import time, re\nfrom datetime import date\ndate.today()") == [
        "time",
        "today",
    ]
    assert clocks_in("from time import monotonic") == ["time"]
    found = {
        path.name: clocks
        for path in (ROOT / "streams" / "detect").rglob("*.py")
        if (clocks := clocks_in(path.read_text(encoding="utf-8")))
    }
    assert found == {}
