"""Deadlines in the inbox: they run, remind, fall due, are broken and are met, by a clock that we move."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from schemas.alerts import Alert, Deadline, Text
from streams.detect.detector import find_detectors
from streams.detect.rules import parse
from streams.inbox.board import Board
from streams.inbox.casebook import Casebook, CaseRequest, OpenRequest
from streams.inbox.desk import Desk
from streams.inbox.events import orders_of
from streams.inbox.store import Store
from streams.inbox.texts import TEXTS
from streams.inbox.timers import CODES, Filed, Handling, Timer, of_alert, of_complaint
from streams.inbox.workflow import Channel, Label, State, StepRequest
from tests.factories import alert_id, make_alert
from tests.inbox import NOW, Clock, Served, default_rules, inbox_in, records
from tests.pipeline import default_engine, rules_document
from tests.visiting import visiting

RULES = default_engine().rules.deadlines("any")
OPENED = NOW - timedelta(hours=1)
FRESH = Handling(State.NEW, "open", "warn", OPENED, None, NOW)
MILLISECOND, MINUTE = timedelta(milliseconds=1), timedelta(minutes=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def said(code: str, due_at: datetime) -> Deadline:
    return Deadline(code=code, due_at=due_at, text=Text(zh="期限", en="deadline"))


def one(handling: Handling, code: str, due_at: datetime | None = None) -> Timer:
    deadlines = [said(code, due_at)] if due_at else []
    (timer,) = [t for t in of_alert(handling, deadlines, RULES) if t.code == code]
    return timer


def codes(handling: Handling, *deadlines: Deadline) -> list[str]:
    return [timer.code for timer in of_alert(handling, deadlines, RULES)]


@pytest.mark.parametrize(
    ("code", "before", "states"),
    [
        ("T04", [7 * DAY, 3 * DAY, DAY], ["reminded", "reminded", "due"]),
        ("T03", [6 * HOUR], ["due"]),
        ("T07", [DAY], ["due"]),
        ("T12", [6 * HOUR], ["due"]),
        ("T02", [24 * HOUR, 6 * HOUR], ["due", "due"]),
        ("T08", [48 * HOUR, 12 * HOUR], ["reminded", "due"]),
        ("T11", [2 * MINUTE], ["reminded"]),
    ],
)
def test_what_an_alert_says_reminds_falls_due_and_is_broken(
    code: str, before: list[timedelta], states: list[str]
) -> None:
    last = OPENED + 30 * DAY
    timer = one(FRESH, code, last)
    assert timer.state(OPENED) == "running"
    # Every turn is announced beforehand.
    assert timer.next_at(OPENED) == last - before[0]
    for span, state in zip(before, states, strict=True):
        assert timer.state(last - span) == state
        assert timer.is_pressing(last - span)
    assert not timer.is_breached(last - timedelta(milliseconds=1))
    assert timer.is_breached(last)
    assert timer.next_at(last) is None


def test_what_the_platform_does_by_itself_is_broken_by_nobody() -> None:
    timer = one(FRESH, "T01", NOW)
    assert timer.word(NOW - MILLISECOND) == "reminded"
    assert timer.word(NOW) == "over"
    assert not timer.is_breached(NOW)


def test_t01_is_reminded_of_and_asks_nobody_for_anything() -> None:
    last = OPENED + 3 * DAY
    timer = one(FRESH, "T01", last)
    reminded = last - 6 * HOUR
    assert timer.next_at(OPENED) == reminded
    assert timer.word(reminded - MILLISECOND) == "running"
    assert timer.said(reminded - MILLISECOND) == timer.text
    # Units come back, the buyer may still pay, and the order is to be left alone.
    assert timer.word(reminded) == timer.word(last - MILLISECOND) == "reminded"
    for words in ("买家仍可付款", "库存自动恢复", "无需操作", "请勿主动关闭"):
        assert words in timer.said(reminded).zh
    assert "don't close it" in timer.said(reminded).en
    assert not timer.is_pressing(reminded)
    assert timer.said(last) == timer.text
    met = one(replace(FRESH, status="resolved", resolved_at=reminded), "T01", last)
    assert met.word(reminded) == "met" and met.said(reminded) == met.text


@pytest.mark.parametrize(
    ("code", "done"),
    [
        ("T03", {"contacts": [(NOW, False)]}),
        ("T04", {"complained_at": NOW}),
        ("T12", {"filed_at": NOW}),
        *[
            (code, {"status": "resolved", "resolved_at": NOW})
            for code in ("T01", "T02", "T03", "T04", "T07", "T08", "T11", "T12")
        ],
    ],
)
def test_each_deadline_is_met_by_what_meets_it(code: str, done: dict[str, Any]) -> None:
    handling = replace(FRESH, **done)
    assert one(FRESH, code, NOW).state(NOW) == "breached"
    # The last moment is in time, the next is not.
    assert one(handling, code, NOW).state(NOW + DAY) == "met"
    assert one(handling, code, NOW - timedelta(milliseconds=1)).state(NOW) == "met_late"
    assert not one(handling, code, NOW).is_breached(NOW + DAY)


@pytest.mark.parametrize("code", ["T02", "T07", "T08"])
def test_a_call_or_a_complaint_meets_nothing_else(code: str) -> None:
    handling = replace(FRESH, contacts=[(NOW, True)], complained_at=NOW, filed_at=NOW)
    assert one(handling, code, NOW).state(NOW) == "breached"


def test_an_alert_that_was_taken_back_has_no_deadlines() -> None:
    assert codes(replace(FRESH, status="retracted"), said("T02", NOW)) == []


@pytest.mark.parametrize(("severity", "within"), [("critical", HOUR / 2), ("warn", 4 * HOUR)])
def test_t09_an_alert_is_looked_at_within_our_own_time(severity: Any, within: timedelta) -> None:
    waiting = replace(FRESH, severity=severity)
    timer = one(waiting, "T09")
    assert timer.due_at == NOW + within
    assert timer.state(NOW + within) == "breached"
    taken = replace(waiting, state=State.IN_PROGRESS, taken_at=NOW + within)
    assert one(taken, "T09").state(NOW + DAY) == "met"


@pytest.mark.parametrize(("severity", "reminded"), [("critical", HOUR / 3), ("warn", 3 * HOUR)])
def test_t09_is_reminded_of_before_it_has_passed(severity: Any, reminded: timedelta) -> None:
    waiting = replace(FRESH, severity=severity)
    timer = one(waiting, "T09")
    assert timer.next_at(NOW) == NOW + reminded
    assert timer.state(NOW + reminded - MILLISECOND) == "running"
    assert timer.state(NOW + reminded) == "reminded"
    assert timer.is_pressing(NOW + reminded)
    taken = replace(waiting, state=State.IN_PROGRESS, taken_at=NOW + reminded - MILLISECOND)
    assert one(taken, "T09").state(NOW + reminded) == "met"


@pytest.mark.parametrize(
    "handling",
    [
        replace(FRESH, severity="info"),
        replace(FRESH, state=State.AUTO_RESOLVED),
        replace(FRESH, state=State.EXPIRED),
    ],
)
def test_t09_does_not_run_for_what_only_informs_or_ended_untouched(handling: Handling) -> None:
    assert "T09" not in codes(handling)


def calling(*contacts: tuple[datetime, bool], state: State = State.IN_PROGRESS) -> Handling:
    return replace(FRESH, state=state, taken_at=NOW, contacts=contacts)


def test_t10_a_failed_attempt_asks_for_another_two_hours_later() -> None:
    timer = one(calling((NOW, False)), "T10")
    assert timer.due_at == NOW + 2 * HOUR
    assert timer.is_breached(NOW + 2 * HOUR)
    again = one(calling((NOW, False), (NOW + HOUR, False)), "T10")
    assert again.due_at == NOW + 3 * HOUR


def test_t10_is_reminded_of_half_an_hour_before_unless_somebody_answered() -> None:
    reminded = NOW + 1.5 * HOUR
    timer = one(calling((NOW, False)), "T10")
    assert timer.state(reminded - MILLISECOND) == "running"
    assert timer.state(reminded) == "reminded"
    answered = calling((NOW, False), (reminded - MILLISECOND, True))
    assert one(answered, "T10").state(reminded) == "met"
    # The next attempt in vain begins anew.
    assert one(calling((NOW, False), (NOW + HOUR, False)), "T10").state(reminded) == "running"


def test_t10_is_met_by_an_answer_and_begins_anew_after_it() -> None:
    answered = calling((NOW, False), (NOW + HOUR, True))
    assert one(answered, "T10").state(NOW + DAY) == "met"
    assert "T10" not in codes(calling((NOW, True)))
    later = calling((NOW, False), (NOW + HOUR, True), (NOW + DAY, False))
    assert one(later, "T10").due_at == NOW + DAY + 2 * HOUR


def test_t10_nobody_is_called_a_fourth_time_nor_after_the_label() -> None:
    thrice = calling(*[(NOW + n * HOUR, False) for n in range(3)])
    assert "T10" not in codes(thrice)
    assert "T10" not in codes(calling((NOW, False), state=State.LABELLED))


# A Friday evening.
SUBMITTED = datetime(2026, 11, 13, 12, tzinfo=UTC)
MONDAY_ENDS = datetime(2026, 11, 16, 16, tzinfo=UTC) - timedelta(milliseconds=1)
FILED = Filed("异常拍下", SUBMITTED, None, None, None)


def test_a_complaint_that_nobody_submitted_waits_for_no_reply() -> None:
    assert of_complaint(replace(FILED, submitted_at=None), RULES) == []


def test_t05_runs_from_the_submission_over_working_days() -> None:
    (timer,) = of_complaint(FILED, RULES)
    assert timer.code == "T05"
    assert timer.state(MONDAY_ENDS - timedelta(milliseconds=1)) == "running"
    assert timer.state(MONDAY_ENDS) == "due"
    assert timer.due_at == MONDAY_ENDS + DAY
    assert timer.is_breached(MONDAY_ENDS + DAY)
    (met,) = of_complaint(replace(FILED, answered_at=MONDAY_ENDS + DAY), RULES)
    assert met.state(MONDAY_ENDS + 9 * DAY) == "met"
    (late,) = of_complaint(replace(FILED, answered_at=MONDAY_ENDS + 2 * DAY), RULES)
    assert late.state(MONDAY_ENDS + 9 * DAY) == "met_late"


def test_t06_runs_from_the_appeal_beside_the_reply_that_was_met() -> None:
    appealed = replace(FILED, answered_at=SUBMITTED + DAY, appealed_at=SUBMITTED + 3 * DAY)
    reply, appeal = of_complaint(appealed, RULES)
    assert (reply.code, appeal.code) == ("T05", "T06")
    assert reply.is_met() and not appeal.is_met()
    # Monday, so Thursday and the Monday after.
    assert appeal.term.due_ms == (MONDAY_ENDS + 3 * DAY).timestamp() * 1000
    assert appeal.due_at == MONDAY_ENDS + 7 * DAY
    answered = replace(appealed, appeal_answered_at=SUBMITTED + 4 * DAY)
    assert of_complaint(answered, RULES)[1].is_met()


def test_a_defence_about_pictures_is_answered_as_an_appeal() -> None:
    (timer,) = of_complaint(replace(FILED, kind="盗图申诉"), RULES)
    assert timer.code == "T06"
    (timer,) = of_complaint(replace(FILED, kind="盗图投诉"), RULES)
    assert timer.code == "T05"


class Bench:
    """A store, its desks and its board on one database and one clock."""

    def __init__(self, folder: Path, clock: Clock, rules: Any = None) -> None:
        self.engine = inbox_in(folder / "inbox.db")
        self.clock = clock
        self.store = Store(self.engine, clock)
        rules = rules or default_rules()
        self.desk = Desk(self.engine, rules, clock)
        self.casebook = Casebook(self.engine, clock)
        self.board = Board(self.store, rules, clock)

    def add(self, *alerts: Alert) -> None:
        self.store.apply(records(alerts))

    def step(self, step: Any, **fields: Any) -> None:
        detail = self.store.detail(alert_id("1"))
        assert detail is not None
        version = detail.row.case.version
        request = StepRequest(alert_id("1"), step, "李雷", f"{step}-{version}", version, **fields)
        assert self.desk.perform(request).kind == "done"

    def file(self, complaint_id: str, step: Any) -> None:
        detail = self.casebook.detail(complaint_id)
        assert detail is not None
        version = detail.row.version
        request = CaseRequest(complaint_id, step, "李雷", f"{step}-of-{version}", version)
        assert self.casebook.perform(request).kind == "done"

    def complaint(self, **fields: Any) -> str:
        wanted = {"kind": "广告评价", "shop_id": "shop1", "about": "o1", "story": ""}
        wanted |= {"by": "李雷", "request_id": "begin-it", **fields}
        complaint_id = self.casebook.open(OpenRequest(**wanted))
        for proof in ("ids", "review_shot"):
            request = CaseRequest(complaint_id, "prove", "李雷", f"proof-{proof}", 0, proof)
            assert self.casebook.perform(request).kind == "done"
        return complaint_id

    def states(self) -> dict[str, str]:
        now = self.clock()
        return {t.code: t.state(now) for t in self.board.of_alerts([alert_id("1")])[alert_id("1")]}

    def counts(self) -> dict[str, tuple[int, int]]:
        found = self.board.counts()
        assert list(found) == list(CODES)
        return {c: (n.due, n.breached) for c, n in found.items() if n.due or n.breached}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, Clock())
    yield made
    made.engine.dispose()


def overdue(**overrides: Any) -> Alert:
    return make_alert(deadlines=[said("T04", NOW + 2 * DAY), said("T01", NOW + DAY)], **overrides)


def test_the_board_counts_what_is_due_and_what_is_broken_by_code(desk: Bench) -> None:
    desk.add(overdue())
    # Reminders lie behind: three days before the end, and none is missed.
    assert desk.counts() == {"T04": (1, 0)}
    desk.clock.forward(hours=4)
    assert desk.counts() == {"T04": (1, 0), "T09": (0, 1)}
    desk.clock.forward(days=3)
    assert desk.counts() == {"T04": (0, 1), "T09": (0, 1)}


def test_the_board_follows_new_rules_though_nothing_else_happened(tmp_path: Path) -> None:
    document = rules_document()
    promise = document["deadlines"]["T09"] | {"warn_s": 3600}
    sooner = document | {"deadlines": document["deadlines"] | {"T09": promise}}
    detectors = find_detectors()
    rules = parse(document, detectors)
    bench = Bench(tmp_path, Clock(), rules)
    bench.add(make_alert("1"))
    (before,) = (line.timer for line in bench.board.sheet().coming if line.timer.code == "T09")
    rules.become(parse(sooner, detectors))
    (after,) = (line.timer for line in bench.board.sheet().coming if line.timer.code == "T09")
    assert before.term.last_ms - after.term.last_ms == (14_400 - 3600) * 1000
    (same,) = (
        timer
        for timer in bench.board.of_alerts([alert_id("1")])[alert_id("1")]
        if timer.code == "T09"
    )
    assert same.term == after.term
    bench.engine.dispose()


def test_the_board_is_in_order_of_time_and_past_ones_stand_apart(desk: Bench) -> None:
    desk.add(overdue(), make_alert("2", deadlines=[said("T02", NOW + HOUR)], severity="info"))
    sheet = desk.board.sheet()
    assert [line.timer.code for line in sheet.coming] == ["T02", "T09", "T01", "T04"]
    assert sheet.past == []
    desk.clock.forward(hours=30)
    sheet = desk.board.sheet()
    assert [line.timer.code for line in sheet.coming] == ["T04"]
    # What the platform did by itself is not among them.
    assert [line.timer.code for line in sheet.past] == ["T02", "T09"]


def test_what_is_due_comes_first_and_no_promise_of_ours_hides_a_deadline_of_the_platform(
    desk: Bench,
) -> None:
    shipping = [said("T02", NOW + 20 * HOUR), said("T02", NOW + 22 * HOUR)]
    desk.add(make_alert("1", deadlines=shipping), *(make_alert(str(n)) for n in range(2, 5)))
    coming = [line.timer.code for line in desk.board.sheet().coming]
    assert coming == ["T02", "T02", *["T09"] * 4, *["T01"] * 3]
    desk.clock.forward(hours=23)
    # Of the same kind the newest is first, and the promises were broken later than the first T02.
    sheet = desk.board.sheet()
    assert [(line.timer.code, line.timer.due_at - NOW) for line in sheet.past] == [
        ("T02", 22 * HOUR),
        ("T02", 20 * HOUR),
        *[("T09", 4 * HOUR)] * 4,
    ]


def reads(desk: Bench, monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """The alerts of which the board reads what they say and what people did, look by look, from here on."""
    read: list[set[str]] = []
    read_alerts = desk.board._read_alerts

    def noted(session: Any, stamps: Any) -> Any:
        read.append(set(stamps))
        return read_alerts(session, stamps)

    monkeypatch.setattr(desk.board, "_read_alerts", noted)
    return read


def test_a_look_reads_the_alerts_that_have_changed_and_shows_all(
    desk: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = reads(desk, monkeypatch)
    for n in range(1, 5):
        desk.add(make_alert(str(n)))
        shown = {line.href for line in desk.board.sheet().coming}
        assert shown == {f"/alerts/{alert_id(str(k))}" for k in range(1, n + 1)}
    assert read == [{alert_id(str(n))} for n in range(1, 5)]
    read.clear()
    desk.step("take")
    desk.board.sheet()
    desk.add(make_alert("2", revision=2, change="updated"))
    # The pages of a list and of an alert take what the board knows.
    desk.board.of_alerts([alert_id("1"), alert_id("2")])
    desk.board.sheet()
    assert read == [{alert_id("1")}, {alert_id("2")}, {alert_id("2")}]


def test_a_look_at_many_reads_them_in_parts(desk: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.inbox.board._MOST_IDS", 2)
    read = reads(desk, monkeypatch)
    desk.add(*(make_alert(str(n), deadlines=[]) for n in range(5)))
    assert len(desk.board.sheet().coming) == 5
    assert [len(part) for part in read] == [2, 2, 1]


def test_what_is_handled_is_not_kept(desk: Bench) -> None:
    desk.add(make_alert(), make_alert("2"))
    desk.board.sheet()
    for step, fields in (("take", {}), ("label", {"label": Label.BUYER_PAID}), ("confirm", {})):
        desk.step(step, **fields)
    desk.board.sheet()
    assert set(desk.board._read.alerts) == {alert_id("2")}


def test_a_look_at_an_unchanged_store_asks_only_for_its_version(desk: Bench) -> None:
    desk.add(*(make_alert(str(n)) for n in range(20)))
    desk.board.sheet()
    asked: list[str] = []
    event.listen(desk.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    desk.board.sheet()
    desk.board.counts()
    questions = [question for question in asked if question != "BEGIN"]
    assert len(questions) == 12
    assert all("max(" in question for question in questions)


def test_what_was_committed_late_under_a_lower_id_is_shown_within_a_minute(desk: Bench) -> None:
    desk.add(make_alert("1", deadlines=[]), make_alert("2", deadlines=[]))
    with desk.engine.begin() as connection:
        connection.execute(text("UPDATE alerts SET suppressed_by = 'x' WHERE severity = 'warn'"))
    assert desk.board.sheet().coming == []
    with desk.engine.begin() as connection:
        connection.execute(text("UPDATE alerts SET suppressed_by = NULL"))
    desk.clock.forward(seconds=60)
    assert len(desk.board.sheet().coming) == 2


def test_what_is_kept_is_what_a_board_that_has_just_begun_reads(desk: Bench) -> None:
    alert = make_alert(
        orders=1, deadlines=[said(code, NOW + DAY) for code in ("T02", "T03", "T04", "T12")]
    )
    complaint_id = ""

    def complain() -> None:
        nonlocal complaint_id
        complaint_id = desk.complaint(alert_id=alert_id("1"))

    def revise(revision: int, **changes: Any) -> Callable[[], None]:
        changed = alert.model_copy(update={"revision": revision, "change": "updated", **changes})
        return lambda: desk.add(changed)

    def step(name: str, **fields: Any) -> Callable[[], None]:
        return lambda: desk.step(name, **fields)

    moves: list[Callable[[], None]] = [
        lambda: desk.add(alert, make_alert("2")),
        revise(2, severity="critical"),
        revise(3, deadlines=[*alert.deadlines, said("T07", NOW + 2 * DAY)]),
        step("take"),
        step("contact", channel=Channel.PHONE, answered=False),
        step("contact", channel=Channel.PHONE, answered=True),
        step("label", label=Label.WRONG_ADDRESS_UNREACHABLE),
        step("file", order_id=orders_of(alert)[0]),
        step("filing_rejected"),
        complain,
        lambda: desk.file(complaint_id, "submit"),
        lambda: desk.file(complaint_id, "uphold"),
        step("label", label=Label.COMPLAINT_FILED),
        step("label", label=Label.BUYER_PAID),
        revise(4, status="resolved", resolved_at=NOW),
        step("confirm"),
        revise(5, severity="critical", title=Text(zh="又来了", en="Back again")),
        revise(6, suppressed_by="snooze"),
        revise(7),
        revise(8, status="retracted"),
    ]
    different = set()
    ids = [alert_id("1"), alert_id("2")]
    for move in moves:
        move()
        desk.clock.forward(seconds=1)
        begun = Board(desk.store, default_rules(), desk.clock)
        assert desk.board.sheet() == begun.sheet()
        assert desk.board.of_alerts(ids) == begun.of_alerts(ids)
        different.add(repr(desk.board.of_alerts(ids)[alert_id("1")]))
    # Most of the moves have an effect on the deadlines, or nothing would be shown here.
    assert len(different) > 10


def test_of_many_who_look_at_once_one_reads(desk: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    assert desk.board.sheet().coming == []
    desk.add(make_alert(deadlines=[]))
    read = reads(desk, monkeypatch)
    read_alerts, version = desk.board._read_alerts, desk.store.version
    asked = itertools.count(1)
    everybody_asked = threading.Event()

    def noted_version() -> str:
        if next(asked) > 4:
            everybody_asked.set()
        return version()

    def slow(session: Any, stamps: Any) -> Any:
        everybody_asked.wait(10)
        return read_alerts(session, stamps)

    monkeypatch.setattr(desk.store, "version", noted_version)
    monkeypatch.setattr(desk.board, "_read_alerts", slow)
    with ThreadPoolExecutor(4) as pool:
        totals = list(pool.map(lambda _: len(desk.board.sheet().coming), range(4)))
    assert (len(read), set(totals)) == (1, {1})


def test_what_is_handled_suppressed_or_over_is_not_on_the_board(desk: Bench) -> None:
    desk.add(
        make_alert("2", suppressed_by="snooze"), make_alert("3", status="resolved"), make_alert()
    )
    desk.step("take")
    desk.step("label", label=Label.FALSE_POSITIVE)
    desk.step("confirm")
    assert desk.board.sheet().coming == []


def test_a_restart_forgets_nothing(desk: Bench, tmp_path: Path) -> None:
    desk.add(overdue(severity="critical"))
    desk.step("take")
    desk.step("contact", channel=Channel.PHONE, answered=False)
    desk.clock.forward(hours=1)
    before = desk.states()
    assert before == {"T01": "running", "T04": "reminded", "T09": "met", "T10": "running"}
    desk.engine.dispose()
    again = Bench(tmp_path, desk.clock)
    assert again.states() == before
    again.engine.dispose()
    desk.clock.forward(minutes=30)
    again = Bench(tmp_path, desk.clock)
    assert again.states() == before | {"T10": "reminded"}
    again.engine.dispose()


def test_who_starts_at_the_moment_of_a_reminder_is_reminded_and_no_sooner(
    desk: Bench, tmp_path: Path
) -> None:
    reminded = NOW + HOUR / 3
    desk.add(make_alert(severity="critical", deadlines=[said("T01", reminded + 6 * HOUR)]))
    desk.engine.dispose()
    for at, state, counted in (
        (reminded - MILLISECOND, "running", {}),
        # T01 wants nobody, so it is not counted.
        (reminded, "reminded", {"T09": (1, 0)}),
    ):
        desk.clock.at = at
        again = Bench(tmp_path, desk.clock)
        assert again.states() == {"T01": state, "T09": state}
        assert again.counts() == counted
        again.engine.dispose()


def test_an_alert_that_gets_worse_waits_anew_with_the_shorter_time(desk: Bench) -> None:
    desk.add(make_alert())
    desk.clock.forward(hours=3)
    desk.add(make_alert(revision=2, change="escalated", severity="critical"))
    (timer,) = [t for t in desk.board.of_alerts([alert_id("1")])[alert_id("1")] if t.code == "T09"]
    assert timer.due_at == desk.clock() + HOUR / 2


def test_an_alert_that_comes_back_waits_anew(desk: Bench) -> None:
    desk.add(make_alert())
    for step, fields in (("take", {}), ("label", {"label": Label.BUYER_PAID}), ("confirm", {})):
        desk.step(step, **fields)
    desk.clock.forward(days=1)
    desk.add(make_alert(revision=2, severity="critical"))
    assert desk.states()["T09"] == "running"
    desk.clock.forward(minutes=30)
    assert desk.states()["T09"] == "breached"


def test_filing_meets_t12_and_shipping_stays_to_be_done(desk: Bench) -> None:
    alert = make_alert(orders=1, deadlines=[said("T12", NOW + HOUR), said("T02", NOW + HOUR)])
    desk.add(alert)
    desk.step("take")
    desk.step("contact", channel=Channel.PHONE, answered=False)
    desk.step("label", label=Label.WRONG_ADDRESS_UNREACHABLE)
    desk.step("file", order_id=orders_of(alert)[0])
    assert desk.states() == {"T02": "due", "T09": "met", "T12": "met"}
    # A filing that the platform rejected has met nothing; the next one does.
    desk.step("filing_rejected")
    assert desk.states()["T12"] == "due"
    desk.step("label", label=Label.WRONG_ADDRESS_UNREACHABLE)
    desk.step("file", order_id=orders_of(alert)[0])
    assert desk.states()["T12"] == "met"


@pytest.mark.parametrize("way", ["case", "label"])
def test_a_complaint_that_was_submitted_meets_t04(desk: Bench, way: str) -> None:
    desk.add(overdue())
    desk.step("take")
    if way == "label":
        desk.step("label", label=Label.COMPLAINT_FILED)
    else:
        complaint_id = desk.complaint(alert_id=alert_id("1"))
        assert desk.states()["T04"] == "reminded"
        desk.file(complaint_id, "submit")
    assert desk.states()["T04"] == "met"
    if way == "label":
        # A corrected label was never a complaint.
        desk.step("label", label=Label.FALSE_POSITIVE)
        assert desk.states()["T04"] == "reminded"


def test_a_complaint_is_on_the_board_until_it_is_answered(desk: Bench) -> None:
    complaint_id = desk.complaint()
    assert desk.board.sheet().coming == []
    desk.file(complaint_id, "submit")
    (line,) = desk.board.sheet().coming
    assert (line.timer.code, line.href) == ("T05", f"/cases/{complaint_id}")
    desk.clock.forward(days=7)
    assert desk.counts() == {"T05": (0, 1)}
    desk.file(complaint_id, "reject")
    assert desk.counts() == {}
    desk.file(complaint_id, "appeal")
    (line,) = desk.board.sheet().coming
    assert line.timer.code == "T06"
    desk.file(complaint_id, "uphold")
    assert desk.board.sheet().coming == []


def test_each_shop_has_its_own_numbers_and_clocks(tmp_path: Path) -> None:
    own = {"time_zone": "Pacific/Auckland", "T09": {"warn_s": 60, "warn_remind_before_s": 30}}
    document = rules_document() | {"shops": {"shop2": {"deadlines": own}}}
    desk = Bench(tmp_path, Clock(), parse(document, find_detectors()))
    desk.add(make_alert(deadlines=[]), make_alert("2", shop="shop2", deadlines=[]))
    due = {line.shop_id: line.timer.due_at for line in desk.board.sheet().coming}
    assert due == {"shop1": NOW + 4 * HOUR, "shop2": NOW + timedelta(minutes=1)}
    there = desk.complaint(shop_id="shop2")
    desk.file(there, "submit")
    (line,) = [line for line in desk.board.sheet().coming if line.timer.code == "T05"]
    # It is Thursday the 12th there already: Friday and Monday.
    assert line.timer.due_at.astimezone(UTC) == datetime(2026, 11, 16, 11, tzinfo=UTC) - timedelta(
        milliseconds=1
    )
    desk.engine.dispose()


def test_the_pages_show_where_each_deadline_stands(served: Served) -> None:
    served.add(overdue(severity="critical"))
    with closing(visiting(served.url)) as http:
        board = http.get("/deadlines").text
        places = [board.index(f"<br><small>{code} ") for code in ("T09", "T01", "T04")]
        assert places == sorted(places)
        assert "还剩30分钟" in board and "提醒" in board
        listed = http.get("/").text
        assert "查看预警" in listed and "还剩30分钟" in listed
        served.clock.forward(minutes=31)
        for path in ("/deadlines", "/", f"/alerts/{alert_id('1')}"):
            assert 'class="timer breached">已过期限' in http.get(path).text
        english = http.get("/deadlines?lang=en").text
        assert "Past their time" in english and "past its time" in english


def test_every_page_says_of_t01_that_there_is_nothing_to_do_while_it_comes_up(
    served: Served,
) -> None:
    served.add(make_alert(severity="info", deadlines=[said("T01", NOW + 7 * HOUR)]))
    paths = ("/deadlines", "/", f"/alerts/{alert_id('1')}")
    with closing(visiting(served.url)) as http:
        assert not any("无需操作" in http.get(path).text for path in paths)
        served.clock.forward(hours=1)
        assert all("无需操作" in http.get(path).text for path in paths)
        assert all("Nothing to do" in http.get(f"{path}?lang=en").text for path in paths)
        served.clock.forward(hours=6)
        assert not any("无需操作" in http.get(path).text for path in paths)


def test_the_board_says_about_whom_each_deadline_is(desk: Bench, served: Served) -> None:
    alerts = make_alert("1", buyer="li-na"), make_alert("2", buyer="zhang-wei")
    served.add(*alerts)
    with closing(visiting(served.url)) as http:
        board = http.get("/deadlines").text
    for buyer in ("li-na", "zhang-wei"):
        # Its T01 and our own T09.
        assert board.count(f"<bdi>{buyer}</bdi>") == 2
    desk.file(desk.complaint(about="订单77"), "submit")
    assert "订单77" in [line.about for line in desk.board.sheet().coming]


def test_every_deadline_is_on_one_page_of_the_board(served: Served) -> None:
    coming = [make_alert(str(n), buyer=f"c{n}", severity="info") for n in range(205)]
    past = [
        make_alert(f"p{n}", buyer=f"p{n}", severity="info", deadlines=[said("T02", OPENED)])
        for n in range(103)
    ]
    served.add(*coming, *past)

    def shown(board: str) -> tuple[set[str], set[str]]:
        tables = board.partition('id="past"')[::2]
        first, second = (re.findall(r"<bdi>([cp]\d+)</bdi>", table) for table in tables)
        return set(first), set(second)

    with closing(visiting(served.url)) as http:
        boards = [http.get(f"/deadlines?coming={n}&past=2").text for n in (1, 2, 3)]
        first = http.get("/deadlines").text
    pages = [shown(board) for board in boards]
    assert [len(page[0]) for page in pages] == [100, 100, 5]
    assert set[str]().union(*(page[0] for page in pages)) == {f"c{n}" for n in range(205)}
    assert [len(page[1]) for page in pages] == [3, 3, 3]
    # Both tables begin on the first page, and it says how many there are of each.
    assert [len(page) for page in shown(first)] == [100, 100]
    assert shown(first)[1] | pages[0][1] == {f"p{n}" for n in range(103)}
    assert '<a href="#past">已过期限 103</a>' in first
    # A link turns the pages of one table only, and leaves the other where it is.
    assert 'href="/deadlines?coming=3&past=2#coming"' in boards[1].replace("&amp;", "&")
    assert 'href="/deadlines?past=1&coming=2#past"' in boards[1].replace("&amp;", "&")


@pytest.mark.parametrize("number", ["0", "-1", "99", "x", ""])
def test_a_page_of_the_board_that_does_not_exist_shows_one_that_does(
    served: Served, number: str
) -> None:
    served.add(make_alert())
    with closing(visiting(served.url)) as http:
        board = http.get("/deadlines", params={"coming": number, "past": number})
    assert board.text.count("<bdi>b42</bdi>") == 2


def test_the_metric_has_every_code_and_no_other_label(served: Served) -> None:
    served.add(overdue())
    served.clock.forward(hours=5)
    with closing(visiting(served.url)) as http:
        text = http.get("/metrics").text
    for code in CODES:
        assert f'orderwatch_inbox_timers_due{{code="{code}"}}' in text
        assert f'orderwatch_inbox_timers_breached{{code="{code}"}}' in text
    assert 'orderwatch_inbox_timers_due{code="T04"} 1.0' in text
    assert 'orderwatch_inbox_timers_breached{code="T09"} 1.0' in text
    # What is past has no last moment ahead.
    assert 'orderwatch_inbox_timers_next_seconds{code="T09"}' not in text


def test_the_metric_says_how_soon_the_next_deadline_of_a_kind_comes(served: Served) -> None:
    for number, hours in enumerate((30, 2, 50)):
        due = said("T12", NOW + timedelta(hours=hours))
        served.add(make_alert(f"{number}", deadlines=[due]))
    name = 'orderwatch_inbox_timers_next_seconds{code="T12"}'
    with closing(visiting(served.url)) as http:
        assert f"{name} 7200.0" in http.get("/metrics").text
        # The first one is past by then, and the second one the next.
        served.clock.forward(hours=3)
        assert f"{name} {27 * 3600}.0" in http.get("/metrics").text


def test_there_is_a_word_for_every_state() -> None:
    words = {key.partition(".")[2] for key in TEXTS if key.startswith("timer.")}
    assert words == {"running", "reminded", "due", "breached", "over", "met", "met_late"}
