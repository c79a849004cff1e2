"""All addresses of the tab Experiments, in the order in which they are tried."""

from __future__ import annotations

from starlette.routing import BaseRoute

from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.experiments_tab import exports, listing, planning, sheet_routes


def routes(dashboard: Dashboard) -> list[BaseRoute]:
    """Those with names of their own stand before those of one experiment."""
    return [
        *planning.routes(dashboard),
        *listing.routes(dashboard),
        *exports.routes(dashboard),
        *sheet_routes.routes(dashboard),
    ]
