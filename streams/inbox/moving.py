"""Copying an inbox into another database: what people did exists nowhere else, so a move has to bring it.

The trap: rows keep their numbers, for pages and request ids name them, so the counters of the new database
must go on behind the greatest.
"""

from __future__ import annotations

from sqlalchemy import Connection, Integer, Table, delete, func, insert, select
from sqlalchemy.engine import URL

from streams.errors import ConfigurationError
from streams.inbox.database import file_of, open_database, parse, upgrade, writing
from streams.inbox.models import Base, ReadRow, ToldRow

_OPTION = "--copy-from"
# Rows in hand at once: the largest hold an envelope of some kilobytes.
_BATCH = 500
# How far an inbox has read and told, which it notes once it runs: nobody's work, so that of the source holds.
_OWN_NOTES = frozenset({ReadRow.__tablename__, ToldRow.__tablename__})


def copy_inbox(source_url: str, target_url: str) -> dict[str, int]:
    """Copy everything from one database into an empty one; gives the rows of each table.

    One in which an inbox has run, and found nothing to show, is empty. Both are brought up to date first,
    and nobody else writes to the source meanwhile. All or nothing is copied. Raises ConfigurationError for
    a database that cannot be used, a source that is not there or is no inbox, and a target that already
    holds something; TransientError when one does not answer.
    """
    _require_source(parse(source_url, _OPTION), target_url)
    source, target = open_database(source_url, _OPTION), open_database(target_url)
    try:
        upgrade(source, is_made_before=True)
        upgrade(target)
        with writing(source).begin() as reading, writing(target).begin() as filling:
            for table in Base.metadata.sorted_tables:
                if table.name in _OWN_NOTES:
                    filling.execute(delete(table))
                elif filling.execute(select(func.count()).select_from(table)).scalar_one():
                    where = target.url.render_as_string(hide_password=True)
                    raise ConfigurationError(
                        f"{where} already holds {table.name}; expected an empty database, for two inboxes "
                        "cannot be put together. Name a new one in ORDERWATCH_DATABASE_URL; or, where nobody "
                        "needs what people did in this one, stop its inbox, drop it and create it again."
                    )
            return {
                table.name: _copy(table, reading, filling) for table in Base.metadata.sorted_tables
            }
    finally:
        source.dispose()
        target.dispose()


def _require_source(source: URL, target_url: str) -> None:
    """SQLite would make an empty database of a misspelt name, and copying that would look like success."""
    if source == parse(target_url, "ORDERWATCH_DATABASE_URL"):
        raise ConfigurationError(
            f"{_OPTION} is the database of ORDERWATCH_DATABASE_URL itself; expected another one."
        )
    file = file_of(source)
    if file is not None and not file.is_file():
        raise ConfigurationError(
            f"{_OPTION} names {file.absolute()}, and there is no such file; expected "
            "that of the inbox that is to be copied. An absolute path has four slashes: "
            "sqlite:////var/lib/orderwatch/inbox.db."
        )


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
