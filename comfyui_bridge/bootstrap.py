"""The composition root: makes every object once, hands it over, and closes in the right order.

The only file that knows every class. Importing it does nothing.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from uuid import uuid4

from comfyui_bridge.comfy.http import Timeouts
from comfyui_bridge.comfy.server import ComfyServer
from comfyui_bridge.core.errors import StoreError
from comfyui_bridge.engine.engine import Engine
from comfyui_bridge.engine.experiments import Experiments
from comfyui_bridge.engine.housekeeper import Housekeeper, Limits
from comfyui_bridge.engine.results import Results
from comfyui_bridge.sandbox_process import SandboxProcess
from comfyui_bridge.settings import Settings
from comfyui_bridge.store.accounts import Accounts, Sessions
from comfyui_bridge.store.catalogue import Catalogue
from comfyui_bridge.store.database import Database
from comfyui_bridge.store.editor import Editor
from comfyui_bridge.store.experiments import ExperimentStore
from comfyui_bridge.store.library import Library
from comfyui_bridge.store.media import MediaStore
from comfyui_bridge.store.presets import PresetStore
from comfyui_bridge.store.run_index import RunIndex
from comfyui_bridge.store.runs import RunStore
from comfyui_bridge.store.servers import ServerStore
from comfyui_bridge.store.sharing import Sharing
from comfyui_bridge.store.wildcard_files import WildcardFiles
from comfyui_bridge.ui.dashboard import Dashboard
from comfyui_bridge.version import __version__

STOP_S = 3.0
SANDBOX = "sandbox"
"""The name our own sandbox goes by, whatever port it has this time."""

_GLANCE = Timeouts(connect=2.0, answer=2.0, whole=4.0)
"""For a look at an address that somebody waits for."""

LOOK_EVERY_S = 1.0
"""How old a look at the folder of workflows may be: every page asks for it, every three seconds."""


@dataclass(frozen=True)
class App:
    """The whole program but for the page: close it, or use it as a context manager."""

    settings: Settings
    engine: Engine
    dashboard: Dashboard
    _closing: ExitStack

    def close(self) -> None:
        """Stop in order: the engine's threads, the sandbox they talk to, then the store they write to."""
        self._closing.close()

    def __enter__(self) -> App:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def build(settings: Settings) -> App:
    """Make the program. Raises StoreError where the data folder or the accounts cannot be used.

    The engine's workers are running when this returns; that a server is away is their concern.
    """
    accounts = _accounts(settings)
    program = uuid4().hex
    with ExitStack() as closing:
        database = closing.enter_context(Database(settings.data))
        media = MediaStore(settings.data)
        servers = [ComfyServer(url, token=settings.token) for url in settings.servers]
        if settings.wants_sandbox:
            sandbox = SandboxProcess(settings.data / "sandbox")
            closing.callback(sandbox.close)
            servers.append(ComfyServer(sandbox.url, name=SANDBOX))
        runs, index = RunStore(database), RunIndex(database)
        engine = Engine(
            servers,
            runs,
            media,
            ending_with_us=(SANDBOX,),
            kept=ServerStore(database),
            # Without the token: it is for the settings' servers, and anyone may add another.
            connect=ComfyServer,
            refuse=partial(_why_not, program),
            max_waiting=settings.max_waiting,
        )
        closing.callback(engine.stop)
        engine.start()
        library = Catalogue(Library(settings.workflows), look_every=LOOK_EVERY_S)
        editor = Editor(settings.workflows, settings.data / "trash", wrote=library.look_again)
        presets, plans = PresetStore(database), ExperimentStore(database)
        wildcards = WildcardFiles(settings.workflows / "wildcards")
        experiments = Experiments(
            engine,
            runs,
            plans,
            presets,
            library.get,
            lists=wildcards.lines,
        )
        closing.callback(experiments.stop_work, STOP_S)
        experiments.start_work()
        housekeeper = Housekeeper(
            runs,
            index,
            media,
            _limits(settings),
            clock=time.time,
            changed=engine.replace,
            gone=engine.forget,
            texts=(presets.texts, plans.texts, editor.texts),
        )
        closing.callback(housekeeper.stop, STOP_S)
        housekeeper.start()
        dashboard = Dashboard(
            engine=engine,
            library=library,
            editor=editor,
            media=media,
            results=Results(runs, index, housekeeper, engine.snapshot, time.time),
            presets=presets,
            sharing=Sharing(database),
            experiments=experiments,
            wildcards=wildcards,
            version=__version__,
            program=program,
            accounts=accounts,
            sessions=Sessions(database) if accounts else None,
            servers=tuple(server.name for server in servers),
            uses_sandbox=not settings.servers,
            workflows=settings.workflows,
        )
        return App(settings, engine, dashboard, closing.pop_all())


def _why_not(program: str, url: str) -> str:
    """Why an address that somebody adds is no ComfyUI's for certain: a dashboard answers there."""
    server = ComfyServer(url, timeouts=_GLANCE)
    try:
        found = server.bridge()
    finally:
        server.close()
    if not found:
        return ""
    whose = "this page's own address" if found == program else "the address of another ComfyUI Bridge"
    return f"{server.name} is {whose}. Write the address of a ComfyUI, such as 192.168.1.20:8188."


def _limits(settings: Settings) -> Limits:
    """How much is kept, and for how long."""
    size = None if settings.keep_gb is None else int(settings.keep_gb * 1e9)
    return Limits(size, None if settings.keep_days is None else settings.keep_days * 86400.0)


def _accounts(settings: Settings) -> Accounts | None:
    """Who may sign in; a file that lets nobody in, or is wrong in places, is refused at the start."""
    if settings.auth is None:
        return None
    accounts = Accounts(settings.auth)
    problems = accounts.problems()
    if problems:
        raise StoreError(" ".join(problems))
    return accounts
