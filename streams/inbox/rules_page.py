"""The rules that this inbox runs with (规则), for one shop: read only.

Workers read rules of their own, so the page says which file and version it shows, and the page of an alert
marks one that was judged by others. The trap: lists in the rules may stand for people (identities of
banned buyers), so a list of free text is only counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from fastapi import Depends, FastAPI, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from streams.detect.deadlines import Deadlines
from streams.detect.detector import RuleBlock
from streams.detect.rules import RuleSet
from streams.inbox.console import Console
from streams.inbox.list_web import View
from streams.inbox.requests import admit
from streams.inbox.session import Session

# Said elsewhere on the page.
_PROVENANCE = frozenset({"source", "as_of", "shop_type"})


@dataclass(frozen=True)
class Hidden:
    """A list that is not shown, only how long it is."""

    entries: int


@dataclass(frozen=True)
class Line:
    """One number of a block. `default` is the one that it overrides, None where it overrides none."""

    field: str
    value: object
    default: object | None = None


@dataclass(frozen=True)
class Block:
    """What one detector, or one deadline, goes by. `version` is a detector's, `terms` its deadlines.

    `allowed` is of how many buyers and items, or of all, a shop wants nobody told.
    """

    code: str
    source: str
    as_of: str
    lines: Sequence[Line]
    version: str = ""
    terms: Sequence[str] = ()
    allowed: int = 0

    @property
    def currency(self) -> str:
        """The currency of its amounts, empty where it limits none."""
        return next((str(line.value) for line in self.lines if line.field == "currency"), "")

    @property
    def is_own(self) -> bool:
        """Whether the shop overrides any of it."""
        return bool(self.allowed) or any(line.default is not None for line in self.lines)


def add_rules(app: FastAPI, console: Console, view: View) -> None:
    """The page /rules."""

    def admitted(request: Request) -> Session:
        return admit(request, console.keeper)

    @app.get("/rules", dependencies=[Depends(admitted)])
    def rules(request: Request) -> HTMLResponse:
        # A shop without rules of its own has those of all others, whether it exists or not.
        shop = request.query_params.get("shop", "")[:64]
        known = console.rules
        return view.page(
            request,
            "rules.html",
            rules=known,
            rules_file=console.rules_file,
            shop=shop,
            has_own=shop in known.shops,
            detectors=detectors_of(known, shop),
            deadlines=deadlines_of(known, shop),
            time_zone=_lines(known.deadlines(shop), known.deadlines(""), ("time_zone",)),
            is_hidden=lambda value: isinstance(value, Hidden),
            tab="rules",
        )


def detectors_of(rules: RuleSet, shop: str) -> list[Block]:
    """The block of every detector, for one shop; what is a deadline stands with the deadlines."""
    found, default = rules.of(shop), rules.of("")
    return [
        Block(
            code,
            rule.block.source,
            rule.block.as_of,
            _lines(rule.block, default[code].block, _own_fields(rule.block)),
            rule.version,
            [name for name in type(rule.block).model_fields if name in Deadlines.model_fields],
            len(rule.allowed),
        )
        for code, rule in sorted(found.items())
    ]


def deadlines_of(rules: RuleSet, shop: str) -> list[Block]:
    """T01 to T12, for one shop."""
    found, default = _terms(rules.deadlines(shop)), _terms(rules.deadlines(""))
    return [
        Block(code, term.source, term.as_of, _lines(term, default[code], _own_fields(term)))
        for code, term in found.items()
    ]


def _terms(deadlines: Deadlines) -> Mapping[str, RuleBlock]:
    return {name: value for name, value in deadlines if isinstance(value, RuleBlock)}


def _own_fields(block: RuleBlock) -> Iterator[str]:
    for name in type(block).model_fields:
        if name not in _PROVENANCE and name not in Deadlines.model_fields:
            yield name


def _lines(
    block: BaseModel, default: BaseModel, names: Iterator[str] | Sequence[str]
) -> list[Line]:
    lines = []
    for name in names:
        own, general = _shown(block, name), _shown(default, name)
        is_own = getattr(block, name) != getattr(default, name)
        lines.append(Line(name, own, general if is_own else None))
    return lines


def _shown(block: BaseModel, name: str) -> object:
    value = getattr(block, name)
    is_free = str in _parts(type(block).model_fields[name].annotation)
    return Hidden(len(value)) if is_free and not isinstance(value, str) else value


def _parts(annotation: object) -> Iterator[object]:
    """What a collection is made of. A text with a pattern or a closed set of values is no free text."""
    for part in get_args(annotation):
        yield part
        if not hasattr(part, "__metadata__"):
            yield from _parts(part)
