"""The list of commands in docs/cli.md, derived from the command tree; a test holds them equal.

The prose above the mark is written by hand. Write the rest with `python -m streams.cli.reference`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[2] / "docs" / "cli.md"

MARK = "<!-- From here on derived: python -m streams.cli.reference -->"


def render() -> str:
    """Everything below the mark."""
    import typer

    from streams.cli.root import app

    root = typer.main.get_command(app)
    parts = ["## Global options", *_parameters(root)]
    for path, command in _leaves("orderwatch", root):
        parts += [f"\n## {path}", _sentence(command), *_parameters(command)]
    return "\n".join(parts) + "\n"


def write() -> None:
    """Bring docs/cli.md up to date."""
    prose, _, _ = PAGE.read_text(encoding="utf-8").partition(MARK)
    PAGE.write_text(f"{prose}{MARK}\n{render()}", encoding="utf-8")


def _leaves(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    for name, child in command.commands.items():
        if hasattr(child, "commands"):
            yield from _leaves(f"{path} {name}", child)
        else:
            yield f"{path} {name}", child


def _parameters(command: Any) -> list[str]:
    rows = [
        f"| {_names(parameter)} | {_help(parameter)} |"
        for parameter in command.params
        if parameter.name != "help" and not parameter.hidden
    ]
    return ["| | |", "|---|---|", *rows] if rows else []


def _names(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{parameter.metavar or parameter.name.upper()}`"
    return ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))


def _help(parameter: Any) -> str:
    text = (parameter.help or "").replace("|", "\\|")
    default = parameter.default
    # Switches are off unless said otherwise; `1 == True`, hence the question about the type.
    has_default = isinstance(default, (int, float, str)) and not isinstance(default, bool)
    variable = f" Variable: `{parameter.envvar}`." if parameter.envvar else ""
    return f"{text}{f' Default: {default}.' if has_default and default != '' else ''}{variable}"


def _sentence(command: Any) -> str:
    return " ".join((command.help or "").split())


if __name__ == "__main__":
    write()
