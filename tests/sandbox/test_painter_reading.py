"""What the painter understands of a prompt, as tables in both languages."""

from __future__ import annotations

import pytest

from comfyui_bridge.sandbox.painter import read
from comfyui_bridge.sandbox.painter.reading import MAX_CHARACTERS, avoided

GUIDE = [
    ("一只可爱的猫咪在花园里玩耍,高清摄影,8K", "garden", ("cat",)),
    ("美丽的日落风景,金色阳光", "sea", ()),
    ("日落时分的海边风光,金黄色的阳光洒在沙滩上", "sea", ()),
    ("高山湖泊,倒影清晰", "lake", ()),
    ("城市夜景,霓虹闪烁", "city", ()),
    ("森林小径,阳光斑驳", "forest", ()),
]


@pytest.mark.parametrize(("text", "scene", "subjects"), GUIDE)
def test_the_guides_prompts_are_understood(text: str, scene: str, subjects: tuple[str, ...]) -> None:
    reading = read(text)
    assert (reading.scene, reading.subjects) == (scene, subjects)


@pytest.mark.parametrize(
    ("text", "scene", "subjects"),
    [
        ("a kitten playing in the garden, photo, 8k", "garden", ("cat",)),
        ("a cat on the beach at sunset", "sea", ("cat",)),
        ("robot walking through the city at night", "city", ("robot",)),
        ("an old lighthouse by the sea, storm", "sea", ("lighthouse",)),
        ("castle on a hill above a lake", "lake", ("castle",)),
        ("still life with a vase of flowers", "table", ("vase",)),
        ("a cup of coffee on a wooden table", "table", ("cup",)),
        ("portrait of a young woman", "studio", ("person",)),
        ("a galaxy in deep space", "space", ()),
        ("goldfish underwater with coral", "underwater", ("fish",)),
        ("abstract geometric shapes", "abstract", ()),
        ("camel caravan in the sahara desert", "desert", ()),
        ("hot air balloon over a wheat field", "field", ("balloon",)),
        ("a dog", "garden", ("dog",)),
        ("宇航员在月球", "space", ("astronaut",)),
        ("雪地里的小木屋", "snow", ("house",)),
        ("a quiet lake, snow-capped mountains, pine trees", "lake", ()),
        ("snow-capped mountains", "mountains", ()),
        ("瀑布,彩虹", "waterfall", ()),
        ("海底世界,小丑鱼", "underwater", ("fish",)),
        ("桌上的苹果", "table", ("apple",)),
        ("上海外滩夜景", "city", ()),
        ("水墨山水画", "mountains", ()),
        ("熊猫在竹林里", "forest", ("panda",)),
        ("一条小船在湖面上", "lake", ("boat",)),
        ("cat 在海边", "sea", ("cat",)),
    ],
)
def test_scene_and_subject_are_found(text: str, scene: str, subjects: tuple[str, ...]) -> None:
    reading = read(text)
    assert (reading.scene, reading.subjects[: len(subjects)]) == (scene, subjects)


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("mountains at dawn", "time", "dawn"),
        ("夜晚的森林", "time", "night"),
        ("street in heavy rain", "weather", "rain"),
        ("森林 薄雾", "weather", "fog"),
        ("autumn forest", "season", "autumn"),
        ("春天的花园", "season", "spring"),
        ("oil painting of a valley", "medium", "oil"),
        ("水墨画", "medium", "ink"),
        ("pixel art castle", "medium", "pixel"),
        ("a red and gold abstract", "hues", ("red", "gold")),
        ("紫色的天空", "hues", ("purple",)),
        ("紫色的花", "coats", (("flowers", "purple"),)),
        ("a girl with red hair", "coats", (("hair", "red"),)),
        ("a black cat in a green garden", "coats", (("cat", "black"),)),
        ("a black cat in a green garden", "hues", ("green",)),
        ("橘猫", "coats", (("cat", "orange"),)),
    ],
)
def test_light_colour_and_medium_are_found(text: str, field: str, value: object) -> None:
    assert getattr(read(text), field) == value


@pytest.mark.parametrize(
    ("text", "not_subject"),
    [
        ("a poster 海报", "sea"),
        ("烟花", "flowers"),
        ("a garden, no cat", "cat"),
        ("花园里没有猫", "cat"),
        ("马路", "horse"),
        ("机器人", "person"),
        ("猫头鹰", "cat"),
        ("concatenate caterpillar", "cat"),
    ],
)
def test_words_are_not_read_by_their_parts(text: str, not_subject: str) -> None:
    reading = read(text)
    assert not_subject not in (*reading.subjects, *reading.extras, reading.scene)


def test_plurals_and_case_make_no_difference() -> None:
    assert read("CATS in Gardens").subjects == ("cat",)
    assert read("butterflies").subjects == ("butterfly",)


def test_a_negative_prompt_names_what_stays_out() -> None:
    assert {"people", "text", "clouds", "dark", "blur"} <= avoided("people, text, blurry, clouds, dark")
    assert {"people", "text"} <= avoided("人物,水印")


def test_the_key_is_made_of_the_words_and_not_of_their_order() -> None:
    assert read("zorblax quibble").key == read("quibble, zorblax").key
    assert read("zorblax quibble").key != read("zorblax quabble").key


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t",
        "\x00\x01\x1b[31m",
        "🐱🌸🔥",
        "\ud800",
        "<lora:x:1>",
        "(((((",
        "a" * 100_000,
        "猫" * 100_000,
        "%s {} \\",
    ],
)
def test_any_text_is_read(text: str) -> None:
    assert read(text).key >= 0


def test_what_stands_past_the_limit_is_not_read() -> None:
    assert read("x, " * MAX_CHARACTERS + "cat").subjects == ()
