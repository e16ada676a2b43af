"""Until when an alert is set aside, and by whom."""

import sqlalchemy as sa
from alembic import op

from streams.inbox.models import UtcTime

revision = "0008_snoozed"
down_revision = "0007_told"
branch_labels = None
depends_on = None

INDEX = "ix_cases_snoozed_until"


def upgrade() -> None:
    op.add_column("cases", sa.Column("snoozed_until", UtcTime(), nullable=True))
    op.add_column("cases", sa.Column("snoozed_by", sa.String(length=64), nullable=True))
    is_set = sa.text("snoozed_until IS NOT NULL")
    op.create_index(
        op.f(INDEX), "cases", ["snoozed_until"], sqlite_where=is_set, postgresql_where=is_set
    )


def downgrade() -> None:
    op.drop_index(INDEX, "cases")
    op.drop_column("cases", "snoozed_by")
    op.drop_column("cases", "snoozed_until")
