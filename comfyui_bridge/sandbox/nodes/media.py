"""Sound, video and saved latents: real files, made without any codec library."""

from __future__ import annotations

import enum
import json
import struct
from typing import Any

import numpy as np

from comfyui_bridge.sandbox.node import Context, Result
from comfyui_bridge.sandbox.nodes import flac, mp4
from comfyui_bridge.sandbox.nodes.declare import choice, embedded, integer, link, node, number, string
from comfyui_bridge.sandbox.nodes.save import embedded_texts, entry, temp_prefix
from comfyui_bridge.sandbox.nodes.values import Array, Audio, Latent, Video

_AUDIO = "comfy_extras.nodes_audio"
_VIDEO = "comfy_extras.nodes_video"


class VideoContainer(enum.Enum):
    """The formats of SaveVideo, named so that a wrong one fails in ComfyUI's words."""

    AUTO = "auto"
    MP4 = "mp4"


class VideoCodec(enum.Enum):
    """The codecs of SaveVideo."""

    AUTO = "auto"
    H264 = "h264"


@node(
    "EmptyAudio",
    number("duration", 60.0, 0.0, 2**64 - 1, 0.01),
    integer("sample_rate", 44100),
    integer("channels", 2, 1, 2),
    outputs=("AUDIO",),
    category="audio",
    title="Empty Audio",
    module=_AUDIO,
)
def empty_audio(context: Context, duration: float, sample_rate: int, channels: int) -> tuple[Any, ...]:
    # A view of one number, however long.
    silence = np.broadcast_to(np.float32(0.0), (1, channels, round(duration * sample_rate)))
    return (Audio(silence, sample_rate),)


@node(
    "SaveAudio",
    link("audio", "AUDIO"),
    string("filename_prefix", default="audio/ComfyUI"),
    *embedded(),
    category="audio",
    title="Save Audio (FLAC)",
    module=_AUDIO,
    output_node=True,
)
def save_audio(context: Context, audio: Audio, filename_prefix: str) -> Result:
    return _save_flacs(context, audio, filename_prefix, "output")


@node(
    "PreviewAudio",
    link("audio", "AUDIO"),
    *embedded(),
    category="audio",
    title="Preview Audio",
    module=_AUDIO,
    output_node=True,
)
def preview_audio(context: Context, audio: Audio) -> Result:
    return _save_flacs(context, audio, temp_prefix(), "temp")


@node(
    "CreateVideo",
    link("images", "IMAGE"),
    number("fps", 30.0, 1.0, 120.0, 1.0),
    link("audio", "AUDIO", section="optional"),
    outputs=("VIDEO",),
    category="image/video",
    title="Create Video",
    module=_VIDEO,
    v3=True,
)
def create_video(context: Context, images: Array, fps: float, audio: Audio | None = None) -> tuple[Any, ...]:
    if audio is not None:
        raise RuntimeError("The sandbox makes silent videos only: leave the audio input of CreateVideo free.")
    return (Video(images, float(fps)),)


@node(
    "SaveVideo",
    link("video", "VIDEO"),
    string("filename_prefix", default="video/ComfyUI", multiline=False),
    choice("format", ("auto", "mp4"), default="auto"),
    choice("codec", ("auto", "h264"), default="auto"),
    *embedded(),
    category="image/video",
    title="Save Video",
    module=_VIDEO,
    output_node=True,
    v3=True,
)
def save_video(context: Context, video: Video, filename_prefix: str, format: str, codec: str) -> Result:
    # 0.3.64 does not check V3 choices beforehand; a wrong one ends here as ValueError, as recorded.
    VideoContainer(format), VideoCodec(codec)
    height, width = video.frames.shape[1:3]
    folder, stem, counter, subfolder = context.folders.save_slot(filename_prefix, "output", width, height)
    name = f"{stem}_{counter:05}_.mp4"
    made = mp4.encode(video.frames, video.fps, embedded_texts(context), context.check)
    (folder / name).write_bytes(made)
    return Result(ui={"images": [entry(name, subfolder, "output")], "animated": [True]})


@node(
    "SaveLatent",
    link("samples", "LATENT"),
    string("filename_prefix", default="latents/ComfyUI"),
    *embedded(),
    category="_for_testing",
    output_node=True,
)
def save_latent(context: Context, samples: Latent, filename_prefix: str) -> Result:
    folder, stem, counter, subfolder = context.folders.save_slot(filename_prefix, "output", 0, 0)
    name = f"{stem}_{counter:05}_.latent"
    (folder / name).write_bytes(_safetensors(samples, embedded_texts(context)))
    return Result(ui={"latents": [entry(name, subfolder, "output")]})


def _save_flacs(context: Context, audio: Audio, prefix: str, type_: str) -> Result:
    folder, stem, counter, subfolder = context.folders.save_slot(prefix, type_, 0, 0)
    entries = []
    for number_in_batch, waveform in enumerate(audio.waveform):
        name = f"{stem.replace('%batch_num%', str(number_in_batch))}_{counter + number_in_batch:05}_.flac"
        made = flac.encode(waveform, audio.sample_rate, embedded_texts(context), context.check)
        (folder / name).write_bytes(made)
        entries.append(entry(name, subfolder, type_))
    return Result(ui={"audio": entries})


def _safetensors(latent: Latent, texts: dict[str, str]) -> bytes:
    """The samples as [B,3,H,W] under ComfyUI's names, in the safetensors format."""
    tensor = np.ascontiguousarray(np.moveaxis(latent.samples, -1, 1), dtype="<f4")
    header = {
        "__metadata__": texts,
        "latent_tensor": {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [0, tensor.nbytes]},
        "latent_format_version_0": {"dtype": "F32", "shape": [0], "data_offsets": [tensor.nbytes] * 2},
    }
    written = json.dumps(header).encode()
    written += b" " * (-len(written) % 8)
    return struct.pack("<Q", len(written)) + written + tensor.tobytes()


NODES = (empty_audio, save_audio, preview_audio, create_video, save_video, save_latent)
