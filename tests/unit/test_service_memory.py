"""Freed memory goes back to the system, as containers that are limited by it need."""

from __future__ import annotations

import subprocess
import sys

# In a process of its own: one that has freed much before takes it from there, and gives that back too.
SCRIPT = """
from benchmarks.measure import rss_bytes
from streams.service.memory import give_back

BLOCK_BYTES, BLOCKS = 2_000, 40_000
before = rss_bytes()
blocks = [bytes(BLOCK_BYTES) for _ in range(BLOCKS)]
kept = blocks[::50]
del blocks
freed_bytes = (BLOCKS - len(kept)) * BLOCK_BYTES
held_bytes = rss_bytes() - before
assert held_bytes > freed_bytes / 2, "the C library has given it back by itself"
give_back()
assert rss_bytes() - before < held_bytes / 2, "it was not given back"
"""


def test_what_is_freed_between_what_is_kept_goes_back() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
