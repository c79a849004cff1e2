"""The jobs family of 0.33, under /api only. A client of 0.3.64 never asks for it."""

from __future__ import annotations

import uuid

from aiohttp import web

from comfyui_bridge.sandbox.answers import read_object
from comfyui_bridge.sandbox.jobs import STATUSES, all_jobs, job, listed
from comfyui_bridge.sandbox.prompt_queue import PromptQueue


class BadRequest(Exception):
    pass


class JobRoutes:
    def __init__(self, queue: PromptQueue) -> None:
        self._queue = queue

    def table(self) -> list[web.RouteDef]:
        return [
            web.get("/api/jobs", self.list),
            web.get("/api/jobs/{job_id}", self.show),
            web.post("/api/jobs/cancel", self.cancel_many),
            web.post("/api/jobs/{job_id}/cancel", self.cancel),
        ]

    async def list(self, request: web.Request) -> web.Response:
        query = request.query
        try:
            statuses = _statuses(query.get("status", ""))
            sort_by = _one_of(
                "sort_by", query.get("sort_by", "created_at"), "created_at", "execution_duration"
            )
            order = _one_of("sort_order", query.get("sort_order", "desc"), "asc", "desc")
            limit = _count("limit", query.get("limit"), least=1)
            offset = _count("offset", query.get("offset"), least=0) or 0
        except BadRequest as error:
            return web.json_response({"error": str(error)}, status=400)
        found = listed(
            all_jobs(self._queue.snapshot()), statuses, query.get("workflow_id"), sort_by, order == "desc"
        )
        page = found[offset:] if limit is None else found[offset : offset + limit]
        return web.json_response(
            {
                "jobs": page,
                "pagination": {
                    "offset": offset,
                    "limit": limit,
                    "total": len(found),
                    "has_more": offset + len(page) < len(found),
                },
            }
        )

    async def show(self, request: web.Request) -> web.Response:
        found = job(self._queue.snapshot(), request.match_info["job_id"])
        if found is None:
            return web.json_response({"error": "Job not found"}, status=404)
        return web.json_response(found)

    async def cancel(self, request: web.Request) -> web.Response:
        return web.json_response({"cancelled": self._cancel(request.match_info["job_id"])})

    async def cancel_many(self, request: web.Request) -> web.Response:
        job_ids = (await read_object(request)).get("job_ids")
        if not isinstance(job_ids, list):
            return web.json_response({"error": "job_ids must be a list"}, status=400)
        invalid = [str(job_id) for job_id in job_ids if not _is_uuid(job_id)]
        if invalid:
            answer = {"error": "job_ids contains invalid id(s)", "invalid_ids": invalid}
            return web.json_response(answer, status=400)
        return web.json_response({"cancelled": any([self._cancel(job_id) for job_id in job_ids])})

    def _cancel(self, job_id: str) -> bool:
        return self._queue.delete(job_id) or self._queue.interrupt(job_id)


def _statuses(text: str) -> tuple[str, ...]:
    asked = tuple(part.strip() for part in text.split(",") if part.strip())
    wrong = [status for status in asked if status not in STATUSES]
    if wrong:
        valid = ", ".join(STATUSES)
        raise BadRequest(f"Invalid status value(s): {', '.join(wrong)}. Valid values: {valid}")
    return asked


def _one_of(name: str, value: str, first: str, second: str) -> str:
    if value not in (first, second):
        raise BadRequest(f"{name} must be '{first}' or '{second}'")
    return value


def _count(name: str, text: str | None, least: int) -> int | None:
    if text is None:
        return None
    try:
        number = int(text)
    except ValueError:
        raise BadRequest(f"{name} must be an integer") from None
    if number < least:
        raise BadRequest(f"{name} must be a {'positive' if least else 'non-negative'} integer")
    return number


def _is_uuid(value: object) -> bool:
    try:
        return isinstance(value, str) and str(uuid.UUID(value)) == value
    except ValueError:
        return False
