"""Files over the wire: /view, /upload/image, /upload/mask, and the list of a folder's files.

Traversal rules and their odd statuses are those of the recordings view and upload.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import mimetypes
import os
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.web_request import FileField
from multidict import MultiMapping
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from comfyui_bridge.sandbox.answers import Trouble
from comfyui_bridge.sandbox.folders import TYPES, DiskFolders, annotated, inside

MASK_COMPRESSION = 4
PREVIEW_QUALITY = 90

_AS_DOWNLOAD = {
    "text/html",
    "text/html-sandboxed",
    "application/xhtml+xml",
    "text/javascript",
    "application/javascript",
    "text/css",
}
_TYPES_OF_SUFFIX = {".webp": "image/webp", ".avif": "image/avif"}
"""Python's own table knows these in its newer versions only."""


class FileRoutes:
    def __init__(self, folders: DiskFolders) -> None:
        self._folders = folders

    def table(self) -> list[web.RouteDef]:
        return [
            web.get("/view", self.view),
            web.post("/upload/image", self.upload_image),
            web.post("/upload/mask", self.upload_mask),
            web.get("/internal/files/{type}", self.files),
        ]

    async def view(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        if "filename" not in query:
            return web.Response(status=404)
        status, path = self._viewed(query)
        if path is None:
            return web.Response(status=status)
        disposition = {"Content-Disposition": f'filename="{path.name}"'}
        channel = query.get("channel", "rgba")
        try:
            if "preview" in query:
                kind, body = await asyncio.to_thread(_preview, path, query["preview"], channel, query)
            elif channel in ("rgb", "a"):
                kind, body = await asyncio.to_thread(_one_channel, path, channel)
            else:
                return web.FileResponse(path, headers={**disposition, "Content-Type": content_type(path)})
        except (OSError, ValueError, SyntaxError) as error:  # Pillow's ways to say: not an image
            raise Trouble(str(error)) from error
        return web.Response(body=body, content_type=kind, headers=disposition)

    def _viewed(self, query: MultiMapping[str]) -> tuple[int, Path | None]:
        """The file behind a query, or the status that refuses it."""
        name, type_ = annotated(query["filename"])
        if not name or name.startswith("/") or ".." in name:
            return 400, None
        type_ = type_ or query.get("type", "output")
        if type_ not in TYPES:
            return 400, None
        folder = inside(self._folders.directory(type_), query.get("subfolder", ""))
        if folder is None:
            return 403, None
        path = folder / os.path.basename(name)
        return (200, path) if os.path.isfile(path) else (404, None)

    async def upload_image(self, request: web.Request) -> web.Response:
        form = await request.post()
        return await asyncio.to_thread(self._upload, form, None)

    async def upload_mask(self, request: web.Request) -> web.Response:
        form = await request.post()
        return await asyncio.to_thread(self._upload, form, form.get("original_ref", ""))

    def _upload(self, form: MultiMapping[Any], original: Any) -> web.Response:
        image = form.get("image")
        type_ = form.get("type", "input")
        if type_ not in TYPES or isinstance(image, str | bytes):
            raise Trouble("an upload of no known type, or without a file")
        if not isinstance(image, FileField) or not image.filename:
            return web.Response(status=400)
        if os.path.isabs(image.filename):
            raise Trouble("an absolute file name")
        base = self._folders.directory(type_)
        subfolder = str(form.get("subfolder", ""))
        path = inside(base, os.path.join(os.path.normpath(subfolder), image.filename))
        if path is None:
            return web.Response(status=400)
        body = image.file.read()
        overwrite = form.get("overwrite") in ("true", "1")
        name = image.filename
        try:
            (base / os.path.normpath(subfolder)).mkdir(parents=True, exist_ok=True)
            if not overwrite:
                path, name = _free_name(path, name, body)
            if original is None:
                path.write_bytes(body)
            else:
                self._save_masked(body, original, path)
        except (OSError, ValueError, KeyError) as error:
            raise Trouble(str(error)) from error
        return web.json_response({"name": name, "subfolder": subfolder, "type": type_})

    def _save_masked(self, body: bytes, reference: str, path: Path) -> None:
        """Put the upload's alpha on the original. An original that is refused or missing leaves no file,
        and the answer does not say so."""
        original = json.loads(reference)
        name, type_ = annotated(original["filename"])
        type_ = type_ or original.get("type", "output")
        if not name or name.startswith("/") or ".." in name or type_ not in TYPES:
            return
        folder = inside(self._folders.directory(type_), original.get("subfolder", ""))
        if folder is None or not (folder / name).is_file():
            return
        with Image.open(folder / name) as picture, Image.open(io.BytesIO(body)) as mask:
            metadata = PngInfo()
            for key, text in getattr(picture, "text", {}).items():
                metadata.add_text(key, text)
            masked = picture.convert("RGBA")
            masked.putalpha(mask.convert("RGBA").getchannel("A"))
            masked.save(path, compress_level=MASK_COMPRESSION, pnginfo=metadata)

    async def files(self, request: web.Request) -> web.Response:
        type_ = request.match_info["type"]
        if type_ not in TYPES:
            return web.json_response({"error": "Invalid directory type"}, status=400)
        with os.scandir(self._folders.directory(type_)) as entries:
            found = [entry for entry in entries if entry.is_file() and not entry.name.startswith(".")]
            found.sort(key=lambda entry: -entry.stat().st_mtime)
            return web.json_response([entry.name for entry in found])


def content_type(path: Path) -> str:
    """The type a file is sent as; what a browser would run is sent as bytes to keep."""
    guessed = _TYPES_OF_SUFFIX.get(path.suffix.lower()) or mimetypes.guess_type(path.name)[0]
    return "application/octet-stream" if guessed is None or guessed in _AS_DOWNLOAD else guessed


def _free_name(path: Path, name: str, body: bytes) -> tuple[Path, str]:
    """ "up.png", or "up (1).png" and so on where the name is taken by other bytes."""
    digest = hashlib.sha256(body).digest()
    stem, suffix = os.path.splitext(name)
    folder, count = str(path)[: -len(name)], 1
    while path.exists() and hashlib.sha256(path.read_bytes()).digest() != digest:
        name = f"{stem} ({count}){suffix}"
        path = Path(folder + name)
        count += 1
    return path, name


def _preview(path: Path, wanted: str, channel: str, query: MultiMapping[str]) -> tuple[str, bytes]:
    """The picture in its full size as webp or jpeg. What may have transparency is webp."""
    parts = wanted.split(";")
    transparent = "a" in query.get("channel", "")
    kind = parts[0] if parts[0] in ("webp", "jpeg") and not transparent else "webp"
    quality = int(parts[-1]) if parts[-1].isdigit() else PREVIEW_QUALITY
    with Image.open(path) as picture:
        shown = picture.convert("RGB") if kind == "jpeg" or channel == "rgb" else picture
        return f"image/{kind}", _written(shown, kind, quality=quality)


def _one_channel(path: Path, channel: str) -> tuple[str, bytes]:
    with Image.open(path) as picture:
        if channel == "rgb":
            return "image/png", _written(picture.convert("RGB"), "png")
        alpha = picture.getchannel("A") if picture.mode == "RGBA" else Image.new("L", picture.size, 255)
        only = Image.new("RGBA", picture.size)
        only.putalpha(alpha)
        return "image/png", _written(only, "png")


def _written(picture: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()
