"""Intake: every record ends up in facts or in poison, and a late fact finds its own record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from streams.runtime.intake import Batch, Intake

NOW_MS = 1_740_787_200_000  # 2025-03-01T00:00:00Z
HOUR_MS = 3_600_000
EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples"


class Record(NamedTuple):
    key: bytes | None
    value: bytes | None
    offset: int = 0


def _payment(event_id: str, **changes: object) -> dict[str, object]:
    return {
        "event_id": event_id,
        "type": "succeeded",
        "schema_version": 1,
        "occurred_at": "2025-02-28T12:00:00Z",
        "shop_id": "shop1",
        "buyer_id": "b1",
        "order_id": "o1",
        "payment_id": f"p-{event_id}",
        "currency": "CNY",
        "amount_minor": 100,
    } | changes


def _record(event_id: str, **changes: object) -> Record:
    return Record(b"shop1:b1", json.dumps(_payment(event_id, **changes)).encode())


def _take(*records: Record) -> Batch:
    return Intake("payments", 10_000, 600_000, lambda: NOW_MS).take(records)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (Record(b"shop1:b1", None), "missing_value"),
        (Record(b"shop1:b1", b"x" * 10_001), "too_large"),
        (Record(None, _record("e").value), "missing_key"),
        (Record(b"shop1:b2", _record("e").value), "key_mismatch"),
        (_record("e", occurred_at="2025-03-01T00:10:01Z"), "future_time"),
        (_record("e", schema_version=2), "unsupported_schema_version"),
    ],
)
def test_what_cannot_be_used_is_named(record: Record, reason: str) -> None:
    batch = _take(record)
    assert not batch.facts
    assert [error.reason for _, error in batch.poison] == [reason]


def test_one_bad_record_does_not_keep_the_others() -> None:
    batch = _take(_record("e1"), Record(b"shop1:b1", b"{"), _record("e2"))
    assert [fact.event_id for fact in batch.facts["b/shop1:b1"]] == ["e1", "e2"]
    assert len(batch.poison) == 1


def test_of_two_pickups_of_an_order_each_finds_its_own_record() -> None:
    """They have no event id: it would be most of their size."""
    header = {"type": "pickup", "schema_version": 1, "shop_id": "shop1", "buyer_id": "b1"}
    records = []
    for hour in ("12", "13"):
        at = {"event_id": f"e{hour}", "occurred_at": f"2025-02-28T{hour}:00:00Z", "order_id": "o1"}
        records.append(Record(b"shop1:b1", json.dumps(header | at).encode()))
    batch = Intake("shipments", 10_000, 600_000, lambda: NOW_MS).take(records)
    assert [batch.origin(fact) for fact in batch.facts["b/shop1:b1"]] == records


def test_a_sender_whose_clock_is_ahead_does_not_move_the_horizon_past_the_present() -> None:
    assert _take(_record("e", occurred_at="2025-03-01T00:09:00Z")).newest_ms == NOW_MS


def test_the_newest_time_is_that_of_no_record_in_particular() -> None:
    early, late = (
        _record(f"e{hour}", occurred_at=f"2025-02-28T{hour}:00:00Z") for hour in (11, 12)
    )
    assert _take(early, late).newest_ms == _take(late, early).newest_ms == NOW_MS - 12 * HOUR_MS
    assert _take().newest_ms == _take(Record(b"shop1:b1", b"{")).newest_ms == 0


def test_an_event_that_makes_no_fact_moves_time_and_concerns_nobody() -> None:
    event = {
        "event_id": "e",
        "type": "delivered",
        "schema_version": 1,
        "occurred_at": "2025-02-28T12:00:00Z",
        "shop_id": "shop1",
        "buyer_id": "b1",
        "order_id": "o1",
        "shipment_id": "p1",
    }
    record = Record(b"shop1:b1", json.dumps(event).encode())
    batch = Intake("shipments", 10_000, 600_000, lambda: NOW_MS).take([record])
    assert (batch.facts, batch.poison, batch.newest_ms) == ({}, [], NOW_MS - 12 * HOUR_MS)


def test_what_is_said_of_an_item_is_a_fact_about_the_item() -> None:
    path = EXAMPLES / "listings" / "good_on_shelf.json"
    event = json.loads(path.read_text(encoding="utf-8"))
    record = Record(f"{event['shop_id']}:{event['item_id']}".encode(), json.dumps(event).encode())
    batch = Intake("listings", 10_000, 600_000, lambda: 2 * NOW_MS).take([record])
    assert list(batch.facts) == [f"i/{event['shop_id']}:{event['item_id']}"]


def test_a_fact_finds_the_record_that_it_came_from_and_no_other() -> None:
    escaped = Record(b"shop1:b1", json.dumps(_payment("乱-1")).encode())
    records = [_record("evt-19"), _record("evt-1"), escaped]
    batch = _take(*records)
    found = {fact.event_id: batch.origin(fact) for fact in batch.facts["b/shop1:b1"]}
    assert found == {"evt-19": records[0], "evt-1": records[1], "乱-1": escaped}


@pytest.mark.parametrize("occurred_at", ["0001-01-01T00:00:00Z", "1960-01-01T00:00:00Z"])
def test_the_year_that_means_unset_is_no_time(occurred_at: str) -> None:
    batch = _take(_record("e", occurred_at=occurred_at))
    assert [error.reason for _, error in batch.poison] == ["bad_time"]


def test_ids_with_control_characters_are_refused() -> None:
    value = json.dumps(_payment("e", buyer_id="b\x1f1")).encode()
    batch = _take(Record(b"shop1:b\x1f1", value))
    assert [error.reason for _, error in batch.poison] == ["bad_key"]


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 1 << 70},
        {"values": {"units": 1 << 70}},
        {"occurred_at": "1960-01-01T00:00:00Z"},
        {"subject": {"kind": "buyer", "id": "shop1:b1"}},
        {"subject": {"kind": "item", "id": ":item1"}},
        {"subject": {"kind": "shop", "id": "s" * 65}},
        {"subject": {"kind": "item", "id": f"{'s' * 65}:item1"}},
        {"event_id": "e" * 129},
        {"name": "n" * 129},
        {"values": None},
        {"values": {f"value{number}": 1 for number in range(25)}},
        {"values": {"buyer": "b" * 257}},
        {"values": {"b" * 33: 1}},
    ],
)
def test_a_signal_that_would_hurt_later_is_refused(changes: dict[str, object]) -> None:
    signal = {
        "signal_id": "unpaid_hold/b1/o1",
        "name": "unpaid_hold",
        "subject": {"kind": "item", "id": "shop1:item1"},
        "shop_id": "shop1",
        "occurred_at": "2025-02-28T12:00:00Z",
        "version": 1,
        "event_id": "e1",
        "values": {"units": 5},
    }
    intake = Intake("signals", 10_000, 600_000, lambda: NOW_MS)
    good = Record(b"shop1:item1", json.dumps(signal).encode())
    assert not intake.take([good]).poison
    (misplaced,) = intake.take([good._replace(key=b"shop1:item2")]).poison
    assert misplaced[1].reason == "key_mismatch"
    bad = Record(b"shop1:item1", json.dumps(signal | changes).encode())
    assert [error.reason for _, error in intake.take([bad]).poison] == ["invalid_signal"]
