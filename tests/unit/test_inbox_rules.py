"""The page of the rules: all of them in words, what a shop overrides, and nothing that stands for people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from html import unescape
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, StringConstraints

from streams.detect.deadlines import Deadlines
from streams.detect.detector import RuleBlock, Wording, find_detectors
from streams.inbox.rule_words import NAMES, name_of, value_of
from streams.inbox.rules_page import Hidden, _lines, deadlines_of, detectors_of
from streams.inbox.wordings import wording_of
from streams.rules import load_rules
from tests.factories import make_alert
from tests.inbox import Clock, Served
from tests.unit.test_inbox_web import ONE, Operator

IDENTITY = "phone:0123456789abcdef0123456789abcdef"
SHOP = f"""
shops:
  shop1:
    shop_type: tmall
    D01: {{warn_orders: 8}}
    D03: {{hubs: ["{IDENTITY}"]}}
    D35: {{identities: ["{IDENTITY}", "{IDENTITY}0"]}}
    deadlines:
      T02: {{limit_s: 86400, target_s: 43200}}
      time_zone: Asia/Tokyo
"""
OWN_VERSION = "2031-07-09"


@pytest.fixture
def rules_path(tmp_path: Path) -> Path:
    shipped = files("streams.detect").joinpath("rules.yaml").read_text(encoding="utf-8")
    folder = tmp_path / "secret-folder"
    folder.mkdir()
    path = folder / "our-rules.yaml"
    path.write_text(shipped.replace('"2026-11-22"', f'"{OWN_VERSION}"') + SHOP, encoding="utf-8")
    return path


@pytest.fixture
def served(tmp_path: Path, rules_path: Path) -> Iterator[Served]:
    with Served(tmp_path, Clock(), rules_path=rules_path) as served:
        yield served


@pytest.fixture
def operator(served: Served) -> Iterator[Operator]:
    operator = Operator(served)
    with closing(operator.http):
        yield operator


def section(page: str, code: str) -> str:
    return page.partition(f'id="{code}"')[2].partition("</section>")[0]


def words_of(part: str) -> str:
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", part)))


def fields() -> list[tuple[str, str]]:
    """All numbers of all blocks, by the code of the block."""
    rules = load_rules(None, find_detectors())
    blocks = [*detectors_of(rules, ""), *deadlines_of(rules, "")]
    return [(block.code, line.field) for block in blocks for line in block.lines]


def test_every_number_has_a_name_in_both_languages() -> None:
    files_of = {one.id: type(one).__module__.rpartition(".")[2] for one in find_detectors()}
    lacks = set()
    for code, field in fields():
        zh, en = name_of(field, wording_of(code)) or ("", "")
        if not zh or not en or re.search("[\u4e00-\u9fff]", en):
            lacks.add(f"{files_of.get(code, 'rule_words')}: {field}")
    assert len(fields()) > 150
    assert lacks == set()


def test_no_name_of_a_number_is_left_over() -> None:
    own = {one.id: set(one.rules.model_fields) for one in find_detectors()}
    for code, known in own.items():
        assert wording_of(code).rules.keys() - known == set(), code
    shared = [field for code, field in fields() if field not in wording_of(code).rules]
    assert NAMES.keys() - {*shared, "time_zone"} == set()


def test_a_detector_names_its_own_numbers_first_then_by_what_it_counts() -> None:
    own = Wording(
        title=("", ""),
        thresholds={"glances": ("眼", "Glances"), "held": ("占用", "Held")},
        rules={"warn_glances": ("先看", "Look first")},
    )
    assert name_of("warn_glances", own) == ("先看", "Look first")
    assert name_of("critical_glances", own) == ("紧急：眼", "Critical at: glances")
    assert name_of("held_s", own) == name_of("held_percent", own) == ("占用", "Held")
    assert name_of("window_s", own) == NAMES["window_s"]
    assert name_of("weather", own) is None


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("window_s", 1800, ("30分钟", "30 minutes")),
        ("window_s", 90, ("90秒", "90 seconds")),
        ("grace_s", 0, ("0天", "0 days")),
        ("share_percent", 80, ("80%", "80 %")),
        ("min_units", 1, ("1件", "1 unit")),
        ("remind_before_days", (7, 1), ("7, 1天", "7, 1 days")),
        ("reasons", ("quality", "allergy"), ("quality, allergy", "quality, allergy")),
        ("not_overseas", (), ("–", "–")),
        (
            "acts",
            {"unpaid": ["D01"], "bait": ["D13", "D17"]},
            ("unpaid: D01 · bait: D13, D17",) * 2,
        ),
        ("countries", ["IT"], ("IT", "IT")),
    ],
)
def test_a_value_is_said_with_its_unit(field: str, value: object, said: tuple[str, str]) -> None:
    assert value_of(field, value) == said


def test_an_amount_is_said_in_whole_units_of_the_currency_of_its_block() -> None:
    assert value_of("min_amount_minor", 100000, "CNY") == ("1000.00 CNY",) * 2
    assert value_of("min_amount_minor", 100000, "JPY") == ("100000 JPY",) * 2
    blocks = {block.code: block for block in detectors_of(load_rules(None, find_detectors()), "")}
    assert (blocks["D07"].currency, blocks["D01"].currency) == ("CNY", "")


def test_a_list_of_free_text_is_only_counted() -> None:
    class Lists(BaseModel):
        free: list[str]
        nested: dict[str, list[int]]
        either: list[str] | None
        closed: tuple[Literal["a", "b"], ...]
        names: list[Annotated[str, StringConstraints(pattern="^[A-Z]+$")]]

    lists = Lists(free=["x"], nested={"x": [1]}, either=["x", "y"], closed=("a",), names=["IT"])
    shown = {line.field: line.value for line in _lines(lists, lists, list(Lists.model_fields))}
    assert shown == {
        "free": Hidden(1),
        "nested": Hidden(1),
        "either": Hidden(2),
        "closed": ("a",),
        "names": ["IT"],
    }


def test_every_block_is_there_with_its_source_and_date(served: Served, operator: Operator) -> None:
    page = operator.http.get("/rules").text
    blocks = {code: rule.block for code, rule in served.rules.of("").items()}
    deadlines = served.rules.deadlines("")
    blocks |= {code: value for code, value in deadlines if isinstance(value, RuleBlock)}
    assert len(blocks) == len({one.id for one in find_detectors()}) + 12
    for code, block in blocks.items():
        part = words_of(section(page, code))
        assert block.source in part and block.as_of in part, code
    for code, rule in served.rules.of("").items():
        assert rule.version in section(page, code)


def test_a_number_of_the_shop_stands_beside_the_default(operator: Operator) -> None:
    general, own = (operator.http.get("/rules" + query).text for query in ("", "?shop=shop1"))
    assert "本店设置" not in general
    assert "警告：未付款订单 8笔 本店设置 默认5笔 warn_orders" in words_of(section(own, "D01"))
    assert "发货期限 1天 本店设置 默认2天 limit_s" in words_of(section(own, "T02"))
    assert own.count('<tr class="own">') == 5
    assert "时区 Asia/Tokyo 本店设置 默认Asia/Shanghai" in words_of(own)
    assert "天猫" in own and "天猫" not in general
    assert "没有单独设置，使用下面的规则" in operator.http.get("/rules?shop=shop9").text


def test_identities_are_counted_and_shown_to_nobody(operator: Operator) -> None:
    page = operator.http.get("/rules?shop=shop1").text
    assert IDENTITY not in page and "0123456789abcdef" not in page
    assert "2项（不显示） 本店设置 默认0项（不显示）" in words_of(section(page, "D35"))


def test_the_page_says_which_file_and_when_and_not_where(
    served: Served, operator: Operator, rules_path: Path
) -> None:
    served.clock.forward(hours=2)
    page = operator.http.get("/rules").text
    for part in ("our-rules.yaml", f"版本 {OWN_VERSION}", "读入于20:05", "ORDERWATCH_DETECTORS"):
        assert part in page
    assert "secret-folder" not in page and str(rules_path) not in page


def test_the_page_goes_with_the_file_and_says_when_that_cannot_be_used(
    served: Served, operator: Operator, rules_path: Path
) -> None:
    shown = rules_path.read_text(encoding="utf-8")
    served.clock.forward(hours=2)
    for text, is_refused, read in (
        (shown + "x: 1\n", True, "20:05"),
        (shown + "\n", False, "22:05"),
    ):
        rules_path.write_text(text, encoding="utf-8")
        served.rules_file.look()
        served.rules_file.look()
        page = operator.http.get("/rules").text
        assert ("仍按下面的规则进行" in page) is is_refused
        assert f"读入于{read}" in page


def test_whom_a_shop_allows_is_counted_and_not_named(
    served: Served, operator: Operator, rules_path: Path
) -> None:
    shown = rules_path.read_text(encoding="utf-8")
    allow = "allow: [{buyer: w7, detectors: [D01], why: pays by transfer}]"
    rules_path.write_text(shown.replace("  shop1:\n", f"  shop1:\n    {allow}\n"), encoding="utf-8")
    served.rules_file.look()
    served.rules_file.look()
    page = operator.http.get("/rules?shop=shop1").text
    assert "allow 名单：1项（不显示）" in section(page, "D01")
    assert "allow 名单" not in section(page, "D08")
    assert "w7" not in page and "pays by transfer" not in page


def test_without_a_file_the_page_says_so(tmp_path: Path) -> None:
    with Served(tmp_path, Clock()) as served, closing(Operator(served).http) as http:
        assert "随软件提供的规则" in http.get("/rules").text


def test_an_alert_leads_to_its_rules_and_says_when_it_was_judged_by_others(
    served: Served, operator: Operator
) -> None:
    served.add(make_alert())
    page = operator.http.get(ONE).text
    now = served.rules.of("shop1")["D01"].version
    assert 'href="/rules?shop=shop1#D01"' in page
    assert f"与规则页不同：{now}" in page
    served.add(make_alert(revision=2, change="updated", rule_version=now))
    assert "与规则页不同" not in operator.http.get(ONE).text


def test_an_alert_of_a_detector_that_is_unknown_here_leads_to_no_rules(
    served: Served, operator: Operator
) -> None:
    served.add(make_alert(detector="D98"))
    page = operator.http.get(ONE).text
    assert "#D98" not in page and "与规则页不同" not in page


def test_the_rules_need_no_database_and_can_only_be_read(
    served: Served, operator: Operator
) -> None:
    with served.engine.begin() as connection:
        for table in ("revisions", "audit", "contacts", "alert_references", "cases", "alerts"):
            connection.exec_driver_sql(f"DROP TABLE {table}")
    answer = operator.http.get("/rules")
    assert (answer.status_code, "our-rules.yaml" in answer.text) == (200, True)
    assert set(operator.forms("/rules").methods.values()) == {"get"}
    assert operator.http.post("/rules").status_code == 405


def test_a_shop_from_the_address_is_text(operator: Operator) -> None:
    answer = operator.http.get("/rules", params={"shop": "<b>\u202e{x}" + "y" * 5000})
    page = answer.text.partition("<main ")[2]
    assert "<b>\u202e" not in page
    assert "店铺&lt;b&gt;\\u202e{x}y" in page
    assert "y" * 65 not in page


def test_the_deadlines_of_a_block_are_led_to_and_not_repeated(operator: Operator) -> None:
    part = section(operator.http.get("/rules").text, "D07")
    assert 'href="#T02"' in part
    assert "limit_s" not in part
    assert {"T02"} <= Deadlines.model_fields.keys()
