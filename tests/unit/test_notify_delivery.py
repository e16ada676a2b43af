"""The outbox and its senders: nothing lost, nothing twice, in order, within the rate."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.outputs import Notification
from streams.notify.metrics import NotifyMetrics
from streams.notify.routes import Route, Routes
from streams.notify.service import Reporter, counting, enqueuer
from streams.subscriber.ledger import SqliteLedger, open_database
from tests.desk import Broker, Desk, WeCom, heads
from tests.factories import envelope, make_alert


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "notify.db"


def test_what_is_taken_is_counted_whether_anybody_is_told_or_not(path: Path) -> None:
    desk = Desk(path)
    ledger = SqliteLedger(path, "g")
    metrics = NotifyMetrics()
    handle = counting(enqueuer(Routes(routes=[]), ledger, desk.clock), metrics)
    value = metrics.registry.get_sample_value
    assert value("orderwatch_notify_alerts_total") == 0.0
    with ledger.handling("a", 1):
        handle(envelope(make_alert()))
    assert value("orderwatch_notify_alerts_total") == 1.0
    assert desk.outbox.waiting() == {}
    ledger.close()


def test_the_next_one_is_found_however_many_wait(path: Path) -> None:
    """A storm on the console has no limit: in steps of SQLite's machine, which no load changes."""
    desk = Desk(path)

    def claimed_in_steps() -> int:
        steps: list[None] = []
        desk.outbox._connection.set_progress_handler(lambda: steps.append(None), 1)
        assert desk.outbox.claim("desk", None, desk.clock.now) is not None
        desk.outbox._connection.set_progress_handler(None, 1)
        return len(steps)

    desk.add(*(make_alert(f"few{n}") for n in range(10)))
    few = claimed_in_steps()
    desk.add(*(make_alert(f"many{n}") for n in range(1_000)))
    assert claimed_in_steps() < 2 * few


def test_an_alert_is_enqueued_once_per_channel_with_the_mark_of_its_revision(path: Path) -> None:
    desk = Desk(path)
    routes = Routes(
        routes=[Route(name="a", to=["console", "desk"]), Route(name="b", to=["desk"])],
        channels={"desk": {"url": "json://x"}},
    )
    ledger = SqliteLedger(path, "g")
    handle = enqueuer(routes, ledger, desk.clock)
    for _ in range(2):
        with ledger.handling("a", 1) as is_new:
            handle(envelope(make_alert()))
    assert not is_new
    assert desk.outbox.waiting() == {"console": 1, "desk": 1}
    ledger.close()


def test_a_delivery_is_sent_once_and_reported(path: Path) -> None:
    desk = Desk(path)
    desk.add(make_alert(), make_alert())
    desk.work(5)
    assert heads(desk.receiver) == ["D01 warn opened shop1:b42"]
    assert desk.reports() == [("delivered", 1, 1)]
    assert desk.outbox.waiting() == {}


def test_a_receiver_that_answers_500_then_200_over_a_restart_gets_it_exactly_once(
    path: Path,
) -> None:
    desk = Desk(path)
    desk.receiver.refusals = 1
    desk.add(make_alert())
    desk.sender.step()
    desk.outbox.close()
    desk.start()
    desk.work(10)
    assert len(desk.receiver.lines) == 1
    assert "repeat" not in desk.receiver.lines[0]
    assert desk.reports() == [("failed", 1, 1), ("delivered", 1, 2)]


def test_a_crash_between_send_and_record_repeats_and_says_so(path: Path) -> None:
    desk = Desk(path)
    desk.receiver.dies_after_taking = True
    desk.add(make_alert())
    with pytest.raises(KeyboardInterrupt):
        desk.sender.step()
    desk.receiver.dies_after_taking = False
    desk.start()
    desk.work(5)
    assert ["may be a repeat" in line for line in desk.receiver.lines] == [False, True]
    assert desk.reports() == [("delivered", 1, 2)]


def test_a_channel_that_skips_after_a_crash_is_told_at_most_once(path: Path) -> None:
    desk = Desk(path)
    desk.receiver.dies_after_taking = True
    desk.add(make_alert())
    with pytest.raises(KeyboardInterrupt):
        desk.sender.step()
    desk.start(skip=["desk"])
    desk.work(5)
    assert len(desk.receiver.lines) == 1
    assert desk.reports() == [("gave_up", 1, 1)]


def test_what_waits_for_a_channel_that_is_gone_is_given_up_visibly(path: Path) -> None:
    desk = Desk(path)
    desk.add(make_alert())
    desk.start(known=["other"])
    assert desk.reports() == [("gave_up", 1, 1)]
    assert desk.outbox.waiting() == {}


def test_a_failing_channel_is_tried_with_growing_pauses_until_its_patience_ends(
    path: Path,
) -> None:
    desk = Desk(path, patience_s=100)
    desk.receiver.refusals = 1000
    desk.add(make_alert())
    desk.work(1000)
    statuses = [status for status, _, _ in desk.reports()]
    assert statuses == ["failed"] * 7 + ["gave_up"]
    assert desk.receiver.refusals == 1000 - 8


def test_a_channel_that_was_down_for_days_takes_what_waited(path: Path) -> None:
    desk = Desk(path, patience_s=30 * 86_400)
    desk.receiver.refusals = 10_000
    desk.add(make_alert())
    desk.work(4 * 86_400)
    assert desk.receiver.lines == []
    desk.receiver.refusals = 0
    desk.work(300)
    assert len(desk.receiver.lines) == 1


def test_a_clock_that_is_set_back_silences_no_channel(path: Path) -> None:
    desk = Desk(path, per_minute=5)
    desk.add(*(make_alert(str(n), buyer=f"b{n}") for n in range(5)))
    desk.work(1)
    desk.add(make_alert("before", buyer="before"))
    desk.clock.now -= 3600
    desk.add(make_alert("after", buyer="after"))
    desk.work(10)
    assert [line.split()[3] for line in desk.receiver.lines[5:]] == ["shop1:before", "shop1:after"]


@pytest.mark.parametrize("clock_error_s", [0, 86_400])
def test_what_a_channel_refuses_for_good_holds_nothing_else_up(
    path: Path, clock_error_s: float
) -> None:
    """Else one notification that the receiver does not like silences it for a day."""
    desk = Desk(path, patience_s=1800)
    desk.receiver = WeCom(refused_word="hopeless")
    desk.start()
    desk.add(*(make_alert(f"no{n}", severity="critical", buyer=f"hopeless{n}") for n in range(3)))
    desk.clock.now -= clock_error_s
    desk.add(*(make_alert(str(n), buyer=f"b{n}") for n in range(3)))
    desk.work(60)
    assert len(desk.receiver.lines) == 3
    desk.work(900)
    desk.add(make_alert("later", buyer="later"))
    desk.work(10)
    assert len(desk.receiver.lines) == 4
    # Patience with it goes by the time of its tries, also where it was queued by a wrong clock.
    desk.work(1800)
    assert [status for status, _, _ in desk.reports()].count("gave_up") == 3


def test_a_later_revision_waits_for_the_earlier_one(path: Path) -> None:
    desk = Desk(path)
    desk.receiver.refusals = 1
    desk.add(
        make_alert(severity="warn"),
        make_alert(revision=2, severity="critical", change="escalated"),
        make_alert("other", buyer="b7", severity="info"),
    )
    desk.work(30)
    assert heads(desk.receiver) == [
        # After a refusal another one shows whether the channel takes anything.
        "D01 info opened shop1:b7",
        "D01 warn opened shop1:b42",
        "D01 critical escalated shop1:b42",
    ]


def test_a_storm_becomes_one_summary_and_the_critical_ones_go_first(path: Path) -> None:
    desk = Desk(path, per_minute=4)
    warns = [make_alert(f"w{n}", buyer=f"w{n}") for n in range(50)]
    criticals = [make_alert(f"c{n}", buyer=f"c{n}", severity="critical") for n in range(2)]
    desk.add(*warns, *criticals)
    desk.work(30)
    assert heads(desk.receiver)[:3] == [
        "D01 critical opened shop1:c0",
        "D01 critical opened shop1:c1",
        "D01 warn opened shop1:w0",
    ]
    assert len(desk.receiver.lines) == 4
    assert "49 more were not sent one by one (warn ×49; D01 ×49)" in desk.receiver.lines[3]
    assert [status for status, _, _ in desk.reports()] == ["delivered"] * 52
    desk.add(make_alert("after", buyer="after"))
    desk.work(20)
    assert len(desk.receiver.lines) == 4
    desk.work(60)
    assert heads(desk.receiver)[4:] == ["D01 warn opened shop1:after"]


def test_what_is_over_does_not_stand_before_what_is_open(path: Path) -> None:
    desk = Desk(path, per_minute=3)
    over = [
        make_alert(
            f"r{n}", buyer=f"r{n}", severity="critical", change="resolved", status="resolved"
        )
        for n in range(5)
    ]
    desk.add(*over, make_alert("w", buyer="w"), make_alert("c", buyer="c", severity="critical"))
    desk.work(30)
    assert heads(desk.receiver)[:2] == [
        "D01 critical opened shop1:c",
        "D01 warn opened shop1:w",
    ]
    assert "5 more were not sent one by one (resolved ×5; D01 ×5)" in desk.receiver.lines[2]


def test_a_summary_that_fails_is_sent_again_over_a_restart(path: Path) -> None:
    desk = Desk(path, per_minute=1)
    desk.add(*(make_alert(f"{n}", buyer=f"b{n}") for n in range(3)))
    desk.receiver.refusals = 1
    desk.sender.step()
    assert desk.outbox.waiting() == {"desk": 4}
    desk.start()
    desk.work(120)
    assert len(desk.receiver.lines) == 1
    assert [s for s, _, _ in desk.reports()] == ["failed"] * 3 + ["delivered"] * 3


def test_a_storm_of_long_names_is_told_in_a_summary_that_the_receiver_takes(path: Path) -> None:
    desk = Desk(path, per_minute=4)
    desk.receiver = WeCom()
    desk.start()
    desk.add(
        *(make_alert(f"{n}", buyer=f"{'买' * 110}{n}", severity="critical") for n in range(40))
    )
    desk.work(60)
    assert "37 more were not sent one by one" in desk.receiver.lines[3]
    assert [status for status, _, _ in desk.reports()] == ["delivered"] * 40
    assert desk.outbox.waiting() == {}


def test_a_summary_that_is_refused_for_a_name_is_sent_without_names(path: Path) -> None:
    desk = Desk(path, per_minute=1)
    desk.receiver = WeCom(refused_word="shop1:bad")
    desk.start()
    desk.add(*(make_alert(f"{n}", buyer=f"bad{n}", severity="critical") for n in range(3)))
    # The same after a crash, whose attempt nobody recorded.
    desk.outbox.claim("desk", 1, desk.clock.now)
    desk.start()
    desk.work(300)
    (line,) = desk.receiver.lines
    assert "3 more were not sent one by one (critical ×3; D01 ×3)" in line
    assert "shop1" not in line
    assert [s for s, _, _ in desk.reports()] == ["failed"] * 6 + ["delivered"] * 3


def test_a_summary_keeps_its_names_while_the_receiver_may_only_be_away(path: Path) -> None:
    desk = Desk(path, per_minute=1)
    desk.receiver.refusals = 2
    desk.add(*(make_alert(f"{n}", buyer=f"b{n}") for n in range(3)))
    desk.work(300)
    assert "look first at: shop1:b0, shop1:b1, shop1:b2" in desk.receiver.lines[0]


def test_what_a_refused_summary_covers_is_sent_by_itself_once_to_a_channel_that_takes_the_rest(
    path: Path,
) -> None:
    desk = Desk(path, per_minute=2, patience_s=1000)
    desk.receiver = WeCom(refused_word="STORM")
    desk.start()
    desk.add(*(make_alert(f"{n}", buyer=f"b{n}") for n in range(5)))
    desk.work(500)
    desk.add(make_alert("later", buyer="later"))
    desk.work(2000)
    assert sorted(heads(desk.receiver)) == sorted(
        f"D01 warn opened shop1:{buyer}" for buyer in ("b0", "b1", "b2", "b3", "b4", "later")
    )
    assert {status for status, _, _ in desk.reports()} == {"failed", "delivered"}
    assert desk.outbox.waiting() == {}


def test_what_is_sent_by_itself_after_a_summary_is_given_up_in_its_turn(path: Path) -> None:
    desk = Desk(path, per_minute=2, patience_s=1000)
    desk.receiver = WeCom(refused_word="STORM")
    desk.start()
    desk.add(*(make_alert(f"{n}", buyer=f"b{n}") for n in range(3)))
    desk.work(500)
    desk.add(make_alert("later", buyer="later"))
    desk.work(400)
    desk.receiver.refused_word = "warn"
    desk.work(5000)
    assert [s for s, _, _ in desk.reports()].count("gave_up") == 2
    assert desk.outbox.waiting() == {}


def test_what_a_summary_covers_is_given_up_with_it_when_the_channel_is_down(path: Path) -> None:
    desk = Desk(path, per_minute=1, patience_s=1000)
    desk.receiver.refusals = 1000
    desk.add(*(make_alert(f"{n}", buyer=f"b{n}") for n in range(3)))
    desk.work(3000)
    assert [s for s, _, _ in desk.reports()][-3:] == ["gave_up"] * 3
    assert desk.outbox.waiting() == {}


DUTY = Routes(routes=[Route(name="duty", to=["desk"], min_severity="critical")])


def told_rows(desk: Desk) -> int:
    connection = open_database(desk.path)
    (count,) = connection.execute("SELECT count(*) FROM told").fetchone()
    connection.close()
    return int(count)


OPENED = make_alert(severity="critical")
MILDER = make_alert(revision=2, change="updated")
RESOLVED = make_alert(revision=4, change="resolved", status="resolved")


def test_who_heard_critical_hears_once_that_it_is_milder_and_then_how_it_ends(path: Path) -> None:
    desk = Desk(path)
    desk.take(DUTY, OPENED, MILDER, make_alert(revision=3, change="updated"), RESOLVED)
    desk.take(DUTY, make_alert(revision=5, change="reopened"))
    desk.take(DUTY, make_alert(revision=6, change="escalated", severity="critical"))
    desk.take(DUTY, make_alert(revision=7, change="updated", severity="info"))
    desk.take(DUTY, make_alert(revision=8, change="retracted", status="retracted", severity="info"))
    # Nobody heard of this one.
    desk.take(DUTY, make_alert("mild"), make_alert("mild", revision=2, change="resolved"))
    desk.work(5)
    assert heads(desk.receiver) == [
        "D01 critical opened shop1:b42",
        "D01 warn updated shop1:b42",
        "D01 warn resolved shop1:b42",
        "D01 warn reopened shop1:b42",
        "D01 critical escalated shop1:b42",
        "D01 info updated shop1:b42",
        "D01 info retracted shop1:b42",
    ]
    said = ["Milder than told" in line for line in desk.receiver.lines]
    assert said == [False, True, False, False, False, True, False]


def test_what_was_told_outlives_a_restart_and_the_rows_that_told_it(path: Path) -> None:
    desk = Desk(path)
    reporter = Reporter(desk.outbox, Broker(), desk.metrics, {"desk": desk.limits}, desk.clock)
    desk.take(DUTY, OPENED, MILDER)
    desk.work(5)
    desk.clock.now += 60 * 86_400
    reporter.step()
    desk.outbox.close()
    desk.start()
    desk.take(DUTY, RESOLVED)
    desk.work(5)
    assert heads(desk.receiver)[2:] == ["D01 warn resolved shop1:b42"]


def test_what_was_told_is_forgotten_long_after_the_last_revision_told_or_not(path: Path) -> None:
    desk = Desk(path)
    reporter = Reporter(desk.outbox, Broker(), desk.metrics, {"desk": desk.limits}, desk.clock)
    desk.take(DUTY, OPENED)
    desk.clock.now += 300 * 86_400
    desk.take(DUTY, make_alert(revision=2, change="updated", severity="critical"))
    desk.clock.now += 399 * 86_400
    reporter.step()
    assert told_rows(desk) == 1
    desk.clock.now += 2 * 86_400
    reporter.step()
    assert told_rows(desk) == 0


def test_an_alert_that_cannot_be_marked_was_not_told_either(path: Path) -> None:
    desk = Desk(path)
    ledger = SqliteLedger(path, "g", now=desk.clock)
    with pytest.raises(KeyboardInterrupt), ledger.handling(OPENED.alert_id, 1):
        enqueuer(DUTY, ledger, desk.clock)(envelope(OPENED))
        raise KeyboardInterrupt
    ledger.close()
    assert told_rows(desk) == 0
    assert desk.outbox.waiting() == {}


def test_a_file_from_before_the_memory_knows_from_its_outbox_what_it_told(path: Path) -> None:
    desk = Desk(path)
    desk.take(DUTY, OPENED)
    desk.work(5)
    desk.outbox.close()
    connection = open_database(path)
    connection.execute("DROP TABLE told")
    connection.close()
    desk.start()
    desk.take(DUTY, MILDER, RESOLVED)
    desk.work(5)
    assert heads(desk.receiver)[1:] == ["D01 warn updated shop1:b42", "D01 warn resolved shop1:b42"]


def test_metrics_count_attempts_by_channel_and_status(path: Path) -> None:
    desk = Desk(path)
    desk.receiver.refusals = 2
    desk.add(make_alert())
    desk.work(30)
    sample = desk.metrics.registry.get_sample_value
    name = "orderwatch_notifications_total"
    assert sample(name, {"channel": "desk", "status": "failed"}) == 2
    assert sample(name, {"channel": "desk", "status": "delivered"}) == 1


def test_reports_wait_for_the_broker_and_are_published_once(path: Path) -> None:
    desk = Desk(path)
    broker = Broker()
    reporter = Reporter(desk.outbox, broker, desk.metrics, {"desk": desk.limits}, desk.clock)
    desk.add(make_alert())
    desk.work(1)
    broker.is_down = True
    assert reporter.step() > 0
    broker.is_down = False
    assert reporter.step() == 0
    assert reporter.step() > 0
    (record,) = broker.records
    report = Notification.model_validate_json(record.value)
    assert (record.topic, record.key) == ("notifications", make_alert().alert_id)
    assert (report.channel, report.status, report.revision) == ("desk", "delivered", 1)


def test_finished_notifications_are_forgotten_after_a_week(path: Path) -> None:
    desk = Desk(path)
    reporter = Reporter(desk.outbox, Broker(), desk.metrics, {"desk": desk.limits}, desk.clock)
    desk.add(make_alert())
    desk.work(1)
    reporter.step()

    def rows() -> int:
        connection = open_database(path)
        (count,) = connection.execute("SELECT count(*) FROM outbox").fetchone()
        connection.close()
        return int(count)

    desk.clock.now += 6 * 86_400
    reporter.step()
    assert rows() == 1
    desk.clock.now += 2 * 86_400
    reporter.step()
    assert rows() == 0
