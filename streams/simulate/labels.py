"""What is true about a simulation: who attacked, who only looks like it, and what should be said.

Of a `notice` nobody is to blame: the seller is told that there is something to do.
The trap: an attack may have nothing to be said about it. Below the documented limits silence is right,
and the label says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import orjson

Truth = Literal["attack", "honest-lookalike", "shop-fault", "notice"]
Expected = Literal["critical", "warn", "info", "none"]
SubjectKind = Literal["buyer", "shop", "item"]


@dataclass(frozen=True, slots=True)
class Also:
    """What another detector should say because of the same story; severity None: either will do."""

    detector: str
    kind: str
    subject_id: str
    severity: str | None


@dataclass(frozen=True, slots=True)
class Label:
    """The truth about one story for one detector.

    `expected` is the highest severity that the detector's definition gives for `subject`, or none. Of who
    only looks like an attacker it is none also where the definition informs: nobody may be warned of them.
    `subject_id` is spelt as in alerts. A story of many honest buyers has the shop as its subject: then no
    one of `buyer_ids` may get an alert of this detector either.
    `start` and `end` are the times of its first and last event.
    `not_caught` says why an attack is expected to pass; it is empty for all others.
    """

    label: Truth
    scenario: str
    shop_id: str
    buyer_ids: tuple[str, ...]
    detector: str
    subject_kind: SubjectKind
    subject_id: str
    expected: Expected
    start: str
    end: str
    also: tuple[Also, ...] = ()
    not_caught: str = ""

    def line(self) -> bytes:
        """One line of a labels file."""
        return orjson.dumps(
            {
                "label": self.label,
                "scenario": self.scenario,
                "shop_id": self.shop_id,
                "buyer_ids": self.buyer_ids,
                "detector": self.detector,
                "subject": {"kind": self.subject_kind, "id": self.subject_id},
                "expected": self.expected,
                "start": self.start,
                "end": self.end,
                "also": self.also,
                "not_caught": self.not_caught,
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )
