"""An engine with experiments on scripted servers, and how to look at their sheets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from comfyui_bridge.core.experiment import AxisKind, AxisPlan, ExperimentState, Plan, SheetNow
from comfyui_bridge.core.run import RunState
from comfyui_bridge.core.template import Template
from comfyui_bridge.engine.experiments import Experiments
from comfyui_bridge.store.experiments import ExperimentStore
from comfyui_bridge.store.presets import PresetStore
from tests.engine.fake_house import DEADLINE, FakeHouse, picture
from tests.fakes.fake_server import FakeServer

COLOR, WIDTH = "1.color", "1.width"


class Lab(FakeHouse):
    """An engine with experiments, on templates that can be taken away."""

    def __init__(self, folder: Path, *servers: FakeServer, **options: Any) -> None:
        self.templates: dict[str, Template] = {"picture": picture("ImageInvert")}
        super().__init__(folder, *servers, **options)

    def enter(self) -> None:
        super().enter()
        self.presets = PresetStore(self.database, self.clock)
        self.store = ExperimentStore(self.database, self.clock)
        self.experiments = Experiments(
            self.engine, self.runs, self.store, self.presets, lambda slug: self.templates.get(slug)
        )
        self.experiments.start_work()

    def leave(self) -> None:
        for server in self.reachable.values():
            server.go_on()
        self.experiments.stop_work(DEADLINE)
        super().leave()

    def die(self) -> None:
        """End as with kill -9: of what is under way nothing more is written down."""
        self.database.close()
        self.leave()

    def begin(self, *axes: AxisPlan, owner: str = "ann", **values: Any) -> str:
        return self.experiments.start(Plan("picture", values, axes), owner)

    def sheet(self, experiment_id: str) -> SheetNow:
        found = self.experiments.sheet(experiment_id)
        assert found is not None
        return found

    def once(self, experiment_id: str, claim: Callable[[SheetNow], Any]) -> SheetNow:
        """The sheet once `claim` holds of it."""
        version = 0
        while True:
            found = self.experiments.wait(experiment_id, version, DEADLINE)
            assert found is not None, f"still {told(self.sheet(experiment_id))}"
            if claim(found):
                return found
            version = found.version

    def is_in(self, experiment_id: str, state: ExperimentState) -> SheetNow:
        return self.once(experiment_id, lambda sheet: sheet.experiment.state is state)

    def done(self, experiment_id: str) -> SheetNow:
        return self.is_in(experiment_id, ExperimentState.DONE)


def told(sheet: SheetNow) -> tuple[Any, ...]:
    states = [cell.run.state.value if cell.run else cell.problem for cell in sheet.cells]
    return sheet.experiment.state.value, sheet.experiment.problem, states


def many(sheet: SheetNow, state: RunState | None, *, inside: bool | None = None) -> int:
    """How many cells have runs in this state; those inside servers only, or the others."""
    return sum(
        cell.run.state is state and inside in (None, bool(cell.run.server)) if cell.run else state is None
        for cell in sheet.cells
    )


def same(house: Lab, count: int) -> AxisPlan:
    """So many cells of one and the same graph."""
    kept = (house.presets.keep("picture", f"same {n}", {WIDTH: 8}, "ann") for n in range(count))
    return AxisPlan(AxisKind.PRESETS, chosen=tuple(preset.preset_id for preset in kept))


def over(key: str, text: str) -> AxisPlan:
    return AxisPlan(AxisKind.VALUES, key, text)
