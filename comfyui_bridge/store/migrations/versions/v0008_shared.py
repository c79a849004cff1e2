"""Which runs and experiments their owners show to whoever has the link."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table("shared_runs", sa.Column("run_id", sa.Text, primary_key=True))
    op.create_table("shared_experiments", sa.Column("experiment_id", sa.Text, primary_key=True))
