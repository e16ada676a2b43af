"""Memory that was freed goes back to the system.

The C library keeps what was freed in the middle of its heap, so a process would for ever look as large
as in its busiest hour.
"""

from __future__ import annotations

import ctypes

# Only glibc has these; others do it by themselves, or cannot.
_libc = ctypes.CDLL(None)
_trim = getattr(_libc, "malloc_trim", None)
_set = getattr(_libc, "mallopt", None)
# From malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
# The most that mallopt takes.
_MOST_REUSED_BYTES = 32 * 1024 * 1024


def reuse_buffers() -> None:
    """Keep memory for large buffers at hand until `give_back`, as for what is fetched from a broker.

    By default the C library maps each of them anew, and the system clears every page of it: a twelfth of
    the time of a worker that catches up.
    """
    if _set is not None:
        _set(_MMAP_THRESHOLD, _MOST_REUSED_BYTES)
        _set(_TRIM_THRESHOLD, 8 * _MOST_REUSED_BYTES)


def give_back() -> None:
    """Return freed pages, where the C library can. Cost: some milliseconds for each gigabyte."""
    if _trim is not None:
        _trim(0)
