"""Logs: one line per event on standard error, static event name first, then fields; no personal data.

Normal operation logs nothing per record. Standard output stays free for what a command prints.
"""

from __future__ import annotations

import logging
import sys

import structlog

from streams.settings import Settings

# Clients and frameworks that tell every reconnect; their warnings are enough.
_NOISY = ("aiokafka", "faust", "mode", "kafka", "apprise", "alembic", "uvicorn")
# It warns whenever one of its steps took a tenth of a second, as all do on a busy machine.
_IMPATIENT = "kafka.net.selector"
# They write dozens of lines a second while the broker is away, or a topic: a line of a kind is enough in this
# time. The cause is that they ask ten times a second, as they should: whoever waits goes on at once.
_LOUD = ("aiokafka", "kafka")
_PAUSE_S = 10.0
# It tells of a connection that the broker reset with a traceback, as of a bug; its next line says the same.
_ALARMED = "kafka.net.transport"


def configure_logging(settings: Settings) -> None:
    """Send all logs of this process to standard error at `log_level`. Call once, at the start."""
    level = getattr(logging, settings.log_level.upper())
    logging.basicConfig(
        level=level,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        force=True,
    )
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(logging.WARNING, level))
    logging.getLogger(_IMPATIENT).setLevel(max(logging.ERROR, level))
    logging.getLogger(_ALARMED).addFilter(_without_traceback)
    for handler in logging.getLogger().handlers:
        handler.addFilter(Seldom())
    structlog.configure(
        processors=[
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["at", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _without_traceback(record: logging.LogRecord) -> bool:
    record.exc_info = None
    return True


class Seldom(logging.Filter):
    """Of each kind of line of the loud clients, by what stands in their source, one in ten seconds."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is written."""
        if not record.name.startswith(_LOUD):
            return True
        kind = record.name, str(record.msg)
        last = self._last.get(kind)
        # A clock that is set back must not silence it.
        if last is not None and 0 <= record.created - last < _PAUSE_S:
            return False
        self._last[kind] = record.created
        return True
