"""Keyed hashes of what may link two accounts: phone, address, device, consignee, who pays.

What a newcomer gets wrong: eleven digits can be tried out in seconds, so a plain hash of a phone is the
phone. The key makes it a name that means nothing elsewhere; whoever changes the key cuts all links.
"""

from __future__ import annotations

import re
import unicodedata
from binascii import b2a_base64
from hashlib import blake2b

from streams.detect.address import accounts, divisions, phones
from streams.detect.address.details import plain

# 72 bits: among a hundred million identities of a shop two coincide with a chance of one in a million.
_DIGEST_BYTES = 9
MIN_KEY_BYTES, MAX_KEY_BYTES = 16, 64

# Neither may stand in the id of a subject.
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[\W_]+(?=\d)")
_NOT_WORD = re.compile(r"[^\w-]+|_+|(?<!\d)-+|-+(?!\d)")
# 2幢301, 2号楼301 and 2-301 are one door. Looking back from behind the word, here and below, and not from
# before it lets the search skip to the few places where such a word stands.
_UNIT = re.compile(
    "|".join(
        rf"{word}(?=[0-9])(?<=[0-9]{word})"
        for word in ("号楼", "栋", "幢", "座", "单元", "楼", "层")
    )
)
_SPELT = (("号楼", "栋"), ("幢", "栋"), ("座", "栋"))
_ROOM = re.compile(r"[室房](?<=[0-9a-z][室房])[室房]*(?![0-9室房])")
_NOT_LETTER = re.compile(r"[\W_]+")
_CHINESE = re.compile(r"[一-鿿]+")
_TITLES = ("先生", "女士", "小姐", "同学", "老师", "收")
_MASKED = re.compile(r"[*＊•●]")
_COUNTY = re.compile(r"(?:自治县|自治旗|新区|林区|特区|[县区市旗])$")
# A shorter one is a street or a house and nobody's home: everyone in it would be one person.
SHORTEST_ADDRESS = 6


class Hasher:
    """Hashes under one key. An empty hash stands for what names nobody."""

    def __init__(self, key: bytes) -> None:
        if not MIN_KEY_BYTES <= len(key) <= MAX_KEY_BYTES:
            raise ValueError(f"a key of {len(key)} bytes; expected {MIN_KEY_BYTES}–{MAX_KEY_BYTES}")
        # A keyed state is copied for each value; to begin anew with the key takes twice as long.
        self._of_kind = {
            kind: blake2b(digest_size=_DIGEST_BYTES, key=key, person=kind.encode())
            for kind in ("phone", "address", "consignee", "device", "payer")
        }
        self._of_phone = self._of_kind["phone"].copy
        self._of_address = self._of_kind["address"].copy
        self._of_name = self._of_kind["consignee"].copy

    def of(self, kind: str, normal: str) -> str:
        """The hash of a normalised value; equal values of different kinds have different ones."""
        if not normal:
            return ""
        mac = self._of_kind[kind].copy()
        mac.update(normal.encode())
        return _written(mac.digest())

    def receiver(self, phone: str, address: str, consignee: str) -> tuple[str, str, str]:
        """The hashes of a receiver's three normalised values: as `of`, for half of its cost."""
        if not (phone and address and consignee):
            return (
                self.of("phone", phone),
                self.of("address", address),
                self.of("consignee", consignee),
            )
        of_phone, of_address, of_consignee = self._of_phone(), self._of_address(), self._of_name()
        of_phone.update(phone.encode())
        of_address.update(address.encode())
        of_consignee.update(consignee.encode())
        digests = of_phone.digest() + of_address.digest() + of_consignee.digest()
        # Nine bytes are twelve letters without padding, so the three can be written at once.
        text = _written(digests)
        return text[:12], text[12:24], text[24:]

    def phone(self, phone: str) -> str:
        """The hash of a phone number."""
        return self.of("phone", phones.normalise(phone))

    def address(self, state: str, city: str, district: str, detail: str) -> str:
        """The hash of a whole address."""
        return self.of("address", normal_address(state, city, district, plain(detail)))

    def consignee(self, name: str, state: str, city: str) -> str:
        """The hash of a name within a city: a name alone is shared by strangers everywhere."""
        return self.of("consignee", normal_consignee(name, within(state, city)))

    def device(self, device: str) -> str:
        """The hash of a device's own id."""
        return self.of("device", device)

    def payer(self, account: str) -> str:
        """The hash of an account that pays."""
        return self.of("payer", accounts.normalise(account))


def _written(digests: bytes) -> str:
    return b2a_base64(digests, newline=False).translate(_URL_SAFE).decode("ascii")


def region(state: str, city: str, district: str) -> tuple[str, tuple[str, ...]]:
    """The canonical region, and the spellings of its parts that a detail may repeat, longest first."""
    names = divisions.short_names(state, city)
    county = unicodedata.normalize("NFKC", district).strip()
    spelt = {state, city, district, *names, names[0] + "省", names[0] + "市", names[1] + "市"}
    repeated = tuple(sorted((n for n in spelt if len(n) > 1), key=lambda n: (-len(n), n)))
    return "|".join((*names, _COUNTY.sub("", county) if len(county) > 2 else county)), repeated


def normal_address(state: str, city: str, district: str, text: str) -> str:
    """One spelling of an address however it is punctuated, or whether the region is repeated in it.

    `text` is a plain detail. Empty when it is masked or too short to name a home.
    """
    return normal_home(*region(state, city, district), text)


def normal_home(region: str, repeated: tuple[str, ...], text: str) -> str:
    """The same within a canonical region, whose spellings a detail may repeat."""
    if not text.isalnum() and _MASKED.search(text):
        return ""
    text = normal_detail(text)
    # State, city and district, each perhaps twice.
    while text.startswith(repeated):
        text = text[len(next(name for name in repeated if text.startswith(name))) :]
    return f"{region}|{text}" if len(text) >= SHORTEST_ADDRESS else ""


def normal_detail(text: str) -> str:
    """A plain detail without punctuation and in one vocabulary; numbers stay apart: 2-301 is not 2301."""
    if not text.isalnum():
        text = _NOT_WORD.sub("", _BETWEEN_DIGITS.sub("-", text))
    if "室" in text or "房" in text:
        text = _ROOM.sub("", text)
    text = _UNIT.sub("-", text)
    for written, normal in _SPELT:
        text = text.replace(written, normal)
    return text


def normal_consignee(name: str, city: str) -> str:
    """One spelling of a name within its city; empty where the name says nobody."""
    normal = normal_name(name)
    return f"{normal}|{city}" if normal else ""


def within(state: str, city: str) -> str:
    """The canonical city that a name is known in."""
    return "|".join(divisions.short_names(state, city))


def normal_name(name: str) -> str:
    """One spelling of a name; empty when it is masked or a single character."""
    text = name if _CHINESE.fullmatch(name) else plain(name)
    if not text.isalnum():
        if _MASKED.search(text):
            return ""
        text = _NOT_LETTER.sub("", text)
    if text.endswith(_TITLES):
        text = text.removesuffix(next(title for title in _TITLES if text.endswith(title)))
    return text if len(text) > 1 else ""
