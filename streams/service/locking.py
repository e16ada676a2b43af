"""One process per data file: a lock that the system releases however the process ends."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streams.errors import ConfigurationError


@contextmanager
def only_one(service: str, data_dir: Path) -> Iterator[None]:
    """Hold the lock of `service` in `data_dir`; ConfigurationError when somebody else has it."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / f"{service}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigurationError(
                f"Another `orderwatch {service}` works in {data_dir}: stop it, or give this one "
                "its own ORDERWATCH_DATA_DIR."
            ) from None
        yield
