"""`orderwatch worker`: checks the surroundings, then runs the Faust app until it is told to stop."""

from __future__ import annotations

import asyncio
import gc

import faust

from streams.errors import ConfigurationError
from streams.kafka.topics import listing
from streams.runtime.build import build_app
from streams.service.logs import configure_logging
from streams.settings import Settings


def run(settings: Settings) -> None:
    """Run a worker in this process; returns after a clean stop (SIGTERM, SIGINT).

    Raises ConfigurationError when topics are missing or have other partition counts than configured,
    and TransientError when no broker answers. Ends the process itself, without cleaning up, when it
    may no longer write (exit codes 70 and 71): whatever was not acknowledged is read again.
    """
    configure_logging(settings)
    wrong = [row for row in listing(settings) if row.action in ("missing", "blocked")]
    if wrong:
        raise ConfigurationError(
            "topics are not as configured: "
            + ", ".join(f"{row.wanted.name} ({row.action})" for row in wrong)
            + "; run `orderwatch topics apply`"
        )
    # Batches make many short-lived objects and hardly any cycles.
    gc.set_threshold(50_000, 20, 100)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    _use_uvloop()
    app = build_app(settings)
    worker = faust.Worker(app, loglevel=settings.log_level.upper(), redirect_stdouts=False)
    worker.execute_from_commandline()


def _use_uvloop() -> None:
    """A faster event loop where the extra `speed` is installed."""
    try:
        import uvloop
    except ImportError:
        return
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
