"""Addresses of the remix: where a result can go as an input, and what a file that was dropped comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from comfyui_bridge.core import form as form_
from comfyui_bridge.core import remix, ungraft
from comfyui_bridge.core.errors import BridgeError
from comfyui_bridge.core.node_defs import ComboSpec, ControlNetSpec, InputSpec, Upload
from comfyui_bridge.core.template import Template
from comfyui_bridge.core.values import to_json
from comfyui_bridge.core.workflow import Workflow
from comfyui_bridge.store import intake
from comfyui_bridge.ui.asked import body, words_of
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.json_answer import JsonAnswer
from comfyui_bridge.ui.sign_in import owner_of

MOST_BYTES = 64 << 20
"""As much as the editor takes of one file."""

Told = dict[str, Any]


def routes(dashboard: Dashboard) -> list[BaseRoute]:
    return [
        Route("/remix/inputs", partial(_inputs, dashboard), methods=["GET"]),
        Route("/remix/intake", partial(_intake, dashboard), methods=["POST"]),
    ]


async def _inputs(dashboard: Dashboard, request: Request) -> Response:
    told = await anyio.to_thread.run_sync(_places, dashboard, dict(request.query_params))
    return JsonAnswer(told)


async def _intake(dashboard: Dashboard, request: Request) -> Response:
    content = await body(request, MOST_BYTES)
    if content is None:
        words = words_of(request.query_params)
        return JsonAnswer({"error": words("ed_too_large", most=MOST_BYTES >> 20)}, 413)
    told = await anyio.to_thread.run_sync(_brought, dashboard, content, request)
    return JsonAnswer(told)


# Where a result can go


def _places(dashboard: Dashboard, asked: Mapping[str, str]) -> Told:
    """The templates that take a file of this kind, with the inputs that do; the one on the page first."""
    words = words_of(asked)
    templates = sorted(_templates(dashboard), key=lambda one: one.slug != asked.get("template"))
    told = []
    for template in templates:
        form = dashboard.form_of(template)
        inputs = [
            {"key": one.key, "label": words.input(one)}
            for one in (form.inputs if form else ())
            if _takes(one.spec, asked.get("kind", "image"))
        ]
        if inputs:
            title = words.text(template.title, template.phrases)
            told.append({"slug": template.slug, "title": title, "inputs": inputs})
    return {"templates": told}


def _takes(spec: InputSpec, kind: str) -> bool:
    match spec:
        case ComboSpec(upload=upload):
            return upload is not None and upload.value == kind
        case ControlNetSpec(options=options):
            return kind == Upload.IMAGE.value and bool(options)
    return False


# What was dropped


def _brought(dashboard: Dashboard, content: bytes, request: Request) -> Told:
    """The template that a file comes from, with its values; else that it would be a new one."""
    asked = request.query_params
    try:
        found = intake.read(content, asked.get("name", "workflow"))
        workflow, _ = form_.read_workflow(found.document, dashboard.engine.node_defs())
    except BridgeError as error:
        return {"error": str(error)}
    told = _of_own_run(dashboard, workflow, owner_of(request)) or _of_template(
        dashboard, workflow, asked.get("template", "")
    )
    return told or {"title": found.name, "nodes": len(workflow.nodes)}


def _of_own_run(dashboard: Dashboard, workflow: Workflow, owner: str) -> Told | None:
    """What this very person's form said, LoRAs and all, where exactly this was run from here."""
    run = dashboard.engine.alike(workflow, owner)
    template = dashboard.library.get(run.template) if run else None
    if run is None or template is None:
        return None
    return {"slug": template.slug, "title": template.title, "values": dict(run.values)}


def _of_template(dashboard: Dashboard, workflow: Workflow, current: str) -> Told | None:
    """The first template with this graph, the one on the page before all others.

    One of exactly this graph goes before those that make it with LoRAs or a ControlNet put in.
    """
    made = ((one, dashboard.form_of(one)) for one in _templates(dashboard))
    forms = [(template, form) for template, form in made if form is not None]
    forms.sort(key=lambda pair: (pair[0].slug != current, -len(pair[1].workflow.nodes)))
    for values_of in (remix.values_of, ungraft.values_of):
        for template, form in forms:
            values = values_of(form, workflow)
            if values is not None:
                return {"slug": template.slug, "title": template.title, "values": to_json(values)}
    return None


def _templates(dashboard: Dashboard) -> Iterator[Template]:
    return iter(dashboard.library.templates())
