"""Which partitions a stage owns, what it reads back of them, and when it must not write any more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec
import orjson
import pytest

from schemas.topics import BUYER_TOPICS
from streams.errors import TransientError
from streams.runtime.awake import Awake
from streams.runtime.bulk import partition_of
from streams.runtime.stage import HORIZON_KEY, PAYMENTS_KEYS
from tests.example_stories import FOLDER, load
from tests.oracle import story as oracle
from tests.stages import SETTINGS, Journal, Record, Staged, by_topic

STORY = load(FOLDER / "D10" / "fires_one_buyer_twice.yaml")
BATCHES = by_topic(STORY.events)
KEY = "b/shop1:buyer1"


def run(story: Callable[[Staged], Awaitable[None]], staged: Staged | None = None) -> Staged:
    staged = staged or Staged()
    asyncio.run(_async(story, staged))
    return staged


async def _async(story: Callable[[Staged], Awaitable[None]], staged: Staged) -> None:
    await story(staged)


async def _all_said(staged: Staged) -> None:
    for topic, records in BATCHES.items():
        assert await staged.process(topic, records)
    read_ms = STORY.horizon_ms + 1000 * SETTINGS.lateness_s
    await staged.stage.tick({0: [(topic, read_ms) for topic in BUYER_TOPICS]})


async def _owned(staged: Staged, *numbers: int) -> None:
    """Own them, and wait until their state is read back."""
    staged.stage.own(numbers)
    await _turns()
    # What went wrong on the way is raised here.
    await staged.stage.tick({})
    assert staged.stage.is_ready


async def _turns() -> None:
    """As many turns of the loop as anything here takes."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_after_a_restart_time_states_and_payments_are_what_they_were() -> None:
    before, heir = run(_all_said), Staged()
    stored = heir.changelog.stored = before.changelog.stored
    run(lambda staged: _owned(staged, 0), heir)
    known, again = (one.stage.partitions[0] for one in (before, heir))
    assert dict(again.states) == dict(known.states) == {KEY: stored[KEY]}
    assert again.frontier.export() == orjson.loads(stored[HORIZON_KEY])
    assert again.frontier.horizon(BUYER_TOPICS) > 0
    payments = again.frontier.export_payments(only_changed=False)
    assert "shop1" in payments
    assert payments == known.frontier.export_payments(only_changed=False)
    assert {f"{PAYMENTS_KEYS}{shop}" for shop in payments} == stored.keys() - {KEY, HORIZON_KEY}
    assert _count(heir, "orderwatch_recovered_subjects_total") == 1


@pytest.mark.parametrize("next_is", ["a beat", "a batch", "a restart"])
def test_a_clock_that_ran_ahead_accuses_nobody_once_it_is_set_right(next_is: str) -> None:
    """Else every order would count as unpaid at once, until time is there; a restart would not help."""
    story = oracle.Story()
    story.created("before", 0)
    for number in range(9):
        story.created(f"o{number}", 60 + number)
    before, *orders = by_topic(story.events)["orders"]

    async def told(staged: Staged) -> None:
        staged.now_ms = oracle.ms(oracle.DAY)
        await _owned(staged, 0)
        await staged.stage.tick({0: [(topic, staged.now_ms) for topic in BUYER_TOPICS]})
        assert await staged.process("orders", [before])
        assert staged.stage.partitions[0].frontier.horizon(BUYER_TOPICS) > oracle.ms(oracle.HOUR)
        if next_is == "a restart":
            heir = Staged()
            heir.changelog.stored = staged.changelog.stored
            staged = heir
        staged.now_ms = oracle.ms(70)
        if next_is == "a beat":
            # The last fetch was answered before.
            proven_at_ms = oracle.ms(oracle.DAY)
            await staged.stage.tick({0: [(topic, proven_at_ms) for topic in BUYER_TOPICS]})
        assert await staged.process("orders", orders)
        assert "send alerts" not in staged.journal.lines
        # Nobody has paid when time is there.
        staged.now_ms = oracle.ms(oracle.HOUR)
        await staged.stage.tick({0: [(topic, staged.now_ms) for topic in BUYER_TOPICS]})
        assert "send alerts" in staged.journal.lines

    run(told)


@pytest.mark.parametrize(("behind_s", "is_wrong"), [(30 * 60, False), (2 * oracle.HOUR, True)])
def test_a_clock_that_is_behind_the_state_makes_no_dead_letters(
    behind_s: int, is_wrong: bool
) -> None:
    """Whoever has the partition next would miss those payments, and take their buyers for squatters."""
    story = oracle.Story()
    story.created("read-by-the-one-before", oracle.DAY)
    story.created("comes-now", oracle.DAY + 60)
    before, now = by_topic(story.events)["orders"]
    settings = SETTINGS.model_copy(update={"max_future_s": 600})

    async def told() -> None:
        staged, heir = Staged(settings=settings), Staged(settings=settings)
        staged.now_ms = oracle.ms(oracle.DAY + 1)
        assert await staged.process("orders", [before])
        heir.changelog.stored = staged.changelog.stored
        heir.now_ms = oracle.ms(oracle.DAY - behind_s)
        await _owned(heir, 0)
        if is_wrong:
            with pytest.raises(TransientError, match="Set the clock of this machine"):
                await heir.process("orders", [now])
            assert heir.journal.lines == []
        else:
            assert await heir.process("orders", [now])
            assert [sent.topic for sent in heir.producer.sent] == ["dead-letters"]

    asyncio.run(told())


def test_a_state_that_cannot_be_unpacked_says_of_which_partition_it_is() -> None:
    """It is unpacked with the next event of its subject, long after the partition was read back."""
    before, heir = run(_all_said), Staged()
    # To us, what a later version wrote is as unreadable as this.
    heir.changelog.stored = before.changelog.stored | {KEY: before.changelog.stored[KEY][:-1]}
    with pytest.raises(msgspec.DecodeError) as raised:
        run(_all_said, heir)
    assert raised.value.__notes__ == ["while a state of buyer-state[0] was read back"]


def test_what_was_deleted_is_not_read_back() -> None:
    before, heir = run(_all_said), Staged()
    heir.changelog.stored = before.changelog.stored
    heir.changelog.deleted = [KEY, "b/shop1:of-whom-the-log-has-nothing-else"]
    run(lambda staged: _owned(staged, 0), heir)
    assert dict(heir.stage.partitions[0].states) == {}
    assert heir.stage.partitions[0].frontier.horizon(BUYER_TOPICS) > 0


def test_a_partition_that_was_taken_away_is_forgotten() -> None:
    async def story(staged: Staged) -> None:
        await _all_said(staged)
        staged.stage.own([])
        assert staged.stage.partitions == {}
        assert await staged.stage.process("orders", 0, BATCHES["orders"]) is False
        await _owned(staged, 0)
        assert staged.changelog.records_read == len(staged.changelog.stored)

    run(story)


def test_what_is_read_back_of_a_partition_that_was_taken_away_meanwhile_is_dropped() -> None:
    async def story(staged: Staged) -> None:
        staged.changelog.may_end.clear()
        staged.stage.own([0])
        await _turns()
        staged.stage.own([])
        staged.changelog.may_end.set()
        await _turns()
        assert staged.stage.partitions == {}

    run(story)


def test_a_reading_that_was_overtaken_by_the_next_ends_nowhere() -> None:
    """It would put what it found over what the next one found."""

    async def story(staged: Staged) -> None:
        staged.changelog.may_end.clear()
        for _ in range(2):
            staged.stage.own([0])
            await _turns()
        staged.changelog.may_end.set()
        await _turns()
        assert staged.stage.is_ready
        assert staged.changelog.readings_ended == 1

    run(story)


def test_a_batch_that_waited_for_a_reading_that_was_overtaken_is_read_again() -> None:
    async def story(staged: Staged) -> None:
        staged.changelog.may_end.clear()
        waiting = asyncio.ensure_future(staged.process("orders", BATCHES["orders"]))
        await _turns()
        staged.stage.own([0])
        staged.changelog.may_end.set()
        assert await asyncio.wait_for(waiting, timeout=30) is False
        assert staged.journal.lines == []
        assert await staged.process("orders", BATCHES["orders"]) is True

    run(story)


@pytest.mark.parametrize("is_grown", [False, True])
def test_what_stays_ours_is_read_again_only_if_somebody_else_wrote(is_grown: bool) -> None:
    async def story(staged: Staged) -> None:
        await _all_said(staged)
        known = staged.stage.partitions[0]
        staged.changelog.grown_partitions = {0} if is_grown else set()
        staged.stage.own([0])
        await _turns()
        assert staged.stage.is_ready
        assert (staged.stage.partitions[0] is not known) == is_grown
        assert bool(staged.changelog.records_read) == is_grown

    run(story)


def test_while_partitions_are_shared_out_anew_nothing_is_done() -> None:
    async def story(staged: Staged) -> None:
        await _owned(staged, 0)
        await staged.stage.pause()
        assert not staged.stage.is_ready
        assert await staged.process("orders", BATCHES["orders"]) is False
        await staged.stage.tick({0: [(topic, STORY.horizon_ms) for topic in BUYER_TOPICS]})
        assert staged.journal.lines == []
        assert staged.stage.partitions[0].frontier.horizon(BUYER_TOPICS) == 0
        staged.stage.own([0])
        assert await staged.process("orders", BATCHES["orders"]) is True

    run(story)


class Interrupted(Journal):
    """A rebalance begins when the first alert is sent."""

    def __init__(self, staged: Staged) -> None:
        super().__init__()
        self._staged = staged

    def note(self, line: str) -> None:
        """See Journal.note."""
        super().note(line)
        self._staged.rebalances = self.lines.count("send alerts")


def test_a_beat_that_publishes_goes_no_further_once_a_rebalance_begins() -> None:
    """Each partition takes its time, and the group waits for none of them."""

    def of(buyer: bytes, records: Sequence[Record]) -> list[Record]:
        return [
            Record(
                (r.key or b"").replace(b"buyer1", buyer), (r.value or b"").replace(b"buyer1", buyer)
            )
            for r in records
        ]

    async def story(staged: Staged) -> None:
        staged.stage.own([0, 1])
        for buyer in (b"buyer1", b"buyer3"):
            number = partition_of(b"shop1:" + buyer, 2)
            for topic, records in BATCHES.items():
                assert await staged.stage.process(topic, number, of(buyer, records))
        assert all(partition.states for partition in staged.stage.partitions.values())
        staged.note_in(Interrupted(staged))
        read_ms = STORY.horizon_ms + 1000 * SETTINGS.lateness_s
        proofs = [(topic, read_ms) for topic in BUYER_TOPICS]
        await staged.stage.tick({0: proofs, 1: proofs})
        assert staged.journal.lines.count("send alerts") == 1
        assert staged.journal.lines[-1] == "state durable", "the one in hand is finished"

    run(story, Staged(settings=SETTINGS.model_copy(update={"partitions": 2})))


def test_a_state_is_not_overwritten_by_who_took_longer_than_a_session_lasts() -> None:
    # However fast the machine is, that is longer ago.
    settings = SETTINGS.model_copy(update={"session_timeout_s": -1})

    async def story(staged: Staged) -> None:
        with pytest.raises(TransientError, match="longer than session_timeout_s"):
            await staged.process("orders", BATCHES["orders"])

    assert run(story, Staged(settings=settings)).journal.lines == []


class StandsStill(Awake):
    """Has been standing still when it is asked for the second or third time."""

    def __init__(self, checks: int) -> None:
        super().__init__(0)
        self._left = checks

    def check(self) -> None:
        """See Awake.check."""
        self._left -= 1
        if self._left < 0:
            raise TransientError("the process stood still")


@pytest.mark.parametrize(("checks", "is_said"), [(0, False), (1, True)])
def test_who_stood_still_neither_says_nor_writes_any_more(checks: int, is_said: bool) -> None:
    """Before anything is said, and again once the broker has it: waiting for that takes time too."""
    bad = [Record(b"shop1:buyer1", b"{", 7)]

    async def story(staged: Staged) -> None:
        with pytest.raises(TransientError, match="stood still"):
            await staged.process("orders", [*BATCHES["orders"], *bad])

    said = run(story, Staged(awake=StandsStill(checks))).journal.lines
    assert said == (["send dead-letters", "dead-letters durable"] if is_said else [])


def test_a_process_stood_still_when_its_watch_is_later_than_the_limit() -> None:
    Awake(10**9).check()
    with pytest.raises(TransientError, match="stood still"):
        Awake(-1).check()


def test_what_was_read_and_what_of_it_was_bad_is_counted() -> None:
    bad = [Record(b"shop1:buyer1", b"{", offset) for offset in (7, 8)]

    async def story(staged: Staged) -> None:
        await staged.process("orders", [*BATCHES["orders"], *bad])

    staged = run(story)
    for outcome, expected in (("applied", len(BATCHES["orders"])), ("dead_letter", len(bad))):
        labels = {"topic": "orders", "outcome": outcome}
        assert _count(staged, "orderwatch_records_total", **labels) == expected


def _count(staged: Staged, name: str, **labels: str) -> float | None:
    return staged.metrics.registry.get_sample_value(name, labels)
