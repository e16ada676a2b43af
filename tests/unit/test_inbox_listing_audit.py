"""The listings with something wrong now, by item: what is wrong, what mends it, and who is not listed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from schemas.alerts import Alert, Subject, SuggestedAction, Text
from streams.detect.detectors.d26_listing_audit import ISSUES
from streams.inbox.listing import PAGE_SIZE
from streams.inbox.listing_audit import audited, findings, items_page
from tests.example_stories import events_of, ms
from tests.factories import T0, alert_id, make_alert
from tests.inbox import Inbox, Served
from tests.pipeline import run
from tests.unit.test_inbox_store import plan_of
from tests.unit.test_inbox_web import HOSTILE, Operator

WRONG = {
    "a": {"title": "保温杯 包邮", "post_fee_minor": 500},
    "b": {"title": "奶粉", "is_overseas": True},
    "c": {"title": "螺丝", "min_price_quantity": 30},
    "d": {"title": "赠品链接", "category": "家居"},
    "e": {"title": "保温杯", "deduct_on_payment_supported": True},
}


def listings(**of_item: dict[str, object]) -> list[Alert]:
    """The alerts of items that are published with these terms and deduct on order."""
    events = []
    for item, terms in of_item.items():
        events.append({"at": "0s", "item": item, "listings.published": terms})
        stock = {"on_hand": 100, "held_unpaid": 0, "deduct_mode": "order"}
        events.append({"at": "1m", "item": item, "stock.level": stock})
    return [one for one in run(events_of(events), ms(3600)).alerts if one.detector == "D26"]


def about(key: str, item: str, *, shop: str = "shop1", **overrides: object) -> Alert:
    fields = {"detector": "D26", "subject": Subject(kind="item", id=f"{shop}:{item}"), **overrides}
    return make_alert(key, shop=shop, **fields)


@pytest.fixture
def inbox(engine: Engine) -> Inbox:
    return Inbox(engine)


def items(inbox: Inbox, shop: str | None = None, page: int = 1) -> list[str]:
    return [item.item_id for item in audited(inbox.engine, shop, page).rows]


@pytest.mark.parametrize("letter", WRONG)
def test_every_issue_is_known_by_what_mends_it(letter: str) -> None:
    (alert,) = listings(i1=WRONG[letter])
    (found,) = findings(alert.suggested_actions)
    issue = ISSUES[letter]
    assert (found.letter, found.level) == (letter, issue.level)
    assert (found.what.zh, found.mend.en) == (issue.zh, issue.step.en)


def test_all_issues_of_a_listing_are_told() -> None:
    together: dict[str, object] = {}
    for terms in WRONG.values():
        together |= terms
    (alert,) = listings(i1={**together, "title": "赠品链接 包邮"})
    assert [found.letter for found in findings(alert.suggested_actions)] == [
        "a",
        "b",
        "c",
        "d",
        "e",
    ]


def test_what_is_open_is_listed_by_item_the_most_severe_first(inbox: Inbox) -> None:
    later = T0 + timedelta(minutes=1)
    inbox.add(
        about("1", "cup", severity="info"),
        about("2", "box", opened_at=later),
        about("3", "jar"),
        about("4", "cup", detector="D02", severity="critical", opened_at=later),
        make_alert("5"),
    )
    assert items(inbox) == ["cup", "jar", "box"]
    cup = audited(inbox.engine, None, 1).rows[0]
    assert [card.alert.detector for card in cup.cards] == ["D02", "D26"]


def test_a_listing_that_is_handled_and_not_mended_stays(inbox: Inbox) -> None:
    inbox.add(about("1", "cup"), about("2", "jar"), about("3", "box", suppressed_by="a snooze"))
    inbox.handle("1")
    assert sorted(items(inbox)) == ["cup", "jar"]
    inbox.add(about("1", "cup", revision=2, status="resolved", change="resolved"))
    assert items(inbox) == ["jar"]


def test_pages_and_shops(inbox: Inbox) -> None:
    names = [f"i{n:03}" for n in range(PAGE_SIZE + 1)]
    inbox.add(*(about(name, name, shop="s2" if name == "i007" else "s1") for name in names))
    # The same item in two shops is two items.
    inbox.add(about("other", "i008", shop="s2"))
    first, second = items(inbox), items(inbox, page=2)
    assert sorted(first + second) == sorted([*names, "i008"])
    assert (len(first), items(inbox, page=99)) == (PAGE_SIZE, second)
    assert items(inbox, "s2") == ["i007", "i008"]


def test_items_are_found_without_walking_all_alerts_by_an_index(tmp_path: Path) -> None:
    assert "ix_alerts_subject_id" not in plan_of(tmp_path, items_page(None, 1))


@pytest.fixture
def operator(served: Served) -> Iterator[Operator]:
    operator = Operator(served)
    with closing(operator.http):
        yield operator


def test_the_page_says_what_is_wrong_since_when_and_what_mends_it(
    served: Served, operator: Operator
) -> None:
    assert "没有需要修改的商品" in operator.http.get("/listings").text
    (alert,) = listings(cup=WRONG["e"])
    served.add(alert)
    for language, which in (("zh", 0), ("en", 1)):
        page = operator.http.get(f"/listings?lang={language}").text
        issue = ISSUES["e"]
        for pair in ((issue.zh, issue.en), (issue.step.zh, issue.step.en), ("20:00", "20:00")):
            assert pair[which] in page
        assert f'href="/alerts/{alert.alert_id}"' in page
        assert "<bdi>cup</bdi>" in page
    assert "没有需要修改的商品" in operator.http.get("/listings?shop=other&lang=zh").text


def test_an_issue_in_words_that_are_not_ours_is_told_by_its_alert(
    served: Served, operator: Operator
) -> None:
    step = SuggestedAction(code="A4_remind", text=Text(zh="改一改", en="Change it"))
    text = Text(zh=HOSTILE, en=HOSTILE)
    served.add(about("1", "<i>\u202e", suggested_actions=[step], summary=text, title=text))
    page = operator.http.get("/listings").text
    assert "改一改" in page
    assert "<script>alert" not in page and "<img" not in page and "<i>" not in page
    assert "\u202e" not in page


def test_the_audit_is_read_only_and_accuses_nobody(served: Served, operator: Operator) -> None:
    served.add(about("1", "cup", detector="D02"))
    forms = operator.forms("/listings")
    assert set(forms.methods.values()) == {"get"}
    assert "与任何买家无关" in operator.http.get("/listings").text
    assert operator.http.post("/listings").status_code == 405
    assert served.store.detail(alert_id("1")) is not None
