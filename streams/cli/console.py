"""Where commands print: results to stdout, complaints to stderr, nothing interpreted as markup."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from streams.errors import ConfigurationError

if TYPE_CHECKING:
    from rich.console import Console


# Wider than any table: what is not a screen folds nothing, or grep would miss the ids that are folded.
_UNFOLDED: Final = 10_000


def stdout() -> Console:
    """The console for results. Data never goes through markup: a buyer may be called `[red]`.

    Raises ConfigurationError where the caller closed it.
    """
    from rich.console import Console

    if sys.stdout is None:
        raise ConfigurationError(
            "stdout is closed, and results go there; redirect it to a file, or to /dev/null."
        )
    width = None if sys.stdout.isatty() else _UNFOLDED
    return Console(markup=False, highlight=False, emoji=False, width=width)


def stderr() -> Console:
    """The console for progress and complaints, so that stdout stays clean for pipes."""
    from rich.console import Console

    return Console(stderr=True, markup=False, highlight=False, emoji=False)


def complain(text: str) -> None:
    """Print an error message, one line for each line of `text`."""
    console = stderr()
    for line in text.splitlines() or [text]:
        console.print(f"orderwatch: {line}", style="red", soft_wrap=True)
