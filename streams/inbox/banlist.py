"""Bans in the database: proposed and moved by people, one transaction a step, audited, repeatable.

As in `desk`, a repeated request is recognised by its request id once the row is locked, before its version.
What the detectors hear of a ban is written with the step, and told again for as long as the ban stands.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

import structlog
from sqlalchemy import ColumnElement, Engine, Select, and_, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from schemas.alerts import Alert, AlertEnvelope
from schemas.base import LONGEST_ID
from streams.inbox import events
from streams.inbox.bans import (
    ENDED,
    TARGET,
    Asking,
    BanRefusal,
    BanState,
    BanStep,
    refusal,
    ungrounded,
    unproposable,
)
from streams.inbox.database import PASSING, hold, said_of, writing
from streams.inbox.intake import storable
from streams.inbox.listing import Paged, leaf
from streams.inbox.models import (
    AlertRow,
    BanRow,
    BanStepRow,
    CaseRow,
    OutgoingRow,
    RevisionRow,
)
from streams.inbox.outbox import enqueue
from streams.inbox.telling import alert_of
from streams.inbox.workflow import MAX_NAME, MAX_NOTE, Label

log = structlog.get_logger(__name__)

View: TypeAlias = Literal["open", "standing", "ended"]
VIEWS: Final[dict[View, frozenset[BanState]]] = {
    "open": frozenset({BanState.PROPOSED, BanState.APPROVED}),
    "standing": frozenset({BanState.EXPORTED}),
    "ended": ENDED,
}
# A third of the 45 days for which the detectors remember a ban (D35), so that it outlives an inbox that
# stands still for weeks.
TELL_EVERY: Final = timedelta(days=15)
_LOOK_EVERY_S: Final = 600.0
_NEXT_BATCH_S: Final = 1.0
_BATCH: Final = 100
_MOST_ORDERS: Final = 50
_MOST_OTHERS: Final = 20
# Sending the same form twice proposes one ban.
_NAMESPACE: Final = uuid.UUID("f2b7c1d8-6f57-4c55-9b0e-3f3f5ad0c8a1")


@dataclass(frozen=True)
class Proposal:
    """A ban that a person proposes on the grounds of an alert."""

    alert_id: str
    reason: str
    asking: Asking
    request_id: str


@dataclass(frozen=True)
class BanRequest:
    """A step that a person asks for. `version` is the one that they were looking at."""

    ban_id: str
    step: BanStep
    asking: Asking
    request_id: str
    version: int
    note: str = ""
    is_confirmed: bool = False


@dataclass(frozen=True)
class BanOutcome:
    """As `desk.Outcome`. `ban_id` is the ban that was proposed, or the one that was there before."""

    kind: Literal["done", "repeated", "refused", "conflict", "missing"]
    reason: BanRefusal | None = None
    ban_id: str | None = None


@dataclass(frozen=True)
class BanDetail:
    """All that is known about one ban; steps oldest first. `grounds` is why its alert bears it not now."""

    row: BanRow
    steps: Sequence[BanStepRow]
    grounds: BanRefusal | None

    @property
    def orders(self) -> list[str]:
        return self.row.orders.split("\n")


class Banlist:
    """Reads and writes bans. Safe to use from several threads and processes at once."""

    def __init__(self, engine: Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._writer = writing(engine)
        self._now = now

    def propose(self, request: Proposal) -> BanOutcome:
        """Propose a ban, or say why not."""
        try:
            with Session(self._writer) as session, session.begin():
                return self._propose(session, request)
        except IntegrityError:
            return BanOutcome("repeated", ban_id=_id_of(request))

    def perform(self, request: BanRequest) -> BanOutcome:
        """Take the step, or say why not."""
        try:
            with Session(self._writer) as session, session.begin():
                return self._perform(session, request)
        except IntegrityError:
            # The same form, sent twice, ran on two connections; the other one was faster.
            return BanOutcome("repeated", ban_id=request.ban_id)

    def page(self, view: View, number: int = 1, search: str = "") -> Paged[BanRow]:
        """The bans at work, oldest first, or those that stand or have ended, newest first.

        `search` is part of the buyer's account.
        """
        wanted: list[ColumnElement[bool]] = [BanRow.state.in_(VIEWS[view])]
        if search.strip():
            of_buyer = BanRow.buyer_id.icontains(storable(search.strip()), autoescape=True)
            wanted.append(of_buyer)
        by_time = BanRow.proposed_at if view == "open" else BanRow.updated_at.desc()
        with Session(self._engine) as session:
            return leaf(session, BanRow, wanted, (by_time, BanRow.ban_id), number)

    def exported(self, view: View) -> Sequence[BanRow]:
        """Those of a view that the platform is to be given: approved, or standing already."""
        wanted = VIEWS[view] - {BanState.PROPOSED} - ENDED
        query = select(BanRow).where(BanRow.state.in_(wanted))
        with Session(self._engine) as session:
            return session.scalars(query.order_by(BanRow.approved_at, BanRow.ban_id)).all()

    def of_buyers(self, shop_id: str, buyers: Iterable[str]) -> Sequence[BanRow]:
        """The bans of these buyers that have not ended, oldest first."""
        with Session(self._engine) as session:
            return _at_work(session, shop_id, buyers)

    def orders_of(self, alert: Alert) -> Sequence[str]:
        """The buyer's own orders that the alert names, else another one about the same buyer."""
        with Session(self._engine) as session:
            return _orders(session, alert)

    def detail(self, ban_id: str) -> BanDetail | None:
        """One ban with its history, or None."""
        query = select(BanStepRow).where(BanStepRow.ban_id == ban_id)
        with Session(self._engine) as session:
            row = session.get(BanRow, ban_id)
            if row is None:
                return None
            steps = session.scalars(query.order_by(BanStepRow.id)).all()
            return BanDetail(row, steps, _grounds(session, row))

    def _propose(self, session: Session, request: Proposal) -> BanOutcome:
        ban_id = _id_of(request)
        # Locked, or a colleague could take the label back meanwhile, and the retention delete the alert.
        case = session.get(CaseRow, request.alert_id, with_for_update={"read": True})
        if case is None:
            return BanOutcome("missing")
        alert = alert_of(session, case.alert_id)
        buyer = events.buyer_of(alert) or ""
        # Another alert about this buyer has a case of its own, so its lock keeps nobody else away.
        hold(session, storable(f"ban\n{alert.shop_id}\n{buyer}"))
        if session.get(BanRow, ban_id) is not None:
            return BanOutcome("repeated", ban_id=ban_id)
        orders = _orders(session, alert)
        reason = unproposable(alert, _label(case.label), orders)
        if reason is not None:
            return BanOutcome("refused", reason)
        for known in _at_work(session, alert.shop_id, [buyer]):
            return BanOutcome("refused", "banned_already", known.ban_id)
        if request.asking.is_nameless:
            return BanOutcome("refused", "name_first")
        if not request.reason:
            return BanOutcome("refused", "ban_reason_first")
        self._add(session, request, alert, buyer, orders)
        return BanOutcome("done", ban_id=ban_id)

    def _add(
        self,
        session: Session,
        request: Proposal,
        alert: Alert,
        buyer: str,
        orders: Sequence[str],
    ) -> None:
        at, by = self._now(), storable(request.asking.by, MAX_NAME)
        row = BanRow(
            ban_id=_id_of(request),
            alert_id=alert.alert_id,
            shop_id=storable(alert.shop_id),
            buyer_id=storable(buyer, LONGEST_ID),
            orders="\n".join(map(storable, orders[:_MOST_ORDERS])),
            reason=storable(request.reason, MAX_NOTE),
            state=BanState.PROPOSED,
            version=1,
            proposed_at=at,
            proposed_by=by,
            updated_at=at,
        )
        session.add(row)
        session.flush()
        session.add(
            _audit(row, "propose", BanState.PROPOSED, request.reason, by, request.request_id)
        )

    def _perform(self, session: Session, request: BanRequest) -> BanOutcome:
        # The label that bears it must not change meanwhile. The case first, as whoever deletes both.
        case = select(CaseRow.alert_id).join(BanRow, BanRow.alert_id == CaseRow.alert_id)
        case = case.where(BanRow.ban_id == request.ban_id)
        session.execute(case.with_for_update(read=True, of=CaseRow))
        row = session.get(BanRow, request.ban_id, with_for_update=True)
        if row is None:
            return BanOutcome("missing")
        seen = select(BanStepRow.id).where(BanStepRow.request_id == request.request_id)
        if session.scalar(seen) is not None:
            return BanOutcome("repeated", ban_id=row.ban_id)
        if row.version != request.version:
            return BanOutcome("conflict")
        old = BanState(row.state)
        reason = refusal(
            request.step,
            old,
            row.proposed_by,
            request.asking,
            _grounds(session, row),
            reason=request.note,
            is_confirmed=request.is_confirmed,
        )
        if reason is not None:
            return BanOutcome("refused", reason)
        by = storable(request.asking.by, MAX_NAME)
        self._take_effect(session, row, request.step, by)
        session.add(_audit(row, request.step, old, request.note, by, request.request_id))
        return BanOutcome("done", ban_id=row.ban_id)

    def _take_effect(self, session: Session, row: BanRow, step: BanStep, by: str) -> None:
        now = self._now()
        row.state = TARGET[step]
        row.version += 1
        row.updated_at = now
        if step == "approve":
            row.approved_at, row.approved_by = now, by
        elif step == "restrict":
            row.restricted_at = row.told_at = now
            _tell(session, row, now, is_banned=True)
        elif step == "lift":
            _tell(session, row, now, is_banned=False)


class Reminder:
    """Tells the detectors again of the bans that stand; the loop beside the console.

    When a ban is told follows from when it began to stand, so consoles that share a database, or are
    started again, tell the same event, once.
    """

    def __init__(self, engine: Engine, now: Callable[[], datetime]) -> None:
        self._writer = writing(engine)
        self._now = now

    def step(self) -> float:
        """Leave what is due for the sender; returns the seconds to wait before the next step."""
        try:
            return _NEXT_BATCH_S if self.tell() else _LOOK_EVERY_S
        except PASSING as error:
            log.warning("inbox_bans_wait", reason=said_of(error))
            return _LOOK_EVERY_S

    def tell(self) -> int:
        """Tell one batch of bans again; returns how many."""
        now = self._now()
        # The clock may have been ahead at the last time.
        is_ahead = and_(BanRow.told_at > now, BanRow.told_at > BanRow.restricted_at)
        is_due = or_(BanRow.told_at <= now - TELL_EVERY, is_ahead)
        query = select(BanRow).where(BanRow.state == BanState.EXPORTED, is_due).limit(_BATCH)
        with Session(self._writer) as session, session.begin():
            rows = session.scalars(query.with_for_update(skip_locked=True)).all()
            for row in rows:
                if row.restricted_at is None:
                    raise ValueError(f"ban {row.ban_id} stands since no time")
                row.told_at = last_time(row.restricted_at, now)
                _tell(session, row, row.told_at, is_banned=True)
        return len(rows)


def last_time(restricted_at: datetime, now: datetime) -> datetime:
    """The last of the times at which a ban is told that has come: the first is when it began to stand."""
    return restricted_at + max(0, (now - restricted_at) // TELL_EVERY) * TELL_EVERY


def _tell(session: Session, row: BanRow, at: datetime, *, is_banned: bool) -> None:
    said = events.flagged(row.ban_id, row.shop_id, row.buyer_id, at, is_banned=is_banned)
    known = select(OutgoingRow.id).where(OutgoingRow.event_id == said.event_id)
    if session.scalar(known) is None:
        enqueue(session, "accounts", said, at)


def _id_of(request: Proposal) -> str:
    return str(uuid.uuid5(_NAMESPACE, request.request_id))


def _label(stored: str | None) -> Label | None:
    return Label(stored) if stored else None


def _at_work(session: Session, shop_id: str, buyers: Iterable[str]) -> Sequence[BanRow]:
    query = select(BanRow).where(
        BanRow.shop_id == storable(shop_id),
        BanRow.buyer_id.in_([storable(buyer, LONGEST_ID) for buyer in buyers]),
        BanRow.state.not_in(ENDED),
    )
    return session.scalars(query.order_by(BanRow.proposed_at, BanRow.ban_id)).all()


def _orders(session: Session, alert: Alert) -> Sequence[str]:
    named = events.own_orders_of(alert)
    if named or events.buyer_of(alert) is None:
        return named
    # A campaign names what its parts begin with, which may all be messages.
    others = _latest(
        AlertRow.subject_id == storable(alert.subject.id),
        AlertRow.subject_kind == "buyer",
        AlertRow.status != "retracted",
    )
    newest = others.order_by(AlertRow.updated_at.desc()).limit(_MOST_OTHERS)
    found = (events.own_orders_of(_alert(one.body)) for one in session.execute(newest))
    return next((orders for orders in found if orders), ())


def _grounds(session: Session, row: BanRow) -> BanRefusal | None:
    """Why the alert behind a ban does not bear it now, or None; as of its greatest revision."""
    found = session.execute(_latest(AlertRow.alert_id == row.alert_id)).first()
    if found is None:
        return "stands_not"
    # That there were orders stays so, whatever the alert still names.
    return ungrounded(_alert(found.body), _label(found.label), row.orders.split("\n"))


def _latest(*wanted: ColumnElement[bool]) -> Select[str, str | None]:
    # In one question: between two, PostgreSQL lets the retention delete an alert.
    return (
        select(RevisionRow.body, CaseRow.label)
        .join(AlertRow, AlertRow.alert_id == RevisionRow.alert_id)
        .join(CaseRow, CaseRow.alert_id == AlertRow.alert_id)
        .where(AlertRow.revision == RevisionRow.revision, *wanted)
    )


def _alert(body: str) -> Alert:
    return AlertEnvelope.model_validate_json(body).data


def _audit(
    row: BanRow, step: str, old: BanState, note: str, by: str, request_id: str
) -> BanStepRow:
    return BanStepRow(
        ban_id=row.ban_id,
        step=step,
        from_state=old,
        to_state=row.state,
        note=storable(note, MAX_NOTE),
        at=row.updated_at,
        by=by,
        request_id=request_id,
    )
