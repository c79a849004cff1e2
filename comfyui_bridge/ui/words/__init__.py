"""All words of the page, one table a panel: English and Simplified Chinese.

`Words` gives them in one language; which one, `choose` reads from a link's `__lang` or from what the
browser asks for. Names that people have to find again in ComfyUI (KSampler, LoRA, CFG) stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from comfyui_bridge.core.inputs import ExposedInput
from comfyui_bridge.core.template import Phrases
from comfyui_bridge.ui.words import (
    compare,
    editor,
    experiments,
    exports,
    form,
    frame,
    labels,
    library,
    loras,
    picture,
    queue,
    readiness,
    recipe,
    remix,
    results,
    sentences,
    servers,
    sheet,
    stage,
)

LANGUAGES = ("en", "zh")

_PARTS = (
    frame,
    library,
    form,
    readiness,
    stage,
    queue,
    servers,
    results,
    experiments,
    sheet,
    exports,
    editor,
    loras,
    picture,
    compare,
    recipe,
    remix,
)
_TABLE: Mapping[str, tuple[str, str]] = {key: said for part in _PARTS for key, said in part.TABLE.items()}

KEYS = tuple(_TABLE)


@dataclass(frozen=True)
class Words:
    """The page's words in one language."""

    lang: str = "en"

    def __call__(self, key: str, **values: object) -> str:
        """The words of this key, with the values put in."""
        text = self.raw(key)
        return text.format(**values) if values else text

    def raw(self, key: str) -> str:
        """The words of this key with the gaps left open."""
        return _TABLE[key][LANGUAGES.index(self.lang)]

    def count(self, key: str, count: int) -> str:
        """The words for so many of something."""
        if count == 1 and f"{key}_one" in _TABLE:
            return self(f"{key}_one")
        return self(key, count=count)

    def text(self, text: str, phrases: Phrases) -> str:
        """A text of a card in this language, where the card says it in this language."""
        return phrases.get(self.lang, {}).get(text, text)

    def input(self, one: ExposedInput) -> str:
        """The label of an input: as its card says it in this language, or as we say a label of ours."""
        return one.phrases.get(self.lang, {}).get(one.label) or self.label(one.label)

    def sentence(self, sentence: str) -> str:
        """A sentence of the rooms below, which speak English, as far as it is known here."""
        return sentences.chinese(sentence) if self.lang == "zh" else sentence

    def label(self, label: str) -> str:
        """A label of ours in this language; an author's own stays as it is."""
        return labels.ZH.get(label, label) if self.lang == "zh" else label

    def time(self, seconds: float) -> str:
        """A length of time, as roughly as people say it."""
        if seconds < 10:
            return self("seconds", count=max(1, round(seconds)))
        if seconds < 100:
            return self("seconds", count=round(seconds / 5) * 5 if seconds >= 20 else round(seconds))
        return self("minutes", count=max(2, round(seconds / 60)))

    def ordinal(self, place: int) -> str:
        return self(f"ordinal_{place}") if place in (1, 2, 3) else self("ordinal", count=place)


def choose(asked: str, accept_language: str) -> str:
    """The language to speak: the one asked for in the link, else the browser's first that we know."""
    for wish in (asked, *(part.split(";")[0] for part in accept_language.split(","))):
        lang = wish.strip().lower().replace("_", "-").split("-")[0]
        if lang in LANGUAGES:
            return lang
    return "en"


def script_words(lang: str) -> dict[str, str]:
    """What the page's own script says by itself."""
    words = Words(lang)
    return {key: words(key) for part in _PARTS for key in part.SCRIPT}
