"""What somebody brings, as a template in the making: whatever the file or text is, its workflow comes out.

A workflow in either format, as a file or pasted; any file that ComfyUI saved with its workflow in it; a
bundle of ours. Everything may be wrong or hostile: a template or TemplateError with a sentence comes out,
nothing is unpacked onto the disk, and nothing is larger than said here.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from comfyui_bridge.core import workflow
from comfyui_bridge.core.errors import TemplateError, WorkflowError
from comfyui_bridge.store import carried
from comfyui_bridge.store.documents import DocumentError, parse_json, parse_toml
from comfyui_bridge.store.library import COVERS, MOST_MB

MOST_BYTES = 256 << 20
"""Of a file that carries a workflow: a film may be large. Workflows, cards and covers have limits of
their own."""
_MOST_COVER = 32 << 20
_MOST_IN_BUNDLE = 1_000
_LONGEST_NAME = 120
"""Characters of a file's name that a message shows and a template is called by."""
_FENCE = re.compile(rb"\A\s*```[a-zA-Z]*\s*\n(.*?)\n\s*```\s*\Z", re.DOTALL)


@dataclass(frozen=True)
class Intake:
    """A template that is not in the library yet."""

    name: str
    document: Mapping[str, Any]
    card: Mapping[str, Any] | None = None
    cover: bytes | None = None
    """A picture of any size and format."""
    workflow_text: bytes | None = field(default=None, repr=False)
    """The workflow's file where there was one, to be kept byte for byte."""
    card_text: bytes | None = field(default=None, repr=False)


def read(content: bytes, name: str) -> Intake:
    """What a file or a text holds; `name` is the file's. Raises TemplateError with what was expected."""
    name = _last_part(name)
    if len(content) > MOST_BYTES:
        raise TemplateError(f"It is larger than {MOST_BYTES >> 20} MB, which no workflow is.", file=name)
    if zipfile.is_zipfile(io.BytesIO(content)) and content.startswith(b"PK"):
        return _bundle(content, name)
    found = carried.texts(content)
    if found is None:
        return _json(content, name)
    cover = content if carried.is_picture(content) else None
    return Intake(_stem(name), _carried(found, name), cover=cover)


def _last_part(name: str) -> str:
    """A file's name as it can be shown, without the folders that some browsers and archives put before it."""
    last = re.split(r"[/\\]", name.strip())[-1] or "workflow"
    shown = last.encode("utf-8", "replace").decode()
    return shown if len(shown) <= _LONGEST_NAME else f"{shown[:_LONGEST_NAME]}…"


def _stem(name: str) -> str:
    return PurePosixPath(name).stem or "workflow"


# Files that carry a workflow


def _carried(found: Mapping[str, str], name: str) -> Mapping[str, Any]:
    """The workflow of a file's texts.

    `prompt` is what really ran: the values are the picture's own, and what extensions of the editor did to
    the graph is done. `workflow` is the editor's, and better only where its author made a form of it in App
    mode, which `prompt` knows nothing of. Titles are in both since ComfyUI writes `_meta`.
    """
    documents = {key: document for key, text in found.items() if (document := _readable(text)) is not None}
    prompt, ui = documents.get("prompt"), documents.get("workflow")
    if ui is not None and (prompt is None or _has_app(ui)):
        return ui
    if prompt is not None:
        return prompt
    if found:
        raise TemplateError("It carries a workflow that cannot be read; it may be damaged.", file=name)
    raise TemplateError(
        "It carries no workflow. What ComfyUI saves does, unless something took it out on the way, as "
        "messengers and picture services do. Bring the original file, or the workflow as JSON.",
        file=name,
    )


def _readable(text: str) -> Mapping[str, Any] | None:
    try:
        document = parse_json(text.encode("utf-8", "surrogatepass"), nan_is_null=True)
    except DocumentError:
        return None
    return next((one for one in _within(document) if _is_workflow(one)), None)


def _has_app(document: Mapping[str, Any]) -> bool:
    extra = document.get("extra")
    linear = extra.get("linearData") if isinstance(extra, Mapping) else None
    return isinstance(linear, Mapping) and bool(linear.get("inputs"))


# Texts


def _json(content: bytes, name: str) -> Intake:
    fenced = _FENCE.match(content[: MOST_MB[".json"] << 20])
    text = fenced.group(1) if fenced else content
    if len(text) > MOST_MB[".json"] << 20:
        raise TemplateError(f"A workflow may have {MOST_MB['.json']} MB at most.", file=name)
    if b"\0" in text[:1024]:
        raise TemplateError(_WHAT_IT_MAY_BE, file=name)
    try:
        document, is_plain = parse_json(text), True
    except DocumentError:
        try:
            document, is_plain = parse_json(text, nan_is_null=True), False
        except DocumentError as error:
            raise TemplateError(str(error), file=name) from None
    found = next((one for one in _within(document) if _is_workflow(one)), None)
    if found is None:
        raise TemplateError(_why_none(document), file=name)
    kept = text if is_plain and found is document else None
    return Intake(_stem(name), found, workflow_text=kept)


_WHAT_IT_MAY_BE = (
    "It is no file that a workflow could be in. Bring a workflow as JSON, a picture, video or sound that "
    "ComfyUI saved, or a bundle."
)


def _within(document: object) -> Iterator[Mapping[str, Any]]:
    """The document, then what may be the workflow in it: the body of POST /prompt, an entry of /history, or
    the editor's own pair of both formats."""
    if not isinstance(document, Mapping):
        return
    yield document
    entry = next(iter(document.values())) if len(document) == 1 else document
    for wrapper in (document, entry):
        for key in ("workflow", "prompt", "output"):
            inner = wrapper.get(key) if isinstance(wrapper, Mapping) else None
            # The history has [number, prompt_id, graph, ...].
            inner = inner[2] if isinstance(inner, list) and len(inner) > 2 else inner
            if isinstance(inner, Mapping):
                yield inner


def _is_workflow(document: Mapping[str, Any]) -> bool:
    if workflow.is_ui_format(document):
        return True
    try:
        workflow.parse(document)
    except WorkflowError:
        return False
    return True


def _why_none(document: Mapping[str, Any]) -> str:
    try:
        workflow.parse(document)
    except WorkflowError as error:
        return f"It is JSON, but no workflow: {error}"
    return "It is JSON, but no workflow."


# Bundles

_BROKEN_ZIP = (
    zipfile.BadZipFile,
    RuntimeError,
    NotImplementedError,
    EOFError,
    OSError,
    ValueError,
    zlib.error,
)


def _bundle(content: bytes, name: str) -> Intake:
    """A zip of SLUG.json, SLUG.toml and a cover. Nothing but these is read, under whatever path they are."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as bundle:
            return _unpacked(bundle, name)
    except _BROKEN_ZIP:
        raise TemplateError("This bundle is damaged and cannot be unpacked.", file=name) from None


def _unpacked(bundle: zipfile.ZipFile, name: str) -> Intake:
    entries = [entry for entry in bundle.infolist() if not entry.is_dir() and _is_part(entry)]
    if len(entries) > _MOST_IN_BUNDLE:
        raise TemplateError(f"It holds {len(entries)} files; a bundle has three at most.", file=name)
    workflows = [entry for entry in entries if _suffix(entry) == ".json"]
    if len(workflows) != 1:
        what = f"{len(workflows)} workflows" if workflows else "no workflow"
        raise TemplateError(
            f"It holds {what}; a bundle has one SLUG.json, and may have SLUG.toml and a cover.", file=name
        )
    (found,) = workflows
    intake = _json(_content(bundle, found, MOST_MB[".json"] << 20, name), _last_part(found.filename))
    beside = [entry for entry in entries if _stem_of(entry) == _stem_of(found)]
    card = next((entry for entry in beside if _suffix(entry) == ".toml"), None)
    if card is not None:
        text = _content(bundle, card, MOST_MB[".toml"] << 20, name)
        intake = replace(intake, card=_card(text), card_text=text)
    covers = sorted(
        (entry for entry in beside if _suffix(entry) in COVERS), key=lambda one: COVERS.index(_suffix(one))
    )
    if covers:
        intake = replace(intake, cover=_content(bundle, covers[0], _MOST_COVER, name))
    return intake


def _is_part(entry: zipfile.ZipInfo) -> bool:
    """Not what a Mac puts beside each file."""
    parts = PurePosixPath(entry.filename).parts
    return bool(parts) and "__MACOSX" not in parts and not parts[-1].startswith(".")


def _suffix(entry: zipfile.ZipInfo) -> str:
    return PurePosixPath(entry.filename).suffix.lower()


def _stem_of(entry: zipfile.ZipInfo) -> str:
    return PurePosixPath(entry.filename).stem


def _content(bundle: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int, name: str) -> bytes:
    """An entry's bytes, counted as they come: what an archive says of its sizes may be a lie."""
    with bundle.open(entry) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise TemplateError(f"{_last_part(entry.filename)} in it is larger than {most >> 20} MB.", file=name)
    return content


def _card(text: bytes) -> Mapping[str, Any] | None:
    """None for a wrong card, which comes along as it is: the library says what is wrong with it."""
    try:
        return parse_toml(text)
    except DocumentError:
        return None
