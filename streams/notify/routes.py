"""The routes file: which alerts go to which channels, read once at start.

All routes that match are followed, and a channel gets a revision once however many routes name it.
The trap: channel URLs hold secrets, so no error or log line here may show one.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)

from schemas.alerts import SEVERITIES, Alert, Severity
from schemas.base import ShopId
from schemas.outputs import DeadlineTurn
from streams.detect.deadlines import Code
from streams.detect.detector import find_detectors
from streams.documents import content_of, read_yaml
from streams.errors import ConfigurationError
from streams.notify.hours import Digest, Quiet, Strict
from streams.notify.text import is_over
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
# What the platform holds against the shop. T01 asks nobody for anything, T09 and T10 are promises to
# ourselves, and when T11 has passed there is an alert that says so.
PLATFORM: Final[frozenset[Code]] = frozenset(get_args(Code)) - {"T01", "T09", "T10", "T11"}


def _read_codes(value: object) -> object:
    if isinstance(value, str) and value in ("all", "none"):
        return get_args(Code) if value == "all" else ()
    if isinstance(value, list) and value:
        return value
    raise ValueError("expected all, none, or a list of codes like [T04, T05]")


class ChannelConfig(Strict):
    """One receiver: an apprise URL (inline or in a file) and how to treat it."""

    url: SecretStr | None = None
    url_file: Path | None = None
    language: Literal["zh", "en", "both"] = "both"
    max_per_minute: Annotated[int, Field(ge=1, le=10_000)] = 20
    timeout_s: Annotated[float, Field(gt=0, le=120)] = 15.0
    give_up_after_s: Annotated[float, Field(ge=0)] = 86_400.0
    after_crash: Literal["repeat", "skip"] = "repeat"
    group_s: Annotated[float, Field(ge=0, le=3600)] = 60.0
    quiet: Quiet | None = None


class Route(Strict):
    """A filter on alerts, and the channels that get what passes; expiry only when `changes` says so.

    `deadlines` are those of which the channels hear when they turn, of alerts that pass.
    """

    name: Name
    to: Annotated[list[Name], Field(min_length=1)]
    min_severity: Severity = "info"
    detectors: frozenset[DetectorId] = frozenset()
    shops: frozenset[ShopId] = frozenset()
    changes: Annotated[frozenset[NotifiedChange], Field(min_length=1)] = frozenset(
        {"opened", "escalated", "reopened", "resolved", "retracted"}
    )
    deadlines: Annotated[frozenset[Code], BeforeValidator(_read_codes)] = PLATFORM
    digest: Digest | None = None
    repeat_s: Annotated[float, Field(ge=60, le=7 * 86_400)] | None = None
    repeat_times: Annotated[int, Field(ge=1, le=100)] = 3

    @model_validator(mode="after")
    def _repeats_by_some_time(self) -> Route:
        if self.repeat_s is None and "repeat_times" in self.model_fields_set:
            raise ValueError(
                f"repeat_times is {self.repeat_times}, but repeat_s says nothing about when"
            )
        return self

    @cached_property
    def where(self) -> AlertFilter:
        """The filter that this route stands for."""
        return AlertFilter(
            detectors=self.detectors,
            shops=self.shops,
            changes=self.changes,
            min_severity=self.min_severity,
        )

    def wants(self, alert: Alert, told: Told | None) -> bool:
        """Whether a channel that was told so much about this alert gets this revision."""
        if self.where.matches(alert):
            return True
        if told is None or not self._is_severe(told.worst) or not self._is_about(alert):
            return False
        return alert.change in self.changes & SEQUELS or self._is_taken_back(alert, told)

    def wants_turn(self, turn: DeadlineTurn) -> bool:
        """Whether this route's channels are told of a deadline that turned."""
        return (
            turn.code in self.deadlines and self._is_severe(turn.severity) and self._is_about(turn)
        )

    def repeats(self, alert: Alert) -> bool:
        """Whether this alert, as it is now, is told again by and by to whoever was told of it."""
        return (
            self.repeat_s is not None
            and alert.status == "open"
            and alert.suppressed_by is None
            and self._is_about(alert)
            and self._is_severe(alert.severity)
        )

    def _is_about(self, found: Alert | DeadlineTurn) -> bool:
        return (not self.detectors or found.detector in self.detectors) and (
            not self.shops or found.shop_id in self.shops
        )

    def _is_taken_back(self, alert: Alert, told: Told) -> bool:
        """Whether the last message was severe enough for this route, and is no longer true.

        It is half a retraction, so it goes where retractions go. What is over needs none: nobody
        acts on it any more.
        """
        return (
            "retracted" in self.changes
            and not is_over(alert)
            and self._is_severe(told.last)
            and not self._is_severe(alert.severity)
        )

    def _is_severe(self, severity: Severity) -> bool:
        return SEVERITIES.index(severity) >= SEVERITIES.index(self.min_severity)


class Routes(Strict):
    """The whole file."""

    channels: dict[Name, ChannelConfig] = Field(default_factory=dict)
    routes: list[Route] = Field(default_factory=list)

    def channels_for(
        self, alert: Alert, told: Mapping[str, Told] = NOTHING_TOLD
    ) -> dict[Name, list[Route]]:
        """The channels that get this revision, in the order of the file, each with the routes that say so.

        `told` is what each channel heard about this alert before.
        """
        wanting: dict[Name, list[Route]] = {}
        for route in self.routes:
            for name in dict.fromkeys(route.to):
                if may_hear(alert, has_heard=name in told) and route.wants(alert, told.get(name)):
                    wanting.setdefault(name, []).append(route)
        return wanting

    def channels_for_turn(self, turn: DeadlineTurn) -> dict[Name, list[Route]]:
        """As `channels_for`, for a deadline that turned."""
        wanting: dict[Name, list[Route]] = {}
        for route in self.routes:
            if route.wants_turn(turn):
                for name in dict.fromkeys(route.to):
                    wanting.setdefault(name, []).append(route)
        return wanting

    def repeating(self, alert: Alert, channel: str) -> Route | None:
        """The route by which the channel is told of this alert again, the most often of several."""
        routes = [one for one in self.routes if channel in one.to and one.repeats(alert)]
        return min(routes, key=lambda one: one.repeat_s or 0.0, default=None)


def may_hear(alert: Alert, *, has_heard: bool) -> bool:
    """Whether anybody is told of this revision: of what is suppressed only its end, and who heard of it.

    They would else wait for its end for ever.
    """
    return alert.suppressed_by is None or (has_heard and alert.status != "open")


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
        raise ConfigurationError(
            f"Cannot read the routes file {path}: {error.strerror}; expected a file."
        ) from None
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
        url = content_of(file).decode("utf-8").strip()
    except OSError as error:
        raise ConfigurationError(
            f"{path}: cannot read channels.{name}.url_file {file}: {error.strerror}; expected a file."
        ) from None
    except UnicodeDecodeError:
        raise ConfigurationError(
            f"{path}: channels.{name}.url_file {file} is no text: a byte in it is not UTF-8."
        ) from None
    return channel.model_copy(update={"url": SecretStr(url)})


def _explain(path: Path, error: ValidationError) -> list[str]:
    lines = []
    for problem in error.errors(include_url=False, include_context=False):
        where = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            hint = _nearest(str(problem["loc"][-1]), _keys_at(problem["loc"]))
            lines.append(f"{path}: {where} is not a known key{hint}.")
        else:
            # A number is no secret; anything else may be a URL in the wrong place.
            value = f" {problem['input']}" if isinstance(problem["input"], int | float) else ""
            message = problem["msg"].removeprefix("Value error, ")
            lines.append(f"{path}: {where or 'the file'}{value}: {message}.")
    return lines


def _keys_at(location: tuple[Any, ...]) -> list[str]:
    """The keys that the file knows where this one stands."""
    model: type[BaseModel] = Routes
    if len(location) > 1:
        model = ChannelConfig if location[0] == "channels" else Route
        parts: dict[str, type[BaseModel]] = {"quiet": Quiet, "digest": Digest}
        model = parts.get(str(location[-2]), model)
    return [field.alias or name for name, field in model.model_fields.items()]


def _nearest(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f" (did you mean {near[0]!r}?)" if near else f" (known: {', '.join(known)})"
