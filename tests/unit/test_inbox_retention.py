"""The inbox forgets what was handled long ago, and nothing that anything at work still needs."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from sqlalchemy import Engine, delete, event, func, select
from sqlalchemy.orm import Session

from streams.inbox.database import writing
from streams.inbox.intake import RefusedRecord
from streams.inbox.listing import Filter
from streams.inbox.models import (
    AlertRow,
    CaseRow,
    ComplaintRow,
    OutgoingRow,
    ReferenceRow,
    RefusedRow,
    RevisionRow,
)
from streams.inbox.retention import BATCH, Retention
from streams.inbox.workflow import Channel
from tests.factories import alert_id, make_alert
from tests.inbox import KEEP, Inbox, position, records

# With the day by which clocks may differ.
LONG = KEEP.days + 2
# A transaction of SQLite that means to write is alone.
only_where_writers_meet = pytest.mark.parametrize("engine", ["postgresql"], indirect=True)


@pytest.fixture
def inbox(engine: Engine) -> Inbox:
    return Inbox(engine)


def test_what_was_handled_long_ago_goes_with_everything_that_hangs_on_it(inbox: Inbox) -> None:
    inbox.add(make_alert(orders=1))
    inbox.add(make_alert(orders=1, revision=2, change="escalated", severity="critical"))
    inbox.file("1")
    inbox.steps("1", "filing_accepted", "confirm")
    complaint = inbox.complain("b42", "1")
    inbox.drop(complaint)
    for topic in ("contacts", "filings"):
        inbox.outbox.mark_sent(inbox.outbox.waiting(topic))  # type: ignore[arg-type]
    assert {"alerts", "revisions", "audit", "contacts", "filings", "complaints"} < set(inbox.rows())
    inbox.clock.forward(days=LONG)
    found = inbox.prune()
    assert found == {"alert": 1, "complaint": 1, "event": 3}
    left = inbox.rows()
    assert {name: left[name] for name in ("alerts", "revisions", "cases")} == {
        "alerts": 1,
        "revisions": 1,
        "cases": 1,
    }
    assert set(left) == {"alerts", "revisions", "cases", "alert_references"}
    metrics = inbox.metrics.exposition().decode()
    assert 'orderwatch_inbox_pruned_total{what="alert"} 1.0' in metrics
    assert 'orderwatch_inbox_pruned_total{what="event"} 3.0' in metrics


def test_it_goes_on_the_day_after_and_not_before(inbox: Inbox) -> None:
    inbox.add(make_alert("1"), make_alert("2"))
    inbox.handle("1")
    inbox.clock.forward(days=KEEP.days + 1)
    assert inbox.prune() == {}
    inbox.clock.forward(seconds=1)
    assert inbox.prune() == {"alert": 1}
    assert inbox.has("1", "2") == [False, True]


def test_an_alert_that_ended_by_itself_goes_too(inbox: Inbox) -> None:
    inbox.add(make_alert("1"), make_alert("2"))
    inbox.add(make_alert("1", revision=2, change="resolved", status="resolved"))
    inbox.add(make_alert("2", revision=2, change="expired", status="expired"))
    inbox.clock.forward(days=LONG)
    assert inbox.prune() == {"alert": 2}


@pytest.mark.parametrize("steps", [(), ("take",), ("take", "label")])
def test_nothing_at_work_goes_however_old(inbox: Inbox, steps: Sequence[str]) -> None:
    inbox.add(make_alert())
    inbox.steps("1", *steps)
    inbox.clock.forward(days=3 * LONG)
    assert inbox.prune() == {}
    assert inbox.has("1") == [True]


def test_what_the_pipeline_still_speaks_of_stays(inbox: Inbox) -> None:
    inbox.add(make_alert())
    inbox.handle("1")
    inbox.clock.forward(days=LONG - 30)
    inbox.add(make_alert(revision=2, change="updated", orders=7))
    inbox.clock.forward(days=60)
    assert inbox.prune() == {}
    inbox.clock.forward(days=LONG)
    assert inbox.prune() == {"alert": 1}


def test_one_that_came_back_stays_until_it_is_handled_again(inbox: Inbox) -> None:
    inbox.add(make_alert())
    inbox.handle("1")
    inbox.add(make_alert(revision=2, change="escalated", severity="critical"))
    inbox.clock.forward(days=LONG)
    assert inbox.prune() == {}
    inbox.handle("1")
    assert inbox.prune() == {}


def test_an_alert_stays_while_a_complaint_of_it_is_at_work_or_young(inbox: Inbox) -> None:
    inbox.add(make_alert())
    inbox.handle("1")
    complaint = inbox.complain("b42", "1")
    inbox.clock.forward(days=LONG)
    assert inbox.prune() == {}
    inbox.drop(complaint)
    assert inbox.prune() == {}
    inbox.clock.forward(days=LONG)
    assert inbox.prune() == {"alert": 1, "complaint": 1}


@pytest.mark.parametrize("steps", [(), ("approve",), ("approve", "restrict")])
def test_a_ban_at_work_or_standing_stays_for_ever_with_its_alert(
    inbox: Inbox, steps: Sequence[str]
) -> None:
    inbox.add(make_alert(orders=1))
    ban = inbox.propose("1")
    inbox.steps("1", "confirm")
    inbox.ban(ban, *steps)
    inbox.clock.forward(days=3 * LONG)
    assert inbox.prune() == {}
    assert inbox.banlist.detail(ban) is not None


@pytest.mark.parametrize("steps", [("decline",), ("approve", "restrict", "lift")])
def test_a_ban_that_ended_goes_with_its_alert_once_both_are_old(
    inbox: Inbox, steps: Sequence[str]
) -> None:
    inbox.add(make_alert(orders=1))
    ban = inbox.propose("1")
    inbox.steps("1", "confirm")
    inbox.clock.forward(days=LONG)
    inbox.ban(ban, *steps)
    assert inbox.prune() == {}
    inbox.clock.forward(days=LONG)
    inbox.outbox.mark_sent(inbox.outbox.waiting("accounts"))
    assert inbox.prune() == {"alert": 1, "ban": 1}
    assert inbox.banlist.detail(ban) is None
    assert not {"bans", "ban_steps"} & set(inbox.rows())
    assert 'orderwatch_inbox_pruned_total{what="ban"} 1.0' in inbox.metrics.exposition().decode()


def test_a_complaint_stays_with_its_alert_that_is_at_work(inbox: Inbox) -> None:
    """T04 of the alert is met by it."""
    inbox.add(make_alert())
    inbox.steps("1", "take")
    inbox.drop(inbox.complain("b42", "1"))
    inbox.clock.forward(days=LONG)
    assert inbox.prune() == {}


def test_complaints_without_an_alert_go_once_they_have_ended(inbox: Inbox) -> None:
    ended, at_work = inbox.complain("b42"), inbox.complain("b43")
    inbox.drop(ended)
    inbox.clock.forward(days=LONG)
    assert inbox.prune() == {"complaint": 1}
    assert inbox.casebook.detail(ended) is None
    assert inbox.casebook.detail(at_work) is not None


def test_a_filing_is_kept_while_another_alert_about_its_order_is_at_work(inbox: Inbox) -> None:
    inbox.add(make_alert("1", orders=1))
    inbox.file("1")
    inbox.steps("1", "filing_accepted", "confirm")
    inbox.add(make_alert("2", detector="D10", orders=1))
    inbox.clock.forward(days=LONG)
    assert inbox.prune() == {}
    detail = inbox.store.detail(alert_id("2"))
    assert detail is not None
    assert [filing.status for filing in detail.filings] == ["accepted"]
    inbox.handle("2")
    assert inbox.prune() == {"alert": 1}


def test_what_a_filing_waits_for_stays_even_if_somebody_closed_its_case(
    inbox: Inbox, engine: Engine
) -> None:
    inbox.add(make_alert(orders=1))
    inbox.file("1")
    with Session(writing(engine)) as session, session.begin():
        for case in session.scalars(select(CaseRow)):
            case.state = "DONE"
    inbox.clock.forward(days=LONG)
    assert inbox.prune() == {}


def test_what_a_campaign_at_work_puts_together_stays(inbox: Inbox) -> None:
    inbox.add(make_alert("1"), make_alert("2"), make_alert("3", buyer="b3"))
    for key in "123":
        inbox.handle(key)
    inbox.clock.forward(days=LONG)
    groups = [alert_id("1"), alert_id("2")]
    inbox.add(make_alert("campaign", detector="D25", groups=groups))
    assert inbox.prune() == {"alert": 1}
    assert inbox.has("1", "2", "3") == [True, True, False]
    inbox.handle("campaign")
    assert inbox.prune() == {"alert": 2}


def test_what_a_campaign_puts_together_stays_while_a_ban_or_a_complaint_rests_on_it(
    inbox: Inbox,
) -> None:
    inbox.add(make_alert("1"), make_alert("2"))
    for key in "12":
        inbox.handle(key)
    groups = [alert_id("1"), alert_id("2")]
    inbox.add(make_alert("campaign", detector="D25", groups=groups, orders=1))
    ban = inbox.propose("campaign")
    inbox.ban(ban, "approve", "restrict")
    inbox.steps("campaign", "confirm")
    complaint = inbox.complain("b42", "campaign")
    inbox.drop(complaint)
    inbox.clock.forward(days=LONG)
    inbox.prune()
    assert inbox.has("1", "2", "campaign") == [True, True, True]
    inbox.complain("b43", "campaign")
    inbox.ban(ban, "lift")
    inbox.clock.forward(days=LONG)
    inbox.prune()
    assert inbox.has("1", "2", "campaign") == [True, True, True]
    inbox.drop(inbox.complain("b43", "campaign"))
    inbox.clock.forward(days=LONG)
    inbox.prune()
    assert inbox.has("1", "2", "campaign") == [False, False, False]


def test_what_was_not_sent_waits_and_its_alert_may_go(inbox: Inbox, engine: Engine) -> None:
    inbox.add(make_alert(orders=1))
    inbox.steps("1", "take")
    inbox.steps("1", "contact", channel=Channel.PHONE)
    inbox.steps("1", "label", "confirm")
    inbox.clock.forward(days=LONG)
    assert inbox.prune() == {"alert": 1}
    assert inbox.store.waiting_events()["contacts"] == 1
    inbox.outbox.mark_sent(inbox.outbox.waiting("contacts"))
    assert inbox.prune() == {}
    inbox.clock.forward(days=LONG)
    assert inbox.prune() == {"event": 1}
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(OutgoingRow)) == 0


def test_records_that_were_refused_go_with_age(inbox: Inbox, engine: Engine) -> None:
    bad = RefusedRecord(position(), "not_an_alert", "no", b"\x00 13800138000")
    inbox.store.apply([bad])
    inbox.clock.forward(days=LONG)
    inbox.store.apply([RefusedRecord(position(), "empty", "no", b"")])
    assert inbox.prune() == {"refused": 1}
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(RefusedRow)) == 1


def test_a_backlog_goes_in_small_batches_whatever_is_kept_before_it(
    inbox: Inbox, engine: Engine
) -> None:
    kept = [str(n) for n in range(BATCH + 5)]
    gone = [str(n) for n in range(100, 100 + 2 * BATCH + 1)]
    for key in [*kept, *gone]:
        inbox.add(make_alert(key, buyer=f"b{key}", orders=1))
        inbox.add(
            make_alert(
                key, buyer=f"b{key}", orders=1, revision=2, change="resolved", status="resolved"
            )
        )
        inbox.clock.forward(seconds=1)
    for key in kept:
        inbox.complain(f"b{key}", key)
    inbox.clock.forward(days=LONG)
    inbox.today()
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    waits = [inbox.retention.step() for _ in range(4)]
    assert [wait < 2 for wait in waits] == [True, True, True, False]
    assert inbox.store.page(Filter(is_handled=True)).total == len(kept)
    # A batch is not a statement for each alert.
    assert len(asked) < 4 * 40


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_database_that_is_busy_is_asked_again_later(inbox: Inbox, engine: Engine) -> None:
    inbox.add(make_alert("1"))
    inbox.handle("1")
    inbox.clock.forward(days=LONG)
    inbox.today()
    engine.dispose()
    event.listen(engine, "connect", lambda one, _: one.execute("PRAGMA busy_timeout = 1"))
    with writing(engine).begin():
        assert inbox.retention.step() == 60
    assert inbox.retention.step() < 2
    assert inbox.has("1") == [False]


@only_where_writers_meet
@pytest.mark.parametrize("table", [CaseRow, AlertRow])
def test_an_alert_that_a_step_or_a_revision_has_is_left_for_the_next_time(
    inbox: Inbox, engine: Engine, table: type[CaseRow] | type[AlertRow]
) -> None:
    for key in "12":
        inbox.add(make_alert(key, buyer=f"b{key}"))
        inbox.handle(key)
    inbox.clock.forward(days=LONG)
    inbox.today()
    pruning = threading.Thread(target=inbox.retention.prune)
    with Session(writing(engine)) as holder, holder.begin():
        holder.execute(
            select(table.alert_id).where(table.alert_id == alert_id("1")).with_for_update()
        )
        pruning.start()
        pruning.join(10)
        assert not pruning.is_alive()
        assert inbox.has("1", "2") == [True, False]
    assert inbox.prune() == {"alert": 1}


@only_where_writers_meet
def test_an_appeal_at_the_same_moment_keeps_its_complaint(inbox: Inbox, engine: Engine) -> None:
    inbox.add(make_alert())
    inbox.handle("1")
    complaint = inbox.complain("b42", "1")
    inbox.drop(complaint)
    inbox.clock.forward(days=LONG)
    inbox.today()
    pruning = threading.Thread(target=inbox.retention.prune)
    with Session(writing(engine)) as holder, holder.begin():
        row = holder.get(ComplaintRow, complaint, with_for_update=True)
        assert row is not None
        row.state = "APPEALED"
        pruning.start()
        pruning.join(0.3)
        assert pruning.is_alive()
    pruning.join()
    assert inbox.casebook.detail(complaint) is not None
    assert inbox.has("1") == [True]


def test_intake_and_two_consoles_that_prune_work_side_by_side(inbox: Inbox) -> None:
    old = [str(n) for n in range(120)]
    inbox.add(*(make_alert(key, buyer=f"b{key}", orders=1) for key in old))
    inbox.add(
        *(
            make_alert(
                key, buyer=f"b{key}", orders=1, revision=2, change="resolved", status="resolved"
            )
            for key in old
        )
    )
    inbox.clock.forward(days=LONG)
    inbox.today()
    other = Retention(inbox.engine, inbox.metrics, KEEP, inbox.clock)
    found: list[Counter[str]] = []

    def prune(retention: Retention) -> None:
        found.extend(retention.prune() for _ in range(12))

    def take_in() -> None:
        for n in range(200, 260):
            inbox.add(make_alert(str(n), buyer=f"b{n}", orders=1))

    threads = [threading.Thread(target=prune, args=(one,)) for one in (inbox.retention, other)]
    threads.append(threading.Thread(target=take_in))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found.append(inbox.prune())
    assert sum(found, Counter[str]()) == {"alert": len(old)}
    assert inbox.store.page(Filter()).total == 61


def test_the_newest_revision_stays_until_there_is_a_newer_one(inbox: Inbox) -> None:
    """SQLite would give its number to the next one, and pages tell by it what they have seen."""
    later = inbox.clock.at + timedelta(days=LONG)
    inbox.add(make_alert("2", buyer="b2", opened_at=later), make_alert("1"))
    inbox.handle("1")
    inbox.clock.at = later
    assert inbox.retention.prune() == {}
    word = inbox.store.version()
    inbox.add(make_alert("3", buyer="b3"))
    assert inbox.store.version() != word
    assert inbox.retention.prune() == {"alert": 1}


def test_a_clock_that_is_a_year_ahead_deletes_nothing_that_is_young(inbox: Inbox) -> None:
    inbox.add(make_alert("1"))
    inbox.handle("1")
    inbox.drop(inbox.complain("b42"))
    inbox.clock.forward(days=KEEP.days - 60)
    inbox.today()
    right = inbox.clock.at
    inbox.clock.forward(days=365)
    # The wrong clock says when this came, and not when it happened.
    inbox.add(make_alert("2", buyer="b2", opened_at=right))
    assert inbox.retention.prune() == {}
    inbox.clock.at = right + timedelta(days=62)
    assert inbox.prune() == {"alert": 1, "complaint": 1}


def test_where_nothing_happens_the_clock_is_believed_for_a_month(inbox: Inbox) -> None:
    inbox.add(make_alert("1"))
    inbox.handle("1")
    inbox.clock.forward(days=KEEP.days - 20)
    inbox.today()
    inbox.clock.forward(days=21)
    assert inbox.retention.prune() == {}
    inbox.clock.forward(days=1)
    assert inbox.retention.prune() == {"alert": 1}


def test_what_was_handled_while_the_clock_was_behind_is_not_taken_for_old(inbox: Inbox) -> None:
    right = inbox.clock.at
    inbox.clock.forward(days=-3 * LONG)
    inbox.add(make_alert())
    inbox.handle("1")
    inbox.clock.at = right
    assert inbox.prune() == {}
    inbox.clock.forward(days=LONG)
    assert inbox.prune() == {"alert": 1}


def amid(
    engine: Engine, words: str, act: Callable[[], object], *, is_held_up: bool = False
) -> threading.Thread:
    """Let another connection act once, just after the next question that has these words.

    `is_held_up` where it waits for a lock of ours: then we go on before it is done.
    """
    acting = threading.Thread(target=act)

    def asked(_connection: object, _cursor: object, said: str, *_rest: object) -> None:
        if words in said and acting.ident is None:
            acting.start()
            acting.join(1 if is_held_up else 60)

    event.listen(engine, "after_cursor_execute", asked)
    return acting


@only_where_writers_meet
def test_a_complaint_that_is_opened_while_its_alert_is_deleted_is_there(
    inbox: Inbox, engine: Engine
) -> None:
    inbox.add(make_alert())
    inbox.handle("1")
    inbox.clock.forward(days=LONG)
    inbox.today()
    pruning = amid(engine, "FROM alerts", inbox.retention.prune, is_held_up=True)
    complaint = inbox.complain("b42", "1")
    pruning.join()
    assert inbox.casebook.detail(complaint) is not None
    assert inbox.has("1") == [True]


@only_where_writers_meet
def test_a_complaint_of_an_alert_that_is_just_being_deleted_is_of_none(
    inbox: Inbox, engine: Engine
) -> None:
    inbox.add(make_alert())
    opened: list[str] = []
    with Session(writing(engine)) as deleting, deleting.begin():
        gone = deleting.get(AlertRow, alert_id("1"), with_for_update=True)
        assert gone is not None
        opening = threading.Thread(target=lambda: opened.append(inbox.complain("b42", "1")))
        opening.start()
        opening.join(0.3)
        assert opening.is_alive()
        for table in (CaseRow, ReferenceRow, RevisionRow, AlertRow):
            deleting.execute(delete(table).where(table.alert_id == alert_id("1")))
    opening.join()
    detail = inbox.casebook.detail(opened[0])
    assert detail is not None
    assert detail.row.alert_id is None


@only_where_writers_meet
def test_a_page_that_is_opened_while_its_alert_is_deleted_has_it_or_has_none(
    inbox: Inbox, engine: Engine
) -> None:
    inbox.add(make_alert("1"), make_alert("2", buyer="b2"))
    for key in "12":
        inbox.handle(key)
    inbox.clock.forward(days=LONG)
    inbox.today()
    amid(engine, "FROM alerts", inbox.retention.prune)
    detail = inbox.store.detail(alert_id("1"))
    assert detail is not None
    assert detail.row.body
    assert inbox.has("1") == [False]


@only_where_writers_meet
def test_a_list_that_is_opened_while_its_alerts_are_deleted_shows_the_others(
    inbox: Inbox, engine: Engine
) -> None:
    inbox.add(make_alert("1"), make_alert("2", buyer="b2"))
    inbox.handle("1")
    inbox.clock.forward(days=LONG)
    inbox.today()
    inbox.handle("2")
    amid(engine, "LIMIT", inbox.retention.prune)
    rows = inbox.store.page(Filter(is_handled=True)).rows
    assert [row.body != "" for row in rows] == [True]


def test_an_alert_is_read_by_the_groups_that_its_producer_wrote(inbox: Inbox) -> None:
    """The envelope is kept as it came, also from a producer that puts spaces into it."""
    inbox.add(make_alert("1"))
    inbox.handle("1")
    inbox.clock.forward(days=LONG)
    [campaign] = records([make_alert("campaign", detector="D25", groups=[alert_id("1")])])
    spaced = json.dumps(json.loads(campaign.body), indent=1)  # type: ignore[union-attr]
    inbox.store.apply([type(campaign)(campaign.alert, spaced)])  # type: ignore[union-attr, call-arg, arg-type]
    assert inbox.prune() == {}
