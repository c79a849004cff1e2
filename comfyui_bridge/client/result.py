"""What came of a run, and its files: streamed to disk under safe names, whole or not at all."""

from __future__ import annotations

import errno
import io
import os
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comfyui_bridge.core.errors import (
    BridgeError,
    Cancelled,
    Full,
    Lost,
    NodeFailed,
    NoOutput,
    OutOfMemory,
    Rejected,
    Unreachable,
)
from comfyui_bridge.core.names import safe_name
from comfyui_bridge.core.outputs import MediaKind, NodeOutput, OutputFile
from comfyui_bridge.core.run import Fault, Run, RunError, RunState
from comfyui_bridge.core.workflow import Workflow
from comfyui_bridge.engine.ports import Server

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True)
class Result:
    """A run as it ended."""

    run_id: str
    prompt_id: str
    state: RunState
    server: str
    """The name of the server it ran on; empty if none took it."""
    workflow: Workflow
    """As it was sent: values, uploads and drawn seeds in place."""
    values: Mapping[str, Any]
    """What was asked for by key, and every drawn seed."""
    outputs: tuple[NodeOutput, ...] = ()
    error: RunError | None = None
    seconds: float | None = None
    """From the start on the server to the end; None if it never began."""
    warnings: tuple[str, ...] = ()
    """One sentence for each output the server dropped although it took the rest."""
    index: int = 0
    """Its item's place in `run_many`."""
    source: Server | None = field(default=None, repr=False, compare=False)
    """Where its files are fetched."""

    @property
    def ok(self) -> bool:
        return self.state is RunState.COMPLETED

    @property
    def files(self) -> tuple[OutputFile, ...]:
        """All files it reported, saved ones before temporary previews."""
        files = [file for output in self.outputs for file in output.files]
        return tuple(sorted(files, key=lambda file: file.is_temporary))

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(text for output in self.outputs for text in output.texts)

    def save(self, directory: str | os.PathLike[str], *, prefix: str = "") -> list[Path]:
        """Fetch all files into a folder, made if need be, under their own names; where they are now.

        `prefix` goes before each name, as for the files of many runs to sort.
        A file that is there already is kept, and the new one gets a number. A transfer that breaks is
        taken up where it broke; nothing is ever left half-written. Raises ServerError, Full, OSError.
        """
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        return [self._save_one(file, folder, prefix) for file in self.files]

    def read(self, file: OutputFile) -> bytes:
        """One file's bytes. Raises ServerError."""
        if self.source is None:
            return b""
        with self.source.fetch(file) as chunks:
            return b"".join(chunks)

    def images(self) -> Iterator[Image.Image]:
        """Its pictures, each fetched and opened with Pillow when it is asked for."""
        from PIL import Image  # most programs that save files have no use for Pillow

        for file in self.files:
            if file.kind is MediaKind.IMAGE:
                yield Image.open(io.BytesIO(self.read(file)))

    def failure(self) -> BridgeError | None:
        """The error this result stands for; None if it is completed."""
        if self.ok:
            return None
        error = self.error
        if self.state is RunState.CANCELLED or error is None:
            return Cancelled(error.message if error else "The run was stopped before it was done.")
        match error.fault:
            case Fault.REFUSED:
                return Rejected(error.message, server=self.server, problems=error.problems)
            case Fault.LOST:
                return Lost(error.message, server=self.server)
            case Fault.UNREACHABLE:
                return Unreachable(error.message, server=self.server)
            case Fault.NODE:
                return NodeFailed(error.message, node_id=error.node_id, class_type=error.class_type)
            case Fault.OUT_OF_MEMORY:
                return OutOfMemory(error.message, node_id=error.node_id, class_type=error.class_type)
            case Fault.NO_OUTPUT:
                return NoOutput(error.message)

    def _save_one(self, file: OutputFile, folder: Path, prefix: str) -> Path:
        name = safe_name(prefix + file.filename.replace("\\", "/").rpartition("/")[2])
        half = folder / f".{uuid.uuid4().hex}.part"
        try:
            with half.open("xb") as target:
                self._copy(file, target)
            return _settle(half, folder, name)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise Full(
                    f"There is no room left for {name} in {folder}. Make room and save again."
                ) from error
            raise
        finally:
            half.unlink(missing_ok=True)

    def _copy(self, file: OutputFile, target: io.BufferedWriter) -> None:
        if self.source is None:
            return
        with self.source.fetch(file) as chunks:
            for chunk in chunks:
                target.write(chunk)


def of_run(run: Run, source: Server, index: int = 0) -> Result:
    return Result(
        run_id=run.run_id,
        prompt_id=run.prompt_id,
        state=run.state,
        server=run.server,
        workflow=run.workflow,
        values=run.values,
        outputs=run.outputs,
        error=run.error,
        seconds=run.seconds,
        warnings=run.warnings,
        index=index,
        source=source,
    )


def _settle(half: Path, folder: Path, name: str) -> Path:
    """Give a whole file its name, or the first numbered one that is free; never over another file."""
    stem, suffix = os.path.splitext(name)
    number = 0
    while True:
        target = folder / (f"{stem} ({number}){suffix}" if number else name)
        try:
            os.link(half, target)
            return target
        except FileExistsError:
            number += 1
        except OSError:  # a file system without links
            if not target.exists():
                half.rename(target)
                return target
            number += 1
