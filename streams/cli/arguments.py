"""What people write as arguments, where the type alone would take too much: paths and times."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import typer


def path(written: str) -> Path:
    """What an option or an argument names. Without a name it would be the folder one happens to be in."""
    if not written:
        raise typer.BadParameter("expected the path of a file or folder, found nothing")
    return Path(written)


def moment(written: str) -> datetime:
    """A day or a time as ISO 8601 writes it.

    Nothing else: left to typer, 20261130 and 2026 would be seconds since 1970, and nothing would lie
    between.
    """
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        raise typer.BadParameter(
            f"{written!r} is no time; expected one such as 2026-11-30, 2026-11-30T10:00:00 (UTC) or "
            "2026-11-30T10:00:00+08:00"
        ) from None
