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
