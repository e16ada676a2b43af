"""`python -m streams` is the command `orderwatch`, for where scripts are not installed."""

from __future__ import annotations

import sys

from streams.cli import main

if __name__ == "__main__":
    sys.exit(main())
