"""Workflows whose doings can be counted: each saves under a name no other has."""

from __future__ import annotations

import itertools
from typing import Any

_numbers = itertools.count(1)


def prefix() -> str:
    return f"f{next(_numbers):05d}"


def _number(name: str) -> int:
    return int("".join(filter(str.isdigit, name)))


def plain(name: str, *, width: int = 16) -> dict[str, Any]:
    """Over in an instant; no model."""
    number = _number(name)
    return {
        "1": {
            "class_type": "EmptyImage",
            "inputs": {"width": width, "height": 16, "batch_size": 1, "color": number},
        },
        "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": name, "images": ["1", 0]}},
    }


def steps(name: str, count: int, *, size: int = 32) -> dict[str, Any]:
    """As long as its steps take, with a preview each."""
    number = _number(name)
    return {
        "1": {
            "class_type": "CheckpointLoaderSimple",
            "inputs": {"ckpt_name": "sandbox-painter-v1.safetensors"},
        },
        "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "a lake", "clip": ["1", 1]}},
        "3": {"class_type": "EmptyLatentImage", "inputs": {"width": size, "height": size, "batch_size": 1}},
        "4": {
            "class_type": "KSampler",
            "inputs": {
                "seed": number,
                "steps": count,
                "cfg": 7.0,
                "sampler_name": "euler",
                "scheduler": "normal",
                "denoise": 1.0,
                "model": ["1", 0],
                "positive": ["2", 0],
                "negative": ["2", 0],
                "latent_image": ["3", 0],
            },
        },
        "5": {"class_type": "VAEDecode", "inputs": {"samples": ["4", 0], "vae": ["1", 2]}},
        "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": name, "images": ["5", 0]}},
    }


def copied(name: str, input_: str, count: int) -> dict[str, Any]:
    """The server's own input file, saved under the name, beside what so many steps give."""
    graph = steps(f"{name}s", count)
    graph["7"] = {"class_type": "LoadImage", "inputs": {"image": input_}}
    graph["8"] = {"class_type": "SaveImage", "inputs": {"filename_prefix": name, "images": ["7", 0]}}
    return graph
