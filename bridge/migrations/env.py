"""Runs the migrations on the connection that `bridge.migrations.upgrade` hands over."""

from __future__ import annotations

from alembic import context

from bridge.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite can't alter a table in place
)
with context.begin_transaction():
    context.run_migrations()
