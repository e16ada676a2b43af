"""Where a service listens, by which settings, and `/metrics` of those that have no web server.

What a newcomer gets wrong: Faust and uvicorn bind late, and when they cannot they end the process in
their own way, so a service that runs under one of them asks `require_free` first.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

from prometheus_client import CollectorRegistry, start_http_server

from streams.errors import ConfigurationError
from streams.settings import PREFIX, Settings

MetricsPort = Literal["notify_metrics_port", "stock_metrics_port"]


class Address(NamedTuple):
    """A host and a port, each with the variable that it was set by."""

    host: str
    port: int
    host_variable: str
    port_variable: str


def address_of(settings: Settings, host_setting: str, port_setting: str) -> Address:
    """The address that two settings say."""
    return Address(
        getattr(settings, host_setting),
        getattr(settings, port_setting),
        PREFIX + host_setting.upper(),
        PREFIX + port_setting.upper(),
    )


def require_free(address: Address) -> None:
    """Raise ConfigurationError unless a server could listen there at this moment."""
    # A loop of its own, which is never made the current one: Faust wants to make that itself.
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(_listen_once(address))
    except OSError as error:
        raise cannot_listen(address, _reason(error)) from error
    finally:
        loop.close()


async def _listen_once(address: Address) -> None:
    # What Faust and uvicorn call, so that it takes the same addresses as they will.
    loop = asyncio.get_running_loop()
    server = await loop.create_server(asyncio.Protocol, address.host, address.port)
    server.close()
    await server.wait_closed()


def cannot_listen(address: Address, reason: str) -> ConfigurationError:
    """The error of a service that cannot have its address."""
    return ConfigurationError(
        f"{address.port_variable} is {address.port} and {address.host_variable} is "
        f"{address.host!r}: cannot listen there ({reason}); expected an address of this machine "
        "and a port that nobody else listens on. Stop what listens there, which may be a second "
        f"one of this service, or set {address.port_variable} to a free port (or "
        f"{address.host_variable}, if the address is wrong)."
    )


def _reason(error: OSError) -> str:
    # An unknown host has a negative number, which is none of the system's.
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)


@contextmanager
def metrics_served(
    settings: Settings, port_setting: MetricsPort, registry: CollectorRegistry
) -> Iterator[None]:
    """Serve `registry` on `web_host` and the port of a setting inside the block; 0 serves nothing.

    Raises ConfigurationError when the port cannot be had.
    """
    address = address_of(settings, "web_host", port_setting)
    if address.port == 0:
        yield
        return
    try:
        server, thread = start_http_server(address.port, addr=address.host, registry=registry)
    except OSError as error:
        raise cannot_listen(address, _reason(error)) from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
