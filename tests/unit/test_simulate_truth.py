"""Labels are true: an independent computation over the events finds exactly what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas.alerts import SEVERITIES
from streams.simulate import ATTACKS, FAULTS, LOOKALIKES, NOTICES, simulate
from streams.simulate.simulation import SimulationReport
from tests.oracle.oracle import History

# Those that only inform: in honest traffic there is something to inform about, too.
INFORMING = ("D07", "D11", "D16", "D28", "D29", "D31")
# Those of the labels that an oracle can find from the events alone; words are not read in SQL.
DETECTORS = (
    *("D01", "D03", "D08", "D09", "D10", "D12", "D27", "D30", "D32", "D33", "D34"),
    *INFORMING,
)
Key = tuple[str, str, str]


def labels(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def found(path: Path, report: SimulationReport) -> dict[Key, str]:
    """What the oracle finds; of detectors that inform, or tell the seller alone, only about the labelled."""
    assert report.last_at is not None
    about = {key(label) for label in labels(Path(f"{path}.labels.jsonl"))}
    worst: dict[Key, str] = {}
    with History(path) as history:
        for detector in DETECTORS:
            for episode in history.episodes(detector, int(report.last_at.timestamp() * 1000) + 1):
                subject = (detector, episode.subject_kind, episode.subject_id)
                informs = detector in INFORMING
                if (informs or detector == "D34") and subject not in about:
                    continue
                if informs or episode.severity != "info":
                    worst[subject] = max(
                        episode.severity, worst.get(subject, "info"), key=SEVERITIES.index
                    )
    return worst


def expected(path: Path) -> dict[Key, str]:
    return {
        key(label): label["expected"]
        for label in labels(path)
        if label["expected"] != "none" and label["detector"] in DETECTORS
    }


def key(label: dict[str, Any]) -> Key:
    return label["detector"], label["subject"]["kind"], label["subject"]["id"]


@pytest.mark.parametrize("name", [*ATTACKS, *LOOKALIKES, *FAULTS, *NOTICES])
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
