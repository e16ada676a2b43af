"""Rules: typed, complete, refused by name, overridable per shop, versioned by content."""

from __future__ import annotations

from typing import Any

import pytest

from streams.detect.detector import find_detectors
from streams.detect.rules import RuleError, RuleSet, parse
from tests.pipeline import rules_document


def parsed(document: object) -> RuleSet:
    return parse(document, find_detectors())


def changed(**values: Any) -> dict[str, Any]:
    document = rules_document()
    document["D01"] = {**document["D01"], **values}
    return document


def without(*keys: str) -> dict[str, Any]:
    return {key: value for key, value in rules_document().items() if key not in keys}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "the rules document: expected a mapping with text keys, found list"),
        (None, "the rules document: expected a mapping"),
        ({1: 2}, "the rules document: expected a mapping with text keys"),
        (without("version"), "version: expected a quoted date"),
        (without("version") | {"version": 2026}, "found 2026"),
        (without("D01"), "D01: the rules document has no block for this detector"),
        (rules_document() | {"D99": {}}, "unknown key 'D99'; did you mean 'D"),
        (rules_document() | {"D01": []}, "D01: expected a mapping"),
        (changed(warn_order=3), "D01: unknown key 'warn_order'; did you mean 'warn_orders'"),
        (changed(warn_orders=0), "D01.warn_orders: Input should be greater"),
        (changed(warn_orders="5"), "D01.warn_orders: .* found '5'"),
        (changed(warn_orders=5.0), "D01.warn_orders"),
        (changed(window_s=-1), "D01.window_s"),
        (changed(resolve_paid_share_percent=101), "D01.resolve_paid_share_percent"),
        (changed(critical_orders=4), "critical_orders is 4; expected at least warn_orders, 5"),
        (changed(cooldown_s=1799), "cooldown_s is 1799; expected at least window_s, 1800"),
        (rules_document() | {"shop_type": "jd"}, "shop_type: expected taobao or tmall, found 'jd'"),
        (
            rules_document() | {"shops": {"s": {"shop_type": 3}}},
            "shops.s.shop_type: expected taobao or tmall, found 3",
        ),
        (rules_document() | {"shops": []}, "shops: expected a mapping"),
        (rules_document() | {"shops": {"s": {"D77": {}}}}, "shops.s: unknown key 'D77'"),
        (
            rules_document() | {"shops": {"s": {"D01": {"warn": 1}}}},
            "shops.s.D01: unknown key 'warn'",
        ),
        (
            rules_document() | {"shops": {"s": {"D01": {"warn_units": 0}}}},
            "shops.s.D01.warn_units",
        ),
    ],
)
def test_rules_that_cannot_be_used_are_refused_by_name(document: object, message: str) -> None:
    with pytest.raises(RuleError, match=message):
        parsed(document)


def test_equal_limits_are_allowed() -> None:
    parsed(changed(critical_orders=5, cooldown_s=1800))


def test_a_shop_overrides_single_values_and_nothing_else() -> None:
    rules = parsed(rules_document() | {"shops": {"s": {"D01": {"warn_orders": 8}}}})
    assert rules.of("s")["D01"].block.warn_orders == 8  # type: ignore[attr-defined]
    assert rules.of("s")["D01"].block.warn_units == 50  # type: ignore[attr-defined]
    assert rules.of("t")["D01"].block.warn_orders == 5  # type: ignore[attr-defined]
    assert rules.of("s")["D08"] == rules.of("t")["D08"]


def test_a_shop_says_where_it_sells_and_without_that_nobody_guesses() -> None:
    document = rules_document() | {"shops": {"s": {"shop_type": "tmall"}}}
    rules = parsed(document)
    assert (rules.shop_type("s"), rules.shop_type("t")) == ("tmall", None)
    assert (rules.of("s")["D08"].shop_type, rules.of("t")["D08"].shop_type) == ("tmall", None)
    # Where complaints are filed is no threshold.
    assert rules.of("s")["D08"].version == rules.of("t")["D08"].version
    everywhere = parsed(document | {"shop_type": "taobao"})
    assert (everywhere.shop_type("s"), everywhere.shop_type("t")) == ("tmall", "taobao")


def test_the_version_of_a_block_changes_with_any_of_its_values_and_no_other() -> None:
    before, after = parsed(rules_document()).of("s"), parsed(changed(warn_orders=6)).of("s")
    assert before["D01"].version != after["D01"].version
    assert before["D08"].version == after["D08"].version
    assert before["D01"].version == parsed(rules_document()).of("t")["D01"].version
    assert before["D01"].version.startswith(f"{rules_document()['version']}+")
