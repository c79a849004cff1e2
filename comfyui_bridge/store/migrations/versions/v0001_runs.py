"""The table of runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "runs",
        sa.Column(
            "position",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("prompt_id", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("template", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("server", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("stopping", sa.Boolean, nullable=False),
        sa.Column("server_done", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("accepted_at", sa.Double),
        sa.Column("started_at", sa.Double),
        sa.Column("ended_at", sa.Double),
        sa.Column("error", sa.Text),
        sa.Column("warnings", sa.Text, nullable=False),
        sa.Column("outputs", sa.Text, nullable=False),
        sa.Column("kept", sa.Text, nullable=False),
        sa.Column("values", sa.Text, nullable=False),
        sa.Column("workflow", sa.Text, nullable=False),
    )
    op.create_index("runs_by_run_id", "runs", ["run_id"], unique=True)
    op.create_index("runs_by_prompt_id", "runs", ["prompt_id"])
    op.create_index("runs_by_time", "runs", ["created_at", "position"])
    op.create_index("runs_by_owner", "runs", ["owner", "created_at", "position"])
    op.create_index("runs_by_template", "runs", ["template", "created_at", "position"])
    op.create_index("runs_by_state", "runs", ["state", "created_at", "position"])
