"""The stock invariant under everything at once: overlaps, repeats, crashes, readings, switches.

For every (item, order) the published deltas sum up to 0 or to the units of its top-up, and to 0 in
the end; what is topped up never exceeds physical stock less paid reservations at the decision.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from schemas.alerts import HeldUnits
from schemas.outputs import Action, StockAdjustment
from streams.kafka.publisher import Outgoing
from streams.settings import Settings
from streams.stock.control import recall
from streams.stock.metrics import StockMetrics
from streams.stock.service import StockDesk, Upkeep, limits_of
from streams.stock.store import Store
from streams.subscriber import Record, SqliteLedger
from tests.factories import T0, envelope, make_alert

ITEMS = ["i1", "i2"]
ORDERS = ["o1", "o2", "o3", "o4"]
ALERTS = ["a", "b", "c"]
ITEM_BUDGET, SHOP_BUDGET = 30, 45
MODES = {
    (is_dry_run, is_asked): Settings(
        stock_dry_run=is_dry_run,
        stock_approval=is_asked,
        stock_item_budget_units=ITEM_BUDGET,
        stock_shop_budget_units=SHOP_BUDGET,
    )
    for is_dry_run in (True, False)
    for is_asked in (True, False)
}
METRICS = StockMetrics()

lines = st.lists(
    st.tuples(
        st.sampled_from(ITEMS),
        st.sampled_from(ORDERS),
        st.integers(0, 8),
        st.sampled_from(["held"] * 8 + ["paid", "closed"]),
    ),
    min_size=1,
    max_size=4,
)
statuses = st.sampled_from(["open"] * 7 + ["resolved", "retracted", "expired"])
crash_points = st.one_of(st.none(), st.integers(0, 6))


class PowerCutError(BaseException):
    """The process is gone; what was not committed is gone with it."""


class CrashingStore(Store):
    """A store that loses power at its n-th write."""

    def __init__(self, connection: sqlite3.Connection, writes_left: int) -> None:
        super().__init__(connection)
        self._writes_left = writes_left

    def _maybe_crash(self) -> None:
        self._writes_left -= 1
        if self._writes_left < 0:
            raise PowerCutError

    def put(self, entry: Any) -> None:
        self._maybe_crash()
        super().put(entry)

    def add(self, adjustment: StockAdjustment) -> None:
        self._maybe_crash()
        super().add(adjustment)

    def mark_published(self, numbers: Sequence[int]) -> None:
        self._maybe_crash()
        super().mark_published(numbers)


class Topic:
    """A Publisher that keeps the first record of each id, as a consumer of the topic would."""

    def __init__(self) -> None:
        self.by_id: dict[str, StockAdjustment] = {}
        self.commands: dict[str, Action] = {}

    def publish(self, records: Sequence[Outgoing]) -> None:
        for record in records:
            if record.topic == "actions":
                action = Action.model_validate_json(record.value)
                assert self.commands.setdefault(action.action_id, action) == action
            if record.topic == "stock-adjustments":
                each = StockAdjustment.model_validate_json(record.value)
                assert self.by_id.setdefault(each.adjustment_id, each) == each

    def close(self) -> None:
        pass


class StockMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.ledger = SqliteLedger(Path(":memory:"), "g")
        self.topic = Topic()
        self.now = T0
        self.events = 0
        self.revisions = dict.fromkeys(ALERTS, 0)
        self.records: list[Record] = []
        self.is_dry_run = self.is_asked = False
        self.approved_at: dict[str, datetime] = {}
        self.refused_at: dict[str, datetime] = {}
        self.reported: set[str] = set()
        self.answered: set[str] = set()

    # What arrives.

    @initialize(on_hand=st.integers(4, 25))
    def both_items_are_known(self, on_hand: int) -> None:
        for item in ITEMS:
            fields = {"type": "level", "on_hand": on_hand}
            self.event("stock", item, fields, None)

    @rule(name=st.sampled_from(ALERTS), held=lines, status=statuses, crash=crash_points)
    def an_alert_is_revised(
        self, name: str, held: list[tuple[str, str, int, str]], status: str, crash: int | None
    ) -> None:
        self.revise(name, held, status, crash)

    @rule(
        item=st.sampled_from(ITEMS),
        on_hand=st.integers(0, 25),
        paid=st.integers(0, 4),
        mode=st.sampled_from(["order"] * 7 + ["payment"]),
        crash=crash_points,
    )
    def stock_is_read(
        self, item: str, on_hand: int, paid: int, mode: str, crash: int | None
    ) -> None:
        fields = {"type": "level", "on_hand": on_hand, "paid_reserved": paid, "deduct_mode": mode}
        self.event("stock", item, fields, crash)

    @rule(item=st.sampled_from(ITEMS), supported=st.sampled_from([None, False, False, False, True]))
    def a_listing_changes(self, item: str, supported: bool | None) -> None:
        fields = {"type": "changed", "deduct_on_payment_supported": supported}
        self.event("listings", item, fields, None)

    @precondition(lambda self: self.topic.by_id)
    @rule(data=st.data(), on_hand=st.integers(0, 25), crash=crash_points)
    def an_adjustment_is_carried_out(
        self, data: st.DataObject, on_hand: int, crash: int | None
    ) -> None:
        each = self.topic.by_id[data.draw(st.sampled_from(sorted(self.topic.by_id)))]
        fields = {
            "type": "adjusted",
            "adjustment_id": each.adjustment_id,
            "delta": each.delta,
            "on_hand": on_hand,
        }
        self.reported.add(each.adjustment_id)
        self.event("stock", each.item_id, fields, crash)

    @precondition(lambda self: self.topic.by_id)
    @rule(
        data=st.data(),
        status=st.sampled_from(["done", "refused", "failed", "dry_run"]),
        crash=crash_points,
    )
    def a_result_is_told(self, data: st.DataObject, status: str, crash: int | None) -> None:
        self.events += 1
        body = {
            "action_id": data.draw(st.sampled_from([*sorted(self.topic.by_id), "foreign"])),
            "status": status,
            "finished_at": self.now.isoformat(),
            "message": "",
        }
        self.answered.add(body["action_id"])
        record = Record("action-results", 0, self.events, None, json.dumps(body).encode())
        self.records.append(record)
        self.feed(record, crash)

    @rule(
        name=st.sampled_from(ALERTS),
        word=st.sampled_from(["approve", "approve", "refuse"]),
        late_h=st.sampled_from([0, 0, 0, 2, 30]),
        is_recalled=st.booleans(),
        crash=crash_points,
    )
    def a_person_says_a_word(
        self, name: str, word: str, late_h: int, is_recalled: bool, crash: int | None
    ) -> None:
        self.events += 1
        at = self.now - timedelta(hours=late_h)
        body = {
            "control_id": f"c{self.events}",
            "command": f"stock_{word}",
            "value": (alert_id := make_alert(name, orders=0).alert_id),
            "at": at.isoformat(),
        }
        said = self.refused_at if word == "refuse" else self.approved_at
        said[name] = max(at, said.get(name, at))
        record = Record("control", 0, self.events, None, json.dumps(body).encode())
        self.records.append(record)
        store = Store(self.ledger.connection)
        if is_recalled:
            # It came while the service was down, and the start looks at the log first.
            recall(store, [(record.value or b"", record.offset)], self.now)
        self.feed(record, crash)
        if word == "refuse":
            mode = MODES[self.is_dry_run, self.is_asked]
            limits = limits_of(mode, store, self.now.timestamp())
            stands = [e for e in store.claimed_by(alert_id) if e.applied]
            assert not any(limits.is_refused(entry.claims) for entry in stands)

    @rule(is_asked=st.booleans())
    def a_person_is_asked_from_now_on(self, is_asked: bool) -> None:
        self.is_asked = is_asked

    @precondition(lambda self: self.records)
    @rule(data=st.data(), crash=crash_points)
    def a_record_comes_again(self, data: st.DataObject, crash: int | None) -> None:
        self.feed(data.draw(st.sampled_from(self.records)), crash)

    @rule(is_on=st.sampled_from([False, False, True]))
    def the_kill_switch_is_moved(self, is_on: bool) -> None:
        self.events += 1
        body = {
            "control_id": f"c{self.events}",
            "command": "stock_kill_switch",
            "value": "on" if is_on else "off",
            "at": self.now.isoformat(),
        }
        self.feed(Record("control", 0, self.events, None, json.dumps(body).encode()), None)

    @rule(is_dry_run=st.booleans())
    def the_mode_is_changed(self, is_dry_run: bool) -> None:
        self.is_dry_run = is_dry_run

    @rule(hours=st.integers(1, 12), crash=crash_points)
    def time_passes(self, hours: int, crash: int | None) -> None:
        self.now += timedelta(hours=hours)
        self.surviving(crash, self.keep_up)

    # How it is done.

    def revise(
        self, name: str, held: list[tuple[str, str, int, str]], status: str, crash: int | None
    ) -> None:
        self.revisions[name] += 1
        alert = make_alert(
            name,
            orders=0,
            revision=self.revisions[name],
            change="updated" if status == "open" else status,
            status=status,
            opened_at=self.now,
            updated_at=self.now,
            held_units=[
                HeldUnits(item_id=i, order_id=o, units=u, state=s)  # type: ignore[arg-type]
                for i, o, u, s in held
            ],
        )
        self.events += 1
        body = envelope(alert).model_dump_json().encode()
        record = Record("alerts", 0, self.events, None, body)
        self.records.append(record)
        self.feed(record, crash)

    def event(self, topic: str, item: str, fields: dict[str, Any], crash: int | None) -> None:
        self.events += 1
        body = {
            "event_id": f"e{self.events}",
            "schema_version": 1,
            "occurred_at": self.now.isoformat(),
            "shop_id": "shop1",
            "item_id": item,
            **fields,
        }
        record = Record(topic, 0, self.events, None, json.dumps(body).encode())
        self.records.append(record)
        self.feed(record, crash)

    def feed(self, record: Record, crash: int | None) -> None:
        def apply(store: Store) -> None:
            desk = StockDesk(
                MODES[self.is_dry_run, self.is_asked], self.ledger, METRICS, self.now.timestamp
            )
            desk._store = store
            decisions = desk.apply(record)
            if self.is_asked and any(each.kind == "top_up" for each in decisions):
                assert self.is_dry_run or self.is_approved(), "topped up without a person"

        self.surviving(crash, apply)

    def is_approved(self) -> bool:
        """Whether some alert was approved within a day, and not refused since."""
        day = timedelta(hours=24)
        return any(
            self.now - at < day and self.refused_at.get(name, T0 - day) < at
            for name, at in self.approved_at.items()
        )

    def keep_up(self, store: Store) -> None:
        connection = self.ledger.connection
        clock = self.now.timestamp
        upkeep = Upkeep(
            MODES[self.is_dry_run, self.is_asked], connection, self.topic, METRICS, clock
        )
        upkeep._store = store
        while upkeep.step() == 0.0:
            pass

    def surviving(self, crash: int | None, work: Callable[[Store], None]) -> None:
        """Do the work; when power is lost on the way, start again as Kafka would have it."""
        if crash is not None:
            try:
                work(CrashingStore(self.ledger.connection, crash))
            except PowerCutError:
                assert not self.ledger.connection.in_transaction
            # A crash after the work and before the commit of the offset brings it once more.
        work(Store(self.ledger.connection))

    # What must hold.

    @invariant()
    def the_published_decisions_add_up(self) -> None:
        self.keep_up(Store(self.ledger.connection))
        sums: dict[tuple[str, str], int] = defaultdict(int)
        on_item: dict[str, int] = defaultdict(int)
        mode: dict[tuple[str, str], bool] = {}
        given: dict[tuple[str, str], str] = {}
        top_ups: list[StockAdjustment] = []
        for each in self.topic.by_id.values():
            key = (each.item_id, each.order_id)
            if each.kind == "top_up":
                assert each.delta > 0
                assert sums[key] == 0, "topped up twice"
                assert each.physical is not None
                assert each.paid_reserved is not None
                assert on_item[each.item_id] + each.delta <= each.physical - each.paid_reserved
                mode[key] = each.is_dry_run
                given[key] = each.adjustment_id
                top_ups.append(each)
                self.budgets_hold(top_ups)
                assert each.adjustment_id in self.topic.commands
            elif each.kind == "reverse":
                assert each.delta == -sums[key] < 0, "more or less taken back than given"
                assert each.is_dry_run == mode[key]
                # What never happened is not taken back, and all else is: whatever results said, what
                # stock shows has happened.
                is_asked_for = each.adjustment_id in self.topic.commands
                is_given = not each.reason.startswith("top_up_") or given[key] in self.reported
                # Of what somebody has answered for nobody asks after all.
                is_settled = each.adjustment_id in self.reported | self.answered
                assert is_asked_for == is_given or is_settled
            else:
                assert each.delta == 0
            sums[key] += each.delta
            on_item[each.item_id] += each.delta

    def budgets_hold(self, top_ups: list[StockAdjustment]) -> None:
        newest = top_ups[-1]
        recent = [
            each for each in top_ups if each.decided_at > newest.decided_at - timedelta(hours=24)
        ]
        assert sum(each.delta for each in recent) <= SHOP_BUDGET
        assert sum(e.delta for e in recent if e.item_id == newest.item_id) <= ITEM_BUDGET

    def teardown(self) -> None:
        for name in ALERTS:
            self.revise(name, [], "resolved", None)
        self.the_published_decisions_add_up()
        sums: dict[tuple[str, str], int] = defaultdict(int)
        for each in self.topic.by_id.values():
            sums[each.item_id, each.order_id] += each.delta
        assert not any(sums.values()), "an episode is over and its net is not zero"
        self.ledger.close()


StockMachine.TestCase.settings = settings(
    max_examples=200,
    stateful_step_count=30,
    suppress_health_check=[HealthCheck.too_slow],
)
TestStock = StockMachine.TestCase
