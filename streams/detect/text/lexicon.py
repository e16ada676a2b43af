"""The lexicons: which words belong to which class, as data with source and date, ready to be searched.

One automaton holds the words of all classes, so a text is read once whatever the number of words.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import ahocorasick
import yaml

from streams.detect.text.folding import fold, squeeze

_FOLDER = "lexicons"
# More hits of one text are not judged: pairs of them are compared, and 8000 characters can hold
# thousands. Nobody needs as many words to threaten or to advertise.
MAX_HITS = 150
# The one written in C reads the lexicons in a tenth of the time; not every platform has it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class LexiconError(ValueError):
    """A lexicon cannot be used; the message names the file, the class and what was expected."""


class Word(NamedTuple):
    """A word in its folded spelling and the classes that it belongs to."""

    folded: str
    classes: tuple[str, ...]


class Hit(NamedTuple):
    """A word found: its class, and its half-open span in the folded text."""

    code: str
    start: int
    end: int


class Lexicon:
    """All words, and a version that changes whenever any of them does."""

    def __init__(self, classes: Mapping[str, tuple[str, ...]], date: str) -> None:
        of_word: dict[str, list[str]] = {}
        for code, words in classes.items():
            for word in words:
                spelt = _spelling(word)
                # 微❤ would be found in every 微波炉: what hides words is not looked at.
                if len(spelt) < min(len(word), 2):
                    raise LexiconError(
                        f"{code}: {word!r} is {spelt!r} without its signs; expected more"
                    )
                of_word.setdefault(spelt, []).append(code)
        self.words = tuple(
            Word(word, tuple(dict.fromkeys(codes))) for word, codes in sorted(of_word.items())
        )
        digest = hashlib.blake2b(repr(self.words).encode(), digest_size=3).hexdigest()
        self.version = f"{date}+{digest}"
        self._automaton = ahocorasick.Automaton()
        for entry in self.words:
            self._automaton.add_word(entry.folded, entry)
        self._automaton.make_automaton()

    def find(self, folded: str) -> list[Hit]:
        """The words of the text, also inside others, in order of their ends; the first `MAX_HITS`.

        Words broken by noise are found too. Cost: one pass over the text.
        """
        squeezed, origins = squeeze(folded)
        found = []
        for last, word in self._automaton.iter(squeezed):
            start, end = last + 1 - len(word.folded), last + 1
            if origins is not None:
                start, end = origins[start], origins[last] + 1
                if end - start > len(word.folded) and not _may_be_broken(folded, start, end, word):
                    continue
            if _stands_alone(folded, start, end):
                found.extend([Hit(code, start, end) for code in word.classes])
                if len(found) >= MAX_HITS:
                    break
        return found


def _spelling(word: str) -> str:
    return squeeze(fold(word).text).text


def _may_be_broken(folded: str, start: int, end: int, word: Word) -> bool:
    """Whether a word with noise inside is one word: 返.现5元 is, and 退返.现在 is not.

    Blanks and full stops also part sentences. So two characters that they part are a word only if the
    second one does not begin the next.
    """
    if len(word.folded) > 2 or not set(folded[start + 1 : end - 1]) <= {" ", "."}:
        return True
    if word.classes[0].startswith("abuse."):
        # Nobody writes these two characters side by side for another reason.
        return True
    return end == len(folded) or not folded[end].isalpha()


def _stands_alone(folded: str, start: int, end: int) -> bool:
    """Latin words and numbers must not be part of longer ones: qq in iqqs is no QQ."""
    return not (
        (start and _continues(folded[start - 1], folded[start]))
        or (end < len(folded) and _continues(folded[end - 1], folded[end]))
    )


def _continues(one: str, other: str) -> bool:
    """Whether two neighbours belong to one Latin word, or to one number."""
    if not (one.isascii() and other.isascii()):
        return False
    return (one.isalpha() and other.isalpha()) or (one.isdigit() and other.isdigit())


def unmasked(hits: Iterable[Hit], prefix: str, mask: str) -> list[Hit]:
    """The hits of a family that do not lie inside a harmless longer word."""
    masks = [hit for hit in hits if hit.code == mask]
    return [
        hit
        for hit in hits
        if hit.code.startswith(prefix)
        and not any(m.start <= hit.start and hit.end <= m.end for m in masks)
    ]


@cache
def lexicon() -> Lexicon:
    """The lexicon that ships; read and built once, when first asked for (some milliseconds)."""
    classes: dict[str, tuple[str, ...]] = {}
    dates = []
    for name, document in documents():
        dates.append(document["as_of"])
        for code, entry in document["classes"].items():
            if code in classes:
                raise LexiconError(f"{name}: the class {code} is in another file too")
            classes[code] = tuple(_words(name, code, entry))
    return Lexicon(classes, max(dates))


def documents() -> Iterator[tuple[str, dict[str, Any]]]:
    """The lexicon files by name, as loaded."""
    folder = files("streams.detect.text").joinpath(_FOLDER)
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        if path.name.endswith(".yaml"):
            yield path.name, yaml.load(path.read_text(encoding="utf-8"), _LOADER)


def _words(name: str, code: str, entry: object) -> list[str]:
    if not isinstance(entry, list) or not all(isinstance(word, str) and word for word in entry):
        raise LexiconError(f"{name}: {code} is {entry!r}; expected a list of words")
    return entry
