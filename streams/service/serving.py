"""`/metrics` of the services that have no web server of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, start_http_server

from streams.settings import Settings


@contextmanager
def metrics_served(settings: Settings, port: int, registry: CollectorRegistry) -> Iterator[None]:
    """Serve `registry` on `web_host` and `port` inside the block; port 0 serves nothing."""
    if port == 0:
        yield
        return
    server, thread = start_http_server(port, addr=settings.web_host, registry=registry)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
