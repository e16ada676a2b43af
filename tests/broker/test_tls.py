"""Brokers that are spoken to by TLS, and listeners that are not what the settings say they are."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.demo.broker import HOST, free_port
from streams.kafka import clients
from streams.runtime.connection import aiokafka_connection
from streams.settings import Settings, environment
from tests.brokers import ApacheKafka, also_listening

PASSWORD = "of-a-test"


class TlsKafka(ApacheKafka):
    """Apache Kafka that also listens for TLS, with a certificate of its own."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.tls_port = free_port()
        self.certificate = directory / "broker.pem"

    def _properties(self, controller_port: int) -> dict[str, str]:
        keys = self.directory / "keys.p12"
        store = ["-keystore", str(keys), "-storepass", PASSWORD, "-alias", "broker"]
        key = ["-keyalg", "EC", "-dname", "CN=broker", "-ext", f"san=ip:{HOST}"]
        _keytool("-genkeypair", *store, *key)
        _keytool("-exportcert", "-rfc", "-file", str(self.certificate), *store)
        plain = super()._properties(controller_port)
        return also_listening(plain, "SSL", "SSL", self.tls_port) | {
            "ssl.keystore.location": str(keys),
            "ssl.keystore.password": PASSWORD,
        }


def _keytool(*arguments: str) -> None:
    # It comes with Java.
    tool = shutil.which("keytool")
    assert tool is not None
    subprocess.run([tool, *arguments], capture_output=True, check=True, timeout=60)


@pytest.fixture(scope="module")
def broker(kafka_bootstrap: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsKafka]:
    """Takes `kafka_bootstrap` for its skip where there is no Java."""
    with TlsKafka(tmp_path_factory.mktemp("tls")) as broker:
        yield broker


def _refusal(port: int, protocol: str) -> str:
    """What a command says that finds no broker, which it must within its time."""
    code = (
        "import sys; from streams.kafka import clients; clients.BOOTSTRAP_TIMEOUT_MS = 2_000; "
        f"from streams.cli import main; sys.exit(main(['-b', '{HOST}:{port}', 'topics', 'list']))"
    )
    # In its own process: kafka-python leaves the sockets of a failed bootstrap to the collector.
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(security_protocol=protocol),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 3, done.stderr
    return done.stderr


@pytest.fixture
def settings(broker: TlsKafka) -> Settings:
    return Settings(
        bootstrap_servers=f"{HOST}:{broker.tls_port}",
        security_protocol="SSL",
        ssl_ca_file=broker.certificate,
    )


def test_a_broker_is_spoken_to_by_tls(settings: Settings) -> None:
    client = clients.admin(settings)
    assert client.describe_cluster()["brokers"]
    client.close()


def test_what_the_worker_is_given_shakes_hands_as_well(
    broker: TlsKafka, settings: Settings
) -> None:
    async def connect() -> str:
        context = aiokafka_connection(settings)["ssl_context"]
        _, writer = await asyncio.open_connection(HOST, broker.tls_port, ssl=context)
        version: str = writer.get_extra_info("ssl_object").version()
        writer.close()
        await writer.wait_closed()
        return version

    assert asyncio.run(connect()).startswith("TLS")


def test_a_certificate_that_nobody_signed_is_named(broker: TlsKafka) -> None:
    told = _refusal(broker.tls_port, "SSL")
    assert "certificate verify failed" in told
    assert "ORDERWATCH_SSL_CA_FILE" in told


def test_tls_to_a_listener_without_it_ends(bootstrap: str) -> None:
    """The embedded broker waits for the rest of what it takes for a request; Apache Kafka hangs up."""
    assert "does not take up TLS" in _refusal(int(bootstrap.rpartition(":")[2]), "SSL")


def test_a_listener_for_tls_that_is_spoken_to_without_it_ends(broker: TlsKafka) -> None:
    assert "No Kafka broker answered" in _refusal(broker.tls_port, "PLAINTEXT")
