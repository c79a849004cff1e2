"""The server's folders on disk and its lists of model names.

Names that come over the wire are resolved here and nowhere else, so that one place decides what is
inside a folder and what is not.
"""

from __future__ import annotations

import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from comfyui_bridge.sandbox.models import MODELS

TYPES = ("output", "input", "temp")


class DiskFolders:
    """input, output, temp and user below one root. Like ComfyUI it starts with an empty temp."""

    def __init__(
        self,
        root: Path,
        models: Mapping[str, Sequence[str]] | None = None,
        examples: Callable[[Path], None] | None = None,
    ) -> None:
        """`examples` puts files into the input folder when that is first asked for: writing pictures takes
        longer than all else of a start."""
        self.root = root.resolve()
        self._examples = examples
        self._lock = threading.Lock()
        given = MODELS if models is None else models
        self._models = {**dict.fromkeys(MODELS, ()), **{name: tuple(files) for name, files in given.items()}}
        shutil.rmtree(self.root / "temp", ignore_errors=True)
        for name in (*TYPES, "user"):
            (self.root / name).mkdir(parents=True, exist_ok=True)

    def directory(self, type_: str) -> Path:
        if type_ not in TYPES:
            raise KeyError(type_)
        if type_ == "input" and self._examples is not None:
            self._add_examples()
        return self.root / type_

    def _add_examples(self) -> None:
        with self._lock:
            if self._examples is not None:
                self._examples(self.root / "input")
                self._examples = None

    def models(self, folder: str) -> Sequence[str]:
        return self._models.get(folder, ())

    def model_folders(self) -> Sequence[str]:
        return tuple(self._models)

    def input_files(self) -> Sequence[str]:
        with os.scandir(self.directory("input")) as entries:
            return sorted(entry.name for entry in entries if entry.is_file())

    def resolve(self, name: str) -> Path:
        bare, type_ = annotated(name)
        folder = self.directory(type_ or "input")
        path = inside(folder, bare)
        if path is None or not os.path.isfile(path):
            raise FileNotFoundError(f"no file {name!r} in the sandbox's {type_ or 'input'} folder")
        return path

    def save_slot(self, prefix: str, type_: str, width: int, height: int) -> tuple[Path, str, int, str]:
        relative = os.path.normpath(_filled_in(prefix, width, height))
        folder_name, stem = os.path.split(relative)
        base = self.directory(type_)
        folder = inside(base, folder_name)
        if folder is None:
            raise ValueError(
                "**** ERROR: Saving image outside the output folder is not allowed."
                f"\n full_output_folder: {os.path.abspath(base / folder_name)}"
                f"\n         output_dir: {base}"
            )
        folder.mkdir(parents=True, exist_ok=True)
        return folder, stem, _next_counter(folder, stem), folder_name

    def close(self) -> None:
        """Empty the temp folder; what was saved stays."""
        shutil.rmtree(self.root / "temp", ignore_errors=True)


def annotated(name: str) -> tuple[str, str | None]:
    """ "x.png [input]" as ("x.png", "input"); the mark overrides a type given beside the name."""
    for type_ in TYPES:
        mark = f"[{type_}]"
        if name.endswith(mark):
            return name[: -len(mark) - 1], type_
    return name, None


def inside(folder: Path, relative: str) -> Path | None:
    """`folder / relative` without `..`, or None if that is not below the folder."""
    path = os.path.abspath(os.path.join(folder, relative))
    try:
        common = os.path.commonpath((folder, path))
    except ValueError:  # another drive
        return None
    return Path(path) if common == str(folder) else None


def _filled_in(prefix: str, width: int, height: int) -> str:
    if "%" not in prefix:
        return prefix
    now = time.localtime()
    words = {
        "width": str(width),
        "height": str(height),
        "year": str(now.tm_year),
        "month": f"{now.tm_mon:02}",
        "day": f"{now.tm_mday:02}",
        "hour": f"{now.tm_hour:02}",
        "minute": f"{now.tm_min:02}",
        "second": f"{now.tm_sec:02}",
    }
    return re.sub(r"%(\w+)%", lambda found: words.get(found[1], found[0]), prefix)


def _next_counter(folder: Path, stem: str) -> int:
    """One more than the highest number among the files `stem_NNNNN_...`."""
    pattern = re.compile(re.escape(os.path.normcase(stem)) + r"_(\d+)(?:_|$)")
    found = (pattern.match(os.path.normcase(name)) for name in os.listdir(folder))
    return max((int(match[1]) for match in found if match), default=0) + 1
