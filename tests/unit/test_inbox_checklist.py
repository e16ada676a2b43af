"""The suggested steps of an alert are ticked: audited, taken back, kept when a revision suggests others."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine

from schemas.alerts import Alert, SuggestedAction, Text
from streams.inbox.checklist import Tick, find, key_of, since_return, ticks_of
from streams.inbox.desk import Outcome
from streams.inbox.workflow import Label, State, StepRequest, can_log, is_label_of
from tests.factories import alert_id, make_alert
from tests.inbox import Clock, Inbox, Served
from tests.visiting import visiting

ONE = f"/alerts/{alert_id('1')}"


def step(zh: str, en: str = "x", code: str = "A4_remind") -> SuggestedAction:
    return SuggestedAction(code=code, text=Text(zh=zh, en=en))  # type: ignore[arg-type]


FILM = step("打包时录像", "Film the packing", "A6_evidence_pack")
SHIP = step("48小时内发货", "Ship within 48 h")


def paid(*steps: SuggestedAction, **overrides: object) -> Alert:
    fields = {"detector": "D07", "suggested_actions": list(steps), **overrides}
    return make_alert(**fields)  # type: ignore[arg-type]


def tick(
    inbox: Inbox,
    action: SuggestedAction,
    by: str = "李雷",
    do: str = "tick",
    n: int = 0,
    version: int = 1,
) -> Outcome:
    request_id = f"{do}-{by}-{n}-{key_of(action)}"
    return inbox.desk.perform(
        StepRequest(alert_id("1"), do, by, request_id, version, action=key_of(action))  # type: ignore[arg-type]
    )


def ticked(inbox: Inbox) -> list[Tick]:
    detail = inbox.store.detail(alert_id("1"))
    assert detail is not None
    return list(ticks_of(since_return(detail.audit)).values())


@pytest.fixture
def inbox(engine: Engine) -> Inbox:
    return Inbox(engine)


def test_two_people_tick_and_both_see_who_did_what(inbox: Inbox) -> None:
    inbox.add(paid(FILM, SHIP))
    assert tick(inbox, FILM).kind == "done"
    inbox.clock.forward(minutes=2)
    # Neither has seen the other's step, and neither is in the other's way.
    assert tick(inbox, SHIP, "韩梅梅").kind == "done"
    assert [(one.text.en, one.by) for one in ticked(inbox)] == [
        ("Film the packing", "李雷"),
        ("Ship within 48 h", "韩梅梅"),
    ]
    assert tick(inbox, FILM, "韩梅梅").kind == "repeated"
    assert ticked(inbox)[0].by == "李雷"


def test_a_tick_is_taken_back_once_and_can_be_set_again(inbox: Inbox) -> None:
    inbox.add(paid(FILM))
    assert tick(inbox, FILM, do="untick").kind == "repeated"
    tick(inbox, FILM)
    assert tick(inbox, FILM, do="untick").kind == "done"
    assert ticked(inbox) == []
    # The first request once more is no new step.
    assert tick(inbox, FILM).kind == "repeated"
    assert ticked(inbox) == []
    assert tick(inbox, FILM, n=1).kind == "done"
    detail = inbox.store.detail(alert_id("1"))
    assert detail is not None
    assert [row.step for row in detail.audit] == ["take", "tick", "untick", "tick"]


def test_the_first_tick_takes_the_alert_and_others_leave_the_case_as_it_is(inbox: Inbox) -> None:
    inbox.add(paid(FILM, SHIP))
    inbox.clock.forward(minutes=1)
    assert tick(inbox, FILM).waited is not None
    before = inbox.store.detail(alert_id("1")).row.case  # type: ignore[union-attr]
    assert (before.state, before.assignee, before.version) == (State.IN_PROGRESS, "李雷", 2)
    inbox.steps("1", "label", "confirm")
    handled = inbox.store.detail(alert_id("1")).row.case  # type: ignore[union-attr]
    word = inbox.store.version()
    inbox.clock.forward(days=3)
    assert tick(inbox, SHIP).kind == "done"
    after = inbox.store.detail(alert_id("1")).row.case  # type: ignore[union-attr]
    assert (after.state, after.version) == (State.DONE, handled.version)
    # When it was handled, so how long it is kept, stays; and open pages are told.
    assert after.updated_at == handled.updated_at
    assert inbox.store.version() != word
    assert inbox.store.waiting_events() == dict.fromkeys(inbox.store.waiting_events(), 0)
    assert all(can_log("tick", state) for state in State)


def test_a_tick_on_the_page_of_before_it_came_back_leaves_it_to_whoever_sees_that(
    inbox: Inbox,
) -> None:
    inbox.add(paid(FILM, SHIP))
    inbox.steps("1", "take", "label", "confirm")
    shown = inbox.store.detail(alert_id("1")).row.case  # type: ignore[union-attr]
    inbox.add(paid(FILM, SHIP, revision=2, change="escalated", severity="critical"))
    # As on the page that was open meanwhile.
    assert tick(inbox, FILM, version=shown.version).kind == "done"
    left = inbox.store.detail(alert_id("1")).row.case  # type: ignore[union-attr]
    assert (left.state, left.label) == (State.REOPENED, shown.label)
    assert [one.key for one in ticked(inbox)] == [key_of(FILM)]
    assert tick(inbox, SHIP, version=left.version).waited is not None
    taken = inbox.store.detail(alert_id("1")).row.case  # type: ignore[union-attr]
    assert (taken.state, taken.label) == (State.IN_PROGRESS, None)


def test_an_alert_that_comes_back_has_its_boxes_empty(inbox: Inbox) -> None:
    inbox.add(paid(FILM, SHIP))
    for action in (FILM, SHIP):
        tick(inbox, action)
    inbox.steps("1", "label", "confirm")
    inbox.add(paid(FILM, SHIP, revision=2, change="escalated", severity="critical"))
    assert ticked(inbox) == []
    # As a page would have it that was open meanwhile.
    assert tick(inbox, FILM, do="untick").kind == "repeated"
    assert tick(inbox, SHIP, "韩梅梅", n=1).kind == "done"
    assert [(one.text.en, one.by) for one in ticked(inbox)] == [("Ship within 48 h", "韩梅梅")]
    # The request that ticked it before is no new step.
    assert tick(inbox, FILM).kind == "repeated"
    assert len(ticked(inbox)) == 1


def test_who_takes_a_handled_alert_again_finds_what_was_done(inbox: Inbox) -> None:
    inbox.add(paid(FILM, SHIP))
    tick(inbox, FILM)
    inbox.steps("1", "label", "confirm", "take")
    assert [one.key for one in ticked(inbox)] == [key_of(FILM)]


def test_a_tick_outlives_revisions_by_its_words_and_what_is_gone_is_kept(inbox: Inbox) -> None:
    inbox.add(paid(FILM, SHIP))
    tick(inbox, SHIP)
    tick(inbox, FILM)
    sooner = step("24小时内发货", "Ship within 24 h")
    other = step("联系买家", "Contact the buyer")
    inbox.add(paid(other, sooner, revision=2, change="updated"))
    assert key_of(sooner) == key_of(SHIP) != key_of(other)
    kept = {one.key: one.text.en for one in ticked(inbox)}
    assert kept == {key_of(SHIP): "Ship within 48 h", key_of(FILM): "Film the packing"}
    assert tick(inbox, FILM, do="untick").kind == "done"
    refused = tick(inbox, FILM, n=1)
    assert (refused.kind, refused.reason) == ("refused", "not_suggested")
    assert find([other], key_of(FILM)) is None


def test_no_two_steps_of_an_alert_are_one_for_their_code_alone() -> None:
    assert len({key_of(step(zh)) for zh in ("登记", "录像", "称重")}) == 3
    assert key_of(step("登记")) != key_of(step("登记", code="A5_notify"))


def test_a_top_up_has_a_label_of_its_own_and_no_other_alert_has_it(inbox: Inbox) -> None:
    assert is_label_of(Label.TOP_UP_CHECKED, "D27")
    assert all(is_label_of(label, "D01") for label in set(Label) - {Label.TOP_UP_CHECKED})
    inbox.add(make_alert("1", detector="D27"), make_alert("2", buyer="b2"))
    inbox.steps("1", "take", "label", "confirm", label=Label.TOP_UP_CHECKED)
    assert inbox.store.labels() == {("D27", "TOP_UP_CHECKED"): 1}
    inbox.steps("2", "take")
    wanted = StepRequest(
        alert_id("2"), "label", "李雷", "label-of-2", 2, label=Label.TOP_UP_CHECKED
    )
    refused = inbox.desk.perform(wanted)
    assert (refused.kind, refused.reason) == ("refused", "label_of_others")


def test_the_label_of_top_ups_is_offered_where_it_fits(tmp_path: Path) -> None:
    with (
        Served(tmp_path, Clock()) as served,
        closing(visiting(served.url, headers={"origin": served.url})) as http,
    ):
        served.add(make_alert())
        assert "TOP_UP_CHECKED" not in http.get("/").text
        served.add(make_alert("2", detector="D27", buyer="b2"))
        assert "TOP_UP_CHECKED" in http.get("/").text
        for key, is_offered in (("1", False), ("2", True)):
            served.desk.perform(StepRequest(alert_id(key), "take", "李雷", f"take-of-{key}", 1))
            page = http.get(f"/alerts/{alert_id(key)}").text
            assert ('value="TOP_UP_CHECKED"' in page) is is_offered


def test_boxes_on_the_page_and_in_the_evidence(tmp_path: Path) -> None:
    with (
        Served(tmp_path, Clock()) as served,
        closing(
            visiting(
                served.url,
                headers={"origin": served.url},
                follow_redirects=True,
            )
        ) as http,
    ):
        hostile = step("<b>登记</b>13812345678", "<b>Register</b>")
        served.add(paid(hostile, FILM))

        def press(do: str, key: str) -> httpx.Response:
            page = http.get(ONE).text
            forms = re.findall(rf'<form method="post" action="{ONE}/{do}">(.*?)</form>', page, re.S)
            (form,) = [one for one in forms if f'value="{key}"' in one]
            return http.post(
                f"{ONE}/{do}", data=dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
            )

        answer = press("tick", key_of(hostile))
        assert (answer.status_code, answer.url.fragment) == (200, "steps")
        assert "已做1/2" in answer.text
        assert "<b>登记" not in answer.text
        evidence = http.get(f"{ONE}/evidence").text
        assert "做了一步" in evidence
        assert "本机" not in evidence
        assert "13812345678" not in evidence
        served.add(paid(FILM, revision=2, change="updated"))
        gone = http.get(ONE).text
        assert ("已做0/1" in gone, "已做，现在不再建议" in gone) == (True, True)
        assert "已做，现在不再建议" not in press("untick", key_of(hostile)).text
        for bad in ("", "A6", "A6.x", f"{key_of(FILM)}0", "<b>"):
            form = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', gone))
            assert http.post(f"{ONE}/tick", data={**form, "action": bad}).status_code == 400


def test_the_page_says_who_had_done_a_step_before_the_alert_came_back(tmp_path: Path) -> None:
    with (
        Served(tmp_path, Clock()) as served,
        closing(visiting(served.url)) as http,
    ):
        served.add(paid(FILM, SHIP))
        by = "<b>李雷"
        for step in ("take", "tick", "label", "confirm"):
            detail = served.store.detail(alert_id("1"))
            wanted = StepRequest(
                alert_id("1"),
                step,  # type: ignore[arg-type]
                by,
                f"{step}-of-before",
                detail.row.case.version,  # type: ignore[union-attr]
                label=Label.BUYER_PAID,
                action=key_of(FILM),
            )
            assert served.desk.perform(wanted).kind == "done"
        assert "已做1/2" in http.get(ONE).text
        served.add(paid(FILM, SHIP, revision=2, change="escalated", severity="critical"))
        page = http.get(ONE).text
        assert ("已做0/2" in page, page.count("重新出现前 &lt;b&gt;李雷 已做")) == (True, 1)
        assert 'aria-checked="true"' not in page
        assert "done by &lt;b&gt;李雷 before it came back" in http.get(f"{ONE}?lang=en").text


def test_who_was_slower_is_told_what_the_other_one_did_and_of_no_tick(tmp_path: Path) -> None:
    with (
        Served(tmp_path, Clock()) as served,
        closing(visiting(served.url, headers={"origin": served.url})) as http,
    ):
        served.add(paid(FILM))

        def form(do: str) -> dict[str, str]:
            page = http.get(ONE).text
            (found,) = re.findall(rf'action="{ONE}/{do}"[^>]*>(.*?)</form>', page, re.S)
            return dict(re.findall(r'name="(\w+)" value="([^"]*)"', found))

        take = form("take")
        assert http.post(f"{ONE}/assign", data={**form("assign"), "assignee": "韩梅梅"}).is_redirect
        assert http.post(f"{ONE}/tick", data=form("tick")).is_redirect
        late = http.post(f"{ONE}/take", data=take)
        assert late.status_code == 409
        told = re.findall(r"<p>最近一步：\S+ \S+ (.*?)</p>", late.text)
        assert told == ["转交给 韩梅梅"]
