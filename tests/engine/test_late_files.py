"""What a run made before it failed is fetched after a start anew, if the program ended in between."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace

from comfyui_bridge.core import run_log, template
from comfyui_bridge.core.run import RunState
from comfyui_bridge.core.run_log import LogKind
from comfyui_bridge.core.template import Template
from tests.engine.fake_house import FakeHouse
from tests.fakes.fake_server import FakeServer


def half(color: int) -> Template:
    """A template that saves one picture, then fails."""
    empty = {"width": 8, "height": 8, "batch_size": 1, "color": color}
    return template.parse(
        "half",
        {
            "1": {"class_type": "EmptyImage", "inputs": empty},
            "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "half"}},
            "3": {"class_type": "Raise", "inputs": {"image": ["1", 0]}},
            "99": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "whole"}},
        },
    )


def test_files_of_a_failed_run_that_were_not_fetched_are_fetched_later(
    build: Callable[..., FakeHouse], one: FakeServer
) -> None:
    house = build(one)
    failed, thrown_away = house.submit(half(1)), house.submit(half(2))
    for run_id in (failed, thrown_away):
        house.run_is(run_id, lambda run: run.state is RunState.FAILED and len(run.kept) == 1)
    # As a crash between the failure and the fetching leaves them; of the other the files were removed since.
    house.runs.update(replace(house.run(failed), kept=()))
    gone = house.run(thrown_away)
    log = run_log.appended(gone.log, house.clock(), LogKind.REMOVED, "files")
    house.runs.update(replace(gone, kept=(), log=log))
    house.leave()
    for run_id in (failed, thrown_away):
        shutil.rmtree(house.database.directory / "media" / run_id)
    house.enter()
    run = house.run_is(failed, lambda run: len(run.kept) == 1)
    assert (run.state, run.warnings) == (RunState.FAILED, ())
    path = house.media.path(failed, run.kept[0].name)
    assert path is not None
    assert path.is_file()
    assert house.run(thrown_away).kept == ()
    stored = house.runs.get(failed)
    assert stored is not None
    assert stored.kept == run.kept
