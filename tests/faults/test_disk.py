"""No room on this program's disk: a real limit and a real small disk, on a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.faults import graphs
from tests.faults.processes import EngineProcess, Refused, ServerProcess, until

if sys.platform != "linux":
    pytest.skip("limits of another process, and small disks, are Linux's", allow_module_level=True)

NOISE = "noise.png"
"""Two megabytes and a half that do not compress."""
SMALL_DISK = "size=8m"
LIMITED = (2_000_000, resource.RLIM_INFINITY)
UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
"""For setrlimit: how large a file may grow."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("disk") / "server"
    running = ServerProcess(folder).start()
    noise = np.random.default_rng(1).integers(0, 256, (900, 900, 3), np.uint8)
    Image.fromarray(noise).save(folder / "input" / NOISE)
    yield running
    running.kill()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder with a few megabytes to it."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", SMALL_DISK, "tmpfs", str(folder)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(filler: Path) -> None:
    """Take all the room there is."""
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def is_waiting_for_room(program: EngineProcess, run_id: str) -> bool:
    run = program.run(run_id)
    assert run["state"] in ("pending", "in_progress")
    return any("There is no room left" in warning for warning in run["warnings"])


def is_all_here(program: EngineProcess, run_id: str, server: ServerProcess, name: str) -> None:
    run = program.ended(run_id)
    assert (run["state"], run["warnings"]) == ("completed", [])
    assert len(run["kept"]) == 2
    for kept, subfolder, filename in run["kept"]:
        assert program.kept(run_id, kept) == server.file(subfolder, filename).read_bytes()
    assert [len(server.saved(prefix)) for prefix in (name, f"{name}s")] == [1, 1]


def begin(program: EngineProcess, graph: dict[str, Any], key: str, prefixes: list[str]) -> str:
    """An experiment with a cell for each prefix."""
    folder = program.data / "workflows"
    folder.mkdir(exist_ok=True)
    (folder / "many.json").write_text(json.dumps(graph), "utf-8")
    axis = {"kind": "choices", "key": key, "chosen": prefixes}
    return program.experiment({"template": "many", "values": {}, "axes": [axis]})


def is_held(program: EngineProcess, experiment_id: str) -> bool:
    """It goes on as soon as there is room, and says so."""
    sheet = program.sheet(experiment_id)
    assert sheet["state"] == "running"
    return str(sheet["problem"]).startswith("There is no room left")


def is_done_once(
    program: EngineProcess, experiment_id: str, server: ServerProcess, prefixes: list[str]
) -> None:
    """Each cell was made once, and is here as the server wrote it."""
    until(lambda: program.sheet(experiment_id)["state"] == "done")
    sheet = program.sheet(experiment_id)
    assert (set(sheet["cells"]), sheet["problem"]) == ({"completed"}, "")
    assert [len(server.saved(prefix)) for prefix in prefixes] == [1] * len(prefixes)
    for run_id in sheet["runs"]:
        run = program.run(run_id)
        assert run["warnings"] == []
        for kept, subfolder, filename in run["kept"]:
            assert program.kept(run_id, kept) == server.file(subfolder, filename).read_bytes()


def test_an_experiment_whose_files_have_no_room(
    small_disk: Path, tmp_path: Path, server: ServerProcess
) -> None:
    name = graphs.prefix()
    prefixes = [f"{name}c{number:02d}" for number in range(30)]
    data, filler = tmp_path / "data", small_disk / "filler"
    data.mkdir()
    (data / "media").symlink_to(small_disk)
    with EngineProcess(data, server.url).start() as program:
        fill(filler)
        experiment_id = begin(program, graphs.steps(name, 10), "9.filename_prefix", prefixes)
        until(lambda: is_held(program, experiment_id))
        until(lambda: not server.queued())
        # What waited already was made, and nothing more is begun.
        assert sum(bool(server.saved(prefix)) for prefix in prefixes) < len(prefixes)
        assert is_held(program, experiment_id)
        filler.unlink()
        is_done_once(program, experiment_id, server, prefixes)


def test_an_experiment_on_a_disk_without_any_room(small_disk: Path, server: ServerProcess) -> None:
    name = graphs.prefix()
    prefixes = [f"{name}c{number:02d}" for number in range(14)]
    with EngineProcess(small_disk / "data", server.url).start() as program:
        experiment_id = begin(program, graphs.steps(name, 10), "9.filename_prefix", prefixes)
        filler = small_disk / "filler"
        fill(filler)
        until(lambda: is_held(program, experiment_id))
        program.kill()
        program.start()
        until(lambda: is_held(program, experiment_id))
        filler.unlink()
        is_done_once(program, experiment_id, server, prefixes)


def test_files_that_have_no_room(tmp_path: Path, server: ServerProcess) -> None:
    name, next_ = graphs.prefix(), graphs.prefix()
    with EngineProcess(tmp_path / "data", server.url).start() as program:
        resource.prlimit(program.pid, resource.RLIMIT_FSIZE, LIMITED)
        run_id = program.submit(graphs.copied(name, NOISE, 1))
        until(lambda: is_waiting_for_room(program, run_id))
        assert program.ended(program.submit(graphs.plain(next_)))["state"] == "completed"
        resource.prlimit(program.pid, resource.RLIMIT_FSIZE, UNLIMITED)
        is_all_here(program, run_id, server, name)


def test_a_run_stopped_while_its_files_have_no_room(tmp_path: Path, server: ServerProcess) -> None:
    with EngineProcess(tmp_path / "data", server.url).start() as program:
        resource.prlimit(program.pid, resource.RLIMIT_FSIZE, LIMITED)
        run_id = program.submit(graphs.copied(graphs.prefix(), NOISE, 1))
        until(lambda: is_waiting_for_room(program, run_id))
        program.cancel(run_id)
        run = program.ended(run_id)
    assert (run["state"], len(run["kept"])) == ("completed", 1)
    assert "is still on the server" in run["warnings"][0]


def test_a_disk_without_any_room(small_disk: Path, server: ServerProcess) -> None:
    name, behind = graphs.prefix(), graphs.prefix()
    with EngineProcess(small_disk / "data", server.url).start() as program:
        run_id = program.submit(graphs.copied(name, NOISE, 100))
        waiting = program.submit(graphs.copied(behind, NOISE, 1))
        until(lambda: program.run(run_id)["steps"] >= 1)
        filler = small_disk / "filler"
        fill(filler)
        until(lambda: is_waiting_for_room(program, run_id))
        with pytest.raises(Refused, match="There is no room left"):
            program.submit(graphs.plain(graphs.prefix()))
        filler.unlink()
        is_all_here(program, run_id, server, name)
        is_all_here(program, waiting, server, behind)
        program.kill()
        program.start()
        is_all_here(program, run_id, server, name)
