"""MP4 with H.264 inside, written without an encoder: every macroblock carries its pixels as they are.

H.264 has a way to send pixels uncompressed (I_PCM). It makes large files that every player shows, which is
all a sandbox needs of a video. Written from ITU-T H.264 (7.3, 9.1) and ISO/IEC 14496-12 and -15.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from comfyui_bridge.sandbox.nodes.values import Array

_TIMESCALE = 90000
_MACROBLOCK = 16
_NEXT_PCM = b"\x0d\x00"  # mb_type 25 (I_PCM) in its nine bits, then zeros up to the next byte

Bytes = npt.NDArray[np.uint8]


def encode(frames: Array, fps: float, tags: Mapping[str, str], check: Callable[[], None]) -> bytes:
    """Encode [frames,H,W,3] in 0..1; odd sides lose a pixel, as 4:2:0 has none to spare.

    `check` is called before each frame and may raise.
    """
    height, width = (side // 2 * 2 for side in frames.shape[1:3])
    samples = []
    for number, frame in enumerate(frames):
        check()
        unit = _picture(number, frame[:height, :width, :3])
        samples.append(struct.pack(">I", len(unit)) + unit)
    duration = max(1, round(_TIMESCALE / fps))
    header = _box("ftyp", b"isom" + struct.pack(">I", 0x200) + b"isomiso2avc1mp41")
    # The movie box stands first and has the same size wherever the media lie, so it is made twice.
    size = len(_movie(width, height, samples, duration, 0, tags))
    movie = _movie(width, height, samples, duration, len(header) + size + 8, tags)
    return header + movie + _box("mdat", b"".join(samples))


class _Bits:
    """A row of bits, highest first, with H.264's Exp-Golomb numbers."""

    def __init__(self) -> None:
        self._text: list[str] = []

    def put(self, value: int, count: int) -> _Bits:
        self._text.append(f"{value:0{count}b}")
        return self

    def golomb(self, *values: int) -> _Bits:
        for value in values:
            digits = f"{value + 1:b}"
            self._text.append("0" * (len(digits) - 1) + digits)
        return self

    def padded(self) -> bytes:
        text = "".join(self._text)
        text += "0" * (-len(text) % 8)
        return int(text, 2).to_bytes(len(text) // 8, "big")

    def ended(self) -> bytes:
        """With the stop bit that ends every unit but one of pixels."""
        return self.put(1, 1).padded()


def _sequence_parameters(width: int, height: int) -> bytes:
    columns, rows = -(-width // _MACROBLOCK), -(-height // _MACROBLOCK)
    bits = _Bits().put(66, 8).put(0xC0, 8).put(51, 8)  # constrained baseline, level 5.1
    bits.golomb(0, 0, 2, 0).put(0, 1)  # pictures in the order they are sent, none referred to
    bits.golomb(columns - 1, rows - 1).put(0b11, 2)
    right, bottom = columns * _MACROBLOCK - width, rows * _MACROBLOCK - height
    bits.put(1, 1).golomb(0, right // 2, 0, bottom // 2)
    # Say that colors are BT.709 in the limited range; the other things a VUI may say are left out.
    bits.put(1, 1).put(0b00, 2).put(1, 1).put(5, 3).put(0, 1).put(1, 1).put(0x010101, 24).put(0, 6)
    return b"\x67" + _escaped(bits.ended())


def _picture_parameters() -> bytes:
    bits = _Bits().golomb(0, 0).put(0, 2).golomb(0, 0, 0).put(0, 3).golomb(0, 0, 0).put(0b100, 3)
    return b"\x68" + _escaped(bits.ended())


def _picture(number: int, frame: Array) -> bytes:
    """One picture as a unit of its own that needs no other (an IDR slice)."""
    header = _Bits().golomb(0, 7, 0).put(0, 4).golomb(number % 2)
    header.put(0, 2).golomb(0, 1)  # quantiser as it is; no deblocking
    first = header.golomb(25).padded()
    blocks = _macroblocks(frame)
    joined = np.empty((len(blocks), len(_NEXT_PCM) + blocks.shape[1]), dtype=np.uint8)
    joined[:, : len(_NEXT_PCM)] = np.frombuffer(_NEXT_PCM, dtype=np.uint8)
    joined[:, len(_NEXT_PCM) :] = blocks
    return b"\x65" + _escaped(first + joined.tobytes()[len(_NEXT_PCM) :] + b"\x80")


def _macroblocks(frame: Array) -> Bytes:
    """The picture as rows of 384 bytes: 256 of light, 64 and 64 of color, one row a macroblock."""
    height, width = frame.shape[:2]
    margin = ((0, -height % _MACROBLOCK), (0, -width % _MACROBLOCK), (0, 0))
    light, blue, red = _planes(np.pad(np.clip(frame, 0.0, 1.0), margin, mode="edge"))
    return np.concatenate((_tiles(light, 16), _tiles(blue, 8), _tiles(red, 8)), axis=1)


def _planes(frame: Array) -> tuple[Bytes, Bytes, Bytes]:
    """BT.709 in the limited range: 16..235 for light, 16..240 for color at half size."""
    light = frame @ np.array((0.2126, 0.7152, 0.0722), dtype=np.float32)
    height, width = light.shape
    halves = np.stack(((frame[..., 2] - light) / 1.8556, (frame[..., 0] - light) / 1.5748))
    halves = halves.reshape(2, height // 2, 2, width // 2, 2).mean(axis=(2, 4))
    blue, red = np.round(128 + 224 * halves).astype(np.uint8)
    return np.round(16 + 219 * light).astype(np.uint8), blue, red


def _tiles(plane: Bytes, side: int) -> Bytes:
    height, width = plane.shape
    tiles = plane.reshape(height // side, side, width // side, side).swapaxes(1, 2)
    rows: Bytes = tiles.reshape(-1, side * side)
    return rows


def _escaped(unit: bytes) -> bytes:
    """A unit without the byte patterns that mark a unit's begin: a 3 goes between two zeros and 0..3."""
    if b"\x00\x00" not in unit:
        return unit
    kept = bytearray()
    zeros = 0
    for byte in unit:
        if zeros == 2 and byte <= 3:
            kept.append(3)
            zeros = 0
        kept.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(kept)


def _movie(
    width: int, height: int, samples: Sequence[bytes], duration: int, media_at: int, tags: Mapping[str, str]
) -> bytes:
    total = duration * len(samples)
    header = struct.pack(">IIIII", 0, 0, 0, _TIMESCALE, total) + struct.pack(">IH10x", 0x10000, 0x100)
    header += _UNTURNED + bytes(24) + struct.pack(">I", 2)
    track = struct.pack(">IIIIII8xHHHH", 3, 0, 0, 1, 0, total, 0, 0, 0, 0)
    track += _UNTURNED + struct.pack(">II", width << 16, height << 16)
    media = _box("mdhd", struct.pack(">IIIIIHH", 0, 0, 0, _TIMESCALE, total, 0x55C4, 0))
    media += _box("hdlr", struct.pack(">II4s12x", 0, 0, b"vide") + b"VideoHandler\0")
    source = _box("dinf", _box("dref", struct.pack(">II", 0, 1) + _box("url ", struct.pack(">I", 1))))
    table = _box("stbl", _sample_table(width, height, samples, duration, media_at))
    media += _box("minf", _box("vmhd", struct.pack(">IHHHH", 1, 0, 0, 0, 0)) + source + table)
    return _box(
        "moov", _box("mvhd", header) + _box("trak", _box("tkhd", track) + _box("mdia", media)) + _tags(tags)
    )


_UNTURNED = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def _sample_table(width: int, height: int, samples: Sequence[bytes], duration: int, media_at: int) -> bytes:
    sequence, picture = _sequence_parameters(width, height), _picture_parameters()
    avcc = bytes((1, *sequence[1:4], 0xFF, 0xE1)) + struct.pack(">H", len(sequence)) + sequence
    avcc += bytes((1,)) + struct.pack(">H", len(picture)) + picture
    entry = struct.pack(">6xH16xHHIIIH32xHh", 1, width, height, 0x480000, 0x480000, 0, 1, 24, -1)
    entry = _box("avc1", entry + _box("avcC", avcc))
    sizes = struct.pack(f">{len(samples)}I", *(len(sample) for sample in samples))
    return (
        _box("stsd", struct.pack(">II", 0, 1) + entry)
        + _box("stts", struct.pack(">IIII", 0, 1, len(samples), duration))
        + _box("stsc", struct.pack(">IIIII", 0, 1, 1, len(samples), 1))
        + _box("stsz", struct.pack(">III", 0, 0, len(samples)) + sizes)
        + _box("stco", struct.pack(">III", 0, 1, media_at))
    )


def _tags(tags: Mapping[str, str]) -> bytes:
    """Free names and texts, where ComfyUI's files have them (ffmpeg's use_metadata_tags)."""
    names = b"".join(_box("mdta", name.encode()) for name in tags)
    texts = b"".join(
        struct.pack(">II", len(text.encode()) + 24, number)
        + _box("data", struct.pack(">II", 1, 0) + text.encode())
        for number, text in enumerate(tags.values(), 1)
    )
    content = _box("hdlr", struct.pack(">II4s12x", 0, 0, b"mdta") + b"\0")
    content += _box("keys", struct.pack(">II", 0, len(tags)) + names) + _box("ilst", texts)
    return _box("meta", content)


def _box(kind: str, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + kind.encode("ascii") + content
