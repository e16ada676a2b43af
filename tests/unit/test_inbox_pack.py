"""The evidence pack and the police report: whole, checkable, neutral, and gone once an alert has fallen."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC
from html import unescape
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import httpx
import openpyxl
import pytest

from schemas.alerts import Alert, EvidenceFact, SuggestedAction, Text
from streams.detect import playbooks
from streams.inbox import evidence
from streams.inbox.pack import MANIFEST, packed
from streams.inbox.workflow import Channel, Label, StepRequest
from tests.factories import T0, alert_id, make_alert
from tests.inbox import Clock, Served
from tests.visiting import visiting

ONE = alert_id("1")
STEP = playbooks.police_report()
POLICE = SuggestedAction(code=STEP.code, text=Text(zh=STEP.zh, en=STEP.en))
REPORTS = ("police-report.html", "police-report.en.html")
# What a draft must call nobody.
ACCUSING = re.compile(
    r"骗子|歹徒|犯罪|罪犯|嫌疑人|恶意买家|诈骗犯|criminal|fraudster|thief", re.IGNORECASE
)


@pytest.fixture
def http(served: Served) -> Iterator[httpx.Client]:
    with visiting(served.url) as http:
        yield http


def pack(http: httpx.Client, one: str = ONE, language: str = "zh") -> dict[str, bytes]:
    answer = http.get(f"/alerts/{one}/evidence.zip", params={"lang": language})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    pattern = rf'attachment; filename="evidence-{one}-r\d+\.zip"'
    assert re.fullmatch(pattern, answer.headers["content-disposition"])
    with ZipFile(BytesIO(answer.content)) as zipped:
        return {name: zipped.read(name) for name in zipped.namelist()}


def label(served: Served, key: str, what: Label) -> None:
    for step, version, fields in (("take", 1, {}), ("label", 2, {"label": what})):
        wanted = StepRequest(alert_id(key), step, "李雷", f"{step}-it-{key}", version, **fields)  # type: ignore[arg-type]
        assert served.desk.perform(wanted).kind == "done"


def test_it_has_every_file_and_the_digest_of_each(served: Served, http: httpx.Client) -> None:
    served.add(make_alert(suggested_actions=[POLICE], severity="critical"))
    files = pack(http)
    assert list(files) == [
        MANIFEST, "evidence.html", f"alerts/{ONE}.json", "register.xlsx", *REPORTS,
    ]  # fmt: skip
    lines = files[MANIFEST].decode().splitlines()
    heads = [line for line in lines if line.startswith("#")]
    digests = dict(reversed(line.split("  ")) for line in lines if not line.startswith("#"))
    assert digests == {
        name: hashlib.sha256(body).hexdigest() for name, body in files.items() if name != MANIFEST
    }
    said = "\n".join(heads)
    for part in (ONE, "第1版", "2026.11.1", "2026-11-11T20:05:00+08:00"):
        assert part in said
    assert json.loads(files[f"alerts/{ONE}.json"])["data"]["alert_id"] == ONE
    register = openpyxl.load_workbook(BytesIO(files["register.xlsx"])).worksheets[0]
    assert [row[0].value for row in register.iter_rows(min_row=2)] == [
        f"shop1-b42-o{n}" for n in range(1, 7)
    ]


def test_the_same_state_at_the_same_time_gives_the_same_bytes(
    served: Served, http: httpx.Client
) -> None:
    served.add(make_alert(suggested_actions=[POLICE]))
    made = [http.get(f"/alerts/{ONE}/evidence.zip").content for _ in range(2)]
    assert made[0] == made[1]
    # A workbook says when it was made, by the clock of whoever writes it unless it is told.
    with ZipFile(BytesIO(made[0])) as zipped:
        book = openpyxl.load_workbook(BytesIO(zipped.read("register.xlsx")))
    assert book.properties.created.replace(tzinfo=UTC) == served.clock.at
    served.clock.forward(seconds=1)
    assert http.get(f"/alerts/{ONE}/evidence.zip").content != made[0]


def test_an_archive_takes_nothing_from_where_it_was_made() -> None:
    archive = packed({"a.html": b"x"}, ["one\r\n0000  a.html", "rtl \u202e"])
    with ZipFile(BytesIO(archive)) as zipped:
        places = {(entry.date_time, entry.create_system) for entry in zipped.infolist()}
        manifest = zipped.read(MANIFEST).decode()
    assert places == {((1980, 1, 1, 0, 0, 0), 3)}
    # A head is one line whatever is in it, so it can pass for no digest.
    assert manifest.splitlines()[0] == r"# one\r\n0000  a.html"
    assert "\u202e" not in manifest
    assert archive == packed({"a.html": b"x"}, ["one\r\n0000  a.html", "rtl \u202e"])


def test_hostile_text_is_text_and_names_no_file(served: Served, http: httpx.Client) -> None:
    for hostile in (
        '<script>alert(1)</script>"',
        "../../etc/x",
        "a\r\nX: y",
        "\u202e买家😀",
        "=1+1",
    ):
        served.add(
            make_alert(
                hostile,
                buyer=hostile,
                title=Text(zh=hostile, en=hostile),
                rule_version=hostile,
                severity="warn",
                suggested_actions=[POLICE],
                orders=1,
            )
        )
        files = pack(http, alert_id(hostile))
        assert all(re.fullmatch(r"[A-Za-z0-9./-]+", name) and ".." not in name for name in files)
        for name in ("evidence.html", *REPORTS):
            page = files[name].decode()
            assert "<script" not in page and "\u202e" not in page
            assert "default-src 'none'" in unescape(page)
        heads = [line for line in files[MANIFEST].decode().splitlines() if line.startswith("#")]
        assert len(heads) == 4


def report_of(http: httpx.Client, one: str = ONE) -> str:
    answer = http.get(f"/alerts/{one}/police-report")
    assert answer.status_code == 200
    assert f'filename="police-report-{one}-r1.html"' in answer.headers["content-disposition"]
    return unescape(answer.text)


def test_the_report_parts_what_is_on_record_from_what_a_person_says(
    served: Served, http: httpx.Client
) -> None:
    served.add(make_alert(suggested_actions=[POLICE], orders=2))
    called = {"channel": Channel.PHONE, "answered": False, "note": "韩梅梅说的话 13812345678"}
    for step, version, fields in (("take", 1, {}), ("contact", 2, called)):
        wanted = StepRequest(ONE, step, "李雷", f"{step}-it-1", version, **fields)  # type: ignore[arg-type]
        assert served.desk.perform(wanted).kind == "done"
    text = report_of(http)
    for part in (
        *(
            "草稿，没有提交给任何机构",
            "由店铺负责人核对事实后决定",
            "由报案人填写",
            "来自店铺的事件记录",
        ),
        *("b42", "shop1-b42-o1", "2026-11-11 19:58:00", "下单", "该买家此前有2笔已付款订单"),
        *("身份证号", "涉嫌事项", "按规则识别，待核实", "register.xlsx", "买家账号"),
    ):
        assert part in text
    # Nobody who works here, no note, and not the summary, which judges.
    for part in ("李雷", "韩梅梅", "13812345678", "请勿主动关闭订单"):
        assert part not in text
    assert not ACCUSING.search(text)
    reading = unescape(pack(http, language="zh")["police-report.en.html"].decode())
    assert "A draft; it was submitted nowhere." in reading and "由报案人填写" not in reading
    assert not ACCUSING.search(reading)


def test_a_notice_accuses_nobody(served: Served, http: httpx.Client) -> None:
    served.add(make_alert(detector="D07", severity="info", suggested_actions=[POLICE]))
    text = report_of(http)
    assert "不指控任何人" in text and "涉嫌" not in text
    grave = make_alert("2", severity="warn", suggested_actions=[POLICE])
    served.add(grave)
    assert "涉嫌" in report_of(http, grave.alert_id)
    assert "不指控任何人" not in report_of(http, grave.alert_id)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("zh", "索要钱款：第2句，第13至18字；以差评相威胁：第21至22字"),
        (
            "en",
            "money is demanded: sentence 2, characters 13–18; threat of a bad review: characters 21–22",
        ),
    ],
)
def test_who_has_the_chat_is_told_where_to_look_in_it(
    served: Served, http: httpx.Client, language: str, said: str
) -> None:
    # The second one was kept by a version that named no sentence.
    words = {"found": "demand.money@12-18/2 threat.bad_review@20-22"}
    fact = EvidenceFact(event_id="e1", kind="ChatSaid", at=T0, ref="e1", detail=words)
    evidence = make_alert().evidence.model_copy(update={"facts": [fact], "facts_total": 1})
    served.add(make_alert(detector="D04", evidence=evidence))
    assert said in unescape(pack(http, language=language)["evidence.html"].decode())
    assert said in unescape(http.get(f"/alerts/{ONE}", params={"lang": language}).text)


def test_codes_and_hashes_are_nothing_for_the_police(served: Served, http: httpx.Client) -> None:
    said = EvidenceFact(
        event_id="e1",
        kind="ChatSaid",
        at=T0,
        ref="e1",
        detail={
            "found": "demand.money@2-7",
            "lexicon": "2026",
            "amount_minor": 200_000,
            "phone": "h4sh",
        },
    )
    alert = make_alert(detector="D04", suggested_actions=[POLICE])
    facts = alert.evidence.model_copy(update={"facts": [said], "facts_total": 1})
    served.add(alert.model_copy(update={"evidence": facts}))
    text = report_of(http)
    assert "买家留言" in text and "金额: 2000.00" in text
    asked = said.model_copy(update={"kind": "RefundRequested", "detail": {"reason": "stockout"}})
    told = alert.evidence.model_copy(update={"facts": [asked], "facts_total": 1})
    second = make_alert("2", suggested_actions=[POLICE])
    served.add(second.model_copy(update={"evidence": told}))
    assert "理由: 缺货" in report_of(http, second.alert_id)
    for part in ("demand.money", "lexicon", "h4sh"):
        assert part not in text


WAYS = ["retracted", Label.FALSE_POSITIVE, Label.BUYER_PAID, Label.WITHDRAWN]


def fall(served: Served, way: str) -> None:
    if way == "retracted":
        served.add(make_alert(revision=2, change="retracted", status="retracted"))
    else:
        label(served, "1", Label(way))


@pytest.mark.parametrize("way", WAYS)
def test_of_what_does_not_hold_there_is_no_report_and_no_register(
    served: Served, http: httpx.Client, way: str
) -> None:
    served.add(make_alert(suggested_actions=[POLICE]))
    fall(served, way)
    files = pack(http)
    assert set(files) == {MANIFEST, "evidence.html", f"alerts/{ONE}.json"}
    assert "# 没有报案材料：" in files[MANIFEST].decode()
    assert "# 没有登记表：" in files[MANIFEST].decode()
    answer = http.get(f"/alerts/{ONE}/police-report", params={"lang": "zh"})
    assert answer.status_code == 404
    assert "没有报案材料" in answer.text
    assert "police-report" not in http.get(f"/alerts/{ONE}").text


@pytest.mark.parametrize("way", WAYS)
def test_nor_of_a_campaign_of_which_a_part_fell(
    served: Served, http: httpx.Client, way: str
) -> None:
    other = make_alert("2", buyer="b42", orders=1)
    groups = [ONE, other.alert_id]
    whole = make_alert("9", detector="D25", groups=groups, suggested_actions=[POLICE], orders=3)
    served.add(whole, make_alert(), other)
    files = pack(http, whole.alert_id)
    assert {*REPORTS, f"alerts/{ONE}.json", f"alerts/{other.alert_id}.json"} < set(files)
    fall(served, way)
    files = pack(http, whole.alert_id)
    assert not set(REPORTS) & set(files)
    # What still holds is registered by itself, and the campaign is not.
    register = openpyxl.load_workbook(BytesIO(files["register.xlsx"])).worksheets[0]
    found = {row[-1].value for row in register.iter_rows(min_row=2)}
    assert found == {other.alert_id}
    assert http.get(f"/alerts/{whole.alert_id}/police-report").status_code == 404


def test_a_step_leads_to_the_report_and_a_label_does_too(
    served: Served, http: httpx.Client
) -> None:
    served.add(make_alert(suggested_actions=[POLICE]), make_alert("2", buyer="b2"))
    link = '/police-report"'
    # Beside the step, and with the other downloads.
    assert http.get(f"/alerts/{ONE}").text.count(f"/alerts/{ONE}{link}") == 2
    two = alert_id("2")
    assert link not in http.get(f"/alerts/{two}").text
    assert http.get(f"/alerts/{two}/police-report").status_code == 404
    assert "# 没有报案材料：这条预警不建议报案" in pack(http, two)[MANIFEST].decode()
    label(served, "2", Label.CONFIRMED_MALICIOUS)
    assert http.get(f"/alerts/{two}").text.count(link) == 1
    report_of(http, two)


def hundreds(n: int) -> tuple[Alert, list[Alert]]:
    parts = [make_alert(f"p{i}", buyer="b42", orders=1) for i in range(n)]
    groups = [part.alert_id for part in parts]
    return make_alert("9", detector="D25", groups=groups, suggested_actions=[POLICE]), parts


def test_a_campaign_of_hundreds_is_cut_and_says_so(
    served: Served, http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, parts = hundreds(7)
    served.add(whole, *parts)
    monkeypatch.setattr(evidence, "MOST_PARTS", 5)
    files = pack(http, whole.alert_id)
    assert len([name for name in files if name.startswith("alerts/")]) == 1 + 5
    for name in ("evidence.html", "police-report.html"):
        assert "所含预警共7条，此处列出其中5条" in files[name].decode()
    notes = openpyxl.load_workbook(BytesIO(files["register.xlsx"])).worksheets[1]
    assert any("另有2条预警没有登记" in str(row[0].value) for row in notes.iter_rows())
    # One that is not shown counts all the same.
    label(served, "p6", Label.FALSE_POSITIVE)
    assert not set(REPORTS) & set(pack(http, whole.alert_id))


def test_they_need_a_session_and_answer_to_nothing_but_get(tmp_path: Path) -> None:
    with (
        Served(tmp_path, Clock(), token="a-long-secret-token") as served,
        visiting(served.url) as http,
    ):
        served.add(make_alert(suggested_actions=[POLICE]))
        for path in ("evidence", "evidence.zip", "police-report"):
            answer = http.get(f"/alerts/{ONE}/{path}")
            assert (answer.status_code, answer.headers["location"][:7]) == (303, "/login?")
            assert http.head(f"/alerts/{ONE}/{path}").status_code == 405
            bearer = {"authorization": "Bearer a-long-secret-token"}
            assert http.get(f"/alerts/{ONE}/{path}", headers=bearer).status_code == 200
            assert http.get(f"/alerts/none/{path}", headers=bearer).status_code == 404
            assert http.get(f"/alerts/%2e%2e%2fx/{path}", headers=bearer).status_code == 404
