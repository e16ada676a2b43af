"""The lexicons as data, and what finding a word means."""

from __future__ import annotations

import re

import pytest

from streams.detect.text.folding import fold
from streams.detect.text.lexicon import Lexicon, documents, lexicon


def found(text: str) -> set[tuple[str, str]]:
    folded = fold(text).text
    return {(hit.code, folded[hit.start : hit.end]) for hit in lexicon().find(folded)}


def test_every_lexicon_says_where_it_is_from_and_of_when() -> None:
    names = []
    for name, document in documents():
        names.append(name)
        assert document.keys() == {"source", "as_of", "classes"}
        assert document["source"].strip()
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", document["as_of"])
    assert len(names) == 7


def test_the_version_changes_with_any_word_and_with_no_order() -> None:
    one = Lexicon({"a": ("微信", "扣扣"), "b": ("兼职",)}, "2026-01-01")
    same = Lexicon({"b": ("兼职",), "a": ("扣扣", "微信")}, "2026-01-01")
    other = Lexicon({"a": ("微信", "扣扣"), "b": ("坚职",)}, "2026-01-01")
    assert one.version == same.version != other.version
    assert one.version.startswith("2026-01-01+")


def test_no_word_is_its_own_mask() -> None:
    """A masked word would never be found: a slip of whoever edits the lists."""
    for word in lexicon().words:
        masks = {code.removeprefix("mask.") for code in word.classes if code.startswith("mask.")}
        families = {code.partition(".")[0] for code in word.classes if not code.startswith("mask.")}
        assert not masks & families, word


@pytest.mark.parametrize(
    "typed",
    [
        "微信",
        "威信",
        "薇信",
        "V信",
        "ⓥ信",
        "🅥信",
        "微 信",
        "微.信号",
        "微\u200b信",
        "ＶＸ",
        "wei信",
    ],
)
def test_spellings_of_a_channel(typed: str) -> None:
    assert "contact.wechat" in {code for code, _ in found(f"加{typed},谈")}


@pytest.mark.parametrize("typed", ["QQ", "扣扣", "抠抠", "Q Q", "ｑｑ", "企鹅号", "q群"])
def test_spellings_of_another(typed: str) -> None:
    assert "contact.qq" in {code for code, _ in found(f"加{typed}12345")}


@pytest.mark.parametrize(
    "text", ["iqqs", "vxx的", "412315号", "退返.现在也没到", "退返 现在也没到"]
)
def test_part_of_another_word_is_no_word(text: str) -> None:
    codes = {code for code, _ in found(text)}
    assert not codes & {"contact.qq", "contact.wechat", "threat.complaint", "cashback"}


@pytest.mark.parametrize("text", ["好评返.现5元", "好评返 现", "返*现金", "返❤现"])
def test_two_characters_apart_are_a_word_where_no_other_begins(text: str) -> None:
    assert "cashback" in {code for code, _ in found(text)}


def test_words_do_not_reach_over_the_end_of_a_clause() -> None:
    assert not {c for c, _ in found("等了很久才转,让人失望")} & {"lure.resale", "ad.resale"}
