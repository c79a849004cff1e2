"""Experiments: cells are done in order, once, behind single pictures, and go on after anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from comfyui_bridge.core.errors import InvalidValues
from comfyui_bridge.core.experiment import AxisKind, AxisPlan, ExperimentState, Plan, SheetNow, Verdict
from comfyui_bridge.core.files import marked
from comfyui_bridge.core.run import RunState
from comfyui_bridge.core.values import FileValue
from comfyui_bridge.engine.experiments import spread
from comfyui_bridge.store.run_index import RunIndex
from tests.engine.fake_house import picture
from tests.engine.lab import COLOR, WIDTH, Lab, many, over
from tests.fakes.fake_server import FakeServer


def test_each_cell_is_done_once_in_order_and_a_repetition_runs_what_is_new(
    lab: Callable[..., Lab], one: FakeServer
) -> None:
    house = lab(one)
    plan = Plan("picture", {}, (over(WIDTH, "8,16"), over(COLOR, "1..3")), frozenset({("16", "2")}))
    experiment_id = house.experiments.start(plan, "ann")
    sheet = house.done(experiment_id)
    assert [cell.cell.labels for cell in sheet.cells if cell.run is None] == [("16", "2")]
    runs = [cell.run for cell in sheet.cells if cell.run]
    assert [run.prompt_id for run in runs] == one.begun
    assert [(run.values[WIDTH], run.values[COLOR]) for run in runs] == [
        (8, 1),
        (8, 2),
        (8, 3),
        (16, 1),
        (16, 3),
    ]
    assert {run.experiment for run in runs} == {experiment_id}
    assert all(run.kept and not run.workflow.nodes for run in runs)
    assert house.experiments.counts([experiment_id])[experiment_id] == {
        "cells": 5,
        "done": 5,
        "failed": 0,
        "cancelled": 0,
        "running": 0,
        "left": 0,
    }
    wider = house.experiments.start(Plan("picture", {}, (over(WIDTH, "8,16"), over(COLOR, "2..4"))), "ann")
    sheet = house.done(wider)
    assert [cell.reused for cell in sheet.cells] == [True, True, False, False, True, False]
    assert many(sheet, RunState.COMPLETED) == 6
    assert len(one.begun) == 8
    # Another person's pictures are nobody's to show, and one's own are done again if that is asked for.
    bobs = house.done(house.begin(over(COLOR, "1,2"), owner="bob", **{WIDTH: 8}))
    assert [cell.reused for cell in bobs.cells] == [False, False]
    before = sheet.cells[0].run
    house.experiments.again(wider, [0])
    sheet = house.once(wider, lambda now: now.cells[0].run not in (None, before) and done(now))
    assert not sheet.cells[0].reused
    assert len(one.begun) == 11


def test_what_needs_no_run_is_known_before(lab: Callable[..., Lab], one: FakeServer) -> None:
    house = lab(one)
    house.done(house.begin(over(COLOR, "2,300")))
    rows = [*map(str, range(1, 301)), "7.0", "300.0", "x"]
    table = AxisPlan(AxisKind.TABLE, text="\n".join([COLOR, *rows]))
    plan = Plan("picture", {}, (table,), frozenset({("1",)}))

    def spared(plan: Plan, owner: str = "ann", template: str = "picture") -> list[tuple[list[int], ...]]:
        grid = house.experiments.lay_out(plan, owner).grid
        told = house.experiments.spared(grid, template, owner)
        return [(sorted(one.there), sorted(one.twins)) for one in told]

    # By and by; of a value that is none no run can be made.
    assert spared(plan) == [([1], []), ([1, 299, 301], [300])]
    assert spared(plan, "bob")[-1] == ([], [300, 301])
    assert spared(plan, template="gone") == spared(Plan("picture", {})) == [([], [])]
    few = Plan("picture", {}, (over(COLOR, "2,3"), over(WIDTH, "8,16")), frozenset({("3", "8")}))
    assert spared(few) == [([0], [])]
    sheet = house.done(house.experiments.start(few, "ann"))
    assert [cell.reused for cell in sheet.cells] == [True, False, False, False]
    assert len(one.begun) == 2 + 2


@pytest.mark.parametrize(("rows", "columns"), [(200, 50), (20, 20), (3, 6), (100, 7), (16, 16), (30, 10)])
def test_what_all_cells_take_is_foretold_from_some_of_every_row_and_column(rows: int, columns: int) -> None:
    places = spread(rows * columns, 16)
    assert len(set(places)) == 16
    for axis, length in (
        ([at // columns for at in places], rows),
        ([at % columns for at in places], columns),
    ):
        assert 0.4 < sum(axis) / len(axis) / (length - 1) < 0.6


def done(sheet: SheetNow) -> bool:
    return sheet.experiment.state is ExperimentState.DONE


def test_single_pictures_overtake_and_people_take_turns(lab: Callable[..., Lab], one: FakeServer) -> None:
    house = lab(one, max_waiting=2)
    held = house.submit(picture("Hold"), "cy")
    house.begun(held)
    first, second = (house.begin(over(COLOR, "1..20"), owner=owner) for owner in ("ann", "bob"))
    house.until(lambda: len(one.queue_now()) == 2)
    house.once(first, lambda sheet: many(sheet, RunState.PENDING, inside=False) == 4)
    house.once(second, lambda sheet: many(sheet, RunState.PENDING, inside=False) == 4)
    assert house.runs.count(owner="ann") <= 5  # only a few of them wait at a time
    singles = [house.submit(picture(color=n), "ann") for n in (100, 101)]  # as many as may wait
    one.let_go()
    for run_id in singles:
        house.ended(run_id)
    house.done(first)
    house.done(second)
    owners = {run.prompt_id: (run.owner, run.experiment != "") for run in house.runs.page(100).runs}
    begun = [owners[prompt_id] for prompt_id in one.begun]
    place = [index for index, who in enumerate(begun) if who == ("ann", False)]
    assert place == [2, 3]  # behind the one that ran and the one that stood behind it there
    turns = [owner for owner, is_cell in begun if is_cell]
    assert all(turns[n] != turns[n + 1] for n in range(1, 8))  # those that waited already


def test_pausing_takes_back_what_had_not_begun_and_stopping_cancels(
    lab: Callable[..., Lab], one: FakeServer
) -> None:
    house = lab(one)
    house.templates["picture"] = picture("Hold")
    experiment_id = house.begin(over(COLOR, "1..8"))
    house.once(experiment_id, lambda sheet: many(sheet, RunState.IN_PROGRESS) == 1)
    house.once(experiment_id, lambda sheet: many(sheet, RunState.PENDING, inside=True) == 1)
    house.once(experiment_id, lambda sheet: many(sheet, RunState.PENDING, inside=False) == 4)
    house.experiments.pause(experiment_id)
    sheet = house.sheet(experiment_id)
    assert sheet.experiment.state is ExperimentState.PAUSED
    assert many(sheet, None) == 6
    assert house.runs.count() == 2
    one.let_go()
    house.begun(sheet.cells[1].run.run_id)
    house.leave()
    house.enter()
    house.once(experiment_id, lambda sheet: many(sheet, RunState.COMPLETED) == 1)
    one.let_go()
    house.once(experiment_id, lambda sheet: many(sheet, RunState.COMPLETED) == 2)
    assert one.queue_now() == ()
    # One cell may be asked for while the others wait.
    house.experiments.again(experiment_id, [5])
    house.once(experiment_id, lambda sheet: sheet.cells[5].run and sheet.cells[5].run.started_at)
    one.let_go()
    house.once(experiment_id, lambda sheet: many(sheet, RunState.COMPLETED) == 3)
    assert many(house.sheet(experiment_id), None) == 5
    house.experiments.resume(experiment_id)
    house.once(experiment_id, lambda sheet: many(sheet, RunState.IN_PROGRESS) == 1)
    house.once(experiment_id, lambda sheet: many(sheet, RunState.PENDING, inside=True) == 1)
    house.experiments.stop(experiment_id)
    house.once(experiment_id, lambda sheet: many(sheet, RunState.CANCELLED) == 2)
    house.leave()
    house.enter()
    sheet = house.is_in(experiment_id, ExperimentState.STOPPED)
    assert many(sheet, None) == 3
    house.templates["picture"] = picture("Hold")  # as it was read anew
    house.experiments.resume(experiment_id)
    for _ in range(5):
        house.once(experiment_id, lambda sheet: many(sheet, RunState.IN_PROGRESS) == 1)
        house.until(one.queue_now)
        one.let_go()
    assert many(house.done(experiment_id), RunState.COMPLETED) == 8


def test_clearing_ones_runs_pauses_ones_experiments(lab: Callable[..., Lab], one: FakeServer) -> None:
    house = lab(one)
    house.templates["picture"] = picture("Hold")
    mine = house.begin(over(COLOR, "1..8"))
    house.once(mine, lambda sheet: many(sheet, RunState.IN_PROGRESS) == 1)
    bobs = house.begin(over(COLOR, "1..2"), owner="bob")
    house.engine.cancel_all("ann")
    sheet = house.once(mine, lambda sheet: many(sheet, RunState.CANCELLED))
    assert sheet.experiment.state is ExperimentState.PAUSED
    assert sheet.experiment.problem == ""
    assert house.sheet(bobs).experiment.state is ExperimentState.RUNNING
    house.once(bobs, lambda sheet: many(sheet, RunState.IN_PROGRESS) == 1)


def test_four_servers_have_all_they_can_take_also_where_they_differ(lab: Callable[..., Lab]) -> None:
    servers = [FakeServer(f"http://{n}:1", models=("all", "a" if n < 2 else "b")) for n in range(4)]
    house = lab(*servers)
    house.templates["picture"] = picture("Hold", model="all")
    experiment_id = house.begin(over(COLOR, "1..40"))
    house.once(experiment_id, lambda sheet: many(sheet, RunState.IN_PROGRESS) == 4)
    house.once(experiment_id, lambda sheet: many(sheet, RunState.PENDING, inside=True) == 4)
    house.once(experiment_id, lambda sheet: many(sheet, RunState.PENDING, inside=False) == 10)
    assert many(house.sheet(experiment_id), None) == 22
    house.experiments.delete(experiment_id)
    house.until(lambda: not any(server.queue_now() for server in servers))
    # Thirty cells that only two of them can do stand before those for the others.
    models = AxisPlan(AxisKind.CHOICES, "3.ckpt_name", chosen=("a", "b"))
    house.begin(models, over(COLOR, "41..70"))
    house.until(lambda: all(len(server.queue_now()) == 2 for server in servers))


def test_what_cannot_be_done_is_said_and_the_rest_goes_on(lab: Callable[..., Lab], one: FakeServer) -> None:
    house = lab(one)
    house.templates["picture"] = picture("ImageInvert")
    colors = over(COLOR, "1..4")
    with pytest.raises(InvalidValues, match="no template"):
        house.experiments.start(Plan("gone", {}, (colors,)), "ann")
    with pytest.raises(InvalidValues, match="least is 1"):
        house.begin(over(WIDTH, "0,8"))
    skipped = frozenset((str(n),) for n in range(1, 5))
    with pytest.raises(InvalidValues, match="left out"):
        house.experiments.start(Plan("picture", {}, (colors,), skipped), "ann")
    assert house.experiments.listed("ann") == ()
    house.begun(house.submit(picture("Hold")))
    experiment_id = house.begin(over(COLOR, "1..12"))
    house.once(experiment_id, lambda sheet: many(sheet, RunState.PENDING) >= 4)
    template = house.templates.pop("picture")
    one.let_go()
    sheet = house.once(experiment_id, lambda sheet: sheet.experiment.problem)
    assert (sheet.experiment.state, sheet.experiment.problem[:20]) == (
        ExperimentState.PAUSED,
        "Its template is gone",
    )
    house.once(experiment_id, lambda sheet: not many(sheet, RunState.PENDING))
    house.leave()
    house.enter()
    assert house.sheet(experiment_id).experiment.problem.startswith("Its template is gone")
    house.templates["picture"] = template
    house.ready()
    house.experiments.resume(experiment_id)
    assert many(house.done(experiment_id), RunState.COMPLETED) == 12
    # A file that a cell needs went: that cell says so, and can be done again once it is back.
    house.templates["picture"] = picture(image="example.png")
    gone = FileValue("0" * 64 + ".png", "mine.png")
    images = AxisPlan(AxisKind.CHOICES, "1.image", chosen=("example.png", gone))
    sheet = house.done(house.begin(images))
    assert [cell.run is None for cell in sheet.cells] == [False, True]
    assert "not there any more" in sheet.cells[1].problem
    assert gone.ref[:64] in "".join(house.store.texts())
    assert marked(gone) == house.store.listed("ann", 1)[0].plan.to_json()["axes"][0]["chosen"][1]


def test_a_cell_waits_for_a_server_that_has_not_answered_yet(tmp_path: Path, one: FakeServer) -> None:
    late = FakeServer("http://late:1", models=("b.safetensors",))
    late.lose_the_way()
    house = Lab(tmp_path, one, late)
    try:
        house.ready(one)
        house.templates["picture"] = picture(model="one.safetensors")
        models = AxisPlan(AxisKind.CHOICES, "2.ckpt_name", chosen=("b.safetensors", "one.safetensors"))
        laid = house.experiments.lay_out(Plan("picture", {}, (models,)), "ann")
        assert [problem.variation for problem in laid.problems] == [0]  # nobody can tell yet
        made = house.store.add("ann", "", "picture", Plan("picture", {}, (models,)), laid.grid)
        experiment_id = made.experiment_id
        house.leave()
        late.lose_the_way()
        house.enter()
        sheet = house.once(experiment_id, lambda sheet: many(sheet, RunState.COMPLETED) == 1)
        sheet = house.once(experiment_id, lambda sheet: sheet.experiment.problem)
        assert "http://late:1, which has not answered" in sheet.experiment.problem
        assert sheet.cells[0].problem == ""
        late.find_the_way()
        assert many(house.done(experiment_id), RunState.COMPLETED) == 2
    finally:
        house.leave()


def test_a_sheet_is_judged_named_deleted_and_follows_what_becomes_of_its_runs(
    lab: Callable[..., Lab], one: FakeServer
) -> None:
    house = lab(one)
    experiment_id = house.begin(over(COLOR, "1..4"))
    sheet = house.done(experiment_id)
    assert sheet.experiment.name == "Picture: Color"
    house.experiments.judge(experiment_id, [1, 99], Verdict.REJECTED)
    house.experiments.judge(experiment_id, [2], Verdict.KEPT)
    house.experiments.rename(experiment_id, "  My\n colours ")
    house.experiments.rename(experiment_id, " \n ")
    runs = [cell.run.run_id for cell in sheet.cells if cell.run]
    assert house.experiments.covers(experiment_id) == (runs[2], runs[0], runs[3])
    house.engine.replace(replace(house.run(runs[0]), kept=()))
    RunIndex(house.database).forget([runs[1]])
    house.engine.forget(runs[1])
    newer = house.experiments.sheet(experiment_id, sheet.version)
    assert newer is not None
    assert [cell.cell.index for cell in newer.cells if cell.version > sheet.version] == [0, 1, 2]
    assert newer.cells[0].run.kept == ()
    assert [(cell.run is None, cell.gone) for cell in newer.cells] == [
        (False, False),
        (True, True),
        (False, False),
        (False, False),
    ]
    assert house.experiments.sheet(experiment_id, newer.version) is None
    house.leave()
    house.enter()
    again = house.sheet(experiment_id)
    assert (again.experiment.name, again.experiment.state) == ("My colours", ExperimentState.DONE)
    assert [cell.gone for cell in again.cells] == [False, True, False, False]
    assert [cell.verdict.value for cell in again.cells] == ["", "rejected", "kept", ""]
    assert again.version > newer.version
    house.experiments.delete(experiment_id)
    assert house.experiments.listed("ann") == ()
    assert house.sheet(experiment_id).experiment.deleted
    assert house.runs.count() == 3
    house.experiments.restore(experiment_id)
    assert [one.name for one in house.experiments.listed(None)] == ["My colours"]
    house.experiments.delete(experiment_id)
    house.clock.pass_by(3601)
    house.done(house.begin(over(COLOR, "7")))
    assert house.store.get(experiment_id) is None
    assert house.store.cells(experiment_id) == ()
    assert house.runs.count() == 4
