"""The demo's story keeps the contract, and its score says who was accused."""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.fast import decode_event
from streams.demo.broker import spawn_bound
from streams.demo.children import ChildDiedError, Children
from streams.demo.run import PLAY_S, demo_settings, play_seconds, show
from streams.demo.score import Score
from streams.demo.story import SLOTS, story
from streams.kafka.reading import Record
from streams.settings import Settings
from tests.demo_story import END, moments, played
from tests.factories import envelope, make_alert


def test_every_event_of_the_story_is_valid() -> None:
    for play in story(END):
        decode_event(play.topic, json.dumps(play.value).encode())


def test_story_is_the_same_each_time_and_its_ids_are_unique() -> None:
    plays = story(END)
    assert plays == story(END)
    assert len({play.value["event_id"] for play in plays}) == len(plays)


def test_nothing_happens_after_the_end() -> None:
    assert all(datetime.fromisoformat(play.value["occurred_at"]) <= END for play in story(END))


def test_within_a_slot_payments_go_before_orders() -> None:
    plays = story(END)
    assert [play.slot for play in plays] == sorted(play.slot for play in plays)
    slots = [[play.topic for play in plays if play.slot == slot] for slot in range(SLOTS)]
    both = [topics for topics in slots if "payments" in topics and "orders" in topics]
    assert both
    for topics in both:
        last_payment = max(i for i, topic in enumerate(topics) if topic == "payments")
        assert last_payment < topics.index("orders")


def test_late_payments_come_later_than_they_happened() -> None:
    late = [
        p for p in story(END) if p.topic == "payments" and p.value["buyer_id"] == "delayed-news"
    ]
    start = END - timedelta(seconds=SLOTS * 180)
    assert late
    for play in late:
        happened_in = (
            datetime.fromisoformat(play.value["occurred_at"]) - start
        ).total_seconds() / 180
        assert play.slot - happened_in > 5


def _revision(alert: str, subject: str, status: str = "open", **changes: str) -> Any:
    data = {
        "alert_id": alert,
        "detector": "D01",
        "severity": "warn",
        "status": status,
        "subject": {"id": subject},
    }
    return {"data": data | changes}


def test_score_counts_alerts_as_their_last_revision_says() -> None:
    score = Score()
    score.add(_revision("a", "demo-shop:squatter"))
    score.add(_revision("a", "demo-shop:squatter", severity="critical"))
    score.add(_revision("b", "demo-shop:delayed-news", status="retracted"))
    assert "2 alerts were shown" in score.summary()
    assert "D01: 1 critical open, 1 warn retracted" in score.summary()
    assert "none accuses the honest buyers" in score.summary()


@pytest.mark.parametrize("subject", ["demo-shop:flash-001", "demo-shop:split-buyer", "late-shop"])
def test_score_names_honest_people_that_were_accused(subject: str) -> None:
    score = Score()
    score.add(_revision("a", subject))
    assert f"accused although honest: {subject}" in score.summary()
    score.add(_revision("a", subject, status="retracted"))
    assert score.accused_by_mistake() == []


def _record(value: bytes | None) -> Record:
    return Record("alerts", 0, 7, 0, b"demo-shop:b", value, {})


@pytest.mark.parametrize(
    "body",
    [None, b"", b"\xff\xfe\x00", b"[" * 100_000, b"{}", b'{"data": {"detector": 5}}', b"\x1b[2J"],
)
def test_what_is_no_alert_is_said_and_not_counted(body: bytes | None) -> None:
    score, said = Score(), list[str]()
    show(_record(body), score, lambda text, style="": said.append(text))
    assert [text.partition(": ")[0] for text in said] == ["no alert"]
    assert "\x1b" not in said[0]
    assert score.alerts == {}


def test_an_alert_is_said_and_counted() -> None:
    score, said = Score(), list[str]()
    alert = envelope(make_alert())
    body = alert.model_dump_json().encode()
    show(_record(body), score, lambda text, style="": said.append(text))
    assert said[0].startswith(f"{alert.data.detector} {alert.data.severity} opened ")
    assert list(score.alerts) == [alert.data.alert_id]


def test_what_only_informs_or_is_about_the_shop_accuses_nobody() -> None:
    score = Score()
    score.add(_revision("a", "demo-shop:flash-001", severity="info"))
    score.add(_revision("b", "late-shop:patient-00", severity="critical", detector="D34"))
    assert score.accused_by_mistake() == []
    assert "D34: 1 critical open (about the shop's own work" in score.summary()


def test_the_whole_story_says_what_it_is_told_for() -> None:
    """Every detector that speaks, about whom, and how it ends; the people of the story are all here."""
    shown = played().alerts.values()
    assert {(a.detector, a.severity, a.status, a.subject) for a in shown} == {
        ("D01", "critical", "open", "demo-shop:squatter"),
        ("D01", "warn", "retracted", "demo-shop:delayed-news"),
        ("D01", "warn", "resolved", "demo-shop:slow-payer"),
        ("D08", "critical", "open", "demo-shop:refunder"),
        ("D10", "critical", "open", "demo-shop"),
        ("D10", "critical", "open", "demo-shop:repeat-claimant"),
        ("D11", "info", "open", "demo-shop:refunder"),
        ("D18", "warn", "open", "demo-shop:squatter"),
        ("D25", "critical", "open", "demo-shop:squatter"),
        *(("D34", "critical", "resolved", f"late-shop:patient-{n:02}") for n in range(12)),
    }


def test_the_whole_story_accuses_no_honest_buyer_at_any_moment() -> None:
    for score in moments():
        assert score.accused_by_mistake() == []


def test_score_of_nothing() -> None:
    assert Score().summary() == "No alert was shown."


def test_story_is_shortened_to_the_time_that_is_left() -> None:
    assert play_seconds(None) == PLAY_S
    assert play_seconds(time.monotonic() + 1000) == PLAY_S
    assert 10 < play_seconds(time.monotonic() + 30) <= 20
    assert play_seconds(time.monotonic() + 1) > 0


@pytest.mark.parametrize("partitions", [Settings().partitions, 3])
def test_topics_have_the_partitions_that_other_commands_expect(
    partitions: int, tmp_path: Path
) -> None:
    """Any other number would be reported as blocked to whoever looks at the demo's broker."""
    of_the_user = Settings(partitions=partitions)
    of_the_demo = of_the_user.model_copy(update=demo_settings("127.0.0.1:1", tmp_path))
    assert of_the_demo.partitions == partitions


@pytest.fixture
def children(tmp_path: Path) -> Any:
    started = Children(tmp_path)
    yield started
    started.stop(grace_s=1.0)


def _await_end(children: Children) -> None:
    children.running[0].process.wait(timeout=30)


def test_child_that_dies_is_named_with_its_last_words(children: Children) -> None:
    children.start("no-such-command", {})
    _await_end(children)
    with pytest.raises(ChildDiedError) as died:
        children.check()
    assert "no-such-command ended with status 2" in str(died.value)
    assert "No such command" in str(died.value)
    assert died.value.exit_code == 1


def test_waiting_for_an_answer_ends_when_a_child_dies(children: Children) -> None:
    children.start("no-such-command", {})
    with pytest.raises(ChildDiedError, match="ended with status"):
        children.await_answer("no-such-command", "http://127.0.0.1:1/", timeout_s=30)


def test_stop_leaves_no_process(children: Children, monkeypatch: pytest.MonkeyPatch) -> None:
    sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
    monkeypatch.setattr(
        "streams.demo.children.spawn_bound",
        lambda argv, log, env: spawn_bound(sleeper, log, env),
    )
    children.start("sleeper", {})
    process = children.running[0].process
    children.check()
    children.stop(grace_s=5.0)
    assert process.poll() is not None
    assert children.running == []
