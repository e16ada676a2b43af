"""The histories that were worked out by hand for the oracle, told to the detectors themselves.

The tests are the oracle's own: here its question is answered by `evaluate`, on all facts and without
any retention, so that both are held to what a person worked out from the docs pages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from schemas.alerts import SubjectKind
from streams.detect.detector import Facts, find_detectors
from streams.detect.episodes import Episode, Verdict
from streams.detect.facts import AnyFact, OrderPlaced, Signal, merge
from tests.oracle import story
from tests.oracle.oracle import OracleEpisode
from tests.oracle.test_d01 import *  # noqa: F403

# D08 has a test of the same name.
from tests.oracle.test_d01 import (
    test_crossings_as_far_apart_as_the_cooldown_are_one_episode as test_d01_cooldown,  # noqa: F401
)
from tests.oracle.test_d08 import *  # noqa: F403
from tests.oracle.test_d10 import *  # noqa: F403
from tests.oracle.test_seller_side import *  # noqa: F403
from tests.pipeline import Event, build_engine, facts_of

# What the oracle calls differently, and its shares, which are percentages here.
_NAMES = {
    ("D08", "rerequest_window_s"): "same_order_window_s",
    ("D08", "window_s"): "cross_order_window_s",
    ("D08", "min_share"): "min_share_percent",
    ("D01", "resolve_paid_share"): "resolve_paid_share_percent",
}


@pytest.fixture(autouse=True)
def _detectors_answer(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(story, "oracle", answer)
    return


def answer(
    detector: str, events: list[Event], horizon_ms: int, rules: Mapping[str, Any] | None = None
) -> list[OracleEpisode]:
    """The episodes of a detector on both its subjects, in the oracle's form."""
    changed = {
        _NAMES.get((detector, name), name): round(float(value) * 100) if "share" in name else value
        for name, value in (rules or {}).items()
    }
    engine = build_engine(**{detector: changed})
    buyers: dict[str, list[AnyFact]] = {}
    for event in events:
        key, _, found = facts_of(event)
        if found:
            merge(buyers.setdefault(key[2:], []), found)
    subjects: dict[tuple[SubjectKind, str], list[AnyFact]] = {
        ("buyer", name): facts for name, facts in buyers.items()
    }
    found: list[OracleEpisode] = []

    def ask(kind: SubjectKind, name: str) -> list[Verdict]:
        block = engine.rules.of(name.partition(":")[0])[detector].block
        verdicts = [
            one.evaluate(Facts(name, subjects[kind, name]), horizon_ms, block)
            for one in find_detectors()
            if (one.id, one.subject) == (detector, kind)
        ]
        found.extend(_row(kind, name, episode) for v in verdicts for episode in v.episodes)
        return verdicts

    told = [one for name in buyers for verdict in ask("buyer", name) for one in verdict.signals]
    for one in told:
        merge(subjects.setdefault((one.kind, one.subject), []), [one.signal])
    for kind, name in list(subjects):
        if kind != "buyer":
            ask(kind, name)
    return sorted(found, key=lambda e: (e.subject_kind, e.subject_id, e.opened_at_ms))


def _row(kind: str, name: str, episode: Episode) -> OracleEpisode:
    return OracleEpisode(
        kind,
        name,
        episode.anchor.event_id,
        episode.opened_at_ms,
        episode.last_at_ms,
        episode.status,
        episode.ended_at_ms,
        episode.severity,
        tuple(sorted(_member(episode.detector, member) for member in episode.members)),
        len(episode.members),
    )


def _member(detector: str, fact: Any) -> str:
    if detector not in ("D01", "D10"):
        return str(fact.event_id)
    if isinstance(fact, Signal):
        return str(fact.values["order"])
    return str(fact.ref if isinstance(fact, OrderPlaced) else fact.order_id)
