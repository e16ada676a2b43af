"""Traffic for benchmarks: deterministic, valid contract events, sizes as a real shop sends them.

Event times go on evenly from a start that the caller may set, by default a fixed day. Each topic is in
the order of event time; a payment follows its order by seconds.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import orjson

from schemas.fast import decode_event
from streams.simulate.people import person

START_S = datetime(2024, 6, 1, tzinfo=UTC).timestamp()
SHOP = "shop1"
BURST_ORDERS = 6


class Line(NamedTuple):
    """One record: where it goes, and its bytes."""

    topic: str
    key: bytes
    value: bytes


def unpaid_job(
    records: int,
    *,
    buyers: int = 100_000,
    orders_per_s: float = 200.0,
    paid_share: float = 0.8,
    orders_per_burst: int = 2_000,
    seed: int = 20240601,
    start_s: float = START_S,
) -> Iterator[Line]:
    """Orders of about 450 bytes and payments of about 180, interleaved by event time.

    Buyers are drawn evenly. Once per `orders_per_burst` orders a buyer of their own places
    `BURST_ORDERS` orders and pays none: that is what both sides have to find.
    """
    rng = random.Random(seed)
    waiting: list[tuple[float, int, str]] = []
    burst: list[str] = []
    made = 0
    number = 0
    while made < records:
        at_s = start_s + number / orders_per_s
        while waiting and waiting[0][0] <= at_s and made < records:
            paid_s, order, buyer = heapq.heappop(waiting)
            yield _line("payments", buyer, _payment(order, buyer, paid_s))
            made += 1
        if made == records:
            return
        if number % orders_per_burst == 0:
            burst = [f"hoarder{number // orders_per_burst}"] * BURST_ORDERS
        is_burst = bool(burst) and number % 10 == 0
        buyer = burst.pop() if is_burst else f"buyer{rng.randrange(buyers):06d}"
        if not is_burst and rng.random() < paid_share:
            heapq.heappush(waiting, (at_s + rng.uniform(5, 170), number, buyer))
        yield _line("orders", buyer, _order(number, buyer, at_s, rng))
        made += 1
        number += 1


def duration_s(records: int) -> float:
    """About how long the traffic of `unpaid_job` lasts in event time."""
    return records / (200.0 * 1.8)


def history(buyers: int, orders_each: int, *, seed: int = 1) -> Iterator[Line]:
    """Ordinary buyers over a month: 90 % of orders paid and shipped, 3 % refunded.

    In order of event time, so that a reader's horizon moves as in production.
    """
    rng = random.Random(seed)
    total = buyers * orders_each
    later: list[tuple[float, int, Line]] = []
    turns = [buyer for buyer in range(buyers) for _ in range(orders_each)]
    rng.shuffle(turns)
    serial = 0
    for number, turn in enumerate(turns):
        at_s = START_S + number * (25 * 86_400 / total)
        while later and later[0][0] <= at_s:
            yield heapq.heappop(later)[2]
        buyer = f"buyer{turn:07d}"
        yield _line("orders", buyer, _order(number, buyer, at_s, rng))
        for due_s, line in _aftermath(number, buyer, at_s, rng):
            serial += 1
            heapq.heappush(later, (due_s, serial, line))
    while later:
        yield heapq.heappop(later)[2]


def _aftermath(
    number: int, buyer: str, at_s: float, rng: random.Random
) -> Iterator[tuple[float, Line]]:
    if rng.random() > 0.9:
        return
    paid_s = at_s + rng.uniform(5, 170)
    yield paid_s, _line("payments", buyer, _payment(number, buyer, paid_s))
    shipped_s = paid_s + rng.uniform(3_600, 80_000)
    yield shipped_s, _line("shipments", buyer, _shipment(number, buyer, shipped_s))
    if rng.random() < 0.03:
        refund_s = shipped_s + rng.uniform(86_400, 4 * 86_400)
        yield refund_s, _line("refunds", buyer, _refund(number, buyer, refund_s))


def one_buyer(orders: int, *, every_s: float = 20.0) -> Iterator[Line]:
    """A reseller: one buyer with many orders, every one of them paid a minute later."""
    rng = random.Random(orders)
    for number in range(orders):
        at_s = START_S + number * every_s
        yield _line("orders", "reseller", _order(number, "reseller", at_s, rng))
        yield _line("payments", "reseller", _payment(number, "reseller", at_s + 60))


def checked(lines: Iterable[Line], first: int = 500) -> Iterator[Line]:
    """The same lines; the first ones are held against the contract."""
    for index, line in enumerate(lines):
        if index < first:
            decode_event(line.topic, line.value)
        yield line


def as_json_line(line: Line) -> bytes:
    """The line as a JSON Lines file holds it."""
    return b'{"topic":"%s","value":%s}\n' % (line.topic.encode(), line.value)


def _line(topic: str, buyer: str, value: str) -> Line:
    return Line(topic, f"{SHOP}:{buyer}".encode(), value.encode())


def _time(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds")


def _header(kind: str, event_id: str, buyer: str, at_s: float) -> str:
    return (
        f'"type":"{kind}","event_id":"{event_id}","schema_version":1,'
        f'"occurred_at":"{_time(at_s)}","shop_id":"{SHOP}","buyer_id":"{buyer}"'
    )


def _order(number: int, buyer: str, at_s: float, rng: random.Random) -> str:
    quantity = rng.randrange(1, 4)
    price = rng.randrange(990, 29_900)
    item = rng.randrange(2_000)
    # Who a buyer is stays the same from order to order, and hardly anybody shares a phone or a home.
    receiver = orjson.dumps(person(1, buyer).receiver).decode()
    return (
        f'{{{_header("created", f"o{number:08d}-1", buyer, at_s)},"order_id":"o{number:08d}",'
        f'"items":[{{"item_id":"item{item:05d}","sku_id":"sku{item:05d}-2","quantity":{quantity},'
        f'"unit_price_minor":{price}}}],"currency":"CNY","amount_minor":{quantity * price},'
        f'"receiver":{receiver},"channel":"app"}}'
    )


def _payment(number: int, buyer: str, at_s: float) -> str:
    return (
        f'{{{_header("succeeded", f"p{number:08d}", buyer, at_s)},"order_id":"o{number:08d}",'
        f'"payment_id":"p{number:08d}","currency":"CNY","amount_minor":9900}}'
    )


def _shipment(number: int, buyer: str, at_s: float) -> str:
    return (
        f'{{{_header("shipped", f"s{number:08d}", buyer, at_s)},"order_id":"o{number:08d}",'
        f'"carrier":"SF","tracking_no":"SF{number:012d}"}}'
    )


def _refund(number: int, buyer: str, at_s: float) -> str:
    return (
        f'{{{_header("requested", f"r{number:08d}", buyer, at_s)},"order_id":"o{number:08d}",'
        f'"refund_id":"r{number:08d}","attempt_no":1,"refund_only":true,"reason":"quality",'
        '"phase":"aftersale","goods_status":"received","currency":"CNY","amount_minor":9900}'
    )
