"""Pages derived from the code are current, and pages by hand name only what exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from schemas.topics import TOPICS
from streams.cli import metrics_reference, settings_reference
from streams.settings import Settings, variable_names
from tests.deploy.exported import exported_series
from tests.docs.pages import ROOT, name_of, pages

# Read by tests and benchmarks only, so it is no setting.
OF_TESTS = {"ORDERWATCH_DATA"}


def test_page_of_settings_is_current() -> None:
    page = settings_reference.PAGE.read_text(encoding="utf-8")
    assert page == settings_reference.render(), "run: make docs"


def test_page_of_metrics_is_current() -> None:
    page = metrics_reference.PAGE.read_text(encoding="utf-8")
    assert page == metrics_reference.render(), "run: make docs"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_says_what_it_means(name: str) -> None:
    meaning = Settings.model_fields[name].description
    assert meaning and meaning.rstrip().endswith("."), f"write a sentence below `{name}`"


def test_every_setting_is_in_one_section() -> None:
    listed = [name for _, names in settings_reference.sections() for name in names]
    assert listed == list(Settings.model_fields)


def test_every_series_is_on_the_page_of_metrics() -> None:
    page = metrics_reference.PAGE.read_text(encoding="utf-8")
    for series in exported_series(ROOT / "streams"):
        name = re.sub(r"_(bucket|sum|count)$", "", series)
        assert f"`{name}`" in page, f"{series}: its module is missing in metrics_reference"


def test_every_topic_has_a_section() -> None:
    page = (ROOT / "docs" / "topics.md").read_text(encoding="utf-8")
    for topic in TOPICS:
        assert f"\n### {topic}\n" in page


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_variables_on_pages_are_settings(page: Path) -> None:
    known = set(variable_names()) | OF_TESTS
    for variable in re.findall(r"ORDERWATCH_[A-Z_]*[A-Z]\b", page.read_text(encoding="utf-8")):
        assert variable in known, f"{variable} is no setting"


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_metrics_on_pages_are_exported(page: Path) -> None:
    series = exported_series(ROOT / "streams")
    known = {re.sub(r"_(bucket|sum|count)$", "", name) for name in series} | series.keys()
    text = page.read_text(encoding="utf-8")
    for metric in re.findall(r"`(orderwatch_[a-z_]*[a-z])\b", text):
        assert metric in known, f"{metric} is not exported"
