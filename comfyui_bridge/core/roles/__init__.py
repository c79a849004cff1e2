"""What an input is for, found by following links from what generates, never by guessing node ids.

A role is the plain name of a thing people change: prompt, negative, seed, steps, width, checkpoint. Each
sampler and each node that calls a service is a stage; the roles of the second one end in _2, and so on.
A role that would point at the wrong thing is left out: the input stands under its node's name then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from comfyui_bridge.core.node_defs import NodeDefs
from comfyui_bridge.core.roles.files import Files
from comfyui_bridge.core.roles.sizes import Sizes
from comfyui_bridge.core.roles.stages import Stages
from comfyui_bridge.core.roles.texts import Texts
from comfyui_bridge.core.roles.vocabulary import WORDS
from comfyui_bridge.core.tracing import Place, Tracer
from comfyui_bridge.core.workflow import Workflow


@dataclass(frozen=True)
class Role:
    """What an input is for, in which stage, and why we think so."""

    name: str
    why: str
    stage: int = 1
    detail: str = ""
    """What tells it from others of its name, where there are any."""

    @property
    def key(self) -> str:
        return self.name if self.stage == 1 else f"{self.name}_{self.stage}"


@dataclass
class _Found:
    """A role on its way to its number."""

    role: Role
    place: Place


def find(workflow: Workflow, node_defs: NodeDefs) -> Mapping[Place, Role]:
    """The roles of a workflow's inputs; each input has one, each key is given once."""
    return _Finder(Tracer(workflow, node_defs)).find()


@dataclass
class _Finder:
    tracer: Tracer
    found: dict[Place, _Found] = field(default_factory=dict)

    def find(self) -> Mapping[Place, Role]:
        files, sizes = Files(self.tracer), Sizes(self.tracer)
        finder = Stages(self.tracer, Texts(self.tracer), sizes, files)
        stages = finder.all()
        generating = [stage.node for stage in stages]
        names = Counter(stage.node.name for stage in stages)
        for number, stage in enumerate(stages, 1):
            detail = stage.node.name if names[stage.node.name] == 1 else f"stage {number}"
            detail = "" if number == 1 else detail
            for name, place in stage.places:
                self._add(place, Role(name, f"{stage.subject} {WORDS[name]}.", number, detail))
        for name, place, why, detail in files.uploads(generating):
            self._add(place, Role(name, why, 1, detail))
        for place, why in files.vaes(generating, finder.helpers):
            self._add(place, Role("vae", why))
        for name, place, why in files.loaders():
            self._add(place, Role(name, why))
        for place in sizes.frame_rates():
            self._add(place, Role("fps", f"The video {WORDS['fps']}."))
        return self._numbered()

    def _add(self, place: Place, role: Role) -> None:
        if place not in self.found:
            self.found[place] = _Found(role, place)

    def _numbered(self) -> Mapping[Place, Role]:
        """Each key once: the first of a name has the plain one, others the number of their stage."""
        groups: dict[str, list[_Found]] = {}
        for one in self.found.values():
            groups.setdefault(one.role.name, []).append(one)
        for group in groups.values():
            group.sort(key=lambda one: one.role.stage)
            details = [self._detail(one) for one in group] if len(group) > 1 else [""]
            counts = Counter(details)
            number = 0
            for one, detail in zip(group, details, strict=True):
                number = max(one.role.stage, number + 1) if number else 1
                telling = detail if counts[detail] == 1 else ""
                one.role = replace(one.role, stage=number, detail=telling)
        return {place: one.role for place, one in self.found.items()}

    def _detail(self, one: _Found) -> str:
        node = self.tracer.workflow.nodes[one.place.node_id]
        definition = self.tracer.definition(node)
        usual = (node.class_type, definition.display_name if definition else "")
        return one.role.detail if node.title in ("", *usual) else node.title
