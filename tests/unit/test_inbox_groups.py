"""Alerts of one cause are one row of what is at work, and one box. On both databases."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from sqlalchemy import Engine

from schemas.alerts import Alert, Deadline, Text
from streams.inbox.groups import Group, causes_page, members_query
from streams.inbox.listing import PAGE_SIZE, Filter
from streams.inbox.workflow import Channel, State
from tests.factories import T0, alert_id, make_alert
from tests.inbox import NOW, Inbox, Served
from tests.shift import Shift
from tests.unit.test_inbox_store import plan_of

ALL = Filter()


def late(key: str, **overrides: object) -> Alert:
    """An order that is not shipped: of many, each has an alert of its own."""
    fields = {"detector": "D34", "severity": "critical", "orders": 1, **overrides}
    return make_alert(key, **fields)  # type: ignore[arg-type]


def due(hours: float, code: str = "T02") -> list[Deadline]:
    text = Text(zh="最晚时间", en="Latest time")
    return [Deadline(code=code, due_at=NOW + timedelta(hours=hours), text=text)]  # type: ignore[arg-type]


def rows(
    inbox: Inbox, wanted: Filter = ALL, chosen: frozenset[str] = frozenset()
) -> list[tuple[str, int]]:
    """The alert that stands for each row, and how many the row is of."""
    listing, groups = inbox.store.grouped(wanted, chosen, inbox.board.in_order())
    return [
        (row.alert_id, groups[row.alert_id].size if row.alert_id in groups else 1)
        for row in listing.rows
    ]


def only(inbox: Inbox, wanted: Filter = ALL, chosen: frozenset[str] = frozenset()) -> Group:
    (group,) = inbox.store.grouped(wanted, chosen)[1].values()
    return group


def by_deadline(inbox: Inbox, **fields: object) -> tuple[list[str], list[str]]:
    """A list by deadlines: of each alert by itself, and of the alerts that stand for their rows."""
    wanted = Filter(sort="deadline", **fields)  # type: ignore[arg-type]
    each = inbox.store.page(wanted, urgent=inbox.board.in_order())
    return [row.alert_id for row in each.rows], [lead for lead, _ in rows(inbox, wanted)]


def first_due(inbox: Inbox, group: Group) -> float | None:
    """How many hours after NOW the first deadline of the group is."""
    timer = inbox.board.first_due({"it": group.alerts}).get("it")
    return None if timer is None else (timer.due_at - NOW) / timedelta(hours=1)


@pytest.fixture
def inbox(engine: Engine) -> Inbox:
    return Inbox(engine)


def test_alerts_of_one_shop_detector_and_subject_are_one_row(inbox: Inbox) -> None:
    inbox.add(
        late("1"),
        late("2"),
        late("3", buyer="b7"),
        late("4", shop="shop2"),
        late("5", detector="D07"),
    )
    found = dict(rows(inbox))
    assert sorted(found.values()) == [1, 1, 1, 2]
    assert len({alert_id(key) for key in "345"} & set(found)) == 3
    listing, _ = inbox.store.grouped(Filter())
    assert (listing.total, listing.lines, listing.pages) == (5, 4, 1)


def test_a_warehouse_that_stops_is_one_row_by_shop_and_type(inbox: Inbox) -> None:
    inbox.add(*(late(str(n), buyer=f"b{n}") for n in range(7)), late("x", detector="D07"))
    assert len(rows(inbox)) == 8
    assert sorted(size for _, size in rows(inbox, Filter(group="shop"))) == [1, 7]


def test_the_most_severe_and_then_the_newest_stands_for_its_group(inbox: Inbox) -> None:
    inbox.add(
        late("old and grave", opened_at=T0 - timedelta(hours=3)),
        late("grave", opened_at=T0 - timedelta(hours=2)),
        late("new", opened_at=T0, severity="warn"),
    )
    assert rows(inbox) == [(alert_id("grave"), 3)]
    assert only(inbox).newest_at == T0


@pytest.mark.parametrize(
    ("sort", "expected"),
    [("severity", "abc"), ("newest", "bca"), ("deadline", "cab")],
)
def test_groups_stand_where_their_best_alert_would(inbox: Inbox, sort: str, expected: str) -> None:
    def two(buyer: str, severity: str, age: int, hours: int) -> list[Alert]:
        opened_at = T0 - timedelta(minutes=age)
        worst = late(
            f"{buyer}1", buyer=buyer, severity=severity, opened_at=opened_at, deadlines=due(hours)
        )
        earlier = opened_at - timedelta(days=1)
        other = late(
            f"{buyer}2", buyer=buyer, severity="info", opened_at=earlier, deadlines=due(90)
        )
        return [other, worst]

    inbox.add(*two("a", "critical", 9, 5), *two("b", "warn", 1, 9), *two("c", "warn", 2, 2))
    found = rows(inbox, Filter(sort=sort))  # type: ignore[arg-type]
    assert found == [(alert_id(f"{buyer}1"), 2) for buyer in expected]


def test_the_first_deadline_is_the_next_one_and_the_last_one_once_all_have_passed(
    inbox: Inbox,
) -> None:
    inbox.add(late("past", deadlines=due(-9)), late("none", deadlines=[]))
    assert first_due(inbox, only(inbox)) == -9
    inbox.add(late("later", deadlines=due(8)), late("next", deadlines=due(1)))
    assert first_due(inbox, only(inbox)) == 1
    inbox.clock.forward(days=2)
    assert first_due(inbox, only(inbox)) == 8


def test_what_is_met_hides_no_deadline_of_another_one(inbox: Inbox) -> None:
    inbox.add(*(late(str(hours), deadlines=due(hours, "T03")) for hours in (1, 2, 3)))
    inbox.add(late("other", buyer="b7", deadlines=due(0.5)))
    for key, left in (("1", 2), ("2", 3), ("3", None)):
        inbox.steps(key, "take")
        inbox.steps(key, "contact", channel=Channel.PHONE)
        groups = inbox.store.grouped(ALL)[1].values()
        assert [first_due(inbox, group) for group in groups] == [left]
    # By a step that leaves this list nothing is hidden either.
    inbox.add(late("4", deadlines=due(4)), late("5", deadlines=due(5)))
    inbox.handle("4")
    assert first_due(inbox, only(inbox)) == 5


def test_the_next_deadline_that_is_not_met_comes_first_then_what_has_passed(inbox: Inbox) -> None:
    ends = {"soon": 2, "later": 9, "just over": -1, "long over": -40, "over and ahead": -3}
    for number, (key, hours) in enumerate(ends.items()):
        said = [*due(hours), *(due(5) if key == "over and ahead" else ())]
        opened_at = T0 - timedelta(minutes=number)
        inbox.add(late(key, buyer=f"b-{number}", opened_at=opened_at, deadlines=said))
    inbox.add(late("none", buyer="b-9", deadlines=[]))
    inbox.add(late("newer", buyer="b-8", deadlines=[], opened_at=T0 + timedelta(minutes=1)))
    expected = ["soon", "over and ahead", "later", "just over", "long over", "newer", "none"]
    assert by_deadline(inbox) == ([alert_id(key) for key in expected],) * 2
    inbox.clock.forward(hours=3)
    expected = ["over and ahead", "later", "soon", "just over", "long over", "newer", "none"]
    assert by_deadline(inbox) == ([alert_id(key) for key in expected],) * 2


@pytest.mark.parametrize("met_by", ["contact", "end"])
def test_a_deadline_that_was_met_puts_no_row_first(inbox: Inbox, met_by: str) -> None:
    inbox.add(*(late(key, deadlines=due(hours, "T03")) for key, hours in (("1", 1), ("2", 6))))
    inbox.add(late("other", buyer="b7", deadlines=due(3, "T03")))
    assert by_deadline(inbox)[0] == [alert_id(key) for key in ("1", "other", "2")]
    inbox.steps("1", "take")
    if met_by == "contact":
        inbox.steps("1", "contact", channel=Channel.PHONE)
    else:
        ended = {"revision": 2, "change": "resolved", "status": "resolved", "resolved_at": NOW}
        inbox.add(late("1", deadlines=due(1, "T03"), **ended))
    each, of_groups = by_deadline(inbox)
    assert each == [alert_id(key) for key in ("other", "2", "1")]
    assert of_groups[0] == alert_id("other")
    assert len(of_groups) == 2


def test_a_list_by_deadlines_has_every_row_once_on_its_pages_and_keeps_to_its_filters(
    inbox: Inbox,
) -> None:
    keys = [str(n) for n in range(PAGE_SIZE + 7)]
    for key in keys:
        inbox.add(late(key, buyer=f"b{key}", deadlines=due(100 - int(key))))
    inbox.add(late("suppressed", deadlines=due(0.1), suppressed_by="x"))
    inbox.add(late("warn", severity="warn", buyer="b-w", deadlines=due(0.2)))
    inbox.add(late("done", buyer="b-d", deadlines=due(0.3)))
    inbox.handle("done")
    inbox.complain("o1")
    pages = [by_deadline(inbox, page=number, severity="critical") for number in (1, 2, 3)]
    last_first = [alert_id(key) for key in reversed(keys)]
    assert pages[0] == (last_first[:PAGE_SIZE],) * 2
    assert pages[1] == pages[2] == (last_first[PAGE_SIZE:],) * 2
    listing, _ = inbox.store.grouped(Filter(sort="deadline", page=9), urgent=())
    assert (listing.total, listing.lines, listing.page) == (len(keys) + 1, len(keys) + 1, 2)
    assert by_deadline(inbox, search="nobody") == ([], [])


def test_whoever_sets_some_of_a_group_aside_finds_its_row_marked_when_they_are_back(
    inbox: Inbox,
) -> None:
    def back() -> tuple[int, str | None]:
        return only(inbox).back, only(inbox).snoozed_by

    inbox.add(*(late(key, deadlines=[]) for key in "1234"))
    assert back() == (0, None)
    inbox.steps("1", "snooze", later=timedelta(hours=1))
    inbox.steps("2", "snooze", later=timedelta(hours=2), by="韩梅梅")
    assert (only(inbox).size, *back()) == (2, 0, None)
    inbox.clock.forward(hours=1)
    assert (only(inbox).size, *back()) == (3, 1, "李雷")
    inbox.clock.forward(hours=1)
    assert (only(inbox).size, *back()) == (4, 2, None)
    # Whoever does something about one has seen it.
    inbox.steps("1", "take")
    assert back() == (1, "韩梅梅")
    assert only(inbox, Filter(group="shop")).back == 1


def test_who_has_some_of_a_group_is_said_and_what_was_handled_is_gone(inbox: Inbox) -> None:
    inbox.add(*(late(key) for key in "1234"))
    assert (only(inbox).taken, only(inbox).assignee) == (0, None)
    inbox.steps("1", "take")
    inbox.handle("2")
    group = only(inbox)
    assert (group.size, group.taken, group.assignee) == (3, 1, "李雷")
    inbox.steps("3", "take", by="韩梅梅")
    assert (only(inbox).taken, only(inbox).assignee) == (2, None)


def test_a_box_stands_for_a_page_of_its_group_at_most_and_for_what_is_chosen_already(
    inbox: Inbox,
) -> None:
    keys = [str(n) for n in range(PAGE_SIZE + 3)]
    inbox.add(*(late(key, opened_at=T0 - timedelta(minutes=int(key))) for key in keys))
    assert list(only(inbox).members) == [alert_id(key) for key in keys[:PAGE_SIZE]]
    # Of a step that was taken for two of the last ones, these stay chosen for the next step.
    inbox.steps(keys[-1], "take")
    chosen = frozenset(alert_id(key) for key in keys[-2:])
    assert only(inbox, chosen=chosen).members == {
        alert_id(keys[-2]): 1,
        alert_id(keys[-1]): 2,
    }


def test_filters_hold_for_groups_and_those_suppressed_are_set_apart(inbox: Inbox) -> None:
    inbox.add(late("1"), late("2"), late("3", suppressed_by="snooze"), late("4", severity="warn"))
    assert rows(inbox, Filter(severity="critical"))[0][1] == 2
    assert only(inbox, Filter(with_suppressed=True)).size == 4
    assert inbox.store.grouped(Filter())[0].suppressed == 1
    each = inbox.store.page(Filter(group="none", subject="shop1:b42", detector="D34"))
    assert (each.total, inbox.store.page(Filter(subject="shop1:b4")).total) == (3, 0)


def test_pages_of_groups_show_every_group_once_and_past_the_end_the_last(inbox: Inbox) -> None:
    buyers = [f"b{n}" for n in range(PAGE_SIZE + 5)]
    inbox.add(*(late(f"{buyer}-{n}", buyer=buyer) for buyer in buyers for n in range(2)))
    pages = [rows(inbox, Filter(page=number)) for number in (1, 2, 3)]
    assert [len(page) for page in pages] == [PAGE_SIZE, 5, 5]
    assert pages[1] == pages[2]
    assert len({lead for page in pages[:2] for lead, _ in page}) == len(buyers)
    assert inbox.store.grouped(Filter(page=9))[0].page == 2
    inbox.clock.forward(hours=1)
    assert rows(inbox, Filter(search="nobody")) == []


def test_groups_of_few_at_work_are_not_looked_for_among_all_that_ever_were(tmp_path: Path) -> None:
    for wanted in (Filter(), Filter(group="shop"), Filter(shop="shop1")):
        assert "ix_cases_state" in plan_of(tmp_path, causes_page(wanted, NOW, 1))
        key = ("shop1", "D34", "shop1:b42")[: 2 if wanted.group == "shop" else 3]
        members = plan_of(tmp_path, members_query(wanted, [key], NOW))
        assert "ix_alerts_shop_id_detector" not in members


def states(served: Served, *keys: str) -> list[str]:
    return [served.store.detail(alert_id(key)).row.case.state for key in keys]  # type: ignore[union-attr]


def test_a_group_is_taken_labelled_and_confirmed_with_one_box(served: Served, shift: Shift) -> None:
    served.add(*(late(key) for key in "123"), late("4", buyer="b7"))
    (name,) = shift.boxes()
    for what in ("take", "label.CONFIRMED_MALICIOUS", "confirm"):
        answer = shift.send(what, shift.boxes())
        assert (answer.status_code, "3条已完成" in answer.text) == (200, True)
        assert (name in answer.text) == (what != "confirm")
    assert states(served, *"1234") == [State.DONE] * 3 + [State.NEW]


def test_the_row_says_the_deadline_that_is_not_met(served: Served, shift: Shift) -> None:
    served.add(late("1", deadlines=due(1, "T03")), late("2", deadlines=due(5, "T03")))
    where, reach = f"/alerts/{alert_id('1')}", {"channel": "phone", "answered": "yes"}
    for step, given in (("take", {}), ("contact", reach)):
        hidden = re.findall(
            r'type="hidden" name="(\w+)" value="([^"]*)"', shift.http.get(where).text
        )
        assert shift.http.post(f"{where}/{step}", data={**dict(hidden), **given}).is_redirect
    said = re.findall(r'class="due[^"]*" datetime="([^"]*)"', shift.http.get("/").text)
    # Below it is what we promised ourselves of the other one: to look at it.
    assert said[0] == (NOW + timedelta(hours=5)).isoformat()


def test_the_row_says_that_some_are_back_as_the_row_of_one_does(
    served: Served, shift: Shift
) -> None:
    served.add(*(late(key, deadlines=[]) for key in "123"))
    where = f"/alerts/{alert_id('1')}"
    hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', shift.http.get(where).text)
    shift.http.post(f"{where}/snooze", data={**dict(hidden), "later": "1h"})
    assert "稍后提醒已到" not in shift.http.get("/").text
    served.clock.forward(hours=1)
    row = shift.http.get("/").text
    assert "× 3" in row and "稍后提醒已到 1/3 · 本机" in row
    assert "back from a snooze 1 of 3" in shift.http.get("/?lang=en").text


def test_what_arrives_after_the_page_is_not_chosen_with_its_group(
    served: Served, shift: Shift
) -> None:
    served.add(late("1"), late("2"))
    boxes = shift.boxes()
    served.add(late("3"))
    answer = shift.send("take", boxes)
    assert states(served, *"123") == [State.IN_PROGRESS, State.IN_PROGRESS, State.NEW]
    # The box still stands for the two, for the next step.
    (chosen,) = re.findall(r'name="group\.[^>]* value="([^"]*)"[^>]*checked', answer.text)
    assert {one.partition(".")[0] for one in chosen.split()} == {alert_id("1"), alert_id("2")}
    assert "勾选的是刚才的2条" in answer.text


def test_more_than_a_page_at_once_is_refused_before_anything_is_done(
    served: Served, shift: Shift
) -> None:
    served.add(*(late(f"{b}-{n}", buyer=b) for b in ("b1", "b2") for n in range(PAGE_SIZE - 1)))
    answer = shift.send("take", shift.boxes())
    assert (answer.status_code, "一次最多选50条预警" in answer.text) == (400, True)
    assert states(served, "b1-0", "b2-0") == [State.NEW, State.NEW]


def test_a_group_opens_to_its_alerts_and_leads_back(served: Served, shift: Shift) -> None:
    hostile = "b&<b>x</b>="
    served.add(*(late(key, buyer=hostile) for key in "12"), late("3"))
    page = shift.http.get("/?severity=critical").text
    (link,) = re.findall(r'class="title" href="(/\?[^"]*)"', page)
    opened = shift.http.get(unescape(link)).text
    assert {key for key in "123" if f"/alerts/{alert_id(key)}" in opened} == {"1", "2"}
    assert "<b>x</b>" not in opened
    (back,) = re.findall(r'<p class="only"><a href="([^"]*)"', opened)
    assert unescape(back) == "/?severity=critical"


@pytest.mark.parametrize("said", ["x", "../../etc.1", f"{alert_id('1')}", f"{alert_id('1')}.x"])
def test_a_box_that_no_list_sends_is_refused(served: Served, shift: Shift, said: str) -> None:
    served.add(late("1"), late("2"))
    assert shift.send("take", {"group.0": said}).status_code in (400, 409)
    assert states(served, "1") == [State.NEW]
