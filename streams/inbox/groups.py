"""What is at work as rows of one cause each: the alerts of a shop and a detector, about one subject or all.

Detectors of cases open an alert for each order or review, because each has facts, deadlines and an end of
its own; whoever looks at the list wants to see what goes on. So they are put together when looked at, and
nothing is stored. The trap: SQLite would group by the index of all alerts that there ever were.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, case, func, select, tuple_
from sqlalchemy.orm import Session, selectinload

from streams.inbox.listing import (
    PAGE_SIZE,
    Filter,
    all_query,
    by_deadline,
    came_back,
    page_within,
    shown,
)
from streams.inbox.models import AlertRow, CaseRow
from streams.inbox.workflow import UNTOUCHED

# As the shop's few at work lie among all that it ever had: see `listing`.
_SHOP = AlertRow.shop_id.concat("")


@dataclass(frozen=True)
class Group:
    """Several alerts at work of one cause.

    `subject_id` is empty for all subjects of the shop. `taken` of them are with somebody: with `assignee`,
    where it is one person. `back` of them are back from being set aside: by `snoozed_by`, where it was one
    person. `alerts` are all of them. `members` are those that a box stands for, with the
    versions of their cases: those that are chosen already, else the most severe, then the newest; a page at
    most.
    """

    shop_id: str
    detector: str
    subject_id: str
    size: int
    taken: int
    assignee: str | None
    back: int
    snoozed_by: str | None
    newest_at: datetime
    alerts: Sequence[str]
    members: Mapping[str, int]

    @property
    def key(self) -> str:
        """A name that lasts while alerts come and go."""
        said = "\n".join((self.shop_id, self.detector, self.subject_id))
        return hashlib.sha256(said.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Rows:
    """A page of groups: the alert that stands for each, and the group where it has more than that one."""

    leads: Sequence[AlertRow]
    groups: Mapping[str, Group]
    total: int
    page: int


def grouped(
    session: Session, wanted: Filter, now: datetime, chosen: Set[str], urgent: Sequence[str] = ()
) -> Rows:
    """A page of groups. `now` tells which alerts are back; those of `chosen` are chosen already.

    `urgent` are alerts in the order of their deadlines, for a list that is by those.
    """
    found, total, number = (
        _by_deadline(session, wanted, now, urgent)
        if wanted.is_by_deadline
        else _in_order(session, wanted, now)
    )
    members = _members(session, wanted, [_key(row) for row in found], now)
    groups = {}
    for row in found:
        # Its alerts may have been handled since its group was counted.
        if mine := members.get(_key(row)):
            groups[mine[0].alert_id] = _group(row, mine, chosen)
    query = select(AlertRow).options(selectinload(AlertRow.latest))
    rows = {
        row.alert_id: row for row in session.scalars(query.where(AlertRow.alert_id.in_(groups)))
    }
    return Rows(
        [rows[lead] for lead in groups if lead in rows and rows[lead].latest is not None],
        {lead: group for lead, group in groups.items() if group.size > 1},
        total,
        number,
    )


def _in_order(
    session: Session, wanted: Filter, now: datetime
) -> tuple[Sequence[Row[Any]], int, int]:
    """The groups of a page by severity or age, how many there are on all pages, and which page it is."""
    number = max(1, wanted.page)
    found = session.execute(causes_page(wanted, now, number)).all()
    if not found and number > 1:
        causes = select(func.count()).select_from(_causes(wanted, now).subquery())
        number = page_within(session.scalar(causes) or 0, number)
        found = session.execute(causes_page(wanted, now, number)).all()
    return found, found[0].causes if found else 0, number


def _by_deadline(
    session: Session, wanted: Filter, now: datetime, urgent: Sequence[str]
) -> tuple[Sequence[Row[Any]], int, int]:
    """As `_in_order`, of a list by deadlines: a group stands where the first of its alerts would."""
    every = session.execute(all_query(wanted, now, AlertRow.alert_id, *_named(wanted))).all()
    key_of = {row.alert_id: _key(row) for row in every}
    keys = list(dict.fromkeys(key_of[one] for one in by_deadline(key_of, urgent)))
    number = page_within(len(keys), wanted.page)
    of_page = keys[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    causes = _causes(wanted, now).where(tuple_(*_keys(wanted)).in_(of_page))
    found = {_key(row): row for row in session.execute(causes)} if keys else {}
    # Its alerts may have been handled since they were looked for.
    return [found[key] for key in of_page if key in found], len(keys), number


def causes_page(wanted: Filter, now: datetime, number: int) -> Select[Any]:
    """The groups of page `number`, in the order that is asked for, by their best alert each."""
    severity = func.max(AlertRow.severity_rank).desc()
    newest = func.max(AlertRow.opened_at).desc()
    first = (severity, newest) if wanted.sort == "severity" else (newest,)
    # Without the keys, paging could show a group twice or never.
    query = _causes(wanted, now).order_by(*first, *_keys(wanted))
    return query.limit(PAGE_SIZE).offset((number - 1) * PAGE_SIZE)


def _keys(wanted: Filter) -> tuple[ColumnElement[str], ...]:
    keys = (_SHOP, AlertRow.detector.expression)
    return keys if wanted.group == "shop" else (*keys, AlertRow.subject_id.expression)


def _named(wanted: Filter) -> list[ColumnElement[str]]:
    names = ("shop_id", "detector", "subject_id")
    return [key.label(name) for key, name in zip(_keys(wanted), names, strict=False)]


def _causes(wanted: Filter, now: datetime) -> Select[Any]:
    is_taken = CaseRow.state.not_in(UNTOUCHED)
    assignee = case((is_taken, CaseRow.assignee))
    is_back = came_back(now)
    snoozed_by = case((is_back, CaseRow.snoozed_by))
    columns: Sequence[ColumnElement[Any]] = (
        *_named(wanted),
        func.count(AlertRow.alert_id).label("size"),
        func.sum(case((is_taken, 1), else_=0)).label("taken"),
        func.min(assignee).label("first_name"),
        func.max(assignee).label("last_name"),
        func.sum(case((is_back, 1), else_=0)).label("back"),
        func.min(snoozed_by).label("first_snoozed_by"),
        func.max(snoozed_by).label("last_snoozed_by"),
        func.max(AlertRow.opened_at).label("newest_at"),
        # Of all pages, so that they need not be put together a second time.
        func.count().over().label("causes"),
    )
    query = select(*columns).select_from(AlertRow).join(AlertRow.case)
    return query.where(*shown(wanted, now)).group_by(*_keys(wanted))


def members_query(
    wanted: Filter, keys: Sequence[tuple[str, ...]], now: datetime
) -> Select[*tuple[Any, ...]]:
    """The alerts of these groups, in the order of the list."""
    return (
        select(*_named(wanted), AlertRow.alert_id, CaseRow.version)
        .join(AlertRow.case)
        .where(*shown(wanted, now), tuple_(*_keys(wanted)).in_(keys))
        .order_by(AlertRow.severity_rank.desc(), AlertRow.opened_at.desc(), AlertRow.alert_id)
    )


def _members(
    session: Session, wanted: Filter, keys: Sequence[tuple[str, ...]], now: datetime
) -> Mapping[tuple[str, ...], Sequence[Row[Any]]]:
    found: defaultdict[tuple[str, ...], list[Row[Any]]] = defaultdict(list)
    if keys:
        for row in session.execute(members_query(wanted, keys, now)):
            found[_key(row)].append(row)
    return found


def _key(row: Row[Any]) -> tuple[str, ...]:
    named = row._mapping
    return tuple(named[name] for name in ("shop_id", "detector", "subject_id") if name in named)


def _group(row: Row[Any], mine: Sequence[Row[Any]], chosen: Set[str]) -> Group:
    picked = [one for one in mine if one.alert_id in chosen] or mine[:PAGE_SIZE]
    shop_id, detector, *subject = _key(row)
    return Group(
        shop_id=shop_id,
        detector=detector,
        subject_id="".join(subject),
        size=row.size,
        taken=row.taken,
        assignee=row.first_name if row.first_name == row.last_name else None,
        back=row.back,
        snoozed_by=row.first_snoozed_by if row.first_snoozed_by == row.last_snoozed_by else None,
        newest_at=row.newest_at,
        alerts=[one.alert_id for one in mine],
        members={one.alert_id: one.version for one in picked},
    )
