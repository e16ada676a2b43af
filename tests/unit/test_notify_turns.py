"""Deadlines that turn: routed by code, held like alerts, told once, and in words that people understand."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from schemas.alerts import Alert, Deadline, Subject, Text
from schemas.outputs import DeadlineTurn
from streams.errors import ConfigurationError, PoisonError
from streams.notify.routes import Routes, load_routes
from streams.notify.service import enqueuer, limits_of
from streams.notify.text import render_turn
from streams.notify.turns import Turns
from streams.settings import Settings
from streams.subscriber import AlertSubscriber, MemoryLedger, Record, SqliteLedger
from streams.subscriber.ledger import open_database
from tests.desk import Desk
from tests.factories import alert_id, envelope, make_alert

ALL = {"name": "all", "to": ["desk"]}
DAY = 86_400.0


def routes_of(*routes: dict[str, Any], **channel: Any) -> Routes:
    desk = {"url": "json://x", "group_s": 0, **channel}
    return Routes.model_validate({"channels": {"desk": desk}, "routes": routes or [ALL]})


class Office:
    """The desk, and turns that come as records; a deadline ends seven days after the clock's beginning."""

    def __init__(self, path: Path, routes: Routes) -> None:
        self.desk = Desk(path)
        self.desk.limits = limits_of(routes, "desk")
        self.desk.outbox.close()
        self.desk.start()
        self.routes = routes
        self.last = self.desk.clock.now + 7 * DAY

    def turn(self, before_s: float = DAY, turn: str = "due", **fields: Any) -> DeadlineTurn:
        """The turn that comes so long before the last moment."""
        return DeadlineTurn.model_validate(
            {
                "turn_id": f"turn-{before_s}",
                "deadline_id": "deadline-1",
                "code": "T04",
                "turn": turn,
                "turned_at": datetime.fromtimestamp(self.last - before_s, UTC),
                "due_at": datetime.fromtimestamp(self.last, UTC),
                "shop_id": "shop1",
                "alert_id": alert_id("1"),
                "detector": "D18",
                "severity": "warn",
                "subject": Subject(kind="buyer", id="shop1:b42"),
                "title": Text(zh="广告评价", en="Advertising review"),
                "text": Text(zh="评价投诉受理期限", en="Complaints are accepted until then"),
                **fields,
            }
        )

    def take(self, *turns: DeadlineTurn) -> list[bool]:
        """Give turns to the service as records; which were new. What may be sent is sent."""
        ledger = SqliteLedger(self.desk.path, "g", now=self.desk.clock)
        desk = Turns(self.routes, ledger, self.desk.clock)
        taken = [desk.take(record(turn)) for turn in turns]
        ledger.close()
        self.desk.work(1)
        return taken

    def revise(self, *alerts: Alert) -> None:
        """Give revisions of alerts to the service; nothing is sent."""
        ledger = SqliteLedger(self.desk.path, "g", now=self.desk.clock)
        handle = enqueuer(self.routes, ledger, self.desk.clock)
        for alert in alerts:
            with ledger.handling(alert.alert_id, alert.revision) as is_new:
                if is_new:
                    handle(envelope(alert))
        ledger.close()

    def told(self) -> list[str]:
        """The heads of what the receiver took since it was last asked."""
        lines, self.desk.receiver.lines = self.desk.receiver.lines, []
        return [" ".join(line.split(" ")[:4]) for line in lines]


def record(turn: DeadlineTurn, offset: int = 0) -> Record:
    return Record("timers", 0, offset, b"k", turn.model_dump_json(exclude_none=True).encode())


def office_of(tmp_path: Path, *routes: dict[str, Any], **channel: Any) -> Office:
    return Office(tmp_path / "notify.db", routes_of(*routes, **channel))


def test_each_turn_is_told_once_also_after_a_restart(tmp_path: Path) -> None:
    office = office_of(tmp_path)
    first, second = office.turn(3 * DAY, "coming_up"), office.turn(DAY)
    assert office.take(first, first, second) == [True, False, True]
    office.desk.outbox.close()
    office.desk.start()
    # A turn that comes after a later one is no news, though nobody heard of it.
    between = office.turn(2 * DAY, "coming_up")
    assert office.take(second, first, between) == [False, False, False]
    assert office.told() == ["T04 warn coming_up shop1:b42", "T04 warn due shop1:b42"]


def test_a_report_names_the_deadline_and_its_turn(tmp_path: Path) -> None:
    office = office_of(tmp_path)
    office.take(office.turn())
    (report,) = [one for _, one in office.desk.outbox.unpublished()]
    turned_ms = round((office.last - DAY) * 1000)
    assert (report.alert_id, report.revision) == ("deadline-1", turned_ms)
    assert report.status == "delivered"


@pytest.mark.parametrize(
    ("wanted", "heard"),
    [
        (None, ["T02", "T03", "T04", "T05", "T06", "T07", "T08", "T12"]),
        ("all", [f"T{n:02}" for n in range(1, 13)]),
        ("none", []),
        (["T01", "T04", "T09"], ["T01", "T04", "T09"]),
    ],
)
def test_a_route_says_of_which_deadlines_it_hears(
    tmp_path: Path, wanted: object, heard: list[str]
) -> None:
    route = ALL if wanted is None else {**ALL, "deadlines": wanted}
    office = office_of(tmp_path, route)
    codes = [f"T{n:02}" for n in range(1, 13)]
    office.take(*(office.turn(code=code, deadline_id=code) for code in codes))
    assert [line.split()[0] for line in office.told()] == heard


@pytest.mark.parametrize(
    ("route", "passes"),
    [
        ({"min_severity": "warn"}, True),
        ({"min_severity": "critical"}, False),
        ({"detectors": ["D18"]}, True),
        ({"detectors": ["D01"]}, False),
        ({"shops": ["shop1"]}, True),
        ({"shops": ["shop2"]}, False),
        ({"changes": ["opened"]}, True),
    ],
)
def test_what_a_route_asks_of_alerts_holds_for_their_deadlines(
    tmp_path: Path, route: dict[str, Any], passes: bool
) -> None:
    office = office_of(tmp_path, {**ALL, **route})
    office.take(office.turn())
    assert bool(office.told()) == passes


def test_a_complaint_passes_no_route_of_detectors(tmp_path: Path) -> None:
    office = office_of(tmp_path, {**ALL, "detectors": ["D18"]})
    office.take(office.turn(alert_id=None, complaint_id="c1", detector=None, code="T05"))
    assert office.told() == []


def test_a_reminder_that_is_read_after_the_end_is_not_told_but_that_it_passed_is(
    tmp_path: Path,
) -> None:
    office = office_of(tmp_path)
    office.desk.clock.now = office.last
    assert office.take(office.turn(), office.turn(0, "past")) == [True, True]
    assert office.told() == ["T04 warn past shop1:b42"]


def test_of_a_deadline_that_waits_for_a_digest_the_newest_turn_is_told(tmp_path: Path) -> None:
    office = office_of(tmp_path, {**ALL, "digest": {"every_s": 3600}})
    office.take(office.turn(3 * DAY, "coming_up"), office.turn(DAY))
    assert office.told() == []
    office.desk.work(3600)
    assert office.told() == ["T04 warn due shop1:b42"]


# Of the alerts themselves nobody hears here.
HELD = {**ALL, "digest": {"every_s": 3600}, "changes": ["expired"], "detectors": ["D18"]}


def alert_of(office: Office, revision: int, due_s: float = 0, **fields: Any) -> Alert:
    """A revision of the alert whose T04 turns; `due_s` moves its last moment."""
    due_at = datetime.fromtimestamp(office.last + due_s, UTC)
    deadline = Deadline(code="T04", due_at=due_at, text=Text(zh="期限", en="deadline"))
    said = {"deadlines": [deadline], "detector": "D18", "change": "updated", **fields}
    return make_alert("1", revision=revision, **said)


OVER = [
    {"status": "resolved", "change": "resolved"},
    {"status": "retracted", "change": "retracted"},
    {"suppressed_by": "snooze"},
]


@pytest.mark.parametrize("fields", OVER)
@pytest.mark.parametrize("code", ["T04", "T09"])
@pytest.mark.parametrize("comes_first", ["turn", "end"])
def test_a_turn_whose_alert_is_over_meanwhile_is_not_told(
    tmp_path: Path, fields: dict[str, Any], code: str, comes_first: str
) -> None:
    office = office_of(tmp_path, {**HELD, "deadlines": "all"})
    turn = office.turn(alert_revision=1, code=code)
    other = office.turn(alert_revision=1, alert_id=alert_id("2"), deadline_id="deadline-2")
    office.revise(alert_of(office, 1))
    if comes_first == "turn":
        office.take(turn, other)
    office.revise(alert_of(office, 2, **fields))
    office.desk.outbox.close()
    office.desk.start()
    if comes_first == "end":
        office.take(turn, other)
    office.desk.work(3600)
    assert office.told() == ["T04 warn due shop1:b42"]


def test_of_an_alert_that_has_ended_a_turn_is_not_told_at_once_either(tmp_path: Path) -> None:
    office = office_of(tmp_path, {**ALL, "changes": ["expired"]})
    office.revise(alert_of(office, 2, **OVER[0]))
    office.take(office.turn(alert_revision=1))
    assert office.told() == []
    # It has come back, and the turn is of what is so since.
    office.take(office.turn(alert_revision=3, before_s=DAY / 2))
    assert office.told() == ["T04 warn due shop1:b42"]


def test_a_revision_that_the_turn_knew_already_ends_nothing(tmp_path: Path) -> None:
    office = office_of(tmp_path, HELD)
    office.take(office.turn(alert_revision=3))
    office.revise(alert_of(office, 2, **OVER[0]), alert_of(office, 3, change="reopened"))
    office.desk.work(3600)
    assert office.told() == ["T04 warn due shop1:b42"]


@pytest.mark.parametrize(
    ("fields", "is_told"),
    [
        ({}, True),
        ({"severity": "critical", "change": "escalated"}, True),
        ({"status": "expired", "change": "updated"}, True),
        ({"due_s": DAY}, False),
        ({"deadlines": []}, False),
    ],
)
def test_a_turn_that_waits_is_told_only_while_the_alert_says_its_deadline(
    tmp_path: Path, fields: dict[str, Any], is_told: bool
) -> None:
    office = office_of(tmp_path, {**HELD, "deadlines": ["T04", "T09"]})
    ours = office.turn(alert_revision=1, code="T09", deadline_id="deadline-9")
    office.take(office.turn(alert_revision=1), ours)
    office.revise(alert_of(office, 2, **fields))
    office.desk.work(3600)
    # Of our own promises an alert says nothing, so it ends none by its silence.
    (told,) = office.told()
    assert told.startswith("DIGEST" if is_told else "T09 warn due")


def test_what_waits_in_a_file_of_an_earlier_version_is_told(tmp_path: Path) -> None:
    office = office_of(tmp_path, HELD)
    office.take(office.turn())
    office.desk.outbox.close()
    with closing(open_database(office.desk.path)) as connection:
        connection.execute("DROP INDEX waiting_of_alert")
        connection.execute("DROP TABLE over")
        for column in ("of_alert", "of_revision", "of_term"):
            connection.execute(f"ALTER TABLE waiting DROP COLUMN {column}")
    office.desk.start()
    office.take(office.turn(deadline_id="deadline-2", alert_revision=1))
    office.revise(alert_of(office, 2, **OVER[0]))
    office.desk.work(3600)
    assert office.told() == ["T04 warn due shop1:b42"]


def test_that_an_alert_has_ended_is_forgotten_in_the_end(tmp_path: Path) -> None:
    office = office_of(tmp_path, HELD)
    office.revise(alert_of(office, 2, **OVER[0]))
    office.desk.outbox.prune(office.desk.clock.now + 1, 0)
    with closing(open_database(office.desk.path)) as connection:
        assert connection.execute("SELECT count(*) FROM over").fetchone() == (0,)


def test_a_turn_that_nobody_wants_ends_what_waits_of_its_deadline(tmp_path: Path) -> None:
    office = office_of(tmp_path, {**ALL, "digest": {"every_s": 3600}, "min_severity": "warn"})
    office.take(office.turn(3 * DAY, "coming_up"), office.turn(DAY, severity="info"))
    office.desk.work(3600)
    assert office.told() == []


def test_quiet_hours_hold_what_is_not_critical(tmp_path: Path) -> None:
    quiet = {"from": "00:00", "to": "23:59", "time_zone": "UTC"}
    office = office_of(tmp_path, quiet=quiet)
    severe = office.turn(deadline_id="deadline-2", severity="critical")
    office.take(office.turn(), severe)
    assert office.told() == ["T04 critical due shop1:b42"]
    morning = datetime.fromtimestamp(office.desk.clock.now, UTC).replace(hour=23, minute=59)
    office.desk.clock.now = morning.timestamp()
    office.desk.work(1)
    assert office.told() == ["T04 warn due shop1:b42"]


def test_many_of_one_kind_are_the_first_and_the_rest(tmp_path: Path) -> None:
    office = office_of(tmp_path, group_s=60)
    office.take(*(office.turn(deadline_id=f"d{n}") for n in range(5)))
    assert office.told() == ["T04 warn due shop1:b42"]
    office.desk.work(61)
    (summary,) = office.desk.receiver.lines
    assert "4 more deadlines of the same kind (warn ×4; T04 ×4)" in summary
    assert "同店同类另有4条时限提醒（" in summary
    assert "alert" not in summary and "预警" not in summary


def test_a_summary_says_how_much_of_it_are_deadlines(tmp_path: Path) -> None:
    office = office_of(tmp_path, {**ALL, "digest": {"every_s": 3600}})
    office.take(office.turn(), office.turn(deadline_id="d2"))
    office.revise(make_alert("9", detector="D01"))
    office.desk.work(3600)
    (summary,) = office.desk.receiver.lines
    assert "汇总，共1条预警和2条时限提醒（" in summary
    assert "Digest of 1 alert and 2 deadlines (" in summary


def test_a_turn_says_what_until_when_and_of_what_in_both_languages(tmp_path: Path) -> None:
    turn = office_of(tmp_path).turn(
        due_at=datetime(2026, 12, 11, 12, tzinfo=UTC),
        title=Text(zh="广告评价 13800138000", en="Advertising <!channel>"),
    )
    message = render_turn(turn, "both")
    assert message.title == (
        "T04 warn due shop1:b42 评价投诉受理期限 Complaints are accepted until then"
    )
    assert message.body.split("\n") == [
        "到期，最晚 2026-12-11 20:00 +0800",
        "Due, last moment 2026-12-11 20:00 +0800",
        "D18 广告评价 138*****000 Advertising ＜!\u200dchannel＞",
        alert_id("1"),
    ]
    assert message.tone == "warning"
    chinese = render_turn(turn, "zh")
    assert "Due" not in chinese.body and "accepted" not in chinese.title


def test_a_record_that_is_no_deadline_is_poison_and_quotes_nothing(tmp_path: Path) -> None:
    office = office_of(tmp_path)
    ledger = SqliteLedger(office.desk.path, "g")
    with pytest.raises(PoisonError) as refused:
        Turns(office.routes, ledger).take(Record("timers", 0, 0, None, b'{"turn_id": 13800138000}'))
    ledger.close()
    assert "138" not in str(refused.value)


class Source:
    """Records in memory, once."""

    def __init__(self, *records: Record) -> None:
        self.records = list(records)
        self.committed: dict[tuple[str, int], int] = {}

    def poll(self, _timeout_s: float) -> list[Record]:
        found, self.records = self.records, []
        return found

    def owns(self, _record: Record) -> bool:
        return True

    def commit(self, positions: Any) -> bool:
        self.committed |= positions
        return True

    def close(self) -> None:
        pass


def test_a_bad_turn_is_passed_over_and_one_that_fails_is_tried_again(tmp_path: Path) -> None:
    turn = office_of(tmp_path).turn()
    source = Source(Record("timers", 0, 0, None, b"no json"), record(turn, 1))
    bad: list[str] = []
    outcomes = iter([PoisonError("no_deadline", "x"), OSError("busy"), True])
    taken: list[Record] = []

    def take(given: Record) -> bool:
        taken.append(given)
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        subscriber.stop()
        return outcome

    subscriber = AlertSubscriber(
        source,
        MemoryLedger(),
        on_bad=lambda one: bad.append(one.reason),
        beside={"timers": take},
    )
    subscriber.run(lambda _alert: pytest.fail("no alert came"))
    assert [one.offset for one in taken] == [0, 1, 1]
    assert bad == ["no_deadline"]
    assert source.committed == {("timers", 0): 2}


@pytest.mark.parametrize("said", ["sometimes", "[]", "[T00]", "[T13]", "4"])
def test_deadlines_that_cannot_be_are_refused_at_start(tmp_path: Path, said: str) -> None:
    path = tmp_path / "routes.yaml"
    path.write_text(f"routes: [{{name: a, to: [console], deadlines: {said}}}]", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"routes\.0\.deadlines"):
        load_routes(Settings(notify_routes_path=path))
