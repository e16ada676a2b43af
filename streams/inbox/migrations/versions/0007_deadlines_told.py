"""Up to when deadlines that turned were told."""

import sqlalchemy as sa
from alembic import op

from streams.inbox.models import UtcTime

revision = "0007_told"
down_revision = "0006_bans"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "deadlines_told",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("until", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deadlines_told")),
    )


def downgrade() -> None:
    op.drop_table("deadlines_told")
