"""Freed memory goes back to the system, as containers that are limited by it need."""

from __future__ import annotations

from benchmarks.measure import rss_bytes
from streams.service.memory import give_back

BLOCK_BYTES = 2_000
BLOCKS = 40_000


def test_what_is_freed_between_what_is_kept_goes_back() -> None:
    before = rss_bytes()
    blocks = [bytes(BLOCK_BYTES) for _ in range(BLOCKS)]
    kept = blocks[::50]
    del blocks
    freed_bytes = (BLOCKS - len(kept)) * BLOCK_BYTES
    held_bytes = rss_bytes() - before
    assert held_bytes > freed_bytes / 2, "the C library keeps it"
    give_back()
    assert rss_bytes() - before < held_bytes / 2
