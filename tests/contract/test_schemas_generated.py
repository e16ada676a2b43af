"""What is derived from the models and the registry is current, valid, and complete."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator, Draft202012Validator

import schemas
from schemas.generate import asyncapi
from schemas.generate.__main__ import derived_files, stale_files
from schemas.generate.json_schema import json_topics
from schemas.topics import INPUT_TOPICS, TOPICS

ROOT = Path(schemas.__file__).parents[1]
GENERATED = ROOT / "schemas" / "generated"
OFFICIAL = Path(__file__).with_name("data") / "asyncapi-3.0.0.json"


def _document() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((GENERATED / "asyncapi.yaml").read_text("utf-8"))
    return document


def _references(node: Any) -> set[str]:
    if isinstance(node, list):
        return set().union(*map(_references, node))
    if not isinstance(node, dict):
        return set()
    own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
    return own.union(*map(_references, node.values()))


def _integers(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, list):
        for item in node:
            yield from _integers(item)
    elif isinstance(node, dict):
        if node.get("type") == "integer":
            yield node
        for value in node.values():
            yield from _integers(value)


def _resolve(document: Any, reference: str) -> Any:
    node = document
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def test_every_derived_file_is_current() -> None:
    stale = [str(path.relative_to(ROOT)) for path in stale_files()]
    assert not stale, "run `python -m schemas.generate`"


def test_the_check_says_what_is_stale_and_fails(tmp_path: Path) -> None:
    # On a copy, because the derived files are read by other tests at the same time.
    for name in ("schemas", "docs"):
        (tmp_path / name).mkdir()
    copy = tmp_path / "schemas"
    for path in (ROOT / "schemas").rglob("*"):
        if path.suffix in (".py", ".yaml", ".json") and "examples" not in path.parts:
            target = copy / path.relative_to(ROOT / "schemas")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    command = [sys.executable, "-m", "schemas.generate"]
    first = subprocess.run([*command, "--check"], cwd=tmp_path, capture_output=True, text=True)
    assert first.returncode == 1
    assert "stale: docs/topics.md; run" in first.stderr
    (copy / "generated" / "stray.json").write_text("{}")
    assert subprocess.run(command, cwd=tmp_path).returncode == 0
    assert not (copy / "generated" / "stray.json").exists()
    assert subprocess.run([*command, "--check"], cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("topic", [topic.name for topic in json_topics()])
def test_every_schema_is_valid_and_self_contained(topic: str) -> None:
    schema = json.loads((GENERATED / f"{topic}.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    for reference in _references(schema):
        assert _resolve(schema, reference)


def test_the_asyncapi_document_is_valid_asyncapi() -> None:
    official = json.loads(OFFICIAL.read_text("utf-8"))
    errors = [
        f"{error.json_path}: {error.message[:200]}"
        for error in Draft7Validator(official).iter_errors(_document())
    ]
    assert not errors


def test_every_reference_of_the_asyncapi_document_resolves() -> None:
    document = _document()
    for reference in _references(document):
        assert _resolve(document, reference) is not None


def test_the_asyncapi_document_names_every_topic_but_the_changelogs() -> None:
    document = _document()
    public = {topic.name for topic in TOPICS.values() if topic.direction != "internal"}
    assert set(document["channels"]) == public
    targets = {operation["channel"]["$ref"] for operation in document["operations"].values()}
    assert targets == {f"#/channels/{name}" for name in public}


def test_the_asyncapi_document_sends_what_orderwatch_writes_and_nothing_else() -> None:
    # Whoever generates the other side from it would read where it has to write.
    document = _document()
    actions = {
        operation["channel"]["$ref"].removeprefix("#/channels/"): operation["action"]
        for operation in document["operations"].values()
    }
    assert actions["alerts"] == actions["actions"] == actions["dead-letters"] == "send"
    assert actions["control"] == actions["action-results"] == "receive"
    assert {actions[name] for name in INPUT_TOPICS} == {"receive"}


def test_the_asyncapi_document_says_where_a_record_belongs() -> None:
    document = _document()
    for name, channel in document["channels"].items():
        known = TOPICS[name].partitions if isinstance(TOPICS[name].partitions, int) else None
        assert channel["bindings"]["kafka"].get("partitions") == known
    for word in ("ORDERWATCH_TOPIC_PREFIX", "ORDERWATCH_PARTITIONS", "murmur2"):
        assert word in document["info"]["description"]


@pytest.mark.parametrize("topic", [topic.name for topic in json_topics()])
def test_a_whole_number_that_may_outgrow_32_bits_says_so(topic: str) -> None:
    # Generators for Java make an int of an integer otherwise, and no order of 30 million rupiah fits.
    schema = json.loads((GENERATED / f"{topic}.schema.json").read_text("utf-8"))
    for number in _integers(schema):
        least, most = number.get("minimum", -math.inf), number.get("maximum", math.inf)
        is_small = "const" in number or (least >= -(2**31) and most < 2**31)
        assert number.get("format") == (None if is_small else "int64"), number


def test_every_schema_of_the_asyncapi_document_is_used() -> None:
    document = _document()
    used = _references(document)
    for kind in ("messages", "schemas"):
        declared = {f"#/components/{kind}/{name}" for name in document["components"][kind]}
        assert declared <= used


def test_two_schemas_of_one_name_are_refused() -> None:
    taken: dict[str, Any] = {"Receiver": {"type": "string"}}
    with pytest.raises(ValueError, match="called Receiver"):
        asyncapi._messages(TOPICS["orders"], taken)


def test_every_topic_and_header_is_documented() -> None:
    page = (ROOT / "docs" / "topics.md").read_text("utf-8")
    for topic in TOPICS.values():
        assert f"\n### {topic.name}\n" in page
        for header in topic.headers:
            assert f"`{header}`" in page


def test_links_of_the_topic_page_lead_somewhere() -> None:
    page = derived_files()[ROOT / "docs" / "topics.md"]
    for target in {part.partition(")")[0] for part in page.split("](")[1:]}:
        if not target.startswith("#"):
            assert (ROOT / "docs" / target).exists(), target
