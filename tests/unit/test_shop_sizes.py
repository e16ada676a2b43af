"""`orderwatch replay --shop-sizes`: numbers of files that can be pasted into the rules."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from streams.cli import main
from streams.detect.detector import find_detectors
from streams.detect.rules import parse
from streams.replay.files import Chunk, event_line
from streams.replay.sizes import ShopSizes, percentile
from tests.oracle.case_story import CaseStory
from tests.oracle.story import DAY, Story, ms
from tests.pipeline import rules_document


def lines_of(story: Story) -> list[bytes]:
    return [event_line(topic, orjson.dumps(value)).rstrip() for topic, value in story.events]


def text(story: Story, until: float = 40 * DAY) -> str:
    sizes = ShopSizes()
    lines = lines_of(story)
    # Two chunks, so that what is counted outlives one.
    chunks = [Chunk("f", lines[:50], 1), Chunk("f", lines[50:], 51)]
    assert list(sizes.watch(chunks)) == chunks
    return "\n".join(sizes.as_rules(ms(until)))


def rules(story: Story, until: float = 40 * DAY) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text(story, until))["shops"]
    # What is to be pasted is taken by those who read the rules.
    parse({**rules_document(), "shops": found}, find_detectors())
    return found


def shop(*, orders: int = 100, every: float = DAY / 3, amount_minor: int = 120_000) -> CaseStory:
    story = CaseStory()
    for number in range(orders):
        story.ordered(f"o{number}", number * every, (3,), amount_minor=amount_minor)
    return story


@pytest.mark.parametrize(("percent", "expected"), [(1, 1), (50, 50), (99, 99), (100, 100)], ids=str)
def test_percentiles_by_nearest_rank(percent: int, expected: int) -> None:
    assert percentile(Counter(range(1, 101)), percent) == expected
    assert percentile(Counter({7: 1}), percent) == 7


def test_one_order_in_a_hundred_moves_neither_median_nor_percentile() -> None:
    story = shop(orders=99)
    story.ordered("huge", DAY, (5000,), amount_minor=10**9)
    expected = {"item_median_units": 3, "currency": "CNY", "min_amount_minor": 120_000}
    assert rules(story)["s"]["D07"] == expected
    story.ordered("another", DAY, (5000,), amount_minor=10**9)
    assert rules(story)["s"]["D07"]["min_amount_minor"] == 10**9


def test_units_are_those_of_the_item_with_the_most_over_all_lines() -> None:
    story = CaseStory()
    for number in range(100):
        story.ordered(f"o{number}", number, (2, 3, 4))
    assert rules(story)["s"]["D07"]["item_median_units"] == 5


def test_no_number_is_below_what_the_rules_take() -> None:
    assert rules(shop(amount_minor=100))["s"]["D07"]["min_amount_minor"] == 100_000


def test_amounts_are_rounded_up_to_three_digits_so_that_few_are_kept() -> None:
    story = CaseStory()
    for number in range(100):
        story.ordered(f"o{number}", number, amount_minor=1_234_001 + number)
    assert rules(story)["s"]["D07"]["min_amount_minor"] == 1_240_000


def test_the_rule_is_about_the_currency_of_most_orders_and_the_others_are_told_beside() -> None:
    story = shop(orders=120)
    for number in range(110):
        story.ordered(f"k{number}", number, amount_minor=30_000_000, currency="krw")
    assert rules(story)["s"]["D07"]["currency"] == "CNY"
    assert "CNY 120000, KRW 30000000" in text(story)


def test_yuan_by_its_other_name_is_one_currency() -> None:
    story = shop(orders=60)
    for number in range(60):
        story.ordered(f"r{number}", number, amount_minor=120_000, currency="RMB")
    assert "RMB" not in text(story)


def test_a_shop_of_few_orders_is_told_no_percentile() -> None:
    story = shop(orders=99)
    # Nothing to paste: an empty `shops` would be refused.
    assert text(story).splitlines() == [
        "# No shop has the 100 orders that are needed.",
        '  # "s": 99 orders, too few: at least 100 are needed',
    ]
    story.shop = "t"
    story.ordered("one", DAY)
    assert '# "t": 1 order, too few' in text(story)
    story.shop = "s"
    story.ordered("enough", DAY)
    assert list(rules(story)) == ["s"]


def test_the_orders_of_the_last_thirty_days_are_counted() -> None:
    # Three a day, of which the first ten days are too old on day 40.
    assert rules(shop(orders=120), 39.5 * DAY)["s"]["D31"] == {"orders_per_window": 90}


def test_of_fewer_days_nobody_guesses_thirty() -> None:
    assert "D31" not in rules(shop(every=DAY / 4), 28.5 * DAY)["s"]
    assert "100 orders in 29 days, too few for D31" in text(shop(every=DAY / 4), 28.5 * DAY)


def test_a_shop_may_be_called_anything() -> None:
    story = shop()
    for _, value in story.events:
        value["shop_id"] = '旗舰店"{x} #'
    assert list(rules(story)) == ['旗舰店"{x} #']


def test_what_is_no_order_or_refused_counts_nothing() -> None:
    sizes = ShopSizes()
    lines = [b'{"topic":"orders","value":{"type":"created"}}', b'"created"', b"\xff"]
    assert list(sizes.watch([Chunk("f", lines, 1)]))
    assert list(sizes.as_rules(ms(DAY))) == ["# No shop has the 100 orders that are needed."]


def test_a_replay_says_it_when_it_is_asked_to_and_leaves_stdout_to_the_alerts(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in lines_of(shop())))
    until = ["--until", "2026-12-11T00:00:00"]
    assert main(["replay", str(path), "--json", *until]) == 0
    assert "item_median_units" not in capfd.readouterr().err
    assert main(["replay", str(path), "--json", "--shop-sizes", *until]) == 0
    said = capfd.readouterr()
    assert (
        '  "s": {D07: {item_median_units: 3, currency: CNY, min_amount_minor: 120000}' in said.err
    )
    assert all(line.startswith("{") for line in said.out.splitlines())
