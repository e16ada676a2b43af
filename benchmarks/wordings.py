"""What is read of extortion, baits, scams, refusals, advertising, insults and leaks in words of all kinds.

`messages/seen.jsonl` is what the lists were made with, so it says what they can do at best.
`messages/unseen.jsonl` was written without knowing the lists and was never looked at while they were made.
The trap: as soon as a list is changed because of one of those, they prove nothing any more. Write new ones
then. None of them is a real message, for nobody has published any; real ones would be the better test.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from streams.detect.text.signals import read_chat, read_review, refuses_invoice

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


class Told(NamedTuple):
    """Of the texts that carry a signal and of near misses: how many there are, and in how many it is read."""

    what: str
    texts: int
    read: int
    near_misses: int
    misread: int


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
    """The messages of `seen` or `unseen` that are about money and threats, by label."""
    told = Counter((label, level(text)) for label, text in messages(name) if label in LABELS)
    return [
        Read(
            label,
            sum(count for (of, _), count in told.items() if of == label),
            told[label, "warn"],
            told[label, "info"],
        )
        for label in LABELS
    ]


def _chat_has(code: str, text: str) -> bool:
    return read_chat(text).has(code)


def _review_has(code: str, text: str) -> bool:
    return read_review(text).has(code)


# By what it is called: the labels of texts that carry it and of near misses, and how it is read.
_SIGNALS: dict[str, tuple[str, str, Callable[[str], bool]]] = {
    "a receiver is asked for (D13, D24)": (
        "address_ask",
        "address_not",
        partial(_chat_has, "address."),
    ),
    "cashback is asked for (D24)": ("cashback_ask", "cashback_not", partial(_chat_has, "cashback")),
    "an invoice is to go elsewhere (D14, D24)": (
        "invoice_split",
        "invoice_not",
        partial(_chat_has, "invoice.split"),
    ),
    "a seller refuses an invoice (D14)": (
        "invoice_refused",
        "invoice_not_refused",
        refuses_invoice,
    ),
    "somebody pretended to be the shop (D23)": (
        "scam_told",
        "scam_not",
        partial(_chat_has, "scam"),
    ),
    "a review advertises coupons (D18)": (
        "ad_affiliate",
        "ad_not",
        partial(_review_has, "ad."),
    ),
    "a review advertises cashback (D18)": (
        "ad_cashback",
        "ad_not",
        partial(_review_has, "ad."),
    ),
    "a review advertises jobs (D18)": ("ad_part_time", "ad_not", partial(_review_has, "ad.")),
    "a review sells something (D18)": ("ad_resale", "ad_not", partial(_review_has, "ad.")),
    "a review insults somebody (D19)": (
        "abuse_person",
        "abuse_not",
        partial(_review_has, "abuse."),
    ),
    "a review gives away an address or phone (D19)": (
        "leak",
        "leak_not",
        partial(_review_has, "leak."),
    ),
}


def signals(name: str) -> list[Told]:
    """Every other signal in `seen` or `unseen`; a tenth of a second."""
    texts: dict[str, list[str]] = {}
    for label, text in messages(name):
        texts.setdefault(label, []).append(text)
    return [
        Told(
            what,
            len(texts[label]),
            sum(map(has, texts[label])),
            len(texts[beside]),
            sum(map(has, texts[beside])),
        )
        for what, (label, beside, has) in _SIGNALS.items()
    ]
