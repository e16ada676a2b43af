"""Accounts that pay, as platforms name them: an Alipay account, an openid, the token of a card.

What a newcomer gets wrong: many exports mask the account (138***8000) or name only how was paid, and then
strangers would seem to pay from one.
"""

from __future__ import annotations

import re
import unicodedata

from streams.detect.address import devices

# The last four digits of a card are those of every ten thousandth one.
SHORTEST = 6
_MASKED = re.compile(r"[*#•●]|x{3,}|\.{3}|[-_.]{4,}")
# Ways to pay and placeholders have no digit; of tokens as long as this few have none.
_SHORTEST_WITHOUT_DIGIT = 16
_HAN = re.compile(r"[\u3400-\u9fff]")
# 「visa 4242」: the kind of a card and its end.
_WORDS = re.compile(r"[a-z]\S*\s|\s\S*[a-z]")
_NOT_LETTER = re.compile(r"[\W_]+")


def normalise(account: str) -> str:
    """One spelling of an account; empty for what names nobody: masked, cut short, or a means of payment."""
    text = unicodedata.normalize("NFKC", account).strip().lower()
    if len(text) < SHORTEST or _MASKED.search(text) or devices.names_none(text):
        return ""
    if _HAN.search(text) or _WORDS.search(text):
        return ""
    has_digit = any(one.isdigit() for one in text)
    if "@" in text or has_digit or len(_NOT_LETTER.sub("", text)) >= _SHORTEST_WITHOUT_DIGIT:
        return text
    return ""
