"""The loop under every consumer: poll, hand out, and commit what was finished.

A record is finished when the next one is asked for. The trap: close the generator (`closing`), or a
consumer that raised commits nothing of what it had finished before.
"""

from __future__ import annotations

import threading
from collections.abc import Generator

from streams.subscriber.source import Partition, Record, Source


class RecordLoop:
    """Records of a source, one after the other, until `stop()`."""

    def __init__(self, source: Source, poll_s: float = 0.5) -> None:
        self._source = source
        self._poll_s = poll_s
        self._stopping = threading.Event()
        self._positions: dict[Partition, int] = {}

    def records(self) -> Generator[Record, None, None]:
        """Records of partitions that are still ours; positions are committed after each poll."""
        try:
            while not self._stopping.is_set():
                for record in self._source.poll(self._poll_s):
                    if self._stopping.is_set():
                        return
                    if self._source.owns(record):
                        yield record
                        self._positions[record.topic, record.partition] = record.offset + 1
                self._commit()
        finally:
            self._commit()

    def stop(self) -> None:
        """End after the record in hand; safe from a signal handler or another thread."""
        self._stopping.set()

    def wait_for_stop(self, timeout_s: float) -> bool:
        """Pause, but not beyond a stop; whether there was one."""
        return self._stopping.wait(timeout_s)

    def close(self) -> None:
        """Leave the group."""
        self._source.close()

    def _commit(self) -> None:
        if self._positions and self._source.commit(self._positions):
            self._positions.clear()
