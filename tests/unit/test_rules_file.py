"""The rules file as people write it: what cannot be meant is refused with its line, as exit code 2."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from streams.detect.detector import find_detectors
from streams.errors import ConfigurationError
from streams.rules import load_rules

SHIPPED = files("streams.detect").joinpath("rules.yaml").read_text("utf-8")
LINES = SHIPPED.count("\n")


@pytest.mark.parametrize(
    ("appended", "told"),
    [
        # Of two `shops` the first would be gone, and with it the rules of its shops.
        ("shops: {s1: {}}\nshops: {s2: {}}\n", f"the key shops .*second time.*line {LINES + 2}"),
        ("shops:\n  s1: {D01: {warn_orders: 8, warn_orders: 9}}\n", "warn_orders .*second time"),
        # Taobao's shops are numbers.
        ("shops:\n  123456: {}\n", f"the key 123456 is no text.*quotes.*line {LINES + 2}"),
        ("shops:\n  no: {}\n", "the key no is no text"),
        ("? [a, b]\n: 1\n", "key of several values is no text"),
        ("as_of: 2026-02-30\n", f"day is out of range.*line {LINES + 1}"),
        ("x: " + "[" * 3000, "recursion"),
        ("\tshops: {}\n", f"cannot start any token.*line {LINES + 1}"),
    ],
    ids=["shops twice", "rule twice", "number", "no", "list", "date", "depth", "tab"],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, appended: str, told: str) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(SHIPPED + appended, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=rf"rules\.yaml: cannot be read as YAML: .*{told}"):
        load_rules(path, find_detectors())


def test_one_shop_may_take_over_the_rules_of_another(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    shops = "shops:\n  s1: &s1 {D01: {warn_orders: 8}}\n  s2: {<<: *s1, shop_type: tmall}\n"
    path.write_text(SHIPPED + shops, encoding="utf-8")
    rules = load_rules(path, find_detectors())
    assert rules.of("s2")["D01"].block.model_dump()["warn_orders"] == 8
    assert rules.shop_type("s2") == "tmall"
