"""Where a value really stands: links followed upstream through everything that only hands them on.

A width may come from a primitive behind a switch behind a reroute, a prompt through a rewriting language
model. What computes something new ends the walk, for a value changed there would not be the one asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field

from comfyui_bridge.core.node_defs import NodeDef, NodeDefs, OutputDef, StringSpec
from comfyui_bridge.core.workflow import Link, Node, Workflow

WIDGET_TYPES = frozenset(("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"))
# Primitives of ComfyUI say `value`; those of extensions often name it after its type.
_PRIMITIVE_INPUTS = ("value", "Value", "int", "float", "string", "String", "boolean", "number", "text")
# Nodes of other tools that stand for an input of a form, and hand its value on.
_MARKERS = (
    ("SwarmInput", "value"),
    ("CPackInputAny", "input"),
    ("CPackInput", "value"),
    ("ETN_Parameter", "default"),
    ("ComfyUIDeployExternal", "default_value"),
)
_SWITCHES = ("switch", "boolean", "condition", "cond")
# Texts that steer how another text is worked on, and are not themselves what a person wants to say.
_TOOLS = frozenset(
    ("system_prompt", "find", "delimiter", "separator", "regex_pattern", "pattern", "key", "filename_prefix")
)
_TEXT_ORDER = (
    "prompt",
    "text",
    "user_prompt",
    "prompt_text",
    "text_prompt",
    "high_level_description",
    "description",
    "string",
    "string_a",
    "value",
    "texts",
    "f_string",
)
_INSTRUCTION = re.compile(r"\W*(you are an?\b|system prompt)", re.IGNORECASE)
_MAX_NESTED = 100
"""Nodes that hand a value on, one after the other: more than anyone links, less than Python can take."""


@dataclass(frozen=True)
class Place:
    """An input of a node that holds a value."""

    node_id: str
    input: str


@dataclass(frozen=True)
class Origin:
    """Where a value comes from, and whether it is worked on along the way (a / 2, seconds times frames)."""

    place: Place
    computed: bool = False


def leaf(name: str) -> str:
    """The last part of an input's name: "prompt" of "model.prompt"."""
    return name.rpartition(".")[2]


@dataclass
class Tracer:
    """Follows the links of one workflow. Knows less where a server's definitions are missing."""

    workflow: Workflow
    node_defs: NodeDefs
    visited: set[str] = field(default_factory=set)
    """The nodes that texts were followed through."""
    _depth: int = 0
    _origins: dict[Place, Origin | None] = field(default_factory=dict)
    _ends: dict[Link, Link] = field(default_factory=dict)
    _takers: dict[str, list[tuple[Node, str]]] | None = None
    _texts_at: dict[Place, list[Place]] = field(default_factory=dict)

    def node(self, node_id: str) -> Node | None:
        return self.workflow.nodes.get(node_id)

    def definition(self, node: Node) -> NodeDef | None:
        return self.node_defs.get(node.class_type)

    def output(self, link: Link) -> OutputDef | None:
        """What a server says of the output that a link begins at."""
        node = self.node(link.node_id)
        definition = self.definition(node) if node else None
        if definition is None or not 0 <= link.output < len(definition.outputs):
            return None
        return definition.outputs[link.output]

    def is_of_type(self, name: str, link: Link, type_: str) -> bool:
        """Whether a link carries this type; guessed from the input's name where no server tells."""
        output = self.output(self._through_switches(link))
        if output is not None and output.type != "*" and not output.match_group:
            return output.type == type_
        return name.lower().startswith(type_.lower())

    def _through_switches(self, link: Link) -> Link:
        walked: dict[Link, None] = {}
        end = link
        while end not in walked:
            walked[end] = None
            node = self.node(end.node_id)
            branch = self.branch(node) if node else None
            content = node.inputs[branch] if node and branch else None
            end = self._ends.get(end, content if isinstance(content, Link) else end)
        self._ends.update(dict.fromkeys(walked, end))
        return end

    def value(self, node_id: str, name: str) -> Place | None:
        """Where an input's value stands: here, or in the primitive its link leads to."""
        origin = self.origin(node_id, name)
        return None if origin is None or origin.computed else origin.place

    def origin(self, node_id: str, name: str) -> Origin | None:
        """Like `value`, but also through arithmetic that has one place to begin at."""
        at = Place(node_id, name)
        if at not in self._origins and self._depth <= _MAX_NESTED:
            self._origins[at] = None  # what a circle finds here
            self._depth += 1
            self._origins[at] = self._origin_of(at)
            self._depth -= 1
        return self._origins.get(at)

    def _origin_of(self, at: Place) -> Origin | None:
        node = self.node(at.node_id)
        if node is None or at.input not in node.inputs:
            return None
        content = node.inputs[at.input]
        if not isinstance(content, Link):
            return Origin(at)
        source = self.node(content.node_id)
        if source is not None and "expression" in source.inputs:
            return self._computed(source)
        step = self.relay(content)
        return self.origin(step.node_id, step.input) if step else None

    def _computed(self, node: Node) -> Origin | None:
        """Where a calculation begins, if it is one value that it works on."""
        found = [(name, origin) for name, _ in node.links() if (origin := self.origin(node.node_id, name))]
        if len(found) != 1:
            return None
        name, origin = found[0]
        changes = str(node.inputs["expression"]).strip() != leaf(name)
        return Origin(origin.place, origin.computed or changes)

    def factors(self, node_id: str, name: str) -> tuple[Place, ...]:
        """The places that a calculated value is worked out from."""
        node = self.node(node_id)
        content = node.inputs.get(name) if node else None
        source = self.node(content.node_id) if isinstance(content, Link) else None
        if source is None or "expression" not in source.inputs:
            return ()
        found = (self.origin(source.node_id, operand) for operand, _ in source.links())
        return tuple(origin.place for origin in found if origin is not None)

    def relay(self, link: Link) -> Place | None:
        """The input that a node hands on unchanged at this output; None for one that computes."""
        node = self.node(link.node_id)
        if node is None:
            return None
        branch = self.branch(node)
        if branch is None and not _is_switch(node):
            branch = self._handed_on(node, link.output)
        return None if branch is None else Place(node.node_id, branch)

    def branch(self, node: Node) -> str | None:
        """The input that a switch lets through, as it stands."""
        if not _is_switch(node):
            return None
        place = next((self.value(node.node_id, name) for name in _SWITCHES if name in node.inputs), None)
        chosen = self.workflow.nodes[place.node_id].inputs[place.input] if place else None
        if not isinstance(chosen, bool):
            return None
        name = "on_true" if chosen else "on_false"
        return name if name in node.inputs else None

    def _handed_on(self, node: Node, output: int) -> str | None:
        marked = next((n for prefix, n in _MARKERS if node.class_type.startswith(prefix)), None)
        if marked in node.inputs:
            return marked
        definition = self.definition(node)
        links = [name for name, _ in node.links()]
        if definition is None or not 0 <= output < len(definition.outputs):
            if links:
                return links[0] if len(node.inputs) == 1 else None
            return next((name for name in _PRIMITIVE_INPUTS if name in node.inputs), _only(list(node.inputs)))
        out = definition.outputs[output]
        # An output called after its type says nothing: StringReplace has an input `string` too.
        echo = next(
            (name for name in node.inputs if name.lower() == out.name.lower() != out.type.lower()), None
        )
        if echo is not None and self._input_type(definition, echo) == out.type:
            return echo
        if len(links) == 1 and len(node.inputs) == 1:
            fits = ("*", out.type, "COMFY_MATCHTYPE_V3")
            return links[0] if self._input_type(definition, links[0]) in fits else None
        if links or out.type not in WIDGET_TYPES or definition.api_node:
            return None
        own = [name for name in node.inputs if self._input_type(definition, name) == out.type]
        alone = _only(own) if len(node.inputs) == 1 else None
        return next((name for name in _PRIMITIVE_INPUTS if name in own), alone)

    def _input_type(self, definition: NodeDef, name: str) -> str:
        found = definition.input(name)
        return found.type if found else ""

    def targets(self, place: Place) -> list[Place]:
        """The inputs that take a primitive's value as it is, through what only hands it on."""
        found: list[Place] = []
        waiting, seen = [place.node_id], {place.node_id}
        while waiting:
            for node, name in self.takers(waiting.pop(0)):
                link = node.inputs[name]
                ends = isinstance(link, Link) and self.value(node.node_id, name) == place
                if ends and node.node_id not in seen and _hands_on(node):
                    seen.add(node.node_id)
                    waiting.append(node.node_id)
                elif ends:
                    found.append(Place(node.node_id, name))
        return found

    def takers(self, node_id: str) -> list[tuple[Node, str]]:
        """The (node, input name) pairs that a node's outputs feed."""
        if self._takers is None:
            self._takers = {}
            for node in self.workflow.nodes.values():
                for name, link in node.links():
                    self._takers.setdefault(link.node_id, []).append((node, name))
        return self._takers.get(node_id, [])

    # Texts

    def texts(self, node_id: str, name: str) -> list[Place]:
        """The places where people write what ends in this input, those they mean most first."""
        return list(dict.fromkeys(self._texts(Place(node_id, name), 0)))

    def _texts(self, at: Place, depth: int) -> list[Place]:
        if at not in self._texts_at and depth <= _MAX_NESTED:
            self._texts_at[at] = []  # what a circle finds here
            self._texts_at[at] = self._texts_of(at, depth + 1)
        return self._texts_at.get(at, [])

    def _texts_of(self, at: Place, depth: int) -> list[Place]:
        node = self.node(at.node_id)
        if node is None:
            return []
        self.visited.add(node.node_id)
        content = node.inputs.get(at.input)
        if not isinstance(content, Link):
            return [at] if isinstance(content, str) else []
        source = self.node(content.node_id)
        if source is None:
            return []
        self.visited.add(source.node_id)
        if _is_switch(source):
            return self._switched_texts(source, depth)
        step = self._handed_on(source, content.output)
        if step is not None:
            return self._texts(Place(source.node_id, step), depth)
        return self._worked_texts(source, content, depth)

    def _switched_texts(self, node: Node, depth: int) -> list[Place]:
        """What the open branch says. Where that is several texts, those that the closed one has too: a
        switch round a prompt enhancer has the instructions on one side and the person's text on both."""
        branches = [name for name in ("on_false", "on_true") if name in node.inputs]
        found = {name: self._texts(Place(node.node_id, name), depth) for name in branches}
        active = found.pop(self.branch(node) or "", None)
        others = [place for places in found.values() for place in places]
        if not active:
            return others
        return [place for place in active if place in others] or active

    def _worked_texts(self, node: Node, link: Link, depth: int) -> list[Place]:
        """The texts that a node makes a new text of: joined, replaced, rewritten by a language model."""
        if (output := self.output(link)) is not None and output.type not in ("STRING", "DICT", "*"):
            return []
        names = [name for name in self.text_inputs(node) if leaf(name) not in _TOOLS]
        linked = [name for name in names if isinstance(node.inputs[name], Link)]
        found = [place for name in linked for place in self._texts(Place(node.node_id, name), depth)]
        if found:
            return self._without_instructions(found)
        typed = [name for name in names if isinstance(node.inputs[name], str)]
        typed.sort(key=lambda name: (not node.inputs[name], _text_rank(name)))
        return [Place(node.node_id, name) for name in typed[:1]]

    def text_inputs(self, node: Node) -> list[str]:
        """The inputs of a node that take a text, by a value or a link, in its order."""
        definition = self.definition(node)
        if definition is None:
            return [name for name in node.inputs if leaf(name) in _TEXT_ORDER]
        return [name for name in node.inputs if _takes_text(definition, name)]

    def _without_instructions(self, places: Sequence[Place]) -> list[Place]:
        kept = [place for place in places if not self._is_instruction(place)]
        return kept or list(places)

    def _is_instruction(self, place: Place) -> bool:
        node = self.workflow.nodes[place.node_id]
        return "system" in node.title.lower() or bool(_INSTRUCTION.match(str(node.inputs[place.input])))

    # Walks over the graph

    def depths(self, counted: Set[str]) -> dict[str, int]:
        """How many of these nodes the longest way into each of them passes; circles are cut."""
        found: dict[str, int] = {}
        for start in counted:
            waiting = [(start, False)]
            while waiting:
                node_id, is_done = waiting.pop()
                node = self.node(node_id)
                sources = [link.node_id for _, link in node.links()] if node else []
                if is_done:
                    found[node_id] = (node_id in counted) + max((found.get(s, 0) for s in sources), default=0)
                elif node_id not in found:
                    found[node_id] = 0
                    waiting += [(node_id, True), *((s, False) for s in sources if s not in found)]
        return found

    def upstream(self, link: Link, type_: str) -> Iterator[Node]:
        """The nodes that links of this type lead to, nearest first, by the open branch of switches."""
        waiting, seen = [link], set()
        while waiting:
            node = self.node(waiting.pop(0).node_id)
            if node is None or node.node_id in seen:
                continue
            seen.add(node.node_id)
            yield node
            waiting += [content for _, content in self.typed_links(node, type_)]

    def typed_links(self, node: Node, type_: str) -> list[tuple[str, Link]]:
        """The links of one type into a node; of a switch only the open branch."""
        branch = self.branch(node)
        links = [(name, link) for name, link in node.links() if branch is None or name == branch]
        return [(name, link) for name, link in links if self.is_of_type(name, link, type_)]


def _is_switch(node: Node) -> bool:
    return ("on_true" in node.inputs or "on_false" in node.inputs) and any(
        name in node.inputs for name in _SWITCHES
    )


def _hands_on(node: Node) -> bool:
    return _is_switch(node) or len(node.inputs) == 1


def _takes_text(definition: NodeDef, name: str) -> bool:
    found = definition.input(name)
    return found is not None and (isinstance(found.spec, StringSpec) or found.type == "STRING")


def _text_rank(name: str) -> int:
    return _TEXT_ORDER.index(leaf(name)) if leaf(name) in _TEXT_ORDER else len(_TEXT_ORDER)


def _only(names: list[str]) -> str | None:
    return names[0] if len(names) == 1 else None
