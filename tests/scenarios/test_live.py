"""All scenarios at once through one worker on Kafka, each in a shop of its own; held against replay.

The trap: a worker goes by the wall clock, so the stories begin years back and every alert ends as it
ends when all its deadlines have passed.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from random import Random

import orjson
import pytest

from streams.replay.files import event_line
from tests.scenarios.files import scenarios
from tests.workers import LONG_AGO, expected, load, settled, truth, worker

# At noon, as in the files: D15 counts days.
START = LONG_AGO.replace(hour=12)


def told(path: Path) -> Path:
    """An event file of all scenarios in order of time; what happens at once, in any order."""
    lines: list[tuple[datetime, float, bytes]] = []
    rng = Random("scenarios")
    for scenario in scenarios():
        for topic, value in scenario.events(START):
            at = datetime.fromisoformat(value["occurred_at"])
            lines.append((at, rng.random(), event_line(topic, orjson.dumps(value))))
    path.write_bytes(b"".join(line for *_, line in sorted(lines)))
    return path


@pytest.mark.slow
def test_all_scenarios_live_end_as_in_replay(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    events = told(tmp_path / "events.jsonl")
    wanted = expected(truth(events))
    with worker(bootstrap, topic_prefix, tmp_path) as subject:
        subject.start()
        subject.wait_ready()
        load(bootstrap, topic_prefix, events.read_bytes().splitlines())
        settled(subject, wanted)
        found = subject.standing()
        assert subject.stop() == 0
    by_shop: dict[str, set[str]] = {scenario.shop: set() for scenario in scenarios()}
    for alert in found.values():
        by_shop[alert["shop_id"]].add(alert["detector"])
    for scenario in scenarios():
        assert by_shop[scenario.shop] == {want.said.detector for want in scenario.wants}
