"""Memory that was freed goes back to the system.

The C library keeps what was freed in the middle of its heap, so a process would for ever look as large
as in its busiest hour.
"""

from __future__ import annotations

import ctypes

# Only glibc has it; others do it by themselves, or cannot.
_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)


def give_back() -> None:
    """Return freed pages, where the C library can. Cost: some milliseconds for each gigabyte."""
    if _trim is not None:
        _trim(0)
