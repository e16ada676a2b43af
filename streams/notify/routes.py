"""The routes file: which alerts go to which channels, read once at start.

All routes that match are followed, and a channel gets a revision once however many routes name it.
The trap: channel URLs hold secrets, so no error or log line here may show one.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, ValidationError

from schemas.alerts import SEVERITIES, Alert, Severity
from schemas.base import Id, ShopId
from streams.detect.detector import find_detectors
from streams.documents import read_yaml
from streams.errors import ConfigurationError
from streams.notify.told import NOTHING_TOLD, Told
from streams.settings import Settings
from streams.subscriber import AlertFilter

CONSOLE = "console"
# Whoever heard of an alert hears these however mild it is by then.
SEQUELS = frozenset({"reopened", "resolved", "retracted", "expired"})
# Updates change numbers only; telling them would teach people to look away.
NotifiedChange = Literal["opened", "escalated", "reopened", "resolved", "retracted", "expired"]
# Names are metric labels and part of notification ids.
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
DetectorId = Annotated[str, StringConstraints(pattern=r"^D\d\d$")]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ChannelConfig(_Strict):
    """One receiver: an apprise URL (inline or in a file) and how to treat it."""

    url: SecretStr | None = None
    url_file: Path | None = None
    language: Literal["zh", "en", "both"] = "both"
    max_per_minute: Annotated[int, Field(ge=1, le=10_000)] = 20
    timeout_s: Annotated[float, Field(gt=0, le=120)] = 15.0
    give_up_after_s: Annotated[float, Field(ge=0)] = 86_400.0
    after_crash: Literal["repeat", "skip"] = "repeat"


class Route(_Strict):
    """A filter on alerts, and the channels that get what passes; expiry only when `changes` says so."""

    name: Name
    to: Annotated[list[Name], Field(min_length=1)]
    min_severity: Severity = "info"
    detectors: frozenset[DetectorId] = frozenset()
    shops: frozenset[ShopId] = frozenset()
    changes: Annotated[frozenset[NotifiedChange], Field(min_length=1)] = frozenset(
        {"opened", "escalated", "reopened", "resolved", "retracted"}
    )

    @cached_property
    def where(self) -> AlertFilter:
        """The filter that this route stands for."""
        return AlertFilter(
            detectors=self.detectors,
            shops=self.shops,
            changes=frozenset(self.changes),
            min_severity=self.min_severity,
        )

    def wants(self, alert: Alert, told: Told | None) -> bool:
        """Whether a channel that was told so much about this alert gets this revision."""
        if self.where.matches(alert):
            return True
        about = AlertFilter(detectors=self.detectors, shops=self.shops)
        if told is None or not self._is_severe(told.worst) or not about.matches(alert):
            return False
        return alert.change in self.changes & SEQUELS or self._is_taken_back(alert, told)

    def _is_taken_back(self, alert: Alert, told: Told) -> bool:
        """Whether the last message was severe enough for this route, and is no longer true.

        It is half a retraction, so it goes where retractions go. What is over needs none: nobody
        acts on it any more.
        """
        return (
            "retracted" in self.changes
            and alert.status not in ("resolved", "retracted")
            and self._is_severe(told.last)
            and not self._is_severe(alert.severity)
        )

    def _is_severe(self, severity: Severity) -> bool:
        return SEVERITIES.index(severity) >= SEVERITIES.index(self.min_severity)


class Routes(_Strict):
    """The whole file."""

    channels: dict[Name, ChannelConfig] = {}
    routes: list[Route] = []

    def channels_for(self, alert: Alert, told: Mapping[str, Told] = NOTHING_TOLD) -> list[Id]:
        """Names of the channels that get this revision, each once, in the order of the file.

        `told` is what each channel heard about this alert before.
        """
        if alert.suppressed_by is not None:
            return []
        wanting = (
            name for route in self.routes for name in route.to if route.wants(alert, told.get(name))
        )
        return list(dict.fromkeys(wanting))


def load_routes(settings: Settings) -> Routes:
    """The routes of `settings`, with the console added unless a route names it or it is off.

    Raises ConfigurationError naming the file, the key and the nearest known one.
    """
    path = settings.notify_routes_path
    routes = Routes() if path is None else _read(path)
    named = {name for route in routes.routes for name in route.to}
    if settings.notify_console and CONSOLE not in named:
        console = Route(name=CONSOLE, to=[CONSOLE])
        routes = routes.model_copy(update={"routes": [*routes.routes, console]})
    if not routes.routes:
        raise ConfigurationError(
            "Nobody would be notified: set ORDERWATCH_NOTIFY_ROUTES_PATH or leave "
            "ORDERWATCH_NOTIFY_CONSOLE on."
        )
    return routes


def _read(path: Path) -> Routes:
    try:
        document = read_yaml(path, str(path), holds_secrets=True)
    except OSError as error:
        raise ConfigurationError(f"Cannot read the routes file {path}: {error.strerror}.") from None
    try:
        routes = Routes.model_validate(document if document is not None else {})
    except ValidationError as error:
        raise ConfigurationError("\n".join(_explain(path, error))) from None
    _check_names(path, routes)
    return routes.model_copy(
        update={"channels": {n: _with_url(path, n, c) for n, c in routes.channels.items()}}
    )


def _check_names(path: Path, routes: Routes) -> None:
    if CONSOLE in routes.channels:
        raise ConfigurationError(f"{path}: channels.{CONSOLE} is built in; choose another name.")
    known = [CONSOLE, *routes.channels]
    detectors = sorted({one.id for one in find_detectors()})
    for route in routes.routes:
        # A route for a detector that does not exist would stay silent for ever.
        for name in sorted(route.detectors.difference(detectors)):
            raise ConfigurationError(
                f"{path}: route {route.name} names detector {name!r}, which does not exist"
                f"{_nearest(name, detectors)}."
            )
        for name in route.to:
            if name not in known:
                raise ConfigurationError(
                    f"{path}: route {route.name} sends to {name!r}, which is no channel"
                    f"{_nearest(name, known)}."
                )


def _with_url(path: Path, name: str, channel: ChannelConfig) -> ChannelConfig:
    if (channel.url is None) == (channel.url_file is None):
        raise ConfigurationError(f"{path}: channels.{name} needs either url or url_file.")
    if channel.url_file is None:
        return channel
    # Relative to the routes file, so that both can be mounted from one secret.
    file = path.parent / channel.url_file
    try:
        url = file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigurationError(
            f"{path}: cannot read channels.{name}.url_file {file}: {error.strerror}."
        ) from None
    except UnicodeDecodeError:
        raise ConfigurationError(
            f"{path}: channels.{name}.url_file {file} is no text: a byte in it is not UTF-8."
        ) from None
    return channel.model_copy(update={"url": SecretStr(url)})


def _explain(path: Path, error: ValidationError) -> list[str]:
    lines = []
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        where = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            known = list(_model_at(problem["loc"]).model_fields)
            hint = _nearest(str(problem["loc"][-1]), known)
            lines.append(f"{path}: {where} is not a known key{hint}.")
        else:
            lines.append(f"{path}: {where or 'the file'}: {problem['msg']}.")
    return lines


def _model_at(location: tuple[Any, ...]) -> type[BaseModel]:
    if len(location) == 1:
        return Routes
    return ChannelConfig if location[0] == "channels" else Route


def _nearest(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f" (did you mean {near[0]!r}?)" if near else f" (known: {', '.join(known)})"
