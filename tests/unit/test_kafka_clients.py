"""What the Kafka client is told, and what is refused before any broker is asked."""

from __future__ import annotations

import gc
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from kafka.errors import (
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    KafkaError,
    TopicAuthorizationFailedError,
    UnknownError,
)

from streams.demo.broker import free_port
from streams.errors import ConfigurationError, TransientError
from streams.kafka import clients
from streams.settings import Settings


def test_a_file_that_holds_no_certificate_is_refused_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("none")
    settings = Settings(security_protocol="SSL", ssl_ca_file=path)
    told = rf"ORDERWATCH_SSL_CA_FILE is {path}, which cannot be read as certificates"
    with pytest.raises(ConfigurationError, match=told):
        clients.admin(settings)


@pytest.mark.parametrize("protocol", ["SSL", "SASL_SSL"])
def test_tls_goes_with_a_handshake_that_ends(protocol: str) -> None:
    settings = Settings.model_validate({"security_protocol": protocol})
    context = clients._connection(settings)["ssl_context"]
    assert context.check_hostname
    assert context.sslsocket_class is clients._BoundedSocket


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SASL_PLAINTEXT"])
def test_without_tls_there_is_no_certificate(protocol: str) -> None:
    settings = Settings.model_validate({"security_protocol": protocol})
    assert "ssl_context" not in clients._connection(settings)


class RaisingConsumer:
    """A consumer whose poll raises; of a KafkaConsumer nothing else is asked here."""

    def __init__(self, error: KafkaError) -> None:
        self.error = error

    def poll(self, timeout_ms: int) -> dict[Any, Any]:
        raise self.error


def test_what_a_poll_raises_is_an_outage_or_a_refusal_or_a_bug() -> None:
    def poll(error: KafkaError) -> dict[Any, Any]:
        consumer: Any = RaisingConsumer(error)
        return clients.poll(Settings(), consumer, 0.0)

    assert poll(KafkaConnectionError()) == {}
    for refusal in (GroupAuthorizationFailedError("g"), TopicAuthorizationFailedError({"alerts"})):
        with pytest.raises(TransientError, match=r"docs/operations\.md lists"):
            poll(refusal)
    with pytest.raises(UnknownError):
        poll(UnknownError())


def _held() -> Counter[str]:
    """What this process holds: its open files by their kind, its threads by their name."""
    # kafka-python leaves the socket of a connection that failed to the collector.
    gc.collect()
    held = Counter(thread.name for thread in threading.enumerate())
    for file in Path("/dev/fd").iterdir():
        # The one that lists them is gone by now.
        with suppress(OSError):
            held[str(file.readlink()).partition(":")[0]] += 1
    return held


@pytest.mark.parametrize("connect", [clients.admin, clients.consumer, clients.producer])
def test_a_client_that_finds_no_broker_leaves_nothing_behind(
    connect: Callable[[Settings], Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A service that tries again until morning would run out of files."""
    # What is kept of a log line keeps its error, which keeps the socket.
    caplog.set_level("CRITICAL", logger="kafka")
    monkeypatch.setattr(clients, "BOOTSTRAP_TIMEOUT_MS", 200)
    settings = Settings(bootstrap_servers=f"127.0.0.1:{free_port()}")
    before = _held()
    with pytest.raises(TransientError, match="No Kafka broker answered"):
        connect(settings)
    assert _held() - before == Counter()
