"""Experiments and their cells; a run says which experiment it is of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("runs", sa.Column("experiment", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "experiments",
        sa.Column("experiment_id", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("problem", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("deleted_at", sa.Double),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("grid", sa.Text, nullable=False),
    )
    op.create_index("experiments_by_time", "experiments", ["created_at"])
    op.create_index("experiments_by_owner", "experiments", ["owner", "created_at"])
    op.create_index("experiments_by_state", "experiments", ["state"])
    op.create_table(
        "experiment_cells",
        sa.Column("experiment_id", sa.Text, primary_key=True),
        sa.Column("cell", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("reused", sa.Boolean, nullable=False),
        sa.Column("asked", sa.Boolean, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("problem", sa.Text, nullable=False),
    )
    op.create_index("experiment_cells_by_run", "experiment_cells", ["experiment_id", "run_id"])
