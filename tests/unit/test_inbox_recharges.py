"""Top-ups without a result: which of them wait, how a result is recorded, and what is kept of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from html import unescape
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine

from schemas.alerts import Alert, EvidenceFact, Subject
from streams.inbox import pages
from streams.inbox.desk import Outcome
from streams.inbox.listing import PAGE_SIZE
from streams.inbox.models import AuditRow
from streams.inbox.recharges import count_waiting, recorded, recorded_page, waiting, waiting_tally
from streams.inbox.workflow import Label, State, StepRequest
from tests.factories import T0, alert_id, make_alert
from tests.inbox import NOW, Clock, Inbox, Served
from tests.unit.test_inbox_store import plan_of
from tests.unit.test_inbox_web import TOKEN, Forms, Operator

ONE = f"/recharges/{alert_id('1')}"


def top_up(
    key: str = "1", *, buyer: str = "b42", shop: str = "shop1", **overrides: object
) -> Alert:
    sent = EvidenceFact(
        event_id=f"e-{key}",
        kind="RechargeSubmitted",
        at=T0 - timedelta(minutes=10),
        ref=f"cz-{key}",
        detail={"order_id": f"order-{key}"},
    )
    about = make_alert().evidence.model_copy(update={"facts": [sent], "facts_total": 1})
    fields = {"detector": "D27", "evidence": about, **overrides}
    return make_alert(key, buyer=buyer, shop=shop, **fields)


def resolved(key: str, revision: int = 2) -> Alert:
    return top_up(key, revision=revision, status="resolved", change="resolved")


def reconcile(key: str = "1", version: int = 1, **fields: object) -> StepRequest:
    wanted = {"by": "李雷", "request_id": f"recon-{key}-{version}", "result": "succeeded", **fields}
    return StepRequest(alert_id=alert_id(key), step="reconcile", version=version, **wanted)  # type: ignore[arg-type]


@pytest.fixture
def inbox(engine: Engine) -> Inbox:
    return Inbox(engine)


def queue(inbox: Inbox, shop: str | None = None, page: int = 1) -> list[str]:
    return [row.alert_id for row in waiting(inbox.engine, shop, inbox.clock(), page).rows]


def audited(inbox: Inbox, key: str = "1") -> list[AuditRow]:
    detail = inbox.store.detail(alert_id(key))
    assert detail is not None
    return list(detail.audit)


def test_a_top_up_waits_until_somebody_recorded_its_result(inbox: Inbox) -> None:
    inbox.add(top_up("1"), top_up("2"), make_alert("3"))
    assert count_waiting(inbox.engine, inbox.clock()) == 2
    inbox.steps("1", "take")
    assert count_waiting(inbox.engine, inbox.clock()) == 2
    inbox.steps("1", "reconcile", result="succeeded")
    assert queue(inbox) == [alert_id("2")]
    # It is at work until somebody confirms it.
    assert sum(inbox.store.unhandled().values()) == 3


def test_what_is_answered_handled_or_suppressed_waits_for_nobody(inbox: Inbox) -> None:
    inbox.add(*(top_up(key) for key in "1234"), top_up("5", suppressed_by="a snooze"))
    inbox.steps("2", "take")
    inbox.add(resolved("1"), resolved("2"))
    inbox.handle("3")
    assert queue(inbox) == [alert_id("4")]


def test_what_expired_under_somebodys_hands_has_no_result_either(inbox: Inbox) -> None:
    inbox.add(top_up("1"), top_up("2"))
    inbox.steps("1", "take")
    inbox.add(*(top_up(k, revision=2, status="expired", change="expired") for k in "12"))
    assert queue(inbox) == [alert_id("1")]


def test_a_result_is_no_answer_to_an_alert_that_came_back(inbox: Inbox) -> None:
    inbox.add(top_up())
    inbox.steps("1", "reconcile", result="succeeded")
    inbox.add(resolved("1"))
    inbox.steps("1", "label", label=Label.FALSE_POSITIVE)
    inbox.steps("1", "confirm")
    inbox.clock.forward(hours=1)
    inbox.add(top_up("1", revision=3, change="reopened"))
    assert queue(inbox) == [alert_id("1")]
    inbox.steps("1", "reconcile", result="failed", reason="查无此单")
    assert queue(inbox) == []


def shown(inbox: Inbox) -> str | None:
    """The result on the page of the alert."""
    detail = inbox.store.detail(alert_id("1"))
    assert detail is not None
    settled = pages.work(detail).settled
    return None if settled is None else json.loads(settled.detail)["result"]


def test_who_takes_a_confirmed_top_up_again_finds_its_result(inbox: Inbox) -> None:
    inbox.add(top_up())
    inbox.steps("1", "reconcile", result="succeeded")
    inbox.steps("1", "label", label=Label.TOP_UP_CHECKED)
    inbox.steps("1", "confirm")
    inbox.clock.forward(hours=1)
    inbox.steps("1", "take")
    assert (queue(inbox), count_waiting(inbox.engine, inbox.clock())) == ([], 0)
    assert shown(inbox) == "succeeded"
    # It was recorded in error.
    inbox.steps("1", "reconcile", result="failed", reason="查无此单")
    assert (queue(inbox), shown(inbox)) == ([], "failed")


def test_an_alert_that_came_back_shows_no_result_of_before(inbox: Inbox) -> None:
    inbox.add(top_up())
    inbox.steps("1", "reconcile", result="succeeded")
    inbox.steps("1", "label", label=Label.TOP_UP_CHECKED)
    inbox.steps("1", "confirm")
    # Also at the same moment of a coarse clock.
    inbox.add(top_up(revision=2, change="escalated", severity="critical"))
    assert (queue(inbox), shown(inbox)) == ([alert_id("1")], None)
    inbox.steps("1", "take")
    assert (queue(inbox), shown(inbox)) == ([alert_id("1")], None)
    inbox.steps("1", "reconcile", result="failed", reason="查无此单")
    assert (queue(inbox), shown(inbox)) == ([], "failed")
    assert recorded(inbox.engine, None, 1).total == 2


def test_who_waits_longest_is_first_on_pages_and_by_shop(inbox: Inbox) -> None:
    keys = [str(n) for n in range(PAGE_SIZE + 2)]
    later = [timedelta(minutes=len(keys) - int(key)) for key in keys]
    shops = ["shop2" if key == "7" else "shop1" for key in keys]
    inbox.add(
        *(
            top_up(key, shop=shop, opened_at=T0 + after)
            for key, shop, after in zip(keys, shops, later, strict=True)
        )
    )
    oldest_first = [alert_id(key) for key in reversed(keys)]
    assert queue(inbox) == oldest_first[:PAGE_SIZE]
    assert queue(inbox, page=2) == queue(inbox, page=99) == oldest_first[PAGE_SIZE:]
    assert queue(inbox, "shop2") == [alert_id("7")]
    assert waiting(inbox.engine, "shop3", inbox.clock(), 1).pages == 1


def test_the_newest_that_was_recorded_is_first_on_pages_and_by_shop(inbox: Inbox) -> None:
    keys = [str(n) for n in range(PAGE_SIZE + 1)]
    inbox.add(*(top_up(key, shop="shop2" if key == "3" else "shop1") for key in keys))
    for key in keys:
        inbox.steps(key, "reconcile", result="succeeded")
    first, second = (recorded(inbox.engine, None, page) for page in (1, 2))
    found = [one.row.alert_id for one in (*first.rows, *second.rows)]
    assert found == [alert_id(key) for key in reversed(keys)]
    assert (first.total, len(first.rows)) == (PAGE_SIZE + 1, PAGE_SIZE)
    (only,) = recorded(inbox.engine, "shop2", 1).rows
    assert (only.row.alert_id, only.step.by) == (alert_id("3"), "李雷")


def test_whoever_records_a_result_has_taken_the_alert(inbox: Inbox) -> None:
    inbox.add(top_up())
    inbox.clock.forward(minutes=7)
    outcome = inbox.desk.perform(reconcile())
    assert (outcome.kind, outcome.waited) == ("done", timedelta(minutes=7))
    steps = [(s.step, s.from_state, s.to_state, s.by) for s in audited(inbox)]
    assert steps == [
        ("take", State.NEW, State.IN_PROGRESS, "李雷"),
        ("reconcile", State.IN_PROGRESS, State.IN_PROGRESS, "李雷"),
    ]
    detail = inbox.store.detail(alert_id("1"))
    assert detail is not None
    assert (detail.row.case.assignee, detail.row.case.version) == ("李雷", 3)
    assert inbox.store.waiting_events()["recharges"] == 1


def test_a_result_that_is_refused_takes_nothing(inbox: Inbox) -> None:
    inbox.add(top_up("1"), make_alert("2"))
    refused = inbox.desk.perform(reconcile(result="failed"))
    assert refused == Outcome("refused", "reason_first")
    assert inbox.desk.perform(reconcile("2")) == Outcome("refused", "nothing_to_reconcile")
    assert [len(audited(inbox, key)) for key in "12"] == [0, 0]
    assert queue(inbox) == [alert_id("1")]


def test_a_result_sent_twice_is_recorded_once(inbox: Inbox) -> None:
    inbox.add(top_up())
    kinds = [inbox.desk.perform(reconcile()).kind for _ in range(2)]
    assert kinds == ["done", "repeated"]
    assert inbox.store.waiting_events()["recharges"] == 1


def test_of_two_results_at_once_one_is_told_of_the_other(inbox: Inbox) -> None:
    inbox.add(top_up())
    outcomes: list[Outcome] = []
    start = threading.Barrier(2)

    def record(by: str, result: str) -> None:
        start.wait()
        request = reconcile(by=by, result=result, reason="无记录", request_id=f"of-{by}-1")
        outcomes.append(inbox.desk.perform(request))

    both = [threading.Thread(target=record, args=a) for a in (("a", "succeeded"), ("b", "failed"))]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(outcome.kind for outcome in outcomes) == ["conflict", "done"]
    assert recorded(inbox.engine, None, 1).total == 1


def test_a_handled_alert_has_no_result_recorded(inbox: Inbox) -> None:
    inbox.add(top_up())
    inbox.handle("1")
    refused = inbox.desk.perform(reconcile(version=4))
    assert refused == Outcome("refused", "not_from_this_state")


def test_the_badge_looks_only_at_what_is_at_work(tmp_path: Path) -> None:
    for shop in (None, "shop1"):
        plan = plan_of(tmp_path, waiting_tally(shop, NOW))
        assert "SEARCH cases USING INDEX ix_cases_state" in plan
        assert "SCAN" not in plan


def test_what_was_recorded_is_listed_without_sorting_all_steps(tmp_path: Path) -> None:
    assert "ORDER BY" not in plan_of(tmp_path, recorded_page(None, 1))


@pytest.fixture
def operator(served: Served) -> Iterator[Operator]:
    operator = Operator(served)
    with closing(operator.http):
        yield operator


def record(operator: Operator, path: str = "/recharges", **fields: str) -> httpx.Response:
    """Fill in the first form of the page."""
    forms = operator.forms(path).forms
    action = next(action for action in forms if action.startswith("/recharges/"))
    return operator.http.post(unescape(action), data={**forms[action], **fields})


def test_the_queue_says_whose_top_up_waits_since_when_and_how_late_it_is(
    served: Served, operator: Operator
) -> None:
    served.add(top_up())
    page = operator.http.get("/recharges").text
    for part in ("cz-1", "order-1", "b42", "shop1", "19:50", "20:00", "5分钟前已到期"):
        assert part in page
    assert "没有等待登记结果的充值" in operator.http.get("/recharges?shop=other").text


def test_a_result_is_recorded_where_the_top_up_waits(served: Served, operator: Operator) -> None:
    served.add(top_up("1"), top_up("2", buyer="b43", opened_at=T0 + timedelta(minutes=1)))
    assert "<b>2</b>" in operator.http.get("/deadlines").text
    done = record(operator, result="failed", reason="号码13812345678有误")
    assert (done.status_code, done.url.path) == (200, "/recharges")
    log = done.text.partition('id="log"')[2]
    for part in ("本机", "充值失败", "号码138", "cz-1"):
        assert part in log
    assert "13812345678" not in done.text
    assert "<b>1</b>" in done.text
    assert ONE not in done.text
    assert 'step="reconcile"' in operator.http.get("/metrics").text


def test_without_waiting_top_ups_the_badge_is_empty(served: Served, operator: Operator) -> None:
    served.add(make_alert())
    page = operator.http.get("/").text
    assert '<span class="badge" id="unrecorded" data-swap></span>' in page


@pytest.mark.parametrize(
    "path", ["/", "/deadlines", "/complaints", "/recharges", "/listings", "/rules", "/cases/new"]
)
def test_the_badge_is_on_every_page(served: Served, operator: Operator, path: str) -> None:
    served.add(top_up())
    for one in (path, f"/alerts/{alert_id('1')}", "/nowhere"):
        assert "<b>1</b>" in operator.http.get(one).text


def test_without_its_database_a_page_has_no_badge_and_says_why(
    served: Served, operator: Operator
) -> None:
    served.add(top_up())
    with served.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE audit")
    answer = operator.http.get("/recharges")
    assert (answer.status_code, "数据库暂时无法使用" in answer.text) == (503, True)
    assert "data-swap></span>" in answer.text


def test_a_failure_without_its_reason_is_told_on_the_list(
    served: Served, operator: Operator
) -> None:
    served.add(top_up())
    answer = record(operator, result="failed", reason="  ")
    assert (answer.status_code, "充值失败请填写原因" in answer.text) == (409, True)
    assert Forms(answer.text).forms[ONE]["version"] == "1"
    assert served.store.waiting_events()["recharges"] == 0


def test_the_slower_of_two_gets_back_what_was_typed(served: Served, operator: Operator) -> None:
    served.add(top_up())
    form = operator.forms("/recharges").forms[ONE]
    served.desk.perform(reconcile(by="韩梅梅"))
    late = operator.http.post(ONE, data={**form, "result": "failed", "reason": "官方无记录"})
    assert late.status_code == 409
    for part in ("这条预警刚刚有更新", "韩梅梅", "登记了充值结果", "官方无记录"):
        assert part in late.text


def test_the_shop_and_the_pages_stay_while_results_are_recorded(
    served: Served, operator: Operator
) -> None:
    served.add(*(top_up(str(n), shop="店 1&2") for n in range(PAGE_SIZE + 2)))
    path = "/recharges?shop=%E5%BA%97+1%262&page=2"
    assert "page=2" in operator.http.get(path.partition("&page")[0]).text
    done = record(operator, path, result="succeeded")
    assert dict(done.url.params) == {"shop": "店 1&2", "page": "2"}
    assert served.store.waiting_events()["recharges"] == 1


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"result": ""}, 400),
        ({"result": "closed"}, 400),
        ({"version": ""}, 400),
        ({"token": "x"}, 403),
    ],
)
def test_a_result_that_no_page_sends_is_refused(
    served: Served, operator: Operator, change: dict[str, str], status: int
) -> None:
    served.add(top_up())
    form = {**operator.forms("/recharges").forms[ONE], "result": "succeeded"}
    assert operator.http.post(ONE, data={**form, **change}).status_code == status
    assert operator.http.get(ONE).status_code == 405
    assert operator.http.post("/recharges/nothing", data=form).status_code == 409
    foreign = operator.http.post(ONE, data=form, headers={"origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert recorded(served.engine, None, 1).total == 0


def test_nobody_reads_or_records_without_the_token(tmp_path: Path) -> None:
    with Served(tmp_path, Clock(), token=TOKEN) as served, closing(Operator(served).http) as http:
        served.add(top_up())
        for path in ("/recharges", "/listings", "/rules"):
            assert http.get(path, follow_redirects=False).status_code == 303
        answer = http.post(ONE, data={"result": "succeeded"}, follow_redirects=False)
        assert answer.status_code == 401
        assert 'name="next" value="/recharges"' in answer.text
        assert recorded(served.engine, None, 1).total == 0
        # Who has not signed in is told nothing by the head of the page either.
        assert "<b>1</b>" not in http.get("/login").text


def test_an_alert_that_names_no_top_up_is_led_to_and_has_no_form(
    served: Served, operator: Operator
) -> None:
    hostile = "\u202e<b>x</b>"
    served.add(make_alert(detector="D27", buyer=hostile), top_up("2", buyer=hostile))
    page = operator.http.get("/recharges")
    assert ONE not in Forms(page.text).forms
    assert f'href="/alerts/{alert_id("1")}"' in page.text
    assert "不能在此登记" in page.text
    assert "<b>x</b>" not in page.text and "\u202e" not in page.text
    item = make_alert(
        "3", detector="D27", subject=Subject(kind="item", id="shop1:i1"), evidence=top_up().evidence
    )
    served.add(item)
    assert operator.http.get("/recharges").status_code == 200
