"""Lists of alerts as queries: filters, search, order and paging."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import selectinload

from streams.inbox.intake import storable
from streams.inbox.models import AlertRow, CaseRow, ReferenceRow
from streams.inbox.workflow import UNHANDLED

Sort = Literal["severity", "newest", "deadline"]
PAGE_SIZE: Final = 50
NOT_SUPPRESSED: Final = AlertRow.suppressed_by.is_(None)


@dataclass(frozen=True)
class Filter:
    """Which alerts a list shows. None and empty mean all."""

    is_handled: bool = False
    severity: str | None = None
    shop: str | None = None
    detector: str | None = None
    status: str | None = None
    search: str = ""
    complaints_only: bool = False
    with_suppressed: bool = False
    sort: Sort = "severity"
    page: int = 1
    # The page of the shop's complaints, which stand above the alerts on their tab.
    cases_page: int = 1


@dataclass(frozen=True)
class Listing:
    """One page of a list, and what the page around it needs to know."""

    rows: Sequence[AlertRow]
    total: int
    page: int
    suppressed: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE_SIZE))


def page_query(wanted: Filter, number: int) -> Select[Any]:
    """The alerts of page `number`, in order."""
    return (
        select(AlertRow)
        .options(selectinload(AlertRow.latest))
        .join(AlertRow.case)
        .where(*_shown(wanted))
        .order_by(*_order(wanted))
        .limit(PAGE_SIZE)
        .offset((number - 1) * PAGE_SIZE)
    )


def count(wanted: Filter) -> Select[Any]:
    """How many alerts all pages hold."""
    return _count(_shown(wanted))


def count_suppressed(wanted: Filter) -> Select[Any]:
    """How many alerts the filter would show that a snooze or an allow list suppresses."""
    return _count([*_conditions(wanted), ~NOT_SUPPRESSED])


def _shown(wanted: Filter) -> list[ColumnElement[bool]]:
    conditions = _conditions(wanted)
    return conditions if wanted.with_suppressed else [*conditions, NOT_SUPPRESSED]


def _conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    # Few are unhandled and found by their state. The others are nearly all there are, so they are walked
    # in order: sorting them for one page would take longer every day.
    of_state = CaseRow.state.not_in if wanted.is_handled else CaseRow.state.in_
    conditions: list[ColumnElement[bool]] = [of_state(UNHANDLED)]
    for column, value in (
        (AlertRow.severity, wanted.severity),
        (AlertRow.shop_id, wanted.shop),
        (AlertRow.detector, wanted.detector),
        (AlertRow.status, wanted.status),
    ):
        if value:
            conditions.append(column == value)
    if wanted.complaints_only:
        conditions.append(AlertRow.is_complaint.is_(True))
    if wanted.search:
        conditions.append(_mentions(storable(wanted.search.strip())))
    return conditions


def _mentions(text: str) -> ColumnElement[bool]:
    mentioned = select(ReferenceRow.alert_id).where(ReferenceRow.ref == text)
    return or_(
        AlertRow.alert_id.startswith(text.lower(), autoescape=True),
        AlertRow.subject_id.icontains(text, autoescape=True),
        AlertRow.alert_id.in_(mentioned),
    )


def _count(conditions: Sequence[ColumnElement[bool]]) -> Select[Any]:
    return (
        select(func.count(AlertRow.alert_id))
        .select_from(AlertRow)
        .join(AlertRow.case)
        .where(*conditions)
    )


def _order(wanted: Filter) -> tuple[Any, ...]:
    # The id makes the order total; without it, paging could show an alert twice or never.
    newest = (AlertRow.opened_at.desc(), AlertRow.alert_id)
    if wanted.is_handled:
        # As the index has it, read backwards.
        return (CaseRow.updated_at.desc(), CaseRow.alert_id.desc())
    if wanted.sort == "newest":
        return newest
    if wanted.sort == "deadline":
        return (AlertRow.due_at.asc().nulls_last(), *newest)
    return (AlertRow.severity_rank.desc(), *newest)
