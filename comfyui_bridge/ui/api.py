"""The page for programs: /templates, /inputs, /run, /runs and /cancel, for gradio_client, curl and MCP.

The same doors as the page's: what a program may see and stop is decided by who asks.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import io
import time
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import gradio as gr

from comfyui_bridge.core import reports
from comfyui_bridge.core.errors import BridgeError, WorkflowError
from comfyui_bridge.core.files import FileValue
from comfyui_bridge.core.form import Form
from comfyui_bridge.core.run import Run
from comfyui_bridge.ui import present
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.ui.sign_in import is_own, owner_of
from comfyui_bridge.ui.words import Words

if TYPE_CHECKING:
    from comfyui_bridge.core.template import Template

MOST_RUNS = 200
_LOOK_EVERY_S = 0.25
_LATE_FILES_S = 10.0


def offer(dashboard: Dashboard) -> None:
    """Offer the endpoints; to be called while the page is put together."""

    def templates() -> list[dict]:
        """All templates: slug, title, description, tags."""
        return [reports.template_to_json(template) for template in dashboard.library.templates()]

    def inputs(template: str) -> list[dict]:
        """What a template takes, by its slug: for each input its key, label, type, default and limits."""
        return [reports.input_to_json(one) for one in _form(dashboard, template).inputs]

    async def run(template: str, values: dict, request: gr.Request) -> AsyncIterator[dict]:
        """Run a template with these values by key; a file is a data URL. Progress, then the run."""
        form = _form(dashboard, template)
        run_id = _submit(dashboard, form, values or {}, owner_of(request))
        async for told in _follow(dashboard, run_id, request):
            yield told

    def runs(limit: int, request: gr.Request) -> list[dict]:
        """Your newest runs, newest first."""
        found = dashboard.engine.runs(owner=owner_of(request), limit=max(1, min(int(limit), MOST_RUNS)))
        return [reports.run_to_json(one, _urls(one, request)) for one in found]

    def cancel(run_id: str, request: gr.Request) -> dict:
        """Stop a run, wherever it is; its state as it is right after."""
        run = _seen(dashboard, run_id, request)
        if not is_own(request, run.owner):
            raise gr.Error(f"The run {run.run_id} is somebody else's.", print_exception=False)
        dashboard.engine.cancel(run.run_id)
        return {"run_id": run.run_id, "state": _seen(dashboard, run_id, request).state.value}

    for endpoint in (templates, inputs, runs, cancel):
        gr.api(endpoint, api_name=endpoint.__name__, queue=False)
    gr.api(run, api_name="run", concurrency_limit=None)


def _form(dashboard: Dashboard, slug: str) -> Form:
    template: Template | None = dashboard.library.get(slug)
    if template is None:
        known = ", ".join(one.slug for one in dashboard.library.templates()[:20])
        raise gr.Error(
            f"There is no template {slug}; there are {known or 'none yet'}.", print_exception=False
        )
    try:
        return dashboard.engine.form(template)
    except WorkflowError as error:
        raise gr.Error(f"{slug}: {error}", print_exception=False) from error


def _submit(dashboard: Dashboard, form: Form, raw: Mapping[str, Any], owner: str) -> str:
    try:
        given = form.with_files(raw, partial(_kept, dashboard))
        return dashboard.engine.submit(form.template, given, owner)
    except BridgeError as error:
        raise gr.Error(str(error), print_exception=False) from error


def _kept(dashboard: Dashboard, key: str, value: Any) -> Any:
    """What a file input was given; a data URL is kept as that file."""
    if not (isinstance(value, str) and value.startswith("data:")):
        return value
    head, _, body = value.partition(",")
    suffix = head[5:].partition(";")[0].rpartition("/")[2]
    name = f"upload.{suffix if suffix.isalnum() else 'bin'}"
    try:
        content = base64.b64decode(body, validate=True)
    except binascii.Error:
        raise gr.Error(f"{key}: this data URL is not in base64.", print_exception=False) from None
    return FileValue(dashboard.media.keep_upload(io.BytesIO(content), name), name)


async def _follow(dashboard: Dashboard, run_id: str, request: gr.Request) -> AsyncIterator[dict[str, Any]]:
    words, last, over_at = Words(), None, None
    while True:
        run = _seen(dashboard, run_id, request)
        if run.state.is_final:
            over_at = over_at or time.monotonic()
            if len(run.kept) >= len(run.files) or time.monotonic() - over_at > _LATE_FILES_S:
                break
        view = present.stage(run, time.time(), dashboard.engine.servers(), words)
        told = {"run_id": run_id, "state": run.state.value, "progress": view.share, "line": view.line}
        if told != last:
            last = told
            yield told
        await asyncio.sleep(_LOOK_EVERY_S)
    yield reports.run_to_json(run, _urls(run, request))


def _seen(dashboard: Dashboard, run_id: str, request: gr.Request) -> Run:
    run = dashboard.run_seen(run_id, request)
    if run is None:
        raise gr.Error(f"There is no run {run_id[:80]}.", print_exception=False)
    return run


def _urls(run: Run, request: gr.Request) -> list[str]:
    base = str(request.request.base_url).rstrip("/")
    return [f"{base}/media/{quote(run.run_id)}/{quote(kept.name)}" for kept in run.kept]
