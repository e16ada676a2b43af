"""What the stock ledger decides, one rule at a time, through the records that a service reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from schemas.alerts import HeldUnits
from schemas.outputs import Action, StockAdjustment
from streams.errors import TransientError
from streams.kafka.publisher import Outgoing
from streams.settings import Settings
from streams.stock.metrics import StockMetrics
from streams.stock.service import StockDesk, Upkeep
from streams.subscriber import Record, SqliteLedger
from streams.subscriber.ledger import open_database
from tests.factories import T0, envelope, make_alert

ITEM = "item-red-dress"


class Broker:
    """A Publisher that keeps what it took, or is down."""

    def __init__(self) -> None:
        self.records: list[Outgoing] = []
        self.is_down = False
        self.on_publish: Callable[[], None] = lambda: None

    def publish(self, records: Sequence[Outgoing]) -> None:
        self.on_publish()
        if self.is_down:
            raise TransientError("down")
        self.records += records

    def close(self) -> None:
        pass


class Shop:
    """A desk with its file; every method feeds one record and gives `kind reason delta` back."""

    def __init__(self, path: Path, **settings: Any) -> None:
        self.path = path
        self.broker = Broker()
        self.now = T0.timestamp()
        self.events = 0
        self.metrics = StockMetrics()
        self.ledger = SqliteLedger(path, "g")
        self.upkeep_connection = open_database(path)
        self.configure(**settings)

    def configure(self, **settings: Any) -> None:
        live = {"stock_dry_run": False, "stock_approval": False}
        configured = Settings(**{**live, **settings})
        self.desk = StockDesk(configured, self.ledger, self.metrics, lambda: self.now)
        self.upkeep = Upkeep(
            configured, self.upkeep_connection, self.broker, self.metrics, lambda: self.now
        )

    def close(self) -> None:
        self.ledger.close()
        self.upkeep.close()

    def apply(self, topic: str, body: bytes) -> list[StockAdjustment]:
        self.events += 1
        return self.desk.apply(Record(topic, 0, self.events, None, body))

    def alert(self, revision: int = 1, name: str = "a", **overrides: Any) -> list[str]:
        held = overrides.pop("held", {"o1": (3, "held")})
        lines = [
            HeldUnits(item_id=ITEM, order_id=order, units=units, state=state)
            for order, (units, state) in held.items()
        ]
        alert = make_alert(name, orders=0, revision=revision, held_units=lines, **overrides)
        return said(self.apply("alerts", envelope(alert).model_dump_json().encode()))

    def reading(self, on_hand: int, paid_reserved: int = 0, **fields: Any) -> list[str]:
        return self.event(
            "stock", type="level", on_hand=on_hand, paid_reserved=paid_reserved, **fields
        )

    def listing(self, is_supported: bool | None, **fields: Any) -> list[str]:
        return self.event(
            "listings", type="changed", deduct_on_payment_supported=is_supported, **fields
        )

    def event(self, topic: str, **fields: Any) -> list[str]:
        at = (T0 + timedelta(seconds=self.events)).isoformat()
        body = {
            "event_id": f"e{self.events}",
            "schema_version": 1,
            "occurred_at": at,
            "shop_id": "shop1",
            "item_id": ITEM,
            **fields,
        }
        return said(self.apply(topic, json.dumps(body).encode()))

    def switch(self, value: str, **fields: str) -> None:
        at = (T0 + timedelta(seconds=self.events)).isoformat()
        body = {"control_id": f"c{self.events}", "command": "stock_kill_switch", "at": at}
        self.apply("control", json.dumps({**body, "value": value, **fields}).encode())

    def result(self, action_id: str, status: str, **fields: str) -> list[str]:
        body = {"action_id": action_id, "status": status, "message": "", "finished_at": str(T0)}
        return said(self.apply("action-results", json.dumps({**body, **fields}).encode()))

    def commands(self) -> list[Action]:
        """What was asked for, once for each time that it was."""
        self.published()
        return [
            Action.model_validate_json(record.value)
            for record in self.broker.records
            if record.topic == "actions"
        ]

    def is_killed(self) -> bool:
        (row,) = self.ledger.connection.execute("SELECT is_on FROM kill_switch").fetchall()
        return bool(row[0])

    def published(self) -> list[StockAdjustment]:
        while self.upkeep.step() == 0.0:
            pass
        return [
            StockAdjustment.model_validate_json(record.value)
            for record in self.broker.records
            if record.topic == "stock-adjustments"
        ]


def said(decisions: list[StockAdjustment]) -> list[str]:
    return [f"{each.order_id} {each.kind} {each.reason} {each.delta}" for each in decisions]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "stock.db")
    yield shop
    shop.close()


TOPPED_UP = ["o1 top_up held_unpaid 3"]


def test_held_units_are_topped_up_when_stock_is_there(shop: Shop) -> None:
    shop.reading(on_hand=3)
    assert shop.alert() == TOPPED_UP


def test_deduct_on_payment_is_asked_for_first(shop: Shop) -> None:
    shop.reading(on_hand=100)
    shop.listing(is_supported=True)
    assert shop.alert() == ["o1 suggest_deduct_on_payment deduct_on_payment_supported 0"]


def test_an_item_that_deducts_on_payment_holds_nothing(shop: Shop) -> None:
    shop.reading(on_hand=100, deduct_mode="payment")
    shop.listing(is_supported=True)
    assert shop.alert() == ["o1 none already_deducts_on_payment 0"]


def test_without_a_reading_nothing_is_topped_up_until_one_arrives(shop: Shop) -> None:
    assert shop.alert() == ["o1 suggest_deduct_on_payment stock_unknown 0"]
    assert shop.alert(2) == []
    assert shop.reading(on_hand=5) == TOPPED_UP


def test_without_a_reading_an_item_that_cannot_deduct_on_payment_waits(shop: Shop) -> None:
    shop.listing(is_supported=False)
    assert shop.alert() == ["o1 none stock_unknown 0"]


def test_a_top_up_never_exceeds_what_is_there_less_what_is_paid(shop: Shop) -> None:
    shop.reading(on_hand=10, paid_reserved=5)
    held = {"o1": (3, "held"), "o2": (3, "held"), "o3": (2, "held")}
    assert shop.alert(held=held) == [
        "o1 top_up held_unpaid 3",
        "o2 none stock_too_low 0",
        "o3 top_up held_unpaid 2",
    ]


@pytest.mark.parametrize(
    ("revision", "reason"),
    [
        ({"held": {"o1": (3, "paid")}}, "order_paid"),
        ({"held": {"o1": (3, "closed")}}, "order_closed"),
        ({"status": "resolved", "change": "resolved"}, "alert_ended"),
        ({"status": "retracted", "change": "retracted"}, "alert_ended"),
        ({"status": "expired", "change": "expired"}, "alert_ended"),
        ({"suppressed_by": "snooze"}, "alert_ended"),
        ({"held": {}}, "alert_ended"),
    ],
)
def test_a_top_up_is_taken_back_when_its_ground_is_gone(
    shop: Shop, revision: dict[str, Any], reason: str
) -> None:
    shop.reading(on_hand=9)
    shop.alert()
    assert shop.alert(2, **revision) == [f"o1 reverse {reason} -3"]
    assert shop.alert(3, **revision) == []


def test_a_repeated_or_older_revision_decides_nothing(shop: Shop) -> None:
    shop.reading(on_hand=9)
    assert shop.alert(2) == TOPPED_UP
    assert shop.alert(2) == []
    assert shop.alert(1, status="resolved", change="resolved") == []


def test_overlapping_alerts_top_up_once_and_the_last_to_end_takes_it_back(shop: Shop) -> None:
    shop.reading(on_hand=100)
    assert shop.alert(name="a") == TOPPED_UP
    assert shop.alert(name="b") == []
    assert shop.alert(2, name="a", status="resolved", change="resolved") == []
    assert shop.alert(2, name="b", status="retracted", change="retracted") == [
        "o1 reverse alert_ended -3"
    ]


def test_paid_is_final_whatever_another_alert_still_says(shop: Shop) -> None:
    shop.reading(on_hand=100)
    shop.alert(name="a")
    assert shop.alert(name="b", held={"o1": (3, "paid")}) == ["o1 reverse order_paid -3"]
    assert shop.alert(2, name="a") == []
    assert shop.reading(on_hand=200) == []


def test_a_reopened_alert_tops_up_again_under_another_id(shop: Shop) -> None:
    shop.reading(on_hand=9)
    shop.alert()
    shop.alert(2, status="resolved", change="resolved")
    assert shop.alert(3, change="reopened") == TOPPED_UP
    published = shop.published()
    assert [each.delta for each in published] == [3, -3, 3]
    assert len({each.adjustment_id for each in published}) == 3


def test_shrinking_stock_takes_back_the_newest_and_growing_stock_gives_again(shop: Shop) -> None:
    shop.reading(on_hand=6)
    shop.alert(held={"o1": (3, "held"), "o2": (3, "held")})
    assert shop.reading(on_hand=6, paid_reserved=2) == ["o2 reverse stock_shrank -3"]
    assert shop.reading(on_hand=9) == ["o2 top_up held_unpaid 3"]


def test_readings_count_what_we_added_ourselves_only_once(shop: Shop) -> None:
    shop.reading(on_hand=5)
    shop.alert()
    (top_up,) = shop.published()
    # The platform carried it out, so its number now holds three units that do not exist.
    shop.event("stock", type="adjusted", adjustment_id=top_up.adjustment_id, delta=3, on_hand=8)
    assert shop.alert(name="b", held={"o2": (3, "held")}) == ["o2 none stock_too_low 0"]


def test_what_is_carried_out_and_not_yet_reported_is_no_stock(shop: Shop) -> None:
    shop.reading(on_hand=5)
    shop.alert()
    (top_up,) = shop.published()
    # The platform's own number is faster than the word of whoever carried the top-up out.
    assert shop.reading(on_hand=8) == []
    assert shop.alert(name="b", held={"o2": (3, "held")}) == ["o2 none stock_too_low 0"]
    shop.event("stock", type="adjusted", adjustment_id=top_up.adjustment_id, delta=3, on_hand=8)
    assert shop.alert(name="c", held={"o3": (2, "held")}) == ["o3 top_up held_unpaid 2"]


def test_a_reading_from_before_a_top_up_cannot_hold_it(shop: Shop) -> None:
    shop.reading(on_hand=6)
    assert shop.alert(updated_at=T0 + timedelta(seconds=1)) == TOPPED_UP
    assert shop.alert(name="b", held={"o2": (3, "held")}) == ["o2 top_up held_unpaid 3"]


def test_what_was_topped_up_on_paper_is_in_no_reading(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "stock.db", stock_dry_run=True)
    shop.reading(on_hand=6)
    shop.alert()
    assert shop.reading(on_hand=6) == []
    assert shop.alert(name="b", held={"o2": (3, "held")}) == ["o2 top_up held_unpaid 3"]
    shop.close()


def test_an_order_that_the_platform_closed_is_taken_back_without_an_alert(shop: Shop) -> None:
    shop.reading(on_hand=9)
    shop.alert()
    shop.now = (T0 + timedelta(days=3, seconds=-1)).timestamp()
    assert [each.delta for each in shop.published()] == [3]
    shop.now += 1
    assert [f"{each.reason} {each.delta}" for each in shop.published()[1:]] == ["auto_close_due -3"]
    assert shop.alert(2) == []


def test_an_alert_about_an_order_that_is_long_closed_tops_up_nothing(shop: Shop) -> None:
    shop.reading(on_hand=9)
    assert shop.alert(updated_at=T0 + timedelta(days=3)) == []


def test_an_alert_read_days_after_it_was_written_tops_up_nothing(shop: Shop) -> None:
    shop.now = (T0 + timedelta(days=10)).timestamp()
    shop.reading(on_hand=9)
    assert shop.alert() == []
    assert shop.published() == []


def test_an_alert_read_after_a_downtime_tops_up_only_what_is_still_held(shop: Shop) -> None:
    shop.reading(on_hand=9)
    shop.now = (T0 + timedelta(days=3, seconds=-1)).timestamp()
    assert shop.alert() == TOPPED_UP
    shop.now += 1
    held = {"o2": (3, "held")}
    assert shop.alert(name="b", held=held) == []
    assert shop.alert(2, name="b", held=held) == []


def test_a_reading_after_a_downtime_tops_up_nothing_that_the_platform_has_closed(
    shop: Shop,
) -> None:
    shop.reading(on_hand=0)
    assert shop.alert() == ["o1 none stock_too_low 0"]
    shop.now = (T0 + timedelta(days=3)).timestamp()
    assert shop.reading(on_hand=100) == []
    assert [each.kind for each in shop.published()] == ["none"]


def test_budgets_bound_what_is_topped_up_in_a_day(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "s.db", stock_item_budget_units=5, stock_shop_budget_units=100)
    shop.reading(on_hand=100)
    held = {"o1": (3, "held"), "o2": (3, "held"), "o3": (2, "held")}
    assert shop.alert(held=held) == [
        "o1 top_up held_unpaid 3",
        "o2 none item_budget 0",
        "o3 top_up held_unpaid 2",
    ]
    next_day = T0 + timedelta(hours=25)
    assert shop.alert(2, held=held, updated_at=next_day) == ["o2 top_up held_unpaid 3"]
    shop.close()


def test_the_shop_budget_spans_items(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "s.db", stock_shop_budget_units=4)
    shop.reading(on_hand=100)
    shop.reading(on_hand=100, item_id="other")
    shop.alert()
    alert = make_alert(
        "b",
        orders=0,
        held_units=[HeldUnits(item_id="other", order_id="o9", units=3, state="held")],
    )
    decisions = shop.apply("alerts", envelope(alert).model_dump_json().encode())
    assert said(decisions) == ["o9 none shop_budget 0"]
    shop.close()


def test_the_kill_switch_stops_topping_up_and_not_taking_back(shop: Shop) -> None:
    shop.reading(on_hand=100)
    shop.alert(name="a")
    shop.switch("on")
    assert shop.alert(name="b", held={"o2": (3, "held")}) == ["o2 none kill_switch 0"]
    assert shop.alert(2, name="a", held={}) == ["o1 reverse alert_ended -3"]
    shop.switch("off")
    assert shop.alert(2, name="b", held={"o2": (3, "held")}) == ["o2 top_up held_unpaid 3"]


def test_a_command_that_claims_to_be_from_the_future_locks_nothing(shop: Shop) -> None:
    shop.switch("off", at="2099-01-01T00:00:00Z")
    with capture_logs() as logs:
        shop.switch("on")
    assert [entry["is_on"] for entry in logs if entry["event"] == "stock_kill_switch"] == [True]
    shop.reading(on_hand=100)
    assert shop.alert() == ["o1 none kill_switch 0"]


def test_a_repeated_off_does_not_lift_a_later_on(shop: Shop) -> None:
    shop.switch("off")
    shop.switch("on")
    shop.events = 0
    shop.switch("off")
    assert shop.is_killed()
    shop.switch("on")
    shop.switch("off")
    assert not shop.is_killed()


def test_a_control_topic_that_was_created_anew_is_obeyed(shop: Shop) -> None:
    shop.events = 100
    shop.switch("off")
    shop.events = 0
    shop.switch("on")
    assert shop.is_killed()
    shop.switch("off")
    assert not shop.is_killed()


@pytest.mark.parametrize(
    "body",
    [
        b'{"command": "stock_kill_switch", "value": "on"}',
        b'{"control_id": "c", "command": "stock_kill_switch", "value": true, "at": "today"}',
        b"stock_kill_switch on",
    ],
)
def test_an_order_to_stop_that_is_written_wrongly_still_stops(shop: Shop, body: bytes) -> None:
    shop.reading(on_hand=100)
    shop.apply("control", body)
    assert shop.alert() == ["o1 none kill_switch 0"]
    shop.switch("off")
    assert not shop.is_killed()


def test_a_file_of_an_earlier_version_keeps_its_kill_switch(tmp_path: Path) -> None:
    connection = open_database(tmp_path / "s.db")
    connection.execute("CREATE TABLE kill_switch (at REAL, control_id TEXT, is_on INTEGER)")
    connection.execute("INSERT INTO kill_switch VALUES (4070908800.0, 'c', 1)")
    connection.close()
    shop = Shop(tmp_path / "s.db")
    assert shop.is_killed()
    shop.switch("off")
    assert not shop.is_killed()
    shop.close()


def test_an_order_missing_from_a_capped_list_stays_topped_up(shop: Shop) -> None:
    shop.reading(on_hand=100)
    shop.alert(held={"o1": (3, "held"), "o2": (3, "held")})
    assert shop.alert(2, held={"o2": (3, "held")}, held_capped=True) == []
    assert shop.alert(3, held={"o2": (3, "paid")}, held_capped=True) == ["o2 reverse order_paid -3"]
    over: dict[str, Any] = {"status": "resolved", "change": "resolved", "held_capped": True}
    assert shop.alert(4, held={}, **over) == ["o1 reverse alert_ended -3"]


def test_an_order_missing_from_a_complete_list_is_taken_back(shop: Shop) -> None:
    shop.reading(on_hand=100)
    shop.alert(held={"o1": (3, "held"), "o2": (3, "held")}, held_capped=True)
    assert shop.alert(2, held={"o2": (3, "held")}) == ["o1 reverse alert_ended -3"]


def test_the_kill_switch_of_the_settings_cannot_be_lifted_by_a_command(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "s.db", stock_kill_switch=True)
    shop.reading(on_hand=100)
    shop.switch("off")
    assert shop.alert() == ["o1 none kill_switch 0"]
    shop.close()


def test_a_dry_run_decides_the_same_and_its_actions_say_so(tmp_path: Path) -> None:
    assert Settings().stock_dry_run
    shop = Shop(tmp_path / "s.db", stock_dry_run=True, stock_approval=True)
    shop.reading(on_hand=100)
    assert shop.alert() == TOPPED_UP
    (decision,) = shop.published()
    (action,) = shop.commands()
    assert decision.is_dry_run
    assert (action.action_id, action.is_dry_run) == (decision.adjustment_id, True)
    shop.close()


def test_what_was_topped_up_on_paper_is_taken_back_on_paper(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "s.db", stock_dry_run=True)
    shop.reading(on_hand=100)
    shop.alert()
    shop.configure(stock_dry_run=False)
    shop.alert(2, status="resolved", change="resolved")
    assert [(each.delta, each.is_dry_run) for each in shop.published()] == [(3, True), (-3, True)]
    assert [each.is_dry_run for each in shop.commands()] == [True, True]
    shop.close()


def test_a_live_decision_becomes_one_a1_action_with_the_same_id(shop: Shop) -> None:
    shop.reading(on_hand=100)
    shop.alert()
    (decision,) = shop.published()
    (action,) = shop.commands()
    (command,) = (record for record in shop.broker.records if record.topic == "actions")
    assert (action.action_id, action.code) == (decision.adjustment_id, "A1_adjust_held_stock")
    assert not action.is_dry_run
    assert action.parameters == {"item_id": ITEM, "order_id": "o1", "delta": 3}
    assert command.key == action.action_id


def test_an_item_named_in_several_lines_of_an_order_counts_as_one(shop: Shop) -> None:
    shop.reading(on_hand=100)
    lines = [
        HeldUnits(item_id=ITEM, order_id="o1", units=units, state=state)  # type: ignore[arg-type]
        for units, state in ((2, "held"), (4, "held"))
    ]
    body = envelope(make_alert(orders=0, held_units=lines)).model_dump_json().encode()
    assert said(shop.apply("alerts", body)) == ["o1 top_up held_unpaid 6"]


def test_an_old_reading_does_not_replace_a_newer_one(shop: Shop) -> None:
    shop.reading(on_hand=2)
    shop.reading(on_hand=100, occurred_at=(T0 - timedelta(days=1)).isoformat())
    assert shop.alert() == ["o1 none stock_too_low 0"]


def test_what_is_taken_is_counted_whether_it_leads_to_anything_or_not(shop: Shop) -> None:
    assert shop.metrics.registry.get_sample_value("orderwatch_stock_alerts_total") == 0.0
    shop.alert()
    assert shop.metrics.registry.get_sample_value("orderwatch_stock_alerts_total") == 1.0


def bad_records(shop: Shop, topic: str) -> float:
    sample = shop.metrics.registry.get_sample_value
    return sample("orderwatch_stock_bad_records_total", {"topic": topic}) or 0.0


@pytest.mark.parametrize(
    "at", ["0001-01-01T00:00:00+08:00", "1999-12-31T23:59:59Z", "2099-01-01T00:00:00Z"]
)
def test_a_reading_of_another_age_is_refused_and_changes_nothing(shop: Shop, at: str) -> None:
    assert shop.reading(on_hand=100, occurred_at=at) == []
    assert shop.listing(is_supported=True, occurred_at=at) == []
    assert (bad_records(shop, "stock"), bad_records(shop, "listings")) == (1, 1)
    assert shop.alert() == ["o1 suggest_deduct_on_payment stock_unknown 0"]
    assert shop.reading(on_hand=3) == TOPPED_UP


def test_a_clock_that_runs_a_little_ahead_is_believed(shop: Shop) -> None:
    ahead = T0 + timedelta(seconds=Settings().max_future_s)
    shop.reading(on_hand=3, occurred_at=ahead.isoformat())
    assert shop.alert() == TOPPED_UP


def test_a_stored_reading_from_the_future_loses_to_a_present_one(shop: Shop) -> None:
    present = shop.now
    shop.now = T0.replace(year=2099).timestamp()
    shop.reading(on_hand=100, occurred_at="2098-01-01T00:00:00Z")
    shop.listing(is_supported=True, occurred_at="2098-01-01T00:00:00Z")
    shop.now = present
    shop.reading(on_hand=2)
    shop.listing(is_supported=False)
    assert shop.alert() == ["o1 none stock_too_low 0"]


@pytest.mark.parametrize("at", [T0.replace(year=1, month=1, day=1), T0.replace(9999, 12, 31)])
def test_an_alert_of_another_age_stops_nothing(shop: Shop, at: datetime) -> None:
    shop.reading(on_hand=100)
    held = [HeldUnits(item_id=ITEM, order_id="o1", units=3, state="held")]
    old = {"opened_at": at, "updated_at": at, "deadlines": []}
    alert = make_alert(orders=0, held_units=held).model_copy(update=old)
    shop.apply("alerts", envelope(alert).model_dump_json().encode())
    shop.published()
    assert shop.alert(name="b", held={"o2": (3, "held")}) == ["o2 top_up held_unpaid 3"]


def test_ids_that_contain_line_breaks_are_told_apart(shop: Shop) -> None:
    shop.reading(on_hand=100, item_id="i\no")
    shop.reading(on_hand=100, item_id="i")
    held = [
        HeldUnits(item_id=item, order_id=order, units=3, state="held")
        for item, order in (("i\no", "p"), ("i", "o\np"))
    ]
    body = envelope(make_alert(orders=0, held_units=held)).model_dump_json().encode()
    assert len({each.adjustment_id for each in shop.apply("alerts", body)}) == 2


def test_decisions_wait_for_the_broker(shop: Shop) -> None:
    shop.reading(on_hand=100)
    shop.alert()
    shop.broker.is_down = True
    assert shop.upkeep.step() > 0
    assert shop.broker.records == []
    shop.broker.is_down = False
    assert len(shop.published()) == 1


def test_decisions_that_wait_are_counted_while_the_broker_is_tried(shop: Shop) -> None:
    shop.reading(on_hand=100)
    shop.alert()
    seen: list[float | None] = []

    def look() -> None:
        waiting = "orderwatch_stock_decisions_waiting"
        seen.append(shop.metrics.registry.get_sample_value(waiting))

    shop.broker.on_publish = look
    shop.published()
    look()
    assert seen == [1, 0]


def test_a_record_that_cannot_be_read_is_counted_and_skipped(shop: Shop) -> None:
    for topic in ("alerts", "stock", "listings", "control"):
        assert shop.apply(topic, b"{}") == []
        sample = shop.metrics.registry.get_sample_value
        assert sample("orderwatch_stock_bad_records_total", {"topic": topic}) == 1


def test_settled_orders_are_forgotten_after_a_month(shop: Shop) -> None:
    shop.reading(on_hand=9)
    shop.alert()
    shop.now = (T0 + timedelta(days=3)).timestamp()
    shop.published()
    shop.now += 31 * 86_400
    shop.upkeep.step()
    for table in ("entries", "claims", "adjustments"):
        (rows,) = shop.ledger.connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        assert rows == 0, table
