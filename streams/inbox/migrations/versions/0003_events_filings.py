"""Events for the detectors, filings."""

import sqlalchemy as sa
from alembic import op

from streams.inbox.models import UtcTime

revision = "0003_events"
down_revision = "0002_complaints"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "outgoing_events",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("event_id", sa.String(length=36), nullable=False),
        sa.Column("topic", sa.String(length=32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("sent_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outgoing_events")),
        sa.UniqueConstraint("event_id", name=op.f("uq_outgoing_events_event_id")),
    )
    op.create_index(
        op.f("ix_outgoing_events_topic_sent_at"), "outgoing_events", ["topic", "sent_at"]
    )
    op.create_table(
        "filings",
        sa.Column("filing_id", sa.String(length=36), nullable=False),
        sa.Column("alert_id", sa.String(length=36), nullable=False),
        sa.Column("shop_id", sa.String(length=64), nullable=False),
        sa.Column("order_id", sa.String(length=128), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("submitted_at", UtcTime(), nullable=False),
        sa.Column("answered_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alerts.alert_id"], name=op.f("fk_filings_alert_id_alerts")
        ),
        sa.PrimaryKeyConstraint("filing_id", name=op.f("pk_filings")),
    )
    op.create_index(op.f("ix_filings_alert_id"), "filings", ["alert_id"])
    op.create_index(op.f("ix_filings_shop_id_order_id"), "filings", ["shop_id", "order_id"])


def downgrade() -> None:
    op.drop_table("filings")
    op.drop_table("outgoing_events")
