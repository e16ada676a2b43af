"""The alerts side of the store: applying revisions, and every question that a page asks.

Applying is idempotent by (alert id, revision), of decisions on stock by their id, and happens in one
transaction a batch, so the consumer may commit its offsets after it. Steps of people are in `desk`, not here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Engine, Select, and_, func, insert, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, Session, defer, joinedload, selectinload

from schemas.alerts import Alert, AlertEnvelope
from schemas.outputs import StockAdjustment
from streams.inbox import approvals, snooze
from streams.inbox.bans import ENDED, BanState
from streams.inbox.database import writing
from streams.inbox.events import TOPICS, orders_of
from streams.inbox.groups import Group, grouped
from streams.inbox.intake import (
    Accepted,
    RefusedRecord,
    is_complaint,
    references,
    storable,
)
from streams.inbox.listing import (
    FEW,
    NOT_SUPPRESSED,
    PAGE_SIZE,
    Filter,
    Listing,
    all_query,
    by_deadline,
    ids_query,
    is_in_queue,
    is_snoozed,
    page_of_few,
    page_query,
    snoozed_tally,
    tally,
    tally_of_all,
)
from streams.inbox.models import (
    AlertRow,
    AuditRow,
    BanRow,
    BanStepRow,
    CaseRow,
    ComplaintStepRow,
    ContactRow,
    DecisionRow,
    FilingRow,
    OutgoingRow,
    ReadRow,
    ReferenceRow,
    RefusedRow,
    RevisionRow,
)
from streams.inbox.workflow import UNHANDLED, Seen, State, follow, got_worse, severity_rank, stands
from streams.subscriber.source import Partition

# What the pipeline did to the workflow is audited under this name.
PIPELINE = "orderwatch"
_MOST_SHOPS = 500
_MOST_NAMES = 200
# Two batches of the consumer.
_COMMITTED_LATE = 1000


@dataclass(frozen=True)
class Applied:
    """What became of a batch: revisions of alerts by outcome, refused records, and new decisions on stock."""

    applied: int
    ignored: int
    refused: int
    decided: int


@dataclass(frozen=True)
class Detail:
    """All that is known about one alert."""

    row: AlertRow
    revisions: Sequence[RevisionRow]
    contacts: Sequence[ContactRow]
    audit: Sequence[AuditRow]
    superseded_by: str | None
    # Those made from this alert, and those of the orders that it is about.
    filings: Sequence[FilingRow] = ()


class Store:
    """Reads and writes alerts. Safe to use from several threads and processes at once."""

    def __init__(self, engine: Engine, now: Callable[[], datetime]) -> None:
        self.engine = engine
        self._writer = writing(engine)
        self._now = now
        # Up to which revision it was read which shop has alerts of which detector, and what was read.
        self._pairs: tuple[int, frozenset[tuple[str, str]]] = (0, frozenset())
        # As well, up to which step it was read who has taken any.
        self._names: tuple[int, frozenset[str]] = (0, frozenset())

    def apply(
        self,
        records: Iterable[Accepted | StockAdjustment | RefusedRecord],
        read_to: Mapping[Partition, int] | None = None,
    ) -> Applied:
        """Store a batch and up to where it was read, all or nothing.

        Raises one of `PASSING` when the database is away.
        """
        batch = list(records)
        try:
            return self._apply_once(batch, read_to or {})
        except IntegrityError:
            # After a rebalance the previous owner of the partition may insert the same alert at the
            # same moment. Its rows are visible now, so the second try finds them.
            return self._apply_once(batch, read_to or {})

    def _apply_once(
        self,
        batch: list[Accepted | StockAdjustment | RefusedRecord],
        read_to: Mapping[Partition, int],
    ) -> Applied:
        accepted = [record for record in batch if isinstance(record, Accepted)]
        decisions = [record for record in batch if isinstance(record, StockAdjustment)]
        refused = [record for record in batch if isinstance(record, RefusedRecord)]
        at = self._now()
        with Session(self._writer) as session, session.begin():
            ids = {record.alert.alert_id for record in accepted}
            known = select(AlertRow).where(AlertRow.alert_id.in_(ids))
            # Its key does not change: a person's step that refers to the alert need not wait for this, which
            # may wait for the case that the step has locked.
            known = known.with_for_update(key_share=True)
            rows = {row.alert_id: row for row in session.scalars(known)}
            changes = [
                change for record in accepted if (change := _change(session, rows, record, at))
            ]
            # The rows of alerts must exist before what refers to them is written.
            session.flush()
            _keep_history(session, [change.record for change in changes], at)
            for change in changes:
                _follow(session, rows[change.record.alert.alert_id], change, at)
            decided = approvals.keep(session, decisions, at)
            for bad in refused:
                session.merge(_refused_row(bad, at))
            for (topic, partition), offset in read_to.items():
                session.merge(ReadRow(topic=topic, partition=partition, offset=offset))
        return Applied(len(changes), len(accepted) - len(changes), len(refused), decided)

    def page(self, wanted: Filter, size: int = PAGE_SIZE, urgent: Sequence[str] = ()) -> Listing:
        """One page of alerts. A page number past the end shows the last page.

        `urgent` are ids in the order of their deadlines, for a list that is by those; see `Board.in_order`.
        """
        with Session(self.engine) as session:
            now = self._now()
            found, suppressed = _totals(session, wanted, now)
            snoozed = session.scalar(snoozed_tally(wanted, now)) or 0
            total = found if wanted.with_suppressed else max(0, found - suppressed)
            if not total:
                return Listing([], 0, 1, suppressed, snoozed=snoozed)
            number = min(max(1, wanted.page), -(-total // size))
            if wanted.is_by_deadline:
                every = session.scalars(all_query(wanted, now, AlertRow.alert_id)).all()
                of_page = by_deadline(every, urgent)[(number - 1) * size : number * size]
                rows = _rows(session, of_page)
                return Listing(rows, total, number, suppressed, snoozed=snoozed)
            query = page_query(wanted, now, number, size)
            if total <= FEW:
                ids = session.scalars(ids_query(wanted, now)).all()
                query = page_of_few(wanted, now, ids, number, size)
            listed = session.scalars(query).all()
            # On PostgreSQL the envelope of one may have been deleted since its row was read.
            rows = [row for row in listed if row.latest is not None]
            return Listing(rows, total, number, suppressed, snoozed=snoozed)

    def grouped(
        self, wanted: Filter, chosen: Set[str] = frozenset(), urgent: Sequence[str] = ()
    ) -> tuple[Listing, Mapping[str, Group]]:
        """One page of groups: the alert that stands for each, and the groups of more than it, by its id.

        `urgent` as for `page`.
        """
        with Session(self.engine) as session:
            now = self._now()
            found, suppressed = _totals(session, wanted, now)
            snoozed = session.scalar(snoozed_tally(wanted, now)) or 0
            total = found if wanted.with_suppressed else max(0, found - suppressed)
            rows = grouped(session, wanted, now, chosen, urgent)
        return Listing(rows.leads, total, rows.page, suppressed, rows.total, snoozed), rows.groups

    def detail(self, alert_id: str) -> Detail | None:
        """One alert with its history, or None."""
        with Session(self.engine) as session:
            # In one question: between two, PostgreSQL lets the retention delete the envelope.
            envelope = joinedload(AlertRow.latest, innerjoin=True)
            row = session.get(AlertRow, alert_id, options=[envelope])
            if row is None:
                return None
            return Detail(
                row=row,
                # An alert may have hundreds, of which the timeline shows no envelope.
                revisions=session.scalars(
                    select(RevisionRow)
                    .options(defer(RevisionRow.body, raiseload=True))
                    .where(RevisionRow.alert_id == alert_id)
                    .order_by(RevisionRow.revision.desc())
                ).all(),
                contacts=session.scalars(
                    select(ContactRow)
                    .where(ContactRow.alert_id == alert_id)
                    .order_by(ContactRow.id.desc())
                ).all(),
                audit=session.scalars(
                    select(AuditRow).where(AuditRow.alert_id == alert_id).order_by(AuditRow.id)
                ).all(),
                superseded_by=session.scalar(
                    select(AlertRow.alert_id).where(AlertRow.supersedes == alert_id).limit(1)
                ),
                filings=_filings(session, row),
            )

    def rows_of(self, alert_ids: Sequence[str]) -> list[AlertRow]:
        """Those of the alerts that there are, in the order in which they were named."""
        with Session(self.engine) as session:
            return _rows(session, alert_ids)

    def named(self, alert_ids: Sequence[str]) -> dict[str, tuple[str, datetime]]:
        """Detector and time of those of the alerts that there are: people know one by these, not by an id."""
        query = select(AlertRow.alert_id, AlertRow.detector, AlertRow.opened_at)
        with Session(self.engine) as session:
            found = session.execute(query.where(AlertRow.alert_id.in_(alert_ids)))
            return {one: (detector, opened_at) for one, detector, opened_at in found}

    def fallen(self, alert_ids: Sequence[str]) -> list[str]:
        """Those of the alerts by which nobody may be accused."""
        query = select(AlertRow.alert_id, AlertRow.status, CaseRow.label).join(AlertRow.case)
        with Session(self.engine) as session:
            found = session.execute(query.where(AlertRow.alert_id.in_(alert_ids)))
            return [one for one, status, label in found if not stands(status, label)]

    def waiting_events(self) -> dict[str, int]:
        """How many events for the detectors are not on Kafka for certain, of every topic."""
        query = (
            select(OutgoingRow.topic, func.count(OutgoingRow.id))
            .where(OutgoingRow.sent_at.is_(None))
            .group_by(OutgoingRow.topic)
        )
        return self._number_of_each(TOPICS, query)

    def bans(self) -> dict[str, int]:
        """How many bans are in each state that is not an end."""
        query = (
            select(BanRow.state, func.count(BanRow.ban_id))
            .where(BanRow.state.not_in(ENDED))
            .group_by(BanRow.state)
        )
        return self._number_of_each([state for state in BanState if state not in ENDED], query)

    def choices(self) -> tuple[Sequence[str], Sequence[str]]:
        """The shops and the detectors that have alerts, for the filter boxes."""
        with Session(self.engine) as session:
            newest = session.scalar(select(func.max(RevisionRow.id))) or 0
            read_to, known = self._pairs
            query = select(AlertRow.shop_id, AlertRow.detector).distinct()
            if read_to:
                # Only what came since is looked at, and some of what came before: of two transactions at once
                # the lower ids may be committed last. A shop whose alerts were all deleted stays.
                came = RevisionRow.id > read_to - _COMMITTED_LATE
                of_alert = RevisionRow.alert_id == AlertRow.alert_id
                query = query.join(RevisionRow, of_alert).where(came)
            known = known.union((shop, detector) for shop, detector in session.execute(query))
        self._pairs = newest, known
        shops, detectors = ({pair[n] for pair in known} for n in (0, 1))
        return sorted(shops)[:_MOST_SHOPS], sorted(detectors)

    def names(self) -> Sequence[str]:
        """Who has taken a step here, or was handed an alert, in order."""
        with Session(self.engine) as session:
            newest = session.scalar(select(func.max(AuditRow.id))) or 0
            read_to, known = self._names
            # As in `choices`: only what came since, and some of what came before.
            came = AuditRow.id > max(0, read_to - _COMMITTED_LATE)
            query = select(AuditRow.by).where(came, AuditRow.by != PIPELINE).distinct()
            known = known.union(session.scalars(query))
            handed = select(AuditRow.detail).where(came, AuditRow.step == "assign").distinct()
            known = known.union(json.loads(one)["assignee"] for one in session.scalars(handed))
        self._names = newest, known
        return sorted(known)[:_MOST_NAMES]

    def unhandled(self) -> dict[str, int]:
        """How many alerts wait in the queue, by severity: neither those suppressed nor those set aside."""
        return self._at_work(is_in_queue(self._now()))

    def snoozed(self) -> dict[str, int]:
        """How many alerts are set aside for later, by severity; those suppressed are not counted."""
        return self._at_work(is_snoozed(self._now()))

    def _at_work(self, condition: ColumnElement[bool]) -> dict[str, int]:
        query = (
            select(AlertRow.severity, func.count(AlertRow.alert_id))
            .join(AlertRow.case)
            .where(CaseRow.state.in_(UNHANDLED), NOT_SUPPRESSED, condition)
            .group_by(AlertRow.severity)
        )
        return self._number_of_each(("critical", "warn", "info"), query)

    def _number_of_each(self, names: Iterable[str], query: Select[str, int]) -> dict[str, int]:
        """What a query of names and numbers counts, also of those of which there are none."""
        with Session(self.engine) as session:
            counts = dict(session.execute(query).all())
        return {name: counts.get(name, 0) for name in names}

    def oldest_unhandled(self) -> datetime | None:
        """Since when the alert that waits longest has been waiting, begun or not, to be handled."""
        query = (
            select(func.min(CaseRow.waiting_since))
            .join(AlertRow, AlertRow.alert_id == CaseRow.alert_id)
            .where(CaseRow.state.in_(UNHANDLED), NOT_SUPPRESSED)
        )
        with Session(self.engine) as session:
            return session.scalar(query)

    def labels(self) -> dict[tuple[str, str], int]:
        """How many handled alerts of each detector have each label: what precision is made of."""
        query = (
            select(AlertRow.detector, CaseRow.label, func.count(CaseRow.alert_id))
            .join(AlertRow.case)
            .where(CaseRow.state == State.DONE, CaseRow.label.is_not(None))
            .group_by(AlertRow.detector, CaseRow.label)
        )
        with Session(self.engine) as session:
            rows = session.execute(query)
            return {(detector, label): count for detector, label, count in rows if label}

    def read_to(self) -> dict[Partition, int]:
        """The offset after the last record of each partition that this database has."""
        with Session(self.engine) as session:
            return {
                (row.topic, row.partition): row.offset for row in session.scalars(select(ReadRow))
            }

    def version(self) -> str:
        """A word that changes whenever anything that a page shows has changed, or an alert comes back.

        What is deleted for its age need not change it: nobody waits for that.
        """
        tables = (RevisionRow, AuditRow, ComplaintStepRow, BanStepRow, DecisionRow)
        back = select(func.max(CaseRow.snoozed_until))
        with Session(self.engine) as session:
            counts = [session.execute(_newest(table.id)).one() for table in tables]
            came_back = session.scalar(back.where(CaseRow.snoozed_until <= self._now()))
        # Not as a sum: of two numbers the one may fall, by a deletion, as the other one grows.
        changed = ".".join(f"{newest or 0}.{number}" for newest, number in counts)
        return f"{changed}.{came_back.timestamp() if came_back else 0}"


def _rows(session: Session, alert_ids: Sequence[str]) -> list[AlertRow]:
    query = select(AlertRow).options(selectinload(AlertRow.latest))
    listed = session.scalars(query.where(AlertRow.alert_id.in_(alert_ids)))
    found = {row.alert_id: row for row in listed if row.latest is not None}
    return [found[one] for one in alert_ids if one in found]


def _newest(ids: InstrumentedAttribute[int]) -> Select[int, int]:
    """The greatest id, and how many of the last ids there are."""
    newest = select(func.max(ids)).scalar_subquery()
    # Of two transactions at once the lower ids may be committed last: it is their number that tells of them.
    return select(func.max(ids), func.count(ids)).where(ids > newest - _COMMITTED_LATE)


def _totals(session: Session, wanted: Filter, now: datetime) -> tuple[int, int]:
    """How many alerts the filter finds, and how many of them are suppressed."""
    found, suppressed = session.execute(tally(wanted, now)).one()
    if not wanted.is_handled:
        return found, suppressed
    # Every alert has one case. To look up that of each takes ten times as long as to count the alerts.
    of_all = session.execute(tally_of_all(wanted)).one()
    # PostgreSQL answers each question as of its own moment.
    return max(0, of_all[0] - found), max(0, of_all[1] - suppressed)


def _filings(session: Session, row: AlertRow) -> Sequence[FilingRow]:
    alert = AlertEnvelope.model_validate_json(row.body).data
    orders = [storable(order) for order in orders_of(alert)]
    is_of_its_orders = and_(FilingRow.shop_id == row.shop_id, FilingRow.order_id.in_(orders))
    query = select(FilingRow).where(or_(FilingRow.alert_id == row.alert_id, is_of_its_orders))
    return session.scalars(query.order_by(FilingRow.submitted_at, FilingRow.filing_id)).all()


@dataclass(frozen=True)
class _Change:
    """A revision that is newer than what was stored, and which that was and what it said."""

    record: Accepted
    before: Seen | None
    revision_before: int = 0


def _change(
    session: Session, rows: dict[str, AlertRow], record: Accepted, at: datetime
) -> _Change | None:
    alert = record.alert
    row = rows.get(alert.alert_id)
    if row is not None and alert.revision <= row.revision:
        return None
    if row is None:
        row = rows[alert.alert_id] = AlertRow(alert_id=alert.alert_id, received_at=at)
        row.case = CaseRow(version=1, state=State.NEW, waiting_since=at, updated_at=at)
        session.add(row)
        before, revision = None, 0
    else:
        # The columns were written from a validated alert, so they are of the literal types.
        before = Seen(row.status, row.severity)  # type: ignore[arg-type]
        revision = row.revision
    _fill(row, record)
    return _Change(record, before, revision)


def _fill(row: AlertRow, record: Accepted) -> None:
    alert: Alert = record.alert
    row.revision = alert.revision
    row.detector = alert.detector
    row.shop_id = storable(alert.shop_id)
    row.subject_kind = alert.subject.kind
    row.subject_id = storable(alert.subject.id)
    row.severity = alert.severity
    row.severity_rank = severity_rank(alert.severity)
    row.status = alert.status
    row.opened_at = alert.opened_at
    row.updated_at = alert.updated_at
    row.supersedes = storable(alert.supersedes) if alert.supersedes else None
    row.suppressed_by = storable(alert.suppressed_by) if alert.suppressed_by else None
    row.is_complaint = is_complaint(alert)


def _keep_history(session: Session, records: Sequence[Accepted], at: datetime) -> None:
    ids = {record.alert.alert_id for record in records}
    stored = select(ReferenceRow.alert_id, ReferenceRow.ref).where(ReferenceRow.alert_id.in_(ids))
    known = {(row.alert_id, row.ref) for row in session.execute(stored)}
    revisions, mentions = [], []
    for record in records:
        alert = record.alert
        revisions.append(
            {
                "alert_id": alert.alert_id,
                "revision": alert.revision,
                "change": alert.change,
                "severity": alert.severity,
                "status": alert.status,
                "updated_at": alert.updated_at,
                "received_at": at,
                "body": record.body,
            }
        )
        # What an earlier revision mentioned stays findable.
        new = {(alert.alert_id, ref) for ref in references(alert)} - known
        mentions += [{"alert_id": alert_id, "ref": ref} for alert_id, ref in new]
        known |= new
    # As objects of the session, a dozen for an alert, these took half of the time of a batch.
    for table, rows in ((RevisionRow, revisions), (ReferenceRow, mentions)):
        if rows:
            session.execute(insert(table), rows)


def _follow(session: Session, row: AlertRow, change: _Change, at: datetime) -> None:
    alert = change.record.alert
    after = Seen(alert.status, alert.severity)
    case = row.case
    old = State(case.state)
    new = follow(old, change.before, after)
    is_aside = snooze.is_snoozed(case.snoozed_until, at)
    why = _why_back(session, change, at) if is_aside and new is old else None
    if new is old and why is None:
        return
    case.state = new
    case.version += 1
    if is_aside:
        case.snoozed_until = at
    if new is not old:
        case.updated_at = at
    if new is State.REOPENED:
        case.waiting_since = at
    session.add(
        AuditRow(
            alert_id=row.alert_id,
            step="wake" if why else "follow",
            from_state=old,
            to_state=new,
            detail=json.dumps({"why": why} if why else {}),
            at=at,
            by=PIPELINE,
            request_id=f"{alert.alert_id}:{alert.revision}",
        )
    )


def _why_back(session: Session, change: _Change, at: datetime) -> str | None:
    """Why an alert that is set aside comes back with this revision; None where it can wait."""
    alert, before = change.record.alert, change.before
    if before is None:
        return None
    if got_worse(before, Seen(alert.status, alert.severity)):
        return "severity"
    if before.status != "open" and alert.status == "open":
        # Deadlines that had been met by its end are not met any more.
        return "open"
    body = session.scalars(
        select(RevisionRow.body).where(
            RevisionRow.alert_id == alert.alert_id, RevisionRow.revision == change.revision_before
        )
    ).one()
    known = snooze.first_ahead(AlertEnvelope.model_validate_json(body).data.deadlines, at)
    first = snooze.first_ahead(alert.deadlines, at)
    # What was known is heeded since it was set aside. A new deadline, or one that is sooner, was not.
    is_sooner = any(code not in known or due_at < known[code] for code, due_at in first.items())
    return "deadline" if is_sooner else None


def _refused_row(record: RefusedRecord, at: datetime) -> RefusedRow:
    return RefusedRow(
        topic=record.position.topic,
        partition=record.position.partition,
        offset=record.position.offset,
        reason=record.reason,
        message=record.message,
        value=record.value,
        received_at=at,
    )
