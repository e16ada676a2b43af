"""The good examples of what orderwatch writes are what it writes: other teams build upon them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.alerts import Alert
from schemas.outputs import StockAdjustment
from schemas.topics import EXAMPLES_PATH
from streams.detect import facts
from streams.detect.alerts import envelope
from streams.stock.adapter import command


def _example(topic: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EXAMPLES_PATH / topic / f"{name}.json").read_text("utf-8"))
    return found


@pytest.mark.parametrize("name", ["good_opened", "good_resolved", "good_retracted"])
def test_an_example_of_an_alert_is_in_the_envelope_that_we_write(name: str) -> None:
    example = _example("alerts", name)
    alert = Alert.model_validate_json(json.dumps(example["data"]))
    assert json.loads(envelope(alert).model_dump_json()) == example
    for fact in alert.evidence.facts:
        assert hasattr(facts, fact.kind)


def test_the_example_of_a_retracted_alert_has_nothing_left() -> None:
    alert = _example("alerts", "good_retracted")["data"]
    assert not (alert["evidence"]["facts"] or alert["held_units"] or alert["suggested_actions"])


def test_the_example_of_an_action_is_that_of_the_decision_before_it() -> None:
    decision = StockAdjustment.model_validate_json(
        json.dumps(_example("stock-adjustments", "good_top_up"))
    )
    assert json.loads(command(decision).value) == _example("actions", "good_adjust_held_stock")
