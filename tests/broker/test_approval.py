"""From the inbox to the stock ledger and back: a person lets a top-up go, and takes it back."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from schemas.outputs import Action
from tests.broker.test_inbox import TOKEN, Inbox, Person, inbox
from tests.broker.test_stock import alert_message, installed, reading, stock
from tests.inbox import wait_until
from tests.topic_io import Message, produce, read_to_end


def test_what_a_person_says_in_the_inbox_moves_stock_once_although_either_is_down(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    topics, variables = installed(bootstrap, topic_prefix)
    variables |= {"ORDERWATCH_DATA_DIR": str(tmp_path), "ORDERWATCH_STOCK_DRY_RUN": "false"}
    # Anybody may write to a topic.
    produce(bootstrap, topics["stock-adjustments"], [Message(b"{}"), Message(None, b"key")])
    produce(bootstrap, topics["stock"], [reading()])
    alert = alert_message(1)
    produce(bootstrap, topics["alerts"], [alert])
    name = json.loads(alert.value or b"")["data"]["alert_id"]
    token = {"ORDERWATCH_INBOX_AUTH_TOKEN": TOKEN}

    def commands() -> list[int]:
        records = read_to_end(bootstrap, topics["actions"])
        actions = [Action.model_validate_json(record.value or b"") for record in records]
        return [int(action.parameters["delta"]) for action in actions]

    def is_sent(running: Inbox) -> bool:
        return running.metric('orderwatch_inbox_events_waiting{topic="control"}') == 0

    with inbox(bootstrap, topic_prefix, tmp_path, **token) as running:
        person = Person(running.url)
        with stock(variables) as process:
            wait_until(lambda: "<b>等待批准</b>" in person.page(name))
            process.send_signal(signal.SIGKILL)
            process.wait()
        person.step(name, "take")
        person.step(name, "approve")
        wait_until(lambda: is_sent(running))
        assert commands() == []
        with stock(variables) as process:
            wait_until(lambda: "<b>已补</b>" in person.page(name))
            assert commands() == [3]
            person.step(name, "refuse")
            wait_until(lambda: "<b>未批准，没有补或已收回</b>" in person.page(name))
            # Whoever sends the approval again, late.
            approval, _ = read_to_end(bootstrap, topics["control"])
            produce(bootstrap, topics["control"], [Message(approval.value)])
            running.process.kill()
            end = alert_message(2, status="resolved", change="resolved")
            produce(bootstrap, topics["alerts"], [end])
            assert process.stdout is not None
            assert any("stock_word_ignored" in line for line in process.stdout)
            process.send_signal(signal.SIGTERM)
            output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output
    assert commands() == [3, -3]
    with inbox(bootstrap, topic_prefix, tmp_path, **token) as running:
        person = Person(running.url)
        wait_until(lambda: "已自行解除" in person.page(name))
        assert "<b>未批准，没有补或已收回</b>" in person.page(name)
        assert running.metric('orderwatch_inbox_events_waiting{topic="control"}') == 0
