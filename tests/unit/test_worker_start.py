"""What the worker refuses to start with: told before a broker is asked, as a configuration error."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from streams.demo.broker import free_port
from streams.detect.address import receivers
from streams.errors import ConfigurationError
from streams.runtime.worker import run
from streams.settings import Settings
from tests.pipeline import IDENTITY_KEY

# Nobody answers there: whoever asked the broker first would end with a TransientError.
NO_BROKER = "127.0.0.1:1"


@pytest.fixture(autouse=True)
def _same_reader_afterwards() -> Iterator[None]:
    yield
    receivers.use(IDENTITY_KEY)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"detectors": "D99"}, "ORDERWATCH_DETECTORS: there is no detector 'D99'"),
        ({"identity_key": SecretStr("abc")}, "ORDERWATCH_IDENTITY_KEY: a key of 3 bytes"),
        ({"rules_path": Path("/missing.yaml")}, "/missing.yaml.* ORDERWATCH_RULES_PATH"),
        (
            {"disposable_phones_path": Path("/missing")},
            "/missing: .* ORDERWATCH_DISPOSABLE_PHONES_PATH",
        ),
    ],
)
def test_a_setting_that_cannot_be_used_is_told_before_the_broker_is_asked(
    changes: dict[str, Any], named: str, tmp_path: Path
) -> None:
    settings = Settings(bootstrap_servers=NO_BROKER, data_dir=tmp_path, **changes)
    with pytest.raises(ConfigurationError, match=named):
        run(settings)


def test_rules_that_cannot_be_read_are_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text("a: [b\nc", encoding="utf-8")
    settings = Settings(bootstrap_servers=NO_BROKER, data_dir=tmp_path, rules_path=path)
    with pytest.raises(ConfigurationError, match=r"rules\.yaml: cannot be read") as refused:
        run(settings)
    assert "\n" not in str(refused.value)


def test_a_taken_port_is_told_before_the_broker_is_asked(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        settings = Settings(bootstrap_servers=NO_BROKER, data_dir=tmp_path, web_port=port)
        with pytest.raises(ConfigurationError, match=f"ORDERWATCH_WEB_PORT is {port} .* in use"):
            run(settings)


def ended(arguments: list[str], variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_command_ends_with_2_and_the_cause_in_its_last_line(tmp_path: Path) -> None:
    variables = {
        "ORDERWATCH_BOOTSTRAP_SERVERS": NO_BROKER,
        "ORDERWATCH_DATA_DIR": str(tmp_path),
        "ORDERWATCH_DETECTORS": "D99",
    }
    done = ended(["-m", "streams", "worker"], variables)
    assert done.returncode == 2, done.stderr
    assert "ORDERWATCH_DETECTORS" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_broker_that_goes_away_while_the_worker_starts_is_told_as_any_that_is_away(
    tmp_path: Path,
) -> None:
    """What stops the worker inside Faust has its own exit code, not 1 whatever it was."""
    start = (
        "from streams.runtime import worker\n"
        "from streams.settings import load_settings\n"
        # It had the topics and what lies in them a moment ago.
        "worker.listing = lambda settings: []\n"
        "worker.require_continuity = lambda settings: None\n"
        "worker.run(load_settings())\n"
    )
    variables = {
        "ORDERWATCH_BOOTSTRAP_SERVERS": NO_BROKER,
        "ORDERWATCH_DATA_DIR": str(tmp_path),
        "ORDERWATCH_WEB_PORT": str(free_port()),
    }
    done = ended(["-c", start], variables)
    assert done.returncode == 3, done.stderr
    assert "Unable to bootstrap" in done.stderr.splitlines()[-1]
