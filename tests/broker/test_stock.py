"""`orderwatch stock` as a process: the net of an episode is zero over kill -9 and repeats."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from schemas.alerts import HeldUnits
from schemas.outputs import Action, StockAdjustment
from tests.factories import T0, envelope, make_alert
from tests.topic_io import Message, Record, create_topics, produce, read_to_end, read_until

TOPICS = [
    *("alerts", "stock", "listings", "control", "action-results"),
    *("stock-adjustments", "actions"),
]
LIVE = {"ORDERWATCH_STOCK_DRY_RUN": "false", "ORDERWATCH_STOCK_APPROVAL": "false"}


@contextmanager
def stock(variables: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "streams", "stock"],
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def alert_message(revision: int, **overrides: Any) -> Message:
    # Opened far ahead, so that the wall clock has not auto-closed its order.
    at = T0.replace(year=2090)
    held = [HeldUnits(item_id="i1", order_id="o1", units=3, state="held")]
    alert = make_alert(
        orders=0, revision=revision, held_units=held, opened_at=at, updated_at=at, **overrides
    )
    return Message(envelope(alert).model_dump_json().encode(), alert.subject.id.encode())


def reading() -> Message:
    body = {
        "event_id": "e1",
        "schema_version": 1,
        "type": "level",
        # Whatever the clock of this machine says, not in its future.
        "occurred_at": T0.replace(year=2020).isoformat(),
        "shop_id": "shop1",
        "item_id": "i1",
        "on_hand": 10,
    }
    return Message(json.dumps(body).encode(), b"shop1:i1")


def installed(
    bootstrap: str, topic_prefix: str, partitions: int = 1
) -> tuple[dict[str, str], dict[str, str]]:
    """The topics of an installation by their plain names, and its settings without a data directory."""
    topics = {name: topic_prefix + name for name in TOPICS}
    create_topics(bootstrap, dict.fromkeys(topics.values(), partitions))
    return topics, {
        "ORDERWATCH_BOOTSTRAP_SERVERS": bootstrap,
        "ORDERWATCH_TOPIC_PREFIX": topic_prefix,
        "ORDERWATCH_GROUP_ID": topic_prefix,
        "ORDERWATCH_SESSION_TIMEOUT_S": "6",
    }


def has(kind: str) -> Any:
    return lambda records: any(each.kind == kind for each in decisions(records))


def decisions(records: list[Record]) -> list[StockAdjustment]:
    return [StockAdjustment.model_validate_json(record.value or b"") for record in records]


def test_a_top_up_is_taken_back_once_although_the_service_is_killed_in_between(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    topics, variables = installed(bootstrap, topic_prefix)
    variables |= LIVE | {"ORDERWATCH_DATA_DIR": str(tmp_path)}
    produce(bootstrap, topics["stock"], [reading(), reading()])
    produce(bootstrap, topics["alerts"], [alert_message(1), alert_message(1)])

    with stock(variables) as process:
        read_until(bootstrap, topics["stock-adjustments"], enough=has("top_up"))
        process.send_signal(signal.SIGKILL)
        process.wait()
    end = alert_message(2, status="resolved", change="resolved")
    produce(bootstrap, topics["alerts"], [alert_message(1), end, end])
    with stock(variables) as process:
        read_until(bootstrap, topics["stock-adjustments"], enough=has("reverse"))
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    by_id = {
        each.adjustment_id: each.delta
        for each in decisions(read_to_end(bootstrap, topics["stock-adjustments"]))
    }
    commands = {
        Action.model_validate_json(record.value or b"").action_id
        for record in read_to_end(bootstrap, topics["actions"])
    }
    assert [delta for delta in by_id.values() if delta] == [3, -3]
    assert commands == {identity for identity, delta in by_id.items() if delta}


def test_a_service_whose_file_is_lost_takes_back_what_it_topped_up(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    topics, variables = installed(bootstrap, topic_prefix)
    produce(bootstrap, topics["stock"], [reading()])
    produce(bootstrap, topics["alerts"], [alert_message(1)])

    def sums_to(units: int) -> Any:
        def enough(records: list[Record]) -> bool:
            said = decisions(records)
            return any(each.delta for each in said) and sum(each.delta for each in said) == units

        return enough

    with stock(variables | {"ORDERWATCH_DATA_DIR": str(tmp_path / "lost")}) as process:
        read_until(bootstrap, topics["stock-adjustments"], enough=sums_to(3))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    produce(bootstrap, topics["alerts"], [alert_message(2, status="resolved", change="resolved")])
    with stock(variables | {"ORDERWATCH_DATA_DIR": str(tmp_path / "empty")}):
        read_until(bootstrap, topics["stock-adjustments"], enough=sums_to(0))


def test_a_record_among_the_decisions_that_is_none_does_not_end_the_service(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Anybody can write to a topic, and what lies there is read at each start for a month."""
    topics, variables = installed(bootstrap, topic_prefix)
    produce(bootstrap, topics["stock-adjustments"], [Message(b"{}"), Message(None, b"key")])
    produce(
        bootstrap, topics["control"], [Message(b"stock_kill_switch: now!"), Message(None, b"k")]
    )
    with stock(variables | {"ORDERWATCH_DATA_DIR": str(tmp_path)}) as process:
        assert process.stdout is not None
        lines = iter(process.stdout)
        assert any("stock_record_refused" in line and "adjustments[0]@0" in line for line in lines)
        assert any("stock_kill_switch is_on" in line for line in lines)


def test_a_service_whose_file_is_lost_still_obeys_the_kill_switch(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    topics, variables = installed(bootstrap, topic_prefix)
    switch = {"control_id": "c1", "command": "stock_kill_switch", "value": "on", "at": str(T0)}
    produce(bootstrap, topics["control"], [Message(json.dumps(switch).encode())])
    with stock(variables | {"ORDERWATCH_DATA_DIR": str(tmp_path / "lost")}) as process:
        assert process.stdout is not None
        assert any("stock_kill_switch" in line for line in process.stdout)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    produce(bootstrap, topics["stock"], [reading()])
    produce(bootstrap, topics["alerts"], [alert_message(1)])

    def said(records: list[Record]) -> set[str]:
        return {each.reason for each in decisions(records)} & {"held_unpaid", "kill_switch"}

    with stock(variables | {"ORDERWATCH_DATA_DIR": str(tmp_path / "empty")}):
        records = read_until(bootstrap, topics["stock-adjustments"], enough=lambda r: bool(said(r)))
    assert said(records) == {"kill_switch"}


def test_a_second_service_of_the_group_ends_and_the_first_goes_on(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    topics, variables = installed(bootstrap, topic_prefix, partitions=2)
    variables |= LIVE
    produce(bootstrap, topics["stock"], [reading()])
    produce(bootstrap, topics["alerts"], [alert_message(1)])
    with stock(variables | {"ORDERWATCH_DATA_DIR": str(tmp_path / "first")}) as first:
        read_until(bootstrap, topics["stock-adjustments"], enough=has("top_up"))
        with stock(variables | {"ORDERWATCH_DATA_DIR": str(tmp_path / "second")}) as second:
            output, _ = second.communicate(timeout=60)
        assert second.returncode == 2
        assert "Another `orderwatch stock`" in output
        assert first.poll() is None
        end = alert_message(2, status="resolved", change="resolved")
        produce(bootstrap, topics["alerts"], [end])
        read_until(bootstrap, topics["stock-adjustments"], enough=has("reverse"))
        first.send_signal(signal.SIGTERM)
        output, _ = first.communicate(timeout=60)
    assert first.returncode == 0, output
    said = decisions(read_to_end(bootstrap, topics["stock-adjustments"]))
    assert [each.delta for each in said if each.delta] == [3, -3]


def test_a_person_lets_a_top_up_go_and_its_refusal_is_heard(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    topics, variables = installed(bootstrap, topic_prefix)
    variables |= {"ORDERWATCH_DATA_DIR": str(tmp_path), "ORDERWATCH_STOCK_DRY_RUN": "false"}
    produce(bootstrap, topics["stock"], [reading()])
    alert = alert_message(1)
    produce(bootstrap, topics["alerts"], [alert])
    name = json.loads(alert.value or b"")["data"]["alert_id"]

    def says(reason: str) -> Any:
        return lambda records: any(each.reason == reason for each in decisions(records))

    with stock(variables) as process:
        read_until(bootstrap, topics["stock-adjustments"], enough=says("needs_approval"))
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "streams", "stock", "--approve", name.upper()],
            env=os.environ | variables,
            check=True,
            capture_output=True,
            text=True,
        )
        assert done.stdout.startswith(f"Approved: the top-ups of alert {name}, until 20")
        (command,) = read_until(bootstrap, topics["actions"], enough=bool)
        result = {
            "action_id": Action.model_validate_json(command.value or b"").action_id,
            "status": "refused",
            "finished_at": T0.isoformat(),
            "message": "no such item",
        }
        produce(bootstrap, topics["action-results"], [Message(json.dumps(result).encode())] * 2)
        said = read_until(bootstrap, topics["stock-adjustments"], enough=says("top_up_refused"))
        produce(
            bootstrap, topics["alerts"], [alert_message(2, status="resolved", change="resolved")]
        )
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert [each.delta for each in decisions(said) if each.delta] == [3, -3]
    assert len(read_to_end(bootstrap, topics["actions"])) == 1
