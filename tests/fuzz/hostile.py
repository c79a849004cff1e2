"""What a stranger may bring: broken, hostile and odd files, made of the recorded ones by chance.

The same seed makes the same files.
"""

from __future__ import annotations

import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import Any

from tests.core.test_convert_fuzz import mutate

MARKUP = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "</title></style></textarea><script>alert(1)</script>",
    "{{value}} ${alert(1)} `x`",
    "&lt;b&gt; & &amp;",
    "javascript:alert(1)",
    "[x](javascript:alert(1)) ![](http://127.0.0.1/x)",
)
ODD = (
    *(
        "",
        " ",
        ".",
        "..",
        "../../up",
        "..\\..\\up",
        "/etc/passwd",
        "C:\\x",
        "con",
        "NUL.txt",
        "%2e%2e%2f",
        "-rf",
    ),
    *(
        "a" * 400,
        "猫" * 200,
        "\x00",
        "a\x00b",
        "line\nline",
        "\u202egnp.exe",
        "\ud800",
        "e\u0301",
        "\U0001f408",
    ),
    *("a.b.c", ".hidden", "x.json.json", "\ufeff", "İ", "ﬀ", "a|b", "*?", "~", "\u2028"),
    *MARKUP,
)
HALF = "\ud800"
SHOWN = tuple(text for text in ODD if HALF not in text)
"""What JSON can carry: half a character is refused at the door, and would hide all that comes after."""
FOLDERS = ("", "/tmp/", "../", "..\\", "a/b/../../..//")
STARTS = (
    *(
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\x10\x00\x00\x00WEBP",
        b"\xff\xd8\xff\xe1",
        b"PK\x03\x04",
        b"fLaC",
        b"OggS",
    ),
    *(
        b"ID3\x04\x00\x00",
        b"\x1aE\xdf\xa3",
        b"\x00\x00\x00\x18ftypmp42",
        b"glTF\x02\x00\x00\x00",
        b"{",
        b"\xef\xbb\xbf",
    ),
)
"""How files of each kind begin."""
CARD_LINES = (
    *("min = 'x'", "step = 0", "max = -inf", "choices = 3", "default = 1979-05-27", "key = 'k'", "node = 3"),
    *("default = [[1], {a = nan}]", "default = nan", "choices = [1, 'a', []]", "default = 9e999", ""),
)
BROKEN_LINES = ("= 1", "[[inputs]", "title = 2", "a.b.c = {", "[inputs]")
TEXT_KEYS = frozenset(("title", "name", "label", "label_on", "tooltip", "type", "class_type", "text"))


class Stranger:
    """Makes files out of recorded workflows, by a seed."""

    def __init__(self, documents: Sequence[Any], seed: int) -> None:
        self.rng = random.Random(seed)
        self._documents = documents
        self._ways: tuple[tuple[int, Callable[[], tuple[bytes, str]]], ...] = (
            (10, self._json),
            (4, self._picture),
            (2, self._bytes),
            (2, self._bundle),
            (1, self._text),
        )

    def bring(self) -> tuple[bytes, str]:
        """A file and its name."""
        weights, ways = zip(*self._ways, strict=True)
        content, suffix = self.rng.choices(ways, weights)[0]()
        name = self.rng.choice(FOLDERS) + self.rng.choice((*ODD, "cat", "My cat")) + suffix
        return content, name

    def _document(self) -> Any:
        document = self.rng.choice(self._documents)
        document = mutate(document, self.rng) if self.rng.random() < 0.8 else json.loads(json.dumps(document))
        if self.rng.random() < 0.5:
            self._deface(document, 0)
        return document

    def _deface(self, value: Any, depth: int) -> None:
        """Put markup and odd texts where people read them."""
        if depth > 40:
            return
        entries = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        for key, entry in list(entries):
            if isinstance(entry, str) and (key in TEXT_KEYS or self.rng.random() < 0.05):
                if key not in ("type", "class_type") or self.rng.random() < 0.1:
                    value[key] = self.rng.choice(SHOWN)
            else:
                self._deface(entry, depth + 1)
        if isinstance(value, dict) and "class_type" in value and self.rng.random() < 0.5:
            value["_meta"] = {"title": self.rng.choice(SHOWN if self.rng.random() < 0.99 else (HALF,))}

    def _json(self) -> tuple[bytes, str]:
        document = self._document()
        if self.rng.random() < 0.1:
            document = {self.rng.choice(("prompt", "workflow", "output", "x")): document}
        return self._dumped(document), ".json"

    def _dumped(self, document: Any) -> bytes:
        text = json.dumps(document, ensure_ascii=self.rng.random() < 0.7)
        return text.encode("utf-8", "surrogatepass")

    def _text(self) -> tuple[bytes, str]:
        deep = self.rng.choice((5, 90, 120, 2000, 100_000))
        choices = (
            "[" * deep,
            '{"1":' * deep,
            '{"1":' * deep + "1" + "}" * deep,
            '{"nodes": ' + "[" * deep + "]" * deep + "}",
            '{"nodes": [], "links": [' + "9" * deep + "]}",
            '{"1": {"class_type": "X", "inputs": {"a": 1e' + "9" * 5 + "}}}",
            f"```json\n{json.dumps(self._document())}\n```",
            "".join(self.rng.choice(ODD) for _ in range(20)),
            '{"a":1,"a":2}',
        )
        return self.rng.choice(choices).encode("utf-8", "replace"), self.rng.choice((".json", "", ".txt"))

    def _texts(self) -> dict[str, bytes]:
        return {
            key: self._dumped(self._document()) for key in ("prompt", "workflow") if self.rng.random() < 0.7
        }

    def _picture(self) -> tuple[bytes, str]:
        maker, suffix = self.rng.choice(
            ((_png, ".png"), (_webp, ".webp"), (_safetensors, ".latent"), (_svg, ".svg"))
        )
        content = maker(self._texts())
        return (self._broken(content) if self.rng.random() < 0.5 else content), suffix

    def _bytes(self) -> tuple[bytes, str]:
        return self.rng.choice(STARTS) + self.rng.randbytes(self.rng.randrange(400)), ".png"

    def _broken(self, content: bytes) -> bytes:
        """Cut off, or with some bytes turned over."""
        if self.rng.random() < 0.5:
            return content[: self.rng.randrange(len(content))]
        turned = bytearray(content)
        for _ in range(self.rng.randint(1, 8)):
            turned[self.rng.randrange(len(turned))] = self.rng.randrange(256)
        return bytes(turned)

    def _bundle(self) -> tuple[bytes, str]:
        stem = self.rng.choice(("cat", "../../up", "/etc/up", "..\\up", "a/b", *MARKUP))
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as bundle:
            bundle.writestr(f"{stem}.json", self._dumped(self._document()))
            bundle.writestr(f"{stem}.toml", self._card())
            if self.rng.random() < 0.3:
                bundle.writestr(f"{stem}.png", _png({}))
            if self.rng.random() < 0.2:
                bundle.writestr(self.rng.choice(("../x", "/y", "z/")), b"more")
        content = written.getvalue()
        return (self._broken(content) if self.rng.random() < 0.3 else content), ".zip"

    def _card(self) -> bytes:
        text = self.rng.choice(SHOWN).encode("utf-8", "replace").decode()
        quoted = json.dumps(text)
        lines = [
            f"title = {quoted}",
            f"description = {quoted}",
            f'tags = [{quoted}, {quoted}, "a"]',
            f"{quoted} = 1",
        ]
        for _ in range(self.rng.randrange(4)):
            node, name = self.rng.choice("123456789"), self.rng.choice(("text", "seed", "steps", "image"))
            lines += [
                "[[inputs]]",
                f'node = "{node}"',
                f'input = "{name}"',
                f"label = {quoted}",
                f"help = {quoted}",
            ]
            lines.append(self.rng.choice((f"group = {quoted}", *CARD_LINES)))
        if self.rng.random() < 0.2:
            lines.insert(self.rng.randrange(len(lines)), self.rng.choice(BROKEN_LINES))
        return "\n".join(lines).encode()


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", zlib.crc32(kind + body))


def _png(texts: dict[str, bytes]) -> bytes:
    head = struct.pack(">IIBBBBB", 4, 4, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * (4 * 13))
    told = b"".join(_chunk(b"tEXt", key.encode() + b"\0" + text) for key, text in texts.items())
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + told + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def _webp(texts: dict[str, bytes]) -> bytes:
    """The EXIF alone matters: two ASCII entries, Make and Model."""
    values = [key.encode() + b":" + text + b"\0" for key, text in texts.items()]
    place, entries = 8 + 2 + 12 * len(values) + 4, b""
    for tag, value in zip((0x010F, 0x0110), values, strict=False):
        entries += struct.pack("<HHII", tag, 2, len(value), place)
        place += len(value)
    exif = b"II*\0\x08\0\0\0" + struct.pack("<H", len(values)) + entries + bytes(4) + b"".join(values)
    body = b"WEBP"
    for kind, content in ((b"VP8X", b"\x08\0\0\0\x03\0\0\x03\0\0"), (b"EXIF", exif)):
        body += kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _safetensors(texts: dict[str, bytes]) -> bytes:
    told = {key: text.decode("utf-8", "replace") for key, text in texts.items()}
    header = json.dumps({"__metadata__": told}).encode()
    return struct.pack("<Q", len(header)) + header


def _svg(texts: dict[str, bytes]) -> bytes:
    told = b",".join(b'"%s": %s' % (key.encode(), text) for key, text in texts.items())
    return b"<svg><metadata><![CDATA[{" + told + b"}]]></metadata></svg>"
