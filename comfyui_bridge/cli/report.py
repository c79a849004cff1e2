"""A result as scripts read it, and what a run's files are called on this side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from comfyui_bridge.client import Result
from comfyui_bridge.core import reports
from comfyui_bridge.core import values as values_


def to_json(result: Result, values: Mapping[str, Any], paths: Sequence[Path]) -> dict[str, Any]:
    """The `run` object of scripts: `values` with the resolved seed, `files` as paths."""
    return {
        "run_id": result.run_id,
        "prompt_id": result.prompt_id,
        "state": result.state.value,
        "server": result.server,
        "values": values_.to_json(values),
        "files": [str(path) for path in paths],
        "texts": list(result.texts),
        "error": reports.error_to_json(result.error),
        "warnings": list(result.warnings),
        "seconds": result.seconds,
    }


def failure_line(result: Result) -> str:
    """One sentence about a run that did not complete."""
    failure = result.failure()
    return str(failure) if failure is not None else ""
