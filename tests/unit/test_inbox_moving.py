"""An inbox moves to another database with everything that people did, or not at all."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, Table, insert, select
from typer.testing import CliRunner

from streams.cli.invocation import Invocation
from streams.cli.root import app
from streams.errors import ConfigurationError
from streams.inbox import moving
from streams.inbox.database import open_database, upgrade
from streams.inbox.intake import RefusedRecord
from streams.inbox.models import Base, ReadRow
from tests.factories import make_alert, make_decision
from tests.inbox import Inbox, position

Rows = dict[str, list[dict[str, object]]]


def rows_of(engine: Engine) -> Rows:
    with engine.connect() as connection:
        return {
            table.name: [
                dict(row)
                for row in connection.execute(select(table).order_by(*table.primary_key)).mappings()
            ]
            for table in Base.metadata.sorted_tables
        }


@pytest.fixture
def worked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Rows]:
    """The URL of an inbox in which people have worked, in more batches than one, and its rows."""
    monkeypatch.setattr(moving, "_BATCH", 3)
    url = f"sqlite:///{tmp_path}/worked.db"
    engine = open_database(url)
    upgrade(engine)
    inbox = Inbox(engine)
    inbox.add(*(make_alert(str(number), buyer=f"b{number + 39}", orders=1) for number in range(8)))
    inbox.handle("1")
    inbox.steps("2", "take")
    inbox.file("3")
    inbox.drop(inbox.complain("b43", "4"))
    inbox.ban(inbox.propose("5"), "approve", "restrict")
    inbox.steps("6", "snooze", later=timedelta(hours=1))
    inbox.teller.tell()
    inbox.store.apply([make_decision(), RefusedRecord(position(), "empty", "no value", b"")])
    rows = rows_of(engine)
    engine.dispose()
    assert {name for name, found in rows.items() if not found} <= {
        "alert_references",
        "read_positions",
    }
    return url, rows


def test_everything_is_copied_and_the_work_goes_on_behind_it(
    worked: tuple[str, Rows], engine: Engine
) -> None:
    url, rows = worked
    copied = moving.copy_inbox(url, engine.url.render_as_string(hide_password=False))
    assert rows_of(engine) == rows
    assert copied == {name: len(found) for name, found in rows.items()}
    # Numbers that the database gives itself are new ones.
    inbox = Inbox(engine)
    inbox.steps("2", "label")
    inbox.add(make_alert("9", buyer="b9", orders=1))
    assert len(rows_of(engine)["audit"]) > len(rows["audit"])


def test_two_inboxes_are_not_put_together(worked: tuple[str, Rows], engine: Engine) -> None:
    url, _ = worked
    Inbox(engine).add(make_alert("other", orders=1))
    before = rows_of(engine)
    with pytest.raises(
        ConfigurationError, match=r"already holds alerts; expected an empty .* create it again"
    ):
        moving.copy_inbox(url, engine.url.render_as_string(hide_password=False))
    assert rows_of(engine) == before


def test_an_inbox_that_was_started_too_early_and_showed_nothing_is_empty(
    worked: tuple[str, Rows], engine: Engine
) -> None:
    url, rows = worked
    Inbox(engine).teller.tell()
    with engine.begin() as connection:
        connection.execute(insert(ReadRow).values(topic="alerts", partition=7, offset=70))
    moving.copy_inbox(url, engine.url.render_as_string(hide_password=False))
    assert rows_of(engine) == rows


def test_nothing_is_copied_where_a_table_fails(
    worked: tuple[str, Rows], engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, _ = worked

    last, copy = Base.metadata.sorted_tables[-1], moving._copy

    def fail_at_last(table: Table, source: Connection, target: Connection) -> int:
        if table is last:
            raise RuntimeError("the disk is full")
        return copy(table, source, target)

    monkeypatch.setattr(moving, "_copy", fail_at_last)
    with pytest.raises(RuntimeError, match="the disk is full"):
        moving.copy_inbox(url, engine.url.render_as_string(hide_password=False))
    assert not any(rows_of(engine).values())


def test_a_file_that_is_not_there_and_the_same_database_are_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/inbox.db"
    with pytest.raises(ConfigurationError, match=r"names .*inbox\.db, and there is no such file"):
        moving.copy_inbox(url, f"sqlite:///{tmp_path}/new.db")
    assert not list(tmp_path.glob("inbox.db"))
    with pytest.raises(
        ConfigurationError, match="is the database of ORDERWATCH_DATABASE_URL itself"
    ):
        moving.copy_inbox(url, url)
    # Not the setting: whoever typed the option looks there.
    with pytest.raises(ConfigurationError, match=r"^--copy-from cannot be used"):
        moving.copy_inbox("no-database://h/x", url)


def test_what_is_misspelt_or_no_inbox_is_left_as_it_is(tmp_path: Path, engine: Engine) -> None:
    target = engine.url.render_as_string(hide_password=False)
    misspelt = tmp_path / "misspelt" / "inbox.db"
    with pytest.raises(ConfigurationError, match=f"names {misspelt}, and there is no such file"):
        moving.copy_inbox(f"sqlite:///{misspelt}", target)
    assert not misspelt.parent.exists()
    other = tmp_path / "notify.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE outbox (id INTEGER)")
    with pytest.raises(ConfigurationError, match=r"notify\.db holds no inbox"):
        moving.copy_inbox(f"sqlite:///{other}", target)
    with closing(sqlite3.connect(other)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("outbox",)]


def test_the_command_says_what_it_copied(
    worked: tuple[str, Rows], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDERWATCH_DATABASE_URL", f"sqlite:///{tmp_path}/new.db")
    done = CliRunner().invoke(app, ["inbox", "--copy-from", worked[0]], obj=Invocation())
    assert done.exit_code == 0
    assert "alerts: 8\n" in done.output
