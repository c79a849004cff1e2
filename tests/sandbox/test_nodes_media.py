"""Sound, video and latents as files: read back here byte by byte, without the code that wrote them."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from comfyui_bridge.sandbox.node import Interrupted
from comfyui_bridge.sandbox.nodes import flac, mp4
from comfyui_bridge.sandbox.nodes.values import Audio
from tests.sandbox.nodes_context import Bench

RECORDED_STREAM_INFO = bytes.fromhex("120012000000" + "0b00000d" + "0ac440f00000ac44")
"""Of 0.3.64's FLAC of one silent second: blocks of 4608, frames of 11 to 13 bytes, 44100 Hz, mono, 16 bit."""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def boxes(content: bytes) -> Iterator[tuple[str, bytes]]:
    """The boxes of an MP4, one level."""
    at = 0
    while at < len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        assert 8 <= size <= len(content) - at
        yield content[at + 4 : at + 8].decode("ascii"), content[at + 8 : at + size]
        at += size


def inside(content: bytes, *path: str) -> bytes:
    for kind in path:
        content = next(found for name, found in boxes(content) if name == kind)
    return content


class TestFlac:
    def test_a_silent_second_has_the_recorded_stream_info(self, bench: Bench) -> None:
        audio = bench.run("EmptyAudio", duration=1.0, sample_rate=44100, channels=1)
        shown = bench.run("SaveAudio", audio=audio, filename_prefix="audio/tone")
        assert shown == {"audio": [{"filename": "tone_00001_.flac", "subfolder": "audio", "type": "output"}]}
        written = (bench.folders.directory("output") / "audio" / "tone_00001_.flac").read_bytes()
        assert written[:8] == b"fLaC\x00\x00\x00\x22"
        assert written[8:26] == RECORDED_STREAM_INFO
        assert b"prompt=" + json.dumps(bench.prompt).encode() in written
        assert len(written) < 1000

    def test_sound_is_written_sample_by_sample(self) -> None:
        """A verbatim subframe holds the samples big-endian, and the whole file's MD5 is of all of them."""
        rng = np.random.default_rng(1)
        waveform = rng.uniform(-1, 1, (2, 5000)).astype(np.float32)
        written = flac.encode(waveform, 48000, {}, lambda: None)
        samples = np.round(waveform * 32767).astype(np.int16)
        assert samples[0, :4608].astype(">i2").tobytes() in written
        assert samples[1, 4608:].astype(">i2").tobytes() in written

    def test_the_checksums_are_flacs(self) -> None:
        """Check values of CRC-8 (polynomial 7) and CRC-16 (8005 hex) for the digits 1 to 9."""
        assert flac._crc(b"123456789", 8, 0x07) == 0xF4
        assert flac._crc(b"123456789", 16, 0x8005) == 0xFEE8

    @pytest.mark.parametrize("number", [0, 127, 128, 2047, 2048, 65535, 65536, 0x10FFFF])
    def test_frame_numbers_are_written_as_utf8_would(self, number: int) -> None:
        expected = chr(number).encode("utf-8", "surrogatepass")
        assert flac._coded(number) == expected

    def test_a_batch_becomes_several_files(self, bench: Bench) -> None:
        audio = Audio(np.zeros((2, 1, 100), np.float32), 8000)
        shown = bench.run("PreviewAudio", audio=audio)["audio"]
        assert [entry["filename"][-12:] for entry in shown] == ["_00001_.flac", "_00002_.flac"]
        assert {entry["type"] for entry in shown} == {"temp"}

    def test_the_longest_silence_takes_no_memory_and_can_be_interrupted(self, bench: Bench) -> None:
        audio = bench.run("EmptyAudio", duration=1e9, sample_rate=44100, channels=2)

        def interrupt() -> None:
            raise Interrupted

        with pytest.raises(Interrupted):
            flac.encode(audio.waveform[0], audio.sample_rate, {}, interrupt)


class TestVideo:
    FRAMES = np.random.default_rng(3).random((3, 34, 50, 3), dtype=np.float32)

    def saved(self, bench: Bench) -> bytes:
        video = bench.run("CreateVideo", images=self.FRAMES, fps=8.0)
        shown = bench.run("SaveVideo", video=video, filename_prefix="video/clip", format="auto", codec="auto")
        entry = {"filename": "clip_00001_.mp4", "subfolder": "video", "type": "output"}
        assert shown == {"images": [entry], "animated": [True]}
        return (bench.folders.directory("output") / "video" / "clip_00001_.mp4").read_bytes()

    def test_the_index_leads_to_every_frame(self, bench: Bench) -> None:
        written = self.saved(bench)
        assert [kind for kind, _ in boxes(written)] == ["ftyp", "moov", "mdat"]
        table = inside(written, "moov", "trak", "mdia", "minf", "stbl")
        offset = struct.unpack(">III", inside(table, "stco"))[2]
        sizes = struct.unpack(">6I", inside(table, "stsz"))[3:]
        assert offset + sum(sizes) == len(written)
        for size in sizes:
            length = int.from_bytes(written[offset : offset + 4], "big")
            assert length == size - 4
            assert written[offset + 4] == 0x65  # a picture that needs no other
            offset += size
        _, _, count, duration = struct.unpack(">IIII", inside(table, "stts"))
        assert (count, duration) == (3, 90000 // 8)

    def test_the_pixels_stand_in_the_macroblocks(self, bench: Bench) -> None:
        """Three rows of four macroblocks; the second one begins at pixel 16 and holds light, then colors."""
        written = self.saved(bench)
        picture = inside(written, "mdat")[4:]
        blocks = picture.split(b"\x0d\x00")
        assert len(blocks[1]) == 384
        light = np.frombuffer(blocks[1][:256], np.uint8).reshape(16, 16)
        weights = np.array([0.2126, 0.7152, 0.0722], np.float32)
        assert np.abs(light - (16 + 219 * (self.FRAMES[0, :16, 16:32] @ weights))).max() <= 0.51
        red = np.frombuffer(blocks[1][320:], np.uint8).reshape(8, 8)
        corner = self.FRAMES[0, 0:2, 16:18]
        assert abs(red[0, 0] - (128 + 224 * ((corner[..., 0] - corner @ weights) / 1.5748).mean())) <= 0.51

    def test_the_size_is_told_and_the_margin_cropped(self, bench: Bench) -> None:
        entry = inside(self.saved(bench), "moov", "trak", "mdia", "minf", "stbl", "stsd")[8:]
        assert struct.unpack(">HH", entry[32:36]) == (50, 34)

    def test_the_prompt_is_in_the_tags(self, bench: Bench) -> None:
        meta = inside(self.saved(bench), "moov", "meta")
        names = [content.decode() for _, content in boxes(inside(meta, "keys")[8:])]
        assert names == ["prompt", "workflow"]
        texts = [inside(content, "data")[8:] for _, content in boxes(inside(meta, "ilst"))]
        assert json.loads(texts[0]) == bench.prompt

    def test_byte_patterns_that_begin_a_unit_are_broken_up(self) -> None:
        assert (
            mp4._escaped(b"\x00\x00\x00\x00\x01\x00\x00\x04") == b"\x00\x00\x03\x00\x00\x03\x01\x00\x00\x04"
        )

    def test_a_wrong_format_fails_as_recorded(self, bench: Bench) -> None:
        video = bench.run("CreateVideo", images=self.FRAMES, fps=8.0)
        with pytest.raises(ValueError, match="'nope' is not a valid VideoContainer"):
            bench.run("SaveVideo", video=video, filename_prefix="v", format="nope", codec="auto")

    def test_sound_in_a_video_is_refused_with_the_reason(self, bench: Bench) -> None:
        audio = bench.run("EmptyAudio", duration=1.0, sample_rate=44100, channels=1)
        with pytest.raises(RuntimeError, match="silent videos only"):
            bench.run("CreateVideo", images=self.FRAMES, fps=8.0, audio=audio)


def test_a_saved_latent_is_a_safetensors_file(bench: Bench) -> None:
    pixels = np.random.default_rng(2).random((2, 8, 16, 3), dtype=np.float32)
    latent = bench.run("VAEEncode", pixels=pixels, vae=None)
    shown = bench.run("SaveLatent", samples=latent, filename_prefix="latents/x")
    assert shown == {"latents": [{"filename": "x_00001_.latent", "subfolder": "latents", "type": "output"}]}
    written = (bench.folders.directory("output") / "latents" / "x_00001_.latent").read_bytes()
    length = struct.unpack("<Q", written[:8])[0]
    header = json.loads(written[8 : 8 + length])
    assert json.loads(header["__metadata__"]["prompt"]) == bench.prompt
    tensor = header["latent_tensor"]
    assert (tensor["dtype"], tensor["shape"]) == ("F32", [2, 3, 8, 16])
    begin, end = tensor["data_offsets"]
    values = np.frombuffer(written[8 + length :][begin:end], "<f4").reshape(2, 3, 8, 16)
    assert np.array_equal(np.moveaxis(values, 1, -1), pixels)
