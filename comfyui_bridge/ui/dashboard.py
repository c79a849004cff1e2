"""What the page is given: the parts it reads from and acts on, put together once at the start."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comfyui_bridge.core.errors import WorkflowError
from comfyui_bridge.ui.seeing import Seeing

if TYPE_CHECKING:
    from comfyui_bridge.core.form import Form
    from comfyui_bridge.core.run import Run
    from comfyui_bridge.core.template import Template
    from comfyui_bridge.engine.engine import Engine
    from comfyui_bridge.engine.experiments import Experiments
    from comfyui_bridge.engine.results import Results
    from comfyui_bridge.store.accounts import Accounts, Sessions
    from comfyui_bridge.store.catalogue import Catalogue
    from comfyui_bridge.store.editor import Editor
    from comfyui_bridge.store.media import MediaStore
    from comfyui_bridge.store.presets import PresetStore
    from comfyui_bridge.store.sharing import Sharing
    from comfyui_bridge.store.wildcard_files import WildcardFiles


@dataclass(frozen=True)
class Dashboard:
    """Everything one page needs. Handlers hold nothing else."""

    engine: Engine
    library: Catalogue
    editor: Editor
    media: MediaStore
    results: Results
    version: str
    program: str = ""
    """An id of this process, by which it knows its own address: /healthz answers with it."""
    accounts: Accounts | None = None
    """Who may sign in; None where everyone may come."""
    sessions: Sessions | None = None
    presets: PresetStore | None = None
    """Where presets are kept; a page without offers none."""
    sharing: Sharing | None = None
    """What people show to each other; without, each sees their own."""
    experiments: Experiments | None = None
    """A page without has no tab for them."""
    wildcards: WildcardFiles | None = None
    """The lists that prompts may name."""
    servers: tuple[str, ...] = ()
    """The servers named in the settings, without credentials."""
    uses_sandbox: bool = False
    """Our own embedded server was started because no other was named."""
    workflows: Path = Path("workflows")
    """The folder people drop templates into, as messages name it."""

    def form_of(self, template: Template | None) -> Form | None:
        """The template's form as it is now; None without a template, or where its document makes none."""
        try:
            return self.engine.form(template) if template is not None else None
        except WorkflowError:
            return None

    def run_seen(self, run_id: str, request: Any) -> Run | None:
        """The run as it is now, if there is one that whoever asks may see."""
        snapshot = self.seeing.snapshot(run_id, request)
        return snapshot.run if snapshot is not None else None

    @cached_property
    def seeing(self) -> Seeing:
        """Who may see what."""
        return Seeing(self.engine.snapshot, self.sharing)
