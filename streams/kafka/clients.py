"""The one place where settings become arguments of the Kafka client (kafka-python).

Everything but the Faust worker connects through here. The trap: offsets are committed by whoever
consumes, after the work is done, so auto-commit is off for every consumer.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from typing import Any, TypeVar

from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.cluster import collect_hosts
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import AuthorizationError, KafkaError, SaslAuthenticationFailedError
from kafka.net.compat import KafkaNetClient

from schemas.topics import TOPICS
from streams.errors import ConfigurationError, TransientError
from streams.kafka.sizes import ROOM_BYTES
from streams.settings import Settings

# How long a client may look for a first broker before the service says that there is none.
BOOTSTRAP_TIMEOUT_MS = 15_000
# A round trip or two; a listener without TLS may keep silent for ten minutes.
HANDSHAKE_TIMEOUT_S = 5.0
# How long a group's coordinator may take to be there, and how often it is asked.
COORDINATOR_TIMEOUT_S = 15.0
COORDINATOR_POLL_S = 0.2

# How a broker says that a user may not do something, or is none.
REFUSALS = (AuthorizationError, SaslAuthenticationFailedError)
RIGHTS_CURE = "Check its password and its rights, which docs/operations.md lists, then start again."
# A broker takes what is dated up to an hour ahead of its own clock (message.timestamp.after.max.ms).
CLOCK_CURE = (
    "Set the clock of this machine (NTP), or that of the broker: one is an hour or more off."
)

_Client = TypeVar("_Client", KafkaAdminClient, KafkaConsumer, KafkaProducer)


def topic_name(settings: Settings, name: str) -> str:
    """The name on the broker of a topic of the registry."""
    return settings.topic_prefix + name


def plain_name(settings: Settings, name: str) -> str:
    """The name in the registry of a topic on the broker; any other name stays as it is."""
    plain = name.removeprefix(settings.topic_prefix)
    return plain if plain in TOPICS else name


def consumer(settings: Settings, **options: Any) -> KafkaConsumer:
    """A consumer: manual commits, from the beginning for a new group, never creating a topic.

    As in the worker, what a producer took back with its transaction was never said. `options` are
    further ones of `KafkaConsumer`. The caller closes it. Raises TransientError when no broker answers,
    or it refuses.
    """
    return _connected(
        settings,
        KafkaConsumer,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        allow_auto_create_topics=False,
        session_timeout_ms=int(settings.session_timeout_s * 1000),
        heartbeat_interval_ms=int(settings.session_timeout_s * 1000 / 3),
        # The worker's records may be as large as this; a smaller fetch would stop at one of them.
        max_partition_fetch_bytes=max(settings.max_record_bytes, 1024 * 1024),
        **options,
    )


def producer(settings: Settings, **options: Any) -> KafkaProducer:
    """A producer: acknowledged by all in-sync replicas, in order, once.

    `options` are further ones of `KafkaProducer`. The caller closes it. Raises TransientError when no
    broker answers.
    """
    return _connected(
        settings,
        KafkaProducer,
        acks="all",
        enable_idempotence=True,
        # What the worker takes, it must be possible to send: its limit is that of the value alone.
        max_request_size=settings.max_record_bytes + ROOM_BYTES,
        **options,
    )


def poll(
    settings: Settings, client: KafkaConsumer, timeout_s: float
) -> dict[TopicPartition, list[ConsumerRecord]]:
    """What arrived within `timeout_s`, by partition; nothing while no broker answers.

    kafka-python goes on trying, and yet raises what its search for the group's coordinator met. Raises
    TransientError when the broker refuses, and a KafkaError for whatever else trying again cannot mend.
    """
    began = time.monotonic()
    try:
        found: dict[TopicPartition, list[ConsumerRecord]] = client.poll(int(timeout_s * 1000))
    except REFUSALS as error:
        raise failure(settings, error) from error
    except KafkaError as error:
        if not error.retriable:
            raise
        time.sleep(max(0.0, began + timeout_s - time.monotonic()))
        return {}
    return found


def admin(settings: Settings) -> KafkaAdminClient:
    """An admin client; the caller closes it. Raises TransientError when no broker answers, or it refuses."""
    return _connected(settings, KafkaAdminClient)


def _connected(settings: Settings, make: Callable[..., _Client], **options: Any) -> _Client:
    opened: list[KafkaNetClient] = []

    def connections(**config: Any) -> KafkaNetClient:
        opened.append(KafkaNetClient(**config))
        return opened[-1]

    try:
        return make(**_connection(settings), **options, kafka_client=connections)
    except BaseException as error:
        # Without a broker kafka-python gives out no client to close, but its thread and four files stay;
        # whoever tries again all night runs out of them.
        for client in opened:
            client.close()
        if isinstance(error, KafkaError):
            raise failure(settings, error) from error
        raise


def committed(
    settings: Settings, group_id: str, topics: Iterable[str]
) -> dict[TopicPartition, int]:
    """Up to where a group has read topics, by their plain names; without what it never has.

    The group is not joined. Raises TransientError when no broker answers, or it refuses.
    """
    names = {topic_name(settings, topic) for topic in topics}
    try:
        with closing(admin(settings)) as client:
            found = _offsets(client, group_id)
    except KafkaError as error:
        raise failure(settings, error) from error
    return {tp: at.offset for tp, at in found.items() if tp.topic in names and at.offset >= 0}


def _offsets(client: KafkaAdminClient, group_id: str) -> Mapping[TopicPartition, OffsetAndMetadata]:
    deadline = time.monotonic() + COORDINATOR_TIMEOUT_S
    while True:
        try:
            found: Mapping[TopicPartition, OffsetAndMetadata]
            found = client.list_group_offsets(group_id)[group_id]
        except KafkaError as error:
            # A new broker makes its topic of offsets when the first group asks for it.
            if not error.retriable or time.monotonic() > deadline:
                raise
        else:
            return found
        time.sleep(COORDINATOR_POLL_S)


def missing_topic(settings: Settings, topic: str) -> ConfigurationError:
    """The error about a topic, by its name on the broker, that is not there as far as we may see."""
    return ConfigurationError(
        f"topic {topic} does not exist on {settings.bootstrap_servers}; create it with "
        f"`orderwatch topics apply`.{about_rights(settings)}"
    )


def about_rights(settings: Settings) -> str:
    """What else a topic that is not there may mean, as a sentence; empty where everybody may all."""
    if settings.security_protocol == "PLAINTEXT":
        return ""
    return (
        " To a user without rights on it a topic looks missing, too: docs/operations.md lists them."
    )


def failure(settings: Settings, error: KafkaError) -> TransientError:
    """What a service raises when the brokers of `settings` do not answer, or refuse what it asks."""
    if isinstance(error, REFUSALS):
        return TransientError(
            f"The Kafka broker at {settings.bootstrap_servers} refuses this user what it needs "
            f"({type(error).__name__}: {error}). {RIGHTS_CURE}"
        )
    return TransientError(
        f"No Kafka broker answered at {settings.bootstrap_servers} ({type(error).__name__}). "
        "Start one, or set ORDERWATCH_BOOTSTRAP_SERVERS, and ORDERWATCH_SECURITY_PROTOCOL as its "
        f"listener has it.{_about_tls(settings)}{_about_user(settings)}"
    )


def is_of_time(error: KafkaError) -> bool:
    """Whether a broker refused a record for its time.

    Of several records at once the error is another one; that it is about time, only its words say.
    """
    return "timestamp" in str(error).lower()


class _BoundedSocket(ssl.SSLSocket):
    """A socket whose handshake ends: kafka-python waits for its answer without any limit."""

    def do_handshake(self, block: bool = False) -> None:
        self.settimeout(HANDSHAKE_TIMEOUT_S)
        try:
            super().do_handshake(block)
        except OSError:
            # The client tries again with another socket and forgets this one.
            self.close()
            raise
        self.settimeout(0)


def tls_context(settings: Settings) -> ssl.SSLContext:
    """How brokers are trusted. Raises ConfigurationError when the certificates cannot be read.

    Handshakes of plain sockets are bounded; those of asyncio, which have no such socket, are by its client.
    """
    try:
        context = ssl.create_default_context(cafile=settings.ssl_ca_file)
    except OSError as error:
        raise ConfigurationError(
            f"ORDERWATCH_SSL_CA_FILE is {settings.ssl_ca_file}, which cannot be read as certificates "
            f"(PEM): {error}."
        ) from error
    context.sslsocket_class = _BoundedSocket
    return context


def signing_in(settings: Settings) -> dict[str, Any]:
    """How a client signs in, as kafka-python and aiokafka both call it; nothing where nobody does."""
    if not settings.security_protocol.startswith("SASL"):
        return {}
    password = settings.sasl_password
    return {
        "sasl_mechanism": settings.sasl_mechanism,
        "sasl_plain_username": settings.sasl_username,
        "sasl_plain_password": password.get_secret_value() if password else None,
    }


def _about_user(settings: Settings) -> str:
    if not settings.security_protocol.startswith("SASL"):
        return ""
    return (
        " Or it refused the user, upon which many hang up without a word: check "
        "ORDERWATCH_SASL_USERNAME, ORDERWATCH_SASL_PASSWORD and ORDERWATCH_SASL_MECHANISM."
    )


def _about_tls(settings: Settings) -> str:
    """What the handshake of a broker that listens says: the client keeps to itself why its own failed."""
    if not settings.security_protocol.endswith("SSL"):
        return ""
    host, port, _ = collect_hosts(settings.bootstrap_servers, randomize=False)[0]
    try:
        connection = socket.create_connection((host, port), HANDSHAKE_TIMEOUT_S)
    except OSError:
        return ""
    try:
        tls_context(settings).wrap_socket(connection, server_hostname=host).close()
    except OSError as error:
        return (
            f" What listens at {host}:{port} does not take up TLS ({error}), which "
            f"ORDERWATCH_SECURITY_PROTOCOL, {settings.security_protocol}, asks for: is that listener "
            "one for TLS, and its certificate of an authority in ORDERWATCH_SSL_CA_FILE?"
        )
    finally:
        connection.close()
    return ""


def _connection(settings: Settings) -> dict[str, Any]:
    config: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap_servers.split(","),
        "bootstrap_timeout_ms": BOOTSTRAP_TIMEOUT_MS,
        "client_id": "orderwatch",
        "security_protocol": settings.security_protocol,
    }
    if settings.security_protocol.endswith("SSL"):
        config["ssl_context"] = tls_context(settings)
    return config | signing_in(settings)
