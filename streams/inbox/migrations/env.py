"""Runs migrations over the connection that `streams.inbox.database.upgrade` hands over."""

from alembic import context

from streams.inbox.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # SQLite cannot alter a table in place; batch mode makes a new one and copies.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
