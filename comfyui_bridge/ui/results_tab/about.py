"""A run in full, for whoever looks at it large: its files, and everything that made them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from comfyui_bridge.core.form import Form
from comfyui_bridge.core.model_files import model_files
from comfyui_bridge.core.run import Run
from comfyui_bridge.core.template import Template
from comfyui_bridge.core.workflow import Workflow
from comfyui_bridge.engine.pool import ServerStatus
from comfyui_bridge.ui import present, value_words
from comfyui_bridge.ui.results_tab import tiles
from comfyui_bridge.ui.words import Words


@dataclass(frozen=True)
class Fact:
    """What is known of a run besides its values: what it is called, and what is copied of it."""

    label: str
    text: str


def about(
    run: Run,
    now: float,
    servers: tuple[ServerStatus, ...],
    words: Words,
    *,
    form: Form | None,
    template: Template | None,
    person: str = "",
) -> dict[str, Any]:
    """All that the script shows of a run. `template`: its own, while that is in the library."""
    view = present.stage(run, now, servers, words, form=form)
    return {
        **asdict(view),
        "title": present.run_title(run, template, words),
        "run": run.run_id,
        "state": run.state.value,
        "state_words": words(f"state_{run.state.value}"),
        "at": run.created_at,
        "is_there": template is not None,
        "removed": tiles.removed(run, words),
        "values": [asdict(one) for one in value_words.listed(form, run.values, words)],
        "facts": [asdict(one) for one in _facts(run, words, person)],
    }


def _facts(run: Run, words: Words, person: str) -> Iterator[Fact]:
    loras = tuple(_loras(run.workflow))
    named = {name for name, _ in loras}
    for name in model_files(run.workflow):
        if name not in named:
            yield Fact(words("fact_model"), name)
    for name, strength in loras:
        yield Fact(words("fact_lora"), f"{name} · {strength:g}" if strength is not None else name)
    if run.server:
        yield Fact(words("fact_server"), run.server)
    if run.seconds is not None:
        yield Fact(words("fact_seconds"), words("seconds", count=f"{run.seconds:.1f}"))
    if person:
        yield Fact(words("fact_person"), person)
    yield Fact(words("fact_run"), run.run_id)


def _loras(workflow: Workflow) -> Iterator[tuple[str, float | None]]:
    """Name and strength of each LoRA that stands in the graph."""
    for node in workflow.nodes.values():
        name, strength = node.inputs.get("lora_name"), node.inputs.get("strength_model")
        if isinstance(name, str):
            is_number = isinstance(strength, (int, float)) and not isinstance(strength, bool)
            yield name, float(strength) if is_number else None
