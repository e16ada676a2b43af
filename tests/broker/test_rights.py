"""The rights that docs/operations.md lists are enough for every service, and who lacks one is told so."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import orjson
import pytest
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern, ResourceType

from schemas.alerts import AlertEnvelope
from schemas.topics import INPUT_TOPICS, TOPICS
from streams.cli import doctor
from streams.demo.broker import HOST, free_port
from streams.errors import TransientError
from streams.kafka import clients
from streams.kafka.publisher import KafkaPublisher, Outgoing
from streams.settings import Settings, environment
from tests.broker.test_pipeline import SERVICES, services, stories
from tests.brokers import ApacheKafka, also_listening
from tests.topic_io import Message, create_topics, produce, read_to_end
from tests.visiting import get
from tests.workers import load, worker

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
PASSWORD = "of-a-test"
EVENTS = "all topics of events"


@dataclass
class Rights:
    """What one user may do, by plain names of topics and the names of groups."""

    reads: list[str]
    writes: list[str]
    groups: list[str]
    sees: list[str] = field(default_factory=list)
    sees_groups: list[str] = field(default_factory=list)


def listed() -> dict[str, Rights]:
    """The table of the page, and the sentences below it."""
    table = re.search(r"\| user of \|.*?\n\n(.*?)\n\n", PAGE.read_text("utf-8"), re.DOTALL)
    assert table is not None
    found = {}
    for line in table[0].splitlines()[2:]:
        if not line.startswith("|"):
            break
        name, reads, writes, group = (cell.strip() for cell in line.strip("|").split("|"))
        found[name] = Rights(_names(reads), _names(writes), _names(group))
    assert (
        f"`READ` on {EVENTS} and on `signals`, and `DESCRIBE` on the group `orderwatch`" in table[1]
    )
    assert "the worker looks whether all topics are there" in table[1]
    found["worker"].sees += TOPICS
    found["inbox"].reads += [*INPUT_TOPICS, "signals"]
    found["inbox"].sees_groups.append("orderwatch")
    return found


def _names(cell: str) -> list[str]:
    return [*(INPUT_TOPICS if EVENTS in cell else ()), *re.findall(r"`([a-z-]+)`", cell)]


LISTED = listed()


class GuardedKafka(ApacheKafka):
    """Apache Kafka that asks who somebody is on its second listener; whoever takes the first may all."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.guarded_port = free_port()

    def _properties(self, controller_port: int) -> dict[str, str]:
        plain = super()._properties(controller_port)
        users = " ".join(f'user_{name}="{PASSWORD}"' for name in LISTED)
        protocol = "SASL_PLAINTEXT"
        return also_listening(plain, protocol, protocol, self.guarded_port) | {
            "sasl.enabled.mechanisms": "PLAIN",
            "listener.name.sasl_plaintext.plain.sasl.jaas.config": "org.apache.kafka.common.security"
            f".plain.PlainLoginModule required {users};",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        }

    def user(self, name: str) -> dict[str, str]:
        """Settings of a service that signs in by that name."""
        return {
            "bootstrap_servers": f"{HOST}:{self.guarded_port}",
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "PLAIN",
            "sasl_username": name,
            "sasl_password": PASSWORD,
        }

    def grant(self, prefix: str, group: str) -> None:
        """Give everybody what the page lists, for topics with that prefix and groups of that name."""
        granted: set[tuple[str, ResourceType, str, ACLOperation]] = set()
        for user, rights in LISTED.items():
            for names, operation in (
                (rights.reads, ACLOperation.READ),
                (rights.writes, ACLOperation.WRITE),
                (rights.sees, ACLOperation.DESCRIBE),
            ):
                granted |= {(user, ResourceType.TOPIC, prefix + n, operation) for n in names}
            for names, operation in (
                (rights.groups, ACLOperation.READ),
                (rights.sees_groups, ACLOperation.DESCRIBE),
            ):
                of_groups = (name.replace("orderwatch", group) for name in names)
                granted |= {(user, ResourceType.GROUP, name, operation) for name in of_groups}
        self._rule(
            ACL(
                f"User:{user}", "*", operation, ACLPermissionType.ALLOW,
                ResourcePattern(kind, name),
            )
            for user, kind, name, operation in granted
        )  # fmt: skip

    def deny(self, user: str, kind: ResourceType, name: str) -> None:
        """Let a user read nothing of a topic or in a group, whatever was granted."""
        pattern = ResourcePattern(kind, name)
        self._rule([ACL(f"User:{user}", "*", ACLOperation.READ, ACLPermissionType.DENY, pattern)])

    def _rule(self, rules: Iterable[ACL]) -> None:
        with closing(clients.admin(Settings(bootstrap_servers=self.bootstrap))) as admin:
            assert not admin.create_acls(list(rules))["failed"]


@pytest.fixture(scope="module")
def broker(
    kafka_bootstrap: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GuardedKafka]:
    """Takes `kafka_bootstrap` for its skip where there is no Java."""
    with GuardedKafka(tmp_path_factory.mktemp("guarded")) as broker:
        yield broker


def variables(settings: dict[str, str]) -> dict[str, str]:
    return {f"ORDERWATCH_{name.upper()}": value for name, value in settings.items()}


def ended(
    service: str, broker: GuardedKafka, topic_prefix: str, directory: Path
) -> subprocess.CompletedProcess[str]:
    """How a service ends that signs in by its own name."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "streams", service],
        env=environment(
            **broker.user(service),
            topic_prefix=topic_prefix,
            group_id=f"{topic_prefix}worker",
            partitions="1",
            data_dir=str(directory),
            web_port=str(free_port()),
        ),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("service", ["worker", "notify", "stock"])
def test_who_lacks_a_right_says_so(
    service: str, broker: GuardedKafka, topic_prefix: str, tmp_path: Path
) -> None:
    create_topics(broker.bootstrap, {topic_prefix + name: 1 for name in TOPICS})
    done = ended(service, broker, topic_prefix, tmp_path)
    assert done.returncode in (2, 3), done.stderr
    assert "docs/operations.md lists" in done.stderr


@pytest.mark.parametrize(
    ("service", "kind", "name"),
    [
        ("worker", ResourceType.TOPIC, "buyer-state"),
        ("worker", ResourceType.GROUP, "worker"),
        ("notify", ResourceType.TOPIC, "alerts"),
        ("stock", ResourceType.GROUP, "worker-stock"),
    ],
)
def test_who_lacks_one_right_only_does_not_call_it_a_bug(
    service: str,
    kind: ResourceType,
    name: str,
    broker: GuardedKafka,
    topic_prefix: str,
    tmp_path: Path,
) -> None:
    """Such a right is missed only when the work has begun."""
    create_topics(broker.bootstrap, {topic_prefix + topic: 1 for topic in TOPICS})
    broker.grant(topic_prefix, f"{topic_prefix}worker")
    broker.deny(service, kind, topic_prefix + name)
    produce(broker.bootstrap, f"{topic_prefix}orders", [Message(b"no json", b"shop1:b1")])
    done = ended(service, broker, topic_prefix, tmp_path)
    assert done.returncode == 3, done.stderr
    assert "docs/operations.md lists" in done.stderr


def test_who_may_not_read_dead_letters_is_told_so_by_the_doctor(
    broker: GuardedKafka, topic_prefix: str
) -> None:
    create_topics(broker.bootstrap, {topic_prefix + topic: 1 for topic in TOPICS})
    broker.grant(topic_prefix, f"{topic_prefix}worker")
    own = broker.user("worker") | {"topic_prefix": topic_prefix, "partitions": "1"}
    # Offsets are no secret to whoever may see a topic, so that it is empty would be known.
    produce(broker.bootstrap, f"{topic_prefix}dead-letters", [Message(b"no json", b"shop1:b1")])
    checks = {check.name: check for check in doctor.examine(Settings.model_validate(own))}
    assert checks["dead letters"].status == "skipped"
    assert "docs/operations.md lists" in checks["dead letters"].found
    assert "no orders yet" in checks["input"].found


def test_a_wrong_password_is_among_what_may_be_wrong(
    broker: GuardedKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "BOOTSTRAP_TIMEOUT_MS", 2_000)
    settings = Settings.model_validate(broker.user("notify") | {"sasl_password": "of-another"})
    with pytest.raises(TransientError, match="ORDERWATCH_SASL_PASSWORD"):
        clients.admin(settings)


def test_an_inbox_without_rights_goes_on_with_what_it_has_and_says_why(
    broker: GuardedKafka, topic_prefix: str, tmp_path: Path
) -> None:
    create_topics(broker.bootstrap, {topic_prefix + name: 1 for name in TOPICS})
    inbox = f"http://127.0.0.1:{(inbox_port := free_port())}"
    settings = {"inbox_port": str(inbox_port), "topic_prefix": topic_prefix}
    with worker(broker.bootstrap, topic_prefix, tmp_path) as subject:
        each = {name: variables(broker.user(name)) for name in ("inbox",)}
        with services(subject, tmp_path, variables(settings), each, ["inbox"]) as running:

            def reason() -> str:
                with suppress(httpx.TransportError):
                    return get(f"{inbox}/readyz").text
                return ""

            running.wait_for(lambda: "docs/operations.md lists" in reason(), "it says why")
            assert get(inbox).is_success
            assert running.stop() == {"inbox": 0}
    # Not in the folder that the tests are run from.
    assert (tmp_path / "inbox.db").exists()


def test_the_rights_that_are_listed_are_enough(
    broker: GuardedKafka, topic_prefix: str, tmp_path: Path
) -> None:
    inbox = f"http://127.0.0.1:{(inbox_port := free_port())}"
    settings = {
        "inbox_port": str(inbox_port),
        "stock_dry_run": "false",
        "stock_approval": "false",
        "stock_item_budget_units": "1000",
        "stock_shop_budget_units": "1000",
    }
    each = {name: variables(broker.user(name)) for name in SERVICES}
    signed_in = variables(broker.user("worker"))
    past, _, _ = stories(datetime.now(UTC))
    with worker(broker.bootstrap, topic_prefix, tmp_path, **signed_in) as subject:
        broker.grant(topic_prefix, f"{topic_prefix}worker")
        with services(subject, tmp_path, variables(settings), each) as running:
            subject.start()
            load(broker.bootstrap, topic_prefix, past)
            produce(broker.bootstrap, f"{topic_prefix}orders", [Message(b"no json", b"shop1:b1")])
            own = broker.user("inbox") | {"topic_prefix": topic_prefix}
            with closing(KafkaPublisher(Settings.model_validate(own))) as publisher:
                publisher.publish(
                    [Outgoing(name, "shop1:b1", b"a step") for name in LISTED["inbox"].writes]
                )

            running.wait_for(lambda: bool(subject.alerts()), "there are alerts")
            # Too late for what is known by now; together with that it would only be old.
            load(broker.bootstrap, topic_prefix, [_of_last_year(past[0])])
            written = {topic for rights in LISTED.values() for topic in rights.writes}

            def unwritten() -> set[str]:
                return {t for t in written if not read_to_end(broker.bootstrap, topic_prefix + t)}

            running.wait_for(lambda: not unwritten(), "all is written that may be")
            alerts = [AlertEnvelope.model_validate_json(value).data for value in subject.alerts()]
            running.wait_for(
                lambda: get(f"{inbox}/alerts/{alerts[0].alert_id}.json").is_success,
                "the inbox has read an alert",
            )
            assert "inbox_detection_unknown" not in running.log()
            assert running.stop() == dict.fromkeys(SERVICES, 0)
        assert subject.stop() == 0


def _of_last_year(line: bytes) -> bytes:
    """The same event of the same buyer, told 400 days too late."""
    event = orjson.loads(line)
    at = datetime.now(UTC) - timedelta(days=400)
    event["value"] |= {"event_id": "late", "occurred_at": at.isoformat()}
    return orjson.dumps(event)
