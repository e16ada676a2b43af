"""Labels are true: an independent computation over the events finds exactly what they say."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest

from schemas.alerts import SEVERITIES
from streams.simulate import ATTACKS, FAULTS, LOOKALIKES, NOTICES, simulate
from tests.oracle.oracle import History

# Those that only inform: in honest traffic there is something to inform about, too.
INFORMING = ("D07", "D11", "D16", "D28", "D29", "D31")
# Those of the labels that an oracle can find from the events alone; words are not read in SQL.
DETECTORS = (
    *("D01", "D03", "D08", "D09", "D10", "D12", "D27", "D30", "D32", "D33", "D34"),
    *INFORMING,
)
STORIES = (*ATTACKS, *LOOKALIKES, *FAULTS, *NOTICES)
Key = tuple[str, str, str]


class Told(NamedTuple):
    """What became of a simulation: its labels, and the worst that the oracle finds of each subject."""

    labels: list[dict[str, Any]]
    found: dict[Key, str]

    @property
    def expected(self) -> dict[Key, str]:
        return {
            key(label): label["expected"]
            for label in self.labels
            if label["expected"] != "none" and label["detector"] in DETECTORS
        } | {
            (one["detector"], one["kind"], one["subject_id"]): one["severity"]
            for label in self.labels
            for one in label["also"]
            if one["detector"] in DETECTORS
        }


def key(label: dict[str, Any]) -> Key:
    return label["detector"], label["subject"]["kind"], label["subject"]["id"]


def judged(path: Path, last_at: datetime | None, labels: list[dict[str, Any]]) -> Told:
    """What the oracle finds; of detectors that inform, or tell the seller alone, only about the labelled."""
    assert last_at is not None
    about = {key(label) for label in labels}
    worst: dict[Key, str] = {}
    with History(path) as history:
        for detector in DETECTORS:
            for episode in history.episodes(detector, int(last_at.timestamp() * 1000) + 1):
                subject = (detector, episode.subject_kind, episode.subject_id)
                informs = detector in INFORMING
                if (informs or detector == "D34") and subject not in about:
                    continue
                if informs or episode.severity != "info":
                    worst[subject] = max(
                        episode.severity, worst.get(subject, "info"), key=SEVERITIES.index
                    )
    return Told(labels, worst)


def labels_of(out: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in Path(f"{out}.labels.jsonl").read_bytes().splitlines()]


def shops_of(out: Path) -> set[str]:
    """The shops of a simulation: some stories have one of their own beside the one that was asked for."""
    return {orjson.loads(line)["value"]["shop_id"] for line in out.read_bytes().splitlines()}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    """By its name each story, told where no other one is.

    Those that end at one moment share a history: the oracle takes as long for one of them as for all.
    """
    folder = tmp_path_factory.mktemp("alone")
    ending: defaultdict[datetime | None, list[str]] = defaultdict(list)
    for name in STORIES:
        report = simulate(folder / name, buyers=30, scenarios=[name], shops=(name,))
        ending[report.last_at].append(name)
    stories: dict[str, Told] = {}
    for last_at, names in ending.items():
        together = folder / "together"
        together.write_bytes(b"".join((folder / name).read_bytes() for name in names))
        labels = {name: labels_of(folder / name) for name in names}
        all_told = judged(together, last_at, [one for told in labels.values() for one in told])
        for name in names:
            shops = shops_of(folder / name)
            # A buyer's id begins with the shop, and a shop's is nothing else.
            own = {k: v for k, v in all_told.found.items() if k[2].partition(":")[0] in shops}
            stories[name] = Told(labels[name], own)
    return stories


@pytest.mark.parametrize("name", STORIES)
def test_every_story_alone_is_what_its_label_says(alone: dict[str, Told], name: str) -> None:
    told = alone[name]
    assert [label["scenario"] for label in told.labels] == [name]
    assert told.found == told.expected


@pytest.mark.parametrize("seed", [1, 2])
def test_together_they_are_all_that_is_found(tmp_path: Path, seed: int) -> None:
    """No honest order and no lookalike gives an alert, and no story disturbs another."""
    out = tmp_path / "events.jsonl"
    report = simulate(out, seed=seed, events=30_000, attack_share=0.01, shops=("a", "b"))
    assert report.stories.keys() == {*ATTACKS, *LOOKALIKES}
    told = judged(out, report.last_at, labels_of(out))
    assert told.found == told.expected
