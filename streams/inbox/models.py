"""The tables of the inbox. What the pipeline said and what people did are kept apart.

`alerts`, `revisions`, `stock_decisions` and `read_positions` are written by the consumer only; `cases`,
`contacts`, `filings`, `complaints`, `bans` and what was done step by step by people (cases and audit by
`workflow.follow` too);
`outgoing_events` by both people's steps and the loops that tell of bans and of deadlines.
The trap: SQLite forgets time zones, so all times go through `UtcTime`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from schemas.base import LONGEST_ID
from streams.inbox.workflow import MAX_NAME

LONGEST_SHOP = 64
# Of the ledger's codes; a longer one is not ours.
LONGEST_REASON = 64


class UtcTime(TypeDecorator[datetime]):
    """An aware time, stored as UTC; a naive one is a bug and is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive time {value!r}, expected an aware one")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# SQLite counts by itself only in a column that is exactly INTEGER.
_Serial = BigInteger().with_variant(Integer(), "sqlite")
_SNOOZED = text("snoozed_until IS NOT NULL")


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {datetime: UtcTime(), str: String()}


class AlertRow(Base):
    """The greatest revision seen of an alert, as far as lists filter and sort by it.

    The envelope itself stays with its revision: lists scan this table, so its rows are small.
    """

    __tablename__ = "alerts"

    alert_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    revision: Mapped[int]
    detector: Mapped[str] = mapped_column(String(8))
    shop_id: Mapped[str] = mapped_column(String(64))
    subject_kind: Mapped[str] = mapped_column(String(16))
    subject_id: Mapped[str] = mapped_column(String(300), index=True)
    severity: Mapped[str] = mapped_column(String(16))
    severity_rank: Mapped[int]
    status: Mapped[str] = mapped_column(String(16))
    opened_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    supersedes: Mapped[str | None] = mapped_column(String(36), index=True)
    suppressed_by: Mapped[str | None] = mapped_column(Text)
    is_complaint: Mapped[bool]
    received_at: Mapped[datetime]

    case: Mapped[CaseRow] = relationship(lazy="joined", innerjoin=True)
    latest: Mapped[RevisionRow] = relationship(
        primaryjoin="and_(foreign(AlertRow.alert_id) == RevisionRow.alert_id, "
        "foreign(AlertRow.revision) == RevisionRow.revision)",
        viewonly=True,
        lazy="raise",
    )

    __table_args__ = (
        Index(None, "severity_rank", "opened_at"),
        Index(None, "shop_id", "detector"),
    )

    @property
    def body(self) -> str:
        """The envelope as received."""
        return self.latest.body


class RevisionRow(Base):
    """Every revision that was applied, for the timeline."""

    __tablename__ = "revisions"

    id: Mapped[int] = mapped_column(_Serial, primary_key=True)
    alert_id: Mapped[str] = mapped_column(ForeignKey("alerts.alert_id"))
    revision: Mapped[int]
    change: Mapped[str] = mapped_column(String(16))
    severity: Mapped[str] = mapped_column(String(16))
    status: Mapped[str] = mapped_column(String(16))
    updated_at: Mapped[datetime]
    received_at: Mapped[datetime]
    body: Mapped[str] = mapped_column(Text)

    __table_args__ = (UniqueConstraint("alert_id", "revision"),)


class ReferenceRow(Base):
    """Which alerts mention an order, item or refund, so that a search for its number finds them."""

    __tablename__ = "alert_references"

    alert_id: Mapped[str] = mapped_column(ForeignKey("alerts.alert_id"), primary_key=True)
    ref: Mapped[str] = mapped_column(String(300), primary_key=True, index=True)


class CaseRow(Base):
    """What people have made of an alert so far. `version` grows with every step but a tick.

    `snoozed_until` is when it comes back, or last came back, from being set aside by `snoozed_by`.
    """

    __tablename__ = "cases"
    __table_args__ = (
        # What was handled is listed newest first, and is nearly all there is.
        Index(None, "updated_at", "alert_id"),
        # Few were ever set aside.
        Index(None, "snoozed_until", postgresql_where=_SNOOZED, sqlite_where=_SNOOZED),
    )

    alert_id: Mapped[str] = mapped_column(ForeignKey("alerts.alert_id"), primary_key=True)
    state: Mapped[str] = mapped_column(String(16), index=True)
    version: Mapped[int]
    label: Mapped[str | None] = mapped_column(String(32))
    assignee: Mapped[str | None] = mapped_column(String(MAX_NAME))
    waiting_since: Mapped[datetime]
    updated_at: Mapped[datetime]
    snoozed_until: Mapped[datetime | None]
    snoozed_by: Mapped[str | None] = mapped_column(String(MAX_NAME))


class ContactRow(Base):
    """One attempt to reach the buyer."""

    __tablename__ = "contacts"

    id: Mapped[int] = mapped_column(_Serial, primary_key=True)
    alert_id: Mapped[str] = mapped_column(ForeignKey("alerts.alert_id"), index=True)
    channel: Mapped[str] = mapped_column(String(16))
    answered: Mapped[bool]
    note: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(MAX_NAME))


class AuditRow(Base):
    """One step: who, when, from which state to which. A double click has one `request_id`."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(_Serial, primary_key=True)
    alert_id: Mapped[str] = mapped_column(ForeignKey("alerts.alert_id"), index=True)
    step: Mapped[str] = mapped_column(String(32))
    from_state: Mapped[str] = mapped_column(String(16))
    to_state: Mapped[str] = mapped_column(String(16))
    detail: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(MAX_NAME))
    request_id: Mapped[str] = mapped_column(String(64), unique=True)


class ComplaintRow(Base):
    """A complaint that the shop files (workflow W3): from an alert, or opened by hand.

    Its times are what happened. When a reply is due follows from them and is not kept.
    """

    __tablename__ = "complaints"

    complaint_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    shop_id: Mapped[str] = mapped_column(String(64))
    alert_id: Mapped[str | None] = mapped_column(ForeignKey("alerts.alert_id"), index=True)
    about: Mapped[str] = mapped_column(String(300))
    story: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16), index=True)
    version: Mapped[int]
    opened_at: Mapped[datetime]
    opened_by: Mapped[str] = mapped_column(String(MAX_NAME))
    updated_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    appealed_at: Mapped[datetime | None]
    appeal_answered_at: Mapped[datetime | None]


class ComplaintStepRow(Base):
    """One step of a complaint: its audit, and with `proof` its list of evidence."""

    __tablename__ = "complaint_steps"

    id: Mapped[int] = mapped_column(_Serial, primary_key=True)
    complaint_id: Mapped[str] = mapped_column(ForeignKey("complaints.complaint_id"), index=True)
    step: Mapped[str] = mapped_column(String(16))
    from_state: Mapped[str] = mapped_column(String(16))
    to_state: Mapped[str] = mapped_column(String(16))
    proof: Mapped[str | None] = mapped_column(String(32))
    note: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(MAX_NAME))
    request_id: Mapped[str] = mapped_column(String(64), unique=True)


class BanRow(Base):
    """A proposal to restrict a buyer, and what became of it (workflow W6); one at work for each buyer.

    It stands from `restricted_at`, and `told_at` is as of when the detectors were last told so.
    """

    __tablename__ = "bans"

    ban_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    alert_id: Mapped[str] = mapped_column(ForeignKey("alerts.alert_id"), index=True)
    shop_id: Mapped[str] = mapped_column(String(64))
    buyer_id: Mapped[str] = mapped_column(String(128))
    # One a line: those of the buyer that the alert named.
    orders: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16), index=True)
    version: Mapped[int]
    proposed_at: Mapped[datetime]
    proposed_by: Mapped[str] = mapped_column(String(MAX_NAME))
    approved_at: Mapped[datetime | None]
    approved_by: Mapped[str | None] = mapped_column(String(MAX_NAME))
    restricted_at: Mapped[datetime | None]
    told_at: Mapped[datetime | None]
    updated_at: Mapped[datetime]

    __table_args__ = (Index(None, "shop_id", "buyer_id"),)


class BanStepRow(Base):
    """One step of a ban: its audit."""

    __tablename__ = "ban_steps"

    id: Mapped[int] = mapped_column(_Serial, primary_key=True)
    ban_id: Mapped[str] = mapped_column(ForeignKey("bans.ban_id"), index=True)
    step: Mapped[str] = mapped_column(String(16))
    from_state: Mapped[str] = mapped_column(String(16))
    to_state: Mapped[str] = mapped_column(String(16))
    note: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(MAX_NAME))
    request_id: Mapped[str] = mapped_column(String(64), unique=True)


class RefusedRow(Base):
    """A record of a topic that is not what belongs there: kept with its bytes, position and reason."""

    __tablename__ = "refused_records"

    topic: Mapped[str] = mapped_column(String(249), primary_key=True)
    partition: Mapped[int] = mapped_column(primary_key=True)
    offset: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    reason: Mapped[str] = mapped_column(String(32))
    message: Mapped[str] = mapped_column(Text)
    value: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[datetime]


class DecisionRow(Base):
    """A decision of the stock ledger; the one with the greatest id is the last about its item and order.

    `units` is how many were topped up or taken back; from `closes_at` on the platform has closed the order.
    """

    __tablename__ = "stock_decisions"

    id: Mapped[int] = mapped_column(_Serial, primary_key=True)
    adjustment_id: Mapped[str] = mapped_column(String(LONGEST_ID), unique=True)
    shop_id: Mapped[str] = mapped_column(String(LONGEST_SHOP))
    item_id: Mapped[str] = mapped_column(String(LONGEST_ID))
    order_id: Mapped[str] = mapped_column(String(LONGEST_ID))
    kind: Mapped[str] = mapped_column(String(32))
    reason: Mapped[str] = mapped_column(String(LONGEST_REASON))
    units: Mapped[int]
    is_dry_run: Mapped[bool]
    closes_at: Mapped[datetime]
    received_at: Mapped[datetime] = mapped_column(index=True)

    __table_args__ = (
        Index(None, "shop_id", "order_id", "item_id"),
        Index(None, "shop_id", "reason", "closes_at"),
    )


class ReadRow(Base):
    """How far a partition is read into this database: the offset after the last record of a batch.

    The group's committed offset is never ahead of it, unless this is an older copy of the database.
    """

    __tablename__ = "read_positions"

    topic: Mapped[str] = mapped_column(String(249), primary_key=True)
    partition: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    offset: Mapped[int] = mapped_column(BigInteger)


class FilingRow(Base):
    """A filing (备案) of one order, from an alert. A rejected one may be followed by another."""

    __tablename__ = "filings"

    filing_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    alert_id: Mapped[str] = mapped_column(ForeignKey("alerts.alert_id"), index=True)
    shop_id: Mapped[str] = mapped_column(String(64))
    order_id: Mapped[str] = mapped_column(String(128))
    status: Mapped[str] = mapped_column(String(16))
    submitted_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]

    __table_args__ = (Index(None, "shop_id", "order_id"),)


class ToldRow(Base):
    """Up to when deadlines that turned were told; one row, from the first look on."""

    __tablename__ = "deadlines_told"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    until: Mapped[datetime]


class OutgoingRow(Base):
    """An event for the detectors, or a deadline that turned, as it will be on Kafka.

    `sent_at` is there once the broker has it.
    """

    __tablename__ = "outgoing_events"

    id: Mapped[int] = mapped_column(_Serial, primary_key=True)
    event_id: Mapped[str] = mapped_column(String(36), unique=True)
    topic: Mapped[str] = mapped_column(String(32))
    body: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    sent_at: Mapped[datetime | None]

    __table_args__ = (Index(None, "topic", "sent_at"),)
