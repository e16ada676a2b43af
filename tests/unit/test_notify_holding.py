"""What is not told at once: quiet hours, digests, groups and reminders. Nothing lost, nothing twice."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schemas.alerts import Alert
from streams.notify.intake import take
from streams.notify.routes import Routes
from streams.notify.service import Reporter, limits_of, repeating_channels
from streams.subscriber.ledger import open_database, transaction
from tests.desk import Broker, Desk, WeCom
from tests.factories import make_alert

NIGHT = {"from": "22:00", "to": "08:00"}
ALL = {"name": "all", "to": ["desk"]}
URGENT = {"name": "urgent", "to": ["desk"], "min_severity": "critical"}
DAILY = {"name": "daily", "to": ["desk"], "digest": {"at": "09:00"}}
HOURLY = {"name": "hourly", "to": ["desk"], "digest": {"every_s": 3600}}
AGAIN = {"name": "again", "to": ["desk"], "repeat_s": 1800}


def routes_of(*routes: dict[str, Any], **channel: Any) -> Routes:
    desk = {"url": "json://x", "group_s": 0, **channel}
    return Routes.model_validate({"channels": {"desk": desk}, "routes": routes or [ALL]})


class Office:
    """The desk with a routes file, and a clock on the wall in Shanghai."""

    def __init__(self, path: Path, routes: Routes) -> None:
        self.desk = Desk(path)
        self.path = path
        self.restart(routes)

    def restart(self, routes: Routes, known: tuple[str, ...] = ("desk",)) -> None:
        self.routes = routes
        self.desk.limits = limits_of(routes, "desk")
        self.desk.outbox.close()
        self.desk.start(known=known, repeating=repeating_channels(routes))

    def take(self, *alerts: Alert) -> None:
        """Alerts come, and what may be sent of them is."""
        self.desk.take(self.routes, *alerts)
        self.desk.work(1)

    def at(self, wall: str) -> None:
        """It becomes that time, today or tomorrow, and the sender works."""
        zone = ZoneInfo("Asia/Shanghai")
        now = datetime.fromtimestamp(self.desk.clock.now, zone)
        hour, minute = map(int, wall.split(":"))
        then = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        if then <= now:
            then += timedelta(days=1)
        self.desk.clock.now = then.timestamp()
        self.desk.work(2)

    def after(self, seconds: float) -> None:
        self.desk.clock.now += seconds
        self.desk.work(2)

    def told(self) -> list[str]:
        """The heads of what the receiver took since it was last asked; of summaries their counts."""
        lines, self.desk.receiver.lines = self.desk.receiver.lines, []
        return [
            " ".join(line.split(" ")[:4]) if re.match(r"D\d\d ", line) else line.split(" | ")[1]
            for line in lines
        ]

    def reports(self) -> list[tuple[str, str, int]]:
        """What was reported since it was last asked: status, alert and revision."""
        unpublished = self.desk.outbox.unpublished(100_000)
        if unpublished:
            self.desk.outbox.mark_published(unpublished[-1][0])
        return [(one.status, one.alert_id, one.revision) for _, one in unpublished]

    def counts(self) -> tuple[float | None, float | None]:
        """The metrics of what waits and of what is held."""
        limits = {"desk": self.desk.limits}
        Reporter(self.desk.outbox, Broker(), self.desk.metrics, limits, self.desk.clock).step()
        value = self.desk.metrics.registry.get_sample_value
        names = ("orderwatch_notifications_waiting", "orderwatch_notifications_held")
        waiting, held = (value(name, {"channel": "desk"}) for name in names)
        return waiting, held


def warn(key: str, revision: int = 1, **fields: Any) -> Alert:
    return make_alert(key, buyer=key, revision=revision, **fields)


def critical(key: str, revision: int = 1, **fields: Any) -> Alert:
    return make_alert(key, buyer=key, revision=revision, severity="critical", **fields)


def over(key: str, revision: int = 2, change: str = "resolved", **fields: Any) -> Alert:
    return make_alert(key, buyer=key, revision=revision, change=change, status=change, **fields)


def ids(*alerts: Alert) -> set[tuple[str, int]]:
    return {(alert.alert_id, alert.revision) for alert in alerts}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "notify.db"


@pytest.fixture
def night(path: Path) -> Office:
    """At 23:00, in quiet hours from 22:00 to 08:00."""
    office = Office(path, routes_of(quiet=NIGHT))
    office.at("23:00")
    return office


# Quiet hours


def test_what_comes_in_quiet_hours_is_one_message_at_their_end_and_critical_passes(
    night: Office,
) -> None:
    night.take(warn("a"), critical("b"))
    night.at("02:00")
    night.take(warn("c", detector="D08"))
    night.at("07:59")
    assert night.told() == ["D01 critical opened shop1:b"]
    night.reports()
    night.at("08:00")
    assert night.told() == ["2 alerts from the quiet hours (warn ×2; D01 ×1, D08 ×1)"]
    told = {
        (alert, revision) for status, alert, revision in night.reports() if status == "delivered"
    }
    assert told == ids(warn("a"), warn("c"))
    night.at("09:00")
    assert night.told() == []


def test_a_single_one_is_told_as_itself(night: Office) -> None:
    night.take(warn("a"))
    night.at("08:00")
    assert night.told() == ["D01 warn opened shop1:a"]


def test_the_summary_quotes_which_alerts_it_is_about(night: Office) -> None:
    night.take(warn("a"), critical("n"), warn("b"))
    night.desk.receiver.lines = []
    night.at("08:00")
    (line,) = night.desk.receiver.lines
    assert f"D01 warn opened shop1:a {warn('a').title.zh}" in line
    assert f"{warn('a').alert_id}:1" in line
    assert f"{warn('b').alert_id}:1" in line


@pytest.mark.parametrize("change", ["resolved", "retracted"])
def test_what_is_over_before_anybody_was_told_is_not_told(night: Office, change: str) -> None:
    night.take(warn("a"))
    night.take(over("a", change=change))
    assert night.counts() == (0, 0)
    night.at("08:00")
    assert night.told() == []
    assert night.reports() == []


def test_what_expired_before_anybody_was_told_is_told_as_expired(night: Office) -> None:
    """It was never settled, and nobody knows of it."""
    night.take(warn("a"))
    night.take(over("a", change="expired"))
    night.at("08:00")
    assert night.told() == ["D01 warn expired shop1:a"]


def test_good_news_wakes_nobody_and_is_told_in_the_morning(path: Path) -> None:
    office = Office(path, routes_of(quiet=NIGHT))
    office.take(critical("a"))
    office.told()
    office.at("23:00")
    office.take(over("a", severity="critical"))
    assert office.told() == []
    office.at("08:00")
    assert office.told() == ["D01 critical resolved shop1:a"]


def test_good_news_of_the_night_is_one_message(path: Path) -> None:
    office = Office(path, routes_of(quiet=NIGHT))
    office.take(critical("a"), critical("b"))
    office.told()
    office.at("23:00")
    office.take(over("a", severity="critical"), over("b", severity="critical"))
    office.at("08:00")
    assert office.told() == ["2 alerts from the quiet hours (resolved ×2; D01 ×2)"]


def test_the_newest_of_what_was_known_is_told(night: Office) -> None:
    night.take(warn("a"), warn("a", 2, change="updated"))
    night.take(warn("a", 3, change="updated"))
    assert night.counts() == (0, 1)
    night.at("08:00")
    assert night.told() == ["D01 warn updated shop1:a"]
    assert night.reports() == [("delivered", warn("a").alert_id, 3)]


def test_what_became_milder_than_the_route_wants_is_not_told(path: Path) -> None:
    office = Office(path, routes_of(ALL | {"min_severity": "warn"}, quiet=NIGHT))
    office.at("23:00")
    office.take(warn("a"), warn("b"))
    office.take(make_alert("a", buyer="a", revision=2, change="updated", severity="info"))
    office.at("08:00")
    assert office.told() == ["D01 warn opened shop1:b"]


def test_what_came_back_is_told_once(path: Path) -> None:
    """Resolved and reopened at night: who heard of it in the evening is told where it stands."""
    office = Office(path, routes_of(quiet=NIGHT))
    office.take(warn("a"))
    office.told()
    office.at("23:00")
    office.take(over("a"), warn("a", 3, change="reopened"))
    office.at("08:00")
    assert office.told() == ["D01 warn reopened shop1:a"]


def test_what_is_not_so_any_more_is_not_told_where_the_end_of_it_is_not_wanted(path: Path) -> None:
    office = Office(path, routes_of(ALL | {"changes": ["opened", "resolved"]}, quiet=NIGHT))
    office.take(warn("a"))
    office.told()
    office.at("23:00")
    office.take(over("a"), warn("a", 3, change="reopened"))
    office.at("08:00")
    assert office.told() == []


def test_what_the_shop_came_to_allow_at_night_is_not_told_in_the_morning_but_its_end_is(
    path: Path,
) -> None:
    office = Office(path, routes_of(quiet=NIGHT | {"except": "nothing"}))
    office.take(warn("a"), warn("b"))
    office.told()
    office.at("23:00")
    office.take(critical("a", 2, change="escalated"), over("b"))
    office.take(critical("a", 3, change="updated", suppressed_by="allow: wholesaler"))
    ended = {"status": "resolved", "suppressed_by": "allow: wholesaler"}
    office.take(warn("b", 3, change="updated", **ended))
    office.at("08:00")
    assert office.told() == ["D01 warn resolved shop1:b"]


def test_an_escalation_at_night_is_told_at_once_and_not_again_in_the_morning(
    night: Office,
) -> None:
    night.take(warn("a"))
    night.take(critical("a", 2, change="escalated"))
    assert night.told() == ["D01 critical escalated shop1:a"]
    night.at("08:00")
    assert night.told() == []


def test_a_restart_at_night_loses_nothing_and_tells_nothing_twice(night: Office) -> None:
    night.take(warn("a"), warn("b"))
    night.restart(night.routes)
    night.take(warn("a"), warn("c"))
    night.at("08:00")
    assert night.told() == ["3 alerts from the quiet hours (warn ×3; D01 ×3)"]
    night.restart(night.routes)
    night.at("08:30")
    assert night.told() == []


def test_quiet_hours_that_are_taken_out_of_the_file_end_at_the_next_start(night: Office) -> None:
    night.take(warn("a"), warn("b"))
    night.restart(routes_of())
    night.after(0)
    assert night.told() == ["2 alerts from the quiet hours (warn ×2; D01 ×2)"]


def test_what_is_held_for_a_channel_that_is_gone_is_given_up_visibly(night: Office) -> None:
    night.take(warn("a"))
    night.restart(routes_of(), known=("other",))
    assert night.reports() == [("gave_up", warn("a").alert_id, 1)]


def test_a_channel_that_is_down_in_the_morning_gets_the_summary_later_and_once(
    night: Office,
) -> None:
    night.take(warn("a"), warn("b"))
    night.desk.receiver.refusals = 3
    night.at("08:00")
    night.restart(night.routes)
    night.take(over("a"))
    night.desk.work(60)
    assert night.told() == [
        "2 alerts from the quiet hours (warn ×2; D01 ×2)",
        # Later revisions wait for earlier ones.
        "D01 warn resolved shop1:a",
    ]
    assert [one for one in night.reports() if one[0] == "delivered"] == [
        ("delivered", warn("a").alert_id, 1),
        ("delivered", warn("b").alert_id, 1),
        ("delivered", warn("a").alert_id, 2),
    ]


def test_patience_with_a_channel_begins_when_it_may_be_told(path: Path) -> None:
    office = Office(path, routes_of(quiet=NIGHT, give_up_after_s=60))
    office.at("23:00")
    office.take(warn("a"))
    office.desk.receiver.refusals = 2
    office.at("08:00")
    office.desk.work(20)
    assert office.told() == ["D01 warn opened shop1:a"]


def test_what_was_refused_in_the_evening_is_not_tried_at_night(path: Path) -> None:
    office = Office(path, routes_of(quiet=NIGHT, max_per_minute=2))
    office.desk.receiver.refusals = 1000
    # One is tried, and the others have become a summary.
    office.take(warn("a"), warn("b"), warn("c"))
    office.desk.work(10)
    office.at("22:00")
    office.desk.receiver.refusals = 0
    office.at("03:00")
    assert office.told() == []
    assert office.counts() == (0, 4)
    office.at("08:00")
    assert office.counts() == (0, 0)
    assert len(office.told()) == 2


def test_a_storm_at_night_covers_what_may_be_told_only(path: Path) -> None:
    office = Office(path, routes_of(quiet=NIGHT, max_per_minute=2))
    office.desk.receiver.refusals = 1000
    office.take(warn("evening"))
    office.at("23:00")
    office.desk.receiver.refusals = 0
    office.take(*(critical(str(n)) for n in range(5)))
    assert office.told() == [
        "D01 critical opened shop1:0",
        "Too many notifications: 4 more were not sent one by one (critical ×4; D01 ×4)",
    ]


def test_nothing_may_pass(path: Path) -> None:
    office = Office(path, routes_of(quiet=NIGHT | {"except": "nothing"}))
    office.at("23:00")
    office.take(critical("a"))
    assert office.told() == []
    office.at("08:00")
    assert office.told() == ["D01 critical opened shop1:a"]


def test_a_day_of_quiet_but_for_a_minute_is_told_in_that_minute(path: Path) -> None:
    office = Office(path, routes_of(quiet={"from": "08:01", "to": "08:00"}))
    office.at("08:30")
    office.take(warn("a"), warn("b"))
    office.at("07:59")
    assert office.told() == []
    office.at("08:00")
    assert office.told() == ["2 alerts from the quiet hours (warn ×2; D01 ×2)"]


@pytest.mark.parametrize("jump_s", [-12 * 3600, 9 * 3600, 400 * 86_400 + 9 * 3600])
def test_a_clock_that_jumps_out_of_the_quiet_hours_ends_them(night: Office, jump_s: float) -> None:
    night.take(warn("a"), warn("b"))
    night.after(jump_s)
    assert night.told() == ["2 alerts from the quiet hours (warn ×2; D01 ×2)"]


# Digests


def test_a_digest_is_one_message_a_day(path: Path) -> None:
    office = Office(path, routes_of(DAILY))
    office.take(warn("a"), make_alert("b", severity="info", detector="D08"))
    office.at("08:59")
    assert office.told() == []
    assert office.counts() == (0, 2)
    office.at("09:00")
    assert office.told() == ["Digest of 2 alerts (warn ×1, info ×1; D01 ×1, D08 ×1)"]
    assert [status for status, _, _ in office.reports()] == ["delivered"] * 2
    office.take(warn("c"))
    office.at("10:00")
    assert office.told() == []
    office.at("09:00")
    assert office.told() == ["D01 warn opened shop1:c"]


def test_ten_thousand_alerts_are_one_digest_that_the_receiver_takes(path: Path) -> None:
    office = Office(path, routes_of(DAILY))
    office.desk.receiver = WeCom()
    office.restart(office.routes)
    alerts = [make_alert(str(n), buyer=f"{'买' * 100}{n}", orders=1) for n in range(10_000)]
    with closing(open_database(path)) as connection, transaction(connection):
        for alert in alerts:
            take(connection, office.routes, alert, office.desk.clock.now)
    office.at("09:00")
    assert office.told() == ["Digest of 10000 alerts (warn ×10000; D01 ×10000)"]
    told = {(alert, revision) for _, alert, revision in office.reports()}
    assert told == ids(*alerts)


def test_what_escalates_while_it_waits_for_the_digest_is_told_now_and_once(path: Path) -> None:
    office = Office(path, routes_of(DAILY, URGENT))
    office.take(make_alert("a", severity="info"), warn("b"))
    office.take(make_alert("a", revision=2, change="escalated", severity="critical"))
    assert office.told() == ["D01 critical escalated shop1:b42"]
    office.at("09:00")
    assert office.told() == ["D01 warn opened shop1:b"]


def test_what_is_resolved_while_it_waits_for_the_digest_is_not_in_it(path: Path) -> None:
    office = Office(path, routes_of(DAILY))
    office.take(warn("a"), warn("b"))
    office.take(over("a"))
    office.at("09:00")
    assert office.told() == ["D01 warn opened shop1:b"]
    office.take(over("b"), warn("c"))
    office.at("09:00")
    assert office.told() == ["Digest of 2 alerts (warn ×1, resolved ×1; D01 ×2)"]


def test_a_digest_that_is_updated_all_the_time_is_sent_in_time(path: Path) -> None:
    office = Office(path, routes_of(HOURLY))
    office.take(warn("a"))
    for revision in range(2, 8):
        office.after(590)
        assert office.told() == []
        office.take(warn("a", revision, change="updated"))
    office.after(100)
    assert office.told() == ["D01 warn updated shop1:a"]
    assert office.reports() == [("delivered", warn("a").alert_id, 7)]


@pytest.mark.parametrize(
    ("routes", "at", "told"),
    [
        # Whoever wants it now gets it now.
        ((DAILY, ALL), 0, True),
        ((DAILY, HOURLY), 0, False),
        # Of two digests the next one tells it.
        ((DAILY, HOURLY), 3601, True),
    ],
)
def test_of_routes_that_overlap_the_soonest_tells_it(
    path: Path, routes: tuple[dict[str, Any], ...], at: float, told: bool
) -> None:
    office = Office(path, routes_of(*routes))
    office.take(warn("a"))
    office.after(at)
    assert (office.told() == ["D01 warn opened shop1:a"]) is told
    office.at("09:00")
    assert (office.told() == []) is told or at == 0


def test_a_digest_that_falls_into_quiet_hours_waits_for_their_end(path: Path) -> None:
    office = Office(path, routes_of(HOURLY, quiet=NIGHT))
    office.take(warn("a"), warn("b"))
    office.at("23:30")
    assert office.told() == []
    office.at("08:00")
    assert office.told() == ["Digest of 2 alerts (warn ×2; D01 ×2)"]


def test_a_digest_planned_by_a_wrong_clock_does_not_wait_for_its_year(path: Path) -> None:
    office = Office(path, routes_of(DAILY))
    office.desk.clock.now += 10 * 365 * 86_400
    office.take(warn("a"))
    office.after(-10 * 365 * 86_400)
    assert office.told() == ["D01 warn opened shop1:a"]


def test_a_summary_does_not_overtake_what_is_still_on_its_way(path: Path) -> None:
    office = Office(path, routes_of(URGENT, DAILY))
    office.desk.receiver.refusals = 1000
    office.take(critical("a"), critical("b"))
    office.restart(routes_of(DAILY))
    office.take(
        over("a", severity="critical"), over("b", severity="critical"), warn("c"), warn("d")
    )
    office.at("09:00")
    office.desk.receiver.refusals = 0
    office.desk.work(400)
    delivered = [one[1:] for one in office.reports() if one[0] == "delivered"]
    assert len(delivered) == 6
    assert set(delivered) == ids(
        *(critical("a"), critical("b"), over("a"), over("b"), warn("c"), warn("d"))
    )
    for key in ("a", "b"):
        opened, resolved = (critical(key).alert_id, 1), (critical(key).alert_id, 2)
        assert delivered.index(opened) < delivered.index(resolved)


def test_a_digest_whose_names_are_refused_is_sent_without_them(path: Path) -> None:
    office = Office(path, routes_of(DAILY))
    office.desk.receiver = WeCom(refused_word="shop1:bad")
    office.restart(office.routes)
    office.take(warn("bad1"), warn("bad2"))
    office.at("09:00")
    office.desk.work(60)
    (line,) = office.desk.receiver.lines
    assert line.endswith("Digest of 2 alerts (warn ×2; D01 ×2)")


# Groups


def late(n: int, **fields: Any) -> Alert:
    return critical(f"o{n}", detector="D34", **fields)


def test_a_warehouse_that_stops_is_two_messages(path: Path) -> None:
    office = Office(path, routes_of(group_s=60))
    office.take(*(late(n) for n in range(300)))
    assert office.told() == ["D34 critical opened shop1:o0"]
    office.after(50)
    assert office.told() == []
    office.after(10)
    assert office.told() == ["299 more alerts of the same kind (critical ×299; D34 ×299)"]
    assert [status for status, _, _ in office.reports()] == ["delivered"] * 300


def test_grouping_is_on_by_default_and_a_lone_alert_does_not_wait(path: Path) -> None:
    routes = Routes.model_validate({"channels": {"desk": {"url": "json://x"}}, "routes": [ALL]})
    office = Office(path, routes)
    office.take(late(1))
    assert office.told() == ["D34 critical opened shop1:o1"]
    office.after(30)
    office.take(late(2))
    assert office.told() == []
    office.after(30)
    # No longer than the window, and as itself.
    assert office.told() == ["D34 critical opened shop1:o2"]


@pytest.mark.parametrize(
    "other", [{"shop": "shop2"}, {"detector": "D01"}, {"severity": "warn"}, {"change": "retracted"}]
)
def test_a_group_is_of_one_shop_detector_and_severity(path: Path, other: dict[str, Any]) -> None:
    office = Office(path, routes_of(group_s=60))
    status = other.get("change", "open")
    fields = {"detector": "D34", "severity": "critical", "status": status} | other
    office.take(late(1), make_alert("other", **fields))
    assert len(office.told()) == 2


def test_the_end_of_many_is_told_together_too(path: Path) -> None:
    office = Office(path, routes_of(group_s=60))
    office.take(*(late(n) for n in range(5)))
    office.after(60)
    office.told()
    office.take(*(over(f"o{n}", detector="D34", severity="critical") for n in range(5)))
    office.after(60)
    assert office.told() == [
        "D34 critical resolved shop1:o0",
        "4 more alerts of the same kind (resolved ×4; D34 ×4)",
    ]


def test_what_never_ends_is_one_message_a_window(path: Path) -> None:
    office = Office(path, routes_of(group_s=60))
    for n in range(60):
        office.take(late(n))
        office.after(7)
    # These are ten minutes: the first, and then one each.
    assert len(office.told()) == 11


def test_a_group_survives_a_restart(path: Path) -> None:
    office = Office(path, routes_of(group_s=60))
    office.take(late(1), late(2), late(3))
    office.restart(office.routes)
    office.take(late(3), late(4))
    office.after(60)
    assert office.told() == [
        "D34 critical opened shop1:o1",
        "3 more alerts of the same kind (critical ×3; D34 ×3)",
    ]


def test_a_crash_while_a_summary_is_sent_repeats_it_and_says_so(path: Path) -> None:
    office = Office(path, routes_of(group_s=60))
    office.take(late(1), late(2), late(3))
    office.told()
    office.desk.receiver.dies_after_taking = True
    with pytest.raises(KeyboardInterrupt):
        office.after(60)
    office.desk.receiver.dies_after_taking = False
    office.restart(office.routes)
    office.after(0)
    assert ["may be a repeat" in line for line in office.desk.receiver.lines] == [False, True]
    assert [one[0] for one in office.reports()] == ["delivered"] * 3


def test_what_comes_while_the_channel_is_down_joins_what_waits(path: Path) -> None:
    office = Office(path, routes_of(group_s=60))
    office.desk.receiver.refusals = 2
    office.desk.take(office.routes, late(1), late(2))
    office.desk.sender.step()
    # Nothing is taken out of the group while its channel pauses.
    office.desk.clock.now += 100
    office.desk.take(office.routes, late(3))
    office.desk.work(30)
    assert office.told() == [
        "D34 critical opened shop1:o1",
        "2 more alerts of the same kind (critical ×2; D34 ×2)",
    ]


def test_a_clock_that_is_set_back_opens_the_group_anew(path: Path) -> None:
    office = Office(path, routes_of(group_s=60))
    office.take(late(1), late(2))
    office.after(-86_400)
    office.take(late(3))
    assert office.told() == [
        "D34 critical opened shop1:o1",
        "D34 critical opened shop1:o2",
    ]
    office.after(60)
    assert office.told() == ["D34 critical opened shop1:o3"]
    office.after(-86_400)
    office.take(late(4))
    assert office.told() == ["D34 critical opened shop1:o4"]


def test_groups_are_forgotten_after_a_week(path: Path) -> None:
    office = Office(path, routes_of(group_s=60))

    def rows() -> int:
        office.counts()
        with closing(open_database(path)) as connection:
            (count,) = connection.execute("SELECT count(*) FROM grouped").fetchone()
        return int(count)

    office.take(late(1), warn("a"))
    office.after(6 * 86_400)
    assert rows() == 2
    office.after(2 * 86_400)
    # A reporter that starts prunes at once.
    assert rows() == 0


def test_a_group_that_quiet_hours_catch_is_told_with_the_rest(path: Path) -> None:
    office = Office(path, routes_of(group_s=3600, quiet=NIGHT))
    office.at("21:59")
    office.take(*(warn(f"a{n}") for n in range(3)))
    assert office.told() == ["D01 warn opened shop1:a0"]
    office.at("23:30")
    office.take(warn("b", detector="D08"))
    assert office.told() == []
    office.at("08:00")
    assert office.told() == ["3 alerts from the quiet hours (warn ×3; D01 ×2, D08 ×1)"]


def test_an_escalation_does_not_wait_for_its_milder_group(path: Path) -> None:
    office = Office(path, routes_of(group_s=60))
    office.take(warn("a"), warn("b"))
    office.take(critical("b", 2, change="escalated"))
    office.after(60)
    assert office.told() == ["D01 warn opened shop1:a", "D01 critical escalated shop1:b"]


# Reminders


def test_what_stays_open_is_told_again_so_often(path: Path) -> None:
    office = Office(path, routes_of(AGAIN | {"repeat_times": 2}))
    office.take(warn("a"))
    office.told()
    for expected in (True, True, False):
        office.after(1700)
        assert office.told() == []
        office.after(100)
        assert ("still open" in "".join(office.desk.receiver.lines)) is expected
        assert office.told() == ["D01 warn opened shop1:a"] * expected
    reports = office.reports()
    assert reports == [("delivered", warn("a").alert_id, 1)] * 3


def test_each_reminder_is_a_notification_of_its_own(path: Path) -> None:
    office = Office(path, routes_of(AGAIN))
    office.take(warn("a"))
    office.after(1800)
    office.after(1800)
    reports = [report for _, report in office.desk.outbox.unpublished()]
    assert len({report.notification_id for report in reports}) == len(reports) == 3


@pytest.mark.parametrize("change", ["resolved", "retracted", "expired"])
def test_what_is_over_is_not_told_again(path: Path, change: str) -> None:
    office = Office(path, routes_of(AGAIN | {"changes": ["opened"]}))
    office.take(warn("a"))
    office.take(over("a", change=change))
    office.told()
    office.after(1800)
    assert office.told() == []


def test_what_is_suppressed_is_not_told_again(path: Path) -> None:
    office = Office(path, routes_of(AGAIN))
    office.take(warn("a"), warn("a", 2, change="updated", suppressed_by="snooze"))
    office.told()
    office.after(1800)
    assert office.told() == []


def test_nothing_is_told_again_by_default(path: Path) -> None:
    office = Office(path, routes_of())
    office.take(warn("a"))
    office.told()
    office.after(86_400)
    assert office.told() == []


def test_a_reminder_says_what_is_true_now(path: Path) -> None:
    office = Office(path, routes_of(AGAIN))
    office.take(warn("a"))
    office.take(warn("a", 2, change="updated"))
    office.told()
    office.after(1800)
    assert office.told() == ["D01 warn updated shop1:a"]
    assert office.reports()[-1] == ("delivered", warn("a").alert_id, 2)


def test_what_became_milder_than_its_route_is_not_told_again(path: Path) -> None:
    office = Office(path, routes_of(AGAIN | {"min_severity": "critical"}))
    office.take(critical("a"))
    office.take(warn("a", 2, change="updated"))
    office.told()
    office.after(1800)
    assert office.told() == []


def test_the_time_until_a_reminder_begins_when_the_channel_took_it(path: Path) -> None:
    office = Office(path, routes_of(AGAIN))
    office.desk.receiver.refusals = 8
    office.take(warn("a"))
    while office.desk.receiver.refusals:
        assert office.told() == []
        office.after(300)
    office.after(300)
    assert office.told() == ["D01 warn opened shop1:a"]
    office.after(1700)
    assert office.told() == []
    office.after(100)
    assert office.told() == ["D01 warn opened shop1:a"]


def test_many_reminders_are_one_message(path: Path) -> None:
    office = Office(path, routes_of(AGAIN, group_s=60))
    office.take(*(late(n) for n in range(30)))
    office.after(60)
    office.told()
    office.after(1900)
    assert office.told() == ["Reminder: 30 alerts are still open (critical ×30; D34 ×30)"]


def test_reminders_keep_quiet_hours(path: Path) -> None:
    office = Office(path, routes_of(AGAIN, quiet=NIGHT))
    office.take(warn("a"), critical("b"))
    office.told()
    office.at("23:00")
    assert office.told() == ["D01 critical opened shop1:b"]
    office.at("08:00")
    assert office.told() == ["Reminder: 2 alerts are still open (critical ×1, warn ×1; D01 ×2)"]


def test_what_waits_is_not_told_again_before_it_was_told(path: Path) -> None:
    office = Office(path, routes_of(DAILY | {"repeat_s": 3600}))
    office.take(warn("a"))
    office.at("08:59")
    assert office.told() == []
    office.at("09:00")
    office.after(3500)
    assert office.told() == ["D01 warn opened shop1:a"]
    office.after(100)
    assert office.told() == ["D01 warn opened shop1:a"]


def test_reminders_end_when_the_routes_file_asks_for_none(path: Path) -> None:
    office = Office(path, routes_of(AGAIN))
    office.take(warn("a"))
    office.told()
    office.restart(office.routes)
    office.after(1800)
    assert len(office.told()) == 1
    office.restart(routes_of())
    office.after(1800)
    assert office.told() == []


def test_a_reminder_planned_by_a_wrong_clock_does_not_wait_for_its_year(path: Path) -> None:
    office = Office(path, routes_of(AGAIN))
    office.desk.clock.now += 10 * 365 * 86_400
    office.take(warn("a"))
    office.told()
    office.after(-10 * 365 * 86_400)
    assert office.told() == ["D01 warn opened shop1:a"]
