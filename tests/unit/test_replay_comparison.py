"""`orderwatch replay --against`: what other rules would have said of the same events."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest

from streams.cli import main
from streams.replay.comparison import compare
from tests.example_stories import FOLDER, load
from tests.factories import make_alert

SHIPPED = files("streams.detect").joinpath("rules.yaml").read_text("utf-8")


def test_alerts_are_new_gone_or_changed_by_their_ids() -> None:
    same, milder = make_alert("same"), make_alert("less", severity="warn")
    now = [same, milder, make_alert("new")]
    before = [make_alert("gone"), same, make_alert("less", severity="critical")]
    found = [(one.kind, one.alert, one.was) for one in compare(now, before)]
    assert found == [
        ("changed", milder, before[2]),
        ("new", now[2], None),
        ("gone", before[0], None),
    ]
    assert compare(now, now) == []


@pytest.fixture
def events(tmp_path: Path) -> Path:
    story = load(FOLDER / "D01" / "fires_a_few_small_orders.yaml")
    path = tmp_path / "events.jsonl"
    lines = (json.dumps({"topic": topic, "value": value}) for topic, value in story.events)
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def rules_with(folder: Path, own: str) -> Path:
    path = folder / "other.yaml"
    path.write_text(f"{SHIPPED}\nshops: {{shop1: {own}}}\n", encoding="utf-8")
    return path


def test_the_command_shows_what_differs_and_nothing_else(
    events: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    until = ["--until", "2026-11-13"]
    other = rules_with(tmp_path, "{D01: {warn_orders: 9, warn_units: 900, critical_units: 900}}")
    assert main(["replay", str(events), "--against", str(other), "--json", *until]) == 0
    told = capsys.readouterr()
    (difference,) = (json.loads(line) for line in told.out.splitlines())
    assert (difference["kind"], difference["alert"]["detector"], difference["was"]) == (
        "new",
        "D01",
        None,
    )
    assert "D01: 1 new" in told.err
    assert (
        main(["replay", str(events), "--rules", str(other), "--against", str(other), *until]) == 0
    )
    told = capsys.readouterr()
    assert told.out == "" and "No alert differs." in told.err


def test_rules_and_input_that_cannot_be_compared_are_refused_before_anything_is_read(
    events: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = rules_with(tmp_path, "{D01: {warn_order: 9}}")
    assert main(["replay", str(events), "--against", str(other)]) == 2
    assert "did you mean 'warn_orders'" in capsys.readouterr().err
    assert main(["replay", "-", "--against", str(other)]) == 2
    assert "name files" in capsys.readouterr().err
