"""Which of the steps that an alert suggests somebody has done, as the audit tells it. Nothing else is stored.

A tick says that a person did something elsewhere: it submits nothing, and the detectors do not hear of it.
The trap: a revision may suggest other steps, or the same one with another number in it, so a step is known by
its code and its words without figures; a tick keeps the words that it was set by. What was done before an
alert came back may have to be done again, so its boxes are empty then.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from schemas.alerts import SuggestedAction, Text
from streams.inbox.models import AuditRow
from streams.inbox.workflow import BESIDE, State

# A code, and half of a digest.
KEY: Final = re.compile(r"A\d{1,2}\.[0-9a-f]{16}")
_FIGURES: Final = re.compile(r"\d+")


@dataclass(frozen=True)
class Tick:
    """A step that was done: what it said when it was ticked, who ticked it and when."""

    key: str
    text: Text
    at: datetime
    by: str


def key_of(action: SuggestedAction) -> str:
    """The name by which a step is known in later revisions."""
    words = _FIGURES.sub("", action.text.zh)
    digest = hashlib.sha256(words.encode()).hexdigest()[:16]
    return f"{action.code.partition('_')[0]}.{digest}"


def find(actions: Iterable[SuggestedAction], key: str) -> SuggestedAction | None:
    """The step of that name, if it is suggested."""
    return next((one for one in actions if key_of(one) == key), None)


def since_return(audit: Sequence[AuditRow]) -> Sequence[AuditRow]:
    """Of the steps in order those since the pipeline last brought the alert back; all if it never did.

    Whoever takes a handled alert again brings nothing new, so that what was done stays done.
    """
    for number, row in reversed(list(enumerate(audit))):
        if row.step == "follow" and row.to_state == State.REOPENED:
            return audit[number + 1 :]
    return audit


def ticks_of(audit: Sequence[AuditRow]) -> dict[str, Tick]:
    """What is ticked, by name, of the steps that people took in order; those that were unticked are not."""
    ticked: dict[str, Tick] = {}
    for row in audit:
        if row.step not in BESIDE:
            continue
        said = json.loads(row.detail)
        ticked.pop(said["action"], None)
        if row.step == "tick":
            text = Text(zh=said["zh"], en=said["en"])
            ticked[said["action"]] = Tick(said["action"], text, row.at, row.by)
    return ticked
