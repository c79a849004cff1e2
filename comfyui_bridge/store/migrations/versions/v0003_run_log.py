"""A run's log and its fingerprint; indexes to look up the like of a run, past timings, and recent ends."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("runs", sa.Column("log", sa.Text, nullable=False, server_default="[]"))
    op.add_column("runs", sa.Column("fingerprint", sa.Text, nullable=False, server_default=""))
    op.create_index("runs_by_fingerprint", "runs", ["fingerprint", "owner", "created_at", "position"])
    op.create_index("runs_by_timing", "runs", ["template", "server", "state", "created_at", "position"])
    op.create_index("runs_by_end", "runs", ["ended_at", "server", "state", "created_at", "started_at"])
