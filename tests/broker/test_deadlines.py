"""A deadline turns while nobody looks: from an alert on a broker to the receiver of a channel."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

from schemas.alerts import Deadline, Text
from schemas.outputs import DeadlineTurn
from schemas.topics import TOPICS
from streams.detect.detector import find_detectors
from streams.inbox.board import Board
from streams.inbox.database import open_database, upgrade
from streams.inbox.store import Store
from streams.inbox.turns import Teller
from streams.rules import load_rules
from tests.broker.test_inbox import inbox, message
from tests.broker.test_notify import notify
from tests.factories import alert_id, make_alert
from tests.inbox import Clock
from tests.receivers import Webhook, webhook
from tests.topic_io import create_topics, produce, read_to_end

ROUTES = """
    channels: {{ops: {{url: "json://127.0.0.1:{port}", group_s: 0, language: zh}}}}
    routes: [{{name: all, to: [ops]}}]
"""


def looked_at(folder: Path, at: datetime) -> None:
    """An inbox that looked then, saw nothing, and was stopped."""
    engine = open_database(f"sqlite:///{folder}/inbox.db")
    upgrade(engine)
    clock = Clock(at)
    board = Board(Store(engine, clock), load_rules(None, find_detectors()), clock)
    Teller(engine, board, lambda: True, clock).step()
    engine.dispose()


def heads(hook: Webhook) -> list[str]:
    return [" ".join(body["title"].split()[:4]) for body in hook.accepted()]


def test_the_reminder_of_a_review_reaches_the_receiver_once(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    create_topics(bootstrap, {topic_prefix + name: 1 for name in TOPICS})
    now = datetime.now(UTC)
    # Thirty days from when it was posted, and seven of them are left since half an hour.
    posted_at = now - timedelta(days=23, minutes=30)
    text = Text(zh="评价投诉受理期限", en="Complaints are accepted until then")
    last = Deadline(code="T04", due_at=posted_at + timedelta(days=30), text=text)
    review = make_alert(detector="D18", deadlines=[last], opened_at=posted_at)
    produce(bootstrap, topic_prefix + "alerts", [message(review)])
    looked_at(tmp_path, now - timedelta(hours=1))
    variables = {
        "ORDERWATCH_BOOTSTRAP_SERVERS": bootstrap,
        "ORDERWATCH_TOPIC_PREFIX": topic_prefix,
        "ORDERWATCH_GROUP_ID": topic_prefix,
        "ORDERWATCH_DATA_DIR": str(tmp_path),
        "ORDERWATCH_NOTIFY_ROUTES_PATH": str(tmp_path / "routes.yaml"),
        "ORDERWATCH_SESSION_TIMEOUT_S": "6",
    }
    with webhook() as hook:
        (tmp_path / "routes.yaml").write_text(ROUTES.format(port=hook.port), encoding="utf-8")
        with inbox(bootstrap, topic_prefix, tmp_path), notify(variables) as process:
            hook.wait_for(2)
            # Killed, it could not know what became of the last message, and would repeat it.
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=60) == 0
        # What comes after the restart shows that nothing came before it.
        other = make_alert("2", buyer="b43", detector="D18", deadlines=[last], opened_at=posted_at)
        produce(bootstrap, topic_prefix + "alerts", [message(other)])
        looked_at(tmp_path, now - timedelta(hours=1))
        with inbox(bootstrap, topic_prefix, tmp_path), notify(variables):
            hook.wait_for(4)
        told = heads(hook)
        said = next(body for body in hook.accepted() if body["title"].startswith("T04"))
    assert sorted(told[:2]) == ["D18 warn opened shop1:b42", "T04 warn coming_up shop1:b42"]
    assert sorted(told[2:]) == ["D18 warn opened shop1:b43", "T04 warn coming_up shop1:b43"]
    assert said["title"].endswith("评价投诉受理期限")
    assert said["message"].endswith(alert_id("1"))
    records = read_to_end(bootstrap, topic_prefix + "timers")
    turns = {DeadlineTurn.model_validate_json(one.value or b"").turn_id for one in records}
    assert len(turns) == 2
    keys = {one.key for one in records}
    assert keys == {f"shop1:{alert_id(key)}".encode() for key in ("1", "2")}
