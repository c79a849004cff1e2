"""From words to what shall be painted: a scene, its subjects, light, weather, colours and medium.

English is read by words and phrases, Chinese by the longest known word at each place, and both may be mixed.
Words that mean nothing here only feed a key, from which an unknown prompt gets a fitting picture.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from .noise import digest
from .vocabulary import DEFAULT_SCENE, LEXICON, LONGEST_PHRASE, LONGEST_WORD, NEGATIONS, Meaning

TOKEN = re.compile(r"[a-z][a-z'-]*[a-z]|[a-z]|[0-9]+[a-z]*|[\u3400-\u9fff]+")
MAX_CHARACTERS = 4000
"""Longer prompts are read up to here: nothing after it would change the picture."""


@dataclass(frozen=True)
class Reading:
    """What was understood of a prompt. Empty words mean "not said"."""

    scene: str = ""
    subjects: tuple[str, ...] = ()
    hues: tuple[str, ...] = ()
    """Colours that were named, those of a subject excepted."""
    coats: tuple[tuple[str, str], ...] = ()
    """(subject, colour) where a colour stands right before a subject (or before hair or flowers)."""
    extras: frozenset[str] = frozenset()
    """Things that belong to a scene: clouds, flowers, path, reflection, neon, stars, people ..."""
    time: str = ""
    weather: str = ""
    season: str = ""
    moods: frozenset[str] = frozenset()
    medium: str = ""
    key: int = 0
    """A number made from the words, for what the words leave open."""

    def has(self, *words: str) -> bool:
        """Whether any of these is a subject or an extra."""
        return any(word in self.extras or word in self.subjects for word in words)


@dataclass(frozen=True)
class Mention:
    """A known word at its place in the text."""

    meanings: tuple[Meaning, ...]
    place: int
    denied: bool = False


def read(text: str) -> Reading:
    """What is understood of a prompt; never fails."""
    mentions = find(text)
    said = [m for m in mentions if not m.denied]
    subjects = ordered(said, "subject")
    scene = choose_scene(said, subjects)
    coats = coats_of(said)
    taken = {place for place, _, _ in coats}
    return Reading(
        scene=scene,
        subjects=subjects,
        hues=tuple(
            dict.fromkeys(
                w.name for m in said for w in m.meanings if w.kind == "hue" and m.place not in taken
            )
        ),
        coats=tuple((subject, hue) for _, subject, hue in coats),
        extras=frozenset(ordered(said, "extra")),
        time=first(said, "time"),
        weather=first(said, "weather"),
        season=first(said, "season"),
        moods=frozenset(ordered(said, "mood")),
        medium=first(said, "medium"),
        key=digest("words", *sorted(set(tokens(text)))),
    )


def avoided(negative: str) -> frozenset[str]:
    """The names of all known things that a negative prompt keeps out."""
    return frozenset(meaning.name for mention in find(negative) for meaning in mention.meanings)


def tokens(text: str) -> list[str]:
    """Words of a text: English words, and runs of Chinese characters."""
    return TOKEN.findall(re.sub(r"<[^<>]*>", " ", text[:MAX_CHARACTERS]).lower())


def find(text: str) -> list[Mention]:
    """All known words in order, with "no ..." and "没有..." marked as denied."""
    mentions: list[Mention] = []
    words = tokens(text)
    index, denied_until = 0, -1
    while index < len(words):
        word = words[index]
        if word[0] >= "\u3400":
            mentions += segment(word, len(mentions))
            index += 1
            continue
        if word in NEGATIONS:
            denied_until = index + 2
            index += 1
            continue
        for length in range(min(LONGEST_PHRASE, len(words) - index), 0, -1):
            meanings = look_up(" ".join(words[index : index + length]))
            if meanings:
                mentions.append(Mention(meanings, len(mentions), index <= denied_until))
                index += length - 1
                break
        index += 1
    return mentions


def look_up(phrase: str) -> tuple[Meaning, ...]:
    """The meanings of an English word or phrase, in singular or plural."""
    forms = [phrase]
    if phrase.endswith("ies"):
        forms.append(phrase[:-3] + "y")
    if phrase.endswith("es"):
        forms.append(phrase[:-2])
    if phrase.endswith("s"):
        forms.append(phrase[:-1])
    if phrase.endswith("'s"):
        forms.append(phrase[:-2])
    for form in forms:
        if form in LEXICON:
            return LEXICON[form]
    if "-" in phrase and " " not in phrase:
        return tuple(meaning for part in phrase.split("-") for meaning in LEXICON.get(part, ()))
    return ()


def segment(run: str, place: int) -> list[Mention]:
    """Known words in a run of Chinese characters, the longest at each place."""
    mentions: list[Mention] = []
    index, denied_until = 0, -1
    while index < len(run):
        for length in range(min(LONGEST_WORD, len(run) - index), 0, -1):
            word = run[index : index + length]
            if word in NEGATIONS:
                denied_until = index + length + 3
                index += length - 1
                break
            if word in LEXICON:
                mentions.append(Mention(LEXICON[word], place + len(mentions), index <= denied_until))
                index += length - 1
                break
        index += 1
    return mentions


def ordered(mentions: list[Mention], kind: str) -> tuple[str, ...]:
    """Names of a kind in the order they were said, each once."""
    return tuple(dict.fromkeys(w.name for m in mentions for w in m.meanings if w.kind == kind))


def first(mentions: list[Mention], kind: str) -> str:
    return next(iter(ordered(mentions, kind)), "")


WORN = frozenset({"hair", "flowers"})
"""Extras that a colour may belong to as it may to a subject."""


def coats_of(mentions: list[Mention]) -> list[tuple[int, str, str]]:
    """(place of the colour, thing, colour) for every colour right before a thing or in one word with it."""
    found = []
    for colour, thing in pairwise(mentions):
        if len(colour.meanings) == 1 and colour.meanings[0].kind == "hue":
            found += [(colour.place, name, colour.meanings[0].name) for name in coloured(thing)]
    for mention in mentions:
        # "orange cat" as one Chinese word (橘猫) carries both meanings.
        hues = [w.name for w in mention.meanings if w.kind == "hue"]
        found += [(mention.place, name, hues[0]) for name in coloured(mention) if hues]
    return found


def coloured(mention: Mention) -> list[str]:
    """The first thing in a word that can have a colour of its own."""
    return [
        w.name for w in mention.meanings if w.kind == "subject" or (w.kind == "extra" and w.name in WORN)
    ][:1]


def choose_scene(mentions: list[Mention], subjects: tuple[str, ...]) -> str:
    """The place with the strongest words for it; else where the subject is at home; else none."""
    scores: dict[str, float] = {}
    for mention in mentions:
        for meaning in mention.meanings:
            if meaning.kind == "scene":
                early = 1 - 0.02 * min(mention.place, 20)
                scores[meaning.name] = scores.get(meaning.name, 0.0) + meaning.weight * early
    for subject in subjects:
        if subject in DEFAULT_SCENE:
            home = DEFAULT_SCENE[subject]
            scores[home] = scores.get(home, 0.0) + 0.35
            break
    if "lake" in scores and "mountains" in scores:
        # A lake among mountains: the lake's scene has peaks of its own.
        scores["lake"] += scores.pop("mountains")
    if not scores:
        return ""
    return max(scores, key=lambda name: scores[name])
