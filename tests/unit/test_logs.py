"""What of the libraries' own logs reaches ours."""

from __future__ import annotations

import logging
import subprocess
import sys

from streams.service.logs import Seldom

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
for node in range(50):
    logging.getLogger("aiokafka.conn").error("Unable to connect to %s", node)
    logging.getLogger("kafka.cluster").error("Topic %s not found in cluster metadata", "alerts")
logging.getLogger("orderwatch").info("ours")
"""


def test_libraries_warn_but_not_of_a_busy_machine_nor_of_a_lost_connection_as_of_a_bug() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True
    )
    said = [line.split(" ", 4)[4] for line in done.stderr.splitlines()]
    assert said == [
        "a node is gone",
        "a broker hung up",
        "Unable to connect to 0",
        "Topic alerts not found in cluster metadata",
        "ours",
    ]
    assert done.stdout == ""


def test_a_loud_client_is_heard_once_in_ten_seconds_for_each_kind_of_line() -> None:
    def record(name: str, text: str, at_s: float) -> logging.LogRecord:
        made = logging.LogRecord(name, logging.ERROR, "", 0, text, (), None)
        made.created = at_s
        return made

    seldom = Seldom()
    heard = [
        seldom.filter(record("aiokafka", text, at_s))
        for text, at_s in (("a", 0), ("a", 9), ("b", 9), ("a", 10), ("a", 19), ("a", 5))
    ]
    # The last: the clock was set back.
    assert heard == [True, False, True, True, False, True]
    assert all(seldom.filter(record("orderwatch", "a", 0)) for _ in range(3))
