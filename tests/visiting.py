"""HTTP to what a test serves on this machine.

By itself httpx reads the certificates of all authorities for each client, 20 ms, also where nothing is
encrypted; and whoever waits for a page asks for it many times.
"""

from __future__ import annotations

from typing import Any

import httpx


def visiting(url: str, **options: Any) -> httpx.Client:
    """A client of the pages at `url`, with further options of httpx; the caller closes it."""
    # A busy machine is no bug.
    return httpx.Client(base_url=url, timeout=60, verify=False, **options)


def get(url: str, **options: Any) -> httpx.Response:
    """One page, by a client of its own."""
    return httpx.get(url, timeout=10, verify=False, **options)
