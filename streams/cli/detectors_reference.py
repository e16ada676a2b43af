"""The tables of detectors in README.md, docs/README.md and docs/connect.md, derived from their pages.

What a detector finds is the first sentence of its page, whom its alerts are about its classes say, and
what to send stands in the page's table. Write the tables with `python -m streams.cli.detectors_reference`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from streams.detect.detector import Detector, find_detectors

_ROOT = Path(__file__).resolve().parents[2]
_FOLDER = _ROOT / "docs" / "detectors"
BEGIN = "<!-- Derived from docs/detectors: python -m streams.cli.detectors_reference -->\n"
END = "<!-- As far as it is derived -->\n"
_LINK = re.compile(r"\[([^]]+)\]\([^)]+\)")


def found(folder: str, pages: Path = _FOLDER) -> str:
    """The table of what is detected; `folder` leads to the detectors' pages."""
    rows = (
        f"| [{name}]({folder}/{name}.md) | {_about(name)} | {_finds(pages / f'{name}.md')} |"
        for name in _names()
    )
    return "\n".join(("| | about | what it finds |", "|---|---|---|", *rows)) + "\n"


def needed(folder: str, pages: Path = _FOLDER) -> str:
    """The table of what each detector needs to be sent."""
    cells = ((name, pages / f"{name}.md") for name in _names())
    rows = (
        f"| [{name}]({folder}/{name}.md) | {_cell(page, 'Send')} | {_cell(page, 'Mind')} |"
        for name, page in cells
    )
    return "\n".join(("| for | send | mind |", "|---|---|---|", *rows)) + "\n"


PAGES: dict[Path, tuple[Callable[[str], str], str]] = {
    _ROOT / "README.md": (found, "docs/detectors"),
    _ROOT / "docs" / "README.md": (found, "detectors"),
    _ROOT / "docs" / "connect.md": (needed, "detectors"),
}


def render(page: Path) -> str:
    """A page with its table as it should be; ValueError where the marks are missing."""
    table, folder = PAGES[page]
    before, derived_and_after = page.read_text(encoding="utf-8").split(BEGIN)
    after = derived_and_after.split(END)[1]
    return f"{before}{BEGIN}{table(folder)}{END}{after}"


def write() -> None:
    """Bring all tables up to date."""
    for page in PAGES:
        page.write_text(render(page), encoding="utf-8")


def _names() -> Iterator[str]:
    yield from sorted({detector.id for detector in find_detectors()})


def _about(name: str) -> str:
    """The subjects of its alerts; classes without `present` only tell others."""
    subjects = [
        detector.subject
        for detector in find_detectors()
        if detector.id == name and type(detector).present is not Detector.present
    ]
    return ", ".join(f"{'an' if subject[0] in 'aeiou' else 'a'} {subject}" for subject in subjects)


def _finds(page: Path) -> str:
    """Its Chinese name and the first sentence of its page."""
    heading, _, sentences = page.read_text(encoding="utf-8").splitlines()[:3]
    sentence = re.split(r"(?<=\.) ", _LINK.sub(r"\1", sentences))[0]
    return f"{heading.rpartition(' · ')[2]} {sentence.removesuffix('.')}"


def _cell(page: Path, row: str) -> str:
    """One cell of the table on its page; ValueError where the page has no such row."""
    cell = re.search(rf"^\| {row} \| *(.*?) *\|$", page.read_text(encoding="utf-8"), re.MULTILINE)
    if cell is None:
        raise ValueError(f"{page.name}: its table needs a row `| {row} | … |`")
    return cell[1]


if __name__ == "__main__":
    write()
