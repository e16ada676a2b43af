"""The page docs/settings.md, derived from the settings themselves; a test holds them equal.

A section is a comment behind an empty line, an entry a field with its default and the text below it.
Write the page with `python -m streams.cli.settings_reference`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import annotated_types
from pydantic.fields import FieldInfo

from streams.settings import PREFIX, Settings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "settings.md"

_HEAD = """\
# Settings

<!-- Derived from streams/settings.py, do not edit: python -m streams.cli.settings_reference -->

Every setting of every service is an environment variable; nothing else reads the environment.
An unknown variable that begins with `ORDERWATCH_` is refused, and the nearest known name is told.
A wrong value ends the command with exit code 2; all codes are under [exit codes](cli.md#exit-codes).
`orderwatch doctor` checks the settings against the broker.
[.env.example](../.env.example) is a file to start from.
Thresholds of detectors are no settings: they stand in a rules file, see the page of each
[detector](README.md#what-is-detected).
"""

_UNITS = {"_s": "seconds", "_bytes": "bytes", "_units": "units of goods"}


def render() -> str:
    """The whole page."""
    parts = [_HEAD]
    for title, names in sections():
        rows = [_row(name, Settings.model_fields[name]) for name in names]
        parts += [f"## {title}", "| variable | default | unit or values | meaning |"]
        parts += ["|---|---|---|---|", *rows, ""]
    return "\n".join(parts)


def write() -> None:
    """Bring docs/settings.md up to date."""
    PAGE.write_text(render(), encoding="utf-8")


def sections() -> Iterator[tuple[str, list[str]]]:
    """Titles with the names of their fields, in the order of the source."""
    title, names = "", list[str]()
    # Only a comment behind an empty line opens a section; others belong to a field.
    for found in re.finditer(
        r"\n\n    # (?P<title>.+)|\n    (?P<name>\w+): ", inspect.getsource(Settings)
    ):
        if found["title"]:
            if names:
                yield title, names
            title, names = found["title"], []
        elif found["name"] in Settings.model_fields:
            names.append(found["name"])
    yield title, names


def _row(name: str, field: FieldInfo) -> str:
    text = " ".join((field.description or "").split())
    cells = (f"`{PREFIX}{name.upper()}`", _default(field), _values(name, field), text)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _default(field: FieldInfo) -> str:
    if field.default is None:
        return "none"
    if isinstance(field.default, bool):
        return f"`{str(field.default).lower()}`"
    return f"`{field.default}`" if field.default != "" else "empty"


def _values(name: str, field: FieldInfo) -> str:
    choices = _choices(field.annotation)
    if choices:
        return ", ".join(f"`{choice}`" for choice in choices)
    unit = next((unit for end, unit in _UNITS.items() if name.endswith(end)), "")
    bounds = " ".join(_bounds(field))
    return ", ".join(part for part in (unit, bounds) if part)


def _choices(annotation: Any) -> tuple[Any, ...]:
    if annotation is bool:
        return ("true", "false")
    values = get_args(annotation)
    return values if values and all(isinstance(value, str) for value in values) else ()


def _bounds(field: FieldInfo) -> Iterator[str]:
    for limit in field.metadata:
        if isinstance(limit, annotated_types.Ge):
            yield f"from {limit.ge}"
        elif isinstance(limit, annotated_types.Gt):
            yield f"above {limit.gt}"
        elif isinstance(limit, annotated_types.Le):
            yield f"to {limit.le}"


if __name__ == "__main__":
    write()
