"""What D04 reads of extortion, of claims and of honest messages, each alone, by two sets of messages.

`messages/seen.jsonl` is what the lists were made with, so it says what they can do at best.
`messages/unseen.jsonl` was written without knowing the lists and was never looked at while they were made.
The trap: as soon as a list is changed because of one of those, they prove nothing any more. Write new ones
then. None of them is a real message, for nobody has published any; real ones would be the better test.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from streams.detect.text.signals import read_chat

_FOLDER = Path(__file__).with_name("messages")
# Extortion is to be found. Of claims, for something that is wrong, the shop may be informed. The honest
# ones are near misses to a good half.
LABELS = ("extortion", "claim", "honest")


class Read(NamedTuple):
    """Of the messages of one label: how many there are, how many D04 warns of, and how many it notes."""

    label: str
    messages: int
    warned: int
    informed: int


def messages(name: str) -> Iterator[tuple[str, str]]:
    """Label and text of each message of `seen` or `unseen`."""
    for line in (_FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
        message = json.loads(line)
        yield message["label"], message["text"]


def level(text: str) -> str:
    """What D04 makes of a message that stands alone: `warn`, `info` or nothing."""
    signals = read_chat(text)
    if not signals.has("threat.") or not signals.has("demand."):
        return ""
    money = [found.code for found in signals.found if found.code.startswith("demand.money")]
    # A claim with its reason only informs.
    is_claim = signals.names_reason and all(code == "demand.money.claim" for code in money)
    return "warn" if money and not is_claim else "info"


def read(name: str) -> list[Read]:
    """The messages of `seen` or `unseen` by label; a tenth of a second."""
    told = Counter((label, level(text)) for label, text in messages(name))
    return [
        Read(
            label,
            sum(count for (of, _), count in told.items() if of == label),
            told[label, "warn"],
            told[label, "info"],
        )
        for label in LABELS
    ]
