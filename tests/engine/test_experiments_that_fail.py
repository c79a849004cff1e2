"""Experiments with cells that fail, cells that are the same, and such that are brought back."""

from __future__ import annotations

from collections.abc import Callable

from comfyui_bridge.core.experiment import ExperimentState, SheetNow
from comfyui_bridge.core.run import RunState
from tests.engine.fake_house import picture
from tests.engine.lab import COLOR, Lab, many, over, same
from tests.fakes.fake_server import FakeServer

FAILED_AGAIN = "Paused because cell after cell failed: Raise: It broke. Resume to go on all the same."


def running(sheet: SheetNow) -> int:
    return many(sheet, RunState.IN_PROGRESS)


def let_go(house: Lab, server: FakeServer, experiment_id: str) -> None:
    """Let the cell that runs here go on to its end."""
    house.once(experiment_id, running)
    (run_id,) = {
        c.run.run_id
        for c in house.sheet(experiment_id).cells
        if c.run and c.run.started_at and not c.run.state.is_final
    }
    server.let_go()
    house.ended(run_id)
    house.once(
        experiment_id,
        lambda sheet: all(c.run.state.is_final for c in sheet.cells if c.run and c.run.run_id == run_id),
    )


def test_cell_after_cell_that_fails_pauses_it_and_it_says_why(
    lab: Callable[..., Lab], one: FakeServer
) -> None:
    house = lab(one)
    house.templates["picture"] = picture("Hold", "Raise")
    experiment_id = house.begin(over(COLOR, "1..20"))
    for _ in range(2):
        let_go(house, one, experiment_id)
    house.engine.cancel(house.once(experiment_id, running).cells[2].run.run_id)
    house.once(experiment_id, lambda sheet: many(sheet, RunState.CANCELLED))
    assert house.sheet(experiment_id).experiment.state is ExperimentState.RUNNING
    house.die()  # whoever comes next knows that two had failed
    house.enter()
    let_go(house, one, experiment_id)
    sheet = house.is_in(experiment_id, ExperimentState.PAUSED)
    assert sheet.experiment.problem == FAILED_AGAIN
    house.once(experiment_id, lambda sheet: many(sheet, None) == 14)
    house.leave()
    house.enter()
    sheet = house.is_in(experiment_id, ExperimentState.PAUSED)
    assert sheet.experiment.problem == FAILED_AGAIN
    assert house.store.listed("ann", 1)[0].problem == FAILED_AGAIN
    # What had begun ends; nothing else begins until somebody goes on.
    for _ in range(2):
        let_go(house, one, experiment_id)
    assert one.queue_now() == ()
    house.templates["picture"] = picture("ImageInvert")
    house.ready()
    # Whoever asks for what failed wants it to go on.
    cells = house.sheet(experiment_id).cells
    failed = [at for at, cell in enumerate(cells) if cell.run and cell.run.state is RunState.FAILED]
    assert len(failed) == 5
    house.experiments.again(experiment_id, failed)
    sheet = house.done(experiment_id)
    assert (many(sheet, RunState.COMPLETED), many(sheet, RunState.CANCELLED)) == (19, 1)
    assert sheet.experiment.problem == ""


def test_a_last_cell_that_fails_ends_it_and_servers_that_die_together_do_not_pause_it(
    lab: Callable[..., Lab], one: FakeServer, two: FakeServer
) -> None:
    servers = [one, two, FakeServer("http://three:3"), FakeServer("http://four:4")]
    house = lab(*servers)
    house.templates["picture"] = picture("Hold")
    experiment_id = house.begin(over(COLOR, "1..20"))
    house.once(experiment_id, lambda sheet: running(sheet) == 4)
    for server in servers:
        server.restart()
    house.once(experiment_id, lambda sheet: many(sheet, RunState.FAILED) >= 4)
    sheet = house.once(experiment_id, lambda sheet: running(sheet) == 4)
    assert sheet.experiment.state is ExperimentState.RUNNING
    house.experiments.delete(experiment_id)
    house.templates["picture"] = picture("Raise")
    sheet = house.done(house.begin(over(COLOR, "1..3")))
    assert many(sheet, RunState.FAILED) == 3


def test_cells_of_one_graph_are_done_once_and_all_show_it(lab: Callable[..., Lab], one: FakeServer) -> None:
    house = lab(one)
    house.templates["picture"] = picture("Hold")
    experiment_id = house.begin(same(house, 4), over(COLOR, "1,2"))
    let_go(house, one, experiment_id)
    house.once(experiment_id, lambda sheet: many(sheet, RunState.COMPLETED) == 4)
    house.once(experiment_id, running)
    house.die()
    house.enter()
    let_go(house, one, experiment_id)
    sheet = house.done(experiment_id)
    assert [cell.reused for cell in sheet.cells] == [False, False, *[True] * 6]
    assert len({cell.run.run_id for cell in sheet.cells if cell.run}) == len(one.begun) == 2
    # Asked for again, all four at once: once more, and all show the new one.
    first = [cell.cell.index for cell in sheet.cells if cell.cell.labels[1] == "1"]
    one.free()
    house.experiments.again(experiment_id, first)
    let_go(house, one, experiment_id)
    sheet = house.done(experiment_id)
    assert len(one.begun) == house.runs.count() == 3
    assert {sheet.cells[index].run.prompt_id for index in first} == {one.begun[-1]}


def test_cells_of_one_graph_that_found_no_room_at_first_are_not_done_again(
    lab: Callable[..., Lab], one: FakeServer
) -> None:
    house = lab(one)
    sheet = house.done(house.begin(same(house, 3), over(COLOR, "1..10")))
    assert [cell.reused for cell in sheet.cells] == [False] * 10 + [True] * 20
    assert len(one.begun) == 10


def test_cells_of_one_graph_on_two_sheets_are_done_once(lab: Callable[..., Lab], one: FakeServer) -> None:
    house = lab(one)
    house.templates["picture"] = picture("Hold")
    first = house.begin(over(COLOR, "1..6"))
    house.once(first, lambda sheet: many(sheet, RunState.PENDING, inside=False) == 4)
    second, bobs = house.begin(over(COLOR, "0..6")), house.begin(over(COLOR, "1,2"), owner="bob")
    house.once(second, lambda sheet: many(sheet, RunState.PENDING) == 1)
    house.once(bobs, lambda sheet: many(sheet, RunState.PENDING) == 2)
    assert many(house.sheet(second), None) == 6
    # What waits there no more is done here, and what runs there is shown.
    house.experiments.pause(first)
    house.once(second, lambda sheet: many(sheet, RunState.PENDING) == 4)
    assert [cell.run is None for cell in house.sheet(second).cells[:4]] == [False, True, True, False]
    for _ in range(7):  # what is bob’s the server has by then
        house.until(one.queue_now)
        one.let_go()
    assert [cell.reused for cell in house.done(second).cells] == [False, True, True, *[False] * 4]
    house.experiments.resume(first)
    assert [cell.reused for cell in house.done(first).cells] == [False, False, True, True, True, True]
    house.done(bobs)
    assert len(one.begun) == 7 + 2


def test_where_a_cell_fails_or_is_stopped_the_next_of_its_kind_is_tried(
    lab: Callable[..., Lab], one: FakeServer
) -> None:
    house = lab(one)
    house.templates["picture"] = picture("Hold", "Raise")
    experiment_id = house.begin(same(house, 5))
    for count in (1, 2):
        let_go(house, one, experiment_id)
        assert len(one.begun) >= count
    house.engine.cancel(house.once(experiment_id, running).cells[2].run.run_id)
    sheet = house.once(experiment_id, lambda sheet: many(sheet, RunState.CANCELLED) and running(sheet))
    assert [cell.run.state.value if cell.run else "" for cell in sheet.cells] == [
        "failed",
        "failed",
        "cancelled",
        "in_progress",
        "",
    ]
    house.experiments.stop(experiment_id)
    house.once(experiment_id, lambda sheet: many(sheet, RunState.CANCELLED) == 2)
    house.templates["picture"] = picture("Hold")
    house.experiments.resume(experiment_id)
    let_go(house, one, experiment_id)
    sheet = house.done(experiment_id)
    assert [cell.run.state.value for cell in sheet.cells if cell.run] == ["failed"] * 2 + ["completed"] * 3
    assert len(one.begun) == 5


def test_what_was_deleted_comes_back_paused_with_its_cells_as_they_were(
    lab: Callable[..., Lab], one: FakeServer
) -> None:
    house = lab(one)
    house.templates["picture"] = picture("Hold")
    experiment_id = house.begin(over(COLOR, "1..9"))
    let_go(house, one, experiment_id)
    house.engine.cancel(house.once(experiment_id, running).cells[1].run.run_id)
    house.once(experiment_id, lambda sheet: many(sheet, RunState.CANCELLED) and running(sheet))
    house.until(lambda: len(one.queue_now()) == 2)
    house.experiments.delete(experiment_id)
    house.until(lambda: not one.queue_now())
    house.experiments.resume(experiment_id)
    house.experiments.again(experiment_id, [0])
    house.experiments.restore(experiment_id)
    for _ in range(2):
        sheet = house.sheet(experiment_id)
        assert (sheet.experiment.state, sheet.experiment.deleted) == (ExperimentState.PAUSED, False)
        assert [cell.run.state.value if cell.run else "" for cell in sheet.cells] == [
            "completed",
            "cancelled",
            *[""] * 7,
        ]
        house.until(lambda: house.runs.count(state=RunState.CANCELLED) == 3)
        assert house.runs.count() == 4  # what waited with us was never begun
        house.die()
        house.enter()
    house.templates["picture"] = picture("ImageInvert")
    house.ready()
    house.experiments.resume(experiment_id)
    assert many(house.done(experiment_id), RunState.COMPLETED) == 9
    assert house.store.adrift(experiment_id) == ()


def test_what_was_deleted_and_not_yet_cancelled_is_cancelled_at_the_next_start(
    lab: Callable[..., Lab], one: FakeServer
) -> None:
    house = lab(one)
    house.templates["picture"] = picture("Hold")
    experiment_id = house.begin(over(COLOR, "1..3"))
    house.once(experiment_id, running)
    house.until(lambda: len(one.queue_now()) == 2)
    house.store.put_away(experiment_id, house.store.of_deleted())  # and no more than that
    house.die()
    house.enter()
    house.until(lambda: not one.queue_now())
    house.until(lambda: house.runs.count(state=RunState.CANCELLED) == 3)
