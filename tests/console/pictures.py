"""Takes the pictures of docs/images from the inbox of a running demo, when its story is over.

`make demo`, then `python -m tests.console.pictures URL` with the address of the inbox that it prints.
No test: what a page looks like is for people to judge.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.console.browser import Browser, find_browser

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"


def take(url: str, binary: str) -> None:
    """The list, and the detail of the story's burst, both in English."""
    with TemporaryDirectory() as profile, Browser(binary, Path(profile)) as browser:
        page = browser.page(width=1280, height=1080)
        page.goto(f"{url.rstrip('/')}/?lang=en")
        page.wait("document.querySelector('#live').classList.contains('on')")
        page.screenshot(IMAGES / "inbox-list.png")
        burst = page.evaluate(
            "[...document.querySelectorAll('.alert')]"
            ".find(one => one.innerText.includes('D01')).querySelector('.title').href"
        )
        page.resize(1280, 1240)
        page.goto(burst)
        page.screenshot(IMAGES / "inbox-detail.png")


if __name__ == "__main__":
    found = find_browser()
    if found is None or len(sys.argv) != 2:
        sys.exit("usage: python -m tests.console.pictures URL, with Chromium on the path")
    take(sys.argv[1], found)
