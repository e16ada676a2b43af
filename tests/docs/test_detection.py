"""docs/detection.md says what was measured about every detector, and its scoring can fail."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest
import yaml

from benchmarks import wordings
from benchmarks.detection import replay_file
from benchmarks.detection_rows import reason
from benchmarks.detection_simulated import bounds
from benchmarks.detection_truth import ACCUSING, Key, Score, compare, score_simulation
from schemas.alerts import Severity
from streams.detect.detector import find_detectors
from streams.rules import load_rules
from streams.simulate import ATTACKS, scenario, simulate
from tests.docs.pages import ROOT, blocks
from tests.example_stories import START
from tests.factories import make_alert

PAGE = ROOT / "docs" / "detection.md"
TEXT = PAGE.read_text(encoding="utf-8")
# A detector that is newer than the report has a later id, and is missing until it is measured again.
NEWEST = max(re.findall(r"^\| (D\d\d) \| \d+ \| ", TEXT, re.MULTILINE))
IDS = sorted({d.id for d in find_detectors() if d.id <= NEWEST})


def test_page_says_that_newer_detectors_are_missing() -> None:
    assert "A detector that is newer than this report is missing from it" in TEXT


@pytest.mark.parametrize("detector", IDS)
@pytest.mark.parametrize("dataset", ["olist", "tmall", "online-retail"])
def test_page_says_of_every_detector_what_each_data_set_gave(dataset: str, detector: str) -> None:
    assert f"| {dataset} | {detector} | " in TEXT, "run: make detection-report"


@pytest.mark.parametrize("detector", IDS)
def test_page_says_how_every_detector_did_on_labelled_traffic(detector: str) -> None:
    assert re.search(rf"^\| {detector} \| \d+ \| ", TEXT, re.MULTILINE), (
        "run: make detection-report"
    )


def test_honest_traffic_is_left_alone() -> None:
    shares = re.findall(r"buyers accused, ([\d.]+) %\*\*", TEXT)
    assert len(shares) == 3
    assert all(float(share) < 0.1 for share in shares)


@pytest.mark.parametrize("name", wordings.SETS)
def test_page_says_how_much_is_read_in_other_words(name: str) -> None:
    for one in wordings.read(name):
        row = f"| {name} | {one.label} | {one.messages} | {one.warned} | {one.informed} |"
        assert row in TEXT, "run: make detection-report"
    for told in wordings.signals(name):
        row = f"| {name} | {told.what} | {told.read} | {told.texts} | {told.misread} |"
        assert row in TEXT, "run: make detection-report"


def test_every_bound_holds() -> None:
    assert len(re.findall(r"^- \*\*.*; holds", TEXT, re.MULTILINE)) == 9
    assert "FAILS" not in TEXT


@pytest.mark.parametrize(("hit", "false", "held"), [(98, 5, True), (97, 5, False), (98, 6, False)])
def test_a_bound_that_does_not_hold_is_seen(hit: int, false: int, held: bool) -> None:
    score = Score(seed=1, events=0, orders=0, buyers=1000, accused=0)
    score.expected["D01"], score.hit["D01"] = 100, hit
    score.false["D01"] = [make_alert(str(n)) for n in range(false)]
    assert all(holds for _, holds in bounds([score])) is held


def test_an_honest_buyer_in_a_thousand_is_too_many() -> None:
    score = Score(seed=1, events=0, orders=0, buyers=1000, accused=1)
    score.expected["D01"] = score.hit["D01"] = 1
    assert [holds for _, holds in bounds([score])] == [True, True, False]


def test_page_says_why_each_attack_passes() -> None:
    for name in ATTACKS:
        label = scenario(name, START).label
        row = f"| {name} | {label.detector} | {label.not_caught} |"
        assert (row in TEXT) is bool(label.not_caught), "run: make detection-report"


def test_page_says_where_when_and_with_which_code() -> None:
    for fact in ("command", "date", "commit", "processor", "cores", "python"):
        assert f"\n- {fact}: " in TEXT
    assert "uncommitted" not in TEXT


def test_rules_that_the_page_proposes_can_be_used(tmp_path: Path) -> None:
    rules = yaml.safe_load((ROOT / "streams" / "detect" / "rules.yaml").read_text("utf-8"))
    (proposed,) = (block.text for block in blocks(PAGE) if block.language == "yaml")
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump(rules | yaml.safe_load(proposed)), encoding="utf-8")
    rule = load_rules(path, find_detectors()).of("olist")["D01"].block
    assert rule.model_dump()["grace_s"] == 86_400


def test_every_label_of_a_simulation_is_found(tmp_path: Path) -> None:
    options = argparse.Namespace(buyers=200, attack_share=0.01)
    score = score_simulation(tmp_path / "s.jsonl", 1, options, replay_file)
    assert score.expected.keys() == {detector.id for detector in find_detectors()}
    assert (score.hit, score.missed, score.false) == (score.expected, [], {})
    assert score.same_severity == score.severity_known


def test_scoring_sees_misses_false_alarms_and_wrong_severities(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    simulate(path, buyers=30, scenarios=["F1-small", "F8"], attack_share=0.001)
    standing = replay_file(path).report.standing
    standing = [a for a in standing if a.severity != "info" and a.detector in ACCUSING]
    by_detector = {alert.detector: alert for alert in standing}
    assert by_detector.keys() == {"D01", "D08"}
    wanted = {
        ("D01", "buyer", by_detector["D01"].subject.id): "critical",
        ("D10", "buyer", "shop1:nobody"): "warn",
    }
    score = Score(seed=1, events=0, orders=0, buyers=0)
    compare(score, wanted, (), standing)
    assert (score.hit["D01"], score.same_severity["D01"]) == (1, 0)
    assert score.missed == [("D10", "buyer", "shop1:nobody")]
    assert [alert.detector for alert in score.false["D08"]] == ["D08"]


def test_information_counts_where_a_label_asks_for_no_more() -> None:
    informs = make_alert("a", detector="D07", severity="info", buyer="b1")
    twin = make_alert("b", detector="D07", severity="info", buyer="b2")
    other = make_alert("c", detector="D07", severity="info", buyer="b3")
    hint = make_alert("d", detector="D04", severity="info", buyer="b2")
    score = Score(seed=1, events=0, orders=0, buyers=0)
    wanted: dict[Key, Severity | None] = {
        ("D07", "buyer", "shop1:b1"): "info",
        ("D04", "buyer", "shop1:b1"): "warn",
    }
    silent = {("D07", "buyer", "shop1:b2"), ("D04", "buyer", "shop1:b2")}
    compare(score, wanted, silent, [informs, twin, other, hint])
    assert (score.hit["D07"], score.same_severity["D07"]) == (1, 1)
    assert score.false == {"D07": [twin]}
    assert score.informed == {"D07": 1, "D04": 1}
    assert score.missed == [("D04", "buyer", "shop1:b1")]


def test_a_reason_shows_the_numbers_and_not_the_buyer(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    simulate(path, buyers=30, scenarios=["F1-one-order"], attack_share=0.001)
    (alert,) = (a for a in replay_file(path).report.standing if a.detector == "D01")
    text = reason(alert)
    assert "300 units" in text and "critical 200" in text
    assert alert.subject.id.partition(":")[2] not in text
