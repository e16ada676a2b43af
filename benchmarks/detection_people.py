"""The sections of docs/detection.md on real texts and addresses, and on attacks that are let pass.

The trap: the texts are real people's, so only how many, which signals and where are shown, never a
quotation; `python -m benchmarks.texts` shows the words to who has the data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks import addresses, texts, wordings
from benchmarks.detection_truth import Score

ADDRESSES_MAX = 0.3


class People(NamedTuple):
    """What was measured on texts and addresses that nobody wrote for us."""

    reviews: list[texts.Hits]
    abuse: list[texts.Recall]
    addresses: list[addresses.Row]
    extortion: dict[str, list[wordings.Read]]
    signals: dict[str, list[wordings.Told]]

    def verdict(self) -> Iterator[tuple[str, bool]]:
        """Each bound as a sentence, and whether it holds."""
        of = {row.what: row for row in self.reviews}
        for name, what, most in (
            ("ads", "advertising", texts.ADS_MAX),
            ("extortion, any", "extortion, even of the mildest kind", texts.EXTORTION_MAX),
        ):
            row = of[name]
            yield (
                f"{row.hits} of {row.texts:,} ordinary reviews read as {what}, {row.percent:.3f} % "
                f"(wanted: at most {most} %",
                row.percent <= most,
            )
        worst = max(self.addresses, key=lambda row: row.percent)
        yield (
            f"{worst.doubted} of {worst.addresses:,} real delivery addresses doubted, "
            f"{worst.percent:.3f} %, {worst.critical} of them critical "
            f"(wanted: at most {ADDRESSES_MAX} %, none critical",
            worst.percent <= ADDRESSES_MAX and not worst.critical,
        )


def look_at_people(data: Path) -> People:
    """Measure all of it; seconds."""
    return People(
        texts.review_hits(texts.reviews(data)),
        texts.abuse_recall(texts.labelled_abuse(data)),
        addresses.doubted(data),
        {name: wordings.read(name) for name in wordings.SETS},
        {name: wordings.signals(name) for name in wordings.SETS},
    )


def render_people(people: People) -> Iterator[str]:
    """Texts, then addresses."""
    yield "### Real texts"
    yield (
        "Ordinary hotel and delivery reviews in Chinese: every hit is a false one, except for abuse, of "
        "which people do write some."
    )
    yield ""
    yield "| signal | hits | of | share |"
    yield "|---|---|---|---|"
    for row in people.reviews:
        yield f"| {row.what} | {row.hits} | {row.texts:,} | {row.percent:.3f} % |"
    for row in people.reviews:
        if row.what in ("ads", "extortion, any") and row.hits:
            yield ""
            yield (
                f"Each hit of *{row.what}*, with the sentence and the characters that carry it; who has "
                "the data set finds the words there:"
            )
            yield from (f"- {place}" for place in row.places)
    yield ""
    yield (
        "Only money demanded under a threat makes D04 warn; the others inform at most.\n"
        "Abuse, on short texts of which people said whether they offend; words were chosen on another part:"
    )
    yield ""
    yield "| way | texts | recall | precision | false positives |"
    yield "|---|---|---|---|---|"
    for way in people.abuse:
        yield (
            f"| {way.way} | {way.texts:,} | {way.recall:.1f} % | {way.precision:.1f} % | "
            f"{way.false_positives:.1f} % |"
        )
    yield ""
    yield (
        "What is missed offends whole groups without a swear word: opinion, irony, stereotypes.\n"
        "A list of words cannot tell them from discussion, and D19 is about insults in reviews, so recall "
        "is traded for precision."
    )
    yield ""
    yield from _in_other_words(people)
    yield "### Real addresses"
    yield "All of them were delivered to, so every doubt is a false one."
    yield ""
    yield "| written so that the | addresses | doubted | share | critical | reasons |"
    yield "|---|---|---|---|---|---|"
    for one in people.addresses:
        reasons = ", ".join(f"{code} {count}" for code, count in one.reasons.items())
        yield (
            f"| {one.way} | {one.addresses:,} | {one.doubted} | {one.percent:.3f} % | {one.critical} | "
            f"{reasons or '–'} |"
        )
    for one in people.addresses:
        if one.doubted:
            yield ""
            yield f"Each of them where the {one.way}, by file and number of the address:"
            yield from (f"- {code}: {', '.join(places)}" for code, places in one.places.items())
    yield ""
    yield (
        "What remains: the text names another division than the form, which a boundary that moved or a "
        "road named after a city does as well."
    )


def render_passed(scores: Sequence[Score]) -> Iterator[str]:
    """Attacks below the documented limits, and why each passes."""
    yield (
        "These are labelled attacks that stay below the limits on purpose: drips, splits, hints and mixed "
        "histories.\nNothing is expected of them, and an alert about one would count as false."
    )
    yield ""
    yield "| story | detector | why it is not caught |"
    yield "|---|---|---|"
    passed = {name: why for score in scores for name, why in score.not_caught.items()}
    for name, (detector, why) in sorted(passed.items()):
        yield f"| {name} | {detector} | {why} |"


def _in_other_words(people: People) -> Iterator[str]:
    """What is read of wordings that the lists were made without, beside those that they were made with."""
    yield "### In other words"
    yield (
        "What is read of single messages and reviews, in [words that the lists were made without]"
        "(../benchmarks/messages/unseen.jsonl) and in [those that they were made with]"
        "(../benchmarks/messages/seen.jsonl). Both were written for this, for nobody has published real "
        "ones; of extortion the seen ones are the more inventive. First what D04 says:"
    )
    yield ""
    yield "| messages | | of | warned | informed |"
    yield "|---|---|---|---|---|"
    for name, rows in people.extortion.items():
        for one in rows:
            yield f"| {name} | {one.label} | {one.messages} | {one.warned} | {one.informed} |"
    yield ""
    yield (
        "A *claim* is for something that is wrong with the goods, so a warning of one is a false one, as any "
        "of the *honest* messages is, of which a good half has the same words.\n"
        "So D04 finds three in five of what is put in ordinary words and accuses hardly anybody; who "
        "threatens by allusion gets past it. D20 and D21 need a demand that D04 can read, so they share "
        "this.\n"
        "In English it finds what is said plainly, a threat, a demand and an *or else* in one message; the "
        "unseen ones are mostly allusions.\n"
        "Then the other signals, with texts that have the same words and mean something else:"
    )
    yield ""
    yield "| words | what is said | read | of | misread | of near misses |"
    yield "|---|---|---|---|---|---|"
    for name, told in people.signals.items():
        for text in told:
            yield (
                f"| {name} | {text.what} | {text.read} | {text.texts} | {text.misread} | {text.near_misses} |"
            )
    yield ""
