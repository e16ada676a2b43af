"""What the text signals say about texts that nobody wrote for us, beside a plain baseline.

Rows for the detection report; also `python -m benchmarks.texts`. The trap: rows of `hits` quote real
people, so phone and account numbers are masked, and only the words around a hit are shown.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure import ROOT
from streams.detect.text.lexicon import lexicon
from streams.detect.text.signals import Signals, read_review

DATA = Path(os.environ.get("ORDERWATCH_DATA", ROOT.parent / "shared" / "data"))
REVIEWS = ("ChnSentiCorp_htl_all.csv", "waimai_10k.csv")
# Bounds of the project on ordinary reviews, in percent.
ADS_MAX, EXTORTION_MAX = 0.2, 0.05
AROUND = 14
_NUMBER = re.compile(r"\d{5,}")
# What somebody would write in five minutes: the baseline needs no list of ours.
PLAIN_WORDS = (
    "傻逼",
    "脑残",
    "智障",
    "垃圾",
    "婊子",
    "妈的",
    "贱人",
    "滚",
    "狗",
    "废物",
    "白痴",
    "死",
)


class Review(NamedTuple):
    """An ordinary review, and where it stands: the file and the number of its row, the first one 1."""

    place: str
    text: str


class Hits(NamedTuple):
    """How many ordinary reviews carry a signal: of each where it stands, and the words around it."""

    what: str
    texts: int
    hits: int
    percent: float
    places: tuple[str, ...]
    quotes: tuple[str, ...]


class Recall(NamedTuple):
    """How a way to find abuse does on labelled texts; shares in percent."""

    way: str
    texts: int
    recall: float
    precision: float
    false_positives: float


def reviews(data: Path = DATA) -> list[Review]:
    """The ordinary reviews."""
    found = []
    for name in REVIEWS:
        with (data / "reviews_zh" / name).open(encoding="utf-8-sig", newline="") as lines:
            rows = enumerate(csv.DictReader(lines), start=1)
            found += [Review(f"{name}, row {number}", row["review"]) for number, row in rows]
    return found


def labelled_abuse(data: Path = DATA, part: str = "dev") -> list[tuple[str, bool]]:
    """Texts and whether people called them offensive. Words were chosen on `train`, never on `dev`."""
    path = data / "abuse_zh" / f"{part}.csv"
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return [(row["TEXT"], row["label"] == "1") for row in csv.DictReader(lines)]


def review_hits(found: Sequence[Review]) -> list[Hits]:
    """What the review signals find in ordinary reviews."""
    read = [(review, read_review(review.text)) for review in found]
    return [
        _hits("ads", read, lambda s: s.has("ad.")),
        _hits("extortion, money", read, lambda s: s.has("threat.") and s.has("demand.money")),
        _hits("extortion, any", read, lambda s: s.has("threat.") and s.has("demand.")),
        _hits("abuse of people", read, lambda s: s.has(*_OF_PEOPLE)),
        _hits("swearing only", read, lambda s: s.has("abuse.") and not s.has(*_OF_PEOPLE)),
        _hits("two insults or a leak (D19 warns)", read, _warns),
        _hits("leaks", read, lambda s: s.has("leak.")),
        _hits("third-party scam", read, lambda s: s.has("scam")),
    ]


def _warns(signals: Signals) -> bool:
    insults = sum(found.code.startswith(_OF_PEOPLE) for found in signals.found)
    return insults > 1 or signals.has("leak.")


_OF_PEOPLE = ("abuse.vulgar", "abuse.person", "abuse.group")


def abuse_recall(texts: Sequence[tuple[str, bool]]) -> list[Recall]:
    """Ours beside the same words as plain substrings, and beside a short list."""
    words = [
        word.folded
        for word in lexicon().words
        if any(code.startswith("abuse.") for code in word.classes)
    ]
    return [
        _recall("text signals", texts, lambda text: read_review(text).has("abuse.")),
        _recall("the same words as substrings", texts, lambda text: any(w in text for w in words)),
        _recall("a short list", texts, lambda text: any(w in text for w in PLAIN_WORDS)),
    ]


def _hits(
    what: str, read: Sequence[tuple[Review, Signals]], is_hit: Callable[[Signals], bool]
) -> Hits:
    hit = [(review, signals) for review, signals in read if is_hit(signals)]
    places = tuple(_place(review, signals) for review, signals in hit)
    quotes = tuple(_quote(review.text, signals) for review, signals in hit)
    return Hits(what, len(read), len(hit), 100 * len(hit) / max(1, len(read)), places, quotes)


def _place(review: Review, signals: Signals) -> str:
    """Which sentence and characters of which review, for who has the data; nothing of the text."""
    found = ", ".join(
        f"{one.code} in sentence {one.sentence}, {one.start + 1}–{one.end}" for one in signals.found
    )
    return f"{review.place}: {found}"


def _quote(text: str, signals: Signals) -> str:
    first = signals.found[0]
    shown = text[max(0, first.start - AROUND) : first.end + AROUND].replace("\n", " ")
    return f"{', '.join(sorted({f.code for f in signals.found}))}: {_NUMBER.sub('…', shown)}"


def _recall(way: str, texts: Sequence[tuple[str, bool]], finds: Callable[[str], bool]) -> Recall:
    found = [(finds(text), is_abuse) for text, is_abuse in texts]
    abusive = sum(is_abuse for _, is_abuse in found)
    hits = sum(hit for hit, _ in found)
    right = sum(hit and is_abuse for hit, is_abuse in found)
    return Recall(
        way,
        len(texts),
        100 * right / max(1, abusive),
        100 * right / max(1, hits),
        100 * (hits - right) / max(1, len(texts) - abusive),
    )


def _lines() -> Iterator[str]:
    for row in review_hits(reviews()):
        yield f"{row.what}: {row.hits} of {row.texts} ({row.percent:.3f} %)"
        for place, quote in zip(row.places, row.quotes, strict=True):
            yield f"    {place.partition(':')[0]}: {quote}"
    for recall in abuse_recall(labelled_abuse()):
        yield (
            f"{recall.way}: recall {recall.recall:.1f} %, precision {recall.precision:.1f} %, "
            f"false positives {recall.false_positives:.1f} % of {recall.texts}"
        )


if __name__ == "__main__":
    print("\n".join(_lines()))
