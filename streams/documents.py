"""The files that people write in YAML: read strictly, and refused with the line that cannot be meant."""

from __future__ import annotations

import errno
import re
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import yaml

from streams.errors import ConfigurationError


class _Refused(yaml.MarkedYAMLError):
    """What YAML would take and nobody can have meant; names at most a key."""


class _Loader(yaml.SafeLoader):
    """YAML whose keys are text and stand once: YAML itself lets the last of two win without a word."""

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        """What a value without quotes is: with a colon no number, for to YAML 1.1 a 22:00 is 1320."""
        tag: str = super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]
        return _TEXT if tag in _NUMBERS and ":" in value else tag

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if key.tag not in _KEY_TAGS:
                raise _refused(key, "is no text; put it in quotes")
            if key.value in seen:
                raise _refused(key, "stands here a second time; put together what belongs to it")
            seen.add(key.value)
        return node

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Take over the keys of others, each once: mappings that take over each other grow without end."""
        super().flatten_mapping(node)
        node.value = list({key.value: (key, value) for key, value in node.value}.values())

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep=deep)
        except ValueError as error:
            # The 30th of February, for one.
            raise yaml.MarkedYAMLError(problem=str(error), problem_mark=node.start_mark) from None

    def construct_yaml_int(self, node: yaml.ScalarNode) -> Any:
        if _OCTAL.match(node.value):
            raise _Refused(
                problem="a number that begins with 0 is octal, 010 is eight; write it without, or in quotes",
                problem_mark=node.start_mark,
            )
        return super().construct_yaml_int(node)


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)
_OCTAL = re.compile("[-+]?0[0-9_]")
_TEXT = "tag:yaml.org,2002:str"
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
# Text, and `<<`, which takes over the keys of another mapping.
_KEY_TAGS = (_TEXT, "tag:yaml.org,2002:merge")


def _refused(key: yaml.Node, what: str) -> _Refused:
    name = key.value if isinstance(key, yaml.ScalarNode) else "of several values"
    return _Refused(problem=f"the key {name} {what}", problem_mark=key.start_mark)


def read_yaml(path: Traversable, name: str, *, holds_secrets: bool = False) -> Any:
    """What a file says; `name` is how messages call it. Raises OSError when it cannot be read.

    Raises ConfigurationError for what is no YAML, with its line and, unless it `holds_secrets`, its words.
    """
    return parse_yaml(content_of(path), name, holds_secrets=holds_secrets)


def content_of(file: Traversable, most_bytes: int = -1) -> bytes:
    """What a file holds, of a long one no more than that. Raises OSError when it cannot be read."""
    # Whoever opens a pipe waits for somebody to write to it, and a device may never end.
    if isinstance(file, Path) and file.exists() and not (file.is_file() or file.is_dir()):
        raise OSError(errno.EINVAL, "it is a pipe or a device")
    with file.open("rb") as opened:
        return opened.read(most_bytes)


def parse_yaml(content: bytes, name: str, *, holds_secrets: bool = False) -> Any:
    """What these bytes of a file say; raises ConfigurationError as `read_yaml` does."""
    try:
        return yaml.load(content.decode("utf-8"), _Loader)
    except (UnicodeDecodeError, RecursionError, yaml.YAMLError) as error:
        # In one line: the last line of a log is where one looks for the cause.
        reason = _place(error) if holds_secrets else " ".join(str(error).split())
        raise ConfigurationError(f"{name}: cannot be read as YAML: {reason}") from None


def _place(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        what = f"{error.problem}, " if isinstance(error, _Refused) else ""
        return f"{what}line {mark.line + 1}"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return "a byte that is not UTF-8, or a character that YAML does not allow"
