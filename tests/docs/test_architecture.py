"""The steps of docs/architecture.md name files, classes and functions that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PAIRS = re.findall(r"`((?:streams|schemas)/[\w/]+\.py)` `([\w.]+)`", PAGE)


def _defined(path: Path) -> set[str]:
    """Names of a module, and `Class.member` for what its classes define."""
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        own = _names(node)
        names |= own
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{name}" for member in node.body for name in _names(member)}
    return names


def _names(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def test_the_page_has_steps() -> None:
    assert len(PAIRS) >= 10


@pytest.mark.parametrize(("file", "name"), PAIRS, ids=lambda part: part)
def test_step_names_what_exists(file: str, name: str) -> None:
    assert (ROOT / file).is_file(), f"there is no {file}"
    assert name in _defined(ROOT / file), f"{file} does not define {name}"


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([\w/]+(?:/|\.py|\.yaml))`", PAGE))))
def test_paths_exist(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("streams/detect/*.py")), ids=lambda path: path.stem
)
def test_every_module_of_detection_has_a_room(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    assert path.stem == "__init__" or f"`{name}`" in PAGE, f"the page does not say what {name} owns"
