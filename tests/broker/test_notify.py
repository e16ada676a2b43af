"""`orderwatch notify` as a process: alerts on a broker, a real receiver, kill -9 in between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from schemas.outputs import Notification
from tests.factories import envelope, make_alert
from tests.receivers import webhook
from tests.topic_io import Message, create_topics, produce, read_until

PROGRAM = """
from streams.notify.service import run
from streams.settings import load_settings
run(load_settings())
"""


@contextmanager
def notify(variables: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def variables(bootstrap: str, topic_prefix: str, tmp_path: Path) -> dict[str, str]:
    topics = {"alerts": 2, "notifications": 1, "timers": 1}
    create_topics(bootstrap, {topic_prefix + name: count for name, count in topics.items()})
    return {
        "ORDERWATCH_BOOTSTRAP_SERVERS": bootstrap,
        "ORDERWATCH_TOPIC_PREFIX": topic_prefix,
        "ORDERWATCH_GROUP_ID": topic_prefix,
        "ORDERWATCH_DATA_DIR": str(tmp_path),
        "ORDERWATCH_NOTIFY_ROUTES_PATH": str(tmp_path / "routes.yaml"),
        "ORDERWATCH_SESSION_TIMEOUT_S": "6",
    }


def test_a_receiver_that_fails_before_a_kill_gets_the_alert_exactly_once(
    variables: dict[str, str], bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    alert = envelope(make_alert(severity="critical"))
    message = Message(alert.model_dump_json().encode(), alert.subject.encode())
    produce(bootstrap, topic_prefix + "alerts", [message, message])
    with webhook() as hook:
        routes = f"""
            channels: {{ops: {{url: "json://127.0.0.1:{hook.port}"}}}}
            routes: [{{name: critical, to: [ops], min_severity: critical}}]
        """
        (tmp_path / "routes.yaml").write_text(routes, encoding="utf-8")
        # Refused until the receiver is mended, which happens while the service is dead.
        hook.statuses = [500] * 100
        with notify(variables) as process:
            hook.wait_for(1)
            process.send_signal(signal.SIGKILL)
            process.wait()
        hook.statuses = []
        with notify(variables) as process:
            reports = [
                Notification.model_validate_json(record.value or b"")
                for record in read_until(
                    bootstrap,
                    topic_prefix + "notifications",
                    enough=lambda records: any(
                        b'"delivered"' in (r.value or b"") and b'"ops"' in (r.value or b"")
                        for r in records
                    ),
                )
            ]
            process.send_signal(signal.SIGTERM)
            output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output
        assert [body["title"].split()[:4] for body in hook.accepted()] == [
            ["D01", "critical", "opened", "shop1:b42"]
        ]
    assert {r.status for r in reports if r.channel == "ops"} >= {"delivered"}


def test_alerts_of_one_kind_are_the_first_and_the_rest(
    variables: dict[str, str], bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    alerts = [envelope(make_alert(str(n), buyer=f"b{n}", severity="critical")) for n in range(5)]
    produce(
        bootstrap,
        topic_prefix + "alerts",
        [Message(one.model_dump_json().encode(), one.subject.encode()) for one in alerts],
    )
    with webhook() as hook:
        routes = f"""
            channels: {{ops: {{url: "json://127.0.0.1:{hook.port}", group_s: 10}}}}
            routes: [{{name: all, to: [ops], repeat_s: 3600}}]
        """
        (tmp_path / "routes.yaml").write_text(routes, encoding="utf-8")
        with notify(variables) as process:
            hook.wait_for(2)
            reports = [
                Notification.model_validate_json(record.value or b"")
                for record in read_until(
                    bootstrap,
                    topic_prefix + "notifications",
                    enough=lambda records: sum(b'"ops"' in (r.value or b"") for r in records) >= 5,
                )
            ]
            process.send_signal(signal.SIGTERM)
            output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output
        first, rest = (body["title"] for body in hook.accepted())
        assert first.split()[:3] == ["D01", "critical", "opened"]
        assert rest == "GROUP 4 alerts (D01 ×4)"
    told = {(one.alert_id, one.status) for one in reports if one.channel == "ops"}
    assert told == {(one.data.alert_id, "delivered") for one in alerts}
