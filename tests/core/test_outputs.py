"""What a node reports, as files and texts."""

from __future__ import annotations

import pytest

from comfyui_bridge.core import outputs
from comfyui_bridge.core.outputs import MediaKind, OutputFile


def test_files_of_every_media_key_are_found_and_texts_too():
    output = {
        "images": [{"filename": "a.png", "subfolder": "x", "type": "temp"}],
        "animated": [True],
        "gifs": [{"filename": "b.gif", "subfolder": "", "type": "output", "format": "image/gif"}],
        "text": ["hello"],
        "latents": [{"filename": "c.latent", "subfolder": "", "type": "output"}],
    }
    read = outputs.parse("9", output)
    assert read.files == (
        OutputFile("a.png", "x", "temp", "9", "images"),
        OutputFile("b.gif", "", "output", "9", "gifs"),
        OutputFile("c.latent", "", "output", "9", "latents"),
    )
    assert read.texts == ("hello",)


@pytest.mark.parametrize(
    "output", [None, [], "x", {"images": None}, {"images": [{}]}, {"images": [{"filename": 5}]}]
)
def test_what_is_malformed_is_left_out(output):
    assert outputs.parse("9", output) == outputs.NodeOutput("9")


@pytest.mark.parametrize(
    ("filename", "kind"),
    [
        ("a.PNG", MediaKind.IMAGE),
        ("a.b.webp", MediaKind.IMAGE),
        ("clip.mp4", MediaKind.VIDEO),
        ("song.flac", MediaKind.AUDIO),
        ("mesh.glb", MediaKind.MODEL_3D),
        ("notes.txt", MediaKind.TEXT),
        ("page.svg", MediaKind.OTHER),
        ("png", MediaKind.OTHER),
        ("", MediaKind.OTHER),
    ],
)
def test_a_file_is_shown_by_its_extension(filename, kind):
    assert OutputFile(filename).kind is kind
