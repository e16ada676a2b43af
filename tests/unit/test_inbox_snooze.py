"""An alert is set aside until later: out of the queue, back by itself, and in time for its deadlines."""

from __future__ import annotations

import json
import re
import threading
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, event, select, update

from schemas.alerts import Alert, Deadline, Text
from streams.detect.deadlines import Term
from streams.inbox.board import Board
from streams.inbox.casebook import OpenRequest
from streams.inbox.database import MIGRATIONS, upgrade
from streams.inbox.desk import Desk, Outcome
from streams.inbox.groups import causes_page
from streams.inbox.listing import Filter, all_query, ids_query, page_query, snoozed_tally, tally
from streams.inbox.models import AlertRow, CaseRow
from streams.inbox.recharges import count_waiting, waiting
from streams.inbox.snooze import Back, back, came_back, is_snoozed, later_of, offers
from streams.inbox.store import Store
from streams.inbox.timers import Timer, ms
from streams.inbox.workflow import Channel, Label, State, StepRequest
from tests.factories import alert_id, make_alert
from tests.inbox import NOW, Clock, Inbox, Served, default_rules, records, wait_until
from tests.shift import Shift
from tests.unit.test_inbox_recharges import top_up
from tests.unit.test_inbox_store import at_once, plan_of, waiting_for_locks

HOUR = timedelta(hours=1)
CHINA = ZoneInfo("Asia/Shanghai")
NEW_YORK = ZoneInfo("America/New_York")
ONE = f"/alerts/{alert_id('1')}"
QUEUE = Filter()
ASIDE = Filter(is_snoozed=True)


def at(said: str, zone: ZoneInfo = CHINA) -> datetime:
    return datetime.fromisoformat(said).replace(tzinfo=zone)


# --- what is offered, and until when it may be


@pytest.mark.parametrize(
    ("now", "offered"),
    [
        # A Wednesday: at two in the morning the next morning is that of the same day.
        ("2026-11-11T02:00", ["today 11-11", "tomorrow 11-12", "monday 11-16"]),
        ("2026-11-11T08:59", ["today 11-11", "tomorrow 11-12", "monday 11-16"]),
        ("2026-11-11T09:00", ["tomorrow 11-12", "monday 11-16"]),
        # Of a Sunday, tomorrow is Monday; of a Monday, the next one.
        ("2026-11-15T20:00", ["tomorrow 11-16"]),
        ("2026-11-16T00:00", ["today 11-16", "tomorrow 11-17", "monday 11-23"]),
    ],
)
def test_mornings_are_offered_by_the_clocks_of_the_shop(now: str, offered: list[str]) -> None:
    spans, days = offers(at(now), CHINA)[:2], offers(at(now), CHINA)[2:]
    assert [one.value for one in spans] == ["1h", "4h"]
    assert [f"{one.name} {one.value[5:]}" for one in days] == offered
    for one in days:
        assert one.at is not None
        assert one.at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M") == f"{one.value} 09:00"
        # Whatever is offered can be chosen.
        later = later_of(one.value)
        assert later is not None
        assert back(later, at(now), CHINA, ()) == Back(one.at)


@pytest.mark.parametrize(
    "text",
    ["", "2h", "1H", "9h", "0001-1-1", "2026-13-40", "20261112", "2026-W46-4", "٢٠٢٦-11-12", "now"],
)
def test_nothing_else_is_a_time(text: str) -> None:
    assert later_of(text) is None


def test_a_span_is_elapsed_time_and_a_morning_is_nine_by_the_clock_whatever_summer_does() -> None:
    # In that night New York's clocks go from two to three.
    evening = at("2026-03-07T23:00", NEW_YORK)
    morning = back(date(2026, 3, 8), evening, NEW_YORK, ())
    assert morning == Back(datetime(2026, 3, 8, 13, tzinfo=UTC))
    assert back(4 * HOUR, evening, NEW_YORK, ()) == Back(evening + 4 * HOUR)
    # In that one they go back: nine o'clock is eleven hours after eleven.
    evening = at("2026-10-31T23:00", NEW_YORK)
    morning = back(date(2026, 11, 1), evening, NEW_YORK, ())
    assert morning == Back(datetime(2026, 11, 1, 14, tzinfo=UTC))


@pytest.mark.parametrize(
    "day", ["2026-11-10", "2026-11-11", "2026-11-20", "2027-11-12", "0001-01-01", "9999-12-31"]
)
@pytest.mark.parametrize("zone", [CHINA, NEW_YORK])
def test_a_morning_that_is_past_or_far_ahead_cannot_be_chosen(day: str, zone: ZoneInfo) -> None:
    now = at("2026-11-11T20:05", zone)
    assert back(date.fromisoformat(day), now, zone, ()) == "not_ahead"


def deadline(
    code: str, last: timedelta, *, met: bool = False, remind: timedelta | None = None
) -> Timer:
    last_ms = ms(NOW + last)
    remind_ms = (ms(NOW + remind),) if remind is not None else ()
    term = Term(code, ms(NOW - HOUR), (*remind_ms, last_ms)[0], last_ms, remind_ms)
    return Timer(term._replace(met_ms=ms(NOW)) if met else term, Text(zh="x", en="x"))


@pytest.mark.parametrize(
    ("timer", "expected"),
    [
        # A reminder is when somebody wants to see it.
        (deadline("T03", 9 * HOUR, remind=2 * HOUR), Back(NOW + 2 * HOUR, "T03")),
        # Without one ahead, an hour is left.
        (deadline("T03", 3 * HOUR, remind=-HOUR), Back(NOW + 2 * HOUR, "T03")),
        (deadline("T01", 3 * HOUR), Back(NOW + 2 * HOUR, "T01")),
        # To call again is a promise to ourselves, and no work is to be done before.
        (deadline("T10", 2 * HOUR, remind=HOUR), Back(NOW + 2 * HOUR, "T10")),
        (deadline("T03", 5 * HOUR), Back(NOW + 4 * HOUR)),
        (deadline("T03", HOUR), "deadline_first"),
        (deadline("T03", HOUR / 2, remind=HOUR / 4), "deadline_first"),
        # These hide nothing: it is met, it is over, and somebody is looking.
        (deadline("T03", HOUR, met=True), Back(NOW + 4 * HOUR)),
        (deadline("T03", -HOUR), Back(NOW + 4 * HOUR)),
        (deadline("T09", HOUR / 2), Back(NOW + 4 * HOUR)),
    ],
)
def test_it_is_back_in_time_for_a_deadline(timer: Timer, expected: object) -> None:
    far = deadline("T04", timedelta(days=30))
    assert back(4 * HOUR, NOW, CHINA, [far, timer]) == expected
    assert back(4 * HOUR, NOW, CHINA, [timer, far]) == expected


def test_a_clock_that_was_wrong_hides_nothing() -> None:
    until = NOW + HOUR
    assert is_snoozed(until, NOW)
    assert not is_snoozed(until, until)
    assert not is_snoozed(None, NOW)
    # Set back by a year since, or a year ahead when somebody chose.
    assert not is_snoozed(until, NOW - timedelta(days=365))


# --- in the database


@pytest.fixture
def inbox(engine: Engine) -> Inbox:
    return Inbox(engine)


def snooze(inbox: Inbox, key: str = "1", until: str = "1h", **fields: Any) -> Outcome:
    detail = inbox.store.detail(alert_id(key))
    assert detail is not None
    version = detail.row.case.version
    fields = {"by": "李雷", "request_id": f"snooze-{key}-{version}", "version": version, **fields}
    return inbox.desk.perform(StepRequest(alert_id(key), "snooze", later=later_of(until), **fields))


def ids(inbox: Inbox, wanted: Filter = QUEUE) -> set[str]:
    """The keys of the alerts of a list, as rows and as groups."""
    keys = {alert_id(str(n)): str(n) for n in range(30)}
    found = {keys[row.alert_id] for row in inbox.store.page(wanted).rows}
    if wanted.is_grouped:
        listing, _ = inbox.store.grouped(wanted)
        assert listing.total == len(found)
    return found


def case(inbox: Inbox, key: str = "1") -> CaseRow:
    detail = inbox.store.detail(alert_id(key))
    assert detail is not None
    return detail.row.case


def audit(inbox: Inbox, key: str = "1") -> list[tuple[str, str, dict[str, str]]]:
    detail = inbox.store.detail(alert_id(key))
    assert detail is not None
    return [(row.step, row.by, json.loads(row.detail)) for row in detail.audit]


def is_marked(inbox: Inbox, key: str = "1") -> bool:
    one = case(inbox, key)
    return came_back(one.snoozed_until, one.updated_at, inbox.clock())


def of(code: str, due_at: datetime) -> Deadline:
    return Deadline(code=code, due_at=due_at, text=Text(zh="x", en="x"))


def quiet(key: str = "1", *deadlines: Deadline, **fields: Any) -> Alert:
    return make_alert(key, **{"deadlines": list(deadlines), **fields})


def test_setting_aside_asks_once_of_which_shop_it_is(inbox: Inbox) -> None:
    inbox.add(quiet())
    version = case(inbox).version
    asked: list[str] = []
    event.listen(inbox.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    step = StepRequest(
        alert_id("1"), "snooze", by="李雷", request_id="once", version=version, later=HOUR
    )
    assert inbox.desk.perform(step) == Outcome("done")
    assert sum("alerts.shop_id" in question for question in asked) == 1


def test_it_leaves_the_queue_and_comes_back_by_itself_marked(inbox: Inbox) -> None:
    inbox.add(quiet("1"), quiet("2", severity="critical"))
    assert snooze(inbox, "2") == Outcome("done")
    assert (ids(inbox), ids(inbox, ASIDE)) == ({"1"}, {"2"})
    assert inbox.store.unhandled() == {"critical": 0, "warn": 1, "info": 0}
    assert inbox.store.snoozed() == {"critical": 1, "warn": 0, "info": 0}
    assert [
        inbox.store.page(one).snoozed for one in (Filter(), ASIDE, Filter(is_handled=True))
    ] == [1] * 3
    assert inbox.store.grouped(Filter())[0].snoozed == 1
    assert inbox.store.page(Filter(severity="warn")).snoozed == 0
    assert not is_marked(inbox, "2")
    until = NOW + HOUR
    assert (case(inbox, "2").snoozed_until, case(inbox, "2").snoozed_by) == (until, "李雷")
    assert audit(inbox, "2") == [("snooze", "李雷", {"until": until.isoformat()})]
    assert case(inbox, "2").state == State.NEW
    inbox.clock.at = until - timedelta(microseconds=1)
    assert ids(inbox) == {"1"}
    inbox.clock.at = until
    # Another process, after a restart.
    assert {row.alert_id for row in Store(inbox.engine, inbox.clock).page(Filter()).rows} == {
        alert_id("1"),
        alert_id("2"),
    }
    assert (ids(inbox), ids(inbox, ASIDE)) == ({"1", "2"}, set())
    assert inbox.store.unhandled() == {"critical": 1, "warn": 1, "info": 0}
    assert is_marked(inbox, "2") and not is_marked(inbox, "1")
    # The mark is for whoever sees it first.
    inbox.clock.forward(minutes=1)
    inbox.steps("2", "take")
    assert not is_marked(inbox, "2")


def test_open_pages_notice_that_one_is_back_and_nothing_else(inbox: Inbox) -> None:
    inbox.add(quiet("1"), quiet("2"))
    snooze(inbox, "1")
    snooze(inbox, "2", "4h")
    words = []
    for hours in (0, 0.5, 1, 2, 4, 9):
        inbox.clock.at = NOW + hours * HOUR
        words.append(inbox.store.version())
    assert words[0] == words[1] != words[2] == words[3] != words[4] == words[5]
    # Of the two that are back one is taken and the other is set aside again: two more changes.
    inbox.steps("2", "take")
    words.append(inbox.store.version())
    snooze(inbox, "1")
    words.append(inbox.store.version())
    assert len(set(words)) == 5


def test_a_clock_set_back_by_a_year_shows_what_was_set_aside(inbox: Inbox) -> None:
    inbox.add(quiet())
    snooze(inbox)
    inbox.clock.forward(days=-365)
    assert ids(inbox) == {"1"}
    assert inbox.store.unhandled()["warn"] == 1


def test_what_gets_more_severe_comes_back_at_once(inbox: Inbox) -> None:
    inbox.add(quiet())
    snooze(inbox, until="4h")
    inbox.clock.forward(minutes=10)
    inbox.add(quiet(revision=2, change="updated", severity="warn"))
    assert ids(inbox) == set()
    inbox.clock.forward(minutes=10)
    before = inbox.store.version()
    inbox.add(quiet(revision=3, change="escalated", severity="critical"))
    assert ids(inbox) == {"1"} and is_marked(inbox)
    assert audit(inbox)[1:] == [("wake", "orderwatch", {"why": "severity"})]
    assert inbox.store.version() != before
    # Whoever looked at it before has not seen that.
    assert case(inbox).version == 3
    # Set aside again, it stays so whatever less severe comes.
    snooze(inbox, until="4h")
    inbox.add(quiet(revision=4, change="updated", severity="warn"))
    assert ids(inbox) == set()


@pytest.mark.parametrize(
    ("deadlines", "is_back"),
    [
        ([("T03", 2 * HOUR)], True),
        # One more of those that it has, and sooner; later; another kind, however late.
        ([("T04", 24 * HOUR), ("T04", 20 * HOUR)], True),
        ([("T04", 24 * HOUR), ("T04", 30 * HOUR)], False),
        ([("T04", 30 * HOUR)], False),
        ([("T04", 24 * HOUR), ("T03", 40 * HOUR)], True),
        ([("T04", 24 * HOUR), ("T03", -HOUR)], False),
        ([], False),
    ],
)
def test_a_new_deadline_brings_it_back(
    inbox: Inbox, deadlines: list[tuple[str, timedelta]], is_back: bool
) -> None:
    inbox.add(quiet("1", of("T04", NOW + 24 * HOUR)))
    assert snooze(inbox, until="1h") == Outcome("done")
    said = [of(code, NOW + span) for code, span in deadlines]
    inbox.add(quiet("1", *said, revision=2, change="updated"))
    assert ids(inbox) == ({"1"} if is_back else set())
    told = [("wake", "orderwatch", {"why": "deadline"})] if is_back else []
    assert audit(inbox)[1:] == told


def test_it_cannot_be_set_aside_beyond_its_deadlines(inbox: Inbox) -> None:
    inbox.add(quiet("1", of("T03", NOW + 3 * HOUR), of("T04", NOW + 90 * 24 * HOUR)))
    # By the rules of that shop T03 is reminded of twelve hours before, so it has been.
    assert snooze(inbox, until="2026-11-12") == Outcome("done", is_sooner=True)
    until = NOW + 2 * HOUR
    assert case(inbox).snoozed_until == until
    assert audit(inbox) == [("snooze", "李雷", {"until": until.isoformat(), "deadline": "T03"})]
    inbox.clock.at = until
    assert ids(inbox) == {"1"}
    assert snooze(inbox) == Outcome("refused", "deadline_first")
    # Whoever wrote to the buyer has met it.
    inbox.steps("1", "take")
    inbox.steps("1", "contact", channel=Channel.PHONE, answered=True)
    assert snooze(inbox) == Outcome("done")


def test_deadlines_are_on_the_board_and_told_of_while_it_is_set_aside(inbox: Inbox) -> None:
    inbox.add(quiet("1", of("T04", NOW + timedelta(days=7) + 2 * HOUR), severity="info"))
    inbox.teller.tell()
    assert snooze(inbox, until="2026-11-12") == Outcome("done", is_sooner=True)
    inbox.clock.forward(hours=2)
    assert inbox.teller.tell() == 1
    assert ids(inbox) == {"1"}


def test_whoever_sets_it_aside_has_looked_at_it_until_it_is_back(inbox: Inbox) -> None:
    inbox.add(quiet(severity="critical"))
    inbox.clock.forward(minutes=40)

    def breached() -> bool:
        text = inbox.metrics.exposition().decode()
        return 'orderwatch_inbox_timers_breached{code="T09"} 1.0' in text

    assert breached()
    snooze(inbox)
    assert not breached()
    inbox.clock.forward(minutes=89)
    assert not breached()
    # Half an hour after it came back.
    inbox.clock.forward(minutes=1)
    assert breached()
    inbox.steps("1", "take")
    assert not breached()


def test_what_is_open_is_counted_whether_set_aside_or_not(inbox: Inbox) -> None:
    inbox.add(quiet("1"), quiet("2"))
    inbox.clock.forward(hours=1)
    snooze(inbox)
    text = inbox.metrics.exposition().decode()
    assert 'orderwatch_inbox_alerts_open{severity="warn"} 2.0' in text
    assert 'orderwatch_inbox_alerts_snoozed{severity="warn"} 1.0' in text
    assert "orderwatch_inbox_oldest_unhandled_seconds 3600.0" in text
    inbox.clock.forward(hours=1)
    text = inbox.metrics.exposition().decode()
    assert 'orderwatch_inbox_alerts_open{severity="warn"} 2.0' in text
    assert 'orderwatch_inbox_alerts_snoozed{severity="warn"} 0.0' in text


@pytest.mark.parametrize("status", ["resolved", "retracted", "expired"])
def test_what_ends_while_nobody_had_begun_is_handled_and_comes_back_only_if_it_opens_again(
    inbox: Inbox, status: Any
) -> None:
    inbox.add(quiet())
    snooze(inbox, until="4h")
    inbox.add(quiet(revision=2, change=status, status=status))
    assert ids(inbox) == ids(inbox, ASIDE) == set()
    assert ids(inbox, Filter(is_handled=True)) == {"1"}
    assert [step for step, *_ in audit(inbox)] == ["snooze", "follow"]
    inbox.clock.forward(minutes=1)
    inbox.add(quiet(revision=3, change="updated"))
    # Nobody has set aside that.
    assert ids(inbox) == {"1"}


def test_what_ends_in_somebodys_hands_waits_until_its_time(inbox: Inbox) -> None:
    inbox.add(quiet())
    inbox.steps("1", "take")
    snooze(inbox, until="4h")
    inbox.add(quiet(revision=2, change="resolved", status="resolved"))
    assert (ids(inbox), ids(inbox, ASIDE)) == (set(), {"1"})
    inbox.clock.forward(hours=4)
    assert ids(inbox) == {"1"}


def test_what_had_ended_in_somebodys_hands_is_back_when_it_goes_on(inbox: Inbox) -> None:
    due = of("T03", NOW + 3 * HOUR)
    inbox.add(quiet("1", due))
    inbox.steps("1", "take")
    inbox.add(quiet("1", due, revision=2, change="resolved", status="resolved", resolved_at=NOW))
    # Its end has met the deadline, so that nothing hurries.
    assert snooze(inbox, until="4h") == Outcome("done")
    inbox.clock.forward(minutes=1)
    inbox.add(quiet("1", due, revision=3, change="updated"))
    assert ids(inbox) == {"1"} and is_marked(inbox)
    assert audit(inbox)[-1] == ("wake", "orderwatch", {"why": "open"})


def test_that_it_was_looked_at_late_stays_so(inbox: Inbox) -> None:
    inbox.add(quiet(severity="critical"))
    inbox.clock.forward(minutes=40)
    inbox.steps("1", "take")
    snooze(inbox)
    board = Board(inbox.store, default_rules(), inbox.clock)
    (timer,) = board.of_alerts([alert_id("1")])[alert_id("1")]
    assert (timer.code, timer.state(inbox.clock())) == ("T09", "met_late")


def test_whoever_does_something_about_it_ends_it(inbox: Inbox) -> None:
    inbox.add(*(quiet(str(n), buyer=f"b{n}") for n in range(1, 6)))
    for key in "345":
        inbox.steps(key, "take")
    for key in "12345":
        snooze(inbox, key)
    inbox.clock.forward(minutes=5)
    inbox.steps("1", "take")
    inbox.steps("2", "assign", assignee="韩梅梅")
    inbox.steps("3", "contact", channel=Channel.WANGWANG)
    inbox.steps("4", "label", "confirm", label=Label.BUYER_PAID)
    inbox.steps("5", "wake")
    assert (ids(inbox), ids(inbox, ASIDE)) == ({"1", "2", "3", "5"}, set())
    assert ids(inbox, Filter(is_handled=True)) == {"4"}
    # They know that it is back.
    assert not any(is_marked(inbox, key) for key in "12345")
    assert audit(inbox, "5")[-1] == ("wake", "李雷", {})
    assert case(inbox, "5").state == State.IN_PROGRESS


def test_it_is_no_label_takes_nothing_and_is_told_to_no_detector(inbox: Inbox) -> None:
    inbox.add(quiet())
    snooze(inbox)
    one = case(inbox)
    assert (one.state, one.label, one.assignee) == (State.NEW, None, None)
    assert inbox.store.labels() == {}
    assert set(inbox.store.waiting_events().values()) == {0}
    assert inbox.store.fallen([alert_id("1")]) == []


def test_only_what_is_at_work_and_set_aside_can_be_brought_back(inbox: Inbox) -> None:
    inbox.add(quiet("1"), quiet("2"))
    inbox.handle("2")
    assert snooze(inbox, "2") == Outcome("refused", "not_from_this_state")

    def wake(key: str) -> Outcome:
        version = case(inbox, key).version
        return inbox.desk.perform(
            StepRequest(alert_id(key), "wake", "李雷", f"wake-{key}-{version}", version)
        )

    assert wake("2") == Outcome("refused", "not_from_this_state")
    assert wake("1") == Outcome("refused", "not_snoozed")
    snooze(inbox)
    inbox.clock.forward(hours=1)
    assert wake("1") == Outcome("refused", "not_snoozed")


def test_a_repeated_request_is_one_and_a_colleague_is_told(inbox: Inbox) -> None:
    inbox.add(quiet())
    assert snooze(inbox, request_id="the-same", version=1) == Outcome("done")
    assert snooze(inbox, request_id="the-same", version=1) == Outcome("repeated")
    assert snooze(inbox, until="4h", by="韩梅梅", version=1) == Outcome("conflict")
    assert case(inbox).snoozed_until == NOW + HOUR
    # Whoever has seen it can choose anew.
    assert snooze(inbox, until="4h", by="韩梅梅") == Outcome("done")
    assert (case(inbox).snoozed_until, case(inbox).snoozed_by) == (NOW + 4 * HOUR, "韩梅梅")


def test_of_two_people_at_once_one_sets_it_aside(inbox: Inbox) -> None:
    inbox.add(quiet())
    wanted = [
        StepRequest(alert_id("1"), step, by, f"{step}-by-{by}", 1, later=HOUR)  # type: ignore[arg-type]
        for step, by in (("snooze", "李雷"), ("take", "韩梅梅"))
    ]
    kinds = at_once(
        inbox.engine,
        select(CaseRow),
        [lambda one=one: inbox.desk.perform(one).kind for one in wanted],
    )
    assert kinds == ["conflict", "done"]
    assert len(audit(inbox)) == 1


def test_a_deadline_that_arrives_while_somebody_sets_it_aside_is_heeded(inbox: Inbox) -> None:
    inbox.add(quiet())
    revised = records([quiet("1", of("T03", NOW + 2 * HOUR), revision=2, change="updated")])
    applying = threading.Thread(target=lambda: inbox.store.apply(revised))

    def once_the_case_is_locked() -> datetime:
        if not applying.ident:
            applying.start()
            if inbox.engine.dialect.name == "postgresql":
                wait_until(lambda: waiting_for_locks(inbox.engine) == 1)
        return inbox.clock()

    desk = Desk(inbox.engine, default_rules(), once_the_case_is_locked)
    wanted = StepRequest(alert_id("1"), "snooze", "李雷", "snooze-it", 1, later=4 * HOUR)
    assert desk.perform(wanted) == Outcome("done")
    applying.join()
    assert ids(inbox) == {"1"}
    assert [step for step, *_ in audit(inbox)] == ["snooze", "wake"]


def test_a_top_up_that_is_set_aside_waits_for_nobody(inbox: Inbox) -> None:
    inbox.add(top_up("1", deadlines=[]), top_up("2", deadlines=[]))
    snooze(inbox)

    def shown() -> tuple[int, int]:
        queue = waiting(inbox.engine, None, inbox.clock(), 1)
        return count_waiting(inbox.engine, inbox.clock()), len(queue.rows)

    assert shown() == (1, 1)
    inbox.clock.forward(hours=1)
    assert shown() == (2, 2)


def test_those_set_aside_are_listed_by_when_they_come_back(inbox: Inbox) -> None:
    inbox.add(*(quiet(str(n)) for n in range(1, 5)))
    for key, until in (("2", "2026-11-12"), ("3", "1h"), ("1", "4h")):
        snooze(inbox, key, until)
    rows = inbox.store.page(ASIDE).rows
    assert [row.alert_id for row in rows] == [alert_id(key) for key in "312"]
    # One box, one alert: they come back one by one.
    assert not ASIDE.is_grouped
    inbox.clock.forward(days=1)
    assert inbox.store.page(Filter()).total == 4


def test_what_is_suppressed_and_set_aside_is_suppressed(inbox: Inbox) -> None:
    inbox.add(quiet("1", suppressed_by="allow: x"), quiet("2"))
    snooze(inbox, "1")
    everything = Filter(with_suppressed=True)
    assert (inbox.store.page(Filter()).snoozed, inbox.store.page(everything).snoozed) == (0, 1)
    assert ids(inbox, everything) == {"2"}
    assert ids(inbox, replace(ASIDE, with_suppressed=True)) == {"1"}
    assert sum(inbox.store.snoozed().values()) == 0


def test_three_thousand_that_come_back_at_once_are_one_change(inbox: Inbox) -> None:
    for start in range(0, 3000, 500):
        inbox.add(*(quiet(f"k{n}", buyer=f"b{n % 7}", orders=1) for n in range(start, start + 500)))
    with inbox.engine.begin() as connection:
        connection.execute(update(CaseRow).values(snoozed_by="李雷", snoozed_until=NOW + HOUR))
    assert inbox.store.page(Filter()).total == 0
    assert inbox.store.page(ASIDE).total == 3000
    before = inbox.store.version()
    inbox.clock.forward(hours=1)
    after = inbox.store.version()
    assert before != after == inbox.store.version()
    listing, groups = inbox.store.grouped(Filter())
    assert (listing.total, listing.lines, len(groups)) == (3000, 7, 7)
    assert sum(inbox.store.unhandled().values()) == 3000


def test_the_queue_and_what_is_set_aside_are_found_without_looking_at_all_there_ever_was(
    tmp_path: Path,
) -> None:
    for wanted in (Filter(), Filter(shop="shop1"), ASIDE):
        asked = [ids_query(wanted, NOW), page_query(wanted, NOW, 1), tally(wanted, NOW)]
        asked += [snoozed_tally(wanted, NOW), causes_page(wanted, NOW, 1)]
        asked.append(all_query(wanted, NOW, AlertRow.alert_id))
        for query in asked:
            plan = plan_of(tmp_path, query)
            assert re.search("SEARCH cases USING INDEX ix_cases_(state|snoozed_until)", plan), plan
            assert "SCAN cases" not in plan and "SCAN alerts" not in plan
    newest = select(CaseRow.snoozed_until).where(CaseRow.snoozed_until <= NOW)
    assert "INDEX ix_cases_snoozed_until" in plan_of(tmp_path, newest)


def test_an_older_inbox_is_brought_up_to_date_with_nothing_set_aside(inbox: Inbox) -> None:
    inbox.add(quiet())
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with inbox.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0007_told")
    upgrade(inbox.engine)
    assert ids(inbox) == {"1"}
    assert snooze(inbox) == Outcome("done")
    assert inbox.rows()["audit"] == 1


# --- on the pages


def form(page: str, step: str) -> dict[str, str]:
    found = re.search(rf'<form[^>]*action="{ONE}/{step}">(.*?)</form>', page, re.S)
    assert found is not None
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', found[1]))


def post(shift: Shift, step: str = "snooze", **fields: str) -> httpx.Response:
    hidden = form(shift.http.get(ONE).text, step)
    return shift.http.post(f"{ONE}/{step}", data={**hidden, **fields}, follow_redirects=True)


def test_one_is_set_aside_found_and_brought_back_by_hand(served: Served, shift: Shift) -> None:
    served.add(quiet())
    page = shift.http.get(ONE).text
    # NOW is a Wednesday, five past eight in the evening in China.
    for said in ("1小时后", "4小时后", "明天 11-12 09:00", "周一 11-16 09:00"):
        assert f">{said}</option>" in page
    assert "今天" not in page and f"{ONE}/wake" not in page
    page = post(shift, later="2026-11-12").text
    assert "稍后提醒 · 本机 · 到11-12 09:00" in page
    assert alert_id("1") not in shift.http.get("/").text
    aside = shift.http.get("/?view=snoozed").text
    assert "到11-12 09:00 · 本机" in aside and alert_id("1") in aside
    assert '稍后提醒 <span id="snoozed" data-swap>1</span>' in aside
    page = post(shift, "wake").text
    assert "结束稍后提醒" in page and f"{ONE}/wake" not in page
    assert alert_id("1") in shift.http.get("/").text
    english = shift.http.get(ONE, params={"lang": "en"}).text
    assert "snoozed it until 11-12 09:00" in english and "ended the snooze" in english


def test_on_the_tab_of_complaints_only_alerts_are_set_aside(served: Served, shift: Shift) -> None:
    served.casebook.open(OpenRequest("盗图投诉", "shop1", "item-7", "", "李雷", "begin-it"))
    assert "item-7" in shift.http.get("/complaints").text
    page = shift.http.get("/complaints?view=snoozed").text
    assert "没有设为稍后提醒的预警" in page and "item-7" not in page


def test_that_one_is_back_is_written_beside_it(served: Served, shift: Shift) -> None:
    served.add(quiet("1", of("T03", NOW + 3 * HOUR)))
    page = post(shift, later="4h").text
    assert "到22:05 · 提前，因为时限：" in page
    served.clock.forward(hours=2)
    for path in ("/", ONE):
        assert "稍后提醒已到 · 本机" in shift.http.get(path).text
    refused = post(shift, later="1h")
    assert (refused.status_code, "有时限在一小时内到期" in refused.text) == (409, True)
    post(shift, "take")
    assert "稍后提醒已到" not in shift.http.get("/").text


def test_forged_times_change_nothing(served: Served, shift: Shift) -> None:
    served.add(quiet())
    hidden = form(shift.http.get(ONE).text, "snooze")
    for n, said in enumerate(("", "garbage", "2h", "-1h", "2026-11-12T09:00", "<script>", "\x00")):
        data = {**hidden, "later": said, "request_id": f"forged-{n}-x"}
        assert shift.http.post(f"{ONE}/snooze", data=data).status_code == 400
    for said in ("2026-11-11", "2025-11-12", "2027-11-12", "0001-01-01", "9999-12-31"):
        data = {**hidden, "later": said, "request_id": f"forged-{said}"}
        answer = shift.http.post(f"{ONE}/snooze", data=data)
        assert (answer.status_code, "已过或太远" in answer.text) == (409, True)
    for do in ("snooze", "snooze.", "snooze.2h", "wake.1h", "snooze.2026-11-12.x"):
        assert shift.do(do, "1").status_code == 400, do
    assert served.store.unhandled()["warn"] == 1
    assert served.store.detail(alert_id("1")).audit == []  # type: ignore[union-attr]


def test_another_site_can_set_nothing_aside(served: Served, shift: Shift) -> None:
    served.add(quiet())
    hidden = {**form(shift.http.get(ONE).text, "snooze"), "later": "1h"}
    for data, headers in (
        ({**hidden, "token": ""}, {}),
        (hidden, {"origin": "http://evil.example"}),
    ):
        assert shift.http.post(f"{ONE}/snooze", data=data, headers=headers).status_code == 403
    assert shift.http.get(f"{ONE}/snooze").status_code in (404, 405)
    assert served.store.unhandled()["warn"] == 1


def test_a_name_is_shown_as_it_was_typed(served: Served, shift: Shift) -> None:
    served.add(quiet())
    hostile = "<img src=x onerror=alert(1)>"
    wanted = StepRequest(alert_id("1"), "snooze", hostile, "snooze-it", 1, later=HOUR)
    assert served.desk.perform(wanted).kind == "done"
    pages = [shift.http.get(path).text for path in (ONE, "/?view=snoozed")]
    served.clock.forward(hours=1)
    pages += [shift.http.get(path).text for path in (ONE, "/")]
    for page in pages:
        assert "<img" not in page and "&lt;img src=x" in page


def test_many_are_set_aside_at_once_and_brought_back(served: Served, shift: Shift) -> None:
    served.add(
        quiet("1", buyer="b1"),
        quiet("2", of("T03", NOW + 3 * HOUR), buyer="b2"),
        quiet("3", of("T03", NOW + HOUR), buyer="b3"),
        quiet("4", buyer="b4"),
    )
    answer = shift.do("snooze.4h", "1", "2", "3")
    assert "稍后提醒：4小时后：2条已完成。 其中1条有时限将到，会提前回到列表。" in answer.text
    assert "有时限在一小时内到期" in answer.text
    assert sum(served.store.unhandled().values()) == 2
    # A colleague who had seen them before is told.
    again = Shift(served)
    with closing(again.http):
        action, hidden, _ = again.form()
        stale = {f"alert.{alert_id('1')}": "1"}
        conflict = again.http.post(action, data={**hidden, **stale, "do": "snooze.2026-11-16"})
        assert "这条预警刚刚有更新" in conflict.text
    aside = "/?view=snoozed"
    assert '<option value="wake">' in shift.http.get(aside).text
    assert '<option value="wake">' not in shift.http.get("/?group=none").text
    assert "结束稍后提醒：2条已完成" in shift.do("wake", "1", "2", path=aside).text
    assert "没有设为稍后提醒的预警" in shift.http.get(aside).text
    done = shift.do("snooze.2026-11-16", "4", path="/?group=none&lang=en")
    assert "Snooze: 11-16 09:00: done for 1." in done.text


def test_what_it_was_set_aside_for_is_no_evidence(served: Served, shift: Shift) -> None:
    served.add(quiet())
    post(shift, later="1h")
    post(shift, "take")
    page = shift.http.get(f"{ONE}/evidence").text
    assert "开始处理" in page and "稍后提醒" not in page


def test_a_list_that_stands_still_is_not_renewed_by_the_clock_on_a_choice(
    served: Served, shift: Shift
) -> None:
    served.add(quiet())

    def choices() -> list[str]:
        return re.findall(r'<option value="snooze[^<]*', shift.http.get("/").text)

    before = choices()
    assert len(before) == 4
    served.clock.forward(minutes=7)
    assert choices() == before


def test_a_shop_elsewhere_has_its_own_mornings(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    own = "shops: {shop1: {deadlines: {time_zone: America/New_York}}}\n"
    shipped = files("streams.detect").joinpath("rules.yaml").read_text(encoding="utf-8")
    rules.write_text(shipped + own, encoding="utf-8")
    with Served(tmp_path, Clock(), rules_path=rules) as served:
        served.add(quiet("1", buyer="b1"), quiet("2", shop="shop2", buyer="b2"))
        shift = Shift(served)
        with closing(shift.http):
            # In New York it is five past seven in the morning; times are those of the console.
            assert "今天 22:00" in shift.http.get(ONE).text
            assert "2条已完成" in shift.do("snooze.2026-11-12", "1", "2").text
    untils = [served.store.detail(alert_id(key)).row.case.snoozed_until for key in "12"]  # type: ignore[union-attr]
    assert untils == [datetime(2026, 11, 12, hour, tzinfo=UTC) for hour in (14, 1)]
