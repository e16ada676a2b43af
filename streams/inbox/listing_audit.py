"""The listings with something wrong now (商品体检): by item, what is wrong, since when, and what mends it.

A view of the open alerts about items, whatever people have made of them: a listing that nobody mended is
still wrong when its alert was handled. Nothing is changed here; alerts are handled on their own pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Depends, FastAPI, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import ColumnElement, Engine, Select, func, literal_column, select
from sqlalchemy.orm import Session as Transaction
from sqlalchemy.orm import selectinload

from schemas.alerts import Severity, SuggestedAction, Text
from streams.detect.detectors.d26_listing_audit import ISSUES
from streams.inbox import pages
from streams.inbox.console import Console
from streams.inbox.list_web import View
from streams.inbox.listing import NOT_SUPPRESSED, PAGE_SIZE, Paged, page_within
from streams.inbox.models import AlertRow
from streams.inbox.requests import admit, page_of
from streams.inbox.session import Session

AUDIT: Final = "D26"
# What unpaid orders do to an item is no fault of its listing, but is mended there as well.
SQUAT: Final = "D02"
# Grouped by the column itself, SQLite would walk all alerts by its index, ten times slower than a scan.
_SUBJECT: Final = AlertRow.subject_id.concat(literal_column("''"))
_LETTERS: Final = {issue.step.zh: letter for letter, issue in ISSUES.items()}


@dataclass(frozen=True)
class Finding:
    """One issue by its letter in docs/detectors/D26.md; `mend` is what mends it."""

    letter: str
    level: Severity
    what: Text
    mend: Text


@dataclass(frozen=True)
class Item:
    """One item and its open alerts, the most severe first."""

    subject_id: str
    cards: Sequence[pages.Card]

    @property
    def shop_id(self) -> str:
        return self.cards[0].row.shop_id

    @property
    def item_id(self) -> str:
        return self.subject_id.removeprefix(f"{self.shop_id}:")


def add_audit(app: FastAPI, console: Console, view: View) -> None:
    """The page /listings."""

    def admitted(request: Request) -> Session:
        return admit(request, console.keeper)

    @app.get("/listings", dependencies=[Depends(admitted)])
    def listings(request: Request) -> HTMLResponse:
        shop = request.query_params.get("shop") or None
        return view.page(
            request,
            "listings.html",
            found=audited(console.store.engine, shop, page_of(request, "page")),
            findings=findings,
            shop=shop or "",
            shops=console.store.choices()[0],
            tab="audit",
        )


def audited(engine: Engine, shop: str | None, number: int) -> Paged[Item]:
    """One page of the items with an open alert: the most severe first, then what is wrong longest."""
    with Transaction(engine) as session:
        total = session.scalar(items_tally(shop)) or 0
        number = page_within(total, number)
        ids = session.scalars(items_page(shop, number)).all()
        query = (
            _open(select(AlertRow), None)
            .where(AlertRow.subject_id.in_(ids))
            .options(selectinload(AlertRow.latest))
            .order_by(AlertRow.severity_rank.desc(), AlertRow.opened_at, AlertRow.alert_id)
        )
        rows = [row for row in session.scalars(query) if row.latest is not None]
    of_item = {one: [pages.card(row) for row in rows if row.subject_id == one] for one in ids}
    # One that resolved between the questions, on PostgreSQL, is gone.
    return Paged([Item(one, cards) for one, cards in of_item.items() if cards], total, number)


def items_tally(shop: str | None) -> Select[int]:
    return _open(select(func.count(AlertRow.subject_id.distinct())), shop)


def items_page(shop: str | None, number: int) -> Select[str]:
    return (
        _open(select(_SUBJECT), shop)
        .group_by(_SUBJECT)
        .order_by(func.max(AlertRow.severity_rank).desc(), func.min(AlertRow.opened_at), _SUBJECT)
        .limit(PAGE_SIZE)
        .offset((number - 1) * PAGE_SIZE)
    )


def findings(actions: Iterable[SuggestedAction]) -> list[Finding]:
    """What is wrong as of the alert's last event, by what would mend it.

    An alert names its issues by their steps only. Those of another version, whose words are not ours, are
    left out; the alert's own sentence tells them.
    """
    letters = [letter for action in actions if (letter := _LETTERS.get(action.text.zh))]
    return [_finding(letter) for letter in letters]


def _finding(letter: str) -> Finding:
    issue = ISSUES[letter]
    what = Text(zh=issue.zh, en=issue.en)
    return Finding(letter, issue.level, what, Text(zh=issue.step.zh, en=issue.step.en))


def _open(query: Select[Any], shop: str | None) -> Select[Any]:
    conditions: list[ColumnElement[bool]] = [
        AlertRow.detector.in_((AUDIT, SQUAT)),
        AlertRow.status == "open",
        AlertRow.subject_kind == "item",
        NOT_SUPPRESSED,
    ]
    return query.where(*conditions, *([AlertRow.shop_id == shop] if shop else []))
