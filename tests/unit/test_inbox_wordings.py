"""What the inbox calls a detector and its numbers stands in the detector's own file, and nowhere else."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.alerts import Alert
from streams.detect import detectors
from streams.detect.detector import Detector, Wording, find_detectors
from streams.detect.episodes import MINOR_UNITS_OF
from streams.inbox.fact_words import NAMES
from streams.inbox.texts import TEXTS, Words
from streams.inbox.wordings import wordings
from tests.example_stories import events_of, ms, stories
from tests.inbox import NOW, Clock, Served, names_in
from tests.pipeline import Pipeline, build_engine, run
from tests.visiting import visiting

WORDS = """
    wording = Wording(
        title=("逐笔订单", "Every order"),
        thresholds={"orders": ("见到的订单", "Orders seen")},
        units={"glances": ("眼", "glances")},
        details={"weather": ("天气", "weather")},
    )
"""
EVERY_ORDER = """
from streams.detect import cases
from streams.detect.detector import Detector, Presentation, RuleBlock, Wording
from streams.detect.episodes import Threshold, Told, Verdict
from streams.detect.facts import OrderPlaced, Signal


class Rules(RuleBlock):
    pass


class Teller(Detector[Rules]):
    id = "D99"
    name = "every_order"
    subject = "buyer"
    triggers = (OrderPlaced,)
    topics = ("orders",)
    rules = Rules

    def evaluate(self, facts, horizon_ms, rules):
        told = [
            Signal(o.at_ms, o.event_id, f"seen/{o.ref}", "seen", 1, {"weather": "sunny"})
            for o in facts.of(OrderPlaced)
        ]
        return Verdict(signals=[Told("shop", "shop1", signal) for signal in told])


class EveryOrder(Detector[Rules]):
    id = "D99"
    name = "every_order"
    subject = "shop"
    triggers = (Signal,)
    topics = ("signals",)
    rules = Rules
    WORDS

    def evaluate(self, facts, horizon_ms, rules):
        seen = [signal for signal in facts.of(Signal) if signal.name == "seen"]
        threshold = Threshold("orders", 1, "glances", info=1)
        found = [cases.Case(s, "info", (s,), s.at_ms, {}, (threshold,)) for s in seen]
        return cases.verdict(self.id, found, horizon_ms, 86_400)

    def present(self, episode, subject, rules):
        text = ("有新订单", "An order came")
        return Presentation(title=text, summary=text, not_if=text, ended=text, steps=())


DETECTORS = (Teller(), EveryOrder())
"""


def add_detector(folder: Path, monkeypatch: pytest.MonkeyPatch, words: str) -> list[Alert]:
    """Put the file of a made-up D99 beside the others, and let it speak."""
    source = EVERY_ORDER.replace("    WORDS\n", words)
    (folder / "d99_every_order.py").write_text(source, encoding="utf-8")
    monkeypatch.setattr(detectors, "__path__", [*detectors.__path__, str(folder)])
    monkeypatch.delitem(sys.modules, f"{detectors.__name__}.d99_every_order", raising=False)
    wordings.cache_clear()
    engine = build_engine(D99={"source": "this test", "as_of": "2026-11-29"})
    pipeline = Pipeline(engine)
    pipeline.send(events_of([{"at": "0s", "orders.created": {"order_id": "o1", "units": 1}}]))
    pipeline.finish(ms(60))
    return pipeline.alerts


@pytest.fixture(autouse=True)
def _without_the_made_up_one_afterwards() -> Iterator[None]:
    yield
    sys.modules.pop(f"{detectors.__name__}.d99_every_order", None)
    wordings.cache_clear()


def is_named(pair: tuple[str, str] | None) -> bool:
    """Whether there is a name in both languages, and not the Chinese one for both."""
    return pair is not None and all(pair) and not re.search("[\u4e00-\u9fff]", pair[1])


def file_of(detector: Detector[Any]) -> str:
    return f"{type(detector).__module__.rpartition('.')[2]}.py"


def nameless(alerts: Iterable[Alert]) -> set[str]:
    """What pages would show as a code, with the file in which its name belongs."""
    files = {one.id: file_of(one) for one in find_detectors()}
    lacks = {(one, "title") for one in files if not is_named(_wording(one).title)}
    for alert in alerts:
        own, checks = _wording(alert.detector), alert.evidence.thresholds
        named = {
            "thresholds": {check.name: own.thresholds.get(check.name) for check in checks},
            "units": {
                c.unit: own.units.get(c.unit, TEXTS.get(f"unit.{c.unit}"))
                for c in checks
                # A currency has the same name in every language.
                if not c.unit.startswith(MINOR_UNITS_OF)
            },
            "details": {one: own.details.get(one, NAMES.get(one)) for one in _details(alert)},
        }
        for what, names in named.items():
            lacks |= {(alert.detector, f"{what}: {n}") for n in names if not is_named(names[n])}
    return {f"{files[detector]}: wording.{what}" for detector, what in lacks}


def _wording(detector: str) -> Wording:
    return wordings().get(detector, Detector.wording)


def _details(alert: Alert) -> set[str]:
    told = {name for fact in alert.evidence.facts for name in fact.detail}
    # The items of an order are numbered.
    return {name.removesuffix("_ms") for name in told if not re.fullmatch(r"(item|units)\d", name)}


def example_alerts() -> Iterator[Alert]:
    for story in stories():
        yield from run(story.events, story.horizon_ms).alerts


def test_every_detector_names_itself_and_whatever_its_examples_lead_to() -> None:
    alerts = list(example_alerts())
    assert len({(a.detector, t.name) for a in alerts for t in a.evidence.thresholds}) > 60
    assert nameless(alerts) == set()


def test_a_detector_in_one_file_shows_with_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Served(tmp_path, Clock()) as served, visiting(served.url) as http:
        (alert,) = add_detector(tmp_path, monkeypatch, WORDS)
        served.add(alert)
        detail = f"/alerts/{alert.alert_id}"
        for language, which in (("zh", 0), ("en", 1)):
            said = [pair[which] for pair in names_in(wordings()["D99"])]
            for path, expected in (("/", said[:1]), (detail, said), (f"{detail}/evidence", said)):
                page = http.get(path, params={"lang": language}).raise_for_status().text
                assert [word for word in expected if word not in page] == []
            choice = {"zh": "逐笔订单 D99", "en": "Every order D99"}[language]
            assert f">{choice}</option>" in http.get("/", params={"lang": language}).text
    assert nameless([alert]) == set()


def test_the_file_of_a_detector_that_lacks_words_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert nameless(add_detector(tmp_path, monkeypatch, "")) == {
        "d99_every_order.py: wording.title",
        "d99_every_order.py: wording.thresholds: orders",
        "d99_every_order.py: wording.units: glances",
        "d99_every_order.py: wording.details: weather",
    }


def test_a_chinese_name_does_not_do_for_both_languages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = WORDS.replace('"Every order"', '"逐笔订单"')
    assert nameless(add_detector(tmp_path, monkeypatch, words)) == {
        "d99_every_order.py: wording.title"
    }


def test_of_a_detector_that_is_unknown_here_codes_are_shown() -> None:
    words = Words("en", NOW)
    assert words.detector("D98") == "D98"
    assert words.threshold("D98", "orders") == "orders"
    assert words.measure("D98", 3, "glances") == ("3", "glances")
    assert list(words.said({"weather": "sunny", "buyer": "b1"}, "D98")) == [
        ("weather", "sunny"),
        ("buyer", "b1"),
    ]


@pytest.mark.parametrize(
    ("value", "unit", "zh", "en"),
    [
        (100000, "minor units of CNY", ("1000.00", "CNY"), ("1000.00", "CNY")),
        (100000, "minor units of JPY", ("100000", "JPY"), ("100000", "JPY")),
        (45, "s", ("45", "秒"), ("45", "s")),
        (1800, "s", ("30分钟", ""), ("30 min", "")),
        (93780, "s", ("1天2小时", ""), ("1 d 2 h", "")),
    ],
)
def test_money_and_time_that_were_compared_are_said_as_people_say_them(
    value: int, unit: str, zh: tuple[str, str], en: tuple[str, str]
) -> None:
    assert Words("zh", NOW).measure("D07", value, unit) == zh
    assert Words("en", NOW).measure("D07", value, unit) == en


def test_names_of_one_detector_are_not_those_of_another() -> None:
    words = Words("zh", NOW)
    assert words.detector("D01") == "恶拍"
    assert words.threshold("D10", "claims") == "索赔(同一包裹算一次)"
    assert words.threshold("D01", "claims") == "claims"
    assert words.measure("D25", 3, "acts") == ("3", "种")
    assert words.measure("D01", 3, "acts") == ("3", "acts")
    assert list(words.said({"banned": "b7"}, "D35")) == [("禁购", "b7")]
    assert list(words.said({"banned": "b7"}, "D01")) == [("banned", "b7")]


@pytest.mark.parametrize("detector", sorted({d.id for d in find_detectors()}))
def test_no_word_is_left_that_nothing_says(detector: str) -> None:
    (path,) = Path(detectors.__path__[0]).glob(f"{detector.lower()}_*.py")
    own = wordings()[detector]
    said = {name.removesuffix("_ms") for name in _strings(ast.parse(path.read_text("utf-8")))}
    assert {*own.thresholds, *own.units, *own.details} - said == set()
    # What the inbox names for all detectors needs no name here.
    assert not {f"unit.{unit}" for unit in own.units} & TEXTS.keys()
    assert not own.details.keys() & NAMES.keys()


def _strings(tree: ast.AST) -> Iterator[str]:
    """All strings of a file but those of its wording."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        is_wording = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "wording"
        if not is_wording:
            yield from _strings(node)
