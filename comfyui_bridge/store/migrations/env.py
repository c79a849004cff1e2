"""Where Alembic enters: it gets the open connection, and with it the transaction that holds all steps."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
