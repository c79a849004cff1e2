"""Sentences of the rooms below, as those rooms say them, are known again and said in Chinese."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import requests

from comfyui_bridge.comfy import address, http, rejection
from comfyui_bridge.core import reading, values
from comfyui_bridge.core.errors import InputProblem, InvalidValues, ServerError
from comfyui_bridge.core.events import Event, NodeRaised, RunAccepted, RunCollected, RunLost
from comfyui_bridge.core.inputs import ExposedInput
from comfyui_bridge.core.node_defs import BooleanSpec, ComboSpec, FloatSpec, InputSpec, IntSpec
from comfyui_bridge.core.run import Run, apply
from comfyui_bridge.ui.words import Words, sentences
from tests.comfy import test_rejection

ZH = Words("zh")
HAN = re.compile(r"[\u4e00-\u9fff]")
LATIN_WORD = re.compile(r"\b[a-z]{3,} [a-z]{2,} [a-z]{2,}\b")


def of_value(spec: InputSpec, value: object) -> str:
    one = ExposedInput("x", "X", spec, None, "3", "x")
    with pytest.raises(InvalidValues) as told:
        values.check([one], {"x": value})
    return told.value.problems["x"]


def of_address(written: str) -> str:
    with pytest.raises(ServerError) as told:
        address.parse(written)
    return str(told.value)


@pytest.mark.parametrize(
    "said",
    [
        lambda: of_value(IntSpec(1, 1, 9), ""),
        lambda: of_value(IntSpec(1, 1, 9), "many"),
        lambda: of_value(IntSpec(1, 1, 9), 0),
        lambda: of_value(IntSpec(1, 1, 9), 10),
        lambda: of_value(IntSpec(1), "1.5"),
        lambda: of_value(FloatSpec(1.0), ""),
        lambda: of_value(FloatSpec(1.0, 0.0, 2.0), "x"),
        lambda: of_value(BooleanSpec(True), "perhaps"),
        lambda: of_value(ComboSpec(("euler", "heun")), "eulr"),
        lambda: of_value(ComboSpec(("euler", "heun")), "z"),
        lambda: str(reading.not_among("a", ["b"])),
        lambda: of_address("a b:8188"),
        lambda: of_address("http://:8188"),
        lambda: of_address("gpu:many"),
        lambda: of_address("ftp://gpu"),
        lambda: str(http.failure("http://gpu:8188", requests.ConnectTimeout())),
        lambda: str(http.failure("http://gpu:8188", requests.ReadTimeout())),
        lambda: str(http.not_comfyui("http://gpu:8188", 404)),
        lambda: str(http.not_comfyui("http://gpu:8188")),
        lambda: str(http.refusal("http://gpu:8188", 401, {}, b"")),
        lambda: str(http.refusal("http://gpu:8188", 502, {}, b"")),
    ],
)
def test_what_the_rooms_below_say_is_said_in_chinese(said: Callable[[], str]) -> None:
    english = said()
    chinese = ZH.sentence(english)
    assert chinese != english
    assert not LATIN_WORD.search(chinese), chinese
    assert Words("en").sentence(english) == english


IN_DETAIL = "a_new_kind"
REFUSED = [rejection.problems(told) for told, _ in test_rejection.ROWS]


@pytest.mark.parametrize(
    "found",
    [found for found in REFUSED if found and found[0].kind not in ("", IN_DETAIL)],
    ids=lambda found: str(found[0].kind),
)
def test_why_a_server_refused_is_said_in_chinese(found: tuple[InputProblem, ...]) -> None:
    said = ZH.sentence(rejection.sentence(test_rejection.GRAPH, found))
    assert HAN.search(said)
    assert not LATIN_WORD.search(said.replace("first second", "")), said


def test_several_things_that_are_wrong_are_said_one_a_line() -> None:
    seed = InputProblem(
        "3", "KSampler", "value_smaller_than_min", "Value -1 smaller than min of 0", "", "seed"
    )
    cfg = InputProblem("3", "KSampler", "required_input_missing", "m", "", "cfg")
    said = ZH.sentence(rejection.sentence(test_rejection.GRAPH, (seed, cfg, cfg, cfg, cfg)))
    assert said.splitlines() == [
        "KSampler（节点 3）：seed 超出范围：-1 小于最小值 0。",
        "KSampler（节点 3）：缺少输入 cfg。",
        "KSampler（节点 3）：缺少输入 cfg。",
        "另有 2 处错误。",
    ]


def of_run(event: Event) -> str:
    """What a run says that ended by this."""
    run = apply(Run("r", "p", test_rejection.GRAPH, 1.0), event, 2.0)
    return run.error.message if run.error is not None else run.warnings[0]


def raised(said: str, kind: str = "RuntimeError") -> NodeRaised:
    return NodeRaised("p", "3", "KSampler", said, kind)


LEFT_OUT = (
    ("required_input_missing", "Required input is missing", "cfg"),
    ("value_not_in_list", "Value not in list", "cfg: 'x' not in ['y']"),
    ("value_smaller_than_min", "Value -1 smaller than min of 0", "seed"),
    ("value_bigger_than_max", "Value 101.0 bigger than max of 100.0", "cfg"),
    ("invalid_input_type", "Failed to convert an input value to a INT value", "steps, x"),
    ("return_type_mismatch", "Return type mismatch between linked nodes", "model, received_type(CLIP)"),
    ("custom_validation_failed", "Custom validation failed for node", "image"),
    ("exception_during_inner_validation", "Exception when validating inner node", "'99'"),
    ("exception_during_validation", "Exception when validating node", "'inputs'"),
)


@pytest.mark.parametrize(
    "event",
    [
        raised("CUDA out of memory. Tried to allocate 2 GiB", "torch.OutOfMemoryError"),
        raised("mat1 and mat2 shapes cannot be multiplied (77x2048 and 768x320)"),
        raised("Error while deserializing header: HeaderTooLarge", "SafetensorError"),
        raised("ERROR: Could not detect model type of: /models/a.safetensors"),
        raised("[Errno 2] No such file or directory: '/models/a.safetensors'", "FileNotFoundError"),
        raised("[Errno 28] No space left on device", "OSError"),
        raised("[Errno 28] No space left on device: '/output/a.png'", "OSError"),
        raised("cannot identify image file '/input/a.png'", "UnidentifiedImageError"),
        raised("CUDA error: device-side assert triggered"),
        raised("Unauthorized: Please login first to use this node.", "Exception"),
        raised("", ""),
        RunLost("p", "The server no longer knows this run; it was probably restarted. Run it again."),
        RunLost("p", "http://gpu:8188 ended while it had this run, and has not come back. Run it again."),
        RunLost(
            "p", "It was given to a server 6 times, and none began it. gpu is gone; it had not begun there."
        ),
        RunCollected("p", ()),
        *(
            RunAccepted("p", "gpu", problems=(InputProblem("3", "KSampler", kind, message, details),))
            for kind, message, details in LEFT_OUT
        ),
    ],
    ids=lambda event: type(event).__name__,
)
def test_why_a_run_failed_or_lacks_something_is_said_in_chinese(event: Event) -> None:
    english = of_run(event)
    chinese = ZH.sentence(english)
    assert HAN.search(chinese), english
    own = re.sub(r"/\S+|device-side assert triggered|HeaderTooLarge|\w+: 'x' not in .*", "", chinese)
    assert not LATIN_WORD.search(own), chinese


def test_what_nobody_wrote_down_stays_as_it_is_however_long() -> None:
    told = "RuntimeError: shapes cannot be multiplied"
    assert ZH.sentence(told) == told
    assert ZH.sentence("answers (" * 400) == "answers (" * 400
    assert ZH.sentence("{0} is too small; the least is {low}.") == "{0} 太小，最小为 {low}。"


def test_both_languages_have_the_same_gaps() -> None:
    gaps = re.compile(r"\{\w+\}")
    for english, chinese in sentences.ZH.items():
        assert set(gaps.findall(english)) == set(gaps.findall(chinese)), english
