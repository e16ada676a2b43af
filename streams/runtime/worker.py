"""`orderwatch worker`: checks the surroundings, then runs the Faust app until it is told to stop."""

from __future__ import annotations

import asyncio
import gc

import faust

from streams.errors import ConfigurationError
from streams.kafka.clients import about_rights
from streams.kafka.topics import BLOCKED_CURE, listing
from streams.rules import build_engine
from streams.runtime.build import build_app, stop_for
from streams.runtime.continuity import require_continuity
from streams.service.logs import configure_logging
from streams.service.serving import address_of, require_free
from streams.settings import Settings


def run(settings: Settings) -> None:
    """Run a worker in this process; returns after a clean stop (SIGTERM, SIGINT).

    Raises ConfigurationError for rules, detectors, keys or a port that cannot be used, before any
    broker is asked, and when topics are missing, have other partition counts than configured, or lack
    what the group goes on from; TransientError when no broker answers. Whatever goes wrong later ends
    the process itself, without cleaning up and with an exit code of docs/operations.md: what was not
    acknowledged is read again.
    """
    configure_logging(settings)
    # The app builds its own when it starts, but Faust lets no exception of that through to here.
    build_engine(settings)
    require_free(address_of(settings, "web_host", "web_port"))
    _require_topics(settings)
    require_continuity(settings)
    # Batches make many short-lived objects and hardly any cycles.
    gc.set_threshold(50_000, 20, 100)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    _use_uvloop()
    app = build_app(settings)
    # It would put handlers of its own in the place of ours, which leave out most of what a client repeats.
    worker = faust.Worker(app, override_logging=False)
    # Its ornament on a terminal, which it gives up itself where it sets up logs of our level.
    worker.spinner = None
    try:
        worker.execute_from_commandline()
    except SystemExit as ended:
        # Of whatever stops the worker inside Faust, the code is 1 and says nothing.
        if ended.code and ended.__context__ is not None:
            stop_for(ended.__context__)
        raise


def _require_topics(settings: Settings) -> None:
    wrong = [row for row in listing(settings) if row.action in ("missing", "blocked")]
    if not wrong:
        return
    # Creating topics is refused while any has a wrong number of partitions, so that comes first.
    is_blocked = any(row.action == "blocked" for row in wrong)
    raise ConfigurationError(
        "topics are not as configured: "
        + ", ".join(f"{row.wanted.name} ({row.action}: {row.detail})" for row in wrong)
        + ". "
        + (BLOCKED_CURE if is_blocked else "Run `orderwatch topics apply`.")
        + about_rights(settings)
    )


def _use_uvloop() -> None:
    """A faster event loop where the extra `speed` is installed."""
    try:
        import uvloop
    except ImportError:
        return
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
