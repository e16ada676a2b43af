"""What a stage does not apply: bad records, floods of them, and events that come too late."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from typing import Any, NamedTuple

import pytest
from aiokafka.errors import MessageSizeTooLargeError

from streams.detect.detector import find_detectors
from streams.detect.engine import Engine
from streams.detect.partition import BUYERS
from streams.detect.rules import parse
from streams.errors import ConfigurationError
from streams.runtime.awake import Awake
from streams.runtime.bulk import partition_of
from streams.runtime.flood import FLOOD_WINDOW, FloodError
from streams.runtime.metrics import WorkerMetrics
from streams.runtime.stage import Stage
from streams.settings import Settings
from tests.pipeline import rules_document

KEY = b"shop1:b1"


class Record(NamedTuple):
    offset: int
    value: bytes | None
    key: bytes | None = KEY


class Producer:
    """Takes every record, and remembers it as (topic, key, value); topics of `too_large` refuse all."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes | None, bytes]] = []
        self.too_large: set[str] = set()

    async def send(
        self, topic: str, value: bytes, *, key: bytes | None = None, headers: Any = None
    ) -> asyncio.Future[None]:
        self.sent.append((topic, key, value))
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if topic in self.too_large:
            done.set_exception(MessageSizeTooLargeError())
        else:
            done.set_result(None)
        return done


class NoChangelog:
    """A changelog that is empty and keeps nothing."""

    topic = "buyer-state"

    def is_signed(self, partition: int) -> bool:
        return True

    async def grown(self, partitions: Collection[int]) -> set[int]:
        return set()

    async def read(self, partition: int) -> AsyncIterator[tuple[str, bytes | None]]:
        for nothing in ():
            yield nothing

    async def write(self, partition: int, changed: Any, frontier: Mapping[str, bytes]) -> None:
        """Kept nowhere."""


class Played(NamedTuple):
    stage: Stage
    producer: Producer
    metrics: WorkerMetrics

    def sent_to(self, topic: str) -> list[bytes]:
        return [value for to, _, value in self.producer.sent if to == topic]


def run(story: Callable[[Played], Awaitable[None]], **settings: Any) -> Played:
    """Play a story with a stage of buyers that owns partition 0."""

    async def played() -> Played:
        detectors = find_detectors()
        producer, metrics = Producer(), WorkerMetrics()
        stage = Stage(
            BUYERS,
            Engine(detectors, parse(rules_document(), detectors), "default"),
            NoChangelog(),  # type: ignore[arg-type]
            producer,  # type: ignore[arg-type]
            Settings(**{"topic_prefix": "", "partitions": 1, **settings}),
            metrics,
            Awake(3600),
        )
        stage.own([0])
        play = Played(stage, producer, metrics)
        await story(play)
        return play

    return asyncio.run(played())


def order(order_id: str, at: str) -> bytes:
    event = {
        "event_id": f"e-{order_id}",
        "type": "created",
        "schema_version": 1,
        "occurred_at": at,
        "shop_id": "shop1",
        "buyer_id": "b1",
        "order_id": order_id,
        "currency": "CNY",
        "amount_minor": 9_000_000,
        "items": [{"item_id": "i1", "quantity": 900, "unit_price_minor": 10_000}],
        "device_hash": "d" * 32,
    }
    return json.dumps(event).encode()


def good(count: int) -> list[Record]:
    return [Record(n, order(f"o{n}", "2025-03-01T00:00:00Z")) for n in range(count)]


def bad(count: int, begin: int = 0) -> list[Record]:
    return [Record(n, b"{") for n in range(begin, begin + count)]


def test_a_few_bad_records_go_to_the_dead_letters() -> None:
    async def story(play: Played) -> None:
        assert await play.stage.process("orders", 0, bad(3))

    assert run(story).sent_to("dead-letters") == [b"{"] * 3


def test_a_record_that_no_dead_letter_can_hold_is_named_with_what_to_raise() -> None:
    """It was the broker that let it in; the worker stops at it each time, so it must say why."""

    async def story(play: Played) -> None:
        play.producer.too_large = {"x-dead-letters"}
        with pytest.raises(
            ConfigurationError, match=r"x-orders\[0\]@7 .*max\.message\.bytes.*x-dead"
        ):
            await play.stage.process("orders", 0, bad(1, begin=7))

    run(story, topic_prefix="x-")


def test_orders_that_do_not_meet_their_payments_are_refused() -> None:
    """As of a producer with librdkafka's own partitioner; b1 belongs to partition 1 of 4."""
    paid = order("o1", "2025-03-01T00:00:00Z")

    async def story(play: Played) -> None:
        play.stage.own([0, 1])
        assert await play.stage.process("orders", 0, [Record(7, paid), Record(8, paid), *bad(1, 9)])
        assert play.stage.partitions[0].states.size_bytes == 0
        assert await play.stage.process("orders", 1, [Record(7, paid)])
        assert play.stage.partitions[1].states.size_bytes > 0

    played = run(story, partitions=4)
    assert played.sent_to("dead-letters") == [b"{", paid, paid]
    (refused,) = (
        sample.value
        for sample in played.metrics.dead_letters.collect()[0].samples
        if sample.name.endswith("_total") and sample.labels["reason"] == "key_mismatch"
    )
    assert refused == 2


def of(buyer: str) -> Record:
    """An order of this buyer; its number is the offset."""
    value = order(f"o-{buyer}", "2025-03-01T00:00:00Z").replace(b'"b1"', f'"{buyer}"'.encode())
    return Record(int(buyer[1:]), value, f"shop1:{buyer}".encode())


def test_who_is_where_they_belong_is_heard_beside_those_who_are_not() -> None:
    here: list[Record] = []
    strays: list[Record] = []
    for record in (of(f"b{n}") for n in range(1, 9)):
        (here if partition_of(record.key or b"", 4) == 0 else strays).append(record)
    assert here and strays

    async def story(play: Played) -> None:
        assert await play.stage.process("orders", 0, [*strays, *here])
        states = play.stage.partitions[0].states
        assert {f"b/{(record.key or b'').decode()}" for record in here} == set(states)

    assert run(story, partitions=4).sent_to("dead-letters") == [record.value for record in strays]


def test_a_producer_that_misplaces_is_stopped_as_a_flood() -> None:
    # All of them lie in partition 0, where a quarter of them belong.
    records = [of(f"b{n}") for n in range(1, FLOOD_WINDOW + 1)]

    async def story(play: Played) -> None:
        with pytest.raises(FloodError, match="key_mismatch"):
            for at in range(0, len(records), 10):
                await play.stage.process("orders", 0, records[at : at + 10])

    run(story, partitions=4)


def test_a_batch_that_is_a_flood_is_not_published_however_often_it_is_read() -> None:
    async def story(play: Played) -> None:
        for _ in range(2):
            with pytest.raises(FloodError, match=r"invalid_json 1,500.*orders\[0\]@7 "):
                await play.stage.process("orders", 0, bad(1500, begin=7))

    assert run(story).producer.sent == []


def test_a_flood_of_one_topic_is_seen_beside_the_traffic_of_another() -> None:
    async def story(play: Played) -> None:
        with pytest.raises(FloodError, match="records of payments were bad"):
            for _ in range(100):
                await play.stage.process("orders", 0, good(500))
                await play.stage.process("payments", 0, bad(50))

    # Less than a window of it was let through, and nothing of the batch that filled the window.
    assert len(run(story).sent_to("dead-letters")) == FLOOD_WINDOW - 50


@pytest.mark.parametrize(("share", "is_flood"), [(0.5, False), (0.499, True), (1.0, False)])
def test_a_flood_is_more_than_the_share_of_the_settings(share: float, is_flood: bool) -> None:
    records = [*good(FLOOD_WINDOW // 2), *bad(FLOOD_WINDOW // 2, begin=FLOOD_WINDOW // 2)]

    async def story(play: Played) -> None:
        try:
            assert await play.stage.process("orders", 0, records)
        except FloodError:
            assert is_flood
        else:
            assert not is_flood

    run(story, dead_letter_max_share=share)


def test_a_late_event_is_copied_and_counted_once_however_many_facts_it_gives() -> None:
    late = order("o-late", "2025-01-01T00:00:00Z")

    async def story(play: Played) -> None:
        await play.stage.process("orders", 0, good(1))
        await play.stage.process("orders", 0, [Record(1, late)])

    play = run(story)
    assert play.sent_to("late") == [late]
    counted = play.metrics.registry.get_sample_value("orderwatch_late_total", {"topic": "orders"})
    assert counted == 1
