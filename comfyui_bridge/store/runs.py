"""Runs as rows, and back again without loss.

A row holds facts: what was asked, where it went, what came of it. How far a run is, and its place in a
queue, are no facts an hour later, and are not kept.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, exists, insert, literal, select, update
from sqlalchemy.exc import IntegrityError

from comfyui_bridge.core import run_log, values
from comfyui_bridge.core import workflow as workflows
from comfyui_bridge.core.activity import Ended
from comfyui_bridge.core.errors import InputProblem, InvalidValues, NotApiFormat, StoreError
from comfyui_bridge.core.outputs import KeptFile, NodeOutput, OutputFile
from comfyui_bridge.core.progress import Progress
from comfyui_bridge.core.run import Fault, Run, RunError, RunState
from comfyui_bridge.core.run_log import LogEntry, LogKind
from comfyui_bridge.core.workflow import Workflow
from comfyui_bridge.store import run_index, tables
from comfyui_bridge.store.database import Database
from comfyui_bridge.store.run_index import Search
from comfyui_bridge.store.tables import runs

_UNFINISHED = [state.value for state in RunState if not state.is_final]


@dataclass(frozen=True)
class RunPage:
    """Some runs, newest first; `next` asks for those before them, None when there are none."""

    runs: tuple[Run, ...]
    next: str | None


class RunStore:
    """The runs in the database; any thread may call any method."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def insert(self, run: Run, cell: int | None = None) -> None:
        """Keep a new run, that fills this cell of its experiment; it is on disk when this returns.

        Raises StoreError if its run_id is taken, or its cell.
        """
        row = _to_row(run)
        try:
            with self._database.writing() as connection:
                (position,) = connection.execute(_INSERT, row).inserted_primary_key or (None,)
                # SQLite gives the place of a row that went to the next one.
                connection.execute(_FORGET_INDEX, {"its_place": position})
                index = {"position": position, "starred": False, **run_index.entry_of(run)}
                connection.execute(_INSERT_INDEX, index)
                if cell is not None:
                    _fill(connection, run, cell)
        except StoreError as error:
            if isinstance(error.__cause__, IntegrityError):
                raise StoreError(f"A run {run.run_id} is kept already.") from error
            raise

    def update(self, run: Run) -> None:
        """Put down how a run stands now. Raises StoreError if it was never inserted."""
        row = _to_row(run)
        with self._database.writing() as connection:
            changed = connection.execute(_UPDATE, {"its_id": run.run_id, **row})
            if not changed.rowcount:
                raise StoreError(f"There is no run {run.run_id} to update.")
            if run.kept or run.state.is_final:
                connection.execute(_UPDATE_INDEX, {"its_id": run.run_id, **run_index.entry_of(run)})
            if run.experiment and run.state.is_final:
                _end_cell(connection, run)

    def get(self, run_id: str) -> Run | None:
        return self._first(select(runs).where(runs.c.run_id == run_id))

    def some(self, run_ids: Sequence[str]) -> tuple[Run, ...]:
        """Those of these runs that are kept, in this order; at most some hundred at a time."""
        found = {run.run_id: run for run in self._all(select(runs).where(runs.c.run_id.in_(run_ids)))}
        return tuple(found[run_id] for run_id in run_ids if run_id in found)

    def brief(self, run_ids: Sequence[str]) -> dict[str, Run]:
        """Those of these runs that are kept, by id, without their workflows and what their nodes did."""
        found: dict[str, Run] = {}
        for start in range(0, len(run_ids), _AT_A_TIME):
            wanted = select(*_BRIEF).where(runs.c.run_id.in_(run_ids[start : start + _AT_A_TIME]))
            with self._database.reading() as connection:
                rows = connection.execute(wanted).all()
            found.update((row.run_id, without_work(_from_row(row))) for row in rows)
        return found

    def by_prompt_id(self, prompt_id: str) -> Run | None:
        """The run that was sent under this id, the newest if servers gave it twice."""
        return self._first(select(runs).where(runs.c.prompt_id == prompt_id).order_by(*_NEWEST_FIRST))

    def latest(self, template: str, server: str, limit: int) -> tuple[Run, ...]:
        """The newest completed runs of a template on a server, newest first: they tell how long it takes."""
        which = (runs.c.template == template, runs.c.server == server)
        is_done = runs.c.state == RunState.COMPLETED.value
        return self._all(select(runs).where(*which, is_done).order_by(*_NEWEST_FIRST).limit(limit))

    def like(self, fingerprint: str, owner: str, limit: int = 5) -> tuple[Run, ...]:
        """This owner's newest completed runs with this fingerprint that are not in the bin, newest first."""
        index = tables.run_index
        is_in_bin = exists().where(index.c.position == runs.c.position, index.c.deleted_at.is_not(None))
        which = (runs.c.fingerprint == fingerprint, runs.c.owner == owner, ~is_in_bin)
        is_done = runs.c.state == RunState.COMPLETED.value
        return self._all(select(runs).where(*which, is_done).order_by(*_NEWEST_FIRST).limit(limit))

    def done(self, fingerprints: Collection[str], owner: str) -> dict[str, Run]:
        """This owner's newest completed run with each of these fingerprints whose result is still here.

        As `brief` gives them; those in the bin are left out.
        """
        index = tables.run_index
        is_in_bin = exists().where(index.c.position == runs.c.position, index.c.deleted_at.is_not(None))
        is_done = runs.c.state == RunState.COMPLETED.value
        found: dict[str, Run] = {}
        wanted = sorted(set(fingerprints))
        for start in range(0, len(wanted), _AT_A_TIME):
            which = runs.c.fingerprint.in_(wanted[start : start + _AT_A_TIME])
            asked = select(*_BRIEF).where(which, runs.c.owner == owner, is_done, ~is_in_bin)
            with self._database.reading() as connection:
                rows = connection.execute(asked.order_by(runs.c.created_at, runs.c.position)).all()
            told = (_from_row(row) for row in rows)
            found.update((run.fingerprint, without_work(run)) for run in told if run.kept or run.texts)
        return found

    def ended_since(self, since: float) -> tuple[Ended, ...]:
        """When each run that ended since then began to wait, began and ended."""
        told = (runs.c.server, runs.c.state, runs.c.created_at, runs.c.started_at, runs.c.ended_at)
        with self._database.reading() as connection:
            rows = connection.execute(select(*told).where(runs.c.ended_at >= since)).all()
        return tuple(Ended(server, RunState(state), *times) for server, state, *times in rows)

    def unfetched(self, since: float, limit: int = 200) -> tuple[Run, ...]:
        """Runs that failed or were stopped since then, made files, and have none here; the newest first.

        Those that were thrown away, or whose files were, are none of them.
        """
        ended = (RunState.FAILED.value, RunState.CANCELLED.value)
        index = tables.run_index
        is_in_bin = exists().where(index.c.position == runs.c.position, index.c.deleted_at.is_not(None))
        # As `_to_row` writes them: nothing is kept, and something was made.
        which = (runs.c.state.in_(ended), runs.c.ended_at >= since, runs.c.kept == "[]", ~is_in_bin)
        found = self._all(
            select(runs).where(*which, runs.c.outputs != "[]").order_by(*_NEWEST_FIRST).limit(limit)
        )
        return tuple(run for run in found if run.files and not run_log.of_kind(run.log, LogKind.REMOVED))

    def unfinished(self) -> tuple[Run, ...]:
        """The runs that are pending or in progress, oldest first: what a restart has to look after."""
        wanted = (
            select(runs).where(runs.c.state.in_(_UNFINISHED)).order_by(runs.c.created_at, runs.c.position)
        )
        return self._all(wanted)

    def page(
        self,
        limit: int,
        before: str | None = None,
        *,
        owner: str | None = None,
        template: str | None = None,
        state: RunState | None = None,
    ) -> RunPage:
        """As `search`, narrowed by these only. None as a filter means any, "" none."""
        return self.search(Search(owner=owner, template=template, state=state), limit, before)

    def search(self, search: Search, limit: int, before: str | None = None) -> RunPage:
        """At most `limit` runs, newest first; `before` is the `next` of the page before.

        Runs that come in between two pages shift nothing; those in the bin are left out.
        Raises InvalidValues if `before` is no such `next`.
        """
        wanted = run_index.found(search)
        if before is not None:
            wanted = wanted.where(run_index.before(_parse_place(before)))
        with self._database.reading() as connection:
            rows = connection.execute(wanted.limit(limit + 1)).all()
        more = len(rows) > limit
        rows = rows[:limit]
        return RunPage(tuple(_from_row(row) for row in rows), _place(rows[-1]) if more and rows else None)

    def count_found(self, search: Search) -> int:
        """How many runs are looked for."""
        with self._database.reading() as connection:
            return connection.scalar(run_index.counted(search)) or 0

    def count(
        self, *, owner: str | None = None, template: str | None = None, state: RunState | None = None
    ) -> int:
        return self.count_found(Search(owner=owner, template=template, state=state))

    def _all(self, wanted: Select[Any]) -> tuple[Run, ...]:
        with self._database.reading() as connection:
            rows = connection.execute(wanted).all()
        return tuple(_from_row(row) for row in rows)

    def _first(self, wanted: Select[Any]) -> Run | None:
        with self._database.reading() as connection:
            row = connection.execute(wanted.limit(1)).first()
        return None if row is None else _from_row(row)


def without_work(run: Run) -> Run:
    """A run without what only it itself needs: many of them are held at once."""
    log = tuple(entry for entry in run.log if entry.kind != LogKind.NODE.value)
    return replace(run, workflow=_NO_WORKFLOW, original=None, weights=_NO_WEIGHTS, log=log)


_AT_A_TIME = 500
_NO_WORKFLOW = Workflow(MappingProxyType({}))
_NO_WEIGHTS: Mapping[str, float] = MappingProxyType({})
_LONG = ("workflow", "original")
_BRIEF = [
    literal("{}" if name == "workflow" else None).label(name) if name in _LONG else runs.c[name]
    for name in runs.c.keys()  # noqa: SIM118 - a collection of columns gives its columns, not their names
]
# Made once: every run is written some six times, and to make a statement takes longer than to execute it.
_INSERT = insert(runs)
_UPDATE = update(runs).where(runs.c.run_id == bindparam("its_id"))
_INSERT_INDEX = insert(tables.run_index)
_FORGET_INDEX = delete(tables.run_index).where(tables.run_index.c.position == bindparam("its_place"))
_UPDATE_INDEX = update(tables.run_index).where(
    tables.run_index.c.position
    == select(runs.c.position).where(runs.c.run_id == bindparam("its_id")).scalar_subquery()
)
_CELLS = tables.experiment_cells
_FILL = update(_CELLS).where(
    _CELLS.c.experiment_id == bindparam("its_experiment"),
    _CELLS.c.cell == bindparam("its_cell"),
    _CELLS.c.run_id == "",
    _CELLS.c.outcome == "",
)
_END_CELL = update(_CELLS).where(
    _CELLS.c.experiment_id == bindparam("its_experiment"), _CELLS.c.run_id == bindparam("its_id")
)
_NEWEST_FIRST = (runs.c.created_at.desc(), runs.c.position.desc())


def _fill(connection: Connection, run: Run, cell: int) -> None:
    """The cell and its run are written in one go: neither is there without the other, whatever happens."""
    which = {"its_experiment": run.experiment, "its_cell": cell}
    filled = connection.execute(_FILL, {**which, "run_id": run.run_id, "reused": False})
    if not filled.rowcount:
        raise StoreError(f"Cell {cell} of the experiment {run.experiment} has a run, or is gone.")


def _end_cell(connection: Connection, run: Run) -> None:
    which = {"its_experiment": run.experiment, "its_id": run.run_id}
    connection.execute(_END_CELL, {**which, "outcome": run.state.value})


def _place(row: Row[Any]) -> str:
    return f"{row.created_at!r}_{row.position}"


def _parse_place(place: str) -> tuple[float, int]:
    created_at, _, position = place.partition("_")
    try:
        return float(created_at), max(0, min(int(position), 2**63 - 1))
    except ValueError:
        raise InvalidValues({"before": "This is no place in the list of runs; start from its top."}) from None


def _to_row(run: Run) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "prompt_id": run.prompt_id,
        "owner": run.owner,
        "template": run.template,
        "title": run.title,
        "server": run.server,
        "state": run.state.value,
        "stopping": run.stopping,
        "server_done": run.server_done,
        "created_at": run.created_at,
        "accepted_at": run.accepted_at,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "error": None if run.error is None else _to_json("error", asdict(run.error)),
        "warnings": _to_json("warnings", run.warnings),
        "outputs": _to_json("outputs", [asdict(output) for output in run.outputs]),
        "kept": _to_json("kept files", [asdict(kept) for kept in run.kept]),
        "values": _to_json("values", values.to_json(run.values)),
        "workflow": _to_json("workflow", run.workflow.to_api()),
        "log": _to_json("log", [_entry_to_json(entry) for entry in run.log]),
        "fingerprint": run.fingerprint,
        "original": None if run.original is None else _to_json("workflow", run.original.to_api()),
        "experiment": run.experiment,
    }


def _entry_to_json(entry: LogEntry) -> list[Any]:
    return [entry.at, entry.kind, entry.node_id, entry.text, entry.seconds]


def _from_row(row: Row[Any]) -> Run:
    state = RunState(row.state)
    return Run(
        run_id=row.run_id,
        prompt_id=row.prompt_id,
        workflow=_workflow(row.run_id, json.loads(row.workflow)),
        created_at=row.created_at,
        template=row.template,
        title=row.title,
        owner=row.owner,
        values=values.from_json(json.loads(row.values)),
        state=state,
        server=row.server,
        accepted_at=row.accepted_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        stopping=row.stopping,
        server_done=row.server_done,
        progress=Progress(overall=1.0 if state is RunState.COMPLETED else 0.0),
        outputs=tuple(_output(entry) for entry in json.loads(row.outputs)),
        kept=tuple(
            KeptFile(entry["name"], entry["size"], OutputFile(**entry["source"]))
            for entry in json.loads(row.kept)
        ),
        error=None if row.error is None else _error(json.loads(row.error)),
        warnings=tuple(json.loads(row.warnings)),
        log=tuple(LogEntry(*entry) for entry in json.loads(row.log)),
        fingerprint=row.fingerprint,
        original=None if row.original is None else _workflow(row.run_id, json.loads(row.original)),
        experiment=row.experiment,
    )


def _workflow(run_id: str, document: Mapping[str, Any]) -> Workflow:
    if not document:
        return Workflow(MappingProxyType({}))
    try:
        return workflows.parse(document)
    except NotApiFormat as error:
        raise StoreError(f"The workflow kept with run {run_id} is damaged: {error}") from error


def _output(entry: Mapping[str, Any]) -> NodeOutput:
    files = tuple(OutputFile(**file) for file in entry["files"])
    return NodeOutput(entry["node_id"], files, tuple(entry["texts"]))


def _error(entry: Mapping[str, Any]) -> RunError:
    return RunError(
        fault=Fault(entry["fault"]),
        message=entry["message"],
        node_id=entry["node_id"],
        class_type=entry["class_type"],
        problems=tuple(InputProblem(**problem) for problem in entry["problems"]),
        traceback=tuple(entry["traceback"]),
        said=entry.get("said", ""),
    )


def _to_json(what: str, content: Any) -> str:
    try:
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise StoreError(f"The {what} of this run cannot be kept as JSON: {error}.") from error
    # Readable as it is, for searching; only half a surrogate pair has to be spelled out in ASCII.
    return text if text.isascii() or _is_unicode(text) else json.dumps(content, separators=(",", ":"))


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
