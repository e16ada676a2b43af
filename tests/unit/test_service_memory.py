"""Freed memory goes back to the system, as containers that are limited by it need."""

from __future__ import annotations

import os
from pathlib import Path

from streams.service.memory import give_back

BLOCK_BYTES = 2_000
BLOCKS = 40_000


def resident_bytes() -> int:
    """What this process has in memory (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_what_is_freed_between_what_is_kept_goes_back() -> None:
    before = resident_bytes()
    blocks = [bytes(BLOCK_BYTES) for _ in range(BLOCKS)]
    kept = blocks[::50]
    del blocks
    freed_bytes = (BLOCKS - len(kept)) * BLOCK_BYTES
    held_bytes = resident_bytes() - before
    assert held_bytes > freed_bytes / 2, "the C library keeps it"
    give_back()
    assert resident_bytes() - before < held_bytes / 2
