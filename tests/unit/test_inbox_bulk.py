"""One step for many alerts: each under the rules of one, and what was not done is told by alert."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from streams.inbox.desk import Outcome
from streams.inbox.listing import PAGE_SIZE
from streams.inbox.workflow import Channel, Label, State, StepRequest
from tests.factories import alert_id, make_alert
from tests.inbox import Clock, Served
from tests.shift import Shift

TOKEN = "a-token-that-is-long-enough"


def states(served: Served, *keys: str) -> list[str]:
    return [served.store.detail(alert_id(key)).row.case.state for key in keys]  # type: ignore[union-attr]


def steps(served: Served, key: str) -> list[tuple[str, str]]:
    detail = served.store.detail(alert_id(key))
    assert detail is not None
    return [(row.step, row.by) for row in detail.audit]


def chosen_on(page: str) -> set[str]:
    boxes = re.findall(r'name="alert\.([^"]+)"[^>]*checked', page)
    return set(boxes)


def test_many_are_taken_labelled_and_confirmed_each_with_who_and_when(
    served: Served, shift: Shift
) -> None:
    served.add(*(make_alert(key, buyer=f"b{key}") for key in "123"))
    served.clock.forward(minutes=4)
    taken = shift.do("take", "1", "2")
    assert (taken.status_code, "处理：2条已完成" in taken.text) == (200, True)
    # Still chosen, for the label.
    assert chosen_on(taken.text) == {alert_id("1"), alert_id("2")}
    assert states(served, "1", "2", "3") == ["IN_PROGRESS", "IN_PROGRESS", "NEW"]
    assert "标签：误报：2条已完成" in shift.do("label.FALSE_POSITIVE", "1", "2").text
    confirmed = shift.do("confirm", "1", "2").text
    assert "确认：2条已完成" in confirmed
    assert f"/alerts/{alert_id('1')}" not in confirmed
    assert states(served, "1", "2", "3") == ["DONE", "DONE", "NEW"]
    for key in "12":
        detail = served.store.detail(alert_id(key))
        assert detail is not None
        assert [(row.step, row.by, row.at) for row in detail.audit] == [
            (step, "local", served.clock.at) for step in ("take", "label", "confirm")
        ]
        assert (detail.row.case.label, detail.row.case.assignee) == ("FALSE_POSITIVE", "local")
    metrics = shift.http.get("/metrics").text
    for step in ("take", "label", "confirm"):
        assert f'orderwatch_inbox_steps_total{{outcome="done",step="{step}"}} 2.0' in metrics
    assert "orderwatch_inbox_ack_seconds_sum 480.0" in metrics


def test_what_cannot_be_done_is_told_by_alert_and_the_rest_is_done(
    served: Served, shift: Shift
) -> None:
    served.add(*(make_alert(key, buyer=f"b{key}") for key in "1234"))
    for key in "12":
        served.desk.perform(StepRequest(alert_id(key), "take", "李雷", f"take-it-{key}", 1))
    call = StepRequest(alert_id("2"), "contact", "李雷", "call-b2-1", 2, channel=Channel.PHONE)
    served.desk.perform(call)
    answer = shift.do("label.WRONG_ADDRESS_UNREACHABLE", "1", "2", "3")
    assert answer.status_code == 409
    assert states(served, "1", "2", "3") == ["IN_PROGRESS", "LABELLED", "NEW"]
    assert "1条已完成" in answer.text and "2条没有执行" in answer.text
    told = dict(re.findall(r'<li><a href="/alerts/([^"]+)">(.*?)</li>', answer.text))
    assert set(told) == {alert_id("1"), alert_id("3")}
    assert "<bdi>b1</bdi>" in told[alert_id("1")]
    assert "请先记录至少一次联系" in told[alert_id("1")]
    assert "「未处理」时不能做这一步" in told[alert_id("3")]
    assert chosen_on(answer.text) == {alert_id("2")}
    english = shift.http.get("/?lang=en")
    assert english.status_code == 200
    again = shift.do("confirm", "1", "2").text
    assert "Confirm: done for 1." in again and "Not done for 1:" in again


def test_the_slower_of_two_is_told_which_ones_the_other_took(served: Served) -> None:
    served.add(*(make_alert(key, buyer=f"b{key}") for key in "123"))
    slower = Shift(served)
    with closing(slower.http):
        action, hidden, boxes = slower.form()
        served.desk.perform(StepRequest(alert_id("2"), "take", "韩梅梅", "take-it-2", 1))
        answer = slower.http.post(action, data={**hidden, **boxes, "do": "take"})
    assert (answer.status_code, 'class="message told"' in answer.text) == (409, True)
    told = re.findall(r'<li><a href="/alerts/([^"]+)">(.*?)</li>', answer.text)
    assert [one for one, _ in told] == [alert_id("2")]
    assert "这条预警刚刚有更新" in told[0][1] and "韩梅梅 开始处理" in told[0][1]
    assert [steps(served, key) for key in "123"] == [
        [("take", "local")],
        [("take", "韩梅梅")],
        [("take", "local")],
    ]


def test_a_form_sent_twice_is_one_step_of_each(served: Served, shift: Shift) -> None:
    served.add(make_alert("1"), make_alert("2"))
    action, hidden, boxes = shift.form()
    form = {**hidden, **boxes, "do": "take"}
    first, second = (shift.http.post(action, data=form) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 200)
    assert [steps(served, key) for key in "12"] == [[("take", "local")]] * 2
    # The browser went back to the page as it was, and another step is sent from it.
    other = shift.http.post(action, data={**form, "do": "label.FALSE_POSITIVE"})
    assert other.status_code == 409
    assert states(served, "1", "2") == ["IN_PROGRESS", "IN_PROGRESS"]


def test_the_answer_is_the_list_that_was_looked_at(served: Served, shift: Shift) -> None:
    served.add(make_alert("1", severity="critical"), make_alert("2"))
    answer = shift.do("take", "1", path="/?severity=critical&sort=newest")
    assert answer.url.query == b"severity=critical&sort=newest"
    assert 'data-here="/?severity=critical&amp;sort=newest"' in answer.text
    assert alert_id("2") not in answer.text


def test_complaints_are_chosen_on_their_own_tab_and_nothing_among_the_handled(
    served: Served, shift: Shift
) -> None:
    claim = make_alert("1").evidence.facts[0].model_copy(update={"kind": "ComplaintFiled"})
    evidence = make_alert("1").evidence.model_copy(update={"facts": [claim], "facts_total": 1})
    served.add(make_alert("1", evidence=evidence))
    assert shift.do("take", "1", path="/complaints").url.path == "/complaints"
    assert states(served, "1") == ["IN_PROGRESS"]
    served.add(make_alert("2"))
    served.add(make_alert("2", revision=2, change="resolved", status="resolved"))
    handled = shift.http.get("/?view=handled").text
    assert alert_id("2") in handled
    assert 'type="checkbox"' not in handled


@pytest.mark.parametrize(
    "changes",
    [
        {"do": "contact"},
        {"do": "file"},
        {"do": "close"},
        {"do": "label"},
        {"do": "label.CLOSE_ORDER"},
        {"do": "take.FALSE_POSITIVE"},
        {"request_id": "short"},
        {"request_id": "with:colon"},
        {f"alert.{alert_id('1')}": "x"},
        {"alert.\x00": "1"},
        {f"alert.{'x' * 37}": "1"},
        {f"alert.{n}": "1" for n in range(PAGE_SIZE + 1)},
        {f"more{n}": "1" for n in range(200)},
    ],
)
def test_a_form_that_no_list_sends_is_refused(
    served: Served, shift: Shift, changes: dict[str, str]
) -> None:
    served.add(make_alert())
    action, hidden, boxes = shift.form()
    answer = shift.http.post(action, data={**hidden, **boxes, "do": "take", **changes})
    assert answer.status_code == 400
    assert states(served, "1") == [State.NEW]


def test_a_whole_page_is_one_form(served: Served, shift: Shift) -> None:
    keys = [str(n) for n in range(PAGE_SIZE)]
    served.add(*(make_alert(key, buyer=f"b{key}", orders=1) for key in keys))
    assert shift.do("take", *keys).status_code == 200
    assert Counter(states(served, *keys)) == {"IN_PROGRESS": PAGE_SIZE}


@pytest.mark.parametrize("missing", ["alerts", "step"])
def test_without_a_choice_nothing_is_done_and_it_is_said(
    served: Served, shift: Shift, missing: str
) -> None:
    served.add(make_alert())
    answer = shift.do("", "1") if missing == "step" else shift.do("take")
    assert (answer.status_code, "请先选择预警和操作" in answer.text) == (409, True)
    assert states(served, "1") == [State.NEW]


def test_an_alert_that_is_not_there_any_more_is_told_as_such(served: Served, shift: Shift) -> None:
    served.add(make_alert())
    action, hidden, boxes = shift.form()
    gone = {f"alert.{alert_id('gone')}": "1"}
    answer = shift.http.post(action, data={**hidden, **boxes, **gone, "do": "take"})
    assert (answer.status_code, "没有这条预警" in answer.text) == (409, True)
    assert states(served, "1") == ["IN_PROGRESS"]


def test_only_our_own_page_can_do_it(served: Served, shift: Shift) -> None:
    served.add(make_alert())
    action, hidden, boxes = shift.form()
    form = {**hidden, **boxes, "do": "take"}
    foreign = shift.http.post(action, data=form, headers={"origin": "https://evil.example"})
    forged = shift.http.post(action, data={**form, "token": "forged"})
    assert (foreign.status_code, forged.status_code) == (403, 403)
    assert states(served, "1") == [State.NEW]


def test_with_a_token_it_needs_the_session_or_the_token(tmp_path: Path) -> None:
    with Served(tmp_path, Clock(), token=TOKEN) as guarded:
        guarded.add(make_alert())
        box = {f"alert.{alert_id('1')}": "1", "do": "take", "request_id": "script-0001"}
        outside = httpx.post(guarded.url, data=box)
        assert outside.status_code == 401
        assert 'name="next" value="/"' in outside.text
        assert states(guarded, "1") == [State.NEW]
        headers = {"authorization": f"Bearer {TOKEN}"}
        assert httpx.post(guarded.url, data=box, headers=headers).status_code == 200
        assert states(guarded, "1") == ["IN_PROGRESS"]


def interrupted(served: Served, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Let the database be away after so many steps."""
    perform, calls = served.desk.perform, 0

    def away(request: StepRequest) -> Outcome:
        nonlocal calls
        calls += 1
        if calls > after:
            raise OperationalError("UPDATE", {}, Exception("away"))
        return perform(request)

    monkeypatch.setattr(served.desk, "perform", away)


def test_a_failure_in_the_middle_loses_nothing_of_what_was_done(
    served: Served, shift: Shift, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.add(*(make_alert(key, buyer=f"b{key}") for key in "1234"))
    action, hidden, boxes = shift.form()
    form = {**hidden, **boxes, "do": "take"}
    order = [name.removeprefix("alert.") for name in boxes]
    with monkeypatch.context() as patch:
        interrupted(served, patch, 2)
        with capture_logs() as logs:
            answer = shift.http.post(action, data=form)
    (said,) = (entry for entry in logs if entry["event"] == "inbox_bulk_interrupted")
    assert said["reason"] == "the database does not answer (Exception)"
    assert answer.status_code == 503
    assert "处理：2条已完成" in answer.text and "另有2条没有执行" in answer.text
    # What was not done is chosen for another try.
    assert chosen_on(answer.text) == set(order[2:])
    assert Counter(states(served, *"1234")) == {"IN_PROGRESS": 2, "NEW": 2}
    assert shift.http.post(action, data=form).status_code == 200
    assert [len(steps(served, key)) for key in "1234"] == [1, 1, 1, 1]


def test_a_database_that_stays_away_is_not_said_to_have_done_nothing(
    served: Served, shift: Shift, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.add(*(make_alert(key, buyer=f"b{key}") for key in "1234"))
    action, hidden, boxes = shift.form()
    interrupted(served, monkeypatch, 3)

    def away(*_args: object, **_named: object) -> None:
        raise OperationalError("SELECT", {}, Exception("away"))

    monkeypatch.setattr(served.store, "page", away)
    answer = shift.http.post(action, data={**hidden, **boxes, "do": "take"})
    assert answer.status_code == 503
    assert "3条已完成并保存，1条没有执行" in answer.text
    assert "没有执行任何操作" not in answer.text


def test_a_step_for_many_follows_the_alert_that_changed_meanwhile(
    served: Served, shift: Shift
) -> None:
    served.add(make_alert("1"), make_alert("2", buyer="b2"))
    action, hidden, boxes = shift.form()
    served.clock.forward(minutes=1)
    served.add(make_alert("1", revision=2, change="resolved", status="resolved"))
    # More of the same is no reason to refuse.
    served.add(make_alert("2", buyer="b2", revision=2, change="updated", orders=7))
    answer = shift.http.post(action, data={**hidden, **boxes, "do": "take"})
    assert (answer.status_code, "orderwatch 随预警变化" in answer.text) == (409, True)
    assert states(served, "1", "2") == ["AUTO_RESOLVED", "IN_PROGRESS"]


def test_every_label_can_be_given_to_many(served: Served, shift: Shift) -> None:
    served.add(make_alert(), make_alert("2", detector="D27", buyer="b2"))
    page = shift.http.get("/").text
    for label in Label:
        assert f'<option value="label.{label}">' in page
