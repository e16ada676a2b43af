"""An alert is handed over to somebody, audited, and found again by who has it. On both databases."""

from __future__ import annotations

import json
import re
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine

from streams.inbox.desk import Outcome
from streams.inbox.listing import Filter
from streams.inbox.metrics import InboxMetrics
from streams.inbox.workflow import UNHANDLED, Label, State, StepRequest, refusal
from tests.factories import alert_id, make_alert
from tests.inbox import Clock, Inbox, Served
from tests.visiting import visiting

ONE = f"/alerts/{alert_id('1')}"


def hand(
    inbox: Inbox, key: str, to: str, version: int, by: str = "李雷", request: str = ""
) -> Outcome:
    request_id = request or f"hand-{key}-{to}-{version}"
    return inbox.desk.perform(
        StepRequest(alert_id(key), "assign", by, request_id, version, assignee=to)
    )


def with_whom(inbox: Inbox, key: str = "1") -> tuple[str, str | None]:
    detail = inbox.store.detail(alert_id(key))
    assert detail is not None
    return detail.row.case.state, detail.row.case.assignee


def audited(inbox: Inbox, key: str = "1") -> list[tuple[str, str, str | None]]:
    detail = inbox.store.detail(alert_id(key))
    assert detail is not None
    return [(row.step, row.by, json.loads(row.detail).get("assignee")) for row in detail.audit]


@pytest.fixture
def inbox(engine: Engine) -> Inbox:
    return Inbox(engine)


def test_an_alert_is_handed_over_before_it_is_handled_and_not_after() -> None:
    for state in State:
        expected = None if state in UNHANDLED else "not_from_this_state"
        assert refusal("assign", state, Label.BUYER_PAID, 0) == expected


def test_who_has_it_changes_and_nothing_else_and_it_is_audited(inbox: Inbox) -> None:
    inbox.add(make_alert())
    inbox.steps("1", "take", "label")
    assert hand(inbox, "1", "韩梅梅", 3).kind == "done"
    assert with_whom(inbox) == (State.LABELLED, "韩梅梅")
    assert audited(inbox)[-1] == ("assign", "李雷", "韩梅梅")
    # Twice is once, whatever happened meanwhile.
    assert hand(inbox, "1", "韩梅梅", 3).kind == "repeated"
    assert hand(inbox, "1", "Jim", 3).kind == "conflict"
    assert with_whom(inbox) == (State.LABELLED, "韩梅梅")
    inbox.steps("1", "confirm")
    assert hand(inbox, "1", "Jim", 5).reason == "not_from_this_state"


def test_whoever_hands_over_what_nobody_had_taken_has_taken_it(inbox: Inbox) -> None:
    inbox.add(make_alert())
    inbox.clock.forward(minutes=3)
    outcome = hand(inbox, "1", "韩梅梅", 1)
    assert outcome.waited is not None
    assert outcome.waited.total_seconds() == 180
    assert with_whom(inbox) == (State.IN_PROGRESS, "韩梅梅")
    assert audited(inbox) == [("take", "李雷", None), ("assign", "李雷", "韩梅梅")]


def test_nobody_is_no_name_and_a_long_or_odd_one_is_kept_as_a_column_can(inbox: Inbox) -> None:
    inbox.add(make_alert())
    assert hand(inbox, "1", "", 1).reason == "assignee_first"
    assert (with_whom(inbox), audited(inbox)) == ((State.NEW, None), [])
    assert hand(inbox, "1", "x\x00" * 40, 1, request="hand-odd").kind == "done"
    kept = with_whom(inbox)[1]
    assert kept == ("x\N{REPLACEMENT CHARACTER}" * 40)[:64]
    assert inbox.store.page(Filter(assignee="\x00", shop="\x00")).total == 0


def test_lists_are_of_one_person_at_work_and_handled_and_counted(inbox: Inbox) -> None:
    inbox.add(*(make_alert(key, buyer=f"b{key}") for key in "12345"))
    inbox.steps("1", "take")
    inbox.steps("2", "take", by="韩梅梅")
    hand(inbox, "3", "韩梅梅", 1)
    inbox.handle("4")
    for wanted, keys in (
        (Filter(assignee="李雷"), "1"),
        (Filter(assignee="韩梅梅"), "23"),
        (Filter(assignee="李雷", is_handled=True), "4"),
        (Filter(assignee="韩梅梅", is_handled=True), ""),
    ):
        listing = inbox.store.page(wanted)
        assert {row.alert_id for row in listing.rows} == {alert_id(key) for key in keys}
        assert (listing.total, listing.suppressed) == (len(keys), 0)
        if not wanted.is_handled:
            assert len(inbox.store.grouped(wanted)[0].rows) == len(keys)


def test_those_who_acted_or_were_handed_something_can_be_chosen(inbox: Inbox) -> None:
    inbox.add(*(make_alert(key, buyer=f"b{key}") for key in "123"))
    assert inbox.store.names() == []
    inbox.steps("1", "take")
    assert inbox.store.names() == ["李雷"]
    hand(inbox, "2", "Jim", 1)
    # What the pipeline did is nobody's.
    inbox.add(make_alert("3", buyer="b3", revision=2, change="resolved", status="resolved"))
    assert inbox.store.names() == sorted(["李雷", "Jim"])


def test_the_step_is_counted_by_its_outcome(inbox: Inbox) -> None:
    metrics: InboxMetrics = inbox.metrics
    inbox.add(make_alert())
    outcome = hand(inbox, "1", "Jim", 1)
    metrics.stepped("assign", outcome.kind, outcome.waited)
    assert b'steps_total{outcome="done",step="assign"} 1.0' in metrics.exposition()


def forms(page: str) -> dict[str, str]:
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))


def test_on_the_page_of_an_alert_and_for_many_on_the_list(tmp_path: Path) -> None:
    with (
        Served(tmp_path, Clock()) as served,
        closing(visiting(served.url, headers={"origin": served.url})) as http,
    ):
        served.add(*(make_alert(key, buyer=f"b{key}") for key in "123"))
        hostile = "<b>13812345678</b>.x"
        page = http.get(ONE).text
        (form,) = re.findall(r'<form method="post" action="[^"]*/assign".*?</form>', page, re.S)
        answer = http.post(
            f"{ONE}/assign", data={**forms(form), "assignee": f" {hostile} "}, follow_redirects=True
        )
        assert (answer.status_code, "<b>138" in answer.text) == (200, False)
        page = http.get("/?group=none").text
        boxes = re.findall(r'name="(alert\.[^"]+)" value="(\d+)"', page)
        assert len(boxes) == 3
        told = http.post(
            "/?group=none", data={**forms(page), **dict(boxes), "do": f"assign.{hostile}"}
        )
        assert (told.status_code, "3条已完成" in told.text) == (200, True)
        assert served.store.page(Filter(assignee=hostile)).total == 3
        assert f"/alerts/{alert_id('2')}" in http.get("/", params={"assignee": hostile}).text
        assert f"/alerts/{alert_id('2')}" not in http.get("/", params={"assignee": "Jim"}).text
        for bad in ("assign", "assign.", "take.Jim", "confirm.x"):
            refused = http.post("/", data={**forms(page), **dict(boxes), "do": bad})
            assert refused.status_code == 400, bad
        # What leaves the console names nobody.
        assert "转交" not in http.get(f"{ONE}/evidence").text
