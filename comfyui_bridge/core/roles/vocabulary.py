"""The names by which nodes call things, and the role that each of them has."""

from __future__ import annotations

import re

from comfyui_bridge.core.node_defs import Upload

SAMPLER_ROLES = {
    "steps": ("steps",),
    "cfg": ("cfg", "cfg_conds", "video_cfg"),
    "sampler": ("sampler_name",),
    "scheduler": ("scheduler",),
    "denoise": ("denoise",),
}
SIDE_TYPES = ("GUIDER", "NOISE", "SAMPLER", "SIGMAS")
POSITIVE_SLOTS = ("positive", "conditioning", "cond1")
TEXTS = frozenset(
    (
        "text",
        "prompt",
        "user_prompt",
        "prompt_text",
        "text_prompt",
        "caption",
        "tags",
        "instructions",
        "edit_instruction",
        "text_g",
        "text_l",
        "clip_l",
        "clip_g",
        "t5xxl",
        "llama",
        "bert",
        "mt5xl",
        "qwen25_7b",
        "positive",
        "positive_prompt",
        "high_level_description",
    )
)
NUMBERED_TEXT = re.compile(r"(text|prompt)_?\d+|storyboard_\d+_prompt")
NEGATIVE_TEXTS = frozenset(("negative", "negative_prompt", "negative_text"))
MODEL_FILES = {"ckpt_name": "checkpoint", "unet_name": "model", "model_name": "model", "gguf_name": "model"}
LENGTHS = ("length", "video_frames", "num_frames", "frames", "frame_count")
SIZE_CHOICES = {
    "aspect_ratio": "aspect_ratio",
    "ratio": "aspect_ratio",
    "megapixels": "megapixels",
    "resolution": "resolution",
    "size": "resolution",
}
SERVICE_ROLES = {
    "seed": "seed",
    "Seed": "seed",
    "noise_seed": "seed",
    "model_seed": "seed",
    "steps": "steps",
    "cfg": "cfg",
    "cfg_scale": "cfg",
    "guidance_scale": "cfg",
    "guidance": "guidance",
    "duration": "duration",
    "duration_seconds": "duration",
    "seconds": "duration",
    "fps": "fps",
    "frame_rate": "fps",
    "n": "batch_size",
    "number_of_images": "batch_size",
    "num_images": "batch_size",
    "batch_size": "batch_size",
    "lyrics": "lyrics",
    "model": "model",
    "model_name": "model",
    "model_version": "model",
    **SIZE_CHOICES,
}
MEDIA = ("IMAGE", "MASK", "VIDEO", "AUDIO")
UPLOADS = {Upload.IMAGE: "image", Upload.VIDEO: "video", Upload.AUDIO: "audio", Upload.FILE: "file"}
GENERIC_SLOT = re.compile(
    r"(images?|pixels|input|source|destination|video|audio|mask|any)?_?[a-z]?\d*", re.IGNORECASE
)
WORDS = {
    "prompt": "takes its positive text from here",
    "lyrics": "takes the words that are sung from here",
    "negative": "takes its negative text from here",
    "seed": "takes its seed from here",
    "steps": "takes its number of steps from here",
    "cfg": "takes its guidance from here",
    "guidance": "is guided this strongly towards its text",
    "sampler": "takes its sampling method from here",
    "scheduler": "takes its schedule from here",
    "denoise": "takes its denoise from here",
    "width": "starts from this width",
    "height": "starts from this height",
    "aspect_ratio": "works out its size from this ratio",
    "megapixels": "works out its size from this many megapixels",
    "resolution": "works at this resolution",
    "length": "makes this many frames",
    "duration": "makes this many seconds",
    "fps": "makes this many frames a second",
    "batch_size": "makes this many at once",
    "checkpoint": "gets its model from here",
    "model": "gets its model from here",
}
