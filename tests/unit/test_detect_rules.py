"""Rules: typed, complete, refused by name, overridable per shop, versioned by content."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from schemas.alerts import Subject
from streams.detect.deadlines import Deadlines
from streams.detect.detector import Count, find_detectors
from streams.detect.engine import Engine
from streams.detect.rules import RuleError, RuleSet, parse
from tests.example_stories import FOLDER, Story, load, stories
from tests.pipeline import Pipeline, rules_document


def parsed(document: object) -> RuleSet:
    return parse(document, find_detectors())


def changed(**values: Any) -> dict[str, Any]:
    document = rules_document()
    document["D01"] = {**document["D01"], **values}
    return document


def with_deadline(code: str, **values: Any) -> dict[str, Any]:
    document = rules_document()
    terms = document["deadlines"]
    return {**document, "deadlines": {**terms, code: {**terms.get(code, {}), **values}}}


def without(*keys: str) -> dict[str, Any]:
    return {key: value for key, value in rules_document().items() if key not in keys}


def allowing(**entry: object) -> dict[str, Any]:
    """The rules with one entry of what a shop allows."""
    return rules_document() | {"shops": {"s": {"allow": [entry]}}}


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
        (
            changed(critical_orders=4),
            "^D01: critical_orders is 4; expected at least warn_orders, 5$",
        ),
        (changed(cooldown_s=1799), "^D01: cooldown_s is 1799; expected at least window_s, 1800$"),
        (
            with_deadline("T02", limit_s=1),
            "^deadlines.T02: limit_s is 1; expected at least [a-z_]*",
        ),
        (changed(enabled=False), "^D01: unknown key 'enabled'; known are as_of, cooldown_s, .*"),
        (with_deadline("T99"), "^deadlines: unknown key 'T99'; did you mean 'T09'"),
        (
            rules_document() | {"shop_type": "jd"},
            "shop_type: expected taobao or tmall or other, found 'jd'",
        ),
        (
            rules_document() | {"shops": {"s": {"allow": [{"why": "x"}]}}},
            "shops.s.allow.0: would silence the whole shop; name a buyer, an item or detectors",
        ),
        (
            rules_document()
            | {"shops": {"s": {"allow": [{"buyer": "b", "detectors": ["D1"], "why": "x"}]}}},
            "shops.s.allow.0.detectors: unknown key 'D1'; did you mean 'D",
        ),
        (
            rules_document()
            | {"shops": {"s": {"allow": [{"item": "i", "detectors": ["D01"], "why": "x"}]}}},
            "shops.s.allow.0.detectors: D01 says nothing about one item, only about: buyer$",
        ),
        (
            rules_document() | {"shops": {"s": {"allow": [{"buyer": "b", "why": "\x1b[2J"}]}}},
            "shops.s.allow.0.why: must be one line of printable text",
        ),
        (
            rules_document() | {"shops": {"s": {"allow": [{"buyer": 123456, "why": "x"}]}}},
            "shops.s.allow.0.buyer: expected an id, in quotes where .* digits only.*, found 123456",
        ),
        # Without a buyer the entry would be about the whole shop.
        *(
            (
                allowing(**{kind: None}, detectors=["D01", "D02"], why="x"),
                f"shops.s.allow.0.{kind}: expected an id, .*, found None",
            )
            for kind in ("buyer", "item")
        ),
        *(
            (
                allowing(buyer=name, why="x"),
                f"shops.s.allow.0.buyer: expected {expected}, found {re.escape(repr(name))}",
            )
            for name, expected in [
                (" B-1", "the id as events write it, without blanks around it"),
                ("B-1 ", "the id as events write it, without blanks around it"),
                ("Ｂ-1", "the id as events write it, no full-width letters or digits"),
                ("b\uff11", "the id as events write it, no full-width letters or digits"),
                ("B-1\u3000", "printable text, as in events"),
                ("B\u200b-1", "printable text, as in events"),
            ]
        ),
        *(
            (
                allowing(buyer="b", detectors=names, why="x"),
                r"shops.s.allow.0.detectors: expected a list of ids such as \[D01\]; .*, found",
            )
            for names in ([], "D01", None)
        ),
        (allowing(buyer="b", why=" "), "shops.s.allow.0.why: must be one line of printable text"),
        # They say nothing themselves about those who tell them.
        *(
            (
                allowing(buyer="b", detectors=[detector], why="x"),
                f"shops.s.allow.0.detectors: {detector} says nothing about one buyer, only about: {kind}$",
            )
            for detector, kind in (("D02", "item"), ("D03", "shop"), ("D31", "shop"))
        ),
        (
            rules_document() | {"shops": {"s": {"allow": [{"buyer": "b"}]}}},
            "shops.s.allow.0.why: Field required",
        ),
        (
            rules_document()
            | {"shops": {"s": {"allow": [{"buyer": "b", "item": "i", "why": "x"}]}}},
            "shops.s.allow.0: expected a buyer or an item, found both; write two entries",
        ),
        (
            rules_document() | {"shops": {"s": {"allow": {"buyer": "b"}}}},
            "shops.s.allow: expected a list, found dict",
        ),
        (
            rules_document() | {"shops": {"s": {"shop_type": 3}}},
            "shops.s.shop_type: expected taobao or tmall or other, found 3",
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
        # Once keys of D01, D02 and D03, beside the deadline that says the same.
        (
            changed(auto_close_s=1),
            "^D01: 'auto_close_s' is no key any more; remove it and set close_s of T01 in the block",
        ),
        (
            rules_document() | {"shops": {"s": {"D03": {"auto_close_s": 1}}}},
            "^shops.s.D03: 'auto_close_s' is no key any more; ",
        ),
        (
            rules_document() | {"shops": {"s": {"D02": {"expire_after_s": 1}}}},
            "^shops.s.D02: 'expire_after_s' is no key any more; ",
        ),
        *(
            (rules_document() | {"shops": {name: {}}}, f"^shops: .*, found {re.escape(repr(name))}")
            for name in ("", "a:b", "a" * 65, "a\u200b", "a\x1b[2J", "a\u3000b", " a", "a ")
        ),
        *(
            (
                rules_document() | {"shops": {"s": {"D16": {"not_overseas": ["HK", name]}}}},
                rf"^shops.s.D16.not_overseas.1: expected {expected}.*, found '{name}'$",
            )
            for name, expected in [
                ("it", "IT"),
                ("香港", "HK"),
                (" IT", "IT"),
                ("CN", "a region"),
                ("", "a region"),
            ]
        ),
        *(
            (
                rules_document() | {"shops": {"s": {detector: {"currency": name}}}},
                f"^shops.s.{detector}.currency: .*, found {name!r}",
            )
            for detector in ("D07", "D12")
            for name in ("krw", "won", "", "EURO", None)
        ),
    ],
)
def test_rules_that_cannot_be_used_are_refused_by_name(document: object, message: str) -> None:
    with pytest.raises(RuleError, match=message):
        parsed(document)


def test_a_block_without_a_threshold_names_it_and_shows_no_more() -> None:
    document = rules_document()
    document["D01"] = {k: v for k, v in document["D01"].items() if k != "warn_orders"}
    with pytest.raises(RuleError, match=r"^D01\.warn_orders: Field required$"):
        parsed(document)


def numbers(model: type[BaseModel], *path: str) -> Iterator[tuple[str, ...]]:
    """The paths of all fields of a block that hold a number, or several."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from numbers(kind, *path, name)
        elif kind is int or get_args(kind)[:1] == (Count,):
            yield (*path, name)


NUMBERS = [
    *numbers(Deadlines, "deadlines"),
    *(
        path
        for detector in find_detectors()
        for path in numbers(detector.rules, detector.id)
        if path[1] not in Deadlines.model_fields
    ),
]


@pytest.mark.parametrize("path", dict.fromkeys(NUMBERS), ids=".".join)
def test_no_number_is_larger_than_anybody_can_mean(path: tuple[str, ...]) -> None:
    """A deadline of 10^12 seconds would end a replay, and the worker, with an error of the calendar."""
    document = deepcopy(rules_document())
    *blocks, name = path
    block = document
    for key in blocks:
        block = block[key]
    block[name] = [10**20] if isinstance(block[name], list) else 10**20
    most = "100" if name.endswith("percent") else r"\d+"
    # Facts are kept for 45 days, so no longer window could hold them.
    most = str(45 * 86_400) if name.endswith("window_s") else most
    told = rf"(expected at most|Input should be less than or equal to) {most}, found .*10{{20}}"
    with pytest.raises(RuleError, match=rf"^{'.'.join(path)}: {told}"):
        parsed(document)


def test_ten_years_are_allowed() -> None:
    parsed(with_deadline("T04", within_days=3660))
    parsed(with_deadline("T01", close_s=3660 * 86_400))


def test_names_that_orders_can_have_are_allowed() -> None:
    regions = ["HK", "TW", "IT", "ITALY", "意大利"]
    shops = {"店铺 1": {"D16": {"not_overseas": regions}}, "a" * 64: {"D12": {"currency": "KRW"}}}
    parsed(rules_document() | {"shops": shops})


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


def test_what_a_shop_allows_is_published_as_suppressed_by_its_reason() -> None:
    allow = [
        {"buyer": "w7", "detectors": ["D01"], "why": "pays by bank transfer"},
        {"item": "i9", "why": "counted by hand"},
        {"detectors": ["D33"], "why": "not on this platform"},
    ]
    rules = parsed(rules_document() | {"shops": {"s": {"allow": allow}}}).of("s")
    buyer, item = Subject(kind="buyer", id="s:w7"), Subject(kind="item", id="s:i9")
    assert rules["D01"].suppressed_by(buyer) == "allow: pays by bank transfer"
    assert rules["D08"].suppressed_by(buyer) is None
    assert rules["D02"].suppressed_by(item) == "allow: counted by hand"
    # The ids of buyers and of items may be alike.
    assert rules["D02"].suppressed_by(Subject(kind="item", id="s:w7")) is None
    assert rules["D01"].suppressed_by(Subject(kind="buyer", id="s:i9")) is None
    assert (
        rules["D33"].suppressed_by(Subject(kind="buyer", id="s:x")) == "allow: not on this platform"
    )
    # Nothing about thresholds, so no other version.
    assert rules["D01"].version == parsed(rules_document()).of("s")["D01"].version


def test_what_is_allowed_is_still_concluded_and_a_platform_without_points_gives_none() -> None:
    story = load(FOLDER / "D33" / "fires_the_seller_closes_a_burst.yaml")
    detectors = find_detectors()
    told = {}
    for name, own in (
        ("allowed", {"allow": [{"detectors": ["D33"], "why": "tested"}]}),
        ("other", {"shop_type": "other"}),
    ):
        rules = parsed(rules_document() | {"shops": {"shop1": own}})
        pipeline = Pipeline(Engine(detectors, rules, "t"))
        pipeline.send(story.events)
        alerts = pipeline.finish(story.horizon_ms).alerts
        told[name] = [alert for alert in alerts if alert.detector == "D33"]
    assert {alert.suppressed_by for alert in told["allowed"]} == {"allow: tested"}
    assert {alert.severity for alert in told["allowed"]} == {"critical"}
    assert told["other"]
    for alert in told["other"]:
        assert (alert.severity, alert.suppressed_by) == ("warn", None)
        assert "扣" not in alert.summary.zh and "points" not in alert.summary.en


def test_the_version_of_a_block_changes_with_any_of_its_values_and_no_other() -> None:
    before, after = parsed(rules_document()).of("s"), parsed(changed(warn_orders=6)).of("s")
    assert before["D01"].version != after["D01"].version
    assert before["D08"].version == after["D08"].version
    assert before["D01"].version == parsed(rules_document()).of("t")["D01"].version
    assert before["D01"].version.startswith(f"{rules_document()['version']}+")


def test_what_a_shop_leaves_as_it_is_is_not_checked_again_for_it() -> None:
    # Thousands of shops would else take seconds, whenever the file changes.
    rules = parsed(
        rules_document()
        | {"shops": {"s": {"D01": {"warn_orders": 2}}, "t": {"shop_type": "tmall"}}}
    )
    default = rules.of("")
    assert rules.of("s")["D08"].block is default["D08"].block
    assert rules.of("s")["D01"].block is not default["D01"].block
    assert rules.of("t")["D33"].shop_type == "tmall"


# Read once: for each story it would take longer than the story.
SHIPPED = rules_document()
STRICT = {"D01": {"warn_orders": 2}, "deadlines": {"T02": {"warn_before_s": 60}}}
ALLOWED = {
    "allow": [{"detectors": sorted({one.id for one in find_detectors()}), "why": "all of it"}]
}


def under_new_rules(
    story: Story, before: dict[str, Any], after: dict[str, Any], *, is_restarted: bool = False
) -> dict[str, dict[str, Any]]:
    """What stands at the end if the shop's own rules become others amid the story."""
    detectors = find_detectors()
    first, then = (parse(SHIPPED | {"shops": {"shop1": own}}, detectors) for own in (before, after))
    pipeline = Pipeline(Engine(detectors, first, "t"))
    half = len(story.events) // 2
    pipeline.send(story.events[:half])
    if is_restarted:
        pipeline.restart(Engine(detectors, then, "t"))
    else:
        pipeline.renew(then)
    pipeline.send(story.events[half:])
    return pipeline.finish(story.horizon_ms).standing


@pytest.mark.parametrize("story", stories(), ids=lambda story: story.path.stem)
@pytest.mark.parametrize(
    ("before", "after"),
    [({}, STRICT), ({}, ALLOWED), (ALLOWED, {})],
    ids=["stricter", "allowed", "allowed no more"],
)
def test_new_rules_say_the_same_to_a_worker_that_runs_and_to_one_that_starts_anew(
    story: Story, before: dict[str, Any], after: dict[str, Any]
) -> None:
    running = under_new_rules(story, before, after)
    assert running == under_new_rules(story, before, after, is_restarted=True)


@pytest.mark.parametrize("story", stories(), ids=lambda story: story.path.stem)
def test_who_was_allowed_for_a_while_is_concluded_about_as_if_never_allowed(story: Story) -> None:
    """What was waited for meanwhile, a deadline or that nothing happens, is still waited for."""
    was, never = (under_new_rules(story, own, {}) for own in (ALLOWED, {}))
    for alert in was.values():
        assert alert.pop("suppressed_by") in (None, "allow: all of it")
    for alert in never.values():
        assert alert.pop("suppressed_by") is None
    assert was == never
