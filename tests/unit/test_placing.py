"""Records in a partition where their key does not belong are refused, one by one, however rare they are."""

from __future__ import annotations

import asyncio
from itertools import count, islice

from streams.runtime.bulk import partition_of
from tests.pipeline import Event
from tests.stages import SETTINGS, Record, Staged, record

PARTITIONS = 4
# More than the first few of a batch.
MANY = 50


def _payment(buyer: str, event_id: str) -> Record:
    event: Event = (
        "payments",
        {
            "event_id": event_id,
            "type": "succeeded",
            "schema_version": 1,
            "occurred_at": "2025-03-01T00:00:00Z",
            "shop_id": "shop1",
            "buyer_id": buyer,
            "order_id": f"o-{buyer}",
            "payment_id": f"p-{event_id}",
            "currency": "CNY",
            "amount_minor": 100,
        },
    )
    return record(event)


def _buyers(partition: int, number: int) -> list[str]:
    """Buyers of whom the default partitioner says that they belong there."""
    every = (f"b{n}" for n in count())
    here = (b for b in every if partition_of(f"shop1:{b}".encode(), PARTITIONS) == partition)
    return list(islice(here, number))


def _letters(staged: Staged) -> list[tuple[bytes | None, bytes]]:
    return [
        (sent.key, sent.headers["orderwatch-reason"])
        for sent in staged.producer.sent
        if sent.topic == "dead-letters"
    ]


def test_one_stray_among_many_is_a_dead_letter_and_has_no_state() -> None:
    staged = Staged(settings=SETTINGS.model_copy(update={"partitions": PARTITIONS}))
    ours, (stray,) = _buyers(0, MANY), _buyers(1, 1)
    batch = [
        record._replace(offset=offset)
        for offset, record in enumerate(_payment(b, f"e-{b}") for b in [*ours, stray])
    ]
    assert asyncio.run(staged.process("payments", batch)) is True
    assert _letters(staged) == [(f"shop1:{stray}".encode(), b"key_mismatch")]
    assert set(staged.stage.partitions[0].states) == {f"b/shop1:{buyer}" for buyer in ours}


def test_a_stray_is_refused_each_time_and_whoever_belongs_here_goes_on() -> None:
    staged = Staged(settings=SETTINGS.model_copy(update={"partitions": PARTITIONS}))
    ours, (stray,) = _buyers(0, MANY), _buyers(1, 1)

    async def steps() -> None:
        for round_ in range(3):
            known = [_payment(b, f"e{round_}-{b}")._replace(offset=0) for b in ours]
            lone = _payment(stray, f"e{round_}")._replace(offset=1)
            assert await staged.process("payments", [*known, lone]) is True

    asyncio.run(steps())
    assert _letters(staged) == [(f"shop1:{stray}".encode(), b"key_mismatch")] * 3
    states = staged.stage.partitions[0].states
    assert set(states) == {f"b/shop1:{buyer}" for buyer in ours}
