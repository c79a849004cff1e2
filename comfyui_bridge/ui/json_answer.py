"""JSON that holds whatever people type: half a surrogate pair has no UTF-8, but an ASCII spelling."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import JSONResponse


def encoded(content: Any, indent: int | None = None) -> bytes:
    """JSON as bytes, readable where that can be."""
    try:
        return json.dumps(content, ensure_ascii=False, indent=indent).encode()
    except UnicodeEncodeError:
        return json.dumps(content, indent=indent).encode()


class JsonAnswer(JSONResponse):
    """An answer for the page's script; it holds now and is never kept for later."""

    def __init__(self, content: Any, status: int = 200) -> None:
        super().__init__(content, status, headers={"Cache-Control": "no-store"})

    def render(self, content: Any) -> bytes:
        return encoded(content)
