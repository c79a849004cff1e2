"""Which server takes which run: pure choices."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from comfyui_bridge.core.workflow import Workflow

_MODEL_INPUTS = ("ckpt_name", "unet_name")
"""The inputs of ComfyUI's loaders that name the large model, the one that takes long to load."""


@dataclass(frozen=True)
class Standing:
    """A server that may be given runs, as it stands now."""

    load: int = 0
    """Prompts it has to do, ours and others'."""
    has_room: bool = True
    """It may be given one more of ours now."""
    models: frozenset[str] = frozenset()
    """What its last run of ours loaded."""


def models(workflow: Workflow) -> tuple[str, ...]:
    """The large models that a workflow loads, in its order."""
    named = (node.inputs.get(name) for node in workflow.nodes.values() for name in _MODEL_INPUTS)
    return tuple(dict.fromkeys(value for value in named if isinstance(value, str)))


def may_take(
    server: str, needs: Collection[str], able: Collection[str], standings: Mapping[str, Standing]
) -> bool:
    """Whether this server should take a run now.

    Of the `able` that have room, one with the least to do takes it; among equals one that used the
    models it `needs` last, for it has them in memory. Where none is able, one with the least to do of
    all takes it, to say why it cannot in its own words.
    """
    chosen = [name for name in able or standings if name in standings and standings[name].has_room]

    def rank(name: str) -> tuple[int, bool]:
        standing = standings[name]
        return standing.load, not standing.models.issuperset(needs)

    return server in chosen and rank(server) == min(map(rank, chosen))
