"""A data folder that is killed at random moments of its work is whole at the next start."""

from __future__ import annotations

import math
import os
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from comfyui_bridge.core.run_log import LogKind
from tests.store.crashing import House, content

ROOT = Path(__file__).resolve().parents[2]
KILLS = 6
LONGEST_S = 0.4


def killed(folder: Path, seed: int, runs: int, after_s: float) -> set[str]:
    """Let it keep so many runs and work on for so long, kill it; the runs it was told are kept."""
    command = [sys.executable, "-m", "tests.store.crashing", str(folder), str(seed)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    first = [child.stdout.readline() for _ in range(runs)]
    try:
        child.wait(after_s)
    except subprocess.TimeoutExpired:
        os.kill(child.pid, signal.SIGKILL)
    said, _ = child.communicate()
    assert child.returncode == -signal.SIGKILL
    # The last line may be cut off.
    return {line for line in ("".join(first) + said).split("\n")[:-1] if line}


def check(folder: Path, told: set[str]) -> int:
    """Open the folder as a start does, and look at everything that is in it; how many files there are."""
    house = House(folder)
    try:
        house.keeper.sweep()
        house.keeper.tidy()
        with sqlite3.connect(folder / "bridge.db") as plain:
            assert plain.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        plain.close()
        ids = [*(run.run_id for run in house.runs.page(100_000).runs), *house.index.in_bin(math.inf)]
        known = {run_id: run for run_id in ids if (run := house.runs.get(run_id)) is not None}
        assert house.media.run_ids() <= known.keys(), "files of no run"
        needed: set[str] = set()
        for run in known.values():
            names = house.media.names(run.run_id)
            for kept in run.kept:
                assert kept.name in names, f"{run.run_id} says it has {kept.name}"
            if run.kept:
                needed |= {file.ref for file in run.values.values()}
            for name in names:
                path = house.media.path(run.run_id, name)
                assert path is not None
                assert path.read_bytes() == content(run.run_id, name), f"half a file: {path}"
            if run.run_id in told and not run.kept:
                assert [entry.kind for entry in run.log] == [LogKind.REMOVED]
        uploads = house.media.uploads()
        assert needed <= {upload.key for upload in uploads}, "an input that its run needs is gone"
        named = {file.ref for run in known.values() for file in run.values.values()}
        # One that was kept a moment before the end is too young to go.
        assert {upload.key for upload in uploads if upload.used_at == 0} <= named, "an upload of no run"
        for part in ("media", "thumbnails", "uploads"):
            assert list((folder / part / ".making").iterdir()) == []
        return sum(len(house.media.names(run_id)) for run_id in known)
    finally:
        house.database.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_killed_at_random_moments_it_is_whole_at_the_next_start(tmp_path: Path) -> None:
    moments = random.Random(20)
    told: set[str] = set()
    files = 0
    for number in range(KILLS):
        told |= killed(tmp_path, number, number, moments.uniform(0.01, LONGEST_S))
        files = check(tmp_path, told)
    assert len(told) > KILLS
    assert files > 0
