"""Lists of alerts as queries: filters, search, order and paging."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Generic, Literal, TypeVar

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, selectinload

from streams.inbox.intake import storable
from streams.inbox.models import AlertRow, Base, CaseRow, ReferenceRow
from streams.inbox.snooze import LONGEST
from streams.inbox.workflow import UNHANDLED

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
_Row = TypeVar("_Row", bound=Base)
Sort = Literal["severity", "newest", "deadline"]
Grouping = Literal["subject", "shop", "none"]
PAGE_SIZE: Final = 50
# So many are sorted sooner than they are found among all others by walking in order.
FEW: Final = 1000
NOT_SUPPRESSED: Final = AlertRow.suppressed_by.is_(None)


@dataclass(frozen=True)
class Filter:
    """Which alerts a list shows. None and empty mean all."""

    is_handled: bool = False
    # Of those at work, the ones that are set aside for later, which the queue does not show.
    is_snoozed: bool = False
    severity: str | None = None
    shop: str | None = None
    detector: str | None = None
    subject: str | None = None
    status: str | None = None
    # With whom an alert is, or who handled it.
    assignee: str | None = None
    search: str = ""
    complaints_only: bool = False
    with_suppressed: bool = False
    sort: Sort = "severity"
    # What is at work is put together by shop and detector, with or without the subject, or not at all.
    group: Grouping = "subject"
    page: int = 1
    # The page of the shop's complaints, which stand above the alerts on their tab.
    cases_page: int = 1

    @property
    def is_by_deadline(self) -> bool:
        # Of what was handled or is set aside, people ask for something else first.
        return self.sort == "deadline" and not self.is_handled and not self.is_snoozed

    @property
    def is_grouped(self) -> bool:
        # What was handled is walked in order, for it is nearly all there is. What is set aside comes back one
        # by one.
        return self.group != "none" and not self.is_handled and not self.is_snoozed


@dataclass(frozen=True)
class Listing:
    """One page of a list, and what the page around it needs to know.

    `total` are alerts. `lines` are what the pages are made of, where that is something else. `snoozed` are
    those that the same filters find among the ones set aside.
    """

    rows: Sequence[AlertRow]
    total: int
    page: int
    suppressed: int
    lines: int | None = None
    snoozed: int = 0

    @property
    def pages(self) -> int:
        lines = self.total if self.lines is None else self.lines
        return max(1, -(-lines // PAGE_SIZE))


@dataclass(frozen=True)
class Paged(Generic[T]):
    """One page of something else than alerts, and how many there are on all pages."""

    rows: Sequence[T]
    total: int
    page: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE_SIZE))


def page_within(total: int, number: int) -> int:
    """The page to show where `number` is asked for; past the end, the last one."""
    return min(max(1, number), max(1, -(-total // PAGE_SIZE)))


def leaf(
    session: Session,
    table: type[_Row],
    wanted: Sequence[ColumnElement[bool]],
    order: Sequence[ColumnElement[Any] | InstrumentedAttribute[Any]],
    number: int,
) -> Paged[_Row]:
    """The rows of page `number`; a number past the end shows the last page."""
    total = session.scalar(select(func.count()).select_from(table).where(*wanted)) or 0
    number = page_within(total, number)
    query = select(table).where(*wanted).order_by(*order)
    rows = session.scalars(query.limit(PAGE_SIZE).offset((number - 1) * PAGE_SIZE)).all()
    return Paged(rows, total, number)


def is_snoozed(now: datetime) -> ColumnElement[bool]:
    """Whether an alert is set aside; see `snooze.is_snoozed`."""
    return and_(CaseRow.snoozed_until > now, CaseRow.snoozed_until <= now + LONGEST)


def is_in_queue(now: datetime) -> ColumnElement[bool]:
    """Of an alert at work, whether people should see it now: it is not set aside."""
    until = CaseRow.snoozed_until
    return or_(until.is_(None), until <= now, until > now + LONGEST)


def came_back(now: datetime) -> ColumnElement[bool]:
    """Whether an alert is back and nobody has done anything about it since; see `snooze.came_back`."""
    return and_(CaseRow.snoozed_until <= now, CaseRow.updated_at < CaseRow.snoozed_until)


def page_query(wanted: Filter, now: datetime, number: int, size: int = PAGE_SIZE) -> Select[Any]:
    """The alerts of page `number`, in order."""
    return (
        select(AlertRow)
        .options(selectinload(AlertRow.latest))
        .join(AlertRow.case)
        .where(*shown(wanted, now))
        .order_by(*_order(wanted))
        .limit(size)
        .offset((number - 1) * size)
    )


def ids_query(wanted: Filter, now: datetime) -> Select[Any]:
    """The ids of all alerts that the pages hold, in no order."""
    return select(AlertRow.alert_id).join(AlertRow.case).where(*shown(wanted, now))


def by_deadline(keys: Iterable[K], urgent: Iterable[K]) -> list[K]:
    """The keys in the order of `urgent`, which may hold others as well, then the rest as they came.

    A deadline moves with what people do and with the clock, so no column can tell which comes first.
    """
    rank = {key: number for number, key in enumerate(urgent)}
    return sorted(keys, key=lambda key: rank.get(key, len(rank)))


def all_query(wanted: Filter, now: datetime, *columns: ColumnElement[Any] | Any) -> Select[Any]:
    """Columns of all alerts that the pages hold, in order."""
    query = select(*columns).join(AlertRow.case).where(*shown(wanted, now))
    return query.order_by(*_order(wanted))


def page_of_few(
    wanted: Filter, now: datetime, ids: Sequence[str], number: int, size: int = PAGE_SIZE
) -> Select[Any]:
    """As `page_query`, where these are all that the pages hold."""
    # Walked in order, a database would look at nearly everything that was ever handled for one page of them.
    return page_query(wanted, now, number, size).where(AlertRow.alert_id.in_(ids))


def snoozed_tally(wanted: Filter, now: datetime) -> Select[int]:
    """How many alerts the filters find among those set aside."""
    aside = replace(wanted, is_handled=False, is_snoozed=True)
    query = select(func.count(AlertRow.alert_id)).join(AlertRow.case)
    return query.where(*shown(aside, now))


def tally(wanted: Filter, now: datetime) -> Select[int, int]:
    """How many alerts the filters find at work, and how many of these are suppressed.

    Where the handled ones are wanted, of all at work; else of those in the queue, or of those set aside.
    """
    query = tally_of_all(wanted)
    if not wanted.assignee:
        query = query.join(CaseRow, CaseRow.alert_id == AlertRow.alert_id)
    query = query.where(CaseRow.state.in_(UNHANDLED))
    return query if wanted.is_handled else query.where(_of_view(wanted, now))


def tally_of_all(wanted: Filter) -> Select[int, int]:
    """As `tally`, of those at work and those that were handled. Unless a person is asked for it looks up no
    case, so a scan is quick."""
    query = select(func.count(AlertRow.alert_id), func.count(AlertRow.suppressed_by))
    if wanted.assignee:
        query = query.join(CaseRow, CaseRow.alert_id == AlertRow.alert_id)
    return query.where(*_filters(wanted))


def shown(wanted: Filter, now: datetime) -> list[ColumnElement[bool]]:
    """The conditions of the filters, for alerts joined with their cases."""
    # Few are unhandled and found by their state. The others are nearly all there are, so they are walked
    # in order: sorting them for one page would take longer every day.
    of_state = CaseRow.state.not_in if wanted.is_handled else CaseRow.state.in_
    conditions = [of_state(UNHANDLED), *_filters(wanted)]
    if not wanted.is_handled:
        conditions.append(_of_view(wanted, now))
    return conditions if wanted.with_suppressed else [*conditions, NOT_SUPPRESSED]


def _of_view(wanted: Filter, now: datetime) -> ColumnElement[bool]:
    return is_snoozed(now) if wanted.is_snoozed else is_in_queue(now)


def _filters(wanted: Filter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    # A shop's few at work lie among all that it ever had, and SQLite would go through those by their index.
    shop = AlertRow.shop_id if wanted.is_handled else AlertRow.shop_id.concat("")
    for column, value in (
        (AlertRow.severity, wanted.severity),
        (shop, wanted.shop),
        (AlertRow.detector, wanted.detector),
        (AlertRow.subject_id, wanted.subject),
        (CaseRow.assignee, wanted.assignee),
        (AlertRow.status, wanted.status),
    ):
        if value:
            conditions.append(column == storable(value))
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


def _order(wanted: Filter) -> tuple[Any, ...]:
    # The id makes the order total; without it, paging could show an alert twice or never.
    newest = (AlertRow.opened_at.desc(), AlertRow.alert_id)
    if wanted.is_handled:
        # As the index has it, read backwards.
        return (CaseRow.updated_at.desc(), CaseRow.alert_id.desc())
    if wanted.is_snoozed:
        return (CaseRow.snoozed_until, CaseRow.alert_id)
    if wanted.sort == "severity":
        return (AlertRow.severity_rank.desc(), *newest)
    # Those with no deadline that is not met are by their age; `by_deadline` moves the others before them.
    return newest
