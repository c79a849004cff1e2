"""The files that people uploaded: which of them nobody needs any more, and letting those go.

One is needed as long as a run, a preset or a template names it. It goes after whatever named it, so a crash
in between leaves a file too many, for the next round. Only where space or age ask for it does one go that
runs still name: those whose own files went before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from comfyui_bridge.store.media import MediaStore, Upload, hashes_in
from comfyui_bridge.store.run_index import Naming, RunIndex

FRESH_S = 86_400.0
"""For so long after its last use nothing goes: it may stand in a form that somebody still fills in."""

Texts = Callable[[], Iterable[str]]


class Uploads:
    """Of the housekeeper's one thread."""

    def __init__(
        self, media: MediaStore, index: RunIndex, texts: Sequence[Texts], clock: Callable[[], float]
    ) -> None:
        """`texts` give what besides runs names uploads, presets and templates; without any nothing goes."""
        self._media, self._index = media, index
        self._texts = texts
        self._clock = clock

    def bytes(self) -> int:
        """What all of them take."""
        return sum(upload.size for upload in self._media.uploads())

    def unnamed(self) -> tuple[Upload, ...]:
        """Those that nothing names, what was used longest ago first."""
        return self._without(lambda run: True)

    def spent(self, before: float = float("inf")) -> tuple[Upload, ...]:
        """Those too that are named only by runs without a star, asked for before, whose files are gone."""
        return self._without(lambda run: run.is_held or run.asked_at >= before)

    def let_go(self, upload: Upload) -> int:
        """The bytes that are free now; none where it was used meanwhile."""
        return upload.size if self._media.forget_upload(upload) else 0

    def _without(self, needs: Callable[[Naming], bool]) -> tuple[Upload, ...]:
        """Those that no such run names, and nothing else."""
        everything = self._media.uploads() if self._texts else ()
        left = [one for one in everything if one.used_at < self._clock() - FRESH_S]
        if left:
            named = {hash_ for run in self._index.naming() if needs(run) for hash_ in run.hashes}
            left = [one for one in left if one.hash not in named]
        if left:
            said = {hash_ for texts in self._texts for text in texts() for hash_ in hashes_in(text)}
            left = [one for one in left if one.hash not in said]
        return tuple(left)
