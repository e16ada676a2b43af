"""The store of the inbox: revisions once, history kept, steps audited. One suite, two databases."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import ClauseElement, Engine, Select, event, func, select, text
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from schemas.alerts import Alert, EvidenceFact, Subject
from streams.errors import ConfigurationError, TransientError
from streams.inbox import database
from streams.inbox.board import Board
from streams.inbox.bulk import Told, perform_each
from streams.inbox.casebook import Casebook, CaseRequest, OpenRequest
from streams.inbox.database import open_database, upgrade, writing
from streams.inbox.desk import Desk, Outcome
from streams.inbox.intake import Accepted, RefusedRecord, read
from streams.inbox.listing import (
    FEW,
    PAGE_SIZE,
    Filter,
    page_of_few,
    page_query,
    tally,
    tally_of_all,
)
from streams.inbox.metrics import InboxMetrics
from streams.inbox.models import AuditRow, Base, CaseRow, ComplaintRow, ComplaintStepRow, RefusedRow
from streams.inbox.store import Store
from streams.inbox.workflow import Channel, Label, State, StepRequest
from tests.factories import T0, alert_id, envelope, make_alert
from tests.inbox import (
    NOW,
    Clock,
    Inbox,
    default_rules,
    position,
    postgres_binaries,
    record,
    records,
    wait_until,
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(engine: Engine, clock: Clock) -> Store:
    return Store(engine, clock)


@pytest.fixture
def desk(engine: Engine, clock: Clock) -> Desk:
    return Desk(engine, default_rules(), clock)


def request(step: str, version: int, request_id: str = "", **rest: object) -> StepRequest:
    return StepRequest(
        alert_id=alert_id(str(rest.pop("key", "1"))),
        step=step,  # type: ignore[arg-type]
        by=str(rest.pop("by", "李雷")),
        request_id=request_id or f"{step}-{version}",
        version=version,
        **rest,  # type: ignore[arg-type]
    )


def state(store: Store, key: str = "1") -> str:
    detail = store.detail(alert_id(key))
    assert detail is not None
    return detail.row.case.state


def ids(store: Store, wanted: Filter) -> list[str]:
    return [row.alert_id for row in store.page(wanted).rows]


def test_the_migrations_make_exactly_the_tables_of_the_models(engine: Engine) -> None:
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_tables_of_a_newer_version_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "inbox.db"
    engine = open_database(f"sqlite:///{path}")
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999_later'"))
    with pytest.raises(ConfigurationError) as refused:
        upgrade(engine)
    engine.dispose()
    assert f"{path} was brought up to date by a newer version of orderwatch" in str(refused.value)
    assert "9999_later" in str(refused.value)


def plan_of(tmp_path: Path, query: ClauseElement) -> str:
    """How SQLite would answer the query."""
    engine = open_database(f"sqlite:///{tmp_path / 'inbox.db'}")
    upgrade(engine)
    shown = str(query.compile(engine, compile_kwargs={"literal_binds": True}))
    with engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {shown}").all()
    engine.dispose()
    return " ".join(row.detail for row in plan)


def test_handled_alerts_are_listed_without_sorting_all_of_them(tmp_path: Path) -> None:
    steps = plan_of(tmp_path, page_query(Filter(is_handled=True), NOW, 1))
    assert "USING INDEX ix_cases_updated_at_alert_id" in steps
    assert "ORDER BY" not in steps


def test_a_few_of_the_handled_alerts_are_found_without_walking_all_of_them(tmp_path: Path) -> None:
    wanted = Filter(is_handled=True, search="b42")
    steps = plan_of(tmp_path, page_of_few(wanted, NOW, ["1", "2"], 1))
    assert "ix_cases_updated_at_alert_id" not in steps


def test_handled_alerts_are_counted_without_looking_up_the_case_of_each(tmp_path: Path) -> None:
    assert "cases" not in plan_of(tmp_path, tally_of_all(Filter(is_handled=True)))


def test_the_alerts_of_a_shop_at_work_are_found_by_their_state(tmp_path: Path) -> None:
    assert "ix_cases_state" in plan_of(tmp_path, tally(Filter(shop="shop1"), NOW))


def test_a_server_is_found_where_debian_puts_it_newest_first(tmp_path: Path) -> None:
    for version in ("9.6", "15", "17"):
        folder = tmp_path / version / "bin"
        folder.mkdir(parents=True)
        (folder / "initdb").touch()
    assert postgres_binaries(tmp_path) == tmp_path / "17" / "bin"


def test_migrating_twice_changes_nothing(engine: Engine, store: Store) -> None:
    store.apply([record(make_alert())])
    upgrade(engine)
    assert store.apply([record(make_alert())]).ignored == 1


def test_a_revision_is_applied_once(store: Store) -> None:
    first = record(make_alert())
    assert store.apply([first]).applied == 1
    again = store.apply([first, first])
    assert (again.applied, again.ignored) == (0, 2)
    detail = store.detail(alert_id("1"))
    assert detail is not None
    assert [row.revision for row in detail.revisions] == [1]


def test_only_a_greater_revision_is_applied_and_history_is_kept(store: Store) -> None:
    first, second, fourth = (make_alert(revision=n, orders=5 + n) for n in (1, 2, 4))
    store.apply(records([first, fourth, second]))
    detail = store.detail(alert_id("1"))
    assert detail is not None
    assert detail.row.revision == 4
    assert "9笔" in detail.row.body
    assert [row.revision for row in detail.revisions] == [4, 1]


def test_a_batch_is_stored_all_or_nothing(store: Store) -> None:
    broken = Accepted(make_alert("2"), body=None)  # type: ignore[arg-type]
    with pytest.raises(Exception, match=r"(?i)null"):
        store.apply([record(make_alert("1")), broken], {("alerts", 0): 2})
    assert store.detail(alert_id("1")) is None
    assert store.read_to() == {}


def test_a_batch_takes_as_many_statements_as_one_alert(store: Store, engine: Engine) -> None:
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    store.apply(records([make_alert("0")]))
    of_one = len(asked)
    store.apply(records([make_alert(str(n), buyer=f"b{n}") for n in range(1, 60)]))
    assert len(asked) == 2 * of_one


def test_how_far_it_was_read_is_as_of_the_last_batch(store: Store) -> None:
    store.apply([record(make_alert("1"))], {("alerts", 0): 7, ("alerts", 3): 2})
    store.apply([], {("alerts", 3): 1})
    assert store.read_to() == {("alerts", 0): 7, ("alerts", 3): 1}


def test_times_come_back_aware_and_equal(store: Store) -> None:
    store.apply(records([make_alert()]))
    detail = store.detail(alert_id("1"))
    assert detail is not None
    assert detail.row.opened_at == T0
    assert detail.row.received_at == NOW


def test_the_most_severe_comes_first_then_the_newest(store: Store) -> None:
    store.apply(
        records(
            [
                make_alert("old", severity="warn"),
                make_alert("new", severity="warn", opened_at=T0 + timedelta(hours=1)),
                make_alert("bad", severity="critical", opened_at=T0 - timedelta(days=1)),
                make_alert("info", severity="info", opened_at=T0 + timedelta(hours=2)),
            ]
        )
    )
    assert ids(store, Filter()) == [alert_id(k) for k in ("bad", "new", "old", "info")]
    newest = [alert_id(k) for k in ("info", "new", "old", "bad")]
    assert ids(store, Filter(sort="newest")) == newest


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Filter(severity="critical"), ["b"]),
        (Filter(shop="shop2"), ["b"]),
        (Filter(detector="D08"), ["c"]),
        (Filter(status="resolved"), []),
        (Filter(search="shop1:b42"), ["a", "c"]),
        (Filter(search="SHOP1:B42"), ["a", "c"]),
        (Filter(search=alert_id("b")[:8].upper()), ["b"]),
        (Filter(search="shop2-zz-o3"), ["b"]),
        (Filter(search="item-red-dress"), ["a", "b", "c"]),
        (Filter(search="%"), []),
        (Filter(search="' OR 1=1 --"), []),
        (Filter(search="\x00"), []),
        (Filter(severity="critical", shop="shop1"), []),
    ],
)
def test_filters_and_search(store: Store, wanted: Filter, expected: list[str]) -> None:
    store.apply(
        records(
            [
                make_alert("a"),
                make_alert("b", shop="shop2", buyer="zz", severity="critical"),
                make_alert("c", detector="D08"),
            ]
        )
    )
    assert sorted(ids(store, wanted)) == sorted(alert_id(key) for key in expected)


def test_an_alert_is_found_by_the_orders_and_the_buyers_that_its_facts_name(store: Store) -> None:
    """A refund, a payment or a signal has an id of its own, and nobody looks for that."""
    refund = EvidenceFact(
        event_id="e1", kind="RefundRequested", at=T0, ref="refund-9", detail={"order_id": "order-9"}
    )
    signal = EvidenceFact(
        event_id="e2",
        kind="Signal",
        at=T0,
        ref="claim-1",
        detail={"order": "order-10", "buyer": "zhang-wei", "name": "shipped_claim"},
    )
    plain = make_alert("x")
    evidence = plain.evidence.model_copy(update={"facts": [refund, signal]})
    store.apply(records([plain.model_copy(update={"evidence": evidence})]))
    for named in ("refund-9", "order-9", "order-10", "zhang-wei"):
        assert ids(store, Filter(search=named)) == [alert_id("x")]
    assert ids(store, Filter(search="shipped_claim")) == []


def test_pages_show_every_alert_once(store: Store) -> None:
    many = [make_alert(str(n), orders=1) for n in range(PAGE_SIZE + 7)]
    store.apply(records(many))
    first, last = store.page(Filter(page=1)), store.page(Filter(page=99))
    assert (first.total, first.pages, last.page) == (PAGE_SIZE + 7, 2, 2)
    shown = [row.alert_id for row in (*first.rows, *last.rows)]
    assert sorted(shown) == sorted(alert.alert_id for alert in many)


@pytest.mark.parametrize("number", [FEW, FEW + 1])
def test_handled_alerts_are_counted_and_in_order_be_they_few_or_many(
    store: Store, engine: Engine, number: int
) -> None:
    store.apply(records([make_alert("at work", orders=1), make_alert("aside", suppressed_by="x")]))
    store.apply(records(make_alert(str(n), orders=0) for n in range(number)))
    with Session(writing(engine)) as session, session.begin():
        for n, case in enumerate(session.scalars(select(CaseRow).order_by(CaseRow.alert_id))):
            if case.alert_id != alert_id("at work"):
                case.state, case.updated_at = "DONE", T0 + timedelta(seconds=n)
        done = {case.alert_id: case.updated_at for case in session.scalars(select(CaseRow))}
    newest = sorted(set(done) - {alert_id("at work"), alert_id("aside")}, key=lambda one: done[one])
    shown = [store.page(Filter(is_handled=True, page=page)) for page in (1, 2)]
    assert {(one.total, one.suppressed) for one in shown} == {(number, 1)}
    found = [row.alert_id for one in shown for row in one.rows]
    assert found == newest[::-1][: 2 * PAGE_SIZE]
    everything = store.page(Filter(is_handled=True, with_suppressed=True))
    assert (everything.total, everything.suppressed) == (number + 1, 1)


def test_the_page_of_an_alert_does_not_read_the_envelopes_of_all_its_revisions(
    store: Store,
) -> None:
    store.apply(records([make_alert(revision=1)]))
    store.apply(records([make_alert(revision=2, change="updated")]))
    detail = store.detail(alert_id("1"))
    assert detail is not None
    assert detail.row.body
    newest, oldest = detail.revisions
    assert "body" in newest.__dict__
    assert "body" not in oldest.__dict__


def test_a_shop_that_another_console_stored_can_be_chosen_at_once(
    store: Store, engine: Engine, clock: Clock
) -> None:
    store.apply(records([make_alert("1")]))
    assert store.choices() == (["shop1"], ["D01"])
    Store(engine, clock).apply(records([make_alert("2", shop="a-shop", detector="D08")]))
    assert store.choices() == (["a-shop", "shop1"], ["D01", "D08"])


def test_suppressed_alerts_are_set_apart_but_counted(store: Store) -> None:
    store.apply(records([make_alert("1"), make_alert("2", suppressed_by="allow:b42")]))
    assert ids(store, Filter()) == [alert_id("1")]
    assert store.page(Filter()).suppressed == 1
    assert len(ids(store, Filter(with_suppressed=True))) == 2
    assert store.unhandled() == {"critical": 0, "warn": 1, "info": 0}


def test_complaints_are_the_alerts_that_count_a_complaint(store: Store) -> None:
    complained = make_alert("2", detector="D15")
    filed = complained.evidence.facts[0].model_copy(update={"kind": "ComplaintFiled"})
    evidence = complained.evidence.model_copy(update={"facts": [filed]})
    complained = complained.model_copy(update={"evidence": evidence})
    store.apply(records([make_alert("1"), complained]))
    assert ids(store, Filter(complaints_only=True)) == [alert_id("2")]


def test_deadlines_and_complaints_are_read_alike_on_both_databases(
    engine: Engine, store: Store, desk: Desk, clock: Clock
) -> None:
    casebook = Casebook(engine, clock)
    board = Board(store, default_rules(), clock)
    store.apply(records([make_alert(), make_alert("2", severity="critical")]))
    desk.perform(request("take", 1))
    desk.perform(request("contact", 2, channel=Channel.PHONE))
    about = OpenRequest("恶意敲诈", "shop1", "o1", "", "李雷", "begin-it", alert_id("1"))
    complaint_id = casebook.open(about)
    assert casebook.open(about) == complaint_id
    for proof in ("ids", "threat"):
        casebook.perform(CaseRequest(complaint_id, "prove", "李雷", f"p-{proof}", 1, proof))
    submit = CaseRequest(complaint_id, "submit", "李雷", "submit-it", 3)
    assert [casebook.perform(submit).kind for _ in range(2)] == ["done", "repeated"]
    assert [row.complaint_id for row in casebook.of_alert(alert_id("1"))] == [complaint_id]
    assert [row.state for row in casebook.page(is_ended=False).rows] == ["SUBMITTED"]
    codes = [line.timer.code for line in board.sheet().coming]
    assert codes == ["T09", "T10", "T05", "T01", "T01"]
    # A look that reads only what has changed since.
    store.apply(records([make_alert("2", revision=2, change="updated", severity="info")]))
    desk.perform(request("contact", 3, channel=Channel.PHONE, answered=True))
    codes = [line.timer.code for line in board.sheet().coming]
    assert codes == ["T05", "T01", "T01"]
    assert board.sheet() == Board(store, default_rules(), clock).sheet()


def test_an_alert_that_ends_untouched_leaves_the_list(store: Store) -> None:
    store.apply(records([make_alert()]))
    store.apply(records([make_alert(revision=2, change="resolved", status="resolved")]))
    assert state(store) == State.AUTO_RESOLVED
    assert ids(store, Filter()) == []
    assert ids(store, Filter(is_handled=True)) == [alert_id("1")]


def test_who_supersedes_is_shown_on_both_sides(store: Store) -> None:
    store.apply(records([make_alert("1"), make_alert("2", supersedes=alert_id("1"))]))
    detail = store.detail(alert_id("1"))
    assert detail is not None
    assert detail.superseded_by == alert_id("2")


def test_the_oldest_unhandled_is_measured_from_its_arrival(store: Store, clock: Clock) -> None:
    assert store.oldest_unhandled() is None
    store.apply(records([make_alert("1")]))
    clock.forward(hours=1)
    store.apply(records([make_alert("2")]))
    assert store.oldest_unhandled() == NOW


def test_a_refused_record_is_kept_with_its_bytes(store: Store, engine: Engine) -> None:
    bad = read(position(), b'{"specversion": 1}')
    assert isinstance(bad, RefusedRecord)
    assert store.apply([bad, record(make_alert())]).refused == 1
    store.apply([bad])
    with engine.connect() as connection:
        rows = connection.execute(select(RefusedRow.reason, RefusedRow.value)).all()
    assert [tuple(row) for row in rows] == [("not_an_alert", b'{"specversion": 1}')]


def test_hostile_ids_are_stored_by_every_database(store: Store) -> None:
    subject = Subject(kind="buyer", id="shop1:\x00<script>" + "长" * 100)
    facts = [EvidenceFact(event_id="e1", kind="OrderPlaced", at=T0, ref="o\x001", detail={})]
    evidence = make_alert().evidence.model_copy(update={"facts": facts, "facts_total": 1})
    assert store.apply(records([make_alert(subject=subject, evidence=evidence)])).applied == 1
    # Its page asks for filings by that order.
    assert store.detail(alert_id("1")) is not None


def test_two_consumers_that_overlap_apply_a_revision_once(store: Store) -> None:
    batch = records(make_alert(str(n), orders=1) for n in range(20))
    applied: list[int] = []
    threads = [
        threading.Thread(target=lambda: applied.append(store.apply(batch).applied))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(applied) == 20
    assert store.page(Filter()).total == 20


def test_the_whole_way_of_an_alert_is_audited(store: Store, desk: Desk, clock: Clock) -> None:
    store.apply(records([make_alert()]))
    clock.forward(minutes=7)
    taken = desk.perform(request("take", 1))
    assert taken == Outcome("done", waited=timedelta(minutes=7))
    contact = request("contact", 2, channel=Channel.PHONE, answered=False, note="没人接")
    assert desk.perform(contact).kind == "done"
    label = request("label", 3, label=Label.WRONG_ADDRESS_UNREACHABLE, by="韩梅梅")
    assert desk.perform(label).kind == "done"
    chosen = request("file", 4, order_id="shop1-b42-o1")
    assert desk.perform(chosen).kind == "done"
    assert desk.perform(request("filing_accepted", 5)).kind == "done"
    assert desk.perform(request("confirm", 6)).kind == "done"
    detail = store.detail(alert_id("1"))
    assert detail is not None
    steps = [(row.step, row.from_state, row.to_state, row.by) for row in detail.audit]
    assert steps == [
        ("take", "NEW", "IN_PROGRESS", "李雷"),
        ("contact", "IN_PROGRESS", "IN_PROGRESS", "李雷"),
        ("label", "IN_PROGRESS", "LABELLED", "韩梅梅"),
        ("file", "LABELLED", "FILED", "李雷"),
        ("filing_accepted", "FILED", "FILED_OK", "李雷"),
        ("confirm", "FILED_OK", "DONE", "李雷"),
    ]
    assert {row.at for row in detail.audit} == {clock.at}
    assert [(row.channel, row.answered, row.note) for row in detail.contacts] == [
        ("phone", False, "没人接")
    ]
    assert store.labels() == {("D01", Label.WRONG_ADDRESS_UNREACHABLE): 1}


def test_a_step_sent_twice_happens_once(store: Store, desk: Desk) -> None:
    store.apply(records([make_alert()]))
    assert desk.perform(request("take", 1)).kind == "done"
    assert desk.perform(request("take", 1)).kind == "repeated"
    detail = store.detail(alert_id("1"))
    assert detail is not None
    assert (detail.row.case.version, len(detail.audit)) == (2, 1)


def waiting_for_locks(engine: Engine) -> int:
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with engine.connect() as connection:
        return int(connection.scalar(text(query)) or 0)


def at_once(engine: Engine, locked: Select[Any], steps: Sequence[Callable[[], str]]) -> list[str]:
    """What became of steps that all began while somebody else held the row that they need."""
    outcomes: list[str] = []
    threads = [
        threading.Thread(target=lambda step=step: outcomes.append(step()))  # type: ignore[misc]
        for step in steps
    ]
    with Session(writing(engine)) as holder, holder.begin():
        holder.execute(locked.with_for_update())
        for thread in threads:
            thread.start()
        if engine.dialect.name == "postgresql":
            wait_until(lambda: waiting_for_locks(engine) == len(threads))
    for thread in threads:
        thread.join()
    return sorted(outcomes)


def test_the_same_click_twice_at_once_is_one_step_and_no_conflict(
    engine: Engine, store: Store, desk: Desk, clock: Clock
) -> None:
    store.apply(records([make_alert()]))
    take = request("take", 1)
    kinds = at_once(engine, select(CaseRow), [lambda: desk.perform(take).kind] * 2)
    assert kinds == ["done", "repeated"]
    casebook = Casebook(engine, clock)
    complaint_id = casebook.open(OpenRequest("盗图投诉", "shop1", "i1", "", "李雷", "begin-it"))
    drop = CaseRequest(complaint_id, "drop", "李雷", "drop-it-once", 1)
    kinds = at_once(engine, select(ComplaintRow), [lambda: casebook.perform(drop).kind] * 2)
    assert kinds == ["done", "repeated"]


def test_one_order_is_filed_from_one_of_two_alerts_at_once(
    engine: Engine, store: Store, desk: Desk
) -> None:
    store.apply(records([make_alert("1", orders=1), make_alert("2", orders=1)]))
    label = Label.WRONG_ADDRESS_UNREACHABLE
    for key in ("1", "2"):
        desk.perform(request("take", 1, f"take-it-{key}", key=key))
        desk.perform(request("contact", 2, f"call-{key}-1", key=key, channel=Channel.PHONE))
        desk.perform(request("label", 3, f"label-{key}-1", key=key, label=label))
    first, second = (
        request("file", 4, f"file-it-{key}", key=key, order_id="shop1-b42-o1") for key in ("1", "2")
    )
    kinds = at_once(
        engine,
        select(CaseRow),
        [lambda: desk.perform(first).kind, lambda: desk.perform(second).kind],
    )
    assert kinds == ["done", "refused"]


def test_a_step_and_a_revision_of_one_alert_at_once_do_not_wait_for_each_other_for_ever(
    engine: Engine, store: Store, clock: Clock
) -> None:
    store.apply(records([make_alert()]))
    revised = records([make_alert(revision=2, change="updated", severity="critical")])
    applying = threading.Thread(target=lambda: store.apply(revised))

    def once_the_case_is_locked() -> datetime:
        applying.start()
        if engine.dialect.name == "postgresql":
            wait_until(lambda: waiting_for_locks(engine) == 1)
        return clock()

    desk = Desk(engine, default_rules(), once_the_case_is_locked)
    assert desk.perform(request("take", 1)).kind == "done"
    applying.join()
    detail = store.detail(alert_id("1"))
    assert detail is not None
    assert (detail.row.revision, detail.row.case.state) == (2, State.IN_PROGRESS)


def test_of_two_operators_one_is_told_of_the_conflict(store: Store, desk: Desk) -> None:
    store.apply(records([make_alert()]))
    outcomes: list[str] = []
    barrier = threading.Barrier(2)

    def take(by: str) -> None:
        barrier.wait(timeout=10)
        outcomes.append(desk.perform(request("take", 1, request_id=by, by=by)).kind)

    threads = [threading.Thread(target=take, args=(by,)) for by in ("李雷", "韩梅梅")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["conflict", "done"]


def test_of_two_operators_who_take_the_same_many_at_once_each_alert_has_one(
    engine: Engine, store: Store, desk: Desk, clock: Clock
) -> None:
    keys = [str(n) for n in range(30)]
    store.apply(records(make_alert(key, buyer=f"b{key}", orders=1) for key in keys))
    metrics = InboxMetrics(store, Board(store, default_rules(), clock), clock)
    told: dict[str, Told] = {}
    barrier = threading.Barrier(2)

    def take(by: str, mine: Sequence[str]) -> None:
        wanted = [request("take", 1, f"{by}-take-{key}", key=key, by=by) for key in mine]
        barrier.wait(timeout=10)
        told[by] = perform_each(desk, metrics, wanted)

    orders = {"李雷": keys, "韩梅梅": keys[::-1]}
    threads = [threading.Thread(target=take, args=one) for one in orders.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = {by: {one.alert_id for one in this.done} for by, this in told.items()}
    assert taken["李雷"] | taken["韩梅梅"] == {alert_id(key) for key in keys}
    assert not taken["李雷"] & taken["韩梅梅"]
    for by, other in (("李雷", "韩梅梅"), ("韩梅梅", "李雷")):
        assert {one.alert_id for one, _ in told[by].undone} == taken[other]
        assert {outcome.kind for _, outcome in told[by].undone} <= {"conflict"}
    for key in keys:
        detail = store.detail(alert_id(key))
        assert detail is not None
        assert len(detail.audit) == 1
        assert detail.row.alert_id in taken[detail.row.case.assignee or ""]


def test_an_attempt_to_reach_the_buyer_is_never_a_conflict(store: Store, desk: Desk) -> None:
    store.apply(records([make_alert()]))
    desk.perform(request("take", 1))
    for n in range(2):
        attempt = request("contact", 2, f"c{n}", channel=Channel.WANGWANG, answered=True)
        assert desk.perform(attempt).kind == "done"


def test_a_refused_step_leaves_no_trace(store: Store, desk: Desk, engine: Engine) -> None:
    store.apply(records([make_alert()]))
    assert desk.perform(request("confirm", 1)) == Outcome("refused", "not_from_this_state")
    desk.perform(request("take", 1))
    label = request("label", 2, label=Label.WRONG_ADDRESS_UNREACHABLE)
    assert desk.perform(label) == Outcome("refused", "contact_first")
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(AuditRow)) == 1


def test_a_step_on_an_unknown_alert_is_missing(desk: Desk) -> None:
    assert desk.perform(request("take", 1)).kind == "missing"


def test_a_handled_alert_that_gets_worse_comes_back(store: Store, desk: Desk, clock: Clock) -> None:
    store.apply(records([make_alert()]))
    desk.perform(request("take", 1))
    desk.perform(request("label", 2, label=Label.FALSE_POSITIVE))
    desk.perform(request("confirm", 3))
    clock.forward(hours=2)
    store.apply(records([make_alert(revision=2, change="escalated", severity="critical")]))
    assert state(store) == State.REOPENED
    assert ids(store, Filter()) == [alert_id("1")]
    assert store.oldest_unhandled() == clock.at
    assert store.labels() == {}


def test_the_version_word_moves_with_every_change(store: Store, desk: Desk) -> None:
    words = [store.version()]
    store.apply(records([make_alert()]))
    words.append(store.version())
    desk.perform(request("take", 1))
    words.append(store.version())
    store.apply(records([make_alert()]))
    assert len(set(words)) == 3
    assert store.version() == words[-1]


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_what_has_a_lower_number_and_is_stored_later_moves_the_version_word(
    engine: Engine, store: Store, desk: Desk
) -> None:
    store.apply(records([make_alert("1"), make_alert("2", buyer="b2")]))
    words: list[str] = []
    colleague = StepRequest(alert_id("2"), "take", "韩梅梅", "take-of-2", 1)

    def asked(_connection: object, _cursor: object, question: str, *_rest: object) -> None:
        if "INSERT INTO audit" in question and not words:
            words.append("")
            assert desk.perform(colleague).kind == "done"
            words.append(store.version())

    event.listen(engine, "after_cursor_execute", asked)
    assert desk.perform(request("take", 1)).kind == "done"
    assert store.version() != words[-1]


def test_what_is_deleted_and_what_comes_do_not_make_up_for_each_other(engine: Engine) -> None:
    inbox = Inbox(engine)
    inbox.add(make_alert())
    complaint = inbox.complain("b42")
    inbox.drop(complaint)
    word = inbox.store.version()
    with engine.begin() as connection:
        connection.execute(ComplaintStepRow.__table__.delete())
    inbox.steps("1", "take", "label")
    assert inbox.store.version() != word


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        ({"revision": 2**40}, "out_of_range"),
        ({"supersedes": "x" * 50}, "out_of_range"),
    ],
)
def test_an_alert_that_no_database_can_hold_is_refused(
    overrides: dict[str, object], reason: str
) -> None:
    result = read(position(), envelope(make_alert(**overrides)).model_dump_json().encode())
    assert isinstance(result, RefusedRecord)
    assert result.reason == reason


def test_an_alert_of_the_year_one_is_refused() -> None:
    text = envelope(make_alert()).model_dump_json()
    early = text.replace(
        '"opened_at":"2026-11-11T12:00:00Z"', '"opened_at":"0001-01-01T00:00:00+08:00"'
    )
    assert early != text
    result = read(position(), early.encode())
    assert isinstance(result, RefusedRecord)
    assert result.reason == "out_of_range"


@pytest.mark.parametrize("value", [None, b"", b"\xff\xfe", b"[]", b"null", b"{", b'{"data":{}}'])
def test_any_other_bytes_are_refused_and_never_raise(value: bytes | None) -> None:
    assert isinstance(read(position(), value), RefusedRecord)


def test_the_reason_of_a_refusal_repeats_nothing_of_the_record() -> None:
    result = read(position(), b'{"source": 13800138000}')
    assert isinstance(result, RefusedRecord)
    assert "138" not in result.message


def test_an_alert_keeps_its_bytes() -> None:
    raw = envelope(make_alert()).model_dump_json(indent=1).encode()
    result = read(position(), raw)
    assert isinstance(result, Accepted)
    assert result.body.encode() == raw


@pytest.mark.parametrize(
    "url",
    ["mysql://u:secret@h/db", "nonsense", "sqlite://", "sqlite:///:memory:", "oracle://u:secret@h"],
)
def test_a_url_that_cannot_be_used_is_a_configuration_error(url: str) -> None:
    with pytest.raises(ConfigurationError, match="ORDERWATCH_DATABASE_URL") as caught:
        open_database(url)
    assert "secret" not in str(caught.value)


def test_a_database_that_is_away_is_transient_and_its_password_is_not_shown() -> None:
    engine = open_database("postgresql://u:secret@127.0.0.1:1/db")
    with pytest.raises(TransientError, match="ORDERWATCH_DATABASE_URL") as caught:
        upgrade(engine)
    assert "secret" not in str(caught.value)


def test_a_store_that_is_away_says_why_where_it_is_measured(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/none/inbox.db")
    clock = Clock()
    store = Store(engine, clock)
    board = Board(store, default_rules(), clock)
    metrics = InboxMetrics(store, board, clock)
    with capture_logs() as logs:
        assert b"orderwatch_inbox_bans" not in metrics.exposition()
    assert [entry["event"] for entry in logs] == ["inbox_metrics_without_store"]
    assert logs[0]["reason"].startswith("the database cannot be used: unable to open")
    # Looking has made nothing, and the start of an inbox does.
    assert not (tmp_path / "none").exists()
    upgrade(engine)
    assert b"orderwatch_inbox_bans" in metrics.exposition()
    engine.dispose()


def test_a_file_that_is_locked_at_the_start_is_transient_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_BUSY_TIMEOUT_MS", 1)
    engine = open_database(f"sqlite:///{tmp_path}/inbox.db")
    upgrade(engine)
    with closing(sqlite3.connect(tmp_path / "inbox.db", isolation_level=None)) as shell:
        shell.execute("BEGIN IMMEDIATE")
        with pytest.raises(TransientError, match=r"inbox\.db is locked: .* End that, then start"):
            upgrade(engine)
    upgrade(engine)
    engine.dispose()


def test_make_alert_is_a_valid_alert() -> None:
    assert isinstance(make_alert(), Alert)


@pytest.mark.parametrize("kept_pages", [0, 1, 30])
def test_a_damaged_file_is_named_and_not_taken_for_a_bug(tmp_path: Path, kept_pages: int) -> None:
    path = tmp_path / "inbox.db"
    for is_damaged in (False, True):
        engine = open_database(f"sqlite:///{path}")
        if not is_damaged:
            upgrade(engine)
        else:
            pages = path.read_bytes()
            start = kept_pages * 4096
            path.write_bytes(pages[:start] + b"\xff" * (len(pages) - start))
            with pytest.raises(ConfigurationError, match=r"inbox\.db is damaged.*Backup"):
                upgrade(engine)
        engine.dispose()
