"""All settings of all services, read once from the environment at the entry point, then handed on.

Nothing else in the project reads the environment. Unknown `ORDERWATCH_…` variables are refused,
so a misspelt setting never falls back to its default in silence.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    FilePath,
    SecretStr,
    ValidationError,
)
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from schemas.base import Id
from streams.errors import ConfigurationError

Port = Annotated[int, Field(ge=0, le=65535)]
# Without a port Kafka's clients take 9092. An IPv6 address stands in brackets.
_BROKER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+)(:(?P<port>\d{1,5}))?")


def _brokers(written: str) -> str:
    brokers = [broker.strip() for broker in written.split(",")]
    for broker in brokers:
        found = _BROKER.fullmatch(broker)
        if found is None or not 0 < int(found["port"] or 9092) <= 65535:
            raise ValueError(
                f"{broker!r} is no broker; expected host:port, several separated by commas"
            )
    return ",".join(brokers)


Brokers = Annotated[str, AfterValidator(_brokers)]
# For a server no host means all of them, for a path no name means the current folder, and Faust wants a
# group's name: whoever leaves such a variable empty means none of these.
Name = Annotated[str, Field(min_length=1)]


def _named(written: Any) -> Any:
    if written == "":
        raise ValueError("expected the path of a file or folder")
    return written


Named = Annotated[Path, BeforeValidator(_named)]


# What Kafka takes in a topic's name; some brokers take anything.
Prefix = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{0,200}$")]
# Kafka allows no longer session (group.max.session.timeout.ms), and who writes 30000 means milliseconds.
LONGEST_SESSION_S = 1800


class Settings(BaseSettings):
    """Frozen settings; every field is an environment variable with the prefix `ORDERWATCH_`.

    docs/settings.md is made of the comments (its sections) and the texts below the fields.
    """

    model_config = SettingsConfigDict(
        env_prefix="ORDERWATCH_",
        frozen=True,
        extra="forbid",
        env_nested_delimiter="__",
        use_attribute_docstrings=True,
    )

    # Kafka
    bootstrap_servers: Brokers = "127.0.0.1:9092"
    """Brokers to begin with: `host:port`, several separated by commas."""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """How to talk to the brokers. `SASL_…` needs a user name and a password."""
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    """How to sign in; read only with `SASL_…`."""
    sasl_username: str | None = None
    """User name for signing in."""
    sasl_password: SecretStr | None = None
    """Password for signing in; shown nowhere."""
    ssl_ca_file: FilePath | None = None
    """Certificate authority of the brokers (PEM); by default those of the system."""
    topic_prefix: Prefix = ""
    """Stands before the name of every topic, so that several installations can share a broker."""
    partitions: Annotated[int, Field(ge=1, le=1024)] = 8
    """Partitions of the topics keyed by buyer, item or subject. Choose once: four for each core ever
    wanted."""
    replication_factor: Annotated[int, Field(ge=1, le=9)] = 1
    """Copies of each topic that `topics apply` creates; 3 in production."""

    # Detection
    tenant: Id = "default"
    """Part of every alert id; the same events of another tenant give other alerts."""
    rules_path: Named | None = None
    """Rules file; by default the rules that ship with the package. Workers and inbox take a change of it
    without a restart."""
    detectors: str = ""
    """Ids of the detectors that run, separated by commas; all when empty. One that reads what others find
    runs only with those. Alerts of one that no longer runs are followed no longer, and expire 45 days
    after the last news of them; what it told other subjects is taken back."""
    identity_key: SecretStr | None = None
    """Key of the hashes that link accounts by phone, address, device and consignee, 16 to 64 bytes.
    Without it one is made and kept in `data_dir`; workers on several machines must be given the same.
    A worker refuses state that was written under another key, whose links it could not follow."""
    disposable_phones_path: Named | None = None
    """Numbers that anybody can receive messages with, one a line, or a JSON object whose keys they are;
    see docs/address-signals.md."""
    lateness_s: Annotated[int, Field(ge=0, le=86_400)] = 120
    """How long to wait for late events before concluding from silence. Later events still count."""
    horizon_clock: Literal["wall", "events", "newest"] = "wall"
    """What moves the horizon of a topic that is read to its end: the wall clock, only later events of its
    own, or the newest event of any topic. Set `events` while loading old data topic by topic, whose
    silence the clock of today says nothing about; `newest` where all topics are sent together, in the
    order in which it happened but faster, as the demo does."""
    max_future_s: Annotated[int, Field(ge=0, le=86_400)] = 600
    """An event that claims to be further ahead of the clock is a dead letter."""
    max_record_bytes: Annotated[int, Field(ge=1024, le=16 * 1024 * 1024)] = 1024 * 1024
    """A longer record is a dead letter; a replay refuses it."""

    # Worker
    group_id: Name = "orderwatch"
    """Consumer group of the workers."""
    group_instance_id: Name | None = None
    """This worker's lasting name in the group: a quick restart then moves no partitions."""
    transport: Literal["batch", "plain"] = "batch"
    """`batch` reads lists of records; `plain` is Faust's own path, slower, for comparison."""
    web_host: Name = "127.0.0.1"
    """Where `/metrics`, `/healthz` and `/readyz` of the worker listen, and the metrics of notify and
    stock."""
    web_port: Annotated[int, Field(ge=1, le=65535)] = 6066
    """The worker's port, which it cannot do without."""
    session_timeout_s: Annotated[float, Field(ge=1, le=LONGEST_SESSION_S)] = 30.0
    """A worker, or any other consumer, that is silent for longer loses its partitions."""
    rebalance_timeout_s: Annotated[float, Field(ge=1, le=LONGEST_SESSION_S)] = 30.0
    """How long the group waits for its members when partitions move."""
    commit_interval_s: Annotated[float, Field(gt=0, le=3600)] = 1.0
    """How often what was acknowledged is committed. The inbox is told as well: it calls a group stopped
    that commits nothing for twice as long, and for three minutes at least."""
    stall_timeout_s: Annotated[float, Field(gt=0, le=86_400)] = 60.0
    """The worker exits with 71 when records wait and nothing moved for so long."""
    dead_letter_max_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    """A worker stops when a larger share of the recent records of a topic is refused, and an inbox when
    a larger share of those of `alerts` is."""
    silence_min_buyers: Annotated[int, Field(ge=1)] = 20
    """When so many buyers of a shop, or of all shops, ordered in one partition since the last payment,
    payments count as down, and nothing is concluded from their silence."""

    # Inbox
    inbox_host: str = "127.0.0.1"
    """Where the console listens; anything but the loopback needs the token."""
    inbox_port: Port = 8080
    """Its port."""
    inbox_auth_token: SecretStr | None = None
    """Token for signing in, 16 ASCII characters or more; without it only the loopback is served."""
    inbox_retention_days: Annotated[int, Field(ge=120, le=3660)] = 400
    """Days after which the inbox deletes what was handled and not revised since: alerts, complaints that
    ended, and what people noted about them. Not below what Kafka keeps of alerts and a complaint takes."""
    database_url: str = "sqlite:///.orderwatch/inbox.db"
    """Database of the inbox: SQLite, or `postgresql://…` with the extra `postgres`."""

    # Notifications
    notify_routes_path: Named | None = None
    """Channels and routes (YAML); without it alerts go to the console only."""
    notify_console: bool = True
    """Whether alerts that no route sends to the console go there too."""
    notify_metrics_port: Port = 0
    """Port of the notifier's `/metrics`; 0 is off."""

    # Stock adjustment
    stock_dry_run: bool = True
    """Decide and say everything; what is commanded is marked as a rehearsal."""
    stock_approval: bool = True
    """Outside a dry run, top up only what a person approved: in the inbox, or by `stock --approve`."""
    stock_kill_switch: bool = False
    """Top up nothing; taking back goes on."""
    stock_item_budget_units: Annotated[int, Field(ge=0)] = 500
    """Units of one item topped up within 24 h of event time."""
    stock_shop_budget_units: Annotated[int, Field(ge=0)] = 5000
    """Units of one shop topped up within 24 h of event time."""
    stock_metrics_port: Port = 0
    """Port of the stock service's `/metrics`; 0 is off."""

    # Everything that keeps files
    data_dir: Named = Path(".orderwatch")
    """Where the worker, the notifier, the stock ledger, subscribers and the demo keep their files."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe messages that are logged."""


PREFIX = "ORDERWATCH_"
# Read by the tests to find the reference data; it configures nothing that runs.
_NOT_SETTINGS = frozenset({"ORDERWATCH_DATA"})


def load_settings(**overrides: Any) -> Settings:
    """Settings from the environment, with `overrides` (command-line options) on top.

    Raises ConfigurationError naming the variable, its value (secrets masked) and what was expected.
    """
    _refuse_unknown_variables()
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        raise ConfigurationError("\n".join(_explain(error))) from None
    except SettingsError as error:
        # A nested setting that is not valid JSON; the text names the field and not the value.
        raise ConfigurationError(f"{error}: expected JSON. Correct it or unset it.") from None
    _refuse_to_sign_in_as_nobody(settings)
    return settings


def environment(**values: object) -> dict[str, str]:
    """The environment for a child process: this one's, with `values` as settings on top."""
    given = {PREFIX + name.upper(): str(value) for name, value in values.items()}
    return {**os.environ, **given}


def variable_names(model: type[BaseModel] = Settings, prefix: str = PREFIX) -> Iterator[str]:
    """Every environment variable that is a setting, nested ones as `ORDERWATCH_OUTER__INNER`."""
    for name, field in model.model_fields.items():
        variable = prefix + name.upper()
        yield variable
        nested = _nested_model(field.annotation)
        if nested is not None:
            yield from variable_names(nested, variable + "__")


def _nested_model(annotation: Any) -> type[BaseModel] | None:
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _refuse_unknown_variables() -> None:
    known = set(variable_names()) | _NOT_SETTINGS
    unknown = sorted(
        v for v in os.environ if v.upper().startswith(PREFIX) and v.upper() not in known
    )
    if not unknown:
        return
    lines = []
    for variable in unknown:
        near = difflib.get_close_matches(variable.upper(), sorted(known), n=1, cutoff=0.6)
        hint = f"did you mean {near[0]}?" if near else "unset it, see docs/settings.md."
        lines.append(f"{variable} is not a setting of orderwatch: {hint}")
    raise ConfigurationError("\n".join(lines))


def _refuse_to_sign_in_as_nobody(settings: Settings) -> None:
    # A client would say only that no broker answers.
    if not settings.security_protocol.startswith("SASL"):
        return
    for name in ("sasl_username", "sasl_password"):
        if not getattr(settings, name):
            raise ConfigurationError(
                f"{PREFIX}{name.upper()} is not set, but {PREFIX}SECURITY_PROTOCOL is "
                f"{settings.security_protocol!r}, which signs in. Set it, or choose PLAINTEXT or SSL."
            )


def _explain(error: ValidationError) -> Iterator[str]:
    for problem in error.errors(include_url=False, include_context=False):
        path = [str(part) for part in problem["loc"]]
        variable = PREFIX + "__".join(path).upper()
        shown = "********" if _is_secret(path) else repr(problem["input"])
        expected = problem["msg"].removeprefix("Value error, ")
        yield f"{variable} is {shown}: {expected}. Correct it or unset it for the default."


def _is_secret(path: list[str]) -> bool:
    """Whether a value must not be shown: a secret by type, or a URL that may hold a password."""
    model: type[BaseModel] | None = Settings
    for part in path:
        field = model.model_fields.get(part) if model is not None else None
        if field is None:
            return False
        if "Secret" in str(field.annotation) or "url" in part:
            return True
        model = _nested_model(field.annotation)
    return False
