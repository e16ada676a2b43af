"""What SQLite says when it cannot use its file, in words for whoever is on call.

What a newcomer gets wrong: a lock of somebody else and a full disk are no bugs, and pass with their cause.
"""

from __future__ import annotations

import sys
from typing import NamedTuple


class Trouble(NamedTuple):
    """`what` goes behind the name of a database; `cure` is a sentence without its end."""

    what: str
    cure: str


def trouble(error: object) -> Trouble | None:
    """What an operator can mend; None for the error of anything else."""
    # The kind is the beginning of the name: SQLITE_IOERR_FSYNC, SQLITE_READONLY_DBMOVED.
    name = _sqlite_code(error)
    kind = "_".join(name.split("_")[:2])
    if kind == "SQLITE_BUSY":
        return Trouble(
            "is locked: another program is writing to it, such as an open `sqlite3` shell",
            "End that",
        )
    # A quota is no full disk to SQLite, only an error of writing.
    if name in ("SQLITE_FULL", "SQLITE_IOERR_WRITE"):
        return Trouble(f"does not fit: {error}", "Make room")
    if kind in ("SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_READONLY"):
        return Trouble(
            f"cannot be used: {error}",
            "Look whether its disk is there and may be written to, and its files are still in their place",
        )
    return None


def _sqlite_code(error: object) -> str:
    """SQLite's own name of what went wrong; empty for the error of anything else."""
    # Who has opened no database can have none of its errors.
    sqlite = sys.modules.get("sqlite3")
    if sqlite is None or not isinstance(error, sqlite.OperationalError):
        return ""
    return getattr(error, "sqlite_errorname", "")
