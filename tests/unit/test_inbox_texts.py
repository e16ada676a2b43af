"""Every fact and kind of subject has a name in both languages; no page shows a code instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from schemas.alerts import Alert, Scalar
from streams.detect.alerts import NOT_SAID
from streams.detect.facts import AnyFact
from streams.inbox.fact_words import NAMES, SIGNALS
from streams.inbox.texts import TEXTS, Words
from tests.example_stories import stories
from tests.inbox import NOW
from tests.pipeline import run


def unnamed(kind: str, codes: set[str]) -> set[str]:
    """The codes without a name, or with an empty one, or with a Chinese name for both languages."""
    return {
        code
        for code in codes
        if not all(TEXTS.get(f"{kind}.{code}", ("", "")))
        or any("\u4e00" <= c <= "\u9fff" for c in TEXTS[f"{kind}.{code}"][1])
    }


def example_alerts() -> Iterator[Alert]:
    for story in stories():
        yield from run(story.events, story.horizon_ms).alerts


def test_every_fact_has_a_name() -> None:
    assert unnamed("fact", {one.__name__ for one in get_args(AnyFact)}) == set()


def test_whatever_the_examples_lead_to_has_names() -> None:
    facts, kinds = set(), set()
    for alert in example_alerts():
        kinds.add(alert.subject.kind)
        facts |= {fact.kind for fact in alert.evidence.facts}
    assert len(facts) > 20
    assert unnamed("fact", facts) == set()
    assert unnamed("kind", {str(kind) for kind in kinds}) == set()


def test_a_fact_says_its_times_by_the_clock_of_the_page_and_leaves_out_what_it_does_not_know() -> (
    None
):
    detail: dict[str, Scalar] = {
        "ship_by": "2026-11-13T12:00:00.642000+00:00",
        "paid_ms": 1794400800000,
        "withdrawn_ms": 0,
        "free_shipping": False,
        "units": 0,
        "expected_g": -1,
        "amount_minor": 0,
        "phone": "",
    }
    assert list(Words("zh", NOW).said(detail)) == [
        ("承诺发货", "11-13 20:00"),
        ("付款时间", "20:40"),
        ("包邮", "否"),
        ("件数", "0"),
    ]
    assert list(Words("en", NOW).said({"free_shipping": True, "new_field": "x"})) == [
        ("free shipping", "yes"),
        ("new_field", "x"),
    ]


def test_an_amount_is_said_in_whole_units_and_a_code_in_words() -> None:
    for detail, said in (
        ({"amount_minor": 50000, "currency": "CNY", "rating": "bad"}, ["500.00 CNY", "差评"]),
        (
            {"amount_minor": 350000, "currency": "VND", "reason": "new_code"},
            ["350000 VND", "new_code"],
        ),
        # What is demanded in a chat has no currency.
        ({"amount_minor": 50050, "currency": ""}, ["500.50"]),
        ({"currency": "CNY"}, ["CNY"]),
    ):
        assert [value for _, value in Words("zh", NOW).said(detail)] == said


@pytest.mark.parametrize(
    ("found", "zh", "en"),
    [
        (
            "demand.money@12-18/2",
            "索要钱款：第2句，第13至18字",
            "money is demanded: sentence 2, characters 13–18",
        ),
        # What a version that named no sentence has kept.
        (
            "threat.bad_review@0-2",
            "以差评相威胁：第1至2字",
            "threat of a bad review: characters 1–2",
        ),
        (
            "leak.phone@0-1/1 scam@3-9/4",
            "泄露电话：第1句，第1字；第三方诈骗：第4句，第4至9字",
            "somebody's phone number: sentence 1, character 1; "
            "a scam by a third party: sentence 4, characters 4–9",
        ),
        # A later version may know more codes, or write them in another way.
        ("new.code@1-3/1", "new.code：第1句，第2至3字", "new.code: sentence 1, characters 2–3"),
        ("new.code@1-3/1/7", "new.code@1-3/1/7", "new.code@1-3/1/7"),
        (f"scam@1-{'9' * 5000}", f"scam@1-{'9' * 5000}", f"scam@1-{'9' * 5000}"),
    ],
)
def test_a_signal_of_a_text_says_in_words_where_it_stands(found: str, zh: str, en: str) -> None:
    for language, said in (("zh", zh), ("en", en)):
        ((_, value),) = Words(language, NOW).said({"found": found})
        assert value == said


def test_a_text_without_signals_says_nothing_of_them() -> None:
    assert list(Words("zh", NOW).said({"found": ""})) == []


def test_every_signal_that_a_fact_may_carry_has_a_word() -> None:
    page = (Path(__file__).parents[2] / "docs" / "text-signals.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ((?:`[a-z_.]+` ?)+)\| (?:chats|reviews|both)", page, re.MULTILINE)
    named = {code for row in rows for code in re.findall("`([a-z_.]+)`", row)}
    # What the seller refuses is a fact of its own.
    assert named - {"refusal.invoice"} == SIGNALS.keys()
    assert all(zh and en for zh, en in SIGNALS.values())


def test_every_detail_of_a_fact_has_a_name() -> None:
    own = {
        field.name.removesuffix("_ms")
        for fact in get_args(AnyFact)
        for field in msgspec.structs.fields(fact)
        if field.name not in NOT_SAID | {"values"}
    }
    assert len(own) > 60
    assert own - NAMES.keys() == set()
    assert not [pair for pair in NAMES.values() if not all(pair)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("order_id", "2026-99-99T99:99:99+99:99"),
        ("order_id", "9999-12-31T23:59:59+00:00"),
        ("counted_ms", 10**20),
    ],
)
def test_what_only_looks_like_a_time_is_shown_as_it_is(name: str, value: Scalar) -> None:
    assert [said for _, said in Words("zh", NOW).said({name: value})] == [str(value)]
