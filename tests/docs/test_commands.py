"""Commands, examples and code on the pages work as written."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest
import typer
import yaml

from schemas.fast import decode_event, decode_line
from streams.cli.root import app
from streams.detect.detector import find_detectors
from streams.rules import load_rules
from tests.demo_story import played
from tests.docs.pages import ROOT, blocks, code_lines, name_of, pages

ROOT_COMMAND: Any = typer.main.get_command(app)
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
OWN = [page for page in pages() if "results" not in page.parts]


def _words(line: str) -> list[str]:
    """The words of a command, without what explains it beside or behind."""
    line = re.split(r"\s{2,}|\s#|[|;&<>()]", line.strip())[0]
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()


def _check_orderwatch(words: list[str]) -> None:
    command, known = ROOT_COMMAND, _options(ROOT_COMMAND)
    for word in words:
        if word.startswith("-") and word != "-":
            assert word.partition("=")[0] in known, f"`{' '.join(words)}`: no option {word}"
        elif word in getattr(command, "commands", {}):
            command = command.commands[word]
            known |= _options(command)
        elif command is ROOT_COMMAND and re.fullmatch(r"[a-z]+", word):
            raise AssertionError(f"`orderwatch {' '.join(words)}`: there is no command {word}")
    assert not hasattr(command, "commands") or not words or words[-1].startswith("-")


def _options(command: Any) -> set[str]:
    options = (option for parameter in command.params for option in parameter.opts)
    more = (option for parameter in command.params for option in parameter.secondary_opts)
    return {*options, *more, "--help"}


def test_make_help_lists_every_target_that_is_explained() -> None:
    listed = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    explained = re.findall(
        r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE
    )
    assert re.findall(r"^ +\x1b\[1m([a-z-]+)", listed, re.MULTILINE) == explained
    assert {"demo", "test", "setup", "help"} <= set(explained)


@pytest.mark.parametrize("page", OWN, ids=name_of)
def test_commands_exist(page: Path) -> None:
    for line in code_lines(page):
        words = _words(line)
        while words and re.fullmatch(r"[A-Z_]+=\S*|\$", words[0]):
            words = words[1:]
        match words:
            case ["orderwatch", *rest]:
                _check_orderwatch(rest)
            case ["make", *targets]:
                named = {word for word in targets if "=" not in word}
                assert named <= TARGETS, f"`{line}`: the Makefile has no {named - TARGETS}"
            case ["python", "-m", module, *_]:
                assert importlib.util.find_spec(module), f"`{line}`: there is no such module"
            case ["python", script, *_] if script.endswith(".py"):
                assert (ROOT / script).is_file(), f"`{line}`: there is no such file"


@pytest.mark.parametrize("page", OWN, ids=name_of)
def test_event_examples_follow_the_contract(page: Path) -> None:
    for block in blocks(page):
        if block.language != "json":
            continue
        example = orjson.loads(block.text)
        if "topic" in example:
            decode_line(block.text.encode())
        elif "event_id" in example:
            decode_event("orders", block.text.encode())


@pytest.mark.parametrize("page", OWN, ids=name_of)
def test_python_examples_import_what_exists(page: Path) -> None:
    for block in blocks(page):
        if block.language != "python":
            continue
        for node in ast.walk(ast.parse(block.text)):
            if isinstance(node, ast.ImportFrom) and node.module:
                module = importlib.import_module(node.module)
                missing = [name.name for name in node.names if not hasattr(module, name.name)]
                assert not missing, f"{node.module} has no {missing}"


def test_example_file_follows_the_contract() -> None:
    for line in (ROOT / "examples" / "events.jsonl").read_bytes().splitlines():
        decode_line(line)


def test_readme_is_short_enough_to_be_read() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 180


def test_readme_shows_the_end_of_the_demo_as_the_demo_says_it() -> None:
    assert played().summary() in (ROOT / "README.md").read_text(encoding="utf-8")


def test_readme_counts_no_detectors_by_hand() -> None:
    """The table is derived; a number in words beside it would be wrong with the next detector."""
    words = "two|three|four|five|ten|twenty|thirty|thirty-five"
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert not re.search(rf"(?i)\b(\d+|{words}) (detectors|of the domain's patterns)", text)


@pytest.mark.parametrize("name", ["connect", "deadlines", "next-steps"])
def test_rules_that_a_page_shows_complete_those_that_ship(name: str, tmp_path: Path) -> None:
    shipped = (ROOT / "streams" / "detect" / "rules.yaml").read_text("utf-8")
    examples = [b.text for b in blocks(ROOT / "docs" / f"{name}.md") if b.language == "yaml"]
    assert examples
    for shown in examples:
        path = tmp_path / "rules.yaml"
        path.write_text(f"{shipped}\n{shown}", encoding="utf-8")
        (shop,) = yaml.safe_load(shown)["shops"]
        rules = load_rules(path, find_detectors())
        assert rules.of(shop) is not rules.of("another")
