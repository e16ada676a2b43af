"""Law L3: killed anywhere, any number of times, the worker ends up saying what a replay says."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from schemas.alerts import AlertEnvelope
from tests.workers import expected, load, settled, simulated, truth, worker

EVENTS = 200_000


@pytest.mark.slow
def test_kill_9_in_the_middle_of_200_000_events(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    events = simulated(tmp_path / "events.jsonl", EVENTS)
    wanted = expected(truth(events))
    with worker(bootstrap, topic_prefix, tmp_path) as subject:
        # All of it before the first worker. The events are old: one that had read them all while more are
        # on their way would conclude from today's silence, and then take back thousands of alerts.
        load(bootstrap, topic_prefix, events.read_bytes().splitlines())
        subject.start()
        for _ in range(2):
            # While it works: some is applied, some acknowledged, some neither.
            subject.wait_for(
                lambda: subject.metric("orderwatch_records_total") > EVENTS // 5,
                "something to lose",
            )
            subject.kill()
            subject.start()
        settled(subject, wanted, is_managed=True)
        recovered = subject.metric("orderwatch_recovered_subjects_total")
        assert recovered > 1000, "the last worker started from state, not from nothing"
        said = [AlertEnvelope.model_validate_json(value).data for value in subject.alerts()]
        by_anchor = defaultdict(set)
        for alert in said:
            if alert.status != "retracted":
                by_anchor[alert.detector, alert.subject.id, alert.window.start].add(alert.alert_id)
        assert {len(ids) for ids in by_anchor.values()} == {1}, "one episode, one id"
        assert subject.stop() == 0
