"""Settings as connection arguments of aiokafka and of Faust, which spell the same things differently."""

from __future__ import annotations

import ssl
from typing import Any

import faust

from streams.kafka.clients import signing_in, tls_context
from streams.settings import Settings


def aiokafka_connection(settings: Settings) -> dict[str, Any]:
    """What every aiokafka client of the worker needs in order to connect."""
    return {
        "bootstrap_servers": settings.bootstrap_servers,
        "security_protocol": settings.security_protocol,
        "ssl_context": _ssl_context(settings),
        **signing_in(settings),
    }


def faust_credentials(settings: Settings) -> faust.auth.Credentials | None:
    """The same for Faust; None for an open connection."""
    context = _ssl_context(settings)
    if user := signing_in(settings):
        return faust.SASLCredentials(
            username=user["sasl_plain_username"],
            password=user["sasl_plain_password"],
            mechanism=user["sasl_mechanism"],
            ssl_context=context,
        )
    return faust.SSLCredentials(context) if context else None


def _ssl_context(settings: Settings) -> ssl.SSLContext | None:
    return tls_context(settings) if settings.security_protocol.endswith("SSL") else None
