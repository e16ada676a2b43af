"""The rules file: read from disk, checked against the detectors; and the engine under these rules."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from streams.detect.detector import Detector, find_detectors
from streams.detect.engine import Engine
from streams.detect.rules import RuleError, RuleSet, parse
from streams.errors import ConfigurationError
from streams.identities import configure
from streams.settings import Settings


class _Loader(yaml.SafeLoader):
    """YAML whose keys are text and stand once: YAML itself lets the last of two win without a word."""

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


# Text, and `<<`, which takes over the keys of another mapping.
_KEY_TAGS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge")


def _refused(key: yaml.Node, what: str) -> yaml.MarkedYAMLError:
    name = key.value if isinstance(key, yaml.ScalarNode) else "of several values"
    return yaml.MarkedYAMLError(problem=f"the key {name} {what}", problem_mark=key.start_mark)


def load_rules(path: Path | None, detectors: Sequence[Detector[Any]]) -> RuleSet:
    """The rules of a file, or the default ones. Raises ConfigurationError naming file and key."""
    where = str(path) if path else "the default rules"
    source = path or files("streams.detect").joinpath("rules.yaml")
    try:
        document = yaml.load(source.read_text(encoding="utf-8"), _Loader)
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"{where}: there is no such rules file; correct ORDERWATCH_RULES_PATH (or the argument "
            "of the command), or unset it for the default rules"
        ) from error
    # A ValueError is a byte that is not UTF-8, or the 30th of February.
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        # In one line: the last line of a log is where one looks for the cause.
        reason = " ".join(str(error).split())
        raise ConfigurationError(f"{where}: cannot be read as YAML: {reason}") from error
    try:
        return parse(document, detectors)
    except RuleError as error:
        raise ConfigurationError(f"{where}: {error}") from error


def build_engine(settings: Settings) -> Engine:
    """The detectors and rules of the settings; extraction is configured along with them.

    Raises ConfigurationError for an unknown detector and for rules or keys that cannot be used.
    """
    known = find_detectors()
    chosen = chosen_detectors(settings.detectors, known)
    configure(settings, reads_receivers=any(detector.reads_receivers for detector in chosen))
    return Engine(chosen, load_rules(settings.rules_path, known), settings.tenant)


def chosen_detectors(names: str, known: Sequence[Detector[Any]]) -> Sequence[Detector[Any]]:
    """The detectors of these ids, separated by commas; all when there is none.

    Raises ConfigurationError for an unknown id, and for one that needs another that is not chosen.
    """
    wanted = {name.strip() for name in names.split(",") if name.strip()}
    ids = sorted({detector.id for detector in known})
    for name in sorted(wanted.difference(ids)):
        raise ConfigurationError(
            f"ORDERWATCH_DETECTORS: there is no detector {name!r}; expected some of {', '.join(ids)}"
        )
    chosen = [detector for detector in known if not wanted or detector.id in wanted]
    running = {detector.id for detector in chosen}
    for detector in chosen:
        for name in sorted(set(detector.needs) - running):
            raise ConfigurationError(
                f"ORDERWATCH_DETECTORS: {detector.id} reads what {name} finds; add {name} or leave "
                f"{detector.id} out"
            )
    return chosen
