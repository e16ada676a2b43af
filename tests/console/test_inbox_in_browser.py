"""The console in a real browser: alerts arrive by themselves, text is text, and steps work."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.alerts import Alert, Evidence, EvidenceFact, HeldUnits, Subject, Text
from streams.inbox.banlist import Proposal
from streams.inbox.bans import Asking
from streams.inbox.casebook import CaseRequest, OpenRequest
from streams.inbox.consumer import Health
from streams.inbox.workflow import Label, State, StepRequest
from tests.console.browser import Browser, Page
from tests.factories import T0, alert_id, make_alert, make_decision
from tests.inbox import NOW, Clock, Served, wait_until

ONE = f"/alerts/{alert_id('1')}"
HOSTILE = (
    "<img src=x onerror=\"document.title='owned'\">"
    "<script>document.title='owned'</script>\"'><a href=javascript:alert(1)>买家</a>"
)


def state(served: Served) -> str:
    detail = served.store.detail(alert_id("1"))
    assert detail is not None
    return detail.row.case.state


def button(step: str) -> str:
    return f"form[action$='/{step}'] button"


TABS = ("/recharges", "/listings", "/rules")
WHOLLY_IN_VIEW = (
    "((e) => { const b = e.getBoundingClientRect();"
    "return b.left >= -1 && b.right <= innerWidth + 1 && b.top >= -1 && b.bottom <= innerHeight; })"
)


def top_ups(number: int, *, shop: str = "shop1", buyer: str = "b42") -> list[Alert]:
    """Alerts about so many top-ups without a result, the one that waits longest first."""
    return [
        make_alert(
            f"top-up {n}",
            shop=shop,
            buyer=buyer,
            orders=0,
            detector="D27",
            opened_at=T0 + timedelta(minutes=n),
            evidence=Evidence(
                facts=[
                    EvidenceFact(
                        event_id=f"e{n}",
                        kind="RechargeSubmitted",
                        at=T0,
                        ref=f"cz{n}" + "0" * 80,
                        detail={"order_id": f"o{n}"},
                    )
                ],
                facts_total=1,
                thresholds=[],
                not_if=Text(zh="期限内返回", en="a result in time"),
            ),
        )
        for n in range(number)
    ]


def listing(**overrides: Any) -> Alert:
    """An alert about an item."""
    shop = overrides.get("shop", "shop1")
    item = Subject(kind="item", id=f"{shop}:" + "i" * 120)
    return make_alert("listing", detector="D26", subject=item, **overrides)


def test_a_new_alert_appears_without_a_reload(page: Page, served: Served) -> None:
    page.evaluate("window.stayed = true")
    assert "没有未处理预警" in page.text()
    served.add(make_alert())
    page.wait("document.querySelectorAll('[data-alert]').length === 1")
    page.wait("document.title.startsWith('(1)')")
    served.add(make_alert("2", severity="critical", buyer="b2"))
    page.wait("document.querySelectorAll('[data-alert]').length === 2")
    first = page.evaluate("document.querySelector('[data-alert]').innerText")
    assert "紧急" in first
    assert page.evaluate("window.stayed")


def test_a_page_behind_another_one_is_not_told_until_somebody_looks_at_it(
    browser: Browser, page: Page, served: Served
) -> None:
    left, opened_behind = browser.page(), browser.page()
    left.goto(served.url + "/?lang=zh")
    left.wait("document.querySelector('#live').classList.contains('on')")
    left.hide()
    opened_behind.hide()
    opened_behind.goto(served.url + "/?lang=zh")
    served.add(make_alert())
    count = "document.querySelectorAll('[data-alert]').length"
    page.wait(f"{count} === 1")
    assert [one.evaluate(count) for one in (left, opened_behind)] == [0, 0]
    assert served.url + "/events" not in opened_behind.requests()
    for one in (left, opened_behind):
        one.hide(is_hidden=False)
        one.wait(f"{count} === 1")
        one.wait("document.querySelector('#live').classList.contains('on')")


def test_the_pages_of_the_board_are_turned_and_stay_current(page: Page, served: Served) -> None:
    served.add(*(make_alert(str(n), buyer=f"b{n}") for n in range(120)))
    page.goto(served.url + "/deadlines")
    page.wait("document.querySelector('#coming .pager span').innerText.includes('1/3')")
    page.click("#coming .pager a[rel=next]")
    page.wait("document.querySelector('#coming .pager span').innerText.includes('2/3')")
    page.wait("document.querySelector('#live').classList.contains('on')")
    served.add(*(make_alert(str(n), buyer=f"b{n}") for n in range(120, 180)))
    page.wait("document.querySelector('#coming .pager span').innerText.includes('2/4')")


def test_an_alert_that_resolves_leaves_the_open_list(page: Page, served: Served) -> None:
    served.add(make_alert())
    page.wait("document.querySelectorAll('[data-alert]').length === 1")
    served.add(make_alert(revision=2, change="resolved", status="resolved"))
    page.wait("document.querySelectorAll('[data-alert]').length === 0")


def test_hostile_text_is_shown_as_text(page: Page, served: Served) -> None:
    text = Text(zh=HOSTILE, en=HOSTILE)
    served.add(make_alert(title=text, summary=text, suppressed_by=None))
    page.wait("document.querySelectorAll('[data-alert]').length === 1")
    for path in ("/", ONE):
        page.goto(served.url + path)
        assert "<img src=x onerror=" in page.text()
        assert "owned" not in page.evaluate("document.title").split("·")[-1]
        assert page.evaluate("document.querySelectorAll('main img, main script').length") == 0
        assert page.evaluate("document.querySelectorAll('a[href^=javascript]').length") == 0
    assert page.complaints() == []


def test_taking_labelling_and_confirming_moves_an_alert_to_handled(
    page: Page, served: Served
) -> None:
    served.add(make_alert())
    page.click(".alert .title")
    page.wait(f"location.pathname === '{ONE}'")
    page.click(button("take"))
    page.wait("document.body.innerText.includes('处理中')")
    page.click("input[name=channel][value=phone] + span")
    page.click("input[name=answered][value=no] + span")
    page.click(button("contact"))
    page.wait("document.body.innerText.includes('拨打电话 · 联系不上')")
    page.choose("select[name=label]", "CONFIRMED_MALICIOUS")
    page.click(button("label"))
    # Not the option of the same name: what has been saved.
    page.wait("document.querySelector('.chosen').innerText.includes('确认为恶意')")
    page.click(button("confirm"))
    page.wait("document.querySelector('.stages li:last-child').className === 'done'")
    assert state(served) == State.DONE
    page.goto(served.url + "/")
    assert "没有未处理预警" in page.text()
    page.goto(served.url + "/?view=handled")
    assert "确认为恶意" in page.text()
    detail = served.store.detail(alert_id("1"))
    assert detail is not None
    assert [row.step for row in detail.audit] == ["take", "contact", "label", "confirm"]


def test_a_double_click_is_one_step(page: Page, served: Served) -> None:
    served.add(make_alert())
    page.goto(served.url + ONE)
    page.evaluate(
        "(() => { const b = document.querySelector(\"form[action$='/take'] button\");"
        "b.click(); b.click(); })()"
    )
    wait_until(lambda: state(served) == State.IN_PROGRESS)
    page.wait("document.body.innerText.includes('处理中')")
    detail = served.store.detail(alert_id("1"))
    assert detail is not None
    assert len(detail.audit) == 1


def test_what_a_person_is_typing_is_not_swept_away(page: Page, served: Served) -> None:
    served.add(make_alert())
    page.goto(served.url + ONE)
    page.click(button("take"))
    page.wait("!!document.querySelector('input[name=note]')")
    page.wait("document.querySelector('#live').classList.contains('on')")
    page.evaluate("document.querySelector('input[name=note]').value = '买家说明天付款'")
    served.add(make_alert(revision=2, change="escalated", severity="critical", orders=12))
    page.wait("document.querySelector('#head').innerText.includes('紧急')")
    note = page.evaluate("document.querySelector('input[name=note]').value")
    assert note == "买家说明天付款"


def test_a_second_operator_sees_the_first_take_it(
    browser: Browser, page: Page, served: Served
) -> None:
    served.add(make_alert())
    page.goto(served.url + ONE)
    other = browser.page()
    other.goto(served.url + ONE)
    other.wait("document.querySelector('#live').classList.contains('on')")
    page.click(button("take"))
    other.wait("!document.querySelector(\"form[action$='/take']\")")
    assert other.evaluate("document.querySelector('#work').innerText").count("this computer")


def test_an_open_page_says_when_alerts_stop_arriving_and_when_they_come_again(
    page: Page, served: Served
) -> None:
    assert page.evaluate("document.querySelector('#feed').innerText") == ""
    page.evaluate(
        "window.words = []; new EventSource('/events')"
        ".addEventListener('changed', (event) => words.push(event.data))"
    )
    page.wait("words.length === 1")
    served.health = Health(False, "no sign of the Kafka broker for 600 s")
    # Not what the page fetches at its start: what it is told.
    page.wait("words.length === 2")
    page.wait("document.querySelector('#feed').innerText.includes('收不到新的预警')")
    served.health = Health(True)
    page.wait("document.querySelector('#feed').innerText === ''")


def test_an_open_page_says_when_detection_stands_still_and_when_it_goes_on(
    browser: Browser, page: Page, served: Served
) -> None:
    other = browser.page(width=360)
    other.goto(f"{served.url}/deadlines?lang=en")
    served.unchecked_since = NOW - timedelta(hours=3)
    served.live.announce()
    page.wait("document.querySelector('#feed').innerText.includes('17:05起收到的事件尚未全部检查')")
    other.wait("document.querySelector('#feed').innerText.includes('since 17:05 has been checked')")
    assert other.evaluate("document.documentElement.scrollWidth <= innerWidth")
    served.unchecked_since = None
    page.wait("document.querySelector('#feed').innerText === ''")


def test_a_page_that_cannot_be_fetched_anew_is_not_called_live(page: Page, served: Served) -> None:
    page.evaluate("window.fetch = async () => new Response('', { status: 503 })")
    served.add(make_alert())
    page.wait("document.querySelector('#live').classList.contains('off')")


def test_a_page_is_live_again_after_a_proxy_said_that_the_console_is_away(
    browser: Browser, served: Served
) -> None:
    page = browser.page()
    page.goto_refusing(served.url + "/?lang=zh", "*/events", 502)
    page.wait("document.querySelector('#live').classList.contains('off')")
    page.wait("document.querySelector('#live').classList.contains('on')")
    served.add(make_alert())
    page.wait("document.querySelectorAll('[data-alert]').length === 1")


def test_an_open_form_still_works_once_somebody_signed_in_on_another_tab(
    page: Page, served: Served
) -> None:
    served.add(make_alert())
    page.goto(served.url + ONE)
    page.wait("document.querySelector('#live').classList.contains('on')")
    before = page.evaluate("document.querySelector('#work [name=token]').value")
    page.evaluate(
        "fetch('/login', { method: 'POST', body: new URLSearchParams("
        "{ token: document.querySelector('[name=token]').value, name: '李娜', next: '/' }) })"
    )
    served.add(make_alert("2"))
    page.wait(f"document.querySelector('#work [name=token]').value !== '{before}'")
    page.click(button("take"))
    page.wait("document.body.innerText.includes('李娜 在处理')")


def test_what_is_typed_outlives_the_session_and_is_sent_after_the_next_sign_in(
    browser: Browser, tmp_path: Path
) -> None:
    token = "a-token-for-the-test"
    sign_in = (
        "fetch('/login').then((page) => page.text()).then((text) => fetch('/login', { method: 'POST',"
        " body: new URLSearchParams({ token: new DOMParser().parseFromString(text, 'text/html')"
        f".querySelector('[name=token]').value, name: '李娜', secret: '{token}', next: '/' }}) }}))"
        ".then(() => { window.isSignedIn = true; })"
    )
    with Served(tmp_path, Clock(), token) as served:
        served.add(make_alert())
        page = browser.page()
        page.goto(served.url + "/login")
        page.evaluate(sign_in)
        page.wait("window.isSignedIn")
        page.goto(served.url + ONE + "?lang=zh")
        page.click(button("take"))
        page.wait("document.body.innerText.includes('李娜 在处理')")
        page.wait("document.querySelector('#live').classList.contains('on')")
        page.evaluate("document.querySelector('input[name=note]').value = '买家说明天付款'")
        served.clock.forward(hours=17)
        served.add(make_alert("2"))
        page.wait("document.querySelector('#live').classList.contains('off')")
        page.evaluate(f"window.isSignedIn = false; {sign_in}")
        page.wait("window.isSignedIn")
        served.add(make_alert("3"))
        page.wait("document.querySelector('#live').classList.contains('on')")
        page.click("input[name=answered][value=no] + span")
        page.click(button("contact"))
        page.wait("document.querySelector('#work').innerText.includes('买家说明天付款')")


def test_a_step_sent_into_a_lost_connection_keeps_what_was_typed(
    page: Page, served: Served
) -> None:
    served.add(make_alert())
    page.goto(served.url + ONE)
    page.click(button("take"))
    page.wait("document.body.innerText.includes('处理中')")
    page.click("input[name=answered][value=no] + span")
    page.type("input[name=note]", "第一次没人接")
    page.go_offline()
    page.click(button("contact"))
    page.wait("!document.querySelector('#lost').hidden")
    assert page.evaluate("document.querySelector('input[name=note]').value") == "第一次没人接"
    page.go_offline(is_offline=False)
    page.click(button("contact"))
    page.wait("document.querySelector('#work').innerText.includes('第一次没人接')")
    detail = served.store.detail(alert_id("1"))
    assert detail is not None
    assert len(detail.contacts) == 1


def test_a_step_under_way_is_taken_although_the_page_has_changed_meanwhile(
    page: Page, served: Served
) -> None:
    served.add(make_alert())
    page.goto(served.url + ONE)
    page.wait("document.querySelector('#live').classList.contains('on')")
    page.evaluate(
        "window.fetch = ((real) => (url, ...more) => url !== '/healthz' ? real(url, ...more)"
        " : new Promise((done) => { window.answer = () => done(new Response('')); }))(window.fetch)"
    )
    page.click(button("take"))
    page.wait("!!window.answer")
    served.casebook.open(
        OpenRequest("异常拍下", "shop1", "b42", "", "李娜", "begin-it", alert_id("1"))
    )
    served.live.announce()
    page.wait("!document.querySelector('#stale').hidden")
    page.evaluate("window.answer()")
    page.wait("document.body.innerText.includes('处理中')")


def test_of_two_steps_sent_at_once_on_a_slow_network_the_first_is_taken(
    page: Page, served: Served
) -> None:
    served.add(make_alert())
    page.goto(served.url + ONE)
    page.click(button("take"))
    page.wait("!!document.querySelector('input[name=note]')")
    page.evaluate(
        "window.answers = []; window.fetch = ((real) => (url, ...more) => url !== '/healthz'"
        " ? real(url, ...more)"
        " : new Promise((done) => answers.push(() => done(new Response('')))))(window.fetch)"
    )
    page.click("input[name=answered][value=no] + span")
    page.choose("select[name=label]", "CONFIRMED_MALICIOUS")
    page.click(button("contact"))
    page.click(button("label"))
    page.wait("answers.length")
    page.evaluate("answers.forEach((answer) => answer())")
    page.wait("document.querySelector('#work').innerText.includes('旺旺联系 · 联系不上')")
    detail = served.store.detail(alert_id("1"))
    assert detail is not None
    assert [row.step for row in detail.audit] == ["take", "contact"]


def test_a_browser_of_2020_can_take_steps(page: Page, served: Served) -> None:
    served.add(make_alert())
    page.goto(served.url + ONE)
    page.evaluate("delete AbortSignal.timeout")
    page.click(button("take"))
    page.wait("document.body.innerText.includes('处理中')")


def test_who_asks_for_evidence_after_the_session_signs_in_and_saves_no_such_page(
    browser: Browser, tmp_path: Path
) -> None:
    token = "a-token-of-the-test"
    with Served(tmp_path, Clock(), token=token) as guarded:
        guarded.add(make_alert())
        page = browser.page()
        page.goto(f"{guarded.url}/login?lang=zh&next={ONE}")
        page.type("input[name=secret]", token)
        page.type("input[name=name]", "李雷")
        page.click("main form button")
        page.wait(f"location.pathname === '{ONE}'")
        guarded.clock.forward(hours=17)
        page.click("a[href$='/evidence']")
        page.wait("location.pathname === '/login'")


def test_a_note_of_a_step_that_a_colleague_overtook_can_be_sent_again(
    page: Page, served: Served
) -> None:
    case = served.casebook.open(OpenRequest("恶意敲诈", "shop1", "b42", "", "李雷", "begin-it"))
    for version, proof in enumerate(("ids", "threat"), start=1):
        request = CaseRequest(case, "prove", "李雷", f"prove-{proof}", version, proof=proof)
        assert served.casebook.perform(request).kind == "done"
    page.goto(f"{served.url}/cases/{case}")
    page.wait("document.querySelector('#live').classList.contains('on')")
    page.type("form[action$='/submit'] input[name=note]", "平台编号 7788")
    late = CaseRequest(case, "prove", "李娜", "prove-once-more", 3, proof="ids")
    assert served.casebook.perform(late).kind == "done"
    page.click(button("submit"))
    page.wait("document.querySelector('[role=alert] blockquote').innerText === '平台编号 7788'")
    # What arrives meanwhile takes nothing away.
    page.wait("document.querySelector('#live').classList.contains('on')")
    page.evaluate("window.isFetched = false; fetch('/').then(() => { window.isFetched = true; })")
    served.add(make_alert())
    page.wait("window.isFetched")
    page.click(button("submit"))
    page.wait("document.body.innerText.includes('已提交，等待答复')")
    detail = served.casebook.detail(case)
    assert detail is not None
    assert detail.steps[-1].note == "平台编号 7788"


def box(key: str) -> str:
    return f"input[name='alert.{alert_id(key)}']"


def chosen(page: Page) -> int:
    return int(page.evaluate("document.querySelectorAll('.pick :checked').length"))


def states(served: Served, *keys: str) -> list[str]:
    found = [served.store.detail(alert_id(key)) for key in keys]
    return [detail.row.case.state for detail in found if detail is not None]


def test_a_ban_is_proposed_approved_with_a_tick_noted_and_lifted(
    page: Page, served: Served
) -> None:
    served.add(make_alert())
    page.goto(served.url + ONE)
    page.click(button("take"))
    page.wait("!!document.querySelector('select[name=label]')")
    page.choose("select[name=label]", "CONFIRMED_MALICIOUS")
    page.click(button("label"))
    page.wait("document.querySelector('.chosen').innerText.includes('确认为恶意')")
    page.click("a[href^='/bans/new']")
    page.wait("document.body.innerText.includes('永久有效的，无法撤销')")
    page.type("textarea[name=reason]", "三天内拍下六笔均未付款")
    page.click("form[action='/bans'] button")
    state = "document.querySelector('.head .state').innerText"
    page.wait(f"{state} === '已提议，待批准'")
    # Without the tick nothing is sent.
    page.click(button("approve"))
    assert page.evaluate("!document.querySelector('[name=permanent]').checkValidity()")
    assert page.evaluate(state) == "已提议，待批准"
    page.click("[name=permanent]")
    page.click(button("approve"))
    page.wait(f"{state} === '已批准，待在平台限制'")
    page.click(button("restrict"))
    page.wait(f"{state} === '已在平台限制'")
    page.type("form[action$='/lift'] [name=note]", "误判")
    page.click(button("lift"))
    page.wait(f"{state} === '已解除'")
    assert page.complaints() == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_pages_of_bans_fit_a_telephone(page: Page, served: Served, language: str) -> None:
    served.add(make_alert(buyer="b" * 60, orders=2, shop="s" * 50))
    for n, (step, more) in enumerate([("take", {}), ("label", {"label": Label.POLICE_REPORTED})]):
        done = served.desk.perform(
            StepRequest(alert_id("1"), step, "local", f"step-{n}-1", n + 1, **more)  # type: ignore[arg-type]
        )
        assert done.kind == "done"
    new = f"/bans/new?alert={alert_id('1')}&"
    asking = Asking("local", are_told_apart=False)
    page.resize(360, 800)
    page.goto(f"{served.url}{new}lang={language}")
    narrow = "document.documentElement.scrollWidth <= 360"
    assert page.evaluate(narrow)
    made = served.banlist.propose(Proposal(alert_id("1"), "x" * 200, asking, "proposal"))
    for path in ("/bans?", f"/bans/{made.ban_id}?", f"{ONE}?", new):
        page.goto(f"{served.url}{path}lang={language}")
        assert page.evaluate(narrow), path


@pytest.mark.parametrize(("width", "language"), [(360, "zh"), (1280, "en")])
def test_a_top_up_that_waits_is_approved_with_one_click_and_seen_to_go(
    page: Page, served: Served, width: int, language: str
) -> None:
    item = "i" * 120
    orders = [f"{'o' * 100}{number}" for number in range(3)]
    held = [HeldUnits(item_id=item, order_id=o, units=2, state="held") for o in orders]
    served.add(make_alert(held_units=held), make_alert("2", buyer="b2"))
    served.store.apply([make_decision(order, item_id=item) for order in orders])
    page.resize(width, 800)
    page.goto(f"{served.url}/?lang={language}")
    assert page.evaluate("document.querySelectorAll('.state.waits').length") == 1
    page.goto(f"{served.url}{ONE}")
    page.evaluate("document.querySelector('#approval details').open = true")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate(
        "(() => { const b = document.querySelector(\"form[action$='/approve'] button\");"
        "b.click(); b.click(); })()"
    )
    page.wait("!!document.querySelector('#approval .chosen')")
    assert served.store.waiting_events()["control"] == 1
    went = {"kind": "top_up", "reason": "held_unpaid", "delta": 2}
    served.store.apply([make_decision(order, item_id=item, **went) for order in orders])
    served.live.announce()
    page.wait("!document.querySelector('#approval .waits')")
    assert page.evaluate("!document.querySelector(\"form[action$='/approve']\")")
    page.click(button("refuse"))
    page.wait("document.querySelectorAll('#approval .note').length === 1")
    assert served.store.waiting_events()["control"] == 2
    assert page.complaints() == []


def test_several_alerts_are_chosen_taken_labelled_and_confirmed(page: Page, served: Served) -> None:
    served.add(*(make_alert(key, buyer=f"b{key}") for key in "123"))
    page.wait("document.querySelectorAll('.alert').length === 3")
    # What to do is asked once something is chosen.
    assert page.evaluate("document.querySelector('.act').offsetParent") is None
    page.click(box("1"))
    page.click(box("3"))
    assert "已选2条" in page.text()
    page.choose("select[name=do]", "take")
    page.click(".act button")
    page.wait("document.querySelector('.told')?.innerText.includes('处理：2条已完成')")
    assert states(served, "1", "2", "3") == ["IN_PROGRESS", "NEW", "IN_PROGRESS"]
    assert chosen(page) == 2
    page.choose("select[name=do]", "label.FALSE_POSITIVE")
    page.click(".act button")
    page.wait("document.querySelector('.told')?.innerText.includes('标签：误报：2条已完成')")
    page.choose("select[name=do]", "confirm")
    page.click(".act button")
    page.wait("document.querySelector('.told')?.innerText.includes('确认：2条已完成')")
    assert states(served, "1", "2", "3") == ["DONE", "NEW", "DONE"]
    page.wait("document.querySelectorAll('.alert').length === 1")
    assert page.complaints() == []


def test_all_of_the_page_are_chosen_and_none(page: Page, served: Served) -> None:
    served.add(*(make_alert(str(n), buyer=f"b{n}", orders=1) for n in range(60)))
    page.wait("document.querySelectorAll('.alert').length === 50")
    page.click(".all input")
    assert chosen(page) == 50
    page.click(".all input")
    assert chosen(page) == 0
    page.click(".all input")
    page.choose("select[name=do]", "take")
    page.click(".act button")
    page.wait("document.querySelector('.told')?.innerText.includes('50条已完成')")
    page.click(".alert:first-child .pick input")
    assert page.evaluate("document.querySelector('.all input').indeterminate")
    assert chosen(page) == 49


def of_one_cause(number: int, buyer: str) -> list[Alert]:
    return [
        make_alert(f"{buyer}-{n}", buyer=buyer, orders=1, detector="D34") for n in range(number)
    ]


def test_alerts_of_one_cause_are_one_row_that_opens_and_one_box(page: Page, served: Served) -> None:
    served.add(*of_one_cause(12, "b1"), make_alert("x", buyer="b2"))
    page.wait("document.querySelectorAll('.alert').length === 2")
    assert "× 12" in page.text()
    # Two of it are seen to by themselves.
    page.click("a.title:has(.size)")
    page.wait("document.querySelectorAll('.alert').length === 12")
    page.click(".alert:nth-child(1) .pick input")
    page.click(".alert:nth-child(2) .pick input")
    page.choose("select[name=do]", "take")
    page.click(".act button")
    page.wait("document.querySelector('.told')?.innerText.includes('处理：2条已完成')")
    page.click(".only a")
    page.wait("document.querySelectorAll('.alert').length === 2")
    assert "已有人处理 2/12" in page.text()
    page.click("input[name^='group.']")
    assert "已选12条" in page.text()
    page.choose("select[name=do]", "take")
    page.click(".act button")
    page.wait("document.querySelector('.told')?.innerText.includes('处理：10条已完成')")
    assert states(served, *(f"b1-{n}" for n in range(12))) == ["IN_PROGRESS"] * 12
    assert page.complaints() == [] or all("409" in one for one in page.complaints())


def test_a_row_grows_as_alerts_of_its_cause_arrive_and_stands_still_while_it_is_chosen(
    page: Page, served: Served
) -> None:
    one, two, three = of_one_cause(3, "b1")
    served.add(one, two)
    page.wait("document.querySelector('.size')?.innerText === '× 2'")
    served.add(three)
    page.wait("document.querySelector('.size')?.innerText === '× 3'")
    page.click("input[name^='group.']")
    served.add(make_alert("b1-later", buyer="b1", detector="D34"))
    page.wait("!document.getElementById('stale').hidden")
    assert "已选3条" in page.text()
    page.click("input[name^='group.']")
    page.wait("document.querySelector('.size')?.innerText === '× 4'")


def test_no_more_is_chosen_than_a_step_takes(page: Page, served: Served) -> None:
    served.add(*of_one_cause(30, "b1"), *of_one_cause(21, "b2"), make_alert("x", buyer="b3"))
    page.wait("document.querySelectorAll('.alert').length === 3")
    # From the top, what fits: the thirty and the one.
    page.click(".all input")
    assert "已选31条" in page.text()
    page.click(".all input")
    assert chosen(page) == 0
    for row in ("1", "2", "3"):
        page.click(f".alert:nth-child({row}) .pick input")
    assert "已选52条，一次最多50条" in page.text()
    assert page.evaluate("[...document.querySelectorAll('.act button')].every((b) => b.disabled)")
    page.click(".alert:nth-child(2) .pick input")
    assert not page.evaluate("document.querySelector('.act button').disabled")


def test_an_alert_is_handed_over_and_found_among_those_of_its_new_owner(
    page: Page, served: Served
) -> None:
    served.add(make_alert(), make_alert("2", buyer="b2"))
    page.goto(served.url + ONE)
    page.type("input[name=assignee]", "韩梅梅")
    page.click("form.assign button")
    page.wait("document.querySelector('.work')?.innerText.includes('韩梅梅 在处理')")
    page.goto(served.url + "/")
    page.choose("select[name=assignee]", "韩梅梅")
    page.wait(
        "location.search.includes('assignee') && document.readyState === 'complete' "
        "&& document.querySelectorAll('.alert').length === 1"
    )
    assert "处理中 · 韩梅梅" in page.text()
    page.choose("select[name=assignee]", "")
    page.wait("document.querySelectorAll('.alert').length === 2")
    assert page.complaints() == []


def test_an_alert_that_is_set_aside_leaves_open_lists_and_comes_back_to_them_by_itself(
    page: Page, browser: Browser, served: Served
) -> None:
    served.add(make_alert(deadlines=[]), make_alert("2", buyer="b2"))
    page.wait("document.querySelectorAll('.alert').length === 2")
    other = browser.page(width=360, height=800)
    other.goto(f"{served.url}{ONE}?lang=en")
    other.choose("select[name=later]", "1h")
    other.click(button("snooze"))
    other.wait("document.querySelector('.head')?.innerText.includes('until 21:05')")
    page.wait(
        "document.querySelectorAll('.alert').length === 1 && document.title.startsWith('(1)')"
    )
    page.wait("document.querySelector('#snoozed').innerText === '1'")
    # Nobody does anything: an open page sees that the time has come.
    served.clock.forward(hours=1)
    page.wait(
        "document.querySelectorAll('.alert').length === 2 && document.title.startsWith('(2)')"
    )
    assert "稍后提醒已到 · 本机" in page.text()
    other.wait("document.querySelector('.head').innerText.includes('Back from a snooze')")
    assert page.complaints() == other.complaints() == []


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_name_of_whoever_set_it_aside_fits_the_page(
    page: Page, served: Served, width: int, size: int
) -> None:
    served.add(*(make_alert(str(n)) for n in range(1, size + 1)))
    later = timedelta(hours=1)
    wanted = StepRequest(alert_id("1"), "snooze", "W" * 64, "snooze-it", 1, later=later)
    assert served.desk.perform(wanted).kind == "done"
    page.resize(width, 800)
    addresses = ("/?view=snoozed&lang=en", f"{ONE}?lang=en", "/?lang=en", f"{ONE}?lang=en")
    for number, path in enumerate(addresses):
        if number == 2:
            served.clock.forward(hours=1)
        page.goto(served.url + path)
        assert "WWWW" in page.text()
        if number == 2:
            # A row of several says it as well, and says of how many.
            assert ("1 of 3" in page.text()) is (size == 3)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(
            "[...document.querySelectorAll('.work, .head, .alert, .subtabs')]"
            ".every((e) => e.scrollWidth <= e.clientWidth + 1)"
        )


def test_a_step_that_somebody_ticks_is_seen_by_others_at_once_and_can_be_unticked(
    page: Page, browser: Browser, served: Served
) -> None:
    served.add(make_alert())
    other = browser.page(width=360, height=800)
    other.goto(f"{served.url}{ONE}?lang=en")
    other.wait("document.querySelector('#live').classList.contains('on')")
    page.goto(served.url + ONE)
    page.click(".steps li:nth-child(2) button.tick")
    page.wait("!!document.querySelector('.steps li:nth-child(2).ticked')")
    assert "已做1/2" in page.text()
    # Whoever ticks one of many stays where they are.
    assert page.evaluate("location.hash") == "#steps"
    other.wait("document.querySelector('#steps h2').innerText.includes('1 of 2 done')")
    other.click(".steps li:nth-child(2) button.tick")
    other.wait("document.querySelectorAll('.ticked').length === 0")
    page.wait("document.querySelectorAll('.ticked').length === 0")
    assert page.complaints() == other.complaints() == []


def test_a_register_of_those_chosen_leaves_the_page_as_it_is_for_the_next_step(
    page: Page, served: Served
) -> None:
    served.add(*(make_alert(key, buyer=f"b{key}") for key in "12"))
    page.wait("document.querySelectorAll('.alert').length === 2")
    page.click(box("2"))
    page.click(".act button[formaction]")
    wait_until(lambda: served.url + "/register.xlsx" in page.requests())
    assert (chosen(page), page.evaluate("location.pathname")) == (1, "/")
    # Nothing waits for the answer: the form can be sent at once.
    page.choose("select[name=do]", "take")
    page.click(".act button:not([formaction])")
    page.wait("document.querySelector('.told')?.innerText.includes('处理：1条已完成')")
    assert states(served, "1", "2") == ["NEW", "IN_PROGRESS"]


def test_what_is_chosen_stays_while_alerts_arrive_and_the_list_is_renewed_after(
    page: Page, served: Served
) -> None:
    served.add(make_alert("1"), make_alert("2", buyer="b2"))
    page.wait("document.querySelectorAll('.alert').length === 2")
    page.click(box("1"))
    page.evaluate("window.rows = [...document.querySelectorAll('.alert')]")
    served.add(make_alert("3", buyer="b3", severity="critical"))
    page.wait("!document.querySelector('#stale').hidden")
    assert "选择期间列表保持不动" in page.text()
    # Nothing moved below the mouse.
    assert page.evaluate(
        "[...document.querySelectorAll('.alert')].every((row, n) => row === rows[n])"
    )
    assert chosen(page) == 1
    page.click(box("1"))
    page.wait("document.querySelectorAll('.alert').length === 3")
    page.wait("document.querySelector('#stale').hidden")
    # The box that was left has the focus, and it holds back nothing.
    served.add(make_alert("4", buyer="b4"))
    page.wait("document.querySelectorAll('.alert').length === 4")


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("width", [360, 1280])
def test_whoever_scrolled_down_to_choose_sees_that_the_list_has_changed(
    page: Page, served: Served, width: int, language: str
) -> None:
    served.add(*(make_alert(str(n), buyer=f"b{n}") for n in range(30)))
    page.resize(width, 640)
    page.goto(f"{served.url}/?lang={language}")
    page.wait("document.querySelector('#live').classList.contains('on')")
    page.click(".alert:nth-child(20) .pick input")
    served.add(make_alert("new", buyer="b99", severity="critical"))
    page.wait("!document.querySelector('#stale').hidden")
    # All of it, below the bar at the top.
    assert page.evaluate(
        "(() => { const b = document.querySelector('#stale .message').getBoundingClientRect();"
        "const top = document.querySelector('.top').getBoundingClientRect();"
        "return b.top >= top.bottom && b.bottom <= innerHeight; })()"
    )


def test_what_stays_chosen_after_a_step_outlives_what_arrives(page: Page, served: Served) -> None:
    served.add(make_alert("1"))
    page.wait("document.querySelectorAll('.alert').length === 1")
    page.click(box("1"))
    page.choose("select[name=do]", "take")
    page.click(".act button")
    page.wait("document.querySelector('.told')?.innerText.includes('1条已完成')")
    page.wait("document.querySelector('#live').classList.contains('on')")
    served.add(make_alert("2", buyer="b2"))
    page.wait("!document.querySelector('#stale').hidden")
    assert chosen(page) == 1


def test_that_minutes_pass_is_not_called_a_change_of_the_list(page: Page, served: Served) -> None:
    served.add(make_alert("1"))
    page.wait("document.querySelectorAll('.alert').length === 1")
    page.click(box("1"))
    served.clock.forward(minutes=3)
    page.evaluate(
        "window.fetched = 0; window.fetch = ((real) => (...asked) => real(...asked)"
        ".then((answer) => { fetched += 1; return answer; }))(window.fetch); null"
    )
    # Told of a change that this page does not show.
    served.health = Health(False, "no sign of the Kafka broker for 600 s")
    page.wait("document.querySelector('#feed').innerText.includes('收不到新的预警')")
    assert page.evaluate("document.querySelector('#stale').hidden")
    assert chosen(page) == 1


def test_what_was_not_done_for_some_is_shown_with_a_way_to_each(
    browser: Browser, page: Page, served: Served
) -> None:
    served.add(make_alert("1"), make_alert("2", buyer="b2"))
    page.wait("document.querySelectorAll('.alert').length === 2")
    page.click(".all input")
    served.desk.perform(StepRequest(alert_id("2"), "take", "韩梅梅", "take-it-2", 1))
    page.choose("select[name=do]", "take")
    page.click(".act button")
    page.wait("document.querySelector('.told')?.innerText.includes('1条没有执行')")
    assert "韩梅梅 开始处理" in page.evaluate("document.querySelector('.told').innerText")
    page.click(".told a")
    page.wait(f"location.pathname === '/alerts/{alert_id('2')}'")
    page.click(".crumb a")
    page.wait("location.pathname === '/' && document.querySelectorAll('.alert').length === 2")


def test_a_step_for_many_sent_into_a_lost_connection_keeps_what_is_chosen(
    page: Page, served: Served
) -> None:
    served.add(make_alert("1"), make_alert("2", buyer="b2"))
    page.wait("document.querySelectorAll('.alert').length === 2")
    page.click(".all input")
    page.choose("select[name=do]", "take")
    page.go_offline()
    page.click(".act button")
    page.wait("!document.querySelector('#lost').hidden")
    assert chosen(page) == 2
    page.go_offline(is_offline=False)
    page.evaluate(
        "document.querySelector('.act button').click(); document.querySelector('.act button').click()"
    )
    page.wait("document.querySelector('.told')?.innerText.includes('2条已完成')")
    for key in "12":
        detail = served.store.detail(alert_id(key))
        assert detail is not None
        assert [row.step for row in detail.audit] == ["take"]


def test_a_click_beside_the_box_of_an_alert_opens_nothing(page: Page, served: Served) -> None:
    served.add(make_alert("1"))
    page.resize(360, 800)
    page.goto(served.url + "/?lang=zh")
    place = page.evaluate(
        "(() => { const b = document.querySelector('.pick').getBoundingClientRect();"
        "return [b.width, b.height]; })()"
    )
    # What a thumb needs.
    assert min(place) >= 40
    page.click(".pick")
    assert chosen(page) == 1
    page.click(".alert .title")
    page.wait(f"location.pathname === '{ONE}'")


def test_the_keyboard_stays_where_it_was_when_the_list_is_renewed(
    page: Page, served: Served
) -> None:
    served.add(make_alert("2", buyer="b2"), make_alert())
    page.wait("document.querySelectorAll('.alert').length === 2")
    page.evaluate(f"document.querySelector('a[href=\"{ONE}\"]').focus()")
    served.add(make_alert("3", severity="critical", buyer="b3"))
    page.wait("document.querySelectorAll('.alert').length === 3")
    assert page.evaluate("document.activeElement.getAttribute('href')") == ONE


def test_back_to_the_list_is_back_to_its_filters(page: Page, served: Served) -> None:
    served.add(make_alert())
    page.goto(served.url + "/?severity=warn&sort=newest&lang=zh")
    page.click(".alert .title")
    page.wait(f"location.pathname === '{ONE}'")
    page.click(".crumb a")
    page.wait("location.pathname + location.search === '/?severity=warn&sort=newest'")


def test_nothing_is_loaded_from_elsewhere_and_nothing_is_refused(
    page: Page, served: Served
) -> None:
    served.add(make_alert())
    for path in ("/", "/complaints", ONE, "/login", "/?view=handled", *TABS):
        page.goto(served.url + path)
    assert page.requests()
    assert not [url for url in page.requests() if not url.startswith(served.url + "/")]
    assert page.complaints() == []


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_no_page_is_wider_than_the_screen(page: Page, served: Served, width: int) -> None:
    long = "x" * 300
    served.add(make_alert(summary=Text(zh=long, en=long), buyer="b" * 90))
    served.add(*top_ups(2, buyer="b" * 90), listing(summary=Text(zh=long, en=long)))
    served.add(*of_one_cause(2, "c" * 90))
    page.resize(width, 800)
    for path in ("/", "/?group=shop", f"/?group=none&subject=shop1:{'c' * 90}", ONE, *TABS):
        page.goto(served.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        # Not only the page: no panel may cut off what is in it.
        assert page.evaluate(
            "[...document.querySelectorAll('.work, .head, .alert, .sheet, .topups form')]"
            ".every((e) => e.scrollWidth <= e.clientWidth + 1)"
        )


@pytest.mark.parametrize("width", [360, 1280])
def test_no_name_and_no_address_is_too_long_for_the_page(
    page: Page, served: Served, width: int
) -> None:
    served.add(make_alert())
    served.desk.perform(StepRequest(alert_id("1"), "take", "W" * 64, "take-it-1", 1))
    about = "z" * 290
    case = served.casebook.open(OpenRequest("盗图申诉", "shop1", about, "", "W" * 64, "open-it-1"))
    page.resize(width, 800)
    for path in ("/", ONE, "/complaints", f"/cases/{case}", "/cases/new"):
        page.goto(served.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        # A table that is wider than the screen is scrolled, but not by one long word.
        assert page.evaluate(
            "[...document.querySelectorAll('.work, .head, .what, .login, .body section, td.name')]"
            ".every((e) => e.scrollWidth <= Math.max(e.clientWidth, 24) + 1)"
        ), path


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("width", [360, 1280])
def test_no_table_is_scrolled_sideways_whatever_a_shop_is_called(
    page: Page, served: Served, width: int, language: str
) -> None:
    shop = "shop_without_any_break_" + "x" * 41
    served.add(make_alert(shop=shop), make_alert("2", shop="旗舰店" * 21, severity="critical"))
    served.casebook.open(OpenRequest("盗图申诉", shop, "z" * 290, "", "李雷", "open-it-1"))
    waiting, recorded = top_ups(2, shop=shop, buyer="b" * 100)
    served.add(waiting, recorded, listing(shop=shop))
    who = StepRequest(
        recorded.alert_id, "reconcile", "W" * 64, "record-1", 1, result="failed", reason="z" * 250
    )
    assert served.desk.perform(who).kind == "done"
    page.resize(width, 800)
    for path in ("/", "/deadlines", "/complaints", ONE, *TABS):
        page.goto(f"{served.url}{path}?lang={language}")
        wide = page.evaluate(
            "[...document.querySelectorAll('.scroll, .alert, .bulk, .step')]"
            ".filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.outerHTML.slice(0, 200))"
        )
        assert wide == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        # All of the name is there, and not below something else.
        if path == "/deadlines":
            assert shop in page.text()


def disputed(dispute: str, buyer: str) -> list[Alert]:
    """A dispute with every station there may be, and the rate of a shop that counts it and another one."""
    opened = {"order_id": dispute, "reason": "damaged"}
    steps, kinds = (
        ("escalated", "arbitration_withdrawn"),
        ("label_photo", "package_photo", "item_photo", "tracking_no"),
    )
    course: list[tuple[str, str, Any]] = [
        ("DisputeOpened", dispute, opened),
        *(("DisputeStep", f"{dispute}/{step}", {"kind": step}) for step in steps),
        *(
            ("DisputeEvidence", f"{dispute}/seller/{kind}", {"by": "seller", "kind": kind})
            for kind in kinds
        ),
    ]
    told = {"name": "dispute", "buyer": buyer, "order": dispute, "withdrawn_ms": 0}
    rate = [("Signal", f"dispute/{buyer}/{n}", told | {"negotiated_until_ms": n}) for n in (0, 1)]
    one = make_alert("1", detector="D29", severity="info", deadlines=[])
    shop = Subject(kind="shop", id="shop1")
    all_of_them = make_alert("2", detector="D31", severity="info", subject=shop, deadlines=[])

    def about(alert: Alert, facts: Sequence[tuple[str, str, Any]]) -> Alert:
        found = [
            EvidenceFact(event_id=f"e{n}", kind=kind, at=T0, ref=ref, detail=detail)
            for n, (kind, ref, detail) in enumerate(facts)
        ]
        evidence = alert.evidence.model_copy(update={"facts": found, "facts_total": len(found)})
        return alert.model_copy(update={"evidence": evidence})

    return [about(one, course), about(all_of_them, rate)]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("width", [360, 1280])
def test_where_disputes_stand_fits_the_page(
    page: Page, served: Served, width: int, language: str
) -> None:
    served.add(*disputed("9" * 64, "b" * 90))
    page.resize(width, 800)
    said = {"zh": ("仲裁", "协商期到"), "en": ("Arbitration", "negotiation until")}[language]
    for path, words in ((ONE, said[0]), (f"/alerts/{alert_id('2')}", said[1]), ("/", "")):
        page.goto(f"{served.url}{path}?lang={language}")
        assert words in page.text()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        wide = page.evaluate(
            "[...document.querySelectorAll('.dispute, #disputes .scroll, .alert, .stages li')]"
            ".filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.outerHTML.slice(0, 200))"
        )
        assert wide == [], path


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("width", [360, 1280])
def test_what_to_do_with_those_chosen_is_always_in_view(
    page: Page, served: Served, width: int, language: str
) -> None:
    served.add(*(make_alert(str(n), buyer=f"b{n}") for n in range(30)))
    page.resize(width, 640)
    page.goto(f"{served.url}/?lang={language}")
    page.click(".alert:nth-child(2) .pick input")
    for top in (0, 900, 99_999):
        page.evaluate(f"window.scrollTo(0, {top})")
        seen = page.evaluate(
            "[...document.querySelectorAll('.all, .act select, .act button')].map((e) => {"
            "const b = e.getBoundingClientRect();"
            "return b.top >= 0 && b.bottom <= innerHeight && b.left >= 0 && b.right <= innerWidth; })"
        )
        assert seen == [True] * 4
    # A button of one line.
    assert page.evaluate("document.querySelector('.act button').clientHeight") < 45


def test_a_page_that_does_not_exist_is_not_called_a_lost_connection(
    page: Page, served: Served
) -> None:
    page.goto(served.url + "/alerts/none")
    page.wait("document.querySelector('main').innerText.includes('没有这条预警')")
    # Asked for anew, as live pages are, it would be missing again.
    assert page.evaluate("document.body.dataset.live") == "no"
    assert page.evaluate("document.querySelector('#live').textContent") == ""


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_head_fits_on_a_telephone_whatever_the_lamp_says(page: Page, language: str) -> None:
    page.resize(360, 800)
    page.goto(page.evaluate(f"location.origin + '/?lang={language}'"))
    page.wait("document.querySelector('#live').classList.contains('on')")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.evaluate(
        "document.querySelector('#live').textContent = document.querySelector('#live').dataset.off"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("width", [360, 1280])
def test_names_in_tables_are_not_squeezed_to_a_character_a_line(
    page: Page, served: Served, width: int
) -> None:
    served.add(make_alert())
    page.resize(width, 800)
    for path, at_least in ((ONE, 6), ("/deadlines", 11)):
        page.goto(served.url + path)
        # How many characters fit on a line of each name, unless it flows with other text.
        fits = page.evaluate(
            "[...document.querySelectorAll('td.name')]"
            ".filter((cell) => getComputedStyle(cell).display !== 'inline').map((cell) => {"
            "const style = getComputedStyle(cell);"
            "return (cell.clientWidth - parseFloat(style.paddingRight)) / parseFloat(style.fontSize);"
            "})"
        )
        assert fits
        assert min(fits) >= at_least - 1
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("width", [360, 900])
def test_the_current_tab_is_in_view_and_the_others_are_reached_by_keyboard(
    page: Page, served: Served, width: int, language: str
) -> None:
    served.add(*top_ups(2))
    page.resize(width, 800)
    for path in ("/", "/deadlines", "/complaints", *TABS):
        page.goto(f"{served.url}{path}?lang={language}")
        # Its words take room from the tabs.
        page.wait("document.querySelector('#live').classList.contains('on')")
        page.wait(f"{WHOLLY_IN_VIEW}(document.querySelector('.tabs [aria-current]'))")
        for seen in (".tabs [aria-current]", ".badge b"):
            assert page.evaluate(f"{WHOLLY_IN_VIEW}(document.querySelector('{seen}'))"), (
                path,
                seen,
            )
        # And nothing lies over it.
        assert page.evaluate(
            "(() => { const b = document.querySelector('.tabs [aria-current]').getBoundingClientRect();"
            "return [1, b.width - 1].every((x) => document.elementFromPoint(b.left + x, b.top + 9)"
            "?.closest('a')?.matches('[aria-current]')); })()"
        ), path
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    # Whoever comes to a tab by keyboard sees it.
    page.goto(f"{served.url}/?lang={language}")
    seen = page.evaluate(
        "[...document.querySelectorAll('.tabs a')].map((tab) => "
        f"{{ tab.focus(); return {WHOLLY_IN_VIEW}(tab) && document.activeElement === tab; }})"
    )
    assert seen == [True] * len(seen)
    assert len(seen) >= 6
    # A telephone that is turned, and turned back, shows where one is.
    page.goto(f"{served.url}/rules?lang={language}")
    for size in (1280, width):
        page.resize(size, 800)
    page.wait(WHOLLY_IN_VIEW + "(document.querySelector('.tabs [aria-current]'))")


def test_a_tab_at_the_edge_does_not_move_from_under_the_mouse(page: Page, served: Served) -> None:
    page.resize(360, 800)
    page.goto(f"{served.url}/?lang=en")
    for path in ("/recharges", "/rules", "/listings", "/"):
        page.wait("document.querySelector('#live').classList.contains('on')")
        page.click(f".tabs a[href='{path}']")
        page.wait(f"location.pathname === '{path}'")


def test_the_tabs_stay_in_view_on_a_telephone(page: Page, served: Served) -> None:
    page.resize(360, 640)
    page.goto(served.url + "/rules")
    page.evaluate("window.scrollTo(0, 5000)")
    assert page.evaluate(WHOLLY_IN_VIEW + "(document.querySelector('.tabs [aria-current]'))")
    # What an address leads to is not below them.
    page.evaluate("location.hash = '#D20'")
    page.wait(
        "document.querySelector('#D20').getBoundingClientRect().top >= "
        "document.querySelector('.tabs').getBoundingClientRect().bottom"
    )


def test_the_badge_counts_on_every_open_page_as_top_ups_come_and_go(
    page: Page, served: Served
) -> None:
    assert page.evaluate("document.querySelector('#unrecorded').innerText") == ""
    first, second = top_ups(2)
    served.add(first)
    page.wait("document.querySelector('#unrecorded b')?.textContent === '1'")
    page.goto(served.url + "/deadlines")
    page.wait("document.querySelector('#live').classList.contains('on')")
    served.add(second)
    page.wait("document.querySelector('#unrecorded b')?.textContent === '2'")
    for number, one in enumerate((first, second)):
        step = StepRequest(
            one.alert_id, "reconcile", "李雷", f"record-{number}", 1, result="succeeded"
        )
        assert served.desk.perform(step).kind == "done"
    served.live.announce()
    page.wait("!document.querySelector('#unrecorded b')")


def test_a_result_is_recorded_in_the_queue_and_moves_to_the_log(page: Page, served: Served) -> None:
    first, second = top_ups(2)
    served.add(first, second)
    page.goto(served.url + "/recharges")
    row = f"#a-{second.alert_id}"
    page.click(f"{row} [value=failed] + span")
    # Whoever forgets the reason is asked for it there, and nothing is sent.
    page.click(f"{row} button")
    page.wait(f"document.activeElement === document.querySelector('{row} [name=reason]')")
    page.click(f"{row} [value=succeeded] + span")
    assert page.evaluate(f"document.querySelector('{row} form').checkValidity()")
    page.click(f"{row} [value=failed] + span")
    page.type(f"{row} [name=reason]", "官方无记录")
    page.click(f"{row} button")
    page.wait("document.querySelector('#log').innerText.includes('官方无记录')")
    assert page.evaluate("document.querySelectorAll('.topups > li').length") == 1
    assert page.evaluate("document.querySelector('#unrecorded b').textContent") == "1"
    page.click(".topups .line a")
    page.wait(f"location.pathname === '/alerts/{first.alert_id}'")
    page.click(".crumb a")
    page.wait("location.pathname === '/recharges'")


def test_a_reason_that_is_being_typed_is_not_swept_away_by_another_top_up(
    page: Page, served: Served
) -> None:
    first, second = top_ups(2)
    served.add(first)
    page.goto(served.url + "/recharges")
    page.wait("document.querySelector('#live').classList.contains('on')")
    page.type("[name=reason]", "官方")
    served.add(second)
    page.wait("!document.querySelector('#stale').hidden")
    assert page.evaluate("document.querySelector('[name=reason]').value") == "官方"
    assert page.evaluate("document.querySelectorAll('.topups > li').length") == 1
    # The head is not what somebody types into.
    page.wait("document.querySelector('#unrecorded b').textContent === '2'")
    page.evaluate("document.querySelector('[name=reason]').value = ''")
    page.evaluate("document.activeElement.blur()")
    served.add(make_alert("9"))
    page.wait("document.querySelectorAll('.topups > li').length === 2")
    page.wait("document.querySelector('#stale').hidden")


def test_a_choice_that_is_not_sent_yet_is_no_news_of_the_list(page: Page, served: Served) -> None:
    here, elsewhere = top_ups(1)[0], top_ups(2, shop="shop2")[1]
    served.add(here)
    page.goto(served.url + "/recharges?shop=shop1")
    page.wait("document.querySelector('#live').classList.contains('on')")
    page.click("[value=failed] + span")
    # The head shows that the page was compared.
    served.add(elsewhere)
    page.wait("document.querySelector('#unrecorded b').textContent === '2'")
    assert page.evaluate("document.querySelector('#stale').hidden")


@pytest.mark.parametrize("width", [360, 1280])
def test_the_news_that_a_list_has_changed_moves_nothing_under_the_mouse(
    page: Page, served: Served, width: int
) -> None:
    first, second = top_ups(2)
    served.add(first)
    page.resize(width, 900)
    page.goto(served.url + "/recharges")
    page.wait("document.querySelector('#live').classList.contains('on')")
    page.type("[name=reason]", "官方")
    place = "JSON.stringify(document.querySelector('.topups button').getBoundingClientRect())"
    before = page.evaluate(place)
    served.add(second)
    page.wait("!document.querySelector('#stale').hidden")
    assert page.evaluate(place) == before


def test_a_shop_is_chosen_on_the_page_of_the_rules(page: Page, served: Served) -> None:
    served.add(make_alert())
    page.goto(served.url + ONE)
    page.click(".source a[href^='/rules']")
    page.wait("location.pathname + location.search + location.hash === '/rules?shop=shop1#D01'")
    page.wait("!!document.querySelector('#D01:target')")
    page.choose("[name=shop]", "")
    page.wait("location.pathname + location.search === '/rules?shop='")
