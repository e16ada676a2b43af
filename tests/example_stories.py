"""Stories of detectors as files: events at relative times, and the episodes that are expected.

    detector: D01
    tells: Five small orders, none of them paid.
    events:
      - {at: 0s, orders.created: {order_id: "o{n}", units: 3}, times: 5, every: 6m}
    read_until: 2h
    expect:
      - {subject: buyer, severity: warn, status: open, facts: 5}

`times` and `every` repeat an event, with `{n}` counting from 1 (`{n4}`: with four digits). `shop`,
`buyer` and `item` may stand in any event. Fields that do not matter to a story have defaults;
times in bodies are relative too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from schemas.topics import ITEM_TOPICS
from tests.pipeline import Event

FOLDER = Path(__file__).parents[1] / "examples" / "detectors"
START = datetime(2026, 11, 11, 12, 0, tzinfo=UTC)
_UNITS_S = {"d": 86_400, "h": 3600, "m": 60, "s": 1}
_COUNTER = re.compile(r"\{n(\d?)\}")
_KEYS = {"at", "times", "every", "shop", "buyer", "item"}
_DUE = ("ship_by", "promised_by", "countdown_ends_at")
# What is relative to the beginning of a story: whoever moves a whole story moves these.
TIMES = frozenset({"occurred_at", *_DUE})

_MONEY = {"currency": "CNY", "amount_minor": 1000}
_DEFAULTS: dict[str, dict[str, Any]] = {
    "orders.created": _MONEY,
    "payments.succeeded": {"payment_id": "pay-{order_id}", **_MONEY},
    "payments.failed": {"payment_id": "try-{order_id}"},
    "refunds.requested": {
        "refund_id": "refund-{order_id}",
        "attempt_no": 1,
        "refund_only": True,
        "phase": "aftersale",
        **_MONEY,
    },
    "refunds.refused": {"refund_id": "refund-{order_id}", "attempt_no": 1},
    "refunds.withdrawn": {"refund_id": "refund-{order_id}", "attempt_no": 1},
    "refunds.agreed": {"refund_id": "refund-{order_id}", "attempt_no": 1},
    "refunds.platform_intervened": {"refund_id": "refund-{order_id}", "attempt_no": 1},
    "refunds.succeeded": {"refund_id": "refund-{order_id}", "attempt_no": 1, **_MONEY},
    "returns.label_created": {"return_id": "return-{order_id}"},
    "returns.delivered": {"return_id": "return-{order_id}"},
    "returns.inspected": {"return_id": "return-{order_id}"},
    "disputes.opened": {"dispute_id": "dispute-{order_id}"},
    "disputes.evidence_added": {"dispute_id": "dispute-{order_id}"},
    "disputes.withdrawn": {"dispute_id": "dispute-{order_id}"},
    "disputes.escalated": {"dispute_id": "dispute-{order_id}"},
    "disputes.arbitration_withdrawn": {"dispute_id": "dispute-{order_id}"},
    "disputes.ruled": {"dispute_id": "dispute-{order_id}"},
    "recharges.submitted": {
        "recharge_id": "recharge-{order_id}",
        "currency": "CNY",
        "face_value_minor": 1000,
    },
    "recharges.callback": {"recharge_id": "recharge-{order_id}"},
    "recharges.reconciled": {"recharge_id": "recharge-{order_id}"},
    "filings.submitted": {"filing_id": "filing-{order_id}"},
    "filings.accepted": {"filing_id": "filing-{order_id}"},
    "filings.rejected": {"filing_id": "filing-{order_id}"},
    "contacts.attempted": {"channel": "phone"},
    "chats.message": {"chat_id": "chat-1", "sender": "buyer", "channel": "wangwang"},
    "reviews.posted": {"review_id": "review-{order_id}", "rating": "good"},
    "reviews.appended": {"review_id": "review-{order_id}", "rating": "good"},
    "reviews.changed": {"review_id": "review-{order_id}", "rating": "good"},
    "reviews.deleted": {"review_id": "review-{order_id}"},
    "complaints.filed": {"complaint_id": "complaint-{order_id}"},
    "complaints.ruled": {"complaint_id": "complaint-{order_id}"},
}


class Expected(NamedTuple):
    """One episode that a story leads to; `facts` is how many it counts."""

    subject: str
    severity: str
    status: str
    facts: int


class Story(NamedTuple):
    """One file."""

    path: Path
    detector: str
    tells: str
    events: list[Event]
    horizon_ms: int
    expected: list[Expected]

    @property
    def name(self) -> str:
        """Detector and file, as in the test's id."""
        return f"{self.path.parent.name}/{self.path.stem}"


def seconds(text: str) -> float:
    """`1d2h`, `90s`, `-5m`, `0.001s` as seconds."""
    parts = re.findall(r"([\d.]+)([dhms])", text)
    if not parts or "".join(a + b for a, b in parts) != text.removeprefix("-"):
        raise ValueError(f"{text!r} is no duration; expected such as 1d2h, 90s or -5m")
    total = sum(float(number) * _UNITS_S[unit] for number, unit in parts)
    return -total if text.startswith("-") else total


def load(path: Path) -> Story:
    """The story in a file."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    return Story(
        path,
        document["detector"],
        document["tells"],
        list(events_of(document["events"])),
        ms(seconds(document["read_until"])),
        [Expected(**one) for one in document["expect"]],
    )


def stories() -> list[Story]:
    """All stories of all detectors."""
    return [load(path) for path in sorted(FOLDER.glob("*/*.yaml"))]


def events_of(
    written: list[dict[str, Any]], shop: str = "shop1", start: datetime = START
) -> Iterator[Event]:
    """Written events in full, in the order of the file; `shop` is that of those that name none."""
    number = 0
    for entry in written:
        (name,) = entry.keys() - _KEYS
        for n in range(1, entry.get("times", 1) + 1):
            number += 1
            at_s = seconds(entry["at"]) + (n - 1) * seconds(entry.get("every", "0s"))
            event_id = f"e{number:03}" if shop == "shop1" else f"{shop}-e{number:03}"
            at = start + timedelta(seconds=at_s)
            yield _event(event_id, name, start, at, {"shop": shop, **entry}, n)


def _event(
    event_id: str, name: str, start: datetime, at: datetime, entry: Mapping[str, Any], n: int
) -> Event:
    topic, _, kind = name.partition(".")
    body = _filled({**_DEFAULTS.get(name, {}), **entry[name]}, n)
    if "units" in body:
        units = body.pop("units")
        body["items"] = [{"item_id": "item1", "quantity": units, "unit_price_minor": 1000}]
    for field in _DUE:
        if field in body:
            body[field] = _time(start + timedelta(seconds=seconds(body[field])))
    who = {"item_id": entry.get("item", "item1")}
    if topic not in ITEM_TOPICS:
        who = {"buyer_id": counted(str(entry.get("buyer", "buyer1")), n)}
    header = {
        "event_id": event_id,
        "schema_version": 1,
        "occurred_at": _time(at),
        "shop_id": entry["shop"],
        "type": kind,
    }
    return topic, header | who | body


def _filled(body: Mapping[str, Any], n: int) -> dict[str, Any]:
    """The body with `{n}` and `{order_id}` put in."""
    full = {k: _counted(v, n) for k, v in body.items()}
    order_id = str(full.get("order_id", ""))
    return {
        k: v.replace("{order_id}", order_id) if isinstance(v, str) else v for k, v in full.items()
    }


def _counted(value: Any, n: int) -> Any:
    if isinstance(value, dict):
        return {k: _counted(v, n) for k, v in value.items()}
    return counted(value, n) if isinstance(value, str) else value


def counted(text: str, n: int) -> str:
    """The text with its counters put in."""
    return _COUNTER.sub(lambda found: str(n).zfill(int(found[1] or 1)), text)


def _time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")


def ms(at_s: float, start: datetime = START) -> int:
    """So many seconds after the beginning of a story, in milliseconds since 1970."""
    return int(start.timestamp() * 1000) + round(at_s * 1000)
