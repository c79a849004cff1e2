"""Files: pictures, videos, sound and others; uploaded, or chosen among the server's own."""

from __future__ import annotations

from comfyui_bridge.core.inputs import ExposedInput
from comfyui_bridge.core.node_defs import ComboSpec, Upload
from comfyui_bridge.ui.widgets import choices, picture
from comfyui_bridge.ui.widgets.widget import Widget
from comfyui_bridge.ui.words import Words

_ACCEPT = {Upload.VIDEO: "video/*", Upload.AUDIO: "audio/*,video/*"}


def file(one: ExposedInput, words: Words) -> Widget:
    spec = one.spec
    assert isinstance(spec, ComboSpec)
    assert spec.upload is not None
    own = {"own": one.default or None, **choices.listed(spec)}
    if spec.upload is Upload.IMAGE:
        # Beside a mask there may be more in the graph that decides what is repainted; the author knows.
        said = {**picture.picture_words(words), "note": words.text(one.help, one.phrases)}
        return Widget("picture", {"paints": one.paints or None, "say": said, **own})
    return Widget("file", {"shows": spec.upload.value, "accept": _ACCEPT.get(spec.upload), **own})
