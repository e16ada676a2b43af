"""Milliseconds from a message sent to the alert about it read: a live worker on Apache Kafka, under load."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zlib import crc32

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka import TopicPartition as Place
from kafka.admin import KafkaAdminClient

from benchmarks.contestants import our_worker, running, start_up
from benchmarks.measure import Result
from benchmarks.traffic import SHOP, Line, checked, unpaid_job
from streams.kafka import topics
from streams.settings import Settings
from tests.brokers import ApacheKafka

# By the sellers' documents an agent must be warned of a D13 before the answer is typed.
CEILING_MS = 2_000
PARTITIONS = 8
# What a buyer writes, and what must be said about it. Both are told by words, so no silence is awaited.
_SAYS = {
    "D04": "不给2000元红包我就投诉你们,加我QQ 123456789 谈",
    "D13": "订单{order}的收货地址和电话是多少?帮我查一下",
}
_TICK_S = 0.02
_GIVE_UP_S = 60.0

# Detector and the buyer who wrote.
Probe = tuple[str, str]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this benchmark's options."""
    parser.add_argument(
        "--probes", type=int, default=200, help="messages of each kind at each load"
    )
    parser.add_argument("--every-ms", type=int, default=150, help="time between two of a kind")
    parser.add_argument("--loads", type=int, nargs="+", default=[0, 500, 2_000], help="events/s")


def run(options: argparse.Namespace) -> Result:
    """One worker with all detectors for each load, with traffic of this moment beside the messages."""
    found: dict[int, dict[str, list[float]]] = {}
    with tempfile.TemporaryDirectory(prefix="orderwatch-benchmark-") as temporary:
        folder = Path(temporary)
        with ApacheKafka(folder / "kafka", heap_mb=1024, jvm_options=("-XX:+UseG1GC",)) as broker:
            admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
            try:
                for load in options.loads:
                    found[load] = _at(load, admin, broker.bootstrap, folder, options)
                    print(f"  {_row(load, found[load])}", flush=True)
            finally:
                admin.close()
    worst = max(_percentile(taken["D13"], 99) for taken in found.values())
    return Result(
        name="latency",
        title="Latency: from a message sent to the alert about it read",
        measured="99 of 100 warnings about a question for somebody else's receiver (D13) come within",
        value=worst,
        unit="ms",
        ceiling=CEILING_MS,
        rows=[_row(load, taken) for load, taken in found.items()],
        details={"messages of each kind": options.probes, "every, ms": options.every_ms},
    )


def _at(
    load: int, admin: KafkaAdminClient, bootstrap: str, folder: Path, options: argparse.Namespace
) -> dict[str, list[float]]:
    prefix = f"load{load}-"
    topics.apply(Settings(bootstrap_servers=bootstrap, topic_prefix=prefix, partitions=PARTITIONS))
    worker = our_worker(bootstrap, prefix, folder, PARTITIONS)
    # Once on empty topics, so that the broker has made its own and the group is known.
    start_up(worker, admin)
    with running(worker):
        return asyncio.run(_measured(load, bootstrap, prefix, options))


async def _measured(
    load: int, bootstrap: str, prefix: str, options: argparse.Namespace
) -> dict[str, list[float]]:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=0)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="latest")
    await producer.start()
    await consumer.start()
    try:
        places = [Place(f"{prefix}alerts", number) for number in range(PARTITIONS)]
        consumer.assign(places)
        await consumer.seek_to_end(*places)
        sent: dict[Probe, float] = {}
        took: dict[Probe, float] = {}
        reading = asyncio.create_task(_read(consumer, sent, took))
        # The worker starts meanwhile: until it answers, nothing is measured.
        for number in itertools.count():
            await _ask(producer, prefix, f"early{load}-{number}", sent)
            await asyncio.sleep(0.5)
            if took:
                break
            if number * 0.5 > _GIVE_UP_S:
                raise RuntimeError(f"no alert within {_GIVE_UP_S:g} s of the worker's start")
        traffic = asyncio.create_task(_traffic(producer, prefix, load))
        names = [f"asker{load}-{number}" for number in range(options.probes)]
        for name in names:
            await _ask(producer, prefix, name, sent)
            await asyncio.sleep(options.every_ms / 1000)
        wanted = [(detector, name) for detector in _SAYS for name in names]
        await _until_all(wanted, took)
        traffic.cancel()
        reading.cancel()
        return {d: [took[d, name] * 1000 for name in names] for d in _SAYS}
    finally:
        await consumer.stop()
        await producer.stop()


async def _until_all(wanted: Sequence[Probe], took: Mapping[Probe, float]) -> None:
    deadline = time.monotonic() + _GIVE_UP_S
    while missing := [probe for probe in wanted if probe not in took]:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{len(missing)} alerts never came, {missing[0]} among them")
        await asyncio.sleep(_TICK_S)


async def _read(
    consumer: AIOKafkaConsumer, sent: Mapping[Probe, float], took: dict[Probe, float]
) -> None:
    async for record in consumer:
        alert = orjson.loads(record.value)["data"]
        probe = alert["detector"], alert["subject"]["id"].partition(":")[2]
        if probe in sent:
            took.setdefault(probe, time.monotonic() - sent[probe])


async def _ask(
    producer: AIOKafkaProducer, prefix: str, name: str, sent: dict[Probe, float]
) -> None:
    """What one buyer writes: a message of each kind."""
    for detector, text in _SAYS.items():
        # Nobody's order, or an order of somebody else: the question is the same.
        order = f"20{crc32(name.encode()):014d}"
        line = _message(name, detector, text.format(order=order))
        sent[detector, name] = time.monotonic()
        await producer.send_and_wait(prefix + line.topic, line.value, key=line.key)


def _message(name: str, detector: str, text: str) -> Line:
    value = {
        "type": "message",
        "event_id": f"{name}-{detector}",
        "schema_version": 1,
        "occurred_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "shop_id": SHOP,
        "buyer_id": name,
        "chat_id": f"chat-{name}",
        "sender": "buyer",
        "channel": "wangwang",
        "text": text,
    }
    return Line("chats", f"{SHOP}:{name}".encode(), orjson.dumps(value))


async def _traffic(producer: AIOKafkaProducer, prefix: str, load: int) -> None:
    """Orders and payments of this moment, so many in each second, until it is cancelled."""
    if not load:
        return
    lines: Iterator[Line] = checked(
        unpaid_job(1 << 62, orders_per_s=load / 1.8, start_s=time.time())
    )
    began = time.monotonic()
    made = 0
    while True:
        due = int((time.monotonic() - began) * load) - made
        for line in itertools.islice(lines, due):
            await producer.send(prefix + line.topic, line.value, key=line.key)
        made += due
        await asyncio.sleep(_TICK_S)


def _percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def _row(load: int, taken: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    row: dict[str, Any] = {"other events per second": f"{load:,}"}
    for detector, values in taken.items():
        three = "/".join(f"{_percentile(values, p):.0f}" for p in (50, 95, 99))
        row[f"{detector}, ms, 50/95/99 of 100"] = three
        row[f"{detector}, most"] = f"{max(values):.0f}"
    return row
