"""Topics on the broker, held against the registry: created when missing, compared when there.

Nothing is ever deleted or given more partitions here: both would move buyers to other partitions
and lose their state. The trap: the embedded broker executes a request that only asks for
validation, so a dry run must not send any.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from schemas.topics import TOPICS, Topic
from streams.errors import ConfigurationError, TransientError
from streams.kafka import clients
from streams.settings import Settings

SETTLE_S = 10.0
SETTLE_POLL_S = 0.1
BLOCKED_CURE = (
    "Set ORDERWATCH_PARTITIONS to the number that the keyed topics have, if they all have the "
    "same; else stop the workers, delete the wrong topics and apply again. Do not add partitions: a "
    "buyer's events would move to another worker, away from what is known about the buyer."
)
Action = Literal["ok", "missing", "created", "drift", "fixed", "blocked"]


@dataclass(frozen=True)
class Wanted:
    """A topic as the registry and the settings want it on the broker."""

    name: str
    topic: Topic
    partitions: int
    replication: int
    configs: dict[str, str]


@dataclass(frozen=True)
class Found:
    """A topic as it is; configs that the broker does not tell are absent."""

    partitions: int
    replication: int
    configs: dict[str, str]


@dataclass(frozen=True)
class Row:
    """What is the case with one topic. `drift` maps a config to (found, wanted)."""

    wanted: Wanted
    action: Action
    detail: str = ""
    found: Found | None = None

    @property
    def drift(self) -> dict[str, tuple[str, str]]:
        """Configs whose value on the broker differs from the registry."""
        if self.found is None:
            return {}
        present = self.found.configs
        return {
            key: (present[key], value)
            for key, value in self.wanted.configs.items()
            if key in present and not _is_as_wanted(key, present[key], value)
        }


def _is_as_wanted(key: str, found: str, wanted: str) -> bool:
    # A topic that takes larger records than ours need was set so for the sake of somebody's records.
    if key == "max.message.bytes" and found.isdecimal():
        return int(found) >= int(wanted)
    return found == wanted


@dataclass(frozen=True)
class Report:
    """All rows in the order of the registry."""

    rows: list[Row]
    is_dry_run: bool = False

    @property
    def is_blocked(self) -> bool:
        """Whether a topic needs a person: nothing was created or altered then."""
        return any(row.action == "blocked" for row in self.rows)


def apply(settings: Settings, *, dry_run: bool = False, fix: bool = False) -> Report:
    """Create what is missing and, with `fix`, alter configs that differ. Idempotent.

    When any topic has a wrong number of partitions nothing is touched at all, because the topics of
    a buyer must have the same number. Raises TransientError when no broker answers.
    """
    with _admin(settings) as client:
        report = Report(_compare(client, settings), dry_run)
        if dry_run or report.is_blocked:
            return report
        _create(client, [row.wanted for row in report.rows if row.action == "missing"])
        expected = {row.wanted.name for row in report.rows if row.action == "missing"}
        if fix:
            expected |= _alter(client, [row for row in report.rows if row.drift])
        after = _await(client, settings, expected)
    return Report([_outcome(old, new) for old, new in zip(report.rows, after, strict=True)])


def listing(settings: Settings) -> list[Row]:
    """Every topic of the registry, compared with the broker."""
    with _admin(settings) as client:
        return _compare(client, settings)


def present(settings: Settings) -> set[str]:
    """The topics of the registry, by plain name, that the broker has."""
    with _admin(settings) as client:
        on_broker = set(client.list_topics())
    return {name for name in TOPICS if clients.topic_name(settings, name) in on_broker}


def wanted_topics(settings: Settings) -> list[Wanted]:
    """The registry under these settings: prefix, partitions, replication, configs."""
    return [
        Wanted(
            name=clients.topic_name(settings, topic.name),
            topic=topic,
            partitions=topic.partition_count(settings.partitions),
            replication=settings.replication_factor,
            configs=topic.kafka_config(),
        )
        for topic in TOPICS.values()
    ]


def _compare(client: KafkaAdminClient, settings: Settings) -> list[Row]:
    wanted = wanted_topics(settings)
    found = _found(client, {topic.name for topic in wanted})
    return [_row(topic, found.get(topic.name)) for topic in wanted]


def _row(wanted: Wanted, found: Found | None) -> Row:
    if found is None:
        return Row(wanted, "missing", f"{wanted.partitions} partitions")
    if found.partitions != wanted.partitions:
        detail = f"has {found.partitions} partitions, expected {wanted.partitions}"
        return Row(wanted, "blocked", detail, found)
    row = Row(wanted, "drift", found=found)
    notes = [f"{key} is {now}, expected {then}" for key, (now, then) in row.drift.items()]
    if found.replication < wanted.replication:
        notes.append(
            f"replication is {found.replication}, expected {wanted.replication} "
            "(kafka-reassign-partitions raises it)"
        )
    if notes:
        return Row(wanted, "drift", "; ".join(notes), found)
    return Row(wanted, "ok", found=found)


def _found(client: KafkaAdminClient, names: set[str]) -> dict[str, Found]:
    present = sorted(names & set(client.list_topics()))
    if not present:
        return {}
    described = {topic["name"]: topic["partitions"] for topic in client.describe_topics(present)}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in present]
    configs = client.describe_configs(resources, config_filter="all").get("topic", {})
    return {
        name: Found(
            partitions=len(partitions),
            replication=min((len(p["replica_nodes"]) for p in partitions), default=0),
            configs={k: str(entry["value"]) for k, entry in configs.get(name, {}).items()},
        )
        for name, partitions in described.items()
    }


def _create(client: KafkaAdminClient, missing: list[Wanted]) -> None:
    if not missing:
        return
    request = {
        topic.name: {
            "num_partitions": topic.partitions,
            "replication_factor": topic.replication,
            "configs": topic.configs,
        }
        for topic in missing
    }
    answer = client.create_topics(request, raise_errors=False)
    for topic in answer["topics"]:
        error = for_code(topic["error_code"])
        # Somebody else applied at the same moment; the comparison that follows looks at the result.
        if topic["error_code"] and error is not TopicAlreadyExistsError:
            raise ConfigurationError(
                f"topic {topic['name']} was not created ({error.__name__}: "
                f"{topic['error_message']}). Check ORDERWATCH_REPLICATION_FACTOR against the "
                "number of brokers, and the rights of the account."
            )
    client.wait_for_topics([topic.name for topic in missing])


def _await(client: KafkaAdminClient, settings: Settings, expected: set[str]) -> list[Row]:
    """Compare until these topics have no drift: a broker tells new configs a moment later."""
    deadline = time.monotonic() + SETTLE_S
    while True:
        rows = _compare(client, settings)
        is_settled = not any(row.drift for row in rows if row.wanted.name in expected)
        if is_settled or time.monotonic() > deadline:
            return rows
        time.sleep(SETTLE_POLL_S)


def _alter(client: KafkaAdminClient, rows: list[Row]) -> set[str]:
    changes = [
        ConfigResource(
            ConfigResourceType.TOPIC,
            row.wanted.name,
            {key: value for key, (_, value) in row.drift.items()},
        )
        for row in rows
    ]
    if not changes:
        return set()
    # The embedded broker does not list every config, so unknown ones are the broker's to refuse.
    answer = client.alter_configs(changes, raise_on_unknown=False).get("topic", {})
    refused = {name: result for name, result in answer.items() if result != "OK"}
    if refused:
        details = "; ".join(f"{name}: {result}" for name, result in refused.items())
        raise ConfigurationError(f"configs were not altered: {details}")
    return {row.wanted.name for row in rows}


def _outcome(before: Row, after: Row) -> Row:
    if before.action == "missing" and after.action == "ok":
        return Row(after.wanted, "created", before.detail, after.found)
    if before.action == "drift" and after.action == "ok":
        return Row(after.wanted, "fixed", before.detail, after.found)
    return after


@contextmanager
def _admin(settings: Settings) -> Iterator[KafkaAdminClient]:
    client = clients.admin(settings)
    try:
        yield client
    except KafkaError as error:
        raise TransientError(
            f"the broker at {settings.bootstrap_servers} refused or did not answer an "
            f"administrative request ({type(error).__name__}: {error}). Check the broker's log and "
            "the rights of the account, then apply again."
        ) from error
    finally:
        client.close()
