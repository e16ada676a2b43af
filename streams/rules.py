"""The rules file: read from disk, checked against the detectors; and the engine under these rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import structlog

from streams.detect.detector import Detector, find_detectors
from streams.detect.engine import Engine, Watch, unwatched
from streams.detect.rules import RuleSet, parse
from streams.detect.second_order import SecondOrder
from streams.documents import content_of, parse_yaml
from streams.errors import ConfigurationError
from streams.identities import configure
from streams.settings import Settings

log = structlog.get_logger(__name__)
# How often a running service looks whether its rules file has changed.
LOOK_EVERY_S: Final = 5.0
# Some ten thousand shops with rules of their own. Reading that takes a minute.
_MOST_BYTES: Final = 4 * 1024 * 1024


def name_of_rules(path: Path | None) -> str:
    """What messages call the rules of a file, or the default ones."""
    return str(path) if path else "the default rules"


def load_rules(path: Path | None, detectors: Sequence[Detector[Any]]) -> RuleSet:
    """The rules of a file, or the default ones. Raises ConfigurationError naming file and key."""
    source = path or files("streams.detect").joinpath("rules.yaml")
    where = name_of_rules(path)
    try:
        # No more than tells that it is none of rules: any file may be named.
        content = content_of(source, _MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"{where}: there is no such rules file; correct ORDERWATCH_RULES_PATH (or the argument "
            "of the command), or unset it for the default rules"
        ) from error
    except OSError as error:
        raise ConfigurationError(
            f"{where}: cannot be read: {error.strerror}; expected a file of rules"
        ) from error
    return _rules_of(content, where, detectors)


def _rules_of(content: bytes, where: str, detectors: Sequence[Detector[Any]]) -> RuleSet:
    if len(content) > _MOST_BYTES:
        raise ConfigurationError(
            f"{where}: has more than {_MOST_BYTES:,} bytes; expected a file of rules"
        )
    document = parse_yaml(content, where)
    try:
        return parse(document, detectors)
    except ValueError as error:
        # Besides what the rules refuse: numbers of thousands of digits, and text that is no Unicode.
        raise ConfigurationError(f"{where}: {error}") from error


def _now() -> datetime:
    return datetime.now(UTC)


class RulesFile:
    """The rules file of a running service, looked at again and again: what changes in it holds from then on.

    `take` gets the new rules, at `read_at`. A file that cannot be used changes nothing; `is_refused` says so.
    What a newcomer gets wrong: a look may find half of a file that is being written, so the same bytes must
    be found twice.
    """

    def __init__(
        self,
        settings: Settings,
        take: Callable[[RuleSet], object],
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._path = settings.rules_path
        self._now = now
        self._known = find_detectors()
        self._chosen = chosen_detectors(settings.detectors, self._known)
        self._take = take
        self._taken = self._seen = self._read()
        self.read_at = now()
        self.is_refused = False

    @property
    def name(self) -> str | None:
        """The file without its folder, which is nobody's business; None where there is none."""
        return self._path.name if self._path else None

    def look(self) -> float:
        """Take what the file says, if that is new and can be used; how long until the next look, in s."""
        if self._path is not None:
            self._look(self._path)
        return LOOK_EVERY_S

    def _look(self, path: Path) -> None:
        found = self._read()
        is_whole, self._seen = found == self._seen, found
        if not is_whole or found == self._taken:
            return
        self._taken = found
        try:
            # What was found, for the file may be another one by now.
            rules = (
                load_rules(path, self._known)
                if found is None
                else _rules_of(found, str(path), self._known)
            )
            refuse_idle(self._chosen, rules)
        except ConfigurationError as error:
            self.is_refused = True
            # Without what was found: a buyer who stands there without quotes is a number, and may be a phone.
            reason = str(error).partition(", found ")[0]
            log.error("rules_refused", reason=reason, instead="the rules that held before")
            return
        self.is_refused = False
        self._take(rules)
        self.read_at = self._now()
        log.info("rules_renewed", version=rules.version)

    def _read(self) -> bytes | None:
        """What the file holds; None when it cannot be read."""
        try:
            return content_of(self._path, _MOST_BYTES + 1) if self._path else None
        except OSError:
            return None


def build_engine(settings: Settings, watch: Watch = unwatched) -> Engine:
    """The detectors and rules of the settings; extraction is configured along with them.

    `watch` is the engine's.
    Raises ConfigurationError for an unknown detector and for rules or keys that cannot be used.
    """
    known = find_detectors()
    chosen = chosen_detectors(settings.detectors, known)
    rules = load_rules(settings.rules_path, known)
    refuse_idle(chosen, rules)
    configure(settings, reads_receivers=any(detector.reads_receivers for detector in chosen))
    return Engine(chosen, rules, settings.tenant, watch)


def chosen_detectors(names: str, known: Sequence[Detector[Any]]) -> Sequence[Detector[Any]]:
    """The detectors of these ids, separated by commas; all when there is none.

    Raises ConfigurationError for an unknown id, and for one that needs others that are not chosen.
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


def refuse_idle(chosen: Sequence[Detector[Any]], rules: RuleSet) -> None:
    """Refuse a choice of detectors with one that could never say anything.

    By the rules that hold where a shop has none of its own. Raises ConfigurationError.
    """
    running = frozenset(detector.id for detector in chosen)
    for detector in chosen:
        if not isinstance(detector, SecondOrder):
            continue
        missing = detector.missing(running, rules.of("")[detector.id].block)
        if missing:
            raise ConfigurationError(
                f"ORDERWATCH_DETECTORS: {detector.id} puts together what others find about "
                f"a {detector.subject}, and too few of those are chosen for it to find anything; add some "
                f"of {', '.join(missing)}, or leave {detector.id} out"
            )
