"""What each detector calls itself and its numbers; the words stand in the detector's own file.

The trap: alerts outlive versions, so one may come from a detector that is unknown here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from streams.detect.detector import Wording, find_detectors


@cache
def wordings() -> Mapping[str, Wording]:
    """The wording of every detector that has one, by its id."""
    return {one.id: one.wording for one in find_detectors() if any(one.wording.title)}


def wording_of(detector: str) -> Wording:
    """The wording of a detector; of one that is unknown here, its id and no words."""
    return wordings().get(detector) or Wording(title=(detector, detector), thresholds={})
