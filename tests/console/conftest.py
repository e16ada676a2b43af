"""A browser for the tests of this folder, and a console for it to look at."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console.browser import Browser, Page, find_browser
from tests.inbox import Clock, Served


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium. Absent, the tests skip, or fail with REQUIRE_BROWSER=1."""
    binary = find_browser()
    if binary is None:
        cure = "no Chromium on this machine: apt-get install chromium"
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(f"REQUIRE_BROWSER=1, but {cure}")
        pytest.skip(cure)
    with Browser(binary, tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(autouse=True)
def _tabs_closed(browser: Browser) -> Iterator[None]:
    yield
    browser.close_pages()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with Served(tmp_path, Clock()) as served:
        yield served


@pytest.fixture
def page(browser: Browser, served: Served) -> Page:
    """A tab on the list, with its live connection up, in Chinese."""
    page = browser.page()
    page.goto(served.url + "/?lang=zh")
    page.wait("document.querySelector('#live').classList.contains('on')")
    return page
