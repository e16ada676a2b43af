"""Settings as connection arguments of aiokafka and of Faust, which spell the same things differently."""

from __future__ import annotations

import ssl
from typing import Any

import faust

from streams.errors import ConfigurationError
from streams.kafka.clients import tls_context
from streams.settings import Settings


def aiokafka_connection(settings: Settings) -> dict[str, Any]:
    """What every aiokafka client of the worker needs in order to connect."""
    connection: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap_servers,
        "security_protocol": settings.security_protocol,
        "ssl_context": _ssl_context(settings),
    }
    if settings.security_protocol.startswith("SASL"):
        username, password = _sasl(settings)
        connection["sasl_mechanism"] = settings.sasl_mechanism
        connection["sasl_plain_username"] = username
        connection["sasl_plain_password"] = password
    return connection


def faust_credentials(settings: Settings) -> faust.auth.Credentials | None:
    """The same for Faust; None for an open connection."""
    context = _ssl_context(settings)
    if settings.security_protocol.startswith("SASL"):
        username, password = _sasl(settings)
        return faust.SASLCredentials(
            username=username,
            password=password,
            mechanism=settings.sasl_mechanism,
            ssl_context=context,
        )
    return faust.SSLCredentials(context) if context else None


def _ssl_context(settings: Settings) -> ssl.SSLContext | None:
    return tls_context(settings) if settings.security_protocol.endswith("SSL") else None


def _sasl(settings: Settings) -> tuple[str, str]:
    if settings.sasl_username is None or settings.sasl_password is None:
        raise ConfigurationError(
            f"security_protocol = {settings.security_protocol} needs sasl_username and sasl_password"
        )
    return settings.sasl_username, settings.sasl_password.get_secret_value()
