"""`orderwatch replay --against`: what other rules would have said of the same events."""

from __future__ import annotations

import itertools
import json
import os
import re
from importlib.resources import files
from pathlib import Path

import pytest

from streams.cli import main
from streams.replay.comparison import compare
from streams.replay.run import stopped_clock
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
    # Whose numbers they are, and where the new one is missing.
    said = " ".join(told.err.split())
    assert f"new: only under the default rules; gone: only under {other}" in said
    assert re.search(
        r"Under the default rules: [\d,]+ events, .* 1 alerts standing, "
        rf".*Under {re.escape(str(other))}: [\d,]+ events, .* 0 alerts standing",
        said,
    )
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


def test_a_pipe_is_not_read_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # The second replay would find nothing in it, and all alerts would look new.
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    other = rules_with(tmp_path, "{D01: {warn_orders: 9}}")
    assert main(["replay", str(pipe), "--against", str(other)]) == 2
    assert "can be read only once" in capsys.readouterr().err


def test_detectors_that_can_say_nothing_under_the_other_rules_are_refused_at_once(
    events: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ORDERWATCH_DETECTORS", "D01,D25")
    other = tmp_path / "other.yaml"
    other.write_text(SHIPPED.replace("min_acts: 2", "min_acts: 3"), encoding="utf-8")
    alerts = tmp_path / "alerts.jsonl"
    run = ["replay", str(events), "--against", str(other), "--alerts", str(alerts)]
    assert main(run) == 2
    assert "too few of those are chosen" in capsys.readouterr().err
    assert not alerts.exists()


def test_what_a_shop_allows_is_shown_as_what_changed(
    events: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    allowing = rules_with(tmp_path, "{allow: [{detectors: [D01], why: tested}]}")
    shipped = tmp_path / "shipped.yaml"
    shipped.write_text(SHIPPED, encoding="utf-8")
    until = ["--until", "2026-11-13"]
    run = ["replay", str(events), "--rules", str(allowing), "--against", str(shipped), *until]
    assert main(run) == 0
    assert re.search(r"changed .* D01 .* (\w+) → \1, suppressed", capsys.readouterr().out)


def test_replays_that_are_compared_have_one_present() -> None:
    clock = stopped_clock(itertools.count(5).__next__)
    assert [clock(), clock()] == [5, 5]
