"""Presets: sets of values under a name, for one template, a person's own or shared with everyone."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from time import time
from typing import Any

from sqlalchemy import delete, insert, or_, select, update

from comfyui_bridge.core.errors import StoreError
from comfyui_bridge.store.database import Database
from comfyui_bridge.store.tables import presets

BIN_S = 3600.0
"""How long a preset that was taken out can be brought back."""
MOST = 200
"""Presets of one person for one template."""
LONGEST_NAME = 80
_MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class Preset:
    """Some values of a template's form, as they are stored in a run."""

    preset_id: str
    owner: str
    template: str
    name: str
    values: Mapping[str, Any] = field(repr=False)
    shared: bool = False


class PresetStore:
    """Any thread may call any method. Raises StoreError where nothing can be written."""

    def __init__(self, database: Database, clock: Callable[[], float] = time) -> None:
        self._database = database
        self._clock = clock

    def of(self, template: str, owner: str) -> tuple[Preset, ...]:
        """A template's presets that this person sees, by name: their own and those that are shared."""
        mine = or_(presets.c.owner == owner, presets.c.shared)
        wanted = select(presets).where(presets.c.template == template, mine, presets.c.deleted_at.is_(None))
        with self._database.reading() as connection:
            rows = connection.execute(wanted).all()
        return tuple(sorted(map(_preset, rows), key=lambda one: (one.name.casefold(), one.preset_id)))

    def get(self, preset_id: str) -> Preset | None:
        wanted = select(presets).where(presets.c.preset_id == preset_id, presets.c.deleted_at.is_(None))
        with self._database.reading() as connection:
            row = connection.execute(wanted).first()
        return _preset(row) if row is not None else None

    def keep(
        self, template: str, name: str, values: Mapping[str, Any], owner: str, *, shared: bool = False
    ) -> Preset:
        """Keep these values under this name; one's own preset of that name is replaced."""
        name, text = _named(name), json.dumps(values)
        if len(text) > _MOST_BYTES:
            raise StoreError("These values are too long to be kept as a preset.")
        mine = (presets.c.owner == owner, presets.c.template == template)
        now = self._clock()
        new = Preset(uuid.uuid4().hex, owner, template, name, values, shared)
        row = {
            "preset_id": new.preset_id,
            "owner": owner,
            "template": template,
            "name": name,
            "values": text,
            "shared": shared,
            "created_at": now,
        }
        with self._database.writing() as connection:
            connection.execute(delete(presets).where(presets.c.deleted_at < now - BIN_S))
            # The former one of the name can be brought back too.
            connection.execute(
                update(presets)
                .where(*mine, presets.c.name == name, presets.c.deleted_at.is_(None))
                .values(deleted_at=now)
            )
            if len(connection.execute(select(presets.c.preset_id).where(*mine)).all()) >= MOST:
                raise StoreError(f"There are {MOST} presets of yours for this template. Take some out first.")
            connection.execute(insert(presets).values(row))
        return new

    def change(
        self, preset_id: str, owner: str, *, name: str | None = None, shared: bool | None = None
    ) -> bool:
        """Give one's own preset another name, share it, or no more; whether there was one."""
        row: dict[str, Any] = {} if name is None else {"name": _named(name)}
        if shared is not None:
            row["shared"] = shared
        return self._updated(preset_id, owner, row, is_deleted=False)

    def delete(self, preset_id: str, owner: str) -> bool:
        """Take one's own preset out, for a while; whether there was one."""
        return self._updated(preset_id, owner, {"deleted_at": self._clock()}, is_deleted=False)

    def restore(self, preset_id: str, owner: str) -> bool:
        """Bring one's own preset back; whether there was one."""
        return self._updated(preset_id, owner, {"deleted_at": None}, is_deleted=True)

    def texts(self) -> Iterator[str]:
        """The values of all presets as they are stored, those that can be brought back included."""
        with self._database.reading() as connection:
            yield from connection.scalars(select(presets.c["values"]))

    def _updated(self, preset_id: str, owner: str, row: Mapping[str, Any], *, is_deleted: bool) -> bool:
        is_it = (presets.c.preset_id == preset_id, presets.c.owner == owner)
        stands = presets.c.deleted_at.is_not(None) if is_deleted else presets.c.deleted_at.is_(None)
        if not row:
            return False
        with self._database.writing() as connection:
            return bool(connection.execute(update(presets).where(*is_it, stands).values(row)).rowcount)


def _named(name: str) -> str:
    """Raises StoreError for a name that nobody could read in a list."""
    name = " ".join("".join(c for c in name if c.isprintable()).split())
    if not name:
        raise StoreError("A preset needs a name.")
    if len(name) > LONGEST_NAME:
        raise StoreError(f"The name of a preset may have {LONGEST_NAME} characters at most.")
    return name


def _preset(row: Any) -> Preset:
    return Preset(row.preset_id, row.owner, row.template, row.name, json.loads(row.values), row.shared)
