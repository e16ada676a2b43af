"""What the stock ledger decided about the orders that alerts name."""

import sqlalchemy as sa
from alembic import op

from streams.inbox.models import UtcTime

revision = "0010_stock"
down_revision = "0009_unstored"
branch_labels = None
depends_on = None


def upgrade() -> None:
    serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "stock_decisions",
        sa.Column("id", serial, nullable=False),
        sa.Column("adjustment_id", sa.String(length=128), nullable=False),
        sa.Column("shop_id", sa.String(length=64), nullable=False),
        sa.Column("item_id", sa.String(length=128), nullable=False),
        sa.Column("order_id", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("is_dry_run", sa.Boolean(), nullable=False),
        sa.Column("closes_at", UtcTime(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_decisions")),
        sa.UniqueConstraint("adjustment_id", name=op.f("uq_stock_decisions_adjustment_id")),
    )
    op.create_index(
        op.f("ix_stock_decisions_shop_id_order_id_item_id"),
        "stock_decisions",
        ["shop_id", "order_id", "item_id"],
    )
    op.create_index(
        op.f("ix_stock_decisions_shop_id_reason_closes_at"),
        "stock_decisions",
        ["shop_id", "reason", "closes_at"],
    )
    op.create_index(op.f("ix_stock_decisions_received_at"), "stock_decisions", ["received_at"])


def downgrade() -> None:
    op.drop_table("stock_decisions")
