"""A picture that is chosen, dropped or pasted, and painted on where the graph takes a mask of it.

The browser puts it into our keeping at once, so what the component holds is the mark of a kept file.
"""

from __future__ import annotations

from typing import Any

from comfyui_bridge.core.files import FileValue, file_of, marked
from comfyui_bridge.ui.words import Words

_PICTURE_WORDS = {
    "choose": "picture_choose",
    "drop": "picture_drop",
    "another": "picture_another",
    "remove_picture": "picture_remove",
    "unreadable": "picture_unreadable",
    "paint": "picture_paint",
    "tool": "mask_tool",
    "brush": "mask_brush",
    "eraser": "mask_eraser",
    "brush_size": "mask_brush_size",
    "undo": "mask_undo",
    "redo": "mask_redo",
    "invert": "mask_invert",
    "clear": "mask_clear",
    "cancel": "mask_cancel",
    "use_mask": "mask_use",
    "canvas": "mask_canvas",
    "unpaintable": "mask_unpaintable",
}


def picture_words(words: Words) -> dict[str, str]:
    """What the script says about a picture."""
    return {name: words.raw(key) for name, key in _PICTURE_WORDS.items()}


def held(value: Any) -> dict[str, str] | None:
    """The mark of a file value; a name on the server is no file of ours."""
    file = value if isinstance(value, FileValue) else file_of(value)
    return marked(file) if file is not None else None


def chosen(shown: Any) -> FileValue | None:
    """The file that a component holds; one without a key is a picture that could not be read."""
    return file_of(shown)
