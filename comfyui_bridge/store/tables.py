"""The tables as they are now. How they came to be so is told by the migrations, step by step."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, MetaData, Table, Text

metadata = MetaData()

# SQLite counts up by itself only for a primary key that is spelled INTEGER.
_Counter = BigInteger().with_variant(Integer(), "sqlite")

runs = Table(
    "runs",
    metadata,
    # The order of insertion; tells runs of the same moment apart.
    Column("position", _Counter, primary_key=True, autoincrement=True),
    Column("run_id", Text, nullable=False),
    Column("prompt_id", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("template", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("server", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("stopping", Boolean, nullable=False),
    Column("server_done", Boolean, nullable=False),
    # Seconds since the epoch.
    Column("created_at", Double, nullable=False),
    Column("accepted_at", Double),
    Column("started_at", Double),
    Column("ended_at", Double),
    # JSON as text: numbers of any size and the order of keys come back as they were.
    Column("error", Text),
    Column("warnings", Text, nullable=False),
    Column("outputs", Text, nullable=False),
    Column("kept", Text, nullable=False),
    Column("values", Text, nullable=False),
    # The longest: what stands before it is read without its pages.
    Column("workflow", Text, nullable=False),
    # What happened to it, a list of entries, and what tells a run that would only repeat it.
    Column("log", Text, nullable=False, server_default="[]"),
    Column("fingerprint", Text, nullable=False, server_default=""),
    # The workflow as it was asked for, where a server's names of uploaded files stand in the other.
    Column("original", Text),
    Column("experiment", Text, nullable=False, server_default=""),
    Index("runs_by_run_id", "run_id", unique=True),
    Index("runs_by_prompt_id", "prompt_id"),
    Index("runs_by_time", "created_at", "position"),
    Index("runs_by_owner", "owner", "created_at", "position"),
    Index("runs_by_template", "template", "created_at", "position"),
    Index("runs_by_state", "state", "created_at", "position"),
    Index("runs_by_fingerprint", "fingerprint", "owner", "created_at", "position"),
    Index("runs_by_timing", "template", "server", "state", "created_at", "position"),
    Index("runs_by_end", "ended_at", "server", "state", "created_at", "started_at"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Index("sessions_by_expiry", "expires_at"),
)

servers = Table(
    "servers",
    metadata,
    Column("name", Text, primary_key=True),
    # Its address, credentials and all; empty for one that the settings name.
    Column("url", Text, nullable=False),
    Column("paused", Boolean, nullable=False),
    # It was removed, and runs of ours are still inside it.
    Column("leaving", Boolean, nullable=False),
    Column("added_at", Double, nullable=False),
)

# Prompts that were given to another server while theirs was gone: it must not run them should it return.
abandoned = Table(
    "abandoned",
    metadata,
    Column("prompt_id", Text, primary_key=True),
    Column("server", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("abandoned_at", Double, nullable=False),
    Index("abandoned_by_server", "server"),
)

run_index = Table(
    "run_index",
    metadata,
    # The run's own.
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("starred", Boolean, nullable=False),
    # When it was put into the bin, in seconds since the epoch.
    Column("deleted_at", Double),
    # Of its kept files.
    Column("bytes", BigInteger, nullable=False),
    # The names of its model files, each between two line breaks.
    Column("models", Text, nullable=False),
    # All its words in lower case.
    Column("said", Text, nullable=False),
)

presets = Table(
    "presets",
    metadata,
    Column("preset_id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("template", Text, nullable=False),
    Column("name", Text, nullable=False),
    # JSON as text, as in a run.
    Column("values", Text, nullable=False),
    Column("shared", Boolean, nullable=False),
    # Seconds since the epoch; one that was taken out can be brought back for a while.
    Column("created_at", Double, nullable=False),
    Column("deleted_at", Double),
    Index("presets_by_template", "template", "owner"),
)

experiments = Table(
    "experiments",
    metadata,
    Column("experiment_id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("name", Text, nullable=False),
    # Of the template, when it was begun.
    Column("title", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("problem", Text, nullable=False),
    # Seconds since the epoch; one that was deleted can be brought back for a while.
    Column("created_at", Double, nullable=False),
    Column("deleted_at", Double),
    # JSON as text, as in a run; the grid may be long.
    Column("plan", Text, nullable=False),
    Column("grid", Text, nullable=False),
    Index("experiments_by_time", "created_at"),
    Index("experiments_by_owner", "owner", "created_at"),
    Index("experiments_by_state", "state"),
)

# Of each cell that is not skipped: which run fills it, and what came of that.
experiment_cells = Table(
    "experiment_cells",
    metadata,
    Column("experiment_id", Text, primary_key=True),
    Column("cell", Integer, primary_key=True, autoincrement=False),
    # Empty until there is one.
    Column("run_id", Text, nullable=False),
    # The run is of another experiment, or of none.
    Column("reused", Boolean, nullable=False),
    # Somebody asked for this very cell, whatever becomes of the others.
    Column("asked", Boolean, nullable=False),
    # The final state of the run, or that none could be made; empty until then.
    Column("outcome", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    # Why no run could be made.
    Column("problem", Text, nullable=False),
    Index("experiment_cells_by_run", "experiment_id", "run_id"),
)

# What its owner shows to whoever has the link: a run, or an experiment with all that fills its cells.
shared_runs = Table("shared_runs", metadata, Column("run_id", Text, primary_key=True))
shared_experiments = Table("shared_experiments", metadata, Column("experiment_id", Text, primary_key=True))
