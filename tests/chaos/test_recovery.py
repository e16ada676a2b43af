"""State that cannot be read back stops the worker, even when nobody sends anything."""

from __future__ import annotations

from pathlib import Path

from tests.topic_io import Message, produce
from tests.workers import worker


def test_state_that_cannot_be_read_stops_the_worker_and_says_where_it_lies(
    embedded_bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    with worker(embedded_bootstrap, topic_prefix, tmp_path) as subject:
        topic = f"{topic_prefix}buyer-state"
        produce(embedded_bootstrap, topic, [Message(b"?", b"b/shop1:b1", 2)])
        subject.start()
        assert subject.process is not None
        assert subject.process.wait(60) == 70
        assert f"while {topic}[2] was read back".encode() in subject.log.read_bytes()
