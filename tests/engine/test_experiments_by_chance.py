"""Whatever people do to experiments, and whatever befalls them meanwhile: their sheets tell the truth.

Which acts, and in which order, is drawn from a fixed seed; how far the cells are then is up to the threads.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from comfyui_bridge.core.experiment import CellNow, ExperimentState, Verdict
from comfyui_bridge.core.run import Run, RunState
from tests.engine.fake_house import picture
from tests.engine.lab import COLOR, Lab, over, same
from tests.fakes.fake_server import FakeServer

CELLS = 18
"""Of six graphs, each three times."""
WELL, BADLY = picture("ImageInvert"), picture("Raise")


class Play:
    """Somebody with an experiment, and what they must find in the end."""

    def __init__(self, house: Lab, one: FakeServer, two: FakeServer, seed: int) -> None:
        self.house, self.chance = house, random.Random(seed)
        self.experiment_id = house.begin(same(house, 3), over(COLOR, f"{seed}01..{seed}06"))
        self.other = house.begin(over(COLOR, f"{seed}01..{seed}06"))
        """Each graph of the first one once more."""
        self.verdicts: dict[int, Verdict] = {}
        self.asked: Counter[str] = Counter()
        """How often cells of each graph were asked for again."""
        own = self.experiment_id
        self.acts: dict[str, Callable[[], Any]] = {
            "pause": lambda: self.house.experiments.pause(own),
            "resume": lambda: self.house.experiments.resume(own),
            "go on": lambda: self.house.experiments.resume(own),
            "stop": lambda: self.house.experiments.stop(own),
            "delete": lambda: self.house.experiments.delete(own),
            "undo": lambda: self.house.experiments.restore(own),
            "undo it": lambda: self.house.experiments.restore(own),
            "again": self.again,
            "judge": self.judge,
            "cancel": self.cancel,
            "pause the other": lambda: self.house.experiments.pause(self.other),
            "resume the other": lambda: self.house.experiments.resume(self.other),
            "stop the other": lambda: self.house.experiments.stop(self.other),
            "clear": lambda: self.house.engine.cancel_all("ann"),
            "break": lambda: self.house.templates.update(picture=BADLY),
            "mend": lambda: self.house.templates.update(picture=WELL),
            "drop": one.drop_sockets,
            "restart": two.restart,
            "leave": lambda: (self.house.leave(), self.house.enter()),
            "kill": lambda: (self.house.die(), self.house.enter()),
        }

    def act(self) -> None:
        self.acts[self.chance.choice(list(self.acts))]()
        version = self.house.sheet(self.experiment_id).version
        self.house.experiments.wait(self.experiment_id, version, self.chance.random() / 50)

    def again(self) -> None:
        chosen = self.chance.sample(range(CELLS), 3)
        self.asked.update(
            self.house.sheet(self.experiment_id).cells[index].cell.labels[1] for index in chosen
        )
        self.house.experiments.again(self.experiment_id, chosen)

    def judge(self) -> None:
        index, verdict = self.chance.randrange(CELLS), self.chance.choice(list(Verdict))
        self.verdicts[index] = verdict
        self.house.experiments.judge(self.experiment_id, [index], verdict)

    def cancel(self) -> None:
        cells = self.house.sheet(self.experiment_id).cells
        runs = [cell.run.run_id for cell in cells if cell.run and not cell.run.state.is_final]
        if runs:
            self.house.engine.cancel(self.chance.choice(runs))

    def end(self) -> None:
        """Everything mended, until all is made."""
        self.house.experiments.restore(self.experiment_id)
        self.house.templates["picture"] = WELL
        for experiment_id in (self.experiment_id, self.other):
            self.end_it(experiment_id)

    def end_it(self, experiment_id: str) -> None:
        for _ in range(6):
            self.house.experiments.resume(experiment_id)
            sheet = self.house.done(experiment_id)
            failed = [cell.cell.index for cell in sheet.cells if state(cell) is not RunState.COMPLETED]
            if not failed:
                return
            self.asked.update(sheet.cells[index].cell.labels[-1] for index in failed)
            self.house.experiments.again(experiment_id, failed)
        raise AssertionError(f"still without: {failed}")


def state(cell: CellNow) -> RunState | None:
    return cell.run.state if cell.run is not None else None


def is_true(play: Play) -> None:
    """The sheet, the rows and the runs tell the same."""
    house, own = play.house, play.experiment_id
    cells, rows = house.sheet(own).cells, house.store.cells(own)
    assert [row.index for row in rows] == list(range(CELLS))
    for cell, row in zip(cells, rows, strict=True):
        assert cell.verdict is row.verdict is play.verdicts.get(row.index, Verdict.NONE)
        assert cell.run is not None
        stored = house.runs.get(row.run_id)
        assert stored is not None
        assert stored.state is row.outcome is cell.run.state is RunState.COMPLETED
        assert stored.run_id == cell.run.run_id
        assert stored.kept
        assert str(stored.values[COLOR]) == cell.cell.labels[1]
    own_runs = [row.run_id for row in rows if not row.reused]
    assert len(set(own_runs)) == len(own_runs)
    counts = house.experiments.counts([own])[own]
    assert (counts["cells"], counts["done"], counts["left"]) == (CELLS, CELLS, 0)


def is_made_once(play: Play, *servers: FakeServer) -> None:
    """No graph was made more often than somebody asked for it, and no run is left over."""
    runs: list[Run] = list(play.house.runs.page(1000, owner="ann").runs)
    assert all(run.state.is_final for run in runs)
    made = Counter(str(run.values[COLOR]) for run in runs if run.state is RunState.COMPLETED)
    assert all(times <= 1 + play.asked[color] for color, times in made.items()), (made, play.asked)
    assert not any(server.queue_now() for server in servers)
    for server in servers:
        assert max(Counter(server.submissions).values(), default=1) == 1
        assert max(Counter(server.begun).values(), default=1) == 1


@pytest.mark.parametrize("seed", range(5))
def test_whatever_happens_every_cell_is_made_and_the_sheet_tells_the_truth(
    lab: Callable[..., Lab], one: FakeServer, two: FakeServer, seed: int
) -> None:
    house = lab(one, two)
    play = Play(house, one, two, seed + 1)
    for _ in range(20):
        play.act()
    play.end()
    is_true(play)
    is_made_once(play, one, two)
    house.leave()
    house.enter()
    assert house.sheet(play.experiment_id).experiment.state is ExperimentState.DONE
    is_true(play)
