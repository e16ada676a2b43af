"""Labels are true: an independent computation over the events finds exactly what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from streams.simulate import ATTACKS, FAULTS, LOOKALIKES, simulate
from streams.simulate.simulation import SimulationReport
from tests.oracle.oracle import History

# Those of the labels that an oracle can find from the events alone; words are not read in SQL.
DETECTORS = ("D01", "D03", "D08", "D09", "D10", "D12", "D33")
Key = tuple[str, str, str]


def labels(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def found(path: Path, report: SimulationReport) -> dict[Key, str]:
    assert report.last_at is not None
    worst: dict[Key, str] = {}
    with History(path) as history:
        for detector in DETECTORS:
            for episode in history.episodes(detector, int(report.last_at.timestamp() * 1000) + 1):
                key = (detector, episode.subject_kind, episode.subject_id)
                # What only informs says nothing about anybody.
                if episode.severity != "info" and worst.get(key) != "critical":
                    worst[key] = episode.severity
    return worst


def expected(path: Path) -> dict[Key, str]:
    return {
        (label["detector"], label["subject"]["kind"], label["subject"]["id"]): label["expected"]
        for label in labels(path)
        if label["expected"] != "none" and label["detector"] in DETECTORS
    }


@pytest.mark.parametrize("name", [*ATTACKS, *LOOKALIKES, *FAULTS])
def test_every_story_alone_is_what_its_label_says(tmp_path: Path, name: str) -> None:
    out = tmp_path / "events.jsonl"
    report = simulate(out, buyers=30, scenarios=[name])
    told = labels(tmp_path / "events.jsonl.labels.jsonl")
    assert [label["scenario"] for label in told] == [name]
    assert found(out, report) == expected(tmp_path / "events.jsonl.labels.jsonl")


@pytest.mark.parametrize("seed", [1, 2])
def test_together_they_are_all_that_is_found(tmp_path: Path, seed: int) -> None:
    """No honest order and no lookalike gives an alert, and no story disturbs another."""
    out = tmp_path / "events.jsonl"
    report = simulate(out, seed=seed, events=30_000, attack_share=0.01, shops=("a", "b"))
    assert report.stories.keys() == {*ATTACKS, *LOOKALIKES}
    assert found(out, report) == expected(tmp_path / "events.jsonl.labels.jsonl")
