"""Starting and stopping the inbox: what it refuses before it listens, and a clean end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from streams.demo.broker import free_port
from streams.errors import ConfigurationError
from streams.inbox.service import allowed_hosts, checked_token, is_loopback, is_tls_expected, run
from streams.settings import Settings
from tests.inbox import wait_until
from tests.visiting import get

START = (
    "from streams.settings import Settings; from streams.inbox.service import run; run(Settings())"
)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_the_loopback_needs_no_token(host: str) -> None:
    assert is_loopback(host)
    assert checked_token(Settings(inbox_host=host)) is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "inbox.example", ""])
def test_listening_for_others_needs_a_token(host: str, tmp_path: Path) -> None:
    settings = Settings(inbox_host=host, database_url=f"sqlite:///{tmp_path}/inbox.db")
    with pytest.raises(ConfigurationError, match="ORDERWATCH_INBOX_AUTH_TOKEN"):
        run(settings)
    assert not (tmp_path / "inbox.db").exists()
    with_token = Settings(inbox_host=host, inbox_auth_token=SecretStr("t" * 16))
    assert checked_token(with_token) == "t" * 16


@pytest.mark.parametrize(("host", "expected"), [("127.0.0.1", False), ("0.0.0.0", True)])
def test_a_token_that_crosses_a_network_wants_tls(host: str, expected: bool) -> None:
    settings = Settings(inbox_host=host, inbox_auth_token=SecretStr("t" * 16))
    assert is_tls_expected(settings) is expected
    assert not is_tls_expected(Settings(inbox_host="127.0.0.1"))


def test_a_weak_token_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigurationError, match="at least 16") as caught:
        checked_token(Settings(inbox_auth_token=SecretStr("hunter2")))
    assert "hunter2" not in str(caught.value)


def test_without_a_token_only_its_own_names_are_answered() -> None:
    settings = Settings(inbox_host="127.0.0.2")
    assert allowed_hosts(settings, None) == {"localhost", "127.0.0.1", "[::1]", "127.0.0.2"}
    assert allowed_hosts(settings, "token") is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_without_a_broker_it_serves_says_so_and_stops_cleanly(
    tmp_path: Path, number: signal.Signals
) -> None:
    port = free_port()
    environment = {
        **os.environ,
        "ORDERWATCH_INBOX_PORT": str(port),
        "ORDERWATCH_DATABASE_URL": f"sqlite:///{tmp_path}/inbox.db",
        "ORDERWATCH_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    }
    output = tmp_path / "output"
    with output.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", START], env=environment, stdout=log, stderr=log
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: _answers(url))
        assert get(f"{url}/healthz").status_code == 200
        ready = get(f"{url}/readyz")
        assert ready.status_code == 503
        assert "consumer" in ready.json()["problems"]
        with httpx.stream("GET", f"{url}/events", timeout=20) as events:
            assert events.status_code == 200
            process.send_signal(number)
            assert process.wait(timeout=30) == 0
        assert "inbox_serving" in output.read_text(encoding="utf-8")
    finally:
        process.kill()
        process.wait()


def test_a_taken_port_is_refused_before_the_database_is_opened(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        settings = Settings(inbox_port=port, database_url=f"sqlite:///{tmp_path}/inbox.db")
        with pytest.raises(ConfigurationError, match=f"ORDERWATCH_INBOX_PORT is {port} .* in use"):
            run(settings)
    assert not (tmp_path / "inbox.db").exists()


def test_a_port_that_is_taken_while_it_starts_is_told_in_our_words_and_with_our_exit_code(
    tmp_path: Path,
) -> None:
    """As if somebody had been faster: nothing is asked before uvicorn tries."""
    program = (
        "import sys; from streams.inbox import service; service.require_free = lambda address: None; "
        "from streams.cli import main; sys.exit(main(['inbox']))"
    )
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={
                **os.environ,
                "ORDERWATCH_INBOX_PORT": str(port),
                "ORDERWATCH_DATABASE_URL": f"sqlite:///{tmp_path}/inbox.db",
                "ORDERWATCH_BOOTSTRAP_SERVERS": "127.0.0.1:1",
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 2, done.stderr
    assert f"ORDERWATCH_INBOX_PORT is {port} " in done.stderr.splitlines()[-1]
    assert "inbox_serving" not in done.stdout + done.stderr


def _answers(url: str) -> bool:
    try:
        return get(f"{url}/healthz").is_success
    except httpx.TransportError:
        return False
