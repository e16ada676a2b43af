"""The subscriber on a real broker: nothing lost and nothing twice over restarts of the member."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from streams.errors import ConfigurationError
from streams.settings import Settings
from streams.subscriber import AlertSubscriber
from tests.factories import envelope, make_alert
from tests.topic_io import Message, create_topics, produce

ALERTS = 30


def publish(bootstrap: str, topic: str) -> None:
    create_topics(bootstrap, {topic: 2})
    alerts = [make_alert(str(n), buyer=f"b{n}") for n in range(ALERTS)]
    bodies = [(a.subject.id.encode(), envelope(a).model_dump_json().encode()) for a in alerts]
    # Each alert lies on the topic twice, as after a producer's retry.
    produce(bootstrap, topic, [Message(value, key) for key, value in bodies * 2])


def test_a_group_reads_all_alerts_once_over_several_members_in_turn(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    settings = Settings(
        bootstrap_servers=bootstrap,
        topic_prefix=topic_prefix,
        data_dir=tmp_path,
        session_timeout_s=6,
    )
    publish(bootstrap, topic_prefix + "alerts")
    seen: list[str] = []
    for stop_after in (7, 20, ALERTS):
        with AlertSubscriber.connect(settings, topic_prefix + "group") as subscriber:
            for alert in subscriber:
                seen.append(alert.data.alert_id)
                if len(seen) == stop_after:
                    subscriber.stop()
    assert len(seen) == len(set(seen)) == ALERTS


def test_the_example_prints_alerts_and_stops_cleanly_on_sigterm(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    create_topics(bootstrap, {topic_prefix + "alerts": 1})
    body = envelope(make_alert(severity="critical")).model_dump_json().encode()
    produce(bootstrap, topic_prefix + "alerts", [Message(body, b"shop1:b42")])
    example = Path(__file__).resolve().parents[2] / "examples" / "subscriber.py"
    variables = {
        "ORDERWATCH_BOOTSTRAP_SERVERS": bootstrap,
        "ORDERWATCH_TOPIC_PREFIX": topic_prefix,
        "ORDERWATCH_DATA_DIR": str(tmp_path),
        "ORDERWATCH_SESSION_TIMEOUT_S": "6",
    }
    with subprocess.Popen(
        [sys.executable, "-u", str(example)],
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
        finally:
            process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=60)
    assert line.startswith("D01 opened shop1:b42: ")
    assert "handled=1" in rest
    assert process.returncode == 0


def test_a_missing_topic_is_named_at_the_start(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    settings = Settings(bootstrap_servers=bootstrap, topic_prefix=topic_prefix, data_dir=tmp_path)
    with pytest.raises(ConfigurationError, match=f"topic {topic_prefix}alerts does not exist"):
        AlertSubscriber.connect(settings, "g")
