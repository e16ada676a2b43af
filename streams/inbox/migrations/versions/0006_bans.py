"""Bans, and their steps."""

import sqlalchemy as sa
from alembic import op

from streams.inbox.models import UtcTime

revision = "0006_bans"
down_revision = "0005_read"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "bans",
        sa.Column("ban_id", sa.String(length=36), nullable=False),
        sa.Column("alert_id", sa.String(length=36), nullable=False),
        sa.Column("shop_id", sa.String(length=64), nullable=False),
        sa.Column("buyer_id", sa.String(length=128), nullable=False),
        sa.Column("orders", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("proposed_at", UtcTime(), nullable=False),
        sa.Column("proposed_by", sa.String(length=64), nullable=False),
        sa.Column("approved_at", UtcTime(), nullable=True),
        sa.Column("approved_by", sa.String(length=64), nullable=True),
        sa.Column("restricted_at", UtcTime(), nullable=True),
        sa.Column("told_at", UtcTime(), nullable=True),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alerts.alert_id"], name=op.f("fk_bans_alert_id_alerts")
        ),
        sa.PrimaryKeyConstraint("ban_id", name=op.f("pk_bans")),
    )
    op.create_index(op.f("ix_bans_alert_id"), "bans", ["alert_id"])
    op.create_index(op.f("ix_bans_shop_id_buyer_id"), "bans", ["shop_id", "buyer_id"])
    op.create_index(op.f("ix_bans_state"), "bans", ["state"])

    op.create_table(
        "ban_steps",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("ban_id", sa.String(length=36), nullable=False),
        sa.Column("step", sa.String(length=16), nullable=False),
        sa.Column("from_state", sa.String(length=16), nullable=False),
        sa.Column("to_state", sa.String(length=16), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["ban_id"], ["bans.ban_id"], name=op.f("fk_ban_steps_ban_id_bans")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ban_steps")),
        sa.UniqueConstraint("request_id", name=op.f("uq_ban_steps_request_id")),
    )
    op.create_index(op.f("ix_ban_steps_ban_id"), "ban_steps", ["ban_id"])


def downgrade() -> None:
    op.drop_table("ban_steps")
    op.drop_table("bans")
