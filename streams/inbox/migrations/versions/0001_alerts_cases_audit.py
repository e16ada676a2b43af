"""Alerts, cases, audit."""

import sqlalchemy as sa
from alembic import op

from streams.inbox.models import UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("alert_id", sa.String(length=36), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("detector", sa.String(length=8), nullable=False),
        sa.Column("shop_id", sa.String(length=64), nullable=False),
        sa.Column("subject_kind", sa.String(length=16), nullable=False),
        sa.Column("subject_id", sa.String(length=300), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("severity_rank", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("opened_at", UtcTime(), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.Column("due_at", UtcTime(), nullable=True),
        sa.Column("supersedes", sa.String(length=36), nullable=True),
        sa.Column("suppressed_by", sa.Text(), nullable=True),
        sa.Column("is_complaint", sa.Boolean(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_alerts")),
    )
    op.create_index(
        op.f("ix_alerts_severity_rank_opened_at"), "alerts", ["severity_rank", "opened_at"]
    )
    op.create_index(op.f("ix_alerts_shop_id_detector"), "alerts", ["shop_id", "detector"])
    op.create_index(op.f("ix_alerts_subject_id"), "alerts", ["subject_id"])
    op.create_index(op.f("ix_alerts_supersedes"), "alerts", ["supersedes"])

    op.create_table(
        "refused_records",
        sa.Column("topic", sa.String(length=249), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "partition", "offset", name=op.f("pk_refused_records")),
    )
    op.create_table(
        "alert_references",
        sa.Column("alert_id", sa.String(length=36), nullable=False),
        sa.Column("ref", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alerts.alert_id"], name=op.f("fk_alert_references_alert_id_alerts")
        ),
        sa.PrimaryKeyConstraint("alert_id", "ref", name=op.f("pk_alert_references")),
    )
    op.create_index(op.f("ix_alert_references_ref"), "alert_references", ["ref"])

    op.create_table(
        "audit",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("alert_id", sa.String(length=36), nullable=False),
        sa.Column("step", sa.String(length=32), nullable=False),
        sa.Column("from_state", sa.String(length=16), nullable=False),
        sa.Column("to_state", sa.String(length=16), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alerts.alert_id"], name=op.f("fk_audit_alert_id_alerts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        sa.UniqueConstraint("request_id", name=op.f("uq_audit_request_id")),
    )
    op.create_index(op.f("ix_audit_alert_id"), "audit", ["alert_id"])

    op.create_table(
        "cases",
        sa.Column("alert_id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(length=32), nullable=True),
        sa.Column("assignee", sa.String(length=64), nullable=True),
        sa.Column("waiting_since", UtcTime(), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alerts.alert_id"], name=op.f("fk_cases_alert_id_alerts")
        ),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_cases")),
    )
    op.create_index(op.f("ix_cases_state"), "cases", ["state"])

    op.create_table(
        "contacts",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("alert_id", sa.String(length=36), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("answered", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alerts.alert_id"], name=op.f("fk_contacts_alert_id_alerts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contacts")),
    )
    op.create_index(op.f("ix_contacts_alert_id"), "contacts", ["alert_id"])

    op.create_table(
        "revisions",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("alert_id", sa.String(length=36), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("change", sa.String(length=16), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alerts.alert_id"], name=op.f("fk_revisions_alert_id_alerts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revisions")),
        sa.UniqueConstraint("alert_id", "revision", name=op.f("uq_revisions_alert_id_revision")),
    )


def downgrade() -> None:
    for table in (
        "revisions",
        "contacts",
        "cases",
        "audit",
        "alert_references",
        "refused_records",
        "alerts",
    ):
        op.drop_table(table)
