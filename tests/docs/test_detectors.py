"""Each detector has a page that speaks of all its rules, and each page has a detector."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.cli import detectors_reference
from streams.detect.detector import Detector, RuleBlock, find_detectors
from tests.docs.pages import ROOT, name_of

DETECTORS = find_detectors()
IDS = sorted({detector.id for detector in DETECTORS})
FOLDER = ROOT / "docs" / "detectors"
RULES: dict[str, Any] = yaml.safe_load(
    (ROOT / "streams" / "detect" / "rules.yaml").read_text("utf-8")
)


def _page(detector: str) -> str:
    return (FOLDER / f"{detector}.md").read_text(encoding="utf-8")


def _blocks() -> dict[str, type[RuleBlock]]:
    return {detector.id: detector.rules for detector in DETECTORS}


def test_every_detector_has_its_page_and_every_page_its_detector() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.md")) == IDS


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda d: f"{d.id}-{d.subject}")
def test_page_names_the_detector_its_subject_and_its_topics(detector: Detector[Any]) -> None:
    page = _page(detector.id)
    assert page.startswith(f"# {detector.id} {detector.name}")
    for word in (detector.subject, *detector.topics):
        assert word.rstrip("s") in page, f"{detector.id}.md does not mention {word}"


@pytest.mark.parametrize("detector", IDS)
def test_page_speaks_of_every_rule(detector: str) -> None:
    page = _page(detector)
    keys = _blocks()[detector].model_fields.keys() - RuleBlock.model_fields.keys()
    silent = {key for key in keys if not re.search(rf"\b{key}\b", page)}
    assert not silent, f"{detector}.md says nothing about {sorted(silent)}"


@pytest.mark.parametrize("detector", IDS)
def test_page_says_the_value_of_a_rule_as_it_is(detector: str) -> None:
    """`name` (5) and `name` (180 s): the number beside a rule is its default."""
    for name, number, unit in re.findall(
        r"(\w+)` \(([\d,]+)(?: (s|d|h|min|%))?\)", _page(detector)
    ):
        value = RULES[detector].get(name)
        factor = {"min": 60, "h": 3600, "d": 86_400}.get(unit, 1)
        if value is not None:
            assert value == int(number.replace(",", "")) * factor, f"{detector}.md: {name}"


@pytest.mark.parametrize("page", detectors_reference.PAGES, ids=name_of)
def test_table_of_detectors_is_current(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text == detectors_reference.render(page), "run: make docs"
    listed = re.findall(r"^\| \[(D\d\d)\]\((.+?)\)", text, re.MULTILINE)
    assert [name for name, _ in listed] == IDS


def test_table_says_about_whom_alerts_are_and_not_whom_else_is_told() -> None:
    table = detectors_reference.found("detectors")
    assert "| [D02](detectors/D02.md) | an item | 拍下架 Unpaid orders" in table
    assert "| [D03](detectors/D03.md) | a shop | " in table
    assert "| [D10](detectors/D10.md) | a buyer, a shop | " in table


def test_page_without_what_to_send_is_named(tmp_path: Path) -> None:
    (tmp_path / "D01.md").write_text("# D01 name · 名\n\nWhat it finds.\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"D01\.md: its table needs a row `\| Send"):
        detectors_reference.needed("detectors", tmp_path)
