"""The sandbox's nodes: ComfyUI's own class types, defined as its /object_info defines them.

Each module declares nodes of one kind beside the functions that do their work; NODE_TYPES joins them. What
is not here is refused by the server as an unknown class type.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from comfyui_bridge.sandbox.node import NodeType
from comfyui_bridge.sandbox.nodes import (
    conditioning,
    images,
    latents,
    load,
    loaders,
    masks,
    media,
    primitives,
    sampling,
    save,
)

_MODULES = (loaders, conditioning, latents, sampling, load, images, masks, primitives, save, media)

NODE_TYPES: Mapping[str, NodeType] = MappingProxyType(
    {declared.class_type: declared for module in _MODULES for declared in module.NODES}
)
