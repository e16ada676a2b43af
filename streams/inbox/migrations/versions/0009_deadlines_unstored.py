"""The first deadline of an alert is worked out at every look: what people do meets it, and time passes it."""

import sqlalchemy as sa
from alembic import op

from streams.inbox.models import UtcTime

revision = "0009_unstored"
down_revision = "0008_snoozed"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("alerts", "due_at")


def downgrade() -> None:
    op.add_column("alerts", sa.Column("due_at", UtcTime(), nullable=True))
