"""Rules: the typed thresholds of all detectors, with overrides per shop.

This module turns an already loaded mapping into frozen values; reading the file is not its business.
"""

from __future__ import annotations

import difflib
import hashlib
import re
import reprlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from schemas.alerts import Subject, SubjectKind
from schemas.base import Id, is_shop_id
from streams.detect.deadlines import Deadlines
from streams.detect.detector import Detector, RuleBlock
from streams.detect.entries import SHOP_TYPES, ShopType

M = TypeVar("M", bound=BaseModel)
# With aliases a short text of YAML can stand for more than fits the memory, once it is written out.
_short = reprlib.Repr()
_short.maxlevel = 2
_short.maxstring = _short.maxlong = _short.maxother = 200
_shown = _short.repr
# The keys of the document that are about no detector.
DEADLINES = "deadlines"
SHOP_TYPE = "shop_type"
# Of a shop: whose alerts are published as suppressed.
ALLOW = "allow"
# Keys that older rules files have in the block of a detector, and what says the same now.
_CLOSE_S = "close_s of T01 in the block deadlines"
_NOW = {
    ("D01", "auto_close_s"): _CLOSE_S,
    ("D02", "expire_after_s"): _CLOSE_S,
    ("D03", "auto_close_s"): _CLOSE_S,
}
# What an input method for Chinese writes for letters and digits while it is set to full width.
_FULL_WIDTH = re.compile("[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]")


class RuleError(ValueError):
    """The rules cannot be used; the message names the key, what was found and what was expected."""


class Rule(NamedTuple):
    """The block of one detector for one shop, and the version that alerts carry as provenance.

    `shop_type` chooses where complaints are filed; None where nobody said. No threshold depends on it.
    `allowed` says by kind and id of a subject why the shop wants nobody told; under "" of all of them.
    """

    block: RuleBlock
    version: str
    shop_type: ShopType | None = None
    allowed: Mapping[str, str] = MappingProxyType({})

    def suppressed_by(self, subject: Subject) -> str | None:
        """What an alert about that subject says of it, if the shop allows it."""
        why = self.allowed.get(f"{subject.kind}/{subject.id}", self.allowed.get(""))
        return None if why is None else f"{ALLOW}: {why}"


class _Allowed(BaseModel):
    """One entry of `allow`: a buyer or an item, or neither for the whole shop, and which detectors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    buyer: Id | None = None
    item: Id | None = None
    detectors: tuple[str, ...] = ()
    why: str = Field(min_length=1, max_length=200)

    @field_validator("buyer", "item", mode="before")
    @classmethod
    def _as_events_write_it(cls, name: object) -> str:
        # Left empty it would be nobody, and the entry about the whole shop.
        if not isinstance(name, str):
            raise ValueError("expected an id, in quotes where it is one of digits only or a date")
        # It would else be nobody's, without a word.
        if not name.isprintable():
            raise ValueError("expected printable text, as in events")
        if name != name.strip():
            raise ValueError("expected the id as events write it, without blanks around it")
        if _FULL_WIDTH.search(name):
            raise ValueError("expected the id as events write it, no full-width letters or digits")
        return name

    @field_validator("detectors", mode="before")
    @classmethod
    def _some(cls, names: object) -> object:
        if not isinstance(names, list) or not names:
            raise ValueError("expected a list of ids such as [D01]; leave it out for all detectors")
        return names

    @field_validator("why")
    @classmethod
    def _in_one_line(cls, why: str) -> str:
        # Whoever reads alerts gets it, on a terminal as well.
        if not why.isprintable() or not why.strip():
            raise ValueError("must be one line of printable text")
        return why


class RuleSet:
    """The rules in force. Build it with `parse`. `version` is what the document calls itself."""

    def __init__(
        self,
        default: dict[str, Rule],
        shops: dict[str, dict[str, Rule]],
        deadlines: Deadlines,
        deadlines_of: dict[str, Deadlines],
        shop_type: ShopType | None,
        shop_types: dict[str, ShopType | None],
        version: str,
    ) -> None:
        self.version = version
        self._default = default
        self._shops = shops
        self._deadlines = deadlines
        self._deadlines_of = deadlines_of
        self._shop_type = shop_type
        self._shop_types = shop_types

    def become(self, other: RuleSet) -> None:
        """Hold what the other one holds; all who have these rules have those from now on, in one step."""
        self.__dict__.update(other.__dict__)

    @property
    def shops(self) -> Sequence[str]:
        """The shops that have rules of their own, in the order of the document."""
        return tuple(self._shops)

    def names(self, shop: str) -> bool:
        """Whether the document has a block for this shop, be it an empty one."""
        return shop in self._shops

    def of(self, shop: str) -> Mapping[str, Rule]:
        """The rules by detector id for one shop."""
        return self._shops.get(shop, self._default)

    def deadlines(self, shop: str) -> Deadlines:
        """T01 to T12 for one shop, for whoever is no detector."""
        return self._deadlines_of.get(shop, self._deadlines)

    def shop_type(self, shop: str) -> ShopType | None:
        """集市, 天猫 or on another platform, if the rules say which of them the shop is."""
        return self._shop_types.get(shop, self._shop_type)


def parse(loaded: object, detectors: Iterable[Detector[Any]]) -> RuleSet:
    """Check a loaded rules document against the detectors.

    Raises `RuleError` on a missing or unknown block, an unknown key (naming the nearest known one)
    and a value of the wrong type or range. A detector whose block has a field named after a deadline
    (T02) is given that deadline's rule there, and one that has a field `shop_type` the type of the shop.
    """
    known = tuple(detectors)
    types = {detector.id: detector.rules for detector in known}
    # Those that only tell others say nothing that could be allowed.
    kinds = {(one.id, one.subject) for one in known if type(one).present is not Detector.present}
    document = _mapping(loaded, "the rules document")
    _known(document, {"version", "shops", DEADLINES, SHOP_TYPE, *types}, "the rules document")
    version = document.get("version")
    if not isinstance(version, str):
        raise RuleError(
            f'version: expected a quoted date such as "2026-11-22", found {_shown(version)}'
        )
    for missing in sorted(types.keys() - document.keys()):
        raise RuleError(f"{missing}: the rules document has no block for this detector; add one")
    blocks = {detector: _mapping(document[detector], detector) for detector in types}
    terms = _mapping(document.get(DEADLINES), DEADLINES)
    deadlines = _deadlines(terms, DEADLINES)
    shop_type = _shop_type(document.get(SHOP_TYPE), SHOP_TYPE)
    default = {
        detector: _rule(types[detector], blocks[detector], detector, version, deadlines, shop_type)
        for detector in types
    }
    shops: dict[str, dict[str, Rule]] = {}
    deadlines_of: dict[str, Deadlines] = {}
    shop_types: dict[str, ShopType | None] = {}
    for shop, overrides in _mapping(document.get("shops", {}), "shops").items():
        where = f"shops.{shop}"
        # Rules for what no event can name as its shop would change nothing.
        if not is_shop_id(shop) or shop != shop.strip():
            raise RuleError(
                "shops: expected shop ids of 1 to 64 printable characters without a colon or blanks "
                f"around them, found {_shown(shop)}"
            )
        _known(_mapping(overrides, where), {DEADLINES, SHOP_TYPE, ALLOW, *types}, where)
        own_type = _shop_type(overrides.get(SHOP_TYPE), f"{where}.{SHOP_TYPE}")
        shop_types[shop] = own_type or shop_type
        own = _mapping(overrides.get(DEADLINES, {}), f"{where}.{DEADLINES}")
        merged = {code: _over(terms.get(code), value) for code, value in own.items()}
        deadlines_of[shop] = _deadlines({**terms, **merged}, f"{where}.{DEADLINES}")
        shops[shop] = {}
        allowed = _allowed(overrides.get(ALLOW, []), shop, kinds, f"{where}.{ALLOW}")
        for detector in types:
            name = f"{where}.{detector}"
            partial = _mapping(overrides.get(detector, {}), name)
            rule = default[detector]
            if partial or own or own_type:
                values = {**blocks[detector], **partial}
                rule = _rule(
                    types[detector], values, name, version, deadlines_of[shop], shop_types[shop]
                )
            shops[shop][detector] = rule._replace(allowed=allowed.get(detector, {}))
    return RuleSet(default, shops, deadlines, deadlines_of, shop_type, shop_types, version)


def _allowed(
    entries: object, shop: str, kinds: Collection[tuple[str, SubjectKind]], where: str
) -> Mapping[str, dict[str, str]]:
    """By detector the subjects that the shop allows, each with why; `kinds` are those of each detector."""
    detectors = sorted({detector for detector, _ in kinds})
    if not isinstance(entries, list):
        raise RuleError(f"{where}: expected a list, found {type(entries).__name__}")
    found: dict[str, dict[str, str]] = {}
    for index, values in enumerate(entries):
        at = f"{where}.{index}"
        entry = _validated(_Allowed, _mapping(values, at), at)
        if entry.buyer is not None and entry.item is not None:
            raise RuleError(f"{at}: expected a buyer or an item, found both; write two entries")
        kind: SubjectKind | None = "buyer" if entry.buyer else "item" if entry.item else None
        whom = f"{kind}/{shop}:{entry.buyer or entry.item}" if kind else ""
        if not whom and not entry.detectors:
            raise RuleError(
                f"{at}: would silence the whole shop; name a buyer, an item or detectors"
            )
        for detector in entry.detectors:
            _known({detector: None}, set(detectors), f"{at}.detectors")
            # It would change nothing, and whoever wrote it would wait for it to.
            if kind and (detector, kind) not in kinds:
                about = " or ".join(sorted(k for name, k in kinds if name == detector))
                raise RuleError(
                    f"{at}.detectors: {detector} says nothing about one {kind}, only about: {about}"
                )
        for detector in entry.detectors or detectors:
            found.setdefault(detector, {})[whom] = entry.why
    return found


def _shop_type(value: object, where: str) -> ShopType | None:
    found = next((known for known in SHOP_TYPES if known == value), None)
    if value is not None and found is None:
        raise RuleError(f"{where}: expected {' or '.join(SHOP_TYPES)}, found {_shown(value)}")
    return found


def _over(default: object, own: object) -> object:
    """A shop's value of a deadline over the default one: single numbers of it, or the whole."""
    if isinstance(default, dict) and isinstance(own, dict):
        return {**default, **own}
    return own


def _deadlines(values: dict[str, Any], where: str) -> Deadlines:
    _known(values, set(Deadlines.model_fields), where)
    for code, field in Deadlines.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, RuleBlock) and code in values:
            _known(
                _mapping(values[code], f"{where}.{code}"), set(kind.model_fields), f"{where}.{code}"
            )
    return _validated(Deadlines, values, where)


def _mapping(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise RuleError(f"{where}: expected a mapping with text keys, found {type(value).__name__}")
    return value


def _known(document: Mapping[str, object], known: set[str], where: str) -> None:
    for key in document:
        now = _NOW.get((where.rpartition(".")[2], key))
        if key not in known and now is not None:
            raise RuleError(f"{where}: {key!r} is no key any more; remove it and set {now}")
        if key not in known:
            near = difflib.get_close_matches(key, sorted(known), n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(known))}"
            raise RuleError(f"{where}: unknown key {key!r}; {hint}")


def _rule(
    block: type[RuleBlock],
    values: dict[str, Any],
    where: str,
    version: str,
    deadlines: Deadlines,
    shop_type: ShopType | None,
) -> Rule:
    given = {name: getattr(deadlines, name) for name in Deadlines.model_fields} | {
        SHOP_TYPE: shop_type
    }
    terms = block.model_fields.keys() & given.keys()
    _known(values, block.model_fields.keys() - terms, where)
    parsed = _validated(block, {**values, **{name: given[name] for name in terms}}, where)
    canonical = msgspec.json.encode(parsed.model_dump(), order="sorted")
    digest = hashlib.blake2b(canonical, digest_size=4).hexdigest()
    return Rule(parsed, f"{version}+{digest}", shop_type)


def _validated(model: type[M], values: dict[str, Any], where: str) -> M:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join([where, *(str(part) for part in first["loc"])])
        expected = first["msg"].removeprefix("Value error, ")
        # What concerns several values, or one that is missing, has the whole block for its input.
        found = "" if isinstance(first["input"], dict) else f", found {_shown(first['input'])}"
        raise RuleError(f"{key}: {expected}{found}") from error
