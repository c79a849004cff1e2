"""The pictures a new sandbox starts with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from comfyui_bridge.sandbox.examples import EXAMPLE, EXAMPLE_WITH_MASK, add_examples
from tests.sandbox.nodes_context import Bench


def test_the_examples_can_be_loaded_and_one_has_a_mask(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    add_examples(bench.folders.directory("input"))
    assert bench.folders.input_files() == [EXAMPLE_WITH_MASK, EXAMPLE]
    image, mask = bench.run("LoadImage", image=EXAMPLE)
    assert image.std() > 0.1
    assert mask.max() == 0.0
    same, holed = bench.run("LoadImage", image=EXAMPLE_WITH_MASK)
    assert np.array_equal(image, same)
    assert 0.02 < holed.mean() < 0.3


def test_a_picture_of_ones_own_under_that_name_is_kept(tmp_path: Path) -> None:
    Image.new("RGB", (2, 2)).save(tmp_path / EXAMPLE)
    add_examples(tmp_path)
    with Image.open(tmp_path / EXAMPLE) as kept:
        assert kept.size == (2, 2)
    assert (tmp_path / EXAMPLE_WITH_MASK).is_file()
