"""Top-ups of stock that wait for a person are seen and answered in the inbox.

A real ledger stands beside a real inbox. Records go from one to the other by hand, so that either may be
down, late or told twice.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from schemas.alerts import Alert, HeldUnits
from schemas.outputs import Control
from streams.inbox import approvals
from streams.inbox.desk import Outcome
from streams.inbox.intake import RefusedRecord, read_decision
from streams.inbox.models import AuditRow, DecisionRow
from streams.inbox.workflow import State, StepRequest
from tests.factories import alert_id, envelope, make_alert, make_decision
from tests.inbox import NOW, Clock, Inbox, Served, inbox_in, position
from tests.unit.test_inbox_store import plan_of
from tests.unit.test_inbox_web import ONE, TOKEN, Operator
from tests.unit.test_stock_decisions import ITEM, Shop, said

Held = dict[str, tuple[int, str]]
TWO: Held = {"o1": (3, "held"), "o2": (2, "held")}


def burst(held: Held = TWO, key: str = "1", item: str = ITEM, **fields: Any) -> Alert:
    lines = [
        HeldUnits(item_id=item, order_id=order, units=units, state=state)  # type: ignore[arg-type]
        for order, (units, state) in held.items()
    ]
    return make_alert(key, orders=0, held_units=lines, **fields)


class Night:
    """An inbox and a stock service, outside a dry run, that hear of each other when somebody carries it."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.inbox = Inbox(engine)
        self.shop = Shop(folder / "stock.db", stock_approval=True)
        self.shop.now = NOW.timestamp()
        self.shop.reading(on_hand=100)
        self.is_unanswered = False

    def forward(self, **delta: float) -> None:
        self.inbox.clock.forward(**delta)
        self.shop.now = self.inbox.clock().timestamp()

    def alert(self, alert: Alert) -> list[str]:
        """An alert that both hear of, and then the inbox what the ledger says; what that is."""
        self.inbox.add(alert)
        decisions = self.shop.apply("alerts", envelope(alert).model_dump_json().encode())
        self.to_inbox()
        return said(decisions)

    def to_inbox(self) -> None:
        """All that the ledger ever said, once more."""
        self.inbox.store.apply(list(self.shop.published()))

    def to_shop(self) -> list[str]:
        """What waits in the outbox of the inbox, twice; what the ledger says to it, which the inbox hears."""
        rows = self.inbox.outbox.waiting("control")
        self.inbox.outbox.mark_sent(rows)
        decided = [
            line
            for row in [*rows, *rows]
            for line in said(self.shop.apply("control", row.record.value))
        ]
        self.to_inbox()
        return decided

    def say(self, word: str, key: str = "1", version: int | None = None, **fields: Any) -> Outcome:
        detail = self.inbox.store.detail(alert_id(key))
        assert detail is not None
        request = {"by": "李雷", "request_id": f"{word}-{detail.row.case.version}-{key}", **fields}
        version = detail.row.case.version if version is None else version
        return self.inbox.desk.perform(
            StepRequest(alert_id=alert_id(key), step=word, version=version, **request)  # type: ignore[arg-type]
        )

    def shown(self, key: str = "1") -> list[str]:
        """The lines of the page: reason, units, orders; what can be said."""
        detail = self.inbox.store.detail(alert_id(key))
        assert detail is not None
        (row,) = self.inbox.store.rows_of([alert_id(key)])
        alert = Alert.model_validate(json.loads(row.body)["data"])
        state = State(detail.row.case.state)
        now = self.inbox.clock()
        found = approvals.approval(self.inbox.engine, alert, state, detail.audit, now)
        lines = [f"{line.reason} {line.units} {' '.join(line.orders)}" for line in found.lines]
        is_listed = alert_id(key) in approvals.waiting(self.inbox.engine, [alert], now)
        assert is_listed == any(line.is_asked for line in found.lines)
        self.is_unanswered = found.is_unanswered
        buttons = {"approve": found.can_approve, "refuse": found.can_refuse}
        return [*lines, *(name for name, there in buttons.items() if there)]

    def audited(self, key: str = "1") -> list[AuditRow]:
        detail = self.inbox.store.detail(alert_id(key))
        assert detail is not None
        return list(detail.audit)


@pytest.fixture
def night(engine: Engine, tmp_path: Path) -> Iterator[Night]:
    night = Night(engine, tmp_path)
    yield night
    night.shop.close()


WAITS = ["needs_approval 5 o1 o2", "approve", "refuse"]
WENT = ["held_unpaid 5 o1 o2", "refuse"]
BACK = ["approval_refused 5 o1 o2", "approve"]
TOPPED_UP = ["o1 top_up held_unpaid 3", "o2 top_up held_unpaid 2"]


def test_what_waits_is_shown_and_goes_once_it_is_approved(night: Night) -> None:
    night.alert(burst())
    assert night.shown() == WAITS
    assert night.say("approve").kind == "done"
    assert night.to_shop() == TOPPED_UP
    assert night.shown() == WENT
    assert [each.parameters["delta"] for each in night.shop.commands()] == [3, 2]


def test_what_is_refused_waits_no_longer_and_can_be_approved_later(night: Night) -> None:
    night.alert(burst())
    assert night.say("refuse").kind == "done"
    refused = ["o1 none approval_refused 0", "o2 none approval_refused 0"]
    assert night.to_shop() == refused
    assert night.shown() == BACK
    night.forward(minutes=1)
    assert night.say("approve").kind == "done"
    assert night.to_shop() == TOPPED_UP


def test_who_approved_in_error_takes_it_back(night: Night) -> None:
    night.alert(burst())
    night.say("approve")
    night.to_shop()
    night.forward(minutes=1)
    assert night.say("refuse").kind == "done"
    night.to_shop()
    assert night.shown() == BACK
    assert sum(int(each.parameters["delta"]) for each in night.shop.commands()) == 0


def test_both_words_that_were_said_while_kafka_was_away_end_as_the_last_one(night: Night) -> None:
    night.alert(burst())
    night.say("approve")
    night.forward(minutes=1)
    # The ledger has not answered, so it still waits.
    assert night.shown() == WAITS
    assert night.say("refuse").kind == "done"
    night.forward(hours=1)
    night.to_shop()
    assert night.shown() == BACK
    assert sum(int(each.parameters["delta"]) for each in night.shop.commands()) == 0


def test_the_step_is_audited_with_what_it_was_about_and_takes_the_alert(night: Night) -> None:
    night.alert(burst())
    night.say("approve")
    took, approved = night.audited()
    assert (took.step, took.to_state, took.by) == ("take", "IN_PROGRESS", "李雷")
    assert (approved.step, approved.by, approved.at) == ("approve", "李雷", NOW)
    assert json.loads(approved.detail) == {"units": 5, "orders": 2}


def test_the_page_says_when_the_ledger_has_not_answered(night: Night) -> None:
    night.alert(burst())
    seen = []
    for word in ("approve", "refuse", "approve"):
        night.forward(minutes=1)
        night.say(word)
        night.shown()
        seen.append(night.is_unanswered)
        night.to_shop()
        night.shown()
        seen.append(night.is_unanswered)
    assert seen == [True, False] * 3


def test_an_approval_that_has_ended_needs_no_answer(night: Night) -> None:
    night.alert(burst())
    night.say("approve")
    night.forward(hours=24)
    assert (night.shown(), night.is_unanswered) == (WAITS, False)


def test_a_double_click_is_one_step_and_one_command(night: Night) -> None:
    night.alert(burst())
    outcomes: list[str] = []
    barrier = threading.Barrier(2)

    def click() -> None:
        barrier.wait(timeout=10)
        outcomes.append(night.say("approve", version=1, request_id="the-same-click").kind)

    threads = [threading.Thread(target=click) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["done", "repeated"]
    assert len(night.inbox.outbox.waiting("control")) == 1
    assert [step.step for step in night.audited()] == ["take", "approve"]


def test_of_two_people_the_slower_one_is_told(night: Night) -> None:
    night.alert(burst())
    night.say("approve", version=1)
    assert night.say("refuse", version=1, by="韩梅梅", request_id="the-other").kind == "conflict"
    assert night.to_shop() == TOPPED_UP


def test_the_command_is_what_the_command_line_would_send(night: Night) -> None:
    night.alert(burst())
    night.say("approve")
    (row,) = night.inbox.outbox.waiting("control")
    assert (row.record.topic, row.record.key) == ("control", "stock_approve")
    control = Control.model_validate_json(row.record.value)
    assert (control.command, control.value, control.at) == ("stock_approve", alert_id("1"), NOW)
    # Who said it stays in the inbox.
    assert "李雷" not in row.record.value.decode()


@pytest.mark.parametrize(
    "end",
    [
        {"held": {"o1": (3, "paid"), "o2": (2, "closed")}},
        {"status": "resolved", "change": "resolved"},
        {"suppressed_by": "allow"},
    ],
)
def test_what_was_paid_or_closed_or_has_ended_waits_no_longer(
    night: Night, end: dict[str, Any]
) -> None:
    night.alert(burst())
    night.say("take")
    # The ledger says nothing about it.
    assert night.alert(burst(revision=2, **{"change": "updated", **end})) == []
    assert night.shown() == []
    assert night.say("approve").reason == "nothing_waits"
    assert night.say("refuse", request_id="refuse-later").reason == "nothing_waits"
    assert night.inbox.outbox.waiting("control") == []


@pytest.mark.parametrize(
    "end",
    [
        {"held": {"o1": (3, "paid"), "o2": (2, "closed")}},
        {"status": "resolved", "change": "resolved"},
        None,
    ],
)
def test_what_a_refusal_took_back_is_shown_but_offered_only_while_it_is_held(
    night: Night, end: dict[str, Any] | None
) -> None:
    night.alert(burst())
    night.say("approve")
    night.to_shop()
    night.say("refuse")
    (row,) = night.inbox.outbox.waiting("control")
    night.inbox.outbox.mark_sent([row])
    # Once, as it comes mostly: what was taken back is then the last that the ledger says.
    night.shop.apply("control", row.record.value)
    night.to_inbox()
    assert night.shown() == BACK
    if end is None:
        night.forward(days=3)
    else:
        assert night.alert(burst(revision=2, **{"change": "updated", **end})) == []
    assert night.shown() == ["approval_refused 5 o1 o2"]
    assert night.say("approve").reason == "nothing_waits"


def test_what_was_taken_back_for_want_of_stock_can_be_stopped_before_it_goes_again(
    night: Night,
) -> None:
    night.alert(burst())
    night.say("approve")
    night.to_shop()
    night.shop.reading(on_hand=0)
    night.to_inbox()
    assert night.shown() == ["stock_shrank 5 o1 o2", "refuse"]
    assert night.say("refuse").kind == "done"
    night.to_shop()
    night.shop.reading(on_hand=100)
    night.to_inbox()
    assert night.shown() == BACK


def test_what_could_not_be_taken_back_is_shown_though_the_order_is_held_no_more(
    night: Night,
) -> None:
    night.alert(burst())
    night.say("approve")
    night.to_shop()
    night.alert(burst({"o1": (3, "paid"), "o2": (2, "closed")}, revision=2, change="updated"))
    assert night.shown() == ["order_closed 2 o2", "order_paid 3 o1"]
    for action in night.shop.commands()[2:]:
        assert night.shop.result(action.action_id, "failed") != []
    night.to_inbox()
    assert night.shown() == ["reverse_failed 5 o1 o2"]


def test_what_did_not_happen_is_offered_no_more_also_where_it_was_taken_back_before_that_was_known(
    night: Night,
) -> None:
    night.alert(burst())
    night.say("approve")
    night.to_shop()
    gone = night.shop.commands()
    night.forward(minutes=1)
    night.say("refuse")
    night.to_shop()
    for action in gone:
        night.shop.result(action.action_id, "failed")
    night.to_inbox()
    assert night.shown() == ["top_up_failed 5 o1 o2"]


def test_what_the_platform_closes_is_offered_until_then(night: Night) -> None:
    night.alert(burst())
    night.forward(days=2, hours=23, minutes=54)
    assert night.shown() == WAITS
    night.forward(minutes=1)
    assert night.shown() == []
    assert night.say("approve").reason == "nothing_waits"


def test_an_approval_that_comes_too_late_tops_up_nothing(night: Night) -> None:
    night.alert(burst())
    night.say("approve")
    night.shop.alert(2, name="1", held={"o1": (3, "paid"), "o2": (2, "held")})
    night.forward(days=3)
    assert night.to_shop() == []
    assert night.shop.commands() == []


def test_the_kill_switch_wins_and_the_page_says_so(night: Night) -> None:
    night.alert(burst())
    night.shop.switch("on")
    night.say("approve")
    assert night.to_shop() == ["o1 none kill_switch 0", "o2 none kill_switch 0"]
    assert night.shown() == ["kill_switch 5 o1 o2", "refuse"]


def test_budgets_hold_and_the_page_says_so(night: Night) -> None:
    night.shop.configure(stock_approval=True, stock_item_budget_units=4)
    night.alert(burst())
    night.say("approve")
    night.to_shop()
    assert night.shown() == ["item_budget 2 o2", "held_unpaid 3 o1", "refuse"]


def test_in_a_dry_run_nothing_waits_and_the_page_says_that_it_is_a_rehearsal(night: Night) -> None:
    night.shop.configure(stock_dry_run=True, stock_approval=True)
    night.alert(burst())
    assert night.shown() == WENT
    assert night.say("approve").reason == "nothing_waits"
    with night.inbox.engine.connect() as connection:
        assert set(connection.scalars(select(DecisionRow.is_dry_run))) == {True}


def test_an_order_that_two_alerts_name_waits_on_both_until_one_is_approved(night: Night) -> None:
    night.alert(burst())
    night.alert(burst({"o2": (2, "held")}, key="2", buyer="b43"))
    assert night.shown("2") == ["needs_approval 2 o2", "approve", "refuse"]
    night.say("approve", "2")
    assert night.to_shop() == ["o2 top_up held_unpaid 2"]
    assert night.shown("2") == ["held_unpaid 2 o2", "refuse"]
    assert night.shown("1") == ["needs_approval 3 o1", "held_unpaid 2 o2", "approve", "refuse"]


@pytest.mark.parametrize("other", [{"shop_id": "shop2"}, {"item_id": "other"}, {"order_id": "o9"}])
def test_a_decision_about_another_shop_item_or_order_offers_nothing(
    night: Night, other: dict[str, str]
) -> None:
    night.inbox.add(burst())
    went = {"adjustment_id": "went", "kind": "top_up", "reason": "held_unpaid", "delta": 3}
    for fields in ({}, went):
        night.inbox.store.apply([make_decision(**fields).model_copy(update=other)])
        assert night.shown() == []
    assert night.say("approve").reason == "nothing_waits"


def test_a_record_that_claims_that_something_waits_moves_no_stock(night: Night) -> None:
    night.shop.configure(stock_dry_run=True, stock_approval=True)
    night.alert(burst())
    forged = [make_decision(order, adjustment_id=f"forged-{order}") for order in TWO]
    night.inbox.store.apply(list(forged))
    assert night.shown() == WAITS
    night.say("approve")
    assert night.to_shop() == []
    assert {each.is_dry_run for each in night.shop.commands()} == {True}


def test_a_decision_that_is_told_again_is_not_the_last_one(night: Night) -> None:
    night.alert(burst())
    night.say("approve")
    night.to_shop()
    waited, *_ = night.shop.published()
    assert waited.reason == "needs_approval"
    told = night.inbox.store.apply([waited, waited])
    assert (told.decided, night.shown()) == (0, WENT)


def test_a_ledger_that_does_not_say_until_when_is_not_waited_for(night: Night) -> None:
    night.inbox.add(burst())
    night.inbox.store.apply([make_decision(closes_at=None)])
    assert night.shown() == []


def test_a_handled_alert_offers_no_word(night: Night) -> None:
    night.alert(burst())
    night.inbox.handle("1")
    assert night.shown() == ["needs_approval 5 o1 o2"]
    assert night.say("approve").reason == "not_from_this_state"


def test_open_pages_hear_of_a_decision(night: Night) -> None:
    night.inbox.add(burst())
    before = night.inbox.store.version()
    night.inbox.store.apply([make_decision()])
    assert night.inbox.store.version() != before


WRONG = [
    (None, "empty"),
    (b"{}", "not_a_decision"),
    (b"\xff", "not_a_decision"),
    (
        make_decision(decided_at="0001-01-01T00:00:00+14:00").model_dump_json().encode(),
        "out_of_range",
    ),
    (
        make_decision(closes_at="9999-12-31T23:59:59-14:00").model_dump_json().encode(),
        "out_of_range",
    ),
]


@pytest.mark.parametrize(("value", "reason"), WRONG)
def test_what_is_no_decision_is_kept_with_its_reason(value: bytes | None, reason: str) -> None:
    refused = read_decision(position(), value)
    assert isinstance(refused, RefusedRecord)
    assert refused.reason == reason


def test_a_decision_with_anything_in_it_fits_the_database(night: Night) -> None:
    odd = make_decision("o\x00", reason="r\x00" * 99, adjustment_id="a\x00", delta=-(10**9))
    night.inbox.add(burst({"o\x00": (3, "held")}))
    assert (
        night.inbox.store.apply([odd, odd.model_copy(update={"adjustment_id": "b"})]).decided == 2
    )
    assert night.inbox.store.apply([odd]).decided == 0
    assert night.shown()[0].startswith("r\N{REPLACEMENT CHARACTER}")


def test_old_decisions_are_deleted_but_the_last_one(night: Night) -> None:
    night.alert(burst())
    night.inbox.handle("1")
    night.inbox.clock.forward(days=402)
    assert night.inbox.prune() == {"alert": 1, "decision": 1}


def test_decisions_are_looked_up_and_never_read_through(tmp_path: Path) -> None:
    inbox_in(tmp_path / "inbox.db").dispose()
    for query in (approvals.last_of("shop1", ["o1", "o2"]), approvals.waiting_in({"shop1"}, NOW)):
        plan = plan_of(tmp_path, query)
        assert "SCAN stock_decisions" not in plan
        assert "ix_stock_decisions" in plan


# The pages.


@pytest.fixture
def operator(served: Served) -> Iterator[Operator]:
    operator = Operator(served)
    with closing(operator.http):
        yield operator


@pytest.fixture
def waiting(served: Served) -> Served:
    served.add(burst())
    served.store.apply([make_decision(order) for order in TWO])
    return served


def test_the_page_says_how_much_of_what_for_which_orders_and_until_when(
    waiting: Served, operator: Operator
) -> None:
    page = unescape(operator.http.get(ONE).text)
    for part in ("等待批准", "5件 · 2个订单", ITEM, "o1", "11-14 20:00", "批准补库存", "不批准"):
        assert part in page
    english = unescape(operator.http.get(f"{ONE}?lang=en").text)
    for part in ("Waits for a person", "5 units · orders: 2", "Approve the top-up", "Refuse it"):
        assert part in english


def test_the_list_says_which_alerts_wait(waiting: Served, operator: Operator) -> None:
    waiting.add(burst(key="2", buyer="b43", item="other"))
    assert operator.http.get("/?group=none").text.count("补库存待批准") == 1
    operator.step("approve")
    waiting.store.apply(
        [make_decision(o, reason="held_unpaid", kind="top_up", delta=1) for o in TWO]
    )
    assert "补库存待批准" not in operator.http.get("/").text


def test_the_form_approves_once_and_the_page_says_who_did(
    waiting: Served, operator: Operator
) -> None:
    hidden = operator.forms().forms[f"{ONE}/approve"]
    for _ in range(2):
        page = unescape(operator.http.post(f"{ONE}/approve", data=hidden).text)
    assert page.count("批准了补库存 <time") == 1
    assert "到11-12 20:05" in page
    assert page.count("批准了补库存 5件") == 1
    # Without an answer of the ledger it waits still, and may have to be said again.
    assert f"{ONE}/approve" in page


def test_the_words_need_the_form_of_the_page_and_a_session(waiting: Served) -> None:
    with closing(Operator(waiting).http) as http:
        assert http.post(f"{ONE}/approve", data={"version": "1"}).status_code == 403
    assert waiting.store.waiting_events()["control"] == 0


def test_nobody_approves_without_signing_in(tmp_path: Path) -> None:
    with Served(tmp_path, Clock(), token=TOKEN) as served:
        served.add(burst())
        served.store.apply([make_decision()])
        with closing(Operator(served).http) as http:
            fields = {"version": "1", "request_id": "12345678"}
            assert "登录" in http.post(f"{ONE}/approve", data=fields).text
            assert served.store.waiting_events()["control"] == 0
            wrong = {"authorization": "Bearer " + "x" * 16}
            http.post(f"{ONE}/approve", data=fields, headers=wrong)
            assert served.store.waiting_events()["control"] == 0
            right = {"authorization": f"Bearer {TOKEN}"}
            http.post(f"{ONE}/approve", data=fields, headers=right)
        assert served.store.waiting_events()["control"] == 1


def test_what_is_sent_again_from_an_old_page_is_refused_with_the_reason(
    waiting: Served, operator: Operator
) -> None:
    hidden = operator.forms().forms[f"{ONE}/approve"]
    waiting.add(burst(revision=2, status="resolved", change="resolved"))
    operator.http.post(f"{ONE}/take", data=hidden)
    assert waiting.store.waiting_events()["control"] == 0
    again = operator.http.post(f"{ONE}/approve", data={**hidden, "request_id": "another-one"})
    assert (again.status_code, "没有执行" in again.text) == (409, True)


def test_files_that_leave_the_console_say_nothing_of_it(
    waiting: Served, operator: Operator
) -> None:
    operator.step("approve")
    assert "补库存" not in operator.http.get(f"{ONE}/evidence").text
