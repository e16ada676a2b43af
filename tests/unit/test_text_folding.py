"""Folding: one spelling for many, and a way back to the original that is exact."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.detect.text.folding import fold, fold_character, squeeze
from streams.detect.text.lexicon import lexicon

# What people really type between and instead of characters, and anything else.
TYPED = st.text(
    st.one_of(
        st.sampled_from("微信威ⓥ①⑩㎏１ａＱ關閉訂單…，。.- *\u200b\ufe0f\u20e3\t\n\x00é🅥❤㊣"),
        st.characters(),
    ),
    max_size=40,
)


@pytest.mark.parametrize(
    ("typed", "folded"),
    [
        ("ⓥ信", "v信"),
        ("①②③➀", "1231"),
        ("关⑩", "关10"),
        ("關閉訂單", "关闭订单"),
        ("ＱＱ：１２", "qq:12"),
        ("🅥🅧", "vx"),
        ("1️⃣3️⃣", "13"),
        ("微\u200b信\u2060", "微信"),
        ("ｗéiｘìn", "weixin"),
        ("好评…给钱\n500", "好评。给钱。500"),
        ("tab\there", "tab here"),
    ],
)
def test_one_spelling_for_many(typed: str, folded: str) -> None:
    assert fold(typed).text == folded


@given(TYPED)
def test_a_text_folds_to_its_characters_one_by_one(text: str) -> None:
    assert fold(text).text == "".join(fold_character(c) for c in text)


@given(TYPED)
def test_every_folded_character_leads_back_to_the_one_it_is_from(text: str) -> None:
    folded = fold(text)
    for i, character in enumerate(folded.text):
        start, end = folded.span(i, i + 1)
        assert end == start + 1
        assert character in fold_character(text[start])


@given(TYPED, st.data())
def test_the_original_of_a_span_folds_to_it(text: str, data: st.DataObject) -> None:
    folded = fold(text)
    if not folded.text:
        return
    start = data.draw(st.integers(0, len(folded.text) - 1))
    end = data.draw(st.integers(start + 1, len(folded.text)))
    first, last = folded.span(start, end)
    assert folded.text[start:end] in fold(text[first:last]).text
    assert 0 <= first < last <= len(text)


def test_a_character_that_becomes_several_is_looked_up_once_however_often_it_stands() -> None:
    fold_character.cache_clear()
    assert fold("\ufdfa½" * 4000).text == fold("\ufdfa½").text * 4000
    assert fold_character.cache_info().misses <= 2


@given(TYPED)
def test_folding_twice_changes_nothing_more(text: str) -> None:
    once = fold(text).text
    assert fold(once).text == once


@given(TYPED)
def test_squeezing_takes_out_noise_and_nothing_else(text: str) -> None:
    folded = fold(text).text
    squeezed = squeeze(folded)
    assert squeezed.text == "".join(c for c in folded if squeeze(c).text)
    for i, character in enumerate(squeezed.text):
        start, _ = squeezed.span(i, i + 1)
        assert folded[start] == character


NOISE = st.text(st.sampled_from(" .*-_~·★❤\u200b\ufe0f"), max_size=3)


@given(st.sampled_from([w.folded for w in lexicon().words if len(w.folded) > 2]), st.data())
def test_a_word_is_found_through_noise_and_its_span_is_exact(
    word: str, data: st.DataObject
) -> None:
    """Marks, blanks and invisible characters between the characters hide nothing."""
    parts = [data.draw(NOISE) + c for c in word[1:]]
    hidden = word[0] + "".join(parts)
    before = data.draw(st.sampled_from(["", "你好,", "①② ", "。\u200b"]))
    text = before + hidden + data.draw(st.sampled_from(["", "!", "。了", " ,"]))
    folded = fold(text)
    spans = [folded.span(hit.start, hit.end) for hit in lexicon().find(folded.text)]
    assert (len(before), len(before) + len(hidden)) in spans
