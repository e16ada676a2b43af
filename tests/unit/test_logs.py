"""What of the libraries' own logs reaches ours."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import logging
from streams.service.logs import configure_logging
from streams.settings import Settings

configure_logging(Settings())
logging.getLogger("kafka.net.selector").warning("a task took a while")
logging.getLogger("kafka.client").info("connected")
logging.getLogger("kafka.client").warning("a node is gone")
try:
    raise ConnectionResetError
except ConnectionResetError:
    logging.getLogger("kafka.net.transport").exception("a broker hung up")
logging.getLogger("orderwatch").info("ours")
"""


def test_libraries_warn_but_not_of_a_busy_machine_nor_of_a_lost_connection_as_of_a_bug() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True
    )
    said = [line.split(" ", 4)[4] for line in done.stderr.splitlines()]
    assert said == ["a node is gone", "a broker hung up", "ours"]
    assert done.stdout == ""
