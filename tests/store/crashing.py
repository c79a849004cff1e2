"""A data folder at work, to be killed at any moment: `python -m tests.store.crashing FOLDER SEED`.

Runs come, some of an uploaded picture, get files and thumbnails, are changed, starred, thrown away and tidied
up, for ever. It says a line for each run that it was told is safely kept.
"""

from __future__ import annotations

import io
import os
import random
import sys
import time
import uuid
from dataclasses import replace
from pathlib import Path

from PIL import Image

from comfyui_bridge.core import workflow
from comfyui_bridge.core.files import FileValue
from comfyui_bridge.core.outputs import KeptFile, OutputFile
from comfyui_bridge.core.run import Run, RunState
from comfyui_bridge.engine.housekeeper import Housekeeper, Limits
from comfyui_bridge.store.database import Database
from comfyui_bridge.store.media import MediaStore
from comfyui_bridge.store.run_index import RunIndex
from comfyui_bridge.store.runs import RunStore

GRAPH = workflow.parse({"1": {"class_type": "Paint", "inputs": {"text": "a fox"}}})
LIMIT = 600_000


def content(run_id: str, name: str) -> bytes:
    """What the file of this name holds, so that a half one is told from a whole one."""
    made = io.BytesIO()
    colour = random.Random(run_id + name).randrange(1 << 24)
    Image.new("RGB", (32, 32), (colour >> 16, colour >> 8 & 255, colour & 255)).save(made, "PNG")
    return made.getvalue() + run_id.encode() * 400


class House:
    """The parts of the program that write."""

    def __init__(self, folder: Path, seed: int = 0) -> None:
        self.random = random.Random(seed)
        self.database = Database(folder)
        self.runs, self.index = RunStore(self.database), RunIndex(self.database)
        self.media = MediaStore(folder)
        self.now = time.time()
        self.keeper = Housekeeper(
            self.runs,
            self.index,
            self.media,
            Limits(bytes=LIMIT, bin_seconds=3000.0),
            clock=lambda: self.now,
            changed=lambda run: None,
            gone=lambda run_id: None,
            texts=(lambda: (),),
        )

    def one_thing(self) -> str:
        """Do one of the things that a day is made of; the run that is kept now, if that was it."""
        self.now += 600.0
        old = [run.run_id for run in self.runs.page(20).runs]
        some = self.random.sample(old, min(len(old), 2))
        match self.random.randrange(8):
            case 0:
                self.index.star(some, self.random.random() < 0.2)
            case 1:
                self.index.delete(some, self.now)
            case 2:
                self.index.restore(some)
            case 3:
                self.keeper.tidy()
            case 4:
                for run_id in some:
                    for name in self.media.names(run_id):
                        self.media.thumbnail(run_id, name, 64)
            case _:
                return self._a_run()
        return ""

    def _a_run(self) -> str:
        run_id = uuid.UUID(int=self.random.getrandbits(128)).hex
        values = {"image": self._an_upload().to_json()} if self.random.random() < 0.5 else {}
        run = Run(run_id, str(uuid.uuid4()), GRAPH, self.now, values=values)
        self.runs.insert(run)
        kept: list[KeptFile] = []
        for number in range(self.random.randrange(1, 4)):
            name = f"{number}.png"
            whole = content(run.run_id, name)
            kept.append(
                self.media.keep(
                    run.run_id, OutputFile(name), [whole[i : i + 999] for i in range(0, len(whole), 999)]
                )
            )
        self.runs.update(replace(run, state=RunState.COMPLETED, kept=tuple(kept)))
        return run.run_id

    def _an_upload(self) -> FileValue:
        """One of a few pictures, as if it had been uploaded long ago."""
        key = self.media.keep_upload(io.BytesIO(b"%d" % self.random.randrange(6) * 5000), "mine.png")
        os.utime(self.media.upload_path(key), (0, 0))
        return FileValue(key, "mine.png")


def main() -> None:
    house = House(Path(sys.argv[1]), int(sys.argv[2]))
    house.keeper.sweep()
    print("ready", flush=True)
    while True:
        if run_id := house.one_thing():
            print(run_id, flush=True)


if __name__ == "__main__":
    main()
