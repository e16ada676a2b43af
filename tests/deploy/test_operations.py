"""The runbook has a section for every alert rule, and its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
RULES = yaml.safe_load((ROOT / "deploy" / "prometheus" / "rules.yml").read_text(encoding="utf-8"))
HEADINGS = re.findall(r"^#+ (.+)$", PAGE, flags=re.MULTILINE)


def anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_every_alert_rule_has_its_section_and_no_other() -> None:
    rules = {rule["alert"] for group in RULES["groups"] for rule in group["rules"]}
    assert {heading for heading in HEADINGS if heading.startswith("Orderwatch")} == rules


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)]+)\)", PAGE))))
def test_link_leads_somewhere(target: str) -> None:
    path, _, fragment = target.partition("#")
    if path:
        assert (ROOT / "docs" / path).exists()
    page = (ROOT / "docs" / path).read_text(encoding="utf-8") if fragment and path else PAGE
    if fragment:
        assert fragment in map(anchor, re.findall(r"^#+ (.+)$", page, flags=re.MULTILINE))


def test_settings_that_it_names_exist() -> None:
    known = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in known for name in set(re.findall(r"\bORDERWATCH_[A-Z_]+", PAGE)))
