"""Orders of now and their payments, since silence is proven by the wall clock.

The trap: what a partition concludes is its own, so tests put everything into one partition.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import NamedTuple

import yaml
from kafka.partitioner.default import murmur2

from schemas.alerts import AlertEnvelope
from tests.pipeline import rules_document
from tests.workers import Worker

PARTITIONS = 4
PARTITION = 0
# So many unpaid orders of one buyer are a D01, an instant after they were placed.
BURST = 6
GRACE_S = 1


def hasty_rules(path: Path) -> Path:
    """The default rules, but an order counts as unpaid `GRACE_S` after it was placed."""
    rules = rules_document()
    rules["D01"]["grace_s"] = GRACE_S
    path.write_text(yaml.safe_dump(rules), encoding="utf-8")
    return path


def buyers_of(shop: str) -> Iterator[str]:
    """Buyers of a shop whose events all go to the one partition."""
    for number in count():
        key = f"{shop}:b{number}".encode()
        if (murmur2(key) & 0x7FFFFFFF) % PARTITIONS == PARTITION:
            yield f"b{number}"


class Order(NamedTuple):
    """An order of one unit, and its payment right after it."""

    shop: str
    buyer: str
    name: str
    at: datetime

    @property
    def placed(self) -> bytes:
        """The line of its `created` event."""
        items = [{"item_id": "i1", "quantity": 1, "unit_price_minor": 100}]
        return self._line("orders", self.at, type="created", items=items)

    @property
    def paid(self) -> bytes:
        """The line of its `succeeded` event."""
        at = self.at + timedelta(milliseconds=1)
        return self._line("payments", at, type="succeeded", payment_id=self.name)

    def _line(self, topic: str, at: datetime, **body: object) -> bytes:
        value = {
            "event_id": f"{topic}-{self.name}",
            "schema_version": 1,
            "occurred_at": at.isoformat(),
            "shop_id": self.shop,
            "buyer_id": self.buyer,
            "order_id": self.name,
            "currency": "CNY",
            "amount_minor": 100,
            **body,
        }
        return b'{"topic":"%s","value":%s}' % (topic.encode(), json.dumps(value).encode())


def orders(shop: str, *buyers: str, each: int = 1, at: datetime | None = None) -> list[Order]:
    """So many orders of each buyer, placed now or at a time."""
    return [
        Order(shop, buyer, f"{buyer}-{uuid.uuid4()}", at or datetime.now(UTC))
        for buyer in buyers
        for _ in range(each)
    ]


def accused(subject: Worker, shop: str = "") -> set[str]:
    """The subjects of all alerts that were ever published, of all shops or of one."""
    alerts = (AlertEnvelope.model_validate_json(value).data for value in subject.alerts())
    return {alert.subject.id for alert in alerts if shop in ("", alert.shop_id)}
