"""The evidence of an alert as a file: complete, dated, honest about what speaks against it."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest

from schemas.alerts import SuggestedAction, Text
from streams.detect import playbooks
from streams.inbox.casebook import CaseRequest, OpenRequest
from streams.inbox.workflow import Channel, Label, StepRequest
from tests.factories import alert_id, make_alert
from tests.inbox import Clock, Served
from tests.visiting import visiting

ONE = alert_id("1")
COLLECT = SuggestedAction(
    code="A6_evidence_pack", text=Text(zh="整理举证材料", en="Prepare the evidence pack")
)
STEP = playbooks.complaint("异常拍下", "短时间大量拍下未付款")
FORM = SuggestedAction(code=STEP.code, text=Text(zh=STEP.zh, en=STEP.en), draft=STEP.draft)


class Tags(HTMLParser):
    """What a file would load from elsewhere, or run."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name for name, _ in attrs}
        if tag in ("script", "img", "link", "iframe", "form") or {"src", "href"} & names:
            self.found.append(tag)


def evidence(served: Served, one: str = ONE, language: str = "zh") -> str:
    with closing(visiting(served.url)) as http:
        answer = http.get(f"/alerts/{one}/evidence", params={"lang": language})
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith('attachment; filename="evidence-')
    return unescape(answer.text)


def take(served: Served, step: str, version: int, **fields: object) -> None:
    request = StepRequest(ONE, step, "李雷", f"{step}-{version}", version, **fields)  # type: ignore[arg-type]
    assert served.desk.perform(request).kind == "done"


def test_it_has_what_was_counted_what_speaks_against_it_and_what_was_done(served: Served) -> None:
    served.add(make_alert(suggested_actions=[COLLECT, FORM]))
    take(served, "take", 1)
    called = {"channel": Channel.PHONE, "answered": False, "note": "无人接听，13812345678"}
    take(served, "contact", 2, **called)
    text = evidence(served)
    for part in (
        # Each order and event, with its whole time by the clocks of the shop.
        *(f"shop1-b42-o{n}" for n in range(1, 7)),
        *(f"evt-shop1-b42-o{n}" for n in range(1, 7)),
        "2026-11-11 19:54:00",
        "Asia/Shanghai",
        "未付款订单",
        "≥ 5",
        "该买家此前有2笔已付款订单",
        "3分钟内付款",
        "系统自动关闭未付款订单",
        "2026-11-11 20:05:00 开始处理",
        "2026-11-11 20:05:00 拨打电话 · 联系不上 · 无人接听",
        "☐ 整理举证材料",
        "☐ 异常拍下: 联系买家的聊天记录",
        str(STEP.draft),
    ):
        assert part in text
    # A platform need not know who works here, nor anybody's phone.
    assert "李雷" not in text
    assert "13812345678" not in text
    assert "查看预警" not in text


def test_it_stands_alone_and_shows_hostile_text_as_text(served: Served) -> None:
    hostile = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    served.add(make_alert(title=Text(zh=hostile, en=hostile), buyer=hostile))
    with closing(visiting(served.url)) as http:
        page = http.get(f"/alerts/{ONE}/evidence").text
    assert Tags(page).found == []
    # Opened from a disk, it has no header that says so.
    assert "default-src 'none'" in unescape(page)
    assert hostile in unescape(page)


def test_in_english_only_the_form_is_chinese(served: Served) -> None:
    served.add(make_alert(suggested_actions=[COLLECT, FORM]))
    text = evidence(served, language="en")
    for part in ("Prepare the evidence pack", "What speaks for the buyer", "Unpaid orders"):
        assert part in text
    assert "有利于买家的事实" not in text
    assert str(STEP.draft) in text


WAYS = ["retracted", Label.FALSE_POSITIVE, Label.BUYER_PAID, Label.WITHDRAWN]


def fall(served: Served, way: str) -> None:
    """Let the first alert be taken back, or whoever handles it find that it is not so."""
    if way == "retracted":
        served.add(
            make_alert(revision=2, change="retracted", status="retracted", suggested_actions=[FORM])
        )
    else:
        take(served, "take", 1)
        take(served, "label", 2, label=Label(way))


@pytest.mark.parametrize("way", WAYS)
def test_what_does_not_hold_says_so_and_asks_for_nothing(served: Served, way: str) -> None:
    served.add(make_alert(suggested_actions=[COLLECT, FORM]))
    assert str(STEP.draft) in evidence(served)
    fall(served, way)
    text = evidence(served)
    assert "请勿据此投诉" in text
    assert str(STEP.draft) not in text
    assert "还需人工附上" not in text


@pytest.mark.parametrize("way", WAYS)
def test_a_campaign_of_which_a_part_fell_is_not_complained_about(served: Served, way: str) -> None:
    whole = make_alert("9", detector="D25", groups=[ONE], suggested_actions=[FORM])
    served.add(whole, make_alert())
    assert str(STEP.draft) in evidence(served, whole.alert_id)
    fall(served, way)
    text = evidence(served, whole.alert_id)
    assert "请勿合并投诉" in text
    assert str(STEP.draft) not in text


def test_the_number_of_orders_is_not_that_of_those_that_are_listed(served: Served) -> None:
    alert = make_alert()
    capped = alert.evidence.model_copy(update={"facts_total": 80, "facts_capped": True})
    served.add(alert.model_copy(update={"evidence": capped}))
    assert "订单可能不全：共80条事实，列出其中6条" in evidence(served)


def test_it_tells_of_people_and_not_of_the_console(served: Served) -> None:
    """What the platform answered is told too, whatever it was."""
    served.add(make_alert(), make_alert(revision=2, change="resolved", status="resolved"))
    assert "处理经过" not in evidence(served)
    case = served.casebook.open(
        OpenRequest("恶意敲诈", "shop1", "b42", "", "李雷", "begin-it", ONE)
    )
    for version, (step, proof) in enumerate(
        [("prove", "ids"), ("prove", "threat"), ("submit", None), ("reject", None)], start=1
    ):
        request = CaseRequest(case, step, "李雷", f"{step}-{version}-it", version, proof=proof)  # type: ignore[arg-type]
        assert served.casebook.perform(request).kind == "done"
    assert "恶意敲诈 · 不成立" in evidence(served)


def test_a_campaign_has_the_evidence_of_the_alerts_that_it_puts_together(served: Served) -> None:
    whole = make_alert("9", detector="D25", groups=[ONE, alert_id("gone")], orders=1)
    served.add(whole, make_alert(summary=Text(zh="第一条的事实", en="the first one's facts")))
    text = evidence(served, whole.alert_id)
    assert "第一条的事实" in text
    assert f"所含预警{alert_id('gone')}不在本系统内" in text


def test_a_proof_that_was_noted_is_ticked(served: Served) -> None:
    served.add(make_alert(suggested_actions=[FORM]))
    begin = OpenRequest("异常拍下", "shop1", "b42", "", "李雷", "begin-it", ONE)
    case = served.casebook.open(begin)
    note = CaseRequest(case, "prove", "李雷", "prove-it", 1, proof="contact_chat", note="网盘/7")
    assert served.casebook.perform(note).kind == "done"
    text = evidence(served)
    assert "☑ 异常拍下: 联系买家的聊天记录 (已备 2026-11-11 20:05:00, 网盘/7)" in text
    assert "☐ 异常拍下: 涉及的订单编号和买家账号" in text


def test_times_are_those_of_the_shop(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    shipped = files("streams.detect").joinpath("rules.yaml").read_text(encoding="utf-8")
    own = "shops: {shop1: {deadlines: {time_zone: Europe/Rome}}}\n"
    rules.write_text(shipped + own, encoding="utf-8")
    with Served(tmp_path, Clock(), rules_path=rules) as served:
        opened = make_alert(opened_at=Clock().at - timedelta(days=200))
        served.add(opened)
        text = evidence(served)
    # 12:05 UTC, in summer time there.
    assert "2026-04-25 14:05:00" in text
    assert "Europe/Rome" in text


def test_an_alert_that_is_not_there_has_none(served: Served) -> None:
    with closing(visiting(served.url)) as http:
        assert http.get(f"/alerts/{ONE}/evidence").status_code == 404
    with closing(visiting(served.url)) as http:
        served.add(make_alert(suggested_actions=[COLLECT]))
        assert http.get(f"/alerts/{ONE}").text.count(f'href="/alerts/{ONE}/evidence.zip"') == 2
