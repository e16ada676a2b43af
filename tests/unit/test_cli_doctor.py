"""The doctor's checks that need no broker, each with its cure."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from streams.cli import doctor, main
from streams.errors import TransientError
from streams.settings import Settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings whose broker does not answer, at once."""

    def no_broker(settings: Settings) -> Any:
        raise TransientError("No Kafka broker answered at nowhere")

    monkeypatch.setattr("streams.kafka.clients.admin", no_broker)
    return Settings(
        data_dir=tmp_path / "data",
        database_url=f"sqlite:///{tmp_path}/inbox/inbox.db",
        web_port=1,
        inbox_port=1,
    )


def _check(settings: Settings, name: str) -> doctor.Check:
    return next(check for check in doctor.examine(settings) if check.name == name)


def test_without_broker_the_rest_is_still_checked(settings: Settings) -> None:
    found = {check.name: check.status for check in doctor.examine(settings)}
    assert found == {
        "settings": "ok",
        "data directory": "ok",
        "detectors": "ok",
        "rules": "ok",
        "identity key": "ok",
        "disposable phones": "ok",
        "notify routes": "ok",
        "inbox token": "ok",
        "inbox database": "ok",
        "broker": "failed",
        "topics": "skipped",
        "co-partitioning": "skipped",
        "event times": "skipped",
        "worker": "skipped",
        "inbox": "skipped",
    }


def test_every_failure_has_a_cure(settings: Settings) -> None:
    failed = [check for check in doctor.examine(settings) if check.status == "failed"]
    assert failed
    assert all(check.cure for check in failed)


def test_rules_that_cannot_be_used(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text("version: 7\n", encoding="utf-8")
    check = _check(settings.model_copy(update={"rules_path": path}), "rules")
    assert check.status == "failed"
    assert str(path) in check.found
    assert "ORDERWATCH_RULES_PATH" in check.cure


MISSING = Path("/missing")


@pytest.mark.parametrize(
    ("name", "variable", "value"),
    [
        ("detectors", "ORDERWATCH_DETECTORS", "D99"),
        ("detectors", "ORDERWATCH_DETECTORS", "D25,D18"),
        ("identity key", "ORDERWATCH_IDENTITY_KEY", SecretStr("abc")),
        ("disposable phones", "ORDERWATCH_DISPOSABLE_PHONES_PATH", MISSING),
        ("notify routes", "ORDERWATCH_NOTIFY_ROUTES_PATH", MISSING),
        ("inbox token", "ORDERWATCH_INBOX_AUTH_TOKEN", SecretStr("abc")),
        ("inbox database", "ORDERWATCH_DATABASE_URL", "mysql://x"),
    ],
)
def test_what_a_service_refuses_to_start_for_fails_its_own_check_with_its_own_cure(
    settings: Settings, name: str, variable: str, value: Any
) -> None:
    field = variable.removeprefix("ORDERWATCH_").lower()
    checks = doctor.examine(settings.model_copy(update={field: value}))
    failed = {check.name: check for check in checks if check.status == "failed"}
    assert failed.keys() == {name, "broker"}
    assert variable in failed[name].cure


def test_a_channel_that_cannot_be_used_fails_the_routes(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "routes.yaml"
    path.write_text(
        "channels: {ops: {url: 'nonsense://x'}}\nroutes: [{name: all, to: [ops]}]\n",
        encoding="utf-8",
    )
    check = _check(settings.model_copy(update={"notify_routes_path": path}), "notify routes")
    assert check.status == "failed"


def test_what_the_chosen_detectors_do_not_read_is_not_checked(settings: Settings) -> None:
    changes = {"detectors": "D01,D08", "disposable_phones_path": MISSING}
    checks = {check.name for check in doctor.examine(settings.model_copy(update=changes))}
    assert not checks & {"identity key", "disposable phones"}


def test_database_in_a_place_that_cannot_be_written(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    url = f"sqlite:///{tmp_path}/file/inbox.db"
    check = _check(settings.model_copy(update={"database_url": url}), "inbox database")
    assert check.status == "failed"
    assert str(tmp_path / "file") in check.found


def test_password_of_the_database_is_not_shown(settings: Settings) -> None:
    url = "postgresql://user:hunter2@db/orderwatch?password=hunter2"
    check = _check(settings.model_copy(update={"database_url": url}), "inbox database")
    assert "hunter2" not in check.found


def test_directory_that_cannot_be_written(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    check = _check(settings.model_copy(update={"data_dir": tmp_path / "file"}), "data directory")
    assert check.status == "failed"
    assert "ORDERWATCH_DATA_DIR" in check.cure


class _Answer(http.server.BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def web() -> Iterator[Any]:
    """A server on the loopback that answers everything with `status`."""

    class Handler(_Answer):
        pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(("status", "expected"), [(200, "ok"), (401, "ok"), (503, "failed")])
def test_service_that_runs_here(settings: Settings, web: Any, status: int, expected: str) -> None:
    web.RequestHandlerClass.status = status
    check = _check(settings.model_copy(update={"web_port": web.server_port}), "worker")
    assert check.status == expected
    assert str(status) in check.found


def test_failure_is_exit_1_and_json_is_one_object_a_line(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("streams.settings.load_settings", lambda **overrides: settings)
    assert main(["doctor", "--json"]) == 1
    rows = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert {"check", "status", "found", "cure"} == set(rows[0])
