"""Every relative link of every page leads somewhere, down to the heading."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import ROOT, anchors, links, name_of, pages


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_relative_links_resolve(page: Path) -> None:
    for link in links(page):
        if "://" in link:
            continue
        target, _, anchor = link.partition("#")
        there = (page.parent / target).resolve() if target else page
        assert there.exists(), f"{link}: there is no such file"
        assert there.is_relative_to(ROOT), f"{link} leaves the repository"
        if anchor:
            assert anchor in anchors(there), f"{link}: that page has no such heading"


def test_every_page_can_be_reached_from_the_readme() -> None:
    known = {ROOT / "README.md"}
    waiting = list(known)
    while waiting:
        page = waiting.pop()
        for link in links(page):
            there = (page.parent / link.partition("#")[0]).resolve()
            if there.suffix == ".md" and there.exists() and there not in known:
                known.add(there)
                waiting.append(there)
    results = ROOT / "benchmarks" / "results"
    lost = {page for page in pages() if not page.is_relative_to(results)} - known
    assert not lost, f"no link leads to {sorted(map(name_of, lost))}"


def test_every_image_is_shown_somewhere() -> None:
    shown = {
        (page.parent / link).resolve()
        for page in pages()
        for link in links(page)
        if "://" not in link
    }
    assert set((ROOT / "docs" / "images").iterdir()) <= shown
