"""Handled alerts in order without sorting all of them."""

from alembic import op

revision = "0004_handled"
down_revision = "0003_events"
branch_labels = None
depends_on = None

NAME = "ix_cases_updated_at_alert_id"


def upgrade() -> None:
    op.create_index(op.f(NAME), "cases", ["updated_at", "alert_id"])


def downgrade() -> None:
    op.drop_index(op.f(NAME), "cases")
