"""The order of effects (L8): intents, then what is said, then state, then the acknowledgement."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from faust.types import TP

from schemas.alerts import AlertEnvelope
from schemas.topics import BUYER_TOPICS, TOPICS
from streams.detect.detector import Detector, Facts, RuleBlock
from streams.detect.engine import Engine
from streams.detect.episodes import Verdict
from streams.detect.facts import RefundRequested
from streams.detect.rules import parse
from streams.errors import TransientError
from streams.runtime.app import WorkerApp
from streams.runtime.build import build_app
from streams.runtime.transport import BatchConsumer
from tests.example_stories import FOLDER, Story, load
from tests.oracle import story as oracle
from tests.pipeline import rules_document
from tests.stages import SETTINGS, Journal, Record, Staged, by_topic

STORY = load(FOLDER / "D10" / "fires_one_buyer_twice.yaml")
BATCHES = by_topic(STORY.events)
BEFORE = [topic for topic in BATCHES if topic != "refunds"]
# The claim makes an alert and a signal; one record is bad, and one is older than its retention.
OLD = BATCHES["refunds"][0].value.replace(b"2026-11-14", b"2026-09-01").replace(b"o1", b"o0")
CLAIM = [
    *BATCHES["refunds"],
    Record(b"shop1:buyer1", b"{", 7),
    Record(b"shop1:buyer1", OLD.replace(b'"event_id":"', b'"event_id":"old-'), 8),
]
SAID = ["alerts", "signals", "dead-letters", "late"]


async def _judged(staged: Staged, journal: Journal) -> bool:
    """The claim, on a partition whose earlier batches are done; only the claim is in the journal."""
    for topic in BEFORE:
        await staged.process(topic, BATCHES[topic])
    # What could contradict the claim is read.
    read_ms = STORY.horizon_ms + 1000 * SETTINGS.lateness_s
    await staged.stage.tick({0: [(topic, read_ms) for topic in BUYER_TOPICS]})
    staged.note_in(journal)
    return await staged.process("refunds", CLAIM)


def test_effects_come_in_the_order_of_the_law() -> None:
    journal = Journal()
    staged = Staged()
    assert asyncio.run(_judged(staged, journal)) is True
    sent = [f"send {topic}" for topic in SAID]
    durable = [f"{topic} durable" for topic in SAID]
    assert journal.lines == [
        *("write intents", "intents durable"),
        *sent,
        *durable,
        *("write state", "state durable"),
    ]


@pytest.mark.parametrize("topic", SAID)
def test_each_step_awaits_the_one_before(topic: str) -> None:
    """A failure at each place where something is asked for or awaited: nothing later happens."""
    for step in (f"send {topic}", f"{topic} durable"):
        journal = Journal(step)
        with pytest.raises(ConnectionError):
            asyncio.run(_judged(Staged(), journal))
        assert journal.lines[:2] == ["write intents", "intents durable"]
        assert "write state" not in journal.lines
        if step.startswith("send"):
            later = SAID[SAID.index(topic) :]
            assert not {f"send {one}" for one in later} & set(journal.lines)


@pytest.mark.parametrize("step", ["write intents", "intents durable"])
def test_nothing_is_said_before_it_is_written_that_it_will_be(step: str) -> None:
    journal = Journal(step)
    with pytest.raises(ConnectionError):
        asyncio.run(_judged(Staged(), journal))
    assert not [line for line in journal.lines if line.startswith("send")]
    assert "write state" not in journal.lines


@pytest.mark.parametrize("step", ["write state", "state durable"])
def test_a_batch_whose_state_is_not_durable_is_not_done(step: str) -> None:
    journal = Journal(step)
    staged = Staged()
    with pytest.raises(ConnectionError):
        asyncio.run(_judged(staged, journal))
    # It was said, and no metric claims so: whoever comes next says it again.
    assert [line for line in journal.lines if line.startswith("send")]
    assert staged.metrics.alerts.collect()[0].samples == []


def test_what_was_said_before_a_crash_is_said_again_with_the_same_id() -> None:
    journal = Journal("write state")
    crashed = Staged()
    with pytest.raises(ConnectionError):
        asyncio.run(_judged(crashed, journal))
    heir = Staged()
    heir.changelog.stored = crashed.changelog.stored
    assert asyncio.run(_judged(heir, Journal())) is True
    said = {sent.value for sent in crashed.producer.sent if sent.topic == "alerts"}
    again = {sent.value for sent in heir.producer.sent if sent.topic == "alerts"}
    assert len(said) == len(again) == 1
    assert _ids(said) == _ids(again)


ROUTED = ("opened", "reopened", "escalated", "resolved", "retracted", "expired")


def _said(staged: Staged) -> set[tuple[str, str, str]]:
    """What consumers are told that they do not take for a mere update: detector, subject, change."""
    told = [
        AlertEnvelope.model_validate_json(sent.value or b"").data
        for sent in staged.producer.sent
        if sent.topic == "alerts"
    ]
    return {(a.detector, a.subject.id, a.change) for a in told if a.change in ROUTED}


async def _told(staged: Staged, story: Story) -> None:
    for topic, records in by_topic([e for e in story.events if e[0] in BUYER_TOPICS]).items():
        await staged.process(topic, records)
    read_ms = story.horizon_ms + 1000 * SETTINGS.lateness_s
    await staged.stage.tick({0: [(topic, read_ms) for topic in BUYER_TOPICS]})


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*/fires*.yaml")), ids=lambda path: path.stem)
def test_what_could_not_be_said_before_a_crash_is_said_as_what_it_is(path: Path) -> None:
    """An alert that nobody heard of is no update: whoever listens for new ones must hear of it."""
    story = load(path)
    undisturbed, dead, heir = Staged(), Staged(Journal("send alerts")), Staged()

    async def crash() -> None:
        await _told(undisturbed, story)
        with suppress(ConnectionError):
            await _told(dead, story)
        assert not _said(dead)
        heir.changelog.stored = dict(dead.changelog.stored)
        await _told(heir, story)

    asyncio.run(crash())
    assert _said(heir) == _said(undisturbed)


def test_a_batch_that_waits_for_its_state_lets_go_when_a_rebalance_begins() -> None:
    """Faust waits for it before it says that the partition is taken away, and the group waits for nobody."""

    async def rebalance() -> None:
        staged = Staged()
        staged.changelog.may_end.clear()
        waiting = asyncio.ensure_future(staged.process("orders", BATCHES["orders"]))
        await asyncio.sleep(0)
        assert not waiting.done()
        staged.rebalances += 1
        assert await asyncio.wait_for(waiting, timeout=30) is False
        assert staged.journal.lines == []
        # When it is ours again, it is read again.
        staged.changelog.may_end.set()
        staged.stage.own([0])
        assert await staged.process("orders", BATCHES["orders"]) is True

    asyncio.run(rebalance())


def _ids(values: set[bytes | None]) -> set[bytes]:
    return {value.split(b'"alert_id":"')[1].split(b'"')[0] for value in values if value}


def test_a_stage_writes_only_to_topics_that_the_registry_says_it_writes() -> None:
    staged = Staged()
    asyncio.run(_judged(staged, Journal()))
    written = {sent.topic for sent in staged.producer.sent}
    assert written == {
        topic.name
        for topic in TOPICS.values()
        if "detect" in topic.producers and topic.direction == "output"
    }


def test_records_put_aside_keep_key_and_bytes_and_say_where_they_are_from() -> None:
    staged = Staged()
    asyncio.run(_judged(staged, Journal()))
    (bad,) = (sent for sent in staged.producer.sent if sent.topic == "dead-letters")
    (late,) = (sent for sent in staged.producer.sent if sent.topic == "late")
    assert (bad.key, bad.value) == CLAIM[-2][:2]
    assert (late.key, late.value) == CLAIM[-1][:2]
    assert bad.headers["orderwatch-reason"] == b"invalid_json"
    assert late.headers["orderwatch-reason"] == b"late"
    for sent, offset in ((bad, b"7"), (late, b"8")):
        assert sent.headers["orderwatch-topic"] == b"refunds"
        assert sent.headers["orderwatch-partition"] == b"0"
        assert sent.headers["orderwatch-offset"] == offset
        assert sent.headers.keys() <= TOPICS[sent.topic].headers.keys()


def test_when_many_are_due_at_once_they_are_looked_at_beat_by_beat(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Heartbeats, rebalances and other partitions come in between."""
    monkeypatch.setattr("streams.runtime.stage.MOST_WOKEN", 2)
    story = oracle.Story()
    for number in range(5):
        story.buyer = f"b{number}"
        story.created(f"o{number}", number, receiver={"phone": f"1380013800{number}"})
    staged = Staged()

    async def beats() -> list[int]:
        for topic, records in by_topic(story.events).items():
            await staged.process(topic, records)
        read_ms = oracle.ms(oracle.HOUR)
        proofs = {0: [(topic, read_ms) for topic in BUYER_TOPICS]}
        told = []
        for _ in range(4):
            await staged.stage.tick(proofs)
            told.append(sum(sent.topic == "signals" for sent in staged.producer.sent))
        return told

    assert asyncio.run(beats()) == [2, 4, 5, 5]


# A bug in a detector, and what an agent acknowledges.


class BrokenRules(RuleBlock):
    """Nothing to set."""


class Broken(Detector[BrokenRules]):
    """A detector with a bug."""

    id = "D98"
    name = "broken"
    subject = "buyer"
    triggers = (RefundRequested,)
    topics = ("refunds",)
    rules = BrokenRules

    def evaluate(self, facts: Facts, horizon_ms: int, rules: BrokenRules) -> Verdict:
        raise ZeroDivisionError("a bug")


def broken_engine() -> Engine:
    detectors = (Broken(),)
    shipped = rules_document()
    rules = {name: shipped[name] for name in ("version", "deadlines")}
    rules["D98"] = {"source": "this test", "as_of": "2026-11-29"}
    return Engine(detectors, parse(rules, detectors), "default")


REFUNDS = TP("refunds", 0)


class OneBatch:
    """A stream with one batch as the app's own consumer delivers it; what is acknowledged reaches it."""

    def __init__(self, app: WorkerApp, records: list[Record]) -> None:
        self._consumer = cast(BatchConsumer, app.consumer)
        raw = [
            SimpleNamespace(
                topic=REFUNDS.topic,
                partition=REFUNDS.partition,
                offset=offset,
                timestamp=0,
                timestamp_type=0,
                key=record.key,
                value=record.value,
            )
            for offset, record in enumerate(records)
        ]
        message = self._consumer._to_message(REFUNDS, raw)
        self._event = SimpleNamespace(message=message)

    def noack(self) -> OneBatch:
        return self

    async def events(self) -> AsyncIterator[Any]:
        yield self._event

    async def ack(self, event: Any) -> None:
        self._consumer.ack(event.message)

    @property
    def may_be_committed(self) -> int | None:
        """The offset that Faust would commit next; None while there is none."""
        return self._consumer._new_offset(REFUNDS)


class ExitedError(BaseException):
    """In place of the end of the process."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def _exit(code: int) -> None:
    raise ExitedError(code)


async def _watched(staged: Staged, records: list[Record]) -> int | None:
    """What may be committed once the agent has had the batch."""
    app = build_app(SETTINGS)
    app.stages = (staged.stage,)
    stream = OneBatch(app, records)
    staged.stage.own([0])
    try:
        await app.agents["watch-buyer"].fun(stream)
    except ExitedError:
        assert stream.may_be_committed is None, "the offset must stay where it is"
        raise
    return stream.may_be_committed


def test_a_batch_may_be_committed_once_its_state_is_durable() -> None:
    staged = Staged()
    assert asyncio.run(_watched(staged, CLAIM)) == len(CLAIM)
    assert staged.journal.lines[-1] == "state durable"


def test_what_a_rebalance_took_away_while_it_waited_is_not_committed() -> None:
    async def taken() -> None:
        staged = Staged()
        app = build_app(SETTINGS)
        app.stages = (staged.stage,)
        stream = OneBatch(app, CLAIM)
        await app.agents["watch-buyer"].fun(stream)
        assert stream.may_be_committed is None
        assert staged.journal.lines == []

    asyncio.run(taken())


def test_a_bug_in_a_detector_ends_the_worker_with_70_and_acknowledges_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "_exit", _exit)
    staged = Staged(engine=broken_engine())
    with pytest.raises(ExitedError) as exited:
        asyncio.run(_watched(staged, BATCHES["refunds"]))
    assert exited.value.code == 70
    assert staged.journal.lines == []


@pytest.mark.parametrize(
    ("error", "code"), [(TransientError("stood still"), 3), (ConnectionError("a bug of ours"), 70)]
)
@pytest.mark.parametrize("step", ["write state", "state durable"])
def test_a_failure_on_the_way_to_durable_state_acknowledges_nothing(
    step: str, error: Exception, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "_exit", _exit)
    with pytest.raises(ExitedError) as exited:
        asyncio.run(_watched(Staged(Journal(step, error)), BATCHES["refunds"]))
    assert exited.value.code == code
