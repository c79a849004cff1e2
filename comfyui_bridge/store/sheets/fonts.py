"""Letters for pictures: the fonts of this computer, one after the other until one has the character.

No font is shipped. Pillow's own has little more than ASCII; it is the last to be asked, and always there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from PIL import ImageDraw, ImageFont

# Names of files, as Pillow looks for them in the folders of each system: a plain font that reads well with
# its bold one, then what it may lack: Chinese, Japanese and Korean, other scripts, signs.
_PLAIN = (
    ("NotoSans-Regular.ttf", "NotoSans-Bold.ttf"),
    ("segoeui.ttf", "segoeuib.ttf"),
    ("Arial.ttf", "Arial Bold.ttf"),
    ("arial.ttf", "arialbd.ttf"),
    ("LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf"),
    ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    ("FreeSans.ttf", "FreeSansBold.ttf"),
)
_MORE_BOLD = ("NotoSansCJK-Bold.ttc", "msyhbd.ttc", "malgunbd.ttf", "DejaVuSans-Bold.ttf")
_MORE = (
    "NotoSansCJK-Regular.ttc",
    "NotoSansCJKsc-Regular.otf",
    "NotoSansSC-Regular.otf",
    "NotoSansSC-Regular.ttf",
    "SourceHanSansSC-Regular.otf",
    "msyh.ttc",
    "PingFang.ttc",
    "Hiragino Sans GB.ttc",
    "STHeiti Light.ttc",
    "wqy-zenhei.ttc",
    "wqy-microhei.ttc",
    "DroidSansFallbackFull.ttf",
    "DroidSansFallback.ttf",
    "msgothic.ttc",
    "malgun.ttf",
    "simsun.ttc",
    "Arial Unicode.ttf",
    "DejaVuSans.ttf",
    "seguisym.ttf",
    "Symbola.ttf",
    "NotoEmoji-Regular.ttf",
    "NotoSansSymbols2-Regular.ttf",
    "NotoSansSymbols-Regular.ttf",
    "NotoSansArabic-Regular.ttf",
    "NotoSansHebrew-Regular.ttf",
    "NotoSansThai-Regular.ttf",
    "NotoSansDevanagari-Regular.ttf",
    "Nirmala.ttf",
    "FreeSans.ttf",
    "unifont.otf",
    "unifont.ttf",
)
# The collection begins with Japanese; its third face is simplified Chinese, which our other language is.
_FACE = {"NotoSansCJK-Regular.ttc": 2, "NotoSansCJK-Bold.ttc": 2}
_BUILT_IN = ""
_NOBODY_HAS = "\U0010ffff"
_LOOKED_AT_SIZE = 20

# They change how their neighbours look and are nothing by themselves: joiners, selectors, shades of skin.
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]")

# Where a line may end: behind a space, and around each character of the scripts written without them.
_PIECES = re.compile(
    r"\s+|[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uff60]|[^\s\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uff60]+"
)

Font = ImageFont.FreeTypeFont


class Fonts:
    """The fonts of one picture, opened as they are needed. For one thread."""

    def __init__(self) -> None:
        self._opened: dict[tuple[str, int], Font | None] = {}
        pairs = (pair for pair in _PLAIN if self._open(pair[0], _LOOKED_AT_SIZE))
        plain, bold = next(pairs, (_BUILT_IN, _BUILT_IN))
        self._plain = plain
        self._bold = bold if self._open(bold, _LOOKED_AT_SIZE) else plain
        self._having: dict[tuple[str, str], bool] = {}
        self._found: dict[tuple[str, bool], str | None] = {}
        self.is_missing = False
        """Whether a character was asked for that no font here has."""

    def width(self, text: str, size: int, *, bold: bool = False) -> float:
        return sum(self._font(name, size).getlength(part) for name, part in self._parts(text, bold))

    def draw(
        self,
        on: ImageDraw.ImageDraw,
        at: tuple[float, float],
        text: str,
        size: int,
        colour: str,
        *,
        bold: bool = False,
    ) -> None:
        """One line of text, `at` being where its baseline begins."""
        x, y = at
        for name, part in self._parts(text, bold):
            font = self._font(name, size)
            on.text((x, y), part, colour, font, anchor="ls")
            x += font.getlength(part)

    def lines(self, text: str, width: float, size: int, most: int, *, bold: bool = False) -> list[str]:
        """The text in lines of at most this width, as many as may be; what is left over becomes a …"""
        found: list[str] = []
        line, length = "", 0.0
        for piece, wide in self._pieces(text, width, size, bold):
            if line and length + wide > width and not piece.isspace():
                if len(found) + 1 == most:
                    return [*found, self._shortened(line, width, size, bold)]
                found.append(line.rstrip())
                line, length = "", 0.0
            if line or not piece.isspace():
                line, length = line + piece, length + wide
        return [*found, line.rstrip()] if line.strip() else found

    def _pieces(self, text: str, width: float, size: int, bold: bool) -> Iterator[tuple[str, float]]:
        """What stays together in a line, with its width; what is wider than a line comes in characters."""
        for piece in _PIECES.findall(" ".join(text.split())):
            wide = self.width(piece, size, bold=bold)
            if wide <= width:
                yield piece, wide
            else:
                yield from ((one, self.width(one, size, bold=bold)) for one in piece)

    def _shortened(self, line: str, width: float, size: int, bold: bool) -> str:
        line = line.rstrip()
        while line and self.width(f"{line}…", size, bold=bold) > width:
            line = line[:-1].rstrip()
        return f"{line}…"

    def _parts(self, text: str, bold: bool) -> Iterator[tuple[str, str]]:
        """The text in stretches of one font each."""
        last, stretch = self._bold if bold else self._plain, ""
        for character in _UNSEEN.sub("", text):
            mark = unicodedata.combining(character) or character.isspace()
            name = last if mark else self._name(character, bold)
            if name is None:
                name, character = self._plain, _said(character)
            if name != last:
                if stretch:
                    yield last, stretch
                last, stretch = name, ""
            stretch += character
        if stretch:
            yield last, stretch

    def _name(self, character: str, bold: bool) -> str | None:
        """The font that has this character; None if none has."""
        known = (character, bold)
        if known not in self._found:
            first = (self._bold, *_MORE_BOLD, self._plain) if bold else (self._plain,)
            having = (name for name in (*first, *_MORE, _BUILT_IN) if self._has(name, character))
            self._found[known] = next(having, None)
            self.is_missing |= self._found[known] is None
        return self._found[known]

    def _has(self, name: str, character: str) -> bool:
        """A font draws the same box for all that it lacks."""
        font = self._open(name, _LOOKED_AT_SIZE)
        if font is None:
            return False
        return bytes(font.getmask(character)) != bytes(font.getmask(_NOBODY_HAS))

    def _font(self, name: str, size: int) -> Font:
        font = self._open(name, size)
        assert font is not None, name
        return font

    def _open(self, name: str, size: int) -> Font | None:
        if (name, size) not in self._opened:
            self._opened[name, size] = _open(name, size)
        return self._opened[name, size]


def _open(name: str, size: int) -> Font | None:
    if name == _BUILT_IN:
        font = ImageFont.load_default(size)
        return font if isinstance(font, Font) else None
    try:
        return ImageFont.truetype(name, size, index=_FACE.get(name, 0))
    except OSError:
        return None


def _said(character: str) -> str:
    """A sign that cannot be drawn, in words where it is a picture."""
    name = unicodedata.name(character, "").lower()
    return f"[{name}]" if name and unicodedata.category(character) == "So" else "□"
