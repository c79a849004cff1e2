"""How large, how long and how many: the places that a sampler's start is measured by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from comfyui_bridge.core.roles.nodes import is_sampler, named
from comfyui_bridge.core.roles.vocabulary import LENGTHS, SIZE_CHOICES
from comfyui_bridge.core.tracing import Place, Tracer, leaf
from comfyui_bridge.core.workflow import Link, Node


@dataclass
class Sizes:
    """Finds the measures of one workflow."""

    tracer: Tracer
    _rates: list[Place] | None = field(default=None, init=False)

    def start(self, sampler: Node) -> Iterator[tuple[str, Place]]:
        """Size, length and number of what a sampler starts from."""
        latent = sampler.inputs.get("latent_image")
        chain = list(self._latents(latent)) if isinstance(latent, Link) else []
        for node in chain:
            if "width" in node.inputs or "seconds" in node.inputs:
                yield from self._measures(node)
                return
        for node in chain:
            for _, link in self.tracer.typed_links(node, "IMAGE"):
                yield from self._image_size(link)

    def _latents(self, start: Link) -> Iterator[Node]:
        """The nodes a latent comes from, as far as the sampler before; those that only rescale left out."""
        waiting, seen = [start], set()
        while waiting:
            node = self.tracer.node(waiting.pop(0).node_id)
            if node is None or node.node_id in seen or is_sampler(node):
                continue
            seen.add(node.node_id)
            links = self.tracer.typed_links(node, "LATENT")
            video = [link for name, link in links if "audio" not in name]
            waiting += video or [link for _, link in links]
            if not links and "samples" not in node.inputs:
                yield node

    def _measures(self, node: Node) -> Iterator[tuple[str, Place]]:
        for name in ("width", "height"):
            yield from self.extent(node, name)
        for name in LENGTHS:
            yield from self._length(node, name)
        seconds = self.tracer.origin(node.node_id, "seconds")
        if seconds is not None:
            yield "duration", seconds.place
        yield from named(self.tracer, node, "batch_size", ("batch_size",))

    def extent(self, node: Node, name: str) -> Iterator[tuple[str, Place]]:
        """A width or height: a value, or what a choice of size or the size of a picture makes it."""
        origin = self.tracer.origin(node.node_id, name)
        if origin is not None:
            yield leaf(name), origin.place
            return
        content = node.inputs.get(name)
        source = self.tracer.node(content.node_id) if isinstance(content, Link) else None
        if source is None:
            return
        chosen = [(role, Place(source.node_id, n)) for n, role in self._size_choices(source)]
        yield from chosen
        pictures = self.tracer.typed_links(source, "IMAGE")
        if not chosen and len(pictures) == 1:
            yield from self._image_size(pictures[0][1])

    def _size_choices(self, node: Node) -> Iterator[tuple[str, str]]:
        for name, content in node.inputs.items():
            if name in SIZE_CHOICES and not isinstance(content, Link):
                yield name, SIZE_CHOICES[name]

    def _image_size(self, start: Link) -> Iterator[tuple[str, Place]]:
        """What makes a picture as large as it is, if that is set somewhere."""
        for node in self.tracer.upstream(start, "IMAGE"):
            sizes = [name for name in node.inputs if leaf(name) in ("width", "height")]
            for name in sizes:
                origin = self.tracer.origin(node.node_id, name)
                if origin is not None:
                    yield leaf(name), origin.place
            areas = [name for name in node.inputs if leaf(name) == "megapixels"]
            for name in areas:
                yield from named(self.tracer, node, "megapixels", (name,))
            if sizes or areas or len(self.tracer.typed_links(node, "IMAGE")) != 1:
                return

    def _length(self, node: Node, name: str) -> Iterator[tuple[str, Place]]:
        """Frames; where they are worked out of seconds, the seconds."""
        origin = self.tracer.origin(node.node_id, name)
        if origin is not None:
            yield "duration" if origin.computed else "length", origin.place
            return
        rates = self.frame_rates()
        factors = [place for place in self.tracer.factors(node.node_id, name) if place not in rates]
        if len(factors) == 1:
            yield "duration", factors[0]

    def frame_rates(self) -> list[Place]:
        """The frames a second of the videos that are made."""
        if self._rates is None:
            self._rates = [
                place for node in self.tracer.workflow.nodes.values() for place in self._rates_of(node)
            ]
        return self._rates

    def _rates_of(self, node: Node) -> Iterator[Place]:
        definition = self.tracer.definition(node)
        makes = definition is None or definition.output_node or definition.class_type == "CreateVideo"
        if makes and not (definition and definition.api_node):
            for name in ("fps", "frame_rate"):
                place = self.tracer.value(node.node_id, name)
                if place is not None:
                    yield place
