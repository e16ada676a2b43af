"""Complaints that the shop files (W3): from a draft to the platform's answer, D36 among them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from html import escape
from typing import Any, get_args

import httpx
import pytest

from schemas.alerts import SuggestedAction, Text
from streams.detect import playbooks
from streams.detect.entries import ComplaintKind
from streams.inbox.casebook import CaseOutcome, CaseRequest, OpenRequest
from streams.inbox.complaints import (
    ENDED,
    TRANSITIONS,
    CaseState,
    CaseStep,
    after,
    can_take,
    missing,
    refusal,
)
from streams.inbox.listing import PAGE_SIZE
from streams.inbox.texts import TEXTS
from tests.factories import alert_id, make_alert
from tests.inbox import Served
from tests.visiting import visiting

HOSTILE = "<img src=x onerror=alert(1)>"
PICTURES: ComplaintKind = "盗图投诉"


def refused(step: CaseStep, state: CaseState, **given: Any) -> str | None:
    fields: dict[str, Any] = {"kind": PICTURES, "proved": (), "was_appealed": False, "proof": None}
    return refusal(step, state, **{**fields, **given})


def test_every_state_but_the_ends_leads_somewhere_and_none_to_an_order() -> None:
    assert set(TRANSITIONS) == set(CaseState)
    assert {state for state in CaseState if not TRANSITIONS[state]} == {
        CaseState.UPHELD,
        CaseState.DROPPED,
    }
    assert {CaseState.UPHELD, CaseState.REJECTED, CaseState.DROPPED} == ENDED
    assert not [s for s in get_args(CaseStep) if re.search("clos|order|auto", s)]


@pytest.mark.parametrize("kind", get_args(ComplaintKind))
def test_the_last_proof_completes_the_evidence_and_none_before(kind: ComplaintKind) -> None:
    needs = playbooks.NEEDS[kind]
    for n in range(len(needs)):
        assert after("prove", CaseState.DRAFT, kind, needs[:n]) is CaseState.DRAFT
        assert missing(kind, needs[:n]) == needs[n:]
        assert refused("submit", CaseState.DRAFT, proved=needs[:n], kind=kind) == "evidence_first"
    assert after("prove", CaseState.DRAFT, kind, needs) is CaseState.EVIDENCE_OK
    assert refused("submit", CaseState.EVIDENCE_OK, proved=needs, kind=kind) is None


def test_there_is_one_appeal_and_none_against_the_answer_to_a_defence() -> None:
    assert refused("appeal", CaseState.REJECTED) is None
    assert refused("appeal", CaseState.REJECTED, was_appealed=True) == "no_second_appeal"
    assert refused("appeal", CaseState.REJECTED, kind="盗图申诉") == "no_second_appeal"
    assert refused("appeal", CaseState.UPHELD) == "not_from_this_state"


def test_a_proof_that_the_kind_does_not_need_is_refused() -> None:
    assert refused("prove", CaseState.DRAFT, proof="review_shot") == "unknown_proof"
    assert refused("prove", CaseState.SUBMITTED, proof="originals") == "not_from_this_state"


@pytest.mark.parametrize("state", CaseState)
def test_a_page_offers_what_the_rules_allow(state: CaseState) -> None:
    offered = {s for s in get_args(CaseStep) if can_take(s, state, PICTURES, was_appealed=False)}
    wanted = {
        CaseState.DRAFT: {"prove", "drop"},
        CaseState.EVIDENCE_OK: {"prove", "submit", "drop"},
        CaseState.SUBMITTED: {"uphold", "reject"},
        CaseState.REJECTED: {"prove", "appeal"},
        CaseState.APPEALED: {"uphold", "reject"},
        CaseState.UPHELD: set(),
        CaseState.DROPPED: set(),
    }
    assert offered == wanted[state]


def test_there_is_a_word_for_every_kind_state_step_and_refusal() -> None:
    for prefix, members in (
        ("complaint", get_args(ComplaintKind)),
        ("casestate", tuple(CaseState)),
        ("casestep", (*get_args(CaseStep), "open")),
    ):
        for member in members:
            assert f"{prefix}.{member}" in TEXTS


@pytest.fixture
def http(served: Served) -> Iterator[httpx.Client]:
    headers = {"origin": served.url}
    with closing(visiting(served.url, headers=headers, follow_redirects=True)) as client:
        yield client


def opened(served: Served, **fields: Any) -> str:
    wanted: dict[str, Any] = {"kind": PICTURES, "shop_id": "shop1", "about": "i1", "story": ""}
    wanted |= {"by": "李雷", "request_id": "begin-it", **fields}
    return served.casebook.open(OpenRequest(**wanted))


def take(served: Served, complaint_id: str, step: Any, **fields: Any) -> CaseOutcome:
    detail = served.casebook.detail(complaint_id)
    assert detail is not None
    wanted: dict[str, Any] = {"version": detail.row.version, "by": "李雷"}
    wanted |= {"request_id": f"{step}-{detail.row.version}", **fields}
    return served.casebook.perform(CaseRequest(complaint_id, step, **wanted))


def prove_all(served: Served, complaint_id: str) -> None:
    for code in playbooks.NEEDS[PICTURES]:
        assert take(served, complaint_id, "prove", proof=code).kind == "done"


def state(served: Served, complaint_id: str) -> str:
    detail = served.casebook.detail(complaint_id)
    assert detail is not None
    return detail.row.state


def test_a_form_sent_twice_opens_one_complaint_and_takes_one_step(served: Served) -> None:
    assert opened(served) == opened(served)
    (row,) = served.casebook.page(is_ended=False).rows
    prove_all(served, row.complaint_id)
    first = take(served, row.complaint_id, "submit", request_id="submit-it")
    again = take(served, row.complaint_id, "submit", request_id="submit-it")
    assert (first.kind, again.kind) == ("done", "repeated")


def test_the_slower_of_two_people_changes_nothing_but_a_proof_is_kept(served: Served) -> None:
    complaint_id = opened(served)
    prove_all(served, complaint_id)
    assert take(served, complaint_id, "drop", version=1).kind == "conflict"
    assert take(served, complaint_id, "prove", version=1, proof="originals").kind == "done"
    assert state(served, complaint_id) == CaseState.EVIDENCE_OK


def test_a_step_too_early_is_refused_with_its_reason(served: Served) -> None:
    complaint_id = opened(served)
    outcome = take(served, complaint_id, "submit")
    assert (outcome.kind, outcome.reason) == ("refused", "evidence_first")
    assert take(served, complaint_id, "uphold").reason == "not_from_this_state"
    assert served.casebook.perform(CaseRequest("none", "drop", "x", "y" * 8, 1)).kind == "missing"


def test_an_answer_belongs_to_what_was_asked(served: Served) -> None:
    complaint_id = opened(served)
    prove_all(served, complaint_id)
    times = []
    for step in ("submit", "reject", "appeal", "uphold"):
        served.clock.forward(hours=1)
        times.append(served.clock())
        assert take(served, complaint_id, step).kind == "done"
    detail = served.casebook.detail(complaint_id)
    assert detail is not None
    row = detail.row
    assert [row.submitted_at, row.answered_at, row.appealed_at, row.appeal_answered_at] == times
    assert served.casebook.page(is_ended=False).rows == []
    assert [one.complaint_id for one in served.casebook.page(is_ended=True).rows] == [complaint_id]


def fields(page: str, action: str) -> dict[str, str]:
    form = re.search(rf'<form[^>]*action="{re.escape(action)}">(.*?)</form>', page, re.S)
    assert form, f"no form for {action}"
    hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form[1])
    return dict(hidden)


def step(http: httpx.Client, where: str, name: str, **given: str) -> httpx.Response:
    hidden = fields(http.get(where).text, f"{where}/{name}")
    return http.post(f"{where}/{name}", data={**hidden, **given})


def test_d36_a_person_opens_gathers_submits_and_is_answered(
    served: Served, http: httpx.Client
) -> None:
    """No detector and no alert: only a person sees that a picture was taken."""
    assert "新建投诉单" in http.get("/complaints").text
    begin = fields(http.get("/cases/new").text, "/cases")
    given = {"kind": PICTURES, "shop": "shop1", "about": "i1", "story": "主图被盗用"}
    page = http.post("/cases", data={**begin, **given})
    where = page.url.path
    assert where.startswith("/cases/")
    for part in ("盗图投诉", "主图被盗用", "投诉他人盗用图片", "complainImageCommit", "对象:i1"):
        assert part in page.text
    assert "登记已提交" not in page.text
    for code in playbooks.NEEDS[PICTURES]:
        hidden = fields(http.get(where).text, f"{where}/prove")
        page = http.post(f"{where}/prove", data={**hidden, "proof": code, "note": "网盘/原图"})
    assert "证据已备" in page.text and "网盘/原图" in page.text
    page = step(http, where, "submit", note="平台编号 77")
    assert "已提交，等待答复" in page.text and "平台答复投诉" in page.text
    served.clock.forward(days=5)
    assert "已过期限" in http.get(where).text
    assert "盗图投诉" in http.get("/deadlines").text
    page = step(http, where, "uphold")
    assert "成立" in page.text and "过期后办" in page.text
    assert "盗图投诉" in http.get("/complaints?view=handled").text


def test_an_alert_that_suggests_a_complaint_leads_to_its_form(
    served: Served, http: httpx.Client
) -> None:
    step_ = playbooks.complaint("异常拍下")
    assert step_.draft is not None
    action = SuggestedAction(
        code=step_.code, text=Text(zh=step_.zh, en=step_.en), draft=step_.draft
    )
    served.add(make_alert(suggested_actions=[action]))
    page = http.get(f"/alerts/{alert_id('1')}").text
    link = re.search(r'href="(/cases/new\?[^"]+)"', page)
    assert link
    page = http.get(link[1].replace("&amp;", "&")).text
    assert '<option value="异常拍下" selected>' in page
    begin = fields(page, "/cases")
    assert begin["alert"] == alert_id("1")
    answer = http.post("/cases", data={**begin, "kind": "异常拍下", "shop": "shop1", "about": "o1"})
    assert f"/alerts/{alert_id('1')}" in answer.text
    assert answer.url.path in http.get(f"/alerts/{alert_id('1')}").text


def test_a_shop_sees_its_own_entry_and_both_where_its_type_is_not_said(
    served: Served, http: httpx.Client
) -> None:
    complaint_id = opened(served, kind="广告评价")
    page = http.get(f"/cases/{complaint_id}").text
    assert "商品评价后台" in page and "不合理评价投诉入口" in page


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "关闭订单"},
        {"shop": ""},
        {"shop": "s" * 65},
        {"about": " "},
        {"request_id": "short"},
        {"story": "x" * 40_000},
    ],
)
def test_a_form_that_no_page_sends_opens_nothing(
    served: Served, http: httpx.Client, changes: dict[str, str]
) -> None:
    begin = fields(http.get("/cases/new").text, "/cases")
    given = {**begin, "kind": PICTURES, "shop": "shop1", "about": "i1", **changes}
    assert http.post("/cases", data=given).status_code == 400
    assert served.casebook.page(is_ended=False).rows == []


@pytest.mark.parametrize("changes", [{"token": ""}, {"token": "forged"}])
def test_a_change_without_the_token_of_the_session_is_refused(
    served: Served, http: httpx.Client, changes: dict[str, str]
) -> None:
    begin = fields(http.get("/cases/new").text, "/cases")
    given = {**begin, "kind": PICTURES, "shop": "shop1", "about": "i1", **changes}
    assert http.post("/cases", data=given).status_code == 403
    complaint_id = opened(served)
    hidden = fields(http.get(f"/cases/{complaint_id}").text, f"/cases/{complaint_id}/drop")
    posted = http.post(f"/cases/{complaint_id}/drop", data={**hidden, **changes})
    assert posted.status_code == 403
    assert state(served, complaint_id) == CaseState.DRAFT


def test_a_new_complaint_says_what_comes_next_before_it_offers_to_drop_it(
    served: Served, http: httpx.Client
) -> None:
    where = f"/cases/{opened(served)}"
    page = http.get(where).text
    assert 0 < page.index("证据备齐后可以登记提交") < page.index(f'action="{where}/drop"')


def test_what_a_page_cannot_do_is_said_with_the_true_state(
    served: Served, http: httpx.Client
) -> None:
    complaint_id = opened(served)
    where = f"/cases/{complaint_id}"
    hidden = fields(http.get(where).text, f"{where}/drop")
    early = http.post(f"{where}/submit", data=hidden)
    assert (early.status_code, "请先登记全部证据" in early.text) == (409, True)
    take(served, complaint_id, "prove", proof="originals")
    late = http.post(f"{where}/drop", data=hidden)
    assert (late.status_code, "同事刚刚更新了这张投诉单" in late.text) == (409, True)
    assert http.post(f"{where}/close", data=hidden).status_code == 400
    assert http.get(f"{where}/drop").status_code == 405
    assert http.get("/cases/none").status_code == 404


def test_what_was_typed_for_a_step_that_was_not_taken_is_kept(
    served: Served, http: httpx.Client
) -> None:
    complaint_id = opened(served)
    prove_all(served, complaint_id)
    where = f"/cases/{complaint_id}"
    submitting = fields(http.get(where).text, f"{where}/submit")
    take(served, complaint_id, "prove", proof="originals", by="李娜")
    note = "平台编号 77 <b>"
    late = http.post(f"{where}/submit", data={**submitting, "note": note})
    assert late.status_code == 409
    assert "最近一步：20:05 李娜 登记证据" in late.text
    # To be sent again from its own field, and from no other.
    assert f"<blockquote>{escape(note)}</blockquote>" in late.text
    assert late.text.count(f'name="note" value="{escape(note)}"') == 1
    again = fields(late.text, f"{where}/submit")
    assert escape(note) in http.post(f"{where}/submit", data={**again, "note": note}).text
    # Where the step is no longer offered, the note can still be copied.
    gone = http.post(f"{where}/submit", data={**submitting, "note": note})
    assert gone.status_code == 409
    assert f"<blockquote>{escape(note)}</blockquote>" in gone.text
    assert f'value="{escape(note)}"' not in gone.text


def test_a_story_of_several_lines_is_shown_as_it_was_typed(
    served: Served, http: httpx.Client
) -> None:
    begin = fields(http.get("/cases/new").text, "/cases")
    given = {"kind": PICTURES, "shop": "shop1", "about": "i1", "story": "第一行\r\n第二行"}
    page = http.post("/cases", data={**begin, **given}).text
    assert page.count("第一行\n第二行") == 2
    assert "\\r" not in page


def test_what_a_complaint_is_about_is_an_id_and_no_phone(
    served: Served, http: httpx.Client
) -> None:
    complaint_id = opened(served, about="13812345678", story="电话13812345678")
    page = http.get(f"/cases/{complaint_id}").text
    assert "对象:13812345678" in page
    assert page.count("13812345678") == 2
    assert "13812345678" in http.get("/complaints").text


def test_an_alert_fills_in_the_buyer_without_the_shop(served: Served, http: httpx.Client) -> None:
    served.add(make_alert())
    page = http.get(f"/cases/new?alert={alert_id('1')}").text
    assert re.search(r'name="about"[^>]*value="b42"', page)


def test_pages_show_every_complaint_once_and_say_how_many_there_are(
    served: Served, http: httpx.Client
) -> None:
    ids = []
    for n in range(2 * PAGE_SIZE + 1):
        ids.append(opened(served, request_id=f"begin-{n:04}"))
        served.clock.forward(minutes=1)
    shown: list[str] = []
    path = "/complaints"
    while path:
        page = http.get(path).text
        assert f"共{len(ids)}条" in page
        shown += re.findall(r'<a href="/cases/([^"/]+-[^"]+)"', page)
        following = re.search(r'rel="next" href="(/complaints\?cases=\d+)"', page)
        path = following[1] if following else ""
    assert shown == ids
    assert served.casebook.page(is_ended=False, number=99).page == 3


def test_the_search_and_the_shop_of_the_tab_choose_among_the_complaints_too(
    served: Served, http: httpx.Client
) -> None:
    one = opened(served, request_id="begin-one", about="订单77", shop_id="shop1")
    two = opened(served, request_id="begin-two", about="订单88", shop_id="shop2")

    def shown(**wanted: str) -> set[str]:
        page = http.get("/complaints", params=wanted).text
        return set(re.findall(r'<a href="/cases/([^"/]+-[^"]+)"', page))

    assert shown() == {one, two}
    assert shown(q=" 77 ") == {one}
    assert shown(shop="shop2") == {two}
    assert shown(q="77", shop="shop2") == shown(q="%") == set()


def test_the_history_names_the_proof(served: Served, http: httpx.Client) -> None:
    complaint_id = opened(served)
    take(served, complaint_id, "prove", proof="originals")
    page = http.get(f"/cases/{complaint_id}").text
    (history,) = re.findall(r'<details class="log">(.*?)</details>', page, re.S)
    assert playbooks.PROOFS["originals"][0] in history
    assert "这张投诉单有更新" in page


def test_what_a_person_types_is_text_and_hides_phones(served: Served, http: httpx.Client) -> None:
    complaint_id = opened(served, about=HOSTILE, story=f"{HOSTILE} 13812345678")
    take(served, complaint_id, "prove", proof="originals", note=f"{HOSTILE} 13812345678")
    for path in (f"/cases/{complaint_id}", "/complaints"):
        page = http.get(path).text
        assert "<img" not in page and "&lt;img" in page
        assert "13812345678" not in page
