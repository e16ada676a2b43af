"""The command `orderwatch`: parses arguments, loads settings, maps every error to an exit code.

Nothing heavy is imported here or in the command modules: each command imports its own room when it
runs, so that `orderwatch --help` answers at once. Exit codes are listed in docs/cli.md.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence

from streams.cli.invocation import Invocation
from streams.errors import ConfigurationError, OrderwatchError, TransientError
from streams.service.databases import trouble

EXIT_OK = 0
EXIT_CONFIGURATION = ConfigurationError.exit_code
EXIT_UNREACHABLE = TransientError.exit_code
EXIT_BUG = OrderwatchError.exit_code
EXIT_INTERRUPTED = 130

# How the system says that a disk or a quota is full.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; no error leaves this function but a SystemExit."""
    import typer

    from streams.cli.root import app

    invocation = Invocation()
    try:
        code = app(args=argv, prog_name="orderwatch", standalone_mode=False, obj=invocation)
        return code if isinstance(code, int) else EXIT_OK
    except (KeyboardInterrupt, typer.Abort):
        return EXIT_INTERRUPTED
    except typer.TyperException as error:
        return _usage(error)
    except SystemExit as error:
        # Typer ends like this when a reader goes away, which is none of our failures (`tail | head`).
        if isinstance(error.__context__, BrokenPipeError):
            return EXIT_OK
        raise
    except Exception as error:
        if invocation.debug:
            _print_traceback()
        return _report(error)


def _usage(error: Exception) -> int:
    show = getattr(error, "show", None)
    if show is not None:
        show()
    else:
        _say(str(error))
    return EXIT_CONFIGURATION


def _report(error: Exception) -> int:
    """Say what happened and what to do about it; return the exit code."""
    if isinstance(error, OrderwatchError):
        _say(str(error))
        return error.exit_code
    unreachable = _broker_unreachable(error)
    if unreachable is not None:
        _say(unreachable)
        return EXIT_UNREACHABLE
    if isinstance(error, OSError) and error.filename is not None:
        _say(f"{error.filename}: {error.strerror}. Check the path and its permissions.")
        return EXIT_CONFIGURATION
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        _say(f"what was written does not fit: {error.strerror}. Make room, then run it again.")
        return EXIT_UNREACHABLE
    found = trouble(error)
    if found is not None:
        _say(f"a database of this service {found.what}. {found.cure}, then start again.")
        return EXIT_UNREACHABLE
    _say(
        f"internal error ({type(error).__name__}): {error}. "
        "This is a bug; run again as `orderwatch --debug …` for the traceback."
    )
    return EXIT_BUG


def _broker_unreachable(error: Exception) -> str | None:
    # Only when a command has imported the client can one of its errors have been raised.
    errors = sys.modules.get("kafka.errors")
    if errors is None:
        return None
    # No connection, no metadata, no answer in time: all of them may pass.
    if not isinstance(error, errors.RetriableError):
        return None
    return (
        f"the Kafka broker did not answer ({type(error).__name__}: {error}). Start it, or point "
        "ORDERWATCH_BOOTSTRAP_SERVERS (or --bootstrap-servers) at the right host:port."
    )


def _say(text: str) -> None:
    from streams.cli.console import complain

    complain(text)


def _print_traceback() -> None:
    import traceback

    traceback.print_exc()
