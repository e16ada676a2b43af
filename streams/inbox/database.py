"""Opening the database and bringing its schema up to date: SQLite by default, PostgreSQL by URL."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, func, inspect, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from streams.errors import ConfigurationError, TransientError
from streams.service.databases import trouble
from streams.subscriber.ledger import damaged_database

MIGRATIONS = Path(__file__).parent / "migrations"
# Any number will do, as long as nobody else of this database uses it for something else.
_MIGRATION_LOCK = 7_214_001
_BUSY_TIMEOUT_MS = 10_000
# Alembic's own, in every database of an inbox.
_VERSION_TABLE = "alembic_version"
# What passes by itself: the database is away or busy, or all of our connections are taken.
PASSING: Final = (OperationalError, InterfaceError, PoolTimeoutError)


def open_database(url: str, named: str = "ORDERWATCH_DATABASE_URL") -> Engine:
    """An engine for `url`, which makes nothing. Transactions with the option `is_writer` take the write lock
    at once.

    Raises ConfigurationError for a URL that is not SQLite or PostgreSQL; it says where it was `named`.
    """
    parsed = parse(url, named)
    if parsed.get_backend_name() == "postgresql":
        return create_engine(parsed, pool_pre_ping=True)
    return _open_sqlite(parsed, named)


def upgrade(engine: Engine, *, is_made_before: bool = False) -> None:
    """Apply all migrations, to a new file of SQLite too; what `is_made_before` must hold an inbox already.

    Raises TransientError when the database does not answer, is locked or has no room, ConfigurationError
    when its file is damaged, a newer version has changed its tables or there are none.
    """
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    where = engine.url.render_as_string(hide_password=True)
    if (file := file_of(engine.url)) is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with writing(engine).begin() as connection:
            if connection.dialect.name == "postgresql":
                # Two consoles that start at once must not both create the tables.
                connection.execute(
                    text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK}
                )
            else:
                _check_file(connection)
            if is_made_before and not inspect(connection).has_table(_VERSION_TABLE):
                raise ConfigurationError(f"{where} holds no inbox; expected the database of one.")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        raise ConfigurationError(
            f"{where} was brought up to date by a newer version of orderwatch, which this one cannot read "
            f"({error}). Start that version, or put a backup from before in its place: "
            'docs/operations.md, "Going back".'
        ) from error
    except OperationalError as error:
        if (found := trouble(error.orig)) is not None:
            raise TransientError(
                f"The database {where} {found.what}. {found.cure}, then start again."
            ) from error
        raise TransientError(
            f"The database {where} does not answer ({type(error.orig).__name__}). "
            "Start it or set ORDERWATCH_DATABASE_URL."
        ) from error
    except DatabaseError as error:
        # What SQLite says of pages that it cannot read; every other fault is of a subclass.
        if type(error.orig) is not sqlite3.DatabaseError:
            raise
        raise damaged_database(engine.url.database or "", str(error.orig)) from error


def file_of(url: URL) -> Path | None:
    """The file of a database of SQLite."""
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def _check_file(connection: Connection) -> None:
    """Read the whole file once: what people did exists nowhere else, so damage must show at once."""
    found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    if found != "ok":
        raise damaged_database(connection.engine.url.database or "", found)


def said_of(error: Exception) -> str:
    """What is wrong with a database that cannot be asked for now, and what to do where its driver tells."""
    # What the driver said, where the question came as far as the driver.
    reason = getattr(error, "orig", error)
    if (found := trouble(reason)) is not None:
        return f"the database {found.what}. {found.cure}; no restart is needed"
    what = "does not answer" if isinstance(error, PASSING) else "refuses"
    return f"the database {what} ({type(reason).__name__})"


def writing(engine: Engine) -> Engine:
    """The same engine, whose transactions mean to write."""
    return engine.execution_options(is_writer=True)


def hold(session: Session, name: str) -> None:
    """Let no other transaction hold the same name until this one ends: for rows that do not exist yet."""
    # A transaction of SQLite that means to write is alone.
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def parse(url: str, named: str) -> URL:
    """See `open_database`, without opening anything."""
    expected = "expected sqlite:///path/to/file.db or postgresql://user@host/name"
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
        if backend == "postgresql" and parsed.drivername == "postgresql":
            # Without a driver SQLAlchemy would look for psycopg2, which is not what is shipped.
            parsed = parsed.set(drivername="postgresql+psycopg")
        parsed.get_dialect().import_dbapi()
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError) as error:
        cure = "; pip install 'orderwatch[postgres]'" if isinstance(error, ImportError) else ""
        # The URL may hold a password, so the message does not repeat it.
        raise ConfigurationError(
            f"{named} cannot be used ({type(error).__name__}): {expected}{cure}."
        ) from None
    if backend not in ("sqlite", "postgresql"):
        raise ConfigurationError(f"{named} has the database {backend}: {expected}.")
    return parsed


def _open_sqlite(url: URL, named: str) -> Engine:
    if not url.database or url.database == ":memory:":
        raise ConfigurationError(
            f"{named} names no file, expected sqlite:///path/to/file.db. "
            "A database in memory would lose what people did."
        )
    engine = create_engine(url)

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: Any) -> None:
        # The driver would open transactions by itself, and only before the first write; a reader
        # that then turns writer fails at once when somebody else wrote meanwhile.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        is_writer = connection.get_execution_options().get("is_writer", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writer else "BEGIN")

    return engine
