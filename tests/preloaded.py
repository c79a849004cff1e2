"""Imports what the programs of the tests need, in the process that they are forked from: see `nursery`."""

from __future__ import annotations

import gc
import importlib

# As app.py does it: nothing of what is imported is ever garbage.
gc.disable()
for name in (
    "alembic.command",
    "comfyui_bridge.cli.sandbox",
    "comfyui_bridge.ui.serving",
    "comfyui_bridge.bootstrap",
):
    importlib.import_module(name)
gc.freeze()
gc.enable()
