"""Where services listen: /metrics is there when asked for and gone afterwards; a taken port is told."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import streams.notify.service
import streams.stock.service
from streams.demo.broker import free_port
from streams.errors import ConfigurationError
from streams.notify.metrics import NotifyMetrics
from streams.service.serving import address_of, metrics_served, require_free
from streams.settings import Settings


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port of the loopback that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def test_metrics_are_served_inside_the_block_only() -> None:
    metrics = NotifyMetrics()
    metrics.count("ops", "delivered")
    port = free_port()
    settings = Settings(notify_metrics_port=port)
    url = f"http://127.0.0.1:{port}/metrics"
    with (
        metrics_served(settings, "notify_metrics_port", metrics.registry),
        urllib.request.urlopen(url, timeout=10) as answer,
    ):
        body = answer.read().decode()
    assert 'orderwatch_notifications_total{channel="ops",status="delivered"} 1.0' in body
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(url, timeout=10)


def test_port_zero_serves_nothing() -> None:
    with metrics_served(Settings(), "stock_metrics_port", NotifyMetrics().registry):
        pass


@pytest.mark.parametrize(
    ("run", "setting"),
    [
        (streams.notify.service.run, "notify_metrics_port"),
        (streams.stock.service.run, "stock_metrics_port"),
    ],
)
def test_a_taken_port_is_a_configuration_error_told_before_the_broker_is_asked(
    run: Callable[[Settings], None], setting: str, taken_port: int, tmp_path: Path
) -> None:
    settings = Settings(bootstrap_servers="127.0.0.1:1", data_dir=tmp_path).model_copy(
        update={setting: taken_port}
    )
    with pytest.raises(ConfigurationError) as refused:
        run(settings)
    assert f"ORDERWATCH_{setting.upper()} is {taken_port} " in str(refused.value)
    assert "Address already in use" in str(refused.value)
    # Nothing was opened that somebody would have to close.
    assert not list(tmp_path.glob("*.db"))


def test_a_free_address_is_left_free() -> None:
    address = address_of(Settings(web_port=free_port()), "web_host", "web_port")
    require_free(address)
    require_free(address)


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid"])
def test_an_address_that_is_not_of_this_machine_is_named(host: str) -> None:
    settings = Settings(web_host=host, web_port=free_port())
    with pytest.raises(ConfigurationError, match=f"ORDERWATCH_WEB_HOST is '{host}'"):
        require_free(address_of(settings, "web_host", "web_port"))
