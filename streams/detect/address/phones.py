"""Phone numbers: one spelling for all ways to write one, and what is wrong with a number.

What a newcomer gets wrong: a masked number (138****8000), an encrypted one and a platform's private number
with an extension belong to no one person, so they are neither hashed nor doubted. Others are doubted, or
dialled, and yet tie nobody: `is_of_few`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container
from functools import lru_cache

import phonenumbers

from streams.detect.address.details import CIPHER

_MOBILE = re.compile(r"1[3-9]\d{9}")
_NOT_DIGITS = re.compile(r"[^0-9]")
_MASKED = re.compile(rf"\d[*＊xX•●]{{2,}}|[*＊•●]{{2,}}|\A{CIPHER}\Z")
# What stands between a number and its extension. A second number behind a slash is left out too.
_BEHIND = re.compile(r"转|轉|#|,|;|/|ext", re.IGNORECASE)
# 0571-88888888-801: an extension of an office, as people write it on paper.
_DASHED = re.compile(r"(0\d{2,3}-?\d{7,8})-(\d{1,5})")
_WITHOUT_COUNTRY = re.compile(r"85[23][2-9]\d{7}|8869\d{8}")
# No number of the plan, and yet one that is answered: of the same town without its area code, a virtual one
# that a platform shows instead of the buyer's (95013 …), and one in Hong Kong, Macao or Taiwan without +.
_ANSWERED = re.compile(rf"[2-8]\d{{6,7}}|950\d{{8,13}}|{_WITHOUT_COUNTRY.pattern}")
_EIGHT_EQUAL = re.compile(r"(\d)\1{7}")
_HOTLINE = re.compile(r"[48]00\d{7}")
# E.164 allows fifteen digits.
SHORTEST, LONGEST = 7, 15


def normalise(phone: str) -> str:
    """One spelling: eleven digits of a mainland mobile, a landline with its area code, `+` abroad.

    Empty for what names nobody: masked, private with an extension, or not a phone number at all.
    Idempotent.
    """
    if is_mobile(phone):
        return phone
    text = unicodedata.normalize("NFKC", phone)
    if _MASKED.search(text):
        return ""
    text = _DASHED.sub(r"\1#\2", text)
    first, *rest = _BEHIND.split(text, maxsplit=1)
    digits = _NOT_DIGITS.sub("", first)
    extension = _NOT_DIGITS.sub("", rest[0]) if rest and text[len(first)] not in "/;" else ""
    is_abroad = first.lstrip().startswith("+") or digits.startswith("00")
    digits = digits.removeprefix("00") if digits.startswith("00") else digits
    if digits.startswith("86") and (is_abroad or _MOBILE.fullmatch(digits[2:])):
        national = digits[2:]
        is_abroad = False
        # Within the country a landline is written with a zero before its area code.
        digits = national if national[:1] in {"0", "1"} else f"0{national}"
    if is_abroad:
        return f"+{digits}" if SHORTEST <= len(digits) <= LONGEST else ""
    if _MOBILE.match(digits) and (extension or len(digits) > 11):
        return ""
    if not SHORTEST <= len(digits) <= LONGEST:
        return ""
    return f"{digits}#{extension}" if extension else digits


def doubt(phone: str, number: str, disposable: Container[str] = ()) -> str:
    """What is wrong with the number of a mainland receiver: a code, or empty.

    `number` is the normalised `phone`.
    `phone_invalid`: no number that can be dialled, by the numbering plan of libphonenumber.
    `phone_disposable`: a public number that anybody can receive messages with (`disposable`, normalised).
    """
    if not phone:
        return ""
    if not number:
        return "" if _names_nobody(phone) else "phone_invalid"
    if number in disposable:
        return "phone_disposable"
    return "" if is_valid(number) or _ANSWERED.fullmatch(number) else "phone_invalid"


def is_of_few(number: str, *, may_be_landline: bool) -> bool:
    """Whether a normalised number is one that strangers hardly share; a mobile or one abroad is no landline.

    They share what fills a field, a hotline, a virtual number of a platform (95013 …), which goes to the next
    buyer, and a landline without its area code, which every town has. What cannot be dialled names nobody.
    """
    if _is_filled_in(number):
        return False
    if not may_be_landline:
        return True
    is_answered = is_valid(number) or _WITHOUT_COUNTRY.fullmatch(number) is not None
    return is_answered and not _HOTLINE.fullmatch(number)


def _is_filled_in(number: str) -> bool:
    """Whether eight digits are equal, or count: what is typed to fill the field.

    A lucky number that somebody has is as little a reason to accuse him.
    """
    # Of eleven digits, eight equal ones hold the fourth to the eighth; most numbers are told by that alone.
    may_be_equal = number[3:7] == number[4:8] or len(number) > 11
    return "12345678" in number or (may_be_equal and _EIGHT_EQUAL.search(number) is not None)


def is_mobile(phone: str) -> bool:
    """Whether it is a mainland mobile that can be dialled, written as `normalise` writes it."""
    # Digits of other scripts are digits too.
    return len(phone) == 11 and phone.isdigit() and phone.isascii() and _is_mobile(phone[:5])


def is_valid(number: str) -> bool:
    """Whether a normalised number can exist under the numbering plan of its country."""
    if _MOBILE.fullmatch(number):
        return _is_mobile(number[:5])
    return _is_valid(number.partition("#")[0])


@lru_cache(maxsize=8192)
def _is_mobile(first_five: str) -> bool:
    # The plan decides on the first five digits of eleven; the rest is free.
    number = f"{first_five}000000"
    return _MOBILE.fullmatch(number) is not None and _is_valid(number)


@lru_cache(maxsize=8192)
def _is_valid(number: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, "CN"))
    except phonenumbers.NumberParseException:
        return False


def _names_nobody(phone: str) -> bool:
    """Whether a number is withheld on purpose: masked, encrypted, or private with an extension."""
    text = unicodedata.normalize("NFKC", phone)
    return bool(_MASKED.search(text) or _MOBILE.match(_NOT_DIGITS.sub("", text)))
