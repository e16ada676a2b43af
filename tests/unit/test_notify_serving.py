"""/metrics of the services without a web server: there when asked for, gone afterwards."""

from __future__ import annotations

import urllib.error
import urllib.request

import pytest

from streams.demo.broker import free_port
from streams.notify.metrics import NotifyMetrics
from streams.service.serving import metrics_served
from streams.settings import Settings


def test_metrics_are_served_inside_the_block_only() -> None:
    metrics = NotifyMetrics()
    metrics.count("ops", "delivered")
    port = free_port()
    url = f"http://127.0.0.1:{port}/metrics"
    with (
        metrics_served(Settings(), port, metrics.registry),
        urllib.request.urlopen(url, timeout=10) as answer,
    ):
        body = answer.read().decode()
    assert 'orderwatch_notifications_total{channel="ops",status="delivered"} 1.0' in body
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(url, timeout=10)


def test_port_zero_serves_nothing() -> None:
    with metrics_served(Settings(), 0, NotifyMetrics().registry):
        pass
