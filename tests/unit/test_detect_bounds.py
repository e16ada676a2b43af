"""What a flood can make large stays bounded: alerts, signals, facts."""

from __future__ import annotations

import json

from schemas.alerts import AlertEnvelope
from streams.detect.alerts import LISTED_HOLDS, envelope
from streams.detect.facts import MAX_ITEMS_PER_ORDER
from streams.replay.engine import Replay
from tests.pipeline import default_engine

LONGEST_SHOP, LONGEST = "s" * 64, "b" * 128


def _order(number: int, lines: int, **changes: object) -> bytes:
    event = {
        "event_id": f"e{number}",
        "type": "created",
        "schema_version": 1,
        "occurred_at": f"2025-02-28T12:{number // 60:02}:{number % 60:02}Z",
        "shop_id": LONGEST_SHOP,
        "buyer_id": LONGEST,
        "order_id": f"o{number}",
        "items": [
            {"item_id": f"item{line}", "quantity": 6, "unit_price_minor": 1}
            for line in range(lines)
        ],
        "currency": "CNY",
        "amount_minor": 1,
    }
    return json.dumps({"topic": "orders", "value": event | changes}).encode()


def _alerts(lines: list[bytes]) -> list[AlertEnvelope]:
    replay = Replay(default_engine(), lambda alert: None)
    replay.feed(lines, str)
    report = replay.finish(1_772_000_000_000)
    assert not report.refused
    return [envelope(alert) for alert in report.standing]


def test_an_alert_about_hundreds_of_long_orders_fits_a_record() -> None:
    (found,) = _alerts([_order(number, 200) for number in range(300)])
    assert len(found.data.held_units) == LISTED_HOLDS
    assert found.data.held_capped
    assert found.data.evidence.facts_capped
    assert len(found.model_dump_json()) < 200_000


def test_of_a_long_order_the_largest_items_are_kept_and_all_units_are_counted() -> None:
    (found,) = _alerts([_order(0, 50)])
    assert len(found.data.held_units) == MAX_ITEMS_PER_ORDER
    assert found.data.evidence.facts[0].detail["units"] == 300


def test_ids_of_the_greatest_length_make_a_valid_alert() -> None:
    (found,) = _alerts([_order(0, 50)])
    assert AlertEnvelope.model_validate_json(found.model_dump_json()).subject == (
        f"{LONGEST_SHOP}:{LONGEST}"
    )


def test_a_promise_for_the_end_of_all_days_is_no_promise() -> None:
    (found,) = _alerts([_order(0, 50, ship_by="9999-12-31T23:59:59-05:00")])
    assert "ship_by" not in found.data.evidence.facts[0].detail
