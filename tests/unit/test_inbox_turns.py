"""Deadlines that turn are told once each, and of nothing that is met, over, old or said already."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from schemas.alerts import Alert, Deadline, Severity, Text
from schemas.outputs import DeadlineTurn
from streams.detect.deadlines import REMINDERS
from streams.detect.detector import find_detectors
from streams.detect.rules import RuleSet, parse
from streams.inbox.board import Board
from streams.inbox.casebook import CaseRequest, OpenRequest
from streams.inbox.models import OutgoingRow
from streams.inbox.timers import moment
from streams.inbox.turns import Teller
from streams.inbox.workflow import Channel, Label
from tests.factories import alert_id, make_alert
from tests.inbox import NOW, Clock, Inbox, default_rules
from tests.pipeline import rules_document

MILLISECOND = timedelta(milliseconds=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TEXT = Text(zh="期限", en="deadline")


def with_deadline(code: str, due_in: timedelta, key: str = "1", **fields: object) -> Alert:
    deadlines = [Deadline(code=code, due_at=NOW + due_in, text=TEXT)]
    # An info waits for nobody to take it, so the deadline stands alone.
    return make_alert(key, **{"severity": "info", "deadlines": deadlines, **fields})


def rules_allowing(*buyers: str) -> RuleSet:
    document = rules_document()
    allow = [{"buyer": buyer, "why": "known"} for buyer in buyers]
    return parse(document | {"shops": {"shop1": {"allow": allow}}}, find_detectors())


class Office:
    """An inbox, and what it leaves for the topic."""

    def __init__(self, engine: Engine) -> None:
        self.inbox = Inbox(engine)
        self.clock: Clock = self.inbox.clock
        self.has_caught_up = True
        self.teller = self.console()

    def console(self) -> Teller:
        """One more console over the same database."""
        self.rules = default_rules()
        board = Board(self.inbox.store, self.rules, self.clock)
        return Teller(self.inbox.engine, board, lambda: self.has_caught_up, self.clock)

    def begin(self, *alerts: Alert) -> None:
        """These are at work, and the inbox has looked once."""
        self.inbox.add(*alerts)
        self.teller.step()

    def after(self, span: timedelta) -> list[tuple[str, str]]:
        """What is told once that much time has passed: code and turn."""
        before = len(self.told())
        self.clock.at += span
        self.teller.step()
        return [(one.code, one.turn) for one in self.told()[before:]]

    def told(self) -> list[DeadlineTurn]:
        outgoing = (one.record for one in self.inbox.outbox.waiting("timers"))
        return [DeadlineTurn.model_validate_json(one.value) for one in outgoing]


@pytest.fixture
def office(engine: Engine) -> Office:
    return Office(engine)


def test_a_review_is_reminded_of_thrice_and_passes(office: Office) -> None:
    office.begin(with_deadline("T04", 30 * DAY, detector="D18", severity="info"))
    assert office.after(23 * DAY - HOUR / 3600) == []
    assert office.after(HOUR / 3600) == [("T04", "coming_up")]
    assert office.after(DAY) == []
    assert office.after(3 * DAY) == [("T04", "coming_up")]
    assert office.after(2 * DAY) == [("T04", "due")]
    assert office.after(DAY) == [("T04", "past")]
    assert office.after(DAY) == []
    assert [one.turned_at for one in office.told()] == [
        NOW + span for span in (23 * DAY, 27 * DAY, 29 * DAY, 30 * DAY)
    ]
    first, *_ = office.told()
    assert first.due_at == NOW + 30 * DAY
    assert (first.alert_id, first.complaint_id, first.shop_id) == (alert_id("1"), None, "shop1")
    assert (first.detector, first.severity, first.subject.id) == ("D18", "info", "shop1:b42")
    assert (first.title, first.text) == (make_alert().title, TEXT)
    assert len({one.turn_id for one in office.told()}) == 4
    assert len({one.deadline_id for one in office.told()}) == 1


def test_a_deadline_that_moves_is_still_the_same_one(office: Office) -> None:
    office.begin(with_deadline("T04", 7 * DAY + HOUR))
    assert office.after(HOUR) == [("T04", "coming_up")]
    office.inbox.add(with_deadline("T04", 7 * DAY + 3 * HOUR, revision=2, change="updated"))
    assert office.after(2 * HOUR) == [("T04", "coming_up")]
    first, second = office.told()
    assert first.deadline_id == second.deadline_id
    assert first.turn_id != second.turn_id
    assert first.turned_at < second.turned_at
    assert (first.alert_revision, second.alert_revision) == (1, 2)


def test_of_two_deadlines_of_one_code_each_has_its_own_turns(office: Office) -> None:
    deadlines = [Deadline(code="T02", due_at=NOW + days * DAY, text=TEXT) for days in (2, 3, 3)]
    office.begin(make_alert(severity="info", deadlines=deadlines))
    told = [one for _ in range(6) for one in office.after(DAY / 2)]
    assert told.count(("T02", "past")) == 2
    by_deadline = {one.deadline_id: one.due_at for one in office.told()}
    assert sorted(by_deadline.values()) == [NOW + 2 * DAY, NOW + 3 * DAY]
    assert len({(one.deadline_id, one.due_at) for one in office.told()}) == 2


def test_a_record_has_the_shop_and_the_alert_for_a_key(office: Office) -> None:
    office.begin(with_deadline("T04", 7 * DAY + HOUR))
    office.after(HOUR)
    (waiting,) = office.inbox.outbox.waiting("timers")
    assert (waiting.record.topic, waiting.record.key) == ("timers", f"shop1:{alert_id('1')}")


def test_the_first_look_of_all_tells_nothing_that_turned_before_it(office: Office) -> None:
    office.inbox.add(with_deadline("T04", 7 * DAY + HOUR))
    assert office.after(2 * HOUR) == []
    assert office.after(4 * DAY) == [("T04", "coming_up")]


def test_restarts_and_two_consoles_tell_a_turn_once(office: Office) -> None:
    office.begin(with_deadline("T04", 7 * DAY + HOUR))
    office.after(HOUR)
    for _ in range(2):
        office.console().step()
    # As after a clock that was set back, or a copy of the database.
    office.clock.at -= 2 * HOUR
    office.console().step()
    office.clock.at += 2 * HOUR
    office.console().step()
    assert len(office.told()) == 1
    with Session(office.inbox.engine) as session:
        assert session.scalar(select(func.count(OutgoingRow.id))) == 1


def test_after_a_stop_only_the_newest_turn_of_the_last_day_is_told(office: Office) -> None:
    office.begin(
        with_deadline("T02", 26 * HOUR), with_deadline("T04", 7 * DAY + HOUR, "2", buyer="b2")
    )
    # T02 was due after 2 hours and came up again after 20; T04 came up after one, which is too long ago.
    assert office.after(25.5 * HOUR) == [("T02", "due")]
    (only,) = office.told()
    assert only.turned_at == NOW + 20 * HOUR


def test_nothing_is_told_before_the_alerts_that_came_meanwhile_are_read(office: Office) -> None:
    office.begin(with_deadline("T04", 7 * DAY + HOUR))
    office.has_caught_up = False
    assert office.after(2 * HOUR) == []
    office.has_caught_up = True
    assert office.after(timedelta()) == [("T04", "coming_up")]


def test_what_had_turned_when_the_alert_was_opened_is_said_by_the_alert(office: Office) -> None:
    office.begin(make_alert("other", deadlines=[], severity="info"))
    office.clock.forward(hours=1)
    late = with_deadline("T04", 7 * DAY - HOUR, opened_at=NOW + HOUR / 2)
    office.inbox.add(late, with_deadline("T02", -HOUR, "2", opened_at=NOW + HOUR / 2))
    assert office.after(HOUR) == []
    assert office.after(4 * DAY) == [("T04", "coming_up")]


def test_t01_is_told_when_it_comes_up_and_never_when_it_has_passed(office: Office) -> None:
    office.begin(with_deadline("T01", 7 * HOUR))
    assert office.after(HOUR - MILLISECOND) == []
    assert office.after(MILLISECOND) == [("T01", "coming_up")]
    # What is told says that there is nothing to do, and not how to lose points.
    (told,) = office.told()
    assert told.text == Text(zh=REMINDERS["T01"][0], en=REMINDERS["T01"][1])
    assert office.after(6 * HOUR) == []
    assert office.after(DAY) == []


def test_of_t01_nothing_is_told_once_the_alert_has_resolved(office: Office) -> None:
    office.begin(with_deadline("T01", 7 * HOUR))
    office.inbox.add(
        with_deadline(
            "T01", 7 * HOUR, revision=2, change="resolved", status="resolved", resolved_at=NOW
        )
    )
    assert office.after(HOUR) == []


@pytest.mark.parametrize(
    ("severity", "reminded", "last"),
    [("critical", HOUR / 3, HOUR / 2), ("warn", 3 * HOUR, 4 * HOUR)],
)
def test_t09_is_told_before_it_has_passed(
    office: Office, severity: Severity, reminded: timedelta, last: timedelta
) -> None:
    office.begin(
        make_alert(deadlines=[], severity=severity),
        make_alert("2", buyer="b2", deadlines=[], severity=severity),
    )
    assert office.after(reminded - MILLISECOND) == []
    # Somebody took the other one in that very last millisecond.
    office.inbox.steps("2", "take")
    assert office.after(MILLISECOND) == [("T09", "coming_up")]
    assert office.told()[0].alert_id == alert_id("1")
    # Another console, or this one after a restart, has nothing to add.
    office.console().step()
    assert len(office.told()) == 1
    assert office.after(last - reminded) == [("T09", "past")]


def test_t10_is_told_before_its_moment_and_not_once_somebody_answered(office: Office) -> None:
    office.begin(make_alert(deadlines=[]), make_alert("2", buyer="b2", deadlines=[]))
    for key in ("1", "2"):
        office.inbox.steps(key, "take")
        office.inbox.steps(key, "contact", channel=Channel.PHONE)
    assert office.after(1.5 * HOUR - MILLISECOND) == []
    office.inbox.steps("2", "contact", channel=Channel.PHONE, answered=True)
    assert office.after(MILLISECOND) == [("T10", "coming_up")]
    assert office.told()[0].alert_id == alert_id("1")
    assert office.after(HOUR / 2) == [("T10", "past")]


@pytest.mark.parametrize("change", ["resolved", "retracted", "suppressed", "handled", "filed"])
def test_of_what_is_met_or_over_nothing_is_told(office: Office, change: str) -> None:
    alert = with_deadline("T12", 7 * HOUR, orders=1)
    office.begin(alert, with_deadline("T12", 7 * HOUR, "2", buyer="b2"))
    if change == "handled":
        office.inbox.handle("1")
    elif change == "filed":
        office.inbox.steps("1", "take")
        office.inbox.steps("1", "contact", channel=Channel.PHONE)
        office.inbox.steps("1", "label", label=Label.WRONG_ADDRESS_UNREACHABLE)
        office.inbox.steps("1", "file", order_id="shop1-b42-o1")
    else:
        fields: dict[str, object] = {"revision": 2, "change": "updated", "suppressed_by": "snooze"}
        if change != "suppressed":
            fields |= {"change": change, "status": change, "suppressed_by": None}
            fields |= {"resolved_at": NOW} if change == "resolved" else {}
        office.inbox.add(alert.model_copy(update=fields))
    assert office.after(2 * HOUR) == [("T12", "due")]
    assert office.told()[0].alert_id == alert_id("2")


def test_a_deadline_of_whom_the_shop_allows_no_more_is_told_before_the_next_revision(
    office: Office,
) -> None:
    office.rules.become(rules_allowing("b42", "b2"))
    suppressed = {"suppressed_by": "allow: known"}
    office.begin(
        with_deadline("T04", 7 * DAY + HOUR, **suppressed),
        with_deadline("T04", 7 * DAY + HOUR, "2", buyer="b2", **suppressed),
        # No rules file can take back what was not allowed by it.
        with_deadline("T04", 7 * DAY + HOUR, "3", buyer="b3", suppressed_by="snooze"),
    )
    assert office.after(2 * HOUR) == []
    office.rules.become(rules_allowing("b2"))
    assert office.after(4 * DAY) == [("T04", "coming_up")]
    assert [one.alert_id for one in office.told()] == [alert_id("1")]


def test_our_own_promises_are_told_when_they_have_passed(office: Office) -> None:
    office.begin(make_alert(deadlines=[], severity="critical"))
    assert office.after(HOUR / 2) == [("T09", "past")]
    office.inbox.steps("1", "take")
    office.inbox.steps("1", "contact", channel=Channel.PHONE)
    assert office.after(2 * HOUR) == [("T10", "past")]


# A person writes the shop of a complaint, and may write what no event may say.
@pytest.mark.parametrize("shop", ["shop1", "天猫:旗舰店"])
def test_a_reply_that_the_platform_owes_is_told_without_what_people_wrote(
    office: Office, shop: str
) -> None:
    office.begin()
    casebook = office.inbox.casebook
    about = "收件人 13800138000"
    complaint = casebook.open(OpenRequest("异常拍下", shop, about, "", "李雷", "open-it-1"))

    def step(name: str, proof: str | None = None) -> None:
        detail = casebook.detail(complaint)
        assert detail is not None
        asked = f"{name}-{proof}-{detail.row.version}"
        request = CaseRequest(complaint, name, "李雷", asked, detail.row.version, proof)  # type: ignore[arg-type]
        assert casebook.perform(request).kind == "done"

    detail = casebook.detail(complaint)
    assert detail is not None
    for proof in detail.missing:
        step("prove", proof)
    step("submit")
    (timer,) = office.teller._board.of_complaint(casebook.detail(complaint).row)  # type: ignore[union-attr]
    assert office.after(moment(timer.term.due_ms) - office.clock.at) == [("T05", "due")]
    assert office.after(timer.due_at - office.clock.at) == [("T05", "past")]
    first, _ = office.told()
    assert (first.alert_id, first.complaint_id, first.detector) == (None, complaint, None)
    assert (first.subject.kind, first.subject.id, first.severity) == ("shop", shop, "warn")
    (waiting, _) = office.inbox.outbox.waiting("timers")
    assert waiting.record.key == f"{shop}:{complaint}"
    assert b"138" not in waiting.record.value and "李雷".encode() not in waiting.record.value


def test_a_complaint_that_has_ended_tells_nothing(office: Office) -> None:
    office.begin()
    complaint = office.inbox.complain("o1")
    office.inbox.drop(complaint)
    assert office.after(9 * DAY) == []
