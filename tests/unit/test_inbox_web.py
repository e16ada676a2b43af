"""The console over real HTTP: what it shows, what it refuses, and what is never there."""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from click import Context
from sqlalchemy.exc import OperationalError
from typer.main import get_command

from schemas.alerts import Deadline, EvidenceFact, Subject, SuggestedAction, Text
from streams.cli.root import app as cli
from streams.detect.deadlines import REMINDERS
from streams.inbox.casebook import OpenRequest
from streams.inbox.consumer import Health
from streams.inbox.listing import PAGE_SIZE
from streams.inbox.session import MAX_WRONG_TRIES_A_MINUTE, Gatekeeper
from streams.inbox.texts import TEXTS
from streams.inbox.wordings import wordings
from streams.inbox.workflow import State
from tests.factories import T0, alert_id, make_alert
from tests.inbox import NOW, Clock, Served, names_in
from tests.visiting import get, visiting

ONE = f"/alerts/{alert_id('1')}"
HOSTILE = "<img src=x onerror=alert(1)>\"'{{7*7}}&<script>alert(2)</script>"
TOKEN = "a-token-that-is-long-enough"
VIEWS = ("", "?view=handled", "?view=snoozed", "complaints")


class Forms(HTMLParser):
    """The forms and buttons of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, str]] = {}
        self.methods: dict[str, str] = {}
        self.tags: list[str] = []
        self._action = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {key: value or "" for key, value in attrs}
        self.tags.append(tag)
        if tag == "form":
            self._action = found["action"]
            self.methods[self._action] = found.get("method", "get")
            self.forms[self._action] = {}
        if tag == "input" and found.get("type") == "hidden":
            self.forms[self._action][found["name"]] = found["value"]


class Operator:
    """A browser without script: cookies, and forms as the page has them."""

    def __init__(self, served: Served, **headers: str) -> None:
        self.http = visiting(
            served.url,
            headers={"origin": served.url, **headers},
            follow_redirects=True,
        )

    def forms(self, path: str = ONE) -> Forms:
        return Forms(self.http.get(path).text)

    def step(self, name: str, path: str = ONE, **fields: str) -> httpx.Response:
        hidden = self.forms(path).forms[f"{path}/{name}"]
        return self.http.post(f"{path}/{name}", data={**hidden, **fields})


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Served]:
    with Served(tmp_path, Clock(), token=TOKEN) as served:
        yield served


@pytest.fixture
def operator(served: Served) -> Iterator[Operator]:
    operator = Operator(served)
    with closing(operator.http):
        yield operator


def state(served: Served, key: str = "1") -> str:
    detail = served.store.detail(alert_id(key))
    assert detail is not None
    return detail.row.case.state


def test_an_empty_inbox_says_so_calmly(operator: Operator) -> None:
    page = operator.http.get("/")
    assert page.status_code == 200
    assert "没有未处理预警" in page.text


def test_the_tab_of_complaints_does_not_say_that_nothing_is_to_be_handled(
    served: Served, operator: Operator
) -> None:
    served.add(make_alert())
    page = operator.http.get("/complaints").text
    assert "没有由投诉引出的未处理预警" in page
    assert "没有未处理预警" not in page


def test_the_list_says_what_happened_how_long_is_left_and_what_is_next(
    served: Served, operator: Operator
) -> None:
    served.add(make_alert(severity="critical"))
    page = operator.http.get("/").text
    for part in ("紧急", "短时间大量拍下未付款", "b42", "还剩2天23小时", "付款减库存"):
        assert part in page


def test_a_step_shows_what_it_needs_until_when_and_its_draft(
    served: Served, operator: Operator
) -> None:
    step = SuggestedAction(
        code="A7_draft_message",
        text=Text(zh="联系买家", en="Contact the buyer"),
        prerequisites=[Text(zh="已登记", en="registered"), Text(zh="已拍摄", en="filmed")],
        due_at=NOW + timedelta(hours=5),
        draft="您好,请核对。\n电话13812345678",
    )
    served.add(make_alert(suggested_actions=[step]))
    page = operator.http.get(ONE).text
    for part in ("前提：", "已登记 · 已拍摄", "还剩5小时", "草稿", "您好,请核对。\n电话138"):
        assert part in page
    raw = operator.http.get(f"{ONE}.json").text
    assert "13812345678" not in page + raw
    assert "您好,请核对" in raw


def test_the_detail_page_has_all_of_the_evidence(served: Served, operator: Operator) -> None:
    served.add(make_alert())
    served.add(make_alert(revision=2, change="escalated", severity="critical", orders=11))
    page = operator.http.get(ONE).text
    for part in (
        "b42 placed 11 unpaid orders",
        "买家b42在30分钟内拍下11笔",
        "还剩2天23小时",
        "shop1-b42-o11",
        "≥ 10",
        "该买家此前有2笔已付款订单",
        "3分钟内付款",
        "旺旺联系买家，核实是否付款",
        "第1版",
        "第2版",
        "升级",
        f"{ONE}.json",
        f"<code>{alert_id('1')}</code>",
    ):
        assert part in page


def test_steps_lead_from_not_handled_to_handled(served: Served, operator: Operator) -> None:
    served.add(make_alert())
    operator.step("take")
    operator.step("contact", channel="phone", answered="no", note="没人接")
    operator.step("label", label="FALSE_POSITIVE")
    page = operator.step("confirm")
    assert page.url.path == ONE
    assert state(served) == State.DONE
    assert "没有未处理预警" in operator.http.get("/").text
    assert "短时间大量拍下未付款" in operator.http.get("/?view=handled").text


def test_a_form_sent_twice_is_one_step(served: Served, operator: Operator) -> None:
    served.add(make_alert())
    hidden = operator.forms().forms[f"{ONE}/take"]
    first, second = (operator.http.post(f"{ONE}/take", data=hidden) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 200)
    detail = served.store.detail(alert_id("1"))
    assert detail is not None
    assert len(detail.audit) == 1


def test_the_slower_of_two_operators_sees_what_the_other_did(
    served: Served, operator: Operator
) -> None:
    served.add(make_alert())
    mine = operator.forms().forms[f"{ONE}/take"]
    with closing(Operator(served).http) as other:
        theirs = Forms(other.get(ONE).text).forms[f"{ONE}/take"]
        assert other.post(f"{ONE}/take", data=theirs).status_code == 200
    late = operator.http.post(f"{ONE}/take", data=mine)
    assert late.status_code == 409
    assert "这条预警刚刚有更新" in late.text
    assert "处理中" in late.text


def test_what_was_typed_comes_back_with_whatever_refuses_it(
    served: Served, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.add(make_alert())
    operator.step("take")
    called = {"channel": "phone", "answered": "no", "note": "无人接听"}
    hidden = operator.forms().forms[f"{ONE}/contact"] | called
    forged = operator.http.post(f"{ONE}/contact", data=hidden | {"token": "forged"})
    assert (forged.status_code, "<blockquote>无人接听" in forged.text) == (403, True)
    incomplete = operator.http.post(f"{ONE}/contact", data=hidden | {"request_id": "short"})
    assert (incomplete.status_code, "<blockquote>无人接听" in incomplete.text) == (400, True)

    def away(_request: object) -> None:
        raise OperationalError("UPDATE", {}, Exception("away"))

    monkeypatch.setattr(served.desk, "perform", away)
    failed = operator.http.post(f"{ONE}/contact", data=hidden)
    assert (failed.status_code, "<blockquote>无人接听" in failed.text) == (503, True)


def test_a_page_tells_of_the_broker_first_and_of_workers_without_being_unready(
    served: Served,
) -> None:
    served.unchecked_since = NOW - timedelta(days=1)

    def said(path: str, language: str) -> str:
        return get(served.url + path, params={"lang": language}).text

    for path in ("/", "/complaints", "/deadlines", "/login", "/nowhere"):
        assert "检测停住了：11-10 20:05起" in said(path, "zh")
        assert "came in since 11-10 20:05" in said(path, "en")
    assert get(f"{served.url}/readyz").status_code == 200
    served.health = Health(False, "no sign of the Kafka broker for 600 s")
    assert "检测停住了" not in said("/", "zh")


def test_to_whom_it_was_to_go_stands_in_the_form_again(served: Served, operator: Operator) -> None:
    served.add(make_alert())
    operator.step("take")
    hidden = operator.forms().forms[f"{ONE}/assign"]
    operator.step("label", label="BUYER_PAID")
    late = operator.http.post(f"{ONE}/assign", data=hidden | {"assignee": '"><b>韩梅梅'})
    typed = "&#34;&gt;&lt;b&gt;韩梅梅"
    assert (late.status_code, f"<blockquote>{typed}<" in late.text) == (409, True)
    assert f'value="{typed}"' in late.text
    forged = operator.http.post(f"{ONE}/assign", data={"assignee": "韩梅梅"})
    assert (forged.status_code, "<blockquote>韩梅梅<" in forged.text) == (403, True)


def test_a_step_about_held_stock_says_who_lets_it_and_how(
    served: Served, operator: Operator
) -> None:
    text = Text(zh="按台账临时调整可售库存", en="Adjust sellable stock")
    step = SuggestedAction(code="A1_adjust_held_stock", text=text)
    served.add(make_alert(suggested_actions=[step]), make_alert("2", buyer="b2"))
    page = operator.http.get(ONE).text
    assert "默认等人批准" in page
    (said,) = re.findall(r"<code>(orderwatch [^<]*)</code>", page)
    command, *arguments = shlex.split(said)
    assert (command, arguments[-1]) == ("orderwatch", alert_id("1"))
    # As it is to be pasted.
    root = get_command(cli)
    stock = root.get_command(Context(root), arguments[0])
    assert stock.make_context("stock", arguments[1:]).params == {
        "approve": alert_id("1"),
        "refuse": None,
    }
    assert "--approve" not in operator.http.get(f"/alerts/{alert_id('2')}").text


def test_what_was_typed_comes_back_line_by_line(served: Served, operator: Operator) -> None:
    served.add(make_alert())
    form = operator.forms("/cases/new").forms["/cases"]
    story = "第一行\r\n第二行\x07"
    answer = operator.http.post("/cases", data=form | {"kind": "", "story": story})
    assert (answer.status_code, "<blockquote>第一行\n第二行\\x07<" in answer.text) == (400, True)


def test_what_was_typed_comes_back_when_the_session_is_over(guarded: Served) -> None:
    guarded.add(make_alert(buyer="nobody-else"))
    with closing(visiting(guarded.url, follow_redirects=True)) as http:
        typed = {"channel": "phone", "answered": "no", "note": "无人接听"}
        answer = http.post(f"{ONE}/contact", data=typed)
    assert answer.status_code == 401
    assert "登录已过期" in answer.text and "<blockquote>无人接听" in answer.text
    assert "nobody-else" not in answer.text


def test_another_site_writes_nothing_on_the_sign_in(guarded: Served) -> None:
    with closing(visiting(guarded.url, headers={"origin": "https://elsewhere.example"})) as http:
        answer = http.post(f"{ONE}/contact", data={"note": "请致电010"})
    assert (answer.status_code, "请致电010" in answer.text) == (401, False)


def test_a_step_without_words_says_at_the_sign_in_that_it_was_not_taken(guarded: Served) -> None:
    guarded.add(make_alert())
    with closing(visiting(guarded.url, follow_redirects=True)) as http:
        answer = http.post(f"{ONE}/take", data={"version": "1"})
        assert (answer.status_code, "没有执行任何操作" in answer.text) == (401, True)
        form = Forms(answer.text).forms["/login"]
        assert form["next"] == ONE
        signed_in = http.post("/login", data=form | {"name": "李雷", "secret": TOKEN})
    assert signed_in.url.path == ONE


def test_a_step_is_answered_where_the_next_one_is(served: Served, operator: Operator) -> None:
    served.add(make_alert())
    answer = operator.http.post(f"{ONE}/take", data=operator.forms().forms[f"{ONE}/take"])
    assert (answer.status_code, answer.url.fragment) == (200, "work")


def test_what_we_promised_ourselves_is_never_as_red_as_what_the_platform_ends(
    served: Served, operator: Operator
) -> None:
    served.add(make_alert(severity="critical", opened_at=NOW - timedelta(days=2, hours=21)))
    shown = dict(
        re.findall(r"<dt>([^<]*)</dt><dd><time class=\"due ([^\"]*)\"", operator.http.get("/").text)
    )
    assert shown == {REMINDERS["T01"][0]: "soon", "查看预警": ""}


def test_other_alerts_are_named_as_people_know_them(served: Served, operator: Operator) -> None:
    served.add(make_alert("1", detector="D18"), make_alert("2", detector="D19"))
    gone = alert_id("gone")
    grouped = [alert_id("1"), gone]
    served.add(make_alert("3", detector="D25", groups=grouped, supersedes=alert_id("2")))
    page = operator.http.get(f"/alerts/{alert_id('3')}").text
    for key, name in (("1", "广告评价 D18"), ("2", "辱骂或泄露信息 D19")):
        assert f'<a href="/alerts/{alert_id(key)}">{name} <small>20:00</small></a>' in page
    # One that was deleted for its age has nothing but its id.
    assert f'<a href="/alerts/{gone}"><code>{gone[:8]}</code></a>' in page


def test_many_alerts_that_one_puts_together_are_folded(served: Served, operator: Operator) -> None:
    few, many = [[alert_id(f"{number}") for number in range(size)] for size in (20, 21)]
    served.add(make_alert("few", groups=few), make_alert("many", groups=many))
    for key, summary in (("few", None), ("many", "包含预警 (21)")):
        page = operator.http.get(f"/alerts/{alert_id(key)}").text
        folded = re.search(r'<details class="note"><summary>([^<]+)</summary>', page)
        assert (folded and folded[1]) == summary
        assert f'<a href="/alerts/{few[19]}">' in page


def test_numbers_stand_only_above_what_they_count(served: Served, operator: Operator) -> None:
    served.add(make_alert())
    counted = {view: "/?severity=warn" in operator.http.get(f"/{view}").text for view in VIEWS}
    assert counted == {
        "": True,
        "?view=handled": False,
        "?view=snoozed": False,
        "complaints": False,
    }


def stages(page: str) -> list[str]:
    """The steps that the page of an alert shows as taken."""
    return re.findall(r'<li class="done">([^<]+)</li>', page)


def test_a_step_that_nobody_took_is_not_shown_as_taken(served: Served, operator: Operator) -> None:
    english = {"accept-language": "en"}
    served.add(make_alert("1"), make_alert("2"))
    served.add(make_alert("2", revision=2, change="resolved", status="resolved"))
    over = operator.http.get(f"/alerts/{alert_id('2')}", headers=english).text
    assert stages(over) == []
    operator.step("take")
    operator.step("label", label="FALSE_POSITIVE")
    operator.step("confirm")
    assert stages(operator.http.get(ONE, headers=english).text) == ["Take", "Label", "Confirm"]
    served.add(make_alert("1", revision=2, change="escalated", severity="critical"))
    served.add(make_alert("1", revision=3, change="resolved", status="resolved"))
    assert state(served) == State.AUTO_RESOLVED
    assert stages(operator.http.get(ONE, headers=english).text) == []


def test_whoever_hears_the_page_is_told_what_is_chosen_and_which_proof_is_noted(
    served: Served, operator: Operator
) -> None:
    served.add(make_alert())
    operator.step("take")
    page = operator.http.get(ONE, headers={"accept-language": "en"}).text
    assert 'role="radiogroup" aria-label="Whether the buyer answered"' in page
    case = served.casebook.open(OpenRequest("异常退款", "shop1", "b42", "", "李雷", "open-000001"))
    page = operator.http.get(f"/cases/{case}", headers={"accept-language": "en"}).text
    named = re.findall(r'<button class="quiet" aria-label="Note it: ([^"]+)"', page)
    assert len(set(named)) == len(named) == page.count('name="proof"')


def test_filing_is_offered_only_after_a_contact_attempt(served: Served, operator: Operator) -> None:
    served.add(make_alert())
    operator.step("take")
    page = operator.http.get(ONE).text
    assert "WRONG_ADDRESS_UNREACHABLE" not in page
    assert "要备案，请先记录至少一次联系" in page
    refused = operator.step("label", label="WRONG_ADDRESS_UNREACHABLE")
    assert refused.status_code == 409
    assert "请先记录至少一次联系" in refused.text
    reached = operator.step("contact", channel="wangwang", answered="no")
    assert "要备案，请先记录至少一次联系" not in reached.text
    operator.step("label", label="WRONG_ADDRESS_UNREACHABLE")
    unchosen = operator.step("file")
    assert unchosen.status_code == 409
    assert "请选择要备案的订单" in unchosen.text
    operator.step("file", order="shop1-b42-o1")
    accepted = operator.step("filing_accepted")
    assert "若买家申请退款，直接同意即可" in accepted.text
    operator.step("confirm")
    assert state(served) == State.DONE


def test_an_accepted_filing_is_said_on_every_alert_about_its_order(
    served: Served, operator: Operator
) -> None:
    complaint = make_alert("2", detector="D10", orders=2)
    other_shop = make_alert("3", detector="D10", shop="shop2")
    served.add(make_alert(orders=1), complaint, other_shop)
    supported = "预计结果：支持商家"
    operator.step("take")
    operator.step("contact", channel="phone", answered="no")
    operator.step("label", label="WRONG_ADDRESS_UNREACHABLE")
    assert supported not in operator.step("file").text
    assert supported in operator.step("filing_accepted").text
    assert supported in operator.step("confirm").text
    assert supported in operator.http.get(f"/alerts/{alert_id('2')}").text
    assert supported not in operator.http.get(f"/alerts/{alert_id('3')}").text


def test_a_rejected_filing_promises_nothing(served: Served, operator: Operator) -> None:
    served.add(make_alert(orders=1))
    operator.step("take")
    operator.step("contact", channel="phone", answered="no")
    operator.step("label", label="WRONG_ADDRESS_UNREACHABLE")
    operator.step("file")
    assert "支持商家" not in operator.step("filing_rejected").text


def test_a_filing_that_waits_is_shown_and_not_offered_from_another_alert(
    served: Served, operator: Operator
) -> None:
    two = f"/alerts/{alert_id('2')}"
    served.add(make_alert(orders=1), make_alert("2", detector="D10", orders=1))
    for path in (ONE, two):
        operator.step("take", path)
        operator.step("contact", path, channel="phone", answered="no")
        operator.step("label", path, label="WRONG_ADDRESS_UNREACHABLE")
    form = operator.forms(two).forms[f"{two}/file"]
    assert form["order"] == "shop1-b42-o1"
    pending = "订单shop1-b42-o1已提交备案，等待平台答复"
    assert pending in operator.step("file").text
    late = operator.http.post(f"{two}/file", data=form)
    assert (late.status_code, "这笔订单已有备案" in late.text) == (409, True)
    assert pending in late.text and f'href="{ONE}"' in late.text
    assert f"{two}/file" not in operator.forms(two).forms
    operator.step("filing_rejected")
    assert f"{two}/file" in operator.forms(two).forms


def test_a_top_up_is_settled_where_the_alert_is_about_one(
    served: Served, operator: Operator
) -> None:
    sent = EvidenceFact(
        event_id="e1", kind="RechargeSubmitted", at=T0, ref="r7", detail={"order_id": "o1"}
    )
    about = make_alert().evidence.model_copy(update={"facts": [sent], "facts_total": 1})
    served.add(make_alert(detector="D27", evidence=about), make_alert("2"))
    two = f"/alerts/{alert_id('2')}"
    assert f"{two}/reconcile" not in operator.forms(two).forms
    assert "充值失败请填写原因" in operator.step("reconcile", result="failed").text
    done = operator.step("reconcile", result="failed", reason="号码有误")
    assert (done.status_code, "登记了充值结果" in done.text) == (200, True)
    assert "充值失败 · 号码有误" in done.text
    assert served.store.waiting_events()["recharges"] == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://["},
        {"origin": ""},
        {"sec-fetch-site": "cross-site"},
    ],
)
def test_a_change_from_another_site_is_refused(served: Served, headers: dict[str, str]) -> None:
    served.add(make_alert())
    operator = Operator(served)
    hidden = operator.forms().forms[f"{ONE}/take"]
    if "origin" not in headers:
        del operator.http.headers["origin"]
    with closing(operator.http) as http:
        assert http.post(f"{ONE}/take", data=hidden, headers=headers).status_code == 403
    assert state(served) == State.NEW


def test_a_change_without_the_form_token_of_this_session_is_refused(served: Served) -> None:
    served.add(make_alert())
    other, mine = Operator(served), Operator(served)
    with closing(other.http):
        theirs = other.forms().forms[f"{ONE}/take"]
    with closing(mine.http) as http:
        http.get("/")
        assert http.post(f"{ONE}/take", data=theirs).status_code == 403
        assert http.post(f"{ONE}/take", data={**theirs, "token": ""}).status_code == 403
    assert state(served) == State.NEW


def test_the_session_cookie_cannot_be_read_sent_or_forged_by_others(served: Served) -> None:
    with visiting(served.url) as http:
        cookie = http.get("/").headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    forged = re.sub(r"\.[0-9a-f]+", ".00", cookie.partition(";")[0])
    for bad in (forged, "orderwatch_session=é.x", "orderwatch_session=", "broken"):
        answer = get(served.url, headers={b"cookie": bad.encode("latin-1")})
        assert answer.status_code == 200
        assert "set-cookie" in answer.headers


@pytest.mark.parametrize("path", [ONE + "/take", ONE + "/confirm", ONE + "/label"])
def test_nothing_changes_by_get(served: Served, operator: Operator, path: str) -> None:
    served.add(make_alert())
    assert operator.http.get(path).status_code == 405
    assert state(served) == State.NEW


@pytest.mark.parametrize(
    "changes",
    [
        {"version": "x"},
        {"request_id": ""},
        {"request_id": "\x00" * 10},
        {"request_id": "script:0001"},
        {"label": "CLOSE_ORDER"},
        {"note": "x" * 40_000},
    ],
)
def test_a_form_that_no_page_sends_is_refused(
    served: Served, operator: Operator, changes: dict[str, str]
) -> None:
    served.add(make_alert())
    hidden = operator.forms().forms[f"{ONE}/take"]
    assert operator.http.post(f"{ONE}/take", data={**hidden, **changes}).status_code == 400
    assert operator.http.post(f"{ONE}/close", data=hidden).status_code == 400
    assert state(served) == State.NEW


def test_no_step_can_take_the_id_under_which_the_pipeline_will_write(
    served: Served, operator: Operator
) -> None:
    served.add(make_alert())
    served.add(make_alert("2"))
    hidden = operator.forms().forms[f"{ONE}/take"]
    taken = {**hidden, "request_id": f"{alert_id('2')}:2"}
    answer = operator.http.post(f"{ONE}/take", data=taken)
    assert answer.status_code == 400
    assert "no colon" in answer.text or "不含冒号" in answer.text
    served.add(make_alert("2", revision=2, status="resolved", change="resolved"))
    assert state(served, "2") == State.AUTO_RESOLVED


def test_hostile_text_is_text_everywhere(served: Served, operator: Operator) -> None:
    text = Text(zh=HOSTILE, en=HOSTILE)
    fact = EvidenceFact(
        event_id=HOSTILE, kind=HOSTILE, at=T0, ref=HOSTILE, detail={HOSTILE: HOSTILE}
    )
    alert = make_alert(
        shop=HOSTILE.replace(":", "")[:60],
        subject=Subject(kind="buyer", id=HOSTILE),
        title=text,
        summary=text,
        reason=text,
        status="resolved",
        suppressed_by=HOSTILE,
        rule_version=HOSTILE,
        source=HOSTILE,
        deadlines=[Deadline(code="T01", due_at=T0, text=text)],
    )
    evidence = alert.evidence.model_copy(update={"facts": [fact], "not_if": text})
    served.add(alert.model_copy(update={"evidence": evidence}))
    pages = [
        operator.http.get(path).text
        for path in (
            ONE,
            "/?view=handled&suppressed=1",
            "/complaints",
            "/login?next=" + HOSTILE,
            "/?q=" + HOSTILE.replace("&", "%26") + "&shop=" + HOSTILE.replace("&", "%26"),
        )
    ]
    for page in pages:
        assert "<img" not in page
        assert "alert(2)</script>" not in page
        assert "49" not in re.findall(r"&#39;(\d+)&amp;", page)
        assert Forms(page).tags.count("script") == 1
    assert "&lt;img src=x onerror=alert(1)&gt;" in pages[0]


def test_phones_and_addresses_are_masked_and_ids_are_not(
    served: Served, operator: Operator
) -> None:
    text = Text(zh="电话１３８ 0013 8000，住文三路478号3幢502室", en="call +86 13800138000")
    served.add(make_alert(summary=text, subject=Subject(kind="order", id="shop1:13800138000")))
    operator.step("take")
    operator.step("contact", channel="phone", answered="no", note="0571-88888888 与 13912345678")
    for page in (operator.http.get(ONE).text, operator.http.get("/").text):
        assert "478号" not in page
        assert "0013 8000" not in page
        assert "88888888" not in page
        assert "13912345678" not in page
        assert "<bdi>13800138000</bdi>" in page
    raw = operator.http.get(f"{ONE}.json")
    assert "478号" not in raw.text
    assert json.loads(raw.text)["data"]["subject"]["id"] == "shop1:13800138000"
    assert "attachment" in raw.headers["content-disposition"]


def test_hidden_characters_become_visible(served: Served, operator: Operator) -> None:
    served.add(make_alert(title=Text(zh="正常\u202e单订\u2066", en="x")))
    page = operator.http.get("/").text
    assert "\u202e" not in page
    assert "\u2066" not in page


def test_a_buyer_whose_id_reads_backwards_is_not_taken_for_another(
    served: Served, operator: Operator
) -> None:
    served.add(make_alert(buyer="\u202e24b"))
    for page in (operator.http.get("/").text, operator.http.get(ONE).text):
        assert "<bdi>\\u202e24b</bdi>" in page
        assert "\u202e" not in page


def test_no_page_in_any_state_has_a_way_to_close_an_order(
    served: Served, operator: Operator
) -> None:
    served.add(make_alert())
    steps = [
        ("take", {}),
        ("contact", {"channel": "phone", "answered": "no"}),
        ("label", {"label": "WRONG_ADDRESS_UNREACHABLE"}),
        ("file", {"order": "shop1-b42-o1"}),
        ("filing_rejected", {}),
        ("confirm", {}),
    ]
    for name, fields in [*steps, ("", {})]:
        for path in (ONE, "/", "/?view=handled", "/complaints", ONE + "?lang=en"):
            page = operator.http.get(path).text
            buttons = re.findall(r"<(?:button|option)[^>]*>(.*?)</", page, re.S)
            words = [*buttons, *Forms(page).forms]
            assert not [w for w in words if re.search(r"关闭|取消订单|clos|cancel", w, re.I)]
        operator.http.cookies.delete("orderwatch_language")
        if name:
            assert operator.step(name, **fields).status_code == 200
    assert state(served) == State.DONE


def test_no_text_threatens_whoever_leaves_an_alert_unhandled() -> None:
    of_detectors = [pair for wording in wordings().values() for pair in names_in(wording)]
    for pair in [*TEXTS.values(), *of_detectors]:
        assert not re.search(r"扣分|降权|处罚|罚款|违规|逾期", pair[0])
        assert not re.search(r"penal|downgrad|fine\b|overdue|must\b", pair[1], re.I)


def test_every_text_exists_in_both_languages_with_the_same_places() -> None:
    for key, (zh, en) in TEXTS.items():
        assert zh and en, key
        places = [set(re.findall(r"\{(\w+)\}", text)) for text in (zh, en)]
        if not key.startswith("span."):
            assert places[0] == places[1], key


def test_language_follows_the_link_then_stays(served: Served) -> None:
    served.add(make_alert())
    with visiting(served.url) as http:
        assert "未处理预警" in http.get("/").text
        assert "Not handled" in http.get("/?lang=en").text
        assert "Burst of unpaid orders" in http.get("/").text
    english = get(served.url, headers={"accept-language": "en-GB,en;q=0.9"})
    assert '<html lang="en">' in english.text


def other_language(page: str) -> str:
    (link,) = re.findall(r'<a href="([^"]*)" lang="en">', page)
    return unescape(link)


def test_a_page_that_refuses_leads_to_its_form_in_the_other_language(
    served: Served, operator: Operator
) -> None:
    served.add(make_alert())
    begin = operator.forms("/cases/new").forms["/cases"]
    one = alert_id("1")
    for path, form, where in (
        ("/bans", {"alert": one, "reason": "x"}, f"/bans/new?alert={one}&lang=en"),
        ("/cases", {"alert": one, "kind": "异常拍下"}, None),
        ("/cases", {}, "/cases/new?lang=en"),
        (f"{ONE}/label", {"version": "1"}, f"{ONE}?lang=en"),
        (f"/recharges/{one}?shop=s&page=2", {"version": "1"}, "/recharges?shop=s&page=2&lang=en"),
        ("/complaints?q=x", {"do": "take", f"alert.{one}": "9"}, "/complaints?q=x&lang=en"),
        ("/register.xlsx", {}, "/?lang=en"),
    ):
        refused = operator.http.post(path, data={**begin, **form})
        assert refused.status_code in (400, 409), path
        link = other_language(refused.text)
        assert where in (None, link)
        answer = operator.http.get(link)
        assert (answer.status_code, '<html lang="en">' in answer.text) == (200, True), path
        assert one in answer.text or "alert" not in form
        operator.http.cookies.delete("orderwatch_language")


def test_who_mistypes_the_token_goes_on_where_they_were(guarded: Served) -> None:
    guarded.add(make_alert())
    operator = Operator(guarded)
    with closing(operator.http) as http:
        form = operator.forms(f"/login?next={ONE}").forms["/login"]
        wrong = http.post("/login", data=form | {"name": "<李雷>", "secret": "wrong"})
        assert (wrong.status_code, 'value="&lt;李雷&gt;"' in wrong.text) == (401, True)
        link = other_language(wrong.text)
        assert operator.forms(link).forms["/login"]["next"] == ONE
        http.cookies.delete("orderwatch_language")
        # Whoever made the link says where to, and no other host is believed.
        foreign = http.post("/login", data=form | {"next": "//evil", "name": "x", "secret": ""})
        assert operator.forms(other_language(foreign.text)).forms["/login"]["next"] == "/"


def test_everything_comes_from_this_host_and_the_policy_says_so(
    served: Served, operator: Operator
) -> None:
    served.add(make_alert())
    for path in ("/", ONE, "/login", "/static/inbox.js", "/healthz", "/alerts/nothing"):
        answer = operator.http.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        addresses = re.findall(r"(?:https?:)?//[\w.]+", answer.text)
        assert not [a for a in addresses if "w3.org" not in a and path != "/static/inbox.js"]
    page = operator.http.get(ONE).text
    assert not re.search(r"\sstyle=|\son\w+=|<style", page)
    assert operator.http.get("/").headers["cache-control"] == "no-store"


def test_a_foreign_name_for_this_machine_is_not_answered(served: Served) -> None:
    answer = get(served.url, headers={"host": "evil.example"})
    assert answer.status_code == 421


def test_pages_and_filters_stay_in_the_links(served: Served, operator: Operator) -> None:
    served.add(*(make_alert(str(n), orders=1) for n in range(PAGE_SIZE + 1)))
    page = operator.http.get("/?severity=warn&group=none&page=1").text
    assert "severity=warn&amp;group=none&amp;page=2" in page
    for odd in ("0", "-1", "x", "9" * 30, "٣"):
        assert operator.http.get("/", params={"page": odd}).status_code == 200


def test_what_is_looked_for_is_looked_for_among_the_handled_too(
    served: Served, operator: Operator
) -> None:
    served.add(make_alert())
    operator.step("take")
    operator.step("label", label="FALSE_POSITIVE")
    operator.step("confirm")
    page = operator.http.get("/", params={"q": "shop1-b42-o1", "page": 3}).text
    assert ONE not in page
    handled = re.search(r'<a href="([^"]*)" *>已处理预警', page)
    assert handled is not None
    found = operator.http.get(unescape(handled[1]))
    assert ONE in found.text
    assert "q=shop1-b42-o1" in handled[1]
    assert "page=" not in handled[1]


def test_an_unknown_alert_is_a_calm_404(operator: Operator) -> None:
    page = operator.http.get("/alerts/nothing")
    assert page.status_code == 404
    assert "没有这条预警" in page.text
    assert operator.http.get("/alerts/nothing.json").status_code == 404


@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), (f"{ONE}/take", 405)])
def test_an_address_without_a_page_is_told_in_words(
    served: Served, operator: Operator, path: str, status: int
) -> None:
    served.add(make_alert())
    answer = operator.http.get(path)
    assert answer.status_code == status
    assert "没有这个页面" in answer.text
    assert "返回列表" in answer.text


def test_passed_deadlines_are_told_without_blame(served: Served, operator: Operator) -> None:
    served.add(make_alert())
    served.clock.forward(days=3, hours=1)
    assert "1小时4分前已到期" in operator.http.get("/").text.replace("5分", "4分")


def test_an_old_alert_still_shows_its_next_deadline(served: Served, operator: Operator) -> None:
    text = Text(zh="发货", en="Ship")
    due = [
        Deadline(code="T02", due_at=NOW - timedelta(hours=1), text=text),
        Deadline(code="T02", due_at=NOW + timedelta(minutes=30), text=text),
    ]
    served.add(make_alert(deadlines=due))
    assert "还剩30分钟" in operator.http.get("/").text


@pytest.mark.parametrize("path", ["/", "/deadlines", "/complaints", ONE])
def test_every_page_says_that_no_alerts_arrive(
    served: Served, operator: Operator, path: str
) -> None:
    served.add(make_alert())
    assert "收不到新的预警" not in operator.http.get(path).text
    served.health = Health(False, "no sign of the Kafka broker")
    assert "收不到新的预警" in operator.http.get(path).text


def test_health_is_true(served: Served, operator: Operator) -> None:
    assert operator.http.get("/readyz").status_code == 200
    served.health = Health(False, "no sign of the Kafka broker")
    answer = operator.http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["problems"] == {"consumer": "no sign of the Kafka broker"}
    assert operator.http.get("/healthz").status_code == 200


def test_a_database_that_fails_is_a_calm_503_and_not_ready(
    served: Served, operator: Operator
) -> None:
    served.add(make_alert())
    hidden = operator.forms().forms[f"{ONE}/take"]
    with served.engine.begin() as connection:
        for table in ("revisions", "audit", "contacts", "alert_references", "cases", "alerts"):
            connection.exec_driver_sql(f"DROP TABLE {table}")
    assert operator.http.get("/").status_code == 503
    assert operator.http.post(f"{ONE}/take", data=hidden).status_code == 503
    assert "store" in operator.http.get("/readyz").json()["problems"]
    assert "orderwatch_inbox_applied_total" in operator.http.get("/metrics").text


def test_metrics_count_what_waits(served: Served, operator: Operator) -> None:
    served.add(make_alert("1", severity="critical"), make_alert("2"))
    served.clock.forward(minutes=10)
    operator.step("take")
    text = operator.http.get("/metrics").text
    for line in (
        'orderwatch_inbox_alerts_open{severity="critical"} 1.0',
        'orderwatch_inbox_alerts_open{severity="info"} 0.0',
        "orderwatch_inbox_oldest_unhandled_seconds 600.0",
        'orderwatch_inbox_steps_total{outcome="done",step="take"} 1.0',
        "orderwatch_inbox_ack_seconds_sum 600.0",
    ):
        assert line in text
    assert "shop1" not in text
    assert "b42" not in text


def test_a_clock_that_is_set_back_takes_nothing_from_the_time_to_take(
    served: Served, operator: Operator
) -> None:
    served.add(make_alert())
    served.clock.forward(hours=-1)
    operator.step("take")
    assert "orderwatch_inbox_ack_seconds_sum 0.0" in operator.http.get("/metrics").text


def test_an_open_page_is_told_of_a_new_alert(served: Served) -> None:
    with (
        visiting(served.url) as http,
        http.stream("GET", "/events") as s,
    ):
        assert s.headers["content-type"].startswith("text/event-stream")
        lines = (line for line in s.iter_lines() if line.startswith("data:"))
        empty = served.store.version()
        assert next(lines) == f"data: {empty}.True.None"
        served.add(make_alert())
        assert (
            next(lines) == f"data: {served.store.version()}.True.None" != f"data: {empty}.True.None"
        )


def test_with_a_token_nothing_is_readable_without_it(guarded: Served) -> None:
    guarded.add(make_alert())
    with visiting(guarded.url) as http:
        for path in ("/", "/complaints", ONE, f"{ONE}.json"):
            answer = http.get(path)
            assert answer.status_code == 303
            assert answer.headers["location"].startswith("/login?next=")
            assert "短时间" not in answer.text
        assert http.get("/events").status_code == 401
        for path in ("/healthz", "/readyz", "/metrics", "/login"):
            assert http.get(path).status_code == 200


def test_signing_in_asks_for_token_and_name_and_audits_the_name(guarded: Served) -> None:
    guarded.add(make_alert())
    operator = Operator(guarded)
    with closing(operator.http) as http:
        form = operator.forms("/login?next=" + ONE).forms["/login"]
        wrong = http.post("/login", data={**form, "name": "李雷", "secret": "no"})
        assert wrong.status_code == 401
        before = http.cookies["orderwatch_session"]
        right = http.post("/login", data={**form, "name": " 李雷 ", "secret": TOKEN})
        assert right.url.path == ONE
        assert http.cookies["orderwatch_session"] != before
        operator.step("take")
    detail = guarded.store.detail(alert_id("1"))
    assert detail is not None
    assert [row.by for row in detail.audit] == ["李雷"]


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example",
        "//evil.example",
        "///evil.example",
        "////evil.example",
        "/\\evil",
        "x",
        "",
    ],
)
def test_signing_in_leads_nowhere_else(guarded: Served, target: str) -> None:
    operator = Operator(guarded)
    with closing(operator.http) as http:
        form = operator.forms("/login").forms["/login"]
        data = {**form, "name": "a", "secret": TOKEN, "next": target}
        answer = http.post("/login", data=data, follow_redirects=False)
        assert answer.headers["location"] == "/"


def test_a_bearer_reads_and_steps_without_a_session(guarded: Served) -> None:
    guarded.add(make_alert())
    headers = {"authorization": f"Bearer {TOKEN}"}
    with visiting(guarded.url, headers=headers) as http:
        assert http.get(f"{ONE}.json").json()["data"]["detector"] == "D01"
        step = {"request_id": "script-0001", "version": "1"}
        assert http.post(f"{ONE}/take", data=step).status_code == 303
    assert state(guarded) == State.IN_PROGRESS
    wrong = get(guarded.url + ONE, headers={"authorization": "Bearer no"})
    assert wrong.status_code == 401


def signed_in(http: httpx.Client, operator: Operator) -> httpx.Response:
    form = operator.forms("/login").forms["/login"]
    return http.post("/login", data={**form, "name": "a", "secret": TOKEN})


def test_a_session_ends_on_the_server_whatever_the_browser_keeps(guarded: Served) -> None:
    operator = Operator(guarded)
    with closing(operator.http) as http:
        assert signed_in(http, operator).status_code == 200
        kept = {"cookie": f"orderwatch_session={http.cookies['orderwatch_session']}"}
    guarded.clock.forward(hours=15, minutes=59)
    assert get(guarded.url, headers=kept).status_code == 200
    guarded.clock.forward(minutes=1)
    assert get(guarded.url, headers=kept).status_code == 303


def test_a_cookie_without_a_time_is_refused() -> None:
    keeper = Gatekeeper(TOKEN, Clock())
    body = json.dumps(["id", "a", True]).encode()
    cookie = f"{base64.urlsafe_b64encode(body).decode()}.{keeper._sign(b'cookie', body)}"
    assert keeper.open(cookie) is None


@pytest.mark.parametrize("way", ["form", "bearer"])
def test_guessing_the_token_is_slowed_down_and_a_session_goes_on(guarded: Served, way: str) -> None:
    inside, outside = Operator(guarded), Operator(guarded)
    with closing(inside.http), closing(outside.http) as http:
        signed_in(inside.http, inside)
        form = outside.forms("/login").forms["/login"]

        def offer(secret: str) -> int:
            if way == "bearer":
                return http.get("/", headers={"authorization": f"Bearer {secret}"}).status_code
            return http.post("/login", data={**form, "name": "a", "secret": secret}).status_code

        assert {offer("no") for _ in range(MAX_WRONG_TRIES_A_MINUTE)} == {401}
        assert (offer("no"), offer(TOKEN)) == (429, 429)
        assert inside.http.get("/").status_code == 200
        guarded.clock.forward(minutes=1)
        assert offer(TOKEN) == 200


def test_cookies_are_secure_where_tls_ends_in_front(tmp_path: Path) -> None:
    for is_tls_in_front in (True, False):
        folder = tmp_path / str(is_tls_in_front)
        folder.mkdir()
        with Served(folder, Clock(), token=TOKEN, is_tls_in_front=is_tls_in_front) as served:
            cookie = get(f"{served.url}/login").headers["set-cookie"]
        assert ("; Secure" in cookie) is is_tls_in_front
