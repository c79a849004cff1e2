"""Which server may take which run: pure choices."""

from __future__ import annotations

from collections.abc import Mapping

from comfyui_bridge.core.node_defs import NodeDefs
from comfyui_bridge.core.workflow import Workflow


def missing_class_types(workflow: Workflow, node_defs: NodeDefs) -> tuple[str, ...]:
    """The class_types of a workflow that a server has no definition of, in the workflow's order."""
    return tuple(
        dict.fromkeys(n.class_type for n in workflow.nodes.values() if n.class_type not in node_defs)
    )


def may_take(
    workflow: Workflow, server: str, loads: Mapping[str, int], node_defs: Mapping[str, NodeDefs]
) -> bool:
    """Whether this server should take the run now.

    It must know the node classes, and no server that also knows them may have less to do. `loads` has
    the runs of ours inside each server that is ready.
    """
    able = [name for name in loads if not missing_class_types(workflow, node_defs[name])]
    if server not in able:
        # No server can: the least busy one shall say why, in its own words.
        able = able or list(loads)
    return server in able and loads[server] <= min(loads[name] for name in able)
