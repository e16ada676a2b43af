"""The register as a workbook: what is in it, what is not, and what a spreadsheet must not make of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import httpx
import openpyxl
import pytest
from openpyxl.cell.cell import Cell

from schemas.alerts import Alert, EvidenceFact, HeldUnits, Subject
from streams.inbox import register, register_web, sheets
from streams.inbox.register import lines_of
from streams.inbox.workflow import Label, StepRequest
from tests.factories import alert_id, make_alert
from tests.inbox import Clock, Served
from tests.visiting import visiting

LONG = "3201987654321000019"


@pytest.fixture
def http(served: Served) -> Iterator[httpx.Client]:
    with visiting(served.url) as http:
        yield http


def fact(kind: str, ref: str, **detail: Any) -> EvidenceFact:
    return EvidenceFact(
        event_id=f"evt-{ref}"[:128],
        kind=kind,
        at=datetime(2026, 11, 11, 16, 30, tzinfo=UTC),
        ref=ref,
        detail=detail,
    )


def with_facts(key: str, *facts: EvidenceFact, **overrides: Any) -> Alert:
    alert = make_alert(key, orders=0, **overrides)
    evidence = alert.evidence.model_copy(update={"facts": list(facts), "facts_total": len(facts)})
    return alert.model_copy(update={"evidence": evidence})


def sheets_of(body: bytes) -> tuple[list[Sequence[Cell]], list[str]]:
    """The rows of the register with its head, and the notes."""
    lines, notes = openpyxl.load_workbook(BytesIO(body)).worksheets
    return list(lines.iter_rows()), [str(row[0].value) for row in notes.iter_rows()]


def exported(http: httpx.Client, query: str = "", path: str = "/register.xlsx") -> bytes:
    answer = http.get(path + query)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == sheets.XLSX
    pattern = r'attachment; filename="register-\d{8}-\d{4}\.xlsx"'
    assert re.fullmatch(pattern, answer.headers["content-disposition"])
    return answer.content


def values(row: Sequence[Cell]) -> list[Any]:
    return [str(cell.value) if cell.is_date else cell.value for cell in row]


def test_each_order_is_a_line_order_and_account_first(served: Served, http: httpx.Client) -> None:
    large = fact("LargeOrder", LONG, amount_minor=1_234_550, currency="CNY", units=30)
    paid = fact("OrderPaid", "pay-1", order_id=LONG)
    served.add(make_alert(orders=2), with_facts("2", large, paid, detector="D07", buyer="b7"))
    rows, notes = sheets_of(exported(http, "?lang=zh"))
    assert values(rows[0])[:4] == ["订单编号", "旺旺账号", "店铺", "最早记录时间"]
    found = {row[0].value: values(row) for row in rows[1:]}
    assert set(found) == {"shop1-b42-o1", "shop1-b42-o2", LONG}
    assert found["shop1-b42-o1"][1:5] == ["b42", "shop1", "2026-11-11 19:58:00", 3]
    assert found[LONG][1:9] == [
        *("b7", "shop1", "2026-11-12 00:30:00", 30, 12345.5, "CNY"),
        *("大额订单、付款成功", "D07 短时间大量拍下未付款"),
    ]
    assert found[LONG][-2:] == ["Asia/Shanghai", alert_id("2")]
    assert "共3行，来自2条预警。" in notes


def test_in_english_the_words_are_english(served: Served, http: httpx.Client) -> None:
    served.add(make_alert(orders=1))
    rows, notes = sheets_of(exported(http, "?lang=en"))
    assert values(rows[0])[:2] == ["Order id", "Buyer account"]
    assert "Order placed" in values(rows[1])
    assert not re.search("[一-鿿]", " ".join([*map(str, values(rows[0])), *notes]))


def test_ids_are_text_and_nothing_becomes_a_formula(served: Served, http: httpx.Client) -> None:
    hostile = ["=1+1", "+1", "-1", "@SUM(A1)", '=cmd|"/c calc"!A1', "../../x", "a\r\nb", LONG, "00"]
    hostile += [
        "http://127.0.0.1/x",
        "1e5",
        "2026-01-01",
        "_x0041_",
        "买家😀",
        "\u202eevil",
        "x" * 128,
    ]
    served.add(*(with_facts(f"{n}", fact("OrderPlaced", ref, units=1), buyer=ref)
                 for n, ref in enumerate(hostile)))  # fmt: skip
    body = exported(http)
    rows, _ = sheets_of(body)
    cells = [cell for row in rows[1:] for cell in row[:2]]
    assert {cell.data_type for cell in cells} == {"s"}
    assert {cell.number_format for cell in cells} == {"@"}
    shown = {"a\r\nb": r"a\r\nb", "\u202eevil": r"\u202eevil"}
    assert {cell.value for cell in cells} == {shown.get(one, one) for one in hostile}
    with ZipFile(BytesIO(body)) as book:
        texts = b"".join(book.read(name) for name in book.namelist())
    assert b"<f>" not in texts and b"hyperlink" not in texts
    assert not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]", texts)
    assert "\u202e".encode() not in texts


def test_a_number_that_no_sheet_can_hold_is_text(served: Served, http: httpx.Client) -> None:
    odd = [10**400, 10**15, 10**15 - 1, True]
    served.add(*(with_facts(f"{n}", fact("LargeOrder", f"o{n}", units=units, amount_minor=units))
                 for n, units in enumerate(odd)))  # fmt: skip
    rows, _ = sheets_of(exported(http))
    found = {row[0].value: (row[4].value, row[4].data_type) for row in rows[1:]}
    assert found == {
        "o0": (str(10**400), "s"),
        "o1": (str(10**15), "s"),
        "o2": (10**15 - 1, "n"),
        "o3": (None, "n"),
    }


def test_who_is_accused_no_longer_is_not_registered(served: Served, http: httpx.Client) -> None:
    served.add(*(make_alert(key, buyer=f"b{key}", orders=1) for key in "123"))
    # Somebody is on it, so it stays on the list.
    taken = StepRequest(alert_id("2"), "take", "李雷", "take-two", 1)
    assert served.desk.perform(taken).kind == "done"
    served.add(make_alert("2", buyer="b2", revision=2, change="retracted", status="retracted"))
    for step, version, label in (("take", 1, None), ("label", 2, Label.FALSE_POSITIVE)):
        wanted = StepRequest(alert_id("3"), step, "李雷", f"{step}-three", version, label=label)  # type: ignore[arg-type]
        assert served.desk.perform(wanted).kind == "done"
    # A listing has neither an order nor a buyer.
    item = Subject(kind="item", id="shop1:item1")
    served.add(make_alert("4", detector="D26", subject=item, orders=0))
    rows, notes = sheets_of(exported(http, "?lang=zh"))
    assert [row[1].value for row in rows[1:]] == ["b1"]
    assert any(note.startswith("2条预警已撤回或已标记为误报") for note in notes)
    assert "1条预警不涉及订单和买家，没有登记。" in notes


def test_it_follows_the_filters_and_the_tab(served: Served, http: httpx.Client) -> None:
    served.add(make_alert("1", orders=1), make_alert("2", buyer="b2", shop="shop2", orders=1))
    rows, _ = sheets_of(exported(http, "?shop=shop2&page=7"))
    assert [row[2].value for row in rows[1:]] == ["shop2"]
    rows, _ = sheets_of(exported(http, path="/complaints/register.xlsx"))
    assert len(rows) == 1


def test_times_are_those_of_each_shop(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    shipped = files("streams.detect").joinpath("rules.yaml").read_text(encoding="utf-8")
    own = "shops: {rome: {deadlines: {time_zone: Europe/Rome}}}\n"
    rules.write_text(shipped + own, encoding="utf-8")
    with (
        Served(tmp_path, Clock(), rules_path=rules) as served,
        visiting(served.url) as http,
    ):
        served.add(make_alert("1", orders=1), make_alert("2", shop="rome", orders=1))
        rows, _ = sheets_of(exported(http))
    times = {row[-2].value: str(row[3].value) for row in rows[1:]}
    assert times == {
        "Asia/Shanghai": "2026-11-11 19:59:00",
        "Europe/Rome": "2026-11-11 12:59:00",
    }
    assert {row[3].is_date for row in rows[1:]} == {True}


def test_both_limits_are_said_before_and_in_the_file(
    served: Served, http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.add(*(make_alert(str(n), buyer=f"b{n}", orders=2) for n in range(5)))
    assert "导出登记表（xlsx）" in http.get("/?lang=zh").text
    monkeypatch.setattr(register_web, "MOST_ALERTS", 3)
    monkeypatch.setattr("streams.inbox.list_web.MOST_ALERTS", 3)
    assert "导出登记表（xlsx，前3条）" in http.get("/?lang=zh").text
    # There are no pages of it, so the second of a list is no other register.
    rows, notes = sheets_of(exported(http, "?lang=zh&page=2"))
    assert [row[0].value for row in rows][-2:] == [None, "未列出全部，见「说明」。"]
    assert len([row for row in rows if row[1].value]) == 1 + 6
    assert any("另有2条预警没有登记" in note for note in notes)
    monkeypatch.setattr(register_web, "MOST_ALERTS", 1000)
    monkeypatch.setattr(register, "MOST_LINES", 4)
    rows, notes = sheets_of(exported(http, "?lang=zh"))
    assert len([row for row in rows if row[1].value]) == 1 + 4
    assert any("行数达到上限4行" in note for note in notes)
    assert rows[-1][0].value == "未列出全部，见「说明」。"


def chosen(http: httpx.Client, *keys: str, **fields: str) -> httpx.Response:
    page = http.get("/?lang=zh").text
    token, request_id = (
        re.findall(rf'name="{name}" value="([^"]+)"', page)[0] for name in ("token", "request_id")
    )
    form = {"token": token, "request_id": request_id, "do": ""} | fields
    return http.post(
        "/register.xlsx",
        data=form | {f"alert.{alert_id(key)}": "1" for key in keys},
        headers={"origin": str(http.base_url).rstrip("/")},
    )


def test_those_that_are_chosen_are_registered_and_nothing_is_changed(
    served: Served, http: httpx.Client
) -> None:
    served.add(*(make_alert(key, buyer=f"b{key}", orders=1) for key in "123"))
    before = served.store.version()
    answer = chosen(http, "3", "1", "none-such")
    assert answer.status_code == 200
    rows, _ = sheets_of(answer.content)
    assert [row[1].value for row in rows[1:]] == ["b3", "b1"]
    assert served.store.version() == before
    assert chosen(http).status_code == 400
    assert chosen(http, "1", token="forged").status_code == 403
    many = {f"alert.{n}": "1" for n in range(51)}
    assert chosen(http, "1", **many).status_code == 400


def test_it_needs_a_session_and_answers_to_nothing_but_get(tmp_path: Path) -> None:
    with (
        Served(tmp_path, Clock(), token="a-long-secret-token") as served,
        visiting(served.url) as http,
    ):
        served.add(make_alert())
        for path in ("/register.xlsx", "/complaints/register.xlsx"):
            answer = http.get(path)
            assert (answer.status_code, answer.headers["location"][:7]) == (303, "/login?")
        posted = http.post("/register.xlsx", data={f"alert.{alert_id('1')}": "1"})
        assert posted.status_code == 401
        assert 'name="next" value="/"' in posted.text
        assert http.head("/register.xlsx").status_code == 405


def test_an_account_without_orders_is_a_line_and_what_others_hold_is_none() -> None:
    said = fact("ChatSaid", "e1", amount_minor=100_000, found="demand.money@2-7")
    (line,) = lines_of(with_facts("1", said, detector="D04"))
    # What was demanded is no price.
    assert (line.order, line.account, line.amount) == ("", "b42", None)
    holds = [HeldUnits(item_id="i", order_id=f"o{n}", units=n, state="held") for n in (1, 2)]
    bought = with_facts("1", fact("OrderPlaced", "o1", units=9), held_units=holds)
    assert [(line.order, line.units) for line in lines_of(bought)] == [("o1", 1), ("o2", 2)]
    item = Subject(kind="item", id="shop1:item1")
    assert lines_of(make_alert(detector="D02", subject=item, orders=0, held_units=holds)) == []


def test_the_accounts_of_a_ring_are_those_of_its_signals() -> None:
    told = [
        fact("Signal", f"linked_order/x/{buyer}/{order}", buyer=buyer, order=order, units=2)
        for buyer, order in (("acct1", "o1"), ("acct2", "o2"))
    ]
    ring = with_facts("1", *told, detector="D03", subject=Subject(kind="shop", id="shop1"))
    assert [(line.order, line.account, line.units) for line in lines_of(ring)] == [
        ("o1", "acct1", 2),
        ("o2", "acct2", 2),
    ]


@pytest.mark.parametrize(
    ("currency", "minor", "amount"),
    [("CNY", 1050, "10.50"), ("JPY", 1050, "1050"), ("KWD", 1050, "1.050"), ("CNY", 0, None)],
)
def test_an_amount_is_told_in_whole_units(currency: str, minor: int, amount: str | None) -> None:
    found = register.money({"amount_minor": minor, "currency": currency})
    assert (found and str(found[0])) == amount
