"""What must not stand in any file: paths of somebody's machine, and hosts of somebody's registry."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, name_of, tracked

# In pieces, so that this file does not find itself.
FORBIDDEN = {
    "a path of a machine": re.compile(
        r"(?<![\w.])/(?:wo" + r"rk|ro" + r"ot|home/\w+|Us" + r"ers/\w+)/|/tmp/o" + r"w\b"
    ),
    "the host of a package registry": re.compile(
        r"(?:extra-)?index-" + r"url|artif" + r"actory|/sim" + r"ple/|npm_config_reg" + r"istry"
    ),
}
BINARY = {".png", ".bin", ".ico", ".gz", ".zst", ".db"}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str) -> None:
    found = []
    for path in tracked():
        if path.suffix in BINARY:
            continue
        for number, line in enumerate(
            path.read_text(encoding="utf-8", errors="replace").split("\n")
        ):
            if FORBIDDEN[what].search(line):
                found.append(f"{name_of(path)}:{number + 1}: {line.strip()[:100]}")
    assert not found, "\n".join(found)


def test_what_is_no_checkout_is_skipped_and_not_an_error(tmp_path: Path) -> None:
    """Whoever unpacks an archive of the sources can run all other tests."""
    modules = [__file__, str(Path(__file__).with_name("test_links.py"))]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-p", "no:cacheprovider", *modules],
        cwd=ROOT,
        env=os.environ | {"GIT_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "1 skipped" in done.stdout


def test_locked_versions_name_no_place() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock and " @ " not in lock


def test_changelog_has_a_place_for_what_comes() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## Unreleased$", changelog, re.MULTILINE)


def test_no_module_is_called_by_a_word_that_says_nothing() -> None:
    names = {"utils", "helpers", "common", "manager"}
    assert not [path for path in tracked() if path.suffix == ".py" and Path(path).stem in names]
