"""What a run gives: files on the server, named by (filename, subfolder, type), and texts.

`parse` reads one node's `output` as `executed` and /history carry it. Extension nodes add media keys
of their own (`gifs`), so anything that looks like a file entry is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class MediaKind(str, Enum):
    """How a file is shown."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    MODEL_3D = "3d"
    TEXT = "text"
    OTHER = "other"


_KINDS = {
    MediaKind.IMAGE: "png jpg jpeg webp gif bmp avif tif tiff jxl apng",
    MediaKind.VIDEO: "mp4 webm mkv mov avi m4v",
    MediaKind.AUDIO: "flac wav mp3 ogg opus m4a aac",
    MediaKind.MODEL_3D: "glb gltf obj ply stl fbx usdz splat spz",
    MediaKind.TEXT: "txt json csv md srt",
}
_KIND_OF_SUFFIX = {suffix: kind for kind, suffixes in _KINDS.items() for suffix in suffixes.split()}


@dataclass(frozen=True)
class OutputFile:
    """A file on a server: always these three together, and the node and media key that reported it."""

    filename: str
    subfolder: str = ""
    type: str = "output"
    node_id: str = ""
    media_key: str = "images"

    @property
    def kind(self) -> MediaKind:
        """By the extension: ComfyUI reports videos under `images` too (seen in 0.3.64)."""
        _, dot, suffix = self.filename.rpartition(".")
        return _KIND_OF_SUFFIX.get(suffix.lower(), MediaKind.OTHER) if dot else MediaKind.OTHER

    @property
    def is_temporary(self) -> bool:
        """A preview that the server wipes at its next start."""
        return self.type == "temp"


@dataclass(frozen=True)
class NodeOutput:
    """What one output node reported."""

    node_id: str
    files: tuple[OutputFile, ...] = ()
    texts: tuple[str, ...] = ()


@dataclass(frozen=True)
class KeptFile:
    """A file of ours, kept under DATA: its name in links, its size in bytes, and where it came from."""

    name: str
    size: int
    source: OutputFile


def parse(node_id: str, output: object) -> NodeOutput:
    """Read one node's `output`; what is malformed is left out. A cached node may have null (0.3.64)."""
    files: list[OutputFile] = []
    texts: list[str] = []
    for key, entries in output.items() if isinstance(output, Mapping) else ():
        if not isinstance(entries, (list, tuple)):
            continue
        for entry in entries:
            if isinstance(entry, str) and key == "text":
                texts.append(entry)
            elif (file := _parse_file(node_id, str(key), entry)) is not None:
                files.append(file)
    return NodeOutput(node_id, tuple(dict.fromkeys(files)), tuple(texts))


def _parse_file(node_id: str, media_key: str, entry: object) -> OutputFile | None:
    if not isinstance(entry, Mapping):
        return None
    filename, subfolder, type_ = (
        entry.get("filename"),
        entry.get("subfolder", ""),
        entry.get("type", "output"),
    )
    if not (isinstance(filename, str) and filename and isinstance(subfolder, str) and isinstance(type_, str)):
        return None
    return OutputFile(filename, subfolder, type_, node_id, media_key)
