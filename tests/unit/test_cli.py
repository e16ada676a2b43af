"""The command line as a whole: exit codes, error texts, lazy imports, and docs/cli.md."""

from __future__ import annotations

import gc
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, NoReturn

import pytest
import typer
from kafka.errors import KafkaTimeoutError
from typer.testing import CliRunner

from streams.cli import main, reference
from streams.cli.arguments import moment
from streams.cli.invocation import Invocation
from streams.cli.root import app
from streams.cli.tables import table
from streams.demo.story import story
from streams.detect.address import receivers
from streams.detect.address.identity import Hasher
from streams.errors import ConfigurationError, PoisonError, TransientError
from streams.identities import KEY_FILE, identity_key
from streams.kafka.produce import Plan
from streams.kafka.resend import Selection
from streams.replay.pacing import Count, epoch_ms
from streams.settings import Settings, load_settings
from streams.simulate import simulate
from tests.example_stories import FOLDER, load
from tests.pipeline import IDENTITY_KEY

STORY_END = datetime(2026, 11, 11, 12, tzinfo=UTC)


def _commands() -> list[list[str]]:
    root = typer.main.get_command(app)
    return [path.split()[1:] for path, _ in reference._leaves("orderwatch", root)]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make `orderwatch rules check` raise a given error: a command that needs nothing else."""

    def fail_with(error: BaseException) -> None:
        def load_rules(*args: object) -> None:
            raise error

        monkeypatch.setattr("streams.rules.load_rules", load_rules)

    return fail_with


@pytest.mark.parametrize("command", _commands(), ids=" ".join)
def test_every_command_has_help(command: list[str]) -> None:
    result = CliRunner().invoke(app, [*command, "--help"], obj=Invocation())
    assert result.exit_code == 0
    assert "Usage" in result.output


@pytest.mark.parametrize("output", [["--alerts", "-"], ["--json"]], ids=" ".join)
def test_a_reader_that_has_seen_enough_is_no_failure(output: list[str], tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    simulate(events, seed=1, events=3_000, start=STORY_END)
    command = [str(Path(sys.executable).with_name("orderwatch")), "replay", str(events), *output]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        complaints = child.stderr.read().decode()
    assert (child.returncode, "Broken" in complaints) == (0, False), complaints


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from streams.cli import main; main(['--help']); "
        "heavy = {'kafka', 'faust', 'pydantic', 'fastapi', 'sqlalchemy', 'msgspec', 'yaml'}; "
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_page_of_commands_is_current() -> None:
    _, mark, derived = reference.PAGE.read_text(encoding="utf-8").partition(reference.MARK)
    assert mark, f"{reference.PAGE} has lost its mark"
    assert derived.lstrip("\n") == reference.render(), "run: python -m streams.cli.reference"


@pytest.mark.parametrize("code", [0, 1, 2, 3, 70, 71, 130])
def test_page_explains_every_exit_code(code: int) -> None:
    assert f"\n| {code} | " in reference.PAGE.read_text(encoding="utf-8")


def of_sqlite(name: str, text: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorname = name
    return error


def of_a_full_database() -> sqlite3.Error:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("PRAGMA max_page_count = 1")
        try:
            connection.execute("CREATE TABLE t (a)")
        except sqlite3.Error as error:
            return error
    raise AssertionError("one page was enough")


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (ConfigurationError("D01.warn_orders is -1"), 2, "D01.warn_orders is -1"),
        (TransientError("No Kafka broker answered"), 3, "No Kafka broker answered"),
        (KafkaTimeoutError("no metadata"), 3, "ORDERWATCH_BOOTSTRAP_SERVERS"),
        (PoisonError("bad_time", "escaped"), 70, "escaped"),
        (ZeroDivisionError("oops"), 70, "internal error (ZeroDivisionError): oops"),
        (FileNotFoundError(2, "No such file or directory", "x.yaml"), 2, "x.yaml"),
        (OSError(28, "No space left on device"), 3, "does not fit: No space left on device. Make"),
        (of_a_full_database(), 3, "database or disk is full. Make room"),
        # What SQLite makes of a quota.
        (of_sqlite("SQLITE_IOERR_WRITE", "disk I/O error"), 3, "disk I/O error. Make room"),
        (of_sqlite("SQLITE_BUSY", "database is locked"), 3, "locked: another program is"),
        (of_sqlite("SQLITE_READONLY_DBMOVED", "readonly"), 3, "cannot be used: readonly"),
        (of_sqlite("SQLITE_CANTOPEN", "unable to open"), 3, "cannot be used: unable to open"),
        (of_sqlite("SQLITE_CORRUPT", "malformed"), 70, "malformed"),
        (sqlite3.OperationalError("no code"), 70, "no code"),
        (KeyboardInterrupt(), 130, ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_error_becomes_exit_code_and_one_line(
    failing: Any, capfd: pytest.CaptureFixture[str], error: BaseException, code: int, text: str
) -> None:
    failing(error)
    assert main(["rules", "check"]) == code
    out, err = capfd.readouterr()
    assert text in err
    assert "Traceback" not in err
    assert out == ""


def test_debug_shows_the_traceback(failing: Any, capfd: pytest.CaptureFixture[str]) -> None:
    failing(ZeroDivisionError("oops"))
    assert main(["--debug", "rules", "check"]) == 70
    assert "Traceback" in capfd.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["nope"],
        ["produce"],
        ["tail", "--limit", "x"],
        ["stock", "--approve", ""],
        ["stock", "--refuse", ""],
    ],
    ids=" ".join,
)
def test_wrong_arguments_are_a_configuration_error(arguments: list[str]) -> None:
    assert main(arguments) == 2


def test_broker_that_does_not_answer_is_exit_3() -> None:
    # In its own process: kafka-python leaves the sockets of a failed bootstrap to the collector.
    code = (
        "import sys; from streams.kafka import clients; clients.BOOTSTRAP_TIMEOUT_MS = 300; "
        "from streams.cli import main; sys.exit(main(['-b', '127.0.0.1:1', 'dlq', 'list']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    assert "127.0.0.1:1" in done.stderr


def test_markup_in_data_is_only_text(failing: Any, capfd: pytest.CaptureFixture[str]) -> None:
    failing(ConfigurationError("buyer [red]b1[/red] and :smile:"))
    main(["rules", "check"])
    assert "[red]b1[/red] and :smile:" in capfd.readouterr().err


def test_unknown_import_kind_names_the_known_ones(
    tmp_path: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", "ebay", str(tmp_path), "--out", str(tmp_path / "o.jsonl")]) == 2
    assert "olist" in capfd.readouterr().err


def test_schema_export_writes_every_contract(tmp_path: Any) -> None:
    assert main(["schema", "export", "--out", str(tmp_path / "out")]) == 0
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"asyncapi.yaml", "orders.schema.json", "alerts.schema.json"} <= written


def test_replay_does_not_write_two_formats_to_stdout(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    # Refused before anything is read: there is no such file.
    missing = str(tmp_path / "missing.jsonl")
    assert main(["replay", missing, "--json", "--alerts", "-"]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert "--json and --alerts - both write to stdout" in err


def test_simulate_tells_what_it_wrote(tmp_path: Any, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "traffic.jsonl"
    assert main(["simulate", "-o", str(out), "--events", "500", "--scenarios", "F1-one-order"]) == 0
    assert len(out.read_bytes().splitlines()) == 500
    assert "500 events" in capfd.readouterr().err
    assert main(["produce", "--check", str(out)]) == 0


def test_simulate_tells_of_stories_that_had_no_room(capfd: pytest.CaptureFixture[str]) -> None:
    stories = ["--days", "1", "--scenarios", "F9, F9-one-buyer"]
    assert main(["simulate", "-o", "-", "--buyers", "10", *stories]) == 0
    told = capfd.readouterr().err
    assert "told         1 F9\n" in told
    assert "left out     1 F9-one-buyer: needs a shop for itself" in told
    # With the events on stdout there is no file beside which the truth could lie.
    assert told.endswith("written to -\n")


def test_replay_of_the_demo_story_accuses_the_right_people(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / "story.jsonl", tmp_path / "alerts.jsonl"
    lines = [{"topic": play.topic, "value": play.value} for play in story(STORY_END)]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    arguments = ["replay", str(path), "--alerts", str(out), "--until", "2026-11-11T12:00:00"]
    assert main([*arguments, "--json"]) == 0
    alerts = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    # Detectors that are added later may find more in the story than it was written for.
    found = {
        (a["detector"], a["subject"]["id"], a["severity"], a["status"])
        for a in alerts
        if a["detector"] in ("D01", "D08", "D10")
    }
    assert found == {
        ("D01", "demo-shop:squatter", "critical", "open"),
        ("D01", "demo-shop:slow-payer", "warn", "resolved"),
        ("D08", "demo-shop:refunder", "critical", "open"),
        ("D10", "demo-shop:repeat-claimant", "critical", "open"),
        ("D10", "demo-shop", "critical", "open"),
    }
    revisions = [json.loads(line) for line in out.read_bytes().splitlines()]
    assert {revision["data"]["alert_id"] for revision in revisions} >= {
        a["alert_id"] for a in alerts
    }
    assert main([*arguments, "--shuffle", "7", "--json"]) == 0
    shuffled = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert {a["alert_id"] for a in shuffled} == {a["alert_id"] for a in alerts}


@pytest.fixture
def reader() -> Iterator[None]:
    """Whoever replays configures how receivers are read in this process."""
    yield
    receivers.use(IDENTITY_KEY)


@pytest.mark.usefixtures("reader")
def test_a_replay_keeps_no_key_and_takes_the_one_of_the_workers(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    banned = load(FOLDER / "D35" / "fires_while_banned.yaml")
    lines = [json.dumps({"topic": topic, "value": value}) for topic, value in banned.events]
    Path("events.jsonl").write_text("\n".join(lines), encoding="utf-8")

    def replayed() -> tuple[str, str]:
        """The id of its alert, and the hash of the phone in what proves it."""
        assert main(["replay", "events.jsonl", "--json"]) == 0
        (alert,) = (json.loads(line) for line in capfd.readouterr().out.splitlines())
        (phone,) = (
            f["detail"]["phone"] for f in alert["evidence"]["facts"] if "phone" in f["detail"]
        )
        return alert["alert_id"], phone

    first, second = replayed(), replayed()
    assert first[0] == second[0] and first[1] != second[1]
    assert [path.name for path in tmp_path.iterdir()] == ["events.jsonl"]
    # As the first worker makes it.
    made = identity_key(load_settings())
    assert replayed() == replayed() == (first[0], Hasher(made).phone("13800138000"))
    assert [path.name for path in (tmp_path / ".orderwatch").iterdir()] == [KEY_FILE]


@pytest.mark.usefixtures("reader")
def test_after_a_replay_memory_is_looked_after_as_before(tmp_path: Path) -> None:
    before = gc.get_freeze_count(), gc.get_threshold()
    (tmp_path / "none.jsonl").touch()
    assert main(["replay", str(tmp_path / "none.jsonl")]) == 0
    assert (gc.get_freeze_count(), gc.get_threshold()) == before


def test_replay_names_refused_lines(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"topic": "orders", "value": {}}\n', encoding="utf-8")
    assert main(["replay", str(path)]) == 1
    assert f"{path}:1" in capfd.readouterr().err


def test_replay_of_a_missing_file_is_a_configuration_error(tmp_path: Path) -> None:
    assert main(["replay", str(tmp_path / "none.jsonl")]) == 2


@pytest.mark.parametrize("name", ["events.jsonl", "link", "events"])
def test_replay_refuses_to_replace_its_input(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    # The last one is written as `events.part` at first, which is an input here.
    inputs = [tmp_path / "events.jsonl", tmp_path / "events.part"]
    for path in inputs:
        path.write_text("not read\n", encoding="utf-8")
    (tmp_path / "link").symlink_to(inputs[0])
    assert main(["replay", *map(str, inputs), "--alerts", str(tmp_path / name)]) == 2
    assert "would replace the input" in capfd.readouterr().err
    assert [path.read_text(encoding="utf-8") for path in inputs] == ["not read\n"] * 2


@pytest.mark.parametrize(
    ("service", "name"), [("notify", "notify.db"), ("stock", "stock.db"), ("inbox", "inbox.db")]
)
def test_a_damaged_file_of_a_service_is_named(tmp_path: Path, service: str, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"no database" * 1000)
    variables = {
        "ORDERWATCH_DATA_DIR": str(tmp_path),
        "ORDERWATCH_DATABASE_URL": f"sqlite:///{tmp_path}/inbox.db",
    }
    # In its own process: a service sets up the logs of the whole process.
    done = subprocess.run(
        [sys.executable, "-m", "streams", service],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert f"{path} is damaged" in done.stderr
    assert "Backup and retention" in done.stderr


def test_a_shop_without_rules_of_its_own_is_said_to_have_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = files("streams.detect").joinpath("rules.yaml").read_text("utf-8")
    path = tmp_path / "rules.yaml"
    path.write_text(
        f"{shipped}\nshops: {{shop-1: {{D01: {{warn_orders: 8}}}}}}\n", encoding="utf-8"
    )
    assert main(["rules", "check", str(path), "--shop", "shop-1"]) == 0
    assert "no rules of its own" not in capsys.readouterr().out
    assert main(["rules", "check", str(path), "--shop", "shop1"]) == 0
    assert "shop1 has no rules of its own" in capsys.readouterr().out


def test_the_rules_of_a_shop_show_its_clock_its_type_and_its_deadlines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = files("streams.detect").joinpath("rules.yaml").read_text("utf-8")
    path = tmp_path / "rules.yaml"
    allow = "allow: [{buyer: w7, detectors: [D01], why: pays by transfer}]"
    own = f"{{shop_type: tmall, {allow}, deadlines: {{time_zone: Europe/Rome, T05: {{last_days: 4}}}}}}"
    path.write_text(f"{shipped}\nshops: {{shop-1: {own}}}\n", encoding="utf-8")
    told = {}
    for shop in ("shop-1", "shop-2"):
        assert main(["rules", "check", str(path), "--shop", shop]) == 0
        cells = [line.split("│") for line in capsys.readouterr().out.splitlines()]
        told[shop] = {(c[1].strip(), c[2].strip()): c[3].strip() for c in cells if len(c) > 3}
    assert told["shop-1"]["shop", "shop_type"] == "tmall"
    assert told["shop-1"]["shop", "time_zone"] == "Europe/Rome"
    assert told["shop-1"]["T05", "last_days"] == "4"
    assert told["shop-2"]["shop", "shop_type"] == "not said"
    assert told["shop-2"]["shop", "time_zone"] == "Asia/Shanghai"
    assert told["shop-2"]["T05", "last_days"] == "2"
    assert ("D34", "T02") not in told["shop-1"]
    assert ("D33", "shop_type") not in told["shop-1"]
    assert told["shop-1"]["D01", "allow"] == "buyer/shop-1:w7: pays by transfer"
    assert ("D01", "allow") not in told["shop-2"]


def test_a_table_that_goes_into_a_pipe_breaks_no_id(capsys: pytest.CaptureFixture[str]) -> None:
    table(("subject", "what"), [("shop1:" + "b" * 128, "x" * 200)])
    assert "shop1:" + "b" * 128 in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["tail", "--limit", "9" * 23], "'--limit': Input should be less than or equal to"),
        (["dlq", "list", "--limit", "9" * 23], "'--limit': Input should be less than or equal to"),
        (["dlq", "replay", "--limit", "9" * 23], "'--limit': Input should be less than or equal"),
        (["dlq", "show", "7"], "'7' is no position; expected PARTITION:OFFSET"),
        (["dlq", "show", "1:-2"], "'1:-2' is no position; expected PARTITION:OFFSET"),
        (
            ["tail", "--no-follow", "--since", "2026-11-02", "--until", "2026-11-01"],
            "--since is 2026-11-02 00:00:00 and --until 2026-11-01 00:00:00, so nothing can lie between",
        ),
        # Not the second 2026 after 1970.
        (["tail", "--no-follow", "--since", "2026"], "'--since': '2026' is no time; expected one"),
        (["tail", "--no-follow", "--until", "1e9"], "'--until': '1e9' is no time; expected one"),
        (["replay", "e.jsonl", "--until", "1764547200"], "'--until': '1764547200' is no time"),
        (["replay", "e.jsonl", "--until", ""], "'--until': '' is no time; expected one such as"),
        (
            ["inbox", "--copy-from", ""],
            "--copy-from cannot be used (ArgumentError): expected sqlite",
        ),
        (["simulate", "--out", ""], "the file to write has no name"),
        (["simulate", "--out", "e.jsonl", "--labels", ""], "the file to write has no name"),
        (["replay", "e.jsonl", "--alerts", ""], "the file to write has no name"),
        (["replay", "e.jsonl", "--rules", ""], "'--rules': expected the path of a file"),
        (["replay", "e.jsonl", "--against", ""], "'--against': expected the path of a file"),
        (["replay", ""], "an event file has no name; expected a path"),
        (["rules", "check", ""], "'PATH': expected the path of a file"),
        (
            ["schema", "export", "--out", ""],
            "'--out' / '-o': expected the path of a file or folder",
        ),
        (["import", "tmall", "", "--out", "o.jsonl"], "'source': expected the path of a file"),
    ],
    ids=lambda it: " ".join(it)[:40] if isinstance(it, list) else "",
)
def test_what_nobody_can_mean_is_refused_before_a_broker_is_asked(
    command: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "e.jsonl").touch()
    assert main(command) == 2
    assert told in " ".join(capsys.readouterr().err.split())
    assert [path.name for path in tmp_path.iterdir()] == ["e.jsonl"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("20261130", "2026-11-30T00:00:00+00:00"),
        ("2026-11-30", "2026-11-30T00:00:00+00:00"),
        ("2026-11-30T10:00", "2026-11-30T10:00:00+00:00"),
        ("2026-11-30T10:00:00+08:00", "2026-11-30T02:00:00+00:00"),
        ("2026-11-30 10:00:00Z", "2026-11-30T10:00:00+00:00"),
    ],
)
def test_a_time_is_what_a_person_means_by_it(written: str, meant: str) -> None:
    assert epoch_ms(moment(written)) == epoch_ms(datetime.fromisoformat(meant))


@pytest.mark.parametrize(
    ("closed", "command", "told"),
    [
        (1, ["rules", "check"], "stdout is closed, and results go there"),
        (1, ["simulate", "--out", "-"], "'-' is stdout, which is closed; name a file"),
        (0, ["replay", "-"], "'-' is stdin, which is closed; name a file"),
    ],
    ids=lambda it: " ".join(it) if isinstance(it, list) else None,
)
def test_a_stream_that_the_caller_closed_is_named(
    closed: int, command: list[str], told: str
) -> None:
    code = (
        f"import os, sys; os.close({closed}); "
        "os.execv(sys.executable, [sys.executable, '-m', 'streams', *sys.argv[1:]])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr


def test_who_interrupts_a_sending_learns_how_far_it_went(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def produce(settings: Settings, plan: Plan, count: Count) -> NoReturn:
        count(1_234, 0.5)
        raise KeyboardInterrupt

    monkeypatch.setattr("streams.kafka.produce.produce", produce)
    assert main(["produce", "events.jsonl"]) == 130
    assert "Interrupted when 1,234 records were on their way." in capsys.readouterr().err
    assert main(["produce", "--check", "events.jsonl"]) == 130
    assert capsys.readouterr().err == ""


def test_who_interrupts_a_replay_of_dead_letters_learns_how_far_it_went(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def replay(
        settings: Settings, selection: Selection, *, dry_run: bool, count: Callable[[int], None]
    ) -> NoReturn:
        count(500)
        raise KeyboardInterrupt

    monkeypatch.setattr("streams.kafka.resend.replay", replay)
    assert main(["dlq", "replay"]) == 130
    assert "Interrupted when 500 letters were sent back" in capsys.readouterr().err
    assert main(["dlq", "replay", "--dry-run"]) == 130
    assert capsys.readouterr().err == ""
