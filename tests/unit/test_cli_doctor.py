"""The doctor's checks that need no broker, each with its cure."""

from __future__ import annotations

import errno
import http.server
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, NoReturn

import pytest
from kafka.errors import TopicAuthorizationFailedError
from pydantic import SecretStr

from streams.cli import doctor, main
from streams.errors import TransientError
from streams.kafka import clients, deadletters
from streams.kafka.reading import Arrival, Record
from streams.settings import Settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings whose broker does not answer, at once; services have run with them before."""

    def no_broker(settings: Settings) -> Any:
        raise TransientError("No Kafka broker answered at nowhere")

    monkeypatch.setattr("streams.kafka.clients.admin", no_broker)
    for path in (tmp_path / "data/identity.key", tmp_path / "inbox/inbox.db"):
        path.parent.mkdir()
        path.write_text("k" * 48, encoding="ascii")
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
        "dead letters": "skipped",
        "input": "skipped",
        "disputes": "skipped",
        "worker": "skipped",
        "inbox": "skipped",
    }


def test_a_look_makes_nothing_and_says_what_does_not_exist(
    settings: Settings, tmp_path: Path
) -> None:
    elsewhere = {
        "data_dir": tmp_path / "mis/spelt",
        "database_url": f"sqlite:///{tmp_path}/inbx/inbox.db",
    }
    before = sorted(tmp_path.rglob("*"))
    checks = {check.name: check for check in doctor.examine(settings.model_copy(update=elsewhere))}
    assert sorted(tmp_path.rglob("*")) == before
    for name, where, variable in (
        ("data directory", "mis/spelt", "ORDERWATCH_DATA_DIR"),
        ("inbox database", "inbx/inbox.db", "ORDERWATCH_DATABASE_URL"),
    ):
        check = checks[name]
        assert check.status == "warning" and variable in check.cure
        assert f"{tmp_path}/{where} does not exist" in check.found
    assert checks["identity key"].found.startswith("none yet")


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


def test_a_full_disk_asks_for_room_and_not_for_rights(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(**_: Any) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", write)
    check = _check(settings, "data directory")
    assert check.status == "failed"
    assert check.found.endswith("No space left on device")
    assert check.cure == "Free some space, or choose another disk."


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


BROKER_KEEPS: dict[str, Arrival] = {
    "orders": "since",
    "payments": "since",
    "shipments": "since",
    deadletters.TOPIC: "none",
}


@pytest.fixture
def kept(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> dict[str, Arrival]:
    """What topics of a broker have; tests change it."""
    kept = dict(BROKER_KEEPS)

    def arrivals(settings: Settings, names: Any, since_ms: int) -> dict[str, Arrival]:
        return {name: kept[name] for name in names}

    monkeypatch.setattr("streams.kafka.reading.arrivals", arrivals)
    return kept


@pytest.mark.parametrize(
    ("orders", "said"), [("none", "no orders yet"), ("before", "no orders of the last 24 hours")]
)
def test_without_orders_nothing_is_missed(
    settings: Settings, kept: dict[str, Arrival], orders: Arrival, said: str
) -> None:
    kept.update(orders=orders, payments="none", shipments="none")
    check = doctor._input(settings)
    assert (check.status, check.cure) == ("skipped", "")
    assert said in check.found


def test_orders_with_all_that_belongs_to_them_are_well(
    settings: Settings, kept: dict[str, Arrival]
) -> None:
    assert doctor._input(settings).status == "ok"


def test_orders_without_payments_say_who_would_be_accused(
    settings: Settings, kept: dict[str, Arrival]
) -> None:
    kept["payments"] = "none"
    check = doctor._input(settings)
    assert check.status == "warning"
    assert "no payments: every order looks unpaid, D01 would accuse honest buyers" in check.found
    assert "shipments" not in check.found
    assert "docs/connect.md" in check.cure


def test_payments_that_have_ended_are_told_from_such_that_never_came(
    settings: Settings, kept: dict[str, Arrival]
) -> None:
    kept["payments"] = "before"
    assert "no payments (older ones are kept)" in doctor._input(settings).found


def test_orders_without_shipments_are_a_warning_unless_the_rules_say_that_none_come(
    settings: Settings, kept: dict[str, Arrival], tmp_path: Path
) -> None:
    kept["shipments"] = "none"
    check = doctor._input(settings)
    assert check.status == "warning"
    assert "no shipments" in check.found
    assert "D34" in check.found
    assert "concludes_from_silence" in check.cure
    shipped = files("streams.detect").joinpath("rules.yaml").read_text(encoding="utf-8")
    before, name, block = shipped.partition("\nD34:")
    path = tmp_path / "rules.yaml"
    silent = block.replace("concludes_from_silence: true", "concludes_from_silence: false", 1)
    path.write_text(before + name + silent, encoding="utf-8")
    assert doctor._input(settings.model_copy(update={"rules_path": path})).status == "ok"


def test_what_no_chosen_detector_believes_is_not_missed(
    settings: Settings, kept: dict[str, Arrival]
) -> None:
    kept.update(payments="none", shipments="none")
    assert doctor._input(settings.model_copy(update={"detectors": "D18"})).status == "ok"
    check = doctor._input(settings.model_copy(update={"detectors": "D10"}))
    assert "payments" not in check.found
    assert "D10 finds no false claim" in check.found
    assert "D34 would" not in check.found


def _letters(monkeypatch: pytest.MonkeyPatch, *records: Record) -> None:
    def newest(settings: Settings, name: str, since_ms: int, limit: int) -> Iterator[Record]:
        return iter(records[-limit:])

    monkeypatch.setattr("streams.kafka.reading.newest", newest)


def _letter(offset: int, topic: str = "orders", reason: str = "missing_field") -> Record:
    headers = deadletters.headers(reason, "why", topic, 0, offset, datetime.now(UTC))
    return Record("dead-letters", 0, offset, 0, b"k", b"{}", dict(headers))


def _marker(offset: int, letter: int) -> Record:
    return Record("dead-letters", 0, offset, 0, b"k", None, {deadletters.REPLAYED: b"%d" % letter})


def test_dead_letters_that_wait_are_a_warning_with_topic_and_reason(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, kept: dict[str, Arrival]
) -> None:
    letters = [_letter(n) for n in range(3)]
    _letters(monkeypatch, *letters, _letter(3, "payments", "future_time"), _marker(4, letter=0))
    check = doctor._dead_letters(settings)
    assert check.status == "warning"
    assert "3 (2 × orders: missing_field, 1 × payments: future_time)" in check.found
    assert "orderwatch dlq list" in check.cure


def test_dead_letters_that_were_sent_back_are_none(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, kept: dict[str, Arrival]
) -> None:
    _letters(monkeypatch, _letter(0), _marker(1, letter=0))
    assert doctor._dead_letters(settings).status == "ok"


def test_older_dead_letters_are_not_kept_quiet(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, kept: dict[str, Arrival]
) -> None:
    _letters(monkeypatch)
    assert doctor._dead_letters(settings).found == "none waits of the last 24 hours"
    kept[deadletters.TOPIC] = "before"
    check = doctor._dead_letters(settings)
    assert check.status == "ok"
    assert "older ones are in `orderwatch dlq list`" in check.found


def test_what_was_not_read_of_many_dead_letters_is_said(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, kept: dict[str, Arrival]
) -> None:
    monkeypatch.setattr(doctor, "NEWEST_LETTERS", 3)
    _letters(monkeypatch, *(_letter(n) for n in range(5)))
    assert "of the newest 3: 3 (3 × orders" in doctor._dead_letters(settings).found


def test_headers_of_dead_letters_are_bounded_and_masked(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, kept: dict[str, Arrival]
) -> None:
    anything = [_letter(n, "13812345678", f"{n}" * 100_000) for n in range(9)]
    _letters(monkeypatch, *anything)
    found = doctor._dead_letters(settings).found
    assert "12345678" not in found
    assert "and 4 more kinds" in found
    assert len(found) < 500


def test_who_may_not_read_is_told_so_and_fails_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(settings: Settings, name: str, since_ms: int, limit: int) -> Iterator[Record]:
        raise clients.failure(settings, TopicAuthorizationFailedError("dead-letters"))

    monkeypatch.setattr("streams.kafka.reading.newest", refused)
    check = doctor._asked("dead letters", lambda: doctor._dead_letters(settings))
    assert check.status == "skipped"
    assert "TopicAuthorizationFailedError" in check.found
    assert "its rights, which docs/operations.md lists" in check.found


def test_a_warning_is_shown_and_exits_0(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("streams.settings.load_settings", lambda **overrides: settings)
    warning = doctor.Check("input", "warning", "orders, but \x1b[2J no payments", "send them")
    monkeypatch.setattr(doctor, "examine", lambda settings: [warning])
    assert main(["doctor"]) == 0
    shown = capfd.readouterr().out
    assert "!" in shown
    assert "\\x1b[2J no payments" in shown
    assert main(["doctor", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["status"] == "warning"


def test_failure_is_exit_1_and_json_is_one_object_a_line(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("streams.settings.load_settings", lambda **overrides: settings)
    assert main(["doctor", "--json"]) == 1
    rows = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert {"check", "status", "found", "cure"} == set(rows[0])
