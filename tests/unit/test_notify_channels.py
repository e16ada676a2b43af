"""Real sends through apprise to a receiver on the loopback: only a taken message is a delivery."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from streams.notify import channels
from streams.notify.channels import AppriseChannel, ConsoleChannel, DeliveryError, within
from streams.notify.text import render
from tests.factories import make_alert
from tests.receivers import Webhook, webhook

MESSAGE = render(make_alert(severity="critical"), "both")


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as running:
        yield running


def channel_to(hook: Webhook, timeout_s: float = 5.0) -> AppriseChannel:
    return AppriseChannel(
        "ops", f"json://127.0.0.1:{hook.port}/t0ken-in-path?+x=t0ken-in-query", timeout_s
    )


def test_a_taken_message_is_delivered_as_it_was_rendered(hook: Webhook) -> None:
    channel_to(hook).send(MESSAGE)
    (body,) = hook.accepted()
    assert body["title"] == MESSAGE.title
    assert body["message"] == MESSAGE.body
    assert body["type"] == "failure"


def test_a_refused_message_is_no_delivery_and_its_error_names_the_status(hook: Webhook) -> None:
    hook.statuses = [500]
    with pytest.raises(DeliveryError, match="error=500") as refused:
        channel_to(hook).send(MESSAGE)
    assert "t0ken" not in str(refused.value)


def test_an_absent_receiver_is_no_delivery_and_no_secret_shows(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    url = "json://user:t0ken-as-password@127.0.0.1:9/t0ken-in-path"
    with pytest.raises(DeliveryError, match=r"failure: .*onnection") as refused:
        AppriseChannel("ops", url, timeout_s=5).send(MESSAGE)
    assert "t0ken" not in str(refused.value) + caplog.text + "".join(capfd.readouterr())


def test_a_receiver_that_hangs_costs_its_time_out_and_no_more(
    hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "GRACE_S", 0.2)
    with hook.gate, pytest.raises(DeliveryError, match=r"timeout|no answer"):
        channel_to(hook, timeout_s=0.3).send(MESSAGE)


@pytest.mark.parametrize(("query", "reads_s"), [("", 9.0 + channels.GRACE_S), ("?rto=2", 2.0)])
def test_nobody_hangs_up_on_a_slow_receiver_before_its_channel_does_or_its_url_says(
    query: str, reads_s: float
) -> None:
    (service,) = AppriseChannel("ops", f"json://127.0.0.1:9/{query}", timeout_s=9)._apprise
    _connecting_s, reading_s = service.request_timeout
    assert reading_s == reads_s


def test_a_plugin_that_raises_is_a_failure_of_its_channel_only() -> None:
    def bug() -> None:
        raise KeyError("https://secret")

    with pytest.raises(DeliveryError, match="plugin raised KeyError") as refused:
        within(bug, 5)
    assert "secret" not in str(refused.value)


def test_a_tag_that_addresses_nobody_is_no_delivery(hook: Webhook) -> None:
    channel = channel_to(hook)
    channel._apprise.clear()
    with pytest.raises(DeliveryError, match="nomatch"):
        channel.send(MESSAGE)


def test_the_console_gets_one_line() -> None:
    stream = io.StringIO()
    ConsoleChannel(stream).send(MESSAGE)
    assert stream.getvalue() == MESSAGE.line + "\n"


def test_a_console_that_is_gone_is_no_delivery() -> None:
    stream = io.StringIO()
    stream.close()
    with pytest.raises(DeliveryError):
        ConsoleChannel(stream).send(MESSAGE)
