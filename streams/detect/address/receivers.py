"""A receiver read as a whole: doubts, destination and identities, by one reader configured at the start.

What a newcomer gets wrong: extraction has no settings, so the key and the list of disposable numbers are
handed over once, with `use`, when an engine is built. Before that nothing is hashed.
"""

from __future__ import annotations

from collections.abc import Set
from functools import lru_cache
from typing import ClassVar, NamedTuple

import msgspec

from schemas.fast_types import Receiver
from streams.detect.address import details, devices, divisions, identity, phones
from streams.detect.address.identity import Hasher, normal_consignee, normal_home

MAINLAND = frozenset(
    {"", "CN", "CHN", "CHINA", "中国", "中國", "中国大陆", "中华人民共和国", "MAINLAND CHINA"}
)
# How much of a country's name is kept where it is no code.
LONGEST_REGION = 24


class Reading(msgspec.Struct, frozen=True, gc=False):
    """What a receiver says. `region` is empty for mainland China; hashes are empty where unknown.

    No named tuple, for every order has one: that takes five times as long to make.
    """

    address_doubts: tuple[str, ...]
    phone_doubt: str
    region: str
    place: str
    phone: str
    address: str
    consignee: str


# What nobody's receiver says.
UNREAD = Reading((), "", "", "", "", "", "")


class _Region(NamedTuple):
    """What a declared region says about everybody in it, and how identities name it.

    `outside` is where a parcel goes if not to the mainland; `repeated` are the spellings that a detail may
    begin with; a consignee is known by a name `within` a city.
    """

    outside: str
    doubt: str
    name: str
    repeated: tuple[str, ...]
    within: str


class Reader:
    """Reads receivers under one key, or without one; `disposable` are normalised phone numbers."""

    # Whether anybody asks for what is read.
    is_asked: ClassVar[bool] = True

    def __init__(self, key: bytes | None = None, disposable: Set[str] = frozenset()) -> None:
        self._hasher = Hasher(key) if key is not None else None
        self._disposable = disposable
        self._again: dict[int, Reading] | None = None

    def remember(self) -> None:
        """From now on read once what is given several times; what was remembered before is forgotten.

        For who reads much at a time, in which many buyers order again. Nothing that was given is kept, only
        Python's hash of it, which no other process can compute: 64 bits, by which two of a million different
        receivers coincide with a chance of one in 30 million.
        """
        self._again = {}

    def forget(self) -> None:
        """Remember nothing any more."""
        self._again = None

    def of(self, receiver: Receiver) -> Reading:
        """Everything that a receiver says, see `read`."""
        if self._again is None:
            return self._read(receiver)
        name = hash(receiver)
        known = self._again.get(name)
        if known is None:
            known = self._again[name] = self._read(receiver)
        return known

    def _read(self, r: Receiver) -> Reading:
        return self.read(r.name, r.phone, r.country, r.state, r.city, r.district, r.detail)

    def device(self, device: str | None) -> str:
        """The hash of a device, if it has one that tells it from others."""
        if not device or self._hasher is None or devices.names_none(device):
            return ""
        return self._hasher.device(device)

    def payer(self, account: str) -> str:
        """The hash of an account that pays, if its name tells it from others."""
        return self._hasher.payer(account) if self._hasher else ""

    def phone(self, phone: str) -> str:
        """The hash of a phone number that stands by itself."""
        return self._hasher.phone(phone) if phone and self._hasher else ""

    def read(
        self, name: str, phone: str, country: str, state: str, city: str, district: str, detail: str
    ) -> Reading:
        """Everything that a receiver says. Cost: six microseconds, for every order has one."""
        region = _region(country, state, city, district)
        is_ordinary = details.is_ordinary(detail)
        text = detail if is_ordinary else details.plain(detail)
        is_mobile = phones.is_mobile(phone)
        number = phone if is_mobile else phones.normalise(phone)
        doubts: tuple[str, ...] = ()
        phone_doubt = ""
        if not region.outside:
            if not is_ordinary:
                doubts = details.doubts(text)
            if region.doubt:
                doubts = (region.doubt, *doubts)
            elif divisions.is_contradicted(state, city, text):
                doubts = ("region_contradicted", *doubts)
            if not is_mobile or phone in self._disposable:
                phone_doubt = phones.doubt(phone, number, self._disposable)
        hashed = ("", "", "")
        place = details.place(text)
        if self._hasher is not None:
            # The landline of a school or an office is everybody's there, as the address is.
            is_of_place = place and not is_mobile and "#" not in number
            may_be_landline = not (is_mobile or region.outside)
            is_of_few = phones.is_of_few(number, may_be_landline=may_be_landline)
            hashed = self._hasher.receiver(
                number if is_of_few and not is_of_place else "",
                normal_home(region.name, region.repeated, text),
                normal_consignee(name, region.within),
            )
        return Reading(doubts, phone_doubt, region.outside, place, *hashed)


@lru_cache(maxsize=4096)
def _region(country: str, state: str, city: str, district: str) -> _Region:
    return _Region(
        region_of(country, state),
        divisions.doubt(state, city),
        *identity.region(state, city, district),
        identity.within(state, city),
    )


@lru_cache(maxsize=4096)
def region_of(country: str, state: str) -> str:
    """Where a parcel goes if not to mainland China: a code (HK, US) or the name as it was given."""
    region = divisions.outside(state) or divisions.outside(country)
    if region:
        return region
    code = country.strip().upper()
    return "" if code in MAINLAND else code[:LONGEST_REGION]


_reader = Reader()


def use(key: bytes | None, disposable: Set[str] = frozenset()) -> None:
    """Configure how receivers are read in this process, once, before the first event.

    Raises ValueError for a key of the wrong length.
    """
    global _reader
    _reader = Reader(key, disposable)


class _Blind(Reader):
    """Reads nothing, where no detector runs that would ask."""

    is_asked = False

    def read(self, *_: str) -> Reading:
        return UNREAD


def ignore() -> None:
    """Let receivers unread in this process."""
    global _reader
    _reader = _Blind()


def reader() -> Reader:
    """The reader in use."""
    return _reader
