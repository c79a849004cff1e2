"""What people find runs by: words, models, stars, and what they threw away.

A narrow table beside the runs, so that a search reads little of ten thousand rows and their workflows
stay untouched. The run store writes it with the run itself; the stars and the bin are written here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, or_, select, tuple_, update
from sqlalchemy.engine import Row

from comfyui_bridge.core import values
from comfyui_bridge.core.experiment import Verdict
from comfyui_bridge.core.files import MARK
from comfyui_bridge.core.model_files import model_files
from comfyui_bridge.core.run import Run, RunState
from comfyui_bridge.store.database import Database
from comfyui_bridge.store.media import hashes_in
from comfyui_bridge.store.tables import experiment_cells, run_index, runs, shared_runs

_MOST_BYTES = 2**63 - 1
_AT_A_TIME = 500
"""Ids in one statement; SQLite's own limit is 32,766 variables."""


@dataclass(frozen=True)
class Search:
    """What is looked for; what is None may be anything. Times are epoch seconds of being asked for."""

    words: str = ""
    """Each word must be somewhere in the run's texts, values, title, models or file names."""
    owner: str | None = None
    template: str | None = None
    state: RunState | None = None
    model: str | None = None
    starred: bool | None = None
    since: float | None = None
    until: float | None = None


@dataclass(frozen=True)
class Facets:
    """What there is to filter by, the most frequent first."""

    templates: Mapping[str, str]
    """Titles by slug."""
    models: tuple[str, ...]


@dataclass(frozen=True)
class Naming:
    """A run whose values name uploaded files."""

    hashes: frozenset[str]
    asked_at: float
    is_held: bool
    """It is not over, has a star or a kept cell, or has its own files."""


def entry_of(run: Run) -> dict[str, Any]:
    """What the index says of a run; the star and the bin are not the run's own."""
    texts = [run.template, run.title, run.server, *_texts(values.to_json(run.values))]
    texts += [kept.name for kept in run.kept]
    return {
        "bytes": min(sum(max(0, kept.size) for kept in run.kept), _MOST_BYTES),
        "models": "\n" + "".join(f"{name}\n" for name in model_files(run.workflow)),
        "said": _stored("\n".join(texts).lower()),
    }


class RunIndex:
    """The index in the database; any thread may call any method."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def starred(self, run_ids: Sequence[str]) -> frozenset[str]:
        """Those of these runs that have a star."""
        found: set[str] = set()
        for some in _some(run_ids):
            wanted = select(runs.c.run_id).join(run_index, _SAME).where(runs.c.run_id.in_(some))
            with self._database.reading() as connection:
                found.update(connection.scalars(wanted.where(run_index.c.starred)))
        return frozenset(found)

    def ids(self, search: Search, limit: int) -> tuple[str, ...]:
        """The newest so many of the runs that are looked for, newest first, by their ids alone."""
        wanted = found(search).with_only_columns(runs.c.run_id).limit(limit)
        with self._database.reading() as connection:
            return tuple(connection.scalars(wanted))

    def star(self, run_ids: Sequence[str], starred: bool, *, owner: str | None = None) -> int:
        """Give these runs a star or take it; how many there were. `owner` leaves others' alone."""
        return self._change(run_ids, owner, {"starred": starred})

    def delete(self, run_ids: Sequence[str], at: float, *, owner: str | None = None) -> int:
        """Put runs that are over into the bin; they are found no more, and `restore` brings them back."""
        return self._change(run_ids, owner, {"deleted_at": at}, runs.c.state.in_(_FINAL))

    def restore(self, run_ids: Sequence[str], *, owner: str | None = None) -> int:
        """Take runs out of the bin."""
        return self._change(run_ids, owner, {"deleted_at": None})

    def in_bin(self, before: float) -> tuple[str, ...]:
        """The runs that were put into the bin before that moment."""
        wanted = select(runs.c.run_id).join(run_index, _SAME).where(run_index.c.deleted_at < before)
        with self._database.reading() as connection:
            return tuple(connection.scalars(wanted))

    def forget(self, run_ids: Sequence[str]) -> None:
        """Take the rows of these runs away for good; their files are somebody else's to remove."""
        for some in _some(run_ids):
            which = select(runs.c.position).where(runs.c.run_id.in_(some))
            with self._database.writing() as connection:
                connection.execute(delete(shared_runs).where(shared_runs.c.run_id.in_(some)))
                connection.execute(delete(run_index).where(run_index.c.position.in_(which)))
                connection.execute(delete(runs).where(runs.c.run_id.in_(some)))

    def bytes_kept(self) -> int:
        """How many bytes the kept files of all runs take, those in the bin included."""
        with self._database.reading() as connection:
            return int(connection.scalar(select(func.coalesce(func.sum(run_index.c.bytes), 0))) or 0)

    def oldest(self, limit: int, *, before: float | None = None) -> tuple[tuple[str, int], ...]:
        """Runs that are over, have files, and neither a star nor a cell that somebody kept, oldest first:
        (run_id, bytes).
        """
        wanted = (
            select(runs.c.run_id, run_index.c.bytes)
            .join(run_index, _SAME)
            .where(run_index.c.bytes > 0, ~run_index.c.starred, runs.c.state.in_(_FINAL))
            .where(runs.c.run_id.not_in(_IN_KEPT_CELLS))
            .order_by(runs.c.created_at, runs.c.position)
        )
        if before is not None:
            wanted = wanted.where(runs.c.created_at < before)
        with self._database.reading() as connection:
            return tuple((row.run_id, int(row.bytes)) for row in connection.execute(wanted.limit(limit)))

    def with_files(self) -> tuple[tuple[str, int], ...]:
        """The runs that are over and say that they have files: (run_id, bytes)."""
        wanted = select(runs.c.run_id, run_index.c.bytes).join(run_index, _SAME)
        wanted = wanted.where(run_index.c.bytes > 0, runs.c.state.in_(_FINAL))
        with self._database.reading() as connection:
            return tuple((row.run_id, int(row.bytes)) for row in connection.execute(wanted))

    def naming(self) -> Iterator[Naming]:
        """All runs that name uploaded files, those in the bin included."""
        marked = (column.contains(MARK, autoescape=True) for column in (runs.c["values"], runs.c.original))
        wanted = (
            select(runs.c["values"], runs.c.original, runs.c.created_at, runs.c.state)
            .add_columns(run_index.c.starred, run_index.c.bytes)
            .add_columns(runs.c.run_id.in_(_IN_KEPT_CELLS).label("is_in_kept_cell"))
            .join(run_index, _SAME)
            .where(or_(*marked))
        )
        with self._database.reading() as connection:
            for row in connection.execute(wanted):
                named = frozenset(hashes_in(f"{row[0]} {row.original or ''}"))
                held = row.state not in _FINAL or row.starred or row.is_in_kept_cell or row.bytes > 0
                yield Naming(named, row.created_at, held)

    def known(self, run_ids: Collection[str]) -> frozenset[str]:
        """Those of these runs that there are."""
        found: set[str] = set()
        for some in _some(tuple(run_ids)):
            with self._database.reading() as connection:
                found.update(connection.scalars(select(runs.c.run_id).where(runs.c.run_id.in_(some))))
        return frozenset(found)

    def facets(self, owner: str | None = None) -> Facets:
        """The templates and models of the runs that are not in the bin."""
        wanted = (
            select(runs.c.template, func.max(runs.c.title).label("title"), func.count().label("times"))
            .join(run_index, _SAME)
            .where(*_owned(owner), run_index.c.deleted_at.is_(None), runs.c.template != "")
            .group_by(runs.c.template)
        )
        named = (
            select(run_index.c.models, func.count().label("times"))
            .join(runs, _SAME)
            .where(*_owned(owner), run_index.c.deleted_at.is_(None))
            .group_by(run_index.c.models)
        )
        with self._database.reading() as connection:
            templates = sorted(connection.execute(wanted), key=lambda row: (-row.times, row.title))
            rows = list(connection.execute(named))
        return Facets({row.template: row.title or row.template for row in templates}, _models(rows))

    def owners(self) -> tuple[str, ...]:
        """Whose runs there are outside of the bin, who has most of them first; nobody is an empty text."""
        wanted = (
            select(runs.c.owner)
            .join(run_index, _SAME)
            .where(run_index.c.deleted_at.is_(None))
            .group_by(runs.c.owner)
            .order_by(func.count().desc(), runs.c.owner)
        )
        with self._database.reading() as connection:
            return tuple(connection.scalars(wanted))

    def _change(
        self, run_ids: Sequence[str], owner: str | None, said: Mapping[str, Any], *more: ColumnElement[bool]
    ) -> int:
        count = 0
        for some in _some(run_ids):
            which = select(runs.c.position).where(runs.c.run_id.in_(some), *_owned(owner), *more)
            with self._database.writing() as connection:
                changed = connection.execute(
                    update(run_index).where(run_index.c.position.in_(which)).values(said)
                )
                count += changed.rowcount
        return count


def found(search: Search) -> Select[Any]:
    """The runs that are looked for, newest first, those in the bin left out."""
    return (
        select(runs)
        .join(run_index, _SAME)
        .where(run_index.c.deleted_at.is_(None), *_conditions(search))
        .order_by(runs.c.created_at.desc(), runs.c.position.desc())
    )


def counted(search: Search) -> Select[Any]:
    """How many runs are looked for."""
    return (
        select(func.count())
        .select_from(runs.join(run_index, _SAME))
        .where(run_index.c.deleted_at.is_(None), *_conditions(search))
    )


def before(place: tuple[float, int]) -> ColumnElement[bool]:
    """Whether a run stands behind this place in the order of `found`."""
    return tuple_(runs.c.created_at, runs.c.position) < tuple_(*place)


_SAME = run_index.c.position == runs.c.position
_IN_KEPT_CELLS = select(experiment_cells.c.run_id).where(experiment_cells.c.verdict == Verdict.KEPT.value)
_FINAL = [state.value for state in RunState if state.is_final]


def _conditions(search: Search) -> Iterator[ColumnElement[bool]]:
    yield from _owned(search.owner)
    if search.template is not None:
        yield runs.c.template == search.template
    if search.state is not None:
        yield runs.c.state == search.state.value
    if search.since is not None:
        yield runs.c.created_at >= search.since
    if search.until is not None:
        yield runs.c.created_at < search.until
    if search.starred is not None:
        yield run_index.c.starred if search.starred else ~run_index.c.starred
    if search.model is not None:
        yield run_index.c.models.contains(f"\n{search.model}\n", autoescape=True)
    for word in search.words.lower().split():
        yield run_index.c.said.contains(_stored(word), autoescape=True)


def _owned(owner: str | None) -> tuple[ColumnElement[bool], ...]:
    return () if owner is None else (runs.c.owner == owner,)


def _models(rows: Sequence[Row[Any]]) -> tuple[str, ...]:
    counts: dict[str, int] = {}
    for row in rows:
        for name in row.models.strip("\n").split("\n"):
            if name:
                counts[name] = counts.get(name, 0) + row.times
    return tuple(sorted(counts, key=lambda name: (-counts[name], name)))


def _texts(content: object) -> Iterator[str]:
    if isinstance(content, Mapping):
        for value in content.values():
            yield from _texts(value)
    elif isinstance(content, (list, tuple)):
        for value in content:
            yield from _texts(value)
    elif content is not None and not isinstance(content, bool):
        yield str(content)


def _stored(text: str) -> str:
    """Half a surrogate pair cannot be stored as text, nor be searched for."""
    return text.encode("utf-8", "replace").decode()


def _some(run_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (run_ids[start : start + _AT_A_TIME] for start in range(0, len(run_ids), _AT_A_TIME))
