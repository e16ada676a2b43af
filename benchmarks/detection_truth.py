"""Scores alerts about a simulation against its labels: hits, misses, false alarms, severities.

A label names one detector, and in `also` what others should say because of the same story. A subject
counts once, at the worst severity that stands at the end. Information is a hit where the label asks for
no more, and an alarm only about somebody of whom a label says that there is nothing to inform about:
in honest traffic there is, rightly.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import orjson

from schemas.alerts import Alert, Severity
from streams.detect.detector import find_detectors
from streams.detect.episodes import LEVELS
from streams.simulate import ATTACKS, FAULTS, LOOKALIKES, NOTICES, simulate

SHOPS = ("shop1", "shop2", "shop3", "shop4")
DAYS = 28.0
Key = tuple[str, str, str]

ACCUSING = frozenset(detector.id for detector in find_detectors() if detector.accuses)


class _Replayed(Protocol):
    @property
    def report(self) -> Any: ...

    @property
    def taken_back(self) -> int: ...


@dataclass
class Score:
    """The outcome of one simulation, by detector."""

    seed: int
    events: int
    orders: int
    buyers: int
    attackers: int = 0
    expected: Counter[str] = field(default_factory=Counter)
    hit: Counter[str] = field(default_factory=Counter)
    same_severity: Counter[str] = field(default_factory=Counter)
    severity_known: Counter[str] = field(default_factory=Counter)
    lookalikes: Counter[str] = field(default_factory=Counter)
    informed: Counter[str] = field(default_factory=Counter)
    false: dict[str, list[Alert]] = field(default_factory=dict)
    missed: list[Key] = field(default_factory=list)
    not_caught: dict[str, tuple[str, str]] = field(default_factory=dict)
    accused: int = 0
    taken_back: int = 0


def score_simulation(
    path: Path, seed: int, options: argparse.Namespace, replay_file: Callable[[Path], _Replayed]
) -> Score:
    """Simulate into `path`, replay it, and compare."""
    labels_path = path.with_suffix(".labels")
    told = simulate(
        path,
        seed=seed,
        buyers=options.buyers,
        days=DAYS,
        shops=SHOPS,
        attack_share=options.attack_share,
        scenarios=(*ATTACKS, *LOOKALIKES, *FAULTS, *NOTICES),
        labels=labels_path,
    )
    labels = [orjson.loads(line) for line in labels_path.read_bytes().splitlines()]
    replayed = replay_file(path)
    score = Score(seed, told.events_total, told.honest_orders, told.honest_buyers)
    score.taken_back = replayed.taken_back
    compare(score, expectations(labels), nothing_expected(labels), replayed.report.standing)
    for label in labels:
        if label["not_caught"]:
            score.not_caught[label["scenario"]] = label["detector"], label["not_caught"]
        elif label["expected"] == "none":
            score.lookalikes[label["detector"]] += 1
    attackers = {
        f"{label['shop_id']}:{buyer}"
        for label in labels
        if label["label"] == "attack"
        for buyer in label["buyer_ids"]
    }
    blamed = {
        alert.subject.id
        for detector, alerts in score.false.items()
        for alert in alerts
        if detector in ACCUSING and alert.severity != "info"
    }
    score.attackers = len(attackers)
    score.accused = len(blamed - attackers)
    return score


def expectations(labels: list[Any]) -> dict[Key, Severity | None]:
    """What should be found, with its severity where the labels say so."""
    wanted = {_key(label): label["expected"] for label in labels if label["expected"] != "none"}
    for label in labels:
        for also in label["also"]:
            wanted[also["detector"], also["kind"], also["subject_id"]] = also["severity"]
    return wanted


def nothing_expected(labels: list[Any]) -> set[Key]:
    """Of whom a label says that its detector has nothing to say."""
    return {_key(label) for label in labels if label["expected"] == "none"}


def _key(label: Any) -> Key:
    return label["detector"], label["subject"]["kind"], label["subject"]["id"]


def compare(
    score: Score,
    wanted: dict[Key, Severity | None],
    silent: Collection[Key],
    standing: list[Alert],
) -> None:
    """Count hits, misses and false alarms; a detector that is not there misses nothing."""
    worst: dict[Key, Alert] = {}
    for alert in standing:
        key = (alert.detector, alert.subject.kind, alert.subject.id)
        if key not in worst or LEVELS.index(alert.severity) > LEVELS.index(worst[key].severity):
            worst[key] = alert
    for key, severity in wanted.items():
        detector = key[0]
        score.expected[detector] += 1
        if key not in worst or (worst[key].severity == "info" and severity != "info"):
            score.missed.append(key)
            continue
        score.hit[detector] += 1
        if severity is not None:
            score.severity_known[detector] += 1
            score.same_severity[detector] += worst[key].severity == severity
    informing = {key[0] for key, severity in wanted.items() if severity == "info"}
    for key, alert in worst.items():
        if key in wanted:
            continue
        if alert.severity == "info":
            is_false = key in silent and key[0] in informing
            score.informed[key[0]] += not is_false
        else:
            # What is about the seller's own business accuses nobody, and honest traffic has some of it.
            is_false = key in silent or key[0] in ACCUSING
        if is_false:
            score.false.setdefault(key[0], []).append(alert)
