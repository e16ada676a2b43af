"""The bounds of the project on real texts: ordinary reviews, and abuse that people labelled."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.texts import (
    ADS_MAX,
    DATA,
    EXTORTION_MAX,
    Hits,
    abuse_recall,
    labelled_abuse,
    review_hits,
    reviews,
)


@pytest.fixture(scope="module")
def data() -> Path:
    if not (DATA / "reviews_zh").is_dir():
        pytest.skip(f"no reviews_zh in {DATA}: set ORDERWATCH_DATA to the data folder")
    return DATA


@pytest.fixture(scope="module")
def hits(data: Path) -> dict[str, Hits]:
    return {row.what: row for row in review_hits(reviews(data))}


@pytest.mark.slow
def test_ordinary_reviews_are_hardly_ever_ads_or_extortion(hits: dict[str, Hits]) -> None:
    assert hits["ads"].texts > 19_000
    assert hits["ads"].percent <= ADS_MAX
    assert hits["extortion, money"].percent <= hits["extortion, any"].percent <= EXTORTION_MAX
    assert len(hits["extortion, any"].quotes) == hits["extortion, any"].hits


@pytest.mark.slow
def test_ordinary_reviews_are_rarely_abuse_and_quotes_hold_no_numbers(
    hits: dict[str, Hits],
) -> None:
    assert hits["abuse of people"].percent <= 0.3
    # Honest traffic: warnings stay below one in a thousand.
    assert hits["two insults or a leak (D19 warns)"].percent < 0.1
    assert hits["leaks"].hits == hits["third-party scam"].hits == 0
    quotes = [quote for row in hits.values() for quote in row.quotes]
    assert not [quote for quote in quotes if re.search(r"\d{5}", quote)]


@pytest.mark.slow
def test_abuse_is_found_twice_as_often_as_by_substrings_and_more_surely(data: Path) -> None:
    ours, same_words, short_list = abuse_recall(labelled_abuse(data))
    assert ours.texts > 6000
    assert ours.recall >= 2 * max(same_words.recall, short_list.recall)
    assert ours.precision >= 90
    assert ours.precision > max(same_words.precision, short_list.precision)
