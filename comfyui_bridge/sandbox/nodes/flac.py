"""FLAC, as far as the sandbox needs it: 16-bit, silence as constants, everything else as it is.

Written from RFC 9639. The files are valid FLAC for any player; they are small only where it is silent.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from comfyui_bridge.sandbox.nodes.values import Array

BLOCK = 4608
_BLOCK_CODES = {4608: 5}
_SIZE_FOLLOWS = 7  # the block's length stands in 16 bits behind the header
_SIXTEEN_BITS = 4

Samples = npt.NDArray[np.int16]


def encode(waveform: Array, sample_rate: int, tags: Mapping[str, str], check: Callable[[], None]) -> bytes:
    """Encode [channels, samples] in -1..1. `check` is called now and then and may raise."""
    channels, length = waveform.shape
    digest = hashlib.md5(usedforsecurity=False)
    frames: list[bytes] = []
    for number, start in enumerate(range(0, length, BLOCK)):
        check()
        block = _sixteen_bit(waveform[:, start : start + BLOCK])
        digest.update(block.T.astype("<i2").tobytes())
        frames.append(_frame(number, block))
    sizes = [len(frame) for frame in frames] or [0]
    info = struct.pack(">HH", BLOCK, BLOCK) + _packed24(min(sizes)) + _packed24(max(sizes))
    info += (sample_rate << 44 | channels - 1 << 41 | 15 << 36 | length).to_bytes(8, "big") + digest.digest()
    blocks = _metadata(0, info) + _metadata(4, _comment(tags), last=True)
    return b"fLaC" + blocks + b"".join(frames)


def _sixteen_bit(waveform: Array) -> Samples:
    return np.round(np.clip(waveform, -1.0, 1.0) * 32767).astype(np.int16)


def _frame(number: int, block: Samples) -> bytes:
    channels, length = block.shape
    code = _BLOCK_CODES.get(length, _SIZE_FOLLOWS)
    header = b"\xff\xf8" + bytes((code << 4, channels - 1 << 4 | _SIXTEEN_BITS << 1)) + _coded(number)
    if code == _SIZE_FOLLOWS:
        header += struct.pack(">H", length - 1)
    header += bytes((_crc(header, 8, 0x07),))
    body = header + b"".join(_subframe(channel) for channel in block)
    return body + struct.pack(">H", _crc(body, 16, 0x8005))


def _subframe(samples: Samples) -> bytes:
    if (samples == samples[0]).all():
        return b"\x00" + struct.pack(">h", int(samples[0]))
    return b"\x02" + samples.astype(">i2").tobytes()


def _coded(number: int) -> bytes:
    """A frame number, written as UTF-8 would write it were it not limited to characters."""
    if number < 0x80:
        return bytes((number,))
    tail: list[int] = []
    room = 6
    while True:
        tail.insert(0, 0x80 | number & 0x3F)
        number >>= 6
        room -= 1
        if number < 1 << room:
            return bytes(((0xFF << room + 1) & 0xFF | number, *tail))


def _crc(message: bytes, bits: int, polynomial: int) -> int:
    table = _CRC_TABLES[bits, polynomial]
    value, top, mask = 0, bits - 8, (1 << bits) - 1
    for byte in message:
        value = (value << 8) & mask ^ table[value >> top ^ byte]
    return value


def _crc_table(bits: int, polynomial: int) -> tuple[int, ...]:
    mask, high = (1 << bits) - 1, 1 << bits - 1
    table = []
    for byte in range(256):
        value = byte << bits - 8
        for _ in range(8):
            value = (value << 1 ^ polynomial if value & high else value << 1) & mask
        table.append(value)
    return tuple(table)


_CRC_TABLES = {
    (bits, polynomial): _crc_table(bits, polynomial) for bits, polynomial in ((8, 0x07), (16, 0x8005))
}


def _metadata(kind: int, content: bytes, last: bool = False) -> bytes:
    return bytes((0x80 * last | kind,)) + _packed24(len(content)) + content


def _packed24(value: int) -> bytes:
    return value.to_bytes(3, "big")


def _comment(tags: Mapping[str, str]) -> bytes:
    """A Vorbis comment, whose numbers are little-endian."""
    entries = [f"{key}={text}".encode() for key, text in tags.items()]
    vendor = b"ComfyUI Bridge sandbox"
    content = struct.pack("<I", len(vendor)) + vendor + struct.pack("<I", len(entries))
    return content + b"".join(struct.pack("<I", len(entry)) + entry for entry in entries)
