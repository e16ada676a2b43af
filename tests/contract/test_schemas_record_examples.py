"""What is put aside looks as its examples say: the worker is given the record, and sends it on."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import orjson
import pytest

from schemas.topics import TOPICS
from streams.kafka import deadletters
from tests.contract.record_examples import RECORD_TOPICS, RecordExample, load
from tests.stages import Record, Staged

EXAMPLES = load()
PUT_ASIDE = [example for example in EXAMPLES if deadletters.REASON in example.headers]


def _ids(example: RecordExample) -> str:
    return example.name


def _newer(example: RecordExample) -> list[Record]:
    """An event of the same buyer, so much later that the example's is beyond retention."""
    assert example.key is not None and example.value is not None
    event = orjson.loads(example.value)
    at = datetime.fromisoformat(event["occurred_at"]) + timedelta(days=60)
    later = {"event_id": "later", "order_id": "later", "occurred_at": at.isoformat()}
    return [Record(example.key, orjson.dumps({**event, **later}))]


@pytest.mark.parametrize("example", PUT_ASIDE, ids=_ids)
def test_a_record_that_is_put_aside_looks_like_its_example(example: RecordExample) -> None:
    source, offset = example.headers["orderwatch-topic"], example.headers["orderwatch-offset"]
    staged = Staged()

    async def work() -> None:
        if example.topic == "late":
            await staged.process(source, _newer(example))
        await staged.process(source, [Record(example.key, example.value, int(offset))])

    asyncio.run(work())
    (sent,) = (one for one in staged.producer.sent if one.topic == example.topic)
    headers = {name: value.decode() for name, value in sent.headers.items()}
    for at in (headers.pop(deadletters.AT), example.headers[deadletters.AT]):
        assert datetime.fromisoformat(at).tzinfo is not None
    assert headers == {k: v for k, v in example.headers.items() if k != deadletters.AT}
    assert (sent.key, sent.value) == (example.key, example.value)


def test_a_marker_says_which_letter_was_sent_back_and_nothing_else() -> None:
    (marker,) = (example for example in EXAMPLES if example not in PUT_ASIDE)
    assert (marker.key, marker.value) == (deadletters.MARKER_KEY, None)
    assert list(marker.headers) == [deadletters.REPLAYED]
    assert int(marker.headers[deadletters.REPLAYED]) >= 0


@pytest.mark.parametrize("topic", RECORD_TOPICS)
def test_the_examples_of_a_topic_show_every_header_that_it_has(topic: str) -> None:
    shown = {name for example in EXAMPLES if example.topic == topic for name in example.headers}
    assert shown == set(TOPICS[topic].headers)
    assert "good" in {example.kind for example in EXAMPLES if example.topic == topic}
