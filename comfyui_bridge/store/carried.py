"""The texts that ComfyUI writes into the files it saves, `prompt` and `workflow`, found in any of them.

Where they are: PNG text chunks, and `comf` chunks in an animated one; EXIF of WebP, JPEG and AVIF, as
"prompt:{...}" under Model and "workflow:{...}" under Make; the tags of FLAC, Opus, MP3, MP4 and WebM; the
extras of a GLB; the header of safetensors and latents; an SVG's metadata (0.3.64: nodes_images.py,
nodes_audio.py, nodes_video.py, nodes_hunyuan3d.py). Only what is needed of each container is read, and a
broken one gives what was found up to the break.
"""

from __future__ import annotations

import io
import json
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import TypeAlias

from PIL import Image

from comfyui_bridge.store.thumbnails import BROKEN, FORMATS

Texts: TypeAlias = Iterator[tuple[str, str]]

_MOST = 32 << 20
"""Bytes of one text."""
_KEYS = frozenset(("prompt", "workflow"))
_CUT_OFF = (struct.error, IndexError, ValueError, OverflowError, zlib.error, RecursionError)


def texts(content: bytes) -> dict[str, str] | None:
    """What a file carries under `prompt` and `workflow`; None for a file of no kind known here."""
    reader = next((reader for fits, reader in _READERS if fits(content)), None)
    if reader is None:
        return None
    found: dict[str, str] = {}
    try:
        for key, text in reader(content):
            if key.lower() in _KEYS and len(text) <= _MOST:
                found.setdefault(key.lower(), text)
    except _CUT_OFF:
        pass
    return found


def is_picture(content: bytes) -> bool:
    """Whether this is a picture that may be its own cover."""
    return _is_png(content) or _has_exif(content)


def _begins(*starts: bytes) -> Callable[[bytes], bool]:
    return lambda content: content.startswith(starts)


def _text(content: bytes) -> str:
    """UTF-8, as newer writers have it, else Latin-1, which a PNG's older text chunks are."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")


# Pictures


_is_png = _begins(b"\x89PNG\r\n\x1a\n")


def _has_exif(content: bytes) -> bool:
    is_webp = content[:4] == b"RIFF" and content[8:12] == b"WEBP"
    return is_webp or content[:3] == b"\xff\xd8\xff" or content[4:12] in (b"ftypavif", b"ftypavis")


def _png(content: bytes) -> Texts:
    """Chunk by chunk, for texts may stand behind the picture, and the picture may be cut off."""
    place = 8
    while place + 8 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, place)
        body = content[place + 8 : place + 8 + size] if kind in _TEXT_CHUNKS and size <= _MOST else b""
        key, _, rest = body.partition(b"\0")
        match kind:
            case b"tEXt" | b"comf":
                yield _text(key), _text(rest)
            case b"zTXt":
                yield _text(key), _text(_inflated(rest[1:]))
            case b"iTXt":
                is_packed, language = rest[:1] == b"\1", rest[2:]
                packed = language.split(b"\0", 2)[-1]
                yield _text(key), _text(_inflated(packed) if is_packed else packed)
        place += 12 + size


_TEXT_CHUNKS = frozenset((b"tEXt", b"zTXt", b"iTXt", b"comf"))


def _inflated(packed: bytes) -> bytes:
    return zlib.decompressobj().decompress(packed, _MOST)


_USER_COMMENT = 0x9286


def _exif(content: bytes) -> Texts:
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            exif = picture.getexif()
            values = [*exif.values(), exif.get_ifd(0x8769).get(_USER_COMMENT, "")]
    except BROKEN:
        return
    for value in values:
        key, colon, text = _unmangled(value).partition(":")
        if colon:
            yield key, text


def _unmangled(value: object) -> str:
    """An EXIF text, which Pillow reads as Latin-1 though it may be UTF-8."""
    if isinstance(value, bytes):
        return _text(value.rstrip(b"\0"))
    if not isinstance(value, str):
        return ""
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value


_METADATA = re.compile(rb"<metadata[^>]{0,200}>\s*<!\[CDATA\[(.*?)\]\]>", re.DOTALL)


def _is_svg(content: bytes) -> bool:
    return b"<svg" in content[:4096].lower()


def _svg(content: bytes) -> Texts:
    found = _METADATA.search(content[: 2 * _MOST])
    return _members(json.loads(found.group(1))) if found else iter(())


def _members(document: object) -> Texts:
    """`prompt` and `workflow` of an object, be they texts or objects themselves."""
    for key, value in document.items() if isinstance(document, dict) else ():
        yield key, value if isinstance(value, str) else json.dumps(value)


# Sound


def _flac(content: bytes) -> Texts:
    place, is_last = 4, False
    while not is_last:
        (head,) = struct.unpack_from(">I", content, place)
        is_last, kind, size = bool(head >> 31), head >> 24 & 0x7F, head & 0xFFFFFF
        if kind == 4:
            yield from _comments(content[place + 4 : place + 4 + size])
        place += 4 + size


def _opus(content: bytes) -> Texts:
    """Ogg's pages cut the tags into pieces of 255 bytes; a shorter piece ends a packet."""
    place, packet, ended = 0, bytearray(), 0
    while content[place : place + 4] == b"OggS" and ended < 4 and len(packet) <= _MOST:
        count = content[place + 26]
        sizes = content[place + 27 : place + 27 + count]
        place += 27 + count
        for size in sizes:
            packet += content[place : place + size]
            place += size
            if size < 255:
                for mark in (b"OpusTags", b"\x03vorbis"):
                    if packet.startswith(mark):
                        yield from _comments(bytes(packet[len(mark) :]))
                packet, ended = bytearray(), ended + 1


def _comments(content: bytes) -> Texts:
    """Vorbis comments: a vendor, then KEY=TEXT."""
    (size,) = struct.unpack_from("<I", content)
    place = 4 + size
    (count,) = struct.unpack_from("<I", content, place)
    place += 4
    for _ in range(count):
        (size,) = struct.unpack_from("<I", content, place)
        key, _, text = _text(content[place + 4 : place + 4 + size]).partition("=")
        yield key, text
        place += 4 + size


def _mp3(content: bytes) -> Texts:
    """ID3v2's TXXX frames: an encoding, a key, a NUL, a text."""
    version, whole = content[3], _synchsafe(content[6:10])
    place = 10
    while place + 10 <= min(10 + whole, len(content)):
        kind = content[place : place + 4]
        length = content[place + 4 : place + 8]
        size = _synchsafe(length) if version >= 4 else int.from_bytes(length, "big")
        if kind == b"TXXX" and size <= _MOST:
            body = content[place + 11 : place + 10 + size]
            encoding = ("latin-1", "utf-16", "utf-16-be", "utf-8")[content[place + 10]]
            key, _, text = body.decode(encoding).partition("\0")
            yield key, text.lstrip("\ufeff").rstrip("\0")
        place += 10 + size


def _synchsafe(content: bytes) -> int:
    return content[0] << 21 | content[1] << 14 | content[2] << 7 | content[3]


# Video


def _is_mp4(content: bytes) -> bool:
    return content[4:8] == b"ftyp"


def _mp4(content: bytes) -> Texts:
    """moov (udta) meta: `keys` has the names, `ilst` the texts by their numbers."""
    for kind, start, end in _boxes(content, 0, len(content)):
        if kind == b"moov":
            yield from _mp4_tags(content, start, end)


def _mp4_tags(content: bytes, start: int, end: int) -> Texts:
    names: list[str] = []
    for kind, inner, stop in _boxes(content, start, end):
        if kind == b"udta":
            yield from _mp4_tags(content, inner, stop)
        elif kind == b"meta":
            # ISO's meta begins with a version, QuickTime's does not.
            shift = 0 if content[inner + 4 : inner + 8] == b"hdlr" else 4
            yield from _mp4_tags(content, inner + shift, stop)
        elif kind == b"keys":
            names = [_text(content[a:b]) for _, a, b in _boxes(content, inner + 8, stop)]
        elif kind == b"ilst":
            for number, a, b in _boxes(content, inner, stop):
                index = int.from_bytes(number, "big") - 1
                if 0 <= index < len(names) and b - a - 16 <= _MOST:
                    yield names[index], _text(content[a + 16 : b])


def _boxes(content: bytes, place: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start, end) of the contents of the boxes within a range."""
    end = min(end, len(content))
    while place + 8 <= end:
        size, kind = struct.unpack_from(">I4s", content, place)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", content, place + 8)
            head = 16
        elif size == 0:
            size = end - place
        if size < head:
            return
        yield kind, place + head, min(place + size, end)
        place += size


# Matroska's elements around a tag: Segment, Tags, Tag, SimpleTag, TagName, TagString.
_SEGMENT, _TAGS, _TAG, _SIMPLE, _NAME, _STRING = 0x18538067, 0x1254C367, 0x7373, 0x67C8, 0x45A3, 0x4487


def _webm(content: bytes) -> Texts:
    return _elements(content, 0, len(content))


def _elements(content: bytes, place: int, end: int) -> Texts:
    name = ""
    while place < end:
        element, place = _number(content, place, keeps_marker=True)
        size, place = _number(content, place)
        stop = min(end if size is None else place + size, end)
        if element in (_SEGMENT, _TAGS, _TAG, _SIMPLE):
            yield from _elements(content, place, stop)
        elif element == _NAME:
            name = _text(content[place:stop])
        elif element == _STRING and stop - place <= _MOST:
            yield name, _text(content[place:stop]).rstrip("\0")
        place = stop


def _number(content: bytes, place: int, *, keeps_marker: bool = False) -> tuple[int | None, int]:
    """EBML's number of one to eight bytes, and the place behind it; None for a size that is not known."""
    length = 9 - content[place].bit_length()
    if length > 8:
        raise ValueError("no EBML number")
    value = int.from_bytes(content[place : place + length], "big")
    if not keeps_marker:
        value &= (1 << 7 * length) - 1
        if value == (1 << 7 * length) - 1:
            return None, place + length
    return value, place + length


# Things with a JSON header


def _glb(content: bytes) -> Texts:
    (size,) = struct.unpack_from("<I", content, 12)
    document = json.loads(content[20 : 20 + min(size, _MOST)])
    asset = document.get("asset") if isinstance(document, dict) else None
    return _members(asset.get("extras") if isinstance(asset, dict) else None)


def _is_safetensors(content: bytes) -> bool:
    return content[8:10] in (b'{"', b"{ ") and int.from_bytes(content[:8], "little") <= _MOST


def _safetensors(content: bytes) -> Texts:
    document = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return _members(document.get("__metadata__") if isinstance(document, dict) else None)


_READERS: tuple[tuple[Callable[[bytes], bool], Callable[[bytes], Texts]], ...] = (
    (_is_png, _png),
    (_has_exif, _exif),
    (_is_mp4, _mp4),
    (_begins(b"\x1aE\xdf\xa3"), _webm),
    (_begins(b"fLaC"), _flac),
    (_begins(b"OggS"), _opus),
    (_begins(b"ID3"), _mp3),
    (_begins(b"glTF"), _glb),
    (_is_safetensors, _safetensors),
    (_is_svg, _svg),
)
