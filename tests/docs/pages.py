"""The project's Markdown pages, and what stands in them: links, headings, code spans and blocks."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


class Block(NamedTuple):
    """One fenced block; `language` is empty where none is named."""

    language: str
    text: str


@cache
def tracked() -> tuple[Path, ...]:
    """All files under version control, and new ones that are not ignored."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        # Pages are asked for while tests are collected, too.
        pytest.skip(
            "these tests look at the files of a git checkout; this is none", allow_module_level=True
        )
    return tuple(ROOT / name for name in done.stdout.splitlines() if (ROOT / name).is_file())


def pages() -> list[Path]:
    """All Markdown pages; the results of benchmarks are written by the benchmarks."""
    return sorted(path for path in tracked() if path.suffix == ".md")


def name_of(path: Path) -> str:
    """A page's name for a test's id."""
    return str(path.relative_to(ROOT))


def blocks(path: Path) -> list[Block]:
    """The fenced blocks of a page."""
    return [Block(*found) for found in _FENCE.findall(path.read_text(encoding="utf-8"))]


def prose(path: Path) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", path.read_text(encoding="utf-8"))


def spans(path: Path) -> list[str]:
    """The code spans in the prose of a page."""
    return _SPAN.findall(prose(path))


def code_lines(path: Path) -> Iterator[str]:
    """Every code span, and every line of the blocks that show commands."""
    yield from spans(path)
    for block in blocks(path):
        if block.language in ("", "sh", "bash"):
            yield from block.text.splitlines()


def links(path: Path) -> list[str]:
    """The targets of the links in the prose of a page."""
    return _LINK.findall(_SPAN.sub("", prose(path)))


def anchors(path: Path) -> set[str]:
    """The anchors that a page's headings make, as GitHub derives them."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
