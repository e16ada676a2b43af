"""What the Kafka client is told, and what is refused before any broker is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.errors import ConfigurationError
from streams.kafka import clients
from streams.settings import Settings


def test_a_file_that_holds_no_certificate_is_refused_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("none")
    settings = Settings(security_protocol="SSL", ssl_ca_file=path)
    told = rf"ORDERWATCH_SSL_CA_FILE is {path}, which cannot be read as certificates"
    with pytest.raises(ConfigurationError, match=told):
        clients.consumer_config(settings)


@pytest.mark.parametrize("protocol", ["SSL", "SASL_SSL"])
def test_tls_goes_with_a_handshake_that_ends(protocol: str) -> None:
    settings = Settings.model_validate({"security_protocol": protocol})
    context = clients.producer_config(settings)["ssl_context"]
    assert context.check_hostname
    assert context.sslsocket_class is clients._BoundedSocket


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SASL_PLAINTEXT"])
def test_without_tls_there_is_no_certificate(protocol: str) -> None:
    settings = Settings.model_validate({"security_protocol": protocol})
    assert "ssl_context" not in clients.producer_config(settings)
