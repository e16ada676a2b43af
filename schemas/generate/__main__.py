"""Writes all derived files; with `--check` writes nothing and exits 1 when one is stale."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from schemas import compat
from schemas.generate import asyncapi, json_schema, structs, topic_page

_SCHEMAS = Path(__file__).resolve().parents[1]
_GENERATED = _SCHEMAS / "generated"
_DOCS = _SCHEMAS.parent / "docs"


def derived_files() -> dict[Path, str]:
    """Every derived file and the text that it should have."""
    files = {
        _SCHEMAS / "fast_types.py": structs.render(),
        _GENERATED / "asyncapi.yaml": asyncapi.render(),
        _DOCS / "topics.md": topic_page.render(),
    }
    for topic in json_schema.json_topics():
        files[_GENERATED / f"{topic.name}.schema.json"] = json_schema.render(topic)
    return files


def stale_files() -> list[Path]:
    """Derived files that are missing or differ, and files beside them that nothing derives."""
    files = derived_files()
    stale = [
        path
        for path, text in files.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    return stale + [path for path in sorted(_GENERATED.iterdir()) if path not in files]


def write() -> None:
    """Bring every derived file up to date and remove what nothing derives any more."""
    for path in stale_files():
        text = derived_files().get(path)
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")


def main() -> int:
    """The command; see the module docstring."""
    parser = argparse.ArgumentParser(prog="python -m schemas.generate", description=__doc__)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="only say what is stale")
    mode.add_argument(
        "--freeze", action="store_true", help="make the compatible schemas of now the baseline"
    )
    arguments = parser.parse_args()
    if arguments.check:
        stale = [str(path.relative_to(_SCHEMAS.parent)) for path in stale_files()]
        if stale:
            sys.stderr.write(f"stale: {', '.join(stale)}; run `python -m schemas.generate`\n")
        return 1 if stale else 0
    write()
    if arguments.freeze:
        breaks = compat.freeze(_GENERATED)
        sys.stderr.writelines(f"{line}\n" for line in breaks)
        return 1 if breaks else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
