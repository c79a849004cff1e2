"""What people show to others: single runs, and experiments with all that fills their cells.

Two narrow tables beside the runs and the experiments, so that whether a picture is shown is told without
reading anything long. What is in the bin is shown to nobody, and again once it was brought back.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Column, Table, delete, exists, insert, or_, select

from comfyui_bridge.store.database import Database
from comfyui_bridge.store.tables import experiment_cells as cells
from comfyui_bridge.store.tables import experiments, run_index, runs, shared_experiments, shared_runs

_AT_A_TIME = 500


class Sharing:
    """Any thread may call any method. Raises StoreError where nothing can be written.

    `owner` is who asks: only the owner of a thing shares it or takes it back, and what is nobody's is
    everyone's already.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def share_run(self, run_id: str, owner: str, on: bool = True) -> bool:
        """Show this run to whoever knows its id, or to its owner only; whether it is this owner's."""
        return self._share(shared_runs.c.run_id, runs.c.run_id, runs, run_id, owner, on)

    def share_experiment(self, experiment_id: str, owner: str, on: bool = True) -> bool:
        """The same of an experiment and of the runs in its cells."""
        shared, known = shared_experiments.c.experiment_id, experiments.c.experiment_id
        return self._share(shared, known, experiments, experiment_id, owner, on)

    def has_run(self, run_id: str) -> bool:
        """Whether this run itself was shared, whatever became of it."""
        return self._has(shared_runs.c.run_id, run_id)

    def has_experiment(self, experiment_id: str) -> bool:
        """Whether this experiment was shared, whatever became of it."""
        return self._has(shared_experiments.c.experiment_id, experiment_id)

    def shown(self, run_ids: Sequence[str]) -> frozenset[str]:
        """Those of these runs that others may see: shared, or in a cell of an experiment that is."""
        in_shared = (
            exists()
            .where(shared_experiments.c.experiment_id == experiments.c.experiment_id)
            .where(experiments.c.deleted_at.is_(None), experiments.c.owner == runs.c.owner)
            .where(cells.c.experiment_id == experiments.c.experiment_id, cells.c.run_id == runs.c.run_id)
        )
        is_shared = or_(exists().where(shared_runs.c.run_id == runs.c.run_id), in_shared)
        is_there = (run_index.c.position == runs.c.position, run_index.c.deleted_at.is_(None))
        found: set[str] = set()
        for start in range(0, len(run_ids), _AT_A_TIME):
            which = runs.c.run_id.in_(run_ids[start : start + _AT_A_TIME])
            with self._database.reading() as connection:
                found.update(connection.scalars(select(runs.c.run_id).where(which, *is_there, is_shared)))
        return frozenset(found)

    def _share(
        self, shared: Column[str], known: Column[str], table: Table, which: str, owner: str, on: bool
    ) -> bool:
        is_theirs = select(known).where(known == which, table.c.owner == owner)
        with self._database.writing() as connection:
            if not owner or connection.scalar(is_theirs) is None:
                return False
            connection.execute(delete(shared.table).where(shared == which))
            if on:
                connection.execute(insert(shared.table).values({shared.name: which}))
        return True

    def _has(self, shared: Column[str], which: str) -> bool:
        with self._database.reading() as connection:
            return connection.scalar(select(shared).where(shared == which)) is not None
