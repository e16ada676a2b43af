"""Whoever sees little, hears the pages, has only a keyboard or a thumb: what each page owes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from schemas.alerts import EvidenceFact
from streams.inbox.banlist import Proposal
from streams.inbox.bans import Asking
from streams.inbox.casebook import OpenRequest
from streams.inbox.consumer import Health
from streams.inbox.workflow import Channel, Label, StepRequest
from tests.console.browser import Page
from tests.console.test_inbox_in_browser import ONE, WHOLLY_IN_VIEW, button, listing, top_ups
from tests.factories import T0, alert_id, make_alert
from tests.inbox import Served

# Not in the window of the page: its own script has names as well.
_SEEN: Final = (Path(__file__).parent / "seen.js").read_text(encoding="utf-8")
UNREADABLE: Final = f"(() => {{ {_SEEN}\nreturn unreadable(); }})()"
TOO_SMALL: Final = f"(() => {{ {_SEEN}\nreturn tooSmall(); }})()"


@pytest.fixture
def pages(served: Served) -> list[str]:
    """Addresses of every kind of page, with what can be on it."""
    served.add(make_alert(), make_alert("2", buyer="b2", severity="critical"))
    served.add(make_alert("3", buyer="b3", groups=[alert_id("1"), alert_id("2")], severity="info"))
    served.add(*top_ups(2, buyer="b4"), listing())
    take(served, "2", "take", 1)
    take(served, "2", "contact", 2, channel=Channel.PHONE)
    take(served, "2", "label", 3, label=Label.CONFIRMED_MALICIOUS)
    take(served, "3", "take", 1)
    take(served, "3", "label", 2, label=Label.FALSE_POSITIVE)
    take(served, "3", "confirm", 3)
    case = served.casebook.open(OpenRequest("异常拍下", "shop1", "b42", "", "李雷", "begin-it"))
    asking = Asking("李雷", are_told_apart=True)
    ban = served.banlist.propose(Proposal(alert_id("2"), "拍下不付款", asking, "ban-of-it")).ban_id
    alerts = [f"/alerts/{alert_id(key)}" for key in "123"]
    lists = ["/", "/?view=handled", "/deadlines", "/complaints", "/bans", "/recharges"]
    rest = ["/listings", "/rules", "/cases/new", "/login", "/nothing-here"]
    return [
        *lists,
        *rest,
        *alerts,
        f"/cases/{case}",
        f"/bans/{ban}",
        f"/bans/new?alert={alert_id('1')}",
    ]


def take(served: Served, key: str, step: Any, version: int, **fields: Any) -> None:
    request = StepRequest(alert_id(key), step, "李雷", f"{step}-{key}-it", version, **fields)
    assert served.desk.perform(request).kind == "done"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_word_and_every_field_can_be_told_from_what_is_behind(
    page: Page, served: Served, pages: list[str], scheme: str
) -> None:
    page.prefer(scheme)
    unreadable = {}
    for path in pages:
        page.goto(served.url + path)
        if found := page.evaluate(UNREADABLE):
            unreadable[path] = found
    assert unreadable == {}


def test_a_thumb_finds_whatever_can_be_pressed(
    page: Page, served: Served, pages: list[str]
) -> None:
    page.resize(360, 800)
    small = {}
    for path in pages:
        page.goto(served.url + path)
        if found := page.evaluate(TOO_SMALL):
            small[path] = found
    assert small == {}


@pytest.mark.parametrize("width", [900, 1280])
def test_no_fact_is_cut_off_at_the_edge_of_its_table(
    page: Page, served: Served, width: int
) -> None:
    found = "threat.retraction@0-5/1 demand.money@108-111/12 demand.soft@111-113/12"
    words = {"found": found, "lexicon": "2026-12-01+4740f4", "amount_minor": 50000}
    said = EvidenceFact(event_id="e1", kind="ChatSaid", at=T0, ref="e1", detail=words)
    evidence = make_alert().evidence.model_copy(update={"facts": [said], "facts_total": 1})
    served.add(make_alert(detector="D04", evidence=evidence))
    page.resize(width, 800)
    page.goto(served.url + ONE)
    assert page.evaluate(
        "[...document.querySelectorAll('.scroll')].every((e) => e.scrollWidth <= e.clientWidth)"
    )


def test_every_page_has_one_first_heading(page: Page, served: Served, pages: list[str]) -> None:
    for path in pages:
        page.goto(served.url + path)
        heads = page.evaluate("[...document.querySelectorAll('h1')].map((one) => one.innerText)")
        assert len(heads) == 1 and heads[0], path


def test_a_keyboard_comes_to_the_list_past_tabs_and_filters(page: Page, served: Served) -> None:
    served.add(make_alert())
    page.goto(served.url + "/?lang=zh")
    page.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "跳到内容"
    assert page.evaluate(f"{WHOLLY_IN_VIEW}(document.activeElement)")
    page.press("Enter")
    page.press("Tab")
    page.wait("document.activeElement.matches('.pick input')")


def test_what_appears_by_itself_is_read_out(page: Page, served: Served) -> None:
    # A region that is replaced with its words is not read: it has to be there before them.
    page.evaluate("window.news = document.querySelector('#news')")
    page.evaluate("window.feed = document.querySelector('#feed').closest('[role=status]')")
    served.add(make_alert(), make_alert("2", buyer="b2"))
    page.wait("news.isConnected && news.textContent === '新出现2条'")
    served.health = Health(is_ready=False, reason="no partitions")
    served.live.announce()
    page.wait("feed.isConnected && feed.innerText.includes('现在收不到新的预警')")


def test_back_to_a_list_that_a_step_was_sent_from_asks_for_nothing(
    page: Page, served: Served
) -> None:
    served.add(make_alert(severity="critical"))
    page.goto(served.url + "/?severity=critical")
    page.click(".pick input")
    page.choose("select[name=do]", "take")
    page.click(".act button")
    page.wait("!!document.querySelector('.told')")
    page.click(".alert .title")
    page.wait("location.pathname.startsWith('/alerts/')")
    page.back()
    # A browser that remembers the form shows a page of its own, "Confirm Form Resubmission".
    page.wait("location.search === '?severity=critical' && !!document.querySelector('.alert')")
    assert "处理：1条已完成" not in page.text()


def test_a_page_that_refused_a_step_can_be_loaded_again(page: Page, served: Served) -> None:
    served.add(make_alert())
    page.goto(served.url + ONE)
    page.hide()
    take(served, "1", "take", 1)
    page.click(button("take"))
    # The address of a step is no page; the one that can be read is remembered instead of it.
    page.wait(
        f"document.body.innerText.includes('您的操作没有执行') && location.pathname === '{ONE}'"
    )


def test_on_a_telephone_what_comes_next_is_in_view_after_a_step(page: Page, served: Served) -> None:
    served.add(make_alert())
    page.resize(360, 740)
    page.goto(served.url + ONE)
    page.click(button("take"))
    page.wait(f"{WHOLLY_IN_VIEW}(document.querySelector('.contact button'))")
    top = "document.querySelector('#work').getBoundingClientRect().top"
    assert page.evaluate(f"{top} >= document.querySelector('.tabs').getBoundingClientRect().bottom")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_telephone_shows_who_is_signed_in_and_can_be_given_to_somebody_else(
    page: Page, served: Served, language: str
) -> None:
    page.resize(360, 740)
    page.goto(f"{served.url}/login?lang={language}")
    page.type("input[name=name]", "Bartholomäus Featherstonehaugh")
    page.click("form.login button")
    page.wait("location.pathname === '/' && document.readyState === 'complete'")
    height = page.evaluate("document.querySelector('.top').offsetHeight")
    page.evaluate(
        "document.querySelector('#live').textContent = document.querySelector('#live').dataset.off"
    )
    assert page.evaluate("document.querySelector('.top').offsetHeight") == height
    assert page.evaluate("document.querySelector('.who').offsetWidth") >= 30
    page.click(".who")
    page.wait("location.pathname === '/login'")
