"""What is read of extortion, baits, scams, refusals, advertising, insults and leaks in words of all kinds.

`messages/seen.jsonl` is what the lists were made with, so it says what they can do at best.
`messages/unseen.jsonl` was written without knowing the lists and was never looked at while they were made;
`english_seen.jsonl` and `english_unseen.jsonl` are the same in English.
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

import orjson

from schemas.fast import decode_event, types
from streams.detect.detector import Facts
from streams.detect.detectors.d04_extortion import demands_under_threat
from streams.detect.extract import FACTS_OF
from streams.detect.text.seller import read_seller
from streams.detect.text.signals import read_chat, read_review

_MESSAGE = {
    "event_id": "e",
    "schema_version": 1,
    "type": "message",
    "occurred_at": "2026-12-01T12:00:00+08:00",
    "shop_id": "shop",
    "buyer_id": "buyer",
    "chat_id": "c",
    "sender": "buyer",
    "from_account": "buyer",
    "to_account": "shop",
    "channel": "wangwang",
}
# One message stands in any window.
_ANY_WINDOW_S = 1
_facts_of = FACTS_OF[types["ChatMessage"]]
_FOLDER = Path(__file__).with_name("messages")
SETS = ("unseen", "seen", "english_unseen", "english_seen")
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
    """Label and text of each message of one of `SETS`."""
    for line in (_FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
        message = json.loads(line)
        yield message["label"], message["text"]


def level(text: str) -> str:
    """What D04 makes of a message that stands alone: `info`, `warn` or nothing; critical is a warning."""
    message = orjson.dumps(_MESSAGE | {"text": text})
    facts = Facts("shop:buyer", _facts_of(decode_event("chats", message)))
    crossings = demands_under_threat(facts, _ANY_WINDOW_S)
    if not crossings:
        return ""
    return "info" if crossings[0].level == "info" else "warn"


def read(name: str) -> list[Read]:
    """The messages of one of `SETS` that are about money and threats, by label."""
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


def _refuses_invoice(text: str) -> bool:
    return "refuses_invoice" in read_seller(text).kinds


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
        _refuses_invoice,
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
    """Every other signal that one of `SETS` has texts for; a tenth of a second."""
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
        if label in texts
    ]
