"""Copying an inbox into another database: what people did exists nowhere else, so a move has to bring it.

The trap: rows keep their numbers, for pages and request ids name them, so the counters of the new database
must go on behind the greatest.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, Integer, Table, func, insert, select

from streams.errors import ConfigurationError
from streams.inbox.database import open_database, upgrade, writing
from streams.inbox.models import Base

_OPTION = "--copy-from"
# Rows in hand at once: the largest hold an envelope of some kilobytes.
_BATCH = 500


def copy_inbox(source_url: str, target_url: str) -> dict[str, int]:
    """Copy everything from one database into an empty one; gives the rows of each table.

    Both are brought up to date first, and nobody else writes to the source meanwhile. All or nothing is
    copied. Raises ConfigurationError for a database that cannot be used, a file that is not there and a
    target that already holds something; TransientError when one does not answer.
    """
    source, target = open_database(source_url, _OPTION), open_database(target_url)
    try:
        if source.url == target.url:
            raise ConfigurationError(
                f"{_OPTION} is the database of ORDERWATCH_DATABASE_URL itself; expected another one."
            )
        _require_file(source)
        upgrade(source)
        upgrade(target)
        with writing(source).begin() as reading, writing(target).begin() as filling:
            for table in Base.metadata.sorted_tables:
                if filling.execute(select(func.count()).select_from(table)).scalar_one():
                    where = target.url.render_as_string(hide_password=True)
                    raise ConfigurationError(
                        f"{where} already holds {table.name}; expected an empty database, for two inboxes "
                        "cannot be put together."
                    )
            return {
                table.name: _copy(table, reading, filling) for table in Base.metadata.sorted_tables
            }
    finally:
        source.dispose()
        target.dispose()


def _require_file(source: Engine) -> None:
    """SQLite would make an empty database of a misspelt name, and copying that would look like success."""
    name = source.url.database
    if source.dialect.name == "sqlite" and not Path(name or "").is_file():
        raise ConfigurationError(f"{_OPTION} names {name}, and there is no such file.")


def _copy(table: Table, source: Connection, target: Connection) -> int:
    rows = source.execution_options(yield_per=_BATCH).execute(select(table))
    copied = 0
    for batch in rows.mappings().partitions():
        target.execute(insert(table), [dict(row) for row in batch])
        copied += len(batch)
    if target.dialect.name == "postgresql" and copied:
        _count_on(table, target)
    return copied


def _count_on(table: Table, target: Connection) -> None:
    """Let the table's own counter, if it has one, begin behind what was copied."""
    for column in table.primary_key:
        if isinstance(column.type, Integer) and table.autoincrement_column is column:
            counter = func.pg_get_serial_sequence(table.name, column.name)
            target.execute(select(func.setval(counter, select(func.max(column)).scalar_subquery())))
